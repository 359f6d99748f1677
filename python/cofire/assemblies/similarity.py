"""How alike are assemblies, and which of two sets belong together?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray, integer, one_of
from cofire.assemblies.members import as_patterns
from cofire.assemblies.nulls import seed_of
from cofire.assemblies.schemes import unit_rows
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_VALUES = 2**21  # of shuffled weights held at once


@dataclass(frozen=True, slots=True)
class SimilarityIndex:
    """Similarity of pairs of assemblies, with its shuffle test.

    Attributes
    ----------
    index : ndarray (n_pairs,) float64
        ``|<p_i, p_j>|`` of unit-norm patterns, 0 to 1.
    pairs : ndarray (n_pairs, 2) int64
    pvalues : ndarray (n_pairs,) float64
        ``(#{shuffled >= observed} + 1) / (n_shuffles + 1)``, adjusted if asked for.
    null_mean, null_sd : ndarray (n_pairs,) float64
        Of the shuffled index.
    n_shuffles : int
    adjusted : bool
        Whether p values are Benjamini-Hochberg adjusted.
    """

    index: FloatArray
    pairs: IntArray
    pvalues: FloatArray
    null_mean: FloatArray
    null_sd: FloatArray
    n_shuffles: int
    adjusted: bool

    def __iter__(self) -> Iterator[Any]:
        """Unpack as ``index, pairs, pvalues``."""
        return iter((self.index, self.pairs, self.pvalues))

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each pair."""
        import pandas as pd

        return pd.DataFrame(
            {
                "first": self.pairs[:, 0],
                "second": self.pairs[:, 1],
                "index": self.index,
                "p": self.pvalues,
                "null_mean": self.null_mean,
                "null_sd": self.null_sd,
            }
        )

    def __repr__(self) -> str:
        kind = "adjusted p" if self.adjusted else "p"
        n_significant = int((self.pvalues < 0.05).sum())
        return (
            f"SimilarityIndex({len(self.pairs)} pairs, {n_significant} with {kind} < 0.05, "
            f"{self.n_shuffles} shuffles)"
        )


@dataclass(frozen=True, slots=True)
class SimilarityMatrix:
    """Cosine similarity of two sets of patterns and the best one-to-one pairing.

    Attributes
    ----------
    matrix : ndarray (n_x, n_y) float64
    rows : ndarray (n_x,) int64
        Paired rows in order, then those without a partner.
    columns : ndarray (n_y,) int64
        ``columns[k]`` is the partner of ``rows[k]``.
    n_pairs : int
    """

    matrix: FloatArray
    rows: IntArray
    columns: IntArray
    n_pairs: int

    def to_frame(self) -> pd.DataFrame:
        """The matrix with rows and columns in the order of the pairs."""
        import pandas as pd

        return pd.DataFrame(
            self.matrix[np.ix_(self.rows, self.columns)], index=self.rows, columns=self.columns
        )

    def __repr__(self) -> str:
        n_x, n_y = self.matrix.shape
        return f"SimilarityMatrix({n_x} x {n_y} patterns, {self.n_pairs} pairs)"


def similarity_index(
    patterns: Any,
    n_shuffles: int = 1000,
    *,
    groups: Any = None,
    adjust_pvalue: bool = True,
    rng: int | np.random.Generator = 42,
    rng_recipe: str | None = "numpy",
) -> SimilarityIndex:
    """Similarity of every pair of assemblies against weights shuffled over units.

    Parameters
    ----------
    patterns : array_like (n_assemblies, n_units)
        Weights; each row is brought to unit norm.
    n_shuffles : int, >= 1
        At most the number of permutations of the units.
    groups : sequence (n_assemblies,), optional
        Keep only pairs of different groups (sessions, regions).
    adjust_pvalue : bool
        Adjust p values for the number of pairs (Benjamini-Hochberg).
    rng : int or numpy.random.Generator
    rng_recipe : None or "numpy"
        "numpy": ``RandomState(rng).permutation`` row by row, shuffle by shuffle, which with the
        default seed gives neuro_py's numbers (its global generator is not touched). None: all rows
        of a block of shuffles at once, from ``default_rng(rng)``.

    Returns
    -------
    SimilarityIndex
        Pairs (i, j), i < j, in lexicographic order.

    Raises
    ------
    InvalidArgumentError
        Fewer than two patterns, or labels that do not fit.

    References
    ----------
    Almeida-Filho et al. 2014, doi:10.3389/fncir.2014.00034

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import similarity_index
    >>> result = similarity_index(np.eye(3, 8) + 0.1, n_shuffles=100)
    >>> result.pairs.tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    weights = unit_rows(as_patterns(patterns))
    n_patterns, n_units = weights.shape
    if n_patterns < 2:
        raise InvalidArgumentError(
            f"patterns must hold at least 2 assemblies to compare, got {n_patterns}"
        )
    integer(n_shuffles, "n_shuffles", 1)
    if rng_recipe is not None:
        one_of(rng_recipe, "rng_recipe", ("numpy",))
    if n_units < 20:
        n_shuffles = min(n_shuffles, math.factorial(n_units))
    first, second = np.triu_indices(n_patterns, 1)
    if groups is not None:
        labels = np.asarray(groups)
        if labels.shape != (n_patterns,):
            raise InvalidArgumentError(
                f"groups must hold one label for each of {n_patterns} patterns, "
                f"got shape {labels.shape}"
            )
        across = labels[first] != labels[second]
        first, second = first[across], second[across]
    observed = np.abs((weights @ weights.T)[first, second])
    null = np.empty((n_shuffles, len(first)))
    done = 0
    for shuffled in _shuffled_patterns(weights, n_shuffles, seed_of(rng), rng_recipe):
        products = np.abs(shuffled @ shuffled.transpose(0, 2, 1))
        null[done : done + len(shuffled)] = products[:, first, second]
        done += len(shuffled)
    pvalues = ((null >= observed).sum(axis=0) + 1) / (n_shuffles + 1)
    if adjust_pvalue and len(pvalues):
        from scipy.stats import false_discovery_control

        pvalues = false_discovery_control(pvalues)
    return SimilarityIndex(
        index=observed,
        pairs=np.column_stack([first, second]).astype(np.int64),
        pvalues=pvalues,
        null_mean=null.mean(axis=0),
        null_sd=null.std(axis=0),
        n_shuffles=n_shuffles,
        adjusted=adjust_pvalue,
    )


def similarity_matrix(x: Any, y: Any = None) -> SimilarityMatrix:
    """Cosine similarity of two sets of patterns, with the pairing of largest total similarity.

    Parameters
    ----------
    x : array_like (n_x, n_units)
    y : array_like (n_y, n_units), optional
        Default: `x` itself.

    Returns
    -------
    SimilarityMatrix
        A pattern of zeros has similarity 0 with everything.

    Raises
    ------
    InvalidArgumentError
        The two sets are about different numbers of units.

    References
    ----------
    Kuhn 1955 (Hungarian method), doi:10.1002/nav.3800020109

    Examples
    --------
    >>> from cofire.assemblies import similarity_matrix
    >>> result = similarity_matrix([[1.0, 0.0]], [[0.0, 2.0], [3.0, 0.0]])
    >>> result.matrix
    array([[0., 1.]])
    >>> result.columns
    array([1, 0])
    """
    from scipy.optimize import linear_sum_assignment

    left = unit_rows(as_patterns(x, "x"))
    right = left if y is None else unit_rows(as_patterns(y, "y"))
    if left.shape[1] != right.shape[1]:
        raise InvalidArgumentError(
            f"x and y must have the same number of units, got {left.shape[1]} and {right.shape[1]}"
        )
    matrix = left @ right.T
    rows, columns = linear_sum_assignment(-matrix)
    return SimilarityMatrix(
        matrix=matrix,
        rows=np.concatenate([rows, np.setdiff1d(np.arange(len(left)), rows)]),
        columns=np.concatenate([columns, np.setdiff1d(np.arange(len(right)), columns)]),
        n_pairs=len(rows),
    )


def _shuffled_patterns(
    weights: FloatArray, n_shuffles: int, seed: int, recipe: str | None
) -> Iterator[FloatArray]:
    """Blocks (n, n_patterns, n_units) of patterns, each row permuted over the units."""
    block = max(1, _BLOCK_VALUES // max(weights.size, 1))
    state = np.random.RandomState(seed) if recipe == "numpy" else None
    generator = np.random.default_rng(seed)
    for begin in range(0, n_shuffles, block):
        n = min(block, n_shuffles - begin)
        if state is None:
            repeated = np.broadcast_to(weights, (n, *weights.shape))
            yield generator.permuted(repeated, axis=2)
        else:
            yield np.array([[state.permutation(row) for row in weights] for _ in range(n)])
