"""NWB files: what is read is what was written, by whomever."""

from __future__ import annotations

import pickle

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.datasets import make_assembly_recording, make_nwb_session, make_nwb_units
from cofire.errors import DataWarning, InvalidArgumentError, SpikeTimeError
from cofire.io import _units, read_nwb, read_session, write_nwb
from cofire.io.nwb import count_duplicates


@pytest.fixture(scope="module")
def vbn(tmp_path_factory):
    """A made session of the Allen kind: path and truth."""
    path = tmp_path_factory.mktemp("nwb") / "vbn.nwb"
    return path, make_nwb_session(path)


@pytest.fixture(scope="module")
def session(vbn):
    return read_nwb(vbn[0])


# --- round trip ---


def test_a_session_survives_writing_and_reading(tmp_path):
    made = make_assembly_recording(20, 40.0, n_assemblies=2, n_cross=1, rng=2).session
    traces = {
        "speed": cf.Traces(np.arange(50.0), rate=10.0, t_start=3.0),
        "position": cf.Traces(np.ones((4, 2)), times=[0.0, 1.0, 2.5, 4.0]),
    }
    trials = pd.DataFrame(
        {"start_time": [0.0, 5.0], "stop_time": [4.0, 9.0], "good": [True, False]}
    )
    full = cf.Session(
        made.spikes,
        epochs=made.epochs,
        states=made.states,
        events=made.events,
        trials=trials,
        traces=traces,
        meta=made.meta,
    )
    write_nwb(full, tmp_path / "s.nwb")
    back = read_session(tmp_path / "s.nwb")
    assert np.array_equal(back.spikes.times, made.spikes.times)
    assert np.array_equal(back.spikes.offsets, made.spikes.offsets)
    assert np.array_equal(back.spikes.unit_ids, made.spikes.unit_ids)
    assert back.spikes.support == made.spikes.support
    assert back.units["region"].tolist() == made.units["region"].tolist()
    for column in ("name", "start", "stop", "environment"):
        assert back.epochs[column].tolist() == made.epochs[column].tolist()
    assert set(back.states) == set(made.states)
    for name, state in made.states.items():
        assert np.array_equal(back.states[name].data, state.data)
    ripples, truth = back.events["ripples"], made.events["ripples"]
    assert np.array_equal(ripples.data, truth.data)
    assert np.array_equal(ripples.metadata["peak"], truth.metadata["peak"])
    assert back.trials["good"].tolist() == [True, False]
    assert np.array_equal(back.traces["position"].values, np.ones((4, 2)))
    assert back.traces["speed"].rate == 10.0
    assert back.traces["speed"].t_start == 3.0


def test_support_with_gaps_survives(tmp_path):
    spikes = cf.SpikeTrains.from_list([[0.5, 5.0], [5.5]], support=[[0, 1], [5, 6]])
    write_nwb(cf.Session(spikes), tmp_path / "s.nwb")
    back = read_nwb(tmp_path / "s.nwb").spikes
    assert back.support == spikes.support
    assert np.array_equal(back.times, spikes.times)


@given(
    st.lists(
        st.lists(st.floats(0, 100, allow_subnormal=False), max_size=6).map(sorted),
        min_size=1,
        max_size=5,
    )
)
def test_any_trains_survive(tmp_path_factory, trains):
    path = tmp_path_factory.getbasetemp() / "overwritten.nwb"
    spikes = cf.SpikeTrains.from_list(trains, unit_ids=np.arange(len(trains))[::-1] + 3)
    write_nwb(cf.Session(spikes), path, overwrite=True)
    back = read_nwb(path).spikes
    assert np.array_equal(back.times, spikes.times)
    assert np.array_equal(back.offsets, spikes.offsets)
    assert np.array_equal(back.unit_ids, spikes.unit_ids)


def test_writing_never_leaves_half_a_file(tmp_path):
    broken = cf.Session(cf.SpikeTrains.from_list([[1.0]], metadata={"x": [1 + 2j]}))
    with pytest.raises(TypeError, match="'x'"):
        write_nwb(broken, tmp_path / "s.nwb")
    assert not list(tmp_path.iterdir())
    (tmp_path / "s.nwb").write_text("mine")
    with pytest.raises(InvalidArgumentError, match="overwrite"):
        write_nwb(cf.Session(), tmp_path / "s.nwb")
    text_ids = cf.Session(cf.SpikeTrains.from_list([[1.0]], unit_ids=["a"]))
    with pytest.raises(InvalidArgumentError, match="integer unit ids"):
        write_nwb(text_ids, tmp_path / "t.nwb")


