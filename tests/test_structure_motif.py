import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx.algorithms.isomorphism import DiGraphMatcher

import cofire as cf
from cofire import structure
from cofire.errors import InvalidArgumentError, InvalidTypeError, MissingDataError
from cofire.graph._adjacency import as_graph
from cofire.structure._match import _match, automorphisms, match, search_order
from reference import structure as reference
from structure_made import made_wiring

PATTERNS = (
    [(0, 1)],
    [(0, 1), (1, 0)],
    [(0, 1), (1, 2)],
    [(0, 2), (1, 2)],
    [(1, 0), (1, 2)],
    [(0, 1), (1, 2), (2, 0)],
    [(0, 1), (1, 2), (0, 2)],
    [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)],
    [(0, 1), (1, 2), (2, 3)],
    [(0, 1), (0, 2), (1, 3), (2, 3)],
    [(0, 1), (1, 2), (2, 3), (3, 0)],
    [(3, 0), (3, 1), (3, 2)],
    [(0, 1), (1, 0), (2, 3), (3, 2), (0, 2)],
)
cases = st.tuples(st.integers(0, 10_000), st.sampled_from(PATTERNS), st.booleans())


def random_case(seed, edges, n=8):
    rng = np.random.default_rng(seed)
    matrix = (rng.random((n, n)) < rng.uniform(0.1, 0.6)).astype(int)
    labels = rng.choice(["E", "I"], n)
    labels[:2] = "E", "I"
    types = rng.choice(["E", "I", "any"], max(map(max, edges)) + 1).tolist()
    return matrix, labels, types


def embeddings(matrix, edges, types, induced, labels):
    graph = nx.from_numpy_array(matrix, create_using=nx.DiGraph)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    query = nx.DiGraph(edges)
    nx.set_node_attributes(graph, dict(enumerate(labels)), "type")
    nx.set_node_attributes(query, dict(enumerate(types)), "type")
    fits = DiGraphMatcher(graph, query, lambda a, b: b["type"] in ("any", a["type"]))
    found = fits.subgraph_isomorphisms_iter() if induced else fits.subgraph_monomorphisms_iter()
    return {tuple(sorted(each, key=each.get)) for each in found}


@given(cases)
def test_motifs_equal_networkx(case):
    seed, edges, induced = case
    matrix, labels, types = random_case(seed, edges)
    expected = embeddings(matrix, edges, types, induced, labels)
    found = structure.find_motif(matrix, edges, types, induced, labels=labels)
    assert found.count * found.n_symmetries == len(expected)
    assert len(found.instances) == len(found.instances.drop_duplicates()) == found.count
    assert {tuple(row) for row in found.instances.values.tolist()} <= expected


@settings(max_examples=25)
@given(cases)
def test_motifs_equal_the_definition(case):
    seed, edges, induced = case
    matrix, labels, types = random_case(seed, edges, 6)
    np.fill_diagonal(matrix, 0)
    found = structure.find_motif(matrix, edges, types, induced, labels=labels)
    assert found.count == reference.n_motifs(matrix, edges, types, induced, labels)


@given(cases, st.randoms(use_true_random=False))
def test_counts_do_not_depend_on_the_order_of_nodes(case, random):
    seed, edges, induced = case
    matrix, labels, types = random_case(seed, edges)
    order = list(range(len(matrix)))
    random.shuffle(order)
    cells = list(range(len(types)))
    random.shuffle(cells)
    renamed = [(cells[a], cells[b]) for a, b in edges]
    moved = [types[cells.index(k)] for k in range(len(types))]
    one = structure.find_motif(matrix, edges, types, induced, labels=labels).count
    other = structure.find_motif(
        matrix[np.ix_(order, order)], renamed, moved, induced, labels=labels[order]
    )
    assert other.count == one


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([2, 3]))
def test_counts_are_the_same_for_any_number_of_threads(seed, threads):
    matrix = np.random.default_rng(seed).random((150, 150)) < 0.05
    edges = [(0, 1), (1, 2), (0, 2)]
    one = structure.find_motif(matrix, edges, threads=1, max_instances=40)
    many = structure.find_motif(matrix, edges, threads=threads, max_instances=40)
    assert one.count == many.count
    pd.testing.assert_frame_equal(one.instances, many.instances)
    assert len(one.instances) == min(one.count, 40)


def test_induced_triads_add_up_to_the_triad_census():
    rng = np.random.default_rng(0)
    matrix = (rng.random((25, 25)) < 0.15) & ~np.eye(25, dtype=bool)
    census = nx.triadic_census(nx.from_numpy_array(matrix.astype(int), create_using=nx.DiGraph))
    triads = {
        "021C": [(0, 1), (1, 2)],
        "021D": [(1, 0), (1, 2)],
        "021U": [(0, 1), (2, 1)],
        "030T": [(0, 1), (1, 2), (0, 2)],
        "030C": [(0, 1), (1, 2), (2, 0)],
        "300": [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)],
    }
    for name, edges in triads.items():
        assert structure.find_motif(matrix, edges, induced=True).count == census[name]


def test_chains_are_motifs():
    wiring, membership, _ = made_wiring(25)
    classes = structure.pair_classes(dict.fromkeys(membership, "a"), wiring)
    types = [None, "inhibitory", None]
    found = structure.find_motif(wiring, [(0, 1), (1, 2)], types)
    chains = structure.chains(wiring, classes, "inhibitory")
    assert found.count == chains.pairs["count"].sum() == len(found.instances)
    assert set(found.instances["cell_1"]) <= set(wiring.row_ids.tolist())


