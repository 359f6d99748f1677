"""Synapses in compressed rows: one piece an edge type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.errors import ConnectomeError, InvalidArgumentError, InvalidTypeError
from cofire.types._checks import read_only

if TYPE_CHECKING:
    import scipy.sparse


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Synapses of one edge type, row by row (CSR), columns ascending within a row.

    Attributes
    ----------
    edge_type : str
        "" where edge types are not told apart.
    indptr : ndarray (n_rows + 1,) int
        Row i holds ``indices[indptr[i]:indptr[i + 1]]``.
    indices : ndarray (n_pairs,) int
        Column of each connected pair.
    count : ndarray (n_pairs,) int64
        Its synapses, at least one.
    psd : ndarray (n_pairs,) float64, or None
        Their summed size.
    """

    edge_type: str
    indptr: AnyArray
    indices: AnyArray
    count: IntArray
    psd: FloatArray | None


def make_edges(
    edge_type: str, count: scipy.sparse.csr_array, psd: FloatArray | None = None
) -> Edges:
    """Freeze a canonical CSR matrix of counts and the sizes that go with its entries."""
    return Edges(
        edge_type,
        read_only(count.indptr),
        read_only(count.indices),
        read_only(count.data),
        None if psd is None else read_only(psd),
    )


def csr(edges: Edges, values: AnyArray, shape: tuple[int, int]) -> scipy.sparse.csr_array:
    """Matrix that shares the arrays of edges."""
    from scipy import sparse

    matrix = sparse.csr_array((values, edges.indices, edges.indptr), shape=shape)
    matrix.has_canonical_format = True
    return matrix


def take(edges: Edges, shape: tuple[int, int], rows: IntArray, columns: IntArray) -> Edges:
    """Rows and columns of edges, in the given order."""
    # The entries are numbered, so that one selection serves counts and sizes.
    numbered = csr(edges, np.arange(len(edges.count)), shape)
    picked = numbered[rows][:, columns]
    picked.sort_indices()
    entries = picked.data
    picked.data = edges.count[entries]
    return make_edges(edges.edge_type, picked, None if edges.psd is None else edges.psd[entries])


def checked_edges(edges: Edges, shape: tuple[int, int]) -> Edges:
    """Refuse edges whose parts do not fit each other or the shape.

    Raises
    ------
    ConnectomeError
        Entries outside the shape, unsorted or repeated, counts below one, sizes that are negative
        or not finite.
    """
    from scipy import sparse

    what = f"edges {edges.edge_type!r}"
    try:
        matrix = sparse.csr_array((edges.count, edges.indices, edges.indptr), shape=shape)
        matrix.check_format(full_check=True)
    except (ValueError, TypeError) as error:
        raise ConnectomeError(f"{what} is no matrix of shape {shape}: {error}") from error
    if not matrix.has_canonical_format:
        raise ConnectomeError(f"{what} must have its columns ascending and once in each row")
    if edges.count.dtype != np.int64 or (edges.count < 1).any():
        raise ConnectomeError(f"{what}: counts must be int64, at least one for each pair")
    if edges.psd is not None:
        fits = edges.psd.shape == edges.count.shape and edges.psd.dtype == np.float64
        if not fits or not (np.isfinite(edges.psd) & (edges.psd >= 0)).all():
            raise ConnectomeError(f"{what}: psd must be a finite float64 size >= 0 for each pair")
    return make_edges(edges.edge_type, matrix, edges.psd)


def matrix_of(
    values: Any, where: str, shape: tuple[int, int] | None = None
) -> scipy.sparse.csr_array:
    """Anything two-dimensional as canonical CSR without stored zeros.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        Not two-dimensional, another shape than the one wanted, or no numbers.
    """
    from scipy import sparse

    is_sparse = sparse.issparse(values)
    values = values if is_sparse else np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise InvalidTypeError(f"{where} must hold numbers, got {values.dtype}")
    if values.ndim != 2:
        raise InvalidArgumentError(f"{where} must be a matrix [pre, post], got {values.ndim}-D")
    if shape is not None and values.shape != shape:
        raise InvalidArgumentError(
            f"{where} must have shape {shape} (pre, post), got {values.shape}; other cells as "
            "columns than as rows are named by columns=..."
        )
    matrix = sparse.csr_array(values, copy=is_sparse)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def whole_counts(
    matrix: scipy.sparse.csr_array, where: str, row_ids: AnyArray, column_ids: AnyArray
) -> scipy.sparse.csr_array:
    """Counts as int64, after a look at each: whole, finite, not negative."""
    data = matrix.data
    if data.dtype.kind == "f":
        refuse(matrix, ~np.isfinite(data), where, row_ids, column_ids, "drop or correct it")
        remedy = 'counts are whole; pass sizes or weights as psd, and "weights != 0" as counts'
        refuse(matrix, data != np.floor(data), where, row_ids, column_ids, remedy)
    remedy = "counts are not signed; signs belong to the cells (a column of cells)"
    refuse(matrix, data < 0, where, row_ids, column_ids, remedy)
    refuse(matrix, data > 2**53, where, row_ids, column_ids, "more than 2**53 is no count")
    matrix.data = data.astype(np.int64)
    return matrix


def refuse(
    matrix: scipy.sparse.csr_array,
    bad: AnyArray,
    where: str,
    row_ids: AnyArray,
    column_ids: AnyArray,
    remedy: str,
) -> None:
    """Name the first bad entry by the ids of its cells."""
    if not bad.any():
        return
    entry = int(np.flatnonzero(bad)[0])
    row = int(np.searchsorted(matrix.indptr, entry, side="right")) - 1
    pre, post = row_ids[row], column_ids[matrix.indices[entry]]
    raise ConnectomeError(
        f"{where}: pre {pre}, post {post} holds {matrix.data[entry]} (row {row}, column "
        f"{matrix.indices[entry]}); {remedy}"
    )
