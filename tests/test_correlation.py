import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import kstest, norm

import cofire as cf
from cofire import _core

counts_strategy = hnp.arrays(
    np.int32,
    st.tuples(st.integers(1, 6), st.integers(2, 40)),
    elements=st.sampled_from([0, 0, 0, 0, 1, 1, 2, 7, -3]),
)


def definition(x):
    """Pearson correlation of rows; a constant row has 0 off the diagonal and 1 on it."""
    x = np.asarray(x, dtype=np.longdouble)
    centered = x - x.mean(axis=1, keepdims=True)
    centered[(x == x[:, :1]).all(axis=1)] = 0
    norm = np.sqrt((centered**2).sum(axis=1))
    norm[norm == 0] = 1
    out = (centered @ centered.T / norm[:, None] / norm).astype(float)
    np.fill_diagonal(out, 1.0)
    return out


@given(counts_strategy)
def test_correlation_equals_the_definition_for_counts_and_floats(counts):
    expected = definition(counts)
    np.testing.assert_allclose(cf.correlation(counts), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(cf.correlation(counts * 0.1), expected, rtol=1e-9, atol=1e-12)


@given(counts_strategy)
def test_correlation_is_symmetric_bounded_and_one_on_the_diagonal(counts):
    for x in (counts, counts * 0.1):
        matrix = cf.correlation(x)
        assert np.array_equal(matrix, matrix.T)
        assert (np.abs(matrix) <= 1).all()
        assert (matrix.diagonal() == 1).all()


@given(counts_strategy, st.integers(2, 5))
def test_sums_of_products_are_exact_for_any_number_of_threads(counts, threads):
    counts = np.abs(counts)
    expected = counts.astype(np.int64) @ counts.astype(np.int64).T
    assert np.array_equal(_core.sum_products_i32(counts, threads), expected)
    assert np.array_equal(_core.sum_products_u8(counts.astype(np.uint8), threads), expected)


def test_sums_of_products_are_exact_over_many_chunks():
    counts = np.random.default_rng(0).poisson(0.05, (40, 20_001)).astype(np.int32)
    counts[3, 17] = 100_000
    expected = counts.astype(np.int64) @ counts.astype(np.int64).T
    assert np.array_equal(_core.sum_products_i32(counts, 2), expected)


@pytest.mark.parametrize("mean", [0.01, 0.3, 3.0])
def test_sparse_and_dense_counts_equal_numpy(mean):
    counts = np.random.default_rng(1).poisson(mean, (20, 5000))
    np.testing.assert_allclose(cf.correlation(counts), np.corrcoef(counts), atol=1e-12)
    same = cf.correlation(counts.astype(np.uint8), threads=3)
    assert np.array_equal(same, cf.correlation(counts))


def test_huge_counts_do_not_overflow():
    rng = np.random.default_rng(2)
    for top in (2**31 - 1, 2**40):
        counts = rng.integers(0, top, (4, 1000))
        np.testing.assert_allclose(cf.correlation(counts), np.corrcoef(counts), atol=1e-9)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_floats_of_any_scale_are_safe(factor):
    x = np.random.default_rng(3).normal(size=(3, 50))
    np.testing.assert_allclose(cf.correlation(x * factor), np.corrcoef(x), atol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_counts_reproduce_the_correlations_of_the_reference(golden, golden_session, dtype):
    expected, session = golden("ev"), golden_session
    supports = (
        session.detection,
        session.nrem & session.epochs[2],
        session.nrem & session.epochs[0],
    )
    task, post, pre = (
        cf.bin_spikes(session.spikes, 0.05, support=support, dtype=dtype) for support in supports
    )
    rho = cf.correlation(task.counts[expected["pairwise_corr_units"]])
    upper = np.triu_indices(len(rho), 1)
    np.testing.assert_allclose(rho[upper], expected["pairwise_corr_rho"], rtol=1e-9, atol=1e-11)
    all_pairs = np.triu_indices(task.n_units, 1)
    vectors = np.array(
        [cf.correlation(x, zero_variance="nan")[all_pairs] for x in (task, post, pre)]
    )
    between = np.corrcoef(vectors[:, np.isfinite(vectors).all(axis=0)])
    np.testing.assert_allclose(
        between[np.triu_indices(3, 1)], expected["ev_rev_task_post_pre"][2:], rtol=1e-9
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_correlations_of_independent_counts_have_uniform_p(dtype):
    counts = np.random.default_rng(0).poisson(0.4, (40, 4000)).astype(dtype)
    r = cf.correlation(counts)[np.triu_indices(40, 1)]
    p = 2 * norm.sf(np.abs(np.arctanh(r)) * np.sqrt(4000 - 3))
    assert kstest(p, "uniform").pvalue > 0.001


def test_constant_rows_are_unrelated_or_nan():
    for x in (
        np.array([[1, 2, 3], [5, 5, 5], [3, 2, 1]]),
        np.array([[1, 2, 3], [0.1] * 3, [3, 2, 1]]),
    ):
        expected = [[1, 0, -1], [0, 1, 0], [-1, 0, 1]]
        np.testing.assert_allclose(cf.correlation(x), expected, rtol=1e-15, atol=0)
        matrix = cf.correlation(x, zero_variance="nan")
        assert np.isnan(matrix[1]).all()
        assert np.isnan(matrix[:, 1]).all()
        assert matrix[0, 2] == pytest.approx(-1)


def test_binned_spikes_and_booleans_are_accepted():
    binned = cf.bin_spikes([[0.1, 0.5, 0.55], [0.15, 0.9]], 0.1, support=[[0, 1]])
    np.testing.assert_allclose(cf.correlation(binned), np.corrcoef(binned.counts), atol=1e-14)
    x = np.array([[True, False, True], [False, True, True]])
    np.testing.assert_allclose(cf.correlation(x), np.corrcoef(x), atol=1e-14)


def test_no_units_and_no_bins_are_legal():
    for dtype in (np.int32, float):
        assert cf.correlation(np.zeros((0, 5), dtype)).shape == (0, 0)
        assert cf.correlation(np.zeros((2, 0), dtype)).tolist() == [[1, 0], [0, 1]]


def test_input_is_left_alone_when_strided_or_read_only():
    for x in (np.arange(12).reshape(2, 6) % 5, np.arange(12.0).reshape(2, 6) % 5):
        before = x.copy()
        x.flags.writeable = False
        np.testing.assert_allclose(cf.correlation(x[:, ::2]), np.corrcoef(x[:, ::2]), atol=1e-14)
        assert np.array_equal(x, before)


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="x must be 2-D"):
        cf.correlation([1, 2, 3])
    with pytest.raises(ValueError, match="row 1 has nan in column 0"):
        cf.correlation([[1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(TypeError, match="bin_spikes"):
        cf.correlation(cf.SpikeTrains.from_list([[1.0]]))
    with pytest.raises(ValueError, match="zero_variance must be one of"):
        cf.correlation([[1, 2]], zero_variance="one")


def test_the_binding_refuses_other_dtypes_shapes_and_negative_counts():
    counts = np.zeros((2, 4), np.int32)
    for wrong in (counts.astype(float), counts[:, ::2]):
        with pytest.raises(TypeError):
            _core.sum_products_i32(wrong, 1)
    with pytest.raises(ValueError, match="counts must be 2-D, got 1-D"):
        _core.sum_products_u8(np.zeros(3, np.uint8), 1)
    with pytest.raises(ValueError, match="n_threads must be at least 1"):
        _core.sum_products_i32(counts, 0)
    counts[1, 2] = -1
    with pytest.raises(ValueError, match="counts must not be negative: see unit 1"):
        _core.sum_products_i32(counts, 1)
