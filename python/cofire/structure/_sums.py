"""Connections between classes summed up for each pair, cell and class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.structure.classes import BASIC, CLASSES, UNIONS, Codes

if TYPE_CHECKING:
    import pandas as pd

N_BASIC = len(BASIC)


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Connected pairs among the rows and columns of pair classes.

    Attributes
    ----------
    rows, columns : ndarray (n_links,) int64
    number : ndarray (n_links,) int64
        What the binary per-cell value counts: 1 a connection, or the chains of a pair.
    strength : ndarray (n_links,) float64, or None
        Sizes, where they are known.
    possible : ndarray (n_pre, n_post) int64, or int
        How many connections or chains a pair could have.
    """

    rows: IntArray
    columns: IntArray
    number: IntArray
    strength: FloatArray | None
    possible: AnyArray | int


def per_class(
    links: Links, codes: Codes, axis: int
) -> tuple[IntArray, IntArray, IntArray, IntArray, FloatArray]:
    """Sums of each cell (axis 0: of presynaptic cells) in each of the seven classes.

    Returns
    -------
    tuple of ndarray (n_cells, 7)
        Potential partners, potential connections, connections (or chains), connected partners,
        summed strength.
    """
    n_cells = codes.shape[axis]
    here = links.rows if axis == 0 else links.columns
    code = codes[links.rows, links.columns].astype(np.int64)
    inside = code >= 0
    key = here[inside] * N_BASIC + code[inside]
    size = n_cells * N_BASIC

    def summed(values: AnyArray) -> AnyArray:
        return with_unions(np.bincount(key, values, size).reshape(n_cells, N_BASIC))

    pairs = np.stack([(codes == k).sum(axis=1 - axis) for k in range(N_BASIC)], axis=1)
    if np.ndim(links.possible) == 0:
        possible = pairs * int(links.possible)
    else:
        table = np.asarray(links.possible)
        possible = np.stack(
            [np.where(codes == k, table, 0).sum(axis=1 - axis) for k in range(N_BASIC)], axis=1
        )
    number = summed(links.number[inside]).astype(np.int64)
    partners = summed(np.ones(len(key))).astype(np.int64)
    strength = np.zeros(number.shape)
    if links.strength is not None:
        strength = summed(links.strength[inside])
    return (
        with_unions(pairs).astype(np.int64),
        with_unions(possible).astype(np.int64),
        number,
        partners,
        strength,
    )


def with_unions(basic: AnyArray) -> AnyArray:
    """Append the classes that are unions of others, along the last axis."""
    unions = [sum(basic[..., BASIC.index(part)] for part in parts) for parts in UNIONS.values()]
    return np.concatenate([basic, np.stack(unions, axis=-1)], axis=-1)


def cell_table(
    links: Links, codes: Codes, pre_ids: AnyArray, post_ids: AnyArray, unit: float = 1.0
) -> pd.DataFrame:
    """Values of each cell: quantity, class, cell, value, n_partners, n_connected.

    ``B``: share of the possible connections (or chains) that there are; a cell without a potential
    partner in the class has no row. ``W``: strength per connection (or chain) in `unit`; a cell
    without a connection has no row.
    """
    import pandas as pd

    pieces: list[dict[str, Any]] = []
    for axis, side, ids in ((0, "out", pre_ids), (1, "in", post_ids)):
        pairs, possible, number, connected, strength = per_class(links, codes, axis)
        for letter in ("B", "W") if links.strength is not None else ("B",):
            there = (possible if letter == "B" else number) > 0
            # Class after class, cells in their order within.
            kinds, cells = np.nonzero(there.T)
            at = (cells, kinds)
            value = number[at] / possible[at] if letter == "B" else strength[at] / number[at] / unit
            pieces.append(
                {
                    "quantity": np.full(len(cells), f"{letter}_{side}"),
                    "class": np.array(CLASSES)[kinds],
                    "cell": ids[cells],
                    "value": value,
                    "n_partners": pairs[at],
                    "n_connected": connected[at],
                }
            )
    return pd.concat([pd.DataFrame(piece) for piece in pieces], ignore_index=True)


def pair_table(links: Links, codes: Codes, pre_ids: AnyArray, post_ids: AnyArray) -> pd.DataFrame:
    """Connected pairs: class, pre, post, count and, where sizes are known, value."""
    import pandas as pd

    code = codes[links.rows, links.columns]
    inside = code >= 0
    rows, columns = links.rows[inside], links.columns[inside]
    table: dict[str, Any] = {
        "class": np.array(BASIC)[code[inside]],
        "pre": pre_ids[rows],
        "post": post_ids[columns],
        "count": links.number[inside],
    }
    if links.strength is not None:
        table["value"] = links.strength[inside]
    order = np.argsort(code[inside], kind="stable")
    return pd.DataFrame(table).iloc[order].reset_index(drop=True)


def class_counts(links: Links, codes: Codes) -> tuple[IntArray, IntArray]:
    """Potential and connected pairs of each of the seven classes."""
    potential = np.bincount(codes.ravel().astype(np.int64) + 1, minlength=N_BASIC + 1)[1:]
    code = codes[links.rows, links.columns].astype(np.int64)
    connected = np.bincount(code + 1, minlength=N_BASIC + 1)[1:]
    return with_unions(potential), with_unions(connected)


def contingency_table(
    potential: IntArray, connected: IntArray, contrasts: tuple[tuple[str, str], ...]
) -> pd.DataFrame:
    """Observed and expected counts of every contrast, a row a cell of its 2 x 2 table."""
    import pandas as pd

    from cofire.stats import chi_squared

    rows: list[dict[str, Any]] = []
    for pair in contrasts:
        at = [CLASSES.index(name) for name in pair]
        table = np.stack([connected[at], potential[at] - connected[at]], axis=1)
        test = chi_squared(table)
        for i, name in enumerate(pair):
            for j, outcome in enumerate(("connected", "not connected")):
                rows.append(
                    {
                        "first": pair[0],
                        "second": pair[1],
                        "class": name,
                        "outcome": outcome,
                        "observed": int(table[i, j]),
                        "expected": float(test.expected[i, j]),
                        "contribution": float(test.contributions[i, j]),
                        "share": float(table[i, j] / potential[at[i]])
                        if potential[at[i]]
                        else np.nan,
                    }
                )
    return pd.DataFrame(rows)
