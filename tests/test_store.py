"""save and load: two files, no pickles, nothing lost."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import types
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cofire as cf
from cofire.errors import FileFormatError, InvalidTypeError, UnsupportedVersionError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results"


def again(obj, path):
    cf.save(obj, path)
    return cf.load(path)


def assert_same_trains(a: cf.SpikeTrains, b: cf.SpikeTrains) -> None:
    np.testing.assert_array_equal(a.times, b.times)
    np.testing.assert_array_equal(a.offsets, b.offsets)
    np.testing.assert_array_equal(a.unit_ids, b.unit_ids)
    assert a.unit_ids.dtype == b.unit_ids.dtype
    assert (a.support is None) == (b.support is None)
    if a.support is not None:
        assert a.support == b.support
    pd.testing.assert_frame_equal(a.metadata, b.metadata)


def test_two_files_are_written(path):
    cf.save(cf.Intervals([[0, 1]]), path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["results.json", "results.npz"]
    document = json.loads((path.parent / "results.json").read_text())
    assert document["format"] == "cofire"
    assert document["schema"] == 1
    assert document["cofire"] == cf.__version__


@pytest.mark.parametrize("name", ["r", "r.npz", "r.json", "r.v2"])
def test_the_ending_is_optional(tmp_path, name):
    cf.save([1, 2], tmp_path / name)
    assert cf.load(str(tmp_path / name)) == [1, 2]
    stem = name.removesuffix(".npz").removesuffix(".json")
    assert (tmp_path / f"{stem}.npz").is_file()


def test_arrays_have_readable_names(path):
    cf.save(cf.Session(cf.SpikeTrains.from_list([[1.0]])), path)
    with np.load(f"{path}.npz") as file:
        assert {"spikes.times", "spikes.offsets", "spikes.unit_ids"} <= set(file)


def test_spike_trains_round_trip(path):
    trains = cf.SpikeTrains.from_list(
        [[0.1, 0.2], [], [0.15]],
        unit_ids=["a", "b", "c"],
        support=[[0, 0.5], [1, 2]],
        metadata={"region": ["CA1", None, "PFC"], "depth": [1.5, np.nan, 2.0]},
    )
    loaded = again(trains, path)
    assert_same_trains(trains, loaded)
    assert not loaded.times.flags.writeable


@given(
    trains=st.lists(
        st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=5).map(sorted), max_size=4
    ),
    has_support=st.booleans(),
)
def test_any_spike_trains_round_trip(tmp_path_factory, trains, has_support):
    path = tmp_path_factory.getbasetemp() / "overwritten"
    support = [[-2e6, 2e6]] if has_support else None
    spikes = cf.SpikeTrains.from_list(trains, support=support)
    assert_same_trains(spikes, again(spikes, path))


@pytest.mark.parametrize("domain", [None, [[0.0, 100.0]]])
def test_intervals_round_trip(path, domain):
    intervals = cf.Intervals(
        [[0, 5], [3, np.inf]], metadata={"k": [1, 2]}, on_overlap="keep", domain=domain
    )
    loaded = again(intervals, path)
    assert loaded == intervals
    pd.testing.assert_frame_equal(loaded.metadata, intervals.metadata)
    np.testing.assert_array_equal((~loaded).data, (~intervals).data)


@pytest.mark.parametrize(
    "traces",
    [
        cf.Traces(np.arange(6.0).reshape(3, 2), rate=100.0, t_start=2.5, columns=["x", "y"]),
        cf.Traces(np.array([1, np.nan], dtype=np.float32), times=[0.0, 0.7], support=[[0, 1]]),
        cf.Traces(np.zeros((0, 3)), rate=1.0),
    ],
    ids=["regular", "irregular", "empty"],
)
def test_traces_round_trip(path, traces):
    loaded = again(traces, path)
    np.testing.assert_array_equal(loaded.values, traces.values)
    assert loaded.values.dtype == traces.values.dtype
    assert loaded.rate == traces.rate
    assert loaded.support == traces.support
    np.testing.assert_array_equal(loaded.times, traces.times)
    np.testing.assert_array_equal(loaded.columns, traces.columns)


def test_session_round_trip(path):
    session = cf.Session(
        {3: [0.1], 5: []},
        epochs=pd.DataFrame({"name": ["pre", "task"], "start": [0.0, 1.0], "stop": [1.0, 2.0]}),
        states={"NREM": [[0.0, 0.5]]},
        events={"ripples": cf.Intervals([[0.2, 0.3]], metadata={"peak": [0.25]})},
        trials=pd.DataFrame({"choice": ["L", None]}),
        traces={"speed": cf.Traces([1.0, 2.0], rate=10.0)},
        path="/somewhere/rat.nwb",
        meta={
            "subject": {"age": 3, "born": date(2020, 1, 2)},
            "started": datetime(2021, 5, 6, 7, 8, tzinfo=UTC),
            "file": np.arange(3),
        },
    )
    loaded = again(session, path)
    assert_same_trains(loaded.spikes, session.spikes)
    pd.testing.assert_frame_equal(loaded.epochs, session.epochs)
    pd.testing.assert_frame_equal(loaded.trials, session.trials)
    assert loaded.states == session.states
    assert loaded.events["ripples"].metadata["peak"].tolist() == [0.25]
    assert loaded.traces["speed"].rate == 10.0
    assert loaded.path == session.path
    assert loaded.meta["subject"] == session.meta["subject"]
    assert loaded.meta["started"] == session.meta["started"]
    np.testing.assert_array_equal(loaded.meta["file"], [0, 1, 2])


def test_an_empty_session_round_trips(path):
    assert repr(again(cf.Session(), path)) == repr(cf.Session())


def test_results_round_trip(path):
    binned = cf.bin_spikes([[0.05, 0.15]], 0.1, support=[[0.0, 0.3]])
    loaded = again({"binned": binned, "list": [binned, (1, None)]}, path)
    assert type(loaded["binned"]) is type(binned)
    np.testing.assert_array_equal(loaded["list"][0].counts, binned.counts)
    assert loaded["list"][0].counts.dtype == np.int32
    assert loaded["list"][1] == (1, None)
    assert loaded["binned"].support == binned.support


def test_statistics_round_trip(path):
    from cofire.stats import paired_sessions, rank_sum

    test = rank_sum([1.0, 2.0], [3.0, 4.0])
    assert again(test, path) == test
    table = {"session": list("abc"), "x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, np.nan]}
    paired = paired_sessions(table, ("x", "y"), n_boot=50)
    loaded = again(paired, path)
    pd.testing.assert_frame_equal(loaded.table, paired.table)
    assert loaded.dropped == ("c",)
    assert loaded.p == paired.p


@pytest.fixture
def detector_module():
    """A module that looks like one of cofire's."""
    module = types.ModuleType("cofire.assemblies.fake_detector")

    class Detector:
        def __init__(self, n=3, rng=0):
            self.n = n
            self.rng = rng

        def fit(self, x):
            self.patterns_ = np.asarray(x)
            self.names_ = None
            self._cache = object()
            return self

    Detector.__module__ = module.__name__
    Detector.__qualname__ = "Detector"
    module.Detector = Detector
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def test_an_estimator_keeps_parameters_and_what_it_learned(path, detector_module):
    fitted = detector_module.Detector(n=7, rng=np.random.default_rng(4)).fit([[1.0, 2.0]])
    loaded = again(fitted, path)
    assert type(loaded) is detector_module.Detector
    assert loaded.n == 7
    assert loaded.rng.random() == np.random.default_rng(4).random()
    np.testing.assert_array_equal(loaded.patterns_, [[1.0, 2.0]])
    assert loaded.names_ is None
    assert not hasattr(loaded, "_cache")


