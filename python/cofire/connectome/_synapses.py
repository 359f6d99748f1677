"""Synapses counted and their sizes summed by (pre, post), piece after piece of a table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, IntArray
from cofire.connectome._ids import id_column, kind, unique_ids
from cofire.connectome._lookup import Cells
from cofire.connectome._pairs import PairTable
from cofire.connectome._tables import Table
from cofire.connectome.edges import Edges
from cofire.errors import ConnectomeError, InvalidArgumentError, InvalidTypeError
from cofire.types._metadata import query_mask

if TYPE_CHECKING:
    import pandas as pd

PRE = ("pre", "pre_id", "pre_pt_root_id", "pre_root_id")
POST = ("post", "post_id", "post_pt_root_id", "post_root_id")
SIZE = ("size", "psd")


Progress = Callable[[int, int | None, float], None]
"""``progress(rows, n_rows, rows_per_second)``; n_rows is None where a file does not tell."""


class PairSums:
    """Sums over the synapses of each (pre, post).

    Parameters
    ----------
    rows, columns : Cells
        Cells that count as presynaptic and postsynaptic; the same object for a square connectome.
    keep_autapses : bool
        Whether synapses of a cell on itself count.
    sized, counted : bool
        Whether there are sizes, and counts.
    threads : int
        Threads of the sums.
    """

    def __init__(
        self,
        rows: Cells,
        columns: Cells,
        *,
        keep_autapses: bool,
        sized: bool,
        counted: bool = False,
        threads: int = 1,
    ) -> None:
        self._rows, self._columns = rows, columns
        self._keep_autapses, self._sized = keep_autapses, sized
        self._new_pairs = partial(PairTable, sized=sized, counted=counted, threads=threads)
        self._pairs: dict[str, PairTable] = {}
        self.dropped = {"autapses": 0, "other_cells": 0}

    def add(
        self,
        pre: AnyArray,
        post: AnyArray,
        where: str,
        *,
        count: IntArray | None = None,
        size: AnyArray | None = None,
        edge_type: str = "",
    ) -> None:
        """Take in synapses, or edges with their counts, (n,) each."""
        pairs = self._pairs.setdefault(edge_type, self._new_pairs())
        first = 0
        while first < len(pre):
            rows = slice(first, first + pairs.room)
            own = np.zeros(len(pre[rows]), dtype=bool)
            if not self._keep_autapses:
                own = np.asarray(pre[rows] == post[rows], dtype=bool)
            i, j = pairs.waiting(len(own))
            self._rows.positions(pre[rows], where, i)
            self._columns.positions(post[rows], where, j)
            n_own, n_away = pairs.add(
                own,
                None if count is None else count[rows],
                None if size is None else size[rows],
            )
            self.dropped["autapses"] += int(n_own)
            self.dropped["other_cells"] += int(n_away)
            first += len(own)

    def result(self, size_scale: float) -> tuple[AnyArray, AnyArray, tuple[Edges, ...]]:
        """Row ids, column ids and the edges; sizes are scaled once they are summed."""
        row_ids, row_place = self._rows.final()
        column_ids, column_place = self._columns.final()
        edges = []
        for edge_type, pairs in (self._pairs or {"": self._new_pairs()}).items():
            indptr, indices, count, size = pairs.result(row_place, column_place)
            if self._sized and size_scale != 1.0:
                size *= size_scale
            edges.append(Edges(edge_type, indptr, indices, count, size if self._sized else None))
        return row_ids, column_ids, tuple(edges)


def chosen_cells(rows: Any, columns: Any, known: pd.DataFrame | None) -> tuple[Cells, Cells]:
    """Presynaptic and postsynaptic cells: ids, a query on the known cells, or whatever occurs."""
    if rows is None and known is not None:
        rows = known.index
    row_cells = Cells(None if rows is None else _ids_of(rows, known, "rows"), "rows")
    if columns is None:
        return row_cells, row_cells
    return row_cells, Cells(_ids_of(columns, known, "columns"), "columns")


def _ids_of(selector: Any, known: pd.DataFrame | None, name: str) -> AnyArray:
    if not isinstance(selector, str):
        return unique_ids(selector, name)
    if known is None:
        raise InvalidArgumentError(
            f"{name} is a query, {selector!r}, but there is no table to ask: pass cells=..."
        )
    ids = known.index.to_numpy()
    found: AnyArray = ids[query_mask(known.assign(cell_id=ids), selector, "cell")]
    return found


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a table of synapses or edges; None where there is none."""

    pre: str
    post: str
    size: str | None = None
    count: str | None = None
    edge_type: str | None = None

    @property
    def names(self) -> list[str]:
        """Those that are there, each once."""
        names = (self.pre, self.post, self.size, self.count, self.edge_type)
        return list(dict.fromkeys(name for name in names if name is not None))


