"""How large do eigenvalues get when units fire independently? Surrogates of a z matrix.

Shuffling a row in time keeps its mean and variance, so every statistic here is a function of the
Gram matrix ``Z Z^T`` of the shuffled rows. That is why three short cuts are exact: sparse rows
(counts) cost only their occupied bins, circular shifts of a pair of rows need only their
cross-correlation at the difference of the two shifts, and anything else is one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cofire import _core
from cofire._validate import FloatArray, IntArray, integer
from cofire.assemblies._blas import gram, threaded_map
from cofire.errors import InvalidArgumentError

Progress = Callable[[int, int], None]
GramStatistic = Callable[[FloatArray], float]


@dataclass(frozen=True, slots=True)
class Surrogates:
    """How surrogates are drawn.

    Attributes
    ----------
    kind : {"bin", "circ"}
        Permute the bins of every row, or roll every row.
    n_shuffles : int
    rng : int or numpy.random.Generator
    recipe : None or "numpy"
        None: counter-based streams. "numpy": the generator of each shuffle is
        ``default_rng(SeedSequence(rng).spawn(n_shuffles)[k].generate_state(1)[0])``.
    threads : int, optional
    progress : callable, optional
        Called with (shuffles done, n_shuffles).
    """

    kind: str
    n_shuffles: int
    rng: int | np.random.Generator = 0
    recipe: str | None = None
    threads: int | None = None
    progress: Progress | None = None


def seed_of(rng: int | np.random.Generator) -> int:
    """A 63-bit seed: the integer itself, or one drawn from a generator."""
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    seed = integer(rng, "rng", 0)
    if seed >= 2**64:
        raise InvalidArgumentError(f"rng must be below 2**64, got {seed}")
    return seed


def recipe_generators(seed: int, n_shuffles: int) -> list[np.random.Generator]:
    """The generators of the compatible recipe, one a shuffle."""
    children = np.random.SeedSequence(seed).spawn(n_shuffles)
    return [np.random.default_rng(child.generate_state(1)[0]) for child in children]


def gram_statistics(z: FloatArray, statistic: GramStatistic, surrogates: Surrogates) -> FloatArray:
    """Statistic of the Gram matrix of `z` (n_units, n_bins) after each shuffle, (n_shuffles,)."""
    if surrogates.kind == "circ":
        return _circular(z, statistic, surrogates)
    seed = seed_of(surrogates.rng)
    if surrogates.recipe == "numpy":
        return _argsorted(z, statistic, surrogates, seed)
    return _permuted(z, statistic, surrogates, seed)


def singular_statistics(first: FloatArray, second: FloatArray, surrogates: Surrogates) -> Any:
    """Singular values of ``first @ second.T / n_bins`` after each shuffle, (n_shuffles, rank).

    A shuffle moves all rows of a group together: one permutation (or roll) of the bins for each
    group.
    """
    n_bins = first.shape[1]
    n = surrogates.n_shuffles
    seed = seed_of(surrogates.rng)
    if surrogates.recipe == "numpy":
        generators = recipe_generators(seed, n)
    else:
        generators = [_philox(seed, k) for k in range(n)]
    first_bins = np.ascontiguousarray(first.T)
    second_bins = np.ascontiguousarray(second.T)

    def orders(generator: np.random.Generator) -> tuple[IntArray, IntArray]:
        if surrogates.kind == "circ":
            bins = np.arange(n_bins)
            shift = generator.integers(0, 2 * n_bins, size=2)
            return (bins - shift[0]) % n_bins, (bins - shift[1]) % n_bins
        return generator.permutation(n_bins), generator.permutation(n_bins)

    def one(k: int) -> FloatArray:
        order_1, order_2 = orders(generators[k])
        product = first_bins[order_1].T @ second_bins[order_2]
        values: FloatArray = np.linalg.svd(product / n_bins, compute_uv=False)
        return values

    return np.stack(threaded_map(one, n, surrogates.threads, surrogates.progress))


@dataclass(frozen=True, slots=True)
class _SparseRows:
    """Rows of z above their smallest value, and what that leaves out of their Gram matrix.

    With ``z = lifted + background`` the cross terms hold sums of rows, which no shuffle changes.
    """

    values: FloatArray
    bins: IntArray
    offsets: IntArray
    constant: FloatArray

    @classmethod
    def of(cls, z: FloatArray) -> _SparseRows:
        background = z.min(axis=1)
        lifted = z - background[:, None]
        rows, bins = np.nonzero(lifted)
        offsets = np.searchsorted(rows, np.arange(len(z) + 1)).astype(np.int64)
        cross = np.outer(background, lifted.sum(axis=1))
        constant = cross + cross.T + z.shape[1] * np.outer(background, background)
        return cls(lifted[rows, bins], bins.astype(np.int64), offsets, constant)


def _occupied_per_bin(z: FloatArray) -> float:
    """Mean number of units in a bin that are above their smallest value."""
    return len(z) * float((z > z.min(axis=1, keepdims=True)).mean())


def _permuted(
    z: FloatArray, statistic: GramStatistic, surrogates: Surrogates, seed: int
) -> FloatArray:
    """Every row permuted, with our own streams."""
    n_units, n_bins = z.shape
    per_bin = _occupied_per_bin(z)
    # Cost of a bin in ns: sparse draws and multiplies entries, dense permutes rows and calls BLAS.
    sparse_cost = 15 * per_bin + 0.7 * per_bin**2
    dense_cost = 20 * n_units + 0.045 * n_units**2
    if sparse_cost < dense_cost:
        rows = _SparseRows.of(z)

        def one(k: int) -> float:
            grams = _core.shuffled_grams(rows.values, rows.offsets, n_bins, seed, k, 1, 1)
            return statistic(grams[0] + rows.constant)
    else:

        def one(k: int) -> float:
            return statistic(gram(_philox(seed, k).permuted(z, axis=1)))

    return np.array(
        threaded_map(one, surrogates.n_shuffles, surrogates.threads, surrogates.progress)
    )


def _argsorted(
    z: FloatArray, statistic: GramStatistic, surrogates: Surrogates, seed: int
) -> FloatArray:
    """Every row permuted by sorting random numbers: the compatible recipe."""
    generators = recipe_generators(seed, surrogates.n_shuffles)

    def one(k: int) -> float:
        order = np.argsort(generators[k].random(z.shape), axis=1)
        return statistic(gram(np.take_along_axis(z, order, axis=1)))

    return np.array(
        threaded_map(one, surrogates.n_shuffles, surrogates.threads, surrogates.progress)
    )


def _circular(z: FloatArray, statistic: GramStatistic, surrogates: Surrogates) -> FloatArray:
    """Every row rolled right by its own uniform lag."""
    n_units, n_bins = z.shape
    n = surrogates.n_shuffles
    seed = seed_of(surrogates.rng)
    if surrogates.recipe == "numpy":
        generators = recipe_generators(seed, n)
        shifts = np.stack([g.integers(0, 2 * n_bins, size=n_units) for g in generators]) % n_bins
    else:
        shifts = _philox(seed, 0).integers(0, n_bins, size=(n, n_units))
    # Measured cost in ns: all cross-correlations once, or the entries or one product of each
    # shuffle.
    per_bin = _occupied_per_bin(z)
    by_transform = _fft_cost(n_bins) * n_units**2 * n_bins * np.log2(max(n_bins, 2))
    by_entries = n * n_bins * (6 * per_bin + 0.7 * per_bin**2)
    by_product = n * n_bins * (0.045 * n_units**2 + 0.9 * n_units)
    if by_transform < min(by_entries, by_product) and n * n_units**2 < 1e8:
        grams = _lagged_grams(z, shifts, surrogates)
        return np.array(
            threaded_map(lambda k: statistic(grams[k]), n, surrogates.threads), dtype=np.float64
        )
    if by_entries < by_product:
        rows = _SparseRows.of(z)

        def one(k: int) -> float:
            grams = _core.rolled_grams(
                rows.values, rows.offsets, rows.bins, n_bins, shifts[k : k + 1], 1
            )
            return statistic(grams[0] + rows.constant)
    else:

        def one(k: int) -> float:
            return statistic(gram(_rolled(z, shifts[k])))

    return np.array(threaded_map(one, n, surrogates.threads, surrogates.progress))


def _fft_cost(n_bins: int) -> float:
    """Nanoseconds a bin, pair and doubling; lengths with a large prime factor take three times."""
    import scipy.fft

    return 0.27 if scipy.fft.next_fast_len(max(n_bins, 1)) == n_bins else 0.8


def _rolled(z: FloatArray, shifts: IntArray) -> FloatArray:
    out = np.empty_like(z)
    for row, target, shift in zip(z, out, shifts, strict=True):
        target[shift:] = row[: len(row) - shift]
        target[:shift] = row[len(row) - shift :]
    return out


def _lagged_grams(z: FloatArray, shifts: IntArray, surrogates: Surrogates) -> FloatArray:
    """Gram matrices (n_shuffles, n_units, n_units) of rolled rows from cross-correlations.

    ``sum_t z_i[t - c_i] z_j[t - c_j] = R_ij[c_i - c_j]``, ``R_ij[l] = sum_s z_i[s] z_j[s + l]``.
    """
    import scipy.fft

    n_units, n_bins = z.shape
    n = len(shifts)
    spectra = scipy.fft.rfft(z)
    grams = np.zeros((n, n_units, n_units))
    block = max(1, 2**21 // n_bins)

    def one_row(i: int) -> None:
        for begin in range(i + 1, n_units, block):
            others = slice(begin, min(begin + block, n_units))
            correlation = scipy.fft.irfft(spectra[i].conj() * spectra[others], n=n_bins)
            lags = (shifts[:, i, None] - shifts[:, others]) % n_bins
            values = correlation[np.arange(correlation.shape[0]), lags]
            grams[:, i, others] = values
            grams[:, others, i] = values

    progress = surrogates.progress

    def in_shuffles(done: int, total: int) -> None:
        if progress is not None:
            progress(n * done // total, n)

    threaded_map(one_row, n_units, surrogates.threads, in_shuffles)
    diagonal = np.einsum("ij,ij->i", z, z)
    grams[:, np.arange(n_units), np.arange(n_units)] = diagonal
    return grams


def _philox(seed: int, k: int) -> np.random.Generator:
    sequence = np.random.SeedSequence(seed, spawn_key=(k,))
    return np.random.Generator(np.random.Philox(sequence))
