"""How often does each pattern of edges among three nodes occur?

Triples with three dyads are enumerated, at the node of lowest degree; those with two are what the
degrees of their middle node say, less the triples that turned out to have three.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from cofire._validate import FloatArray, IntArray
from cofire.graph._adjacency import Indices
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel

Codes = npt.NDArray[np.int8]

MAN = (
    "021U",
    "021C",
    "021D",
    "111D",
    "030T",
    "111U",
    "030C",
    "120D",
    "201",
    "120C",
    "120U",
    "210",
    "300",
)
"""Names of motifs 1 to 13 by their mutual, asymmetric and null dyads."""

# Motifs 1 to 13 as the edges from -> to among nodes 0, 1, 2 (Sporns and Koetter's numbers).
_EDGES = (
    "01 21",
    "01 12",
    "10 12",
    "01 10 21",
    "01 21 02",
    "01 10 12",
    "01 12 20",
    "10 12 02 20",
    "01 10 12 21",
    "01 12 02 20",
    "01 21 02 20",
    "01 12 21 02 20",
    "01 10 02 20 12 21",
)
# A pattern is six bits: nodes 0 and 1 in the lowest two, then 0 and 2, then 1 and 2; of the two the
# lower bit is the edge from the node of lower number.
BITS = ("01", "10", "02", "20", "12", "21")


def _table() -> Indices:
    """Motif (0 to 12) of each of the 64 patterns, -1 where a node is alone."""
    motif = np.full(64, -1, dtype=np.int32)
    for i, edges in enumerate(_EDGES):
        for order in itertools.permutations("012"):
            renamed = edges.translate(str.maketrans("012", "".join(order)))
            motif[sum(1 << BITS.index(edge) for edge in renamed.split())] = i
    return motif


MOTIF = _table()


def parts(kind: str) -> tuple[IntArray, Indices]:
    """Patterns that are counted in a triple with pattern p: ``masks[start[p]:start[p + 1]]``.

    "structural": the pattern itself. "functional": every connected subset of its edges.
    """
    masks, start = [], [0]
    for pattern in range(64):
        if MOTIF[pattern] >= 0:
            inside = [m for m in range(64) if MOTIF[m] >= 0 and m & pattern == m]
            masks += inside if kind == "functional" else [pattern]
        start.append(len(masks))
    return np.array(start), np.array(masks, dtype=np.int32)


def contained() -> IntArray:
    """(13, 13): how many subsets of the edges of motif j (column) are motif i."""
    start, masks = parts("functional")
    counts = np.zeros((13, 13), dtype=np.int64)
    for j in range(13):
        pattern = int(np.flatnonzero(j == MOTIF)[0])
        np.add.at(counts[:, j], MOTIF[masks[start[pattern] : start[pattern + 1]]], 1)
    return counts


def _open_table() -> Indices:
    """(4, 4) motif of two dyads at a middle node, dyads as that node sees them."""
    # Bits 0-1 are node 0's dyad with 1 and bits 2-3 its dyad with 2.
    return np.array([[MOTIF[s | t << 2] for t in range(4)] for s in range(4)], dtype=np.int32)


def _closed_table() -> IntArray:
    """(27, 13) what a triple of three dyads adds to the counts: 1, less its three open pairs."""
    opened = _open_table()
    flip = (0, 2, 1, 3)
    table = np.zeros((27, 13), dtype=np.int64)
    for i, (uv, uw, vw) in enumerate(itertools.product((1, 2, 3), repeat=3)):
        table[i, MOTIF[uv | uw << 2 | vw << 4]] += 1
        for s, t in ((uv, uw), (flip[uv], vw), (flip[uw], flip[vw])):
            table[i, opened[s, t]] -= 1
    return table


OPEN = _open_table()
CLOSED = _closed_table()


@kernel(
    f"Tuple((int64[::1], int32[::1], int8[::1], float64[:, ::1]))({INDPTR}, {INDICES}, {WEIGHTS})"
)
def dyads(
    indptr: IntArray, indices: Indices, weights: FloatArray
) -> tuple[IntArray, Indices, Codes, FloatArray]:
    """Neighbors in either direction, ascending: row starts, neighbors, codes, weights (m, 2).

    Code 1: an edge to the neighbor, 2: from it, 3: both; columns of the weights likewise, 0 where
    there is no edge.
    """
    n, m = len(indptr) - 1, len(indices)
    back_start = np.zeros(n + 1, np.int64)
    for e in range(m):
        back_start[indices[e] + 1] += 1
    for i in range(n):
        back_start[i + 1] += back_start[i]
    fill = back_start[:n].copy()
    back = np.empty(m, np.int32)
    back_edge = np.empty(m, np.int64)
    for i in range(n):
        for e in range(indptr[i], indptr[i + 1]):
            j = indices[e]
            back[fill[j]] = i
            back_edge[fill[j]] = e
            fill[j] += 1
    start = np.zeros(n + 1, np.int64)
    neighbors = np.empty(2 * m, np.int32)
    codes = np.empty(2 * m, np.int8)
    both = np.zeros((2 * m, 2))
    at = 0
    for i in range(n):
        e, end = indptr[i], indptr[i + 1]
        b, back_end = back_start[i], back_start[i + 1]
        while e < end or b < back_end:
            to = indices[e] if e < end else n
            source = back[b] if b < back_end else n
            codes[at] = 0
            neighbors[at] = min(to, source)
            if to <= source:
                codes[at] += 1
                both[at, 0] = weights[e]
                e += 1
            if source <= to:
                codes[at] += 2
                both[at, 1] = weights[back_edge[b]]
                b += 1
            at += 1
        start[i + 1] = at
    return start, neighbors[:at].copy(), codes[:at].copy(), both[:at].copy()


@kernel(
    "int64[:, ::1](int64[::1], int32[::1], int8[::1], int64[::1], int32[:, ::1], int64[:, ::1])"
)
def census(
    start: IntArray,
    neighbors: Indices,
    codes: Codes,
    order: IntArray,
    opened: Indices,
    closed: IntArray,
) -> IntArray:
    """Counts (n, 13) of induced triples that hold a node; `order`: nodes of ascending degree."""
    n = len(start) - 1
    rank = np.empty(n, np.int64)
    for i in range(n):
        rank[order[i]] = i
    # Every edge from its end of lower degree, nodes named by rank: sqrt(2 m) edges at most a row.
    forward = np.zeros(n + 1, np.int64)
    ends = np.empty(len(neighbors) // 2, np.int32)
    kinds = np.empty(len(neighbors) // 2, np.int8)
    at = 0
    for i in range(n):
        for e in range(start[order[i]], start[order[i] + 1]):
            if rank[neighbors[e]] > i:
                ends[at] = rank[neighbors[e]]
                kinds[at] = codes[e]
                at += 1
        forward[i + 1] = at
    hits = np.zeros((n, 27), np.int64)
    mark = np.zeros(n, np.int8)
    for u in range(n):
        for e in range(forward[u], forward[u + 1]):
            mark[ends[e]] = kinds[e]
        for e in range(forward[u], forward[u + 1]):
            v, base = ends[e], 9 * (kinds[e] - 1) - 4
            for f in range(forward[v], forward[v + 1]):
                w = ends[f]
                if mark[w] != 0:
                    kind = base + 3 * mark[w] + kinds[f]
                    hits[u, kind] += 1
                    hits[v, kind] += 1
                    hits[w, kind] += 1
        for e in range(forward[u], forward[u + 1]):
            mark[ends[e]] = 0
    counts = np.zeros((n, 13), np.int64)
    for i in range(n):
        for k in range(27):
            if hits[i, k] != 0:
                for c in range(13):
                    counts[order[i], c] += hits[i, k] * closed[k, c]
    of_kind = np.zeros((n, 4), np.int64)
    for i in range(n):
        for e in range(start[i], start[i + 1]):
            of_kind[i, codes[e]] += 1
    for i in range(n):
        for s in range(1, 4):
            counts[i, opened[s, s]] += of_kind[i, s] * (of_kind[i, s] - 1) // 2
            for t in range(s + 1, 4):
                counts[i, opened[s, t]] += of_kind[i, s] * of_kind[i, t]
        for e in range(start[i], start[i + 1]):
            j, s = neighbors[e], codes[e]
            seen = s if s == 3 else 3 - s  # the dyad as j sees it
            for t in range(1, 4):
                counts[i, opened[seen, t]] += of_kind[j, t] - (1 if t == seen else 0)
    return counts


@kernel(
    "void(int64[::1], int32[::1], int8[::1], float64[:, ::1], float64[:, ::1], int64, int64, "
    "int32[::1], int64[::1], int32[::1], float64[:, :, ::1])"
)
def intensities(
    start: IntArray,
    neighbors: Indices,
    codes: Codes,
    weights: FloatArray,
    logs: FloatArray,
    first: int,
    stop: int,
    motif: Indices,
    part_start: IntArray,
    masks: Indices,
    out: FloatArray,
) -> None:
    """Add count, intensity and coherence of triples whose first node is first..stop-1.

    `out` is (n, 13, 3); `logs` of the weights, anything where there is no edge. The first node of a
    triple is its end of lower number, or, with three dyads, its lowest.
    """
    n = len(start) - 1
    mark = np.full(n, -1, np.int64)
    # Sums over the edges of a part without branches: which is as good as random.
    has = np.empty((len(masks), 6))
    for k in range(len(masks)):
        for bit in range(6):
            has[k, bit] = masks[k] >> bit & 1
    edge, log_edge = np.zeros(6), np.zeros(6)
    of_x, of_b = np.zeros((13, 3)), np.zeros((13, 3))
    for x in range(first, stop):
        of_x[:] = 0.0
        for e in range(start[x], start[x + 1]):
            mark[neighbors[e]] = e
        for e in range(start[x], start[x + 1]):
            b = neighbors[e]
            of_b[:] = 0.0
            edge[0], edge[1] = weights[e, 0], weights[e, 1]
            log_edge[0], log_edge[1] = logs[e, 0], logs[e, 1]
            for f in range(start[b + 1] - 1, start[b] - 1, -1):
                y = neighbors[f]
                if y <= x:
                    break
                g = mark[y]
                if g >= 0 and (b < x or y < b):
                    continue
                pattern = codes[e] | codes[f] << 4
                if g >= 0:
                    pattern |= codes[g] << 2
                    edge[2], edge[3] = weights[g, 0], weights[g, 1]
                    log_edge[2], log_edge[3] = logs[g, 0], logs[g, 1]
                edge[4], edge[5] = weights[f, 0], weights[f, 1]
                log_edge[4], log_edge[5] = logs[f, 0], logs[f, 1]
                for k in range(part_start[pattern], part_start[pattern + 1]):
                    size, total, log_product = 0.0, 0.0, 0.0
                    for bit in range(6):
                        size += has[k, bit]
                        total += has[k, bit] * edge[bit]
                        log_product += has[k, bit] * log_edge[bit]
                    intensity = np.exp(log_product / size)
                    coherence = intensity * size / total
                    c = motif[masks[k]]
                    of_b[c, 0] += 1.0
                    of_b[c, 1] += intensity
                    of_b[c, 2] += coherence
                    out[y, c, 0] += 1.0
                    out[y, c, 1] += intensity
                    out[y, c, 2] += coherence
            for c in range(13):
                for k in range(3):
                    out[b, c, k] += of_b[c, k]
                    of_x[c, k] += of_b[c, k]
        for c in range(13):
            for k in range(3):
                out[x, c, k] += of_x[c, k]
        for e in range(start[x], start[x + 1]):
            mark[neighbors[e]] = -1
