"""Figures of nulls: shuffles beside what was observed, p-values, power, coupling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.network import TYPE_COLORS
from cofire.plot.style import FAINT, INK, MUTED, make_axes, nothing, one_axes, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NULL = "#8a8a94"


@styled
def plot_power(
    table: pd.DataFrame,
    *,
    level: float = 0.05,
    labels: Mapping[str, str] | None = None,
    figsize: tuple[float, float] = (6.4, 3.6),
) -> tuple[Figure, Axes]:
    """Chance that a test at the size of the sample finds an excess, by the size of the excess.

    Parameters
    ----------
    table : DataFrame
        ``test`` (a line each), ``effect`` (1 = none), ``power``, ``low``, ``high`` (95 %).
    level : float
        Significance level, drawn as a line.
    labels : mapping, optional
        What tests are called.
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    figure, ax = one_axes(None, figsize)
    ax.axhline(100 * level, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    ax.axhline(80, color=FAINT, linewidth=0.8)
    for k, (name, rows) in enumerate(table.groupby("test", sort=False)):
        color = TYPE_COLORS[(k + 1) % len(TYPE_COLORS)]
        ax.fill_between(rows["effect"], 100 * rows["low"], 100 * rows["high"], color=color,
                        alpha=0.15, linewidth=0)  # fmt: skip
        ax.plot(rows["effect"], 100 * rows["power"], "o-", color=color, markersize=4,
                label=(labels or {}).get(str(name), str(name)))  # fmt: skip
    ax.set_ylim(-2, 103)
    ax.set_xlabel("planted excess (factor on the connection probability or size)")
    ax.set_ylabel("significant (%)")
    ax.annotate(
        f"level {100 * level:g} %", (1.0, 100 * level), xycoords=("axes fraction", "data"),
        xytext=(-2, 2), textcoords="offset points", ha="right", fontsize=7.5, color=MUTED,
    )  # fmt: skip
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure, ax


@styled
def plot_null_distributions(
    nulls: Mapping[str, FloatArray],
    observed: Mapping[str, float],
    *,
    notes: Mapping[str, str] | None = None,
    label: str = "",
    n_columns: int = 4,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Statistics of shuffled data and where the observed one lies, a panel each.

    Parameters
    ----------
    nulls : mapping of str to ndarray (n_shuffles,)
        Label of each statistic and its values under the null.
    observed : mapping of str to float
    notes : mapping of str to str, optional
        Above each panel, for example p.
    label : str
        Of the shuffles, on the left.
    n_columns : int
        Panels side by side.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (n,) of Axes
    """
    n = max(len(nulls), 1)
    n_columns = min(n, n_columns)
    n_rows = -(-n // n_columns)
    figure, grid = make_axes(
        n_rows, n_columns, figsize=figsize or (0.6 + 2.35 * n_columns, 0.35 + 2.0 * n_rows)
    )
    axes = grid.ravel()
    if not nulls:
        nothing(axes[0], "no nulls")
        return figure, axes[:1]
    for ax, (name, values) in zip(axes, nulls.items(), strict=False):
        x = np.asarray(values, dtype=np.float64)
        x = x[np.isfinite(x)]
        if len(x):
            ax.hist(x, bins=int(np.clip(np.sqrt(len(x)), 8, 40)), color=_NULL, alpha=0.55)
        if np.isfinite(observed[name]):
            ax.axvline(observed[name], color="#D55E00", linewidth=1.8)
        ax.set_xlabel(name)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.set_title((notes or {}).get(name, ""), fontsize=8, fontweight="normal")
    for ax in axes[n:]:
        ax.set_visible(False)
    axes[0].set_ylabel(label or "shuffles")
    return figure, axes[:n]


@styled
def plot_coupling_model(
    model: Any, *, figsize: tuple[float, float] | None = None
) -> tuple[Figure, AnyArray]:
    """What of the wiring goes with functional coupling.

    Parameters
    ----------
    model : CouplingModel
        Of :func:`cofire.structure.explain_coupling`: ``coefficients`` (``predictor``,
        ``coefficient``, ``alone``, ``p``), ``r2``, ``r2_null``, ``r2_held_out``.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
        Left: filled the coefficient in the model, empty the correlation alone. Right: variance
        explained, null in grey.
    """
    table = model.coefficients
    figure, grid = make_axes(1, 2, figsize=figsize or (8.8, 1.2 + 0.34 * max(len(table), 3)))
    left, right = axes = grid[0]
    left.axvline(0, color=MUTED, linewidth=0.8)
    ticks = []
    for y, row in enumerate(table.to_dict("records")):
        strong = row["p"] < 0.05
        left.plot(row["alone"], y, "o", mfc="white", mec=MUTED, markersize=6)
        left.plot(row["coefficient"], y, "o", color="#0072B2" if strong else INK, markersize=6)
        ticks.append(f"{str(row['predictor']).replace('_', ' ')}\np = {row['p']:.2g}")
    left.plot([], [], "o", color="#0072B2", label="in the model, p < 0.05")
    left.plot([], [], "o", color=INK, label="in the model")
    left.plot([], [], "o", mfc="white", mec=MUTED, label="alone")
    left.set_yticks(range(len(table)), ticks, fontsize=7.5)
    left.tick_params(axis="y", length=0)
    left.set_ylim(len(table) - 0.5, -0.5)
    left.set_xlabel("standardized coefficient, correlation")
    left.grid(axis="x", color=FAINT, linewidth=0.5)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    null = np.asarray(model.r2_null, dtype=np.float64)
    right.hist(100 * null, bins=int(np.clip(np.sqrt(len(null)), 8, 40)), color=_NULL, alpha=0.55)
    right.axvline(100 * model.r2, color="#D55E00", linewidth=1.8, label=f"fit, p = {model.p:.2g}")
    if np.isfinite(model.r2_held_out):
        right.axvline(
            100 * model.r2_held_out, color="#009E73", linewidth=1.8, linestyle=(0, (4, 2)),
            label="held-out cells",
        )  # fmt: skip
    right.legend(fontsize=7.5)
    right.set_yticks([])
    right.spines["left"].set_visible(False)
    right.set_xlabel("variance explained (%)")
    right.set_ylabel("exchanged cells")
    return figure, axes


@styled
def plot_p_values(
    p: Mapping[str, Any],
    *,
    level: float = 0.05,
    figsize: tuple[float, float] = (4.6, 4.0),
) -> tuple[Figure, Axes]:
    """Distribution of p-values of data without an effect: a valid test lies on or below the line.

    Parameters
    ----------
    p : mapping of str to array_like (n,)
        Test and its p-values, one a draw; NaN is left out.
    level : float
        The share of p-values up to this is written in the legend.
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
        Steps: share of draws with a p at most x. Grey: where 95 % of n uniform samples stay
        (Kolmogorov and Smirnov), n of the smallest sample.
    """
    from scipy.stats import kstwobign

    figure, ax = one_axes(None, figsize)
    samples = {name: np.sort(np.asarray(v, dtype=np.float64)) for name, v in p.items()}
    samples = {name: x[np.isfinite(x)] for name, x in samples.items()}
    n = min((len(x) for x in samples.values() if len(x)), default=0)
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9)
    if n:
        band = float(kstwobign.ppf(0.95)) / np.sqrt(n)
        x = np.linspace(0, 1, 101)
        ax.fill_between(x, x - band, x + band, color=FAINT, alpha=0.6, linewidth=0)
    for k, (name, x) in enumerate(samples.items()):
        if len(x):
            share = np.arange(len(x) + 1) / len(x)
            found = 100 * (x <= level).mean()
            ax.step(
                np.concatenate([[0.0], x]), share, where="post", linewidth=1.5,
                color=TYPE_COLORS[(k + 1) % len(TYPE_COLORS)],
                label=f"{name} ({found:.1f} % up to {level:g}, n = {len(x):,})",
            )  # fmt: skip
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_xlabel("p")
    ax.set_ylabel("share of draws with at most this p")
    ax.set_aspect("equal")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center")
    return figure, ax
