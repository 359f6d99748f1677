"""The output folder of the study: figures, tables, results and the report page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import plot
from cofire.report import Method, Report, ReportFigure, ReportTable, number
from cofire.types import save

if TYPE_CHECKING:
    from cofire.studies.reactivation.workflow import Reactivation

_ICA = Method(
    "Assembly detection (PCA/ICA)",
    "Lopes-dos-Santos, Ribeiro & Tort 2013, J Neurosci Methods",
    "10.1016/j.jneumeth.2013.04.010",
)
_METHODS = {
    "fastica": Method("FastICA", "Hyvärinen 1999, IEEE Trans Neural Netw", "10.1109/72.761722"),
    "mp": Method(
        "Null of the eigenvalues (Marchenko–Pastur)",
        "Marchenko & Pastur 1967, Math USSR Sb",
        "10.1070/SM1967v001n04ABEH001994",
    ),
    "activation": Method(
        "Activation over time",
        "Peyrache, Benchenane, Khamassi, Wiener & Battaglia 2010, J Comput Neurosci",
        "10.1007/s10827-009-0154-6",
    ),
    "members": Method(
        "Members (Otsu threshold)", "Otsu 1979, IEEE Trans SMC", "10.1109/TSMC.1979.4310076"
    ),
    "effect": Method(
        "Intervals of post − pre per assembly", "Welch 1947, Biometrika", "10.1093/biomet/34.1-2.28"
    ),
    "wilcoxon": Method(
        "Signed-rank test over assemblies", "Wilcoxon 1945, Biometrics", "10.2307/3001968"
    ),
    "ev": Method(
        "Explained variance (EV/REV)",
        "Kudrimoti, Barnes & McNaughton 1999, J Neurosci",
        "10.1523/JNEUROSCI.19-10-04090.1999",
    ),
    "joint": Method(
        "Joint peri-event histogram",
        "Aertsen, Gerstein, Habib & Palm 1989, J Neurophysiol",
        "10.1152/jn.1989.61.5.900",
    ),
}


def write_output(
    study: Reactivation,
    out: Path,
    *,
    formats: Sequence[str] = ("png", "svg"),
    failures: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write figures, tables, results and report of a study whose steps are done.

    Parameters
    ----------
    study : Reactivation
    out : Path
    formats : sequence of str
        Of the figure files.
    failures : sequence of (step, message)
        Named in the report.

    Returns
    -------
    Path
        Of report.html.
    """
    out.mkdir(parents=True, exist_ok=True)
    figures = list(make_figures(study))
    for item in figures:
        plot.save_figure(item.figure, out / "figures", item.name, tuple(formats))
    tables = list(make_tables(study))
    (out / "tables").mkdir(exist_ok=True)
    for entry in tables:
        entry.table.to_csv(out / "tables" / f"{entry.name}.csv", index=False)
    save(collect_results(study), out / "results")
    report = Report(
        title="Cell assemblies and their reactivation",
        subtitle=_subtitle(study),
        finding=finding(study),
        numbers=_numbers(study),
        taken=study.selection.taken,
        dropped=[*_left_out(study), *(f"{s} failed: {m}" for s, m in failures)],
        figures=figures,
        tables=tables,
        methods=_methods(study),
        parameters=study.config.to_dict(),
        provenance=_provenance(out),
        formats=tuple(formats),
    )
    return report.write(out / "report.html")


def _left_out(study: Reactivation) -> list[str]:
    """What selection dropped, and steps that lack something no other line explains."""
    known = ("no events", "no assembly was found", "no groups were named", "it takes a pre")
    left = list(study.selection.dropped)
    for step in ("effect", "joint", "explained_variance", "explained_variance_over_time", "sweep"):
        reason = study.missing(step)
        if reason is not None and not reason.startswith(known):
            left.append(f"{step.replace('_', ' ')}: {reason}")
    return left


def collect_results(study: Reactivation) -> dict[str, Any]:
    """Every result of the study by name, as stored in results.npz and results.json."""
    # Sorted, so that a resumed run writes the same bytes as one without a break.
    done = {k: study._done[k] for k in sorted(study._done) if k != "activation"}
    done["patterns"] = study.patterns
    done["members"] = study.members
    done["unit_ids"] = np.asarray(study.spikes.unit_ids)
    return done


