"""Distances and characteristic path lengths."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import shortest_path

from cofire import errors
from cofire.graph import _bfs, _dijkstra, characteristic_path, distance
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

FORMS = (("bd", "BD"), ("bu", "BU"), ("wd", "WD"), ("wu", "WU"))
weights = st.booleans()


@each_golden
def test_distances_are_golden(golden, forms):
    for suffix, form in FORMS:
        kind = {"directed": suffix[1] == "d", "weighted": suffix[0] == "w"}
        found = distance(forms[form], **kind)
        if f"dist_{suffix}" in golden:
            assert_golden(found, golden, f"dist_{suffix}")
        if f"dist_{suffix}_inv.0" in golden:
            assert_golden(found, golden, f"dist_{suffix}_inv.0")
            check_hops(forms[form], found, golden[f"dist_{suffix}_inv.1"])


def check_hops(weights, lengths, golden):
    """bctpy has 0 where there is no path, and of equal paths the one that its order of nodes meets.

    Hops are the fewest, so that only a longer one of several equal paths may be in the file.
    """
    hops = distance(weights, weighted=True, hops=True)
    np.testing.assert_array_equal(np.isinf(hops), np.isinf(lengths))
    connected = np.isfinite(hops)
    np.testing.assert_array_equal(golden[~connected], 0)
    differ = connected & (hops != golden)
    assert (hops[differ] < golden[differ]).all()
    graph = as_networkx(weights, True)
    for _, _, edge in graph.edges(data=True):
        edge["d"] = 1 / edge["weight"]
    for s, t in zip(*np.nonzero(differ), strict=True):
        several = nx.all_shortest_paths(graph, s, t, weight="d")
        assert int(golden[s, t]) in {len(path) - 1 for path in several}


@each_golden
def test_characteristic_paths_are_golden(golden, forms):
    for suffix, form in FORMS:
        if f"charpath_{suffix}.0" not in golden:
            continue
        kind = {"directed": suffix[1] == "d", "weighted": suffix[0] == "w"}
        found = characteristic_path(forms[form], **kind)
        fields = (
            found.length, found.efficiency, found.eccentricity, found.radius, found.diameter,
        )  # fmt: skip
        for k, value in enumerate(fields):
            key = f"charpath_{suffix}.{k}"
            # 1e20 is the fill value of a masked array: a node that reaches no other.
            expected = np.where(golden[key] == 1e20, np.inf, golden[key])
            assert_golden(value, {key: expected}, key)


@given(directed, weights)
def test_distances_equal_those_of_exact_arithmetic(a, weighted):
    expected = reference.distance(a, weighted)
    np.testing.assert_allclose(distance(a, weighted=weighted), expected, rtol=1e-13)


@given(directed)
def test_hops_are_the_fewest_edges_of_a_shortest_path(a):
    found = distance(a, weighted=True, hops=True)
    np.testing.assert_array_equal(found, reference.hops(a))
    np.testing.assert_array_equal(distance(a, hops=True), distance(a))


@given(undirected, weights)
def test_undirected_distances_are_symmetric_and_those_of_the_directed_call(a, weighted):
    found = distance(a, directed=False, weighted=weighted)
    np.testing.assert_array_equal(found, distance(a, weighted=weighted))
    np.testing.assert_allclose(found, found.T, rtol=1e-14)


@given(directed, seeds, weights)
def test_distances_follow_the_order_of_nodes(a, seed, weighted):
    b, order = relabelled(a, seed)
    expected = distance(a, weighted=weighted)[np.ix_(order, order)]
    np.testing.assert_array_equal(distance(b, weighted=weighted), expected)


@given(directed, weights)
def test_no_detour_is_shorter(a, weighted):
    d = distance(a, weighted=weighted)
    detours = d[:, :, None] + d[None, :, :]
    assert (d[:, None, :] <= detours * (1 + 1e-14)).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("density", [0.005, 0.03, 0.3])
def test_hundreds_of_nodes_equal_scipy(density, weighted):
    """More than a word of searches, along and against the edges."""
    a = random_network(300, density, seed=3)
    lengths = sparse.csr_matrix(np.divide(1.0, a, out=np.zeros_like(a), where=a > 0))
    expected = shortest_path(lengths, unweighted=not weighted)
    found = distance(a, weighted=weighted)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_ring_of_thousands_of_nodes(weighted):
    n = 3000
    i = np.arange(n)
    ring = sparse.csr_array((np.full(n, 2.0), (i, (i + 1) % n)), shape=(n, n))
    found = characteristic_path(ring, weighted=weighted)
    edge = 0.5 if weighted else 1.0
    assert found.length == pytest.approx(edge * n / 2)
    assert (found.radius, found.diameter) == (edge * (n - 1), edge * (n - 1))
    assert found.n_pairs == n * (n - 1)


@given(directed, weights, st.booleans())
def test_characteristic_path_is_the_summary_of_distances(a, weighted, infinite):
    found = characteristic_path(a, weighted=weighted, include_infinite=infinite)
    n = len(a)
    d = distance(a, weighted=weighted)
    off = ~np.eye(n, dtype=bool)
    assert found.n_pairs == np.isfinite(d[off]).sum()
    counted = off if infinite else off & np.isfinite(d)
    if counted.any():
        assert found.length == pytest.approx(d[counted].mean())
        assert found.efficiency == pytest.approx(reference.inverse(d)[counted].mean())
    else:
        assert np.isnan(found.length)
        assert found.efficiency == 0
    far = [d[i][counted[i]].max() if counted[i].any() else np.inf for i in range(n)]
    np.testing.assert_allclose(found.eccentricity, far, rtol=1e-14)
    if n:
        assert (found.radius, found.diameter) == (min(found.eccentricity), max(found.eccentricity))


@pytest.mark.parametrize("weighted", [False, True])
def test_results_are_bitwise_equal_for_any_number_of_threads(weighted, monkeypatch):
    monkeypatch.setattr("cofire.graph.paths._VISITS", 10_000)  # blocks enough for all threads
    a = random_network(500, 0.02, seed=8)
    for call in (distance, characteristic_path):
        one, *others = (call(a, weighted=weighted, threads=k) for k in (1, 2, 5))
        for other in others:
            if call is distance:
                np.testing.assert_array_equal(one, other)
            else:
                assert (one.length, one.efficiency) == (other.length, other.efficiency)
                np.testing.assert_array_equal(one.eccentricity, other.eccentricity)


@pytest.mark.parametrize("weighted", [False, True])
def test_small_and_odd_graphs(weighted):
    kind = {"weighted": weighted}
    assert distance(np.zeros((0, 0)), **kind).shape == (0, 0)
    np.testing.assert_array_equal(distance([[3.0]], **kind), [[0.0]])
    nothing = characteristic_path(np.zeros((0, 0)), **kind)
    assert np.isnan([nothing.length, nothing.radius, nothing.diameter]).all()
    alone = characteristic_path(np.zeros((3, 3)), **kind)
    assert np.isnan(alone.length)
    np.testing.assert_array_equal(alone.eccentricity, [np.inf] * 3)
    assert (alone.diameter, alone.efficiency, alone.n_pairs) == (np.inf, 0.0, 0)
    one = characteristic_path([[2.0]], include_infinite=True, **kind)
    assert np.isnan(one.length)
    loops = np.array([[9.0, 1.0], [0.0, 9.0]])
    np.testing.assert_array_equal(distance(loops, **kind), [[0, 1], [np.inf, 0]])


def test_input_may_be_read_only_or_strided():
    a = np.asfortranarray(random_network(20, 0.2, 1))
    a.flags.writeable = False
    wide = np.zeros((40, 40))
    wide[::2, ::2] = a
    for form in (a, wide[::2, ::2], a.tolist(), sparse.coo_array(a)):
        np.testing.assert_array_equal(distance(form, weighted=True), distance(a, weighted=True))


def test_the_summary_says_what_it_is():
    assert repr(characteristic_path([[0, 1], [1, 0]])) == (
        "CharacteristicPath(2 nodes, 2 pairs, length 1, diameter 1)"
    )


def test_bad_input_is_refused():
    with pytest.raises(errors.InvalidArgumentError, match=r"1 / weight.*adjacency\[0, 1\] is -1"):
        distance([[0, -1], [1, 0]], weighted=True)
    with pytest.raises(errors.InvalidArgumentError, match=r"adjacency\[1, 0\].*is infinite"):
        characteristic_path([[0, 1], [1e-320, 0]], weighted=True)
    with pytest.raises(errors.InvalidArgumentError, match="symmetric"):
        distance([[0, 1], [0, 0]], directed=False)
    with pytest.raises(errors.InvalidArgumentError, match="threads"):
        distance([[0, 1], [0, 0]], threads=0)
    n = 3_000_000
    with pytest.raises(errors.TooLargeError, match="characteristic_path, closeness"):
        distance(sparse.csr_array((n, n)))


def test_without_weights_a_negative_entry_is_an_edge():
    np.testing.assert_array_equal(distance([[0, -1], [0, 0]]), [[0, 1], [np.inf, 0]])


@pytest.mark.parametrize("weighted", [False, True])
def test_kernels_run_as_plain_python(weighted, monkeypatch):
    a = random_network(70, 0.04, 2)
    expected = [distance(a, weighted=weighted), distance(a, weighted=weighted, hops=True)]
    summary = characteristic_path(a, weighted=weighted)
    without_compilation(monkeypatch, _bfs, _dijkstra)
    np.testing.assert_array_equal(distance(a, weighted=weighted), expected[0])
    np.testing.assert_array_equal(distance(a, weighted=weighted, hops=True), expected[1])
    assert characteristic_path(a, weighted=weighted).length == summary.length


def test_all_measures_of_paths_run_without_numba():
    """Helpers too, that kernels of the other tests call compiled."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{EVERYTHING}\nprint(*everything())"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    space: dict[str, Any] = {}
    exec(EVERYTHING, space)
    assert found.split() == space["everything"]()


EVERYTHING = """
import numpy as np
from cofire import graph

def everything():
    rng = np.random.default_rng(1)
    a = rng.integers(1, 3, (12, 12)) * (rng.random((12, 12)) < 0.2)
    values = []
    for w in (False, True):
        values += [
            graph.distance(a, weighted=w),
            graph.distance(a, weighted=w, hops=True),
            graph.characteristic_path(a, weighted=w).eccentricity,
            graph.local_efficiency(a, weighted=w),
            graph.betweenness(a, weighted=w),
            graph.edge_betweenness(a, weighted=w).toarray(),
            graph.closeness(a, weighted=w),
            graph.harmonic_closeness(a, weighted=w, direction="out"),
            [graph.global_efficiency(a, weighted=w)],
        ]
    return [f"{x:.12g}" for v in values for x in np.ravel(v)]
"""
