"""Do the nodes with many partners keep to themselves, and which nodes make up the core?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer, positive
from cofire.graph._adjacency import Graph, Indices, as_graph
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel
from cofire.graph.degrees import edge_counts, edge_sums, tails

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class RichClub:
    """How tightly the nodes above each degree are joined.

    Attributes
    ----------
    k : ndarray (n_levels,) int64
        The levels, 1 to the largest degree.
    R : ndarray (n_levels,) float64
        The coefficient; NaN where it has no value.
    n_k : ndarray (n_levels,) int64
        Nodes in the club: of degree > k, with weights of degree >= k.
    E_k : ndarray (n_levels,) int64
        Edges among them; those of an undirected network count in both directions.
    weighted : bool
    """

    k: IntArray
    R: FloatArray
    n_k: IntArray
    E_k: IntArray
    weighted: bool

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each level."""
        import pandas as pd

        return pd.DataFrame({"k": self.k, "R": self.R, "n_k": self.n_k, "E_k": self.E_k})

    def __repr__(self) -> str:
        kind = "weighted" if self.weighted else "binary"
        return f"RichClub({kind}, {len(self.k)} levels)"


def rich_club(
    adjacency: Any, *, directed: bool = True, weighted: bool = False, k_max: int | None = None
) -> RichClub:
    """Rich-club coefficient at every degree.

    Without weights ``R(k) = E_k / (n_k (n_k - 1))`` among the n_k nodes of degree > k. With weights
    the total weight of the E_k edges among the nodes of degree >= k, over that of the E_k strongest
    edges of the network.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``.
    directed : bool
        True: the degree is in + out. False wants a symmetric matrix.
    weighted : bool
        With weights, which must not be negative.
    k_max : int, >= 1, optional
        Last level; default the largest degree.

    Returns
    -------
    RichClub
        R is NaN at levels with fewer than two nodes; with weights at levels at which no node has
        been left out, or among whose nodes there is no edge.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, not symmetric for ``directed=False``, negative weights that count.

    Notes
    -----
    Self-loops are left out. Hubs meet often by chance alone: compare R with its mean over networks
    of the same degrees, :func:`cofire.graph.rewire`.

    References
    ----------
    Colizza et al. 2006, doi:10.1038/nphys209; Opsahl et al. 2008,
    doi:10.1103/PhysRevLett.101.168702; van den Heuvel & Sporns 2011,
    doi:10.1523/JNEUROSCI.3539-11.2011

    Examples
    --------
    >>> from cofire.graph import rich_club
    >>> two_hubs = [[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]
    >>> club = rich_club(two_hubs, directed=False)
    >>> club.k, club.R, club.n_k
    (array([1, 2]), array([ 1., nan]), array([2, 0]))
    """
    why = "weights are compared with the strongest ones"
    graph = as_graph(adjacency, directed=directed, weighted=weighted, why=why)
    degrees = edge_counts(graph, "total" if directed else "out")
    last = int(degrees.max(initial=0)) if k_max is None else integer(k_max, "k_max", 1)
    levels = np.arange(1, last + 1)
    # An edge is in the club as long as its end of lower degree is.
    lower = np.minimum(degrees[tails(graph)], degrees[graph.indices])
    lowest = levels if weighted else levels + 1
    n_k, e_k = _at_least(degrees, lowest), _at_least(lower, lowest)
    among: AnyArray = e_k
    strongest: AnyArray = n_k * (n_k - 1)
    defined = n_k > 1
    if weighted:
        among = _at_least(lower, lowest, graph.weights)
        strongest = np.concatenate([[0.0], np.cumsum(np.sort(graph.weights)[::-1])])[e_k]
        defined = (n_k < graph.n) & (e_k > 0)
    coefficient = np.full(last, np.nan)
    np.divide(among, strongest, out=coefficient, where=defined)
    return RichClub(k=levels, R=coefficient, n_k=n_k, E_k=e_k, weighted=weighted)


def core_number(adjacency: Any, *, directed: bool = True) -> IntArray:
    """Largest k for which a node is in the k-core.

    The k-core is what remains when nodes of degree below k are taken out until there is none.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge.
    directed : bool
        True: the degree is in + out, so that a mutual pair counts twice. False wants a symmetric
        matrix.

    Returns
    -------
    ndarray (n,) int64
        0 for an isolated node. The k-core is ``core_number(A) >= k``.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, or not symmetric for ``directed=False``.

    Notes
    -----
    Self-loops are left out. Every edge is looked at once. bctpy's directed coreness misses nodes to
    which no edge leads; here they are nodes like others.

    References
    ----------
    Batagelj & Zaversnik 2011, doi:10.1007/s11634-010-0079-y;
    Hagmann et al. 2008, doi:10.1371/journal.pbio.0060159

    Examples
    --------
    >>> from cofire.graph import core_number
    >>> triangle_with_tail = [[0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]
    >>> core_number(triangle_with_tail, directed=False)
    array([2, 2, 2, 1])
    """
    graph = as_graph(adjacency, directed=directed, weighted=False)
    back = _back(graph)
    return _cores(
        graph.indptr, graph.indices, back.indptr, back.indices,
        edge_counts(graph, "total" if directed else "out"),
    )  # fmt: skip


