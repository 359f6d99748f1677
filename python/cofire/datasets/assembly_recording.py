"""A recording with planted cell assemblies: does an analysis find what was put in?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer, positive, real
from cofire.errors import InvalidArgumentError
from cofire.types import Intervals, Session, SpikeTrains

if TYPE_CHECKING:
    import pandas as pd

CLOCK = 30_000
EPOCHS = ("pre", "task", "post")

# How long a state lasts on average, as a share of a sleep cycle.
_CYCLE = (("NREM", 0.7), ("REM", 0.2), ("WAKE", 0.1))
_CYCLE_LENGTH = 420.0
_THETA_BOUT, _THETA_BREAK = 10.0, 4.0
_RIPPLE_DURATION, _RIPPLE_SPREAD, _RIPPLE_GAP = 0.06, 0.3, 0.2


@dataclass(frozen=True, slots=True)
class AssemblyRecording:
    """A made recording and the truth behind it.

    Attributes
    ----------
    session : Session
        Spikes (unit table with ``region``, ``cell_type``, ``putative_cell_type``), epochs ``pre``,
        ``task``, ``post``, states ``NREM``, ``REM``, ``WAKE``, ``THETA``, events ``ripples``.
    members : (K, n_units) bool
        Which units belong to each planted assembly.
    activation_times : tuple of K arrays, s
        When each assembly was active (all epochs), sorted.
    reactivation : DataFrame, a row an assembly
        ``pre``, ``post``: probability that a ripple of that epoch holds an activation;
        ``gain`` = post / pre; ``n_pre``, ``n_post``: activations inside ripples that were drawn;
        ``n_task``: activations in the task.
    rates : (n_units,) float64, Hz
        Background firing rates.
    """

    session: Session
    members: BoolArray
    activation_times: tuple[FloatArray, ...]
    reactivation: pd.DataFrame
    rates: FloatArray

    @property
    def n_assemblies(self) -> int:
        """Number of planted assemblies."""
        return len(self.members)

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per assembly: members, regions, planted reactivation."""
        regions = self.session.units["region"].to_numpy(dtype=str)
        ids = self.session.spikes.unit_ids
        table = self.reactivation.copy()
        table.insert(0, "n_members", self.members.sum(axis=1))
        table.insert(1, "regions", ["+".join(np.unique(regions[m])) for m in self.members])
        table.insert(2, "members", [tuple(ids[m].tolist()) for m in self.members])
        return table

    def __repr__(self) -> str:
        return f"AssemblyRecording({self.n_assemblies} assemblies in {self.session!r})"


