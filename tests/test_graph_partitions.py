"""How far apart partitions are, and the one that many agree on."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import normalized_mutual_info_score

import cofire as cf
from cofire import errors
from reference import graph_communities as reference

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 2)), min_size=2, max_size=30)


@given(labels)
def test_distance_is_that_of_the_joint_table(pairs):
    x, y = np.array(pairs).T
    vi, nmi = cf.graph.partition_distance(x, y)
    assert nmi == pytest.approx(normalized_mutual_info_score(x, y), abs=1e-12)
    if len(np.unique(x)) + len(np.unique(y)) > 2:
        expected_vi, expected_nmi = reference.distance(x, y)
        assert vi == pytest.approx(expected_vi, abs=1e-12)
        assert nmi == pytest.approx(expected_nmi, abs=1e-12)


@given(labels, st.randoms(use_true_random=False))
def test_distance_is_symmetric_bounded_and_knows_no_names(pairs, random):
    x, y = np.array(pairs).T
    found = cf.graph.partition_distance(x, y)
    assert 0 <= found.vi <= 1
    assert 0 <= found.nmi <= 1
    assert tuple(cf.graph.partition_distance(y, x)) == pytest.approx(tuple(found), abs=1e-14)
    order = list(range(len(x)))
    random.shuffle(order)
    renamed = np.array(["q", "", "x", "yy", "a"])[x][order]
    moved = cf.graph.partition_distance(renamed, y[order])
    assert tuple(moved) == pytest.approx(tuple(found), abs=1e-14)


@given(labels, labels)
def test_variation_of_information_is_a_metric(first, second):
    n = min(len(first), len(second))
    x, y = np.array(first[:n]).T
    z = np.array(second[:n]).T[0]
    distance = cf.graph.partition_distance
    assert distance(x, y).vi <= distance(x, z).vi + distance(z, y).vi + 1e-12
    same = distance(x, [f"group {i}" for i in x])
    assert (same.vi, same.nmi) == (0.0, 1.0)


def test_distance_is_bctpys():
    bct = pytest.importorskip("bct")
    rng = np.random.default_rng(0)
    for _ in range(5):
        x, y = rng.integers(1, 5, (2, 40))
        expected = bct.partition_distance(x, y)
        np.testing.assert_allclose(tuple(cf.graph.partition_distance(x, y)), expected, rtol=1e-9)


def test_distance_of_trivial_partitions():
    distance = cf.graph.partition_distance
    assert tuple(distance([3], ["a"])) == (0.0, 1.0)
    assert tuple(distance([1, 1, 1], [2, 2, 2])) == (0.0, 1.0)
    assert tuple(distance([0, 1, 2, 3], [0, 0, 0, 0])) == (1.0, 0.0)
    assert tuple(distance(range(5), range(5, 10))) == (0.0, 1.0)


@given(st.integers(0, 2**32 - 1))
def test_agreement_is_the_share_of_partitions(seed):
    rng = np.random.default_rng(seed)
    partitions = rng.integers(0, 3, rng.integers(1, 9, 2))
    expected = (partitions[:, :, None] == partitions[:, None, :]).mean(axis=0)
    np.testing.assert_allclose(cf.graph.agreement(partitions), expected, rtol=1e-15)
    renamed = -partitions * np.arange(1, len(partitions) + 1)[:, None]
    np.testing.assert_array_equal(cf.graph.agreement(renamed), cf.graph.agreement(partitions))


def test_agreement_in_several_blocks_of_rows(monkeypatch):
    partitions = np.random.default_rng(1).integers(0, 4, (7, 50))
    whole = cf.graph.agreement(partitions)
    consensus = cf.graph.consensus(partitions, tau=0.3).labels
    monkeypatch.setattr("cofire.graph.partitions._ROWS", 8)
    np.testing.assert_array_equal(cf.graph.agreement(partitions), whole)
    np.testing.assert_array_equal(cf.graph.consensus(partitions, tau=0.3).labels, consensus)


def test_consensus_sees_through_noise_that_no_partition_is_free_of():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(6), 20)
    noisy = np.where(rng.random((50, 120)) < 0.35, rng.integers(0, 6, (50, 120)), truth)
    best = max(cf.graph.partition_distance(truth, one).nmi for one in noisy)
    found = cf.graph.consensus(noisy, tau=0.3)
    assert best < 0.7
    assert cf.graph.partition_distance(truth, found.labels).vi == 0
    assert found.converged
    assert repr(found) == "ConsensusPartition(120 nodes, 6 communities, agreed after 1 rounds)"
    assert list(found.to_frame().columns) == ["node", "community"]


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3]))
@settings(max_examples=10)
def test_consensus_is_the_same_for_any_number_of_threads(seed, threads):
    partitions = np.random.default_rng(seed).integers(0, 3, (6, 40))
    options = {"tau": 0.4, "n_runs": 10, "rng": seed}
    one = cf.graph.consensus(partitions, threads=1, **options)
    many = cf.graph.consensus(partitions, threads=threads, **options)
    np.testing.assert_array_equal(one.labels, many.labels)
    assert one.n_rounds == many.n_rounds


def test_consensus_of_one_partition_is_that_partition():
    partition = np.random.default_rng(2).integers(0, 5, 60)
    found = cf.graph.consensus([partition])
    assert cf.graph.partition_distance(found.labels, partition).vi == 0
    assert (np.diff(np.bincount(found.labels)) <= 0).all()


def test_consensus_of_runs_agrees_with_all_of_them_better_than_they_do():
    club = nx.les_miserables_graph()
    runs = [cf.graph.louvain(club, directed=False, rng=k, refine=False).labels for k in range(30)]
    nmi = np.array([[cf.graph.partition_distance(a, b).nmi for a in runs] for b in runs])
    found = cf.graph.consensus(runs).labels
    with_consensus = np.mean([cf.graph.partition_distance(a, found).nmi for a in runs])
    assert with_consensus > nmi.mean()


def test_nodes_that_are_with_nobody_stay_alone():
    partitions = [[0, 0, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 2]]
    found = cf.graph.consensus(partitions, tau=0.5)
    np.testing.assert_array_equal(found.labels, [0, 0, 1, 1, 2])
    apart = cf.graph.consensus(np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(apart.labels, np.arange(4))


def test_a_consensus_that_is_not_reached_is_called_so():
    ring = np.roll(np.eye(40), 1, axis=1) + np.roll(np.eye(40), 2, axis=1)
    runs = [cf.graph.louvain(ring, rng=k, refine=False).labels for k in range(10)]
    found = cf.graph.consensus(runs, tau=0.0, max_rounds=1, n_runs=20)
    assert (found.converged, found.n_rounds) == (False, 1)
    assert "not agreed" in repr(found)
    assert found.n_communities > 1


def test_no_nodes():
    assert cf.graph.agreement(np.zeros((3, 0))).shape == (0, 0)
    assert cf.graph.consensus(np.zeros((3, 0))).labels.shape == (0,)


def test_the_share_at_the_threshold_is_kept():
    partitions = [[0, 0]] * 7 + [[0, 1]] * 3
    for tau, together in ((0.7, True), (0.71, False)):
        found = cf.graph.consensus(partitions, tau=tau).labels
        assert (found[0] == found[1]) == together


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cf.graph.partition_distance([0, 1], [0]), r"y must have shape \(2,\).*\(1,\)"),
        (lambda: cf.graph.partition_distance([], []), "at least one node"),
        (lambda: cf.graph.partition_distance([0, math.nan], [0, 1]), r"x\[1\] is NaN"),
        (lambda: cf.graph.partition_distance([[0]], [0]), r"x must have shape \(n,\)"),
        (lambda: cf.graph.agreement([0, 1]), r"\(n_partitions, n\).*\(2,\)"),
        (lambda: cf.graph.agreement([[0, 1], [0]]), "rows of different lengths"),
        (lambda: cf.graph.agreement(np.zeros((0, 3))), r"with a partition.*\(0, 3\)"),
        (lambda: cf.graph.consensus([[0, math.nan]]), r"partitions\[0\]\[1\] is NaN"),
        (lambda: cf.graph.consensus([[0, 1]], tau=1.5), "tau.*1.5"),
        (lambda: cf.graph.consensus([[0, 1]], n_runs=0), "n_runs must be at least 1"),
        (lambda: cf.graph.consensus([[0, 1]], gamma=-1), "gamma.*negative"),
        (lambda: cf.graph.consensus([[0, 1]], max_rounds=0), "max_rounds"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()


def test_mixed_labels_are_refused():
    with pytest.raises(errors.InvalidTypeError, match="x must hold labels of one type"):
        cf.graph.partition_distance(np.array([1, "a"], dtype=object), [0, 1])
