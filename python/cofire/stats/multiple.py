"""Which of many p-values survive? Adjustments for multiple tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cofire._validate import FloatArray, one_of
from cofire.errors import InvalidArgumentError, InvalidTypeError


def benjamini_hochberg(p: Any) -> FloatArray:
    """Adjust p-values to control the false discovery rate.

    The i-th smallest of m p-values becomes ``min over j >= i of p_(j) * m / j``, at most 1.

    Parameters
    ----------
    p : array_like of any shape, values in [0, 1] or NaN
        NaN stands for a test that was not made: it stays NaN and does not count in m.

    Returns
    -------
    ndarray float64, shape of `p`
        Adjusted p-values: reject where they are at most the wanted false discovery rate.

    References
    ----------
    Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    >>> from cofire.stats import benjamini_hochberg
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    values, order, tested = _ordered(p)
    m = len(order)
    # From the largest down, each adjusted value is at most the one above it.
    # Factors first: the last one is exactly 1, so no p-value is adjusted downward by rounding.
    scaled = values[tested][order] * (m / np.arange(1, m + 1))
    return _restored(np.minimum.accumulate(scaled[::-1])[::-1], values, order, tested)


def holm(p: Any) -> FloatArray:
    """Adjust p-values to control the probability of any false rejection.

    The i-th smallest of m p-values becomes ``max over j <= i of p_(j) * (m - j + 1)``, at most 1.

    Parameters
    ----------
    p : array_like of any shape, values in [0, 1] or NaN
        NaN stands for a test that was not made: it stays NaN and does not count in m.

    Returns
    -------
    ndarray float64, shape of `p`
        Adjusted p-values: reject where they are at most the wanted error rate.

    References
    ----------
    Holm 1979, https://www.jstor.org/stable/4615733

    Examples
    --------
    >>> from cofire.stats import holm
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values, order, tested = _ordered(p)
    m = len(order)
    scaled = values[tested][order] * np.arange(m, 0, -1)
    return _restored(np.maximum.accumulate(scaled), values, order, tested)


def bonferroni(p: Any) -> FloatArray:
    """Adjust p-values to control the probability of any false rejection, test by test.

    Every p-value becomes ``p * m``, at most 1, for m tests.

    Parameters
    ----------
    p : array_like of any shape, values in [0, 1] or NaN
        NaN stands for a test that was not made: it stays NaN and does not count in m.

    Returns
    -------
    ndarray float64, shape of `p`

    Examples
    --------
    >>> from cofire.stats import bonferroni
    >>> bonferroni([0.01, 0.04, 0.5]).round(3).tolist()
    [0.03, 0.12, 1.0]
    """
    values, order, tested = _ordered(p)
    return _restored(values[tested][order] * len(order), values, order, tested)


def adjust(p: Any, method: str = "holm") -> FloatArray:
    """Adjust p-values by a method of choice.

    Parameters
    ----------
    p : array_like of any shape, values in [0, 1] or NaN
    method : {"none", "holm", "bonferroni", "benjamini_hochberg"}
        ``"none"`` gives the p-values back.

    Returns
    -------
    ndarray float64, shape of `p`

    Examples
    --------
    >>> from cofire.stats import adjust
    >>> adjust([0.01, 0.04], "bonferroni").tolist()
    [0.02, 0.08]
    """
    one_of(method, "method", tuple(_METHODS))
    return _METHODS[method](p)


def _unchanged(p: Any) -> FloatArray:
    return _ordered(p)[0].copy()


_METHODS: dict[str, Callable[[Any], FloatArray]] = {
    "none": _unchanged,
    "holm": holm,
    "bonferroni": bonferroni,
    "benjamini_hochberg": benjamini_hochberg,
}


def _ordered(p: Any) -> tuple[FloatArray, Any, Any]:
    try:
        values = np.asarray(p, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError("p must be an array of numbers") from error
    tested = ~np.isnan(values)
    outside = tested & ~((values >= 0) & (values <= 1))
    if outside.any():
        raise InvalidArgumentError(
            f"p must lie in [0, 1] (or be NaN for no test), got {values[outside][0]:g}"
        )
    return values, np.argsort(values[tested], kind="stable"), tested


def _restored(adjusted: FloatArray, values: FloatArray, order: Any, tested: Any) -> FloatArray:
    back = np.empty_like(adjusted)
    back[order] = np.minimum(adjusted, 1.0)
    out = np.full(values.shape, np.nan)
    out[tested] = back
    return out
