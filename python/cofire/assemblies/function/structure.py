"""How are the units correlated as a whole? Matrix, spectrum, and an order that shows structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import FloatArray, IntArray, fits_memory, integer, one_of
from cofire.assemblies._blas import descending_eigenvalues
from cofire.assemblies.function._inputs import traces_of
from cofire.assemblies.sgc.raster import frames_of
from cofire.errors import InvalidArgumentError
from cofire.pairwise import correlation

if TYPE_CHECKING:
    import pandas as pd

ORDERS = ("isomap", "peak", "given")


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationStructure:
    """Correlations of units, their eigenvalues and an order of the units.

    Attributes
    ----------
    correlation : ndarray (n_units, n_units) float64
        1 on the diagonal; a constant unit correlates with none.
    eigenvalues : ndarray (n_units,) float64
        Of `correlation`, the largest first; they sum to n_units.
    order : ndarray (n_units,) int64
        Units in the order of the figure.
    by : str
        What the order is: ``"isomap"``, ``"peak"`` or ``"given"``.
    n_frames : int
        Frames without NaN.
    n_constant : int
        Constant units.
    """

    correlation: FloatArray
    eigenvalues: FloatArray
    order: IntArray
    by: str
    n_frames: int
    n_constant: int

    @property
    def ordered(self) -> FloatArray:
        """Correlations in that order with a diagonal of 0, as they are shown."""
        shown = self.correlation[np.ix_(self.order, self.order)]
        np.fill_diagonal(shown, 0.0)
        return shown

    @property
    def explained(self) -> FloatArray:
        """Share of the variance up to each eigenvalue, (n_units,)."""
        total = self.eigenvalues.sum()
        explained: FloatArray = np.cumsum(self.eigenvalues) / (total if total else 1.0)
        return explained

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each eigenvalue."""
        import pandas as pd

        return pd.DataFrame({"eigenvalue": self.eigenvalues, "explained": self.explained})

    def plot(self, **kwargs: Any) -> Any:
        """Ordered matrix; see :func:`cofire.plot.plot_ordered_correlations`."""
        return plotter("plot_ordered_correlations")(self, **kwargs)

    def __repr__(self) -> str:
        top = ", ".join(f"{value:.1f}" for value in self.eigenvalues[:3])
        return (
            f"CorrelationStructure({len(self.order)} units, {self.n_frames} frames, "
            f"eigenvalues {top}, ...)"
        )


def correlation_structure(
    traces: Any, *, order: str = "isomap", n_neighbors: int = 5, threads: int | None = None
) -> CorrelationStructure:
    """Correlation matrix of units, its spectrum, and the order of a one-dimensional embedding.

    Parameters
    ----------
    traces : array_like (n_frames, n_units) or Traces
        dF/F, fluorescence or a raster. Frames with NaN are left out.
    order : {"isomap", "peak", "given"}
        Along a one-dimensional Isomap of the rows of the matrix; by the frame of each unit's
        largest value; or as given.
    n_neighbors : int, >= 1, below n_units
        Of Isomap.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    CorrelationStructure

    Raises
    ------
    InvalidArgumentError
        No units, fewer than two frames without NaN, infinite values.

    Notes
    -----
    Isomap (scikit-learn) of n units takes O(n^3) time. It gives an order up to reversal; here the
    first unit lies in the first half. Constant units come last in it.

    References
    ----------
    Tenenbaum, de Silva & Langford 2000, doi:10.1126/science.290.5500.2319;
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import correlation_structure
    >>> traces = np.random.default_rng(0).normal(size=(100, 8))
    >>> found = correlation_structure(traces, order="given")
    >>> round(float(found.eigenvalues.sum()), 9)
    8.0
    """
    one_of(order, "order", ORDERS)
    values = traces_of(traces)
    if values.dtype.kind == "f":
        values, _ = frames_of(values)
    n_frames, n_units = values.shape
    if n_units == 0 or n_frames < 2:
        raise InvalidArgumentError(
            f"traces must have units and two frames without NaN, got {n_frames} frames of "
            f"{n_units} units"
        )
    fits_memory((n_units, n_units), np.float64, "the correlations of all units")
    r = correlation(np.ascontiguousarray(values.T), threads=threads)
    constant = np.ptp(values.astype(np.float64, copy=False), axis=0) == 0
    return CorrelationStructure(
        correlation=r,
        eigenvalues=descending_eigenvalues(r),
        order=_order(r, values, constant, order, n_neighbors),
        by=order,
        n_frames=n_frames,
        n_constant=int(constant.sum()),
    )


def _order(r: FloatArray, values: Any, constant: Any, order: str, n_neighbors: int) -> IntArray:
    n_units = len(r)
    if order == "given":
        return np.arange(n_units, dtype=np.int64)
    if order == "peak":
        when = values.argmax(axis=0)
        return np.argsort(when, kind="stable").astype(np.int64)
    moving = np.flatnonzero(~constant)
    neighbors = integer(n_neighbors, "n_neighbors", 1)
    if neighbors >= len(moving):
        raise InvalidArgumentError(
            f"n_neighbors must be below the number of units that are not constant "
            f'({len(moving)}), got {neighbors}; order="peak" needs none'
        )
    line = _isomap_line(r[np.ix_(moving, moving)], neighbors)
    inside = moving[np.argsort(line, kind="stable")]
    if 2 * int(np.flatnonzero(inside == moving[0])[0]) >= len(inside):
        inside = inside[::-1]
    return np.concatenate([inside, np.flatnonzero(constant)]).astype(np.int64)


def _isomap_line(r: FloatArray, n_neighbors: int) -> FloatArray:
    import warnings

    from sklearn.manifold import Isomap

    with warnings.catch_warnings():
        # Parts that are not connected are joined by their nearest units: good enough for an order.
        warnings.filterwarnings("ignore", message=".*connected components.*")
        warnings.filterwarnings("ignore", category=Warning, module="scipy.sparse")
        # The dense solver starts from no random vector.
        made = Isomap(n_neighbors=n_neighbors, n_components=1, eigen_solver="dense")
        return np.asarray(made.fit_transform(r), dtype=np.float64)[:, 0]
