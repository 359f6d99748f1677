import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire import _core
from reference import sttc as reference

CLOCK = 1000.0
epoch_sets = st.sampled_from(
    [
        [[0.0, 20.0]],
        [[0.0, 5.0], [7.0, 12.5]],
        [[-3.0, 1.0], [1.004, 2.0], [2.5, 2.6], [9.0, 30.0]],
    ]
)
trains_strategy = st.lists(
    st.lists(st.integers(-4000, 31_000), max_size=25).map(
        lambda ticks: np.sort(np.array(ticks, dtype=float)) / CLOCK
    ),
    min_size=1,
    max_size=5,
)
dts = st.sampled_from([0.001, 0.0137, 0.3, 2.0, 40.0])


def random_trains(n_units, n_spikes, seed=0, duration=100.0):
    rng = np.random.default_rng(seed)
    return [np.sort(rng.uniform(0, duration, n)) for n in rng.poisson(n_spikes, n_units)]


@given(trains_strategy, dts, epoch_sets)
def test_sttc_equals_the_definition(trains, dt, epochs):
    np.testing.assert_allclose(
        cf.sttc(trains, dt, support=epochs),
        reference.sttc(trains, dt, epochs),
        rtol=1e-9,
        atol=1e-12,
    )


@given(trains_strategy, dts, epoch_sets, st.sampled_from([2, 3, 7]))
def test_sttc_is_bitwise_equal_for_any_number_of_threads(trains, dt, epochs, threads):
    one = cf.sttc(trains, dt, support=epochs, threads=1)
    many = cf.sttc(trains, dt, support=epochs, threads=threads)
    assert np.array_equal(one, many, equal_nan=True)


@given(trains_strategy, dts, epoch_sets, st.randoms(use_true_random=False))
def test_sttc_is_symmetric_bounded_and_follows_the_order_of_units(trains, dt, epochs, random):
    matrix = cf.sttc(trains, dt, support=epochs)
    assert np.array_equal(matrix, matrix.T, equal_nan=True)
    found = matrix[~np.isnan(matrix)]
    assert (found >= -1 - 1e-12).all()
    assert (found <= 1 + 1e-12).all()
    order = list(range(len(trains)))
    random.shuffle(order)
    permuted = cf.sttc([trains[i] for i in order], dt, support=epochs)
    assert np.array_equal(permuted, matrix[np.ix_(order, order)], equal_nan=True)


@given(trains_strategy, st.integers(1, 400), st.integers(-5, 5))
def test_sttc_with_ticks_does_not_move_with_whole_seconds(trains, dt_ticks, shift):
    epochs = np.array([[0.0, 5.0], [7.0, 12.5]])
    here = cf.sttc(trains, dt_ticks / CLOCK, support=epochs, ticks=CLOCK)
    moved = [t + shift for t in trains]
    there = cf.sttc(moved, dt_ticks / CLOCK, support=epochs + shift, ticks=CLOCK)
    assert np.array_equal(here, there, equal_nan=True)


@given(st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([1e-4, 0.003, 0.1]))
def test_pieces_of_a_long_recording_are_counted_as_pairs(seed, threads, dt):
    """Bursts, equal times and silences, long enough to be cut into several pieces."""
    rng = np.random.default_rng(seed)
    epochs = np.array([[0.0, 40.0], [45.0, 45.2], [50.0, 100.0]])
    burst = rng.uniform(0, 100) + rng.exponential(10.0 ** rng.uniform(-6, 0), 9000)
    times = np.concatenate([rng.uniform(0, 100, 20_000), burst, rng.integers(0, 100, 7000)])
    unit = np.arange(len(times)) % 3
    trains = cf.SpikeTrains.from_list([np.sort(times[unit == i]) for i in range(3)], support=epochs)
    counts, _ = _core.sttc_counts(trains.times, trains.offsets, epochs, dt, threads)
    expected = [[close_spikes(a, b, epochs, dt) for b in trains] for a in trains]
    np.testing.assert_array_equal(counts, expected)


def close_spikes(a, b, epochs, dt):
    """Spikes of a with one of b in the same epoch at most dt away, from the nearest ones."""
    n = 0
    for start, stop in epochs:
        here = np.concatenate([[-np.inf], b[(b >= start) & (b < stop)], [np.inf]])
        inside = a[(a >= start) & (a < stop)]
        right = np.searchsorted(here, inside)
        n += ((inside - here[right - 1] <= dt) | (here[right] - inside <= dt)).sum()
    return n


