"""Clauset, Newman and Moore's agglomeration: join the two communities that gain most, repeat.

A community holds bounds of what joining it can gain, not the gains themselves. Joining i to j makes
every gain of j with a third community smaller unless i, too, was its neighbor; so bounds stay true
where nothing is done, and only the community with the largest bound is worked out.
"""

from __future__ import annotations

import numpy as np

from cofire._validate import FloatArray, IntArray
from cofire.graph._adjacency import Indices
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel


@kernel(f"int64[::1]({INDPTR}, {INDICES}, {WEIGHTS}, float64[::1], float64[::1], float64)")
def agglomerate(
    indptr: IntArray,
    indices: Indices,
    weights: FloatArray,
    out: FloatArray,
    into: FloatArray,
    scale: float,
) -> IntArray:
    """Label of each node, a node of its community.

    Weights are those of ``S = (W + W^T) / 2``. Gain of joining i and j, in units of 2 / m:
    ``s_ij - scale (out_i into_j + into_i out_j)``, scale = gamma / (2 m); equal gains: the lowest
    community first.
    """
    n = len(indptr) - 1
    ends, loads = indices.copy(), weights.copy()
    sum_out, sum_into = out.copy(), into.copy()
    # A community's row is a chain of the rows of its nodes, filled from the first; ends may name
    # communities that have joined another one since: parent[] leads to it.
    stop = indptr[1:].copy()
    following = np.full(n, -1, np.int64)
    last = np.arange(n)
    length = indptr[1:] - indptr[:-1]
    parent = np.arange(n)
    bound = np.full(n, -np.inf)
    partner = np.full(n, -1, np.int64)
    exact = np.zeros(n, np.bool_)
    load_of = np.zeros(n)
    touched = np.empty(n, np.int64)
    # Leaves of a tree in which every node is the larger of its two.
    width = 1
    while width < n:
        width *= 2
    tree = np.full(2 * width, -np.inf)
    changed = np.empty(n + 1, np.int64)
    for i in range(n):
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            gain = weights[e] - scale * (out[i] * into[j] + into[i] * out[j])
            if gain > bound[i]:
                bound[i], partner[i] = gain, j
        exact[i] = True
        tree[width + i] = bound[i]
    for k in range(width - 1, 0, -1):
        tree[k] = max(tree[2 * k], tree[2 * k + 1])
    while n > 0 and tree[1] > 0.0:
        k = 1
        while k < width:
            k = 2 * k if tree[2 * k] == tree[k] else 2 * k + 1
        j = k - width
        joined = exact[j]
        if joined:
            i = partner[j]
            if length[i] > length[j]:
                i, j = j, i
            parent[i] = j
            sum_out[j] += sum_out[i]
            sum_into[j] += sum_into[i]
            following[last[j]] = i
            last[j] = last[i]
            bound[i] = -np.inf
        # Work out the row of j: one entry for each neighbor.
        n_touched = 0
        row = j
        while row >= 0:
            for e in range(indptr[row], stop[row]):
                c = parent[ends[e]]
                while parent[c] != c:
                    parent[c] = parent[parent[c]]
                    c = parent[c]
                if c != j:
                    if load_of[c] == 0.0:
                        touched[n_touched] = c
                        n_touched += 1
                    load_of[c] += loads[e]
            row = following[row]
        n_changed = 1
        changed[0] = j
        if joined:
            changed[1] = i
            n_changed = 2
        bound[j], partner[j], exact[j] = -np.inf, -1, True
        row, e = j, indptr[j]
        for t in range(n_touched):
            c = touched[t]
            while e == indptr[row + 1]:
                stop[row] = e
                row = following[row]
                e = indptr[row]
            ends[e], loads[e] = c, load_of[c]
            e += 1
            load_of[c] = 0.0
            gain = loads[e - 1] - scale * (sum_out[j] * sum_into[c] + sum_into[j] * sum_out[c])
            if gain > bound[j] or (gain == bound[j] and c < partner[j]):
                bound[j], partner[j] = gain, c
            if joined:
                if gain > bound[c]:
                    bound[c], partner[c], exact[c] = gain, j, True
                    changed[n_changed] = c
                    n_changed += 1
                elif partner[c] == i or partner[c] == j:
                    exact[c] = gain == bound[c]
                    partner[c] = j
        stop[row] = e
        following[row] = -1
        last[j] = row
        length[j] = n_touched
        for t in range(n_changed):
            k = width + int(changed[t])
            tree[k] = bound[changed[t]]
            k //= 2
            while k > 0:
                larger = max(tree[2 * k], tree[2 * k + 1])
                if larger == tree[k]:
                    break
                tree[k] = larger
                k //= 2
    for i in range(n):
        c = i
        while parent[c] != c:
            c = parent[c]
        parent[i] = c
    return parent
