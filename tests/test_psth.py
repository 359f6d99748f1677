from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.errors import InvalidArgumentError
from cofire.events import peth
from reference.peri_event import cross_corr

TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def random_spikes(seed=0, n_units=4):
    rng = np.random.default_rng(seed)
    return [np.sort(rng.integers(0, 30_000, rng.integers(0, 300))) / 1000 for _ in range(n_units)]


# --- golden ---------------------------------------------------------------------------------------


def test_psth_by_number_of_bins_is_the_golden(golden, golden_session):
    peri = golden("peri")
    psth = cf.compute_psth(golden_session.spikes, peri["events"], bin_width=0.01, n_bins=100)
    np.testing.assert_allclose(psth.to_numpy(), peri["psth_100bins"], **TIGHT)
    np.testing.assert_allclose(psth.index, peri["psth_100bins_t"], **TIGHT)


def test_psth_by_window_is_the_golden(golden, golden_session):
    peri = golden("peri")
    psth = cf.compute_psth(golden_session.spikes, peri["events"], 0.005, window=(-0.5, 0.5))
    np.testing.assert_allclose(psth.to_numpy(), peri["psth_window"], **TIGHT)
    np.testing.assert_allclose(psth.index, peri["psth_window_t"], **TIGHT)


def test_asymmetric_psth_is_the_golden_plus_the_row_the_reference_loses(golden, golden_session):
    peri = golden("peri")
    psth = cf.compute_psth(golden_session.spikes, peri["events"], 0.01, window=(-0.1, 0.3))
    assert len(psth) == 41
    np.testing.assert_allclose(psth.to_numpy()[:-1], peri["psth_asym"], **TIGHT)
    np.testing.assert_allclose(psth.index[:-1], peri["psth_asym_t"], **TIGHT)
    assert psth.index[-1] == pytest.approx(0.3)


def test_peth_matrix_is_the_golden(golden, golden_session):
    peri = golden("peri")
    events = peri["events"][:40]
    matrix = cf.peth_matrix(golden_session.spikes[0], events, 0.02, window=(-0.5, 0.5))
    np.testing.assert_allclose(matrix.to_numpy(), peri["peth_matrix_unit0"], **TIGHT)
    np.testing.assert_allclose(matrix.index, peri["peth_matrix_t"], **TIGHT)


# --- oracle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_bins", [1, 2, 20, 21])
def test_psth_matches_cross_corr(n_bins):
    spikes = random_spikes()
    events = np.random.default_rng(1).uniform(0, 30, 15)
    psth = cf.compute_psth(spikes, events, 0.05, n_bins)
    for unit, train in enumerate(spikes):
        np.testing.assert_allclose(psth[unit], cross_corr(events, train, 0.05, n_bins), rtol=1e-12)


@given(
    st.lists(st.integers(-60, 60), max_size=25).map(np.sort),
    st.lists(st.integers(-60, 60), min_size=1, max_size=10),
    st.sampled_from([0.001, 0.003, 0.005, 0.01]),
    st.integers(1, 16),
)
def test_psth_follows_the_arithmetic_of_cross_corr_on_bin_edges(spikes, events, width, n_bins):
    train, at = spikes / 1000, np.array(events) / 1000
    expected = cross_corr(at, train, width, n_bins)
    psth = cf.compute_psth([train], at, width, n_bins)
    np.testing.assert_allclose(psth[0], expected, rtol=1e-12)
    matrix = cf.peth_matrix(train, at, width, n_bins)
    np.testing.assert_allclose(matrix.mean(axis=1), expected, rtol=1e-12)


@pytest.mark.parametrize("n_bins", [1, 4, 21])
@pytest.mark.parametrize("width", [0.001, 0.003, 0.007])
def test_spikes_on_computed_edges_fall_as_in_cross_corr(n_bins, width):
    n_bins += n_bins % 2 == 0
    at = np.sort(np.random.default_rng(n_bins).integers(0, 10**6, 200)) / 1000
    low = at - n_bins / 2 * width
    train = np.unique([low + k * width for k in range(n_bins + 1)])
    expected = cross_corr(at, train, width, n_bins)
    np.testing.assert_allclose(cf.cross_corr(at, train, width, n_bins), expected, rtol=1e-12)
    np.testing.assert_allclose(cf.compute_psth([train], at, width, n_bins)[0], expected, rtol=1e-12)


