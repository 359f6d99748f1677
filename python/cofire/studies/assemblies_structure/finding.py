"""What was found, in words and in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire.report import number
from cofire.studies.assemblies_structure.labels import class_labels, p_text
from cofire.studies.assemblies_structure.network_figures import networks

if TYPE_CHECKING:
    from cofire.studies.assemblies_structure.workflow import AssembliesStructure


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
    shares: dict[str, Any] = {str(r["class"]): r for r in result.shares.to_dict("records")}
    if not all(shares[name]["n_pairs"] for name in pair):
        return f"There are no pairs of both classes {pair[0]} and {pair[1]}."
    total = sum(int(shares[name]["n_pairs"]) for name in pair)
    if not any(shares[name]["n_connected"] for name in pair):
        return f"None of the {total:,} pairs is connected."
    row = result.test("B", "chi_squared", pair)
    first, second = (
        f"{100 * shares[n]['share']:.2f} % ({shares[n]['n_connected']:,} of "
        f"{shares[n]['n_pairs']:,})"
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
                f"{often} through {middle} cells (odds ratio "
                f"{row['effect']:.2f} [{row['low']:.2f}, "
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
        return (
            f"With these cells even a {top:g}-fold share of connections would be found in less "
            "than 80 %."
        )
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


def key_numbers(study: AssembliesStructure) -> list[tuple[str, str, str]]:
    """Key numbers for the top of the page: value, label, detail."""
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
