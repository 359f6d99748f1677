"""What the detectors of calcium assemblies share: frames, rasters, chance, what is kept."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cofire._validate import (
    AnyArray,
    BoolArray,
    FloatArray,
    IntArray,
    integer,
    one_of,
    positive,
    real,
)
from cofire.assemblies._estimator import Estimator
from cofire.assemblies.detectors.activation import AssemblyActivation, assembly_activation
from cofire.assemblies.detectors.rasters import RASTERS, raster_of
from cofire.assemblies.nulls import seed_of
from cofire.assemblies.sgc.null import exact_null, null_threshold, shuffled_null
from cofire.assemblies.sgc.raster import frames_of
from cofire.errors import InvalidArgumentError, NoAssemblyWarning

if TYPE_CHECKING:
    import pandas as pd


class CalciumDetector(Estimator):
    """Base of the detectors that read dF/F: ``fit`` checks, drops frames, and tidies the result.

    A subclass has the parameters `rng` and `threads`, and finds assemblies in ``_find``.
    """

    rng: int | np.random.Generator
    threads: int | None
    assemblies_: list[IntArray]
    labels_: IntArray
    patterns_: AnyArray
    frames_: IntArray
    n_dropped_: int
    n_assemblies_: int

    def fit(self, dff: Any, y: Any = None) -> Self:
        """Find assemblies.

        Parameters
        ----------
        dff : array_like (n_frames, n_units) or Traces
            dF/F. Frames with a NaN are dropped. Not changed.
        y : ignored

        Returns
        -------
        Self

        Raises
        ------
        InvalidArgumentError
            Infinite values, not two dimensions, or a parameter out of range.
        """
        self._check()
        values, self.frames_ = frames_of(dff)
        self.n_dropped_ = len(getattr(dff, "values", dff)) - len(self.frames_)
        self._frame_rate = getattr(dff, "rate", None)
        self._reason = ""
        seeds = np.random.SeedSequence(seed_of(self.rng)).generate_state(4, np.uint64)
        assemblies, labels = self._find(values, [int(s) for s in seeds])
        self._keep(assemblies, labels)
        return self

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each assembly: units, patterns, their numbers."""
        import pandas as pd

        assemblies: list[IntArray] = self._learned("assemblies_")
        table = pd.DataFrame(
            {
                "n_units": [len(units) for units in assemblies],
                "n_patterns": [int((self.labels_ == k + 1).sum()) for k in range(len(assemblies))],
                "units": [tuple(units.tolist()) for units in assemblies],
            }
        )
        table.index.name = "assembly"
        return table

    def _check(self) -> None:
        raise NotImplementedError

    def _find(self, values: AnyArray, seeds: list[int]) -> tuple[Sequence[Any], IntArray]:
        """Units of each assembly, and for each of ``patterns_`` the number from 1 or 0."""
        raise NotImplementedError

    def _nothing(self, reason: str) -> tuple[list[IntArray], IntArray]:
        """End a search early; `reason` becomes the warning."""
        self._reason = reason
        return [], np.zeros(len(self.patterns_), dtype=np.int64)

    def _keep(self, assemblies: Sequence[Any], labels: IntArray) -> None:
        """Drop empty assemblies, and warn if nothing is left."""
        number = np.zeros(len(assemblies) + 1, dtype=np.int64)
        self.assemblies_ = []
        for k, units in enumerate(assemblies, start=1):
            if len(units):
                self.assemblies_.append(np.sort(np.asarray(units, dtype=np.int64)))
                number[k] = len(self.assemblies_)
        self.labels_ = number[np.asarray(labels, dtype=np.int64)]
        self.n_assemblies_ = len(self.assemblies_)
        if self.n_assemblies_ == 0:
            reason = self._reason or "nothing that was found has members"
            warnings.warn(
                f"no assembly by {type(self).__name__}: {reason}", NoAssemblyWarning, stacklevel=4
            )


