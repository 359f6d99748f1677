"""Rate and regularity of units."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.errors import CofireError

STATISTICS = ["cv", "cv2", "lv", "fano", "burst_index"]


def reference_row(train, support, fano_window, burst_interval):
    """The statistics of one unit, spike by spike."""
    pieces = [[t for t in train if a <= t < b] for a, b in support]
    intervals = [np.diff(piece) for piece in pieces]
    pooled = np.concatenate(intervals)
    pairs = [(x, y) for d in intervals for x, y in itertools.pairwise(d) if x + y > 0]
    close = 0
    for piece in pieces:
        for i, t in enumerate(piece):
            near = [abs(t - u) <= burst_interval for u in piece[max(i - 1, 0) : i + 2]]
            close += sum(near) > 1
    n = sum(len(piece) for piece in pieces)
    counts = cf.bin_spikes([train], fano_window, support=support).counts[0]
    return {
        "rate": n / sum(b - a for a, b in support),
        "n_spikes": n,
        "cv": pooled.std() / pooled.mean() if len(pooled) > 1 and pooled.mean() > 0 else np.nan,
        "cv2": np.mean([2 * abs(y - x) / (x + y) for x, y in pairs]) if pairs else np.nan,
        "lv": np.mean([3 * (x - y) ** 2 / (x + y) ** 2 for x, y in pairs]) if pairs else np.nan,
        "fano": counts.var() / counts.mean() if counts.any() else np.nan,
        "burst_index": close / n if n > 1 else np.nan,
    }


# Ticks of 1/128 s are exact in binary, so that both sides see the same intervals.
trains = st.lists(
    st.lists(st.integers(0, 512), max_size=30).map(lambda t: np.sort(t) / 128.0),
    min_size=1,
    max_size=4,
)


@given(trains)
def test_the_table_holds_the_statistics_of_each_unit(units):
    support = [[0.0, 1.75], [2.0, 3.0], [3.25, 4.0]]
    table = cf.unit_table(units, support=support, fano_window=0.25, burst_interval=3 / 128)
    for i, train in enumerate(units):
        expected = reference_row(train, support, 0.25, 3 / 128)
        for name, value in expected.items():
            np.testing.assert_allclose(table[name].iloc[i], value, rtol=1e-9, err_msg=name)


@given(trains, st.integers(2, 4))
def test_the_table_does_not_depend_on_threads_or_the_order_of_units(units, threads):
    table = cf.unit_table(units, support=[[0, 4]], threads=1)
    moved = cf.unit_table(units[::-1], support=[[0, 4]], threads=threads)
    np.testing.assert_array_equal(moved.to_numpy()[::-1], table.to_numpy())


def test_a_regular_train_has_no_variation():
    table = cf.unit_table([np.arange(100) / 10.0], support=[[0, 10]])
    row = table.iloc[0]
    assert row["rate"] == 10.0
    np.testing.assert_allclose(row[["cv", "cv2", "lv", "fano"]].astype(float), 0.0, atol=1e-10)
    assert row["burst_index"] == 0.0


def test_a_poisson_train_has_statistics_of_one():
    rng = np.random.default_rng(0)
    train = np.sort(rng.uniform(0, 5000, 50_000))
    row = cf.unit_table([train], support=[[0, 5000]]).iloc[0]
    for name in ("cv", "cv2", "lv", "fano"):
        assert abs(row[name] - 1.0) < 0.05, name
    # Either neighbor within 6 ms at 10 Hz.
    assert abs(row["burst_index"] - (1 - np.exp(-2 * 10 * 0.006))) < 0.01


def test_too_few_spikes_give_nan():
    table = cf.unit_table([[], [0.5], [0.5, 0.6], [0.5, 0.5]], support=[[0, 1]])
    assert table["n_spikes"].tolist() == [0, 1, 2, 2]
    assert table.loc[0, STATISTICS].isna().all()
    assert table.loc[1, ["cv", "cv2", "lv", "burst_index"]].isna().all()
    assert table.loc[2, ["cv", "cv2", "lv"]].isna().all()
    assert table.loc[3, ["cv", "cv2", "lv"]].isna().all()
    assert table.loc[3, "burst_index"] == 1.0


def test_coinciding_spikes_say_nothing_about_regularity():
    row = cf.unit_table([[0.5, 0.5, 0.5]], support=[[0, 1]]).iloc[0]
    assert np.isnan(row[["cv", "cv2", "lv"]].astype(float)).all()


def test_no_units_and_no_time_are_legal():
    assert len(cf.unit_table([], support=[[0, 1]])) == 0
    table = cf.unit_table([[]])
    assert table["n_spikes"].tolist() == [0]
    assert np.isnan(table["rate"].iloc[0])


def test_ids_and_metadata_go_along():
    spikes = cf.SpikeTrains.from_dict(
        {"a": [0.1], "b": [0.2, 0.3]}, support=[[0, 1]], metadata={"region": ["CA1", "PFC"]}
    )
    table = cf.unit_table(spikes)
    assert table.index.tolist() == ["a", "b"]
    assert table.index.name == "unit_id"
    assert table["region"].tolist() == ["CA1", "PFC"]


@pytest.mark.parametrize("name", ["fano_window", "burst_interval"])
def test_wrong_arguments_are_named(name):
    with pytest.raises(CofireError, match=f"{name} must be positive"):
        cf.unit_table([[0.1]], **{name: 0.0})
