"""Explained variance: function and sliding class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.assemblies import ExplainedVariance, explained_variance
from cofire.errors import InvalidArgumentError
from reference import assemblies as reference

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
WINDOWED = {"none": {"window": None}, "w20": {"window": 20}, "w30s10": {"window": 30}}


def three_epochs(seed=0, n_units=7, n_bins=400):
    """Task and post share a common drive, pre does not."""
    rng = np.random.default_rng(seed)
    loading = rng.gamma(1.0, 1.0, (n_units, 1))
    drive = rng.gamma(1.0, 1.0, (2, 1, n_bins))
    task, post = rng.poisson(0.5 + loading * drive)
    return task, post, rng.poisson(1.0, (n_units, n_bins + 50))


def trains(seed=0, n_units=6, duration=90.0):
    """Units with unequal sensitivity to a common slow modulation."""
    rng = np.random.default_rng(seed)
    modulation = np.repeat(rng.gamma(1.0, 1.0, int(duration)), 1)
    out = []
    for i in range(n_units):
        t = np.sort(rng.uniform(0, duration, 900))
        keep = rng.random(900) < np.clip(0.2 + 0.15 * i * modulation[t.astype(int)], 0, 1)
        out.append(t[keep])
    return cf.SpikeTrains.from_list(out, support=[[0, duration]])


# function


def test_function_follows_the_formula():
    task, post, pre = three_epochs()
    expected = reference.explained_variance(task, post, pre)
    np.testing.assert_allclose(explained_variance(task, post, pre), expected, rtol=1e-12)


def test_full_result_holds_the_three_correlations():
    task, post, pre = three_epochs()
    full = explained_variance(task, post, pre, return_full=True)
    pairs = np.tril_indices(7, -1)
    t, p, b = (np.corrcoef(x)[pairs] for x in (task, post, pre))
    assert full.r_task_post == pytest.approx(np.corrcoef(t, p)[0, 1])
    assert full.r_task_pre == pytest.approx(np.corrcoef(t, b)[0, 1])
    assert full.r_post_pre == pytest.approx(np.corrcoef(p, b)[0, 1])
    assert (full.ev, full.rev) == explained_variance(task, post, pre)


@pytest.mark.parametrize(
    ("factor", "offset"),
    [(1, 0), (1, -3), (5000, 0), (1, 2**24), (0.1, 0.0), (0.01, 1e4), (1e-60, 0.0)],
)
def test_scale_and_offset_of_counts_do_not_matter(factor, offset):
    task, post, pre = three_epochs()
    expected = reference.explained_variance(task, post, pre)
    found = explained_variance(*(x * factor + offset for x in (task, post, pre)))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_rows_that_never_change_are_left_out_of_integers_and_of_floats():
    parts = three_epochs()
    expected = explained_variance(*(x[:6] for x in parts))
    for constant in (0, 3, 0.1, 1e9):
        rows = [np.where(np.arange(7)[:, None] < 6, x, constant) for x in parts]
        np.testing.assert_allclose(explained_variance(*rows), expected, rtol=1e-9)


@given(st.integers(0, 10_000))
def test_swapping_post_and_pre_swaps_the_results(seed):
    task, post, pre = three_epochs(seed)
    ev, rev = explained_variance(task, post, pre)
    assert explained_variance(task, pre, post) == pytest.approx((rev, ev))
    assert 0 <= ev <= 1 + 1e-9
    assert 0 <= rev <= 1 + 1e-9


@given(st.permutations(range(7)))
def test_unit_order_does_not_matter(order):
    epochs = three_epochs()
    shuffled = [x[list(order)] for x in epochs]
    assert explained_variance(*shuffled) == pytest.approx(explained_variance(*epochs))


def test_silent_units_are_left_out():
    task, post, pre = three_epochs()
    expected = explained_variance(task, post, pre)
    silent = [np.insert(x, 3, 0, axis=0) for x in (task, post, pre)]
    assert explained_variance(*silent) == pytest.approx(expected)
    # A unit silent in one epoch only is left out as well.
    one = [np.insert(x, 3, x[0][::-1], axis=0) for x in (task, post, pre)]
    one[0][3] = 0
    np.testing.assert_allclose(
        explained_variance(*one)[0], reference.explained_variance(*one)[0], rtol=1e-9
    )


@pytest.mark.parametrize("n_units", [0, 1, 2])
def test_too_few_pairs_explain_nothing(n_units):
    x = np.random.default_rng(0).poisson(1.0, (3, n_units, 50))
    assert explained_variance(*x) == (0.0, 0.0)


def test_golden_function(golden, golden_session):
    s = golden_session
    nrem_pre, nrem_post = (s.nrem & s.epochs[k] for k in (0, 2))
    task, post, pre = (
        cf.bin_spikes(s.spikes, 0.05, support=x) for x in (s.detection, nrem_post, nrem_pre)
    )
    full = explained_variance(task, post, pre, return_full=True)
    np.testing.assert_allclose(full, golden("ev")["ev_rev_task_post_pre"], **TIGHT)


def test_function_errors_are_named():
    x = np.ones((2, 5))
    with pytest.raises(InvalidArgumentError, match="same units, got task 2, post 2, pre 3"):
        explained_variance(x, x, np.ones((3, 5)))
    with pytest.raises(InvalidArgumentError, match="post must be 2-D"):
        explained_variance(x, x[0], x)
    with pytest.raises(InvalidArgumentError, match="pre must be finite"):
        explained_variance(x, x, x * np.nan)


# class


def whole(session, **kwargs):
    e = session.epochs
    return ExplainedVariance(session.spikes, e[1], e[2], e[0], **kwargs)


@pytest.mark.parametrize("name", ["none", "w20", "w30s10"])
def test_golden_windows(golden, golden_session, name):
    expected = golden("ev")
    slide = {"slideby": 10, "compat": "neuro_py"} if name == "w30s10" else {}
    result = whole(golden_session, **WINDOWED[name], **slide)
    for key in (
        "ev",
        "rev",
        "ev_std",
        "rev_std",
        "partial_corr",
        "rev_partial_corr",
        "matching_time",
        "control_time",
        "matching_windows",
        "control_windows",
    ):
        np.testing.assert_allclose(
            getattr(result, key), expected[f"{name}_{key}"], err_msg=key, **TIGHT
        )
    np.testing.assert_allclose(result.template_corr, expected["template_corr"], **TIGHT)


def test_partial_correlations_use_pairs_defined_everywhere():
    spikes = trains().to_list()
    spikes[2] = spikes[2][spikes[2] < 70]  # silent in the last matching window
    result = ExplainedVariance(spikes, [[30, 60]], [[60, 91]], [[0, 30.5]], window=10)
    for c, b in enumerate(result.control_corr):
        for m, p in enumerate(result.matching_corr):
            ok = np.isfinite(result.template_corr) & np.isfinite(p) & np.isfinite(b)
            r = np.corrcoef([result.template_corr[ok], p[ok], b[ok]])
            partial = (r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt(
                (1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2)
            )
            assert result.partial_corr[c, m] == pytest.approx(partial**2, rel=1e-8)
    assert not np.isfinite(result.matching_corr[-1]).all()


def test_sliding_windows_have_the_length_they_are_given():
    result = ExplainedVariance(trains(), [[30, 60]], [[60, 90]], [[0, 30]], window=10, slideby=2.5)
    np.testing.assert_allclose(np.diff(result.matching_windows), 10)
    np.testing.assert_allclose(result.matching_windows[:, 0], np.arange(60, 80.1, 2.5))
    short = ExplainedVariance(
        trains(), [[30, 60]], [[60, 90]], [[0, 30]], window=10, slideby=2, compat="neuro_py"
    )
    np.testing.assert_allclose(np.diff(short.matching_windows), 9)


def test_one_window_holds_whole_seconds():
    result = ExplainedVariance(trains(), [[30, 60]], [[60, 89.5]], [[0, 30]], window=None)
    assert result.matching_windows.tolist() == [[60.0, 89.0]]
    assert result.control_windows.tolist() == [[0.0, 30.0]]


def test_threads_and_time_shift_do_not_matter():
    s = trains()
    e = np.array([[0.0, 30.0], [30.0, 60.0], [60.0, 90.0]])
    one = ExplainedVariance(s, e[[1]], e[[2]], e[[0]], window=10, bin_size=0.25, threads=1)
    four = ExplainedVariance(s, e[[1]], e[[2]], e[[0]], window=10, bin_size=0.25, threads=4)
    np.testing.assert_array_equal(one.partial_corr, four.partial_corr)
    moved = cf.SpikeTrains(s.times + 1024.0, s.offsets, support=[[1024.0, 1114.0]])
    e = e + 1024.0
    later = ExplainedVariance(moved, e[[1]], e[[2]], e[[0]], window=10, bin_size=0.25)
    np.testing.assert_allclose(later.partial_corr, one.partial_corr, rtol=1e-9)


def test_all_silent_gives_nan():
    spikes = cf.SpikeTrains.from_list([[], [], []], support=[[0, 30]])
    result = ExplainedVariance(spikes, [[10, 20]], [[20, 30]], [[0, 10]], window=None)
    assert np.isnan(result.ev).all()
    assert np.isnan(result.ev_std).all()


def test_p_is_small_for_shared_structure_and_uniform_without():
    args = [[30, 60]], [[60, 90]], [[0, 30]]
    shared = ExplainedVariance(trains(n_units=10), *args, window=None)
    assert shared.pvalue(200, rng=1) == shared.pvalue(200, rng=1)
    rng = np.random.default_rng(5)
    p = []
    for seed in range(40):
        noise = [np.sort(rng.uniform(0, 90, 400)) for _ in range(6)]
        p.append(ExplainedVariance(noise, *args, window=None).pvalue(99, rng=seed))
    from scipy.stats import kstest

    assert kstest(p, "uniform").pvalue > 1e-3


def test_same_epoch_as_template_is_highly_significant():
    result = ExplainedVariance(trains(n_units=8), [[30, 60]], [[30, 60]], [[0, 30]], window=None)
    assert result.ev[0] == pytest.approx(1, abs=1e-6)
    assert result.pvalue(199) == pytest.approx(1 / 200)


def test_table_signal_and_repr():
    result = ExplainedVariance(trains(), [[30, 60]], [[60, 90]], [[0, 30]], window=10)
    table = result.to_frame()
    assert table.index.tolist() == [65.0, 75.0]
    assert table.columns.tolist() == ["start", "stop", "ev", "rev", "ev_std", "rev_std"]
    np.testing.assert_array_equal(result.ev_signal.values[:, 0], result.ev)
    np.testing.assert_array_equal(result.ev_signal.times, [65.0, 75.0])
    assert repr(result).startswith("ExplainedVariance(2 matching x 2 control windows, EV ")


def test_result_survives_saving(tmp_path):
    result = ExplainedVariance(trains(), [[30, 60]], [[60, 90]], [[0, 30]], window=10)
    cf.save(result, tmp_path / "ev")
    back = cf.load(tmp_path / "ev")
    np.testing.assert_array_equal(back.partial_corr, result.partial_corr)
    assert repr(back) == repr(result)


def test_class_errors_are_named():
    s, e = trains(), [[0, 30]]
    with pytest.raises(InvalidArgumentError, match="compat must be one of 'neuro_py'"):
        ExplainedVariance(s, e, e, e, compat="nelpy")
    with pytest.raises(InvalidArgumentError, match=r"matching lasts 30 s, too short .* 900 s"):
        ExplainedVariance(s, e, e, e)
    with pytest.raises(InvalidArgumentError, match="control holds no epoch"):
        ExplainedVariance(s, e, e, np.zeros((0, 2)), window=None)
    with pytest.raises(InvalidArgumentError, match="slideby needs window"):
        ExplainedVariance(s, e, e, e, window=None, slideby=3)
    with pytest.raises(InvalidArgumentError, match=r"window must be positive \(s\), got 0"):
        ExplainedVariance(s, e, e, e, window=0)
    windows = ExplainedVariance(s, e, e, e, window=10)
    with pytest.raises(InvalidArgumentError, match="got 2 and 2; use window=None"):
        windows.pvalue()
