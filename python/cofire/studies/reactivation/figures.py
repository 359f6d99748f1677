"""The figures of the study, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cofire import plot
from cofire.report import ReportFigure

if TYPE_CHECKING:
    from cofire.studies.reactivation.workflow import Reactivation


def make_figures(study: Reactivation) -> Iterator[ReportFigure]:
    """Figures of the results that exist, in the order of the page."""
    done, chosen = study._done, study.selection
    makers: list[tuple[str, Callable[[], ReportFigure]]] = [
        ("response", lambda: _response_figure(study)),
        ("effect", lambda: _effect_figure(study)),
        ("explained_variance", lambda: _ev_figure(study)),
        ("detection", lambda: _eigenvalue_figure(study)),
    ]
    for key, make in makers:
        if key in done:
            yield make()
    if study.n_assemblies:
        yield from _assembly_figures(study)
    if "strongest" in done:
        figure, _ = plot.plot_activation_raster(done["strongest"])
        yield ReportFigure(
            "strongest_activations",
            "Strongest activations",
            "Activation of every assembly (grey; the named one in its color) and the spikes of all "
            "units around the strongest activation"
            + (" after the task." if "post" in chosen.phases else "."),
            figure,
            "cofire.plot.plot_activation_raster",
        )
    yield from _pair_figures(study)
    yield from _cross_figures(study)
    if "sweep" in done:
        figure, _ = plot.plot_significance_sweep(done["sweep"])
        yield ReportFigure(
            "significance_sweep",
            "How much the null decides",
            "Assemblies found with shuffled bins, by number of shuffles and percentile.",
            figure,
            "cofire.plot.plot_significance_sweep",
            wide=False,
        )


def _response_figure(study: Reactivation) -> ReportFigure:
    name = study.selection.event_name
    figure, _ = plot.plot_reactivation(study._done["response"], event_name=name)
    return ReportFigure(
        "peri_event_activation",
        f"Activation around {name}s",
        "Thin lines: one assembly each; thick line and band: mean and 95 % t-interval over "
        "assemblies. Below: a row an assembly, the same data.",
        figure,
        "cofire.plot.plot_reactivation",
    )


def _effect_figure(study: Reactivation) -> ReportFigure:
    figure, _ = plot.plot_reactivation_effect(study._done["effect"])
    effect = study._done["effect"]
    return ReportFigure(
        "reactivation_effect",
        "Reactivation of each assembly",
        f"Response after minus before the task ({effect.n_post} and {effect.n_pre} events). Bars: "
        "95 % intervals, over events for an assembly, over assemblies for the mean.",
        figure,
        "cofire.plot.plot_reactivation_effect",
        wide=False,
    )


def _ev_figure(study: Reactivation) -> ReportFigure:
    sliding = study._done.get("explained_variance_over_time")
    post = study.selection.phases["post"]
    figure, _ = plot.plot_explained_variance(
        study._done["explained_variance"], sliding=sliding, time_origin=float(post.starts[0])
    )
    over_time = (
        f" Right: windows of {study.config.ev_window:g} s from the start of post, band ± SD over "
        "the windows of pre."
        if sliding is not None
        else ""
    )
    return ReportFigure(
        "explained_variance",
        "Explained variance",
        "Share of the variance of pairwise correlations after the task that the task explains "
        f"beyond those before (EV), and the same with pre and post swapped (REV).{over_time}",
        figure,
        "cofire.plot.plot_explained_variance",
        wide=sliding is not None,
    )


def _eigenvalue_figure(study: Reactivation) -> ReportFigure:
    n_bins = int(study.selection.detection.total_duration / study.config.detection_bin)
    figure, _ = plot.plot_eigenvalues(study.detect(), n_bins=n_bins)
    return ReportFigure(
        "eigenvalues",
        "How many assemblies?",
        "Eigenvalues of the correlation matrix of the task's counts; those above the null "
        "(shaded) are assemblies.",
        figure,
        "cofire.plot.plot_eigenvalues",
        wide=study.n_assemblies == 0,
    )


def _assembly_figures(study: Reactivation) -> Iterator[ReportFigure]:
    chosen = study.selection
    figure, _ = plot.plot_assemblies(
        study.patterns, study.members, groups=chosen.groups, unit_ids=chosen.spikes.unit_ids
    )
    yield ReportFigure(
        "assemblies",
        "The assemblies",
        "Weight of each unit; members in color.",
        figure,
        "cofire.plot.plot_assemblies",
        wide=study.n_assemblies > 2,
    )
    if chosen.groups is not None:
        from cofire.assemblies import members_by_group

        figure, _ = plot.plot_members_by_group(members_by_group(study.members, chosen.groups))
        yield ReportFigure(
            "members_by_group",
            "Members by group",
            f"Members of each assembly by {study.config.groups}.",
            figure,
            "cofire.plot.plot_members_by_group",
            wide=study.n_assemblies > 8,
        )
    figure, _ = plot.plot_activation_heatmap(study.activation(), epochs=chosen.phases)
    yield ReportFigure(
        "activation",
        "Activation along the session",
        "Mean activation of each assembly in columns of time; bars above: epochs.",
        figure,
        "cofire.plot.plot_activation_heatmap",
    )


def _pair_figures(study: Reactivation) -> Iterator[ReportFigure]:
    done, chosen = study._done, study.selection
    if "joint" in done:
        figure, _ = done["joint"].plot()
        a, b = (plot.assembly_label(k) for k in done["joint"].assemblies)
        yield ReportFigure(
            "joint_response",
            f"Do {a} and {b} respond together?",
            f"Joint peri-event histogram of their activations ({done['joint'].n_events} events), "
            "what independent responses predict, and the difference; square-rooted.",
            figure,
            "cofire.plot.plot_joint_peth",
        )
    if "unit_responses" in done:
        figure, _ = plot.plot_unit_responses(done["unit_responses"], event_name=chosen.event_name)
        yield ReportFigure(
            "peri_event_rates",
            f"Firing around {chosen.event_name}s",
            "Above: mean and 95 % t-interval over units. Below: rate of each unit divided by its "
            "mean.",
            figure,
            "cofire.plot.plot_unit_responses",
        )
    if "pairwise" in done and len(done["pairwise"].unit_ids) > 1:
        pairs = done["pairwise"]
        phase = pairs.phases.index("task")
        figure, _ = plot.plot_correlation_matrix(
            pairs.r[phase],
            groups=chosen.groups,
            unit_ids=pairs.unit_ids,
            title="task, all pairs",
        )
        yield ReportFigure(
            "correlations",
            "Pairwise correlations",
            f"Counts in bins of {pairs.bin_width:g} s of the task.",
            figure,
            "cofire.plot.plot_correlation_matrix",
            wide=False,
        )
        if chosen.groups is not None:
            figure, _ = plot.plot_correlation_matrix(
                pairs.r[phase], groups=chosen.groups, mask_within=True, unit_ids=pairs.unit_ids
            )
            yield ReportFigure(
                "correlations_between_groups",
                "Correlations between groups",
                "Within-group blocks masked, as the cross-structural detection does.",
                figure,
                "cofire.plot.plot_correlation_matrix",
                wide=False,
            )


def _cross_figures(study: Reactivation) -> Iterator[ReportFigure]:
    done, chosen = study._done, study.selection
    cross = done.get("cross_detection")
    if cross is None:
        return
    if cross.n_assemblies_:
        figure, _ = plot.plot_assemblies(
            cross.patterns_, groups=chosen.groups, prefix="X", member_color="#C7621E"
        )
        yield ReportFigure(
            "cross_assemblies",
            "Cross-structural assemblies",
            "Patterns found in the covariance between groups only; X1, X2, ... are not the A1, "
            "A2, ... of the other figures.",
            figure,
            "cofire.plot.plot_assemblies",
            wide=cross.n_assemblies_ > 2,
        )
    if "cross_response" in done and "response" in done:
        figure, _ = plot.plot_cross_comparison(
            done["response"], done["cross_response"], event_name=chosen.event_name
        )
        yield ReportFigure(
            "standard_against_cross",
            "Standard against cross-structural",
            f"Mean activation around {chosen.event_name}s and 95 % t-interval over assemblies; "
            "dots: peaks.",
            figure,
            "cofire.plot.plot_cross_comparison",
        )
