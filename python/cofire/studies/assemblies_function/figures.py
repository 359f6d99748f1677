"""The figures of what assemblies do, in the order of the report."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import plot
from cofire.report import ReportFigure
from cofire.studies.assemblies_function.labels import SPLITS

if TYPE_CHECKING:
    from cofire.studies.assemblies_function.steps import Detection
    from cofire.studies.assemblies_function.workflow import AssembliesFunction

_SOURCE = "cofire.plot."
_SHOWN = 30  # assemblies in figures with a panel each
_TRIGGERS = 8
_SECONDS = 120.0
_FRAMES = 600


def make_figures(study: AssembliesFunction) -> Iterator[ReportFigure]:
    """Figures of the results that exist, in the order of the page."""
    makers: list[tuple[str, Callable[[AssembliesFunction], Iterator[ReportFigure]]]] = [
        ("detection", _detection),
        ("structure", _structure),
        ("distances", _distances),
        ("overlap", _overlap),
        ("detection", _space),
        ("spatial", _spatial),
        ("pairs", _pairs),
        ("sparsity", _sparsity),
        ("repeats", _repeats),
        ("gratings", _gratings),
        ("decoding", _decoding),
        ("triggers", _triggers),
    ]
    for step, make in makers:
        if step in study._done:
            yield from make(study)


def _figure(
    name: str, title: str, caption: str, figure: Any, function: str, wide: bool = True
) -> ReportFigure:
    return ReportFigure(name, title, caption, figure, _SOURCE + function, wide)


def _detection(study: AssembliesFunction) -> Iterator[ReportFigure]:
    material, found = study.material, study.detection()
    figure, _ = plot.plot_example_traces(
        material.dff, material.raster, rate=material.rate, window=example_window(study)
    )
    yield _figure(
        "example_traces",
        "What was recorded",
        "dF/F of the cells with the most active frames, and when each cell was active (above mean "
        f"+ {study.config.n_std:g} SD), around the most active moment.",
        figure,
        "plot_example_traces",
    )
    if found.comparison is not None:
        figure, _ = plot.plot_detectors(found.comparison)
        yield _figure(
            "detectors",
            "Do other detectors find the same?",
            "BestMatch of every two detectors (1: the same assemblies), number of assemblies, and "
            f"run time. Everything below is about those of {found.name}.",
            figure,
            "plot_detectors",
        )
    if found.name == "sgc":
        yield from _sgc(study)


def _sgc(study: AssembliesFunction) -> Iterator[ReportFigure]:
    model = study.detection().detector
    figure, _ = plot.plot_coactivity(model, rate=study.material.rate)
    yield _figure(
        "population_activity",
        "When many cells are active together",
        "Active cells over time, the threshold of chance (dashed) and the significant peaks, whose "
        "patterns are clustered.",
        figure,
        "plot_coactivity",
    )
    if getattr(model, "chains_", None) is None:
        return
    figure, _ = plot.plot_k_posterior(model)
    yield _figure(
        "group_number",
        "How many groups?",
        "Posterior of the number of groups, and the chains of the block model behind it; faint: "
        "before equilibrium.",
        figure,
        "plot_k_posterior",
    )
    if not study.assemblies:
        return
    figure, _ = plot.plot_similarity_graph(_in_study_order(study.detection()))
    yield _figure(
        "similarity_graph",
        "Patterns and their groups",
        "Each point a pattern, joined where they are alike.",
        figure,
        "plot_similarity_graph",
        wide=False,
    )


def _in_study_order(detection: Detection) -> Any:
    """A detector whose assemblies are numbered as in the study, for figures."""
    shown = copy.copy(detection.detector)
    # Label k of the detector is its k-th assembly, 0 none.
    number = np.zeros(len(detection.source) + 1, dtype=np.int64)
    number[np.array(detection.source, dtype=np.int64) + 1] = np.arange(len(detection.source)) + 1
    shown.labels_ = number[shown.labels_]
    shown.assemblies_ = list(detection.assemblies)
    return shown


def example_window(study: AssembliesFunction) -> tuple[float, float] | None:
    """Part of the recording to show: around the frame with most active units."""
    material = study.material
    n = len(material.raster)
    if not n:
        return None
    step = 1.0 / material.rate if material.rate else 1.0
    width = min(n * step, _SECONDS if material.rate else float(_FRAMES))
    middle = float(material.raster.sum(axis=1).argmax()) * step
    start = min(max(0.0, middle - width / 2), n * step - width)
    return start, start + width


def _structure(study: AssembliesFunction) -> Iterator[ReportFigure]:
    found = study.structure()
    figure, _ = plot.plot_scree(found)
    yield _figure(
        "scree",
        "How many dimensions?",
        "Eigenvalues of the correlation matrix of dF/F; they sum to the number of cells.",
        figure,
        "plot_scree",
    )
    figure, _ = plot.plot_ordered_correlations(found)
    order = {
        "isomap": "in the order of a one-dimensional Isomap embedding",
        "peak": "in the order of their peaks",
        "given": "in the order of the recording",
    }[found.by]
    yield _figure(
        "correlations",
        "Correlation of all cells",
        f"Cells {order}; the diagonal is left at 0.",
        figure,
        "plot_ordered_correlations",
        wide=False,
    )


def _distances(study: AssembliesFunction) -> Iterator[ReportFigure]:
    if "detection" not in study._done or not study.assemblies:
        return
    points = study.distances()
    figure, _ = plot.plot_correlation_distance(
        points, study.structure().correlation, study.assemblies[:_SHOWN]
    )
    yield _figure(
        "correlation_distance",
        "Correlation against distance in the embedding",
        f"Pairs of all cells and of the cells of each assembly, in {points.shape[1]} dimensions of "
        "Isomap (some thousand of them where there are more); lines: least squares.",
        figure,
        "plot_correlation_distance",
    )


def _overlap(study: AssembliesFunction) -> Iterator[ReportFigure]:
    found = study.overlap()
    few = max(int(v.counts.max(initial=0)) for v in found.values()) < 10
    least = 1 if few or study.material.n_units < 500 else 10
    rule = "" if least == 1 else f" Combinations of fewer than {least} cells are left out."
    for name, title in (
        ("assemblies", "Cells of several assemblies"),
        ("random", "The same for random ensembles of equal sizes"),
    ):
        figure, _ = plot.plot_intersections(found[name], min_count=least)
        yield _figure(
            "intersections" if name == "assemblies" else "intersections_random",
            title,
            f"Cells in exactly these assemblies (dots); left: size of each.{rule}",
            figure,
            "plot_intersections",
        )


def _space(study: AssembliesFunction) -> Iterator[ReportFigure]:
    positions, sets = study.material.positions, study.assemblies
    if positions is None or positions.shape[1] < 2 or not sets:
        return
    figure, _ = plot.plot_assemblies_in_space(positions, sets, unit=study.config.unit)
    yield _figure(
        "assemblies_in_space",
        "Where the assemblies lie",
        "A cell of several assemblies has the color of the smallest.",
        figure,
        "plot_assemblies_in_space",
    )
    figure, _ = plot.plot_assembly_map(positions, sets[:_SHOWN], unit=study.config.unit)
    more = f" The first {_SHOWN} of {len(sets)}." if len(sets) > _SHOWN else ""
    yield _figure(
        "assembly_maps",
        "Assembly by assembly",
        f"Members in color, other cells gray.{more}",
        figure,
        "plot_assembly_map",
    )


def _spatial(study: AssembliesFunction) -> Iterator[ReportFigure]:
    tests = study.spatial()["assemblies"]
    names = [f"{axis} ({study.config.unit})" for axis in tests.axes]
    figure, _ = plot.plot_spatial(
        study.material.positions, study.assemblies, tests=tests, axes=names
    )
    yield _figure(
        "spatial",
        "Are they spread like all cells?",
        "Positions of the cells of each assembly along each axis beside those of all cells; p of "
        "two-sample Kolmogorov-Smirnov tests, not corrected for their number.",
        figure,
        "plot_spatial",
    )


def _pairs(study: AssembliesFunction) -> Iterator[ReportFigure]:
    found = study.pairs()
    figure, _ = plot.plot_samples(
        found.values, label="pairwise correlation r", comparison=found.comparison
    )
    what = "Every pair once" if found.pairs == "unique" else "Every pair twice, as published"
    yield _figure(
        "pairwise_correlations",
        "How correlated are assemblies?",
        "Co-activity of assemblies and of random ensembles, activity of single cells: density, "
        f"quartiles, values. {what}; rank sums, two-sided.",
        figure,
        "plot_samples",
    )


def _sparsity(study: AssembliesFunction) -> Iterator[ReportFigure]:
    found = study.sparsity()
    figure, _ = plot.plot_gini(found.assemblies, found.random, comparison=found.comparison)
    yield _figure(
        "gini",
        "How sparse is their activity?",
        "Gini coefficient of co-activity over time: 0 if equal in all frames, near 1 if all in "
        "one. Lines join assemblies to random ensembles of equal size; rank sum, two-sided.",
        figure,
        "plot_gini",
    )


def _repeats(study: AssembliesFunction) -> Iterator[ReportFigure]:
    found = study.repeats()
    others = {name: value for name, value in found.scores.items() if name != "assemblies"}
    figure, _ = plot.plot_oracle_scores(
        found.scores["assemblies"],
        others=others,
        comparison=found.comparison,
        figsize=(8.4, 2.2 + 0.55 * len(found.scores)),
    )
    seconds = found.trials.n_frames / (study.material.rate or 1.0)
    yield _figure(
        "oracle_scores",
        "Do they respond alike each time?",
        f"Correlation of each of {len(found.trials.starts)} repeats of the movie (first "
        f"{seconds:.0f} s, {found.trials.n_frames} frames) with the mean of the others; bars: "
        "oracle score, their mean. Rank sums of all r, two-sided.",
        figure,
        "plot_oracle_scores",
    )


def _gratings(study: AssembliesFunction) -> Iterator[ReportFigure]:
    found = study.gratings()
    seconds = found.trials.n_frames / (study.material.rate or 1.0)
    for k, field in enumerate(found.assemblies.fields):
        figure, _ = plot.plot_tuning(found.assemblies, field=field)
        yield _figure(
            "tuning" if k == 0 else f"tuning_{_plain(field)}",
            "Which gratings drive them?" if k == 0 else f"The same for {field}",
            f"Mean co-activity over {seconds:.2g} s by direction, ± SEM over trials (dotted: "
            f"blank); polar plots: {field}. OSI: orientation selectivity (length of the mean "
            "vector).",
            figure,
            "plot_tuning",
        )
    figure, _ = plot.plot_oracle_scores(
        found.assemblies.oracle,
        others={"random": found.random.oracle},
        comparison=found.comparison,
    )
    yield _figure(
        "oracle_scores_gratings",
        "And alike to the same grating?",
        "Correlation of each trial with the mean of the others of its direction and field. An "
        "assembly that is silent in a trial has no r there, and no score (bar).",
        figure,
        "plot_oracle_scores",
    )


def _decoding(study: AssembliesFunction) -> Iterator[ReportFigure]:
    for split, found in study.decoding().items():
        figure, _ = plot.plot_clip_confusion(
            found.assemblies.confusion_, found.random.confusion_, labels=found.assemblies.classes_
        )
        warning = (
            " Frames next to those of the training are in the test: slow signals help."
            if split == "random"
            else ""
        )
        yield _figure(
            f"clip_confusion_{split}",
            f"Which clip is shown? ({SPLITS[split]})",
            "Clips decoded from single frames of co-activity by a multilayer perceptron; counts, "
            f"and percent of each true clip.{warning}",
            figure,
            "plot_clip_confusion",
        )


def _triggers(study: AssembliesFunction) -> Iterator[ReportFigure]:
    found = study.triggers()
    n = min(_TRIGGERS, len(study.assemblies))
    figure, _ = plot.plot_trigger_frames(found.assemblies, found.random, n=n)
    more = f" The first {n} of {len(study.assemblies)}." if n < len(study.assemblies) else ""
    yield _figure(
        "trigger_frames",
        "What was on the screen at their peaks?",
        "Mean movie frame at the peaks of co-activity (at least "
        f"{study.config.trigger_height:g} of the largest), variance divided by the number of "
        f"peaks, and difference to random ensembles of equal size.{more}",
        figure,
        "plot_trigger_frames",
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "other"
