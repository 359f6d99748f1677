"""A plan as named arrays and back, and the hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from cofire._validate import AnyArray
from cofire.errors import FileFormatError, InvalidArgumentError, UnsupportedVersionError
from cofire.nn.elements import Pathway, Population, field_values

VERSION = 1
_HEAD = "plan"


def to_arrays(
    populations: Sequence[Population], pathways: Sequence[Pathway], dt: float
) -> dict[str, AnyArray]:
    """Arrays by name; numbers and text are JSON in the array ``plan``."""
    arrays: dict[str, AnyArray] = {}
    head = {
        "version": VERSION,
        "dt": dt,
        "populations": [_put(p, f"population{i}", arrays) for i, p in enumerate(populations)],
        "pathways": [_put(w, f"pathway{i}", arrays) for i, w in enumerate(pathways)],
    }
    return {_HEAD: np.array(json.dumps(head)), **arrays}


def from_arrays(arrays: Mapping[str, Any]) -> tuple[list[Population], list[Pathway], float]:
    """Inverse of :func:`to_arrays`."""
    try:
        head = json.loads(str(arrays[_HEAD]))
        version = head["version"]
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"these arrays hold no network plan: {error!r}") from error
    if version != VERSION:
        raise UnsupportedVersionError(
            f"the plan has version {version}, this cofire reads version {VERSION}: "
            "pip install --upgrade cofire"
        )
    try:
        populations = [Population(**_get(part, arrays)) for part in head["populations"]]
        pathways = [Pathway(**_get(part, arrays)) for part in head["pathways"]]
        return populations, pathways, head["dt"]
    except InvalidArgumentError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"the arrays of the network plan are damaged: {error!r}") from error


def content_hash(arrays: Mapping[str, AnyArray]) -> str:
    """Hash of names, dtypes, shapes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _put(element: Any, prefix: str, arrays: dict[str, AnyArray]) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    for name, value in field_values(element).items():
        place = f"{prefix}.{name}"
        if name == "weights":
            arrays[f"{place}.indptr"] = element.indptr
            arrays[f"{place}.indices"] = element.indices
            arrays[f"{place}.values"] = element.values
            stored[name] = {"csr": place, "shape": [int(n) for n in value.shape]}
        elif isinstance(value, np.ndarray):
            arrays[place] = value
            stored[name] = {"array": place}
        else:
            stored[name] = value
    return stored


def _get(stored: dict[str, Any], arrays: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in stored.items():
        if isinstance(value, dict) and "csr" in value:
            parts = (np.asarray(arrays[f"{value['csr']}.{p}"]) for p in _CSR)
            matrix = sparse.csr_array(tuple(parts), shape=tuple(value["shape"]))
            # Indices beyond the shape would be read outside the arrays.
            matrix.check_format(full_check=True)
            found[name] = matrix
        elif isinstance(value, dict):
            found[name] = np.asarray(arrays[value["array"]])
        else:
            found[name] = value
    return found


_CSR = ("values", "indices", "indptr")
