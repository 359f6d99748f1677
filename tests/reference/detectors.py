"""Steps of the detectors of calcium assemblies in plain loops."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np


def kernel_density(x, at, h):
    return [
        sum(math.exp(-0.5 * ((a - v) / h) ** 2) for v in x) / (len(x) * h * math.sqrt(2 * math.pi))
        for a in at
    ]


def adaptive_density(grid, n_neighbors):
    m, n = grid.shape
    out = np.zeros((m, n))
    for i, j in itertools.product(range(m), range(n)):
        for r in range(max(m, n) + 1):
            window = grid[max(i - r, 0) : i + r + 1, max(j - r, 0) : j + r + 1]
            if window.sum() >= n_neighbors - 1e-9 or window.shape == grid.shape:
                out[i, j] = window.mean()
                break
    return out


def penalized_smooth(grid, strength):
    out = grid
    for _ in range(2):
        eye = np.eye(len(out))
        d1, d2 = np.diff(eye, axis=0), np.diff(eye, 2, axis=0)
        out = np.linalg.solve(eye + strength**2 * d2.T @ d2 + 2 * strength * d1.T @ d1, out).T
    return out


def romano_raster(values, model):
    """Frames in two significant transitions in a row, from a fitted noise model."""
    raster = np.zeros(values.shape, bool)
    n_bins = len(model.edges) - 1
    width = (model.edges[-1] - model.edges[0]) / n_bins

    def bin_of(v):
        return min(max(int((v - model.edges[0]) / width), 0), n_bins - 1)

    for u in range(values.shape[1]):
        x = (values[:, u] - model.center[u]) / model.spread[u]
        for t in range(len(x) - 2):
            a, b, c = (bin_of(v) for v in x[t : t + 3])
            if model.significant[a, b] and model.significant[b, c]:
                raster[t : t + 3, u] = True
    return raster


def spikes(f, gamma, a, b, sigma, penalty):
    """Non-negative spikes of least cost, by projected coordinate descent on the quadratic."""
    n = len(f)
    decay = np.array([[gamma ** (t - s) if t >= s else 0.0 for s in range(n)] for t in range(n)])
    design = a * decay
    hessian, slope = design.T @ design / sigma**2, design.T @ (f - b) / sigma**2 - penalty
    x = np.zeros(n)
    for _ in range(5000):
        before = x.copy()
        for i in range(n):
            x[i] = max(0.0, x[i] + (slope[i] - hessian[i] @ x) / hessian[i, i])
        if np.abs(x - before).max() < 1e-12:
            break
    return x


def activation(assembly, frame, n_units):
    """Matching index and hypergeometric upper tail."""
    a, f = set(assembly), set(np.flatnonzero(frame))
    common = len(a & f)
    tail = sum(
        math.comb(len(a), k) * math.comb(n_units - len(a), len(f) - k)
        for k in range(common, min(len(a), len(f)) + 1)
    ) / math.comb(n_units, len(f))
    return 2 * common / (len(a) + len(f)) if a or f else 0.0, tail


def promax(loadings, power=4):
    """Varimax by planar rotations of pairs of columns, then the oblique step."""
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    x = loadings / length
    p, k = x.shape
    for _ in range(200):
        for i, j in itertools.combinations(range(k), 2):
            u, v = x[:, i] ** 2 - x[:, j] ** 2, 2 * x[:, i] * x[:, j]
            top = 2 * (u @ v) - 2 * u.sum() * v.sum() / p
            bottom = u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / p
            angle = 0.25 * math.atan2(top, bottom)
            c, s = math.cos(angle), math.sin(angle)
            x[:, [i, j]] = x[:, [i, j]] @ np.array([[c, -s], [s, c]])
    x = x * length
    target = np.sign(x) * np.abs(x) ** power
    u = np.linalg.inv(x.T @ x) @ x.T @ target
    return x @ u @ np.diag(np.sqrt(np.diag(np.linalg.inv(u.T @ u))))


def mean_correlation(raster, units):
    r = [np.corrcoef(raster[:, a], raster[:, b])[0, 1] for a, b in itertools.combinations(units, 2)]
    return np.mean(r)


def synchrony(raster, units, window=3):
    shares = [
        np.mean([raster[t : t + window, u].any() for u in units])
        for t in range(len(raster) - window + 1)
    ]
    return max(shares)


def cores(raster, frames, limit):
    """Cores of frames, given the overlap that pairs of sizes exceed by chance."""
    found = []
    for t, i in enumerate(frames):
        others = [j for s, j in enumerate(frames) if s != t]
        group = [j for j in others if (i & j).sum() > limit(i.sum(), j.sum())]
        if not group:
            continue
        core = tuple(np.mean(group, axis=0) >= 0.5)
        if any(core) and core not in found:
            found.append(core)
    kept = []
    for core in found:
        units = np.flatnonzero(core)
        together = np.mean([frame[units].all() for frame in raster])
        if together > math.prod(raster[:, u].mean() for u in units):
            kept.append(core)
    return kept


def silhouette(distance, labels):
    total = 0.0
    for i, mine in enumerate(labels):
        same = [j for j, label in enumerate(labels) if label == mine and j != i]
        if not same:
            continue
        inner = np.mean([distance[i, j] for j in same])
        outer = min(
            np.mean([distance[i, j] for j, label in enumerate(labels) if label == other])
            for other in set(labels) - {mine}
        )
        total += (outer - inner) / max(outer, inner) if max(outer, inner) else 0.0
    return total / len(labels)


def tf_idf(frames):
    out = np.zeros(frames.shape)
    for t, u in itertools.product(*map(range, frames.shape)):
        if frames[t, u]:
            out[t, u] = 1 / frames[t].sum() * math.log(len(frames) / frames[:, u].sum())
    return out


def roc_area(score, positive):
    pairs = [
        (a > b) + 0.5 * (a == b)
        for a, yes in zip(score, positive, strict=True) if yes
        for b, no in zip(score, positive, strict=True) if not no
    ]  # fmt: skip
    return np.mean(pairs)


def closed_sets(raster, min_size, min_support):
    """Intersections of all groups of frames are the closed sets."""
    frames = [frozenset(np.flatnonzero(frame).tolist()) for frame in raster]
    closed = set(frames)
    while True:
        more = {a & b for a in closed for b in frames} - closed
        if not more:
            break
        closed |= more
    support = {s: sum(s <= frame for frame in frames) for s in closed}
    return {(tuple(sorted(s)), n) for s, n in support.items()
            if len(s) >= min_size and n >= min_support}  # fmt: skip


def border(raster, min_support):
    """Largest support of a set of at least each size."""
    out = np.zeros(raster.shape[1] + 1, int)
    for units, n in closed_sets(raster, 1, min_support):
        out[1 : len(units) + 1] = np.maximum(out[1 : len(units) + 1], n)
    return out


def reduced(sets):
    """Sets (units, support) none of whose nested ones is stronger."""

    def key(s):
        return ((len(s[0]) - 1) * s[1], len(s[0]))

    return [
        s for s in sets
        if not any(
            o is not s and (set(o[0]) <= set(s[0]) or set(o[0]) >= set(s[0])) and key(o) > key(s)
            for o in sets
        )
    ]  # fmt: skip


def best_match(a, b):
    def nearest(x, others):
        return min(1 - len(set(x) & set(o)) / len(set(x) | set(o)) for o in others)

    return 1 - (sum(nearest(x, b) for x in a) + sum(nearest(y, a) for y in b)) / (len(a) + len(b))


def counts_of(labels):
    return sorted(Counter(labels).values())
