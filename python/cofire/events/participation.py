"""Which units take part in which events?"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray, fits_memory, one_of
from cofire.types import SpikeTrains, as_intervals, as_spike_trains


def count_in_intervals(
    spikes: Any, intervals: Any, *, output: str = "counts", closed: str = "neither"
) -> AnyArray:
    """Count the spikes of each unit inside each interval.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    intervals : Intervals or array_like (n_intervals, 2), s
        They may overlap.
    output : {"counts", "binary", "rate"}
        Counts (int64); whether there is a spike (bool); counts per second (float64; NaN in an
        interval of length zero). ``"firing_rate"`` is another name of ``"rate"``.
    closed : {"neither", "left"}
        Whether a spike at the very start of an interval counts. A spike at its stop never does.

    Returns
    -------
    ndarray (n_units, n_intervals)

    Raises
    ------
    InvalidArgumentError
        Unknown `output` or `closed`.
    TooLargeError
        The result would not fit into memory.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.count_in_intervals([[0.0, 0.5], [1.5]], [[0.0, 1.0], [1.0, 2.0]]).tolist()
    [[1, 0], [0, 1]]
    >>> cf.count_in_intervals([[0.0, 0.5]], [[0.0, 1.0]], closed="left").tolist()
    [[2]]
    """
    one_of(output, "output", ("counts", "binary", "rate", "firing_rate"))
    one_of(closed, "closed", ("neither", "left"))
    trains = as_spike_trains(spikes)
    found = as_intervals(intervals)
    fits_memory((trains.n_units, len(found)), np.int64, "counts in intervals")
    counts = counts_inside(trains, found.starts, found.stops, closed)
    if output == "counts":
        return counts
    if output == "binary":
        return counts > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = counts / found.durations
    rate[:, found.durations == 0] = np.nan
    return rate


def participation(spikes: Any, intervals: Any, *, closed: str = "neither") -> AnyArray:
    """Whether each unit fires in each interval.

    The same as :func:`count_in_intervals` with ``output="binary"``.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    intervals : Intervals or array_like (n_intervals, 2), s
    closed : {"neither", "left"}

    Returns
    -------
    ndarray (n_units, n_intervals) bool

    Examples
    --------
    >>> import cofire as cf
    >>> cf.participation([[0.5], [1.5]], [[0.0, 1.0], [1.0, 2.0]]).tolist()
    [[True, False], [False, True]]
    """
    return count_in_intervals(spikes, intervals, output="binary", closed=closed)


def counts_inside(
    trains: SpikeTrains, starts: FloatArray, stops: FloatArray, closed: str
) -> IntArray:
    """Spikes of each unit in each (start, stop), or [start, stop) if closed="left"."""
    counts = np.empty((trains.n_units, len(starts)), dtype=np.int64)
    side: Literal["left", "right"] = "right" if closed == "neither" else "left"
    for row, train in zip(counts, trains, strict=True):
        row[:] = np.searchsorted(train, stops, side="left")
        row -= np.searchsorted(train, starts, side=side)
    # A spike exactly at both ends of an open interval of length zero would count as -1.
    return np.maximum(counts, 0, out=counts)
