"""MATLAB files of both kinds (v5 and v7.3 = HDF5) as plain Python: dicts, lists, arrays, text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cofire._validate import FloatArray
from cofire.errors import FileFormatError, MissingDataError, RecordingNotFoundError, TooLargeError
from cofire.io._hdf5 import Source, open_limit

_MAX_DEPTH = 24
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_mat(path: Path, name: str, max_bytes: int | None = None) -> Any:
    """Variable `name` of a .mat file.

    Structs become dicts, struct arrays lists of dicts, cells lists, text str; numbers stay arrays
    and lose dimensions of length one.

    Raises
    ------
    FileFormatError, MissingDataError, TooLargeError
        Not a MATLAB file, no such variable, larger than `max_bytes`.
    """
    limit = open_limit(max_bytes)
    try:
        with path.open("rb") as file:
            head = file.read(520)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise RecordingNotFoundError(f"{path}: no such file") from error
    except OSError as error:
        raise FileFormatError(f"{path} cannot be read: {error}") from error
    if size > limit:
        raise TooLargeError(f"{path} has {size / 1e9:.3g} GB, beyond max_bytes={limit}")
    if _HDF5_MAGIC in head:
        return _read_v73(path, name, limit)
    return _read_v5(path, name)


def _read_v5(path: Path, name: str) -> Any:
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import MatReadError

    try:
        names = [variable[0] for variable in whosmat(path)]
        if name not in names:
            raise MissingDataError(f"{path} has no variable {name!r}; it holds: {', '.join(names)}")
        loaded = loadmat(path, variable_names=[name], simplify_cells=False)
    except (MatReadError, ValueError, TypeError, OSError, NotImplementedError) as error:
        raise FileFormatError(f"{path} is not a readable MATLAB file ({error})") from error
    return _plain(loaded[name], path, 0)


def _plain(value: Any, path: Path, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise FileFormatError(f"{path} is nested more than {_MAX_DEPTH} deep")
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.names is not None:
        rows = [
            {key: _plain(item[key], path, depth + 1) for key in value.dtype.names}
            for item in value.ravel()
        ]
        return rows[0] if len(rows) == 1 else rows
    if value.dtype == object:
        return [_plain(item, path, depth + 1) for item in value.ravel()]
    if value.dtype.kind == "U":
        return str(value.ravel()[0]) if value.size == 1 else "".join(value.ravel())
    return value.squeeze() if value.ndim else value


def _read_v73(path: Path, name: str, limit: int) -> Any:
    source = Source(path, limit)
    with source.open() as file:
        found = source.get(file, name)
        if found is None:
            raise source.missing(f"variable {name!r}", file)
        return _from_hdf5(source, found, 0)


def _from_hdf5(source: Source, item: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise FileFormatError(f"{source.path} is nested more than {_MAX_DEPTH} deep")
    if isinstance(item, h5py.Group):
        fields = {k: _from_hdf5(source, source.get(item, k), depth + 1) for k in item}
        return _struct_array(item, fields)
    kind = item.attrs.get("MATLAB_class", b"")
    if "MATLAB_empty" in item.attrs:
        return "" if kind == b"char" else [] if kind == b"cell" else np.zeros(0)
    values = source.read(item)
    if h5py.check_ref_dtype(item.dtype) is not None:
        # MATLAB stores columns first.
        return [_from_hdf5(source, item.file[ref], depth + 1) for ref in values.T.ravel()]
    if kind == b"char":
        return "".join(map(chr, values.T.ravel()))
    return values.T.squeeze()


def _struct_array(group: h5py.Group, fields: dict[str, Any]) -> Any:
    """Return a dict for one struct; a struct array has a list of equal length in every field."""
    arrays = [
        name
        for name in fields
        if isinstance(group[name], h5py.Dataset)
        and h5py.check_ref_dtype(group[name].dtype) is not None
        and "MATLAB_class" not in group[name].attrs
    ]
    if not fields or len(arrays) < len(fields):
        return fields
    n = len(next(iter(fields.values())))
    return [{name: values[i] for name, values in fields.items()} for i in range(n)]


def as_list(value: Any) -> list[Any]:
    """Cells and arrays as a list; a lone value is a list of one."""
    if value is None:
        return []
    if isinstance(value, (str, dict)):
        return [value]
    if isinstance(value, list):
        return value
    return list(np.atleast_1d(value))


def numbers(value: Any, where: str) -> FloatArray:
    """An array of float64, or an error that says which field holds none."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{where} must hold numbers: {error}") from error


def rows_of(value: Any, where: str) -> FloatArray:
    """(n, 2) times; a single interval arrives as shape (2,), nothing as an empty array."""
    array = numbers(value, where)
    if not array.size:
        return np.zeros((0, 2))
    if array.ndim < 2:
        # Two numbers are one interval; any other list are instants.
        return (
            array.reshape(1, 2) if array.size == 2 else np.repeat(array.reshape(-1, 1), 2, axis=1)
        )
    return array[:, :2]
