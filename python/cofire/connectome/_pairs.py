"""Sums over equal pairs of positions, in bounded memory: gathered, then merged row by row.

Rows of the table are gathered until there are about as many as pairs found so far; then each row of
the matrix is summed in an array over all columns. The order of the sums is that of the table,
whatever the pieces and the threads, so the result is the same to the last bit. Buffers are kept:
memory that is touched for the first time costs as much as all of the sums.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray
from cofire.connectome._lookup import SMALL, Positions
from cofire.graph._jit import kernel

GATHER = 8_000_000
"""Synapses that wait for the first merge: 28 bytes each with sizes, 44 with counts."""

_BLOCK = 1_000_000  # entries that one task merges
_I32 = "int32[::1]"
_I64 = "int64[::1]"
_F64 = "float64[::1]"
_BOOL = "Array(boolean, 1, 'C', readonly=True)"


class Buffers:
    """Arrays that grow together: synapses in the order they came, or the entries of a matrix."""

    def __init__(self, capacity: int, **dtypes: Any) -> None:
        self.capacity = capacity
        self._dtypes = dtypes
        # Pages of an empty array are not there before they are written.
        self.arrays = {name: np.empty(capacity, dtype=d) for name, d in dtypes.items()}

    def __getitem__(self, name: str) -> AnyArray:
        return self.arrays.get(name, np.empty(0, np.int64 if name == "count" else np.float64))

    def reserve(self, capacity: int, keep: int) -> None:
        """Room for `capacity` items, of which the first `keep` stay."""
        if capacity <= self.capacity:
            return
        self.capacity = capacity
        for name, old in self.arrays.items():
            self.arrays[name] = np.empty(capacity, dtype=old.dtype)
            self.arrays[name][:keep] = old[:keep]


@dataclass(slots=True)
class Merged:
    """Compressed rows: entries of row r are ``indptr[r]:indptr[r + 1]``, columns in any order."""

    indptr: IntArray
    entries: Buffers


class PairTable:
    """Number and summed size of the synapses of each (row, column).

    Parameters
    ----------
    sized, counted : bool
        Whether synapses have sizes; whether each has a count, else it is one.
    threads : int
        Threads of the merge.
    """

    def __init__(self, *, sized: bool, counted: bool = False, threads: int = 1) -> None:
        self._sized, self._counted, self._threads = sized, counted, threads
        extra: dict[str, Any] = {"count": np.int64} if counted else {}
        extra |= {"size": np.float64} if sized else {}
        self._new = Buffers(GATHER, i=np.int32, j=np.int32, **extra)
        self._sorted = Buffers(GATHER, j=np.int32, **extra)
        self._n = 0
        entry: dict[str, Any] = {"j": np.int32, "count": np.int64}
        entry |= {"size": np.float64} if sized else {}
        self._old = Merged(np.zeros(1, dtype=np.int64), Buffers(0, **entry))
        self._spare = Buffers(0, **entry)

    @property
    def room(self) -> int:
        """Synapses that can be added before the next merge."""
        return self._new.capacity - self._n

    def waiting(self, n: int) -> tuple[Positions, Positions]:
        """Where the positions of the next `n` synapses go, at most :attr:`room`; -1 for none."""
        return self._new["i"][self._n : self._n + n], self._new["j"][self._n : self._n + n]

    def add(self, own: BoolArray, count: IntArray | None, size: AnyArray | None) -> IntArray:
        """Gather synapses whose positions were written to :meth:`waiting`.

        Parameters
        ----------
        own : ndarray (n,) bool
            Synapses to leave out.

        Returns
        -------
        ndarray (2,) int64
            Sum of the counts that were left out: own, and without a position.
        """
        a, b = self._n, self._n + len(own)
        i, j, counts, sizes = (self._new[name][a:b] for name in ("i", "j", "count", "size"))
        if count is not None:
            counts[:] = count
        if size is not None:
            sizes[:] = size
        keep = _keep if len(own) >= SMALL else _keep_by_numpy
        lost = np.zeros(3, dtype=np.int64)
        keep(own, i, j, counts, sizes, lost)
        self._n += int(lost[2])
        if not self.room:
            self._merge()
        return lost[:2]

    def result(self, row_place: IntArray, column_place: IntArray) -> tuple[AnyArray, ...]:
        """CSR arrays (indptr, indices, counts, sizes) with rows and columns put in their places."""
        if len(self._old.indptr) == 1 and self._n < SMALL:
            return self._by_numpy(row_place, column_place)
        self._merge()
        return self._placed(row_place, column_place)

    def _by_numpy(self, row_place: IntArray, column_place: IntArray) -> tuple[AnyArray, ...]:
        i, j, count, size = (self._new[name][: self._n] for name in ("i", "j", "count", "size"))
        key = row_place[i] << 32 | column_place[j]
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.ones(len(key), dtype=bool)
        first[1:] = key[1:] != key[:-1]
        pairs, which = key[first], np.cumsum(first) - 1
        total = np.zeros(len(pairs), dtype=np.int64)
        np.add.at(total, which, count[order] if self._counted else 1)
        sizes = np.zeros(len(pairs))
        if self._sized:
            # In the order of the table, which reduceat does not keep.
            np.add.at(sizes, which, size[order])
        edges = np.arange(len(row_place) + 1, dtype=np.int64) << 32
        indptr = np.searchsorted(pairs, edges).astype(np.int64)
        return indptr, (pairs & 0xFFFFFFFF).astype(np.int32), total, sizes

    def _merge(self) -> None:
        """Sum what is gathered into what is merged."""
        i, j = self._new["i"][: self._n], self._new["j"][: self._n]
        old = self._old.entries
        n_rows = max(len(self._old.indptr) - 1, 1 + int(i.max(initial=-1)))
        before = np.full(n_rows + 1, self._old.indptr[-1])
        before[: len(self._old.indptr)] = self._old.indptr
        known = old["j"][: before[-1]]
        n_columns = 1 + max(int(j.max(initial=-1)), int(known.max(initial=-1)))
        start = np.zeros(n_rows + 1, dtype=np.int64)
        np.cumsum(np.bincount(i, minlength=n_rows), out=start[1:])
        new = self._sorted
        came = self._new
        at = start[:-1].copy()
        _scatter(
            self._n, came["i"], came["j"], came["count"], came["size"], at,
            new["j"], new["count"], new["size"],
        )  # fmt: skip
        blocks = _row_blocks(before + start)
        indptr = np.zeros(n_rows + 1, dtype=np.int64)

        def measure(rows: tuple[int, int]) -> None:
            _count_pairs(*rows, n_columns, before, old["j"], start, new["j"], indptr)

        self._on_threads(measure, blocks)
        np.cumsum(indptr, out=indptr)
        found = int(indptr[-1])
        target = self._spare
        target.reserve(found if not len(known) else found + found // 4, 0)

        def add_up(rows: tuple[int, int]) -> None:
            _sum_rows(
                *rows, n_columns, before, old["j"], old["count"], old["size"], start, new["j"],
                new["count"], new["size"], indptr, target["j"], target["count"], target["size"],
            )  # fmt: skip

        self._on_threads(add_up, blocks)
        self._old, self._spare, self._n = Merged(indptr, target), old, 0
        self._new.reserve(found // 2, 0)
        self._sorted.reserve(found // 2, 0)

    def _placed(self, row_place: IntArray, column_place: IntArray) -> tuple[AnyArray, ...]:
        """Rows and columns in their final order, columns ascending within a row."""
        n = len(row_place)
        start, entries = self._old.indptr, self._old.entries
        n_entries = int(start[-1])
        length = np.zeros(n, dtype=np.int64)
        length[: len(start) - 1] = np.diff(start)
        source = np.empty(n, dtype=np.int64)
        source[row_place] = np.arange(n)
        indptr = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(length[source], out=indptr[1:])
        begin = np.zeros(n, dtype=np.int64)
        begin[: len(start) - 1] = start[:-1]
        out = self._spare
        out.reserve(n_entries, 0)

        def block(rows: tuple[int, int]) -> None:
            _place_rows(
                *rows, begin[source], entries["j"], entries["count"], entries["size"],
                column_place, indptr, out["j"], out["count"], out["size"],
            )  # fmt: skip

        self._on_threads(block, _row_blocks(indptr))
        return (indptr, *(out[name][:n_entries] for name in ("j", "count", "size")))

    def _on_threads(
        self, function: Callable[[tuple[int, int]], None], blocks: list[tuple[int, int]]
    ) -> None:
        if self._threads == 1 or len(blocks) == 1:
            for rows in blocks:
                function(rows)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(function, blocks))


def _row_blocks(ends: IntArray) -> list[tuple[int, int]]:
    """Ranges of rows with about as many entries each; `ends` counts the entries up to each row."""
    n_blocks = 1 + int(ends[-1]) // _BLOCK
    marks = np.searchsorted(ends, np.arange(1, n_blocks) * (int(ends[-1]) / n_blocks))
    edges = np.unique(np.concatenate([[0], marks, [len(ends) - 1]]))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _keep_by_numpy(
    own: BoolArray, i: Positions, j: Positions, count: IntArray, size: FloatArray, lost: IntArray
) -> int:
    away = ~own & ((i < 0) | (j < 0))
    kept = ~(own | away)
    for k, rows in enumerate((own, away)):
        lost[k] = count[rows].sum() if len(count) else np.count_nonzero(rows)
    n = int(kept.sum())
    for array in (i, j, count, size):
        if len(array):
            array[:n] = array[kept]
    lost[2] = n
    return n


@kernel(f"int64({_BOOL}, {_I32}, {_I32}, {_I64}, {_F64}, {_I64})")
def _keep(
    own: BoolArray, i: Positions, j: Positions, count: IntArray, size: FloatArray, lost: IntArray
) -> int:
    """Move the synapses that stay to the front; `lost` counts own, away, and those that stay."""
    n = 0
    for k in range(len(own)):
        if own[k] or i[k] < 0 or j[k] < 0:
            lost[0 if own[k] else 1] += count[k] if len(count) else 1
            continue
        i[n] = i[k]
        j[n] = j[k]
        if len(count):
            count[n] = count[k]
        if len(size):
            size[n] = size[k]
        n += 1
    lost[2] = n
    return n


@kernel(f"int64(int64, {_I32}, {_I32}, {_I64}, {_F64}, {_I64}, {_I32}, {_I64}, {_F64})")
def _scatter(
    n: int,
    i: Positions,
    j: Positions,
    count: IntArray,
    size: FloatArray,
    at: IntArray,
    j_out: Positions,
    count_out: IntArray,
    size_out: FloatArray,
) -> int:
    """Put synapses behind those of the same row, in the order of the table."""
    for k in range(n):
        place = at[i[k]]
        at[i[k]] = place + 1
        j_out[place] = j[k]
        if len(count):
            count_out[place] = count[k]
        if len(size):
            size_out[place] = size[k]
    return n


@kernel(f"int64(int64, int64, int64, {_I64}, {_I32}, {_I64}, {_I32}, {_I64})")
def _count_pairs(
    first: int,
    last: int,
    n_columns: int,
    before: IntArray,
    j_old: Positions,
    start: IntArray,
    j_new: Positions,
    n_in_row: IntArray,
) -> int:
    """Pairs of rows `first` to `last`, into ``n_in_row[row + 1]``."""
    seen = np.full(n_columns, -1, dtype=np.int32)
    for row in range(first, last):
        n = before[row + 1] - before[row]
        for k in range(before[row], before[row + 1]):
            seen[j_old[k]] = row
        for k in range(start[row], start[row + 1]):
            n += seen[j_new[k]] != row
            seen[j_new[k]] = row
        n_in_row[row + 1] = n
    return last - first


@kernel(
    f"int64(int64, int64, int64, {_I64}, {_I32}, {_I64}, {_F64}, {_I64}, {_I32}, {_I64}, {_F64}, "
    f"{_I64}, {_I32}, {_I64}, {_F64})"
)
def _sum_rows(
    first: int,
    last: int,
    n_columns: int,
    before: IntArray,
    j_old: Positions,
    count_old: IntArray,
    size_old: FloatArray,
    start: IntArray,
    j_new: Positions,
    count_new: IntArray,
    size_new: FloatArray,
    indptr: IntArray,
    j_out: Positions,
    count_out: IntArray,
    size_out: FloatArray,
) -> int:
    """Sum rows `first` to `last`: what was there, then what is new in its order."""
    entry = np.full(n_columns, -1, dtype=np.int64)  # place of the pair of each column
    for row in range(first, last):
        n = indptr[row]
        for k in range(before[row], before[row + 1]):
            entry[j_old[k]] = n
            j_out[n] = j_old[k]
            count_out[n] = count_old[k]
            if len(size_out):
                size_out[n] = size_old[k]
            n += 1
        for k in range(start[row], start[row + 1]):
            e = entry[j_new[k]]
            if e < indptr[row]:
                e = n
                n += 1
                entry[j_new[k]] = e
                j_out[e] = j_new[k]
                count_out[e] = 0
                if len(size_out):
                    size_out[e] = 0.0
            count_out[e] += count_new[k] if len(count_new) else 1
            if len(size_out):
                size_out[e] += size_new[k]
    return last - first


@kernel(
    f"int64(int64, int64, {_I64}, {_I32}, {_I64}, {_F64}, {_I64}, {_I64}, {_I32}, {_I64}, {_F64})"
)
def _place_rows(
    first: int,
    last: int,
    begin: IntArray,
    j: Positions,
    count: IntArray,
    size: FloatArray,
    column_place: IntArray,
    indptr: IntArray,
    j_out: Positions,
    count_out: IntArray,
    size_out: FloatArray,
) -> int:
    """Fill rows `first` to `last` of the result from the rows they come from."""
    longest = 0
    for row in range(first, last):
        longest = max(longest, indptr[row + 1] - indptr[row])
    keys = np.empty(longest, dtype=np.int64)
    for row in range(first, last):
        n = indptr[row + 1] - indptr[row]
        for k in range(n):
            keys[k] = column_place[j[begin[row] + k]] << 32 | k
        keys[:n].sort()
        for k in range(n):
            to, at = indptr[row] + k, begin[row] + (keys[k] & 0xFFFFFFFF)
            j_out[to] = keys[k] >> 32
            count_out[to] = count[at]
            if len(size_out):
                size_out[to] = size[at]
    return last - first
