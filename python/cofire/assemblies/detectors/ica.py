"""Assemblies from independent components of dF/F."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray, integer, one_of, real
from cofire.assemblies._blas import descending_eigenvalues, gram, one_blas_thread, top_eigenpairs
from cofire.assemblies.detectors._base import CalciumDetector, largest_eigenvalue, z_scored
from cofire.assemblies.ica import _decorrelate, _step
from cofire.assemblies.nulls import Surrogates, gram_statistics
from cofire.errors import InvalidArgumentError

_SETTLED = 1e-12  # change of an iteration, below which later ones change nothing either


class ICA(CalciumDetector):
    """Cell assemblies of a calcium recording as independent components.

    The eigenvalues of the correlation matrix of dF/F that exceed chance tell how many components
    there are. FastICA (symmetric, tanh) rotates them, and units of large weight are the members.

    Parameters
    ----------
    null : {"mp", "cs"}
        Chance level of eigenvalues: the Marchenko-Pastur bound ``(1 + sqrt(n_units / n_frames))^2``
        (*ICA-MP*), or a percentile of the largest eigenvalue after every unit was rolled in time by
        a random lag (*ICA-CS*).
    n_shuffles : int, >= 1
        Surrogates of "cs".
    percentile : float, [0, 100]
        Of "cs".
    n_std : float
        Members have ``|weight| > mean + n_std * std`` (ddof 1) of the component's ``|weight|``.
    alpha : float, (0, 1), or None
        Keep only components whose z-scored weights differ from a standard Gaussian
        (Kolmogorov-Smirnov) with ``p < alpha``. None: keep all. "auto", the default: 1e-10 with
        "mp", None with "cs", as published.
    n_iterations : int, >= 1
        Of FastICA. It ends before if an iteration changes nothing.
    rng : int or numpy.random.Generator
    threads : int, optional
        Results do not depend on it.

    Attributes
    ----------
    assemblies_ : list of ndarray of int64
        Units of each assembly, ascending.
    labels_ : ndarray (n_components,) int64
        k where the component is ``assemblies_[k - 1]``, 0 where it was dropped.
    patterns_ : ndarray (n_components, n_units) float64
        Weights; the largest is positive.
    eigenvalues_ : ndarray (n_units,) float64
        Of the correlation matrix, largest first.
    threshold_ : float
    null_ : ndarray (n_shuffles,) float64
        Largest eigenvalues of surrogates; empty with "mp".
    ks_p_ : ndarray (n_components,) float64
        Of the test against a Gaussian.
    frames_ : ndarray (n_kept,) int64
        Frames of the recording without NaN.
    n_dropped_, n_components_, n_assemblies_ : int

    Raises
    ------
    InvalidArgumentError
        From ``fit``: fewer frames than units.

    Notes
    -----
    Correlations with a constant unit count as 0. Members of one component may have weights of both
    signs. Without components ``assemblies_`` is empty and a :class:`NoAssemblyWarning` says why.

    References
    ----------
    Lopes-dos-Santos et al. 2013, doi:10.1016/j.jneumeth.2013.04.010;
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import ICA
    >>> rng = np.random.default_rng(0)
    >>> dff = rng.normal(0, 0.1, (2000, 60))
    >>> dff[10::50, :8] += 1
    >>> dff[35::50, 8:16] += 1
    >>> model = ICA().fit(dff)
    >>> sorted(units.tolist() for units in model.assemblies_)
    [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]]
    """

    def __init__(
        self,
        null: str = "mp",
        n_shuffles: int = 500,
        percentile: float = 95.0,
        n_std: float = 2.0,
        alpha: float | str | None = "auto",
        n_iterations: int = 500,
        rng: int | np.random.Generator = 0,
        threads: int | None = None,
    ) -> None:
        self.null = null
        self.n_shuffles = n_shuffles
        self.percentile = percentile
        self.n_std = n_std
        self.alpha = alpha
        self.n_iterations = n_iterations
        self.rng = rng
        self.threads = threads

    def _check(self) -> None:
        one_of(self.null, "null", ("mp", "cs"))
        integer(self.n_shuffles, "n_shuffles", 1)
        integer(self.n_iterations, "n_iterations", 1)
        real(self.n_std, "n_std")
        check_percentile(self.percentile)
        if isinstance(self.alpha, str):
            one_of(self.alpha, "alpha", ("auto",))
        elif self.alpha is not None and not 0 < real(self.alpha, "alpha") < 1:
            raise InvalidArgumentError(f"alpha must lie between 0 and 1, got {self.alpha!r}")

    def _find(self, values: AnyArray, seeds: list[int]) -> tuple[Sequence[Any], IntArray]:
        n_frames, n_units = values.shape
        if n_frames < n_units:
            raise InvalidArgumentError(
                f"ICA needs at least as many frames as units, got {n_frames} frames without NaN "
                f"and {n_units} units; record for longer or leave units out"
            )
        self.patterns_: FloatArray = np.zeros((0, n_units))
        self.ks_p_: FloatArray = np.zeros(0)
        self.eigenvalues_: FloatArray = np.zeros(n_units)
        self.null_: FloatArray = np.zeros(0)
        self.n_components_, self.threshold_ = 0, float("nan")
        if n_units == 0 or n_frames < 2:
            return self._nothing(f"{n_frames} frames of {n_units} units")
        z = z_scored(values)
        with one_blas_thread():
            correlation = gram(z) / (n_frames - 1)
            self.eigenvalues_ = descending_eigenvalues(correlation)
        if self.null == "mp":
            self.threshold_ = float((1 + np.sqrt(n_units / n_frames)) ** 2)
        else:
            self.null_ = circular_null(z, self.n_shuffles, seeds[0], self.threads)
            self.threshold_ = float(np.percentile(self.null_, self.percentile))
        self.n_components_ = k = int((self.eigenvalues_ > self.threshold_).sum())
        if k == 0:
            return self._nothing(f"no eigenvalue of the correlations exceeds {self.threshold_:.3g}")
        with one_blas_thread():
            self.patterns_ = independent_patterns(z, correlation, k, self.n_iterations, seeds[1])
        return self._members()

    def _members(self) -> tuple[list[IntArray], IntArray]:
        from scipy.stats import kstest

        size = np.abs(self.patterns_)
        deviation = size.std(axis=1, ddof=1, keepdims=True) if size.shape[1] > 1 else 0.0
        member = size > size.mean(axis=1, keepdims=True) + self.n_std * deviation
        scores = z_scored(self.patterns_.T) if size.shape[1] > 1 else np.zeros_like(size)
        self.ks_p_ = np.array([float(kstest(row, "norm").pvalue) for row in scores])
        alpha = self.alpha
        if isinstance(alpha, str):
            alpha = 1e-10 if self.null == "mp" else None
        if alpha is not None:
            member[~(self.ks_p_ < alpha)] = False
            self._reason = (
                f"none of {len(size)} components has weights that differ from a Gaussian at "
                f"p < {alpha:g}, and members"
            )
        return [np.flatnonzero(row) for row in member], np.arange(1, len(member) + 1)


def circular_null(z: FloatArray, n_shuffles: int, seed: int, threads: int | None) -> FloatArray:
    """Largest eigenvalue of the correlations after every unit was rolled by a random lag.

    Parameters
    ----------
    z : ndarray (n_units, n_frames) float64
        Rows of mean 0 and standard deviation 1.
    n_shuffles : int
    seed : int
    threads : int, optional

    Returns
    -------
    ndarray (n_shuffles,) float64
    """
    surrogates = Surrogates("circ", n_shuffles, seed, threads=threads)
    return np.asarray(gram_statistics(z, largest_eigenvalue, surrogates) / (z.shape[1] - 1))


def check_percentile(percentile: float) -> None:
    """Refuse a percentile outside [0, 100]."""
    if not 0 <= real(percentile, "percentile") <= 100:
        raise InvalidArgumentError(f"percentile must lie in [0, 100], got {percentile!r}")


def independent_patterns(
    z: FloatArray, correlation: FloatArray, k: int, n_iterations: int, seed: int
) -> FloatArray:
    """Weights (k, n_units) of the independent components of the `k` first principal ones."""
    variances, axes = top_eigenpairs(correlation, k)
    white = (axes / np.sqrt(variances)).T @ z
    rotation = _decorrelate(np.random.default_rng(seed).normal(size=(k, k)))
    for _ in range(n_iterations):
        moved = _decorrelate(_step(white, rotation))
        # A row may change its sign from one iteration to the next.
        sign = np.sign(np.einsum("ij,ij->i", moved, rotation))
        change = float(np.abs(moved - sign[:, None] * rotation).max())
        rotation = moved
        if change < _SETTLED:
            break
    patterns = rotation @ (axes * np.sqrt(variances)).T
    largest = patterns[np.arange(k), np.abs(patterns).argmax(axis=1)]
    return np.ascontiguousarray(patterns * np.where(largest < 0, -1.0, 1.0)[:, None])
