"""Detectors side by side on one recording: what does each find, and do they agree?"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import FloatArray, IntArray, positive
from cofire.assemblies._estimator import Estimator
from cofire.assemblies.detectors.core import CORE
from cofire.assemblies.detectors.fim import FIM
from cofire.assemblies.detectors.ica import ICA
from cofire.assemblies.detectors.promax import PromaxCS, PromaxMP
from cofire.assemblies.detectors.svd import SVD
from cofire.assemblies.matching import _check_range, _units_of, best_match
from cofire.assemblies.sgc import SGC
from cofire.assemblies.sgc.raster import frames_of
from cofire.errors import (
    CofireError,
    InvalidArgumentError,
    InvalidTypeError,
    NoAssemblyWarning,
)
from cofire.types import Traces

if TYPE_CHECKING:
    import pandas as pd

DETECTORS: dict[str, Callable[..., Estimator]] = {
    "sgc": SGC,
    "ica-mp": lambda **kw: ICA("mp", **kw),
    "ica-cs": lambda **kw: ICA("cs", **kw),
    "promax-mp": PromaxMP,
    "promax-cs": PromaxCS,
    "core": CORE,
    "svd": SVD,
    "fim": FIM,
}
"""Detectors by their names, with published parameters."""

_OTHER_NAMES = {"ica": "ica-mp", "promax": "promax-mp", "fim-x": "fim"}


@dataclass(frozen=True, slots=True)
class DetectorComparison:
    """What several detectors found in one recording.

    Attributes
    ----------
    detectors : tuple of str
        Names.
    assemblies : tuple of (tuple of ndarray of int64, or None)
        Units of each assembly that each detector found: an empty tuple where it found none, None
        where it was not run to its end.
    reasons : tuple of str
        Why a detector found nothing or was not run; else empty.
    seconds : ndarray (n_detectors,) float64
        Run time; NaN where it was not run.
    n_units, n_frames : int
        Of the recording; frames without NaN.
    n_dropped : int
        Frames with a NaN.
    truth : tuple of ndarray of int64, or None
        Planted assemblies, where known.
    parameters : tuple of str
        How each detector was set.
    """

    detectors: tuple[str, ...]
    assemblies: tuple[tuple[IntArray, ...] | None, ...]
    reasons: tuple[str, ...]
    seconds: FloatArray
    n_units: int
    n_frames: int
    n_dropped: int
    truth: tuple[IntArray, ...] | None
    parameters: tuple[str, ...]

    @property
    def ran(self) -> Any:
        """Which detectors came to an end, (n_detectors,) bool."""
        return np.array([found is not None for found in self.assemblies], dtype=bool)

    @property
    def n_assemblies(self) -> FloatArray:
        """Number of assemblies, (n_detectors,) float64; NaN where not run."""
        return np.array([np.nan if a is None else len(a) for a in self.assemblies])

    @property
    def score(self) -> FloatArray:
        """BestMatch with the truth, (n_detectors,).

        NaN where the truth is not known, nothing was planted or found, or the detector was not run.
        """
        return self._scores(chance=False)

    @property
    def chance(self) -> FloatArray:
        """BestMatch that independent sets of the same sizes reach on average, (n_detectors,)."""
        return self._scores(chance=True)

    @property
    def agreement(self) -> FloatArray:
        """BestMatch of every pair of detectors (n_detectors, n_detectors), symmetric.

        1 on the diagonal; NaN for a detector that found nothing or was not run.
        """
        n = len(self.detectors)
        matrix = np.full((n, n), np.nan)
        for i, a in enumerate(self.assemblies):
            for j, b in enumerate(self.assemblies[: i + 1]):
                if a and b:
                    matrix[i, j] = matrix[j, i] = best_match(a, b)
        return matrix

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each detector."""
        import pandas as pd

        sizes = [[len(u) for u in a] if a else [] for a in self.assemblies]
        table = pd.DataFrame(
            {
                "ran": self.ran,
                "n_assemblies": pd.array(
                    [pd.NA if a is None else len(a) for a in self.assemblies], dtype="Int64"
                ),
                "median_size": [float(np.median(s)) if s else np.nan for s in sizes],
                "units_in_any": pd.array(
                    [
                        pd.NA if a is None else len({int(u) for units in a for u in units})
                        for a in self.assemblies
                    ],
                    dtype="Int64",
                ),
                "best_match": self.score,
                "chance": self.chance,
                "seconds": self.seconds,
                "reason": list(self.reasons),
            },
            index=pd.Index(self.detectors, name="detector"),
        )
        return table

    def agreement_frame(self) -> pd.DataFrame:
        """:attr:`agreement` with names on rows and columns."""
        import pandas as pd

        names = pd.Index(self.detectors, name="detector")
        return pd.DataFrame(self.agreement, index=names, columns=names)

    def members_frame(self) -> pd.DataFrame:
        """Table with a row for each unit of each assembly of each detector."""
        import pandas as pd

        rows = [
            (name, k, int(unit))
            for name, found in zip(self.detectors, self.assemblies, strict=True)
            for k, units in enumerate(found or ())
            for unit in units
        ]
        return pd.DataFrame(rows, columns=["detector", "assembly", "unit"])

    def plot(self, **kwargs: Any) -> Any:
        """Agreement, scores and run times; see :func:`cofire.plot.plot_detectors`."""
        return plotter("plot_detectors")(self, **kwargs)

    def _scores(self, *, chance: bool) -> FloatArray:
        if not self.truth:
            return np.full(len(self.detectors), np.nan)
        return np.array(
            [
                best_match(a, self.truth, chance=chance, n_units=self.n_units) if a else np.nan
                for a in self.assemblies
            ]
        )

    def __repr__(self) -> str:
        found = ", ".join(
            f"{name} {'not run' if a is None else len(a)}"
            for name, a in zip(self.detectors, self.assemblies, strict=True)
        )
        return f"DetectorComparison({self.n_units} units, {self.n_frames} frames: {found})"


