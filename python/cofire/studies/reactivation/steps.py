"""The computations of the study, each a function over spikes, intervals and patterns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, window
from cofire.assemblies import PCAICA, activation, find_members
from cofire.errors import InvalidArgumentError, NoAssemblyWarning
from cofire.events import event_triggered_average, joint_peth, peri_event_counts
from cofire.spikes import bin_spikes
from cofire.studies.reactivation.config import ReactivationConfig
from cofire.studies.reactivation.results import (
    JointResponse,
    PairwiseCorrelations,
    PeriEventResponse,
    ReactivationEffect,
    StrongestActivations,
    UnitResponses,
)
from cofire.types import Intervals, SpikeTrains, Traces, as_intervals, as_spike_trains


def detect_assemblies(
    spikes: Any,
    support: Any,
    config: ReactivationConfig | None = None,
    *,
    groups: Any = None,
    threads: int | None = None,
) -> PCAICA:
    """Detect assemblies in the counts of `support`; none found is a legal answer.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    support : Intervals or (n, 2), s
        Task, usually confined to theta.
    config : ReactivationConfig, optional
        ``detection_bin``, ``method``, ``null``, ``tracywidom``, ``n_shuffles``, ``percentile``,
        ``seed``.
    groups : array_like (n_units,), optional
        Labels: search across groups only (cross-structural).
    threads : int, optional

    Returns
    -------
    PCAICA
        Fitted; ``patterns_`` has shape (0, n_units) when nothing passes the null.

    Raises
    ------
    InvalidArgumentError
        The support holds no bin.
    """
    chosen = config or ReactivationConfig()
    counts = bin_spikes(spikes, chosen.detection_bin, support=support, threads=threads)
    if counts.n_bins == 0:
        raise InvalidArgumentError(
            f"detection: no bin of {chosen.detection_bin:g} s fits into the task and its states; "
            "choose other states (task_states) or a longer task"
        )
    model = PCAICA(
        null=chosen.null,
        tracywidom=chosen.tracywidom,
        n_shuffles=chosen.n_shuffles,
        percentile=chosen.percentile,
        method=chosen.method,
        cross_structural=None if groups is None else np.asarray(groups),
        rng=chosen.seed,
        threads=threads,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoAssemblyWarning)
        return model.fit(counts)


def activation_traces(
    patterns: Any,
    spikes: Any,
    config: ReactivationConfig | None = None,
    *,
    support: Any = None,
    threads: int | None = None,
) -> Traces:
    """Activation of each pattern over the whole session (z over the whole session).

    Parameters
    ----------
    patterns : array_like (K, n_units)
    spikes : SpikeTrains or convertible
    config : ReactivationConfig, optional
        ``activation_bin`` and ``detection_bin`` (smoothing).
    support : Intervals or (n, 2), s, optional
        Default: the support of the spikes.
    threads : int, optional

    Returns
    -------
    Traces
        Values (n_bins, K), z².
    """
    chosen = config or ReactivationConfig()
    traces = activation(
        np.asarray(patterns, dtype=np.float64),
        as_spike_trains(spikes),
        bin_width=chosen.activation_bin,
        sigma=chosen.sigma,
        support=support,
        threads=threads,
    )
    return traces


def peri_event_response(
    traces: Traces,
    events: Mapping[str, Any],
    window_s: tuple[float, float] = (-0.5, 0.5),
    *,
    threads: int | None = None,
) -> PeriEventResponse:
    """Average activation around the start of the events of each phase.

    Parameters
    ----------
    traces : Traces (n_bins, K)
        Activation.
    events : mapping of phase to Intervals or (n, 2) array
        Starts are the event times.
    window_s : (before, after), s
    threads : int, optional

    Returns
    -------
    PeriEventResponse
        A phase without events has NaN curves and ``n_events`` 0.

    Notes
    -----
    An event whose window leaves the data counts where it has samples only.
    """
    before, after = window(window_s)
    rate = _rate(traces)
    n_lags = round((after - before) * rate)
    lags = before + np.arange(n_lags) / rate
    phases = tuple(events)
    n = traces.n_signals
    mean = np.full((len(phases), n_lags, n), np.nan)
    sem = np.full((len(phases), n_lags, n), np.nan)
    n_events = np.zeros(len(phases), dtype=np.int64)
    for p, phase in enumerate(phases):
        starts = as_intervals(events[phase], phase).starts
        n_events[p] = len(starts)
        if len(starts) and n:
            average = event_triggered_average(traces, starts, (before, after), threads=threads)
            mean[p], sem[p], lags = average.mean, average.sem, average.lags
    return PeriEventResponse(phases, lags, mean, sem, n_events)


def event_responses(
    traces: Traces,
    starts: Any,
    window_s: tuple[float, float] = (0.0, 0.1),
    *,
    threads: int | None = None,
) -> FloatArray:
    """Mean activation in a window after each event, (n_events, K); NaN where data are missing."""
    times = np.asarray(starts, dtype=np.float64)
    if not len(times) or not traces.n_signals:
        return np.full((len(times), traces.n_signals), np.nan)
    result = event_triggered_average(traces, times, window_s, per_event=True, threads=threads)
    assert result.stack is not None
    return np.asarray(result.stack.mean(axis=1))


def reactivation_effect(
    pre: Any, post: Any, window_s: tuple[float, float] = (0.0, 0.1)
) -> ReactivationEffect:
    """Compare the responses to events before and after the task.

    Parameters
    ----------
    pre, post : array_like (n_events, K), z²
        Response of each event, as :func:`event_responses` returns; NaN rows are left out.
    window_s : (float, float), s
        The window they were averaged in (kept for labels).

    Returns
    -------
    ReactivationEffect
        Intervals and p per assembly by Welch's t over events; of the mean by Student's t over
        assemblies, its p by the Wilcoxon signed-rank test. NaN where fewer than two events (or
        assemblies) exist.

    References
    ----------
    Welch 1947, doi:10.1093/biomet/34.1-2.28; Wilcoxon 1945, doi:10.2307/3001968

    Examples
    --------
    >>> from cofire.studies.reactivation import reactivation_effect
    >>> effect = reactivation_effect([[0.0], [0.2]], [[1.0], [1.2], [1.1]])
    >>> round(float(effect.difference[0]), 6)
    1.0
    """
    from scipy import stats

    a, b = (np.asarray(x, dtype=np.float64) for x in (pre, post))
    mean_a, var_a, n_a = _moments(a)
    mean_b, var_b, n_b = _moments(b)
    difference = mean_b - mean_a
    with np.errstate(invalid="ignore", divide="ignore"):
        se2 = var_a / n_a + var_b / n_b
        freedom = se2**2 / ((var_a / n_a) ** 2 / (n_a - 1) + (var_b / n_b) ** 2 / (n_b - 1))
        half = stats.t.ppf(0.975, freedom) * np.sqrt(se2)
        p = np.asarray(2 * stats.t.sf(np.abs(difference) / np.sqrt(se2), freedom))
    usable = difference[np.isfinite(difference)]
    n = len(usable)
    mean = float(usable.mean()) if n else float("nan")
    spread = float(usable.std(ddof=1) / np.sqrt(n) * stats.t.ppf(0.975, n - 1)) if n > 1 else np.nan
    varies = n > 1 and bool(np.any(usable != 0))
    return ReactivationEffect(
        window=window(window_s),
        pre=mean_a,
        post=mean_b,
        difference=difference,
        low=difference - half,
        high=difference + half,
        p=p,
        mean=mean,
        mean_low=mean - spread,
        mean_high=mean + spread,
        mean_p=float(stats.wilcoxon(usable).pvalue) if varies else float("nan"),
        n_pre=len(a),
        n_post=len(b),
    )


def pairwise_correlations(
    spikes: Any,
    phases: Mapping[str, Any],
    bin_width: float = 0.05,
    *,
    threads: int | None = None,
) -> PairwiseCorrelations:
    """Pearson correlation of the counts of every pair of units in each phase.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    phases : mapping of name to Intervals
    bin_width : float, s
    threads : int, optional

    Returns
    -------
    PairwiseCorrelations
        NaN for units that are constant in a phase.
    """
    trains = as_spike_trains(spikes)
    matrices = np.full((len(phases), trains.n_units, trains.n_units), np.nan)
    for p, support in enumerate(phases.values()):
        counts = bin_spikes(trains, bin_width, support=support, threads=threads).counts
        if counts.shape[1]:
            matrices[p] = _pearson(counts.astype(np.float64))
    return PairwiseCorrelations(tuple(phases), trains.unit_ids, matrices, bin_width)


def unit_responses(
    spikes: Any,
    events: Mapping[str, Any],
    window_s: tuple[float, float] = (-0.5, 0.5),
    bin_width: float = 0.01,
    *,
    threads: int | None = None,
) -> UnitResponses:
    """Firing rate of every unit around the events of each phase.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    events : mapping of phase to Intervals
    window_s : (before, after), s
    bin_width : float, s
    threads : int, optional

    Returns
    -------
    UnitResponses
        NaN in phases without events.
    """
    trains = as_spike_trains(spikes)
    before, after = window(window_s)
    n_lags = round((after - before) / bin_width)
    rate = np.full((len(events), trains.n_units, n_lags), np.nan)
    for p, intervals in enumerate(events.values()):
        if len(intervals):
            rate[p] = peri_event_counts(
                trains, intervals.starts, window_s, bin_width, threads=threads
            ).rate
    return UnitResponses(
        phases=tuple(events),
        unit_ids=trains.unit_ids,
        lags=np.asarray(before + (np.arange(n_lags) + 0.5) * bin_width, dtype=np.float64),
        rate=rate,
        n_events=np.array([len(v) for v in events.values()], dtype=np.int64),
    )


def strongest_activations(
    traces: Traces,
    spikes: Any,
    patterns: Any,
    *,
    within: Any = None,
    n: int = 5,
    half_width: float = 0.25,
) -> StrongestActivations:
    """The strongest activation of each assembly, and the spikes around the `n` strongest.

    Parameters
    ----------
    traces : Traces (n_bins, K)
    spikes : SpikeTrains or convertible
    patterns : array_like (K, n_units)
    within : Intervals, optional
        Search there only (for example post).
    n : int
        Number of assemblies, strongest first.
    half_width : float, s
        Around the peak.

    Returns
    -------
    StrongestActivations
    """
    trains = as_spike_trains(spikes)
    members: BoolArray = find_members(patterns)
    values, times = np.asarray(traces.values), traces.times
    rate = _rate(traces)
    half = round(half_width * rate)
    lags = np.arange(-half, half + 1) / rate
    usable = np.ones(len(times), dtype=bool)
    if within is not None:
        usable = as_intervals(within, "within").contains(times)
    n_found = min(n, values.shape[1]) if usable.any() else 0
    rows = np.flatnonzero(usable)
    # Only searched bins are compared, so that a peak outside them cannot win.
    peaks = rows[np.argmax(values[rows], axis=0)] if n_found else np.zeros(0, dtype=np.int64)
    strength = values[peaks, np.arange(len(peaks))]
    order = np.argsort(-strength, kind="stable")[:n_found].astype(np.int64)
    around = np.full((n_found, len(lags), values.shape[1]), np.nan)
    spike_parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for i, k in enumerate(order):
        index = peaks[k] + np.arange(-half, half + 1)
        inside = (index >= 0) & (index < len(times))
        # A neighbor across a gap is not the sample of that lag.
        inside[inside] &= np.abs(times[index[inside]] - times[peaks[k]] - lags[inside]) < 0.5 / rate
        around[i, inside] = values[index[inside]]
        spike_parts.append(_spikes_around(trains, float(times[peaks[k]]), half_width, i))
    event, unit, lag = (np.concatenate(p) for p in zip(*spike_parts, strict=True))
    return StrongestActivations(
        assembly=order,
        time=times[peaks[order]] if n_found else np.zeros(0),
        strength=strength[order],
        lags=lags,
        activation=around,
        spike_event=event.astype(np.int64),
        spike_unit=unit.astype(np.int64),
        spike_lag=lag,
        members=members,
    )


def joint_response(
    traces: Traces,
    starts: Any,
    assemblies: tuple[int, int],
    window_s: tuple[float, float] = (-0.5, 0.5),
    *,
    threads: int | None = None,
) -> JointResponse:
    """Joint peri-event histogram of two assemblies' activations.

    Parameters
    ----------
    traces : Traces (n_bins, K)
    starts : array_like (n_events,), s
        Events whose window leaves the data are left out.
    assemblies : (int, int)
        Columns of `traces`.
    window_s : (before, after), s
    threads : int, optional

    Returns
    -------
    JointResponse
    """
    pair = Traces(
        np.asarray(traces.values)[:, list(assemblies)],
        rate=traces.rate,
        times=None if traces.rate is not None else traces.times,
        t_start=traces.t_start if traces.rate is not None else 0.0,
        support=traces.support,
    )
    around = event_triggered_average(pair, starts, window_s, per_event=True, threads=threads)
    assert around.stack is not None
    stack = around.stack[np.isfinite(around.stack).all(axis=(1, 2))]
    if not len(stack):
        raise InvalidArgumentError("joint response: no event has its whole window inside the data")
    # Activations are negative at rest; the square root of the method needs a non-negative signal.
    stack = np.maximum(stack, 0.0)
    found = joint_peth(stack[:, :, 0], stack[:, :, 1])
    return JointResponse(
        assemblies, around.lags, found.joint, found.expected, found.difference, len(stack)
    )


def _spikes_around(
    trains: SpikeTrains, time: float, half_width: float, event: int
) -> tuple[IntArray, IntArray, FloatArray]:
    inside = trains.restrict(Intervals([[time - half_width, time + half_width]]))
    unit = np.repeat(np.arange(inside.n_units), inside.counts)
    return np.full(len(unit), event, dtype=np.int64), unit, inside.times - time


def _moments(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    ok = np.isfinite(x)
    n = ok.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(ok, x, 0.0).sum(axis=0) / n
        variance = (np.where(ok, x - mean, 0.0) ** 2).sum(axis=0) / (n - 1)
    return mean, np.where(n > 1, variance, np.nan), n


def _pearson(counts: FloatArray) -> FloatArray:
    centered = counts - counts.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.einsum("ij,ij->i", centered, centered))
    scale = np.where(norm > 0, norm, np.nan)
    r: AnyArray = (centered @ centered.T) / np.outer(scale, scale)
    r = np.clip(r, -1.0, 1.0)
    np.fill_diagonal(r, np.where(norm > 0, 1.0, np.nan))
    return r


def _rate(traces: Traces) -> float:
    if traces.rate is not None:
        return traces.rate
    steps = np.diff(traces.times)
    return float(1.0 / np.median(steps)) if len(steps) else 1.0
