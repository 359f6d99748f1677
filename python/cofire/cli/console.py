"""Words on the terminal: rich where there is one, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

from cofire.errors import CofireError

FAILED, MISTAKE, INTERRUPTED = 1, 2, 130


def console(stderr: bool = False) -> Console:
    """A console that does not break lines of paths when the output is no terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 160
    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=True)


def fail(message: str, code: int = MISTAKE) -> NoReturn:
    """Print one line on stderr and exit."""
    line = " ".join(message.split())
    console(stderr=True).print("error:", style="bold red", end=" ")
    console(stderr=True).print(line, markup=False)
    sys.exit(code)


@contextmanager
def one_line_errors(hint: str = "") -> Iterator[None]:
    """Turn mistakes into one line and exit code 2, Ctrl-C into exit code 130."""
    warnings.showwarning = show_warning
    try:
        yield
    except CofireError as error:
        fail(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        interrupted(hint)


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as one line, without the source line that raised it."""
    console(stderr=True).print(f"warning: {' '.join(str(message).split())}", markup=False)


def interrupted(hint: str = "") -> NoReturn:
    """Say that what is done is kept and exit with 130."""
    console(stderr=True).print(f"interrupted; what is done is kept{hint}", markup=False)
    sys.exit(INTERRUPTED)


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    right: Sequence[int] = (),
) -> None:
    """Print a table."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i in right else "left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console().print(table)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Yield a callback (step, number, of): a bar on a terminal, plain lines elsewhere."""
    if quiet:
        yield None
        return
    if not sys.stderr.isatty():
        error = console(stderr=True)
        yield lambda step, number, of: error.print(
            f"[{number + 1}/{of}] {step.replace('_', ' ')}", markup=False
        )
        return
    with _bar() as bar:
        task = bar.add_task("starting", total=None)
        yield lambda step, number, of: bar.update(
            task, description=step.replace("_", " "), completed=number, total=of
        )


@contextmanager
def epoch_progress(
    quiet: bool, every: float = 10.0
) -> Iterator[Callable[[str, int, int], None] | None]:
    """Yield a callback (text, done, of) for many small steps.

    A bar on a terminal; elsewhere a line when `every` seconds have passed, and at the end.
    """
    if quiet:
        yield None
        return
    if not sys.stderr.isatty():
        error, last = console(stderr=True), -every

        def line(text: str, done: int, of: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= every or done == of:
                error.print(f"[{done / of:4.0%}] {text}", markup=False)
                last = now

        yield line
        return
    with _bar() as bar:
        task = bar.add_task("starting", total=None)
        yield lambda text, done, of: bar.update(task, description=text, completed=done, total=of)


def _bar() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )


def show_material(material: Any) -> None:
    """Print what a study took from its input and what it left out."""
    text = console()
    for line in material.taken:
        text.print(line, markup=False)
    for line in material.dropped:
        text.print(f"Left out: {line}.", markup=False)
