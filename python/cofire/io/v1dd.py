"""Read mouse V1 cells whose activity and wiring are both known (V1DD, Wagner-Carena et al.)."""

from __future__ import annotations

import itertools
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.connectome import Connectome
from cofire.connectome._cells import cell_index, read_cells
from cofire.connectome._ids import id_column, unique_ids
from cofire.connectome._tables import open_table
from cofire.errors import (
    ConnectomeError,
    FileFormatError,
    JoinError,
    MissingDataError,
    RecordingNotFoundError,
)

if TYPE_CHECKING:
    import pandas as pd

VOXEL_UM3 = 9 * 9 * 45 * 1e-9
"""Size of a voxel of the synapse segmentation, µm³."""

FRAME_RATE = 6.05
"""Frames a second of the functional recording, worked out from the stimulus, not stated."""

_CELLS = "cells.csv.gz"
_PYRAMIDAL = "pyr_proofread_connectome.npz"
_MEMBERSHIP = "assembly_membership_coregistered.csv"
_COREGISTRATION = "coregistration_449.csv"
_FROZEN = "coregistration_167.csv"
_PAIRS = "pair_psd_first40.csv"
_SYNAPSES = "synapses_additional_cells.csv.gz"
_ASSEMBLIES = "assemblies_scan13.npz"
_RANDOM = "random_ensembles_scan13.npz"
_EIGENVALUES = "correlation_eigenvalues.npz"
_EMBEDDINGS = "isomap_embeddings.npz"
_PARTS = ("dff", "events", "f", "locations", "locomotion", "roi_id_by_index")


@dataclass(frozen=True, slots=True)
class V1DDScan:
    """Released arrays of one functional scan; None for those that are not there.

    Attributes
    ----------
    name : str
        What stands before ``_dff.npy``.
    dff, events, f : ndarray (n_frames, n_units) float32, memory-mapped
    locations : ndarray (n_units, 3)
        x, y (pixel) and depth (µm) of each unit.
    locomotion : ndarray
    roi_ids : ndarray (n_units,) str
        ``plane{0..5}_roi_{number}`` of each unit. (Co-registration counts planes from 1.)
    """

    name: str
    dff: AnyArray | None
    events: AnyArray | None
    f: AnyArray | None
    locations: AnyArray | None
    locomotion: AnyArray | None
    roi_ids: AnyArray | None

    @property
    def n_units(self) -> int | None:
        """Number of units, where an array tells it."""
        for array in (self.dff, self.events, self.f):
            if array is not None:
                return int(array.shape[1])
        for array in (self.locations, self.roi_ids):
            if array is not None:
                return len(array)
        return None


