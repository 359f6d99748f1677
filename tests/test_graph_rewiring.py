"""Rewired graphs: what stays, what is random, and what is refused."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import cofire as cf
from cofire import errors, graph
from reference import graph_nulls as reference

wirings = st.builds(
    lambda n, density, seed, directed, signed: make(n, density, seed, directed, signed),
    st.integers(0, 14),
    st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0]),
    st.integers(0, 99),
    st.booleans(),
    st.booleans(),
)


def make(n, density, seed=0, directed=True, signed=False):
    """A weighted graph, all weights different; ``(matrix, directed)``."""
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random((n, n)) < density, rng.permutation(n * n).reshape(n, n) + 1.0, 0.0)
    if signed:
        matrix *= rng.choice([-1.0, 1.0], (n, n))
    np.fill_diagonal(matrix, 0.0)
    if not directed:
        matrix = np.triu(matrix)
        matrix += matrix.T
    return matrix, directed


def degrees(matrix):
    """Edges of either sign, out and in, of every node."""
    return [(part.sum(axis=axis)).tolist() for part in (matrix > 0, matrix < 0) for axis in (0, 1)]


def weights_of(matrix):
    return np.sort(matrix[matrix != 0])


@given(wirings, st.integers(0, 99), st.booleans())
def test_degrees_and_weights_are_kept_and_no_edge_is_a_loop_or_twice(wiring, seed, connected):
    matrix, directed = wiring
    (null,) = graph.rewire(matrix, rng=seed, directed=directed, connected=connected)
    assert isinstance(null, sparse.csr_array)
    assert null.has_canonical_format
    found = null.toarray()
    assert null.nnz == np.count_nonzero(matrix)
    assert not found.diagonal().any()
    np.testing.assert_array_equal((found != 0).sum(axis=0), (matrix != 0).sum(axis=0))
    np.testing.assert_array_equal((found != 0).sum(axis=1), (matrix != 0).sum(axis=1))
    np.testing.assert_array_equal(weights_of(found), weights_of(matrix))
    if directed:
        for before, after in zip(matrix, found, strict=True):
            np.testing.assert_array_equal(weights_of(after), weights_of(before))
    else:
        np.testing.assert_array_equal(found, found.T)


@given(wirings, st.integers(0, 99))
def test_dealt_weights_keep_the_edges_of_either_sign(wiring, seed):
    matrix, directed = wiring
    (null,) = graph.rewire(matrix, rng=seed, directed=directed, weights="strength")
    found = null.toarray()
    assert degrees(found) == degrees(matrix)
    np.testing.assert_array_equal(weights_of(found), weights_of(matrix))
    if not directed:
        np.testing.assert_array_equal(found, found.T)


@given(wirings, st.integers(0, 99), st.sampled_from([2, 3, 5]))
def test_nulls_depend_on_seed_and_number_alone(wiring, seed, threads):
    matrix, directed = wiring
    settings = {"rng": seed, "directed": directed, "attempts": 50}
    five = graph.rewire(matrix, 5, threads=1, **settings)
    again = graph.rewire(matrix, 5, threads=threads, **settings)
    later = graph.rewire(matrix, 2, draw=3, **settings)
    for a, b in zip([*five, *five[3:]], [*again, *later], strict=True):
        np.testing.assert_array_equal(a.toarray(), b.toarray())


@given(wirings, st.integers(0, 99))
def test_connected_keeps_every_path(wiring, seed):
    matrix, directed = wiring
    (null,) = graph.rewire(matrix, rng=seed, directed=directed, connected=True)
    before, after = reference.reachable(matrix != 0), reference.reachable(null.toarray() != 0)
    assert (after >= before).all()


def test_connected_matters():
    """A ring falls into several rings without it, and never with it."""
    ring = nx.to_numpy_array(nx.cycle_graph(30))
    free = graph.rewire(ring, 20, directed=False)
    kept = graph.rewire(ring, 20, directed=False, connected=True)
    assert any(not nx.is_connected(nx.from_scipy_sparse_array(each)) for each in free)
    assert all(nx.is_connected(nx.from_scipy_sparse_array(each)) for each in kept)
    assert sum((each.toarray() != ring).any() for each in kept) == 20
    one_way = np.roll(np.eye(30), 1, axis=1) + np.roll(np.eye(30), 3, axis=1)
    for null in graph.rewire(one_way, 20, connected=True):
        assert nx.is_strongly_connected(nx.from_scipy_sparse_array(null, create_using=nx.DiGraph))


@given(wirings, st.integers(0, 99))
def test_lattices_keep_degrees_and_come_nearer_the_diagonal(wiring, seed):
    matrix, directed = wiring
    matrix = abs(matrix)
    (null,) = graph.lattice(matrix, rng=seed, directed=directed)
    found = null.toarray()
    assert degrees(found) == degrees(matrix)
    np.testing.assert_array_equal(weights_of(found), weights_of(matrix))
    n = len(matrix)
    i, j = np.indices((n, n))
    far = reference.ring_distance(i, j, n)
    assert (found * far).sum() <= (matrix * far).sum() * (1 + 1e-12)


def test_a_lattice_is_clustered():
    wiring = make(80, 0.08, directed=False)[0] != 0
    (null,) = graph.lattice(wiring, directed=False, attempts=200_000)
    before, after = (reference.clustering(m).mean() for m in (wiring, null.toarray() != 0))
    assert after > 3 * before


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("density", [0.05, 0.2, 0.4])
def test_rewired_graphs_are_mixed(density, directed):
    """Edges shared with the original are as many as two random graphs share."""
    wiring = make(150, density, 2, directed)[0] != 0
    n_edges = wiring.sum()
    shared = [
        (wiring & (null.toarray() != 0)).sum() / n_edges
        for null in graph.rewire(wiring, 20, directed=directed)
    ]
    # Expected from the degrees alone, k_out k_in / m of each edge, not of self-loops.
    out, into = wiring.sum(axis=1), wiring.sum(axis=0)
    expected = (np.outer(out, into) / n_edges)[wiring].mean()
    assert np.mean(shared) == pytest.approx(expected, abs=0.03)


def test_all_graphs_of_the_degrees_are_equally_likely():
    """Two edges in and out of each of four nodes: every such graph, as often as the others."""
    wiring = np.roll(np.eye(4), 1, axis=1) + np.roll(np.eye(4), 2, axis=1)
    n_null = 4000
    found = {}
    for null in graph.rewire(wiring, n_null, attempts=600):
        key = null.toarray().tobytes()
        found[key] = found.get(key, 0) + 1
    counts = np.array(list(found.values()))
    # The complement has one edge in and out of each node and no loop: 9 derangements.
    assert len(counts) == 9
    assert ((counts - n_null / 9) ** 2 / (n_null / 9)).sum() < 26.1  # chi-squared, 8 df, p 0.001


@pytest.mark.parametrize("directed", [True, False])
def test_dealt_weights_keep_strengths_nearly(directed):
    rng = np.random.default_rng(1)
    strength = rng.lognormal(0, 1, 100)
    matrix = np.outer(strength, strength) * rng.lognormal(0, 0.5, (100, 100))
    matrix *= make(100, 0.3, 3)[0] != 0
    if not directed:
        matrix = np.triu(matrix) + np.triu(matrix).T
    (dealt,) = graph.rewire(matrix, directed=directed, weights="strength")
    for axis in (0, 1):
        before, after = matrix.sum(axis=axis), dealt.sum(axis=axis)
        assert np.corrcoef(before, after)[0, 1] > 0.95
    assert np.mean(dealt.toarray()[matrix != 0] == matrix[matrix != 0]) < 0.5


def test_in_a_complete_signed_graph_signs_trade_places():
    matrix = make(30, 1.0, 4, False, signed=True)[0]
    (null,) = graph.rewire(matrix, directed=False, weights="strength")
    found = null.toarray()
    assert degrees(found) == degrees(matrix)
    same = (np.sign(found) == np.sign(matrix))[~np.eye(30, dtype=bool)].mean()
    assert 0.4 < same < 0.7
    # Degrees and weights alone leave nothing to exchange.
    (stuck,) = graph.rewire(matrix, directed=False)
    np.testing.assert_array_equal(stuck.toarray(), matrix)


def test_numbered_edges_let_several_values_travel():
    counts, _ = make(20, 0.3, 5)
    numbers = sparse.csr_array(counts)
    numbers.data = np.arange(1.0, numbers.nnz + 1)
    (null,) = graph.rewire(numbers)
    looked_up = sparse.csr_array(counts).data[null.data.astype(int) - 1]
    (expected,) = graph.rewire(counts)
    np.testing.assert_array_equal(looked_up, expected.data)


def test_few_calls_with_many_attempts_are_many_with_few(monkeypatch):
    matrix, _ = make(30, 0.2, 6)
    expected = graph.rewire(matrix)[0].toarray()
    monkeypatch.setattr("cofire.graph.rewiring._CHUNK", 7)
    np.testing.assert_array_equal(graph.rewire(matrix)[0].toarray(), expected)


def test_any_form_of_graph_is_rewired_and_left_as_it_is():
    matrix, _ = make(12, 0.4, 7)
    matrix[3, 3] = 5.0
    before = matrix.copy()
    expected = graph.rewire(matrix)[0].toarray()
    assert not expected.diagonal().any()
    readonly = matrix.copy()
    readonly.flags.writeable = False
    wiring = cf.Connectome.from_matrix(matrix.astype(int))
    forms = [readonly, np.asfortranarray(matrix), sparse.coo_array(matrix)]
    for form in [*forms, nx.from_numpy_array(matrix, create_using=nx.DiGraph), wiring]:
        np.testing.assert_array_equal(graph.rewire(form)[0].toarray(), expected)
    np.testing.assert_array_equal(matrix, before)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize("options", [{}, {"connected": True}, {"weights": "strength"}])
def test_graphs_that_cannot_change_come_back(n, options):
    for matrix in (np.zeros((n, n)), 1.0 - np.eye(n)):
        for directed in (True, False):
            nulls = graph.rewire(matrix, 2, directed=directed, **options)
            assert [null.shape for null in nulls] == [(n, n)] * 2
            for null in nulls:
                np.testing.assert_array_equal(null.toarray(), matrix)
    assert graph.rewire(np.eye(3), 0) == []
    assert graph.rewire(np.eye(3)[[1, 2, 0]], attempts=0)[0].toarray().tolist() == [
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0],
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: graph.rewire(np.ones((2, 3))), r"must be square, \[pre, post\], got shape"),
        (lambda: graph.rewire([[0, np.nan], [1, 0]]), r"adjacency\[0, 1\] is nan"),
        (lambda: graph.rewire([[0, 1], [0, 0]], directed=False), "symmetric for directed=False"),
        (lambda: graph.rewire(np.eye(3), weights="none"), "weights must be one of 'source'"),
        (lambda: graph.rewire(np.eye(3), -1), "n must be at least 0, got -1"),
        (lambda: graph.rewire(np.eye(3), attempts=-1), "attempts must be at least 0"),
        (lambda: graph.rewire(np.eye(3), rng=-1), r"rng must lie in \[0, 2\*\*64\)"),
        (lambda: graph.lattice([[0, -1], [1, 0]]), "must not be negative here"),
        (lambda: graph.threshold_proportional(np.eye(2), 1.5), r"p must lie in \[0, 1\]"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()


@given(wirings, st.floats(0, 1))
def test_the_strongest_edges_are_kept(wiring, p):
    matrix, directed = wiring
    found = graph.threshold_proportional(matrix, p, directed=directed).toarray()
    n = len(matrix)
    if directed:
        wanted, given_, kept = round(p * n * (n - 1)), weights_of(matrix), weights_of(found)
    else:
        np.testing.assert_array_equal(found, found.T)
        wanted = round(p * n * (n - 1) / 2)
        given_, kept = weights_of(np.triu(matrix)), weights_of(np.triu(found))
    np.testing.assert_array_equal(kept, given_[max(len(given_) - wanted, 0) :])
    assert ((found == matrix) | (found == 0)).all()


def test_of_equal_weights_the_first_are_kept():
    found = graph.threshold_proportional(np.ones((4, 4)), 0.5).toarray()
    np.testing.assert_array_equal(found.sum(axis=1), [3, 3, 0, 0])
    both = graph.threshold_proportional(np.ones((4, 4)), 0.5, directed=False).toarray()
    np.testing.assert_array_equal(both[0], [0, 1, 1, 1])
    assert both.sum() == 6
