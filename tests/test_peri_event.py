from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

import cofire as cf
from cofire import _core
from cofire.errors import InvalidArgumentError, SpikeTimeError, TooLargeError
from reference.peri_event import counts_each

# Multiples of 1/8 s: sums and differences are exact, so ties with bin edges are real ties.
ticks = st.integers(-80, 80).map(lambda k: k / 8)
trains_of_ticks = st.lists(st.lists(ticks, max_size=40).map(sorted), min_size=1, max_size=4)
some_events = st.lists(ticks, min_size=1, max_size=12)


def random_trains(seed, n_units=5, n=400, duration=60.0, clock=1000):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, n, n_units)
    return [np.sort(rng.integers(0, int(duration * clock), m)) / clock for m in sizes]


# --- oracle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [(-1.0, 1.0), (-0.3, 0.1), (0.2, 0.7), (-2.0, -0.5)])
@pytest.mark.parametrize("bin_width", [0.01, 0.1, 0.05])
def test_counts_match_the_spike_by_spike_oracle(window, bin_width):
    trains = random_trains(3)
    events = np.random.default_rng(4).integers(-1000, 61_000, 25) / 1000
    found = cf.peri_event_counts(trains, events, window, bin_width, per_event=True)
    n_bins = round((window[1] - window[0]) / bin_width)
    expected = counts_each(trains, events, window[0], bin_width, n_bins)
    assert expected.sum() > 50
    np.testing.assert_array_equal(found.counts, expected)
    total = cf.peri_event_counts(trains, events, window, bin_width)
    np.testing.assert_array_equal(total.counts, expected.sum(axis=0))


def test_more_delays_than_fit_into_one_batch_are_all_counted():
    train = np.arange(30_000) / 1000
    events = np.arange(2.0, 28.0, 0.5)
    found = cf.peri_event_counts([train], events, (-1.0, 1.0), 0.01)
    expected = counts_each([train], events[:1], -1.0, 0.01, 200)[0] * 0
    for event in events:
        near = train[np.abs(train - event) < 1.1]
        expected += counts_each([near], [event], -1.0, 0.01, 200)[0]
    np.testing.assert_array_equal(found.counts, expected)


@given(trains_of_ticks, some_events, st.integers(-16, 8), st.integers(1, 24), st.integers(1, 4))
def test_counts_match_the_oracle_where_spikes_lie_on_edges(trains, events, first, n_bins, step):
    width = step / 8
    window = (first / 8, first / 8 + n_bins * width)
    found = cf.peri_event_counts(trains, events, window, width, per_event=True)
    np.testing.assert_array_equal(
        found.counts, counts_each(trains, events, window[0], width, n_bins)
    )


# --- properties -----------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_the_result_does_not_depend_on_the_number_of_threads(seed, threads):
    trains = random_trains(seed)
    events = np.random.default_rng(seed).uniform(0, 60, 30)
    for per_event in (False, True):
        one, many = (
            cf.peri_event_counts(
                trains, events, (-0.5, 0.5), 0.01, per_event=per_event, threads=n
            ).counts
            for n in (1, threads)
        )
        np.testing.assert_array_equal(one, many)


@given(st.integers(0, 10_000))
def test_units_and_events_may_come_in_any_order(seed):
    rng = np.random.default_rng(seed)
    trains = random_trains(seed)
    events = rng.uniform(0, 60, 20)
    units, order = rng.permutation(len(trains)), rng.permutation(len(events))
    plain = cf.peri_event_counts(trains, events, (-0.5, 0.5), 0.02, per_event=True)
    mixed = cf.peri_event_counts(
        [trains[u] for u in units], events[order], (-0.5, 0.5), 0.02, per_event=True
    )
    np.testing.assert_array_equal(mixed.counts, plain.counts[order][:, units])


@given(trains_of_ticks, some_events)
def test_neighboring_windows_add_up(trains, events):
    whole = cf.peri_event_counts(trains, events, (-2.0, 2.0), 0.25).counts
    left = cf.peri_event_counts(trains, events, (-2.0, 0.5), 0.25).counts
    right = cf.peri_event_counts(trains, events, (0.5, 2.0), 0.25).counts
    np.testing.assert_array_equal(whole, np.concatenate([left, right], axis=1))


# --- statistics -----------------------------------------------------------------------------------


def test_independent_spikes_are_spread_evenly_around_events():
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, 1000, 50_000)) for _ in range(2)]
    events = rng.uniform(2, 998, 300)
    total = cf.peri_event_counts(trains, events, (-1.0, 1.0), 0.05)
    each = cf.peri_event_counts(trains, events, (-1.0, 1.0), 0.05, per_event=True)
    for counts in (total.counts, each.counts.sum(axis=0)):
        for row in counts:
            assert chisquare(row).pvalue > 0.001


# --- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_event", [False, True])
def test_no_units_give_no_rows(per_event):
    counts = cf.peri_event_counts([], [1.0, 2.0], (-1, 1), 0.5, per_event=per_event).counts
    assert counts.shape == ((2, 0, 4) if per_event else (0, 4))


