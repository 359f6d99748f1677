"""Correlograms of two trains in Hz, as neuro_py defines them, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import _core
from cofire._validate import FloatArray, integer, positive, vector
from cofire.errors import InvalidArgumentError
from cofire.events.correlogram import _pairs, odd_bins
from cofire.types import as_spike_trains

if TYPE_CHECKING:
    import pandas as pd


def cross_corr(t1: Any, t2: Any, binsize: float, nbins: int) -> FloatArray:
    """Rate of `t2` around the times `t1`, by neuro_py's rule.

    With ``n`` the next odd number to `nbins` and ``low = t1 - n/2 * binsize``, the times inside
    ``[low, low + n * binsize)`` count in bin ``int((t2 - low) / binsize)`` if that is below n.

    Parameters
    ----------
    t1 : array_like (n1,), s
        Reference times, in any order.
    t2 : array_like (n2,), s
        In any order.
    binsize : float, s, > 0
    nbins : int, >= 1
        An even number gets one more.

    Returns
    -------
    ndarray (n,) float64, Hz
        ``counts / (n1 * binsize)`` at lags ``(k - (n-1)/2) * binsize``. NaN if `t1` is empty, 0 if
        `t2` is. A time is also paired with itself when both are the same train.

    Raises
    ------
    InvalidArgumentError
        Times that are not finite; non-positive `binsize` or `nbins`.

    See Also
    --------
    cofire.correlogram : counts of all pairs of many units, threaded, with exact edges.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.cross_corr([0.0, 1.0], [0.1, 1.1], 0.1, 5).tolist()
    [0.0, 0.0, 0.0, 10.0, 0.0]
    """
    width = positive(binsize, "binsize", "s")
    n = odd_bins(nbins)
    reference = np.sort(vector(t1, "t1"))
    other = np.sort(vector(t2, "t2"))
    counts = _core.cross_corr(reference, other, width, n)
    if not len(reference):
        return np.full(n, np.nan)
    rate: FloatArray = counts / (len(reference) * width)
    return rate


# The name that analysis scripts already use.
crossCorr = cross_corr


def compute_autocorrelograms(spikes: Any, binsize: float = 0.001, nbins: int = 100) -> pd.DataFrame:
    """Autocorrelograms of all units in Hz, without the self pairs.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    binsize : float, s, > 0
    nbins : int, >= 1
        An even number gets one more.

    Returns
    -------
    DataFrame (bins, n_units)
        Index lag (s), columns unit ids; the row of lag 0 is set to 0. Silent units are NaN outside
        that row.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.events.compute_autocorrelograms([[0.0, 0.1]], 0.1, 3)[0].tolist()
    [5.0, 0.0, 5.0]
    """
    import pandas as pd

    trains = as_spike_trains(spikes)
    n = odd_bins(nbins)
    lags = (np.arange(n) - n // 2) * positive(binsize, "binsize", "s")
    columns = {
        unit: cross_corr(train, train, binsize, n)
        for unit, train in zip(trains.unit_ids.tolist(), trains, strict=True)
    }
    table = pd.DataFrame(columns, index=lags, dtype=np.float64)
    table.iloc[n // 2] = 0.0
    return table


def pairwise_cross_corr(
    spikes: Any, binsize: float = 0.001, nbins: int = 100, *, pairs: Any = None
) -> pd.DataFrame:
    """Cross-correlograms of pairs of units in Hz.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    binsize : float, s, > 0
    nbins : int, >= 1
        An even number gets one more.
    pairs : array_like (n_pairs, 2) of int, optional
        Positions of units; default all ``i < j`` in lexicographic order.

    Returns
    -------
    DataFrame (bins, n_pairs)
        Index ``linspace(-h * binsize, h * binsize, bins)``, ``h = (bins - 1) / 2`` (s); columns
        (position of reference, position of other).

    Examples
    --------
    >>> import cofire as cf
    >>> cf.events.pairwise_cross_corr([[0.0], [0.1], [0.1]], 0.1, 2)[(0, 1)].tolist()
    [0.0, 0.0, 10.0]
    """
    import pandas as pd

    trains = as_spike_trains(spikes)
    if pairs is None:
        chosen = np.column_stack(np.triu_indices(trains.n_units, k=1)).astype(np.int64)
    else:
        chosen = _pairs(pairs, trains.n_units)
    n = odd_bins(nbins)
    reach = (n // 2) * positive(binsize, "binsize", "s")
    values = np.empty((n, len(chosen)))
    for p, (i, j) in enumerate(chosen):
        values[:, p] = cross_corr(trains[int(i)], trains[int(j)], binsize, n)
    return pd.DataFrame(
        values,
        index=np.linspace(-reach, reach, n),
        columns=pd.MultiIndex.from_arrays([chosen[:, 0], chosen[:, 1]], names=["unit", "other"]),
    )


def deconvolve_peth(
    signal: Any, events: Any, bin_width: float = 0.002, n_bins: int = 100
) -> tuple[FloatArray, FloatArray]:
    """Response to events, freed from the autocorrelation of the responding train.

    With A the autocorrelogram of `signal` and R its correlogram around the events (both over twice
    the lags), solves ``T x = R - mean(R) + mean(R) / n_events`` for x, where T is the
    Toeplitz matrix of A, and T and R are cut to the lags of interest.

    Parameters
    ----------
    signal : array_like (n,), s
        Times of the responding point process, for example spikes of a unit.
    events : array_like (m,), s
    bin_width : float, s, > 0
    n_bins : int, even, >= 2

    Returns
    -------
    (deconvolved, lags) : ndarray (n_bins + 1,) float64 each; lags in s
        All zeros if no spike lies near an event.

    Raises
    ------
    InvalidArgumentError
        An odd number of bins, or no events.

    Examples
    --------
    >>> import cofire as cf
    >>> x, lags = cf.deconvolve_peth([1.0, 2.0, 3.0], [0.99, 1.99], bin_width=0.01, n_bins=4)
    >>> int(x.argmax()), lags.round(3).tolist()
    (3, [-0.02, -0.01, 0.0, 0.01, 0.02])

    References
    ----------
    Deconvolution of peri-event histograms as in neuro_py (FMAToolbox).
    """
    n = integer(n_bins, "n_bins", minimum=2)
    if n % 2:
        raise InvalidArgumentError(f"n_bins must be even, got {n}; the result has n_bins + 1 lags")
    width = positive(bin_width, "bin_width", "s")
    spikes = vector(signal, "signal")
    times = vector(events, "events")
    if not len(times):
        raise InvalidArgumentError("events is empty: there is nothing to respond to")
    lags = np.linspace(-n * width / 2, n * width / 2, n + 1)
    response = cross_corr(times, spikes, width, 2 * n)
    if not response.any():
        return np.zeros(n + 1), lags
    auto = cross_corr(spikes, spikes, width, 2 * n)
    i, j = np.arange(n, 2 * n + 1)[:, None], np.arange(n + 1)[None, :]
    toeplitz = auto[i - j]
    center = response.mean()
    target = (response - center)[n // 2 : 3 * n // 2 + 1] + center / len(times)
    deconvolved: FloatArray = np.linalg.solve(toeplitz, target)
    return deconvolved, lags
