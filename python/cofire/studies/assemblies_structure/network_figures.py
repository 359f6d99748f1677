"""The figures of the whole network, in the order of the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import plot
from cofire.report import ReportFigure
from cofire.studies.assemblies_structure.labels import CELL_MEASURES, p_text

if TYPE_CHECKING:
    import pandas as pd

    from cofire.studies.assemblies_structure.workflow import AssembliesStructure

_SOURCE = "cofire.plot."
_SHOWN = ("reciprocity", "clustering", "path length", "global efficiency", "modularity")


def networks(study: AssembliesStructure) -> dict[str, Any]:
    """Measures of each network that was measured, "all" first."""
    return {
        name: study._done[f"network_{name}"]
        for name in study.edge_types
        if f"network_{name}" in study._done
    }


def network_figures(study: AssembliesStructure) -> Iterator[ReportFigure]:
    """Figures of the results that exist."""
    found = networks(study) if study.with_network else {}
    if found:
        yield _degrees(found)
        yield _against_nulls(found)
        yield _motifs(found)
        if "all" in found:
            yield _rich_club(found["all"])
    if "class_agreement" in study._done:
        yield _communities(study)
    if "class_wiring" in study._done:
        yield _class_wiring(study)
    if "all" in found and study.material.groups is not None:
        yield _measures_by_class(study, found["all"])


def _degrees(found: dict[str, Any]) -> ReportFigure:
    import pandas as pd

    parts = [
        each.cells[["in_degree", "out_degree"]].assign(edge_type=name)
        for name, each in found.items()
    ]
    figure, _ = plot.plot_degrees(pd.concat(parts))
    n = len(next(iter(found.values())).cells)
    return ReportFigure(
        "degree_distributions",
        "How many partners do cells have?",
        f"Share of {n:,} cells with at least so many presynaptic and postsynaptic partners, by "
        "edge type.",
        figure,
        _SOURCE + "plot_degrees",
    )


def _against_nulls(found: dict[str, Any]) -> ReportFigure:
    import pandas as pd

    parts = []
    for name, each in found.items():
        rows = each.summary[each.summary["measure"].isin(_SHOWN)]
        parts.append(rows.assign(edge_type=name))
    table = pd.concat(parts)
    table = table[np.isfinite(table["observed"])]
    figure, _ = plot.plot_null_comparison(table)
    n = next(iter(found.values())).n_nulls
    return ReportFigure(
        "network_measures",
        "More than degrees explain?",
        f"Points: observed; bars: mean and 95 % of {n} networks shuffled at equal degrees. Path "
        "length over the pairs with a path.",
        figure,
        _SOURCE + "plot_null_comparison",
    )


def _motifs(found: dict[str, Any]) -> ReportFigure:
    import pandas as pd

    table = pd.concat([each.motifs.assign(edge_type=name) for name, each in found.items()])
    figure, _ = plot.plot_motif_profile(table)
    n = next(iter(found.values())).n_nulls
    return ReportFigure(
        "motif_profile",
        "Which motifs are over-represented?",
        f"Counts of the 13 connected patterns of three cells as z-scores over {n} networks "
        "shuffled at equal degrees; grey: \N{MINUS SIGN}2 to 2; linear within, logarithmic "
        "beyond. "
        "No point: the count does not vary among the shuffles.",
        figure,
        _SOURCE + "plot_motif_profile",
    )


def _rich_club(found: Any) -> ReportFigure:
    figure, _ = plot.plot_rich_club(found.rich_club)
    return ReportFigure(
        "rich_club",
        "Is there a rich club?",
        f"Density of connections among cells with more than k partners, beside {found.n_nulls} "
        "networks shuffled at equal degrees, down to ten cells; points: larger than in all but 5 % "
        "of the shuffles.",
        figure,
        _SOURCE + "plot_rich_club",
    )


def _communities(study: AssembliesStructure) -> ReportFigure:
    found = study._done["class_agreement"]
    low, high = np.percentile(found.null_nmi, [2.5, 97.5])
    figure, _ = plot.plot_partition_table(
        found.table,
        columns=str(study.config.groups),
        title=f"NMI {found.nmi:.3f} (shuffled classes: {low:.3f} to {high:.3f}), "
        f"{p_text(found.p)}; VI / log n {found.vi:.3f}",
    )
    return ReportFigure(
        "communities",
        "Are communities classes of cells?",
        "Communities by Louvain (weighted by synapses, directed) of all edge types together; "
        f"numbers: cells; color: share of the class. {found.n_cells:,} cells have a class.",
        figure,
        _SOURCE + "plot_partition_table",
    )


def _class_wiring(study: AssembliesStructure) -> ReportFigure:
    table = study._done["class_wiring"]
    matrix: pd.DataFrame = table.pivot(index="pre_class", columns="post_class", values="share")
    figure, _ = plot.plot_class_wiring(matrix)
    return ReportFigure(
        "class_wiring",
        "Who synapses onto whom?",
        f"Share of connected pairs from cells of one {study.config.groups} (rows) onto another; "
        "logarithmic colors; grey: none.",
        figure,
        _SOURCE + "plot_class_wiring",
    )


def _measures_by_class(study: AssembliesStructure, found: Any) -> ReportFigure:
    groups = study.material.groups
    assert groups is not None
    table = found.cells.assign(**{"class": groups.reindex(found.cells.index)})
    figure, _ = plot.plot_measures_by_class(table, CELL_MEASURES, log=("betweenness", "pagerank"))
    return ReportFigure(
        "measures_by_class",
        "Which cells are central?",
        f"Every cell by {study.config.groups} (number of cells in brackets), with median and "
        "quartiles; sorted by median betweenness. Cells without betweenness lie at the left end.",
        figure,
        _SOURCE + "plot_measures_by_class",
    )
