"""Small-worldness and small-world propensity."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cofire import errors, graph
from cofire.graph import small_world
from cofire.graph.propensity import small_world_propensity as propensity
from reference import graph_nulls as reference

GOLDENS = ["n100_ortho_s42", "n60_modular_s41"]
wirings = st.builds(
    lambda n, density, seed: make(n, density, seed),
    st.sampled_from([0, 1, 2, 3, 10, 65]),
    st.sampled_from([0.0, 0.02, 0.2, 0.6, 1.0]),
    st.integers(0, 99),
)


def make(n, density, seed=0):
    upper = np.triu(np.random.default_rng(seed).random((n, n)) < density, 1)
    return (upper | upper.T).astype(float)


def ring(n=100, k=8, p=0.1):
    return nx.to_numpy_array(nx.connected_watts_strogatz_graph(n, k, p, seed=1))


def measures(result):
    return result.clustering, result.efficiency, result.path_length


@pytest.mark.parametrize("name", GOLDENS)
def test_small_worldness_is_the_studys(shared, name):
    with np.load(shared / "golden" / "rnn" / f"endmetrics_{name}.npz") as file:
        data = dict(file)
    found = graph.small_worldness(data["A"])
    assert found.clustering == pytest.approx(float(data["clustering_mean"]), rel=1e-12)
    assert found.efficiency == pytest.approx(float(data["efficiency"]), rel=1e-12)
    error = 0.0
    for ours, theirs in (
        (found.null_clustering, data["null_clustering"]),
        (found.null_efficiency, data["null_efficiency"]),
    ):
        standard_error = np.hypot(ours.std(), theirs.std()) / np.sqrt(1000)
        assert abs(ours.mean() - theirs.mean()) < 4 * standard_error
        assert ours.std() == pytest.approx(theirs.std(), rel=0.1)
        error += (standard_error / theirs.mean()) ** 2
    expected = float(data["smallworldness"])
    assert abs(found.value - expected) < 4 * np.sqrt(error) * expected
    weights = abs(data["W"])
    b = weights > np.quantile(weights, 0.9)
    as_documented = (b | b.T) & ~np.eye(len(b), dtype=bool)
    np.testing.assert_array_equal(as_documented, data["A"])


@given(wirings, st.sampled_from(["study", "density", "degree"]))
def test_measures_and_the_value_follow_from_their_definitions(wiring, null):
    n = len(wiring)
    found = graph.small_worldness(wiring, n_null=3, null=null)
    assert found.n_null == 3
    if n < 2:
        assert np.isnan(found.value)
        return
    inverse, total, pairs = reference.path_sums(wiring)
    distance = total / pairs if pairs else np.nan
    expected = (reference.clustering(wiring).mean(), inverse / (n * (n - 1)), distance)
    np.testing.assert_allclose(measures(found), expected, rtol=1e-12)
    c, e = found.null_clustering.mean(), found.null_efficiency.mean()
    if c and e:
        np.testing.assert_allclose(found.value, found.clustering / c * (found.efficiency / e))
    else:
        assert np.isnan(found.value)


@given(wirings, st.sampled_from(["study", "density", "degree"]), st.sampled_from([2, 5]))
def test_small_worldness_does_not_depend_on_threads_or_order(wiring, null, threads):
    one = graph.small_worldness(wiring, n_null=70, null=null, threads=1)
    small_world._CACHE.clear()
    many = graph.small_worldness(wiring, n_null=70, null=null, threads=threads)
    for name in ("clustering", "efficiency", "path_length"):
        left, right = (getattr(each, f"null_{name}") for each in (one, many))
        assert np.array_equal(left, right, equal_nan=True)
    assert np.array_equal([one.value], [many.value], equal_nan=True)
    order = np.random.default_rng(1).permutation(len(wiring))
    moved = graph.small_worldness(wiring[np.ix_(order, order)], n_null=2)
    np.testing.assert_allclose(measures(moved), measures(one), rtol=1e-12)


def test_study_nulls_are_made_once_for_a_size(monkeypatch):
    small_world._CACHE.clear()
    first = graph.small_worldness(ring(), n_null=20)
    monkeypatch.setattr(small_world, "_new_study_nulls", lambda *_: 1 / 0)
    again = graph.small_worldness(make(100, 0.3), n_null=20)
    assert first.null_clustering is not None
    np.testing.assert_array_equal(first.null_clustering, again.null_clustering)
    assert not first.null_clustering.flags.writeable
    with pytest.raises(ZeroDivisionError):
        graph.small_worldness(ring(), n_null=20, rng=1)
    with pytest.raises(ZeroDivisionError):
        graph.small_worldness(ring(90), n_null=20)


def test_a_generator_gives_new_nulls_and_is_not_remembered():
    small_world._CACHE.clear()
    rng = np.random.default_rng(3)
    one, two = (graph.small_worldness(ring(), n_null=5, rng=rng) for _ in range(2))
    assert (one.null_clustering != two.null_clustering).all()
    assert not small_world._CACHE


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(small_world, "_CACHE_SIZE", 3)
    small_world._CACHE.clear()
    for n in range(3, 12):
        graph.small_worldness(np.zeros((n, n)), n_null=1)
    assert [key[0] for key in small_world._CACHE] == [9, 10, 11]


@pytest.mark.parametrize("null", ["density", "degree"])
def test_dense_and_sparse_graphs_are_measured_alike(monkeypatch, null):
    """Rows of bits, all nulls in one kernel, or lists of neighbors: one distribution."""
    wiring = make(80, 0.1, 2)
    dense = graph.small_worldness(wiring, n_null=300, null=null)
    monkeypatch.setattr(small_world, "_is_dense", lambda graph: False)
    sparse_ = graph.small_worldness(wiring, n_null=300, null=null)
    assert measures(dense) == pytest.approx(measures(sparse_), rel=1e-12)
    for name in ("clustering", "efficiency"):
        a, b = (getattr(each, f"null_{name}") for each in (dense, sparse_))
        assert abs(a.mean() - b.mean()) < 4 * np.hypot(a.std(), b.std()) / np.sqrt(300) + 1e-12


def test_density_nulls_have_the_density_and_degree_nulls_the_degrees():
    n, k = 60, 6
    wiring = ring(n, k)
    pairs = 0.5 * n * (n - 1)
    density = graph.small_worldness(wiring, n_null=400, null="density")
    error = 4 * density.null_clustering.std() / np.sqrt(400)
    assert abs(density.null_clustering.mean() - wiring.sum() / 2 / pairs) < error + 0.01
    nulls = [null.toarray() for null in graph.rewire(wiring, 400, directed=False)]
    expected = np.array([reference.clustering(null).mean() for null in nulls])
    degree = graph.small_worldness(wiring, n_null=400, null="degree")
    np.testing.assert_allclose(degree.null_clustering, expected, rtol=1e-12)


def test_random_graphs_are_uniform_sets_of_pairs():
    n, n_edges = 6, 5
    counts = np.zeros((n, n))
    rng = np.random.default_rng(0)
    for _ in range(3000):
        made = small_world.random_graph(n, n_edges, rng)
        assert made.n_edges == 2 * n_edges
        counts += made.dense()
    expected = 3000 * n_edges / 15
    assert (abs(counts[~np.eye(n, dtype=bool)] - expected) < 5 * np.sqrt(expected)).all()


@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_numbered_pairs_are_all_pairs_in_the_order_of_the_ring(n):
    n_pairs = n * (n - 1) // 2
    made = small_world.from_pairs(n, np.arange(n_pairs), np.arange(n_pairs) + 1.0).dense()
    i, j = np.indices((n, n))
    np.testing.assert_array_equal(made > 0, i != j)
    far = reference.ring_distance(i, j, n)
    np.testing.assert_array_equal((made[i != j].astype(int) - 1) // n + 1, far[i != j])


def test_a_small_world_is_more_so_than_a_lattice_or_a_random_graph():
    lattice, small, random = (
        graph.small_worldness(ring(200, 10, p), n_null=50, null="density").value
        for p in (0.0, 0.1, 1.0)
    )
    assert small > lattice > random
    assert random == pytest.approx(1.0, abs=0.1)


def test_sigma_is_humphries_and_gurneys():
    found = graph.small_worldness(ring(), n_null=50, null="density")
    c = found.clustering / found.null_clustering.mean()
    length = found.path_length / found.null_path_length.mean()
    assert found.sigma == pytest.approx(c / length, rel=1e-12)
    assert found.path_length == pytest.approx(
        nx.average_shortest_path_length(nx.from_numpy_array(ring())), rel=1e-12
    )


def test_the_table_has_observed_and_null_values():
    found = graph.small_worldness(ring(), n_null=50, null="density")
    table = found.to_frame()
    assert table.index.tolist() == ["clustering", "efficiency", "path_length"]
    assert table.loc["clustering", "observed"] == found.clustering
    assert table.loc["efficiency", "null_sd"] == pytest.approx(found.null_efficiency.std(ddof=1))
    z = (found.clustering - found.null_clustering.mean()) / found.null_clustering.std(ddof=1)
    assert table.loc["clustering", "z"] == pytest.approx(z)
    assert repr(found) == f"SmallWorldness({found.value:.4g}, 50 nulls of kind 'density')"
    one = graph.small_worldness(ring(), n_null=1)
    assert np.isnan(one.to_frame()["null_sd"]).all()


def test_measures_equal_those_of_the_peers():
    bct = pytest.importorskip("bct")
    wiring = ring(90, 10, 0.3)
    found = graph.small_worldness(wiring, n_null=1)
    assert found.clustering == pytest.approx(bct.clustering_coef_bu(wiring).mean(), rel=1e-12)
    assert found.efficiency == pytest.approx(bct.efficiency_bin(wiring), rel=1e-12)


def test_any_form_of_graph_is_taken_and_left_as_it_is():
    wiring = ring(30, 4)
    wiring[2, 2] = 1.0
    before = wiring.copy()
    wiring.flags.writeable = False
    expected = graph.small_worldness(wiring, n_null=2)
    for form in (sparse.csc_array(wiring), nx.from_numpy_array(wiring), wiring[::-1, ::-1] * 3):
        assert measures(graph.small_worldness(form, n_null=2)) == pytest.approx(measures(expected))
    np.testing.assert_array_equal(wiring, before)


@pytest.mark.parametrize("call", [graph.small_worldness, propensity])
def test_mistakes_are_named(call):
    with pytest.raises(errors.InvalidArgumentError, match="must be symmetric"):
        call([[0, 1], [0, 0]])
    with pytest.raises(errors.InvalidArgumentError, match="must be square"):
        call(np.ones((2, 3)))
    with pytest.raises(errors.InvalidArgumentError, match="n_null must be at least 1, got 0"):
        call(ring(), n_null=0)
    with pytest.raises(errors.InvalidArgumentError, match=r"adjacency\[0, 1\] is nan"):
        call([[0, np.nan], [np.nan, 0]])
    with pytest.raises(errors.InvalidArgumentError, match="rng must lie in"):
        call(ring(), rng=-1)


def test_an_unknown_null_or_a_negative_weight_is_named():
    with pytest.raises(errors.InvalidArgumentError, match="null must be one of 'study', 'density'"):
        graph.small_worldness(ring(), null="lattice")
    with pytest.raises(errors.InvalidArgumentError, match="must not be negative"):
        propensity(-ring())


def test_propensity_follows_from_its_definition():
    rng = np.random.default_rng(2)
    weights = ring(60, 8) * rng.uniform(0.5, 2.0, (60, 60))
    weights += weights.T
    found = propensity(weights, n_null=4)
    assert found.n_null == 4
    assert found.clustering == pytest.approx(reference.onnela(weights).mean(), rel=1e-12)
    network = nx.from_numpy_array(1 / np.where(weights > 0, weights, np.inf))
    length = nx.average_shortest_path_length(network, weight="weight")
    assert found.path_length == pytest.approx(length, rel=1e-12)
    lattice_c, lattice_l = found.lattice_clustering.mean(), found.lattice_path_length.mean()
    random_c, random_l = found.random_clustering.mean(), found.random_path_length.mean()
    d_c = np.clip((lattice_c - found.clustering) / (lattice_c - random_c), 0, 1)
    d_l = np.clip((found.path_length - random_l) / (lattice_l - random_l), 0, 1)
    assert found.value == pytest.approx(1 - np.sqrt((d_c**2 + d_l**2) / 2), rel=1e-12)
    table = found.to_frame()
    assert table.loc["clustering", "lattice_mean"] == pytest.approx(lattice_c)
    assert table.loc["path_length", "deviation"] == found.path_deviation
    assert repr(found).startswith(f"SmallWorldPropensity({found.value:.4g}, deviations ")


@given(wirings, st.booleans(), st.sampled_from([2, 3]))
def test_propensity_is_a_share_and_does_not_depend_on_threads(wiring, weighted, threads):
    rng = np.random.default_rng(len(wiring))
    weights = wiring * rng.uniform(0.1, 1.0, wiring.shape)
    weights += weights.T
    one = propensity(weights, weighted=weighted, n_null=2, threads=1)
    many = propensity(weights, weighted=weighted, n_null=2, threads=threads)
    assert np.array_equal([one.value], [many.value], equal_nan=True)
    assert np.isnan(one.value) or -1e-12 <= one.value <= 1
    scaled = propensity(7 * weights, weighted=weighted, n_null=2)
    np.testing.assert_allclose(scaled.value, one.value, rtol=1e-6, atol=1e-9)


def test_propensity_of_equal_weights_is_that_of_the_graph():
    weights = 3.0 * ring(60, 6)
    with_weights, without = propensity(weights), propensity(weights, weighted=False)
    assert with_weights.value == pytest.approx(without.value, rel=1e-9)


def test_lattice_and_random_nulls_have_the_weights():
    from cofire.graph import propensity as module
    from cofire.graph._adjacency import as_graph

    for n in (2, 7, 8, 21):
        weights = make(n, 0.6, n) * np.random.default_rng(n).uniform(0.1, 1.0, (n, n))
        weights += weights.T
        given_ = as_graph(weights, directed=False)
        for make_null in (module._lattice_of, module._random_of):
            null = make_null(given_, np.random.default_rng(0)).dense()
            np.testing.assert_array_equal(null, null.T)
            np.testing.assert_array_equal(np.sort(null, axis=None), np.sort(weights, axis=None))
        lattice = module._lattice_of(given_, np.random.default_rng(0)).dense()
        i, j = np.indices((n, n))
        far = reference.ring_distance(i, j, n)
        for d in range(1, n // 2):
            near_weights = lattice[far == d]
            assert near_weights.min() >= lattice[far > d].max(initial=0.0)


def test_propensity_of_a_disconnected_graph_has_the_largest_path_deviation():
    two = np.kron(np.eye(2), ring(30, 4))
    found = propensity(two, n_null=2)
    assert found.path_deviation == 1.0
    assert 0 <= found.value < 0.3