def compare_detectors(
    dff: Any,
    *,
    detectors: Sequence[str] | Mapping[str, Any] | str = tuple(DETECTORS),
    truth: Any = None,
    rate: float | None = None,
    rng: int = 0,
    threads: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> DetectorComparison:
    """Run several detectors on one recording.

    Parameters
    ----------
    dff : array_like (n_frames, n_units), Traces or CalciumRecording
        dF/F. Not changed.
    detectors : sequence of str, mapping or str
        Names out of "sgc", "ica-mp" (or "ica"), "ica-cs", "promax-mp" (or "promax"), "promax-cs",
        "core", "svd", "fim", also as one string with commas; or a mapping of names of your own to
        detectors (anything with ``fit`` and then ``assemblies_``), or to None for one that is not
        to be run. Default: all, with published parameters.
    truth : sequence of array_like of int, optional
        Planted assemblies; default those of a CalciumRecording.
    rate : float, Hz, optional
        Frames a second; default that of the Traces or of the recording.
    rng : int
        Seed of every detector that is given by name.
    threads : int, optional
        Of every detector that is given by name; results do not depend on it.
    progress : callable, optional
        Called with (name, detectors done, number of detectors) before each and at the end.

    Returns
    -------
    DetectorComparison
        A detector that refuses the recording (fewer frames than units for ICA, no frame rate, too
        many item sets) counts as not run, with its message as the reason; this is not the same as
        finding nothing.

    Raises
    ------
    InvalidArgumentError
        An unknown name, or a recording that none could read (infinite values, wrong shape).

    References
    ----------
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4

    Examples
    --------
    >>> import cofire as cf
    >>> made = cf.datasets.make_calcium_recording(4, 2, 600.0, rng=1)
    >>> found = cf.assemblies.compare_detectors(made, detectors="ica-cs,promax-cs")
    >>> found
    DetectorComparison(61 units, 1200 frames: ica-cs 2, promax-cs 2)
    >>> found.to_frame()["ran"].tolist()
    [True, True]
    """
    recording = getattr(dff, "dff", None)
    if recording is not None and hasattr(dff, "traces"):
        truth = dff.assemblies if truth is None else truth
        traces = dff.traces
    else:
        traces = dff
    if rate is None:
        rate = getattr(traces, "rate", None)
    values, frames = frames_of(traces)
    n_given = len(getattr(traces, "values", traces))
    given = values if len(frames) == n_given else np.asarray(getattr(traces, "values", traces))
    data: Any = given if rate is None else Traces(given, rate=positive(rate, "rate", "Hz"))
    planted = None
    if truth is not None:
        planted, _ = _units_of(truth, "truth")
        _check_range(planted, values.shape[1])
    models = _models(detectors, rng, threads)
    results = []
    for k, (name, model) in enumerate(models.items()):
        if progress is not None:
            progress(name, k, len(models))
        results.append(_run(model, data))
    if progress is not None:
        progress("", len(models), len(models))
    found, reasons, seconds = zip(*results, strict=True)
    return DetectorComparison(
        detectors=tuple(models),
        assemblies=found,
        reasons=reasons,
        seconds=np.array(seconds),
        n_units=values.shape[1],
        n_frames=len(frames),
        n_dropped=n_given - len(frames),
        truth=None if planted is None else tuple(planted),
        parameters=tuple(repr(model) for model in models.values()),
    )


def _models(detectors: Any, rng: int, threads: int | None) -> dict[str, Any]:
    if isinstance(detectors, Mapping):
        models = dict(detectors)
        for name, model in models.items():
            if model is not None and not hasattr(model, "fit"):
                raise InvalidTypeError(f"detectors[{name!r}] has no fit method: {model!r:.60}")
    else:
        names = detectors.split(",") if isinstance(detectors, str) else list(detectors)
        models = {name: DETECTORS[name](rng=rng, threads=threads) for name in detector_names(names)}
    if not models:
        raise InvalidArgumentError("detectors is empty; name at least one")
    return models


def detector_names(names: Sequence[str]) -> tuple[str, ...]:
    """Full names of detectors ("ica" is "ica-mp"), each once; unknown ones are an error."""
    full: dict[str, None] = {}
    for name in names:
        plain = str(name).strip().lower()
        plain = _OTHER_NAMES.get(plain, plain)
        if plain not in DETECTORS:
            raise InvalidArgumentError(
                f"detectors must be out of {', '.join(DETECTORS)}; got {name!r}"
            )
        full[plain] = None
    if not full:
        raise InvalidArgumentError("detectors is empty; name at least one")
    return tuple(full)


def _run(model: Any, data: Any) -> tuple[tuple[IntArray, ...] | None, str, float]:
    """Assemblies (None: not run), why there are none, seconds."""
    if model is None:
        return None, "left out", float("nan")
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.fit(data)
        except CofireError as error:
            return None, str(error), float("nan")
    seconds = time.perf_counter() - start
    reason = ""
    for one in caught:
        if issubclass(one.category, NoAssemblyWarning):
            reason = str(one.message)
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    found = tuple(np.asarray(units, dtype=np.int64) for units in model.assemblies_)
    return found, reason, seconds
