"""Step D: which patterns of activity resemble each other? A graph of nearest neighbors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cofire._validate import BoolArray, FloatArray, fits_memory

TIE = 1e-12
"""Distances that differ by less are equal."""


@dataclass(frozen=True, slots=True)
class SimilarityGraph:
    """Patterns joined to their nearest neighbors.

    Attributes
    ----------
    adjacency : csr_array (n_patterns, n_patterns) bool
        Symmetric, without loops.
    n_neighbors : int
        The smallest number of neighbors, from ``ceil(ln n_patterns)`` on, that connects it.
    """

    adjacency: Any
    n_neighbors: int

    @property
    def n_edges(self) -> int:
        """Number of joined pairs."""
        return int(self.adjacency.nnz) // 2

    def __repr__(self) -> str:
        return (
            f"SimilarityGraph({self.adjacency.shape[0]} patterns, {self.n_edges} edges, "
            f"{self.n_neighbors} neighbors)"
        )


def cosine_distances(patterns: BoolArray, others: BoolArray | None = None) -> FloatArray:
    """``1 - |x & y| / sqrt(|x| |y|)`` of binary patterns; 1 from or to an empty one.

    Parameters
    ----------
    patterns : ndarray (n, n_units) bool
    others : ndarray (m, n_units) bool, optional
        Default: `patterns`.

    Returns
    -------
    ndarray (n, m) float64
    """
    left = patterns.astype(np.float32)
    right = left if others is None else others.astype(np.float32)
    # Counts of units are exact in float32 below 2**24.
    common = (left @ right.T).astype(np.float64)
    n_left = patterns.sum(axis=1, dtype=np.float64)
    n_right = n_left if others is None else others.sum(axis=1, dtype=np.float64)
    norm = np.sqrt(np.outer(n_left, n_right))
    return 1.0 - np.divide(common, norm, out=np.zeros_like(common), where=norm > 0)


def similarity_graph(patterns: BoolArray) -> SimilarityGraph:
    """Join each pattern to its k nearest, with the smallest k that makes one component.

    Patterns i and j are joined if j is at most as far from i as i's k-th nearest pattern (all ties
    included, so that a pattern may get more than k), or the reverse; k counts up from
    ``ceil(ln n_patterns)``. At the latest ``k = n_patterns - 1`` joins all pairs.

    Parameters
    ----------
    patterns : ndarray (n_patterns, n_units) bool

    Returns
    -------
    SimilarityGraph
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n = len(patterns)
    if n < 2:
        return SimilarityGraph(csr_array((n, n), dtype=bool), 0)
    fits_memory((3 * n, n), np.float64, "the distances between patterns")
    distance = cosine_distances(patterns)
    np.fill_diagonal(distance, np.inf)
    sorted_distance = np.sort(distance, axis=1)
    k = int(np.ceil(np.log(n)))
    while True:
        near = distance <= sorted_distance[:, k - 1 : k] + TIE
        adjacency: Any = csr_array(near | near.T)
        if k == n - 1 or connected_components(adjacency, directed=False)[0] == 1:
            return SimilarityGraph(adjacency, k)
        k += 1
