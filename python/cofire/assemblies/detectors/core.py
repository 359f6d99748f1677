"""Assemblies from the cores that frames of high activity share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer
from cofire.assemblies._blas import threaded_map
from cofire.assemblies.detectors._base import CoactivityDetector
from cofire.errors import InvalidArgumentError


class CORE(CoactivityDetector):
    """Cell assemblies of a calcium recording as clusters of cores.

    A frame of significant co-activity is similar to another one if they share more units than
    chance gives for their numbers of active units. The units that are active in at least half of
    the other frames that are similar to a frame are its core. Cores are clustered (k-means, Hamming
    distance); the units in at least half of a cluster's cores are an assembly.

    Parameters
    ----------
    raster : {"deconvolved", "romano", "threshold"} or array_like (n_frames, n_units) bool
        When units are active; "threshold" is the simple one of :class:`SGC`.
    shuffles : int >= 1, or "exact"
        Shuffles of every unit in time that show chance; "exact" computes their limit.
    p : float, (0, 1)
        Share of frames that chance may put above the co-activity threshold.
    relabelings : int >= 1, or "exact"
        Random relabelings of units that show how similar two frames are by chance (50,000 as
        published); "exact" computes their limit, a hypergeometric quantile.
    rounds : int, >= 1
        Of k-means, for each number of clusters.
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
    labels_ : ndarray (n_cores,) int64
        k where the core belongs to ``assemblies_[k - 1]``.
    patterns_ : ndarray (n_cores, n_units) bool
        Different cores.
    silhouette_ : ndarray (k_max + 1,) float64
        Highest mean silhouette for each number of clusters; NaN for 0 and 1.
    n_clusters_ : int
    raster_ : ndarray (n_kept, n_units) bool
    coactivity_ : ndarray (n_kept,) int64
    threshold_ : float
        Of significant co-activity.
    null_ : ndarray (n_units + 1,)
    peaks_ : ndarray (n_significant,) int64
        Frames of the recording with significant co-activity.
    frames_ : ndarray (n_kept,) int64
        Frames of the recording without NaN.
    n_assemblies_, n_dropped_ : int

    Notes
    -----
    A frame does not count as similar to itself: a frame like no other has no core. A core is kept
    if its units are active together in more frames than independent units would be. One cluster
    has no silhouette: it is chosen only where there is no other choice, with up to four cores, even
    if these are different assemblies; so a recording of few but perfect events is beyond this
    detector. Time and memory grow with the square of the number of significant frames.

    References
    ----------
    Miller et al. 2014, doi:10.1073/pnas.1406077111;
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> import cofire as cf
    >>> made = cf.datasets.make_calcium_recording(4, 3, 900.0, rng=1)
    >>> model = cf.assemblies.CORE().fit(made.traces)
    >>> model.n_assemblies_
    3
    >>> cf.assemblies.best_match(model.assemblies_, made.assemblies) > 0.9
    True
    """

    def __init__(
        self,
        raster: str | AnyArray = "deconvolved",
        shuffles: int | str = 1000,
        p: float = 0.05,
        relabelings: int | str = "exact",
        rounds: int = 100,
        n_std: float = 2.0,
        rate: float | None = None,
        half_life: float = 1.0,
        rng: int | np.random.Generator = 0,
        threads: int | None = None,
    ) -> None:
        self.raster = raster
        self.shuffles = shuffles
        self.p = p
        self.relabelings = relabelings
        self.rounds = rounds
        self.n_std = n_std
        self.rate = rate
        self.half_life = half_life
        self.rng = rng
        self.threads = threads

    def _check(self) -> None:
        self._check_coactivity()
        integer(self.rounds, "rounds", 1)
        if isinstance(self.relabelings, str):
            if self.relabelings != "exact":
                raise InvalidArgumentError(
                    f'relabelings must be a number or "exact", got {self.relabelings!r}'
                )
        else:
            integer(self.relabelings, "relabelings", 1)

    def _find(self, values: AnyArray, seeds: list[int]) -> tuple[Sequence[Any], IntArray]:
        significant = self._significant(values, seeds[0], at_threshold=False)
        frames = self.raster_[significant]
        self.patterns_: BoolArray = np.zeros((0, frames.shape[1]), dtype=bool)
        self.silhouette_: FloatArray = np.full(1, np.nan)
        self.n_clusters_ = 0
        if len(frames) == 0:
            return self._nothing(self._too_few(0, 1))
        relabelings = None if isinstance(self.relabelings, str) else int(self.relabelings)
        self.patterns_ = cores(self.raster_, frames, relabelings, seeds[1])
        n = len(self.patterns_)
        if n == 0:
            return self._nothing(
                f"none of {len(frames)} significant frames has a core that is active more often "
                "than by chance"
            )
        labels, self.silhouette_ = cluster_cores(
            self.patterns_, self.rounds, seeds[2], self.threads
        )
        self.n_clusters_ = int(labels.max())
        assemblies = []
        for cluster in range(1, self.n_clusters_ + 1):
            share = self.patterns_[labels == cluster].mean(axis=0)
            assemblies.append(np.flatnonzero(share >= 0.5))
        return assemblies, labels


def overlap_limits(sizes: IntArray, n_units: int, relabelings: int | None, seed: int) -> FloatArray:
    """Overlap of two frames that chance exceeds in 5 % of the cases.

    Correlation of binary frames of given sizes grows with their overlap alone, and the overlap
    after relabeling units is hypergeometric.

    Parameters
    ----------
    sizes : ndarray (m,) int64
        Distinct numbers of active units.
    n_units : int
    relabelings : int, optional
        Draws for each pair of sizes; None: the limit of many.
    seed : int

    Returns
    -------
    ndarray (m, m) float64, symmetric
    """
    from scipy.stats import hypergeom

    if relabelings is None:
        return np.asarray(hypergeom.ppf(0.95, n_units, sizes[:, None], sizes), dtype=np.float64)
    rng = np.random.default_rng(seed)
    limit: FloatArray = np.zeros((len(sizes), len(sizes)))
    for i, a in enumerate(sizes):
        for j, b in enumerate(sizes[: i + 1]):
            drawn = rng.hypergeometric(a, n_units - a, b, size=relabelings)
            limit[i, j] = limit[j, i] = np.percentile(drawn, 95)
    return limit


def cores(raster: BoolArray, frames: BoolArray, relabelings: int | None, seed: int) -> BoolArray:
    """Distinct cores of `frames` whose units fire together more often than by chance.

    Parameters
    ----------
    raster : ndarray (n_frames, n_units) bool
    frames : ndarray (n, n_units) bool
        Its significant frames.
    relabelings, seed
        See :func:`overlap_limits`.

    Returns
    -------
    ndarray (n_cores, n_units) bool, in the order of first appearance
    """
    n_units = frames.shape[1]
    sizes, which = np.unique(frames.sum(axis=1, dtype=np.int64), return_inverse=True)
    limit = overlap_limits(sizes, n_units, relabelings, seed)
    f = frames.astype(np.float32)
    similar = (f @ f.T > limit[which[:, None], which]).astype(np.float32)
    # The correlation of a frame with all units active is not defined.
    whole = frames.all(axis=1)
    similar[whole] = similar[:, whole] = 0.0
    np.fill_diagonal(similar, 0.0)
    n_similar = similar.sum(axis=1, keepdims=True)
    found: BoolArray = (similar @ f >= 0.5 * n_similar) & (n_similar > 0)
    found = found[found.any(axis=1)]
    if len(found) == 0:
        return found
    _, first = np.unique(found, axis=0, return_index=True)
    found = found[np.sort(first)]
    share = raster.mean(axis=0)
    kept = [raster[:, core].all(axis=1).mean() > share[core].prod() for core in found]
    return np.ascontiguousarray(found[kept])


def cluster_cores(
    patterns: BoolArray, rounds: int, seed: int, threads: int | None = None
) -> tuple[IntArray, FloatArray]:
    """Cluster cores by k-means with the Hamming distance.

    For 1 to ``ceil(n_cores / 4)`` clusters, `rounds` partitions are made; the number of clusters
    with the highest mean silhouette in any of them is chosen, and of its partitions the one with
    the smallest sum of distances.

    Parameters
    ----------
    patterns : ndarray (n_cores, n_units) bool
    rounds : int
    seed : int
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    labels : ndarray (n_cores,) int64
        From 1.
    silhouette : ndarray (k_max + 1,) float64
        NaN for 0 and 1.
    """
    from cofire.assemblies.detectors._hamming import hamming_k_means

    n, n_units = patterns.shape
    k_max = -(-n // 4)
    bits = np.ascontiguousarray(patterns, dtype=np.uint8)
    f = bits.astype(np.float64)
    on = f.sum(axis=1)
    distance = np.ascontiguousarray((on[:, None] + on - 2 * f @ f.T) / n_units)
    hamming_k_means.compile()  # on this thread, before others ask for it

    def best(k: int) -> tuple[float, IntArray]:
        draws = np.random.default_rng([seed, k]).random((rounds, k))
        highest, least, chosen = -np.inf, np.inf, np.zeros(n, dtype=np.int64)
        labels = np.empty(n, dtype=np.int64)
        for row in draws:
            total, silhouette = hamming_k_means(bits, distance, k, row, labels)
            highest = max(highest, silhouette)
            if total < least:
                least, chosen = total, labels.copy()
        return highest, chosen

    found = threaded_map(lambda i: best(i + 1), k_max, threads)
    silhouette = np.array([np.nan, np.nan, *(highest for highest, _ in found[1:])])
    chosen = int(np.nanargmax(silhouette)) if k_max > 1 else 1
    labels = np.unique(found[chosen - 1][1], return_inverse=True)[1].astype(np.int64)
    return labels + 1, silhouette
