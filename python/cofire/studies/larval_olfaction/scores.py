"""Numbers of all models in one long table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

ACROSS = -1
"""Stands for the seed of numbers that compare models with each other."""


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """A row per model (or comparison of models) and metric.

    Attributes
    ----------
    variant : tuple of str
    seed : ndarray (n,) int64
        :data:`ACROSS` for comparisons of models.
    metric : tuple of str
    value : ndarray (n,)
        In the units of the published tables: % for shares and accuracies, nS for conductances.
    """

    variant: tuple[str, ...]
    seed: IntArray
    metric: tuple[str, ...]
    value: FloatArray

    @classmethod
    def of(cls, scores: Mapping[tuple[str, int], Mapping[str, float]]) -> ScoreTable:
        """Make it from numbers by (variant, seed) and metric."""
        rows = [
            (variant, seed, metric, value)
            for (variant, seed), numbers in scores.items()
            for metric, value in numbers.items()
        ]
        variant, seed, metric, value = zip(*rows, strict=True) if rows else ((), (), (), ())
        return cls(
            tuple(variant),
            np.array(seed, dtype=np.int64),
            tuple(metric),
            np.array(value, dtype=np.float64),
        )

    def get(self, variant: str, metric: str) -> dict[int, float]:
        """Values of a metric by seed."""
        rows = zip(self.variant, self.metric, self.seed, self.value, strict=True)
        return {int(s): float(x) for v, m, s, x in rows if v == variant and m == metric}

    def summary(self, variant: str) -> dict[str, dict[str, Any]]:
        """Seeds, values, mean and population sd of every metric of a variant, as plain values."""
        found: dict[str, dict[str, Any]] = {}
        for metric in dict.fromkeys(
            m for v, m in zip(self.variant, self.metric, strict=True) if v == variant
        ):
            by_seed = self.get(variant, metric)
            values = list(by_seed.values())
            found[metric] = {
                "seeds": list(by_seed),
                "values": values,
                "mean": float(np.mean(values)),
                "sd": float(np.std(values)),
            }
        return found

    def to_frame(self) -> pd.DataFrame:
        """Long table: variant, seed, metric, value."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in self.__slots__})

    def __repr__(self) -> str:
        return f"ScoreTable({len(self.value)} numbers, {len(set(self.variant))} variants)"