# --- real and other people's readers ---


def test_a_real_file_is_read_as_its_description_says(shared):
    session = read_nwb(shared / "data" / "nwb" / "peyrache_phy_3units.nwb")
    spikes = session.spikes
    assert spikes.unit_ids.tolist() == [6, 191, 206]
    assert spikes.counts.tolist() == [11020, 4690, 5644]
    np.testing.assert_allclose(spikes.rates(), [10.13306405, 4.31252907, 5.18974714], rtol=1e-8)
    assert [t[0] for t in spikes] == [0.030333, 0.874333, 0.028133]
    assert [int((np.diff(t) < 0.0015).sum()) for t in spikes] == [0, 92, 11]
    assert session.epochs["name"].tolist() == ["wake"]
    assert session.epochs["stop"].tolist() == [1087.5289]


@pytest.mark.filterwarnings("ignore")
def test_pynwb_finds_the_file_valid_and_the_same(vbn, session):
    pynwb = pytest.importorskip("pynwb")
    with pynwb.NWBHDF5IO(str(vbn[0]), "r") as io:
        assert pynwb.validate(io=io) == []
        file = io.read()
        for i, unit in enumerate(session.spikes.unit_ids[:5]):
            assert file.units.id[i] == unit
            assert np.array_equal(file.units.get_unit_spike_times(i), session.spikes[i])
        assert len(file.trials.to_dataframe()) == len(session.trials)
        assert np.array_equal(
            file.processing["running"]["speed"].data[:], session.traces["speed"].values[:, 0]
        )


@pytest.mark.filterwarnings("ignore")
def test_pynapple_reads_what_we_write(tmp_path):
    nap = pytest.importorskip("pynapple")
    made = make_assembly_recording(15, 20.0, n_assemblies=1, rng=2).session
    write_nwb(made, tmp_path / "s.nwb")
    data = nap.load_file(str(tmp_path / "s.nwb"))
    for unit in made.spikes.unit_ids[:3]:
        train = made.spikes.select([int(unit)])[0]
        np.testing.assert_allclose(data["units"][int(unit)].times(), train, atol=1e-9)
    np.testing.assert_allclose(data["ripples"].start, made.events["ripples"].starts, atol=1e-9)


# --- a session of the Allen kind ---


def test_units_carry_their_electrodes_and_regions(vbn, session):
    units = session.units
    with h5py.File(vbn[0]) as file:
        electrodes = file["general/extracellular_ephys/electrodes"]
        row = {int(k): i for i, k in enumerate(electrodes["id"])}
        vertical = electrodes["probe_vertical_position"][()]
    expected = [vertical[row[int(c)]] for c in units["peak_channel_id"]]
    assert units["probe_vertical_position"].tolist() == expected
    assert set(units["region"]) <= {"VISp", "CA1", "LGd", ""}
    assert "LGd-sh" in set(units["location"])
    assert set(units["group_name"]) == {"probeA", "probeB"}
    assert "waveform_mean" not in units.columns
    assert units["local_index"].tolist() == list(range(40))


def test_empty_units_and_missing_metrics_stay(vbn, session):
    truth = vbn[1]
    assert session.spikes.n_spikes == truth["n_spikes"]
    assert len(session.spikes.select([truth["empty_unit"]])[0]) == 0
    assert np.isnan(session.units.loc[truth["nan_metrics_unit"], "snr"])


def test_planted_responses_are_in_the_spikes(vbn, session):
    truth = vbn[1]
    shown = session.presentations
    changes = shown.loc[(shown["active"] & shown["is_change"]).fillna(False), "start_time"]
    for unit in truth["change_units"]:
        train = session.spikes.select([unit])[0]
        evoked = [((train > t + 0.03) & (train < t + 0.13)).sum() for t in changes]
        before = [((train > t - 0.13) & (train < t - 0.03)).sum() for t in changes]
        assert np.mean(evoked) > np.mean(before) + 1.0
    pulses = session.events["optogenetic_stimulation"].select("stimulus_name == 'pulse'")
    for unit in truth["opto_units"]:
        train = session.spikes.select([unit])[0]
        hit = [((train >= t) & (train < t + 0.008)).any() for t in pulses.starts]
        assert 0.6 < np.mean(hit) <= 1.0


