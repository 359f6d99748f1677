"""The tests of one contrast after another, as records of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, one_of
from cofire.errors import InvalidArgumentError
from cofire.stats import adjust as adjust_p
from cofire.stats import chi_squared, rank_sum, signed_rank
from cofire.stats.ranks import ALTERNATIVES, RANK_METHODS
from cofire.structure.classes import CLASSES

if TYPE_CHECKING:
    import pandas as pd

CONTRASTS = (("shared", "disjoint"), ("shared", "shared_no_a"))

COLUMNS = (
    "quantity",
    "first",
    "second",
    "test",
    "alternative",
    "statistic",
    "p",
    "n1",
    "n2",
    "p_adjusted",
    "effect",
    "effect_name",
    "low",
    "high",
)


@dataclass(frozen=True, slots=True)
class Options:
    """How tests are made: the keyword arguments that functions of this package share.

    Attributes
    ----------
    contrasts : tuple of (str, str)
    alternative : str
    ranks : str
        Method of :func:`cofire.stats.rank_sum`.
    adjust : str
    confidence : float
    """

    contrasts: tuple[tuple[str, str], ...] = CONTRASTS
    alternative: str = "greater"
    ranks: str = "uncorrected"
    adjust: str = "none"
    confidence: float = 0.95


def checked(
    contrasts: Any,
    alternative: str,
    ranks: str,
    adjust: str,
    confidence: float,
    names: Sequence[str] = CLASSES,
) -> Options:
    """Options after a look at each."""
    one_of(alternative, "alternative", ALTERNATIVES)
    one_of(ranks, "ranks", RANK_METHODS)
    one_of(adjust, "adjust", ("none", "holm", "bonferroni", "benjamini_hochberg"))
    if isinstance(contrasts, tuple) and len(contrasts) == 2 and isinstance(contrasts[0], str):
        contrasts = (contrasts,)
    pairs = []
    for pair in contrasts:
        if isinstance(pair, str) or len(pair) != 2 or any(name not in names for name in pair):
            raise InvalidArgumentError(
                f"contrasts must be pairs of classes ({', '.join(names)}), got {pair!r}"
            )
        pairs.append((str(pair[0]), str(pair[1])))
    if not 0 < float(confidence) < 1:
        raise InvalidArgumentError(f"confidence must lie between 0 and 1, got {confidence!r}")
    return Options(tuple(pairs), alternative, ranks, adjust, float(confidence))


def record(quantity: str, pair: tuple[str, str], test: str, **values: Any) -> dict[str, Any]:
    """One row; what is not given is NaN."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS, np.nan)
    row.update(quantity=quantity, first=pair[0], second=pair[1], test=test, **values)
    return row


def chi_squared_record(
    quantity: str, pair: tuple[str, str], table: Any, confidence: float
) -> dict[str, Any]:
    """2 x 2 table, rows the classes, columns connected or not."""
    counts = np.asarray(table)
    n1, n2 = (int(n) for n in counts.sum(axis=1))
    test = chi_squared(counts, confidence=confidence)
    return record(
        quantity,
        pair,
        "chi_squared",
        alternative="two-sided",
        statistic=test.statistic,
        p=test.p,
        n1=n1,
        n2=n2,
        effect=test.odds_ratio,
        effect_name="odds ratio",
        low=test.interval[0],
        high=test.interval[1],
    )


def rank_sum_record(
    quantity: str, pair: tuple[str, str], a: FloatArray, b: FloatArray, options: Options
) -> dict[str, Any]:
    """Rank-sum z of two samples; NaN if one of them is empty."""
    common: dict[str, Any] = {
        "alternative": options.alternative,
        "n1": len(a),
        "n2": len(b),
        "effect_name": "rank-biserial r",
    }
    if not len(a) or not len(b):
        return record(quantity, pair, "rank_sum", **common)
    test = rank_sum(
        a,
        b,
        alternative=options.alternative,
        method=options.ranks,
        confidence=options.confidence,
    )
    return record(
        quantity,
        pair,
        "rank_sum",
        statistic=test.z,
        p=test.p,
        effect=test.effect,
        low=test.interval[0],
        high=test.interval[1],
        **common,
    )


def signed_rank_record(
    quantity: str, pair: tuple[str, str], a: FloatArray, b: FloatArray, options: Options
) -> dict[str, Any]:
    """Signed-rank W+ of cells that have a value in both classes; NaN if there is none."""
    common: dict[str, Any] = {
        "alternative": options.alternative,
        "n1": len(a),
        "n2": len(b),
        "effect_name": "rank-biserial r",
    }
    if not len(a):
        return record(quantity, pair, "signed_rank", **common)
    test = signed_rank(
        a,
        b,
        alternative=options.alternative,
        method="exact_or_normal",
        confidence=options.confidence,
    )
    return record(
        quantity,
        pair,
        "signed_rank",
        statistic=test.statistic,
        p=test.p,
        effect=test.effect,
        low=test.interval[0],
        high=test.interval[1],
        **common,
    )


def frame(records: Sequence[dict[str, Any]], adjust: str) -> pd.DataFrame:
    """Records as a table, p-values adjusted over all of them."""
    import pandas as pd

    table = pd.DataFrame(list(records), columns=list(COLUMNS))
    for name in ("n1", "n2"):
        table[name] = table[name].astype(np.int64)
    table["p_adjusted"] = adjust_p(table["p"].to_numpy(dtype=np.float64), adjust)
    return table


def class_records(
    pairs: pd.DataFrame | None,
    cells: pd.DataFrame | None,
    counts: tuple[Any, Any] | None,
    options: Options,
) -> list[dict[str, Any]]:
    """All tests of the contrasts.

    Parameters
    ----------
    pairs : DataFrame, optional
        class, pre, post, value: strengths of connected pairs.
    cells : DataFrame, optional
        quantity, class, cell, value.
    counts : (potential, connected), optional
        Of the seven classes.
    """
    records = []
    for pair in options.contrasts:
        if counts is not None:
            at = [CLASSES.index(name) for name in pair]
            connected = np.asarray(counts[1])[at]
            table = np.stack([connected, np.asarray(counts[0])[at] - connected], axis=1)
            records.append(chi_squared_record("B", pair, table, options.confidence))
        if pairs is not None:
            a, b = _pair_values(pairs, pair[0]), _pair_values(pairs, pair[1])
            records.append(rank_sum_record("W", pair, a, b, options))
        if cells is None:
            continue
        for quantity in dict.fromkeys(cells["quantity"]):
            values = cells[cells["quantity"] == quantity]
            first, second = (_cell_values(values, name) for name in pair)
            name = str(quantity)
            records.append(rank_sum_record(name, pair, _array(first), _array(second), options))
            both = first.index.intersection(second.index, sort=False)
            a, b = _array(first.loc[both]), _array(second.loc[both])
            records.append(signed_rank_record(name, pair, a, b, options))
    return records


def _pair_values(pairs: pd.DataFrame, name: str) -> FloatArray:
    from cofire.structure.classes import UNIONS

    inside = pairs["class"].isin(UNIONS.get(name, (name,)))
    values: FloatArray = pairs.loc[inside, "value"].to_numpy(dtype=np.float64)
    return values


def _array(values: pd.Series[float]) -> FloatArray:
    array: FloatArray = np.asarray(values, dtype=np.float64)
    return array


def _cell_values(values: pd.DataFrame, name: str) -> pd.Series[float]:
    return values[values["class"] == name].set_index("cell")["value"]
