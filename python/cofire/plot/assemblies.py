"""Figures of assemblies themselves: weights, members, activation, correlations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.errors import InvalidArgumentError
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    PHASE_COLORS,
    assembly_color,
    assembly_label,
    group_runs,
    heat,
    label_assemblies,
    make_axes,
    nothing,
    one_axes,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def plot_assemblies(
    patterns: Any,
    members: Any = None,
    *,
    groups: Any = None,
    unit_ids: Any = None,
    prefix: str = "A",
    plot_members: bool = True,
    member_color: str | Sequence[str] | None = None,
    marker_color: str = MUTED,
    central_line_color: str = MUTED,
    line_width: float = 1.1,
    markersize: float = 3.2,
    x_padding: float = 0.1,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Weights of each assembly as horizontal stems, one panel an assembly, members in color.

    Parameters
    ----------
    patterns : array_like (K, n_units), or an object with ``patterns_`` or ``patterns``
        Weights.
    members : array_like (K, n_units) of bool, optional
        Drawn over in color; default: ``patterns.members`` if there, else Otsu's threshold.
    groups : array_like (n_units,), optional
        Labels (regions); units are sorted by them and lines separate the groups.
    unit_ids : array_like (n_units,), optional
        Labels of the unit axis.
    prefix : str
        Of the labels: A1, A2, ...
    plot_members : bool
        Whether to mark the members.
    member_color : str or list of str, optional
        One color or one per assembly; default the color of the assembly.
    marker_color, central_line_color : str
        Color of the other units and of the zero line.
    line_width, markersize : float, points
    x_padding : float
        Added to the largest weight on both sides of the weight axis.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (K,) of Axes

    Raises
    ------
    InvalidArgumentError
        No pattern, or `members`, `groups` of another shape.
    """
    weights = _patterns_of(patterns)
    n, n_units = weights.shape
    if n == 0:
        raise InvalidArgumentError("patterns holds no assembly: there is nothing to plot")
    mask = _members_of(patterns, weights, members)
    order, runs = _group_order(groups, n_units)
    weights, mask = weights[:, order], mask[:, order]
    size = figsize or (min(2.4 + 0.62 * n, 12.0), float(np.clip(1.4 + 0.055 * n_units, 3.2, 7.0)))
    figure, grid = make_axes(1, n, figsize=size, sharex=True, sharey=True)
    axes = grid[0]
    rows = np.arange(n_units)
    limit = float(np.abs(weights).max()) + x_padding
    for k, ax in enumerate(axes):
        color = _member_color(member_color, k)
        shown = mask[k] if plot_members else np.zeros(n_units, dtype=bool)
        ax.axvline(0.0, color=central_line_color, linewidth=0.7, zorder=0)
        for rows_of, paint, width in ((~shown, marker_color, 0.6), (shown, color, line_width)):
            ax.hlines(rows[rows_of], 0.0, weights[k, rows_of], color=paint, linewidth=width)
            ax.plot(
                weights[k, rows_of],
                rows[rows_of],
                "o",
                color=paint,
                markersize=markersize if paint == color else markersize * 0.6,
                markeredgewidth=0,
            )
        for _, _, stop in runs[:-1]:
            ax.axhline(stop - 0.5, color=INK, linewidth=0.8)
        label = f"{prefix}{k + 1}"
        title = f"{label}\n{int(mask[k].sum())}" if plot_members else label
        ax.set_title(title, color=color if plot_members else INK, loc="center", fontsize=8.5)
        ax.set_xlim(-limit, limit)
        ax.spines["left"].set_visible(k == 0)
        ax.tick_params(axis="y", length=3 if k == 0 else 0)
        ax.tick_params(axis="x", labelsize=7)
        if n > 8:
            ax.set_xticks([0.0, 0.5] if limit > 0.5 else [0.0], ["0", ".5"][: 1 + (limit > 0.5)])
    axes[0].set_ylim(n_units - 0.5, -0.5)
    _unit_axis(axes[0], n_units, runs, None if unit_ids is None else np.asarray(unit_ids)[order])
    note = "; under the labels: members" if plot_members and n > 2 else ""
    figure.supxlabel(f"weight (unit norm{note})", fontsize=9)
    return figure, axes


