"""Gaussian smoothing across gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

import cofire as cf
from cofire import _core
from cofire.errors import CofireError
from cofire.spikes.smoothing import SmoothingAxis, gaussian_taps
from reference.zscore import smooth as reference_smooth
from reference.zscore import zscore as reference_zscore

WIDTH = 0.01
epochs = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 40)), min_size=1, max_size=6
)  # bins and missing bins after them
sigmas = st.sampled_from([0.1, 0.4, 0.72, 1.0, 3.6, 11.0])


def lay_out(pieces, seed):
    """Random rows, centers and epochs of bins, with gaps of whole bins plus a third."""
    n_bins = np.array([n for n, _ in pieces])
    gaps = np.array([gap for _, gap in pieces[:-1]], dtype=np.int64)
    before = np.concatenate([[0], np.cumsum(n_bins[:-1] + gaps + 1 / 3)])
    centers = np.concatenate(
        [(b + np.arange(n) + 0.5) * WIDTH for b, n in zip(before, n_bins, strict=True)]
    )
    x = np.random.default_rng(seed).poisson(0.3, (3, n_bins.sum())).astype(float)
    return x, centers, np.repeat(np.arange(len(n_bins)), n_bins), n_bins, gaps


@given(epochs, sigmas, st.booleans(), st.integers(0, 99))
def test_smoothing_is_the_normalized_convolution_with_the_gaps_laid_out(
    pieces, sigma_bins, within, seed
):
    x, centers, epoch, n_bins, gaps = lay_out(pieces, seed)
    smoothed = cf.smooth(
        x,
        sigma_bins * WIDTH,
        rate=1 / WIDTH,
        centers=centers,
        epoch_index=epoch,
        within_epochs=within,
    )
    expected = reference_smooth(x, sigma_bins, n_bins, gaps, within)
    np.testing.assert_allclose(smoothed, expected, rtol=1e-10, atol=1e-13)


@given(epochs, sigmas, st.booleans())
def test_smoothing_keeps_a_constant_and_bounds(pieces, sigma_bins, within):
    x, centers, epoch, *_ = lay_out(pieces, 0)
    options = {"rate": 1 / WIDTH, "centers": centers, "epoch_index": epoch, "within_epochs": within}
    flat = cf.smooth(np.full(len(centers), 2.5), sigma_bins * WIDTH, **options)
    np.testing.assert_allclose(flat, 2.5, rtol=1e-12)
    smoothed = cf.smooth(x, sigma_bins * WIDTH, **options)
    assert smoothed.min() >= x.min() - 1e-12
    assert smoothed.max() <= x.max() + 1e-12


@given(epochs, sigmas, st.integers(2, 5), st.integers(0, 99))
def test_smoothing_does_not_depend_on_threads_or_other_rows(pieces, sigma_bins, threads, seed):
    x, centers, epoch, *_ = lay_out(pieces, seed)
    options = {"rate": 1 / WIDTH, "centers": centers, "epoch_index": epoch}
    one = cf.smooth(x, sigma_bins * WIDTH, threads=1, **options)
    many = cf.smooth(x[::-1], sigma_bins * WIDTH, threads=threads, **options)
    np.testing.assert_array_equal(many[::-1], one)


@pytest.mark.parametrize("n_bins", [1, 2, 7, 5000])
@pytest.mark.parametrize("sigma_bins", [0.05, 0.72, 3.6, 60.0, 700.0])
def test_without_gaps_smoothing_is_the_filter_of_scipy(n_bins, sigma_bins):
    x = np.random.default_rng(1).normal(size=(2, n_bins))
    expected = gaussian_filter1d(x, sigma_bins, axis=1, mode="reflect", truncate=4.0)
    smoothed = cf.smooth(x, sigma_bins / 8.0, rate=8.0)
    np.testing.assert_allclose(smoothed, expected, rtol=1e-10, atol=1e-12)


def test_smoothed_counts_reproduce_the_z_of_the_reference_recording(golden, golden_session):
    expected = golden("zmat")
    width, sigma = float(expected["z_dt"]), float(expected["sigma_s"])
    binned = cf.bin_spikes(golden_session.spikes, width)
    z = reference_zscore(cf.smooth(binned.counts, sigma, rate=1 / width))
    stride = int(expected["stride"])
    np.testing.assert_allclose(z[:, ::stride], expected["full_z_strided"], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(z[:, -60:], expected["full_z_tail"], rtol=1e-9, atol=1e-11)


def test_white_noise_keeps_the_variance_that_the_taps_leave():
    n, sigma_bins = 100_000, 3.0
    x = np.random.default_rng(0).normal(size=(1, n))
    expected = (gaussian_taps(sigma_bins) ** 2).sum()
    variance = cf.smooth(x, sigma_bins, rate=1.0).var()
    # Its standard error follows from the correlation of the smoothed noise.
    assert abs(variance / expected - 1) < 4 * np.sqrt(2 * np.sqrt(2 * np.pi) * sigma_bins / n)


def test_a_gap_shorter_than_a_bin_lets_data_bleed_across():
    centers = np.array([0.05, 0.15, 0.30, 0.40])  # 0.05 s are missing
    x = np.array([0.0, 1.0, 0.0, 0.0])
    smoothed = cf.smooth(x, 0.1, rate=10.0, centers=centers)
    np.testing.assert_allclose(smoothed, cf.smooth(x, 0.1, rate=10.0), rtol=1e-12)


def test_a_long_gap_costs_no_memory_and_separates():
    centers = np.concatenate([np.arange(5) + 0.5, np.arange(5) + 1e12]) * 1.0
    x = np.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 0.0])
    smoothed = cf.smooth(x, 1.0, rate=1.0, centers=centers)
    assert (smoothed[:5] > 0).all()
    np.testing.assert_array_equal(smoothed[5:], 0.0)
    axis = SmoothingAxis.lay(np.array([0, 5, 10]), np.array([10**12]), 1.0)
    assert axis.length == 10 + 3 * 4


def test_taps_sum_to_one_and_reach_four_deviations():
    assert len(gaussian_taps(0.72)) == 2 * int(4 * 0.72 + 0.5) + 1
    assert len(gaussian_taps(0.1)) == 1
    np.testing.assert_allclose(gaussian_taps(3.0).sum(), 1.0, rtol=1e-14)


def test_dtype_and_shape_are_kept():
    x = np.ones((2, 4), dtype=np.float32)
    assert cf.smooth(x, 0.1, rate=10.0).dtype == np.float32
    assert cf.smooth(np.arange(4), 0.1, rate=10.0).dtype == np.float64
    assert cf.smooth(np.arange(4), 0.1, rate=10.0).shape == (4,)
    assert cf.smooth(np.zeros((0, 4)), 0.1, rate=10.0).shape == (0, 4)
    assert cf.smooth(np.zeros((3, 0)), 0.1, rate=10.0).shape == (3, 0)


def test_read_only_and_strided_rows_are_accepted_and_not_changed():
    x = np.arange(24.0).reshape(2, 12)[:, ::2]
    before = x.copy()
    x.flags.writeable = False
    smoothed = cf.smooth(x, 0.1, rate=10.0)
    np.testing.assert_array_equal(smoothed, cf.smooth(before, 0.1, rate=10.0))
    np.testing.assert_array_equal(x, before)


def test_nan_spreads_as_far_as_the_kernel_and_not_across_a_long_gap():
    x = np.zeros(20)
    x[8] = np.nan
    centers = np.arange(20) + 0.5 + np.repeat([0.0, 50.0], 10)
    bad = np.isnan(cf.smooth(x, 0.5, rate=1.0, centers=centers))
    np.testing.assert_array_equal(np.flatnonzero(bad), [6, 7, 8, 9])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 0.0, "rate": 1.0}, "sigma must be positive"),
        ({"sigma": 1.0, "rate": -1.0}, "rate must be positive"),
        ({"sigma": 1.0, "rate": 1.0, "centers": [0, 1]}, r"one value per bin \(4\), got 2"),
        ({"sigma": 1.0, "rate": 1.0, "centers": [0, 2, 1, 3]}, "centers must increase"),
        ({"sigma": 1.0, "rate": 1.0, "within_epochs": True}, "needs epoch_index or centers"),
        ({"sigma": 1.0, "rate": 1.0, "epoch_index": [0, 0, 1, 1]}, "how long the gaps are"),
        ({"sigma": 1e10, "rate": 1.0}, r"more than 2\^31"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(CofireError, match=message):
        cf.smooth(np.zeros(4), **arguments)


def broken_axis(position, value):
    """The arrays of an axis of two epochs of 3 and 2 bins, with one of them replaced."""
    axis = SmoothingAxis.lay(np.array([0, 3, 5]), np.array([1]), 1.0)
    arrays = list(axis.arrays())
    arrays[position] = value(arrays[position])
    return tuple(arrays)


@pytest.mark.parametrize(
    ("position", "value", "message"),
    [
        (0, lambda taps: taps[1:], "taps must have an odd length"),
        (1, lambda offsets: offsets[:-1], "bin_offsets and epoch_positions disagree"),
        (1, lambda offsets: offsets + 1, "bin_offsets must start with 0"),
        (1, lambda offsets: offsets[[0, 1, 1]], "must hold bins and not overlap"),
        (2, lambda starts: starts[[0, 0]], "must hold bins and not overlap"),
        (3, lambda images: images[1:], "images or edges disagree in length"),
        (3, lambda images: images[::-1].copy(), "image_positions and edge_bins must increase"),
        (4, lambda bins: bins + 5, "image_bins must be bins"),
        (5, lambda edges: edges + 5, "image_positions and edge_bins must increase"),
        (6, lambda scale: scale[1:], "images or edges disagree in length"),
        (7, lambda length: length - 1, "the smoothing axis is too short"),
        (7, lambda length: 2**31, r"longer than 2\^31 positions"),
    ],
)
def test_the_binding_refuses_an_axis_that_would_be_written_past(position, value, message):
    x = np.zeros((2, 5))
    assert _core.smooth_rows(x, broken_axis(0, lambda taps: taps), 1).shape == x.shape
    with pytest.raises(ValueError, match=message):
        _core.smooth_rows(x, broken_axis(position, value), 1)


def test_the_binding_refuses_other_rows():
    axis = SmoothingAxis.lay(np.array([0, 5]), np.zeros(0, dtype=np.int64), 1.0).arrays()
    with pytest.raises(ValueError, match="disagree in the number of bins"):
        _core.smooth_rows(np.zeros((2, 4)), axis, 1)
    for x in (np.zeros((2, 5), np.float32), np.zeros((2, 10))[:, ::2]):
        with pytest.raises(TypeError):
            _core.smooth_rows(x, axis, 1)