@pytest.mark.parametrize("name", ["MT19937", "PCG64", "Philox", "SFC64"])
def test_random_generators_continue_where_they_were(path, name):
    generator = np.random.Generator(getattr(np.random, name)(5))
    generator.random(3)
    loaded = again(generator, path)
    assert loaded.random() == generator.random()


# --- tables ---------------------------------------------------------------------------------------


def frame() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "text": ["a", "ü" * 300, ""],
            "gaps": pd.Series(["a", None, "b"], dtype=object),
            "nan": pd.Series(["a", np.nan, "b"], dtype=object),
            "string": pd.array(["x", pd.NA, "y"], dtype="string"),
            "big": np.array([2**53 + 1, -(2**63), 7]),
            "nullable": pd.array([2**53 + 1, pd.NA, 3], dtype="Int64"),
            "bool": [True, False, True],
            "maybe": pd.array([True, pd.NA, False], dtype="boolean"),
            "mixed": pd.Series([True, None, 3], dtype=object),
            "float": [1.5, np.nan, -np.inf],
            "single": np.array([1, 2, 3], dtype=np.float32),
            "when": pd.to_datetime(["2020-01-01T00:00:00.5", None, "2021-02-03T04:05:06.7"]),
            "zoned": pd.to_datetime(["2020-01-01", None, "2021-07-03"]).tz_localize(
                "Europe/Berlin"
            ),
            "lists": pd.Series([[1, 2], np.array([1.5]), {"a": (1,)}], dtype=object),
            4: [1, 2, 3],
        }
    )
    table.index = pd.Index([10, 2**60 + 1, 30], name="unit")
    return table


