"""How sure are we of a statistic? Bootstrap of samples and of nested samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray, integer, one_of, real, vector
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import pandas as pd

Statistic = Callable[..., Any]

_BLOCK = 2**22
"""Resampled values held at a time."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A statistic with its bootstrap interval.

    Attributes
    ----------
    estimate : float
        The statistic of the data.
    interval : (float, float)
        Confidence interval.
    standard_error : float
        Standard deviation of the distribution.
    bias : float
        Mean of the distribution minus the estimate.
    distribution : ndarray (n_boot,) float64
        The statistic of each resample.
    n : int
        Size of the sample.
    confidence : float
    method : str
        ``"percentile"`` or ``"bca"``.
    """

    estimate: float
    interval: tuple[float, float]
    standard_error: float
    bias: float
    distribution: FloatArray
    n: int
    confidence: float
    method: str

    def to_frame(self) -> pd.DataFrame:
        """One row without the distribution."""
        return _one_row(self, ("estimate", "standard_error", "bias", "n", "confidence", "method"))

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"Bootstrap({self.estimate:.4g} [{low:.4g}, {high:.4g}], {self.method}, n = {self.n})"
        )


@dataclass(frozen=True, slots=True)
class HierarchicalBootstrap:
    """A statistic of nested data with its bootstrap interval.

    Attributes
    ----------
    estimate : float
        The statistic of the data.
    interval : (float, float)
        Percentile confidence interval.
    standard_error : float
        Standard deviation of the distribution.
    p : float
        Two-sided bootstrap probability of `null`: twice the smaller share of resamples on either
        side of it, counted with one added to both.
    null : float
        The value that `p` asks about.
    distribution : ndarray (n_boot,) float64
        The statistic of each resample.
    n : dict of str to int
        Number of members of each level, and of ``"values"``.
    confidence : float
    """

    estimate: float
    interval: tuple[float, float]
    standard_error: float
    p: float
    null: float
    distribution: FloatArray
    n: dict[str, int]
    confidence: float

    def probability_above(self, other: HierarchicalBootstrap) -> float:
        """Probability that the statistic here is at least that of another group.

        Every resample is compared with every resample of `other`. Values beyond 0.975 or below
        0.025 are the two-sided 5 % level.
        """
        sorted_other = np.sort(other.distribution)
        return float(
            np.searchsorted(sorted_other, self.distribution, side="right").mean()
            / len(sorted_other)
        )

    def to_frame(self) -> pd.DataFrame:
        """One row without the distribution."""
        frame = _one_row(self, ("estimate", "standard_error", "p", "null", "confidence"))
        for level, count in self.n.items():
            frame[f"n_{level}"] = count
        return frame

    def __repr__(self) -> str:
        low, high = self.interval
        levels = ", ".join(f"{count} {level}" for level, count in self.n.items())
        return (
            f"HierarchicalBootstrap({self.estimate:.4g} [{low:.4g}, {high:.4g}], "
            f"p = {self.p:.3g}, n: {levels})"
        )


def bootstrap(
    x: Any,
    statistic: Statistic = np.mean,
    *,
    n_boot: int = 10_000,
    confidence: float = 0.95,
    method: str = "percentile",
    rng: int | np.random.Generator = 0,
) -> Bootstrap:
    """Bootstrap a statistic of one sample.

    Parameters
    ----------
    x : array_like (n,)
        Finite values, at least one.
    statistic : callable
        Takes an array; called with ``axis=-1`` on many resamples at once if it accepts that, one
        resample at a time otherwise.
    n_boot : int
        Number of resamples.
    confidence : float in (0, 1)
    method : {"percentile", "bca"}
        ``"bca"`` corrects the percentile interval for bias and skewness.
    rng : int or numpy.random.Generator

    Returns
    -------
    Bootstrap
        A sample of one value has an interval of no width.

    References
    ----------
    Efron 1987, doi:10.1080/01621459.1987.10478410

    Examples
    --------
    >>> from cofire.stats import bootstrap
    >>> result = bootstrap([2.0, 3.0, 5.0, 9.0], n_boot=2000)
    >>> result.estimate, result.interval[0] < 4.75 < result.interval[1]
    (4.75, True)
    """
    sample = vector(x, "x")
    if not len(sample):
        raise InvalidArgumentError("x must hold at least one value")
    n_boot = integer(n_boot, "n_boot", 1)
    one_of(method, "method", ("percentile", "bca"))
    levels = _tails(confidence)
    evaluate = _vectorized(statistic, sample)
    generator = np.random.default_rng(seed_of(rng))
    n = len(sample)
    distribution = np.empty(n_boot)
    block = max(1, _BLOCK // n)
    for first in range(0, n_boot, block):
        size = (min(block, n_boot - first), n)
        distribution[first : first + size[0]] = evaluate(sample[generator.integers(0, n, size)])
    estimate = float(evaluate(sample[None])[0])
    if method == "bca":
        levels = _bca_levels(levels, distribution, estimate, sample, evaluate)
    return Bootstrap(
        estimate=estimate,
        interval=_interval(distribution, levels),
        standard_error=float(distribution.std(ddof=1)) if n_boot > 1 else np.nan,
        bias=float(distribution.mean()) - estimate,
        distribution=distribution,
        n=n,
        confidence=float(confidence),
        method=method,
    )


def hierarchical_bootstrap(
    table: Any,
    *,
    value: str,
    levels: Sequence[str] = ("animal", "session", "assembly"),
    statistic: Statistic = np.mean,
    n_boot: int = 10_000,
    null: float = 0.0,
    confidence: float = 0.95,
    rng: int | np.random.Generator = 0,
) -> HierarchicalBootstrap:
    """Bootstrap a statistic of nested data, resampling at every level.

    Animals are drawn with replacement, then for each drawn animal its sessions, for each drawn
    session its assemblies: values of one animal or session are not taken for independent.

    Parameters
    ----------
    table : DataFrame or mapping of column to values
        A row a value.
    value : str
        Column of the values. Rows without one (NaN) are left out.
    levels : sequence of str
        Columns from the outermost to the innermost. Members are told apart by all levels down to
        their own, so assembly 0 of two sessions is two assemblies. Rows that share every level are
        drawn together.
    statistic : callable
        Takes the array of resampled values.
    n_boot : int
        Number of resamples.
    null : float
        Value of the statistic that ``p`` asks about.
    confidence : float in (0, 1)
    rng : int or numpy.random.Generator

    Returns
    -------
    HierarchicalBootstrap

    Raises
    ------
    InvalidArgumentError
        Missing columns (the message lists those there are), missing labels, no values.

    Notes
    -----
    With few members at the outermost level (fewer than about 5) the interval is too narrow, as for
    any bootstrap.

    References
    ----------
    Saravanan, Berman & Sober 2020, doi:10.51628/001c.13952

    Examples
    --------
    >>> from cofire.stats import hierarchical_bootstrap
    >>> table = {
    ...     "animal": ["a", "a", "a", "b", "b", "c"],
    ...     "session": [1, 1, 2, 1, 1, 1],
    ...     "change": [0.4, 0.6, 0.5, 0.9, 1.1, 0.7],
    ... }
    >>> result = hierarchical_bootstrap(table, value="change", levels=("animal", "session"))
    >>> round(result.estimate, 3), result.n
    (0.7, {'animal': 3, 'session': 4, 'values': 6})
    """
    names = (levels,) if isinstance(levels, str) else tuple(levels)
    n_boot = integer(n_boot, "n_boot", 1)
    tails = _tails(confidence)
    null = real(null, "null")
    values, children = _tree(table, value, names)
    generator = np.random.default_rng(seed_of(rng))
    distribution = np.empty(n_boot)
    block = max(1, _BLOCK // len(values))
    for first in range(0, n_boot, block):
        last = min(first + block, n_boot)
        distribution[first:last] = _resample(values, children, statistic, last - first, generator)
    n_below, n_above = int((distribution <= null).sum()), int((distribution >= null).sum())
    return HierarchicalBootstrap(
        estimate=float(statistic(values)),
        interval=_interval(distribution, tails),
        standard_error=float(distribution.std(ddof=1)) if n_boot > 1 else np.nan,
        p=min(1.0, 2.0 * (min(n_below, n_above) + 1) / (n_boot + 1)),
        null=null,
        distribution=distribution,
        n={
            **{name: int(c[-1]) for name, c in zip(names, children, strict=False)},
            "values": len(values),
        },
        confidence=float(confidence),
    )


def _tree(table: Any, value: str, names: tuple[str, ...]) -> tuple[FloatArray, list[IntArray]]:
    """Values sorted by all levels, and for each level the first child of each parent.

    ``children[k][i] : children[k][i + 1]`` are the members of level k in member i of level k - 1
    (of the whole for k = 0); the last array holds the rows of each member of the last level.
    """
    import pandas as pd

    frame = pd.DataFrame(table)
    if not names:
        raise InvalidArgumentError("levels must name at least one column")
    missing = [name for name in (*names, value) if name not in frame.columns]
    if missing:
        raise InvalidArgumentError(
            f"table has no column {', '.join(map(repr, missing))}; "
            f"columns: {', '.join(map(str, frame.columns)) or 'none'}"
        )
    try:
        numbers = frame[value].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"column {value!r} must hold numbers") from error
    frame, numbers = frame[~np.isnan(numbers)], numbers[~np.isnan(numbers)]
    if not len(numbers):
        raise InvalidArgumentError(f"column {value!r} holds no values")
    labels = np.zeros((len(frame), len(names)), dtype=np.int64)
    for k, name in enumerate(names):
        if frame[name].isna().any():
            raise InvalidArgumentError(
                f"column {name!r} must label every row; "
                f"{int(frame[name].isna().sum())} rows have no label"
            )
        labels[:, k] = pd.factorize(frame[name], sort=False)[0]
    order = np.lexsort(labels.T[::-1])
    labels = labels[order]
    # A member begins where any label down to its level changes.
    changes = np.ones(labels.shape, dtype=bool)
    changes[1:] = np.logical_or.accumulate(labels[1:] != labels[:-1], axis=1)
    starts = [np.flatnonzero(changes[:, k]) for k in range(len(names))]
    children = [np.array([0, len(starts[0])], dtype=np.int64)]
    for outer, inner in zip(starts, [*starts[1:], np.arange(len(numbers))], strict=True):
        children.append(np.append(np.searchsorted(inner, outer), len(inner)).astype(np.int64))
    return numbers[order], children


def _resample(
    values: FloatArray,
    children: list[IntArray],
    statistic: Statistic,
    n_boot: int,
    generator: np.random.Generator,
) -> FloatArray:
    """Statistic of `n_boot` resamples, all of them drawn level by level at once."""
    parent = np.zeros(n_boot, dtype=np.int64)
    owner = np.arange(n_boot)
    for bounds in children[:-1]:
        n_children = bounds[parent + 1] - bounds[parent]
        owner, first = np.repeat(owner, n_children), np.repeat(bounds[parent], n_children)
        size = np.repeat(n_children, n_children)
        parent = first + generator.integers(0, size)
    rows = children[-1]
    n_rows = rows[parent + 1] - rows[parent]
    owner = np.repeat(owner, n_rows)
    inside = np.arange(n_rows.sum()) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)
    drawn = values[np.repeat(rows[parent], n_rows) + inside]
    n_drawn = np.bincount(owner, minlength=n_boot)
    if statistic is np.mean:
        means: FloatArray = np.bincount(owner, weights=drawn, minlength=n_boot) / n_drawn
        return means
    pieces = np.split(drawn, np.cumsum(n_drawn)[:-1])
    return np.array([float(statistic(piece)) for piece in pieces])


def _vectorized(statistic: Statistic, sample: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Make a function of (k, n) resamples that gives (k,) values."""
    try:
        trial = np.asarray(statistic(np.stack([sample, sample]), axis=-1))
        works = trial.shape == (2,)
    except TypeError:
        works = False
    if works:
        return lambda samples: np.asarray(statistic(samples, axis=-1), dtype=np.float64)
    single = np.asarray(statistic(sample))
    if single.ndim:
        raise InvalidTypeError(f"statistic must give one number, got shape {single.shape}")
    return lambda samples: np.array([float(statistic(row)) for row in samples])


