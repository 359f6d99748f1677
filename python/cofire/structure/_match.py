"""Every occurrence of a small directed pattern in a graph, by extension node after node."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt

from cofire._validate import BoolArray, IntArray
from cofire.graph._adjacency import Graph
from cofire.graph._jit import kernel

Indices = npt.NDArray[np.int32]


def search_order(query: BoolArray) -> list[int]:
    """Nodes of a connected pattern, each but the first joined to an earlier one.

    The node with the most edges comes first and then always the one with most edges to earlier
    ones, so that dead ends show early.
    """
    joined = query | query.T
    order = [int(np.argmax(joined.sum(axis=1)))]
    while len(order) < len(query):
        ties = joined[:, order].sum(axis=1)
        ties[order] = -1
        order.append(int(np.argmax(ties * len(query) + joined.sum(axis=1) * (ties > 0))))
    return order


def automorphisms(query: BoolArray, allowed: BoolArray) -> IntArray:
    """Permutations of the pattern that keep edges and types, (n, k) int64, identity included."""
    k = len(query)
    kept = [
        p
        for p in permutations(range(k))
        if np.array_equal(query[np.ix_(p, p)], query) and np.array_equal(allowed[list(p)], allowed)
    ]
    return np.array(kept, dtype=np.int64).reshape(-1, k)


def match(
    graph: Graph,
    reverse: Graph,
    query: BoolArray,
    allowed: BoolArray,
    induced: bool,
    roots: tuple[int, int],
    room: int,
) -> tuple[int, Indices]:
    """Count occurrences whose first node (in search order) is in ``roots``; list up to `room`.

    Parameters
    ----------
    query : ndarray (k, k) bool
        Edges of the connected pattern.
    allowed : ndarray (k, n) bool
        Which nodes of the graph each node of the pattern may be.

    Returns
    -------
    tuple of int and ndarray (n_listed, k) int32
        Occurrences up to automorphism, and nodes of the graph in the order of the pattern.
    """
    order = search_order(query)
    place = np.argsort(order)
    listed = np.empty((room, len(query)), dtype=np.int32)
    count = _match(
        graph.indptr,
        graph.indices,
        reverse.indptr,
        reverse.indices,
        np.ascontiguousarray(query[np.ix_(order, order)]),
        np.ascontiguousarray(allowed[order]),
        # Automorphisms of the pattern in search order.
        np.ascontiguousarray(place[automorphisms(query, allowed)[:, order]]),
        induced,
        roots[0],
        roots[1],
        listed,
    )
    return int(count), np.ascontiguousarray(listed[: min(count, room)][:, place])


@kernel(
    "int64(int64[::1], int32[::1], int64[::1], int32[::1], bool_[:, ::1], bool_[:, ::1], "
    "int64[:, ::1], boolean, int64, int64, int32[:, ::1])"
)
def _match(
    out_ptr: IntArray,
    out: Indices,
    in_ptr: IntArray,
    into: Indices,
    query: BoolArray,
    allowed: BoolArray,
    same: IntArray,
    induced: bool,
    first_root: int,
    last_root: int,
    listed: Indices,
) -> int:
    k = len(query)
    room = len(listed)
    count = 0
    chosen = np.zeros(k, dtype=np.int64)
    # Candidates of each depth: a stretch of the neighbors of an earlier node, out or in.
    at = np.zeros(k, dtype=np.int64)
    end = np.zeros(k, dtype=np.int64)
    backward = np.zeros(k, dtype=np.bool_)
    for root in range(first_root, last_root):
        if not allowed[0, root]:
            continue
        chosen[0] = root
        depth = 1
        fresh = True
        while depth > 0:
            if fresh:
                shortest = np.int64(-1)
                for d in range(depth):
                    node = chosen[d]
                    if query[d, depth]:
                        n = out_ptr[node + 1] - out_ptr[node]
                        if shortest < 0 or n < shortest:
                            shortest = n
                            at[depth] = out_ptr[node]
                            end[depth] = out_ptr[node + 1]
                            backward[depth] = False
                    if query[depth, d]:
                        n = in_ptr[node + 1] - in_ptr[node]
                        if shortest < 0 or n < shortest:
                            shortest = n
                            at[depth] = in_ptr[node]
                            end[depth] = in_ptr[node + 1]
                            backward[depth] = True
                fresh = False
            if at[depth] >= end[depth]:
                depth -= 1
                continue
            node = np.int64(into[at[depth]]) if backward[depth] else np.int64(out[at[depth]])
            at[depth] += 1
            if not allowed[depth, node]:
                continue
            fits = True
            for d in range(depth):
                other = chosen[d]
                if other == node:
                    fits = False
                    break
                for direction in range(2):
                    wanted = query[d, depth] if direction == 0 else query[depth, d]
                    if not wanted and not induced:
                        continue
                    source = other if direction == 0 else node
                    target = node if direction == 0 else other
                    low = out_ptr[source]
                    high = out_ptr[source + 1]
                    while low < high:
                        middle = (low + high) // 2
                        if out[middle] < target:
                            low = middle + 1
                        else:
                            high = middle
                    there = low < out_ptr[source + 1] and out[low] == target
                    if there != wanted:
                        fits = False
                        break
                if not fits:
                    break
            if not fits:
                continue
            chosen[depth] = node
            if depth < k - 1:
                depth += 1
                fresh = True
                continue
            # Of all orders that are the same occurrence the smallest one counts.
            smallest = True
            for s in range(len(same)):
                for d in range(k):
                    difference = chosen[same[s, d]] - chosen[d]
                    if difference != 0:
                        if difference < 0:
                            smallest = False
                        break
                if not smallest:
                    break
            if smallest:
                if count < room:
                    for d in range(k):
                        listed[count, d] = chosen[d]
                count += 1
    return count
