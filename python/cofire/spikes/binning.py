"""How many spikes fell into each time bin?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, FloatArray, IntArray, fits_memory, positive
from cofire.errors import InvalidArgumentError
from cofire.spikes.grid import BinGrid
from cofire.types import Intervals, SpikeTrains, as_intervals, as_spike_trains

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse

_KERNELS: dict[np.dtype[Any], Callable[..., AnyArray]] = {
    np.dtype("uint8"): _core.bin_spikes_u8,
    np.dtype("int32"): _core.bin_spikes_i32,
    np.dtype("float32"): _core.bin_spikes_f32,
    np.dtype("float64"): _core.bin_spikes_f64,
}


@dataclass(frozen=True, slots=True)
class BinnedSpikes:
    """Spikes counted in bins (or their z-scores), one row a unit.

    Attributes
    ----------
    counts : ndarray (n_units, n_bins)
        Counts, or z from :func:`cofire.zscore_bins`.
    centers : ndarray (n_bins,) float64, s
        Bin centres; neighbours may lie on two sides of a gap.
    epoch_index : ndarray (n_bins,) int64
        Support epoch of each bin.
    support : Intervals
        The binned time, first to last edge of each epoch.
    bin_width : float, s
    unit_ids : ndarray (n_units,)
    """

    counts: AnyArray
    centers: FloatArray
    epoch_index: IntArray
    support: Intervals
    bin_width: float
    unit_ids: AnyArray

    @property
    def n_units(self) -> int:
        """Number of rows."""
        return len(self.unit_ids)

    @property
    def n_bins(self) -> int:
        """Number of columns."""
        return len(self.centers)

    def restrict(self, intervals: Any) -> BinnedSpikes:
        """Keep the bins of which both edges lie in ``[start, stop]`` of an interval."""
        inside = as_intervals(intervals, "intervals", merge=True)
        # An edge that coincides with an interval's end must not be lost to rounding.
        half_width = self.bin_width * (0.5 - 1e-6)
        first = inside.index_of(self.centers - half_width)
        last = inside.index_of(self.centers + half_width)
        keep = (first >= 0) & (first == last)
        return BinnedSpikes(
            counts=self.counts[:, keep],
            centers=self.centers[keep],
            epoch_index=self.epoch_index[keep],
            support=(self.support & inside).merged(),
            bin_width=self.bin_width,
            unit_ids=self.unit_ids,
        )

    def to_sparse(self) -> scipy.sparse.csr_array:
        """Counts as a SciPy CSR array (n_units, n_bins)."""
        import scipy.sparse

        return scipy.sparse.csr_array(self.counts)

    def to_frame(self) -> pd.DataFrame:
        """Table (n_bins, n_units) indexed by bin centre (s)."""
        import pandas as pd

        return pd.DataFrame(self.counts.T, index=self.centers, columns=self.unit_ids)

    def __repr__(self) -> str:
        return (
            f"BinnedSpikes({self.n_units} units, {self.n_bins} bins of {self.bin_width:g} s, "
            f"{len(self.support)} epochs, {self.counts.dtype})"
        )


@dataclass(frozen=True, slots=True)
class SparseBins:
    """Spikes counted in bins, zeros not stored.

    Attributes
    ----------
    counts : scipy.sparse.csr_array (n_units, n_bins) int32
    grid : BinGrid
        Where the bins are.
    unit_ids : ndarray (n_units,)
    """

    counts: scipy.sparse.csr_array
    grid: BinGrid
    unit_ids: AnyArray

    # Arrays along the bins can be far larger than the counts, hence made on request.

    @property
    def centers(self) -> FloatArray:
        """Bin centres (n_bins,) float64, s."""
        return self.grid.centers()

    @property
    def epoch_index(self) -> IntArray:
        """Support epoch of each bin, (n_bins,) int64."""
        return self.grid.epoch_index()

    @property
    def support(self) -> Intervals:
        """The binned time."""
        return self.grid.support

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per occupied bin: unit, time (s), count."""
        import pandas as pd

        entries = self.counts.tocoo()
        return pd.DataFrame(
            {
                "unit": self.unit_ids[entries.coords[0]],
                "time": self.centers[entries.coords[1]],
                "count": entries.data,
            }
        )

    def __repr__(self) -> str:
        n_units, n_bins = self.counts.shape
        return f"SparseBins({n_units} units, {n_bins} bins, {self.counts.nnz} occupied)"


