"""Which events lie near which, and what happens together around them?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cofire._optional import plotter
from cofire._validate import AnyArray, FloatArray, IntArray, positive, real, vector, window
from cofire.errors import InvalidArgumentError
from cofire.types import as_intervals

if TYPE_CHECKING:
    import pandas as pd


class NearestEvent(NamedTuple):
    """The event nearest to each time.

    Attributes
    ----------
    delay : ndarray (n,) float64, s
        Time minus its nearest event: positive after the event.
    index : ndarray (n,) int64
        Position of that event.
    """

    delay: FloatArray
    index: IntArray  # type: ignore[assignment]


class Sync(NamedTuple):
    """Samples around events.

    Attributes
    ----------
    lag : ndarray (n,) float64, s, or (n, 1 + n_columns)
        Sample time minus event time; beside it the columns that came with the samples.
    event : ndarray (n,) int64
        Position of the event.
    sample : ndarray (n,) int64
        Position of the sample.
    """

    lag: FloatArray
    event: IntArray
    sample: IntArray


class RelativeTime(NamedTuple):
    """Where in its interval each time lies.

    Attributes
    ----------
    position : ndarray (n,) float64
        Linear between the two `values`; NaN outside all intervals.
    interval : ndarray (n,) float64
        Position of the interval; NaN outside.
    """

    position: FloatArray
    interval: FloatArray


@dataclass(frozen=True, slots=True)
class JointPETH:
    """Do two responses go together from event to event, beyond their averages?

    Attributes
    ----------
    joint : ndarray (L, L) float64, Hz
        Square root of the smoothed mean product; row: lag of the first, column: lag of the second.
    expected : ndarray (L, L) float64, Hz
        The same if the two were independent given the event.
    difference : ndarray (L, L) float64, Hz
        ``joint - expected``.
    """

    joint: FloatArray
    expected: FloatArray
    difference: FloatArray

    def __iter__(self) -> Iterator[FloatArray]:
        """Unpack as ``joint, expected, difference``."""
        return iter((self.joint, self.expected, self.difference))

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per cell: first, second (lag positions), joint, expected, difference."""
        import pandas as pd

        first, second = np.indices(self.joint.shape)
        return pd.DataFrame(
            {
                "first": first.ravel(),
                "second": second.ravel(),
                "joint": self.joint.ravel(),
                "expected": self.expected.ravel(),
                "difference": self.difference.ravel(),
            }
        )

    def plot(self, **options: Any) -> Any:
        """Draw the three matrices; see ``cofire.plot.plot_joint_peth``."""
        return plotter("plot_joint_peth")(self, **options)

    def __repr__(self) -> str:
        return f"JointPETH({self.joint.shape[0]} x {self.joint.shape[1]} lags)"


def nearest_event(a: Any, b: Any) -> NearestEvent:
    """Find the event of `b` nearest to each time of `a`.

    Parameters
    ----------
    a : array_like (n,), s
    b : array_like (m,), s
        Both strictly increasing; `b` not empty unless `a` is.

    Returns
    -------
    NearestEvent
        ``(delay, index)``: ``delay = a - b[index]``; halfway between two events the later is taken.

    Raises
    ------
    InvalidArgumentError
        Times that do not increase strictly (``np.unique`` sorts and removes duplicates), or no
        event.

    Examples
    --------
    >>> import cofire as cf
    >>> delay, index = cf.nearest_event([0.5, 1.5, 4.0], [1.0, 2.0])
    >>> delay.tolist(), index.tolist()
    ([-0.5, -0.5, 2.0], [0, 1, 1])
    """
    times, events = vector(a, "a"), vector(b, "b")
    _strictly_increasing(times, "a")
    _strictly_increasing(events, "b")
    if not len(times):
        return NearestEvent(np.zeros(0), np.zeros(0, dtype=np.int64))
    if not len(events):
        raise InvalidArgumentError("b is empty: there is no event to be near to")
    later = np.minimum(np.searchsorted(events, times), len(events) - 1)
    earlier = np.maximum(later - 1, 0)
    to_later, to_earlier = np.abs(events[later] - times), np.abs(times - events[earlier])
    index = np.where(to_earlier < to_later, earlier, later)
    return NearestEvent(times - events[index], index)


