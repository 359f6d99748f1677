"""Figures of the functional analyses draw, with and without data, and say what they show."""

import numpy as np
import pytest

from cofire import assemblies as asm
from cofire import plot

RNG = np.random.default_rng(0)
RASTER = RNG.random((120, 30)) < 0.2
SETS = [np.arange(8), np.arange(6, 12), np.array([20, 21])]
POSITIONS = np.column_stack([RNG.integers(0, 100, (30, 2)), RNG.choice([1, 2, 3], 30)])
STARTS = np.arange(4) * 30


def drawn(made):
    figure, axes = made
    figure.canvas.draw()
    return figure, axes


def test_intersections_show_frequent_combinations():
    found = asm.intersections(SETS, 30)
    _, (counts, dots, sizes) = drawn(found.plot(min_count=2))
    assert [bar.get_height() for bar in counts.patches] == [6, 4, 2, 2]
    assert [bar.get_width() for bar in sizes.patches] == [8, 6, 2]
    assert counts.get_title(loc="left").endswith("16 in no assembly")
    assert [t.get_text() for t in dots.get_yticklabels()] == ["A1", "A2", "A3"]
    assert counts.get_xlim() == dots.get_xlim()
    drawn(found.plot(min_count=100))
    drawn(asm.intersections([], 3).plot())


def test_maps_and_distributions_have_every_assembly():
    figure, ax = drawn(plot.plot_assemblies_in_space(POSITIONS, SETS))
    assert ax.get_title(loc="left") == "14 of 30 cells in an assembly, 2 in several"
    assert len(figure.legends[0].get_texts()) == 3
    tests = asm.spatial_tests(POSITIONS, SETS)
    _, axes = drawn(tests.plot(POSITIONS, SETS))
    assert len(axes) == 3
    labels = [t.get_text() for t in axes[0].get_yticklabels()]
    assert labels == ["all (30)", "A1 (8)", "A2 (6)", "A3 (2)"]
    assert len(axes[1].texts) == 3
    drawn(plot.plot_spatial(POSITIONS, []))


def test_correlations_are_drawn_in_order():
    found = asm.correlation_structure(RASTER.astype(float), order="peak")
    _, ax = drawn(found.plot())
    np.testing.assert_array_equal(ax.get_images()[0].get_array(), found.ordered)
    _, (left, right) = drawn(plot.plot_scree(found, n=10))
    assert len(left.get_lines()[0].get_xdata()) == 10
    assert right.get_title(loc="left") == "sum 30"
    _, axes = drawn(plot.plot_correlation_distance(POSITIONS, found.correlation, SETS))
    assert [ax.get_title(loc="left") for ax in axes[1:]] == [
        "A1 (n = 8)", "A2 (n = 6)", "A3 (n = 2)",
    ]  # fmt: skip


def test_large_matrices_are_averaged_and_not_thinned(monkeypatch):
    monkeypatch.setattr("cofire.plot.assemblies_function._MAX_PIXELS", 10)
    found = asm.correlation_structure(RASTER.astype(float), order="given")
    _, ax = drawn(found.plot())
    block = found.ordered[:3, 3:6].mean()
    assert ax.get_images()[0].get_array()[0, 1] == pytest.approx(block)


def test_samples_are_named_with_n_and_tests():
    pairs = asm.pairwise_correlations(RASTER, SETS, asm.random_ensembles(SETS, 30))
    _, ax = drawn(pairs.plot(comparison=pairs.comparison))
    assert ax.get_yticklabels()[0].get_text() == "assemblies\nn = 3"
    assert ax.get_xlabel().count("(BH)") == 6
    g = asm.gini(asm.coactivity(RASTER, SETS))
    _, ax = drawn(plot.plot_samples({"a": g, "b": g + 1}, label="x", connect=("a", "b")))
    assert len(ax.get_lines()) >= 3
    comparison = asm.compare_samples({"assemblies": g, "random": g / 2})
    figure, (left, _) = drawn(plot.plot_gini(g, g / 2, comparison=comparison))
    assert left.get_title(loc="left") == "3 assemblies"
    assert "assemblies vs random: z = " in figure.get_supxlabel()
    drawn(plot.plot_gini(g))


def test_traces_and_raster_share_their_window():
    _, (top, bottom) = drawn(
        plot.plot_example_traces(RASTER * 1.0, RASTER, rate=2, window=(10, 40), n_cells=4)
    )
    assert bottom.get_xlim() == (10, 40)
    assert top.get_title(loc="left") == "the 4 most active cells"
    with pytest.raises(ValueError, match="same shape"):
        plot.plot_example_traces(RASTER, RASTER[:, 1:])


def test_oracle_scores_show_trials_and_other_traces():
    traces = asm.coactivity(RASTER, [*SETS, [29]])
    traces[:, 3] = 0
    scores = asm.oracle_score(traces, STARTS, 30)
    cells = asm.oracle_score(RASTER, STARTS, 30)
    comparison = asm.compare_samples({"assemblies": scores.r, "all cells": cells.r})
    figure, (left, right) = drawn(scores.plot(others={"all cells": cells}, comparison=comparison))
    assert left.get_title(loc="left") == "4 trials; bars: score"
    assert right.get_yticklabels()[0].get_text() == "assemblies\nn = 12"
    assert "all cells" in figure.get_supxlabel()


@pytest.mark.parametrize("n", [1, 3, 10])
def test_tuning_has_a_curve_and_a_polar_plot_for_each_assembly(n):
    angles = np.tile([0.0, 90.0, 180.0, 270.0, np.nan], 4)
    fields = np.repeat(["full-field", "windowed"], 10)
    traces = RNG.random((240, n))
    found = asm.tuning(traces, np.arange(20) * 12, angles, fields=fields)
    _, axes = drawn(found.plot())
    assert axes.shape == (2, n)
    np.testing.assert_allclose(axes[0, 0].get_lines()[0].get_ydata(), found.mean[0, :, 0])
    _, axes = drawn(found.plot(field="windowed"))
    np.testing.assert_allclose(axes[1, 0].get_lines()[0].get_ydata()[:4], found.mean[1, :, 0])


def test_confusions_are_shown_as_counts_and_percent():
    counts = np.array([[8, 2], [5, 5]])
    _, axes = drawn(plot.plot_clip_confusion(counts, counts.T, labels=["a", "b"]))
    assert axes.shape == (2, 2)
    np.testing.assert_array_equal(axes[0, 0].get_images()[0].get_array(), counts)
    np.testing.assert_array_equal(axes[0, 1].get_images()[0].get_array(), [[80, 20], [50, 50]])
    assert axes[0, 1].get_title(loc="left") == "65.0 % right, chance 50.0 %"


def test_trigger_frames_show_what_differs_from_random_ensembles():
    movie = RNG.random((6, 4, 8))
    shown = np.arange(120) % 6
    traces = RNG.random((120, 2))
    traces[:, 1] = 0
    first = asm.trigger_frames(traces, movie, shown)
    second = asm.trigger_frames(RNG.random((120, 2)), movie, shown)
    _, axes = drawn(plot.plot_trigger_frames(first, second))
    assert axes.shape == (2, 4)
    np.testing.assert_array_equal(
        axes[0, 2].get_images()[0].get_array(), first.mean[0] - second.mean[0]
    )
    assert axes[1, 0].texts[0].get_text() == "no peak with\na movie frame"
    _, axes = drawn(first.plot(n=1))
    assert axes.shape == (1, 2)
    drawn(asm.trigger_frames(np.zeros((120, 0)), movie, shown).plot())