@styled
def plot_activation_heatmap(
    activation: Any,
    times: Any = None,
    *,
    epochs: Mapping[str, Any] | None = None,
    n_columns: int = 400,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Mean activation of each assembly along the session, with the epochs above.

    Parameters
    ----------
    activation : Traces (n_bins, K), or array_like (n_bins, K) with `times`
    times : array_like (n_bins,), s, optional
    epochs : mapping of name to intervals, optional
        Drawn as bars over the map (pre, task, post have their colors).
    n_columns : int
        Time is averaged into this many columns.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
        Epoch bars, heat map.
    """
    values = np.asarray(getattr(activation, "values", activation), dtype=np.float64)
    t = np.ravel(np.asarray(activation.times if times is None else times, dtype=np.float64))
    n = values.shape[1]
    size = figsize or (7.6, float(np.clip(1.5 + 0.19 * n, 2.2, 5.5)))
    figure, grid = make_axes(
        2, 1, figsize=size, sharex=True, gridspec_kw={"height_ratios": [0.3, max(2.0, 0.19 * n)]}
    )
    top, main = grid[:, 0]
    if not values.size:
        top.set_axis_off()
        nothing(main, "no assembly, no activation")
        return figure, grid[:, 0]
    unit, scale = _time_unit(t[-1] - t[0])
    edges = np.linspace(t[0], t[-1], n_columns + 1)
    means = _column_means(values, t, edges)
    high = float(np.nanpercentile(means, 99.5)) if np.isfinite(means).any() else 1.0
    extent = (edges[0] / scale, edges[-1] / scale, n - 0.5, -0.5)
    image = heat(main, means.T, extent, limit=high, vmin=0.0, cmap="magma")
    label_assemblies(main, n)
    main.set_xlabel(f"time ({unit})")
    bar = figure.colorbar(image, ax=main, pad=0.015, aspect=18)
    bar.set_label(f"mean activation (z²)\nin columns of {(edges[1] - edges[0]):.3g} s", fontsize=8)
    _epoch_bars(top, epochs or {}, scale)
    return figure, grid[:, 0]


@styled
def plot_correlation_matrix(
    matrix: Any,
    *,
    groups: Any = None,
    mask_within: bool = False,
    unit_ids: Any = None,
    title: str = "",
    ax: Axes | None = None,
    figsize: tuple[float, float] = (4.6, 3.9),
) -> tuple[Figure, Axes]:
    """Correlation matrix of the units, sorted by group; within-group blocks may be masked.

    Parameters
    ----------
    matrix : array_like (n_units, n_units)
    groups : array_like (n_units,), optional
        Labels; units are sorted by them and lines separate the groups.
    mask_within : bool
        Leave the blocks within a group empty, as cross-structural detection does.
    unit_ids : array_like (n_units,), optional
    title : str
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    values = np.array(matrix, dtype=np.float64)
    n_units = len(values)
    order, runs = _group_order(groups, n_units)
    values = values[np.ix_(order, order)]
    figure, ax = one_axes(ax, figsize)
    if n_units < 2:
        nothing(ax, "fewer than two units: no pair")
        return figure, ax
    np.fill_diagonal(values, np.nan)
    if mask_within:
        for _, first, stop in runs:
            values[first:stop, first:stop] = np.nan
    finite = np.abs(values[np.isfinite(values)])
    limit = float(np.percentile(finite, 99)) if finite.size else 1.0
    ax.set_facecolor("#efeff2")
    image = heat(
        ax, values, (-0.5, n_units - 0.5, n_units - 0.5, -0.5), symmetric=True, limit=limit
    )
    ax.set_aspect("equal")
    for _, _, stop in runs[:-1]:
        ax.axhline(stop - 0.5, color=INK, linewidth=0.8)
        ax.axvline(stop - 0.5, color=INK, linewidth=0.8)
    _unit_axis(ax, n_units, runs, None if unit_ids is None else np.asarray(unit_ids)[order])
    if len(runs) > 1:
        middles = [(first + stop - 1) / 2 for _, first, stop in runs]
        ax.set_xticks(middles, [label for label, _, _ in runs])
    else:
        ax.set_xlabel(f"unit (n = {n_units})")
    ax.set_title(title or ("between groups only" if mask_within else "all pairs"))
    bar = figure.colorbar(image, ax=ax, pad=0.02, aspect=22, extend="both")
    bar.set_label("Pearson r of counts", fontsize=8)
    return figure, ax


@styled
def plot_activation_raster(
    strongest: Any,
    *,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Spikes and activation around the strongest activation of assemblies, a column each.

    Parameters
    ----------
    strongest : object
        ``.assembly`` (n,) int, ``.time`` (n,) s, ``.lags`` (L,) s, ``.activation`` (n, L, K),
        ``.spike_event`` ``.spike_unit`` ``.spike_lag`` (n_spikes,), ``.members`` (K, n_units):
        what :func:`cofire.studies.reactivation.strongest_activations` returns.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (2, n) of Axes
        Activation above, spikes below (one row a unit, members of the assembly in color on top).
    """
    n = len(strongest.assembly)
    members = np.asarray(strongest.members, dtype=bool)
    n_units = members.shape[1]
    size = figsize or (min(1.4 + 1.7 * max(n, 1), 12.0), 4.4)
    figure, axes = make_axes(
        2,
        max(n, 1),
        figsize=size,
        sharex=True,
        sharey="row",
        gridspec_kw={"height_ratios": [1, 2.3]},
    )
    if n == 0:
        for ax in axes[:, 0]:
            nothing(ax, "no assembly, no activation")
        return figure, axes
    for column in range(n):
        k = int(strongest.assembly[column])
        color = assembly_color(k)
        top, bottom = axes[:, column]
        top.plot(strongest.lags, strongest.activation[column], color=FAINT, linewidth=0.7)
        top.plot(strongest.lags, strongest.activation[column, :, k], color=color)
        top.set_title(f"{assembly_label(k)}, {strongest.time[column]:.1f} s", color=color)
        order = np.argsort(~members[k], kind="stable")
        row_of = np.empty(n_units, dtype=np.int64)
        row_of[order] = np.arange(n_units)
        here = strongest.spike_event == column
        unit, lag = strongest.spike_unit[here], strongest.spike_lag[here]
        inside = members[k][unit]
        for chosen, paint, width in ((~inside, MUTED, 0.7), (inside, color, 1.3)):
            rows = row_of[unit[chosen]]
            bottom.vlines(lag[chosen], rows - 0.42, rows + 0.42, color=paint, linewidth=width)
        bottom.axhline(members[k].sum() - 0.5, color=INK, linewidth=0.6, linestyle=(0, (2, 2)))
        bottom.set_ylim(n_units - 0.5, -0.5)
        bottom.set_xlim(float(strongest.lags[0]), float(strongest.lags[-1]))
    axes[0, 0].set_ylabel("activation (z²)")
    axes[1, 0].set_ylabel(f"unit (n = {n_units}), members on top")
    figure.supxlabel("time from the peak (s)", fontsize=9)
    return figure, axes


@styled
def plot_members_by_group(
    table: pd.DataFrame, *, ax: Axes | None = None, figsize: tuple[float, float] | None = None
) -> tuple[Figure, Axes]:
    """Members of each assembly per group as stacked bars.

    Parameters
    ----------
    table : DataFrame (K, n_groups)
        As :func:`cofire.assemblies.members_by_group` returns: a row an assembly, a column a group.
    ax : Axes, optional
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, ax : Figure, Axes
    """
    counts = table.drop(columns=["n_members", "n_groups"], errors="ignore")
    counts = counts.select_dtypes("number")
    figure, ax = one_axes(ax, figsize or (min(2.4 + 0.35 * len(counts), 9.0), 2.9))
    palette = ("#3B6FB6", "#E0A030", "#4C9F70", "#B0508E", "#7F7F7F")
    x = np.arange(len(counts))
    bottom = np.zeros(len(counts))
    for i, name in enumerate(counts.columns):
        height = counts[name].to_numpy(dtype=np.float64)
        ax.bar(x, height, 0.72, bottom=bottom, color=palette[i % len(palette)], label=str(name))
        for k in np.flatnonzero(height > 0):
            middle = bottom[k] + height[k] / 2
            ax.text(
                float(k), middle, f"{height[k]:g}", ha="center", va="center", color="w", fontsize=7
            )
        bottom += height
    label_assemblies(ax, len(counts), "x")
    ax.set_ylabel("members (units)")
    ax.set_ylim(0, max(1.0, bottom.max(initial=0.0)) * 1.05)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure, ax


def _column_means(values: FloatArray, times: FloatArray, edges: FloatArray) -> FloatArray:
    column = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, len(edges) - 2)
    bounds = np.searchsorted(column, np.arange(len(edges)))
    filled = np.diff(bounds) > 0
    means = np.full((len(edges) - 1, values.shape[1]), np.nan)
    sums = np.add.reduceat(values, bounds[:-1][filled], axis=0)
    means[filled] = sums / np.diff(bounds)[filled][:, None]
    return means


def _epoch_bars(ax: Axes, epochs: Mapping[str, Any], scale: float) -> None:
    ax.set_axis_off()
    ax.set_ylim(0, 1)
    for name, intervals in epochs.items():
        data = np.asarray(getattr(intervals, "data", intervals), dtype=np.float64) / scale
        color = PHASE_COLORS.get(name, MUTED)
        for start, stop in data:
            ax.axvspan(start, stop, 0.0, 0.38, color=color, linewidth=0)
        if len(data):
            middle = (data[0, 0] + data[-1, 1]) / 2
            ax.text(middle, 0.5, name, ha="center", va="bottom", color=color, fontweight="bold")


def _group_order(groups: Any, n_units: int) -> tuple[AnyArray, list[tuple[str, int, int]]]:
    if groups is None:
        return np.arange(n_units), [("", 0, n_units)]
    labels = np.asarray(groups).astype(str)
    if labels.shape != (n_units,):
        raise InvalidArgumentError(
            f"groups must have one label per unit ({n_units}), got shape {labels.shape}"
        )
    order = np.argsort(labels, kind="stable")
    return order, group_runs(labels[order])


def _unit_axis(
    ax: Axes, n_units: int, runs: list[tuple[str, int, int]], unit_ids: AnyArray | None
) -> None:
    if len(runs) > 1:
        middles = [(first + stop - 1) / 2 for _, first, stop in runs]
        ax.set_yticks(middles, [f"{label}\n({b - a})" for label, a, b in runs])
        ax.set_ylabel(f"unit (n = {n_units})")
    elif unit_ids is not None and n_units <= 30:
        ax.set_yticks(range(n_units), [str(u) for u in unit_ids])
        ax.set_ylabel("unit id")
    else:
        ax.set_ylabel(f"unit (n = {n_units})")


def _patterns_of(patterns: Any) -> FloatArray:
    found = getattr(patterns, "patterns_", getattr(patterns, "patterns", patterns))
    weights = np.asarray(found if found is not None else np.zeros((0, 0)), dtype=np.float64)
    if weights.ndim != 2:
        raise InvalidArgumentError(
            f"patterns must have shape (assemblies, units), got {weights.shape}"
        )
    return weights


def _members_of(source: Any, weights: FloatArray, members: Any) -> AnyArray:
    if members is None:
        members = getattr(source, "members", None)
    if members is None:
        from cofire.assemblies import find_members

        members = find_members(weights)
    mask = np.asarray(members, dtype=bool)
    if mask.shape != weights.shape:
        raise InvalidArgumentError(
            f"members must have the shape of patterns {weights.shape}, got {mask.shape}"
        )
    return mask


def _member_color(colors: str | Sequence[str] | None, k: int) -> str:
    if colors is None:
        return assembly_color(k)
    return colors if isinstance(colors, str) else colors[k % len(colors)]


def _time_unit(span: float) -> tuple[str, float]:
    if span > 2 * 3600:
        return "h", 3600.0
    return ("min", 60.0) if span > 180 else ("s", 1.0)
