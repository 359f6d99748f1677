"""Figures of whole networks: degrees, rich club, motifs, communities, central cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.style import FAINT, INK, MUTED, make_axes, nothing, one_axes, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TYPE_COLORS = ("#2b2b33", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_OBSERVED, _NULL = "#0072B2", "#8a8a94"

# Motifs 1 to 13 (Sporns & Koetter) by the names of their triads.
TRIADS: tuple[str, ...] = (
    "021U", "021C", "021D", "111D", "030T", "111U", "030C", "120D", "201", "120C", "120U", "210",
    "300",
)  # fmt: skip
_CORNERS = np.array([[0.0, 0.58], [-0.5, -0.29], [0.5, -0.29]])


@styled
def plot_degrees(
    degrees: pd.DataFrame,
    *,
    directions: Mapping[str, str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Share of cells with at least so many partners, on logarithmic axes.

    Parameters
    ----------
    degrees : DataFrame
        A row a cell and edge type: ``edge_type``, and a column a direction.
    directions : mapping of str to str, optional
        Columns and their titles; default ``in_degree`` and ``out_degree``.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (n_directions,) of Axes
        Cells without a partner count in the share, but have no place on the axis.
    """
    shown = dict(directions or {"in_degree": "presynaptic", "out_degree": "postsynaptic"})
    figure, grid = make_axes(1, len(shown), figsize=figsize or (8.8, 3.1), sharey=True)
    axes = grid[0]
    for ax, (column, title) in zip(axes, shown.items(), strict=True):
        if not (degrees[column] > 0).any():
            nothing(ax, f"no cell has {title} partners")
            continue
        for k, (name, rows) in enumerate(degrees.groupby("edge_type", sort=False)):
            values = np.sort(rows[column].to_numpy(dtype=np.float64))
            n = len(values)
            if not n:
                continue
            level, first = np.unique(values, return_index=True)
            keep = level > 0
            ax.step(
                level[keep], 1.0 - first[keep] / n, where="post",
                color=TYPE_COLORS[k % len(TYPE_COLORS)], linewidth=2.0 if k == 0 else 1.3,
                label=str(name),
            )  # fmt: skip
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel(f"{title} partners")
        ax.grid(color=FAINT, linewidth=0.5)
    axes[0].set_ylabel("share of cells with at least so many")
    handles, names = axes[0].get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    return figure, axes


@styled
def plot_motif_profile(
    motifs: pd.DataFrame, *, by: str = "edge_type", figsize: tuple[float, float] | None = None
) -> tuple[Figure, Any]:
    """z-scores of the 13 motifs of three cells against shuffled wiring.

    Parameters
    ----------
    motifs : DataFrame
        ``motif`` (1 to 13), ``triad`` (name of the triad), ``z``, ``count``; and the column `by`.
    by : str
        One line each.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
        Above: z on a symmetric logarithmic axis; grey band: -2 to 2. Below: the motifs.
    """
    figure, grid = make_axes(
        2, 1, figsize=figsize or (8.8, 4.1), sharex=True, gridspec_kw={"height_ratios": [3.4, 1]}
    )
    top, below = grid[:, 0]
    top.axhspan(-2, 2, color=FAINT, alpha=0.6, linewidth=0)
    top.axhline(0, color=MUTED, linewidth=0.8)
    kinds = list(dict.fromkeys(motifs[by])) if by in motifs else [""]
    width = 0.62 / max(len(kinds), 1)
    for k, name in enumerate(kinds):
        rows = motifs[motifs[by] == name] if by in motifs else motifs
        x = rows["motif"].to_numpy(dtype=np.float64) + (k - (len(kinds) - 1) / 2) * width
        z = rows["z"].to_numpy(dtype=np.float64)
        color = TYPE_COLORS[k % len(TYPE_COLORS)]
        top.vlines(x, 0, z, color=color, linewidth=1.4)
        top.plot(x, z, "o", color=color, markersize=5, label=str(name))
    top.set_yscale("symlog", linthresh=2.0)
    top.set_ylabel("z against shuffles")
    if len(kinds) > 1:
        figure.legend(
            *top.get_legend_handles_labels(), loc="outside upper center", ncols=len(kinds)
        )
    names = motifs.drop_duplicates("motif").set_index("motif")["triad"]
    for number, triad in zip(names.index, names, strict=True):
        draw_triad(below, str(triad), float(number))
    below.set_xticks(list(names.index), [f"{m}\n{t}" for m, t in names.items()], fontsize=7.5)
    below.set_ylim(-0.75, 0.95)
    below.set_xlim(0.4, 13.6)
    below.set_yticks([])
    below.spines["left"].set_visible(False)
    below.spines["bottom"].set_visible(False)
    below.tick_params(axis="x", length=0)
    below.set_xlabel("motif (number and triad)")
    return figure, grid[:, 0]


