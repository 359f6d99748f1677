"""Figures of what assemblies of a calcium recording are: traces, correlations, overlap, place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import InvalidArgumentError
from cofire.plot.structure import draw_cloud
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    assembly_color,
    assembly_label,
    make_axes,
    one_axes,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAMPLE_COLORS = {
    "assemblies": "#332288",
    "random": "#8a8a94",
    "all cells": "#2b2b33",
    "assembly cells": "#0F8B8D",
    "no-assembly cells": "#DDAA33",
}
"""Colors of kinds of traces, the same in every figure."""
_SPARE = ("#882255", "#5AA9E6", "#999933", "#AA4499")
_MAX_PIXELS = 1400
_MAX_PAIRS = 4000


@styled
def plot_example_traces(
    dff: Any,
    raster: Any,
    *,
    rate: float | None = None,
    window: tuple[float, float] | None = None,
    n_cells: int = 20,
    figsize: tuple[float, float] = (9.0, 5.6),
) -> tuple[Figure, AnyArray]:
    """dF/F of the most active cells, one above the other, over the raster of all cells.

    Parameters
    ----------
    dff : array_like (n_frames, n_units)
    raster : array_like (n_frames, n_units) bool
    rate : float, Hz, optional
        Frame rate: the time axis is then in seconds.
    window : (start, stop), optional
        Part to show, in the units of the time axis.
    n_cells : int
        Cells with the most active frames.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
    """
    values, active = np.asarray(getattr(dff, "values", dff)), np.asarray(raster, dtype=bool)
    if values.shape != active.shape or values.ndim != 2:
        raise InvalidArgumentError(
            f"dff and raster must have the same shape (frames, units), got {values.shape} and "
            f"{active.shape}"
        )
    step = 1.0 / rate if rate else 1.0
    times = np.arange(len(values)) * step
    start, stop = window or (0.0, len(values) * step)
    shown = (times >= start) & (times < stop)
    figure, grid = make_axes(2, 1, figsize=figsize, sharex=True, height_ratios=[1.5, 1.0])
    top, bottom = axes = grid[:, 0]
    cells = np.argsort(-active.sum(axis=0), kind="stable")[:n_cells]
    traces = values[shown][:, cells].astype(np.float64)
    height = float(np.nanpercentile(np.ptp(traces, axis=0), 75)) if traces.size else 1.0
    height = 0.5 * height or 1.0
    for i in range(len(cells)):
        top.plot(times[shown], traces[:, i] / height - i, color=INK, linewidth=0.6)
    top.set_ylim(-len(cells) + 0.2, 1.6)
    top.plot([stop, stop], [0, 1.0], color="#D55E00", linewidth=2.5, clip_on=False)
    top.annotate(f"{height:.2g} dF/F", (stop, 0.5), (4, 0), textcoords="offset points",
                 color="#D55E00", fontsize=8, va="center")  # fmt: skip
    top.set_yticks([])
    top.spines["left"].set_visible(False)
    top.set_title(f"the {len(cells)} most active cells")
    where, unit = np.nonzero(active[shown])
    size = float(np.clip(900 / max(values.shape[1], 1), 0.3, 5))
    bottom.scatter(times[shown][where], unit, s=size, color=INK, marker="s", linewidths=0,
                   rasterized=True)  # fmt: skip
    bottom.set_ylim(values.shape[1] - 0.5, -0.5)
    bottom.set_xlim(start, stop)
    bottom.set_ylabel(f"cell (n = {values.shape[1]})")
    bottom.set_xlabel("time (s)" if rate else "frame")
    bottom.set_title(f"{100 * active[shown].mean() if shown.any() else 0:.1f} % active")
    return figure, axes


@styled
def plot_scree(
    eigenvalues: Any, *, n: int | None = None, figsize: tuple[float, float] = (7.0, 2.9)
) -> tuple[Figure, AnyArray]:
    """Eigenvalues of a correlation matrix, on a linear and on logarithmic axes.

    Parameters
    ----------
    eigenvalues : array_like (n_units,), or CorrelationStructure
    n : int, optional
        How many the linear axis shows; default 50.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
    """
    values = np.asarray(getattr(eigenvalues, "eigenvalues", eigenvalues), dtype=np.float64)
    figure, grid = make_axes(1, 2, figsize=figsize)
    left, right = axes = grid[0]
    rank = np.arange(1, len(values) + 1)
    shown = min(n or 50, len(values))
    left.plot(rank[:shown], values[:shown], color=INK, marker="o", markersize=3)
    left.set_ylim(0, None)
    left.set_title(f"first {shown} of {len(values)}")
    positive = values > 1e-9 * max(float(values.max(initial=0.0)), 1e-300)
    right.plot(rank[positive], values[positive], color=INK)
    right.axhline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    right.annotate("one cell's variance", (0.98, 1.0), (0, 3), textcoords="offset points",
                   xycoords=("axes fraction", "data"), fontsize=8, color=MUTED,
                   ha="right")  # fmt: skip
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_title(f"sum {values.sum():.0f}")
    for ax in axes:
        ax.set_xlabel("rank")
    left.set_ylabel("eigenvalue")
    return figure, axes


@styled
def plot_ordered_correlations(
    structure: Any,
    *,
    limits: tuple[float, float] = (-0.1, 0.6),
    ax: Axes | None = None,
    figsize: tuple[float, float] = (4.8, 4.2),
) -> tuple[Figure, Axes]:
    """Correlation matrix of cells in the order of their embedding, the diagonal left at 0.

    Parameters
    ----------
    structure : CorrelationStructure
    limits : (low, high)
        Of the colors.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    figure, ax = one_axes(ax, figsize)
    matrix = structure.ordered
    n = len(matrix)
    # More cells than pixels: means of blocks, so that no line of the matrix is skipped.
    factor = -(-n // _MAX_PIXELS)
    if factor > 1:
        edges = np.arange(0, n, factor)
        sums = np.add.reduceat(np.add.reduceat(matrix, edges, axis=0), edges, axis=1)
        sizes = np.diff(np.append(edges, n))
        matrix = sums / np.outer(sizes, sizes)
    image = ax.imshow(matrix, vmin=limits[0], vmax=limits[1], cmap="magma", rasterized=True,
                      extent=(-0.5, n - 0.5, n - 0.5, -0.5))  # fmt: skip
    names = {"isomap": "Isomap order", "peak": "order of peaks", "given": "given order"}
    ax.set_xlabel(f"cell, {names[structure.by]}")
    ax.set_ylabel(f"cell (n = {n})")
    ax.set_title(f"{structure.n_frames} frames")
    figure.colorbar(image, ax=ax, label="correlation r", shrink=0.8)
    return figure, ax


@styled
def plot_correlation_distance(
    coordinates: Any,
    correlation: Any,
    assemblies: Sequence[Any],
    *,
    n_columns: int = 5,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Correlation of two cells against their distance in an embedding, assembly by assembly.

    The first panel shows pairs of all cells, the others pairs within each assembly, with the line
    that the joint AIC fits.

    Parameters
    ----------
    coordinates : array_like (n_units, n_dimensions)
        For example of Isomap.
    correlation : array_like (n_units, n_units)
    assemblies : sequence of array_like of int
    n_columns : int
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (1 + K,) of Axes
    """
    points, r = np.asarray(coordinates, dtype=np.float64), np.asarray(correlation)
    sets = [np.arange(len(points)), *(np.asarray(units, dtype=np.int64) for units in assemblies)]
    columns = min(n_columns, len(sets))
    rows = -(-len(sets) // columns)
    figure, grid = make_axes(
        rows, columns, figsize=figsize or (1.9 * columns + 0.4, 1.75 * rows + 0.4),
        sharex=True, sharey=True,
    )  # fmt: skip
    axes = grid.ravel()
    for k, (ax, units) in enumerate(zip(axes, sets, strict=False)):
        color = MUTED if k == 0 else assembly_color(k - 1)
        x, y = _some_pairs(points, r, units)
        ax.scatter(x, y, s=2, color=color, alpha=0.35, linewidths=0, rasterized=True)
        if len(x) > 2 and np.ptp(x) > 0:
            slope, height = np.polyfit(x, y, 1)
            ends = np.array([x.min(), x.max()])
            ax.plot(ends, height + slope * ends, color=INK, linewidth=1.2)
        name = "all cells" if k == 0 else assembly_label(k - 1)
        ax.set_title(f"{name} (n = {len(units)})", color=color if k else INK, fontsize=8)
    _outer(grid, len(sets), "Isomap distance", "correlation r")
    return figure, axes[: len(sets)]


@styled
def plot_samples(
    values: Mapping[str, Any],
    *,
    label: str,
    comparison: Any = None,
    connect: tuple[str, str] | None = None,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, Axes]:
    """Rainclouds of named samples: density, quartiles, points.

    Parameters
    ----------
    values : mapping of name to array_like
        NaN are left out.
    label : str
        Of the values, with their unit.
    comparison : SampleComparison, optional
        Its tests are written below the figure.
    connect : (str, str), optional
        Two samples of the same assemblies: lines join their values.
    ax : Axes, optional
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, ax : Figure, Axes
    """
    names = list(values)
    notes = [] if comparison is None else comparison_notes(comparison)
    height = 0.9 + 0.72 * max(len(names), 1) + 0.16 * len(notes)
    figure, ax = one_axes(ax, figsize or (6.4, height))
    samples = {}
    for y, name in enumerate(names):
        flat = np.asarray(values[name], dtype=np.float64).ravel()
        samples[name] = np.sort(flat[np.isfinite(flat)])
        draw_cloud(ax, samples[name], y, sample_color(name, y))
    if connect is not None:
        rows = [names.index(name) for name in connect]
        pairs = np.column_stack([np.asarray(values[name], dtype=float) for name in connect])
        for k, pair in enumerate(pairs):
            ax.plot(pair, rows, color=assembly_color(k), linewidth=0.9, alpha=0.7, marker="o",
                    markersize=3.5, zorder=6)  # fmt: skip
    ax.set_yticks(range(len(names)), [f"{name}\nn = {len(samples[name]):,}" for name in names])
    for y, text in enumerate(ax.get_yticklabels()):
        text.set_color(sample_color(names[y], y))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.45, -0.62)
    ax.margins(x=0.03)
    ax.set_xlabel("\n".join([label, *notes]) if notes else label)
    return figure, ax


@styled
def plot_gini(
    assemblies: Any,
    random: Any = None,
    *,
    comparison: Any = None,
    figsize: tuple[float, float] = (7.2, 3.0),
) -> tuple[Figure, AnyArray]:
    """Sparsity of each assembly and of the random ensemble of its size.

    Parameters
    ----------
    assemblies, random : array_like (K,)
        Gini coefficients of co-activity traces, matched by position.
    comparison : SampleComparison, optional
        Of the two.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
    """
    first = np.asarray(assemblies, dtype=np.float64)
    samples = {"assemblies": first}
    if random is not None:
        samples["random"] = np.asarray(random, dtype=np.float64)
    figure, grid = make_axes(1, 2, figsize=figsize, width_ratios=[1.5, 1.0])
    left, right = axes = grid[0]
    k = np.arange(len(first))
    left.scatter(k, first, s=30, color=[assembly_color(int(a)) for a in k], zorder=3)
    if random is not None:
        left.scatter(k, samples["random"], s=22, facecolors="white", edgecolors=MUTED, zorder=2,
                     label="random, same size")  # fmt: skip
        left.vlines(k, samples["random"], first, color=FAINT, linewidth=1.2, zorder=1)
        left.legend(loc="upper left")
    left.set_xticks(k, [assembly_label(int(a)) for a in k], fontsize=7)
    left.margins(y=0.18)
    left.set_ylabel("Gini coefficient")
    left.set_title(f"{len(first)} assemblies")
    for y, (name, sample) in enumerate(samples.items()):
        draw_cloud(right, np.sort(sample[np.isfinite(sample)]), y, sample_color(name, y))
    right.set_yticks(range(len(samples)), list(samples))
    right.set_ylim(len(samples) - 0.45, -0.62)
    right.tick_params(axis="y", length=0)
    right.set_xlabel("Gini coefficient")
    write_tests(figure, comparison)
    return figure, axes


def sample_color(name: str, k: int = 0) -> str:
    """Color of a kind of traces; of others by their position."""
    return SAMPLE_COLORS.get(name, _SPARE[k % len(_SPARE)])


def write_tests(figure: Figure, comparison: Any) -> None:
    """Write the tests of a comparison below a figure."""
    if comparison is not None:
        figure.supxlabel("\n".join(comparison_notes(comparison)), fontsize=8, x=0.99, ha="right")


def comparison_notes(comparison: Any) -> list[str]:
    """One line for each test of a comparison; none without."""
    if comparison is None:
        return []
    return [
        f"{a} vs {b}: z = {test.z:.2f}, p = {p:.2g}"
        + (" (BH)" if len(comparison.pairs) > 1 else "")
        for (a, b), test, p in zip(
            comparison.pairs, comparison.tests, comparison.p_adjusted, strict=True
        )
    ]


def _some_pairs(points: FloatArray, r: AnyArray, units: IntArray) -> tuple[FloatArray, FloatArray]:
    """Distances and correlations of all pairs of units, or of some thousand spread evenly."""
    n = len(units)
    total = n * (n - 1) // 2
    if total == 0:
        return np.zeros(0), np.zeros(0)
    if total <= _MAX_PAIRS:
        i, j = np.triu_indices(n, 1)
    else:
        rng = np.random.default_rng(0)
        i, j = rng.integers(0, n, (2, _MAX_PAIRS))
        i, j = i[i != j], j[i != j]
    first, second = units[i], units[j]
    distance: FloatArray = np.linalg.norm(points[first] - points[second], axis=1)
    return distance, r[first, second].astype(np.float64)


def _outer(grid: AnyArray, n: int, x: str, y: str) -> None:
    """Label the outer axes of a grid, and switch off those beyond the n-th."""
    columns = grid.shape[1]
    for k, ax in enumerate(grid.ravel()):
        if k >= n:
            ax.set_axis_off()
            continue
        if k % columns == 0:
            ax.set_ylabel(y)
        if k + columns >= n:
            ax.set_xlabel(x)
            ax.tick_params(labelbottom=True)
