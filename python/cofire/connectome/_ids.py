"""Ids of cells as 64-bit integers or text, never through floating point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray
from cofire.errors import (
    ConnectomeError,
    DuplicateIdError,
    IdPrecisionError,
    InvalidArgumentError,
    InvalidTypeError,
)

if TYPE_CHECKING:
    import pandas as pd

_EXACT_FLOAT = 2.0**53


def id_column(column: pd.Series[Any], where: str, first_row: int = 0) -> AnyArray:
    """Ids of the rows of a table, (n,) int64 or object (text).

    Parameters
    ----------
    column : Series
        As the table holds it.
    where : str
        What errors call the column.
    first_row : int
        Number of its first row in the whole table, for errors.
    """
    import pandas as pd

    if not len(column):
        return np.zeros(0, dtype=np.int64)
    if column.dtype == np.dtype(np.int64):
        return column.to_numpy()

    def fault(bad: AnyArray, problem: str) -> str:
        row = int(np.flatnonzero(bad)[0])
        return f"{where}: row {first_row + row} {problem.format(column.iloc[row])}"

    missing = column.isna().to_numpy(dtype=bool)
    if missing.any():
        raise ConnectomeError(fault(missing, "has no id; drop such rows or fill them in"))
    if pd.api.types.is_bool_dtype(column.dtype):
        raise InvalidTypeError(f"{where} must hold ids (integers or text), got truth values")
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64)
        large = ~(np.abs(values) < _EXACT_FLOAT)
        if large.any():
            problem = (
                "holds {0} in a column of floating-point numbers, which lose the digits of ids "
                "beyond 2**53; write and read the ids as integers"
            )
            raise IdPrecisionError(fault(large, problem))
        fraction = values != np.floor(values)
        if fraction.any():
            raise ConnectomeError(fault(fraction, "holds {0}, which is no id"))
        return values.astype(np.int64)
    if pd.api.types.is_integer_dtype(column.dtype):
        large = (column > np.iinfo(np.int64).max).to_numpy(dtype=bool)
        if large.any():
            raise ConnectomeError(fault(large, "holds {0}, beyond 64 bits; use text"))
        return column.to_numpy(dtype=np.int64)
    values = column.astype(object).to_numpy(dtype=object)
    text = np.array([isinstance(value, str) for value in values], dtype=bool)
    if not text.any():
        return _python_integers(values, fault)
    if not text.all():
        raise ConnectomeError(fault(~text, "holds {0!r} among text; make all ids text"))
    return values


def _python_integers(values: AnyArray, fault: Any) -> AnyArray:
    whole = np.array(
        [isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in values], dtype=bool
    )
    if not whole.all():
        raise ConnectomeError(fault(~whole, "holds {0!r}, which is neither an integer nor text"))
    large = np.array([not -(2**63) <= int(v) < 2**63 for v in values], dtype=bool)
    if large.any():
        raise ConnectomeError(fault(large, "holds {0}, beyond 64 bits; use text"))
    return values.astype(np.int64)


def unique_ids(values: Any, name: str) -> AnyArray:
    """Ids of cells, (n,) int64 or str, each once; `name` is what errors call them."""
    import pandas as pd

    if isinstance(values, (pd.Series, pd.Index)):
        column = pd.Series(values.array)
    else:
        array = np.asarray(values)
        if array.ndim != 1:
            raise InvalidArgumentError(f"{name} must be 1-D, got shape {array.shape}")
        column = pd.Series(array if array.size else array.astype(np.int64))
    ids = id_column(column, name)
    seen = pd.Index(ids)
    if seen.has_duplicates:
        repeated = seen[seen.duplicated()].unique()[:5].tolist()
        rows = np.flatnonzero(seen == repeated[0]).tolist()
        raise DuplicateIdError(
            f"{name} must be unique; repeated: {repeated} ({repeated[0]!r} in rows {rows[:5]}); "
            "keep one row of each cell"
        )
    return stored(ids)


def stored(ids: AnyArray) -> AnyArray:
    """Ids as an array without objects."""
    return ids.astype(str) if ids.dtype == object else ids


def kind(ids: AnyArray) -> str:
    """What the ids are, in words."""
    return "integers" if ids.dtype.kind in "iu" else "text"
