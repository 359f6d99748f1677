"""Write a session as an NWB file that pynwb and pynapple read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from cofire.errors import InvalidArgumentError
from cofire.io._nwb_schema import NwbWriter, Ragged, storable
from cofire.types import Session

if TYPE_CHECKING:
    import pandas as pd

_START = "1970-01-01T00:00:00+00:00"


def write_nwb(session: Session, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a session as NWB 2 (HDF5).

    Parameters
    ----------
    session : Session
        Spikes, unit table, epochs, trials, presentations, states, events and traces are written;
        unit ids must be integers.
    path : path
        Where to; the file appears only once it is complete.
    overwrite : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    InvalidArgumentError
        The file exists, unit ids are text, epochs without start and stop or trials without
        start_time, or names that NWB needs itself or that occur twice.

    Notes
    -----
    States go into one table ``/intervals/states`` with a label column, events into a table each,
    traces into ``/processing/cofire``. :func:`read_nwb` gives them back, except for what NWB has
    no place for: states without an interval, and the columns and the support of traces.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise InvalidArgumentError(f"{path} exists; pass overwrite=True to replace it")
    if session.spikes.unit_ids.dtype.kind != "i":
        raise InvalidArgumentError(
            "NWB needs integer unit ids; these are text: renumber them, and keep the names as a "
            "column of the unit table"
        )
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with h5py.File(partial, "w") as file:
            _write(NwbWriter(file), session)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write(writer: NwbWriter, session: Session) -> None:
    meta = session.meta
    writer.root(
        str(meta.get("identifier", session.path or "cofire")),
        str(meta.get("session_description", "written by cofire")),
        str(meta.get("session_start_time", _START)),
    )
    _write_units(writer, session)
    if len(session.epochs):
        _write_epochs(writer, session.epochs)
    for name, table in (
        ("trials", session.trials),
        ("stimulus_presentations", session.presentations),
    ):
        if len(table):
            if "start_time" not in table.columns:
                raise InvalidArgumentError(
                    f"{name}: NWB keeps rows by their column start_time (s); rename one of "
                    f"{', '.join(map(str, table.columns))}"
                )
            columns = {str(c): storable(str(c), table[c]) for c in table.columns}
            writer.table(f"intervals/{name}", columns, np.arange(len(table)), kind="TimeIntervals")
    if session.states:
        _write_states(writer, session)
    for name, intervals in session.events.items():
        if "/" in name:
            raise InvalidArgumentError(f"events[{name!r}]: names of NWB tables hold no slash")
        _write_rows(writer, name, intervals.data, intervals.metadata)
    if session.traces:
        writer.module("cofire")
        for name in session.traces:
            trace = session.traces[name]
            regular = {"rate": trace.rate, "t_start": trace.t_start}
            irregular = {"times": trace.times}
            clock: Mapping[str, Any] = irregular if trace.rate is None else regular
            values = trace.values[:, 0] if trace.n_signals == 1 else trace.values
            home = f"processing/cofire/{name.replace('/', '_')}"
            if home in writer.file:
                raise InvalidArgumentError(
                    f"traces[{name!r}] would be the second {home} (slashes become _); rename it"
                )
            writer.series(home, values, "n.a.", **clock)


def _write_units(writer: NwbWriter, session: Session) -> None:
    spikes = session.spikes
    table = spikes.metadata
    columns: dict[str, Any] = {
        str(name): storable(str(name), table[name])
        for name in table.columns
        if name not in ("spike_times", "obs_intervals")
    }
    columns["spike_times"] = Ragged(spikes.times, spikes.offsets[1:].astype(np.uint64))
    if spikes.support is not None and len(spikes.support):
        n = len(spikes.support)
        columns["obs_intervals"] = Ragged(
            np.tile(spikes.support.data, (spikes.n_units, 1)),
            np.arange(1, spikes.n_units + 1, dtype=np.uint64) * np.uint64(n),
        )
    writer.table("units", columns, spikes.unit_ids, kind="Units", description="sorted units")


def _write_epochs(writer: NwbWriter, epochs: pd.DataFrame) -> None:
    if not {"start", "stop"} <= set(epochs.columns):
        raise InvalidArgumentError(
            "epochs must have the columns start and stop (s), got "
            f"{', '.join(map(str, epochs.columns))}; rename them"
        )
    rest = epochs.drop(columns=["start", "stop", "name"], errors="ignore")
    names = epochs["name"] if "name" in epochs.columns else epochs.index.astype(str)
    rest = rest.assign(label=np.asarray(names, dtype=object))
    _write_rows(writer, "epochs", epochs[["start", "stop"]].to_numpy(np.float64), rest)


def _write_states(writer: NwbWriter, session: Session) -> None:
    import pandas as pd

    names = np.repeat(list(session.states), [len(v) for v in session.states.values()])
    rows = np.concatenate([v.data for v in session.states.values()])
    order = np.argsort(rows[:, 0], kind="stable")
    _write_rows(writer, "states", rows[order], pd.DataFrame({"label": names.astype(object)[order]}))


def _write_rows(writer: NwbWriter, name: str, rows: Any, metadata: pd.DataFrame) -> None:
    columns: dict[str, Any] = {"start_time": rows[:, 0], "stop_time": rows[:, 1]}
    columns |= {str(c): storable(str(c), metadata[c]) for c in metadata.columns}
    writer.table(f"intervals/{name}", columns, np.arange(len(rows)), kind="TimeIntervals")
