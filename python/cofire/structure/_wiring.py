"""The cells of pair classes in a connectome, and which of its cells are excitatory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, IntArray
from cofire.connectome._ids import kind
from cofire.errors import InvalidArgumentError, InvalidTypeError, JoinError, MissingDataError
from cofire.structure.classes import PairClasses

if TYPE_CHECKING:
    from cofire.connectome import Connectome

_SIGN_COLUMNS = ("ei", "classification_system", "cell_class", "sign", "class", "type")
_SIGNS = {
    "excitatory": ("excitatory", "exc", "e", "+", "1", "+1", "1.0"),
    "inhibitory": ("inhibitory", "inh", "i", "-", "-1", "-1.0"),
}


def check_connectome(connectome: Any) -> None:
    """Refuse what is no connectome."""
    needed = ("row_ids", "column_ids", "subset", "count", "cells")
    if not all(hasattr(connectome, name) for name in needed):
        raise InvalidTypeError(
            f"connectome must be a cofire.Connectome, got {type(connectome).__name__}; make "
            "one with Connectome.from_synapses, from_matrix or from_edges"
        )


def check_classes(classes: Any) -> None:
    """Refuse what is no set of pair classes."""
    if not isinstance(classes, PairClasses):
        raise InvalidTypeError(
            f"classes must come from pair_classes(membership, cells), got {type(classes).__name__}"
        )


def positions(ids: AnyArray, wanted: AnyArray, what: str) -> IntArray:
    """Positions of cells in `ids`.

    Raises
    ------
    JoinError
        Some are not there; they are named.
    """
    if len(ids) and len(wanted) and kind(ids) != kind(wanted):
        raise InvalidArgumentError(
            f"ids of the connectome are {kind(ids)} but those of the classes are {kind(wanted)}"
        )
    order = np.argsort(ids, kind="stable")
    at = np.searchsorted(ids, wanted, sorter=order)
    at = order[np.minimum(at, max(len(ids) - 1, 0))] if len(ids) else np.zeros_like(at)
    lost = wanted[ids[at] != wanted] if len(ids) else wanted
    if len(lost):
        raise JoinError(
            f"the connectome has no {what} for {len(lost)} of {len(wanted)} cells of the classes: "
            f"{lost[:5].tolist()}; make the classes from it: pair_classes(membership, connectome)"
        )
    found: IntArray = at.astype(np.int64)
    return found


def sign_of_cells(connectome: Connectome, which: str, column: str | None = None) -> BoolArray:
    """Which of ``connectome.ids`` are excitatory (or inhibitory), from a column of its cells.

    Raises
    ------
    MissingDataError
        No such column.
    InvalidArgumentError
        No value of the column says excitatory or inhibitory.
    """
    cells = connectome.cells
    if column is None:
        known = {str(v) for names in _SIGNS.values() for v in names}
        usual = [name for name in _SIGN_COLUMNS if name in cells.columns]
        column = next((name for name in usual if set(_words(cells[name])) & known), None)
    elif column not in cells.columns:
        raise MissingDataError(
            f"connectome.cells has no column {column!r}; columns: "
            f"{', '.join(map(str, cells.columns)) or 'none'}"
        )
    if column is None:
        raise MissingDataError(
            f"connectome.cells does not say which cells are {which}; name the column "
            "(sign_column=...), pass middle=ids, or middle='any'; columns: "
            f"{', '.join(map(str, cells.columns)) or 'none'}"
        )
    words = _words(cells[column])
    known = {v for names in _SIGNS.values() for v in names}
    if len(words) and not set(words) & known:
        raise InvalidArgumentError(
            f"column {column!r} of connectome.cells must say excitatory or inhibitory (E, I, 1, "
            f"-1), it holds {sorted(set(words))[:5]}"
        )
    chosen: BoolArray = np.isin(words, _SIGNS[which])
    return chosen


def _words(column: Any) -> AnyArray:
    words: AnyArray = column.astype(str).str.strip().str.lower().to_numpy(dtype=str)
    return words


def middle_cells(connectome: Connectome, middle: Any, column: str | None = None) -> AnyArray:
    """Ids of the cells that chains may go through."""
    both = connectome.row_ids[np.isin(connectome.row_ids, connectome.column_ids)]
    if isinstance(middle, str):
        if middle == "any":
            return both
        if middle in _SIGNS:
            chosen = connectome.ids[sign_of_cells(connectome, middle, column)]
            return both[np.isin(both, chosen)]
        raise InvalidArgumentError(
            f"middle must be 'excitatory', 'inhibitory', 'any' or ids of cells, got {middle!r}"
        )
    ids = np.asarray(list(middle) if isinstance(middle, (set, frozenset)) else middle)
    if ids.dtype.kind == "b":
        if len(ids) != len(connectome.row_ids):
            raise InvalidArgumentError(
                f"middle must have a truth value for each of {len(connectome.row_ids)} rows, got "
                f"{len(ids)}"
            )
        ids = connectome.row_ids[ids]
    positions(connectome.row_ids, ids, "row (a middle cell must send)")
    positions(connectome.column_ids, ids, "column (a middle cell must receive)")
    return both[np.isin(both, ids)]
