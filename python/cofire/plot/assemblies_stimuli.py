"""Figures of what assemblies say about a stimulus: repeats, gratings, clips, trigger frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.assemblies_function import sample_color, write_tests
from cofire.plot.structure import draw_cloud
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    assembly_color,
    assembly_label,
    make_axes,
    nothing,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def plot_oracle_scores(
    scores: Any,
    *,
    others: Mapping[str, Any] | None = None,
    comparison: Any = None,
    figsize: tuple[float, float] = (8.4, 3.2),
) -> tuple[Figure, AnyArray]:
    """Oracle score of each assembly with its trials, beside those of other traces.

    Parameters
    ----------
    scores : OracleScores
        Of assemblies.
    others : mapping of name to OracleScores, optional
        Of random ensembles, of cells.
    comparison : SampleComparison, optional
        Its tests are written below.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
    """
    figure, grid = make_axes(1, 2, figsize=figsize, width_ratios=[1.6, 1.0])
    left, right = axes = grid[0]
    n = scores.r.shape[1]
    for k in range(n):
        r = scores.r[:, k]
        spread = np.linspace(-0.22, 0.22, len(r)) if len(r) > 1 else np.zeros(1)
        left.scatter(k + spread, r, s=7, color=assembly_color(k), alpha=0.45, linewidths=0)
        if np.isfinite(scores.score[k]):
            left.plot([k - 0.34, k + 0.34], [scores.score[k]] * 2, color=assembly_color(k), lw=2.2)
    left.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    left.set_xticks(range(n), [assembly_label(k) for k in range(n)], fontsize=7)
    left.set_ylabel("r of a trial with the others")
    left.set_title(f"{len(scores.r)} trials; bars: score")
    kinds = {"assemblies": scores, **(others or {})}
    for y, (name, found) in enumerate(kinds.items()):
        r = found.r.ravel()
        draw_cloud(right, np.sort(r[np.isfinite(r)]), y, sample_color(name, y))
    ticks = [f"{name}\nn = {int(np.isfinite(f.r).sum()):,}" for name, f in kinds.items()]
    right.set_yticks(range(len(kinds)), ticks)
    right.set_ylim(len(kinds) - 0.45, -0.62)
    right.tick_params(axis="y", length=0)
    right.set_xlabel("r of a trial with the others")
    write_tests(figure, comparison)
    return figure, axes


@styled
def plot_tuning(
    tuning: Any, *, field: str | None = None, figsize: tuple[float, float] | None = None
) -> tuple[Figure, AnyArray]:
    """Tuning to drifting gratings: a curve and a polar plot for each assembly.

    Parameters
    ----------
    tuning : Tuning
    field : str, optional
        Kind of gratings in the polar plots; default the first. Curves show all kinds.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (2, K) of Axes
        Curves (mean ± SEM over trials; dotted: blank), polar plots.
    """
    from matplotlib.figure import Figure

    n = tuning.response.shape[1]
    f = 0 if field is None else tuning.fields.index(field)
    columns = max(min(n, 8), 1)
    blocks = max(-(-n // columns), 1)
    size = figsize or (1.75 * columns + 0.7, 3.4 * blocks)
    figure = Figure(figsize=size, layout="constrained")
    axes = np.empty((2, n), dtype=object)
    angles = tuning.orientations
    for k in range(n):
        block, column = divmod(k, columns)
        at = 2 * block * columns + column + 1
        curve = figure.add_subplot(2 * blocks, columns, at)
        polar: Any = figure.add_subplot(2 * blocks, columns, at + columns, projection="polar")
        axes[:, k] = curve, polar
        _curves(curve, tuning, k)
        color = assembly_color(k)
        # Closed: the first direction again at 360 degrees.
        around = np.append(np.arange(len(angles)), 0) if len(angles) else np.zeros(0, dtype=int)
        radius = tuning.mean[f, around, k]
        polar.plot(np.deg2rad(angles[around]), radius, color=color, marker="o", markersize=2)
        polar.fill(np.deg2rad(angles[around]), np.nan_to_num(radius), color=color, alpha=0.2)
        polar.set_thetagrids([0, 90, 180, 270], ["0°", "90°", "180°", "270°"], fontsize=6)
        polar.set_yticklabels([])
        polar.grid(color=FAINT, linewidth=0.6)
        polar.spines["polar"].set_color(FAINT)
        osi = tuning.orientation_selectivity[f, k]
        polar.set_title(f"OSI {osi:.2f}", fontsize=7, loc="center", fontweight="normal", pad=3)
        if column == 0:
            curve.set_ylabel("mean co-activity")
    if n:
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3, fontsize=7)
    return figure, axes


@styled
def plot_clip_confusion(
    confusion: Any,
    other: Any = None,
    *,
    labels: Any = None,
    names: tuple[str, str] = ("assemblies", "random ensembles"),
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Confusion matrices in counts and in percent of each true clip, for one or two decoders.

    Parameters
    ----------
    confusion, other : array_like (n_classes, n_classes) of int
        Test frames by true (rows) and decoded (columns) clip.
    labels : array_like (n_classes,), optional
    names : (str, str)
        Of the decoders.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (1 or 2, 2) of Axes
    """
    matrices = [np.asarray(m) for m in (confusion, other) if m is not None]
    rows = len(matrices)
    figure, grid = make_axes(rows, 2, figsize=figsize or (8.6, 3.9 * rows))
    for row, (counts, name) in enumerate(zip(matrices, names, strict=False)):
        total = counts.sum(axis=1, keepdims=True)
        percent = np.divide(100.0 * counts, total, out=np.zeros(counts.shape), where=total > 0)
        accuracy = np.trace(counts) / max(counts.sum(), 1)
        _confusion(grid[row, 0], counts, labels, f"{name}: frames (n = {counts.sum()})", figure)
        title = f"{100 * accuracy:.1f} % right, chance {100 / max(len(counts), 1):.1f} %"
        _confusion(grid[row, 1], percent, labels, title, figure, limit=100.0)
    return figure, grid


