"""How fast is the z matrix of a recording made? (W1: 1000 units; reactivation: 75 units, 6.6 h)"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

import cofire as cf
from peers import DURATION, compare, count_rows, make_spikes, scale, within

WIDTH = 0.01
SIGMA = 0.025 / np.sqrt(12)


def test_zscore_float32(benchmark):
    n_units = scale(1000, 5)
    spikes = make_spikes(n_units, 0)
    benchmark.group = f"z-scores: {n_units} units, 3600 s, 10 ms, float32, not smoothed"

    def of_numpy():
        z = np.empty((n_units, int(np.floor(DURATION / WIDTH))), np.float32)
        for out, row in zip(z, count_rows(spikes, DURATION, WIDTH), strict=True):
            out[:] = (row - row.mean()) / row.std()
        return z

    implementations = {
        "cofire": lambda: cf.zscore_bins(spikes, WIDTH, dtype="float32", threads=1).counts,
        "numpy loop": of_numpy,
    }
    compare(benchmark, implementations, within(1e-5))


def test_smoothed_zscore(benchmark):
    duration = scale(23_817_700, 60_000) / 1000
    n_units = scale(75, 5)
    spikes = make_spikes(n_units, 0, duration, 5.1)
    benchmark.group = f"smoothed z-scores: {n_units} units, {duration:g} s, 10 ms, float64"

    def of_scipy():
        z = np.empty((n_units, int(np.floor(duration / WIDTH))))
        for out, row in zip(z, count_rows(spikes, duration, WIDTH), strict=True):
            x = gaussian_filter1d(row.astype(np.float64), SIGMA / WIDTH)
            np.divide(x - x.mean(), x.std(), out=out)
        return z

    implementations = {
        "cofire": lambda: cf.zscore_bins(spikes, WIDTH, sigma=SIGMA, threads=1).counts,
        "numpy and scipy": of_scipy,
    }
    compare(benchmark, implementations, within(1e-8))


def test_smooth_dense_rows(benchmark):
    n_bins = scale(2_000_000, 20_000)
    x = np.random.default_rng(0).normal(size=(4, n_bins))
    benchmark.group = f"smooth: 4 dense rows of {n_bins} bins, sigma 3.6 bins"
    implementations = {
        "cofire": lambda: cf.smooth(x, 3.6, rate=1.0, threads=1),
        "scipy": lambda: gaussian_filter1d(x, 3.6, axis=1),
    }
    compare(benchmark, implementations, within(1e-10))
