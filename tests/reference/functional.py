"""Measures of assemblies in plain loops."""

from __future__ import annotations

import itertools
import math


def coactivity(raster, assemblies):
    return [
        [
            sum(row[u] for u in units) / len(units) if len(units) else math.nan
            for units in assemblies
        ]
        for row in raster
    ]


def gini(x):
    n, total = len(x), sum(x)
    if not n or not total:
        return math.nan
    return sum(abs(a - b) for a, b in itertools.combinations(x, 2)) / (n * total)


def pearson(x, y):
    n = len(x)
    mx, my = sum(x) / n, sum(y) / n
    sxy = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    sxx, syy = sum((a - mx) ** 2 for a in x), sum((b - my) ** 2 for b in y)
    return sxy / math.sqrt(sxx * syy) if sxx > 1e-20 and syy > 1e-20 else math.nan


def oracle(trace, starts, length):
    """r of each trial with the mean of the others."""
    trials = [[float(v) for v in trace[s : s + length]] for s in starts]
    out = []
    for i, trial in enumerate(trials):
        others = [t for j, t in enumerate(trials) if j != i]
        mean = [sum(v) / len(others) for v in zip(*others, strict=True)]
        out.append(pearson(trial, mean))
    return out


def ks_plane(a, b):
    """Mean of the largest quadrant differences around the points of either sample."""
    return (_largest(a, b) + _largest(b, a)) / 2


def _largest(own, other):
    low, high = 0.0, 0.0
    for x, y in own:
        shares = []
        for sample in (own, other):
            counts = [0, 0, 0, 0]
            for u, v in sample:
                counts[(0 if v <= y else 1) + (0 if u <= x else 2)] += 1
            shares.append([c / len(sample) for c in counts])
        differences = [p - q for p, q in zip(*shares, strict=True)]
        differences[0] -= 1 / len(own)
        low, high = max(low, *(-d for d in differences)), max(high, *differences)
    return max(low, high + 1 / len(own))


def combinations(assemblies, n_units):
    """How many units are in exactly these assemblies."""
    found = {}
    for unit in range(n_units):
        inside = tuple(unit in set(units) for units in assemblies)
        if any(inside):
            found[inside] = found.get(inside, 0) + 1
    return found


def trigger_mean(trace, movie, shown, height):
    """Mean and normalized variance of the frames at local maxima."""
    chosen = [
        movie[shown[t]]
        for t in range(1, len(trace) - 1)
        if trace[t] > trace[t - 1]
        and trace[t] > trace[t + 1]
        and trace[t] >= height * max(trace)
        and shown[t] >= 0
    ]
    n = len(chosen)
    mean = sum(chosen) / n
    return mean, sum((frame - mean) ** 2 for frame in chosen) / n / n, n
