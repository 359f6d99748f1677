"""The tables of the study, on the page or as files alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cofire.report import ReportTable
from cofire.studies.assemblies_structure.network_figures import networks

if TYPE_CHECKING:
    import pandas as pd

    from cofire.studies.assemblies_structure.workflow import AssembliesStructure


def make_tables(study: AssembliesStructure) -> Iterator[ReportTable]:
    """Tables of the results that exist; those with max_rows 0 are files only."""
    done = study._done
    for step, title in (
        ("monosynaptic", "Direct connections"),
        ("chains_excitatory", "E-chains"),
        ("chains_inhibitory", "I-chains"),
    ):
        if step in done:
            yield from _connection_tables(step, title, done[step])
    if "centralities" in done:
        yield ReportTable(
            "centralities_tests",
            "Centralities",
            "Rank sum of cells of assemblies against cells in none.",
            done["centralities"].tests,
        )
        yield ReportTable("centralities", "Centralities", "", done["centralities"].table, 0)
    yield from _control_tables(done)
    if study.with_network:
        yield from _network_tables(study)
    dropped = study.material.classes.dropped if study.material.classes is not None else None
    if dropped is not None and len(dropped):
        yield ReportTable("dropped_cells", "Cells left out", "Every one, with why.", dropped, 0)


def _connection_tables(step: str, title: str, result: Any) -> Iterator[ReportTable]:
    yield ReportTable(
        f"{step}_tests",
        f"{title}: tests",
        "B: connected or not; W: size. out, in: per pre- or postsynaptic cell. statistic: χ², z of "
        "the rank sum, W+ of the signed rank; effect with its interval.",
        result.tests,
    )
    yield ReportTable(
        f"{step}_shares",
        f"{title}: pairs",
        "By class.",
        result.shares[result.shares["n_pairs"] > 0],
    )
    yield ReportTable(f"{step}_contingency", title, "", result.contingency, 0)
    yield ReportTable(f"{step}_pairs", title, "", result.pairs, 0)
    yield ReportTable(f"{step}_cells", title, "", result.cells, 0)


def _control_tables(done: dict[str, Any]) -> Iterator[ReportTable]:
    import pandas as pd

    if "tail" in done:
        mixture = done["tail"].mixture
        table = pd.DataFrame(
            {"weight": mixture.weights, "mean_log10": mixture.means, "sd_log10": mixture.sds}
        ).assign(boundary_log10=mixture.boundary, kind=mixture.kind)
        yield ReportTable("tail_mixture", "Mixture of sizes", "Of log10.", table)
        yield ReportTable("tail_counts", "Tail", "", done["tail"].counts, 0)
    if "distance" in done:
        control = done["distance"]["control"]
        yield ReportTable(
            "distance_axes",
            "Position",
            "Rank sum of |position \N{MINUS SIGN} centroid|, cells in none against assemblies.",
            control.axes,
        )
        if len(control.logistic):
            yield ReportTable(
                "distance_logistic",
                "Connection on class and distance",
                "Logistic regression (extension of cofire).",
                control.logistic,
            )
        yield ReportTable("distance_curve", "Distance", "", done["distance"]["curve"], 0)
    if "by_assembly" in done:
        yield ReportTable(
            "by_assembly",
            "Assembly by assembly",
            "Pairs within the assembly (shared) and from it to others (disjoint). Without "
            "correction for the number of assemblies.",
            done["by_assembly"],
        )
    if "nulls" in done:
        frames = [null.to_frame().assign(shuffle=kind) for kind, null in done["nulls"].items()]
        yield ReportTable(
            "permutation_tests", "Permutation tests", "Shuffles keep dependence within cells.",
            pd.concat(frames, ignore_index=True),
        )  # fmt: skip
    if "power" in done:
        yield ReportTable("power", "Power", "By planted excess.", done["power"].to_frame(), 0)
    if "motifs" in done:
        yield ReportTable(
            "motifs",
            "Patterns of cells of assemblies",
            "All cells in some assembly, further connections allowed; against wiring shuffled at "
            "equal degrees (two-sided).",
            done["motifs"],
        )
    if "agreement" in done:
        yield ReportTable(
            "community_agreement", "Communities and assemblies", "Each assembly against the rest.",
            done["agreement"].by_assembly,
        )  # fmt: skip
    if "coupling" in done:
        yield ReportTable(
            "coupling", "Coupling on wiring", "Standardized; p by exchange of cells.",
            done["coupling"].to_frame(),
        )  # fmt: skip


def _network_tables(study: AssembliesStructure) -> Iterator[ReportTable]:
    import pandas as pd

    found = networks(study)
    if not found:
        return
    yield ReportTable(
        "network_overview", "Networks", "By edge type; measures in rows.", _overview(found)
    )
    summary = pd.concat([each.summary.assign(edge_type=name) for name, each in found.items()])
    summary = summary[["edge_type", *summary.columns[:-1]]]
    yield ReportTable("network_measures", "Networks", "", summary, 0)
    compared = summary[summary["n_nulls"].notna()]
    yield ReportTable(
        "network_against_shuffles",
        "Measures against shuffles",
        "Two-sided p from the shuffles.",
        compared,
    )
    motifs = pd.concat([each.motifs.assign(edge_type=name) for name, each in found.items()])
    motifs = motifs[["edge_type", *motifs.columns[:-1]]]
    yield ReportTable("motifs_of_three", "Motifs", "Against shuffles.", motifs, 13)
    clubs = pd.concat([each.rich_club.assign(edge_type=name) for name, each in found.items()])
    yield ReportTable("rich_club", "Rich club", "", clubs, 0)
    cells = pd.concat([each.cells.reset_index().assign(edge_type=n) for n, each in found.items()])
    if study.material.groups is not None:
        cells["class"] = study.material.groups.reindex(cells["cell"]).to_numpy()
    yield ReportTable("cell_measures", "Measures of cells", "", cells, 0)
    yield from _class_tables(study, cells)


def _class_tables(study: AssembliesStructure, cells: pd.DataFrame) -> Iterator[ReportTable]:
    done = study._done
    if "class" in cells:
        every = cells[cells["edge_type"] == "all"].drop(columns=["cell", "edge_type", "community"])
        table = every.groupby("class").median(numeric_only=True)
        table.insert(0, "n_cells", every.groupby("class").size())
        yield ReportTable(
            "measures_by_class", "Cells by class", "Medians, all edge types together.",
            table.reset_index(),
        )  # fmt: skip
    if "class_wiring" in done:
        yield ReportTable("class_wiring", "Wiring of classes", "", done["class_wiring"], 0)
    if "class_agreement" in done:
        table = done["class_agreement"].table.rename_axis("community").reset_index()
        yield ReportTable("communities", "Communities and classes", "Numbers of cells.", table)


def _overview(found: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    columns = {name: each.summary.set_index("measure")["observed"] for name, each in found.items()}
    table = pd.DataFrame(columns)
    extra = {
        "small-worldness": {n: each.small_worldness for n, each in found.items()},
        "small-world propensity": {n: each.propensity for n, each in found.items()},
    }
    table = pd.concat([table, pd.DataFrame(extra).T])
    return table.rename_axis("measure").reset_index()
