"""The tests of contrasts straight from arrays, for thousands of draws or each assembly."""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.structure import _battery
from cofire.structure._sums import Links, class_counts, per_class
from cofire.structure.classes import BASIC, CLASSES, UNIONS


def array_records(links: Links, codes: Any, options: _battery.Options) -> list[dict[str, Any]]:
    """The records of :func:`_battery.class_records` straight from arrays, without tables."""
    potential, connected = class_counts(links, codes)
    code = codes[links.rows, links.columns]
    sides = [(side, *per_class(links, codes, axis)) for axis, side in ((0, "out"), (1, "in"))]
    records = []
    for pair in options.contrasts:
        at = [CLASSES.index(name) for name in pair]
        counts = np.stack([connected[at], (potential - connected)[at]], axis=1)
        records.append(_battery.chi_squared_record("B", pair, counts, options.confidence))
        if links.strength is not None:
            a, b = (links.strength[_inside(code, name)] for name in pair)
            records.append(_battery.rank_sum_record("W", pair, a, b, options))
        for side, _, possible, number, _, strength in sides:
            letters: list[tuple[str, FloatArray, IntArray]] = [
                ("B", number.astype(np.float64), possible)
            ]
            if links.strength is not None:
                letters.append(("W", strength, number))
            for letter, above, below in letters:
                name = f"{letter}_{side}"
                there = below[:, at] > 0
                value = np.divide(
                    above[:, at], below[:, at], where=there, out=np.zeros(there.shape)
                )
                first, second = value[there[:, 0], 0], value[there[:, 1], 1]
                records.append(_battery.rank_sum_record(name, pair, first, second, options))
                both = there.all(axis=1)
                records.append(
                    _battery.signed_rank_record(name, pair, value[both, 0], value[both, 1], options)
                )
    return records


def _inside(code: Any, name: str) -> AnyArray:
    inside: AnyArray = np.isin(code, [BASIC.index(part) for part in UNIONS.get(name, (name,))])
    return inside
