"""Louvain's two steps: nodes move to the community that gains most, communities become nodes.

Modularity of a directed graph needs of its weights only ``S = (W + W^T) / 2`` and the out- and
in-strengths, so one kernel serves both kinds of graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cofire._validate import FloatArray, IntArray
from cofire.graph._adjacency import Graph, Indices
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel

_State = tuple[IntArray, Indices, FloatArray, FloatArray, FloatArray]
_ROUNDS = 100  # nobody has seen more than ten


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """What modularity needs of a graph.

    Attributes
    ----------
    indptr, indices, weights : ndarray
        ``S = (W + W^T) / 2`` in compressed rows.
    out, into : ndarray (n,) float64
        Strengths.
    total : float
        m, the sum of W.
    """

    indptr: IntArray
    indices: Indices
    weights: FloatArray
    out: FloatArray
    into: FloatArray
    total: float

    @classmethod
    def of(cls, graph: Graph) -> Halves:
        """Of a graph; an undirected one is its own S."""
        matrix = graph.matrix()
        out = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
        if not graph.directed:
            total = float(out.sum())
            return cls(graph.indptr, graph.indices, graph.weights, out, out, total)
        into = np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()
        s = ((matrix + matrix.T) * 0.5).tocsr()
        indptr, indices = s.indptr.astype(np.int64), s.indices.astype(np.int32)
        return cls(indptr, indices, s.data, out, into, float(out.sum()))

    @property
    def n(self) -> int:
        """Number of nodes."""
        return len(self.out)


def louvain_levels(halves: Halves, gamma: float, seed: int, refine: bool) -> list[IntArray]:
    """Labels of the nodes after each level, 0..k-1; at least one level.

    With `refine`, the last entry is what rounds of moving single nodes and merging again make of
    the last level, until a round moves nothing.
    """
    generator = np.random.default_rng(seed)
    scale = gamma / (2.0 * halves.total) if halves.total > 0 else 0.0
    state = (halves.indptr, halves.indices, halves.weights, halves.out, halves.into)
    levels = _climb(state, scale, np.arange(halves.n), generator)
    if refine:
        labels = levels[-1]
        for _ in range(_ROUNDS):
            again = _climb(state, scale, labels, generator)[-1]
            if np.array_equal(again, labels):
                break
            labels = again
        if not np.array_equal(labels, levels[-1]):
            levels.append(labels)
    return levels


def _climb(
    state: _State, scale: float, labels: IntArray, generator: np.random.Generator
) -> list[IntArray]:
    """One round: nodes move, beginning from `labels`, then communities, until none does."""
    start = labels.copy()
    mapped = np.arange(len(labels))
    levels: list[IntArray] = []
    while True:
        n = len(start)
        move_nodes(*state, scale, generator.permutation(n), start)
        used, moved = np.unique(start, return_inverse=True)
        if levels and len(used) == n:
            return levels
        mapped = moved[mapped]
        levels.append(mapped)
        if len(used) == n:
            return levels
        state = merge_nodes(*state, moved, len(used))
        start = np.arange(len(used))


@kernel(
    f"void({INDPTR}, {INDICES}, {WEIGHTS}, float64[::1], float64[::1], float64, int64[::1], "
    "int64[::1])"
)
def move_nodes(
    indptr: IntArray,
    indices: Indices,
    weights: FloatArray,
    out: FloatArray,
    into: FloatArray,
    scale: float,
    order: IntArray,
    labels: IntArray,
) -> None:
    """Move nodes until none gains by it; `labels` (0 to n-1) is where they start, and is written.

    Gain of node i in community C, in units of 2 / m:
    ``s_iC - scale (out_i into_C + into_i out_C)``, scale = gamma / (2 m). After a move only its
    neighbors are looked at again.
    """
    n = len(indptr) - 1
    sum_out, sum_into = np.zeros(n), np.zeros(n)
    size = np.zeros(n, np.int64)
    for i in range(n):
        sum_out[labels[i]] += out[i]
        sum_into[labels[i]] += into[i]
        size[labels[i]] += 1
    empty = np.empty(n, np.int64)
    n_empty = 0
    for c in range(n):
        if size[c] == 0:
            empty[n_empty] = c
            n_empty += 1
    queue = order.copy()
    queued = np.ones(n, np.bool_)
    head, waiting = 0, n
    weight_to = np.zeros(n)
    touched = np.empty(n, np.int64)
    while waiting > 0:
        i = queue[head]
        head = head + 1 if head + 1 < n else 0
        waiting -= 1
        queued[i] = False
        own = labels[i]
        n_touched = 0
        total = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            c = labels[indices[e]]
            if weight_to[c] == 0.0:
                touched[n_touched] = c
                n_touched += 1
            weight_to[c] += weights[e]
            total += weights[e]
        sum_out[own] -= out[i]
        sum_into[own] -= into[i]
        best = own
        # Less than rounding is no gain: nodes would go round in circles.
        least = 1e-12 * total
        best_gain = weight_to[own] - scale * (out[i] * sum_into[own] + into[i] * sum_out[own])
        if best_gain < -least and size[own] > 1 and n_empty > 0:
            best, best_gain = empty[n_empty - 1], 0.0
        for k in range(n_touched):
            c = touched[k]
            gain = weight_to[c] - scale * (out[i] * sum_into[c] + into[i] * sum_out[c])
            weight_to[c] = 0.0
            if gain > best_gain + least:
                best, best_gain = c, gain
        sum_out[best] += out[i]
        sum_into[best] += into[i]
        if best == own:
            continue
        if size[best] == 0:
            n_empty -= 1
        size[own] -= 1
        size[best] += 1
        if size[own] == 0:
            sum_out[own] = sum_into[own] = 0.0
            empty[n_empty] = own
            n_empty += 1
        labels[i] = best
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            if not queued[j] and labels[j] != best:
                tail = head + waiting
                queue[tail if tail < n else tail - n] = j
                queued[j] = True
                waiting += 1


@kernel(
    f"Tuple(({INDPTR}, {INDICES}, {WEIGHTS}, float64[::1], float64[::1]))"
    f"({INDPTR}, {INDICES}, {WEIGHTS}, float64[::1], float64[::1], int64[::1], int64)"
)
def merge_nodes(
    indptr: IntArray,
    indices: Indices,
    weights: FloatArray,
    out: FloatArray,
    into: FloatArray,
    labels: IntArray,
    n_labels: int,
) -> tuple[IntArray, Indices, FloatArray, FloatArray, FloatArray]:
    """The graph of communities 0..n_labels-1: weights between them, strengths; no self-loops."""
    n = len(indptr) - 1
    start = np.zeros(n_labels + 1, np.int64)
    for i in range(n):
        start[labels[i] + 1] += 1
    for c in range(n_labels):
        start[c + 1] += start[c]
    fill = start[:n_labels].copy()
    members = np.empty(n, np.int64)
    for i in range(n):
        members[fill[labels[i]]] = i
        fill[labels[i]] += 1
    new_indptr = np.zeros(n_labels + 1, np.int64)
    new_indices = np.empty(len(indices), np.int32)
    new_weights = np.empty(len(indices))
    new_out, new_into = np.zeros(n_labels), np.zeros(n_labels)
    weight_to = np.zeros(n_labels)
    at = 0
    for c in range(n_labels):
        first = at
        for k in range(start[c], start[c + 1]):
            i = members[k]
            new_out[c] += out[i]
            new_into[c] += into[i]
            for e in range(indptr[i], indptr[i + 1]):
                d = labels[indices[e]]
                if d != c:
                    if weight_to[d] == 0.0:
                        new_indices[at] = d
                        at += 1
                    weight_to[d] += weights[e]
        for e in range(first, at):
            new_weights[e] = weight_to[new_indices[e]]
            weight_to[new_indices[e]] = 0.0
        new_indptr[c + 1] = at
    return new_indptr, new_indices[:at].copy(), new_weights[:at].copy(), new_out, new_into


@kernel(f"float64({INDPTR}, {INDICES}, {WEIGHTS}, int64[::1], int64, float64)")
def modularity(
    indptr: IntArray,
    indices: Indices,
    weights: FloatArray,
    labels: IntArray,
    n_labels: int,
    gamma: float,
) -> float:
    """Modularity of labels 0..n_labels-1; NaN without edges."""
    out, into = np.zeros(n_labels), np.zeros(n_labels)
    total, inside = 0.0, 0.0
    for i in range(len(indptr) - 1):
        strength, within = 0.0, 0.0
        for e in range(indptr[i], indptr[i + 1]):
            strength += weights[e]
            into[labels[indices[e]]] += weights[e]
            if labels[indices[e]] == labels[i]:
                within += weights[e]
        out[labels[i]] += strength
        total += strength
        inside += within
    if total == 0.0:
        return np.nan
    expected = 0.0
    for c in range(n_labels):
        expected += out[c] / total * into[c]
    return (inside - gamma * expected) / total
