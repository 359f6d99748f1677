"""All paths of two edges, counted, summed up or listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire._validate import FloatArray, IntArray
from cofire.graph._blocks import run_blocks
from cofire.graph._jit import kernel

if TYPE_CHECKING:
    import scipy.sparse

Indices = npt.NDArray[np.int32]

# Pairs of a block of rows, as room that is taken for them.
_BLOCK_PAIRS = 2**18

_CSR = "int64[::1], int32[::1], float64[::1]"


def two_path_sums(
    first: scipy.sparse.csr_array,
    second: scipy.sparse.csr_array,
    same: IntArray,
    threads: int | None = None,
) -> tuple[IntArray, Indices, IntArray, FloatArray]:
    """Chains j, k, i between every j and i: how many, and the sum of products of weights.

    Parameters
    ----------
    first : csr_array (n_pre, n_middle), second : csr_array (n_middle, n_post)
        Weights; every stored entry is an edge, also 0. An entry of a cell onto itself must not be
        there.
    same : ndarray (n_pre,) int64
        Column that is the cell of each row, or -1: no chain leads back to its beginning.
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    indptr, indices, count, weight
        CSR (n_pre, n_post), columns ascending.
    """
    parts = (*csr_parts(first), *csr_parts(second))
    n_pre, n_post = int(first.shape[0]), int(second.shape[1])
    same = np.ascontiguousarray(same, dtype=np.int64)
    room, starts = _blocks(parts[0], parts[1], parts[3], n_post)

    def of_block(start: int, stop: int) -> tuple[IntArray, Indices, IntArray, FloatArray]:
        rows = starts[start], starts[stop]
        space = int(room[rows[0] : rows[1]].sum())
        lengths = np.zeros(rows[1] - rows[0], dtype=np.int64)
        indices = np.empty(space, dtype=np.int32)
        count = np.empty(space, dtype=np.int64)
        weight = np.empty(space, dtype=np.float64)
        n = _row_sums(*parts, same, n_post, rows[0], rows[1], lengths, indices, count, weight)
        return lengths, indices[:n].copy(), count[:n].copy(), weight[:n].copy()

    found = run_blocks(of_block, len(starts) - 1, 1, threads)
    if not found:
        return (
            np.zeros(n_pre + 1, dtype=np.int64),
            np.zeros(0, dtype=np.int32),
            np.zeros(0, dtype=np.int64),
            np.zeros(0),
        )
    lengths, indices, count, weight = (np.concatenate(each) for each in zip(*found, strict=True))
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), indices, count, weight


def _blocks(
    first_ptr: IntArray, first: Indices, second_ptr: IntArray, n_post: int
) -> tuple[IntArray, IntArray]:
    """Room that the pairs of each row may need, and the rows at which blocks begin."""
    paths = np.concatenate([[0], np.cumsum(np.diff(second_ptr)[first])])
    room = np.minimum(np.diff(paths[first_ptr]), n_post).astype(np.int64)
    n_blocks = np.concatenate([[0], np.cumsum(room)[:-1]]) // _BLOCK_PAIRS if len(room) else room
    starts = np.append(np.flatnonzero(np.diff(n_blocks, prepend=-1)), len(room))
    return room, starts.astype(np.int64)


def csr_parts(matrix: Any) -> tuple[IntArray, Indices, FloatArray]:
    """Arrays of a CSR matrix as kernels take them."""
    return (
        np.ascontiguousarray(matrix.indptr, dtype=np.int64),
        np.ascontiguousarray(matrix.indices, dtype=np.int32),
        np.ascontiguousarray(matrix.data, dtype=np.float64),
    )


@kernel(
    f"int64({_CSR}, {_CSR}, int64[::1], int64, int64, int64, int64[::1], int32[::1], int64[::1], "
    "float64[::1])"
)
def _row_sums(
    first_ptr: IntArray,
    first: Indices,
    first_weight: FloatArray,
    second_ptr: IntArray,
    second: Indices,
    second_weight: FloatArray,
    same: IntArray,
    n_post: int,
    first_row: int,
    last_row: int,
    lengths: IntArray,
    indices: Indices,
    count: IntArray,
    weight: FloatArray,
) -> int:
    """Fill the pairs of some rows and how many each row has; return how many there are."""
    number = np.zeros(n_post, dtype=np.int64)
    total = np.zeros(n_post, dtype=np.float64)
    at = 0
    for j in range(first_row, last_row):
        begin = at
        n_paths = 0
        for e in range(first_ptr[j], first_ptr[j + 1]):
            n_paths += second_ptr[first[e] + 1] - second_ptr[first[e]]
        # Few paths: remember where they end, and sort. Many: one sweep over the row, which brings
        # the columns in order by itself.
        few = n_paths * 8 < n_post
        for e in range(first_ptr[j], first_ptr[j + 1]):
            k = first[e]
            w = first_weight[e]
            for f in range(second_ptr[k], second_ptr[k + 1]):
                i = second[f]
                if few and number[i] == 0:
                    indices[at] = i
                    at += 1
                number[i] += 1
                total[i] += w * second_weight[f]
        if few:
            ends = np.sort(indices[begin:at])
            at = begin
            for i in ends:
                if i != same[j]:
                    indices[at] = i
                    count[at] = number[i]
                    weight[at] = total[i]
                    at += 1
                number[i] = 0
                total[i] = 0.0
        else:
            for i in range(n_post):
                if number[i] > 0:
                    if i != same[j]:
                        indices[at] = i
                        count[at] = number[i]
                        weight[at] = total[i]
                        at += 1
                    number[i] = 0
                    total[i] = 0.0
        lengths[j - first_row] = at - begin
    return at


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
