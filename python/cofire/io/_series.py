"""Time series of NWB files, read when they are asked for.

Responses of imaged cells (``RoiResponseSeries`` in ``DfOverF`` or ``Fluorescence``) come out frames
first, with the ids of the ROIs as columns, whichever way round the file holds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import h5py
import numpy as np

from cofire._validate import AnyArray
from cofire.errors import CofireError, MissingDataError, SeriesError
from cofire.io._hdf5 import Source
from cofire.types import Traces

_ROOTS = ("processing", "acquisition")
_MAX_DEPTH = 8


class LazyTraces(Mapping[str, Traces]):
    """Names of the series in a file; indexing reads one.

    Names are those of the series, or the path below ``processing`` or ``acquisition`` where two
    share one. Data sets beside ``data`` with one value per sample (pupil area, ...) follow as
    ``series/data set``. The file is opened for each access, so a copy can be sent elsewhere.

    Attributes
    ----------
    imaging : dict of str to str
        Path in the file of each series with responses of imaged cells.
    """

    def __init__(
        self, source: Source, paths: Mapping[str, str], imaging: Mapping[str, str] | None = None
    ) -> None:
        self._source = source
        self._paths = dict(paths)
        self.imaging: dict[str, str] = dict(imaging or {})

    @classmethod
    def of(cls, source: Source, file: h5py.File) -> LazyTraces:
        """Find the series of an open file."""
        found: list[str] = []
        for root in _ROOTS:
            group = source.group(file, root)
            if group is not None:
                found += _find(source, group, _MAX_DEPTH)
        short = [path.rsplit("/", 1)[-1] for path in found]
        names: dict[str, str] = {}
        imaging: dict[str, str] = {}
        for path, name in zip(found, short, strict=True):
            name = name if short.count(name) == 1 else path.split("/", 2)[2]
            names[name] = f"{path}/data"
            if "rois" in file[path]:
                imaging[name] = path
            names.update({f"{name}/{k}": f"{path}/{k}" for k in _companions(source, file[path])})
        return cls(source, names, imaging)

    def __getitem__(self, name: str) -> Traces:
        if name not in self._paths:
            raise KeyError(f"no series {name!r}; there are: {', '.join(self) or 'none'}")
        group, _, column = self._paths[name].rpartition("/")
        with self._source.open() as file:
            return _read(self._source, file[group], column)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __repr__(self) -> str:
        return f"LazyTraces({', '.join(self)})"


def _find(source: Source, group: h5py.Group, depth: int) -> list[str]:
    found: list[str] = []
    if depth == 0:
        return found
    for name in group:
        # Only hard links: soft ones lead to something that is met elsewhere.
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        child = source.group(group, name)
        if child is None:
            continue
        if _is_series(source, child):
            found.append(child.name)
        else:
            found += _find(source, child, depth - 1)
    return found


def _is_series(source: Source, group: h5py.Group) -> bool:
    if "data" not in group or not ({"timestamps", "starting_time"} & set(group)):
        return False
    link = group.get("data", getlink=True)
    if isinstance(link, h5py.ExternalLink):
        return True  # reading it says why it is refused
    data = source.dataset(group, "data")
    return data is not None and data.ndim in (1, 2) and data.dtype.kind in "fiub"


def _companions(source: Source, group: h5py.Group) -> list[str]:
    if isinstance(group.get("data", getlink=True), h5py.ExternalLink):
        return []
    length = group["data"].shape[0]
    names = []
    for name in group:
        if name in ("data", "timestamps", "control", "rois"):
            continue
        found = source.dataset(group, name)
        if found is not None and found.shape == (length,) and found.dtype.kind in "fiub":
            names.append(name)
    return names


def _read(source: Source, group: h5py.Group, column: str) -> Traces:
    where = f"{source.path}:{group.name}"
    data = source.dataset(group, column)
    if data is None:
        raise MissingDataError(f"{where} has lost its {column}")
    values = source.read(data)
    if column == "data":
        values = _scaled(values, data)
    stamps = source.dataset(group, "timestamps")
    columns = None
    if column == "data" and "rois" in group:
        values, columns = _by_roi(source, group, values)
    try:
        if stamps is not None:
            return Traces(values, times=source.read(stamps), columns=columns)
        start = source.dataset(group, "starting_time")
        if start is None or "rate" not in start.attrs:
            raise SeriesError("it has neither timestamps nor a starting time with a rate")
        return Traces(
            values,
            rate=float(start.attrs["rate"]),
            t_start=float(start[()]),
            columns=columns,
        )
    except CofireError as error:
        raise SeriesError(f"{where} is not a usable series: {error}") from error


def _by_roi(
    source: Source, group: h5py.Group, values: AnyArray
) -> tuple[AnyArray, AnyArray | None]:
    """Responses (n_frames, n_rois) and the ids of the ROIs.

    The standard puts frames first; some writers put ROIs first. Which it is, is told by the number
    of ROIs and, where both dimensions are as long, stays as the standard says.
    """
    rois = source.dataset(group, "rois")
    if rois is None or rois.ndim != 1:
        return values, None
    n = int(rois.shape[0])
    if values.ndim == 1:
        values = values[:, None]
    if values.shape[1] != n and values.shape[0] == n:
        values = values.T
    if values.shape[1] != n:
        raise SeriesError(
            f"{source.path}:{group.name} has {n} rois, but data of shape {values.shape}"
        )
    return values, _roi_ids(source, rois)


def _roi_ids(source: Source, rois: h5py.Dataset) -> AnyArray | None:
    """Ids of the rows that `rois` names in its table, the rows where there are none."""
    rows = np.asarray(source.read(rois))
    if rows.dtype.kind not in "iu":
        return None
    reference = rois.attrs.get("table")
    table = rois.file[reference] if isinstance(reference, h5py.Reference) and reference else None
    ids = source.dataset(table, "id") if isinstance(table, h5py.Group) else None
    if ids is None or ids.ndim != 1 or not len(rows):
        return rows
    if rows.min() < 0 or rows.max() >= ids.shape[0]:
        raise SeriesError(
            f"{source.path}:{rois.name} names row {rows.max()} of a table with {ids.shape[0]} rows"
        )
    named: AnyArray = np.asarray(source.read(ids))[rows]
    return named


def _scaled(values: AnyArray, data: h5py.Dataset) -> AnyArray:
    """Values in the unit that the file names."""
    conversion = float(np.ravel(data.attrs.get("conversion", 1.0))[0])
    offset = float(np.ravel(data.attrs.get("offset", 0.0))[0])
    if conversion == 1.0 and offset == 0.0:
        return values
    scaled: AnyArray = values * conversion + offset
    return scaled
