"""The error table of the readers, row by row, each with a damaged file."""

from __future__ import annotations

import shutil

import h5py
import numpy as np
import pytest

from cofire.datasets import DAMAGES, damage_nwb, make_nwb_session
from cofire.errors import (
    DataWarning,
    DuplicateIdError,
    ExternalDataError,
    FileFormatError,
    IdPrecisionError,
    InvalidArgumentError,
    JoinError,
    MissingDataError,
    RaggedIndexError,
    RecordingError,
    RecordingNotFoundError,
    SeriesError,
    SpikeTimeError,
    TooLargeError,
    TrialError,
    UnsupportedVersionError,
)
from cofire.io import read_nwb

# damage -> (error, what the message must say)
TABLE = {
    "not_hdf5": (FileFormatError, "not a readable HDF5 file"),
    "truncated": (FileFormatError, "truncated file"),
    "version_1": (UnsupportedVersionError, "NWB 2"),
    "no_units": (MissingDataError, "/units.*holds: acquisition, analysis"),
    "no_spike_times": (MissingDataError, "spike_times.*holds: amplitude"),
    "index_float": (RaggedIndexError, "must be 1-D integers, got float64"),
    "index_negative": (RaggedIndexError, "-4"),
    "index_decreasing": (RaggedIndexError, "decreases at row 5"),
    "index_length": (RaggedIndexError, "39 entries for 40 rows"),
    "index_beyond_data": (RaggedIndexError, "holds 10 values"),
    "index_huge": (RaggedIndexError, r"2\*\*63-1"),
    "index_wrapped": (RaggedIndexError, "uint16.*overflowed"),
    "nan_times": (SpikeTimeError, 'has nan.*on_invalid="drop"'),
    "infinite_times": (SpikeTimeError, 'has inf.*on_invalid="drop"'),
    "unsorted_times": (SpikeTimeError, 'not sorted.*on_unsorted="sort"'),
    "negative_times": (SpikeTimeError, "-2.5 s, before the start.*t_start=-3"),
    "duplicate_units": (DuplicateIdError, r"/units/id repeats unit ids \["),
    "duplicate_electrodes": (DuplicateIdError, r"electrodes/id repeats electrode ids \[1001\]"),
    "unknown_electrode": (JoinError, r"peak_channel_id.*\[77\]"),
    "two_outcomes": (TrialError, "/intervals/trials: trials .* exactly one outcome"),
    "change_outside": (TrialError, "change_time_no_display_delay outside"),
    "float_ids": (IdPrecisionError, r"/units/id.*2\*\*53"),
    "impossible_size": (TooLargeError, "max_bytes"),
    "external_storage": (ExternalDataError, "stores its data in.*allow_external=True"),
    "virtual": (ExternalDataError, "virtual data set"),
    "external_link": (ExternalDataError, "links to"),
}
# Legal, or an error only on access or on request: tests of their own below.
OTHERS = {"sample_times", "duplicate_times", "series_backward", "series_short"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("nwb") / "sound.nwb"
    make_nwb_session(path, no_eye=True)
    return path


@pytest.fixture(scope="module")
def truth(sound):
    return read_nwb(sound, amplitudes=True)


@pytest.fixture
def damaged(sound, tmp_path):
    def make(kind):
        path = tmp_path / f"{kind}.nwb"
        shutil.copy(sound, path)
        damage_nwb(path, kind)
        return path

    return make


def first_train(path):
    """Id and position in the file of the train that spike damages touch."""
    with h5py.File(path) as file:
        ends = file["units/spike_times_index"][()].astype(int)
        return int(file["units/id"][1]), ends[0], ends[1]


def test_every_damage_is_tested():
    assert set(TABLE) | OTHERS == set(DAMAGES)


@pytest.mark.parametrize("kind", TABLE)
def test_a_damaged_file_is_refused(damaged, kind):
    error, message = TABLE[kind]
    path = damaged(kind)
    with pytest.raises(error, match=f"(?s){message}") as caught:
        read_nwb(path)
    assert type(caught.value) is error
    assert path.name in str(caught.value)
    assert isinstance(caught.value, RecordingError)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecordingNotFoundError, match=r"absent\.nwb: no such file"):
        read_nwb(tmp_path / "absent.nwb")
    with pytest.raises(FileNotFoundError):
        read_nwb(tmp_path / "absent.nwb")
    with pytest.raises(FileFormatError, match="is a folder"):
        read_nwb(tmp_path)


