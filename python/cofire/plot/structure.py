"""Figures of connections between cells by class of the pair: rainclouds, shares, contributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.errors import InvalidArgumentError
from cofire.plot.style import FAINT, INK, MUTED, make_axes, nothing, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLASS_COLORS = {
    "shared": "#0072B2",
    "disjoint": "#D55E00",
    "shared_no_a": "#6b6b76",
    "no_a_a": "#56B4E9",
    "a_no_a": "#CC79A7",
    "no_a_to_any": "#009E73",
    "a_to_any": "#882255",
    "assembly": "#0072B2",
    "none": "#6b6b76",
    "no_assembly": "#6b6b76",
}
"""Colors of the classes of pairs and of the groups of cells (Okabe & Ito), in every figure."""

CLASS_LABELS = {
    "shared": "same assembly",
    "disjoint": "different assemblies",
    "shared_no_a": "both in none",
    "no_a_a": "none \N{RIGHTWARDS ARROW} some",
    "a_no_a": "some \N{RIGHTWARDS ARROW} none",
    "no_a_to_any": "none \N{RIGHTWARDS ARROW} any",
    "a_to_any": "some \N{RIGHTWARDS ARROW} any",
    "assembly": "in an assembly",
    "none": "in none",
    "no_assembly": "in none",
}
"""How figures call them."""

_SPARE = ("#332288", "#117733", "#DDAA33", "#AA4499", "#44AA99", "#999933")
_MAX_POINTS = 3000
_KERNEL_POINTS = 160


def class_color(name: str, k: int = 0) -> str:
    """Color of a class; others than those of :data:`CLASS_COLORS` by their position."""
    return CLASS_COLORS.get(name, _SPARE[k % len(_SPARE)])


@styled
def plot_raincloud(
    values: pd.DataFrame,
    *,
    label: str,
    by: str = "class",
    order: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    log: bool = False,
    side: str | None = "auto",
    title: str = "",
    note: str = "",
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Distributions side by side: density above, quartiles and every value below.

    Parameters
    ----------
    values : DataFrame
        A row a value: column ``value`` and the class it belongs to. A class without a value is
        named with n = 0.
    label : str
        Of the values, with their unit.
    by : str
        Column of the classes.
    order : sequence of str, optional
        Classes from top to bottom; default as they come.
    labels : mapping, optional
        What classes are called; default :data:`CLASS_LABELS`.
    log : bool
        Logarithmic axis; values must be > 0.
    side : {"auto", None}, or str
        Panel on the right: mean ± SEM of each class, of log10 of the values with `log`. A text is
        its label; None leaves it out.
    title, note : str
        Above the figure; the note is small and may hold the test.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (1 or 2,) of Axes

    Raises
    ------
    InvalidArgumentError
        A missing column, or values <= 0 on a logarithmic axis.

    Notes
    -----
    Of more than 3000 values of a class, 3000 evenly spaced in rank are drawn as points; density,
    quartiles, mean and n use all.
    """
    for column in (by, "value"):
        if column not in values.columns:
            raise InvalidArgumentError(
                f"values has no column {column!r}; columns: {', '.join(map(str, values.columns))}"
            )
    kinds = values[by].astype(str)
    names = list(dict.fromkeys(kinds)) if order is None else [str(name) for name in order]
    samples = {n: _sample(values["value"][(kinds == n).to_numpy()], log) for n in names}
    height = 0.75 + 0.72 * max(len(names), 1) + (0.2 if title else 0.0)
    size = figsize or (8.6 if side else 6.4, height)
    columns = 2 if side else 1
    ratios = {"width_ratios": [2.7, 1.0]} if side else None
    figure, grid = make_axes(1, columns, figsize=size, sharey=True, gridspec_kw=ratios)
    axes = grid[0]
    called = {**CLASS_LABELS, **(labels or {})}
    for y, name in enumerate(names):
        draw_cloud(axes[0], samples[name], y, class_color(name, y), log=log)
    _class_axis(axes[0], names, samples, called)
    axes[0].set_xlabel(label)
    if log:
        _power_axis(axes[0])
    if side:
        for y, name in enumerate(names):
            _mean_and_error(axes[1], samples[name], y, class_color(name, y))
        axes[1].set_xlabel(_side_label(side, label, log))
        axes[1].margins(x=0.14)
        axes[1].tick_params(axis="y", length=0)
        axes[1].set_title("mean ± SEM")
        axes[1].grid(axis="x", color=FAINT, linewidth=0.5)
        axes[1].set_axisbelow(True)
    if title:
        axes[0].set_title(title)
    if note:
        axes[0].set_title(note, loc="right", fontsize=8, color=MUTED, fontweight="normal")
    return figure, axes


