"""Traces: values at times, gaps, restriction."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.errors import InvalidArgumentError, InvalidTypeError, SeriesError


@given(
    st.lists(st.floats(0, 100, allow_subnormal=False), min_size=2, max_size=20, unique=True).map(
        sorted
    ),
    st.lists(st.floats(-5, 105, allow_subnormal=False), max_size=10),
)
def test_linear_values_are_numpys(times, events):
    values = np.sin(np.arange(len(times)))
    found = cf.Traces(values, times=times).at(events)[:, 0]
    expected = np.interp(events, times, values, left=np.nan, right=np.nan)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@given(st.lists(st.floats(0.0, 0.99), max_size=10))
def test_nearest_values_are_the_nearer_ones(events):
    values = np.arange(11.0)
    found = cf.Traces(values, rate=10.0).at(events, method="nearest")[:, 0]
    for event, value in zip(events, found, strict=True):
        assert abs(value / 10 - event) <= 0.05 + 1e-12


def test_ties_go_to_the_later_sample():
    assert cf.Traces([0.0, 1.0], times=[0.0, 1.0]).at([0.5], "nearest").item() == 1.0


def test_gaps_and_missing_values_are_not_bridged():
    traces = cf.Traces(
        [0.0, 1.0, 5.0, np.nan, 7.0],
        times=[0.0, 1.0, 5.0, 6.0, 7.0],
        support=[[0, 2], [5, 8]],
    )
    found = traces.at([0.5, 3.0, 5.0, 5.5, 7.0, 7.5, -1, np.nan])[:, 0]
    expected = [0.5, np.nan, 5.0, np.nan, 7.0, np.nan, np.nan, np.nan]
    np.testing.assert_array_equal(found, expected)


def test_one_sample_and_none():
    assert cf.Traces([3.0], rate=10.0, t_start=2.0).at([2.0, 2.01])[:, 0].tolist()[0] == 3.0
    empty = cf.Traces(np.zeros((0, 2)), rate=1.0)
    assert np.isnan(empty.at([0.0])).all()
    assert len(empty.support) == 0
    assert len(empty.restrict([[0, 1]])) == 0


def test_regular_signals_have_times_and_a_support():
    traces = cf.Traces(np.zeros((3, 2)), rate=10.0, t_start=1.0, columns=["x", "y"])
    np.testing.assert_allclose(traces.times, [1.0, 1.1, 1.2])
    np.testing.assert_allclose(traces.support.data, [[1.0, 1.3]])
    assert traces.to_frame().columns.tolist() == ["x", "y"]
    assert repr(traces) == "Traces(3 samples, 2 signals, 10 Hz)"


@pytest.mark.parametrize("regular", [True, False])
def test_restriction_is_half_open_and_keeps_the_last_sample(regular):
    clock = {"rate": 1.0} if regular else {"times": np.arange(5.0)}
    traces = cf.Traces(np.arange(5.0), **clock)
    assert traces.restrict([[1, 3]]).values[:, 0].tolist() == [1.0, 2.0]
    assert traces.restrict([[-1, 10]]).values[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    two = traces.restrict([[0, 1.5], [3, 4]])
    assert two.times.tolist() == [0.0, 1.0, 3.0]
    assert np.isnan(two.at([2.0])).all()


def test_restriction_to_one_interval_keeps_the_rate():
    found = cf.Traces(np.arange(10.0), rate=2.0).restrict([[1, 3]])
    assert found.rate == 2.0
    assert found.t_start == 1.0


def test_floating_dtypes_are_kept():
    assert cf.Traces(np.zeros(2, "float32"), rate=1).values.dtype == np.float32
    assert cf.Traces([1, 2], rate=1).values.dtype == np.float64


def test_pickles_and_copies_are_read_only():
    traces = cf.Traces([1.0, 2.0], times=[0.0, 1.0])
    for again in (pickle.loads(pickle.dumps(traces)), copy.deepcopy(traces)):
        np.testing.assert_array_equal(again.values, traces.values)
        assert not again.values.flags.writeable


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cf.Traces([1.0]), InvalidArgumentError, "give either rate"),
        (lambda: cf.Traces([1.0], 1.0, [0.0]), InvalidArgumentError, "not both"),
        (lambda: cf.Traces([1.0], rate=0), InvalidArgumentError, r"rate must be positive \(Hz\)"),
        (lambda: cf.Traces(np.zeros((2, 2, 2)), 1.0), InvalidArgumentError, r"shape \(T, n\)"),
        (lambda: cf.Traces(["a"], 1.0), InvalidTypeError, "values must be an array of numbers"),
        (
            lambda: cf.Traces(np.zeros((2, 9)), times=np.arange(9.0)),
            SeriesError,
            r"got 9 and 2; values are \(T, n\), time first",
        ),
        (
            lambda: cf.Traces([1.0, 2.0, 3.0], times=[0.0, 2.0, 2.0]),
            SeriesError,
            r"times must increase: 2 s after 2 s \(index 2\)",
        ),
        (lambda: cf.Traces([1.0], 1.0, columns=["a", "b"]), InvalidArgumentError, "each of the 1"),
        (
            lambda: cf.Traces([1.0], 1.0).at([0], "cubic"),
            InvalidArgumentError,
            "method must be",
        ),
    ],
)
def test_wrong_input_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