def finding(study: Reactivation) -> str:
    """What was found, in one or two sentences with numbers and uncertainty."""
    n, units = study.n_assemblies, study.spikes.n_units
    model = study.detect()
    if not n:
        values = np.asarray(model.eigenvalues_)
        if not len(values):
            return f"No cell assembly was found: none of the {units} units fires in the task."
        return (
            f"No cell assembly was found in {units} units: the largest eigenvalue of their "
            f"correlation matrix, {values[0]:.3f}, does not exceed its null, "
            f"{float(np.ravel(model.threshold_)[0]):.3f}." + _ev_sentence(study)
        )
    noun = "assembly was" if n == 1 else "assemblies were"
    text = f"{n} cell {noun} found in {units} units during the task"
    if study.config.null == "mp" and units < 10:
        text += " (with so few units the Marchenko–Pastur null is only approximate)"
    effect = study._done.get("effect")
    if effect is None:
        return text + "." + _ev_sentence(study)
    up = int((effect.low > 0).sum())
    events = f"{study.selection.event_name}s"
    verb = "changed"
    if np.isfinite(effect.mean_low):
        if effect.mean_low > 0:
            verb = "rose"
        elif effect.mean_high < 0:
            verb = "fell"
        else:
            verb = "did not change detectably"
    interval = (
        f" [{effect.mean_low:.2f}, {effect.mean_high:.2f}]" if np.isfinite(effect.mean_low) else ""
    )
    tail = "mean and 95 % interval over assemblies" if interval else "one assembly"
    return (
        f"{text}; from before to after it their activation at {events} {verb}, by "
        f"{effect.mean:+.2f} z²{interval} ({tail}; in {up} of {n} the interval over "
        f"{events} lies above 0)." + _ev_sentence(study)
    )


def _ev_sentence(study: Reactivation) -> str:
    result = study._done.get("explained_variance")
    if result is None:
        return ""
    ev, rev = (100 * float(np.nanmean(np.atleast_1d(v))) for v in (result.ev, result.rev))
    if not (np.isfinite(ev) and np.isfinite(rev)):
        return ""
    return (
        f" The task's pairwise correlations explain {ev:.1f} % of those after it beyond those "
        f"before (reverse control: {rev:.1f} %)."
    )


def make_tables(study: Reactivation) -> Iterator[ReportTable]:
    """Tables of the results that exist."""
    import pandas as pd

    done = study._done
    if study.n_assemblies:
        table = study.member_table()
        if "effect" in done:
            columns = ["pre", "post", "difference", "low", "high", "p"]
            effect = done["effect"].to_frame()[columns].iloc[:-1]
            table = pd.concat([table, effect.reset_index(drop=True)], axis=1)
        yield ReportTable(
            "assemblies",
            "Assemblies",
            "Members by Otsu's threshold on |weight|; response to the events (z²) before and after "
            "the task with the 95 % interval and p of their difference (Welch, over events).",
            table,
        )
        weights = pd.DataFrame(study.patterns.T, columns=plot_labels(study.n_assemblies))
        weights.insert(0, "unit", study.spikes.unit_ids)
        yield ReportTable("weights", "Weights", "Unit norm; a row a unit.", weights, 12)
    if "effect" in done:
        yield ReportTable(
            "reactivation",
            "Reactivation",
            "post − pre with 95 % intervals; last row: mean over assemblies (t-interval; p by "
            "Wilcoxon's signed-rank test).",
            done["effect"].to_frame(),
        )
    if "explained_variance" in done:
        yield ReportTable(
            "explained_variance",
            "Explained variance",
            "Whole epochs first, then windows of post.",
            _ev_table(done),
        )
    if "sweep" in done:
        yield ReportTable(
            "significance_sweep",
            "Significance sweep",
            "Assemblies for each number of shuffles and percentile of the null.",
            done["sweep"].to_frame() if hasattr(done["sweep"], "to_frame") else done["sweep"],
        )
    if "strongest" in done:
        yield ReportTable(
            "strongest_activations",
            "Strongest activations",
            "The strongest activation of each assembly shown in the raster.",
            done["strongest"].to_frame(),
        )
    if "pairwise" in done:
        yield ReportTable(
            "pairwise_correlations",
            "Pairwise correlations",
            f"Pearson r of counts in bins of {study.config.pairwise_bin:g} s.",
            done["pairwise"].to_frame(),
            10,
        )
    for name, title in (("response", "Peri-event activation"), ("unit_responses", "Rates")):
        if name in done:
            yield ReportTable(
                f"peri_event_{'activation' if name == 'response' else 'rates'}",
                title,
                "Long table of the curves in the figure.",
                done[name].to_frame(),
                6,
            )


