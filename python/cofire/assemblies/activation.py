"""How strongly is each assembly expressed at each moment?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, fits_memory, matrix
from cofire.errors import InvalidArgumentError
from cofire.spikes import BinnedSpikes

_DENSE = {
    np.dtype("float32"): _core.activation_f32,
    np.dtype("float64"): _core.activation_f64,
}


def activation(
    patterns: Any,
    z_or_spikes: Any,
    *,
    remove_diagonal: bool = True,
    dtype: npt.DTypeLike | None = None,
    threads: int | None = None,
) -> AnyArray:
    """Expression strength of assembly patterns over time.

    ``A_k(t) = z_t^T P_k z_t`` with ``P_k = w_k w_k^T`` and, unless ``remove_diagonal=False``, a
    zero diagonal, so that one unit alone expresses nothing. Computed as
    ``(w_k . z_t)^2 - sum_i w_ki^2 z_ti^2``.

    Parameters
    ----------
    patterns : array_like (K, n_units)
        One pattern a row.
    z_or_spikes : ndarray (n_units, n_bins) or BinnedSpikes
        z-scores of the units.
    remove_diagonal : bool
        Leave out the products of a unit with itself.
    dtype : {"float64", "float32"}, optional
        Of the computation and the result; default that of z.
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    ndarray (K, n_bins)
        A bin in which z holds NaN gives 0.

    References
    ----------
    Lopes-dos-Santos et al. 2013, doi:10.1016/j.jneumeth.2013.04.010

    Examples
    --------
    >>> import cofire as cf
    >>> cf.assemblies.activation([[0.6, 0.8]], np.array([[1.0, 2.0], [0.5, 2.0]]))
    array([[0.48, 3.84]])
    """
    n_threads = resolve_threads(threads)
    z = z_or_spikes.counts if isinstance(z_or_spikes, BinnedSpikes) else np.asarray(z_or_spikes)
    chosen = np.dtype(dtype) if dtype is not None else z.dtype
    if chosen not in _DENSE:
        chosen = np.dtype("float64")
    rows = matrix(z, "z", dtype=chosen)
    weights = matrix(patterns, "patterns", dtype=chosen)
    if weights.shape[1] != rows.shape[0]:
        raise InvalidArgumentError(
            f"patterns have {weights.shape[1]} units (columns), z has {rows.shape[0]} (rows)"
        )
    fits_memory((weights.shape[0], rows.shape[1]), chosen, "the activation")
    return _DENSE[chosen](weights, rows, remove_diagonal, n_threads)
