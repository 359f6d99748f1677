"""Read what the MATLAB toolbox for assemblies in calcium imaging wrote (Mölter et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray
from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingNotFoundError,
)
from cofire.io._matlab import as_list, read_mat
from cofire.types import Traces

if TYPE_CHECKING:
    import pandas as pd

_FLUORESCENCE = "_CALCIUM-FLUORESCENCE.mat"
_RASTER = "_ACTIVITY-RASTER.mat"
_SGC = "_SGC-ASSEMBLIES.mat"
_DETECTORS = {
    "sgc": (_SGC, "assemblies"),
    "ica-mp": ("_ICA-ASSEMBLIES.mat", "mp_assemblies"),
    "ica-cs": ("_ICA-ASSEMBLIES.mat", "cs_assemblies"),
    "promax-mp": ("_PROMAX-MP-ASSEMBLIES.mat", "assembliesCells"),
    "promax-cs": ("_PROMAX-CS-ASSEMBLIES.mat", "assembliesCells"),
    "core": ("_CORE-ASSEMBLIES.mat", "assemblies"),
    "svd": ("_SVD-ASSEMBLIES.mat", "assemblies"),
}
_SUFFIXES = (_FLUORESCENCE, _RASTER, *dict.fromkeys(s for s, _ in _DETECTORS.values()))


@dataclass(frozen=True, slots=True)
class MatAssemblies:
    """One recording of the toolbox; parts whose files are not there are None or empty.

    Attributes
    ----------
    name : str
        What stands before ``_CALCIUM-FLUORESCENCE.mat`` and the like.
    detectors : dict of str to tuple of ndarray of int64
        Units (from 0) of each assembly by the name of the detector ("sgc", "ica-mp", ...).
    dff : Traces or None
        dF/F (n_frames, n_units).
    f, f0 : ndarray (n_frames, n_units) or None
        Fluorescence and its baseline.
    positions : ndarray (n_units, d) or None
    raster : ndarray (n_frames, n_units) bool or None
    threshold : float
        Of significant co-activity, as stored; NaN where it is not.
    peaks : ndarray (n_patterns,) int64 or None
        Frames (from 0) of significant co-activity.
    patterns : ndarray (n_patterns, n_units) bool or None
        Active units at the peaks.
    assembly_patterns : tuple of ndarray of int64
        Patterns (from 0) that show each assembly of SGC.
    parameters : dict
        As stored in the file of the fluorescence.
    paths : tuple of Path
        Files that were read.
    """

    name: str
    detectors: dict[str, tuple[IntArray, ...]]
    dff: Traces | None
    f: AnyArray | None
    f0: AnyArray | None
    positions: FloatArray | None
    raster: BoolArray | None
    threshold: float
    peaks: IntArray | None
    patterns: BoolArray | None
    assembly_patterns: tuple[IntArray, ...]
    parameters: dict[str, Any]
    paths: tuple[Path, ...]

    @property
    def assemblies(self) -> tuple[IntArray, ...]:
        """Units of each assembly that SGC found, in the order of the file."""
        return self.detectors.get("sgc", ())

    @property
    def n_units(self) -> int | None:
        """Number of units, where a file tells it."""
        for array in (self.raster, self.patterns, None if self.dff is None else self.dff.values):
            if array is not None:
                return int(array.shape[1])
        return None

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each assembly of each detector."""
        import pandas as pd

        rows = [
            (name, k, len(units), tuple(units.tolist()))
            for name, found in self.detectors.items()
            for k, units in enumerate(found)
        ]
        return pd.DataFrame(rows, columns=["detector", "assembly", "n_units", "units"])

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {len(a)}" for name, a in self.detectors.items()) or "none"
        units = "?" if self.n_units is None else self.n_units
        return f"MatAssemblies({self.name}: {units} units; assemblies: {found})"


