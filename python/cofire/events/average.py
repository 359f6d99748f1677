"""What does a signal do around an event, on average?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import _validate
from cofire._optional import plotter
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, one_of, positive, vector
from cofire.errors import InvalidArgumentError
from cofire.events import compat as old
from cofire.events.accumulate import (
    Windows,
    average_interpolated,
    irregular_runs,
    rate_of_equal_steps,
    regular_runs,
)
from cofire.types import Traces

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class EventTriggered:
    """Signals around events.

    Attributes
    ----------
    lags : ndarray (L,) float64, s
        Time relative to the event.
    mean : ndarray (L, n) float64
        Average over events of each signal; NaN where no event has a sample.
    sem : ndarray (L, n) float64
        Standard error ``sd(ddof=1) / sqrt(count)``; NaN with fewer than two samples.
    counts : ndarray (L, n) int64
        Samples (events) that an average is made of: NaN and missing samples do not count.
    n_events : int
        Events of which at least one sample exists.
    columns : ndarray (n,)
        Names of the signals.
    stack : ndarray (n_events_given, L, n) or None
        Every event's samples, in the order the events were given; NaN where there are none. Only
        with ``per_event=True``.
    """

    lags: FloatArray
    mean: FloatArray
    sem: FloatArray
    counts: IntArray
    n_events: int
    columns: AnyArray
    stack: AnyArray | None = None

    def to_frame(self) -> pd.DataFrame:
        """Averages (L, n), indexed by lag (s)."""
        import pandas as pd

        return pd.DataFrame(self.mean, index=pd.Index(self.lags, name="lag"), columns=self.columns)

    def plot(self, **kwargs: Any) -> Any:
        """Draw the averages; see :func:`cofire.plot.plot_event_triggered`."""
        return plotter("plot_event_triggered")(self, **kwargs)

    def __repr__(self) -> str:
        n_lags, n = self.mean.shape
        span = f"{self.lags[0]:g}..{self.lags[-1]:g} s"
        return f"EventTriggered({n} signals, {n_lags} lags {span}, {self.n_events} events)"


def event_triggered_average(
    signal: Any,
    events: Any,
    window: tuple[float, float],
    *,
    rate: float | None = None,
    times: Any = None,
    t_start: float = 0.0,
    per_event: bool = False,
    support: Any = None,
    incomplete: str = "keep",
    compat: str | None = None,
    threads: int | None = None,
) -> EventTriggered:
    """Average signals around events.

    There are ``L = round((w1 - w0) * rate)`` lags, ``lags = w0 + i / rate``. A regular signal
    (`rate`, or `times` in equal steps) is read sample by sample, from the sample nearest to
    ``event + w0`` (of two equally near ones the later). One with other `times`, or with lags at
    another rate than its samples, is interpolated linearly at ``event + lags``, never between two
    support epochs.

    Samples outside the data or the support do not exist: an event whose window leaves the data or
    crosses a gap is NaN there. NaN is left out lag by lag; :attr:`EventTriggered.counts` says how
    many samples are left.

    Parameters
    ----------
    signal : Traces or array_like (T,) or (T, n)
        One column a signal; either memory layout is read in place. float32 and float64 are kept
        and summed in float64, other types become float64.
    events : array_like (n_events,), s
        In any order; the averages do not depend on it. NaN has no samples.
    window : (w0, w1), s
        Relative to the event, w0 < w1; it need not contain 0.
    rate : float, Hz, optional
        Sampling rate of an array; with `times`, the rate of the lags (default 1 / median interval).
    times : array_like (T,), s, optional
        Strictly increasing sample times of an array.
    t_start : float, s
        Time of the first sample of an array with `rate`.
    per_event : bool
        Also return every event's samples as ``.stack`` (n_events, L, n).
    support : Intervals or array_like (k, 2), s, optional
        Where the signal is valid, ``[start, stop)``; default the support of the Traces, or from
        the first sample to the last.
    incomplete : {"keep", "drop"}
        Events of which some samples do not exist: use those that do, or leave the event out.
        (A NaN inside the data concerns its own lag and signal only.)
    compat : {None, "neuro_py", "neuro_py_interpolated"}
        Reproduce neuro_py 0.2, defects included: windows centered on the event whatever `w0` is,
        lags ``linspace(w0, w1, ceil((w1 - w0) * rate))``, events near the border dropped, support
        ignored, and (with `times`) zeros and a warning when no event is valid. ``"neuro_py"`` is
        its fast version for a regular signal and the timestamped one with `times`, which reads
        samples where times are regular; ``"neuro_py_interpolated"`` always interpolates.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    EventTriggered
        ``mean``, ``sem`` and ``counts`` (L, n). Without any valid event all of ``mean`` is NaN.

    Raises
    ------
    InvalidArgumentError
        Neither or both clocks, a window without a sample.
    SeriesError
        `times` do not increase or do not fit the signal.

    Examples
    --------
    >>> import cofire as cf, numpy as np
    >>> ramp = np.arange(100.0)
    >>> eta = cf.event_triggered_average(ramp, [3.0, 5.0], (-0.2, 0.2), rate=10.0)
    >>> eta.lags
    array([-0.2, -0.1,  0. ,  0.1])
    >>> eta.mean[:, 0]
    array([38., 39., 40., 41.])

    References
    ----------
    neuro_py, ``event_triggered_average`` and ``event_triggered_average_fast``.
    """
    one_of(incomplete, "incomplete", ("keep", "drop"))
    n_threads = resolve_threads(threads)
    w0, w1 = _validate.window(window)
    at = vector(events, "events", finite=False)
    traces, lag_rate = _traces(signal, rate, times, t_start, support)
    if compat is not None:
        one_of(compat, "compat", ("neuro_py", "neuro_py_interpolated"))
        interpolate = compat == "neuro_py_interpolated"
        found = old.average(traces, at, (w0, w1), lag_rate, interpolate, per_event, n_threads)
        lags, moments, n_valid, stack = found
    else:
        sample_rate = traces.rate
        if sample_rate is None:
            sample_rate = rate_of_equal_steps(traces.times, lag_rate)
        lag_rate = lag_rate if sample_rate is None else sample_rate
        n_lags = round((w1 - w0) * lag_rate)
        if n_lags < 1:
            raise InvalidArgumentError(
                f"window ({w0:g}, {w1:g}) s holds no sample at rate {lag_rate:g} Hz; widen it"
            )
        lags = w0 + np.arange(n_lags) / lag_rate
        options = (at, lags, incomplete == "drop", per_event, n_threads)
        if sample_rate is None:
            moments, n_valid, stack = _interpolated(traces, *options)
        else:
            moments, n_valid, stack = _regular(traces, sample_rate, *options)
    return EventTriggered(lags, *moments, n_valid, traces.columns, stack)


Found = tuple[tuple[FloatArray, FloatArray, IntArray], int, AnyArray | None]


def _regular(
    traces: Traces,
    rate: float,
    events: FloatArray,
    lags: FloatArray,
    drop: bool,
    per_event: bool,
    threads: int,
) -> Found:
    if traces.rate is None:
        runs = irregular_runs(traces.support, traces.times)
    else:
        runs = regular_runs(traces.support, len(traces), rate, traces.t_start)
    first = np.floor((events + lags[0] - traces.t_start) * rate + 0.5)
    windows = Windows.lay(first, runs, len(lags), partial=not drop)
    stack = windows.stack(traces.values, len(events)) if per_event else None
    return windows.average(traces.values, threads), windows.n_events, stack


def _interpolated(
    traces: Traces, events: FloatArray, lags: FloatArray, drop: bool, per_event: bool, threads: int
) -> Found:
    runs = irregular_runs(traces.support, traces.times)
    exists = _windows_in_runs(traces.times, runs, events + lags[0], events + lags[-1], drop)
    kept = np.where(exists, events, np.nan)
    moments = average_interpolated(traces, runs, kept, lags, threads)
    stack = None
    if per_event:
        _validate.fits_memory(
            (len(events), len(lags), traces.n_signals), float, "the samples around every event"
        )
        stack = traces.at((kept[:, None] + lags).ravel())
        stack = stack.reshape(len(events), len(lags), traces.n_signals)
    return moments, int(exists.sum()), stack


def _windows_in_runs(
    times: FloatArray, runs: IntArray, begin: FloatArray, end: FloatArray, whole: bool
) -> BoolArray:
    """Whether a run of samples holds any time of a window, or the whole window."""
    if not len(runs):
        return np.zeros(len(begin), dtype=bool)
    first, last = times[runs[:, 0]], times[runs[:, 1] - 1]
    run = np.searchsorted(last, begin, side="left")
    found = run < len(runs)
    run = np.minimum(run, len(runs) - 1)
    inside = (first[run] <= begin) & (end <= last[run]) if whole else first[run] <= end
    return found & inside


def _traces(
    signal: Any, rate: float | None, times: Any, t_start: float, support: Any
) -> tuple[Traces, float]:
    """The signal with its clock, and the rate of the lags."""
    if isinstance(signal, Traces):
        if times is not None or t_start != 0.0:
            raise InvalidArgumentError(
                "a Traces has its own clock; times and t_start are for plain arrays"
            )
        traces = signal
        if support is not None:
            clock = {"times": signal.times} if signal.rate is None else {"t_start": signal.t_start}
            traces = Traces(
                signal.values, rate=signal.rate, columns=signal.columns, support=support, **clock
            )
    elif times is not None:
        traces = Traces(signal, times=times, support=support)
    elif rate is not None:
        traces = Traces(signal, rate=rate, t_start=t_start, support=support)
    else:
        raise InvalidArgumentError(
            "a plain array needs a clock: pass rate (Hz), or times (s), or a Traces"
        )
    if traces.rate is not None:
        if rate is not None and rate != traces.rate:
            raise InvalidArgumentError(
                f"rate is {rate:g} Hz but the Traces has {traces.rate:g} Hz; leave rate out"
            )
        return traces, traces.rate
    if rate is not None:
        return traces, positive(rate, "rate", "Hz")
    if len(traces) < 2:
        raise InvalidArgumentError("fewer than two samples have no median interval; pass rate (Hz)")
    return traces, 1.0 / float(np.median(np.diff(traces.times)))