def _sample(values: Any, log: bool) -> FloatArray:
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    if log and (x <= 0).any():
        raise InvalidArgumentError(
            f"values: {int((x <= 0).sum())} are not positive, which a logarithmic axis cannot "
            "show; leave absent connections out, or log=False"
        )
    sample: FloatArray = np.sort(np.log10(x) if log else x)
    return sample


def draw_cloud(
    ax: Axes, sample: FloatArray, y: float, color: str, *, log: bool = False, height: float = 0.42
) -> None:
    """One raincloud at height `y` (axis downwards): density above, box and points below.

    Parameters
    ----------
    ax : Axes
    sample : ndarray (n,), sorted
        On the scale of the axis (log10 of the values for a logarithmic one).
    y : float
    color : str
    log : bool
        Only for the reader: samples are drawn as they are.
    height : float
        Of the density, in units of y.
    """
    n = len(sample)
    if not n:
        ax.text(0.5, y, "no values", transform=ax.get_yaxis_transform(), ha="center",
                va="center", color=MUTED, fontsize=8)  # fmt: skip
        return
    if n > 2 and sample[-1] > sample[0]:
        grid, density = _density(sample)
        top = y - 0.06 - height * density / density.max()
        ax.fill_between(grid, y - 0.06, top, color=color, alpha=0.45, linewidth=0)
        ax.plot(grid, top, color=color, linewidth=0.9)
    shown = sample
    if n > _MAX_POINTS:
        shown = sample[np.linspace(0, n - 1, _MAX_POINTS).astype(np.int64)]
    # The golden ratio spreads neighbors in rank evenly, without random numbers.
    jitter = (np.arange(len(shown)) * 0.6180339887) % 1.0
    many = len(shown) > 200
    ax.scatter(
        shown, y + 0.13 + 0.24 * jitter, s=3 if many else 9, color=color,
        alpha=0.35 if many else 0.7, linewidths=0, rasterized=len(shown) > 600,
    )  # fmt: skip
    low, median, high = np.percentile(sample, [25, 50, 75])
    ax.plot([low, high], [y + 0.03] * 2, color=INK, linewidth=3.0, solid_capstyle="butt", zorder=4)
    ax.plot(median, y + 0.03, "o", color="white", mec=INK, markersize=4.6, zorder=5)


def _density(sample: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gaussian kernel density by Silverman's rule, cut off at the range of the sample."""
    n = len(sample)
    q25, q75 = np.percentile(sample, [25, 75])
    spread = min(float(sample.std(ddof=1)), float(q75 - q25) / 1.34) or float(sample.std(ddof=1))
    width = 0.9 * spread * n**-0.2
    grid = np.linspace(sample[0], sample[-1], _KERNEL_POINTS)
    # Counted on the grid first, so that a million values cost no more than their histogram.
    step = grid[1] - grid[0]
    counts = np.bincount(np.rint((sample - grid[0]) / step).astype(np.int64), minlength=len(grid))
    kernel = np.exp(-0.5 * ((grid[:, None] - grid[None, :]) / max(width, step)) ** 2)
    return grid, kernel @ counts


def _mean_and_error(ax: Axes, sample: FloatArray, y: float, color: str) -> None:
    n = len(sample)
    if not n:
        return
    error = sample.std(ddof=1) / np.sqrt(n) if n > 1 else 0.0
    ax.errorbar(
        sample.mean(), y, xerr=error, fmt="o", color=color, markersize=6.5, capsize=3.5,
        elinewidth=1.6,
    )  # fmt: skip


def _side_label(side: str, label: str, log: bool) -> str:
    if side != "auto":
        return side
    return f"log10 {label}".replace(" (", "\n(") if log else label


def _class_axis(
    ax: Axes, names: Sequence[str], samples: Mapping[str, FloatArray], called: Mapping[str, str]
) -> None:
    ticks = [f"{called.get(n, n)}\nn = {len(samples[n]):,}" for n in names]
    ax.set_yticks(range(len(names)), ticks)
    # Axes that share their labels with a neighbor have none of their own.
    for k, text in enumerate(ax.get_yticklabels()):
        text.set_color(class_color(names[k], k))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.5, -0.62)
    ax.margins(x=0.03)