@given(st.integers(0, 10_000), st.integers(2, 4))
def test_psth_does_not_depend_on_threads_or_the_order_of_events(seed, threads):
    spikes = random_spikes(seed)
    rng = np.random.default_rng(seed)
    events = rng.uniform(0, 30, 10)
    one = cf.compute_psth(spikes, events, 0.05, 20, threads=1)
    many = cf.compute_psth(spikes, rng.permutation(events), 0.05, 20, threads=threads)
    np.testing.assert_array_equal(one, many)


# --- the number of bins, and windows --------------------------------------------------------------


@pytest.mark.parametrize(("n_bins", "n_rows"), [(1, 1), (2, 3), (99, 99), (100, 101)])
def test_rows_are_odd_and_centered(n_bins, n_rows):
    psth = cf.compute_psth([[1.0]], [1.0], 0.01, n_bins)
    assert len(psth) == n_rows
    assert psth.index[n_rows // 2] == 0
    assert psth[0].to_numpy()[n_rows // 2] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("window", "first", "last", "n_rows"),
    [
        ((-0.1, 0.3), -0.1, 0.3, 41),
        ((-0.1, 0.25), -0.1, 0.25, 36),
        ((0.1, 0.3), 0.1, 0.3, 21),
        ((-0.3, -0.1), -0.3, -0.1, 21),
        ((-0.105, 0.3), -0.1, 0.3, 41),
    ],
)
def test_rows_of_a_window_are_the_multiples_of_the_width_inside(window, first, last, n_rows):
    psth = cf.compute_psth([[1.0]], [1.0], 0.01, window=window)
    assert len(psth) == n_rows
    np.testing.assert_allclose([psth.index[0], psth.index[-1]], [first, last], atol=1e-12)


def test_a_wide_histogram_has_no_bin_too_many():
    matrix = cf.peth_matrix([1.0], [1.0], 0.005, 200)
    assert matrix.shape == (201, 1)


def test_matrix_columns_are_the_events_as_given():
    matrix = cf.peth_matrix([1.0, 5.0, 5.0], [5.0, 3.0, 1.0], 0.1, 2)
    np.testing.assert_allclose(matrix.to_numpy()[1], [20, 0, 10])


def test_columns_are_unit_ids():
    psth = cf.compute_psth({"a": [1.0], "b": []}, [1.0], 0.1, 2)
    assert list(psth.columns) == ["a", "b"]
    assert (psth["b"] == 0).all()


# --- peth dispatches ------------------------------------------------------------------------------


def test_peth_of_trains_is_the_psth_and_its_events():
    spikes = random_spikes()
    events = np.array([20.0, 5.0, 11.0])
    table = peth(spikes, events, bin_width=0.05, n_bins=10)
    np.testing.assert_array_equal(table, cf.compute_psth(spikes, events, 0.05, 10))
    cube = peth(spikes, events, bin_width=0.05, n_bins=10, average=False)
    assert cube.shape == (11, 4, 3)
    np.testing.assert_allclose(cube.mean(axis=2), table)
    np.testing.assert_array_equal(cube[:, 1], cf.peth_matrix(spikes[1], events, 0.05, 10))


def test_peth_of_signals_is_the_event_triggered_average():
    traces = cf.Traces(np.random.default_rng(0).normal(size=(500, 2)), rate=100.0)
    table = peth(traces, [2.0, 3.0])
    assert table.shape == (100, 2)
    cube = peth(traces, [2.0, 3.0], (-0.1, 0.2), average=False)
    assert cube.shape == (30, 2, 2)
    np.testing.assert_array_equal(cube[:, :, 1], traces.values[290:320])


@pytest.mark.parametrize("support", [[[0.0, 30.0]], [[0.0, 8.0], [10.0, 30.0]]])
def test_peth_of_binned_spikes_reads_their_bins(support):
    binned = cf.bin_spikes(random_spikes(), 0.5, support=support)
    event = binned.centers[30]
    table = peth(binned, [event], (-1.0, 1.0))
    np.testing.assert_allclose(table.to_numpy(), binned.counts.T[28:32], atol=1e-9)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cf.compute_psth([[1.0]], []), "events is empty"),
        (lambda: cf.compute_psth([[1.0]], [1.0], n_bins=0), "n_bins must be at least 1"),
        (lambda: cf.compute_psth([[1.0]], [1.0], 0.1, window=(0.01, 0.02)), "no multiple"),
        (lambda: cf.peth_matrix([1.0], [1.0], -0.1), "bin_width must be positive"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call()
