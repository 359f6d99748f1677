"""How fast are null graphs: small-worldness, rewiring, and the entropy of weights?

bctpy measures a null in some 50 ms: it gets fewer of them, as the names of the groups say, and all
take the same number. Nulls are random: peers agree within their standard errors.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from scipy import sparse, stats

import cofire as cf
from cofire import graph
from cofire.graph import small_world
from peers import compare, full_size, optional, scale, within

WINDING = Path(os.environ.get("COFIRE_DATA", Path(__file__).resolve().parents[2] / "shared"))


@lru_cache(maxsize=2)
def small_graph(n):
    """Dense as the study's: the strongest tenth of random weights, in either direction."""
    weights = np.random.default_rng(5).normal(size=(n, n))
    strong = abs(weights) > np.quantile(abs(weights), 0.9)
    strong |= strong.T
    np.fill_diagonal(strong, False)
    return strong.astype(float)


@lru_cache(maxsize=2)
def random_wiring(n, n_edges):
    """A directed graph with weights, as CSR."""
    rng = np.random.default_rng(6)
    keys = np.unique(rng.integers(0, n * n, n_edges + n_edges // 20))
    keys = keys[keys % n != keys // n]
    keys = rng.permutation(keys)[:n_edges]
    return sparse.csr_array((rng.random(len(keys)) + 0.1, (keys // n, keys % n)), shape=(n, n))


@lru_cache(maxsize=1)
def winding():
    """The wiring of the larval brain, axon to dendrite and the other types together."""
    folder = WINDING / "data" / "winding2023"
    if not folder.is_dir():
        pytest.skip(f"no Winding 2023 supplement at {folder}; set COFIRE_DATA")
    return cf.io.read_winding2023(folder).count.astype(float)


def cold_small_worldness(wiring, n_null, threads=1):
    small_world._CACHE.clear()
    return graph.small_worldness(wiring, n_null=n_null, threads=threads).value


def peer_small_worldness(clustering, efficiency, wiring, n_null):
    """The study's recipe with the clustering and efficiency of a library."""
    rng = np.random.default_rng(1)
    nulls = []
    for _ in range(n_null):
        uniform = rng.random(wiring.shape)
        null = ((uniform + uniform.T) / 2 > 0.7).astype(float)
        nulls.append((clustering(null), efficiency(null)))
    c, e = np.mean(nulls, axis=0)
    return clustering(wiring) / c * efficiency(wiring) / e


def test_small_worldness(benchmark):
    """The goal: 1000 nulls in less than a second. The first call; the next ones are cached."""
    n, n_null = scale(312, 60), scale(1000, 20)
    wiring = small_graph(n)
    benchmark.group = f"small-worldness, {n} nodes, {n_null} nulls made anew, no feasible peer"
    implementations = {
        "cofire": lambda: cold_small_worldness(wiring, n_null),
        "cofire, two threads": lambda: cold_small_worldness(wiring, n_null, threads=2),
        "cofire, nulls in the cache": lambda: graph.small_worldness(wiring, n_null=n_null).value,
    }
    compare(benchmark, implementations, within(0.0))


def test_small_worldness_of_peers(benchmark):
    """A few nulls of the 1000: times go with their number."""
    n, n_null = scale(312, 40), scale(20, 5)
    wiring = small_graph(n)
    benchmark.group = f"small-worldness, {n} nodes, {n_null} nulls"
    implementations = {"cofire": lambda: cold_small_worldness(wiring, n_null)}
    equal = {}
    if bct := optional("bct"):
        implementations["bctpy"] = lambda: peer_small_worldness(
            lambda a: bct.clustering_coef_bu(a).mean(), bct.efficiency_bin, wiring, n_null
        )
        equal["bctpy"] = within(0.02 if full_size() else 0.3)
    if len(implementations) == 1:
        pytest.skip("bctpy is not installed")
    compare(benchmark, implementations, equal)


def test_one_graph(benchmark):
    """What a null costs: clustering and efficiency of one graph."""
    n = scale(312, 40)
    wiring = small_graph(n)
    network = nx.from_numpy_array(wiring)
    benchmark.group = f"clustering and efficiency, binary undirected, {n} nodes"
    graph.small_worldness(wiring, n_null=1)

    def in_cofire():
        found = graph.small_worldness(wiring, n_null=1, threads=1)
        return found.clustering, found.efficiency

    implementations = {
        "cofire": in_cofire,
        "networkx": lambda: (nx.average_clustering(network), nx.global_efficiency(network)),
    }
    if bct := optional("bct"):
        implementations["bctpy"] = lambda: (
            bct.clustering_coef_bu(wiring).mean(),
            bct.efficiency_bin(wiring),
        )
    compare(benchmark, implementations, within(1e-9))


def degrees(matrices):
    """Degrees out and in, which rewiring keeps: the proof of each implementation."""
    last = sparse.csr_array(matrices)
    last.setdiag(0)
    last.eliminate_zeros()
    edges = last.astype(bool).astype(int)
    return np.stack([edges.sum(axis=1), edges.sum(axis=0)])


def igraph_rewired(igraph, wiring, attempts):
    edges = igraph.Graph(list(zip(*wiring.nonzero(), strict=True)), directed=True)
    edges.add_vertices(wiring.shape[0] - edges.vcount())
    return lambda: igraph_rewire(edges.copy(), attempts, wiring.shape)


def igraph_rewire(edges, attempts, shape):
    edges.rewire(n=attempts)
    pairs = np.array(edges.get_edgelist())
    return degrees(sparse.csr_array((np.ones(len(pairs)), pairs.T), shape=shape))


@pytest.mark.parametrize("case", ["312", "winding", "20k"])
def test_rewire(benchmark, case):
    """10 attempts for each edge; both give a matrix back, igraph by way of its list of edges."""
    wiring = {
        "312": lambda: random_wiring(scale(312, 50), scale(9700, 300)),
        "winding": lambda: winding() if full_size() else random_wiring(100, 1000),
        "20k": lambda: random_wiring(scale(20_000, 200), scale(500_000, 2000)),
    }[case]()
    off = wiring.copy()
    off.setdiag(0)
    off.eliminate_zeros()
    n_edges = off.nnz
    benchmark.group = (
        f"rewire a directed graph, {off.shape[0]} nodes, {n_edges} edges, 10 attempts an edge"
    )
    implementations = {
        "cofire": lambda: degrees(graph.rewire(off, threads=1)[0]),
        "cofire, connected": lambda: degrees(graph.rewire(off, connected=True, threads=1)[0]),
    }
    if n_edges > 200_000:
        implementations.pop("cofire, connected")
    if igraph := optional("igraph"):
        implementations["igraph"] = igraph_rewired(igraph, off, 10 * n_edges)
    if len(implementations) == 1:
        pytest.skip("igraph is not installed")
    compare(benchmark, implementations, within(0.0))


def test_rewire_in_networkx(benchmark):
    """Its function counts exchanges, not attempts: it makes half as many as ours tries."""
    n, n_edges = scale(312, 30), scale(4000, 100)
    wiring = random_wiring(n, n_edges)
    undirected = ((wiring + wiring.T) > 0).astype(float)
    pairs = nx.from_scipy_sparse_array(undirected)
    n_pairs = undirected.nnz // 2
    benchmark.group = f"rewire an undirected graph, {n} nodes, {n_pairs} edges"
    n_swaps = 5 * n_pairs

    def in_networkx():
        copy = pairs.copy()
        nx.double_edge_swap(copy, n_swaps, max_tries=100 * n_swaps, seed=1)
        return degrees(nx.to_scipy_sparse_array(copy))

    implementations = {
        "cofire": lambda: degrees(graph.rewire(undirected, directed=False, threads=1)[0]),
        "networkx, 5 exchanges an edge": in_networkx,
    }
    compare(benchmark, implementations, within(0.0))


def test_rewire_many(benchmark):
    """A hundred nulls at once: threads share them."""
    wiring = random_wiring(scale(312, 30), scale(9700, 100))
    n_null = scale(100, 5)
    benchmark.group = f"rewire, {wiring.shape[0]} nodes, {wiring.nnz} edges, {n_null} nulls"

    def last(threads):
        return graph.rewire(wiring, n_null, threads=threads)[-1].toarray()

    implementations = {"cofire": lambda: last(1), "cofire, two threads": lambda: last(2)}
    compare(benchmark, implementations, within(0.0))


def scipy_entropy(weights):
    values = weights.ravel()
    density = stats.gaussian_kde(values)(np.linspace(values.min(), values.max(), 100))
    return stats.entropy(density / density.sum(), base=2)


def numpy_entropy(weights):
    """All exponentials, a point at a time."""
    x = weights.ravel()
    width = x.std(ddof=1) * len(x) ** -0.2
    density = np.empty(100)
    for k, point in enumerate(np.linspace(x.min(), x.max(), 100)):
        density[k] = np.exp(-0.5 * ((point - x) / width) ** 2).sum()
    p = density / density.sum()
    p = p[p > 0]
    return -(p * np.log2(p)).sum()


def test_entropy(benchmark):
    n = scale(312, 40)
    weights = np.random.default_rng(7).normal(size=(n, n)) / np.sqrt(n)
    benchmark.group = f"entropy of the weights, {n} x {n}, 100 points"
    implementations = {
        "cofire": lambda: graph.weight_entropy(weights, threads=1),
        "numpy": lambda: numpy_entropy(weights),
        "scipy.stats.gaussian_kde": lambda: scipy_entropy(weights),
    }
    compare(benchmark, implementations, within(1e-6))
