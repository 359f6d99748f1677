"""The figures of the study, in the order of the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cofire import plot
from cofire.report import ReportFigure
from cofire.studies.larval_olfaction.experiments import EXPERIMENTS, VARIANTS
from cofire.studies.larval_olfaction.study import StudyResult

_COMPARED = (
    (
        "4_abl",
        "ablations",
        "Ablations",
        "Networks trained without a mechanism (blue), and canonical networks that lose it after "
        "training (orange).",
    ),
    (
        "energy",
        "energy",
        "Energy in place of the sparsity term",
        "Networks whose loss has no sparsity term, or one of energy in its place.",
    ),
    (
        "quantiles",
        "quantiles",
        "Share of excitatory local neurons",
        "Local neurons with the smallest fan-out are excitatory, up to a quantile of the fan-out.",
    ),
)


def make_figures(result: StudyResult) -> Iterator[ReportFigure]:
    """Figures of the results that exist, in the order of the page."""
    evaluations = result.evaluations.get(result.main, {})
    if evaluations:
        yield from _core_figures(evaluations)
    yield from _compared_figures(result)
    if evaluations:
        yield from _single_model_figures(evaluations)
    yield from _scaling_figures(result)
    yield from _training_figures(result)


def _having(evaluations: dict[int, Any], part: str) -> dict[int, Any]:
    found = {seed: getattr(e, part) for seed, e in evaluations.items()}
    return {seed: value for seed, value in found.items() if value is not None}


def _core_figures(evaluations: dict[int, Any]) -> Iterator[ReportFigure]:
    odors = next(iter(evaluations.values())).odors
    if matrices := _having(evaluations, "decorrelation"):
        figure, _ = plot.plot_odor_similarity(matrices, odors=odors)
        yield ReportFigure(
            "2_core",
            "How alike are odors?",
            "Cosine between the mean patterns of every two odors at receptors (OR), projection "
            "neurons (PN) and Kenyon cells (KC), averaged over models, one range of colors. Right: "
            "mean decrease of the cosine in the antennal lobe (AL), the mushroom body (MB), and "
            "both; bars: mean over models, points: models.",
            figure,
            "cofire.plot.plot_odor_similarity",
        )
    if series := _having(evaluations, "concentration"):
        figure, _ = plot.plot_concentration(series)
        yield ReportFigure(
            "3_concentration",
            "Concentration",
            "Summed activity relative to the lowest concentration, share of trials that the "
            "decoder and the nearest KC centroid (of concentration 1) name correctly, and cosine "
            "of KC patterns with those at 1. Mean and 95 % t-interval over models.",
            figure,
            "cofire.plot.plot_concentration",
        )


def _compared_figures(result: StudyResult) -> Iterator[ReportFigure]:
    afterwards = [name for name, variant in VARIANTS.items() if variant.posthoc]
    for name, experiment, title, caption in _COMPARED:
        rows = [v for v in EXPERIMENTS[experiment].variants if v in result.evaluations]
        if not set(rows) - {"canonical"}:
            continue
        figure, _ = plot.plot_ablations(
            result.scores,
            {v: VARIANTS[v].title for v in rows},
            afterwards=afterwards,
            published=result.paper,
        )
        yield ReportFigure(
            name,
            title,
            f"{caption} Points: models; bars: their mean; diamonds: published means; grey line: "
            "mean of the canonical networks.",
            figure,
            "cofire.plot.plot_ablations",
        )


def _single_model_figures(evaluations: dict[int, Any]) -> Iterator[ReportFigure]:
    seed, one = next(iter(evaluations.items()))
    if one.kc_patterns is not None:
        figure, _ = plot.plot_kc_heat(one)
        yield ReportFigure(
            "S1_kc_heat",
            "Which Kenyon cells answer which odor?",
            f"Mean spike counts of ten trials, model of seed {seed}; cells and odors sorted by "
            "their mean count; square-root color scale.",
            figure,
            "cofire.plot.plot_kc_heat",
        )
    figure, _ = plot.plot_confusion(one)
    yield ReportFigure(
        "S2_confusion_matrix",
        "Which odors are taken for which?",
        f"{int(one.confusion.sum()):,} noisy samples, model of seed {seed}; rows sum to 100 %.",
        figure,
        "cofire.plot.plot_confusion",
    )
    if one.consistency is not None:
        figure, _ = plot.plot_trial_consistency(one)
        yield ReportFigure(
            "S3_within_odor_consistency",
            "How alike are trials of one odor?",
            f"Mean cosine over pairs of trials, model of seed {seed}.",
            figure,
            "cofire.plot.plot_trial_consistency",
            wide=False,
        )


def _scaling_figures(result: StudyResult) -> Iterator[ReportFigure]:
    if result.scaling is not None:
        figure, _ = plot.plot_threshold_scaling(result.scaling)
        yield ReportFigure(
            "S4_threshold_scaling",
            "Harder tasks silence more cells",
            "Share of KC thresholds at their upper bound against the number of odors. Points: "
            "models; line: their mean.",
            figure,
            "cofire.plot.plot_threshold_scaling",
            wide=False,
        )
    if result.consistency is not None:
        figure, _ = plot.plot_model_agreement(result.consistency)
        yield ReportFigure(
            "consistency",
            "Do models agree?",
            "Mean pairwise correlation of the parameters of teachers, and of the students they "
            "start, across seeds.",
            figure,
            "cofire.plot.plot_model_agreement",
            wide=False,
        )
    if result.mixtures:
        figure, _ = plot.plot_mixtures(result.mixtures)
        yield ReportFigure(
            "mixtures",
            "Mixtures",
            "Left: cosine of the KC code of a pair of odors with that of one component and with "
            "their mean. Middle: active cells relative to the mean of the components. Right: share "
            "of responsive KCs that answer less than the sum, and 5-fold accuracy of a linear "
            "classifier; bars: mean over models, points: models.",
            figure,
            "cofire.plot.plot_mixtures",
        )


def _training_figures(result: StudyResult) -> Iterator[ReportFigure]:
    if histories := result.histories.get(result.main, {}):
        figure, _ = plot.plot_training(histories)
        yield ReportFigure(
            "training",
            "Training",
            "Loss, then accuracy, active KCs and APL ratio in a noisy test with hard spikes after "
            "each epoch, of the rate model (teacher) and of the spiking network that starts from "
            "it. Thin: models; thick: mean.",
            figure,
            "cofire.plot.plot_training",
        )
    learned = result.learned
    if learned is None:
        return
    figure, _ = plot.plot_learned_parameters(learned)
    yield ReportFigure(
        "learned_parameters",
        "What was learned",
        "Parameters of every pathway and constants of the cells. Grey: between the bounds; "
        "diamonds: before training; points: models. Non-AD: axo-axonic, dendro-axonic and "
        "dendro-dendritic contacts together.",
        figure,
        "cofire.plot.plot_learned_parameters",
    )
    figure, _ = plot.plot_thresholds(learned)
    yield ReportFigure(
        "thresholds",
        "Spike thresholds",
        "Neurons of all models; dashed: the bounds, with the share of neurons at each.",
        figure,
        "cofire.plot.plot_thresholds",
    )
    figure, _ = plot.plot_gap_conductances(learned)
    yield ReportFigure(
        "gap_conductances",
        "Gap junctions",
        "Learned conductance of a junction; bars: mean and 95 % t-interval over models, points: "
        "models, dashed: before training.",
        figure,
        "cofire.plot.plot_gap_conductances",
        wide=False,
    )
