"""Where are the cells and which of them form an assembly? Geometry of made calcium recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cofire._validate import BoolArray, FloatArray, IntArray, one_of, real
from cofire.errors import InvalidArgumentError

_REACH = 0.5  # a cell belongs to an assembly if a point falls this close to it
_WHOLE_TRIES = 200
_REDRAWS = 20_000
_SIZE_TRIES = 2_000


@dataclass(frozen=True, slots=True)
class AssemblySizes:
    """How assemblies are drawn: points around a center, and the sizes that are accepted."""

    n_points: int
    spread: tuple[float, float]
    size: tuple[float, float]


SIZES = {
    "small": AssemblySizes(10, (0.7, 1.2), (5, 9)),
    "medium": AssemblySizes(26, (1.0, np.sqrt(2.5)), (10, 20)),
    "large": AssemblySizes(60, (np.sqrt(2.5), 2.4), (21, 40)),
}
OVERLAPS = {"low": (0.0, 0.05), "medium": (0.05, 0.1), "high": (0.1, 0.2)}
"""Mean Jaccard overlap of pairs of assemblies."""


def honeycomb(degree: int) -> FloatArray:
    """Positions of ``3 v (v + 1) + 1`` cells on a hexagonal lattice of distance 1.

    The center comes first; ring n starts at (0, n) and goes n steps along each of six unit
    vectors, from ``-(sqrt(3), 1) / 2`` on, each turned by 60 degrees from the last.

    Parameters
    ----------
    degree : int, >= 0
        Number of rings, v.

    Returns
    -------
    ndarray (n_units, 2) float64
    """
    angle = np.pi * (7 / 6 + np.arange(6) / 3)
    steps = np.column_stack([np.cos(angle), np.sin(angle)])
    rings = [np.zeros((1, 2))]
    for n in range(1, degree + 1):
        walk = np.repeat(steps, n, axis=0)
        rings.append(np.array([0.0, n]) + np.cumsum(walk, axis=0) - walk)
    return np.concatenate(rings)


def draw_assemblies(
    positions: FloatArray,
    degree: int,
    n_assemblies: int,
    size: str | tuple[int, int],
    overlap: str | tuple[float, float],
    rng: np.random.Generator,
) -> list[IntArray]:
    """Units of random assemblies whose mean pairwise overlap is in a range.

    Whole configurations are drawn until one fits; if that does not come, single assemblies are
    redrawn as long as it brings the overlap closer to the range.
    """
    kind = _sizes_of(size)
    low, high = _overlap_of(overlap)
    for _ in range(_WHOLE_TRIES):
        mask = _draw(positions, degree, n_assemblies, kind, rng)
        if low <= mean_overlap(mask) <= high or n_assemblies < 2:
            return _units(mask)
    missing = _distance(mean_overlap(mask), low, high)
    for _ in range(_REDRAWS):
        changed = mask.copy()
        changed[rng.integers(n_assemblies)] = _draw(positions, degree, 1, kind, rng)
        distance = _distance(mean_overlap(changed), low, high)
        if distance <= missing:
            mask, missing = changed, distance
        if missing == 0:
            return _units(mask)
    raise InvalidArgumentError(
        f"no {n_assemblies} assemblies with a mean overlap of {low:g} to {high:g} found on "
        f"{len(positions)} cells; use a larger degree, fewer assemblies or another overlap"
    )


def mean_overlap(members: BoolArray) -> float:
    """Mean Jaccard overlap of all pairs of assemblies (K, n_units); 0 for fewer than two."""
    weights = members.astype(np.float64)
    common = weights @ weights.T
    sizes = np.diag(common)
    first, second = np.triu_indices(len(members), 1)
    if len(first) == 0:
        return 0.0
    shared = common[first, second]
    return float((shared / (sizes[first] + sizes[second] - shared)).mean())


def _draw(
    positions: FloatArray, degree: int, n: int, kind: AssemblySizes, rng: np.random.Generator
) -> BoolArray:
    mask = np.zeros((n, len(positions)), dtype=bool)
    done = 0
    for _ in range(_SIZE_TRIES * max(n, 1)):
        if done == n:
            return mask
        # Uniform on a disc: the area grows with the square of the radius.
        radius = np.sqrt(3) * degree / 2 * np.sqrt(rng.random())
        angle = rng.uniform(0, 2 * np.pi)
        center = radius * np.array([np.cos(angle), np.sin(angle)])
        points = rng.normal(center, rng.uniform(*kind.spread), (kind.n_points, 2))
        distance = np.hypot(*(positions[:, None] - points).transpose(2, 0, 1))
        members = (distance < _REACH).any(axis=1)
        if kind.size[0] <= members.sum() <= kind.size[1]:
            mask[done] = members
            done += 1
    if done == n:
        return mask
    raise InvalidArgumentError(
        f"no assembly of {kind.size[0]:g} to {kind.size[1]:g} cells found on {len(positions)} "
        "cells; use a larger degree or another size"
    )


def _sizes_of(size: str | tuple[int, int]) -> AssemblySizes:
    if isinstance(size, str):
        return SIZES[one_of(size, "size", tuple(SIZES))]
    low, high = _range(size, "size")
    if low < 1:
        raise InvalidArgumentError(f"size must be at least 1 cell, got {size!r}")
    # The family whose sizes are nearest, with its number of points in proportion.
    middle = (low + high) / 2
    near = min(SIZES.values(), key=lambda kind: abs(np.log(middle / np.mean(kind.size))))
    n_points = max(1, round(near.n_points * middle / float(np.mean(near.size))))
    return AssemblySizes(n_points, near.spread, (low, high))


def _overlap_of(overlap: str | tuple[float, float]) -> tuple[float, float]:
    if isinstance(overlap, str):
        return OVERLAPS[one_of(overlap, "overlap", tuple(OVERLAPS))]
    low, high = _range(overlap, "overlap")
    if low < 0 or high > 1:
        raise InvalidArgumentError(f"overlap must lie in [0, 1], got {overlap!r}")
    return low, high


def _range(value: str | Sequence[float], name: str) -> tuple[float, float]:
    if np.shape(value) != (2,):
        raise InvalidArgumentError(f"{name} must be a name or a range (low, high), got {value!r}")
    low, high = (real(float(v), name) for v in value)
    if low > high:
        raise InvalidArgumentError(f"{name} must be a range with low <= high, got {value!r}")
    return low, high


def _distance(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def _units(mask: BoolArray) -> list[IntArray]:
    return [np.flatnonzero(row).astype(np.int64) for row in mask]
