"""Objects as a tree of JSON with the arrays beside it, and back, without pickles.

Every value that JSON cannot hold as it is becomes ``{"$": kind, ...}``.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import re
import sys
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from cofire._validate import AnyArray
from cofire.errors import FileFormatError, InvalidTypeError
from cofire.types import _tables
from cofire.types.intervals import Intervals
from cofire.types.session import Session
from cofire.types.spike_trains import SpikeTrains
from cofire.types.traces import Traces

# Packages whose classes a file may name. A file can never make anything else be imported.
_PACKAGES = (
    "assemblies",
    "connectome",
    "datasets",
    "events",
    "io",
    "nn",
    "pairwise",
    "spikes",
    "stats",
    "structure",
    "studies",
    "types",
)
_REFERENCE = re.compile(r"cofire\.([a-z]\w*)(?:\.\w+)*\.[A-Za-z]\w*")
_ARRAY_KINDS = "biufcSUMm"
_SPARSE = ("csr_array", "csc_array", "csr_matrix", "csc_matrix")
_CSR = ("data", "indices", "indptr")
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_SESSION_PARTS = (
    "spikes",
    "epochs",
    "states",
    "events",
    "trials",
    "presentations",
    "traces",
    "path",
    "meta",
)


class Encoder:
    """Turns an object into JSON; the arrays gather in :attr:`arrays`."""

    def __init__(self) -> None:
        self.arrays: dict[str, AnyArray] = {}

    def put(self, array: AnyArray, where: str) -> str:
        """Keep an array under a name made from where it was found."""
        if array.dtype.kind not in _ARRAY_KINDS or np.ma.isMaskedArray(array):
            what = "a masked array" if np.ma.isMaskedArray(array) else f"dtype {array.dtype}"
            raise InvalidTypeError(
                f"cannot store {where}: an array of {what}; make it numeric or fixed-width text "
                "(astype), or a list"
            )
        stem = re.sub(r"[^\w.\-]", "_", where, flags=re.ASCII) or "value"
        name, k = stem, 2
        while name in self.arrays:
            name, k = f"{stem}~{k}", k + 1
        self.arrays[name] = array
        return name

    def encode(self, value: Any, where: str) -> Any:
        """Turn any value into JSON."""
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, np.generic):
            return {"$": "scalar", "array": self.put(np.asarray(value), where)}
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$": "float", "value": repr(value)}
        if isinstance(value, np.ndarray):
            return {"$": "array", "array": self.put(value, where)}
        if isinstance(value, list):
            return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
        if isinstance(value, tuple) and not _is_record(type(value)):
            items = [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
            return {"$": "tuple", "items": items}
        if isinstance(value, dict):
            return {
                "$": "dict",
                "items": [
                    [self.encode(key, where), self.encode(item, f"{where}.{key}".lstrip("."))]
                    for key, item in value.items()
                ],
            }
        if isinstance(value, PurePath):
            return {"$": "path", "value": str(value)}
        if isinstance(value, np.random.Generator):
            state = self.encode(value.bit_generator.state, where)
            return {"$": "rng", "name": type(value.bit_generator).__name__, "state": state}
        if type(value).__module__.split(".")[0] == "pandas":
            return self._encode_pandas(value, where)
        if type(value).__name__ in _SPARSE and type(value).__module__.startswith("scipy.sparse"):
            arrays = {part: self.encode(getattr(value, part), f"{where}.{part}") for part in _CSR}
            shape = [int(n) for n in value.shape]
            return {"$": "sparse", "name": type(value).__name__, "shape": shape, **arrays}
        if isinstance(value, (date, datetime)):
            kind = "datetime" if isinstance(value, datetime) else "date"
            return {"$": kind, "value": value.isoformat()}
        return self._encode_object(value, where)

    def _encode_pandas(self, value: Any, where: str) -> Any:
        import pandas as pd

        if value is pd.NA or value is pd.NaT:
            return {"$": "NA" if value is pd.NA else "NaT"}
        if isinstance(value, pd.Timestamp):
            return {"$": "timestamp", "value": value.isoformat()}
        if isinstance(value, pd.DataFrame):
            columns = [
                _tables.encode_column(
                    value.iloc[:, i], f"{where}.{name}".lstrip("."), self.put, self.encode
                )
                for i, name in enumerate(value.columns)
            ]
            return {
                "$": "table",
                "index": self._index(value.index, f"{where}.index"),
                "columns": self._index(value.columns, f"{where}.columns"),
                "data": columns,
            }
        if isinstance(value, pd.Series):
            return {
                "$": "series",
                "index": self._index(value.index, f"{where}.index"),
                "name": self.encode(value.name, where),
                "data": _tables.encode_column(value, where, self.put, self.encode),
            }
        if isinstance(value, pd.Index):
            return {"$": "index", "data": self._index(value, where)}
        raise _refusal(value, where)

    def _index(self, index: Any, where: str) -> dict[str, Any]:
        return _tables.encode_index(index, where, self.put, self.encode)

    def _encode_object(self, value: Any, where: str) -> Any:
        if type(value) in _CONTAINERS.values():
            parts = _container_parts(value)
            kind = type(value).__name__
        elif not type(value).__module__.startswith("cofire."):
            raise _refusal(value, where)
        elif _is_result(type(value)):
            parts = {name: getattr(value, name) for name in _result_fields(type(value))}
            kind = "result"
        elif _is_estimator(type(value)):
            parts = _estimator_parts(value, where)
            kind = "estimator"
        else:
            raise _refusal(value, where)
        # Names inside a container or result are clear without the name of the object around it.
        prefix = f"{where}." if where else ""
        fields = {name: self.encode(part, f"{prefix}{name}") for name, part in parts.items()}
        stored = {"$": kind, "fields": fields}
        if kind in ("result", "estimator"):
            stored["class"] = _reference(type(value), where)
        return stored


class Decoder:
    """Turns JSON and arrays back into objects."""

    def __init__(self, arrays: Any) -> None:
        self._arrays = arrays

    def get(self, name: str) -> AnyArray:
        """Read an array by name."""
        array: AnyArray = self._arrays[name]
        return array

    def decode(self, stored: Any) -> Any:
        """Inverse of :meth:`Encoder.encode`."""
        if isinstance(stored, list):
            return [self.decode(item) for item in stored]
        if not isinstance(stored, dict):
            return stored
        kind = stored["$"]
        if kind in _CONTAINERS:
            return self._decode_container(kind, self._fields(stored))
        simple = _SIMPLE.get(kind)
        if simple is not None:
            return simple(stored["value"])
        method = getattr(self, f"_decode_{kind}", None) if kind in _KINDS else None
        if method is None:
            raise FileFormatError(f"unknown kind of value {kind!r}")
        return method(stored)

    def _fields(self, stored: dict[str, Any]) -> dict[str, Any]:
        return {name: self.decode(part) for name, part in stored["fields"].items()}

    def _decode_array(self, stored: dict[str, Any]) -> Any:
        return self.get(stored["array"])

    def _decode_scalar(self, stored: dict[str, Any]) -> Any:
        return self.get(stored["array"])[()]

    def _decode_tuple(self, stored: dict[str, Any]) -> Any:
        return tuple(self.decode(stored["items"]))

    def _decode_dict(self, stored: dict[str, Any]) -> Any:
        return {self.decode(key): self.decode(value) for key, value in stored["items"]}

    def _decode_rng(self, stored: dict[str, Any]) -> Any:
        if stored["name"] not in _BIT_GENERATORS:
            raise FileFormatError(f"unknown random generator {stored['name']!r}")
        bits = getattr(np.random, stored["name"])()
        bits.state = self.decode(stored["state"])
        return np.random.Generator(bits)

    def _decode_sparse(self, stored: dict[str, Any]) -> Any:
        from scipy import sparse

        if stored["name"] not in _SPARSE:
            raise FileFormatError(f"unknown sparse matrix {stored['name']!r}")
        parts = tuple(self.decode(stored[part]) for part in _CSR)
        matrix = getattr(sparse, stored["name"])(parts, shape=tuple(stored["shape"]))
        # Indices beyond the shape would be read outside the arrays.
        matrix.check_format(full_check=True)
        return matrix

    def _decode_NA(self, _: dict[str, Any]) -> Any:
        import pandas as pd

        return pd.NA

    def _decode_NaT(self, _: dict[str, Any]) -> Any:
        import pandas as pd

        return pd.NaT

    def _decode_timestamp(self, stored: dict[str, Any]) -> Any:
        import pandas as pd

        return pd.Timestamp(stored["value"])

    def _decode_table(self, stored: dict[str, Any]) -> Any:
        import pandas as pd

        index = _tables.decode_index(stored["index"], self.get, self.decode)
        data = dict(enumerate(self._columns(stored["data"], index)))
        table = pd.DataFrame(data, index=index)
        table.columns = _tables.decode_index(stored["columns"], self.get, self.decode)
        return table

    def _columns(self, stored: list[Any], index: Any) -> list[Any]:
        return [
            _tables.decode_column(column, self.get, self.decode).set_axis(index)
            for column in stored
        ]

    def _decode_series(self, stored: dict[str, Any]) -> Any:
        index = _tables.decode_index(stored["index"], self.get, self.decode)
        column = self._columns([stored["data"]], index)[0]
        column.name = self.decode(stored["name"])
        return column

    def _decode_index(self, stored: dict[str, Any]) -> Any:
        return _tables.decode_index(stored["data"], self.get, self.decode)

    def _decode_container(self, kind: str, fields: dict[str, Any]) -> Any:
        if kind == "Intervals":
            return Intervals(fields.pop("data"), on_overlap="keep", **fields)
        return _CONTAINERS[kind](**fields)

    def _decode_result(self, stored: dict[str, Any]) -> Any:
        cls = _find_class(stored["class"])
        if not _is_result(cls):
            raise FileFormatError(f"{stored['class']} is not a result class")
        fields = self._fields(stored)
        if _is_record(cls):
            return _made(stored["class"], cls, fields)
        parameters = getattr(cls, "__dataclass_params__")  # noqa: B009
        if not parameters.init:
            # Its constructor computes the result: the parts are put back without it.
            if set(fields) != set(_result_fields(cls)):
                raise FileFormatError(
                    f"the fields of {stored['class']} have changed since the file was written: "
                    f"it holds {', '.join(fields)}"
                )
            result, later = object.__new__(cls), list(fields)
        else:
            init = {f.name for f in dataclasses.fields(cls) if f.init}
            result = _made(stored["class"], cls, {k: v for k, v in fields.items() if k in init})
            later = [name for name in _result_fields(cls) if name in fields and name not in init]
        for name in later:
            object.__setattr__(result, name, fields[name])
        return result

    def _decode_estimator(self, stored: dict[str, Any]) -> Any:
        cls = _find_class(stored["class"])
        if not _is_estimator(cls):
            raise FileFormatError(f"{stored['class']} is not an estimator")
        fields = self._fields(stored)
        learned = {name: fields.pop(name) for name in list(fields) if name.endswith("_")}
        try:
            estimator = cls(**fields)
        except TypeError as error:
            raise FileFormatError(
                f"the parameters of {stored['class']} have changed since the file was written: "
                f"{error}"
            ) from error
        for name, value in learned.items():
            setattr(estimator, name, value)
        return estimator


_CONTAINERS: dict[str, type[Any]] = {
    "Intervals": Intervals,
    "Session": Session,
    "SpikeTrains": SpikeTrains,
    "Traces": Traces,
}
_SIMPLE: dict[str, Any] = {
    "float": float,
    "path": Path,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}
_KINDS = frozenset(
    name.removeprefix("_decode_")
    for name in vars(Decoder)
    if name.startswith("_decode_") and name != "_decode_container"
)


def _container_parts(value: Any) -> dict[str, Any]:
    if isinstance(value, Session):
        parts = {name: getattr(value, name) for name in _SESSION_PARTS}
        # Readers leave signals in the file until they are asked for.
        return {**parts, "traces": dict(parts["traces"])}
    if isinstance(value, Intervals):
        return {"data": value.data, "metadata": value._metadata, "domain": value.domain}
    if isinstance(value, Traces):
        regular = value.rate is not None
        names = value.columns
        return {
            "values": value.values,
            "rate": value.rate,
            "times": None if regular else value.times,
            "t_start": value.t_start,
            "columns": names if names.dtype.kind != "O" else [str(name) for name in names],
            "support": value.support,
        }
    return {
        "times": value.times,
        "offsets": value.offsets,
        "unit_ids": value.unit_ids,
        "support": value.support,
        "metadata": value._metadata,
    }


def _is_record(cls: type[Any]) -> bool:
    """Whether it is a named tuple of cofire."""
    named = issubclass(cls, tuple) and hasattr(cls, "_fields")
    return named and cls.__module__.startswith("cofire.")


def _is_result(cls: type[Any]) -> bool:
    return dataclasses.is_dataclass(cls) or _is_record(cls)


def _result_fields(cls: type[Any]) -> tuple[str, ...]:
    if _is_record(cls):
        names: tuple[str, ...] = getattr(cls, "_fields")  # noqa: B009
        return names
    return tuple(f.name for f in dataclasses.fields(cls))


def _made(reference: str, cls: type[Any], fields: dict[str, Any]) -> Any:
    try:
        return cls(**fields)
    except TypeError as error:
        raise FileFormatError(
            f"the fields of {reference} have changed since the file was written: {error}"
        ) from error


def _is_estimator(cls: type[Any]) -> bool:
    return callable(getattr(cls, "fit", None))


def _estimator_parts(estimator: Any, where: str) -> dict[str, Any]:
    parameters = list(inspect.signature(type(estimator)).parameters)
    missing = [name for name in parameters if not hasattr(estimator, name)]
    if missing:
        raise InvalidTypeError(
            f"cannot store {where or 'the object'}: {type(estimator).__name__} does not keep its "
            f"parameters {missing} as attributes"
        )
    names = list(getattr(estimator, "__dict__", ())) + [
        name for cls in type(estimator).__mro__ for name in getattr(cls, "__slots__", ())
    ]
    learned = [
        name
        for name in names
        if name.endswith("_") and not name.startswith("_") and hasattr(estimator, name)
    ]
    return {name: getattr(estimator, name) for name in [*parameters, *learned]}


def _reference(cls: type[Any], where: str) -> str:
    """Shortest public name: it outlives a move between modules of one package."""
    parts = cls.__module__.split(".")
    for depth in range(2, len(parts) + 1):
        module = ".".join(parts[:depth])
        if getattr(sys.modules.get(module), cls.__name__, None) is cls:
            reference = f"{module}.{cls.__name__}"
            if _find_class(reference) is cls:
                return reference
    raise InvalidTypeError(f"cannot store {where or 'the object'}: {cls.__qualname__} is local")


def _find_class(reference: str) -> type[Any]:
    match = _REFERENCE.fullmatch(reference)
    found: Any = None
    if match is not None and match[1] in _PACKAGES:
        module, _, name = reference.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ModuleNotFoundError:
            found = None
    if not isinstance(found, type) or not found.__module__.startswith("cofire."):
        raise FileFormatError(
            f"the file names the class {reference!r}, which this version of cofire does not have"
        )
    return found


def _refusal(value: Any, where: str) -> InvalidTypeError:
    return InvalidTypeError(
        f"cannot store {where or 'the object'}: {type(value).__module__}.{type(value).__qualname__}"
        "; cofire stores its containers, results and estimators, and in them arrays, sparse "
        "matrices, tables, numbers, text, lists and dicts"
    )
