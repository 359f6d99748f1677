"""Step C: which frames are peaks of co-activity?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import FloatArray, IntArray

_TINY = -np.finfo(np.float64).eps


def find_peaks(x: Any, threshold: float, selectivity: float = 0.05) -> IntArray:
    """Local maxima that rise above their surroundings and lie above a threshold.

    Parameters
    ----------
    x : array_like (n_frames,)
    threshold : float
        Peaks must be larger than this.
    selectivity : float, >= 0
        How far a peak must rise above the lowest value since the peak before, and how far `x`
        must fall after it before the next may come.

    Returns
    -------
    ndarray of int64, ascending
        The first sample stands for a plateau; first and last sample of `x` may be peaks.
    """
    values = np.asarray(x, dtype=np.float64)
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    where = _alternating(values)
    at = values[where]
    if len(where) <= 2:
        best = int(at.argmax())
        found = [best] if at[best] > at.min() + selectivity else []
    else:
        found = _walk(at, selectivity)
    peaks = where[np.array(found, dtype=np.int64)]
    return peaks[values[peaks] > threshold]


def _alternating(values: FloatArray) -> IntArray:
    """Positions of alternating minima and maxima, first and last sample included."""
    step = np.diff(values)
    step[step == 0.0] = _TINY
    inside = np.flatnonzero(step[:-1] * step[1:] < 0) + 1
    where = np.concatenate([[0], inside, [len(values) - 1]])[: len(values)]
    if len(where) > 2:
        first, second = np.sign(np.diff(values[where[:3]]))
        if first == second:
            # The end that was added does not turn: where it falls the slope's inner point goes,
            # where it rises the end itself.
            where = np.delete(where, 1 if first <= 0 else 0)
    return where.astype(np.int64)


def _walk(at: FloatArray, selectivity: float) -> list[int]:
    """Indices of the extrema that are peaks."""
    lowest = float(at.min())
    best = left = lowest
    candidate, accepted = -1, False
    found: list[int] = []
    first = 0 if at[0] >= at[1] else 1
    for i in range(first, len(at)):
        value = float(at[i])
        if (i - first) % 2 == 0:
            if accepted:
                best, accepted = lowest, False
            if value > best and value > left + selectivity:
                candidate, best = i, value
        elif not accepted and best > selectivity + value:
            found.append(candidate)
            accepted, left = True, value
        else:
            left = min(left, value)
    if at[-1] > best and at[-1] > left + selectivity:
        found.append(len(at) - 1)
    elif not accepted and best > lowest:
        found.append(candidate)
    return found
