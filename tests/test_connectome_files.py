"""Connectomes from files of synapses and cells, sound and damaged."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire.connectome import Connectome
from cofire.errors import (
    ConnectomeError,
    FileFormatError,
    IdPrecisionError,
    InvalidArgumentError,
    InvalidTypeError,
    MissingDataError,
    RecordingNotFoundError,
)

BIG = 864_691_135_302_123_457
FORMATS = ("csv", "tsv", "csv.gz", "csv.xz", "csv.zip", "feather", "parquet")
VOXEL = 9 * 9 * 45 * 1e-9  # µm³


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    ids = BIG + np.arange(30)
    n = 2_000
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "pre_pt_root_id": rng.choice(ids, n),
            "post_pt_root_id": rng.choice(ids, n),
            "size": rng.integers(1, 500, n),
        }
    )


def write(frame: pd.DataFrame, path) -> str:
    if path.suffix == ".feather":
        frame.to_feather(path)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, row_group_size=300)
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")
    return str(path)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_gives_what_the_table_gives(table, tmp_path, ending):
    path = write(table, tmp_path / f"synapses.{ending}")
    expected = Connectome.from_synapses(table, size_scale=VOXEL)
    for chunk_rows in (170, 1_000_000):
        found = Connectome.from_synapses(path, size_scale=VOXEL, chunk_rows=chunk_rows)
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found.count.toarray(), expected.count.toarray())
        np.testing.assert_array_equal(found.psd.toarray(), expected.psd.toarray())
        assert found.dropped == expected.dropped


@pytest.mark.parametrize("ending", ["csv", "feather", "parquet"])
def test_a_missing_id_does_not_turn_the_others_into_floats(table, tmp_path, ending):
    holes = table.astype({"pre_pt_root_id": "Int64"})
    holes.loc[1_234, "pre_pt_root_id"] = pd.NA
    path = write(holes, tmp_path / f"holes.{ending}")
    with pytest.raises(ConnectomeError, match=rf"holes\.{ending}.*row 1234 has no id"):
        Connectome.from_synapses(path, chunk_rows=500)


@pytest.mark.parametrize("text", [f"{BIG}.0", f"{BIG:e}"])
def test_ids_written_as_floats_are_refused(tmp_path, text):
    path = tmp_path / "s.csv"
    path.write_text(f"pre,post\n1,2\n3,{text}\n")
    with pytest.raises(IdPrecisionError, match=r"s\.csv, column 'post': row 1"):
        Connectome.from_synapses(path)


def test_small_whole_floats_are_ids(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("pre,post\n1.0,2\n3.0,1\n")
    assert Connectome.from_synapses(path).ids.tolist() == [1, 2, 3]


def test_names_are_ids(tmp_path):
    (tmp_path / "s.csv").write_text("pre,post\nAVAL,AVBL\nAVAL,AVBL\nAVBL,RMEL\n")
    (tmp_path / "c.csv").write_text("cell_id,kind\nRMEL,motor\nAVAL,inter\nAVBL,inter\n")
    made = Connectome.from_synapses(tmp_path / "s.csv", cells=tmp_path / "c.csv")
    assert made.row_ids.tolist() == ["RMEL", "AVAL", "AVBL"]
    inter = made.subset("kind == 'inter'")
    assert inter.count.toarray().tolist() == [[0, 2], [0, 0]]


def test_numbers_and_names_do_not_mix(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("pre,post\n" + "1,2\n" * 5 + "x,y\n")
    with pytest.raises(InvalidTypeError, match="the table before them ids that are integers"):
        Connectome.from_synapses(path, chunk_rows=3)


@pytest.mark.parametrize("ending", ["csv", "feather", "parquet"])
def test_cells_come_from_files_too(table, tmp_path, ending):
    ids = np.unique(table["pre_pt_root_id"])[::-1]
    cells = pd.DataFrame({"id": range(30), "pt_root_id": ids, "kind": ["E", "I"] * 15})
    made = Connectome.from_synapses(table, cells=write(cells, tmp_path / f"cells.{ending}"))
    np.testing.assert_array_equal(made.row_ids, ids)
    assert made.cells["id"].tolist() == list(range(30))
    by_row = Connectome.from_synapses(
        {"pre": [0, 1], "post": [1, 0]}, cells=tmp_path / f"cells.{ending}", cell_id="id"
    )
    assert by_row.cells["pt_root_id"].tolist() == ids.tolist()


@pytest.mark.parametrize("ending", ["csv.gz", "csv.xz", "csv.zip", "feather", "parquet"])
def test_truncated_files_are_refused(table, tmp_path, ending):
    path = tmp_path / f"cut.{ending}"
    write(table, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileFormatError, match=r"cut\..*damaged or incomplete"):
        Connectome.from_synapses(path)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "s.xlsx").write_text("x")
    (tmp_path / "s.csv").write_text("")
    (tmp_path / "fake.csv.gz").write_text("pre,post\n1,2\n")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"pre,target\n1,2\n"))
    with pytest.raises(InvalidArgumentError, match=r"one of \.csv"):
        Connectome.from_synapses(tmp_path / "s.xlsx")
    with pytest.raises(RecordingNotFoundError, match=r"no\.csv: no such file"):
        Connectome.from_synapses(tmp_path / "no.csv")
    for name in ("s.csv", "fake.csv.gz"):
        with pytest.raises(FileFormatError, match=name):
            Connectome.from_synapses(tmp_path / name)
    with pytest.raises(MissingDataError, match=r"a\.csv\.gz has no column 'post'.*pre, target"):
        Connectome.from_synapses(tmp_path / "a.csv.gz")


def test_published_synapses(shared):
    path = shared / "data" / "v1dd" / "synapses_additional_cells.csv.gz"
    made = Connectome.from_synapses(path, size_scale=VOXEL, chunk_rows=1_000)
    table = pd.read_csv(path)
    assert (made.n_synapses, made.count.nnz) == (3833, 1635)
    sums = table.groupby(["pre_pt_root_id", "post_pt_root_id"])["size"].agg(["size", "sum"])
    onto = Connectome.from_synapses(path, np.unique(table["pre_pt_root_id"]),
                                    np.unique(table["post_pt_root_id"]))  # fmt: skip
    assert onto.shape == (42, 499)
    at = (
        np.searchsorted(onto.row_ids, sums.index.get_level_values(0)),
        np.searchsorted(onto.column_ids, sums.index.get_level_values(1)),
    )
    np.testing.assert_array_equal(onto.count.toarray()[at], sums["size"])
    np.testing.assert_array_equal(onto.psd.toarray()[at], sums["sum"])
    assert np.isclose(made.psd.sum(), table["size"].sum() * VOXEL, rtol=1e-12)


def test_published_cells(shared):
    folder = shared / "data" / "v1dd"
    cells = pd.read_csv(folder / "cells.csv.gz")
    made = Connectome.from_synapses(
        folder / "synapses_additional_cells.csv.gz", cells=folder / "cells.csv.gz"
    )
    assert made.shape == (8806, 8806)
    np.testing.assert_array_equal(made.row_ids, cells["pt_root_id"])
    assert made.n_synapses + sum(made.dropped.values()) == 3833
    assert cf.connectome.Connectome is cf.Connectome
