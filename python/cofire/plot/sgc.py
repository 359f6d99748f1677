"""Figures of similarity-graph clustering: co-activity, number of groups, graph, assemblies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import InvalidArgumentError
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    assembly_color,
    assembly_label,
    make_axes,
    nothing,
    one_axes,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACCENT = "#D55E00"
_MAX_TRACE_POINTS = 2000


@styled
def plot_coactivity(
    model: Any,
    *,
    rate: float | None = None,
    window: tuple[float, float] | None = None,
    order: Any = None,
    figsize: tuple[float, float] = (9.0, 4.6),
) -> tuple[Figure, AnyArray]:
    """Raster of active units above their number, with the threshold and the significant peaks.

    Parameters
    ----------
    model : SGC
        Fitted.
    rate : float, Hz, optional
        Frame rate: the time axis is then in seconds.
    window : (start, stop), optional
        Part to show, in the units of the time axis; default everything.
    order : array_like (n_units,) of int, optional
        Rows of the raster from the top; default: units of the first assembly, of the second, ...,
        of none.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
    """
    raster, coactivity = model.raster_, model.coactivity_
    n_frames, n_units = raster.shape
    step = 1.0 / rate if rate else 1.0
    times = model.frames_ * step
    start, stop = window or (0.0, float(times[-1]) + step if n_frames else 1.0)
    shown = (times >= start) & (times < stop)
    figure, grid = make_axes(2, 1, figsize=figsize, sharex=True, height_ratios=[2.2, 1.0])
    top, bottom = axes = grid[:, 0]
    rows = _unit_order(model) if order is None else np.asarray(order)
    # Frames that were dropped stay white.
    where, unit = np.nonzero(raster[shown][:, rows])
    first = _first_assembly(model, n_units)[rows]
    color = [assembly_color(int(k)) if k >= 0 else MUTED for k in first]
    size = float(np.clip(4000 / max(n_units, 1) / 4, 0.4, 6))
    top.scatter(
        times[shown][where],
        unit,
        s=size,
        c=np.array(color, dtype=object)[unit] if len(unit) else None,
        marker="s",
        linewidths=0,
        rasterized=True,
    )
    top.set_ylim(n_units - 0.5, -0.5)
    top.set_ylabel(f"unit (n = {n_units})")
    top.set_title(f"{int(raster.sum())} active entries; color: first assembly of the unit")
    bottom.plot(times[shown], coactivity[shown], color=MUTED, linewidth=0.7)
    if np.isfinite(model.threshold_):
        bottom.axhline(model.threshold_, color=_ACCENT, linewidth=1.0, linestyle=(0, (4, 2)))
        bottom.annotate(
            f"threshold {model.threshold_:g}",
            (1.0, model.threshold_),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            color=_ACCENT,
            fontsize=8,
            va="center",
        )
    peak = np.searchsorted(model.frames_, model.peaks_)
    peak_times = times[peak]
    inside = (peak_times >= start) & (peak_times < stop)
    label = getattr(model, "labels_", np.zeros(len(peak), dtype=np.int64))
    bottom.scatter(
        peak_times[inside],
        coactivity[peak][inside],
        s=9,
        c=[assembly_color(int(k) - 1) if k else INK for k in label[inside]] or None,
        zorder=3,
        linewidths=0,
    )
    bottom.set_ylim(0, max(1.0, float(coactivity[shown].max(initial=0))) * 1.1)
    bottom.set_xlim(start, stop)
    bottom.set_ylabel("active units")
    bottom.set_xlabel("time (s)" if rate else "frame")
    bottom.set_title(f"{int(inside.sum())} significant peaks; color: assembly, black: none")
    return figure, axes


@styled
def plot_k_posterior(
    model: Any, *, figsize: tuple[float, float] = (9.0, 2.8)
) -> tuple[Figure, AnyArray]:
    """Probability of each number of groups, and the chains behind it.

    Left: the posterior, its mode in color. Middle and right: number of groups and log-posterior
    after each sweep of every chain; what lies before equilibrium is faint.

    Parameters
    ----------
    model : SGC
        Fitted.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (3,) of Axes
    """
    figure, grid = make_axes(1, 3, figsize=figsize, width_ratios=[1.0, 1.25, 1.25])
    axes = grid[0]
    if model.chains_ is None:
        for ax in axes:
            nothing(ax, f"{len(model.peaks_)} patterns:\nnothing was clustered")
        return figure, axes
    left, middle, right = axes
    posterior = model.k_posterior_
    shown = np.flatnonzero(posterior > 5e-4)
    k = np.arange(max(int(shown[0]) - 1, 1), int(shown[-1]) + 2)
    heights = np.append(posterior, 0.0)[np.minimum(k, len(posterior))]
    best = model.n_groups_
    left.bar(k, heights, 0.8, color=[_ACCENT if n == best else MUTED for n in k])
    left.set_xlabel("number of groups k")
    left.set_ylabel("posterior probability")
    left.set_title(f"k* = {best}, P = {posterior[best]:.2f}")
    left.xaxis.get_major_locator().set_params(integer=True)
    chains = model.chains_
    for c in range(chains.n_chains):
        _chain(middle, chains.k_trace[c], int(model.equilibrium_[c]), c)
        _chain(right, chains.energy_trace[c], int(model.equilibrium_[c]), c)
    middle.set_yscale("log")
    middle.yaxis.set_major_formatter("{x:g}")
    middle.minorticks_off()
    middle.set_ylabel("groups k")
    right.set_ylabel("log-posterior E")
    settled = np.concatenate([row[-(len(row) // 2 + 1) :] for row in chains.energy_trace])
    spread = max(float(np.ptp(settled)), 1.0)
    right.set_ylim(settled.min() - 1.2 * spread, settled.max() + 0.4 * spread)
    for ax in (middle, right):
        ax.set_xscale("log")
        ax.set_xlabel("sweep")
    middle.set_title(f"{chains.n_chains} chains of {chains.n_steps} sweeps")
    right.set_title("faint: before equilibrium")
    return figure, axes


@styled
def plot_similarity_graph(
    model: Any, *, ax: Axes | None = None, figsize: tuple[float, float] = (4.6, 4.4)
) -> tuple[Figure, Axes]:
    """Patterns as nodes, joined where they are alike, in the color of their assembly.

    Nodes lie at the second and third eigenvector of the normalized Laplacian, spread by rank so
    that dense groups stay legible.

    Parameters
    ----------
    model : SGC
        Fitted.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    figure, ax = one_axes(ax, figsize)
    if model.graph_ is None:
        nothing(ax, f"{len(model.peaks_)} patterns: no graph")
        return figure, ax
    from matplotlib.collections import LineCollection

    position = _layout(model.graph_.adjacency)
    first, second = model.graph_.adjacency.nonzero()
    once = first < second
    lines = np.stack([position[first[once]], position[second[once]]], axis=1)
    ax.add_collection(
        LineCollection(list(lines), colors=MUTED, linewidths=0.3, alpha=0.35, rasterized=True)
    )
    labels = model.labels_
    for k in range(int(labels.max(initial=0)) + 1):
        here = labels == k
        if not here.any():
            continue
        ax.scatter(
            position[here, 0],
            position[here, 1],
            s=16,
            color=FAINT if k == 0 else assembly_color(k - 1),
            edgecolors="white",
            linewidths=0.4,
            zorder=3,
        )
        if k:
            x, y = np.median(position[here], axis=0)
            ax.annotate(
                assembly_label(k - 1),
                (x, y),
                color=assembly_color(k - 1),
                fontweight="bold",
                fontsize=10,
                ha="center",
                va="center",
                zorder=4,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.85, "lw": 0},
            )
    ax.set_axis_off()
    ax.set_title(
        f"{len(labels)} patterns, {model.graph_.n_edges} edges; gray: {int((labels == 0).sum())} "
        "in no assembly"
    )
    ax.autoscale_view()
    return figure, ax


