"""Differences between two classes of pairs, for one set of assembly labels after another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cofire._validate import BoolArray, FloatArray, IntArray
from cofire.graph._jit import kernel
from cofire.structure._sums import Links
from cofire.structure.classes import BASIC, UNIONS

QUANTITIES = ("B", "W", "B_out", "W_out", "B_in", "W_in")
_WORD = 64

Words = npt.NDArray[np.uint64]


def group_of_code(contrast: tuple[str, str]) -> IntArray:
    """0 for codes of the first class, 1 for those of the second, -1 for others; shape (5,)."""
    out = np.full(len(BASIC), -1, dtype=np.int64)
    for k, name in enumerate(contrast):
        out[[BASIC.index(part) for part in UNIONS.get(name, (name,))]] = k
    return out


def words_of(member: BoolArray) -> Words:
    """Assemblies of each cell as bits, (n_cells, n_words)."""
    n_words = max(1, -(-member.shape[1] // _WORD))
    padded = np.zeros((len(member), n_words * _WORD), dtype=bool)
    padded[:, : member.shape[1]] = member
    packed = np.packbits(padded, axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view(np.uint64)


def link_parts(links: Links, n_pre: int) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Links sorted by row, as the kernel takes them; the logarithm of strengths for means."""
    order = np.lexsort((links.columns, links.rows))
    rows = links.rows[order]
    indptr = np.searchsorted(rows, np.arange(n_pre + 1)).astype(np.int64)
    strength = np.zeros(len(rows)) if links.strength is None else links.strength[order]
    return (
        indptr,
        np.ascontiguousarray(links.columns[order], dtype=np.int64),
        np.ascontiguousarray(links.number[order], dtype=np.float64),
        np.ascontiguousarray(strength, dtype=np.float64),
    )


@kernel(
    "void(uint64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1], float64[::1], float64[::1], boolean, float64[:, ::1])"
)
def _class_differences(
    words: Words,
    orders: IntArray,
    pre: IntArray,
    post: IntArray,
    group: IntArray,
    indptr: IntArray,
    columns: IntArray,
    number: FloatArray,
    strength: FloatArray,
    sized: bool,
    out: FloatArray,
) -> None:
    """Fill a row of `out` with the six differences for each row of `orders`.

    Cell c has the assemblies of cell ``orders[row, c]``. NaN where a class has no value.
    """
    n_pre = len(pre)
    n_post = len(post)
    n_words = words.shape[1]
    code = np.empty(n_post, dtype=np.int64)
    for row in range(len(orders)):
        order = orders[row]
        pairs_out = np.zeros((n_pre, 2))
        pairs_in = np.zeros((n_post, 2))
        number_out = np.zeros((n_pre, 2))
        number_in = np.zeros((n_post, 2))
        sum_out = np.zeros((n_pre, 2))
        sum_in = np.zeros((n_post, 2))
        potential = np.zeros(2)
        connected = np.zeros(2)
        logs = np.zeros(2)
        sizes = np.zeros(2)
        for j in range(n_pre):
            a = order[pre[j]]
            some_a = False
            for w in range(n_words):
                if words[a, w] != 0:
                    some_a = True
            for i in range(n_post):
                if pre[j] == post[i]:
                    code[i] = -1
                    continue
                b = order[post[i]]
                some_b = False
                common = False
                for w in range(n_words):
                    if words[b, w] != 0:
                        some_b = True
                    if words[a, w] & words[b, w] != 0:
                        common = True
                if common:
                    kind = 0
                elif some_a and some_b:
                    kind = 1
                elif not some_a and not some_b:
                    kind = 2
                elif some_b:
                    kind = 3
                else:
                    kind = 4
                g = group[kind]
                code[i] = g
                if g >= 0:
                    pairs_out[j, g] += 1.0
                    pairs_in[i, g] += 1.0
                    potential[g] += 1.0
            for e in range(indptr[j], indptr[j + 1]):
                i = columns[e]
                g = code[i]
                if g < 0:
                    continue
                connected[g] += 1.0
                number_out[j, g] += number[e]
                number_in[i, g] += number[e]
                if sized:
                    sum_out[j, g] += strength[e]
                    sum_in[i, g] += strength[e]
                    if strength[e] > 0.0:
                        logs[g] += np.log10(strength[e])
                        sizes[g] += 1.0
        out[row, :] = np.nan
        if potential[0] > 0.0 and potential[1] > 0.0:
            out[row, 0] = connected[0] / potential[0] - connected[1] / potential[1]
        if sizes[0] > 0.0 and sizes[1] > 0.0:
            out[row, 1] = logs[0] / sizes[0] - logs[1] / sizes[1]
        for side in range(2):
            n_cells = n_pre if side == 0 else n_post
            pairs = pairs_out if side == 0 else pairs_in
            links = number_out if side == 0 else number_in
            total = sum_out if side == 0 else sum_in
            share = np.zeros(2)
            n_share = np.zeros(2)
            size = np.zeros(2)
            n_size = np.zeros(2)
            for c in range(n_cells):
                for g in range(2):
                    if pairs[c, g] > 0.0:
                        share[g] += links[c, g] / pairs[c, g]
                        n_share[g] += 1.0
                    if sized and total[c, g] > 0.0:
                        size[g] += np.log10(total[c, g] / links[c, g])
                        n_size[g] += 1.0
            if n_share[0] > 0.0 and n_share[1] > 0.0:
                out[row, 2 + 2 * side] = share[0] / n_share[0] - share[1] / n_share[1]
            if n_size[0] > 0.0 and n_size[1] > 0.0:
                out[row, 3 + 2 * side] = size[0] / n_size[0] - size[1] / n_size[1]
