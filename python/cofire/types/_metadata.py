"""Tables that ride along with rows: units of a SpikeTrains, rows of an Intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, IntArray
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd


def make_table(
    metadata: Any, index: AnyArray, name: str, row: str, *, by_label: bool = False
) -> pd.DataFrame | None:
    """Return `metadata` as a DataFrame with a row for each element of `index`, or None.

    With `by_label`, a DataFrame or Series whose index holds exactly the labels of `index` is
    reordered to it. Anything else is taken by position.
    """
    if metadata is None:
        return None
    import pandas as pd

    try:
        table = pd.DataFrame(metadata).copy()
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{name} must be a table (DataFrame, or column -> one value per {row}): {error}"
        ) from error
    if len(table) != len(index):
        raise InvalidArgumentError(
            f"{name} must have one row per {row}: got {len(table)} rows for {len(index)}"
        )
    labels = pd.Index(index)
    if by_label and isinstance(metadata, (pd.DataFrame, pd.Series)):
        shared = set(table.index) & set(labels)
        if len(shared) == len(labels):
            return table.loc[labels]
        default = table.index.equals(pd.RangeIndex(len(table)))
        if shared and not default:
            unknown = [label for label in table.index if label not in shared]
            raise InvalidArgumentError(
                f"{name}: the index names {row}s that do not exist ({unknown[:5]}); make it the "
                f"{row} ids, or reset_index(drop=True) to go by position"
            )
    table.index = labels
    return table


def query_mask(table: pd.DataFrame, query: str, row: str) -> BoolArray:
    """Rows for which the pandas query holds, with an error that lists the columns."""
    import pandas as pd

    columns = ", ".join(map(str, table.columns)) or "none"
    try:
        held = table.eval(query)
    except Exception as error:
        raise InvalidArgumentError(
            f"query {query!r} failed on the {row} table ({error}); columns: {columns}"
        ) from error
    if not (isinstance(held, pd.Series) and pd.api.types.is_bool_dtype(held.dtype)):
        raise InvalidArgumentError(
            f"query {query!r} on the {row} table is no condition; write one as "
            f"\"column == 'value'\"; columns: {columns}"
        )
    mask: BoolArray = held.fillna(False).to_numpy(dtype=bool)
    return mask


def positions(selector: Any, n: int, row: str) -> IntArray:
    """Turn a boolean mask, slice, integer or list of integers into positions 0..n-1."""
    if isinstance(selector, slice):
        return np.arange(n, dtype=np.int64)[selector]
    array = np.atleast_1d(np.asarray(selector))
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype == bool:
        if array.shape != (n,):
            raise InvalidArgumentError(
                f"a mask over {row}s must have shape ({n},), got {array.shape}"
            )
        return np.flatnonzero(array).astype(np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise InvalidArgumentError(
            f"{row}s are selected by a mask, a slice or integers, got {selector!r}"
        )
    if (array < -n).any() or (array >= n).any():
        bad = array[(array < -n) | (array >= n)][0]
        raise IndexError(f"{row} {bad} is out of range: there are {n}")
    return (array.astype(np.int64) + n) % n
