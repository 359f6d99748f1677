"""How fast are distances, efficiency, closeness, betweenness and walks on networks?

Every implementation gets its own form of the network beforehand: cofire compressed rows, igraph
and networkx their graphs, bctpy a dense matrix. Peers that would take minutes run at 312 nodes.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import expm
from scipy.sparse import csgraph

import cofire as cf
from cofire import graph
from peers import compare, optional, scale, within

SHARED = Path(os.environ.get("COFIRE_DATA", Path(__file__).resolve().parents[2] / "shared"))
SMALL, WINDING, LARGE = "312 nodes", "Winding 2023", "20,000 nodes"
EDGES = {SMALL: 9638, LARGE: 500_000}


@lru_cache(maxsize=3)
def network(size):
    """Directed weighted network as compressed rows, without self-loops."""
    if size == WINDING:
        folder = SHARED / "data" / "winding2023"
        if not folder.is_dir():
            pytest.skip(f"no larval connectome at {folder}; set COFIRE_DATA")
        count = cf.io.read_winding2023(folder).count
        n = scale(count.shape[0], 300)
        matrix = sparse.csr_array(count, dtype=np.float64)[:n, :n]
    else:
        n = scale(312, 100) if size == SMALL else scale(20_000, 1000)
        m = EDGES[size] if n in (312, 20_000) else 25 * n
        rng = np.random.default_rng(5)
        cells = rng.choice(n * n, m, replace=False)
        matrix = sparse.csr_array(
            (rng.integers(1, 20, m).astype(float), (cells // n, cells % n)), shape=(n, n)
        )
    matrix = sparse.csr_array(matrix - sparse.diags_array(matrix.diagonal()))
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix


class Forms:
    """One network as each library takes it."""

    def __init__(self, size):
        self.csr = network(size)
        self.n = self.csr.shape[0]
        self.slow_peers = self.n < 1000
        coo = self.csr.tocoo()
        self.lengths = 1 / coo.data
        self.edges = np.column_stack([coo.row, coo.col])

    def igraph(self):
        """Graph of igraph, where it is installed."""
        library = optional("igraph")
        return library and library.Graph(n=self.n, edges=self.edges, directed=True)

    def networkx(self):
        """Graph of networkx, where it would not take minutes."""
        library = optional("networkx")
        if library is None or not self.slow_peers:
            return None
        made = library.from_scipy_sparse_array(self.csr, create_using=library.DiGraph)
        for _, _, edge in made.edges(data=True):
            edge["length"] = 1 / edge["weight"]
        return made

    def dense(self):
        """Array for bctpy."""
        return self.csr.toarray()


def label(size, forms):
    name = "Winding 2023, " if size == WINDING else ""
    return f"{name}{forms.n} nodes, {forms.csr.nnz} edges"


def run(benchmark, name, implementations, tolerance=1e-9, rounds=5):
    """Time what has a peer."""
    if len(implementations) < 2:
        pytest.skip(f"no peer for {name}")
    benchmark.group = name
    compare(benchmark, implementations, within(tolerance), rounds=rounds)


def of_threads(call):
    return {"cofire": lambda: call(threads=1), "cofire, 2 threads": lambda: call(threads=2)}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [SMALL, WINDING])
def test_betweenness(benchmark, size, weighted):
    forms = Forms(size)
    implementations = of_threads(
        lambda threads: graph.betweenness(forms.csr, weighted=weighted, threads=threads)
    )
    if peer := forms.igraph():
        lengths = list(forms.lengths) if weighted else None
        implementations["igraph"] = lambda: peer.betweenness(weights=lengths)
    if slow := forms.networkx():
        nx = optional("networkx")
        # Without a tolerance for ties its weighted values are others.
        if not weighted:
            implementations["networkx"] = lambda: list(
                nx.betweenness_centrality(slow, normalized=False).values()
            )
    kind = "weighted " if weighted else ""
    run(benchmark, f"{kind}betweenness, directed, {label(size, forms)}", implementations)


@pytest.mark.parametrize("weighted", [False, True])
def test_sampled_betweenness(benchmark, weighted):
    """From 64 sources of a large network."""
    forms = Forms(LARGE)
    sources = np.arange(64) * (forms.n // 64)
    implementations = of_threads(
        lambda threads: graph.betweenness(
            forms.csr, weighted=weighted, sources=sources, threads=threads
        )
    )
    if peer := forms.igraph():
        lengths = list(forms.lengths) if weighted else None
        implementations["igraph"] = lambda: peer.betweenness(
            sources=sources.tolist(), weights=lengths
        )
    kind = "weighted " if weighted else ""
    run(benchmark, f"{kind}betweenness from 64 sources, {label(LARGE, forms)}", implementations)


@pytest.mark.parametrize("size", [SMALL, WINDING])
def test_edge_betweenness(benchmark, size):
    forms = Forms(size)
    implementations = of_threads(
        lambda threads: graph.edge_betweenness(forms.csr, threads=threads).data
    )
    if peer := forms.igraph():
        implementations["igraph"] = peer.edge_betweenness
    run(benchmark, f"edge betweenness, directed, {label(size, forms)}", implementations)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [SMALL, WINDING])
def test_closeness(benchmark, size, weighted):
    """The share of nodes that are reached, which igraph leaves out, is put back."""
    forms = Forms(size)
    implementations = {
        "cofire": lambda: graph.closeness(forms.csr, weighted=weighted, threads=1),
    }
    reached = np.isfinite(graph.distance(forms.csr)).sum(axis=0) - 1
    if peer := forms.igraph():
        lengths = list(forms.lengths) if weighted else None
        share = reached / (forms.n - 1)
        implementations["igraph"] = lambda: (
            share * np.nan_to_num(peer.closeness(mode="in", weights=lengths))
        )
    if slow := forms.networkx():
        nx = optional("networkx")
        length = "length" if weighted else None
        implementations["networkx"] = lambda: list(
            nx.closeness_centrality(slow, distance=length).values()
        )
    kind = "weighted " if weighted else ""
    run(benchmark, f"{kind}closeness, directed, {label(size, forms)}", implementations)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [SMALL, WINDING])
def test_distance(benchmark, size, weighted):
    forms = Forms(size)
    lengths = sparse.csr_matrix(
        (1 / forms.csr.data, forms.csr.indices, forms.csr.indptr), shape=forms.csr.shape
    )
    implementations = {
        "cofire": lambda: graph.distance(forms.csr, weighted=weighted, threads=1),
        "scipy": lambda: csgraph.shortest_path(lengths, method="D", unweighted=not weighted),
    }
    if peer := forms.igraph():
        given = list(forms.lengths) if weighted else None
        implementations["igraph"] = lambda: np.array(peer.distances(weights=given))
    kind = "weighted " if weighted else ""
    run(benchmark, f"{kind}distances of all pairs, {label(size, forms)}", implementations)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [SMALL, WINDING])
def test_global_efficiency(benchmark, size, weighted):
    forms = Forms(size)
    implementations = {
        "cofire": lambda: graph.global_efficiency(forms.csr, weighted=weighted, threads=1)
    }
    if peer := forms.igraph():
        lengths = list(forms.lengths) if weighted else None
        implementations["igraph, harmonic centrality"] = lambda: np.mean(
            peer.harmonic_centrality(mode="in", weights=lengths)
        )
    if (bct := optional("bct")) and forms.slow_peers:
        dense = forms.dense() if weighted else (forms.dense() > 0) * 1.0
        measure = bct.efficiency_wei if weighted else bct.efficiency_bin
        implementations["bctpy"] = lambda: measure(dense)
    kind = "weighted " if weighted else ""
    run(benchmark, f"{kind}global efficiency, directed, {label(size, forms)}", implementations)


@pytest.mark.parametrize("weighted", [False, True])
def test_local_efficiency(benchmark, weighted):
    """In its binary form bctpy looks at the targets of a node alone."""
    forms = Forms(SMALL)
    neighbors = "all" if weighted else "out"
    implementations = of_threads(
        lambda threads: graph.local_efficiency(
            forms.csr, weighted=weighted, neighbors=neighbors, threads=threads
        )
    )
    if bct := optional("bct"):
        dense = forms.dense() if weighted else (forms.dense() > 0) * 1.0
        measure = bct.efficiency_wei if weighted else bct.efficiency_bin
        implementations["bctpy"] = lambda: measure(dense, local=True)
    kind = "weighted " if weighted else ""
    run(benchmark, f"{kind}local efficiency, directed, {label(SMALL, forms)}", implementations)


def test_local_efficiency_undirected(benchmark):
    forms = Forms(WINDING)
    both = ((forms.csr + forms.csr.T) != 0).astype(np.float64)
    implementations = of_threads(
        lambda threads: graph.local_efficiency(both, directed=False, threads=threads)
    )
    if (nx := optional("networkx")) and forms.slow_peers:
        made = nx.from_scipy_sparse_array(both)
        implementations["networkx"] = lambda: [
            nx.global_efficiency(made.subgraph(made[v])) if len(made[v]) > 1 else 0.0 for v in made
        ]
    run(benchmark, f"local efficiency, undirected, {label(WINDING, forms)}", implementations)


@pytest.mark.parametrize("size", [WINDING, LARGE])
def test_pagerank(benchmark, size):
    forms = Forms(size)
    implementations = {"cofire": lambda: graph.pagerank(forms.csr)}
    if peer := forms.igraph():
        weights = forms.csr.data.tolist()
        implementations["igraph"] = lambda: peer.pagerank(weights=weights)
    if nx := optional("networkx"):
        made = nx.from_scipy_sparse_array(forms.csr, create_using=nx.DiGraph)
        implementations["networkx"] = lambda: list(
            nx.pagerank(made, tol=1e-12, max_iter=1000).values()
        )
    run(benchmark, f"PageRank, {label(size, forms)}", implementations, 1e-7)


@pytest.mark.parametrize("size", [SMALL, WINDING])
def test_normalized_communicability(benchmark, size):
    """20 powers by 7 products of matrices against scaling and squaring."""
    forms = Forms(size)
    dense = forms.dense()
    sums = dense.sum(axis=1)
    root = np.divide(1.0, np.sqrt(sums), out=np.zeros(forms.n), where=sums > 0)
    implementations = {
        "cofire": lambda: graph.communicability(forms.csr, weighted=True, normalized=True),
        "scipy expm": lambda: expm(dense * np.outer(root, root)),
    }
    run(benchmark, f"normalized communicability, {label(size, forms)}", implementations, rounds=3)