def test_tables_keep_their_dtypes(path):
    table = frame()
    loaded = again(table, path)
    odd = loaded.pop("lists")
    assert odd.iloc[0] == [1, 2]
    np.testing.assert_array_equal(odd.iloc[1], [1.5])
    assert odd.iloc[2] == {"a": (1,)}
    pd.testing.assert_frame_equal(loaded, table.drop(columns="lists"))
    assert loaded["gaps"].iloc[1] is None
    assert loaded["maybe"].iloc[1] is pd.NA
    assert loaded["big"].iloc[0] == 2**53 + 1
    assert loaded["nullable"].iloc[0] == 2**53 + 1
    assert loaded.index[1] == 2**60 + 1


def test_a_categorical_column_comes_back_as_its_categories(path):
    table = pd.DataFrame({"c": pd.Categorical(["x", None, "y"]), "n": pd.Categorical([3, 3, 1])})
    loaded = again(table, path)
    assert loaded["c"].tolist()[::2] == ["x", "y"]
    assert loaded["c"].isna().tolist() == [False, True, False]
    assert loaded["n"].tolist() == [3, 3, 1]
    assert not isinstance(loaded["c"].dtype, pd.CategoricalDtype)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(),
        pd.DataFrame(index=[3, 4]),
        pd.DataFrame({"a": []}),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("x", 1)], names=["p", "q"])),
        pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("x", 1)])),
        pd.DataFrame({"a": [1, 2]}, index=pd.to_datetime(["2020-01-01", "2020-01-02"])),
        pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(4, 8, 2, name="r")),
    ],
    ids=[
        "empty",
        "no columns",
        "no rows",
        "duplicates",
        "multi",
        "multi columns",
        "dates",
        "range",
    ],
)
def test_odd_tables_round_trip(path, table):
    pd.testing.assert_frame_equal(again(table, path), table, check_freq=False)


def test_series_and_index_round_trip(path):
    series = pd.Series([1.0, None], index=["a", "b"], name=("x", 1))
    loaded = again(
        [series, series.index, pd.NA, pd.NaT, pd.Timestamp("2020-01-01", tz="UTC")], path
    )
    pd.testing.assert_series_equal(loaded[0], series)
    pd.testing.assert_index_equal(loaded[1], series.index)
    assert loaded[2] is pd.NA
    assert loaded[3] is pd.NaT
    assert loaded[4] == pd.Timestamp("2020-01-01", tz="UTC")


