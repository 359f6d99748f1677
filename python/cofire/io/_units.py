"""The units table of an NWB file as spike trains."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from cofire import _core
from cofire._threads import get_num_threads
from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import (
    DataWarning,
    FileFormatError,
    JoinError,
    SpikeTimeError,
)
from cofire.io._hdf5 import Source, text_of
from cofire.io._tables import one_per_row, ragged_offsets, read_columns, read_ids, whole_numbers
from cofire.types._metadata import id_positions

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 2**19  # elements read at once when units are picked
_GAP = 2**17  # elements (1 MiB) that are read through rather than skipped
_FLAT_GAP = 2**11  # the same (16 KiB) where skipping costs one call of the operating system
Piece = tuple[int, int, int]  # start and stop in the file, position in the result
_IMPLAUSIBLE = 1e7  # s, four months
_REGION_COLUMNS = ("region", "brain_region", "brain_area", "structure_acronym", "location")


@dataclass(frozen=True, slots=True)
class SpikeRules:
    """What to do with spike times that are not as they should be."""

    on_unsorted: str
    on_invalid: str
    strict: bool
    min_isi: float | None
    t_start: float


def unit_table(source: Source, file: h5py.File) -> pd.DataFrame:
    """Scalar columns of every unit, with those of its electrode, indexed by unit id."""
    units = source.group(file, "units")
    assert units is not None
    ids = read_ids(source, units, "unit")
    skip = frozenset({"spike_times", "obs_intervals", "electrodes"})
    table = read_columns(source, units, len(ids), skip)
    electrodes = _electrode_table(source, file)
    if electrodes is not None and len(ids):
        rows = _electrode_rows(source, units, table, electrodes)
        if rows is not None:
            joined = electrodes.iloc[rows].reset_index(drop=True)
            taken = set(table.columns)
            joined.columns = [f"electrode_{c}" if c in taken else c for c in joined.columns]
            table = table.join(joined)
    _name_regions(source, units, table)
    table.index = ids
    return table


def choose_units(table: pd.DataFrame, units: Any) -> IntArray:
    """Positions of the units that a mask, ids or a pandas query select."""
    if units is None:
        return np.arange(len(table), dtype=np.int64)
    return id_positions(units, table.index.to_numpy(), lambda: table)


def read_spikes(
    source: Source, units: h5py.Group, chosen: IntArray, column: str = "spike_times"
) -> tuple[FloatArray, IntArray, bool]:
    """Values of a ragged column for the chosen units.

    Returns
    -------
    tuple
        Values (float64), offsets, and whether every train was seen to be finite and sorted.
    """
    n_units = int(units["id"].shape[0])
    data = source.dataset(units, column)
    if data is None:
        if n_units == 0:
            return np.zeros(0), np.zeros(1, dtype=np.int64), True
        raise source.missing(f"{units.name}/{column}", units)
    one_per_row(source, data)
    file_offsets = ragged_offsets(source, units, column, n_units)
    counts = np.diff(file_offsets)[chosen]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    source.check(data, int(offsets[-1]))
    out = np.empty(offsets[-1])
    pieces = _pieces(file_offsets[chosen], counts, offsets)
    place = _flat_place(data)
    if place is not None and len(pieces) == 1:
        return out, offsets, _read_stretch(source, data, place + 8 * pieces[0][0], out, offsets)
    if place is not None:
        _read_flat_pieces(source, data, place, pieces, out)
    else:
        _read_pieces(pieces, out, _GAP, lambda first, to: source.read_into(data, first, to))
    return out, offsets, _core.find_bad_spike(out, offsets, get_num_threads()) is None


def _read_pieces(
    pieces: list[Piece], out: FloatArray, gap: int, read: Callable[[int, FloatArray], None]
) -> None:
    """Fill `out`; `read` fills an array from an element of the file on."""
    for group in _reads(pieces, gap):
        first, last = group[0][0], group[-1][1]
        if len(group) == 1:
            read(first, out[group[0][2] : group[0][2] + last - first])
            continue
        block = np.empty(last - first)
        read(first, block)
        for start, stop, to in group:
            out[to : to + stop - start] = block[start - first : stop - first]


def _read_flat_pieces(
    source: Source, data: h5py.Dataset, place: int, pieces: list[Piece], out: FloatArray
) -> None:
    with open(data.file.filename, "rb", buffering=0) as raw:
        handle = raw.fileno()

        def read(first: int, to: FloatArray) -> None:
            _fill(source, data, handle, place + 8 * first, to)

        _read_pieces(pieces, out, _FLAT_GAP, read)


def _read_stretch(
    source: Source, data: h5py.Dataset, place: int, out: FloatArray, offsets: IntArray
) -> bool:
    """Read one stretch of plain doubles, and tell whether its trains are finite and sorted."""
    # Threads read and check block by block, while a block is still in the cache, without the HDF5
    # library and its lock.
    starts = range(0, len(out), _BLOCK)
    # An allowed external link leads to another file than source.path.
    with open(data.file.filename, "rb", buffering=0) as raw:
        handle = raw.fileno()

        def work(start: int) -> bool:
            block = out[start : start + _BLOCK]
            _fill(source, data, handle, place + 8 * start, block)
            inner = offsets[np.searchsorted(offsets, start, side="right") :]
            inner = inner[: np.searchsorted(inner, start + len(block), side="left")] - start
            local = np.concatenate([[0], inner, [len(block)]])
            return _core.find_bad_spike(block, local, 1) is None

        n_threads = min(get_num_threads(), len(starts))
        if n_threads <= 1:
            sound = [work(start) for start in starts]
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                sound = list(pool.map(work, starts))
    seams = np.setdiff1d(np.array(starts[1:], dtype=np.int64), offsets)
    return all(sound) and bool((out[seams] >= out[seams - 1]).all())


def _flat_place(data: h5py.Dataset) -> int | None:
    """Position in the file of the first value, if they are plain doubles in one piece."""
    plain = data.chunks is None and data.dtype == np.dtype("<f8") and sys.byteorder == "little"
    if not plain or data.external or data.is_virtual or data.file.userblock_size:
        return None
    place: int | None = data.id.get_offset()
    return place if hasattr(os, "preadv") else None


def _fill(source: Source, data: h5py.Dataset, handle: int, place: int, out: FloatArray) -> None:
    target = out.data.cast("B")
    done = 0
    while done < len(target):
        n = os.preadv(handle, [target[done:]], place + done)
        if n == 0:
            raise FileFormatError(
                f"{source.path}:{data.name} runs beyond the end of the file; fetch it again"
            )
        done += n


def _rows_of(table: pd.DataFrame, ids: AnyArray) -> IntArray:
    """Row of each id in a table indexed by id, -1 for unknown ones."""
    import pandas as pd

    return np.asarray(table.index.get_indexer(pd.Index(ids)), dtype=np.int64)


def _pieces(starts: IntArray, counts: IntArray, offsets: IntArray) -> list[Piece]:
    """(start, stop) in the file and position in the result; neighbors in both are joined."""
    order = np.argsort(starts, kind="stable")
    order = order[counts[order] > 0]
    first, last, to = starts[order], starts[order] + counts[order], offsets[:-1][order]
    # Trains that follow each other in the file and in the result are one piece.
    apart = (first[1:] != last[:-1]) | (to[1:] != to[:-1] + counts[order][:-1])
    heads = np.flatnonzero(np.concatenate([[True], apart])[: len(order)])
    tails = np.concatenate([heads[1:], [len(order)]])[: len(heads)] - 1
    return list(zip(first[heads].tolist(), last[tails].tolist(), to[heads].tolist(), strict=True))


def _reads(pieces: list[Piece], gap: int) -> list[list[Piece]]:
    """Pieces that are read together: gaps below `gap` are read through, within one block."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        near = groups and piece[0] - groups[-1][-1][1] < gap
        if near and piece[1] - groups[-1][0][0] <= _BLOCK:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def checked_spikes(
    source: Source,
    times: FloatArray,
    offsets: IntArray,
    ids: AnyArray,
    rules: SpikeRules,
    good: bool,
    companion: FloatArray | None = None,
) -> tuple[FloatArray, IntArray, FloatArray | None, dict[str, Any]]:
    """Apply the rules for invalid, unsorted and too close spikes; `good` trains need no look.

    Returns
    -------
    tuple
        Times, offsets, the companion column (one value per spike), and what was done.
    """
    where = f"{source.path}:/units/spike_times"
    notes: dict[str, Any] = {}
    bad = None if good else _core.find_bad_spike(times, offsets, get_num_threads())
    if bad is not None and rules.on_invalid == "drop" and not np.isfinite(times).all():
        keep = np.isfinite(times)
        lost = np.diff(offsets) - _counts(keep, offsets)
        notes["dropped_invalid"] = {u: int(n) for u, n in zip(ids.tolist(), lost, strict=True) if n}
        warnings.warn(
            f"{where}: dropped {int(lost.sum())} spike times that are not finite, of units "
            f"{list(notes['dropped_invalid'])[:5]}",
            DataWarning,
            stacklevel=4,
        )
        times, offsets, companion = _keep(keep, times, offsets, companion)
        bad = _core.find_bad_spike(times, offsets, get_num_threads())
    if bad is not None and bad[0] == "unsorted" and rules.on_unsorted == "sort":
        row = np.repeat(np.arange(len(ids)), np.diff(offsets))
        order = np.lexsort((times, row))
        times = times[order]
        companion = None if companion is None else companion[order]
        bad = _core.find_bad_spike(times, offsets, get_num_threads())
    if bad is not None:
        raise _spike_error(where, bad, times, offsets, ids)
    if rules.min_isi is not None:
        keep = np.ones(len(times), dtype=bool)
        keep[1:] = np.diff(times) >= rules.min_isi
        keep[offsets[:-1][np.diff(offsets) > 0]] = True
        notes["dropped_min_isi"] = int(len(times) - keep.sum())
        times, offsets, companion = _keep(keep, times, offsets, companion)
    return times, offsets, companion, notes


