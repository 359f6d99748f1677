"""Betweenness of nodes and edges."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors
from cofire.graph import _brandes_hops, _dijkstra, betweenness, distance, edge_betweenness
from graph_goldens import assert_golden, each_golden
from graph_networks import (
    as_networkx,
    directed,
    random_network,
    relabelled,
    seeds,
    undirected,
    without_compilation,
)
from reference import graph_paths as reference

weights = st.booleans()


@each_golden
def test_goldens(golden, forms):
    """Rounding decides between paths of equal length in the files, hence tolerance=0."""
    exactly = {"weighted": True, "tolerance": 0}
    assert_golden(betweenness(forms["BU"], directed=False), golden, "bc_bin_bu")
    assert_golden(betweenness(forms["BD"]), golden, "bc_bin_bd")
    assert_golden(betweenness(forms["WD"], **exactly), golden, "bc_wei_wd")
    assert_golden(betweenness(forms["WU"], directed=False, **exactly), golden, "bc_wei_wu")
    assert_golden(betweenness(forms["W0"], **exactly), golden, "nx_bc_dir_invw")
    assert_golden(betweenness(forms["W0"], **exactly), golden, "ebc_wei_wd.1")
    und = betweenness(forms["BU"], directed=False, normalized=True)
    assert_golden(und, golden, "nx_bc_und")
    assert_golden(betweenness(forms["BD"], normalized=True), golden, "nx_bc_dir")
    # The files of 312 nodes hold float32.
    loose = {"rtol": 1e-6} if golden["ebc_bin_bd"].dtype == np.float32 else {}
    assert_golden(edge_betweenness(forms["BD"]).toarray(), golden, "ebc_bin_bd", **loose)
    weighted = edge_betweenness(forms["WD"], **exactly).toarray()
    assert_golden(weighted, golden, "ebc_wei_wd.0", **loose)


@given(directed, weights)
def test_betweenness_equals_the_definition(a, weighted):
    expected = reference.betweenness(a, weighted)
    np.testing.assert_allclose(betweenness(a, weighted=weighted), expected, rtol=1e-12, atol=1e-14)


@given(directed, weights)
def test_edge_betweenness_equals_the_definition(a, weighted):
    found = edge_betweenness(a, weighted=weighted)
    expected = reference.edge_betweenness(a, weighted)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-12, atol=1e-14)
    off = a - np.diag(np.diag(a))
    assert found.nnz == np.count_nonzero(off)  # an entry for each edge, 0 included


@given(undirected, weights)
def test_the_undirected_call_checks_symmetry_and_changes_nothing(a, weighted):
    found = betweenness(a, directed=False, weighted=weighted)
    np.testing.assert_array_equal(found, betweenness(a, weighted=weighted))
    edges = edge_betweenness(a, directed=False, weighted=weighted).toarray()
    np.testing.assert_allclose(edges, edges.T, rtol=1e-12, atol=1e-14)


@given(directed, seeds, weights)
def test_betweenness_follows_the_order_of_nodes(a, seed, weighted):
    b, order = relabelled(a, seed)
    expected = betweenness(a, weighted=weighted)[order]
    np.testing.assert_allclose(betweenness(b, weighted=weighted), expected, rtol=1e-12, atol=1e-14)


@given(directed, weights)
def test_edges_add_up_to_nodes_and_all_paths_to_their_lengths(a, weighted):
    nodes, edges = betweenness(a, weighted=weighted), edge_betweenness(a, weighted=weighted)
    d = distance(a, weighted=weighted)
    connected = np.isfinite(d) & (d > 0)
    np.testing.assert_allclose(edges.sum(axis=1), nodes + connected.sum(axis=1), atol=1e-12)
    np.testing.assert_allclose(edges.sum(axis=0), nodes + connected.sum(axis=0), atol=1e-12)
    if not weighted:
        assert nodes.sum() == pytest.approx((d[connected] - 1).sum(), abs=1e-9)


@given(directed, weights, st.integers(0, 8))
def test_parts_of_the_sources_add_up(a, weighted, cut):
    n = len(a)
    parts = [
        betweenness(a, weighted=weighted, sources=np.arange(n)[piece])
        for piece in (slice(None, cut), slice(cut, None))
    ]
    whole = betweenness(a, weighted=weighted)
    np.testing.assert_allclose(parts[0] + parts[1], whole, rtol=1e-12, atol=1e-14)
    expected = reference.betweenness(a, weighted, sources=range(min(cut, n)))
    np.testing.assert_allclose(parts[0], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("density", [0.006, 0.02, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_hundreds_of_nodes_equal_networkx(density, weighted):
    """Levels that go along edges and levels that go against them, words that are not full."""
    a = random_network(203, density, 1)
    graph = as_networkx(a, directed=True)
    for _, _, edge in graph.edges(data=True):
        edge["length"] = 1 / edge["weight"]
    length = "length" if weighted else None
    expected = nx.betweenness_centrality(graph, weight=length, normalized=False)
    np.testing.assert_allclose(
        betweenness(a, weighted=weighted), list(expected.values()), rtol=1e-10, atol=1e-10
    )
    edges = nx.edge_betweenness_centrality(graph, weight=length, normalized=False)
    found = edge_betweenness(a, weighted=weighted)
    np.testing.assert_allclose(
        [found[edge] for edge in edges], list(edges.values()), rtol=1e-10, atol=1e-10
    )


def test_paths_of_equal_length_are_found_in_spite_of_rounding():
    """1/2 + 1/12 and 1/3 + 1/4 are 7/12; in floats they differ in the last digit."""
    a = np.zeros((4, 4))
    a[0, 1], a[1, 3] = 2, 12
    a[0, 2], a[2, 3] = 3, 4
    assert 1 / 2 + 1 / 12 != 1 / 3 + 1 / 4
    np.testing.assert_allclose(betweenness(a, weighted=True), [0, 0.5, 0.5, 0])
    rounded = betweenness(a, weighted=True, tolerance=0)
    assert sorted(rounded) == [0, 0, 0, 1]


@given(directed)
def test_ties_are_those_of_exact_arithmetic_also_for_tiny_and_huge_weights(a):
    for scale in (1e-200, 1e200):
        np.testing.assert_allclose(
            betweenness(a * scale, weighted=True), reference.betweenness(a, True), atol=1e-12
        )


def test_an_edge_much_shorter_than_its_path_makes_no_circle():
    a = np.zeros((4, 4))
    a[0, 1] = a[0, 2] = 1.0
    a[1, 2] = a[2, 1] = 1e15  # shorter than the tolerance
    a[1, 3] = a[2, 3] = 1.0
    found = betweenness(a, weighted=True)
    assert np.isfinite(found).all()
    assert found.sum() > 0


@pytest.mark.parametrize("weighted", [False, True])
def test_more_paths_than_integers_hold(weighted):
    """40 layers of 8 nodes: 8**39 shortest paths, beyond 2**63 and exact shares."""
    layers, width = 40, 8
    n = layers * width
    a = np.zeros((n, n))
    for k in range(layers - 1):
        a[k * width : (k + 1) * width, (k + 1) * width : (k + 2) * width] = 1
    found = betweenness(a, weighted=weighted).reshape(layers, width)
    k = np.arange(layers)
    expected = (width * k) * (width * (layers - 1 - k)) / width
    np.testing.assert_allclose(found, np.repeat(expected[:, None], width, axis=1), rtol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("measure", [betweenness, edge_betweenness])
def test_more_paths_than_floats_hold_are_an_error(measure, weighted):
    layers, width = 320, 10
    n = layers * width
    tail = np.arange(n - width)
    rows = np.repeat(tail, width)
    columns = ((tail // width + 1) * width)[:, None] + np.arange(width)
    a = sparse.csr_array((np.ones(len(rows)), (rows, columns.ravel())), shape=(n, n))
    with pytest.raises(errors.InvalidArgumentError, match="more than 1e308 shortest paths"):
        measure(a, weighted=weighted, sources=[0])


@pytest.mark.parametrize("weighted", [False, True])
def test_long_chains(weighted):
    n = 2000
    chain = sparse.diags_array(np.ones(n - 1), offsets=1, format="csr")
    k = np.arange(n)
    np.testing.assert_array_equal(betweenness(chain, weighted=weighted), k * (n - 1 - k))


def test_a_number_of_sources_estimates_without_bias():
    a = random_network(60, 0.08, 2)
    exact = betweenness(a)
    draws = np.array([betweenness(a, sources=15, rng=seed) for seed in range(300)])
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    z = (draws.mean(axis=0) - exact)[error > 0] / error[error > 0]
    assert np.abs(z).max() < 4.5
    assert abs(z.mean()) < 1
    np.testing.assert_allclose(betweenness(a, sources=60, rng=5), exact, rtol=1e-12)


def test_draws_follow_the_seed():
    a = random_network(60, 0.08, 2)
    first = betweenness(a, sources=10, rng=1)
    np.testing.assert_array_equal(first, betweenness(a, sources=10, rng=1))
    np.testing.assert_array_equal(
        betweenness(a, sources=10, rng=np.random.default_rng(7)),
        betweenness(a, sources=10, rng=np.random.default_rng(7)),
    )
    assert not np.array_equal(first, betweenness(a, sources=10, rng=2))


@pytest.mark.parametrize("weighted", [False, True])
def test_results_are_bitwise_equal_for_any_number_of_threads(weighted, monkeypatch):
    monkeypatch.setattr("cofire.graph.brandes._VISITS", 50_000)
    a = random_network(300, 0.03, 3)
    one, two, four = (betweenness(a, weighted=weighted, threads=k) for k in (1, 2, 4))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, four)
    one, three = (edge_betweenness(a, weighted=weighted, threads=k) for k in (1, 3))
    np.testing.assert_array_equal(one.data, three.data)


@pytest.mark.parametrize("weighted", [False, True])
def test_small_and_odd_graphs(weighted):
    kind = {"weighted": weighted}
    for n in range(4):
        empty = np.zeros((n, n))
        for normalized in (False, True):
            found = betweenness(empty, normalized=normalized, **kind)
            np.testing.assert_array_equal(found, np.zeros(n))
            edges = edge_betweenness(empty, normalized=normalized, **kind)
            assert (edges.shape, edges.nnz) == ((n, n), 0)
    loops = np.array([[5.0, 1.0], [0.0, 5.0]])
    np.testing.assert_array_equal(betweenness(loops, **kind), [0, 0])
    np.testing.assert_array_equal(edge_betweenness(loops, **kind).toarray(), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(betweenness(loops, sources=[], **kind), [0, 0])


def test_normalization_divides_by_ordered_pairs():
    star = np.zeros((5, 5))
    star[0, 1:] = star[1:, 0] = 1
    np.testing.assert_allclose(betweenness(star, normalized=True), [1, 0, 0, 0, 0])
    edges = edge_betweenness(star, normalized=True).toarray()
    np.testing.assert_allclose(edges[0, 1:], 4 / 20)


def test_input_may_be_read_only_and_is_not_changed():
    a = np.asfortranarray(random_network(30, 0.2, 4))
    a.flags.writeable = False
    before = a.copy()
    sources = np.arange(0, 30, 3)
    sources.flags.writeable = False
    np.testing.assert_array_equal(
        betweenness(a, sources=sources), betweenness(before, sources=list(sources))
    )
    np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": 0}, "sources must be at least 1"),
        ({"sources": 4}, "at most the number of nodes, 3, got 4"),
        ({"sources": [0, 3]}, r"0 to 2: sources\[1\] is 3"),
        ({"sources": [-1]}, r"0 to 2: sources\[0\] is -1"),
        ({"sources": [1, 2, 1]}, "distinct: node 1 occurs twice"),
        ({"sources": [True, False, True]}, "of a mask take np.flatnonzero"),
        ({"sources": [[0]]}, r"of shape \(1, 1\)"),
        ({"sources": 2, "rng": -1}, "rng must lie in"),
        ({"weighted": True, "tolerance": -1}, "tolerance must not be negative"),
        ({"directed": False}, "must be symmetric"),
        ({"threads": 0}, "threads must be a positive"),
    ],
)
def test_bad_input_is_refused(options, message):
    chain = np.diag([1.0, 1.0], 1)
    for measure in (betweenness, edge_betweenness):
        with pytest.raises(errors.InvalidArgumentError, match=message):
            measure(chain, **options)


def test_negative_weights_have_no_lengths():
    with pytest.raises(errors.InvalidArgumentError, match=r"1 / weight.*\[0, 1\] is -2"):
        betweenness([[0, -2], [1, 0]], weighted=True)


@pytest.mark.parametrize("weighted", [False, True])
def test_kernels_run_as_plain_python(weighted, monkeypatch):
    a = random_network(30, 0.1, 2)
    nodes = betweenness(a, weighted=weighted)
    edges = edge_betweenness(a, weighted=weighted).data
    without_compilation(monkeypatch, _brandes_hops, _dijkstra)
    np.testing.assert_allclose(betweenness(a, weighted=weighted), nodes, rtol=1e-14)
    np.testing.assert_allclose(edge_betweenness(a, weighted=weighted).data, edges, rtol=1e-14)
