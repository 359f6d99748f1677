"""Figures of learned parameters: where they began, where they ended, and their bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.olfaction import STAGE_COLORS, spread
from cofire.plot.style import FAINT, INK, MUTED, make_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEARNED = "#0072B2"
_KINDS = (
    ("log_strength", "strength (A)", 1.0, True),
    ("logit_U", "release probability U", 1.0, False),
    ("log_tau_rec", "recovery (ms)", 1e3, True),
)
_WORDS = {"excit": "exc.", "nonad": "non-AD", "aa": "AA", "ad": "AD"}
_SINGLES = (
    ("antennal_lobe.orn_neurons.log_tau_m", "ORN τ (ms)", 1e3),
    ("antennal_lobe.ln_neurons.log_tau_m", "LN τ (ms)", 1e3),
    ("antennal_lobe.pn_neurons.log_tau_m", "PN τ (ms)", 1e3),
    ("kc_layer.apl.log_tau_apl", "APL τ (ms)", 1e3),
    ("kc_layer.kc_neurons.log_g_soma", "KC coupling (nS)", 1e9),
)
_POPULATION_COLORS = {
    "orn": STAGE_COLORS["OR"],
    "ln": "#CC79A7",
    "pn": STAGE_COLORS["PN"],
    "kc": STAGE_COLORS["KC"],
}


@styled
def plot_learned_parameters(
    learned: Any, *, figsize: tuple[float, float] = (10.4, 4.6)
) -> tuple[Figure, AnyArray]:
    """Strength, release probability and recovery of every pathway, and the cells' constants.

    Parameters
    ----------
    learned : LearnedParameters
        ``.names`` (published), ``.values`` (n_models, n), ``.initial``, ``.low``, ``.high`` (n,),
        SI.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (4,) of Axes
        Grey bars: from the lower to the upper bound; diamonds: before training; points: models.
    """
    names = list(learned.names)
    pathways = [n.removesuffix(".log_strength") for n in names if n.endswith(".log_strength")]
    figure, grid = make_axes(
        1, 4, figsize=figsize, gridspec_kw={"width_ratios": [1, 0.8, 0.8, 0.9]}
    )
    axes = grid[0]
    for ax, (kind, label, scale, logarithmic) in zip(axes, _KINDS, strict=False):
        for y, pathway in enumerate(pathways):
            _row(ax, y, learned, names.index(f"{pathway}.{kind}"), scale)
        if logarithmic:
            ax.set_xscale("log")
        ax.set_xlabel(label)
        ax.set_yticks(range(len(pathways)), [])
        ax.set_ylim(len(pathways) - 0.4, -0.6)
    axes[0].set_yticklabels([pathway_title(p) for p in pathways])
    axes[0].set_title(f"n = {len(learned.seeds)}; bars: bounds; diamonds: start")
    for y, (name, _, scale) in enumerate(_SINGLES):
        _row(axes[3], y, learned, names.index(name), scale)
    axes[3].set_yticks(range(len(_SINGLES)), [label for _, label, _ in _SINGLES])
    axes[3].set_ylim(len(_SINGLES) - 0.4, -0.6)
    axes[3].set_xlabel("value")
    axes[3].set_xlim(0, None)
    for ax in axes:
        ax.tick_params(axis="y", length=0)
    return figure, axes


def _row(ax: Axes, y: int, learned: Any, column: int, scale: float) -> None:
    low, high = scale * learned.low[column], scale * learned.high[column]
    ax.plot([low, high], [y, y], color=FAINT, linewidth=4, solid_capstyle="butt", zorder=1)
    start = learned.initial[column] * scale
    # Some start below their lower bound and move up to it at the first step.
    ax.plot(np.clip(start, low, high), y, "D", mfc="white", mec=MUTED, markersize=5, zorder=2)
    values: FloatArray = scale * np.asarray(learned.values)[:, column]
    ax.plot(values, y + spread(len(values), 0.4), "o", color=_LEARNED, markersize=3, zorder=3)


@styled
def plot_thresholds(
    learned: Any,
    *,
    populations: Sequence[str] = ("orn", "ln", "pn", "kc"),
    figsize: tuple[float, float] = (9.6, 2.7),
) -> tuple[Figure, AnyArray]:
    """Distribution of the learned spike thresholds of each population between their bounds.

    Parameters
    ----------
    learned : LearnedParameters
        ``.thresholds``: population to ndarray (n_models, n), V; ``.threshold_bounds`` (2,), V.
    populations : sequence of str
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (n_populations,) of Axes
        Neurons of all models; dashed: the bounds.
    """
    low, high = (1e3 * float(v) for v in learned.threshold_bounds)
    edges = np.linspace(low, high, 51)
    figure, grid = make_axes(1, len(populations), figsize=figsize, sharex=True)
    axes = grid[0]
    for ax, name in zip(axes, populations, strict=True):
        values = 1e3 * np.asarray(learned.thresholds[name], dtype=np.float64)
        weights = np.full(values.size, 100 / values.size)
        ax.hist(
            values.ravel().clip(low, high), edges, weights=weights, color=_POPULATION_COLORS[name]
        )
        for bound in (low, high):
            ax.axvline(bound, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
        at_low, at_high = (values <= low + 0.5).mean(), (values >= high - 0.5).mean()
        ax.set_title(f"{name.upper()}: {values.shape[1]} x {values.shape[0]}", color=INK)
        ax.text(0.1, 0.97, f"{at_low:.0%}", transform=ax.transAxes, va="top", fontsize=8)
        ax.text(
            0.9, 0.97, f"{at_high:.0%}", transform=ax.transAxes, va="top", ha="right", fontsize=8
        )
        ax.margins(y=0.15)
        ax.set_xlabel("threshold (mV)")
    axes[0].set_ylabel("neurons (%)")
    return figure, axes


def pathway_title(name: str) -> str:
    """Title of a pathway from its published name: ``antennal_lobe.ln_pn_excit`` is LN→PN exc."""
    pre, post, *rest = name.rsplit(".", 1)[-1].split("_")
    words = [_WORDS.get(word, word) for word in rest]
    return " ".join([f"{pre.upper()}→{post.upper()}", *words])
