"""Replay scores from pairwise order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.assemblies import NotFittedError, PairwiseBias
from cofire.errors import InvalidArgumentError
from reference import assemblies as reference


def sequences(order, starts, n_units=8, jitter=0.02, seed=0):
    """Spikes of units in the given order, 50 ms apart, at each start."""
    rng = np.random.default_rng(seed)
    trains = [[] for _ in range(n_units)]
    for start in starts:
        for rank, unit in enumerate(order):
            trains[unit].append(start + 0.05 * rank + rng.normal(0, jitter))
    return cf.SpikeTrains.from_list(
        [np.sort(t) for t in trains], support=[[min(starts) - 1, max(starts) + 1]]
    )


TASK = sequences(range(8), [0.0])


# oracle


def test_scores_are_cosines_over_active_pairs():
    post = sequences([3, 1, 6, 0], [10.0], jitter=0.05)
    model = PairwiseBias(n_shuffles=10).fit(TASK)
    times, ids = post.to_pairs()
    np.testing.assert_array_equal(model.bias_, reference.skew_bias(*TASK.to_pairs(), 8))
    result = model.transform(post)
    assert result.scores[0] == pytest.approx(reference.replay_score(model.bias_, times, ids))
    assert result.n_active.tolist() == [4]


def test_shuffles_relabel_active_units():
    # With two units there are two relabellings, with scores +1 and -1.
    model = PairwiseBias(n_shuffles=4000, rng=1).fit(TASK)
    result = model.transform(sequences([2, 5], [10.0]))
    assert result.scores[0] == pytest.approx(1)
    assert result.zscores[0] == pytest.approx(1, abs=0.1)
    assert result.p_forward[0] == pytest.approx(0.5, abs=0.05)
    assert result.p_reverse[0] == 1
    assert result.pvalues[0] == 1


def test_null_matches_relabelled_scores_from_the_definition():
    post = sequences([3, 1, 6, 0, 7], [10.0], jitter=0.05)
    times, ids = post.to_pairs()
    model = PairwiseBias(n_shuffles=3000).fit(TASK)
    result = model.transform(post)
    rng = np.random.default_rng(0)
    active = np.unique(ids)
    null = []
    for _ in range(3000):
        relabelled = np.zeros(8, dtype=int)
        relabelled[active] = rng.permutation(active)
        null.append(reference.replay_score(model.bias_, times, relabelled[ids]))
    z = (result.scores[0] - np.mean(null)) / np.std(null)
    assert result.zscores[0] == pytest.approx(z, abs=0.15)
    assert result.p_forward[0] == pytest.approx(np.mean(null >= result.scores[0]), abs=0.05)


# properties


@given(st.permutations(range(8)))
def test_forward_and_reverse_mirror_each_other(order):
    post = sequences(order, [5.0], jitter=0.0)
    times, ids = post.to_pairs()
    model = PairwiseBias(n_shuffles=20).fit(TASK)
    forward = model.transform((times, ids), [[4, 7]])
    backward = model.transform((-times, ids), [[-7, -4]])
    assert backward.scores[0] == pytest.approx(-forward.scores[0], abs=1e-12)
    assert -1 <= forward.scores[0] <= 1


@given(st.permutations(range(8)))
def test_unit_order_does_not_matter(order):
    order = list(order)
    post = sequences([4, 2, 0, 6, 1], [5.0])
    expected = PairwiseBias(n_shuffles=5).fit(TASK).transform(post)
    shuffled = PairwiseBias(n_shuffles=5).fit(TASK).transform(post.select(order))
    np.testing.assert_array_equal(shuffled.scores, expected.scores)
    np.testing.assert_array_equal(shuffled.zscores, expected.zscores)


def test_threads_do_not_matter():
    post = sequences([0, 3, 2, 5, 7], np.arange(10.0, 40.0))
    events = np.column_stack([np.arange(9.8, 39.0), np.arange(10.6, 39.8)])
    one, four = (
        PairwiseBias(n_shuffles=50, threads=t).fit(TASK).transform(post, events) for t in (1, 4)
    )
    for name in ("scores", "zscores", "p_forward", "p_reverse", "pvalues", "n_active"):
        np.testing.assert_array_equal(getattr(one, name), getattr(four, name))


# golden


def test_golden_bias(golden, golden_session):
    s = golden_session
    start = s.epochs.starts[1]
    first = s.spikes.restrict([[start, start + 5]])
    expected = golden("peri")["skew_bias_first5s_task"]
    model = PairwiseBias().fit(first)
    np.testing.assert_allclose(model.bias_, expected, rtol=1e-9, atol=1e-11)
    # An event that is the task itself replays it perfectly.
    result = PairwiseBias(n_shuffles=20).fit(first).transform(first, [[start, start + 5]])
    assert result.scores[0] == pytest.approx(1)


# edges


def test_direction_and_table():
    model = PairwiseBias(n_shuffles=500).fit(TASK)
    ids = np.arange(8)
    times = np.concatenate([10 + 0.05 * ids, 20 - 0.05 * ids, [30.0]])
    units = np.concatenate([ids, ids, [0]])
    result = model.transform((times, units), [[9, 11], [19, 21], [29, 31], [40, 41]])
    np.testing.assert_allclose(result.scores, [1, -1, np.nan, np.nan])
    assert result.n_active.tolist() == [8, 8, 1, 0]
    assert result.p_forward[0] < 0.01 < result.p_reverse[0]
    assert result.p_reverse[1] < 0.01 < result.p_forward[1]
    assert result.pvalues[2:].tolist() == [1.0, 1.0]
    table = result.to_frame()
    assert table["direction"].tolist() == ["forward", "reverse", "none", "none"]
    assert repr(result) == ("ReplayScores(4 events, p < 0.05: 1 forward, 1 reverse, 500 shuffles)")


def test_events_are_half_open_and_may_overlap():
    model = PairwiseBias(n_shuffles=5).fit(TASK)
    result = model.transform(([1.0, 2.0, 3.0], [0, 1, 2]), [[1.0, 3.0], [1.0, 3.1]])
    assert result.n_active.tolist() == [2, 3]


def test_no_events_no_spikes():
    model = PairwiseBias(n_shuffles=5).fit(TASK)
    assert model.transform(TASK, np.zeros((0, 2))).scores.shape == (0,)
    silent = cf.SpikeTrains.from_list([[]] * 8, support=[[0, 1]])
    assert np.isnan(model.transform(silent).scores).all()
    untrained = PairwiseBias(n_shuffles=5).fit(silent)
    assert np.isnan(untrained.transform(TASK).scores).all()


def test_unsorted_pairs_are_sorted():
    model = PairwiseBias(n_shuffles=5).fit(([0.3, 0.1, 0.2], [2, 0, 1]))
    assert model.transform(([5.2, 5.0, 5.1], [2, 0, 1]), [[4, 6]]).scores[0] == pytest.approx(1)


def test_scikit_learn_can_clone():
    from sklearn.base import clone

    assert clone(PairwiseBias(n_shuffles=3)).get_params() == {
        "n_shuffles": 3,
        "rng": 0,
        "threads": None,
    }


# errors


def test_errors_are_named():
    model = PairwiseBias(n_shuffles=5)
    with pytest.raises(NotFittedError, match="has no bias_ yet"):
        model.transform(TASK)
    with pytest.raises(InvalidArgumentError, match="one id for each of 2 times"):
        model.fit(([0.0, 1.0], [1]))
    with pytest.raises(InvalidArgumentError, match="got 3 items"):
        model.fit(([0.0], [1], [2]))
    model.fit(TASK)
    with pytest.raises(InvalidArgumentError, match="post has unit 9, which task does not have"):
        model.transform(([0.0], [9]), [[0, 1]])
    with pytest.raises(InvalidArgumentError, match="events are needed"):
        model.transform(([0.0], [1]))
    with pytest.raises(InvalidArgumentError, match="n_shuffles must be at least 1"):
        PairwiseBias(n_shuffles=0).fit(TASK)


# statistical


def test_random_order_gives_uniform_p():
    from scipy.stats import kstest

    rng = np.random.default_rng(2)
    n = 200
    times = (np.arange(n)[:, None] + rng.random((n, 8)) * 0.5).ravel()
    ids = np.tile(np.arange(8), n)
    starts = np.arange(n, dtype=float)
    result = (
        PairwiseBias(n_shuffles=199)
        .fit(TASK)
        .transform((times, ids), np.column_stack([starts, starts + 0.6]))
    )
    assert kstest(result.p_forward, "uniform").pvalue > 1e-3
    assert kstest(result.p_reverse, "uniform").pvalue > 1e-3
