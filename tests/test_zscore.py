"""z-scores of binned spikes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire import _core
from cofire.errors import CofireError
from cofire.spikes.smoothing import SmoothingAxis
from reference.binning import bin_spikes as reference_bins
from reference.zscore import smooth as reference_smooth
from reference.zscore import zscore as reference_zscore

trains_of_ticks = st.lists(
    st.lists(st.integers(0, 400), max_size=40).map(lambda t: np.sort(t) / 100.0),
    min_size=1,
    max_size=5,
)
widths = st.sampled_from([0.01, 0.03, 0.1, 0.25])
supports = st.lists(st.integers(0, 400), min_size=2, max_size=8, unique=True).map(
    lambda ticks: np.sort(ticks[: len(ticks) // 2 * 2]).reshape(-1, 2) / 100.0
)
sigmas = st.sampled_from([0.001, 0.01, 0.04, 0.2])


@given(trains_of_ticks, widths, supports, st.integers(0, 1))
def test_z_is_that_of_the_counts(trains, width, support, ddof):
    merged = cf.Intervals(support, on_overlap="merge").merged().data
    counts, centers, _ = reference_bins(trains, merged, width)
    z = cf.zscore_bins(trains, width, support=support, ddof=ddof)
    np.testing.assert_allclose(z.counts, reference_zscore(counts, ddof), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(z.centers, centers, rtol=0, atol=1e-12)


@pytest.mark.parametrize("within", [False, True])
def test_a_support_shorter_than_a_bin_gives_no_bins(within):
    z = cf.zscore_bins([[0.005]], 0.03, support=[[0, 0.01]], sigma=0.01, within_epochs=within)
    assert z.counts.shape == (1, 0)


@given(trains_of_ticks, widths, supports, sigmas, st.booleans())
def test_smoothed_z_is_that_of_the_gaps_laid_out(trains, width, support, sigma, within):
    merged = cf.Intervals(support, on_overlap="merge").merged().data
    counts, _, epochs = reference_bins(trains, merged, width)
    z = cf.zscore_bins(trains, width, support=support, sigma=sigma, within_epochs=within).counts
    if not counts.shape[1]:
        assert z.shape == counts.shape
        return
    binned = cf.bin_spikes(trains, width, support=support)
    edges = np.array(epochs)
    gaps = np.floor((edges[1:, 0] - edges[:-1, 1]) / width).astype(int)
    lengths = np.bincount(binned.epoch_index)
    x = reference_smooth(counts, sigma / width, lengths, gaps, within)
    np.testing.assert_allclose(z, reference_zscore(x), rtol=1e-8, atol=1e-9)


@given(trains_of_ticks, widths, supports, st.none() | sigmas, st.booleans())
def test_spikes_and_their_counts_give_the_same_z(trains, width, support, sigma, within):
    options = {"sigma": sigma, "within_epochs": within}
    direct = cf.zscore_bins(trains, width, support=support, **options)
    binned = cf.bin_spikes(trains, width, support=support)
    of_counts = cf.zscore_bins(binned, **options)
    np.testing.assert_allclose(of_counts.counts, direct.counts, rtol=1e-8, atol=1e-9)
    assert of_counts.support == direct.support


@given(trains_of_ticks, widths, supports, st.none() | sigmas, st.integers(2, 5))
def test_z_does_not_depend_on_threads_or_other_units(trains, width, support, sigma, threads):
    one = cf.zscore_bins(trains, width, support=support, sigma=sigma, threads=1)
    many = cf.zscore_bins(trains[::-1], width, support=support, sigma=sigma, threads=threads)
    np.testing.assert_array_equal(many.counts[::-1], one.counts)


@given(trains_of_ticks, widths, st.none() | sigmas)
def test_rows_have_mean_0_and_deviation_1_or_are_0(trains, width, sigma):
    z = cf.zscore_bins(trains, width, support=[[0, 1.5], [2, 4]], sigma=sigma).counts
    np.testing.assert_allclose(z.mean(axis=1), 0.0, atol=1e-9)
    deviation = z.std(axis=1)
    zero = ~z.any(axis=1)
    np.testing.assert_allclose(deviation[~zero], 1.0, rtol=1e-9)


def test_wide_kernels_and_long_recordings_agree_with_the_reference():
    rng = np.random.default_rng(3)
    trains = [np.sort(rng.uniform(0, 300, n)) for n in (0, 1, 40, 3000)]
    support = np.array([[0, 50.0], [50.3, 120], [120.006, 121], [180, 300]])
    width = 0.01
    counts, _, epochs = reference_bins(trains, support, width)
    lengths = np.bincount(cf.bin_spikes(trains, width, support=support).epoch_index)
    edges = np.array(epochs)
    gaps = np.floor((edges[1:, 0] - edges[:-1, 1]) / width).astype(int)
    for sigma in (0.00722, 0.05, 4.0):
        x = reference_smooth(counts, sigma / width, lengths, gaps)
        z = cf.zscore_bins(trains, width, support=support, sigma=sigma)
        np.testing.assert_allclose(z.counts, reference_zscore(x), rtol=1e-9, atol=1e-10)


def test_z_reproduces_the_reference_recording(golden, golden_session):
    expected = golden("zmat")
    options = {"bin_width": float(expected["z_dt"]), "sigma": float(expected["sigma_s"])}
    close = {"rtol": 1e-9, "atol": 1e-11}
    gapped = cf.zscore_bins(golden_session.spikes, support=golden_session.detection, **options)
    np.testing.assert_allclose(gapped.counts[:, ::5], expected["gap_z_strided"], **close)
    np.testing.assert_allclose(gapped.counts[:, :400], expected["gap_z_first400"], **close)
    np.testing.assert_allclose(gapped.centers, expected["gap_t"], **close)
    full = cf.zscore_bins(golden_session.spikes, **options)
    assert full.counts.shape == tuple(expected["full_shape"])
    stride = int(expected["stride"])
    np.testing.assert_allclose(full.counts[:, ::stride], expected["full_z_strided"], **close)
    np.testing.assert_allclose(full.counts[:, :60], expected["full_z_head"], **close)
    np.testing.assert_allclose(full.counts[:, -60:], expected["full_z_tail"], **close)
    np.testing.assert_allclose(full.centers[[0, -1]], expected["full_t0_t1"], **close)


def test_float32_is_the_rounded_float64():
    trains = [np.sort(np.random.default_rng(0).uniform(0, 9, 200))]
    for sigma in (None, 0.02):
        double = cf.zscore_bins(trains, 0.01, support=[[0, 9]], sigma=sigma)
        single = cf.zscore_bins(trains, 0.01, support=[[0, 9]], sigma=sigma, dtype="float32")
        assert single.counts.dtype == np.float32
        np.testing.assert_array_equal(single.counts, double.counts.astype(np.float32))
        binned = cf.bin_spikes(trains, 0.01, support=[[0, 9]])
        assert cf.zscore_bins(binned, sigma=sigma, dtype="float32").counts.dtype == np.float32


def test_constant_and_silent_units_are_0():
    trains = [[0.5, 1.5, 2.5, 3.5], [], [0.5]]
    for sigma in (None, 0.7):
        z = cf.zscore_bins(trains, 1.0, support=[[0, 4]], sigma=sigma).counts
        np.testing.assert_array_equal(z[:2], 0.0)
        assert z[2].any()


def test_a_row_with_nan_is_0():
    binned = cf.bin_spikes([[0.5], [1.5]], 1.0, support=[[0, 3]], dtype="float64")
    binned.counts[0, 2] = np.nan
    z = cf.zscore_bins(binned).counts
    np.testing.assert_array_equal(z[0], 0.0)
    assert z[1].any()


def test_restricted_counts_smooth_across_the_cut():
    binned = cf.bin_spikes([[0.55, 1.45, 1.55]], 0.1, support=[[0, 3]], dtype="float64")
    cut = binned.restrict([[0.35, 0.95], [1.35, 2.0]])
    z = cf.zscore_bins(cut, sigma=0.2).counts
    gap = round((cut.centers[5] - cut.centers[4]) / 0.1) - 1
    x = reference_smooth(cut.counts, 2.0, [5, 6], [gap])
    np.testing.assert_allclose(z, reference_zscore(x), rtol=1e-9, atol=1e-11)


def test_edges_and_equal_times_count_as_in_binning():
    z = cf.zscore_bins([[0.1, 0.2, 0.25], [0.05, 0.15, 0.15]], 0.1, support=[[0.0, 0.25]])
    np.testing.assert_allclose(z.counts, [[-1, 1], [-1, 1]])


def test_integers_strides_and_read_only_input_are_accepted():
    times = np.array([3, 0, 4, 0, 11, 0, 12])[::2]
    times.flags.writeable = False
    for sigma in (None, 2.0):
        options = {"bin_width": 2.0, "support": [[0, 20]], "sigma": sigma}
        expected = cf.zscore_bins([[3.0, 4.0, 11.0, 12.0], [5.0]], **options).counts
        np.testing.assert_array_equal(cf.zscore_bins([times, [5]], **options).counts, expected)
        binned = cf.bin_spikes([times, [5]], 2.0, support=[[0, 20]])
        for dtype in (np.uint8, np.int32, np.float32, np.float64, ">f8"):
            counts = np.array(binned.counts, dtype=dtype, order="F")
            counts.flags.writeable = False
            again = cf.zscore_bins(replace(binned, counts=counts), sigma=sigma).counts
            np.testing.assert_allclose(again, expected, rtol=1e-12, atol=1e-13)


def test_smoothed_poisson_counts_are_correlated_as_their_kernel():
    rng = np.random.default_rng(0)
    n_bins, sigma = 100_000, 3.0
    spikes = [np.sort(rng.uniform(0, n_bins, 50_000))]
    binned = cf.bin_spikes(spikes, 1.0, support=[[0, n_bins]])
    lags = np.arange(1, 12)
    for scored in (
        cf.zscore_bins(spikes, 1.0, support=[[0, n_bins]], sigma=sigma),
        cf.zscore_bins(binned, sigma=sigma),
    ):
        z = scored.counts[0]
        found = [np.mean(z[lag:] * z[:-lag]) for lag in lags]
        expected = np.exp(-((lags / (2 * sigma)) ** 2))
        # Bartlett: a standard deviation of at most sqrt(2 sqrt(2 pi) sigma / n_bins).
        assert np.abs(found - expected).max() < 4 * np.sqrt(2 * np.sqrt(2 * np.pi) * sigma / n_bins)


@pytest.mark.parametrize(
    ("trains", "support", "shape"),
    [
        ([], [[0, 1.0]], (0, 10)),
        ([[]], None, (1, 0)),
        ([[0.3]], [], (1, 0)),
        ([[0.3]], [[0, 0.1]], (1, 1)),
    ],
)
def test_nothing_to_score_gives_an_empty_or_zero_matrix(trains, support, shape):
    for sigma in (None, 0.05):
        z = cf.zscore_bins(trains, 0.1, support=support, sigma=sigma)
        assert z.counts.shape == shape
        assert not z.counts.any()
        again = cf.zscore_bins(cf.bin_spikes(trains, 0.1, support=support), sigma=sigma)
        np.testing.assert_array_equal(again.counts, z.counts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"bin_width \(s\) is needed"),
        ({"bin_width": -1}, "bin_width must be positive"),
        ({"bin_width": 0.1, "sigma": 0}, "sigma must be positive"),
        ({"bin_width": 0.1, "ddof": -1}, "ddof must be at least 0"),
        ({"bin_width": 0.1, "dtype": "int32"}, "dtype must be float32 or float64"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(CofireError, match=message):
        cf.zscore_bins([[0.5]], support=[[0, 1]], **arguments)


def test_binned_spikes_bring_their_own_bins():
    binned = cf.bin_spikes([[0.5]], 0.1, support=[[0, 1]])
    with pytest.raises(CofireError, match=r"use .restrict\(\) first"):
        cf.zscore_bins(binned, 0.1)
    with pytest.raises(CofireError, match="leave them out"):
        cf.zscore_bins(binned, support=[[0, 0.5]])


def test_unsorted_and_nan_spikes_are_refused():
    with pytest.raises(CofireError, match="sorted"):
        cf.zscore_bins([[0.5, 0.2]], 0.1, support=[[0, 1]])
    with pytest.raises(CofireError, match="finite"):
        cf.zscore_bins([[0.5, np.nan]], 0.1, support=[[0, 1]])


def kernel_arguments(n_axis_bins=4):
    """Two spikes, four bins, and an axis of `n_axis_bins` bins."""
    axis = SmoothingAxis.lay(np.array([0, n_axis_bins]), np.zeros(0, dtype=np.int64), 1.0)
    return {
        "times": np.array([0.2, 0.5]),
        "offsets": np.array([0, 2]),
        "starts": np.zeros(1),
        "stops": np.ones(1),
        "steps": np.array([0.25]),
        "bin_offsets": np.array([0, 4]),
        "axis": axis.arrays(),
        "ddof": 0,
        "n_threads": 1,
    }


@pytest.mark.parametrize("kernel", [_core.zscore_spikes_f32, _core.zscore_spikes_f64])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"times": np.array([0.2, 0.5], np.float32)}, TypeError, "incompatible"),
        ({"offsets": np.array([0, 3])}, ValueError, "offsets end at 3, values have 2"),
        ({"bin_offsets": np.array([0, 5])}, ValueError, "disagree in their bins"),
        (kernel_arguments(5), ValueError, "disagree in their bins"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1"),
    ],
)
def test_the_binding_of_spikes_refuses_what_does_not_fit(kernel, changes, error, message):
    assert kernel(**kernel_arguments()).shape == (1, 4)
    with pytest.raises(error, match=message):
        kernel(**kernel_arguments() | changes)


@pytest.mark.parametrize("kernel", [_core.zscore_rows_f32, _core.zscore_rows_f64])
def test_the_binding_of_rows_refuses_other_shapes_and_types(kernel):
    with pytest.raises(ValueError, match="x must be 2-D, got 1-D"):
        kernel(np.zeros(3), 0, 1)
    for x in (np.zeros((2, 3), np.float32), np.zeros((2, 6))[:, ::2]):
        with pytest.raises(TypeError):
            kernel(x, 0, 1)
