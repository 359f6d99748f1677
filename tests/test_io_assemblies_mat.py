"""Files of the MATLAB assembly toolbox, as scipy and h5py write them."""

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

import cofire as cf
from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingNotFoundError,
)
from cofire.io import read_assemblies_mat

ASSEMBLIES = ([0, 2, 5], [1], [3, 4])
SHOWN = ([0, 1], [2], [3])


def cells(lists, column=True, nest=0):
    """A cell array of index lists, counted from 1."""
    out = np.empty((len(lists), 1) if column else (1, len(lists)), dtype=object)
    for k, units in enumerate(lists):
        item = np.asarray(units, dtype=np.uint16)[None, :] + 1
        for _ in range(nest):
            inner = np.empty((1, 1), dtype=object)
            inner[0, 0] = item
            item = inner
        out[(k, 0) if column else (0, k)] = item
    return out


def write(folder, name="fish", n_frames=40, n_units=6, **changes):
    rng = np.random.default_rng(0)
    dff = rng.normal(0, 1, (n_frames, n_units))
    raster = (dff > 0.8).astype(np.uint8)
    peaks = np.array([3, 8, 20, 33])
    positions = np.empty((n_units, 1), dtype=object)
    for i in range(n_units):
        positions[i, 0] = np.array([[i, 2.0 * i]])
    patterns = np.empty((len(peaks), 1), dtype=object)
    for i, frame in enumerate(peaks):
        patterns[i, 0] = raster[frame][None, :]
    parts = {
        "calcium_fluorescence": {"F": dff + 5, "F0": dff * 0 + 5, "dF_F": dff},
        "topology": positions,
        "parameter": {"units": n_units, "dT_step": 0.5, "time_steps": n_frames},
        "activity_raster": raster,
        "activity_raster_peak_threshold": 3.0,
        "activity_raster_peaks": peaks[:, None] + 1,
        "assemblies": cells(ASSEMBLIES),
        "assembly_pattern_detection": {
            "activityPatterns": patterns,
            "assemblyIActivityPatterns": cells(SHOWN),
        },
    } | changes
    folder.mkdir(exist_ok=True)
    for suffix, keys in (
        ("CALCIUM-FLUORESCENCE", ("calcium_fluorescence", "topology", "parameter")),
        ("ACTIVITY-RASTER", ("activity_raster", "activity_raster_peak_threshold",
                             "activity_raster_peaks")),
        ("SGC-ASSEMBLIES", ("assemblies", "assembly_pattern_detection")),
    ):  # fmt: skip
        content = {key: parts[key] for key in keys if parts[key] is not None}
        scipy.io.savemat(folder / f"{name}_{suffix}.mat", content)
    return dff, raster, peaks


def test_every_part_is_read_and_counts_from_zero(tmp_path):
    dff, raster, peaks = write(tmp_path)
    found = read_assemblies_mat(tmp_path)
    assert [units.tolist() for units in found.assemblies] == [list(a) for a in ASSEMBLIES]
    assert [i.tolist() for i in found.assembly_patterns] == [list(s) for s in SHOWN]
    np.testing.assert_array_equal(found.dff.values, dff)
    assert found.dff.rate == 2.0
    np.testing.assert_array_equal(found.f, dff + 5)
    np.testing.assert_array_equal(found.raster, raster)
    assert found.raster.dtype == bool
    np.testing.assert_array_equal(found.peaks, peaks)
    np.testing.assert_array_equal(found.patterns, raster[peaks])
    np.testing.assert_array_equal(found.positions, [[i, 2 * i] for i in range(6)])
    assert found.threshold == 3.0
    assert found.parameters["time_steps"] == 40
    assert (found.name, found.n_units, len(found.paths)) == ("fish", 6, 3)
    assert repr(found) == "MatAssemblies(fish: 6 units; assemblies: sgc 3)"
    assert found.to_frame()["n_units"].tolist() == [3, 1, 2]


def test_any_of_the_files_leads_to_its_companions(tmp_path):
    write(tmp_path, "fish")
    write(tmp_path, "frog")
    found = read_assemblies_mat(tmp_path / "frog_ACTIVITY-RASTER.mat")
    assert found.name == "frog"
    assert len(found.assemblies) == 3
    with pytest.raises(InvalidArgumentError, match=r"name= one of \['fish', 'frog'\]"):
        read_assemblies_mat(tmp_path)
    assert read_assemblies_mat(tmp_path, name="fish").name == "fish"
    with pytest.raises(MissingDataError, match="no recording 'newt'"):
        read_assemblies_mat(tmp_path, name="newt")


@pytest.mark.parametrize("nest", [0, 1, 2])
@pytest.mark.parametrize("column", [True, False])
def test_cells_in_cells_rows_and_columns_are_the_same(tmp_path, nest, column):
    write(tmp_path, assemblies=cells(ASSEMBLIES, column, nest))
    found = read_assemblies_mat(tmp_path)
    assert [units.tolist() for units in found.assemblies] == [list(a) for a in ASSEMBLIES]


def test_one_assembly_and_none(tmp_path):
    write(tmp_path, assemblies=cells([[2, 0]]))
    assert [a.tolist() for a in read_assemblies_mat(tmp_path).assemblies] == [[0, 2]]
    write(tmp_path, assemblies=np.array([[1, 3]]))
    assert [a.tolist() for a in read_assemblies_mat(tmp_path).assemblies] == [[0, 2]]
    write(tmp_path, assemblies=np.empty((0, 0), dtype=object))
    assert read_assemblies_mat(tmp_path).assemblies == ()


