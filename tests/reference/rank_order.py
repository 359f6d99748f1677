"""Rank order of one event, written plainly."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def first_spike_cells(trains, start, stop):
    """Order of the first spikes divided by the number of active units, NaN for silent ones."""
    first = {}
    for i, train in enumerate(trains):
        inside = [t for t in train if start <= t < stop]
        if inside:
            first[i] = min(inside)
    ranks = np.full(len(trains), np.nan)
    for rank, i in enumerate(sorted(first, key=lambda unit: (first[unit], unit))):
        ranks[i] = rank / len(first)
    return ranks


def peak_pieces(trains, start, stop, dt, sigma):
    """First maximum of the smoothed counts in pieces of dt, reflected at both ends."""
    edges = [*np.arange(start, stop, dt), stop]
    n = len(edges) - 1
    s = sigma / dt
    radius = int(4 * s + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / s) ** 2)
    kernel /= kernel.sum()
    peaks = np.full(len(trains), np.nan)
    for i, train in enumerate(trains):
        counts = np.array([sum(a < t < b for t in train) for a, b in pairwise(edges)])
        if counts.any():
            padded = np.pad(counts.astype(float), radius, mode="symmetric")
            peaks[i] = np.convolve(padded, kernel, mode="valid")[:n].argmax()
    return peaks, n
