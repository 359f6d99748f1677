"""Assemblies from obliquely rotated principal components of significant activity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer, real
from cofire.assemblies._blas import descending_eigenvalues, gram, one_blas_thread, top_eigenpairs
from cofire.assemblies.detectors._base import RasterDetector, z_scored
from cofire.assemblies.detectors._density import default_bandwidth, kernel_density
from cofire.assemblies.detectors._rotation import MAX_ITERATIONS, promax
from cofire.assemblies.detectors.ica import check_percentile, circular_null
from cofire.assemblies.detectors.random_sets import mean_correlation, synchrony
from cofire.errors import InvalidArgumentError

_DENSITY_POINTS = 10_000
_WINDOW = 3  # frames in which members count as active together


class _Promax(RasterDetector):
    """What the two variants share; they differ in how many components are kept."""

    merge: float
    n_random: int
    min_synchrony: float
    eigenvalues_: FloatArray
    n_components_: int
    cutoff_: float
    units_: IntArray

    def _check(self) -> None:
        self._check_raster()
        integer(self.n_random, "n_random", 2)
        for name in ("merge", "min_synchrony"):
            if not 0 <= real(getattr(self, name), name) <= 1:
                raise InvalidArgumentError(
                    f"{name} must lie in [0, 1], got {getattr(self, name)!r}"
                )

    def _n_components(self, z: FloatArray, seed: int) -> int:
        raise NotImplementedError

    def _find(self, values: AnyArray, seeds: list[int]) -> tuple[Sequence[Any], IntArray]:
        n_frames, n_units = values.shape
        self._make_raster(values)
        self.units_ = np.flatnonzero(self.raster_.any(axis=0))
        self.patterns_: FloatArray = np.zeros((0, n_units))
        self.eigenvalues_, self.n_components_, self.cutoff_ = np.zeros(0), 0, float("nan")
        self.correlation_: FloatArray = np.zeros(0)
        self.synchrony_: FloatArray = np.zeros(0)
        self.kept_: BoolArray = np.zeros(0, dtype=bool)
        if len(self.units_) < 2:
            return self._nothing(f"{len(self.units_)} units are ever active")
        raster = self.raster_[:, self.units_]
        z = z_scored(np.where(raster, values[:, self.units_], 0.0))
        with one_blas_thread():
            correlation = gram(z) / (n_frames - 1)
            self.eigenvalues_ = descending_eigenvalues(correlation)
        self.n_components_ = k = self._n_components(z, seeds[0])
        if k == 0:
            return self._nothing("no principal component exceeds chance")
        with one_blas_thread():
            axes = top_eigenpairs(correlation, k)[1]
            weights = _oriented(promax(axes, max_iterations=MAX_ITERATIONS))
        self.patterns_ = np.zeros((k, n_units))
        self.patterns_[:, self.units_] = weights.T
        self.cutoff_ = member_cutoff(weights)
        members, labels = merged(weights, self.cutoff_, self.merge)
        return self._significant_ones(raster, members, labels, seeds[1])

    def _significant_ones(
        self, raster: BoolArray, members: list[IntArray], labels: IntArray, seed: int
    ) -> tuple[list[IntArray], IntArray]:
        """Drop sets whose members are no more correlated or synchronous than random ones."""
        rng = np.random.default_rng(seed)
        observed, high = np.zeros((2, 2, len(members)))
        tests = mean_correlation(raster), synchrony(raster, _WINDOW)
        for k, units in enumerate(members):
            sets = np.array(
                [rng.choice(raster.shape[1], len(units), replace=False)
                 for _ in range(self.n_random)]
            )  # fmt: skip
            for i, test in enumerate(tests):
                observed[i, k] = test(units[None])[0]
                high[i, k] = np.percentile(test(sets), 95)
        high[1] = np.maximum(high[1], self.min_synchrony)
        self.correlation_, self.synchrony_ = observed
        sizes = np.array([len(units) for units in members])
        self.kept_ = (observed >= high).all(axis=0) & (sizes > 1)
        self.kept_ &= ~(_relative(observed) < -1)
        if not members:
            self._reason = "no unit stands out in any component"
        elif not self.kept_.any():
            self._reason = (
                f"none of {len(members)} sets of units is more correlated and synchronous than "
                "random ones"
            )
        kept = [self.units_[u] if ok else u[:0] for u, ok in zip(members, self.kept_, strict=True)]
        return kept, labels


class PromaxMP(_Promax):
    """Cell assemblies of a calcium recording by promax rotation, Marchenko-Pastur bound.

    dF/F is set to 0 where a unit is not significantly active. Leading principal components of its
    correlations are rotated obliquely (promax); units that stand out in a component are members;
    similar components are merged; sets of units that are no more correlated and synchronous than
    random ones are dropped. Components are kept until the first eigenvalue below
    ``(1 + sqrt(N / T))^2 + N^(-2/3)`` with N units that are ever active and T frames.

    Parameters
    ----------
    raster : {"romano", "deconvolved", "threshold"} or array_like (n_frames, n_units) bool
        When units are significantly active; "threshold" is the simple one of :class:`SGC`.
    merge : float, [0, 1]
        Merge components whose thresholded unit vectors have a larger scalar product.
    n_random : int, >= 2
        Random sets of units that a found one is compared with.
    min_synchrony : float, [0, 1]
        Share of the members that must be active within some three frames.
    n_std : float
        Of the raster "threshold".
    rate : float, Hz, optional
        Frames a second; default that of the Traces. The raster "threshold" needs none.
    half_life : float, s
        Of calcium.
    rng : int or numpy.random.Generator
    threads : int, optional
        Results do not depend on it.

    Attributes
    ----------
    assemblies_ : list of ndarray of int64
        Units of each assembly, ascending.
    labels_ : ndarray (n_components,) int64
        k where the component (or what it was merged into) is ``assemblies_[k - 1]``, 0 where it was
        dropped.
    patterns_ : ndarray (n_components, n_units) float64
        Rotated components of unit length; 0 for units that are never active.
    raster_ : ndarray (n_kept, n_units) bool
    eigenvalues_ : ndarray (n_active_units,) float64
    cutoff_ : float
        A unit is a member of a component if its weight, z-scored over units, is at least this.
    correlation_, synchrony_ : ndarray (n_candidates,) float64
        Of the candidate sets after merging.
    kept_ : ndarray (n_candidates,) bool
    frames_ : ndarray (n_kept,) int64
        Frames of the recording without NaN.
    n_components_, n_assemblies_, n_dropped_ : int

    Notes
    -----
    Where the source leaves a choice: varimax before promax uses Kaiser's normalization and the
    power is 4; merging adds the whole vectors and thresholds the sum again; if the density of the
    largest z-scores has no local minimum, no unit stands out; synchrony counts members active at
    least once in three frames; sets of one unit are dropped.

    References
    ----------
    Romano et al. 2015, doi:10.1016/j.neuron.2015.01.027;
    Romano et al. 2017, doi:10.1371/journal.pcbi.1005526;
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> import cofire as cf
    >>> made = cf.datasets.make_calcium_recording(4, 2, 600.0, rng=1)
    >>> model = cf.assemblies.PromaxMP(raster="threshold").fit(made.traces)
    >>> model.n_assemblies_
    2
    >>> cf.assemblies.best_match(model.assemblies_, made.assemblies) > 0.8
    True
    """

    def __init__(
        self,
        raster: str | AnyArray = "romano",
        merge: float = 0.6,
        n_random: int = 1000,
        min_synchrony: float = 2 / 3,
        n_std: float = 2.0,
        rate: float | None = None,
        half_life: float = 1.0,
        rng: int | np.random.Generator = 0,
        threads: int | None = None,
    ) -> None:
        self.raster = raster
        self.merge = merge
        self.n_random = n_random
        self.min_synchrony = min_synchrony
        self.n_std = n_std
        self.rate = rate
        self.half_life = half_life
        self.rng = rng
        self.threads = threads

    def _n_components(self, z: FloatArray, seed: int) -> int:
        n_units, n_frames = z.shape
        self.threshold_ = float((1 + np.sqrt(n_units / n_frames)) ** 2 + n_units ** (-2 / 3))
        below = self.eigenvalues_ < self.threshold_
        return int(below.argmax()) if below.any() else n_units


class PromaxCS(_Promax):
    """Cell assemblies of a calcium recording by promax rotation, circular-shift surrogates.

    As :class:`PromaxMP`, but components are kept until the first eigenvalue that is no larger than
    a percentile of the largest eigenvalue after every unit was rolled in time by a random lag.

    Parameters
    ----------
    raster : {"romano", "deconvolved", "threshold"} or array_like (n_frames, n_units) bool
    n_shuffles : int, >= 1
        Surrogates.
    percentile : float, [0, 100]
        Of their largest eigenvalues.
    merge, n_random, min_synchrony, n_std, rate, half_life, rng, threads
        See :class:`PromaxMP`.

    Attributes
    ----------
    null_ : ndarray (n_shuffles,) float64
        Largest eigenvalues of the surrogates.
    threshold_ : float
    assemblies_, labels_, patterns_, ...
        See :class:`PromaxMP`.

    References
    ----------
    Romano et al. 2017, doi:10.1371/journal.pcbi.1005526;
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4
    """

    def __init__(
        self,
        raster: str | AnyArray = "romano",
        n_shuffles: int = 500,
        percentile: float = 95.0,
        merge: float = 0.6,
        n_random: int = 1000,
        min_synchrony: float = 2 / 3,
        n_std: float = 2.0,
        rate: float | None = None,
        half_life: float = 1.0,
        rng: int | np.random.Generator = 0,
        threads: int | None = None,
    ) -> None:
        self.raster = raster
        self.n_shuffles = n_shuffles
        self.percentile = percentile
        self.merge = merge
        self.n_random = n_random
        self.min_synchrony = min_synchrony
        self.n_std = n_std
        self.rate = rate
        self.half_life = half_life
        self.rng = rng
        self.threads = threads

    def _check(self) -> None:
        super()._check()
        integer(self.n_shuffles, "n_shuffles", 1)
        check_percentile(self.percentile)

    def _n_components(self, z: FloatArray, seed: int) -> int:
        self.null_: FloatArray = circular_null(z, self.n_shuffles, seed, self.threads)
        self.threshold_ = float(np.percentile(self.null_, self.percentile))
        below = self.eigenvalues_ <= self.threshold_
        return int(below.argmax()) if below.any() else len(z)


def member_cutoff(weights: FloatArray) -> float:
    """The leftmost dip in the density of every unit's largest z-scored weight.

    Parameters
    ----------
    weights : ndarray (n_units, k) float64

    Returns
    -------
    float; infinite where the density has no local minimum
    """
    largest = z_scored(weights).max(axis=0)
    bandwidth = default_bandwidth(largest)
    if not bandwidth > 0:
        return float("inf")
    at = np.linspace(largest.min() - 3 * bandwidth, largest.max() + 3 * bandwidth, _DENSITY_POINTS)
    density = kernel_density(largest, at, bandwidth / 2)
    # Between far groups the density is 0 for many points: their first is the dip.
    falls, rises = np.diff(density) < 0, np.diff(density) > 0
    for i in np.flatnonzero(falls[:-1] & ~falls[1:]):
        later = np.flatnonzero(rises[i + 1 :] | falls[i + 1 :])
        if len(later) and rises[i + 1 + later[0]]:
            return float(at[i + 1])
    return float("inf")


def merged(weights: FloatArray, cutoff: float, limit: float) -> tuple[list[IntArray], IntArray]:
    """Merge similar components; members of what is left, and for each component where it went.

    Parameters
    ----------
    weights : ndarray (n_units, k) float64
        Unit vectors in columns.
    cutoff : float
        Members have a z-scored weight of at least this.
    limit : float
        The most similar pair is merged as long as the scalar product of its thresholded unit
        vectors is larger.

    Returns
    -------
    members : list of ndarray of int64
    labels : ndarray (k,) int64
        From 1; 0 for a component without members.
    """
    vectors, thresholded, origins = [], [], []
    for k, vector in enumerate(weights.T):
        cut = _thresholded(vector, cutoff)
        if cut.any():
            vectors.append(vector)
            thresholded.append(cut)
            origins.append([k])
    while len(vectors) > 1:
        stacked = np.array(thresholded)
        similar = np.triu(stacked @ stacked.T, 1)
        i, j = np.unravel_index(int(similar.argmax()), similar.shape)
        if not similar[i, j] > limit:
            break
        total = vectors[i] + vectors[j]
        total /= np.linalg.norm(total)
        cut = _thresholded(total, cutoff)
        vectors[i], thresholded[i] = total, cut
        origins[i] = origins[i] + origins[j]
        gone = [j] if cut.any() else [j, i]  # j > i
        for where in gone:
            for items in (vectors, thresholded, origins):
                del items[where]
    labels = np.zeros(weights.shape[1], dtype=np.int64)
    for number, origin in enumerate(origins, start=1):
        labels[origin] = number
    return [np.flatnonzero(cut) for cut in thresholded], labels


def _thresholded(vector: FloatArray, cutoff: float) -> FloatArray:
    z = z_scored(vector[:, None])[0]
    cut = np.where(z >= cutoff, vector, 0.0)
    length = np.linalg.norm(cut)
    return cut / length if length > 0 else cut


def _oriented(rotated: FloatArray) -> FloatArray:
    """Columns of unit length whose largest entry is positive."""
    length = np.linalg.norm(rotated, axis=0)
    unit = rotated / np.where(length > 0, length, 1.0)
    flip = unit.max(axis=0) < -unit.min(axis=0)
    return np.asarray(unit * np.where(flip, -1.0, 1.0))


def _relative(observed: FloatArray) -> FloatArray:
    """How each set compares with the others: mean of its two z-scores over sets, z-scored again.

    0 for sets of one unit, which have no correlation.
    """
    relative = np.zeros(observed.shape[1])
    pairs = np.isfinite(observed).all(axis=0)
    if pairs.sum() > 1:
        scores = z_scored(observed[:, pairs].T)
        relative[pairs] = z_scored(scores.mean(axis=0)[:, None])[0]
    return relative