def triad_edges(name: str) -> tuple[tuple[int, int], ...]:
    """Edges of a triad of Holland & Leinhardt between nodes 0 (top), 1 and 2."""
    return {
        "021D": ((0, 1), (0, 2)),
        "021U": ((1, 0), (2, 0)),
        "021C": ((1, 0), (0, 2)),
        "111D": ((0, 1), (1, 0), (2, 0)),
        "111U": ((0, 1), (1, 0), (0, 2)),
        "030T": ((0, 1), (0, 2), (1, 2)),
        "030C": ((0, 1), (1, 2), (2, 0)),
        "201": ((0, 1), (1, 0), (0, 2), (2, 0)),
        "120D": ((0, 1), (0, 2), (1, 2), (2, 1)),
        "120U": ((1, 0), (2, 0), (1, 2), (2, 1)),
        "120C": ((1, 0), (0, 2), (1, 2), (2, 1)),
        "210": ((0, 1), (1, 0), (0, 2), (1, 2), (2, 1)),
        "300": ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)),
    }.get(name, ())


def draw_triad(ax: Axes, name: str, x: float, size: float = 0.62) -> None:
    """Draw three nodes with their arrows around (x, 0)."""
    at = _CORNERS * size + [x, 0.0]
    edges = set(triad_edges(name))
    for a, b in edges:
        if (b, a) in edges and a > b:
            continue
        ax.annotate(
            "", xy=tuple(at[b]), xytext=tuple(at[a]),
            arrowprops={
                "arrowstyle": "<|-|>" if (b, a) in edges else "-|>", "color": INK,
                "linewidth": 1.0, "mutation_scale": 6.5, "shrinkA": 3.2, "shrinkB": 3.2,
            },
        )  # fmt: skip
    ax.plot(at[:, 0], at[:, 1], "o", color=_OBSERVED, markersize=4.6, zorder=5)


