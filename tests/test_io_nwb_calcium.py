"""Calcium imaging in NWB files: responses of ROIs, whichever way round they are stored."""

import h5py
import numpy as np
import pytest

from cofire.errors import SeriesError
from cofire.io import read_nwb

IDS = np.array([10, 11, 12, 13, 14])


def write(path, values, *, rows=(0, 2, 4), home="DfOverF", stamps=None, name="RoiResponseSeries"):
    """A file of one plane with the series under /processing/ophys."""
    with h5py.File(path, "a") as file:
        file.attrs["nwb_version"] = "2.7.0"
        ophys = file.require_group("processing/ophys")
        if "ImageSegmentation" not in ophys:
            plane = ophys.create_group("ImageSegmentation/PlaneSegmentation")
            plane.create_dataset("id", data=IDS)
        series = ophys.create_group(f"{home}/{name}")
        series.create_dataset("data", data=values)
        rois = series.create_dataset("rois", data=np.array(rows))
        rois.attrs["table"] = ophys["ImageSegmentation/PlaneSegmentation"].ref
        if stamps is None:
            start = series.create_dataset("starting_time", data=1.5)
            start.attrs["rate"] = 10.0
        else:
            series.create_dataset("timestamps", data=stamps)
    return path


def read(path):
    return read_nwb(path, load=("traces",)).traces


@pytest.mark.parametrize("stamps", [None, np.arange(7) * 0.1])
@pytest.mark.parametrize("transposed", [False, True])
def test_frames_come_first_and_columns_are_roi_ids(tmp_path, transposed, stamps):
    values = np.random.default_rng(0).normal(0, 1, (7, 3)).astype(np.float32)
    given = values.T if transposed else values
    traces = read(write(tmp_path / "a.nwb", given, stamps=stamps))
    assert list(traces) == ["RoiResponseSeries"]
    assert traces.imaging == {"RoiResponseSeries": "/processing/ophys/DfOverF/RoiResponseSeries"}
    got = traces["RoiResponseSeries"]
    np.testing.assert_array_equal(got.values, values)
    assert got.columns.tolist() == [10, 12, 14]
    assert got.rate == (10.0 if stamps is None else None)
    assert got.t_start == (1.5 if stamps is None else 0.0)


def test_series_of_one_name_are_called_by_their_path(tmp_path):
    values = np.arange(12.0).reshape(4, 3)
    path = write(tmp_path / "a.nwb", values)
    write(path, values + 1, home="Fluorescence")
    traces = read(path)
    assert set(traces) == {
        "ophys/DfOverF/RoiResponseSeries", "ophys/Fluorescence/RoiResponseSeries",
    }  # fmt: skip
    np.testing.assert_array_equal(traces["ophys/Fluorescence/RoiResponseSeries"].values, values + 1)


def test_as_many_frames_as_rois_stay_as_the_standard_says(tmp_path):
    values = np.arange(9.0).reshape(3, 3)
    traces = read(write(tmp_path / "a.nwb", values))
    assert list(traces) == ["RoiResponseSeries"]
    np.testing.assert_array_equal(traces["RoiResponseSeries"].values, values)


def test_one_roi_may_be_a_vector(tmp_path):
    traces = read(write(tmp_path / "a.nwb", np.arange(5.0), rows=[3]))
    assert traces["RoiResponseSeries"].values.shape == (5, 1)
    assert traces["RoiResponseSeries"].columns.tolist() == [13]


@pytest.mark.parametrize(
    ("rows", "message"),
    [((0, 1), r"has 2 rois, but data of shape \(7, 3\)"), ((0, 1, 9), "row 9 of a table with 5")],
)
def test_rois_that_do_not_fit_are_refused(tmp_path, rows, message):
    traces = read(write(tmp_path / "a.nwb", np.zeros((7, 3)), rows=rows))
    with pytest.raises(SeriesError, match=message):
        traces["RoiResponseSeries"]


def test_without_a_table_columns_are_the_rows(tmp_path):
    path = write(tmp_path / "a.nwb", np.zeros((7, 3)))
    with h5py.File(path, "a") as file:
        del file["processing/ophys/DfOverF/RoiResponseSeries/rois"].attrs["table"]
    assert read(path)["RoiResponseSeries"].columns.tolist() == [0, 2, 4]
