"""Measures of a node and its neighbors as their definitions say them, on dense matrices."""

from __future__ import annotations

import itertools

import numpy as np


def without_loops(adjacency):
    a = np.array(adjacency, dtype=np.float64)
    np.fill_diagonal(a, 0.0)
    return a


def triangles(adjacency, directed, weighted):
    """Numerators and denominators of the clustering coefficient, triple by triple."""
    a = without_loops(adjacency)
    n = len(a)
    w = np.cbrt(a / a.max(initial=1e-300)) if weighted else (a != 0).astype(float)
    closed, possible = np.zeros(n), np.zeros(n)
    for i, j, k in itertools.permutations(range(n), 3):
        if directed:
            closed[i] += (w[i, j] + w[j, i]) * (w[j, k] + w[k, j]) * (w[k, i] + w[i, k]) / 2
            both = (a[i, j] != 0) + 0 + (a[j, i] != 0), (a[i, k] != 0) + 0 + (a[k, i] != 0)
            possible[i] += both[0] * both[1]
        else:
            closed[i] += w[i, j] * w[j, k] * w[k, i]
            possible[i] += a[i, j] != 0 and a[i, k] != 0
    return closed, possible


def clustering(adjacency, directed, weighted):
    closed, possible = triangles(adjacency, directed, weighted)
    return np.array([c / p if c > 0 else 0.0 for c, p in zip(closed, possible, strict=True)])


def participation(adjacency, ci, kind, weighted):
    a = without_loops(adjacency)
    a = a if weighted else (a != 0).astype(float)
    a = a.T if kind == "in" else a
    result = np.zeros(len(a))
    for i, row in enumerate(a):
        if row.sum() > 0:
            shares = [row[np.equal(ci, c)].sum() / row.sum() for c in set(ci)]
            result[i] = 1 - sum(s * s for s in shares)
    return result


def module_zscore(adjacency, ci, flag, weighted, ddof):
    a = without_loops(adjacency)
    a = a if weighted else (a != 0).astype(float)
    a = {0: a, 1: a, 2: a.T, 3: a + a.T}[flag]
    result = np.zeros(len(a))
    for c in set(ci):
        members = np.flatnonzero(np.equal(ci, c))
        kappa = a[np.ix_(members, members)].sum(axis=1)
        if len(members) > ddof and np.ptp(kappa) > 1e-9:
            result[members] = (kappa - kappa.mean()) / kappa.std(ddof=ddof)
    return result


def rich_club(adjacency, directed, weighted):
    """Rows (k, R, n_k, E_k)."""
    a = without_loops(adjacency)
    b = a != 0
    degrees = b.sum(axis=0) + b.sum(axis=1) if directed else b.sum(axis=0)
    ranked = np.sort(a[b])[::-1]
    rows = []
    for k in range(1, int(degrees.max(initial=0)) + 1):
        club = np.flatnonzero(degrees >= k if weighted else degrees > k)
        inside = a[np.ix_(club, club)]
        n_k, e_k = len(club), np.count_nonzero(inside)
        if weighted:
            r = inside.sum() / ranked[:e_k].sum() if n_k < len(a) and e_k else np.nan
        else:
            r = e_k / (n_k * (n_k - 1)) if n_k > 1 else np.nan
        rows.append((k, r, n_k, e_k))
    return np.array(rows, dtype=float).reshape(-1, 4)


def peel(adjacency, directed, limit):
    """Mask of the nodes that stay when those with less than `limit` go, round by round."""
    a = without_loops(adjacency)
    a = a + a.T if directed else a
    stays = np.ones(len(a), dtype=bool)
    while True:
        weak = stays & (a[:, stays].sum(axis=1) < limit)
        if not weak.any():
            return stays
        stays &= ~weak


def core_number(adjacency, directed):
    b = without_loops(adjacency) != 0
    core, k = np.zeros(len(b), dtype=int), 1
    while (stays := peel(b, directed, k)).any():
        core[stays] = k
        k += 1
    return core


def assortativity(adjacency, kind, form, weighted):
    a = without_loops(adjacency)
    w = a if weighted else (a != 0).astype(float)
    sums = {"in": w.sum(axis=0), "out": w.sum(axis=1)}
    ends = ("out", "out") if kind == "und" else kind.split("_")
    tail, head = np.nonzero(a)
    x, y = sums[ends[0]][tail], sums[ends[1]][head]
    if form == "pearson":
        return np.corrcoef(x, y)[0, 1]
    t1, t2, t3 = (x * y).mean(), ((x + y) / 2).mean() ** 2, ((x**2 + y**2) / 2).mean()
    return (t1 - t2) / (t3 - t2)


def matching_index(adjacency, kind):
    b = without_loops(adjacency) != 0
    n = len(b)
    result = np.zeros((n, n))
    for i, j in itertools.permutations(range(n), 2):
        others = ~np.isin(np.arange(n), (i, j))
        lists = {"in": (b[:, i], b[:, j]), "out": (b[i], b[j])}
        pairs = lists.values() if kind == "all" else [lists[kind]]
        common = sum((x & y)[others].sum() for x, y in pairs)
        edges = sum(x[others].sum() + y[others].sum() for x, y in pairs)
        result[i, j] = 2 * common / edges if edges else 0.0
    return result


def topological_overlap(adjacency, steps, form):
    b = without_loops(adjacency) != 0
    n = len(b)
    walk = b | np.eye(n, dtype=bool)
    near = np.linalg.matrix_power(walk.astype(float), steps) > 0 if n else walk
    near = near & ~np.eye(n, dtype=bool)
    result = np.eye(n)
    for i, j in itertools.permutations(range(n), 2):
        sizes = near[i].sum(), near[j].sum()
        most = max(sizes) if form == "bct" else min(sizes)
        result[i, j] = ((near[i] & near[j]).sum() + b[i, j]) / (most + 1 - b[i, j])
    return result


def edge_neighborhood_overlap(adjacency):
    """Values at the edges, in the order of np.nonzero."""
    b = without_loops(adjacency) != 0
    near = [set(np.flatnonzero(b[i] | b[:, i])) for i in range(len(b))]
    result = []
    for i, j in zip(*np.nonzero(b), strict=True):
        others = (near[i] | near[j]) - {i, j}
        result.append(len(near[i] & near[j]) / len(others) if others else np.nan)
    return np.array(result)


def components(adjacency, strong):
    """Sets of nodes that reach each other."""
    b = without_loops(adjacency) != 0
    n = len(b)
    reach = (b if strong else b | b.T) | np.eye(n, dtype=bool)
    for k in range(n):
        reach |= np.outer(reach[:, k], reach[k])
    together = reach & reach.T
    return {frozenset(np.flatnonzero(row).tolist()) for row in together}
