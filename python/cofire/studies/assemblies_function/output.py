"""The output folder of the study: figures, tables, results and the report page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cofire.studies._page import write_folder
from cofire.studies.assemblies_function.figures import make_figures
from cofire.studies.assemblies_function.finding import finding, key_numbers
from cofire.studies.assemblies_function.methods import methods_used
from cofire.studies.assemblies_function.tables import make_tables

if TYPE_CHECKING:
    from cofire.studies.assemblies_function.workflow import AssembliesFunction


def write_output(
    study: AssembliesFunction,
    out: Path,
    *,
    formats: Sequence[str] = ("png", "svg"),
    failures: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write figures, tables, results and report of a study whose steps are done.

    Parameters
    ----------
    study : AssembliesFunction
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
        title="What the assemblies do",
        subtitle=_subtitle(study),
        finding=finding(study),
        numbers=key_numbers(study),
        taken=study.material.taken,
        dropped=[*_left_out(study), *(f"{s} failed: {m}" for s, m in failures)],
        methods=methods_used(study),
        parameters=study.config.to_dict(),
    )


def collect_results(study: AssembliesFunction) -> dict[str, Any]:
    """Every result by the name of its step, as stored in results.npz and results.json."""
    # Sorted, so that a resumed run writes the same bytes as one without a break.
    return {name: study._done[name] for name in sorted(study._done)}


def _left_out(study: AssembliesFunction) -> list[str]:
    left = [*study.material.dropped, *study.trials_dropped()]
    reasons: dict[str, list[str]] = {}
    for name in study.step_names:
        reason = study.missing(name)
        if reason is not None and name not in study._done:
            reasons.setdefault(reason, []).append(name)
    # Steps with the same reason share a line.
    return [*left, *(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())]


def _subtitle(study: AssembliesFunction) -> str:
    material = study.material
    return f"{material.name}: {material.n_units:,} cells, {len(material.raster):,} frames"
