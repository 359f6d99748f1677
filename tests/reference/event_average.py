"""Event-triggered averages written to be read: one event and one lag at a time."""

from __future__ import annotations

import math

import numpy as np


def lags_of(window, rate):
    return window[0] + np.arange(round((window[1] - window[0]) * rate)) / rate


def regular_stack(x, events, window, rate, t_start=0.0, epochs=None):
    """Samples (n_events, L, n) around each event; NaN outside the data or the epochs."""
    n_samples, n_signals = x.shape
    times = t_start + np.arange(n_samples) / rate
    lags = lags_of(window, rate)
    out = np.full((len(events), len(lags), n_signals), np.nan)
    for e, event in enumerate(events):
        if not np.isfinite(event):
            continue
        first = math.floor((event + window[0] - t_start) * rate + 0.5)
        for lag in range(len(lags)):
            i = first + lag
            if not 0 <= i < n_samples:
                continue
            if epochs is None or any(a <= times[i] < b for a, b in epochs):
                out[e, lag] = x[i]
    return out


def interpolated_stack(x, times, events, lags, epochs=None):
    """Values (n_events, L, n) at event + lag, between samples of one epoch only."""
    epochs = [(times[0], times[-1])] if epochs is None else epochs
    out = np.full((len(events), len(lags), x.shape[1]), np.nan)
    for e, event in enumerate(events):
        for k, lag in enumerate(lags):
            t = event + lag
            for a, b in epochs:
                inside = np.flatnonzero((times >= a) & (times <= b))
                if not len(inside) or not times[inside[0]] <= t <= times[inside[-1]]:
                    continue
                hit = np.flatnonzero(times[inside] == t)
                if len(hit):
                    out[e, k] = x[inside[hit[0]]]
                    continue
                right = inside[np.searchsorted(times[inside], t)]
                weight = (t - times[right - 1]) / (times[right] - times[right - 1])
                out[e, k] = x[right - 1] + weight * (x[right] - x[right - 1])
    return out


def moments(stack):
    """Mean, standard error and number of the values that are not NaN, over events."""
    count = np.isfinite(stack).sum(axis=0)
    mean = np.full(stack.shape[1:], np.nan)
    sem = np.full(stack.shape[1:], np.nan)
    for index in np.ndindex(mean.shape):
        values = stack[(slice(None), *index)]
        values = values[np.isfinite(values)]
        if len(values):
            mean[index] = values.mean()
        if len(values) > 1:
            sem[index] = values.std(ddof=1) / math.sqrt(len(values))
    return mean, sem, count


def assert_is_average(found, stack, rtol=1e-12):
    """`found` holds the moments of `stack`."""
    mean, sem, count = moments(stack)
    np.testing.assert_array_equal(found.counts, count)
    np.testing.assert_allclose(found.mean, mean, rtol=rtol)
    np.testing.assert_allclose(found.sem, sem, rtol=1e-7, atol=1e-12)


def signal(seed=0, n_samples=700, n=3, dtype=np.float64):
    """Noise (n_samples, n) around 3."""
    return np.random.default_rng(seed).normal(3.0, 1.0, (n_samples, n)).astype(dtype)
