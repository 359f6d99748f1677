"""Assemblies from states: frames that resemble the same other frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer, real
from cofire.assemblies._blas import one_blas_thread
from cofire.assemblies.detectors._base import CoactivityDetector
from cofire.errors import InvalidArgumentError

MIN_FRAMES = 3
_FIRST_CUT, _CUT_STEP = 0.4, 0.01
_MEMBER_LEVELS = np.arange(1, 11) / 100
_SIMILARITY_BINS = 100  # of 0.01


class SVD(CoactivityDetector):
    """Cell assemblies of a calcium recording from the singular vectors of frame similarity.

    Frames of significant co-activity, weighted by TF-IDF, are compared by cosine similarity; what
    exceeds time-shuffled frames is 1, the rest 0. Rows of that matrix are compared by Jaccard
    similarity, made binary in the same way. Its singular vectors are the *states*; the units that
    are prominent in a state's frames are an assembly.

    Parameters
    ----------
    raster : {"deconvolved", "romano", "threshold"} or array_like (n_frames, n_units) bool
        When units are active; "threshold" is the simple one of :class:`SGC`.
    shuffles : int >= 1, or "exact"
        Shuffles of every unit in time that show chance; "exact" computes their limit.
    p : float, (0, 1)
        Share of frames that chance may put above the co-activity threshold.
    similarity_shuffles : int, >= 1
        Time-shuffles that show chance similarity.
    similarity_percentiles : (float, float)
        Of the cosine and of the Jaccard similarity by chance.
    min_share : float, [0, 1]
        States with a smaller share of the summed square roots of entries are dropped.
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
    labels_ : ndarray (n_significant,) int64
        k where the frame is in the state of ``assemblies_[k - 1]``, 0 where it is in none.
    patterns_ : ndarray (n_significant, n_units) bool
        Significant frames.
    cutoffs_ : ndarray (2,) float64
        Of the cosine and the Jaccard similarity.
    singular_values_ : ndarray (n_significant,) float64
    cut_ : float
        Of the entries of ``v v' s``, where no frame is in two states any more.
    raster_, coactivity_, threshold_, null_, peaks_, frames_, n_assemblies_, n_dropped_
        See :class:`CORE`.

    Notes
    -----
    Where the source leaves a choice: a shuffle permutes every unit over the significant frames (and
    every row of the binary similarity over its columns); similarities of different frames are
    pooled; frame i is in state n if ``v[i, n]^2 s[n]`` exceeds the cut; at most a quarter of the
    number of units are states; of equally good levels of membership the highest counts.

    References
    ----------
    Carrillo-Reid et al. 2015, doi:10.1523/JNEUROSCI.5214-14.2015;
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import SVD
    >>> rng = np.random.default_rng(0)
    >>> dff = rng.normal(0, 0.1, (2000, 30))
    >>> dff[10::50, :8] += 1
    >>> dff[35::50, 8:16] += 1
    >>> model = SVD(raster="threshold", n_std=4).fit(dff)
    >>> sorted(units.tolist() for units in model.assemblies_)
    [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]]
    """

    def __init__(
        self,
        raster: str | AnyArray = "deconvolved",
        shuffles: int | str = 1000,
        p: float = 0.01,
        similarity_shuffles: int = 20,
        similarity_percentiles: tuple[float, float] = (98.0, 99.0),
        min_share: float = 0.025,
        n_std: float = 2.0,
        rate: float | None = None,
        half_life: float = 1.0,
        rng: int | np.random.Generator = 0,
        threads: int | None = None,
    ) -> None:
        self.raster = raster
        self.shuffles = shuffles
        self.p = p
        self.similarity_shuffles = similarity_shuffles
        self.similarity_percentiles = similarity_percentiles
        self.min_share = min_share
        self.n_std = n_std
        self.rate = rate
        self.half_life = half_life
        self.rng = rng
        self.threads = threads

    def _check(self) -> None:
        self._check_coactivity()
        integer(self.similarity_shuffles, "similarity_shuffles", 1)
        if not 0 <= real(self.min_share, "min_share") <= 1:
            raise InvalidArgumentError(f"min_share must lie in [0, 1], got {self.min_share!r}")
        if np.shape(self.similarity_percentiles) != (2,) or not all(
            0 <= real(q, "similarity_percentiles") <= 100 for q in self.similarity_percentiles
        ):
            raise InvalidArgumentError(
                "similarity_percentiles must be two numbers in [0, 100], got "
                f"{self.similarity_percentiles!r}"
            )

    def _find(self, values: AnyArray, seeds: list[int]) -> tuple[Sequence[Any], IntArray]:
        significant = self._significant(values, seeds[0], at_threshold=True)
        self.patterns_: BoolArray = self.raster_[significant]
        self.cutoffs_: FloatArray = np.full(2, np.nan)
        self.singular_values_: FloatArray = np.zeros(0)
        self.cut_ = float("nan")
        n, n_units = self.patterns_.shape
        if n < MIN_FRAMES:
            return self._nothing(self._too_few(n, MIN_FRAMES))
        rng = np.random.default_rng(seeds[1])
        with one_blas_thread():
            weighted = tf_idf(self.patterns_)
            similar = self._similar(weighted, rng)
            _, s, vt = np.linalg.svd(similar.astype(np.float64))
        self.singular_values_ = s
        n_factors = min(int(np.floor(n_units / 4 + 0.5)), n)
        states, self.cut_ = separate_states(vt[:n_factors].T, s[:n_factors], self.min_share)
        if states.shape[1] == 0:
            return self._nothing(f"the {n} significant frames fall into no separate states")
        labels = np.where(states.any(axis=1), states.argmax(axis=1) + 1, 0)
        members = [state_members(self.patterns_, weighted, state) for state in states.T]
        return members, labels

    def _similar(self, weighted: FloatArray, rng: np.random.Generator) -> BoolArray:
        """Binary Jaccard similarity of the rows of the binary cosine similarity."""
        cosine_null, jaccard_null = np.zeros((2, _SIMILARITY_BINS), dtype=np.int64)
        for _ in range(self.similarity_shuffles):
            shuffled = rng.permuted(self.patterns_, axis=0)
            cosine_null += _pair_histogram(cosine_similarity(tf_idf(shuffled)))
        self.cutoffs_[0] = histogram_point(cosine_null, self.similarity_percentiles[0])
        similar = cosine_similarity(weighted) > self.cutoffs_[0]
        for _ in range(self.similarity_shuffles):
            shuffled = rng.permuted(similar, axis=1)
            jaccard_null += _pair_histogram(jaccard_similarity(shuffled))
        self.cutoffs_[1] = histogram_point(jaccard_null, self.similarity_percentiles[1])
        return np.asarray(jaccard_similarity(similar) > self.cutoffs_[1])


def tf_idf(frames: BoolArray) -> FloatArray:
    """Active units of each frame weighted by ``1 / |frame| * ln(n / frames of the unit)``.

    Parameters
    ----------
    frames : ndarray (n, n_units) bool

    Returns
    -------
    ndarray (n, n_units) float64; 0 where a frame is empty or a unit is never active
    """
    f = frames.astype(np.float64)
    per_frame, per_unit = f.sum(axis=1, keepdims=True), f.sum(axis=0)
    term = np.divide(f, per_frame, out=np.zeros_like(f), where=per_frame > 0)
    inverse = np.log(np.divide(len(f), per_unit, out=np.ones_like(per_unit), where=per_unit > 0))
    weighted: FloatArray = term * inverse
    return weighted


def cosine_similarity(rows: FloatArray) -> FloatArray:
    """``x . y / (|x| |y|)`` of every pair of rows; 0 with an empty one."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    similarity: FloatArray = unit @ unit.T
    return similarity


