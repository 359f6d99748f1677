"""How are the jitted kernels of the package declared, compiled and warmed up?

A kernel states its signature, so that it is compiled once for every graph, and is compiled (or read
from Numba's cache on disk) at its first call: importing a module compiles nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Types in signatures: the CSR arrays of a graph.
INDPTR = "int64[::1]"
INDICES = "int32[::1]"
WEIGHTS = "float64[::1]"

_KERNELS: list[Kernel[..., Any]] = []


class Kernel(Generic[P, R]):
    """A jitted function that is compiled for its signature when first called."""

    def __init__(self, function: Callable[P, R], signature: str) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self.name = getattr(function, "__name__", "")
        self.signature = signature
        self._compiled: Callable[P, R] | None = None

    def compile(self) -> Callable[P, R]:
        """Compile, or load what an earlier process compiled."""
        if self._compiled is None:
            from numba import njit

            self._compiled = njit(self.signature, nogil=True, cache=True)(self._function)
        return self._compiled

    @property
    def from_cache(self) -> bool:
        """Whether what is compiled was read from Numba's cache on disk."""
        stats = getattr(self.compile(), "stats", None)  # none with NUMBA_DISABLE_JIT=1
        return bool(stats and stats.cache_hits)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return (self._compiled or self.compile())(*args, **kwargs)


def kernel(signature: str) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """Declare a kernel, as in ``@kernel("float64[::1](int64[::1], int32[::1])")``.

    Helpers that kernels call are plain ``@njit(nogil=True, cache=True)`` functions of the same
    file: Numba's cache does not notice a change in another one.
    """

    def declare(function: Callable[P, R]) -> Kernel[P, R]:
        declared = Kernel(function, signature)
        _KERNELS.append(declared)
        return declared

    return declare


def kernels() -> Iterator[Kernel[..., Any]]:
    """All kernels of the modules that are loaded."""
    return iter(_KERNELS)
