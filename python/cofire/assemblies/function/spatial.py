"""Are the units of an assembly spread over the tissue like all units?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import FloatArray, IntArray, integer, matrix, one_of
from cofire.assemblies._blas import threaded_map
from cofire.assemblies.function._inputs import unit_sets
from cofire.errors import InvalidArgumentError
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("auto", "exact", "asymp")
_TABLE_VALUES = 2**20


@dataclass(frozen=True, slots=True)
class PlaneTest:
    """Two-sample Kolmogorov-Smirnov test in the plane.

    Attributes
    ----------
    statistic : float
        Mean of the largest differences of quadrant shares around the points of either sample.
    p : float
        From the approximation of Press et al., or from the bootstrap; NaN if undefined.
    n : (int, int)
        Points of the samples.
    n_bootstrap : int
        0 for the approximation.
    """

    statistic: float
    p: float
    n: tuple[int, int]
    n_bootstrap: int


@dataclass(frozen=True, slots=True, eq=False)
class SpatialTests:
    """Kolmogorov-Smirnov tests of the positions of each assembly against those of all units.

    Attributes
    ----------
    axes : tuple of str
        Names of the coordinates.
    n : ndarray (K,) int64
        Units of each assembly.
    statistic, p : ndarray (K, n_axes) float64
        Two-sided test of each coordinate; NaN for an assembly without units.
    plane : tuple of str
        The two coordinates of the test in the plane; empty without one.
    plane_statistic, plane_p : ndarray (K,) float64
    n_units : int
    """

    axes: tuple[str, ...]
    n: IntArray
    statistic: FloatArray
    p: FloatArray
    plane: tuple[str, ...]
    plane_statistic: FloatArray
    plane_p: FloatArray
    n_units: int

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each assembly; p-values are not corrected for their number."""
        import pandas as pd

        columns: dict[str, Any] = {"n": self.n}
        for i, name in enumerate(self.axes):
            columns[f"D_{name}"] = self.statistic[:, i]
            columns[f"p_{name}"] = self.p[:, i]
        if self.plane:
            columns[f"D_{''.join(self.plane)}"] = self.plane_statistic
            columns[f"p_{''.join(self.plane)}"] = self.plane_p
        index = pd.Index([f"A{k + 1}" for k in range(len(self.n))], name="assembly")
        return pd.DataFrame(columns, index=index)

    def plot(self, positions: Any, assemblies: Any, **kwargs: Any) -> Any:
        """Distributions of positions; see :func:`cofire.plot.plot_spatial`."""
        return plotter("plot_spatial")(positions, assemblies, tests=self, **kwargs)

    def __repr__(self) -> str:
        low = {name: int((self.p[:, i] < 0.05).sum()) for i, name in enumerate(self.axes)}
        parts = ", ".join(f"{name} {n}" for name, n in low.items())
        return f"SpatialTests({len(self.n)} assemblies of {self.n_units} units, p < .05: {parts})"


