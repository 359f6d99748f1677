"""CellExplorer folders of both MATLAB kinds."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat, savemat

import cofire as cf
from cofire.datasets import make_assembly_recording
from cofire.errors import (
    DataWarning,
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingNotFoundError,
    SpikeTimeError,
    TooLargeError,
)
from cofire.io import read_cellexplorer, read_session, write_cellexplorer


@pytest.fixture(scope="module")
def made():
    return make_assembly_recording(20, 40.0, n_assemblies=2, n_cross=1, ripple_rate=2.0, rng=1)


@pytest.fixture
def folder(made, tmp_path):
    path = tmp_path / "rat1" / "day1"
    write_cellexplorer(made.session, path)
    return path


def change(folder, kind, variable, edit):
    """Rewrite one file after `edit` changed the struct."""
    path = folder / f"{folder.name}.{kind}.mat"
    value = loadmat(path, simplify_cells=True)[variable]
    edit(value)
    savemat(path, {variable: value}, long_field_names=True)


def test_a_session_survives_writing_and_reading(made, folder):
    session = read_session(folder)
    truth = made.session
    assert np.array_equal(session.spikes.times, truth.spikes.times)
    assert np.array_equal(session.spikes.offsets, truth.spikes.offsets)
    assert np.array_equal(session.spikes.unit_ids, truth.spikes.unit_ids)
    assert session.spikes.support == truth.spikes.support
    for column in ("region", "cell_type", "putative_cell_type"):
        assert session.units[column].tolist() == truth.units[column].tolist()
    assert session.units["brainRegion"].tolist() == truth.units["region"].tolist()
    for column in ("name", "start", "stop", "environment", "behavioralParadigm"):
        assert session.epochs[column].tolist() == truth.epochs[column].tolist()
    assert set(session.states) == set(truth.states)
    for name, state in truth.states.items():
        assert np.array_equal(session.states[name].data, state.data)
    assert np.array_equal(session.events["ripples"].data, truth.events["ripples"].data)
    assert session.meta["fs"] == 30_000.0


def test_units_are_chosen_by_type_and_region(made, folder):
    regions = made.session.units["region"].to_numpy()
    types = made.session.units["cell_type"].to_numpy()
    some = read_cellexplorer(folder, cell_type="Pyr", region=["CA1", "nowhere"])
    expected = made.session.spikes.unit_ids[(regions == "CA1") & (types == "Pyramidal Cell")]
    assert np.array_equal(some.spikes.unit_ids, expected)
    assert read_cellexplorer(folder, region="CA1|PFC").spikes.n_units == 20
    assert read_cellexplorer(folder, region="nowhere").spikes.n_units == 0
    with pytest.raises(InvalidArgumentError, match="regular expression"):
        read_cellexplorer(folder, region="(")


def test_bad_units_are_left_out_unless_wanted(folder):
    change(folder, "cell_metrics.cellinfo", "cell_metrics", lambda m: m["tags"].update(Bad=[2, 5]))
    ids = read_cellexplorer(folder).spikes.unit_ids
    assert 2 not in ids
    assert 5 not in ids
    assert read_cellexplorer(folder, remove_bad_units=False).spikes.n_units == 20


def test_flagged_ripples_go_and_added_ones_come(made, folder):
    ripples = made.session.events["ripples"]

    def edit(r):
        r.update(flagged=np.array([1, 3]), added=np.array([7.5]))

    change(folder, "ripples.events", "ripples", edit)
    found = read_cellexplorer(folder).events["ripples"]
    kept = np.delete(ripples.data, [0, 2], axis=0)
    assert len(found) == len(kept) + 1
    added = found.data[np.isclose(found.metadata["peaks"], 7.5)]
    length = (kept[:, 1] - kept[:, 0]).mean()
    np.testing.assert_allclose(added, [[7.5 - length / 2, 7.5 + length / 2]])


def test_a_single_interval_and_no_interval_are_read(folder):
    def edit(s):
        s["ints"] = {"REMstate": np.array([3.0, 5.0]), "NREMstate": np.zeros((0, 2))}

    change(folder, "SleepState.states", "SleepState", edit)
    states = read_cellexplorer(folder).states
    assert states["REM"].data.tolist() == [[3.0, 5.0]]
    assert len(states["NREM"]) == 0


def test_one_epoch_and_missing_fields_are_read(folder):
    def edit(s):
        s["epochs"] = {"startTime": 0.0, "stopTime": 30.0, "environment": ""}

    change(folder, "session", "session", edit)
    session = read_cellexplorer(folder)
    assert session.epochs["stop"].tolist() == [30.0]
    assert session.epochs["name"].tolist() == ["0"]
    assert pd.isna(session.epochs["environment"].iloc[0])
    assert session.spikes.support.data.tolist() == [[0.0, 30.0]]
    assert session.spikes.times.max() < 30.0


def test_a_lone_unit_keeps_its_train(tmp_path):
    one = cf.Session(cf.SpikeTrains.from_list([[0.5, 1.5, 2.0]], unit_ids=[4], support=[[0, 3]]))
    write_cellexplorer(one, tmp_path / "s")
    session = read_cellexplorer(tmp_path / "s")
    assert session.spikes.unit_ids.tolist() == [4]
    assert session.spikes[0].tolist() == [0.5, 1.5, 2.0]


def test_spikes_cellinfo_is_the_fallback(made, folder):
    (folder / "day1.cell_metrics.cellinfo.mat").unlink()
    session = read_cellexplorer(folder)
    assert np.array_equal(session.spikes.times, made.session.spikes.times)
    assert session.units["shankID"].tolist() == [1.0] * 20
    with pytest.raises(MissingDataError, match="region"):
        read_cellexplorer(folder, region="CA1")


def test_missing_files_leave_their_part_empty(folder):
    for path in folder.glob("*.mat"):
        if "session.mat" not in path.name:
            path.unlink()
    with pytest.warns(DataWarning, match="no spikes"):
        session = read_cellexplorer(folder)
    assert session.spikes.n_units == 0
    assert not session.states
    assert not session.events
    assert len(session.epochs) == 3


def test_damaged_and_missing_folders_are_named(folder, tmp_path):
    with pytest.raises(RecordingNotFoundError, match="no such folder"):
        read_cellexplorer(tmp_path / "absent")
    with pytest.raises(TooLargeError, match="max_bytes"):
        read_cellexplorer(folder, max_bytes=10)
    path = folder / "day1.session.mat"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FileFormatError, match=r"session\.mat"):
        read_cellexplorer(folder)
    path.write_bytes(b"no matlab")
    with pytest.raises(FileFormatError, match=r"session\.mat"):
        read_cellexplorer(folder)
    savemat(path, {"other": 1.0})
    with pytest.raises(MissingDataError, match="it holds: other"):
        read_cellexplorer(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match="no CellExplorer files"):
        read_cellexplorer(tmp_path / "empty")
    with pytest.raises(FileFormatError, match="neither"):
        read_session(tmp_path / "empty")


def test_writing_refuses_to_replace_a_session(made, folder):
    with pytest.raises(InvalidArgumentError, match="overwrite"):
        write_cellexplorer(made.session, folder)
    write_cellexplorer(made.session, folder, overwrite=True)


# --- MATLAB v7.3 ---


def write_v73(path, variable, value):
    """Write nested dicts, lists (cells), text and arrays as MATLAB v7.3 does."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_group("#refs#")
        _put(file, file, variable, value)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _put(file, parent, name, value):
    if isinstance(value, dict):
        group = parent.create_group(name)
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        for key, item in value.items():
            _put(file, group, key, item)
        return
    if isinstance(value, list):
        refs = np.empty((len(value), 1), dtype=h5py.ref_dtype)
        for i, item in enumerate(value):
            label = f"r{len(file['#refs#'])}"
            _put(file, file["#refs#"], label, item)
            refs[i, 0] = file["#refs#"][label].ref
        data = parent.create_dataset(name, data=refs, dtype=h5py.ref_dtype)
        data.attrs["MATLAB_class"] = np.bytes_("cell")
        return
    if isinstance(value, str):
        codes = np.array([[ord(c)] for c in value], dtype=np.uint16)
        data = parent.create_dataset(name, data=codes)
        data.attrs["MATLAB_class"] = np.bytes_("char")
        return
    data = parent.create_dataset(name, data=np.atleast_2d(np.asarray(value, float)).T)
    data.attrs["MATLAB_class"] = np.bytes_("double")


