"""What was published, within which tolerance, and what did we find?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire.studies.larval_olfaction.scores import ACROSS, ScoreTable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Published:
    """One published number.

    Attributes
    ----------
    variant, metric : str
    newer, older : float or None
        In the study and in its predecessor.
    tolerance : float or None
        Largest difference that counts as agreement; None where none is stated.
    seed : int or None
        Of a single model; None for the mean over models.
    at_most : bool
        Whether the number is an upper bound.
    """

    variant: str
    metric: str
    newer: float | None
    older: float | None = None
    tolerance: float | None = None
    seed: int | None = None
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class PaperValue:
    """A published number beside ours.

    Attributes
    ----------
    variant, metric : str
    seed : int or None
    ours : float or None
        Mean over models; None where nothing was computed.
    sd : float or None
        Population sd over models.
    n : int
        Models.
    published : float
    source : {"newer", "older"}
    tolerance : float or None
    flag : {"within", "outside", "no tolerance", "missing"}
    """

    variant: str
    metric: str
    seed: int | None
    ours: float | None
    sd: float | None
    n: int
    published: float
    source: str
    tolerance: float | None
    flag: str


@dataclass(frozen=True, slots=True)
class PaperComparison:
    """Every published number beside ours.

    Attributes
    ----------
    rows : tuple of PaperValue
    """

    rows: tuple[PaperValue, ...]

    def count(self, flag: str) -> int:
        """Number of rows with a flag."""
        return sum(row.flag == flag for row in self.rows)

    def to_list(self) -> list[dict[str, Any]]:
        """Rows as plain values."""
        return [asdict(row) for row in self.rows]

    def to_frame(self) -> pd.DataFrame:
        """Table with a row per published number."""
        import pandas as pd

        return pd.DataFrame(self.to_list(), columns=list(PaperValue.__slots__))

    def to_markdown(self) -> str:
        """Table in Markdown, a row per published number."""
        lines = [
            "| models | metric | ours | published | tolerance | agreement |",
            "|---|---|---:|---:|---:|---|",
        ]
        for row in self.rows:
            models = row.variant if row.seed is None else f"{row.variant}, seed {row.seed}"
            spread = "" if row.sd is None or row.n < 2 else f" ± {row.sd:.3g} (n = {row.n})"
            ours = "" if row.ours is None else f"{row.ours:.4g}{spread}"
            source = "" if row.source == "newer" else f" ({row.source})"
            tolerance = "" if row.tolerance is None else f"{row.tolerance:g}"
            lines.append(
                f"| {models} | {row.metric} | {ours} | {row.published:g}{source} | {tolerance} "
                f"| {row.flag} |"
            )
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        flags = ("within", "outside", "no tolerance", "missing")
        return f"PaperComparison({', '.join(f'{self.count(f)} {f}' for f in flags)})"


_FOUR = ("accuracy", "sparsity", "al", "mb")
_ABLATION = {"accuracy": 2.5, "sparsity": 1.0, "mb": 3.0}
_SEEDS = (42, 43, 44, 45, 46)
_PER_SEED = {
    "accuracy": (70.07, 71.14, 70.79, 68.36, 71.29),
    "sparsity": (12.66, 12.42, 12.50, 12.54, 12.38),
    "al": (4.53, 4.37, 6.03, 2.04, 5.07),
    "mb": (35.31, 35.23, 36.68, 35.06, 36.76),
}
_CANONICAL = (
    ("accuracy", 70.3, 69.7, 1.5),
    ("centroid", 65.9, 66.2, 2.0),
    ("sparsity", 12.5, 12.5, 0.5),
    ("al", 4.4, 4.8, 2.5),
    ("mb", 35.8, 35.1, 1.5),
    ("total", 38.5, 38.8, None),
    ("apl_ratio", 1.85, 1.88, 0.1),
    ("apl_suppression", 46.0, None, None),
    ("pn_range", 1.23, 1.25, 0.05),
    ("kc_range", 1.13, 1.14, 0.05),
    ("or_range", 1.75, 1.75, 0.05),
    ("kc_similarity", 0.942, 0.941, 0.015),
    ("parameter_r", 0.9086, 0.9110, 0.02),
    ("concatenated_r", None, 0.9658, None),
    ("g_soma", 14.57, 14.53, None),
    ("gap_ln", 0.136, 0.14, None),
    ("gap_pn", 0.096, 0.10, None),
    ("gap_eln_pn", 0.082, 0.08, None),
    ("kc_upper", 46.7, 46.7, None),
    ("ln_lower", 29.3, 28.9, None),
    ("pn_interior", 83.6, 83.3, None),
)
_FOURS: tuple[tuple[str, tuple[float | None, ...], tuple[float | None, ...]], ...] = (
    ("no_gaps", (71.2, 12.5, 4.7, 37.4), (73.1, 12.5, 6.3, 35.9)),
    ("no_apl", (65.3, 12.1, 15.2, 31.5), (67.3, 12.2, 17.1, 31.3)),
    ("shuffled", (64.7, 14.3, 4.3, 30.3), (63.9, 11.7, 15.7, 35.0)),
    ("no_gaps_posthoc", (70.2, 13.3, -0.04, 36.2), (22.4, 14.8, 0.0, 36.1)),
    ("no_apl_posthoc", (67.7, 29.4, 4.4, 29.8), (24.3, 33.0, 5.1, 29.8)),
    ("no_std", (70.4, 10.3, None, None), (69.6, 10.3, None, None)),
    ("no_std_posthoc", (50.4, 22.2, None, None), (53.4, 22.4, None, None)),
    ("quantile_0.2", (68.9, 12.3, 3.9, 34.7), (68.3, 12.3, 4.4, 35.4)),
    ("quantile_0.417", (70.8, 12.6, -1.5, 39.5), (70.3, 12.5, -0.9, 39.8)),
    ("quantile_0.5", (70.2, 12.5, -3.3, 40.3), (68.1, 12.6, -3.1, 40.8)),
    ("cross_entropy", (None, 79.7, None, None), (67.7, 80.0, -18.3, 0.2)),
    ("energy_all_1", (None, None, None, None), (65.6, 76.0, -7.9, -6.4)),
    ("energy_all_3", (None, None, None, None), (65.3, 67.3, 5.7, -10.7)),
    ("energy_all_15", (None, None, None, None), (69.9, 46.4, 32.9, -13.8)),
    ("energy_all_50", (None, 30.3, None, None), (71.4, 30.6, 48.3, -20.9)),
    ("energy_kc_3", (None, None, None, None), (71.0, 52.5, 4.2, 18.4)),
    ("energy_kc_15", (None, None, None, None), (70.1, 29.8, 7.4, 38.6)),
    ("energy_kc_50", (None, 14.1, None, None), (67.1, 14.2, 10.6, 48.2)),
)
_RANGES = (
    ("no_std", "pn_range", 2.75, None),
    ("no_std", "kc_range", 2.77, 2.74),
    ("no_std_posthoc", "pn_range", 1.40, None),
    ("no_std_posthoc", "kc_range", 1.12, 1.14),
)
_CONSISTENCY = (
    ("teacher_or_gains", 0.991),
    ("student_or_gains", 0.994),
    ("teacher_decoder_weight", 0.788),
    ("student_decoder_weight", 0.903),
    ("teacher_decoder_bias", 0.910),
    ("student_decoder_bias", 0.976),
    ("teacher_kc", 0.528),
    ("student_kc", 0.953),
    ("student_ln", 0.981),
    ("student_orn", 0.864),
    ("student_pn", 0.967),
    ("drift_or_gains", 0.993),
    ("drift_decoder_weight", 0.884),
    ("drift_decoder_bias", 0.742),
)
_MIXTURES = (
    ("mixture_component_cosine", 0.806, 0.806, 0.008),
    ("mixture_linear_cosine", 0.943, None, None),
    ("pair_ratio", 1.22, None, None),
    ("triplet_ratio", 1.37, None, None),
    ("svm_odors", 61.8, None, None),
    ("svm_mixture", 73.9, 74.6, None),
    ("svm_mixtures", 51.0, 45.0, None),
    ("sub_additive_pairs", 69.3, 75.1, 3.4),
    ("sub_additive_triplets", 72.6, 80.5, 2.6),
)
_COMPLEXITY = (
    ("odors_7", 11.9, 11.7, 8.6),
    ("odors_14", 35.3, 35.7, 1.8),
    ("odors_56", 55.8, 56.5, 3.2),
)
_PARAMETER_R = 0.02


def published_values() -> tuple[Published, ...]:
    """Every published number of the study.

    Tolerances are those with which the study and its predecessor repeat; of the mixtures and the
    complexity experiment, two published standard deviations over models.

    References
    ----------
    Watts & Webb, Cognitive Computational Neuroscience 2026.
    """
    return tuple(_rows())


def _rows() -> Iterator[Published]:
    for metric, newer, older, tolerance in _CANONICAL:
        yield Published("canonical", metric, newer, older, tolerance)
    for metric, values in _PER_SEED.items():
        for seed, value in zip(_SEEDS, values, strict=True):
            tolerance = 3.0 if metric == "accuracy" else None
            yield Published("canonical", metric, value, None, tolerance, seed)
    for variant, newer_four, older_four in _FOURS:
        for metric, newer, older in zip(_FOUR, newer_four, older_four, strict=True):
            if newer is not None or older is not None:
                yield Published(variant, metric, newer, older, _ABLATION.get(metric))
    for variant, metric, newer, older in _RANGES:
        yield Published(variant, metric, newer, older)
    for metric, value in _CONSISTENCY:
        yield Published("canonical", metric, value, None, _PARAMETER_R)
    yield Published("canonical", "largest_scalar_cv", 3.8, at_most=True, tolerance=0.0)
    for metric, newer, older, tolerance in _MIXTURES:
        yield Published("canonical", metric, newer, older, tolerance)
    for variant, newer, older, tolerance in _COMPLEXITY:
        yield Published(variant, "kc_upper", newer, older, tolerance)


def compare_with_paper(
    scores: ScoreTable,
    *,
    protocol: str = "newer",
    published: Sequence[Published] | None = None,
) -> PaperComparison:
    """Set our numbers beside the published ones.

    Parameters
    ----------
    scores : ScoreTable
    protocol : {"newer", "older"}
        Which numbers to compare with first; where only the other source has one, with that.
    published : sequence of Published, optional
        Default :func:`published_values`.
    """
    rows = []
    for entry in published_values() if published is None else published:
        both = {"newer": entry.newer, "older": entry.older}
        order = (protocol, "older" if protocol == "newer" else "newer")
        source = next(name for name in order if both[name] is not None)
        value = both[source]
        assert value is not None
        rows.append(_compared(entry, source, value, scores.get(entry.variant, entry.metric)))
    return PaperComparison(tuple(rows))


def _compared(entry: Published, source: str, value: float, found: dict[int, float]) -> PaperValue:
    if entry.seed is not None:
        found = {seed: x for seed, x in found.items() if seed == entry.seed}
    ours = [x for x in found.values() if math.isfinite(x)]
    mean = float(np.mean(ours)) if ours else None
    single = len(ours) < 2 or ACROSS in found
    return PaperValue(
        entry.variant,
        entry.metric,
        entry.seed,
        mean,
        None if single else float(np.std(ours)),
        len(ours),
        value,
        source,
        entry.tolerance,
        _flag(entry, value, mean),
    )


def _flag(entry: Published, value: float, ours: float | None) -> str:
    if ours is None:
        return "missing"
    if entry.tolerance is None:
        return "no tolerance"
    difference = ours - value if entry.at_most else abs(ours - value)
    return "within" if difference <= entry.tolerance else "outside"
