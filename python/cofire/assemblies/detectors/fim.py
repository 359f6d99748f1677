"""Assemblies from frequent item sets: units that are active together more often than by chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, IntArray, integer
from cofire.assemblies.detectors._base import RasterDetector
from cofire.assemblies.detectors.item_sets import (
    MAX_SETS,
    ItemSets,
    chance_border,
    closed_item_sets,
    detectable,
    reduced,
)


class FIM(RasterDetector):
    """Cell assemblies of a calcium recording by frequent item set mining (*FIM-X*).

    The units active in a frame are a transaction. Closed sets of units that are active together
    in more frames than any set of at least their size in surrogates with the same number of active
    frames per unit and active units per frame are kept; of nested ones the stronger is an assembly.

    Parameters
    ----------
    raster : {"deconvolved", "romano", "threshold"} or array_like (n_frames, n_units) bool
        When units are active; "threshold" is the simple one of :class:`SGC`.
    min_size : int, >= 2
        Units of a set.
    min_support : int, >= 1
        Frames in which all of them are active.
    n_surrogates : int, >= 1
    max_sets : int, >= 1
        More closed sets than these are an error. Their number can double with every unit that is
        reliably active with others: choose larger `min_support` or `min_size` for large assemblies.
    n_std : float
        Of the raster "threshold".
    rate : float, Hz, optional
        Frames a second; default that of the Traces. The raster "threshold" needs none.
    half_life : float, s
        Of calcium.
    rng : int or numpy.random.Generator
    threads : int, optional
        Results do not depend on it.

    Attributes
    ----------
    assemblies_ : list of ndarray of int64
        Units of each assembly, ascending; the best supported first, (size - 1) * support.
    labels_ : ndarray (n_patterns,) int64
        k where the set is ``assemblies_[k - 1]``, 0 where a nested one was stronger.
    patterns_ : ndarray (n_patterns, n_units) bool
        Sets beyond chance.
    support_ : ndarray (n_patterns,) int64
        Frames in which all their units are active.
    sets_ : ItemSets
        All closed sets.
    border_ : ndarray (n_units + 1,) int64
        Support that a set of each size needs: 1 more than the largest of any surrogate's set of at
        least this size.
    raster_ : ndarray (n_kept, n_units) bool
    coactivity_ : ndarray (n_kept,) int64
    frames_ : ndarray (n_kept,) int64
        Frames of the recording without NaN.
    n_assemblies_, n_dropped_ : int

    Raises
    ------
    TooLargeError
        From ``fit``: more than `max_sets` closed sets.

    References
    ----------
    Picado-Muiño et al. 2013, doi:10.3389/fninf.2013.00009;
    Torre et al. 2013, doi:10.3389/fncom.2013.00132;
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import FIM
    >>> rng = np.random.default_rng(0)
    >>> dff = rng.normal(0, 0.1, (2000, 30))
    >>> dff[10::50, :8] += 1
    >>> dff[35::50, 8:16] += 1
    >>> model = FIM(raster="threshold", n_surrogates=50).fit(dff)
    >>> sorted(units.tolist() for units in model.assemblies_)
    [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]]
    """

    def __init__(
        self,
        raster: str | AnyArray = "deconvolved",
        min_size: int = 2,
        min_support: int = 6,
        n_surrogates: int = 1000,
        max_sets: int = MAX_SETS,
        n_std: float = 2.0,
        rate: float | None = None,
        half_life: float = 1.0,
        rng: int | np.random.Generator = 0,
        threads: int | None = None,
    ) -> None:
        self.raster = raster
        self.min_size = min_size
        self.min_support = min_support
        self.n_surrogates = n_surrogates
        self.max_sets = max_sets
        self.n_std = n_std
        self.rate = rate
        self.half_life = half_life
        self.rng = rng
        self.threads = threads

    def _check(self) -> None:
        self._check_raster()
        integer(self.min_size, "min_size", 2)
        for name in ("min_support", "n_surrogates", "max_sets"):
            integer(getattr(self, name), name, 1)

    def _find(self, values: AnyArray, seeds: list[int]) -> tuple[Sequence[Any], IntArray]:
        self._make_raster(values)
        n_units = values.shape[1]
        self.patterns_: BoolArray = np.zeros((0, n_units), dtype=bool)
        self.support_: IntArray = np.zeros(0, dtype=np.int64)
        self.sets_: ItemSets = closed_item_sets(
            self.raster_,
            min_size=self.min_size,
            min_support=self.min_support,
            max_sets=self.max_sets,
        )
        self.border_: IntArray = 1 + np.zeros(n_units + 1, dtype=np.int64)
        if len(self.sets_) == 0:
            return self._nothing(
                f"no {self.min_size} units are active together in {self.min_support} frames"
            )
        border = chance_border(
            self.raster_,
            n_surrogates=self.n_surrogates,
            min_support=self.min_support,
            seed=seeds[0],
            threads=self.threads,
        )
        self.border_ = border + 1
        found = np.flatnonzero(detectable(self.sets_, border))
        if len(found) == 0:
            return self._nothing(
                f"none of {len(self.sets_)} closed sets has more support than surrogates"
            )
        score = (self.sets_.size[found] - 1) * self.sets_.support[found]
        found = found[np.argsort(-score, kind="stable")]
        self.patterns_ = np.zeros((len(found), n_units), dtype=bool)
        for row, k in zip(self.patterns_, found, strict=True):
            row[self.sets_[int(k)]] = True
        self.support_ = self.sets_.support[found]
        kept = reduced(self.sets_, found)
        labels = np.zeros(len(found), dtype=np.int64)
        labels[np.isin(found, kept)] = np.arange(1, len(kept) + 1)
        return [self.sets_[int(k)] for k in kept], labels
