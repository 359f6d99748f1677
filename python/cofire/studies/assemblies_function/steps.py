"""Steps of the study that join several functions of :mod:`cofire.assemblies` into one result."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import assemblies as asm
from cofire._validate import AnyArray, FloatArray, IntArray, integer
from cofire.assemblies.function._inputs import unit_sets
from cofire.errors import InvalidArgumentError, NoAssemblyWarning
from cofire.studies.assemblies_function.stimuli import GratingRows, MovieRows

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("assemblies", "random", "all cells", "assembly cells", "no-assembly cells")
_COMPARISONS = (
    ("assemblies", "random"),
    ("assemblies", "all cells"),
    ("assemblies", "assembly cells"),
    ("assemblies", "no-assembly cells"),
    ("all cells", "assembly cells"),
    ("assembly cells", "no-assembly cells"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """Assemblies of the study and where they come from.

    Attributes
    ----------
    assemblies : tuple of ndarray of int64
        In the order of the study: A1, A2, ...
    source : tuple of int
        Position of each in the order of the detector (or file).
    detector : estimator or None
        Fitted; None for assemblies that are given.
    name : str
        Of the detector, or "given".
    comparison : DetectorComparison or None
        With several detectors.
    reason : str
        Why nothing was found; else empty.
    """

    assemblies: tuple[IntArray, ...]
    source: tuple[int, ...]
    detector: Any
    name: str
    comparison: asm.DetectorComparison | None
    reason: str

    @property
    def in_source_order(self) -> tuple[IntArray, ...]:
        """The assemblies as the detector (or file) has them."""
        order = np.argsort(np.array(self.source, dtype=np.int64))
        return tuple(self.assemblies[int(k)] for k in order)

    def to_frame(self, n_units: int | None = None) -> pd.DataFrame:
        """Table with a row for each assembly: its size, share of all units, its units."""
        import pandas as pd

        sizes = [len(units) for units in self.assemblies]
        table = pd.DataFrame(
            {
                "assembly": [f"A{k + 1}" for k in range(len(sizes))],
                "source": self.source,
                "n_units": sizes,
                "units": [" ".join(map(str, units.tolist())) for units in self.assemblies],
            }
        )
        if n_units:
            table.insert(3, "share", np.array(sizes) / n_units)
        return table

    def __repr__(self) -> str:
        sizes = ", ".join(str(len(units)) for units in self.assemblies[:6])
        more = ", ..." if len(self.assemblies) > 6 else ""
        return f"Detection({len(self.assemblies)} assemblies by {self.name}, sizes {sizes}{more})"


def detect(
    dff: Any,
    detectors: Mapping[str, Any],
    *,
    order: str = "size",
    progress: Callable[[str, int, int], None] | None = None,
) -> Detection:
    """Find assemblies with the first of several detectors, and compare it with the others.

    Parameters
    ----------
    dff : array_like (n_frames, n_units) or Traces
    detectors : mapping of name to detector
        Unfitted; they are fitted here.
    order : {"size", "given"}
        Largest assembly first, or as the detector has them.
    progress : callable, optional
        Called with (name, detectors done, number of detectors).

    Returns
    -------
    Detection

    Raises
    ------
    InvalidArgumentError
        The first detector refuses the recording.
    """
    name, model = next(iter(detectors.items()))
    comparison, reason = None, ""
    if len(detectors) > 1:
        comparison = asm.compare_detectors(dff, detectors=detectors, progress=progress)
        found, reason = comparison.assemblies[0], comparison.reasons[0]
        if found is None:
            raise InvalidArgumentError(f"{name} was not run: {reason}")
    else:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", NoAssemblyWarning)
            found = tuple(model.fit(dff).assemblies_)
        for warning in caught:
            if not issubclass(warning.category, NoAssemblyWarning):
                warnings.warn_explicit(
                    warning.message, warning.category, warning.filename, warning.lineno
                )
            else:
                reason = str(warning.message)
    for one in detectors.values():  # how it was run is no part of the result
        run = {"progress": None, "checkpoint": None, "threads": None}
        one.set_params(**{k: v for k, v in run.items() if hasattr(one, k)})
    if comparison is not None:
        names = tuple(map(repr, detectors.values()))
        comparison = dataclasses.replace(comparison, parameters=names)
    return ordered(found, order, model, name, comparison, reason)


def ordered(
    found: Sequence[IntArray],
    order: str = "size",
    detector: Any = None,
    name: str = "given",
    comparison: asm.DetectorComparison | None = None,
    reason: str = "",
) -> Detection:
    """Put assemblies in the order of the study (equal sizes stay as they are)."""
    ranks = list(range(len(found)))
    if order == "size":
        ranks.sort(key=lambda k: -len(found[k]))
    sets = tuple(np.asarray(found[k], dtype=np.int64) for k in ranks)
    return Detection(sets, tuple(ranks), detector, name, comparison, reason)


def matched_ensembles(
    detection: Detection, n_units: int, *, seed: int = 47, recipe: str = "published"
) -> tuple[IntArray, ...]:
    """One random ensemble for each assembly, of its size, in the order of the study.

    Drawn in the order of the detector, as published, whatever the order of the study.
    """
    sets = detection.in_source_order
    if not sets:
        return ()
    drawn = asm.random_ensembles([len(u) for u in sets], n_units, rng=seed, recipe=recipe)
    if list(detection.source) == sorted(detection.source):
        return drawn.matched
    # The largest first, as the study has them: equal sizes may be exchanged, which is no matter.
    return drawn.ensembles


def isomap_coordinates(
    correlation: Any, *, n_dimensions: int = 50, n_neighbors: int = 5
) -> FloatArray:
    """Embed units by Isomap of their rows of the correlation matrix.

    Parameters
    ----------
    correlation : array_like (n_units, n_units), or CorrelationStructure
    n_dimensions, n_neighbors : int, >= 1
        At most n_units - 1; more are cut to that.

    Returns
    -------
    ndarray (n_units, n) float64
        As many dimensions as asked for, or fewer: those that real coordinates have (positive
        eigenvalues of the centered squares of the geodesic distances).

    References
    ----------
    Tenenbaum, de Silva & Langford 2000, doi:10.1126/science.290.5500.2319
    """
    from sklearn.manifold import Isomap

    r = np.asarray(getattr(correlation, "correlation", correlation), dtype=np.float64)
    most = len(r) - 1
    if most < 1:
        raise InvalidArgumentError(f"an embedding needs two units, got {len(r)}")
    wanted = min(integer(n_dimensions, "n_dimensions", 1), most)
    with warnings.catch_warnings():
        # Parts that are not connected are joined by their nearest units.
        warnings.filterwarnings("ignore", message=".*connected components.*")
        warnings.filterwarnings("ignore", category=Warning, module="scipy.sparse")
        made = Isomap(
            n_neighbors=min(integer(n_neighbors, "n_neighbors", 1), most),
            n_components=1,
            eigen_solver="dense",
        ).fit(r)
    # scikit-learn refuses dimensions with negative eigenvalues, which few units have early.
    squares = made.dist_matrix_**2
    centered = squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean()
    values, vectors = np.linalg.eigh(-0.5 * centered)
    values, vectors = values[::-1][:wanted], vectors[:, ::-1][:, :wanted]
    real = values > 1e-9 * max(float(values[0]), 1e-300)
    points: FloatArray = vectors[:, real] * np.sqrt(values[real])
    # The sign of an eigenvector is arbitrary: its largest entry is positive here.
    signs = np.sign(points[np.abs(points).argmax(axis=0), np.arange(points.shape[1])])
    return np.ascontiguousarray(points * signs)


@dataclass(frozen=True, slots=True, eq=False)
class Sparsity:
    """Gini coefficients of co-activity traces.

    Attributes
    ----------
    assemblies, random : ndarray (K,) float64
    comparison : SampleComparison
        Two-sided rank sum of the two.
    """

    assemblies: FloatArray
    random: FloatArray
    comparison: asm.SampleComparison

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each assembly."""
        import pandas as pd

        names = [f"A{k + 1}" for k in range(len(self.assemblies))]
        return pd.DataFrame(
            {"assembly": names, "gini": self.assemblies, "gini_random": self.random}
        )


