"""What do measures take as a graph, and what is an edge of it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire._validate import FloatArray, IntArray, one_of
from cofire.errors import InvalidArgumentError, InvalidTypeError

if TYPE_CHECKING:
    import scipy.sparse

Indices = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A graph in compressed rows, without self-loops, columns ascending within a row.

    Kernels read the arrays and never write to them.

    Attributes
    ----------
    indptr : ndarray (n + 1,) int64
        The edges of node i lead to ``indices[indptr[i]:indptr[i + 1]]``.
    indices : ndarray (n_edges,) int32
    weights : ndarray (n_edges,) float64
        Not zero; all 1 where weights are not looked at.
    directed : bool
        If not, every edge is there in both directions, with one weight.
    n_self_loops : int
        Entries on the diagonal that were left out.
    """

    indptr: IntArray
    indices: Indices
    weights: FloatArray
    directed: bool
    n_self_loops: int

    @property
    def n(self) -> int:
        """Number of nodes."""
        return len(self.indptr) - 1

    @property
    def n_edges(self) -> int:
        """Number of entries: an undirected edge counts twice."""
        return len(self.indices)

    def reverse(self) -> Graph:
        """The same edges, backwards."""
        if not self.directed:
            return self
        return _graph(self.matrix().T.tocsr(), True, self.n_self_loops)

    def with_weights(self, weights: FloatArray) -> Graph:
        """Other weights on the same edges, in the order of :attr:`indices`."""
        return Graph(self.indptr, self.indices, weights, self.directed, self.n_self_loops)

    def lengths(self) -> FloatArray:
        """Length of each edge: 1 / weight."""
        return 1.0 / self.weights

    def matrix(self) -> scipy.sparse.csr_array:
        """The adjacency as a sparse matrix that shares the arrays."""
        from scipy import sparse

        return sparse.csr_array((self.weights, self.indices, self.indptr), shape=(self.n, self.n))

    def dense(self) -> FloatArray:
        """The adjacency as an array (n, n)."""
        array: FloatArray = self.matrix().toarray()
        return array


def as_graph(
    adjacency: Any,
    *,
    directed: bool = True,
    weighted: bool = True,
    negative: str = "error",
    why: str = "lengths are 1 / weight",
    undirected: str = "directed=False",
    name: str = "adjacency",
) -> Graph:
    """Read any form of graph.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``. An entry that is not zero is an edge; entries of a sparse matrix that occur
        twice are added up. networkx: attribute ``weight``, 1 where there is none; a Connectome is
        taken by its synapse counts (pass ``connectome.psd`` for its sizes).
    directed : bool
        False wants a symmetric matrix.
    weighted : bool
        False sets every weight to 1.
    negative : {"error", "keep"}
        What to do with negative weights. Without weights they are edges like others.
    why : str
        Of the error for negative weights: why the measure has no value for them.
    undirected : str
        Of the error for a matrix that is not symmetric: the argument that asks for a symmetric one.

    Raises
    ------
    InvalidArgumentError
        Not square, NaN or infinite, a negative weight where there must be none, not symmetric where
        it must be; row and column are named.
    InvalidTypeError
        Not a graph.
    """
    one_of(negative, "negative", ("error", "keep"))
    matrix = _matrix(adjacency, name)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InvalidArgumentError(
            f"{name} must be square, [pre, post], got shape {matrix.shape}; of a rectangular "
            "connectome take subset(ids)"
        )
    data = matrix.data
    if not np.isfinite(data).all():
        row, column = _where(matrix, ~np.isfinite(data))
        raise InvalidArgumentError(
            f"{name} must be finite: {name}[{row}, {column}] is {matrix[row, column]}; set missing "
            "weights to 0 (no edge)"
        )
    if weighted and negative == "error" and (data < 0).any():
        row, column = _where(matrix, data < 0)
        raise InvalidArgumentError(
            f"{name} must not be negative here ({why}): {name}[{row}, {column}] is "
            f"{matrix[row, column]:g}; pass abs({name}), or the positive part alone"
        )
    n_loops = int(np.count_nonzero(matrix.diagonal()))
    if n_loops:
        matrix = _without_diagonal(matrix)
    if not weighted:
        matrix.data = np.ones_like(matrix.data)
    if not directed:
        _check_symmetric(matrix, name, undirected)
    return _graph(matrix, directed, n_loops)


