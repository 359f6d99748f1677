"""Bootstrap, hierarchical bootstrap and paired sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.stats import bootstrap, hierarchical_bootstrap, paired_sessions, paired_test
from cofire.stats.resampling import _tree

# --- bootstrap ------------------------------------------------------------------------------------


def test_the_bootstrap_of_a_mean_has_its_standard_error():
    x = np.random.default_rng(0).normal(size=200)
    result = bootstrap(x)
    assert result.estimate == pytest.approx(x.mean())
    assert result.standard_error == pytest.approx(x.std() / np.sqrt(200), rel=0.03)
    assert result.interval == pytest.approx(tuple(np.quantile(result.distribution, [0.025, 0.975])))
    assert abs(result.bias) < 0.01


@pytest.mark.parametrize("statistic", [np.mean, np.median, np.std])
def test_bca_agrees_with_scipy(statistic):
    x = np.random.default_rng(1).exponential(size=40)
    found = bootstrap(x, statistic, method="bca", n_boot=20_000)
    expected = scipy.stats.bootstrap((x,), statistic, n_resamples=20_000, rng=0, method="BCa")
    width = expected.confidence_interval.high - expected.confidence_interval.low
    np.testing.assert_allclose(found.interval, expected.confidence_interval, atol=0.08 * width)


def test_a_statistic_without_axis_gives_the_same():
    x = np.random.default_rng(2).normal(size=30)
    one = bootstrap(x, n_boot=300)
    two = bootstrap(x, lambda values: float(values.mean()), n_boot=300)
    np.testing.assert_allclose(one.distribution, two.distribution)


def test_the_interval_covers_the_mean():
    rng = np.random.default_rng(3)
    hits = 0
    for k in range(300):
        low, high = bootstrap(rng.normal(size=40), n_boot=400, rng=k).interval
        hits += low <= 0 <= high
    assert 0.90 <= hits / 300 <= 0.98


def test_seeds_decide():
    x = np.arange(10.0)
    a, b, c = (bootstrap(x, n_boot=50, rng=seed).distribution for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("x", [[3.0], [2.0, 2.0, 2.0]])
def test_values_that_do_not_vary_have_an_interval_of_no_width(method, x):
    result = bootstrap(x, n_boot=20, method=method)
    assert result.interval == (x[0], x[0])


def test_large_samples_are_resampled_in_blocks():
    x = np.random.default_rng(0).normal(size=3_000_000)
    result = bootstrap(x, n_boot=4)
    assert len(set(result.distribution)) == 4


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bootstrap([]), InvalidArgumentError, "x must hold at least one value"),
        (lambda: bootstrap([np.nan]), InvalidArgumentError, r"x\[0\] is nan"),
        (lambda: bootstrap([1.0], n_boot=0), InvalidArgumentError, "n_boot must be at least 1"),
        (lambda: bootstrap([1.0], method="bc"), InvalidArgumentError, "method must be one of"),
        (lambda: bootstrap([1.0], confidence=1), InvalidArgumentError, "between 0 and 1"),
        (lambda: bootstrap([1.0], lambda v: v), InvalidTypeError, "statistic must give one number"),
    ],
)
def test_wrong_bootstrap_arguments_are_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- hierarchical bootstrap -----------------------------------------------------------------------

LEVELS = ("animal", "session", "assembly")


def nested(seed: int = 0, animal_sd: float = 1.0, n_animals: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for animal in range(n_animals):
        offset = rng.normal(0, animal_sd)
        for session in range(rng.integers(1, 4)):
            for assembly in range(rng.integers(2, 8)):
                rows.append((f"a{animal}", session, assembly, offset + rng.normal(0, 0.2)))
    return pd.DataFrame(rows, columns=[*LEVELS, "value"])


def tree(table, levels):
    """Values as nested lists."""
    if not levels:
        return table["value"].tolist()
    return [tree(group, levels[1:]) for _, group in table.groupby(levels[0])]


def slow_hierarchical(node, depth, rng):
    """One resample, level by level, as the paper says it."""
    if depth == 0:
        return node
    drawn = rng.integers(0, len(node), len(node))
    return [v for i in drawn for v in slow_hierarchical(node[i], depth - 1, rng)]


def test_the_distribution_is_that_of_level_by_level_resampling():
    table = nested(3)
    fast = hierarchical_bootstrap(table, value="value", n_boot=5000).distribution
    rng, root = np.random.default_rng(0), tree(table, list(LEVELS))
    slow = [np.mean(slow_hierarchical(root, 3, rng)) for _ in range(1000)]
    assert scipy.stats.ks_2samp(fast, slow).pvalue > 0.001


def test_one_level_is_the_plain_bootstrap():
    x = np.random.default_rng(0).normal(size=50)
    table = {"cell": np.arange(50), "value": x}
    result = hierarchical_bootstrap(table, value="value", levels="cell", n_boot=4000)
    assert result.standard_error == pytest.approx(x.std() / np.sqrt(50), rel=0.05)
    assert result.n == {"cell": 50, "values": 50}


def test_animals_that_differ_widen_the_interval():
    table = nested(1, animal_sd=2.0)
    whole = hierarchical_bootstrap(table, value="value", n_boot=1000)
    naive = bootstrap(table["value"], n_boot=1000)
    assert whole.standard_error > 2 * naive.standard_error


@given(st.integers(0, 1000))
def test_the_order_of_rows_does_not_change_what_is_nested_in_what(seed):
    table = nested(0)
    shuffled = table.sample(frac=1, random_state=seed)
    for a, b in zip(
        _tree(table, "value", LEVELS)[1], _tree(shuffled, "value", LEVELS)[1], strict=True
    ):
        assert len(a) == len(b)
        assert a[-1] == b[-1]
        np.testing.assert_array_equal(np.sort(np.diff(a)), np.sort(np.diff(b)))


def test_equal_labels_in_different_parents_are_different_members():
    table = {"animal": ["a", "a", "b"], "session": [1, 2, 1], "value": [1.0, 2.0, 3.0]}
    result = hierarchical_bootstrap(table, value="value", levels=LEVELS[:2], n_boot=10)
    assert result.n == {"animal": 2, "session": 3, "values": 3}


def test_rows_that_share_every_level_stay_together():
    table = {"session": [1, 1, 2, 2], "value": [0.0, 10.0, 1.0, 11.0]}
    result = hierarchical_bootstrap(table, value="value", levels="session", n_boot=200)
    assert set(np.round(result.distribution, 6)) == {5.0, 5.5, 6.0}


def test_any_statistic_can_be_used():
    table = nested(0)
    a = hierarchical_bootstrap(table, value="value", n_boot=200)
    b = hierarchical_bootstrap(table, value="value", n_boot=200, statistic=lambda v: v.mean())
    np.testing.assert_allclose(a.distribution, b.distribution)
    c = hierarchical_bootstrap(table, value="value", n_boot=200, statistic=np.median)
    assert c.estimate == table["value"].median()


def test_p_is_small_for_an_effect_and_never_zero():
    table = nested(0, animal_sd=0.1)
    table["value"] += 5
    result = hierarchical_bootstrap(table, value="value", n_boot=999)
    assert result.p == 2 / 1000
    assert hierarchical_bootstrap(table, value="value", n_boot=999, null=5.0).p > 0.05


def test_p_is_not_too_small_without_an_effect():
    p = [
        hierarchical_bootstrap(nested(k, n_animals=12), value="value", n_boot=200).p
        for k in range(100)
    ]
    assert np.mean(np.array(p) < 0.05) < 0.2


def test_two_groups_are_compared_by_all_pairs_of_resamples():
    a = hierarchical_bootstrap(nested(0), value="value", n_boot=100)
    b = hierarchical_bootstrap(nested(1), value="value", n_boot=70, rng=1)
    expected = (a.distribution[:, None] >= b.distribution).mean()
    assert a.probability_above(b) == pytest.approx(expected)


def test_missing_values_are_left_out():
    table = nested(0)
    with_gap = pd.concat([table, table.iloc[:1].assign(value=np.nan)])
    a = hierarchical_bootstrap(table, value="value", n_boot=20)
    b = hierarchical_bootstrap(with_gap, value="value", n_boot=20)
    np.testing.assert_array_equal(a.distribution, b.distribution)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"value": "x"}, InvalidArgumentError, "no column 'x'; columns: animal, session"),
        ({"levels": ("animal", "day")}, InvalidArgumentError, "no column 'day'"),
        ({"levels": ()}, InvalidArgumentError, "levels must name at least one column"),
        ({"value": "animal"}, InvalidTypeError, "column 'animal' must hold numbers"),
    ],
)
def test_wrong_tables_are_explained(change, error, message):
    with pytest.raises(error, match=message):
        hierarchical_bootstrap(nested(0), **{"value": "value", "n_boot": 5, **change})


def test_missing_labels_and_no_values_are_explained():
    table = nested(0)
    table.loc[3, "session"] = np.nan
    with pytest.raises(InvalidArgumentError, match="'session' must label every row; 1 rows"):
        hierarchical_bootstrap(table, value="value")
    with pytest.raises(InvalidArgumentError, match="column 'value' holds no values"):
        hierarchical_bootstrap(table.assign(value=np.nan), value="value")


# --- paired sessions ------------------------------------------------------------------------------


def wide() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"session": np.repeat(list("abcdefgh"), 3), "pre": rng.normal(size=24)})
    table["post"] = table["pre"] + rng.normal(0.8, 0.4, 24)
    return table


@pytest.mark.parametrize("method", ["signed_rank", "t", "permutation"])
def test_the_session_is_the_unit(method):
    table = wide()
    result = paired_sessions(table, ("pre", "post"), method=method)
    means = table.groupby("session")[["pre", "post"]].mean()
    test = paired_test(means["post"], means["pre"], method=method)
    assert result.n == 8
    assert result.p == pytest.approx(test.p)
    assert result.effect == pytest.approx(test.effect)
    assert result.difference == pytest.approx((means["post"] - means["pre"]).mean())
    assert result.interval[0] < result.difference < result.interval[1]
    assert result.effect > 0


def test_long_tables_give_the_same_as_wide_ones():
    table = wide()
    long = table.melt(id_vars="session", var_name="epoch", value_name="z")
    a = paired_sessions(table, ("pre", "post"))
    b = paired_sessions(long, ("pre", "post"), value="z", condition="epoch")
    assert a.p == b.p
    np.testing.assert_allclose(a.table["difference"], b.table["difference"])


def test_sessions_without_a_condition_are_named():
    table = wide()
    table.loc[table["session"] == "c", "post"] = np.nan
    table.loc[3, "post"] = np.nan
    result = paired_sessions(table, ("pre", "post"))
    assert result.dropped == ("c",)
    assert result.n == 7
    assert result.table.index.tolist() == list("abdefgh")
    assert result.to_frame() is result.table


def test_the_median_resists_an_outlier():
    table = pd.DataFrame({"session": [1, 1, 1, 2], "a": [0.0, 0, 0, 0], "b": [1.0, 1, 100, 1]})
    result = paired_sessions(table, ("a", "b"), aggregate="median")
    assert result.table["b"].tolist() == [1.0, 1.0]


def test_a_result_reads_in_one_line():
    text = repr(paired_sessions(wide(), ("pre", "post")))
    assert text.startswith("PairedSessions(post - pre = ")
    assert text.endswith("n = 8 sessions)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pair": ("pre", "task")}, "no column 'task'; columns: session, pre, post"),
        ({"pair": "pre"}, "pair must name two different conditions, got 'pre'"),
        ({"pair": ("pre", "pre")}, "pair must name two different conditions"),
        ({"pair": ("pre", "post"), "session": "day"}, "no column 'day'"),
        ({"pair": ("pre", "post"), "value": "pre"}, "needs both value= and condition="),
        (
            {"pair": ("x", "y"), "value": "pre", "condition": "session"},
            r"column 'session' has no 'x', 'y'; it holds \['a'",
        ),
        ({"pair": ("pre", "post"), "aggregate": "max"}, "aggregate must be one of"),
    ],
)
def test_wrong_session_tables_are_explained(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        paired_sessions(wide(), **arguments)


def test_no_complete_session_is_explained():
    with pytest.raises(InvalidArgumentError, match="no session has values of both 'pre' and"):
        paired_sessions(wide().assign(post=np.nan), ("pre", "post"))
