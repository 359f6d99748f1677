"""Which binary patterns belong together? Kernel of k-means with the Hamming distance."""

from __future__ import annotations

import numpy as np

from cofire.graph._jit import kernel

MAX_ITERATIONS = 100


@kernel("UniTuple(float64, 2)(uint8[:,::1], float64[:,::1], int64, float64[::1], int64[::1])")
def hamming_k_means(patterns, distance, k, draws, labels):  # type: ignore[no-untyped-def]
    """Partition `patterns` (n, n_units) into `k` groups; sum of distances and mean silhouette.

    Starts are drawn one after the other, with probability proportional to the distance to the
    nearest start so far (k-means++, one number in [0, 1) of `draws` (k,) each). Centers are unit
    by unit the majority of a group (a tie is off). A group that loses all its patterns takes the
    one that is farthest from its center. `labels` (n,) is filled from 0; `distance` (n, n) are the
    shares of units that differ.
    """
    n, n_units = patterns.shape
    near = np.empty(n)
    chosen = min(int(draws[0] * n), n - 1)
    centers = np.empty((k, n_units), np.uint8)
    centers[0] = patterns[chosen]
    for i in range(n):
        near[i] = distance[i, chosen]
    for j in range(1, k):
        target = draws[j] * near.sum()
        chosen, total = n - 1, 0.0
        for i in range(n):
            total += near[i]
            if total > target:
                chosen = i
                break
        centers[j] = patterns[chosen]
        for i in range(n):
            near[i] = min(near[i], distance[i, chosen])
    size = np.zeros(k, np.int64)
    on = np.zeros((k, n_units), np.int64)
    off = np.empty((k, n_units), np.int64)
    labels[:] = -1
    for _ in range(100):
        changed = False
        for i in range(n):
            best, best_miss = 0, n_units + 1
            for j in range(k):
                miss = 0
                for u in range(n_units):
                    miss += patterns[i, u] != centers[j, u]
                if miss < best_miss:
                    best, best_miss = j, miss
            near[i] = best_miss
            if best != labels[i]:
                labels[i] = best
                changed = True
        if not changed:
            break
        size[:] = 0
        for i in range(n):
            size[labels[i]] += 1
        for j in range(k):
            if size[j] == 0:
                far, far_miss = -1, -1.0
                for i in range(n):
                    if size[labels[i]] > 1 and near[i] > far_miss:
                        far, far_miss = i, near[i]
                if far >= 0:
                    size[labels[far]] -= 1
                    labels[far] = j
                    size[j] = 1
                    near[far] = 0.0
        on[:] = 0
        for i in range(n):
            for u in range(n_units):
                on[labels[i], u] += patterns[i, u]
        for j in range(k):
            for u in range(n_units):
                off[j, u] = size[j] - on[j, u]
                if size[j] > 0:
                    centers[j, u] = 1 if on[j, u] > off[j, u] else 0
    # Sum of distances to centers, and silhouettes (0 in a group of one).
    total = 0.0
    for i in range(n):
        total += near[i] / n_units
    if k < 2:
        return total, np.nan
    size[:] = 0
    for i in range(n):
        size[labels[i]] += 1
    apart = np.empty(k)
    silhouette = 0.0
    for i in range(n):
        apart[:] = 0.0
        for j in range(n):
            apart[labels[j]] += distance[i, j]
        mine = labels[i]
        if size[mine] < 2:
            continue
        inner = apart[mine] / (size[mine] - 1)
        outer = np.inf
        for j in range(k):
            if j != mine and size[j] > 0:
                outer = min(outer, apart[j] / size[j])
        if outer < np.inf and max(inner, outer) > 0:
            silhouette += (outer - inner) / max(inner, outer)
    return total, silhouette / n
