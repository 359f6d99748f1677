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
