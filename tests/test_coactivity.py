import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from cofire import _core
from cofire.assemblies.sgc import exact_null, null_threshold, shuffled_null
from reference import sgc as reference

rasters = st.builds(
    lambda n_frames, n_units, share, seed: (
        np.random.default_rng(seed).random((n_frames, n_units)) < share
    ),
    st.integers(0, 30),
    st.integers(0, 7),
    st.sampled_from([0.0, 0.1, 0.6, 1.0]),
    st.integers(0, 99),
)


@given(rasters, st.integers(1, 20), st.integers(0, 2**63))
def test_shuffles_keep_the_number_of_active_frames_of_all_units(raster, n_shuffles, seed):
    histogram = shuffled_null(raster, n_shuffles, seed, threads=1)
    assert histogram.sum() == n_shuffles * len(raster)
    assert (histogram * np.arange(len(histogram))).sum() == n_shuffles * raster.sum()
    assert (histogram >= 0).all()


@given(rasters, st.integers(1, 20))
def test_any_number_of_threads_gives_the_same_histogram(raster, n_shuffles):
    one = shuffled_null(raster, n_shuffles, 3, threads=1)
    np.testing.assert_array_equal(one, shuffled_null(raster, n_shuffles, 3, threads=3))


@given(rasters)
def test_the_order_of_frames_does_not_matter(raster):
    mixed = raster[np.random.default_rng(0).permutation(len(raster))]
    np.testing.assert_array_equal(shuffled_null(raster, 3, 1), shuffled_null(mixed, 3, 1))
    np.testing.assert_array_equal(exact_null(raster), exact_null(mixed))


def test_two_shuffled_units_meet_as_often_as_hypergeometric():
    # Frames where both are active: a draw without replacement for each shuffle.
    n_frames, first, second, n = 20, 7, 15, 4000
    meetings = np.zeros(first + 1)
    for seed in range(n):
        histogram = _core.shuffled_coactivity(np.array([first, second]), n_frames, seed, 1, 1)
        meetings[histogram[2]] += 1
    expected = hypergeom.pmf(np.arange(first + 1), n_frames, first, second) * n
    few = expected < 5
    chi2 = ((meetings - expected)[~few] ** 2 / expected[~few]).sum()
    assert chi2 < 20
    assert meetings[expected == 0].sum() == 0


def test_shuffles_come_close_to_a_plain_permutation_and_to_the_exact_limit():
    rng = np.random.default_rng(0)
    raster = rng.random((300, 20)) < rng.uniform(0, 0.3, 20)
    found = shuffled_null(raster, 2000, 1) / (2000 * 300)
    permuted = np.zeros(21)
    for _ in range(300):
        permuted += np.bincount(rng.permuted(raster, axis=0).sum(axis=1), minlength=21)
    np.testing.assert_allclose(found, permuted / (300 * 300), atol=0.01)
    np.testing.assert_allclose(found, exact_null(raster), atol=0.003)
    assert null_threshold(shuffled_null(raster, 2000, 1), 0.05) == null_threshold(
        exact_null(raster), 0.05
    )


@given(st.lists(st.integers(0, 10), max_size=6))
@settings(max_examples=30)
def test_the_exact_null_sums_over_all_outcomes(n_active):
    raster = np.arange(10)[:, None] < np.array(n_active, dtype=int)
    expected = reference.sum_of_independent([n / 10 for n in n_active])
    np.testing.assert_allclose(exact_null(raster), expected, atol=1e-14)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=50), st.sampled_from([0.01, 0.05, 0.3]))
def test_the_threshold_is_the_percentile_of_the_pooled_values(values, p):
    histogram = np.bincount(values, minlength=7)
    assert null_threshold(histogram, p) == pytest.approx(np.quantile(values, 1 - p), abs=1e-12)


def test_the_exact_threshold_is_the_smallest_value_that_covers():
    assert null_threshold(np.array([0.5, 0.44, 0.06]), 0.05) == 2
    assert null_threshold(np.array([0.5, 0.46, 0.04]), 0.05) == 1
    assert null_threshold(np.array([1.0]), 0.05) == 0


def test_nothing_to_shuffle_gives_no_threshold():
    assert np.isnan(null_threshold(shuffled_null(np.zeros((0, 3), bool), 5, 0), 0.05))
    assert null_threshold(shuffled_null(np.zeros((4, 0), bool), 5, 0), 0.05) == 0


def test_the_kernel_refuses_impossible_counts():
    with pytest.raises(ValueError, match="n_active must be in"):
        _core.shuffled_coactivity(np.array([5]), 4, 0, 1, 1)
    with pytest.raises(ValueError, match="below 2"):
        _core.shuffled_coactivity(np.array([5]), 2**40, 0, 1, 1)
    with pytest.raises(TypeError):
        _core.shuffled_coactivity(np.array([5.0]), 4, 0, 1, 1)
