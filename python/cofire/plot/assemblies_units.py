"""Figures of which units assemblies share, and where these lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
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


@styled
def plot_intersections(
    found: Any, *, min_count: int = 10, figsize: tuple[float, float] | None = None
) -> tuple[Figure, AnyArray]:
    """UpSet figure: which assemblies share units, and how many.

    Parameters
    ----------
    found : Intersections
    min_count : int
        Combinations of fewer units are left out; if none is left, the most frequent ones are shown.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (3,) of Axes
        Counts, dots, sizes.
    """
    shown = np.flatnonzero(found.counts >= min_count)
    if not len(shown):
        shown = np.arange(min(len(found.counts), 20))
    n, k = len(shown), len(found.sizes)
    size = figsize or (float(np.clip(3.0 + 0.19 * n, 5, 16)), 2.6 + 0.2 * k)
    figure, grid = make_axes(
        2, 2, figsize=size, width_ratios=[1.0, max(2.0, 0.11 * n)],
        height_ratios=[1.5, max(1.0, 0.14 * k)],
    )  # fmt: skip
    grid[0, 0].set_axis_off()
    counts, sizes, dots = grid[0, 1], grid[1, 0], grid[1, 1]
    axes = np.array([counts, dots, sizes], dtype=object)
    if not n or not k:
        for ax in axes:
            nothing(ax, "no unit in an assembly")
        return figure, axes
    x, y = np.arange(n), np.arange(k)
    members = found.combinations[shown]
    alone = members.sum(axis=1) == 1
    color = [assembly_color(int(row.argmax())) if one else INK
             for row, one in zip(members, alone, strict=True)]  # fmt: skip
    counts.bar(x, found.counts[shown], 0.7, color=color)
    for i, count in enumerate(found.counts[shown]):
        counts.annotate(f"{count}", (i, count), (0, 2), textcoords="offset points", ha="center",
                        fontsize=6, rotation=90 if n > 30 else 0)  # fmt: skip
    counts.set_ylabel("units in exactly these")
    counts.set_xticks([])
    counts.margins(y=0.14)
    left_out = int(found.counts.sum() - found.counts[shown].sum())
    counts.set_title(
        f"{n} of {len(found.counts)} combinations\n"
        f"{left_out} units in others, {found.n_none} in no assembly"
    )
    dots.scatter(*np.meshgrid(x, y), s=16, color=FAINT, linewidths=0)
    for i, row in enumerate(members):
        inside = np.flatnonzero(row)
        dots.plot([i, i], [inside[0], inside[-1]], color=INK, linewidth=1.0, zorder=2)
        dots.scatter(np.full(len(inside), i), inside, s=20, zorder=3,
                     color=[assembly_color(int(a)) for a in inside])  # fmt: skip
    dots.set_xlim(counts.get_xlim())
    dots.set_xticks([])
    sizes.barh(y, found.sizes, 0.7, color=[assembly_color(int(a)) for a in y])
    sizes.invert_xaxis()
    sizes.set_xlabel("units")
    for ax in (dots, sizes):
        ax.set_ylim(k - 0.5, -0.5)
        ax.spines[["left", "bottom"]].set_visible(ax is sizes)
    sizes.spines["left"].set_visible(False)
    sizes.set_yticks([])
    dots.set_yticks(y, [assembly_label(int(a)) for a in y], fontsize=7)
    dots.tick_params(length=0)
    for text, a in zip(dots.get_yticklabels(), y, strict=True):
        text.set_color(assembly_color(int(a)))
    return figure, axes


@styled
def plot_assemblies_in_space(
    positions: Any,
    assemblies: Sequence[Any],
    *,
    unit: str = "px",
    ax: Axes | None = None,
    figsize: tuple[float, float] = (5.4, 4.8),
) -> tuple[Figure, Axes]:
    """All cells in recording space, each in the color of its assembly.

    A cell of several assemblies has the color of the smallest one; cells of none are gray.

    Parameters
    ----------
    positions : array_like (n_units, 2 or more)
        The first two columns are drawn.
    assemblies : sequence of array_like of int
    unit : str
        Of the positions.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    xy = _positions(positions)
    own = ax is None
    figure, ax = one_axes(ax, figsize)
    ax.scatter(xy[:, 0], xy[:, 1], s=4, color=FAINT, linewidths=0, rasterized=True)
    n_in = np.zeros(len(xy), dtype=np.int64)
    for k in sorted(range(len(assemblies)), key=lambda k: -len(assemblies[k])):
        units = np.asarray(assemblies[k], dtype=np.int64)
        ax.scatter(
            xy[units, 0], xy[units, 1], s=8, color=assembly_color(k), linewidths=0, rasterized=True
        )
        n_in[units] += 1
    handles = [
        ax.scatter([], [], s=18, color=assembly_color(k),
                   label=f"{assembly_label(k)} ({len(assemblies[k])})")
        for k in range(len(assemblies))
    ]  # fmt: skip
    if handles and own:
        figure.legend(handles=handles, loc="outside right upper", fontsize=7)
    elif handles:
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.set_xlabel(f"x ({unit})")
    ax.set_ylabel(f"y ({unit})")
    n_any, n_several = int((n_in > 0).sum()), int((n_in > 1).sum())
    ax.set_title(f"{n_any} of {len(xy)} cells in an assembly, {n_several} in several")
    return figure, ax


