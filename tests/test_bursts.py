"""Population bursts, and events that hold enough spikes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.errors import InvalidArgumentError

CENTERS = np.arange(2.0, 58.0, 4.0)


def planted(seed=0, n_units=20, centers=CENTERS, support=((0.0, 60.0),)) -> cf.SpikeTrains:
    """Background of 1 Hz a unit and a burst of 3 spikes a unit (sd 20 ms) at each centre."""
    rng = np.random.default_rng(seed)
    trains = [
        np.sort(
            np.concatenate(
                [rng.uniform(0, 60, 60), *(rng.normal(c, 0.02, 3) for c in centers)],
            )
        )
        for _ in range(n_units)
    ]
    return cf.SpikeTrains.from_list(trains, support=support)


def test_planted_bursts_are_found_and_described():
    spikes = planted()
    bursts = cf.population_bursts(spikes)
    assert len(bursts) == len(CENTERS)
    assert bursts.is_disjoint
    table = bursts.metadata
    np.testing.assert_allclose(table["peak_time"], CENTERS, atol=0.02)
    assert (table["peak_z"] > 3).all()
    assert (table["peak_rate"] > table["threshold_rate"]).all()
    assert table["threshold_rate"].nunique() == 1
    assert (table["n_units"] == 20).all()
    counts = cf.count_in_intervals(spikes, bursts, closed="left")
    np.testing.assert_array_equal(table["n_spikes"], counts.sum(axis=0))
    assert (bursts.starts < table["peak_time"]).all()
    assert (bursts.stops > table["peak_time"]).all()


def test_bursts_equal_a_plain_threshold_crossing():
    from scipy.ndimage import gaussian_filter1d

    spikes = planted(1)
    width = 0.002
    counts = np.histogram(spikes.times, np.arange(30_001) * width)[0]
    rate = gaussian_filter1d(counts / width, 0.015 / width)
    z = (rate - rate.mean()) / rate.std()
    expected, begin = [], None
    for i, above in enumerate([*(z > 0.5), False]):
        if above and begin is None:
            begin = i
        elif not above and begin is not None:
            if z[begin:i].max() > 3 and 25 <= i - begin <= 250:
                expected.append((begin * width, i * width))
            begin = None
    bursts = cf.population_bursts(spikes, bin_width=width, edge_threshold=0.5)
    np.testing.assert_allclose(bursts.data, expected, atol=1e-9)


@given(st.permutations(range(20)))
def test_bursts_do_not_depend_on_the_order_of_units(order):
    spikes = planted()
    shuffled = cf.SpikeTrains.from_list([spikes[i] for i in order], support=spikes.support)
    assert cf.population_bursts(shuffled, bin_width=0.005) == cf.population_bursts(
        spikes, bin_width=0.005
    )


def test_a_burst_never_crosses_a_gap():
    spikes = planted(support=((0.0, 10.0), (10.02, 60.0)), centers=[10.01, 30.0])
    bursts = cf.population_bursts(spikes, min_duration=0.0)
    pieces = bursts.data[(bursts.stops > 9.9) & (bursts.starts < 10.1)]
    assert len(pieces) == 2
    assert pieces[0, 1] == pytest.approx(10.0)
    assert pieces[1, 0] == pytest.approx(10.02)


def test_durations_and_units_are_conditions():
    spikes = planted()
    all_of_them = cf.population_bursts(spikes, min_duration=0.0, max_duration=10.0)
    middle = float(np.median(all_of_them.durations))
    short = cf.population_bursts(spikes, min_duration=0.0, max_duration=middle)
    assert 0 < len(short) < len(all_of_them)
    assert (short.durations < middle + 0.001).all()
    assert len(cf.population_bursts(spikes, min_units=21)) == 0
    within = cf.population_bursts(spikes, support=[[0.0, 20.0]])
    assert len(within) == 5


def test_no_spikes_and_constant_rates_give_no_bursts():
    assert len(cf.population_bursts([])) == 0
    assert len(cf.population_bursts([[], []])) == 0
    silent = cf.SpikeTrains.from_list([[]], support=[[0.0, 10.0]])
    assert len(cf.population_bursts(silent)) == 0
    regular = cf.SpikeTrains.from_list([np.arange(0.0005, 1, 0.001)], support=[[0.0, 1.0]])
    none = cf.population_bursts(regular)
    assert len(none) == 0
    assert "peak_time" in none.metadata


def test_burst_errors_name_the_argument():
    spikes = planted()
    for options, message in (
        ({"edge_threshold": 4.0}, "edge_threshold .4 sd. must not exceed threshold"),
        ({"min_duration": 1.0}, "min_duration .1 s. must not exceed max_duration"),
        ({"sigma": 0.0}, "sigma must be positive"),
        ({"min_units": 0}, "min_units must be at least 1"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            cf.population_bursts(spikes, **options)


# --- filtering ------------------------------------------------------------------------------------

SPIKES = [[0.1, 0.2, 5.0], [0.3], [5.5, 9.0]]
EVENTS = cf.Intervals([[0.0, 1.0], [5.0, 6.0], [7.0, 8.0]], metadata={"name": ["a", "b", "c"]})


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"min_units": 2}, ["a", "b"]),
        ({"min_units": 3}, []),
        ({"min_units": 0}, ["a", "b", "c"]),
        ({"min_units": 0, "min_spikes": 3}, ["a"]),
        ({"min_units": 0, "min_rate": 2.0}, ["a", "b"]),
        ({"min_units": 0, "min_fraction": 0.7}, []),
        ({"min_units": 1, "min_fraction": 0.6}, ["a", "b"]),
    ],
)
def test_filter_keeps_events_that_meet_all_conditions(options, kept):
    result = cf.filter_events_by_spiking(SPIKES, EVENTS, **options)
    assert result.metadata["name"].tolist() == kept
    if kept == ["a", "b"]:
        assert result.metadata["n_spikes"].tolist() == [3, 2]
        assert result.metadata["n_units"].tolist() == [2, 2]


def test_filter_edges_and_errors():
    assert len(cf.filter_events_by_spiking([], EVENTS, min_units=0)) == 3
    assert len(cf.filter_events_by_spiking(SPIKES, [])) == 0
    with pytest.raises(InvalidArgumentError, match="min_units must be at least 0"):
        cf.filter_events_by_spiking(SPIKES, EVENTS, min_units=-1)
    with pytest.raises(InvalidArgumentError, match=r"min_fraction must lie in \[0, 1\]"):
        cf.filter_events_by_spiking(SPIKES, EVENTS, min_fraction=2.0)
