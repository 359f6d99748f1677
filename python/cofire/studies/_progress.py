"""How far is a run? What jobs tell whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the name of a step, its number and how many there are."""


def within(name: str, number: int, of: int, progress: Progress) -> Callable[[int, int], None]:
    """Progress within a step, told at most every five seconds."""
    last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 5.0 and 0 < done < total:
            progress(f"{name}, {100 * done // total} %", number, of)
            last = now

    return tell
