"""How much of the pattern of correlations during a task comes back afterwards?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cofire._optional import plotter
from cofire._validate import AnyArray, BoolArray, FloatArray, integer, one_of, positive
from cofire.assemblies._blas import gram, one_blas_thread
from cofire.assemblies._estimator import as_bins
from cofire.assemblies.nulls import seed_of
from cofire.assemblies.pcaica import standardize
from cofire.errors import InvalidArgumentError
from cofire.spikes import BinnedSpikes, bin_spikes
from cofire.types import Intervals, Traces, as_intervals

if TYPE_CHECKING:
    import pandas as pd

_REGULARIZER = 1e-10
_LARGE_MEAN = 100.0  # squared mean over variance from which on two digits of it are lost
_CONSTANT = 1e-24  # share of a vector's mean square below which its variance is rounding


class FullExplainedVariance(NamedTuple):
    """Explained variance, its time-reversed control, and the correlations behind them."""

    ev: float
    rev: float
    r_task_post: float
    r_task_pre: float
    r_post_pre: float


def explained_variance(
    task: Any, post: Any, pre: Any, *, return_full: bool = False
) -> tuple[float, float] | FullExplainedVariance:
    """Variance of post-task correlations that the task explains, given those before the task.

    With r_T, r_P, r_B the vectors of pairwise Pearson correlations of units and R_xy the
    correlation between two such vectors,
    ``EV = ((R_TP - R_TB R_BP) / sqrt((1 - R_TB^2) (1 - R_BP^2)))^2``; rEV swaps P and B.

    Parameters
    ----------
    task, post, pre : array_like (n_units, n_bins) or BinnedSpikes
        Counts; the numbers of bins may differ.
    return_full : bool
        Also return R_TP, R_TB and R_BP.

    Returns
    -------
    (float, float) or FullExplainedVariance
        EV and rEV, 0 to 1. Pairs with a silent unit are left out; where a vector is constant its
        correlations are 0.

    Raises
    ------
    InvalidArgumentError
        Not 2-D, or different numbers of units.

    References
    ----------
    Kudrimoti, Barnes & McNaughton 1999, doi:10.1523/JNEUROSCI.19-10-04090.1999

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import explained_variance
    >>> rng = np.random.default_rng(0)
    >>> task, pre = rng.poisson(1.0, (2, 8, 500))
    >>> ev, rev = explained_variance(task, task, pre)
    >>> ev > 0.99, rev < 0.1
    (True, True)
    """
    rows = {name: _as_rows(x, name) for name, x in (("task", task), ("post", post), ("pre", pre))}
    n_units = {name: len(x) for name, x in rows.items()}
    if len(set(n_units.values())) > 1:
        listed = ", ".join(f"{name} {n}" for name, n in n_units.items())
        raise InvalidArgumentError(f"task, post and pre must have the same units, got {listed}")
    with one_blas_thread():
        r = {name: pair_correlations(x) for name, x in rows.items()}
    r_task_post = _correlate(r["task"], r["post"])
    r_task_pre = _correlate(r["task"], r["pre"])
    r_post_pre = _correlate(r["post"], r["pre"])
    ev = float(_partial_squared(r_task_post, r_task_pre, r_post_pre))
    rev = float(_partial_squared(r_task_pre, r_task_post, r_post_pre))
    if return_full:
        return FullExplainedVariance(ev, rev, r_task_post, r_task_pre, r_post_pre)
    return ev, rev


@dataclass(frozen=True, slots=True, init=False, repr=False)
class ExplainedVariance:
    """Explained variance over time: windows of a matching and a control epoch.

    Parameters
    ----------
    st : SpikeTrains or convertible
        Their whole support is binned once.
    template, matching, control : Intervals or array_like (n, 2), s
        Usually task, post-task and pre-task. Template correlations come from the bins that lie
        wholly inside one of its epochs; of matching and control only first start and last stop
        count.
    bin_size : float, s
    window : float, s, optional
        Length of a window; None: one window of as many whole seconds as fit.
    slideby : float, s, optional
        Step from one window to the next. Default: windows side by side, with edges at
        ``arange(start, stop, window)``.
    compat : None or "neuro_py"
        "neuro_py": sliding windows are one second short, as in the reference.
    threads : int, optional

    Attributes
    ----------
    ev, rev : ndarray (n_matching,) float64
        Mean over control windows of the squared partial correlation and of its reversed control.
    ev_std, rev_std : ndarray (n_matching,) float64
    partial_corr, rev_partial_corr : ndarray (n_control, n_matching) float64
        Squared; NaN where no pair of units is defined in all three.
    matching_time, control_time : ndarray (n_windows,) float64, s
        Midpoints.
    matching_windows, control_windows : ndarray (n_windows, 2) float64, s
        A bin belongs to a window if its center lies strictly inside.
    template_corr : ndarray (n_pairs,) float64
        Pairs (i, j), i > j, row by row; NaN with a silent unit.
    matching_corr, control_corr : ndarray (n_windows, n_pairs) float64

    Raises
    ------
    InvalidArgumentError
        Unknown `compat`, lengths that are not positive, an empty epoch, or an epoch shorter than
        a window.

    References
    ----------
    Kudrimoti, Barnes & McNaughton 1999, doi:10.1523/JNEUROSCI.19-10-04090.1999

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import ExplainedVariance
    >>> rng = np.random.default_rng(0)
    >>> spikes = [np.sort(rng.uniform(0, 90, 400)) for _ in range(5)]
    >>> result = ExplainedVariance(spikes, [[30, 60]], [[60, 90]], [[0, 30]], window=10)
    >>> result.matching_windows.tolist()
    [[60.0, 70.0], [70.0, 80.0]]
    """

    ev: FloatArray
    rev: FloatArray
    ev_std: FloatArray
    rev_std: FloatArray
    partial_corr: FloatArray
    rev_partial_corr: FloatArray
    matching_time: FloatArray
    control_time: FloatArray
    matching_windows: FloatArray
    control_windows: FloatArray
    template_corr: FloatArray
    matching_corr: FloatArray
    control_corr: FloatArray

    def __init__(
        self,
        st: Any,
        template: Any,
        matching: Any,
        control: Any,
        bin_size: float = 0.2,
        window: float | None = 900.0,
        slideby: float | None = None,
        *,
        compat: str | None = None,
        threads: int | None = None,
    ) -> None:
        if compat is not None:
            one_of(compat, "compat", ("neuro_py",))
        if window is not None:
            positive(window, "window", "s")
        if slideby is not None:
            positive(slideby, "slideby", "s")
            if window is None:
                raise InvalidArgumentError("slideby needs window, the length of a window in s")
        binned = bin_spikes(st, bin_size, dtype="float64", threads=threads)
        inside = binned.restrict(as_intervals(template, "template", merge=True))
        matching_windows, control_windows = (
            _windows(as_intervals(epochs, name), name, window, slideby, compat)
            for epochs, name in ((matching, "matching"), (control, "control"))
        )
        with one_blas_thread():
            template_corr = pair_correlations(inside.counts)
            matching_corr = _window_correlations(binned, matching_windows)
            control_corr = _window_correlations(binned, control_windows)
            ev, rev = _partial_correlations(template_corr, matching_corr, control_corr)
        values: dict[str, FloatArray] = {
            "ev": _nan_mean(ev),
            "rev": _nan_mean(rev),
            "ev_std": _nan_sd(ev),
            "rev_std": _nan_sd(rev),
            "partial_corr": ev,
            "rev_partial_corr": rev,
            "matching_time": matching_windows.mean(axis=1),
            "control_time": control_windows.mean(axis=1),
            "matching_windows": matching_windows,
            "control_windows": control_windows,
            "template_corr": template_corr,
            "matching_corr": matching_corr,
            "control_corr": control_corr,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def ev_signal(self) -> Traces:
        """EV over time as a sampled signal (needs at least one window)."""
        return Traces(
            self.ev[:, None],
            times=self.matching_time,
            columns=["ev"],
            support=Intervals([[self.matching_windows[0, 0], self.matching_windows[-1, 1]]]),
        )

    def pvalue(self, n_shuffles: int = 1000, *, rng: int | np.random.Generator = 0) -> float:
        """Probability of an EV as large when the template's pairs are permuted.

        Parameters
        ----------
        n_shuffles : int, >= 1
        rng : int or numpy.random.Generator

        Returns
        -------
        float
            ``(#{shuffled > ev} + 1) / (n_shuffles + 1)``.

        Raises
        ------
        InvalidArgumentError
            More than one matching or control window.
        """
        integer(n_shuffles, "n_shuffles", 1)
        if self.partial_corr.shape != (1, 1):
            raise InvalidArgumentError(
                "pvalue needs one matching and one control window, got "
                f"{self.partial_corr.shape[1]} and {self.partial_corr.shape[0]}; use window=None"
            )
        generator = np.random.default_rng(seed_of(rng))
        shuffled = generator.permuted(np.tile(self.template_corr, (n_shuffles, 1)), axis=1)
        null = np.concatenate(
            [
                _partial_correlations(template, self.matching_corr, self.control_corr)[0].ravel()
                for template in shuffled
            ]
        )
        return float((np.sum(null > self.ev[0]) + 1) / (n_shuffles + 1))

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each matching window."""
        import pandas as pd

        return pd.DataFrame(
            {
                "start": self.matching_windows[:, 0],
                "stop": self.matching_windows[:, 1],
                "ev": self.ev,
                "rev": self.rev,
                "ev_std": self.ev_std,
                "rev_std": self.rev_std,
            },
            index=pd.Index(self.matching_time, name="time"),
        )

    def plot(self, **kwargs: Any) -> Any:
        """EV and rEV over time; see :func:`cofire.plot.plot_explained_variance`."""
        return plotter("plot_explained_variance")(self, **kwargs)

    def __repr__(self) -> str:
        return (
            f"ExplainedVariance({len(self.ev)} matching x {len(self.control_time)} control "
            f"windows, EV {np.nanmean(self.ev):.4f}, rEV {np.nanmean(self.rev):.4f})"
        )


def _as_rows(x: Any, name: str) -> AnyArray:
    """Counts and finite float64 as they are, without a copy; anything else as finite float64."""
    values = getattr(x, "counts", x)
    if isinstance(values, np.ndarray) and values.ndim == 2:
        if values.dtype.kind in "iu":
            return values
        with np.errstate(over="ignore", invalid="ignore"):
            if values.dtype == np.float64 and np.isfinite(values.sum()):
                return values
    return as_bins(x, name)


def pair_correlations(counts: AnyArray) -> FloatArray:
    """Pearson r of all pairs (i, j), i > j, row by row; NaN with a constant row."""
    n_bins = max(counts.shape[1], 1)
    moments = _moments(counts)
    if moments is None:
        z, varies = standardize(counts.astype(np.float64, copy=False))
        r = np.full((len(counts), len(counts)), np.nan)
        r[np.ix_(varies, varies)] = gram(z) / n_bins
    else:
        products, sums = moments
        covariance = products * n_bins - np.multiply.outer(sums, sums)
        deviation = np.sqrt(covariance.diagonal())
        deviation[deviation == 0] = np.nan
        r = covariance / deviation[:, None]
        r /= deviation
    return r[np.tril_indices(len(r), -1)]


def _moments(counts: AnyArray) -> tuple[FloatArray, FloatArray] | None:
    """Sums of products of rows and of rows, if covariances may be taken from them.

    Float32 holds the sums of integers exactly where no sum of squares reaches 2**24: none of the
    other sums is larger. Floats lose digits where a mean is large against its deviation.
    """
    with np.errstate(over="ignore"):
        narrow = counts.astype(np.float32, order="C")
    if counts.dtype.kind in "biu" or (np.rint(narrow) == counts).all():
        exact = gram(narrow)
        if exact.diagonal().max(initial=0.0) < 2**24:
            totals = narrow @ np.ones(narrow.shape[1], np.float32)
            return exact.astype(np.float64), totals.astype(np.float64)
    values = counts.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        products, sums = gram(values), values @ np.ones(values.shape[1])
        mean_square = sums * sums / max(values.shape[1], 1)
        variance = products.diagonal() - mean_square
        safe = mean_square <= _LARGE_MEAN * variance  # also true of silent rows, false of NaN
    return (products, sums) if safe.all() else None


def _windows(
    epochs: Intervals, name: str, window: float | None, slideby: float | None, compat: str | None
) -> FloatArray:
    """Windows (n, 2) between the first start and the last stop."""
    if len(epochs) == 0:
        raise InvalidArgumentError(f"{name} holds no epoch")
    start, stop = float(epochs.starts[0]), float(epochs.stops.max())
    duration = stop - start
    if window is None:
        whole = float(int(duration))
        edges = np.array([[start, stop if whole == duration else start + whole]])
    elif slideby is None:
        points = np.arange(start, stop, window)
        edges = np.column_stack([points[:-1], points[1:]])
    elif compat == "neuro_py":
        seconds = np.arange(start, stop, 1.0)
        first = np.arange(0, len(seconds) - int(window) + 1, int(slideby))
        edges = np.column_stack([seconds[first], seconds[first + int(window) - 1]])
    else:
        n = int(np.floor((duration - window) / slideby + 1e-9)) + 1
        begin = start + slideby * np.arange(max(n, 0))
        edges = np.column_stack([begin, begin + window])
    if len(edges) == 0 or not edges[0, 1] > edges[0, 0]:
        raise InvalidArgumentError(
            f"{name} lasts {duration:g} s, too short for a window of "
            f"{'1' if window is None else format(window, 'g')} s; choose a shorter window"
        )
    return edges


def _window_correlations(binned: BinnedSpikes, windows: FloatArray) -> FloatArray:
    """Pair correlations (n_windows, n_pairs) of bins with their center inside each window."""
    first = np.searchsorted(binned.centers, windows[:, 0], side="right")
    last = np.searchsorted(binned.centers, windows[:, 1], side="left")
    return np.array(
        [pair_correlations(binned.counts[:, a:b]) for a, b in zip(first, last, strict=True)]
    )


def _partial_correlations(
    template: FloatArray, matching: FloatArray, control: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Squared partial correlations (n_control, n_matching), and the reversed ones.

    Every correlation uses the pairs of units that are finite in template, control and matching
    window; sums over such triples are products of masked matrices.
    """
    t, has_t = _masked(template[None])
    p, has_p = _masked(matching)
    b, has_b = _masked(control)
    both = (has_b & has_t).astype(np.float64)
    in_p = has_p.astype(np.float64)
    n = both @ in_p.T
    t_b, b_t = both * t, b * both
    sums = {"t": t_b @ in_p.T, "p": both @ p.T, "b": b_t @ in_p.T}
    squares = {"t": (t_b * t) @ in_p.T, "p": both @ (p * p).T, "b": (b_t * b) @ in_p.T}
    products = {"tp": t_b @ p.T, "tb": (t_b * b) @ in_p.T, "bp": b_t @ p.T}

    def correlation(x: str, y: str) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            covariance = products[x + y] - sums[x] * sums[y] / n
            variance_x = squares[x] - sums[x] ** 2 / n
            variance_y = squares[y] - sums[y] ** 2 / n
            constant = (variance_x <= 1e-13 * squares[x]) | (variance_y <= 1e-13 * squares[y])
            r = np.where(constant, 0.0, covariance / np.sqrt(variance_x * variance_y))
            r = np.clip(r, -1.0, 1.0)
        return np.where(n > 0, r, np.nan)

    r_tp, r_tb, r_bp = correlation("t", "p"), correlation("t", "b"), correlation("b", "p")
    return _partial_squared(r_tp, r_tb, r_bp), _partial_squared(r_tb, r_tp, r_bp)


def _masked(vectors: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Vectors minus their mean (which keeps sums of squares accurate), 0 where not finite."""
    finite = np.isfinite(vectors)
    filled = np.where(finite, vectors, 0.0)
    mean = filled.sum(axis=1) / np.maximum(finite.sum(axis=1), 1)
    return np.where(finite, filled - mean[:, None], 0.0), finite


def _partial_squared(r_match: Any, r_control: Any, r_between: Any) -> Any:
    """Squared correlation with the match after removing what the control shares with both."""
    explained = r_match - r_control * r_between
    unexplained = np.sqrt((1 - r_control**2) * (1 - r_between**2))
    return (explained / (unexplained + _REGULARIZER)) ** 2


def _correlate(x: FloatArray, y: FloatArray) -> float:
    """Pearson r over entries finite in both; 0 where either is constant."""
    both = np.isfinite(x) & np.isfinite(y)
    if not both.any():
        return 0.0
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    size_x, size_y = float(x @ x), float(y @ y)
    limit = _CONSTANT * len(x)
    if size_x <= limit or size_y <= limit:
        return 0.0
    return float(np.clip(x @ y / np.sqrt(size_x * size_y), -1.0, 1.0))


def _nan_mean(values: FloatArray) -> FloatArray:
    defined = np.isfinite(values)
    count = defined.sum(axis=0)
    total = np.where(defined, values, 0.0).sum(axis=0)
    mean: FloatArray = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return mean


def _nan_sd(values: FloatArray) -> FloatArray:
    variance = _nan_mean((values - _nan_mean(values)) ** 2)
    deviation: FloatArray = np.sqrt(variance)
    return deviation
