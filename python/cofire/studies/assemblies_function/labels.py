"""Words of the page and the figures."""

from __future__ import annotations

from typing import Any

import numpy as np

DETECTORS = {
    "sgc": "Similarity-Graph Clustering",
    "ica-mp": "ICA (Marchenko-Pastur)",
    "ica-cs": "ICA (circular shifts)",
    "promax-mp": "Promax (Marchenko-Pastur)",
    "promax-cs": "Promax (circular shifts)",
    "core": "CORE",
    "svd": "SVD",
    "fim": "frequent item sets",
    "given": "given",
}
SPLITS = {
    "random": "frames for the test at random",
    "blocked": "whole presentations for the test",
}


def p_text(p: float) -> str:
    """P as people write it."""
    if not np.isfinite(p):
        return "p not defined"
    if p < 1e-300:
        return "p < 10⁻³⁰⁰"
    if p < 1e-4:
        mantissa, exponent = f"{p:.1e}".split("e")
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"p = {mantissa}·10{raised}"
    return f"p = {p:.3g}"


def test_of(comparison: Any, first: str, second: str) -> tuple[float, float]:
    """Statistic z and corrected p of a pair of samples; NaN without that test."""
    if (first, second) not in comparison.pairs:
        return float("nan"), float("nan")
    k = comparison.pairs.index((first, second))
    return float(comparison.tests[k].z), float(comparison.p_adjusted[k])