def check_range(
    source: Source, times: FloatArray, offsets: IntArray, rules: SpikeRules, stop: float | None
) -> None:
    """Times before the declared start are an error, implausibly late ones a warning."""
    where = f"{source.path}:/units/spike_times"
    active = np.diff(offsets) > 0
    if not active.any():
        return
    first = float(times[offsets[:-1][active]].min())
    last = float(times[offsets[1:][active] - 1].max())
    if first < rules.t_start:
        raise SpikeTimeError(
            f"{where} holds {first:.6g} s, before the start of the recording "
            f"({rules.t_start:g} s); pass t_start={np.floor(first):g} if that is meant"
        )
    if last > _IMPLAUSIBLE or (stop is not None and last > stop):
        end = "1e7 s" if stop is None or last > _IMPLAUSIBLE else f"the recording ({stop:g} s)"
        message = (
            f"{where} runs to {last:.6g} s, beyond {end}: it looks like samples or milliseconds "
            "instead of seconds"
        )
        if rules.strict:
            raise SpikeTimeError(f"{message}; strict=False reads it all the same")
        warnings.warn(message, DataWarning, stacklevel=4)


def _spike_error(
    where: str, bad: tuple[str, int, int], times: FloatArray, offsets: IntArray, ids: AnyArray
) -> SpikeTimeError:
    fault, unit, index = bad
    train = times[offsets[unit] : offsets[unit + 1]]
    if fault == "not_finite":
        return SpikeTimeError(
            f"{where}: unit {ids[unit]} has {train[index]} (spike {index}); correct the file, or "
            'read it with on_invalid="drop"'
        )
    return SpikeTimeError(
        f"{where}: unit {ids[unit]} is not sorted: {train[index]:.6g} s after "
        f"{train[index - 1]:.6g} s (spike {index}); sort them in the file, or read it with "
        'on_unsorted="sort"'
    )


