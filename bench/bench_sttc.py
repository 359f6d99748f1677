"""How fast are all pairs of the spike time tiling coefficient, from spikes and from rasters?"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

import cofire as cf
from peers import CLOCK, DURATION, make_spikes, scale

DT = 0.05
SUPPORT = np.array([[0.0, DURATION]])


def from_counts(counts, n_spikes, tiled_share):
    share = counts / n_spikes[:, None]
    one_sided = (share - tiled_share) / (1.0 - share * tiled_share)
    return 0.5 * (one_sided + one_sided.T)


def tiled_share(trains, dt, duration):
    share = []
    for t in trains:
        gaps = np.minimum(np.diff(t), 2 * dt).sum()
        share.append((gaps + min(t[0], dt) + min(duration - t[-1], dt)) / duration)
    return np.array(share)


def sttc_numpy(trains, dt, duration):
    """Distance to the nearest spike by binary search, pair after pair."""
    counts = np.empty((len(trains), len(trains)))
    for j, b in enumerate(trains):
        padded = np.concatenate([[-np.inf], b, [np.inf]])
        for i, a in enumerate(trains):
            right = np.searchsorted(b, a) + 1
            close = (padded[right] - a <= dt) | (a - padded[right - 1] <= dt)
            counts[i, j] = close.sum()
    n_spikes = np.array([len(t) for t in trains])
    return from_counts(counts, n_spikes, tiled_share(trains, dt, duration))


@lru_cache(maxsize=1)
def merge_kernel():
    numba = pytest.importorskip("numba")

    @numba.njit(nogil=True)
    def merge(times, offsets, dt, counts):
        for i in range(len(counts)):
            for j in range(len(counts)):
                k, end = offsets[j], offsets[j + 1]
                n = 0
                for s in range(offsets[i], offsets[i + 1]):
                    while k < end and times[s] - times[k] > dt:
                        k += 1
                    if k < end and times[k] - times[s] <= dt:
                        n += 1
                counts[i, j] = n

    merge(np.zeros(1), np.array([0, 1]), 0.1, np.zeros((1, 1)))  # compiles
    return merge


def sttc_merge(trains, dt, duration):
    """Two pointers, pair after pair, compiled by Numba."""
    counts = np.empty((trains.n_units, trains.n_units))
    merge_kernel()(trains.times, trains.offsets, dt, counts)
    return from_counts(counts, trains.counts, tiled_share(trains, dt, duration))


def run_cofire(trains, dt, duration):
    return cf.sttc(trains, dt, support=[[0.0, duration]], threads=1)


SPIKES = {"cofire": run_cofire, "numba merge": sttc_merge, "numpy": sttc_numpy}


@pytest.mark.parametrize("implementation", SPIKES)
def test_spikes(benchmark, implementation):
    """W4: all pairs, tiles of 50 ms."""
    n_units = scale(200, 6)
    if implementation == "numpy" and n_units > 100:
        n_units = 40
    benchmark.group = f"sttc of {n_units} units"
    if implementation == "numba merge":
        merge_kernel()
    trains = make_spikes(n_units, 7)
    run = SPIKES[implementation]
    np.testing.assert_allclose(
        run(trains, DT, DURATION), run_cofire(trains, DT, DURATION), rtol=1e-6, atol=1e-9
    )
    benchmark.pedantic(run, (trains, DT, DURATION), rounds=5)


@pytest.mark.parametrize("n_units", [scale(1000, 20), scale(40, 6)])
def test_spikes_cofire_alone(benchmark, n_units):
    """1000 units, where no peer is feasible, and cofire on the smaller size of the peers."""
    benchmark.group = f"sttc of {n_units} units"
    trains = make_spikes(n_units, 0 if n_units == scale(1000, 20) else 7)
    matrix = benchmark.pedantic(run_cofire, (trains, DT, DURATION), rounds=5)
    assert (matrix.diagonal() == 1).all()


@pytest.mark.parametrize("implementation", ["cofire", "elephant"])
def test_short_recording(benchmark, implementation):
    """Short, because elephant's tolerance grows with the time stamp (1e-5 relative)."""
    benchmark.group = "sttc of 6 units, 1 s"
    trains = make_spikes(6, 7, 1.0, 40.0)
    dt = DT + 0.5 / CLOCK  # between two ticks: no ties for the tolerance to decide
    expected = run_cofire(trains, dt, 1.0)
    if implementation == "cofire":
        benchmark.pedantic(run_cofire, (trains, dt, 1.0), rounds=5)
        return
    peer = pytest.importorskip("elephant.spike_train_correlation")
    neo, pq = pytest.importorskip("neo"), pytest.importorskip("quantities")
    peers = [neo.SpikeTrain(t, units="s", t_stop=1.0) for t in trains]

    def run_elephant():
        coefficient = peer.spike_time_tiling_coefficient
        return np.array([[coefficient(a, b, dt=dt * pq.s) for b in peers] for a in peers])

    np.testing.assert_allclose(run_elephant(), expected, atol=1e-9)
    benchmark.pedantic(run_elephant, rounds=5)


@lru_cache(maxsize=1)
def make_raster(n_units, density):
    return np.random.default_rng(3).random((n_units, scale(40_000, 2000))) < density


def near_frames(raster, reach):
    near = raster.copy()
    for shift in range(1, reach + 1):
        near[:, shift:] |= raster[:, :-shift]
        near[:, :-shift] |= raster[:, shift:]
    return near


def raster_float32(raster, reach):
    near = near_frames(raster, reach)
    counts = raster.astype(np.float32) @ near.astype(np.float32).T  # exact below 2**24
    return from_counts(counts.astype(np.float64), raster.sum(axis=1), near.mean(axis=1))


def raster_int8(raster, reach):
    torch = pytest.importorskip("torch")
    near = near_frames(raster, reach)
    with_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    counts = torch._int_mm(
        torch.from_numpy(raster.view(np.int8)), torch.from_numpy(near.view(np.int8)).T
    ).numpy()
    torch.set_num_threads(with_threads)
    return from_counts(counts.astype(np.float64), raster.sum(axis=1), near.mean(axis=1))


def raster_cofire(raster, reach):
    return cf.sttc_raster(raster, reach, threads=1)


RASTERS = {"cofire": raster_cofire, "float32 GEMM": raster_float32, "int8 GEMM": raster_int8}


@pytest.mark.parametrize("density", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("n_units", [scale(312, 20), scale(5000, 40)])
@pytest.mark.parametrize("implementation", RASTERS)
def test_raster(benchmark, implementation, n_units, density):
    """W4: rasters of 40,000 frames, 5 frames to both sides. Set OPENBLAS_NUM_THREADS=1."""
    if n_units == 5000 and implementation != "cofire" and density != 0.02:
        pytest.skip("matrix products take the same time at every density")
    if n_units == 5000 and implementation == "int8 GEMM":
        pytest.skip("hours where torch has no int8 kernel for the processor")
    benchmark.group = f"sttc of a raster, {n_units} units, density {density}"
    raster = make_raster(n_units, density)
    run = RASTERS[implementation]
    np.testing.assert_allclose(run(raster, 5), raster_cofire(raster, 5), rtol=1e-9, atol=1e-12)
    benchmark.pedantic(run, (raster, 5), rounds=5 if n_units < 1000 else 1)
