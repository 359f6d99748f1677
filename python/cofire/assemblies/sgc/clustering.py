"""Step F: which patterns belong together? Spectral clustering of the similarity graph."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from cofire._validate import FloatArray, IntArray
from cofire.assemblies._blas import one_blas_thread

MAX_RESIDUAL = 1e-10


@dataclass(frozen=True, slots=True)
class SpectralGroups:
    """Groups of the nodes of a graph.

    Attributes
    ----------
    labels : ndarray (n_nodes,) int64
        1 for the largest group, 2 for the next, ...; 0 everywhere if the eigenvectors failed.
    eigenvalues : ndarray (n_groups,) float64
        Smallest ones of the random-walk Laplacian, ascending.
    residual : float
        Largest ``|L v - lambda v|``.
    """

    labels: IntArray
    eigenvalues: FloatArray
    residual: float


def spectral_groups(adjacency: Any, n_groups: int, seed: int, restarts: int) -> SpectralGroups:
    """Cluster the nodes of a graph into `n_groups`.

    Eigenvectors of the `n_groups` smallest eigenvalues of ``I - D^-1 A``, each of unit norm, are
    coordinates of the nodes; k-means (squared Euclidean, k-means++ starts) groups them.

    Parameters
    ----------
    adjacency : sparse array (n_nodes, n_nodes)
        Symmetric, every node has an edge.
    n_groups : int, 1 to n_nodes
    seed : int
    restarts : int
        Of k-means; the best is kept.

    Returns
    -------
    SpectralGroups
    """
    with one_blas_thread():
        values, vectors, residual = _eigenvectors(adjacency, n_groups)
        if not residual <= MAX_RESIDUAL:
            failed = np.zeros(adjacency.shape[0], dtype=np.int64)
            return SpectralGroups(failed, values, residual)
        labels = _k_means(vectors, n_groups, seed, restarts)
    return SpectralGroups(by_size(labels), values, residual)


def by_size(labels: IntArray) -> IntArray:
    """Number groups 1, 2, ... by decreasing size; of equal ones the first to appear comes first."""
    _, first, inverse, sizes = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(1, len(sizes) + 1)
    return rank[inverse]


def _eigenvectors(adjacency: Any, n_groups: int) -> tuple[FloatArray, FloatArray, float]:
    """Eigenvalues, unit eigenvectors in columns and the largest residual."""
    from scipy.linalg import LinAlgError, eigh

    a = np.asarray(adjacency.todense(), dtype=np.float64)
    degree = a.sum(axis=1)
    scale = 1.0 / np.sqrt(np.maximum(degree, 1.0))
    symmetric = np.eye(len(a)) - scale[:, None] * a * scale
    try:
        values, w = eigh(symmetric, subset_by_index=[0, n_groups - 1], driver="evr")
    except LinAlgError:
        return np.full(n_groups, np.nan), np.zeros((len(a), n_groups)), float("nan")
    v = scale[:, None] * w
    v /= np.linalg.norm(v, axis=0)
    laplacian_v = v - (a @ v) / np.maximum(degree, 1.0)[:, None]
    residual = float(np.linalg.norm(laplacian_v - values * v, axis=0).max())
    return values, v, residual


def _k_means(points: FloatArray, n_groups: int, seed: int, restarts: int) -> IntArray:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    model = KMeans(n_groups, n_init=restarts, random_state=seed % 2**32)
    # Its sums over threads depend on how many there are.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # fewer distinct points than groups: fewer groups
        labels = model.fit_predict(points)
    return np.asarray(labels, dtype=np.int64)
