"""Figure of several detectors on one recording: agreement, scores, run times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray
from cofire.plot.style import FAINT, INK, MEMBER, MUTED, make_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def plot_detectors(
    comparison: Any, *, figsize: tuple[float, float] = (12.5, 3.8)
) -> tuple[Figure, AnyArray]:
    """BestMatch of every pair of detectors, BestMatch with the truth, and run time.

    Without a known truth the middle panel shows how many assemblies were found.

    Parameters
    ----------
    comparison : DetectorComparison
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (3,) of Axes
        Crosses and "not run" mark detectors that were not run, "none" those that found nothing.
    """
    figure, grid = make_axes(1, 3, figsize=figsize, width_ratios=[1.2, 1.0, 1.0])
    axes = grid[0]
    _agreement(axes[0], comparison)
    _scores(axes[1], comparison)
    _times(axes[2], comparison)
    return figure, axes


def _state(comparison: Any, k: int) -> str:
    found = comparison.assemblies[k]
    return "not run" if found is None else "none" if len(found) == 0 else ""


def _names(ax: Axes, names: tuple[str, ...], axis: str) -> None:
    ticks = np.arange(len(names))
    if axis == "y":
        ax.set_yticks(ticks, names)
        ax.set_ylim(len(names) - 0.5, -0.5)
    else:
        ax.set_xticks(ticks, names, rotation=45, ha="right")


def _agreement(ax: Axes, comparison: Any) -> None:
    matrix = comparison.agreement
    n = len(matrix)
    ax.set_facecolor(FAINT)
    image = ax.imshow(matrix, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    for i in range(n):
        for j in range(n):
            value = matrix[i, j]
            text = f"{value:.2f}" if np.isfinite(value) else "×"
            ax.text(j, i, text, ha="center", va="center", fontsize=7,
                    color="white" if np.isfinite(value) and value < 0.6 else INK)  # fmt: skip
    _names(ax, comparison.detectors, "y")
    _names(ax, comparison.detectors, "x")
    ax.figure.colorbar(image, ax=ax, label="BestMatch")
    ax.set_title(f"agreement of {n} detectors (×: none)")


def _scores(ax: Axes, comparison: Any) -> None:
    known = bool(comparison.truth)
    values = comparison.score if known else comparison.n_assemblies
    at = np.arange(len(values))
    ax.barh(at, np.nan_to_num(values), color=MEMBER, height=0.62)
    end = max(1.0, float(np.nan_to_num(values).max(initial=0)))
    for k, value in enumerate(values):
        found = comparison.assemblies[k]
        number = "" if not found else f"{len(found)}" if known else ""
        label = _state(comparison, k) or f"{value:.2f} ({number})" if known else ""
        label = label or _state(comparison, k) or f"{int(value)}"
        ax.text(float(np.nan_to_num(value)) + 0.02 * end, k, label, va="center", fontsize=8)
    if known:
        chance = comparison.chance
        ax.plot(chance, at, "|", color=INK, markersize=11, markeredgewidth=1.5)
        ax.set_title(f"(found), {len(comparison.truth)} planted; line: chance")
        ax.set_xlabel("BestMatch with the truth")
        ax.set_xlim(0, 1.35)
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    else:
        ax.set_title(f"{comparison.n_units} units, {comparison.n_frames} frames")
        ax.set_xlabel("assemblies found")
        ax.set_xlim(0, 1.2 * end)
    _names(ax, comparison.detectors, "y")


def _times(ax: Axes, comparison: Any) -> None:
    seconds = comparison.seconds
    ran = np.isfinite(seconds)
    at = np.arange(len(seconds))
    low = 0.5 * float(seconds[ran].min()) if ran.any() else 0.01
    ax.barh(at[ran], seconds[ran] - low, left=low, color=MUTED, height=0.62)
    ax.set_xscale("log")
    ax.set_xlim(low, 8 * float(seconds[ran].max()) if ran.any() else 1.0)
    for k in range(len(seconds)):
        text = f"{seconds[k]:.3g} s" if ran[k] else "not run"
        ax.text(seconds[k] * 1.1 if ran[k] else low * 1.1, k, text, va="center", fontsize=8)
    _names(ax, comparison.detectors, "y")
    ax.set_xlabel("run time (s)")
    ax.set_title(f"{comparison.n_units} units x {comparison.n_frames} frames")