def bin_spikes(
    spikes: Any,
    bin_width: float,
    *,
    support: Any = None,
    dtype: npt.DTypeLike = "int32",
    threads: int | None = None,
) -> BinnedSpikes:
    """Count spikes in equal bins inside each epoch of the support.

    An epoch of length L holds ``floor(L / bin_width)`` bins with edges
    ``linspace(start, start + n * bin_width, n + 1)``. A spike counts in bin i if
    ``edge[i] <= t < edge[i + 1]``; the last bin of an epoch also holds ``t == edge[n]``.
    The remainder of an epoch is discarded.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
        Units with sorted times in seconds.
    bin_width : float, s, > 0
    support : Intervals or array_like (n, 2), s, optional
        Where to count; merged and intersected with the trains' own support. Default: that support,
        or ``[first spike, last spike + 1/30000)``.
    dtype : {"int32", "uint8", "float32", "float64"}
        Of the counts. More than 255 spikes in a uint8 bin are an error, never a wrap-around.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    BinnedSpikes
        ``counts`` (n_units, n_bins). Nothing to bin (no epoch as long as a bin) gives
        (n_units, 0).

    Raises
    ------
    InvalidArgumentError
        Non-positive bin width, unknown dtype.
    TooLargeError
        The counts would not fit into memory.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.bin_spikes([[0.05, 0.15, 0.16]], 0.1, support=[[0.0, 0.3]]).counts
    array([[1, 2]], dtype=int32)

    References
    ----------
    Binning rules of nelpy's ``BinnedSpikeTrainArray``.
    """
    trains, grid, n_threads = prepare(spikes, bin_width, support, threads)
    kernel = _KERNELS.get(np.dtype(dtype))
    if kernel is None:
        names = ", ".join(str(d) for d in _KERNELS)
        raise InvalidArgumentError(f"dtype must be one of {names}, got {np.dtype(dtype)}")
    fits_memory((trains.n_units, grid.n_bins), dtype, "a count matrix")
    try:
        counts = kernel(trains.times, trains.offsets, *grid.arrays(), n_threads)
    except IndexError as error:
        raise InvalidArgumentError(f'dtype "uint8" is too small: {error}; use "int32"') from error
    return on_grid(counts, trains, grid)


def bin_spikes_sparse(
    spikes: Any,
    bin_width: float,
    *,
    support: Any = None,
    threads: int | None = None,
) -> SparseBins:
    """Count spikes in equal bins, straight into compressed rows.

    The counts of :func:`cofire.bin_spikes` for bins so narrow that nearly all are empty; memory
    goes with the number of spikes, not of bins.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    bin_width : float, s, > 0
    support : Intervals or array_like (n, 2), s, optional
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    SparseBins

    Raises
    ------
    InvalidArgumentError
        Non-positive bin width, or more than 2^31 bins.

    Examples
    --------
    >>> from cofire.spikes import bin_spikes_sparse
    >>> binned = bin_spikes_sparse([[0.05, 0.15, 0.16]], 0.1, support=[[0.0, 0.3]])
    >>> binned.counts.toarray()
    array([[1, 2]], dtype=int32)
    """
    import scipy.sparse

    trains, grid, n_threads = prepare(spikes, bin_width, support, threads)
    if grid.n_bins > np.iinfo(np.int32).max:
        raise InvalidArgumentError(
            f"{grid.n_bins} bins are more than 2^31; use a wider bin_width or a shorter support"
        )
    rows = _core.bin_spikes_sparse(trains.times, trains.offsets, *grid.arrays(), n_threads)
    counts = scipy.sparse.csr_array(rows, shape=(trains.n_units, grid.n_bins))
    return SparseBins(counts, grid, trains.unit_ids)


def prepare(
    spikes: Any, bin_width: float, support: Any, threads: int | None
) -> tuple[SpikeTrains, BinGrid, int]:
    """Trains inside the support, the grid laid into it, and the number of threads."""
    bin_width = positive(bin_width, "bin_width", "s")
    n_threads = resolve_threads(threads)
    trains = as_spike_trains(spikes)
    if support is not None:
        trains = trains.restrict(as_intervals(support, "support"))
    return trains, BinGrid.lay(trains.support_or_span(), bin_width), n_threads


def on_grid(values: AnyArray, trains: SpikeTrains, grid: BinGrid) -> BinnedSpikes:
    """Wrap a matrix (n_units, n_bins) that was computed on a grid."""
    return BinnedSpikes(
        counts=values,
        centers=grid.centers(),
        epoch_index=grid.epoch_index(),
        support=grid.support,
        bin_width=grid.bin_width,
        unit_ids=trains.unit_ids,
    )