def s_core(adjacency: Any, s: float, *, directed: bool = True) -> BoolArray:
    """Which nodes remain when those of strength below s are taken out until there is none.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``, weights, not negative.
    s : float, > 0
        Smallest strength within the core.
    directed : bool
        True: the strength is in + out. False wants a symmetric matrix.

    Returns
    -------
    ndarray (n,) bool
        The core as a matrix is ``A[np.ix_(mask, mask)]``, its size ``mask.sum()``.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, negative weights, not symmetric for ``directed=False``, or `s` that
        is not positive.

    Notes
    -----
    Self-loops are left out. A strength that is below `s` by rounding errors only (1e-12 of the
    strength in the whole network) counts as `s`.

    References
    ----------
    Eidsaa & Almaas 2013, doi:10.1103/PhysRevE.88.062819

    Examples
    --------
    >>> from cofire.graph import s_core
    >>> s_core([[0, 2, 0], [2, 0, 1], [0, 1, 0]], 2, directed=False)
    array([ True,  True, False])
    """
    s = positive(s, "s")
    why = "taking a node out must not strengthen others"
    graph = as_graph(adjacency, directed=directed, why=why)
    back = _back(graph)
    return _strong(
        graph.indptr, graph.indices, graph.weights, back.indptr, back.indices, back.weights,
        edge_sums(graph, "total" if directed else "out"), s,
    )  # fmt: skip


def _at_least(values: IntArray, lowest: IntArray, weights: FloatArray | None = None) -> Any:
    """How many values, or how much weight, reach each level, for ascending levels."""
    top = int(lowest[-1]) if len(lowest) else 0
    counts = np.bincount(np.minimum(values, top), weights, top + 1)
    return counts[::-1].cumsum()[::-1][lowest]


def _back(graph: Graph) -> Graph:
    """The edges that arrive; none for an undirected network, whose rows hold all of them."""
    if graph.directed:
        return graph.reverse()
    empty = np.zeros(graph.n + 1, dtype=np.int64)
    return Graph(empty, graph.indices[:0], graph.weights[:0], True, 0)


@kernel(f"int64[::1]({INDPTR}, {INDICES}, {INDPTR}, {INDICES}, int64[::1])")
def _cores(
    indptr: IntArray, indices: Indices, back_indptr: IntArray, back: Indices, degrees: IntArray
) -> IntArray:
    """Take out the node of the lowest degree, again and again; nodes stay sorted by degree."""
    n = len(degrees)
    core = degrees.copy()
    largest = 0
    for v in range(n):
        largest = max(largest, core[v])
    begin = np.zeros(largest + 2, np.int64)  # of the nodes of each degree in `order`
    for v in range(n):
        begin[core[v] + 1] += 1
    for k in range(largest + 1):
        begin[k + 1] += begin[k]
    order, place, free = np.empty(n, np.int64), np.empty(n, np.int64), begin.copy()
    for v in range(n):
        place[v] = free[core[v]]
        order[place[v]] = v
        free[core[v]] += 1
    for at in range(n):
        v = order[at]
        out = indptr[v + 1] - indptr[v]
        for e in range(out + back_indptr[v + 1] - back_indptr[v]):
            u = indices[indptr[v] + e] if e < out else back[back_indptr[v] + e - out]
            if core[u] > core[v]:
                # To the front of its degree, which then begins one later: degree - 1.
                front = begin[core[u]]
                first = order[front]
                order[place[u]], place[first] = first, place[u]
                order[front], place[u] = u, front
                begin[core[u]] += 1
                core[u] -= 1
    return core


@kernel(
    f"boolean[::1]({INDPTR}, {INDICES}, {WEIGHTS}, {INDPTR}, {INDICES}, {WEIGHTS}, "
    "float64[::1], float64)"
)
def _strong(
    indptr: IntArray, indices: Indices, weights: FloatArray,
    back_indptr: IntArray, back: Indices, back_weights: FloatArray,
    strengths: FloatArray, s: float,
) -> BoolArray:  # fmt: skip
    n = len(strengths)
    left, stays = strengths.copy(), np.ones(n, np.bool_)
    leaving, n_leaving = np.empty(n, np.int64), 0
    for v in range(n):
        if left[v] < s - 1e-12 * strengths[v]:
            stays[v] = False
            leaving[n_leaving] = v
            n_leaving += 1
    done = 0
    while done < n_leaving:
        v = leaving[done]
        done += 1
        out = indptr[v + 1] - indptr[v]
        for e in range(out + back_indptr[v + 1] - back_indptr[v]):
            if e < out:
                u, weight = indices[indptr[v] + e], weights[indptr[v] + e]
            else:
                at = back_indptr[v] + e - out
                u, weight = back[at], back_weights[at]
            left[u] -= weight
            if stays[u] and left[u] < s - 1e-12 * strengths[u]:
                stays[u] = False
                leaving[n_leaving] = u
                n_leaving += 1
    return stays
