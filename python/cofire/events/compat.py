"""Event-triggered averages as neuro_py 0.2 computes them, to reproduce published numbers."""

from __future__ import annotations

import math
import warnings

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import DataWarning
from cofire.events.accumulate import Moments, Windows
from cofire.types import Traces

Found = tuple[FloatArray, Moments, int, AnyArray | None]


def average(
    traces: Traces,
    events: FloatArray,
    window: tuple[float, float],
    rate: float,
    interpolate: bool,
    per_event: bool,
    n_threads: int,
) -> Found:
    """Lags, moments, number of valid events and stack, defects of the reference included."""
    n = math.ceil((window[1] - window[0]) * rate)
    lags = np.linspace(*window, n)
    if traces.rate is not None and not interpolate:
        first = _fast_windows(events - traces.t_start, len(traces), rate, n)
        return (lags, *_read(traces, first, n, per_event, n_threads))
    t = traces.times
    valid = (events + window[0] >= t[0]) & (events + window[1] <= t[-1])
    kept = np.where(valid, events, np.nan)
    stack: AnyArray | None
    if interpolate or not _is_regular(t):
        stack = _interpolated(traces, kept, lags, 1.0 / rate)
        first = np.where(valid, np.arange(len(events)) * n, np.nan)
        windows = Windows.lay(first, _one_run(stack.shape[0] * n), n)
        moments = windows.average(stack.reshape(-1, traces.n_signals), n_threads)
        n_valid = windows.n_events
    else:
        center = np.round((kept - t[0]) * rate)
        moments, n_valid, stack = _read(traces, np.trunc(center - n / 2), n, per_event, n_threads)
    if not valid.any():
        warnings.warn(
            "no event has its window inside the data: neuro_py returns zeros here",
            DataWarning,
            stacklevel=3,
        )
        moments = (np.zeros_like(moments[0]), moments[1], moments[2])
    return lags, moments, n_valid, stack if per_event else None


def _fast_windows(events: FloatArray, n_samples: int, rate: float, n: int) -> FloatArray:
    """First samples; where the reference would raise IndexError the event is left out instead."""
    position = events * rate
    valid = (position > n / 2 + 1) & (position < n_samples - n / 2 + 1)
    return np.where(valid, np.trunc(np.round(position) - n / 2), np.nan)


def _read(
    traces: Traces, first: FloatArray, n: int, per_event: bool, n_threads: int
) -> tuple[Moments, int, AnyArray | None]:
    windows = Windows.lay(first, _one_run(len(traces)), n, partial=False)
    stack = windows.stack(traces.values, len(first)) if per_event else None
    return windows.average(traces.values, n_threads), windows.n_events, stack


def _interpolated(traces: Traces, events: FloatArray, lags: FloatArray, pad: float) -> FloatArray:
    """Values (n_events, L, n) at event + lags, from the samples inside the window alone.

    A window that ends in a gap repeats its last sample up to the end; gaps inside are bridged.
    """
    t, values = traces.times, traces.values
    out = np.full((len(events), len(lags), traces.n_signals), np.nan)
    begin = np.searchsorted(t, events + lags[0] - pad, side="left")
    end = np.searchsorted(t, events + lags[-1] + pad, side="right")
    for i in np.flatnonzero(end > begin):
        near = slice(begin[i], end[i])
        for j in range(traces.n_signals):
            out[i, :, j] = np.interp(events[i] + lags, t[near], values[near, j])
    return out


def _is_regular(times: FloatArray) -> bool:
    intervals = np.diff(times)
    return bool(np.allclose(intervals, np.median(intervals), rtol=1e-3, atol=1e-8))


def _one_run(n_samples: int) -> IntArray:
    return np.array([[0, n_samples]], dtype=np.int64)
