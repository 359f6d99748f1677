"""The larval connectome as published, unpacked and prepared; the olfactory pathway in it."""

from __future__ import annotations

import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire.errors import (
    DuplicateIdError,
    FileFormatError,
    InvalidArgumentError,
    JoinError,
    MissingDataError,
    RecordingError,
    RecordingNotFoundError,
)
from cofire.io import larval_olfactory_matrices, read_winding2023
from cofire.io.larval_olfaction import excitatory_local_neurons

TYPES = ("aa", "ad", "da", "dd")
# edges, contacts, largest count, self-edges; README of the data set
PUBLISHED = {
    "aa": (40636, 90800, 65, 463),
    "ad": (63545, 234958, 121, 27),
    "da": (3722, 6438, 22, 5),
    "dd": (9019, 20415, 108, 71),
    "all": (110677, 352611, 121, 537),
}
IDS = np.array([29, 37365, 8000001, 8000002, 8000003])

# --- a small archive in the published form --------------------------------------------------------


def small_counts() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {name: rng.integers(0, 3, (5, 5)) for name in TYPES}


def matrix_text(counts: np.ndarray, order: np.ndarray) -> str:
    frame = pd.DataFrame(counts[np.ix_(order, order)], IDS[order], IDS[order])
    # Published columns are integers or floats, as it happened.
    return frame.astype(dict.fromkeys(frame.columns[1:], float)).to_csv()


def small_files() -> dict[str, str]:
    """Name -> text; every matrix in an order of its own."""
    counts = small_counts()
    counts["all-all"] = sum(counts.values())
    files = {}
    for k, (name, values) in enumerate(counts.items()):
        order = np.random.default_rng(k).permutation(5)
        files[f"{name}_connectivity_matrix.csv"] = matrix_text(values, order)
    files["annotations.csv"] = (
        "left_id,right_id,celltype,additional_annotations,level_7_cluster\r\n"
        "8000003,29,sensory,olfactory,0\r\n"
        "37365,no pair,PN,olfactory 2nd_order PN; x,1\r\n"
        "no pair,8000001,KC,KC,2\r\n"
        "9,no pair,LN,LN,2\r\n"
    )
    files["inputs.csv"] = ",axon_input,dendrite_input\n29,10.0,4.0\n37365,1.0,0.0\n9,1.0,1.0\n"
    files["outputs.csv"] = ",axon_output,dendrite_output\n29,7.0,4.0\n37365,1.0,0.0\n"
    return files


def pack(files: dict[str, str], path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"Supplementary-Data-S1/{name}", text)
            archive.writestr(f"__MACOSX/Supplementary-Data-S1/._{name}", b"\0\5\26\7")


@pytest.fixture
def archive(tmp_path):
    """Write the small archive with some files changed or (None) left out; gives its path."""

    def make(**changes):
        files = small_files()
        for name, text in changes.items():
            name = name.replace("all_all", "all-all").replace("__", ".")
            name = name if "." in name else f"{name}_connectivity_matrix.csv"
            assert name in files
            files[name] = text
        path = tmp_path / "S1.zip"
        pack({name: text for name, text in files.items() if text is not None}, path)
        return path

    return make


def test_each_matrix_is_aligned_by_id(archive):
    made = read_winding2023(archive())
    assert made.ids.tolist() == IDS.tolist()
    assert made.ids.dtype == np.int64
    assert made.types == TYPES
    for name, counts in small_counts().items():
        np.testing.assert_array_equal(made.of_type(name).count.toarray(), counts)


def test_annotations_go_with_their_neurons(archive):
    made = read_winding2023(archive())
    cells = made.cells
    assert cells.loc[29, "side"] == "right"
    assert cells.loc[29, "pair_id"] == 8000003
    assert cells.loc[37365, "pair_id"] is pd.NA
    assert cells.loc[8000001, "annotation_row"] == 2
    assert cells["population"].dropna().to_dict() == {
        29: "ORN", 37365: "PN", 8000001: "KC", 8000003: "ORN",
    }  # fmt: skip
    assert cells.loc[29, ["axon_input", "dendrite_output"]].tolist() == [10, 4]
    assert pd.isna(cells.loc[8000002, "celltype"])
    assert made.dropped == {"annotated_cells": 1}


