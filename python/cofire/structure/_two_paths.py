"""All paths of two edges, counted, summed up or listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire._validate import FloatArray, IntArray
from cofire.graph._jit import kernel

if TYPE_CHECKING:
    import scipy.sparse

Indices = npt.NDArray[np.int32]

_CSR = "int64[::1], int32[::1], float64[::1]"


def two_path_sums(
    first: scipy.sparse.csr_array,
    second: scipy.sparse.csr_array,
    same: IntArray,
) -> tuple[IntArray, Indices, IntArray, FloatArray]:
    """Chains j, k, i between every j and i: how many, and the sum of products of weights.

    Parameters
    ----------
    first : csr_array (n_pre, n_middle), second : csr_array (n_middle, n_post)
        Weights; every stored entry is an edge, also 0. An entry of a cell onto itself must not be
        there.
    same : ndarray (n_pre,) int64
        Column that is the cell of each row, or -1: no chain leads back to its beginning.

    Returns
    -------
    indptr, indices, count, weight
        CSR (n_pre, n_post), columns ascending.
    """
    parts = (*csr_parts(first), *csr_parts(second))
    n_post = int(second.shape[1])
    same = np.ascontiguousarray(same, dtype=np.int64)
    indptr = _count_pairs(*parts, same, n_post)
    indices = np.empty(int(indptr[-1]), dtype=np.int32)
    count = np.empty(len(indices), dtype=np.int64)
    weight = np.empty(len(indices), dtype=np.float64)
    _fill_pairs(*parts, same, n_post, indptr, indices, count, weight)
    return indptr, indices, count, weight


def csr_parts(matrix: Any) -> tuple[IntArray, Indices, FloatArray]:
    """Arrays of a CSR matrix as kernels take them."""
    return (
        np.ascontiguousarray(matrix.indptr, dtype=np.int64),
        np.ascontiguousarray(matrix.indices, dtype=np.int32),
        np.ascontiguousarray(matrix.data, dtype=np.float64),
    )


@kernel(f"int64[::1]({_CSR}, {_CSR}, int64[::1], int64)")
def _count_pairs(
    first_ptr: IntArray,
    first: Indices,
    first_weight: FloatArray,
    second_ptr: IntArray,
    second: Indices,
    second_weight: FloatArray,
    same: IntArray,
    n_post: int,
) -> IntArray:
    n_pre = len(first_ptr) - 1
    indptr = np.zeros(n_pre + 1, dtype=np.int64)
    seen = np.full(n_post, -1, dtype=np.int64)
    for j in range(n_pre):
        n = 0
        if same[j] >= 0:
            seen[same[j]] = j
        for e in range(first_ptr[j], first_ptr[j + 1]):
            k = first[e]
            for f in range(second_ptr[k], second_ptr[k + 1]):
                i = second[f]
                if seen[i] != j:
                    seen[i] = j
                    n += 1
        indptr[j + 1] = indptr[j] + n
    return indptr


@kernel(
    f"void({_CSR}, {_CSR}, int64[::1], int64, int64[::1], int32[::1], int64[::1], float64[::1])"
)
def _fill_pairs(
    first_ptr: IntArray,
    first: Indices,
    first_weight: FloatArray,
    second_ptr: IntArray,
    second: Indices,
    second_weight: FloatArray,
    same: IntArray,
    n_post: int,
    indptr: IntArray,
    indices: Indices,
    count: IntArray,
    weight: FloatArray,
) -> None:
    n_pre = len(first_ptr) - 1
    number = np.zeros(n_post, dtype=np.int64)
    total = np.zeros(n_post, dtype=np.float64)
    for j in range(n_pre):
        begin = indptr[j]
        end = indptr[j + 1]
        if begin == end:
            continue
        for e in range(first_ptr[j], first_ptr[j + 1]):
            k = first[e]
            w = first_weight[e]
            for f in range(second_ptr[k], second_ptr[k + 1]):
                i = second[f]
                number[i] += 1
                total[i] += w * second_weight[f]
        if same[j] >= 0:
            number[same[j]] = 0
            total[same[j]] = 0.0
        # One sweep over the row brings the columns in order and clears it for the next one.
        at = begin
        for i in range(n_post):
            if number[i] > 0:
                indices[at] = i
                count[at] = number[i]
                weight[at] = total[i]
                number[i] = 0
                total[i] = 0.0
                at += 1


@kernel("int64(int64[::1], int32[::1], int64[::1], int32[::1], bool_[::1], int32[:, ::1])")
def _list_paths(
    first_ptr: IntArray,
    first: Indices,
    second_ptr: IntArray,
    second: Indices,
    middle: npt.NDArray[np.bool_],
    paths: npt.NDArray[np.int32],
) -> int:
    """List every path (or, with no room for any, count them)."""
    n = 0
    room = len(paths)
    for j in range(len(first_ptr) - 1):
        for e in range(first_ptr[j], first_ptr[j + 1]):
            k = first[e]
            if k == j or not middle[k]:
                continue
            for f in range(second_ptr[k], second_ptr[k + 1]):
                i = second[f]
                if i != j and i != k:
                    if n < room:
                        paths[n, 0] = j
                        paths[n, 1] = k
                        paths[n, 2] = i
                    n += 1
    return n
