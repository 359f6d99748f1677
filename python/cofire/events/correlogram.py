"""At which lag does one unit fire relative to another?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import _core
from cofire._optional import plotter
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, FloatArray, IntArray, fits_memory, integer, positive
from cofire.errors import InvalidArgumentError
from cofire.types import as_spike_trains

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Correlogram:
    """Numbers of spike pairs by lag.

    Attributes
    ----------
    counts : ndarray (n_units, n_units, L) or (n_pairs, L) int64
        ``counts[i, j, l]``: pairs with ``t_j - t_i`` in bin l; with chosen pairs a row a pair.
    lags : ndarray (L,) float64, s
        Bin centres, multiples of the bin width.
    bin_width : float, s
    n_spikes : ndarray (n_units,) int64
        Spikes of each unit.
    unit_ids : ndarray (n_units,)
    pairs : ndarray (n_pairs, 2) int64 or None
        Positions (not ids) of the units of each row; None when all pairs were counted.
    """

    counts: IntArray
    lags: FloatArray
    bin_width: float
    n_spikes: IntArray
    unit_ids: AnyArray
    pairs: IntArray | None

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.unit_ids)

    def rate(self) -> FloatArray:
        """Rate of the second unit around spikes of the first (Hz), same shape as `counts`.

        ``counts / (n_spikes of the first * bin_width)``; NaN where the first unit is silent.
        """
        if self.pairs is None:
            n = self.n_spikes[:, None, None]
        else:
            n = self.n_spikes[self.pairs[:, 0]][:, None]
        with np.errstate(invalid="ignore"):
            rate: FloatArray = self.counts / (n * self.bin_width)
        return rate

    def to_frame(self) -> pd.DataFrame:
        """Counts as a table (L, n_pairs): index lag (s), columns (id of first, id of second).

        All pairs include (j, i) beside (i, j), and (i, i).
        """
        import pandas as pd

        first, second = self._columns()
        columns = pd.MultiIndex.from_arrays(
            [self.unit_ids[first], self.unit_ids[second]], names=["unit", "other"]
        )
        table = self.counts.reshape(len(first), len(self.lags)).T
        return pd.DataFrame(table, index=pd.Index(self.lags, name="lag"), columns=columns)

    def plot(self, **options: Any) -> Any:
        """Draw the correlograms; see ``cofire.plot.plot_correlogram``."""
        return plotter("plot_correlogram")(self, **options)

    def __repr__(self) -> str:
        n_rows = int(np.prod(self.counts.shape[:-1]))
        return (
            f"Correlogram({self.n_units} units, {n_rows} pairs, {len(self.lags)} bins of "
            f"{self.bin_width:g} s)"
        )

    def _columns(self) -> tuple[IntArray, IntArray]:
        if self.pairs is not None:
            return self.pairs[:, 0], self.pairs[:, 1]
        units = np.arange(self.n_units)
        return np.repeat(units, self.n_units), np.tile(units, self.n_units)


def correlogram(
    spikes: Any,
    window: float,
    bin_width: float,
    *,
    pairs: Any = None,
    threads: int | None = None,
) -> Correlogram:
    """Count the lags between the spikes of pairs of units.

    ``counts[i, j, l]`` is the number of pairs (a spike of unit i, a spike of unit j) whose lag
    ``t_j - t_i`` lies in bin l, ``[c - bin_width/2, c + bin_width/2)`` around
    ``c = (l - H) * bin_width``, with ``H = round(window / bin_width)`` and ``L = 2 H + 1`` bins.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
        Units with sorted times in seconds.
    window : float, s, > 0
        Half-width: lags reach from about -window to +window.
    bin_width : float, s, > 0
    pairs : array_like (n_pairs, 2) of int, optional
        Positions of the units of interest; default all ordered pairs. For a few pairs of many units
        this is faster and smaller.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    Correlogram
        ``counts`` (n_units, n_units, L) int64, or (n_pairs, L) with `pairs`.

    Raises
    ------
    InvalidArgumentError
        Non-positive window or bin width; pairs that name no unit; a bin width too small for the
        time between the spikes.
    TooLargeError
        The counts would not fit into memory; use `pairs`, wider bins or a shorter window.

    Notes
    -----
    A spike is also paired with itself: the central bin of an autocorrelogram holds the number of
    spikes besides real coincidences. Edges are ``(k - 1/2) * bin_width`` in float64, and a lag is
    the float64 difference of two times; a lag exactly on an edge belongs to the later bin, so that
    ``counts[i, j]`` reversed equals ``counts[j, i]`` except for such lags.

    Examples
    --------
    >>> import cofire as cf
    >>> c = cf.correlogram([[0.0, 1.0], [0.011, 1.009]], window=0.02, bin_width=0.01)
    >>> c.lags.tolist()
    [-0.02, -0.01, 0.0, 0.01, 0.02]
    >>> c.counts[0, 1].tolist()
    [0, 0, 0, 2, 0]

    References
    ----------
    Perkel, Gerstein & Moore 1967, doi:10.1016/S0006-3495(67)86597-4
    """
    bin_width = positive(bin_width, "bin_width", "s")
    half = round(positive(window, "window", "s") / bin_width)
    n_threads = resolve_threads(threads)
    trains = as_spike_trains(spikes)
    chosen = None if pairs is None else _pairs(pairs, trains.n_units)
    n_bins = 2 * half + 1
    shape = (trains.n_units, trains.n_units) if chosen is None else (len(chosen),)
    fits_memory((*shape, n_bins), np.int64, "a set of correlograms")
    try:
        if chosen is None:
            counts = _core.correlogram(trains.times, trains.offsets, bin_width, half, n_threads)
        else:
            counts = _core.correlogram_pairs(
                trains.times, trains.offsets, chosen, bin_width, half, n_threads
            )
    except ValueError as error:
        raise InvalidArgumentError(f"{error}; got bin_width {bin_width:g} s") from error
    lags = np.arange(-half, half + 1, dtype=np.float64) * bin_width
    return Correlogram(
        counts=counts,
        lags=lags,
        bin_width=bin_width,
        n_spikes=trains.counts,
        unit_ids=trains.unit_ids,
        pairs=chosen,
    )


def _pairs(pairs: Any, n_units: int) -> IntArray:
    chosen = np.asarray(pairs)
    if chosen.size == 0:
        return np.zeros((0, 2), dtype=np.int64)
    if chosen.ndim != 2 or chosen.shape[1] != 2 or chosen.dtype.kind not in "iu":
        raise InvalidArgumentError(
            f"pairs must be integers of shape (n_pairs, 2): positions of units; got shape "
            f"{chosen.shape}, {chosen.dtype}"
        )
    bad = np.flatnonzero(((chosen < 0) | (chosen >= n_units)).any(axis=1))
    if len(bad):
        raise InvalidArgumentError(
            f"pairs[{bad[0]}] = {chosen[bad[0]].tolist()} names a unit that does not exist; "
            f"positions run from 0 to {n_units - 1}"
        )
    return np.ascontiguousarray(chosen, dtype=np.int64)


def odd_bins(n_bins: int) -> int:
    """Return `n_bins` as the next odd number, the number of bins of :func:`cross_corr`."""
    n_bins = integer(n_bins, "n_bins", minimum=1)
    return n_bins + (n_bins + 1) % 2