def test_zip_and_folders_hold_the_same(archive, tmp_path):
    path = archive()
    expected = read_winding2023(path)
    with zipfile.ZipFile(path) as file:
        file.extractall(tmp_path / "unpacked")
    for folder in (tmp_path / "unpacked", tmp_path / "unpacked" / "Supplementary-Data-S1"):
        found = read_winding2023(folder)
        np.testing.assert_array_equal(found.count.toarray(), expected.count.toarray())
        pd.testing.assert_frame_equal(found.cells, expected.cells)
    (tmp_path / "home").mkdir()
    shutil.copy(path, tmp_path / "home" / "Supplementary-Data-S1.zip")
    assert repr(read_winding2023(tmp_path / "home")) == repr(expected)


def test_totals_and_the_matrix_of_all_types_may_be_absent(archive):
    made = read_winding2023(archive(all_all=None, inputs__csv=None, outputs__csv=None))
    assert made.n_synapses == sum(counts.sum() for counts in small_counts().values())
    assert "axon_input" not in made.cells.columns


def test_a_stored_connectome_keeps_its_annotations(archive, tmp_path):
    made = read_winding2023(archive())
    cf.save(made, tmp_path / "larva")
    found = cf.load(tmp_path / "larva")
    pd.testing.assert_frame_equal(found.cells, made.cells)
    assert found.types == made.types


# --- damaged archives -----------------------------------------------------------------------------


def edited(name: str, edit) -> str:
    text = small_files()[f"{name}_connectivity_matrix.csv"]
    changed = edit(text.splitlines())
    return "\n".join(changed) + "\n"


def value(row: int, column: int, text: str):
    def edit(lines):
        fields = lines[row + 1].split(",")
        fields[column + 1] = text
        return [*lines[: row + 1], ",".join(fields), *lines[row + 2 :]]

    return edit


def replaced(old: str, new: str):
    return lambda lines: [line.replace(old, new) for line in lines]


NO_HEADER = small_files()["annotations.csv"].replace("celltype", "cell_type")
TWICE = small_files()["annotations.csv"].replace("37365", "29")
NO_ID = small_files()["annotations.csv"].replace("37365", "3736x")

