"""Conversion from and to lists, dicts, pairs, pandas, pynapple, nelpy and neo."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire.errors import (
    DataWarning,
    DuplicateIdError,
    InvalidArgumentError,
    InvalidTypeError,
)
from cofire.types import as_intervals, as_spike_trains, as_traces


@pytest.fixture(scope="module")
def nap():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("pynapple")


@pytest.fixture(scope="module")
def neo():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("neo")


@pytest.fixture(scope="module")
def nelpy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("nelpy", exc_type=ImportError)


def three() -> cf.SpikeTrains:
    return cf.SpikeTrains.from_list(
        [[0.1, 0.4, 2.5], [], [0.2]],
        unit_ids=[9, 8, 7],
        support=[[0, 1], [2, 3]],
        metadata={"region": ["CA1", "CA1", "PFC"], "depth": [1.5, 2.5, 3.5]},
    )


def assert_same(a: cf.SpikeTrains, b: cf.SpikeTrains) -> None:
    assert a.unit_ids.tolist() == b.unit_ids.tolist()
    np.testing.assert_allclose(a.times, b.times, rtol=0, atol=1e-9)
    assert a.offsets.tolist() == b.offsets.tolist()
    assert a.support == b.support


# --- plain Python ---------------------------------------------------------------------------------


def test_lists_dicts_and_arrays():
    assert as_spike_trains([[0.1], []]).n_units == 2
    assert as_spike_trains([]).n_units == 0
    assert as_spike_trains({"b": [1.0], "a": []}).unit_ids.tolist() == ["b", "a"]
    assert as_spike_trains(np.array([1.0, 2.0])).counts.tolist() == [2]
    assert as_spike_trains(np.array([[1.0], [2.0, 3.0]], dtype=object)).counts.tolist() == [1, 2]
    spikes = three()
    assert as_spike_trains(spikes) is spikes
    assert as_spike_trains([[2.0, 1.0]], on_unsorted="sort")[0].tolist() == [1.0, 2.0]


def test_times_and_labels_are_a_tuple():
    found = as_spike_trains((np.array([0.3, 0.1, 0.2]), np.array([5, 5, 2])))
    assert found.unit_ids.tolist() == [2, 5]
    assert found.to_dict()[5].tolist() == [0.1, 0.3]
    assert as_spike_trains(([0.3, 0.1], ["b", "a"])).unit_ids.tolist() == ["a", "b"]


def test_a_tuple_of_two_trains_is_two_trains():
    assert as_spike_trains(([0.1, 0.2], [0.3, 0.4])).counts.tolist() == [2, 2]
    assert as_spike_trains(([0.1], [1, 2])).counts.tolist() == [1, 2]
    assert as_spike_trains(([], [])).n_units == 2


@pytest.mark.parametrize(
    ("spikes", "came"),
    [
        (3.0, "float"),
        ("spikes.csv", "str"),
        ([0.1, 0.2], "list"),
        (np.zeros((3, 5)), r"an array of shape \(3, 5\) \(counts are not spike times\)"),
        (None, "NoneType"),
    ],
)
def test_what_holds_no_trains_is_explained(spikes, came):
    with pytest.raises(InvalidTypeError, match=f"trains must be SpikeTrains, .* got {came}"):
        as_spike_trains(spikes, argument="trains")


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "stop"),
    [("start", "stop"), ("start_time", "stop_time"), ("startTime", "stopTime"), ("start", "end")],
)
def test_tables_of_intervals_keep_their_columns(start, stop):
    table = pd.DataFrame({start: [5.0, 0.0], stop: [6.0, 1.0], "env": ["b", "a"]})
    found = as_intervals(table)
    assert found.data.tolist() == [[0.0, 1.0], [5.0, 6.0]]
    assert found.metadata["env"].tolist() == ["a", "b"]


def test_rows_of_a_shuffled_table_keep_their_labels():
    table = pd.DataFrame({"start": [0.0, 5.0, 9.0], "stop": [1.0, 6.0, 9.5], "k": [1, 2, 3]})
    found = as_intervals(table.iloc[[2, 0, 1]])
    assert found.metadata["k"].tolist() == [1, 2, 3]


def test_wrong_intervals_are_explained():
    with pytest.raises(InvalidTypeError, match=r"ripples must be Intervals, an .* got str"):
        as_intervals("x", "ripples")
    with pytest.raises(InvalidTypeError, match=r"needs columns start and stop, got \['a'\]"):
        as_intervals(pd.DataFrame({"a": [1]}))


@pytest.mark.parametrize(
    ("support", "message"),
    [
        ([[2, 1]], "support: interval 0 ends before it starts"),
        ([[0, np.nan]], "support: interval 0 is NaN"),
        ([1, 2, 3], r"support must have shape \(n, 2\)"),
    ],
)
def test_errors_name_the_argument_that_held_the_intervals(support, message):
    with pytest.raises(InvalidArgumentError, match=message):
        cf.bin_spikes([[0.1]], 0.1, support=support)


def test_traces_from_pandas():
    found = as_traces(pd.DataFrame({"x": [1.0, 2.0]}, index=[0.0, 0.5]))
    assert found.times.tolist() == [0.0, 0.5]
    assert found.columns.tolist() == ["x"]
    assert as_traces(pd.Series([1.0, 2.0], index=[0.0, 0.5])).n_signals == 1
    assert as_traces(found) is found
    with pytest.raises(InvalidTypeError, match=r"got ndarray; for an array write Traces\(values"):
        as_traces(np.zeros(3))


# --- pynapple -------------------------------------------------------------------------------------


def test_pynapple_spikes_round_trip(nap):
    back = as_spike_trains(three().to_pynapple())
    # pynapple orders units by id.
    assert_same(back, three().select([7, 8, 9]))
    assert back.metadata["region"].to_dict() == {7: "PFC", 8: "CA1", 9: "CA1"}
    assert back.metadata["depth"].to_dict() == {7: 3.5, 8: 2.5, 9: 1.5}
    assert "rate" not in back.metadata.columns


def test_pynapple_supports_are_closed(nap):
    support = nap.IntervalSet([0, 5], [1, 6])
    group = nap.TsGroup(
        {0: nap.Ts([0.5, 1.0, 5.5]), 1: nap.Ts([6.0], time_support=support)}, time_support=support
    )
    found = as_spike_trains(group)
    assert found.counts.tolist() == [3, 1]
    assert found.support.data.tolist() == [
        [0.0, np.nextafter(1.0, 2)],
        [5.0, np.nextafter(6.0, 7)],
    ]


def test_a_pynapple_ts_is_one_unit(nap):
    assert as_spike_trains(nap.Ts([0.1, 0.2])).counts.tolist() == [2]


@pytest.mark.parametrize("trains", [[], [[]], [[], [1.0]]])
def test_few_units_reach_pynapple(nap, trains):
    spikes = cf.SpikeTrains.from_list(trains)
    assert as_spike_trains(spikes.to_pynapple()).counts.tolist() == spikes.counts.tolist()


def test_pynapple_needs_integer_ids(nap):
    with pytest.raises(InvalidArgumentError, match="pynapple needs integer unit ids"):
        cf.SpikeTrains.from_list([[]], ["a"]).to_pynapple()


def test_pynapple_intervals_round_trip(nap):
    intervals = cf.Intervals([[0, 1], [2, 3]], metadata={"env": ["a", "b"]})
    back = as_intervals(intervals.to_pynapple())
    assert back == intervals
    assert back.metadata["env"].tolist() == ["a", "b"]
    assert len(as_intervals(cf.Intervals([]).to_pynapple())) == 0


def test_pynapple_cannot_hold_instants(nap):
    intervals = cf.Intervals([[0, 0], [2, 3]], metadata={"env": ["a", "b"]})
    with pytest.warns(DataWarning, match="1 intervals of zero length have no place"):
        found = intervals.to_pynapple()
    assert as_intervals(found).metadata["env"].tolist() == ["b"]


def test_overlapping_intervals_are_merged_for_pynapple(nap):
    intervals = cf.Intervals([[0, 2], [1, 3]], metadata={"k": [1, 2]}, on_overlap="keep")
    assert as_intervals(intervals.to_pynapple()).data.tolist() == [[0.0, 3.0]]


def test_pynapple_traces_round_trip(nap):
    traces = cf.Traces(
        np.arange(8.0).reshape(4, 2),
        times=[0.0, 1.0, 5.0, 6.0],
        columns=["x", "y"],
        support=[[0, 2], [5, 7]],
    )
    back = as_traces(traces.to_pynapple())
    np.testing.assert_array_equal(back.values, traces.values)
    np.testing.assert_array_equal(back.times, traces.times)
    assert back.columns.tolist() == ["x", "y"]
    assert back.support == traces.support
    assert as_traces(nap.Tsd(t=[0.0, 1.0], d=[1.0, 2.0])).n_signals == 1


# --- neo ------------------------------------------------------------------------------------------


def test_neo_spikes_round_trip(neo):
    spikes = three()
    back = as_spike_trains(spikes.to_neo())
    np.testing.assert_array_equal(back.times, spikes.times)
    assert back.unit_ids.tolist() == [9, 8, 7]
    # neo knows one span and no gaps.
    assert back.support.data.tolist() == [[0.0, 3.0]]
    assert back.metadata["region"].tolist() == ["CA1", "CA1", "PFC"]
    assert as_spike_trains(cf.SpikeTrains.from_list([[]]).to_neo()).n_units == 1


def test_neo_units_are_rescaled_and_t_stop_belongs_to_the_train(neo):
    import quantities as pq

    trains = [
        neo.SpikeTrain([100.0, 2000.0] * pq.ms, t_start=50 * pq.ms, t_stop=2000 * pq.ms),
        neo.SpikeTrain([0.5] * pq.s, t_start=0.0 * pq.s, t_stop=1.0 * pq.s),
    ]
    found = as_spike_trains(trains)
    assert [t.tolist() for t in found] == [[0.1, 2.0], [0.5]]
    assert found.support.data.tolist() == [[0.0, np.nextafter(2.0, 3)]]


def test_neo_ids_are_kept_or_refused_and_never_made_up(neo):
    def train(**annotations):
        return neo.SpikeTrain([1.0], units="s", t_stop=5.0, **annotations)

    assert as_spike_trains([train(), train()]).unit_ids.tolist() == [0, 1]
    some = as_spike_trains([train(unit_id=1), train()])
    assert some.unit_ids.tolist() == [0, 1]
    assert some.metadata["unit_id"].iloc[0] == 1
    # The same unit in two segments: two trains of one id.
    with pytest.raises(DuplicateIdError, match=r"repeated: \[3\]"):
        as_spike_trains([train(unit_id=3), train(unit_id=3)])


def test_missing_metadata_reach_neo(neo):
    spikes = cf.SpikeTrains.from_list(
        [[1.0]], metadata={"n": pd.array([pd.NA], dtype="Int64"), "s": [None]}
    )
    assert spikes.to_neo()[0].annotations["n"] is None


def test_neo_intervals_round_trip(neo):
    intervals = cf.Intervals([[0, 1], [2.5, 3]], metadata={"label": ["a", "b"]})
    back = as_intervals(intervals.to_neo())
    np.testing.assert_allclose(back.data, intervals.data)
    assert back.metadata["label"].tolist() == ["a", "b"]


@pytest.mark.parametrize("clock", [{"rate": 100.0, "t_start": 1.5}, {"times": [0.0, 0.1, 0.5]}])
def test_neo_traces_round_trip(neo, clock):
    traces = cf.Traces(np.arange(6.0).reshape(3, 2), columns=["x", "y"], **clock)
    back = as_traces(traces.to_neo())
    np.testing.assert_allclose(back.values, traces.values)
    np.testing.assert_allclose(back.times, traces.times)
    assert back.rate == traces.rate
    assert back.columns.tolist() == ["x", "y"]


# --- nelpy ----------------------------------------------------------------------------------------


def test_nelpy_spikes_round_trip(nelpy):
    back = as_spike_trains(three().to_nelpy())
    assert_same(back, three())


def test_nelpy_intervals_round_trip(nelpy):
    intervals = cf.Intervals([[0, 2], [1, 3]], on_overlap="keep", domain=[[0, 10]])
    back = as_intervals(intervals.to_nelpy())
    assert back == intervals
    assert back.domain.tolist() == [[0.0, 10.0]]


def test_what_looks_like_nelpy_is_read():
    """The attributes that nelpy's arrays have, where nelpy itself cannot be imported."""
    domain = SimpleNamespace(data=np.array([[-(2.0**63), np.inf]]))
    support = SimpleNamespace(n_epochs=2, data=np.array([[0.0, 1.0], [2.0, 3.0]]), domain=domain)
    trains = SimpleNamespace(
        series_ids=[4, 2],
        support=support,
        data=np.array([np.array([0.5, 2.0]), np.array([])], dtype=object),
    )
    found = as_spike_trains(trains)
    assert found.unit_ids.tolist() == [4, 2]
    assert found.counts.tolist() == [2, 0]
    assert found.support.data.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert as_intervals(support).domain is None
    domain.data = np.array([[0.0, 5.0]])
    assert as_intervals(support).domain.tolist() == [[0.0, 5.0]]
    signal = SimpleNamespace(
        abscissa_vals=np.array([0.0, 0.5]), data=np.array([[1.0, 2.0]]), support=support
    )
    assert as_traces(signal).values.tolist() == [[1.0], [2.0]]