def make_assembly_recording(
    n_units: int = 75,
    duration: float | Sequence[float] = 1200.0,
    *,
    regions: Sequence[str] = ("CA1", "PFC"),
    n_assemblies: int = 6,
    assembly_size: int = 6,
    n_cross: int = 2,
    median_rate: float = 1.5,
    rate_spread: float = 0.8,
    activation_rate: float = 0.7,
    participation: float = 0.8,
    jitter: float = 0.005,
    ripple_rate: float = 0.5,
    ripple_boost: float = 2.0,
    reactivation: float = 0.1,
    gain: float | Sequence[float] | None = None,
    refractory: float = 0.002,
    rng: int | np.random.Generator = 0,
) -> AssemblyRecording:
    """Spikes of a sleep, task, sleep session with planted assemblies that reactivate in ripples.

    Parameters
    ----------
    n_units : int
        Number of units, spread evenly over the regions.
    duration : float or (pre, task, post), s
        Length of the three epochs, which follow each other from time 0.
    regions : sequence of str
        Names of the regions.
    n_assemblies, assembly_size : int
        Number of assemblies and units in each; assemblies share no unit.
    n_cross : int
        How many of the assemblies (the last ones) take their members from the first two regions
        alike; the others lie in one region, in turn.
    median_rate, rate_spread : float, Hz and log units
        Background rates are log-normal; a fifth of the units that are in no assembly are
        interneurons with four times the rate.
    activation_rate : float, Hz
        Activations of each assembly during theta of the task.
    participation : float
        Probability that a member fires in an activation (one spike, or two in a quarter of them).
    jitter : float, s
        Standard deviation of its spikes around the activation.
    ripple_rate, ripple_boost : float, Hz and factor
        Ripples per second of NREM (before those that come too close to another are dropped), and
        how much faster everybody fires inside them.
    reactivation : float
        Probability that a ripple of the pre epoch holds an activation of a given assembly.
    gain : float or sequence of n_assemblies, optional
        That probability in the post epoch, divided by the one before; default from 1 (the first
        assembly, a control) to 4 (the last).
    refractory : float, s
        A spike earlier than this after the previous one of its unit is dropped.
    rng : int or Generator
        Seed; the same one gives the same recording.

    Returns
    -------
    AssemblyRecording
        ``.session``, and the truth: ``.members``, ``.activation_times``, ``.reactivation``.

    Raises
    ------
    InvalidArgumentError
        Regions too small for the assemblies, or probabilities outside [0, 1].

    Examples
    --------
    >>> import cofire as cf
    >>> made = cf.datasets.make_assembly_recording(40, 60.0, n_assemblies=2, n_cross=1)
    >>> made.session.epochs["name"].tolist()
    ['pre', 'task', 'post']
    >>> made.to_frame()["regions"].tolist()
    ['CA1', 'CA1+PFC']
    """
    generator = np.random.default_rng(rng)
    n_units = integer(n_units, "n_units", 1)
    n_assemblies = integer(n_assemblies, "n_assemblies", 0)
    assembly_size = integer(assembly_size, "assembly_size", 1)
    refractory = real(refractory, "refractory")
    edges = _epoch_edges(duration)
    pre_share, post_share = _strengths(reactivation, gain, n_assemblies)
    if not 0 <= participation <= 1:
        raise InvalidArgumentError(f"participation must lie in [0, 1], got {participation!r}")

    if isinstance(regions, str) or not len(regions):
        raise InvalidArgumentError(f"regions must name at least one region, got {regions!r}")
    region = np.repeat(np.arange(len(regions)), -(-n_units // len(regions)))[:n_units]
    members = _plant(region, n_assemblies, assembly_size, min(n_cross, n_assemblies), generator)
    interneuron = _choose_interneurons(members, generator)
    median_rate = positive(median_rate, "median_rate", "Hz")
    rates = median_rate * generator.lognormal(0.0, rate_spread, n_units)
    rates = np.where(interneuron, 4.0 * rates, np.clip(rates, 0.1, 15.0))

    states = _states(edges, generator)
    ripples = _ripples(states["NREM"], ripple_rate, generator)
    activations, in_ripples = _activations(
        edges, states["THETA"], ripples, activation_rate, pre_share, post_share, generator
    )
    unit, tick = _background(rates, edges[-1], ripples, ripple_boost, generator)
    for k, times in enumerate(activations):
        more_unit, more_tick = _volleys(
            times, np.flatnonzero(members[k]), participation, jitter, generator
        )
        unit, tick = np.concatenate([unit, more_unit]), np.concatenate([tick, more_tick])
    spikes = _trains(unit, tick, n_units, int(edges[-1] * CLOCK), refractory)

    session = Session(
        SpikeTrains(
            *spikes,
            np.arange(1, n_units + 1),
            [[edges[0], edges[-1]]],
            _unit_table(np.asarray(regions, dtype=object)[region], interneuron),
        ),
        epochs=_epoch_table(edges),
        states=states,
        events={"ripples": ripples},
        meta={"fs": float(CLOCK), "identifier": "assembly_recording", "subject": "simulated"},
    )
    in_task = [int(((t >= edges[1]) & (t < edges[2])).sum()) for t in activations]
    truth = _truth_table(pre_share, post_share, in_ripples, in_task)
    return AssemblyRecording(session, members, tuple(activations), truth, rates)


def _unit_table(regions: AnyArray, interneuron: BoolArray) -> pd.DataFrame:
    import pandas as pd

    cell_type = np.where(interneuron, "Narrow Interneuron", "Pyramidal Cell").astype(object)
    return pd.DataFrame(
        {"region": regions, "cell_type": cell_type, "putative_cell_type": cell_type}
    )


def _epoch_table(edges: FloatArray) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "name": EPOCHS,
            "start": edges[:-1],
            "stop": edges[1:],
            "environment": ("sleep", "linear", "sleep"),
            "behavioralParadigm": ("sleep", "linear track", "sleep"),
        }
    )


