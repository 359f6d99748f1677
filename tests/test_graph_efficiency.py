"""Global and local efficiency."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors
from cofire.graph import distance, efficiency, global_efficiency, local_efficiency
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

FORMS = (("bd", "BD"), ("bu", "BU"), ("wd", "WDn"), ("wu", "WUn"))
weights = st.booleans()


@each_golden
def test_goldens(golden, forms):
    for suffix, form in FORMS:
        kind = {"directed": suffix[1] == "d", "weighted": suffix[0] == "w"}
        assert_golden(global_efficiency(forms[form], **kind), golden, f"eglob_{suffix}")
        # bctpy's binary form looks at the targets of a node alone; its weighted one does not.
        neighbors = "out" if suffix == "bd" else "all"
        found = local_efficiency(forms[form], neighbors=neighbors, **kind)
        assert_golden(found, golden, f"eloc_{suffix}")
    und = forms["BU"]
    assert_golden(global_efficiency(und, directed=False), golden, "nx_glob_eff")
    assert_golden(local_efficiency(und, directed=False).mean(), golden, "nx_local_eff")


@each_golden
def test_of_weights_that_are_all_one_the_weighted_golden_is_the_binary_value(golden, forms):
    """The file of a binary network holds our default for neighbors under its weighted key."""
    if set(np.unique(golden["A"])) == {0, 1}:
        assert_golden(local_efficiency(forms["BD"]), golden, "eloc_wd")


@given(directed, weights)
def test_global_efficiency_equals_the_definition(a, weighted):
    expected = reference.global_efficiency(a, weighted)
    assert global_efficiency(a, weighted=weighted) == pytest.approx(expected, rel=1e-12)


@given(directed, weights, st.sampled_from(["all", "out"]))
def test_local_efficiency_equals_the_definition(a, weighted, neighbors):
    found = local_efficiency(a, weighted=weighted, neighbors=neighbors)
    expected = reference.local_efficiency(a, weighted, neighbors)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@given(directed, seeds, weights)
def test_efficiency_follows_the_order_of_nodes(a, seed, weighted):
    b, order = relabelled(a, seed)
    assert global_efficiency(b, weighted=weighted) == pytest.approx(
        global_efficiency(a, weighted=weighted), rel=1e-13
    )
    np.testing.assert_allclose(
        local_efficiency(b, weighted=weighted),
        local_efficiency(a, weighted=weighted)[order],
        rtol=1e-12,
    )


@given(directed)
def test_binary_efficiencies_lie_in_the_unit_interval(a):
    assert 0 <= global_efficiency(a) <= 1
    local = local_efficiency(a)
    assert ((local >= 0) & (local <= 1)).all()


@given(directed, st.sampled_from([0.5, 3.0]))
def test_weighted_efficiencies_scale_with_the_weights(a, factor):
    scaled = global_efficiency(factor * a, weighted=True)
    assert scaled == pytest.approx(factor * global_efficiency(a, weighted=True), rel=1e-12)
    np.testing.assert_allclose(
        local_efficiency(factor * a, weighted=True),
        factor * local_efficiency(a, weighted=True),
        rtol=1e-12,
    )


@given(undirected)
def test_with_equal_weights_both_forms_agree(a):
    binary = (a != 0) * 1.0
    np.testing.assert_allclose(
        local_efficiency(binary, weighted=True), local_efficiency(a, directed=False), rtol=1e-13
    )


def test_undirected_local_efficiency_is_that_of_the_graph_of_neighbors():
    a = (random_network(80, 0.1, 4, undirected=True) > 0) * 1.0
    graph = as_networkx(a, directed=False)
    expected = [
        nx.global_efficiency(graph.subgraph(graph[v])) if len(graph[v]) > 1 else 0 for v in graph
    ]
    np.testing.assert_allclose(local_efficiency(a, directed=False), expected, rtol=1e-13)


def test_a_hub_with_more_neighbors_than_bits_in_a_word():
    """A wheel: the hub's neighbors are a ring, longer than the searches of one word."""
    n = 150
    wheel = nx.to_numpy_array(nx.wheel_graph(n + 1))
    steps = np.arange(1, n)
    ring = np.mean(1 / np.minimum(steps, n - steps))
    assert local_efficiency(wheel)[0] == pytest.approx(ring)
    assert local_efficiency(wheel, weighted=True)[0] == pytest.approx(ring)


@pytest.mark.parametrize("weighted", [False, True])
def test_results_are_bitwise_equal_for_any_number_of_threads(weighted):
    a = random_network(300, 0.05, 9)
    one, two, four = (local_efficiency(a, weighted=weighted, threads=k) for k in (1, 2, 4))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, four)
    values = {global_efficiency(a, weighted=weighted, threads=k) for k in (1, 2, 4)}
    assert len(values) == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_small_and_odd_graphs(weighted):
    kind = {"weighted": weighted}
    assert local_efficiency(np.zeros((0, 0)), **kind).shape == (0,)
    assert global_efficiency(np.zeros((0, 0)), **kind) == 0
    assert global_efficiency([[1.0]], **kind) == 0
    assert global_efficiency(np.zeros((5, 5)), **kind) == 0
    np.testing.assert_array_equal(local_efficiency(np.eye(5), **kind), np.zeros(5))
    chain = np.diag(np.ones(4), 1)
    np.testing.assert_array_equal(local_efficiency(chain, **kind), np.zeros(5))


def test_self_loops_are_left_out():
    a = random_network(30, 0.2, 5)
    loops = a + np.diag(np.arange(30.0))
    for weighted in (False, True):
        np.testing.assert_array_equal(
            local_efficiency(loops, weighted=weighted), local_efficiency(a, weighted=weighted)
        )


def test_a_large_network_needs_no_matrix_of_its_size():
    n = 20_000
    rng = np.random.default_rng(0)
    cells = rng.choice(n * n, 40_000, replace=False)
    a = sparse.csr_array((np.ones(len(cells)), (cells // n, cells % n)), shape=(n, n))
    assert 0 < global_efficiency(a) < 1
    assert local_efficiency(a).shape == (n,)


def test_the_mean_of_inverse_distances():
    a = random_network(40, 0.08, 6)
    inverse = reference.inverse(distance(a, weighted=True))
    expected = inverse.sum() / (40 * 39)
    assert global_efficiency(a, weighted=True) == pytest.approx(expected)


def test_bad_input_is_refused():
    with pytest.raises(errors.InvalidArgumentError, match="neighbors must be one of"):
        local_efficiency([[0, 1], [1, 0]], neighbors="in")
    with pytest.raises(errors.InvalidArgumentError, match="must not be negative"):
        global_efficiency([[0, -1], [1, 0]], weighted=True)
    with pytest.raises(errors.InvalidArgumentError, match="symmetric"):
        local_efficiency([[0, 1], [0, 0]], directed=False)


@pytest.mark.parametrize("weighted", [False, True])
def test_kernels_run_as_plain_python(weighted, monkeypatch):
    a = random_network(25, 0.2, 2)
    expected = local_efficiency(a, weighted=weighted)
    without_compilation(monkeypatch, efficiency)
    np.testing.assert_array_equal(local_efficiency(a, weighted=weighted), expected)