def test_labels_come_from_columns_mappings_and_several_types():
    wiring, _, _ = made_wiring(20)
    edges = [(0, 1), (1, 0)]
    column = "classification_system"
    one = structure.find_motif(wiring, edges, ["excitatory", "inhibitory"])
    two = structure.find_motif(wiring, edges, ["excitatory", "inhibitory"], labels=column)
    by_id = wiring.cells[column].to_dict()
    three = structure.find_motif(wiring, edges, ["excitatory", "inhibitory"], labels=by_id)
    assert one.count == two.count == three.count
    both = structure.find_motif(wiring, edges, [["excitatory", "inhibitory"], None], labels=column)
    assert both.count == structure.find_motif(wiring, edges).count
    assert both.types == ("excitatory/inhibitory", "any")


def test_shuffled_types_keep_the_graph():
    wiring, _, _ = made_wiring(30)
    edges = [(0, 1), (1, 2), (2, 0)]
    types = ["excitatory", "excitatory", "inhibitory"]
    told = []
    found = structure.find_motif(
        wiring,
        edges,
        types,
        n_null=40,
        shuffle="types",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (40, 40)
    assert found.null.std() > 0
    assert 0 < found.p <= 1
    assert found.to_frame()["n_null"].iloc[0] == 40
    again = structure.find_motif(wiring, edges, types, n_null=40, shuffle="types", threads=2)
    np.testing.assert_array_equal(found.null, again.null)


def test_wiring_is_shuffled_to_find_planted_loops():
    if not hasattr(cf.Connectome, "shuffles"):
        pytest.skip("no shuffles of connectomes yet")
    loops = np.kron(np.eye(20, dtype=int), np.roll(np.eye(3, dtype=int), 1, axis=1))
    wiring = cf.Connectome.from_matrix(loops)
    found = structure.find_motif(wiring, [(0, 1), (1, 2), (2, 0)], n_null=30, rng=1)
    assert found.count == 20
    assert found.p == pytest.approx(1 / 31)
    assert found.z > 5


def test_no_nodes_no_edges_and_self_loops():
    edges = [(0, 1), (1, 2)]
    for matrix in (np.zeros((0, 0)), np.zeros((4, 4)), np.eye(4)):
        found = structure.find_motif(matrix, edges)
        assert found.count == 0
        assert found.instances.shape == (0, 3)
        assert np.isnan(found.p)
    dense = np.ones((6, 6))[::2, ::2]
    dense.setflags(write=False)
    assert structure.find_motif(dense, edges).count == 6


def test_the_kernel_runs_without_compilation():
    matrix, _, _ = random_case(5, PATTERNS[8])
    graph = as_graph(matrix, weighted=False)
    reverse = graph.reverse()
    query = np.zeros((4, 4), dtype=bool)
    query[[0, 1, 2], [1, 2, 3]] = True
    allowed = np.ones((4, graph.n), dtype=bool)
    count, listed = match(graph, reverse, query, allowed, False, (0, graph.n), 5)
    order = search_order(query)
    same = np.argsort(order)[automorphisms(query, allowed)[:, order]]
    out = np.empty((5, 4), dtype=np.int32)
    plain = _match._function(
        graph.indptr, graph.indices, reverse.indptr, reverse.indices,
        query[np.ix_(order, order)], allowed, same, False, 0, graph.n, out,
    )  # fmt: skip
    assert plain == count
    np.testing.assert_array_equal(out[: min(count, 5)][:, np.argsort(order)], listed)


@pytest.mark.parametrize(
    ("edges", "options", "error", "message"),
    [
        ([], {}, InvalidArgumentError, "pairs of numbers"),
        ([(0, 0)], {}, InvalidArgumentError, "2, 3 or 4 cells"),
        ([(0, 1), (1, 1)], {}, InvalidArgumentError, "onto itself"),
        ([(0, 1), (0, 1)], {}, InvalidArgumentError, "occurs twice"),
        ([(0, 1), (2, 3)], {}, InvalidArgumentError, "cell 2 is not joined"),
        ([(0, 4)], {}, InvalidArgumentError, "got 5"),
        ([(0, 1, 2)], {}, InvalidTypeError, "pairs of whole numbers"),
        ([(-1, 1)], {}, InvalidArgumentError, "numbers from 0"),
        ([(0, 1)], {"types": ["E"]}, InvalidArgumentError, "each of the 2 cells"),
        ([(0, 1)], {"types": ["E", "I"]}, MissingDataError, "need labels"),
        ([(0, 1)], {"types": ["E", "X"], "labels": ["E", "I", "E"]}, InvalidArgumentError, "'X'"),
        ([(0, 1)], {"types": ["E", "E"], "labels": ["E"]}, InvalidArgumentError, "each of 3"),
        ([(0, 1)], {"types": ["E", "E"], "labels": "sort"}, MissingDataError, "'sort'"),
        ([(0, 1)], {"n_null": 2}, InvalidTypeError, "must be a cofire.Connectome"),
        ([(0, 1)], {"shuffle": "x"}, InvalidArgumentError, "shuffle"),
    ],
)
def test_bad_patterns_are_named(edges, options, error, message):
    with pytest.raises(error, match=message):
        structure.find_motif(np.ones((3, 3)), edges, **options)