@styled
def plot_spatial(
    positions: Any,
    assemblies: Sequence[Any],
    *,
    tests: Any = None,
    axes: Sequence[str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Distribution of each assembly along each axis of the tissue, against all cells.

    Parameters
    ----------
    positions : array_like (n_units, d)
    assemblies : sequence of array_like of int
    tests : SpatialTests, optional
        Writes p beside each distribution, bold below .05 (not corrected).
    axes : sequence of str, optional
        Names; default those of `tests`, or x, y, z.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (d,) of Axes
    """
    points = _positions(positions)
    n_axes, k = points.shape[1], len(assemblies)
    names = list(axes or (tests.axes if tests is not None else ("x", "y", "z")[:n_axes]))
    figure, grid = make_axes(
        1, n_axes, figsize=figsize or (2.9 * n_axes + 0.4, 1.2 + 0.27 * (k + 1)), sharey=True
    )
    for i, ax in enumerate(grid[0]):
        for row, units in enumerate([np.arange(len(points)), *assemblies]):
            color = MUTED if row == 0 else assembly_color(row - 1)
            _ridge(ax, points[np.asarray(units, dtype=np.int64), i], points[:, i], row, color)
            if row and tests is not None:
                p = float(tests.p[row - 1, i])
                ax.text(1.01, row - 0.25, f"{p:.2g}", fontsize=7, va="center",
                        transform=ax.get_yaxis_transform(), color=INK if p < 0.05 else MUTED,
                        fontweight="bold" if p < 0.05 else "normal")  # fmt: skip
        ax.set_xlabel(names[i])
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_ylim(k + 0.2, -1.1)
        if tests is not None:
            ax.set_title("KS p", loc="right", fontsize=8)
    labels = ["all", *(assembly_label(a) for a in range(k))]
    grid[0, 0].set_yticks(np.arange(k + 1) - 0.25, [f"{name} ({n})" for name, n in zip(
        labels, [len(points), *(len(units) for units in assemblies)], strict=True)])  # fmt: skip
    for a, text in enumerate(grid[0, 0].get_yticklabels()):
        text.set_color(INK if a == 0 else assembly_color(a - 1))
    return figure, grid[0]


def _ridge(ax: Axes, values: FloatArray, everyone: FloatArray, y: float, color: str) -> None:
    """Histogram along an axis as a ridge at height `y`, over the bins of all cells."""
    distinct = np.unique(everyone)
    if len(distinct) <= 12 and len(distinct) > 1:  # planes
        width = float(np.diff(distinct).min())
        edges = np.append(distinct - width / 2, distinct[-1] + width / 2)
    else:
        edges = np.linspace(everyone.min(), everyone.max() + 1e-9, 31)
    share = np.histogram(values, edges)[0] / max(len(values), 1)
    reference = np.histogram(everyone, edges)[0].max() / max(len(everyone), 1)
    # Heights relative to the bins of all cells, at most a row and a half.
    height = np.minimum(0.62 * share / max(reference, 1e-12), 1.3)
    ax.stairs(y - height, edges, baseline=y, fill=True, color=color, alpha=0.65, linewidth=0)
    ax.plot(edges[[0, -1]], [y, y], color=FAINT, linewidth=0.6, zorder=0)


def _positions(positions: Any) -> FloatArray:
    xy = np.asarray(positions, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] < 1:
        raise InvalidArgumentError(f"positions must have shape (n_units, d), got {xy.shape}")
    return xy
