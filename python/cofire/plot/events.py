"""Figures around events: averages, rates, correlograms, joint histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.style import (
    INK,
    MUTED,
    PHASE_COLORS,
    assembly_color,
    heat,
    make_axes,
    nothing,
    one_axes,
    styled,
    t_interval,
    zero_line,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def plot_event_triggered(
    result: Any,
    *,
    labels: Any = None,
    ylabel: str = "signal",
    ax: Axes | None = None,
    figsize: tuple[float, float] = (4.6, 3.2),
) -> tuple[Figure, Axes]:
    """Average of each signal around the events, with a 95 % band over events.

    Parameters
    ----------
    result : EventTriggered
        ``.lags`` (L,), ``.mean`` (L, n), ``.sem`` (L, n), ``.n_events``.
    labels : sequence of str, optional
        Names of the signals; shown up to twelve.
    ylabel : str
        What the signal is, with its unit.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    lags = np.asarray(result.lags)
    mean, sem = _columns(result.mean), _columns(result.sem)
    figure, ax = one_axes(ax, figsize)
    n = mean.shape[1]
    for k in range(n):
        color = assembly_color(k)
        name = str(labels[k]) if labels is not None else None
        ax.fill_between(
            lags,
            mean[:, k] - 1.96 * sem[:, k],
            mean[:, k] + 1.96 * sem[:, k],
            color=color,
            alpha=0.18 if n <= 6 else 0.08,
            linewidth=0,
        )
        ax.plot(lags, mean[:, k], color=color, label=name)
    zero_line(ax)
    ax.set_xlim(lags[0], lags[-1])
    ax.set_xlabel("time from event (s)")
    ax.set_ylabel(ylabel)
    n_events = int(np.max(result.n_events)) if np.size(result.n_events) else 0
    ax.set_title(f"mean ± 95 % over {n_events} events")
    if labels is not None and n <= 12:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure, ax


@styled
def plot_peri_event(
    result: Any,
    *,
    unit_ids: Any = None,
    figsize: tuple[float, float] = (4.8, 4.6),
) -> tuple[Figure, AnyArray]:
    """Firing rate around events: population mean above, one row a unit below.

    Parameters
    ----------
    result : PeriEvent
        ``.lags`` (L,), ``.rate`` (n_units, L) in Hz (per-event rates are averaged),
        ``.n_events`` if known.
    unit_ids : array_like (n_units,), optional
        Labels of the rows.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
        The band of the upper panel is a 95 % t-interval over units.
    """
    lags = np.asarray(result.lags)
    rate = np.asarray(result.rate, dtype=np.float64)
    rate = rate.mean(axis=0) if rate.ndim == 3 else rate
    figure, grid = make_axes(
        2, 1, figsize=figsize, sharex=True, gridspec_kw={"height_ratios": [1, 2]}
    )
    top, bottom = grid[:, 0]
    n_units = len(rate)
    if not n_units:
        top.set_axis_off()
        nothing(bottom, "no unit")
        return figure, grid[:, 0]
    mean, half = t_interval(rate, axis=0)
    top.fill_between(lags, mean - half, mean + half, color=INK, alpha=0.15, linewidth=0)
    top.plot(lags, mean, color=INK)
    zero_line(top)
    top.set_ylabel("rate (Hz)")
    n_events = getattr(result, "n_events", None)
    events = "" if n_events is None else f", {int(np.max(n_events))} events"
    top.set_title(f"mean ± 95 % over {n_units} units{events}")
    step = lags[1] - lags[0] if len(lags) > 1 else 1.0
    extent = (lags[0] - step / 2, lags[-1] + step / 2, n_units - 0.5, -0.5)
    limit = float(np.nanpercentile(rate, 99.5)) if rate.size else 1.0
    image = heat(bottom, rate, extent, vmin=0.0, limit=limit)
    zero_line(bottom)
    if unit_ids is not None and n_units <= 30:
        bottom.set_yticks(range(n_units), [str(u) for u in unit_ids])
        bottom.set_ylabel("unit id")
    else:
        bottom.set_ylabel(f"unit (n = {n_units})")
    bottom.set_xlabel("time from event (s)")
    figure.colorbar(image, ax=bottom, pad=0.02, aspect=20).set_label("rate (Hz)", fontsize=8)
    return figure, grid[:, 0]


