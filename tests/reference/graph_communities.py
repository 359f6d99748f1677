"""Partitions of networks as they are defined: all pairs, all partitions, one flip at a time."""

from __future__ import annotations

import itertools

import numpy as np


def modularity(w, ci, gamma=1.0):
    """(1 / m) sum_ij (W_ij - gamma s_i^out s_j^in / m) [c_i = c_j]."""
    m = w.sum()
    out, into = w.sum(axis=1), w.sum(axis=0)
    q = 0.0
    for i, j in itertools.product(range(len(w)), repeat=2):
        if ci[i] == ci[j]:
            q += (w[i, j] - gamma * out[i] * into[j] / m) / m
    return q


def all_partitions(n):
    """Every partition of n nodes, as labels in the order of first nodes."""
    if n == 0:
        yield []
        return
    for start in all_partitions(n - 1):
        for label in range(max(start, default=-1) + 2):
            yield [*start, label]


def greedy(w, gamma=1.0):
    """Join the pair of communities with the largest gain until none gains."""
    m = w.sum()
    b = w / m - gamma * np.outer(w.sum(axis=1), w.sum(axis=0)) / m**2
    labels = np.arange(len(w))
    connected = (w + w.T) > 0
    while True:
        best, pair = 1e-14, None
        for i, j in itertools.combinations(np.unique(labels), 2):
            a, c = labels == i, labels == j
            gain = b[np.ix_(a, c)].sum() + b[np.ix_(c, a)].sum()
            if gain > best and connected[np.ix_(a, c)].any():
                best, pair = gain, (i, j)
        if pair is None:
            return labels
        labels[labels == pair[1]] = pair[0]


def cut_by_signs(w, corrected=True):
    """Cut groups by the signs of leading eigenvectors, without fine-tuning.

    corrected=False: by B within the group, without its row sums, as bctpy's modularity_dir.
    """
    m = w.sum()
    b = w - np.outer(w.sum(axis=1), w.sum(axis=0)) / m
    b = b + b.T
    labels = np.zeros(len(w), dtype=int)
    todo = [np.arange(len(w))]
    while todo:
        nodes = todo.pop()
        group = b[np.ix_(nodes, nodes)]
        group = group - np.diag(group.sum(axis=1)) if corrected else group
        side = np.where(np.linalg.eigh(group)[1][:, -1] >= 0, 1, -1)
        if side @ group @ side > 1e-9 and abs(side.sum()) < len(nodes):
            labels[nodes[side < 0]] = labels.max() + 1
            todo += [nodes[side > 0], nodes[side < 0]]
    return labels


def score_of_core(w, core, gamma=1.0):
    """sum_core B - sum_periphery B."""
    b = w - gamma * w.mean()
    b = (b + b.T) / (2 * w.sum())
    return b[np.ix_(core, core)].sum() - b[np.ix_(~core, ~core)].sum()


def distance(x, y):
    """Variation of information / log n, and 2 I / (H_x + H_y), from the joint table."""
    n = len(x)
    joint = np.array([[np.mean((x == a) & (y == b)) for b in np.unique(y)] for a in np.unique(x)])
    p, q = joint.sum(axis=1), joint.sum(axis=0)
    h_x, h_y = -(p * np.log(p)).sum(), -(q * np.log(q)).sum()
    seen = joint > 0
    shared = (joint[seen] * np.log((joint / np.outer(p, q))[seen])).sum()
    return (h_x + h_y - 2 * shared) / np.log(n), 2 * shared / (h_x + h_y)