@pytest.mark.parametrize(("kind", "n"), [("nan_times", 1), ("infinite_times", 1)])
def test_invalid_times_can_be_dropped_and_are_counted(truth, damaged, kind, n):
    path = damaged(kind)
    unit, _, _ = first_train(path)
    with pytest.warns(DataWarning, match=f"dropped {n} spike times"):
        session = read_nwb(path, on_invalid="drop", amplitudes=True)
    assert session.meta["dropped_invalid"] == {unit: n}
    assert session.spikes.n_spikes == truth.spikes.n_spikes - n
    assert len(session.meta["spike_amplitudes"]) == session.spikes.n_spikes


def test_unsorted_times_can_be_sorted_with_their_amplitudes(truth, damaged):
    path = damaged("unsorted_times")
    session = read_nwb(path, on_unsorted="sort", amplitudes=True)
    assert np.array_equal(session.spikes.times, truth.spikes.times)
    _, start, _ = first_train(path)
    swapped = truth.meta["spike_amplitudes"].copy()
    swapped[[start + 2, start + 3]] = swapped[[start + 3, start + 2]]
    assert np.array_equal(session.meta["spike_amplitudes"], swapped)


def test_sorting_and_dropping_work_together(damaged):
    path = damaged("unsorted_times")
    damage_nwb(path, "infinite_times")
    with pytest.warns(DataWarning, match="dropped 1"):
        session = read_nwb(path, on_unsorted="sort", on_invalid="drop")
    assert all((np.diff(train) >= 0).all() for train in session.spikes)


def test_negative_times_need_a_declared_start(damaged):
    session = read_nwb(damaged("negative_times"), t_start=-3.0)
    assert session.spikes.times.min() == -2.5
    with pytest.raises(SpikeTimeError, match="before the start"):
        read_nwb(damaged("negative_times"), t_start=-2.0)


def test_times_in_samples_warn_or_fail_when_strict(damaged):
    path = damaged("sample_times")
    with pytest.warns(DataWarning, match="samples or milliseconds"):
        session = read_nwb(path)
    assert session.spikes.times.max() > 1e7
    with pytest.raises(SpikeTimeError, match="samples or milliseconds"):
        read_nwb(path, strict=True)


def test_duplicate_times_are_kept_and_counted(truth, damaged):
    path = damaged("duplicate_times")
    session = read_nwb(path, strict=True)
    assert session.meta["n_duplicates"] == 1
    assert session.spikes.n_spikes == truth.spikes.n_spikes
    close = sum(int((np.diff(train) < 0.001).sum()) for train in session.spikes)
    assert close > 1
    thinned = read_nwb(path, min_isi=0.001)
    assert thinned.meta["dropped_min_isi"] == close
    assert thinned.spikes.n_spikes == session.spikes.n_spikes - close


@pytest.mark.parametrize(
    ("kind", "message"), [("series_backward", "increase"), ("series_short", "same length")]
)
def test_a_damaged_series_is_refused_when_it_is_asked_for(damaged, kind, message):
    session = read_nwb(damaged(kind))
    assert len(session.traces["volume"])
    with pytest.raises(SeriesError, match=f"running/speed is not a usable series.*{message}"):
        session.traces["speed"]


@pytest.mark.parametrize("kind", ["external_storage", "virtual", "external_link"])
def test_external_data_are_read_only_when_allowed(truth, damaged, kind):
    session = read_nwb(damaged(kind), allow_external=True)
    assert np.array_equal(session.spikes.times, truth.spikes.times)


def test_an_external_link_in_front_of_a_series_is_refused(sound, tmp_path):
    path = tmp_path / "linked.nwb"
    shutil.copy(sound, path)
    with h5py.File(path, "r+") as file:
        del file["processing/running/speed/data"]
        file["processing/running/speed/data"] = h5py.ExternalLink(
            str(sound), "/processing/running/speed/data"
        )
    session = read_nwb(path)
    with pytest.raises(ExternalDataError, match="speed/data links to"):
        session.traces["speed"]