def sync(samples: Any, events: Any, window: tuple[float, float]) -> Sync:
    """Collect the samples inside a window around each event.

    Parameters
    ----------
    samples : array_like (n,), s, sorted; or (n, 1 + n_columns)
        Of a table the first column holds the times; the others are carried along.
    events : array_like (m,), s
        In any order.
    window : (start, stop), s
        Relative to the event, closed at both ends.

    Returns
    -------
    Sync
        ``(lag, event, sample)``, a row per pair, ordered by event and then by sample.

    Raises
    ------
    InvalidArgumentError
        Samples that are not sorted, or a window that is not (start, stop).

    Examples
    --------
    >>> import cofire as cf
    >>> cf.sync([0.0, 0.95, 1.05], [1.0], (-0.1, 0.1)).sample.tolist()
    [1, 2]
    """
    table = np.asarray(samples)
    has_columns = table.ndim == 2 and table.shape[1] > 0
    times = vector(table[:, 0] if has_columns else samples, "samples")
    centers = vector(events, "events")
    _sorted(times, "samples")
    before, after = _window(window)
    first = np.searchsorted(times, centers + before, side="left")
    last = np.searchsorted(times, centers + after, side="right")
    event, sample = _expand(first, last)
    lag = times[sample] - centers[event]
    if has_columns:
        lag = np.column_stack([lag, table[sample, 1:]])
    return Sync(lag, event, sample)


def raster_points(
    samples: Any, events: Any, window: tuple[float, float]
) -> tuple[FloatArray, IntArray]:
    """Points of a peri-event raster.

    Parameters
    ----------
    samples : array_like (n,), s, sorted
    events : array_like (m,), s
    window : (start, stop), s
        Relative to the event, open at both ends.

    Returns
    -------
    (x, y) : lag (s) and position of the event of each point, ordered by event

    Examples
    --------
    >>> import cofire as cf
    >>> x, y = cf.events.raster_points([0.0, 0.5, 1.25], [0.5, 1.0], (-0.5, 0.5))
    >>> x.tolist(), y.tolist()
    ([0.0, 0.25], [0, 1])
    """
    times, centers = vector(samples, "samples"), vector(events, "events")
    _sorted(times, "samples")
    before, after = _window(window)
    # The lag itself decides: an event plus a window edge may round to the other side of a sample.
    first = np.searchsorted(times, centers + before - _rounding(centers), side="left")
    last = np.searchsorted(times, centers + after + _rounding(centers), side="right")
    event, sample = _expand(first, last)
    lag = times[sample] - centers[event]
    keep = (lag > before) & (lag < after)
    return lag[keep], event[keep]


def count_events(events: Any, reference: Any, window: tuple[float, float]) -> AnyArray:
    """Count the events inside a window around each reference time.

    Parameters
    ----------
    events : array_like (n,), s
        In any order.
    reference : array_like (m,), s
    window : (start, stop), s
        Relative to the reference time, open at both ends.

    Returns
    -------
    ndarray (m,), dtype of `reference`

    Examples
    --------
    >>> import cofire as cf
    >>> cf.events.count_events([0.1, 0.2, 0.3], [0.0, 0.2], (0.0, 0.2)).tolist()
    [1.0, 1.0]
    """
    times = np.sort(vector(events, "events"))
    given = np.asarray(reference)
    centers = vector(reference, "reference")
    before, after = _window(window)
    first = np.searchsorted(times, centers + before, side="right")
    last = np.searchsorted(times, centers + after, side="left")
    dtype = given.dtype if given.dtype.kind in "fiu" else np.float64
    counts: AnyArray = np.maximum(last - first, 0).astype(dtype)
    return counts


