"""Metrics of the olfactory study in plain loops."""

from __future__ import annotations

from itertools import combinations

import numpy as np


def cosine(a, b):
    """0 where either vector is silent."""
    scale = np.sqrt((a * a).sum()) * np.sqrt((b * b).sum())
    return float((a * b).sum() / scale) if min(np.linalg.norm(a), np.linalg.norm(b)) > 1e-8 else 0.0


def centroid_accuracy(trials):
    """Train on the first half of the trials, test on the second; silent trials do not count."""
    half = trials.shape[1] // 2
    centroids = [odor[:half].mean(axis=0) for odor in trials]
    hits = []
    for k, odor in enumerate(trials):
        for trial in odor[half:]:
            if np.linalg.norm(trial) >= 1e-8:
                hits.append(np.argmax([cosine(trial, c) for c in centroids]) == k)
    return np.mean(hits)


def decorrelation(before, after):
    """Percent, from mean patterns at two stages."""
    ratios = []
    for i, j in combinations(range(len(before)), 2):
        first = cosine(before[i], before[j])
        if abs(first) > 1e-8:
            ratios.append(cosine(after[i], after[j]) / first)
    return 100 * (1 - np.mean(ratios))


def consistency(trials):
    """Mean cosine over pairs of trials of each odor."""
    return [np.mean([cosine(a, b) for a, b in combinations(odor, 2)]) for odor in trials]


def similarity(patterns):
    """Mean cosine over pairs of models, for each odor."""
    pairs = list(combinations(range(len(patterns)), 2))
    return [
        np.mean([cosine(patterns[i][k], patterns[j][k]) for i, j in pairs])
        for k in range(len(patterns[0]))
    ]


def sub_additive(mixtures, sums):
    """Share of responsive cells below the sum of components."""
    found = [
        m < s
        for mixture, total in zip(mixtures, sums, strict=True)
        for m, s in zip(mixture, total, strict=True)
        if m > 0.01 or s > 0.01
    ]
    return np.mean(found)
