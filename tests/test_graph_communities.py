"""Communities: Q as defined, searches that end where no node gains, golden values."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import cofire as cf
from cofire import errors
from cofire.graph import _bisection, _greedy, _louvain
from cofire.graph._adjacency import as_graph
from graph_goldens import assert_golden, each_golden
from reference import graph_communities as reference

seeds = st.integers(0, 2**32 - 1)
gammas = st.sampled_from([0.4, 1.0, 1.7])
directions = pytest.mark.parametrize("directed", [True, False])
SEARCHES = {
    "louvain": cf.graph.louvain,
    "greedy": cf.graph.greedy_modularity,
    "spectral": cf.graph.spectral_modularity,
}
searches = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)


def random_network(seed, n, directed=True):
    rng = np.random.default_rng(seed)
    w = rng.exponential(size=(n, n)) * (rng.random((n, n)) < rng.uniform(0.1, 0.8))
    np.fill_diagonal(w, 0)
    w[0, 1] += 1  # never without edges
    return w if directed else w + w.T


def planted(n_groups, size, within, between, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(n_groups), size))
    same = labels[:, None] == labels
    a = rng.random(same.shape) < np.where(same, within, between)
    np.fill_diagonal(a, False)
    return a.astype(float), labels


@given(seeds, gammas, st.booleans())
def test_q_is_the_sum_over_pairs(seed, gamma, directed):
    w = random_network(seed, 9, directed)
    ci = np.random.default_rng(seed).integers(0, 4, 9)
    for form, weighted in ((w, True), ((w > 0) * 1.0, False)):
        q = cf.graph.modularity_q(w, ci, gamma=gamma, directed=directed, weighted=weighted)
        assert q == pytest.approx(reference.modularity(form, ci, gamma), rel=1e-11, abs=1e-13)


@given(seeds, gammas)
def test_q_follows_nodes_and_does_not_ask_for_names_or_units(seed, gamma):
    rng = np.random.default_rng(seed)
    w, ci, order = random_network(seed, 15), rng.integers(0, 4, 15), rng.permutation(15)
    q = cf.graph.modularity_q(w, ci, gamma=gamma, weighted=True)
    assert q <= 1
    names = np.array(["ab", "c", "", "d"])[ci][order]
    moved = 3.7 * w[np.ix_(order, order)]
    assert cf.graph.modularity_q(moved, names, gamma=gamma, weighted=True) == pytest.approx(q)
    assert cf.graph.modularity_q(w.T, ci, gamma=gamma, weighted=True) == pytest.approx(q)
    assert cf.graph.modularity_q(w, np.zeros(15)) == pytest.approx(0, abs=1e-14)


@each_golden
def test_golden_q_of_a_partition(golden, forms):
    for key, directed in (("bu", False), ("wu", False), ("bd", True), ("wd", True)):
        q = cf.graph.modularity_q(
            forms[key.upper()], golden["ci"], directed=directed, weighted=key[0] == "w"
        )
        assert_golden(q, golden, f"Q_part_{key}")


@each_golden
def test_golden_greedy_communities(golden, forms):
    q = cf.graph.modularity_q(forms["BU"], golden["nx_greedy_labels"], directed=False)
    assert_golden(q, golden, "nx_greedy_Q")
    found = cf.graph.greedy_modularity(forms["BU"], directed=False)
    assert found.q == pytest.approx(q, abs=0.01)


@each_golden
def test_golden_spectral_communities(golden, forms):
    """bctpy's und form is the cut by signs; its dir form leaves out what a group has as a whole."""
    for kind, form, directed in (("und", "WU", False), ("dir", "WD", True)):
        w, options = forms[form], {"directed": directed, "weighted": True}
        labels = golden[f"mod_spectral_{kind}_ci"]
        assert_golden(cf.graph.modularity_q(w, labels, **options), golden, f"mod_spectral_{kind}_Q")
        signs = cf.graph.spectral_modularity(w, fine_tune=False, **options)
        tuned = cf.graph.spectral_modularity(w, **options)
        assert tuned.q >= max(golden[f"mod_spectral_{kind}_Q"], signs.q) - 1e-12
        if kind == "und":
            assert_golden(signs.q, golden, "mod_spectral_und_Q")
        else:
            defect = reference.cut_by_signs(w, corrected=False)
            assert reference.modularity(w, defect) == pytest.approx(
                golden["mod_spectral_dir_Q"], rel=1e-9
            )
        # By Q: a node without edges is on either side.
        expected = reference.modularity(w, reference.cut_by_signs(w))
        assert signs.q == pytest.approx(expected, rel=1e-9)