@styled
def plot_trigger_frames(
    frames: Any,
    random: Any = None,
    *,
    n: int = 5,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Mean movie frame at the peaks of each assembly and its variance; against random ensembles.

    Parameters
    ----------
    frames : TriggerFrames
        Of assemblies.
    random : TriggerFrames, optional
        Of the matched random ensembles: adds the difference and its square.
    n : int
        How many assemblies to show.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (n, 2 or 4) of Axes
    """
    shown = min(n, len(frames.mean))
    columns = 2 if random is None else 4
    if shown == 0:
        figure, grid = make_axes(1, columns, figsize=(5, 2))
        for ax in grid.ravel():
            nothing(ax, "no assembly")
        return figure, grid
    ratio = frames.mean.shape[1] / max(frames.mean.shape[2], 1)
    height = float(np.clip(2.1 * ratio + 0.25, 0.8, 3.0)) * shown + 0.5
    figure, grid = make_axes(shown, columns, figsize=figsize or (2.6 * columns, height))
    titles = ["mean frame", "variance / peaks", "minus random", "squared difference"]
    panels = [frames.mean, frames.variance]
    if random is not None:
        difference = frames.minus(random)
        panels += [difference, difference**2]
    for column, stack in enumerate(panels):
        part = stack[:shown]
        finite = part[np.isfinite(part)]
        top = float(np.abs(finite).max()) if finite.size else 1.0
        low = {0: float(finite.min()) if finite.size else 0.0, 2: -top}.get(column, 0.0)
        for row in range(shown):
            ax = grid[row, column]
            if not np.isfinite(stack[row]).any():
                nothing(ax, "no peak with\na movie frame")
                continue
            image = ax.imshow(stack[row], vmin=low, vmax=top or 1.0,
                              cmap=("gray", "viridis", "RdBu_r", "magma")[column])  # fmt: skip
            ax.set_xticks([])
            ax.set_yticks([])
            if column == 0:
                label = f"{assembly_label(row)}\n{int(frames.n_peaks[row])} peaks"
                ax.set_ylabel(label, color=assembly_color(row), rotation=0, ha="right", va="center")
            if row == 0:
                ax.set_title(titles[column])
            if row == shown - 1:
                figure.colorbar(image, ax=ax, orientation="horizontal", pad=0.04, fraction=0.08)
    return figure, grid


def _curves(ax: Axes, tuning: Any, k: int) -> None:
    styles = ["-", (0, (4, 2)), (0, (1, 1))]
    for f, field in enumerate(tuning.fields):
        color = assembly_color(k) if f == 0 else MUTED
        mean, sem = tuning.mean[f, :, k], np.nan_to_num(tuning.sem[f, :, k])
        ax.fill_between(tuning.orientations, mean - sem, mean + sem, color=color, alpha=0.25, lw=0)
        ax.plot(tuning.orientations, mean, color=color, linestyle=styles[f % 3], label=field,
                marker="o", markersize=2)  # fmt: skip
        if np.isfinite(tuning.blank[f, k]):
            ax.axhline(tuning.blank[f, k], color=color, linewidth=0.8, linestyle=(0, (1, 2)))
    ax.set_xticks([0, 90, 180, 270])
    ax.tick_params(labelsize=7)
    ax.set_xlabel("direction (°)", fontsize=7)
    ax.set_title(assembly_label(k), color=assembly_color(k))


def _confusion(
    ax: Axes, values: AnyArray, labels: Any, title: str, figure: Figure, limit: float | None = None
) -> None:
    n = len(values)
    top = float(limit or max(float(values.max(initial=0)), 1.0))
    image = ax.imshow(values, vmin=0, vmax=top, cmap="viridis")
    if n <= 15:
        shown: FloatArray = np.asarray(values, dtype=np.float64)
        for i in range(n):
            for j in range(n):
                ax.text(j, i, f"{shown[i, j]:.0f}", ha="center", va="center", fontsize=6,
                        color="white" if shown[i, j] < 0.6 * top else INK)  # fmt: skip
    ticks = range(n)
    called = [str(v) for v in (labels if labels is not None else ticks)]
    step = max(1, n // 15)
    ax.set_xticks(list(ticks)[::step], called[::step])
    ax.set_yticks(list(ticks)[::step], called[::step])
    ax.set_xlabel("decoded clip")
    ax.set_ylabel("true clip")
    ax.set_title(title)
    figure.colorbar(image, ax=ax, shrink=0.8, label="frames" if limit is None else "% of true clip")
