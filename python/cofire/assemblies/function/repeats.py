"""Does an assembly respond alike each time? Oracle scores of repeated stimuli."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import AnyArray, FloatArray, IntArray, integer, vector
from cofire.assemblies.function._inputs import ascending, frame_indices, traces_of
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_VALUES = 2**18  # a few arrays of as many float64 stay in the cache
_CONSTANT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class OracleScores:
    """How well the mean of the other trials predicts each trial.

    Attributes
    ----------
    score : ndarray (K,) float64
        Mean of `r` over the trials; NaN if r is undefined in one of them.
    r : ndarray (n_trials, K) float64
        Pearson correlation of each trial with the mean of the others of its condition; NaN where
        one of the two is constant.
    starts : ndarray (n_trials,) int64
        First frame of each trial.
    n_frames : int
        Frames of a trial.
    conditions : ndarray (n_trials,) int64
        Which of `names` each trial showed.
    names : ndarray (n_conditions,)
        Distinct conditions.
    """

    score: FloatArray
    r: FloatArray
    starts: IntArray
    n_frames: int
    conditions: IntArray
    names: AnyArray

    @property
    def by_condition(self) -> FloatArray:
        """Mean r of the trials of each condition, (n_conditions, K)."""
        rows = [self.r[self.conditions == c].mean(axis=0) for c in range(len(self.names))]
        return np.array(rows, dtype=np.float64).reshape(len(rows), self.r.shape[1])

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each trial of each trace."""
        import pandas as pd

        n_trials, n = self.r.shape
        return pd.DataFrame(
            {
                "trace": np.tile(np.arange(n), n_trials),
                "trial": np.repeat(np.arange(n_trials), n),
                "condition": np.repeat(self.names[self.conditions], n),
                "start": np.repeat(self.starts, n),
                "r": self.r.ravel(),
            }
        )

    def plot(self, **kwargs: Any) -> Any:
        """Scores of each trace; see :func:`cofire.plot.plot_oracle_scores`."""
        return plotter("plot_oracle_scores")(self, **kwargs)

    def __repr__(self) -> str:
        n_trials, n = self.r.shape
        known = self.score[~np.isnan(self.score)]
        mean = f"mean {known.mean():.3f}" if len(known) else "none defined"
        return (
            f"OracleScores({n} traces, {n_trials} trials of {self.n_frames} frames, "
            f"{len(self.names)} conditions, {mean})"
        )


def first_frames(times: Any, frame_times: Any) -> IntArray:
    """First imaging frame at or after each time.

    Parameters
    ----------
    times : array_like (n,), s
        For example the start of every presentation of a movie.
    frame_times : array_like (n_frames,), s, ascending
        Of the frames that the traces have: where a detector dropped frames with NaN, the times of
        the others, ``times[model.frames_]``.

    Returns
    -------
    ndarray (n,) int64

    Raises
    ------
    InvalidArgumentError
        A time after the last frame.

    Examples
    --------
    >>> from cofire.assemblies import first_frames
    >>> first_frames([0.0, 0.31], [0.0, 0.2, 0.4, 0.6]).tolist()
    [0, 2]
    """
    clock = ascending(frame_times, "frame_times")
    wanted = vector(times, "times")
    found = np.searchsorted(clock, wanted, side="left").astype(np.int64)
    late = np.flatnonzero(found == len(clock))
    if len(late):
        last = f"{clock[-1]:g} s" if len(clock) else "none"
        raise InvalidArgumentError(
            f"times[{late[0]}] = {wanted[late[0]]:g} s has no imaging frame at or after it (the "
            f"last is at {last}); do both clocks start alike? Otherwise drop what was not imaged"
        )
    return found


