"""How many steps lie between nodes? Searches from 64 sources at once, a bit for each.

One word a node says which of the searches have seen it. A step of all searches along an edge is an
OR of words: 64 edge visits for the price of one. A level goes along the edges out of the nodes just
reached, or along those into the nodes not yet reached by all, whichever are fewer.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from cofire._validate import FloatArray, IntArray
from cofire.graph._adjacency import Graph, Indices
from cofire.graph._jit import INDICES, INDPTR, kernel

Words = npt.NDArray[np.uint64]

SEARCHES = 64  # bits of a word
_CSR = f"{INDPTR}, {INDICES}"
_ONE, _TWO, _FOUR = np.uint64(1), np.uint64(2), np.uint64(4)
_EIGHT, _SIXTEEN, _HALF = np.uint64(8), np.uint64(16), np.uint64(32)
_PAIRS = np.uint64(0x5555555555555555)
_QUADS = np.uint64(0x3333333333333333)
_OCTETS = np.uint64(0x0F0F0F0F0F0F0F0F)
_SUM = np.uint64(127)
_NONE = np.uint64(0)


def near_order(graph: Graph) -> IntArray:
    """All nodes, near ones next to each other (reverse Cuthill-McKee).

    Searches that share words then reach the same nodes at about the same time.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    if graph.n == 0:
        return np.empty(0, np.int64)
    ones = np.ones(graph.n_edges, np.int8)
    matrix = sparse.csr_array((ones, graph.indices, graph.indptr), shape=(graph.n, graph.n))
    both = matrix + matrix.T if graph.directed else matrix
    order: IntArray = reverse_cuthill_mckee(sparse.csr_matrix(both), symmetric_mode=True).astype(
        np.int64
    )
    return order


@njit(nogil=True, cache=True)
def _count(word: np.uint64) -> np.uint64:
    """Number of bits that are set; compiled to one instruction where the processor has it."""
    word = word - ((word >> _ONE) & _PAIRS)
    word = (word & _QUADS) + ((word >> _TWO) & _QUADS)
    word = (word + (word >> _FOUR)) & _OCTETS
    word = word + (word >> _EIGHT)
    word = word + (word >> _SIXTEEN)
    return (word + (word >> _HALF)) & _SUM


@njit(nogil=True, cache=True)
def _begin(
    sources: IntArray, front: Words, seen: Words, nodes: Indices, rptr: IntArray
) -> tuple[np.uint64, int]:
    """Put a search at each source; return the word of all of them and the edges that are open."""
    seen[:] = _NONE
    full = _NONE
    for b in range(len(sources)):
        bit = _ONE << np.uint64(b)
        front[sources[b]] = bit
        seen[sources[b]] = bit
        nodes[b] = sources[b]
        full |= bit
    n_open = rptr[len(rptr) - 1]
    return full, n_open


@njit(nogil=True, cache=True)
def _follow(
    indptr: IntArray,
    indices: Indices,
    nodes: Indices,
    n_nodes: int,
    front: Words,
    arriving: Words,
    candidates: Indices,
) -> int:
    """Along the edges out of the nodes just reached."""
    n = 0
    for i in range(n_nodes):
        v = nodes[i]
        word = front[v]
        for e in range(indptr[v], indptr[v + 1]):
            w = indices[e]
            if arriving[w] == _NONE:
                candidates[n] = w
                n += 1
            arriving[w] |= word
    return n


@njit(nogil=True, cache=True)
def _gather(
    indptr: IntArray,
    indices: Indices,
    full: np.uint64,
    front: Words,
    seen: Words,
    arriving: Words,
    candidates: Indices,
) -> int:
    """Along the edges into the nodes that some search has not reached (`indptr` is the reverse)."""
    n = 0
    for w in range(len(seen)):
        missing = full & ~seen[w]
        if missing == _NONE:
            continue
        word = _NONE
        for e in range(indptr[w], indptr[w + 1]):
            word |= front[indices[e]]
            if word & missing == missing:
                break
        if word != _NONE:
            arriving[w] = word
            candidates[n] = w
            n += 1
    return n


@njit(nogil=True, cache=True)
def _step(
    indptr: IntArray,
    indices: Indices,
    rptr: IntArray,
    rindices: Indices,
    full: np.uint64,
    n_open: int,
    nodes: Indices,
    n_nodes: int,
    front: Words,
    seen: Words,
    arriving: Words,
    candidates: Indices,
) -> tuple[int, int]:
    """One level of all searches: the nodes just reached, in `nodes`, with their bits in `front`.

    Returns their number, and the number of edges into nodes that a search has not reached.
    """
    n_out = 0
    for i in range(n_nodes):
        n_out += indptr[nodes[i] + 1] - indptr[nodes[i]]
    if n_out <= n_open + len(seen):
        n = _follow(indptr, indices, nodes, n_nodes, front, arriving, candidates)
    else:
        n = _gather(rptr, rindices, full, front, seen, arriving, candidates)
    for i in range(n_nodes):
        front[nodes[i]] = _NONE
    n_nodes = 0
    for i in range(n):
        w = candidates[i]
        new = arriving[w] & ~seen[w]
        arriving[w] = _NONE
        if new != _NONE:
            front[w] = new
            seen[w] |= new
            nodes[n_nodes] = w
            n_nodes += 1
            if seen[w] == full:
                n_open -= rptr[w + 1] - rptr[w]
    return n_nodes, n_open