def sparsity(traces: Any, random: Any, *, method: str = "normal") -> Sparsity:
    """Gini coefficient of each co-activity trace, assemblies against random ensembles."""
    first, second = asm.gini(np.asarray(traces)), asm.gini(np.asarray(random))
    comparison = asm.compare_samples({"assemblies": first, "random": second}, method=method)
    return Sparsity(first, second, comparison)


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Trials that the recording holds as a whole.

    Attributes
    ----------
    starts : ndarray (n_trials,) int64
        First imaging frame.
    kept : ndarray (n_trials,) int64
        Which of the rows of the table they are.
    n_frames : int
        Imaging frames of each.
    n_outside, n_gaps, n_single : int
        Trials left out: not imaged to their end, across dropped frames, alone in their condition.
    """

    starts: IntArray
    kept: IntArray
    n_frames: int
    n_outside: int
    n_gaps: int
    n_single: int

    @property
    def n_dropped(self) -> int:
        """Number of trials left out."""
        return self.n_outside + self.n_gaps + self.n_single


def find_trials(
    starts: Any, times: Any, n_frames: int, *, gaps: Any = (), conditions: Any = None
) -> Trials:
    """Imaging frames of trials; those that the recording does not hold as a whole are counted.

    Parameters
    ----------
    starts : array_like (n,), s
    times : array_like (n_frames_total,), s
        Of the imaging frames.
    n_frames : int, >= 2
    gaps : array_like of int
        Imaging frames after which frames were dropped.
    conditions : array_like (n,), optional
        Trials that are the only one of their condition are left out too.

    Returns
    -------
    Trials
    """
    clock, wanted = np.asarray(times, dtype=float), np.asarray(starts, dtype=float)
    length = integer(n_frames, "n_frames", 2)
    first = np.searchsorted(clock, wanted, side="left").astype(np.int64)
    inside = first + length <= len(clock)
    if len(clock) > 1:
        # A trial before the recording would otherwise begin with its first frame.
        inside &= wanted > clock[0] - 1.5 * float(np.median(np.diff(clock)))
    holes = np.asarray(gaps, dtype=np.int64)
    whole = np.ones(len(first), dtype=bool)
    for hole in holes:
        whole &= ~((first <= hole) & (hole < first + length - 1))
    good = inside & whole
    several = np.ones(len(first), dtype=bool)
    if conditions is not None and len(first):
        _, inverse = np.unique(np.asarray(conditions), return_inverse=True)
        several = np.bincount(inverse, good)[inverse] > 1
    kept = np.flatnonzero(good & several)
    return Trials(
        starts=first[kept],
        kept=kept.astype(np.int64),
        n_frames=length,
        n_outside=int((~inside).sum()),
        n_gaps=int((inside & ~whole).sum()),
        n_single=int((good & ~several).sum()),
    )


def movie_trials(
    movie: MovieRows, times: Any, *, n_frames: int | None = None, gaps: Any = ()
) -> Trials:
    """Repeats of a movie: from the first imaging frame at or after each start.

    `n_frames` defaults to what the shortest repeat has.
    """
    clock = np.asarray(times, dtype=float)
    if n_frames is None:
        rate = 1.0 / float(np.median(np.diff(clock)))
        shortest = float(movie.seconds.min()) if len(movie.seconds) else 0.0
        n_frames = max(2, int(shortest * rate + 1e-6))
    return find_trials(movie.repeats, clock, n_frames, gaps=gaps)


def grating_trials(gratings: GratingRows, times: Any, n_frames: int, *, gaps: Any = ()) -> Trials:
    """Trials of gratings; a field and orientation with a single trial is left out."""
    names = np.char.add(np.char.add(gratings.fields, " "), gratings.orientations.astype(str))
    return find_trials(gratings.starts, times, n_frames, gaps=gaps, conditions=names)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Oracle scores of kinds of traces over the same repeats.

    Attributes
    ----------
    scores : dict of str to OracleScores
        Of "assemblies", "random" ensembles, "all cells", "assembly cells", "no-assembly cells".
    comparison : SampleComparison
        Rank sums of the r of all trials.
    trials : Trials
    """

    scores: dict[str, asm.OracleScores]
    comparison: asm.SampleComparison
    trials: Trials

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each kind of trace."""
        import pandas as pd

        rows = []
        for name, found in self.scores.items():
            known = found.score[~np.isnan(found.score)]
            rows.append(
                {
                    "kind": name,
                    "n": len(found.score),
                    "n_undefined": len(found.score) - len(known),
                    "mean": known.mean() if len(known) else np.nan,
                    "median": np.median(known) if len(known) else np.nan,
                    "smallest": known.min() if len(known) else np.nan,
                    "largest": known.max() if len(known) else np.nan,
                }
            )
        return pd.DataFrame(rows)


def reliability(
    raster: Any, assemblies: Any, random: Any, trials: Trials, *, method: str = "normal"
) -> Reliability:
    """Oracle scores of assemblies, random ensembles and single units, and their comparison.

    Parameters
    ----------
    raster : ndarray (n_frames, n_units) bool
    assemblies, random : sequences of ndarray of int
    trials : Trials
        At least two.
    method : {"normal", "uncorrected", "auto"}
        Of the rank-sum tests; the published one is "uncorrected".

    Returns
    -------
    Reliability
    """
    active = np.asarray(raster)
    n_units = active.shape[1]
    inside = np.zeros(n_units, dtype=bool)
    for units in unit_sets(assemblies, n_units):
        inside[units] = True
    cells = asm.oracle_score(active, trials.starts, trials.n_frames)
    scores = {
        "assemblies": asm.oracle_score(
            asm.coactivity(active, assemblies), trials.starts, trials.n_frames
        ),
        "random": asm.oracle_score(asm.coactivity(active, random), trials.starts, trials.n_frames),
        "all cells": cells,
        "assembly cells": _columns(cells, inside),
        "no-assembly cells": _columns(cells, ~inside),
    }
    pooled = {name: found.r for name, found in scores.items()}
    return Reliability(scores, asm.compare_samples(pooled, _COMPARISONS, method=method), trials)


def _columns(scores: asm.OracleScores, mask: AnyArray) -> asm.OracleScores:
    return asm.OracleScores(
        score=scores.score[mask],
        r=scores.r[:, mask],
        starts=scores.starts,
        n_frames=scores.n_frames,
        conditions=scores.conditions,
        names=scores.names,
    )
