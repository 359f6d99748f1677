"""Which samples lie around which event? Windows laid into signals, summed by the kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cofire import _core
from cofire._validate import AnyArray, FloatArray, IntArray, fits_memory
from cofire.types import Intervals, Traces

Moments = tuple[FloatArray, FloatArray, IntArray]

_WINDOWS: dict[np.dtype[Any], Callable[..., Moments]] = {
    np.dtype("float32"): _core.average_windows_f32,
    np.dtype("float64"): _core.average_windows_f64,
}
_INTERPOLATED: dict[np.dtype[Any], Callable[..., Moments]] = {
    np.dtype("float32"): _core.average_interpolated_f32,
    np.dtype("float64"): _core.average_interpolated_f64,
}
# A support edge this close to a sample (in samples) is meant to be on it.
_EDGE_TOLERANCE = 1e-6
# Times this close to equal steps (in steps) are those of a regular clock.
_STEP_TOLERANCE = 1e-3
_STEP_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of equal length laid over the samples of regular signals.

    Attributes
    ----------
    full : ndarray (n_full,) int64
        First samples of windows of which every sample exists.
    partial : ndarray (n_pieces, 3) int64
        Pieces of the others: first sample, first lag, number of samples.
    full_event : ndarray (n_full,) int64
        Event of each full window.
    partial_event : ndarray (n_pieces,) int64
        Event of each piece.
    n_lags : int
    """

    full: IntArray
    partial: IntArray
    full_event: IntArray
    partial_event: IntArray
    n_lags: int

    @classmethod
    def lay(
        cls, first: FloatArray, runs: IntArray, n_lags: int, *, partial: bool = True
    ) -> Windows:
        """Lay one window per event.

        Parameters
        ----------
        first : ndarray (n_events,) float64
            First sample of each window, a whole number; NaN leaves the event out.
        runs : ndarray (n_runs, 2) int64
            Ranges [first, last) of samples that exist, disjoint and sorted.
        n_lags : int
        partial : bool
            Whether to keep what exists of an incomplete window.
        """
        end = int(runs[-1, 1]) if len(runs) else 0
        usable = np.isfinite(first) & (first > -n_lags) & (first < end)
        event = np.flatnonzero(usable)
        # Sorted windows read memory forward, and make the sums independent of the events' order.
        event = event[np.argsort(first[event], kind="stable")]
        start = first[event].astype(np.int64)
        low = np.searchsorted(runs[:, 1], start, side="right")
        high = np.searchsorted(runs[:, 0], start + n_lags, side="left")
        n = np.maximum(high - low, 0)
        window = np.repeat(np.arange(len(start)), n)
        run = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(low, n)
        begin = np.maximum(start[window], runs[run, 0])
        stop = np.minimum(start[window] + n_lags, runs[run, 1])
        whole = stop - begin == n_lags
        pieces = np.column_stack([begin, begin - start[window], stop - begin])[~whole]
        piece_event = event[window[~whole]]
        if not partial:
            pieces, piece_event = pieces[:0], piece_event[:0]
        return cls(
            full=np.ascontiguousarray(begin[whole]),
            partial=np.ascontiguousarray(pieces),
            full_event=event[window[whole]],
            partial_event=piece_event,
            n_lags=n_lags,
        )

    @property
    def n_events(self) -> int:
        """Number of events of which at least one sample exists."""
        return len(self.full) + len(np.unique(self.partial_event))

    def average(self, values: AnyArray, n_threads: int) -> Moments:
        """Mean, standard error and number of samples of each lag, (n_lags, n) each."""
        values = walkable(values)
        kernel = _WINDOWS[values.dtype]
        return kernel(values, self.full, self.partial, self.n_lags, n_threads)

    def stack(self, values: AnyArray, n_events: int) -> AnyArray:
        """Samples of every window, (n_events, n_lags, n), NaN where there are none."""
        shape = (n_events, self.n_lags, values.shape[1])
        fits_memory(shape, values.dtype, "the samples around every event")
        out = np.full(shape, np.nan, dtype=values.dtype)
        for event, start in zip(self.full_event, self.full, strict=True):
            out[event] = values[start : start + self.n_lags]
        for event, (start, lag, n) in zip(self.partial_event, self.partial, strict=True):
            out[event, lag : lag + n] = values[start : start + n]
        return out


def average_interpolated(
    traces: Traces, runs: IntArray, events: FloatArray, lags: FloatArray, n_threads: int
) -> Moments:
    """Mean, standard error and number of values interpolated at events + lags."""
    values = walkable(traces.values)
    ordered = np.sort(events[np.isfinite(events)])
    kernel = _INTERPOLATED[values.dtype]
    return kernel(values, traces.times, runs, ordered, np.ascontiguousarray(lags), n_threads)


def regular_runs(support: Intervals, n_samples: int, rate: float, t_start: float) -> IntArray:
    """Ranges [first, last) of the samples of a regular signal that lie in [start, stop)."""
    edges = np.ceil((support.merged().data - t_start) * rate - _EDGE_TOLERANCE)
    runs = np.clip(edges, 0, n_samples).astype(np.int64)
    return np.ascontiguousarray(runs[runs[:, 1] > runs[:, 0]])


def irregular_runs(support: Intervals, times: FloatArray) -> IntArray:
    """Ranges [first, last) of the samples that lie in [start, stop] of each support epoch."""
    merged = support.merged()
    first = np.searchsorted(times, merged.starts, side="left")
    last = np.searchsorted(times, merged.stops, side="right")
    runs = np.column_stack([first, last]).astype(np.int64)
    return np.ascontiguousarray(runs[last > first])


def rate_of_equal_steps(times: FloatArray, lag_rate: float) -> float | None:
    """Rate (Hz) of times in equal steps of about ``1 / lag_rate``; None for other times."""
    n = len(times)
    if n < 2:
        return None
    rate = (n - 1) / float(times[-1] - times[0])
    # A rate in whole microhertz keeps ties between two samples ties.
    whole = round(rate, 6)
    if abs(whole - rate) * n <= _EDGE_TOLERANCE * rate:
        rate = whole
    if abs(lag_rate - rate) > _EDGE_TOLERANCE * rate:
        return None
    # In blocks: uneven times are known by the first ones, and even ones need no second time axis.
    for first in range(0, n, _STEP_BLOCK):
        block = times[first : first + _STEP_BLOCK]
        steps = np.arange(first, first + len(block))
        if np.abs((block - times[0]) * rate - steps).max() > _STEP_TOLERANCE:
            return None
    return rate


def walkable(values: AnyArray) -> AnyArray:
    """`values` (T, n) as the kernels take them, copied only when they must be.

    Kernels read float32 and float64, contiguous along time or along the signals.
    """
    if values.dtype not in _WINDOWS:  # also another byte order
        values = values.astype(np.float64)
    time, signal = values.strides
    item = values.dtype.itemsize
    along_signals = values.shape[1] > 1 and signal == item and time > 0
    along_time = time == item and (values.shape[1] == 1 or signal > 0)
    in_steps = time % item == 0 and signal % item == 0
    if values.flags.aligned and in_steps and (along_signals or along_time):
        return values
    return np.array(values, order="C")
