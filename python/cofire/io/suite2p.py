"""Read suite2p folders: fluorescence, neuropil, deconvolved events of every cell."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, integer, positive, real
from cofire.errors import (
    DataWarning,
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingNotFoundError,
    TooLargeError,
)
from cofire.io._baseline import delta_f_over_f
from cofire.io._hdf5 import open_limit
from cofire.types import Session, Traces

if TYPE_CHECKING:
    import pandas as pd

SIGNALS = ("F", "Fneu", "spks", "corrected", "dff")
_NEEDS = {
    "F": ("F",),
    "Fneu": ("Fneu",),
    "spks": ("spks",),
    "corrected": ("F", "Fneu"),
    "dff": ("F", "Fneu"),
}
_PLANE = re.compile(r"plane(\d+)")


@dataclass(frozen=True, slots=True)
class _Plane:
    """Arrays of one plane, (n_rois, n_frames), not yet read from disk."""

    folder: Path
    number: int | None
    signals: dict[str, AnyArray]
    is_cell: AnyArray | None
    ops: dict[str, Any]
    stat: list[Any]

    @property
    def shape(self) -> tuple[int, int]:
        n_rois, n_frames = next(iter(self.signals.values())).shape
        return int(n_rois), int(n_frames)


def read_suite2p(
    folder: str | Path,
    *,
    rate: float | None = None,
    load: Collection[str] = ("F", "Fneu", "spks", "dff"),
    neuropil: float = 0.7,
    percentile: float = 8.0,
    baseline_window: float | None = 60.0,
    cells: bool = True,
    min_probability: float | None = None,
    planes: Sequence[int] | None = None,
    trusted: bool = False,
    t_start: float = 0.0,
    max_bytes: int | None = None,
) -> Session:
    """Read the output folder of suite2p.

    Parameters
    ----------
    folder : path
        Holds ``F.npy``, ``Fneu.npy``, ``spks.npy``, ``iscell.npy``; or folders ``plane0``,
        ``plane1``, ... that do (directly, or in a folder ``suite2p``), whose cells are joined
        plane by plane. A folder ``combined`` beside planes holds the same cells and is not read.
    rate : float, Hz, optional
        Frames a second of one plane. Default the ``fs`` of ``ops.npy``, which needs `trusted`.
    load : subset of {"F", "Fneu", "spks", "corrected", "dff"}
        Signals to read or compute. ``corrected`` is ``F - neuropil * Fneu``; ``dff`` is
        ``(corrected - F0) / F0`` with a running percentile of ``corrected`` as ``F0``.
    neuropil : float, [0, 1]
        Share of the neuropil that is taken off; with 0 ``Fneu.npy`` is not needed.
    percentile : float, [0, 100]
        Of the baseline.
    baseline_window : float, s, or None
        Width of the running baseline; None takes one percentile of the whole recording.
    cells : bool
        Keep the ROIs that ``iscell.npy`` calls cells; False keeps all.
    min_probability : float, optional
        Keep ROIs whose classifier score is larger, in place of the label that a curator may have
        changed.
    planes : sequence of int, optional
        Default all.
    trusted : bool
        Whether ``ops.npy`` and ``stat.npy`` may be read. They are pickles, which run code of
        whoever wrote them.
    t_start : float, s
        Time of the first frame.
    max_bytes : int, optional
        Refuse larger arrays; default half of the memory that is free.

    Returns
    -------
    Session
        ``.traces`` with one :class:`Traces` (n_frames, n_cells) for each name in `load`, columns
        ``plane0_roi_0000`` (the ROI number alone where there is a single folder without a plane
        number); ``.meta["rois"]``, a row a cell: ``plane``, ``roi``, ``probability`` and, where
        `trusted`, ``x``, ``y`` (pixels), ``n_pixels``; ``.meta`` also tells how dF/F was made and
        what was left out. There are no spikes.

    Raises
    ------
    RecordingNotFoundError, MissingDataError, FileFormatError, TooLargeError
        No folder, missing files or frame rate, arrays that do not fit each other or are pickles.
    InvalidArgumentError
        A parameter out of range.

    Warns
    -----
    DataWarning
        Cells whose baseline is not positive somewhere have no dF/F: they are left out of every
        signal and counted in ``.meta["n_without_baseline"]``.

    Notes
    -----
    Planes are imaged one after the other; where the last volume is incomplete, the later planes
    have one frame less and the others lose theirs. Larger differences are an error.

    The running percentile is computed at windows that overlap by three quarters and interpolated.

    References
    ----------
    Pachitariu et al. 2017, doi:10.1101/061507

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import cofire as cf
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> rng = np.random.default_rng(0)
    >>> f = rng.uniform(90, 110, (4, 500)).astype("float32")
    >>> for name, array in (("F", f), ("Fneu", 0.1 * f), ("spks", 0 * f)):
    ...     np.save(folder / f"{name}.npy", array)
    >>> np.save(folder / "iscell.npy", np.array([[1, 0.9], [0, 0.2], [1, 0.8], [1, 0.7]]))
    >>> session = cf.io.read_suite2p(folder, rate=10.0)
    >>> session.traces["dff"]
    Traces(500 samples, 3 signals, 10 Hz)
    >>> session.traces["dff"].columns.tolist()
    [0, 2, 3]
    """
    wanted = _check_load(load)
    neuropil = real(neuropil, "neuropil")
    if not 0 <= neuropil <= 1:
        raise InvalidArgumentError(f"neuropil must lie in [0, 1], got {neuropil!r}")
    if not 0 <= real(percentile, "percentile") <= 100:
        raise InvalidArgumentError(f"percentile must lie in [0, 100], got {percentile!r}")
    if baseline_window is not None:
        positive(baseline_window, "baseline_window", "s")
    needed = {n for w in wanted for n in _NEEDS[w]}
    if neuropil == 0 and "Fneu" not in wanted:
        needed.discard("Fneu")
    found = _plane_folders(Path(folder), planes)
    limit = open_limit(max_bytes)
    by_label = cells or min_probability is not None
    parts = [_read_plane(p, k, sorted(needed), by_label, trusted, limit) for k, p in found]
    fs = _frame_rate(parts, rate, trusted)
    n_frames, notes = _common_frames(parts)
    keep = [_kept(part, cells, min_probability) for part in parts]
    size = sum(int(k.sum()) for k in keep) * n_frames * 4 * (len(wanted) + 1)
    if size > limit:
        raise TooLargeError(
            f"{folder}: the signals need {size / 1e9:.3g} GB, beyond the limit of "
            f"{limit / 1e9:.3g} GB; load fewer, or pass a larger max_bytes"
        )
    raw = {name: _joined(parts, keep, name, n_frames) for name in sorted(needed)}
    rois = _roi_table(parts, keep, trusted)
    signals = _derived(raw, wanted, neuropil, percentile, baseline_window, fs)
    signals, rois, without = _with_baseline(signals, rois, Path(folder))
    columns = rois.index.to_numpy()
    start = real(t_start, "t_start")
    traces = {n: Traces(signals[n], rate=fs, t_start=start, columns=columns) for n in wanted}
    meta = {
        "format": "suite2p",
        "identifier": Path(folder).name,
        "rate": fs,
        "neuropil": neuropil,
        "percentile": float(percentile),
        "baseline_window": baseline_window,
        "n_rois": sum(part.shape[0] for part in parts),
        "n_not_cells": int(sum((~k).sum() for k in keep)),
        "n_without_baseline": without,
        "rois": rois,
        **notes,
    }
    return Session(traces=traces, path=folder, meta=meta)


def is_suite2p(folder: Path) -> bool:
    """Whether a folder looks like output of suite2p."""
    return any(
        (home / "F.npy").is_file() or any(home.glob("plane*/F.npy"))
        for home in (folder, folder / "suite2p")
    )


def _check_load(load: Collection[str]) -> tuple[str, ...]:
    if isinstance(load, str) or not load or not set(load) <= set(SIGNALS):
        raise InvalidArgumentError(f"load must be some of {SIGNALS}, got {load!r}")
    return tuple(name for name in SIGNALS if name in load)


def _plane_folders(folder: Path, planes: Sequence[int] | None) -> list[tuple[int | None, Path]]:
    if not folder.is_dir():
        raise RecordingNotFoundError(f"{folder}: no such folder")
    for home in (folder, folder / "suite2p"):
        numbered = sorted(
            (int(match[1]), path)
            for path in (home.iterdir() if home.is_dir() else ())
            if (match := _PLANE.fullmatch(path.name)) and path.is_dir()
        )
        if not numbered:
            continue
        if planes is None:
            return list(numbered)
        wanted = [integer(k, "planes", 0) for k in planes]
        missing = sorted(set(wanted) - {k for k, _ in numbered})
        if missing or not wanted:
            raise MissingDataError(
                f"{home} has no planes {missing}; it has {[k for k, _ in numbered]}"
            )
        return [(k, path) for k, path in numbered if k in wanted]
    home = folder if (folder / "F.npy").exists() else folder / "suite2p"
    if not home.is_dir() or not any(home.glob("*.npy")):
        home = folder
    match = _PLANE.fullmatch(home.name)
    number = int(match[1]) if match else None
    if planes is not None and list(planes) != [number]:
        raise MissingDataError(f"{folder} has no folders plane0, plane1, ...; leave planes out")
    return [(number, home)]


def _read_plane(
    folder: Path,
    number: int | None,
    names: Sequence[str],
    labelled: bool,
    trusted: bool,
    limit: int,
) -> _Plane:
    signals = {name: _mapped(folder / f"{name}.npy", 2, limit) for name in names}
    shapes = {name: array.shape for name, array in signals.items()}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{name}.npy {shape}" for name, shape in shapes.items())
        raise FileFormatError(f"{folder}: arrays (ROIs, frames) differ in shape: {told}")
    n_rois = next(iter(signals.values())).shape[0]
    is_cell = None
    path = folder / "iscell.npy"
    if labelled and not path.exists():
        raise MissingDataError(
            f"{folder} has no iscell.npy, which says which ROIs are cells; pass cells=False for all"
        )
    if path.exists():
        is_cell = _mapped(path, 2, limit)
        if is_cell.shape[0] != n_rois or is_cell.shape[1] not in (1, 2):
            raise FileFormatError(
                f"{path} has shape {is_cell.shape}; with {n_rois} ROIs it should be ({n_rois}, 2)"
            )
    ops, stat = ({}, []) if not trusted else (_ops(folder), _stat(folder, n_rois))
    return _Plane(folder, number, signals, is_cell, ops, stat)


def _mapped(path: Path, ndim: int, limit: int) -> AnyArray:
    if not path.exists():
        has = ", ".join(sorted(p.name for p in path.parent.iterdir())[:20]) or "nothing"
        raise MissingDataError(f"{path.parent} has no {path.name}; it holds: {has}")
    try:
        # The map costs nothing: the header says how much there is before it is read.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FileFormatError(f"{path} is not a plain NumPy array ({error})") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise FileFormatError(f"{path} is not an array of numbers")
    if array.ndim != ndim:
        raise FileFormatError(f"{path} must have {ndim} dimensions, got shape {array.shape}")
    if array.nbytes > limit:
        raise TooLargeError(f"{path} declares {array.nbytes} bytes, beyond max_bytes={limit}")
    return array


def _unpickled(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=True)
    except Exception as error:  # a pickle may raise anything
        raise FileFormatError(f"{path} cannot be read: {error}") from error


def _ops(folder: Path) -> dict[str, Any]:
    path = folder / "ops.npy"
    if not path.exists():
        return {}
    content = _unpickled(path)
    value = content.item() if getattr(content, "shape", None) == () else content
    if not isinstance(value, dict):
        raise FileFormatError(f"{path} holds no dictionary of settings")
    return value


def _stat(folder: Path, n_rois: int) -> list[Any]:
    path = folder / "stat.npy"
    if not path.exists():
        return []
    rows = list(np.atleast_1d(_unpickled(path)))
    if len(rows) != n_rois or not all(isinstance(row, dict) for row in rows):
        raise FileFormatError(f"{path} describes {len(rows)} ROIs, F.npy has {n_rois}")
    return rows


def _frame_rate(parts: Sequence[_Plane], rate: float | None, trusted: bool) -> float:
    if rate is not None:
        return positive(rate, "rate", "Hz")
    if not trusted:
        raise MissingDataError(
            f"{parts[0].folder}: pass rate (frames a second of one plane); or trusted=True to take "
            "it from ops.npy, a pickle that runs code of whoever wrote it"
        )
    rates = {float(part.ops["fs"]) for part in parts if "fs" in part.ops}
    if len(rates) != 1:
        what = "has no fs" if not rates else f"gives the planes different rates {sorted(rates)}"
        raise MissingDataError(f"{parts[0].folder}: ops.npy {what}; pass rate (Hz)")
    return positive(rates.pop(), "fs of ops.npy", "Hz")


def _common_frames(parts: Sequence[_Plane]) -> tuple[int, dict[str, Any]]:
    numbers = [part.shape[1] for part in parts]
    if max(numbers) - min(numbers) > 1:
        told = ", ".join(f"{p.folder.name} {n}" for p, n in zip(parts, numbers, strict=True))
        raise FileFormatError(
            f"{parts[0].folder.parent}: planes differ by more than one frame ({told}); read them "
            "one by one with planes=[k]"
        )
    return min(numbers), {"n_frames_cut": sum(n - min(numbers) for n in numbers)}


def _kept(part: _Plane, cells: bool, min_probability: float | None) -> BoolArray:
    labels = part.is_cell
    if labels is None or (not cells and min_probability is None):
        return np.ones(part.shape[0], dtype=bool)
    if min_probability is None:
        return np.asarray(labels[:, 0] > 0)
    if labels.shape[1] < 2:
        raise MissingDataError(f"{part.folder / 'iscell.npy'} has no classifier scores")
    return np.asarray(labels[:, 1] > real(min_probability, "min_probability"))


def _joined(
    parts: Sequence[_Plane], keep: Sequence[BoolArray], name: str, n_frames: int
) -> AnyArray:
    """One signal of all planes, (n_cells, n_frames) float32 or as stored."""
    blocks = [p.signals[name][k, :n_frames] for p, k in zip(parts, keep, strict=True)]
    joined = np.concatenate(blocks)
    return joined if joined.dtype.kind == "f" else joined.astype(np.float32)


def _derived(
    raw: dict[str, AnyArray],
    wanted: Sequence[str],
    neuropil: float,
    percentile: float,
    baseline_window: float | None,
    fs: float,
) -> dict[str, AnyArray]:
    """Every wanted signal (n_frames, n_cells)."""
    signals = {name: raw[name].T for name in raw if name in wanted}
    if {"corrected", "dff"} & set(wanted):
        clean = raw["F"]
        if neuropil:
            clean = clean - np.asarray(neuropil, dtype=clean.dtype) * raw["Fneu"]
        if "corrected" in wanted:
            signals["corrected"] = clean.T
        if "dff" in wanted:
            width = None if baseline_window is None else round(baseline_window * fs)
            signals["dff"] = delta_f_over_f(clean, percentile, width).T
    return signals


def _with_baseline(
    signals: dict[str, AnyArray], rois: pd.DataFrame, folder: Path
) -> tuple[dict[str, AnyArray], pd.DataFrame, int]:
    """Leave out cells without dF/F."""
    if "dff" not in signals or not len(signals["dff"]):
        return signals, rois, 0
    good = ~np.isnan(signals["dff"][0])
    without = int((~good).sum())
    if not without:
        return signals, rois, 0
    warnings.warn(
        f"{folder}: {without} of {len(good)} cells were left out: their baseline after taking off "
        "the neuropil is not positive throughout, so they have no dF/F; lower neuropil, or read F",
        DataWarning,
        stacklevel=3,
    )
    return {name: array[:, good] for name, array in signals.items()}, rois[good], without


def _roi_table(parts: Sequence[_Plane], keep: Sequence[BoolArray], trusted: bool) -> pd.DataFrame:
    import pandas as pd

    tables = []
    for part, kept in zip(parts, keep, strict=True):
        number = np.flatnonzero(kept)
        scores = np.full(len(number), np.nan)
        if part.is_cell is not None and part.is_cell.shape[1] == 2:
            scores = np.asarray(part.is_cell[number, 1], dtype=np.float64)
        table = pd.DataFrame(
            {
                "plane": 0 if part.number is None else part.number,
                "roi": number,
                "probability": scores,
            }
        )
        if part.number is None:
            table.index = pd.Index(number)
        else:
            table.index = pd.Index([f"plane{part.number}_roi_{i:04d}" for i in number])
        if trusted:
            rows = [part.stat[i] for i in number] if part.stat else [{}] * len(number)
            centers = [np.asarray(row.get("med", (np.nan, np.nan)), dtype=float) for row in rows]
            table["x"] = [float(c[1]) for c in centers]
            table["y"] = [float(c[0]) for c in centers]
            table["n_pixels"] = [float(row.get("npix", np.nan)) for row in rows]
        tables.append(table)
    joined = pd.concat(tables)
    joined.index.name = "cell"
    return joined