DAMAGES = {
    "missing matrix": ({"da": None}, MissingDataError, "no da_conn.*it holds: aa_conn"),
    "missing annotations": ({"annotations__csv": None}, MissingDataError, "no annotations.csv"),
    "fraction": (
        {"ad": edited("ad", value(1, 2, "1.5"))}, FileFormatError, "ad_conn.*pre .*holds 1.5",
    ),
    "negative": ({"ad": edited("ad", value(1, 2, "-1"))}, FileFormatError, "ad_conn.*holds -1"),
    "nan": ({"ad": edited("ad", value(1, 2, "nan"))}, FileFormatError, "ad_conn.*holds nan"),
    "empty": ({"ad": edited("ad", value(1, 2, ""))}, FileFormatError, "ad_conn.*row 1"),
    "text": ({"ad": edited("ad", value(1, 2, "many"))}, FileFormatError, "ad_conn.*'many'"),
    "no text": ({"ad": ""}, FileFormatError, "ad_conn.*first line.*nothing"),
    "rows cut": ({"ad": edited("ad", lambda lines: lines[:-1])}, FileFormatError, "4 rows and 5"),
    "row cut": (
        {"ad": edited("ad", lambda lines: [*lines[:-1], lines[-1][:-6]])},
        FileFormatError, "ad_conn.*columns changed",
    ),
    "other order": (
        {"ad": edited("ad", lambda lines: [lines[0], *lines[:0:-1]])},
        FileFormatError, "ad_conn.*same order",
    ),
    "another neuron": (
        {"dd": edited("dd", replaced("8000002", "8000009"))},
        JoinError, r"dd_conn.*lacks \[8000002\] and has \[8000009\]",
    ),
    "neuron twice": (
        {"dd": edited("dd", replaced("8000002", "8000003"))},
        DuplicateIdError, r"dd_conn.*repeated: \[8000003\]",
    ),
    "float ids": (
        {"dd": edited("dd", replaced("8000002", "8000002.0"))}, FileFormatError, "'8000002.0'",
    ),
    "wrong sum": (
        {"all_all": edited("all-all", value(0, 0, "99"))},
        FileFormatError, r"all-all.*is not the sum.*holds 99, they \d+ \(1 such",
    ),
    "wrong columns": (
        {"annotations__csv": NO_HEADER}, MissingDataError, "no column celltype; columns: left_id",
    ),
    "annotated twice": (
        {"annotations__csv": TWICE}, DuplicateIdError, r"\[29\] twice \(rows \[0, 1\]\)",
    ),
    "odd annotation": (
        {"annotations__csv": NO_ID}, FileFormatError, "annotations.csv: row 1 holds '3736x'",
    ),
    "empty annotations": ({"annotations__csv": ""}, FileFormatError, "annotations.csv"),
    "odd inputs": (
        {"inputs__csv": ",axon_input,dendrite_input\n29,1.5,2\n"}, FileFormatError, "whole numbers",
    ),
    "inputs twice": (
        {"inputs__csv": ",axon_input,dendrite_input\n29,1,2\n29,1,2\n"},
        DuplicateIdError, r"inputs.csv names neurons \[29\]",
    ),
    "inputs of another kind": (
        {"outputs__csv": ",axon,dendrite\n29,1,2\n"}, MissingDataError, "axon_output",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_tables_are_refused(archive, kind):
    changes, error, message = DAMAGES[kind]
    path = archive(**changes)
    with pytest.raises(error, match=f"(?s)S1.zip.*{message}") as caught:
        read_winding2023(path)
    assert type(caught.value) is error
    assert isinstance(caught.value, RecordingError)


@pytest.mark.parametrize("kept", [0, 10, 0.5, -30])
def test_a_truncated_zip_is_refused(archive, kept):
    path = archive()
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept) if 0 < kept < 1 else kept])
    with pytest.raises(FileFormatError, match=r"S1\.zip is no complete zip archive.*download"):
        read_winding2023(path)


def test_damage_inside_a_zip_is_noticed(archive):
    path = archive()
    with zipfile.ZipFile(path) as file:
        offset = file.getinfo("Supplementary-Data-S1/ad_connectivity_matrix.csv").header_offset
    data = bytearray(path.read_bytes())
    data[offset + 120] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=r"ad_connectivity_matrix\.csv cannot be read"):
        read_winding2023(path)


def test_a_file_twice_is_refused(archive):
    path = archive()
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("other/annotations.csv", "x")
    with pytest.raises(FileFormatError, match=r"annotations\.csv twice"):
        read_winding2023(path)


def test_other_places_are_explained(tmp_path):
    with pytest.raises(RecordingNotFoundError, match=r"no such file.*10\.1126"):
        read_winding2023(tmp_path / "S1.zip")
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(MissingDataError, match=r"winding2023_s1\.npz or .*it holds: note\.txt"):
        read_winding2023(tmp_path)


# --- the prepared form ----------------------------------------------------------------------------


@pytest.fixture
def prepared(tmp_path):
    def make(**changes):
        arrays = {"skeleton_id": IDS}
        for name, counts in small_counts().items():
            pre, post = np.nonzero(counts)
            arrays[f"{name}_pre"] = pre.astype(np.int16)
            arrays[f"{name}_post"] = post.astype(np.int16)
            arrays[f"{name}_count"] = counts[pre, post].astype(np.uint8)
        arrays |= changes
        np.savez(tmp_path / "s1.npz", **{k: v for k, v in arrays.items() if v is not None})
        (tmp_path / "annotations.csv").write_text(small_files()["annotations.csv"])
        return tmp_path / "s1.npz"

    return make