def jaccard_similarity(rows: BoolArray) -> FloatArray:
    """``|x & y| / |x | y|`` of every pair of rows; 0 between two empty ones."""
    f = rows.astype(np.float64)
    common = f @ f.T
    size = f.sum(axis=1)
    union = size[:, None] + size - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def histogram_point(counts: AnyArray, percentile: float) -> float:
    """Upper edge of the bin of [0, 1] in which the share of the counts reaches `percentile`."""
    total = np.cumsum(counts)
    if total[-1] == 0:
        return 0.0
    bin_ = int(np.searchsorted(total, percentile / 100 * total[-1] - 1e-9))
    return (bin_ + 1) / len(counts)


def separate_states(
    vectors: FloatArray, values: FloatArray, min_share: float
) -> tuple[BoolArray, float]:
    """States in which no two share a frame, for the lowest cut that allows it.

    Parameters
    ----------
    vectors : ndarray (n, k) float64
        Singular vectors in columns.
    values : ndarray (k,) float64
    min_share : float
        Of the summed square roots of the numbers of entries of ``v v' s`` above the cut.

    Returns
    -------
    states : ndarray (n, n_states) bool
    cut : float, 0.40, 0.41, ...
    """
    strength = vectors**2 * values  # the diagonals of v v' s
    step = 0
    while True:
        cut = _FIRST_CUT + _CUT_STEP * step
        root = np.sqrt([_n_above(v, s, cut) for v, s in zip(vectors.T, values, strict=True)])
        share = root / max(float(root.sum()), 1.0)
        states = (strength > cut)[:, share >= min_share]
        states = states[:, states.any(axis=0)]
        if not (states.sum(axis=1) > 1).any():
            return states, float(cut)
        step += 1


