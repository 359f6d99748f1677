"""Steps of similarity-graph clustering in plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np


def raster(dff):
    out = np.zeros(dff.shape, bool)
    for n in range(dff.shape[1]):
        x = dff[:, n]
        mean = sum(x) / len(x)
        std = math.sqrt(sum((v - mean) ** 2 for v in x) / (len(x) - 1))
        out[:, n] = [v > mean + 2 * std and len(set(x)) > 1 for v in x]
    return out


def sum_of_independent(probabilities):
    """Distribution of the number of successes, over all outcomes."""
    out = np.zeros(len(probabilities) + 1)
    for outcome in itertools.product([0, 1], repeat=len(probabilities)):
        chance = math.prod(p if o else 1 - p for p, o in zip(probabilities, outcome, strict=True))
        out[sum(outcome)] += chance
    return out


def peaks(x, threshold, sel):
    """The rules of the specification, one sample after the other."""
    x = list(map(float, x))
    steps = [b - a or -2.220446049250313e-16 for a, b in itertools.pairwise(x)]
    where = [0]
    where += [i + 1 for i in range(len(steps) - 1) if steps[i] * steps[i + 1] < 0]
    where += [len(x) - 1] if len(x) > 1 else []
    if len(where) <= 2:
        best = max(where, key=lambda i: x[i])
        found = [best] if x[best] > min(x[i] for i in where) + sel else []
        return [i for i in found if x[i] > threshold]
    first, second = x[where[1]] - x[where[0]], x[where[2]] - x[where[1]]
    if np.sign(first) == np.sign(second):
        del where[1 if first <= 0 else 0]
    v = [x[i] for i in where]
    low = best = left = min(v)
    done, candidate, found = False, None, []
    i = 0 if v[0] >= v[1] else 1
    while i < len(v):
        if done:
            best, done = low, False
        if v[i] > best and v[i] > left + sel:
            candidate, best = i, v[i]
        if i + 1 < len(v):
            if not done and best > sel + v[i + 1]:
                done, left = True, v[i + 1]
                found.append(candidate)
            else:
                left = min(left, v[i + 1])
        i += 2
    if v[-1] > best and v[-1] > left + sel:
        found.append(len(v) - 1)
    elif not done and best > low:
        found.append(candidate)
    return [where[i] for i in found if v[i] > threshold]


def distance(x, y):
    both = sum(a and b for a, b in zip(x, y, strict=True))
    return 1 - both / math.sqrt(sum(x) * sum(y)) if sum(x) and sum(y) else 1.0


def graph(patterns):
    """Adjacency matrix and number of neighbors."""
    n = len(patterns)
    d = [[distance(x, y) for y in patterns] for x in patterns]
    k = math.ceil(math.log(n))
    while True:
        a = np.zeros((n, n), bool)
        for i in range(n):
            others = sorted(d[i][j] for j in range(n) if j != i)
            for j in range(n):
                if j != i and d[i][j] <= others[k - 1] + 1e-12:
                    a[i, j] = a[j, i] = True
        reached, new = {0}, [0]
        while new:
            new = [j for i in new for j in np.flatnonzero(a[i]) if j not in reached]
            reached.update(new)
            new = list(dict.fromkeys(new))
        if len(reached) == n:
            return a, k
        k += 1


def equilibrium(energy):
    half = energy[len(energy) // 2 :]
    mu = sum(half) / len(half)
    delta = max(abs(e - mu) for e in half)
    last = -1
    for i, e in enumerate(energy):
        if e <= mu - 2 * delta:
            last = i
    return last + 1


def prune(labels):
    sizes = {r: list(labels).count(r) for r in set(labels) if r != 0}
    if not sizes:
        return list(labels)
    std = np.std(list(sizes.values()), ddof=1) if len(sizes) > 1 else 0.0
    least = max(5, np.mean(list(sizes.values())) - 1.5 * std)
    return [r if r and sizes[r] >= least else 0 for r in labels]


def cores(patterns, labels, affinity):
    out = {}
    for r in sorted(set(labels) - {0}):
        rows = [x for x, label in zip(patterns, labels, strict=True) if label == r]
        share = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        out[r] = {n for n, s in enumerate(share) if s > affinity}
    return out


def core_assemblies(patterns, labels, affinity):
    """Labels before renumbering, and the assemblies by label."""
    patterns = [list(map(bool, x)) for x in patterns]
    labels = prune(labels)
    core = cores(patterns, labels, affinity)
    pairs = [
        [r, s]
        for s in core
        for r in core
        if r < s and 3 * len(core[r] & core[s]) > 2 * max(len(core[r]), len(core[s]))
    ]
    for i, (r, s) in enumerate(pairs):
        labels = [r if label == s else label for label in labels]
        for later in pairs[i + 1 :]:
            if later[0] == s:
                later[0] = r
    core = {r: c for r, c in cores(patterns, labels, affinity).items() if c}
    new = []
    for x in patterns:
        units = {n for n, active in enumerate(x) if active}
        ranked = sorted(
            core,
            key=lambda r: (
                round(1 - len(core[r] & units) / math.sqrt(len(core[r]) * len(units) or 1), 11),
                r,
            ),
        )
        best = ranked[0] if ranked else 0
        holds = best and 2 * len(core[best] & units) > len(core[best])
        new.append(best if holds else 0)
    labels = prune(new)
    return labels, {r: sorted(c) for r, c in cores(patterns, labels, affinity).items() if c}


def best_match(a, b):
    def d(x, y):
        union = len(set(x) | set(y))
        return 1 - len(set(x) & set(y)) / union if union else 0.0

    total = sum(min(d(x, y) for y in b) for x in a) + sum(min(d(x, y) for x in a) for y in b)
    return 1 - total / (len(a) + len(b))


def joint_aic(points, correlation, groups):
    """Sum of finite AICs and number of others, by least squares."""
    fits = {}
    for i, j in itertools.combinations(range(len(points)), 2):
        key = tuple(sorted((groups[i], groups[j])))
        fits.setdefault(key, []).append((math.dist(points[i], points[j]), correlation[i][j]))
    total, infinite = 0.0, 0
    for pairs in fits.values():
        x, y = np.array(pairs).T
        design = np.column_stack([np.ones_like(x), x])
        ssr = float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum())
        if len(x) <= 2:
            infinite += 1
        else:
            total += len(x) * (math.log(2 * math.pi) + math.log(ssr / len(x)) + 1) + 4
    return total, infinite
