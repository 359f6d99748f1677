"""Matching index, topological overlap and overlap of the neighborhoods of edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors
from cofire.graph import (
    edge_neighborhood_overlap,
    matching_index,
    neighbors,
    topological_overlap,
)
from graph_goldens import assert_golden, each_golden
from graph_networks import (
    directed,
    random_network,
    relabelled,
    seeds,
    signed,
    undirected,
    without_compilation,
)
from reference import graph_local as reference

KINDS = ("in", "out", "all")
kinds, forms_of = st.sampled_from(KINDS), st.sampled_from(["bct", "ravasz"])
CHAIN = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)


def dense(overlap, empty=np.inf):
    """With inf where there is no edge, as bctpy has it."""
    result = np.full(overlap.shape, empty)
    rows = np.repeat(np.arange(overlap.shape[0]), np.diff(overlap.indptr))
    result[rows, overlap.indices] = overlap.data
    return result


@each_golden
def test_goldens(golden, forms):
    found = {
        f"matching.{k}": matching_index(golden["A"], kind=kind) for k, kind in enumerate(KINDS)
    }
    found["gtom1"] = topological_overlap(forms["BU"])
    for is_directed in (True, False):
        overlap = edge_neighborhood_overlap(forms["BU"], directed=is_directed)
        found["edge_nei_overlap_bu"] = dense(overlap)
        for key, values in found.items():
            if key in golden:
                assert_golden(values, golden, key)
    # The largest network comes without them.
    assert len(golden["A"]) == 312 or set(found) <= set(golden)


@given(signed, kinds)
def test_matching_index_equals_the_definition(adjacency, kind):
    found = matching_index(adjacency, kind=kind)
    np.testing.assert_allclose(found, reference.matching_index(adjacency, kind), rtol=1e-13)
    np.testing.assert_array_equal(found, found.T)
    assert (found <= 1).all()


@given(undirected)
def test_the_three_kinds_are_one_for_a_symmetric_matrix(adjacency):
    expected = matching_index(adjacency, kind="in")
    np.testing.assert_array_equal(matching_index(adjacency, kind="out"), expected)
    np.testing.assert_allclose(matching_index(adjacency), expected, rtol=1e-14)


@given(undirected, st.integers(1, 4), forms_of)
def test_topological_overlap_equals_the_definition(adjacency, steps, form):
    found = topological_overlap(adjacency, steps=steps, form=form)
    expected = reference.topological_overlap(adjacency, steps, form)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_array_equal(found, found.T)
    assert (found >= 0).all()
    assert (found <= 1).all()


@given(undirected)
def test_the_smaller_neighborhood_gives_the_larger_overlap(adjacency):
    larger = topological_overlap(adjacency, form="ravasz")
    assert (larger >= topological_overlap(adjacency)).all()


@given(directed)
def test_edge_overlap_equals_the_definition(adjacency):
    found = edge_neighborhood_overlap(adjacency)
    np.testing.assert_array_equal(found.data, reference.edge_neighborhood_overlap(adjacency))
    without = adjacency - np.diag(np.diag(adjacency))
    np.testing.assert_array_equal(
        np.isfinite(dense(found, np.inf)) | np.isnan(dense(found)), without != 0
    )


@given(directed, seeds, kinds)
def test_results_follow_the_order_of_nodes(adjacency, seed, kind):
    other, order = relabelled(adjacency, seed)
    grid = np.ix_(order, order)
    found = matching_index(adjacency, kind=kind)
    np.testing.assert_array_equal(matching_index(other, kind=kind), found[grid])
    found = dense(edge_neighborhood_overlap(adjacency))
    np.testing.assert_array_equal(dense(edge_neighborhood_overlap(other)), found[grid])
    both, both_other = adjacency + adjacency.T, other + other.T
    found = topological_overlap(both, steps=2)
    np.testing.assert_array_equal(topological_overlap(both_other, steps=2), found[grid])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_are_bitwise_equal_for_any_number_of_threads(threads):
    adjacency = random_network(200, 0.1, 4, undirected=True)
    for measure in (matching_index, topological_overlap):
        expected = measure(adjacency, threads=1)
        assert np.array_equal(measure(adjacency, threads=threads), expected)


def test_twins_match_and_strangers_do_not():
    twins = np.zeros((5, 5))
    twins[[0, 1], 2] = twins[[0, 1], 3] = twins[0, 1] = 1
    assert matching_index(twins, kind="out")[0, 1] == 1.0
    assert matching_index(twins, kind="in")[2, 3] == 1.0
    assert matching_index(twins)[4].tolist() == [0.0] * 5


def test_an_edge_whose_ends_have_no_other_neighbor_has_no_overlap():
    pair = np.array([[0, 1.0, 0], [0, 0, 0], [0, 0, 0]])
    assert np.isnan(edge_neighborhood_overlap(pair).data).all()
    bridge = edge_neighborhood_overlap(CHAIN, directed=False)
    assert bridge.nnz == 6
    assert bridge.data.tolist() == [0.0] * 6


@pytest.mark.parametrize("n", [0, 1, 3])
def test_networks_without_edges(n):
    for kind in KINDS:
        np.testing.assert_array_equal(matching_index(np.eye(n), kind=kind), np.zeros((n, n)))
    for steps in (1, 2):
        np.testing.assert_array_equal(topological_overlap(np.eye(n), steps=steps), np.eye(n))
    assert edge_neighborhood_overlap(np.eye(n)).shape == (n, n)
    assert edge_neighborhood_overlap(np.eye(n)).nnz == 0


def test_any_layout_of_memory_and_20000_nodes_where_the_result_is_sparse():
    adjacency = random_network(9, 0.5, 6)
    expected = matching_index(adjacency)
    read_only = adjacency.copy()
    read_only.flags.writeable = False
    for form in (read_only, np.asfortranarray(adjacency), sparse.csc_array(adjacency)):
        np.testing.assert_array_equal(matching_index(form), expected)
    n = 20_000
    ring = sparse.eye_array(n, k=1) + sparse.eye_array(n, k=2)
    overlap = edge_neighborhood_overlap(ring + ring.T)
    assert overlap[10, 11] == 0.5  # neighbors 8 9 12 and 9 12 13
    assert overlap[10, 12] == pytest.approx(1 / 5)  # 8 9 11 and 11 13 14


def test_kernels_run_without_compilation(monkeypatch):
    adjacency = random_network(10, 0.4, 7, undirected=True)
    measures = (matching_index, topological_overlap, lambda a: edge_neighborhood_overlap(a).data)
    expected = [measure(adjacency) for measure in measures]
    without_compilation(monkeypatch, neighbors)
    for measure, values in zip(measures, expected, strict=True):
        np.testing.assert_array_equal(measure(adjacency), values)


def test_results_that_do_not_fit_are_refused():
    huge = sparse.coo_array(([1.0], ([0], [1])), shape=(5_000_000, 5_000_000))
    for measure in (matching_index, lambda a: topological_overlap(a + a.T)):
        with pytest.raises(errors.TooLargeError, match="of all pairs"):
            measure(huge)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: matching_index(CHAIN, kind="und"), "kind must be one of 'in', 'out', 'all'"),
        (lambda: topological_overlap(np.triu(CHAIN)), "symmetric"),
        (lambda: topological_overlap(CHAIN, steps=0), "steps must be at least 1"),
        (lambda: topological_overlap(CHAIN, form="gtom"), "form must be one of"),
        (lambda: edge_neighborhood_overlap(np.triu(CHAIN), directed=False), "symmetric"),
        (lambda: matching_index(CHAIN, threads=-1), "threads must be a positive integer"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()