@styled
def plot_sgc_patterns(
    model: Any, *, figsize: tuple[float, float] | None = None
) -> tuple[Figure, Axes]:
    """How often each unit is active in the patterns of each assembly, members framed.

    Parameters
    ----------
    model : SGC
        Fitted; units are ordered by their first assembly.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, ax : Figure, Axes
    """
    assemblies = model.assemblies_
    n_units = model.raster_.shape[1]
    figure, ax = one_axes(
        None, figsize or (8.0, float(np.clip(1.6 + 0.28 * len(assemblies), 2, 8)))
    )
    if not assemblies:
        nothing(ax, f"{len(model.peaks_)} patterns, no assembly")
        return figure, ax
    share = np.array(
        [model.patterns_[model.labels_ == k + 1].mean(axis=0) for k in range(len(assemblies))]
    )
    order = _unit_order(model)
    image = ax.imshow(share[:, order], aspect="auto", cmap="Greys", vmin=0, vmax=1, rasterized=True)
    column = np.empty(n_units, dtype=np.int64)
    column[order] = np.arange(n_units)
    for k, units in enumerate(assemblies):
        where = column[units]
        ax.hlines(
            np.full(len(where), k + 0.42), where - 0.5, where + 0.5,
            color=assembly_color(k), linewidth=2.4,
        )  # fmt: skip
    n_patterns = [int((model.labels_ == k + 1).sum()) for k in range(len(assemblies))]
    ax.set_yticks(
        range(len(assemblies)),
        [
            f"{assembly_label(k)}  {len(units)} units, {n} patterns"
            for k, (units, n) in enumerate(zip(assemblies, n_patterns, strict=True))
        ],
    )
    for k, text in enumerate(ax.get_yticklabels()):
        text.set_color(assembly_color(k))
    ax.set_xlabel(f"unit, by first assembly (n = {n_units}); color: members")
    ax.tick_params(length=0)
    figure.colorbar(image, ax=ax, label="share of patterns", shrink=0.9, pad=0.01)
    ax.set_title(f"{len(assemblies)} assemblies, affinity {model.affinity:g}")
    return figure, ax


