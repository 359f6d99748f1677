"""How figures of cofire look: fonts, colors that color-blind readers can tell apart, layout.

Figures are made without pyplot, so that they need no display, leave no global state and may be
drawn in any thread. In a notebook, ``fig, axes = plot_...(...)`` followed by ``fig`` shows one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from cofire._validate import AnyArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 200

P = ParamSpec("P")
R = TypeVar("R")

INK = "#2b2b33"
MUTED = "#8a8a94"
FAINT = "#d9d9df"
MEMBER = "#6768ab"
PHASE_COLORS = {
    "pre": "#0072B2",
    "task": "#009E73",
    "post": "#D55E00",
    "difference": "#7A4B9A",
    "all": "#2b2b33",
}
"""Colors of the phases (Okabe & Ito), the same in every figure."""

_ASSEMBLY_COLORS = (
    "#332288",
    "#117733",
    "#CC6677",
    "#0F8B8D",
    "#DDAA33",
    "#882255",
    "#5AA9E6",
    "#AA4499",
    "#999933",
    "#44AA99",
)

# Matplotlib's stubs want its own key type, which a plain dict is not.
STYLE: Any = {
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlepad": 7.0,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.3,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "cofire",
    "pdf.fonttype": 42,
    "image.interpolation": "nearest",
}


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run a plotter with cofire's matplotlib settings, without touching the global ones."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib as mpl

        with mpl.rc_context(STYLE):
            return function(*args, **kwargs)

    return run


def make_axes(
    n_rows: int = 1,
    n_columns: int = 1,
    *,
    figsize: tuple[float, float],
    **kwargs: Any,
) -> tuple[Figure, Any]:
    """Return a new figure and its array of axes (n_rows, n_columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize, layout="constrained")
    axes = figure.subplots(n_rows, n_columns, squeeze=False, **kwargs)
    return figure, axes


def one_axes(ax: Axes | None, figsize: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return the given axes, or one on a new figure."""
    if ax is not None:
        return ax.get_figure(root=True), ax  # type: ignore[return-value]
    figure, axes = make_axes(figsize=figsize)
    return figure, axes[0, 0]


def assembly_color(k: int) -> str:
    """Color of assembly `k`: the same assembly has the same color in every figure.

    Ten colors that remain apart for color-blind readers, then lighter shades of them. Every figure
    also writes the assembly's label, so color never carries the meaning alone.
    """
    from matplotlib.colors import to_hex, to_rgb

    base = np.asarray(to_rgb(_ASSEMBLY_COLORS[k % len(_ASSEMBLY_COLORS)]))
    shade = (k // len(_ASSEMBLY_COLORS)) % 3
    red, green, blue = (float(v) for v in base + (1.0 - base) * 0.38 * shade)
    return to_hex((red, green, blue))


def assembly_label(k: int) -> str:
    """Label of assembly `k` in figures and tables: A1, A2, ..."""
    return f"A{k + 1}"


def t_interval(values: Any, axis: int = -1, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Mean and half-width of its confidence interval (Student t), NaN left out.

    Parameters
    ----------
    values : array_like
    axis : int
        Axis of the observations.
    level : float, (0, 1)

    Returns
    -------
    mean, half_width : ndarray
        The half-width is NaN with fewer than two observations.
    """
    from scipy.stats import t

    x = np.asarray(values, dtype=np.float64)
    ok = np.isfinite(x)
    n = ok.sum(axis=axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(ok, x, 0.0).sum(axis=axis) / n
        deviation = np.where(ok, x - np.expand_dims(mean, axis), 0.0)
        sem = np.sqrt((deviation**2).sum(axis=axis) / (n - 1.0) / n)
        half = sem * t.ppf(0.5 + level / 2, np.maximum(n - 1, 1))
    return mean, np.where(n > 1, half, np.nan)


def zero_line(ax: Axes, axis: str = "x") -> None:
    """Mark time zero (axis="x") or the zero level (axis="y")."""
    line = ax.axvline if axis == "x" else ax.axhline
    line(0.0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0)


def heat(
    ax: Axes,
    values: AnyArray,
    extent: tuple[float, float, float, float],
    *,
    symmetric: bool = False,
    limit: float | None = None,
    cmap: str | None = None,
    vmin: float | None = None,
) -> Any:
    """Draw a matrix as an image, row 0 on top; returns the image for a color bar."""
    finite = values[np.isfinite(values)]
    high = limit if limit is not None else (float(np.abs(finite).max()) if finite.size else 1.0)
    high = high if high > 0 else 1.0
    low = -high if symmetric else (vmin if vmin is not None else min(0.0, _low(finite)))
    return ax.imshow(
        values,
        aspect="auto",
        extent=extent,
        cmap=cmap or ("RdBu_r" if symmetric else "viridis"),
        vmin=low,
        vmax=high,
        rasterized=True,
    )


def label_assemblies(ax: Axes, n: int, axis: str = "y", offset: float = 0.0) -> None:
    """Label the rows (or columns) of a matrix A1 to An, thinned out where they would touch."""
    step = max(1, int(np.ceil(n / 20)))
    ticks = np.arange(0, n, step)
    target = ax.yaxis if axis == "y" else ax.xaxis
    target.set_ticks(list(ticks + offset), [assembly_label(int(k)) for k in ticks])
    for text, k in zip(target.get_ticklabels(), ticks, strict=True):
        text.set_color(assembly_color(int(k)))
        text.set_fontweight("bold")
    target.set_tick_params(length=0)


def save_figure(
    figure: Figure, folder: Path, name: str, formats: Sequence[str] = ("png", "svg")
) -> list[Path]:
    """Write ``folder/name.<format>`` for each format (png at 200 dpi) and return the paths."""
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with mpl.rc_context(STYLE):
        freeze_layout(figure)
        for suffix in formats:
            path = folder / f"{name}.{suffix}"
            metadata = {"Date": None} if suffix == "svg" else None
            figure.savefig(path, dpi=_DPI, metadata=metadata)
            paths.append(path)
    return paths


def freeze_layout(figure: Figure) -> None:
    """Compute the layout once; each later rendering then costs no more than its ink.

    At the resolution of files: hinting makes small text wider there than on the screen.
    """
    if figure.get_layout_engine() is not None:
        screen = figure.dpi
        figure.set_dpi(_DPI)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        figure.set_dpi(screen)


def nothing(ax: Axes, message: str) -> None:
    """Say in the middle of empty axes why there is nothing to see."""
    ax.set_axis_off()
    ax.text(
        0.5,
        0.5,
        message,
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=MUTED,
        wrap=True,
    )


def group_runs(labels: Iterable[Any]) -> list[tuple[str, int, int]]:
    """Runs of equal labels as (label, first, last + 1)."""
    runs: list[tuple[str, int, int]] = []
    for i, label in enumerate(map(str, labels)):
        if runs and runs[-1][0] == label:
            runs[-1] = (label, runs[-1][1], i + 1)
        else:
            runs.append((label, i, i + 1))
    return runs


def _low(finite: AnyArray) -> float:
    return float(finite.min()) if finite.size else 0.0
