"""When does the population fire together, and which events have enough spikes?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import FloatArray, IntArray, integer, positive, real
from cofire.errors import InvalidArgumentError
from cofire.events.participation import counts_inside
from cofire.spikes import bin_spikes
from cofire.types import Intervals, as_intervals, as_spike_trains


def population_bursts(
    spikes: Any,
    *,
    threshold: float = 3.0,
    edge_threshold: float = 0.0,
    bin_width: float = 0.001,
    sigma: float = 0.015,
    min_duration: float = 0.05,
    max_duration: float = 0.5,
    min_units: int = 1,
    support: Any = None,
) -> Intervals:
    """Find the times at which many units fire together.

    All spikes are pooled into bins, smoothed by a Gaussian inside each epoch of the support and
    z-scored over the whole support. A burst is a stretch of bins above `edge_threshold` whose peak
    exceeds `threshold`.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    threshold : float, sd
        The peak of a burst lies above it.
    edge_threshold : float, sd, <= threshold
        A burst starts and ends where the rate crosses it; 0 is the mean rate.
    bin_width : float, s, > 0
    sigma : float, s, > 0
        Standard deviation of the smoothing kernel.
    min_duration, max_duration : float, s
        Shorter and longer bursts are dropped.
    min_units : int, >= 1
        Bursts in which fewer units fire are dropped.
    support : Intervals or array_like (n, 2), s, optional
        Where to look; default the trains' own support. A burst never crosses a gap.

    Returns
    -------
    Intervals
        Sorted and disjoint, edges on bin edges. Metadata per burst: ``peak_time`` (s),
        ``peak_z`` (sd), ``peak_rate`` (Hz, all units), ``n_spikes``, ``n_units``, and
        ``threshold_rate`` (Hz), the smoothed rate that the threshold corresponds to. No spikes or a
        constant rate give none.

    Raises
    ------
    InvalidArgumentError
        Thresholds or durations in the wrong order, non-positive widths.

    Examples
    --------
    >>> import cofire as cf
    >>> import numpy as np
    >>> trains = [np.sort(np.r_[np.arange(i / 60, 20, 0.5), 10.005 + i / 500]) for i in range(30)]
    >>> bursts = cf.population_bursts(trains, min_duration=0.02)
    >>> bursts.metadata[["peak_time", "n_units"]].round(2).to_numpy().tolist()
    [[10.03, 30.0]]

    References
    ----------
    Population burst events as in Diba & Buzsaki 2007, doi:10.1038/nn1961
    """
    threshold, edge = real(threshold, "threshold"), real(edge_threshold, "edge_threshold")
    if edge > threshold:
        raise InvalidArgumentError(
            f"edge_threshold ({edge:g} sd) must not exceed threshold ({threshold:g} sd)"
        )
    shortest, longest = real(min_duration, "min_duration"), positive(max_duration, "max_duration")
    if shortest > longest:
        raise InvalidArgumentError(
            f"min_duration ({shortest:g} s) must not exceed max_duration ({longest:g} s)"
        )
    bin_width, sigma = positive(bin_width, "bin_width", "s"), positive(sigma, "sigma", "s")
    min_units = integer(min_units, "min_units", minimum=1)
    trains = as_spike_trains(spikes)
    if support is not None:
        trains = trains.restrict(as_intervals(support, "support"))
    pooled = np.sort(trains.times)
    binned = bin_spikes([pooled], bin_width, support=trains.support_or_span(), dtype="float64")
    rate = _smooth_epochs(binned.counts[0] / bin_width, binned.epoch_index, sigma / bin_width)
    mean, sd = (float(rate.mean()), float(rate.std())) if rate.size else (0.0, 0.0)
    if not sd > 1e-12 * abs(mean):
        return Intervals([], metadata={name: [] for name in _COLUMNS})
    z = (rate - mean) / sd
    first, last = _runs(z > edge, binned.epoch_index)
    peak = np.array([a + int(z[a:b].argmax()) for a, b in zip(first, last, strict=True)], dtype=int)
    starts = binned.centers[first] - bin_width / 2
    stops = binned.centers[last - 1] + bin_width / 2
    n_spikes = counts_inside(trains, starts, stops, "left")
    n_units = (n_spikes > 0).sum(axis=0)
    duration = stops - starts
    # Half a bin of tolerance: durations are whole numbers of bins, up to rounding.
    slack = 0.5 * bin_width
    keep = (z[peak] > threshold) & (n_units >= min_units)
    keep &= (duration > shortest - slack) & (duration < longest + slack)
    columns = (
        binned.centers[peak],
        z[peak],
        rate[peak],
        n_spikes.sum(axis=0),
        n_units,
        np.full(len(peak), mean + threshold * sd),
    )
    metadata = {name: values[keep] for name, values in zip(_COLUMNS, columns, strict=True)}
    return Intervals(
        np.column_stack([starts[keep], stops[keep]]), metadata=metadata, on_overlap="keep"
    )


_COLUMNS = ("peak_time", "peak_z", "peak_rate", "n_spikes", "n_units", "threshold_rate")


def filter_events_by_spiking(
    spikes: Any,
    events: Any,
    *,
    min_units: int = 5,
    min_spikes: int = 0,
    min_rate: float | None = None,
    min_fraction: float | None = None,
) -> Intervals:
    """Keep the events in which enough units fire.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    events : Intervals or array_like (n, 2), s
        A spike counts inside ``[start, stop)``.
    min_units : int, >= 0
        Units with at least one spike.
    min_spikes : int, >= 0
        Spikes of all units together.
    min_rate : float, Hz, optional
        Spikes of all units together per second of event.
    min_fraction : float in [0, 1], optional
        Active units divided by all units.

    Returns
    -------
    Intervals
        The events that meet all conditions, with their metadata and the columns ``n_units`` and
        ``n_spikes``.

    Raises
    ------
    InvalidArgumentError
        A negative condition, or a fraction outside [0, 1].

    Examples
    --------
    >>> import cofire as cf
    >>> spikes = [[0.1, 5.1], [0.2], [0.3]]
    >>> cf.filter_events_by_spiking(spikes, [[0.0, 1.0], [5.0, 6.0]], min_units=3).data.tolist()
    [[0.0, 1.0]]
    """
    min_units = integer(min_units, "min_units", minimum=0)
    min_spikes = integer(min_spikes, "min_spikes", minimum=0)
    rate = 0.0 if min_rate is None else real(min_rate, "min_rate")
    fraction = 0.0 if min_fraction is None else real(min_fraction, "min_fraction")
    if rate < 0 or not 0 <= fraction <= 1:
        raise InvalidArgumentError(
            "min_rate must not be negative and min_fraction must lie in [0, 1], "
            f"got {rate:g} and {fraction:g}"
        )
    trains = as_spike_trains(spikes)
    found = as_intervals(events, "events")
    counts = counts_inside(trains, found.starts, found.stops, "left")
    n_units, n_spikes = (counts > 0).sum(axis=0), counts.sum(axis=0)
    keep = (n_units >= min_units) & (n_spikes >= min_spikes)
    keep &= n_spikes >= rate * found.durations
    keep &= n_units >= fraction * trains.n_units
    kept = found.select(keep)
    table = kept.metadata.assign(n_units=n_units[keep], n_spikes=n_spikes[keep])
    return Intervals(kept.data, metadata=table, on_overlap="keep", domain=kept.domain)


def _smooth_epochs(rate: FloatArray, epoch_index: IntArray, sigma_bins: float) -> FloatArray:
    from scipy.ndimage import gaussian_filter1d

    borders = np.flatnonzero(np.diff(epoch_index)) + 1
    pieces = [gaussian_filter1d(part, sigma_bins) for part in np.split(rate, borders) if len(part)]
    return np.concatenate([np.zeros(0), *pieces])


def _runs(above: Any, epoch_index: IntArray) -> tuple[IntArray, IntArray]:
    """First bin and the bin after the last of each stretch of true bins within one epoch."""
    padded = np.concatenate([[False], above, [False]])
    same_epoch = np.concatenate([[False], epoch_index[1:] == epoch_index[:-1], [False]])
    first = np.flatnonzero(padded[1:] & ~(padded[:-1] & same_epoch)[: len(padded) - 1])
    last = np.flatnonzero(padded[:-1] & ~(padded[1:] & same_epoch)[: len(padded) - 1])
    return first, last