def test_trials_and_presentations_agree_with_the_truth(vbn, session):
    truth, trials = vbn[1], session.trials
    assert int(trials["go"].sum()) == truth["n_changes"]
    assert trials["hit"].sum() / trials["go"].sum() == pytest.approx(truth["hit_rate"])
    false_alarms = trials["false_alarm"].sum() / trials["catch"].sum()
    assert false_alarms == pytest.approx(truth["false_alarm_rate"])
    hits = trials[trials["hit"]]
    frames = session.presentations.query("stimulus_block == 0").set_index("start_frame")
    screen = frames.loc[hits["change_frame"], "start_time"].to_numpy()
    np.testing.assert_allclose(np.sort(hits["response_time"] - screen), np.sort(truth["latencies"]))
    shown = session.presentations
    assert shown["start_time"].is_monotonic_increasing
    assert shown["table"].nunique() == 4
    assert int(shown.loc[shown["stimulus_block"] == 0, "omitted"].sum()) == truth["n_omissions"]


def test_truth_values_stored_as_numbers_become_nullable(tmp_path):
    make_nwb_session(tmp_path / "s.nwb", bool_as_float=True)
    session = read_nwb(tmp_path / "s.nwb")
    assert session.presentations["is_image_novel"].dtype == "boolean"
    assert session.presentations["is_image_novel"].isna().any()
    assert session.trials["hit"].dtype == "boolean"
    plain = read_nwb(tmp_path / "s.nwb")
    assert plain.trials["go"].sum() == session.trials["go"].sum()


@pytest.mark.parametrize("dtype", ["u4", "u8", "i8"])
def test_every_integer_index_is_read(tmp_path, session, dtype):
    make_nwb_session(tmp_path / "s.nwb", index_dtype=dtype)
    assert np.array_equal(read_nwb(tmp_path / "s.nwb").spikes.offsets, session.spikes.offsets)


def test_parts_that_are_absent_are_empty(tmp_path):
    make_nwb_session(tmp_path / "s.nwb", no_eye=True, no_licks=True, unregistered=True)
    session = read_nwb(tmp_path / "s.nwb")
    assert not any("eye" in name or "lick" in name for name in session.traces)
    assert session.units[["x", "y", "z"]].isna().all(axis=None)
    assert (session.units["region"] != "").any()
    assert session.epochs.empty
    assert session.spikes.support is None


def test_old_names_are_kept_as_the_file_has_them(tmp_path):
    make_nwb_session(tmp_path / "s.nwb", old_names=True)
    trials = read_nwb(tmp_path / "s.nwb").trials
    assert "stimulus_change" in trials.columns
    assert "is_change" not in trials.columns


def test_compressed_files_hold_the_same(tmp_path, session):
    make_nwb_session(tmp_path / "s.nwb", compression="gzip")
    packed = read_nwb(tmp_path / "s.nwb")
    assert np.array_equal(packed.spikes.times, session.spikes.times)
    some = packed.spikes.unit_ids[[3, 9]].tolist()
    part = read_nwb(tmp_path / "s.nwb", units=some)
    assert np.array_equal(part.spikes.times, packed.spikes.select(some).times)


def test_series_are_read_on_access_and_links_are_followed(session):
    assert {"speed", "licks", "pupil_tracking", "pupil_tracking/area"} <= set(session.traces)
    pupil, eye = session.traces["pupil_tracking"], session.traces["eye_tracking"]
    assert np.array_equal(pupil.times, eye.times)
    assert session.traces["pupil_tracking/area"].n_signals == 1
    copied = pickle.loads(pickle.dumps(session.traces))
    assert np.array_equal(copied["speed"].values, session.traces["speed"].values)
    with pytest.raises(KeyError, match="there are: "):
        session.traces["nothing"]


def test_parts_can_be_left_out(vbn):
    tables = read_nwb(vbn[0], load=["intervals"])
    assert tables.spikes.n_units == 0
    assert not tables.traces
    assert len(tables.trials)
    spikes = read_nwb(vbn[0], load=["spikes"])
    assert spikes.spikes.n_units == 40
    assert spikes.trials.empty


# --- choosing units ---