def _truth_table(
    pre: FloatArray, post: FloatArray, in_ripples: IntArray, in_task: list[int]
) -> pd.DataFrame:
    """Strength of each assembly's reactivation, and how often it was activated."""
    import pandas as pd

    return pd.DataFrame(
        {
            "pre": pre,
            "post": post,
            "gain": np.divide(post, pre, where=pre > 0, out=post * np.nan),
            "n_pre": in_ripples[:, 0],
            "n_post": in_ripples[:, 1],
            "n_task": np.array(in_task, dtype=np.int64),
        },
        index=pd.RangeIndex(len(pre), name="assembly"),
    )


def _epoch_edges(duration: float | Sequence[float]) -> FloatArray:
    lengths = np.broadcast_to(np.asarray(duration, dtype=np.float64), (3,))
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise InvalidArgumentError(
            f"duration must be one or three positive numbers (pre, task, post) in s, got {duration}"
        )
    return np.concatenate([[0.0], np.cumsum(lengths)])


def _strengths(
    reactivation: float, gain: float | Sequence[float] | None, n: int
) -> tuple[FloatArray, FloatArray]:
    gains = np.linspace(1.0, 4.0, n) if gain is None else np.asarray(gain, dtype=np.float64)
    if gains.shape not in ((), (n,)):
        raise InvalidArgumentError(f"gain must be a number or one per assembly ({n}), got {gain}")
    pre = np.full(n, real(reactivation, "reactivation"))
    post = pre * gains
    if ((pre < 0) | (pre > 1) | (post < 0) | (post > 1)).any():
        raise InvalidArgumentError(
            "reactivation and reactivation * gain are probabilities and must lie in [0, 1], got "
            f"{reactivation} and up to {post.max():g}"
        )
    return pre, post


