"""Which assemblies is each cell in? Any form of the answer, read into one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, one_of
from cofire.connectome._cells import CELL_ID
from cofire.connectome._ids import id_column, stored
from cofire.connectome._tables import open_table
from cofire.errors import DuplicateIdError, InvalidArgumentError, InvalidTypeError, MissingDataError

if TYPE_CHECKING:
    import pandas as pd

_LIST, _SINGLE = "assemblies", "assembly"
_SEPARATORS = re.compile(r"[;,|]")
_IDS = ("cell", *CELL_ID)


@dataclass(frozen=True, slots=True, eq=False)
class Membership:
    """Cells with a functional index and the assemblies they are in.

    Attributes
    ----------
    ids : ndarray (n_cells,) int64 or str
    labels : tuple of str
        Names of the assemblies.
    member : ndarray (n_cells, n_assemblies) bool
        All False for a cell in no assembly.
    """

    ids: AnyArray
    labels: tuple[str, ...]
    member: BoolArray


def read_membership(membership: Any, cell_id: str | None, duplicates: str) -> Membership:
    """Read a mapping, a table with lists, a long table, a table of truth values or a file."""
    one_of(duplicates, "duplicates", ("error", "merge"))
    import pandas as pd

    if isinstance(membership, Membership):
        return membership
    if isinstance(membership, (str, Path)):
        table = open_table(membership, "membership")
        membership = pd.concat(list(table.pieces(table.columns, None)), ignore_index=True)
    if isinstance(membership, pd.Series):
        ids = _ids(pd.Series(membership.index.array), "index of membership")
        sets = [_labels(value, f"membership of cell {i}") for i, value in _zip(ids, membership)]
        return _build(ids, sets, duplicates, "membership")
    if isinstance(membership, Mapping) and not {_LIST, _SINGLE} & set(membership):
        ids = _ids(pd.Series(list(membership)), "keys of membership")
        values = membership.values()
        sets = [_labels(value, f"membership of cell {i}") for i, value in _zip(ids, values)]
        return _build(ids, sets, duplicates, "membership")
    if not isinstance(membership, (pd.DataFrame, Mapping)):
        raise InvalidTypeError(
            "membership must be a mapping of cell id to its assemblies, a Series, a DataFrame or a "
            f"file, got {type(membership).__name__}"
        )
    return _from_frame(pd.DataFrame(membership), cell_id, duplicates)


def _from_frame(frame: pd.DataFrame, cell_id: str | None, duplicates: str) -> Membership:
    name, ids = _id_of_rows(frame, cell_id)
    rest = frame.drop(columns=name) if name is not None else frame
    if _LIST in rest.columns:
        where = f"membership, column {_LIST!r}"
        sets = [_labels(v, f"{where}, cell {i}") for i, v in _zip(ids, rest[_LIST])]
        return _build(ids, sets, duplicates, "membership")
    if _SINGLE in rest.columns:
        # A row a cell and assembly: cells come back, and no label means no assembly.
        where = f"membership, column {_SINGLE!r}"
        sets = [_labels(v, f"{where}, cell {i}") for i, v in _zip(ids, rest[_SINGLE])]
        return _build(ids, sets, "merge", "membership")
    if len(rest.columns) and all(rest[c].dtype.kind == "b" for c in rest.columns):
        columns = np.array([str(c) for c in rest.columns])
        truth = rest.to_numpy(dtype=bool)
        wide = [set(columns[row].tolist()) for row in truth]
        return _build(ids, wide, duplicates, "membership", tuple(columns.tolist()))
    raise MissingDataError(
        f"membership has neither a column {_LIST!r} (such as '1;9'), nor {_SINGLE!r} (a row a cell "
        "and assembly), nor truth values alone; columns: "
        f"{', '.join(map(str, frame.columns)) or 'none'}"
    )


def _id_of_rows(frame: pd.DataFrame, cell_id: str | None) -> tuple[str | None, AnyArray]:
    import pandas as pd

    if cell_id is not None and cell_id not in frame.columns:
        raise MissingDataError(
            f"membership has no column {cell_id!r} (cell_id); columns: "
            f"{', '.join(map(str, frame.columns)) or 'none'}"
        )
    name = cell_id or next((c for c in _IDS if c in frame.columns), None)
    if name is not None:
        return name, _ids(frame[name], f"membership, column {name!r}")
    if isinstance(frame.index, pd.RangeIndex) and frame.index.name not in _IDS:
        raise MissingDataError(
            f"membership has no column of cell ids ({', '.join(_IDS)}) and no labelled index; name "
            'the column: cell_id="..."'
        )
    return None, _ids(pd.Series(frame.index.array), "index of membership")


def _ids(column: Any, where: str) -> AnyArray:
    return stored(id_column(column, where))


def _labels(value: Any, where: str) -> set[str]:
    """Names of the assemblies in one entry: nothing, one, several, or '1;9'."""
    if value is None:
        return set()
    if isinstance(value, str):
        return {part.strip() for part in _SEPARATORS.split(value)} - {""}
    if isinstance(value, (bool, np.bool_)):
        raise InvalidTypeError(f"{where}: {value} names no assembly; give its label or a set")
    if isinstance(value, (int, np.integer)):
        return {str(int(value))}
    if isinstance(value, (float, np.floating)):
        if np.isnan(value):
            return set()
        if value != np.floor(value):
            raise InvalidArgumentError(f"{where}: {value:g} names no assembly")
        return {str(int(value))}
    if isinstance(value, Iterable):
        return set().union(*(_labels(item, where) for item in value))
    if type(value).__name__ == "NAType":
        return set()
    raise InvalidTypeError(
        f"{where}: {value!r} names no assembly; give a label, a set of labels, or text like '1;9'"
    )


def _build(
    ids: AnyArray,
    sets: list[set[str]],
    duplicates: str,
    where: str,
    labels: tuple[str, ...] | None = None,
) -> Membership:
    unique, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    if len(unique) < len(ids) and duplicates == "error":
        counts = np.bincount(inverse)
        repeated = unique[counts > 1]
        rows = np.flatnonzero(ids == repeated[0])
        raise DuplicateIdError(
            f"{where}: {len(repeated)} cells occur more than once, for example {repeated[0]!s} in "
            f"rows {rows[:5].tolist()}: a duplicated co-registration; keep one row of each, or "
            'pass duplicates="merge" to take the assemblies of all of them'
        )
    if labels is None:
        labels = tuple(sorted(set().union(*sets), key=natural)) if sets else ()
    column = {label: k for k, label in enumerate(labels)}
    order = np.argsort(first, kind="stable")  # cells in the order they come in
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    member = np.zeros((len(unique), len(labels)), dtype=bool)
    for row, names in zip(rank[inverse.ravel()], sets, strict=True):
        for name in names:
            member[row, column[name]] = True
    return Membership(unique[order], labels, member)


def _zip(ids: AnyArray, values: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(ids.tolist(), values, strict=True)


def natural(label: str) -> tuple[Any, ...]:
    """Sort key that puts '9' before '10'."""
    parts = re.split(r"(\d+)", label)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part)
