"""Do counts differ between classes? Chi-squared tests with what each cell of the table adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, matrix, vector
from cofire.errors import InvalidArgumentError
from cofire.stats.ranks import normal_quantile

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class ContingencyTest:
    """Outcome of a chi-squared test of a table of counts.

    Attributes
    ----------
    test : str
        ``"chi_squared"`` or ``"goodness_of_fit"``.
    statistic, p : float
        NaN where a row or column of the table is empty: nothing can be compared.
    df : int
        Degrees of freedom.
    observed, expected : ndarray, shape of the table, float64
        Counts, and what they would be without a difference.
    contributions : ndarray, shape of the table, float64
        ``(observed - expected)^2 / expected``, without Yates' correction; NaN where nothing is
        expected.
    odds_ratio : float
        Of a 2 x 2 table: ``a d / (b c)``, after 0.5 is added to every count if one of them is 0.
        NaN for other tables.
    interval : (float, float)
        Confidence interval of the odds ratio (Woolf).
    confidence : float
    yates : bool
        Whether the continuity correction was applied.
    """

    test: str
    statistic: float
    p: float
    df: int
    observed: FloatArray
    expected: FloatArray
    contributions: FloatArray
    odds_ratio: float
    interval: tuple[float, float]
    confidence: float
    yates: bool

    def to_frame(self) -> pd.DataFrame:
        """A row a cell of the table: row, column, observed, expected, contribution."""
        import pandas as pd

        rows, columns = np.indices(np.atleast_2d(self.observed).shape)
        return pd.DataFrame(
            {
                "row": rows.ravel(),
                "column": columns.ravel(),
                "observed": self.observed.ravel(),
                "expected": self.expected.ravel(),
                "contribution": self.contributions.ravel(),
            }
        )

    def __repr__(self) -> str:
        return f"ContingencyTest(chi2({self.df}) = {self.statistic:.4g}, p = {self.p:.3g})"


def chi_squared(table: Any, *, yates: bool = True, confidence: float = 0.95) -> ContingencyTest:
    """Test whether rows and columns of a table of counts are independent (Pearson).

    Parameters
    ----------
    table : array_like (r, c)
        Counts >= 0, at least 2 x 2, for example classes x (connected, not connected).
    yates : bool
        Continuity correction of a 2 x 2 table: every difference of observed and expected shrinks
        by 0.5, at most to 0. Without effect on larger tables.
    confidence : float in (0, 1)
        Of the interval of the odds ratio.

    Returns
    -------
    ContingencyTest

    Raises
    ------
    InvalidArgumentError
        Fewer than two rows or columns, negative or not finite counts.

    References
    ----------
    Yates 1934, doi:10.2307/2983604; Woolf 1955, doi:10.1111/j.1469-1809.1955.tb01348.x; Haldane
    1956, doi:10.1111/j.1469-1809.1955.tb01285.x

    Examples
    --------
    >>> from cofire.stats import chi_squared
    >>> test = chi_squared([[107, 4838], [161, 8314]])
    >>> round(test.statistic, 3), round(test.p, 4), round(test.odds_ratio, 3)
    (0.982, 0.3217, 1.142)
    """
    from scipy.stats import chi2

    observed = _counts(matrix(table, "table"), "table")
    n_rows, n_columns = observed.shape
    if n_rows < 2 or n_columns < 2:
        raise InvalidArgumentError(
            f"table must have at least two rows and two columns, got shape {observed.shape}"
        )
    z = normal_quantile(confidence)
    df = (n_rows - 1) * (n_columns - 1)
    total = observed.sum()
    margins = np.outer(observed.sum(axis=1), observed.sum(axis=0))
    expected: FloatArray = margins / total if total else np.zeros_like(observed)
    corrected = yates and df == 1
    statistic = p = np.nan
    if (expected > 0).all():
        difference = np.abs(observed - expected)
        if corrected:
            difference = difference - np.minimum(0.5, difference)
        statistic = float((difference**2 / expected).sum())
        p = float(chi2.sf(statistic, df))
    odds, interval = _odds_ratio(observed, z) if df == 1 else (np.nan, (np.nan, np.nan))
    return ContingencyTest(
        test="chi_squared",
        statistic=statistic,
        p=p,
        df=df,
        observed=observed,
        expected=expected,
        contributions=_contributions(observed, expected),
        odds_ratio=odds,
        interval=interval,
        confidence=float(confidence),
        yates=corrected,
    )


def goodness_of_fit(observed: Any, shares: Any) -> ContingencyTest:
    """Test whether counts follow given shares (Pearson's chi-squared).

    Parameters
    ----------
    observed : array_like (k,)
        Counts >= 0.
    shares : array_like (k,)
        What is expected, in any unit: only proportions count. All > 0.

    Returns
    -------
    ContingencyTest
        With k - 1 degrees of freedom; NaN without any count.

    Raises
    ------
    InvalidArgumentError
        Arrays of different length, fewer than two counts, shares that are not positive.

    Examples
    --------
    >>> from cofire.stats import goodness_of_fit
    >>> test = goodness_of_fit([60, 93], [107, 161])
    >>> round(test.statistic, 4), round(test.p, 3)
    (0.0321, 0.858)
    """
    from scipy.stats import chi2

    counts = _counts(vector(observed, "observed"), "observed")
    weights = vector(shares, "shares")
    if len(counts) != len(weights) or len(counts) < 2:
        raise InvalidArgumentError(
            f"observed and shares must have the same length, at least 2; got {len(counts)} and "
            f"{len(weights)}"
        )
    if (weights <= 0).any():
        raise InvalidArgumentError("shares must be positive; leave out classes that cannot occur")
    expected: FloatArray = counts.sum() * weights / weights.sum()
    df = len(counts) - 1
    contributions = _contributions(counts, expected)
    statistic = float(contributions.sum())
    return ContingencyTest(
        test="goodness_of_fit",
        statistic=statistic,
        p=float(chi2.sf(statistic, df)),
        df=df,
        observed=counts,
        expected=expected,
        contributions=contributions,
        odds_ratio=np.nan,
        interval=(np.nan, np.nan),
        confidence=np.nan,
        yates=False,
    )


def _counts(values: FloatArray, name: str) -> FloatArray:
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        where = ", ".join(str(int(i)) for i in np.argwhere(bad)[0])
        raise InvalidArgumentError(
            f"{name} must hold counts >= 0: {name}[{where}] is {values[bad][0]:g}"
        )
    return values


def _contributions(observed: FloatArray, expected: FloatArray) -> FloatArray:
    out = np.full(observed.shape, np.nan)
    np.divide((observed - expected) ** 2, expected, out=out, where=expected > 0)
    return out


def _odds_ratio(table: FloatArray, z: float) -> tuple[float, tuple[float, float]]:
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
        return np.nan, (np.nan, np.nan)
    cells = table + 0.5 if (table == 0).any() else table
    log_ratio = float(np.log(cells[0, 0] * cells[1, 1]) - np.log(cells[0, 1] * cells[1, 0]))
    half = z * float(np.sqrt((1 / cells).sum()))
    limits = float(np.exp(log_ratio - half)), float(np.exp(log_ratio + half))
    return float(np.exp(log_ratio)), limits
