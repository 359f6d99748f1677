"""Newman's leading eigenvector: a group is cut in two by signs, then node by node made better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cofire._validate import BoolArray, FloatArray, IntArray
from cofire.graph._adjacency import Indices
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel
from cofire.graph._louvain import Halves

if TYPE_CHECKING:
    import scipy.sparse

_DENSE = 256  # nodes up to which a dense eigenvalue problem is quicker than Lanczos
_ZERO = 1e-10  # of the total weight: what is not more is no gain in modularity


@kernel(
    f"void({INDPTR}, {INDICES}, {WEIGHTS}, float64[::1], float64[::1], float64, float64, "
    "float64[::1])"
)
def flip_nodes(
    indptr: IntArray,
    indices: Indices,
    weights: FloatArray,
    out: FloatArray,
    into: FloatArray,
    scale: float,
    least: float,
    side: FloatArray,
) -> None:
    """Improve `side` (n,), of +1 and -1, by Kernighan and Lin's passes until one gains nothing.

    A pass flips every node once, the one that gains most (or loses least) first, and keeps the best
    state on the way. ``B_ij = s_ij - scale (out_i into_j + into_i out_j)``.
    """
    n = len(indptr) - 1
    inner = np.empty(n)  # sum_j s_ij side_j
    free = np.empty(n, np.int64)
    place = np.empty(n, np.int64)
    # In the order of free[], for a scan without jumps.
    signed, sign, o, t = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    flipped = np.empty(n, np.int64)
    while True:
        side_out, side_into = 0.0, 0.0
        for i in range(n):
            side_out += out[i] * side[i]
            side_into += into[i] * side[i]
            inner[i] = 0.0
            for e in range(indptr[i], indptr[i + 1]):
                inner[i] += weights[e] * side[indices[e]]
        for i in range(n):
            free[i] = place[i] = i
            # The node's own share of the two sums is left out of its gain.
            signed[i] = side[i] * inner[i] + 2.0 * scale * out[i] * into[i]
            sign[i], o[i], t[i] = side[i], out[i], into[i]
        gained, best_gain, n_best = 0.0, 0.0, 0
        for n_free in range(n, 0, -1):
            a, b = scale * side_into, scale * side_out
            lowest, at = np.inf, 0
            for k in range(n_free):
                value = signed[k] - sign[k] * (o[k] * a + t[k] * b)
                if value < lowest:
                    lowest, at = value, k
            i = free[at]
            gained -= lowest
            side_out -= 2.0 * out[i] * side[i]
            side_into -= 2.0 * into[i] * side[i]
            side[i] = -side[i]
            flipped[n - n_free] = i
            end = n_free - 1
            place[free[end]] = at
            free[at] = free[end]
            signed[at], sign[at], o[at], t[at] = signed[end], sign[end], o[end], t[end]
            place[i] = -1
            for e in range(indptr[i], indptr[i + 1]):
                k = place[indices[e]]
                if k >= 0:
                    signed[k] += 2.0 * weights[e] * side[i] * sign[k]
            if gained > best_gain + least:
                best_gain, n_best = gained, n - end
        for k in range(n_best, n):
            side[flipped[k]] = -side[flipped[k]]
        if n_best == 0:
            return


def bisect_repeatedly(halves: Halves, gamma: float, fine_tune: bool) -> IntArray:
    """Label of each node after cutting groups in two for as long as modularity rises."""
    from scipy import sparse

    labels = np.zeros(halves.n, dtype=np.int64)
    if halves.total == 0.0:
        return np.arange(halves.n)
    whole: scipy.sparse.csr_array = sparse.csr_array(
        (halves.weights, halves.indices, halves.indptr), shape=(halves.n, halves.n)
    )
    scale = gamma / (2.0 * halves.total)
    todo = [(np.arange(halves.n), whole)]
    n_labels = 1
    while todo:
        nodes, inside = todo.pop()
        first = _cut(inside, halves.out[nodes], halves.into[nodes], scale, halves.total, fine_tune)
        if first.all() or not first.any():
            continue
        labels[nodes[~first]] = n_labels
        n_labels += 1
        for part in (~first, first):
            todo.append((nodes[part], inside[part][:, part]))
    return labels


def _cut(
    inside: scipy.sparse.csr_array,
    out: FloatArray,
    into: FloatArray,
    scale: float,
    total: float,
    fine_tune: bool,
) -> BoolArray:
    """Whether each node of a group is on the first side; all are where no cut gains anything."""
    n = len(out)
    whole = np.ones(n, dtype=np.bool_)
    if n < 2:
        return whole

    def times(x: FloatArray) -> FloatArray:
        x = x.ravel()
        product: FloatArray = inside @ x - scale * (out * (into @ x) + into * (out @ x))
        return product

    # The row sums on the diagonal: what the group has as a whole is no gain of a cut.
    row_sums = times(np.ones(n))
    value, vector = _leading(inside, out, into, scale, row_sums)
    if value <= _ZERO * total / n:
        return whole
    side = np.where(vector >= 0, 1.0, -1.0)
    if fine_tune:
        indptr, indices = inside.indptr.astype(np.int64), inside.indices.astype(np.int32)
        flip_nodes(indptr, indices, inside.data, out, into, scale, 1e-12 * total, side)
    gain = side @ (times(side) - row_sums * side)
    return side > 0 if gain > _ZERO * total else whole


def _leading(
    inside: scipy.sparse.csr_array,
    out: FloatArray,
    into: FloatArray,
    scale: float,
    row_sums: FloatArray,
) -> tuple[float, FloatArray]:
    """Largest eigenvalue of the group's modularity matrix, and its vector."""
    n = len(out)
    if n <= _DENSE:
        from scipy import linalg

        dense = inside.toarray()
        dense -= scale * (np.outer(out, into) + np.outer(into, out)) + np.diag(row_sums)
        values, vectors = linalg.eigh(dense, subset_by_index=[n - 1, n - 1])
        return float(values[0]), vectors[:, 0]
    from scipy.sparse.linalg import LinearOperator, eigsh

    def times(x: FloatArray) -> FloatArray:
        x = x.ravel()
        product: FloatArray = inside @ x - scale * (out * (into @ x) + into * (out @ x))
        return product - row_sums * x

    start = np.random.default_rng(0).standard_normal(n)
    operator = LinearOperator((n, n), matvec=times, dtype=np.float64)
    values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=1e-6)
    return float(values[0]), vectors[:, 0]
