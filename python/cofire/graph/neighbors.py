"""How alike are two nodes in whom they are joined to?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray, fits_memory, integer, one_of
from cofire.graph._adjacency import Graph, Indices, as_graph
from cofire.graph._blocks import run_blocks
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel
from cofire.graph.degrees import edge_counts

if TYPE_CHECKING:
    import scipy.sparse

_ROWS = 64  # of a block


def matching_index(adjacency: Any, *, kind: str = "all", threads: int | None = None) -> FloatArray:
    """Share of the edges of two nodes that lead to the same third nodes.

    ``2 * common / (edges of i + edges of j)``, where the edges between i and j are left out: 1 if
    the two have the same partners.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge.
    kind : {"in", "out", "all"}
        Edges that arrive (same sources), that leave (same targets), or both together. All three are
        the same for a symmetric matrix.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n, n) float64
        Symmetric, in [0, 1]; 0 for pairs without a common partner and on the diagonal.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite.
    TooLargeError
        The result does not fit into memory.

    Notes
    -----
    Self-loops are left out. One step for each path of two edges.

    References
    ----------
    Hilgetag et al. 2000, doi:10.1098/rstb.2000.0551

    Examples
    --------
    >>> from cofire.graph import matching_index
    >>> matching_index([[0, 0, 1], [0, 0, 1], [0, 0, 0]], kind="out")[0, 1]
    np.float64(1.0)
    """
    one_of(kind, "kind", ("in", "out", "all"))
    graph = as_graph(adjacency, weighted=False)
    fits_memory((graph.n, graph.n), np.float64, "the matching index of all pairs")
    back = graph.reverse()
    result = np.zeros((graph.n, graph.n))
    arriving, leaving = kind != "out", kind != "in"
    edges = arriving * edge_counts(graph, "in") + leaving * edge_counts(graph, "out")
    lists = graph.indptr, graph.indices, back.indptr, back.indices

    def rows(start: int, stop: int) -> None:
        _matching(*lists, edges, arriving, leaving, start, stop, result)

    run_blocks(rows, graph.n, _ROWS, threads)
    return result


def topological_overlap(
    adjacency: Any, *, steps: int = 1, form: str = "bct", threads: int | None = None
) -> FloatArray:
    """Share of the neighbors of two nodes that are neighbors of both.

    ``(|N_i & N_j| + a_ij) / (d_ij + 1 - a_ij)``, with N_i the nodes at most `steps` steps away from
    i and a_ij whether the two are joined.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        Symmetric; an entry that is not zero is an edge.
    steps : int, >= 1
        How far neighbors are away at most.
    form : {"bct", "ravasz"}
        d_ij is the larger of ``|N_i|`` and ``|N_j|``, as bctpy has it, or the smaller one, as those
        have it who proposed the measure: 1 where all neighbors of one node are among those of the
        other.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n, n) float64
        Symmetric, in [0, 1]; 1 on the diagonal.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, not symmetric.
    TooLargeError
        The result does not fit into memory.

    Notes
    -----
    Self-loops are left out, and no node is its own neighbor.

    References
    ----------
    Ravasz et al. 2002, doi:10.1126/science.1073374; Yip & Horvath 2007,
    doi:10.1186/1471-2105-8-22

    Examples
    --------
    >>> from cofire.graph import topological_overlap
    >>> topological_overlap([[0, 1, 1], [1, 0, 0], [1, 0, 0]], form="ravasz")[1]
    array([1. , 1. , 0.5])
    """
    steps = integer(steps, "steps", 1)
    one_of(form, "form", ("bct", "ravasz"))
    graph = as_graph(adjacency, directed=False, weighted=False)
    fits_memory((graph.n, graph.n), np.float64, "the topological overlap of all pairs")
    near = _within(graph, steps)
    result = np.zeros((graph.n, graph.n))
    lists = graph.indptr, graph.indices, near.indptr, near.indices

    def rows(start: int, stop: int) -> None:
        _overlap(*lists, form == "bct", start, stop, result)

    run_blocks(rows, graph.n, _ROWS, threads)
    return result


def edge_neighborhood_overlap(adjacency: Any, *, directed: bool = True) -> scipy.sparse.csr_array:
    """Share of the neighbors of the two ends of an edge that are neighbors of both.

    ``|N_i & N_j| / |(N_i | N_j) - {i, j}|`` for every edge: 0 for a bridge between two groups.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge.
    directed : bool
        True: a neighbor is a node joined in either direction. False wants a symmetric matrix.

    Returns
    -------
    scipy.sparse.csr_array (n, n) float64
        One stored value in [0, 1] for every edge, 0 included; NaN for an edge whose ends have no
        other neighbor.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, or not symmetric for ``directed=False``.

    Notes
    -----
    Self-loops are left out. bctpy returns a dense matrix with inf where there is no edge.

    References
    ----------
    Onnela et al. 2007, doi:10.1073/pnas.0610245104; Easley & Kleinberg 2010, *Networks, Crowds, and
    Markets*, chapter 3

    Examples
    --------
    >>> from cofire.graph import edge_neighborhood_overlap
    >>> two_triangles = [[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]]
    >>> edge_neighborhood_overlap(two_triangles, directed=False)[[1], [2]]
    array([1.])
    """
    graph = as_graph(adjacency, directed=directed, weighted=False)
    near = graph
    if directed:
        matrix = graph.matrix()
        near = as_graph(matrix + matrix.T, directed=False, weighted=False)
    overlap = _edges(graph.indptr, graph.indices, near.indptr, near.indices)
    return graph.with_weights(overlap).matrix()


def _within(graph: Graph, steps: int) -> Graph:
    """Edges between all nodes at most so many steps apart."""
    reached = direct = graph.matrix()
    for _ in range(steps - 1):
        further = reached + reached @ direct
        further.data[:] = 1.0
        if further.nnz == reached.nnz:
            break
        reached = further
    return as_graph(reached, directed=False, weighted=False)


@kernel(
    f"void({INDPTR}, {INDICES}, {INDPTR}, {INDICES}, int64[::1], boolean, boolean, int64, int64, "
    "float64[:, ::1])"
)
def _matching(
    indptr: IntArray, indices: Indices, back_indptr: IntArray, back: Indices,
    edges: IntArray, arriving: bool, leaving: bool, start: int, stop: int, result: FloatArray,
) -> None:  # fmt: skip
    """Rows start..stop-1 of the matching index; `result` is 0 at first."""
    n = len(edges)
    between = np.zeros(n, np.int64)
    ways = int(arriving) + int(leaving)
    for i in range(start, stop):
        if arriving:
            for e in range(back_indptr[i], back_indptr[i + 1]):
                source = back[e]
                for f in range(indptr[source], indptr[source + 1]):
                    result[i, indices[f]] += 2.0
        if leaving:
            for e in range(indptr[i], indptr[i + 1]):
                target = indices[e]
                for f in range(back_indptr[target], back_indptr[target + 1]):
                    result[i, back[f]] += 2.0
        result[i, i] = 0.0
        # An edge between the two is in the lists of both, at places that nobody shares.
        for e in range(indptr[i], indptr[i + 1]):
            between[indices[e]] += ways
        for e in range(back_indptr[i], back_indptr[i + 1]):
            between[back[e]] += ways
        for j in range(n):
            if result[i, j] > 0:
                result[i, j] /= edges[i] + edges[j] - between[j]
            between[j] = 0


@kernel(f"void({INDPTR}, {INDICES}, {INDPTR}, {INDICES}, boolean, int64, int64, float64[:, ::1])")
def _overlap(
    indptr: IntArray, indices: Indices, near_indptr: IntArray, near: Indices,
    larger: bool, start: int, stop: int, result: FloatArray,
) -> None:  # fmt: skip
    """Rows start..stop-1 of the topological overlap; `result` is 0 at first."""
    n = len(indptr) - 1
    joined = np.zeros(n, np.int64)
    for i in range(start, stop):
        for e in range(near_indptr[i], near_indptr[i + 1]):
            k = near[e]
            for f in range(near_indptr[k], near_indptr[k + 1]):
                result[i, near[f]] += 1.0
        for e in range(indptr[i], indptr[i + 1]):
            joined[indices[e]] = 1
        n_i = near_indptr[i + 1] - near_indptr[i]
        for j in range(n):
            n_j = near_indptr[j + 1] - near_indptr[j]
            most = max(n_i, n_j) if larger else min(n_i, n_j)
            result[i, j] = (result[i, j] + joined[j]) / (most + 1 - joined[j])
            joined[j] = 0
        result[i, i] = 1.0


@kernel(f"{WEIGHTS}({INDPTR}, {INDICES}, {INDPTR}, {INDICES})")
def _edges(indptr: IntArray, indices: Indices, near_indptr: IntArray, near: Indices) -> FloatArray:
    """Overlap of the neighbors of the ends of every edge, in the order of `indices`."""
    n = len(indptr) - 1
    overlap, marked = np.empty(len(indices)), np.zeros(n, np.uint8)
    for i in range(n):
        for e in range(near_indptr[i], near_indptr[i + 1]):
            marked[near[e]] = 1
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            common = 0
            for f in range(np.uintp(near_indptr[j]), np.uintp(near_indptr[j + 1])):
                common += marked[np.uintp(near[f])]
            n_i, n_j = near_indptr[i + 1] - near_indptr[i], near_indptr[j + 1] - near_indptr[j]
            # Each of the two is a neighbor of the other.
            others = n_i + n_j - common - 2
            overlap[e] = common / others if others > 0 else np.nan
        for e in range(near_indptr[i], near_indptr[i + 1]):
            marked[near[e]] = 0
    return overlap
