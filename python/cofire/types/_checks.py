"""Are these spike trains? Checks and conversions of the parts of a SpikeTrains."""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire import _core
from cofire._threads import get_num_threads
from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import (
    DuplicateIdError,
    IdPrecisionError,
    InvalidArgumentError,
    InvalidTypeError,
    SpikeTimeError,
)
from cofire.types.intervals import Intervals


def read_only(array: Any) -> Any:
    """A view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def n_threads(times: FloatArray) -> int:
    """Threads for a pass over the spikes."""
    # Starting a thread costs as much as looking at some 100,000 spikes.
    return 1 if len(times) < 200_000 else get_num_threads()


def times_array(values: Any, name: str = "times") -> FloatArray:
    """Spike times as contiguous float64."""
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"{name} must be a 1-D array of spike times in seconds") from error
    if array.ndim != 1:
        raise InvalidArgumentError(f"{name} must be 1-D, got shape {array.shape}")
    return array


def offsets_array(values: Any, n_spikes: int) -> IntArray:
    """Offsets as int64 that fit the spikes."""
    raw = np.asarray(values)
    if raw.ndim != 1 or len(raw) == 0 or raw.dtype.kind not in "iu":
        raise InvalidArgumentError(
            "offsets must be a 1-D array of n_units + 1 integers starting with 0"
        )
    offsets = np.ascontiguousarray(raw, dtype=np.int64)
    if offsets[0] != 0 or offsets[-1] != n_spikes or (np.diff(offsets) < 0).any():
        raise InvalidArgumentError(
            f"offsets must start with 0, never fall and end with the number of spikes "
            f"({n_spikes}); they run from {offsets[0]} to {offsets[-1]}"
        )
    return offsets


def ids_array(unit_ids: Any, n_units: int | None) -> AnyArray:
    """Unique unit ids as int64 or str."""
    if unit_ids is None:
        return np.arange(n_units or 0, dtype=np.int64)
    ids = np.asarray(unit_ids)
    if ids.size == 0:
        ids = ids.astype(np.int64)
    if ids.ndim != 1 or (n_units is not None and len(ids) != n_units):
        raise InvalidArgumentError(
            f"unit_ids must have one id per unit ({n_units}), got shape {ids.shape}"
        )
    if ids.dtype.kind in "iuf":
        ids = integer_ids(ids)
    elif ids.dtype.kind == "O" and all(isinstance(unit, str) for unit in ids):
        ids = ids.astype(str)
    elif ids.dtype.kind != "U":
        raise InvalidTypeError(f"unit_ids must be integers or strings, got {ids.dtype}")
    check_unique(ids)
    return ids


def integer_ids(ids: AnyArray) -> AnyArray:
    """Ids as int64; whole floating-point numbers (MATLAB's) are taken as long as they are exact."""
    if ids.dtype.kind == "f":
        whole = np.isfinite(ids) & (ids == np.round(ids))
        if not whole.all():
            raise InvalidTypeError(f"unit_ids must be integers or strings, got {ids[~whole][0]}")
        if (np.abs(ids) >= 2.0**53).any():
            raise IdPrecisionError(
                "unit_ids are floating-point numbers beyond 2**53 and have lost digits; read them "
                "as integers or strings"
            )
    elif ids.dtype.kind == "u" and (ids > np.iinfo(np.int64).max).any():
        raise InvalidArgumentError("unit_ids must fit a signed 64-bit integer; use strings")
    return ids.astype(np.int64)


def check_unique(ids: AnyArray) -> None:
    """Refuse ids that occur twice."""
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise DuplicateIdError(
            f"unit_ids must be unique; repeated: {values[counts > 1][:5].tolist()}"
        )


def checked(times: FloatArray, offsets: IntArray, ids: AnyArray, on_unsorted: str) -> FloatArray:
    """Times that are finite and sorted within each unit."""
    bad = _core.find_bad_spike(times, offsets, n_threads(times))
    if bad is not None and bad[0] == "unsorted" and on_unsorted == "sort":
        if np.isfinite(times).all():
            row = np.repeat(np.arange(len(ids)), np.diff(offsets))
            return times[np.lexsort((times, row))]
        bad = ("not_finite", *where(int(np.flatnonzero(~np.isfinite(times))[0]), offsets))
    if bad is None:
        return times
    fault, unit, index = bad
    train = times[offsets[unit] : offsets[unit + 1]]
    if fault == "not_finite":
        raise SpikeTimeError(
            f"spike times must be finite: unit {ids[unit]} has {train[index]} "
            f"(index {index}); drop such spikes first"
        )
    raise SpikeTimeError(
        f"spike times must be sorted: unit {ids[unit]} has {train[index]:.6g} s after "
        f'{train[index - 1]:.6g} s (index {index}); pass on_unsorted="sort" to sort a copy'
    )


def where(flat_index: int, offsets: IntArray) -> tuple[int, int]:
    unit = int(np.searchsorted(offsets, flat_index, side="right")) - 1
    return unit, flat_index - int(offsets[unit])


def merged_support(support: Any) -> Intervals:
    """Anything that holds intervals, merged."""
    from cofire.types.convert import as_intervals

    return as_intervals(support, "support", merge=True)


def all_inside(times: FloatArray, offsets: IntArray, support: Intervals) -> bool:
    """Whether no spike lies outside the support, where that is quick to tell."""
    if len(support) != 1 or not len(times):
        return not len(times)
    active = np.diff(offsets) > 0
    first = times[offsets[:-1][active]].min()
    last = times[offsets[1:][active] - 1].max()
    return bool(first >= support.starts[0] and last < support.stops[0])
