"""Reading the spikes of a large NWB file: how far from one raw read of the bytes?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import cofire as cf
from cofire.datasets import make_nwb_units
from peers import compare, optional, scale

N_UNITS = scale(2500, 100)
N_SPIKES = scale(100_000_000, 100_000)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Units table of a Visual Behavior Neuropixels session, scaled."""
    file = tmp_path_factory.mktemp("nwb") / "large.nwb"
    make_nwb_units(file, N_UNITS, N_SPIKES)
    return file


def read_cofire(path):
    spikes = cf.io.read_nwb(path).spikes
    return spikes.times, spikes.offsets


def read_h5py(path):
    with h5py.File(path) as file:
        times = file["units/spike_times"][:]
        ends = file["units/spike_times_index"][:]
    return times, np.concatenate([[0], ends]).astype(np.int64)


def read_pynwb(path):
    pynwb = optional("pynwb")
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        trains = io.read().units["spike_times"][:]
    return np.concatenate(trains), np.concatenate([[0], np.cumsum([len(t) for t in trains])])


def read_pynapple(path):
    nap = optional("pynapple")
    group = nap.load_file(str(path))["units"]
    trains = [group[unit].times() for unit in group.index]
    return np.concatenate(trains), np.concatenate([[0], np.cumsum([len(t) for t in trains])])


def same(ours, theirs):
    (times, offsets), (others, ends) = ours, theirs
    np.testing.assert_array_equal(offsets, ends)
    step = 10_000_000
    for i in range(0, len(times), step):  # pynapple rounds to 1 ns
        np.testing.assert_allclose(times[i : i + step], others[i : i + step], rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_all_spikes(benchmark, path):
    benchmark.group = (
        f"spikes of an NWB file, {N_UNITS} units, {N_SPIKES} spikes, in the page cache"
    )
    implementations = {
        "cofire": lambda: read_cofire(path),
        "h5py, raw": lambda: read_h5py(path),
    }
    if optional("pynwb"):
        implementations["pynwb"] = lambda: read_pynwb(path)
    if optional("pynapple"):
        implementations["pynapple"] = lambda: read_pynapple(path)
    compare(benchmark, implementations, same)


def test_one_unit_in_five(benchmark, path):
    benchmark.group = f"a fifth of the {N_UNITS} units of an NWB file of {N_SPIKES} spikes"
    with h5py.File(path) as file:
        ids = file["units/id"][:]
    rows = np.arange(0, len(ids), 5)

    def by_slices():
        with h5py.File(path) as file:
            ends = np.concatenate([[0], file["units/spike_times_index"][:]]).astype(np.int64)
            data = file["units/spike_times"]
            return np.concatenate([data[ends[i] : ends[i + 1]] for i in rows])

    implementations = {
        "cofire": lambda: cf.io.read_nwb(path, units=ids[rows]).spikes.times,
        "h5py slices": by_slices,
    }
    compare(benchmark, implementations, np.testing.assert_array_equal)
