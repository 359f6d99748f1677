"""Do assemblies differ from random ensembles or single cells? Rank-sum tests, corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.stats import RankTest, benjamini_hochberg, rank_sum

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class SampleComparison:
    """Rank-sum tests between named samples, corrected for their number.

    Attributes
    ----------
    names : tuple of str
        Of the samples.
    n, n_missing : ndarray (n_samples,) int64
        Values of each sample that were used, and NaN that were left out.
    pairs : tuple of (str, str)
        The samples of each test.
    tests : tuple of RankTest
        All-NaN where a sample is empty.
    p_adjusted : ndarray (n_tests,) float64
        Benjamini-Hochberg.
    """

    names: tuple[str, ...]
    n: IntArray
    n_missing: IntArray
    pairs: tuple[tuple[str, str], ...]
    tests: tuple[RankTest, ...]
    p_adjusted: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each test."""
        import pandas as pd

        rows = [
            {
                "first": first,
                "second": second,
                "n_first": test.n[0],
                "n_second": test.n[1],
                "alternative": test.alternative,
                "u": test.statistic,
                "z": test.z,
                "p": test.p,
                "p_adjusted": p_adjusted,
                "cliffs_delta": test.effect,
            }
            for (first, second), test, p_adjusted in zip(
                self.pairs, self.tests, self.p_adjusted, strict=True
            )
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        n = int((self.p_adjusted < 0.05).sum())
        return f"SampleComparison({len(self.names)} samples, {n} of {len(self.pairs)} differ)"


def compare_samples(
    samples: Mapping[str, Any],
    pairs: Sequence[tuple[str, str]] | None = None,
    *,
    alternative: str = "two-sided",
    method: str = "normal",
) -> SampleComparison:
    """Rank-sum tests of pairs of samples, with Benjamini-Hochberg correction over the pairs.

    Parameters
    ----------
    samples : mapping of name to array_like
        Values of any shape; NaN are left out and counted.
    pairs : sequence of (first, second), optional
        Which samples to compare; default: every pair.
    alternative : {"two-sided", "greater", "less"}
        ``"greater"``: values of the first sample are the larger ones.
    method : {"normal", "uncorrected", "auto"}
        As of :func:`cofire.stats.rank_sum`. The published tests are ``"uncorrected"``.

    Returns
    -------
    SampleComparison

    Raises
    ------
    InvalidArgumentError
        A pair that names no sample, infinite values.

    References
    ----------
    Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> from cofire.assemblies import compare_samples
    >>> found = compare_samples({"a": [1, 2, 3, 4], "b": [5, 6, 7, 8], "c": [1, 3, 5, 7]})
    >>> found.p_adjusted.round(3).tolist()
    [0.063, 0.381, 0.216]
    """
    if not isinstance(samples, Mapping):
        raise InvalidTypeError("samples must be a mapping of names to values")
    values, missing = {}, []
    for name, sample in samples.items():
        flat = np.asarray(sample, dtype=np.float64).ravel()
        keep = ~np.isnan(flat)
        # Ranks of sorted samples are found several times as fast.
        values[name] = np.sort(flat[keep])
        missing.append(len(flat) - int(keep.sum()))
    chosen = list(combinations(values, 2)) if pairs is None else [(a, b) for a, b in pairs]
    for pair in chosen:
        for name in pair:
            if name not in values:
                raise InvalidArgumentError(
                    f"pairs names {name!r}, but samples has only {', '.join(map(repr, values))}"
                )
    tests = tuple(
        rank_sum(values[a], values[b], alternative=alternative, method=method)
        if len(values[a]) and len(values[b])
        else _no_test(len(values[a]), len(values[b]), alternative)
        for a, b in chosen
    )
    return SampleComparison(
        names=tuple(values),
        n=np.array([len(v) for v in values.values()], dtype=np.int64),
        n_missing=np.array(missing, dtype=np.int64),
        pairs=tuple(chosen),
        tests=tests,
        p_adjusted=benjamini_hochberg(np.array([test.p for test in tests], dtype=np.float64)),
    )


def _no_test(n: int, m: int, alternative: str) -> RankTest:
    nan = float("nan")
    return RankTest(
        test="rank_sum",
        statistic=nan,
        p=nan,
        alternative=alternative,
        n=(n, m),
        effect=nan,
        effect_name="Cliff's delta",
        interval=(nan, nan),
        confidence=0.95,
        null_mean=nan,
        null_sd=nan,
    )