def spatial_tests(
    positions: Any,
    assemblies: Any,
    *,
    axes: Sequence[str] | None = None,
    plane: tuple[int, int] | None = (0, 1),
    method: str = "auto",
    n_bootstrap: int = 0,
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
) -> SpatialTests:
    """Test whether each assembly lies in the tissue as all units do.

    Every coordinate by the two-sample, two-sided Kolmogorov-Smirnov test, a plane by
    :func:`ks_plane`; members against all units, as published.

    Parameters
    ----------
    positions : array_like (n_units, d)
        Coordinates of all units, finite.
    assemblies : sequence of array_like of int, ndarray (K, n_units) bool, or RandomEnsembles
    axes : sequence of str, optional
        Names of the coordinates; default x, y, z.
    plane : (int, int) or None
        Columns of the test in the plane; None for no such test.
    method : {"auto", "exact", "asymp"}
        p of single coordinates, as of ``scipy.stats.ks_2samp``.
    n_bootstrap : int, >= 0
        Resamplings of the test in the plane; 0: the approximation.
    rng : int or Generator
        Seed of the bootstrap.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    SpatialTests

    Raises
    ------
    InvalidArgumentError
        Positions that are not finite, units without a position, a plane of missing coordinates.

    Notes
    -----
    The members are a part of all units, so that the samples are not independent and p is too
    large; it is not corrected for the number of tests either. Both as published. An assembly
    without units has NaN.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import spatial_tests
    >>> x = np.arange(40.0)
    >>> found = spatial_tests(np.column_stack([x, x % 7]), [range(10)])
    >>> found.statistic.round(3).tolist()
    [[0.75, 0.15]]
    """
    points = matrix(positions, "positions")
    if not np.isfinite(points).all():
        i = int(np.argwhere(~np.isfinite(points))[0, 0])
        raise InvalidArgumentError(
            f"positions must be finite: unit {i} is at {points[i]}; leave such units out"
        )
    n_units, n_axes = points.shape
    one_of(method, "method", METHODS)
    names = tuple(axes) if axes is not None else _names(n_axes)
    if len(names) != n_axes:
        raise InvalidArgumentError(f"axes must name {n_axes} coordinates, got {names!r}")
    if plane is not None and not all(0 <= integer(c, "plane") < n_axes for c in plane):
        raise InvalidArgumentError(
            f"plane {plane!r} needs coordinates that positions (n_units, {n_axes}) lacks; pass "
            "plane=None for no such test"
        )
    sets = unit_sets(assemblies, n_units)
    n_bootstrap = integer(n_bootstrap, "n_bootstrap", 0)
    seeds = np.random.SeedSequence(seed_of(rng)).spawn(len(sets))

    def one(k: int) -> FloatArray:
        members = points[sets[k]]
        row = np.full((n_axes + 1, 2), np.nan)
        if len(members) == 0:
            return row
        for i in range(n_axes):
            row[i] = _ks(members[:, i], points[:, i], method)
        if plane is not None:
            chosen = list(plane)
            found = ks_plane(
                members[:, chosen],
                points[:, chosen],
                n_bootstrap=n_bootstrap,
                rng=np.random.default_rng(seeds[k]),
            )
            row[-1] = found.statistic, found.p
        return row

    rows = np.array(threaded_map(one, len(sets), threads)).reshape(len(sets), n_axes + 1, 2)
    return SpatialTests(
        axes=names,
        n=np.array([len(units) for units in sets], dtype=np.int64),
        statistic=rows[:, :-1, 0],
        p=rows[:, :-1, 1],
        plane=() if plane is None else tuple(names[c] for c in plane),
        plane_statistic=rows[:, -1, 0],
        plane_p=rows[:, -1, 1],
        n_units=n_units,
    )


def ks_plane(
    a: Any, b: Any, *, n_bootstrap: int = 0, rng: int | np.random.Generator = 0
) -> PlaneTest:
    """Two-sample Kolmogorov-Smirnov test in two dimensions (Peacock; Fasano & Franceschini).

    Around every point of one sample, the shares of both samples in the four quadrants are
    compared; D is the mean of the largest difference around points of `a` and of the largest
    around points of `b`.

    Parameters
    ----------
    a, b : array_like (n, 2), (m, 2)
        Finite, at least one point each.
    n_bootstrap : int, >= 0
        0: p from the Kolmogorov distribution with the correction for the correlation of the
        coordinates. Otherwise from as many resamplings of both samples together,
        ``(#{D* >= D} + 1) / (n + 1)``.
    rng : int or Generator
        Seed of the bootstrap.

    Returns
    -------
    PlaneTest

    Raises
    ------
    InvalidArgumentError
        An empty sample, values that are not finite.

    Notes
    -----
    A point lies in the first quadrant of an origin if both of its coordinates are at most those
    of the origin. The origin itself is taken out of the first quadrant of its own sample, or put
    into the quadrant with the largest excess, whichever difference is larger. The approximate p
    is NaN if a sample has a constant coordinate.

    References
    ----------
    Peacock 1983, doi:10.1093/mnras/202.3.615; Fasano & Franceschini 1987,
    doi:10.1093/mnras/225.1.155; Press et al. 2007, Numerical Recipes, section 14.8

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import ks_plane
    >>> a = np.random.default_rng(0).normal(size=(60, 2))
    >>> found = ks_plane(a[:30], a[30:] + 2.0)
    >>> found.p < 1e-4
    True
    """
    first, second = (_plane_points(v, name) for v, name in ((a, "a"), (b, "b")))
    n, m = len(first), len(second)
    pooled = np.concatenate([first, second])
    # Only the order of coordinates counts: ranks are enough, for resamplings too.
    ranks = np.column_stack([np.unique(c, return_inverse=True)[1] for c in pooled.T])
    statistic = _distance(ranks[:n], ranks[n:])
    n_bootstrap = integer(n_bootstrap, "n_bootstrap", 0)
    if n_bootstrap == 0:
        return PlaneTest(statistic, _approximate_p(statistic, first, second), (n, m), 0)
    generator = np.random.default_rng(rng)
    n_extreme = 0
    for _ in range(n_bootstrap):
        drawn = ranks[generator.integers(0, n + m, n + m)]
        n_extreme += _distance(drawn[:n], drawn[n:]) >= statistic - 1e-12
    return PlaneTest(statistic, (n_extreme + 1) / (n_bootstrap + 1), (n, m), n_bootstrap)


