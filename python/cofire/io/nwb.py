"""Read NWB files with h5py alone: spikes straight into one flat array, the rest on demand."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from cofire._validate import FloatArray, IntArray, one_of, positive, real
from cofire.errors import (
    DataWarning,
    InvalidArgumentError,
    SpikeTimeError,
    UnsupportedVersionError,
)
from cofire.io._hdf5 import Source, open_limit, text_of
from cofire.io._series import LazyTraces
from cofire.io._tables import check_trials, ragged_offsets, read_intervals
from cofire.io._units import (
    SpikeRules,
    check_range,
    checked_spikes,
    choose_units,
    read_spikes,
    unit_table,
)
from cofire.types import Intervals, Session, SpikeTrains

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("spikes", "intervals", "traces")
_STATE_TABLES = ("states", "brain_states", "sleep_states")
_LABELS = ("label", "state", "name", "tags")


def read_nwb(
    path: str | Path,
    *,
    units: Any = None,
    load: Collection[str] = PARTS,
    amplitudes: bool = False,
    max_bytes: int | None = None,
    allow_external: bool = False,
    on_unsorted: str = "error",
    on_invalid: str = "error",
    min_isi: float | None = None,
    strict: bool = False,
    t_start: float | None = None,
) -> Session:
    """Read a recording from an NWB 2 file (HDF5).

    Parameters
    ----------
    path : path
        The file. Treated as untrusted: sizes are checked before anything is read and data outside
        the file are refused.
    units : mask, list of unit ids or str, optional
        Read only these units; a string is a pandas query on the unit table, for example
        ``"region == 'VISp' and snr > 1"``. Default all.
    load : subset of {"spikes", "intervals", "traces"}
        What to read. Without ``"spikes"`` the session has no units.
    amplitudes : bool
        Whether to read ``spike_amplitudes`` into ``meta["spike_amplitudes"]``, one per spike.
    max_bytes : int, optional
        Refuse data sets that declare more; default half of the memory that is free.
    allow_external : bool
        Whether the file may draw on other files (external storage, virtual data sets, external
        links).
    on_unsorted : {"error", "sort"}
        Trains that are not sorted.
    on_invalid : {"error", "drop"}
        Spike times that are NaN or infinite; dropping warns and counts them in ``meta``.
    min_isi : float, s, optional
        Drop spikes that follow the one before by less; default keep all, duplicates too (counted
        in ``meta["n_duplicates"]`` when `strict`).
    strict : bool
        Whether times beyond the recording are an error rather than a warning.
    t_start : float, s, optional
        Start of the recording; default 0, or the start of the epochs or observation intervals if
        that is earlier. Spikes before it are an error.

    Returns
    -------
    Session
        ``.spikes`` with support and unit table (``region`` names the brain region where the file
        knows one; columns of the unit's electrode are joined), ``.epochs``, ``.trials``,
        ``.presentations``, ``.states``, ``.events``, ``.traces`` (read on access), ``.meta``.

    Raises
    ------
    RecordingError
        A subclass that names file, place and remedy: FileFormatError, UnsupportedVersionError,
        MissingDataError, RaggedIndexError, SpikeTimeError, DuplicateIdError, JoinError,
        SeriesError, TrialError, IdPrecisionError, TooLargeError, ExternalDataError.

    Notes
    -----
    Reading some of the units reads little else: gaps between them are skipped from 16 KiB on where
    the spike times lie in the file in one piece, and from 1 MiB on where they are chunked or
    compressed.

    Support: the union of the units' observation intervals; without them from the start of the
    first epoch to the stop of the last, widened to the first and last spike if those lie outside
    (with a warning); without epochs it stays None, and functions take first to last spike.

    Tables of ``/intervals``: ``epochs`` and ``trials`` go where they are called; tables named
    ``*_presentations`` are joined and sorted by start; ``states``, ``brain_states`` and
    ``sleep_states`` become one state per label; every other table, and every table of start and
    stop times in ``/processing``, becomes ``events[name]`` with its columns as metadata.

    Responses of imaged cells (``RoiResponseSeries`` in ``DfOverF`` or ``Fluorescence``) are traces
    (n_frames, n_rois) with the ids of the ROIs as columns, also where the file holds ROIs first
    (told by the length of ``rois``). Files without units, as those of imaging, are read with
    ``load=("intervals", "traces")``; ``traces.imaging`` names these series and where they lie.

    Examples
    --------
    >>> import tempfile, pathlib, cofire as cf
    >>> made = cf.datasets.make_assembly_recording(12, 20.0, n_assemblies=1)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "made.nwb"
    >>> cf.io.write_nwb(made.session, path)
    >>> session = cf.io.read_nwb(path, units="region == 'CA1'")
    >>> session.spikes.n_units, session.epochs["name"].tolist()
    (6, ['pre', 'task', 'post'])
    """
    one_of(on_unsorted, "on_unsorted", ("error", "sort"))
    one_of(on_invalid, "on_invalid", ("error", "drop"))
    unknown = set(load) - set(PARTS)
    if isinstance(load, str) or unknown:
        raise InvalidArgumentError(f"load must be some of {PARTS}, got {load!r}")
    source = Source(Path(path), open_limit(max_bytes), allow_external)
    with source.open() as file:
        _check_version(source, file)
        parts = _read_intervals(source, file) if "intervals" in load else {}
        meta = _facts(source, file)
        spikes = None
        if "spikes" in load:
            epochs = parts.get("epochs")
            start, stop = _declared_span(source, file, epochs)
            rules = SpikeRules(
                on_unsorted,
                on_invalid,
                strict,
                None if min_isi is None else positive(min_isi, "min_isi", "s"),
                min(start, 0.0) if t_start is None else real(t_start, "t_start"),
            )
            spikes, notes = _read_spikes(source, file, units, rules, (start, stop), amplitudes)
            meta |= notes
        traces = LazyTraces.of(source, file) if "traces" in load else None
    return Session(spikes, **parts, traces=traces, path=source.path, meta=meta)


def _check_version(source: Source, file: h5py.File) -> None:
    version = file.attrs.get("nwb_version")
    if version is None:
        dataset = source.dataset(file, "nwb_version")
        version = None if dataset is None else source.read(dataset)
    if version is None:
        processing = source.group(file, "processing")
        # By name, not by value: values would follow links to other files.
        groups = [source.group(processing, name) for name in processing or ()]
        if any(g is not None and "UnitTimes" in g for g in groups):
            version = "1"
    if version is not None and not text_of(version).lower().removeprefix("nwb-").startswith("2"):
        raise UnsupportedVersionError(
            f"{source.path} is NWB {text_of(version)}; cofire reads NWB 2: convert the file, or "
            "pass its spike times to cofire.SpikeTrains"
        )


def _read_spikes(
    source: Source,
    file: h5py.File,
    wanted: Any,
    rules: SpikeRules,
    span: tuple[float, float | None],
    amplitudes: bool,
) -> tuple[SpikeTrains, dict[str, Any]]:
    units = source.group(file, "units")
    if units is None:
        raise source.missing("/units, so there are no spikes", file)
    table = unit_table(source, file)
    if "spike_times" not in units and len(table):
        raise source.missing(f"{units.name}/spike_times", units)
    chosen = choose_units(table, wanted)
    table = table.iloc[chosen]
    ids = table.index.to_numpy()
    times, offsets, good = read_spikes(source, units, chosen)
    companion = read_spikes(source, units, chosen, "spike_amplitudes")[0] if amplitudes else None
    times, offsets, companion, notes = checked_spikes(
        source, times, offsets, ids, rules, good, companion
    )
    support = _observed(source, units, chosen)
    stop = span[1] if support is None else float(support.stops[-1])
    check_range(source, times, offsets, rules, stop)
    if rules.strict:
        notes["n_duplicates"] = count_duplicates(times, offsets)
    if companion is not None:
        notes["spike_amplitudes"] = companion
    if support is None:
        support = _support_of_epochs(span, times, offsets)
        return SpikeTrains._trusted(times, offsets, ids, support, table), notes
    spikes = SpikeTrains(times, offsets, ids, support, table)
    if spikes.n_spikes < len(times):
        # NWB intervals are closed: a spike at the very end belongs to them.
        closed = support.data.copy()
        closed[:, 1] = np.nextafter(closed[:, 1], np.inf)
        widened = SpikeTrains(times, offsets, ids, Intervals(closed, on_overlap="merge"), table)
        spikes = widened if widened.n_spikes > spikes.n_spikes else spikes
    lost = len(times) - spikes.n_spikes
    if lost:
        message = f"{source.path}: {lost} spikes lie outside the observation intervals"
        if rules.strict or amplitudes:
            raise SpikeTimeError(f"{message}; correct /units/obs_intervals")
        notes["dropped_outside_support"] = lost
        warnings.warn(f"{message} and were dropped", DataWarning, stacklevel=3)
    return spikes, notes


def count_duplicates(times: FloatArray, offsets: IntArray, block: int = 2**20) -> int:
    """Count spikes at the very time of the one before, in the same unit; in little memory."""
    total = 0
    for start in range(0, len(times), block):
        stop = min(start + block + 1, len(times))
        total += int(np.count_nonzero(times[start + 1 : stop] == times[start : stop - 1]))
    heads = offsets[1:-1][(np.diff(offsets)[1:] > 0) & (offsets[1:-1] > 0)]
    return total - int(np.count_nonzero(times[heads] == times[heads - 1]))


def _observed(source: Source, units: h5py.Group, chosen: IntArray) -> Intervals | None:
    """Union of the observation intervals of the chosen units."""
    data = source.dataset(units, "obs_intervals")
    if data is None or not data.shape[0]:
        return None
    offsets = ragged_offsets(source, units, "obs_intervals", int(units["id"].shape[0]))
    rows = source.read(data).astype(np.float64)
    kept = [rows[offsets[i] : offsets[i + 1]] for i in chosen]
    if not sum(map(len, kept)):
        return None
    edges = np.unique(np.concatenate(kept), axis=0)
    return Intervals(edges, on_overlap="merge")


def _declared_span(
    source: Source, file: h5py.File, epochs: pd.DataFrame | None
) -> tuple[float, float | None]:
    """Start and stop of the recording as the file declares them, (0, None) if it does not."""
    units = source.group(file, "units")
    observed = None if units is None else source.dataset(units, "obs_intervals")
    if observed is not None and observed.shape[0]:
        rows = source.read(observed)
        return float(rows[:, 0].min()), float(rows[:, 1].max())
    if epochs is None:
        groups = source.group(file, "intervals")
        table = None if groups is None else source.group(groups, "epochs")
        if table is None:
            return 0.0, None
        epochs = _epochs(read_intervals(source, table))
    if not len(epochs):
        return 0.0, None
    return float(epochs["start"].min()), float(epochs["stop"].max())


def _support_of_epochs(
    span: tuple[float, float | None], times: FloatArray, offsets: IntArray
) -> Intervals | None:
    start, stop = span
    if stop is None:
        return None
    active = np.diff(offsets) > 0
    if active.any():
        start = min(start, float(times[offsets[:-1][active]].min()))
        last = float(times[offsets[1:][active] - 1].max())
        stop = max(stop, float(np.nextafter(last, np.inf)))
    return Intervals([[start, stop]])


def _read_intervals(source: Source, file: h5py.File) -> dict[str, Any]:
    """Epochs, trials, presentations, states and events of the file."""
    import pandas as pd

    parts: dict[str, Any] = {"states": {}, "events": {}}
    shown: list[pd.DataFrame] = []
    for name, table in _tables(source, file):
        frame = read_intervals(source, table)
        if name == "epochs":
            parts["epochs"] = _epochs(frame)
        elif name == "trials":
            check_trials(frame, f"{source.path}:{table.name}")
            parts["trials"] = frame
        elif name.endswith("_presentations"):
            shown.append(_nullable(frame.assign(table=name)))
        elif name in _STATE_TABLES and _label(frame) is not None:
            for state, rows in frame.groupby(_label(frame), sort=False):
                parts["states"][str(state)] = Intervals(
                    rows[["start_time", "stop_time"]].to_numpy(np.float64), on_overlap="keep"
                )
        else:
            rest = frame.drop(columns=["start_time", "stop_time"])
            parts["events"][name] = Intervals(
                frame[["start_time", "stop_time"]].to_numpy(np.float64),
                metadata=rest.reset_index(drop=True) if len(rest.columns) else None,
                on_overlap="keep",
            )
    if shown:
        joined = pd.concat(shown, ignore_index=True)
        parts["presentations"] = joined.sort_values("start_time", kind="stable", ignore_index=True)
    return parts


def _tables(source: Source, file: h5py.File) -> list[tuple[str, h5py.Group]]:
    """Every table of start times: in /intervals, and in the modules of /processing."""
    homes = [source.group(file, "intervals")]
    processing = source.group(file, "processing")
    if processing is not None:
        homes += [source.group(processing, name) for name in processing]
    found: list[tuple[str, h5py.Group]] = []
    for home in homes:
        for name in home if home is not None else ():
            table = source.group(home, name)
            if table is not None and "start_time" in table:
                found.append((name, table))
    return found


def _epochs(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns name, start, stop first; unnamed epochs are called by their number."""
    label = _label(frame)
    names = frame.index.astype(str) if label is None else frame[label].astype(str)
    rest = frame.drop(columns=["start_time", "stop_time", *([label] if label else [])])
    table = rest.reset_index(drop=True)
    table.insert(0, "name", np.asarray(names, dtype=object))
    table.insert(1, "start", frame["start_time"].to_numpy(np.float64))
    table.insert(2, "stop", frame["stop_time"].to_numpy(np.float64))
    return table.sort_values("start", kind="stable", ignore_index=True)


def _label(frame: pd.DataFrame) -> str | None:
    for name in _LABELS:
        if name in frame.columns and frame[name].dtype.kind in "OT":
            return name
    return None


def _nullable(frame: pd.DataFrame) -> pd.DataFrame:
    """Truth values that stay truth values when another table lacks them."""
    flags = {name: "boolean" for name in frame.columns if frame[name].dtype == bool}
    return frame.astype(flags)


def _facts(source: Source, file: h5py.File) -> dict[str, Any]:
    """Short texts of the file: description, session start, subject, laboratory."""
    version = text_of(file.attrs.get("nwb_version", ""))
    facts: dict[str, Any] = {"format": "NWB", "nwb_version": version}
    general = source.group(file, "general")
    for prefix, group in (
        ("", file),
        ("", general),
        ("subject_", None if general is None else source.group(general, "subject")),
    ):
        for name in group if group is not None else ():
            dataset = source.dataset(group, name)
            if dataset is None or dataset.shape != ():
                continue
            if h5py.check_string_dtype(dataset.dtype) is not None:
                key = name if name.startswith(prefix) else prefix + name
                facts[key] = text_of(source.read(dataset))
    return {key: text for key, text in facts.items() if text}
