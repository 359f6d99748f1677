"""HDF5 files from strangers: nothing is read before its size and its origin are known."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cofire._validate import AnyArray
from cofire.errors import (
    ExternalDataError,
    FileFormatError,
    MissingDataError,
    RecordingNotFoundError,
    TooLargeError,
)

_CHUNK_CACHE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Source:
    """An HDF5 file and what may be done with it.

    Attributes
    ----------
    path : Path
        The file.
    max_bytes : int
        A data set that declares more than this is refused.
    allow_external : bool
        Whether data outside the file (external storage, virtual data sets, external links) may
        be read.
    """

    path: Path
    max_bytes: int
    allow_external: bool = False

    @contextmanager
    def open(self) -> Iterator[h5py.File]:
        """Open for reading; errors of the HDF5 library become :class:`FileFormatError`."""
        try:
            file = h5py.File(self.path, "r", locking="best-effort", rdcc_nbytes=_CHUNK_CACHE)
        except FileNotFoundError as error:
            raise RecordingNotFoundError(f"{self.path}: no such file") from error
        except OSError as error:
            if self.path.is_dir():
                raise FileFormatError(f"{self.path} is a folder, not an HDF5 file") from error
            raise FileFormatError(
                f"{self.path} is not a readable HDF5 file ({error}); if it was copied or "
                "downloaded, fetch it again"
            ) from error
        with file:
            yield file

    def get(self, group: h5py.Group, name: str) -> Any:
        """Return the data set or group `name` of `group`, None if there is none."""
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            self._refuse_external(f"{group.name}/{name}", f"links to {link.filename!r}")
        try:
            found = group[name]
        except KeyError:  # a soft link to nowhere
            return None
        # One hard link stays in its file; the parts of a path and soft links can lead elsewhere.
        stays = isinstance(link, h5py.HardLink) and "/" not in name
        if not stays and found.file.filename != group.file.filename:
            self._refuse_external(f"{group.name}/{name}", f"links to {found.file.filename!r}")
        return found

    def dataset(self, group: h5py.Group, name: str) -> Any:
        """Return the data set `name` of `group`, None if there is none or it is a group."""
        found = self.get(group, name)
        return found if isinstance(found, h5py.Dataset) else None

    def group(self, group: h5py.Group, name: str) -> Any:
        """Return the group `name` of `group`, None if there is none or it is a data set."""
        found = self.get(group, name)
        return found if isinstance(found, h5py.Group) else None

    def read(self, dataset: h5py.Dataset) -> AnyArray:
        """Read a whole data set; text becomes str."""
        self.check(dataset)
        try:
            values = dataset[()]
        except (OSError, RuntimeError, MemoryError) as error:
            raise FileFormatError(
                f"{self.path}:{dataset.name} cannot be read ({error}); the file is damaged"
            ) from error
        return _decoded(np.asarray(values), dataset)

    def read_into(self, dataset: h5py.Dataset, start: int, out: AnyArray) -> None:
        """Fill `out` with the elements from `start` on; :meth:`check` comes first."""
        try:
            if len(out):
                dataset.read_direct(out, np.s_[start : start + len(out)])
        except (OSError, RuntimeError) as error:
            raise FileFormatError(
                f"{self.path}:{dataset.name} cannot be read ({error}); the file is damaged"
            ) from error

    def check(self, dataset: h5py.Dataset, n_elements: int | None = None) -> None:
        """Refuse data outside the file and sizes beyond the limit."""
        # A virtual data set also answers to `external`: ask for it first.
        if dataset.is_virtual:
            self._refuse_external(dataset.name, "is a virtual data set over other files")
        if dataset.external:
            self._refuse_external(dataset.name, f"stores its data in {dataset.external[0][0]!r}")
        n = int(np.prod(dataset.shape or (), dtype=object)) if n_elements is None else n_elements
        n_bytes = n * dataset.dtype.itemsize
        if n_bytes > self.max_bytes:
            raise TooLargeError(
                f"{self.path}:{dataset.name} declares shape {dataset.shape} "
                f"({dataset.dtype}), {n_bytes / 1e9:.3g} GB to read; the limit is "
                f"{self.max_bytes / 1e9:.3g} GB: pass a larger max_bytes, or fewer units"
            )

    def _refuse_external(self, name: str, what: str) -> None:
        if not self.allow_external:
            raise ExternalDataError(
                f"{self.path}:{name} {what}; pass allow_external=True if you trust this file"
            )

    def missing(self, what: str, group: h5py.Group) -> MissingDataError:
        """Build the error for something that `group` should hold, listing what it has."""
        has = ", ".join(sorted(group)) or "nothing"
        return MissingDataError(f"{self.path} has no {what}; {group.name} holds: {has}")


def open_limit(max_bytes: int | None) -> int:
    """Largest data set to read: given, or half of the memory that is free now."""
    return int(0.5 * _available_bytes()) if max_bytes is None else int(max_bytes)


def _available_bytes() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 8 * 2**30


def _decoded(values: AnyArray, dataset: h5py.Dataset) -> AnyArray:
    if h5py.check_string_dtype(dataset.dtype) is None:
        return values
    flat = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values.flat]
    decoded: AnyArray = np.array(flat, dtype=object).reshape(values.shape)
    return decoded


def text_of(value: Any) -> str:
    """Attribute or scalar as text."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
