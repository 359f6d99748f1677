"""Linear algebra whose result does not depend on the number of threads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from cofire._threads import resolve_threads
from cofire._validate import AnyArray, FloatArray

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

_T = TypeVar("_T")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS on one thread: threads are ours to hand out, and sums keep their order."""
    with _blas_libraries(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _blas_libraries(n_modules: int) -> ThreadpoolController:
    """The loaded BLAS libraries; finding them takes longer than a small product.

    A library comes with a module, hence `n_modules`: they are looked for again after an import.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def threaded_map(
    function: Callable[[int], _T],
    n: int,
    threads: int | None,
    progress: Callable[[int, int], None] | None = None,
) -> list[_T]:
    """Return ``[function(0), ..., function(n - 1)]``, computed on a few threads.

    `progress(done, n)` is called on the calling thread. Ctrl-C drops what has not started.
    """
    n_threads = min(resolve_threads(threads), n)
    with one_blas_thread():
        if n_threads <= 1:
            results: list[_T] = []
            for i in range(n):
                results.append(function(i))
                if progress is not None:
                    progress(i + 1, n)
            return results
        return _on_threads(function, n, n_threads, progress)


def _on_threads(
    function: Callable[[int], _T],
    n: int,
    n_threads: int,
    progress: Callable[[int, int], None] | None,
) -> list[_T]:
    """Thread w computes the items w, w + n_threads, ...

    Not an executor: its locks are Python code, and an interrupt inside one leaves it locked for
    ever, so that Ctrl-C could hang. A SimpleQueue has no such moment.
    """
    found: dict[int, _T] = {}
    done: SimpleQueue[BaseException | None] = SimpleQueue()
    stopped: list[bool] = []

    def work(first: int) -> None:
        try:
            for i in range(first, n, n_threads):
                if stopped:
                    return
                found[i] = function(i)
                done.put(None)
        except BaseException as error:
            done.put(error)

    workers = [Thread(target=work, args=(w,), daemon=True) for w in range(n_threads)]
    try:
        for worker in workers:
            worker.start()
        for number in range(1, n + 1):
            error = done.get()
            if error is not None:
                raise error
            if progress is not None:
                progress(number, n)
    finally:
        stopped.append(True)
        for worker in workers:
            if worker.is_alive():
                worker.join()
    return [found[i] for i in range(n)]


def gram(rows: AnyArray) -> AnyArray:
    """``rows @ rows.T`` of float64 or float32, computed once per pair."""
    from scipy.linalg.blas import dsyrk, ssyrk

    if rows.size == 0:
        return np.zeros((len(rows), len(rows)), rows.dtype)
    syrk = ssyrk if rows.dtype == np.float32 else dsyrk
    # rows.T is Fortran-ordered without a copy; syrk fills the upper triangle.
    upper: AnyArray = syrk(1.0, rows.T, trans=1, lower=0)
    return np.triu(upper) + np.triu(upper, 1).T


def descending_eigenvalues(symmetric: FloatArray) -> FloatArray:
    """Eigenvalues of a symmetric matrix, largest first."""
    return np.ascontiguousarray(np.linalg.eigvalsh(symmetric)[::-1])


def top_eigenpairs(symmetric: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """The `k` largest eigenvalues (k,) and their eigenvectors in columns (n, k)."""
    values, vectors = np.linalg.eigh(symmetric)
    order = np.arange(len(values) - 1, len(values) - 1 - k, -1)
    return values[order], vectors[:, order]