def oracle_score(
    traces: Any, starts: Any, n_frames: int = 300, *, conditions: Any = None
) -> OracleScores:
    """Correlate each trial of a repeated stimulus with the mean of the other trials.

    Parameters
    ----------
    traces : array_like (n_frames_total, K) or (n_frames_total,), or Traces
        Co-activity of assemblies, or activity of units.
    starts : array_like (n_trials,) of int
        First frame of each trial; :func:`first_frames` finds it from times.
    n_frames : int, >= 2
        Length of a trial.
    conditions : array_like (n_trials,), optional
        What each trial showed (the grating, the clip): only trials of one condition are compared.
        Default: the same every time.

    Returns
    -------
    OracleScores

    Raises
    ------
    InvalidArgumentError
        A condition with a single trial, or a trial that leaves the recording.

    Notes
    -----
    A trace that is constant in a trial, or whose other trials have a constant mean, has no r
    there; its score is NaN, while `r` still holds the trials that are defined. NaN or
    infinite values in a trial make all r of its condition NaN.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import oracle_score
    >>> response = np.sin(np.arange(20.0))
    >>> twice = np.concatenate([response, response])
    >>> oracle_score(twice, [0, 20], 20).score.round(6).tolist()
    [1.0]
    """
    values = traces_of(traces)
    first = frame_indices(starts, "starts")
    length = integer(n_frames, "n_frames", 2)
    _check_inside(first, length, len(values))
    n_trials, n = len(first), values.shape[1]
    if conditions is None:
        names, which = np.zeros(min(n_trials, 1), dtype=np.int64), np.zeros(n_trials, np.int64)
    else:
        given = np.asarray(conditions)
        if given.shape != first.shape:
            raise InvalidArgumentError(
                f"conditions must name one for each of {n_trials} trials, got shape {given.shape}"
            )
        names, inverse = np.unique(given, return_inverse=True)
        which = inverse.astype(np.int64)
    if n_trials == 0:
        raise InvalidArgumentError("starts must hold trials, got none")
    r = np.empty((n_trials, n))
    for c, name in enumerate(names):
        trials = np.flatnonzero(which == c)
        if len(trials) < 2:
            raise InvalidArgumentError(
                f"condition {name!r} has one trial only (trial {trials[0]}); a score needs two: "
                "leave it out"
            )
        frames = first[trials][:, None] + np.arange(length)
        width = max(1, _BLOCK_VALUES // frames.size)
        for begin in range(0, n, width):
            columns = slice(begin, begin + width)
            with np.errstate(invalid="ignore"):  # infinite values have no r either
                r[trials, columns] = _leave_one_out(values[frames, columns].astype(np.float64))
    return OracleScores(
        score=r.mean(axis=0),
        r=r,
        starts=first,
        n_frames=length,
        conditions=which,
        names=names,
    )


def _leave_one_out(trials: FloatArray) -> FloatArray:
    """Pearson r of each trial (n_trials, n_frames, K) with the sum of the others."""
    size = np.abs(trials).max(axis=1)
    rest = trials.sum(axis=0) - trials
    rest_size = size.sum(axis=0)
    trials = trials - trials.mean(axis=1, keepdims=True)
    rest -= rest.mean(axis=1, keepdims=True)
    covariance = np.einsum("itk,itk->ik", trials, rest)
    n_frames = trials.shape[1]
    own = np.sqrt(np.einsum("itk,itk->ik", trials, trials))
    other = np.sqrt(np.einsum("itk,itk->ik", rest, rest))
    # What is left of a constant after subtraction is rounding, not a response.
    floor = _CONSTANT * np.sqrt(n_frames)
    known = (own > floor * size) & (other > floor * rest_size)
    r = np.full(own.shape, np.nan)
    np.divide(covariance, own * other, out=r, where=known)
    return np.clip(r, -1.0, 1.0, out=r)


def _check_inside(starts: IntArray, length: int, n_total: int) -> None:
    outside = np.flatnonzero((starts < 0) | (starts + length > n_total))
    if len(outside):
        i = int(outside[0])
        raise InvalidArgumentError(
            f"trial {i} needs frames {starts[i]} to {starts[i] + length - 1}, but there are frames "
            f"0 to {n_total - 1}; leave the trial out or use fewer n_frames"
        )
