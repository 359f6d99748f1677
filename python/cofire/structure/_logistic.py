"""Logistic regression with standard errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cofire._validate import FloatArray
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

_STEPS = 50
COLUMNS = ("term", "coefficient", "standard_error", "z", "p", "odds_ratio", "low", "high")


def logistic(x: FloatArray, y: FloatArray, names: list[str], confidence: float) -> pd.DataFrame:
    """Maximum likelihood by Newton's method; Wald tests, a row a column of x.

    Parameters
    ----------
    x : ndarray (n, k)
        With a column of ones for an intercept.
    y : ndarray (n,)
        0 or 1.

    Notes
    -----
    Where a column separates 0 and 1 there is no maximum: coefficient and p are NaN.
    """
    import pandas as pd
    from scipy.stats import norm

    if not names:
        return pd.DataFrame({name: np.zeros(0) for name in COLUMNS}).astype({"term": object})
    if x.shape != (len(y), len(names)):
        raise InvalidArgumentError(f"x must have shape ({len(y)}, {len(names)}), got {x.shape}")
    beta, covariance = _newton(x, y)
    error = np.sqrt(np.diag(covariance))
    z = beta / error
    half = norm.ppf(0.5 + confidence / 2) * error
    with np.errstate(over="ignore"):
        return pd.DataFrame(
            {
                "term": names,
                "coefficient": beta,
                "standard_error": error,
                "z": z,
                "p": 2 * norm.sf(np.abs(z)),
                "odds_ratio": np.exp(beta),
                "low": np.exp(beta - half),
                "high": np.exp(beta + half),
            }
        )


def _newton(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    from scipy.special import expit

    k = x.shape[1]
    none = np.full(k, np.nan), np.full((k, k), np.nan)
    beta = np.zeros(k)
    for _ in range(_STEPS):
        p = expit(x @ beta)
        information = (x * (p * (1 - p))[:, None]).T @ x
        # Separated data push the coefficients to infinity and the information to 0.
        if np.abs(beta).max() > 30 or np.linalg.cond(information) > 1e14:
            return none
        step = np.linalg.solve(information, x.T @ (y - p))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            inverse: FloatArray = np.linalg.inv(information).astype(np.float64)
            return beta, inverse
    return none
