"""Correlograms: kernel against every pair of spikes, properties, edges, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire import _core, events
from cofire.errors import InvalidArgumentError, SpikeTimeError, TooLargeError
from reference import correlogram as reference

CLOCK = 1000.0


@st.composite
def recordings(draw, max_units=4, max_spikes=25, ticks=400):
    """Trains on a coarse clock, so that lags fall on bin edges and spikes coincide."""
    n_units = draw(st.integers(0, max_units))
    return [
        np.sort(draw(st.lists(st.integers(-ticks, ticks), max_size=max_spikes))) / CLOCK
        for _ in range(n_units)
    ]


def half_of(result) -> int:
    return len(result.lags) // 2


# --- oracle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bin_width", "half"), [(0.001, 50), (0.001, 0), (0.01, 7), (1 / 30000, 40), (5.0, 30)]
)
def test_correlogram_equals_the_count_of_all_pairs(bin_width, half):
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.integers(0, 3_000_000, n)) / 30_000 for n in (400, 0, 350, 1, 600)]
    spikes = cf.SpikeTrains.from_list(trains)
    counts = _core.correlogram(spikes.times, spikes.offsets, bin_width, half, 2)
    np.testing.assert_array_equal(counts, reference.correlogram(trains, bin_width, half))


@given(recordings(), st.sampled_from([0.001, 0.002, 0.004, 0.05]), st.integers(1, 12))
def test_correlogram_is_exact_on_bin_edges(trains, bin_width, half):
    result = cf.correlogram(trains, half * bin_width, bin_width, threads=1)
    assert half_of(result) == half
    np.testing.assert_array_equal(result.counts, reference.correlogram(trains, bin_width, half))


@given(
    recordings(),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6),
    st.integers(1, 12),
    st.integers(1, 5),
)
def test_chosen_pairs_are_exact_on_bin_edges(trains, chosen, half, threads):
    pairs = [(i, j) for i, j in chosen if max(i, j) < len(trains)]
    result = cf.correlogram(trains, half * 0.004, 0.004, pairs=pairs, threads=threads)
    full = reference.correlogram(trains, 0.004, half)
    expected = np.array([full[i, j] for i, j in pairs]).reshape(len(pairs), 2 * half + 1)
    np.testing.assert_array_equal(result.counts, expected)


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 4))
def test_spikes_that_pile_up_are_ordered_across_slices(seed, n_units, threads):
    """Several thousand spikes: even ones, bursts, equal times and times far away."""
    rng = np.random.default_rng(seed)
    pieces = (
        lambda n: rng.uniform(0, 20, n),
        lambda n: rng.uniform(0, 20) + rng.exponential(10.0 ** rng.uniform(-9, 0), n),
        lambda n: rng.integers(0, 5, n) / 4,
        lambda n: 10.0 ** rng.uniform(-3, 4, n) * rng.choice([-1, 1], n),
    )
    trains = [
        np.sort(np.concatenate([piece(rng.integers(0, 900)) for piece in pieces]))
        for _ in range(n_units)
    ]
    pairs = np.argwhere(np.ones((n_units, n_units), dtype=bool))
    full = cf.correlogram(trains, 0.02, 0.004, threads=threads)
    one_by_one = cf.correlogram(trains, 0.02, 0.004, pairs=pairs, threads=1)
    np.testing.assert_array_equal(full.counts.reshape(one_by_one.counts.shape), one_by_one.counts)


def test_many_spikes_are_ordered_across_slices():
    rng = np.random.default_rng(1)
    # Dense bursts, long silences and thousands of equal times.
    trains = [
        np.sort(np.concatenate([rng.exponential(0.01, 3000), 50 + rng.integers(0, 3, 1500)]))
        for _ in range(3)
    ]
    spikes = cf.SpikeTrains.from_list(trains)
    got = _core.correlogram(spikes.times, spikes.offsets, 0.003, 4, 1)
    np.testing.assert_array_equal(got, reference.correlogram(trains, 0.003, 4))


# --- properties -----------------------------------------------------------------------------------


@given(recordings(), st.integers(2, 5))
def test_threads_do_not_change_a_correlogram(trains, threads):
    one = cf.correlogram(trains, 0.02, 0.003, threads=1)
    many = cf.correlogram(trains, 0.02, 0.003, threads=threads)
    np.testing.assert_array_equal(one.counts, many.counts)


def test_threads_do_not_change_a_large_correlogram():
    rng = np.random.default_rng(2)
    trains = [np.sort(rng.uniform(0, 500, 20_000)) for _ in range(8)]
    one = cf.correlogram(trains, 0.02, 0.001, threads=1)
    two = cf.correlogram(trains, 0.02, 0.001, threads=3)
    np.testing.assert_array_equal(one.counts, two.counts)


def test_several_blocks_of_slices_are_joined_without_loss():
    # Whole milliseconds: many spikes at the times that cut one slice from the next.
    rng = np.random.default_rng(4)
    trains = [np.sort(rng.integers(0, 400_000, 250_000)) / CLOCK for _ in range(3)]
    pairs = np.argwhere(np.ones((3, 3), dtype=bool))
    full = cf.correlogram(trains, 0.002, 0.001, threads=2)
    one_by_one = cf.correlogram(trains, 0.002, 0.001, pairs=pairs)
    np.testing.assert_array_equal(full.counts.reshape(one_by_one.counts.shape), one_by_one.counts)


@given(recordings(), st.randoms(use_true_random=False))
def test_order_of_units_only_permutes_a_correlogram(trains, random):
    order = list(range(len(trains)))
    random.shuffle(order)
    result = cf.correlogram(trains, 0.02, 0.003, threads=1)
    shuffled = cf.correlogram([trains[i] for i in order], 0.02, 0.003, threads=1)
    np.testing.assert_array_equal(shuffled.counts, result.counts[order][:, order])


@given(recordings())
def test_chosen_pairs_equal_the_full_correlogram(trains):
    n = len(trains)
    pairs = np.array([(i, j) for i in range(n) for j in range(n)]).reshape(-1, 2)
    full = cf.correlogram(trains, 0.02, 0.003, threads=1)
    chosen = cf.correlogram(trains, 0.02, 0.003, pairs=pairs, threads=2)
    np.testing.assert_array_equal(chosen.counts, full.counts.reshape(n * n, len(full.lags)))


@given(recordings(), st.integers(-500, 500))
def test_shifting_the_clock_by_whole_seconds_keeps_counts_away_from_edges(trains, shift):
    # Half a clock tick off every edge, so that rounding cannot move a lag across one.
    result = cf.correlogram(trains, 0.0205, 0.001 * 3 / 2.0001, threads=1)
    moved = cf.correlogram([t + shift for t in trains], 0.0205, 0.001 * 3 / 2.0001, threads=1)
    np.testing.assert_array_equal(result.counts, moved.counts)


@given(recordings())
def test_reversed_pair_mirrors_the_lags_off_the_edges(trains):
    width = 0.001 * 3 / 2.0001
    counts = cf.correlogram(trains, 0.02, width, threads=1).counts
    np.testing.assert_array_equal(counts, counts.transpose(1, 0, 2)[:, :, ::-1])


def test_independent_trains_have_a_flat_correlogram():
    rng = np.random.default_rng(3)
    n, duration = 20_000, 2000.0
    trains = [np.sort(rng.uniform(0, duration, n)) for _ in range(2)]
    expected = n * n * 0.01 / duration
    for counts in (
        cf.correlogram(trains, 0.1, 0.01).counts[0, 1],
        cf.correlogram(trains, 0.1, 0.01, pairs=[[1, 0]]).counts[0],
        cf.cross_corr(*trains, 0.01, 21) * n * 0.01,
    ):
        chi2 = ((counts - expected) ** 2 / expected).sum()
        assert chi2 < 47  # 21 bins: p = 0.001


# --- edges ----------------------------------------------------------------------------------------


def test_no_units_and_silent_units_give_zeros():
    assert cf.correlogram([], 0.01, 0.001).counts.shape == (0, 0, 21)
    counts = cf.correlogram([[], [0.5]], 0.01, 0.001).counts
    assert counts.sum() == 1
    assert counts[1, 1, 10] == 1


def test_lag_on_an_edge_belongs_to_the_later_bin():
    counts = cf.correlogram([[0.0], [0.25]], 1.0, 0.5).counts
    assert counts[0, 1].tolist() == [0, 0, 0, 1, 0]
    assert counts[1, 0].tolist() == [0, 0, 1, 0, 0]


def test_lag_on_the_outermost_edge_counts_on_the_left_only():
    counts = cf.correlogram([[0.0], [0.75]], 0.5, 0.5).counts
    assert counts[0, 1].tolist() == [0, 0, 0]
    assert counts[1, 0].tolist() == [1, 0, 0]


def test_autocorrelogram_holds_self_pairs_and_duplicates():
    counts = cf.correlogram([[1.0, 1.0, 1.0]], 0.01, 0.01).counts[0, 0]
    assert counts.tolist() == [0, 9, 0]


def test_times_far_from_zero_are_counted_exactly():
    trains = [np.array([1.7e9, 1.7e9 + 0.25, 1.7e9 + 1]), np.array([1.7e9 + 0.5])]
    result = cf.correlogram(trains, 1.0, 0.25)
    np.testing.assert_array_equal(result.counts, reference.correlogram(trains, 0.25, 4))


def test_read_only_and_non_contiguous_trains_are_accepted():
    flat = np.arange(20.0)
    flat.flags.writeable = False
    result = cf.correlogram([flat[::2], flat[1::2]], 2.0, 1.0)
    expected = reference.correlogram([flat[::2], flat[1::2]], 1.0, 2)
    np.testing.assert_array_equal(result.counts, expected)


def test_result_describes_itself_and_gives_rates():
    spikes = cf.SpikeTrains.from_list([[0.0, 1.0], [0.1, 1.1], []], unit_ids=[5, 6, 9])
    result = cf.correlogram(spikes, 0.1, 0.1)
    assert repr(result) == "Correlogram(3 units, 9 pairs, 3 bins of 0.1 s)"
    np.testing.assert_allclose(result.rate()[0, 1], [0.0, 0.0, 10.0])
    assert np.isnan(result.rate()[2]).all()
    assert result.to_frame()[(5, 6)].tolist() == [0, 0, 2]
    chosen = cf.correlogram(spikes, 0.1, 0.1, pairs=[[0, 1]])
    np.testing.assert_allclose(chosen.rate(), [[0.0, 0.0, 10.0]])
    assert list(chosen.to_frame().columns) == [(5, 6)]


def test_no_pairs_give_no_rows():
    assert cf.correlogram([[0.0]], 0.1, 0.1, pairs=[]).counts.shape == (0, 3)


# --- errors ---------------------------------------------------------------------------------------


def test_errors_name_the_argument():
    with pytest.raises(InvalidArgumentError, match="bin_width must be positive"):
        cf.correlogram([[0.0]], 1.0, 0.0)
    with pytest.raises(InvalidArgumentError, match="window must be positive"):
        cf.correlogram([[0.0]], -1.0, 0.1)
    with pytest.raises(InvalidArgumentError, match=r"pairs\[1\] = \[0, 2\] names a unit"):
        cf.correlogram([[0.0], [1.0]], 1.0, 0.1, pairs=[[0, 1], [0, 2]])
    with pytest.raises(InvalidArgumentError, match="pairs must be integers"):
        cf.correlogram([[0.0], [1.0]], 1.0, 0.1, pairs=[[0.0, 1.0]])
    with pytest.raises(InvalidArgumentError, match="bin_width is too small"):
        cf.correlogram([[0.0, 1e9]], 1e-6, 1e-7)
    with pytest.raises(SpikeTimeError, match="must be sorted"):
        cf.correlogram([[1.0, 0.0]], 1.0, 0.1)
    with pytest.raises(SpikeTimeError, match="must be finite"):
        cf.correlogram([[np.nan]], 1.0, 0.1)
    with pytest.raises(TooLargeError, match="set of correlograms"):
        cf.correlogram([[0.0]] * 1000, 1.0, 1e-7)


def test_binding_refuses_wrong_dtypes_and_broken_offsets():
    times, offsets = np.array([0.0, 1.0]), np.array([0, 2], dtype=np.int64)
    with pytest.raises(TypeError):
        _core.correlogram(times.astype(np.float32), offsets, 0.1, 2, 1)
    with pytest.raises(ValueError, match="offsets end at 3"):
        _core.correlogram(times, np.array([0, 3]), 0.1, 2, 1)
    with pytest.raises(IndexError, match="pair 0 names unit 1"):
        _core.correlogram_pairs(times, offsets, np.array([[0, 1]]), 0.1, 2, 1)
    with pytest.raises(ValueError, match=r"pairs must have shape \(n, 2\)"):
        _core.correlogram_pairs(times, offsets, np.array([[0, 0, 0]]), 0.1, 2, 1)
    with pytest.raises(ValueError, match="half must not be negative"):
        _core.correlogram(times, offsets, 0.1, -1, 1)
    with pytest.raises(ValueError, match="bin_width must be positive"):
        _core.correlogram_pairs(times, offsets, np.array([[0, 0]]), np.nan, 2, 1)
    with pytest.raises(TypeError):
        _core.cross_corr(times.astype(np.float32), times, 0.1, 3)
    with pytest.raises(ValueError, match="bin_width"):
        _core.cross_corr(times, times, 0.0, 3)
    with pytest.raises(ValueError, match="n_bins"):
        _core.cross_corr(times, times, 0.1, 0)


# --- cross_corr and what is made of it ------------------------------------------------------------


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=20),
    st.lists(st.integers(-50, 50), max_size=20),
    st.sampled_from([0.001, 0.003, 0.01]),
    st.integers(1, 9),
)
def test_cross_corr_follows_the_written_rule(t1, t2, binsize, nbins):
    t1, t2 = np.array(t1) / CLOCK, np.array(t2) / CLOCK
    got = cf.cross_corr(t1, t2, binsize, nbins)
    np.testing.assert_allclose(got, reference.cross_corr(t1, t2, binsize, nbins), rtol=1e-12)


@given(
    st.lists(st.integers(-50, 50), max_size=20),
    st.lists(st.integers(-50, 50), max_size=20),
    st.integers(0, 20),
    st.integers(0, 20),
    st.randoms(use_true_random=False),
)
def test_cross_corr_adds_up_over_spikes_in_any_order(t1, t2, cut1, cut2, random):
    def counts(a, b):
        a, b = np.array(a) / CLOCK, np.array(b) / CLOCK
        return np.nan_to_num(cf.cross_corr(a, b, 0.003, 9)) * len(a) * 0.003

    random.shuffle(t1)
    pieces = [counts(a, b) for a in (t1[:cut1], t1[cut1:]) for b in (t2[:cut2], t2[cut2:])]
    np.testing.assert_allclose(np.sum(pieces, axis=0), counts(t1, t2), atol=1e-9)


def test_cross_corr_of_nothing():
    assert np.isnan(cf.cross_corr([], [1.0], 0.1, 4)).all()
    assert cf.cross_corr([1.0], [], 0.1, 4).tolist() == [0.0] * 5
    assert cf.crossCorr is cf.cross_corr
    with pytest.raises(InvalidArgumentError, match="n_bins must be at least 1"):
        cf.cross_corr([1.0], [1.0], 0.1, 0)


def test_autocorrelograms_leave_out_lag_zero():
    spikes = cf.SpikeTrains.from_list([[0.0, 0.1, 0.2], []], unit_ids=[3, 4])
    table = events.compute_autocorrelograms(spikes, 0.1, 4)
    np.testing.assert_allclose(table[3], [10 / 3, 20 / 3, 0.0, 20 / 3, 10 / 3])
    assert table.loc[0.0].tolist() == [0.0, 0.0]
    assert table[4].isna().sum() == 4


def test_pairwise_cross_corr_covers_all_pairs_once():
    rng = np.random.default_rng(4)
    trains = [np.sort(rng.uniform(0, 20, 100)) for _ in range(3)]
    table = events.pairwise_cross_corr(trains, 0.01, 10)
    assert list(table.columns) == [(0, 1), (0, 2), (1, 2)]
    np.testing.assert_array_equal(table[(0, 2)], cf.cross_corr(trains[0], trains[2], 0.01, 10))


def test_deconvolved_peth_solves_the_written_equation():
    from scipy.linalg import toeplitz

    rng = np.random.default_rng(5)
    onsets = np.sort(rng.uniform(5, 200, 150))
    spikes = np.sort(np.concatenate([onsets + 0.02, rng.uniform(5, 200, 500)]))
    n, width = 20, 0.01
    x, lags = cf.deconvolve_peth(spikes, onsets, bin_width=width, n_bins=n)
    auto = reference.cross_corr(spikes, spikes, width, 2 * n)
    response = reference.cross_corr(onsets, spikes, width, 2 * n)
    matrix = toeplitz(auto, np.r_[auto[0], np.zeros(2 * n)])[n:, : n + 1]
    mean = response.mean()
    target = (response - mean)[n // 2 : 3 * n // 2 + 1] + mean / len(onsets)
    np.testing.assert_allclose(matrix @ x, target, atol=1e-9)
    assert lags[x.argmax()] == pytest.approx(0.02)


def test_deconvolve_peth_edges_and_errors():
    x, lags = cf.deconvolve_peth([100.0], [1.0], 0.01, 10)
    assert x.tolist() == [0.0] * 11
    assert len(lags) == 11
    with pytest.raises(InvalidArgumentError, match="n_bins must be even"):
        cf.deconvolve_peth([1.0], [1.0], 0.01, 11)
    with pytest.raises(InvalidArgumentError, match="events is empty"):
        cf.deconvolve_peth([1.0], [], 0.01, 10)
