"""V1DD: tables and arrays that fit each other, that do not, and what is lost between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire.errors import (
    ConnectomeError,
    DuplicateIdError,
    FileFormatError,
    IdPrecisionError,
    JoinError,
    MissingDataError,
    RecordingNotFoundError,
)
from cofire.io.v1dd import VOXEL_UM3

BIG = 864_691_132_500_000_000


@pytest.fixture
def folder(tmp_path):
    """Six cells, four of them co-registered, with every kind of file."""
    ids = BIG + np.arange(6)
    pd.DataFrame(
        {
            "row": range(6),
            "pt_root_id": ids,
            "classification_system": ["excitatory"] * 5 + ["inhibitory"],
            "status_axon": ["extended", "extended", "extended", "non", "extended", "non"],
        }
    ).to_csv(tmp_path / "cells.csv.gz", index=False)
    np.savez(
        tmp_path / "pyr_proofread_connectome.npz",
        pt_root_id=ids[[4, 0, 1]],
        pre=np.array([0, 2], np.int32),
        post=np.array([1, 0], np.int32),
    )
    (tmp_path / "assembly_membership_coregistered.csv").write_text(
        f"pt_root_id,connectome_index,assemblies\n{BIG},0,2;1\n{BIG + 1},1,\n"
    )
    rows = [(BIG, 1, 3, 1, 10), (BIG + 1, 1, 3, 6, 11), (BIG + 2, 1, 3, 2, 12),
            (BIG + 3, 1, 3, 3, 13), (BIG + 90, 1, 3, 3, 14)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["pt_root_id", "session", "scan_idx", "field", "unit_id"])
    table["roi_id"] = [f"plane{f}_roi_{u:04d}" for f, u in table[["field", "unit_id"]].to_numpy()]
    table.to_csv(tmp_path / "coregistration_449.csv", index=False)
    twice = pd.concat([table, table[:1]]).drop(columns="roi_id")
    twice.to_csv(tmp_path / "coregistration_167.csv", index=False)
    np.savez(
        tmp_path / "assemblies_scan13.npz",
        indices=np.array([0, 1, 3, 0], np.int32),
        offsets=np.array([0, 3, 4]),
        n_neurons=4,
        detector_order=np.array([2, 1]),
    )
    (tmp_path / "synapses_additional_cells.csv.gz").write_bytes(b"")
    pd.DataFrame(
        {"id": [1, 2], "pre_pt_root_id": [BIG, BIG], "post_pt_root_id": [BIG + 1, BIG + 1],
         "size": [100, 50]}
    ).to_csv(tmp_path / "synapses_additional_cells.csv.gz", index=False)  # fmt: skip
    for name, shape in (("dff", (20, 4)), ("f", (20, 4)), ("locations", (4, 3))):
        np.save(tmp_path / f"session1_scan3_{name}.npy", np.zeros(shape, np.float32))
    rois = ["plane0_roi_0010", "plane5_roi_0011", "plane0_roi_0099", "plane2_roi_0013"]
    np.save(tmp_path / "session1_scan3_roi_id_by_index.npy", np.array(rois))
    return tmp_path


def test_all_parts_are_read(folder):
    data = cf.io.read_v1dd(folder)
    assert repr(data) == (
        "V1DD(6 cells, 3 pyramidal, 2 with assemblies, 2 assemblies, scans session1_scan3)"
    )
    assert data.pyramidal.row_ids.tolist() == [BIG + 4, BIG, BIG + 1]
    assert data.pyramidal.count.toarray().tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert data.pyramidal.cells["row"].tolist() == [4, 0, 1]
    assert data.pyramidal.ei.tolist() == ["excitatory"] * 3
    assert data.membership == {BIG: (1, 2), BIG + 1: ()}
    assert data.synapses.psd.max() == pytest.approx(150 * VOXEL_UM3, rel=1e-15)
    assert [a.tolist() for a in data.assemblies] == [[0, 1, 3], [0]]
    assert data.detector_order.tolist() == [2, 1]
    assert data.pair_psd is None
    assert data.random_ensembles == ()


def test_every_lost_cell_is_named(folder):
    data = cf.io.read_v1dd(folder)
    assert data.coverage == {
        "coregistered": 5, "in_cell_table": 4, "proofread": 3, "with_functional_unit": 2,
        "in_assemblies": 1, "in_no_assembly": 1,
    }  # fmt: skip
    assert data.dropped == {
        "not_in_cell_table": (BIG + 90,), "not_proofread": (BIG + 3,),
        "no_functional_unit": (BIG + 2,), "several_rois": (BIG,),
    }  # fmt: skip


def test_released_arrays_are_mapped_not_read(folder):
    (scan,) = cf.io.read_v1dd(folder).scans
    assert isinstance(scan.dff, np.memmap)
    assert (scan.n_units, scan.events, scan.locomotion) == (4, None, None)
    for path in folder.iterdir():
        if path.suffix != ".npy":
            path.unlink()
    only = cf.io.read_v1dd(folder)
    assert (only.cells, only.pyramidal, only.membership, only.coverage) == (None, None, {}, {})
    assert repr(only) == "V1DD(scans session1_scan3)"


def test_memberships_through_the_list_of_rois(folder):
    data = cf.io.read_v1dd(folder)
    # Co-registration counts planes from 1, the recording from 0.
    assert data.membership_of_rois(data.scans[0].roi_ids) == {
        BIG: (1, 2), BIG + 1: (1,), BIG + 3: (1,),
    }  # fmt: skip
    with pytest.raises(JoinError, match="must name the 4 units of the assemblies, got 3"):
        data.membership_of_rois(["a"] * 3)
    (folder / "coregistration_449.csv").unlink()
    with pytest.raises(MissingDataError, match="coregistration_449"):
        cf.io.read_v1dd(folder).membership_of_rois(["a"] * 4)


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new", "error", "message"),
    [
        ("coregistration_449.csv", f"{BIG + 1},", f"{BIG},", DuplicateIdError, r"rows \[0, 1\]"),
        ("coregistration_449.csv", "scan_idx", "scan", MissingDataError, "no column 'scan_idx'"),
        ("coregistration_449.csv", f"{BIG},", f"{BIG}.5,", IdPrecisionError, "row 0"),
        ("assembly_membership_coregistered.csv", f"{BIG},", "5,", JoinError, r"have: \[5\]"),
        ("assembly_membership_coregistered.csv", "2;1", "2;x", ConnectomeError, "row 0.*'2;x'"),
        ("assembly_membership_coregistered.csv", "2;1", "3", ConnectomeError, "from 1 to 2"),
        (
            "assembly_membership_coregistered.csv",
            f"{BIG + 1},1",
            f"{BIG},1",
            DuplicateIdError,
            "twice|unique",
        ),
    ],
)
def test_bad_tables_are_named(folder, file, old, new, error, message):
    replace(folder / file, old, new)
    with pytest.raises(error, match=message) as raised:
        cf.io.read_v1dd(folder)
    assert file in str(raised.value)


def test_one_assembly_a_cell_is_read_as_a_number(folder):
    replace(folder / "assembly_membership_coregistered.csv", "2;1", "2")
    assert cf.io.read_v1dd(folder).membership == {BIG: (2,), BIG + 1: ()}


@pytest.mark.parametrize(
    ("file", "change", "error", "message"),
    [
        ("pyr_proofread_connectome.npz", {"pre": [0, 3]}, JoinError, r"pre\[1\] is 3"),
        ("pyr_proofread_connectome.npz", {"pre": [0]}, FileFormatError, "one length"),
        ("pyr_proofread_connectome.npz", {"pre": [0, 0], "post": [1, 1]}, FileFormatError, "twice"),
        ("pyr_proofread_connectome.npz", {"post": None}, MissingDataError, "no post; it holds"),
        ("assemblies_scan13.npz", {"indices": [0, 1, 4, 0]}, JoinError, r"indices\[2\] is 4"),
        ("assemblies_scan13.npz", {"offsets": [0, 3, 3]}, FileFormatError, "rise from 0 to 4"),
    ],
)
def test_bad_arrays_are_named(folder, file, change, error, message):
    with np.load(folder / file) as npz:
        arrays = {**npz, **{k: None if v is None else np.array(v) for k, v in change.items()}}
    np.savez(folder / file, **{k: v for k, v in arrays.items() if v is not None})
    with pytest.raises(error, match=message):
        cf.io.read_v1dd(folder)


def test_damaged_and_missing_files(folder, tmp_path):
    with pytest.raises(RecordingNotFoundError, match="no such folder"):
        cf.io.read_v1dd(tmp_path / "no")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match=r"neither cells\.csv\.gz.*holds: nothing"):
        cf.io.read_v1dd(tmp_path / "empty")
    np.save(folder / "session1_scan3_f.npy", np.zeros((20, 5)))
    with pytest.raises(FileFormatError, match=r"one shape.*\(20, 5\)"):
        cf.io.read_v1dd(folder)
    np.save(folder / "session1_scan3_f.npy", np.zeros((20, 4)))
    np.save(folder / "session1_scan3_locations.npy", np.zeros((5, 3)))
    with pytest.raises(FileFormatError, match="has 5 rows for 4 units"):
        cf.io.read_v1dd(folder)
    np.save(folder / "session1_scan3_locations.npy", np.array([{}] * 4, object))
    with pytest.raises(FileFormatError, match="arrays of objects are not read"):
        cf.io.read_v1dd(folder)
    (folder / "assemblies_scan13.npz").write_bytes(b"PK")
    with pytest.raises(FileFormatError, match=r"session1_scan3_loc|assemblies_scan13\.npz"):
        cf.io.read_v1dd(folder)


def test_published_data(shared):
    data = cf.io.read_v1dd(shared / "data" / "v1dd")
    assert data.coverage == {
        "coregistered": 449, "in_cell_table": 400, "proofread": 90, "with_functional_unit": 80,
        "in_assemblies": 61, "in_no_assembly": 19,
    }  # fmt: skip
    assert len(data.cells) == 8806
    assert data.pyramidal.shape == (459, 459)
    assert data.pyramidal.count.nnz == 3977
    assert (data.cells["status_axon"] == "extended").sum() == 852
    sizes = [1016, 542, 328, 325, 230, 188, 187, 181, 121, 114, 112, 61, 48, 35, 23]
    assert [len(a) for a in data.assemblies] == sizes
    assert sorted(map(len, data.random_ensembles), reverse=True) == sizes
    assert len(np.unique(np.concatenate(data.assemblies))) == 1960
    assert data.n_units == 2708
    assert len(data.pair_psd) == 221
    assert (data.synapses.n_synapses, data.synapses.count.nnz) == (3833, 1635)
    assert data.eigenvalues["scan13"].sum() == pytest.approx(2708)
    assert data.embeddings["scan13_50d"].shape == (2708, 50)
    # Two-step paths of the pyramidal graph, as published.
    chains = data.pyramidal.count @ data.pyramidal.count
    assert chains.sum() - chains.diagonal().sum() == 34_310
