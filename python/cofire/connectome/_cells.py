"""What is known of each cell, a row a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray
from cofire.connectome._ids import unique_ids
from cofire.connectome._tables import open_table
from cofire.errors import JoinError

if TYPE_CHECKING:
    import pandas as pd

CELL_ID = ("cell_id", "pt_root_id", "root_id", "id")


def read_cells(cells: Any, cell_id: str | None) -> pd.DataFrame:
    """Table of cells indexed by id, from a DataFrame, a mapping of columns or a file.

    The ids are the column `cell_id`, else a usual one, else the index of a DataFrame.
    """
    import pandas as pd

    table = open_table(cells, "cells")
    if cell_id is None and isinstance(cells, pd.DataFrame):
        labelled = not isinstance(cells.index, pd.RangeIndex) or cells.index.name in CELL_ID
        if labelled or not set(CELL_ID) & set(cells.columns):
            return _indexed(cells, cells.index, "index of cells")
    name = table.required(cell_id, CELL_ID, "cell_id")
    frame = pd.concat(list(table.pieces(table.columns, None)))
    return _indexed(frame.drop(columns=name), frame[name], f"{table.where}, column {name!r}")


def _indexed(frame: pd.DataFrame, labels: Any, where: str) -> pd.DataFrame:
    return frame.set_axis(cell_index(unique_ids(labels, where)), axis=0)


def cell_index(ids: AnyArray) -> pd.Index[Any]:
    """Index of a table of cells."""
    import pandas as pd

    index: pd.Index[Any] = pd.Index(ids, name="cell_id")
    return index


def all_ids(row_ids: AnyArray, column_ids: AnyArray) -> AnyArray:
    """Row ids, then the column ids that are not among them."""
    if row_ids is column_ids or np.array_equal(row_ids, column_ids):
        return row_ids
    return np.concatenate([row_ids, column_ids[~np.isin(column_ids, row_ids)]])


def match_cells(cells: pd.DataFrame | None, ids: AnyArray) -> pd.DataFrame:
    """Bring a table of cells into the order of `ids`; cells beyond them are left out.

    Raises
    ------
    JoinError
        An id has no row.
    """
    import pandas as pd

    index = cell_index(ids)
    if cells is None:
        return pd.DataFrame(index=index)
    if cells.index.has_duplicates:
        unique_ids(cells.index, "index of cells")
    at = cells.index.get_indexer(index)
    if (at < 0).any():
        lost = ids[at < 0]
        raise JoinError(
            f"cells has no row for {len(lost)} of {len(ids)} ids: {lost[:5].tolist()}; add rows, "
            "leave these cells out, or name the column of the ids: cell_id=..."
        )
    return cells.iloc[at].set_axis(index, axis=0)