@styled
def plot_assembly_map(
    positions: Any,
    assemblies: Sequence[Any],
    *,
    others: Sequence[Any] | None = None,
    unit: str = "",
    n_columns: int | None = None,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Where the units of each assembly lie, one panel an assembly.

    Parameters
    ----------
    positions : array_like (n_units, 2 or more)
        The first two columns are drawn.
    assemblies : sequence of array_like of int
        Units of each assembly.
    others : sequence of array_like of int, optional
        A second set (found against planted): the one most like each assembly is drawn as rings.
    unit : str
        Of the positions, for the axes.
    n_columns : int, optional
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (K,) of Axes
    """
    xy = np.asarray(positions, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] < 2:
        raise InvalidArgumentError(f"positions must have shape (n_units, 2), got {xy.shape}")
    n = len(assemblies)
    if n == 0:
        figure, ax = one_axes(None, figsize or (3.0, 3.0))
        nothing(ax, "no assembly")
        return figure, np.array([ax])
    columns = n_columns or min(n, 5)
    rows = -(-n // columns)
    figure, grid = make_axes(
        rows, columns, figsize=figsize or (2.0 * columns, 2.15 * rows), sharex=True, sharey=True
    )
    axes = grid.ravel()
    size = float(np.clip(2500 / max(len(xy), 1), 0.5, 14))
    for k, ax in enumerate(axes):
        if k >= n:
            ax.set_axis_off()
            continue
        units = np.asarray(assemblies[k], dtype=np.int64)
        ax.scatter(xy[:, 0], xy[:, 1], s=size * 0.5, color=FAINT, linewidths=0, rasterized=True)
        ax.scatter(*xy[units, :2].T, s=size * 1.6, color=assembly_color(k), linewidths=0)
        title = f"{assembly_label(k)}: {len(units)} units"
        if others is not None and len(others):
            match, overlap = _most_alike(units, others)
            ax.scatter(
                *xy[np.asarray(others[match], dtype=np.int64), :2].T,
                s=size * 2.6, facecolors="none", edgecolors=INK, linewidths=0.7,
            )  # fmt: skip
            title += f"\nrings: {match + 1}, overlap {overlap:.2f}"
        ax.set_title(title, color=assembly_color(k), fontsize=8)
        ax.set_aspect("equal")
    _outer_labels(grid, n, f" ({unit})" if unit else "")
    return figure, axes[:n]


@styled
def plot_affinity(
    search: Any, *, ax: Axes | None = None, figsize: tuple[float, float] = (4.4, 3.0)
) -> tuple[Figure, Axes]:
    """Joint AIC of each affinity, with the number of assemblies beside each.

    Parameters
    ----------
    search : AffinitySearch
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    figure, ax = one_axes(ax, figsize)
    ax.plot(search.affinities, search.aic, color=MUTED, marker="o", markersize=4)
    k = int(np.argmin(search.aic))
    ax.plot(search.affinities[k], search.aic[k], "o", color=_ACCENT, markersize=7)
    for x, y, n in zip(search.affinities, search.aic, search.n_assemblies, strict=True):
        ax.annotate(f"{n}", (x, y), (0, 6), textcoords="offset points", ha="center", fontsize=8)
    ax.axhline(search.whole_aic, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    ax.annotate(
        "all pairs together",
        (0.02, search.whole_aic),
        (0, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=8,
    )
    ax.margins(y=0.18)
    ax.set_xlabel("affinity")
    ax.set_ylabel("joint AIC (lower is better)")
    ax.set_title(f"best affinity {search.best:g}; numbers: assemblies")
    return figure, ax


def _first_assembly(model: Any, n_units: int) -> IntArray:
    first = np.full(n_units, -1, dtype=np.int64)
    for k, units in reversed(list(enumerate(getattr(model, "assemblies_", [])))):
        first[units] = k
    return first


def _unit_order(model: Any) -> IntArray:
    """Units of the first assembly, of the second, ..., of none; the most active first."""
    first = _first_assembly(model, model.raster_.shape[1])
    active = model.raster_.sum(axis=0)
    last = np.where(first < 0, np.iinfo(np.int64).max, first)
    order: IntArray = np.lexsort((-active, last)).astype(np.int64)
    return order


def _chain(ax: Axes, trace: AnyArray, first: int, c: int) -> None:
    """A trace against log time, thinned to what can be seen."""
    n = len(trace)
    at = np.unique(np.geomspace(1, n, _MAX_TRACE_POINTS).astype(np.int64)) - 1
    color = assembly_color(c)
    for part, alpha in ((at <= first, 0.3), (at >= first, 1.0)):
        ax.plot(at[part] + 1, trace[at[part]], color=color, alpha=alpha, linewidth=0.8)


def _layout(adjacency: Any) -> FloatArray:
    from scipy.stats import rankdata

    a = np.asarray(adjacency.todense(), dtype=np.float64)
    scale = 1.0 / np.sqrt(np.maximum(a.sum(axis=1), 1.0))
    _, vectors = np.linalg.eigh(np.eye(len(a)) - scale[:, None] * a * scale)
    picked = scale[:, None] * vectors[:, 1:3]
    if picked.shape[1] < 2:
        picked = np.column_stack([picked, np.zeros(len(a))])
    rank = np.column_stack([rankdata(column) for column in picked.T]) / len(a)
    spread = np.ptp(picked, axis=0)
    scaled = (picked - picked.min(axis=0)) / np.where(spread > 0, spread, 1.0)
    layout: FloatArray = 0.5 * (rank + scaled)
    return layout


def _most_alike(units: IntArray, others: Sequence[Any]) -> tuple[int, float]:
    overlaps = []
    for other in others:
        common = len(np.intersect1d(units, other))
        overlaps.append(common / max(len(units) + len(other) - common, 1))
    best = int(np.argmax(overlaps))
    return best, float(overlaps[best])


def _outer_labels(grid: AnyArray, n: int, unit: str) -> None:
    for row in grid:
        row[0].set_ylabel(f"y{unit}")
    for k, ax in enumerate(grid.ravel()):
        if k < n and k + grid.shape[1] >= n:
            ax.set_xlabel(f"x{unit}")
            ax.tick_params(labelbottom=True)
