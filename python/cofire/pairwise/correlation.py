"""How alike are the time courses of two units?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, FloatArray, IntArray, matrix, one_of
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.spikes import BinnedSpikes
from cofire.types import SpikeTrains

# Spikes per bin and unit above which a matrix product is faster than lists of spikes.
_DENSE = 0.2


def correlation(x: Any, *, zero_variance: str = "zero", threads: int | None = None) -> FloatArray:
    """Pearson correlation of every pair of rows.

    Parameters
    ----------
    x : BinnedSpikes or array_like (n_units, n_bins)
        Products of integers (counts) are summed exactly, those of sparse counts through lists of
        the spikes in a bin; floats are centred and multiplied in float64.
    zero_variance : {"zero", "nan"}
        Correlation of a constant row with others: 0 with 1 on the diagonal, or NaN in its row and
        column.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it. Floats use the
        threads of the BLAS library instead.

    Returns
    -------
    ndarray (n_units, n_units) float64
        Symmetric, in [-1, 1], 1 on the diagonal.

    Raises
    ------
    InvalidArgumentError
        Not 2-D, or values that are not finite.
    InvalidTypeError
        Spike trains that are not binned, or something that is not numbers.

    Notes
    -----
    Without bins every row is constant.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.correlation([[0, 1, 0, 2], [0, 2, 0, 4], [3, 3, 3, 3]])
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
    """
    one_of(zero_variance, "zero_variance", ("zero", "nan"))
    n_threads = resolve_threads(threads)
    values = rows_of(x)
    sums = None if values.dtype.kind == "f" else _row_sums(values)
    if sums is not None and _products_are_exact(values, sums):
        coefficients, constant = _correlate_counts(values, sums, n_threads)
    else:
        coefficients, constant = correlate_floats(values.astype(np.float64, copy=False))
    np.fill_diagonal(coefficients, 1.0)
    if zero_variance == "nan":
        coefficients[constant] = np.nan
        coefficients[:, constant] = np.nan
    return coefficients


def rows_of(x: Any) -> AnyArray:
    """Rows to relate: uint8 or int32 counts as they are, everything else as finite float64."""
    if isinstance(x, SpikeTrains):
        raise InvalidTypeError("x must be binned: pass cofire.bin_spikes(spikes, bin_width)")
    array = np.asarray(x.counts if isinstance(x, BinnedSpikes) else x)
    if array.ndim != 2:
        raise InvalidArgumentError(f"x must be 2-D (n_units, n_bins), got shape {array.shape}")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if array.dtype.kind in "iu":
        if array.dtype != np.uint8 and _fits_int32(array):
            array = array.astype(np.int32, copy=False)
        if array.dtype in (np.uint8, np.int32):
            return np.ascontiguousarray(array)
    values = matrix(array, "x")
    if not np.isfinite(values).all():
        i, k = np.argwhere(~np.isfinite(values))[0]
        raise InvalidArgumentError(
            f"x must be finite: row {i} has {values[i, k]} in column {k}; drop such bins or units"
        )
    return values


def correlate_floats(values: FloatArray) -> tuple[FloatArray, AnyArray]:
    """Correlation of float rows, and which rows are constant (zero off the diagonal)."""
    constant = (values == values[:, :1]).all(axis=1)
    centered = values - values.mean(axis=1, keepdims=True) if values.size else values * 0.0
    # Scaled first, so that neither tiny nor huge values under- or overflow when squared.
    largest = np.abs(centered).max(axis=1, initial=0.0)
    centered /= np.where(constant | (largest == 0), 1.0, largest)[:, None]
    norm = np.sqrt(np.einsum("ij,ij->i", centered, centered))
    centered /= np.where(constant | (norm == 0), 1.0, norm)[:, None]
    centered[constant] = 0.0
    return np.clip(centered @ centered.T, -1.0, 1.0), constant


def _row_sums(counts: AnyArray) -> IntArray:
    # Bytes are summed into 32 bits three times as fast as into 64.
    fits = counts.dtype == np.uint8 and counts.shape[1] < 2**24
    sums: IntArray = counts.sum(axis=1, dtype=np.uint32 if fits else np.int64).astype(np.int64)
    return sums


def _products_are_exact(counts: AnyArray, sums: IntArray) -> bool:
    """Whether sums of products stay below 2**53, and n_bins times them below 2**62."""
    n_bins = counts.shape[1]
    low, high = int(counts.min(initial=0)), int(counts.max(initial=0))
    total = int(sums.max(initial=0)) if low == 0 else n_bins * max(-low, high)
    return bool(max(-low, high) * total * max(n_bins, 2**9) < 2**62)


def _correlate_counts(
    counts: AnyArray, sums: IntArray, n_threads: int
) -> tuple[FloatArray, AnyArray]:
    n_bins = counts.shape[1]
    products = _sum_products(counts, int(sums.sum()), n_threads)
    # n_bins**2 times the covariance.
    scaled = products * n_bins - np.multiply.outer(sums, sums)
    variance = scaled.diagonal()
    constant = variance == 0
    norm = np.sqrt(np.where(constant, 1, variance))
    coefficients = np.clip(scaled / np.multiply.outer(norm, norm), -1.0, 1.0)
    return coefficients, constant


def _sum_products(counts: AnyArray, n_spikes: int, n_threads: int) -> IntArray:
    if n_spikes > _DENSE * counts.size or counts.min(initial=0) < 0:
        values = counts.astype(np.float64)
        return (values @ values.T).astype(np.int64)
    if counts.dtype == np.uint8:
        return _core.sum_products_u8(counts, n_threads)
    return _core.sum_products_i32(counts, n_threads)


def _fits_int32(array: AnyArray) -> bool:
    limits = np.iinfo(np.int32)
    return bool(array.max(initial=0) <= limits.max and array.min(initial=0) >= limits.min)
