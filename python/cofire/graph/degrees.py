"""How many partners has a node, how many edges has a network, and how many go both ways?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import FloatArray, IntArray, one_of
from cofire.graph._adjacency import Graph, as_graph

UND = 'kind="und"'
_KINDS = ("in", "out", "total", "und")


def degree(adjacency: Any, *, kind: str = "total") -> IntArray:
    """Number of edges of every node.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge.
    kind : {"in", "out", "total", "und"}
        Edges that arrive (entries of the column), that leave (entries of the row), or both
        together. "und" wants a symmetric matrix and counts each neighbor once; "total" counts it
        twice, once for each direction.

    Returns
    -------
    ndarray (n,) int64
        0 for an isolated node.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, or not symmetric for "und".

    Notes
    -----
    Self-loops are left out. Negative weights are edges like others.

    References
    ----------
    Rubinov & Sporns 2010, doi:10.1016/j.neuroimage.2009.10.003

    Examples
    --------
    >>> from cofire.graph import degree
    >>> degree([[0, 2, 1], [0, 0, 1], [0, 0, 0]], kind="in")
    array([0, 1, 2])
    """
    one_of(kind, "kind", _KINDS)
    return edge_counts(
        as_graph(adjacency, directed=kind != "und", weighted=False, undirected=UND), kind
    )


def strength(adjacency: Any, *, kind: str = "total") -> FloatArray:
    """Sum of the weights of the edges of every node.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``, weights.
    kind : {"in", "out", "total", "und"}
        Sum of the column, of the row, or both together. "und" wants a symmetric matrix and adds
        each edge once.

    Returns
    -------
    ndarray (n,) float64
        0 for an isolated node.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, or not symmetric for "und".

    Notes
    -----
    Self-loops are left out. Negative weights are added with their sign; for the two parts on their
    own pass ``np.maximum(A, 0)`` and ``np.maximum(-A, 0)``.

    References
    ----------
    Rubinov & Sporns 2010, doi:10.1016/j.neuroimage.2009.10.003

    Examples
    --------
    >>> from cofire.graph import strength
    >>> strength([[0, 2, 1], [0, 0, 1], [0, 0, 0]], kind="out")
    array([3., 1., 0.])
    """
    one_of(kind, "kind", _KINDS)
    return edge_sums(
        as_graph(adjacency, directed=kind != "und", negative="keep", undirected=UND), kind
    )


def density(adjacency: Any, *, directed: bool = True) -> float:
    """Share of the possible edges that are there.

    ``m / (n**2 - n)`` for the m edges of a directed network of n nodes, ``2 m / (n**2 - n)`` for
    the m edges of an undirected one.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge.
    directed : bool
        False wants a symmetric matrix, for which both formulas give the same.

    Returns
    -------
    float
        In [0, 1]; NaN with fewer than two nodes. Self-loops are left out.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, or not symmetric for ``directed=False``.

    References
    ----------
    Rubinov & Sporns 2010, doi:10.1016/j.neuroimage.2009.10.003

    Examples
    --------
    >>> from cofire.graph import density
    >>> density([[0, 2, 1], [0, 0, 1], [0, 0, 0]])
    0.5
    """
    graph = as_graph(adjacency, directed=directed, weighted=False)
    n = graph.n
    return graph.n_edges / (n * n - n) if n > 1 else float("nan")


def reciprocity(adjacency: Any, *, directed: bool = True, weighted: bool = False) -> float:
    """Share of the edges that have a partner in the other direction.

    ``#{(i, j): A_ij != 0 and A_ji != 0} / #{(i, j): A_ij != 0}``, or with weights the share of the
    weight that is returned, ``sum_ij min(w_ij, w_ji) / sum_ij w_ij``.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``.
    directed : bool
        False wants a symmetric matrix, whose reciprocity is 1.
    weighted : bool
        With weights, which must not be negative.

    Returns
    -------
    float
        In [0, 1]; NaN without edges. Self-loops are left out.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, not symmetric for ``directed=False``, or with negative weights that
        count.

    References
    ----------
    Newman, Forrest & Balthrop 2002, doi:10.1103/PhysRevE.66.035101;
    weighted: Squartini et al. 2013, doi:10.1038/srep02729

    Examples
    --------
    >>> from cofire.graph import reciprocity
    >>> reciprocity([[0, 2, 1], [4, 0, 0], [0, 1, 0]])
    0.5
    """
    why = "the share of a weight that is returned"
    graph = as_graph(adjacency, directed=directed, weighted=weighted, why=why)
    if graph.n_edges == 0:
        return float("nan")
    matrix = graph.matrix()
    # A scale, so that sums of large weights stay finite.
    matrix.data = matrix.data / matrix.data.max()
    return float(matrix.minimum(matrix.T).sum() / matrix.sum())


def edge_counts(graph: Graph, kind: str) -> IntArray:
    """Degrees of a graph; an undirected one holds every edge in both directions."""
    counts = np.zeros(graph.n, dtype=np.int64)
    if kind != "in":
        counts += np.diff(graph.indptr)
    if kind in ("in", "total"):
        counts += np.bincount(graph.indices, minlength=graph.n)
    return counts


def edge_sums(graph: Graph, kind: str) -> FloatArray:
    """Strengths of a graph; an undirected one holds every edge in both directions."""
    sums = np.zeros(graph.n)
    if kind != "in":
        sums += np.bincount(tails(graph), graph.weights, graph.n)
    if kind in ("in", "total"):
        sums += np.bincount(graph.indices, graph.weights, graph.n)
    return sums


def tails(graph: Graph) -> IntArray:
    """Node that each edge leaves, in the order of its indices."""
    return np.repeat(np.arange(graph.n), np.diff(graph.indptr))
