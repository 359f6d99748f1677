"""Participation, rank order and firing-order bias."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire import _core, events
from cofire.errors import InvalidArgumentError
from reference import rank_order as reference
from reference.correlogram import skew_bias


@st.composite
def trains_and_intervals(draw):
    trains = [
        np.sort(draw(st.lists(st.integers(0, 100), max_size=15))) / 10
        for _ in range(draw(st.integers(0, 4)))
    ]
    edges = draw(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 20)), max_size=6))
    return trains, [[a / 10, (a + b) / 10] for a, b in sorted(edges)]


# --- counts in intervals --------------------------------------------------------------------------


@given(trains_and_intervals())
def test_counts_equal_a_plain_loop(case):
    trains, intervals = case
    found = cf.Intervals(intervals, on_overlap="keep")
    shape = (len(trains), len(found))
    for closed in ("neither", "left"):
        expected = np.array(
            [
                [sum((a <= t if closed == "left" else a < t) and t < b for t in train)
                 for a, b in found]
                for train in trains
            ],
            dtype=np.int64,
        ).reshape(shape)  # fmt: skip
        counts = cf.count_in_intervals(trains, found, closed=closed)
        np.testing.assert_array_equal(counts, expected)
        np.testing.assert_array_equal(cf.participation(trains, found, closed=closed), expected > 0)


def test_rate_is_counts_per_second_and_nan_without_time():
    rate = cf.count_in_intervals([[0.5, 1.0], []], [[0.0, 2.0], [1.0, 1.0]], output="rate")
    np.testing.assert_array_equal(rate, [[1.0, np.nan], [0.0, np.nan]])


def test_zero_length_interval_on_a_spike_counts_nothing():
    intervals = cf.Intervals([[1.0, 1.0]])
    assert cf.count_in_intervals([[1.0, 1.0]], intervals).tolist() == [[0]]


def test_counts_of_nothing():
    assert cf.count_in_intervals([], [[0.0, 1.0]]).shape == (0, 1)
    assert cf.count_in_intervals([[1.0]], []).shape == (1, 0)


def test_count_errors_name_the_choices():
    with pytest.raises(InvalidArgumentError, match="output must be one of"):
        cf.count_in_intervals([[1.0]], [[0.0, 1.0]], output="spikes")
    with pytest.raises(InvalidArgumentError, match="closed must be one of"):
        cf.count_in_intervals([[1.0]], [[0.0, 1.0]], closed="right")


# --- rank order -----------------------------------------------------------------------------------


def make_trains(seed=0, n_units=8):
    rng = np.random.default_rng(seed)
    return [np.sort(rng.uniform(0, 4, rng.integers(0, 25))) for _ in range(n_units)]


EVENTS = [[0.2, 0.5], [0.9, 1.3], [1.25, 1.6], [3.0, 3.01]]


@pytest.mark.parametrize("seed", range(4))
def test_first_spike_ranks_equal_a_plain_sort(seed):
    trains = make_trains(seed)
    result = cf.rank_order(
        trains, cf.Intervals(EVENTS, on_overlap="keep"), method="first_spike", min_units=1
    )
    for k, (start, stop) in enumerate(EVENTS):
        expected = reference.first_spike_cells(trains, start - 0.05, stop + 0.05)
        np.testing.assert_array_equal(result.ranks[:, k], expected)


@pytest.mark.parametrize("seed", range(3))
def test_peak_ranks_equal_a_plain_convolution(seed):
    trains = make_trains(seed, 5)
    events_ = cf.Intervals(EVENTS[:2])
    result = cf.rank_order(trains, events_, ref="epoch", dt=0.005, min_units=1)
    cells = cf.rank_order(trains, events_, ref="cells", dt=0.005, min_units=1)
    for k, (start, stop) in enumerate(events_.expand(0.05)):
        peaks, n = reference.peak_pieces(trains, start, stop, 0.005, 0.01)
        np.testing.assert_allclose(result.ranks[:, k], peaks / n, rtol=1e-12)
        active = [i for i in range(5) if not np.isnan(peaks[i])]
        order = sorted(active, key=lambda i: (peaks[i], i))
        for rank, i in enumerate(order):
            assert cells.ranks[i, k] == rank / len(active)


def test_equal_times_are_ranked_by_unit():
    trains = [[1.5003], [1.2003], [1.2003], [1.5003]]
    for method in ("first_spike", "peak_fr"):
        result = cf.rank_order(trains, [[1.0, 2.0]], method=method, min_units=1)
        assert result.ranks[:, 0].tolist() == [0.5, 0.0, 0.25, 0.75]


def test_planted_sequence_is_recovered():
    rng = np.random.default_rng(1)
    starts = np.arange(1.0, 60.0, 2.0)
    trains = [
        np.sort(np.concatenate([starts + 0.02 * i + rng.normal(0, 0.002, 30) for _ in range(3)]))
        for i in range(6)
    ]
    intervals = np.column_stack([starts, starts + 0.12])
    for method in ("peak_fr", "first_spike"):
        result = cf.rank_order(trains, intervals, method=method)
        np.testing.assert_allclose(result.median, np.arange(6) / 6)


@pytest.mark.parametrize("ref", ["cells", "epoch"])
@pytest.mark.parametrize("method", ["peak_fr", "first_spike"])
def test_min_units_applies_to_every_method(method, ref):
    trains = [[1.1503], [1.2503], [1.3503], []]
    few = cf.rank_order(trains, [[1.1, 1.4]], method=method, ref=ref, min_units=4)
    assert np.isnan(few.ranks).all()
    assert np.isnan(few.median).all()
    enough = cf.rank_order(trains, [[1.1, 1.4]], method=method, ref=ref, min_units=3)
    assert np.isnan(enough.ranks[3]).all()
    assert (np.diff(enough.ranks[:3, 0]) > 0).all()
    assert (enough.ranks[:3] >= 0).all()
    assert (enough.ranks[:3] <= 1).all()


def test_rank_order_of_nothing():
    assert cf.rank_order([], [[0.0, 1.0]]).ranks.shape == (0, 1)
    assert np.isnan(cf.rank_order([[5.0]], []).median).all()
    short = cf.rank_order(
        [[1.0]], [[1.0, 1.0004]], padding=0, min_units=1, method="first_spike", ref="epoch"
    )
    assert short.ranks.tolist() == [[0.0]]
    empty = cf.rank_order([[1.0]], cf.Intervals([[1.0, 1.0]]), padding=0, min_units=1)
    assert np.isnan(empty.ranks).all()


def test_rank_order_describes_itself():
    spikes = cf.SpikeTrains.from_list([[1.1003], [1.2003]], unit_ids=[4, 7])
    result = cf.rank_order(spikes, [[1.0, 1.3], [2.0, 2.1]], min_units=2)
    assert repr(result) == "RankOrder(2 units, 2 events, 1 with ranks)"
    table = result.to_frame()
    assert list(table.columns) == [4, 7]
    assert table.iloc[0].tolist() == [0.0, 0.5]


def test_rank_order_errors_name_the_argument():
    for options, message in (
        ({"method": "last_spike"}, "method must be one of"),
        ({"ref": "unit"}, "ref must be one of"),
        ({"padding": -1.0}, "padding must not be negative"),
        ({"dt": 0.0}, "dt must be positive"),
        ({"min_units": 0}, "min_units must be at least 1"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            cf.rank_order([[1.0]], [[0.0, 1.0]], **options)


# --- skew bias ------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), max_size=40),
    st.integers(4, 6),
)
def test_skew_bias_equals_the_count_of_all_pairs(spikes, n):
    times = np.array([t for t, _ in spikes], dtype=float)
    ids = np.array([u for _, u in spikes], dtype=np.int64)
    got = cf.skew_bias_matrix(times, ids, n)
    np.testing.assert_allclose(got, skew_bias(times, ids, n), atol=1e-15)
    np.testing.assert_array_equal(got, -got.T)


@given(trains_and_intervals(), st.integers(2, 5))
def test_skew_bias_of_intervals_equals_the_count_of_all_pairs(case, threads):
    trains, intervals = case
    found = cf.Intervals(intervals, on_overlap="keep")
    got = events.skew_bias_matrices(trains, found, threads=threads)
    np.testing.assert_array_equal(got, events.skew_bias_matrices(trains, found, threads=1))
    times, ids = cf.SpikeTrains.from_list(trains).to_pairs()
    assert len(got) == len(found)
    for matrix, (start, stop) in zip(got, found, strict=True):
        inside = (times >= start) & (times < stop)
        expected = skew_bias(times[inside], ids[inside], len(trains))
        np.testing.assert_allclose(matrix, expected, atol=1e-15)


@given(
    st.lists(st.tuples(st.integers(-99, 99), st.integers(0, 4)), max_size=40),
    st.integers(-(10**6), 10**6),
    st.permutations(range(5)),
)
def test_skew_bias_mirrors_time_ignores_its_origin_and_follows_the_units(spikes, shift, order):
    unit_at = dict(spikes)  # no two spikes at once
    times, ids = np.array(list(unit_at), dtype=float), np.array(list(unit_at.values()), dtype=int)
    matrix = cf.skew_bias_matrix(times, ids, 5)
    assert (np.abs(matrix) <= 1).all()
    np.testing.assert_array_equal(cf.skew_bias_matrix(times + shift, ids, 5), matrix)
    np.testing.assert_allclose(cf.skew_bias_matrix(-times, ids, 5), -matrix, atol=1e-15)
    renamed = cf.skew_bias_matrix(times, np.array(order)[ids], 5)
    np.testing.assert_allclose(renamed[np.ix_(order, order)], matrix, atol=1e-15)


def test_skew_bias_of_trains_equals_that_of_pairs():
    trains = make_trains(3)
    spikes = cf.SpikeTrains.from_list(trains)
    ids = np.repeat(np.arange(spikes.n_units), spikes.counts)
    flat = cf.skew_bias_matrix(spikes.times, ids)
    n = len(flat)
    np.testing.assert_array_equal(cf.skew_bias_matrix(trains)[:n, :n], flat)
    np.testing.assert_array_equal(cf.skew_bias_matrix(spikes, n=8), cf.skew_bias_matrix(trains))


def test_skew_bias_of_intervals_equals_one_call_each_for_any_threads():
    trains = make_trains(4)
    intervals = cf.Intervals(
        np.column_stack([np.arange(0, 3, 0.01), np.arange(0, 3, 0.01) + 0.7]), on_overlap="keep"
    )
    got = events.skew_bias_matrices(trains, intervals, threads=1)
    np.testing.assert_array_equal(got, events.skew_bias_matrices(trains, intervals, threads=3))
    spikes = cf.SpikeTrains.from_list(trains)
    for k in (0, 100, 299):
        inside = spikes.restrict(intervals[k])
        np.testing.assert_array_equal(got[k], cf.skew_bias_matrix(inside))


def test_skew_bias_of_shuffled_order_is_centred():
    rng = np.random.default_rng(6)
    values = [
        cf.skew_bias_matrix(rng.permutation(20.0 * np.arange(20)), np.repeat([0, 1], 10), 2)[0, 1]
        for _ in range(2000)
    ]
    # sd of the rank-sum statistic for 10 and 10 spikes: sqrt(21 / 300)
    assert abs(np.mean(values)) < 4 * np.sqrt(21 / 300 / 2000)
    assert np.std(values) == pytest.approx(np.sqrt(21 / 300), rel=0.08)


def test_skew_bias_of_one_spike_each_and_of_equal_times():
    # Simultaneous spikes count as if the lower position came first.
    assert cf.skew_bias_matrix([[1.0], [1.0]])[0, 1] == 1
    assert cf.skew_bias_matrix([[2.0], [1.0]])[0, 1] == -1
    assert cf.skew_bias_matrix([[1.0, 1.0, 3.0], [1.0, 1.0]])[0, 1] == pytest.approx(1 / 3)
    # A spike at the start of an interval is inside, one at its stop is not.
    at_edges = events.skew_bias_matrices([[1.0, 2.0], [1.5]], [[1, 2], [1.5, 2.5], [2, 2]])
    assert at_edges[:, 0, 1].tolist() == [1.0, -1.0, 0.0]


def test_skew_bias_takes_integers_strides_and_read_only_input():
    times, ids = np.array([3, 9, 1, 9, 2, 9]), np.array([0, 9, 1, 9, 0, 9], dtype=np.uint8)
    times.flags.writeable = ids.flags.writeable = False
    np.testing.assert_array_equal(
        cf.skew_bias_matrix(times[::2], ids[::2]), [[0.0, -1.0], [1.0, 0.0]]
    )
    assert times.tolist() == [3, 9, 1, 9, 2, 9]


def test_skew_bias_edges_and_errors():
    assert cf.skew_bias_matrix([], np.zeros(0, dtype=int), 3).tolist() == np.zeros((3, 3)).tolist()
    assert cf.skew_bias_matrix([]).shape == (0, 0)
    assert events.skew_bias_matrices([[1.0]], []).shape == (0, 1, 1)
    with pytest.raises(InvalidArgumentError, match="one integer per spike"):
        cf.skew_bias_matrix([1.0, 2.0], [0], 2)
    with pytest.raises(InvalidArgumentError, match=r"ids must lie in 0\.\.1"):
        cf.skew_bias_matrix([1.0, 2.0], [0, 2], 2)
    with pytest.raises(InvalidArgumentError, match="times must be finite"):
        cf.skew_bias_matrix([1.0, np.nan], [0, 1], 2)
    with pytest.raises(InvalidArgumentError, match="n is 3, but there are 1 trains"):
        cf.skew_bias_matrix([[1.0]], n=3)
    with pytest.raises(IndexError, match="unit 2 is outside"):
        _core.skew_bias(np.zeros(1), np.array([0, 1]), np.array([2]), 2, 1)
    with pytest.raises(IndexError, match="unit -1 is outside"):
        _core.skew_bias(np.zeros(1), np.array([0, 1]), np.array([-1]), 2, 1)
    with pytest.raises(ValueError, match="n_units must not be negative"):
        _core.skew_bias(np.zeros(0), np.array([0, 0]), np.zeros(0, dtype=np.int64), -1, 1)
    with pytest.raises(ValueError, match="same length"):
        _core.skew_bias(np.zeros(1), np.array([0, 1]), np.array([0, 1]), 2, 1)
    with pytest.raises(TypeError):
        _core.skew_bias(np.zeros(1, dtype=np.float32), np.array([0, 1]), np.array([0]), 2, 1)
