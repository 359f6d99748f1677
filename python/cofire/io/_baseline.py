"""dF/F from fluorescence: change against a running percentile."""

from __future__ import annotations

import numpy as np

from cofire._validate import AnyArray

_OVERLAP = 4  # windows begin every quarter of their width


def delta_f_over_f(fluorescence: AnyArray, percentile: float, width: int | None) -> AnyArray:
    """``(F - F0) / F0`` with a running percentile as ``F0``.

    Parameters
    ----------
    fluorescence : ndarray (n_cells, n_frames), floating
    percentile : float, [0, 100]
    width : int or None
        Frames of the window; None, or at least as many as there are, for one window.

    Returns
    -------
    ndarray (n_cells, n_frames), dtype of the input
        NaN in the whole row of a cell whose baseline is not positive everywhere.
    """
    n_cells, n_frames = fluorescence.shape
    out = np.full_like(fluorescence, np.nan)
    if not n_frames:
        return out
    starts, size = _windows(n_frames, width)
    centers = starts + (size - 1) / 2
    frames = np.arange(n_frames)
    for cell in range(n_cells):
        row = np.asarray(fluorescence[cell], dtype=np.float64)
        if len(starts) == 1:
            low = np.atleast_1d(np.percentile(row, percentile))
        else:
            view = np.lib.stride_tricks.sliding_window_view(row, size)[starts]
            low = np.percentile(view, percentile, axis=1)
        if np.isfinite(low).all() and (low > 0).all():
            baseline = np.interp(frames, centers, low)
            out[cell] = (row - baseline) / baseline
    return out


def _windows(n_frames: int, width: int | None) -> tuple[AnyArray, int]:
    size = n_frames if width is None else min(max(width, 1), n_frames)
    step = max(1, size // _OVERLAP)
    starts = np.arange(0, n_frames - size + 1, step)
    if starts[-1] != n_frames - size:
        starts = np.append(starts, n_frames - size)
    return starts, size
