"""Correlograms of all pairs of units, and the order of firing in many events.

Peers define their bins differently: phylib counts lags in ``[k, k + 1)`` bins on an integer clock
and mirrors them; pynapple gives rates of bins with rounded edges. phylib is shown to be equal on
counts that both definitions share, the rest of its counts and pynapple's to within 5 %.
"""

from __future__ import annotations

import numpy as np
from numba import njit

import cofire as cf
from peers import compare, make_events, make_spikes, optional, scale, within

WINDOW, BIN_WIDTH, CLOCK = 0.05, 0.001, 30_000


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


@njit(nogil=True)
def _count_pairs(times, offsets, edges, out):
    n_bins, width = len(edges) - 1, edges[1] - edges[0]
    for i in range(len(offsets) - 1):
        for j in range(len(offsets) - 1):
            first, stop = offsets[j], offsets[j + 1]
            for s in range(offsets[i], offsets[i + 1]):
                while first < stop and times[first] - times[s] < edges[0]:
                    first += 1
                k = first
                while k < stop and times[k] - times[s] < edges[n_bins]:
                    lag = times[k] - times[s]
                    b = min(int((lag - edges[0]) / width), n_bins - 1)
                    if lag < edges[b]:
                        b -= 1
                    elif lag >= edges[b + 1]:
                        b += 1
                    out[i, j, b] += 1
                    k += 1


def numba_correlogram(spikes: cf.SpikeTrains, window: float, bin_width: float) -> np.ndarray:
    """Two pointers for each pair, as in the published crossCorr, with exact edges."""
    half = round(window / bin_width)
    edges = (np.arange(-half, half + 2) - 0.5) * bin_width
    counts = np.zeros((spikes.n_units, spikes.n_units, 2 * half + 1), dtype=np.int64)
    _count_pairs(spikes.times, spikes.offsets, edges, counts)
    return counts


def phylib_correlogram(ccg, spikes: cf.SpikeTrains) -> np.ndarray:
    times, units = spikes.to_pairs()
    return ccg.correlograms(
        times,
        units,
        cluster_ids=np.arange(spikes.n_units),
        sample_rate=float(CLOCK),
        bin_size=BIN_WIDTH,
        window_size=2 * WINDOW,
    )


def assert_same_as_phylib(ccg, spikes: cf.SpikeTrains) -> None:
    """Count by clock tick, then sum ticks to phylib's bins: equal but for simultaneous spikes."""
    ticks = [np.unique(np.floor(train * CLOCK + 1e-6)) for train in spikes]
    on_clock = cf.SpikeTrains.from_list([(t + 0.5) / CLOCK for t in ticks])
    half, per_bin = round(WINDOW / BIN_WIDTH), round(BIN_WIDTH * CLOCK)
    fine = cf.correlogram(on_clock, (half + 1) * BIN_WIDTH, 1 / CLOCK).counts
    middle = fine.shape[-1] // 2
    later = fine[..., middle : middle + half * per_bin].reshape(*fine.shape[:2], half, per_bin)
    expected = phylib_correlogram(ccg, on_clock)[..., half + 1 : -1]
    np.testing.assert_array_equal(later.sum(axis=-1)[..., 1:], expected)


