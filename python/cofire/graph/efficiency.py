"""How well can signals spread over a network, and how well among the neighbors of a cell?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cofire._threads import resolve_threads
from cofire._validate import FloatArray, IntArray, one_of
from cofire.graph._adjacency import Indices, as_graph
from cofire.graph._bfs import tied_inverse_steps
from cofire.graph._blocks import run_blocks
from cofire.graph._dijkstra import finite_lengths, tied_inverse_lengths
from cofire.graph._jit import INDICES, INDPTR, kernel
from cofire.graph.paths import path_sums

_CSR = f"{INDPTR}, {INDICES}"
_NODES = 16  # of a block; hubs take as long as all others


def global_efficiency(
    adjacency: Any, *, directed: bool = True, weighted: bool = False, threads: int | None = None
) -> float:
    """Mean of 1 / distance over all ordered pairs of two nodes.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out.
    directed : bool
        False wants a symmetric matrix. The result is the same.
    weighted : bool
        Take 1 / weight for the length of an edge; otherwise every edge has length 1. Weights are
        taken as they are: pass ``A / A.max()`` for a value in [0, 1].
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    float
        0 for fewer than two nodes. Pairs without a path count with 0.

    Raises
    ------
    InvalidArgumentError
        A matrix that is not square or finite, a negative weight where weights are lengths, an
        asymmetric one for ``directed=False``.

    References
    ----------
    Latora & Marchiori 2001, doi:10.1103/PhysRevLett.87.198701

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.global_efficiency([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    0.75
    """
    n_threads = resolve_threads(threads)
    graph = as_graph(adjacency, directed=directed, weighted=weighted)
    if graph.n < 2:
        return 0.0
    total = float(path_sums(graph, weighted, n_threads).inverse.sum())
    return total / (graph.n * (graph.n - 1))


def local_efficiency(
    adjacency: Any,
    *,
    directed: bool = True,
    weighted: bool = False,
    neighbors: str = "all",
    threads: int | None = None,
) -> FloatArray:
    """Efficiency of the paths among the neighbors of each node, without the node.

    With s_j = a_uj + a_ju, the number of edges between u and its neighbor j, and d_jk the distance
    in the graph of the neighbors alone::

        E_u = sum_jk s_j s_k (1 / d_jk + 1 / d_kj) / 2  /  [(sum_j s_j)^2 - sum_j s_j^2]

    With weights, s_j in the numerator is w_uj^(1/3) + w_ju^(1/3), and the lengths are those of
    (1 / w)^(1/3).

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out.
    directed : bool
        False wants a symmetric matrix. The result is the same.
    weighted : bool
        The weighted form. Weights are taken as they are: pass ``A / A.max()`` for values in [0, 1].
    neighbors : {"all", "out"}
        Nodes with an edge from or to u, or only those with an edge from u (as bctpy 0.6.1 does in
        its binary form, against its own text and its weighted form).
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n,) float64
        0 for a node with fewer than two neighbors.

    Raises
    ------
    InvalidArgumentError
        As :func:`global_efficiency`.

    Notes
    -----
    The mean over nodes is the local efficiency of the network. igraph and networkx know the binary
    undirected form alone (igraph: also a weighted one of its own, and other neighbors by `mode`).
    Undirected and binary, the formula is the global efficiency of the graph of neighbors.

    References
    ----------
    Latora & Marchiori 2001, doi:10.1103/PhysRevLett.87.198701
    Wang, Lin, Fu & Wang 2016 (weights), doi:10.1093/cercor/bhw187
    Rubinov & Sporns 2010 (directed), doi:10.1016/j.neuroimage.2009.10.003

    Examples
    --------
    >>> import cofire as cf
    >>> import numpy as np
    >>> everyone = 1 - np.eye(4)
    >>> cf.graph.local_efficiency(everyone)
    array([1., 1., 1., 1.])
    """
    one_of(neighbors, "neighbors", ("all", "out"))
    n_threads = resolve_threads(threads)
    graph = as_graph(adjacency, directed=directed, weighted=weighted)
    back = graph.reverse()
    lengths = np.cbrt(finite_lengths(graph)) if weighted else None
    csr = (graph.indptr, graph.indices, back.indptr, back.indices)
    to, fro = np.cbrt(graph.weights), np.cbrt(back.weights)

    def of_block(start: int, stop: int) -> FloatArray:
        starts, ties, rooted, rows, members, edges = neighborhoods(
            *csr, to, fro, neighbors == "out", start, stop
        )
        if lengths is None:
            found = tied_inverse_steps(starts, ties, rows, members)
        else:
            found = tied_inverse_lengths(starts, rooted, rows, members, lengths[edges])
        pairs = _sum_by(starts, ties) ** 2 - _sum_by(starts, ties**2)
        out = np.zeros(len(found))
        np.divide(found, pairs, out=out, where=pairs > 0)
        return out

    parts = run_blocks(of_block, graph.n, _NODES, n_threads)
    return np.concatenate(parts) if parts else np.zeros(0)


def _sum_by(starts: IntArray, values: FloatArray) -> FloatArray:
    sums: FloatArray = np.concatenate([[0.0], np.cumsum(values)])[starts]
    return sums[1:] - sums[:-1]


@njit(nogil=True, cache=True)
def _neighbors(
    edges: tuple[IntArray, Indices, FloatArray],
    backward: tuple[IntArray, Indices, FloatArray],
    u: int,
    only_out: bool,
    members: Indices,
    ties: FloatArray,
    rooted: FloatArray,
    place: Indices,
) -> int:
    """Nodes with an edge from or to u, the sums over the two; `place` gets their positions."""
    k = 0
    for e in range(edges[0][u], edges[0][u + 1]):
        v = edges[1][e]
        members[k], ties[k], rooted[k] = v, 1.0, edges[2][e]
        place[v] = k
        k += 1
    for e in range(backward[0][u], backward[0][u + 1]):
        v = backward[1][e]
        if place[v] >= 0:
            ties[place[v]] += 1.0
            rooted[place[v]] += backward[2][e]
        elif not only_out:
            members[k], ties[k], rooted[k] = v, 1.0, backward[2][e]
            place[v] = k
            k += 1
    return k


@kernel(
    "Tuple((int64[::1], float64[::1], float64[::1], int64[::1], int32[::1], int64[::1]))"
    f"({_CSR}, {_CSR}, float64[::1], float64[::1], boolean, int64, int64)"
)
def neighborhoods(
    indptr: IntArray,
    indices: Indices,
    rptr: IntArray,
    rindices: Indices,
    to: FloatArray,
    fro: FloatArray,
    only_out: bool,
    start: int,
    stop: int,
) -> tuple[IntArray, FloatArray, FloatArray, IntArray, Indices, IntArray]:
    """Graphs of the neighbors of the nodes from `start` to `stop`, one after the other.

    Where each begins, the number of edges that tie a neighbor to its node and the sum of their
    values, the rows (pointers of graph g begin at ``starts[g] + g``), and which edges these are.
    """
    n_most = indptr[stop] - indptr[start] + rptr[stop] - rptr[start]
    starts = np.zeros(stop - start + 1, np.int64)
    members, place = np.empty(n_most, np.int32), np.full(len(indptr) - 1, -1, np.int32)
    ties, rooted = np.empty(n_most), np.empty(n_most)
    rows = np.empty(n_most + stop - start, np.int64)
    local, edges = np.empty(0, np.int32), np.empty(0, np.int64)
    # Once to count the edges, once to write them down.
    for write in (False, True):
        n_edges = 0
        for g in range(stop - start):
            first = starts[g]
            k = _neighbors(
                (indptr, indices, to), (rptr, rindices, fro), start + g, only_out,
                members[first:], ties[first:], rooted[first:], place,
            )  # fmt: skip
            starts[g + 1] = first + k
            for j in range(first, first + k):
                rows[j + g] = n_edges
                for e in range(indptr[members[j]], indptr[members[j] + 1]):
                    if place[indices[e]] >= 0:
                        if write:
                            local[n_edges], edges[n_edges] = place[indices[e]], e
                        n_edges += 1
            rows[first + k + g] = n_edges
            for j in range(first, first + k):
                place[members[j]] = -1
        if not write:
            local, edges = np.empty(n_edges, np.int32), np.empty(n_edges, np.int64)
    n = starts[-1]
    return starts, ties[:n], rooted[:n], rows[: n + stop - start], local, edges
