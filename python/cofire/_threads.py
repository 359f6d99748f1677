"""How many threads do kernels use?"""

from __future__ import annotations

import os

from cofire.errors import InvalidArgumentError

_n_threads: int | None = None


def get_num_threads() -> int:
    """Return the number of threads a kernel uses when ``threads=None``.

    In this order: what :func:`set_num_threads` set, the environment variable
    ``COFIRE_NUM_THREADS``, the number of processors this process may run on.
    """
    if _n_threads is not None:
        return _n_threads
    from_environment = os.environ.get("COFIRE_NUM_THREADS")
    if from_environment is not None:
        if not from_environment.isdigit() or int(from_environment) < 1:
            raise InvalidArgumentError(
                f"COFIRE_NUM_THREADS must be a positive integer, got {from_environment!r}"
            )
        return int(from_environment)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_num_threads(n: int | None) -> None:
    """Set the number of threads for the whole process; None returns to the default.

    Results do not depend on it.
    """
    global _n_threads
    _n_threads = None if n is None else resolve_threads(n)


def resolve_threads(threads: int | None) -> int:
    """Turn the public ``threads`` keyword into a number."""
    if threads is None:
        return get_num_threads()
    if isinstance(threads, bool) or not hasattr(threads, "__index__") or int(threads) < 1:
        raise InvalidArgumentError(
            f"threads must be a positive integer or None (all processors), got {threads!r}"
        )
    return int(threads)
