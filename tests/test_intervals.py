"""Intervals: the algebra, labels, edges."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.errors import InvalidArgumentError, InvalidTypeError

pairs = st.tuples(st.integers(0, 20), st.integers(0, 6)).map(lambda p: (p[0], p[0] + p[1]))
sets = st.lists(pairs, max_size=7).map(lambda p: cf.Intervals(p, on_overlap="keep"))
long_sets = st.lists(pairs.filter(lambda p: p[1] > p[0]), max_size=7).map(
    lambda p: cf.Intervals(p, on_overlap="keep")
)
GRID = np.arange(-1, 30, 0.25)


def covered(intervals: cf.Intervals) -> np.ndarray:
    """Which points of a grid lie in [start, stop) of any interval."""
    return np.array([any(a <= t < b for a, b in intervals) for t in GRID], dtype=bool)


# --- algebra --------------------------------------------------------------------------------------


@given(sets, sets)
def test_and_holds_all_pairwise_pieces(a, b):
    expected = [(max(a0, b0), min(a1, b1)) for a0, a1 in a for b0, b1 in b if a0 < b1 and b0 < a1]
    assert sorted(map(tuple, (a & b).data.tolist())) == sorted(expected)
    assert a[b] == a & b


@given(long_sets, long_sets)
def test_algebra_is_that_of_points(a, b):
    np.testing.assert_array_equal(covered(a | b), covered(a) | covered(b))
    np.testing.assert_array_equal(covered(a & b), covered(a) & covered(b))
    np.testing.assert_array_equal(covered(a - b), covered(a) & ~covered(b))
    np.testing.assert_array_equal(covered(~a), ~covered(a))
    np.testing.assert_array_equal(covered(a + b), covered(a) | covered(b))
    np.testing.assert_array_equal(covered(~~a), covered(a))


@given(long_sets)
def test_merging_keeps_the_covered_time(a):
    merged = a.merged()
    np.testing.assert_array_equal(covered(merged), covered(a))
    assert (merged.starts[1:] > merged.stops[:-1]).all()
    assert merged.total_duration == a.total_duration == merged.durations.sum()


@given(long_sets, st.integers(0, 4))
def test_gaps_are_merged_up_to_their_length(a, gap):
    merged = a.merge_gaps(gap)
    assert (merged.starts[1:] - merged.stops[:-1] > gap).all()
    assert (a.overlap_with(merged, total=True) == a.durations).all()


@given(sets, sets)
def test_overlap_is_summed_over_the_merged_others(a, b):
    expected = [sum(max(0, min(a1, b1) - max(a0, b0)) for b0, b1 in b.merged()) for a0, a1 in a]
    np.testing.assert_array_equal(a.overlap_with(b, total=True), expected)


@given(sets, sets)
def test_overlap_with_the_first_that_touches(a, b):
    expected = []
    for a0, a1 in a:
        touching = [(b0, b1) for b0, b1 in b if b0 <= a1 and b1 >= a0]
        b0, b1 = touching[0] if touching else (0, 0)
        expected.append(max(0, min(a1, b1) - max(a0, b0)) if touching else 0)
    np.testing.assert_array_equal(a.overlap_with(b), expected)


@given(sets, sets)
def test_overlapping_keeps_what_has_a_piece_in_common(a, b):
    expected = [(a0, a1) for a0, a1 in a if any(a0 < b1 and b0 < a1 for b0, b1 in b)]
    assert list(a.overlapping(b)) == expected


@given(sets, st.lists(st.integers(-1, 28).map(float), max_size=8))
def test_the_last_interval_owns_a_time(a, times):
    for t, i in zip(times, a.index_of(times), strict=True):
        inside = [k for k, (start, stop) in enumerate(a) if start <= t <= stop]
        assert i == (inside[-1] if inside else -1)
        assert (t in a) == bool(inside)


@given(long_sets, st.integers(0, 60))
def test_truncation_keeps_the_first_seconds(a, duration):
    assert a.truncate(duration).durations.sum() == min(duration, a.durations.sum())


@given(long_sets, st.integers(1, 5))
def test_pieces_of_a_split_add_up(a, width):
    pieces = a.split(width)
    assert pieces.durations.sum() == a.durations.sum()
    assert (pieces.durations <= width).all()
    assert len(pieces) == np.ceil(a.durations / width).sum()


def test_a_split_ends_at_the_stop_whatever_rounding_does():
    # 1 + 3 * 0.1 lies one float beyond 1.3, and NumPy's arange holds it.
    pieces = cf.Intervals([[1.0, 1.3]]).split(0.1)
    assert pieces.stops[-1] == 1.3
    assert len(pieces) == 3
    np.testing.assert_allclose(pieces.durations, 0.1)


@given(long_sets, st.lists(st.floats(0, 26), max_size=8))
def test_time_without_gaps_runs_along_the_intervals(a, times):
    a = a.merged()
    for t, joined in zip(times, a.remove_gaps(times), strict=True):
        if t in a:
            before = sum(min(b, t) - s for s, b in a if s < t)
            assert joined == pytest.approx(before, abs=1e-9)
        else:
            assert np.isnan(joined)


@given(sets, st.integers(0, 3))
def test_shrinking_undoes_expanding(a, x):
    assert (a + x) - x == a
    assert a.expand(x, "start").shrink(x, "start") == a
    assert a.expand(x, "stop").shrink(x, "stop") == a


# --- golden ---------------------------------------------------------------------------------------


def test_the_algebra_is_that_of_the_reference(golden, golden_session):
    expected = golden("intervals")
    s = golden_session
    found = {
        "task_and_theta": s.epochs[1] & s.theta,
        "ripples_and_nrem": s.ripples & s.nrem,
        "ripples_and_nrem_in_post": (s.ripples & s.nrem)[s.epochs[2]],
        "ripples_in_task": s.ripples[s.epochs[1]],
        "union": s.theta | s.nrem,
        "theta_minus_ripples": s.theta - s.ripples,
        "theta_expand_005": s.theta.expand(0.05),
        "theta_expand_merge": s.theta.expand(0.05).merged(),
        "theta_merge_gap_02": s.theta.merge_gaps(0.2),
        "truncate_nrem_40s": s.nrem.truncate(40.0),
        "strict": s.ripples.within(s.nrem),
        "nrem_complement": ~cf.Intervals(s.nrem.data, domain=s.spikes.support),
        "theta_shrink": s.theta.shrink(float(expected["shrink_amount"])),
    }
    for name, intervals in found.items():
        np.testing.assert_allclose(
            intervals.data, expected[name].reshape(-1, 2), rtol=0, atol=1e-9, err_msg=name
        )
    np.testing.assert_allclose(
        s.theta.overlap_with(s.ripples), expected["overlap_theta_ripple"], rtol=0, atol=1e-9
    )
    assert s.theta.total_duration == pytest.approx(float(expected["theta_length"]))
    n = int(expected["in_nrem_n"])
    inside = np.unpackbits(expected["in_nrem"])[:n].astype(bool)
    np.testing.assert_array_equal(s.nrem.contains(s.ripples.starts), inside)


# --- labels ---------------------------------------------------------------------------------------


def labeled() -> cf.Intervals:
    return cf.Intervals([[5, 6], [0, 2], [3, 4]], metadata={"env": ["c", "a", "b"]})


def test_labels_follow_their_interval():
    a = labeled()
    assert a.metadata["env"].tolist() == ["a", "b", "c"]
    assert a[[2, 0]].metadata["env"].tolist() == ["a", "c"]
    assert a[-1].metadata["env"].tolist() == ["c"]
    assert a[a.durations > 1].metadata["env"].tolist() == ["a"]
    assert (a & [[1, 3.5]]).metadata["env"].tolist() == ["a", "b"]
    assert a.expand(0.1).metadata["env"].tolist() == ["a", "b", "c"]
    assert a.split(1).metadata["env"].tolist() == ["a", "a", "b", "c"]
    assert a.truncate(2.5).metadata["env"].tolist() == ["a", "b"]
    assert a.overlapping([[5, 9]]).metadata["env"].tolist() == ["c"]
    assert (a + labeled().expand(10)).metadata["env"].tolist()[:2] == ["a", "b"]


def test_a_query_sees_labels_and_times():
    a = labeled()
    assert a.select("env == 'b'").data.tolist() == [[3, 4]]
    assert a.select("duration > 1 and start < 1").data.tolist() == [[0, 2]]
    assert a.to_frame().columns.tolist() == ["start", "stop", "duration", "env"]


def test_pickles_and_copies_are_whole_and_read_only():
    a = cf.Intervals([[0, 1]], metadata={"env": ["a"]}, domain=[0, 9])
    for again in (pickle.loads(pickle.dumps(a)), copy.copy(a), copy.deepcopy(a)):
        assert again == a
        assert again.metadata["env"].tolist() == ["a"]
        assert again.domain.tolist() == [[0, 9]]
        assert not again.data.flags.writeable


# --- edges ----------------------------------------------------------------------------------------


def test_nothing_at_all():
    none = cf.Intervals([])
    assert len(none) == 0
    assert none.total_duration == 0
    assert repr(none) == "Intervals(empty)"
    assert (~none).data.tolist() == [[-np.inf, np.inf]]
    assert len(none & [[0, 1]]) == len(none - [[0, 1]]) == len(none.split(1)) == 0
    assert (none | [[0, 1]]).data.tolist() == [[0, 1]]
    assert not none.contains([0.0]).any()
    assert none.overlap_with([[0, 1]], total=True).shape == (0,)
    assert cf.Intervals([[0, 1]]).overlap_with([]).tolist() == [0.0]
    assert len(none.truncate(3)) == 0


def test_touching_intervals_do_not_overlap():
    a = cf.Intervals([[0, 1], [1, 2]])
    assert a.is_disjoint
    assert len(a[0] & a[1]) == 0
    assert a.merged().data.tolist() == [[0, 2]]
    assert a.index_of([1.0]).tolist() == [1]
    assert a.contains([2.0]).tolist() == [True]
    assert a.contains([2.0], closed="left").tolist() == [False]


def test_the_complement_lives_in_the_domain():
    a = cf.Intervals([[1, 2]], domain=[[0, 5], [8, 9]])
    assert (~a).data.tolist() == [[0, 1], [2, 5], [8, 9]]
    assert (~a[0:0]).data.tolist() == [[0, 5], [8, 9]]


def test_instants_lie_within_what_holds_them():
    instants = cf.Intervals([[0.5, 0.5], [5, 5]])
    assert instants.within([[0, 1]]).data.tolist() == [[0.5, 0.5]]
    assert instants.overlapping([[0, 1]]).data.tolist() == [[0.5, 0.5]]
    assert (instants & [[0, 1]]).data.tolist() == [[0.5, 0.5]]


def test_overlap_can_be_merged_or_kept():
    assert cf.Intervals([[0, 2], [1, 3]], on_overlap="merge").data.tolist() == [[0, 3]]
    kept = cf.Intervals([[0, 9], [1, 3]], on_overlap="keep")
    assert not kept.is_disjoint
    assert kept.index_of([2.0, 5.0]).tolist() == [1, 0]
    assert kept.total_duration == 9


def test_a_nullable_column_selects_intervals():
    a = cf.Intervals([[0, 1], [2, 3]], metadata={"ok": pd.array([False, True], dtype="boolean")})
    assert a.select(a.metadata["ok"]).data.tolist() == [[2, 3]]
    assert a[np.array([True, False], dtype=object)].data.tolist() == [[0, 1]]


def test_input_is_not_changed_and_may_be_strided():
    data = np.array([[3.0, 9.0, 4.0], [0.0, 9.0, 1.0]])
    a = cf.Intervals(data[:, ::2])
    assert a.data.tolist() == [[0, 1], [3, 4]]
    assert data[0].tolist() == [3.0, 9.0, 4.0]
    with pytest.raises(ValueError, match="read-only"):
        a.data[0, 0] = 7


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: cf.Intervals([[0, 2], [1, 3]]),
            InvalidArgumentError,
            r'intervals overlap: \[0, 2\) and \[1, 3\) s; pass on_overlap="merge" or',
        ),
        (lambda: cf.Intervals([[2, 1]]), InvalidArgumentError, "interval 0 ends before it starts"),
        (lambda: cf.Intervals([[0, np.nan]]), InvalidArgumentError, "interval 0 is NaN"),
        (
            lambda: cf.Intervals([1, 2, 3]),
            InvalidArgumentError,
            r"\(n, 2\).*got shape \(3,\)",
        ),
        (lambda: cf.Intervals("x"), InvalidTypeError, r"must be an \(n, 2\) array of starts"),
        (
            lambda: cf.Intervals([[0, 1]], metadata={"a": [1, 2]}),
            InvalidArgumentError,
            "one row per interval: got 2 rows for 1",
        ),
        (lambda: cf.Intervals([[0, 1]]).shrink(1), InvalidArgumentError, "inverts interval 0"),
        (lambda: cf.Intervals([[0, 1]]).merge_gaps(-1), InvalidArgumentError, "not be negative"),
        (lambda: cf.Intervals([[0, 1]]).split(0), InvalidArgumentError, "width must be positive"),
        (
            lambda: cf.Intervals([[0, np.inf]]).split(1),
            InvalidArgumentError,
            "only bounded intervals can be split; clip them first",
        ),
        (lambda: cf.Intervals([[0, 1]])[3], IndexError, "interval 3 is out of range: there are 1"),
        (lambda: cf.Intervals([[0, 1]])[[True, False]], InvalidArgumentError, r"shape \(1,\)"),
        (lambda: cf.Intervals([[0, 1]]).select("x > 1"), InvalidArgumentError, "columns: start"),
        (lambda: cf.Intervals([[0, 1]])["a"], InvalidArgumentError, "selected by a mask, a slice"),
        (
            lambda: cf.Intervals([[0, 1]], domain=[2, 1]),
            InvalidArgumentError,
            "domain: interval 0 ends before it starts",
        ),
        (
            lambda: cf.Intervals([[0, 1]]) & [1, 2, 3],
            InvalidArgumentError,
            "the other operand must",
        ),
        (
            lambda: cf.Intervals([[0, 1], [2, 3]]).select(pd.array([True, None], dtype="boolean")),
            InvalidArgumentError,
            "true and false only, got <NA> at position 1",
        ),
        (
            lambda: cf.Intervals([[0, 1]]).contains([0], closed="right"),
            InvalidArgumentError,
            "closed must be one of 'both', 'left'",
        ),
        (
            lambda: cf.Intervals([], on_overlap="drop"),
            InvalidArgumentError,
            "on_overlap must be one of",
        ),
    ],
)
def test_wrong_input_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
