"""Do assemblies tell clips apart better than random ensembles do?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, matrix
from cofire.assemblies.function.decoder import confusion_percentages
from cofire.errors import InvalidArgumentError
from cofire.stats import RankTest, rank_sum

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionComparison:
    """Two confusion matrices compared, in percent of each true class.

    Attributes
    ----------
    first, second : ndarray (n_classes, n_classes) float64
        Percentages, rounded to whole ones if asked for.
    difference : ndarray (n_classes, n_classes) float64
        first - second.
    diagonal : RankTest
        Mann-Whitney test of the diagonals, one-sided: the first is larger.
    diagonal_uncorrected : RankTest
        The same as normal rank sum without corrections for ties and continuity.
    cells : RankTest
        Mann-Whitney test of all cells, two-sided.
    """

    first: FloatArray
    second: FloatArray
    difference: FloatArray
    diagonal: RankTest
    diagonal_uncorrected: RankTest
    cells: RankTest

    @property
    def rank_biserial(self) -> float:
        """``1 - 2 U / n^2`` of the diagonals, as published: negative where the first is larger."""
        return -self.diagonal.effect

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each test."""
        import pandas as pd

        tests = {
            "diagonal": self.diagonal,
            "diagonal, uncorrected": self.diagonal_uncorrected,
            "all cells": self.cells,
        }
        return pd.DataFrame(
            [
                {
                    "what": name,
                    "alternative": test.alternative,
                    "u": test.statistic,
                    "z": test.z,
                    "p": test.p,
                    "cliffs_delta": test.effect,
                }
                for name, test in tests.items()
            ]
        )

    def __repr__(self) -> str:
        means = [float(m.diagonal().mean()) for m in (self.first, self.second)]
        return (
            f"ConfusionComparison(diagonal {means[0]:.1f} % against {means[1]:.1f} %, "
            f"U = {self.diagonal.statistic:g}, p = {self.diagonal.p:.3g})"
        )


def compare_confusions(first: Any, second: Any, *, rounded: bool = True) -> ConfusionComparison:
    """Compare two confusion matrices by rank tests of their percentages.

    Parameters
    ----------
    first, second : array_like (n_classes, n_classes)
        Counts (or anything whose rows are shares), rows true classes; every row has some.
    rounded : bool
        Compare whole percentages, as published.

    Returns
    -------
    ConfusionComparison

    Raises
    ------
    InvalidArgumentError
        Matrices that are not square or of different size, negative counts, a class without frames.

    Notes
    -----
    Cells of a row depend on each other and classes are the sample: p describes these classes, not
    other recordings.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import compare_confusions
    >>> good, poor = np.full((5, 5), 1.0), np.full((5, 5), 1.0)
    >>> good[np.diag_indices(5)] = [6, 7, 8, 9, 10]
    >>> compare_confusions(good, poor).diagonal.effect
    1.0
    """
    shares = [_percent(value, name) for value, name in ((first, "first"), (second, "second"))]
    if shares[0].shape != shares[1].shape:
        raise InvalidArgumentError(
            f"first and second must have the same classes, got {shares[0].shape} and "
            f"{shares[1].shape}"
        )
    a, b = (np.round(s) for s in shares) if rounded else shares
    diagonals = a.diagonal(), b.diagonal()
    return ConfusionComparison(
        first=a,
        second=b,
        difference=a - b,
        diagonal=rank_sum(*diagonals, alternative="greater"),
        diagonal_uncorrected=rank_sum(*diagonals, method="uncorrected", alternative="greater"),
        cells=rank_sum(a.ravel(), b.ravel()),
    )


def _percent(value: Any, name: str) -> FloatArray:
    counts = matrix(value, name)
    n = len(counts)
    if counts.shape != (n, n) or n == 0:
        raise InvalidArgumentError(f"{name} must be a square matrix, got shape {counts.shape}")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise InvalidArgumentError(f"{name} must hold finite counts >= 0")
    if (counts.sum(axis=1) == 0).any():
        k = int(np.flatnonzero(counts.sum(axis=1) == 0)[0])
        raise InvalidArgumentError(f"{name} has no frames of class {k}; leave that class out")
    return confusion_percentages(counts)
