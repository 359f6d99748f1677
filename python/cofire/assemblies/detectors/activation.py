"""When is an assembly active? Agreement of its units with those of each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import BoolArray, FloatArray, IntArray, real
from cofire.assemblies.matching import _check_range, _masks, _units_of
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class AssemblyActivation:
    """How well each frame matches each assembly.

    Attributes
    ----------
    matching : ndarray (K, n_frames) float64
        ``2 |A & F| / (|A| + |F|)`` of the units A of an assembly and F of a frame; 0 to 1.
    p : ndarray (K, n_frames) float64
        Chance that as many units of F, drawn at random, lie in A.
    active : ndarray (K, n_frames) bool
        `p` at most the level asked for.
    level : float
    """

    matching: FloatArray
    p: FloatArray
    active: BoolArray
    level: float

    @property
    def n_active(self) -> IntArray:
        """Number of frames in which each assembly is active, (K,)."""
        counts: IntArray = self.active.sum(axis=1, dtype=np.int64)
        return counts

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each frame in which an assembly is active."""
        import pandas as pd

        assembly, frame = np.nonzero(self.active)
        return pd.DataFrame(
            {
                "assembly": assembly,
                "frame": frame,
                "matching": self.matching[assembly, frame],
                "p": self.p[assembly, frame],
            }
        )

    def __repr__(self) -> str:
        k, n_frames = self.matching.shape
        return (
            f"AssemblyActivation({k} assemblies, {n_frames} frames, "
            f"{int(self.active.any(axis=0).sum())} with an active one at p <= {self.level:g})"
        )


def assembly_activation(
    assemblies: Sequence[Any], raster: Any, *, p: float = 0.01
) -> AssemblyActivation:
    """Match every frame of a raster with every assembly.

    Parameters
    ----------
    assemblies : sequence of array_like of int, or ndarray (K, n_units) bool
        Units of each assembly.
    raster : array_like (n_frames, n_units) bool
    p : float, (0, 1)
        An assembly is active in a frame if as many of its units would be active by chance with at
        most this probability (hypergeometric, upper tail).

    Returns
    -------
    AssemblyActivation

    Raises
    ------
    InvalidArgumentError
        A unit that the raster does not have, or `p` out of range.

    Notes
    -----
    A frame without active units matches nothing (0, p = 1). Levels are not corrected for the number
    of frames.

    References
    ----------
    Romano et al. 2017, doi:10.1371/journal.pcbi.1005526

    Examples
    --------
    >>> from cofire.assemblies import assembly_activation
    >>> raster = [[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]]
    >>> found = assembly_activation([[0, 1, 2]], raster, p=0.2)
    >>> found.matching.round(2).tolist()
    [[0.8, 0.0, 0.0]]
    >>> found.active.tolist()
    [[True, False, False]]
    """
    from scipy.stats import hypergeom

    if not 0 < real(p, "p") < 1:
        raise InvalidArgumentError(f"p must lie between 0 and 1, got {p!r}")
    frames = np.asarray(raster)
    if frames.ndim != 2:
        raise InvalidArgumentError(f"raster must have shape (frames, units), got {frames.shape}")
    n_units = frames.shape[1]
    units, _ = _units_of(assemblies, "assemblies")
    _check_range(units, n_units)
    masks = _masks(units, n_units)
    # Counts are exact in float32 below 2**24.
    common = (masks.astype(np.float32) @ (frames != 0).astype(np.float32).T).astype(np.int64)
    n_active = (frames != 0).sum(axis=1, dtype=np.int64)
    matching = np.zeros(common.shape)
    chance = np.ones(common.shape)
    for k, members in enumerate(units):
        total = len(members) + n_active
        np.divide(2.0 * common[k], total, out=matching[k], where=total > 0)
        # Few distinct pairs (units of the frame, units in common) occur.
        pairs, where = np.unique(np.stack([n_active, common[k]]), axis=1, return_inverse=True)
        tail = hypergeom.sf(pairs[1] - 1, n_units, len(members), pairs[0])
        chance[k] = tail[where.reshape(-1)]
    return AssemblyActivation(matching, chance, chance <= p, float(p))
