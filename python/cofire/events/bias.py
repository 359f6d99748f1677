"""Which unit tends to fire before which? The order of firing as a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import FloatArray, fits_memory, integer, vector
from cofire.errors import InvalidArgumentError
from cofire.types import SpikeTrains, as_intervals, as_spike_trains


def skew_bias_matrix(times: Any, ids: Any = None, n: int | None = None) -> FloatArray:
    """Bias of the firing order of every pair of units.

    For i < j: ``2 * #{(a of i, b of j): a <= b} / (n_i * n_j) - 1``: +1 if all spikes of i come
    first, -1 if all of j do.

    Parameters
    ----------
    times : array_like (n_spikes,), s, or SpikeTrains or convertible
        Spike times in any order; or spike trains, then without `ids` and `n`.
    ids : array_like (n_spikes,) of int, optional
        Unit of each spike, 0 to n-1.
    n : int, optional
        Number of units; default the number of trains, or ``max(ids) + 1``.

    Returns
    -------
    ndarray (n, n) float64
        Antisymmetric, in [-1, 1]; 0 on the diagonal and where a unit is silent. Simultaneous spikes
        count as if the unit of lower position came first.

    Raises
    ------
    InvalidArgumentError
        Lengths that differ, or ids outside 0..n-1.

    See Also
    --------
    cofire.events.skew_bias_matrices : the matrices of many intervals in one call.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.skew_bias_matrix([0.1, 0.2, 0.3], [0, 0, 1], 2).tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """
    if ids is None:
        trains = as_spike_trains(times, argument="times")
        if n is not None and n != trains.n_units:
            raise InvalidArgumentError(f"n is {n}, but there are {trains.n_units} trains")
        flat, units = _by_time(trains)
        n_units = trains.n_units
    else:
        flat = vector(times, "times")
        units = np.asarray(ids)
        if units.shape != flat.shape or (units.size and units.dtype.kind not in "iu"):
            raise InvalidArgumentError(
                f"ids must be one integer per spike ({len(flat)}), got shape {units.shape}, "
                f"{units.dtype}"
            )
        # Unsigned ids do not hold the -1 of no units.
        units = units.astype(np.int64)
        n_units = int(units.max(initial=-1)) + 1 if n is None else integer(n, "n", minimum=0)
        if units.size and (units.min() < 0 or units.max() >= n_units):
            raise InvalidArgumentError(
                f"ids must lie in 0..{n_units - 1}, they run from {units.min()} to {units.max()}"
            )
        order = np.argsort(flat, kind="stable")
        flat, units = flat[order], units[order]
    fits_memory((n_units, n_units), np.float64, "a skew-bias matrix")
    offsets = np.array([0, len(flat)], dtype=np.int64)
    matrix: FloatArray = _core.skew_bias(flat, offsets, units, n_units, 1)[0]
    return matrix


def skew_bias_matrices(spikes: Any, intervals: Any, *, threads: int | None = None) -> FloatArray:
    """Bias of the firing order inside each interval.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    intervals : Intervals or array_like (n_intervals, 2), s
        For example ripples; ``[start, stop)``. They may overlap.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n_intervals, n_units, n_units) float64
        :func:`skew_bias_matrix` of the spikes of each interval.

    Raises
    ------
    TooLargeError
        The matrices would not fit into memory.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.events.skew_bias_matrices([[0.1, 1.2], [0.2, 1.1]], [[0, 1], [1, 2]])[:, 0, 1].tolist()
    [1.0, -1.0]
    """
    n_threads = resolve_threads(threads)
    trains = as_spike_trains(spikes)
    found = as_intervals(intervals)
    fits_memory((len(found), trains.n_units, trains.n_units), np.float64, "skew-bias matrices")
    flat, units = _by_time(trains)
    first = np.searchsorted(flat, found.starts, side="left")
    n = np.maximum(np.searchsorted(flat, found.stops, side="left") - first, 0)
    offsets = np.concatenate([[0], np.cumsum(n)]).astype(np.int64)
    index = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - first, n)
    return _core.skew_bias(flat[index], offsets, units[index], trains.n_units, n_threads)


def _by_time(trains: SpikeTrains) -> tuple[FloatArray, Any]:
    units = np.repeat(np.arange(trains.n_units), trains.counts)
    order = np.argsort(trains.times, kind="stable")
    return trains.times[order], units[order]