@styled
def plot_rich_club(
    curve: pd.DataFrame, *, min_cells: int = 10, figsize: tuple[float, float] = (8.8, 3.1)
) -> tuple[Figure, AnyArray]:
    """Are cells with many partners wired to each other more than their degrees explain?

    Parameters
    ----------
    curve : DataFrame
        A row a degree: ``degree``, ``coefficient``, ``null_mean``, ``null_low``, ``null_high``
        (95 % of the nulls), ``normalized``, ``p``, ``n_cells``.
    min_cells : int
        Degrees above which fewer cells are left are not drawn.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
        Left: coefficient, null in grey. Right: their ratio; filled where p < 0.05 (one-sided).
    """
    figure, grid = make_axes(1, 2, figsize=figsize)
    left, right = axes = grid[0]
    rows = curve[np.isfinite(curve["coefficient"]) & (curve["n_cells"] >= min_cells)]
    if not len(rows):
        nothing(left, "no degrees")
        return figure, axes
    k = rows["degree"].to_numpy()
    left.fill_between(k, rows["null_low"], rows["null_high"], color=_NULL, alpha=0.3, linewidth=0)
    left.plot(k, rows["null_mean"], color=_NULL, label="shuffles (mean, 95 %)")
    left.plot(k, rows["coefficient"], color=_OBSERVED, linewidth=1.8, label="observed")
    left.set_ylabel("density among cells\nof larger degree")
    left.legend(loc="upper left")
    right.axhline(1.0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    right.plot(k, rows["normalized"], color=_OBSERVED, linewidth=1.2)
    significant = rows[rows["p"] < 0.05]
    right.plot(
        significant["degree"], significant["normalized"], "o", color=_OBSERVED, markersize=3.2,
        label="p < 0.05",
    )  # fmt: skip
    if len(significant):
        right.legend(loc="upper left")
    right.set_ylabel("observed / mean of shuffles")
    for ax in axes:
        ax.set_xlabel("degree k (in + out): cells with more than k partners")
        ax.grid(color=FAINT, linewidth=0.5)
        ax.set_axisbelow(True)
    return figure, axes


@styled
def plot_partition_table(
    table: pd.DataFrame,
    *,
    rows: str = "community",
    columns: str = "cell class",
    title: str = "",
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, Axes]:
    """Where the cells of each class lie among communities (each column sums to 100 %).

    Parameters
    ----------
    table : DataFrame
        Number of cells, a row a community, a column a class.
    rows, columns : str
        What they are.
    title : str
        For example agreement of the two.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, ax : Figure, Axes
    """
    n_rows, n_columns = table.shape
    size = figsize or (float(np.clip(2.2 + 0.4 * n_columns, 4.6, 9.0)), 1.9 + 0.29 * n_rows)
    figure, grid = make_axes(figsize=size)
    ax = grid[0, 0]
    if not n_rows or not n_columns:
        nothing(ax, "no cells")
        return figure, ax
    counts = table.to_numpy(dtype=np.float64)
    total = counts.sum(axis=0)
    share = np.divide(100 * counts, total, out=np.zeros_like(counts), where=total > 0)
    image = ax.imshow(share, cmap="viridis", vmin=0, vmax=100, aspect="auto")
    for i in range(n_rows):
        for j in range(n_columns):
            if counts[i, j]:
                ax.text(
                    j, i, f"{int(counts[i, j])}", ha="center", va="center", fontsize=6.5,
                    color="white" if share[i, j] < 60 else INK,
                )  # fmt: skip
    ax.set_yticks(range(n_rows), [f"{n} ({int(c):,})" for n, c in
                                  zip(table.index, counts.sum(axis=1), strict=True)])  # fmt: skip
    names = [f"{n} ({int(c):,})" for n, c in zip(table.columns, total, strict=True)]
    ax.set_xticks(range(n_columns), names, rotation=45, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.set_ylabel(f"{rows} (cells)")
    ax.set_xlabel(f"{columns} (cells)")
    ax.set_title(title, fontsize=8.5, fontweight="normal")
    for side in ax.spines.values():
        side.set_visible(False)
    bar = figure.colorbar(image, ax=ax, shrink=0.85, pad=0.02)
    bar.set_label(f"share of the {columns} (%)")
    bar.outline.set_visible(False)
    return figure, ax


@styled
def plot_class_wiring(
    probability: pd.DataFrame,
    *,
    label: str = "connection probability (%)",
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, Axes]:
    """How often cells of one class synapse onto cells of another.

    Parameters
    ----------
    probability : DataFrame
        Share of connected pairs, [class of pre, class of post]; NaN where there is no pair.
    label : str
        Of the colors.
    ax : Axes, optional
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, ax : Figure, Axes
    """
    n = len(probability)
    size = figsize or (
        float(np.clip(2.4 + 0.3 * n, 4.4, 8.0)),
        float(np.clip(1.7 + 0.28 * n, 3.6, 7.4)),
    )
    figure, ax = one_axes(ax, size)
    if not n:
        nothing(ax, "no classes")
        return figure, ax
    from matplotlib.colors import LogNorm

    values = 100 * probability.to_numpy(dtype=np.float64)
    positive = values[np.isfinite(values) & (values > 0)]
    norm = LogNorm(positive.min(), positive.max()) if len(positive) > 1 else None
    shown = np.where(values > 0, values, np.nan)
    image = ax.imshow(shown, cmap="viridis", norm=norm, aspect="auto")
    ax.set_facecolor("#f1f1f4")
    ax.set_xticks(range(n), list(probability.columns), rotation=45, ha="right",
                  rotation_mode="anchor")  # fmt: skip
    ax.set_yticks(range(n), list(probability.index))
    ax.tick_params(length=0)
    ax.set_ylabel("presynaptic")
    ax.set_xlabel("postsynaptic")
    for side in ax.spines.values():
        side.set_visible(False)
    bar = figure.colorbar(image, ax=ax, shrink=0.85, pad=0.02)
    bar.set_label(label)
    bar.outline.set_visible(False)
    return figure, ax


@styled
def plot_measures_by_class(
    values: pd.DataFrame,
    quantities: Mapping[str, str],
    *,
    group: str = "class",
    log: Sequence[str] = (),
    order: Sequence[str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Measures of cells by class: median, quartiles and every cell, a panel a measure.

    Parameters
    ----------
    values : DataFrame
        A row a cell: its class, and a column a measure.
    quantities : mapping of str to str
        Columns and labels.
    group : str
        Column of the classes; cells without one are left out.
    log : sequence of str
        Measures on a logarithmic axis; zeros are drawn at its left end.
    order : sequence of str, optional
        Classes from top to bottom; default by the median of the first measure.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (n_measures,) of Axes
    """
    known = values[values[group].notna()]
    first = next(iter(quantities))
    kinds = known[group].astype(str)
    names = list(order or known.groupby(kinds)[first].median().sort_values(ascending=False).index)
    n = len(quantities)
    n_columns = min(n, 4)
    n_rows = -(-n // n_columns)
    size = figsize or (1.0 + 2.1 * n_columns, n_rows * (0.75 + 0.2 * max(len(names), 4)))
    figure, grid = make_axes(n_rows, n_columns, figsize=size, sharey=True)
    axes = grid.ravel()
    for ax, (column, label) in zip(axes, quantities.items(), strict=False):
        x = known[column].to_numpy(dtype=np.float64)
        floor = _log_floor(x) if column in log else None
        for y, name in enumerate(names):
            sample = x[(kinds == name).to_numpy()]
            _strip(ax, sample[np.isfinite(sample)], y, floor)
        if floor is not None:
            ax.set_xscale("log")
        ax.set_xlabel(label)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", color=FAINT, linewidth=0.5)
        ax.set_axisbelow(True)
    counts = kinds.value_counts()
    for row in range(n_rows):
        ticks = [f"{name} ({counts.get(name, 0):,})" for name in names]
        grid[row, 0].set_yticks(range(len(names)), ticks, fontsize=7.5)
    for ax in axes[n:]:
        ax.set_visible(False)
    return figure, axes[:n]


def _log_floor(x: FloatArray) -> float:
    positive = x[np.isfinite(x) & (x > 0)]
    return float(positive.min()) / 2 if len(positive) else 1e-3


def _strip(ax: Axes, sample: FloatArray, y: int, floor: float | None) -> None:
    if not len(sample):
        return
    shown = np.sort(sample if floor is None else np.maximum(sample, floor))
    jitter = ((np.arange(len(shown)) * 0.6180339887) % 1.0 - 0.5) * 0.62
    ax.scatter(shown, y + jitter, s=2.5, color=_OBSERVED, alpha=0.28, linewidths=0, rasterized=True)
    low, median, high = np.percentile(shown, [25, 50, 75])
    ax.plot([low, high], [y, y], color=INK, linewidth=2.6, solid_capstyle="butt", zorder=4)
    ax.plot(median, y, "o", color="white", mec=INK, markersize=4.2, zorder=5)


@styled
def plot_null_comparison(
    table: pd.DataFrame, *, by: str = "edge_type", figsize: tuple[float, float] | None = None
) -> tuple[Figure, AnyArray]:
    """Measures of a network beside those of shuffled ones, a panel a measure.

    Parameters
    ----------
    table : DataFrame
        ``measure``, ``observed``, ``null_mean``, ``null_low``, ``null_high``, and the column `by`.
    by : str
        A row each.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (n_measures,) of Axes
        Points: observed; bars: mean and range of 95 % of the shuffles.
    """
    measures = list(dict.fromkeys(table["measure"]))
    kinds = list(dict.fromkeys(table[by]))
    n = max(len(measures), 1)
    size = figsize or (0.9 + 2.0 * n, 1.05 + 0.3 * max(len(kinds), 2))
    figure, grid = make_axes(1, n, figsize=size, sharey=True)
    axes = grid[0]
    for ax, measure in zip(axes, measures, strict=False):
        rows = table[table["measure"] == measure].set_index(by)
        for y, name in enumerate(kinds):
            if name not in rows.index:
                continue
            row, color = rows.loc[name], TYPE_COLORS[y % len(TYPE_COLORS)]
            ends = [row["null_low"], row["null_high"]]
            ax.plot(ends, [y, y], color=_NULL, linewidth=5, alpha=0.5,
                    solid_capstyle="butt")  # fmt: skip
            ax.plot(row["null_mean"], y, "|", color=INK, markersize=11)
            ax.plot(row["observed"], y, "o", color=color, markersize=6)
        ax.set_xlabel(measure)
        ax.margins(x=0.15)
        ax.grid(axis="x", color=FAINT, linewidth=0.5)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(kinds)), [str(k) for k in kinds])
    axes[0].set_ylim(len(kinds) - 0.5, -0.5)
    return figure, axes
