"""Smoothing with the gaps laid out in full, and z-scores, in SciPy and NumPy."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d


def smooth(x, sigma_bins, n_bins, n_missing, within_epochs=False):
    """Normalized convolution on an axis that holds every missing bin as (value 0, weight 0)."""
    x = np.asarray(x, dtype=np.float64)
    stops = np.cumsum(n_bins)
    pieces = [x[:, stop - n : stop] for n, stop in zip(n_bins, stops, strict=True)]
    if within_epochs:
        return np.concatenate([_filter(p, sigma_bins) for p in pieces], axis=1)
    values, weights = [pieces[0]], [np.ones(n_bins[0])]
    for piece, gap in zip(pieces[1:], n_missing, strict=True):
        values += [np.zeros((len(x), gap)), piece]
        weights += [np.zeros(gap), np.ones(piece.shape[1])]
    weight = np.concatenate(weights)
    blurred = _filter(np.concatenate(values, axis=1), sigma_bins)
    share = _filter(weight[None], sigma_bins)[0]
    return (blurred / np.where(share > 0, share, 1.0))[:, weight == 1]


def _filter(x, sigma_bins):
    return gaussian_filter1d(x, sigma_bins, axis=1, mode="reflect", truncate=4.0)


def zscore(x, ddof=0):
    """Rows in standard deviations from their mean, constant rows 0."""
    x = np.asarray(x, dtype=np.float64)
    out = np.zeros(x.shape)
    for i, row in enumerate(x):
        if len(row) > ddof and row.max() - row.min() > 1e-12 * abs(row).max():
            out[i] = (row - row.mean()) / row.std(ddof=ddof)
    return out
