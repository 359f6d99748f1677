"""How clustered and how efficient is a binary undirected graph, held as rows of bits?

Row i is ``ceil(n / 64)`` words; bit j of it is the edge i - j. Common neighbors are an AND and a
count of bits; one step of a search through the graph is an OR of rows. That suits graphs in which
more than one possible edge in 64 is there, and null graphs, which are drawn straight into bits, 64
pairs of nodes at a time.

A bit on the diagonal is a self-loop: it makes a node its own neighbor in the clustering; paths
ignore it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import config, njit, types
from numba.extending import intrinsic

from cofire._validate import FloatArray
from cofire.graph._adjacency import Graph
from cofire.graph._jit import INDICES, INDPTR, kernel

Bits = npt.NDArray[np.uint64]

BITS = "uint64[:,::1]"
SEEDS = "uint64[::1]"
DIGITS = "uint8[::1]"

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_ALL = np.uint64(2**64 - 1)
_HALF, _LOW = np.uint64(32), np.uint64(2**32 - 1)
# Splitmix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195): a counter and a mixer.
_GOLDEN, _MIX_1, _MIX_2 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)

if getattr(config, "DISABLE_JIT", False):

    def _popcount(word: Any) -> Any:
        return int(word).bit_count()

    def _lowest(word: Any) -> Any:
        return (int(word) & -int(word)).bit_length() - 1

else:

    @intrinsic
    def _popcount(typing_context: Any, word: Any) -> Any:
        """Number of bits of a word that are set: one instruction, and vectorized in loops."""

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.ctpop(args[0])

        return types.int64(types.uint64), build

    @intrinsic
    def _lowest(typing_context: Any, word: Any) -> Any:
        """Index of the lowest bit that is set, of a word that is not 0."""

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.cttz(args[0], context.get_constant(types.boolean, True))

        return types.int64(types.uint64), build


def bit_rows(graph: Graph) -> Bits:
    """The edges of a graph as bits (n, ceil(n / 64)); weights are not looked at."""
    bits: Bits = _fill(graph.indptr, graph.indices)
    return bits


def binary_digits(p: float) -> npt.NDArray[np.uint8]:
    """Digits of a probability 0 <= p < 1 after the binary point, all of those of the float64."""
    digits = []
    while p > 0.0:
        p *= 2.0
        digits.append(int(p))
        p -= int(p)
    return np.array(digits, dtype=np.uint8)


@njit(nogil=True, cache=True)
def _draw(key: Any, counter: Any) -> Any:
    """64 random bits: number `counter` of the stream `key`."""
    word = key + (counter + _ONE) * _GOLDEN
    word = (word ^ (word >> _S30)) * _MIX_1
    word = (word ^ (word >> _S27)) * _MIX_2
    return word ^ (word >> _S31)


@njit(nogil=True, cache=True)
def _draw_bits(key: Any, counter: Any, digits: Any) -> Any:
    """64 bits, each 1 with the probability whose binary digits are given; the next counter.

    Each bit compares a uniform number with p, digit by digit from the point on, until they differ:
    two digits are enough for the average bit, eight for all of 64.
    """
    word, undecided = _ZERO, _ALL
    for digit in digits:
        uniform = _draw(key, counter)
        counter += _ONE
        if digit:
            word |= undecided & ~uniform
            undecided &= uniform
        else:
            undecided &= ~uniform
        if undecided == _ZERO:
            break
    return word, counter


@njit(nogil=True, cache=True)
def _set(bits: Any, i: Any, j: Any) -> Any:
    bits[i, j >> 6] |= _ONE << np.uint64(j & 63)


@njit(nogil=True, cache=True)
def _has(bits: Any, i: Any, j: Any) -> Any:
    return (bits[i, j >> 6] >> np.uint64(j & 63)) & _ONE != _ZERO


@njit(nogil=True, cache=True)
def _mirror(bits: Any, first_word: Any) -> Any:
    """Copy the bits above the diagonal to below it."""
    n, n_words = bits.shape
    for i in range(n):
        for k in range(i >> 6, n_words):
            word = bits[i, k]
            if k == i >> 6:
                word &= _ALL << np.uint64(i & 63)
            while word != _ZERO:
                _set(bits, (k << 6) + _lowest(word), i)
                word &= word - _ONE


@njit(nogil=True, cache=True)
def _draw_study_null(bits: Any, key: Any, edge_digits: Any, loop_digits: Any) -> Any:
    """Every pair of nodes, and every node with itself, an edge with a probability."""
    n, n_words = bits.shape
    counter = _ZERO
    last = _ALL >> np.uint64((64 - (n & 63)) & 63)
    for i in range(n):
        bits[i, : i >> 6] = _ZERO
        for k in range(i >> 6, n_words):
            word, counter = _draw_bits(key, counter, edge_digits)
            if k == i >> 6:
                # Two shifts: one by 64 would have no defined value.
                word &= (_ALL << np.uint64(i & 63)) << _ONE
            if k == n_words - 1:
                word &= last
            bits[i, k] = word
    _mirror(bits, 0)
    for k in range(n_words):
        word, counter = _draw_bits(key, counter, loop_digits)
        if k == n_words - 1:
            word &= last
        while word != _ZERO:
            i = (k << 6) + _lowest(word)
            _set(bits, i, i)
            word &= word - _ONE


@njit(nogil=True, cache=True)
def _draw_pairs(bits: Any, key: Any, n_edges: Any) -> Any:
    """`n_edges` different pairs of nodes, all sets of pairs alike."""
    n, n_words = bits.shape
    n_pairs = n * (n - 1) // 2
    # Of a dense graph draw the pairs that are no edges.
    dense = 2 * n_edges > n_pairs
    n_drawn = n_pairs - n_edges if dense else n_edges
    bits[:] = _ZERO
    counter, size = _ZERO, np.uint64(n)
    unfair = (_LOW + _ONE) % size  # Lemire 2019, doi:10.1145/3230636: else some nodes are favored
    while n_drawn > 0:
        word = _draw(key, counter)
        counter += _ONE
        first, second = (word >> _HALF) * size, (word & _LOW) * size
        if first & _LOW < unfair or second & _LOW < unfair:
            continue
        a, b = np.int64(first >> _HALF), np.int64(second >> _HALF)
        if a != b and not _has(bits, a, b):
            _set(bits, a, b)
            _set(bits, b, a)
            n_drawn -= 1
    if dense:
        last = _ALL >> np.uint64((64 - (n & 63)) & 63)
        for i in range(n):
            for k in range(n_words):
                bits[i, k] = ~bits[i, k] & (last if k == n_words - 1 else _ALL)
            bits[i, i >> 6] &= ~(_ONE << np.uint64(i & 63))


@njit(nogil=True, cache=True)
def _clustering(bits: Any, share: Any) -> Any:
    """Share of pairs of neighbors that are neighbors of each other, written to `share`."""
    n, n_words = bits.shape
    share[:] = 0.0
    for i in range(n):
        for k in range(i >> 6, n_words):
            word = bits[i, k]
            if k == i >> 6:
                word &= _ALL << np.uint64(i & 63)
            while word != _ZERO:
                j = (k << 6) + _lowest(word)
                word &= word - _ONE
                common = 0
                for q in range(n_words):
                    common += _popcount(bits[i, q] & bits[j, q])
                share[i] += common
                if j != i:
                    share[j] += common
    for i in range(n):
        degree = 0
        for k in range(n_words):
            degree += _popcount(bits[i, k])
        share[i] = share[i] / (degree * (degree - 1)) if degree > 1 else 0.0


@njit(nogil=True, cache=True)
def _push(bits: Any, seen: Any, frontier: Any, following: Any) -> Any:
    """All neighbors of the frontier; stops when every node has been seen."""
    n, n_words = bits.shape
    last = _ALL >> np.uint64((64 - (n & 63)) & 63)
    following[:] = _ZERO
    rows = 0
    for k in range(n_words):
        word = frontier[k]
        while word != _ZERO:
            i = (k << 6) + _lowest(word)
            word &= word - _ONE
            for q in range(n_words):
                following[q] |= bits[i, q]
            rows += 1
            if rows & 7 == 0:
                missing = ~(seen[n_words - 1] | following[n_words - 1]) & last
                for q in range(n_words - 1):
                    missing |= ~(seen[q] | following[q])
                if missing == _ZERO:
                    return


@njit(nogil=True, cache=True)
def _pull(bits: Any, seen: Any, frontier: Any, following: Any) -> Any:
    """Those of the nodes not yet seen that have a neighbor in the frontier."""
    n, n_words = bits.shape
    last = _ALL >> np.uint64((64 - (n & 63)) & 63)
    following[:] = _ZERO
    for k in range(n_words):
        word = ~seen[k] & (last if k == n_words - 1 else _ALL)
        while word != _ZERO:
            i = (k << 6) + _lowest(word)
            for q in range(n_words):
                if bits[i, q] & frontier[q] != _ZERO:
                    following[k] |= word & (~word + _ONE)
                    break
            word &= word - _ONE


@njit(nogil=True, cache=True)
def _path_sums(bits: Any, first: Any, stop: Any, sums: Any) -> Any:
    """Add sum of 1/d, sum of d and number of pairs, from sources first..stop-1, to `sums`."""
    n, n_words = bits.shape
    seen = np.empty(n_words, np.uint64)
    frontier = np.empty(n_words, np.uint64)
    following = np.empty(n_words, np.uint64)
    for source in range(first, stop):
        own = _ONE << np.uint64(source & 63)
        for k in range(n_words):
            seen[k] = bits[source, k]
            frontier[k] = bits[source, k]
        seen[source >> 6] |= own
        frontier[source >> 6] &= ~own
        found = 0
        for k in range(n_words):
            found += _popcount(frontier[k])
        n_left, length = n - 1 - found, 1
        inverse, total, pairs = np.float64(found), found, found
        while found > 0 and n_left > 0:
            # Whichever looks at fewer rows; so a search never looks at more than n.
            if n_left < found:
                _pull(bits, seen, frontier, following)
            else:
                _push(bits, seen, frontier, following)
            length += 1
            found = 0
            for k in range(n_words):
                frontier[k] = following[k] & ~seen[k]
                seen[k] |= frontier[k]
                found += _popcount(frontier[k])
            n_left -= found
            inverse += found / length
            total += found * length
            pairs += found
        sums[0] += inverse
        sums[1] += total
        sums[2] += pairs


@njit(nogil=True, cache=True)
def _measure(bits: Any, out: Any) -> Any:
    """Mean clustering, global efficiency and mean distance of reachable pairs, to `out`."""
    n = len(bits)
    share = np.empty(n, np.float64)
    _clustering(bits, share)
    sums = np.zeros(3, np.float64)
    _path_sums(bits, 0, n, sums)
    out[0] = share.mean()
    out[1] = sums[0] / (np.float64(n) * (n - 1)) if n > 1 else np.nan
    out[2] = sums[1] / sums[2] if sums[2] > 0 else np.nan


@njit(nogil=True, cache=True)
def _set_edges(indptr: Any, indices: Any, bits: Any) -> Any:
    bits[:] = _ZERO
    for i in range(len(bits)):
        for e in range(indptr[i], indptr[i + 1]):
            _set(bits, i, np.int64(indices[e]))


@kernel(f"{BITS}({INDPTR}, {INDICES})")
def _fill(indptr: Any, indices: Any) -> Any:
    n = len(indptr) - 1
    bits = np.empty((n, (n + 63) >> 6), np.uint64)
    _set_edges(indptr, indices, bits)
    return bits


@kernel(f"float64[::1]({BITS})")
def clustering_of(bits: Bits) -> FloatArray:
    """Share of the pairs of neighbors of each node that are neighbors; 0 of fewer than two."""
    share = np.empty(len(bits), np.float64)
    _clustering(bits, share)
    return share


@kernel(f"float64[::1]({BITS}, int64, int64)")
def path_sums(bits: Bits, first: int, stop: int) -> FloatArray:
    """Sum of 1/d, sum of d, number of pairs with a path, from the sources first..stop-1."""
    sums = np.zeros(3, np.float64)
    _path_sums(bits, first, stop, sums)
    return sums


@kernel(f"float64[:,::1](int64, {SEEDS}, {DIGITS}, {DIGITS})")
def study_nulls(n: int, seeds: Any, edge_digits: Any, loop_digits: Any) -> FloatArray:
    """Measures (n_nulls, 3) of graphs with independent edges and self-loops, one of each seed.

    The probabilities are given by their binary digits. Columns: mean clustering, global
    efficiency, mean distance of the pairs with a path.
    """
    bits = np.zeros((n, (n + 63) >> 6), np.uint64)
    out = np.empty((len(seeds), 3), np.float64)
    for r in range(len(seeds)):
        _draw_study_null(bits, seeds[r], edge_digits, loop_digits)
        _measure(bits, out[r])
    return out


@kernel(f"float64[:,::1](int64, {SEEDS}, int64)")
def density_nulls(n: int, seeds: Any, n_edges: int) -> FloatArray:
    """Measures, as of :func:`study_nulls`, of graphs of `n_edges` edges without self-loops."""
    bits = np.empty((n, (n + 63) >> 6), np.uint64)
    out = np.empty((len(seeds), 3), np.float64)
    for r in range(len(seeds)):
        _draw_pairs(bits, seeds[r], n_edges)
        _measure(bits, out[r])
    return out


@kernel(f"float64[:,::1]({INDPTR}, int32[:,::1])")
def wired_nulls(indptr: Any, targets: Any) -> FloatArray:
    """Measures, as of :func:`study_nulls`, of graphs (one a row of `targets`) of equal degrees."""
    n = len(indptr) - 1
    bits = np.empty((n, (n + 63) >> 6), np.uint64)
    out = np.empty((len(targets), 3), np.float64)
    for r in range(len(targets)):
        _set_edges(indptr, targets[r], bits)
        _measure(bits, out[r])
    return out
