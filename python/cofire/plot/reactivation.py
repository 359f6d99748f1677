"""Figures of reactivation: curves around ripples, EV/REV, comparisons, paired sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    PHASE_COLORS,
    assembly_color,
    heat,
    label_assemblies,
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
def plot_reactivation(
    response: Any,
    *,
    event_name: str = "ripple",
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Activation around events, a column a phase: curves with their mean above, heat maps below.

    Parameters
    ----------
    response : PeriEventResponse
        ``.lags`` (L,), ``.phases`` names, ``.mean`` (n_phases, L, K), ``.n_events`` (n_phases,).
        With both "pre" and "post" the last column is their difference, and a task without events
        has no column.
    event_name : str
        For the time axis.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (2, n_columns) of Axes
        Thin lines: assemblies (their colors); thick line and band: mean and 95 % t-interval over
        assemblies.
    """
    lags = np.asarray(response.lags)
    columns = _phase_columns(response)
    figure, axes = make_axes(
        2,
        max(len(columns), 1),
        figsize=figsize or (1.2 + min(2.6 * max(len(columns), 1), 8.6), 5.0),
        sharex=True,
        sharey="row",
        gridspec_kw={"height_ratios": [1.15, 1]},
    )
    if not columns or columns[0][1].shape[1] == 0:
        for ax in axes.flat:
            ax.set_axis_off()
        nothing(axes[0, 0], "no assembly or no event")
        return figure, axes
    n = columns[0][1].shape[1]
    raw = np.concatenate([c for name, c, _ in columns if name != "difference"], axis=None)
    high = float(np.nanpercentile(raw, 99.8)) if np.isfinite(raw).any() else 1.0
    for column, (name, curves, n_events) in enumerate(columns):
        top, bottom = axes[:, column]
        color = PHASE_COLORS.get(name, INK)
        for k in range(n):
            top.plot(lags, curves[:, k], color=assembly_color(k), linewidth=0.8, alpha=0.75)
        mean, half = t_interval(curves, axis=1)
        top.fill_between(lags, mean - half, mean + half, color=color, alpha=0.25, linewidth=0)
        top.plot(lags, mean, color=color, linewidth=2.4)
        zero_line(top)
        zero_line(top, "y")
        top.set_title("post − pre" if name == "difference" else f"{name} ({n_events} events)")
        top.title.set_color(color)
        symmetric = name == "difference"
        step = lags[1] - lags[0] if len(lags) > 1 else 1.0
        extent = (lags[0] - step / 2, lags[-1] + step / 2, n - 0.5, -0.5)
        limit = float(np.nanmax(np.abs(curves))) if symmetric else high
        image = heat(bottom, curves.T, extent, symmetric=symmetric, limit=limit)
        bottom.axvline(0, color=MUTED if symmetric else "w", linewidth=0.8, linestyle=(0, (3, 2)))
        bar = figure.colorbar(image, ax=bottom, orientation="horizontal", pad=0.04, aspect=24)
        bar.set_label("difference (z²)" if symmetric else "activation (z²)", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    label_assemblies(axes[1, 0], n)
    axes[0, 0].set_ylabel(f"activation (z²)\nmean ± 95 %, n = {n}")
    axes[1, 0].set_ylabel("assembly")
    axes[0, 0].set_xlim(lags[0], lags[-1])
    figure.supxlabel(f"time from {event_name} start (s)", fontsize=9)
    return figure, axes


@styled
def plot_reactivation_effect(
    effect: Any,
    *,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, Axes]:
    """Post − pre response of each assembly with its 95 % interval, and their mean.

    Parameters
    ----------
    effect : ReactivationEffect
        ``.difference`` ``.low`` ``.high`` (K,), ``.mean`` ``.mean_low`` ``.mean_high``.
    ax : Axes, optional
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, ax : Figure, Axes
    """
    n = len(effect.difference)
    figure, ax = one_axes(ax, figsize or (4.6, float(np.clip(1.5 + 0.22 * n, 2.0, 6.0))))
    if not n:
        nothing(ax, "no assembly")
        return figure, ax
    for k in range(n):
        color = assembly_color(k)
        ax.plot([effect.low[k], effect.high[k]], [k, k], color=color, linewidth=1.6)
        ax.plot(effect.difference[k], k, "o", color=color, markersize=5)
    ax.axhline(n - 0.4, color=FAINT, linewidth=0.8)
    color = PHASE_COLORS["difference"]
    if np.isfinite(effect.mean_low):
        ax.plot([effect.mean_low, effect.mean_high], [n + 0.1] * 2, color=color, linewidth=2.6)
    ax.plot(effect.mean, n + 0.1, "D", color=color, markersize=6.5)
    ax.axvline(0.0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
    label_assemblies(ax, n)
    ax.set_yticks(
        [*ax.get_yticks(), n + 0.1], [*(t.get_text() for t in ax.get_yticklabels()), "mean"]
    )
    for text in ax.get_yticklabels():
        name = text.get_text()
        text.set_fontweight("bold")
        text.set_color(color if name == "mean" else assembly_color(int(name[1:]) - 1))
    ax.set_ylim(n + 0.7, -0.7)
    start, stop = effect.window
    ax.set_xlabel(f"post − pre activation (z²)\n{start:g} to {stop:g} s from the event; bars: 95 %")
    ax.set_title(f"reactivation, n = {n}")
    return figure, ax


@styled
def plot_explained_variance(
    result: Any,
    *,
    sliding: Any = None,
    time_origin: float = 0.0,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Explained variance (EV) and its control (REV): bars, and over time when there are windows.

    Parameters
    ----------
    result : ExplainedVariance
        ``.ev``, ``.rev`` (n_windows,), ``.ev_std``, ``.rev_std``, ``.matching_time``.
    sliding : ExplainedVariance, optional
        Time-resolved result for the right panel; default `result` if it has several windows.
    time_origin : float, s
        Time zero of the right panel.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (1 or 2,) of Axes
        Band over time: ± one standard deviation over control windows.
    """
    ev, rev = _percent(result.ev), _percent(result.rev)
    moving = sliding if sliding is not None else (result if len(ev) > 1 else None)
    n = 1 if moving is None else 2
    size = figsize or ((2.6, 3.0) if n == 1 else (7.2, 3.0))
    ratio = {"width_ratios": [1, 3.2]} if n == 2 else None
    figure, grid = make_axes(1, n, figsize=size, gridspec_kw=ratio)
    axes = grid[0]
    left = axes[0]
    heights = [float(np.nanmean(v)) if np.isfinite(v).any() else np.nan for v in (ev, rev)]
    left.bar([0, 1], heights, 0.62, color=[PHASE_COLORS["post"], MUTED])
    for x, height in enumerate(heights):
        text = "n/a" if np.isnan(height) else f"{height:.2f}"
        left.text(x, 0.0 if np.isnan(height) else height, text, ha="center", va="bottom")
    left.set_xticks([0, 1], ["EV", "REV"])
    left.tick_params(axis="x", length=0)
    left.set_ylabel("explained variance (%)")
    left.set_title("whole epochs" if sliding is not None else "")
    left.margins(y=0.15)
    if moving is not None:
        times = np.ravel(np.asarray(moving.matching_time, dtype=np.float64)) - time_origin
        scale, unit = (3600.0, "h") if np.ptp(times) > 7200 else (60.0, "min")
        for name, values, std, color in (
            ("EV", moving.ev, moving.ev_std, PHASE_COLORS["post"]),
            ("REV", moving.rev, moving.rev_std, MUTED),
        ):
            y, s = _percent(values), np.nan_to_num(_percent(std))
            axes[1].fill_between(times / scale, y - s, y + s, color=color, alpha=0.2, linewidth=0)
            axes[1].plot(times / scale, y, "o-", color=color, label=name, markersize=3)
        axes[1].set_xlabel(f"time ({unit})")
        axes[1].set_ylim(bottom=min(0.0, axes[1].get_ylim()[0]))
        axes[1].set_title(f"{len(times)} windows; band: ± SD over control windows")
        axes[1].legend(loc="upper right")
    return figure, axes


@styled
def plot_cross_comparison(
    standard: Any,
    cross: Any,
    *,
    event_name: str = "ripple",
    figsize: tuple[float, float] = (7.4, 3.2),
) -> tuple[Figure, AnyArray]:
    """Response of standard against cross-structural assemblies around events, with peaks.

    Parameters
    ----------
    standard, cross : PeriEventResponse
        Of the two detections, with the same phases.
    event_name : str
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (n_phases,) of Axes
        Mean over assemblies, band: 95 % t-interval over assemblies; dots mark the peaks. The scale
        follows the means, wide bands are cut.
    """
    phases = [p for p in ("pre", "post") if p in standard.phases] or list(standard.phases)
    figure, grid = make_axes(1, max(len(phases), 1), figsize=figsize, sharey=True)
    axes = grid[0]
    top = 0.0
    for ax, phase in zip(axes, phases, strict=False):
        for name, response, color, dash in (
            ("standard", standard, "#3B6FB6", "-"),
            ("cross-structural", cross, "#C7621E", (0, (4, 1.5))),
        ):
            curves = _curves(response, phase)
            if curves is None or curves.shape[1] == 0:
                ax.plot([], [], color=color, linestyle=dash, label=f"{name}: none found")
                continue
            lags = np.asarray(response.lags)
            mean, half = t_interval(curves, axis=1)
            ax.fill_between(lags, mean - half, mean + half, color=color, alpha=0.2, linewidth=0)
            peak = int(np.nanargmax(mean)) if np.isfinite(mean).any() else 0
            top = max(top, float(np.nan_to_num(mean[peak])))
            label = f"{name} (n = {curves.shape[1]}), peak {mean[peak]:.2f}"
            ax.plot(lags, mean, color=color, linestyle=dash, linewidth=1.8, label=label)
            ax.plot(lags[peak], mean[peak], "o", color=color, markersize=5)
        zero_line(ax)
        zero_line(ax, "y")
        ax.set_title(phase, color=PHASE_COLORS.get(phase, INK))
        ax.legend(loc="upper right", fontsize=7.5)
    # The interval over two or three assemblies is wide; the means decide the scale.
    if np.isfinite(top) and top > 0:
        axes[0].set_ylim(-0.25 * top, 1.75 * top)
    axes[0].set_ylabel("activation (z²), mean ± 95 %")
    figure.supxlabel(f"time from {event_name} start (s)", fontsize=9)
    return figure, axes


@styled
def plot_paired(
    result: Any,
    *,
    names: tuple[str, str] | None = None,
    ylabel: str = "value",
    ax: Axes | None = None,
    figsize: tuple[float, float] = (3.0, 3.4),
) -> tuple[Figure, Axes]:
    """Two values of each session joined by a line, with their means.

    Parameters
    ----------
    result : PairedSessions or (x, y)
        What :func:`cofire.stats.paired_sessions` returns, or two arrays (n,).
    names : (str, str), optional
        Of the two conditions; default those of the result.
    ylabel : str
        What was measured, with its unit.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
        Bars: mean and 95 % t-interval over sessions.
    """
    names = names or tuple(getattr(result, "pair", ("before", "after")))
    x, y = _pair(result)
    figure, ax = one_axes(ax, figsize)
    for a, b in zip(x, y, strict=True):
        ax.plot([0, 1], [a, b], color=MUTED, linewidth=0.8, alpha=0.7, marker="o", markersize=3)
    for position, values, name in ((0, x, "pre"), (1, y, "post")):
        mean, half = t_interval(values)
        offset = -0.12 if position == 0 else 0.12
        ax.errorbar(
            position + offset,
            float(mean),
            yerr=float(np.nan_to_num(half)),
            fmt="D",
            color=PHASE_COLORS[name],
            markersize=6,
            capsize=3,
        )
    ax.set_xticks([0, 1], list(names))
    ax.set_xlim(-0.35, 1.35)
    ax.set_ylabel(ylabel)
    p = getattr(result, "p", None)
    ax.set_title(f"n = {len(x)}" + ("" if p is None else f", p = {float(p):.3g}"))
    return figure, ax


def _phase_columns(response: Any) -> list[tuple[str, FloatArray, int]]:
    counts = dict(zip(response.phases, map(int, response.n_events), strict=True))
    curves = dict(zip(response.phases, np.asarray(response.mean), strict=True))
    both = "pre" in curves and "post" in curves
    columns = [(p, curves[p], counts[p]) for p in curves if not both or p != "task" or counts[p]]
    if both:
        columns.append(("difference", curves["post"] - curves["pre"], 0))
    return columns


def _curves(response: Any, phase: str) -> FloatArray | None:
    names = list(response.phases)
    return np.asarray(response.mean[names.index(phase)]) if phase in names else None


def _percent(values: Any) -> FloatArray:
    return np.atleast_1d(np.asarray(values, dtype=np.float64)) * 100


def _pair(result: Any) -> tuple[FloatArray, FloatArray]:
    if hasattr(result, "table"):
        first, second = result.pair
        result = result.table[first], result.table[second]
    x, y = (np.asarray(values, dtype=np.float64) for values in result)
    return x, y
