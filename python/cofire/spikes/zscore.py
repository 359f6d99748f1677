"""How unusual is the firing of each unit in each bin?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, fits_memory, integer, positive
from cofire.errors import InvalidArgumentError
from cofire.spikes.binning import BinnedSpikes, on_grid, prepare
from cofire.spikes.grid import BinGrid
from cofire.spikes.smoothing import SmoothingAxis, epochs_of_bins, missing_bins


def zscore_bins(
    spikes_or_binned: Any,
    bin_width: float | None = None,
    *,
    support: Any = None,
    sigma: float | None = None,
    within_epochs: bool = False,
    ddof: int = 0,
    dtype: npt.DTypeLike = "float64",
    threads: int | None = None,
) -> BinnedSpikes:
    """Binned, optionally smoothed, spike counts in standard deviations from their mean.

    ``z = (x - mean(x)) / sd(x)`` for each unit, over all bins of all epochs pooled; x are the
    counts of :func:`cofire.bin_spikes`, smoothed as by :func:`cofire.smooth` if `sigma` is given.
    From spikes no matrix of counts is made.

    Parameters
    ----------
    spikes_or_binned : SpikeTrains or convertible, or BinnedSpikes
    bin_width : float, s, > 0
        Needed with spikes; BinnedSpikes bring their own.
    support : Intervals or array_like (n, 2), s, optional
        Where to bin; merged. Not with BinnedSpikes: restrict those first.
    sigma : float, s, optional
        Standard deviation of the Gaussian; default: not smoothed.
    within_epochs : bool
        Smooth each epoch by itself instead of across gaps. The mean and the deviation are those
        of all epochs either way.
    ddof : int
        The variance is divided by ``n_bins - ddof``.
    dtype : {"float64", "float32"}
        Of the result; computed in float64.
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    BinnedSpikes
        Its ``counts`` (n_units, n_bins) hold z. A constant row (a silent unit) and a row with NaN
        are 0.

    Raises
    ------
    InvalidArgumentError
        No bin width, a wrong one, or one beside BinnedSpikes; unknown dtype.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.zscore_bins([[0.5, 2.5], []], 1.0, support=[[0.0, 4.0]]).counts
    array([[ 1., -1.,  1., -1.],
           [ 0.,  0.,  0.,  0.]])
    """
    chosen = np.dtype(dtype)
    if chosen not in (np.float32, np.float64):
        raise InvalidArgumentError(f"dtype must be float32 or float64, got {chosen}")
    ddof = integer(ddof, "ddof", 0)
    sigma = None if sigma is None else positive(sigma, "sigma", "s")
    if isinstance(spikes_or_binned, BinnedSpikes):
        if bin_width is not None or support is not None:
            raise InvalidArgumentError(
                "bin_width and support are those of the BinnedSpikes; leave them out, or "
                "use .restrict() first"
            )
        return _of_binned(spikes_or_binned, sigma, within_epochs, ddof, chosen, threads)
    if bin_width is None:
        raise InvalidArgumentError("bin_width (s) is needed to bin spikes")
    trains, grid, n_threads = prepare(spikes_or_binned, bin_width, support, threads)
    fits_memory((trains.n_units, grid.n_bins), chosen, "a z matrix")
    axis = axis_of_grid(grid, sigma, within_epochs)
    kernel = _core.zscore_spikes_f32 if chosen == np.float32 else _core.zscore_spikes_f64
    z: AnyArray = kernel(
        trains.times, trains.offsets, *grid.arrays(), axis.arrays(), ddof, n_threads
    )
    return on_grid(z, trains, grid)


def axis_of_grid(grid: BinGrid, sigma: float | None, within_epochs: bool = False) -> SmoothingAxis:
    """Lay the smoothing axis of a grid; sigma in s, None does not smooth."""
    n_missing = missing_bins(grid.starts, grid.stops, grid.bin_width)
    sigma_bins = None if sigma is None else sigma * (1.0 / grid.bin_width)
    return SmoothingAxis.lay(grid.offsets, n_missing, sigma_bins, within_epochs=within_epochs)


def _of_binned(
    binned: BinnedSpikes,
    sigma: float | None,
    within_epochs: bool,
    ddof: int,
    dtype: np.dtype[Any],
    threads: int | None,
) -> BinnedSpikes:
    n_threads = resolve_threads(threads)
    x = np.ascontiguousarray(binned.counts, dtype=np.float64)
    if sigma is not None:
        offsets, n_missing = epochs_of_bins(
            binned.centers, binned.epoch_index, binned.bin_width, binned.n_bins
        )
        starts, stops = binned.support.starts, binned.support.stops
        first = binned.centers[offsets[:-1]] - binned.bin_width / 2 if binned.n_bins else starts
        # The support of a binning has the exact edges; that of a restricted one may cut bins.
        if len(starts) == len(first) and np.allclose(starts, first, rtol=0, atol=1e-9):
            n_missing = missing_bins(starts, stops, binned.bin_width)
        axis = SmoothingAxis.lay(
            offsets, n_missing, sigma * (1.0 / binned.bin_width), within_epochs=within_epochs
        )
        x = _core.smooth_rows(x, axis.arrays(), n_threads)
    kernel = _core.zscore_rows_f32 if dtype == np.float32 else _core.zscore_rows_f64
    return BinnedSpikes(
        counts=kernel(x, ddof, n_threads),
        centers=binned.centers,
        epoch_index=binned.epoch_index,
        support=binned.support,
        bin_width=binned.bin_width,
        unit_ids=binned.unit_ids,
    )
