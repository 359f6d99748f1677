"""Which grating drives an assembly? Tuning of mean co-activity to drifting gratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import AnyArray, FloatArray, IntArray, integer, vector
from cofire.assemblies.function._inputs import frame_indices, traces_of
from cofire.assemblies.function.repeats import OracleScores, oracle_score
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """Responses to drifting gratings, by field and orientation.

    Attributes
    ----------
    response : ndarray (n_trials, K) float64
        Mean over the frames of each trial.
    orientation : ndarray (n_trials,) float64, degrees
        Direction of drift; NaN for a blank.
    field : ndarray (n_trials,) str
        Which gratings (full-field, windowed).
    trial : ndarray (n_trials,) int64
        Number of the trial among those of its field and orientation.
    fields : tuple of str
    orientations : ndarray (n_orientations,) float64, degrees
        Distinct directions without the blank.
    mean, sem : ndarray (n_fields, n_orientations, K) float64
        Over trials; NaN where there is none (of sem: fewer than two).
    blank : ndarray (n_fields, K) float64
        Mean response to blanks; NaN without any.
    preferred : ndarray (n_fields, K) float64, degrees
        Orientation with the largest mean response; NaN where responses do not differ.
    orientation_selectivity, direction_selectivity : ndarray (n_fields, K) float64
        Length of the mean vector at twice the angle and at the angle, relative to the sum of the
        responses: 0 for no preference, 1 for a response to one orientation only.
    oracle : OracleScores
        Of the trials of each field and orientation.
    """

    response: FloatArray
    orientation: FloatArray
    field: AnyArray
    trial: IntArray
    fields: tuple[str, ...]
    orientations: FloatArray
    mean: FloatArray
    sem: FloatArray
    blank: FloatArray
    preferred: FloatArray
    orientation_selectivity: FloatArray
    direction_selectivity: FloatArray
    oracle: OracleScores

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each trial of each trace.

        Columns assembly, field, orientation, trial, mean (of the trial) and oracle (r of the trial
        with the mean of the others).
        """
        import pandas as pd

        n_trials, n = self.response.shape
        return pd.DataFrame(
            {
                "assembly": np.tile(np.arange(n), n_trials),
                "field": np.repeat(self.field, n),
                "orientation": np.repeat(self.orientation, n),
                "trial": np.repeat(self.trial, n),
                "mean": self.response.ravel(),
                "oracle": self.oracle.r.ravel(),
            }
        )

    def summary(self) -> pd.DataFrame:
        """Table with a row for each trace and field: preference, selectivity, oracle score."""
        import pandas as pd

        n = self.response.shape[1]
        rows = []
        for f, field in enumerate(self.fields):
            with np.errstate(invalid="ignore"):
                oracle = self.oracle.r[self.field == field].mean(axis=0)
            rows += [
                {
                    "assembly": k,
                    "field": field,
                    "preferred": self.preferred[f, k],
                    "orientation_selectivity": self.orientation_selectivity[f, k],
                    "direction_selectivity": self.direction_selectivity[f, k],
                    "oracle": oracle[k],
                }
                for k in range(n)
            ]
        return pd.DataFrame(rows)

    def plot(self, **kwargs: Any) -> Any:
        """Tuning curves; see :func:`cofire.plot.plot_tuning`."""
        return plotter("plot_tuning")(self, **kwargs)

    def __repr__(self) -> str:
        n_trials, n = self.response.shape
        return (
            f"Tuning({n} traces, {n_trials} trials, {len(self.orientations)} orientations, "
            f"{' and '.join(self.fields)})"
        )


