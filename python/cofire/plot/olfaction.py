"""Figures of odor responses: how alike they are, how well they are told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    heat,
    make_axes,
    nothing,
    one_axes,
    styled,
    t_interval,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STAGE_COLORS = {"OR": "#B8860B", "PN": "#0072B2", "KC": "#009E73"}
"""Colors of the stages of the pathway: receptors, projection neurons, Kenyon cells."""

_STEPS = {"AL": ("al", "#0072B2"), "MB": ("mb", "#009E73"), "total": ("total", MUTED)}


@styled
def plot_odor_similarity(
    decorrelation: Any,
    *,
    odors: Sequence[str] | None = None,
    figsize: tuple[float, float] = (10.6, 3.0),
) -> tuple[Figure, AnyArray]:
    """Cosine of every two odors at receptors, PNs and KCs, and the decorrelation between stages.

    Parameters
    ----------
    decorrelation : Decorrelation, or mapping or sequence of them
        One a model: ``.cos_or``, ``.cos_pn``, ``.cos_kc`` (n, n), ``.al``, ``.mb``, ``.total`` (%).
        Matrices are averaged over models.
    odors : sequence of str, optional
        Names of the rows.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (4,) of Axes
        Three matrices with the same range of colors; bars: mean over models, points: models.
    """
    models = as_models(decorrelation)
    stages = ("OR", "PN", "KC")
    means = [np.mean([getattr(m, f"cos_{s.lower()}") for m in models], axis=0) for s in stages]
    low = min(0.0, *(float(np.nanmin(matrix)) for matrix in means))
    figure, grid = make_axes(1, 4, figsize=figsize, gridspec_kw={"width_ratios": [1, 1, 1, 0.62]})
    axes = grid[0]
    for ax, stage, matrix in zip(axes, stages, means, strict=False):
        n = len(matrix)
        image = heat(ax, matrix, (-0.5, n - 0.5, n - 0.5, -0.5), limit=1.0, vmin=low)
        ax.set_aspect("equal")
        off = matrix[~np.eye(n, dtype=bool)]
        ax.set_title(f"{stage}: mean cosine {off.mean():.2f}", color=STAGE_COLORS[stage])
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel(f"odor (n = {n})")
    if odors is None:
        axes[0].set_ylabel("odor")
    else:
        _label_odors(axes[0], odors, "y")
    bar = figure.colorbar(image, ax=list(axes[:3]), shrink=0.76, aspect=22, pad=0.012)
    bar.set_label("cosine of mean patterns")
    _decorrelation_bars(axes[3], models)
    return figure, axes


def _decorrelation_bars(ax: Axes, models: Sequence[Any]) -> None:
    for x, (field, color) in enumerate(_STEPS.values()):
        values = np.array([getattr(m, field) for m in models])
        ax.bar(x, values.mean(), 0.62, color=color, alpha=0.55)
        if len(values) > 1:
            ax.plot(x + spread(len(values)), values, "o", color=color, markersize=3.5)
        top = max(float(values.max()), 0.0)
        ax.annotate(
            f"{values.mean():.1f}",
            (x, top),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    ax.axhline(0.0, color=INK, linewidth=0.8)
    ax.margins(y=0.12)
    ax.set_xticks(range(3), ["AL\nOR→PN", "MB\nPN→KC", "total\nOR→KC"])
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel("decorrelation (%)")
    ax.set_title(_n_models(models))
    ax.set_box_aspect(1.6)


@styled
def plot_concentration(
    series: Any, *, figsize: tuple[float, float] = (10.2, 3.1)
) -> tuple[Figure, AnyArray]:
    """Activity and identification of odors over concentration.

    Parameters
    ----------
    series : ConcentrationSeries, or mapping or sequence of them
        One a model, with the same concentrations.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (3,) of Axes
        Activity relative to the lowest concentration; accuracy; similarity of KC patterns. Lines:
        mean over models, band: 95 % t-interval over models.
    """
    models = as_models(series)
    levels = np.asarray(models[0].concentration)
    figure, grid = make_axes(1, 3, figsize=figsize)
    axes = grid[0]
    for stage, color in STAGE_COLORS.items():
        activity = _stack(models, f"{stage.lower()}_activity")
        relative = activity / activity[:, :1]
        _band(axes[0], levels, relative, color, f"{stage} (range {relative[:, -1].mean():.2f})")
    axes[0].set_ylabel(f"activity / activity at {levels[0]:g}")
    axes[0].set_title(f"activity, {_n_models(models)}")
    for field, label, color in (
        ("decoder_accuracy", "decoder", "#7A4B9A"),
        ("centroid_accuracy", "KC centroid at 1", STAGE_COLORS["KC"]),
    ):
        _band(axes[1], levels, 100 * _stack(models, field), color, label)
    axes[1].set_ylabel("odors named correctly (%)")
    axes[1].set_ylim(0, None)
    axes[1].set_title("identification")
    _band(axes[2], levels, _stack(models, "kc_similarity"), STAGE_COLORS["KC"], "KC")
    axes[2].set_ylabel("cosine with KC pattern at 1")
    axes[2].set_ylim(min(0.5, axes[2].get_ylim()[0]), 1.02)
    axes[2].set_title("similarity of KC patterns")
    for ax in axes:
        ax.set_xscale("log")
        ax.set_xticks(levels, [f"{c:g}" for c in levels])
        ax.minorticks_off()
        ax.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)
        ax.set_xlabel("concentration (panel = 1)")
    axes[0].legend(loc="upper left")
    axes[1].legend(loc="lower right")
    return figure, axes


@styled
def plot_kc_heat(
    evaluation: Any,
    *,
    odors: Sequence[str] | None = None,
    figsize: tuple[float, float] = (9.4, 5.2),
) -> tuple[Figure, AnyArray]:
    """Spike counts of KCs for each odor, both sorted by their mean count.

    Parameters
    ----------
    evaluation : Evaluation or ndarray (n_odors, n_kc)
        ``.kc_patterns`` and ``.odors``, or mean counts.
    odors : sequence of str, optional
        Names of the rows of an array.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2, 2) of Axes
        The map; above it the share of odors that each KC answers, beside it the share of KCs that
        each odor drives (mean count above 0.5).
    """
    from matplotlib.colors import PowerNorm

    counts = np.asarray(getattr(evaluation, "kc_patterns", evaluation), dtype=np.float64)
    names = odors if odors is not None else getattr(evaluation, "odors", None)
    rows, columns = (np.argsort(-counts.mean(axis=a), kind="stable") for a in (1, 0))
    shown = counts[np.ix_(rows, columns)]
    n_odors, n_cells = shown.shape
    figure, axes = make_axes(
        2,
        2,
        figsize=figsize,
        gridspec_kw={"width_ratios": [1, 0.13], "height_ratios": [0.16, 1]},
    )
    axes[0, 1].set_axis_off()
    image = heat(axes[1, 0], shown, (-0.5, n_cells - 0.5, n_odors - 0.5, -0.5))
    image.set_norm(PowerNorm(0.5, 0.0, max(float(shown.max()), 1.0)))
    if names is not None:
        _label_odors(axes[1, 0], [names[i] for i in rows], "y")
    axes[1, 0].set_xlabel(f"Kenyon cell (n = {n_cells}), by mean count")
    bar = figure.colorbar(image, ax=axes[1, 1], fraction=0.32, pad=0.12)
    bar.set_label("mean spikes per trial")
    answers = shown > 0.5
    green = STAGE_COLORS["KC"]
    axes[0, 0].bar(range(n_cells), 100 * answers.mean(axis=0), 1.0, color=green, alpha=0.7)
    axes[0, 0].set_ylabel("odors (%)")
    axes[0, 0].set_xlim(-0.5, n_cells - 0.5)
    axes[0, 0].set_xticks([])
    axes[0, 0].set_title("odors that a cell answers with a spike in every second trial or more")
    share = 100 * answers.mean(axis=1)
    axes[1, 1].barh(range(n_odors), share, 0.8, color=green, alpha=0.7)
    axes[1, 1].set_ylim(n_odors - 0.5, -0.5)
    axes[1, 1].set_yticks([])
    axes[1, 1].set_xlabel("cells (%)")
    return figure, axes


@styled
def plot_confusion(
    evaluation: Any,
    *,
    odors: Sequence[str] | None = None,
    ax: Axes | None = None,
    figsize: tuple[float, float] = (7.4, 6.4),
) -> tuple[Figure, Axes]:
    """Which odor the decoder names for each odor, a row sums to 100 %.

    Parameters
    ----------
    evaluation : Evaluation or ndarray (n_odors, n_odors)
        ``.confusion`` (rows: presented odor, columns: named odor) and ``.odors``, or counts.
    odors : sequence of str, optional
        Names for counts.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    counts = np.asarray(getattr(evaluation, "confusion", evaluation), dtype=np.float64)
    names = odors if odors is not None else getattr(evaluation, "odors", None)
    n, total = len(counts), int(counts.sum())
    rows = counts.sum(axis=1, keepdims=True)
    share = np.divide(100 * counts, rows, out=np.zeros_like(counts), where=rows > 0)
    figure, ax = one_axes(ax, figsize)
    extent = (-0.5, n - 0.5, n - 0.5, -0.5)
    image = heat(ax, share, extent, limit=100.0, cmap="magma_r")
    ax.set_aspect("equal")
    for spine in ("top", "right"):
        ax.spines[spine].set_visible(True)
    if names is not None:
        _label_odors(ax, names, "x")
        _label_odors(ax, names, "y")
    ax.set_xlabel("named odor")
    ax.set_ylabel("presented odor")
    accuracy = 100 * np.trace(counts) / max(total, 1)
    ax.set_title(f"{accuracy:.1f} % of {total:,} samples correct (chance {100 / n:.1f} %)")
    bar = figure.colorbar(image, ax=ax, shrink=0.7, aspect=28, pad=0.02)
    bar.set_label("share of the odor's samples (%)")
    return figure, ax


