"""Correlograms of all pairs of units, of one pair, and the order of firing in many events.

Peers define their bins differently: phylib counts lags in ``[k, k + 1)`` bins on an integer clock
and mirrors them; pynapple and neuro_py give rates. Each is first compared on counts that both
definitions share.
"""

from __future__ import annotations

import numpy as np
import pytest

import cofire as cf
from peers import make_events, make_spikes, scale

WINDOW, BIN_WIDTH, CLOCK = 0.05, 0.001, 30_000


@pytest.fixture(scope="module")
def spikes() -> cf.SpikeTrains:
    return make_spikes(scale(100, 8), seed=7, duration=scale(3600, 60))


@pytest.fixture(scope="module")
def few() -> cf.SpikeTrains:
    """Units for peers that loop over pairs."""
    return make_spikes(scale(20, 4), seed=7, duration=scale(3600, 60))


def numpy_correlogram(spikes: cf.SpikeTrains) -> np.ndarray:
    """Shift the ordered list against itself until nothing lies inside the window."""
    times, units = spikes.to_pairs()
    n, half = spikes.n_units, round(WINDOW / BIN_WIDTH)
    edges = (np.arange(-half, half + 2) - 0.5) * BIN_WIDTH
    counts = np.zeros(n * n * (2 * half + 1), dtype=np.int64)
    for shift in range(len(times)):
        first, second = times[: len(times) - shift], times[shift:]
        near = np.flatnonzero(second - first <= edges[-1])
        if not len(near):
            break
        a, b = units[near], units[near + shift]
        lag = second[near] - first[near]
        sides = ((a, b, lag), (b, a, -lag)) if shift else ((a, b, lag),)
        for i, j, x in sides:
            k = np.searchsorted(edges, x, side="right") - 1
            inside = (k >= 0) & (k <= 2 * half)
            cell = (i[inside] * n + j[inside]) * (2 * half + 1) + k[inside]
            counts += np.bincount(cell, minlength=len(counts))
    return counts.reshape(n, n, -1)


def phylib_correlogram(spikes: cf.SpikeTrains, bin_width: float = BIN_WIDTH) -> np.ndarray:
    ccg = pytest.importorskip("phylib.stats.ccg")
    times, units = spikes.to_pairs()
    return ccg.correlograms(
        times,
        units,
        cluster_ids=np.arange(spikes.n_units),
        sample_rate=float(CLOCK),
        bin_size=bin_width,
        window_size=2 * WINDOW,
    )


def assert_same_as_phylib(spikes: cf.SpikeTrains) -> None:
    """Count by clock tick, then sum ticks to phylib's bins: equal but for simultaneous spikes."""
    ticks = [np.unique(np.floor(train * CLOCK + 1e-6)) for train in spikes]
    on_clock = cf.SpikeTrains.from_list([(t + 0.5) / CLOCK for t in ticks])
    half, per_bin = round(WINDOW / BIN_WIDTH), round(BIN_WIDTH * CLOCK)
    fine = cf.correlogram(on_clock, (half + 1) * BIN_WIDTH, 1 / CLOCK).counts
    middle = fine.shape[-1] // 2
    later = fine[..., middle : middle + half * per_bin].reshape(*fine.shape[:2], half, per_bin)
    expected = phylib_correlogram(on_clock)[..., half + 1 : -1]
    np.testing.assert_array_equal(later.sum(axis=-1)[..., 1:], expected)


@pytest.mark.parametrize("implementation", ["cofire", "numpy", "phylib"])
def test_all_pairs(benchmark, spikes, implementation):
    benchmark.group = f"correlogram, all pairs of {spikes.n_units} units, 50 ms, 1 ms, one thread"
    sample = make_spikes(4, seed=3, duration=60.0)
    if implementation == "cofire":
        benchmark(lambda: cf.correlogram(spikes, WINDOW, BIN_WIDTH, threads=1))
    elif implementation == "numpy":
        ours = cf.correlogram(spikes, WINDOW, BIN_WIDTH).counts
        np.testing.assert_array_equal(numpy_correlogram(spikes), ours)
        benchmark.pedantic(numpy_correlogram, args=(spikes,), rounds=scale(3, 1))
    else:
        pytest.importorskip("phylib")
        assert_same_as_phylib(sample)
        benchmark.pedantic(phylib_correlogram, args=(spikes,), rounds=scale(5, 1))


