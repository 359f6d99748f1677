"""Tables that ride along with rows: units of a SpikeTrains, rows of an Intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, IntArray
from cofire.errors import (
    DuplicateIdError,
    IdPrecisionError,
    InvalidArgumentError,
    InvalidTypeError,
)

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
    array = _plain(selector, row)
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


def id_positions(
    selector: Any,
    ids: AnyArray,
    table: Callable[[], pd.DataFrame],
    name: str = "units",
    row: str = "unit",
    owner: str = "the recording",
    by_position: str = "spikes[a:b] takes units by position",
) -> IntArray:
    """Turn a mask, ids or a pandas query into positions 0..n-1, in the given order.

    `table` is asked for only by a query, which finds the ids as ``<row>_id``. Errors call the
    argument `name`, what it selects `row` and what it selects from `owner`, and say how to select
    `by_position`.
    """
    if isinstance(selector, str):
        return np.flatnonzero(query_mask(table().assign(**{f"{row}_id": ids}), selector, row))
    wanted = _plain(selector, row)
    if wanted.dtype == bool:
        return positions(wanted, len(ids), row)
    if wanted.ndim != 1 or isinstance(selector, slice):
        raise InvalidTypeError(
            f"{name} must be a mask, a list of {row} ids or a query, got {selector!r}; "
            f"{by_position}"
        )
    if wanted.dtype.kind == "f" and (np.abs(wanted) >= 2.0**53).any():
        raise IdPrecisionError(
            f"{name} holds floating-point ids beyond 2**53, which have lost digits; pass integers"
        )
    where = {label: i for i, label in enumerate(ids.tolist())}
    unknown = [label for label in wanted.tolist() if label not in where]
    if unknown:
        raise InvalidArgumentError(
            f"{name} has ids that do not exist: {unknown[:5]}; {owner} has "
            f"{ids[:10].tolist()}" + (" ..." if len(ids) > 10 else "")
        )
    rows = np.array([where[label] for label in wanted.tolist()], dtype=np.int64)
    found, counts = np.unique(rows, return_counts=True)
    if (counts > 1).any():
        twice = ids[found[counts > 1]][:5].tolist()
        raise DuplicateIdError(f"{name} must be unique; ids named twice: {twice}")
    return rows


def _plain(selector: Any, row: str) -> AnyArray:
    """The selector as an array; truth values that came as objects (pandas' nullable ones) bool."""
    array = np.atleast_1d(np.asarray(selector))
    if array.dtype != object:
        return array
    flags = np.array([isinstance(value, (bool, np.bool_)) for value in array.ravel()], dtype=bool)
    if not flags.any():
        return array
    if not flags.all():
        i = int(np.flatnonzero(~flags)[0])
        raise InvalidArgumentError(
            f"a mask over {row}s must hold true and false only, got {array.ravel()[i]!r} at "
            f"position {i}; decide for missing values first: mask.fillna(False)"
        )
    return array.astype(bool)
