"""Checks of arguments that many functions share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from cofire.errors import InvalidArgumentError, InvalidTypeError, TooLargeError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
AnyArray = npt.NDArray[Any]


def positive(value: float, name: str, unit: str = "") -> float:
    """Return `value` as a finite float > 0."""
    number = real(value, name)
    if not number > 0:
        raise InvalidArgumentError(f"{name} must be positive{_in(unit)}, got {value!r}")
    return number


def real(value: float, name: str) -> float:
    """Return `value` as a finite float."""
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"{name} must be a number, got {value!r}") from error
    if not math.isfinite(number):
        raise InvalidArgumentError(f"{name} must be finite, got {value!r}")
    return number


def integer(value: Any, name: str, minimum: int | None = None) -> int:
    """Return `value` as an int, at least `minimum`."""
    # The compiler of torch knows that its symbolic integers are int, not what attributes they have.
    if isinstance(value, bool) or not (isinstance(value, int) or hasattr(value, "__index__")):
        raise InvalidTypeError(f"{name} must be an integer, got {value!r}")
    number = int(value)
    if minimum is not None and number < minimum:
        raise InvalidArgumentError(f"{name} must be at least {minimum}, got {number}")
    return number


def one_of(value: str, name: str, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`."""
    if value not in choices:
        listed = ", ".join(repr(c) for c in choices)
        raise InvalidArgumentError(f"{name} must be one of {listed}, got {value!r}")
    return value


def window(value: Any, name: str = "window") -> tuple[float, float]:
    """Return a window (before, after) in seconds with before < after."""
    try:
        before, after = (float(v) for v in value)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{name} must be two numbers (start, stop) in seconds relative to the event, "
            f"got {value!r}"
        ) from error
    if not (math.isfinite(before) and math.isfinite(after) and before < after):
        raise InvalidArgumentError(
            f"{name} must satisfy start < stop, both finite, got ({before:g}, {after:g}) s"
        )
    return before, after


def vector(values: Any, name: str, *, finite: bool = True) -> FloatArray:
    """Return `values` as a 1-D contiguous float64 array."""
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"{name} must be a 1-D array of numbers") from error
    if array.ndim == 0:
        array = array.reshape(1)
    if array.ndim != 1:
        raise InvalidArgumentError(f"{name} must be 1-D, got shape {array.shape}")
    if finite and not np.isfinite(array).all():
        bad = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InvalidArgumentError(
            f"{name} must be finite: {name}[{bad}] is {array[bad]}; drop such values first"
        )
    return array


def matrix(values: Any, name: str, *, dtype: Any = np.float64) -> AnyArray:
    """Return `values` as a 2-D C-contiguous array of `dtype`."""
    try:
        array = np.ascontiguousarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"{name} must be a 2-D array of numbers") from error
    if array.ndim != 2:
        raise InvalidArgumentError(f"{name} must be 2-D, got shape {array.shape}")
    return array


def fits_memory(
    shape: tuple[int, ...],
    dtype: Any,
    what: str,
    remedy: str = "use wider bins, fewer units or a shorter support",
) -> None:
    """Refuse to allocate an array that is larger than the memory of the machine."""
    n_bytes = math.prod(int(n) for n in shape) * np.dtype(dtype).itemsize
    limit = _memory_bytes()
    if n_bytes > limit:
        raise TooLargeError(
            f"{what} of shape {shape} ({np.dtype(dtype).name}) needs {n_bytes / 1e9:.1f} GB, more "
            f"than the {limit / 1e9:.1f} GB of this machine; {remedy}"
        )


def _memory_bytes() -> int:
    import os

    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**62


def _in(unit: str) -> str:
    return f" ({unit})" if unit else ""