def _plant(
    region: IntArray, n_assemblies: int, size: int, n_cross: int, rng: np.random.Generator
) -> BoolArray:
    pools = [rng.permutation(np.flatnonzero(region == r)).tolist() for r in np.unique(region)]
    members = np.zeros((n_assemblies, len(region)), dtype=bool)
    for k in range(n_assemblies):
        if k >= n_assemblies - n_cross and len(pools) > 1:
            wanted = [(0, size - size // 2), (1, size // 2)]
        else:
            wanted = [(k % len(pools), size)]
        for pool, n in wanted:
            if len(pools[pool]) < n:
                raise InvalidArgumentError(
                    f"{n_assemblies} assemblies of {size} units do not fit into {len(region)} "
                    "units without sharing; use more units or fewer, smaller assemblies"
                )
            members[k, [pools[pool].pop() for _ in range(n)]] = True
    return members


def _choose_interneurons(members: BoolArray, rng: np.random.Generator) -> BoolArray:
    free = np.flatnonzero(~members.any(axis=0))
    chosen = np.zeros(members.shape[1], dtype=bool)
    chosen[rng.choice(free, len(free) // 5, replace=False)] = True
    return chosen


def _states(edges: FloatArray, rng: np.random.Generator) -> dict[str, Intervals]:
    found: dict[str, list[FloatArray]] = {name: [] for name, _ in _CYCLE}
    for start, stop in ((edges[0], edges[1]), (edges[2], edges[3])):
        cycle = min(_CYCLE_LENGTH, (stop - start) / 2)
        bouts = _bouts(start, stop, [share * cycle for _, share in _CYCLE], rng)
        for (name, _), rows in zip(_CYCLE, bouts, strict=True):
            found[name].append(rows)
    theta = _bouts(edges[1], edges[2], [_THETA_BOUT, _THETA_BREAK], rng)[0]
    found["WAKE"].append(edges[None, 1:3])
    states = {name: Intervals(np.concatenate(rows)) for name, rows in found.items()}
    return {**states, "THETA": Intervals(theta)}


def _bouts(
    start: float, stop: float, means: list[float], rng: np.random.Generator
) -> list[FloatArray]:
    """Alternate between states with gamma-distributed lengths from start to stop."""
    n = int(3 * (stop - start) / sum(means)) + 3
    lengths = rng.gamma(8.0, np.array(means) / 8.0, (n, len(means)))
    cuts = np.minimum(start + np.concatenate([[0.0], np.cumsum(lengths)]), stop)
    rows = np.column_stack([cuts[:-1], cuts[1:]])
    return [
        part[part[:, 1] > part[:, 0]] for part in (rows[i :: len(means)] for i in range(len(means)))
    ]


def _ripples(nrem: Intervals, rate: float, rng: np.random.Generator) -> Intervals:
    starts = _poisson_times(nrem.data, rate, rng)
    length = _RIPPLE_DURATION * rng.lognormal(0.0, _RIPPLE_SPREAD, len(starts))
    stops = starts + np.clip(length, 0.02, 0.2)
    keep = np.ones(len(starts), dtype=bool)
    keep[1:] = np.diff(starts) > _RIPPLE_GAP + 0.2
    keep &= nrem.contains(stops)
    starts, stops = (_on_clock(t[keep]) for t in (starts, stops))
    peaks = (starts + stops) / 2
    return Intervals(np.column_stack([starts, stops]), metadata={"peak": peaks})


def _poisson_times(intervals: FloatArray, rate: float, rng: np.random.Generator) -> FloatArray:
    counts = rng.poisson(np.maximum(intervals[:, 1] - intervals[:, 0], 0.0) * rate)
    rows = np.repeat(intervals, counts, axis=0)
    times: FloatArray = np.sort(rng.uniform(rows[:, 0], rows[:, 1]))
    return times


def _activations(
    edges: FloatArray,
    theta: Intervals,
    ripples: Intervals,
    rate: float,
    pre: FloatArray,
    post: FloatArray,
    rng: np.random.Generator,
) -> tuple[list[FloatArray], IntArray]:
    times: list[FloatArray] = []
    drawn = np.zeros((len(pre), 2), dtype=np.int64)
    late = ripples.starts >= edges[2]
    for k in range(len(pre)):
        parts = [_poisson_times(theta.data, rate, rng)]
        hit = rng.random(len(ripples)) < np.where(late, post[k], pre[k])
        rows = ripples.data[hit]
        parts.append(rng.uniform(rows[:, 0], rows[:, 1]))
        drawn[k] = (hit & ~late).sum(), (hit & late).sum()
        times.append(np.sort(np.concatenate(parts)))
    return times, drawn


def _background(
    rates: FloatArray, stop: float, ripples: Intervals, boost: float, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    counts = rng.poisson(rates * stop)
    unit = np.repeat(np.arange(len(rates)), counts)
    tick = rng.integers(0, int(stop * CLOCK), len(unit))
    covered = ripples.durations
    extra = rng.poisson(rates * max(boost - 1.0, 0.0) * covered.sum())
    extra_unit = np.repeat(np.arange(len(rates)), extra)
    # A uniform position along the joined ripples falls into one of them.
    along = rng.uniform(0.0, covered.sum(), len(extra_unit))
    ends = np.cumsum(covered)
    which = np.searchsorted(ends, along, side="right").clip(max=max(len(ends) - 1, 0))
    when = ripples.stops[which] - (ends[which] - along) if len(ends) else np.zeros(0)
    return (
        np.concatenate([unit, extra_unit]),
        np.concatenate([tick, np.floor(when * CLOCK).astype(np.int64)]),
    )


def _volleys(
    times: FloatArray,
    units: IntArray,
    participation: float,
    jitter: float,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    shape = (len(times), len(units))
    n = (rng.random(shape) < participation) * (1 + (rng.random(shape) < 0.25))
    event, member = (np.repeat(index.ravel(), n.ravel()) for index in np.indices(shape))
    when = times[event] + rng.normal(0.0, jitter, len(event))
    return units[member], np.floor(when * CLOCK).astype(np.int64)


def _trains(
    unit: IntArray, tick: IntArray, n_units: int, n_ticks: int, refractory: float
) -> tuple[FloatArray, IntArray]:
    """Sort into trains and enforce the refractory period."""
    inside = (tick >= 0) & (tick < n_ticks)
    # One integer key orders by unit, then time, in a single sort.
    key = np.sort(unit[inside] * np.int64(n_ticks) + tick[inside])
    unit, tick = np.divmod(key, n_ticks)
    shortest = refractory * CLOCK
    while True:
        close = np.zeros(len(tick), dtype=bool)
        close[1:] = (np.diff(tick) < shortest) & (np.diff(unit) == 0)
        # In a burst only the spike after a kept one goes; the next round judges the rest anew.
        close[1:] &= ~close[:-1]
        if not close.any():
            break
        unit, tick = unit[~close], tick[~close]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(unit, minlength=n_units))])
    return tick / CLOCK, offsets.astype(np.int64)


def _on_clock(times: FloatArray) -> FloatArray:
    return np.round(times * CLOCK) / CLOCK


__all__ = ["AssemblyRecording", "make_assembly_recording"]
