"""Expression strength of patterns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire import _core
from cofire.assemblies import activation
from cofire.errors import CofireError
from cofire.spikes.smoothing import SmoothingAxis
from reference.activation import activation as reference_activation
from reference.binning import bin_spikes as reference_bins
from reference.zscore import smooth as reference_smooth
from reference.zscore import zscore as reference_zscore


def example(n_patterns, n_units, n_bins, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_patterns, n_units)), rng.normal(size=(n_units, n_bins))


def recording(n_units, duration, seed=0, rate=4.0):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.exponential(rate, n_units) * duration)
    return [np.sort(rng.uniform(0, duration, n)) for n in counts]


# Ticks of 10 ms put many spikes on bin edges and on each other.
trains_of_ticks = st.lists(
    st.lists(st.integers(0, 400), max_size=40).map(lambda t: np.sort(t) / 100.0),
    min_size=1,
    max_size=12,
)
supports = st.lists(st.integers(0, 400), min_size=2, max_size=6, unique=True).map(
    lambda ticks: np.sort(ticks[: len(ticks) // 2 * 2]).reshape(-1, 2) / 100.0
)
sigmas = st.none() | st.sampled_from([0.001, 0.01, 0.04, 0.2])
shapes = st.tuples(st.integers(1, 40), st.integers(1, 20), st.integers(0, 700))


@given(shapes, st.booleans(), st.integers(0, 99))
def test_activation_is_the_quadratic_form(shape, remove_diagonal, seed):
    patterns, z = example(*shape, seed)
    expected = reference_activation(patterns, z, remove_diagonal)
    found = activation(patterns, z, remove_diagonal=remove_diagonal)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)
    single = activation(patterns, z.astype(np.float32), remove_diagonal=remove_diagonal)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-3, atol=1e-2)


@given(shapes, st.integers(2, 5), st.integers(0, 99))
def test_activation_does_not_depend_on_threads_or_other_patterns(shape, threads, seed):
    patterns, z = example(*shape, seed)
    one = activation(patterns, z, threads=1)
    np.testing.assert_array_equal(activation(patterns[::-1], z, threads=threads)[::-1], one)


@given(shapes, st.integers(0, 99))
def test_activation_ignores_the_order_of_units_and_the_sign_of_patterns(shape, seed):
    patterns, z = example(*shape, seed)
    order = np.random.default_rng(seed).permutation(shape[1])
    moved = activation(-patterns[:, order], z[order])
    np.testing.assert_allclose(moved, activation(patterns, z), rtol=1e-8, atol=1e-9)


@given(trains_of_ticks, supports, sigmas, st.booleans(), st.integers(0, 99))
def test_activation_of_spikes_is_that_of_the_definition(
    trains, support, sigma, remove_diagonal, seed
):
    width, patterns = 0.03, example(5, len(trains), 0, seed)[0]
    found = activation(
        patterns,
        trains,
        bin_width=width,
        sigma=sigma,
        support=support,
        remove_diagonal=remove_diagonal,
    )
    x, centers, epochs = reference_bins(trains, support, width)
    if sigma is not None and x.shape[1]:
        edges = np.array(epochs)
        gaps = np.floor((edges[1:, 0] - edges[:-1, 1]) / width).astype(int)
        lengths = np.rint((edges[:, 1] - edges[:, 0]) / width).astype(int)
        x = reference_smooth(x, sigma / width, lengths, gaps)
    expected = reference_activation(patterns, reference_zscore(x), remove_diagonal)
    np.testing.assert_allclose(found.values.T, expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found.times, centers, rtol=0, atol=1e-12)


@given(trains_of_ticks, supports, sigmas, st.integers(1, 40), st.integers(2, 5), st.booleans())
def test_activation_of_spikes_does_not_depend_on_threads_or_other_patterns(
    trains, support, sigma, n_patterns, threads, single
):
    patterns, _ = example(n_patterns, len(trains), 0)
    options = {
        "bin_width": 0.01,
        "support": support,
        "sigma": sigma,
        "dtype": "float32" if single else "float64",
    }
    one = activation(patterns, trains, threads=1, **options).values
    many = activation(patterns[::-1], trains, threads=threads, **options).values
    np.testing.assert_array_equal(many[:, ::-1], one)


@pytest.mark.parametrize("sigma", [None, 0.00722, 0.04, 0.6])
@pytest.mark.parametrize("support", [None, [[0.0, 7.3], [7.4, 9], [20, 31.234], [31.26, 40]]])
@pytest.mark.parametrize("n_patterns", [1, 16, 37])
def test_spikes_give_the_activation_of_their_z(sigma, support, n_patterns):
    spikes = recording(11, 40.0)
    spikes[4] = spikes[4][:0]  # silent
    spikes[5] = spikes[5][:1]
    patterns = np.random.default_rng(1).normal(size=(n_patterns, 11))
    for remove_diagonal in (True, False):
        z = cf.zscore_bins(spikes, 0.01, support=support, sigma=sigma)
        expected = activation(patterns, z, remove_diagonal=remove_diagonal)
        found = activation(
            patterns,
            spikes,
            bin_width=0.01,
            sigma=sigma,
            support=support,
            remove_diagonal=remove_diagonal,
        )
        np.testing.assert_allclose(found.values.T, expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(found.times, z.centers)
        assert found.support == z.support


@pytest.mark.parametrize("sigma", [None, 0.01, 0.5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activation_of_spikes_is_bitwise_the_same_for_every_thread_count(sigma, dtype):
    spikes = recording(9, 300.0, rate=1.0)
    patterns, _ = example(20, 9, 0)
    options = {"bin_width": 0.01, "sigma": sigma, "dtype": dtype}
    one = activation(patterns, spikes, threads=1, **options)
    assert one.values.dtype == dtype
    for threads in (2, 3, 5):
        many = activation(patterns, spikes, threads=threads, **options)
        np.testing.assert_array_equal(many.values, one.values)


@pytest.mark.parametrize("sigma", [None, 0.01])
def test_long_silence_has_the_activation_of_silent_bins(sigma):
    spikes = [[0.005, 0.1, 900.0], [0.1, 900.0], [0.1]]
    patterns, _ = example(3, 3, 0)
    z = cf.zscore_bins(spikes, 0.01, support=[[0, 1000]], sigma=sigma)
    found = activation(patterns, spikes, bin_width=0.01, sigma=sigma, support=[[0, 1000]])
    np.testing.assert_allclose(found.values.T, activation(patterns, z), rtol=1e-9, atol=1e-10)


def test_float32_of_spikes_is_close_to_float64():
    spikes = recording(9, 30.0)
    patterns, _ = example(4, 9, 0)
    for sigma in (None, 0.01):
        options = {"bin_width": 0.01, "sigma": sigma}
        double = activation(patterns, spikes, **options).values
        single = activation(patterns, spikes, dtype="float32", **options).values
        np.testing.assert_allclose(single, double, rtol=1e-3, atol=1e-3 * np.abs(double).max())


def test_activation_reproduces_the_reference_recording(golden, golden_session):
    expected, zmat = golden("activity"), golden("zmat")
    patterns = golden("assembly")["patterns_ica_mp"]
    options = {"bin_width": float(zmat["z_dt"]), "sigma": float(zmat["sigma_s"])}
    close = {"rtol": 1e-9, "atol": 1e-11}
    full = activation(patterns, golden_session.spikes, **options).values.T
    stride = int(expected["stride"])
    np.testing.assert_allclose(full[:, ::stride], expected["full_strided"], **close)
    n_head = expected["full_head"].shape[1]
    np.testing.assert_allclose(full[:, :n_head], expected["full_head"], **close)
    np.testing.assert_allclose(full.mean(axis=1), expected["full_mean"], **close)
    np.testing.assert_allclose(full.std(axis=1), expected["full_std"], **close)
    np.testing.assert_allclose(full.max(axis=1), expected["full_max"], **close)
    gapped = activation(
        patterns, golden_session.spikes, support=golden_session.detection, **options
    )
    n_first = expected["gap_first"].shape[1]
    np.testing.assert_allclose(gapped.values.T[:, :n_first], expected["gap_first"], **close)
    np.testing.assert_allclose(gapped.values.mean(axis=0), expected["gap_mean"], **close)
    np.testing.assert_allclose(gapped.times[:n_first], expected["gap_t_first"], **close)


def test_activation_on_detection_bins_reproduces_the_reference(golden, golden_session):
    expected = golden("assembly")
    width = float(golden("binning")["weight_dt"])
    patterns = expected["patterns_ica_mp"]
    z = cf.zscore_bins(golden_session.spikes, width, support=golden_session.detection)
    close = {"rtol": 1e-9, "atol": 1e-11}
    found = activation(patterns, z)
    np.testing.assert_allclose(found[:, ::3], expected["activity_on_detection_bins"], **close)
    whole = activation(patterns, z, remove_diagonal=False)
    np.testing.assert_allclose(whole[:, ::3], expected["activity_with_diag"], **close)


@pytest.mark.parametrize("remove_diagonal", [True, False])
def test_independent_units_have_the_activation_of_chance(remove_diagonal):
    # E[A] and Var[A] of independent standard normal z, exactly.
    patterns, z = example(4, 12, 50_000)
    squares = patterns**2
    kept = squares.sum(axis=1) ** 2
    if remove_diagonal:
        kept -= (squares**2).sum(axis=1)
    mean, variance = 0.0 if remove_diagonal else squares.sum(axis=1), 2 * kept
    found = activation(patterns, z, remove_diagonal=remove_diagonal)
    error = np.sqrt(variance / z.shape[1])
    assert (np.abs(found.mean(axis=1) - mean) < 4 * error).all()
    np.testing.assert_allclose(found.var(axis=1), variance, rtol=0.1)


@pytest.mark.parametrize("sigma", [None, 0.02])
def test_independent_spikes_have_an_activation_near_zero(sigma):
    rng = np.random.default_rng(0)
    spikes = [np.sort(rng.uniform(0, 2000, 40_000)) for _ in range(10)]
    patterns, _ = example(4, 10, 0)
    found = activation(patterns, spikes, bin_width=0.02, sigma=sigma, support=[[0, 2000]])
    # Smoothing leaves about one independent bin in 2 sqrt(pi) sigma.
    n = len(found) / (1.0 if sigma is None else 2 * np.sqrt(np.pi) * sigma / 0.02)
    error = found.values.std(axis=0) / np.sqrt(n)
    assert (np.abs(found.values.mean(axis=0)) < 4 * error).all()


def test_a_bin_with_nan_is_0_for_every_pattern():
    patterns, z = example(3, 5, 20)
    patterns[:, 2] = 0.0
    z[2, 7] = np.nan
    found = activation(patterns, z)
    np.testing.assert_array_equal(found[:, 7], 0.0)
    np.testing.assert_allclose(found, reference_activation(patterns, z), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("n_patterns", "n_units", "n_bins"), [(0, 3, 4), (2, 0, 4), (2, 3, 0)])
def test_nothing_gives_an_empty_or_zero_result(n_patterns, n_units, n_bins):
    found = activation(np.zeros((n_patterns, n_units)), np.zeros((n_units, n_bins)))
    assert found.shape == (n_patterns, n_bins)
    assert not found.any()
    for sigma in (None, 0.05):
        of_spikes = activation(
            np.ones((n_patterns, n_units)),
            [[] for _ in range(n_units)],
            bin_width=0.1,
            sigma=sigma,
            support=[[0, 0.1 * n_bins + 0.05]],
        )
        assert of_spikes.values.shape == (n_bins, n_patterns)
        assert not of_spikes.values.any()


def test_integers_strides_and_read_only_input_are_accepted():
    patterns, z = np.array([[1, 2, 3]]), np.arange(24).reshape(3, 8)[:, ::2]
    z.flags.writeable = False
    expected = reference_activation(patterns, z.astype(float))
    np.testing.assert_allclose(activation(patterns.tolist(), z), expected)
    single = activation(patterns, z, dtype="float32")
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected)
    times = np.array([1, 0, 2, 0, 7, 0, 8])[::2]
    times.flags.writeable = False
    for sigma in (None, 2.0):
        options = {"bin_width": 1.0, "sigma": sigma, "support": [[0, 10]]}
        of_spikes = activation([[1, 2]], [times, [2.0]], **options)
        plain = activation(np.array([[1.0, 2.0]]), [[1.0, 2.0, 7.0, 8.0], [2.0]], **options)
        np.testing.assert_array_equal(of_spikes.values, plain.values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: activation(np.ones((2, 4)), np.ones((3, 9))),
            r"patterns have 4 units .* z have 3",
        ),
        (lambda: activation(np.ones(3), np.ones((3, 9))), "patterns must be 2-D"),
        (lambda: activation(np.ones((2, 3)), [[0.5]]), r"bin_width \(s\) is needed"),
        (
            lambda: activation(np.ones((2, 3)), [[0.5]], bin_width=0.1),
            r"patterns have 3 units .* spikes have 1",
        ),
        (lambda: activation(np.ones((1, 1)), np.ones((1, 9)), bin_width=0.1), "go with spikes"),
        (lambda: activation(np.ones((1, 1)), [[0.5]], bin_width=0.1, sigma=-1), "sigma must be"),
        (lambda: activation(np.ones((1, 1)), np.ones((1, 9)), dtype="int32"), "dtype must be"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(CofireError, match=message):
        call()


def test_unsorted_and_nan_spikes_are_refused():
    for train, message in (([0.5, 0.2], "must be sorted"), ([0.5, np.nan], "must be finite")):
        with pytest.raises(CofireError, match=message):
            activation([[1.0]], [train], bin_width=0.1, support=[[0, 1]])


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_the_binding_of_z_refuses_what_does_not_fit(dtype):
    kernel = getattr(_core, f"activation_{dtype}")
    own = np.dtype(dtype.replace("f", "float"))
    patterns, z = np.ones((1, 2), own), np.ones((3, 4), own)
    with pytest.raises(ValueError, match="patterns have 2 units, z has 3"):
        kernel(patterns, z, True, 1)
    with pytest.raises(ValueError, match="patterns have 2 units, z has 1"):
        kernel(patterns, z[:1], True, 1)
    with pytest.raises(ValueError, match="z must be 2-D, got 1-D"):
        kernel(patterns, z[0], True, 1)
    for wrong in (z[:2].astype(np.int64), np.ones((2, 8), own)[:, ::2]):
        with pytest.raises(TypeError):
            kernel(patterns, wrong, True, 1)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"times": np.zeros(2, np.float32)}, TypeError, "incompatible"),
        ({"patterns": np.ones((1, 1), np.int64)}, TypeError, "incompatible"),
        ({"offsets": np.array([0, 1, 2])}, ValueError, "patterns have 1 units, spikes have 2"),
        ({"offsets": np.array([0]), "times": np.zeros(0)}, ValueError, "spikes have 0"),
        ({"offsets": np.array([0, 3])}, ValueError, "offsets end at 3, values have 2"),
        ({"bin_offsets": np.array([0, 5])}, ValueError, "disagree in their bins"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1"),
    ],
)
def test_the_binding_of_spikes_refuses_what_does_not_fit(dtype, changes, error, message):
    arguments = {
        "patterns": np.ones((1, 1), np.dtype(dtype.replace("f", "float"))),
        "times": np.array([0.2, 0.5]),
        "offsets": np.array([0, 2]),
        "starts": np.zeros(1),
        "stops": np.ones(1),
        "steps": np.array([0.25]),
        "bin_offsets": np.array([0, 4]),
        "axis": SmoothingAxis.lay(np.array([0, 4]), np.zeros(0, dtype=np.int64), 1.0).arrays(),
        "remove_diagonal": True,
        "n_threads": 1,
    }
    kernel = getattr(_core, f"activation_of_spikes_{dtype}")
    assert kernel(**arguments).shape == (4, 1)
    with pytest.raises(error, match=message):
        kernel(**arguments | changes)