def test_bins_hold_their_left_edge_and_not_their_right():
    found = cf.peri_event_counts([[0.75, 1.0, 1.25]], [1.0], (-0.25, 0.25), 0.25)
    np.testing.assert_array_equal(found.counts, [[1, 1]])


def test_lags_are_bin_centers_and_rates_are_per_event_and_second():
    found = cf.peri_event_counts([[1.01, 2.01, 2.03]], [1.0, 2.0], (0.0, 0.04), 0.02)
    np.testing.assert_allclose(found.lags, [0.01, 0.03])
    np.testing.assert_allclose(found.rate, [[2 / 0.04, 1 / 0.04]])
    each = cf.peri_event_counts([[1.01, 2.01, 2.03]], [1.0, 2.0], (0.0, 0.04), 0.02, per_event=True)
    np.testing.assert_allclose(each.rate[:, 0], [[50, 0], [50, 50]])
    np.testing.assert_allclose(each.to_frame().to_numpy(), found.to_frame().to_numpy())


def test_a_silent_unit_counts_nothing_and_is_kept():
    found = cf.peri_event_counts([[], [1.0], []], [1.0], (-0.5, 0.5), 0.5)
    np.testing.assert_array_equal(found.counts, [[0, 0], [0, 1], [0, 0]])


def test_duplicate_spikes_and_events_all_count():
    found = cf.peri_event_counts([[1.0, 1.0]], [1.0, 1.0, 1.0], (0.0, 0.5), 0.5)
    np.testing.assert_array_equal(found.counts, [[6]])


def test_events_without_a_finite_time_are_dropped_and_counted():
    events = [np.nan, 2.0, np.inf, 1.0]
    found = cf.peri_event_counts([[1.0]], events, (0.0, 0.5), 0.5, per_event=True)
    assert (found.n_events, found.n_dropped) == (2, 2)
    np.testing.assert_array_equal(found.counts[:, 0, 0], [0, 1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, ">f8"])
def test_read_only_and_strided_events_and_spikes_are_read(dtype):
    times = np.array([1, 9, 2, 9], dtype=dtype)
    times.flags.writeable = False
    found = cf.peri_event_counts([times[::2]], times[::2], (0.0, 0.5), 0.5)
    np.testing.assert_array_equal(found.counts, [[2]])
    np.testing.assert_array_equal(times, [1, 9, 2, 9])


def test_the_repr_says_what_was_counted():
    found = cf.peri_event_counts([[1.0]], [1.0, np.nan], (-0.5, 0.5), 0.1)
    assert repr(found) == "PeriEvent(1 units, 10 bins of 0.1 s, 1 events (1 dropped))"


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spikes", "events", "window", "bin_width", "message"),
    [
        ([[1.0]], [], (-1, 1), 0.1, "events is empty"),
        ([[1.0]], [np.nan], (-1, 1), 0.1, "no event has a finite time"),
        ([[1.0]], [1.0], (1, -1), 0.1, "start < stop"),
        ([[1.0]], [1.0], (-1, 1), 0.0, "bin_width must be positive"),
        ([[1.0]], [1.0], (0, 0.01), 1.0, "makes 0 bins"),
        ([[1.0]], [1.0], (-1, 1), 1e-12, "2000000000000 bins"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(spikes, events, window, bin_width, message):
    with pytest.raises(InvalidArgumentError, match=message):
        cf.peri_event_counts(spikes, events, window, bin_width)


@pytest.mark.parametrize("per_event", [False, True])
def test_unsorted_and_nan_spikes_are_refused(per_event):
    for train, message in (([2.0, 1.0], "must be sorted"), ([1.0, np.nan], "must be finite")):
        with pytest.raises(SpikeTimeError, match=message):
            cf.peri_event_counts([train], [1.0], (-1, 1), 0.1, per_event=per_event)


def test_counts_of_every_event_that_do_not_fit_are_refused():
    with pytest.raises(TooLargeError, match="spike counts of every event"):
        cf.peri_event_counts([[1.0]] * 100, np.ones(10**6), (-1, 1), 1e-5, per_event=True)


def kernel(**changes):
    arguments = {
        "times": np.array([1.0]),
        "offsets": np.array([0, 1]),
        "events": np.array([1.0, 2.0]),
        "start": -1.0,
        "width": 0.1,
        "n_bins": 20,
        "truncated": False,
        "n_threads": 1,
    } | changes
    if "rows" in changes:
        return _core.peri_event_counts_each(**arguments)
    return _core.peri_event_counts(**arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"events": np.array([2.0, 1.0])}, "sorted"),
        ({"events": np.array([np.nan])}, "finite"),
        ({"offsets": np.array([0, 2])}, "offsets end"),
        ({"n_bins": 0}, "n_bins"),
        ({"width": -1.0}, "width"),
        ({"rows": np.array([0, 0])}, "permutation"),
        ({"rows": np.array([0, 2])}, "permutation"),
        ({"rows": np.array([0])}, "disagree"),
    ],
)
def test_the_binding_refuses_what_would_read_out_of_bounds(changes, message):
    with pytest.raises(ValueError, match=message):
        kernel(**changes)


def test_the_binding_refuses_another_dtype():
    with pytest.raises(TypeError):
        kernel(times=np.array([1.0], dtype=np.float32))