@pytest.mark.parametrize("dt", [0.021, 0.0025])
@pytest.mark.parametrize("n_units", [1, 5, 70, 300])
def test_counts_are_exact_for_many_spikes_in_many_pieces(n_units, dt):
    rng = np.random.default_rng(n_units)
    n_spikes = 200_000
    unit = np.sort(rng.integers(0, n_units, n_spikes))
    times = np.floor(rng.uniform(0, 500, n_spikes) * 1000) / 1000  # many ties
    times = times[np.lexsort((times, unit))]
    offsets = np.searchsorted(unit, np.arange(n_units + 1))
    epochs = np.array([[0.0, 111.1], [120.0, 120.05], [130.0, 500.0]])
    trains = cf.SpikeTrains(times, offsets, support=epochs)
    got, _ = _core.sttc_counts(trains.times, trains.offsets, epochs, dt, 2)
    for i in range(0, n_units, max(1, n_units // 6)):
        for j in range(0, n_units, max(1, n_units // 6)):
            assert got[i, j] == close_spikes(trains[i], trains[j], epochs, dt)


def test_one_burst_between_long_silences_is_counted_exactly():
    # All spikes of a piece fall into one bucket of the time sort.
    burst = 1e6 + np.arange(5000) * 1e-7
    trains = [np.r_[0.0, burst, 2e6], np.r_[1.0, burst + 5e-8]]
    counts, _ = _core.sttc_counts(
        np.concatenate(trains), np.array([0, 5002, 10003]), np.array([[0.0, 3e6]]), 1e-3, 1
    )
    assert counts.tolist() == [[5002, 5000], [5000, 5001]]


def test_sttc_is_one_for_identical_trains():
    train = random_trains(1, 200)[0]
    assert cf.sttc([train, train], 0.05, support=[[0, 100]]).tolist() == [[1, 1], [1, 1]]


def test_sttc_is_minus_one_when_tiles_cover_all_and_no_spike_is_close():
    trains = [[5.0], [5.0 + 2.0]]
    matrix = cf.sttc(trains, 1.0, support=[[4.0, 6.0], [6.5, 7.5]])
    # T_A = T_B of their epochs; P = 0: both terms are -T.
    assert matrix[0, 1] == pytest.approx(-0.5 * (2 / 3 + 1 / 3))


def test_tiles_that_cover_the_support_give_one_for_close_spikes():
    assert cf.sttc([[1.0], [1.2]], 50.0, support=[[0.0, 2.0]])[0, 1] == 1.0


def test_the_window_is_closed():
    trains = [[1.0], [1.25]]
    at = cf.sttc(trains, 0.25, support=[[0, 10]])[0, 1]
    below = cf.sttc(trains, np.nextafter(0.25, 0), support=[[0, 10]])[0, 1]
    assert at > 0 > below


def test_duplicates_count_in_p_and_not_in_t():
    trains = [np.array([1.0, 1.0, 1.0, 5.0]), np.array([1.0])]
    t_a, t_b = 2 * 0.2 / 10, 0.2 / 10
    p_a, p_b = 3 / 4, 1.0
    expected = 0.5 * ((p_a - t_b) / (1 - p_a * t_b) + (p_b - t_a) / (1 - p_b * t_a))
    assert cf.sttc(trains, 0.1, support=[[0, 10]])[0, 1] == pytest.approx(expected, rel=1e-12)


def test_spikes_of_two_epochs_are_never_close():
    trains = [[0.999], [1.002]]
    together = cf.sttc(trains, 0.01, support=[[0.0, 2.0]])[0, 1]
    apart = cf.sttc(trains, 0.01, support=[[0.0, 1.0], [1.001, 2.0]])[0, 1]
    assert together > 0.9
    assert apart < 0


def test_ticks_decide_ties_that_seconds_cannot():
    clock = 30_000
    first = np.arange(1, 2000) * 7919
    trains = [first / clock, (first + 1500) / clock]
    support = [[0.0, 600.0]]
    exact = _p(trains, 0.05, support, ticks=clock)
    rounded = _p(trains, 0.05, support, ticks=None)
    assert exact == 1.0
    assert 0.0 < rounded < 1.0


def _p(trains, dt, support, ticks):
    """Solve the coefficient of a symmetric pair for P."""
    value = cf.sttc(trains, dt, support=support, ticks=ticks)[0, 1]
    tiled = reference.tile_share(np.asarray(trains[0]), support, dt)
    return round((value + tiled) / (1 + value * tiled), 6)


def test_ticks_keep_epochs_apart_that_round_to_one_tick():
    trains = [[0.9996], [1.0004]]
    value = cf.sttc(trains, 0.002, support=[[0.0, 1.0], [1.0002, 2.0]], ticks=1000.0)[0, 1]
    assert value < 0


def test_sttc_equals_elephant_on_a_short_recording():
    neo = pytest.importorskip("neo")
    correlation = pytest.importorskip("elephant.spike_train_correlation")
    import quantities as pq

    trains = random_trains(4, 30, seed=3, duration=2.0)
    matrix = cf.sttc(trains, 0.02, support=[[0.0, 2.0]])
    peers = [neo.SpikeTrain(t, units="s", t_stop=2.0) for t in trains]
    for i in range(4):
        for j in range(4):
            peer = correlation.spike_time_tiling_coefficient(peers[i], peers[j], dt=0.02 * pq.s)
            assert matrix[i, j] == pytest.approx(float(peer), abs=1e-10)


def test_independent_poisson_trains_have_a_mean_near_zero():
    trains = random_trains(30, 1000, seed=11, duration=500.0)
    matrix = cf.sttc(trains, 0.05, support=[[0.0, 500.0]])
    assert abs(matrix[np.triu_indices(30, 1)].mean()) < 0.01


def test_golden_trains_equal_the_definition(golden_session):
    spikes = golden_session.spikes.select(golden_session.spikes.unit_ids[:5])
    theta = golden_session.detection
    few = spikes.restrict(theta[:3])
    np.testing.assert_allclose(
        cf.sttc(few, 0.05), reference.sttc(few.to_list(), 0.05, few.support.data), rtol=1e-9
    )


def test_empty_trains_give_nan_or_zero():
    trains = [[1.0], [], [1.0]]
    matrix = cf.sttc(trains, 0.1, support=[[0, 2]])
    assert np.isnan(matrix[1]).all()
    assert np.isnan(matrix[:, 1]).all()
    assert matrix[0, 2] == 1.0
    zero = cf.sttc(trains, 0.1, support=[[0, 2]], empty="zero")
    assert zero.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]


def test_no_units_and_no_time_give_empty_and_nan():
    assert cf.sttc([], 0.1, support=[[0, 1]]).shape == (0, 0)
    for ticks in (None, 1000.0):
        assert np.isnan(cf.sttc([[1.0]], 0.1, support=np.zeros((0, 2)), ticks=ticks)).all()
        assert np.isnan(cf.sttc([[1.0]], 0.1, support=[[1.0, 1.0]], ticks=ticks)).all()


def test_read_only_and_strided_input_is_left_alone():
    base = np.array([0.5, 9.0, 1.5, 9.0, 2.5])
    base.flags.writeable = False
    train = base[::2]
    assert cf.sttc([train, [0.5, 1.5, 2.5]], 0.1, support=[[0, 3]])[0, 1] == 1.0
    assert base.tolist() == [0.5, 9.0, 1.5, 9.0, 2.5]


def test_support_is_required():
    with pytest.raises(ValueError, match="support is missing"):
        cf.sttc([[1.0]], 0.1)
    attached = cf.SpikeTrains.from_list([[1.0]], support=[[0, 2]])
    assert cf.sttc(attached, 0.1).tolist() == [[1.0]]


def test_a_given_support_restricts_the_attached_one():
    trains = cf.SpikeTrains.from_list([[1.0, 8.0], [1.0, 9.0]], support=[[0, 10]])
    assert cf.sttc(trains, 0.1, support=[[0, 5]])[0, 1] == 1.0


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"dt": 0.0}, "dt must be positive"),
        ({"dt": np.nan}, "dt must be finite"),
        ({"support": [[0.0, np.inf]]}, "support must be bounded"),
        ({"ticks": -1.0}, "ticks must be positive"),
        ({"ticks": 1.0}, "dt must be at least half a tick"),
        ({"ticks": 1e17}, "ticks must be the clock rate"),
        ({"empty": "one"}, "empty must be one of"),
        ({"threads": 0}, "threads must be a positive integer"),
    ],
)
def test_wrong_arguments_are_named(keywords, message):
    arguments = {"dt": 0.1, "support": [[0.0, 2.0]]} | keywords
    with pytest.raises(ValueError, match=message):
        cf.sttc([[1.0], [1.5]], arguments.pop("dt"), **arguments)


