"""Starts and stops as (n, 2) arrays: checks, merging, and who touches whom."""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import FloatArray, IntArray
from cofire.errors import InvalidArgumentError, InvalidTypeError


def edge_pairs(values: Any, name: str) -> FloatArray:
    """Check starts and stops (s); the error names the argument."""
    try:
        data = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"{name} must be an (n, 2) array of starts and stops in seconds"
        ) from error
    if data.size == 0:
        data = data.reshape(0, 2)
    if data.ndim == 1 and data.shape == (2,):
        data = data.reshape(1, 2)
    if data.ndim != 2 or data.shape[1] != 2:
        raise InvalidArgumentError(
            f"{name} must have shape (n, 2), a start and a stop a row; got shape {data.shape}"
        )
    bad = np.flatnonzero(np.isnan(data).any(axis=1) | ~(data[:, 1] >= data[:, 0]))
    if len(bad):
        i = int(bad[0])
        what = "is NaN" if np.isnan(data[i]).any() else "ends before it starts"
        raise InvalidArgumentError(
            f"{name}: interval {i} {what}: ({data[i, 0]:g}, {data[i, 1]:g}); "
            "drop or correct such rows"
        )
    return data


def merge_edges(data: FloatArray, gap: float) -> FloatArray:
    """Join sorted intervals that are at most `gap` seconds apart."""
    if not len(data):
        return data
    running = np.maximum.accumulate(data[:, 1])
    new = np.concatenate([[True], data[1:, 0] - running[:-1] > gap])
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(data)) - 1
    return np.column_stack([data[first, 0], running[last]])


def touching_pairs(a: FloatArray, b: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs (i, j), ordered by i then j, with ``a[i, 0] < b[j, 1]`` and ``b[j, 0] < a[i, 1]``."""
    if not len(a) or not len(b):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    # Candidates of interval i: the intervals of b that start before its stop, from the first one
    # whose running maximum of stops lies beyond its start.
    last = np.searchsorted(b[:, 0], a[:, 1], side="left")
    first = np.searchsorted(np.maximum.accumulate(b[:, 1]), a[:, 0], side="right")
    n = np.maximum(last - first, 0)
    i = np.repeat(np.arange(len(a)), n)
    j = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(first, n)
    keep = a[i, 0] < b[j, 1]
    return i[keep], j[keep]
