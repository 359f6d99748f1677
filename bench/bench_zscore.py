"""How fast is the z matrix of a recording made? (W1: 1000 units; reactivation: 75 units, 6.6 h)"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

import cofire as cf
from peers import DURATION, make_spikes, scale

SIGMA = 0.025 / np.sqrt(12)


def numpy_counts(spikes, width, duration):
    n_bins = int(np.floor(duration / width))
    counts = np.empty((spikes.n_units, n_bins), np.float32)
    for i in range(spikes.n_units):
        # Against the edges, so that the z-scores can be compared closely.
        bins = np.searchsorted(np.linspace(0, n_bins * width, n_bins + 1), spikes[i], "right") - 1
        counts[i] = np.bincount(np.minimum(bins, n_bins - 1), minlength=n_bins)
    return counts


def standardized(x):
    x = x - x.mean(axis=1, keepdims=True, dtype=np.float64).astype(x.dtype)
    x /= x.std(axis=1, keepdims=True, dtype=np.float64).astype(x.dtype)
    return x


@pytest.mark.parametrize("implementation", ["cofire", "numpy"])
def test_zscore_float32(benchmark, implementation):
    n_units = scale(500, 5)
    spikes = make_spikes(n_units, 0)
    benchmark.group = f"z-score {n_units} units, 0.01 s, float32, not smoothed"
    few = spikes[:5]
    z = cf.zscore_bins(few, 0.01, dtype="float32", threads=1).counts
    np.testing.assert_allclose(
        z, standardized(numpy_counts(few, 0.01, DURATION)), rtol=1e-4, atol=1e-5
    )

    def of_numpy():
        n_bins = int(np.floor(DURATION / 0.01))
        out = np.empty((n_units, n_bins), np.float32)
        for i in range(n_units):
            bins = (spikes[i] * 100.0).astype(np.int64)
            row = np.bincount(bins, minlength=n_bins)[:n_bins].astype(np.float32)
            out[i] = (row - row.mean()) / row.std()
        return out

    run = {
        "cofire": lambda: cf.zscore_bins(spikes, 0.01, dtype="float32", threads=1),
        "numpy": of_numpy,
    }
    benchmark(run[implementation])


@pytest.mark.parametrize("implementation", ["cofire", "scipy"])
def test_smoothed_zscore(benchmark, implementation):
    duration = scale(23_817_700, 60_000) / 1000
    n_units = scale(75, 5)
    spikes = make_spikes(n_units, 0, duration, 5.1)
    benchmark.group = f"smooth and z-score {n_units} units, {duration:g} s, 0.01 s, float64"

    def of_scipy(trains):
        counts = numpy_counts(trains, 0.01, duration).astype(np.float64)
        return standardized(gaussian_filter1d(counts, SIGMA / 0.01, axis=1))

    few = spikes[:2]
    ours = cf.zscore_bins(few, 0.01, sigma=SIGMA, threads=1).counts
    np.testing.assert_allclose(ours, of_scipy(few), rtol=1e-8, atol=1e-9)
    run = {
        "cofire": lambda: cf.zscore_bins(spikes, 0.01, sigma=SIGMA, threads=1),
        "scipy": lambda: of_scipy(spikes),
    }
    benchmark.pedantic(run[implementation], rounds=5)


@pytest.mark.parametrize("implementation", ["cofire", "scipy"])
def test_smooth_dense_rows(benchmark, implementation):
    n_bins = scale(2_000_000, 20_000)
    x = np.random.default_rng(0).normal(size=(4, n_bins))
    benchmark.group = f"smooth 4 dense rows of {n_bins} bins, sigma 3.6 bins"
    run = {
        "cofire": lambda: cf.smooth(x, 3.6, rate=1.0, threads=1),
        "scipy": lambda: gaussian_filter1d(x, 3.6, axis=1),
    }
    np.testing.assert_allclose(run["cofire"](), run["scipy"](), rtol=1e-9, atol=1e-12)
    benchmark(run[implementation])
