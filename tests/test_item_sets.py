import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofire.assemblies import FIM, closed_item_sets
from cofire.assemblies.detectors._mining import mine, swap
from cofire.assemblies.detectors.item_sets import (
    _bits,
    _rare_first,
    _rows,
    chance_border,
    detectable,
    reduced,
)
from cofire.errors import InvalidArgumentError, NoAssemblyWarning, TooLargeError
from reference import detectors as reference

rasters = st.builds(
    lambda n_frames, n_units, share, seed: (
        np.random.default_rng(seed).random((n_frames, n_units)) < share
    ),
    st.integers(0, 12),
    st.integers(1, 7),
    st.sampled_from([0.2, 0.5, 0.8, 1.0]),
    st.integers(0, 999),
)


def as_set(sets):
    return {(tuple(sets[k].tolist()), int(sets.support[k])) for k in range(len(sets))}


@given(rasters, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=200)
def test_closed_sets_are_the_intersections_of_frames(raster, min_size, min_support):
    found = closed_item_sets(raster, min_size=min_size, min_support=min_support)
    assert len(as_set(found)) == len(found)
    assert as_set(found) == reference.closed_sets(raster, min_size, min_support)


@given(rasters, st.randoms())
def test_closed_sets_do_not_depend_on_the_order_of_units_and_frames(raster, random):
    rows = random.sample(range(len(raster)), len(raster))
    columns = random.sample(range(raster.shape[1]), raster.shape[1])
    moved = closed_item_sets(raster[np.ix_(rows, columns)], min_support=2)
    named = {(tuple(sorted(columns[u] for u in units)), n) for units, n in as_set(moved)}
    assert named == as_set(closed_item_sets(raster, min_support=2))


@given(rasters)
def test_the_support_of_a_set_is_the_frames_that_hold_it(raster):
    for units, support in as_set(closed_item_sets(raster, min_size=1, min_support=1)):
        assert raster[:, units].all(axis=1).sum() == support


@given(rasters, st.integers(1, 3))
@settings(max_examples=200)
def test_the_bounded_search_finds_the_border_of_the_whole_one(raster, min_support):
    frames = _rare_first(_bits(raster))[1]
    border = np.zeros(raster.shape[1] + 1, np.int64)
    none, no_units = np.zeros(0, np.int64), np.zeros(0, np.int32)
    state = np.zeros(1, np.int64)
    mine(frames, *_rows(frames), 1, min_support, 0, border, none, none, no_units, state)
    np.testing.assert_array_equal(border[1:], reference.border(raster, min_support)[1:])
    assert (np.diff(border) <= 0).all()


def test_the_bounded_search_visits_fewer_sets():
    raster = np.random.default_rng(0).random((300, 40)) < 0.15
    frames = _rare_first(_bits(raster))[1]
    none, no_units = np.zeros(0, np.int64), np.zeros(0, np.int32)
    state, border = np.zeros(1, np.int64), np.zeros(41, np.int64)
    n_closed = len(closed_item_sets(raster, min_size=1, min_support=6))
    mine(frames, *_rows(frames), 1, 6, 0, border, none, none, no_units, state)
    assert state[0] < n_closed


@given(rasters, st.integers(0, 99))
def test_swaps_keep_the_sums_of_rows_and_columns(raster, seed):
    made = _bits(raster)
    rows, columns = (a.astype(np.int32) for a in np.nonzero(made))
    if len(rows) < 2:
        return
    pairs = np.random.default_rng(seed).integers(0, len(rows), (50, 2))
    n_done = swap(made, rows, columns, pairs)
    assert 0 <= n_done <= 50
    assert set(np.unique(made)) <= {0, 1}
    np.testing.assert_array_equal(made.sum(axis=0), raster.sum(axis=0))
    np.testing.assert_array_equal(made.sum(axis=1), raster.sum(axis=1))
    assert made[rows, columns].all()


def test_kernels_run_without_compilation():
    raster = np.random.default_rng(1).random((14, 6)) < 0.5
    compiled, plain = np.zeros((2, 7), np.int64)
    frames = _rare_first(_bits(raster))[1]
    none, no_units = np.zeros(0, np.int64), np.zeros(0, np.int32)
    for run, border in ((mine, compiled), (mine._function, plain)):
        run(frames, *_rows(frames), 1, 2, 0, border, none, none, no_units, np.zeros(1, np.int64))
    np.testing.assert_array_equal(compiled, plain)
    out = []
    for run in (swap, swap._function):
        made = frames.copy()
        rows, columns = (a.astype(np.int32) for a in np.nonzero(made))
        pairs = np.random.default_rng(0).integers(0, len(rows), (30, 2))
        out.append((run(made, rows, columns, pairs), made, columns))
    assert out[0][0] == out[1][0] > 0
    np.testing.assert_array_equal(out[0][1], out[1][1])
    np.testing.assert_array_equal(out[0][2], out[1][2])


