"""Step A: when is each unit active? dF/F above its mean by some standard deviations."""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, IntArray
from cofire.errors import InvalidArgumentError, InvalidTypeError

_BLOCK_VALUES = 2**22  # of a float64 copy held at once


def frames_of(dff: Any) -> tuple[AnyArray, IntArray]:
    """Frames of dF/F without NaN, and which of the given frames they are.

    Parameters
    ----------
    dff : array_like (n_frames, n_units) or Traces

    Returns
    -------
    values : ndarray (n_kept, n_units), float32 as given or float64
    frames : ndarray (n_kept,) int64

    Raises
    ------
    InvalidArgumentError
        Not two-dimensional, or infinite values.
    """
    values = np.asarray(getattr(dff, "values", dff))
    if values.dtype != np.float32:
        try:
            values = values.astype(np.float64, copy=False)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError("dff must be an array of numbers (frames, units)") from error
    if values.ndim != 2:
        raise InvalidArgumentError(f"dff must have shape (frames, units), got {values.shape}")
    # NaN and infinity show in the sum of a frame.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = np.flatnonzero(~np.isfinite(values.sum(axis=1)))
    missing = np.isnan(values[suspicious]).any(axis=1)
    infinite = np.argwhere(np.isinf(values[suspicious]))
    if len(infinite):
        frame, unit = int(suspicious[infinite[0, 0]]), int(infinite[0, 1])
        raise InvalidArgumentError(
            f"dff must not be infinite, as frame {frame} of unit {unit} is; a baseline of 0 makes "
            "such values: raise it, or set the frame to NaN to have it dropped"
        )
    frames = np.delete(np.arange(len(values), dtype=np.int64), suspicious[missing])
    return (values if len(frames) == len(values) else values[frames]), frames


def activity_raster(values: AnyArray, n_std: float) -> BoolArray:
    """``values > mean + n_std * std`` of each unit (ddof 1); a constant unit is never active.

    Parameters
    ----------
    values : ndarray (n_frames, n_units), finite
    n_std : float

    Returns
    -------
    ndarray (n_frames, n_units) bool
    """
    n_frames, n_units = values.shape
    raster = np.zeros((n_frames, n_units), dtype=bool)
    if n_frames < 2:
        return raster
    width = max(1, _BLOCK_VALUES // n_frames)
    for first in range(0, n_units, width):
        block = values[:, first : first + width].astype(np.float64)
        threshold = block.mean(axis=0) + n_std * block.std(axis=0, ddof=1)
        constant = block.max(axis=0) == block.min(axis=0)
        raster[:, first : first + width] = (block > threshold) & ~constant
    return raster