def relative_times(
    times: Any, intervals: Any, values: tuple[float, float] = (0.0, 1.0)
) -> RelativeTime:
    """Place each time linearly inside its interval.

    Parameters
    ----------
    times : array_like (n,), s
        In any order.
    intervals : Intervals or array_like (m, 2), s
        Closed at both ends; a border that two intervals share belongs to the earlier one.
    values : (first, last)
        Position at the start and at the stop.

    Returns
    -------
    RelativeTime
        ``(position, interval)``, NaN outside. In an interval of length zero the position is the
        first value.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.relative_times([0.5, 2.0, 9.0], [[0.0, 2.0], [2.0, 4.0]]).position.tolist()
    [0.25, 1.0, nan]
    """
    t = vector(times, "times", finite=False)
    first, last = real(values[0], "values[0]"), real(values[1], "values[1]")
    found = as_intervals(intervals)
    position = np.full(len(t), np.nan)
    owner = np.full(len(t), np.nan)
    order = np.argsort(t, kind="stable")
    ordered = t[order]
    # From the last interval to the first, so that the earlier one owns what they share.
    for i in range(len(found) - 1, -1, -1):
        start, stop = found.data[i]
        a = np.searchsorted(ordered, start, side="left")
        b = np.searchsorted(ordered, stop, side="right")
        where = order[a:b]
        length = stop - start
        share = (t[where] - start) / length if length > 0 else np.zeros(len(where))
        position[where] = first + share * (last - first)
        owner[where] = i
    return RelativeTime(position, owner)


def joint_peth(peth_1: Any, peth_2: Any, smooth_std: float = 2.0) -> JointPETH:
    """Joint peri-event histogram of two responses.

    ``J = P1' P2`` over events, expected ``E = n_events * m1 m2'`` from the means over events; both
    smoothed by a two-dimensional Gaussian (reflected at the border), divided by the number of
    events, square-rooted.

    Parameters
    ----------
    peth_1, peth_2 : array_like (n_events, L), Hz or counts
        Responses of two units (signals) to the same events, for example
        ``cf.peri_event_counts(..., per_event=True)``.
    smooth_std : float, bins, >= 0

    Returns
    -------
    JointPETH
        NaN without events.

    Raises
    ------
    InvalidArgumentError
        Matrices of different shape, or negative smoothing.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.joint_peth([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], smooth_std=0).joint
    array([[0.70710678, 0.        ],
           [0.        , 0.70710678]])

    References
    ----------
    Aertsen et al. 1989, doi:10.1152/jn.1989.61.5.900
    """
    first, second = np.asarray(peth_1, dtype=np.float64), np.asarray(peth_2, dtype=np.float64)
    if first.ndim != 2 or first.shape != second.shape:
        raise InvalidArgumentError(
            "peth_1 and peth_2 must both have shape (n_events, L), got "
            f"{first.shape} and {second.shape}"
        )
    std = real(smooth_std, "smooth_std")
    if std < 0:
        raise InvalidArgumentError(f"smooth_std must not be negative (bins), got {std:g}")
    n_events, n_lags = first.shape
    if not n_events:
        empty = np.full((n_lags, n_lags), np.nan)
        return JointPETH(empty, empty.copy(), empty.copy())
    joint = _smoothed_root(first.T @ second, std, n_events)
    product = n_events * np.outer(first.mean(axis=0), second.mean(axis=0))
    expected = _smoothed_root(product, std, n_events)
    return JointPETH(joint, expected, joint - expected)


