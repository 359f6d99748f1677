"""Words of the page and the figures: classes, tests, measures with their units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire.plot.structure import CLASS_LABELS

if TYPE_CHECKING:
    from cofire.studies.assemblies_structure.workflow import AssembliesStructure

CENTRALITIES = {
    "betweenness": "betweenness (share of shortest paths)",
    "out_degree": "out-degree / (n \N{MINUS SIGN} 1)",
    "in_degree": "in-degree / (n \N{MINUS SIGN} 1)",
    "closeness": "closeness (of incoming paths)",
}
CELL_MEASURES = {
    "betweenness": "betweenness",
    "in_degree": "in-degree",
    "out_degree": "out-degree",
    "core": "k-core",
    "closeness_in": "closeness (in)",
    "clustering": "clustering",
    "participation_out": "participation (out)",
    "pagerank": "PageRank",
}
PAIR_WORDS = {
    "monosynaptic": "connected",
    "chains_excitatory": "joined by an E-chain",
    "chains_inhibitory": "joined by an I-chain",
}


def class_labels(study: AssembliesStructure) -> dict[str, str]:
    """What classes of pairs are called: of assemblies, or of classes of cells in their place."""
    if study.has_assemblies:
        return dict(CLASS_LABELS)
    word = study.material.assembly_word
    return {**CLASS_LABELS, "shared": f"same {word}", "disjoint": f"another {word}"}


def size_label(study: AssembliesStructure, power: int = 1) -> str:
    """Label of summed sizes, for chains of their squares."""
    unit = study.config.size_unit
    if not unit:
        return "summed size" if power == 1 else "summed products of sizes"
    if power == 1:
        return f"summed PSD ({unit})"
    squared = {"µm³": "µm⁶", "um3": "um6"}.get(unit, f"{unit}²")
    return f"summed PSD products ({squared})"


def p_text(p: float) -> str:
    """P as people write it."""
    if not np.isfinite(p):
        return "p not defined"
    if p < 1e-300:
        return "p < 10⁻³⁰⁰"
    if p < 1e-4:
        mantissa, exponent = f"{p:.1e}".split("e")
        return f"p = {mantissa}·10{_raised(int(exponent))}"
    return f"p = {p:.3g}"


def _raised(value: int) -> str:
    return str(value).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def test_text(row: Any) -> str:
    """Statistic and p of a row of a table of tests."""
    name = {"chi_squared": "χ²", "rank_sum": "z", "signed_rank": "W"}.get(row["test"], "statistic")
    if not np.isfinite(row["statistic"]):
        return f"{name} not defined (n = {row['n1']}, {row['n2']})"
    size = abs(float(row["statistic"]))
    value = f"{row['statistic']:,.0f}" if size >= 1000 else f"{row['statistic']:#.3g}".rstrip(".")
    value = value.replace("-", "\N{MINUS SIGN}")
    return f"{name} = {value}, {p_text(float(row['p']))}"


def contrast_text(pair: tuple[str, str], labels: dict[str, str], alternative: str) -> str:
    """A contrast in words, with the direction that is tested."""
    sign = {"greater": ">", "less": "<"}.get(alternative, "against")
    return f"{labels.get(pair[0], pair[0])} {sign} {labels.get(pair[1], pair[1])}"
