"""How fast are all pairs of the spike time tiling coefficient, from spikes and from rasters?"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numba import njit

import cofire as cf
from peers import CLOCK, DURATION, compare, make_spikes, optional, scale, within

DT = 0.05
SUPPORT = np.array([[0.0, DURATION]])


def from_counts(counts, n_spikes, tiled_share):
    share = counts / n_spikes[:, None]
    rest = 1.0 - share * tiled_share
    one_sided = np.divide(share - tiled_share, rest, out=np.ones_like(rest), where=rest != 0)
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


@njit(nogil=True)
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


def sttc_merge(trains, dt, duration):
    """Two pointers, pair after pair, compiled by Numba."""
    counts = np.empty((trains.n_units, trains.n_units))
    merge(trains.times, trains.offsets, dt, counts)
    return from_counts(counts, trains.counts, tiled_share(trains, dt, duration))


def run_cofire(trains, dt, duration, threads=1):
    return cf.sttc(trains, dt, support=[[0.0, duration]], threads=threads)


def test_spikes(benchmark):
    """W4: all pairs, tiles of 50 ms."""
    n_units = scale(200, 6)
    trains = make_spikes(n_units, 7)
    benchmark.group = f"sttc of all pairs, {n_units} units x 3600 s, dt 50 ms"
    implementations = {
        "cofire": lambda: run_cofire(trains, DT, DURATION),
        "numba merge of each pair": lambda: sttc_merge(trains, DT, DURATION),
    }
    compare(benchmark, implementations, within(1e-6))


def test_spikes_in_numpy(benchmark):
    n_units = scale(40, 4)
    trains = make_spikes(n_units, 7)
    benchmark.group = f"sttc of all pairs, {n_units} units x 3600 s, dt 50 ms, with NumPy"
    implementations = {
        "cofire": lambda: run_cofire(trains, DT, DURATION),
        "numba merge of each pair": lambda: sttc_merge(trains, DT, DURATION),
        "numpy.searchsorted of each pair": lambda: sttc_numpy(trains, DT, DURATION),
    }
    compare(benchmark, implementations, within(1e-6))


def test_spikes_of_1000_units(benchmark):
    """W4 at its largest: merging each pair would take minutes, so it checks 50 of the units."""
    n_units, n_checked = scale(1000, 20), scale(50, 10)
    trains = make_spikes(n_units, 0)
    benchmark.group = f"sttc of all pairs, {n_units} units x 3600 s, dt 50 ms, no feasible peer"
    some = cf.SpikeTrains.from_list([trains[i] for i in range(n_checked)], support=SUPPORT)
    merged = sttc_merge(some, DT, DURATION)

    def equal(ours, with_two):
        np.testing.assert_array_equal(ours, with_two)
        within(1e-6)(ours[:n_checked, :n_checked], merged)

    implementations = {
        "cofire": lambda: run_cofire(trains, DT, DURATION),
        "cofire, two threads": lambda: run_cofire(trains, DT, DURATION, threads=2),
    }
    compare(benchmark, implementations, equal)


def test_short_recording(benchmark):
    """Short, because elephant's tolerance grows with the time stamp (1e-5 relative)."""
    benchmark.group = "sttc of all pairs, 6 units x 1 s, dt 50 ms, with elephant"
    trains = make_spikes(6, 7, 1.0, 40.0)
    dt = DT + 0.5 / CLOCK  # between two ticks: no ties for the tolerance to decide
    implementations = {
        "cofire": lambda: run_cofire(trains, dt, 1.0),
        "numpy.searchsorted of each pair": lambda: sttc_numpy(trains, dt, 1.0),
    }
    if peer := optional("elephant.spike_train_correlation"):
        coefficient = peer.spike_time_tiling_coefficient
        peers = trains.to_neo()
        tile = dt * peers[0].units
        implementations["elephant"] = lambda: np.array(
            [[coefficient(a, b, dt=tile) for b in peers] for a in peers]
        )
    compare(benchmark, implementations, within(1e-9))


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


def raster_int8(torch, raster, reach):
    near = near_frames(raster, reach)
    with_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    counts = torch._int_mm(
        torch.from_numpy(raster.view(np.int8)), torch.from_numpy(near.view(np.int8)).T
    ).numpy()
    torch.set_num_threads(with_threads)
    return from_counts(counts.astype(np.float64), raster.sum(axis=1), near.mean(axis=1))


@pytest.mark.parametrize("density", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("n_units", [scale(312, 20), scale(5000, 40)])
def test_raster(benchmark, n_units, density):
    """W4: rasters of 40,000 frames, 5 frames to both sides.

    torch's int8 product takes hours at 5000 neurons where it has no kernel for the processor.
    """
    raster = make_raster(n_units, density)
    benchmark.group = (
        f"sttc of a raster, {n_units} neurons x {raster.shape[1]} frames, +-5 frames, "
        f"{100 * density:g} % active"
    )
    implementations = {
        "cofire": lambda: cf.sttc_raster(raster, 5, threads=1),
        "numpy, one float32 product": lambda: raster_float32(raster, 5),
    }
    if n_units < 1000 and (torch := optional("torch")):
        implementations["torch, one int8 product"] = lambda: raster_int8(torch, raster, 5)
    compare(benchmark, implementations, within(1e-9))
