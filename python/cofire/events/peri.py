"""How many spikes fall where around an event?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import _core, _validate
from cofire._optional import plotter
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, FloatArray, fits_memory, positive, vector
from cofire.errors import InvalidArgumentError
from cofire.types import SpikeTrains, as_spike_trains

if TYPE_CHECKING:
    import pandas as pd

_MAX_BINS = 2**30


@dataclass(frozen=True, slots=True)
class PeriEvent:
    """Spikes counted around events.

    Attributes
    ----------
    counts : ndarray (n_units, L) int64, or (n_events, n_units, L) int32
        Spikes in each bin: of all events together, or (``per_event=True``) of each event, in the
        order the events were given, dropped ones left out.
    lags : ndarray (L,) float64, s
        Bin centers relative to the event.
    bin_width : float, s
    n_events : int
        Events that were counted.
    n_dropped : int
        Events left out because their time is not finite.
    unit_ids : ndarray (n_units,)
    """

    counts: AnyArray
    lags: FloatArray
    bin_width: float
    n_events: int
    n_dropped: int
    unit_ids: AnyArray

    @property
    def rate(self) -> FloatArray:
        """Spikes per second, shaped like `counts`: per event, ``counts / bin_width``."""
        n_trials = self.n_events if self.counts.ndim == 2 else 1
        return self.counts / (n_trials * self.bin_width)

    def to_frame(self) -> pd.DataFrame:
        """Mean rate (Hz), a row a bin (indexed by lag, s) and a column a unit."""
        import pandas as pd

        rate = self.rate if self.counts.ndim == 2 else self.rate.mean(axis=0)
        return pd.DataFrame(rate.T, index=pd.Index(self.lags, name="lag"), columns=self.unit_ids)

    def plot(self, **kwargs: Any) -> Any:
        """Draw the rates; see :func:`cofire.plot.plot_peri_event`."""
        return plotter("plot_peri_event")(self, **kwargs)

    def __repr__(self) -> str:
        dropped = f" ({self.n_dropped} dropped)" if self.n_dropped else ""
        return (
            f"PeriEvent({len(self.unit_ids)} units, {len(self.lags)} bins of {self.bin_width:g} s, "
            f"{self.n_events} events{dropped})"
        )


def peri_event_counts(
    spikes: Any,
    events: Any,
    window: tuple[float, float],
    bin_width: float,
    *,
    per_event: bool = False,
    threads: int | None = None,
) -> PeriEvent:
    """Count the spikes of every unit in bins around events.

    There are ``L = round((w1 - w0) / bin_width)`` bins; bin k holds the spikes with
    ``w0 + k * bin_width <= t - event < w0 + (k + 1) * bin_width``, evaluated in double precision
    against these edges.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
        Units with sorted times in seconds. Silent units count 0.
    events : array_like (n_events,), s
        In any order; equal times count each. Times that are not finite are dropped and counted in
        ``n_dropped``.
    window : (w0, w1), s
        Relative to the event, w0 < w1; it need not contain 0. A window that reaches beyond the
        recording finds no spikes there and still counts as an event.
    bin_width : float, s, > 0
    per_event : bool
        Counts of each event instead of their sum.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    PeriEvent
        ``counts`` (n_units, L), or (n_events, n_units, L) with ``per_event=True``.

    Raises
    ------
    InvalidArgumentError
        No event with a finite time, a window without a bin.
    TooLargeError
        The counts of all events would not fit into memory.

    Examples
    --------
    >>> import cofire as cf
    >>> psth = cf.peri_event_counts([[0.95, 1.02, 2.05]], [1.0, 2.0], (-0.1, 0.1), 0.1)
    >>> psth.counts
    array([[1, 2]])
    >>> psth.rate
    array([[ 5., 10.]])
    >>> psth.lags
    array([-0.05,  0.05])

    References
    ----------
    Perkel, Gerstein & Moore 1967, doi:10.1016/S0006-3495(67)86596-2
    """
    w0, w1 = _validate.window(window)
    width = positive(bin_width, "bin_width", "s")
    n_threads = resolve_threads(threads)
    trains = as_spike_trains(spikes)
    at, n_dropped = checked(events)
    n_bins = round((w1 - w0) / width)
    if not 1 <= n_bins <= _MAX_BINS:
        raise InvalidArgumentError(
            f"window ({w0:g}, {w1:g}) s with bin_width {width:g} s makes {n_bins} bins; "
            f"choose 1 to 2**30"
        )
    return PeriEvent(
        counts=count(trains, at, w0, width, n_bins, per_event, n_threads),
        lags=w0 + (np.arange(n_bins, dtype=np.float64) + 0.5) * width,
        bin_width=width,
        n_events=len(at),
        n_dropped=n_dropped,
        unit_ids=trains.unit_ids,
    )


def checked(events: Any) -> tuple[FloatArray, int]:
    """Finite event times, and how many are not; no events are an error."""
    given = vector(events, "events", finite=False)
    at = given[np.isfinite(given)]
    if not len(at):
        what = "events is empty" if not len(given) else "no event has a finite time"
        raise InvalidArgumentError(f"{what}; pass at least one event time in seconds")
    return at, len(given) - len(at)


def count(
    trains: SpikeTrains,
    events: FloatArray,
    start: float,
    width: float,
    n_bins: int,
    per_event: bool,
    n_threads: int,
    *,
    truncated: bool = False,
) -> AnyArray:
    """Call the kernel; `truncated` is neuro_py's arithmetic instead of exact edges."""
    order = np.argsort(events, kind="stable")
    bins = (start, width, n_bins, truncated, n_threads)
    if not per_event:
        return _core.peri_event_counts(trains.times, trains.offsets, events[order], *bins)
    shape = (len(events), trains.n_units, n_bins)
    fits_memory(shape, np.int32, "the spike counts of every event")
    return _core.peri_event_counts_each(trains.times, trains.offsets, events[order], order, *bins)