def event_triggered_cross_correlation(
    events: Any,
    signal_1: Any,
    times_1: Any,
    signal_2: Any,
    times_2: Any,
    window: tuple[float, float] = (-0.5, 0.5),
    bin_width: float = 0.005,
) -> tuple[FloatArray, FloatArray]:
    """Mean cross-correlation of two signals around events.

    Both signals are interpolated at ``event + arange(start, stop, bin_width)``; the full
    cross-correlation of each event is normalised as Pearson's (mean removed, divided by
    ``n * sd_1 * sd_2``, 0 if one of them is constant) and averaged over events.

    Parameters
    ----------
    events : array_like (n_events,), s
    signal_1, signal_2 : array_like (T1,), (T2,)
    times_1, times_2 : array_like (T1,), (T2,), s, sorted
        Sample times. Outside them the first and the last value are held.
    window : (start, stop), s
    bin_width : float, s, > 0

    Returns
    -------
    (correlation, lags) : ndarray (L,) float64; lags (s) strictly inside the window
        A positive lag means that `signal_2` follows `signal_1`. NaN without events.

    Raises
    ------
    InvalidArgumentError
        Signals and times of different length, or unsorted times.

    Examples
    --------
    >>> import cofire as cf
    >>> import numpy as np
    >>> t = np.arange(0, 10, 0.01)
    >>> x = np.random.default_rng(0).normal(size=len(t))
    >>> r, lags = cf.event_triggered_cross_correlation(
    ...     [3.0, 5.0], x, t, np.roll(x, 5), t, window=(-0.3, 0.3), bin_width=0.01
    ... )
    >>> round(float(lags[r.argmax()]), 2)
    0.05
    """
    centers = vector(events, "events")
    first = _signal(signal_1, times_1, "signal_1", "times_1")
    second = _signal(signal_2, times_2, "signal_2", "times_2")
    before, after = _window(window)
    width = positive(bin_width, "bin_width", "s")
    offsets = np.arange(before, after, width)
    n = len(offsets)
    lags = np.arange(-(n - 1), n, dtype=np.float64) * width
    # Half a bin inside the window, whatever its edges round to; the edges themselves stay out.
    keep = (lags > before + 0.5 * width) & (lags < after - 0.5 * width)
    if not len(centers):
        return np.full(int(keep.sum()), np.nan), lags[keep]
    at = centers[:, None] + offsets
    a = np.interp(at, first[1], first[0])
    b = np.interp(at, second[1], second[0])
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    sd_a, sd_b = a.std(axis=1), b.std(axis=1)
    good = (sd_a > 1e-10) & (sd_b > 1e-10)
    total = np.zeros(2 * n - 1)
    for x, y, norm in zip(a[good], b[good], (n * sd_a * sd_b)[good], strict=True):
        # numpy's correlate(y, x) at index n-1+k sums y[t + k] * x[t]: the second lags by k.
        total += np.correlate(y, x, mode="full") / norm
    return (total / len(centers))[keep], lags[keep]


def _window(given: tuple[float, float]) -> tuple[float, float]:
    return window(given)


def _expand(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """Rows (event, sample) of the ranges ``first[event]`` to ``last[event]``."""
    n = np.maximum(last - first, 0)
    event = np.repeat(np.arange(len(n)), n)
    sample = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(first, n)
    return event, sample


def _rounding(times: FloatArray) -> FloatArray:
    spacing: FloatArray = 4 * np.spacing(np.abs(times) + 1.0)
    return spacing


def _smoothed_root(values: FloatArray, std: float, n_events: int) -> FloatArray:
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(values, std) if std > 0 else values
    root: FloatArray = np.sqrt(smooth / n_events)
    return root


def _signal(values: Any, times: Any, name: str, times_name: str) -> tuple[FloatArray, FloatArray]:
    signal, t = vector(values, name, finite=False), vector(times, times_name)
    if len(signal) != len(t) or not len(t):
        raise InvalidArgumentError(
            f"{name} and {times_name} must have the same length, at least 1; "
            f"got {len(signal)} and {len(t)}"
        )
    _sorted(t, times_name)
    return signal, t


def _sorted(times: FloatArray, name: str) -> None:
    falls = np.flatnonzero(np.diff(times) < 0)
    if len(falls):
        i = int(falls[0]) + 1
        raise InvalidArgumentError(
            f"{name} must be sorted: {times[i]:.6g} s after {times[i - 1]:.6g} s (index {i}); "
            "sort first"
        )


def _strictly_increasing(times: FloatArray, name: str) -> None:
    falls = np.flatnonzero(np.diff(times) <= 0)
    if len(falls):
        i = int(falls[0]) + 1
        raise InvalidArgumentError(
            f"{name} must be strictly increasing: {times[i]:.6g} s after {times[i - 1]:.6g} s "
            f"(index {i}); np.unique sorts and removes duplicates"
        )