def tuning(
    traces: Any, starts: Any, orientations: Any, *, n_frames: int = 12, fields: Any = None
) -> Tuning:
    """Mean response to each drifting grating, trial by trial, and how selective it is.

    Parameters
    ----------
    traces : array_like (n_frames_total, K) or Traces
        Co-activity of assemblies, or activity of units.
    starts : array_like (n_trials,) of int
        First frame of each trial (:func:`first_frames`).
    orientations : array_like (n_trials,), degrees
        Direction of drift; NaN for a blank screen.
    n_frames : int, >= 2
        Frames to average: the published 2 s are 12 frames at 6.05 Hz.
    fields : array_like (n_trials,) of str, optional
        Kind of grating of each trial, for example ``"full-field"`` and ``"windowed"``; default
        all full-field.

    Returns
    -------
    Tuning

    Raises
    ------
    InvalidArgumentError
        Arguments of different length, a trial that leaves the recording, a grating shown once.

    Notes
    -----
    Selectivities are ``|sum r exp(i m angle)| / sum r`` with m = 2 and 1, of mean responses; NaN
    if these are all zero, if one is negative, or if an orientation was not shown in that field.

    References
    ----------
    Mazurek, Kager & Van Hooser 2014, doi:10.3389/fncir.2014.00092

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import tuning
    >>> angles = np.tile([0.0, 90.0, 180.0, 270.0], 3)
    >>> response = np.repeat(angles == 90, 2) * np.tile([1.0, 2.0], 12)
    >>> found = tuning(response, np.arange(12) * 2, angles, n_frames=2)
    >>> found.preferred.tolist(), found.direction_selectivity.round(6).tolist()
    ([[90.0]], [[1.0]])
    """
    values = traces_of(traces)
    first = frame_indices(starts, "starts")
    length = integer(n_frames, "n_frames", 2)
    angle = vector(orientations, "orientations", finite=False)
    kind = np.full(len(first), "full-field") if fields is None else np.asarray(fields).astype(str)
    if len(angle) != len(first) or kind.shape != first.shape:
        raise InvalidArgumentError(
            f"starts, orientations and fields must have a value for each trial, got {len(first)}, "
            f"{len(angle)} and {len(kind)}"
        )
    if np.isinf(angle).any():
        raise InvalidArgumentError("orientations must be degrees, or NaN for a blank")
    names = tuple(dict.fromkeys(kind.tolist()))
    distinct = np.unique(angle[~np.isnan(angle)])
    condition = _conditions(kind, names, angle, distinct)
    oracle = oracle_score(values, first, length, conditions=condition)
    response = values[first[:, None] + np.arange(length)].astype(np.float64).mean(axis=1)
    mean, sem = _by_condition(response, condition, len(names), len(distinct) + 1)
    preferred, selective = _preference(mean[:, :-1], distinct)
    return Tuning(
        response=response,
        orientation=angle,
        field=kind,
        trial=_numbers(condition),
        fields=names,
        orientations=distinct,
        mean=mean[:, :-1],
        sem=sem[:, :-1],
        blank=mean[:, -1],
        preferred=preferred,
        orientation_selectivity=selective[0],
        direction_selectivity=selective[1],
        oracle=oracle,
    )


def _conditions(
    kind: AnyArray, names: tuple[str, ...], angle: FloatArray, distinct: FloatArray
) -> IntArray:
    """Number of field and orientation of each trial; blanks come last in a field."""
    blank = np.isnan(angle)
    column = np.where(blank, len(distinct), np.searchsorted(distinct, np.where(blank, 0, angle)))
    position = {name: f for f, name in enumerate(names)}
    row = np.array([position[name] for name in kind.tolist()], dtype=np.int64)
    condition: IntArray = row * (len(distinct) + 1) + column
    return condition


def _numbers(condition: IntArray) -> IntArray:
    """0, 1, 2, ... within each condition, in the order of the trials."""
    out = np.empty(len(condition), dtype=np.int64)
    for c in np.unique(condition):
        here = condition == c
        out[here] = np.arange(int(here.sum()))
    return out


def _by_condition(
    response: FloatArray, condition: IntArray, n_fields: int, n_columns: int
) -> tuple[FloatArray, FloatArray]:
    n = response.shape[1]
    mean = np.full((n_fields * n_columns, n), np.nan)
    sem = mean.copy()
    for c in np.unique(condition):
        rows = response[condition == c]
        mean[c] = rows.mean(axis=0)
        if len(rows) > 1:
            sem[c] = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    shape = (n_fields, n_columns, n)
    return mean.reshape(shape), sem.reshape(shape)


def _preference(
    mean: FloatArray, angles: FloatArray
) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    """Preferred angle, and selectivity for orientation and for direction, each (n_fields, K)."""
    n_fields, n_angles, n = mean.shape
    preferred = np.full((n_fields, n), np.nan)
    if n_angles == 0:
        return preferred, (preferred.copy(), preferred.copy())
    seen = ~np.isnan(mean)
    filled = np.where(seen, mean, -np.inf)
    differs = filled.max(axis=1) > np.where(seen, mean, np.inf).min(axis=1)
    preferred = np.where(differs, angles[filled.argmax(axis=1)], np.nan)
    radians = np.deg2rad(angles)[None, :, None]
    total = mean.sum(axis=1)
    usable = (total > 0) & (np.where(seen, mean, -1.0) >= 0).all(axis=1)
    lengths = []
    for times in (2, 1):
        vector_sum = np.abs((mean * np.exp(1j * times * radians)).sum(axis=1))
        out = np.full((n_fields, n), np.nan)
        lengths.append(np.divide(vector_sum, total, out=out, where=usable))
    return preferred, (lengths[0], lengths[1])