def read_assemblies_mat(
    path: str | Path,
    *,
    name: str | None = None,
    rate: float | None = None,
    max_bytes: int | None = None,
) -> MatAssemblies:
    """Read the files that the MATLAB assembly toolbox, or its Python version, wrote.

    Parameters
    ----------
    path : path
        One of the files (its companions beside it are read too) or the folder that holds them:
        ``NAME_CALCIUM-FLUORESCENCE.mat``, ``NAME_ACTIVITY-RASTER.mat``,
        ``NAME_SGC-ASSEMBLIES.mat`` and the files of the other detectors.
    name : str, optional
        Which recording, where the folder holds several.
    rate : float, Hz, optional
        Frames a second, where ``parameter.dT_step`` does not tell them.
    max_bytes : int, optional
        Refuse larger files; default half of the memory that is free.

    Returns
    -------
    MatAssemblies
        All indices count from 0; in the files they count from 1.

    Raises
    ------
    RecordingNotFoundError, MissingDataError, FileFormatError, TooLargeError
        No such file or folder, none of the files, files that contradict each other or name units
        that do not exist.

    Notes
    -----
    Both kinds of .mat file are read. The similarity graph is not: MATLAB stores it as an object
    that only MATLAB opens. A recording of a single unit or frame keeps its two dimensions.

    References
    ----------
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np, scipy.io
    >>> import cofire as cf
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> cells = np.empty((2, 1), dtype=object)
    >>> cells[:, 0] = [np.array([[1, 3]]), np.array([[2, 4, 5]])]
    >>> scipy.io.savemat(folder / "fish_SGC-ASSEMBLIES.mat", {"assemblies": cells})
    >>> [units.tolist() for units in cf.io.read_assemblies_mat(folder).assemblies]
    [[0, 2], [1, 3, 4]]
    """
    folder, stem = _stem(Path(path), name)
    files = {suffix: folder / f"{stem}{suffix}" for suffix in _SUFFIXES}
    present = {suffix: file for suffix, file in files.items() if file.is_file()}

    def variable(suffix: str, key: str) -> Any:
        """A variable of a file, None if there is no such file or variable."""
        if suffix not in present:
            return None
        try:
            return read_mat(present[suffix], key, max_bytes)
        except MissingDataError:
            return None

    parameters = variable(_FLUORESCENCE, "parameter")
    parameters = parameters if isinstance(parameters, dict) else {}
    fluorescence = _fluorescence(present, variable, parameters)
    n_units = None if not fluorescence else next(iter(fluorescence.values())).shape[1]
    raster, n_units = _raster(present, variable, n_units, fluorescence)
    patterns, shown = _patterns(present, variable, n_units)
    if n_units is None and patterns is not None:
        n_units = patterns.shape[1]
    peaks = _peaks(variable(_RASTER, "activity_raster_peaks"), raster, present)
    if patterns is None and raster is not None and peaks is not None:
        patterns = raster[peaks]
    threshold = variable(_RASTER, "activity_raster_peak_threshold")
    detectors = _detectors(present, variable, n_units)
    step = _scalar(parameters.get("dT_step"))
    fs = rate if rate is not None else 1 / step if step and step > 0 else None
    dff = fluorescence.get("dF_F")
    if dff is not None and fs is None:
        raise MissingDataError(
            f"{present[_FLUORESCENCE]} has no parameter.dT_step; pass rate (frames a second)"
        )
    return MatAssemblies(
        name=stem,
        detectors=detectors,
        dff=None if dff is None else Traces(dff, rate=fs),
        f=fluorescence.get("F"),
        f0=fluorescence.get("F0"),
        positions=_positions(variable(_FLUORESCENCE, "topology"), n_units, present),
        raster=raster,
        threshold=float("nan") if (value := _scalar(threshold)) is None else value,
        peaks=peaks,
        patterns=patterns,
        assembly_patterns=shown,
        parameters={key: _plain(value) for key, value in parameters.items()},
        paths=tuple(present.values()),
    )


_Variable = Callable[[str, str], Any]
_Files = Mapping[str, Path]


