"""How is a loop over sources or null graphs shared among threads, with one result for any number?

Items are cut into blocks of a size that the caller fixes: the blocks, and so every sum over them,
are the same for any number of threads. Kernels release the GIL; between blocks Ctrl-C gets through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from cofire._threads import resolve_threads
from cofire._validate import FloatArray

T = TypeVar("T")


def run_blocks(
    function: Callable[[int, int], T], n_items: int, block: int, threads: int | None
) -> list[T]:
    """Return ``[function(0, block), function(block, 2 * block), ...]``, computed on threads.

    Parameters
    ----------
    function : callable (start, stop)
        Works on the items start..stop-1; should release the GIL and take less than half a second.
    n_items : int, >= 0
    block : int, >= 1
        Items of a block. It must not depend on the number of threads.
    threads : int or None
        Default :func:`cofire.get_num_threads`.

    Examples
    --------
    >>> from cofire.graph._blocks import run_blocks
    >>> run_blocks(lambda start, stop: sum(range(start, stop)), 10, 4, threads=2)
    [6, 22, 17]
    """
    return list(iterate_blocks(function, n_items, block, threads))


def sum_blocks(
    function: Callable[[int, int], FloatArray],
    n_items: int,
    block: int,
    threads: int | None,
    total: FloatArray,
) -> FloatArray:
    """Add the arrays of all blocks to `total`, in the order of the blocks.

    Only the arrays that wait for an earlier block are in memory.
    """
    for part in iterate_blocks(function, n_items, block, threads):
        total += part
    return total


def iterate_blocks(
    function: Callable[[int, int], T], n_items: int, block: int, threads: int | None
) -> Iterator[T]:
    """Yield the results of :func:`run_blocks` one after the other, as soon as each is there."""
    starts = range(0, n_items, block)
    n_threads = min(resolve_threads(threads), len(starts))
    if n_threads <= 1:
        for start in starts:
            yield function(start, min(start + block, n_items))
        return
    yield from _on_threads(
        lambda i: function(starts[i], min(starts[i] + block, n_items)), len(starts), n_threads
    )


def _on_threads(function: Callable[[int], T], n: int, n_threads: int) -> Iterator[T]:
    """Threads take the next block when they are done with one.

    Not an executor: its locks are Python code, and an interrupt inside one leaves it locked for
    ever, so that Ctrl-C could hang. A SimpleQueue has no such moment.
    """
    todo: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[tuple[int, T] | BaseException] = SimpleQueue()
    for i in range(n):
        todo.put(i)

    def work() -> None:
        try:
            while True:
                i = todo.get_nowait()
                done.put((i, function(i)))
        except Empty:
            pass
        except BaseException as error:
            done.put(error)

    workers = [Thread(target=work, daemon=True) for _ in range(n_threads)]
    waiting: dict[int, T] = {}
    try:
        for worker in workers:
            worker.start()
        for i in range(n):
            while i not in waiting:
                found = done.get()
                if isinstance(found, BaseException):
                    raise found
                waiting[found[0]] = found[1]
            yield waiting.pop(i)
    finally:
        _drain(todo)
        for worker in workers:
            if worker.is_alive():
                worker.join()


def _drain(todo: SimpleQueue[int]) -> None:
    """Leave nothing to begin with."""
    try:
        while True:
            todo.get_nowait()
    except Empty:
        pass
