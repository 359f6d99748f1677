"""How fast is the expression of assemblies? (workload W6: 75 units, 2.38 M bins, 15 patterns)"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import cofire as cf
from cofire.assemblies.activation import activation
from peers import compare, make_spikes, scale

N_UNITS = scale(75, 10)
N_PATTERNS = scale(15, 3)
DURATION = scale(23_817_700, 60_000) / 1000
WIDTH = 0.01
SIGMA = 0.025 / np.sqrt(12)


def patterns_of(dtype):
    patterns = np.random.default_rng(0).normal(size=(N_PATTERNS, N_UNITS))
    patterns /= np.linalg.norm(patterns, axis=1, keepdims=True)
    return patterns.astype(dtype)


def two_gemms(patterns, z):
    out = patterns @ z
    out *= out
    out -= (patterns * patterns) @ (z * z)
    return out


def close(ours, theirs, tolerance):
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activation_of_z(benchmark, dtype):
    spikes = make_spikes(N_UNITS, 0, DURATION, 5.1)
    patterns = patterns_of(dtype)
    z = cf.zscore_bins(spikes, WIDTH, dtype=dtype).counts
    benchmark.group = f"activation of z: {N_UNITS} units, {z.shape[1]} bins, {dtype}"
    implementations = {
        "cofire": lambda: activation(patterns, z, threads=1),
        "numpy, two products": lambda: two_gemms(patterns, z),
    }
    compare(
        benchmark, implementations, partial(close, tolerance=1e-9 if dtype == "float64" else 2e-3)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activation_of_spikes(benchmark, dtype):
    """From spikes, not smoothed, against counts and z in NumPy."""
    spikes = make_spikes(N_UNITS, 0, DURATION, 5.1)
    patterns = patterns_of(dtype)
    n_bins = int(np.floor(DURATION / WIDTH))
    # Binned beforehand: the peer is timed from counts on, ours from spikes on.
    counts = cf.bin_spikes(spikes, WIDTH, dtype=dtype).counts
    benchmark.group = f"activation of spikes: {N_UNITS} units, {n_bins} bins, {dtype}"

    def of_numpy():
        z = counts - counts.mean(axis=1, keepdims=True)
        z /= counts.std(axis=1, keepdims=True)
        return two_gemms(patterns, z)

    def of_cofire():
        found = activation(patterns, spikes, bin_width=WIDTH, dtype=dtype, threads=1)
        return found.values.T

    tolerance = 1e-8 if dtype == "float64" else 1e-2
    implementations = {"cofire (spikes)": of_cofire, "numpy (counts), two products": of_numpy}
    compare(benchmark, implementations, partial(close, tolerance=tolerance))


def test_smoothed_activation_of_spikes(benchmark):
    """Binning, smoothing, z and activation in one, against z by cofire and two products."""
    spikes = make_spikes(N_UNITS, 0, DURATION, 5.1)
    patterns = patterns_of("float64")
    benchmark.group = f"activation of smoothed spikes: {N_UNITS} units, {DURATION:g} s, float64"

    def of_cofire():
        return activation(patterns, spikes, bin_width=WIDTH, sigma=SIGMA, threads=1).values.T

    def of_numpy():
        return two_gemms(patterns, cf.zscore_bins(spikes, WIDTH, sigma=SIGMA, threads=1).counts)

    implementations = {"cofire": of_cofire, "cofire z, numpy products": of_numpy}
    compare(benchmark, implementations, partial(close, tolerance=1e-8))
