"""Nearest events, synchronised samples, relative times, joint responses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire import events
from cofire.errors import InvalidArgumentError

times = st.lists(st.integers(-40, 40), max_size=25).map(lambda x: np.array(x, dtype=float) / 8)
unique_times = times.map(np.unique)
windows = st.tuples(st.integers(-16, 8), st.integers(1, 16)).map(
    lambda w: (w[0] / 8, (w[0] + w[1]) / 8)
)


@given(unique_times, unique_times.filter(len))
def test_nearest_event_equals_a_search_over_all(a, b):
    delay, index = cf.nearest_event(a, b)
    for k, t in enumerate(a):
        distance = np.abs(t - b)
        expected = len(b) - 1 - int(distance[::-1].argmin())  # ties to the later
        assert index[k] == expected
        assert delay[k] == t - b[expected]


def test_nearest_event_of_nothing_and_errors():
    delay, index = cf.nearest_event([], [])
    assert len(delay) == len(index) == 0
    assert cf.nearest_event([1.0], [3.0]).delay.tolist() == [-2.0]
    with pytest.raises(InvalidArgumentError, match="b is empty"):
        cf.nearest_event([1.0], [])
    with pytest.raises(
        ValueError, match=r"a must be strictly increasing: 1 s after 1 s \(index 1\)"
    ):
        cf.nearest_event([1.0, 1.0], [2.0])
    with pytest.raises(ValueError, match="b must be strictly increasing"):
        cf.nearest_event([1.0], [2.0, 1.0])
    with pytest.raises(InvalidArgumentError, match="a must be finite"):
        cf.nearest_event([np.nan], [2.0])


@given(times.map(np.sort), times, windows)
def test_sync_is_closed_and_raster_open(samples, centers, window):
    # Eighths are exact in binary, so that window edges are hit exactly.
    lag, event, sample = cf.sync(samples, centers, window)
    expected = [
        (s - e, i, k)
        for i, e in enumerate(centers)
        for k, s in enumerate(samples)
        if window[0] <= s - e <= window[1]
    ]
    assert list(zip(lag, event, sample, strict=True)) == expected
    x, y = events.raster_points(samples, centers, window)
    inner = [(d, i) for d, i, _ in expected if window[0] < d < window[1]]
    assert list(zip(x, y, strict=True)) == inner


@given(times, times, windows)
def test_count_events_equals_a_plain_loop(found, reference, window):
    counts = events.count_events(found, reference, window)
    expected = [sum(window[0] < f - r < window[1] for f in found) for r in reference]
    assert counts.tolist() == expected


def test_count_events_keeps_the_dtype_of_its_reference():
    assert events.count_events([0.5], np.array([0, 1]), (0.0, 1.0)).dtype == np.int64
    assert events.count_events([0.5], np.array([0], dtype="f4"), (0.0, 1.0)).dtype == np.float32


def test_window_and_order_errors_name_the_argument():
    with pytest.raises(InvalidArgumentError, match="window must satisfy start < stop"):
        cf.sync([1.0], [1.0], (0.1, -0.1))
    with pytest.raises(InvalidArgumentError, match="samples must be sorted"):
        cf.sync([1.0, 0.0], [1.0], (-0.1, 0.1))
    with pytest.raises(InvalidArgumentError, match="samples must be sorted"):
        events.raster_points([1.0, 0.0], [1.0], (-0.1, 0.1))


def test_relative_times_give_a_shared_border_to_the_earlier_interval():
    t = [0.0, 1.0, 2.0, 3.0, 4.0, 4.5, np.nan]
    position, interval = cf.relative_times(t, [[1.0, 2.0], [2.0, 4.0]], values=(0.0, 10.0))
    np.testing.assert_array_equal(position, [np.nan, 0.0, 10.0, 5.0, 10.0, np.nan, np.nan])
    np.testing.assert_array_equal(interval, [np.nan, 0.0, 0.0, 1.0, 1.0, np.nan, np.nan])


@given(times)
def test_relative_times_do_not_depend_on_the_order_of_times(t):
    intervals = [[-3.0, -1.0], [0.0, 0.0], [0.5, 2.0]]
    forward = cf.relative_times(t, intervals)
    backward = cf.relative_times(t[::-1], intervals)
    np.testing.assert_array_equal(forward.position, backward.position[::-1])
    np.testing.assert_array_equal(forward.interval, backward.interval[::-1])
    inside = cf.Intervals(intervals).contains(t)
    np.testing.assert_array_equal(~np.isnan(forward.position), inside)


# --- joint responses ------------------------------------------------------------------------------


def test_joint_peth_of_coupled_responses_exceeds_the_expectation():
    rng = np.random.default_rng(0)
    shared = rng.poisson(1.0, (400, 12))
    coupled = cf.joint_peth(shared, shared, smooth_std=0)
    alone = cf.joint_peth(shared, rng.poisson(1.0, (400, 12)), smooth_std=0)
    assert np.diag(coupled.difference).min() > 0.2
    assert np.abs(alone.difference).max() < 0.2
    assert repr(alone) == "JointPETH(12 x 12 lags)"
    assert alone.to_frame().shape == (144, 5)


@given(st.integers(1, 6), st.integers(1, 5))
def test_joint_peth_is_transposed_when_units_swap(n_events, n_lags):
    rng = np.random.default_rng(n_events * 10 + n_lags)
    a, b = rng.poisson(2.0, (2, n_events, n_lags)).astype(float)
    one, other = cf.joint_peth(a, b), cf.joint_peth(b, a)
    np.testing.assert_allclose(one.joint, other.joint.T, rtol=1e-12)
    np.testing.assert_allclose(one.expected, other.expected.T, rtol=1e-12)


def test_joint_peth_edges_and_errors():
    assert np.isnan(cf.joint_peth(np.zeros((0, 3)), np.zeros((0, 3))).joint).all()
    with pytest.raises(InvalidArgumentError, match=r"got \(2, 3\) and \(2, 4\)"):
        cf.joint_peth(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(InvalidArgumentError, match="smooth_std must not be negative"):
        cf.joint_peth(np.zeros((2, 3)), np.zeros((2, 3)), smooth_std=-1)


def test_cross_correlation_equals_pearson_at_lag_zero():
    rng = np.random.default_rng(1)
    t = np.arange(0, 20, 0.01)
    a, b = rng.normal(size=(2, len(t)))
    starts = np.array([5.0, 7.5, 12.0])
    r, lags = cf.event_triggered_cross_correlation(starts, a, t, b, t, (0.0, 1.0), 0.01)
    at = starts[:, None] + np.arange(0, 1, 0.01)
    x, y = np.interp(at, t, a), np.interp(at, t, b)
    # The second signal moved back by 20 samples, within the same window.
    n = at.shape[1]
    expected = np.mean(
        [
            np.dot((p - p.mean())[: n - 20], (q - q.mean())[20:]) / (n * p.std() * q.std())
            for p, q in zip(x, y, strict=True)
        ]
    )
    assert r[np.isclose(lags, 0.2)][0] == pytest.approx(expected, rel=1e-9)


def test_positive_lag_means_that_the_second_signal_follows():
    rng = np.random.default_rng(2)
    t = np.arange(0, 50, 0.01)
    x = rng.normal(size=len(t))
    r, lags = cf.event_triggered_cross_correlation(
        np.arange(5.0, 45.0, 2.0), x, t, np.roll(x, 7), t, (-0.5, 0.5), 0.01
    )
    assert lags[r.argmax()] == pytest.approx(0.07)
    back, _ = cf.event_triggered_cross_correlation(
        np.arange(5.0, 45.0, 2.0), np.roll(x, 7), t, x, t, (-0.5, 0.5), 0.01
    )
    np.testing.assert_allclose(back, r[::-1], atol=1e-12)


def test_cross_correlation_edges_and_errors():
    t = np.arange(10.0)
    flat, _ = cf.event_triggered_cross_correlation([5.0], np.ones(10), t, t, t, (-2, 2), 0.5)
    assert not flat.any()
    nothing, lags = cf.event_triggered_cross_correlation([], t, t, t, t, (-2, 2), 0.5)
    assert np.isnan(nothing).all()
    assert len(nothing) == len(lags)
    with pytest.raises(
        InvalidArgumentError, match="signal_2 and times_2 must have the same length"
    ):
        cf.event_triggered_cross_correlation([5.0], t, t, t[:3], t)
    with pytest.raises(InvalidArgumentError, match="times_1 must be sorted"):
        cf.event_triggered_cross_correlation([5.0], t, t[::-1], t, t)
