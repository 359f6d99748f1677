"""Tasks in parallel processes that are started afresh, one thread each."""

from __future__ import annotations

import logging
import multiprocessing
import queue
import signal
from collections.abc import Iterator, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

from cofire._threads import set_num_threads
from cofire.errors import CofireError
from cofire.studies._progress import Progress
from cofire.studies.larval_olfaction.tasks import Job, Task

_log = logging.getLogger("cofire.studies.larval_olfaction")
_POLL = 0.2

Failure = tuple[str, str]


def perform_all(
    job: Job, tasks: Sequence[Task], *, processes: int = 1, progress: Progress | None = None
) -> list[Failure]:
    """Do all tasks; one that fails does not stop the others.

    Every task writes its own files, so whatever was done when the caller interrupts (Ctrl-C) or
    is killed stays, and trainings go on from their last epoch.

    Parameters
    ----------
    job : Job
    tasks : sequence of Task
    processes : int
        With 1, or a single task, the work is done in this process.
    progress : callable (text, done, of), optional
        Told of every epoch and of every finished evaluation; done and of count over all tasks.

    Returns
    -------
    list of (str, str)
        Label and message of the tasks that failed.
    """
    tally = _Tally(job, tasks, progress)
    if processes == 1 or len(tasks) < 2:
        return _in_this_process(job, tasks, tally)
    context = multiprocessing.get_context("spawn")
    waiting, messages = context.Queue(), context.Queue()
    n_workers = min(processes, len(tasks))
    for item in (*enumerate(tasks), *[None] * n_workers):
        waiting.put(item)
    workers = [
        context.Process(target=_work, args=(job, waiting, messages), daemon=True)
        for _ in range(n_workers)
    ]
    for worker in workers:
        worker.start()
    failures: list[Failure] = []
    try:
        for number, text, done, error in _received(workers, messages):
            if error is not None:
                failures.append((tasks[number].label, error))
                _log.error("%s failed: %s", tasks[number].label, error)
            tally(number, text, done)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
    missing = [task for number, task in enumerate(tasks) if number not in tally.finished]
    failures += [(task.label, "its process ended unexpectedly") for task in missing]
    return failures


class _Tally:
    """Progress of many tasks as one."""

    def __init__(self, job: Job, tasks: Sequence[Task], progress: Progress | None) -> None:
        epochs = job.config.teacher_epochs + job.config.epochs
        self._sizes = [epochs if task.kind == "train" else 1 for task in tasks]
        self._done = [0] * len(tasks)
        self._progress = progress
        self.finished: set[int] = set()

    def __call__(self, number: int, text: str, done: int | None) -> None:
        """Note the progress of a task; `done` None: it is over."""
        if done is None:
            self.finished.add(number)
            self._done[number] = self._sizes[number]
        else:
            self._done[number] = done
        if self._progress is not None and text:
            self._progress(text, sum(self._done), sum(self._sizes))

    def of(self, number: int) -> Progress:
        """Progress of one task."""
        return lambda text, done, _: self(number, text, done)


def _in_this_process(job: Job, tasks: Sequence[Task], tally: _Tally) -> list[Failure]:
    failures = []
    for number, task in enumerate(tasks):
        try:
            job.perform(task, tally.of(number))
        except (CofireError, OSError) as error:
            _log.error("%s failed: %s", task.label, error)
            failures.append((task.label, str(error)))
        tally(number, "", None)
    return failures


def _received(workers: Sequence[BaseProcess], messages: Any) -> Iterator[Any]:
    """Messages until every worker has ended and nothing is left to read."""
    while True:
        alive = any(worker.is_alive() for worker in workers)
        try:
            yield messages.get(timeout=_POLL)
        except queue.Empty:
            if not alive:
                return


def _work(job: Job, waiting: Any, messages: Any) -> None:
    # Ctrl-C reaches every process of the terminal; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_num_threads(1)

    def tell(number: int) -> Progress:
        return lambda text, done, _: messages.put((number, text, done, None))

    while (item := waiting.get()) is not None:
        number, task = item
        error = None
        try:
            job.perform(task, tell(number))
        except (CofireError, OSError) as problem:
            error = str(problem)
        messages.put((number, "", None, error))
