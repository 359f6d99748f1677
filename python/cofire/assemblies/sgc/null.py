"""Step B: how many units are active together by chance?"""

from __future__ import annotations

import numpy as np

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import BoolArray, FloatArray, IntArray


def shuffled_null(
    raster: BoolArray, n_shuffles: int, seed: int, threads: int | None = None
) -> IntArray:
    """Histogram of the number of active units per frame after shuffling every unit in time.

    Co-activity is an integer, so counts of its values hold all that ``n_shuffles * n_frames``
    values would.

    Parameters
    ----------
    raster : ndarray (n_frames, n_units) bool
    n_shuffles : int, >= 1
    seed : int
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    ndarray (n_units + 1,) int64, sums to ``n_shuffles * n_frames``
    """
    histogram: IntArray = _core.shuffled_coactivity(
        raster.sum(axis=0, dtype=np.int64),
        len(raster),
        seed,
        n_shuffles,
        resolve_threads(threads),
    )
    return histogram


def exact_null(raster: BoolArray) -> FloatArray:
    """Distribution of the number of active units per frame for infinitely many shuffles.

    In a shuffled raster every frame has the same distribution: a sum of independent units, each
    active with the probability that it has on average (Poisson-binomial). Computed by repeated
    convolution.

    Parameters
    ----------
    raster : ndarray (n_frames, n_units) bool

    Returns
    -------
    ndarray (n_units + 1,) float64, sums to 1
    """
    n_frames, n_units = raster.shape
    probability = raster.sum(axis=0, dtype=np.int64) / max(n_frames, 1)
    distribution = np.zeros(n_units + 1)
    distribution[0] = 1.0
    for n, q in enumerate(probability, start=1):
        head = distribution[: n + 1]
        moved = q * head[:-1]
        head *= 1.0 - q
        head[1:] += moved
    return distribution


def null_threshold(null: FloatArray | IntArray, p: float) -> float:
    """Co-activity that chance exceeds with probability `p`.

    Parameters
    ----------
    null : ndarray (n_units + 1,)
        Counts (int64): the ``1 - p`` quantile of the values they stand for, linearly interpolated
        as :func:`numpy.quantile` does. Probabilities (float64): the smallest value whose
        cumulative probability is at least ``1 - p``.
    p : float, (0, 1)

    Returns
    -------
    float; NaN if the null holds nothing
    """
    below = np.cumsum(null)
    if below[-1] == 0:
        return float("nan")
    if null.dtype.kind == "f":
        # Rounding may leave the sum of all probabilities short of 1.
        return float(np.searchsorted(below / below[-1], 1.0 - p))
    position = (1.0 - p) * (int(below[-1]) - 1)
    low = int(np.floor(position))
    first, second = np.searchsorted(below, [low, min(low + 1, int(below[-1]) - 1)], side="right")
    return float(first + (position - low) * (second - first))
