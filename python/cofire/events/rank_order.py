"""In which order do units fire within events?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, integer, one_of, positive, real
from cofire.errors import InvalidArgumentError
from cofire.events.participation import counts_inside
from cofire.types import Intervals, SpikeTrains, as_intervals, as_spike_trains

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class RankOrder:
    """When each unit fires relative to the others or to the event.

    Attributes
    ----------
    median : ndarray (n_units,) float64
        Median over the events in which a unit has a rank; NaN if there is none.
    ranks : ndarray (n_units, n_intervals) float64
        0 is first; below or at 1. NaN where a unit is silent or too few units are active.
    unit_ids : ndarray (n_units,)
    intervals : Intervals
        The events after padding.
    """

    median: FloatArray
    ranks: FloatArray
    unit_ids: AnyArray
    intervals: Intervals

    def __iter__(self) -> Iterator[FloatArray]:
        """Unpack as ``median, ranks``."""
        return iter((self.median, self.ranks))

    def to_frame(self) -> pd.DataFrame:
        """Ranks as a table (n_intervals, n_units): index start of the interval (s)."""
        import pandas as pd

        index = pd.Index(self.intervals.starts, name="start")
        return pd.DataFrame(self.ranks.T, index=index, columns=self.unit_ids)

    def __repr__(self) -> str:
        n_used = int((~np.isnan(self.ranks)).any(axis=0).sum())
        return (
            f"RankOrder({self.ranks.shape[0]} units, {self.ranks.shape[1]} events, "
            f"{n_used} with ranks)"
        )


def rank_order(
    spikes: Any,
    intervals: Any,
    *,
    method: str = "peak_fr",
    ref: str = "cells",
    padding: float = 0.05,
    dt: float = 0.001,
    sigma: float = 0.01,
    min_units: int = 5,
) -> RankOrder:
    """Order the units by when they fire in each event.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    intervals : Intervals or array_like (n_intervals, 2), s
        Events, for example ripples.
    method : {"peak_fr", "first_spike"}
        A unit's time is the (first) peak of its rate, counted in pieces of `dt` and smoothed by a
        Gaussian of `sigma`; or its first spike.
    ref : {"cells", "epoch"}
        ``"cells"``: position in the order of the active units divided by their number (0, 1/n, ...,
        (n-1)/n); equal times are ordered by unit. ``"epoch"``: position of the time within the
        event, 0 to 1.
    padding : float, s, >= 0
        Added at both ends of each event; overlapping events stay separate.
    dt, sigma : float, s, > 0
        Of the rate; `dt` is also the grid of ``method="first_spike", ref="epoch"``.
    min_units : int, >= 1
        Events with fewer active units give no rank.

    Returns
    -------
    RankOrder
        ``median`` (n_units,) and ``ranks`` (n_units, n_intervals).

    Raises
    ------
    InvalidArgumentError
        Unknown method or reference, negative padding, non-positive dt, sigma or min_units.

    Notes
    -----
    For ``peak_fr`` a spike at the border of two pieces belongs to neither (open intervals, as in
    :func:`count_in_intervals`), and a unit is active if a piece holds a spike. neuro_py's function
    of this name ignores `min_units` with ``ref="epoch"`` and orders equal peaks arbitrarily.

    Examples
    --------
    >>> import cofire as cf
    >>> trains = [[1.02], [1.05], [1.08], []]
    >>> cf.rank_order(trains, [[1.0, 1.1]], method="first_spike", min_units=3).ranks[:, 0].tolist()
    [0.0, 0.3333333333333333, 0.6666666666666666, nan]
    """
    one_of(method, "method", ("peak_fr", "first_spike"))
    one_of(ref, "ref", ("cells", "epoch"))
    dt, sigma = positive(dt, "dt", "s"), positive(sigma, "sigma", "s")
    min_units = integer(min_units, "min_units", minimum=1)
    if real(padding, "padding") < 0:
        raise InvalidArgumentError(f"padding must not be negative (s), got {padding:g}")
    trains = as_spike_trains(spikes)
    events = as_intervals(intervals).expand(padding)
    ranks = np.full((trains.n_units, len(events)), np.nan)
    for column, (start, stop) in zip(ranks.T, events, strict=True):
        if method == "peak_fr":
            when, length = _peaks(trains, start, stop, dt, sigma)
        else:
            when, length = _first_spikes(trains, start, stop, dt)
        active = np.flatnonzero(~np.isnan(when))
        if len(active) < min_units:
            continue
        if ref == "epoch":
            column[:] = (
                _on_grid(when, start, stop, dt) if method == "first_spike" else when / length
            )
        else:
            # Active units are taken in their own order, so a stable sort breaks ties by unit.
            column[active[np.argsort(when[active], kind="stable")]] = np.arange(len(active)) / len(
                active
            )
    return RankOrder(_nanmedian(ranks), ranks, trains.unit_ids, events)


def _peaks(
    trains: SpikeTrains, start: float, stop: float, dt: float, sigma: float
) -> tuple[FloatArray, int]:
    """Piece of each unit's highest smoothed rate (NaN if silent), and the number of pieces."""
    from scipy.ndimage import gaussian_filter1d

    edges = np.arange(start, stop, dt)
    edges = np.append(edges, stop)
    counts = counts_inside(trains, edges[:-1], edges[1:], "neither").astype(np.float64)
    if not counts.size:
        return np.full(trains.n_units, np.nan), 0
    rate = gaussian_filter1d(counts, sigma / dt, axis=1)
    when = rate.argmax(axis=1).astype(np.float64)
    when[~counts.any(axis=1)] = np.nan
    return when, counts.shape[1]


def _first_spikes(
    trains: SpikeTrains, start: float, stop: float, dt: float
) -> tuple[FloatArray, int]:
    """Time of each unit's first spike in [start, stop), NaN if there is none."""
    when = np.full(trains.n_units, np.nan)
    for i, train in enumerate(trains):
        first = int(np.searchsorted(train, start, side="left"))
        if first < len(train) and train[first] < stop:
            when[i] = train[first]
    return when, 0


def _on_grid(when: FloatArray, start: float, stop: float, dt: float) -> FloatArray:
    """Times on a scale from 0 to 1, first to last point of arange(start, stop, dt)."""
    grid = np.arange(start, stop, dt)
    if len(grid) < 2:
        return np.where(np.isnan(when), np.nan, 0.0)
    scaled: FloatArray = np.interp(when, grid, np.linspace(0.0, 1.0, len(grid)))
    return scaled


def _nanmedian(ranks: FloatArray) -> FloatArray:
    median = np.full(len(ranks), np.nan)
    known = ~np.isnan(ranks).all(axis=1)
    if known.any():
        median[known] = np.nanmedian(ranks[known], axis=1)
    return median
