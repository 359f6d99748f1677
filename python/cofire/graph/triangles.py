"""Are the partners of a node partners of each other?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import FloatArray, IntArray, one_of
from cofire.errors import InvalidArgumentError
from cofire.graph._adjacency import Graph, Indices, as_graph
from cofire.graph._blocks import sum_blocks
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel

_WHY = "triangles count with the geometric mean of their weights"
_STEPS = 2**22  # edges that a block looks up, in some 10 ms
_MOST_BLOCKS = 256


def clustering(
    adjacency: Any, *, directed: bool = True, weighted: bool = False, threads: int | None = None
) -> FloatArray:
    """Clustering coefficient of every node: how many of its possible triangles are there.

    With ``S = W**(1/3) + W.T**(1/3)`` element by element, weights scaled to a largest one of 1:

    - directed: ``diag(S @ S @ S) / 2 / (K (K - 1) - 2 diag(A @ A))``, K = in- plus out-degree
      (Fagiolo), the eight directed triangles of a pair of partners together;
    - undirected: ``diag(V @ V @ V) / (k (k - 1))`` with ``V = W**(1/3)`` (Onnela), which without
      weights is the share of the pairs of neighbors that are joined (Watts and Strogatz).

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``.
    directed : bool
        False wants a symmetric matrix.
    weighted : bool
        False looks only at which entries are not zero.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n,) float64
        In [0, 1]; 0 for a node without a triangle, with one partner or none.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, not symmetric for ``directed=False``, or with negative weights that
        count.

    Notes
    -----
    Self-loops are left out. A symmetric matrix gives the same, directed or not. Each triangle is
    visited once, from its node of the lowest degree: at most ``m * sqrt(2 m)`` steps.

    References
    ----------
    Watts & Strogatz 1998, doi:10.1038/30918; Onnela et al. 2005, doi:10.1103/PhysRevE.71.065103;
    Fagiolo 2007, doi:10.1103/PhysRevE.76.026107

    Examples
    --------
    >>> from cofire.graph import clustering
    >>> clustering([[0, 1, 1], [0, 0, 1], [0, 0, 0]])
    array([0.5, 0.5, 0.5])
    """
    graph = as_graph(adjacency, directed=directed, weighted=weighted, why=_WHY)
    closed, possible = _triangles(graph, weighted, threads)
    return np.divide(closed, possible, out=np.zeros(graph.n), where=closed > 0)


def transitivity(
    adjacency: Any,
    *,
    directed: bool = True,
    weighted: bool = False,
    compat: str | None = None,
    threads: int | None = None,
) -> float:
    """Share of the possible triangles of a network that are there.

    The sum of the numerators of :func:`clustering` over the sum of its denominators, so that nodes
    with many partners count more than in the mean of the coefficients.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``.
    directed, weighted : bool
        As in :func:`clustering`.
    compat : None or "bct"
        "bct": 0 for a directed weighted network in which some node has no triangle, as the Brain
        Connectivity Toolbox and bctpy have it. Without weights they give the ratio.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    float
        In [0, 1]; NaN where no node has two partners.

    Raises
    ------
    InvalidArgumentError
        As :func:`clustering`; ``compat="bct"`` for another form than the directed weighted one.

    References
    ----------
    Newman 2003, doi:10.1137/S003614450342480; Fagiolo 2007, doi:10.1103/PhysRevE.76.026107

    Examples
    --------
    >>> from cofire.graph import transitivity
    >>> transitivity([[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], directed=False)
    0.6
    """
    if compat is not None:
        one_of(compat, "compat", ("bct",))
        if not (directed and weighted):
            raise InvalidArgumentError(
                'compat="bct" differs only for directed=True, weighted=True; leave it out'
            )
    graph = as_graph(adjacency, directed=directed, weighted=weighted, why=_WHY)
    closed, possible = _triangles(graph, weighted, threads)
    if not possible.any():
        return float("nan")
    if compat is not None and not closed.all():
        return 0.0
    return float(closed.sum() / possible.sum())


def _triangles(graph: Graph, weighted: bool, threads: int | None) -> tuple[FloatArray, FloatArray]:
    """Triangles of each node, weighted, and how many it could have."""
    roots = graph.weights
    if weighted and graph.n_edges:
        roots = np.cbrt(roots / roots.max())
    degrees, order, rank = _by_degree(graph.indptr, graph.indices, graph.directed)
    indptr, indices, sums, mutual, steps = _upwards(
        graph.indptr, graph.indices, roots, rank, graph.directed
    )
    block = max(1, -(-graph.n // min(max(1, steps // _STEPS), _MOST_BLOCKS)))
    products = sum_blocks(
        lambda start, stop: _products(indptr, indices, sums, start, stop),
        graph.n,
        block,
        threads,
        np.zeros(graph.n),
    )
    closed, both_ways = np.empty(graph.n), np.empty(graph.n)
    closed[order], both_ways[order] = products, mutual
    k = degrees.astype(np.float64)
    if graph.directed:
        return closed, k * (k - 1) - 2 * both_ways
    return 2 * closed, k * (k - 1)


@kernel(f"Tuple((int64[::1], int64[::1], int32[::1]))({INDPTR}, {INDICES}, boolean)")
def _by_degree(
    indptr: IntArray, indices: Indices, directed: bool
) -> tuple[IntArray, IntArray, Indices]:
    """Degrees (in + out where directed), nodes in ascending order of them, place of each node."""
    n = len(indptr) - 1
    degrees = np.empty(n, np.int64)
    for i in range(n):
        degrees[i] = indptr[i + 1] - indptr[i]
    if directed:
        for e in range(len(indices)):
            degrees[indices[e]] += 1
    largest = 0
    for i in range(n):
        largest = max(largest, degrees[i])
    place = np.zeros(largest + 2, np.int64)
    for i in range(n):
        place[degrees[i] + 1] += 1
    for k in range(largest + 1):
        place[k + 1] += place[k]
    order, rank = np.empty(n, np.int64), np.empty(n, np.int32)
    for i in range(n):
        at = place[degrees[i]]
        place[degrees[i]] += 1
        order[at] = i
        rank[i] = at
    return degrees, order, rank


@kernel(
    f"Tuple(({INDPTR}, {INDICES}, {WEIGHTS}, int64[::1], int64))"
    f"({INDPTR}, {INDICES}, {WEIGHTS}, {INDICES}, boolean)"
)
def _upwards(
    indptr: IntArray, indices: Indices, weights: FloatArray, rank: Indices, directed: bool
) -> tuple[IntArray, Indices, FloatArray, IntArray, int]:
    """The network without directions, each edge kept by its node of the lower rank.

    A triangle then has one node that holds two of its edges, and no node holds many: hubs are
    behind their partners. The weight of an edge is the sum of its two directions. Returned too: how
    many partners of each node are mutual, and how many edges :func:`_products` will look up.
    Nodes are named by rank.
    """
    n = len(indptr) - 1
    start = np.zeros(n + 1, np.int64)
    for i in range(n):
        for e in range(indptr[i], indptr[i + 1]):
            if directed or rank[indices[e]] > rank[i]:
                start[min(rank[i], rank[indices[e]]) + 1] += 1
    for r in range(n):
        start[r + 1] += start[r]
    up, sums = np.empty(start[n], np.int32), np.empty(start[n], np.float64)
    free = start.copy()
    for i in range(n):
        for e in range(indptr[i], indptr[i + 1]):
            if directed or rank[indices[e]] > rank[i]:
                low = min(rank[i], rank[indices[e]])
                up[free[low]] = max(rank[i], rank[indices[e]])
                sums[free[low]] = weights[e]
                free[low] += 1
    # Two directions of one edge are now in one row: put them together.
    mutual, held_at = np.zeros(n, np.int64), np.full(n, -1, np.int64)
    up_indptr, filled = np.zeros(n + 1, np.int64), 0
    for r in range(n):
        for e in range(start[r], start[r + 1]):
            high = up[e]
            if held_at[high] >= up_indptr[r]:
                sums[held_at[high]] += sums[e]
                mutual[r] += 1
                mutual[high] += 1
            else:
                held_at[high] = filled
                up[filled], sums[filled] = high, sums[e]
                filled += 1
        up_indptr[r + 1] = filled
    steps = 0
    for e in range(filled):
        steps += up_indptr[up[e] + 1] - up_indptr[up[e]]
    return up_indptr, up[:filled], sums[:filled], mutual, steps


@kernel(f"{WEIGHTS}({INDPTR}, {INDICES}, {WEIGHTS}, int64, int64)")
def _products(
    indptr: IntArray, indices: Indices, weights: FloatArray, start: int, stop: int
) -> FloatArray:
    """Weight products of triangles whose first node is in start..stop-1, at all three nodes.

    What is no triangle adds 0: a branch that the processor cannot predict would take three times
    as long where many triangles close.
    """
    n = len(indptr) - 1
    closed, weight_to = np.zeros(n), np.zeros(n)
    for u in range(start, stop):
        for e in range(indptr[u], indptr[u + 1]):
            weight_to[indices[e]] = weights[e]
        at_u = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            v, at_v = indices[e], 0.0
            # Signed indices could count from the end: to look would take a third of the time.
            for f in range(np.uintp(indptr[v]), np.uintp(indptr[v + 1])):
                w = np.uintp(indices[f])
                product = weights[e] * weights[f] * weight_to[w]
                at_v += product
                closed[w] += product
            closed[v] += at_v
            at_u += at_v
        closed[u] += at_u
        for e in range(indptr[u], indptr[u + 1]):
            weight_to[indices[e]] = 0.0
    return closed
