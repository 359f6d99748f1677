"""pandas tables as plain arrays and JSON, column by column, and back without loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray
from cofire.errors import FileFormatError, InvalidTypeError

if TYPE_CHECKING:
    import pandas as pd

Put = Callable[[AnyArray, str], str]
"""Stores an array under a wish for a name; returns the name it got."""
Get = Callable[[str], AnyArray]
Encode = Callable[[Any, str], Any]
Decode = Callable[[Any], Any]

_MISSING = {"none": 1, "nan": 2, "na": 3}


def encode_index(index: pd.Index[Any], where: str, put: Put, encode: Encode) -> dict[str, Any]:
    """Row or column labels."""
    import pandas as pd

    if isinstance(index, pd.MultiIndex):
        levels = [
            encode_column(pd.Series(index.get_level_values(k)), f"{where}.{k}", put, encode)
            for k in range(index.nlevels)
        ]
        names = [encode(name, where) for name in index.names]
        return {"kind": "multi", "levels": levels, "names": names}
    name = encode(index.name, where)
    if isinstance(index, pd.RangeIndex):
        return {"kind": "range", "range": [index.start, index.stop, index.step], "name": name}
    return {**encode_column(pd.Series(index), where, put, encode), "name": name}


def decode_index(stored: dict[str, Any], get: Get, decode: Decode) -> pd.Index[Any]:
    """Inverse of :func:`encode_index`."""
    import pandas as pd

    if stored["kind"] == "multi":
        levels = [decode_column(level, get, decode) for level in stored["levels"]]
        return pd.MultiIndex.from_arrays(levels, names=[decode(n) for n in stored["names"]])
    name = decode(stored["name"])
    if stored["kind"] == "range":
        start, stop, step = stored["range"]
        return pd.RangeIndex(start, stop, step, name=name)
    index: pd.Index[Any] = pd.Index(decode_column(stored, get, decode), name=name)
    return index


def encode_column(series: pd.Series[Any], where: str, put: Put, encode: Encode) -> dict[str, Any]:
    """Values of one column; categories are stored as what they stand for."""
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object).infer_objects()
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        return {"kind": "numpy", "data": put(series.to_numpy(), where)}
    if isinstance(dtype, pd.DatetimeTZDtype):
        utc = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return {"kind": "zoned", "tz": str(dtype.tz), "data": put(utc, where)}
    if isinstance(dtype, pd.StringDtype):
        return _encode_strings(series, where, put)
    if isinstance(dtype, np.dtype):
        values = series.to_list()
        if all(isinstance(v, str) or _missing(v) for v in values):
            return _encode_strings(series, where, put)
        items = [encode(value, f"{where}[{i}]") for i, value in enumerate(values)]
        return {"kind": "items", "items": items}
    if isinstance(dtype, _masked_dtypes()):
        mask = series.isna().to_numpy(dtype=bool)
        plain = series.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return {
            "kind": "masked",
            "dtype": str(dtype),
            "data": put(plain, where),
            "mask": put(mask, f"{where}.mask"),
        }
    raise InvalidTypeError(f"cannot store {where}: a column of dtype {dtype}; convert it first")


def decode_column(stored: dict[str, Any], get: Get, decode: Decode) -> pd.Series[Any]:
    """Inverse of :func:`encode_column`."""
    import pandas as pd

    kind = stored["kind"]
    if kind == "numpy":
        return pd.Series(get(stored["data"]))
    if kind == "zoned":
        utc: Any = pd.Series(get(stored["data"]))
        return pd.Series(utc.dt.tz_localize("UTC").dt.tz_convert(stored["tz"]))
    if kind == "strings":
        return _decode_strings(stored, get)
    if kind == "items":
        # Assigned one by one: pandas would take nested lists apart.
        items = np.empty(len(stored["items"]), dtype=object)
        for i, item in enumerate(stored["items"]):
            items[i] = decode(item)
        return pd.Series(items, dtype=object)
    if kind == "masked":
        column = pd.Series(get(stored["data"])).astype(stored["dtype"])
        column[get(stored["mask"])] = pd.NA
        return column
    raise FileFormatError(f"unknown kind of column {kind!r}")


def _encode_strings(series: pd.Series[Any], where: str, put: Put) -> dict[str, Any]:
    """UTF-8 text end to end: one long entry does not widen all the others."""
    values = series.to_list()
    missing = np.array([_missing(value) for value in values], dtype=np.uint8)
    text = [
        b"" if gone else value.encode("utf-8", "surrogatepass")
        for value, gone in zip(values, missing, strict=True)
    ]
    offsets = np.concatenate([[0], np.cumsum([len(t) for t in text])]).astype(np.int64)
    stored = {
        "kind": "strings",
        "dtype": str(series.dtype),
        "data": put(np.frombuffer(b"".join(text), dtype=np.uint8), where),
        "offsets": put(offsets, f"{where}.offsets"),
    }
    if missing.any():
        stored["missing"] = put(missing, f"{where}.missing")
    return stored


def _decode_strings(stored: dict[str, Any], get: Get) -> pd.Series[Any]:
    import pandas as pd

    data, offsets = get(stored["data"]).tobytes(), get(stored["offsets"])
    values = np.empty(len(offsets) - 1, dtype=object)
    for i, (a, b) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        values[i] = data[a:b].decode("utf-8", "surrogatepass")
    if "missing" in stored:
        codes = get(stored["missing"])
        for key, value in (("none", None), ("nan", np.nan), ("na", pd.NA)):
            values[codes == _MISSING[key]] = value
    column = pd.Series(values, dtype=object)
    # Before pandas 3 "str" is not a dtype with missing values but a conversion.
    if stored["dtype"] == "object" or (stored["dtype"] == "str" and pd.__version__ < "3"):
        return column
    return column.astype(stored["dtype"])


def _masked_dtypes() -> tuple[type[Any], ...]:
    import pandas as pd

    integers = [f"{sign}Int{bits}Dtype" for sign in ("", "U") for bits in (8, 16, 32, 64)]
    names = ["BooleanDtype", "Float32Dtype", "Float64Dtype", *integers]
    return tuple(getattr(pd, name) for name in names)


def _missing(value: Any) -> int:
    import pandas as pd

    if value is None:
        return _MISSING["none"]
    if value is pd.NA:
        return _MISSING["na"]
    return _MISSING["nan"] if isinstance(value, float) and np.isnan(value) else 0
