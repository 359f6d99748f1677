"""Through which cells, and over which connections, do shortest paths lead?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._threads import resolve_threads
from cofire._validate import FloatArray, IntArray, integer, real
from cofire.errors import InvalidArgumentError
from cofire.graph._adjacency import Graph, as_graph
from cofire.graph._bfs import near_order
from cofire.graph._blocks import sum_blocks
from cofire.graph._brandes_hops import LANES, brandes_hops
from cofire.graph._dijkstra import TOLERANCE, brandes_lengths, finite_lengths
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import scipy.sparse

# Edge visits of a block: a tenth of a second at most, but enough sources to pay for the arrays.
_VISITS = 8_000_000


def betweenness(
    adjacency: Any,
    *,
    directed: bool = True,
    weighted: bool = False,
    normalized: bool = False,
    sources: Any = None,
    tolerance: float = TOLERANCE,
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
) -> FloatArray:
    """Betweenness centrality of every node.

    ``sum over s, t of sigma_st(v) / sigma_st``, where sigma_st is the number of shortest paths from
    s to t and sigma_st(v) of those that pass through v, s and t apart: over ordered pairs, so that
    an undirected pair counts twice.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out.
    directed : bool
        False wants a symmetric matrix. The result is the same.
    weighted : bool
        Take 1 / weight for the length of an edge; otherwise every edge has length 1.
    normalized : bool
        Divide by (n - 1) (n - 2), the ordered pairs of other nodes.
    sources : int or array_like of int, optional
        An estimate or a part: a number k draws k nodes s at random and multiplies their sum by
        n / k, whose mean over draws is the betweenness; an array of distinct nodes takes paths that
        begin at these, and nothing is multiplied. Default: all nodes.
    tolerance : float, >= 0
        Two weighted paths are equally short if their lengths differ by at most this share. With 0,
        as in networkx and bctpy, rounding decides between paths like 1/3 + 1/6 and 1/2.
    rng : int or numpy.random.Generator
        For the draw of `sources`.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n,) float64

    Raises
    ------
    InvalidArgumentError
        A matrix that is not square or finite, a negative weight where weights are lengths, an
        asymmetric one for ``directed=False``; `sources` that are no nodes, occur twice or are too
        many; more than 1e308 shortest paths between two nodes.

    Notes
    -----
    Brandes' sums, from eight sources at once without weights. Numbers of paths are float64: they
    grow beyond 2**63 in graphs of a few hundred nodes.

    Where a length is less than the tolerance of the path that it ends, paths that are equal by the
    tolerance are found in the direction in which the search settles nodes.

    References
    ----------
    Freeman 1977, doi:10.2307/3033543
    Brandes 2001, doi:10.1080/0022250X.2001.9990249
    Brandes & Pich 2007 (sampled sources), doi:10.1142/S0218127407018403

    Examples
    --------
    >>> import cofire as cf
    >>> chain = [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    >>> cf.graph.betweenness(chain)
    array([0., 2., 2., 0.])
    """
    n_threads = resolve_threads(threads)
    graph = as_graph(adjacency, directed=directed, weighted=weighted)
    chosen, factor = _sources(sources, graph.n, rng)
    if normalized:
        factor = factor / ((graph.n - 1) * (graph.n - 2)) if graph.n > 2 else 0.0
    tie = _tie(tolerance) if weighted else None
    return _dependencies(graph, tie, chosen, n_threads, of_edges=False) * factor


def edge_betweenness(
    adjacency: Any,
    *,
    directed: bool = True,
    weighted: bool = False,
    normalized: bool = False,
    sources: Any = None,
    tolerance: float = TOLERANCE,
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
) -> scipy.sparse.csr_array:
    """Betweenness centrality of every edge.

    As :func:`betweenness` for the paths over an edge, those that begin or end with it included.

    Parameters
    ----------
    adjacency, directed, weighted, sources, tolerance, rng, threads
        As in :func:`betweenness`.
    normalized : bool
        Divide by n (n - 1), the ordered pairs of nodes.

    Returns
    -------
    scipy.sparse.csr_array (n, n) float64
        ``[pre, post]``, an entry for each edge of `adjacency`, with an explicit 0 for an edge on no
        shortest path (with weights, where a detour is shorter). ``.toarray()`` makes the dense one.
        Undirected edges have two equal entries, one for each direction of paths.

    Raises
    ------
    InvalidArgumentError
        As :func:`betweenness`.

    Notes
    -----
    The entries of a row add up to the betweenness of the node plus the number of nodes it reaches.

    bctpy 0.6.1 is wrong or raises on graphs that are not strongly connected.

    References
    ----------
    Girvan & Newman 2002, doi:10.1073/pnas.122653799
    Brandes 2008, doi:10.1016/j.socnet.2007.11.001

    Examples
    --------
    >>> import cofire as cf
    >>> chain = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    >>> cf.graph.edge_betweenness(chain).toarray()
    array([[0., 2., 0.],
           [0., 0., 2.],
           [0., 0., 0.]])
    """
    n_threads = resolve_threads(threads)
    graph = as_graph(adjacency, directed=directed, weighted=weighted)
    chosen, factor = _sources(sources, graph.n, rng)
    if normalized and graph.n > 1:
        factor /= graph.n * (graph.n - 1)
    tie = _tie(tolerance) if weighted else None
    values = _dependencies(graph, tie, chosen, n_threads, of_edges=True) * factor
    return graph.with_weights(values).matrix()


def _dependencies(
    graph: Graph, tie: float | None, sources: IntArray | None, threads: int, *, of_edges: bool
) -> FloatArray:
    """Sums over sources, of nodes or of edges in the order of the graph; no `tie`: no weights."""
    total = np.zeros(graph.n_edges if of_edges else graph.n)
    block = max(1, _VISITS // (graph.n + graph.n_edges + 1))
    if tie is not None:
        csr = (graph.indptr, graph.indices, finite_lengths(graph))
        order = np.arange(graph.n) if sources is None else sources

        def of_block(start: int, stop: int) -> FloatArray:
            return brandes_lengths(*csr, tie, order[start:stop], of_edges)
    else:
        back = graph.reverse()
        both = (graph.indptr, graph.indices, back.indptr, back.indices)
        order = near_order(graph)
        if sources is not None:
            order = order[np.isin(order, sources)]
        block = LANES * max(1, block // LANES)

        def of_block(start: int, stop: int) -> FloatArray:
            return brandes_hops(*both, order[start:stop], of_edges)

    sum_blocks(of_block, len(order), block, threads, total)
    if np.isnan(total).any():
        raise InvalidArgumentError(
            "adjacency has more than 1e308 shortest paths between two nodes: betweenness is a "
            "ratio of such numbers; take the graph in parts"
        )
    return total


def _tie(tolerance: float) -> float:
    share = real(tolerance, "tolerance")
    if share < 0:
        raise InvalidArgumentError(f"tolerance must not be negative, got {share:g}")
    return 1.0 + share


def _sources(sources: Any, n: int, rng: int | np.random.Generator) -> tuple[IntArray | None, float]:
    """The nodes that paths begin at (None: all, in any order), and what to multiply by."""
    if sources is None:
        return None, 1.0
    values = np.asarray(sources)
    if values.ndim == 0:
        k = integer(sources, "sources", 1)
        if k > n:
            raise InvalidArgumentError(
                f"sources must be at most the number of nodes, {n}, got {k}; sources=None takes all"
            )
        drawn = np.random.default_rng(seed_of(rng)).choice(n, k, replace=False)
        return np.sort(drawn).astype(np.int64), n / k
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise InvalidArgumentError(
            "sources must be a number of nodes or a 1-D array of node indices, got "
            f"{values.dtype} of shape {values.shape}; of a mask take np.flatnonzero(mask)"
        )
    chosen = values.astype(np.int64)
    bad = np.flatnonzero((chosen < 0) | (chosen >= n))
    if bad.size:
        raise InvalidArgumentError(
            f"sources must be nodes, 0 to {n - 1}: sources[{bad[0]}] is {chosen[bad[0]]}"
        )
    distinct, counts = np.unique(chosen, return_counts=True)
    if len(distinct) < len(chosen):
        raise InvalidArgumentError(
            f"sources must be distinct: node {distinct[counts > 1][0]} occurs twice; pass "
            "np.unique(sources)"
        )
    return chosen, 1.0
