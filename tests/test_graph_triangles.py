"""Clustering and transitivity."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors
from cofire.graph import clustering, transitivity, triangles
from graph_goldens import assert_golden, each_golden
from graph_networks import (
    as_networkx,
    directed,
    random_network,
    relabelled,
    seeds,
    signed,
    undirected,
    without_compilation,
)
from reference import graph_local as reference

FORMS = {"bu": (False, False), "bd": (True, False), "wu": (False, True), "wd": (True, True)}
flags = st.booleans()


def options(form):
    return dict(zip(("directed", "weighted"), FORMS[form], strict=True))


@each_golden
def test_goldens(golden, forms):
    for form in FORMS:
        matrix = forms[form.upper()]
        assert_golden(clustering(matrix, **options(form)), golden, f"clust_{form}")
        compat = "bct" if form == "wd" else None
        assert_golden(transitivity(matrix, **options(form), compat=compat), golden, f"trans_{form}")
    assert_golden(clustering(forms["WU"], directed=False, weighted=True), golden, "nx_clust_wu")
    assert_golden(clustering(golden["A"], weighted=True), golden, "nx_clust_wd")
    assert_golden(transitivity(forms["BU"], directed=False), golden, "nx_transitivity")


@each_golden
def test_bct_has_no_transitivity_where_one_node_has_no_triangle(golden, forms):
    """Three golden networks have such nodes: trans_wd is 0 there although triangles are not."""
    ours = transitivity(forms["WD"], weighted=True)
    lacking = (golden["clust_wd"] == 0).any()
    assert ours > 0
    if lacking:
        assert golden["trans_wd"] == 0
    else:
        assert_golden(ours, golden, "trans_wd")
    # The same formula without weights is not treated so.
    ones = transitivity(forms["BD"], weighted=True)
    assert_golden(ones, golden, "trans_bd")


@given(directed, flags)
def test_clustering_equals_the_definition(adjacency, weighted):
    found = clustering(adjacency, weighted=weighted)
    expected = reference.clustering(adjacency, True, weighted)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@given(undirected, flags)
def test_undirected_clustering_equals_the_definition_and_the_directed_form(adjacency, weighted):
    found = clustering(adjacency, directed=False, weighted=weighted)
    expected = reference.clustering(adjacency, False, weighted)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    as_directed = clustering(adjacency, weighted=weighted)
    np.testing.assert_allclose(as_directed, found, rtol=1e-12, atol=1e-14)


@given(directed, flags)
def test_transitivity_equals_the_ratio_of_sums(adjacency, weighted):
    closed, possible = reference.triangles(adjacency, True, weighted)
    found = transitivity(adjacency, weighted=weighted)
    if possible.sum() == 0:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(closed.sum() / possible.sum(), rel=1e-12, abs=1e-14)


@given(directed, flags, seeds)
def test_coefficients_are_shares_and_follow_the_order_of_nodes(adjacency, weighted, seed):
    found = clustering(adjacency, weighted=weighted)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-12).all()
    other, order = relabelled(adjacency, seed)
    np.testing.assert_allclose(clustering(other, weighted=weighted), found[order], rtol=1e-12)


@given(directed, st.sampled_from([1e-3, 2.0, 1e100]))
def test_only_the_ratios_of_weights_and_not_their_direction_matter(adjacency, factor):
    found = clustering(adjacency, weighted=True)
    scaled = clustering(adjacency * factor, weighted=True)
    np.testing.assert_allclose(scaled, found, rtol=1e-12)
    np.testing.assert_allclose(clustering(adjacency.T, weighted=True), found, rtol=1e-12)


@given(signed)
def test_without_weights_their_sign_does_not_matter(adjacency):
    np.testing.assert_array_equal(clustering(adjacency), clustering(np.abs(adjacency)))


@pytest.mark.parametrize("form", FORMS)
def test_clustering_equals_networkx_on_larger_networks(form):
    is_directed, weighted = FORMS[form]
    adjacency = random_network(120, 0.1, 3, undirected=not is_directed)
    expected = nx.clustering(
        as_networkx(adjacency, is_directed), weight="weight" if weighted else None
    )
    found = clustering(adjacency, **options(form))
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-10)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_are_bitwise_equal_for_any_number_of_threads(threads, monkeypatch):
    adjacency = random_network(200, 0.2, 4)
    expected = clustering(adjacency, weighted=True, threads=1)
    one_block = clustering(adjacency, weighted=True, threads=threads)
    assert np.array_equal(one_block, expected)
    monkeypatch.setattr(triangles, "_STEPS", 1000)
    in_blocks = clustering(adjacency, weighted=True, threads=threads)
    assert np.array_equal(in_blocks, clustering(adjacency, weighted=True, threads=1))
    np.testing.assert_allclose(in_blocks, expected, rtol=1e-13)


def test_a_complete_network_is_all_triangles():
    complete = np.ones((5, 5))
    for form in FORMS:
        assert clustering(complete, **options(form)).tolist() == [1.0] * 5
        assert transitivity(complete, **options(form)) == 1.0


def test_a_cycle_of_three_closes_half_of_what_three_mutual_pairs_could():
    cycle = np.roll(np.eye(3), 1, axis=1)
    assert clustering(cycle).tolist() == [0.5] * 3
    assert transitivity(cycle) == 0.5


def test_hubs_of_20000_partners_do_not_overflow():
    n = 20_000
    rim = np.arange(1, n)
    spokes = sparse.coo_array((np.ones(n - 1), (np.zeros(n - 1, int), rim)), shape=(n, n))
    chain = sparse.coo_array((np.ones(n - 2), (rim[:-1], rim[1:])), shape=(n, n))
    wheel = spokes + chain
    wheel = wheel + wheel.T
    found = clustering(wheel, directed=False)
    assert found[0] == (2 * (n - 2)) / ((n - 1) * (n - 2))
    assert found[2] == 2 / 3
    np.testing.assert_array_equal(clustering(wheel), found)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_networks_without_edges(form, n):
    assert clustering(np.eye(n), **options(form)).tolist() == [0.0] * n
    assert math.isnan(transitivity(np.eye(n), **options(form)))


@pytest.mark.parametrize("form", FORMS)
def test_loops_and_isolated_nodes_change_nothing_for_others(form):
    adjacency = random_network(8, 0.6, 5, undirected=True)
    larger = np.zeros((10, 10))
    larger[:8, :8] = adjacency + 9 * np.eye(8)
    found = clustering(larger, **options(form))
    np.testing.assert_allclose(found[:8], clustering(adjacency, **options(form)), rtol=1e-14)
    assert found[8:].tolist() == [0.0, 0.0]
    assert transitivity(larger, **options(form)) == pytest.approx(
        transitivity(adjacency, **options(form))
    )


def test_any_layout_of_memory():
    adjacency = random_network(9, 0.5, 6)
    expected = clustering(adjacency, weighted=True)
    read_only = adjacency.copy()
    read_only.flags.writeable = False
    strided = np.kron(adjacency, np.ones((2, 2)))[::2, ::2]
    for form in (read_only, strided, np.asfortranarray(adjacency), sparse.csc_array(adjacency)):
        assert np.array_equal(clustering(form, weighted=True), expected)


@pytest.mark.parametrize("form", FORMS)
def test_kernels_run_without_compilation(form, monkeypatch):
    adjacency = random_network(12, 0.4, 7, undirected=not FORMS[form][0])
    expected = clustering(adjacency, **options(form))
    without_compilation(monkeypatch, triangles)
    np.testing.assert_allclose(clustering(adjacency, **options(form)), expected, rtol=1e-14)


NEGATIVE = np.array([[0, 1.0, 2.0], [0, 0, -1.0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clustering(NEGATIVE, weighted=True), r"geometric mean.*adjacency\[1, 2\] is -1"),
        (lambda: clustering(NEGATIVE, directed=False), "symmetric"),
        (lambda: clustering(np.ones((2, 3))), "square"),
        (lambda: clustering(np.ones((2, 2)), threads=0), "threads must be a positive integer"),
        (lambda: transitivity(np.ones((2, 2)), compat="bct"), "leave it out"),
        (lambda: transitivity(np.ones((2, 2)), compat="nx"), "compat must be one of 'bct'"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()
