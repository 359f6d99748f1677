"""Closeness and harmonic closeness."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofire import errors
from cofire.graph import closeness, distance, global_efficiency, harmonic_closeness
from graph_goldens import assert_golden, each_golden
from graph_networks import as_networkx, directed, random_network, relabelled, seeds
from reference import graph_paths as reference

weights = st.booleans()


@each_golden
def test_goldens(golden, forms):
    assert_golden(closeness(forms["BD"]), golden, "nx_close_in")
    assert_golden(closeness(forms["BD"], direction="out"), golden, "nx_close_out")
    assert_golden(closeness(forms["BU"]), golden, "nx_close_und")
    assert_golden(closeness(forms["W0"], weighted=True), golden, "nx_close_in_invw")
    assert_golden(harmonic_closeness(forms["BD"]), golden, "nx_harmonic_in")


@given(directed, weights)
def test_closeness_equals_the_definition(a, weighted):
    expected = reference.closeness(a, weighted)
    np.testing.assert_allclose(closeness(a, weighted=weighted), expected, rtol=1e-12)
    backward = closeness(a.T, weighted=weighted, direction="out")
    np.testing.assert_allclose(backward, expected, rtol=1e-12)


@given(directed, weights)
def test_harmonic_closeness_is_the_sum_of_inverse_distances(a, weighted):
    inverse = reference.inverse(reference.distance(a, weighted))
    for direction, axis in (("in", 0), ("out", 1)):
        found = harmonic_closeness(a, weighted=weighted, direction=direction)
        np.testing.assert_allclose(found, inverse.sum(axis=axis), rtol=1e-12)


@given(directed, weights)
def test_harmonic_closeness_adds_up_to_the_global_efficiency(a, weighted):
    n = len(a)
    total = harmonic_closeness(a, weighted=weighted).sum()
    assert total == pytest.approx(global_efficiency(a, weighted=weighted) * n * (n - 1), rel=1e-12)


@given(directed, seeds, weights)
def test_closeness_follows_the_order_of_nodes(a, seed, weighted):
    b, order = relabelled(a, seed)
    for measure in (closeness, harmonic_closeness):
        np.testing.assert_allclose(
            measure(b, weighted=weighted), measure(a, weighted=weighted)[order], rtol=1e-13
        )


@given(directed)
def test_closeness_lies_in_the_unit_interval(a):
    found = closeness(a)
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("density", [0.004, 0.02, 0.2])
def test_hundreds_of_nodes_equal_networkx(density):
    a = random_network(220, density, 1)
    graph = as_networkx(a, directed=True)
    for direction, there in (("in", graph), ("out", graph.reverse())):
        expected = list(nx.closeness_centrality(there).values())
        np.testing.assert_allclose(closeness(a, direction=direction), expected, rtol=1e-12)
        expected = list(nx.harmonic_centrality(there).values())
        np.testing.assert_allclose(harmonic_closeness(a, direction=direction), expected, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_results_are_bitwise_equal_for_any_number_of_threads(weighted, monkeypatch):
    monkeypatch.setattr("cofire.graph.paths._VISITS", 10_000)
    a = random_network(400, 0.03, 3)
    for measure in (closeness, harmonic_closeness):
        one, two, four = (measure(a, weighted=weighted, threads=k) for k in (1, 2, 4))
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, four)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("measure", [closeness, harmonic_closeness])
def test_small_and_odd_graphs(measure, weighted):
    assert measure(np.zeros((0, 0)), weighted=weighted).shape == (0,)
    np.testing.assert_array_equal(measure([[4.0]], weighted=weighted), [0])
    np.testing.assert_array_equal(measure(np.eye(3), weighted=weighted), [0, 0, 0])
    pair = [[0, 2.0, 0], [0, 0, 0], [0, 0, 0]]
    assert (measure(pair, weighted=weighted) > 0).tolist() == [False, True, False]
    there = measure(pair, weighted=weighted, direction="out")
    assert (there > 0).tolist() == [True, False, False]


def test_input_may_be_read_only_and_is_not_changed():
    a = random_network(30, 0.1, 4)
    before = a.copy()
    a.flags.writeable = False
    closeness(a[::-1, ::-1], weighted=True)
    np.testing.assert_array_equal(a, before)
    assert distance(a).shape == (30, 30)


def test_bad_input_is_refused():
    for measure in (closeness, harmonic_closeness):
        with pytest.raises(errors.InvalidArgumentError, match="direction must be one of 'in'"):
            measure([[0, 1], [1, 0]], direction="both")
        with pytest.raises(errors.InvalidArgumentError, match="must not be negative"):
            measure([[0, -1], [1, 0]], weighted=True)
