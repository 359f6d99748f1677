"""The registry says where data come from, and downloads are checked."""

from __future__ import annotations

import hashlib
import importlib

import pytest

from cofire.datasets import fetch, list_sets, locate
from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingError,
    RecordingNotFoundError,
)


@pytest.fixture
def registry(tmp_path):
    """A registry beside one file, which it names by a file URL."""
    home = tmp_path / "server"
    home.mkdir()
    (home / "spikes.bin").write_bytes(b"spikes" * 1000)
    digest = hashlib.sha256(b"spikes" * 1000).hexdigest()

    def write(url=None, sha256=digest, size=6000, name="spikes.bin"):
        url = (home / "spikes.bin").as_uri() if url is None else url
        path = home / "registry.toml"
        path.write_text(
            f'[sets.demo]\ntitle = "t"\ncontents = "c"\nsource = "s"\n[[sets.demo.files]]\n'
            f'name = "{name}"\nsha256 = "{sha256}"\nbytes = {size}\nurl = "{url}"\n'
        )
        return path

    return write


def test_every_set_says_where_it_comes_from():
    sets = list_sets()
    assert len({entry.name for entry in sets}) == len(sets) >= 6
    for entry in sets:
        assert entry.title
        assert entry.contents
        assert entry.source
        assert entry.status in ("downloadable", "prepared, not downloadable")
        assert all(len(file.sha256) == 64 for file in entry.files)
        if entry.loader:
            module, _, function = entry.loader.rpartition(".")
            assert callable(getattr(importlib.import_module(module), function))


def test_checksums_fit_the_shared_data(shared):
    for entry in list_sets():
        for file in entry.files:
            path = shared / "data" / entry.folder / file.name
            if entry.folder and path.stat().st_size < 2_000_000:
                assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256, path


def test_fetch_brings_the_file_and_reports_progress(registry, tmp_path):
    seen = []
    (path,) = fetch(
        "demo", tmp_path / "to", registry=registry(), progress=lambda *a: seen.append(a)
    )
    assert path.read_bytes() == b"spikes" * 1000
    assert seen[-1] == ("spikes.bin", 6000, 6000)


def test_fetch_keeps_a_file_that_is_right(registry, tmp_path):
    fetch("demo", tmp_path / "to", registry=registry())
    seen = []
    fetch("demo", tmp_path / "to", registry=registry(), progress=lambda *a: seen.append(a))
    assert not seen


def test_fetch_replaces_another_file_only_when_told(registry, tmp_path):
    (tmp_path / "spikes.bin").write_text("mine")
    with pytest.raises(InvalidArgumentError, match="overwrite=True"):
        fetch("demo", tmp_path, registry=registry())
    assert (tmp_path / "spikes.bin").read_text() == "mine"
    fetch("demo", tmp_path, registry=registry(), overwrite=True)
    assert (tmp_path / "spikes.bin").stat().st_size == 6000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "0" * 64}, "checksum"),
        ({"size": 100}, "longer than 100 bytes"),
        ({"url": "file:///nowhere/at/all"}, "could not be fetched"),
    ],
)
def test_a_bad_download_leaves_nothing_behind(registry, tmp_path, change, message):
    with pytest.raises(RecordingError, match=message):
        fetch("demo", tmp_path / "to", registry=registry(**change))
    assert not list((tmp_path / "to").iterdir())


def test_only_safe_addresses_are_fetched(registry, tmp_path):
    with pytest.raises(InvalidArgumentError, match="only https and file"):
        fetch("demo", tmp_path / "to", registry=registry(url="http://example.org/x"))
    with pytest.raises(FileFormatError, match="outside its folder"):
        fetch("demo", tmp_path / "to", registry=registry(name="../x"))


def test_prepared_sets_say_where_they_were_published(tmp_path):
    with pytest.raises(MissingDataError, match=r"prepared, not downloadable.*10\.1126"):
        fetch("winding2023", tmp_path)
    with pytest.raises(MissingDataError, match="DANDI"):
        fetch("visual_behavior_neuropixels", tmp_path)


def test_unknown_names_list_the_known_ones(tmp_path):
    with pytest.raises(InvalidArgumentError, match="sample_assemblies"):
        fetch("nothing", tmp_path)


def test_a_broken_registry_is_named(tmp_path):
    (tmp_path / "r.toml").write_text("sets = 3")
    with pytest.raises(FileFormatError, match=r"r\.toml"):
        list_sets(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text("= = =")
    with pytest.raises(FileFormatError, match=r"r\.toml"):
        list_sets(tmp_path / "r.toml")
    with pytest.raises(RecordingNotFoundError):
        list_sets(tmp_path / "absent.toml")


def test_a_set_is_located_below_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("COFIRE_DATA", raising=False)
    with pytest.raises(MissingDataError, match="set COFIRE_DATA to the folder that holds data"):
        locate("larval_olfaction")
    monkeypatch.setenv("COFIRE_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match=r"is no folder.*10\.1126/science\.add9330"):
        locate("larval_olfaction")
    place = tmp_path / "data" / "larval_olfaction"
    place.mkdir(parents=True)
    assert locate("larval_olfaction") == place
    assert locate("larval_olfaction", tmp_path) == tmp_path
    with pytest.raises(InvalidArgumentError, match="no data set 'larval'"):
        locate("larval")