def test_the_border_does_not_depend_on_threads_and_rises_with_surrogates():
    raster = np.random.default_rng(0).random((120, 12)) < 0.3
    one = chance_border(raster, n_surrogates=60, min_support=3, threads=1)
    two = chance_border(raster, n_surrogates=60, min_support=3, threads=2)
    np.testing.assert_array_equal(one, two)
    fewer = chance_border(raster, n_surrogates=30, min_support=3)
    assert (fewer <= one).all()
    assert one[1] == raster.sum(axis=0).max()  # sums of units stay


@given(rasters)
def test_of_nested_sets_the_stronger_stays(raster):
    sets = closed_item_sets(raster, min_support=1)
    chosen = np.arange(len(sets))
    plain = [(tuple(sets[k].tolist()), int(sets.support[k])) for k in chosen]
    kept = {plain[k] for k in reduced(sets, chosen)}
    assert kept == set(reference.reduced(plain))


def test_more_support_than_chance_is_detectable():
    raster = np.zeros((40, 8), bool)
    raster[:10, :4] = True
    raster[10:13, 4:6] = True
    sets = closed_item_sets(raster, min_support=2)
    border = np.zeros(9, np.int64)
    border[:3] = 3
    assert as_set(sets) == {((0, 1, 2, 3), 10), ((4, 5), 3)}
    chosen = [tuple(sets[k].tolist()) for k in np.flatnonzero(detectable(sets, border))]
    assert chosen == [(0, 1, 2, 3)]


def test_too_many_sets_are_an_error_that_says_what_to_do():
    raster = ~np.eye(12, dtype=bool)
    with pytest.raises(TooLargeError, match="raise min_support or min_size"):
        closed_item_sets(raster, min_support=1, max_sets=100)
    # Every set but the whole and the empty one is closed.
    assert len(closed_item_sets(raster, min_size=1, min_support=1)) == 2**12 - 2
    with pytest.raises(TooLargeError, match="max_sets"):
        FIM(raster=raster, min_support=1, max_sets=100).fit(np.zeros((12, 12)))


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (5, 0), (1, 1), (4, 1)])
def test_nothing_to_mine_gives_no_sets(shape):
    raster = np.zeros(shape, bool)
    assert len(closed_item_sets(raster)) == 0
    assert not chance_border(raster, n_surrogates=2).any()


def test_a_full_raster_has_one_closed_set():
    assert as_set(closed_item_sets(np.ones((7, 3)))) == {((0, 1, 2), 7)}


def test_sets_make_a_table():
    sets = closed_item_sets([[1, 1, 0], [1, 1, 1]], min_support=1)
    assert sets.to_frame()["size"].tolist() == sets.size.tolist()
    assert repr(sets) == "ItemSets(2 closed sets of 3 units)"
    assert sets[-1].tolist() == sets[1].tolist()
    with pytest.raises(IndexError):
        sets[2]


def test_input_is_checked_and_not_changed():
    raster = np.asfortranarray(np.random.default_rng(0).random((20, 6)) < 0.5)
    raster.setflags(write=False)
    before = raster.copy()
    closed_item_sets(raster)
    closed_item_sets(raster[::2, ::-1])
    np.testing.assert_array_equal(raster, before)
    with pytest.raises(InvalidArgumentError, match=r"raster must have shape \(frames, units\)"):
        closed_item_sets([1, 0])
    with pytest.raises(InvalidArgumentError, match="min_support must be at least 1, got 0"):
        closed_item_sets(raster, min_support=0)


def test_independent_units_are_no_assemblies():
    """At most one surrogate in fifty reaches farther than all the others do."""
    found = 0
    for seed in range(10):
        raster = np.random.default_rng(seed).random((500, 20)) < 0.1
        model = FIM(raster, n_surrogates=50, rng=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoAssemblyWarning)
            found += model.fit(np.zeros(raster.shape)).n_assemblies_
    assert found <= 3


def test_fim_says_why_there_is_nothing():
    with pytest.warns(NoAssemblyWarning, match="no 2 units are active together in 6 frames"):
        model = FIM(raster="threshold").fit(np.random.default_rng(0).normal(size=(50, 4)))
    assert model.assemblies_ == []
    assert len(model.labels_) == len(model.patterns_) == 0
    raster = np.random.default_rng(0).random((500, 20)) < 0.1
    with pytest.warns(NoAssemblyWarning, match="has more support than surrogates"):
        FIM(raster, n_surrogates=300).fit(np.zeros(raster.shape))
