"""What the assembly functions compute, in plain NumPy."""

from __future__ import annotations

import numpy as np


def zscore(x):
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def eigenvalues(x):
    return np.sort(np.linalg.eigvalsh(np.cov(zscore(x), ddof=1)))[::-1]


def sklearn_ica(x, k):
    """Patterns (k, n_units) of scikit-learn's FastICA with its defaults."""
    from sklearn.decomposition import FastICA

    ica = FastICA(n_components=k, random_state=0, whiten="unit-variance").fit(zscore(x).T)
    return ica.components_ / np.linalg.norm(ica.components_, axis=1, keepdims=True)


def shuffled_eigenvalues(x, kind, seed, n_shuffles):
    """Largest eigenvalue of each shuffle, by the compatible recipe of random numbers."""
    z = zscore(x)
    n_units, n_bins = z.shape
    values = []
    for child in np.random.SeedSequence(seed).spawn(n_shuffles):
        g = np.random.default_rng(child.generate_state(1)[0])
        if kind == "bin":
            order = np.argsort(g.random(z.shape), axis=1)
        else:
            shift = g.integers(0, 2 * n_bins, size=n_units)
            order = (np.arange(n_bins) - shift[:, None]) % n_bins
        values.append(eigenvalues(np.take_along_axis(z, order, axis=1))[0])
    return np.array(values)


def cross_matrix(x, groups):
    """Cross-structural covariance by loops over pairs of units."""
    z = zscore(x)
    groups = np.asarray(groups)
    size = {g: (groups == g).sum() for g in np.unique(groups)}
    matrix = np.zeros((len(z), len(z)))
    for i in range(len(z)):
        for j in range(len(z)):
            if groups[i] != groups[j]:
                scale = np.sqrt(size[groups[i]] * size[groups[j]])
                matrix[i, j] = np.mean(z[i] * z[j]) / scale
    return matrix


def otsu_members(weights):
    """Members of one pattern, straight from the definition."""
    v = np.abs(weights)
    s = np.sort(v)
    n = len(s)
    costs = [
        (i + 1) / n * np.var(s[: i + 1]) + (1 - (i + 1) / n) * np.var(s[i + 1 :])
        for i in range(n - 1)
    ]
    return v > s[int(np.argmin(costs))]


def explained_variance(task, post, pre):
    """EV and rEV from full correlation matrices."""

    def vector(x):
        with np.errstate(all="ignore"):
            return np.corrcoef(x)[np.tril_indices(len(x), -1)]

    def r(x, y):
        both = np.isfinite(x) & np.isfinite(y)
        return np.corrcoef(x[both], y[both])[0, 1]

    t, p, b = vector(task), vector(post), vector(pre)
    tp, tb, bp = r(t, p), r(t, b), r(b, p)
    ev = ((tp - tb * bp) / (np.sqrt((1 - tb**2) * (1 - bp**2)) + 1e-10)) ** 2
    rev = ((tb - tp * bp) / (np.sqrt((1 - tp**2) * (1 - bp**2)) + 1e-10)) ** 2
    return ev, rev


def skew_bias(times, ids, n):
    matrix = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            a, b = times[ids == i], times[ids == j]
            if len(a) and len(b):
                matrix[i, j] = 2 * np.mean(a[:, None] <= b[None, :]) - 1
                matrix[j, i] = -matrix[i, j]
    return matrix


def replay_score(task_bias, times, ids):
    """Cosine over pairs of active units."""
    event = skew_bias(times, ids, len(task_bias))
    active = np.unique(ids)
    pairs = [(i, j) for i in active for j in active if i < j]
    t = np.array([task_bias[p] for p in pairs])
    e = np.array([event[p] for p in pairs])
    return t @ e / np.sqrt((t @ t) * (e @ e))


def planted_counts(n_units=12, n_bins=3000, members=((0, 1, 2), (5, 6, 7, 8)), seed=0):
    """Poisson counts with co-active groups."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.3, (n_units, n_bins))
    for k, group in enumerate(members):
        bins = rng.choice(n_bins, n_bins // 40, replace=False)
        for unit in group:
            counts[unit, bins] += rng.poisson(1.5 + 0.3 * k, len(bins))
    return counts
