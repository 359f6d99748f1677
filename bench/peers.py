"""Shared workloads of the benchmarks, and which peers are installed.

Sizes follow one switch: ``COFIRE_BENCH_SCALE=full`` is the published size, the default is small
enough for a pass in continuous integration.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

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


Implementation = Callable[[], Any]


def compare(
    benchmark: Any,
    implementations: Mapping[str, Implementation],
    equal: Callable[[Any, Any], None],
    *,
    rounds: int = 5,
) -> None:
    """Prove that implementations agree, then time them in turn: A B C A B C ...

    Parameters
    ----------
    benchmark
        The fixture of pytest-benchmark; carries the measurements to the report.
    implementations
        Name to a call without arguments; the first is cofire's.
    equal
        Called with cofire's result and a peer's; raises where they differ.
    rounds
        Timed calls of each implementation.
    """
    ours, *peers = implementations
    expected = implementations[ours]()
    for peer in peers:
        equal(expected, implementations[peer]())
    del expected
    if benchmark.disabled:
        benchmark(lambda: None)  # the fixture complains about a test that never calls it
        return
    seconds: dict[str, list[float]] = {name: [] for name in implementations}
    load = os.getloadavg()[0]
    for _ in range(rounds):
        for name, call in implementations.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    benchmark.extra_info["seconds"] = seconds
    benchmark.extra_info["load"] = load
    benchmark.extra_info["peak_mb"] = {name: peak_mb(c) for name, c in implementations.items()}
    benchmark.pedantic(implementations[ours], rounds=1)


def peak_mb(call: Implementation) -> float | None:
    """Memory (MB) that a call adds to this process at its peak; None where Linux does not tell."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        before = _status_kb("VmHWM")
        call()
        return (_status_kb("VmHWM") - before) / 1000.0
    except OSError:
        return None


def _status_kb(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise OSError(f"no {key} in /proc/self/status")
