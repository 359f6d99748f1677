"""Which clip of a movie was on the screen? Labels, balanced frames and splits for the decoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import IntArray, integer, one_of, real
from cofire.assemblies.function._inputs import ascending, frame_indices
from cofire.errors import InvalidArgumentError

GAPS = ("drop", "next")


def clip_labels(
    frame_times: Any,
    starts: Any,
    ends: Any,
    frame_numbers: Any,
    *,
    clip_length: int = 300,
    movie_length: int = 3600,
    gaps: str = "drop",
) -> IntArray:
    """Clip that was shown at each imaging frame.

    The movie frame of an imaging frame is the first row whose end lies after it; its clip is
    ``(frame_number mod movie_length) // clip_length``.

    Parameters
    ----------
    frame_times : array_like (n_frames,), s
    starts, ends : array_like (n_rows,), s, ascending
        When each movie frame was on. Leave out the rows of other movies (published: the last 900).
    frame_numbers : array_like (n_rows,) of int
    clip_length, movie_length : int, >= 1
        Movie frames of a clip, and of the movie.
    gaps : {"drop", "next"}
        Imaging frames while no row is on, before the first row or between two: -1; or the clip
        that comes next, as published, which fills that clip with frames that did not show it.

    Returns
    -------
    ndarray (n_frames,) int64
        -1 for no clip; always so after the last row.

    Raises
    ------
    InvalidArgumentError
        Rows that are not in order or of different number, negative frame numbers.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> from cofire.assemblies import clip_labels
    >>> rows = dict(starts=[0, 1, 5, 6], ends=[1, 2, 6, 7], frame_numbers=[0, 1, 2, 3])
    >>> times = [0.5, 1.5, 3.0, 5.5, 8.0]
    >>> clip_labels(times, **rows, clip_length=2, movie_length=4).tolist()
    [0, 0, -1, 1, -1]
    >>> clip_labels(times, **rows, clip_length=2, movie_length=4, gaps="next").tolist()
    [0, 0, 1, 1, -1]
    """
    one_of(gaps, "gaps", GAPS)
    length = integer(clip_length, "clip_length", 1)
    period = integer(movie_length, "movie_length", 1)
    clock = ascending(frame_times, "frame_times")
    begin, end, number = movie_rows(starts, ends, frame_numbers)
    row = np.searchsorted(end, clock, side="right")
    known = row < len(end)
    if gaps == "drop":
        known[known] = begin[row[known]] <= clock[known]
    labels = np.full(len(clock), -1, dtype=np.int64)
    labels[known] = number[row[known]] % period // length
    return labels


def movie_rows(starts: Any, ends: Any, frame_numbers: Any) -> tuple[Any, Any, IntArray]:
    """Check a table of when each frame of a movie was on."""
    begin, end = ascending(starts, "starts"), ascending(ends, "ends")
    number = frame_indices(frame_numbers, "frame_numbers")
    if not len(begin) == len(end) == len(number):
        raise InvalidArgumentError(
            "starts, ends and frame_numbers must have a value for each row of the movie table, got "
            f"{len(begin)}, {len(end)} and {len(number)}"
        )
    if (end < begin).any():
        i = int(np.flatnonzero(end < begin)[0])
        raise InvalidArgumentError(
            f"row {i} of the movie table ends at {end[i]:g} s, before it starts at {begin[i]:g} s"
        )
    if (number < 0).any():
        i = int(np.flatnonzero(number < 0)[0])
        raise InvalidArgumentError(
            f"frame_numbers[{i}] is {number[i]}; leave out rows that show no movie frame"
        )
    return begin, end, number


def balanced_frames(labels: Any, *, seed: int = 747) -> IntArray:
    """Equally many frames of each class, in random order.

    Parameters
    ----------
    labels : array_like (n_frames,) of int
        Negative ones stand for no class.
    seed : int
        As published, the generator starts anew from it for each class and for the order.

    Returns
    -------
    ndarray (n_classes * n_smallest,) int64
        Indices of frames, none twice.

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies.function import balanced_frames
    >>> labels = np.array([0, 0, 0, 1, -1, 1])
    >>> np.bincount(labels[balanced_frames(labels)]).tolist()
    [2, 2]
    """
    label = frame_indices(labels, "labels")
    classes = np.unique(label[label >= 0])
    members = [np.flatnonzero(label == c) for c in classes]
    n = min((len(m) for m in members), default=0)
    drawn = [np.random.default_rng(seed).choice(m, n, replace=False) for m in members]
    frames = np.concatenate([np.zeros(0, dtype=np.int64), *drawn]).astype(np.int64)
    np.random.default_rng(seed).shuffle(frames)
    return frames


def presentations(labels: Any) -> IntArray:
    """Number each run of frames with the same label, in order of time, (n_frames,) int64.

    Examples
    --------
    >>> from cofire.assemblies.function import presentations
    >>> presentations([3, 3, 5, 3, 3]).tolist()
    [0, 0, 1, 2, 2]
    """
    label = frame_indices(labels, "labels")
    if len(label) == 0:
        return label
    changes = np.concatenate([[0], np.diff(label) != 0])
    return np.cumsum(changes, dtype=np.int64)


def split_frames(
    labels: IntArray, groups: IntArray, split: str, test_share: float, seed: int
) -> tuple[IntArray, IntArray]:
    """Positions for training and for the test: frames at random, or whole presentations.

    Whole presentations: for each class the same share of them, at least one, and never all.
    """
    share = real(test_share, "test_size")
    if not 0 < share < 1:
        raise InvalidArgumentError(f"test_size must lie between 0 and 1, got {test_share!r}")
    n = len(labels)
    generator = np.random.default_rng(seed)
    if split == "random":
        from sklearn.model_selection import train_test_split

        train, test = train_test_split(np.arange(n), test_size=share, random_state=seed)
        return np.asarray(train, dtype=np.int64), np.asarray(test, dtype=np.int64)
    testing = np.zeros(n, dtype=bool)
    for c in np.unique(labels):
        runs = np.unique(groups[labels == c])
        if len(runs) < 2:
            raise InvalidArgumentError(
                f"class {c} is shown in one run of frames only, so that training and test cannot "
                'both have it; use split="random"'
            )
        n_test = min(max(1, round(share * len(runs))), len(runs) - 1)
        testing |= np.isin(groups, generator.choice(runs, n_test, replace=False))
    order = generator.permutation(n)
    return order[~testing[order]], order[testing[order]]