def test_unsorted_and_nan_trains_are_refused():
    with pytest.raises(ValueError, match="sorted"):
        cf.sttc([[2.0, 1.0]], 0.1, support=[[0, 3]])
    with pytest.raises(ValueError, match="finite"):
        cf.sttc([[2.0, np.nan]], 0.1, support=[[0, 3]])


def test_the_binding_refuses_wrong_dtypes_and_overlapping_epochs():
    times, offsets = np.array([1.0]), np.array([0, 1])
    with pytest.raises(TypeError):
        _core.sttc_counts(times.astype(np.float32), offsets, np.array([[0.0, 2.0]]), 0.1, 1)
    with pytest.raises(ValueError, match="disjoint"):
        _core.sttc_counts(times, offsets, np.array([[0.0, 2.0], [1.0, 3.0]]), 0.1, 1)
    with pytest.raises(ValueError, match=r"epochs must have shape \(n, 2\)"):
        _core.sttc_counts(times, offsets, np.zeros((1, 3)), 0.1, 1)
    with pytest.raises(ValueError, match="offsets end at 2, values have 1"):
        _core.sttc_counts(times, np.array([0, 2]), np.array([[0.0, 2.0]]), 0.1, 1)
    for dt in (0.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="dt must be positive"):
            _core.sttc_counts(times, offsets, np.array([[0.0, 2.0]]), dt, 1)
