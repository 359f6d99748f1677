"""How well do two sets of assemblies match, and how well would they by chance?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import BoolArray, FloatArray, IntArray, integer
from cofire.errors import InvalidArgumentError


def best_match(a: Any, b: Any, *, chance: bool = False, n_units: int | None = None) -> float:
    """Agreement of two sets of assemblies, 0 to 1.

    ``1 - [sum_a min_b d(a, b) + sum_b min_a d(a, b)] / (|a| + |b|)`` with the Jaccard distance
    ``d = 1 - |a & b| / |a | b|``: each assembly is compared with the one that is most like it in
    the other set.

    Parameters
    ----------
    a, b : sequence of array_like of int, or ndarray (K, n_units) bool
        Units of each assembly, for example ``SGC().fit(dff).assemblies_``; or masks.
    chance : bool
        Give the level that independent sets of these sizes reach on average instead: overlaps of
        any two assemblies are then hypergeometric and independent. Computed exactly.
    n_units : int, optional
        Number of units that assemblies are drawn from; `chance` needs it, unless masks tell.

    Returns
    -------
    float
        1 for equal sets (in any order); NaN if one of them holds no assembly.

    Raises
    ------
    InvalidArgumentError
        Units that are no indices, or `chance` without `n_units`.

    References
    ----------
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> from cofire.assemblies import best_match
    >>> best_match([[0, 1, 2], [5, 6]], [[5, 6], [0, 1, 2]])
    1.0
    >>> best_match([[0, 1, 2, 3]], [[0, 1]])
    0.5
    >>> round(best_match([[0, 1, 2, 3]], [[0, 1]], chance=True, n_units=20), 3)
    0.083
    """
    first, n_first = _units_of(a, "a")
    second, n_second = _units_of(b, "b")
    if not first or not second:
        return float("nan")
    if chance:
        known = [n for n in (n_units, n_first, n_second) if n is not None]
        if not known:
            raise InvalidArgumentError(
                "the chance level depends on how many units there are: pass n_units"
            )
        total = integer(known[0], "n_units", 1)
        _check_range([*first, *second], total)
        n_a, n_b = (np.array([len(x) for x in side]) for side in (first, second))
        missed = _expected_distance(n_a, n_b, total) + _expected_distance(n_b, n_a, total)
    else:
        if n_units is not None:
            _check_range([*first, *second], integer(n_units, "n_units", 1))
        distance = jaccard_distances(first, second)
        missed = float(distance.min(axis=1).sum() + distance.min(axis=0).sum())
    return 1.0 - missed / (len(first) + len(second))


def jaccard_distances(a: list[IntArray], b: list[IntArray]) -> FloatArray:
    """``1 - |a & b| / |a | b|`` of every pair (len(a), len(b)); 0 between two empty sets."""
    n_units = max((int(x[-1]) + 1 for x in (*a, *b) if len(x)), default=0)
    left, right = (_masks(side, n_units).astype(np.float64) for side in (a, b))
    common = left @ right.T
    union = left.sum(axis=1)[:, None] + right.sum(axis=1) - common
    distance: FloatArray = 1.0 - np.divide(common, union, out=np.ones_like(common), where=union > 0)
    return distance


def _units_of(assemblies: Any, name: str) -> tuple[list[IntArray], int | None]:
    """Sorted distinct units of each assembly, and the number of units if masks tell it."""
    if isinstance(assemblies, np.ndarray) and assemblies.dtype == bool and assemblies.ndim == 2:
        return [np.flatnonzero(row) for row in assemblies], assemblies.shape[1]
    found: list[IntArray] = []
    for k, units in enumerate(assemblies):
        values = np.asarray(units)
        if values.size == 0:
            values = np.zeros(0, dtype=np.int64)
        if values.ndim != 1 or values.dtype.kind not in "iu" or (values < 0).any():
            raise InvalidArgumentError(
                f"{name}[{k}] must be a 1-D array of unit indices from 0, got {units!r:.60}"
            )
        found.append(np.unique(values).astype(np.int64))
    return found, None


def _check_range(assemblies: list[IntArray], n_units: int) -> None:
    largest = max((int(x[-1]) for x in assemblies if len(x)), default=-1)
    if largest >= n_units:
        raise InvalidArgumentError(f"n_units is {n_units}, but an assembly has unit {largest}")


def _masks(assemblies: list[IntArray], n_units: int) -> BoolArray:
    mask = np.zeros((len(assemblies), n_units), dtype=bool)
    for row, units in zip(mask, assemblies, strict=True):
        row[units] = True
    return mask


def _expected_distance(sizes: IntArray, others: IntArray, n_units: int) -> float:
    """Sum over `sizes` of the mean smallest distance to independent sets of sizes `others`."""
    from scipy.stats import hypergeom

    total = 0.0
    other_sizes, counts = np.unique(others, return_counts=True)
    for size, repeats in zip(*np.unique(sizes, return_counts=True), strict=True):
        levels, tails = [], []
        for other in other_sizes:
            overlap = np.arange(max(0, size + other - n_units), min(size, other) + 1)
            union = size + other - overlap
            similar = np.divide(overlap, union, out=np.ones(len(overlap)), where=union > 0)
            levels.append(1.0 - similar)  # falls as the overlap grows
            tails.append(np.cumsum(hypergeom.pmf(overlap, n_units, size, other)))
        grid = np.unique(np.concatenate([[0.0], *levels]))
        # P(smallest distance > x) is a product over the other sets; its integral is the mean.
        beyond = np.ones(len(grid))
        for level, tail, count in zip(levels, tails, counts, strict=True):
            # Overlaps whose distance exceeds x are the first ones.
            n_beyond = len(level) - np.searchsorted(level[::-1], grid, side="right")
            beyond *= np.concatenate([[0.0], tail])[n_beyond] ** count
        total += int(repeats) * float((beyond[:-1] * np.diff(grid)).sum())
    return total
