"""The output folder of the study: figures, tables, results and the report page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import plot
from cofire.report import Method, Report, ReportTable, number
from cofire.studies._page import read_provenance, write_table
from cofire.studies.assemblies_structure.figures import make_figures
from cofire.studies.assemblies_structure.labels import class_labels, p_text
from cofire.studies.assemblies_structure.network_figures import networks
from cofire.types import save

if TYPE_CHECKING:
    import pandas as pd

    from cofire.studies.assemblies_structure.workflow import AssembliesStructure

_STUDY = Method(
    "Assemblies and the connectome",
    "Wagner-Carena et al. 2025, bioRxiv",
    "10.1101/2025.04.24.649900",
)
_METHODS = {
    "chi": Method("Chi-squared with continuity correction", "Yates 1934, J R Stat Soc", "10.2307/2983604"),
    "ranks": Method("Rank-sum and signed-rank tests", "Wilcoxon 1945, Biometrics", "10.2307/3001968"),
    "wilson": Method("Intervals of shares", "Wilson 1927, J Am Stat Assoc", "10.1080/01621459.1927.10502953"),
    "betweenness": Method("Betweenness", "Brandes 2001, J Math Sociol", "10.1080/0022250X.2001.9990249"),
    "permutation": Method("p of permutation tests", "Phipson & Smyth 2010, Stat Appl Genet Mol Biol", "10.2202/1544-6115.1585"),
    "louvain": Method("Communities (Louvain)", "Blondel et al. 2008, J Stat Mech", "10.1088/1742-5468/2008/10/P10008"),
    "rewire": Method("Shuffles at equal degrees", "Maslov & Sneppen 2002, Science", "10.1126/science.1065103"),
    "motifs": Method("Motifs of three cells", "Milo et al. 2002, Science", "10.1126/science.298.5594.824"),
    "rich": Method("Rich club", "Colizza et al. 2006, Nat Phys", "10.1038/nphys209"),
    "clustering": Method("Clustering of directed networks", "Fagiolo 2007, Phys Rev E", "10.1103/PhysRevE.76.026107"),
    "measures": Method("Measures of brain networks", "Rubinov & Sporns 2010, NeuroImage", "10.1016/j.neuroimage.2009.10.003"),
    "small": Method("Small-world propensity", "Muldoon, Bridgeford & Bassett 2016, Sci Rep", "10.1038/srep22057"),
    "vi": Method("Agreement of partitions", "Meilă 2007, J Multivar Anal", "10.1016/j.jmva.2006.11.013"),
}  # fmt: skip


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
    out.mkdir(parents=True, exist_ok=True)
    figures = list(make_figures(study))
    for item in figures:
        plot.save_figure(item.figure, out / "figures", item.name, tuple(formats))
    tables = list(make_tables(study))
    for entry in tables:
        write_table(entry, out / "tables")
    save(collect_results(study), out / "results")
    report = Report(
        title=_title(study),
        subtitle=_subtitle(study),
        finding=finding(study),
        numbers=_numbers(study),
        taken=study.material.taken,
        dropped=[*_left_out(study), *(f"{s} failed: {m}" for s, m in failures)],
        figures=figures,
        tables=[entry for entry in tables if entry.max_rows],
        methods=_methods(study),
        parameters=study.config.to_dict(),
        provenance=read_provenance(out),
        formats=tuple(formats),
    )
    return report.write(out / "report.html")


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


# --- the finding ----------------------------------------------------------------------------------


def finding(study: AssembliesStructure) -> str:
    """What was found, in a few sentences with numbers and uncertainty."""
    parts = []
    if "monosynaptic" in study._done:
        parts.append(_direct_sentence(study))
    if study.has_assemblies:
        parts += [_chain_sentence(study), _central_sentence(study), _power_sentence(study)]
    found = networks(study) if study.with_network else {}
    if "all" in found and not study.has_assemblies:
        parts.append(_network_sentence(found["all"]))
    if "class_agreement" in study._done:
        agreement = study._done["class_agreement"]
        parts.append(
            f"Its communities go with the classes of cells: NMI {agreement.nmi:.2f} "
            f"({p_text(agreement.p)} by shuffling the classes)."
        )
    text = " ".join(part for part in parts if part)
    return text or "Nothing could be compared: see what was left out."


def _direct_sentence(study: AssembliesStructure) -> str:
    result, labels = study.monosynaptic(), class_labels(study)
    pair = study._contrast
    shares = result.shares.set_index("class")
    if not all(shares.loc[name, "n_pairs"] for name in pair):
        return f"There are no pairs of both classes {pair[0]} and {pair[1]}."
    row = result.test("B", "chi_squared", pair)
    first, second = (
        f"{100 * shares.loc[n, 'share']:.2f} % ({shares.loc[n, 'n_connected']:,} of "
        f"{shares.loc[n, 'n_pairs']:,})"
        for n in pair
    )
    verb = "more often than" if row["effect"] > 1 else "less often than"
    if not row["p"] < 0.05:
        verb = "about as often as"
    who = {n: _who(labels.get(n, n)) for n in pair}
    text = (
        f"{who[pair[0]].capitalize()} are connected {verb} {who[pair[1]]}: {first} against "
        f"{second}, odds ratio {row['effect']:.2f} [{row['low']:.2f}, {row['high']:.2f}], "
        f"{p_text(float(row['p']))}."
    )
    if result.has_sizes:
        sizes = result.test("W", "rank_sum", pair)
        if np.isfinite(sizes["p"]):
            text += (
                f" Their connections are {_size_word(sizes)} (rank-biserial r "
                f"{sizes['effect']:+.2f} [{sizes['low']:.2f}, {sizes['high']:.2f}], "
                f"{p_text(float(sizes['p']))}, {study.config.alternative})."
            )
    return text


def _who(label: str) -> str:
    kind, _, word = label.partition(" ")
    if kind == "same":
        return f"cells of the same {word}"
    if kind == "another":
        return f"those of {label}"
    return f"cells of {label}" if kind == "different" else f"pairs of class {label}"


def _size_word(row: Any) -> str:
    if not row["p"] < 0.05:
        return (
            "not detectably larger" if row["alternative"] == "greater" else "not detectably other"
        )
    return "larger" if row["effect"] > 0 else "smaller"


def _chain_sentence(study: AssembliesStructure) -> str:
    texts = []
    for middle in ("excitatory", "inhibitory"):
        result = study._done.get(f"chains_{middle}")
        if result is None:
            continue
        row = result.test("B", "chi_squared", study._contrast)
        if np.isfinite(row["p"]):
            often = "more often" if row["effect"] > 1 else "less often"
            often = often if row["p"] < 0.05 else "about as often"
            texts.append(
                f"{often} through {middle} cells (odds ratio {row['effect']:.2f} [{row['low']:.2f}, "
                f"{row['high']:.2f}], {p_text(float(row['p']))})"
            )
    return f"Chains of two connections join them {', '.join(texts)}." if texts else ""


def _central_sentence(study: AssembliesStructure) -> str:
    found = study._done.get("centralities")
    if found is None:
        return ""
    tests = found.tests[np.isfinite(found.tests["p"])]
    low = tests[tests["p"] < 0.05]
    if not len(tests):
        return ""
    if not len(low):
        return "Cells of assemblies are not detectably more central than others."
    names = ", ".join(
        f"{row.quantity.replace('_', '-')} (z = {row.statistic:.2f}, {p_text(float(row.p))})"
        for row in low.itertuples()
    )
    return f"Cells of assemblies differ from cells in none in {names}."


def _power_sentence(study: AssembliesStructure) -> str:
    found = study._done.get("power")
    if found is None:
        return ""
    smallest = found.smallest("B", "chi_squared")
    if not np.isfinite(smallest):
        top = max(study.config.power_effects)
        return f"With these cells even a {top:g}-fold share of connections would be found in less than 80 %."
    if smallest <= 1:
        return ""
    return (
        f"A {smallest:g}-fold share of connections would have been found with a chance of at least "
        "80 %."
    )


def _network_sentence(found: Any) -> str:
    rows = found.summary.set_index("measure")

    def against(name: str, digits: int = 3) -> str:
        row = rows.loc[name]
        return (
            f"{row['observed']:.{digits}f} against {row['null_mean']:.{digits}f} "
            f"[{row['null_low']:.{digits}f}, {row['null_high']:.{digits}f}]"
        )

    club = found.rich_club
    rich = club[(club["p"] < 0.05) & (club["normalized"] > 1) & (club["n_cells"] >= 10)]
    text = (
        f"The network of {len(found.cells):,} cells and {rows.loc['edges', 'observed']:,.0f} "
        f"connections is more clustered than shuffled ones of equal degrees "
        f"({against('clustering')}, mean and 95 % of {found.n_nulls}), has a reciprocity of "
        f"{against('reciprocity')} and a path length of {against('path length', 2)}"
        if rows.loc["clustering", "observed"] > rows.loc["clustering", "null_high"]
        else f"The network of {len(found.cells):,} cells has a clustering of "
        f"{against('clustering')} (shuffles of equal degrees: mean and 95 % of {found.n_nulls})"
    )
    if len(rich):
        top = rich.loc[rich["normalized"].idxmax()]
        text += (
            f"; the {int(top['n_cells']):,} cells with more than {int(top['degree'])} partners are "
            f"connected {top['normalized']:.2f} times as densely as in shuffles (a rich club)"
        )
    return text + "."


# --- numbers, tables, methods ---------------------------------------------------------------------


def _numbers(study: AssembliesStructure) -> list[tuple[str, str, str]]:
    network = study.material.network
    cards = [
        (f"{len(network.row_ids):,}", "cells", "in the network"),
        (f"{network.count.nnz:,}", "connected pairs", f"{network.n_synapses:,} synapses"),
    ]
    classes = study.material.classes
    if classes is not None and study.has_assemblies:
        inside = int(classes.in_assembly.sum())
        cards.append(
            (
                str(len(classes.assemblies)),
                "assemblies",
                f"{inside:,} cells, {len(classes.cell_ids) - inside:,} in none",
            )
        )
    if "monosynaptic" in study._done:
        row = study.monosynaptic().test("B", "chi_squared", study._contrast)
        cards.append(
            (
                number(float(row["effect"])),
                "odds ratio of a connection",
                f"95 % [{number(float(row['low']))}, {number(float(row['high']))}], "
                f"{p_text(float(row['p']))}",
            )
        )
    found = networks(study) if study.with_network else {}
    if "all" in found:
        every = found["all"]
        cards.append((f"{every.value('reciprocity'):.3f}", "reciprocity", "share of mutual edges"))
        cards.append((f"{every.value('path length'):.2f}", "path length", "steps, reachable pairs"))
        cards.append(
            (
                f"{every.small_worldness:.2f}",
                "small-worldness",
                f"propensity {every.propensity:.2f}",
            )
        )
    return cards


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
    yield ReportTable(f"{step}_shares", f"{title}: pairs", "By class.", result.shares)
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


def _methods(study: AssembliesStructure) -> list[Method]:
    done = study._done
    used = [_STUDY] if "monosynaptic" in done and study.has_assemblies else []
    names = []
    if "monosynaptic" in done:
        names += ["chi", "ranks", "wilson"]
    if "centralities" in done or study.with_network:
        names.append("betweenness")
    if "nulls" in done:
        names.append("permutation")
    if "agreement" in done or study.with_network:
        names += ["louvain", "vi"]
    if study.with_network:
        names += ["rewire", "motifs", "rich", "clustering", "measures", "small"]
    return [*used, *(_METHODS[name] for name in names)]
