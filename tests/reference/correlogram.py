"""Correlograms by looking at every pair of spikes."""

from __future__ import annotations

import numpy as np


def correlogram(trains, bin_width, half):
    """Counts (n, n, 2 * half + 1) of t_j - t_i in [(k - 1/2) * bw, (k + 1/2) * bw)."""
    edges = (np.arange(-half, half + 2) - 0.5) * bin_width
    counts = np.zeros((len(trains), len(trains), 2 * half + 1), dtype=np.int64)
    for i, a in enumerate(trains):
        for j, b in enumerate(trains):
            lag = (np.asarray(b)[None, :] - np.asarray(a)[:, None]).ravel()
            k = np.searchsorted(edges, lag, side="right") - 1
            k = k[(k >= 0) & (k <= 2 * half)]
            counts[i, j] = np.bincount(k, minlength=2 * half + 1)
    return counts


def cross_corr(t1, t2, binsize, nbins):
    """neuro_py's crossCorr, one pair at a time."""
    n = nbins + 1 if nbins % 2 == 0 else nbins
    counts = np.zeros(n)
    for a in t1:
        low = a - n / 2 * binsize
        for b in t2:
            if low <= b < low + n * binsize:
                k = int((b - low) / binsize)
                if k < n:
                    counts[k] += 1
    return counts / (len(t1) * binsize)


def skew_bias(times, ids, n):
    """Share of spike pairs in which i fires at or before j, scaled to -1..1."""
    bias = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            a, b = times[ids == i], times[ids == j]
            if len(a) and len(b):
                bias[i, j] = 2 * (a[:, None] <= b[None, :]).mean() - 1
                bias[j, i] = -bias[i, j]
    return bias
