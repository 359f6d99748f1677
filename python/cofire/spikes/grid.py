"""Where are the bins? Equal bins laid into disjoint epochs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.types import Intervals


@dataclass(frozen=True, slots=True)
class BinGrid:
    """Equal bins inside epochs; a bin never crosses an epoch's edge.

    Epoch e of length L gets ``floor(L / bin_width)`` bins (evaluated in floating point) with edges
    ``linspace(start, start + n * bin_width, n + 1)``; the remainder is discarded and epochs shorter
    than one bin are left out.

    Attributes
    ----------
    starts, stops : ndarray (n_epochs,) float64, s
        First and last edge of each epoch that holds a bin.
    steps : ndarray (n_epochs,) float64, s
        Distance of edges as :func:`numpy.linspace` computes it.
    offsets : ndarray (n_epochs + 1,) int64
        Epoch e has bins ``offsets[e]`` to ``offsets[e + 1]`` of the bin axis.
    bin_width : float, s
    """

    starts: FloatArray
    stops: FloatArray
    steps: FloatArray
    offsets: IntArray
    bin_width: float

    @classmethod
    def lay(cls, support: Intervals, bin_width: float) -> BinGrid:
        """Lay bins into the merged support."""
        merged = support.merged()
        lengths = merged.durations
        keep = lengths >= bin_width
        starts = merged.starts[keep]
        n_bins = np.floor(lengths[keep] / bin_width).astype(np.int64)
        keep = n_bins > 0
        starts, n_bins = starts[keep], n_bins[keep]
        stops = starts + n_bins * bin_width
        steps = (stops - starts) / n_bins
        offsets = np.concatenate([[0], np.cumsum(n_bins)]).astype(np.int64)
        return cls(np.ascontiguousarray(starts), stops, steps, offsets, bin_width)

    @property
    def n_bins(self) -> int:
        """Number of bins of all epochs."""
        return int(self.offsets[-1])

    @property
    def support(self) -> Intervals:
        """The binned time: first to last edge of each epoch."""
        return Intervals(np.column_stack([self.starts, self.stops]), on_overlap="keep")

    def centers(self) -> FloatArray:
        """Bin centres (n_bins,) float64, s: left edge + bin_width / 2."""
        n_bins = np.diff(self.offsets)

        def per_bin(values: AnyArray) -> AnyArray:
            # One epoch is the common case and needs no array of equal numbers.
            return values if len(values) == 1 else np.repeat(values, n_bins)

        centers = np.arange(self.n_bins, dtype=np.float64)
        centers -= per_bin(self.offsets[:-1])
        centers *= per_bin(self.steps)
        centers += per_bin(self.starts)
        centers += self.bin_width / 2
        return centers

    def edges(self) -> list[FloatArray]:
        """Edges of each epoch's bins, s."""
        n_bins = np.diff(self.offsets)
        return [
            np.linspace(start, stop, n + 1)
            for start, stop, n in zip(self.starts, self.stops, n_bins, strict=True)
        ]

    def epoch_index(self) -> IntArray:
        """Epoch of each bin, (n_bins,) int64."""
        return np.repeat(np.arange(len(self.starts)), np.diff(self.offsets))

    def arrays(self) -> tuple[FloatArray, FloatArray, FloatArray, IntArray]:
        """The grid as kernels take it: starts, stops, steps, offsets."""
        return self.starts, self.stops, self.steps, self.offsets