def _stem(path: Path, name: str | None) -> tuple[Path, str]:
    if path.is_file():
        for suffix in _SUFFIXES:
            if path.name.endswith(suffix):
                return path.parent, path.name.removesuffix(suffix)
        raise FileFormatError(
            f"{path} is no file of the assembly toolbox: they end with {', '.join(_SUFFIXES)}"
        )
    if not path.is_dir():
        raise RecordingNotFoundError(f"{path}: no such file or folder")
    stems = sorted(
        {file.name.removesuffix(suffix) for suffix in _SUFFIXES for file in path.glob(f"*{suffix}")}
    )
    if not stems:
        raise MissingDataError(f"{path} has no file that ends with {', '.join(_SUFFIXES)}")
    if name is None and len(stems) > 1:
        raise InvalidArgumentError(f"{path} holds several recordings: name= one of {stems}")
    if name is not None and name not in stems:
        raise MissingDataError(f"{path} has no recording {name!r}; it has {stems}")
    return path, stems[0] if name is None else name


def _fluorescence(present: _Files, variable: _Variable, parameters: Any) -> dict[str, AnyArray]:
    if _FLUORESCENCE not in present:
        return {}
    path = present[_FLUORESCENCE]
    found = variable(_FLUORESCENCE, "calcium_fluorescence")
    if not isinstance(found, dict) or "dF_F" not in found:
        raise MissingDataError(f"{path} has no calcium_fluorescence.dF_F")
    units = _scalar(parameters.get("units"))
    arrays = {
        key: _matrix(found[key], None if units is None else int(units), f"{path}: {key}")
        for key in ("dF_F", "F", "F0")
        if key in found and np.size(found[key])
    }
    if "dF_F" not in arrays:
        raise MissingDataError(f"{path}: calcium_fluorescence.dF_F is empty")
    shapes = {key: array.shape for key, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise FileFormatError(f"{path}: arrays (frames, units) differ in shape: {shapes}")
    n_units = arrays["dF_F"].shape[1]
    if units is not None and int(units) != n_units:
        raise FileFormatError(f"{path}: parameter.units is {units:g}, but dF_F has {n_units}")
    return arrays


def _raster(
    present: _Files, variable: _Variable, n_units: int | None, fluorescence: dict[str, AnyArray]
) -> tuple[BoolArray | None, int | None]:
    raw = variable(_RASTER, "activity_raster")
    if raw is None:
        if _RASTER in present:
            raise MissingDataError(f"{present[_RASTER]} has no activity_raster")
        return None, n_units
    where = f"{present[_RASTER]}: activity_raster"
    raster = _matrix(raw, n_units, where)
    if not np.isin(raster, (0, 1)).all():
        raise FileFormatError(f"{where} must hold 0 and 1")
    if fluorescence and raster.shape != fluorescence["dF_F"].shape:
        raise FileFormatError(
            f"{where} has shape {raster.shape}, but dF_F {fluorescence['dF_F'].shape}"
        )
    return raster.astype(bool), raster.shape[1]


def _peaks(raw: Any, raster: BoolArray | None, present: _Files) -> IntArray | None:
    if raw is None:
        return None
    where = f"{present[_RASTER]}: activity_raster_peaks"
    n_frames = None if raster is None else len(raster)
    values = np.atleast_1d(np.asarray(_flat(raw)))
    # Frames, or a mask over them: a list of all frames has an entry above 1.
    if values.dtype == bool or (
        n_frames is not None and len(values) == n_frames > 1 and np.isin(values, (0, 1)).all()
    ):
        return np.flatnonzero(values).astype(np.int64)
    return _from_one(values, n_frames, where, "frames")


def _patterns(
    present: _Files, variable: _Variable, n_units: int | None
) -> tuple[BoolArray | None, tuple[IntArray, ...]]:
    found = variable(_SGC, "assembly_pattern_detection")
    if not isinstance(found, dict):
        return None, ()
    where = f"{present[_SGC]}: assembly_pattern_detection"
    rows = [np.atleast_1d(np.asarray(row)) for row in as_list(found.get("activityPatterns"))]
    patterns: BoolArray | None = None
    if rows:
        lengths = {row.size for row in rows} | ({n_units} if n_units is not None else set())
        if len(lengths) > 1:
            raise FileFormatError(f"{where}.activityPatterns have {sorted(lengths)} units")
        patterns = np.array([row.ravel() != 0 for row in rows])
    shown = _cells(found.get("assemblyIActivityPatterns"))
    limit = None if patterns is None else len(patterns)
    name = f"{where}.assemblyIActivityPatterns"
    return patterns, tuple(_from_one(item, limit, name, "patterns") for item in shown)


def _detectors(
    present: _Files, variable: _Variable, n_units: int | None
) -> dict[str, tuple[IntArray, ...]]:
    found: dict[str, tuple[IntArray, ...]] = {}
    for detector, (suffix, key) in _DETECTORS.items():
        raw = variable(suffix, key)
        if raw is None:
            if suffix in present and suffix == _SGC:
                raise MissingDataError(f"{present[suffix]} has no variable {key!r}")
            continue
        where = f"{present[suffix]}: {key}"
        found[detector] = tuple(
            np.unique(_from_one(units, n_units, where, "units")) for units in _cells(raw)
        )
    return found


def _cells(raw: Any) -> list[AnyArray]:
    """Cells of index lists; cells within cells of one element are opened.

    A single assembly may have lost its cell: then an array of numbers is one list.
    """
    if raw is None:
        return []
    if isinstance(raw, list):
        return [np.atleast_1d(np.asarray(_flat(item))) for item in raw]
    return [np.atleast_1d(np.asarray(raw))] if np.size(raw) else []


def _flat(value: Any) -> list[Any]:
    """Numbers of an array or of nested cells, in order."""
    if isinstance(value, list):
        return [number for item in value for number in _flat(item)]
    return list(np.atleast_1d(np.asarray(value)).ravel())


def _from_one(values: AnyArray, limit: int | None, where: str, what: str) -> IntArray:
    """Indices from 1 as indices from 0, checked."""
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    try:
        numbers = values.astype(np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{where} must hold numbers") from error
    if (numbers != np.round(numbers)).any():
        raise FileFormatError(f"{where} must hold whole numbers")
    low, high = numbers.min(), numbers.max()
    if low < 1 or (limit is not None and high > limit):
        last = "" if limit is None else f" to {limit}"
        raise FileFormatError(f"{where} names {what} {low:g} to {high:g}; they count from 1{last}")
    return numbers.astype(np.int64) - 1


def _matrix(raw: Any, n_units: int | None, where: str) -> AnyArray:
    """(frames, units); a dimension of one that was squeezed out comes back."""
    dense = raw.toarray() if hasattr(raw, "toarray") else np.asarray(raw)
    if dense.dtype.kind not in "fiub":
        raise FileFormatError(f"{where} must hold numbers, got {dense.dtype}")
    if dense.ndim < 2:
        single_frame = n_units is not None and n_units == dense.size and n_units > 1
        dense = dense.reshape(1, -1) if single_frame else dense.reshape(-1, 1)
    if dense.ndim != 2:
        raise FileFormatError(f"{where} must be (frames, units), got shape {dense.shape}")
    return np.ascontiguousarray(dense)


def _positions(raw: Any, n_units: int | None, present: _Files) -> FloatArray | None:
    if raw is None:
        return None
    where = f"{present[_FLUORESCENCE]}: topology"
    try:
        rows = [np.atleast_1d(np.asarray(row, dtype=np.float64)).ravel() for row in as_list(raw)]
        if not isinstance(raw, list):
            rows = list(np.atleast_2d(np.asarray(raw, dtype=np.float64)))
        positions = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{where} must hold a position for each unit") from error
    if not positions.size:
        return None
    if n_units is not None and len(positions) != n_units:
        raise FileFormatError(f"{where} has {len(positions)} positions for {n_units} units")
    return positions


def _scalar(value: Any) -> float | None:
    try:
        array = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return None
    return float(array[0]) if array.size == 1 and np.isfinite(array[0]) else None


def _plain(value: Any) -> Any:
    """Single numbers as Python numbers."""
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fiub":
        return value.ravel()[0].item()
    return value
