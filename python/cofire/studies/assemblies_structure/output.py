"""The output folder of the study: figures, tables, results and the report page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cofire.studies._page import write_folder
from cofire.studies.assemblies_structure.figures import make_figures
from cofire.studies.assemblies_structure.finding import finding, key_numbers
from cofire.studies.assemblies_structure.methods import methods_used
from cofire.studies.assemblies_structure.tables import make_tables

if TYPE_CHECKING:
    from cofire.studies.assemblies_structure.workflow import AssembliesStructure


def write_output(
    study: AssembliesStructure,
    out: Path,
    *,
    formats: Sequence[str] = ("png", "svg"),
    failures: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write figures, tables, results and report of a study whose steps are done.

    Parameters
    ----------
    study : AssembliesStructure
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
        title=_title(study),
        subtitle=_subtitle(study),
        finding=finding(study),
        numbers=key_numbers(study),
        taken=study.material.taken,
        dropped=[*_left_out(study), *(f"{s} failed: {m}" for s, m in failures)],
        methods=methods_used(study),
        parameters=study.config.to_dict(),
    )


def collect_results(study: AssembliesStructure) -> dict[str, Any]:
    """Every result by the name of its step, as stored in results.npz and results.json."""
    # Sorted, so that a resumed run writes the same bytes as one without a break.
    return {name: study._done[name] for name in sorted(study._done)}


def _left_out(study: AssembliesStructure) -> list[str]:
    left = list(study.material.dropped)
    for name in study.step_names:
        reason = study.missing(name)
        silent = name == "coupling" or (not study.has_assemblies and name not in ("map",))
        if reason is not None and not silent:
            left.append(f"{name.replace('_', ' ')}: {reason}")
    return left


def _title(study: AssembliesStructure) -> str:
    if study.has_assemblies:
        return "Assemblies and the connectome beneath them"
    return "The connectome as a network"


def _subtitle(study: AssembliesStructure) -> str:
    source = study.sources.connectome if study.sources.synapses is None else study.sources.synapses
    name = Path(source).name if isinstance(source, (str, Path)) else "in memory"
    network = study.material.network
    return f"{name}: {len(network.row_ids):,} cells, {network.count.nnz:,} connected pairs"
