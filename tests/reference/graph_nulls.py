"""Null graphs and small worlds, by their definitions."""

from collections import deque

import numpy as np


def clustering(bits):
    """Share of linked pairs among the neighbors of each node; a self-loop makes it its own."""
    share = np.zeros(len(bits))
    for i, row in enumerate(bits):
        near = np.flatnonzero(row)
        if len(near) > 1:
            share[i] = bits[np.ix_(near, near)].sum() / (len(near) * (len(near) - 1))
    return share


def distances(adjacency):
    """Numbers of steps, by breadth-first search; infinite where there is no path."""
    n = len(adjacency)
    steps = np.full((n, n), np.inf)
    for source in range(n):
        steps[source, source] = 0
        queue = deque([source])
        while queue:
            i = queue.popleft()
            for j in np.flatnonzero(adjacency[i]):
                if np.isinf(steps[source, j]):
                    steps[source, j] = steps[source, i] + 1
                    queue.append(j)
    return steps


def path_sums(adjacency):
    """Sum of 1/d, sum of d and number of pairs, over pairs of different nodes with a path."""
    steps = distances(adjacency)
    found = steps[np.isfinite(steps) & (steps > 0)]
    return np.array([(1 / found).sum(), found.sum(), len(found)])


def study_null(n, rng):
    uniform = rng.random((n, n))
    return (uniform + uniform.T) / 2 > 0.7


def entropy(weights, n_points=100):
    """Of the Gaussian kernel density at equally spaced points, with all exponentials."""
    x = np.asarray(weights, dtype=float).ravel()
    width = x.std(ddof=1) * len(x) ** -0.2
    points = np.linspace(x.min(), x.max(), n_points)
    density = np.exp(-0.5 * ((points[:, None] - x) / width) ** 2).sum(axis=1)
    p = density / density.sum()
    p = p[p > 0]
    return -(p * np.log2(p)).sum()


def onnela(weights):
    """Weighted clustering of a symmetric matrix, node after node."""
    root = np.cbrt(weights / weights.max())
    degrees = np.maximum((weights > 0).sum(axis=1), 2)
    return np.diag(root @ root @ root) / (degrees * (degrees - 1))


def ring_distance(i, j, n):
    return np.minimum(abs(i - j), n - abs(i - j))


def reachable(adjacency):
    return np.isfinite(distances(adjacency))
