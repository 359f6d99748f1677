"""What was the value at that time? Sampled signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import import_extra
from cofire._validate import AnyArray, FloatArray, one_of, positive, real, vector
from cofire.errors import InvalidArgumentError, InvalidTypeError, SeriesError
from cofire.types.intervals import Intervals

if TYPE_CHECKING:
    import pandas as pd


class Traces:
    """Signals sampled at common times.

    Parameters
    ----------
    values : array_like (T, n) or (T,)
        One column a signal; 1-D is one column. Floating dtypes are kept, others become float64.
    rate : float, Hz, optional
        Samples per second of a regular signal: sample i is at ``t_start + i / rate``.
    times : array_like (T,), s, optional
        Strictly increasing sample times; give either `rate` or `times`.
    t_start : float, s
        Time of sample 0 when `rate` is given.
    columns : sequence, optional
        Names of the signals; default 0..n-1.
    support : Intervals or array_like (k, 2), s, optional
        Where data exist; default from the first sample to the last (plus one sample period when
        `rate` is given).

    Raises
    ------
    SeriesError
        Times do not increase or do not fit the values.
    """

    __slots__ = ("_columns", "_rate", "_support", "_t_start", "_times", "_values")

    def __init__(
        self,
        values: Any,
        rate: float | None = None,
        times: Any = None,
        t_start: float = 0.0,
        columns: Any = None,
        support: Any = None,
    ) -> None:
        try:
            array = np.asarray(values)
            if array.dtype.kind != "f":
                array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError("values must be an array of numbers (T, n)") from error
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim != 2:
            raise InvalidArgumentError(f"values must have shape (T, n), got {array.shape}")
        if (rate is None) == (times is None):
            raise InvalidArgumentError("give either rate (Hz) or times (s), not both and not none")
        self._values: AnyArray = array.view()
        self._values.flags.writeable = False
        self._rate = None if rate is None else positive(rate, "rate", "Hz")
        self._t_start = real(t_start, "t_start")
        self._times: FloatArray | None = None
        if times is not None:
            self._times = vector(times, "times")
            if len(self._times) != len(array):
                raise SeriesError(
                    f"times and values must have the same length, got {len(self._times)} and "
                    f"{len(array)}; values are (T, n), time first"
                )
            falls = np.flatnonzero(np.diff(self._times) <= 0)
            if len(falls):
                i = int(falls[0]) + 1
                raise SeriesError(
                    f"times must increase: {self._times[i]:.6g} s after "
                    f"{self._times[i - 1]:.6g} s (index {i})"
                )
        names = np.arange(array.shape[1]) if columns is None else np.asarray(columns)
        if names.shape != (array.shape[1],):
            raise InvalidArgumentError(
                f"columns must name each of the {array.shape[1]} signals, got {names.shape}"
            )
        self._columns = names
        if support is None:
            self._support = self._span()
        else:
            from cofire.types.convert import as_intervals

            self._support = as_intervals(support, "support", merge=True)

    @property
    def values(self) -> AnyArray:
        """Samples (T, n), read-only."""
        return self._values

    @property
    def rate(self) -> float | None:
        """Samples per second, or None for irregular times."""
        return self._rate

    @property
    def times(self) -> FloatArray:
        """Sample times (T,), s."""
        if self._times is not None:
            return self._times
        assert self._rate is not None
        return self._t_start + np.arange(len(self._values)) / self._rate

    @property
    def t_start(self) -> float:
        """Time of the first sample, s."""
        if self._times is not None and len(self._times):
            return float(self._times[0])
        return self._t_start

    @property
    def columns(self) -> AnyArray:
        """Names of the signals (n,)."""
        return self._columns

    @property
    def support(self) -> Intervals:
        """Where data exist."""
        return self._support

    @property
    def n_signals(self) -> int:
        """Number of signals."""
        return int(self._values.shape[1])

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        clock = "irregular" if self._rate is None else f"{self._rate:g} Hz"
        return f"Traces({len(self)} samples, {self.n_signals} signals, {clock})"

    def at(self, events: Any, method: str = "linear") -> FloatArray:
        """Values at given times, (n_events, n) float64.

        Parameters
        ----------
        events : array_like (n_events,), s
            In any order.
        method : {"linear", "nearest"}
            Interpolation between the two samples around a time, or the nearer one (ties to the
            later). Outside the samples, outside the support, and between samples of different
            support epochs the value is NaN.
        """
        one_of(method, "method", ("linear", "nearest"))
        t = vector(events, "events", finite=False)
        out = np.full((len(t), self.n_signals), np.nan)
        samples = self.times
        if not len(samples):
            return out
        ok = (t >= samples[0]) & (t <= samples[-1])
        right = np.clip(np.searchsorted(samples, t, side="left"), 1, max(len(samples) - 1, 1))
        right = np.minimum(right, len(samples) - 1)
        left = np.maximum(right - 1, 0)
        epoch = self._support.index_of(samples)
        # A sample that falls on the time exactly needs no neighbour.
        left = np.where(samples[right] == t, right, left)
        right = np.where(samples[left] == t, left, right)
        ok &= (epoch[left] == epoch[right]) & (epoch[left] >= 0)
        left, right, t = left[ok], right[ok], t[ok]
        span = samples[right] - samples[left]
        weight = np.where(span > 0, (t - samples[left]) / np.where(span > 0, span, 1.0), 0.0)
        if method == "nearest":
            weight = (weight >= 0.5).astype(np.float64)
        low, high = self._values[left], self._values[right]
        w = weight[:, None]
        out[ok] = np.where(w == 0, low, np.where(w == 1, high, low + w * (high - low)))
        return out

    def restrict(self, intervals: Any) -> Traces:
        """Keep the samples with start <= t < stop of the (merged) intervals."""
        from cofire.types.convert import as_intervals

        inside = as_intervals(intervals, "intervals", merge=True)
        support = (self._support & inside).merged()
        times = self.times
        # Closed for the own support: without a rate it ends with the last sample.
        keep = inside.contains(times, closed="left") & self._support.contains(times)
        if self._rate is not None and len(support) == 1 and keep.any():
            first, last = np.flatnonzero(keep)[[0, -1]]
            return Traces(
                self._values[first : last + 1],
                rate=self._rate,
                t_start=float(times[first]),
                columns=self._columns,
                support=support,
            )
        return Traces(self._values[keep], times=times[keep], columns=self._columns, support=support)

    def to_frame(self) -> pd.DataFrame:
        """Table (T, n) indexed by time (s)."""
        import pandas as pd

        return pd.DataFrame(self._values, index=self.times, columns=self._columns)

    def to_pynapple(self) -> Any:
        """Convert to a pynapple ``TsdFrame``."""
        nap = import_extra("pynapple", "interop", "Traces.to_pynapple")
        return nap.TsdFrame(
            t=self.times,
            d=np.array(self._values),
            columns=self._columns.tolist(),
            time_support=self._support.to_pynapple(),
        )

    def to_neo(self) -> Any:
        """Convert to a neo ``AnalogSignal``, or ``IrregularlySampledSignal`` without a rate.

        The unit is dimensionless; neo knows no support.
        """
        neo = import_extra("neo", "interop", "Traces.to_neo")
        quantities = import_extra("quantities", "interop", "Traces.to_neo")
        names = {"channel_names": self._columns.astype(str)}
        data = np.array(self._values)
        if self._rate is None:
            return neo.IrregularlySampledSignal(
                self.times, data, units="", time_units="s", array_annotations=names
            )
        return neo.AnalogSignal(
            data,
            units="",
            sampling_rate=quantities.Quantity(self._rate, "Hz"),
            t_start=quantities.Quantity(self._t_start, "s"),
            array_annotations=names,
        )

    def to_nelpy(self) -> Any:
        """Convert to a nelpy ``AnalogSignalArray``, which holds (n, T)."""
        nelpy = import_extra("nelpy", None, "Traces.to_nelpy")
        return nelpy.AnalogSignalArray(
            np.ascontiguousarray(self._values.T),
            abscissa_vals=self.times,
            fs=self._rate,
            support=self._support.to_nelpy(),
        )

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        # Arrays come out of a pickle or a deep copy writable.
        for name, value in state[1].items():
            setattr(self, name, value)
        self._values.flags.writeable = False

    def _span(self) -> Intervals:
        if not len(self._values):
            return Intervals([])
        if self._rate is None:
            return Intervals([[self.times[0], self.times[-1]]])
        return Intervals([[self._t_start, self._t_start + len(self._values) / self._rate]])
