"""Do two units fire together more often than their rates alone explain?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import (
    BoolArray,
    FloatArray,
    IntArray,
    fits_memory,
    integer,
    one_of,
    positive,
)
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.types import Intervals, SpikeTrains, as_intervals, as_spike_trains

_EMPTY = ("nan", "zero")


def sttc(
    spikes: Any,
    dt: float,
    *,
    support: Any = None,
    ticks: float | None = None,
    threads: int | None = None,
    empty: str = "nan",
) -> FloatArray:
    """Spike time tiling coefficient of every pair of units.

    ``STTC[A, B] = ((P_A - T_B) / (1 - P_A T_B) + (P_B - T_A) / (1 - P_B T_A)) / 2``, where T_A is
    the share of the support that the union of ``[t - dt, t + dt]`` around the spikes of A covers,
    each tile clipped to the epoch of its spike, and P_A is the share of spikes of A with at least
    one spike of B in the same epoch at ``|t_A - t_B| <= dt``. A term whose denominator is 0 is 1.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
        Units with sorted times in seconds.
    dt : float, s, > 0
        Half-width of the tile around each spike.
    support : Intervals or array_like (n, 2), s, optional
        The recorded time; merged, and intersected with the trains' own support. Default: that
        support. The first and last spike never stand in for it.
    ticks : float, Hz, > 0, optional
        Clock of the recording. Spike times, the edges of the support and `dt` are rounded to whole
        ticks first, so that ``|t_A - t_B| <= dt`` is exact. Without it the comparison is that of
        float64 seconds: on a clock, with `dt` a whole number of ticks, pairs exactly `dt` apart
        then fall on either side by rounding.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.
    empty : {"nan", "zero"}
        Row and column of a unit without spikes, diagonal included.

    Returns
    -------
    ndarray (n_units, n_units) float64
        Symmetric, in [-1, 1]; 1 on the diagonal of units with spikes.

    Raises
    ------
    InvalidArgumentError
        Non-positive `dt`, `dt` below half a tick, or a support that was neither given nor attached
        or is unbounded.

    Notes
    -----
    Spikes at the same time count one by one in P and add nothing to T. A unit whose tiles cover the
    whole support has T = 1: its terms are -1, or 1 where P is 1 as well.

    Cutts and Eglen (and elephant) compare pairs within one stretch of time; several epochs are an
    extension.

    References
    ----------
    Cutts & Eglen 2014, doi:10.1523/JNEUROSCI.2767-14.2014

    Examples
    --------
    >>> import cofire as cf
    >>> trains = [[1.0, 5.0], [1.003, 7.0]]
    >>> cf.sttc(trains, 0.01, support=[[0.0, 10.0]]).round(3)
    array([[1.   , 0.497],
           [0.497, 1.   ]])
    """
    dt = positive(dt, "dt", "s")
    one_of(empty, "empty", _EMPTY)
    n_threads = resolve_threads(threads)
    trains = _recorded(spikes, support)
    n = trains.n_units
    fits_memory((4, n, n), np.float64, "the coefficients of all pairs")
    times, epochs = trains.times, _epochs(trains)
    if ticks is not None:
        dt, times, epochs = _on_clock(trains, dt, positive(ticks, "ticks", "Hz"))
    counts, tiled = _core.sttc_counts(times, trains.offsets, epochs, dt, n_threads)
    return _coefficients(counts, trains.counts, tiled, float(np.diff(epochs).sum()), empty)


def sttc_raster(
    raster: Any, dt_frames: int, *, threads: int | None = None, empty: str = "nan"
) -> FloatArray:
    """Spike time tiling coefficient of every pair of units of a binary raster.

    As :func:`sttc` with frames for seconds: T_A is the share of frames at most `dt_frames` away
    from an active frame of A, P_A the share of active frames of A with an active frame of B at
    most `dt_frames` away.

    Parameters
    ----------
    raster : array_like (n_units, n_frames) of bool or integer
        Nonzero means active.
    dt_frames : int, >= 0
        Half-width of the tile in frames.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.
    empty : {"nan", "zero"}
        Row and column of a unit that is never active, diagonal included.

    Returns
    -------
    ndarray (n_units, n_units) float64
        Symmetric, in [-1, 1]; 1 on the diagonal of active units.

    Raises
    ------
    InvalidTypeError
        A raster of floats: say where activity begins, for example ``dff > 3 * sd``.
    InvalidArgumentError
        A raster that is not 2-D, a negative `dt_frames`.

    Notes
    -----
    Pairs are counted in one of two exact ways. Dense rasters and few units: AND and popcount of
    frame bits, ``n_units**2 * n_frames / 64`` words. Otherwise: one row of unit bits per frame,
    added up at the active frames, ``n_active_frames * n_units / 64`` words and a transposition.
    The limit follows from times measured with 20 to 2000 units at densities of 0.005 to 0.3.

    References
    ----------
    Cutts & Eglen 2014, doi:10.1523/JNEUROSCI.2767-14.2014

    Examples
    --------
    >>> import cofire as cf
    >>> cf.sttc_raster([[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]], 1)
    array([[1., 1.],
           [1., 1.]])
    """
    dt_frames = integer(dt_frames, "dt_frames", 0)
    one_of(empty, "empty", _EMPTY)
    n_threads = resolve_threads(threads)
    active = _binary(raster)
    n, n_frames = active.shape
    fits_memory((4, n, n), np.float64, "the coefficients of all pairs")
    counts, n_active, tiled = _core.sttc_raster_counts(
        active, min(dt_frames, n_frames), _is_sparse(active), n_threads
    )
    return _coefficients(counts, n_active, tiled, n_frames, empty)


def _recorded(spikes: Any, support: Any) -> SpikeTrains:
    trains = as_spike_trains(spikes)
    if support is not None:
        trains = trains.restrict(as_intervals(support, "support"))
    if trains.support is None:
        raise InvalidArgumentError(
            "support is missing: the share of time near a spike needs the recorded time, which the "
            "first and last spike do not tell; pass support=[[start, stop]] in seconds or attach "
            "one with SpikeTrains.with_support"
        )
    if not np.isfinite(trains.support.data).all():
        raise InvalidArgumentError(
            "support must be bounded: the share of time near a spike is undefined in "
            f"{trains.support!r}"
        )
    return trains


def _epochs(trains: SpikeTrains) -> FloatArray:
    support = trains.support
    assert support is not None
    epochs: FloatArray = support.data[support.durations > 0]
    return epochs


def _on_clock(trains: SpikeTrains, dt: float, ticks: float) -> tuple[float, FloatArray, FloatArray]:
    """`dt`, times and epochs as whole ticks (float64 holds them exactly below 2**53).

    Epochs are laid one after the other, so that an edge between two of them stays on its side
    when both round to the same tick.
    """
    dt_ticks = float(np.rint(dt * ticks))
    if dt_ticks < 1:
        raise InvalidArgumentError(
            f"dt must be at least half a tick: {dt:g} s is {dt * ticks:.3g} ticks of {ticks:g} Hz"
        )
    raw = _epochs(trains)
    limit = np.abs(raw).max(initial=0.0) * ticks
    if limit >= 2.0**51:
        raise InvalidArgumentError(
            f"ticks must be the clock rate in Hz: times up to {limit:.3g} ticks lose digits"
        )
    times = np.rint(trains.times * ticks)
    epochs = np.rint(raw * ticks)
    lengths = epochs[:, 1] - epochs[:, 0]
    first = np.concatenate([[0.0], np.cumsum(lengths[:-1] + 1.0)])[: len(lengths)]
    index = Intervals(raw, on_overlap="keep").index_of(trains.times, closed="left")
    times += (first - epochs[:, 0])[index] if len(index) else 0.0
    return dt_ticks, times, np.column_stack([first, first + lengths])


def _binary(raster: Any) -> BoolArray:
    array = np.asarray(raster)
    if array.dtype.kind not in "biu":
        raise InvalidTypeError(
            f"raster must be boolean or integer, got {array.dtype}; "
            "threshold it first, for example raster > 0"
        )
    if array.ndim != 2:
        raise InvalidArgumentError(
            f"raster must be 2-D (n_units, n_frames), got shape {array.shape}"
        )
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(array != 0)


def _is_sparse(active: BoolArray) -> bool:
    """Whether adding rows of unit bits is faster than popcount.

    Measured per frame: 0.84 ns per active unit and word of units, 19 ns per word to transpose,
    against 0.0051 ns per pair of units.
    """
    n = len(active)
    n_words = 4 * math.ceil(n / 256)
    n_active_units = np.count_nonzero(active) / max(active.shape[1], 1)
    return bool(n_words * (0.84 * n_active_units + 19.0) < 0.0051 * n * n)


def _coefficients(
    counts: IntArray, n_spikes: IntArray, tiled: Any, duration: float, empty: str
) -> FloatArray:
    """Coefficients from counts[a, b], the spikes of a that are close to a spike of b."""
    silent = n_spikes == 0
    tile_share = np.minimum(tiled / duration, 1.0) if duration > 0 else np.zeros(len(n_spikes))
    share = counts / np.maximum(n_spikes, 1)[:, None]
    denominator = 1.0 - share * tile_share
    one_sided = np.ones_like(share)
    np.divide(share - tile_share, denominator, out=one_sided, where=denominator != 0)
    coefficients: FloatArray = 0.5 * (one_sided + one_sided.T)
    np.fill_diagonal(coefficients, 1.0)
    value = np.nan if empty == "nan" else 0.0
    coefficients[silent] = value
    coefficients[:, silent] = value
    return coefficients