def test_a_column_that_cannot_be_stored_is_named(path):
    table = pd.DataFrame({"p": pd.period_range("2020", periods=2, freq="D")})
    with pytest.raises(InvalidTypeError, match=r"cannot store units\.p: a column of dtype period"):
        cf.save({"units": table}, path)


# --- plain values ---------------------------------------------------------------------------------

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(value=values)
def test_any_plain_value_round_trips(tmp_path_factory, value):
    loaded = again(value, tmp_path_factory.getbasetemp() / "overwritten")
    assert loaded == value
    assert type(loaded) is type(value)


@settings(max_examples=30)
@given(
    array=hnp.arrays(
        st.one_of(
            hnp.integer_dtypes(),
            hnp.floating_dtypes(sizes=(32, 64)),
            hnp.boolean_dtypes(),
            hnp.complex_number_dtypes(sizes=(64, 128)),
            hnp.unicode_string_dtypes(max_len=4),
            hnp.datetime64_dtypes(),
        ),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
def test_any_array_round_trips(tmp_path_factory, array):
    loaded = again(array, tmp_path_factory.getbasetemp() / "overwritten")
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == array.dtype
    assert loaded.shape == array.shape


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_lacks_round_trip(path, value):
    assert repr(again(value, path)) == repr(value)


def test_numpy_scalars_keep_their_type(path):
    loaded = again([np.float32(1.5), np.int64(2**62), np.bool_(True)], path)
    assert [type(v) for v in loaded] == [np.float32, np.int64, np.bool_]


def test_equal_objects_give_equal_files(tmp_path):
    for name in ("a", "b"):
        cf.save(cf.SpikeTrains.from_list([[1.0, 2.0]]), tmp_path / name)
    for ending in ("npz", "json"):
        files = [(tmp_path / f"{name}.{ending}").read_bytes() for name in ("a", "b")]
        assert files[0] == files[1]


def test_compressed_files_are_smaller(tmp_path):
    trains = cf.SpikeTrains.from_list([np.zeros(10_000)])
    cf.save(trains, tmp_path / "a")
    cf.save(trains, tmp_path / "b", compress=True)
    assert (tmp_path / "b.npz").stat().st_size < (tmp_path / "a.npz").stat().st_size / 10
    assert_same_trains(cf.load(tmp_path / "b"), trains)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([1, None], dtype=object), "cannot store meta.x: an array of dtype object"),
        (np.ma.array([1.0], mask=[True]), "cannot store meta.x: an array of a masked array"),
        (len, "cannot store meta.x: builtins.builtin_function_or_method"),
        ({1, 2}, "cannot store meta.x: builtins.set"),
        (np.random.default_rng, "cannot store meta.x"),
    ],
    ids=["objects", "masked", "function", "set", "callable"],
)
def test_what_needs_a_pickle_is_refused_by_place(path, value, message):
    with pytest.raises(InvalidTypeError, match=message):
        cf.save(cf.Session(meta={"x": value}), path)
    assert list(path.parent.iterdir()) == []


