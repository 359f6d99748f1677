"""How far is it from one cell to another along the edges of a network?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cofire._threads import resolve_threads
from cofire._validate import FloatArray, fits_memory
from cofire.graph._adjacency import Graph, as_graph
from cofire.graph._bfs import SEARCHES, hop_rows, hop_sums, near_order
from cofire.graph._blocks import run_blocks, sum_blocks
from cofire.graph._dijkstra import (
    TOLERANCE,
    finite_lengths,
    hops_of_lengths,
    length_rows,
    length_sums,
)

# Edge visits of a block: milliseconds, so that Ctrl-C gets through and threads have shares.
_VISITS = 4_000_000


def distance(
    adjacency: Any,
    *,
    directed: bool = True,
    weighted: bool = False,
    hops: bool = False,
    threads: int | None = None,
) -> FloatArray:
    """Length of the shortest path from every node to every other.

    The length of a path is its number of edges or, with weights, the sum of 1 / weight over its
    edges.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out.
    directed : bool
        False wants a symmetric matrix. The result is the same.
    weighted : bool
        Take 1 / weight for the length of an edge; otherwise every edge has length 1.
    hops : bool
        Count the edges of the shortest weighted path instead of adding up their lengths. Of paths
        that are equally short the one with the fewest edges counts (two lengths are equal if they
        differ by less than 1e-10 of them). Without weights the two are the same.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n, n) float64
        ``[pre, post]``; 0 on the diagonal, inf where there is no path.

    Raises
    ------
    InvalidArgumentError
        A matrix that is not square or finite, a negative weight where weights are lengths, an
        asymmetric one for ``directed=False``.
    TooLargeError
        n x n numbers do not fit the memory: :func:`characteristic_path`, :func:`closeness` and
        :func:`global_efficiency` need no such matrix.

    Notes
    -----
    Without weights 64 sources are searched at once, one bit each; with weights it is Dijkstra's
    search from each source.

    bctpy's number of edges depends on the order of nodes where paths are equally short.

    References
    ----------
    Rubinov & Sporns 2010, doi:10.1016/j.neuroimage.2009.10.003
    Then et al. 2014 (many searches at once), doi:10.14778/2735496.2735507

    Examples
    --------
    >>> import cofire as cf
    >>> chain = [[0, 2, 0], [0, 0, 4], [0, 0, 0]]
    >>> cf.graph.distance(chain)
    array([[ 0.,  1.,  2.],
           [inf,  0.,  1.],
           [inf, inf,  0.]])
    >>> cf.graph.distance(chain, weighted=True)[0]
    array([0.  , 0.5 , 0.75])
    """
    n_threads = resolve_threads(threads)
    graph = as_graph(adjacency, directed=directed, weighted=weighted)
    fits_memory(
        (graph.n, graph.n), np.float64, "the distances of all pairs",
        "characteristic_path, closeness and global_efficiency need no such matrix",
    )  # fmt: skip
    if weighted:
        out = np.empty((graph.n, graph.n))
        csr = _with_lengths(graph)

        def of_block(start: int, stop: int) -> None:
            if hops:
                hops_of_lengths(*csr, 1 + TOLERANCE, start, stop, out)
            else:
                length_rows(*csr, start, stop, out)

        run_blocks(of_block, graph.n, _block(graph, 1), n_threads)
        return out
    out = np.full((graph.n, graph.n), np.inf)
    order, both = near_order(graph), _both_ways(graph)
    run_blocks(
        lambda start, stop: hop_rows(*both, order[start:stop], out),
        graph.n,
        _block(graph, SEARCHES),
        n_threads,
    )
    return out


@dataclass(frozen=True, slots=True, eq=False)
class CharacteristicPath:
    """Distances of a network in a few numbers.

    Attributes
    ----------
    length : float
        Characteristic path length (lambda): the mean distance over the pairs that count.
    efficiency : float
        Mean of 1 / distance over the same pairs.
    eccentricity : ndarray (n,) float64
        Distance from each node to the farthest one; inf if it reaches none.
    radius, diameter : float
        Smallest and largest eccentricity.
    n_pairs : int
        Ordered pairs of two nodes with a path from the first to the second.
    """

    length: float
    efficiency: float
    eccentricity: FloatArray
    radius: float
    diameter: float
    n_pairs: int

    def __repr__(self) -> str:
        return (
            f"CharacteristicPath({len(self.eccentricity)} nodes, {self.n_pairs} pairs, "
            f"length {self.length:.4g}, diameter {self.diameter:.4g})"
        )


def characteristic_path(
    adjacency: Any,
    *,
    directed: bool = True,
    weighted: bool = False,
    include_infinite: bool = False,
    threads: int | None = None,
) -> CharacteristicPath:
    """Characteristic path length, eccentricities, radius and diameter.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out.
    directed : bool
        False wants a symmetric matrix. The result is the same.
    weighted : bool
        Take 1 / weight for the length of an edge; otherwise every edge has length 1.
    include_infinite : bool
        Which pairs of two nodes count: those with a path between them (the default), or all, with
        distance inf and 1 / distance 0 where there is no path.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    CharacteristicPath

    Raises
    ------
    InvalidArgumentError
        As :func:`distance`.

    Notes
    -----
    No matrix of distances is stored. The length is NaN and the efficiency 0 where no pair counts.

    A node that reaches no other has eccentricity inf in either case, and then the diameter is inf
    (bctpy gives 1e20, the fill value of a masked array); a graph without nodes has radius and
    diameter NaN. bctpy includes infinite distances by default; the efficiency over connected
    pairs is larger than :func:`global_efficiency`, over all pairs it is equal.

    References
    ----------
    Watts & Strogatz 1998, doi:10.1038/30918
    Rubinov & Sporns 2010, doi:10.1016/j.neuroimage.2009.10.003

    Examples
    --------
    >>> import cofire as cf
    >>> ring = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    >>> cf.graph.characteristic_path(ring)
    CharacteristicPath(3 nodes, 6 pairs, length 1.5, diameter 2)
    """
    n_threads = resolve_threads(threads)
    graph = as_graph(adjacency, directed=directed, weighted=weighted)
    sums = path_sums(graph, weighted, n_threads)
    n_pairs, n_all = int(sums.reached.sum()), graph.n * (graph.n - 1)
    farthest = sums.farthest
    if include_infinite:
        # In the sums, nodes are the ends of paths; here they are their starts.
        complete = path_sums(graph.reverse(), False, n_threads).reached == graph.n - 1
        farthest = np.where(complete & (graph.n > 1), farthest, np.inf)
    length = float(sums.total.sum()) / n_pairs if n_pairs else np.nan
    if include_infinite and n_pairs < n_all:
        length = np.inf
    n_counted = n_all if include_infinite else n_pairs
    return CharacteristicPath(
        length=length,
        efficiency=float(sums.inverse.sum()) / n_counted if n_counted else 0.0,
        eccentricity=farthest,
        radius=float(farthest.min()) if graph.n else np.nan,
        diameter=float(farthest.max()) if graph.n else np.nan,
        n_pairs=n_pairs,
    )


@dataclass(frozen=True, slots=True, eq=False)
class PathSums:
    """Sums over the paths that lead to each node, and how far each node reaches.

    Attributes
    ----------
    reached : ndarray (n,) float64
        Number of other nodes with a path to this one.
    total, inverse : ndarray (n,) float64
        Sums of their distances to this one, and of 1 / distance.
    farthest : ndarray (n,) float64
        Distance from this node to the farthest that it reaches; inf if it reaches none.
    """

    reached: FloatArray
    total: FloatArray
    inverse: FloatArray
    farthest: FloatArray


def path_sums(graph: Graph, weighted: bool, threads: int | None) -> PathSums:
    """Search from every node, without storing distances."""
    farthest = np.full(graph.n, np.inf)
    sums = np.zeros((3, graph.n))
    if weighted:
        csr = _with_lengths(graph)
        sum_blocks(
            lambda start, stop: length_sums(*csr, start, stop, farthest),
            graph.n,
            _block(graph, 1),
            threads,
            sums,
        )
    else:
        order, both = near_order(graph), _both_ways(graph)
        sum_blocks(
            lambda start, stop: hop_sums(*both, order[start:stop], farthest),
            graph.n,
            _block(graph, SEARCHES),
            threads,
            sums,
        )
    return PathSums(sums[0], sums[1], sums[2], farthest)


def _with_lengths(graph: Graph) -> tuple[Any, Any, Any]:
    return graph.indptr, graph.indices, finite_lengths(graph)


def _both_ways(graph: Graph) -> tuple[Any, Any, Any, Any]:
    back = graph.reverse()
    return graph.indptr, graph.indices, back.indptr, back.indices


def _block(graph: Graph, at_once: int) -> int:
    """Sources of a block: whole words of searches, of a known number of edge visits."""
    return at_once * max(1, _VISITS // (graph.n + graph.n_edges + 1))
