"""The larval olfactory network is wired as the connectome says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cofire as cf
from cofire.errors import FileFormatError, MissingDataError, RecordingNotFoundError
from cofire.io.kreher2008 import RECEPTORS
from cofire.io.larval_olfaction import excitatory_local_neurons
from cofire.nn import OlfactoryNetwork
from cofire.nn import olfactory_wiring as wiring


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "data" / "larval_olfaction"


@pytest.fixture(scope="module")
def counts(folder):
    return wiring.read_counts(folder)


@pytest.mark.parametrize(
    ("name", "edges", "contacts", "largest"),
    [
        ("orn_pn", 455, 6361, 121),
        ("orn_ln", 408, 5982, 64),
        ("ln_pn", 440, 2821, 72),
        ("ln_pn_excit", 103, 533, 37),
        ("ln_ln", 418, 1716, 48),
        ("pn_ln", 394, 1397, 27),
        ("orn_ln_nonad", 182, 1044, 28),
        ("ln_pn_nonad", 546, None, 25),
        ("ln_pn_excit_nonad", 36, None, 15),
        ("ln_ln_nonad", 605, 3240, 108),
        ("pn_ln_nonad", 518, 2478, 30),
        ("ln_orn_nonad", 310, 1822, 20),
        ("pn_kc", 688, 4019, 46),
        ("pn_kc_nonad", 3, 3, 1),
        ("kc_kc_aa", 5774, 13621, 65),
        ("kc_kc_ad", 12, 12, 1),
        ("kc_kc_dd", 987, 1191, 5),
        ("kc_kc_da", 29, 30, 2),
        ("kc_apl", 139, 925, 17),
        ("kc_apl_da", 124, 578, 11),
        ("apl_kc", 133, 681, 14),
        ("gap_ln", 354 * 2, None, None),
        ("gap_pn", 929 * 2, None, None),
        ("gap_eln_pn", 103, None, None),
    ],
)
def test_pathways_have_the_edges_of_the_connectome(counts, name, edges, contacts, largest):
    pathway = wiring.olfactory_plan(counts).pathway(name)
    assert pathway.n_edges == edges
    assert pathway.values.max() == 1.0
    if largest is not None:
        whole = pathway.values * largest
        np.testing.assert_allclose(whole, np.round(whole), atol=1e-9)
        assert np.gcd.reduce(np.round(whole).astype(int)) == 1
    if contacts is not None:
        assert whole.sum() == pytest.approx(contacts)


def test_signs_and_timing_are_those_of_the_model(counts):
    plan = wiring.olfactory_plan(counts)
    synapses = [w for w in plan.pathways if w.kind == "synapse"]
    assert [w.name for w in synapses] == list(wiring.SYNAPSES)
    assert {w.name for w in synapses if w.sign < 0} == {
        "ln_pn", "ln_ln", "ln_pn_nonad", "ln_ln_nonad", "ln_orn_nonad",
    }  # fmt: skip
    assert {w.name for w in synapses if w.timing == "previous"} == {
        "ln_orn_nonad", "ln_ln", "pn_ln", "ln_ln_nonad", "pn_ln_nonad", "kc_kc_ad", "kc_kc_aa",
    }  # fmt: skip
    assert {w.name for w in synapses if w.divided} == {"pn_kc", "pn_kc_nonad"}
    assert plan.n_noise == 2766
    assert plan.n_all == 368


@pytest.mark.parametrize(
    ("quantile", "mask", "n_excitatory", "n_inhibitory"),
    [(0.33, "q033", 9, 17), (0.20, "q020", 6, 20), (0.417, "q0417", 12, 14), (0.5, "q050", 13, 13)],
)
def test_few_targets_make_a_local_neuron_excitatory(
    folder, counts, quantile, mask, n_excitatory, n_inhibitory
):
    found = excitatory_local_neurons(counts["ln_to_pn_ad"], quantile)
    assert found.sum() == n_excitatory
    assert ((counts["ln_to_pn_ad"] > 0).any(1) & ~found).sum() == n_inhibitory
    with np.load(folder / "larval_olfaction.npz") as file:
        np.testing.assert_array_equal(found, file[f"eln_mask_{mask}"])
    plan = wiring.olfactory_plan(counts, quantile=quantile)
    assert len(plan.pathway("gap_eln_pn").active_pre) == n_excitatory


def test_no_targets_make_no_excitatory_neurons():
    assert not excitatory_local_neurons(np.zeros((3, 2))).any()
    with pytest.raises(ValueError, match="quantile must lie between 0 and 1"):
        excitatory_local_neurons(np.ones((3, 2)), 1.5)


def test_pairs_have_the_receptor_of_their_position_or_identity(folder):
    np.testing.assert_array_equal(wiring.receptor_of_orn(), np.repeat(np.arange(21), 2))
    by_identity = wiring.receptor_of_orn("identity")
    assert sorted(by_identity) == sorted(np.repeat(np.arange(21), 2))
    pairs = by_identity[::2]
    names = [RECEPTORS[i] for i in pairs]
    assert names[:3] == ["Or42a", "Or67b", "Or45a"]
    kept = [name for k, name in enumerate(names) if RECEPTORS[k] == name]
    assert {"Or59a", "Or83a"} <= set(kept)
    for name, receptor in zip(names, wiring.PAIR_RECEPTORS, strict=True):
        assert receptor in (None, name)
    x = torch.rand(1, 21, dtype=torch.float64)
    network = OlfactoryNetwork.from_data(folder, or_map="identity")
    drive = network.drive(x)[0, :42].detach()
    wanted = x[0, by_identity] * np.log1p(np.e) * 5e-10
    torch.testing.assert_close(drive, wanted)
    with pytest.raises(ValueError, match="or_map must be one of"):
        wiring.receptor_of_orn("random")


def test_the_registered_matrix_is_the_sum_of_its_types(counts):
    plan = wiring.olfactory_plan(counts, ln_orn="registered")
    total = sum(counts[f"ln_to_orn_{kind}"].astype(float) for kind in ("aa", "da", "dd"))
    found = plan.pathway("ln_orn_nonad").weights.toarray()
    np.testing.assert_allclose(found, total / total.max())
    published = wiring.olfactory_plan(counts).pathway("ln_orn_nonad")
    assert sorted(published.values) == sorted(plan.pathway("ln_orn_nonad").values)
    with pytest.raises(ValueError, match="ln_orn must be one of"):
        wiring.olfactory_plan(counts, ln_orn="none")


def test_a_missing_or_damaged_folder_is_explained(tmp_path):
    with pytest.raises(RecordingNotFoundError, match=r"doi:10.1126/science.add9330"):
        OlfactoryNetwork.from_data(tmp_path / "nowhere")
    (tmp_path / "larval_olfaction.npz").write_bytes(b"no archive")
    with pytest.raises(FileFormatError, match="is damaged or no npz file"):
        OlfactoryNetwork.from_data(tmp_path)
    np.savez(tmp_path / "larval_olfaction.npz", orn_to_pn_ad=np.ones((42, 72)))
    with pytest.raises(MissingDataError, match="counts lack the matrices orn_to_ln_ad, "):
        OlfactoryNetwork.from_data(tmp_path)


def test_the_whole_connectome_gives_the_same_network(shared, counts):
    winding = cf.io.read_winding2023(shared / "data" / "winding2023" / "winding2023_s1.npz")
    made = cf.io.larval_olfactory_matrices(winding)
    network = OlfactoryNetwork.from_data(None, counts=made, ln_orn="registered")
    assert network.network.plan == wiring.olfactory_plan(counts, ln_orn="registered")
    with pytest.raises(MissingDataError, match=r'nonad_asused; .* or set ln_orn="registered"'):
        OlfactoryNetwork.from_data(None, counts=made)
