"""Plotters of connections by class and of networks draw what they are given, and say it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cofire import plot
from cofire.errors import InvalidArgumentError
from cofire.graph.motifs import motif_census
from cofire.plot.network import TRIADS, triad_edges
from cofire.plot.structure import CLASS_COLORS, wilson

RNG = np.random.default_rng(0)


def drawn(figure):
    figure.canvas.draw()
    return figure


def texts(ax):
    return [t.get_text() for t in ax.get_yticklabels()]


def sizes(**counts):
    rows = [(name, v) for name, n in counts.items() for v in 10 ** RNG.normal(-2, 0.4, n)]
    return pd.DataFrame(rows, columns=["class", "value"])


@pytest.mark.parametrize("n", [0, 1, 2, 50, 4000])
def test_rainclouds_say_n_and_draw_every_class(n):
    figure, axes = plot.plot_raincloud(
        sizes(shared=n, disjoint=30), label="size (µm³)", order=["shared", "disjoint"], log=True
    )
    drawn(figure)
    assert texts(axes[0]) == [f"same assembly\nn = {n:,}", "different assemblies\nn = 30"]
    assert axes[1].get_xlabel() == "log10 size\n(µm³)"
    assert axes[0].get_xlabel() == "size (µm³)"


def test_the_side_panel_holds_mean_and_standard_error():
    table = sizes(shared=40)
    _, axes = plot.plot_raincloud(table, label="size", log=True)
    line, _, bars = axes[1].containers[0]
    logs = np.log10(table["value"])
    assert line.get_xdata()[0] == pytest.approx(logs.mean())
    ends = bars[0].get_segments()[0][:, 0]
    assert np.ptp(ends) / 2 == pytest.approx(logs.sem())


def test_classes_have_their_own_colors_everywhere():
    _, axes = plot.plot_raincloud(sizes(shared=5, disjoint=5), label="x", log=True)
    colors = [label.get_color() for label in axes[0].get_yticklabels()]
    assert colors == [CLASS_COLORS["shared"], CLASS_COLORS["disjoint"]]
    assert len(set(CLASS_COLORS.values())) >= 7


def test_rainclouds_refuse_what_they_cannot_show():
    table = pd.DataFrame({"class": ["shared"], "value": [0.0]})
    with pytest.raises(InvalidArgumentError, match="logarithmic axis cannot show"):
        plot.plot_raincloud(table, label="x", log=True)
    with pytest.raises(InvalidArgumentError, match="no column 'kind'"):
        plot.plot_raincloud(table, label="x", by="kind")


def test_equal_values_and_huge_samples_are_drawn():
    same = pd.DataFrame({"class": "shared", "value": np.ones(10)})
    drawn(plot.plot_raincloud(same, label="x", side=None)[0])
    _, axes = plot.plot_raincloud(sizes(shared=20_000), label="x", log=True)
    assert len(axes[0].collections[-1].get_offsets()) == 3000


def shares():
    return pd.DataFrame(
        {"class": ["shared", "disjoint", "shared_no_a"], "n_pairs": [100, 200, 0],
         "n_connected": [10, 10, 0]}
    )  # fmt: skip


def contingency():
    rows = []
    for name, hits, total in (("shared", 10, 100), ("disjoint", 10, 200)):
        expected = total * 20 / 300
        for outcome, o, e in (
            ("connected", hits, expected), ("not connected", total - hits, total - expected)
        ):  # fmt: skip
            rows.append(("shared", "disjoint", name, outcome, o, e, (o - e) ** 2 / e))
    names = ["first", "second", "class", "outcome", "observed", "expected", "contribution"]
    return pd.DataFrame(rows, columns=names)


def test_shares_stand_beside_their_contributions_to_chi_squared():
    figure, axes = plot.plot_connection_shares(
        shares(), contingency(), notes={("shared", "disjoint"): "χ² = 2.0"}
    )
    drawn(figure)
    assert texts(axes[0])[0] == "same assembly\n10 of 100"
    image = axes[1].get_images()[0].get_array()
    np.testing.assert_allclose(image, contingency()["contribution"].to_numpy().reshape(2, 2))
    assert axes[1].get_title(loc="left") == "χ² = 2.0"


def test_wilson_intervals_are_those_of_scipy():
    from scipy.stats import binomtest

    for hits, total in ((0, 10), (3, 10), (10, 10), (107, 4945)):
        interval = binomtest(hits, total).proportion_ci(method="wilson")
        share, low, high = wilson(hits, total)
        assert share == hits / total
        assert (low, high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_groups_have_a_panel_a_quantity():
    table = pd.DataFrame({"group": ["assembly"] * 9 + [None], "x": np.arange(10.0), "y": 1.0})
    figure, axes = plot.plot_cell_groups(table, {"x": "x (µm)", "y": "y"}, notes={"x": "p = 1"})
    drawn(figure)
    assert texts(axes[0]) == ["in an assembly\nn = 9"]
    assert axes[0].get_title(loc="left") == "p = 1"
    assert len(axes) == 2


def test_the_map_has_layers_and_counts_cells():
    cells = pd.DataFrame(
        {"x": RNG.normal(0, 50, 30), "depth": RNG.uniform(0, 800, 30),
         "group": ["assembly"] * 5 + [None] * 25}, index=range(100, 130)
    )  # fmt: skip
    edges = pd.DataFrame({"pre": [100, 101, 999], "post": [102, 110, 100]})
    figure, ax = plot.plot_connectivity_map(cells, edges)
    drawn(figure)
    assert len(ax.collections[0].get_segments()) == 2
    lines = [line.get_ydata()[0] for line in ax.get_lines()]
    assert {100.0, 270.0, 400.0, 550.0, 750.0} <= set(lines)
    assert ax.yaxis_inverted()
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert labels == ["in an assembly (n = 5)", "other cells (n = 25)"]
    drawn(plot.plot_connectivity_map(cells, None, layers={})[0])
    drawn(plot.plot_connectivity_map(cells.iloc[:0])[0])


def test_the_tail_shows_mixture_boundary_and_shares():
    values = pd.DataFrame({"class": ["shared", "disjoint"] * 50, "value": RNG.normal(-2, 0.3, 100)})
    counts = pd.DataFrame({"class": ["shared", "disjoint"], "n_tail": [30, 20], "n": [50, 50]})
    figure, axes = plot.plot_tail(
        values, weights=[0.6, 0.4], means=[-2, -2.6], sds=[0.2, 0.2], boundary=-2.3,
        label="PSD (µm³)", counts=counts,
    )  # fmt: skip
    drawn(figure)
    assert -2.3 in [line.get_xdata()[0] for line in axes[0].get_lines()]
    assert axes[0].get_xlabel() == "log10 PSD (µm³)"
    drawn(plot.plot_tail(values.iloc[:0], weights=[], means=[], sds=[], boundary=0.0, label="x")[0])


def test_distance_and_its_control():
    curve = pd.DataFrame(
        {"class": ["shared"] * 2 + ["disjoint"] * 2, "distance": [50.0, 150.0] * 2,
         "n_pairs": [10, 0, 20, 30], "n_connected": [2, 0, 3, 1]}
    )  # fmt: skip
    effects = pd.DataFrame({"name": ["all"], "odds_ratio": [1.2], "low": [0.7], "high": [2.0]})
    figure, axes = plot.plot_distance_dependence(curve, effects)
    drawn(figure)
    assert axes[0].get_xlabel() == "distance between somata (µm)"
    assert axes[1].get_xscale() == "log"
    assert len(axes[1].get_xticks()) >= 3


@pytest.mark.parametrize("k", [1, 15])
def test_the_breakdown_has_a_row_an_assembly(k):
    table = pd.DataFrame(
        {"assembly": [str(i + 1) for i in range(k)], "n_cells": 5, "n_shared": 20,
         "connected_shared": 2, "n_disjoint": 30, "connected_disjoint": 1, "odds_ratio": 2.0,
         "low": 0.5, "high": 8.0}
    )  # fmt: skip
    table.loc[k - 1, "odds_ratio"] = np.nan
    figure, axes = plot.plot_assembly_breakdown(table)
    drawn(figure)
    assert texts(axes[0])[0] == "A1 (5)"
    assert "too few" in [t.get_text() for t in axes[1].texts]


def test_power_and_nulls():
    table = pd.DataFrame(
        {"test": ["B"] * 2, "effect": [1.0, 2.0], "power": [0.05, 0.8], "low": [0, 0.7],
         "high": [0.1, 0.9]}
    )  # fmt: skip
    figure, ax = plot.plot_power(table)
    drawn(figure)
    assert ax.get_lines()[-1].get_ydata().tolist() == [5.0, 80.0]
    figure, axes = plot.plot_null_distributions(
        {"a": RNG.normal(size=100), "b": np.full(5, np.nan)}, {"a": 1.0, "b": np.nan}
    )
    drawn(figure)
    assert [ax.get_xlabel() for ax in axes] == ["a", "b"]
    drawn(plot.plot_null_distributions({}, {})[0])


def test_coupling_shows_coefficients_and_null():
    model = SimpleNamespace(
        coefficients=pd.DataFrame(
            {"predictor": ["direct", "common_input"], "coefficient": [0.2, 0.0], "p": [0.01, 0.6],
             "alone": [0.3, 0.1]}
        ),
        r2=0.1, r2_null=RNG.random(50) / 20, r2_held_out=0.05, p=0.02,
    )  # fmt: skip
    figure, axes = plot.plot_coupling_model(model)
    drawn(figure)
    assert texts(axes[0]) == ["direct\np = 0.01", "common input\np = 0.6"]


def test_drawn_triads_are_the_motifs_of_the_census():
    for number, name in enumerate(TRIADS, 1):
        matrix = np.zeros((3, 3))
        for a, b in triad_edges(name):
            matrix[a, b] = 1
        assert motif_census(matrix).tolist() == [int(k == number) for k in range(1, 14)], name


def test_motif_profiles_draw_every_z_and_leave_out_none():
    table = pd.DataFrame({"motif": range(1, 14), "triad": TRIADS, "z": np.arange(-6.0, 7.0)})
    table.loc[3, "z"] = np.nan
    both = pd.concat([table.assign(edge_type="aa"), table.assign(edge_type="ad")])
    figure, axes = plot.plot_motif_profile(both)
    drawn(figure)
    points = [line for line in axes[0].get_lines() if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in points] == [13, 13]
    assert axes[1].get_xticklabels()[4].get_text() == "5\n030T"


def test_degrees_start_at_the_share_of_cells_with_a_partner():
    table = pd.DataFrame(
        {"edge_type": "all", "in_degree": [0, 1, 1, 4], "out_degree": [2, 2, 2, 2]}
    )
    figure, axes = plot.plot_degrees(table)
    drawn(figure)
    line = axes[0].get_lines()[0]
    assert line.get_xdata().tolist() == [1, 4]
    assert line.get_ydata().tolist() == [0.75, 0.25]


def test_networks_without_edges_and_classes_without_pairs_say_so():
    empty = pd.DataFrame({"edge_type": ["all"] * 3, "in_degree": 0, "out_degree": 0})
    _, axes = plot.plot_degrees(empty)
    assert axes[0].texts[0].get_text() == "no cell has presynaptic partners"
    figure, axes = plot.plot_connection_shares(shares().iloc[:0], contingency().iloc[:0])
    drawn(figure)
    assert axes[0].texts[0].get_text() == "no pairs"


def test_the_rich_club_leaves_small_clubs_out():
    curve = pd.DataFrame(
        {"degree": [1, 2, 3], "coefficient": [0.1, 0.2, 0.9], "null_mean": 0.1, "null_low": 0.05,
         "null_high": 0.15, "normalized": [1.0, 2.0, 9.0], "p": [0.5, 0.01, 0.01],
         "n_cells": [50, 20, 2]}
    )  # fmt: skip
    figure, axes = plot.plot_rich_club(curve)
    drawn(figure)
    assert axes[1].get_lines()[1].get_ydata().tolist() == [1.0, 2.0]
    drawn(plot.plot_rich_club(curve.iloc[:0])[0])


def test_tables_of_partitions_and_wiring():
    table = pd.DataFrame([[3, 0], [1, 4]], index=["C1", "C2"], columns=["KC", "LN"])
    figure, ax = plot.plot_partition_table(table)
    drawn(figure)
    np.testing.assert_allclose(ax.get_images()[0].get_array(), [[75, 0], [25, 100]])
    drawn(plot.plot_partition_table(table.iloc[:0, :0])[0])
    share = pd.DataFrame([[0.1, 0.0], [np.nan, 0.01]], index=["a", "b"], columns=["a", "b"])
    figure, ax = plot.plot_class_wiring(share)
    drawn(figure)
    assert ax.get_images()[0].get_array().mask.tolist() == [[False, True], [True, False]]
    drawn(plot.plot_class_wiring(share * 0)[0])


def test_measures_by_class_are_sorted_by_the_first():
    table = pd.DataFrame(
        {"class": ["a", "a", "b", "b", None], "x": [0.0, 1.0, 5.0, 6.0, 99.0], "y": 1.0}
    )
    figure, axes = plot.plot_measures_by_class(table, {"x": "x", "y": "y"}, log=("x",))
    drawn(figure)
    assert texts(axes[0]) == ["b (2)", "a (2)"]
    assert axes[0].get_xscale() == "log"


def test_networks_stand_beside_their_shuffles():
    table = pd.DataFrame(
        {"edge_type": ["all", "aa"], "measure": "clustering", "observed": [0.2, 0.3],
         "null_mean": 0.1, "null_low": 0.05, "null_high": 0.15}
    )  # fmt: skip
    figure, axes = plot.plot_null_comparison(table)
    drawn(figure)
    assert texts(axes[0]) == ["all", "aa"]
    assert axes[0].get_xlabel() == "clustering"


def test_p_values_are_steps_to_one():
    figure, ax = plot.plot_p_values({"χ²": [0.5, 0.01, np.nan, 1.0], "none": []})
    drawn(figure)
    step = ax.get_lines()[1]
    assert step.get_xdata().tolist() == [0.0, 0.01, 0.5, 1.0]
    np.testing.assert_allclose(step.get_ydata(), [0, 1 / 3, 2 / 3, 1])
    assert figure.legends[0].get_texts()[0].get_text() == "χ² (33.3 % up to 0.05, n = 3)"
