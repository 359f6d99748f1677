"""Assemblies as lists of unit indices: fitted detectors and npz files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cofire._validate import AnyArray
from cofire.errors import FileFormatError, InvalidTypeError, MissingDataError


def read_ragged(assemblies: Any) -> tuple[list[AnyArray], int, list[str]] | None:
    """Lists of unit indices, number of units and names; None for tables by id."""
    if hasattr(assemblies, "assemblies_"):
        members = [np.asarray(a, dtype=np.int64) for a in assemblies.assemblies_]
        n = int(np.asarray(assemblies.raster_).shape[1])
        return members, n, [str(k + 1) for k in range(len(members))]
    if isinstance(assemblies, (str, Path)) and Path(assemblies).suffix.lower() == ".npz":
        return _read_npz(Path(assemblies))
    return None


def _read_npz(path: Path) -> tuple[list[AnyArray], int, list[str]]:
    if not path.exists():
        raise MissingDataError(f"assemblies {path} does not exist; check its name")
    if path.with_suffix(".json").exists():
        from cofire.types import load

        detector = load(path)
        found = read_ragged(detector) if hasattr(detector, "assemblies_") else None
        if found is None:
            raise InvalidTypeError(
                f"assemblies {path} holds {type(detector).__name__}, not a fitted detector"
            )
        return found
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = set(arrays.files)
            if not {"indices", "offsets"} <= names:
                raise MissingDataError(
                    f"assemblies {path} has no arrays indices and offsets; arrays: "
                    f"{', '.join(sorted(names))}"
                )
            indices, offsets = arrays["indices"], arrays["offsets"]
            n = int(arrays["n_neurons"]) if "n_neurons" in names else int(indices.max()) + 1
    except (ValueError, OSError) as error:
        raise FileFormatError(f"assemblies {path} is no readable npz ({error})") from error
    fits = len(offsets) and offsets[0] == 0 and offsets[-1] == len(indices)
    if not fits or (np.diff(offsets) < 0).any():
        raise FileFormatError(f"assemblies {path}: offsets must rise from 0 to {len(indices)}")
    if len(indices) and not 0 <= indices.min() <= indices.max() < n:
        raise FileFormatError(f"assemblies {path}: indices must lie in 0..{n - 1}")
    members = np.split(indices.astype(np.int64), offsets[1:-1])
    return members, n, [str(k + 1) for k in range(len(members))]
