"""How near is a cell to the rest of the network?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._threads import resolve_threads
from cofire._validate import FloatArray, one_of
from cofire.graph._adjacency import as_graph
from cofire.graph.paths import PathSums, path_sums

_DIRECTIONS = ("in", "out")


def closeness(
    adjacency: Any, *, direction: str = "in", weighted: bool = False, threads: int | None = None
) -> FloatArray:
    """Closeness centrality of every node, in the form of Wasserman and Faust.

    ``(r / (n - 1)) * (r / sum(d))`` over the r other nodes with a path to (or from) the node, d
    their distances: the inverse of the mean distance, times the share of nodes it is taken over.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out. Of a
        symmetric matrix both directions are the same.
    direction : {"in", "out"}
        Distances to the node, as in networkx, or from it.
    weighted : bool
        Take 1 / weight for the length of an edge; otherwise every edge has length 1.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n,) float64
        0 for a node that no other reaches (or that reaches none). Without weights in [0, 1].

    Raises
    ------
    InvalidArgumentError
        A matrix that is not square or finite, a negative weight where weights are lengths.

    Notes
    -----
    igraph leaves out the share ``r / (n - 1)``.

    References
    ----------
    Wasserman & Faust 1994, Social Network Analysis, doi:10.1017/CBO9780511815478
    Freeman 1978, doi:10.1016/0378-8733(78)90021-7

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.closeness([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    array([0.        , 0.5       , 0.66666667])
    """
    sums = _sums(adjacency, direction, weighted, threads)
    reached, others = sums.reached, len(sums.reached) - 1
    out = np.zeros(len(reached))
    some = reached > 0
    out[some] = (reached[some] / others) * (reached[some] / sums.total[some])
    return out


def harmonic_closeness(
    adjacency: Any, *, direction: str = "in", weighted: bool = False, threads: int | None = None
) -> FloatArray:
    """Harmonic centrality of every node: the sum of 1 / distance over all other nodes.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out. Of a
        symmetric matrix both directions are the same.
    direction : {"in", "out"}
        Distances to the node, as in networkx, or from it.
    weighted : bool
        Take 1 / weight for the length of an edge; otherwise every edge has length 1.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n,) float64
        A node without a path to it adds 0. Without weights in [0, n - 1]; not normalized (igraph
        divides by n - 1).

    Raises
    ------
    InvalidArgumentError
        As :func:`closeness`.

    References
    ----------
    Boldi & Vigna 2014, doi:10.1080/15427951.2013.865686

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.harmonic_closeness([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    array([0. , 1. , 1.5])
    """
    return _sums(adjacency, direction, weighted, threads).inverse


def _sums(adjacency: Any, direction: str, weighted: bool, threads: int | None) -> PathSums:
    one_of(direction, "direction", _DIRECTIONS)
    n_threads = resolve_threads(threads)
    graph = as_graph(adjacency, weighted=weighted)
    return path_sums(graph if direction == "in" else graph.reverse(), weighted, n_threads)
