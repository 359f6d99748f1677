from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d
from scipy.stats import kstest
from scipy.stats import t as student_t

import cofire as cf
from cofire import _core
from cofire.errors import DataWarning, InvalidArgumentError, SeriesError
from reference.event_average import assert_is_average, lags_of, moments, regular_stack, signal

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
WINDOWS = [(-0.5, 0.5), (-0.2, 0.7), (0.1, 0.4), (-0.9, -0.3), (-0.011, 0.013)]
supports = st.lists(st.integers(0, 170), min_size=2, max_size=6, unique=True).map(
    lambda ticks: np.sort(ticks[: len(ticks) // 2 * 2]).reshape(-1, 2) / 16
)


def layouts(x):
    """The same values in memory along the signals, along time, and in steps of either."""
    wide = np.zeros((len(x), 2 * x.shape[1] + 1), dtype=x.dtype)
    wide[:, : x.shape[1]] = x
    sparse = np.zeros((2 * len(x), 2 * x.shape[1]), dtype=x.dtype)
    sparse[::2, ::2] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    return {
        "signals": np.ascontiguousarray(x),
        "time": np.asfortranarray(x),
        "columns of a wider array": wide[:, : x.shape[1]],
        "reversed": np.ascontiguousarray(x[::-1])[::-1],
        "steps": sparse[::2, ::2],
        "read-only": frozen,
    }


# --- oracle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 3])
def test_regular_average_matches_the_sample_by_sample_oracle(window, dtype, n):
    x = signal(dtype=dtype, n=n)
    events = np.random.default_rng(1).uniform(9, 18.5, 30)
    found = cf.event_triggered_average(x, events, window, rate=100.0, t_start=10.0, per_event=True)
    expected = regular_stack(x.astype(np.float64), events, window, 100.0, 10.0)
    assert np.isnan(expected).any()
    assert np.isfinite(expected).any()
    assert_is_average(found, expected)
    np.testing.assert_array_equal(found.stack, expected.astype(dtype))
    np.testing.assert_allclose(found.lags, lags_of(window, 100.0), rtol=1e-14)


@pytest.mark.parametrize("layout", list(layouts(signal(n_samples=3))))
@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f8", np.int16, np.float16])
def test_any_memory_layout_and_type_gives_the_same(layout, dtype):
    x = layouts((signal() * 10).astype(dtype))[layout]
    events = np.random.default_rng(1).uniform(0, 7, 21)
    found = cf.event_triggered_average(x, events, (-0.3, 0.4), rate=100.0)
    assert_is_average(found, regular_stack(x.astype(np.float64), events, (-0.3, 0.4), 100.0))


def test_a_window_of_several_tiles_matches():
    x = signal(n_samples=9000, n=2)
    events = np.random.default_rng(1).uniform(0, 9, 9)
    for values in (x, np.asfortranarray(x)):
        found = cf.event_triggered_average(values, events, (-2.0, 1.5), rate=1000.0)
        assert_is_average(found, regular_stack(x, events, (-2.0, 1.5), 1000.0))


def test_more_signals_than_a_tile_holds():
    x = signal(n_samples=50, n=3000)
    found = cf.event_triggered_average(x, [20.0, 25.0], (-2.0, 3.0), rate=1.0)
    np.testing.assert_allclose(found.mean, (x[18:23] + x[23:28]) / 2, rtol=1e-12)


def test_nan_is_left_out_lag_by_lag_and_signal_by_signal():
    x = signal()
    x[np.random.default_rng(2).random(x.shape) < 0.2] = np.nan
    events = np.random.default_rng(1).uniform(0, 7, 25)
    for values in layouts(x).values():
        found = cf.event_triggered_average(values, events, (-0.3, 0.4), rate=100.0)
        assert_is_average(found, regular_stack(x, events, (-0.3, 0.4), 100.0))


def test_windows_lack_the_samples_of_gaps():
    x = signal()
    epochs = [[0.5, 2.0], [2.1, 2.15], [3.0, 6.0]]
    events = np.random.default_rng(1).uniform(0, 7, 40)
    found = cf.event_triggered_average(
        x, events, (-0.3, 0.4), rate=100.0, support=epochs, per_event=True
    )
    expected = regular_stack(x, events, (-0.3, 0.4), 100.0, epochs=epochs)
    assert_is_average(found, expected)
    np.testing.assert_array_equal(found.stack, expected)
    assert found.n_events == (~np.isnan(expected).all(axis=(1, 2))).sum()


def test_incomplete_windows_can_be_dropped():
    x = signal()
    epochs = [[0.5, 2.0], [3.0, 6.0]]
    events = np.random.default_rng(1).uniform(0, 7, 40)
    found = cf.event_triggered_average(
        x, events, (-0.3, 0.4), rate=100.0, support=epochs, per_event=True, incomplete="drop"
    )
    stack = regular_stack(x, events, (-0.3, 0.4), 100.0, epochs=epochs)
    whole = ~np.isnan(stack).any(axis=(1, 2))
    assert found.n_events == whole.sum()
    assert 0 < found.n_events < 40
    stack[~whole] = np.nan
    assert_is_average(found, stack)
    np.testing.assert_array_equal(found.stack, stack)


# --- golden ---------------------------------------------------------------------------------------


def z_matrix(binned, ds, sigma):
    """Section 2 of the specification with the gaps written out."""
    bins = sigma / ds
    radius = int(4 * bins + 0.5)
    epoch = binned.epoch_index
    edges = binned.support.data
    gap = np.floor((edges[1:, 0] - edges[:-1, 1]) / ds).astype(int)
    place = np.arange(binned.n_bins) + np.concatenate([[0], np.cumsum(gap)])[epoch]
    values = np.zeros((binned.n_units, place[-1] + 1))
    mask = np.zeros(place[-1] + 1)
    values[:, place], mask[place] = binned.counts, 1
    smooth = gaussian_filter1d(values, bins, axis=1, radius=radius)[:, place]
    smooth /= gaussian_filter1d(mask, bins, radius=radius)[place]
    std = smooth.std(axis=1, keepdims=True)
    return np.where(std > 0, (smooth - smooth.mean(axis=1, keepdims=True)) / (std + (std == 0)), 0)


@pytest.fixture(scope="module")
def expressions(golden, golden_session):
    """Activity of the golden assemblies: (values (T, K), times) whole and with gaps."""
    patterns = golden("assembly")["patterns_ica_mp"]
    sigma = float(golden("zmat")["sigma_s"])
    out = {}
    for name, support in (("full", None), ("gap", golden_session.detection)):
        binned = cf.bin_spikes(golden_session.spikes, 0.01, support=support)
        z = z_matrix(binned, 0.01, sigma)
        activity = (patterns @ z) ** 2 - patterns**2 @ z**2
        out[name] = activity.T, binned.centers
    return out


def test_the_signals_of_the_goldens_are_rebuilt(golden, expressions):
    gold = golden("activity")
    stride = int(gold["stride"])
    np.testing.assert_allclose(expressions["full"][0].T[:, ::stride], gold["full_strided"], **TIGHT)
    np.testing.assert_allclose(expressions["gap"][0].T[:, :2000], gold["gap_first"], **TIGHT)


@pytest.mark.parametrize("epoch", ["pre", "task", "post"])
@pytest.mark.parametrize("layout", ["time", "signals"])
def test_compat_reproduces_the_goldens(golden, expressions, epoch, layout):
    eta = golden("eta")
    values, times = expressions["full"]
    values = layouts(values)[layout]
    events = eta[f"events_{epoch}"]
    since_start = events - float(eta["session_start"])
    rate, window = float(eta["fs"]), (-0.5, 0.5)
    fast = cf.event_triggered_average(values, since_start, window, rate=rate, compat="neuro_py")
    np.testing.assert_allclose(fast.mean, eta[f"fast_{epoch}"], **TIGHT)
    np.testing.assert_allclose(fast.lags, eta["lags"], **TIGHT)
    clock = {"times": times, "rate": rate}
    regular = cf.event_triggered_average(values, events, window, **clock, compat="neuro_py")
    np.testing.assert_allclose(regular.mean, eta[f"reg_{epoch}"], **TIGHT)
    between = cf.event_triggered_average(
        values, events, window, **clock, compat="neuro_py_interpolated"
    )
    np.testing.assert_allclose(between.mean, eta[f"interp_{epoch}"], **TIGHT)
    inside = events[(events + window[0] >= times[0]) & (events + window[1] <= times[-1])]
    runs = np.array([[0, len(times)]])
    kernel = _core.average_interpolated_f64(values, times, runs, inside, eta["lags"], 1)
    np.testing.assert_allclose(kernel[0], eta[f"interp_{epoch}"], **TIGHT)


def test_compat_reproduces_every_event_of_the_golden(golden, expressions):
    eta = golden("eta")
    full = eta["fast_full_first"]
    events = np.concatenate([[0.05], eta["events_post"][:12]])
    found = cf.event_triggered_average(
        expressions["full"][0], events, (-0.2, 0.2), rate=100.0, per_event=True, compat="neuro_py"
    )
    np.testing.assert_allclose(np.moveaxis(found.stack, 0, -1).swapaxes(0, 1), full, **TIGHT)
    np.testing.assert_allclose(found.lags, eta["fast_full_lags"], **TIGHT)


def test_compat_interpolates_across_gaps_as_the_golden(golden, expressions):
    eta = golden("eta")
    values, times = expressions["gap"]
    found = cf.event_triggered_average(
        values,
        eta["gapped_signal_events"],
        (-0.3, 0.3),
        times=times,
        rate=100.0,
        compat="neuro_py",
        per_event=True,
    )
    np.testing.assert_allclose(found.mean, eta["gapped_signal_avg"], **TIGHT)
    np.testing.assert_allclose(found.lags, eta["gapped_lags"], **TIGHT)
    np.testing.assert_allclose(np.nanmean(found.stack, axis=0), found.mean, **TIGHT)


# --- the defects of the reference, repaired -------------------------------------------------------


def test_asymmetric_windows_hold_the_samples_their_lags_name():
    ramp = np.arange(1000.0)
    for window in [(-0.1, 0.3), (0.2, 0.5), (-0.5, -0.2)]:
        found = cf.event_triggered_average(ramp, [5.0], window, rate=100.0)
        np.testing.assert_allclose(found.mean[:, 0], 500 + 100 * found.lags, atol=1e-9)
    old = cf.event_triggered_average(ramp, [5.0], (-0.1, 0.3), rate=100.0, compat="neuro_py")
    np.testing.assert_allclose(old.mean[[0, -1], 0], [480, 519])
    np.testing.assert_allclose(old.lags[[0, -1]], [-0.1, 0.3])


def test_the_sample_at_the_event_has_lag_zero():
    found = cf.event_triggered_average(np.arange(1000.0), [5.0], (-0.5, 0.5), rate=100.0)
    assert found.mean[np.flatnonzero(np.abs(found.lags) < 1e-12), 0] == 500.0
    assert found.lags[-1] == pytest.approx(0.49)


@pytest.mark.parametrize("compat", [None, "neuro_py"])
def test_events_near_the_end_are_no_index_error(compat):
    found = cf.event_triggered_average(
        np.arange(1000.0), [5.0, 9.506], (-0.5, 0.5), rate=100.0, compat=compat
    )
    assert np.isfinite(found.mean).all()
    assert found.counts[[0, -1], 0].tolist() == ([2, 1] if compat is None else [1, 1])


def test_integers_and_lists_are_signals():
    expected = [[4.0], [5.0]]
    for x in (np.arange(10), list(range(10)), np.arange(10, dtype=np.uint8)):
        found = cf.event_triggered_average(x, [5.0], (-1.0, 1.0), rate=1.0)
        np.testing.assert_array_equal(found.mean, expected)


def test_the_first_sample_is_the_nearest_and_of_two_the_later():
    for event, first in [(5.0, 4), (5.49, 4), (5.5, 5), (5.51, 5)]:
        found = cf.event_triggered_average(np.arange(20.0), [event], (-1.0, 1.0), rate=1.0)
        assert found.mean[0, 0] == first
        # Bin centers at half a bin: the sample at lag 0 is the bin that holds the event.
        binned = cf.event_triggered_average(
            np.arange(20.0), [event], (0.0, 1.0), rate=1.0, t_start=0.5
        )
        assert binned.mean[0, 0] == 5


def test_equal_steps_are_read_sample_by_sample_whichever_way_the_clock_is_given():
    x, events = signal(n_samples=500), [1.0, 2.004, 2.005, 3.337]
    for t_start in (0.0, 37.0):
        at = np.add(events, t_start)
        by_rate = cf.event_triggered_average(x, at, (-0.1, 0.3), rate=100.0, t_start=t_start)
        times = t_start + np.arange(500) / 100
        for clock in ({"times": times}, {"times": times, "rate": 100.0}):
            by_times = cf.event_triggered_average(x, at, (-0.1, 0.3), **clock)
            np.testing.assert_array_equal(by_times.mean, by_rate.mean)
            np.testing.assert_allclose(by_times.lags, by_rate.lags, rtol=0, atol=1e-12)
    ramp = np.arange(20.0)
    for event, first in [(5.49, 4), (5.5, 5)]:
        found = cf.event_triggered_average(ramp, [event], (-1.0, 1.0), times=ramp)
        assert found.mean[0, 0] == first


def test_activity_of_spikes_is_averaged_in_whole_bins():
    spikes = [np.sort(np.random.default_rng(i).uniform(0, 50, 400)) for i in range(4)]
    activity = cf.assemblies.activation(np.eye(2, 4) + 0.5, spikes, bin_width=0.01)
    events = np.random.default_rng(9).uniform(2, 48, 15)
    found = cf.event_triggered_average(activity, events, (-0.5, 0.5))
    first = np.floor((events - 0.5 - activity.times[0]) * 100 + 0.5).astype(int)
    expected = np.mean([activity.values[i : i + 100] for i in first], axis=0)
    np.testing.assert_allclose(found.mean, expected, rtol=1e-9, atol=1e-12)


def test_the_clock_of_traces_is_obeyed():
    traces = cf.Traces(np.arange(1000.0), rate=100.0, t_start=50.0, columns=["a"])
    found = cf.event_triggered_average(traces, [55.0], (-0.1, 0.1), rate=100.0)
    np.testing.assert_allclose(found.mean[:, 0], np.arange(490, 510))
    assert list(found.to_frame().columns) == ["a"]
    cut = cf.event_triggered_average(traces, [55.0], (-0.1, 0.1), support=[[50.0, 55.0]])
    np.testing.assert_array_equal(np.isnan(cut.mean[:, 0]), cut.lags > -1e-9)


@pytest.mark.parametrize("events", [[], [np.nan], [-50.0, 1e6, np.inf]])
@pytest.mark.parametrize(
    "clock",
    [
        {"rate": 100.0},
        {"times": np.arange(500) / 100},
        {"times": np.arange(500) / 100 + 0.004 * (np.arange(500) > 10)},
    ],
)
def test_without_valid_events_everything_is_nan(events, clock):
    found = cf.event_triggered_average(
        signal(n_samples=500), events, (-0.5, 0.5), per_event=True, **clock
    )
    assert found.mean.shape == (100, 3)
    assert np.isnan(found.mean).all()
    assert np.isnan(found.sem).all()
    assert found.n_events == 0
    assert (found.counts == 0).all()
    assert found.stack.shape == (len(events), 100, 3)
    assert np.isnan(found.stack).all()


def test_compat_without_valid_events_is_what_the_reference_returns():
    x, window = signal(n_samples=500), (-0.5, 0.5)
    fast = cf.event_triggered_average(x, [-5.0], window, rate=100.0, compat="neuro_py")
    assert np.isnan(fast.mean).all()
    with pytest.warns(DataWarning, match="no event has its window inside the data"):
        old = cf.event_triggered_average(
            x, [-5.0], window, times=np.arange(500) / 100, compat="neuro_py"
        )
    assert (old.mean == 0).all()


# --- properties -----------------------------------------------------------------------------------


@given(
    st.integers(0, 10_000),
    st.lists(st.integers(-40, 200), max_size=8),
    st.tuples(st.integers(-20, 20), st.integers(1, 24)),
    st.none() | supports,
    st.sampled_from(["signals", "time", "steps"]),
    st.integers(1, 4),
)
def test_averages_are_those_of_the_definition(seed, ticks, window, epochs, layout, threads):
    # Multiples of 1/16 s with 8 samples a second: half of the windows lie between two samples.
    x = signal(seed, n_samples=80)
    x[np.random.default_rng(seed).random(x.shape) < 0.05] = np.nan
    events, span = np.array(ticks) / 16, (window[0] / 8, sum(window) / 8)
    found = cf.event_triggered_average(
        layouts(x)[layout], events, span, rate=8.0, support=epochs, per_event=True, threads=threads
    )
    expected = regular_stack(x, events, span, 8.0, epochs=epochs)
    np.testing.assert_array_equal(found.stack, expected)
    assert_is_average(found, expected)


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_threads_and_order_of_events_and_signals_change_nothing(seed, threads):
    rng = np.random.default_rng(seed)
    x = signal(seed, n_samples=300, n=4)
    x[rng.random(300) < 0.01] = np.nan
    events = rng.uniform(-0.5, 3.5, rng.integers(1, 20))
    one = cf.event_triggered_average(x, events, (-0.3, 0.4), rate=100.0, threads=1)
    many = cf.event_triggered_average(
        x[:, ::-1], rng.permutation(events), (-0.3, 0.4), rate=100.0, threads=threads
    )
    for name in ("mean", "sem", "counts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name)[:, ::-1])


@given(st.floats(-5, 5), st.floats(-1e6, 1e6), st.integers(0, 100))
def test_the_average_is_linear_and_the_error_ignores_an_offset(gain, offset, seed):
    x = signal(seed, n_samples=200)
    events = np.random.default_rng(seed).uniform(0, 2, 8)
    plain = cf.event_triggered_average(x, events, (-0.1, 0.1), rate=100.0)
    other = cf.event_triggered_average(gain * x + offset, events, (-0.1, 0.1), rate=100.0)
    scale = 1 + abs(offset)
    np.testing.assert_allclose(other.mean, gain * plain.mean + offset, atol=1e-11 * scale)
    np.testing.assert_allclose(other.sem, abs(gain) * plain.sem, atol=1e-9 * scale)


def test_a_large_offset_does_not_spoil_the_error():
    x = 1e9 + signal()
    events = np.random.default_rng(1).uniform(1, 6, 12)
    found = cf.event_triggered_average(x, events, (-0.1, 0.1), rate=100.0)
    np.testing.assert_allclose(
        found.sem, moments(regular_stack(x, events, (-0.1, 0.1), 100.0))[1], rtol=1e-6
    )


def test_a_constant_signal_has_no_error():
    found = cf.event_triggered_average(np.full(100, 0.1), [4.0, 5.0, 6.0], (-1, 1), rate=10.0)
    assert (found.sem == 0).all()
    np.testing.assert_array_equal(found.mean, np.full((20, 1), 0.1))


def test_the_average_of_noise_is_zero_within_its_error():
    x = np.random.default_rng(0).normal(size=(4000, 30))
    found = cf.event_triggered_average(x, np.arange(20, 3990, 100), (-5, 5), rate=1.0)
    assert (found.counts == 40).all()
    p = 2 * student_t.sf(np.abs(found.mean / found.sem), df=39)
    assert kstest(p.ravel(), "uniform").pvalue > 0.001


# --- edges ----------------------------------------------------------------------------------------


def test_no_signals_and_no_samples_give_empty_and_nan():
    assert cf.event_triggered_average(np.zeros((50, 0)), [1.0], (-1, 1), rate=10.0).mean.shape == (
        20,
        0,
    )
    assert np.isnan(cf.event_triggered_average([], [1.0], (-1, 1), rate=10.0).mean).all()
    empty = cf.event_triggered_average([], [1.0], (-1, 1), times=[], rate=10.0)
    assert np.isnan(empty.mean).all()


def test_one_sample_is_average_without_error():
    found = cf.event_triggered_average(np.arange(10.0), [5.0], (-1, 1), rate=1.0)
    np.testing.assert_array_equal(found.mean[:, 0], [4, 5])
    assert np.isnan(found.sem).all()


def test_infinite_samples_reach_the_average():
    x = np.array([[1.0, 1.0], [np.inf, 1.0], [np.inf, -np.inf], [2.0, np.inf]])
    found = cf.event_triggered_average(x, [1.0, 3.0], (0.0, 1.0), rate=1.0)
    assert found.mean[0, 0] == np.inf
    assert found.mean[0, 1] == np.inf
    assert found.counts[0].tolist() == [2, 2]


def test_a_zero_step_view_is_read():
    x = np.broadcast_to(np.arange(10.0)[:, None], (10, 3))
    found = cf.event_triggered_average(x, [5.0], (-1, 1), rate=1.0)
    np.testing.assert_array_equal(found.mean, [[4] * 3, [5] * 3])


def test_the_repr_says_what_was_averaged():
    found = cf.event_triggered_average(signal(), [3.0], (-0.5, 0.5), rate=100.0)
    assert repr(found) == "EventTriggered(3 signals, 100 lags -0.5..0.49 s, 1 events)"


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, InvalidArgumentError, "needs a clock"),
        ({"rate": 0.0}, InvalidArgumentError, "rate must be positive"),
        ({"rate": 1.0, "window": (0.5, -0.5)}, InvalidArgumentError, "start < stop"),
        ({"rate": 1.0, "window": (0.0, 0.1)}, InvalidArgumentError, "holds no sample"),
        ({"rate": 1.0, "compat": "nelpy"}, InvalidArgumentError, "compat must be one of"),
        ({"rate": 1.0, "incomplete": "pad"}, InvalidArgumentError, "incomplete must be one of"),
        ({"times": [0.0, 1.0]}, SeriesError, "same length"),
        ({"times": [0.0, 2.0, 1.0]}, SeriesError, "times must increase"),
        ({"signal": [1.0], "times": [0.0]}, InvalidArgumentError, "no median interval"),
        ({"signal": np.zeros((2, 2, 2)), "rate": 1.0}, InvalidArgumentError, "shape"),
        ({"events": [[1.0]], "rate": 1.0}, InvalidArgumentError, "events must be 1-D"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, error, message):
    defaults = {"signal": [1.0, 2.0, 3.0], "events": [1.0], "window": (-1.0, 1.0)}
    given_ = defaults | arguments
    x, events, window = (given_.pop(name) for name in defaults)
    with pytest.raises(error, match=message):
        cf.event_triggered_average(x, events, window, **given_)


def test_a_second_clock_for_traces_is_refused():
    traces = cf.Traces([1.0, 2.0], rate=1.0)
    with pytest.raises(InvalidArgumentError, match="leave rate out"):
        cf.event_triggered_average(traces, [1.0], (-1, 1), rate=2.0)
    with pytest.raises(InvalidArgumentError, match="has its own clock"):
        cf.event_triggered_average(traces, [1.0], (-1, 1), t_start=5.0)


@pytest.mark.parametrize(
    ("full", "partial", "message"),
    [
        ([-1], np.zeros((0, 3)), "windows leave"),
        ([6], np.zeros((0, 3)), "windows leave"),
        ([], [[0, 4, 2]], "pieces leave"),
        ([], [[9, 0, 2]], "pieces leave"),
        ([], [[-1, 0, 2]], "pieces leave"),
    ],
)
def test_the_binding_refuses_windows_outside_the_signal(full, partial, message):
    full, partial = np.asarray(full, dtype=np.int64), np.asarray(partial, dtype=np.int64)
    with pytest.raises(IndexError, match=message):
        _core.average_windows_f64(np.zeros((10, 2)), full, partial, 5, 1)


def test_the_binding_refuses_other_layouts_and_types():
    none = np.zeros(0, dtype=np.int64), np.zeros((0, 3), dtype=np.int64), 5, 1
    with pytest.raises(ValueError, match="contiguous along one axis"):
        _core.average_windows_f64(np.zeros((10, 4))[:, ::2], *none)
    with pytest.raises(TypeError):
        _core.average_windows_f64(np.zeros((10, 4), dtype=np.float32), *none)
