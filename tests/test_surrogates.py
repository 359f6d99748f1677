"""Surrogate spikes and bins: what they keep, what they destroy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

import cofire as cf
from cofire import _core
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.stats import circular_shift_bins, numpy_generators, shuffle_bins, surrogate, surrogates
from reference.surrogates import (
    circular_shift,
    circular_shift_within,
    isi_shuffle,
    jitter,
    permutation,
    rotation,
    uniform,
)

METHODS = ("jitter", "isi_shuffle", "circular_shift", "uniform")
SUPPORT = np.array([[0.0, 10.0], [15.0, 18.0], [30.0, 60.0]])


def options(method: str) -> dict[str, float]:
    return {"width": 0.5} if method == "jitter" else {}


def make_trains(seed: int = 0, n_units: int = 4, n: int = 60) -> cf.SpikeTrains:
    rng = np.random.default_rng(seed)
    trains = [np.sort(rng.uniform(0, 60, size=rng.poisson(n))) for _ in range(n_units)]
    return cf.SpikeTrains.from_list(trains, support=SUPPORT)


random_trains = st.lists(
    st.lists(st.floats(0, 59.999), max_size=30).map(sorted), min_size=0, max_size=4
).map(lambda trains: cf.SpikeTrains.from_list(trains, support=SUPPORT))


# --- against plain NumPy --------------------------------------------------------------------------


@given(random_trains, st.integers(0, 2**64 - 1), st.integers(0, 2**48 - 1))
@example(make_trains(), 5, 3)
def test_jitter_is_the_reference(trains, seed, draw):
    found = surrogate(trains, "jitter", width=2.5, rng=seed, draw=draw)
    for a, b in zip(found, jitter(trains.to_list(), SUPPORT, 2.5, seed, draw), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("method", "oracle"), [("isi_shuffle", isi_shuffle), ("uniform", uniform)])
@given(trains=random_trains, seed=st.integers(0, 2**64 - 1), draw=st.integers(0, 2**48 - 1))
@example(trains=make_trains(), seed=5, draw=3)
def test_new_intervals_and_new_times_are_the_reference(method, oracle, trains, seed, draw):
    found = surrogate(trains, method, rng=seed, draw=draw)
    for a, b in zip(found, oracle(trains.to_list(), SUPPORT, seed, draw), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("within", [False, True])
@given(trains=random_trains, seed=st.integers(0, 2**64 - 1), draw=st.integers(0, 2**48 - 1))
@example(trains=make_trains(), seed=5, draw=3)
def test_circular_shift_is_the_reference(within, trains, seed, draw):
    found = surrogate(trains, "circular_shift", within_epochs=within, rng=seed, draw=draw)
    oracle = circular_shift_within if within else circular_shift
    for a, b in zip(found, oracle(trains.to_list(), SUPPORT, seed, draw), strict=True):
        if within:
            for start, stop in SUPPORT:
                inside = (t[(t >= start) & (t < stop)] - start for t in (a, b))
                assert_equal_on_circle(*inside, stop - start)
        else:
            assert_equal_on_circle(on_support(a), on_support(b), np.diff(SUPPORT).sum())


def assert_equal_on_circle(a, b, total):
    # A spike within rounding of the seam may land on either end of the circle.
    a, b = (np.sort(np.mod(t + 1e-9, total)) for t in (a, b))
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-8)


def on_support(times):
    """Times on the support without its gaps."""
    return cf.Intervals(SUPPORT).remove_gaps(times)


@given(st.integers(0, 40), st.integers(0, 2**64 - 1), st.integers(0, 5))
def test_shuffled_rows_are_the_reference(n, seed, draw):
    x = np.arange(2 * n, dtype=np.float64).reshape(2, n)
    found = shuffle_bins(x, rng=seed, draw=draw)
    expected = [row[permutation(n, seed, i, draw)] for i, row in enumerate(x)]
    np.testing.assert_array_equal(found, np.array(expected).reshape(2, n))


@given(st.integers(1, 40), st.integers(0, 2**64 - 1), st.integers(0, 5), st.integers(1, 4))
def test_rolled_rows_are_the_reference(n, seed, draw, threads):
    x = np.arange(3 * n, dtype=np.uint16).reshape(3, n)
    found = circular_shift_bins(x, rng=seed, draw=draw, threads=threads)
    expected = [np.roll(row, rotation(n, seed, i, draw)) for i, row in enumerate(x)]
    np.testing.assert_array_equal(found, expected)


# --- properties -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@given(trains=random_trains, seed=st.integers(0, 2**64 - 1))
def test_surrogates_are_trains_of_the_same_units_inside_the_support(method, trains, seed):
    found = surrogate(trains, method, rng=seed, **options(method))
    np.testing.assert_array_equal(found.counts, trains.counts)
    np.testing.assert_array_equal(found.unit_ids, trains.unit_ids)
    assert found.support == trains.support
    for train in found:
        assert (np.diff(train) >= 0).all()
    assert found.support.contains(found.times, closed="left").all()


@pytest.mark.parametrize("method", METHODS)
@given(trains=random_trains, threads=st.integers(2, 5))
def test_surrogates_do_not_depend_on_threads(method, trains, threads):
    one = surrogate(trains, method, rng=3, threads=1, **options(method))
    many = surrogate(trains, method, rng=3, threads=threads, **options(method))
    np.testing.assert_array_equal(one.times, many.times)


@pytest.mark.parametrize("function", [shuffle_bins, circular_shift_bins])
@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "float16", "int32", "float32", "int64", "float64"]
)
def test_bins_are_rearranged_for_every_dtype_and_number_of_threads(function, dtype):
    x = np.random.default_rng(0).integers(0, 50, size=(5, 301)).astype(dtype)
    before = x.copy()
    one, three = function(x, rng=9, threads=1), function(x, rng=9, threads=3)
    assert one.dtype == x.dtype
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(np.sort(one, axis=1), np.sort(x, axis=1))
    np.testing.assert_array_equal(x, before)


@given(n=st.integers(1, 30), seed=st.integers(0, 1000))
def test_circular_shift_keeps_the_cyclic_order(n, seed):
    x = np.tile(np.arange(n), (3, 1))
    steps = np.diff(circular_shift_bins(x, rng=seed), axis=1) % n
    assert (steps == (1 % n)).all()


@given(trains=random_trains, seed=st.integers(0, 1000), width=st.floats(1e-3, 0.5))
def test_jitter_moves_no_spike_out_of_its_epoch_nor_further_than_the_width(trains, seed, width):
    found = surrogate(trains, "jitter", width=width, rng=seed)
    inside = cf.Intervals(SUPPORT)
    for before, after in zip(trains, found, strict=True):
        np.testing.assert_array_equal(
            np.sort(inside.index_of(before, "left")), inside.index_of(after, "left")
        )
        # Sorting pairs the spikes so that the largest shift is smallest.
        assert (np.abs(after - before) <= width * (1 + 1e-9)).all()


@given(trains=random_trains, seed=st.integers(0, 1000))
def test_isi_shuffle_keeps_the_intervals_of_each_epoch(trains, seed):
    found = surrogate(trains, "isi_shuffle", rng=seed)
    for start, stop in SUPPORT:
        for before, after in zip(trains, found, strict=True):
            a = before[(before >= start) & (before < stop)]
            b = after[(after >= start) & (after < stop)]
            assert len(a) == len(b)
            if len(a):
                assert a[0] == b[0]
                assert a[-1] == b[-1]
            np.testing.assert_allclose(np.sort(np.diff(a)), np.sort(np.diff(b)), atol=1e-9)


@given(trains=random_trains, seed=st.integers(0, 1000))
def test_circular_shift_within_epochs_keeps_the_counts_of_each(trains, seed):
    found = surrogate(trains, "circular_shift", within_epochs=True, rng=seed)
    for interval in SUPPORT:
        a, b = trains.restrict([interval]), found.restrict([interval])
        np.testing.assert_array_equal(a.counts, b.counts)


def test_units_draw_independently():
    train = np.sort(np.random.default_rng(0).uniform(0, 10, 50))
    for method in METHODS:
        found = surrogate([train, train], method, rng=1, **options(method))
        assert not np.array_equal(found[0], found[1])
    rows = shuffle_bins(np.tile(np.arange(50), (2, 1)), rng=1)
    assert not np.array_equal(rows[0], rows[1])


def test_seeds_and_draws_name_surrogates():
    trains = make_trains()

    def times(**key):
        return surrogate(trains, "jitter", width=0.1, **key).times

    np.testing.assert_array_equal(times(), times(rng=0, draw=0))
    assert not np.array_equal(times(rng=0), times(rng=1))
    assert not np.array_equal(times(draw=0), times(draw=1))
    assert not np.array_equal(times(rng=1), times(rng=1 + 2**40))
    many = [s.times for s in surrogates(trains, "jitter", 3, width=0.1, rng=5)]
    np.testing.assert_array_equal(many[2], times(rng=5, draw=2))


def test_a_generator_gives_the_seed_and_moves_on():
    x = np.arange(100.0)[None]
    first = shuffle_bins(x, rng=np.random.default_rng(1))
    again = np.random.default_rng(1)
    np.testing.assert_array_equal(shuffle_bins(x, rng=again), first)
    assert not np.array_equal(shuffle_bins(x, rng=again), first)


def test_metadata_and_ids_survive():
    trains = cf.SpikeTrains.from_list(
        [[1.0, 2.0], []], ["a", "b"], [[0, 3]], {"region": ["CA1", "PFC"]}
    )
    found = surrogate(trains, "uniform")
    assert found.metadata["region"].to_dict() == {"a": "CA1", "b": "PFC"}


# --- the numpy recipe -----------------------------------------------------------------------------


def test_numpy_generators_are_those_of_the_reference():
    children = np.random.SeedSequence(11).spawn(4)
    for found, child in zip(numpy_generators(11, 4), children, strict=True):
        expected = np.random.default_rng(child.generate_state(1)[0])
        np.testing.assert_array_equal(found.random(5), expected.random(5))


@pytest.mark.parametrize("draw", [0, 3])
def test_the_numpy_recipe_is_followed(draw):
    z = np.random.default_rng(0).normal(size=(4, 37))
    g = np.random.default_rng(np.random.SeedSequence(3).spawn(9)[draw].generate_state(1)[0])
    order = np.argsort(g.random(z.shape), axis=1)
    found = shuffle_bins(z, rng=3, draw=draw, recipe="numpy")
    np.testing.assert_array_equal(found, np.take_along_axis(z, order, axis=1))

    g = np.random.default_rng(np.random.SeedSequence(3).spawn(9)[draw].generate_state(1)[0])
    c = g.integers(0, 2 * 37, size=4)
    expected = [np.roll(row, shift) for row, shift in zip(z, c, strict=True)]
    found = circular_shift_bins(z, rng=3, draw=draw, recipe="numpy")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("null", "function"), [("bin", shuffle_bins), ("circ", circular_shift_bins)]
)
def test_the_numpy_recipe_gives_the_golden_thresholds(golden, golden_session, null, function):
    expected = golden("assembly")
    width = float(expected["weight_dt"])
    counts = cf.bin_spikes(golden_session.spikes, width, support=golden_session.detection).counts
    z = counts[counts.var(axis=1) > 0].astype(float)
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    shuffles = [function(z, rng=3, draw=k, recipe="numpy") for k in range(int(expected["nshu"]))]
    top = [np.linalg.eigvalsh(s @ s.T / (s.shape[1] - 1))[-1] for s in shuffles]
    threshold = np.percentile(top, expected["percentile"])
    assert threshold == pytest.approx(float(expected[f"lambda_{null}_seed3"]), rel=1e-9)


# --- statistics -----------------------------------------------------------------------------------


def test_every_permutation_is_equally_likely():
    n = 6000
    x = shuffle_bins(np.tile(np.arange(4), (n, 1)), rng=2)
    codes = x @ np.array([64, 16, 4, 1])
    found = np.unique(codes, return_counts=True)[1]
    assert len(found) == 24
    assert chisquare(found).pvalue > 0.001


def test_every_shift_is_equally_likely():
    first = circular_shift_bins(np.tile(np.arange(7), (7000, 1)), rng=2)[:, 0]
    assert chisquare(np.bincount(first, minlength=7)).pvalue > 0.001


def test_shifts_and_scattered_spikes_are_uniform_on_the_support():
    trains = cf.SpikeTrains.from_list([[35.0]] * 2000, support=SUPPORT)
    total = np.diff(SUPPORT).sum()
    for method in ("circular_shift", "uniform"):
        positions = on_support(surrogate(trains, method, rng=8).times) / total
        assert kstest(positions, "uniform").pvalue > 0.001


def test_jitter_is_uniform_and_keeps_a_uniform_train_uniform():
    middle = surrogate([[5.0]] * 3000, "jitter", width=2.0, support=[[0, 10]], rng=1)
    assert kstest((middle.times - 3) / 4, "uniform").pvalue > 0.001
    train = np.sort(np.random.default_rng(3).uniform(0, 1, 5000))
    moved = surrogate([train], "jitter", width=0.3, support=[[0, 1]], rng=1)
    assert kstest(moved.times, "uniform").pvalue > 0.001


@pytest.mark.parametrize("method", ["circular_shift", "isi_shuffle", "uniform"])
def test_p_values_of_independent_trains_are_uniform(method):
    """Spikes that coincide by chance do so as often in surrogates."""
    rng = np.random.default_rng(10)

    def coincidences(pair):
        counts = [np.bincount((t * 20).astype(int), minlength=400) for t in pair]
        return counts[0] @ counts[1]

    p = []
    for k in range(80):
        trains = [np.sort(rng.uniform(0, 20, 80)) for _ in range(2)]
        many = surrogates(trains, method, 39, support=[[0, 20]], rng=k, threads=1)
        null = np.array([coincidences(pair) for pair in many])
        # Ties are broken at random, otherwise p is not uniform.
        noise = rng.uniform(0, 0.5, 40)
        p.append((np.sum(null + noise[1:] >= coincidences(trains) + noise[0]) + rng.uniform()) / 40)
    assert kstest(p, "uniform").pvalue > 0.001


# --- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("trains", [[], [[]], [[], []], [[1.0]], [[1.0, 1.0, 1.0]]])
def test_few_or_no_spikes_are_fine(method, trains):
    found = surrogate(trains, method, **options(method))
    assert found.counts.tolist() == [len(t) for t in trains]


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_support_leaves_nothing(method):
    found = surrogate([[1.0, 2.0], [3.0]], method, support=np.zeros((0, 2)), **options(method))
    assert found.counts.tolist() == [0, 0]


def test_a_spike_on_the_first_edge_and_epochs_of_no_length_are_fine():
    support = [[0.0, 1.0], [2.0, 2.0], [3.0, 4.0]]
    for method in METHODS:
        found = surrogate(
            [[0.0, np.nextafter(1.0, 0), 3.0]], method, support=support, **options(method)
        )
        assert found.n_spikes == 3
        assert found.support.durations.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("function", [shuffle_bins, circular_shift_bins])
@pytest.mark.parametrize("recipe", [None, "numpy"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (3, 0), (3, 1)])
def test_empty_matrices_are_fine(function, recipe, shape):
    x = np.ones(shape)
    np.testing.assert_array_equal(function(x, recipe=recipe), x)


def test_strided_and_read_only_matrices_are_fine():
    x = np.arange(24.0).reshape(4, 6)
    x.flags.writeable = False
    np.testing.assert_array_equal(
        shuffle_bins(x[:, ::2], rng=1), shuffle_bins(x[:, ::2].copy(), rng=1)
    )
    np.testing.assert_array_equal(np.sort(shuffle_bins(x.T), axis=1), x.T)


def test_nan_moves_like_any_value():
    assert np.isnan(shuffle_bins([[np.nan, 1.0, 2.0]])).sum() == 1


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "shuffle"}, InvalidArgumentError, "method must be one of 'jitter'"),
        ({"method": "jitter"}, InvalidArgumentError, "needs width"),
        ({"method": "jitter", "width": 0}, InvalidArgumentError, r"width must be positive \(s\)"),
        (
            {"method": "uniform", "width": 1},
            InvalidArgumentError,
            'width belongs to method "jitter"',
        ),
        (
            {"method": "uniform", "within_epochs": True},
            InvalidArgumentError,
            'within_epochs belongs to method "circular_shift"',
        ),
        ({"method": "uniform", "rng": -1}, InvalidArgumentError, r"rng must lie in \[0, 2\*\*64\)"),
        ({"method": "uniform", "rng": 2**64}, InvalidArgumentError, "rng must lie in"),
        ({"method": "uniform", "rng": None}, InvalidTypeError, "rng must be an integer seed or a"),
        ({"method": "uniform", "rng": 1.5}, InvalidTypeError, "rng must be an integer seed or a"),
        ({"method": "uniform", "draw": -1}, InvalidArgumentError, "draw must be at least 0"),
        ({"method": "uniform", "threads": 0}, InvalidArgumentError, "threads must be a positive"),
        (
            {"method": "uniform", "support": [[0, np.inf]]},
            InvalidArgumentError,
            "support must be bounded",
        ),
    ],
)
def test_wrong_arguments_are_explained(arguments, error, message):
    with pytest.raises(error, match=message):
        surrogate([[1.0, 2.0]], **arguments)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1, 2, 3], InvalidArgumentError, r"x must have shape \(n_units, n_bins\), got \(3,\)"),
        ([["a", "b"]], InvalidTypeError, "x must hold numbers of at most 64 bits"),
        ([[1j]], InvalidTypeError, "x must hold numbers of at most 64 bits, got complex128"),
    ],
)
def test_wrong_matrices_are_explained(x, error, message):
    with pytest.raises(error, match=message):
        shuffle_bins(x)


def test_a_wrong_recipe_is_explained():
    with pytest.raises(InvalidArgumentError, match='recipe must be None or "numpy"'):
        shuffle_bins([[1]], recipe="matlab")


def test_kernels_refuse_what_would_leave_memory_unwritten():
    times, offsets = np.array([0.5, 2.0]), np.array([0, 2])
    with pytest.raises(ValueError, match="a spike of unit 0 lies outside the support"):
        _core.shuffle_isis(times, offsets, np.array([[0.0, 1.0]]), 0, 0, 1)
    with pytest.raises(ValueError, match="finite, sorted and disjoint: see epoch 1"):
        _core.scatter_spikes(times, offsets, np.array([[0.0, 3.0], [2.0, 4.0]]), 0, 0, 1)
    with pytest.raises(ValueError, match="width must be finite"):
        _core.jitter_spikes(times, offsets, np.array([[0.0, 3.0]]), np.nan, 0, 0, 1)
    with pytest.raises(TypeError):
        _core.shuffle_rows_u64(np.zeros((2, 2)), 0, 0, 1)
