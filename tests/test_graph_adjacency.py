"""What counts as a graph, and what is refused."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

import cofire as cf
from cofire import errors
from cofire.graph._adjacency import _compressed, as_graph

A = np.array([[5.0, 2.0, 0.0], [0.0, 0.0, 1.0], [3.0, 0.0, 0.0]])


def test_all_forms_of_one_graph_are_the_same():
    digraph = nx.from_numpy_array(A, create_using=nx.DiGraph)
    connectome = cf.Connectome.from_matrix(A.astype(int))
    duplicated = sparse.coo_array(([1.0, 1.0, 5, 1, 3], ([0, 0, 0, 1, 2], [1, 1, 0, 2, 0])))
    forms = [A, A.tolist(), A.astype(np.uint8), sparse.csr_array(A), sparse.csc_matrix(A)]
    for form in [*forms, digraph, connectome, duplicated, A.astype(object)]:
        graph = as_graph(form)
        np.testing.assert_array_equal(graph.dense(), A - np.diag(np.diag(A)))
        assert graph.n_self_loops == 1
        assert (graph.n, graph.n_edges, graph.directed) == (3, 3, True)
        assert graph.indptr.dtype == np.int64
        assert graph.indices.dtype == np.int32


def test_the_input_stays_as_it_is():
    matrix = sparse.csr_array(A)
    before = matrix.copy()
    graph = as_graph(matrix, weighted=False)
    assert (matrix != before).nnz == 0
    np.testing.assert_array_equal(graph.weights, 1.0)
    read_only = A.copy()
    read_only.flags.writeable = False
    assert as_graph(read_only).weights.flags.writeable


def test_backwards_is_the_transpose():
    np.testing.assert_array_equal(as_graph(A).reverse().dense(), as_graph(A.T).dense())
    symmetric = as_graph(A + A.T, directed=False)
    assert symmetric.reverse() is symmetric


def test_empty_graphs():
    assert as_graph(np.zeros((0, 0))).n == 0
    assert as_graph(np.zeros((4, 4)), directed=False).n_edges == 0
    assert as_graph(nx.DiGraph([(0, 0)])).n_edges == 0


@pytest.mark.parametrize(
    ("adjacency", "options", "error", "message"),
    [
        (np.zeros((2, 3)), {}, errors.InvalidArgumentError, r"square.*\(2, 3\)"),
        (np.zeros(3), {}, errors.InvalidArgumentError, "2-D"),
        ("graph", {}, errors.InvalidTypeError, "real numbers"),
        (A * 1j, {}, errors.InvalidTypeError, "real numbers, got complex"),
        (object(), {}, errors.InvalidTypeError, "networkx graph or a Connectome, got object"),
        (A * [1, np.nan, 1], {}, errors.InvalidArgumentError, r"adjacency\[0, 1\] is nan"),
        (-A, {}, errors.InvalidArgumentError, r"adjacency\[0, 0\] is -5; pass abs"),
        (
            A,
            {"directed": False},
            errors.InvalidArgumentError,
            r"\[0, 1\] is 2.*\[1, 0\]",
        ),
    ],
)
def test_what_is_refused_is_named(adjacency, options, error, message):
    with pytest.raises(error, match=message):
        as_graph(adjacency, **options)


def test_a_rectangular_connectome_is_refused():
    wiring = cf.Connectome.from_matrix([[1, 0, 2]], ids=[1], columns=[1, 2, 3])
    with pytest.raises(errors.InvalidArgumentError, match="same cells as rows and columns"):
        as_graph(wiring)


def test_without_weights_negative_entries_are_edges():
    np.testing.assert_array_equal(as_graph(-A, weighted=False).weights, 1.0)
    assert as_graph(-A, negative="keep").weights.min() == -3.0


@pytest.mark.parametrize("array", [A, A.T, A[::2, ::2], np.zeros((0, 0)), np.zeros((3, 3)), -A])
def test_dense_rows_are_compressed_as_scipy_does(array):
    found, expected = _compressed(np.asarray(array)), sparse.csr_array(array)
    assert found.shape == expected.shape
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))