def test_version_73_files_hold_the_same(made, folder):
    spikes = made.session.spikes
    write_v73(
        folder / "day1.cell_metrics.cellinfo.mat",
        "cell_metrics",
        {
            "UID": spikes.unit_ids[None, :],
            "brainRegion": made.session.units["region"].tolist(),
            "putativeCellType": made.session.units["cell_type"].tolist(),
            "firingRate": spikes.rates()[None, :],
            "spikes": {"times": [t[:, None] for t in spikes]},
            "tags": {"Bad": np.array([[3.0]])},
        },
    )
    epochs = [
        {"name": name, "startTime": 40.0 * i, "stopTime": 40.0 * (i + 1), "environment": "box"}
        for i, name in enumerate(["pre", "task", "post"])
    ]
    write_v73(
        folder / "day1.session.mat",
        "session",
        {"epochs": epochs, "extracellular": {"sr": 20_000.0}},
    )
    ripples = made.session.events["ripples"].data
    write_v73(folder / "day1.ripples.events.mat", "ripples", {"timestamps": ripples})
    session = read_cellexplorer(folder)
    keep = spikes.unit_ids != 3
    assert np.array_equal(session.spikes.times, spikes.select(keep).times)
    assert session.units["region"].tolist() == made.session.units["region"][keep].tolist()
    assert session.epochs["name"].tolist() == ["pre", "task", "post"]
    assert session.epochs["environment"].tolist() == ["box"] * 3
    assert session.meta["fs"] == 20_000.0
    assert np.array_equal(session.events["ripples"].data, ripples)