@pytest.mark.parametrize(
    "units",
    ["region == 'CA1'", "snr > 2 and unit_id > 2010", [2005, 2000, 2039], np.arange(40) % 3 == 0],
)
def test_a_part_of_the_units_is_the_selection_of_all(vbn, session, units):
    part = read_nwb(vbn[0], units=units).spikes
    whole = session.spikes.select(units)
    assert np.array_equal(part.unit_ids, whole.unit_ids)
    assert np.array_equal(part.times, whole.times)
    assert np.array_equal(part.offsets, whole.offsets)
    pd.testing.assert_frame_equal(part.metadata, whole.metadata)


@pytest.mark.parametrize("chunks", [None, 64])
@pytest.mark.parametrize(("block", "gap"), [(50, 0), (1000, 10), (100_000, 100_000)])
def test_block_size_and_gaps_do_not_change_what_is_read(tmp_path, monkeypatch, block, gap, chunks):
    path = tmp_path / "s.nwb"
    make_nwb_units(path, 40, 5000)
    with h5py.File(path, "r+") as file:
        times = file["units/spike_times"][()]
        ends = np.concatenate([[0], file["units/spike_times_index"][()]]).astype(int)
        del file["units/spike_times"]
        file["units"].create_dataset("spike_times", data=times, chunks=chunks and (chunks,))
    for name, value in (("_BLOCK", block), ("_GAP", gap), ("_FLAT_GAP", gap)):
        monkeypatch.setattr(_units, name, value)
    rows = [3, 1, 30, 31, 32, 0]
    expected = np.concatenate([times[ends[i] : ends[i + 1]] for i in rows])
    assert np.array_equal(read_nwb(path, units=[2000 + i for i in rows]).spikes.times, expected)
    assert np.array_equal(read_nwb(path).spikes.times, times)


@pytest.mark.parametrize("block", [7, 64, 4096])
def test_disorder_is_found_wherever_blocks_meet(tmp_path, monkeypatch, block):
    monkeypatch.setattr(_units, "_BLOCK", block)
    path = tmp_path / "s.nwb"
    make_nwb_units(path, 3, 300)
    with h5py.File(path) as file:
        sound = file["units/spike_times"][()]
    for at in (1, 6, 7, 8, 63, 64, 99, 101, 128, 299):
        wrong = sound.copy()
        wrong[at] = wrong[at - 1] / 2
        with h5py.File(path, "r+") as file:
            file["units/spike_times"][...] = wrong
        with pytest.raises(SpikeTimeError, match="not sorted"):
            read_nwb(path)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_thread_count_does_not_matter(vbn, session, threads):
    cf.set_num_threads(threads)
    try:
        assert np.array_equal(read_nwb(vbn[0]).spikes.times, session.spikes.times)
    finally:
        cf.set_num_threads(None)


def test_big_endian_and_single_precision_times_are_converted(tmp_path):
    write_nwb(cf.Session(cf.SpikeTrains.from_list([[0.5, 1.25], [2.0]])), tmp_path / "s.nwb")
    for dtype in (">f8", "<f4"):
        with h5py.File(tmp_path / "s.nwb", "r+") as file:
            values = file["units/spike_times"][()]
            del file["units/spike_times"]
            file["units/spike_times"] = values.astype(dtype)
        spikes = read_nwb(tmp_path / "s.nwb").spikes
        assert spikes.times.tolist() == [0.5, 1.25, 2.0]
        assert spikes.times.dtype == np.float64


# --- support ---


def epochs_only(path, spikes, rows):
    table = pd.DataFrame(
        {"name": [f"e{i}" for i in range(len(rows))], "start": rows[:, 0], "stop": rows[:, 1]}
    )
    write_nwb(cf.Session(spikes, epochs=table), path)


def test_support_runs_from_the_first_epoch_to_the_last(tmp_path):
    spikes = cf.SpikeTrains.from_list([[2.0, 7.0]])
    epochs_only(tmp_path / "s.nwb", spikes, np.array([[1.0, 3.0], [6.0, 9.0]]))
    session = read_nwb(tmp_path / "s.nwb")
    assert session.spikes.support.data.tolist() == [[1.0, 9.0]]
    assert session.spikes.times.tolist() == [2.0, 7.0]


def test_spikes_beyond_the_epochs_are_kept_with_a_warning(tmp_path):
    spikes = cf.SpikeTrains.from_list([[0.5, 12.0]])
    epochs_only(tmp_path / "s.nwb", spikes, np.array([[1.0, 9.0]]))
    with pytest.warns(DataWarning, match="beyond the recording"):
        session = read_nwb(tmp_path / "s.nwb")
    assert session.spikes.times.tolist() == [0.5, 12.0]
    assert session.spikes.support.contains([0.5, 12.0], closed="left").all()
    with pytest.raises(SpikeTimeError, match="beyond the recording"):
        read_nwb(tmp_path / "s.nwb", strict=True)


