"""Averages of signals and counts of spikes around events, against plain NumPy and the peers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numba import njit

import cofire as cf
from peers import DURATION, compare, make_events, make_spikes, optional, scale, within

N_EVENTS = scale(5000, 100)
RATE = 1250.0
N_SAMPLES = scale(10_000_000, 250_000)
N_SIGNALS = scale(20, 4)
WINDOW = (-0.5, 0.5)


# --- W2: event-triggered average ---


@lru_cache(maxsize=1)
def signals() -> np.ndarray:
    """Signals (n, T) float32, each contiguous; the other layout is made from it."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((N_SIGNALS, N_SAMPLES), dtype=np.float32)


def signal_events() -> np.ndarray:
    return make_events(N_EVENTS, N_SAMPLES / RATE)


def first_samples(events: np.ndarray) -> np.ndarray:
    return np.floor((events + WINDOW[0]) * RATE + 0.5).astype(np.int64)


def average_numpy(x: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Slices added in whichever order memory is read forward."""
    n_lags = round((WINDOW[1] - WINDOW[0]) * RATE)
    first = first_samples(events)
    if x.flags.c_contiguous:
        total = np.zeros((n_lags, x.shape[1]))
        for start in first:
            total += x[start : start + n_lags]
        return total / len(first)
    sums = np.zeros((x.shape[1], n_lags))
    for j, total in enumerate(sums):
        column = x[:, j]
        for start in first:
            total += column[start : start + n_lags]
    return (sums / len(first)).T


@pytest.mark.parametrize("layout", ["signal by signal", "sample by sample"])
def test_regular_average(benchmark, layout):
    x = signals().T if layout == "signal by signal" else np.ascontiguousarray(signals().T)
    events = signal_events()
    benchmark.group = (
        f"average around {N_EVENTS} events, {N_SIGNALS} float32 signals x {N_SAMPLES} samples, "
        f"+-0.5 s, {layout}"
    )
    implementations = {
        "cofire": lambda: cf.event_triggered_average(x, events, WINDOW, rate=RATE, threads=1).mean,
        "numpy, slices added": lambda: average_numpy(x, events),
    }
    compare(benchmark, implementations, within(1e-9))


@lru_cache(maxsize=1)
def irregular_times() -> np.ndarray:
    times = np.arange(N_SAMPLES) + np.random.default_rng(3).uniform(0, 0.9, N_SAMPLES)
    times /= RATE
    return times


def interpolate_numpy(x: np.ndarray, times: np.ndarray, events: np.ndarray) -> np.ndarray:
    lags = WINDOW[0] + np.arange(round((WINDOW[1] - WINDOW[0]) * RATE)) / RATE
    out = np.zeros((len(lags), x.shape[1]))
    for event in events:
        for j in range(x.shape[1]):
            out[:, j] += np.interp(event + lags, times, x[:, j])
    return out / len(events)


def test_irregular_average(benchmark):
    times, events = irregular_times(), signal_events()
    x = np.random.default_rng(4).standard_normal((2, N_SAMPLES)).T
    benchmark.group = (
        f"average around {N_EVENTS} events, 2 float64 signals x {N_SAMPLES} irregular samples, "
        "+-0.5 s, interpolated"
    )
    implementations = {
        "cofire": lambda: (
            cf.event_triggered_average(x, events, WINDOW, times=times, rate=RATE, threads=1).mean
        ),
        "numpy.interp of each event": lambda: interpolate_numpy(x, times, events),
    }
    compare(benchmark, implementations, within(1e-9))


# --- W3: spikes around events ---


N_UNITS = scale(1000, 20)
BEFORE, BIN, N_BINS = -1.0, 0.01, 200


def count_numpy(spikes: cf.SpikeTrains, events: np.ndarray) -> np.ndarray:
    """All spikes of all windows by searchsorted and repeat, one bincount a unit."""
    out = np.empty((spikes.n_units, N_BINS), dtype=np.int64)
    for unit, train in enumerate(spikes):
        first = np.searchsorted(train, events + BEFORE, side="left")
        last = np.searchsorted(train, events + BEFORE + N_BINS * BIN, side="left")
        n = last - first
        index = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(first, n)
        delay = train[index] - np.repeat(events, n)
        bins = ((delay - BEFORE) / BIN).astype(np.int64)
        out[unit] = np.bincount(bins, minlength=N_BINS)[:N_BINS]
    return out


@njit(nogil=True)
def _two_pointers(times, offsets, events, before, width, n_bins):
    out = np.zeros((len(offsets) - 1, n_bins), dtype=np.int64)
    for unit in range(len(offsets) - 1):
        first = offsets[unit]
        stop = offsets[unit + 1]
        for event in events:
            low = event + before
            high = low + n_bins * width
            while first < stop and times[first] < low:
                first += 1
            i = first
            while i < stop and times[i] < high:
                k = int((times[i] - low) / width)
                if k < n_bins:
                    out[unit, k] += 1
                i += 1
    return out


def count_numba(spikes: cf.SpikeTrains, events: np.ndarray) -> np.ndarray:
    return _two_pointers(spikes.times, spikes.offsets, events, BEFORE, BIN, N_BINS)


def test_peri_event_counts(benchmark):
    spikes, events = make_spikes(N_UNITS, 0), make_events(N_EVENTS)
    window = (BEFORE, BEFORE + N_BINS * BIN)
    benchmark.group = (
        f"spikes around {N_EVENTS} events, {N_UNITS} units x {DURATION:g} s, +-1 s, 10 ms"
    )
    implementations = {
        "cofire": lambda: cf.peri_event_counts(spikes, events, window, BIN, threads=1).counts,
        "numba two pointers": lambda: count_numba(spikes, events),
        "numpy.searchsorted loop": lambda: count_numpy(spikes, events),
    }
    compare(benchmark, implementations, np.testing.assert_array_equal)


@njit(nogil=True)
def _reference_psth(times, offsets, events, width, n_bins):
    """The loops of the published crossCorr: window found from the last one, bin by division."""
    out = np.zeros((n_bins, len(offsets) - 1))
    half = n_bins / 2 * width
    for unit in range(len(offsets) - 1):
        low, stop = offsets[unit], offsets[unit + 1]
        for event in events:
            start = event - half
            while low < stop and times[low] < start:
                low += 1
            while low > offsets[unit] and times[low - 1] > start:
                low -= 1
            right, i = start, low
            for k in range(n_bins):
                right += width
                while i < stop and times[i] < right:
                    out[k, unit] += 1
                    i += 1
    return out / (len(events) * width)


def test_psth(benchmark):
    """Rates; of 1.1 M spikes a few lie on an edge, where rounding decides (1e-3 of a bin)."""
    n_units, n_events = scale(75, 5), scale(3000, 50)
    spikes, events = make_spikes(n_units, 7), make_events(n_events)
    benchmark.group = (
        f"PSTH as a table, {n_units} units around {n_events} events, 201 bins of 10 ms"
    )
    implementations = {
        "cofire": lambda: cf.compute_psth(spikes, events, 0.01, 200, threads=1).to_numpy(),
        "numba, the reference's loops": lambda: _reference_psth(
            spikes.times, spikes.offsets, events, 0.01, 201
        ),
    }
    if nap := optional("pynapple"):
        group, reference = spikes.to_pynapple(), nap.Ts(events)
        # pynapple takes floor(2 * windowsize / binsize) bins, a little more makes 201 of them;
        # without `ep` it leaves out the spikes before the first and after the last event.
        whole = nap.IntervalSet(0.0, DURATION)
        implementations["pynapple"] = lambda: nap.compute_eventcorrelogram(
            group, reference, binsize=0.01, windowsize=1.008, ep=whole, norm=False
        ).to_numpy()
    compare(benchmark, implementations, within(1e-9))
