"""What the reactivation study returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class PeriEventResponse:
    """Activation of assemblies around the events of each phase.

    Attributes
    ----------
    phases : tuple of str
        Those of "pre", "task", "post" that have epochs (or "all").
    lags : ndarray (L,), s
    mean, sem : ndarray (n_phases, L, K), z²
        Average over events and its standard error; NaN without events.
    n_events : ndarray (n_phases,) int64
    """

    phases: tuple[str, ...]
    lags: FloatArray
    mean: FloatArray
    sem: FloatArray
    n_events: IntArray

    @property
    def n_assemblies(self) -> int:
        """Number of assemblies K."""
        return int(self.mean.shape[2])

    def curve(self, phase: str) -> FloatArray:
        """Average of one phase (L, K)."""
        return np.asarray(self.mean[self.phases.index(phase)])

    def to_frame(self) -> pd.DataFrame:
        """Long table: phase, assembly (1-based label), lag, mean, sem, n_events."""
        import pandas as pd

        p, lag, k = (index.ravel() for index in np.indices(self.mean.shape))
        return pd.DataFrame(
            {
                "phase": np.asarray(self.phases, dtype=object)[p] if len(p) else [],
                "assembly": [f"A{i + 1}" for i in k],
                "lag_s": self.lags[lag],
                "mean": self.mean.ravel(),
                "sem": self.sem.ravel(),
                "n_events": self.n_events[p],
            }
        )

    def plot(self, **kwargs: Any) -> Any:
        """Six panels: :func:`cofire.plot.plot_reactivation`."""
        return plotter("plot_reactivation")(self, **kwargs)

    def __repr__(self) -> str:
        events = ", ".join(
            f"{p}: {int(n)} events" for p, n in zip(self.phases, self.n_events, strict=True)
        )
        return f"PeriEventResponse({self.n_assemblies} assemblies, {events})"


@dataclass(frozen=True, slots=True)
class ReactivationEffect:
    """Post − pre response of each assembly to the events, and the mean over assemblies.

    The response of an event is the mean activation in `window` after (or around) its start.

    Attributes
    ----------
    window : (float, float), s
    pre, post : ndarray (K,), z²
        Mean response over events.
    difference, low, high : ndarray (K,), z²
        post − pre and its 95 % interval (Welch, over events).
    p : ndarray (K,)
        Two-sided Welch test over events.
    mean, mean_low, mean_high : float, z²
        Mean of `difference` over assemblies and its 95 % t-interval.
    mean_p : float
        Wilcoxon signed-rank test of `difference` over assemblies (two-sided).
    n_pre, n_post : int
        Events.
    """

    window: tuple[float, float]
    pre: FloatArray
    post: FloatArray
    difference: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    mean: float
    mean_low: float
    mean_high: float
    mean_p: float
    n_pre: int
    n_post: int

    @property
    def n_assemblies(self) -> int:
        """Number of assemblies K."""
        return len(self.difference)

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per assembly (A1, A2, ...) and a last row "mean"."""
        import pandas as pd

        table = pd.DataFrame(
            {
                "assembly": [f"A{k + 1}" for k in range(self.n_assemblies)],
                "pre": self.pre,
                "post": self.post,
                "difference": self.difference,
                "low": self.low,
                "high": self.high,
                "p": self.p,
            }
        )
        last = pd.DataFrame(
            {
                "assembly": ["mean"],
                "pre": [float(self.pre.mean()) if self.n_assemblies else np.nan],
                "post": [float(self.post.mean()) if self.n_assemblies else np.nan],
                "difference": [self.mean],
                "low": [self.mean_low],
                "high": [self.mean_high],
                "p": [self.mean_p],
            }
        )
        return pd.concat([table, last], ignore_index=True)

    def plot(self, **kwargs: Any) -> Any:
        """Points with intervals: :func:`cofire.plot.plot_reactivation_effect`."""
        return plotter("plot_reactivation_effect")(self, **kwargs)

    def __repr__(self) -> str:
        return (
            f"ReactivationEffect({self.n_assemblies} assemblies, post - pre {self.mean:.3g} "
            f"[{self.mean_low:.3g}, {self.mean_high:.3g}] z²)"
        )


