"""Similarity of assemblies, significant events, pairwise correlations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cofire.assemblies import (
    pairwise_corr,
    significant_events,
    similarity_index,
    similarity_matrix,
)
from cofire.errors import InvalidArgumentError

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
matrices = arrays(np.float64, (4, 6), elements=st.floats(-1, 1).map(lambda v: round(v, 3)))


# similarity index


def test_index_is_the_absolute_cosine():
    x = np.random.default_rng(0).normal(size=(5, 9))
    result = similarity_index(x, 10)
    for (i, j), value in zip(result.pairs, result.index, strict=True):
        cosine = x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j])
        assert value == pytest.approx(abs(cosine), rel=1e-12)
    assert result.pairs.tolist() == [[i, j] for i in range(5) for j in range(i + 1, 5)]


def test_recipe_is_the_written_one():
    x = np.random.default_rng(1).normal(size=(3, 7))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    result = similarity_index(x, 30, rng=42, adjust_pvalue=False)
    state = np.random.RandomState(42)
    null = []
    for _ in range(30):
        y = np.array([state.permutation(row) for row in x])
        null.append([abs(y[i] @ y[j]) for i, j in result.pairs])
    expected = (np.sum(null >= result.index, axis=0) + 1) / 31
    np.testing.assert_allclose(result.pvalues, expected, rtol=1e-12)
    np.testing.assert_allclose(result.null_mean, np.mean(null, axis=0), rtol=1e-12)


def test_golden_similarity(golden):
    expected = golden("ev")
    raw = similarity_index(expected["si_patterns"], 400, adjust_pvalue=False)
    adjusted = similarity_index(expected["si_patterns"], 400)
    np.testing.assert_array_equal(raw.pairs, expected["si_pairs"])
    np.testing.assert_allclose(raw.index, expected["si"], **TIGHT)
    np.testing.assert_allclose(raw.pvalues, expected["si_p"], **TIGHT)
    np.testing.assert_allclose(adjusted.pvalues, expected["si_p_fdr"], **TIGHT)
    if "si_group" in expected:
        across = similarity_index(expected["si_patterns"], 400, groups=expected["si_groups"])
        np.testing.assert_array_equal(across.pairs, expected["si_group_pairs"])
        np.testing.assert_allclose(across.index, expected["si_group"], **TIGHT)
        np.testing.assert_allclose(across.pvalues, expected["si_group_p"], **TIGHT)


def test_the_global_generator_is_left_alone():
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    similarity_index(np.eye(3, 8), 5)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@given(matrices, st.floats(0.1, 10))
def test_index_is_bounded_and_ignores_scale_and_sign(x, scale):
    result = similarity_index(x, 5)
    assert ((result.index >= 0) & (result.index <= 1 + 1e-12)).all()
    assert ((result.pvalues > 0) & (result.pvalues <= 1)).all()
    np.testing.assert_allclose(similarity_index(-scale * x, 5).index, result.index, atol=1e-12)


def test_shuffles_are_capped_at_the_number_of_permutations():
    assert similarity_index(np.eye(2, 4), 1000).n_shuffles == math.factorial(4)
    assert similarity_index(np.eye(2, 40), 50).n_shuffles == 50


def test_unrelated_patterns_give_uniform_p():
    from scipy.stats import kstest

    x = np.random.default_rng(3).normal(size=(25, 30))
    result = similarity_index(x, 200, adjust_pvalue=False)
    assert kstest(result.pvalues, "uniform").pvalue > 1e-3


def test_identical_patterns_are_significant():
    x = np.random.default_rng(4).normal(size=(1, 30)) ** 3
    result = similarity_index(np.vstack([x, x]), 500)
    assert result.index[0] == pytest.approx(1)
    assert result.pvalues[0] == pytest.approx(1 / 501)
    index, pairs, pvalues = result
    assert (index[0], pairs.tolist(), pvalues[0]) == (result.index[0], [[0, 1]], 1 / 501)
    assert repr(result) == "SimilarityIndex(1 pairs, 1 with adjusted p < 0.05, 500 shuffles)"
    assert result.to_frame().shape == (1, 6)


def test_one_group_leaves_no_pairs():
    result = similarity_index(np.eye(3, 5), 10, groups=[0, 0, 0])
    assert result.pairs.shape == (0, 2)
    assert result.to_frame().shape == (0, 6)


def test_similarity_errors_are_named():
    with pytest.raises(InvalidArgumentError, match="at least 2 assemblies to compare, got 1"):
        similarity_index([[1.0, 2.0]])
    with pytest.raises(InvalidArgumentError, match="groups must hold one label for each of 2"):
        similarity_index(np.eye(2), groups=[1, 2, 3])
    with pytest.raises(InvalidArgumentError, match="n_shuffles must be at least 1"):
        similarity_index(np.eye(2), 0)
    with pytest.raises(InvalidArgumentError, match="rng_recipe must be one of"):
        similarity_index(np.eye(2), rng_recipe="legacy")


# similarity matrix


def test_golden_similarity_matrix(golden):
    expected = golden("ev")
    result = similarity_matrix(golden("assembly")["patterns_ica_mp"], expected["si_patterns"])
    np.testing.assert_allclose(result.matrix, expected["simmat"], **TIGHT)
    np.testing.assert_array_equal(result.rows, expected["simmat_row"])
    np.testing.assert_array_equal(result.columns, expected["simmat_col"])


@given(st.permutations(range(5)))
def test_pairing_undoes_a_permutation(order):
    x = np.random.default_rng(5).normal(size=(5, 20))
    result = similarity_matrix(x, x[list(order)])
    assert [order[c] for c in result.columns] == result.rows.tolist()
    np.testing.assert_allclose(np.diag(result.to_frame()), 1, rtol=1e-12)


def test_unpaired_patterns_come_last():
    result = similarity_matrix(np.eye(3), np.eye(3)[[2]])
    assert result.rows.tolist() == [2, 0, 1]
    assert result.columns.tolist() == [0]
    assert repr(result) == "SimilarityMatrix(3 x 1 patterns, 1 pairs)"
    assert similarity_matrix(np.zeros((0, 3)), np.eye(3)).columns.tolist() == [0, 1, 2]
    assert similarity_matrix(np.eye(2)).matrix.tolist() == [[1, 0], [0, 1]]
    with pytest.raises(InvalidArgumentError, match="same number of units, got 3 and 2"):
        similarity_matrix(np.eye(3), np.eye(2))


# significant events


def test_tails_follow_their_formulas():
    rng = np.random.default_rng(6)
    shuffled = rng.normal(size=(50, 8))
    scores = rng.normal(size=8) * 2
    right = significant_events(scores, shuffled, 90, tail="right")
    left = significant_events(scores, shuffled, 90, tail="left")
    both = significant_events(scores, shuffled, 90)
    for k, s in enumerate(scores):
        null = shuffled[:, k]
        assert right.pvalues[k] == (np.sum(null >= s) + 1) / 51
        assert left.pvalues[k] == (np.sum(null <= s) + 1) / 51
        assert both.pvalues[k] == (np.sum(abs(null) >= abs(s)) + 1) / 51
        assert (k in right.index) == (s > np.percentile(null, 90))
        assert (k in left.index) == (s < np.percentile(null, 10))
        assert (k in both.index) == (abs(s) > np.percentile(abs(null), 90))
        assert right.zscores[k] == pytest.approx((s - null.mean()) / null.std())
        assert both.zscores[k] == pytest.approx((abs(s) - abs(null).mean()) / abs(null).std())


def test_nan_scores_and_flat_shuffles():
    result = significant_events([np.nan, 2.0], np.ones((9, 2)))
    assert result.pvalues.tolist() == [1.0, 0.1]
    assert result.index.tolist() == [1]
    assert np.isnan(result.zscores).all()
    assert result.to_frame()["significant"].tolist() == [False, True]
    assert repr(result) == "SignificantEvents(1 of 2 events, tail both, 9 shuffles)"
    assert significant_events([], np.zeros((3, 0))).pvalues.shape == (0,)


def test_null_events_give_uniform_p():
    from scipy.stats import kstest

    rng = np.random.default_rng(8)
    result = significant_events(rng.normal(size=500), rng.normal(size=(300, 500)))
    assert kstest(result.pvalues, "uniform").pvalue > 1e-3


def test_event_errors_are_named():
    with pytest.raises(InvalidArgumentError, match="tail must be one of"):
        significant_events([1.0], [[1.0]], tail="upper")
    with pytest.raises(InvalidArgumentError, match=r"shape \(n_shuffles, 1\)"):
        significant_events([1.0], [[1.0, 2.0]])
    with pytest.raises(InvalidArgumentError, match="at least one shuffle"):
        significant_events([1.0], np.zeros((0, 1)))
    with pytest.raises(InvalidArgumentError, match="q must lie between 0 and 100"):
        significant_events([1.0], [[1.0]], 120)


# pairwise correlations


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_correlations_are_those_of_scipy(method):
    from scipy import stats

    function = {
        "pearson": stats.pearsonr,
        "spearman": stats.spearmanr,
        "kendall": stats.kendalltau,
    }[method]
    x = np.random.default_rng(9).poisson(2.0, (4, 60))
    result = pairwise_corr(x, method)
    for (i, j), rho, p in zip(result.pairs, result.rho, result.pvalues, strict=True):
        expected = function(x[i], x[j])
        assert rho == pytest.approx(expected.statistic, rel=1e-10)
        assert p == pytest.approx(expected.pvalue, rel=1e-8)
    assert result.to_frame().shape == (6, 4)
    assert repr(result) == f"PairwiseCorrelation(6 pairs, {method})"


def test_golden_correlations(golden, golden_session):
    import cofire as cf

    expected = golden("ev")
    counts = cf.bin_spikes(golden_session.spikes, 0.05, support=golden_session.detection).counts
    result = pairwise_corr(counts[expected["pairwise_corr_units"]])
    np.testing.assert_allclose(result.rho, expected["pairwise_corr_rho"], **TIGHT)


def test_constant_rows_have_no_correlation():
    x = [[1, 2, 3, 5], [4, 4, 4, 4], [2, 4, 6, 10]]
    result = pairwise_corr(x)
    np.testing.assert_allclose(result.rho, [np.nan, 1, np.nan], rtol=1e-12)
    assert np.isnan(result.pvalues).tolist() == [True, False, True]
    assert result.pvalues[1] < 1e-7
    assert np.isnan(pairwise_corr(np.ones((2, 5))).rho).all()
    assert pairwise_corr(np.zeros((0, 5))).pairs.shape == (0, 2)


def test_correlation_errors_are_named():
    with pytest.raises(InvalidArgumentError, match="method must be one of"):
        pairwise_corr(np.eye(3), "cosine")
    with pytest.raises(InvalidArgumentError, match="at least 3 bins, got 2"):
        pairwise_corr(np.eye(2))
    with pytest.raises(InvalidArgumentError, match="x must be finite"):
        pairwise_corr([[1, np.nan, 2], [1, 2, 3]])