@styled
def plot_trial_consistency(
    evaluation: Any,
    *,
    odors: Sequence[str] | None = None,
    ax: Axes | None = None,
    figsize: tuple[float, float] = (5.6, 5.0),
) -> tuple[Figure, Axes]:
    """How alike KC patterns of one model are from trial to trial of the same odor.

    Parameters
    ----------
    evaluation : Evaluation or ndarray (n_odors,)
        ``.consistency`` and ``.odors``, or mean cosines over pairs of trials.
    odors : sequence of str, optional
        Names for cosines.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
        Odors from the most to the least consistent; dashed: their mean.
    """
    values: FloatArray = np.asarray(getattr(evaluation, "consistency", evaluation), dtype=float)
    names = odors if odors is not None else getattr(evaluation, "odors", None)
    order = np.argsort(-values, kind="stable")
    figure, ax = one_axes(ax, figsize)
    if not len(values):
        nothing(ax, "no odor")
        return figure, ax
    ax.hlines(range(len(values)), 0, values[order], color=FAINT, linewidth=2.2)
    ax.plot(values[order], range(len(values)), "o", color=STAGE_COLORS["KC"], markersize=5)
    mean = float(np.nanmean(values))
    ax.axvline(mean, color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)), zorder=0)
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.set_xlim(0, 1)
    if names is None:
        ax.set_ylabel("odor")
    else:
        _label_odors(ax, [names[i] for i in order], "y")
    ax.set_xlabel("mean cosine between KC patterns of its trials")
    ax.set_title(f"mean over {len(values)} odors {mean:.2f}")
    return figure, ax