def test_golden_communities_of_trained_networks(shared):
    files = sorted((shared / "golden" / "rnn").glob("endmetrics_*.npz"))
    assert files
    for file in files:
        with np.load(file) as golden:
            a, labels, q = golden["A"] > 0, golden["greedy_labels"], float(golden["modularity"])
        assert cf.graph.modularity_q(a, labels, directed=False) == pytest.approx(q, rel=1e-9)
        assert cf.graph.greedy_modularity(a, directed=False).q == pytest.approx(q, abs=0.01)


@searches
@given(seed=seeds, directed=st.booleans(), gamma=gammas)
@settings(max_examples=25)
def test_searches_report_their_q_and_stay_below_the_best(search, seed, directed, gamma):
    w = random_network(seed, 6, directed)
    found = search(w, directed=directed, weighted=True, gamma=gamma)
    assert found.q == pytest.approx(reference.modularity(w, found.labels, gamma), abs=1e-12)
    assert found.q >= reference.modularity(w, np.arange(6), gamma) - 1e-12 or search is not (
        cf.graph.louvain
    )
    best = max(reference.modularity(w, ci, gamma) for ci in reference.all_partitions(6))
    assert best - 0.2 < found.q <= best + 1e-12
    sizes = found.sizes
    assert sizes.sum() == 6
    assert (np.diff(sizes) <= 0).all()
    np.testing.assert_array_equal(found.levels[-1], found.labels)


@given(seeds, gammas, st.booleans())
@settings(max_examples=30)
def test_louvain_ends_where_no_node_gains(seed, gamma, directed):
    w = random_network(seed, 14, directed)
    found = cf.graph.louvain(w, gamma=gamma, directed=directed, weighted=True, rng=seed)
    for i in range(14):
        for c in range(found.n_communities + 1):
            moved = found.labels.copy()
            moved[i] = c
            assert reference.modularity(w, moved, gamma) <= found.q + 1e-10
    coarse = cf.graph.louvain(
        w, gamma=gamma, directed=directed, weighted=True, rng=seed, refine=False
    )
    assert found.q >= coarse.q - 1e-12


@given(seeds, st.booleans())
@settings(max_examples=30)
def test_greedy_joins_the_pair_that_gains_most(seed, directed):
    w = random_network(seed, 14, directed)
    found = cf.graph.greedy_modularity(w, directed=directed, weighted=True)
    assert cf.graph.partition_distance(found.labels, reference.greedy(w)).vi == 0


@given(seeds, st.booleans(), gammas)
@settings(max_examples=30)
def test_fine_tuning_ends_where_no_flip_gains(seed, directed, gamma):
    w = random_network(seed, 12, directed)
    halves = _louvain.Halves.of(as_graph(w, directed=directed))
    side = np.random.default_rng(seed).choice([-1.0, 1.0], 12)
    scale = gamma / (2 * halves.total)
    s = (w + w.T) / 2
    b = s - scale * (np.outer(halves.out, halves.into) + np.outer(halves.into, halves.out))
    before = side @ b @ side
    csr = (halves.indptr, halves.indices, halves.weights)
    _bisection.flip_nodes(*csr, halves.out, halves.into, scale, 1e-12, side)
    assert set(side) <= {-1.0, 1.0}
    assert side @ b @ side >= before - 1e-9
    for i in range(12):
        flipped = side.copy()
        flipped[i] *= -1
        assert flipped @ b @ flipped <= side @ b @ side + 1e-9


