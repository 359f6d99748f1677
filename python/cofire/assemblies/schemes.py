"""From binned activity to eigenvalues and patterns: the matrix that each kind of search uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray
from cofire.assemblies._blas import descending_eigenvalues, gram, top_eigenpairs
from cofire.assemblies.ica import fast_ica
from cofire.assemblies.nulls import Surrogates, gram_statistics, singular_statistics
from cofire.errors import InvalidArgumentError


class Scheme(Protocol):
    """A kind of search on the z-scored rows of active units."""

    def eigenvalues(self) -> FloatArray:
        """Eigenvalues (or singular values), largest first."""
        ...

    def null(self, surrogates: Surrogates) -> FloatArray:
        """Null distribution of the largest one (n_shuffles,), or of each (n_shuffles, rank)."""
        ...

    def patterns(self, components: AnyArray, method: str) -> FloatArray:
        """Weights (K, n_active) of the components with these ranks; unit norm."""
        ...


class WithinScheme:
    """Co-activation of all pairs of units: eigenvalues of the covariance, ddof 1."""

    def __init__(self, z: FloatArray) -> None:
        self._z = z
        self._matrix = self._covariance(gram(z))

    def _covariance(self, products: FloatArray) -> FloatArray:
        covariance: FloatArray = products / max(self._z.shape[1] - 1, 1)
        return covariance

    def eigenvalues(self) -> FloatArray:
        """Largest first."""
        return descending_eigenvalues(self._matrix)

    def null(self, surrogates: Surrogates) -> FloatArray:
        """Of the largest value, or of each."""
        return gram_statistics(
            self._z, lambda g: float(np.linalg.eigvalsh(self._covariance(g))[-1]), surrogates
        )

    def patterns(self, components: AnyArray, method: str) -> FloatArray:
        """Weights of these components."""
        k = len(components)
        if method == "ica":
            return unit_rows(fast_ica(self._z, k))
        return unit_rows(top_eigenpairs(self._matrix, k)[1].T)


class CrossScheme:
    """Co-activation of units of different groups only.

    `variant` "scaled": rows divided by the square root of their group's size, zero blocks within
    groups including the diagonal. "corr_mp": no scaling, ones on the diagonal.
    """

    def __init__(self, z: FloatArray, groups: AnyArray, variant: str) -> None:
        self._variant = variant
        _, code, size = np.unique(groups, return_inverse=True, return_counts=True)
        self._same = code[:, None] == code[None, :]
        scale = 1.0 / np.sqrt(size[code]) if variant == "scaled" else np.ones(len(code))
        self._scale = scale
        self._z = z
        self._matrix = self.matrix_of(gram(z))

    def matrix_of(self, products: FloatArray) -> FloatArray:
        """Cross-group covariance (ddof 0) from inner products of z-scored rows."""
        matrix: FloatArray = products / self._z.shape[1] * np.outer(self._scale, self._scale)
        matrix[self._same] = 0.0
        if self._variant == "corr_mp":
            np.fill_diagonal(matrix, 1.0)
        return matrix

    def eigenvalues(self) -> FloatArray:
        """Largest first."""
        return descending_eigenvalues(self._matrix)

    def null(self, surrogates: Surrogates) -> FloatArray:
        """Of the largest value, or of each."""
        return gram_statistics(
            self._z, lambda g: float(np.linalg.eigvalsh(self.matrix_of(g))[-1]), surrogates
        )

    def patterns(self, components: AnyArray, method: str) -> FloatArray:
        """Weights of these components."""
        k = len(components)
        values, vectors = top_eigenpairs(self._matrix, k)
        if method == "pca":
            return unit_rows(vectors.T)
        mixing = vectors * np.sqrt(np.maximum(values, 0.0))
        signals = (mixing * self._scale[:, None]).T @ self._z
        return unit_rows(fast_ica(signals, k) @ mixing.T)


class CrossSvdScheme:
    """Covariation of two groups: singular values of ``Z1 Z2^T / T``."""

    def __init__(self, z: FloatArray, in_first: BoolArray) -> None:
        self._in_first = in_first
        self._first, self._second = z[in_first], z[~in_first]
        product = self._first @ self._second.T / z.shape[1]
        self._u, self._values, self._vt = np.linalg.svd(product, full_matrices=False)

    def eigenvalues(self) -> FloatArray:
        """Largest first."""
        values: FloatArray = self._values
        return values

    def null(self, surrogates: Surrogates) -> FloatArray:
        """Of the largest value, or of each."""
        values: FloatArray = singular_statistics(self._first, self._second, surrogates)
        return values

    def patterns(self, components: AnyArray, method: str) -> FloatArray:
        """Weights of these components."""
        weights = np.zeros((len(components), len(self._in_first)))
        weights[:, self._in_first] = self._u[:, components].T
        weights[:, ~self._in_first] = self._vt[components]
        return unit_rows(weights)


def unit_rows(patterns: Any) -> FloatArray:
    """Rows divided by their L2 norm (rows of zeros stay)."""
    norms = np.linalg.norm(patterns, axis=1, keepdims=True)
    scaled: FloatArray = patterns / np.where(norms > 0, norms, 1.0)
    return scaled


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """When is a unit active in a pattern, so that a pattern spans groups?

    `mode` "absolute": ``|w| > threshold``; "relative": ``|w| > threshold * max|w|``;
    "percentile": ``|w|`` above the given percentile of the pattern's ``|w|``.
    """

    mode: str
    threshold: float
    percentile: float

    def spanning(self, patterns: FloatArray, groups: AnyArray) -> BoolArray:
        """Patterns (K, n) that are active in at least two groups, (K,) bool."""
        weights = np.abs(patterns)
        if self.mode == "percentile":
            limit = np.percentile(weights, self.percentile, axis=1, keepdims=True)
        elif self.mode == "relative":
            limit = self.threshold * weights.max(axis=1, keepdims=True, initial=0.0)
        else:
            limit = np.full((len(weights), 1), self.threshold)
        active = weights > limit
        names, code = np.unique(groups, return_inverse=True)
        reached = [active[:, code == g].any(axis=1) for g in range(len(names))]
        return np.asarray(np.sum(reached, axis=0) >= 2)


def check_groups(labels: Any, n_units: int) -> AnyArray:
    """Group labels (n_units,), at least two different ones."""
    groups = np.asarray(labels)
    if groups.shape != (n_units,):
        raise InvalidArgumentError(
            f"cross_structural must hold one label for each of {n_units} units, "
            f"got shape {groups.shape}"
        )
    if len(np.unique(groups)) < 2:
        raise InvalidArgumentError(
            "cross_structural must name at least two groups, got "
            f"{', '.join(map(repr, np.unique(groups).tolist())) or 'none'}"
        )
    return groups
