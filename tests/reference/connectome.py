"""Connectomes the plain way: a dictionary of pairs, and dense matrices."""

from __future__ import annotations

from collections import defaultdict

import numpy as np


def aggregate(pre, post, size, rows, columns, *, autapses="drop", size_scale=1.0):
    """Dense count and summed size of the synapses from `rows` to `columns`."""
    count, total = defaultdict(int), defaultdict(float)
    for a, b, s in zip(pre, post, size, strict=True):
        if a != b or autapses == "keep":
            count[a, b] += 1
            total[a, b] += s
    n = np.array([[count[a, b] for b in columns] for a in rows], dtype=np.int64)
    psd = np.array([[total[a, b] * size_scale for b in columns] for a in rows], dtype=float)
    shape = (len(rows), len(columns))
    return n.reshape(shape), psd.reshape(shape)


def rewired(adjacency, n=1, *, rng=0, directed=True, attempts=None, draw=0, threads=None):
    """What cofire.graph.rewire does, by exchanges of the targets of two edges, one at a time."""
    from scipy import sparse

    nulls = []
    for k in range(n):
        generator = np.random.default_rng([rng, draw + k])
        dense = adjacency.toarray()
        np.fill_diagonal(dense, 0)
        for _ in range(10 * np.count_nonzero(dense) if attempts is None else attempts):
            edges = np.argwhere(dense)
            (a, b), (c, d) = edges[generator.integers(0, len(edges), 2)]
            if len({a, b, c, d}) < 4 or dense[a, d] or dense[c, b]:
                continue
            dense[a, d], dense[c, b], dense[a, b], dense[c, d] = dense[a, b], dense[c, d], 0, 0
            if not directed:
                dense[d, a], dense[b, c], dense[b, a], dense[d, c] = dense[a, d], dense[c, b], 0, 0
        nulls.append(sparse.csr_array(dense))
    return nulls
