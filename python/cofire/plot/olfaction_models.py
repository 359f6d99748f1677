"""Figures of trained models: their training, their parameters, and what ablations do to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray
from cofire.plot.olfaction import STAGE_COLORS, as_models, spread
from cofire.plot.style import FAINT, INK, MUTED, make_axes, nothing, one_axes, styled, t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAINED, AFTERWARDS, PAPER = "#0072B2", "#D55E00", "#8a8a94"

_METRICS = {
    "accuracy": "accuracy (%)",
    "sparsity": "active KCs (%)",
    "al": "AL decorrelation (%)",
    "mb": "MB decorrelation (%)",
}
_CURVES = (
    ("loss", "loss", 1.0),
    ("test_accuracy", "odors named correctly (%)", 100.0),
    ("sparsity", "active KCs (%)", 100.0),
    ("apl_ratio", "APL ratio", 1.0),
)


@styled
def plot_ablations(
    scores: Any,
    variants: Mapping[str, str],
    *,
    afterwards: Sequence[str] = (),
    metrics: Mapping[str, str] | None = None,
    published: Any = None,
    reference: str = "canonical",
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Scores of several kinds of models side by side, every model a point.

    Parameters
    ----------
    scores : ScoreTable
        ``.get(variant, metric)`` gives values by seed.
    variants : mapping of str to str
        Rows: names and titles; those without scores are left out.
    afterwards : sequence of str
        Rows ablated after training, drawn in another color.
    metrics : mapping of str to str, optional
        Columns: names and labels; default accuracy, active KCs, AL and MB decorrelation.
    published : PaperComparison, optional
        Published means as diamonds.
    reference : str
        The row whose mean is drawn through all others.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (n_metrics,) of Axes
        Bars: means over models.
    """
    columns = dict(metrics or _METRICS)
    rows = [name for name in variants if any(scores.get(name, m) for m in columns)]
    size = figsize or (2.4 + 2.05 * len(columns), 1.5 + 0.3 * max(len(rows), 1))
    figure, grid = make_axes(1, len(columns), figsize=size, sharey=True)
    axes = grid[0]
    if not rows:
        nothing(axes[0], "no scores")
        return figure, axes
    paper = _published_means(published)
    for ax, (metric, label) in zip(axes, columns.items(), strict=True):
        for y, name in enumerate(rows):
            values = np.array(list(scores.get(name, metric).values()))
            color = AFTERWARDS if name in afterwards else INK if name == reference else TRAINED
            if len(values):
                ax.plot(
                    values, y + spread(len(values)), "o", color=color, markersize=3.8, alpha=0.8
                )
                ax.plot([values.mean()] * 2, [y - 0.34, y + 0.34], color=color, linewidth=2.2)
            if (name, metric) in paper:
                ax.plot(paper[name, metric], y, "D", mfc="none", mec=PAPER, markersize=7)
        if scores.get(reference, metric):
            level = float(np.mean(list(scores.get(reference, metric).values())))
            ax.axvline(level, color=FAINT, linewidth=1.0, zorder=0)
        ax.set_xlabel(label)
        ax.margins(x=0.12)
        ax.grid(axis="y", color=FAINT, linewidth=0.5)
        ax.set_axisbelow(True)
    axes[0].set_yticks(range(len(rows)), [variants[name] for name in rows])
    axes[0].tick_params(axis="y", length=0)
    axes[0].set_ylim(len(rows) - 0.45, -0.55)
    changed = set(rows) & set(afterwards)
    _ablation_legend(figure, bool(set(rows) - changed - {reference}), bool(changed), bool(paper))
    return figure, axes


def _published_means(published: Any) -> dict[tuple[str, str], float]:
    rows = () if published is None else published.rows
    return {(r.variant, r.metric): r.published for r in rows if r.seed is None}


def _ablation_legend(figure: Figure, trained: bool, afterwards: bool, paper: bool) -> None:
    from matplotlib.lines import Line2D

    entries = []
    if trained:
        entries.append((TRAINED, "o", "trained this way (points: models)"))
    if afterwards:
        entries.append((AFTERWARDS, "o", "changed after training"))
    if paper:
        entries.append((PAPER, "D", "published mean"))
    handles = [
        Line2D([], [], color=c, marker=m, linestyle="", mfc="none" if m == "D" else c, label=text)
        for c, m, text in entries
    ]
    if handles:
        figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))


