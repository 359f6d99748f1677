"""Averages of signals and counts of spikes around events, against plain NumPy and the peers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numba import njit

import cofire as cf
from peers import DURATION, make_events, make_spikes, scale

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


def average_cofire(x: np.ndarray, events: np.ndarray) -> np.ndarray:
    return cf.event_triggered_average(x, events, WINDOW, rate=RATE, threads=1).mean


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


AVERAGES = {"cofire": average_cofire, "numpy": average_numpy}


@pytest.mark.parametrize("implementation", list(AVERAGES))
@pytest.mark.parametrize("layout", ["signal by signal", "sample by sample"])
def test_regular_average(benchmark, implementation, layout):
    benchmark.group = f"W2 event-triggered average, {layout}"
    x = signals().T if layout == "signal by signal" else np.ascontiguousarray(signals().T)
    events = signal_events()
    average = AVERAGES[implementation]
    np.testing.assert_allclose(average(x, events), average_cofire(x, events), atol=1e-12)
    benchmark(average, x, events)


@lru_cache(maxsize=1)
def irregular_times() -> np.ndarray:
    jitter = np.random.default_rng(3).uniform(0, 0.9, N_SAMPLES // 10)
    return (np.arange(N_SAMPLES // 10) + jitter) / RATE


def interpolate_cofire(x: np.ndarray, times: np.ndarray, events: np.ndarray) -> np.ndarray:
    return cf.event_triggered_average(x, events, WINDOW, times=times, rate=RATE, threads=1).mean


def interpolate_numpy(x: np.ndarray, times: np.ndarray, events: np.ndarray) -> np.ndarray:
    lags = WINDOW[0] + np.arange(round((WINDOW[1] - WINDOW[0]) * RATE)) / RATE
    out = np.zeros((len(lags), x.shape[1]))
    for event in events:
        for j in range(x.shape[1]):
            out[:, j] += np.interp(event + lags, times, x[:, j])
    return out / len(events)


INTERPOLATED = {"cofire": interpolate_cofire, "numpy": interpolate_numpy}


@pytest.mark.parametrize("implementation", list(INTERPOLATED))
def test_irregular_average(benchmark, implementation):
    benchmark.group = "W2 event-triggered average, irregular times (a tenth of the samples)"
    times = irregular_times()
    x = signals()[:2, : len(times)].astype(np.float64).T
    events = make_events(N_EVENTS // 10, times[-1])
    average = INTERPOLATED[implementation]
    expected = interpolate_cofire(x, times, events)
    np.testing.assert_allclose(average(x, times, events), expected, atol=1e-9)
    benchmark(average, x, times, events)


# --- W3: spikes around events ---


N_UNITS = scale(1000, 20)
BEFORE, BIN, N_BINS = -1.0, 0.01, 200


def count_cofire(spikes: cf.SpikeTrains, events: np.ndarray) -> np.ndarray:
    window = (BEFORE, BEFORE + N_BINS * BIN)
    return cf.peri_event_counts(spikes, events, window, BIN, threads=1).counts


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
    """The algorithm of neuro_py's crossCorr over all units, compiled by Numba."""
    return _two_pointers(spikes.times, spikes.offsets, events, BEFORE, BIN, N_BINS)


COUNTS = {"cofire": count_cofire, "numpy": count_numpy, "numba two pointers": count_numba}


@pytest.mark.parametrize("implementation", list(COUNTS))
def test_peri_event_counts(benchmark, implementation):
    benchmark.group = "W3 spikes around events, +-1 s, 10 ms"
    spikes, events = make_spikes(N_UNITS, 0), make_events(N_EVENTS)
    count = COUNTS[implementation]
    np.testing.assert_array_equal(count(spikes, events), count_cofire(spikes, events))
    benchmark(count, spikes, events)


PSTH_UNITS = scale(75, 5)
PSTH_EVENTS = scale(3000, 50)


def psth_cofire(spikes: cf.SpikeTrains, events: np.ndarray) -> np.ndarray:
    return cf.compute_psth(spikes, events, 0.01, 200, threads=1).to_numpy()


def psth_neuro_py(spikes: cf.SpikeTrains, events: np.ndarray) -> np.ndarray:
    peri_event = pytest.importorskip("neuro_py.process.peri_event")
    trains = np.array(list(spikes), dtype=object)
    return peri_event.compute_psth(trains, events, bin_width=0.01, n_bins=200).to_numpy()


def psth_pynapple(spikes: cf.SpikeTrains, events: np.ndarray) -> np.ndarray:
    nap = pytest.importorskip("pynapple")
    group = nap.TsGroup({i: nap.Ts(t) for i, t in enumerate(spikes)})
    # pynapple takes floor(2 * windowsize / binsize) bins, a little more makes 201 of them; without
    # `ep` it leaves out the spikes before the first and after the last event.
    whole = nap.IntervalSet(0.0, DURATION)
    correlogram = nap.compute_eventcorrelogram(
        group, nap.Ts(events), binsize=0.01, windowsize=1.008, ep=whole, norm=False
    )
    return correlogram.to_numpy()


PSTHS = {"cofire": psth_cofire, "neuro_py": psth_neuro_py, "pynapple": psth_pynapple}


@pytest.mark.parametrize("implementation", list(PSTHS))
def test_psth(benchmark, implementation):
    benchmark.group = "PSTH 75 units, 201 bins"
    spikes, events = make_spikes(PSTH_UNITS, 7), make_events(PSTH_EVENTS)
    psth = PSTHS[implementation]
    np.testing.assert_allclose(psth(spikes, events), psth_cofire(spikes, events), rtol=1e-9)
    benchmark(psth, spikes, events)
