"""What do Kenyon cells of one assembly have in common?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, IntArray
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    assembly_color,
    label_assemblies,
    make_axes,
    nothing,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OBSERVED = "#D55E00"
_NAMES = {
    "PN input similarity": "PN input similarity (cosine)",
    "KC-KC contacts": "KC–KC contacts per pair",
    "KC-KC connected": "share of pairs connected",
}


@styled
def plot_kc_assemblies(
    result: Any, *, figsize: tuple[float, float] = (10.4, 6.8)
) -> tuple[Figure, AnyArray]:
    """Tuning and wiring of assemblies of Kenyon cells, and the tests against the null.

    Parameters
    ----------
    result : KCAssemblies
        Of :func:`cofire.studies.larval_olfaction.find_kc_assemblies`.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2, 3) of Axes
        Activation by odor, input similarity, contacts; below, the tests.
    """
    figure, grid = make_axes(2, 3, figsize=figsize, gridspec_kw={"height_ratios": [1.45, 1.0]})
    if not result.n_assemblies:
        for ax in grid.flat:
            ax.set_axis_off()
        nothing(grid[0, 1], "no assembly above the null")
        return figure, grid
    _draw_tuning(figure, grid[0, 0], result)
    cells, first = _ordered(result)
    _draw_pairs(
        figure, grid[0, 1], result.input_similarity, cells, first, result.side,
        title="PN input similarity", label="cosine", cmap="viridis", limit=1.0,
    )  # fmt: skip
    contacts = result.contacts[np.ix_(cells, cells)]
    _draw_pairs(
        figure, grid[0, 2], result.contacts, cells, first, result.side,
        title="KC–KC contacts", label="contacts, both directions", cmap="magma",
        limit=max(1.0, float(np.quantile(contacts, 0.99))),
    )  # fmt: skip
    for ax, test in zip(grid[1], result.tests, strict=True):
        _draw_test(ax, test)
    return figure, grid


def _draw_tuning(figure: Figure, ax: Axes, result: Any) -> None:
    """Mean activation of each assembly during each odor, odors by the assembly they drive most."""
    peak = result.tuning.max(axis=1, keepdims=True)
    relative = result.tuning / np.where(peak > 0, peak, 1.0)
    order = np.lexsort((-relative.max(axis=0), relative.argmax(axis=0)))
    image = ax.imshow(
        relative[:, order], aspect="auto", cmap="viridis", vmin=0, vmax=1, rasterized=True
    )
    label_assemblies(ax, result.n_assemblies)
    ax.set_xticks(
        range(len(order)), [_short(result.odors[k]) for k in order], rotation=90, fontsize=5.5
    )
    ax.tick_params(axis="x", length=0, pad=1)
    ax.set_title(f"activation (n = {result.n_trials} trials per odor)")
    bar = figure.colorbar(image, ax=ax, pad=0.02, aspect=24)
    bar.set_label("share of the assembly's peak", fontsize=8)


def _short(name: str, length: int = 17) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _ordered(result: Any) -> tuple[IntArray, IntArray]:
    """Members by side, then by the assembly of largest weight; and that assembly."""
    weights = np.where(result.members, result.patterns, -np.inf)
    member = np.flatnonzero(result.members.any(axis=0))
    first = weights[:, member].argmax(axis=0)
    order = np.lexsort((first, result.side[member]))
    return member[order], first[order]


def _draw_pairs(
    figure: Figure,
    ax: Axes,
    values: AnyArray,
    cells: IntArray,
    first: IntArray,
    side: IntArray,
    *,
    title: str,
    label: str,
    cmap: str,
    limit: float,
) -> None:
    """Matrix of pairs of members, framed by assembly, divided by side."""
    from matplotlib.patches import Rectangle

    shown = values[np.ix_(cells, cells)].astype(np.float64)
    np.fill_diagonal(shown, np.nan)
    image = ax.imshow(shown, cmap=cmap, vmin=0, vmax=limit, rasterized=True)
    ax.set_facecolor(FAINT)
    group = side[cells] * (first.max() + 1) + first
    edges = np.flatnonzero(np.diff(group)) + 1
    for start, stop in zip([0, *edges], [*edges, len(cells)], strict=True):
        corner, width = (start - 0.5, start - 0.5), stop - start
        color = assembly_color(int(first[start]))
        ax.add_patch(Rectangle(corner, width, width, fill=False, edgecolor="white", linewidth=1.7))
        ax.add_patch(Rectangle(corner, width, width, fill=False, edgecolor=color, linewidth=0.9))
    for border in np.flatnonzero(np.diff(side[cells])) + 0.5:
        ax.axhline(border, color="white", linewidth=1.0)
        ax.axvline(border, color="white", linewidth=1.0)
    sides = side[cells]
    centers = [float(np.flatnonzero(sides == k).mean()) for k in np.unique(sides)]
    ax.set_yticks(centers, [f"side {k + 1}" for k in np.unique(sides)], rotation=90, va="center")
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.set_xlabel(f"n = {len(cells)} members, framed by assembly")
    ax.set_title(title)
    bar = figure.colorbar(image, ax=ax, pad=0.02, aspect=24, shrink=0.9)
    bar.set_label(label, fontsize=8)


def _draw_test(ax: Axes, test: Any) -> None:
    """Observed difference of the means against exchanged memberships."""
    if not len(test.null):
        nothing(ax, f"{test.measure}: no pairs to compare")
        return
    ax.hist(test.null, bins=30, color=MUTED, linewidth=0)
    ax.axvline(test.difference, color=_OBSERVED, linewidth=1.8)
    ax.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
    low, high = min(test.null.min(), test.difference), max(test.null.max(), test.difference)
    margin = 0.12 * (high - low)
    ax.set_xlim(low - margin, high + margin)
    ax.set_xlabel(f"{_NAMES.get(test.measure, test.measure)}\nwithin − between assemblies")
    ax.set_ylabel(f"permutations (n = {len(test.null)})")
    small = 1 / (1 + len(test.null))
    p = f"p < {2 * small:.1g}" if test.p <= small * 1.001 else f"p = {test.p:.2g}"
    ax.set_title(f"δ = {test.effect:.2f}, {p}", pad=28.0)
    ax.text(
        0.0,
        1.03,
        f"within {test.within:.2f} (n = {test.n_within} pairs)\n"
        f"between {test.between:.2f} (n = {test.n_between})",
        transform=ax.transAxes,
        va="bottom",
        fontsize=7.5,
    )
