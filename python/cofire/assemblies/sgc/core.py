"""Step G: from groups of patterns to assemblies of units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cofire._validate import BoolArray, FloatArray, IntArray
from cofire.assemblies.sgc.similarity_graph import TIE, cosine_distances

MIN_SIZE = 5
"""Groups of fewer patterns are no assembly."""


@dataclass(frozen=True, slots=True)
class CoreAssemblies:
    """Assemblies and the patterns in which they were active.

    Attributes
    ----------
    labels : ndarray (n_patterns,) int64
        k where the pattern shows ``assemblies[k - 1]``, 0 where it shows none.
    assemblies : list of ndarray of int64
        Units of each assembly, ascending, in the order of the groups.
    """

    labels: IntArray
    assemblies: list[IntArray]


def core_assemblies(patterns: BoolArray, groups: IntArray, affinity: float) -> CoreAssemblies:
    """Prune and merge groups of patterns, reassign the patterns, read off the units.

    Parameters
    ----------
    patterns : ndarray (n_patterns, n_units) bool
    groups : ndarray (n_patterns,) int64
        Labels from 1; 0 means in no group.
    affinity : float
        A unit is in a group's core if it is active in more than this share of its patterns.

    Returns
    -------
    CoreAssemblies
        A group without units is dropped.
    """
    labels = prune(groups)
    labels = merge(labels, *cores(patterns, labels, affinity))
    labels = reassign(patterns, *cores(patterns, labels, affinity))
    labels = prune(labels)
    present, core = cores(patterns, labels, affinity)
    kept = core.any(axis=1)
    number = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int64)
    number[present[kept]] = np.arange(1, int(kept.sum()) + 1)
    units = [np.flatnonzero(row).astype(np.int64) for row in core[kept]]
    return CoreAssemblies(number[labels], units)


def prune(labels: IntArray) -> IntArray:
    """Set groups to 0 that are smaller than ``max(5, mean - 1.5 std)`` of all groups' sizes.

    The patterns that are in no group count in neither mean nor standard deviation (ddof 1, 0 for a
    single group).
    """
    sizes = np.bincount(labels)[1:]
    present = sizes[sizes > 0]
    if len(present) == 0:
        return labels.copy()
    spread = present.std(ddof=1) if len(present) > 1 else 0.0
    smallest = max(float(MIN_SIZE), present.mean() - 1.5 * spread)
    keep = np.concatenate([[False], sizes >= smallest])
    return np.where(keep[labels], labels, 0)


def cores(patterns: BoolArray, labels: IntArray, affinity: float) -> tuple[IntArray, BoolArray]:
    """Labels of the groups (n_groups,) and their cores (n_groups, n_units)."""
    present = np.unique(labels[labels > 0])
    activity: FloatArray = np.array([patterns[labels == r].mean(axis=0) for r in present]).reshape(
        len(present), patterns.shape[1]
    )
    return present, activity > affinity


def merge(labels: IntArray, present: IntArray, core: BoolArray) -> IntArray:
    """Join groups whose cores share more than two thirds of the larger one.

    Pairs (r, s), r < s, are visited with s in the outer loop. Joining them turns s into r, in the
    labels and as the first of later pairs.
    """
    sizes = core.sum(axis=1)
    weights = core.astype(np.float64)
    alike = 3.0 * (weights @ weights.T) > 2.0 * np.maximum.outer(sizes, sizes)
    labels = labels.copy()
    # What each group is called when it comes first in a pair.
    name = {int(r): int(r) for r in present}
    for j, s in enumerate(present.tolist()):
        for r in present[:j][alike[:j, j]].tolist():
            target = name[r]
            labels[labels == s] = target
            for other, current in name.items():
                if current == s:
                    name[other] = target
    return labels


def reassign(patterns: BoolArray, present: IntArray, core: BoolArray) -> IntArray:
    """Give every pattern to the core that is nearest to it in cosine distance.

    It must hold more than half of that core's units; otherwise it is in no group. Empty cores get
    no pattern, of equally near ones the first does.
    """
    filled = core.any(axis=1)
    present, core = present[filled], core[filled]
    if len(present) == 0:
        return np.zeros(len(patterns), dtype=np.int64)
    distance = cosine_distances(patterns, core)
    nearest = (distance <= distance.min(axis=1, keepdims=True) + TIE).argmax(axis=1)
    common = (patterns & core[nearest]).sum(axis=1)
    holds = 2 * common > core.sum(axis=1)[nearest]
    return np.where(holds, present[nearest], 0)
