"""The core–periphery division is the best of all divisions."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire import errors
from graph_goldens import each_golden
from reference import graph_communities as reference

bct = pytest.importorskip("bct")
seeds = st.integers(0, 2**32 - 1)
gammas = st.sampled_from([0.5, 1.0, 1.4])


def random_network(seed, n):
    rng = np.random.default_rng(seed)
    w = rng.exponential(size=(n, n)) * (rng.random((n, n)) < rng.uniform(0.2, 0.9))
    np.fill_diagonal(w, 0)
    w[0, 1] += 1  # never without edges
    return w


@given(seeds, gammas)
def test_no_division_has_a_larger_score(seed, gamma):
    w = random_network(seed, 6)
    found = cf.graph.core_periphery(w, gamma=gamma, weighted=True)
    scores = [
        reference.score_of_core(w, np.array(core), gamma)
        for core in itertools.product([False, True], repeat=6)
    ]
    assert found.q == pytest.approx(max(scores), rel=1e-12, abs=1e-12)
    assert found.q == pytest.approx(reference.score_of_core(w, found.core, gamma), abs=1e-12)


@given(seeds, gammas)
def test_division_follows_its_nodes_and_not_directions_or_units(seed, gamma):
    w = random_network(seed, 20)
    found = cf.graph.core_periphery(w, gamma=gamma, weighted=True)
    order = np.random.default_rng(seed).permutation(20)
    for other in (w[np.ix_(order, order)], 7.3 * w[np.ix_(order, order)].T):
        moved = cf.graph.core_periphery(other, gamma=gamma, weighted=True)
        np.testing.assert_array_equal(moved.core, found.core[order])
        assert moved.q == pytest.approx(found.q, rel=1e-12)
    symmetric = cf.graph.core_periphery(w + w.T, gamma=gamma, weighted=True, directed=False)
    np.testing.assert_array_equal(symmetric.core, found.core)


@each_golden
def test_flips_of_single_nodes_end_in_the_same_division(golden, forms):
    w = forms["WD"]
    if len(w) > 100:
        pytest.skip("bctpy takes half a minute")
    core, q = bct.core_periphery_dir(w.copy(), gamma=1.1, seed=1)
    found = cf.graph.core_periphery(golden["A"], gamma=1.1, weighted=True)
    np.testing.assert_array_equal(found.core, core)
    assert found.q == pytest.approx(q, rel=1e-9)


def test_a_planted_core_is_found():
    rng = np.random.default_rng(0)
    in_core = np.arange(300) < 60
    p = np.where(in_core[:, None] & in_core, 0.5, np.where(in_core[:, None] | in_core, 0.2, 0.02))
    found = cf.graph.core_periphery(rng.random((300, 300)) < p)
    np.testing.assert_array_equal(found.core, in_core)
    assert repr(found).startswith("CorePeriphery(300 nodes, 60 core, q = 0.")
    frame = found.to_frame()
    assert list(frame.columns) == ["node", "core", "contribution"]
    assert (frame["contribution"] > 0).equals(frame["core"])


def test_a_regular_network_has_no_core_and_a_loop_counts_nothing():
    ring = np.roll(np.eye(9), 1, axis=1)
    assert not cf.graph.core_periphery(ring).core.any()
    np.testing.assert_array_equal(
        cf.graph.core_periphery(ring + 5 * np.eye(9)).contribution,
        cf.graph.core_periphery(ring).contribution,
    )


@pytest.mark.parametrize("n", [0, 1, 4])
def test_without_edges_there_is_no_core(n):
    found = cf.graph.core_periphery(np.eye(n))
    assert found.core.shape == (n,)
    assert not found.core.any()
    assert np.isnan(found.q)


def test_read_only_input_stays_as_it_is():
    club = nx.to_numpy_array(nx.karate_club_graph())
    club.flags.writeable = False
    found = cf.graph.core_periphery(club[::-1, ::-1], directed=False)
    np.testing.assert_array_equal(found.core[::-1], cf.graph.core_periphery(club).core)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cf.graph.core_periphery(np.ones((2, 2)), gamma=-1), "gamma.*negative.*-1"),
        (lambda: cf.graph.core_periphery(np.ones((2, 2)), gamma=np.nan), "gamma must be finite"),
        (lambda: cf.graph.core_periphery(-np.ones((2, 2)), weighted=True), "negative.*sum"),
        (lambda: cf.graph.core_periphery([[0, 1], [0, 0]], directed=False), "symmetric"),
    ],
)
def test_what_has_no_core_is_refused(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()