def test_the_prepared_form_holds_the_same(archive, prepared):
    made, expected = read_winding2023(prepared()), read_winding2023(archive())
    for name in TYPES:
        np.testing.assert_array_equal(
            made.of_type(name).count.toarray(), expected.of_type(name).count.toarray()
        )
    assert made.cells["population"].tolist() == expected.cells["population"].tolist()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"ad_post": None}, MissingDataError, "no ad_post; it holds: skeleton_id"),
        ({"ad_post": np.full(3, 9, np.int16)}, JoinError, "must lie in 0..4"),
        ({"ad_post": np.zeros(3, np.int16)}, FileFormatError, "ad is no list of edges"),
        ({"ad_count": np.array([{}], dtype=object)}, FileFormatError, "no readable npz"),
    ],
)
def test_a_damaged_npz_is_refused(prepared, changes, error, message):
    with pytest.raises(error, match=rf"s1\.npz.*{message}"):
        read_winding2023(prepared(**changes))


def test_a_truncated_npz_is_refused(prepared):
    path = prepared()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileFormatError, match=r"s1\.npz is no readable npz"):
        read_winding2023(path)


# --- the published data ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(shared):
    return read_winding2023(shared / "data" / "winding2023" / "Supplementary-Data-S1.zip")


def test_published_counts(published):
    for name, expected in PUBLISHED.items():
        count = (published if name == "all" else published.of_type(name)).count
        own = np.count_nonzero(count.diagonal())
        assert (count.nnz, count.sum(), count.data.max(), own) == expected
    assert published.shape == (2952, 2952)
    assert published.dropped == {"annotated_cells": 4}


def test_the_prepared_file_holds_what_was_published(published, shared):
    folder = shared / "data" / "winding2023"
    for path in (folder / "winding2023_s1.npz", folder):
        found = read_winding2023(path)
        np.testing.assert_array_equal(found.ids, published.ids)
        for name in TYPES:
            difference = found.of_type(name).count - published.of_type(name).count
            assert not difference.data.any()
        pd.testing.assert_frame_equal(found.cells, published.cells)


@pytest.mark.parametrize(
    ("types", "axis", "column"),
    [
        (("aa", "da"), 0, "axon_input"),
        (("ad", "dd"), 0, "dendrite_input"),
        (("aa", "ad"), 1, "axon_output"),
        (("da", "dd"), 1, "dendrite_output"),
    ],
)
def test_synapses_of_a_compartment_do_not_exceed_its_published_total(
    published, types, axis, column
):
    total = published.cells[column].to_numpy(np.int64)
    inside = published.of_type(*types).count.sum(axis=axis)
    assert (inside <= total).all()
    assert (inside == total).any()


def test_populations_are_those_of_the_model(published, shared):
    expected = json.loads((shared / "data" / "larval_olfaction" / "neuron_ids.json").read_text())
    matrices = larval_olfactory_matrices(published)
    for name, ids in expected.items():
        assert [str(i) for i in matrices[name]] == ids


def test_matrices_are_those_of_the_model(published, shared):
    with np.load(shared / "data" / "larval_olfaction" / "larval_olfaction.npz") as file:
        expected = dict(file)
    made = larval_olfactory_matrices(published)
    assert set(expected) - set(made) == {"ln_to_orn_nonad_asused"}
    assert set(made) <= set(expected)
    for name, array in made.items():
        assert array.dtype == expected[name].dtype, name
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_the_model_needs_the_annotated_connectome():
    with pytest.raises(MissingDataError, match="read_winding2023"):
        larval_olfactory_matrices(cf.Connectome.from_matrix(np.eye(3)))


def test_excitatory_local_neurons_have_a_low_fan_out():
    contacts = np.array([[0, 0, 0], [2, 0, 0], [1, 1, 0], [1, 1, 5]])
    assert excitatory_local_neurons(contacts, 0.5).tolist() == [False, True, True, False]
    assert excitatory_local_neurons(contacts, 0.0).tolist() == [False, True, False, False]
    assert not excitatory_local_neurons(np.zeros((3, 2))).any()
    with pytest.raises(InvalidArgumentError, match="quantile must lie between 0 and 1"):
        excitatory_local_neurons(contacts, 33.0)
