"""How long are the shortest paths of a graph with lengths, and how many are there?

Dijkstra's search with an indexed heap of four children a node. Sums of the same lengths in another
order differ in their last digits: two paths count as equally short if they differ by less than a
share of their length, `tie` - 1.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cofire._validate import FloatArray, IntArray
from cofire.errors import InvalidArgumentError
from cofire.graph._adjacency import Graph, Indices
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel

TOLERANCE = 1e-10
_CSR = f"{INDPTR}, {INDICES}, {WEIGHTS}"
_SETTLED, _UNSEEN = -2, -1


def finite_lengths(graph: Graph) -> FloatArray:
    """Lengths 1 / weight, none of them infinite."""
    with np.errstate(over="ignore"):
        lengths = graph.lengths()
    if not np.isfinite(lengths).all():
        at = int(np.flatnonzero(~np.isfinite(lengths))[0])
        row = int(np.searchsorted(graph.indptr, at, side="right")) - 1
        raise InvalidArgumentError(
            f"adjacency[{row}, {graph.indices[at]}] is {graph.weights[at]:g}: its length "
            "1 / weight is infinite; set it to 0 (no edge), or scale the weights"
        )
    return lengths


@njit(nogil=True, cache=True)
def _rise(keys: FloatArray, nodes: Indices, where: Indices, i: int, key: float, node: int) -> None:
    """Put a node into place i of the heap, or above it."""
    while i > 0:
        parent = (i - 1) >> 2
        if keys[parent] <= key:
            break
        keys[i] = keys[parent]
        nodes[i] = nodes[parent]
        where[nodes[i]] = i
        i = parent
    keys[i] = key
    nodes[i] = node
    where[node] = i


@njit(nogil=True, cache=True)
def _take_first(keys: FloatArray, nodes: Indices, where: Indices, size: int) -> None:
    """Remove the nearest of `size` nodes: the last one goes to the top and sinks."""
    size -= 1
    key, node = keys[size], nodes[size]
    i = 0
    while 4 * i + 1 < size:
        child = 4 * i + 1
        least = keys[child]
        for j in range(child + 1, min(4 * i + 5, size)):
            if keys[j] < least:
                least = keys[j]
                child = j
        if least >= key:
            break
        keys[i] = least
        nodes[i] = nodes[child]
        where[nodes[i]] = i
        i = child
    if size > 0:
        keys[i] = key
        nodes[i] = node
        where[node] = i


@njit(nogil=True, cache=True)
def _search(
    indptr: IntArray,
    indices: Indices,
    lengths: FloatArray,
    source: int,
    distance: FloatArray,
    order: Indices,
    keys: FloatArray,
    nodes: Indices,
    where: Indices,
) -> int:
    """Distances from a source; `order` gets the nodes it reaches, nearest first."""
    distance[:] = np.inf
    where[:] = _UNSEEN
    distance[source] = 0.0
    keys[0] = 0.0
    nodes[0] = source
    size, n_settled = 1, 0
    while size > 0:
        v, here = nodes[0], keys[0]
        where[v] = _SETTLED
        order[n_settled] = v
        n_settled += 1
        _take_first(keys, nodes, where, size)
        size -= 1
        for e in range(indptr[v], indptr[v + 1]):
            w = indices[e]
            there = here + lengths[e]
            if there < distance[w]:
                i = where[w]
                if i < 0:
                    i = size
                    size += 1
                distance[w] = there
                _rise(keys, nodes, where, i, there, w)
    return n_settled


@njit(nogil=True, cache=True)
def _search_all(
    indptr: IntArray,
    indices: Indices,
    lengths: FloatArray,
    source: int,
    tie: float,
    distance: FloatArray,
    limit: FloatArray,
    order: Indices,
    heap: tuple[FloatArray, Indices, Indices],
    steps: tuple[Indices, Indices, FloatArray, IntArray],
) -> tuple[int, int]:
    """As :func:`_search`, and the last steps of all shortest paths.

    A step from a settled node is kept if it is not longer than the tie of the best so far, and in
    the end if it is not longer than the tie of the best: position of its tail in `order`, head,
    length of the path, edge. A tie leads from a node that was settled before, so that there are
    no circles however short an edge.
    """
    keys, nodes, where = heap
    tails, heads, reached, edges = steps
    distance[:] = np.inf
    limit[:] = np.inf
    where[:] = _UNSEEN
    distance[source] = 0.0
    limit[source] = 0.0
    keys[0] = 0.0
    nodes[0] = source
    size, n_settled, n_steps = 1, 0, 0
    while size > 0:
        v, here = nodes[0], keys[0]
        where[v] = _SETTLED
        order[n_settled] = v
        n_settled += 1
        _take_first(keys, nodes, where, size)
        size -= 1
        for e in range(indptr[v], indptr[v + 1]):
            w = indices[e]
            there = here + lengths[e]
            if there <= limit[w] and where[w] != _SETTLED:
                tails[n_steps] = n_settled - 1
                heads[n_steps] = w
                reached[n_steps] = there
                edges[n_steps] = e
                n_steps += 1
                if there < distance[w]:
                    i = where[w]
                    if i < 0:
                        i = size
                        size += 1
                    distance[w] = there
                    limit[w] = there * tie
                    _rise(keys, nodes, where, i, there, w)
    n_kept = 0
    for j in range(n_steps):
        if reached[j] <= limit[heads[j]]:
            tails[n_kept] = tails[j]
            heads[n_kept] = heads[j]
            edges[n_kept] = edges[j]
            n_kept += 1
    return n_settled, n_kept


@kernel(f"void({_CSR}, int64, int64, float64[:, ::1])")
def length_rows(
    indptr: IntArray,
    indices: Indices,
    lengths: FloatArray,
    start: int,
    stop: int,
    out: FloatArray,
) -> None:
    """Write the distances from the sources start..stop-1 into their rows of `out` (n, n)."""
    n = len(indptr) - 1
    order, nodes, where = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    keys = np.empty(n)
    for s in range(start, stop):
        _search(indptr, indices, lengths, s, out[s], order, keys, nodes, where)


@kernel(f"void({_CSR}, float64, int64, int64, float64[:, ::1])")
def hops_of_lengths(
    indptr: IntArray,
    indices: Indices,
    lengths: FloatArray,
    tie: float,
    start: int,
    stop: int,
    out: FloatArray,
) -> None:
    """As :func:`length_rows`, with the fewest edges of a shortest path."""
    n, m = len(indptr) - 1, len(indices)
    distance, limit, order = np.empty(n), np.empty(n), np.empty(n, np.int32)
    heap = (np.empty(n), np.empty(n, np.int32), np.empty(n, np.int32))
    steps = (np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m), np.empty(m, np.int64))
    for s in range(start, stop):
        _, n_steps = _search_all(
            indptr, indices, lengths, s, tie, distance, limit, order, heap, steps
        )
        hops = out[s]
        hops[:] = np.inf
        hops[s] = 0.0
        for j in range(n_steps):  # tails are settled, and final, before heads become tails
            through = hops[order[steps[0][j]]] + 1.0
            if through < hops[steps[1][j]]:
                hops[steps[1][j]] = through


@kernel(f"float64[:, ::1]({_CSR}, int64, int64, float64[::1])")
def length_sums(
    indptr: IntArray,
    indices: Indices,
    lengths: FloatArray,
    start: int,
    stop: int,
    farthest: FloatArray,
) -> FloatArray:
    """Of each node, over the sources that reach it: their number, the sums of d and of 1/d.

    The distance of the farthest node that a source reaches goes to `farthest`, if there is one.
    """
    n = len(indptr) - 1
    sums = np.zeros((3, n))
    order, nodes, where = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    distance, keys = np.empty(n), np.empty(n)
    for s in range(start, stop):
        n_settled = _search(indptr, indices, lengths, s, distance, order, keys, nodes, where)
        for i in range(1, n_settled):
            w = order[i]
            sums[0, w] += 1.0
            sums[1, w] += distance[w]
            sums[2, w] += 1.0 / distance[w]
        if n_settled > 1:
            farthest[s] = distance[order[n_settled - 1]]
    return sums


@kernel(f"float64[::1](int64[::1], float64[::1], {_CSR})")
def tied_inverse_lengths(
    starts: IntArray,
    ties: FloatArray,
    indptr: IntArray,
    indices: Indices,
    lengths: FloatArray,
) -> FloatArray:
    """Of each of several small graphs, the sum of ties_j * ties_k / d_jk.

    The nodes of graph g are ``starts[g]:starts[g + 1]``, its row pointers begin at
    ``starts[g] + g``; `indices` count from the first node of a graph.
    """
    out = np.zeros(len(starts) - 1)
    for g in range(len(out)):
        start, stop = starts[g], starts[g + 1]
        k = stop - start
        tie, rows = ties[start:stop], indptr[start + g : stop + g + 1]
        order, nodes, where = np.empty(k, np.int32), np.empty(k, np.int32), np.empty(k, np.int32)
        distance, keys = np.empty(k), np.empty(k)
        for s in range(k):
            n_settled = _search(rows, indices, lengths, s, distance, order, keys, nodes, where)
            here = 0.0
            for i in range(1, n_settled):
                here += tie[order[i]] / distance[order[i]]
            out[g] += tie[s] * here
    return out


@kernel(f"float64[::1]({_CSR}, float64, int64[::1], boolean)")
def brandes_lengths(
    indptr: IntArray,
    indices: Indices,
    lengths: FloatArray,
    tie: float,
    sources: IntArray,
    of_edges: bool,
) -> FloatArray:
    """Dependencies of all nodes (n,), or of all edges (n_edges,), summed over `sources`.

    All NaN where the number of shortest paths leaves the range of float64.
    """
    n, m = len(indptr) - 1, len(indices)
    out = np.zeros(m if of_edges else n)
    distance, limit, order = np.empty(n), np.empty(n), np.empty(n, np.int32)
    heap = (np.empty(n), np.empty(n, np.int32), np.empty(n, np.int32))
    steps = (np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m), np.empty(m, np.int64))
    tails, heads, edges = steps[0], steps[1], steps[3]
    paths, share = np.empty(n), np.empty(n)  # number of shortest paths; dependency / paths
    most = 0.0
    for s in sources:
        n_settled, n_steps = _search_all(
            indptr, indices, lengths, s, tie, distance, limit, order, heap, steps
        )
        for i in range(n_settled):
            paths[order[i]] = 0.0
            share[order[i]] = 0.0
        paths[s] = 1.0
        for j in range(n_steps):
            paths[heads[j]] += paths[order[tails[j]]]
        for j in range(n_steps - 1, -1, -1):
            w, v = heads[j], order[tails[j]]
            through = 1.0 / paths[w] + share[w]
            share[v] += through
            if of_edges:
                out[edges[j]] += through * paths[v]
        for i in range(1, n_settled):
            v = order[i]
            most = max(most, paths[v])
            if not of_edges:
                out[v] += paths[v] * share[v]
    if not most < np.inf:
        out[:] = np.nan
    return out
