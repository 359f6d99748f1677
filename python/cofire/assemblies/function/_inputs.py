"""Checks that the functional analyses share: traces, rasters, sets of units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import InvalidArgumentError, InvalidTypeError


def traces_of(traces: Any, name: str = "traces") -> AnyArray:
    """Numbers (n_frames, n): bool, integers and float32 as they are, anything else as float64.

    A 1-D array is one trace.
    """
    values = np.asarray(getattr(traces, "values", traces))
    if values.dtype.kind not in "biu" and values.dtype != np.float32:
        try:
            values = values.astype(np.float64, copy=False)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(f"{name} must be an array of numbers (frames, units)") from error
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise InvalidArgumentError(f"{name} must have shape (frames, units), got {values.shape}")
    return values


def unit_sets(assemblies: Any, n_units: int, name: str = "assemblies") -> list[IntArray]:
    """Distinct units of each assembly, ascending, all below `n_units`; or rows of a mask."""
    if isinstance(assemblies, np.ndarray) and assemblies.dtype == bool and assemblies.ndim == 2:
        if assemblies.shape[1] != n_units:
            raise InvalidArgumentError(
                f"{name} is a mask of {assemblies.shape[1]} units, but there are {n_units}"
            )
        return [np.flatnonzero(row) for row in assemblies]
    found: list[IntArray] = []
    for k, units in enumerate(assemblies):
        values = np.asarray(units)
        if values.size == 0:
            values = np.zeros(0, dtype=np.int64)
        if values.ndim != 1 or values.dtype.kind not in "iu" or (values < 0).any():
            raise InvalidArgumentError(
                f"{name}[{k}] must be a 1-D array of unit indices from 0, got {units!r:.60}"
            )
        if (values >= n_units).any():
            raise InvalidArgumentError(
                f"{name}[{k}] has unit {int(values.max())}, but there are {n_units} units "
                "(counted from 0)"
            )
        found.append(np.unique(values).astype(np.int64))
    return found


def membership(sets: Sequence[IntArray], n_units: int) -> AnyArray:
    """Which units are in each set, (K, n_units) bool."""
    mask = np.zeros((len(sets), n_units), dtype=bool)
    for row, units in zip(mask, sets, strict=True):
        row[units] = True
    return mask


def frame_indices(values: Any, name: str) -> IntArray:
    """1-D integers as int64."""
    array = np.asarray(values)
    if array.size == 0:
        array = np.zeros(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidArgumentError(
            f"{name} must be a 1-D array of frame indices (integers), got shape {array.shape} of "
            f"{array.dtype}; first_frames turns times into frames"
        )
    return array.astype(np.int64)


def ascending(values: Any, name: str) -> FloatArray:
    """Finite 1-D times that do not decrease."""
    from cofire._validate import vector

    times = vector(values, name)
    steps = np.diff(times)
    if (steps < 0).any():
        i = int(np.flatnonzero(steps < 0)[0])
        raise InvalidArgumentError(
            f"{name} must not decrease: {name}[{i + 1}] = {times[i + 1]:g} follows {times[i]:g}; "
            "sort the rows by time"
        )
    return times
