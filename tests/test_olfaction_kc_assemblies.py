"""Assemblies of Kenyon cells against the wiring: planted structure is found, none is not."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cofire import bin_spikes, plot
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.nn import OlfactoryNetwork
from cofire.nn.olfactory_wiring import read_counts
from cofire.studies import larval_olfaction as study

SIDE = np.arange(24) % 2
MEMBERS = np.arange(24) // 6 == np.arange(3)[:, None]


def pairwise_means(values, members, side):
    """Within and between assemblies, pair by pair."""
    found = {True: [], False: []}
    for i, j in itertools.combinations(range(len(side)), 2):
        if side[i] == side[j] and members[:, i].any() and members[:, j].any():
            found[bool((members[:, i] & members[:, j]).any())].append(values[i, j])
    return np.mean(found[True]), np.mean(found[False]), len(found[True]), len(found[False])


def symmetric(seed, n=24):
    values = np.random.default_rng(seed).random((n, n))
    return values + values.T


def test_means_are_those_of_the_pairs_of_one_side():
    values = symmetric(0)
    members = MEMBERS.copy()
    members[0, 8] = True
    test = study.compare_wiring("x", values, members, SIDE, 50)
    within, between, n_within, n_between = pairwise_means(values, members, SIDE)
    assert test.within == pytest.approx(within)
    assert test.between == pytest.approx(between)
    assert (test.n_within, test.n_between, test.n_cells) == (n_within, n_between, 18)
    assert test.difference == pytest.approx(within - between)


def test_planted_wiring_is_found_and_chance_is_not():
    planted = symmetric(1) + 2.0 * (MEMBERS.T.astype(int) @ MEMBERS > 0)
    test = study.compare_wiring("x", planted, MEMBERS, SIDE, 500)
    assert test.p == pytest.approx(1 / 501)
    assert test.effect > 0.9
    p = [study.compare_wiring("x", symmetric(k), MEMBERS, SIDE, 200, rng=k).p for k in range(60)]
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.05) < 0.15


def test_the_null_keeps_sides_apart():
    """Wiring that follows the hemisphere alone is no finding."""
    one_sided = np.where(SIDE == 0, 5.0, 1.0)
    values = np.minimum.outer(one_sided, one_sided)
    test = study.compare_wiring("x", values, MEMBERS, SIDE, 100)
    assert test.p == 1.0
    np.testing.assert_allclose(test.null, test.difference)


def test_without_pairs_there_is_no_test():
    test = study.compare_wiring("x", symmetric(0), np.zeros((0, 24), bool), SIDE, 10)
    assert np.isnan([test.p, test.effect, test.difference]).all()
    assert (test.n_within, test.n_cells, len(test.null)) == (0, 0, 0)
    assert np.isnan(test.to_row()["null_sd"])


@pytest.fixture(scope="module")
def trained(shared):
    folder = shared / "data" / "larval_olfaction"
    network = OlfactoryNetwork.from_data(folder, dtype=torch.float32)
    weights = shared / "golden" / "olfactory_seed42.npz"
    network.load_published(study.read_parameters(weights))
    return SimpleNamespace(
        network=network, panel=study.load_panel(folder), counts=read_counts(folder)
    )


@pytest.fixture(scope="module")
def found(trained):
    return study.find_kc_assemblies(
        trained.network, trained.panel, trained.counts, n_trials=20, n_permutations=200
    )


def test_every_trial_is_an_epoch_and_no_spike_is_lost(trained):
    inputs = np.repeat(trained.panel.responses[:3], 2, axis=0)
    spikes = study.kc_spikes(trained.network, inputs, seed=5)
    with torch.no_grad():
        out = trained.network(torch.from_numpy(inputs), noise=True, seed=5)
    assert len(spikes.support) == 6
    counts = bin_spikes(spikes, 0.030).counts
    np.testing.assert_array_equal(counts, out.kc_count.numpy().T)
    fine = bin_spikes(spikes, 0.001)
    assert fine.counts.shape == (144, 180)
    assert fine.counts.sum() == counts.sum()


def test_assemblies_of_a_trained_network_share_their_input(found):
    assert 5 <= found.n_assemblies <= 20
    assert found.tuning.shape == (found.n_assemblies, 28)
    by_name = {test.measure: test for test in found.tests}
    shared_input = by_name["PN input similarity"]
    assert shared_input.p == pytest.approx(1 / 201)
    assert shared_input.effect > 0.5
    assert shared_input.within > 2 * shared_input.between
    connected = by_name["KC-KC connected"]
    assert 0 < connected.between < 1
    assert shared_input.n_within == connected.n_within


def test_sides_are_those_of_the_contacts(found):
    across = found.side[:, None] != found.side[None]
    assert found.contacts[across].sum() < 0.01 * found.contacts.sum()
    assert found.input_similarity[across].mean() < 0.1 * found.input_similarity[~across].mean()
    assert (np.bincount(found.side) > 60).all()


def test_tables_have_a_row_a_test_and_a_row_an_assembly(found):
    assert found.to_frame()["measure"].tolist() == [test.measure for test in found.tests]
    assemblies = found.assembly_frame()
    assert len(assemblies) == found.n_assemblies
    assert assemblies["n_members"].tolist() == found.members.sum(1).tolist()
    assert set(assemblies["best_odor"]) <= set(found.odors)
    assert "assemblies, PN input similarity" in repr(found)


def test_the_figure_shows_tuning_wiring_and_tests(found):
    figure, axes = found.plot()
    figure.canvas.draw()
    assert axes.shape == (2, 3)
    assert "n = 20 trials" in axes[0, 0].get_title(loc="left")
    assert f"n = {found.tests[0].n_cells} members" in axes[0, 1].get_xlabel()
    assert "p < 0.01" in axes[1, 0].get_title(loc="left")


def test_odors_can_be_removed_and_bins_be_short(trained):
    few = trained.panel.select(range(0, 28, 4))
    found = study.find_kc_assemblies(
        trained.network, few, trained.counts, n_trials=40, n_permutations=20,
        bin_width=0.010, remove_odor=True,
    )  # fmt: skip
    assert found.bin_width == 0.010
    assert found.n_assemblies > 0


def test_a_silent_network_has_no_assemblies_and_still_a_figure(trained):
    few = trained.panel.select([0, 1])
    with pytest.warns(match="no unit is active"):
        found = study.find_kc_assemblies(
            trained.network, few, trained.counts, n_trials=2, n_steps=1, n_permutations=5
        )
    assert found.n_assemblies == 0
    assert found.to_frame()["p"].isna().all()
    assert found.assembly_frame().empty
    plot.plot_kc_assemblies(found)[0].canvas.draw()


def test_counts_that_do_not_fit_are_named(trained):
    lacking = {k: v for k, v in trained.counts.items() if k != "kc_to_kc_da"}
    with pytest.raises(MissingDataError, match="counts lack kc_to_kc_da"):
        study.find_kc_assemblies(trained.network, trained.panel, lacking)
    cut = trained.counts | {f"pn_to_kc_{t}": np.ones((72, 9)) for t in ("aa", "ad", "da", "dd")}
    with pytest.raises(InvalidArgumentError, match="pn_to_kc must have 144 Kenyon cells"):
        study.find_kc_assemblies(trained.network, trained.panel, cut)
    with pytest.raises(InvalidArgumentError, match="must not exceed a trial of 30 steps"):
        study.find_kc_assemblies(
            trained.network, trained.panel, trained.counts, n_trials=1, bin_width=0.1
        )