def _n_above(vector: FloatArray, value: float, cut: float) -> int:
    """How many entries of ``v v' s`` exceed a positive cut."""
    total = 0
    if value <= 0:
        return total
    for side in (vector[vector > 0], -vector[vector < 0]):
        ordered = np.sort(side)
        if len(ordered):
            least = cut / (value * ordered)
            total += int((len(ordered) - np.searchsorted(ordered, least, side="right")).sum())
    return total


def state_members(frames: BoolArray, weighted: FloatArray, state: BoolArray) -> IntArray:
    """Units whose weight in a state's frames tells these frames from the others best.

    Parameters
    ----------
    frames : ndarray (n, n_units) bool
    weighted : ndarray (n, n_units) float64
        Their TF-IDF.
    state : ndarray (n,) bool

    Returns
    -------
    ndarray of int64
        Summed weights above 0.01, 0.02, ... or 0.10 of their maximum: the level for which the
        cosine of frames and members separates the state's frames with the largest ROC area; the
        highest of equally good ones, which has the fewest members.
    """
    total = weighted[state].sum(axis=0)
    if not total.max(initial=0.0) > 0:
        return np.zeros(0, dtype=np.int64)
    total = total / total.max()
    size = np.sqrt(frames.sum(axis=1, dtype=np.float64))
    best, members = -1.0, np.zeros(0, dtype=np.int64)
    for level in _MEMBER_LEVELS:
        units = np.flatnonzero(total > level)
        common = frames[:, units].sum(axis=1, dtype=np.float64)
        cosine = np.divide(common, size, out=np.zeros_like(common), where=size > 0)
        area = roc_area(cosine / np.sqrt(max(len(units), 1)), state)
        if area >= best - 1e-12:
            best, members = area, units
    return members


def roc_area(score: FloatArray, positive: BoolArray) -> float:
    """Probability that a positive's score exceeds a negative's, ties half; 0.5 without either."""
    from scipy.stats import rankdata

    n = int(positive.sum())
    m = len(positive) - n
    if n == 0 or m == 0:
        return 0.5
    return float((rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * m))


def _pair_histogram(similarity: FloatArray) -> IntArray:
    """Counts of the similarities of different rows in bins of 0.01."""
    pairs = similarity[np.triu_indices(len(similarity), 1)]
    bins = np.minimum((pairs * _SIMILARITY_BINS + 1e-9).astype(np.int64), _SIMILARITY_BINS - 1)
    return np.bincount(bins, minlength=_SIMILARITY_BINS)
