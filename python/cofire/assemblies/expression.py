"""How strongly is each assembly expressed at each moment?"""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import numpy.typing as npt

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, fits_memory, matrix, positive
from cofire.errors import InvalidArgumentError
from cofire.spikes.binning import BinnedSpikes, prepare
from cofire.spikes.zscore import axis_of_grid
from cofire.types import Traces


@overload
def activation(
    patterns: Any,
    z_or_spikes: AnyArray | BinnedSpikes,
    *,
    remove_diagonal: bool = ...,
    dtype: npt.DTypeLike | None = ...,
    threads: int | None = ...,
) -> AnyArray: ...
@overload
def activation(
    patterns: Any,
    z_or_spikes: Any,
    *,
    bin_width: float,
    sigma: float | None = ...,
    support: Any = ...,
    remove_diagonal: bool = ...,
    dtype: npt.DTypeLike | None = ...,
    threads: int | None = ...,
) -> Traces: ...
def activation(
    patterns: Any,
    z_or_spikes: Any,
    *,
    bin_width: float | None = None,
    sigma: float | None = None,
    support: Any = None,
    remove_diagonal: bool = True,
    dtype: npt.DTypeLike | None = None,
    threads: int | None = None,
) -> AnyArray | Traces:
    """Expression strength of assembly patterns over time.

    ``A_k(t) = z_t^T P_k z_t`` with ``P_k = w_k w_k^T`` and, unless ``remove_diagonal=False``, a
    zero diagonal, so that one unit alone expresses nothing. Computed as
    ``(w_k . z_t)^2 - sum_i w_ki^2 z_ti^2``. From spikes, z is that of :func:`cofire.zscore_bins`
    and is never stored: memory goes with the result and the spikes.

    Parameters
    ----------
    patterns : array_like (K, n_units)
        One pattern a row.
    z_or_spikes : ndarray (n_units, n_bins), BinnedSpikes, or SpikeTrains or convertible
        z-scores of the units, or their spikes. A 2-D array is z.
    bin_width : float, s, > 0
        Needed with spikes, and only with them; so are `sigma` and `support`.
    sigma : float, s, optional
        Smooth the counts across gaps with a Gaussian, as :func:`cofire.zscore_bins` does.
    support : Intervals or array_like (n, 2), s, optional
        Where to bin, and over which bins the z-scores are taken.
    remove_diagonal : bool
        Leave out the products of a unit with itself.
    dtype : {"float64", "float32"}, optional
        Of the computation and the result; default that of z, or float64.
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    ndarray (K, n_bins)
        Given z; a bin in which z holds NaN gives 0.
    Traces
        Given spikes: ``values`` (n_bins, K), ``times`` the bin centres, ``support`` the binned
        time.

    Raises
    ------
    InvalidArgumentError
        Patterns and units disagree in number; spikes without bin width, or z with one.

    References
    ----------
    Lopes-dos-Santos et al. 2013, doi:10.1016/j.jneumeth.2013.04.010

    Examples
    --------
    >>> from cofire.assemblies import activation
    >>> activation([[0.6, 0.8]], np.array([[1.0, 2.0], [0.5, 2.0]]))
    array([[0.48, 3.84]])
    >>> spikes = [[0.5, 2.5], [0.6, 2.4]]
    >>> together = activation([[0.6, 0.8]], spikes, bin_width=1.0, support=[[0.0, 4.0]])
    >>> together.values.ravel()
    array([0.96, 0.96, 0.96, 0.96])
    """
    n_threads = resolve_threads(threads)
    is_matrix = isinstance(z_or_spikes, np.ndarray) and z_or_spikes.ndim == 2
    if is_matrix or isinstance(z_or_spikes, BinnedSpikes):
        if bin_width is not None or sigma is not None or support is not None:
            raise InvalidArgumentError(
                "bin_width, sigma and support go with spikes; a z matrix is already binned"
            )
        z = z_or_spikes.counts if isinstance(z_or_spikes, BinnedSpikes) else z_or_spikes
        return _of_matrix(patterns, z, remove_diagonal, dtype, n_threads)
    if bin_width is None:
        raise InvalidArgumentError(
            "bin_width (s) is needed to bin spikes; z must be a 2-D array or BinnedSpikes"
        )
    chosen = _dtype_of(dtype, np.dtype("float64"))
    weights = matrix(patterns, "patterns", dtype=chosen)
    trains, grid, n_threads = prepare(z_or_spikes, bin_width, support, threads)
    _check_units(weights, trains.n_units, "spikes")
    fits_memory((grid.n_bins, len(weights)), chosen, "the activation")
    kernel = (
        _core.activation_of_spikes_f32 if chosen == np.float32 else _core.activation_of_spikes_f64
    )
    sigma = None if sigma is None else positive(sigma, "sigma", "s")
    values = kernel(
        weights,
        trains.times,
        trains.offsets,
        *grid.arrays(),
        axis_of_grid(grid, sigma).arrays(),
        remove_diagonal,
        n_threads,
    )
    return Traces(values, times=grid.centers(), support=grid.support)


def _of_matrix(
    patterns: Any, z: AnyArray, remove_diagonal: bool, dtype: npt.DTypeLike | None, n_threads: int
) -> AnyArray:
    own = z.dtype if z.dtype == np.float32 else np.dtype("float64")
    chosen = _dtype_of(dtype, own)
    weights = matrix(patterns, "patterns", dtype=chosen)
    rows = matrix(z, "z", dtype=chosen)
    _check_units(weights, len(rows), "z")
    fits_memory((len(weights), rows.shape[1]), chosen, "the activation")
    kernel = _core.activation_f32 if chosen == np.float32 else _core.activation_f64
    values: AnyArray = kernel(weights, rows, remove_diagonal, n_threads)
    return values


def _dtype_of(dtype: npt.DTypeLike | None, default: np.dtype[Any]) -> np.dtype[Any]:
    chosen = default if dtype is None else np.dtype(dtype)
    if chosen not in (np.float32, np.float64):
        raise InvalidArgumentError(f"dtype must be float32 or float64, got {chosen}")
    return chosen


def _check_units(patterns: AnyArray, n_units: int, what: str) -> None:
    if patterns.shape[1] != n_units:
        raise InvalidArgumentError(
            f"patterns have {patterns.shape[1]} units (columns), {what} have {n_units}; "
            "give them the same units in the same order"
        )
