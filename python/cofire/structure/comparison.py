"""The tests between classes for values that come from a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.structure import _battery
from cofire.structure._sums import with_unions
from cofire.structure.classes import BASIC, CLASSES

if TYPE_CHECKING:
    import pandas as pd


def compare_classes(
    pairs: Any = None,
    cells: Any = None,
    *,
    counts: Mapping[str, tuple[int, int]] | None = None,
    contrasts: Any = _battery.CONTRASTS,
    alternative: str = "greater",
    ranks: str = "uncorrected",
    adjust: str = "none",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Test values of pairs and cells between classes, as :func:`monosynaptic` does.

    Parameters
    ----------
    pairs : DataFrame or mapping of columns, optional
        ``class`` (one of the first five) and ``value``, a row a connected pair; rows with NaN are
        pairs without a connection and left out.
    cells : DataFrame or mapping of columns, optional
        ``class`` (any of the seven), ``cell``, ``value`` and, if there are several, ``quantity``.
    counts : mapping of class to (connected, potential), optional
        Numbers of pairs.
    contrasts, alternative, ranks, adjust, confidence
        As for :func:`monosynaptic`.

    Returns
    -------
    DataFrame
        With the columns of :attr:`ClassConnections.tests`.

    Raises
    ------
    MissingDataError
        A column is missing.
    InvalidArgumentError
        An unknown class, a cell twice in a class, more connected pairs than potential ones.

    Examples
    --------
    >>> from cofire.structure import compare_classes
    >>> counts = {"shared": (239, 1610), "disjoint": (307, 2050)}
    >>> tests = compare_classes(counts=counts, contrasts=("shared", "disjoint"))
    >>> tests[["statistic", "p"]].round(3).values.tolist()
    [[0.004, 0.949]]
    """
    options = _battery.checked(contrasts, alternative, ranks, adjust, confidence)
    pair_table = None if pairs is None else _table(pairs, "pairs", ("class", "value"), BASIC)
    cell_table = None if cells is None else _cells(cells)
    records = _battery.class_records(
        pair_table, cell_table, None if counts is None else _counts(counts), options
    )
    return _battery.frame(records, options.adjust)


def _table(
    values: Any, name: str, columns: tuple[str, ...], classes: tuple[str, ...]
) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(values)
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise MissingDataError(
            f"{name} has no column {', '.join(map(repr, missing))}; columns: "
            f"{', '.join(map(str, table.columns)) or 'none'}"
        )
    unknown = sorted(set(table["class"]) - set(classes))
    if unknown:
        raise InvalidArgumentError(f"{name}: class {unknown[0]!r} is none of {', '.join(classes)}")
    return table[table["value"].notna()]


def _cells(values: Any) -> pd.DataFrame:
    table = _table(values, "cells", ("class", "cell", "value"), CLASSES)
    if "quantity" not in table.columns:
        table = table.assign(quantity="value")
    again = table.duplicated(["quantity", "class", "cell"])
    if again.any():
        row = table[again].iloc[0]
        raise InvalidArgumentError(
            f"cells: cell {row['cell']} occurs twice in class {row['class']!r} of "
            f"{row['quantity']!r}"
        )
    return table


def _counts(counts: Mapping[str, tuple[int, int]]) -> tuple[Any, Any]:
    potential = np.zeros(len(CLASSES), dtype=np.int64)
    connected = np.zeros(len(CLASSES), dtype=np.int64)
    for name, (n_connected, n_potential) in counts.items():
        if name not in CLASSES:
            raise InvalidArgumentError(f"counts: {name!r} is none of {', '.join(CLASSES)}")
        if not 0 <= n_connected <= n_potential:
            raise InvalidArgumentError(
                f"counts of {name!r} must be (connected, potential) pairs, got ({n_connected}, "
                f"{n_potential})"
            )
        connected[CLASSES.index(name)] = n_connected
        potential[CLASSES.index(name)] = n_potential
    # Unions that are not given come from their parts.
    for whole in (connected, potential):
        unions = slice(len(BASIC), None)
        whole[unions] = np.maximum(whole[unions], with_unions(whole[: len(BASIC)])[unions])
    return potential, connected
