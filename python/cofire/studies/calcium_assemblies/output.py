"""The output folder of the comparison: figures, tables, results and the report page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cofire import plot
from cofire.assemblies import DetectorComparison
from cofire.report import Method, ReportFigure, ReportTable
from cofire.studies._page import read_provenance, write_folder
from cofire.studies.calcium_assemblies.config import CalciumConfig
from cofire.studies.calcium_assemblies.detect import DetectorRun
from cofire.studies.calcium_assemblies.source import CalciumMaterial

_NAMES = {
    "sgc": "SGC", "ica-mp": "ICA-MP", "ica-cs": "ICA-CS", "promax-mp": "Promax-MP",
    "promax-cs": "Promax-CS", "core": "CORE", "svd": "SVD", "fim": "FIM-X",
}  # fmt: skip
_COMPARED = Method(
    "Comparison of detectors, BestMatch, Similarity-Graph Clustering",
    "Mölter, Avitan & Goodhill 2018, BMC Biol",
    "10.1186/s12915-018-0606-4",
)
_METHODS = {
    "sgc": Method(
        "Number of groups in a graph",
        "Newman & Reinert 2016, Phys Rev Lett",
        "10.1103/PhysRevLett.117.078301",
    ),
    "ica": Method(
        "ICA",
        "Lopes-dos-Santos, Ribeiro & Tort 2013, J Neurosci Methods",
        "10.1016/j.jneumeth.2013.04.010",
    ),
    "promax": Method(
        "Promax",
        "Romano et al. 2015, Neuron",
        "10.1016/j.neuron.2015.01.027",
    ),
    "core": Method(
        "CORE",
        "Miller et al. 2014, PNAS",
        "10.1073/pnas.1406077111",
    ),
    "svd": Method(
        "SVD",
        "Carrillo-Reid et al. 2015, J Neurosci",
        "10.1523/JNEUROSCI.5214-14.2015",
    ),
    "fim": Method(
        "Closed item sets",
        "Torre et al. 2013, Front Comput Neurosci",
        "10.3389/fncom.2013.00132",
    ),
}


def write_output(
    comparison: DetectorComparison,
    runs: Mapping[str, DetectorRun],
    material: CalciumMaterial,
    config: CalciumConfig,
    out: Path,
    *,
    formats: Sequence[str] = ("png", "svg"),
    failures: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write figures, tables, results and report.

    Parameters
    ----------
    comparison : DetectorComparison
    runs : mapping of str to DetectorRun
    material : CalciumMaterial
    config : CalciumConfig
    out : Path
    formats : sequence of str
        Of the figure files.
    failures : sequence of (detector, message)
        Named in the report.

    Returns
    -------
    Path
        Of report.html.
    """
    models = {name: one.model for name, one in runs.items() if one.model is not None}
    empty = [
        f"{_NAMES[name]} found nothing: {reason}"
        for name, found, reason in zip(
            comparison.detectors, comparison.assemblies, comparison.reasons, strict=True
        )
        if found is not None and reason
    ]
    source = read_provenance(out).get("input") or "in memory"
    return write_folder(
        out,
        figures=make_figures(comparison, runs, material),
        tables=make_tables(comparison, material),
        results={"comparison": comparison, "models": models},
        formats=formats,
        title="Assemblies in a calcium recording",
        subtitle=f"{source}: {comparison.n_units:,} units, {comparison.n_frames:,} frames",
        finding=finding(comparison),
        numbers=key_numbers(comparison),
        taken=material.taken,
        dropped=[
            *material.dropped,
            *(f"{_NAMES[name]} was not run: {message}" for name, message in failures),
            *empty,
        ],
        methods=methods_used(comparison),
        parameters=config.to_dict(),
    )


def finding(comparison: DetectorComparison) -> str:
    """What was found, in a sentence or two."""
    ran = [k for k, ok in enumerate(comparison.ran) if ok]
    if not ran:
        return "No detector could be run: see what was left out."
    counts = ", ".join(
        f"{_NAMES[comparison.detectors[k]]} {int(comparison.n_assemblies[k])}" for k in ran
    )
    parts = [f"Assemblies found in {comparison.n_units:,} units: {counts}."]
    scores = comparison.score
    if np.isfinite(scores).any() and comparison.truth:
        best = int(np.nanargmax(scores))
        parts.append(
            f"Of {len(comparison.truth)} planted assemblies {_NAMES[comparison.detectors[best]]} "
            f"comes closest, BestMatch {scores[best]:.2f} (chance {comparison.chance[best]:.2f})."
        )
    pairs = _agreement(comparison)
    if len(pairs) == 1:
        parts.append(f"BestMatch of the two with each other: {pairs[0]:.2f}.")
    elif len(pairs):
        parts.append(
            f"BestMatch of the {len(pairs)} pairs of detectors: median {np.median(pairs):.2f} "
            f"({pairs.min():.2f} to {pairs.max():.2f})."
        )
    return " ".join(parts)


