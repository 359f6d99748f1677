"""How many assemblies are there? Spectrum against its null, and how much the null decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.plot.style import (
    FAINT,
    INK,
    MUTED,
    make_axes,
    nothing,
    one_axes,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_THRESHOLD_COLOR = "#C0392B"


@styled
def plot_eigenvalues(
    result: Any = None,
    *,
    eigenvalues: Any = None,
    threshold: float | None = None,
    null: Any = None,
    n_bins: int | None = None,
    figsize: tuple[float, float] = (6.4, 3.4),
) -> tuple[Figure, AnyArray]:
    """Eigenvalue spectrum of the correlation matrix against its null.

    Parameters
    ----------
    result : object with ``eigenvalues_``, ``threshold_`` and perhaps ``null_``, optional
        A fitted :class:`cofire.assemblies.PCAICA`; the keywords below override it.
    eigenvalues : array_like (n_units,), optional
    threshold : float, optional
        Eigenvalues above it are assemblies.
    null : array_like (n_shuffles,), optional
        Largest eigenvalue of each shuffle; None or empty for the Marchenko–Pastur law.
    n_bins : int, optional
        Bins of the fit: draws the Marchenko–Pastur density when there are no shuffles.
    figsize : (width, height), inches

    Returns
    -------
    fig, axes : Figure, ndarray (2,) of Axes
        Spectrum by rank; distribution of the null.
    """
    values = np.sort(_vector(_get(result, "eigenvalues", eigenvalues)))[::-1]
    bound = _threshold(_get(result, "threshold", threshold))
    surrogates = _vector(_get(result, "null", null))
    n_bins = n_bins if n_bins is not None else _get(result, "n_bins", None)
    figure, grid = make_axes(
        1, 2, figsize=figsize, sharey=True, gridspec_kw={"width_ratios": [3.4, 1]}
    )
    left, right = grid[0]
    if not len(values):
        nothing(left, "no active unit, no eigenvalue")
        right.set_axis_off()
        return figure, grid[0]
    rank = np.arange(1, len(values) + 1)
    above = values > bound
    left.axhspan(min(0.0, float(values.min())), bound, color=FAINT, alpha=0.55, zorder=0)
    left.vlines(rank, bound, np.maximum(values, bound), color=MUTED, linewidth=0.6)
    left.plot(rank[~above], values[~above], "o", color=MUTED, markersize=3)
    for k in np.flatnonzero(above):
        left.plot(rank[k], values[k], "o", color=_THRESHOLD_COLOR, markersize=4.5)
    left.axhline(bound, color=INK, linewidth=0.9)
    n_above = int(above.sum())
    noun = "eigenvalue" if n_above == 1 else "eigenvalues"
    left.set_title(f"{n_above} {noun} above the null (threshold {bound:.3f})")
    left.set_xlabel(f"rank (n = {len(values)} units)")
    left.set_ylabel("eigenvalue of the correlation matrix")
    left.set_xlim(0.0, len(values) + 1)
    if len(surrogates):
        right.hist(surrogates, bins=24, orientation="horizontal", color=MUTED, linewidth=0)
        right.set_xlabel("shuffles")
        right.set_title(f"null, n = {len(surrogates)}")
    elif n_bins:
        x, density = _marchenko_pastur(len(values), n_bins)
        right.fill_betweenx(x, 0, density, color=MUTED, linewidth=0)
        right.set_xlabel("density")
        right.set_title("null law")
        right.set_xlim(left=0)
    else:
        right.set_axis_off()
    right.axhline(bound, color=INK, linewidth=0.9)
    return figure, grid[0]


@styled
def plot_significance_sweep(
    sweep: Any,
    *,
    ax: Axes | None = None,
    figsize: tuple[float, float] = (5.0, 3.2),
) -> tuple[Figure, Axes]:
    """Number of assemblies for each number of shuffles and percentile of the null.

    Parameters
    ----------
    sweep : object with ``to_frame()``, or DataFrame
        Columns ``n_shuffles``, ``percentile``, ``n_assemblies`` (and perhaps ``null``,
        ``threshold``), as :func:`cofire.assemblies.sweep_significance` returns.
    ax : Axes, optional
    figsize : (width, height), inches

    Returns
    -------
    fig, ax : Figure, Axes
    """
    table: pd.DataFrame = sweep.to_frame() if not hasattr(sweep, "columns") else sweep
    grid = table.pivot_table(
        index="percentile", columns="n_shuffles", values="n_assemblies", aggfunc="mean"
    )
    counts = grid.to_numpy(dtype=np.float64)[::-1]
    figure, ax = one_axes(ax, figsize)
    n_rows, n_columns = counts.shape
    image = ax.imshow(counts, cmap="YlGnBu", aspect="auto", vmin=0, vmax=max(1.0, counts.max()))
    for (i, j), value in np.ndenumerate(counts):
        dark = value > 0.55 * max(1.0, counts.max())
        ax.text(j, i, f"{value:g}", ha="center", va="center", color="white" if dark else INK)
    ax.set_xticks(range(n_columns), [f"{v:g}" for v in grid.columns])
    ax.set_yticks(range(n_rows), [f"{v:g}" for v in grid.index[::-1]])
    ax.tick_params(length=0)
    ax.set_xlabel("shuffles")
    ax.set_ylabel("percentile of the null")
    ax.set_title("assemblies found")
    figure.colorbar(image, ax=ax, pad=0.02, aspect=22).set_label("number of assemblies", fontsize=8)
    return figure, ax


def _marchenko_pastur(n_units: int, n_bins: int) -> tuple[FloatArray, FloatArray]:
    q = n_units / n_bins
    low, high = (1 - np.sqrt(q)) ** 2, (1 + np.sqrt(q)) ** 2
    x = np.linspace(low, high, 200)
    return x, np.sqrt(np.maximum((high - x) * (x - low), 0.0)) / (2 * np.pi * q * x)


def _threshold(value: Any) -> float:
    if value is None:
        return float("nan")
    array = np.ravel(np.asarray(value, dtype=np.float64))
    return float(array[0]) if array.size else float("nan")


def _get(result: Any, name: str, given: Any) -> Any:
    if given is not None:
        return given
    return getattr(result, f"{name}_", getattr(result, name, None))


def _vector(values: Any) -> FloatArray:
    return np.zeros(0) if values is None else np.ravel(np.asarray(values, dtype=np.float64))
