"""A calcium recording with planted assemblies: which detector finds them?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import BoolArray, FloatArray, IntArray, integer, one_of, positive, real
from cofire.datasets.calcium_assemblies import draw_assemblies, honeycomb, mean_overlap
from cofire.datasets.calcium_baseline import BASELINES, baseline_of
from cofire.errors import InvalidArgumentError
from cofire.types import Traces

if TYPE_CHECKING:
    import pandas as pd

_MS = 1000
_MIN_EVENT = 0.5  # s
_REMAINDER = 0.01  # of a spike's calcium, below which it is cut
_BLOCK_VALUES = 2**21


@dataclass(frozen=True, slots=True)
class CalciumRecording:
    """A made calcium recording and the truth behind it.

    Attributes
    ----------
    dff : ndarray (n_frames, n_units) float64
        ``(fluorescence - baseline) / baseline``.
    fluorescence, baseline : ndarray (n_frames, n_units) float64
    spike_counts : ndarray (n_frames, n_units) int32
    events : ndarray (n_frames, K) bool
        When each assembly was on.
    assemblies : tuple of K ndarray of int64
        Units of each planted assembly, ascending.
    positions : ndarray (n_units, 2) float64
        In units of the distance between neighbors.
    rates : ndarray (n_units,) float64, Hz
        Background firing rates.
    dt : float, s
        Time between frames.
    """

    dff: FloatArray
    fluorescence: FloatArray
    baseline: FloatArray
    spike_counts: Any
    events: BoolArray
    assemblies: tuple[IntArray, ...]
    positions: FloatArray
    rates: FloatArray
    dt: float

    @property
    def n_units(self) -> int:
        """Number of cells."""
        return len(self.positions)

    @property
    def n_assemblies(self) -> int:
        """Number of planted assemblies."""
        return len(self.assemblies)

    @property
    def members(self) -> BoolArray:
        """Which units belong to each assembly, (K, n_units) bool."""
        mask = np.zeros((self.n_assemblies, self.n_units), dtype=bool)
        for row, units in zip(mask, self.assemblies, strict=True):
            row[units] = True
        return mask

    @property
    def overlap(self) -> float:
        """Mean Jaccard overlap of pairs of assemblies."""
        return mean_overlap(self.members)

    @property
    def traces(self) -> Traces:
        """dF/F with its sampling rate."""
        return Traces(self.dff, rate=1.0 / self.dt)

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each assembly: its units, how often it was on, where it lies."""
        import pandas as pd

        before = np.zeros((1, self.n_assemblies), dtype=bool)
        begins = self.events & ~np.concatenate([before, self.events[:-1]])
        centers = [self.positions[units].mean(axis=0) for units in self.assemblies]
        table = pd.DataFrame(
            {
                "n_units": [len(units) for units in self.assemblies],
                "n_events": begins.sum(axis=0),
                "x": [center[0] for center in centers],
                "y": [center[1] for center in centers],
                "units": [tuple(units.tolist()) for units in self.assemblies],
            }
        )
        table.index.name = "assembly"
        return table

    def plot(self, **kwargs: Any) -> Any:
        """Map of the cells and assemblies; see :func:`cofire.plot.plot_assembly_map`."""
        return plotter("plot_assembly_map")(self.positions, self.assemblies, **kwargs)

    def __repr__(self) -> str:
        minutes = len(self.dff) * self.dt / 60
        return (
            f"CalciumRecording({self.n_units} units, {self.n_assemblies} assemblies, "
            f"{minutes:.1f} min at {1 / self.dt:g} Hz)"
        )


