"""Shared workloads of the benchmarks, and which peers are installed.

Sizes follow one switch: ``COFIRE_BENCH_SCALE=full`` is the published size, the default is small
enough for a pass in continuous integration.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np

import cofire as cf

DURATION = 3600.0
CLOCK = 30_000


def full_size() -> bool:
    """Whether benchmarks run at their published size."""
    return os.environ.get("COFIRE_BENCH_SCALE", "small") == "full"


def scale(full: int, small: int) -> int:
    """Choose a size."""
    return full if full_size() else small


@lru_cache(maxsize=4)
def make_spikes(
    n_units: int, seed: int, duration: float = DURATION, mean_rate: float = 5.0
) -> cf.SpikeTrains:
    """Log-normal rates (sigma 1) with a given mean, Poisson counts, times on a 30 kHz grid."""
    rng = np.random.default_rng(seed)
    rates = rng.lognormal(0.0, 1.0, n_units)
    rates *= mean_rate / rates.mean()
    counts = rng.poisson(rates * duration)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    times = np.empty(offsets[-1])
    for i in range(n_units):
        ticks = rng.integers(0, int(duration * CLOCK), counts[i])
        ticks.sort()
        times[offsets[i] : offsets[i + 1]] = ticks / CLOCK
    return cf.SpikeTrains(times, offsets, support=[[0.0, duration]])


def make_events(n_events: int, duration: float = DURATION, seed: int = 1) -> np.ndarray:
    """Sorted uniform event times, 2 s away from both ends."""
    return np.sort(np.random.default_rng(seed).uniform(2.0, duration - 2.0, n_events))


def make_epochs(n_epochs: int, duration: float = DURATION, seed: int = 2) -> cf.Intervals:
    """Disjoint epochs with exponential lengths and gaps that cover half of the time."""
    rng = np.random.default_rng(seed)
    lengths = rng.exponential(1.0, (n_epochs, 2))
    lengths *= duration / lengths.sum()
    edges = np.cumsum(lengths.ravel())
    starts = np.concatenate([[0.0], edges[1:-1:2]])
    return cf.Intervals(np.column_stack([starts, edges[::2]]))
