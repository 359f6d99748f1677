"""Which units remain coupled when all others are held fixed?"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from cofire._validate import FloatArray, integer, one_of, positive
from cofire.errors import ConvergenceWarning, InvalidArgumentError
from cofire.pairwise.correlation import correlate_floats, rows_of

_METHODS = ("auto", "shrinkage", "empirical", "glasso", "ridge")


def precision(
    x: Any,
    method: str = "auto",
    *,
    partial: bool = False,
    alpha: float = 0.1,
    max_iter: int = 100,
) -> FloatArray:
    """Inverse covariance of z-scored rows.

    Rows are z-scored with ddof 0, so that their covariance R is the correlation matrix.

    Parameters
    ----------
    x : BinnedSpikes or array_like (n_units, n_bins)
    method : {"auto", "shrinkage", "empirical", "glasso", "ridge"}
        "shrinkage": inverse of ``(1 - s) R + s I`` with the weight s of Ledoit and Wolf.
        "empirical": inverse of R. "glasso": graphical lasso, which sets entries to exactly 0.
        "ridge": inverse of ``R + alpha I``. "auto": "shrinkage" if there are fewer than ten bins
        per unit, else "empirical".
    partial : bool
        False: the precision matrix. True: partial correlations ``-P_ij / sqrt(P_ii P_jj)`` with 1
        on the diagonal.
    alpha : float, > 0
        Penalty of "glasso" and "ridge".
    max_iter : int
        Limit of "glasso".

    Returns
    -------
    ndarray (n_units, n_units) float64
        Symmetric. A constant row is unrelated to all: 0 off the diagonal, 1 on it.

    Raises
    ------
    InvalidArgumentError
        Values that are not finite; "empirical" with a singular covariance (fewer bins than units,
        or rows that determine each other).

    Warns
    -----
    ConvergenceWarning
        The graphical lasso stopped at `max_iter`.

    References
    ----------
    Ledoit & Wolf 2004, doi:10.1016/S0047-259X(03)00096-4; Friedman, Hastie & Tibshirani 2008,
    doi:10.1093/biostatistics/kxm045

    Examples
    --------
    >>> import numpy as np
    >>> import cofire as cf
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=5000)
    >>> b = a + rng.normal(size=5000)
    >>> c = b + rng.normal(size=5000)  # a and c are linked through b alone
    >>> cf.correlation([a, b, c])[0, 2].round(1)
    np.float64(0.6)
    >>> abs(cf.precision([a, b, c], partial=True)[0, 2]) < 0.05
    np.True_
    """
    one_of(method, "method", _METHODS)
    alpha = positive(alpha, "alpha")
    max_iter = integer(max_iter, "max_iter", 1)
    values = rows_of(x).astype(np.float64)
    n_units, n_bins = values.shape
    if method == "auto":
        method = "shrinkage" if n_bins < 10 * n_units else "empirical"
    covariance, constant = correlate_floats(values)
    out = np.eye(n_units)
    active = np.flatnonzero(~constant)
    if len(active):
        block = covariance[np.ix_(active, active)]
        np.fill_diagonal(block, 1.0)
        if method == "shrinkage":
            block = _shrunk(block, values[active])
        elif method == "ridge":
            block = block + alpha * np.eye(len(active))
        inverse = _glasso(block, alpha, max_iter) if method == "glasso" else _inverse(block)
        out[np.ix_(active, active)] = inverse
    if partial:
        scale = np.sqrt(out.diagonal())
        out = -out / np.multiply.outer(scale, scale)
        np.fill_diagonal(out, 1.0)
    return out + 0.0  # no negative zeros


def _shrunk(covariance: FloatArray, values: FloatArray) -> FloatArray:
    from sklearn.covariance import ledoit_wolf_shrinkage

    z = values - values.mean(axis=1, keepdims=True)
    z /= z.std(axis=1, keepdims=True)
    weight = float(ledoit_wolf_shrinkage(z.T, assume_centered=True))
    return (1.0 - weight) * covariance + weight * np.eye(len(covariance))


def _glasso(covariance: FloatArray, alpha: float, max_iter: int) -> FloatArray:
    from sklearn.covariance import graphical_lasso
    from sklearn.exceptions import ConvergenceWarning as NotConverged

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        inverse: FloatArray = graphical_lasso(covariance, alpha, max_iter=max_iter)[1]
    if any(issubclass(w.category, NotConverged) for w in caught):
        warnings.warn(
            f"the graphical lasso did not converge in {max_iter} iterations; raise max_iter or "
            "alpha",
            ConvergenceWarning,
            stacklevel=3,
        )
    return 0.5 * (inverse + inverse.T)


def _inverse(covariance: FloatArray) -> FloatArray:
    import scipy.linalg

    n = len(covariance)
    eigenvalues = np.linalg.eigvalsh(covariance)
    if eigenvalues[0] <= n * np.finfo(np.float64).eps * eigenvalues[-1]:
        raise InvalidArgumentError(
            f"the covariance of {n} units is singular (fewer bins than units, or rows that "
            'determine each other); use method="shrinkage" or method="ridge"'
        )
    inverse: FloatArray = scipy.linalg.cho_solve(
        scipy.linalg.cho_factor(covariance, lower=True), np.eye(n)
    )
    return 0.5 * (inverse + inverse.T)
