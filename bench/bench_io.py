"""Reading the spikes of a large NWB file: how far from one raw read of the bytes?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import cofire as cf
from cofire.datasets import make_nwb_units
from peers import scale

IMPLEMENTATIONS = ("cofire", "h5py", "pynwb", "pynapple")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Units table of a Visual Behavior Neuropixels session, scaled."""
    file = tmp_path_factory.mktemp("nwb") / "large.nwb"
    make_nwb_units(file, scale(2500, 100), scale(30_000_000, 100_000))
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
    pynwb = pytest.importorskip("pynwb")
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        trains = io.read().units["spike_times"][:]
    return np.concatenate(trains), np.concatenate([[0], np.cumsum([len(t) for t in trains])])


def read_pynapple(path):
    nap = pytest.importorskip("pynapple")
    group = nap.load_file(str(path))["units"]
    trains = [group[unit].times() for unit in group.index]
    return np.concatenate(trains), np.concatenate([[0], np.cumsum([len(t) for t in trains])])


READERS = {
    "cofire": read_cofire,
    "h5py": read_h5py,
    "pynwb": read_pynwb,
    "pynapple": read_pynapple,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_all_spikes(benchmark, path, implementation):
    benchmark.group = "spikes of an NWB file"
    read = READERS[implementation]
    times, offsets = read(path)
    expected, ends = read_h5py(path)
    np.testing.assert_allclose(times, expected, rtol=0, atol=1e-9)  # pynapple rounds to 1 ns
    assert np.array_equal(offsets, ends)
    del times, expected
    benchmark.pedantic(read, (path,), rounds=scale(5, 1), iterations=1)


@pytest.mark.parametrize("implementation", ["cofire", "h5py"])
def test_one_unit_in_five(benchmark, path, implementation):
    benchmark.group = "a fifth of the units of an NWB file"
    with h5py.File(path) as file:
        ids = file["units/id"][:]
    rows = np.arange(0, len(ids), 5)

    def read_by_cofire():
        return cf.io.read_nwb(path, units=ids[rows]).spikes.times

    def read_by_slices():
        with h5py.File(path) as file:
            ends = np.concatenate([[0], file["units/spike_times_index"][:]]).astype(np.int64)
            data = file["units/spike_times"]
            return np.concatenate([data[ends[i] : ends[i + 1]] for i in rows])

    assert np.array_equal(read_by_cofire(), read_by_slices())
    read = read_by_cofire if implementation == "cofire" else read_by_slices
    benchmark.pedantic(read, rounds=scale(5, 1), iterations=1)
