"""Golden numbers of the peri-event functions (see the README of golden/reactivation)."""

from __future__ import annotations

import numpy as np
import pytest

import cofire as cf
from cofire import events

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
# Epochs in which units have equal peaks: the reference orders them arbitrarily.
TIED = {"pub1": [1, 12, 15, 16], "pub2": [5, 16]}


@pytest.fixture(scope="module")
def peri(golden):
    return golden("peri")


def unit_0(session) -> np.ndarray:
    return np.unique(session.spikes[0])


def test_cross_corr_reproduces_the_golden_correlograms(golden_session, peri):
    for (i, j), expected in zip(peri["ccg_pairs"], peri["ccg"], strict=True):
        got = cf.cross_corr(
            golden_session.spikes[int(i)], golden_session.spikes[int(j)], 0.005, 200
        )
        np.testing.assert_allclose(got, expected, **TIGHT)


def test_correlogram_agrees_with_the_golden_correlograms(golden_session, peri):
    known = ~np.isnan(peri["ccg"]).any(axis=1)  # a silent reference has no rate
    pairs = peri["ccg_pairs"][known]
    result = cf.correlogram(golden_session.spikes, 0.5, 0.005, pairs=pairs)
    # neuro_py divides the distance to the window's start, which moves lags on bin edges.
    n = golden_session.spikes.counts[pairs[:, 0]][:, None]
    expected = np.rint(peri["ccg"][known] * n * 0.005).astype(np.int64)
    moved = np.abs(result.counts - expected).sum()
    assert moved <= 0.02 * expected.sum()
    assert np.abs(result.counts.sum(axis=1) - expected.sum(axis=1)).max() <= 10


def test_peri_event_counts_agree_with_the_golden_histogram(golden_session, peri):
    # 101 bins of 10 ms around lag 0; other bin edges than the rounded ones of neuro_py.
    events_, window = peri["events"], (-0.505, 0.505)
    total = cf.peri_event_counts(golden_session.spikes, events_, window, 0.01)
    each = cf.peri_event_counts(golden_session.spikes, events_, window, 0.01, per_event=True)
    np.testing.assert_array_equal(each.counts.sum(axis=0), total.counts)
    np.testing.assert_allclose(total.lags, peri["psth_100bins_t"], **TIGHT)
    expected = np.rint(peri["psth_100bins"].T * len(events_) * 0.01).astype(np.int64)
    moved = np.abs(total.counts - expected).sum()
    assert moved <= 0.02 * expected.sum()
    assert np.abs(total.counts.sum(axis=1) - expected.sum(axis=1)).max() <= 10


def test_pairwise_cross_corr_reproduces_golden(golden_session, peri):
    table = events.pairwise_cross_corr(
        golden_session.spikes, 0.01, 40, pairs=peri["pairwise_pairs"]
    )
    np.testing.assert_allclose(table.to_numpy(), peri["pairwise_ccg"], **TIGHT)
    np.testing.assert_allclose(table.index, peri["pairwise_ccg_t"], **TIGHT)