def plot_labels(n: int) -> list[str]:
    """Labels A1 to An."""
    return [plot.assembly_label(k) for k in range(n)]


def _ev_table(done: dict[str, Any]) -> Any:
    import pandas as pd

    rows = []
    for name, key in (("whole", "explained_variance"), ("window", "explained_variance_over_time")):
        if key in done:
            result = done[key]
            ev, rev = np.atleast_1d(result.ev), np.atleast_1d(result.rev)
            times = np.atleast_1d(result.matching_time)
            for time, a, b in zip(times, ev, rev, strict=True):
                rows.append((name, float(time), float(a), float(b)))
    return pd.DataFrame(rows, columns=["window", "center_s", "ev", "rev"])


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


def _subtitle(study: Reactivation) -> str:
    path = study.session.path
    name = path.name if path is not None else study.session.meta.get("identifier", "recording")
    support = study.spikes.support_or_span()
    return f"{name}: {study.spikes.n_units} units, {support.total_duration:,.0f} s"


def _numbers(study: Reactivation) -> list[tuple[str, str, str]]:
    done, n = study._done, study.n_assemblies
    active = study.spikes.n_active
    cards = [
        (str(study.spikes.n_units), "units", f"{active} with spikes"),
        (str(n), "assembly" if n == 1 else "assemblies", f"null: {study.config.null}"),
    ]
    if "effect" in done:
        effect = done["effect"]
        detail = (
            f"z², 95 % [{number(effect.mean_low)}, {number(effect.mean_high)}]"
            if np.isfinite(effect.mean_low)
            else "z²"
        )
        cards.append((f"{effect.mean:+.2f}", "post − pre response", detail))
        cards.append((number(effect.mean_p, 2), "p over assemblies", "Wilcoxon signed-rank"))
    if "explained_variance" in done:
        ev = done["explained_variance"]
        value, reverse = (float(np.nanmean(np.atleast_1d(v))) * 100 for v in (ev.ev, ev.rev))
        cards.append((f"{value:.1f} %", "explained variance", f"reverse {reverse:.1f} %"))
    if "cross_detection" in done:
        found = done["cross_detection"].n_assemblies_
        cards.append((str(found), "cross-structural", f"by {study.config.groups}"))
    return cards


def _methods(study: Reactivation) -> list[Method]:
    done, used = study._done, [_ICA]
    if study.config.method == "ica" and study.n_assemblies:
        used.append(_METHODS["fastica"])
    if study.config.null == "mp":
        used.append(_METHODS["mp"])
    if study.n_assemblies:
        used += [_METHODS["activation"], _METHODS["members"]]
    if "effect" in done:
        used += [_METHODS["effect"], _METHODS["wilcoxon"]]
    if "explained_variance" in done:
        used.append(_METHODS["ev"])
    if "joint" in done:
        used.append(_METHODS["joint"])
    return used


def _provenance(out: Path) -> dict[str, Any]:
    file = out / "provenance.json"
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    source = content["input"]
    shown = {
        "cofire": content["cofire"],
        "command": content["command"],
        "input": source.get("path") or source.get("kind"),
        "size": f"{source['bytes']:,} bytes" if "bytes" in source else "in memory",
        "SHA-256": source.get("sha256_names_and_contents", "none"),
        "written": content["written"],
        "threads": content["threads"],
        "libraries": ", ".join(f"{k} {v}" for k, v in content["libraries"].items()),
    }
    return shown
