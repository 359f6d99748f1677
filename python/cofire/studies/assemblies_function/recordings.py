"""A calcium recording, however it comes: arrays, files, sessions, made recordings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, vector
from cofire.errors import FileFormatError, InvalidArgumentError, MissingDataError
from cofire.io.suite2p import is_suite2p
from cofire.studies.assemblies_function.config import FunctionConfig
from cofire.studies.calcium_assemblies.config import CalciumConfig
from cofire.studies.calcium_assemblies.source import read_calcium
from cofire.types import Session, Traces

_DFF = ("dff", "dFF", "dF_F", "df_over_f", "traces", "values")
_TIMES = ("frame_times", "times", "timestamps")
_POSITIONS = ("positions", "locations", "centers")
_XYZ = ("x", "y", "z")
_LOWER = ("dff", "df_f", "df_over_f", "dfoverf")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """dF/F of units, and what else is known of them.

    Attributes
    ----------
    values : ndarray (n_frames, n_units)
        dF/F as it came; it may lie on disk.
    times : ndarray (n_frames,) float64, s, or None
        Of the frames; None without a clock.
    rate : float, Hz, or None
    positions : ndarray (n_units, d) float64, or None
    presentations : DataFrame, or None
        Stimulus table that came with the recording.
    movie : ndarray, or None
        Movie that came with the recording.
    name : str
        What it is called on the page.
    taken, dropped : tuple of str
        How dF/F was made, and what was left out, where the reader says so.
    """

    values: AnyArray
    times: FloatArray | None
    rate: float | None
    positions: FloatArray | None
    presentations: Any
    movie: Any
    name: str
    taken: tuple[str, ...]
    dropped: tuple[str, ...]


def read_recording(
    source: Any, config: FunctionConfig, *, frame_times: Any = None, positions: Any = None
) -> Recording:
    """Read dF/F with its clock and, where known, the positions of the units.

    Parameters
    ----------
    source : path, array, Traces, Session, or made recording
        dF/F (n_frames, n_units): an array or ``.npy``; an ``.npz`` with ``dff`` and perhaps
        ``frame_times``, ``rate``, ``positions``; Traces; a Session, or an NWB file; a suite2p
        folder or a file of the MATLAB toolbox (both with the settings that ``cofire assemblies``
        has by default); a :class:`cofire.datasets.CalciumRecording` or
        VisualSession; a scan of :func:`cofire.io.read_v1dd`.
    config : FunctionConfig
        `trace` and `rate`.
    frame_times : path or array_like (n_frames,), s, optional
        Instead of a rate.
    positions : path, table or array_like (n_units, d), optional
        A table has columns x, y and perhaps z.

    Returns
    -------
    Recording

    Raises
    ------
    MissingDataError, FileFormatError
        Nothing there, or no dF/F in it.
    InvalidArgumentError
        Positions or times of another number.
    """
    name = Path(source).name if isinstance(source, (str, Path)) else "in memory"
    parts = _parts(source, config)
    values = parts["values"]
    if values.ndim != 2:
        raise InvalidArgumentError(f"recording must have shape (frames, units), got {values.shape}")
    times, rate = _clock(parts, config, frame_times, len(values))
    given = parts.get("positions") if positions is None else _positions(positions)
    if given is not None:
        given = np.asarray(given, dtype=np.float64)
        if given.ndim != 2 or len(given) != values.shape[1]:
            raise InvalidArgumentError(
                f"positions must have a row for each of {values.shape[1]} units, got shape "
                f"{given.shape}"
            )
    return Recording(
        values,
        times,
        rate,
        given,
        parts.get("presentations"),
        parts.get("movie"),
        name,
        tuple(parts.get("taken", ())),
        tuple(parts.get("dropped", ())),
    )


def _parts(source: Any, config: FunctionConfig) -> dict[str, Any]:
    if isinstance(source, (str, Path)):
        return _read(Path(source), config)
    if hasattr(source, "stimuli") and hasattr(source, "recording"):
        made = _parts(source.recording, config)
        return {**made, "presentations": source.stimuli, "movie": source.movie}
    if isinstance(source, Session):
        return _of_session(source, config)
    if isinstance(source, Traces):
        return _of_traces(source)
    if getattr(source, "dff", None) is not None:
        positions = getattr(source, "positions", getattr(source, "locations", None))
        dt = getattr(source, "dt", None)
        return {
            "values": np.asarray(source.dff),
            "rate": None if dt is None else 1.0 / dt,
            "positions": positions,
        }
    values = np.asarray(source)
    if values.dtype.kind not in "biuf":
        raise InvalidArgumentError(
            f"recording must be dF/F (an array, a file, Traces or a Session), got "
            f"{type(source).__name__}"
        )
    return {"values": values}


def _read(path: Path, config: FunctionConfig) -> dict[str, Any]:
    if not path.exists():
        raise MissingDataError(f"recording {path} does not exist; check its name")
    suffix = path.suffix.lower()
    if suffix == ".mat" or (path.is_dir() and is_suite2p(path)):
        return _computed(path, config)
    if suffix not in (".npy", ".npz") or path.with_suffix(".json").exists():
        if suffix in (".npz", ".json"):
            from cofire.types import load

            return _parts(load(path), config)
        from cofire.io.session import read_session

        return _of_session(read_session(path), config)
    try:
        if suffix == ".npy":
            return {"values": np.load(path, mmap_mode="r", allow_pickle=False)}
        with np.load(path, allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in arrays.files}
    except (ValueError, OSError, EOFError) as error:
        raise FileFormatError(f"recording {path} is no readable NumPy file ({error})") from error
    name = next((key for key in _DFF if key in found), None)
    if name is None and len(found) == 1:
        name = next(iter(found))
    if name is None:
        raise MissingDataError(
            f"recording {path} has no array dff; arrays: {', '.join(sorted(found)) or 'none'}"
        )
    return {
        "values": found[name],
        "times": next((found[key] for key in _TIMES if key in found), None),
        "rate": float(found["rate"]) if "rate" in found else None,
        "positions": next((found[key] for key in _POSITIONS if key in found), None),
    }


def _computed(path: Path, config: FunctionConfig) -> dict[str, Any]:
    """Suite2p folders and files of the MATLAB toolbox, as ``cofire assemblies`` reads them."""
    found = read_calcium(path, CalciumConfig(rate=config.rate))
    return {
        "values": found.dff,
        "rate": found.rate,
        "positions": found.positions,
        "taken": found.taken[:1],
        "dropped": [line for line in found.dropped if "with a NaN" not in line],
    }


def _of_session(session: Session, config: FunctionConfig) -> dict[str, Any]:
    names = list(session.traces)
    name = config.trace
    if name is not None and name not in names:
        raise MissingDataError(
            f"trace: the recording has no traces {name!r}; there are {', '.join(names) or 'none'}"
        )
    if name is None:
        named = [n for n in names if n.lower() in _LOWER]
        if len(named) == 1:
            names = named
        if len(names) != 1:
            raise MissingDataError(
                "trace: name the traces that hold dF/F; the recording has "
                f"{', '.join(names) or 'none'}"
            )
        name = names[0]
    parts = _of_traces(session.traces[name])
    table = session.units
    columns = [c for c in _XYZ if c in table.columns]
    if len(columns) >= 2 and len(table) == parts["values"].shape[1]:
        parts["positions"] = table[columns].to_numpy(dtype=float)
    if len(session.presentations):
        parts["presentations"] = session.presentations
    return parts


def _of_traces(traces: Traces) -> dict[str, Any]:
    return {"values": traces.values, "times": traces.times, "rate": traces.rate}


def _clock(
    parts: dict[str, Any], config: FunctionConfig, frame_times: Any, n_frames: int
) -> tuple[FloatArray | None, float | None]:
    times = parts.get("times")
    if frame_times is not None:
        times = _array(frame_times, "frame_times")
    if times is not None:
        clock = vector(times, "frame_times")
        if len(clock) != n_frames:
            raise InvalidArgumentError(
                f"frame_times must have a time for each of {n_frames:,} frames, got {len(clock):,}"
            )
        steps = np.diff(clock)
        if (steps <= 0).any():
            i = int(np.flatnonzero(steps <= 0)[0])
            raise InvalidArgumentError(
                f"frame_times must rise: {clock[i + 1]:g} s follows {clock[i]:g} s (frame {i + 1})"
            )
        return clock, 1.0 / float(np.median(steps)) if len(steps) else parts.get("rate")
    rate = config.rate if config.rate is not None else parts.get("rate")
    return (None, None) if rate is None else (np.arange(n_frames) / rate, float(rate))


def _array(source: Any, name: str) -> AnyArray:
    if not isinstance(source, (str, Path)):
        return np.asarray(source)
    path = Path(source)
    try:
        if path.suffix.lower() == ".npy":
            return np.asarray(np.load(path, allow_pickle=False))
        return np.loadtxt(path, delimiter=",", ndmin=1)
    except FileNotFoundError as error:
        raise MissingDataError(f"{name} {path} does not exist; check its name") from error
    except (ValueError, OSError) as error:
        raise FileFormatError(f"{name} {path} is neither .npy nor numbers ({error})") from error


def _positions(source: Any) -> Any:
    if isinstance(source, (str, Path)) and Path(source).suffix.lower() == ".npy":
        return _array(source, "positions")
    if isinstance(source, (str, Path)) or hasattr(source, "columns"):
        import pandas as pd

        from cofire.connectome._tables import open_table

        table = open_table(source, "positions")
        columns = [name for name in _XYZ if name in table.columns]
        if len(columns) < 2:
            raise MissingDataError(
                f"positions {table.where}: columns x and y are needed (z if known); columns: "
                f"{', '.join(map(str, table.columns)) or 'none'}"
            )
        return pd.concat(list(table.pieces(columns, None))).to_numpy(dtype=float)
    return np.asarray(source)
