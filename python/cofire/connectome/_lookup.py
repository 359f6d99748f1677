"""Position of each 64-bit id among known ids: a hash table for the large, pandas for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire._validate import AnyArray, IntArray
from cofire.connectome._ids import kind, stored
from cofire.errors import InvalidTypeError
from cofire.graph._jit import kernel

if TYPE_CHECKING:
    import pandas as pd

Positions = npt.NDArray[np.int32]

SMALL = 200_000
"""Rows below which loading Numba takes longer than it saves."""

_IDS = "Array(int64, 1, 'C', readonly=True)"
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads ids that differ little
_FULL = -1


class Cells:
    """Positions of cells: of given ones, or of all in the order in which they appear."""

    def __init__(self, ids: AnyArray | None, name: str) -> None:
        self._given = ids is not None
        self._name = name
        self._ids: AnyArray = np.zeros(0, dtype=np.int64) if ids is None else ids
        self._index: pd.Index[Any] | None = None
        self._table: _HashTable | None = None

    def __len__(self) -> int:
        return len(self._known())

    def positions(self, ids: AnyArray, where: str, out: Positions) -> None:
        """Write the position of each id, -1 where it is not among the given cells.

        Raises
        ------
        InvalidTypeError
            Text among integers, or the other way around.
        """
        if not len(self) and not self._given and ids.dtype == object:
            self._ids = np.zeros(0, dtype=object)
        known = kind(self._ids)
        if len(self) and kind(ids) != known:
            what = self._name if self._given else "the table before them"
            raise InvalidTypeError(
                f"{where} holds ids that are {kind(ids)}, but {what} ids that are {known}; "
                "convert one of them, or pass the table as a DataFrame read with dtype=str"
            )
        if ids.dtype == np.int64 and (self._table is not None or len(ids) >= SMALL):
            if self._table is None:
                self._table = _HashTable(np.ascontiguousarray(self._ids, dtype=np.int64))
            self._table.positions(np.ascontiguousarray(ids), out, add=not self._given)
        else:
            out[:] = self._by_pandas(ids)

    def _by_pandas(self, ids: AnyArray) -> Positions:
        import pandas as pd

        codes, found = pd.factorize(ids)
        if self._index is None:
            self._index = pd.Index(self._ids)
        at = self._index.get_indexer(pd.Index(found))
        new = at < 0
        if new.any() and not self._given:
            at[new] = len(self._ids) + np.arange(new.sum())
            self._ids = np.concatenate([self._ids, found[new]])
            self._index = pd.Index(self._ids)
        position: Positions = at.astype(np.int32)[codes]
        return position

    def _known(self) -> AnyArray:
        return self._ids if self._table is None else self._table.ids

    def final(self) -> tuple[AnyArray, IntArray]:
        """Ids in their final order, given or ascending, and where each position went."""
        ids = self._known()
        order = np.arange(len(ids)) if self._given else np.argsort(ids, kind="stable")
        place = np.empty(len(ids), dtype=np.int64)
        place[order] = np.arange(len(ids))
        return stored(ids[order]), place


class _HashTable:
    """Open addressing with linear probing; a slot holds an id and its position."""

    def __init__(self, ids: IntArray) -> None:
        self._ids, self._n = ids.copy(), len(ids)
        self._build()

    @property
    def ids(self) -> IntArray:
        return self._ids[: self._n]

    def _build(self) -> None:
        """Slots for the ids and as many again, at most half of them taken."""
        bits = max((2 * self._n).bit_length(), 6)
        self._shift = 64 - bits
        self._slots = np.full((1 << bits, 2), _FULL, dtype=np.int64).ravel()
        self._ids = np.concatenate([self.ids, np.empty((1 << (bits - 1)) - self._n, np.int64)])
        _fill(self.ids, self._slots, self._shift)

    def positions(self, ids: IntArray, out: Positions, *, add: bool) -> None:
        missing = _look_up(ids, self._slots, self._shift, out)
        row = 0 if missing and add else len(ids)
        while row < len(ids):
            row, self._n = _add(ids, row, self._slots, self._shift, self._ids, self._n, out)
            if row < len(ids):
                self._build()


@kernel(f"int64({_IDS}, int64[::1], int64)")
def _fill(ids: IntArray, slots: IntArray, shift: int) -> int:
    mask = len(slots) // 2 - 1
    for k in range(len(ids)):
        slot = np.int64((np.uint64(ids[k]) * _GOLDEN) >> np.uint64(shift))
        while slots[2 * slot + 1] >= 0:
            slot = (slot + 1) & mask
        slots[2 * slot] = ids[k]
        slots[2 * slot + 1] = k
    return len(ids)


@kernel(f"int64({_IDS}, int64[::1], int64, int32[::1])")
def _look_up(ids: IntArray, slots: IntArray, shift: int, out: Positions) -> int:
    """Positions of the ids; returns how many are in no slot (-1)."""
    mask = len(slots) // 2 - 1
    missing = 0
    for k in range(len(ids)):
        slot = np.int64((np.uint64(ids[k]) * _GOLDEN) >> np.uint64(shift))
        while slots[2 * slot + 1] >= 0 and slots[2 * slot] != ids[k]:
            slot = (slot + 1) & mask
        out[k] = slots[2 * slot + 1]
        missing += out[k] < 0
    return missing


@kernel(f"UniTuple(int64, 2)({_IDS}, int64, int64[::1], int64, int64[::1], int64, int32[::1])")
def _add(
    ids: IntArray,
    first: int,
    slots: IntArray,
    shift: int,
    known: IntArray,
    n: int,
    out: Positions,
) -> tuple[int, int]:
    """Take in ids without a position from row `first` on, until `known` is full."""
    mask = len(slots) // 2 - 1
    for k in range(first, len(ids)):
        if out[k] >= 0:
            continue
        slot = np.int64((np.uint64(ids[k]) * _GOLDEN) >> np.uint64(shift))
        while slots[2 * slot + 1] >= 0 and slots[2 * slot] != ids[k]:
            slot = (slot + 1) & mask
        if slots[2 * slot + 1] < 0:
            if n == len(known):
                return k, n
            slots[2 * slot] = ids[k]
            slots[2 * slot + 1] = n
            known[n] = ids[k]
            n += 1
        out[k] = slots[2 * slot + 1]
    return len(ids), n
