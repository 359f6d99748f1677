"""Do two samples differ, and by how much? Rank tests with effect sizes and intervals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, integer, one_of, real, vector
from cofire.errors import InvalidArgumentError
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import pandas as pd

ALTERNATIVES = ("two-sided", "less", "greater")
RANK_METHODS = ("auto", "normal", "uncorrected")
SIGNED_METHODS = ("auto", "normal", "exact_or_normal")
PAIRED_METHODS = ("signed_rank", "t", "permutation")

_EXACT_PAIRS = 14
"""Up to this many pairs all 2**n sign flips are enumerated."""

_EXACT_RANKS = 50
"""Up to this many differences the distribution of their rank sum is taken exactly."""


@dataclass(frozen=True, slots=True)
class RankTest:
    """Outcome of a test of two samples.

    Attributes
    ----------
    test : str
        ``"rank_sum"``, ``"signed_rank"``, ``"t"`` or ``"permutation"``.
    statistic : float
        Mann-Whitney U of the first sample; Wilcoxon's sum of positive ranks; Student's t; the mean
        difference.
    p : float
    alternative : str
        ``"two-sided"``; ``"greater"``: the first sample is the larger one; ``"less"``.
    n : tuple of int
        Sizes of the two samples, or the number of pairs.
    effect : float
        Effect size, positive when the first sample is the larger one.
    effect_name : str
        What `effect` is.
    interval : (float, float)
        Confidence interval of `effect`.
    confidence : float
    null_mean, null_sd : float
        Of the statistic when there is no difference.
    """

    test: str
    statistic: float
    p: float
    alternative: str
    n: tuple[int, ...]
    effect: float
    effect_name: str
    interval: tuple[float, float]
    confidence: float
    null_mean: float
    null_sd: float

    @property
    def z(self) -> float:
        """The statistic in standard deviations from its mean under no difference."""
        if not self.null_sd > 0:
            return np.nan
        return (self.statistic - self.null_mean) / self.null_sd

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        import pandas as pd

        row = asdict(self)
        row["n"] = " + ".join(map(str, self.n))
        row["interval_low"], row["interval_high"] = row.pop("interval")
        return pd.DataFrame([row])

    def __repr__(self) -> str:
        low, high = self.interval
        n = " + ".join(map(str, self.n))
        return (
            f"RankTest({self.test}: p = {self.p:.3g}, {self.effect_name} {self.effect:.3g} "
            f"[{low:.3g}, {high:.3g}], n = {n})"
        )


def rank_sum(
    a: Any,
    b: Any,
    *,
    alternative: str = "two-sided",
    method: str = "auto",
    confidence: float = 0.95,
) -> RankTest:
    """Compare two independent samples by ranks (Mann-Whitney U, Wilcoxon rank sum).

    The effect is Cliff's delta, ``P(a > b) - P(a < b)`` over all pairs (the rank-biserial
    correlation), with the asymmetric interval of Feng & Cliff.

    Parameters
    ----------
    a, b : array_like (n,), (m,)
        Finite values, at least one each.
    alternative : {"two-sided", "greater", "less"}
        ``"greater"``: values of `a` are the larger ones.
    method : {"auto", "normal", "uncorrected"}
        ``"auto"``: exact for small samples without ties, otherwise normal with correction for ties
        and continuity. ``"normal"``: p from :attr:`RankTest.z`, corrected for ties only.
        ``"uncorrected"``: for neither, as ``scipy.stats.ranksums`` does and many papers report it;
        with ties that p is too large.
    confidence : float in (0, 1)

    Returns
    -------
    RankTest
        ``statistic`` is U of `a`.

    Raises
    ------
    InvalidArgumentError
        An empty sample, NaN, or a wrong option.

    Notes
    -----
    With a single value in a sample the interval is [-1, 1]. When the samples do not overlap the
    variance estimate is 0; the inner limit is then ``(n - z^2) / (n + z^2)`` of the smaller one.

    References
    ----------
    Mann & Whitney 1947, doi:10.1214/aoms/1177730491; Feng & Cliff 2004,
    doi:10.22237/jmasm/1099267320

    Examples
    --------
    >>> from cofire.stats import rank_sum
    >>> test = rank_sum([1.0, 2.0, 3.0, 4.0], [3.5, 5.0, 6.0, 7.0])
    >>> test.effect, round(test.p, 3)
    (-0.875, 0.057)
    """
    from scipy.stats import mannwhitneyu

    first, second = _sample(a, "a"), _sample(b, "b")
    one_of(alternative, "alternative", ALTERNATIVES)
    one_of(method, "method", RANK_METHODS)
    n, m = len(first), len(second)
    delta, variance = _cliff(first, second)
    options: dict[str, Any] = {"alternative": alternative}
    if method == "auto":
        found = mannwhitneyu(first, second, **options)
        statistic, p = float(found.statistic), float(found.pvalue)
        null_sd = _u_sd(np.concatenate([first, second]), n, m)
    else:
        statistic = (delta + 1) * n * m / 2
        pooled = (
            np.concatenate([first, second]) if method == "normal" else np.arange(n + m, dtype=float)
        )
        null_sd = _u_sd(pooled, n, m)
        p = _normal_p(statistic - n * m / 2, null_sd, alternative)
    return RankTest(
        test="rank_sum",
        statistic=statistic,
        p=p,
        alternative=alternative,
        n=(n, m),
        effect=delta,
        effect_name="Cliff's delta",
        interval=_cliff_interval(delta, variance, min(n, m), normal_quantile(confidence)),
        confidence=float(confidence),
        null_mean=n * m / 2,
        null_sd=null_sd,
    )


def signed_rank(
    a: Any,
    b: Any = None,
    *,
    alternative: str = "two-sided",
    method: str = "auto",
    confidence: float = 0.95,
) -> RankTest:
    """Compare paired samples by the ranks of their differences (Wilcoxon signed rank).

    The effect is the matched-pairs rank-biserial correlation ``(W+ - W-) / (W+ + W-)``: 1 when
    every difference is positive.

    Parameters
    ----------
    a : array_like (n,)
        First values, or the differences when `b` is not given. Finite.
    b : array_like (n,), optional
        Second values of the same pairs.
    alternative : {"two-sided", "greater", "less"}
        ``"greater"``: values of `a` are the larger ones.
    method : {"auto", "normal", "exact_or_normal"}
        ``"auto"``: that of ``scipy.stats.wilcoxon``, which permutes small samples with ties.
        ``"normal"``: corrected for ties, not for continuity. ``"exact_or_normal"``: exact for up to
        50 differences without ties, otherwise normal.
    confidence : float in (0, 1)

    Returns
    -------
    RankTest
        ``statistic`` is W+, ``n`` the number of pairs. Pairs without a difference are left out of
        the ranks; if no pair differs, p is 1 and the effect 0.

    Raises
    ------
    InvalidArgumentError
        Samples of different length, no pair, NaN, or a wrong option.

    Notes
    -----
    The interval is ``tanh(atanh(r) -+ z s)`` with the null standard deviation s of r, and r at most
    one rank short of +-1.

    References
    ----------
    Wilcoxon 1945, doi:10.2307/3001968; Kerby 2014, doi:10.2466/11.IT.3.1

    Examples
    --------
    >>> from cofire.stats import signed_rank
    >>> test = signed_rank([1.2, 2.5, 3.1, 4.8, 5.2, 6.9], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    >>> test.effect, test.p
    (1.0, 0.03125)
    """
    return _signed_rank(_differences(a, b), alternative, confidence, method)


def paired_test(
    a: Any,
    b: Any = None,
    *,
    method: str = "signed_rank",
    alternative: str = "two-sided",
    confidence: float = 0.95,
    n_permutations: int = 10_000,
    rng: int | np.random.Generator = 0,
) -> RankTest:
    """Compare paired samples by ranks, by Student's t or by sign flips.

    Parameters
    ----------
    a, b, alternative, confidence
        As for :func:`signed_rank`.
    method : {"signed_rank", "t", "permutation"}
        ``"t"``: paired t test. ``"permutation"``: mean difference against random signs of the
        differences, all of them for up to 14 pairs. The effect of both is Cohen's d_z, the mean
        difference over its standard deviation.
    n_permutations : int
        Random sign flips for more than 14 pairs; ``p = (#{null as extreme} + 1) / (n + 1)``.
    rng : int or numpy.random.Generator
        Seed of the sign flips.

    Returns
    -------
    RankTest
        With fewer than two pairs, or differences that do not vary, d_z is NaN (0 without any
        difference).

    References
    ----------
    Ernst 2004, doi:10.1214/088342304000000396; Lakens 2013, doi:10.3389/fpsyg.2013.00863

    Examples
    --------
    >>> from cofire.stats import paired_test
    >>> paired_test([2.0, 3.5, 4.0, 6.0], [1.0, 2.0, 3.5, 4.0], method="permutation").p
    0.125
    """
    one_of(method, "method", PAIRED_METHODS)
    difference = _differences(a, b)
    if method == "signed_rank":
        return _signed_rank(difference, alternative, confidence)
    one_of(alternative, "alternative", ALTERNATIVES)
    effect, interval = _cohen_dz(difference, normal_quantile(confidence))
    if method == "t":
        statistic, p, null_sd = _student(difference, alternative)
    else:
        n_permutations = integer(n_permutations, "n_permutations", 1)
        statistic, p, null_sd = _sign_flips(difference, alternative, n_permutations, seed_of(rng))
    return RankTest(
        test=method,
        statistic=statistic,
        p=p,
        alternative=alternative,
        n=(len(difference),),
        effect=effect,
        effect_name="Cohen's d_z",
        interval=interval,
        confidence=float(confidence),
        null_mean=0.0,
        null_sd=null_sd,
    )


def _signed_rank(
    difference: FloatArray, alternative: str, confidence: float, method: str = "auto"
) -> RankTest:
    from scipy.stats import rankdata, wilcoxon

    one_of(alternative, "alternative", ALTERNATIVES)
    one_of(method, "method", SIGNED_METHODS)
    z = normal_quantile(confidence)
    nonzero = difference[difference != 0]
    n = len(nonzero)
    options: dict[str, Any] = {"alternative": alternative}
    ranks = rankdata(np.abs(nonzero))
    total = n * (n + 1) / 2
    positive = float(ranks[nonzero > 0].sum())
    effect, p, interval = 0.0, 1.0, (-1.0, 1.0)
    null_sd = float(np.sqrt((ranks**2).sum()) / 2)
    if n:
        effect = (2 * positive - total) / total
        exact = n <= _EXACT_RANKS and len(np.unique(ranks)) == n
        if method == "normal" or (method == "exact_or_normal" and not exact):
            p = _normal_p(positive - total / 2, null_sd, alternative)
        else:
            options["method"] = "auto" if method == "auto" else "exact"
            p = float(wilcoxon(nonzero, **options).pvalue)
        inner = np.clip(effect, -1 + 1 / total, 1 - 1 / total) if n > 1 else 0.0
        half = z * 2 * null_sd / total
        low, high = np.tanh(np.arctanh(inner) + half * np.array([-1.0, 1.0]))
        interval = (min(float(low), effect), max(float(high), effect))
    return RankTest(
        test="signed_rank",
        statistic=positive,
        p=p,
        alternative=alternative,
        n=(len(difference),),
        effect=effect,
        effect_name="rank-biserial r",
        interval=interval,
        confidence=float(confidence),
        null_mean=total / 2,
        null_sd=null_sd,
    )


def _cliff(a: FloatArray, b: FloatArray) -> tuple[float, float]:
    """Cliff's delta and its variance, from sorted samples instead of all pairs."""
    n, m = len(a), len(b)
    sorted_a, sorted_b = np.sort(a), np.sort(b)
    # Sorted queries walk through memory in order; sums do not depend on which value is which.
    below = np.searchsorted(sorted_b, sorted_a, side="left")
    not_above = np.searchsorted(sorted_b, sorted_a, side="right")
    rows = (below - (m - not_above)) / m
    columns = (
        (n - np.searchsorted(sorted_a, sorted_b, side="right"))
        - np.searchsorted(sorted_a, sorted_b, side="left")
    ) / n
    # The numerator is a whole number of pairs, so delta is exact at its ends.
    delta = float((2 * below.sum() - n * m + (not_above - below).sum()) / (n * m))
    if n < 2 or m < 2:
        return delta, np.nan
    n_untied = n * m - float((not_above - below).sum())
    pairs = n_untied - n * m * delta**2
    spread = m**2 * ((rows - delta) ** 2).sum() + n**2 * ((columns - delta) ** 2).sum() - pairs
    return delta, max(float(spread) / (n * m * (n - 1) * (m - 1)), 0.0)


def _cliff_interval(delta: float, variance: float, n_min: int, z: float) -> tuple[float, float]:
    if np.isnan(variance):
        return -1.0, 1.0
    if abs(delta) == 1:
        inner = (n_min - z**2) / (n_min + z**2)
        return (inner, 1.0) if delta > 0 else (-1.0, -inner)
    half = z * np.sqrt(variance * ((1 - delta**2) ** 2 + z**2 * variance))
    scale = 1 - delta**2 + z**2 * variance
    low = (delta - delta**3 - half) / scale
    high = (delta - delta**3 + half) / scale
    return float(max(low, -1.0)), float(min(high, 1.0))


def _normal_p(difference: float, sd: float, alternative: str) -> float:
    from scipy.stats import norm

    if not sd > 0:  # all values are equal
        return 1.0
    z = difference / sd
    tails = {"two-sided": 2 * norm.sf(abs(z)), "greater": norm.sf(z), "less": norm.cdf(z)}
    return float(tails[alternative])


def _u_sd(values: FloatArray, n: int, m: int) -> float:
    total = n + m
    if total < 2:
        return 0.0
    ties = np.unique(values, return_counts=True)[1].astype(np.float64)
    correction = (ties**3 - ties).sum() / (total * (total - 1))
    return float(np.sqrt(n * m / 12 * (total + 1 - correction)))


def _cohen_dz(difference: FloatArray, z: float) -> tuple[float, tuple[float, float]]:
    n = len(difference)
    mean = float(difference.mean())
    sd = float(difference.std(ddof=1)) if n > 1 else 0.0
    if sd == 0:
        effect = 0.0 if mean == 0 else np.nan
        return effect, (np.nan, np.nan)
    effect = mean / sd
    half = z * float(np.sqrt(1 / n + effect**2 / (2 * n)))
    return effect, (effect - half, effect + half)


def _student(difference: FloatArray, alternative: str) -> tuple[float, float, float]:
    from scipy.stats import t as student

    n = len(difference)
    if n < 2:
        raise InvalidArgumentError('method "t" needs at least two pairs')
    df = n - 1
    null_sd = float(np.sqrt(df / (df - 2))) if df > 2 else np.inf
    sd = float(difference.std(ddof=1))
    mean = float(difference.mean())
    if sd == 0 and mean == 0:
        return 0.0, 1.0, null_sd
    statistic = mean / (sd / np.sqrt(n)) if sd else float(np.sign(mean) * np.inf)
    tails = {
        "two-sided": 2 * student.sf(abs(statistic), df),
        "greater": student.sf(statistic, df),
        "less": student.cdf(statistic, df),
    }
    return float(statistic), float(tails[alternative]), null_sd


def _sign_flips(
    difference: FloatArray, alternative: str, n_permutations: int, seed: int
) -> tuple[float, float, float]:
    n = len(difference)
    exact = n <= _EXACT_PAIRS
    if exact:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        null = (1.0 - 2.0 * bits) @ difference / n
    else:
        generator = np.random.default_rng(seed)
        null = np.empty(n_permutations)
        block = max(1, 2**22 // n)
        for first in range(0, n_permutations, block):
            shape = (min(block, n_permutations - first), n)
            signs = 1.0 - 2.0 * generator.integers(0, 2, size=shape, dtype=np.int8)
            null[first : first + shape[0]] = signs @ difference / n
    observed = float(difference.mean())
    # Sums of the same numbers in another order differ in the last digits: those are ties.
    slack = 1e-12 * max(float(np.abs(difference).mean()), np.finfo(float).tiny)
    extreme = {
        "two-sided": np.abs(null) >= abs(observed) - slack,
        "greater": null >= observed - slack,
        "less": null <= observed + slack,
    }[alternative]
    n_extreme = int(extreme.sum())
    p = n_extreme / len(null) if exact else (n_extreme + 1) / (len(null) + 1)
    return observed, p, float(null.std())


def _differences(a: Any, b: Any) -> FloatArray:
    first = _sample(a, "a")
    if b is None:
        return first
    second = _sample(b, "b")
    if len(first) != len(second):
        raise InvalidArgumentError(
            f"a and b must hold the same pairs, got {len(first)} and {len(second)} values; "
            "for independent samples use rank_sum"
        )
    return first - second


def _sample(values: Any, name: str) -> FloatArray:
    sample = vector(values, name)
    if not len(sample):
        raise InvalidArgumentError(f"{name} must hold at least one value")
    return sample


def normal_quantile(confidence: float) -> float:
    """Standard deviations to each side that hold a share `confidence` of a normal law."""
    from scipy.stats import norm

    level = real(confidence, "confidence")
    if not 0 < level < 1:
        raise InvalidArgumentError(f"confidence must lie between 0 and 1, got {level:g}")
    return float(norm.ppf(0.5 + level / 2))
