"""The figures of assemblies and their wiring, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import plot
from cofire.report import ReportFigure
from cofire.studies.assemblies_structure.labels import (
    CENTRALITIES,
    PAIR_WORDS,
    class_labels,
    contrast_text,
    p_text,
    size_label,
    test_text,
)
from cofire.studies.assemblies_structure.network_figures import network_figures

if TYPE_CHECKING:
    from cofire.studies.assemblies_structure.workflow import AssembliesStructure

_SOURCE = "cofire.plot."


def make_figures(study: AssembliesStructure) -> Iterator[ReportFigure]:
    """Figures of the results that exist, in the order of the page."""
    makers: list[tuple[str, Callable[[AssembliesStructure], Iterator[ReportFigure]]]] = [
        ("monosynaptic", lambda s: _connections(s, "monosynaptic")),
        ("chains_excitatory", lambda s: _connections(s, "chains_excitatory")),
        ("chains_inhibitory", lambda s: _connections(s, "chains_inhibitory")),
        ("centralities", _centralities),
        ("map", _map),
        ("tail", _tail),
        ("distance", _distance),
        ("by_assembly", _by_assembly),
        ("nulls", _nulls),
        ("power", _power),
        ("agreement", _agreement),
        ("coupling", _coupling),
    ]
    late = [makers.pop(4)] if not study.has_assemblies else []
    for key, make in makers:
        if key in study._done:
            yield from make(study)
    yield from network_figures(study)
    for key, make in late:
        if key in study._done:
            yield from make(study)


def _connections(study: AssembliesStructure, step: str) -> Iterator[ReportFigure]:
    result, labels = study._done[step], class_labels(study)
    mono = step == "monosynaptic"
    title = {
        "monosynaptic": "Are cells of one assembly connected more often?",
        "chains_excitatory": "Through excitatory cells?",
        "chains_inhibitory": "Through inhibitory cells?",
    }[step]
    if mono and not study.has_assemblies:
        title = f"Are cells of one {study.material.assembly_word} connected more often?"
    shares = result.shares[result.shares["class"].isin(result.shares["class"][:5])]
    shares = shares[shares["n_pairs"] > 0]
    if not len(shares):
        return
    pairs = _testable(result)
    notes = {pair: test_text(result.test("B", "chi_squared", pair)) for pair in pairs}
    table = result.contingency
    table = table[[(a, b) in pairs for a, b in zip(table["first"], table["second"], strict=True)]]
    figure, _ = plot.plot_connection_shares(
        shares.head(5), table, what=PAIR_WORDS[step], labels=labels, notes=notes
    )
    yield ReportFigure(
        "connection_probability" if mono else f"{step}_probability",
        title,
        f"Ordered pairs {PAIR_WORDS[step]}, with 95 % intervals (Wilson); right: observed and "
        "expected numbers, and what each cell of the table adds to χ².",
        figure,
        _SOURCE + "plot_connection_shares",
    )
    if not result.has_sizes or not len(result.pairs):
        return
    contrast = study.config.contrast_pairs[0]
    row = result.test("W", "rank_sum", contrast)
    present = [n for n in shares["class"].astype(str)[:5] if (result.pairs["class"] == n).any()]
    figure, _ = plot.plot_raincloud(
        result.pairs[result.pairs["value"] > 0],
        label=size_label(study, 1 if mono else 2),
        order=present,
        labels=labels,
        log=True,
        note=f"{contrast_text(contrast, labels, study.config.alternative)}: {test_text(row)}",
    )
    kind = "connections" if mono else "chains"
    yield ReportFigure(
        "summed_psd" if mono else f"{step}_strength",
        f"And by larger {'synapses' if mono else 'chains'}?",
        f"Size of {kind} of each connected pair: density, quartiles, every pair; right: mean and "
        "standard error of log10.",
        figure,
        _SOURCE + "plot_raincloud",
    )


def _testable(result: Any) -> list[tuple[str, str]]:
    """Contrasts of two classes that both have pairs."""
    totals = result.shares.set_index("class")["n_pairs"]
    table = result.contingency
    pairs = dict.fromkeys(zip(table["first"], table["second"], strict=True))
    return [pair for pair in pairs if totals[pair[0]] and totals[pair[1]]]


def _centralities(study: AssembliesStructure) -> Iterator[ReportFigure]:
    found = study._done["centralities"]
    tests = found.tests.set_index("quantity")
    shown = {name: label for name, label in CENTRALITIES.items() if name in found.measures}
    notes = {name: test_text(tests.loc[name]) for name in shown if name in tests.index}
    order = [n for n in ("assembly", "no_assembly") if (found.table["group"] == n).any()]
    figure, _ = plot.plot_cell_groups(found.table, shown, order=order, notes=notes)
    sign = {"greater": "larger in assemblies", "less": "smaller in assemblies"}
    yield ReportFigure(
        "centralities",
        "Are cells of assemblies more central?",
        f"In the binary directed network of {found.n_nodes:,} proofread cells. Above each panel: "
        f"rank sum, {sign.get(study.config.alternative, 'two-sided')}.",
        figure,
        _SOURCE + "plot_cell_groups",
    )


def _map(study: AssembliesStructure) -> Iterator[ReportFigure]:
    found, chosen = study._done["map"], study.config
    layers = dict(zip(("2/3", "4", "5", "6", "WM"), chosen.layers, strict=False))
    shown = found.edges
    unit = f" {chosen.size_unit}" if study.material.network.has_psd else " synapses"
    note = f"{len(shown):,} of {found.n_edges:,} connections"
    if found.threshold > 0:
        note += f", larger than {found.threshold:g}{unit}"
    if found.among == "grouped":
        note += ", among cells with known assemblies"
    figure, _ = plot.plot_connectivity_map(found.cells, shown, layers=layers, note=note)
    yield ReportFigure(
        "connectivity_map",
        "Where the cells are",
        "Cell bodies and the strongest connections among proofread cells; dashed: borders of the "
        "layers.",
        figure,
        _SOURCE + "plot_connectivity_map",
        wide=False,
    )


def _tail(study: AssembliesStructure) -> Iterator[ReportFigure]:
    import pandas as pd

    found = study._done["tail"]
    pairs = study.monosynaptic().pairs
    sizes = pd.DataFrame({"class": pairs["class"], "value": np.log10(pairs["value"])})
    figure, _ = plot.plot_tail(
        sizes,
        weights=found.mixture.weights,
        means=found.mixture.means,
        sds=found.mixture.sds,
        boundary=found.mixture.boundary,
        label=size_label(study),
        counts=found.counts,
        contrast=study._contrast,
        note=f"χ² = {found.test.statistic:.3g}, {p_text(found.test.p)}",
    )
    kind = {"equal_posterior": "where both are equally likely", "published": "as published"}
    yield ReportFigure(
        "tail_mixture",
        "Who has the largest synapses?",
        "Sizes of all connections as a mixture of two log-normal parts; boundary "
        f"{kind[found.mixture.kind]}. Right: share of each class in the tail, 95 % (Wilson); test "
        "against the proportions of all connected pairs.",
        figure,
        _SOURCE + "plot_tail",
    )


def _distance(study: AssembliesStructure) -> Iterator[ReportFigure]:
    import pandas as pd

    found = study._done["distance"]
    control, classes = found["control"], study.material.classes
    assert classes is not None
    assert study.material.positions is not None
    if len(found["curve"]) and len(control.logistic):
        figure, _ = plot.plot_distance_dependence(
            found["curve"], _class_effects(study), labels=class_labels(study)
        )
        yield ReportFigure(
            "distance_control",
            "Is it only distance?",
            "Left: connected pairs by the distance between the cell bodies, 95 % (Wilson). Right: "
            "odds of a connection between cells of one assembly against different ones: all pairs, "
            "at equal distance by logistic regression, and among pairs matched by distance. This "
            "control is an extension of cofire, not a published analysis.",
            figure,
            _SOURCE + "plot_distance_dependence",
        )
    xyz = study.material.positions.loc[classes.cell_ids, ["x", "y", "z"]].to_numpy()
    away = pd.DataFrame(np.abs(xyz - control.centroid), columns=["x", "y", "z"])
    away["group"] = np.where(classes.in_assembly, "assembly", "no_assembly")
    tests = control.axes.set_index("quantity")
    notes = {a: test_text(tests.loc[f"|{a} - centroid|"]) for a in "xyz"}
    order = [n for n in ("assembly", "no_assembly") if (away["group"] == n).any()]
    figure, _ = plot.plot_cell_groups(
        away,
        {a: f"|{a} \N{MINUS SIGN} centroid| (µm)" for a in "xyz"},
        order=order,
        notes=notes,
        n_columns=3,
    )
    yield ReportFigure(
        "positions",
        "Do cells of assemblies lie elsewhere?",
        "Distance of cells from the centroid of the proofread cells along each axis; above: rank "
        "sum of cells in none against cells of assemblies, two-sided.",
        figure,
        _SOURCE + "plot_cell_groups",
    )


def _class_effects(study: AssembliesStructure) -> Any:
    """Odds ratios of the first class of the contrast: plain, by regression, matched."""
    import pandas as pd

    control, first = study._done["distance"]["control"], study._contrast[0]
    rows = []
    plain = study.monosynaptic().test("B", "chi_squared", study._contrast)
    rows.append(("all pairs", plain["effect"], plain["low"], plain["high"]))
    terms = control.logistic.set_index("term")
    term = next((t for t in terms.index if str(t).startswith(first)), None)
    if term is not None:
        row = terms.loc[term]
        rows.append(("equal distance\n(logistic)", row["odds_ratio"], row["low"], row["high"]))
    if len(control.matched):
        row = control.matched.iloc[0]
        rows.append(
            (f"matched pairs\n(n = {control.n_matched:,})", row["effect"], row["low"], row["high"])
        )
    return pd.DataFrame(rows, columns=["name", "odds_ratio", "low", "high"])


def _by_assembly(study: AssembliesStructure) -> Iterator[ReportFigure]:
    table = study._done["by_assembly"]
    figure, _ = plot.plot_assembly_breakdown(table.head(40))
    more = f" The first 40 of {len(table)}." if len(table) > 40 else ""
    yield ReportFigure(
        "by_assembly",
        "Assembly by assembly",
        "From cells of each assembly (number of cells in brackets): connected pairs with 95 % "
        f"intervals (Wilson), and odds ratio. Cells in several assemblies count in each.{more}",
        figure,
        _SOURCE + "plot_assembly_breakdown",
    )


_DIFFERENCES = {
    "B": "difference in share\nof connected pairs",
    "W": "difference in\nmean log10 size",
    "B_out": "difference in\nmean share, out",
    "B_in": "difference in\nmean share, in",
    "W_out": "difference in mean\nlog10 size, out",
    "W_in": "difference in mean\nlog10 size, in",
}


def _nulls(study: AssembliesStructure) -> Iterator[ReportFigure]:
    for kind, found in study._done["nulls"].items():
        names = [_DIFFERENCES.get(q, q) for q in found.quantities]
        nulls = dict(zip(names, found.null.T, strict=True))
        observed = dict(zip(names, map(float, found.observed), strict=True))
        notes = dict(zip(names, (p_text(float(p)) for p in found.p), strict=True))
        figure, _ = plot.plot_null_distributions(nulls, observed, notes=notes, n_columns=3)
        what = {
            "labels": "cells exchange their assemblies, the wiring stays",
            "wiring": "the wiring is shuffled at equal degrees, the assemblies stay",
        }[kind]
        yield ReportFigure(
            f"permutation_{kind}",
            f"Against shuffled {kind}",
            f"{found.contrast[0]} minus {found.contrast[1]} (orange) beside "
            f"{len(found.null):,} shuffles in which {what}; p one with each shuffle at least as "
            f"extreme ({found.alternative}).",
            figure,
            _SOURCE + "plot_null_distributions",
        )


def _power(study: AssembliesStructure) -> Iterator[ReportFigure]:
    table = study._done["power"].to_frame()
    chosen = table[
        ((table["quantity"] == "B") & (table["test"] == "chi_squared"))
        | (table["quantity"].isin(["W", "B_out", "W_out"]) & (table["test"] == "rank_sum"))
    ]
    lines = chosen.assign(test=chosen["quantity"], effect=chosen["excess"])
    figure, _ = plot.plot_power(
        lines,
        labels={
            "B": "connected pairs (χ²)",
            "W": "sizes (rank sum)",
            "B_out": "share per cell (rank sum)",
            "W_out": "size per cell (rank sum)",
        },
    )
    yield ReportFigure(
        "power",
        "What could have been found?",
        f"Share of {int(table['n'].max()):,} draws in which each test is significant when an "
        "excess is planted into these cells with exchanged assemblies; bands: 95 % (Wilson). At 1: "
        "false alarms.",
        figure,
        _SOURCE + "plot_power",
        wide=False,
    )


def _agreement(study: AssembliesStructure) -> Iterator[ReportFigure]:
    found = study._done["agreement"]
    labels = {"NMI": found.null[:, 0], "VI / log n": found.null[:, 1]}
    figure, _ = plot.plot_null_distributions(
        labels,
        {"NMI": found.nmi, "VI / log n": found.vi},
        notes={"NMI": p_text(found.p_nmi), "VI / log n": p_text(found.p_vi)},
    )
    yield ReportFigure(
        "community_agreement",
        "Are communities of the wiring the assemblies?",
        f"{found.n_communities} communities (Louvain) against {found.n_groups} groups of "
        f"{len(found.cells)} cells by their largest assembly; grey: groups dealt out anew.",
        figure,
        _SOURCE + "plot_null_distributions",
        wide=False,
    )


def _coupling(study: AssembliesStructure) -> Iterator[ReportFigure]:
    found = study._done["coupling"]
    figure, _ = plot.plot_coupling_model(found)
    yield ReportFigure(
        "coupling",
        "Does the wiring explain the coupling?",
        f"{found.n_pairs:,} pairs of {found.n_cells} cells. Standardized coefficients with p by "
        "exchange of cells; right: variance explained beside that of exchanged cells.",
        figure,
        _SOURCE + "plot_coupling_model",
    )