def test_levels_are_made_of_whole_communities():
    a, _ = planted(60, 5, 0.9, 0.01)
    found = cf.graph.louvain(a, refine=False)
    assert len(found.levels) > 1
    for finer, coarser in zip(found.levels, found.levels[1:], strict=False):
        assert len(np.unique(np.c_[finer, coarser], axis=0)) == len(np.unique(finer))
        assert coarser.max() < finer.max()


@searches
@directions
def test_planted_groups_are_found(search, directed):
    a, labels = planted(5, 70, 0.3, 0.02)
    if not directed:
        a = np.maximum(a, a.T)
    found = search(a, directed=directed)
    assert cf.graph.partition_distance(found.labels, labels).nmi > 0.98
    assert found.q == pytest.approx(cf.graph.modularity_q(a, labels, directed=directed), abs=0.01)


def test_directed_communities_are_not_those_of_the_symmetric_network():
    """The null model knows which way edges go."""
    w = random_network(5, 40)
    directed = cf.graph.louvain(w, weighted=True, n_runs=20)
    symmetric = cf.graph.louvain(w + w.T, weighted=True, directed=False, n_runs=20)
    of_symmetric = cf.graph.modularity_q(w, symmetric.labels, weighted=True)
    assert directed.q > of_symmetric


@given(seeds, st.sampled_from([2, 3]))
@settings(max_examples=10)
def test_runs_are_the_same_for_any_number_of_threads_and_the_best_is_kept(seed, threads):
    w = random_network(seed, 40)
    one = cf.graph.louvain(w, n_runs=8, threads=1, rng=seed)
    many = cf.graph.louvain(w, n_runs=8, threads=threads, rng=seed)
    np.testing.assert_array_equal(one.labels, many.labels)
    few = cf.graph.louvain(w, n_runs=3, rng=seed)
    assert cf.graph.louvain(w, rng=seed).q <= few.q <= one.q
    generator = cf.graph.louvain(w, rng=np.random.default_rng(seed)).labels
    np.testing.assert_array_equal(
        cf.graph.louvain(w, rng=np.random.default_rng(seed)).labels, generator
    )


@searches
def test_searches_work_in_the_form_of_the_input(search):
    w = random_network(2, 30)
    w[np.diag_indices(30)] = 100.0
    expected = search(w)
    frozen = np.asfortranarray(w)
    frozen.flags.writeable = False
    digraph = nx.from_numpy_array(w, create_using=nx.DiGraph)
    for form in (frozen, sparse.coo_array(w), digraph, w - np.diag(np.diag(w))):
        np.testing.assert_array_equal(search(form).labels, expected.labels)


@searches
@directions
def test_communities_do_not_reach_over_components(search, directed):
    a = np.kron(np.eye(4), np.ones((5, 5)))
    a = np.pad(a, (0, 3))  # and three nodes alone
    found = search(a, directed=directed)
    expected = np.r_[np.repeat(np.arange(4), 5), 4, 5, 6]
    if search is cf.graph.spectral_modularity:  # where nodes without edges go changes nothing
        found_labels, expected = found.labels[:20], expected[:20]
        assert cf.graph.partition_distance(found_labels, expected).vi == 0
    else:
        np.testing.assert_array_equal(found.labels, expected)
    assert found.q == pytest.approx(0.75)


@searches
@pytest.mark.parametrize("n", [0, 1, 4])
def test_without_edges_every_node_is_alone(search, n):
    found = search(np.eye(n))
    np.testing.assert_array_equal(found.labels, np.arange(n))
    assert np.isnan(found.q)
    assert found.n_communities == n
    assert np.isnan(cf.graph.modularity_q(np.eye(n), np.arange(n)))
    assert len(found.to_frame()) == n


