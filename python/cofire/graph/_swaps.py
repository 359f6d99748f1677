"""Kernels that rewire a graph by exchanging the targets of two edges.

Edges stay in the compressed rows of their sources, so that an exchange writes two numbers, and
whether an edge is there is told by a scan of one row: the rows of a brain's graph are a few cache
lines, and in rows of thousands the scan takes 16 entries at a time. A hash table of all edges needs
more memory than the graph and misses the cache at each look.

In an undirected graph an edge has an entry in both rows, its mates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel

_ONE, _HALF, _LOW = np.uint64(1), np.uint64(32), np.uint64(2**32 - 1)
# Splitmix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195): a counter and a mixer.
_GOLDEN, _MIX_1, _MIX_2 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)


@njit(nogil=True, cache=True)
def _draw(key: Any, counter: Any) -> Any:
    """64 random bits: number `counter` of the stream `key`."""
    word = key + (counter + _ONE) * _GOLDEN
    word = (word ^ (word >> _S30)) * _MIX_1
    word = (word ^ (word >> _S27)) * _MIX_2
    return word ^ (word >> _S31)


@njit(nogil=True, cache=True)
def _find(indptr: Any, target: Any, source: Any, wanted: Any) -> Any:
    """Entry of the edge from `source` to `wanted`; -1 if there is none."""
    begin = indptr[source]
    row = target[begin : indptr[source + 1]]
    # Without a way out of the loop, and with 32 bits to count in, 16 entries are compared at once.
    n_found = np.int32(0)
    for k in range(len(row)):
        n_found += np.int32(row[k] == wanted)
    if n_found == 0:
        return -1
    k = 0
    while row[k] != wanted:
        k += 1
    return begin + k


@njit(nogil=True, cache=True)
def _exchange(
    first: Any, second: Any, target: Any, mate: Any, weights: Any, in_edges: Any, directed: Any
) -> Any:
    """Edges a -> b and c -> d become a -> d and c -> b; a second call undoes it.

    The weight of an entry stays with its source.
    """
    target[first], target[second] = target[second], target[first]
    if len(mate) == 0:
        return
    mate_1, mate_2 = mate[first], mate[second]
    mate[first], mate[second] = mate_2, mate_1
    if directed:
        in_edges[mate_2], in_edges[mate_1] = first, second
    else:
        target[mate_1], target[mate_2] = target[mate_2], target[mate_1]
        mate[mate_1], mate[mate_2] = second, first
        weights[mate_1], weights[mate_2] = weights[second], weights[first]


@njit(nogil=True, cache=True)
def _trade(first: Any, second: Any, mate: Any, weights: Any, directed: Any) -> Any:
    """Exchange the weights of two edges of one source."""
    weights[first], weights[second] = weights[second], weights[first]
    if not directed:
        weights[mate[first]], weights[mate[second]] = weights[first], weights[second]


@njit(nogil=True, cache=True)
def _ring(i: Any, j: Any, n: Any) -> Any:
    """Distance of two nodes on a ring, where the diagonal is at distance 0."""
    distance = abs(i - j)
    return min(distance, n - distance)


@njit(nogil=True, cache=True)
def _grow(
    side: Any, begin: Any, end: Any, mark: Any, other: Any, queue: Any, seen: Any, rows: Any
) -> Any:
    """One step of a search from one side; its new end, or -1 where it has met the other side."""
    indptr, target, in_indptr, in_edges, source = rows
    stop = end
    for k in range(begin, end):
        node = queue[side, k]
        backwards = side == 1 and len(in_edges) > 0
        pointer = in_indptr if backwards else indptr
        for e in range(pointer[node], pointer[node + 1]):
            found = source[in_edges[e]] if backwards else target[e]
            if seen[found] == other:
                return -1
            if seen[found] != mark:
                seen[found] = mark
                queue[side, stop] = found
                stop += 1
    return stop


@njit(nogil=True, cache=True)
def _reaches(start: Any, goal: Any, stamp: Any, queue: Any, seen: Any, rows: Any) -> Any:
    """Whether a path leads from `start` to `goal`: a search from both ends.

    `seen` marks nodes with `stamp` (from the start) and ``stamp + 1`` (from the goal).
    """
    seen[start], seen[goal] = stamp, stamp + 1
    queue[0, 0], queue[1, 0] = start, goal
    begin_0, end_0, begin_1, end_1 = 0, 1, 0, 1
    while end_0 > begin_0 and end_1 > begin_1:
        if end_0 - begin_0 <= end_1 - begin_1:
            stop = _grow(0, begin_0, end_0, stamp, stamp + 1, queue, seen, rows)
            begin_0, end_0 = end_0, stop
        else:
            stop = _grow(1, begin_1, end_1, stamp + 1, stamp, queue, seen, rows)
            begin_1, end_1 = end_1, stop
        if stop < 0:
            return True
    return False


@njit(nogil=True, cache=True)
def _allowed(e: Any, f: Any, indptr: Any, source: Any, target: Any, weight: Any, rule: Any) -> Any:
    """Whether a -> d and c -> b may take the place of a -> b and c -> d: 1 yes, 0 no.

    -1: both are there already, with the sign that the others have not: trade the weights.
    """
    lattice, _, signed, _ = rule
    a, b, c, d = source[e], target[e], source[f], target[f]
    if a == c or b == d or a == d or b == c:  # noqa: SIM109
        return 0
    if signed and (weight[e] > 0) != (weight[f] > 0):
        return 0
    a_to_d = _find(indptr, target, a, d)
    if a_to_d >= 0 and not signed:
        return 0
    c_to_b = _find(indptr, target, c, b)
    if a_to_d >= 0 or c_to_b >= 0:
        if a_to_d < 0 or c_to_b < 0 or not signed:
            return 0
        positive = weight[e] > 0
        crossed = (weight[a_to_d] > 0) != positive and (weight[c_to_b] > 0) != positive
        return -1 if crossed else 0
    if lattice:
        n = len(indptr) - 1
        nearer = weight[e] * (_ring(a, b, n) - _ring(a, d, n))
        if nearer + weight[f] * (_ring(c, d, n) - _ring(c, b, n)) < 0:
            return 0
    return 1


@kernel(
    f"void({INDPTR}, {INDICES}, {INDICES}, {WEIGHTS}, {INDPTR}, {INDPTR}, {INDPTR}, {INDPTR}, "
    "uint64, int64, UniTuple(boolean, 4))"
)
def swap_edges(
    indptr: Any,
    source: Any,
    target: Any,
    weight: Any,
    mate: Any,
    in_indptr: Any,
    in_edges: Any,
    progress: Any,
    seed: Any,
    attempts: int,
    rule: tuple[bool, bool, bool, bool],
) -> None:
    """Rewire a graph in place.

    Parameters
    ----------
    indptr, source : row pointers, and the source of each entry
    target, weight : of each entry, changed
    mate : of an undirected graph the entry of the other direction; of a directed one the place of
        an entry in `in_edges`, or nothing; changed
    in_indptr, in_edges : the entries ordered by target, changed, and pointers into them; only
        needed to keep a directed graph connected
    progress : (2,) random numbers used so far and exchanges so far, changed: many calls with few
        attempts are one call with many
    seed : of the random numbers
    attempts : pairs of edges to draw
    rule : (lattice, connected, signed, directed). lattice: only exchanges that take no weight away
        from the diagonal. connected: only those after which a path leads wherever one led. signed:
        only pairs of one sign, and where ``a -> d`` and ``c -> b`` are edges of the other sign
        already, they trade their weights for those of ``a -> b`` and ``c -> d``.
    """
    n, n_edges = len(indptr) - 1, np.uint64(len(source))
    _, connected, _, directed = rule
    unfair = (_LOW + _ONE) % n_edges  # Lemire 2019, doi:10.1145/3230636: else some are favored
    queue = np.empty((2, n if connected else 0), np.int32)
    seen = np.zeros(n if connected else 0, np.int64)
    rows = (indptr, target, in_indptr, in_edges, source)
    counter, stamp, tried, accepted = np.uint64(progress[0]), 1, 0, 0
    while tried < attempts:
        word = _draw(seed, counter)
        counter += _ONE
        high, low = (word >> _HALF) * n_edges, (word & _LOW) * n_edges
        if high & _LOW < unfair or low & _LOW < unfair:
            continue
        tried += 1
        e, f = np.int64(high >> _HALF), np.int64(low >> _HALF)
        allowed = _allowed(e, f, indptr, source, target, weight, rule)
        if allowed < 0:
            _trade(e, _find(indptr, target, source[e], target[f]), mate, weight, directed)
            _trade(f, _find(indptr, target, source[f], target[e]), mate, weight, directed)
        elif allowed > 0:
            _exchange(e, f, target, mate, weight, in_edges, directed)
            if connected:
                kept = _reaches(source[e], target[f], stamp, queue, seen, rows)
                kept = kept and _reaches(source[f], target[e], stamp + 2, queue, seen, rows)
                stamp += 4
                if not kept:
                    _exchange(e, f, target, mate, weight, in_edges, directed)
                    continue
        accepted += allowed != 0
    progress[0] = np.int64(counter)
    progress[1] += accepted