def close_to_phylib(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Sums over positive lags, where bins are half a bin apart."""
    assert ours.shape == theirs.shape
    first = ours.shape[-1] // 2 + 1
    assert abs(theirs[..., first:].sum() / ours[..., first:].sum() - 1) < 0.05


def test_all_pairs(benchmark):
    """W5: all pairs of 200 units."""
    spikes = make_spikes(scale(200, 8), 7, scale(3600, 60))
    benchmark.group = (
        f"correlograms of all pairs, {spikes.n_units} units x {scale(3600, 60)} s, +-50 ms, 1 ms"
    )
    implementations = {
        "cofire": lambda: cf.correlogram(spikes, WINDOW, BIN_WIDTH, threads=1).counts,
        "numba, two pointers": lambda: numba_correlogram(spikes, WINDOW, BIN_WIDTH),
    }
    equal = dict.fromkeys(implementations, np.testing.assert_array_equal)
    if ccg := optional("phylib.stats.ccg"):
        assert_same_as_phylib(ccg, make_spikes(4, 3, 60.0))
        implementations["phylib"] = lambda: phylib_correlogram(ccg, spikes)
        equal["phylib"] = close_to_phylib
    compare(benchmark, implementations, equal)


def test_wide_window(benchmark):
    """The crossCorr step of reactivation for a tenth of its 6.6 h, as the peer is slow."""
    duration = scale(2_381_770, 60_000) / 1000
    spikes = make_spikes(scale(75, 6), 0, duration, 5.1)
    benchmark.group = (
        f"correlograms of all pairs, {spikes.n_units} units x {duration:g} s, +-1 s, 10 ms"
    )
    implementations = {
        "cofire": lambda: cf.correlogram(spikes, 1.0, 0.01, threads=1).counts,
        "numba, two pointers": lambda: numba_correlogram(spikes, 1.0, 0.01),
    }
    compare(benchmark, implementations, np.testing.assert_array_equal)


def few_units() -> cf.SpikeTrains:
    """Units for peers that loop over pairs."""
    return make_spikes(scale(20, 4), 7, scale(3600, 60))


def test_few_units(benchmark):
    few = few_units()
    benchmark.group = (
        f"correlograms of all pairs, {few.n_units} units x {scale(3600, 60)} s, +-50 ms, 1 ms, "
        "with NumPy"
    )
    implementations = {
        "cofire": lambda: cf.correlogram(few, WINDOW, BIN_WIDTH, threads=1).counts,
        "numba, two pointers": lambda: numba_correlogram(few, WINDOW, BIN_WIDTH),
        "numpy, shifted list": lambda: numpy_correlogram(few),
    }
    compare(benchmark, implementations, np.testing.assert_array_equal)


def test_pairs_of_few_units(benchmark):
    few = few_units()
    pairs = np.column_stack(np.triu_indices(few.n_units, k=1))
    benchmark.group = (
        f"correlograms of pairs i < j, {few.n_units} units x {scale(3600, 60)} s, +-50 ms, 1 ms"
    )
    implementations = {
        "cofire": lambda: cf.correlogram(few, WINDOW, BIN_WIDTH, pairs=pairs, threads=1).rate(),
        "numba, two pointers (i, j and j, i)": lambda: (
            numba_correlogram(few, WINDOW, BIN_WIDTH)[pairs[:, 0], pairs[:, 1]]
            / (few.counts[pairs[:, 0]] * BIN_WIDTH)[:, None]
        ),
    }
    equal = dict.fromkeys(implementations, within(1e-9))
    if nap := optional("pynapple"):
        group = few.to_pynapple()
        implementations["pynapple"] = lambda: (
            nap.compute_crosscorrelogram(group, BIN_WIDTH, WINDOW, norm=False).to_numpy().T
        )
        equal["pynapple"] = lambda ours, theirs: _assert_close_counts(
            theirs, ours, few.counts[pairs[:, 0]]
        )
    compare(benchmark, implementations, equal)


def _assert_close_counts(theirs: np.ndarray, ours: np.ndarray, n_spikes: np.ndarray) -> None:
    """Equal but for lags on bin edges, which 30 kHz times have at one lag in thirty."""
    scale_to_counts = (n_spikes * BIN_WIDTH)[:, None]
    a, b = theirs * scale_to_counts, ours * scale_to_counts
    assert np.abs(np.cumsum(a - b, axis=1)).sum() <= 0.05 * b.sum()


def test_firing_order(benchmark):
    few = few_units()
    events = make_events(scale(2000, 50), duration=few.support_or_span().stops[-1])
    intervals = cf.Intervals(np.column_stack([events, events + 0.1]), on_overlap="keep")
    benchmark.group = f"order of firing (skew bias), {few.n_units} units in {len(events)} events"

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

    implementations = {
        "cofire": lambda: cf.events.skew_bias_matrices(few, intervals, threads=1),
        "numpy": plain,
    }
    compare(benchmark, implementations, within(1e-12))