@searches
def test_one_edge_is_one_community_unless_it_gains_nothing(search):
    found = search([[0, 1], [1, 0]], directed=False)
    np.testing.assert_array_equal(found.labels, [0, 0])
    assert found.q == 0
    # One way, chance gives the whole edge between the two: together or apart, Q is 0.
    assert search([[0, 1], [0, 0]]).q == 0


def test_large_groups_are_cut_without_a_dense_matrix(monkeypatch):
    a, labels = planted(4, 100, 0.2, 0.02)
    expected = cf.graph.spectral_modularity(a).labels
    monkeypatch.setattr(_bisection, "_DENSE", 5)
    np.testing.assert_array_equal(cf.graph.spectral_modularity(a).labels, expected)
    assert cf.graph.partition_distance(expected, labels).nmi > 0.98


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: cf.graph.modularity_q(a, [0, 1]), r"ci must have shape \(3,\).*\(2,\)"),
        (lambda a: cf.graph.modularity_q(a, [0, np.nan, 1]), r"ci\[1\] is NaN"),
        (lambda a: cf.graph.modularity_q(a, [0, 1, 1], gamma=-0.5), "gamma.*negative.*-0.5"),
        (lambda a: cf.graph.louvain(-a, weighted=True), "negative.*strengths"),
        (lambda a: cf.graph.louvain(a, n_runs=0), "n_runs must be at least 1"),
        (lambda a: cf.graph.louvain(a, rng=-1), "rng"),
        (lambda a: cf.graph.greedy_modularity(np.triu(a), directed=False), "symmetric"),
        (lambda a: cf.graph.spectral_modularity(a[:2]), r"square.*\(2, 3\)"),
        (lambda a: cf.graph.spectral_modularity(a, gamma=np.inf), "gamma must be finite"),
    ],
)
def test_what_has_no_communities_is_refused(call, message):
    with pytest.raises(errors.InvalidArgumentError, match=message):
        call(np.ones((3, 3)))


def test_result_says_what_it_is():
    found = cf.graph.louvain(nx.karate_club_graph(), directed=False, n_runs=20)
    assert repr(found) == "Communities(34 nodes, 4 communities, Q = 0.4198)"
    frame = found.to_frame()
    assert list(frame.columns) == ["node", "community", "size"]
    assert frame.groupby("community").size().tolist() == found.sizes.tolist()


def test_kernels_do_the_same_without_numba():
    w = random_network(11, 25)
    halves = _louvain.Halves.of(as_graph(w))
    csr = (halves.indptr, halves.indices, halves.weights)
    state, scale = (*csr, halves.out, halves.into), 1 / (2 * halves.total)
    order = np.random.default_rng(0).permutation(25)
    moved, compiled = np.arange(25), np.arange(25)
    _louvain.move_nodes._function(*state, scale, order, moved)
    _louvain.move_nodes(*state, scale, order, compiled)
    np.testing.assert_array_equal(moved, compiled)
    labels = np.unique(moved, return_inverse=True)[1]
    n_labels = labels.max() + 1
    for ours, theirs in zip(
        _louvain.merge_nodes._function(*state, labels, n_labels),
        _louvain.merge_nodes(*state, labels, n_labels),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert _louvain.modularity._function(*csr, labels, n_labels, 1.0) == pytest.approx(
        _louvain.modularity(*csr, labels, n_labels, 1.0), rel=1e-12
    )
    np.testing.assert_array_equal(
        _greedy.agglomerate._function(*state, scale), _greedy.agglomerate(*state, scale)
    )
    sides = np.ones((2, 25))
    _bisection.flip_nodes._function(*state, scale, 1e-12, sides[0])
    _bisection.flip_nodes(*state, scale, 1e-12, sides[1])
    np.testing.assert_array_equal(*sides)
