"""Degrees, strengths, density and reciprocity."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from scipy import sparse

from cofire import errors
from cofire.graph import degree, density, reciprocity, strength
from graph_goldens import assert_golden, each_golden
from graph_networks import as_networkx, directed, relabelled, seeds, signed, undirected
from reference.graph_local import without_loops

KINDS = ("in", "out", "total")
A = np.array([[5.0, 2.0, 0.0], [4.0, 0.0, 1.0], [0.0, 0.0, 0.0]])


@each_golden
def test_goldens(golden, forms):
    assert_golden(degree(forms["BU"], kind="und"), golden, "deg_und")
    for k, kind in enumerate(KINDS):
        assert_golden(degree(golden["A"], kind=kind), golden, f"deg_dir.{k}")
    assert_golden(strength(forms["WU"], kind="und"), golden, "str_und")
    assert_golden(strength(golden["A"], kind="in"), golden, "str_in")
    assert_golden(strength(golden["A"], kind="out"), golden, "str_out")
    for form, both in (("und", 2), ("dir", 1)):
        matrix = forms["BU" if form == "und" else "BD"]
        assert_golden(density(matrix, directed=form == "dir"), golden, f"density_{form}.0")
        assert len(degree(matrix)) == golden[f"density_{form}.1"]
        assert degree(matrix, kind="out").sum() == both * golden[f"density_{form}.2"]
    assert_golden(reciprocity(golden["A"]), golden, "nx_reciprocity")
    assert np.count_nonzero(golden["A"].diagonal()) == golden["n_selfloops"]


@given(signed)
def test_degrees_and_strengths_are_sums_over_columns_and_rows(adjacency):
    a = without_loops(adjacency)
    b = a != 0
    for function, matrix in ((degree, b), (strength, a)):
        arrive, leave = matrix.sum(axis=0), matrix.sum(axis=1)
        np.testing.assert_array_equal(function(adjacency, kind="in"), arrive)
        np.testing.assert_array_equal(function(adjacency, kind="out"), leave)
        np.testing.assert_array_equal(function(adjacency), arrive + leave)


@given(undirected)
def test_an_undirected_neighbor_counts_once_and_in_total_twice(adjacency):
    np.testing.assert_array_equal(degree(adjacency), 2 * degree(adjacency, kind="und"))
    np.testing.assert_array_equal(strength(adjacency), 2 * strength(adjacency, kind="und"))
    n, graph = len(adjacency), as_networkx(adjacency, directed=False)
    if n > 1:
        assert density(adjacency, directed=False) == density(adjacency) == nx.density(graph)


@given(directed, seeds)
def test_the_order_of_nodes_changes_the_order_of_results(adjacency, seed):
    other, order = relabelled(adjacency, seed)
    for kind in KINDS:
        np.testing.assert_array_equal(degree(other, kind=kind), degree(adjacency, kind=kind)[order])
        found = strength(other, kind=kind)
        np.testing.assert_allclose(found, strength(adjacency, kind=kind)[order], rtol=1e-14)
    for measure in (density, reciprocity):
        np.testing.assert_allclose(measure(other), measure(adjacency), rtol=1e-14)


@given(directed)
def test_density_and_reciprocity_are_shares(adjacency):
    graph = as_networkx(adjacency, directed=True)
    if len(adjacency) > 1:
        assert density(adjacency) == pytest.approx(nx.density(graph))
    if graph.number_of_edges():
        assert reciprocity(adjacency) == pytest.approx(nx.reciprocity(graph))
        a = without_loops(adjacency)
        returned = np.minimum(a, a.T).sum() / a.sum()
        assert reciprocity(adjacency, weighted=True) == pytest.approx(returned)
        assert 0 <= returned <= 1


def test_totals_are_those_of_the_network():
    assert degree(A, kind="in").sum() == degree(A, kind="out").sum() == 3
    assert strength(A, kind="in").sum() == strength(A, kind="out").sum() == 7
    assert reciprocity(A) == 2 / 3
    assert reciprocity(A, weighted=True) == pytest.approx(4 / 7)
    assert reciprocity(A + A.T, directed=False) == reciprocity(A + A.T, weighted=True) == 1.0


def test_negative_weights_are_edges_and_are_added_with_their_sign():
    minus = np.array([[0, -2.0], [3.0, 0]])
    assert degree(minus).tolist() == [2, 2]
    assert strength(minus).tolist() == [1.0, 1.0]
    assert reciprocity(minus) == 1.0


def test_large_weights_do_not_overflow():
    assert reciprocity(np.array([[0, 1e308], [1e308, 0]]) * 1.5, weighted=True) == 1.0


@pytest.mark.parametrize("n", [0, 1, 3])
def test_networks_without_edges(n):
    for kind in (*KINDS, "und"):
        assert degree(np.eye(n), kind=kind).tolist() == [0] * n
        assert strength(np.eye(n), kind=kind).tolist() == [0.0] * n
    assert degree(np.zeros((n, n))).dtype == np.int64
    assert math.isnan(reciprocity(np.eye(n)))
    assert density(np.eye(n)) == 0 if n > 1 else math.isnan(density(np.eye(n)))


def test_any_layout_of_memory():
    read_only = A.copy()
    read_only.flags.writeable = False
    strided = np.kron(A, np.ones((2, 2)))[::2, ::2]
    for form in (read_only, strided, np.asfortranarray(A), sparse.csc_matrix(A)):
        np.testing.assert_array_equal(strength(form), strength(A))
        assert reciprocity(form) == reciprocity(A)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: degree(A, kind="both"), "kind must be one of 'in', 'out', 'total', 'und'"),
        (lambda: strength(A, kind="sum"), "kind must be one of"),
        (
            lambda: degree(A, kind="und"),
            r'symmetric for kind="und": adjacency\[1, 2\] is 1.*another kind',
        ),
        (lambda: density(A, directed=False), "symmetric for directed=False"),
        (lambda: reciprocity(-A, weighted=True), r"share of a weight.*adjacency\[0, 0\] is -5"),
        (lambda: strength(np.full((2, 2), np.nan)), "finite"),
        (lambda: density(np.zeros((2, 3))), "square"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()
