"""How fast are spikes counted in bins? (workload W1: 1000 units, 18 M spikes, 3600 s)"""

from __future__ import annotations

import numpy as np
import pytest

import cofire as cf
from cofire.spikes import bin_spikes_sparse
from peers import DURATION, make_epochs, make_spikes, scale

N_UNITS = scale(1000, 10)
WIDTHS = [0.01, 0.001] if N_UNITS == 1000 else [0.01]
DTYPES = ["int32", "uint8", "float32"]


def numpy_bincount(spikes, width, dtype):
    n_bins = int(np.floor(DURATION / width))
    counts = np.empty((spikes.n_units, n_bins), dtype)
    for i in range(spikes.n_units):
        bins = (spikes[i] * (1.0 / width)).astype(np.int64)
        counts[i] = np.bincount(bins, minlength=n_bins)[:n_bins]
    return counts


def agrees(ours, theirs, n_spikes):
    # Multiplication puts some spikes of a 30 kHz clock on the wrong side of an edge.
    assert ours.sum() == pytest.approx(theirs.sum(), abs=2)
    moved = np.abs(ours.astype(np.int64) - theirs.astype(np.int64)).sum() / 2
    assert moved < 0.01 * n_spikes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("implementation", ["cofire", "numpy"])
def test_dense_counts(benchmark, implementation, width, dtype):
    if width == 0.001 and dtype != "uint8":
        pytest.skip("14 GB of counts")
    spikes = make_spikes(N_UNITS, 0)
    benchmark.group = f"bin {N_UNITS} units, {width:g} s, {dtype}"
    few = spikes[: min(N_UNITS, 20)]
    ours = cf.bin_spikes(few, width, dtype=dtype, threads=1).counts
    agrees(ours, numpy_bincount(few, width, dtype), few.n_spikes)
    run = {
        "cofire": lambda: cf.bin_spikes(spikes, width, dtype=dtype, threads=1),
        "numpy": lambda: numpy_bincount(spikes, width, dtype),
    }
    benchmark(run[implementation])


@pytest.mark.parametrize("implementation", ["cofire", "pynapple", "nelpy"])
def test_dense_counts_of_containers(benchmark, implementation):
    n_units = scale(100, 5)
    spikes = make_spikes(n_units, 0)
    benchmark.group = f"bin {n_units} units, 0.01 s, containers"
    ours = cf.bin_spikes(spikes, 0.01, threads=1).counts
    if implementation == "pynapple":
        pytest.importorskip("pynapple")
        group = spikes.to_pynapple()
        agrees(ours, group.count(0.01).values.T, spikes.n_spikes)
        benchmark(lambda: group.count(0.01))
    elif implementation == "nelpy":
        nel = pytest.importorskip("nelpy")
        array = nel.SpikeTrainArray(
            spikes.to_list(), support=nel.EpochArray([[0.0, DURATION]]), fs=30_000
        )
        np.testing.assert_array_equal(ours, array.bin(ds=0.01).data)
        benchmark(lambda: array.bin(ds=0.01))
    else:
        benchmark(lambda: cf.bin_spikes(spikes, 0.01, threads=1))


@pytest.mark.parametrize("implementation", ["cofire", "numpy", "elephant"])
def test_sparse_counts(benchmark, implementation):
    import scipy.sparse

    n_units = scale(1000, 5)
    width = 0.001
    spikes = make_spikes(n_units, 0)
    n_bins = int(np.floor(DURATION / width))
    benchmark.group = f"bin {n_units} units, {width:g} s, sparse"
    few = spikes[:5]
    ours = bin_spikes_sparse(few, width, threads=1).counts

    def of_numpy(trains):
        data, indices, ends = [], [], [0]
        for i in range(trains.n_units):
            bins, counts = np.unique(
                (trains[i] * (1.0 / width)).astype(np.int32), return_counts=True
            )
            data.append(counts)
            indices.append(bins)
            ends.append(ends[-1] + len(bins))
        parts = (np.concatenate(data), np.concatenate(indices), ends)
        return scipy.sparse.csr_array(parts, shape=(trains.n_units, n_bins))

    agrees(ours, of_numpy(few), few.n_spikes)
    if implementation == "elephant":
        conversion = pytest.importorskip("elephant.conversion")
        quantities = pytest.importorskip("quantities")

        def of_elephant(trains):
            return conversion.BinnedSpikeTrain(
                trains, bin_size=width * quantities.s, n_bins=n_bins
            ).sparse_matrix

        agrees(ours, scipy.sparse.csr_array(of_elephant(few.to_neo())), few.n_spikes)
        trains = spikes.to_neo()
        benchmark(lambda: of_elephant(trains))
    elif implementation == "numpy":
        benchmark(lambda: of_numpy(spikes))
    else:
        benchmark(lambda: bin_spikes_sparse(spikes, width, threads=1))


@pytest.mark.parametrize("implementation", ["cofire", "numpy"])
def test_counts_within_epochs(benchmark, implementation):
    n_units = scale(200, 5)
    spikes = make_spikes(n_units, 7)
    epochs = make_epochs(scale(500, 50)).data
    benchmark.group = f"bin {n_units} units in {len(epochs)} epochs, 0.01 s"

    def of_numpy():
        pieces = []
        for start, stop in epochs:
            n = int(np.floor((stop - start) / 0.01))
            if n == 0 or stop - start < 0.01:
                continue
            edges = np.linspace(start, start + n * 0.01, n + 1)
            piece = np.empty((n_units, n), np.int32)
            for i in range(n_units):
                inside = spikes[i][slice(*np.searchsorted(spikes[i], (start, stop)))]
                piece[i] = np.histogram(inside, edges)[0]
            pieces.append(piece)
        return np.concatenate(pieces, axis=1)

    def of_cofire():
        return cf.bin_spikes(spikes, 0.01, support=epochs, threads=1).counts

    np.testing.assert_array_equal(of_cofire(), of_numpy())
    benchmark(of_cofire if implementation == "cofire" else of_numpy)
