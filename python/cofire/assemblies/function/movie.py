"""What was on the screen when an assembly was most active?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import import_extra, plotter
from cofire._validate import AnyArray, FloatArray, IntArray, fits_memory, positive, real
from cofire.assemblies.function._inputs import ascending, frame_indices, traces_of
from cofire.assemblies.function.clips import movie_rows
from cofire.errors import FileFormatError, InvalidArgumentError, RecordingNotFoundError

if TYPE_CHECKING:
    import pandas as pd

_CHUNK_VALUES = 2**23
ReadFrame = Callable[[int], AnyArray]


@dataclass(frozen=True, slots=True, eq=False)
class TriggerFrames:
    """Movie frames averaged over the peaks of each trace.

    Attributes
    ----------
    mean : ndarray (K, height, width) float64
        NaN for a trace without a peak that has a movie frame.
    variance : ndarray (K, height, width) float64
        Variance over the peaks, divided by their number.
    n_peaks : ndarray (K,) int64
        Peaks that count.
    n_skipped : ndarray (K,) int64
        Peaks while no movie frame was on.
    peaks : tuple of K ndarray of int64
        Imaging frames of the peaks that count.
    frames : tuple of K ndarray of int64
        Their movie frames.
    """

    mean: FloatArray
    variance: FloatArray
    n_peaks: IntArray
    n_skipped: IntArray
    peaks: tuple[IntArray, ...]
    frames: tuple[IntArray, ...]

    def minus(self, other: TriggerFrames) -> FloatArray:
        """Mean frames less those of another set (matched random ensembles), (K, height, width)."""
        if self.mean.shape != other.mean.shape:
            raise InvalidArgumentError(
                f"both must hold as many traces and equal images, got {self.mean.shape} and "
                f"{other.mean.shape}"
            )
        difference: FloatArray = self.mean - other.mean
        return difference

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each trace: peaks, skipped peaks, contrast of the mean frame."""
        import pandas as pd

        return pd.DataFrame(
            {
                "n_peaks": self.n_peaks,
                "n_skipped": self.n_skipped,
                "mean_luminance": self.mean.mean(axis=(1, 2)),
                "contrast": self.mean.std(axis=(1, 2)),
            }
        ).rename_axis("trace")

    def plot(self, **kwargs: Any) -> Any:
        """Images of each trace; see :func:`cofire.plot.plot_trigger_frames`."""
        return plotter("plot_trigger_frames")(self, **kwargs)

    def __repr__(self) -> str:
        n, height, width = self.mean.shape
        return (
            f"TriggerFrames({n} traces, {height} x {width} pixels, {int(self.n_peaks.sum())} "
            f"peaks, {int(self.n_skipped.sum())} without a movie frame)"
        )


def shown_frames(
    frame_times: Any, starts: Any, ends: Any, frame_numbers: Any, *, period: float | None = None
) -> IntArray:
    """First movie frame that was on during each imaging frame.

    Parameters
    ----------
    frame_times : array_like (n_frames,), s, ascending
        Start of each imaging frame.
    starts, ends : array_like (n_rows,), s, ascending
        When each movie frame was on.
    frame_numbers : array_like (n_rows,) of int
        Which frame of the movie it was.
    period : float, s, optional
        How long an imaging frame lasts; default: the median step of `frame_times`.

    Returns
    -------
    ndarray (n_frames,) int64
        -1 where no movie frame was on.

    Raises
    ------
    InvalidArgumentError
        Rows that are not in order or of different number, or a single frame without a period.

    Examples
    --------
    >>> from cofire.assemblies import shown_frames
    >>> shown_frames([0.0, 0.2, 0.4, 0.6], [0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [7, 8, 9]).tolist()
    [7, 8, -1, -1]
    """
    clock = ascending(frame_times, "frame_times")
    begin, end, number = movie_rows(starts, ends, frame_numbers)
    if period is None:
        if len(clock) < 2:
            raise InvalidArgumentError("period must be given for fewer than two imaging frames")
        period = float(np.median(np.diff(clock)))
    lasts = positive(period, "period", "s")
    row = np.searchsorted(end, clock, side="right")
    known = row < len(end)
    known[known] = begin[row[known]] < clock[known] + lasts
    shown = np.full(len(clock), -1, dtype=np.int64)
    shown[known] = number[row[known]]
    return shown