class RasterDetector(CalciumDetector):
    """Base of the detectors that read a binary raster.

    A subclass has the parameters `raster`, `n_std`, `rate` and `half_life`.
    """

    raster: str | AnyArray
    n_std: float
    rate: float | None
    half_life: float
    raster_: BoolArray
    coactivity_: IntArray

    def activation(self, p: float = 0.01) -> AssemblyActivation:
        """When each assembly is active; see :func:`cofire.assemblies.assembly_activation`."""
        return assembly_activation(self._learned("assemblies_"), self.raster_, p=p)

    def _check_raster(self) -> None:
        if isinstance(self.raster, str):
            one_of(self.raster, "raster", RASTERS)
        real(self.n_std, "n_std")
        positive(self.half_life, "half_life", "s")
        if self.rate is not None:
            positive(self.rate, "rate", "Hz")

    def _make_raster(self, values: AnyArray) -> None:
        """Set ``raster_`` and ``coactivity_``."""
        if isinstance(self.raster, str):
            made = raster_of(
                values,
                self.raster,
                n_std=self.n_std,
                rate=self._frame_rate if self.rate is None else self.rate,
                half_life=self.half_life,
                threads=self.threads,
            )
        else:
            made = _given_raster(self.raster, self.frames_, self.n_dropped_, values.shape[1])
        self.raster_ = made
        self.coactivity_ = made.sum(axis=1, dtype=np.int64)


class CoactivityDetector(RasterDetector):
    """Base of the detectors that read the frames of significant co-activity.

    A subclass has the parameters `shuffles` and `p`.
    """

    shuffles: int | str
    p: float
    null_: AnyArray
    threshold_: float
    peaks_: IntArray

    def _check_coactivity(self) -> None:
        self._check_raster()
        if isinstance(self.shuffles, str):
            if self.shuffles != "exact":
                raise InvalidArgumentError(
                    f'shuffles must be a number or "exact", got {self.shuffles!r}'
                )
        else:
            integer(self.shuffles, "shuffles", 1)
        if not 0 < real(self.p, "p") < 1:
            raise InvalidArgumentError(f"p must lie between 0 and 1, got {self.p!r}")

    def _significant(self, values: AnyArray, seed: int, *, at_threshold: bool) -> IntArray:
        """Kept frames whose co-activity is above (or at) the threshold; sets what led there."""
        self._make_raster(values)
        if self.shuffles == "exact":
            self.null_ = exact_null(self.raster_)
        else:
            self.null_ = shuffled_null(self.raster_, int(self.shuffles), seed, self.threads)
        self.threshold_ = null_threshold(self.null_, self.p)
        above = self.coactivity_ > self.threshold_
        if at_threshold:
            above |= self.coactivity_ == self.threshold_
        found: IntArray = np.flatnonzero(above & (self.coactivity_ > 0))
        self.peaks_ = self.frames_[found]
        return found

    def _too_few(self, n: int, minimum: int) -> str:
        return (
            f"{n} of {len(self.frames_)} frames have significant co-activity, at least {minimum} "
            "are needed; raise p"
        )


def _given_raster(raster: Any, frames: IntArray, n_dropped: int, n_units: int) -> BoolArray:
    """A raster of all frames or of those without NaN, given by the user."""
    given = np.asarray(raster)
    n_given = len(frames) + n_dropped
    if given.ndim != 2 or len(given) not in (n_given, len(frames)) or given.shape[1] != n_units:
        raise InvalidArgumentError(
            f"raster has shape {given.shape}, but dff has {n_given} frames and {n_units} units"
        )
    if given.dtype != bool and not np.isin(given, (0, 1)).all():
        raise InvalidArgumentError("raster must hold True and False (or 1 and 0) only")
    kept = given[frames] if len(given) == n_given else given
    return np.ascontiguousarray(kept, dtype=bool)


def z_scored(values: AnyArray) -> FloatArray:
    """Columns with mean 0 and standard deviation 1 (ddof 1), as rows; 0 for a constant unit."""
    z = np.ascontiguousarray(values.T, dtype=np.float64).copy()
    constant = z.max(axis=1, initial=-np.inf) == z.min(axis=1, initial=np.inf)
    z -= z.mean(axis=1, keepdims=True)
    std = z.std(axis=1, ddof=1, keepdims=True)
    np.divide(z, std, out=z, where=std > 0)
    z[constant] = 0.0
    return z


def largest_eigenvalue(symmetric: FloatArray) -> float:
    """The largest one, without the others."""
    from scipy.linalg import eigh

    n = len(symmetric)
    return float(eigh(symmetric, eigvals_only=True, subset_by_index=[n - 1, n - 1])[0])