def sum_synapses(
    table: Table, columns: Columns, sums: PairSums, rows: int, progress: Progress | None = None
) -> None:
    """Add the rows of a table, `rows` at a time."""
    first, start = 0, time.perf_counter()
    for piece in table.read_ahead(columns.names, rows):
        if len(piece):
            _add_piece(table.where, piece, columns, sums, first)
        first += len(piece)
        if progress is not None:
            progress(first, table.n_rows, first / max(time.perf_counter() - start, 1e-9))


def _add_piece(
    where: str, piece: pd.DataFrame, columns: Columns, sums: PairSums, first: int
) -> None:
    pre = id_column(piece[columns.pre], f"{where}, column {columns.pre!r}", first)
    post = id_column(piece[columns.post], f"{where}, column {columns.post!r}", first)
    if kind(pre) != kind(post):
        raise InvalidTypeError(
            f"{where}: ids of column {columns.pre!r} are {kind(pre)}, of {columns.post!r} "
            f"{kind(post)}; convert one of them, or pass the table as a DataFrame read with "
            "dtype=str"
        )
    size = count = None
    if columns.size is not None:
        size = _sizes(piece[columns.size], pre, post, where, first)
    if columns.count is not None:
        count = _counts(piece[columns.count], pre, post, where, first)
    if columns.edge_type is None:
        types, kinds = np.zeros(len(pre), dtype=np.int64), [""]
    else:
        types, kinds = _types(piece[columns.edge_type], where, first)
    for k, name in enumerate(kinds):
        rows = types == k
        if count is not None:
            rows &= count > 0
        if rows.all():
            sums.add(pre, post, where, size=size, count=count, edge_type=name)
            continue
        sizes = None if size is None else size[rows]
        counts = None if count is None else count[rows]
        sums.add(pre[rows], post[rows], where, size=sizes, count=counts, edge_type=name)


def _types(column: pd.Series[Any], where: str, first: int) -> tuple[IntArray, list[str]]:
    import pandas as pd

    types, kinds = pd.factorize(column.astype(object))
    bad = np.array([not (isinstance(name, str) and name) for name in kinds], dtype=bool)
    wrong = types < 0
    if bad.any():
        wrong |= np.isin(types, np.flatnonzero(bad))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ConnectomeError(
            f"{where}, column {column.name!r}: row {first + row} holds {column.iloc[row]!r}; edge "
            "types are names"
        )
    return types.astype(np.int64), [str(name) for name in kinds]


def _counts(
    column: pd.Series[Any], pre: AnyArray, post: AnyArray, where: str, first: int
) -> IntArray:
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)) & (values < 2**53))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ConnectomeError(
            f"{where}, column {column.name!r}: row {first + row} (pre {pre[row]}, post "
            f"{post[row]}) holds {column.iloc[row]}; counts are whole and >= 0: pass weights that "
            f"are no counts as sizes (psd={str(column.name)!r})"
        )
    return values.astype(np.int64)


def _sizes(
    column: pd.Series[Any], pre: AnyArray, post: AnyArray, where: str, first: int
) -> AnyArray:
    import pandas as pd

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        values = column.to_numpy()  # as they are: the sums are floating-point numbers
        bad = values < 0 if values.min() < 0 else np.zeros(0, dtype=bool)
    else:
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
