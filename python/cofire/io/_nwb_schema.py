"""The shapes of NWB 2 (groups, tables, series) written with h5py alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from cofire.errors import InvalidArgumentError, InvalidTypeError

TEXT = h5py.string_dtype("utf-8")
HDMF = ("VectorData", "VectorIndex", "ElementIdentifiers", "DynamicTable", "DynamicTableRegion")


class Ragged:
    """A column with several values per row: all values, and the end of each row."""

    __slots__ = ("ends", "values")

    def __init__(self, values: Any, ends: Any) -> None:
        self.values = np.asarray(values)
        self.ends = np.asarray(ends)

    @classmethod
    def of(cls, rows: Sequence[Any], dtype: Any = np.float64) -> Ragged:
        """Join one array per row."""
        values = np.concatenate([np.zeros(0, dtype), *(np.asarray(r, dtype) for r in rows)])
        return cls(values, np.cumsum([len(r) for r in rows], dtype=np.uint64))


class NwbWriter:
    """Writes the parts of an NWB file; equal seeds give equal object ids."""

    def __init__(self, file: h5py.File, seed: int = 0, compression: str | None = None) -> None:
        self.file = file
        self.compression = compression
        self._rng = np.random.default_rng(seed)

    def root(self, identifier: str, description: str, start: str) -> None:
        """Attributes and scalars that every NWB file has."""
        self.tag(self.file, "NWBFile")
        self.file.attrs["nwb_version"] = "2.6.0"
        texts = {
            "identifier": identifier,
            "session_description": description,
            "session_start_time": start,
            "timestamps_reference_time": start,
        }
        for name, value in texts.items():
            self.file.create_dataset(name, data=value, dtype=TEXT)
        self.file.create_dataset("file_create_date", data=[start], dtype=TEXT)
        for name in (
            "acquisition",
            "analysis",
            "general",
            "intervals",
            "processing",
            "scratch",
            "stimulus/presentation",
            "stimulus/templates",
        ):
            self.file.create_group(name)

    def tag(self, target: Any, kind: str) -> None:
        """Give a group or data set its type and an object id."""
        target.attrs["neurodata_type"] = kind
        target.attrs["namespace"] = "hdmf-common" if kind in HDMF else "core"
        target.attrs["object_id"] = str(uuid.UUID(bytes=self._rng.bytes(16), version=4))

    def group(self, path: str, kind: str, **attributes: Any) -> h5py.Group:
        """Create a typed group."""
        group = self.file.require_group(path)
        self.tag(group, kind)
        group.attrs.update(attributes)
        return group

    def values(self, parent: h5py.Group, name: str, data: Any) -> h5py.Dataset:
        """Create a data set of numbers, truth values or text."""
        array = np.asarray(data)
        if array.dtype.kind in "OUT":
            refs = array.size and isinstance(array.flat[0], h5py.Reference)
            dtype = h5py.ref_dtype if refs else TEXT
            flat = array if refs else array.astype(object)
            return parent.create_dataset(name, data=flat.tolist(), shape=array.shape, dtype=dtype)
        options = {"compression": self.compression} if self.compression and array.size else {}
        return parent.create_dataset(name, data=array, **options)

    def table(
        self,
        path: str,
        columns: Mapping[str, Any],
        ids: Any,
        *,
        kind: str = "DynamicTable",
        description: str = "",
    ) -> h5py.Group:
        """Create a table; a column is an array with a value per row, or :class:`Ragged`."""
        if path in self.file:
            raise InvalidArgumentError(f"/{path} is written twice; rename one of the two parts")
        for name in columns:
            if name == "id" or name.removesuffix("_index") in columns.keys() - {name}:
                raise InvalidArgumentError(
                    f"/{path}: the column {name!r} has a name that NWB gives a meaning of its own; "
                    "rename it"
                )
        group = self.group(path, kind, description=description or path.rsplit("/", 1)[-1])
        group.attrs.create("colnames", list(columns), dtype=TEXT, shape=(len(columns),))
        self.tag(self.values(group, "id", np.asarray(ids, dtype=np.int64)), "ElementIdentifiers")
        for name, column in columns.items():
            data = column.values if isinstance(column, Ragged) else column
            dataset = self.values(group, name, data)
            self.tag(dataset, "VectorData")
            dataset.attrs["description"] = name.replace("_", " ")
            if isinstance(column, Ragged):
                index = self.values(group, f"{name}_index", column.ends)
                self.tag(index, "VectorIndex")
                index.attrs["description"] = f"end of each row of {name}"
                index.attrs["target"] = dataset.ref
        return group

    def series(
        self,
        path: str,
        data: Any,
        unit: str,
        *,
        times: Any = None,
        rate: float | None = None,
        t_start: float = 0.0,
        kind: str = "TimeSeries",
    ) -> h5py.Group:
        """Create a time series with timestamps (array, or a link to another series) or a rate."""
        group = self.group(path, kind, description=path.rsplit("/", 1)[-1], comments="none")
        dataset = self.values(group, "data", data)
        dataset.attrs.update(unit=unit, conversion=1.0, offset=0.0, resolution=-1.0)
        if isinstance(times, h5py.SoftLink):
            group["timestamps"] = times
        elif times is not None:
            stamps = self.values(group, "timestamps", np.asarray(times, dtype=np.float64))
            stamps.attrs.update(unit="seconds", interval=np.int32(1))
        else:
            start = group.create_dataset("starting_time", data=float(t_start))
            start.attrs.update(unit="seconds", rate=np.float64(rate))
        return group

    def module(self, name: str) -> h5py.Group:
        """Create a processing module."""
        return self.group(f"processing/{name}", "ProcessingModule", description=name)


def storable(name: str, values: Any) -> Any:
    """Return a pandas column as an array that HDF5 can hold."""
    import pandas as pd

    column = pd.Series(values)
    if isinstance(column.dtype, pd.BooleanDtype):
        if column.isna().any():
            return column.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
        return column.to_numpy(dtype=bool)
    array = column.to_numpy()
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind in "OUT":
        missing = column.isna().to_numpy()
        return np.array(["" if m else str(v) for v, m in zip(array, missing, strict=True)], object)
    raise InvalidTypeError(f"column {name!r} of type {column.dtype} cannot be written; drop it")
