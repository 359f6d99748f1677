"""Signals without a regular clock, averaged by interpolation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest
from scipy.stats import t as student_t

import cofire as cf
from cofire import _core
from reference.event_average import assert_is_average, interpolated_stack, signal

# --- oracle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("epochs", [None, [[0.5, 2.0], [2.1, 2.15], [3.0, 6.0]]])
def test_interpolated_average_matches_the_oracle(dtype, order, epochs):
    rng = np.random.default_rng(5)
    x = np.asarray(signal(n_samples=300, dtype=dtype), order=order)
    times = np.sort(rng.choice(6000, 300, replace=False)) / 1000
    events = np.concatenate([rng.uniform(-0.5, 6.5, 20), times[[3, 50, 299]], [np.nan]])
    found = cf.event_triggered_average(
        x, events, (-0.3, 0.4), times=times, rate=40.0, support=epochs, per_event=True
    )
    expected = interpolated_stack(x.astype(float), times, events, found.lags, epochs)
    assert np.isfinite(expected).sum() > 500
    assert_is_average(found, expected, rtol=1e-5 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose(found.stack, expected, rtol=1e-5)
    assert found.n_events <= len(events)


def test_nan_samples_spoil_only_the_times_they_interpolate():
    x = np.array([0.0, 1.0, np.nan, 3.0, 4.0])
    found = cf.event_triggered_average(
        x, [0.0], (0.0, 5.0), times=np.arange(5.0), rate=2.0, per_event=True
    )
    expected = [0.0, 0.5, 1.0, np.nan, np.nan, np.nan, 3.0, 3.5, 4.0, np.nan]
    np.testing.assert_allclose(found.mean[:, 0], expected)
    np.testing.assert_allclose(found.stack[0, :, 0], expected)


def test_incomplete_interpolated_windows_can_be_dropped():
    times = np.arange(100) / 10
    x = signal(n_samples=100)
    arguments = {
        "times": times,
        "rate": 5.0,  # not that of the samples
        "support": [[0.0, 4.0], [5.0, 9.9]],
        "per_event": True,
        "incomplete": "drop",
    }
    found = cf.event_triggered_average(x, [0.5, 2.0, 4.5, 7.0, 9.8], (-1.0, 1.0), **arguments)
    assert np.isfinite(found.stack).all(axis=(1, 2)).tolist() == [False, True, False, True, False]
    assert found.n_events == 2
    expected = (found.stack[1] + found.stack[3]) / 2
    np.testing.assert_allclose(found.mean, expected)


def test_the_rate_of_the_lags_is_that_of_the_median_interval():
    times = np.concatenate([np.arange(50) / 20, [9.0]])
    found = cf.event_triggered_average(np.arange(51.0), [1.0], (-0.5, 0.5), times=times)
    np.testing.assert_allclose(found.lags, np.arange(-10, 10) / 20, atol=1e-12)


def test_lags_at_another_rate_than_that_of_the_samples_are_interpolated():
    ramp = np.arange(20.0)
    found = cf.event_triggered_average(ramp, [5.3], (-1.0, 1.0), times=ramp, rate=4.0)
    np.testing.assert_allclose(found.mean[:, 0], 5.3 + found.lags)


def test_activity_inside_epochs_is_never_joined_across_a_gap():
    times = np.concatenate([np.arange(100), np.arange(200, 300)]) / 100
    traces = cf.Traces(np.arange(200.0), times=times, support=[[0.0, 1.0], [2.0, 3.0]])
    found = cf.event_triggered_average(traces, [1.2], (-0.5, 1.0), rate=100.0)
    lag = found.lags + 1.2
    np.testing.assert_array_equal(np.isfinite(found.mean[:, 0]), (lag < 0.9901) | (lag > 1.9999))


# --- properties -----------------------------------------------------------------------------------


@st.composite
def irregular_clocks(draw):
    """Times on 1/16 s, the last one far away so that no steps are equal, and epochs of them."""
    ticks = draw(st.lists(st.integers(0, 160), min_size=2, max_size=40, unique=True).map(sorted))
    edges = draw(st.none() | st.lists(st.integers(-2, 170), min_size=2, max_size=6, unique=True))
    epochs = None if edges is None else np.sort(edges[: len(edges) // 2 * 2]).reshape(-1, 2) / 16
    return np.array([*ticks, ticks[-1] + 16_000]) / 16, epochs


@given(
    irregular_clocks(),
    st.integers(0, 10_000),
    st.lists(st.integers(-20, 180), max_size=6),
    st.tuples(st.integers(-20, 20), st.integers(1, 20)),
    st.sampled_from("CF"),
    st.integers(1, 4),
)
def test_averages_are_those_of_the_definition(clock, seed, ticks, window, order, threads):
    times, epochs = clock
    x = np.asarray(signal(seed, len(times), 2), order=order)
    x[np.random.default_rng(seed).random(x.shape) < 0.05] = np.nan
    found = cf.event_triggered_average(
        x,
        np.array(ticks) / 16,
        (window[0] / 8, sum(window) / 8),
        times=times,
        rate=8.0,
        support=epochs,
        threads=threads,
    )
    expected = interpolated_stack(x, times, np.array(ticks) / 16, found.lags, epochs)
    assert_is_average(found, expected, rtol=1e-11)


@given(irregular_clocks(), st.integers(0, 10_000), st.integers(2, 5))
def test_threads_and_the_order_of_events_and_signals_change_nothing(clock, seed, threads):
    times, epochs = clock
    rng = np.random.default_rng(seed)
    x, events = signal(seed, len(times), 4), rng.uniform(-1, 11, rng.integers(1, 20))
    options = {"times": times, "rate": 30.0, "support": epochs}
    one = cf.event_triggered_average(x, events, (-0.7, 0.9), **options, threads=1)
    many = cf.event_triggered_average(
        x[:, ::-1], rng.permutation(events), (-0.7, 0.9), **options, threads=threads
    )
    for name in ("mean", "sem", "counts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name)[:, ::-1])


@given(st.integers(0, 10_000))
def test_interpolating_at_the_samples_is_reading_them(seed):
    x = signal(seed, n_samples=256)
    events = np.random.default_rng(seed).integers(0, 256, 10) / 64
    read = cf.event_triggered_average(x, events, (-0.25, 0.25), rate=64.0)
    found = cf.event_triggered_average(
        x, events, (-0.25, 0.25), times=np.arange(256) / 64, rate=32.0
    )
    np.testing.assert_allclose(read.mean[::2], found.mean, rtol=1e-13)
    np.testing.assert_array_equal(read.counts[::2], found.counts)


# --- statistics -----------------------------------------------------------------------------------


def test_the_average_of_noise_is_zero_within_its_error():
    x = np.random.default_rng(0).normal(size=(4001, 150))
    times = np.append(np.arange(4000.0), 9000.0)
    # Lag 0 reads a sample, lag 0.5 the mean of two: both are normal and alike for every event.
    found = cf.event_triggered_average(
        x, np.arange(20, 3990, 100), (0.0, 1.0), times=times, rate=2.0
    )
    assert (found.counts == 40).all()
    for mean, sem in zip(found.mean, found.sem, strict=True):
        p = 2 * student_t.sf(np.abs(mean / sem), df=39)
        assert kstest(p, "uniform").pvalue > 0.001


# --- edges and errors -----------------------------------------------------------------------------


def test_one_sample_is_read_and_never_extended():
    found = cf.event_triggered_average([5.0], [1.0], (-0.5, 0.5), times=[1.0], rate=4.0)
    np.testing.assert_array_equal(found.mean[:, 0], [np.nan, np.nan, 5.0, np.nan])
    assert found.counts[:, 0].tolist() == [0, 0, 1, 0]


def test_an_infinite_sample_is_read_at_its_own_time():
    found = cf.event_triggered_average(
        [1.0, np.inf, 2.0], [0.0, 1.0], (0.0, 0.5), times=[0.0, 1.0, 2.5], rate=2.0
    )
    assert found.mean[0, 0] == np.inf
    assert found.counts[0, 0] == 2


def test_read_only_and_strided_signals_and_times_are_read():
    wide, clock = signal(n_samples=40, n=4), np.sort(np.random.default_rng(1).uniform(0, 9, 80))
    expected = cf.event_triggered_average(
        wide[::2, :2].copy(), [4.0], (-1, 1), times=clock[::4].copy(), rate=5.0
    )
    wide.flags.writeable = clock.flags.writeable = False
    found = cf.event_triggered_average(wide[::2, :2], [4.0], (-1, 1), times=clock[::4], rate=5.0)
    np.testing.assert_array_equal(found.mean, expected.mean)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"runs": np.array([[0, 11]])}, IndexError, "runs leave their axis"),
        ({"runs": np.array([[-1, 3]])}, IndexError, "runs leave their axis"),
        ({"runs": np.array([[4, 3]])}, IndexError, "runs leave their axis"),
        ({"runs": np.array([[0, 4, 5]])}, ValueError, r"runs must have shape \(n, 2\)"),
        ({"times": np.arange(9.0)}, ValueError, "times and values disagree in length"),
        ({"lags": np.array([0.5, 0.0])}, ValueError, "lags must increase"),
        ({"values": np.zeros((10, 4))[:, ::2]}, ValueError, "contiguous along one axis"),
        ({"values": np.zeros(10)}, ValueError, "values must be 2-D, got 1-D"),
        ({"values": np.zeros((10, 2), np.float32)}, TypeError, "incompatible"),
        ({"events": np.zeros(1, np.int64)}, TypeError, "incompatible"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1"),
    ],
)
def test_the_binding_refuses_what_would_read_out_of_bounds(changes, error, message):
    arguments = {
        "values": np.zeros((10, 2)),
        "times": np.arange(10.0),
        "runs": np.array([[0, 10]]),
        "events": np.zeros(1),
        "lags": np.zeros(1),
        "n_threads": 1,
    }
    with pytest.raises(error, match=message):
        _core.average_interpolated_f64(**arguments | changes)
