"""Made connectomes: wired as they say, and without an effect blind to the assemblies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import cofire as cf
from cofire.datasets import make_connectome
from cofire.errors import InvalidArgumentError


def pairs_of(made):
    """Connected or not, probability and class of all pairs of recorded cells."""
    wiring = made.connectome
    known = np.array(list(made.membership))
    connected = wiring.subset(known).count.toarray() > 0
    p = made.probability(known, known)
    at = np.searchsorted(wiring.row_ids, known)
    shared = made.shared[at][:, at].toarray() > 0
    other = ~np.eye(len(known), dtype=bool)
    return connected[other], p[other], shared[other]


def test_a_seed_gives_one_connectome():
    first, second = (make_connectome(150, rng=4) for _ in range(2))
    assert first.connectome.to_frame().equals(second.connectome.to_frame())
    assert first.membership == second.membership
    assert not first.connectome.to_frame().equals(make_connectome(150, rng=5).connectome.to_frame())


def test_pairs_connect_as_often_as_their_probability_says():
    made = make_connectome(852, excess=2.0, chain_excess=0.5, recorded=0.5)
    connected = made.connectome.count.toarray() > 0
    p = made.probability()
    assert np.diagonal(p).tolist() == [0] * 852
    for low, high in ((0, 0.02), (0.02, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 1)):
        here = (p >= low) & (p < high)
        n, expected = here.sum(), p[here].sum()
        spread = np.sqrt((p[here] * (1 - p[here])).sum())
        assert n > 100
        assert abs(connected[here].sum() - expected) < 4 * spread


def test_density_is_what_was_asked_for():
    wanted = {"EE": 0.02, "EI": 0.10, "IE": 0.16, "II": 0.13}
    made = make_connectome(852)
    dense = made.connectome.count.toarray() > 0
    kind = made.connectome.ei.str[0].str.upper().to_numpy()
    for name, density in wanted.items():
        block = dense[kind == name[0]][:, kind == name[1]]
        assert block.mean() == pytest.approx(density, rel=0.1)
    assert make_connectome(400, density=0.05).connectome.count.nnz == pytest.approx(
        0.05 * 400 * 399, rel=0.1
    )


def test_more_cells_have_as_many_partners():
    small, large = (make_connectome(n).connectome for n in (852, 3000))
    assert large.count.nnz / 3000 == pytest.approx(small.count.nnz / 852, rel=0.1)


def test_the_planted_excess_is_there():
    connected, p, shared = pairs_of(make_connectome(1500, excess=3.0, recorded=0.5, density=0.02))
    assert connected[shared].mean() / connected[~shared].mean() == pytest.approx(4.0, rel=0.15)
    assert p[shared].mean() / p[~shared].mean() == pytest.approx(4.0, rel=0.1)


def test_the_planted_chains_are_there():
    made = make_connectome(1000, chain_excess=1.0, recorded=0.6, density=0.04, n_assemblies=4)
    wiring = made.connectome
    member, serving = made.members[1], made.serves == 2
    dense = wiring.count.toarray() > 0
    other = (made.serves > 0) & ~serving
    for block in (dense, dense.T):
        ratio = block[member][:, serving].mean() / block[member][:, other].mean()
        assert 1.2 < ratio < 2.2  # members of one are members of others
    inhibitory = (wiring.ei == "inhibitory").to_numpy()
    assert set(np.unique(made.serves[inhibitory])) == {1, 2, 3, 4}
    assert not made.serves[~inhibitory].any()


def test_without_effect_p_values_are_uniform():
    p_values = []
    for seed in range(100):
        made = make_connectome(250, rng=seed, recorded=0.6, n_assemblies=4, density=0.08)
        connected, _, shared = pairs_of(made)
        sizes = made.connectome.psd.data
        table = np.array([[(connected & s).sum(), (~connected & s).sum()]
                          for s in (shared, ~shared)])  # fmt: skip
        p_values.append(stats.chi2_contingency(table, correction=False).pvalue)
        assert (sizes > 0).all()
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_larger_synapses_where_they_were_asked_for():
    made = make_connectome(800, psd_shift=0.5, recorded=0.8, n_assemblies=4, density=0.05)
    psd = made.connectome.psd.tocoo()
    shared = made.shared.tocsr()[psd.row, psd.col] > 0
    log = np.log10(psd.data)
    excitatory = (made.connectome.ei == "excitatory").to_numpy()
    others = excitatory[psd.row] & excitatory[psd.col] & ~shared
    assert log[shared].mean() - log[others].mean() == pytest.approx(0.5, abs=0.03)
    single = log[others][made.connectome.count.tocoo().data[others] == 1]
    mean = 0.6316 * -2.0014 + 0.3684 * -2.6911
    assert single.mean() == pytest.approx(mean, abs=0.02)


@settings(max_examples=15)
@given(
    st.integers(0, 60), st.integers(0, 12), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1),
    st.floats(0, 3), st.integers(0, 99),
)  # fmt: skip
def test_the_parts_fit_each_other(n, k, excitatory, recorded, in_none, overlap, seed):
    made = make_connectome(
        n, n_assemblies=k, excitatory=excitatory, recorded=recorded, in_none=in_none,
        overlap=overlap, rng=seed,
    )  # fmt: skip
    cells = made.connectome.cells
    assert len(cells) == n
    assert (cells.index > 2**53).all()
    assert made.members.shape == (k, n)
    known = cells.index[cells["recorded"]]
    assert sorted(made.membership) == known.tolist()
    assert (cells["ei"][cells["recorded"]] == "excitatory").all()
    for cell, labels in made.membership.items():
        at = cells.index.get_loc(cell)
        assert labels == tuple(1 + np.flatnonzero(made.members[:, at]))
    assert not made.connectome.count.diagonal().any()
    p = made.probability()
    assert ((p >= 0) & (p <= 1)).all()
    assert (p[made.connectome.count.toarray() > 0] > 0).all()
    assert len(made.to_frame()) == k
    assert set(cells["layer"]) <= {"L23", "L4", "L5", "L6"}


def test_cells_in_none_in_one_and_in_several():
    made = make_connectome(2000, recorded=0.9, in_none=0.25, overlap=1.0)
    n = np.array([len(labels) for labels in made.membership.values()])
    assert (n == 0).mean() == pytest.approx(0.25, abs=0.05)
    assert n[n > 0].mean() == pytest.approx(2.0, abs=0.15)


def test_only_proofread_cells_have_synapses_out():
    made = make_connectome(400, proofread=0.5, recorded=0.3)
    cells = made.connectome.cells
    out = np.diff(made.connectome.count.indptr)
    assert cells["proofread"].sum() == 200
    assert not out[~cells["proofread"]].any()
    assert cells["proofread"][cells["recorded"]].all()
    assert not made.probability()[~cells["proofread"]].any()
    onto = made.connectome.subset("proofread", columns="ei == 'excitatory'")
    assert onto.shape == (200, 216)


def test_probabilities_of_some_pairs():
    made = make_connectome(100)
    ids = made.connectome.row_ids
    np.testing.assert_array_equal(
        made.probability(ids[[5, 2]], ids[:7]), made.probability()[[5, 2]][:, :7]
    )
    with pytest.raises(InvalidArgumentError, match=r"pre has unknown ids: \[1\]"):
        made.probability([1])


def test_20000_cells_are_wired_in_seconds():
    made = make_connectome(20_000, rng=1)
    assert made.connectome.count.nnz > 1_500_000
    assert repr(made).startswith("MadeConnectome(15 assemblies in Connectome(20000 cells")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"excitatory": 1.5}, r"excitatory is a share and must lie in \[0, 1\]"),
        ({"excess": -2}, "excess must be at least -1"),
        ({"chain_excess": 9.0}, "would connect E to I with probability"),
        ({"density": {"EE": 0.1}}, "density must be a number or have one for each of EE, EI"),
        ({"density": 2.0}, r"density must lie in \[0, 1\]"),
        ({"length": 0}, "length must be positive"),
        ({"overlap": -1}, "overlap must be at least 0"),
        ({"synapses": 0.5}, "synapses at least 1"),
        ({"n_cells": -1}, "n_cells must be at least 0"),
    ],
)
def test_impossible_connectomes_are_explained(options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make_connectome(**options)


def test_it_is_stored(tmp_path):
    made = make_connectome(80)
    cf.save(made, tmp_path / "made")
    found = cf.load(tmp_path / "made")
    assert repr(found) == repr(made)
    np.testing.assert_array_equal(found.probability(), made.probability())