def test_a_spike_at_the_end_of_an_observation_interval_is_kept(tmp_path):
    spikes = cf.SpikeTrains.from_list([[0.5, 1.0], [5.5]], support=[[0, 2], [5, 6]])
    write_nwb(cf.Session(spikes), tmp_path / "s.nwb")
    with h5py.File(tmp_path / "s.nwb", "r+") as file:
        rows = file["units/obs_intervals"][()]
        rows[rows == 2.0] = 1.0
        file["units/obs_intervals"][...] = rows
    assert read_nwb(tmp_path / "s.nwb").spikes.times.tolist() == [0.5, 1.0, 5.5]
    with h5py.File(tmp_path / "s.nwb", "r+") as file:
        rows[rows == 1.0] = 0.75
        file["units/obs_intervals"][...] = rows
    with pytest.warns(DataWarning, match="1 spikes lie outside"):
        session = read_nwb(tmp_path / "s.nwb")
    assert session.spikes.times.tolist() == [0.5, 5.5]
    assert session.meta["dropped_outside_support"] == 1


@given(st.lists(st.lists(st.integers(0, 5), max_size=8).map(sorted), max_size=5), st.integers(1, 9))
def test_duplicates_are_counted_in_blocks(trains, block):
    spikes = cf.SpikeTrains.from_list([np.array(t, float) for t in trains])
    expected = sum(int((np.diff(t) == 0).sum()) for t in spikes)
    assert count_duplicates(spikes.times, spikes.offsets, block) == expected


def test_large_files_are_written_in_blocks_and_sorted(tmp_path):
    make_nwb_units(tmp_path / "s.nwb", 50, 100_000)
    spikes = read_nwb(tmp_path / "s.nwb").spikes
    assert spikes.n_units == 50
    assert spikes.n_spikes == 100_000
    assert spikes.times.max() < 1e5


def trials(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"epochs": trials(startTime=[0.0], stopTime=[1.0])}, "epochs must have the columns start"),
        ({"trials": trials(start=[0.0], stop=[1.0])}, "trials: NWB keeps rows by their column st"),
        ({"trials": trials(start_time=[0.0], id=[3])}, "/intervals/trials: the column 'id' has"),
        ({"events": {"a/b": [[0, 1]]}}, r"events\['a/b'\]: names of NWB tables hold no slash"),
        (
            {"events": {"trials": [[0, 1]]}, "trials": trials(start_time=[0.0])},
            "/intervals/trials is written twice",
        ),
        (
            {"traces": {n: cf.Traces([1.0], rate=1.0) for n in ("a/b", "a_b")}},
            r"traces\['a_b'\] would be the second processing/cofire/a_b",
        ),
    ],
)
def test_what_would_be_lost_is_refused(tmp_path, parts, message):
    with pytest.raises(InvalidArgumentError, match=message):
        cf.io.write_nwb(cf.Session([[0.1]], **parts), tmp_path / "made.nwb")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("names", [["id"], ["depth", "depth_index"]])
def test_unit_columns_that_mean_something_in_nwb_are_refused(tmp_path, names):
    spikes = cf.SpikeTrains.from_list([[0.1]], metadata={name: [1] for name in names})
    with pytest.raises(InvalidArgumentError, match=f"/units: the column '{names[-1]}' has a name"):
        cf.io.write_nwb(cf.Session(spikes), tmp_path / "made.nwb")


def test_an_electrode_group_may_be_text(tmp_path):
    spikes = cf.SpikeTrains.from_list([[0.1]], metadata={"electrode_group": ["shank1"]})
    cf.io.write_nwb(cf.Session(spikes), tmp_path / "made.nwb")
    found = cf.io.read_nwb(tmp_path / "made.nwb").units
    assert found["electrode_group"].tolist() == ["shank1"]


def test_the_rate_of_a_trace_keeps_its_digits(tmp_path):
    # Single precision would be 20 us off after an hour.
    trace = cf.Traces([1.0, 2.0], rate=29_999.995)
    cf.io.write_nwb(cf.Session(traces={"lfp": trace}), tmp_path / "made.nwb")
    assert cf.io.read_nwb(tmp_path / "made.nwb").traces["lfp"].rate == 29_999.995
