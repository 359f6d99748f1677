import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf

# Edges on a grid of whole seconds: a set of intervals is then a set of grid cells.
CELLS = 40
pairs = st.tuples(st.integers(0, CELLS), st.integers(0, CELLS)).map(sorted)
sets = st.lists(pairs, max_size=8).map(lambda p: np.array(p, dtype=float).reshape(-1, 2))
DOMAIN = [0.0, float(CELLS)]


def make(data):
    return cf.Intervals(data, on_overlap="keep", domain=DOMAIN)


def cells(intervals):
    """Which unit cells are covered."""
    out = np.zeros(CELLS, dtype=bool)
    for start, stop in intervals:
        out[int(start) : int(stop)] = True
    return out


@given(sets, sets)
def test_algebra_equals_that_of_grid_cells(a, b):
    x, y = make(a), make(b)
    assert np.array_equal(cells(x & y), cells(a) & cells(b))
    assert np.array_equal(cells(x | y), cells(a) | cells(b))
    assert np.array_equal(cells(x - y), cells(a) & ~cells(b))
    assert np.array_equal(cells(~x), ~cells(a))
    assert np.array_equal(cells(x + y), cells(a) | cells(b))


@given(sets, sets)
def test_de_morgan(a, b):
    x, y = make(a), make(b)
    assert np.array_equal(cells(~(x | y)), cells(~x & ~y))
    assert np.array_equal(cells(~(x & y)), cells(~x | ~y))


@given(sets, sets)
def test_measure_is_additive(a, b):
    x, y = make(a), make(b)
    whole = (x | y).total_duration + (x & y).total_duration
    assert whole == x.total_duration + y.total_duration
    assert (~x).total_duration + x.total_duration == CELLS
    assert x.total_duration == cells(a).sum()


@given(sets)
def test_merged_is_disjoint_and_idempotent(a):
    merged = make(a).merged()
    assert (merged.starts[1:] > merged.stops[:-1]).all()
    assert merged.merged() == merged
    assert np.array_equal(cells(merged), cells(a))


@given(sets, st.integers(0, 6))
def test_merge_gaps_fills_exactly_the_short_gaps(a, gap):
    merged = make(a).merge_gaps(gap)
    assert (merged.starts[1:] - merged.stops[:-1] > gap).all()
    assert not (cells(a) & ~cells(merged)).any()
    inner = ~make(a).merged() & cf.Intervals([[a[:, 0].min(), a[:, 1].max()]] if len(a) else [])
    filled = cells(merged) & ~cells(a)
    assert np.array_equal(filled, cells(inner[inner.durations <= gap]))


@given(sets, st.integers(0, 9), st.sampled_from(["both", "start", "stop"]))
def test_shrink_undoes_expand(a, amount, direction):
    x = make(a)
    assert x.expand(amount, direction).shrink(amount, direction) == x


def test_shrinking_past_zero_names_the_interval():
    with pytest.raises(ValueError, match=r"inverts interval 1 \[5, 6\)"):
        cf.Intervals([[0, 4], [5, 6]]).shrink(1.0)


@given(sets, st.lists(st.integers(-2, 2 * CELLS + 2), max_size=30), st.booleans())
def test_index_of_equals_a_loop(a, half_seconds, is_closed):
    x = make(a)
    times = np.array(half_seconds, dtype=float) / 2
    expected = []
    for t in times:
        found = -1
        for i, (start, stop) in enumerate(x):
            if start <= t < stop or (is_closed and t == stop):
                found = i
        expected.append(found)
    closed = "both" if is_closed else "left"
    # Where intervals touch or overlap the last one owns the time.
    assert x.index_of(times, closed).tolist() == expected


@given(sets, st.integers(0, 120))
def test_truncate_keeps_the_first_seconds(a, duration):
    x = make(a).merged()
    kept = x.truncate(duration)
    assert kept.total_duration == min(duration, x.total_duration)
    order = np.flatnonzero(cells(x))[:duration]
    assert np.array_equal(np.flatnonzero(cells(kept)), order)


@given(sets, st.integers(1, 7))
def test_split_cuts_into_pieces_without_loss(a, width):
    x = make(a).merged()
    pieces = x.split(width)
    assert (pieces.durations <= width).all()
    assert np.array_equal(cells(pieces), cells(x))
    assert len(pieces) == sum(int(np.ceil(d / width)) for d in x.durations)