@dataclass(frozen=True, slots=True)
class V1DD:
    """What is there of the V1DD data; parts that are not are None or empty.

    Attributes
    ----------
    cells : DataFrame
        All typed cells, by ``cell_id`` (the published ``pt_root_id``), columns as published:
        ``classification_system`` (excitatory, inhibitory), ``status_axon`` ("extended" is
        proofread), positions in nm (``pt_position_y_trafo`` is the depth), ...
    pyramidal : Connectome
        Proofread pyramidal cells; which pairs are connected (a count of 1), not how strongly.
    membership : dict of int to tuple of int
        Assemblies (from 1, the largest) of each cell whose functional unit is known.
    coregistration : DataFrame
        A row a cell found in both data sets, by ``cell_id``: ``target_id``, ``session``,
        ``scan_idx``, ``field``, ``unit_id``, ``roi_id``.
    coregistration_frozen : DataFrame
        The earlier table, a row a ROI: ``pt_root_id`` and the same columns but ``roi_id``. Some of
        its cells have two ROIs.
    coverage : dict of str to int
        Cells left after each step from co-registration to assemblies: ``coregistered``,
        ``in_cell_table``, ``proofread``, ``with_functional_unit``, ``in_assemblies``,
        ``in_no_assembly``.
    dropped : dict of str to tuple of int
        Ids of the cells lost at each step: ``not_in_cell_table``, ``not_proofread``,
        ``no_functional_unit``; and
        ``several_rois``, cells that the earlier table names twice.
    pair_psd : DataFrame
        ``class``, ``pre``, ``post``, ``summed_psd_um3`` of some connected pairs.
    synapses : Connectome
        Synapses of further cells (older segmentation, so most are not in `cells`), sizes in µm³.
    assemblies : tuple of ndarray int64
        Units of each assembly of scan 1-3, largest assembly first.
    random_ensembles : tuple of ndarray int64
        Random units, as many as in each assembly.
    n_units : int
        Units of scan 1-3.
    detector_order : ndarray (n_assemblies,) int64
        Place of each assembly (from 1) in the output of the detector.
    eigenvalues, embeddings : dict of str to ndarray
        Of the correlation matrices; Isomap coordinates of units.
    scans : tuple of V1DDScan
        Released arrays.
    """

    cells: pd.DataFrame | None
    pyramidal: Connectome | None
    membership: dict[int, tuple[int, ...]]
    coregistration: pd.DataFrame | None
    coregistration_frozen: pd.DataFrame | None
    coverage: dict[str, int]
    dropped: dict[str, tuple[int, ...]]
    pair_psd: pd.DataFrame | None
    synapses: Connectome | None
    assemblies: tuple[IntArray, ...]
    random_ensembles: tuple[IntArray, ...]
    n_units: int
    detector_order: IntArray
    eigenvalues: dict[str, FloatArray]
    embeddings: dict[str, FloatArray]
    scans: tuple[V1DDScan, ...]

    def membership_of_rois(self, roi_ids: Any) -> dict[int, tuple[int, ...]]:
        """Assemblies of every co-registered cell, through the list of functional units.

        Parameters
        ----------
        roi_ids : sequence of str (n_units,)
            ROI of each unit, planes from 0, as in :attr:`V1DDScan.roi_ids`.

        Returns
        -------
        dict of int to tuple of int
            As :attr:`membership`; a cell whose ROI is no unit is left out.

        Raises
        ------
        MissingDataError
            There is no co-registration, or there are no assemblies.
        FileFormatError, JoinError
            A name that is no ROI; another number of ROIs than of units.
        """
        if self.coregistration is None or not self.assemblies:
            raise MissingDataError(f"this takes {_COREGISTRATION} and {_ASSEMBLIES}")
        names = [str(name) for name in roi_ids]
        if len(names) != self.n_units:
            raise JoinError(
                f"roi_ids must name the {self.n_units} units of the assemblies, got {len(names)}"
            )
        unit = {name: k for k, name in enumerate(names)}
        of_unit: dict[int, list[int]] = {}
        for a, members in enumerate(self.assemblies, start=1):
            for k in members.tolist():
                of_unit.setdefault(k, []).append(a)
        found = {}
        for cell, roi in self.coregistration["roi_id"].items():
            at = unit.get(_functional_roi(str(roi)))
            if at is not None:
                found[int(str(cell))] = tuple(of_unit.get(at, ()))
        return found

    def __repr__(self) -> str:
        parts = [] if self.cells is None else [f"{len(self.cells)} cells"]
        parts += [] if self.pyramidal is None else [f"{len(self.pyramidal.row_ids)} pyramidal"]
        parts += [f"{len(self.membership)} with assemblies"] if self.membership else []
        parts += [f"{len(self.assemblies)} assemblies"] if self.assemblies else []
        parts += [f"scans {', '.join(scan.name for scan in self.scans)}"] if self.scans else []
        return f"V1DD({', '.join(parts)})"


def _functional_roi(roi: str) -> str:
    """Name of a ROI with planes counted from 0, from one of the co-registration (from 1)."""
    match = re.fullmatch(r"plane([1-6])_roi_(\d+)", roi)
    if match is None:
        raise FileFormatError(f"{roi!r} is no ROI of the co-registration: plane1..6_roi_NUMBER")
    return f"plane{int(match[1]) - 1}_roi_{match[2]}"


