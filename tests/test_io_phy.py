"""phy and Kilosort folders."""

from __future__ import annotations

import numpy as np
import pytest

from cofire.errors import (
    DuplicateIdError,
    FileFormatError,
    MissingDataError,
    RecordingNotFoundError,
    SpikeTimeError,
    TooLargeError,
)
from cofire.io import read_phy, read_session

SAMPLES = np.array([30, 60, 90, 300, 330, 900], dtype=np.uint64)
CLUSTERS = np.array([7, 2, 7, 5, 2, 7], dtype=np.int32)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "spike_times.npy", SAMPLES[:, None])
    np.save(tmp_path / "spike_clusters.npy", CLUSTERS)
    (tmp_path / "params.py").write_text(
        "dat_path = ['x.dat']\nn_channels_dat = 4\nsample_rate = 30000.  # Hz\n"
    )
    (tmp_path / "cluster_info.tsv").write_text(
        "cluster_id\tgroup\tdepth\n2\tgood\t20.0\n5\tnoise\t40.0\n7\tgood\t60.0\n"
    )
    return tmp_path


def test_good_units_are_read_in_seconds(folder):
    session = read_session(folder)
    assert session.spikes.unit_ids.tolist() == [2, 7]
    assert session.spikes[1].tolist() == [0.001, 0.003, 0.03]
    assert session.units["depth"].tolist() == [20.0, 60.0]
    assert session.meta["fs"] == 30_000.0
    assert session.spikes.support is None


def test_all_groups_and_one_dimensional_times(folder):
    np.save(folder / "spike_times.npy", SAMPLES.astype(np.int64))
    session = read_phy(folder, groups=None)
    assert session.spikes.unit_ids.tolist() == [2, 5, 7]
    assert read_phy(folder, groups=("noise",)).spikes.unit_ids.tolist() == [5]


def test_templates_stand_in_for_clusters(folder):
    (folder / "spike_clusters.npy").rename(folder / "spike_templates.npy")
    assert read_phy(folder).spikes.n_units == 2
    (folder / "spike_templates.npy").unlink()
    with pytest.raises(MissingDataError, match="spike_templates"):
        read_phy(folder)


def test_single_tables_are_joined_and_the_curator_comes_first(folder):
    (folder / "cluster_info.tsv").unlink()
    (folder / "cluster_KSLabel.tsv").write_text("cluster_id\tKSLabel\n2\tgood\n5\tgood\n7\tmua\n")
    (folder / "cluster_group.tsv").write_text("cluster_id\tgroup\n7\tgood\n2\tnoise\n")
    (folder / "other.csv").write_text("a,b\n1,2\n")
    session = read_phy(folder)
    assert session.spikes.unit_ids.tolist() == [5, 7]


def test_no_table_needs_a_decision(folder):
    (folder / "cluster_info.tsv").unlink()
    with pytest.raises(MissingDataError, match="groups=None"):
        read_phy(folder)
    assert read_phy(folder, groups=None).spikes.n_units == 3


def test_params_are_parsed_and_never_run(folder):
    (folder / "params.py").write_text(
        f"open({str(folder / 'ran')!r}, 'w').close()\nsample_rate = 2e4\n"
    )
    assert read_phy(folder).meta["fs"] == 20_000.0
    (folder / "params.py").write_text("sample_rate = __import__('os').getpid()\n")
    with pytest.raises(FileFormatError, match="sample_rate"):
        read_phy(folder)
    (folder / "params.py").write_text("sample_rate = [1, 2]\n")
    with pytest.raises(FileFormatError, match="sample_rate is no number"):
        read_phy(folder)
    (folder / "params.py").write_text("x = 1\n")
    with pytest.raises(MissingDataError, match="sample_rate"):
        read_phy(folder)
    assert read_phy(folder, sample_rate=1000.0).meta["fs"] == 1000.0
    (folder / "params.py").unlink()
    with pytest.raises(MissingDataError, match=r"params\.py"):
        read_phy(folder)
    assert not (folder / "ran").exists()


def test_damaged_folders_are_named(folder, tmp_path):
    with pytest.raises(RecordingNotFoundError):
        read_phy(tmp_path / "absent")
    with pytest.raises(TooLargeError, match="max_bytes"):
        read_phy(folder, max_bytes=8)
    (folder / "cluster_info.tsv").write_text("cluster_id\tgroup\n2\tgood\n2\tgood\n")
    with pytest.raises(DuplicateIdError, match="2"):
        read_phy(folder)
    np.save(folder / "spike_times.npy", SAMPLES[:3])
    with pytest.raises(FileFormatError, match="3 spikes"):
        read_phy(folder)
    np.save(folder / "spike_times.npy", np.zeros((6, 2)))
    with pytest.raises(FileFormatError, match="one number per spike"):
        read_phy(folder)
    np.save(folder / "spike_times.npy", -SAMPLES.astype(np.int64))
    with pytest.raises(SpikeTimeError, match="negative"):
        read_phy(folder)
    np.save(folder / "spike_times.npy", -SAMPLES.astype(np.float64))
    with pytest.raises(SpikeTimeError, match="negative"):
        read_phy(folder)
    np.save(folder / "spike_times.npy", np.array([object()] * 6), allow_pickle=True)
    with pytest.raises(FileFormatError, match="plain NumPy"):
        read_phy(folder)
    (folder / "spike_times.npy").unlink()
    with pytest.raises(MissingDataError, match="spike_clusters"):
        read_phy(folder)


def test_one_group_may_be_named_without_a_list(folder):
    named = read_phy(folder, groups="good").spikes.unit_ids
    assert len(named)
    assert named.tolist() == read_phy(folder, groups=["good"]).spikes.unit_ids.tolist()
