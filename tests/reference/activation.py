"""Expression strength from the projection matrices."""

from __future__ import annotations

import numpy as np


def activation(patterns, z, remove_diagonal=True):
    """A_k(t) = z_t^T P_k z_t with P_k = w_k w_k^T, its diagonal removed."""
    out = np.zeros((len(patterns), z.shape[1]))
    for k, w in enumerate(patterns):
        projection = np.outer(w, w)
        if remove_diagonal:
            np.fill_diagonal(projection, 0.0)
        out[k] = np.einsum("it,ij,jt->t", z, projection, z)
    out[:, np.isnan(z).any(axis=0)] = 0.0
    return out