@styled
def plot_training(
    histories: Any, *, figsize: tuple[float, float] = (10.4, 2.9)
) -> tuple[Figure, AnyArray]:
    """Loss, accuracy, active KCs and APL ratio over the epochs of training.

    Parameters
    ----------
    histories : TrainingHistory, or mapping or sequence of them
        One a model.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (4,) of Axes
        Thin lines: models; thick: their mean. Grey: the teachers.
    """
    models = as_models(histories)
    figure, grid = make_axes(1, len(_CURVES), figsize=figsize)
    axes = grid[0]
    for ax, (field, label, scale) in zip(axes, _CURVES, strict=True):
        for stage, color in (("teacher", MUTED), ("student", STAGE_COLORS["KC"])):
            curves = [_curve(m, field, stage, scale) for m in models]
            curves = [curve for curve in curves if len(curve[0])]
            for epoch, values in curves:
                ax.plot(epoch, values, color=color, linewidth=0.6, alpha=0.5)
            lengths = {len(values) for _, values in curves}
            if len(lengths) == 1:
                mean = np.mean([values for _, values in curves], axis=0)
                ax.plot(curves[0][0], mean, color=color, linewidth=1.8, label=stage)
        ax.set_xlabel("epoch")
        ax.set_ylabel(label)
        ax.set_ylim(0, None)
    axes[0].set_title(f"{len(models)} models" if len(models) > 1 else "one model")
    axes[1].set_title("noisy test after each epoch")
    axes[0].legend(loc="upper right")
    return figure, axes


def _curve(history: Any, field: str, stage: str, scale: float) -> tuple[AnyArray, AnyArray]:
    values = np.asarray(getattr(history, field), dtype=np.float64)
    kept = (np.asarray(history.stage) == stage) & np.isfinite(values)
    return np.asarray(history.epoch)[kept], scale * values[kept]


@styled
def plot_threshold_scaling(
    scaling: Any, *, ax: Axes | None = None, figsize: tuple[float, float] = (4.0, 3.2)
) -> tuple[Figure, Axes]:
    """Share of KC thresholds at the upper bound against the number of odors of the task.

    Parameters
    ----------
    scaling : ThresholdScaling
        ``.n_odors`` (n,), ``.upper`` (n, n_seeds) in [0, 1].
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
        Points: models; line: their mean.
    """
    figure, ax = one_axes(ax, figsize)
    share = 100 * np.asarray(scaling.upper, dtype=np.float64)
    color = STAGE_COLORS["KC"]
    for n, values in zip(scaling.n_odors, share, strict=True):
        found = values[np.isfinite(values)]
        ax.plot(
            n * (1 + 0.2 * spread(len(found))), found, "o", color=color, alpha=0.6, markersize=4
        )
    ax.plot(scaling.n_odors, np.nanmean(share, axis=1), color=color, linewidth=1.8)
    counts = np.isfinite(share).sum(axis=1)
    ax.set_xscale("log", base=2)
    ax.set_xticks(
        scaling.n_odors, [f"{n}\n({c})" for n, c in zip(scaling.n_odors, counts, strict=True)]
    )
    ax.minorticks_off()
    ax.set_xlabel("odors of the task (models)")
    ax.set_ylabel("KC thresholds at upper bound (%)")
    ax.set_ylim(0, None)
    return figure, ax


