"""Communicability, subgraph centrality, eigenvector, PageRank and Katz centrality."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, sparse

from cofire import errors
from cofire.graph import communicability, eigenvector, katz, pagerank, subgraph_centrality
from graph_goldens import assert_golden, each_golden
from graph_networks import as_networkx, directed, random_network, relabelled, seeds, undirected
from reference import graph_paths as reference

weights = st.booleans()


def clean(a, weighted):
    """Without self-loops, and binary where weights are not looked at."""
    a = a - np.diag(np.diag(a))
    return a if weighted else (a != 0) * 1.0


@each_golden
def test_goldens(golden, forms):
    wu, bu = forms["WU"], forms["BU"]
    norm = communicability(wu, directed=False, weighted=True, normalized=True)
    # The file of 312 nodes holds float32.
    loose = {"rtol": 1e-6} if golden["communicability_wu_norm"].dtype == np.float32 else {}
    assert_golden(norm, golden, "communicability_wu_norm", **loose)
    if "communicability_bu" in golden:
        assert_golden(communicability(bu, directed=False), golden, "communicability_bu")
    found = subgraph_centrality(bu, directed=False)
    assert_golden(found, golden, "subgraph_centrality_bu")
    assert_golden(eigenvector(wu, weighted=True), golden, "eig_und")
    assert_golden(pagerank(forms["W0"]), golden, "nx_pagerank", atol=1e-5)


@given(directed, weights)
def test_communicability_is_the_sum_over_walks(a, weighted):
    expected = reference.exponential(clean(a, weighted) / 8)
    found = communicability(clean(a, weighted) / 8, weighted=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@given(directed, weights)
def test_normalized_communicability_is_the_exponential_of_the_normalized_matrix(a, weighted):
    s = reference.normalized(clean(a, weighted))
    found = communicability(a, weighted=weighted, normalized=True)
    np.testing.assert_allclose(found, reference.exponential(s), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("n", [50, 200])
def test_the_truncated_exponential_is_exact_to_float64(n):
    a = random_network(n, 0.1, 3)
    found = communicability(a, weighted=True, normalized=True)
    expected = linalg.expm(reference.normalized(a))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_a_node_without_outputs_has_row_and_column_zero():
    a = np.array([[0, 2.0, 1], [0, 0, 0], [1, 0, 0]])
    found = communicability(a, weighted=True, normalized=True)
    np.testing.assert_array_equal(found[1], [0, 1, 0])
    np.testing.assert_array_equal(found[:, 1], [0, 1, 0])


@given(directed, st.sampled_from([1e-3, 0.7, 1e6]))
def test_normalized_communicability_does_not_change_with_the_scale_of_weights(a, factor):
    np.testing.assert_allclose(
        communicability(factor * a, weighted=True, normalized=True),
        communicability(a, weighted=True, normalized=True),
        rtol=1e-12,
    )


@given(directed, seeds, st.booleans())
def test_communicability_follows_the_order_of_nodes(a, seed, normalized):
    b, order = relabelled(a, seed)
    np.testing.assert_allclose(
        communicability(b, normalized=normalized),
        communicability(a, normalized=normalized)[np.ix_(order, order)],
        rtol=1e-10,
        atol=1e-13,
    )


@given(undirected, weights)
def test_subgraph_centrality_is_the_diagonal(a, weighted):
    small = a / 10
    diagonal = np.diag(communicability(small, directed=False, weighted=weighted))
    for kind in (False, True):
        found = subgraph_centrality(small, directed=kind, weighted=weighted)
        np.testing.assert_allclose(found, diagonal, rtol=1e-10)
    assert (diagonal >= 1 - 1e-12).all()


@given(directed)
def test_directed_subgraph_centrality_is_the_diagonal(a):
    found = subgraph_centrality(a)
    np.testing.assert_allclose(found, np.diag(communicability(a)), rtol=1e-12)


@given(undirected, weights)
def test_eigenvector_is_one_of_the_matrix(a, weighted):
    m = clean(a, weighted)
    x = eigenvector(a, weighted=weighted)
    if not m.any():
        np.testing.assert_array_equal(x, 0)
        return
    largest = np.linalg.eigvalsh(m)[-1]
    np.testing.assert_allclose(m @ x, largest * x, atol=1e-9 * largest)
    assert (x >= 0).all()
    assert np.linalg.norm(x) == pytest.approx(1)


@given(undirected, seeds)
def test_eigenvector_follows_the_order_of_nodes_also_where_pieces_are_alike(a, seed):
    n = len(a)
    twice = np.kron(np.eye(2), a)
    b, order = relabelled(twice, seed)
    x = eigenvector(twice, weighted=True)
    np.testing.assert_allclose(eigenvector(b, weighted=True), x[order], atol=1e-9)
    np.testing.assert_allclose(x[:n], x[n:], atol=1e-9)


def test_eigenvector_of_hundreds_of_nodes():
    a = random_network(250, 0.03, 2, undirected=True)
    x = eigenvector(a, weighted=True)
    np.testing.assert_allclose(x, np.abs(np.linalg.eigh(a)[1][:, -1]), atol=1e-10)
    np.testing.assert_array_equal(x, eigenvector(a, weighted=True))


@given(directed, st.sampled_from([0.0, 0.5, 0.85, 0.99]))
def test_pagerank_is_the_stationary_state(a, damping):
    found = pagerank(a, damping=damping)
    if len(a) == 0:
        assert found.shape == (0,)
        return
    np.testing.assert_allclose(found, reference.pagerank(clean(a, True), damping), atol=1e-10)
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()


@given(directed, seeds)
def test_pagerank_and_katz_follow_the_order_of_nodes(a, seed):
    b, order = relabelled(a, seed)
    np.testing.assert_allclose(pagerank(b), pagerank(a)[order], atol=1e-11)
    alpha = 0.01
    np.testing.assert_allclose(katz(b, alpha=alpha), katz(a, alpha=alpha)[order], atol=1e-12)


def test_pagerank_without_weights():
    a = random_network(40, 0.1, 1)
    expected = nx.pagerank(as_networkx(a, True), weight=None, tol=1e-14)
    np.testing.assert_allclose(pagerank(a, weighted=False), list(expected.values()), atol=1e-10)


@given(directed, weights)
def test_katz_solves_its_equations(a, weighted):
    m = clean(a, weighted)
    radius = np.abs(np.linalg.eigvals(m)).max(initial=0)
    # Without cycles all eigenvalues are 0 but for rounding: take an alpha of our own.
    acyclic = nx.is_directed_acyclic_graph(as_networkx(m, True))
    alpha = 0.3 if acyclic else 0.9 / radius
    found = katz(a, weighted=weighted, alpha=alpha if acyclic else None)
    if len(a):
        np.testing.assert_allclose(found, reference.katz(m, alpha), rtol=1e-6, atol=1e-9)
        assert np.linalg.norm(found) == pytest.approx(1)


def test_katz_of_hundreds_of_nodes():
    a = random_network(250, 0.03, 2)
    radius = np.abs(np.linalg.eigvals(a)).max()
    np.testing.assert_allclose(katz(a, weighted=True), reference.katz(a, 0.9 / radius), rtol=1e-9)


def test_katz_near_its_limit_says_when_it_has_not_converged():
    ring = np.roll(np.eye(6), 1, axis=1)
    ring[0, 2] = 1
    radius = np.abs(np.linalg.eigvals(ring)).max()
    with pytest.warns(errors.ConvergenceWarning, match="katz stopped"):
        katz(ring, alpha=(1 - 1e-9) / radius)


def test_small_and_odd_graphs():
    for n in range(3):
        empty = np.zeros((n, n))
        for normalized in (False, True):
            np.testing.assert_allclose(communicability(empty, normalized=normalized), np.eye(n))
        np.testing.assert_allclose(subgraph_centrality(empty), np.ones(n))
        np.testing.assert_allclose(subgraph_centrality(empty, directed=False), np.ones(n))
        np.testing.assert_array_equal(eigenvector(empty), np.zeros(n))
        np.testing.assert_allclose(pagerank(empty), np.full(n, 1 / max(n, 1)))
        np.testing.assert_allclose(katz(empty), np.full(n, 1 / np.sqrt(max(n, 1))))


def test_self_loops_are_left_out():
    a = random_network(20, 0.2, 3)
    loops = a + np.diag(np.arange(20.0))
    for measure in (communicability, subgraph_centrality, pagerank, katz):
        np.testing.assert_array_equal(measure(loops), measure(a))


def test_large_sparse_networks_need_no_matrix_of_their_size():
    n = 20_000
    rng = np.random.default_rng(0)
    cells = rng.choice(n * n, 100_000, replace=False)
    a = sparse.csr_array((np.ones(len(cells)), (cells // n, cells % n)), shape=(n, n))
    for found in (pagerank(a), katz(a), eigenvector(a + a.T)):
        assert found.shape == (n,)
        assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: communicability(800 * a), None),
        (lambda a: communicability(800 * a, weighted=True), "too strong.*normalized=True"),
        (lambda a: subgraph_centrality(800 * a, weighted=True), "too strong.*800"),
        (
            lambda a: subgraph_centrality(800 * a, weighted=True, directed=False),
            "too strong.*800",
        ),
        (lambda a: communicability(-a, weighted=True), "walks have no sign"),
        (lambda a: eigenvector(np.triu(a)), "symmetric"),
        (lambda a: eigenvector(-a, weighted=True), "both signs"),
        (lambda a: pagerank(a, damping=1.0), r"damping must lie in \[0, 1\)"),
        (lambda a: pagerank(a, tolerance=0), "tolerance must be positive"),
        (lambda a: pagerank(-a), "chances"),
        (lambda a: katz(a, alpha=1.0), r"alpha must lie in \[0, 1\), 1 / spectral"),
        (lambda a: katz(a, alpha=-0.1), "alpha must lie in"),
        (lambda a: katz(np.triu(a)), "without cycles"),
    ],
)
def test_bad_input_is_refused(call, message):
    pair = np.array([[0.0, 1.0], [1.0, 0.0]])
    if message is None:
        call(pair)
        return
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call(pair)


def test_a_matrix_beyond_the_memory_is_refused():
    n = 2_000_000
    for measure in (communicability, subgraph_centrality):
        with pytest.raises(errors.TooLargeError, match="take a part of the graph"):
            measure(sparse.csr_array((n, n)))
