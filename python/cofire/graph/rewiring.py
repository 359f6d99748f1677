"""What would a measure be if only the degrees of the nodes mattered? Null models by rewiring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire._validate import FloatArray, IntArray, integer, one_of, real
from cofire.errors import InvalidArgumentError
from cofire.graph._adjacency import Graph, Indices, as_graph
from cofire.graph._blocks import run_blocks
from cofire.graph._swaps import swap_edges
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import scipy.sparse

Seeds = npt.NDArray[np.uint64]

# Attempts of one call into the kernel, between which Ctrl-C gets through.
_CHUNK, _CHUNK_CONNECTED = 4_000_000, 50_000


def rewire(
    adjacency: Any,
    n: int = 1,
    *,
    rng: int | np.random.Generator = 0,
    connected: bool = False,
    directed: bool = True,
    weights: str = "source",
    attempts: int | None = None,
    draw: int = 0,
    threads: int | None = None,
) -> list[scipy.sparse.csr_array]:
    """Random graphs in which every node has as many edges in and out as in the given one.

    Two edges ``a -> b`` and ``c -> d``, drawn at random, become ``a -> d`` and ``c -> b``, unless
    that makes a self-loop or an edge that is there already; this is tried `attempts` times.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``. Self-loops are left out.
    n : int, >= 0
        Number of graphs, each rewired from the given one.
    rng : int in [0, 2**64) or numpy.random.Generator
        Seed; one is drawn from a Generator, which advances it. Graph k depends on the seed and on
        k only, not on `n` or `threads`.
    connected : bool
        Undo an exchange after which b can no longer be reached from a, or d from c: wherever a path
        led, one leads. A connected graph stays connected, a strongly connected one strongly.
    directed : bool
        False wants a symmetric matrix, and returns symmetric ones.
    weights : {"source", "strength"}
        Where weights go. ``"source"``: the weight of an edge stays with its source, so that the
        strength out of a node is kept exactly (of an undirected graph: with either end).
        ``"strength"``: the weights are dealt out again, so that the strengths of all nodes, in and
        out, are close to the given ones. Positive and negative weights then count apart: every node
        keeps the number of its edges of either sign, and its strength of either sign nearly.
    attempts : int, >= 0, optional
        Default: 10 for each edge. The share that succeeds is about ``(1 - density)**2``: take more
        for graphs of which half of the possible edges are there.
    draw : int, >= 0
        Number of the first graph: ``rewire(A, 5, draw=5)`` are the second five of
        ``rewire(A, 10)``, for nulls that do not fit into memory together.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    list of scipy.sparse.csr_array (n, n) float64
        `n` graphs, also if `n` is 1: take ``[0]``. Columns ascend within rows.

    Raises
    ------
    InvalidArgumentError
        Not square or not finite; not symmetric where `directed` is False.

    Notes
    -----
    Because attempts are counted and not successes, all graphs that can be reached are equally
    likely in the long run. Exchanges of two edges cannot turn a directed cycle of three nodes
    around where that is all there is (Rao et al. 1996); in graphs of more than a few edges this
    does not matter. A graph without edges, or in which no exchange is possible (a complete one),
    comes back as it is.

    To let several values of an edge travel together, rewire a graph whose weights are the numbers
    1, 2, ... of the edges and look the values up.

    ``weights="strength"``: weights and edges are ranked, the edges by the product of what is left
    of the strengths of their ends; a tenth of the edges gets the weights of the same ranks, which
    are taken off the strengths; and so on (Rubinov & Sporns 2011).

    References
    ----------
    Maslov & Sneppen 2002, doi:10.1126/science.1065103; Rubinov & Sporns 2011,
    doi:10.1016/j.neuroimage.2011.03.069; Rao et al. 1996 (Sankhya A 58:225)

    Examples
    --------
    >>> import numpy as np
    >>> from cofire import graph
    >>> wiring = np.random.default_rng(0).random((20, 20)) < 0.2
    >>> np.fill_diagonal(wiring, False)
    >>> null = graph.rewire(wiring)[0].toarray()
    >>> bool((null.sum(axis=0) == wiring.sum(axis=0)).all())
    True
    >>> bool((null.sum(axis=1) == wiring.sum(axis=1)).all())
    True
    """
    one_of(weights, "weights", ("source", "strength"))
    graph = as_graph(adjacency, directed=directed, negative="keep")
    rule = (False, bool(connected), weights == "strength", directed)
    return _nulls(graph, n, rng, rule, attempts, draw, threads)


def lattice(
    adjacency: Any,
    n: int = 1,
    *,
    rng: int | np.random.Generator = 0,
    connected: bool = False,
    directed: bool = True,
    attempts: int | None = None,
    draw: int = 0,
    threads: int | None = None,
) -> list[scipy.sparse.csr_array]:
    """Rewired graphs whose weight lies near the diagonal: as regular as the degrees allow.

    As :func:`rewire`, but an exchange is made only if it takes no weight away from the diagonal:
    ``w_ab |a - b| + w_cd |c - d| >= w_ab |a - d| + w_cd |c - b|``, with distances around a ring of
    all nodes, ``min(|i - j|, n - |i - j|)``.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``, weights >= 0. The order of the nodes is that of the ring: permute them
        first if it has a meaning of its own.
    n, rng, connected, directed, attempts, draw, threads
        As of :func:`rewire`; weights stay with their source.

    Returns
    -------
    list of scipy.sparse.csr_array (n, n) float64
        Columns ascend within rows.

    Raises
    ------
    InvalidArgumentError
        Not square or not finite; a negative weight; not symmetric where `directed` is False.

    References
    ----------
    Sporns & Zwi 2004, doi:10.1385/NI:2:2:145

    Examples
    --------
    >>> import numpy as np
    >>> from cofire import graph
    >>> wiring = np.random.default_rng(0).random((40, 40)) < 0.1
    >>> def distance(matrix):
    ...     pre, post = matrix.nonzero()
    ...     around = abs(pre - post)
    ...     return float(np.minimum(around, 40 - around).mean())
    >>> distance(wiring) > 9 > 4 > distance(graph.lattice(wiring, attempts=100_000)[0])
    True
    """
    graph = as_graph(adjacency, directed=directed, why="a weight pulls its edge to the diagonal")
    rule = (True, bool(connected), False, directed)
    return _nulls(graph, n, rng, rule, attempts, draw, threads)


def threshold_proportional(
    adjacency: Any, p: float, *, directed: bool = True
) -> scipy.sparse.csr_array:
    """Keep the strongest edges: a share `p` of all that are possible.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        Self-loops are left out.
    p : float, 0 to 1
        Density of the result: ``round(p * (n**2 - n))`` edges, or all, if there are fewer.
    directed : bool
        False wants a symmetric matrix and keeps pairs of nodes, ``round(p * (n**2 - n) / 2)``.

    Returns
    -------
    scipy.sparse.csr_array (n, n) float64
        The weights that are kept. Strongest means largest: negative ones go first. Of equal weights
        the first in the order of rows and columns are kept.

    Raises
    ------
    InvalidArgumentError
        Not square or not finite; not symmetric where `directed` is False; `p` outside [0, 1].

    References
    ----------
    Rubinov & Sporns 2010, doi:10.1016/j.neuroimage.2009.10.003

    Examples
    --------
    >>> from cofire import graph
    >>> graph.threshold_proportional([[0, 3, 1], [2, 0, 5], [0, 4, 0]], 0.5).toarray()
    array([[0., 3., 0.],
           [0., 0., 5.],
           [0., 4., 0.]])
    """
    p = real(p, "p")
    if not 0 <= p <= 1:
        raise InvalidArgumentError(f"p must lie in [0, 1], the share of possible edges, got {p:g}")
    graph = as_graph(adjacency, directed=directed, negative="keep")
    source = _sources(graph)
    # Of an undirected graph look at the entries above the diagonal, then mirror what is kept.
    entries = np.arange(graph.n_edges)
    if not directed:
        entries = entries[source < graph.indices]
    n_pairs = graph.n * (graph.n - 1) // (1 if directed else 2)
    order = np.argsort(-graph.weights[entries], kind="stable")[: round(p * n_pairs)]
    keep = np.zeros(graph.n_edges, dtype=bool)
    keep[entries[order]] = True
    if not directed:
        keep |= keep[_mates(graph)]
    indptr = np.concatenate([[0], np.cumsum(keep)])[graph.indptr]
    return _matrix(graph.n, indptr, graph.indices[keep], graph.weights[keep])


def null_seeds(rng: int | np.random.Generator, first: int, n: int) -> Seeds:
    """Seeds of the nulls first..first+n-1; each depends on `rng` and its number only."""
    states = np.random.SeedSequence(seed_of(rng)).generate_state(first + n, np.uint64)
    return np.asarray(states[first:], dtype=np.uint64)


def rewired_targets(graph: Graph, seeds: Seeds) -> Indices:
    """Targets (n_nulls, n_edges) of the edges after 10 attempts for each."""
    rule = (False, False, False, graph.directed)
    wiring = _Wiring(graph, rule, None)
    return np.stack([wiring.swapped(seed)[0] for seed in seeds])


def _nulls(
    graph: Graph,
    n: int,
    rng: int | np.random.Generator,
    rule: tuple[bool, bool, bool, bool],
    attempts: int | None,
    draw: int,
    threads: int | None,
) -> list[scipy.sparse.csr_array]:
    n = integer(n, "n", 0)
    seeds = null_seeds(rng, integer(draw, "draw", 0), n)
    if attempts is not None:
        attempts = integer(attempts, "attempts", 0)
    if graph.n_edges == 0:
        return [graph.matrix() for _ in range(n)]
    wiring = _Wiring(graph, rule, attempts)
    deal = rule[2]

    def make(start: int, stop: int) -> list[scipy.sparse.csr_array]:
        made = []
        for seed in seeds[start:stop]:
            target, weight = wiring.swapped(seed)
            if deal:
                weight = wiring.dealt(target, weight, np.random.default_rng(seed))
            made.append(_matrix(graph.n, graph.indptr.copy(), target, weight))
        return made

    block = max(1, 100_000 // graph.n_edges)
    return [each for part in run_blocks(make, n, block, threads) for each in part]


class _Wiring:
    """A graph with the tables that rewiring needs, ready to be rewired many times."""

    def __init__(
        self, graph: Graph, rule: tuple[bool, bool, bool, bool], attempts: int | None
    ) -> None:
        _, connected, _, directed = rule
        n_edges = graph.n_edges if directed else graph.n_edges // 2
        self.graph, self.rule = graph, rule
        self.attempts = 10 * n_edges if attempts is None else attempts
        self.chunk = _CHUNK_CONNECTED if connected else _CHUNK
        self.source = _sources(graph)
        none = np.zeros(0, dtype=np.int64)
        self.mate, self.in_edges, self.in_indptr = none, none, none
        if not directed:
            self.mate = _mates(graph)
        elif connected:
            self.in_edges = np.argsort(graph.indices, kind="stable")
            self.mate = np.empty_like(self.in_edges)
            self.mate[self.in_edges] = np.arange(graph.n_edges)
            n_in = np.bincount(graph.indices, minlength=graph.n)
            self.in_indptr = np.concatenate([[0], np.cumsum(n_in)])

    def swapped(self, seed: np.uint64) -> tuple[Indices, FloatArray]:
        """Target and weight of each edge after the exchanges."""
        target, weight = self.graph.indices.copy(), self.graph.weights.copy()
        tables = (self.mate.copy(), self.in_indptr, self.in_edges.copy())
        progress = np.zeros(2, dtype=np.int64)
        edges = (self.graph.indptr, self.source, target, weight, *tables, progress)
        for done in range(0, self.attempts, self.chunk):
            attempts = min(self.chunk, self.attempts - done)
            swap_edges(*edges, seed, attempts, self.rule)
        return target, weight

    def dealt(
        self, target: Indices, weight: FloatArray, generator: np.random.Generator
    ) -> FloatArray:
        """Weights dealt out again, so that strengths are as in the graph."""
        dealt = np.empty_like(weight)
        directed = self.graph.directed
        mask = np.ones(len(weight), dtype=bool) if directed else self.source < target
        for sign in (1.0, -1.0):
            given = np.maximum(sign * self.graph.weights, 0.0)
            out = _sums(self.source, given, self.graph.n)
            into = _sums(self.graph.indices, given, self.graph.n)
            chosen = np.flatnonzero(mask & (sign * weight > 0))
            ends = (self.source[chosen], target[chosen])
            values = np.sort(sign * weight[chosen])
            dealt[chosen] = sign * _deal(ends, values, out, into if directed else out, generator)
        if not directed:
            # The entries of either direction, ordered by their ends, correspond.
            above, below = np.flatnonzero(mask), np.flatnonzero(~mask)
            first = above[np.lexsort((target[above], self.source[above]))]
            second = below[np.lexsort((self.source[below], target[below]))]
            dealt[second] = dealt[first]
        return dealt


def _deal(
    ends: tuple[Indices, Indices],
    values: FloatArray,
    out: FloatArray,
    into: FloatArray,
    generator: np.random.Generator,
) -> FloatArray:
    """One of the sorted values for each edge; `out` and `into` may be the same array."""
    dealt = np.empty_like(values)
    source, target = ends
    same = into is out
    left_out = out.copy()
    left_in = left_out if same else into.copy()
    edges = np.arange(len(values))
    while len(edges):
        expected = np.maximum(left_out[source[edges]], 0) * np.maximum(left_in[target[edges]], 0)
        order = np.argsort(expected, kind="stable")
        ranks = generator.permutation(len(edges))[: -(-len(edges) // 10)]
        now = edges[order[ranks]]
        dealt[now] = values[ranks]
        np.subtract.at(left_out, source[now], values[ranks])
        np.subtract.at(left_in, target[now], values[ranks])
        keep = np.ones(len(edges), dtype=bool)
        keep[ranks] = False
        values = values[keep]
        keep[:] = True
        keep[order[ranks]] = False
        edges = edges[keep]
    return dealt


def _sums(nodes: Indices, values: FloatArray, n: int) -> FloatArray:
    return np.bincount(nodes, values, minlength=n).astype(np.float64)


def _sources(graph: Graph) -> Indices:
    return np.repeat(np.arange(graph.n, dtype=np.int32), np.diff(graph.indptr))


def _mates(graph: Graph) -> IntArray:
    """Entry of the other direction of each entry of a symmetric matrix."""
    mate = np.empty(graph.n_edges, dtype=np.int64)
    mate[np.argsort(graph.indices, kind="stable")] = np.arange(graph.n_edges)
    return mate


def _matrix(n: int, indptr: Any, indices: Any, weights: Any) -> scipy.sparse.csr_array:
    from scipy import sparse

    matrix = sparse.csr_array((weights, indices, indptr), shape=(n, n))
    matrix.sort_indices()
    return matrix
