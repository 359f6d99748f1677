"""What does a rate look like when spikes are blurred in time? Gaussian smoothing across gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, FloatArray, IntArray, matrix, positive, vector
from cofire.errors import InvalidArgumentError

_TRUNCATE = 4.0  # standard deviations from the center to the end of the kernel
# Gaps are worked on in pieces of this many (gap, bin) pairs.
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class SmoothingAxis:
    """Bins on an axis of integer positions with missing bins and mirror images.

    Missing bins hold nothing and have no weight, so a bin near a gap is the weighted mean of the
    bins that exist. Beyond both ends of the axis the bins are mirrored (``d c b a | a b c d``);
    with ``within_epochs`` every epoch is such an axis of its own. Gaps longer than the kernel's
    radius act like gaps of the radius and are laid out so.

    Attributes
    ----------
    taps : ndarray (2 r + 1,) float64
        Kernel; a single 1 does not smooth.
    bin_offsets : ndarray (n_epochs + 1,) int64
        Epoch e has bins ``bin_offsets[e]`` to ``bin_offsets[e + 1]``.
    epoch_positions : ndarray (n_epochs,) int64
        Position of the first bin of each epoch.
    image_positions, image_bins : ndarray (n_images,) int64
        Positions beyond an end and the bin that is seen there.
    edge_bins, edge_scale : ndarray (n_edges,) int64 and float64
        Bins near a gap and 1 / (weight of the bins that exist around them).
    length : int
        Number of positions.
    """

    taps: FloatArray
    bin_offsets: IntArray
    epoch_positions: IntArray
    image_positions: IntArray
    image_bins: IntArray
    edge_bins: IntArray
    edge_scale: FloatArray
    length: int

    @classmethod
    def lay(
        cls,
        bin_offsets: IntArray,
        n_missing: IntArray,
        sigma_bins: float | None,
        *,
        within_epochs: bool = False,
    ) -> SmoothingAxis:
        """Lay out the bins of epochs that are `n_missing` (n_epochs - 1,) bins apart."""
        offsets = np.ascontiguousarray(bin_offsets, dtype=np.int64)
        radius = 0 if sigma_bins is None else _radius(sigma_bins)
        gaps = np.minimum(n_missing, radius)
        added = 2 * radius * max(len(offsets) - 1, 1) if within_epochs else gaps.sum() + 2 * radius
        length = int(offsets[-1]) + int(added)
        if length > np.iinfo(np.int32).max:
            raise InvalidArgumentError(
                f"sigma of {sigma_bins:g} bins needs {length} bins and mirrored bins, more than "
                "2^31; use a smaller sigma, wider bins or a shorter support"
            )
        taps = np.ones(1) if sigma_bins is None else gaussian_taps(sigma_bins)
        if within_epochs and len(offsets) > 1:
            return cls._separate(taps, offsets, radius)
        return cls._joined(taps, offsets, gaps, radius)

    @classmethod
    def _joined(
        cls, taps: FloatArray, offsets: IntArray, gaps: IntArray, radius: int
    ) -> SmoothingAxis:
        n_bins = np.diff(offsets)
        starts = np.concatenate([[0], np.cumsum(n_bins[:-1] + gaps)]).astype(np.int64)[
            : len(n_bins)
        ]
        length = int(starts[-1] + n_bins[-1]) if len(n_bins) else 0
        if length:
            outside = np.concatenate([np.arange(-radius, 0), length + np.arange(radius)])
            seen = _reflect(outside, length)
            epoch = np.searchsorted(starts, seen, side="right") - 1
            exists = seen - starts[epoch] < n_bins[epoch]
            images = (outside + radius)[exists]
            image_bins = (offsets[epoch] + seen - starts[epoch])[exists]
        else:
            images = image_bins = np.zeros(0, dtype=np.int64)
        edges, scale = _edge_scale(taps, offsets, starts, length, radius)
        return cls(
            taps, offsets, starts + radius, images, image_bins, edges, scale, length + 2 * radius
        )

    @classmethod
    def _separate(cls, taps: FloatArray, offsets: IntArray, radius: int) -> SmoothingAxis:
        n_bins = np.diff(offsets)
        starts = radius + offsets[:-1] + 2 * radius * np.arange(len(n_bins))
        before = np.arange(-radius, 0)
        after = np.arange(radius)
        outside = np.concatenate(
            [np.broadcast_to(before, (len(n_bins), radius)), n_bins[:, None] + after], axis=1
        )
        seen = _reflect(outside, n_bins[:, None])
        empty = np.zeros(0, dtype=np.int64)
        return cls(
            taps,
            offsets,
            starts,
            np.ascontiguousarray((starts[:, None] + outside).ravel()),
            np.ascontiguousarray((offsets[:-1, None] + seen).ravel()),
            empty,
            np.zeros(0),
            int(offsets[-1]) + 2 * radius * len(n_bins),
        )

    def arrays(
        self,
    ) -> tuple[FloatArray, IntArray, IntArray, IntArray, IntArray, IntArray, FloatArray, int]:
        """The axis as kernels take it."""
        return (
            self.taps,
            self.bin_offsets,
            self.epoch_positions,
            self.image_positions,
            self.image_bins,
            self.edge_bins,
            self.edge_scale,
            self.length,
        )


def _radius(sigma_bins: float) -> int:
    return int(_TRUNCATE * sigma_bins + 0.5)


def gaussian_taps(sigma_bins: float) -> FloatArray:
    """Gaussian weights (2 r + 1,), sum 1, r = int(4 sigma + 0.5)."""
    radius = _radius(sigma_bins)
    x = np.arange(-radius, radius + 1)
    weights: FloatArray = np.exp(-0.5 / sigma_bins**2 * x**2)
    weights /= weights.sum()
    return weights


def _reflect(position: IntArray, length: Any) -> IntArray:
    """Positions of a half-sample mirrored axis, folded back as often as needed."""
    period = 2 * length
    folded: IntArray = position % period
    return np.where(folded < length, folded, period - 1 - folded)


def _edge_scale(
    taps: FloatArray, offsets: IntArray, starts: IntArray, length: int, radius: int
) -> tuple[IntArray, FloatArray]:
    """Bins within reach of a gap and one over the weight that exists around them."""
    gap_from, gap_to = starts[:-1] + np.diff(offsets)[:-1], starts[1:]
    real = gap_to > gap_from
    if radius == 0 or not real.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    steps = np.zeros(length + 1, dtype=np.int8)
    steps[starts] += 1
    steps[starts + np.diff(offsets)] -= 1
    exists = np.cumsum(steps[:-1], dtype=np.int8).astype(bool)
    missing = ~exists[_reflect(np.arange(-radius, length + radius), length)]
    changes = np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8))
    holes = np.flatnonzero(changes).reshape(-1, 2) - radius
    below = np.concatenate([[0.0], np.cumsum(taps)])
    deficit = np.zeros(length)
    per_chunk = max(1, _CHUNK // (4 * radius))
    for first in range(0, len(holes), per_chunk):
        begin, end = holes[first : first + per_chunk].T
        size = end - begin + 2 * radius
        hole = np.repeat(np.arange(len(begin)), size)
        step = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        position = begin[hole] - radius + step
        lost = (
            below[np.clip(end[hole] - position + radius, 0, len(taps))]
            - below[np.clip(begin[hole] - position + radius, 0, len(taps))]
        )
        inside = (position >= 0) & (position < length)
        np.add.at(deficit, position[inside], lost[inside])
    touched = np.flatnonzero((deficit > 0) & exists)
    epoch = np.searchsorted(starts, touched, side="right") - 1
    bins: IntArray = offsets[epoch] + touched - starts[epoch]
    return bins, 1.0 / (1.0 - deficit[touched])


def missing_bins(starts: FloatArray, stops: FloatArray, bin_width: float) -> IntArray:
    """Whole bins, ``floor(gap / bin_width)``, in the gap after each epoch but the last."""
    gaps = starts[1:] - stops[:-1]
    n_missing: IntArray = np.maximum(np.floor(gaps / bin_width), 0).astype(np.int64)
    return n_missing


def epochs_of_bins(
    centers: FloatArray | None, epoch_index: IntArray | None, bin_width: float, n_bins: int
) -> tuple[IntArray, IntArray]:
    """Offsets of the runs of adjacent bins and the bins missing between them.

    A run ends where the epoch changes or the next centre is more than 1.5 bins away.
    """
    breaks = np.zeros(max(n_bins - 1, 0), dtype=bool)
    if epoch_index is not None:
        breaks |= np.diff(epoch_index) != 0
    if centers is not None:
        breaks |= np.diff(centers) > 1.5 * bin_width
    cuts = np.flatnonzero(breaks) + 1
    offsets = np.concatenate([[0], cuts, [n_bins]]).astype(np.int64)
    if n_bins == 0:
        return np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if centers is None:
        return offsets, np.zeros(len(cuts), dtype=np.int64)
    starts = centers[offsets[:-1]] - bin_width / 2
    stops = centers[offsets[1:] - 1] + bin_width / 2
    return offsets, missing_bins(starts, stops, bin_width)


def smooth(
    x: Any,
    sigma: float,
    *,
    rate: float,
    centers: Any = None,
    epoch_index: Any = None,
    within_epochs: bool = False,
    threads: int | None = None,
) -> AnyArray:
    """Smooth rows with a Gaussian in time, knowing about gaps.

    With ``s = sigma * rate`` bins the kernel reaches ``int(4 s + 0.5)`` bins and sums to 1. Bins
    that are missing between two epochs count neither as 0 nor as data: the result next to a gap
    is the weighted mean of the bins that exist (normalized convolution). Both ends of the axis are
    mirrored.

    Parameters
    ----------
    x : array_like (n_units, n_bins) or (n_bins,)
        float32 stays float32, everything else becomes float64. NaN spreads as far as the kernel.
    sigma : float, s, > 0
    rate : float, Hz, > 0
        Bins per second, one over the bin width.
    centers : array_like (n_bins,), s, optional
        Bin centres; more than 1.5 bins between neighbors is a gap of ``floor`` missing bins (a
        shorter one counts none, so that data bleed across). Default: no gaps.
    epoch_index : array_like (n_bins,) int, optional
        Epoch of each bin; it changes where an epoch ends.
    within_epochs : bool
        Smooth every epoch by itself, mirrored at its own ends.
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    ndarray, shape of `x`

    Raises
    ------
    InvalidArgumentError
        Non-positive sigma or rate; centres or epochs of another length, or centres that do not
        increase; `epoch_index` without `centers` (the gaps are unknown) unless `within_epochs`.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.smooth([0.0, 0.0, 1.0, 0.0, 0.0], 0.05, rate=10.0).round(3)
    array([0.   , 0.106, 0.787, 0.106, 0.   ])
    """
    bin_width = 1.0 / positive(rate, "rate", "Hz")
    sigma_bins = positive(sigma, "sigma", "s") * rate
    n_threads = resolve_threads(threads)
    values = np.asarray(x)
    rows = matrix(np.atleast_2d(values), "x")
    n_bins = rows.shape[1]
    where = _along_bins(centers, "centers", n_bins)
    if where is not None and not (np.diff(where) > 0).all():
        raise InvalidArgumentError("centers must increase; sort the bins in time")
    epochs = _along_bins(epoch_index, "epoch_index", n_bins)
    if within_epochs and where is None and epochs is None:
        raise InvalidArgumentError("within_epochs=True needs epoch_index or centers")
    if epochs is not None and where is None and not within_epochs:
        raise InvalidArgumentError(
            "epoch_index alone does not say how long the gaps are: pass centers too, or "
            "within_epochs=True to smooth every epoch by itself"
        )
    offsets, n_missing = epochs_of_bins(
        where, None if epochs is None else epochs.astype(np.int64), bin_width, n_bins
    )
    axis = SmoothingAxis.lay(offsets, n_missing, sigma_bins, within_epochs=within_epochs)
    smoothed = _core.smooth_rows(rows, axis.arrays(), n_threads).reshape(values.shape)
    return smoothed.astype(np.float32) if values.dtype == np.float32 else smoothed


def _along_bins(values: Any, name: str, n_bins: int) -> FloatArray | None:
    if values is None:
        return None
    array = vector(values, name)
    if len(array) != n_bins:
        raise InvalidArgumentError(
            f"{name} must have one value per bin ({n_bins}), got {len(array)}"
        )
    return array