def _bca_levels(
    levels: FloatArray,
    distribution: FloatArray,
    estimate: float,
    sample: FloatArray,
    evaluate: Callable[[FloatArray], FloatArray],
) -> FloatArray:
    from scipy.special import ndtr, ndtri

    n = len(sample)
    below = ((distribution < estimate).mean() + (distribution <= estimate).mean()) / 2
    if n < 2 or not 0 < below < 1:
        return levels
    bias = ndtri(below)
    # Jackknife: the statistic without each value in turn, in blocks.
    left_out = np.empty(n)
    block = max(1, _BLOCK // n)
    for first in range(0, n, block):
        k = np.arange(first, min(first + block, n))
        keep = np.arange(n - 1) + (np.arange(n - 1) >= k[:, None])
        left_out[k] = evaluate(sample[keep])
    deviation = left_out.mean() - left_out
    spread = (deviation**2).sum()
    acceleration = (deviation**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + ndtri(levels)
    corrected: FloatArray = ndtr(bias + shifted / (1 - acceleration * shifted))
    return corrected


def _tails(confidence: float) -> FloatArray:
    level = real(confidence, "confidence")
    if not 0 < level < 1:
        raise InvalidArgumentError(f"confidence must lie between 0 and 1, got {level:g}")
    return np.array([0.5 - level / 2, 0.5 + level / 2])


def _interval(distribution: FloatArray, levels: FloatArray) -> tuple[float, float]:
    low, high = np.quantile(distribution, levels)
    return float(low), float(high)


def _one_row(result: Any, names: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    row = {name: getattr(result, name) for name in names}
    row["interval_low"], row["interval_high"] = result.interval
    return pd.DataFrame([row])