def test_version_73_agrees_with_pymatreader(folder, made):
    pymatreader = pytest.importorskip("pymatreader")
    path = folder / "day1.ripples.events.mat"
    ripples = made.session.events["ripples"].data
    write_v73(path, "ripples", {"timestamps": ripples, "detectorinfo": {"detectorname": "x"}})
    other = pymatreader.read_mat(str(path))["ripples"]
    assert np.array_equal(np.asarray(other["timestamps"]), ripples)
    assert other["detectorinfo"]["detectorname"] == "x"


def test_units_without_a_label_match_no_pattern(folder):
    def unlabel(metrics):
        metrics["brainRegion"] = np.array([np.zeros(0), *metrics["brainRegion"][1:]], dtype=object)

    change(folder, "cell_metrics.cellinfo", "cell_metrics", unlabel)
    everything = read_cellexplorer(folder).spikes
    assert pd.isna(everything.metadata["region"].iloc[0])
    # "n" is a letter of "nan".
    assert read_cellexplorer(folder, region="n").spikes.n_units == 0
    assert read_cellexplorer(folder, region=".").spikes.n_units == everything.n_units - 1


def test_an_absent_basename_lists_what_is_there(folder):
    with pytest.raises(
        MissingDataError, match=r"no CellExplorer files day2\.\*\.mat; .*day1\.session\.mat"
    ):
        read_cellexplorer(folder, basename="day2")


@pytest.mark.parametrize(
    ("kind", "variable", "field", "value", "message"),
    [
        ("cell_metrics.cellinfo", "cell_metrics", "UID", "x", "UID must hold numbers"),
        ("cell_metrics.cellinfo", "cell_metrics", "UID", np.arange(20) + 0.5, "not whole numbers"),
        ("ripples.events", "ripples", "timestamps", "abc", "ripples.timestamps must hold numbers"),
        ("SleepState.states", "SleepState", "ints", {"REMstate": "x"}, "ints.REMstate must hold"),
        (
            "session",
            "session",
            "epochs",
            {"name": "pre", "startTime": 5.0, "stopTime": 1.0},
            r"\['pre'\] stop before they start",
        ),
    ],
)
def test_fields_of_the_wrong_kind_are_named(folder, kind, variable, field, value, message):
    change(folder, kind, variable, lambda found: found.__setitem__(field, value))
    with pytest.raises(FileFormatError, match=message):
        read_cellexplorer(folder)


def test_errors_about_spikes_name_the_folder(folder):
    def swap(metrics):
        train = metrics["spikes"]["times"][0]
        train[:2] = train[1::-1].copy()

    change(folder, "cell_metrics.cellinfo", "cell_metrics", swap)
    with pytest.raises(SpikeTimeError, match="day1: spike times must be sorted: unit 1"):
        read_cellexplorer(folder)
