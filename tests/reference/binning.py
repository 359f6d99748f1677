"""Spike counts, bin by bin, from the definition."""

from __future__ import annotations

import numpy as np


def edges_of(start, stop, bin_width):
    """Edges of the bins of one epoch, none if it is shorter than a bin."""
    length = stop - start
    n = int(np.floor(length / bin_width)) if length >= bin_width else 0
    return np.linspace(start, start + n * bin_width, n + 1) if n else np.zeros(0)


def bin_spikes(trains, support, bin_width):
    """(counts, centers, epochs) with the last bin of an epoch closed."""
    counts, centers, epochs = [], [], []
    for start, stop in support:
        edges = edges_of(start, stop, bin_width)
        if not len(edges):
            continue
        inside = [np.asarray([t for t in train if start <= t < stop]) for train in trains]
        block = np.zeros((len(trains), len(edges) - 1), dtype=np.int64)
        for i, train in enumerate(inside):
            for b in range(len(edges) - 1):
                last = b == len(edges) - 2
                hit = (train >= edges[b]) & (
                    (train <= edges[b + 1]) if last else (train < edges[b + 1])
                )
                block[i, b] = hit.sum()
        counts.append(block)
        centers.append(edges[:-1] + bin_width / 2)
        epochs.append((edges[0], edges[-1]))
    if not counts:
        return np.zeros((len(trains), 0), dtype=np.int64), np.zeros(0), []
    return np.concatenate(counts, axis=1), np.concatenate(centers), epochs