@pytest.mark.parametrize("implementation", ["cofire", "pynapple", "neuro_py"])
def test_few_units(benchmark, few, implementation):
    benchmark.group = f"correlogram, pairs i < j of {few.n_units} units, 50 ms, 1 ms, one thread"
    n_bins = 2 * round(WINDOW / BIN_WIDTH) + 1
    pairs = np.column_stack(np.triu_indices(few.n_units, k=1))
    ours = cf.correlogram(few, WINDOW, BIN_WIDTH, pairs=pairs)
    if implementation == "cofire":
        benchmark(lambda: cf.correlogram(few, WINDOW, BIN_WIDTH, pairs=pairs, threads=1))
    elif implementation == "pynapple":
        nap = pytest.importorskip("pynapple")
        group = few.to_pynapple()
        table = nap.compute_crosscorrelogram(group, BIN_WIDTH, WINDOW, norm=False)
        _assert_close_counts(table.to_numpy().T, ours.rate(), few.counts[pairs[:, 0]])
        benchmark.pedantic(
            nap.compute_crosscorrelogram,
            args=(group, BIN_WIDTH, WINDOW),
            kwargs={"norm": False},
            rounds=scale(3, 1),
        )
    else:
        cross_corr = pytest.importorskip("neuro_py.process.peri_event").crossCorr

        def all_pairs():
            return [cross_corr(few[i], few[j], BIN_WIDTH, n_bins) for i, j in pairs]

        np.testing.assert_allclose(
            all_pairs(),
            [cf.cross_corr(few[i], few[j], BIN_WIDTH, n_bins) for i, j in pairs],
            rtol=1e-9,
        )
        benchmark.pedantic(all_pairs, rounds=scale(3, 1))


def _assert_close_counts(theirs: np.ndarray, ours: np.ndarray, n_spikes: np.ndarray) -> None:
    """Equal but for lags on bin edges, which 30 kHz times have at one lag in thirty."""
    scale_to_counts = (n_spikes * BIN_WIDTH)[:, None]
    a, b = theirs * scale_to_counts, ours * scale_to_counts
    assert np.abs(np.cumsum(a - b, axis=1)).sum() <= 0.05 * b.sum()


@pytest.mark.parametrize("implementation", ["cofire", "numpy"])
def test_firing_order(benchmark, few, implementation):
    events = make_events(scale(2000, 50), duration=few.support_or_span().stops[-1])
    intervals = cf.Intervals(np.column_stack([events, events + 0.1]), on_overlap="keep")
    benchmark.group = f"skew bias of {few.n_units} units in {len(events)} events"

    def cofire():
        return cf.events.skew_bias_matrices(few, intervals, threads=1)

    def plain():
        out = np.zeros((len(intervals), few.n_units, few.n_units))
        for matrix, (start, stop) in zip(out, intervals, strict=True):
            trains = [t[np.searchsorted(t, start) : np.searchsorted(t, stop)] for t in few]
            for i, a in enumerate(trains):
                for j in range(i + 1, few.n_units):
                    if len(a) and len(trains[j]):
                        before = (a[:, None] <= trains[j]).mean()
                        matrix[i, j], matrix[j, i] = 2 * before - 1, 1 - 2 * before
        return out

    np.testing.assert_allclose(cofire(), plain(), atol=1e-12)
    if implementation == "cofire":
        benchmark(cofire)
    else:
        benchmark.pedantic(plain, rounds=scale(3, 1))