def test_sparse_rasters_masks_of_peaks_and_missing_files(tmp_path):
    _, raster, peaks = write(tmp_path)
    mask = np.zeros((40, 1), dtype=np.uint8)
    mask[peaks] = 1
    write(tmp_path, activity_raster=scipy.sparse.csc_matrix(raster.astype(float)),
          activity_raster_peaks=mask, assembly_pattern_detection=None)  # fmt: skip
    found = read_assemblies_mat(tmp_path)
    np.testing.assert_array_equal(found.raster, raster)
    np.testing.assert_array_equal(found.peaks, peaks)
    np.testing.assert_array_equal(found.patterns, raster[peaks])
    assert found.assembly_patterns == ()
    (tmp_path / "fish_CALCIUM-FLUORESCENCE.mat").unlink()
    (tmp_path / "fish_SGC-ASSEMBLIES.mat").unlink()
    found = read_assemblies_mat(tmp_path)
    assert found.dff is None
    assert found.positions is None
    assert found.assemblies == ()
    assert found.n_units == 6


def test_assemblies_of_the_other_detectors_are_read(tmp_path):
    write(tmp_path)
    scipy.io.savemat(
        tmp_path / "fish_ICA-ASSEMBLIES.mat",
        {"cs_assemblies": cells([[1, 2]]), "mp_assemblies": cells([])},
    )
    scipy.io.savemat(
        tmp_path / "fish_PROMAX-CS-ASSEMBLIES.mat",
        {"assembliesCells": cells([[0], [4, 5]], column=False)},
    )
    found = read_assemblies_mat(tmp_path)
    assert [a.tolist() for a in found.detectors["ica-cs"]] == [[1, 2]]
    assert found.detectors["ica-mp"] == ()
    assert [a.tolist() for a in found.detectors["promax-cs"]] == [[0], [4, 5]]
    assert "core" not in found.detectors


def test_the_hdf5_kind_of_mat_files_is_read(tmp_path):
    path = tmp_path / "fish_SGC-ASSEMBLIES.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_dataset("assemblies", (1, 2), dtype=h5py.ref_dtype)
        refs.attrs["MATLAB_class"] = np.bytes_("cell")
        for k, units in enumerate(([1, 3], [2, 4, 6])):
            item = file.create_dataset(f"#refs#/{k}", data=np.array(units, float)[:, None])
            item.attrs["MATLAB_class"] = np.bytes_("double")
            refs[0, k] = item.ref
    found = read_assemblies_mat(path)
    assert [a.tolist() for a in found.assemblies] == [[0, 2], [1, 3, 5]]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"assemblies": cells([[0, 6]])}, FileFormatError, "units 1 to 7; they count from 1 to 6"),
        ({"assemblies": np.array([[0, 2]])}, FileFormatError, "units 0 to 2; they count from 1"),
        ({"assemblies": np.array([[1.5]])}, FileFormatError, "whole numbers"),
        ({"assemblies": None}, MissingDataError, "no variable 'assemblies'"),
        ({"activity_raster": np.zeros((39, 6))}, FileFormatError, r"shape \(39, 6\), but dF_F"),
        ({"activity_raster": np.full((40, 6), 2)}, FileFormatError, "must hold 0 and 1"),
        ({"activity_raster_peaks": [[41]]}, FileFormatError, "frames 41 to 41"),
        ({"calcium_fluorescence": {"F": 1.0}}, MissingDataError, "no calcium_fluorescence.dF_F"),
        ({"parameter": {"units": 6}}, MissingDataError, "no parameter.dT_step; pass rate"),
        ({"parameter": {"units": 7, "dT_step": 1}}, FileFormatError, "units is 7, but dF_F has 6"),
        ({"topology": np.zeros((5, 2))}, FileFormatError, "5 positions for 6 units"),
    ],
)  # fmt: skip
def test_files_that_contradict_each_other_are_refused(tmp_path, changes, error, message):
    write(tmp_path, **changes)
    with pytest.raises(error, match=message):
        read_assemblies_mat(tmp_path)


def test_a_rate_can_be_given(tmp_path):
    write(tmp_path, parameter=None)
    assert read_assemblies_mat(tmp_path, rate=6.0).dff.rate == 6.0


def test_paths_that_lead_nowhere_say_so(tmp_path):
    with pytest.raises(RecordingNotFoundError, match="no such file or folder"):
        read_assemblies_mat(tmp_path / "nothing")
    with pytest.raises(MissingDataError, match="no file that ends with"):
        read_assemblies_mat(tmp_path)
    (tmp_path / "x.mat").write_bytes(b"1")
    with pytest.raises(FileFormatError, match="no file of the assembly toolbox"):
        read_assemblies_mat(tmp_path / "x.mat")
    (tmp_path / "x_SGC-ASSEMBLIES.mat").write_bytes(b"nonsense" * 100)
    with pytest.raises(FileFormatError, match="not a readable MATLAB file"):
        read_assemblies_mat(tmp_path)


def test_what_was_read_can_be_stored(tmp_path):
    write(tmp_path)
    found = read_assemblies_mat(tmp_path)
    cf.save(found, tmp_path / "stored")
    again = cf.load(tmp_path / "stored")
    np.testing.assert_array_equal(again.raster, found.raster)
    assert [a.tolist() for a in again.assemblies] == [a.tolist() for a in found.assemblies]
