"""Which groups of units are often active together? Kernels that mine closed item sets.

The search is LCM (Uno et al. 2004): every closed set is reached once, from the closed set it
extends by the unit it was extended with last (prefix-preserving closure), so that none has to be
stored for comparison. Units of all frames that hold a set are counted at once.
"""

from __future__ import annotations

import numpy as np

from cofire.graph._jit import kernel


@kernel(
    "int64(uint8[:,::1], int64[::1], int32[::1], int64, int64, int64,"
    " int64[::1], int64[::1], int64[::1], int32[::1], int64[::1])"
)
def mine(  # type: ignore[no-untyped-def]
    raster, indptr, items, min_size, min_support, limit, border, supports, ends, units, state
):
    """Closed sets of at least `min_size` units in at least `min_support` frames.

    Two ways to use it. With ``limit > 0`` sets are written: ``units[ends[k - 1]:ends[k]]`` and
    ``supports[k]``; the number of sets is returned, or minus the number so far where `limit` sets
    or ``len(units)`` units do not suffice. With ``limit == 0`` only `border` (n_units + 1,) is
    raised to the largest support of a set of at least each size, and what cannot raise it is not
    searched. ``raster[t, u]`` and the rows ``items[indptr[t]:indptr[t + 1]]``, ascending, are the
    same frames. ``state[0]`` counts the visited sets.
    """
    n_frames, n_units = raster.shape
    depth = 1
    for t in range(n_frames):
        depth = max(depth, indptr[t + 1] - indptr[t])
    depth += 2
    count = np.zeros((depth, n_units), np.int32)
    added = np.full(n_units, -1, np.int64)  # depth at which a unit joined the set
    core = np.empty(depth, np.int64)  # unit that the set of this depth was extended with
    cursor = np.empty(depth, np.int64)
    least = np.empty(depth, np.int64)  # support that an extension needs to be worth a visit
    begin = np.zeros(depth, np.int64)
    stop = np.zeros(depth, np.int64)
    size = np.zeros(depth, np.int64)
    frames = np.empty(2 * n_frames + 1024, np.int64)
    by_count = np.zeros(n_frames + 1, np.int64)
    n_sets, n_written = 0, 0
    stop[0] = n_frames
    for t in range(n_frames):
        frames[t] = t
    level, fresh, core[0] = 0, True, -1
    while level >= 0:
        if fresh:
            # Arrive at a set: count units, close it, or leave it to another path.
            fresh = False
            n_here = stop[level] - begin[level]
            count[level] = 0
            for i in range(begin[level], stop[level]):
                for j in range(indptr[frames[i]], indptr[frames[i] + 1]):
                    count[level, items[j]] += 1
            size[level] = size[level - 1] if level > 0 else 0
            known = False
            for u in range(core[level]):
                if count[level, u] == n_here and added[u] < 0:
                    known = True
                    break
            if not known and n_here > 0:
                for u in range(max(core[level], 0), n_units):
                    if count[level, u] == n_here and added[u] < 0:
                        added[u] = level
                        size[level] += 1
                state[0] += 1
                q = size[level]
                least[level] = min_support
                if limit > 0:
                    if q >= min_size and n_here >= min_support:
                        if n_sets == limit or n_written + q > len(units):
                            return -n_sets
                        for u in range(n_units):
                            if added[u] >= 0:
                                units[n_written] = u
                                n_written += 1
                        supports[n_sets] = n_here
                        ends[n_sets] = n_written
                        n_sets += 1
                elif n_here >= min_support:
                    z = q
                    while z >= 0 and border[z] < n_here:
                        border[z] = n_here
                        z -= 1
                    # The r-th most frequent extension bounds the support at r units more; one is
                    # worth a visit if it exceeds the border at some size that can be raised.
                    highest = 0
                    for u in range(core[level] + 1, n_units):
                        if added[u] < 0 and count[level, u] >= min_support:
                            by_count[count[level, u]] += 1
                            highest = max(highest, count[level, u])
                    least[level] = n_frames + 1
                    z = q
                    for c in range(highest, min_support - 1, -1):
                        z += by_count[c]
                        by_count[c] = 0
                        if z > q and c > border[min(z, n_units)]:
                            least[level] = max(min_support, border[min(z, n_units)] + 1)
                cursor[level] = core[level] + 1
            else:
                cursor[level] = n_units
                least[level] = min_support
        u = cursor[level]
        while u < n_units and (added[u] >= 0 or count[level, u] < least[level]):
            u += 1
        if u >= n_units:
            for v in range(n_units):
                if added[v] == level:
                    added[v] = -1
            level -= 1
            continue
        cursor[level] = u + 1
        need = stop[level] + count[level, u]
        if need > len(frames):
            larger = np.empty(2 * need, np.int64)
            larger[: len(frames)] = frames
            frames = larger
        w = stop[level]
        for i in range(begin[level], stop[level]):
            if raster[frames[i], u]:
                frames[w] = frames[i]
                w += 1
        level += 1
        begin[level], stop[level] = stop[level - 1], w
        core[level] = u
        fresh = True
    return n_sets


@kernel("int64(uint8[:,::1], int32[::1], int32[::1], int64[:,::1])")
def swap(raster, frames, units, pairs):  # type: ignore[no-untyped-def]
    """Exchange units between two entries of a raster, in place; return how often it was possible.

    ``(frames[i], units[i])`` are the entries that are on. For each row (i, j) of `pairs` the two
    entries swap their units if neither frame has the other's unit yet: sums of rows and columns
    stay.
    """
    n_done = 0
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        t, u = frames[i], units[i]
        s, v = frames[j], units[j]
        if raster[t, v] == 0 and raster[s, u] == 0:
            raster[t, u] = 0
            raster[s, v] = 0
            raster[t, v] = 1
            raster[s, u] = 1
            units[i], units[j] = v, u
            n_done += 1
    return n_done
