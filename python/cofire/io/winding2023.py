"""Read the connectome of a larval Drosophila brain (Winding et al. 2023, Supplementary Data S1)."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from cofire._validate import AnyArray, IntArray
from cofire.connectome import Connectome
from cofire.errors import (
    DuplicateIdError,
    FileFormatError,
    JoinError,
    MissingDataError,
    RecordingNotFoundError,
)
from cofire.io._archive import Archive
from cofire.io._winding_cells import cell_table

EDGE_TYPES = ("aa", "ad", "da", "dd")
"""Compartment of the presynaptic, then of the postsynaptic neuron: axon or dendrite."""

_ALL = "all-all"
_ZIP = "Supplementary-Data-S1.zip"
_NPZ = "winding2023_s1.npz"


def read_winding2023(path: str | Path) -> Connectome:
    """Read the connectome of a larval Drosophila brain.

    Parameters
    ----------
    path : path
        Supplementary Data S1 as downloaded (zip), the folder it unpacks to, or the prepared
        ``winding2023_s1.npz`` beside ``annotations.csv``; or a folder that holds one of them.

    Returns
    -------
    Connectome
        Neurons by ascending skeleton id; synapses by edge type aa, ad, da, dd (``aa`` = axon to
        axon, ``ad`` = axon to dendrite, ...), autapses included. Its :attr:`~Connectome.cells`:

        - ``celltype``, ``annotations``, ``level_7_cluster``: as published, missing for neurons
          without a row in ``annotations.csv``;
        - ``side`` ("left" or "right"), ``pair_id`` (the homolog in the other hemisphere),
          ``annotation_row`` (row of ``annotations.csv``, counted from 0);
        - ``population``: ORN, PN, LN, KC, MBON, MBIN or APL of the olfactory pathway, else missing;
        - ``axon_input``, ``dendrite_input``, ``axon_output``, ``dendrite_output``: all synapses of
          the neuron, also with partners outside the connectome, where ``inputs.csv`` and
          ``outputs.csv`` are there.

        ``dropped["annotated_cells"]`` counts annotated neurons that the matrices lack.

    Raises
    ------
    RecordingNotFoundError, MissingDataError
        No such file, or one that lacks a table; the message lists what it has.
    FileFormatError
        A truncated or damaged archive, a table that is none, counts that are not whole.
    JoinError, DuplicateIdError
        Tables that name different neurons, or one twice.

    Notes
    -----
    Each published matrix lists the neurons in an order of its own; they are aligned by id. Where
    the matrix of all types is there, it must be the sum of the four. Entries of other programs in
    the archive (``__MACOSX``) are ignored.

    Populations: ORN = sensory neurons annotated "olfactory"; PN = projection neurons whose
    annotation contains "olfactory"; APL by annotation; LN = the other local neurons; KC, MBON and
    MBIN by cell type.

    References
    ----------
    Winding et al. 2023, Science 379, eadd9330, doi:10.1126/science.add9330
    """
    path = Path(path)
    if not path.exists():
        raise RecordingNotFoundError(
            f"{path}: no such file or folder; the data are Supplementary Data S1 of "
            "doi:10.1126/science.add9330"
        )
    if path.is_dir():
        return _read_folder(path)
    return _read_npz(path) if path.suffix.lower() == ".npz" else _read_archive(Archive(path))


def _read_folder(folder: Path) -> Connectome:
    archive = Archive(folder)
    if archive.has(_file(EDGE_TYPES[0])):
        return _read_archive(archive)
    for name, read in ((_NPZ, _read_npz), (_ZIP, lambda path: _read_archive(Archive(path)))):
        if (folder / name).is_file():
            return read(folder / name)
    raise archive.missing(f"{_file(EDGE_TYPES[0])}, {_NPZ} or {_ZIP}")


def _file(edge_type: str) -> str:
    return f"{edge_type}_connectivity_matrix.csv"


# --- the published form ---------------------------------------------------------------------------


def _read_archive(archive: Archive) -> Connectome:
    singles = {name: _read_matrix(archive, _file(name)) for name in EDGE_TYPES}
    ids = np.sort(singles[EDGE_TYPES[0]].row_ids)
    counts = {
        name: _aligned(single, ids, f"{archive.path}: {_file(name)}")
        for name, single in singles.items()
    }
    if archive.has(_file(_ALL)):
        total = _aligned(_read_matrix(archive, _file(_ALL)), ids, f"{archive.path}: {_file(_ALL)}")
        _check_total(total, sum(counts.values()), ids, archive)
    return _assembled(counts, ids, archive)


def _read_matrix(archive: Archive, name: str) -> Connectome:
    """One matrix in the order of its file."""
    where = f"{archive.path}: {name}"
    lines = archive.read(name).splitlines()
    columns = _ids(lines[0].split(b",")[1:] if lines else [], f"{where}, first line")
    rows = _ids([line.partition(b",")[0] for line in lines[1:]], f"{where}, first column")
    if not np.array_equal(rows, columns):
        raise FileFormatError(
            f"{where}: its {len(rows)} rows and {len(columns)} columns are not the same neurons in "
            "the same order; the file is damaged or incomplete, download it again"
        )
    try:
        # Most counts are written as floating-point numbers.
        values = np.loadtxt(lines[1:], delimiter=",", dtype=np.float64, ndmin=2)[:, 1:]
        return Connectome.from_matrix(values, rows)
    except DuplicateIdError as error:
        raise DuplicateIdError(f"{where}: {error}") from error
    except ValueError as error:
        raise FileFormatError(f"{where}: {error}") from error


def _ids(texts: list[bytes], where: str) -> IntArray:
    odd = [text for text in texts if not text.isdigit()]
    if odd or not texts:
        found = odd[0].decode("utf-8", "replace") if odd else "nothing"
        raise FileFormatError(f"{where}: must be ids of neurons, got {found!r}")
    return np.array([int(text) for text in texts], dtype=np.int64)


def _aligned(single: Connectome, ids: AnyArray, where: str) -> Any:
    """Counts of one file in the order of all."""
    lacking, beyond = np.setdiff1d(ids, single.ids), np.setdiff1d(single.ids, ids)
    if len(lacking) or len(beyond):
        raise JoinError(
            f"{where} names other neurons than {_file(EDGE_TYPES[0])}: it lacks "
            f"{lacking[:5].tolist()} and has {beyond[:5].tolist()} besides; take all files from "
            "one release"
        )
    return single.subset(ids).count


def _check_total(total: Any, summed: Any, ids: AnyArray, archive: Archive) -> None:
    difference = (total - summed).tocoo()
    wrong = np.flatnonzero(difference.data)
    if len(wrong):
        row, column = difference.row[wrong[0]], difference.col[wrong[0]]
        raise FileFormatError(
            f"{archive.path}: {_file(_ALL)} is not the sum of the four edge types: pre {ids[row]}, "
            f"post {ids[column]} holds {total[row, column]}, they {summed[row, column]} "
            f"({len(wrong)} such pairs); take all files from one release"
        )


# --- the prepared form ----------------------------------------------------------------------------


def _read_npz(path: Path) -> Connectome:
    from scipy import sparse

    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path} is no readable npz archive ({error})") from error
    names = ["skeleton_id", *(f"{et}_{p}" for et in EDGE_TYPES for p in ("pre", "post", "count"))]
    lacking = [name for name in names if name not in arrays]
    if lacking:
        raise MissingDataError(
            f"{path} has no {', '.join(lacking)}; it holds: {', '.join(arrays) or 'nothing'}"
        )
    ids = arrays["skeleton_id"].astype(np.int64)
    counts = {}
    for et in EDGE_TYPES:
        pre, post, count = (arrays[f"{et}_{part}"] for part in ("pre", "post", "count"))
        places = np.concatenate([pre, post]).astype(np.int64)
        if len(places) and not 0 <= places.min() <= places.max() < len(ids):
            raise JoinError(f"{path}: {et}_pre and {et}_post must lie in 0..{len(ids) - 1}")
        try:
            counts[et] = sparse.csr_array(
                (count.astype(np.int64), (pre, post)), shape=(len(ids), len(ids))
            )
        except ValueError as error:
            raise FileFormatError(f"{path}: {et} is no list of edges ({error})") from error
    return _assembled(counts, ids, Archive(path.parent))


# --- both -----------------------------------------------------------------------------------------


def _assembled(counts: dict[str, Any], ids: IntArray, archive: Archive) -> Connectome:
    table, n_dropped = cell_table(archive, ids)
    wiring = Connectome.from_matrix(counts, ids, cells=table)
    dropped = {"annotated_cells": n_dropped}
    return Connectome(wiring.row_ids, wiring.column_ids, wiring.cells, wiring.edges, dropped)
