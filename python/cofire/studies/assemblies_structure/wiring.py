"""A connectome from whatever file it is in."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from cofire.connectome import Connectome
from cofire.errors import (
    FileFormatError,
    InvalidTypeError,
    MissingDataError,
    RecordingNotFoundError,
)
from cofire.studies.assemblies_structure.config import StructureConfig

_IDS = ("ids", "cell_id", "pt_root_id", "root_id", "id", "skeleton_id")
_TABLES = (".csv", ".tsv", ".txt", ".feather", ".arrow", ".ipc", ".parquet", ".pq")


def read_connectome(source: Any, config: StructureConfig) -> Connectome:
    """Read a connectome by what its file is.

    Parameters
    ----------
    source : path or Connectome
        A folder, zip or npz of Winding et al. 2023; GraphML; a table with a row an edge (csv,
        feather, parquet); an npz with ``pre`` and ``post`` as indices into an array of ids, and
        ``count`` or ``psd`` where known; or what :func:`cofire.save` wrote.
    config : StructureConfig
        Names of columns, scale of sizes.

    Returns
    -------
    Connectome

    Raises
    ------
    RecordingError
        Nothing there, or a file of another kind; the message lists what is read.
    """
    if isinstance(source, Connectome):
        return source
    if not isinstance(source, (str, Path)):
        raise InvalidTypeError(
            f"connectome must be a path or a cofire.Connectome, got {type(source).__name__}"
        )
    path = Path(source)
    if not path.exists():
        raise RecordingNotFoundError(f"connectome {path} does not exist; check its name")
    suffix = path.suffix.lower()
    if path.is_dir() or suffix == ".zip":
        return _winding(path)
    if suffix == ".json" or (suffix == ".npz" and path.with_suffix(".json").exists()):
        return _saved(path)
    if suffix == ".npz":
        return _npz(path, config)
    if suffix in (".graphml", ".xml"):
        return Connectome.from_graphml(path)
    if {s.lower() for s in path.suffixes} & set(_TABLES):
        return Connectome.from_edges(
            path,
            psd_scale=config.size_scale,
            pre=config.pre_column,
            post=config.post_column,
            psd=config.size_column,
            autapses=config.autapses,
        )
    raise FileFormatError(
        f"connectome {path}: not a kind that is read; give a folder, zip or npz of Winding et al. "
        f"2023, .graphml, a table of edges ({', '.join(_TABLES)}), or an npz with pre and post"
    )


def _winding(path: Path) -> Connectome:
    from cofire.io import read_winding2023

    return read_winding2023(path)


def _saved(path: Path) -> Connectome:
    from cofire.types import load

    value = load(path)
    if not isinstance(value, Connectome):
        raise InvalidTypeError(f"connectome {path} holds {type(value).__name__}, no connectome")
    return value


def _npz(path: Path, config: StructureConfig) -> Connectome:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"connectome {path} is no readable npz ({error})") from error
    if {"aa_pre", "ad_pre"} <= set(arrays):
        return _winding(path)
    name = next((n for n in _IDS if n in arrays), None)
    if name is None or not {"pre", "post"} <= set(arrays):
        raise MissingDataError(
            f"connectome {path} must have arrays pre and post (indices) and one of "
            f"{', '.join(_IDS)}; arrays: {', '.join(arrays)}"
        )
    ids = arrays[name]
    for side in ("pre", "post"):
        at = arrays[side]
        if at.dtype.kind not in "iu" or (len(at) and not 0 <= at.min() <= at.max() < len(ids)):
            raise FileFormatError(
                f"connectome {path}: {side} must be whole numbers in 0..{len(ids) - 1}"
            )
    edges = {"pre": ids[arrays["pre"]], "post": ids[arrays["post"]]}
    for extra in ("count", "psd"):
        if extra in arrays:
            edges[extra] = arrays[extra]
    return Connectome.from_edges(edges, ids, psd_scale=config.size_scale, autapses=config.autapses)