@kernel(f"void({_CSR}, {_CSR}, int64[::1], float64[:, ::1])")
def hop_rows(
    indptr: IntArray,
    indices: Indices,
    rptr: IntArray,
    rindices: Indices,
    sources: IntArray,
    out: FloatArray,
) -> None:
    """Write the steps from each source to every node into its row of `out` (n, n), full of inf."""
    n = len(indptr) - 1
    front, seen, arriving = np.zeros(n, np.uint64), np.empty(n, np.uint64), np.zeros(n, np.uint64)
    nodes, candidates = np.empty(max(n, SEARCHES), np.int32), np.empty(n, np.int32)
    for first in range(0, len(sources), SEARCHES):
        some = sources[first : first + SEARCHES]
        full, n_open = _begin(some, front, seen, nodes, rptr)
        n_nodes = len(some)
        for s in some:
            out[s, s] = 0.0
        level = 0.0
        while n_nodes > 0:
            n_nodes, n_open = _step(
                indptr, indices, rptr, rindices, np.uint64(full), n_open,
                nodes, n_nodes, front, seen, arriving, candidates,
            )  # fmt: skip
            level += 1.0
            for i in range(n_nodes):
                word = front[nodes[i]]
                for b in range(len(some)):
                    if (word >> np.uint64(b)) & _ONE != _NONE:
                        out[some[b], nodes[i]] = level


@kernel(f"float64[:, ::1]({_CSR}, {_CSR}, int64[::1], float64[::1])")
def hop_sums(
    indptr: IntArray,
    indices: Indices,
    rptr: IntArray,
    rindices: Indices,
    sources: IntArray,
    farthest: FloatArray,
) -> FloatArray:
    """Of each node, over the sources that reach it: their number, the sum of steps, and of 1/steps.

    The steps to the farthest node that a source reaches go to `farthest`, if there is one.
    """
    n = len(indptr) - 1
    sums = np.zeros((3, n))
    front, seen, arriving = np.zeros(n, np.uint64), np.empty(n, np.uint64), np.zeros(n, np.uint64)
    nodes, candidates = np.empty(max(n, SEARCHES), np.int32), np.empty(n, np.int32)
    for first in range(0, len(sources), SEARCHES):
        some = sources[first : first + SEARCHES]
        full, n_open = _begin(some, front, seen, nodes, rptr)
        n_nodes = len(some)
        level = 0.0
        while n_nodes > 0:
            n_nodes, n_open = _step(
                indptr, indices, rptr, rindices, np.uint64(full), n_open,
                nodes, n_nodes, front, seen, arriving, candidates,
            )  # fmt: skip
            level += 1.0
            going = _NONE
            for i in range(n_nodes):
                w = nodes[i]
                going |= front[w]
                number = np.float64(_count(front[w]))
                sums[0, w] += number
                sums[1, w] += number * level
                sums[2, w] += number / level
            for b in range(len(some)):
                if (going >> np.uint64(b)) & _ONE != _NONE:
                    farthest[some[b]] = level
    return sums


@kernel(f"float64[::1](int64[::1], float64[::1], {_CSR})")
def tied_inverse_steps(
    starts: IntArray, ties: FloatArray, indptr: IntArray, indices: Indices
) -> FloatArray:
    """Of each of several small graphs, the sum of ties_j * ties_k / steps_jk.

    The nodes of graph g are ``starts[g]:starts[g + 1]``, its row pointers begin at
    ``starts[g] + g``; `indices` count from the first node of a graph. Ties are 1 or 2.
    """
    out = np.zeros(len(starts) - 1)
    for g in range(len(out)):
        start, stop = starts[g], starts[g + 1]
        out[g] = _tied_inverse(indptr[start + g : stop + g + 1], indices, ties[start:stop])
    return out


@njit(nogil=True, cache=True)
def _tied_inverse(indptr: IntArray, indices: Indices, ties: FloatArray) -> float:
    """Sum of ties_j * ties_k / steps_jk."""
    k = len(ties)
    front, seen, arriving = np.zeros(k, np.uint64), np.empty(k, np.uint64), np.zeros(k, np.uint64)
    nodes, candidates = np.empty(max(k, SEARCHES), np.int32), np.empty(k, np.int32)
    total = 0.0
    for first in range(0, k, SEARCHES):
        some = np.arange(first, min(first + SEARCHES, k))
        double = _NONE
        for b in range(len(some)):
            if ties[first + b] == 2.0:
                double |= _ONE << np.uint64(b)
        _begin(some, front, seen, nodes, indptr)
        n_nodes = len(some)
        level = 0.0
        while n_nodes > 0:
            n = _follow(indptr, indices, nodes, n_nodes, front, arriving, candidates)
            level += 1.0
            for i in range(n_nodes):
                front[nodes[i]] = _NONE
            n_nodes = 0
            here = 0.0
            for i in range(n):
                w = candidates[i]
                new = arriving[w] & ~seen[w]
                arriving[w] = _NONE
                if new != _NONE:
                    front[w] = new
                    seen[w] |= new
                    nodes[n_nodes] = w
                    n_nodes += 1
                    here += ties[w] * np.float64(_count(new) + _count(new & double))
            total += here / level
    return total
