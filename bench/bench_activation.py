"""How fast is the expression of assemblies? (workload W6: 75 units, 2.38 M bins, 15 patterns)"""

from __future__ import annotations

import numpy as np
import pytest

import cofire as cf
from cofire.assemblies.activation import activation
from peers import make_spikes, scale

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
@pytest.mark.parametrize("implementation", ["cofire", "numpy"])
def test_activation_of_z(benchmark, implementation, dtype):
    spikes = make_spikes(N_UNITS, 0, DURATION, 5.1)
    patterns = patterns_of(dtype)
    z = cf.zscore_bins(spikes, WIDTH, dtype=dtype).counts
    benchmark.group = f"activation of z, {N_UNITS} units, {z.shape[1]} bins, {dtype}"
    run = {
        "cofire": lambda: activation(patterns, z, threads=1),
        "numpy": lambda: two_gemms(patterns, z),
    }
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(run["cofire"](), run["numpy"](), rtol=tolerance, atol=tolerance)
    benchmark.pedantic(run[implementation], rounds=5)


@pytest.mark.parametrize("sigma", [None, SIGMA])
@pytest.mark.parametrize("implementation", ["cofire", "numpy"])
def test_activation_of_spikes(benchmark, implementation, sigma):
    """From spikes, against z by cofire and two matrix products by NumPy."""
    spikes = make_spikes(N_UNITS, 0, DURATION, 5.1)
    benchmark.group = f"activation of spikes, {N_UNITS} units, {DURATION:g} s, sigma {sigma}"
    patterns = patterns_of("float64")

    def of_cofire():
        return activation(patterns, spikes, bin_width=WIDTH, sigma=sigma, threads=1).values.T

    def of_numpy():
        return two_gemms(patterns, cf.zscore_bins(spikes, WIDTH, sigma=sigma, threads=1).counts)

    np.testing.assert_allclose(of_cofire(), of_numpy(), rtol=1e-8, atol=1e-8)
    benchmark.pedantic(of_cofire if implementation == "cofire" else of_numpy, rounds=5)