def trigger_frames(traces: Any, movie: Any, shown: Any, *, height: float = 0.3) -> TriggerFrames:
    """Average the movie frames at the peaks of each trace.

    Parameters
    ----------
    traces : array_like (n_frames, K) or Traces
        Co-activity of assemblies or of random ensembles.
    movie : path of a ``.npy`` or TIFF stack, or array_like (n_movie_frames, height, width)
        Never loaded as a whole: each frame that a peak needs is read once.
    shown : array_like (n_frames,) of int
        Movie frame of each imaging frame, -1 for none (:func:`shown_frames`).
    height : float, [0, 1]
        Peaks reach at least this share of the maximum of the trace (published: 0.3, and 0.2).

    Returns
    -------
    TriggerFrames

    Raises
    ------
    InvalidArgumentError
        `shown` of another length, a movie frame that does not exist, a trace that is not finite.
    RecordingNotFoundError, FileFormatError
        A movie that cannot be read.

    Notes
    -----
    Peaks are local maxima; a flat one counts once, at its middle; the first and last frame are
    none. A trace without any activity has no peaks. Peaks while no movie frame was on are left out
    and counted (the published images average a black frame for each of them).

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import trigger_frames
    >>> movie = np.arange(3.0)[:, None, None] * np.ones((3, 2, 2))
    >>> found = trigger_frames([0, 1, 0, 1, 0, 1, 0], movie, [0, 0, 1, 1, 2, -1, -1])
    >>> found.mean[0].tolist(), found.n_skipped.tolist()
    ([[0.5, 0.5], [0.5, 0.5]], [1])
    """
    values = traces_of(traces)
    share = real(height, "height")
    if not 0 <= share <= 1:
        raise InvalidArgumentError(f"height must lie in [0, 1], got {height!r}")
    screen = frame_indices(shown, "shown")
    if len(screen) != len(values):
        raise InvalidArgumentError(
            f"shown must name a movie frame (or -1) for each of {len(values)} frames of traces, "
            f"got {len(screen)}"
        )
    peaks, frames, skipped = [], [], []
    for k in range(values.shape[1]):
        found = _peaks(values[:, k].astype(np.float64), share, k)
        on = screen[found] >= 0
        peaks.append(found[on])
        frames.append(screen[found[on]])
        skipped.append(int((~on).sum()))
    with opened(movie) as (shape, read):
        mean, variance = _average(frames, shape, read)
    return TriggerFrames(
        mean=mean,
        variance=variance,
        n_peaks=np.array([len(p) for p in peaks], dtype=np.int64),
        n_skipped=np.array(skipped, dtype=np.int64),
        peaks=tuple(peaks),
        frames=tuple(frames),
    )


@contextmanager
def opened(movie: Any) -> Iterator[tuple[tuple[int, int, int], ReadFrame]]:
    """Shape of a movie and a function that reads one of its frames, as (height, width)."""
    if not isinstance(movie, (str, os.PathLike)):
        array = np.asarray(movie)
        yield _stack_shape(array.shape, "movie"), lambda i: array[i]
        return
    path = Path(movie)
    if not path.is_file():
        raise RecordingNotFoundError(f"there is no movie {path}")
    if path.suffix.lower() == ".npy":
        try:
            stack = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise FileFormatError(f"{path} is not a NumPy array of numbers") from error
        yield _stack_shape(stack.shape, str(path)), lambda i: stack[i]
        return
    # matplotlib brings Pillow, which reads one page of a TIFF at a time.
    image = import_extra("PIL.Image", None, "a TIFF movie")
    try:
        pages = image.open(path)
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path} is neither a .npy nor a TIFF stack") from error
    with pages:
        n = int(getattr(pages, "n_frames", 1))
        first = np.asarray(pages)
        shape = _stack_shape((n, *first.shape), str(path))

        def read(i: int) -> AnyArray:
            try:
                pages.seek(i)
                page = np.asarray(pages)
            except (OSError, EOFError, ValueError) as error:
                raise FileFormatError(f"frame {i} of {path} cannot be read: {error}") from error
            if page.shape != shape[1:]:
                raise FileFormatError(
                    f"frame {i} of {path} has shape {page.shape}, but frame 0 has {shape[1:]}"
                )
            return page

        yield shape, read


def _peaks(trace: FloatArray, share: float, k: int) -> IntArray:
    from scipy.signal import find_peaks

    if not np.isfinite(trace).all():
        raise InvalidArgumentError(
            f"traces must be finite: trace {k} is not in frame "
            f"{int(np.flatnonzero(~np.isfinite(trace))[0])}; leave out assemblies without units"
        )
    largest = trace.max(initial=0.0)
    if largest <= 0:
        return np.zeros(0, dtype=np.int64)
    found: IntArray = find_peaks(trace, height=share * largest)[0].astype(np.int64)
    return found


def _average(
    frames: list[IntArray], shape: tuple[int, int, int], read: ReadFrame
) -> tuple[FloatArray, FloatArray]:
    """Mean over each list of frames, and variance over its length; each frame is read once."""
    n_movie, height, width = shape
    needed = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *frames]))
    if len(needed) and needed[-1] >= n_movie:
        raise InvalidArgumentError(
            f"shown has movie frame {needed[-1]}, but the movie has frames 0 to {n_movie - 1}"
        )
    n_pixels = height * width
    fits_memory((2, len(frames), height, width), np.float64, "mean frames")
    weights = np.zeros((len(frames), len(needed)))
    for row, chosen in zip(weights, frames, strict=True):
        np.add.at(row, np.searchsorted(needed, chosen), 1.0)
    total, square = np.zeros((2, len(frames), n_pixels))
    # Less a frame of the movie, so that squares of small differences keep their digits.
    base = read(int(needed[0])).astype(np.float64).ravel() if len(needed) else np.zeros(n_pixels)
    chunk = max(1, _CHUNK_VALUES // max(n_pixels, 1))
    for first in range(0, len(needed), chunk):
        here = slice(first, first + chunk)
        images = np.empty((len(needed[here]), n_pixels))
        for row, i in zip(images, needed[here], strict=True):
            np.subtract(np.asarray(read(int(i))).ravel(), base, out=row)
        total += weights[:, here] @ images
        np.square(images, out=images)
        square += weights[:, here] @ images
    n = weights.sum(axis=1)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        variance = np.maximum(square / n - mean**2, 0.0) / n
    images_shape = (len(frames), height, width)
    return (mean + base).reshape(images_shape), variance.reshape(images_shape)


def _stack_shape(shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise InvalidArgumentError(
            f"{name} must be a stack of gray images (n, height, width), got shape {shape}"
        )
    return int(shape[0]), int(shape[1]), int(shape[2])
