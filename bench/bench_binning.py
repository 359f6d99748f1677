"""How fast are spikes counted in bins? (workload W1: 1000 units, 18 M spikes, 3600 s)"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse

import cofire as cf
from cofire.spikes import bin_spikes_sparse
from peers import DURATION, compare, make_epochs, make_spikes, optional, scale


def numpy_counts(spikes, width, dtype):
    n_bins = int(np.floor(DURATION / width))
    counts = np.empty((spikes.n_units, n_bins), dtype)
    for i in range(spikes.n_units):
        bins = (spikes[i] * (1.0 / width)).astype(np.int64)
        counts[i] = np.bincount(bins, minlength=n_bins)[:n_bins]
    return counts


def agree(ours, theirs):
    """Equal, but for the spikes of the 30 kHz clock that multiplication puts beside an edge."""
    step = 20
    n_spikes = moved = 0
    for first in range(0, ours.shape[0], step):
        a, b = ours[first : first + step], theirs[first : first + step]
        difference = a.astype(np.int64) - b.astype(np.int64)
        n_spikes += a.sum()
        moved += abs(difference).sum() / 2
        assert abs(difference.sum()) <= step
    assert moved < 0.01 * n_spikes


@pytest.mark.parametrize(
    ("width", "dtype"), [(0.01, "int32"), (0.01, "uint8"), (0.01, "float32"), (0.001, "uint8")]
)
def test_dense_counts(benchmark, width, dtype):
    n_units = scale(1000, 10)
    spikes = make_spikes(n_units, 0)
    benchmark.group = f"bin: {n_units} units, 3600 s, {1000 * width:g} ms, {dtype}"
    implementations = {
        "cofire": lambda: cf.bin_spikes(spikes, width, dtype=dtype, threads=1).counts,
        "numpy.bincount loop": lambda: numpy_counts(spikes, width, dtype),
    }
    compare(benchmark, implementations, agree)


def test_dense_counts_of_100_units(benchmark):
    """Fewer units, for a peer that needs its own containers."""
    n_units = scale(100, 5)
    spikes = make_spikes(n_units, 0)
    benchmark.group = f"bin: {n_units} units, 3600 s, 10 ms, int32, with pynapple"
    implementations = {
        "cofire": lambda: cf.bin_spikes(spikes, 0.01, threads=1).counts,
        "numpy.bincount loop": lambda: numpy_counts(spikes, 0.01, "int32"),
    }
    if optional("pynapple"):
        group = spikes.to_pynapple()
        implementations["pynapple"] = lambda: group.count(0.01).values.T
    compare(benchmark, implementations, agree)


def test_sparse_counts(benchmark):
    n_units = scale(200, 5)
    width = 0.001
    spikes = make_spikes(n_units, 7)
    n_bins = int(np.floor(DURATION / width))
    benchmark.group = f"bin: {n_units} units, 3600 s, 1 ms, sparse"

    def of_numpy():
        rows = [
            np.unique((train * (1.0 / width)).astype(np.int32), return_counts=True)
            for train in spikes
        ]
        ends = np.concatenate([[0], np.cumsum([len(bins) for bins, _ in rows])])
        indices, data = (np.concatenate(part) for part in zip(*rows, strict=True))
        return scipy.sparse.csr_array((data, indices, ends), shape=(n_units, n_bins))

    implementations = {
        "cofire": lambda: bin_spikes_sparse(spikes, width, threads=1).counts,
        "numpy.unique loop": of_numpy,
    }
    if conversion := optional("elephant.conversion"):
        trains, binned = spikes.to_neo(), conversion.BinnedSpikeTrain
        size = width * trains[0].units
        implementations["elephant"] = lambda: (
            binned(trains, bin_size=size, n_bins=n_bins).sparse_matrix
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # elephant's own, about quantities
        compare(benchmark, implementations, agree)


def test_counts_within_epochs(benchmark):
    n_units = scale(200, 5)
    spikes = make_spikes(n_units, 7)
    epochs = make_epochs(scale(500, 50)).data
    benchmark.group = f"bin: {n_units} units, {len(epochs)} epochs in 3600 s, 10 ms, int32"

    def of_numpy():
        pieces = []
        for start, stop in epochs:
            n = int(np.floor((stop - start) / 0.01)) if stop - start >= 0.01 else 0
            edges = np.linspace(start, start + n * 0.01, n + 1)
            piece = np.zeros((n_units, n), np.int32)
            for i in range(n_units if n else 0):
                inside = slice(*np.searchsorted(spikes[i], (start, stop)))
                piece[i] = np.histogram(spikes[i][inside], edges)[0]
            pieces.append(piece)
        return np.concatenate(pieces, axis=1)

    implementations = {
        "cofire": lambda: cf.bin_spikes(spikes, 0.01, support=epochs, threads=1).counts,
        "numpy.histogram loop": of_numpy,
    }
    compare(benchmark, implementations, np.testing.assert_array_equal)