def read_v1dd(folder: str | Path) -> V1DD:
    """Read a folder of V1DD data: tables of cells, wiring and assemblies, or released arrays.

    Parameters
    ----------
    folder : path
        Holds any of the prepared tables (``cells.csv.gz``, ``pyr_proofread_connectome.npz``,
        ``assembly_membership_coregistered.csv``, ``coregistration_449.csv``, ...) and of the
        released arrays ``session*_dff.npy``, ``_events``, ``_f``, ``_locations``, ``_locomotion``,
        ``_roi_id_by_index``. Traces are memory-mapped, not read.

    Returns
    -------
    V1DD
        With what is there. Cells that are lost between the tables are counted and named.

    Raises
    ------
    RecordingNotFoundError, MissingDataError
        No such folder; nothing of V1DD in it; a table without a column.
    FileFormatError
        A damaged file; arrays that do not fit each other.
    DuplicateIdError
        A cell named twice, for example two co-registrations of one cell.
    JoinError
        An index or id that another table does not have.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RecordingNotFoundError(f"{folder}: no such folder")
    scans = _scans(folder)
    known = (_CELLS, _PYRAMIDAL, _MEMBERSHIP, _COREGISTRATION, _SYNAPSES, _ASSEMBLIES)
    if not scans and not any((folder / name).is_file() for name in known):
        has = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
        raise MissingDataError(
            f"{folder} has neither {', '.join(known)} nor session*_dff.npy; it holds: {has}"
        )
    cells = read_cells(folder / _CELLS, "pt_root_id") if _there(folder, _CELLS) else None
    coregistration = _coregistration(folder / _COREGISTRATION)
    assemblies, n_units, order = _ensembles(folder / _ASSEMBLIES)
    membership = _membership(folder / _MEMBERSHIP, cells, len(assemblies))
    coverage, dropped = _coverage(coregistration, cells, membership)
    frozen = _frozen(folder / _FROZEN)
    if frozen is not None:
        twice = frozen["pt_root_id"][frozen["pt_root_id"].duplicated()].unique()
        dropped["several_rois"] = tuple(int(cell) for cell in twice)
    synapses = None
    if _there(folder, _SYNAPSES):
        synapses = Connectome.from_synapses(folder / _SYNAPSES, size_scale=VOXEL_UM3)
    return V1DD(
        cells=cells,
        pyramidal=_pyramidal(folder / _PYRAMIDAL, cells),
        membership=membership,
        coregistration=coregistration,
        coregistration_frozen=frozen,
        coverage=coverage,
        dropped=dropped,
        pair_psd=_pair_psd(folder / _PAIRS),
        synapses=synapses,
        assemblies=assemblies,
        random_ensembles=_ensembles(folder / _RANDOM)[0],
        n_units=n_units,
        detector_order=order,
        eigenvalues=_arrays(folder / _EIGENVALUES),
        embeddings=_arrays(folder / _EMBEDDINGS),
        scans=scans,
    )


def _there(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _arrays(path: Path, *needed: str) -> dict[str, AnyArray]:
    """Arrays of an npz file, none if it is not there."""
    if not path.is_file():
        return {}
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{path} is no readable npz archive ({error})") from error
    lacking = [name for name in needed if name not in arrays]
    if lacking:
        raise MissingDataError(
            f"{path} has no {', '.join(lacking)}; it holds: {', '.join(arrays) or 'nothing'}"
        )
    return arrays


def _table(path: Path, *columns: str) -> pd.DataFrame:
    import pandas as pd

    table = open_table(path, path.name)
    for name in columns:
        table.required(None, (name,), name)
    return pd.concat(list(table.pieces(table.columns, None)), ignore_index=True)


# --- wiring and cells -----------------------------------------------------------------------------


def _pyramidal(path: Path, cells: pd.DataFrame | None) -> Connectome | None:
    from scipy import sparse

    arrays = _arrays(path, "pt_root_id", "pre", "post")
    if not arrays:
        return None
    ids = unique_ids(arrays["pt_root_id"], f"{path}, pt_root_id")
    pre, post = (arrays[name].astype(np.int64) for name in ("pre", "post"))
    if pre.shape != post.shape or pre.ndim != 1:
        raise FileFormatError(f"{path}: pre and post must be lists of one length")
    for name, places in (("pre", pre), ("post", post)):
        bad = np.flatnonzero((places < 0) | (places >= len(ids)))
        if len(bad):
            raise JoinError(
                f"{path}: {name}[{bad[0]}] is {places[bad[0]]}, but there are {len(ids)} cells"
            )
    count = sparse.csr_array((np.ones(len(pre), np.int64), (pre, post)), shape=(len(ids),) * 2)
    if count.nnz < len(pre):
        raise FileFormatError(f"{path} lists {len(pre) - count.nnz} pairs twice")
    return Connectome.from_matrix(count, ids, cells=cells)


def _coregistration(path: Path) -> pd.DataFrame | None:
    table = _frozen(path)
    if table is None:
        return None
    ids = unique_ids(table["pt_root_id"], f"{path}, column 'pt_root_id'")
    return table.drop(columns="pt_root_id").set_axis(cell_index(ids), axis=0)


def _frozen(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    table = _table(path, "pt_root_id", "session", "scan_idx", "field", "unit_id")
    ids = id_column(table["pt_root_id"], f"{path}, column 'pt_root_id'")
    return table.assign(pt_root_id=ids)


def _membership(
    path: Path, cells: pd.DataFrame | None, n_assemblies: int
) -> dict[int, tuple[int, ...]]:
    if not path.is_file():
        return {}
    table = _table(path, "pt_root_id", "assemblies")
    ids = unique_ids(table["pt_root_id"], f"{path}, column 'pt_root_id'")
    if cells is not None and not np.isin(ids, cells.index).all():
        lost = ids[~np.isin(ids, cells.index)]
        raise JoinError(
            f"{path} names {len(lost)} cells that {_CELLS} does not have: {lost[:5].tolist()}"
        )
    membership = {}
    for row, (cell, value) in enumerate(zip(ids.tolist(), table["assemblies"], strict=True)):
        # A column without any list of several is read as numbers.
        text = "" if value != value or value is None else str(value).removesuffix(".0")
        labels = [part.strip() for part in text.split(";") if part.strip()]
        wrong = [part for part in labels if not part.isdigit() or int(part) < 1]
        wrong += [part for part in labels if not wrong and 0 < n_assemblies < int(part)]
        if wrong:
            raise ConnectomeError(
                f"{path}: row {row} (cell {cell}) holds {value!r}; assemblies are numbers from 1 "
                f"to {n_assemblies or '...'} with ';' between them"
            )
        membership[int(cell)] = tuple(sorted({int(part) for part in labels}))
    return membership


def _coverage(
    coregistration: pd.DataFrame | None,
    cells: pd.DataFrame | None,
    membership: dict[int, tuple[int, ...]],
) -> tuple[dict[str, int], dict[str, tuple[int, ...]]]:
    """How many cells each step leaves, and who is lost."""
    if coregistration is None or cells is None:
        return {}, {}
    ids = coregistration.index.to_numpy(np.int64)
    typed = ids[np.isin(ids, cells.index)]
    extended = cells["status_axon"].reindex(typed).eq("extended").to_numpy(dtype=bool)
    proofread = typed[extended]
    has_unit = np.array([int(cell) in membership for cell in proofread], dtype=bool)
    n_in = sum(bool(membership[int(cell)]) for cell in proofread[has_unit])
    coverage = {
        "coregistered": len(ids),
        "in_cell_table": len(typed),
        "proofread": len(proofread),
        "with_functional_unit": int(has_unit.sum()),
        "in_assemblies": n_in,
        "in_no_assembly": int(has_unit.sum()) - n_in,
    }
    dropped = {
        "not_in_cell_table": tuple(ids[~np.isin(ids, typed)].tolist()),
        "not_proofread": tuple(typed[~extended].tolist()),
        "no_functional_unit": tuple(proofread[~has_unit].tolist()),
    }
    return coverage, dropped


def _pair_psd(path: Path) -> pd.DataFrame | None:
    return _table(path, "class", "pre", "post", "summed_psd_um3") if path.is_file() else None


# --- activity -------------------------------------------------------------------------------------


def _ensembles(path: Path) -> tuple[tuple[IntArray, ...], int, IntArray]:
    """Sets of units, number of units, and the order in which they were found."""
    arrays = _arrays(path, "indices", "offsets", "n_neurons")
    if not arrays:
        return (), 0, np.zeros(0, dtype=np.int64)
    indices, offsets = arrays["indices"].astype(np.int64), arrays["offsets"].astype(np.int64)
    n = int(arrays["n_neurons"])
    fits = len(offsets) and offsets[0] == 0 and offsets[-1] == len(indices)
    if not fits or (np.diff(offsets) < 0).any():
        raise FileFormatError(f"{path}: offsets must rise from 0 to {len(indices)}")
    bad = np.flatnonzero((indices < 0) | (indices >= n))
    if len(bad):
        raise JoinError(f"{path}: indices[{bad[0]}] is {indices[bad[0]]}, but there are {n} units")
    sets = tuple(indices[a:b] for a, b in itertools.pairwise(offsets.tolist()))
    order = arrays.get("detector_order", np.zeros(0)).astype(np.int64)
    return sets, n, order


def _scans(folder: Path) -> tuple[V1DDScan, ...]:
    names = sorted(
        {
            path.name[: -len(f"_{part}.npy")]
            for part in _PARTS
            for path in folder.glob(f"session*_{part}.npy")
        }
    )
    return tuple(_scan(folder, name) for name in names)


def _scan(folder: Path, name: str) -> V1DDScan:
    parts: dict[str, AnyArray | None] = {}
    for part in _PARTS:
        path = folder / f"{name}_{part}.npy"
        try:
            parts[part] = (
                np.load(path, mmap_mode="r", allow_pickle=False) if path.is_file() else None
            )
        except (ValueError, OSError, EOFError) as error:
            raise FileFormatError(
                f"{path} is no readable array ({error}); arrays of objects are not read: save them "
                "as numbers or text"
            ) from error
    traces = {part: parts[part] for part in ("dff", "events", "f")}
    shapes = {part: array.shape for part, array in traces.items() if array is not None}
    if len(set(shapes.values())) > 1 or any(len(shape) != 2 for shape in shapes.values()):
        raise FileFormatError(
            f"{folder}/{name}: traces must have one shape (n_frames, n_units), got {shapes}"
        )
    scan = V1DDScan(
        name=name,
        dff=parts["dff"],
        events=parts["events"],
        f=parts["f"],
        locations=parts["locations"],
        locomotion=parts["locomotion"],
        roi_ids=parts["roi_id_by_index"],
    )
    for part in ("locations", "roi_id_by_index"):
        array = parts[part]
        if array is not None and len(array) != scan.n_units:
            raise FileFormatError(
                f"{folder}/{name}_{part}.npy has {len(array)} rows for {scan.n_units} units"
            )
    return scan