TEXT = np.full(40, "x", dtype=object)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("units", None, "has no /units/id"),
        ("units/id", 3.0, "/units/id must hold one number per row"),
        ("units/spike_times", 3.0, "/units/spike_times must hold one number per row"),
        ("units/spike_times", h5py.Empty("f8"), "/units/spike_times must hold one number per row"),
        ("units/spike_times", TEXT, "/units/spike_times must hold one number per row, got object"),
        ("units/spike_times_index", 3.0, "spike_times_index must be 1-D integers"),
        (
            "intervals/trials/start_time",
            h5py.Empty("f8"),
            "start_time must hold one number per row",
        ),
        ("intervals/trials/stop_time", TEXT, "stop_time must hold one number per row, got object"),
        ("intervals/trials/hit", TEXT, "hit must hold numbers"),
        ("intervals/trials/change_time_no_display_delay", TEXT, "delay must hold numbers"),
    ],
)
def test_a_data_set_of_another_kind_is_named(sound, tmp_path, name, value, message):
    path = tmp_path / "odd.nwb"
    shutil.copy(sound, path)
    with h5py.File(path, "r+") as file:
        rows = file[name].shape[0] if value is TEXT else 0
        del file[name]
        if value is None:
            file.create_group(name)
        else:
            data = np.full(rows, "x", dtype=object) if value is TEXT else value
            file.create_dataset(name, data=data)
    with pytest.raises(RecordingError, match=message):
        read_nwb(path)


def test_a_reference_to_what_is_gone_is_no_name(sound, tmp_path):
    path = tmp_path / "gone.nwb"
    shutil.copy(sound, path)
    with h5py.File(path, "r+") as file:
        del file["general/extracellular_ephys/probeA"]
    assert read_nwb(path).spikes.n_units == 40


def test_no_link_is_followed_to_find_the_version(sound, tmp_path):
    path = tmp_path / "linked.nwb"
    shutil.copy(sound, path)
    with h5py.File(path, "r+") as file:
        del file.attrs["nwb_version"]
        file["processing/elsewhere"] = h5py.ExternalLink(str(tmp_path / "old.nwb"), "/sorting")
    with h5py.File(tmp_path / "old.nwb", "w") as other:
        other.create_group("sorting/UnitTimes")
    with pytest.raises(ExternalDataError, match="processing/elsewhere links to"):
        read_nwb(path)


def test_a_limit_holds_for_every_data_set(sound):
    with pytest.raises(TooLargeError, match=r"declares shape.*GB"):
        read_nwb(sound, max_bytes=1000)
    few = read_nwb(sound, units=[2000], max_bytes=300_000)
    assert few.spikes.n_units == 1


def test_too_large_tables_are_refused_before_they_are_read(damaged):
    # 8 TiB are declared; reading any of it would take the machine down.
    with pytest.raises(TooLargeError):
        read_nwb(damaged("impossible_size"), max_bytes=2**40)


def test_damage_inside_a_filtered_data_set_is_named(tmp_path):
    path = tmp_path / "packed.nwb"
    make_nwb_session(path, compression="gzip")
    with h5py.File(path) as file:
        chunk = file["units/spike_times"].id.get_chunk_info(0)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset + chunk.size // 2)
        raw.write(b"\xff" * 64)
    with pytest.raises(FileFormatError, match="units/spike_times cannot be read"):
        read_nwb(path)


def test_zero_units_are_legal(tmp_path):
    import cofire as cf

    path = tmp_path / "empty.nwb"
    cf.io.write_nwb(cf.Session(), path)
    assert read_nwb(path).spikes.n_units == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_unsorted": "drop"}, "on_unsorted"),
        ({"on_invalid": "sort"}, "on_invalid"),
        ({"load": "spikes"}, "load must be some of"),
        ({"load": ["waveforms"]}, "load must be some of"),
        ({"units": [1]}, "ids that do not exist"),
        ({"units": [2000, 2000]}, "twice"),
        ({"units": "nothing > 1"}, "columns: "),
        ({"units": np.ones(3, bool)}, "mask"),
        ({"min_isi": -1.0}, "min_isi"),
    ],
)
def test_wrong_options_are_explained(sound, options, message):
    with pytest.raises((InvalidArgumentError, DuplicateIdError), match=message):
        read_nwb(sound, **options)
