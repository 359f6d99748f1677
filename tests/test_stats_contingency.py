import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as peer

from cofire.stats import (
    adjust,
    bonferroni,
    chi_squared,
    goodness_of_fit,
    holm,
    rank_sum,
    signed_rank,
)

counts = st.integers(1, 500)


@given(st.tuples(counts, counts, counts, counts), st.booleans())
def test_chi_squared_equals_scipy(cells, yates):
    table = np.reshape(cells, (2, 2))
    ours = chi_squared(table, yates=yates)
    theirs = peer.chi2_contingency(table, correction=yates)
    np.testing.assert_allclose([ours.statistic, ours.p], theirs[:2], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.expected, theirs.expected_freq, rtol=1e-12)


@given(st.tuples(counts, counts, counts, counts, counts, counts))
def test_contributions_add_up_to_the_statistic(cells):
    test = chi_squared(np.reshape(cells, (2, 3)))
    assert test.contributions.sum() == pytest.approx(test.statistic, rel=1e-9, abs=1e-12)
    assert not test.yates
    assert np.isnan(test.odds_ratio)


@given(st.tuples(counts, counts, counts, counts))
def test_odds_ratio_turns_over_with_the_rows_and_lies_in_its_interval(cells):
    table = np.reshape(cells, (2, 2))
    one, other = chi_squared(table), chi_squared(table[::-1])
    assert one.odds_ratio * other.odds_ratio == pytest.approx(1)
    assert one.interval[0] < one.odds_ratio < one.interval[1]
    assert one.statistic == pytest.approx(other.statistic)


def test_odds_ratio_equals_scipy():
    table = [[107, 4838], [161, 8314]]
    theirs = peer.contingency.odds_ratio(table, kind="sample")
    ours = chi_squared(table)
    assert ours.odds_ratio == pytest.approx(theirs.statistic)
    np.testing.assert_allclose(ours.interval, tuple(theirs.confidence_interval(0.95)), rtol=1e-6)


def test_an_empty_row_gives_nan_and_a_zero_cell_a_finite_odds_ratio():
    empty = chi_squared([[0, 0], [3, 4]])
    assert np.isnan(empty.statistic)
    assert np.isnan(empty.odds_ratio)
    assert np.isfinite(chi_squared([[0, 5], [3, 4]]).interval).all()


def test_goodness_of_fit_equals_scipy():
    theirs = peer.chisquare([60, 93], np.array([107, 161]) / 268 * 153)
    ours = goodness_of_fit([60, 93], [107, 161])
    np.testing.assert_allclose([ours.statistic, ours.p], theirs, rtol=1e-12)
    assert len(ours.to_frame()) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chi_squared([[1, 2]]), "at least two rows"),
        (lambda: chi_squared([[1, -2], [3, 4]]), r"table\[0, 1\] is -2"),
        (lambda: chi_squared([[1, 2], [3, 4]], confidence=1), "between 0 and 1"),
        (lambda: goodness_of_fit([1, 2], [1, 2, 3]), "same length"),
        (lambda: goodness_of_fit([1, 2], [1, 0]), "positive"),
        (lambda: adjust([0.1], "other"), "must be one of"),
    ],
)
def test_bad_tables_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


samples = st.lists(st.integers(0, 12).map(float), min_size=2, max_size=30)


@given(samples, samples, st.sampled_from(["two-sided", "greater", "less"]))
def test_uncorrected_rank_sum_equals_scipy(a, b, alternative):
    theirs = peer.ranksums(a, b, alternative=alternative)
    ours = rank_sum(a, b, alternative=alternative, method="uncorrected")
    np.testing.assert_allclose([ours.z, ours.p], theirs, rtol=1e-9, atol=1e-12)


@given(samples, samples, st.sampled_from(["greater", "less"]))
def test_normal_rank_sum_equals_scipy(a, b, alternative):
    if len(set(a + b)) == 1:
        return
    options = {"alternative": alternative, "method": "asymptotic", "use_continuity": False}
    theirs = peer.mannwhitneyu(a, b, **options)
    ours = rank_sum(a, b, alternative=alternative, method="normal")
    np.testing.assert_allclose([ours.statistic, ours.p], theirs, rtol=1e-9, atol=1e-12)


@given(samples, st.sampled_from(["two-sided", "greater", "less"]))
def test_normal_signed_rank_equals_scipy(differences, alternative):
    if not any(differences):
        return
    shifted = np.array(differences) - 5
    if not shifted.any():
        return
    theirs = peer.wilcoxon(shifted[shifted != 0], alternative=alternative, method="approx")
    ours = signed_rank(shifted, alternative=alternative, method="normal")
    np.testing.assert_allclose(ours.p, theirs.pvalue, rtol=1e-9, atol=1e-12)
    mixed = signed_rank(shifted, alternative=alternative, method="exact_or_normal")
    assert mixed.statistic == ours.statistic


def test_signed_rank_is_exact_without_ties():
    exact = signed_rank([1.0, -2.0, 3.0, 4.0, 5.0], method="exact_or_normal")
    assert exact.p == peer.wilcoxon([1.0, -2.0, 3.0, 4.0, 5.0], method="exact").pvalue


def test_rank_sum_of_equal_values_has_p_1_and_no_z():
    test = rank_sum([1, 1], [1, 1, 1], method="normal")
    assert test.p == 1
    assert np.isnan(test.z)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjustments_are_ordered(p):
    plain, by_holm, by_bonferroni = adjust(p, "none"), holm(p), bonferroni(p)
    assert (plain <= by_holm + 1e-15).all()
    assert (by_holm <= by_bonferroni + 1e-15).all()
