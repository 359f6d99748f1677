"""How fast are communities found, and are they as good as others'?

Searches end in different partitions, so implementations agree if what each reports as its
modularity is that of its labels, and cofire's is not smaller by more than 0.01.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

import cofire as cf
from cofire import graph
from peers import compare, optional, scale, within

SHARED = Path(os.environ.get("COFIRE_DATA", Path(__file__).resolve().parents[2] / "shared"))
SIZES = ("312 nodes", "Winding 2023", "5,000 nodes", "20,000 nodes")
RANDOM = {
    "312 nodes": (312, 9638),
    "5,000 nodes": (5000, 125_000),
    "20,000 nodes": (20_000, 500_000),
}


@lru_cache(maxsize=4)
def network(size):
    """Binary directed network as compressed rows, without self-loops."""
    if size == "Winding 2023":
        folder = SHARED / "data" / "winding2023"
        if not folder.is_dir():
            pytest.skip(f"no larval connectome at {folder}; set COFIRE_DATA")
        count = cf.io.read_winding2023(folder).count
        n = scale(count.shape[0], 300)
        matrix = sparse.csr_array(count, dtype=np.float64)[:n, :n]
    else:
        n, m = RANDOM[size]
        n, m = (n, m) if n == 312 else (scale(n, n // 20), scale(m, m // 20))
        cells = np.random.default_rng(5).choice(n * n, m, replace=False)
        matrix = sparse.csr_array((np.ones(m), (cells // n, cells % n)), shape=(n, n))
    matrix = sparse.csr_array(matrix - sparse.diags_array(matrix.diagonal()))
    matrix.eliminate_zeros()
    matrix.data[:] = 1.0
    return matrix


@lru_cache(maxsize=4)
def undirected(size):
    matrix = sparse.csr_array(network(size) + network(size).T)
    matrix.data[:] = 1.0
    return matrix


def to_igraph(igraph, matrix):
    upper = sparse.triu(matrix).tocoo()
    return igraph.Graph(n=matrix.shape[0], edges=np.c_[upper.row, upper.col])


def labels_of(sets, n):
    labels = np.empty(n, dtype=int)
    for k, members in enumerate(sets):
        labels[list(members)] = k
    return labels


def as_good(matrix, directed, tolerance=0.01):
    """Both report the modularity of their labels, and ours is as large."""

    def equal(ours, theirs):
        for labels, q in (ours, theirs):
            assert abs(graph.modularity_q(matrix, labels, directed=directed) - q) < 1e-9
        assert ours[1] > theirs[1] - tolerance

    return equal


def ours(found):
    return found.labels, found.q


@pytest.mark.parametrize("size", SIZES)
def test_louvain_undirected(benchmark, size):
    matrix = undirected(size)
    n, m = matrix.shape[0], matrix.nnz // 2
    benchmark.group = f"communities by Louvain, undirected, {n:,} nodes, {m:,} edges"
    implementations = {
        "cofire": lambda: ours(graph.louvain(matrix, directed=False)),
        "cofire, not refined": lambda: ours(graph.louvain(matrix, directed=False, refine=False)),
    }
    if igraph := optional("igraph"):
        peer = to_igraph(igraph, matrix)

        def multilevel():
            found = peer.community_multilevel()
            return np.array(found.membership), found.modularity

        def leiden():
            found = peer.community_leiden("modularity", n_iterations=2)
            return np.array(found.membership), found.modularity

        implementations |= {"igraph multilevel": multilevel, "igraph Leiden": leiden}
    if n <= scale(312, 400):
        add_slow_louvain(implementations, matrix, directed=False)
    # One run of any program may end 0.01 lower than another: the landscape of a random network.
    compare(benchmark, implementations, as_good(matrix, False, 0.02 if n < 1000 else 0.01))


@pytest.mark.parametrize("size", SIZES)
def test_louvain_directed(benchmark, size):
    matrix = network(size)
    n = matrix.shape[0]
    benchmark.group = f"communities by Louvain, directed, {n:,} nodes, {matrix.nnz:,} edges"
    implementations = {
        "cofire": lambda: ours(graph.louvain(matrix)),
        "cofire, not refined": lambda: ours(graph.louvain(matrix, refine=False)),
    }
    if n <= scale(3000, 400):
        add_slow_louvain(implementations, matrix, directed=True)
    compare(benchmark, implementations, as_good(matrix, True, 0.02 if n < 1000 else 0.01))


def add_slow_louvain(implementations, matrix, directed):
    n = matrix.shape[0]
    peer = nx.from_scipy_sparse_array(matrix, create_using=nx.DiGraph if directed else nx.Graph)

    def in_networkx():
        sets = nx.community.louvain_communities(peer, seed=1)
        return labels_of(sets, n), nx.community.modularity(peer, sets)

    implementations["networkx"] = in_networkx
    if n < 1000 and (bct := optional("bct")):
        dense = matrix.toarray()
        louvain = bct.modularity_louvain_dir if directed else bct.modularity_louvain_und
        implementations["bctpy"] = lambda: louvain(dense, seed=1)


@pytest.mark.parametrize("size", SIZES[:3])
def test_greedy(benchmark, size):
    """At 20,000 nodes igraph takes two minutes; too long for a row of several runs."""
    matrix = undirected(size)
    n, m = matrix.shape[0], matrix.nnz // 2
    benchmark.group = f"greedy communities, undirected, {n:,} nodes, {m:,} edges"
    implementations = {"cofire": lambda: ours(graph.greedy_modularity(matrix, directed=False))}
    if igraph := optional("igraph"):
        peer = to_igraph(igraph, matrix)

        def fast_greedy():
            found = peer.community_fastgreedy().as_clustering()
            return np.array(found.membership), found.modularity

        implementations["igraph fast greedy"] = fast_greedy
    if n < 1000:
        club = nx.from_scipy_sparse_array(matrix)

        def in_networkx():
            sets = nx.community.greedy_modularity_communities(club)
            return labels_of(sets, n), nx.community.modularity(club, sets)

        implementations["networkx"] = in_networkx
    # Many pairs gain the same, and which goes first changes what comes after.
    compare(benchmark, implementations, as_good(matrix, False, 0.02))


@pytest.mark.parametrize("size", SIZES[:2])
def test_spectral(benchmark, size):
    """Without bctpy, whose function raises with numpy 2."""
    matrix = undirected(size)
    n, m = matrix.shape[0], matrix.nnz // 2
    benchmark.group = f"communities by leading eigenvectors, {n:,} nodes, {m:,} edges"
    implementations = {
        "cofire": lambda: ours(graph.spectral_modularity(matrix, directed=False)),
        "cofire, signs alone": lambda: ours(
            graph.spectral_modularity(matrix, directed=False, fine_tune=False)
        ),
    }
    if igraph := optional("igraph"):
        peer = to_igraph(igraph, matrix)

        def by_vectors():
            found = peer.community_leading_eigenvector()
            return np.array(found.membership), found.modularity

        implementations["igraph, signs alone"] = by_vectors
    compare(benchmark, implementations, as_good(matrix, False))


def test_partition_distance(benchmark):
    n = scale(20_000, 1000)
    benchmark.group = f"variation of information and NMI of two partitions of {n:,} nodes"
    x, y = np.random.default_rng(0).integers(1, 21, (2, n))
    implementations = {"cofire": lambda: tuple(graph.partition_distance(x, y))}
    if bct := optional("bct"):
        implementations["bctpy"] = lambda: bct.partition_distance(x, y)
    if igraph := optional("igraph"):
        implementations["igraph"] = lambda: (
            igraph.compare_communities(x, y, "vi") / np.log(n),
            igraph.compare_communities(x, y, "nmi"),
        )
    compare(benchmark, implementations, within(1e-7))


@pytest.mark.parametrize("size", SIZES[:1])
def test_core_periphery(benchmark, size):
    matrix = network(size)
    benchmark.group = f"core and periphery, directed, {matrix.shape[0]:,} nodes"
    implementations = {"cofire": lambda: graph.core_periphery(matrix).q}
    if bct := optional("bct"):
        dense = matrix.toarray()
        implementations["bctpy"] = lambda: bct.core_periphery_dir(dense.copy(), seed=1)[1]
    compare(benchmark, implementations, within(1e-9), rounds=3)
