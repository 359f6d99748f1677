"""Are these units more correlated, or more often active together, than random ones?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cofire._validate import BoolArray, FloatArray, IntArray
from cofire.assemblies._blas import gram
from cofire.assemblies.detectors._base import z_scored

Measure = Callable[[IntArray], FloatArray]
"""From sets of equal size (n_sets, size) to a value each."""

_BLOCK_VALUES = 2**22


def mean_correlation(raster: BoolArray) -> Measure:
    """Mean correlation of pairs of units in `raster` (n_frames, n_units), as a function of sets.

    Correlations with a constant unit count as 0; a set of one unit has NaN.
    """
    z = z_scored(raster)
    correlation = gram(z) / max(len(raster) - 1, 1)
    np.fill_diagonal(correlation, 0.0)

    def measure(sets: IntArray) -> FloatArray:
        size = sets.shape[1]
        if size < 2:
            return np.full(len(sets), np.nan)
        step = max(1, _BLOCK_VALUES // (size * size))
        total = np.empty(len(sets))
        for first in range(0, len(sets), step):
            block = sets[first : first + step]
            total[first : first + step] = correlation[block[:, :, None], block[:, None, :]].sum(
                axis=(1, 2)
            )
        return np.asarray(total / (size * (size - 1)))

    return measure


def synchrony(raster: BoolArray, window: int) -> Measure:
    """Largest share of a set that is active within any `window` frames, as a function of sets.

    A recording shorter than the window is one window.
    """
    n_frames = len(raster)
    recent = raster.T.astype(np.uint16)
    width = min(window, max(n_frames, 1))
    length = n_frames - width + 1
    near = np.zeros((raster.shape[1], max(length, 0)), dtype=np.uint16)
    for lag in range(width):
        near |= recent[:, lag : lag + length]

    def measure(sets: IntArray) -> FloatArray:
        largest = np.array([near[units].sum(axis=0, dtype=np.uint16).max(initial=0)
                            for units in sets], dtype=np.float64)  # fmt: skip
        return np.asarray(largest / sets.shape[1])

    return measure
