"""Simple structure: the promax rotation of a few components."""

from __future__ import annotations

import numpy as np

from cofire._validate import FloatArray

MAX_ITERATIONS = 5000
_TOLERANCE = 1e-10


def varimax(loadings: FloatArray, max_iterations: int = MAX_ITERATIONS) -> FloatArray:
    """Orthogonal rotation (k, k) of `loadings` (n, k) that maximizes the variance of squares.

    Rows are brought to unit length first (Kaiser).

    References
    ----------
    Kaiser 1958, doi:10.1007/BF02289233
    """
    k = loadings.shape[1]
    length = np.linalg.norm(loadings, axis=1, keepdims=True)
    a = np.divide(loadings, length, out=np.zeros_like(loadings), where=length > 0)
    rotation, before = np.eye(k), 0.0
    for _ in range(max_iterations):
        b = a @ rotation
        u, s, vt = np.linalg.svd(a.T @ (b**3 - b * (b * b).mean(axis=0)))
        rotation = u @ vt
        total = float(s.sum())
        if total - before <= _TOLERANCE * total:
            break
        before = total
    return rotation


def promax(
    loadings: FloatArray, power: float = 4.0, max_iterations: int = MAX_ITERATIONS
) -> FloatArray:
    """Oblique rotation of `loadings` (n, k), as rotated loadings (n, k).

    The varimax loadings L are rotated by least squares towards ``L |L|^(power - 1)``, which pulls
    small loadings to 0.

    Parameters
    ----------
    loadings : ndarray (n, k) float64
        Columns are components, of rank k.
    power : float
    max_iterations : int
        Of varimax.

    Returns
    -------
    ndarray (n, k) float64

    References
    ----------
    Hendrickson & White 1964, doi:10.1111/j.2044-8317.1964.tb00244.x
    """
    if loadings.shape[1] < 2:
        return loadings.copy()
    orthogonal = loadings @ varimax(loadings, max_iterations)
    target = orthogonal * np.abs(orthogonal) ** (power - 1)
    transform = np.linalg.lstsq(orthogonal, target, rcond=None)[0]
    # Factors get unit variance.
    scale = np.sqrt(np.diag(np.linalg.pinv(transform.T @ transform)))
    rotated: FloatArray = orthogonal @ (transform * scale)
    return rotated