def test_deconvolved_peth_reproduces_golden(golden_session, peri):
    got, lags = cf.deconvolve_peth(
        golden_session.spikes[int(peri["deconv_unit"])], peri["events"], 0.01, 60
    )
    np.testing.assert_allclose(got, peri["deconv"], rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(lags, peri["deconv_t"], **TIGHT)


def test_joint_peth_reproduces_golden(golden_session, peri):
    lag = (np.arange(25) - 12) * 0.02
    peths = []
    for unit in peri["joint_units"]:
        train = golden_session.spikes[int(unit)]
        rows = [cf.cross_corr([event], train, 0.02, 25) for event in peri["events"]]
        peths.append(np.array(rows))
    assert peths[0].shape[1] == len(lag)
    result = cf.joint_peth(*peths, smooth_std=2)
    np.testing.assert_allclose(result.joint, peri["joint"], **TIGHT)
    np.testing.assert_allclose(result.expected, peri["joint_expected"], **TIGHT)
    np.testing.assert_allclose(result.difference, peri["joint_difference"], **TIGHT)


@pytest.mark.parametrize("output", ["counts", "binary", "firing_rate"])
def test_counts_in_intervals_reproduce_golden(golden_session, peri, output):
    got = cf.count_in_intervals(golden_session.spikes, golden_session.ripples, output=output)
    # The reference stores float32.
    np.testing.assert_allclose(got, peri[f"in_interval_{output}"], rtol=1e-6)


def test_sync_reproduces_golden(golden_session, peri):
    unit = int(peri["sync_unit"])
    lag, event, sample = cf.sync(golden_session.spikes[unit], peri["events"], (-0.1, 0.2))
    n = len(peri["sync_rel"])
    np.testing.assert_allclose(lag[:n], peri["sync_rel"], **TIGHT)
    np.testing.assert_array_equal(event[:n], peri["sync_event"])
    np.testing.assert_array_equal(sample[:n], peri["sync_sample"])


def test_raster_points_reproduce_golden(golden_session, peri):
    x, y = events.raster_points(golden_session.spikes[0], peri["events"][:50], (-0.1, 0.2))
    np.testing.assert_allclose(x, peri["raster_x"], **TIGHT)
    np.testing.assert_array_equal(y, peri["raster_y"])


def test_nearest_event_reproduces_golden(golden_session, peri):
    delay, index = cf.nearest_event(unit_0(golden_session), peri["events"])
    np.testing.assert_allclose(delay, peri["nearest_delay"], **TIGHT)
    np.testing.assert_array_equal(index, peri["nearest_index"])


def test_relative_times_reproduce_golden(golden_session, peri):
    position, interval = cf.relative_times(unit_0(golden_session), golden_session.nrem)
    np.testing.assert_allclose(position, peri["relative_time"], **TIGHT)
    np.testing.assert_array_equal(interval, peri["relative_interval"])


def test_count_events_reproduces_golden(golden_session, peri):
    got = events.count_events(golden_session.spikes[0], peri["events"], (0.0, 0.1))
    np.testing.assert_array_equal(got, peri["count_events"])
    assert got.dtype == peri["count_events"].dtype


@pytest.mark.parametrize("method", ["peak_fr", "first_spike"])
@pytest.mark.parametrize("ref", ["cells", "epoch"])
def test_rank_order_reproduces_golden(golden_session, peri, method, ref):
    # The reference ignores min_units with ref="epoch".
    min_units = 4 if ref == "cells" else 1
    result = cf.rank_order(
        golden_session.spikes, peri["rank_epochs"], method=method, ref=ref, min_units=min_units
    )
    expected = peri[f"rank_{method}_{ref}"]
    untied = np.ones(expected.shape[1], dtype=bool)
    if (method, ref) == ("peak_fr", "cells"):
        untied[TIED[golden_session.case]] = False
    np.testing.assert_allclose(result.ranks[:, untied], expected[:, untied], **TIGHT)
    if untied.all():
        np.testing.assert_allclose(result.median, peri[f"rank_{method}_{ref}_median"], **TIGHT)


def test_skew_bias_reproduces_golden(golden_session, peri):
    start = golden_session.epochs.starts[1]
    spikes = golden_session.spikes.restrict([[start, start + 5.0]])
    expected = peri["skew_bias_first5s_task"]
    np.testing.assert_allclose(cf.skew_bias_matrix(spikes), expected, **TIGHT)
    units = np.repeat(np.arange(spikes.n_units), spikes.counts)
    got = cf.skew_bias_matrix(spikes.times, units, spikes.n_units)
    np.testing.assert_allclose(got, expected, **TIGHT)


def test_event_triggered_cross_correlation_reproduces_golden(golden, golden_session, peri):
    from scipy.ndimage import gaussian_filter1d

    patterns = golden("assembly")["patterns_ica_mp"]
    eta = golden("eta")
    dt = float(golden("zmat")["z_dt"])
    binned = cf.bin_spikes(golden_session.spikes, dt, dtype="float64")
    weight_dt = {"pub1": 0.025, "pub2": 0.05}[golden_session.case]
    sigma = weight_dt / np.sqrt(int(1000 * weight_dt / 2))
    smooth = gaussian_filter1d(binned.counts, sigma / dt, axis=1)
    sd = smooth.std(axis=1, keepdims=True)
    centered = smooth - smooth.mean(axis=1, keepdims=True)
    z = np.divide(centered, sd, out=np.zeros_like(smooth), where=sd > 0)
    activity = (patterns @ z) ** 2 - patterns**2 @ z**2
    got, lags = cf.event_triggered_cross_correlation(
        eta["events_post"],
        activity[0],
        binned.centers,
        activity[-1],
        binned.centers,
        window=(-0.3, 0.3),
        bin_width=0.01,
    )
    np.testing.assert_allclose(lags, peri["etcc_lags"], **TIGHT)
    np.testing.assert_allclose(got, peri["etcc"], rtol=1e-9, atol=1e-11)