def _counts(keep: AnyArray, offsets: IntArray) -> IntArray:
    total = np.concatenate([[0], np.cumsum(keep)])
    counts: IntArray = np.diff(total[offsets])
    return counts


def _keep(
    keep: AnyArray, times: FloatArray, offsets: IntArray, companion: FloatArray | None
) -> tuple[FloatArray, IntArray, FloatArray | None]:
    new = np.concatenate([[0], np.cumsum(_counts(keep, offsets))]).astype(np.int64)
    return times[keep], new, None if companion is None else companion[keep]


def _electrode_table(source: Source, file: h5py.File) -> pd.DataFrame | None:
    group: Any = file
    for part in ("general", "extracellular_ephys", "electrodes"):
        group = source.group(group, part)
        if group is None:
            return None
    ids = read_ids(source, group, "electrode")
    table = read_columns(source, group, len(ids))
    table.index = ids
    space = [c for c in ("x", "y", "z") if c in table.columns]
    if len(space) == 3 and len(table) and not table[space].any(axis=None):
        table[space] = np.nan  # not registered: the origin in all rows means "unknown"
    return table


def _electrode_rows(
    source: Source, units: h5py.Group, table: pd.DataFrame, electrodes: pd.DataFrame
) -> IntArray | None:
    """Row of the electrode table for each unit, None if the file does not say."""
    if "peak_channel_id" in table.columns:
        where = f"{source.path}:{units.name}/peak_channel_id"
        wanted = whole_numbers(table["peak_channel_id"].to_numpy(), where)
        rows = _rows_of(electrodes, wanted)
        unknown = np.unique(wanted[rows < 0])
        if len(unknown):
            raise JoinError(
                f"{where} names electrodes that do not exist: {unknown[:5].tolist()}; "
                "the electrode table lacks them"
            )
        return rows
    if "electrodes" not in units or "electrodes_index" not in units:
        return None
    offsets = ragged_offsets(source, units, "electrodes", len(table))
    if (np.diff(offsets) == 0).any():
        return None
    rows = source.read(units["electrodes"])[offsets[:-1]].astype(np.int64)
    outside = rows[(rows < 0) | (rows >= len(electrodes))]
    if len(outside):
        raise JoinError(
            f"{source.path}:{units.name}/electrodes names rows {outside[:5].tolist()} of an "
            f"electrode table with {len(electrodes)} rows"
        )
    return np.asarray(rows, dtype=np.int64)


def _name_regions(source: Source, units: h5py.Group, table: pd.DataFrame) -> None:
    """Add the column `region` from the first column that says where units lie."""
    refs = source.dataset(units, "electrode_group")
    is_reference = refs is not None and h5py.check_ref_dtype(refs.dtype) is h5py.Reference
    if is_reference and "electrode_group" in table.columns:
        groups = [units.file[ref] if ref else None for ref in refs[()]]
        table["electrode_group_location"] = np.array(
            ["" if g is None else text_of(g.attrs.get("location", "")) for g in groups], object
        )
    for name in (*_REGION_COLUMNS, "electrode_group_location"):
        if name not in table.columns or table[name].dtype.kind not in "OT":
            continue
        names = table[name].astype(str)
        if (names != "").any():
            if "peak_channel_id" in table.columns:
                # Allen files add a substructure: "LGd-sh".
                names = names.str.split("-").str[0]
            table["region"] = names.to_numpy(dtype=object)
            return