def _graph(matrix: scipy.sparse.csr_array, directed: bool, n_self_loops: int) -> Graph:
    matrix.sort_indices()
    return Graph(
        np.ascontiguousarray(matrix.indptr, dtype=np.int64),
        np.ascontiguousarray(matrix.indices, dtype=np.int32),
        np.ascontiguousarray(matrix.data, dtype=np.float64),
        directed,
        n_self_loops,
    )


def _matrix(adjacency: Any, name: str) -> scipy.sparse.csr_array:
    """A float64 CSR matrix of our own, without zeros or duplicates."""
    from scipy import sparse

    if hasattr(adjacency, "is_square") and hasattr(adjacency, "row_ids"):
        if not adjacency.is_square:
            raise InvalidArgumentError(
                f"{name} must have the same cells as rows and columns, got {adjacency!r}; take "
                "subset(ids)"
            )
        adjacency = adjacency.count
    elif hasattr(adjacency, "is_multigraph"):
        import networkx as nx

        adjacency = nx.to_scipy_sparse_array(adjacency, weight="weight", dtype=np.float64)
    matrix: scipy.sparse.csr_array
    if sparse.issparse(adjacency):
        source: Any = adjacency
        matrix = sparse.csr_array(source, dtype=np.float64, copy=True)
        matrix.sum_duplicates()
    else:
        try:
            array = np.asarray(adjacency)
            real = array.dtype.kind in "biuf" or array.dtype == object
            array = array.astype(np.float64) if real else array
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(
                f"{name} must be a square array, a scipy.sparse matrix, a networkx graph or a "
                f"Connectome, got {type(adjacency).__name__}"
            ) from error
        if not real:
            raise InvalidTypeError(f"{name} must hold real numbers, got {array.dtype}")
        if array.ndim != 2:
            raise InvalidArgumentError(f"{name} must be 2-D, [pre, post], got shape {array.shape}")
        matrix = _compressed(array)
    matrix.eliminate_zeros()
    return matrix


def _compressed(array: npt.NDArray[np.float64]) -> scipy.sparse.csr_array:
    """Rows of an array; scipy goes through coordinates, which takes four times as long."""
    from scipy import sparse

    n_rows, n_columns = array.shape
    cells = np.flatnonzero(array != 0)
    begins = np.arange(n_rows + 1) * n_columns
    indptr = np.searchsorted(cells, begins)
    indices = (cells - np.repeat(begins[:-1], np.diff(indptr))).astype(np.int32)
    parts: Any = (array.reshape(-1).take(cells), indices, indptr)
    return sparse.csr_array(parts, shape=array.shape)


def _where(matrix: scipy.sparse.csr_array, bad: npt.NDArray[np.bool_]) -> tuple[int, int]:
    at = int(np.flatnonzero(bad)[0])
    row = int(np.searchsorted(matrix.indptr, at, side="right")) - 1
    return row, int(matrix.indices[at])


def _without_diagonal(matrix: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    from scipy import sparse

    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    keep = rows != matrix.indices
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[keep], minlength=matrix.shape[0]))])
    kept: Any = (matrix.data[keep], matrix.indices[keep], indptr)
    return sparse.csr_array(kept, shape=matrix.shape)


def _check_symmetric(matrix: scipy.sparse.csr_array, name: str, undirected: str) -> None:
    # Halves of (W + W.T) / 2 are equal to the last digit; sums in another order may not be.
    tolerance = 1e-12 * np.abs(matrix.data).max(initial=0.0)
    backwards = matrix.T.tocsr()
    # The same places, as nearly always: no need for the difference of two matrices.
    same = np.array_equal(matrix.indptr, backwards.indptr) and np.array_equal(
        matrix.indices, backwards.indices
    )
    if same and (np.abs(matrix.data - backwards.data) <= tolerance).all():
        return
    difference = abs(matrix - backwards).tocsr()
    bad = difference.data > tolerance
    if bad.any():
        row, column = _where(difference, bad)
        directed = "directed=True"
        if undirected != "directed=False":
            directed = f"another {undirected.split('=')[0]}"
        raise InvalidArgumentError(
            f"{name} must be symmetric for {undirected}: {name}[{row}, {column}] is "
            f"{matrix[row, column]:g} but {name}[{column}, {row}] is {matrix[column, row]:g}; "
            f"pass (A + A.T) / 2, or {directed}"
        )