def test_classes_of_other_people_are_refused(path):
    @dataclasses.dataclass
    class Mine:
        x: int = 1

    with pytest.raises(InvalidTypeError, match="cofire stores its containers, results"):
        cf.save(Mine(), path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; create it first"):
        cf.save([1], tmp_path / "nowhere" / "x")


@pytest.mark.parametrize("ending", ["npz", "json"])
def test_a_missing_file_is_named(path, ending):
    cf.save([1], path)
    Path(f"{path}.{ending}").unlink()
    with pytest.raises(FileNotFoundError, match=f"results.{ending} does not exist"):
        cf.load(path)


def change_json(path: Path, **changes) -> None:
    file = Path(f"{path}.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_newer_schema_is_refused(path):
    cf.save([1], path)
    change_json(path, schema=2, cofire="9.1.0")
    with pytest.raises(UnsupportedVersionError, match=r"cofire 9\.1\.0 with schema 2; .*upgrade"):
        cf.load(path)


@pytest.mark.parametrize("schema", [None, "1", 0])
def test_a_schema_that_is_no_version_is_refused(path, schema):
    cf.save([1], path)
    change_json(path, schema=schema)
    with pytest.raises(FileFormatError, match="no valid schema version"):
        cf.load(path)


def test_json_of_others_is_refused(path):
    cf.save([1], path)
    Path(f"{path}.json").write_text('{"a": 1}')
    with pytest.raises(FileFormatError, match="not written by cofire"):
        cf.load(path)


@pytest.mark.parametrize("text", ["", "{", '{"format": "cofire", "schema": 1}'])
def test_damaged_json_is_refused(path, text):
    cf.save([1], path)
    Path(f"{path}.json").write_text(text)
    with pytest.raises(FileFormatError, match=r"results\.json is (not JSON|incomplete)"):
        cf.load(path)


@pytest.mark.parametrize("keep", [0, 10, 400])
def test_truncated_arrays_are_refused(path, keep):
    cf.save(np.arange(1000), path)
    file = Path(f"{path}.npz")
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match=r"damaged|not written by cofire"):
        cf.load(path)


def test_a_flipped_byte_is_noticed(path):
    cf.save(np.arange(1000), path)
    file = Path(f"{path}.npz")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(bytes(data))
    with pytest.raises(FileFormatError, match="damaged"):
        cf.load(path)


def test_files_of_two_saves_are_not_mixed(tmp_path):
    cf.save(np.arange(3), tmp_path / "a")
    cf.save(np.arange(3) + 1, tmp_path / "b")
    os.replace(tmp_path / "b.npz", tmp_path / "a.npz")
    with pytest.raises(FileFormatError, match="come from different saves"):
        cf.load(tmp_path / "a")


@pytest.mark.parametrize(
    "reference",
    [
        "os.system",
        "subprocess.Popen",
        "cofire.types.store.os",
        "cofire._core.jitter_spikes",
        "cofire.cli.App",
        "cofire.types.spike_trains._core",
        "cofire.types.Nothing",
        "cofire.types.no_such_module.X",
        "cofire.types.Session; import os",
    ],
)
@pytest.mark.parametrize("kind", ["result", "estimator"])
def test_a_file_cannot_name_other_classes(path, reference, kind):
    cf.save([1], path)
    change_json(path, object={"$": kind, "class": reference, "fields": {}})
    with pytest.raises(FileFormatError, match="does not have"):
        cf.load(path)


def test_a_file_cannot_call_a_class_that_is_no_result(path):
    cf.save([1], path)
    for kind, message in (("result", "not a result class"), ("estimator", "not an estimator")):
        change_json(path, object={"$": kind, "class": "cofire.types.Session", "fields": {}})
        with pytest.raises(FileFormatError, match=message):
            cf.load(path)


@pytest.mark.parametrize("kind", ["container", "nothing", "_fields", "__class__"])
def test_unknown_kinds_are_refused(path, kind):
    cf.save([1], path)
    change_json(path, object={"$": kind, "fields": {}})
    with pytest.raises(FileFormatError, match="unknown kind"):
        cf.load(path)


def test_fields_that_have_changed_are_reported(path):
    from cofire.stats import rank_sum

    cf.save(rank_sum([1.0], [2.0]), path)
    document = json.loads(Path(f"{path}.json").read_text())
    del document["object"]["fields"]["p"]
    change_json(path, object=document["object"])
    with pytest.raises(FileFormatError, match=r"fields of cofire\.stats\.RankTest have changed"):
        cf.load(path)


def test_a_failed_save_keeps_the_old_object(path, monkeypatch):
    cf.save([1], path)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        cf.save([2], path)
    monkeypatch.undo()
    assert cf.load(path) == [1]
    assert sorted(p.name for p in path.parent.iterdir()) == ["results.json", "results.npz"]
