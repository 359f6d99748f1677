"""How fast is the correlation matrix of sparse counts?"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

import cofire as cf
from peers import compare, make_spikes, scale, within


@lru_cache(maxsize=1)
def make_counts():
    spikes = make_spikes(scale(1000, 20), 0, float(scale(3600, 60)))
    return cf.bin_spikes(spikes, 0.01, dtype="uint8").counts


def with_cofire(counts):
    return cf.correlation(counts, threads=1)


def with_corrcoef(counts):
    return np.corrcoef(counts.astype(np.float32), dtype=np.float32)


def with_product(counts):
    """One float32 matrix product of raw counts, the fewest operations BLAS can do."""
    values = counts.astype(np.float32)
    mean = values.mean(axis=1, dtype=np.float64)
    covariance = (values @ values.T).astype(np.float64) / values.shape[1]
    covariance -= np.multiply.outer(mean, mean)
    scale_of = np.sqrt(covariance.diagonal())
    return covariance / np.multiply.outer(scale_of, scale_of)


def test_counts(benchmark):
    """W9: 1000 units, one hour in bins of 10 ms; float32 products are good to 2e-4."""
    counts = make_counts()
    n_units, n_bins = counts.shape
    benchmark.group = f"correlation of uint8 counts, {n_units} units x {n_bins} bins"
    implementations = {
        "cofire": lambda: with_cofire(counts),
        "numpy, one float32 product": lambda: with_product(counts),
        "numpy.corrcoef, float32": lambda: with_corrcoef(counts),
    }
    compare(benchmark, implementations, within(2e-4))