@styled
def plot_model_agreement(
    consistency: Any, *, ax: Axes | None = None, figsize: tuple[float, float] = (5.4, 3.2)
) -> tuple[Figure, Axes]:
    """Do models with other seeds learn the same parameters? Teachers, then the students they start.

    Parameters
    ----------
    consistency : Consistency
        ``.groups``, ``.teacher``, ``.student`` (n_groups,) mean pairwise r.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    figure, ax = one_axes(ax, figsize)
    rows = range(len(consistency.groups))
    for y, before, after in zip(rows, consistency.teacher, consistency.student, strict=True):
        if np.isfinite(before):
            ax.plot([before, after], [y, y], color=FAINT, linewidth=2.5, zorder=1)
    ax.plot(consistency.teacher, rows, "o", color=MUTED, label="teachers")
    ax.plot(consistency.student, rows, "o", color=STAGE_COLORS["KC"], label="students")
    ax.set_yticks(rows, [_group_title(name) for name in consistency.groups])
    ax.set_ylim(len(consistency.groups) - 0.4, -0.6)
    ax.set_xlim(None, 1.01)
    ax.set_xlabel("mean pairwise r of parameters across seeds")
    ax.set_title(f"{len(consistency.seeds)} models")
    ax.legend(loc="lower left")
    return figure, ax


def _group_title(name: str) -> str:
    words = {"or_gains": "receptor gains", "decoder_weight": "decoder weights"}
    words |= {"decoder_bias": "decoder biases"}
    return words.get(name, f"{name.upper()} thresholds")


@styled
def plot_mixtures(
    mixtures: Any, *, figsize: tuple[float, float] = (10.4, 3.0)
) -> tuple[Figure, AnyArray]:
    """How Kenyon cells represent mixtures of odors.

    Parameters
    ----------
    mixtures : MixtureCoding, or mapping or sequence of them
        One a model.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (3,) of Axes
        Cosine of mixtures with components and with their mean, and active cells relative to the
        components' mean (histograms over mixtures of all models); share of sub-additive cells
        and accuracy of a linear classifier (bars: mean over models, points: models).
    """
    models = as_models(mixtures)
    figure, grid = make_axes(1, 3, figsize=figsize, gridspec_kw={"width_ratios": [1, 1, 1.45]})
    axes = grid[0]
    _histograms(
        axes[0],
        models,
        {"component_cosine": "one component", "linear_cosine": "mean of both"},
        "cosine of a pair's code with",
    )
    _histograms(
        axes[1],
        models,
        {"pair_ratio": "pairs", "triplet_ratio": "triplets"},
        "active KCs, mixture / components",
    )
    axes[1].axvline(1.0, 0.0, 0.7, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    fields = {
        "sub_additive_pairs": "sub-additive,\npairs",
        "sub_additive_triplets": "sub-additive,\ntriplets",
        "svm_odors": "which\nodor",
        "svm_mixture": "odor or\nmixture",
        "svm_mixtures": "which\nmixture",
    }
    for x, field in enumerate(fields):
        values = 100 * np.array([getattr(m, field) for m in models])
        color = TRAINED if field.startswith("sub") else MUTED
        axes[2].bar(x, values.mean(), 0.66, color=color, alpha=0.5)
        axes[2].plot(x + spread(len(values)), values, "o", color=color, markersize=3.2)
    axes[2].set_xticks(range(len(fields)), list(fields.values()), fontsize=6.5)
    axes[2].tick_params(axis="x", length=0)
    axes[2].set_ylabel("KCs; trials named correctly (%)")
    axes[2].set_ylim(0, 100)
    axes[2].set_title(f"{len(models)} models" if len(models) > 1 else "one model")
    return figure, axes


def _histograms(ax: Axes, models: Sequence[Any], fields: Mapping[str, str], label: str) -> None:
    pooled = {f: np.concatenate([np.ravel(getattr(m, f)) for m in models]) for f in fields}
    finite = {f: values[np.isfinite(values)] for f, values in pooled.items()}
    together = np.concatenate(list(finite.values()))
    if not len(together):
        nothing(ax, "no mixture")
        return
    edges = [float(e) for e in np.histogram_bin_edges(together, bins=40)]
    for (field, name), color in zip(fields.items(), (TRAINED, AFTERWARDS), strict=True):
        values = finite[field]
        if len(values):
            weights = np.full(len(values), 100 / len(values))
            text = f"{name}: {values.mean():.2f}"
            ax.hist(values, edges, weights=weights, color=color, alpha=0.5, label=text)
    ax.set_xlabel(label)
    ax.set_ylabel("mixtures (%)")
    ax.margins(y=0.3)
    ax.legend(loc="upper left")


@styled
def plot_gap_conductances(
    learned: Any, *, ax: Axes | None = None, figsize: tuple[float, float] = (3.6, 3.2)
) -> tuple[Figure, Axes]:
    """Learned conductances of the gap junctions, every model a point.

    Parameters
    ----------
    learned : LearnedParameters
        ``.names``, ``.values`` (n_models, n), ``.initial`` (n,), S.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
        Bars: mean over models and its 95 % t-interval; dashed: value before training.
    """
    figure, ax = one_axes(ax, figsize)
    kinds = {"gap_ln": "LN–LN", "gap_pn": "PN–PN", "gap_eln_pn": "eLN–PN"}
    names = list(learned.names)
    for x, kind in enumerate(kinds):
        column = names.index(f"antennal_lobe.log_g_{kind}")
        values = 1e9 * np.asarray(learned.values)[:, column]
        mean, half = t_interval(values)
        ax.bar(x, float(mean), 0.6, color=TRAINED, alpha=0.35)
        if np.isfinite(half):
            ax.errorbar(x, float(mean), yerr=float(half), color=TRAINED, capsize=4)
        ax.plot(x + spread(len(values)), values, "o", color=TRAINED, markersize=4)
        ax.text(x, 0.004, f"{float(mean):.3f}", ha="center", va="bottom", fontsize=8)
    start = 1e9 * learned.initial[names.index("antennal_lobe.log_g_gap_ln")]
    ax.axhline(start, color=MUTED, linewidth=0.9, linestyle=(0, (3, 2)), zorder=0)
    ax.set_xticks(range(len(kinds)), list(kinds.values()))
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel("conductance of a gap junction (nS)")
    ax.set_title(f"n = {len(learned.seeds)}; dashed: start")
    return figure, ax