def key_numbers(comparison: DetectorComparison) -> list[tuple[str, str, str]]:
    """Number, label and detail of each detector that was run."""
    cards = []
    table = comparison.to_frame()
    for name, row in table[table["ran"]].iterrows():
        detail = f"{row['seconds']:.3g} s"
        if row["n_assemblies"]:
            detail = (
                f"{row['units_in_any'] / max(comparison.n_units, 1):.0%} of units, median size "
                f"{row['median_size']:g}, {detail}"
            )
        cards.append((str(row["n_assemblies"]), f"assemblies by {_NAMES[str(name)]}", detail))
    return cards


def make_tables(comparison: DetectorComparison, material: CalciumMaterial) -> list[ReportTable]:
    """Detectors, their agreement, and members of every assembly."""
    members = comparison.members_frame()
    members["unit_id"] = np.asarray(material.unit_ids)[members["unit"].to_numpy(dtype=np.int64)]
    sizes = (
        members.groupby(["detector", "assembly"], sort=False).size().rename("n_units").reset_index()
    )
    detectors = comparison.to_frame().reset_index()
    detectors["parameters"] = list(comparison.parameters)
    return [
        ReportTable(
            "detectors", "Detectors",
            "Assemblies, units in any of them, BestMatch with planted assemblies where those are "
            "known, run time (s), and why a detector found nothing or was not run.",
            detectors,
        ),
        ReportTable(
            "agreement", "Agreement", "BestMatch of every pair of detectors.",
            comparison.agreement_frame().reset_index(),
        ),
        ReportTable("assemblies", "Assemblies", "Number of units of each.", sizes),
        ReportTable(
            "members", "Members",
            "Units of each assembly: from 0 in the order of the recording, and by its own names.",
            members, max_rows=0,
        ),
    ]  # fmt: skip


def make_figures(
    comparison: DetectorComparison, runs: Mapping[str, DetectorRun], material: CalciumMaterial
) -> list[ReportFigure]:
    """Agreement of detectors; co-activity, posterior and patterns of SGC; maps."""
    known = "BestMatch with the truth" if comparison.truth else "assemblies found"
    figures = [
        ReportFigure(
            "detectors", "Detectors side by side",
            f"BestMatch of every pair of detectors (1: the same assemblies), {known}, run time.",
            plot.plot_detectors(comparison)[0], "plot.plot_detectors",
        )
    ]  # fmt: skip
    sgc = runs["sgc"].model if "sgc" in runs else None
    if sgc is not None:
        figures += _sgc_figures(sgc, material)
    found = _shown(comparison, runs)
    if found is not None and material.positions is not None:
        name, assemblies = found
        figures.append(
            ReportFigure(
                "assembly_map", f"Assemblies of {_NAMES[name]} in space",
                "All cells, and the members of each assembly.",
                plot.plot_assembly_map(material.positions, assemblies)[0],
                "plot.plot_assembly_map",
            )
        )  # fmt: skip
    return figures


def _sgc_figures(model: Any, material: CalciumMaterial) -> list[ReportFigure]:
    figures = [
        ReportFigure(
            "sgc_coactivity", "Co-activity",
            "Active units in each frame; the line is the level that chance passes in a share "
            f"{model.p:g} of frames.",
            plot.plot_coactivity(model, rate=material.rate)[0], "plot.plot_coactivity",
        )
    ]  # fmt: skip
    if model.chains_ is not None:
        figures.append(
            ReportFigure(
                "sgc_k_posterior", "How many groups of patterns",
                "Posterior of the number of groups, and the chains behind it; what lies before "
                "equilibrium is faint.",
                plot.plot_k_posterior(model)[0], "plot.plot_k_posterior",
            )
        )  # fmt: skip
    if model.assemblies_:
        figures.append(
            ReportFigure(
                "sgc_patterns", "Assemblies of SGC",
                "Share of the patterns of each assembly in which each unit is active.",
                plot.plot_sgc_patterns(model)[0], "plot.plot_sgc_patterns",
            )
        )  # fmt: skip
    return figures


def _shown(
    comparison: DetectorComparison, runs: Mapping[str, DetectorRun]
) -> tuple[str, tuple[Any, ...]] | None:
    """The first detector in the order given that found something."""
    for name, found in zip(comparison.detectors, comparison.assemblies, strict=True):
        if found:
            return name, found
    return None


def _agreement(comparison: DetectorComparison) -> Any:
    matrix = comparison.agreement
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    return pairs[np.isfinite(pairs)]


def methods_used(comparison: DetectorComparison) -> list[Method]:
    """What to cite for the detectors that were run."""
    used: dict[str, None] = {}
    for name, ok in zip(comparison.detectors, comparison.ran, strict=True):
        if ok:
            used[name.split("-")[0]] = None
    return [_COMPARED, *(_METHODS[name] for name in used)]
