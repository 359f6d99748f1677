"""Which units belong to an assembly?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import BoolArray, FloatArray, matrix
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd


def find_members(patterns: Any) -> BoolArray:
    """Units whose absolute weight lies above an Otsu threshold, pattern by pattern.

    With ``v = |w|`` sorted ascending to ``s[0..n-1]``, the threshold is the ``s[i]`` (i < n - 1)
    that minimizes ``p * var(s[:i+1]) + (1 - p) * var(s[i+1:])``, ``p = (i + 1) / n``; the first
    minimum wins. Members have ``v > threshold``.

    Parameters
    ----------
    patterns : array_like (n_assemblies, n_units)
        Weights.

    Returns
    -------
    ndarray (n_assemblies, n_units) bool
        Equal weights everywhere, or fewer than two units: no members.

    Raises
    ------
    InvalidArgumentError
        `patterns` is not a finite matrix.

    References
    ----------
    Otsu 1979, doi:10.1109/TSMC.1979.4310076

    Examples
    --------
    >>> from cofire.assemblies import find_members
    >>> find_members([[0.7, -0.1, 0.05, 0.7, 0.0]])
    array([[ True, False, False,  True, False]])
    """
    weights = np.abs(as_patterns(patterns))
    members = np.zeros(weights.shape, dtype=bool)
    if weights.shape[1] > 1:
        for row, member in zip(weights, members, strict=True):
            member[:] = row > _otsu_threshold(row)
    return members


def valid_assemblies(patterns: Any, members: Any = None) -> BoolArray:
    """Whether an assembly has members and all their weights share one sign.

    Parameters
    ----------
    patterns : array_like (n_assemblies, n_units)
    members : array_like (n_assemblies, n_units) bool, optional
        Default: :func:`find_members` of the patterns.

    Returns
    -------
    ndarray (n_assemblies,) bool

    Raises
    ------
    InvalidArgumentError
        `members` has another shape than `patterns`.

    Examples
    --------
    >>> from cofire.assemblies import valid_assemblies
    >>> valid_assemblies([[0.7, 0.7, 0.1], [0.7, -0.7, 0.1]])
    array([ True, False])
    """
    weights = as_patterns(patterns)
    if members is None:
        is_member = find_members(weights)
    else:
        is_member = np.asarray(members, dtype=bool)
        if is_member.shape != weights.shape:
            raise InvalidArgumentError(
                f"members must have the shape of patterns {weights.shape}, got {is_member.shape}"
            )
    positive = (is_member & (weights > 0)).sum(axis=1)
    negative = (is_member & (weights < 0)).sum(axis=1)
    n_members = is_member.sum(axis=1)
    return np.asarray((n_members > 0) & ((positive == n_members) | (negative == n_members)))


def members_by_group(members: Any, labels: Sequence[Any] | Any) -> pd.DataFrame:
    """Count the members of each assembly in each group of units (region, cell type, ...).

    Parameters
    ----------
    members : array_like (n_assemblies, n_units) bool
    labels : sequence (n_units,)
        Group of each unit.

    Returns
    -------
    DataFrame
        A row an assembly, a column a group (sorted) with its number of members, then
        ``n_members`` and ``n_groups`` (groups with at least one member).

    Raises
    ------
    InvalidArgumentError
        The number of labels is not the number of units.

    Examples
    --------
    >>> from cofire.assemblies import members_by_group
    >>> members_by_group([[True, True, False]], ["CA1", "PFC", "PFC"]).loc[0].to_dict()
    {'CA1': 1, 'PFC': 1, 'n_members': 2, 'n_groups': 2}
    """
    import pandas as pd

    is_member = matrix(members, "members", dtype=bool)
    groups = np.asarray(labels).astype(str)
    if groups.shape != (is_member.shape[1],):
        raise InvalidArgumentError(
            f"labels must name the group of each of {is_member.shape[1]} units, "
            f"got {groups.size} labels"
        )
    names, group_of = np.unique(groups, return_inverse=True)
    counts = is_member.astype(np.int64) @ np.eye(len(names), dtype=np.int64)[group_of]
    table = pd.DataFrame(counts, columns=list(names))
    table.index.name = "assembly"
    table["n_members"] = is_member.sum(axis=1)
    table["n_groups"] = (counts > 0).sum(axis=1)
    return table


def as_patterns(patterns: Any, name: str = "patterns") -> FloatArray:
    """Check a finite matrix of weights (n_assemblies, n_units)."""
    weights: FloatArray = matrix(patterns, name)
    if not np.isfinite(weights).all():
        row = int(np.flatnonzero(~np.isfinite(weights).all(axis=1))[0])
        raise InvalidArgumentError(f"{name} must be finite: row {row} holds NaN or infinity")
    return weights


def _otsu_threshold(values: FloatArray) -> float:
    """The value that splits `values` with the least variance inside the two classes.

    Within-class variance = total variance - between-class variance, and with centered values the
    latter is ``S_i^2 / (n_low n_high)`` up to a factor (S_i the sum of the i + 1 smallest): no
    difference of large numbers. Splits that tie up to rounding are decided by the definition.
    """
    ordered = np.sort(values)
    n = len(ordered)
    centered = ordered - ordered.mean()
    n_low = np.arange(1, n)
    between = np.cumsum(centered)[:-1] ** 2 / (n_low * (n - n_low))
    candidates = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    if len(candidates) > 1:
        costs = [_within_class_variance(ordered, int(i)) for i in candidates]
        return float(ordered[candidates[int(np.argmin(costs))]])
    return float(ordered[candidates[0]])


def _within_class_variance(ordered: FloatArray, i: int) -> float:
    p = (i + 1) / len(ordered)
    return float(p * np.var(ordered[: i + 1]) + (1 - p) * np.var(ordered[i + 1 :]))
