"""From what people have to dF/F: NWB, suite2p, arrays, generated recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    InvalidTypeError,
    MissingDataError,
    RecordingNotFoundError,
    SeriesError,
)
from cofire.io.assemblies_mat import read_assemblies_mat
from cofire.io.nwb import read_nwb
from cofire.io.suite2p import is_suite2p, read_suite2p
from cofire.studies._folder import describe_files
from cofire.studies.calcium_assemblies.config import CalciumConfig
from cofire.types import Session, Traces, load

_REMEDY = "give an NWB file, a suite2p folder, or a npy or npz file of dF/F (frames, units)"
_ARRAYS = ("dff", "dF_F", "dfof", "traces")
_RATES = ("rate", "fs")


@dataclass(frozen=True, slots=True)
class CalciumMaterial:
    """What is analyzed, and what was left out.

    Attributes
    ----------
    dff : ndarray (n_frames, n_units)
    rate : float or None
        Hz.
    unit_ids : ndarray (n_units,)
        As the recording names its cells.
    truth : tuple of ndarray of int64, or None
        Planted assemblies of a generated recording.
    positions : ndarray (n_units, 2) or None
    taken, dropped : tuple of str
    """

    dff: AnyArray
    rate: float | None
    unit_ids: AnyArray
    truth: tuple[IntArray, ...] | None
    positions: FloatArray | None
    taken: tuple[str, ...]
    dropped: tuple[str, ...]

    @property
    def data(self) -> Any:
        """dF/F with its rate where that is known."""
        return self.dff if self.rate is None else Traces(self.dff, rate=self.rate)


def read_calcium(recording: Any, config: CalciumConfig | None = None) -> CalciumMaterial:
    """Read dF/F of a recording, whatever its kind.

    Parameters
    ----------
    recording : path, array_like (n_frames, n_units), Traces, Session or CalciumRecording
        A path is an NWB file (``.nwb``), a suite2p folder, a ``.npy`` or ``.npz`` file with dF/F
        (frames, units), a ``NAME_CALCIUM-FLUORESCENCE.mat`` of the MATLAB toolbox
        (:func:`cofire.io.read_assemblies_mat`), or what :func:`cofire.save` wrote of one of the
        other kinds.
    config : CalciumConfig, optional

    Returns
    -------
    CalciumMaterial

    Raises
    ------
    RecordingError, InvalidArgumentError
        Nothing there, no or several candidates for dF/F, a file that cannot be read.
    """
    chosen = config or CalciumConfig()
    if not isinstance(recording, (str, Path)):
        return _of_object(recording, chosen, "in memory")
    path = Path(recording)
    if not path.exists():
        stored = path.with_suffix(".npz")
        if not (path.suffix in ("", ".json") and stored.exists()):
            raise RecordingNotFoundError(f"{path}: no such file or folder; {_REMEDY}")
        path = stored
    if path.is_dir():
        if not is_suite2p(path):
            raise FileFormatError(f"{path} is no suite2p folder (it has no F.npy); {_REMEDY}")
        return _of_suite2p(path, chosen)
    if path.suffix in (".npy", ".npz"):
        if path.suffix == ".npz" and path.with_suffix(".json").exists():
            return _of_object(load(path.with_suffix("")), chosen, path.name)
        return _of_arrays(path, chosen)
    if path.suffix == ".mat":
        return _of_mat(path, chosen)
    session = read_nwb(path, load=("traces",))
    return _of_session(session, chosen, path.name)


def describe_calcium(recording: Any, trusted: bool = False) -> dict[str, Any]:
    """Path, size and SHA-256 of what is read of a recording."""
    if not isinstance(recording, (str, Path)):
        values = getattr(recording, "dff", getattr(recording, "values", recording))
        digest = ""
        if isinstance(values, np.ndarray):
            digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
        return {"path": None, "kind": f"{type(recording).__name__} {digest[:16]}".strip()}
    path = Path(recording)
    if not path.is_dir():
        file = path if path.exists() else path.with_suffix(".npz")
        return describe_files(file, "recording", _REMEDY)
    names = ("F.npy", "Fneu.npy", "iscell.npy", *(("ops.npy", "stat.npy") if trusted else ()))
    files = sorted(file for name in names for file in path.rglob(name) if "combined" not in
                   file.relative_to(path).parts)  # fmt: skip
    digest_all, size = hashlib.sha256(), 0
    for file in files:
        one = describe_files(file, "recording", _REMEDY)
        digest_all.update(f"{file.relative_to(path)} {one['sha256_names_and_contents']}".encode())
        size += one["bytes"]
    return {
        "path": str(path.resolve()),
        "files": len(files),
        "bytes": size,
        "sha256_names_and_contents": digest_all.hexdigest(),
    }


def _material(
    dff: AnyArray,
    rate: float | None,
    config: CalciumConfig,
    first: str,
    *,
    unit_ids: Any = None,
    truth: Any = None,
    positions: Any = None,
    dropped: Sequence[str] = (),
) -> CalciumMaterial:
    rate = rate if config.rate is None else config.rate
    n_frames, n_units = dff.shape
    missing = int(np.isnan(dff).any(axis=1).sum())
    left = list(dropped)
    if missing:
        left.append(f"{missing} of {n_frames:,} frames with a NaN")
    length = "" if rate is None else f" ({n_frames / rate / 60:.1f} min at {rate:.4g} Hz)"
    taken = [first, f"Recording: {n_units:,} units, {n_frames:,} frames{length}."]
    if rate is None:
        taken.append("No frame rate is known: detectors that need one are not run (--rate).")
    if n_frames < n_units:
        taken.append(
            f"There are fewer frames ({n_frames:,}) than units ({n_units:,}): if the array has "
            "units first, use --transpose."
        )
    if truth is not None:
        taken.append(f"Planted assemblies: {len(truth)}.")
    return CalciumMaterial(
        dff=dff,
        rate=rate,
        unit_ids=np.arange(n_units) if unit_ids is None else np.asarray(unit_ids),
        truth=None if truth is None else tuple(truth),
        positions=None if positions is None else np.asarray(positions, dtype=np.float64),
        taken=tuple(taken),
        dropped=tuple(left),
    )


def _of_object(value: Any, config: CalciumConfig, where: str) -> CalciumMaterial:
    if hasattr(value, "dff") and hasattr(value, "traces"):
        return _material(
            value.dff, 1 / value.dt, config, f"dF/F: generated recording, {where}.",
            truth=value.assemblies, positions=value.positions,
        )  # fmt: skip
    if isinstance(value, Session):
        return _of_session(value, config, where)
    if isinstance(value, Traces):
        return _of_traces([value], config, f"dF/F: traces, {where}.")
    if isinstance(value, (np.ndarray, list, tuple)):
        return _material(_numbers(np.asarray(value), config, where), None, config,
                         f"dF/F: array, {where}.")  # fmt: skip
    raise InvalidTypeError(
        f"{where}: a {type(value).__name__} is no recording of calcium signals; {_REMEDY}"
    )


def _of_mat(path: Path, config: CalciumConfig) -> CalciumMaterial:
    found = read_assemblies_mat(path, rate=config.rate)
    if found.dff is None:
        raise MissingDataError(
            f"{path.parent} has no {found.name}_CALCIUM-FLUORESCENCE.mat, which holds the dF/F"
        )
    flat = found.positions is not None and found.positions.shape[1] == 2
    return _material(
        found.dff.values, found.dff.rate, config, f"dF/F: {found.name}, of the MATLAB toolbox.",
        positions=found.positions if flat else None,
    )  # fmt: skip


def _of_arrays(path: Path, config: CalciumConfig) -> CalciumMaterial:
    try:
        loaded = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FileFormatError(f"{path} is not a plain NumPy file ({error})") from error
    if isinstance(loaded, np.ndarray):
        return _material(_numbers(loaded, config, str(path)), None, config, f"dF/F: {path.name}.")
    with loaded as archive:
        try:
            arrays = {name: archive[name] for name in archive.files}
        except (ValueError, OSError) as error:
            raise FileFormatError(f"{path} holds pickled objects or is damaged") from error
    wide = [name for name, a in arrays.items() if a.ndim == 2 and a.dtype.kind in "fiu"]
    names = config.series or tuple(n for n in _ARRAYS if n in wide)[:1] or tuple(wide)
    if len(names) != 1 or names[0] not in wide:
        raise MissingDataError(
            f"{path} holds {', '.join(wide) or 'no arrays (frames, units)'}; name the dF/F with "
            "--series"
        )
    rate = next((float(arrays[n]) for n in _RATES if n in arrays and arrays[n].size == 1), None)
    return _material(
        _numbers(arrays[names[0]], config, str(path)), rate, config,
        f"dF/F: array {names[0]!r} of {path.name}.",
    )  # fmt: skip


def _numbers(array: AnyArray, config: CalciumConfig, where: str) -> AnyArray:
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise FileFormatError(
            f"{where} must be numbers (frames, units), got {array.dtype} {array.shape}"
        )
    turned = array.T if config.transpose else array
    return turned if turned.dtype in (np.float32, np.float64) else turned.astype(np.float64)


def _of_suite2p(path: Path, config: CalciumConfig) -> CalciumMaterial:
    session = read_suite2p(
        path,
        rate=config.rate,
        load=("dff",),
        neuropil=config.neuropil,
        percentile=config.percentile,
        baseline_window=config.baseline_window or None,
        cells=config.cells,
        min_probability=config.min_probability,
        planes=config.planes,
        trusted=config.trusted,
    )
    traces, meta = session.traces["dff"], session.meta
    window = f"in {config.baseline_window:g} s" if config.baseline_window else "of the recording"
    dropped = []
    if meta["n_not_cells"]:
        dropped.append(f"{meta['n_not_cells']:,} of {meta['n_rois']:,} ROIs that are no cells")
    if meta["n_without_baseline"]:
        dropped.append(f"{meta['n_without_baseline']:,} cells without a positive baseline")
    rois = meta["rois"]
    known = "x" in rois and rois[["x", "y"]].notna().to_numpy().all()
    return _material(
        traces.values,
        traces.rate,
        config,
        f"dF/F: {path.name}, F - {config.neuropil:g} neuropil against its percentile "
        f"{config.percentile:g} {window}.",
        unit_ids=traces.columns,
        positions=rois[["x", "y"]].to_numpy() if known else None,
        dropped=dropped,
    )


def _of_session(session: Session, config: CalciumConfig, where: str) -> CalciumMaterial:
    names = config.series or _choose_series(session, where)
    missing = [name for name in names if name not in session.traces]
    if missing:
        raise MissingDataError(
            f"{where} has no series {', '.join(missing)}; it has: "
            f"{', '.join(session.traces) or 'none'}"
        )
    parts = [session.traces[name] for name in names]
    return _of_traces(parts, config, f"dF/F: series {', '.join(names)} of {where}.", names)


def _choose_series(session: Session, where: str) -> tuple[str, ...]:
    """The one series that looks most like dF/F; several of a kind are the user's choice."""
    imaging = getattr(session.traces, "imaging", None) or {name: name for name in session.traces}
    kinds: list[list[str]] = [[], [], []]
    for name, path in imaging.items():
        text = path.lower().replace("_", "").replace("/", "")
        is_dff = any(word in text for word in ("dfoverf", "dff", "deltaf"))
        raw = any(word in text for word in ("neuropil", "deconv", "event", "spike"))
        kinds[2 if raw else 0 if is_dff else 1].append(name)
    best = next((kind for kind in kinds if kind), [])
    if len(best) != 1:
        found = "no responses of imaged cells" if not best else f"several: {', '.join(best)}"
        raise MissingDataError(
            f"{where} holds {found}; name the series with --series (several planes with commas)"
        )
    return tuple(best)


def _of_traces(
    parts: Sequence[Traces], config: CalciumConfig, first: str, names: Sequence[str] = ("",)
) -> CalciumMaterial:
    n_frames = min(len(part) for part in parts)
    if max(len(part) for part in parts) - n_frames > 1:
        told = ", ".join(f"{n} {len(p)}" for n, p in zip(names, parts, strict=True))
        raise SeriesError(f"series differ by more than one frame and are not joined: {told}")
    values = [part.values[:n_frames] for part in parts]
    rates = [_rate_of(part) for part in parts]
    ids = parts[0].columns
    if len(parts) > 1:
        ids = np.concatenate(
            [[f"{n}/{c}" for c in p.columns] for n, p in zip(names, parts, strict=True)]
        )
    dff = values[0] if len(parts) == 1 else np.concatenate(values, axis=1)
    return _material(dff, rates[0], config, first, unit_ids=ids)


def _rate_of(traces: Traces) -> float | None:
    """Frames a second; of irregular times what their median step says."""
    if traces.rate is not None or len(traces) < 2:
        return traces.rate
    step = float(np.median(np.diff(traces.times)))
    if step <= 0:
        raise InvalidArgumentError("the frames of the series have no times that increase")
    return 1 / step
