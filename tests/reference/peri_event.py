"""Peri-event counts written to be read: one spike and one event at a time."""

from __future__ import annotations

import numpy as np


def counts_each(trains, events, start, width, n_bins):
    """(n_events, n_units, n_bins): edge[k] <= t - event < edge[k + 1]."""
    edges = start + np.arange(n_bins + 1) * width
    out = np.zeros((len(events), len(trains), n_bins), dtype=np.int64)
    for e, event in enumerate(events):
        for u, train in enumerate(trains):
            for t in train:
                k = np.searchsorted(edges, t - event, side="right") - 1
                if 0 <= k < n_bins:
                    out[e, u, k] += 1
    return out


def cross_corr(events, spikes, bin_width, n_bins):
    """crossCorr of neuro_py: bins of spikes around events, in Hz; bins are made odd."""
    n_bins += n_bins % 2 == 0
    half = n_bins / 2 * bin_width
    counts = np.zeros(n_bins)
    for event in events:
        low = event - half
        for t in spikes:
            if low <= t < low + n_bins * bin_width:
                k = int((t - low) / bin_width)
                if k < n_bins:
                    counts[k] += 1
    return counts / (len(events) * bin_width)
