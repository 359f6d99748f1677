"""How fast are the motifs of three nodes counted and weighed?"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from bench_graph_communities import network
from cofire import graph
from peers import compare, optional

SIZES = ("312 nodes", "Winding 2023", "20,000 nodes")
# Positions of motifs 1 to 13 in the census of 16 triads, 003 to 300.
PLACE = (4, 5, 3, 6, 8, 7, 9, 11, 10, 13, 12, 14, 15)


def exactly(ours, theirs):
    np.testing.assert_array_equal(ours, theirs)


def weighted(size):
    matrix = network(size).copy()
    matrix.data[:] = np.random.default_rng(1).integers(1, 20, matrix.nnz)
    return matrix


@pytest.mark.parametrize("size", SIZES)
def test_census(benchmark, size):
    """With networkx only where it takes less than a minute."""
    matrix = network(size)
    n, m = matrix.shape[0], matrix.nnz
    benchmark.group = f"census of three-node motifs, {n:,} nodes, {m:,} edges"
    implementations = {
        "cofire": lambda: graph.motif_census(matrix),
        "cofire, of each node": lambda: graph.motif_census(matrix, per_node=True).sum(axis=1) // 3,
    }
    if igraph := optional("igraph"):
        ends = sparse.coo_array(matrix)
        peer = igraph.Graph(n=n, edges=np.c_[ends.row, ends.col], directed=True)
        implementations["igraph"] = lambda: np.array(peer.triad_census())[list(PLACE)]
    if n < 1000:
        digraph = nx.from_scipy_sparse_array(matrix, create_using=nx.DiGraph)
        implementations["networkx"] = lambda: np.array(list(nx.triadic_census(digraph).values()))[
            list(PLACE)
        ]
    compare(benchmark, implementations, exactly)


@pytest.mark.parametrize("kind", ["structural", "functional"])
@pytest.mark.parametrize("size", SIZES)
def test_intensity(benchmark, size, kind):
    """No peer: bctpy's table of motifs is missing. The counts are checked against the census."""
    matrix = weighted(size)
    n, m = matrix.shape[0], matrix.nnz
    benchmark.group = f"intensity of {kind} motifs, {n:,} nodes, {m:,} edges"
    counts = graph.motif_census(matrix, kind=kind)

    def intensity(threads):
        found = graph.motif_intensity(matrix, kind=kind, threads=threads)
        np.testing.assert_array_equal(found.count, counts)
        return found.intensity

    implementations = {
        "cofire": lambda: intensity(1),
        "cofire, two threads": lambda: intensity(2),
    }
    compare(benchmark, implementations, exactly)
