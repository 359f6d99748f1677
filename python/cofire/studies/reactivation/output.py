"""The output folder of the study: figures, tables, results and the report page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import plot
from cofire.report import Method, ReportTable, number
from cofire.studies._page import write_folder
from cofire.studies.reactivation.figures import make_figures

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
    return write_folder(
        out,
        figures=list(make_figures(study)),
        tables=list(make_tables(study)),
        results=collect_results(study),
        formats=formats,
        title="Cell assemblies and their reactivation",
        subtitle=_subtitle(study),
        finding=finding(study),
        numbers=_numbers(study),
        taken=study.selection.taken,
        dropped=[*_left_out(study), *(f"{s} failed: {m}" for s, m in failures)],
        methods=_methods(study),
        parameters=study.config.to_dict(),
    )


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