def make_calcium_recording(
    degree: int | tuple[int, int] = 12,
    n_assemblies: int | tuple[int, int] = 10,
    duration: float = 3600.0,
    *,
    dt: float = 0.5,
    half_life: float = 1.0,
    event_rate: float = 0.01,
    event_gain: float = 6.0,
    background: tuple[float, float] = (1.0, 6.0),
    noise: float = 0.0,
    saturation: float | None = None,
    resting: float = 10.0,
    size: str | tuple[int, int] = "medium",
    overlap: str | tuple[float, float] = "low",
    baseline: str = "minimum",
    events: Any = None,
    rng: int | np.random.Generator = 0,
) -> CalciumRecording:
    """Fluorescence of cells on a honeycomb, some of which form assemblies that light up at times.

    Parameters
    ----------
    degree : int or (low, high)
        Rings of the honeycomb: v gives ``3 v (v + 1) + 1`` cells. A range is drawn from.
    n_assemblies : int or (low, high)
        A range is drawn from.
    duration : float, s
    dt : float, s, a multiple of 0.001
        Time between frames.
    half_life : float, s, >= 0
        Of calcium after a spike. With 0 a frame shows the number of spikes since the last.
    event_rate : float, Hz
        How often an assembly (and each cell that is in none, for itself) is on; it stays on for
        the larger of `dt` and 0.5 s.
    event_gain : float
        Firing rate while on, divided by the background rate.
    background : (low, high), Hz
        Background firing rates are uniform on this range.
    noise : float
        Standard deviation of noise that is added to the fluorescence, which stays >= 0; a single
        spike raises the fluorescence by 1.
    saturation : float, optional
        Fluorescence ``K c / (c + K)`` of calcium c with this K; default: none.
    resting : float, >= 0
        Fluorescence without calcium, added at the end. It is what dF/F is relative to: 10 makes a
        spike 10 % of dF/F. With 0 the baseline of a cell that is silent for a while is next to
        nothing, and its dF/F is ruled by those moments.
    size : {"small", "medium", "large"} or (low, high)
        Cells of an assembly: 5 to 9, 10 to 20, 21 to 40.
    overlap : {"low", "medium", "high"} or (low, high)
        Mean Jaccard overlap of pairs of assemblies: 0 to 0.05, 0.05 to 0.1, 0.1 to 0.2.
    baseline : {"minimum", "robust"}
        Minimum over 15 s to both sides, averaged over as much; or the published chain of robust
        regression, minimum, bounded random walk and regression, which takes much longer.
    events : array_like (n_frames, K) bool, optional
        When each assembly is on, for example because a stimulus drives it; default at random, as
        `event_rate` says. Cells in none are on at random in any case.
    rng : int or Generator
        Seed; the same one gives the same recording.

    Returns
    -------
    CalciumRecording

    Raises
    ------
    InvalidArgumentError
        A value out of range, or assemblies that do not fit.

    Notes
    -----
    Only the medium size and the low overlap are published; the other families and `resting` are
    ours. A baseline below 1 % of a cell's mean fluorescence is raised to that, since dF/F divides
    by it.

    References
    ----------
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> import cofire as cf
    >>> made = cf.datasets.make_calcium_recording(5, 3, 60.0)
    >>> made
    CalciumRecording(91 units, 3 assemblies, 1.0 min at 2 Hz)
    """
    generator = np.random.default_rng(rng)
    degree = _drawn(degree, "degree", 1, generator)
    n_assemblies = _drawn(n_assemblies, "n_assemblies", 0, generator)
    n_frames = _frames(duration, dt)
    _check(event_rate * dt, background, saturation)
    for value, name in (
        (half_life, "half_life"),
        (event_gain, "event_gain"),
        (noise, "noise"),
        (resting, "resting"),
    ):
        if real(value, name) < 0:
            raise InvalidArgumentError(f"{name} must not be negative, got {value!r}")
    one_of(baseline, "baseline", BASELINES)
    positions = honeycomb(degree)
    n_units = len(positions)
    assemblies = draw_assemblies(positions, degree, n_assemblies, size, overlap, generator)
    rates = generator.uniform(*background, n_units)

    warm_up = math.ceil(2 * half_life / dt)
    n_steps = warm_up + n_frames
    on = _events(n_steps, n_assemblies, event_rate, dt, generator)
    if events is not None:
        on[:warm_up] = False
        on[warm_up:] = _given_events(events, (n_frames, n_assemblies))
    fluorescence = np.empty((n_frames, n_units))
    counts = np.empty((n_frames, n_units), dtype=np.int32)
    in_assembly = np.zeros((n_assemblies, n_units), dtype=bool)
    for row, units in zip(in_assembly, assemblies, strict=True):
        row[units] = True
    width = max(1, _BLOCK_VALUES // n_steps)
    for first in range(0, n_units, width):
        here = slice(first, first + width)
        active = on.astype(np.float32) @ in_assembly[:, here].astype(np.float32) > 0
        alone = ~in_assembly[:, here].any(axis=0)
        active[:, alone] = _events(n_steps, int(alone.sum()), event_rate, dt, generator)
        expected = rates[here] * dt * np.where(active, event_gain, 1.0)
        spikes = generator.poisson(expected)
        counts[:, here] = spikes[warm_up:]
        calcium = _calcium(spikes, dt, half_life, generator)[warm_up:]
        if saturation is not None:
            calcium = saturation * calcium / (calcium + saturation)
        if noise > 0:
            calcium = np.maximum(calcium + generator.normal(0.0, noise, calcium.shape), 0.0)
        fluorescence[:, here] = calcium + resting
    f0 = baseline_of(fluorescence, dt, baseline)
    return CalciumRecording(
        dff=(fluorescence - f0) / f0,
        fluorescence=fluorescence,
        baseline=f0,
        spike_counts=counts,
        events=on[warm_up:],
        assemblies=tuple(assemblies),
        positions=positions,
        rates=rates,
        dt=float(dt),
    )


def _given_events(events: Any, shape: tuple[int, int]) -> BoolArray:
    given = np.asarray(events)
    if given.shape != shape or given.dtype != bool:
        raise InvalidArgumentError(
            f"events must be bool of shape {shape} (frames, assemblies), got {given.dtype} of "
            f"shape {given.shape}"
        )
    return given


def _events(n_steps: int, n: int, rate: float, dt: float, rng: np.random.Generator) -> BoolArray:
    """When each of `n` sources is on: events begin at random and last as long as published."""
    begins = rng.random((n_steps, n)) < rate * dt
    length = max(1.0, _MIN_EVENT / dt)
    whole = math.floor(length + 1e-9)
    on = begins.copy()
    for lag in range(1, min(whole, n_steps - 1) + 1):
        if lag < whole:
            on[lag:] |= begins[:-lag]
        elif length - whole > 1e-9:
            # A part of a step becomes a whole one with this probability.
            longer = begins & (rng.random(begins.shape) < length - whole)
            on[lag:] |= longer[:-lag]
    return on


def _calcium(spikes: IntArray, dt: float, half_life: float, rng: np.random.Generator) -> FloatArray:
    """Calcium at the last millisecond of each step, (n_steps, n_units).

    A spike falls on any millisecond of its step and decays to half in `half_life`; it counts until
    1 % is left, rounded up to a second.
    """
    if half_life == 0:
        return spikes.astype(np.float64)
    n_ms = round(dt * _MS)
    where = np.repeat(np.arange(spikes.size), spikes.ravel())
    age = rng.integers(0, n_ms, len(where))  # ms before the end of its step
    oldest = math.ceil(-math.log2(_REMAINDER) * half_life) * _MS
    weight = np.exp2(-age / (half_life * _MS))
    calcium = np.zeros(spikes.shape)
    whole = np.bincount(where, weight, spikes.size).reshape(spikes.shape)
    for lag in range(min(oldest // n_ms + 1, len(spikes))):
        if lag * n_ms + n_ms - 1 <= oldest:
            arrived = whole
        else:  # the oldest spikes of that step no longer count
            young = age + lag * n_ms <= oldest
            arrived = np.bincount(where[young], weight[young], spikes.size).reshape(spikes.shape)
        calcium[lag:] += 2.0 ** (-lag * dt / half_life) * arrived[: len(spikes) - lag]
    return calcium


def _frames(duration: float, dt: float) -> int:
    n_ms = positive(dt, "dt", "s") * _MS
    if abs(n_ms - round(n_ms)) > 1e-6:
        raise InvalidArgumentError(f"dt must be a multiple of 0.001 s, got {dt!r}")
    n_frames = round(positive(duration, "duration", "s") / dt)
    if n_frames < 1:
        raise InvalidArgumentError(f"duration must hold a frame of {dt:g} s, got {duration!r} s")
    return n_frames


def _check(event_share: float, background: tuple[float, float], saturation: float | None) -> None:
    if not 0 <= event_share <= 1:
        raise InvalidArgumentError("event_rate * dt is a probability and must lie in [0, 1]")
    if np.shape(background) != (2,) or not 0 <= background[0] <= background[1]:
        raise InvalidArgumentError(f"background must be (low, high) in Hz, got {background!r}")
    if saturation is not None:
        positive(saturation, "saturation")


def _drawn(value: int | tuple[int, int], name: str, minimum: int, rng: np.random.Generator) -> int:
    if not isinstance(value, (tuple, list)):
        return integer(value, name, minimum)
    low, high = (integer(v, name, minimum) for v in value)
    if low > high:
        raise InvalidArgumentError(f"{name} must be (low, high), got {value!r}")
    return int(rng.integers(low, high + 1))