def as_models(results: Any) -> list[Any]:
    """One result, or a mapping or sequence of them, as a list."""
    if isinstance(results, Mapping):
        return list(results.values())
    return list(results) if isinstance(results, (list, tuple)) else [results]


def spread(n: int, width: float = 0.3) -> FloatArray:
    """Offsets that put `n` points side by side."""
    return np.linspace(-width / 2, width / 2, n) if n > 1 else np.zeros(n)


def _band(ax: Axes, x: AnyArray, values: FloatArray, color: str, label: str) -> None:
    mean, half = t_interval(values, axis=0)
    if len(values) > 1:
        ax.fill_between(x, mean - half, mean + half, color=color, alpha=0.22, linewidth=0)
    ax.plot(x, mean, "o-", color=color, markersize=3.5, label=label)


def _label_odors(ax: Axes, odors: Sequence[str], axis: str) -> None:
    """Write the names of odors along an axis, small enough to fit."""
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_ticks(range(len(odors)), list(odors))
    target.set_tick_params(length=0, labelsize=6.0 if len(odors) > 20 else 7.5, pad=2)
    if axis == "x":
        ax.tick_params(axis="x", rotation=90)


def _stack(models: Sequence[Any], field: str) -> FloatArray:
    return np.asarray([getattr(m, field) for m in models], dtype=np.float64)


def _n_models(models: Sequence[Any]) -> str:
    return f"{len(models)} models" if len(models) > 1 else "one model"
