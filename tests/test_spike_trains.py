"""SpikeTrains: what goes in, what survives, what is refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import cofire as cf
from cofire import _core
from cofire.errors import (
    DuplicateIdError,
    IdPrecisionError,
    InvalidArgumentError,
    InvalidTypeError,
    SpikeTimeError,
)

lists_of_trains = st.lists(st.lists(st.floats(-10, 10), max_size=12).map(sorted), max_size=5)
edges = st.lists(st.integers(-10, 10), min_size=2, max_size=2, unique=True).map(sorted)
supports = st.lists(edges, max_size=4)


def three() -> cf.SpikeTrains:
    return cf.SpikeTrains.from_list(
        [[0.1, 0.4], [], [0.2]],
        unit_ids=[7, 8, 9],
        support=[[0, 1], [2, 3]],
        metadata={"region": ["CA1", "CA1", "PFC"]},
    )


# --- properties -----------------------------------------------------------------------------------


@given(lists_of_trains, supports)
def test_restricting_keeps_the_spikes_in_half_open_intervals(trains, support):
    found = cf.SpikeTrains.from_list(trains).restrict(support)
    assert found.n_units == len(trains)
    for train, kept in zip(trains, found, strict=True):
        expected = [t for t in train if any(a <= t < b for a, b in support)]
        assert kept.tolist() == expected


def ragged(trains):
    """Times and offsets as kernels take them."""
    offsets = np.concatenate([[0], np.cumsum([len(t) for t in trains])]).astype(np.int64)
    return np.concatenate([np.zeros(0), *trains]), offsets


@given(
    st.lists(
        st.lists(st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 1.0, np.inf, np.nan]), max_size=9),
        max_size=4,
    ),
    st.integers(1, 4),
)
@example([[0.0, 1.0], [0.0, np.nan, 1.0]], 1)
@example([[0.0, np.inf, 1.0]], 1)
def test_the_first_faulty_spike_of_the_first_faulty_unit_is_found(trains, threads):
    expected = None
    for unit, train in enumerate(trains):
        for i, t in enumerate(train):
            fault = None
            if not np.isfinite(t):
                fault = "not_finite"
            elif i > 0 and t < train[i - 1]:
                fault = "unsorted"
            if fault and expected is None:
                expected = (fault, unit, i)
    assert _core.find_bad_spike(*ragged(trains), threads) == expected


@given(st.lists(st.lists(st.floats(-10, 10), max_size=40), max_size=4), st.integers(2, 5))
def test_checking_and_sorting_do_not_depend_on_threads(trains, threads):
    times, offsets = ragged(trains)
    one = _core.find_bad_spike(times, offsets, 1)
    assert _core.find_bad_spike(times, offsets, threads) == one
    assert (one is None) == all(np.array_equal(t, np.sort(t)) for t in trains)
    sorted_ = cf.SpikeTrains.from_list(trains, on_unsorted="sort")
    assert _core.find_bad_spike(sorted_.times, sorted_.offsets, threads) is None
    np.testing.assert_array_equal(sorted_.times, ragged([np.sort(t) for t in trains])[0])


@given(lists_of_trains, supports, st.integers(2, 5))
def test_restricting_does_not_depend_on_threads_or_other_units(trains, support, threads):
    epochs = cf.Intervals(support, on_overlap="merge").merged().data
    times, offsets = _core.restrict(*ragged(trains), epochs, 1)
    many, ends = _core.restrict(*ragged(trains[::-1]), epochs, threads)
    assert offsets[0] == 0
    assert np.diff(offsets).tolist() == np.diff(ends)[::-1].tolist()
    parts = np.split(many, ends[1:-1])
    np.testing.assert_array_equal(ragged(parts[::-1])[0], times)


@given(lists_of_trains, supports, supports)
def test_restricting_twice_is_restricting_to_the_intersection(trains, a, b):
    spikes = cf.SpikeTrains.from_list(trains)
    twice = spikes.restrict(a).restrict(b)
    both = cf.Intervals(a, on_overlap="merge") & cf.Intervals(b, on_overlap="merge")
    once = spikes.restrict(both)
    np.testing.assert_array_equal(twice.times, once.times)
    assert twice.support.total_duration == once.support.total_duration


@given(lists_of_trains, supports)
def test_a_support_given_at_once_or_later_is_the_same(trains, support):
    early = cf.SpikeTrains.from_list(trains, support=support)
    late = cf.SpikeTrains.from_list(trains).with_support(support)
    np.testing.assert_array_equal(early.times, late.times)
    assert early.support == late.support


@given(lists_of_trains)
def test_pairs_lists_and_dicts_hold_the_same_spikes(trains):
    spikes = cf.SpikeTrains.from_list(trains)
    times, labels = spikes.to_pairs()
    assert (np.diff(times) >= 0).all()
    back = cf.SpikeTrains.from_pairs(times, labels, unit_ids=spikes.unit_ids)
    np.testing.assert_array_equal(back.times, spikes.times)
    np.testing.assert_array_equal(back.offsets, spikes.offsets)
    np.testing.assert_array_equal(cf.SpikeTrains.from_dict(spikes.to_dict()).times, spikes.times)


@given(lists_of_trains, st.data())
def test_selecting_units_in_any_order_takes_everything_along(trains, data):
    spikes = cf.SpikeTrains.from_list(
        trains, unit_ids=[10 * i for i in range(len(trains))], metadata={"n": range(len(trains))}
    )
    chosen = data.draw(st.lists(st.sampled_from(range(len(trains))), unique=True)) if trains else []
    found = spikes.select([10 * i for i in chosen])
    assert found.unit_ids.tolist() == [10 * i for i in chosen]
    assert found.metadata["n"].tolist() == chosen
    assert [t.tolist() for t in found] == [trains[i] for i in chosen]


# --- ids, support, metadata survive ---------------------------------------------------------------


def test_ids_and_metadata_survive_every_selection():
    spikes = three()
    for found in (
        spikes.select([9, 7]),
        spikes.select("unit_id != 8").select([9, 7]),
        spikes.select(np.array([True, False, True])).select([9, 7]),
        spikes[::2].select([9, 7]),
        spikes.restrict([[0, 0.3]]).select([9, 7]),
    ):
        assert found.unit_ids.tolist() == [9, 7]
        assert found.metadata.index.tolist() == [9, 7]
        assert found.metadata["region"].tolist() == ["PFC", "CA1"]


def test_silent_units_stay():
    empty = three().restrict(np.zeros((0, 2)))
    assert empty.n_units == 3
    assert empty.n_active == empty.n_spikes == 0
    assert len(empty.support) == 0
    assert empty.unit_ids.tolist() == [7, 8, 9]


def test_a_query_sees_metadata_and_ids():
    assert three().select("region == 'CA1' and unit_id > 7").unit_ids.tolist() == [8]


def test_truth_values_that_come_as_objects_are_a_mask_and_not_ids():
    # Ids 0 and 1 equal False and True.
    spikes = cf.SpikeTrains.from_list([[0.1], [0.2], [0.3]], unit_ids=[1, 0, 5])
    for mask in (
        np.array([False, False, True], dtype=object),
        pd.Series([False, False, True], dtype="boolean"),
        pd.array([False, False, True], dtype="boolean"),
    ):
        assert spikes.select(mask).unit_ids.tolist() == [5]
    assert spikes.select(np.array([True, False, False], dtype=object)).unit_ids.tolist() == [1]


def test_a_table_indexed_by_id_is_brought_into_order():
    table = pd.DataFrame({"depth": [1, 2, 3]}, index=[9, 8, 7])
    found = cf.SpikeTrains.from_list([[], [], []], unit_ids=[7, 8, 9], metadata=table)
    assert found.metadata["depth"].to_dict() == {7: 3, 8: 2, 9: 1}


def test_a_shuffled_table_without_ids_goes_by_position():
    table = pd.DataFrame({"depth": [30, 10, 20]}, index=[2, 0, 1])
    found = cf.SpikeTrains.from_list([[], [], []], metadata=table)
    assert found.metadata["depth"].tolist() == [30, 10, 20]


def test_a_table_of_other_units_is_refused():
    table = pd.DataFrame({"depth": [1, 2]}, index=[7, 12])
    with pytest.raises(InvalidArgumentError, match=r"units that do not exist \(\[12\]\)"):
        cf.SpikeTrains.from_list([[], []], unit_ids=[7, 8], metadata=table)


def test_merging_puts_units_side_by_side():
    other = cf.SpikeTrains.from_list([[5.0]], [1], [[4, 6]], {"region": ["PFC"]})
    found = three().merge(other)
    assert found.unit_ids.tolist() == [7, 8, 9, 1]
    assert found.support.data.tolist() == [[0, 1], [2, 3], [4, 6]]
    assert found.metadata["region"].tolist() == ["CA1", "CA1", "PFC", "PFC"]
    assert three().merge(cf.SpikeTrains.from_list([])).unit_ids.tolist() == [7, 8, 9]
    with pytest.raises(DuplicateIdError, match=r"repeated: \[7\]"):
        three().merge(cf.SpikeTrains.from_list([[]], [7]))
    with pytest.raises(InvalidTypeError, match="must be of one kind"):
        three().merge(cf.SpikeTrains.from_list([[]], ["a"]))


def test_pickles_and_copies_are_whole_and_read_only():
    spikes = three()
    for again in (pickle.loads(pickle.dumps(spikes)), copy.copy(spikes), copy.deepcopy(spikes)):
        np.testing.assert_array_equal(again.times, spikes.times)
        assert again.unit_ids.tolist() == [7, 8, 9]
        assert again.support == spikes.support
        pd.testing.assert_frame_equal(again.metadata, spikes.metadata)
        assert not again.times.flags.writeable
        assert not again.support.data.flags.writeable


# --- edges ----------------------------------------------------------------------------------------


def test_the_support_is_half_open_and_duplicates_count():
    spikes = cf.SpikeTrains.from_list([[0.0, 1.0, 1.0, 2.0]], support=[[0, 1], [1, 2]])
    assert spikes[0].tolist() == [0.0, 1.0, 1.0]
    assert len(spikes.support) == 1


def test_without_a_support_the_span_ends_one_tick_after_the_last_spike():
    spikes = cf.SpikeTrains.from_list([[1.0], [], [0.5, 2.0]])
    assert spikes.support is None
    assert spikes.support_or_span().data.tolist() == [[0.5, 2.0 + 1 / 30_000]]
    assert spikes.support_or_span(fs=10).data.tolist() == [[0.5, 2.1]]


def test_nothing_at_all():
    spikes = cf.SpikeTrains.from_list([])
    assert len(spikes) == spikes.n_spikes == 0
    assert len(spikes.support_or_span()) == 0
    assert spikes.rates().shape == (0,)
    assert spikes.to_pairs()[0].shape == (0,)
    assert np.isnan(cf.SpikeTrains.from_list([[]]).rates()).all()


def test_rates_count_the_time_of_the_support():
    np.testing.assert_allclose(three().rates(), [1.0, 0.0, 0.5])


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8"])
def test_times_become_float64(dtype):
    spikes = cf.SpikeTrains.from_list([np.array([1, 2, 3], dtype=dtype)])
    assert spikes.times.dtype == np.float64
    assert spikes[0].tolist() == [1.0, 2.0, 3.0]


def test_strided_and_read_only_input_is_fine():
    times = np.arange(10.0)
    times.flags.writeable = False
    assert cf.SpikeTrains.from_list([times[::3]])[0].tolist() == [0.0, 3.0, 6.0, 9.0]


def test_one_spike_no_spikes_and_no_units_are_checked_and_restricted():
    for trains, kept in (([], []), ([[]], [0]), ([[1.0]], [1]), ([[], [1.0], [2.0]], [0, 1, 0])):
        assert _core.find_bad_spike(*ragged(trains), 1) is None
        _, offsets = _core.restrict(*ragged(trains), np.array([[0.0, 2.0]]), 1)
        assert np.diff(offsets).tolist() == kept
        nothing, _ = _core.restrict(*ragged(trains), np.zeros((0, 2)), 1)
        assert len(nothing) == 0


def test_items_are_views_and_negative_positions_count_from_the_end():
    spikes = three()
    assert np.shares_memory(spikes[0], spikes.times)
    assert spikes[-1].tolist() == [0.2]
    assert spikes[cf.Intervals([[0, 0.2]])].counts.tolist() == [1, 0, 0]


def test_unsorted_trains_can_be_sorted():
    spikes = cf.SpikeTrains.from_list([[2.0, 1.0], [4.0, 3.0]], on_unsorted="sort")
    assert [t.tolist() for t in spikes] == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("ids", "kind"), [([1.0, 2.0], "i"), (np.array([1, 2], "u8"), "i"), (["a", "b"], "U")]
)
def test_ids_are_integers_or_strings(ids, kind):
    assert cf.SpikeTrains.from_list([[], []], ids).unit_ids.dtype.kind == kind


def test_large_ids_keep_every_digit():
    ids = [2**53 + 1, 2**62 + 3]
    assert cf.SpikeTrains.from_list([[], []], ids).select(ids[1:]).unit_ids.tolist() == ids[1:]


def test_labels_of_matlab_are_taken_as_integers():
    spikes = cf.SpikeTrains.from_pairs([0.3, 0.1], [2.0, 1.0])
    assert spikes.to_dict()[1].tolist() == [0.1]


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: cf.SpikeTrains.from_list([[], [3.25, 3.2]], [5, 17]),
            SpikeTimeError,
            r'sorted: unit 17 has 3.2 s after 3.25 s \(index 1\); pass on_unsorted="sort"',
        ),
        (
            lambda: cf.SpikeTrains.from_list([[1.0, np.nan]]),
            SpikeTimeError,
            r"finite: unit 0 has nan \(index 1\); drop such spikes first",
        ),
        (
            lambda: cf.SpikeTrains.from_list([[2.0, 1.0], [np.inf]], on_unsorted="sort"),
            SpikeTimeError,
            "finite: unit 1 has inf",
        ),
        (lambda: cf.SpikeTrains([1.0], [0, 2]), InvalidArgumentError, "end with the number of"),
        (lambda: cf.SpikeTrains([1.0], [0.0, 1.0]), InvalidArgumentError, "n_units \\+ 1 integers"),
        (lambda: cf.SpikeTrains([1.0], [0, 1, 0, 1]), InvalidArgumentError, "never fall"),
        (lambda: cf.SpikeTrains.from_list([[[1.0]]]), InvalidArgumentError, r"spikes\[0\] must be"),
        (lambda: cf.SpikeTrains.from_list([["x"]]), InvalidTypeError, r"spikes\[0\] must be a 1-D"),
        (lambda: cf.SpikeTrains.from_list([[]], [1, 2]), InvalidArgumentError, "one id per unit"),
        (lambda: cf.SpikeTrains.from_list([[], []], [1, 1]), DuplicateIdError, r"repeated: \[1\]"),
        (lambda: cf.SpikeTrains.from_list([[]], [1.5]), InvalidTypeError, "integers or strings"),
        (lambda: cf.SpikeTrains.from_list([[]], [2.0**60]), IdPrecisionError, "have lost digits"),
        (
            lambda: cf.SpikeTrains.from_list([[]], np.array([2**63], "u8")),
            InvalidArgumentError,
            "signed 64-bit",
        ),
        (
            lambda: cf.SpikeTrains.from_list([[]], metadata={"a": [1, 2]}),
            InvalidArgumentError,
            "one row per unit: got 2 rows for 1",
        ),
        (
            lambda: cf.SpikeTrains.from_list([[]], metadata={"a": 1}),
            InvalidArgumentError,
            "metadata must be a table",
        ),
        (
            lambda: three().select([7, 99]),
            InvalidArgumentError,
            r"not exist: \[99\]; the rec",
        ),
        (lambda: three().select([True]), InvalidArgumentError, r"shape \(3,\), got \(1,\)"),
        (lambda: three().select("deep > 1"), InvalidArgumentError, "failed on the unit table"),
        (lambda: three().select([7, 7]), DuplicateIdError, "must be unique"),
        (lambda: three()[[0, 1]], InvalidTypeError, r"use .select\(mask, ids or query\)"),
        (lambda: three()[np.array([0, 1])], InvalidTypeError, r"use .select\(mask, ids or query\)"),
        (lambda: three()[np.ones(3, bool)], InvalidTypeError, r"use .select\(mask, ids or query\)"),
        (lambda: three().select(slice(0, 2)), InvalidTypeError, r"spikes\[a:b\] takes units by"),
        (lambda: three().select([[7, 8]]), InvalidTypeError, "must be a mask, a list of unit ids"),
        (
            lambda: three().select(pd.array([True, None, False], dtype="boolean")),
            InvalidArgumentError,
            r"true and false only, got <NA> at position 1; .*fillna\(False\)",
        ),
        (lambda: three()[3], IndexError, "unit 3 is out of range: there are 3"),
        (lambda: cf.SpikeTrains.from_pairs([1.0], [1, 2]), InvalidArgumentError, "same length"),
        (
            lambda: cf.SpikeTrains.from_list([], on_unsorted="drop"),
            InvalidArgumentError,
            "on_unsorted must be one of 'error', 'sort'",
        ),
    ],
)
def test_wrong_input_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_another_unit_table_leaves_the_trains_alone():
    trains = cf.SpikeTrains.from_list([[0.1], [0.2]], unit_ids=[5, 3])
    other = trains.with_metadata({"region": ["a", "b"]})
    assert other.metadata["region"].to_dict() == {5: "a", 3: "b"}
    assert np.array_equal(other.times, trains.times)
    assert not len(trains.metadata.columns)


@pytest.mark.parametrize("name", ["find_bad_spike", "restrict"])
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"times": np.zeros(2, np.float32)}, TypeError, "incompatible"),
        ({"times": np.zeros(4)[::2]}, TypeError, "incompatible"),
        ({"times": np.zeros((1, 2))}, ValueError, "values must be 1-D, got 2-D"),
        ({"offsets": np.zeros(0, np.int64)}, ValueError, "offsets must start with 0"),
        ({"offsets": np.array([0, 2, 1, 2])}, ValueError, "offsets fall at position 2"),
        ({"offsets": np.array([0, 3])}, ValueError, "offsets end at 3, values have 2"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1"),
    ],
)
def test_the_bindings_refuse_what_would_read_out_of_bounds(name, changes, error, message):
    arguments = {"times": np.zeros(2), "offsets": np.array([0, 2]), "n_threads": 1}
    if name == "restrict":
        arguments["intervals"] = np.array([[0.0, 1.0]])
    with pytest.raises(error, match=message):
        getattr(_core, name)(**arguments | changes)


def test_the_binding_refuses_other_intervals():
    times, offsets = np.zeros(1), np.array([0, 1])
    with pytest.raises(ValueError, match=r"intervals must have shape \(n, 2\)"):
        _core.restrict(times, offsets, np.zeros((1, 3)), 1)
    with pytest.raises(ValueError, match="intervals must be 2-D, got 1-D"):
        _core.restrict(times, offsets, np.zeros(2), 1)
    with pytest.raises(TypeError):
        _core.restrict(times, offsets, np.zeros((1, 2), int), 1)