def _power_axis(ax: Axes) -> None:
    """Label an axis of log10 values by the values themselves."""
    low, high = ax.get_xlim()
    ticks = np.arange(np.ceil(low), np.floor(high) + 1)
    if len(ticks) < 2:
        ticks = np.array([t + f for t in range(int(np.floor(low)), int(np.ceil(high)) + 1)
                          for f in (0.0, 0.30103, 0.69897)])  # fmt: skip
        ticks = ticks[(ticks >= low) & (ticks <= high)]
    elif len(ticks) > 7:
        ticks = ticks[:: int(np.ceil(len(ticks) / 7))]
    whole = np.allclose(ticks, np.rint(ticks))
    names = [f"$10^{{{int(t)}}}$" if whole else f"{10**t:.2g}" for t in ticks]
    ax.set_xticks(ticks, names)


@styled
def plot_connection_shares(
    shares: pd.DataFrame,
    contingency: pd.DataFrame,
    *,
    what: str = "connected",
    labels: Mapping[str, str] | None = None,
    notes: Mapping[tuple[str, str], str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Share of connected pairs by class, and what each cell of a contrast adds to chi squared.

    Parameters
    ----------
    shares : DataFrame
        ``class``, ``n_pairs``, ``n_connected``, a row a class.
    contingency : DataFrame
        ``first``, ``second``, ``class``, ``outcome``, ``observed``, ``expected``,
        ``contribution``; four rows a contrast.
    what : str
        What a pair is: "connected", "joined by a chain".
    labels : mapping, optional
        What classes are called.
    notes : mapping of (first, second) to str, optional
        Shown above each heat map, for example the test.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (1 + n_contrasts,) of Axes
        Bars: 95 % intervals (Wilson). Heat maps: (O - E)^2 / E, one range of colors.
    """
    called = {**CLASS_LABELS, **(labels or {})}
    contrasts = list(dict.fromkeys(zip(contingency["first"], contingency["second"], strict=True)))
    n = len(contrasts)
    size = figsize or (4.0 + 2.75 * max(n, 1), 0.95 + 0.36 * max(len(shares), 4))
    figure, grid = make_axes(
        1, 1 + n, figsize=size, gridspec_kw={"width_ratios": [1.35, *[1.0] * n]}
    )
    axes = grid[0]
    if not len(shares):
        nothing(axes[0], "no pairs")
        return figure, axes
    _share_axis(axes[0], shares, called, what)
    top = float(np.nanmax(contingency["contribution"])) if len(contingency) else 1.0
    top = top if np.isfinite(top) and top > 0 else 1.0
    image = None
    for ax, pair in zip(axes[1:], contrasts, strict=True):
        here = (contingency["first"] == pair[0]) & (contingency["second"] == pair[1])
        image = _contribution_map(ax, contingency[here], pair, called, top)
        note = (notes or {}).get(pair, "")
        ax.set_title(note, fontsize=8, fontweight="normal", color=INK)
    if image is not None:
        bar = figure.colorbar(image, ax=list(axes[1:]), shrink=0.85, pad=0.02)
        bar.set_label("(O \N{MINUS SIGN} E)² / E")
        bar.outline.set_visible(False)
    return figure, axes


def _share_axis(ax: Axes, shares: pd.DataFrame, called: Mapping[str, str], what: str) -> None:
    for y, row in enumerate(shares.to_dict("records")):
        name, total, hits = str(row["class"]), int(row["n_pairs"]), int(row["n_connected"])
        if not total:
            ax.text(0.02, y, "no pairs", transform=ax.get_yaxis_transform(), va="center",
                    color=MUTED, fontsize=8)  # fmt: skip
            continue
        share, low, high = wilson(hits, total)
        color = class_color(name, y)
        ax.plot([100 * low, 100 * high], [y, y], color=color, linewidth=2.0, alpha=0.6)
        ax.plot(100 * share, y, "o", color=color, markersize=6)
    names = [str(n) for n in shares["class"]]
    ticks = [
        f"{called.get(n, n)}\n{h:,} of {t:,}"
        for n, h, t in zip(names, shares["n_connected"], shares["n_pairs"], strict=True)
    ]
    ax.set_yticks(range(len(names)), ticks, fontsize=7.5)
    for k, text in enumerate(ax.get_yticklabels()):
        text.set_color(class_color(names[k], k))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel(f"pairs {what} (%)")
    ax.grid(axis="x", color=FAINT, linewidth=0.5)
    ax.set_axisbelow(True)


def wilson(hits: int, total: int, level: float = 0.95) -> tuple[float, float, float]:
    """A share and its Wilson interval."""
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + level / 2))
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * np.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    return share, float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def _contribution_map(
    ax: Axes, rows: pd.DataFrame, pair: tuple[str, str], called: Mapping[str, str], top: float
) -> Any:
    outcomes = list(dict.fromkeys(rows["outcome"]))
    at = rows.set_index(["class", "outcome"])
    values = np.array([[at.loc[(c, o), "contribution"] for o in outcomes] for c in pair])
    image = ax.imshow(values, cmap="magma_r", vmin=0, vmax=top, aspect="auto")
    for i, name in enumerate(pair):
        for j, outcome in enumerate(outcomes):
            row = at.loc[(name, outcome)]
            dark = np.isfinite(values[i, j]) and values[i, j] > 0.4 * top
            ax.text(
                j, i,
                f"{int(row['observed']):,}\nexp. {row['expected']:,.1f}\n{_short(values[i, j])}",
                ha="center", va="center", fontsize=7.5, color="white" if dark else INK,
            )  # fmt: skip
    ax.set_xticks(range(len(outcomes)), outcomes)
    ax.set_yticks(range(2), [called.get(n, n).replace(" ", "\n") for n in pair], fontsize=7.5)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    return image


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


@styled
def plot_cell_groups(
    values: pd.DataFrame,
    quantities: Mapping[str, str],
    *,
    group: str = "group",
    order: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
    log: Sequence[str] = (),
    n_columns: int = 2,
    figsize: tuple[float, float] | None = None,
) -> tuple[Figure, AnyArray]:
    """Properties of cells by group, a raincloud panel each.

    Parameters
    ----------
    values : DataFrame
        A row a cell: its group and a column a quantity.
    quantities : mapping of str to str
        Columns and their labels with units.
    group : str
        Column of the groups; rows without one are left out.
    order : sequence of str, optional
        Groups from top to bottom.
    labels, notes : mapping, optional
        What groups are called; a text above each panel, for example its test.
    log : sequence of str
        Quantities drawn on a logarithmic axis; their values <= 0 are left out and not counted.
    n_columns : int
        Panels side by side.
    figsize : (width, height), inches, optional

    Returns
    -------
    fig, axes : Figure, ndarray (n_quantities,) of Axes
    """
    kinds = values[group]
    known = kinds.notna()
    names = [str(n) for n in (order or dict.fromkeys(kinds[known].astype(str)))]
    called = {**CLASS_LABELS, **(labels or {})}
    n_columns = min(len(quantities), n_columns)
    n_rows = -(-len(quantities) // max(n_columns, 1))
    size = figsize or (9.1 if n_columns > 1 else 4.55, n_rows * (0.85 + 0.62 * max(len(names), 1)))
    figure, grid = make_axes(n_rows, n_columns, figsize=size, sharey=True)
    axes = grid.ravel()
    for ax, (column, label) in zip(axes, quantities.items(), strict=False):
        numbers = values[column].to_numpy(dtype=np.float64)
        samples = {}
        for name in names:
            x = numbers[(known & (kinds.astype(str) == name)).to_numpy()]
            x = x[np.isfinite(x)]
            if column in log:
                x = np.log10(x[x > 0])
            samples[name] = np.sort(x)
        for y, name in enumerate(names):
            draw_cloud(ax, samples[name], y, class_color(name, y))
        _class_axis(ax, names, samples, called)
        if column in log:
            _power_axis(ax)
        ax.set_xlabel(label)
        ax.set_title((notes or {}).get(column, ""), fontsize=8, fontweight="normal")
    for ax in axes[len(quantities) :]:
        ax.set_visible(False)
    if not names:
        nothing(axes[0], "no groups")
    return figure, axes[: len(quantities)]
