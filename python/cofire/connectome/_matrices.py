"""Matrices with labels as the edges of a connectome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.connectome._ids import unique_ids
from cofire.connectome.edges import Edges, make_edges, matrix_of, refuse, whole_counts
from cofire.errors import InvalidArgumentError, JoinError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse


def labelled_matrix(matrix: Any, ids: Any, columns: Any) -> tuple[AnyArray, AnyArray]:
    """Ids of rows and columns: given, read from a DataFrame, or counted from 0."""
    import pandas as pd

    if ids is not None:
        row_ids = unique_ids(ids, "ids")
        return row_ids, row_ids if columns is None else unique_ids(columns, "columns")
    if isinstance(matrix, pd.DataFrame):
        row_ids, found = _labels(matrix, "matrix")
        if columns is not None:
            return row_ids, unique_ids(columns, "columns")
        same = len(row_ids) == len(found) and set(row_ids.tolist()) == set(found.tolist())
        return row_ids, row_ids if same else found
    shape = np.shape(matrix)
    if len(shape) != 2:
        raise InvalidArgumentError(f"matrix must be a matrix [pre, post], got {len(shape)}-D")
    row_ids = np.arange(shape[0], dtype=np.int64)
    return row_ids, row_ids if columns is None else unique_ids(columns, "columns")


def same_order(
    values: Any, row_ids: AnyArray, column_ids: AnyArray, where: str
) -> scipy.sparse.csr_array:
    """Matrix in the order of the ids; a DataFrame is brought into it by its labels.

    Raises
    ------
    JoinError
        The labels of a DataFrame are other cells.
    """
    import pandas as pd

    shape = (len(row_ids), len(column_ids))
    if not isinstance(values, pd.DataFrame):
        return matrix_of(values, where, shape)
    own_rows, own_columns = _labels(values, where)
    rows = _order(own_rows, row_ids, f"index of {where}")
    columns = _order(own_columns, column_ids, f"columns of {where}")
    matrix = matrix_of(values.to_numpy(), where)[rows][:, columns]
    matrix.sort_indices()
    return matrix


def edges_of(
    edge_type: str,
    matrix: scipy.sparse.csr_array,
    psd: scipy.sparse.csr_array | None,
    row_ids: AnyArray,
    column_ids: AnyArray,
    where: str,
) -> Edges:
    """Counts and sizes as edges, each value looked at."""
    count = whole_counts(matrix, where, row_ids, column_ids)
    if psd is None:
        return make_edges(edge_type, count)
    where = where.replace("matrix", "psd")
    psd.data = psd.data.astype(np.float64)
    bad = ~(np.isfinite(psd.data) & (psd.data >= 0))
    refuse(psd, bad, where, row_ids, column_ids, "a size is a finite number >= 0")
    place = _entries(count, psd)
    refuse(psd, place < 0, where, row_ids, column_ids, "the counts have no synapse there")
    sizes: FloatArray = np.zeros(count.nnz)
    sizes[place] = psd.data
    return make_edges(edge_type, count, sizes)


def _entries(count: scipy.sparse.csr_array, psd: scipy.sparse.csr_array) -> AnyArray:
    """Entry of `count` at the place of each entry of `psd`, -1 where there is none."""
    keys, wanted = (
        np.repeat(np.arange(m.shape[0], dtype=np.int64), np.diff(m.indptr)) << 32 | m.indices
        for m in (count, psd)
    )
    at = np.searchsorted(keys, wanted)
    inside = at < len(keys)
    hit = np.zeros(len(wanted), dtype=bool)
    hit[inside] = keys[at[inside]] == wanted[inside]
    return np.where(hit, at, -1)


def _labels(frame: pd.DataFrame, where: str) -> tuple[AnyArray, AnyArray]:
    """Ids of a DataFrame; text headers beside integer rows are read as integers."""
    rows = unique_ids(frame.index, f"index of {where}")
    columns = unique_ids(frame.columns, f"columns of {where}")
    if rows.dtype.kind == "i" and columns.dtype.kind == "U":
        numbers = [text for text in columns.tolist() if text.strip().isdigit()]
        if len(numbers) == len(columns):
            columns = unique_ids([int(text) for text in numbers], f"columns of {where}")
    return rows, columns


def _order(own: AnyArray, wanted: AnyArray, where: str) -> AnyArray:
    """Positions that bring `own` into the order of `wanted`."""
    import pandas as pd

    at = pd.Index(own).get_indexer(pd.Index(wanted))
    if len(own) != len(wanted) or (at < 0).any():
        missing, beyond = wanted[at < 0], own[~np.isin(own, wanted)]
        raise JoinError(
            f"{where} must name the same {len(wanted)} cells as the ids: {len(missing)} missing "
            f"{missing[:5].tolist()}, {len(beyond)} beyond them {beyond[:5].tolist()}"
        )
    return at
