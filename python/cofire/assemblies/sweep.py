"""How does the number of assemblies depend on the settings of the shuffle test?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import FloatArray, IntArray, integer
from cofire.assemblies.pcaica import PCAICA, check_percentile
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SignificanceSweep:
    """Thresholds and numbers of assemblies over settings of a shuffle test.

    Attributes
    ----------
    n_shuffles : ndarray (a,) int64
    percentiles : ndarray (b,) float64
    thresholds : ndarray (a, b) float64
        With "cross_svd", the threshold of the first singular value.
    n_assemblies : ndarray (a, b) int64
        Eigenvalues (singular values) above the threshold.
    eigenvalues : ndarray (n_active,) float64
    null : ndarray (max(n_shuffles),) float64
        Largest eigenvalue of each shuffle; row a uses the first ``n_shuffles[a]``.
    """

    n_shuffles: IntArray
    percentiles: FloatArray
    thresholds: FloatArray
    n_assemblies: IntArray
    eigenvalues: FloatArray
    null: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each pair of settings."""
        import pandas as pd

        shuffles, percentiles = np.meshgrid(self.n_shuffles, self.percentiles, indexing="ij")
        return pd.DataFrame(
            {
                "n_shuffles": shuffles.ravel(),
                "percentile": percentiles.ravel(),
                "threshold": self.thresholds.ravel(),
                "n_assemblies": self.n_assemblies.ravel(),
            }
        )

    def plot(self, **kwargs: Any) -> Any:
        """Number of assemblies by setting; see :func:`cofire.plot.plot_significance_sweep`."""
        return plotter("plot_significance_sweep")(self, **kwargs)

    def __repr__(self) -> str:
        low, high = self.n_assemblies.min(), self.n_assemblies.max()
        return (
            f"SignificanceSweep({self.n_assemblies.size} settings, {low} to {high} assemblies, "
            f"{len(self.null)} shuffles)"
        )


def sweep_significance(
    X: Any,
    n_shuffles: Sequence[int] = (100, 300, 1000),
    percentile: Sequence[float] = (90, 95, 99),
    *,
    detector: PCAICA | None = None,
) -> SignificanceSweep:
    """Count assemblies for several numbers of shuffles and percentiles, with one set of nulls.

    Parameters
    ----------
    X : array_like (n_units, n_bins) or BinnedSpikes
    n_shuffles : sequence of int, each >= 1
        The largest is computed; smaller ones use its first shuffles.
    percentile : sequence of float, 0 to 100
    detector : PCAICA, optional
        Everything else: null, groups, seed, threads. Default ``PCAICA(null="bin")``; "mp" counts
        as "bin". It is not changed.

    Returns
    -------
    SignificanceSweep

    Raises
    ------
    InvalidArgumentError
        Nothing to sweep over, no active unit, or a parameter out of range.

    Notes
    -----
    With ``rng_recipe="numpy"`` the first n shuffles equal those of ``n_shuffles=n``.

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import sweep_significance
    >>> counts = np.random.default_rng(0).poisson(0.3, (6, 2000))
    >>> counts[:3, ::40] += 2
    >>> sweep_significance(counts, [20, 50], [95, 99]).n_assemblies
    array([[1, 1],
           [1, 1]])
    """
    shuffles = np.array([integer(n, "n_shuffles", 1) for n in n_shuffles], dtype=np.int64)
    percentiles = np.array([check_percentile(p, "percentile") for p in percentile])
    if not (len(shuffles) and len(percentiles)):
        raise InvalidArgumentError("n_shuffles and percentile must hold at least one value each")
    model = PCAICA(null="bin") if detector is None else PCAICA(**detector.get_params())
    model.set_params(
        null="bin" if model.null == "mp" else model.null, n_shuffles=int(shuffles.max())
    )
    eigenvalues, null = model.spectrum(X)
    first = null if null.ndim == 1 else null[:, 0]
    thresholds = np.zeros((len(shuffles), len(percentiles)))
    counts = np.zeros(thresholds.shape, dtype=np.int64)
    for a, n in enumerate(shuffles):
        for b, p in enumerate(percentiles):
            threshold = model.threshold_for((0, 0), null[:n], p)
            thresholds[a, b] = np.ravel(threshold)[0]
            counts[a, b] = int((eigenvalues > threshold).sum())
    return SignificanceSweep(shuffles, percentiles, thresholds, counts, eigenvalues, first)
