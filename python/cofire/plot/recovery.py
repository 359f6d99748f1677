"""Did training find the values that made the data?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, IntArray
from cofire.plot.style import FAINT, INK, MUTED, make_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FOUND = "#0072B2"
_LOSS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LOWEST = 1e-6
_PAD = 14.0


@styled
def plot_parameter_recovery(
    result: Any, *, figsize: tuple[float, float] | None = None
) -> tuple[Figure, AnyArray]:
    """Start and recovered value of each pathway, its sensitivity, and the loss of training.

    Parameters
    ----------
    result : ParameterRecovery
        Of :func:`cofire.studies.larval_olfaction.recover_parameters`.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (3,) of Axes
    """
    order = np.argsort(result.sensitivity, kind="stable")
    size = figsize or (10.4, 1.7 + 0.2 * max(len(order), 7))
    figure, grid = make_axes(1, 3, figsize=size, gridspec_kw={"width_ratios": [2.5, 1.5, 1.9]})
    values, sensitivity, loss = grid[0]
    sensitivity.sharey(values)
    _draw_values(values, result, order)
    _draw_sensitivity(sensitivity, result, order)
    _draw_loss(loss, result)
    return figure, grid[0]


def _draw_values(ax: Axes, result: Any, order: IntArray) -> None:
    """A row a pathway: value relative to the true one, before and after."""
    ax.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
    n_starts = len(result.start)
    offsets = np.linspace(-0.22, 0.22, n_starts) if n_starts > 1 else np.zeros(1)
    limit = 1.25 * float(np.exp(np.abs(np.log(result.start / result.true)).max()))
    for row, k in enumerate(order):
        color = _FOUND if result.identifiable[k] else MUTED
        for y, before, after in zip(
            row + offsets, result.start[:, k], result.recovered[:, k], strict=True
        ):
            first, last = before / result.true[k], after / result.true[k]
            shown = float(np.clip(last, 1 / limit, limit))
            marker = "o" if shown == last else (">" if last > 1 else "<")
            ax.plot([first, shown], [y, y], color=FAINT, linewidth=0.8, zorder=1)
            ax.plot(first, y, "o", markersize=3.4, mfc="white", mec=color, mew=0.8, zorder=2)
            ax.plot(shown, y, marker, markersize=3.8, mfc=color, mec=color, zorder=3, clip_on=False)
    ax.set_xscale("log")
    ax.set_xlim(1 / limit, limit)
    _ticks(ax, limit)
    ax.set_yticks(range(len(order)), [result.pathways[k] for k in order])
    for text, k in zip(ax.get_yticklabels(), order, strict=True):
        text.set_color(INK if result.identifiable[k] else MUTED)
    ax.set_ylim(-0.7, len(order) - 0.3)
    ax.set_xlabel(f"value / true value\nopen: start, filled: recovered (n = {n_starts} starts)")
    n_gray = int((~result.identifiable).sum())
    ax.set_title(
        f"recovery ({n_gray} in gray: not identifiable)" if n_gray else "recovery", pad=_PAD
    )


def _ticks(ax: Axes, limit: float) -> None:
    from matplotlib.ticker import FixedLocator, NullFormatter

    chosen = [x for x in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0) if 1 / limit <= x <= limit]
    ax.xaxis.set_major_locator(FixedLocator(chosen))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xticklabels([f"{x:g}" for x in chosen])


def _draw_sensitivity(ax: Axes, result: Any, order: IntArray) -> None:
    """Growth of the error by a change of each value, and what the best fit leaves."""
    heights = np.maximum(result.sensitivity[order], 0.0)
    colors = [_FOUND if result.identifiable[k] else MUTED for k in order]
    ax.barh(range(len(order)), heights, color=colors, height=0.62, linewidth=0)
    left = max(float(result.held_out.min() - result.held_out_true), 0.0)
    ax.axvline(left, color=INK, linewidth=0.9)
    ax.text(left, len(order) - 0.5, " best fit", color=INK, fontsize=8, va="bottom", ha="left")
    ax.set_xscale("symlog", linthresh=1e-4, linscale=0.6)
    ax.set_xlim(0.0, 1.0)
    ax.set_xticks([0.0, 1e-4, 1e-2, 1.0], ["0", "$10^{-4}$", "$10^{-2}$", "1"])
    ax.minorticks_off()
    ax.tick_params(labelleft=False, left=False)
    ax.set_xlabel("growth of held-out error\nwhen a value changes by 1.5")
    ax.set_title("sensitivity", pad=_PAD)


def _draw_loss(ax: Axes, result: Any) -> None:
    for i, history in enumerate(result.loss):
        color = _LOSS[i % len(_LOSS)]
        n = len(history)
        ax.plot(np.arange(n), np.maximum(history, _LOWEST), color=color, label=f"start {i + 1}")
        ax.plot(n, max(result.held_out[i], _LOWEST), "s", color=color, markersize=4, clip_on=False)
    if result.held_out_true > 0:
        truth = result.held_out_true
        ax.axhline(truth, color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)))
        ax.text(0.0, 0.97 * truth, "true values", color=MUTED, fontsize=8, va="top")
        ax.set_ylim(bottom=0.6 * truth)
    ax.set_yscale("log")
    ax.set_xlabel(f"update\nn = {result.n_train} samples; squares: {result.n_held_out} held out")
    ax.set_ylabel("relative error of filtered spikes")
    ax.set_title("training", pad=_PAD)
    ax.legend(loc="upper right")