def _ks(members: FloatArray, everyone: FloatArray, method: str) -> tuple[float, float]:
    from scipy.stats import ks_2samp

    options: dict[str, Any] = {"method": method}
    with warnings.catch_warnings():
        # scipy then takes the asymptotic p, which is what large samples need.
        warnings.filterwarnings("ignore", message="ks_2samp: Exact calculation unsuccessful")
        found = ks_2samp(members, everyone, **options)
    return float(found.statistic), float(found.pvalue)


def _distance(first: IntArray, second: IntArray) -> float:
    return 0.5 * (_largest(first, second) + _largest(second, first))


def _largest(own: IntArray, other: IntArray) -> float:
    """Largest difference of quadrant shares around the points of `own`."""
    n = len(own)
    mine, theirs = _quadrants(own, own), _quadrants(own, other)
    difference = mine - theirs
    difference[:, 0] -= 1.0 / n
    return float(max(-difference.min(), difference.max() + 1.0 / n))


def _quadrants(origins: IntArray, points: IntArray) -> FloatArray:
    """Shares of `points` in the quadrants of each origin, (n_origins, 4)."""
    n = len(points)
    low_x = np.searchsorted(np.sort(points[:, 0]), origins[:, 0], side="right")
    low_y = np.searchsorted(np.sort(points[:, 1]), origins[:, 1], side="right")
    both = _below_both(origins, points)
    counts = np.column_stack([both, low_x - both, low_y - both, n - low_x - low_y + both])
    return counts / n


def _below_both(origins: IntArray, points: IntArray) -> IntArray:
    """Number of points with both coordinates at most those of each origin.

    From a running two-dimensional histogram of the ranks, strip by strip.
    """
    width = int(max(points[:, 1].max(), origins[:, 1].max())) + 1
    height = int(max(points[:, 0].max(), origins[:, 0].max())) + 1
    strip = max(1, _TABLE_VALUES // width)
    order = np.argsort(points[:, 0], kind="stable")
    px, py = points[order].T
    to_answer = np.argsort(origins[:, 0], kind="stable")
    ox = origins[to_answer, 0]
    out = np.empty(len(origins), dtype=np.int64)
    before = np.zeros(width, dtype=np.int64)
    for first in range(0, height, strip):
        last = min(first + strip, height)
        here = slice(*np.searchsorted(px, [first, last]))
        table = np.bincount((px[here] - first) * width + py[here], minlength=(last - first) * width)
        table = table.reshape(last - first, width)
        table[0] += before
        np.cumsum(table, axis=0, out=table)
        before = table[-1].copy()
        asked = to_answer[slice(*np.searchsorted(ox, [first, last]))]
        rows = np.unique(origins[asked, 0])
        if len(rows):
            below = np.cumsum(table[rows - first], axis=1)
            at = np.searchsorted(rows, origins[asked, 0])
            out[asked] = below[at, origins[asked, 1]]
    return out


def _approximate_p(statistic: float, first: FloatArray, second: FloatArray) -> float:
    from scipy.stats import kstwobign

    n, m = len(first), len(second)
    root = np.sqrt(n * m / (n + m))
    square = 0.0
    for sample in (first, second):
        centered = sample - sample.mean(axis=0)
        spread = (centered**2).sum(axis=0)
        if (np.ptp(sample, axis=0) == 0).any():
            return float("nan")
        square += float((centered[:, 0] @ centered[:, 1]) ** 2 / spread.prod())
    tilt = np.sqrt(max(1.0 - 0.5 * square, 0.0))
    return float(kstwobign.sf(statistic * root / (1.0 + tilt * (0.25 - 0.75 / root))))


def _plane_points(values: Any, name: str) -> FloatArray:
    points = matrix(values, name)
    if points.shape[1] != 2 or len(points) == 0 or not np.isfinite(points).all():
        raise InvalidArgumentError(
            f"{name} must hold finite points (n, 2), at least one; got shape {points.shape}"
        )
    return points


def _names(n: int) -> tuple[str, ...]:
    return ("x", "y", "z")[:n] if n <= 3 else tuple(f"axis{i}" for i in range(n))
