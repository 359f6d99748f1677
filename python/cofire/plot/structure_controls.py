"""Figures that test a finding: where cells are, tails, distance, assemblies one by one, power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.structure import CLASS_LABELS, class_color, wilson
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    assembly_color,
    make_axes,
    nothing,
    one_axes,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LAYERS = {"1": 0.0, "2/3": 100.0, "4": 270.0, "5": 400.0, "6": 550.0, "WM": 750.0}
"""Depth (µm) at which the layers of mouse V1 begin."""
_NULL = "#8a8a94"


@styled
def plot_connectivity_map(
    cells: pd.DataFrame,
    edges: pd.DataFrame | None = None,
    *,
    layers: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, Axes]:
    """Cells at their places, x against depth, and the strongest connections among them.

    Parameters
    ----------
    cells : DataFrame
        A row a cell, indexed by id: ``x`` and ``depth`` (µm), ``group`` (missing for cells that
        are drawn faint).
    edges : DataFrame, optional
        ``pre``, ``post``: ids of connected cells; others of their columns are not read.
    layers : mapping of str to float, optional
        Names of layers and the depth (µm) at which each begins; default those of mouse V1, {} for
        none.
    labels : mapping, optional
        What groups are called.
    note : str
        Above the map, for example the threshold of the edges.
    figsize : (width, height), inches, optional
        Default so that one µm is as long on both axes.

    Returns
    -------
    fig, ax : Figure, Axes
    """
    from matplotlib.collections import LineCollection

    x, depth = (cells[name].to_numpy(dtype=np.float64) for name in ("x", "depth"))
    figure, ax = one_axes(None, figsize or _map_size(x, depth))
    if not len(cells):
        nothing(ax, "no positions")
        return figure, ax
    if edges is not None and len(edges):
        import pandas as pd

        pre, post = (cells.index.get_indexer(pd.Index(edges[side])) for side in ("pre", "post"))
        there = (pre >= 0) & (post >= 0)
        ends = np.stack([x[pre], depth[pre], x[post], depth[post]], axis=1)[there]
        lines = LineCollection(
            ends.reshape(-1, 2, 2).tolist(), colors=MUTED, linewidths=0.5, alpha=0.45, zorder=1
        )
        ax.add_collection(lines)
    group = cells["group"]
    other = group.isna().to_numpy()
    ax.scatter(x[other], depth[other], s=5, color=FAINT, linewidths=0, zorder=0, rasterized=True)
    called = {**CLASS_LABELS, **(labels or {})}
    for k, name in enumerate(sorted(set(group.dropna().astype(str)))):
        here = (group.astype(str) == name).to_numpy() & ~other
        ax.scatter(
            x[here], depth[here], s=22, color=class_color(name, k), edgecolors="white",
            linewidths=0.5, zorder=3, label=f"{called.get(name, name)} (n = {int(here.sum())})",
        )  # fmt: skip
    if other.any():
        ax.scatter([], [], s=8, color=FAINT, label=f"other cells (n = {int(other.sum()):,})")
    chosen = LAYERS if layers is None else layers
    _layer_lines(ax, chosen, float(depth.min()), float(depth.max()))
    ax.set_xlabel("x (µm)")
    ax.set_ylabel("depth (µm)")
    ax.set_title(note, fontsize=8.5, fontweight="normal")
    ax.set_aspect("equal", adjustable="datalim")
    ax.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=3 if figure.get_figwidth() > 5.4 else 1)
    return figure, ax


def _map_size(x: FloatArray, depth: FloatArray) -> tuple[float, float]:
    if not len(x):
        return 4.6, 3.0
    ratio = float(np.ptp(x)) / max(float(np.ptp(depth)), 1e-9)
    height = 5.6 if ratio < 1.2 else max(7.0 / ratio, 2.4)
    return float(np.clip(height * ratio + 1.3, 4.4, 8.6)), height + 0.9


def _layer_lines(ax: Axes, layers: Mapping[str, float], low: float, high: float) -> None:
    margin = 0.04 * (high - low) + 1.0
    for name, begin in layers.items():
        if not low - margin <= begin <= high + margin:
            continue
        ax.axhline(begin, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        ax.annotate(
            f"L{name}" if name[:1].isdigit() else name, (1.0, begin),
            xycoords=("axes fraction", "data"), xytext=(3, -2), textcoords="offset points",
            ha="left", va="top", fontsize=8, color=MUTED, annotation_clip=False,
        )  # fmt: skip


@styled
def plot_tail(
    values: pd.DataFrame,
    *,
    weights: Sequence[float],
    means: Sequence[float],
    sds: Sequence[float],
    boundary: float,
    label: str,
    counts: pd.DataFrame | None = None,
    contrast: Sequence[str] = ("shared", "disjoint"),
    note: str = "",
    figsize: tuple[float, float] = (8.8, 3.4),
) -> tuple[Figure, AnyArray]:
    """Sizes of connections as a mixture of two, and which classes fill the tail of large ones.

    Parameters
    ----------
    values : DataFrame
        ``class`` and ``value`` (log10 of sizes) of every connection that the mixture was fitted to.
    weights, means, sds : sequence of 2 floats
        Of the two Gaussians.
    boundary : float
        Sizes above belong to the tail.
    label : str
        Of the sizes, with unit, for example "summed PSD (µm³)".
    counts : DataFrame, optional
        ``class``, ``n_tail``, ``n``: right panel, share of each class in the tail.
    contrast : sequence of str
        Classes drawn as outlines over the histogram of all.
    note : str
        Above the right panel, for example the test.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (1 or 2,) of Axes
    """
    n_panels = 1 if counts is None else 2
    figure, grid = make_axes(
        1, n_panels, figsize=figsize, gridspec_kw={"width_ratios": [1.7, 1.0][:n_panels]}
    )
    axes = grid[0]
    x = values["value"].to_numpy(dtype=np.float64)
    if not len(x):
        nothing(axes[0], "no connections")
        return figure, axes
    ax = axes[0]
    bins = np.linspace(x.min(), x.max(), int(np.clip(np.sqrt(len(x)) * 1.6, 12, 60)) + 1)
    ax.hist(x, bins=bins.tolist(), density=True, color=FAINT, label=f"all (n = {len(x):,})")
    for name in contrast:
        here = x[(values["class"].astype(str) == name).to_numpy()]
        if len(here):
            ax.hist(
                here, bins=bins[::2].tolist(), density=True, histtype="step", linewidth=1.4,
                color=class_color(name),
                label=f"{CLASS_LABELS.get(name, name)} (n = {len(here):,})",
            )  # fmt: skip
    grid_x = np.linspace(x.min(), x.max(), 300)
    parts = [w * _normal(grid_x, m, s) for w, m, s in zip(weights, means, sds, strict=True)]
    for part in parts:
        ax.plot(grid_x, part, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    ax.plot(grid_x, sum(parts), color=INK, linewidth=1.5, label="mixture of two Gaussians")
    if np.isfinite(boundary):
        ax.axvline(boundary, color="#7A4B9A", linewidth=1.4)
        ax.annotate(
            f"boundary\n{boundary:.3f}".replace("-", "\N{MINUS SIGN}"), (boundary, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4, -2), textcoords="offset points", color="#7A4B9A", fontsize=8, va="top",
            ha="right",
        )  # fmt: skip
    ax.set_xlabel(f"log10 {label}")
    ax.set_ylabel("density")
    low, high = ax.get_ylim()
    ax.set_ylim(low, 1.45 * high)
    ax.legend(loc="upper right", fontsize=7.2)
    if counts is not None:
        _tail_shares(axes[1], counts, note)
    return figure, axes


def _normal(x: FloatArray, mean: float, sd: float) -> FloatArray:
    value: FloatArray = np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    return value


def _tail_shares(ax: Axes, counts: pd.DataFrame, note: str) -> None:
    ticks = []
    for y, row in enumerate(counts.to_dict("records")):
        name, hits, total = str(row["class"]), int(row["n_tail"]), int(row["n"])
        ticks.append(f"{CLASS_LABELS.get(name, name)}\n{hits:,} of {total:,}")
        if total:
            share, low, high = wilson(hits, total)
            color = class_color(name, y)
            ax.plot([100 * low, 100 * high], [y, y], color=color, linewidth=2.0, alpha=0.6)
            ax.plot(100 * share, y, "o", color=color, markersize=6)
    ax.set_yticks(range(len(ticks)), ticks, fontsize=7.5)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(ticks) - 0.5, -0.5)
    ax.set_xlabel("connections in the tail (%)")
    ax.set_title(note, fontsize=8, fontweight="normal")
    ax.grid(axis="x", color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)


@styled
def plot_distance_dependence(
    curve: pd.DataFrame,
    effects: pd.DataFrame | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    figsize: tuple[float, float] = (8.8, 3.2),
) -> tuple[Figure, AnyArray]:
    """Connection probability against distance by class, and the effect of class at equal distance.

    Parameters
    ----------
    curve : DataFrame
        ``class``, ``distance`` (µm, middle of a bin), ``n_pairs``, ``n_connected``.
    effects : DataFrame, optional
        ``name``, ``odds_ratio``, ``low``, ``high``: right panel.
    labels : mapping, optional
        What classes are called.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (1 or 2,) of Axes
        Bands: 95 % intervals (Wilson).
    """
    n_panels = 1 if effects is None else 2
    figure, grid = make_axes(
        1, n_panels, figsize=figsize, gridspec_kw={"width_ratios": [1.6, 1.0][:n_panels]}
    )
    axes = grid[0]
    called = {**CLASS_LABELS, **(labels or {})}
    for k, (name, rows) in enumerate(curve.groupby("class", sort=False)):
        rows = rows[rows["n_pairs"] > 0]
        if not len(rows):
            continue
        shares = np.array(
            [
                wilson(int(h), int(n))
                for h, n in zip(rows["n_connected"], rows["n_pairs"], strict=True)
            ]
        )
        color = class_color(str(name), k)
        n = int(rows["n_pairs"].sum())
        axes[0].fill_between(
            rows["distance"], 100 * shares[:, 1], 100 * shares[:, 2], color=color, alpha=0.18,
            linewidth=0,
        )  # fmt: skip
        axes[0].plot(
            rows["distance"], 100 * shares[:, 0], "o-", color=color, markersize=4,
            label=f"{called.get(str(name), str(name))} (n = {n:,} pairs)",
        )  # fmt: skip
    axes[0].set_xlabel("distance between somata (µm)")
    axes[0].set_ylabel("pairs connected (%)")
    axes[0].set_ylim(bottom=0)
    axes[0].legend(loc="upper right")
    axes[0].grid(color=FAINT, linewidth=0.5)
    if effects is not None:
        _odds_axis(axes[1], effects)
    return figure, axes


def _odds_axis(ax: Axes, effects: pd.DataFrame) -> None:
    ax.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    for y, row in enumerate(effects.to_dict("records")):
        ax.plot([row["low"], row["high"]], [y, y], color=INK, linewidth=1.8)
        ax.plot(row["odds_ratio"], y, "o", color=INK, markersize=6)
    ax.set_xscale("log")
    _plain_log(ax)
    ax.set_yticks(range(len(effects)), [str(n) for n in effects["name"]], fontsize=8)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(effects) - 0.5, -0.5)
    ax.set_xlabel("odds ratio (95 % interval)")


def _plain_log(ax: Axes) -> None:
    """Label a logarithmic axis by plain numbers, at least two of them."""
    low, high = ax.get_xlim()
    low = max(low, high * 1e-9)
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)):
        ticks = [round(s * 10.0**d, 12) for d in decades for s in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 4:
            break
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlim(low, high)


@styled
def plot_assembly_breakdown(
    table: pd.DataFrame, *, figsize: tuple[float, float] | None = None
) -> tuple[Figure, AnyArray]:
    """Connections within each assembly against those to cells of other assemblies.

    Parameters
    ----------
    table : DataFrame
        A row an assembly, in their order: ``assembly`` (label), ``n_cells``, ``n_shared``,
        ``connected_shared``, ``n_disjoint``, ``connected_disjoint``, ``odds_ratio``, ``low``,
        ``high``.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
        Left: shares of connected pairs with 95 % intervals (Wilson); those of fewer than 20 pairs
        may leave the axis. Right: odds ratio, 95 %.
    """
    n = len(table)
    figure, grid = make_axes(1, 2, figsize=figsize or (8.8, 1.1 + 0.27 * max(n, 3)), sharey=True)
    left, right = axes = grid[0]
    right.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    ticks = []
    for y, row in enumerate(table.to_dict("records")):
        ticks.append(f"A{row['assembly']} ({int(row['n_cells'])})")
        for name, shift in (("shared", -0.14), ("disjoint", 0.14)):
            total = int(row[f"n_{name}"])
            if total:
                share, low, high = wilson(int(row[f"connected_{name}"]), total)
                color = class_color(name)
                left.plot([100 * low, 100 * high], [y + shift] * 2, color=color, linewidth=1.8,
                          alpha=0.55)  # fmt: skip
                left.plot(100 * share, y + shift, "o", color=color, markersize=4.6)
        if np.isfinite(row["odds_ratio"]) and row["odds_ratio"] > 0 and np.isfinite(row["high"]):
            right.plot([row["low"], row["high"]], [y, y], color=assembly_color(y), linewidth=1.8)
            right.plot(row["odds_ratio"], y, "o", color=assembly_color(y), markersize=5)
        else:
            right.text(1.02, y, "too few", color=MUTED, fontsize=7.5, va="center")
    left.set_yticks(range(n), ticks)
    for k, text in enumerate(left.get_yticklabels()):
        text.set_color(assembly_color(k))
        text.set_fontweight("bold")
    for ax in axes:
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color=FAINT, linewidth=0.5)
        ax.set_axisbelow(True)
    left.set_ylim(n - 0.4, -0.6)
    left.set_xlabel("pairs connected (%)")
    left.set_xlim(0, _share_limit(table))
    for name in ("shared", "disjoint"):
        left.plot([], [], "o", color=class_color(name), label=f"to {_TO[name]}")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    right.set_xscale("log")
    _plain_log(right)
    right.set_xlabel("odds ratio, within / to other assemblies (95 %)")
    return figure, axes


def _share_limit(table: pd.DataFrame) -> float:
    """Right end of the axis of shares: that of assemblies with some twenty pairs or more."""
    tops = [
        100 * wilson(int(row[f"connected_{name}"]), int(row[f"n_{name}"]))[2]
        for row in table.to_dict("records")
        for name in ("shared", "disjoint")
        if row[f"n_{name}"] >= 20
    ]
    return min(1.08 * max(tops, default=100.0), 102.0)


_TO = {"shared": "cells of the same assembly", "disjoint": "cells of other assemblies"}
