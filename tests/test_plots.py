"""Every plotter draws at one, five and twenty assemblies, and says what it shows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cofire import plot
from cofire.errors import InvalidArgumentError

LAGS = np.arange(-20, 20) / 40
N = 30


def patterns(k):
    rng = np.random.default_rng(k)
    weights = rng.normal(0, 0.05, (k, N))
    members = np.zeros((k, N), dtype=bool)
    for row in range(k):
        chosen = rng.choice(N, 5, replace=False)
        weights[row, chosen] += 0.5
        members[row, chosen] = True
    return weights / np.linalg.norm(weights, axis=1)[:, None], members


def response(k):
    bump = np.exp(-(LAGS**2) / 0.01)[:, None]
    gains = np.random.default_rng(0).gamma(3, 1, k)
    mean = np.stack([bump * gains, bump * gains * 3])
    return SimpleNamespace(
        lags=LAGS, phases=("pre", "post"), mean=mean, n_events=np.array([20, 30])
    )


def drawn(figure):
    figure.canvas.draw()
    return figure


@pytest.mark.parametrize("k", [1, 5, 20])
def test_stems_have_one_panel_an_assembly(k):
    weights, members = patterns(k)
    groups = np.where(np.arange(N) < 18, "CA1", "PFC")
    figure, axes = plot.plot_assemblies(weights, members, groups=groups)
    drawn(figure)
    assert axes.shape == (k,)
    assert axes[0].get_title(loc="center") == "A1\n5"
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["CA1\n(18)", "PFC\n(12)"]


@pytest.mark.parametrize("k", [1, 5, 20])
def test_reactivation_has_six_panels(k):
    figure, axes = plot.plot_reactivation(response(k))
    drawn(figure)
    assert axes.shape == (2, 3)
    assert axes[0, 0].get_title(loc="left") == "pre (20 events)"
    lines = axes[0, 2].get_lines()[:k]
    assert [line.get_color() for line in lines] == [plot.assembly_color(i) for i in range(k)]
    np.testing.assert_allclose(
        axes[1, 2].get_images()[0].get_array(), (response(k).mean[1] - response(k).mean[0]).T
    )


@pytest.mark.parametrize(("n_task", "titles"), [(7, ["task (7 events)"]), (0, [])])
def test_reactivation_shows_the_task_if_it_has_events(n_task, titles):
    two = response(3)
    three = SimpleNamespace(
        lags=LAGS,
        phases=("pre", "task", "post"),
        mean=np.stack([two.mean[0], two.mean[0], two.mean[1]]),
        n_events=np.array([20, n_task, 30]),
    )
    _, axes = plot.plot_reactivation(three)
    found = [ax.get_title(loc="left") for ax in axes[0]]
    assert found == ["pre (20 events)", *titles, "post (30 events)", "post − pre"]
    np.testing.assert_allclose(
        axes[1, -1].get_images()[0].get_array(), (two.mean[1] - two.mean[0]).T
    )


def test_the_same_assembly_has_the_same_color_everywhere():
    effect = SimpleNamespace(
        difference=np.arange(4.0), low=np.arange(4.0) - 1, high=np.arange(4.0) + 1,
        mean=1.5, mean_low=0.0, mean_high=3.0, window=(0.0, 0.1),
    )  # fmt: skip
    _, ax = plot.plot_reactivation_effect(effect)
    points = [line for line in ax.get_lines() if line.get_marker() == "o"]
    assert [p.get_color() for p in points] == [plot.assembly_color(k) for k in range(4)]
    assert len({plot.assembly_color(k) for k in range(30)}) == 30


def test_eigenvalues_count_those_above_the_threshold():
    values = np.array([3.0, 2.0, 1.1, 0.9])
    for null, n_bins in ((None, 100), (np.full(20, 1.2), None), (None, None)):
        figure, axes = plot.plot_eigenvalues(
            eigenvalues=values, threshold=1.3, null=null, n_bins=n_bins
        )
        drawn(figure)
        assert axes[0].get_title(loc="left").startswith("2 eigenvalues above the null")


def test_heat_map_averages_in_columns():
    times = np.arange(100) / 10
    values = np.repeat([[1.0, 3.0]], 100, axis=0)
    values[50:] *= 2
    figure, axes = plot.plot_activation_heatmap(
        values, times, n_columns=2, epochs={"pre": [[0, 5]], "post": [[5, 10]]}
    )
    drawn(figure)
    image = axes[1].get_images()[0].get_array()
    np.testing.assert_allclose(image, [[1, 2], [3, 6]], rtol=0.02)


def test_correlation_matrix_masks_blocks_within_groups():
    matrix = np.corrcoef(np.random.default_rng(0).normal(size=(6, 50)))
    figure, ax = plot.plot_correlation_matrix(matrix, groups=list("ababab"), mask_within=True)
    drawn(figure)
    shown = np.ma.filled(ax.get_images()[0].get_array(), np.nan)
    assert np.isnan(shown[:3, :3]).all()
    assert np.isfinite(shown[:3, 3:]).all()


def test_explained_variance_is_in_percent():
    whole = SimpleNamespace(
        ev=np.array([0.1]), rev=np.array([0.02]), ev_std=np.array([np.nan]),
        rev_std=np.array([np.nan]), matching_time=np.array([5.0]),
    )  # fmt: skip
    figure, axes = plot.plot_explained_variance(whole)
    drawn(figure)
    assert len(axes) == 1
    assert [p.get_height() for p in axes[0].patches] == pytest.approx([10.0, 2.0])
    sliding = SimpleNamespace(
        ev=np.full(4, 0.1), rev=np.full(4, 0.0), ev_std=np.full(4, 0.01),
        rev_std=np.full(4, 0.01), matching_time=np.arange(4) * 100.0,
    )  # fmt: skip
    figure, axes = plot.plot_explained_variance(whole, sliding=sliding)
    assert len(drawn(figure).axes) == 2


def test_comparison_marks_the_peaks():
    figure, axes = plot.plot_cross_comparison(response(3), response(2))
    drawn(figure)
    labels = [t.get_text() for t in axes[1].get_legend().get_texts()]
    peak = response(3).mean[1].mean(axis=1).max()
    assert labels[0] == f"standard (n = 3), peak {peak:.2f}"


def test_sweep_shows_every_count():
    table = pd.DataFrame(
        {
            "n_shuffles": [10, 20, 10, 20],
            "percentile": [95, 95, 99, 99],
            "n_assemblies": [4, 3, 2, 1],
        }
    )
    figure, ax = plot.plot_significance_sweep(table)
    drawn(figure)
    assert [t.get_text() for t in ax.texts] == ["2", "1", "4", "3"]


def test_raster_puts_members_on_top():
    members = np.zeros((2, 4), dtype=bool)
    members[0, 3] = True
    strongest = SimpleNamespace(
        assembly=np.array([0]), time=np.array([5.0]), lags=LAGS,
        activation=np.zeros((1, len(LAGS), 2)), spike_event=np.array([0, 0]),
        spike_unit=np.array([3, 0]), spike_lag=np.array([0.0, 0.1]), members=members,
    )  # fmt: skip
    figure, axes = plot.plot_activation_raster(strongest)
    drawn(figure)
    grey, colored = axes[1, 0].collections
    assert colored.get_segments()[0][:, 1].mean() == pytest.approx(0.0)
    assert grey.get_segments()[0][:, 1].mean() == pytest.approx(1.0)


def test_members_by_group_leaves_totals_out():
    table = pd.DataFrame({"CA1": [2, 1], "PFC": [0, 3], "n_members": [2, 4], "n_groups": [1, 2]})
    figure, ax = plot.plot_members_by_group(table)
    drawn(figure)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["CA1", "PFC"]


def test_joint_peth_and_paired_and_averages_draw():
    matrix = np.outer(LAGS, LAGS)
    joint = SimpleNamespace(joint=matrix, expected=matrix / 2, difference=matrix / 2, lags=LAGS)
    figure, axes = plot.plot_joint_peth(joint)
    assert len(axes) == 3
    drawn(figure)
    figure, ax = plot.plot_paired(([1.0, 2.0, 3.0], [2.0, 3.0, 5.0]))
    assert ax.get_title(loc="left") == "n = 3"
    average = SimpleNamespace(lags=LAGS, mean=np.zeros((40, 2)), sem=np.ones((40, 2)), n_events=7)
    figure, ax = plot.plot_event_triggered(average, labels=["a", "b"])
    assert "7 events" in ax.get_title(loc="left")
    drawn(figure)
    rates = SimpleNamespace(lags=LAGS, rate=np.ones((3, 40)), n_events=7)
    drawn(plot.plot_peri_event(rates, unit_ids=[4, 5, 6])[0])
    counts = SimpleNamespace(lags=LAGS, counts=np.ones((3, 3, 40)))
    figure, axes = plot.plot_correlogram(counts)
    assert axes.shape == (3, 3)
    pairs = SimpleNamespace(lags=LAGS, counts=np.ones((2, 40)))
    assert plot.plot_correlogram(pairs)[1].shape == (1, 2)


def test_figures_leave_global_settings_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    figure, _ = plot.plot_reactivation(response(2))
    assert isinstance(figure, Figure)
    assert dict(mpl.rcParams) == before


def test_nothing_found_is_said_in_the_figure():
    _figure, axes = plot.plot_reactivation(response(0))
    assert axes[0, 0].texts[0].get_text() == "no assembly or no event"
    _figure, axes = plot.plot_activation_heatmap(np.zeros((0, 0)), np.zeros(0))
    assert "no assembly" in axes[1].texts[0].get_text()
    with pytest.raises(InvalidArgumentError, match="holds no assembly"):
        plot.plot_assemblies(np.zeros((0, 5)))


def test_wrong_shapes_are_explained():
    weights, members = patterns(2)
    with pytest.raises(InvalidArgumentError, match="members must have the shape"):
        plot.plot_assemblies(weights, members[:1])
    with pytest.raises(InvalidArgumentError, match="one label per unit"):
        plot.plot_assemblies(weights, members, groups=["a"])


def test_t_interval_equals_scipy():
    from scipy import stats

    x = np.random.default_rng(0).normal(size=9)
    mean, half = plot.t_interval(np.append(x, np.nan))
    low, high = stats.t.interval(0.95, 8, x.mean(), stats.sem(x))
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert np.isnan(plot.t_interval([1.0])[1])


def test_saved_figures_are_reproducible(tmp_path):
    for name in ("a", "b"):
        figure, _ = plot.plot_reactivation(response(2))
        plot.save_figure(figure, tmp_path, name, ("svg",))
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_every_plotter_uses_the_common_style():
    plotters = [name for name in plot.__all__ if name.startswith("plot_")]
    assert len(plotters) > 10
    for name in plotters:
        assert hasattr(getattr(plot, name), "__wrapped__"), f"{name} lacks @styled"
