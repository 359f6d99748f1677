"""Read CellExplorer (buzcode) session folders."""

from __future__ import annotations

import glob
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import BoolArray, FloatArray
from cofire.errors import (
    DataWarning,
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingError,
    RecordingNotFoundError,
)
from cofire.io._matlab import as_list, numbers, read_mat, rows_of
from cofire.io._tables import whole_numbers
from cofire.types import Intervals, Session, SpikeTrains, as_intervals
from cofire.types._edges import edge_pairs

if TYPE_CHECKING:
    import pandas as pd

_EPOCH_FIELDS = (
    "name",
    "startTime",
    "stopTime",
    "environment",
    "behavioralParadigm",
    "manipulation",
    "stimuli",
    "notes",
)
_EVENT_COLUMNS = ("peaks", "amplitude", "duration", "frequency", "peakNormedPower")
_SLEEP = {"WAKEstate": "WAKE", "NREMstate": "NREM", "REMstate": "REM"}

Patterns = str | Sequence[str] | None


def read_cellexplorer(
    folder: str | Path,
    *,
    basename: str | None = None,
    cell_type: Patterns = None,
    region: Patterns = None,
    remove_bad_units: bool = True,
    support: Any = None,
    on_unsorted: str = "error",
    max_bytes: int | None = None,
) -> Session:
    """Read a CellExplorer session folder.

    Parameters
    ----------
    folder : path
        ``.../<animal>/<basename>``; files are ``<basename>.<kind>.mat``, MATLAB v5 or v7.3.
    basename : str, optional
        Default the name of the folder, or the one ``*.session.mat`` in it.
    cell_type, region : str or sequence of str, optional
        Keep units whose ``putativeCellType`` (``brainRegion``) matches this regular expression
        anywhere (``"CA1|PFC"``); of a sequence any may match.
    remove_bad_units : bool
        Whether units tagged ``Bad`` are left out.
    support : Intervals or array_like (n, 2), s, optional
        Default from the first epoch's start to the last epoch's stop.
    on_unsorted : {"error", "sort"}
        Trains that are not sorted.
    max_bytes : int, optional
        Refuse larger files; default half of the memory that is free.

    Returns
    -------
    Session
        ``.spikes`` of ``cell_metrics`` (else of ``spikes.cellinfo``), ids = UID; the unit table
        has every per-unit field of ``cell_metrics``, with ``region``, ``cell_type`` and
        ``putative_cell_type`` beside the original names. ``.epochs`` has name, start, stop and
        the file's fields. ``.states`` of SleepState, ``.events`` of ``ripples`` and of every other
        ``*.events.mat``. ``.meta["fs"]`` is the spike clock. Files that are not there leave their
        part empty; a session without spikes warns.

    Raises
    ------
    RecordingNotFoundError, MissingDataError, FileFormatError
        No folder, none of the files, or a damaged one.

    Notes
    -----
    Ripples flagged for removal are dropped and those added by hand get the mean duration, centered
    on their peak. Layout: Petersen et al., Neuron 109, 3594 (2021),
    doi:10.1016/j.neuron.2021.09.002.

    Examples
    --------
    >>> import tempfile, pathlib, cofire as cf
    >>> made = cf.datasets.make_assembly_recording(12, 20.0, n_assemblies=1)
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "rat1" / "day1"
    >>> cf.io.write_cellexplorer(made.session, folder)
    >>> cf.io.read_cellexplorer(folder, region="PFC").spikes.n_units
    6
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RecordingNotFoundError(f"{folder}: no such folder")
    base = basename or _basename(folder)
    if not any(folder.glob(f"{glob.escape(base)}.*.mat")):
        has = ", ".join(sorted(p.name for p in folder.iterdir())[:20]) or "nothing"
        raise MissingDataError(
            f"{folder} holds no CellExplorer files {base}.*.mat; it holds: {has}"
        )
    files = _Files(folder, base, max_bytes)
    info = _dict(files.read("session.mat", "session"))
    epochs = _epochs(info)
    meta: dict[str, Any] = {"format": "CellExplorer", "identifier": base}
    extracellular = _dict(info.get("extracellular"))
    for key, field in (("fs", "sr"), ("fs_lfp", "srLfp"), ("n_channels", "nChannels")):
        if np.size(extracellular.get(field, ())) == 1:
            meta[key] = float(extracellular[field])
    span = support
    if span is None and len(epochs):
        span = [[epochs["start"].min(), epochs["stop"].max()]]
    spikes = _spikes(files, span, on_unsorted, remove_bad_units)
    if spikes is None:
        warnings.warn(
            f"{folder} has neither {base}.cell_metrics.cellinfo.mat nor "
            f"{base}.spikes.cellinfo.mat: the session has no spikes",
            DataWarning,
            stacklevel=2,
        )
    else:
        spikes = spikes.select(
            _matches(spikes.metadata, "cell_type", cell_type)
            & _matches(spikes.metadata, "region", region)
        )
    return Session(
        spikes,
        epochs=epochs,
        states=_states(files),
        events=_events(files),
        path=folder,
        meta=meta,
    )


def read_events(path: str | Path, *, max_bytes: int | None = None) -> Intervals:
    """Read one CellExplorer event file, ``<basename>.<name>.events.mat``.

    Parameters
    ----------
    path : path
        MATLAB v5 or v7.3, holding the struct ``<name>`` with ``timestamps``.
    max_bytes : int, optional
        Refuse a larger file.

    Returns
    -------
    Intervals
        Flagged events left out, events added by hand included.

    Raises
    ------
    RecordingNotFoundError, FileFormatError
        No such file, or not one of events.
    """
    file = Path(path)
    if not file.is_file():
        raise RecordingNotFoundError(f"{file}: no such file")
    name = file.name.removesuffix(".mat").removesuffix(".events").split(".")[-1]
    found = read_mat(file, name, max_bytes)
    if not isinstance(found, dict) or not {"timestamps", "times"} & set(found):
        raise FileFormatError(
            f"{file} holds no events: it needs the struct {name!r} with the field timestamps"
        )
    return _event(found, name)


class _Files:
    """The .mat files of one session."""

    def __init__(self, folder: Path, base: str, max_bytes: int | None) -> None:
        self.folder, self.base, self.max_bytes = folder, base, max_bytes

    def read(self, kind: str, variable: str) -> Any:
        """Variable of ``<base>.<kind>``, None if there is no such file."""
        path = self.folder / f"{self.base}.{kind}"
        return read_mat(path, variable, self.max_bytes) if path.exists() else None

    def events(self) -> list[str]:
        """Names of the event files."""
        found = sorted(self.folder.glob(f"{self.base}.*.events.mat"))
        return [p.name[len(self.base) + 1 : -len(".events.mat")] for p in found]


def _basename(folder: Path) -> str:
    if any(folder.glob(f"{folder.name}.*.mat")):
        return folder.name
    found = sorted(folder.glob("*.session.mat"))
    return found[0].name[: -len(".session.mat")] if len(found) == 1 else folder.name


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _epochs(info: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for number, epoch in enumerate(as_list(info.get("epochs"))):
        if not isinstance(epoch, dict):
            continue
        row = {field: _cell(epoch.get(field)) for field in _EPOCH_FIELDS}
        row |= {k: _cell(v) for k, v in epoch.items() if k not in row and np.size(v) <= 1}
        if not isinstance(row["name"], str):
            row["name"] = str(number)
        rows.append(row)
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows)
    for column, field in (("start", "startTime"), ("stop", "stopTime")):
        position = 1 if column == "start" else 2
        table.insert(position, column, pd.to_numeric(table[field], errors="coerce"))
    if table[["start", "stop"]].isna().any(axis=None):
        bad = table.loc[table[["start", "stop"]].isna().any(axis=1), "name"].tolist()
        raise FileFormatError(f"session.epochs: {bad} have no startTime or stopTime")
    if (table["stop"] < table["start"]).any():
        bad = table.loc[table["stop"] < table["start"], "name"].tolist()
        raise FileFormatError(f"session.epochs: {bad} stop before they start; correct the times")
    return table


def _cell(value: Any) -> Any:
    """One value, NaN for what is missing or empty."""
    if value is None or isinstance(value, dict) or np.size(value) == 0:
        return np.nan
    if isinstance(value, str):
        return value if value else np.nan
    if isinstance(value, list):
        return _cell(value[0]) if len(value) == 1 else ", ".join(map(str, value))
    return np.asarray(value).item() if np.size(value) == 1 else np.nan


def _spikes(files: _Files, support: Any, on_unsorted: str, remove_bad: bool) -> SpikeTrains | None:
    metrics = _dict(files.read("cell_metrics.cellinfo.mat", "cell_metrics"))
    trains = _dict(metrics.get("spikes")).get("times")
    uid = metrics.get("UID")
    fallback: dict[str, Any] = {}
    if trains is None:
        fallback = _dict(files.read("spikes.cellinfo.mat", "spikes"))
        trains, uid = fallback.get("times"), fallback.get("UID", uid)
    if trains is None:
        return None
    trains = _trains(trains, uid)
    ids = np.arange(1, len(trains) + 1)
    if uid is not None:
        ids = whole_numbers(np.atleast_1d(numbers(uid, f"{files.folder}: UID")), "UID")
    if len(ids) != len(trains):
        raise FileFormatError(
            f"{files.folder}: {len(trains)} spike trains for {len(ids)} UIDs in {files.base}"
        )
    table = _unit_table({**fallback, **metrics}, len(ids))
    try:
        found = SpikeTrains.from_list(trains, ids, support, table, on_unsorted=on_unsorted)
    except RecordingError as error:
        raise type(error)(f"{files.folder}: {error}") from error
    bad = _dict(metrics.get("tags")).get("Bad")
    if remove_bad and bad is not None:
        found = found.select(~np.isin(ids, np.ravel(numbers(bad, "tags.Bad"))))
    return found


def _trains(times: Any, uid: Any) -> list[FloatArray]:
    """One array per unit; MATLAB drops the cell around a lone unit on some paths."""
    if isinstance(times, list):
        return [np.ravel(numbers(t, f"spike times of unit {i}")) for i, t in enumerate(times)]
    array = numbers(times, "spike times")
    if uid is not None and np.size(uid) > 1 and array.ndim == 2:
        return [np.ravel(row) for row in (array if len(array) == np.size(uid) else array.T)]
    return [np.ravel(array)]


def _unit_table(metrics: dict[str, Any], n_units: int) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, value in metrics.items():
        if name in ("UID", "times", "spikes") or isinstance(value, (dict, str)):
            continue
        cells = as_list(value)
        if len(cells) == n_units and all(np.size(c) <= 1 for c in cells):
            columns[name] = [_cell(c) for c in cells]
    for name, field in (
        ("region", "brainRegion"),
        ("cell_type", "putativeCellType"),
        ("putative_cell_type", "putativeCellType"),
    ):
        if field in columns:
            columns[name] = columns[field]
    return pd.DataFrame(columns, index=pd.RangeIndex(n_units))


def _matches(table: pd.DataFrame, column: str, patterns: Patterns) -> BoolArray:
    if patterns is None:
        return np.ones(len(table), dtype=bool)
    if column not in table.columns:
        raise MissingDataError(
            f"units cannot be chosen by {column}: cell_metrics has no such field; it has "
            f"{', '.join(map(str, table.columns)) or 'none'}"
        )
    wanted = [patterns] if isinstance(patterns, str) else list(patterns)
    try:
        # A unit without a label (NaN) matches nothing, not the letters of "nan".
        found = [isinstance(v, str) and any(re.search(p, v) for p in wanted) for v in table[column]]
    except re.error as error:
        raise InvalidArgumentError(
            f"{column}={patterns!r} is no regular expression: {error}"
        ) from error
    return np.array(found, dtype=bool)


def _states(files: _Files) -> dict[str, Intervals]:
    state = _dict(files.read("SleepState.states.mat", "SleepState"))
    ints = _dict(state.get("ints"))
    return {
        _SLEEP.get(name, name): as_intervals(rows_of(value, f"SleepState.ints.{name}"), name)
        for name, value in ints.items()
    }


def _events(files: _Files) -> dict[str, Intervals]:
    events: dict[str, Intervals] = {}
    for name in files.events():
        found = files.read(f"{name}.events.mat", name)
        if isinstance(found, dict):
            events[name] = _event(found, name)
    return events


def _event(found: dict[str, Any], event: str) -> Intervals:
    import pandas as pd

    rows = rows_of(found.get("timestamps", found.get("times", ())), f"{event}.timestamps")
    columns = {
        name: np.ravel(numbers(found[name], f"{event}.{name}"))
        for name in _EVENT_COLUMNS
        if name in found and np.size(found[name]) == len(rows)
    }
    table = pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))
    flagged = np.ravel(numbers(found.get("flagged", ()), f"{event}.flagged")).astype(np.int64)
    keep = np.ones(len(rows), dtype=bool)
    keep[flagged[(flagged >= 1) & (flagged <= len(rows))] - 1] = False
    rows, table = rows[keep], table.loc[keep].reset_index(drop=True)
    added = np.ravel(numbers(found.get("added", ()), f"{event}.added"))
    if len(added) and len(rows):
        half = float((rows[:, 1] - rows[:, 0]).mean()) / 2
        rows = np.concatenate([rows, np.column_stack([added - half, added + half])])
        extra = pd.DataFrame({"peaks": added, "duration": 2 * half})
        extra = extra[[c for c in extra.columns if c in table.columns]]
        table = pd.concat([table, extra], ignore_index=True)
    return Intervals(
        edge_pairs(rows, f"{event}.timestamps"),
        metadata=table if len(table.columns) else None,
        on_overlap="keep",
    )
