"""Rank tests, effect sizes, corrections."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.stats import benjamini_hochberg, holm, paired_test, rank_sum, signed_rank

samples = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=15)
p_values = st.lists(st.floats(0, 1) | st.just(np.nan), max_size=12)


# --- corrections ----------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_benjamini_hochberg_is_scipys(p):
    np.testing.assert_allclose(
        benjamini_hochberg(p), scipy.stats.false_discovery_control(p), atol=1e-15
    )


@given(p_values)
def test_holm_is_its_definition(p):
    p = np.array(p)
    adjusted = holm(p)
    tested = np.flatnonzero(~np.isnan(p))
    running = 0.0
    for rank, i in enumerate(tested[np.argsort(p[tested], kind="stable")]):
        running = max(running, min(1.0, p[i] * (len(tested) - rank)))
        assert adjusted[i] == pytest.approx(running)


@pytest.mark.parametrize("adjust", [benjamini_hochberg, holm])
@given(p=p_values, seed=st.integers(0, 99))
def test_adjusted_p_values_are_ordered_bounded_and_equivariant(adjust, p, seed):
    p = np.array(p)
    adjusted = adjust(p)
    tested = ~np.isnan(p)
    np.testing.assert_array_equal(np.isnan(adjusted), ~tested)
    assert (adjusted[tested] >= p[tested]).all()
    assert (adjusted[tested] <= 1).all()
    order = np.random.default_rng(seed).permutation(len(p))
    np.testing.assert_allclose(adjust(p[order]), adjusted[order])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_stricter(p):
    assert (holm(p) >= benjamini_hochberg(p) - 1e-15).all()


@pytest.mark.parametrize("adjust", [benjamini_hochberg, holm])
def test_shapes_are_kept(adjust):
    assert adjust(np.zeros((0, 3))).shape == (0, 3)
    assert adjust([[0.1, np.nan], [0.2, 0.3]]).shape == (2, 2)
    assert float(adjust(0.2)) == 0.2


@pytest.mark.parametrize("adjust", [benjamini_hochberg, holm])
@pytest.mark.parametrize(
    ("p", "error", "message"),
    [
        ([0.5, 1.5], InvalidArgumentError, r"p must lie in \[0, 1\] .* got 1.5"),
        ([-0.1], InvalidArgumentError, "p must lie in"),
        (["a"], InvalidTypeError, "p must be an array of numbers"),
    ],
)
def test_wrong_p_values_are_explained(adjust, p, error, message):
    with pytest.raises(error, match=message):
        adjust(p)


# --- rank sum -------------------------------------------------------------------------------------


@given(samples, samples)
def test_cliffs_delta_counts_pairs(a, b):
    pairs = np.sign(np.subtract.outer(a, b))
    test = rank_sum(a, b)
    assert test.effect == pytest.approx(pairs.mean(), abs=1e-12)
    assert test.statistic == pytest.approx((pairs > 0).sum() + 0.5 * (pairs == 0).sum())
    assert test.effect == pytest.approx(2 * test.statistic / (len(a) * len(b)) - 1, abs=1e-12)
    assert -1 <= test.interval[0] <= test.effect + 1e-12
    assert test.effect - 1e-12 <= test.interval[1] <= 1
    assert 0 <= test.p <= 1


@given(samples, samples)
def test_swapping_the_samples_flips_the_effect(a, b):
    one, two = rank_sum(a, b), rank_sum(b, a)
    assert one.effect == pytest.approx(-two.effect, abs=1e-12)
    assert one.p == pytest.approx(two.p)
    np.testing.assert_allclose(one.interval, (-two.interval[1], -two.interval[0]), atol=1e-12)


def test_the_variance_of_cliffs_delta_is_that_of_all_pairs():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 13).astype(float), rng.integers(1, 7, 17).astype(float)
    d = np.sign(np.subtract.outer(a, b))
    n, m, delta = 13, 17, d.mean()
    variance = (
        m**2 * ((d.mean(axis=1) - delta) ** 2).sum()
        + n**2 * ((d.mean(axis=0) - delta) ** 2).sum()
        - ((d - delta) ** 2).sum()
    ) / (n * m * (n - 1) * (m - 1))
    z = scipy.stats.norm.ppf(0.975)
    half = z * np.sqrt(variance) * np.sqrt((1 - delta**2) ** 2 + z**2 * variance)
    scale = 1 - delta**2 + z**2 * variance
    expected = ((delta - delta**3 - half) / scale, (delta - delta**3 + half) / scale)
    np.testing.assert_allclose(rank_sum(a, b).interval, expected)


def test_the_interval_covers_the_true_effect():
    rng = np.random.default_rng(1)
    true = 2 * scipy.stats.norm.cdf(0.8 / np.sqrt(2)) - 1
    hits = 0
    for _ in range(300):
        low, high = rank_sum(rng.normal(0.8, 1, 25), rng.normal(0, 1, 20)).interval
        hits += low <= true <= high
    assert 0.92 <= hits / 300 <= 0.98


def test_p_is_uniform_without_a_difference():
    rng = np.random.default_rng(2)
    p = [rank_sum(rng.normal(size=40), rng.normal(size=50)).p for _ in range(300)]
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.001


def test_the_null_moments_are_those_of_u():
    test = rank_sum([1.0, 2.0, 2.0], [2.0, 3.0])
    values = np.array([1.0, 2.0, 2.0, 2.0, 3.0])
    from itertools import combinations

    u = []
    for chosen in combinations(range(5), 3):
        rest = [i for i in range(5) if i not in chosen]
        d = np.subtract.outer(values[list(chosen)], values[rest])
        u.append((d > 0).sum() + 0.5 * (d == 0).sum())
    assert test.null_mean == pytest.approx(np.mean(u))
    assert test.null_sd == pytest.approx(np.std(u))


def test_samples_that_do_not_overlap_have_a_one_sided_interval():
    test = rank_sum([5.0, 6.0, 7.0, 8.0, 9.0], [1.0, 2.0, 3.0, 4.0])
    z2 = scipy.stats.norm.ppf(0.975) ** 2
    assert test.effect == 1
    assert test.interval == pytest.approx(((4 - z2) / (4 + z2), 1.0))


def test_single_values_say_nothing():
    assert rank_sum([1.0], [2.0]).interval == (-1.0, 1.0)


# --- signed rank and the other paired tests -------------------------------------------------------


@given(st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=9))
def test_signed_rank_is_its_definition(difference):
    d = np.array(difference)
    test = signed_rank(d)
    d = d[d != 0]
    if not len(d):
        assert (test.effect, test.p) == (0.0, 1.0)
        return
    ranks = scipy.stats.rankdata(np.abs(d))
    plus, minus = ranks[d > 0].sum(), ranks[d < 0].sum()
    assert test.statistic == pytest.approx(plus)
    assert test.effect == pytest.approx((plus - minus) / (plus + minus))
    assert test.p == pytest.approx(scipy.stats.wilcoxon(d).pvalue)
    assert -1 <= test.interval[0] <= test.effect <= test.interval[1] <= 1


@pytest.mark.parametrize("method", ["signed_rank", "t", "permutation"])
def test_swapping_a_pair_flips_the_effect(method):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12))
    one, two = paired_test(a, b, method=method), paired_test(b, a, method=method)
    assert one.effect == pytest.approx(-two.effect)
    assert one.p == pytest.approx(two.p)
    sides = [paired_test(a, b, method=method, alternative=s).p for s in ("less", "greater")]
    assert (sides[1] < 0.5) == (one.effect > 0)


def test_paired_t_is_scipys():
    a, b = np.random.default_rng(0).normal(size=(2, 9))
    for alternative in ("two-sided", "less", "greater"):
        found = paired_test(a, b, method="t", alternative=alternative)
        expected = scipy.stats.ttest_rel(a, b, alternative=alternative)
        assert found.statistic == pytest.approx(expected.statistic)
        assert found.p == pytest.approx(expected.pvalue)
    assert found.effect == pytest.approx((a - b).mean() / (a - b).std(ddof=1))


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_few_sign_flips_are_enumerated(alternative):
    d = np.array([0.3, -0.1, 0.7, 0.7, -0.2])
    flips = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1).T
    null = np.round(flips @ d / 5, 12)
    mean = round(d.mean(), 12)
    extreme = {"two-sided": abs(null) >= abs(mean), "less": null <= mean, "greater": null >= mean}
    test = paired_test(d, method="permutation", alternative=alternative)
    assert test.p == extreme[alternative].mean()


@pytest.mark.parametrize("method", ["signed_rank", "t", "permutation"])
def test_paired_p_is_uniform_without_a_difference(method):
    rng = np.random.default_rng(5)
    p = [
        paired_test(rng.normal(size=25), method=method, n_permutations=999, rng=k).p
        for k in range(200)
    ]
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.001


def test_random_sign_flips_depend_on_the_seed_alone():
    d = np.random.default_rng(0).normal(0.2, 1, 30)
    one = paired_test(d, method="permutation", n_permutations=200, rng=1)
    assert one == paired_test(d, method="permutation", n_permutations=200, rng=1)
    assert one.p != paired_test(d, method="permutation", n_permutations=200, rng=2).p


@pytest.mark.parametrize("method", ["t", "permutation"])
def test_pairs_without_any_difference_give_no_evidence(method):
    test = paired_test([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], method=method)
    assert (test.p, test.effect) == (1.0, 0.0)


def test_differences_that_do_not_vary_have_no_standardized_effect():
    test = paired_test([2.0, 3.0], [1.0, 2.0], method="t")
    assert test.statistic == np.inf
    assert test.p == 0
    assert np.isnan(test.effect)


def test_results_read_in_one_line_and_as_a_table():
    test = rank_sum([1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0])
    assert repr(test).startswith("RankTest(rank_sum: p = ")
    assert "\n" not in repr(test)
    row = test.to_frame().iloc[0]
    assert row["n"] == "3 + 4"
    assert row["interval_low"] == test.interval[0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rank_sum([], [1.0]), InvalidArgumentError, "a must hold at least one value"),
        (lambda: rank_sum([1.0], [np.nan]), InvalidArgumentError, r"b\[0\] is nan; drop such"),
        (lambda: rank_sum([1.0], ["x"]), InvalidTypeError, "b must be a 1-D array of numbers"),
        (
            lambda: rank_sum([1.0], [2.0], alternative="up"),
            InvalidArgumentError,
            "alternative must",
        ),
        (lambda: rank_sum([1.0], [2.0], confidence=95), InvalidArgumentError, "between 0 and 1"),
        (
            lambda: signed_rank([1.0, 2.0], [1.0]),
            InvalidArgumentError,
            "same pairs, got 2 and 1 values; for independent samples use rank_sum",
        ),
        (lambda: paired_test([1.0], method="z"), InvalidArgumentError, "method must be one of"),
        (lambda: paired_test([1.0], method="t"), InvalidArgumentError, "at least two pairs"),
        (
            lambda: paired_test([1.0], method="permutation", n_permutations=0),
            InvalidArgumentError,
            "n_permutations must be at least 1",
        ),
    ],
)
def test_wrong_arguments_are_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
