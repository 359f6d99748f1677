"""Three-node motifs: every triple once, functional ones within, their weights."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import cofire as cf
from cofire import errors
from cofire.graph import _triads
from cofire.graph._adjacency import as_graph
from graph_goldens import assert_golden, each_golden
from reference import graph_motifs as reference

TRIADS = (
    "003", "012", "102", "021D", "021U", "021C", "111D", "111U", "030T", "030C", "201", "120D",
    "120U", "120C", "210", "300",
)  # fmt: skip
seeds = st.integers(0, 2**32 - 1)
kinds = pytest.mark.parametrize("kind", ["structural", "functional"])


def random_network(seed, largest=9):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, largest))
    w = rng.exponential(size=(n, n)) * (rng.random((n, n)) < rng.uniform(0.05, 1.0))
    if rng.random() < 0.3:
        w = np.maximum(w, w.T)
    return w


def without_loops(w):
    return w - np.diag(np.diag(w))


@kinds
@given(seed=seeds)
def test_counts_are_those_of_all_triples(kind, seed):
    w = random_network(seed)
    expected = reference.census(without_loops(w), kind)[0]
    per_node = cf.graph.motif_census(w, per_node=True, kind=kind)
    assert per_node.dtype == np.int64
    np.testing.assert_array_equal(per_node, expected)
    total = cf.graph.motif_census(w, kind=kind)
    assert total.shape == (13,)
    np.testing.assert_array_equal(3 * total, expected.sum(axis=1))


@kinds
@given(seed=seeds)
def test_weights_are_those_of_all_triples(kind, seed):
    w = random_network(seed, largest=7)
    count, intensity, coherence = reference.census(without_loops(w), kind)
    found = cf.graph.motif_intensity(w, per_node=True, kind=kind, threads=1)
    np.testing.assert_array_equal(found.count, count)
    np.testing.assert_allclose(found.intensity, intensity, rtol=1e-11)
    np.testing.assert_allclose(found.coherence, coherence, rtol=1e-11)
    total = cf.graph.motif_intensity(w, kind=kind, threads=3)
    np.testing.assert_array_equal(total.count, cf.graph.motif_census(w, kind=kind))
    np.testing.assert_allclose(3 * total.intensity, intensity.sum(axis=1), rtol=1e-11)
    np.testing.assert_allclose(3 * total.coherence, coherence.sum(axis=1), rtol=1e-11)


@given(seeds)
def test_motifs_follow_their_nodes(seed):
    w = random_network(seed, largest=30)
    order = np.random.default_rng(seed).permutation(len(w))
    counts = cf.graph.motif_census(w, per_node=True)
    moved = cf.graph.motif_census(w[np.ix_(order, order)], per_node=True)
    np.testing.assert_array_equal(moved, counts[:, order])


@given(seeds)
def test_edges_backwards_exchange_motifs(seed):
    w = random_network(seed, largest=30)
    backwards = [2, 1, 0, 5, 4, 3, 6, 10, 8, 9, 7, 11, 12]
    forward = cf.graph.motif_census(w)
    np.testing.assert_array_equal(cf.graph.motif_census(w.T), forward[backwards])


@given(seeds)
def test_connected_triples_are_those_of_the_network_without_directions(seed):
    w = random_network(seed, largest=30)
    joined = without_loops(((w + w.T) > 0).astype(float))
    triangles = np.trace(joined @ joined @ joined) / 6
    pairs = (joined.sum(axis=0) * (joined.sum(axis=0) - 1)).sum() / 2
    assert cf.graph.motif_census(w).sum() == pairs - 2 * triangles


@given(seeds, st.sampled_from([2, 3, 5]))
def test_weights_are_bitwise_equal_for_any_number_of_threads(seed, threads):
    w = random_network(seed, largest=40)
    one = cf.graph.motif_intensity(w, per_node=True, threads=1)
    many = cf.graph.motif_intensity(w, per_node=True, threads=threads)
    np.testing.assert_array_equal(one.intensity, many.intensity)
    np.testing.assert_array_equal(one.coherence, many.coherence)


@given(seeds)
def test_coherence_is_a_share_and_equal_weights_have_it_whole(seed):
    w = random_network(seed, largest=25)
    found = cf.graph.motif_intensity(w)
    assert (found.mean_coherence()[found.count > 0] <= 1 + 1e-12).all()
    assert np.isnan(found.mean_intensity()[found.count == 0]).all()
    equal = cf.graph.motif_intensity(2.5 * (w > 0), kind="functional")
    np.testing.assert_allclose(equal.intensity, 2.5 * equal.count, rtol=1e-12)
    np.testing.assert_allclose(equal.coherence, equal.count, rtol=1e-12)


@each_golden
def test_golden_census(golden, forms):
    for form in ("W0", "BD"):
        assert_golden(
            cf.graph.motif_census(forms[form], per_node=True), golden, "motif3_struct_bin_node"
        )
    assert_golden(cf.graph.motif_census(golden["A"]), golden, "motif3_struct_bin_total")


@each_golden
def test_golden_triads_of_networkx_and_igraph(golden, forms):
    """13 connected ones by name; the disconnected ones are what is left of pairs and triples."""
    census = dict(zip(reference.MAN, cf.graph.motif_census(golden["A"]), strict=True))
    a = forms["BD"]
    n, mutual = len(a), int((a * a.T).sum()) // 2
    asymmetric = int(a.sum()) - 2 * mutual
    census["102"] = mutual * (n - 2) - sum(int(k[0]) * v for k, v in census.items())
    one_way = sum(int(k[1]) * v for k, v in census.items() if k != "102")
    census["012"] = asymmetric * (n - 2) - one_way
    census["003"] = n * (n - 1) * (n - 2) // 6 - sum(census.values())
    for key in ("nx_triad16", "ig_triad16"):
        assert_golden(np.array([census[name] for name in TRIADS], dtype=float), golden, key)


@each_golden
def test_functional_pairs_and_loops_are_those_of_degrees_and_powers(golden, forms):
    a = forms["BD"].astype(np.int64)
    into, out, mutual = a.sum(axis=0), a.sum(axis=1), (a * a.T).sum(axis=0)
    counts = cf.graph.motif_census(golden["A"], kind="functional")
    assert counts[0] == (into * (into - 1) // 2).sum()
    assert counts[1] == (into * out - mutual).sum()
    assert counts[2] == (out * (out - 1) // 2).sum()
    assert counts[4] == (a @ a * a).sum()
    assert counts[6] == np.trace(a @ a @ a) // 3
    assert counts[12] == cf.graph.motif_census(golden["A"])[12]


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_too_few_nodes_or_no_edges_have_no_motifs(n):
    np.testing.assert_array_equal(cf.graph.motif_census(np.eye(n)), np.zeros(13))
    assert cf.graph.motif_census(np.eye(n), per_node=True).shape == (13, n)
    found = cf.graph.motif_intensity(np.eye(n), per_node=True)
    assert found.intensity.shape == (13, n)
    assert not found.intensity.any()


def test_a_complete_network_and_a_star_by_formula():
    n = 400
    complete = cf.graph.motif_census(np.ones((n, n)))
    assert complete[12] == n * (n - 1) * (n - 2) // 6
    assert complete.sum() == complete[12]
    hub = sparse.lil_array((100_000, 100_000))
    hub[0, 1:] = 1
    counts = cf.graph.motif_census(hub.tocsr(), per_node=True)
    assert counts[2, 0] == 99_999 * 99_998 // 2  # more than 2**31
    assert (counts[2, 1:] == 99_998).all()
    assert counts.sum() == 3 * counts[2, 0]


def test_any_form_of_a_network_counts_alike():
    w = random_network(7, largest=30) + random_network(7, largest=30).T
    expected = cf.graph.motif_census(w)
    frozen = np.asfortranarray(w)[:, ::1]
    frozen.flags.writeable = False
    for form in (frozen, sparse.coo_array(w), nx.from_numpy_array(w, create_using=nx.DiGraph), -w):
        np.testing.assert_array_equal(cf.graph.motif_census(form), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cf.graph.motif_census(np.ones((2, 3))), r"square.*\(2, 3\)"),
        (lambda: cf.graph.motif_census(np.ones((3, 3)), kind="weighted"), "kind.*'structural'"),
        (lambda: cf.graph.motif_intensity(np.ones((3, 3)), kind="x"), "kind.*'functional'"),
        (lambda: cf.graph.motif_intensity(-np.ones((3, 3))), "geometric mean.*-1"),
        (lambda: cf.graph.motif_census(np.full((3, 3), np.nan)), "finite"),
    ],
)
def test_what_cannot_be_counted_is_refused(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call()


def test_results_say_what_they_are():
    found = cf.graph.motif_intensity(np.ones((4, 4)))
    assert repr(found) == "MotifIntensity(4 structural motifs)"
    frame = found.to_frame()
    assert list(frame.columns) == ["motif", "man", "count", "intensity", "coherence"]
    assert tuple(frame["man"]) == reference.MAN
    by_node = cf.graph.motif_intensity(np.ones((4, 4)), per_node=True)
    assert repr(by_node) == "MotifIntensity(4 structural motifs, 4 nodes)"
    assert len(by_node.to_frame()) == 13 * 4
    assert by_node.to_frame().query("motif == 13 and node == 2")["count"].item() == 3


def test_kernels_do_the_same_without_numba():
    w = without_loops(random_network(3, largest=12))
    graph = as_graph(w)
    found = _triads.dyads._function(graph.indptr, graph.indices, graph.weights)
    for ours, compiled in zip(
        found, _triads.dyads(graph.indptr, graph.indices, graph.weights), strict=True
    ):
        np.testing.assert_array_equal(ours, compiled)
    order = np.argsort(np.diff(found[0]), kind="stable")
    args = (*found[:3], order, _triads.OPEN, _triads.CLOSED)
    np.testing.assert_array_equal(_triads.census._function(*args), _triads.census(*args))
    start, masks = _triads.parts("functional")
    sums = np.zeros((2, graph.n, 13, 3))
    logs = np.log(np.maximum(found[3], 1e-300))
    args = (*found, logs, 0, graph.n, _triads.MOTIF, start, masks)
    _triads.intensities._function(*args, sums[0])
    _triads.intensities(*args, sums[1])
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-12)
