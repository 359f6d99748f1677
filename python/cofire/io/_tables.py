"""Column tables of NWB files (DynamicTable) as pandas tables."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from cofire._validate import AnyArray, IntArray
from cofire.errors import (
    DuplicateIdError,
    FileFormatError,
    IdPrecisionError,
    RaggedIndexError,
    TrialError,
)
from cofire.io._hdf5 import Source, text_of

if TYPE_CHECKING:
    import pandas as pd

# Truth values that writers store as 0, 1 and NaN once one of them is unknown.
FLAGS = frozenset(
    {
        "aborted", "active", "auto_rewarded", "catch", "correct_reject", "false_alarm", "go", "hit",
        "is_change", "is_image_novel", "is_sham_change", "miss", "omitted", "rewarded",
        "stimulus_change", "valid_data",
    }
)  # fmt: skip
OUTCOMES = ("hit", "miss", "false_alarm", "correct_reject", "aborted", "auto_rewarded")
_EXACT_FLOAT = 2**53
# Columns that hold references into series; long, and of no use in a table.
_SKIPPED = frozenset({"timeseries", "tags"})


def read_ids(source: Source, table: h5py.Group, row: str) -> AnyArray:
    """Ids of a table: unique int64 (or text)."""
    dataset = source.dataset(table, "id")
    if dataset is None:
        raise source.missing(f"{table.name}/id", table)
    one_per_row(source, dataset, "iufO")
    ids = whole_numbers(source.read(dataset), f"{source.path}:{dataset.name}")
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise DuplicateIdError(
            f"{source.path}:{dataset.name} repeats {row} ids {values[counts > 1][:5].tolist()}; "
            "ids must be unique, renumber them in a copy of the file"
        )
    return ids


def whole_numbers(values: AnyArray, where: str) -> AnyArray:
    """Ids as int64; ids that went through floating point are refused once digits are lost."""
    if values.dtype.kind == "f":
        if (np.abs(values) > _EXACT_FLOAT).any():
            raise IdPrecisionError(
                f"{where} holds ids beyond 2**53 as floating point ({values.dtype}), so their "
                "last digits are lost; write them again as 64-bit integers"
            )
        if not (np.isfinite(values) & (values == np.floor(values))).all():
            raise FileFormatError(f"{where} holds ids that are not whole numbers")
    if values.dtype.kind in "iuf":
        return values.astype(np.int64)
    return values


def read_columns(
    source: Source, table: h5py.Group, n_rows: int, skip: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """Columns with one value per row; ragged and multi-dimensional ones are left in the file."""
    import pandas as pd

    columns: dict[str, Any] = {}
    present = set(table)
    for name in _column_names(table):
        dataset = source.dataset(table, name)
        if dataset is None or dataset.ndim != 1 or name in skip or name == "id":
            continue
        if f"{name}_index" in present or name.removesuffix("_index") in present - {name}:
            continue
        if dataset.shape[0] != n_rows:
            raise FileFormatError(
                f"{source.path}:{dataset.name} has {dataset.shape[0]} values for {n_rows} rows"
            )
        if h5py.check_ref_dtype(dataset.dtype) is h5py.Reference:
            columns[name] = _names_of(source, table.file, dataset)
        elif dataset.dtype.names is None:
            columns[name] = _flag(name, source.read(dataset))
    return pd.DataFrame(columns, index=pd.RangeIndex(n_rows))


def read_ragged(source: Source, table: h5py.Group, name: str, n_rows: int) -> list[AnyArray]:
    """One array per row of a ragged column."""
    data = source.dataset(table, name)
    offsets = ragged_offsets(source, table, name, n_rows)
    values = source.read(data)
    return [values[a:b] for a, b in itertools.pairwise(offsets)]


def ragged_offsets(source: Source, table: h5py.Group, name: str, n_rows: int) -> IntArray:
    """Offsets (n_rows + 1,) of a ragged column, checked against its data.

    Raises
    ------
    RaggedIndexError
        The index is not integer, negative, decreasing, too large, or does not fit rows or data.
    """
    data, index = source.dataset(table, name), source.dataset(table, f"{name}_index")
    if index is None:
        raise source.missing(f"{table.name}/{name}_index", table)
    if not data.shape:
        raise FileFormatError(f"{source.path}:{data.name} must be an array, got shape {data.shape}")
    where = f"{source.path}:{index.name}"
    remedy = "the file is damaged or was written with an error; it cannot be read safely"
    ends = source.read(index)
    if ends.dtype.kind not in "iu" or ends.ndim != 1:
        raise RaggedIndexError(f"{where} must be 1-D integers, got {ends.dtype} {ends.shape}")
    if len(ends) != n_rows:
        raise RaggedIndexError(f"{where} has {len(ends)} entries for {n_rows} rows; {remedy}")
    if len(ends) and (int(ends.max()) > np.iinfo(np.int64).max or int(ends.min()) < 0):
        raise RaggedIndexError(
            f"{where} holds {int(ends.min())}..{int(ends.max())}, outside 0..2**63-1; {remedy}"
        )
    offsets = np.zeros(n_rows + 1, dtype=np.int64)
    offsets[1:] = ends
    falls = np.flatnonzero(np.diff(offsets) < 0)
    if len(falls):
        row = int(falls[0])
        raise RaggedIndexError(
            f"{where} decreases at row {row}: {offsets[row + 1]} after {offsets[row]} (an index "
            f"of type {ends.dtype} may have overflowed); {remedy}"
        )
    n_values = int(data.shape[0])
    if offsets[-1] != n_values:
        raise RaggedIndexError(
            f"{where} ends at {offsets[-1]} but {data.name} holds {n_values} values; {remedy}"
        )
    return offsets


def read_intervals(source: Source, table: h5py.Group) -> pd.DataFrame:
    """Rows of a table of time intervals: start_time, stop_time and every scalar column."""
    start = source.dataset(table, "start_time")
    if start is None:
        raise source.missing(f"{table.name}/start_time", table)
    one_per_row(source, start)
    frame = read_columns(source, table, int(start.shape[0]), _SKIPPED)
    ids = source.dataset(table, "id")
    if ids is not None and ids.shape == start.shape:
        frame.index = read_ids(source, table, "row")
    if "stop_time" not in frame.columns:
        frame["stop_time"] = frame["start_time"]
    else:
        one_per_row(source, source.dataset(table, "stop_time"))
    if "tags" in table and "tags_index" in table:
        tags = read_ragged(source, table, "tags", len(frame))
        frame["tags"] = [",".join(map(str, row)) for row in tags]
    return frame


def check_trials(frame: pd.DataFrame, where: str) -> None:
    """Each trial has one outcome, and its change lies inside it.

    Raises
    ------
    TrialError
        Naming the rows that contradict themselves.
    """
    known = [name for name in OUTCOMES if name in frame.columns]
    if len(known) == len(OUTCOMES):
        total = sum(_numeric(frame, name, where).fillna(0.0) for name in known)
        what = f"do not have exactly one outcome of {', '.join(known)}"
        _refuse_rows(frame, total != 1, where, what)
    for name in ("change_time", "change_time_no_display_delay"):
        if name in frame.columns:
            change = _numeric(frame, name, where)
            # Comparisons with NaN (a trial without change) are false.
            outside = (change < frame["start_time"]) | (change > frame["stop_time"])
            _refuse_rows(frame, outside, where, f"have a {name} outside [start_time, stop_time]")


def one_per_row(source: Source, dataset: h5py.Dataset, kinds: str = "fiu") -> None:
    """Refuse what is not one number (or whatever `kinds` allows) per row."""
    if dataset.shape is None or len(dataset.shape) != 1 or dataset.dtype.kind not in kinds:
        raise FileFormatError(
            f"{source.path}:{dataset.name} must hold one number per row, got {dataset.dtype} of "
            f"shape {dataset.shape}"
        )


def _numeric(frame: pd.DataFrame, name: str, where: str) -> Any:
    try:
        return frame[name].astype("float64")
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{where}/{name} must hold numbers: {error}") from error


def _refuse_rows(frame: pd.DataFrame, wrong: pd.Series, where: str, what: str) -> None:
    if wrong.any():
        rows = frame.index[wrong.to_numpy()].tolist()
        shown = ", ".join(map(str, rows[:5])) + (" ..." if len(rows) > 5 else "")
        raise TrialError(f"{where}: trials {shown} {what}; correct or remove them in the file")


def _column_names(table: h5py.Group) -> list[str]:
    """Return the declared order first, then columns that nobody declared."""
    declared = [text_of(name) for name in table.attrs.get("colnames", ())]
    return [name for name in dict.fromkeys([*declared, *table]) if name in table]


def _flag(name: str, values: AnyArray) -> Any:
    if name not in FLAGS or values.dtype.kind != "f":
        return values
    import pandas as pd

    if not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
        return values
    return pd.array(
        [pd.NA if np.isnan(v) else bool(v) for v in values],
        dtype="boolean",
    )


def _names_of(source: Source, file: h5py.File, dataset: h5py.Dataset) -> AnyArray:
    """Last part of the path of each object referred to."""
    source.check(dataset)
    names = [_target(file, ref).rsplit("/", 1)[-1] for ref in dataset[()]]
    return np.array(names, dtype=object)


def _target(file: h5py.File, ref: h5py.Reference) -> str:
    """Path of what a reference leads to, "" if that is gone."""
    try:
        return (file[ref].name or "") if ref else ""
    except (ValueError, KeyError, OSError):
        return ""
