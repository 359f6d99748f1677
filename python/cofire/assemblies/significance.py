"""Which events stand out from their shuffles, and which units covary?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray, matrix, one_of, vector
from cofire.assemblies._estimator import as_bins
from cofire.assemblies.pcaica import check_percentile
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SignificantEvents:
    """Events compared with their own shuffles.

    Attributes
    ----------
    index : ndarray (n_significant,) int64
        Events beyond the percentile of their shuffles.
    pvalues : ndarray (n_events,) float64
    zscores : ndarray (n_events,) float64
        Distance from the shuffles' mean in their standard deviations.
    n_shuffles : int
    tail : {"both", "right", "left"}
    """

    index: IntArray
    pvalues: FloatArray
    zscores: FloatArray
    n_shuffles: int
    tail: str

    def __iter__(self) -> Iterator[Any]:
        """Unpack as ``index, pvalues, zscores``."""
        return iter((self.index, self.pvalues, self.zscores))

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each event."""
        import pandas as pd

        significant = np.zeros(len(self.pvalues), dtype=bool)
        significant[self.index] = True
        return pd.DataFrame({"significant": significant, "p": self.pvalues, "z": self.zscores})

    def __repr__(self) -> str:
        return (
            f"SignificantEvents({len(self.index)} of {len(self.pvalues)} events, "
            f"tail {self.tail}, {self.n_shuffles} shuffles)"
        )


@dataclass(frozen=True, slots=True)
class PairwiseCorrelation:
    """Correlation of every pair of rows.

    Attributes
    ----------
    rho : ndarray (n_pairs,) float64
    pvalues : ndarray (n_pairs,) float64
    pairs : ndarray (n_pairs, 2) int64
    method : str
    """

    rho: FloatArray
    pvalues: FloatArray
    pairs: IntArray
    method: str

    def __iter__(self) -> Iterator[Any]:
        """Unpack as ``rho, pvalues, pairs``."""
        return iter((self.rho, self.pvalues, self.pairs))

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each pair."""
        import pandas as pd

        return pd.DataFrame(
            {
                "first": self.pairs[:, 0],
                "second": self.pairs[:, 1],
                "rho": self.rho,
                "p": self.pvalues,
            }
        )

    def __repr__(self) -> str:
        return f"PairwiseCorrelation({len(self.pairs)} pairs, {self.method})"


def significant_events(
    scores: Any, shuffled: Any, q: float = 95, *, tail: str = "both"
) -> SignificantEvents:
    """Find events whose score lies beyond a percentile of its shuffles.

    Parameters
    ----------
    scores : array_like (n_events,)
        NaN: p = 1, never significant.
    shuffled : array_like (n_shuffles, n_events)
    q : float, 0 to 100
        Percentile that a score must pass, strictly ("left": 100 - q, from above).
    tail : {"both", "right", "left"}
        "both" compares absolute values.

    Returns
    -------
    SignificantEvents
        ``p = (r + 1) / (n_shuffles + 1)``, r shuffles as extreme as the score or more. Shuffles
        without spread give z = NaN.

    Raises
    ------
    InvalidArgumentError
        Shapes that do not fit, no shuffles, unknown tail.

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import significant_events
    >>> shuffled = np.random.default_rng(0).normal(size=(99, 2))
    >>> significant_events([0.1, 5.0], shuffled).index
    array([1])
    """
    one_of(tail, "tail", ("both", "right", "left"))
    check_percentile(q, "q")
    observed = vector(scores, "scores", finite=False)
    null = matrix(shuffled, "shuffled")
    if null.shape[1] != len(observed) or len(null) == 0:
        raise InvalidArgumentError(
            f"shuffled must have shape (n_shuffles, {len(observed)}) with at least one shuffle, "
            f"got {null.shape}"
        )
    if tail == "both":
        observed, null = np.abs(observed), np.abs(null)
    if tail == "left":
        beyond = observed < np.percentile(null, 100 - q, axis=0)
        extreme = null <= observed
    else:
        beyond = observed > np.percentile(null, q, axis=0)
        extreme = null >= observed
    pvalues = (extreme.sum(axis=0) + 1) / (len(null) + 1)
    pvalues[np.isnan(observed)] = 1.0
    spread = null.std(axis=0)
    zscores = np.divide(
        observed - null.mean(axis=0), spread, out=np.full(len(observed), np.nan), where=spread > 0
    )
    return SignificantEvents(np.flatnonzero(beyond), pvalues, zscores, len(null), tail)


def pairwise_corr(x: Any, method: str = "pearson") -> PairwiseCorrelation:
    """Correlate every pair of rows.

    Parameters
    ----------
    x : array_like (n_units, n_bins) or BinnedSpikes
    method : {"pearson", "spearman", "kendall"}

    Returns
    -------
    PairwiseCorrelation
        Pairs (i, j), i < j, in lexicographic order. A constant row gives rho = p = NaN.

    Raises
    ------
    InvalidArgumentError
        NaN in `x`, fewer than 3 bins, unknown method.

    Examples
    --------
    >>> from cofire.assemblies import pairwise_corr
    >>> pairwise_corr([[1, 2, 3, 4], [2, 4, 6, 9], [1, 0, 1, 0]]).pairs
    array([[0, 1],
           [0, 2],
           [1, 2]])
    """
    from scipy import stats

    one_of(method, "method", ("pearson", "spearman", "kendall"))
    rows = as_bins(x, "x")
    if rows.shape[1] < 3:
        raise InvalidArgumentError(f"x must have at least 3 bins, got {rows.shape[1]}")
    first, second = np.triu_indices(len(rows), 1)
    pairs = np.column_stack([first, second]).astype(np.int64)
    varies = rows.max(axis=1) > rows.min(axis=1)
    rho = np.full(len(pairs), np.nan)
    pvalues = np.full(len(pairs), np.nan)
    defined = varies[first] & varies[second]
    if method == "kendall":
        for k in np.flatnonzero(defined):
            rho[k], pvalues[k] = stats.kendalltau(rows[first[k]], rows[second[k]])
    elif defined.any():
        used = rows[varies]
        ranked = used if method == "pearson" else stats.rankdata(used, axis=1)
        position = np.cumsum(varies) - 1
        table = np.corrcoef(ranked)
        rho[defined] = table[position[first[defined]], position[second[defined]]]
        degrees = rows.shape[1] - 2
        r = np.clip(rho[defined], -1.0, 1.0)
        with np.errstate(divide="ignore"):
            t = np.abs(r) * np.sqrt(degrees / ((1.0 - r) * (1.0 + r)))
        pvalues[defined] = 2 * stats.t.sf(t, degrees)
    return PairwiseCorrelation(rho, pvalues, pairs, method)
