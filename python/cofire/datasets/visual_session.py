"""A calcium recording during a movie and gratings that drive planted assemblies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer, positive, real
from cofire.datasets.calcium_recording import CalciumRecording, make_calcium_recording
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

MOVIE = "natural_movie"
FULL_FIELD, WINDOWED = "drifting_gratings_full", "drifting_gratings_windowed"
_MOVIE_RATE = 4.0  # movie frames a second
_CLIP = 4.0  # s
_GRATING, _GRAY = 2.0, 1.0  # s
_PAUSE = 5.0  # s between parts
_HEIGHT, _WIDTH = 24, 36
_PER_CLIP = 2  # moments of a clip that an assembly responds to


@dataclass(frozen=True, slots=True)
class VisualSession:
    """A made recording, what was on the screen, and what each assembly responds to.

    Attributes
    ----------
    recording : CalciumRecording
    stimuli : DataFrame
        A row a movie frame or grating: ``stimulus``, ``start``, ``end`` (s), ``frame`` (of the
        movie; missing for gratings), ``orientation`` (degrees; missing for the movie and for
        blanks).
    movie : ndarray (n_movie_frames, height, width) uint8
        Each clip shows a bright bar at a place of its own.
    clips : ndarray (K,) int64
        Clip that drives each assembly.
    orientations : ndarray (K,) float64, degrees
        Direction of the gratings that drive each assembly.
    """

    recording: CalciumRecording
    stimuli: pd.DataFrame
    movie: AnyArray
    clips: IntArray
    orientations: FloatArray

    @property
    def clip_length(self) -> int:
        """Movie frames of a clip."""
        return round(_CLIP * _MOVIE_RATE)

    def __repr__(self) -> str:
        n = int((self.stimuli["frame"] == 0).sum())
        return f"VisualSession({self.recording!r}, {n} repeats of {len(self.movie)} movie frames)"


def make_visual_session(
    degree: int = 5,
    n_assemblies: int = 5,
    *,
    n_repeats: int = 8,
    n_clips: int = 12,
    n_trials: int = 4,
    directions: Sequence[float] = (0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0),
    reliability: float = 0.8,
    event_rate: float = 0.005,
    dt: float = 0.25,
    rng: int | np.random.Generator = 0,
    **settings: Any,
) -> VisualSession:
    """Make a calcium recording whose assemblies respond to clips of a movie and to gratings.

    A movie of clips of 4 s is shown again and again, then drifting gratings of 2 s (with blanks),
    first over the full field, then windowed. Each assembly responds to one clip, at the same
    moments in every repeat, and to one direction.

    Parameters
    ----------
    degree, n_assemblies : int
        As of :func:`make_calcium_recording`.
    n_repeats : int, >= 1
        Of the movie.
    n_clips : int, >= 2
    n_trials : int, >= 0
        Of each direction and of the blank, full-field and windowed; 0 for no gratings.
    directions : sequence of float, degrees
    reliability : float, [0, 1]
        Probability of each response; half of it for windowed gratings.
    event_rate : float, Hz
        Of activity without a stimulus.
    dt : float, s
        Time between frames.
    rng : int or Generator
        Seed; the same one gives the same session.
    **settings
        Others of :func:`make_calcium_recording`.

    Returns
    -------
    VisualSession

    Raises
    ------
    InvalidArgumentError
        A value out of range.

    Examples
    --------
    >>> import cofire as cf
    >>> made = cf.datasets.make_visual_session(3, 2, n_repeats=2, n_clips=3, n_trials=1)
    >>> made
    VisualSession(CalciumRecording(37 units, 2 assemblies, 1.6 min at 4 Hz), 2 repeats of 48 movie\
 frames)
    """
    generator = np.random.default_rng(rng)
    n_clips = integer(n_clips, "n_clips", 2)
    n = integer(n_assemblies, "n_assemblies", 1)
    share = real(reliability, "reliability")
    if not 0 <= share <= 1:
        raise InvalidArgumentError(f"reliability is a probability, got {reliability!r}")
    step = positive(dt, "dt", "s")
    angles = np.array([real(v, "directions") for v in directions])
    if not len(angles):
        raise InvalidArgumentError("directions must name at least one")
    stimuli, duration = _stimuli(
        integer(n_repeats, "n_repeats", 1), n_clips, integer(n_trials, "n_trials", 0), angles,
        generator,
    )  # fmt: skip
    clips = np.arange(n, dtype=np.int64) * max(n_clips // n, 1) % n_clips
    preferred = angles[np.arange(n) % len(angles)]
    n_frames = round(duration / step)
    on = generator.random((n_frames, n)) < event_rate * step
    for when, k in _responses(stimuli, clips, preferred, share, generator):
        first = round(when / step)
        on[first : first + max(1, round(0.5 / step)), k] = True
    return VisualSession(
        recording=make_calcium_recording(
            degree, n, n_frames * step, dt=step, event_rate=event_rate, events=on,
            rng=generator, **settings,
        ),
        stimuli=stimuli,
        movie=_movie(n_clips, generator),
        clips=clips,
        orientations=preferred,
    )  # fmt: skip


def _stimuli(
    n_repeats: int, n_clips: int, n_trials: int, angles: FloatArray, rng: np.random.Generator
) -> tuple[pd.DataFrame, float]:
    import pandas as pd

    n_frames = round(_CLIP * _MOVIE_RATE) * n_clips
    starts = _PAUSE + np.arange(n_repeats * n_frames) / _MOVIE_RATE
    parts = [
        pd.DataFrame(
            {
                "stimulus": MOVIE,
                "start": starts,
                "end": starts + 1 / _MOVIE_RATE,
                "frame": np.tile(np.arange(n_frames, dtype=np.float64), n_repeats),
                "orientation": np.nan,
            }
        )
    ]
    now = float(starts[-1]) + 1 / _MOVIE_RATE + _PAUSE
    for name in (FULL_FIELD, WINDOWED) if n_trials else ():
        shown = rng.permutation(np.repeat(np.append(angles, np.nan), n_trials))
        begin = now + np.arange(len(shown)) * (_GRATING + _GRAY)
        parts.append(
            pd.DataFrame(
                {
                    "stimulus": name,
                    "start": begin,
                    "end": begin + _GRATING,
                    "frame": np.nan,
                    "orientation": shown,
                }
            )
        )
        now = float(begin[-1]) + _GRATING + _PAUSE
    return pd.concat(parts, ignore_index=True), now


def _responses(
    stimuli: pd.DataFrame,
    clips: IntArray,
    preferred: FloatArray,
    reliability: float,
    rng: np.random.Generator,
) -> list[tuple[float, int]]:
    """Time and assembly of every response."""
    length = round(_CLIP * _MOVIE_RATE)
    repeats = stimuli.loc[stimuli["frame"] == 0, "start"].to_numpy()
    responses: list[tuple[float, int]] = []
    for k, (clip, angle) in enumerate(zip(clips, preferred, strict=True)):
        moments = np.sort(rng.choice(length - 2, _PER_CLIP, replace=False)) / _MOVIE_RATE
        moments = moments + clip * _CLIP
        times = [np.add.outer(repeats, moments).ravel()]
        probabilities = [np.full(times[0].size, reliability)]
        for name, factor in ((FULL_FIELD, 1.0), (WINDOWED, 0.5)):
            rows = (stimuli["stimulus"] == name) & (stimuli["orientation"] == angle)
            times.append(stimuli.loc[rows, "start"].to_numpy())
            probabilities.append(np.full(len(times[-1]), reliability * factor))
        every = np.concatenate(times)
        kept: BoolArray = rng.random(len(every)) < np.concatenate(probabilities)
        responses += [(float(t), k) for t in every[kept]]
    return responses


def _movie(n_clips: int, rng: np.random.Generator) -> AnyArray:
    """Dim noise with a bright bar, further to the right in each clip."""
    length = round(_CLIP * _MOVIE_RATE)
    movie = rng.integers(0, 100, (n_clips * length, _HEIGHT, _WIDTH), dtype=np.uint8)
    width = max(1, _WIDTH // n_clips)
    for clip in range(n_clips):
        left = clip * _WIDTH // n_clips
        movie[clip * length : (clip + 1) * length, :, left : left + width] += 150
    return movie
