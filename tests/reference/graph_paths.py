"""Paths by definition, with lengths as fractions: no rounding, no clever order, a few nodes."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np


def lengths(adjacency, weighted):
    """Length of each edge as a fraction, none where there is no edge."""
    n = len(adjacency)
    return {
        (i, j): 1 / Fraction(float(adjacency[i][j])) if weighted else Fraction(1)
        for i, j in permutations(range(n), 2)
        if adjacency[i][j] != 0
    }


def exact(adjacency, weighted):
    """Distances of Floyd and Warshall: a dict of the pairs that have a path."""
    n = len(adjacency)
    d = lengths(adjacency, weighted) | {(i, i): Fraction(0) for i in range(n)}
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if (i, k) in d and (k, j) in d:
                    through = d[i, k] + d[k, j]
                    d[i, j] = min(d.get((i, j), through), through)
    return d


def matrix(pairs, n, missing=np.inf):
    """Fractions to an array."""
    rows = [[float(pairs.get((i, j), missing)) for j in range(n)] for i in range(n)]
    return np.array(rows).reshape(n, n)


def distance(adjacency, weighted=False):
    return matrix(exact(adjacency, weighted), len(adjacency))


def last_steps(adjacency, weighted):
    """Per pair (s, t): the nodes before t on shortest paths, and the distances."""
    d, edges = exact(adjacency, weighted), lengths(adjacency, weighted)
    before = {
        (s, t): [
            v for (v, w), e in edges.items() if w == t and (s, v) in d and d[s, v] + e == d[s, t]
        ]
        for s, t in d
        if s != t
    }
    return before, d


def hops(adjacency):
    """Fewest edges of a shortest weighted path."""
    before, d = last_steps(adjacency, True)
    found = {}
    for s, t in sorted(d, key=d.get):
        found[s, t] = 0 if s == t else 1 + min(found[s, v] for v in before[s, t])
    return matrix(found, len(adjacency))


def counts(adjacency, weighted):
    """Number of shortest paths of each pair, and their length."""
    before, d = last_steps(adjacency, weighted)
    number = {}
    for s, t in sorted(d, key=d.get):
        number[s, t] = 1 if s == t else sum(number[s, v] for v in before[s, t])
    return number, d


def betweenness(adjacency, weighted=False, sources=None):
    """Sum over s, t of the share of shortest paths through v."""
    n = len(adjacency)
    number, d = counts(adjacency, weighted)
    out = np.zeros(n)
    for s, v, t in permutations(range(n), 3):
        if sources is not None and s not in sources:
            continue
        if (s, v) in d and (v, t) in d and d[s, v] + d[v, t] == d[s, t]:
            out[v] += number[s, v] * number[v, t] / number[s, t]
    return out


def edge_betweenness(adjacency, weighted=False):
    """Sum over s, t of the share of shortest paths over u -> v."""
    n = len(adjacency)
    number, d = counts(adjacency, weighted)
    out = np.zeros((n, n))
    for (u, v), length in lengths(adjacency, weighted).items():
        for s, t in permutations(range(n), 2):
            if (s, u) in d and (v, t) in d and d[s, u] + length + d[v, t] == d[s, t]:
                out[u, v] += number[s, u] * number[v, t] / number[s, t]
    return out


def inverse(distances):
    """1 / d, 0 for d = 0 and inf."""
    off = (distances > 0) & np.isfinite(distances)
    return np.divide(1.0, distances, out=np.zeros(distances.shape), where=off)


def global_efficiency(adjacency, weighted=False):
    n = len(adjacency)
    return inverse(distance(adjacency, weighted)).sum() / (n * n - n) if n > 1 else 0.0


def local_efficiency(adjacency, weighted=False, neighbors="all"):
    """BCT's formula; weighted: Wang 2016. Lengths (1 / w)^(1/3) are irrational: floats."""
    a = np.array(adjacency, dtype=float)
    np.fill_diagonal(a, 0)
    a = a if weighted else (a != 0) * 1.0
    out = np.zeros(len(a))
    for u in range(len(a)):
        some = a[u] != 0 if neighbors == "out" else (a[u] != 0) | (a[:, u] != 0)
        v = np.flatnonzero(some)
        e = inverse(floyd(np.cbrt(a[np.ix_(v, v)])))
        tie = np.cbrt(a[u, v]) + np.cbrt(a[v, u])
        binary = (a[u, v] != 0) * 1.0 + (a[v, u] != 0)
        if len(v) > 1:
            shared = (np.outer(tie, tie) * (e + e.T)).sum() / 2
            out[u] = shared / (binary.sum() ** 2 - (binary**2).sum())
    return out


def floyd(weights):
    """Distances in floats."""
    d = np.divide(1.0, weights, out=np.full(weights.shape, np.inf), where=weights != 0)
    np.fill_diagonal(d, 0)
    for k in range(len(d)):
        d = np.minimum(d, d[:, k : k + 1] + d[k : k + 1])
    return d


def closeness(adjacency, weighted=False):
    """Wasserman and Faust, distances to the node."""
    d = distance(adjacency, weighted)
    n = len(d)
    out = np.zeros(n)
    for v in range(n):
        others = [d[s, v] for s in range(n) if s != v and np.isfinite(d[s, v])]
        if others:
            out[v] = len(others) / (n - 1) * len(others) / sum(others)
    return out


def exponential(matrix, n_terms=60):
    """Sum of the powers over k!."""
    out = term = np.eye(len(matrix))
    for k in range(1, n_terms):
        term = term @ matrix / k
        out = out + term
    return out


def normalized(adjacency):
    """S of the weighted communicability; a node without outputs has row and column 0."""
    s = adjacency.sum(axis=1)
    r = np.divide(1.0, np.sqrt(s), out=np.zeros(len(s)), where=s > 0)
    return adjacency * np.outer(r, r)


def pagerank(adjacency, damping):
    """Solve for the stationary state."""
    n = len(adjacency)
    s = adjacency.sum(axis=1, keepdims=True)
    p = np.where(s > 0, adjacency / np.where(s > 0, s, 1), 1 / n)
    x = np.linalg.solve(np.eye(n) - damping * p.T, np.full(n, (1 - damping) / n))
    return x / x.sum()


def katz(adjacency, alpha):
    x = np.linalg.solve(np.eye(len(adjacency)) - alpha * adjacency.T, np.ones(len(adjacency)))
    return x / np.linalg.norm(x)
