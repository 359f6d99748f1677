"""Peri-event histograms in neuro_py's form: tables of rates, bins centered on multiples of a width.

New work is better served by :func:`cofire.peri_event_counts`, which bins any window exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import _validate
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, FloatArray, integer, positive
from cofire.errors import InvalidArgumentError
from cofire.events.average import event_triggered_average
from cofire.events.peri import checked, count
from cofire.spikes import BinnedSpikes
from cofire.types import SpikeTrains, Traces, as_spike_trains

if TYPE_CHECKING:
    import pandas as pd

# A window edge this close to a bin center (in bins) is meant to be on it.
_EDGE_TOLERANCE = 1e-6
_SIGNAL_WINDOW = (-0.5, 0.5)


def compute_psth(
    trains: Any,
    events: Any,
    bin_width: float = 0.002,
    n_bins: int = 100,
    window: tuple[float, float] | None = None,
    *,
    threads: int | None = None,
) -> pd.DataFrame:
    """Firing rate of every unit around events, in bins centered on multiples of `bin_width`.

    The number of rows is always odd, so that a bin is centered on the event: an even `n_bins` gives
    ``n_bins + 1`` rows, an odd one ``n_bins``. With `window`, the rows are all multiples of
    `bin_width` in ``[w0, w1]``, both ends included. The bin of a spike is
    ``trunc((t - (event - W)) / bin_width)`` with W half the width of all rows.

    Parameters
    ----------
    trains : SpikeTrains or convertible
    events : array_like (n_events,), s
        In any order; times that are not finite are dropped.
    bin_width : float, s, > 0
    n_bins : int, > 0
        Without `window`.
    window : (w0, w1), s, optional
        Overrides `n_bins`; it need not contain the event.
    threads : int, optional
        Default :func:`cofire.get_num_threads`.

    Returns
    -------
    DataFrame (n_rows, n_units) float64, Hz
        Indexed by bin center (s), columns are unit ids.

    Raises
    ------
    InvalidArgumentError
        No events, a window without a bin center.

    Notes
    -----
    neuro_py raises for an odd number of bins and loses the last row of some asymmetric windows;
    both are repaired here.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.compute_psth([[0.99, 1.1, 2.1]], [1.0, 2.0], bin_width=0.1, n_bins=2)[0].tolist()
    [0.0, 5.0, 10.0]
    """
    import pandas as pd

    spikes = as_spike_trains(trains, argument="trains")
    counts, index, at = _counts(spikes, events, bin_width, n_bins, window, False, threads)
    return pd.DataFrame(counts.T / (len(at) * bin_width), index=index, columns=spikes.unit_ids)


def peth_matrix(
    t: Any,
    events: Any,
    bin_width: float = 0.002,
    n_bins: int = 100,
    window: tuple[float, float] | None = None,
    *,
    threads: int | None = None,
) -> pd.DataFrame:
    """Firing rate of one unit around each event; bins as in :func:`compute_psth`.

    Parameters
    ----------
    t : array_like (n_spikes,), s
        Sorted spike times of one unit.
    events : array_like (n_events,), s
        In any order; times that are not finite are dropped.
    bin_width, n_bins, window, threads
        As in :func:`compute_psth`.

    Returns
    -------
    DataFrame (n_rows, n_events) float64, Hz
        Indexed by bin center (s), one column an event, in the given order.

    Raises
    ------
    InvalidArgumentError
        No events, a window without a bin center.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.peth_matrix([0.99, 1.1, 2.1], [1.0, 2.0], bin_width=0.1, n_bins=2).to_numpy()
    array([[ 0.,  0.],
           [10.,  0.],
           [10., 10.]])
    """
    import pandas as pd

    train = SpikeTrains.from_list([_validate.vector(t, "t")])
    counts, index, _ = _counts(train, events, bin_width, n_bins, window, True, threads)
    return pd.DataFrame(counts[:, 0].T / bin_width, index=index)


def peth(
    data: Any,
    events: Any,
    window: tuple[float, float] | None = None,
    bin_width: float = 0.002,
    n_bins: int = 100,
    average: bool = True,
    *,
    threads: int | None = None,
) -> pd.DataFrame | AnyArray:
    """Peri-event average of whatever `data` is.

    Parameters
    ----------
    data : SpikeTrains or convertible, Traces, or BinnedSpikes
        Spikes are counted as by :func:`compute_psth`; sampled signals and binned spikes are
        averaged by :func:`cofire.event_triggered_average` at their own rate.
    events : array_like (n_events,), s
    window : (w0, w1), s, optional
        Default for signals (-0.5, 0.5), for spikes what `n_bins` says.
    bin_width, n_bins
        For spikes only.
    average : bool
        True: a table of averages. False: an array with every event.
    threads : int, optional
        Default :func:`cofire.get_num_threads`.

    Returns
    -------
    DataFrame (n_bins, n_units or n_signals), or ndarray (n_bins, n_units or n_signals, n_events)
        Rates (Hz) of spikes, values of signals, counts of binned spikes.

    Examples
    --------
    >>> import cofire as cf
    >>> from cofire.events import peth
    >>> peth([[0.99, 1.1, 2.1]], [1.0, 2.0], bin_width=0.1, n_bins=2, average=False).shape
    (3, 1, 2)
    """
    if isinstance(data, (Traces, BinnedSpikes)):
        signal = _as_traces(data) if isinstance(data, BinnedSpikes) else data
        rate = 1.0 / data.bin_width if isinstance(data, BinnedSpikes) else None
        found = event_triggered_average(
            signal,
            events,
            _SIGNAL_WINDOW if window is None else window,
            rate=rate,
            per_event=not average,
            threads=threads,
        )
        return found.to_frame() if found.stack is None else np.moveaxis(found.stack, 0, -1)
    if average:
        return compute_psth(data, events, bin_width, n_bins, window, threads=threads)
    spikes = as_spike_trains(data, argument="data")
    counts, _, _ = _counts(spikes, events, bin_width, n_bins, window, True, threads)
    return np.moveaxis(counts, 0, -1).swapaxes(0, 1) / bin_width


def _counts(
    spikes: SpikeTrains,
    events: Any,
    bin_width: float,
    n_bins: int,
    window: tuple[float, float] | None,
    per_event: bool,
    threads: int | None,
) -> tuple[AnyArray, FloatArray, FloatArray]:
    """Counts (..., n_rows), bin centers of the rows, and the events."""
    width = positive(bin_width, "bin_width", "s")
    n_threads = resolve_threads(threads)
    at, _ = checked(events)
    if window is None:
        half = integer(n_bins, "n_bins", minimum=1) // 2
        first, last = -half, half
    else:
        w0, w1 = _validate.window(window)
        first = int(np.ceil(w0 / width - _EDGE_TOLERANCE))
        last = int(np.floor(w1 / width + _EDGE_TOLERANCE))
        if first > last:
            raise InvalidArgumentError(
                f"window ({w0:g}, {w1:g}) s holds no multiple of bin_width {width:g} s; widen it"
            )
        half = max(abs(first), abs(last))
    n_rows = 2 * half + 1
    # As crossCorr does it: the symmetric window first, then the rows that were asked for.
    start = -(n_rows / 2 * width)
    counts = count(spikes, at, start, width, n_rows, per_event, n_threads, truncated=True)
    centers = np.linspace(-half * width, half * width, n_rows)
    rows = slice(first + half, last + half + 1)
    return counts[..., rows], centers[rows], at


def _as_traces(binned: BinnedSpikes) -> Traces:
    """Bins as samples at their centers."""
    values = binned.counts.T
    if len(binned.support) == 1:
        return Traces(
            values,
            rate=1.0 / binned.bin_width,
            t_start=float(binned.centers[0]),
            columns=binned.unit_ids,
            support=binned.support,
        )
    return Traces(values, times=binned.centers, columns=binned.unit_ids, support=binned.support)
