"""Synapses counted and their sizes summed by (pre, post), piece after piece of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.connectome._ids import id_column, kind, stored
from cofire.connectome._tables import Table
from cofire.connectome.edges import Edges, make_edges
from cofire.errors import ConnectomeError, InvalidTypeError

if TYPE_CHECKING:
    import pandas as pd

PRE = ("pre", "pre_id", "pre_pt_root_id", "pre_root_id")
POST = ("post", "post_id", "post_pt_root_id", "post_root_id")
SIZE = ("size", "psd")


class Cells:
    """Positions of cells: of given ones, or of all in the order in which they appear."""

    def __init__(self, ids: AnyArray | None, name: str) -> None:
        import pandas as pd

        self._given = ids is not None
        self._name = name
        self._index: pd.Index[Any] = pd.Index(np.zeros(0, dtype=np.int64) if ids is None else ids)

    def positions(self, ids: AnyArray, where: str) -> IntArray:
        """Position of each id, -1 where it is not among the given cells."""
        import pandas as pd

        codes, found = pd.factorize(ids)
        if not len(self._index) and not self._given:
            self._index = pd.Index(found)
        known = kind(self._index.to_numpy())
        if len(self._index) and kind(found) != known:
            what = self._name if self._given else "the table before them"
            raise InvalidTypeError(
                f"{where} holds ids that are {kind(found)}, but {what} ids that are {known}; "
                "convert one of them, or pass the table as a DataFrame read with dtype=str"
            )
        at = self._index.get_indexer(pd.Index(found))
        new = at < 0
        if new.any() and not self._given:
            at[new] = len(self._index) + np.arange(new.sum())
            self._index = self._index.append(pd.Index(found[new]))
        position: IntArray = at.astype(np.int64)[codes]
        return position

    def final(self) -> tuple[AnyArray, IntArray]:
        """Ids in their final order, given or ascending, and where each position went."""
        ids = self._index.to_numpy()
        order = np.arange(len(ids)) if self._given else np.argsort(ids, kind="stable")
        place = np.empty(len(ids), dtype=np.int64)
        place[order] = np.arange(len(ids))
        return stored(ids[order]), place


class PairSums:
    """Sums over the synapses of each (pre, post).

    Parameters
    ----------
    rows, columns : Cells
        Cells that count as presynaptic and postsynaptic; the same object for a square connectome.
    keep_autapses : bool
        Whether synapses of a cell on itself count.
    sized : bool
        Whether synapses have sizes.
    """

    def __init__(self, rows: Cells, columns: Cells, *, keep_autapses: bool, sized: bool) -> None:
        self._rows, self._columns = rows, columns
        self._keep_autapses, self._sized = keep_autapses, sized
        self._parts: list[tuple[AnyArray, ...]] = []
        self.dropped = {"autapses": 0, "other_cells": 0}

    def add(self, pre: AnyArray, post: AnyArray, size: FloatArray | None, where: str) -> None:
        """Take in synapses, (n,) each."""
        i = self._rows.positions(pre, where)
        j = self._columns.positions(post, where)
        kept = (i >= 0) & (j >= 0)
        own = np.zeros(len(kept), dtype=bool)
        if not self._keep_autapses:
            own |= np.asarray(pre == post, dtype=bool)
        self.dropped["autapses"] += int(own.sum())
        self.dropped["other_cells"] += int((~kept & ~own).sum())
        kept &= ~own
        sizes = () if size is None else (size[kept],)
        self._parts.append(_by_pair(i[kept], j[kept], *sizes))

    def result(self, size_scale: float) -> tuple[AnyArray, AnyArray, Edges]:
        """Row ids, column ids and the edges; sizes are scaled once they are summed."""
        from scipy import sparse

        row_ids, row_place = self._rows.final()
        column_ids, column_place = self._columns.final()
        nothing = np.zeros(0, dtype=np.int64)
        i, j, n = (np.concatenate([nothing, *(part[k] for part in self._parts)]) for k in range(3))
        place = (row_place[i], column_place[j])
        shape = (len(row_ids), len(column_ids))
        count = sparse.csr_array((n, place), shape=shape)
        if not self._sized:
            return row_ids, column_ids, make_edges("", count)
        sizes = np.concatenate([np.zeros(0), *(part[3] for part in self._parts)])
        # The same places in the same order, so the entries of both matrices correspond.
        total = sparse.csr_array((sizes, place), shape=shape)
        return row_ids, column_ids, make_edges("", count, total.data * size_scale)


def sum_synapses(
    table: Table, names: tuple[str, str, str | None], sums: PairSums, rows: int
) -> None:
    """Add the synapses of a table, `rows` at a time."""
    pre, post, size = names
    first = 0
    for piece in table.pieces([name for name in names if name is not None], rows):
        if len(piece):
            pre_ids = id_column(piece[pre], f"{table.where}, column {pre!r}", first)
            post_ids = id_column(piece[post], f"{table.where}, column {post!r}", first)
            if kind(pre_ids) != kind(post_ids):
                raise InvalidTypeError(
                    f"{table.where}: ids of column {pre!r} are {kind(pre_ids)}, of {post!r} "
                    f"{kind(post_ids)}; convert one of them, or pass the table as a DataFrame read "
                    "with dtype=str"
                )
            sizes = None
            if size is not None:
                sizes = _sizes(piece[size], pre_ids, post_ids, table.where, first)
            sums.add(pre_ids, post_ids, sizes, table.where)
        first += len(piece)


def _sizes(
    column: pd.Series[Any], pre: AnyArray, post: AnyArray, where: str, first: int
) -> FloatArray:
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ConnectomeError(
            f"{where}, column {column.name!r}: row {first + row} (pre {pre[row]}, post "
            f"{post[row]}) holds {column.iloc[row]}; a size is a finite number >= 0: drop or "
            "correct such rows"
        )
    return values


def _by_pair(i: IntArray, j: IntArray, *sizes: FloatArray) -> tuple[AnyArray, ...]:
    """Sum over equal pairs, so that pieces with many synapses a pair stay small."""
    import pandas as pd

    codes, pairs = pd.factorize((i << 32) | j)
    count = np.bincount(codes, minlength=len(pairs)).astype(np.int64)
    totals = (np.bincount(codes, weights=size, minlength=len(pairs)) for size in sizes)
    keys = np.asarray(pairs, dtype=np.int64)
    return keys >> 32, keys & 0xFFFFFFFF, count, *totals
