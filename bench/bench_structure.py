"""How fast are chains between all pairs of cells, patterns of typed cells, and shuffled labels?"""

from __future__ import annotations

from functools import lru_cache

import networkx as nx
import numpy as np
from networkx.algorithms.isomorphism import DiGraphMatcher

import cofire as cf
from cofire import structure
from cofire.structure._differences import QUANTITIES
from cofire.structure.chains import chain_links
from cofire.structure.monosynaptic import direct_links
from cofire.structure.nulls import label_order
from peers import compare, scale, within

SHUFFLES = scale(1000, 20)


@lru_cache(maxsize=4)
def made(n_cells, n_synapses, n_known):
    """Cells with unequal numbers of partners, as many synapses as V1DD; assemblies of some."""
    rng = np.random.default_rng(0)
    weight = rng.lognormal(0, 0.3, n_cells)
    draw = (2 * n_synapses, 2)
    ends = rng.choice(n_cells, draw, p=weight / weight.sum())
    ends = ends[ends[:, 0] != ends[:, 1]]
    pairs = rng.permutation(np.unique(ends[:, 0] * n_cells + ends[:, 1]))[: n_synapses * 52 // 100]
    synapses = np.concatenate([pairs, rng.choice(pairs, n_synapses - len(pairs))])
    table = {
        "pre": synapses // n_cells,
        "post": synapses % n_cells,
        "size": rng.lognormal(6, 1, n_synapses) * 3.645e-6,
    }
    wiring = cf.Connectome.from_synapses(table, rows=np.arange(n_cells))
    known = {i: set(rng.integers(0, 15, rng.integers(0, 4)).tolist()) for i in range(n_known)}
    return wiring, structure.pair_classes(known, wiring)


def dense(links, shape):
    out = np.zeros((2, *shape))
    out[0, links.rows, links.columns] = links.number
    out[1, links.rows, links.columns] = links.strength
    return out.reshape(2 * shape[0], shape[1])


def scipy_chains(wiring):
    """Sums and numbers of chains as two sparse products."""
    binary = (wiring.count > 0).astype(np.float64)
    number, strength = (binary @ binary).toarray(), (wiring.psd @ wiring.psd).toarray()
    np.fill_diagonal(number, 0)
    np.fill_diagonal(strength, 0)
    return np.concatenate([number, strength])


def networkx_chains(graph):
    n = len(graph)
    out = np.zeros((2, n, n))
    for j in graph:
        for k, first in graph[j].items():
            for i, second in graph[k].items():
                if i != j:
                    out[0, j, i] += 1
                    out[1, j, i] += first["weight"] * second["weight"]
    return out.reshape(2 * n, n)


def test_chains(benchmark):
    """S1: every chain of three cells in a graph as large as that of all proofread cells."""
    n = scale(852, 80)
    wiring, classes = made(n, scale(137_706, 2_000), n)
    links = chain_links(wiring, classes, wiring.row_ids)
    benchmark.group = f"chains of {n} cells, {links.number.sum():,} two-step paths"
    implementations = {
        "cofire": lambda: dense(chain_links(wiring, classes, wiring.row_ids), classes.codes.shape),
        "scipy, two sparse products": lambda: scipy_chains(wiring),
    }
    compare(benchmark, implementations, within(1e-9))


def test_chains_in_python(benchmark):
    n = scale(300, 60)
    wiring, classes = made(n, scale(17_000, 1_000), n)
    graph = nx.from_scipy_sparse_array(wiring.psd, create_using=nx.DiGraph)
    benchmark.group = f"chains of {n} cells, with networkx"
    implementations = {
        "cofire": lambda: dense(chain_links(wiring, classes, wiring.row_ids), classes.codes.shape),
        "scipy, two sparse products": lambda: scipy_chains(wiring),
        "three loops over a networkx graph": lambda: networkx_chains(graph),
    }
    compare(benchmark, implementations, within(1e-9), rounds=3)


def test_chains_with_all_tests(benchmark):
    """S1 as it is called: 80 cells with assemblies, tables, tests and intervals; no peer."""
    wiring, classes = made(scale(852, 80), scale(137_706, 2_000), scale(80, 40))
    benchmark.group = f"structure.chains of {len(classes.cell_ids)} cells, tables and tests"

    def statistics():
        tests = structure.chains(wiring, classes, "any").tests
        return tests[["statistic", "p"]].fillna(-1).to_numpy()

    def checked():
        links = chain_links(wiring, classes, wiring.row_ids)
        result = structure.chains(wiring, classes, wiring.row_ids)
        assert (
            result.pairs["count"].sum()
            == links.number[classes.codes[links.rows, links.columns] >= 0].sum()
        )
        return result.tests[["statistic", "p"]].fillna(-1).to_numpy()

    compare(
        benchmark, {"cofire": statistics, "cofire, chains counted twice": checked}, within(1e-12)
    )


def test_motifs(benchmark):
    """S2: feed-forward loops of typed cells."""
    n = scale(200, 40)
    rng = np.random.default_rng(0)
    matrix = (rng.random((n, n)) < 0.05) & ~np.eye(n, dtype=bool)
    labels = np.where(rng.random(n) < 0.3, "I", "E")
    edges, types = [(0, 1), (1, 2), (0, 2)], ["E", "I", "E"]
    graph = nx.from_numpy_array(matrix.astype(int), create_using=nx.DiGraph)
    query = nx.DiGraph(edges)
    nx.set_node_attributes(graph, dict(enumerate(labels)), "type")
    nx.set_node_attributes(query, dict(enumerate(types)), "type")

    def networkx_count():
        fits = DiGraphMatcher(graph, query, lambda a, b: a["type"] == b["type"])
        return sum(1 for _ in fits.subgraph_isomorphisms_iter())

    benchmark.group = f"induced feed-forward loops E, I, E of {n} cells"
    implementations = {
        "cofire": lambda: (
            structure.find_motif(
                matrix, edges, types, True, labels=labels, max_instances=0, threads=1
            ).count
        ),
        "networkx DiGraphMatcher": networkx_count,
    }
    compare(benchmark, implementations, within(0), rounds=2)


def numpy_null(wiring, classes, n):
    """Difference of connected shares for one shuffle after the other."""
    linked = wiring.count.toarray() > 0
    linked = linked[np.ix_(classes.pre_ids, classes.post_ids)]
    out = []
    for k in range(n):
        shuffled = classes.with_member(classes.member[label_order(classes, 0, k)])
        shares = [linked[shuffled.mask(name)].mean() for name in ("shared", "disjoint")]
        out.append(shares[0] - shares[1])
    return np.array(out)


def test_shuffled_labels(benchmark):
    """S3: all six differences of shuffled labels against one of them in NumPy."""
    wiring, classes = made(scale(852, 80), scale(137_706, 2_000), scale(400, 40))
    assert direct_links(wiring, classes).strength is not None
    assert QUANTITIES[0] == "B"
    benchmark.group = (
        f"{SHUFFLES} shuffles of the labels of {len(classes.cell_ids)} cells, direct connections"
    )

    def ours(threads):
        null = structure.permutation_null(wiring, classes, n=SHUFFLES, rng=0, threads=threads)
        return null.null[:, 0]

    implementations = {
        "cofire, six quantities": lambda: ours(1),
        "cofire, two threads": lambda: ours(2),
        "numpy, one quantity": lambda: numpy_null(wiring, classes, SHUFFLES),
    }
    compare(benchmark, implementations, within(1e-9), rounds=2)
