"""Shared workloads of the benchmarks, and which peers are installed.

Sizes follow one switch: ``COFIRE_BENCH_SCALE=full`` is the published size, the default is small
enough for a pass in continuous integration.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
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


def count_rows(spikes: cf.SpikeTrains, duration: float, width: float) -> Iterator[np.ndarray]:
    """Counts of one unit after the other in NumPy, against exact edges."""
    n_bins = int(np.floor(duration / width))
    inner = np.linspace(0, n_bins * width, n_bins + 1)[1:-1]
    for train in spikes:
        yield np.bincount(np.searchsorted(inner, train, side="right"), minlength=n_bins)


def optional(name: str) -> ModuleType | None:
    """Import a peer where it is installed; a row leaves out the peers that are not."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.split(".")[0]:
            raise
        return None


Implementation = Callable[[], Any]
Equal = Callable[[Any, Any], None]


def within(tolerance: float) -> Equal:
    """Equal to a relative or absolute tolerance, row by row to need little memory."""

    def equal(ours: Any, theirs: Any) -> None:
        assert np.shape(ours) == np.shape(theirs)
        for a, b in zip(np.atleast_1d(ours), np.atleast_1d(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)

    return equal


def compare(
    benchmark: Any,
    implementations: Mapping[str, Implementation],
    equal: Equal | Mapping[str, Equal],
    *,
    rounds: int = 5,
) -> None:
    """Prove that implementations agree, then time them in turn: A B C A B C ...

    Parameters
    ----------
    benchmark
        The fixture of pytest-benchmark; carries the measurements to the report.
    implementations
        Name to a call without arguments; the first is cofire's, and at least one other follows.
    equal
        Called with cofire's result and a peer's; raises where they differ. A mapping gives one
        for each peer.
    rounds
        Timed calls of each implementation; 3 where one of them takes more than 5 s, and 25 where
        all of them together take less than 0.1 s.
    """
    ours, *peers = implementations
    assert peers, "a row needs a peer"
    peak, slowest, total = {}, 0.0, 0.0
    expected = None
    for name, call in implementations.items():
        start = time.perf_counter()
        result, peak[name] = with_peak(call)
        elapsed = time.perf_counter() - start
        slowest, total = max(slowest, elapsed), total + elapsed
        if name == ours:
            expected = result
        else:
            (equal[name] if isinstance(equal, Mapping) else equal)(expected, result)
        del result
    del expected
    if benchmark.disabled:
        benchmark(lambda: None)  # the fixture complains about a test that never calls it
        return
    rounds = min(rounds, 3) if slowest > 5.0 else max(rounds, 25) if total < 0.1 else rounds
    seconds: dict[str, list[float]] = {name: [] for name in implementations}
    load = os.getloadavg()[0]
    for _ in range(rounds):
        for name, call in implementations.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    benchmark.extra_info["seconds"] = seconds
    benchmark.extra_info["load"] = load
    benchmark.extra_info["peak_mb"] = peak
    benchmark.pedantic(implementations[ours], rounds=1)


def with_peak(call: Implementation) -> tuple[Any, float | None]:
    """Result of a call and the memory (MB) that it adds to this process at its peak.

    The memory is None where the system (not Linux) does not tell.
    """
    _give_back_free_memory()
    try:
        Path("/proc/self/clear_refs").write_text("5")
        before = _status_kb("VmHWM")
    except OSError:
        return call(), None
    result = call()
    return result, (_status_kb("VmHWM") - before) / 1000.0


def _give_back_free_memory() -> None:
    """Else a call that reuses what an earlier one freed would seem to need nothing."""
    gc.collect()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def _status_kb(key: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise OSError(f"no {key} in /proc/self/status")