@dataclass(frozen=True, slots=True)
class PairwiseCorrelations:
    """Pearson correlation of every pair of units in each phase.

    Attributes
    ----------
    phases : tuple of str
    unit_ids : ndarray (n_units,)
    r : ndarray (n_phases, n_units, n_units)
        NaN for a unit that is constant in a phase; diagonal 1.
    bin_width : float, s
    """

    phases: tuple[str, ...]
    unit_ids: AnyArray
    r: FloatArray
    bin_width: float

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per pair: unit_a, unit_b and r of each phase."""
        import pandas as pd

        i, j = np.triu_indices(len(self.unit_ids), 1)
        columns: dict[str, Any] = {"unit_a": self.unit_ids[i], "unit_b": self.unit_ids[j]}
        columns.update({f"r_{p}": self.r[n][i, j] for n, p in enumerate(self.phases)})
        return pd.DataFrame(columns)

    def plot(self, phase: str = "task", **kwargs: Any) -> Any:
        """Matrix of one phase: :func:`cofire.plot.plot_correlation_matrix`."""
        index = self.phases.index(phase) if phase in self.phases else 0
        return plotter("plot_correlation_matrix")(self.r[index], unit_ids=self.unit_ids, **kwargs)

    def __repr__(self) -> str:
        n = len(self.unit_ids)
        return f"PairwiseCorrelations({n * (n - 1) // 2} pairs, {', '.join(self.phases)})"


@dataclass(frozen=True, slots=True)
class UnitResponses:
    """Firing rate of every unit around the events of each phase.

    Attributes
    ----------
    phases : tuple of str
    unit_ids : ndarray (n_units,)
    lags : ndarray (L,), s
    rate : ndarray (n_phases, n_units, L), Hz
        NaN in a phase without events.
    n_events : ndarray (n_phases,) int64
    """

    phases: tuple[str, ...]
    unit_ids: AnyArray
    lags: FloatArray
    rate: FloatArray
    n_events: IntArray

    def to_frame(self) -> pd.DataFrame:
        """Long table: phase, unit, lag_s, rate_hz."""
        import pandas as pd

        p, u, lag = (index.ravel() for index in np.indices(self.rate.shape))
        return pd.DataFrame(
            {
                "phase": np.asarray(self.phases, dtype=object)[p],
                "unit": self.unit_ids[u],
                "lag_s": self.lags[lag],
                "rate_hz": self.rate.ravel(),
            }
        )

    def plot(self, **kwargs: Any) -> Any:
        """A column a phase: :func:`cofire.plot.plot_unit_responses`."""
        return plotter("plot_unit_responses")(self, **kwargs)

    def __repr__(self) -> str:
        return f"UnitResponses({len(self.unit_ids)} units, {', '.join(self.phases)})"


@dataclass(frozen=True, slots=True)
class StrongestActivations:
    """The strongest activation of several assemblies, with the spikes around it.

    Attributes
    ----------
    assembly : ndarray (n,) int64
        Index of the assembly, strongest first.
    time : ndarray (n,), s
    strength : ndarray (n,), z²
    lags : ndarray (L,), s
    activation : ndarray (n, L, K), z²
        Activation of all assemblies around the peak; NaN outside the data.
    spike_event, spike_unit : ndarray (n_spikes,) int64
        Row of `assembly` and of the units.
    spike_lag : ndarray (n_spikes,), s
    members : ndarray (K, n_units) bool
    """

    assembly: IntArray
    time: FloatArray
    strength: FloatArray
    lags: FloatArray
    activation: FloatArray
    spike_event: IntArray
    spike_unit: IntArray
    spike_lag: FloatArray
    members: BoolArray

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per activation: assembly, time_s, strength."""
        import pandas as pd

        return pd.DataFrame(
            {
                "assembly": [f"A{int(k) + 1}" for k in self.assembly],
                "time_s": self.time,
                "strength": self.strength,
            }
        )

    def plot(self, **kwargs: Any) -> Any:
        """Raster: :func:`cofire.plot.plot_activation_raster`."""
        return plotter("plot_activation_raster")(self, **kwargs)

    def __repr__(self) -> str:
        return f"StrongestActivations({len(self.assembly)} activations)"


@dataclass(frozen=True, slots=True)
class JointResponse:
    """Joint peri-event histogram of two assemblies.

    Attributes
    ----------
    assemblies : (int, int)
        Rows and columns.
    lags : ndarray (L,), s
    joint, expected, difference : ndarray (L, L)
    n_events : int
    """

    assemblies: tuple[int, int]
    lags: FloatArray
    joint: FloatArray
    expected: FloatArray
    difference: FloatArray
    n_events: int

    def to_frame(self) -> pd.DataFrame:
        """The difference as a table, lags of the first assembly down, of the second across."""
        import pandas as pd

        return pd.DataFrame(self.difference, index=self.lags, columns=self.lags)

    def plot(self, **kwargs: Any) -> Any:
        """Three matrices: :func:`cofire.plot.plot_joint_peth`."""
        names = tuple(f"A{k + 1}" for k in self.assemblies)
        return plotter("plot_joint_peth")(self, names=names, **kwargs)

    def __repr__(self) -> str:
        a, b = self.assemblies
        return f"JointResponse(A{a + 1} x A{b + 1}, {self.n_events} events)"