@styled
def plot_correlogram(
    result: Any,
    *,
    units: Any = None,
    max_units: int = 6,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Cross-correlograms as a triangle of panels, autocorrelograms on the diagonal.

    Parameters
    ----------
    result : Correlogram
        ``.lags`` (L,), ``.counts`` (n_units, n_units, L) or (n_pairs, L).
    units : sequence of int, optional
        Rows to show; default the first `max_units`.
    max_units : int
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray of Axes
        Square for all pairs, one row for a list of pairs. The zero-lag bin of an autocorrelogram
        (each spike with itself) is left out.
    """
    lags = np.asarray(result.lags) * 1000
    counts = np.asarray(result.counts)
    width = lags[1] - lags[0] if len(lags) > 1 else 1.0
    if counts.ndim == 2:
        chosen = list(range(min(len(counts), max_units))) if units is None else list(units)
        figure, grid = make_axes(
            1, max(len(chosen), 1), figsize=figsize or (1.2 + 1.9 * len(chosen), 2.2)
        )
        for ax, i in zip(grid[0], chosen, strict=False):
            ax.bar(lags, counts[i], width, color=INK, linewidth=0)
            ax.set_title(f"pair {i}")
        grid[0, 0].set_ylabel("spike pairs")
        figure.supxlabel("lag (ms)", fontsize=9)
        return figure, grid
    chosen = list(range(min(len(counts), max_units))) if units is None else list(units)
    n = max(len(chosen), 1)
    figure, grid = make_axes(n, n, figsize=figsize or (1.0 + 1.25 * n, 0.9 + 1.05 * n), sharex=True)
    for row, i in enumerate(chosen):
        for column, j in enumerate(chosen):
            ax = grid[row, column]
            if column < row:
                ax.set_axis_off()
                continue
            values = counts[i, j].astype(np.float64)
            if i == j:
                values[np.argmin(np.abs(lags))] = 0
            ax.bar(lags, values, width, color=assembly_color(i) if i == j else MUTED, linewidth=0)
            ax.tick_params(labelsize=6)
            if row == 0:
                ax.set_title(f"{j}", loc="center")
            if row == column:
                ax.set_ylabel(f"{i}")
    figure.supxlabel("lag of the column's unit (ms)", fontsize=9)
    figure.supylabel("spike pairs", fontsize=9)
    return figure, grid


@styled
def plot_joint_peth(
    result: Any,
    *,
    lags: Any = None,
    names: tuple[str, str] = ("first", "second"),
    figsize: tuple[float, float] = (8.6, 2.9),
) -> tuple[Figure, AnyArray]:
    """Joint peri-event histogram, what independence predicts, and the difference.

    Parameters
    ----------
    result : object or tuple
        ``.joint``, ``.expected``, ``.difference`` (L, L), or the three matrices in that order.
    lags : array_like (L,), s, optional
        Default ``result.lags``, else bin numbers.
    names : (str, str)
        Names of the signals of rows and columns.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (3,) of Axes
    """
    joint, expected, difference = _joint_parts(result)
    t = lags if lags is not None else getattr(result, "lags", None)
    t = np.arange(len(joint)) if t is None else np.asarray(t, dtype=np.float64)
    unit = "bin" if lags is None and getattr(result, "lags", None) is None else "s"
    figure, grid = make_axes(1, 3, figsize=figsize, sharex=True, sharey=True)
    extent = (float(t[0]), float(t[-1]), float(t[-1]), float(t[0]))
    high = float(np.nanmax([joint.max(initial=0.0), expected.max(initial=0.0), 1e-12]))
    panels = (("observed", joint), ("if independent", expected), ("difference", difference))
    for ax, (title, matrix) in zip(grid[0], panels, strict=True):
        symmetric = title == "difference"
        image = heat(
            ax,
            matrix,
            extent,
            symmetric=symmetric,
            limit=None if symmetric else high,
            vmin=0.0,
        )
        ax.invert_yaxis()
        ax.set_aspect("equal")
        ax.axvline(0, color="w" if not symmetric else MUTED, linewidth=0.7, linestyle=":")
        ax.axhline(0, color="w" if not symmetric else MUTED, linewidth=0.7, linestyle=":")
        ax.set_title(title)
        figure.colorbar(image, ax=ax, pad=0.02, shrink=0.85, aspect=18)
    grid[0, 0].set_ylabel(f"{names[0]}: time from event ({unit})")
    figure.supxlabel(f"{names[1]}: time from event ({unit})", fontsize=9)
    return figure, grid[0]


def _joint_parts(result: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    if hasattr(result, "joint"):
        parts = (result.joint, result.expected, result.difference)
    else:
        parts = tuple(result)[:3]
    joint, expected, difference = (np.asarray(p, dtype=np.float64) for p in parts)
    return joint, expected, difference


def _columns(values: Any) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


@styled
def plot_unit_responses(
    responses: Any,
    *,
    event_name: str = "event",
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Firing rate around events, a column a phase: mean over units above, units below.

    Parameters
    ----------
    responses : UnitResponses
        ``.phases``, ``.lags`` (L,), ``.rate`` (n_phases, n_units, L) Hz, ``.n_events``,
        ``.unit_ids``.
    event_name : str
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (2, n_phases) of Axes
        Band: 95 % t-interval over units. Rows of the maps are divided by the unit's mean rate.
    """
    phases = [i for i, n in enumerate(responses.n_events) if n]
    n = max(len(phases), 1)
    figure, axes = make_axes(
        2,
        n,
        figsize=figsize or (1.4 + 2.5 * n, 4.2),
        sharex=True,
        sharey="row",
        gridspec_kw={"height_ratios": [1, 1.5]},
    )
    if not phases or not len(responses.unit_ids):
        for ax in axes.flat:
            ax.set_axis_off()
        nothing(axes[0, 0], "no event in any phase")
        return figure, axes
    lags, n_units = np.asarray(responses.lags), len(responses.unit_ids)
    step = lags[1] - lags[0] if len(lags) > 1 else 1.0
    extent = (lags[0] - step / 2, lags[-1] + step / 2, n_units - 0.5, -0.5)
    overall = np.nanmean(responses.rate[phases], axis=(0, 2))
    image: Any = None
    for column, p in enumerate(phases):
        top, bottom = axes[:, column]
        color = PHASE_COLORS.get(responses.phases[p], INK)
        mean, half = t_interval(responses.rate[p], axis=0)
        if n_units > 1:
            top.fill_between(lags, mean - half, mean + half, color=color, alpha=0.2, linewidth=0)
        top.plot(lags, mean, color=color, linewidth=1.8)
        zero_line(top)
        top.set_title(
            f"{responses.phases[p]} ({int(responses.n_events[p])} {event_name}s)", color=color
        )
        scaled = responses.rate[p] / np.where(overall > 0, overall, np.nan)[:, None]
        image = heat(bottom, scaled, extent, vmin=0.0, limit=3.0)
        bottom.axvline(0, color="w", linewidth=0.8, linestyle=(0, (3, 2)))
    axes[0, 0].set_ylim(bottom=0)
    axes[0, 0].set_ylabel(f"rate (Hz)\nmean ± 95 %, {n_units} units")
    if n_units <= 30:
        axes[1, 0].set_yticks(range(n_units), [str(u) for u in responses.unit_ids])
    axes[1, 0].set_ylabel("unit id" if n_units <= 30 else f"unit (n = {n_units})")
    bar = figure.colorbar(image, ax=axes[1, :], pad=0.02, aspect=18, extend="max")
    bar.set_label("rate / mean rate of the unit", fontsize=8)
    figure.supxlabel(f"time from {event_name} start (s)", fontsize=9)
    return figure, axes
