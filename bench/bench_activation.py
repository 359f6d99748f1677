"""How fast is the expression of assemblies? (workload W6: 75 units, 2.38 M bins, 15 patterns)"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

import cofire as cf
from cofire.assemblies import activation
from cofire.studies.reactivation import AssemblyReact
from peers import compare, count_rows, make_events, make_spikes, scale, within

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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activation_of_z(benchmark, dtype):
    spikes = make_spikes(N_UNITS, 0, DURATION, 5.1)
    patterns = patterns_of(dtype)
    z = cf.zscore_bins(spikes, WIDTH, dtype=dtype).counts
    benchmark.group = (
        f"activation of z: {N_UNITS} units, {z.shape[1]} bins, {N_PATTERNS} patterns, {dtype}"
    )
    implementations = {
        "cofire": lambda: activation(patterns, z, threads=1),
        "numpy, two products": lambda: two_gemms(patterns, z),
    }
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    compare(benchmark, implementations, within(tolerance))


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
    compare(benchmark, implementations, within(tolerance))


def test_smoothed_activation_of_spikes(benchmark):
    """All of `get_assembly_act`: binning, smoothing, z and activation."""
    spikes = make_spikes(N_UNITS, 0, DURATION, 5.1)
    react = AssemblyReact(z_mat_dt=WIDTH)
    react.add_st(spikes)
    react.patterns = patterns_of("float64")
    benchmark.group = (
        f"get_assembly_act: {N_UNITS} units x {DURATION:g} s, 10 ms, {N_PATTERNS} patterns, float64"
    )

    def of_scipy():
        z = np.empty((N_UNITS, int(np.floor(DURATION / WIDTH))))
        for out, row in zip(z, count_rows(spikes, DURATION, WIDTH), strict=True):
            x = gaussian_filter1d(row.astype(np.float64), SIGMA / WIDTH)
            np.divide(x - x.mean(), x.std(), out=out)
        return two_gemms(react.patterns, z)

    implementations = {
        "cofire": lambda: react.get_assembly_act().data,
        "numpy and scipy, two products": of_scipy,
    }
    compare(benchmark, implementations, within(1e-8))


def test_response_of_activity_to_events(benchmark):
    n_samples, n_events = scale(2_381_768, 20_000), scale(3000, 50)
    activity = np.random.default_rng(0).normal(size=(N_PATTERNS, n_samples))
    events = make_events(n_events, n_samples * WIDTH)
    benchmark.group = (
        f"average of {N_PATTERNS} assemblies around {n_events} events, {n_samples} bins, +-0.5 s"
    )
    window = (-0.5, 0.5)

    def of_numpy():
        first = np.floor((events + window[0]) / WIDTH + 0.5).astype(np.int64)
        return activity[:, first[:, None] + np.arange(100)].mean(axis=1).T

    implementations = {
        "cofire": lambda: (
            cf.event_triggered_average(activity.T, events, window, rate=1 / WIDTH, threads=1).mean
        ),
        "numpy gather": of_numpy,
    }
    compare(benchmark, implementations, within(1e-9))
