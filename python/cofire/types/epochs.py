"""Which epochs of a session belong together? Tables of epochs and their sequence."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import BoolArray, IntArray
from cofire.errors import InvalidArgumentError, InvalidTypeError

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger(__name__)

_EDGES = (("startTime", "stopTime"), ("start", "stop"), ("start_time", "stop_time"))


def compress_repeated_epochs(epochs: Any, epoch_name: str | None = None) -> pd.DataFrame:
    """Join consecutive epochs of the same environment.

    Parameters
    ----------
    epochs : DataFrame
        A row an epoch, in order of time, with the column ``environment`` and ``startTime`` and
        ``stopTime`` (or ``start`` and ``stop``), s.
    epoch_name : str, optional
        Join only epochs of this environment; default all.

    Returns
    -------
    DataFrame
        A run of equal environments is one row: the fields of its first epoch, the earliest start
        and the latest stop. Dtypes are kept, the index is 0..n-1. A missing environment equals no
        other one.

    Raises
    ------
    InvalidArgumentError
        Missing columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from cofire.types import compress_repeated_epochs
    >>> table = pd.DataFrame(
    ...     {
    ...         "environment": ["sleep", "sleep", "linear"],
    ...         "startTime": [0.0, 10.0, 20.0],
    ...         "stopTime": [10.0, 20.0, 30.0],
    ...     }
    ... )
    >>> compress_repeated_epochs(table)["stopTime"].tolist()
    [20.0, 30.0]
    """
    import pandas as pd

    table = pd.DataFrame(epochs).reset_index(drop=True)
    edges = next((pair for pair in _EDGES if set(pair) <= set(table.columns)), None)
    if edges is None or "environment" not in table.columns:
        raise InvalidArgumentError(
            "epochs must have columns environment, startTime and stopTime (or start and stop); "
            f"columns: {', '.join(map(str, table.columns)) or 'none'}"
        )
    environment = table["environment"]
    repeats = (environment == environment.shift()).fillna(False).to_numpy(dtype=bool)
    if epoch_name is not None:
        repeats = repeats & (environment == epoch_name).fillna(False).to_numpy(dtype=bool)
    run = np.cumsum(~repeats)
    first = table[~repeats].reset_index(drop=True)
    for column, how in zip(edges, ("min", "max"), strict=True):
        first[column] = table[column].groupby(run).agg(how).to_numpy()
    return first


def find_pre_task_post(
    environments: Any, pre_post_label: str = "sleep"
) -> tuple[BoolArray, IntArray] | tuple[None, None]:
    """Find the first rest - task - rest triple.

    Parameters
    ----------
    environments : sequence of str
        Environment of each epoch, in order.
    pre_post_label : str
        Environment of the epochs before and after the task.

    Returns
    -------
    mask : ndarray (n_epochs,) bool, or None if there is no such triple
    index : ndarray (3,) int64, or None

    Examples
    --------
    >>> from cofire.types import find_pre_task_post
    >>> find_pre_task_post(["wheel", "sleep", "linear", "sleep"])[1].tolist()
    [1, 2, 3]
    """
    rest = np.array([name == pre_post_label for name in _names(environments)], dtype=bool)
    if len(rest) < 3:
        return None, None
    hits = np.flatnonzero(rest[:-2] & ~rest[1:-1] & rest[2:])
    return _found(len(rest), int(hits[0]), 3) if len(hits) else (None, None)


def find_epoch_pattern(
    environments: Any, pattern: Any
) -> tuple[BoolArray, IntArray] | tuple[None, None]:
    """Find the first place where consecutive epochs have the given environments.

    Parameters
    ----------
    environments : sequence of str
        Environment of each epoch, in order.
    pattern : sequence of str
        The environments to find, at least one.

    Returns
    -------
    mask : ndarray (n_epochs,) bool, or None if the pattern does not occur
    index : ndarray (len(pattern),) int64, or None

    Examples
    --------
    >>> from cofire.types import find_epoch_pattern
    >>> find_epoch_pattern(["sleep", "box", "sleep", "linear"], ["sleep", "linear"])[1].tolist()
    [2, 3]
    """
    names, wanted = _names(environments), _names(pattern, "pattern")
    if not wanted:
        raise InvalidArgumentError("pattern must name at least one environment")
    for first in range(len(names) - len(wanted) + 1):
        if names[first : first + len(wanted)] == wanted:
            return _found(len(names), first, len(wanted))
    return None, None


def find_multitask_pre_post(
    environments: Any,
    task_tag: str | None = None,
    *,
    post_sleep_flank: bool = False,
    pre_sleep_common: bool = False,
) -> list[list[int]] | None:
    """Find the sleep before and after each task.

    Parameters
    ----------
    environments : sequence of str
        Environment of each epoch, in order. Sleep is what contains "sleep", in any case.
    task_tag : str, optional
        Regular expression, in any case, that marks the tasks; default whatever is not sleep.
    post_sleep_flank : bool
        Keep only tasks that sleep follows at once.
    pre_sleep_common : bool
        Use the sleep before the first task for all of them.

    Returns
    -------
    list of [pre, task, post], or None
        Positions; pre is the last sleep before the task, post the first one after it. Tasks
        without one of them are left out and logged. None if there is no triple at all;
        `post_sleep_flank` may leave an empty list.

    Raises
    ------
    InvalidArgumentError
        `task_tag` is not a regular expression.

    Examples
    --------
    >>> from cofire.types import find_multitask_pre_post
    >>> find_multitask_pre_post(["sleep", "linear", "sleep", "box", "sleep"])
    [[0, 1, 2], [2, 3, 4]]
    """
    names = _names(environments)
    sleep = np.array([isinstance(n, str) and "sleep" in n.lower() for n in names], dtype=bool)
    if task_tag is None:
        task = ~sleep
    else:
        try:
            tag = re.compile(task_tag, re.IGNORECASE)
        except re.error as error:
            raise InvalidArgumentError(
                f"task_tag must be a regular expression, got {task_tag!r}: {error}"
            ) from error
        task = np.array([isinstance(n, str) and bool(tag.search(n)) for n in names], dtype=bool)
    rests = np.flatnonzero(sleep)
    triples: list[list[int]] = []
    for i in np.flatnonzero(task).tolist():
        if i == 0:
            continue
        before, after = rests[rests < i], rests[rests > i]
        if not len(before) or not len(after):
            side = "before" if not len(before) else "after"
            _log.warning("no sleep %s epoch %d (%s): left out", side, i, names[i])
            continue
        triples.append([int(before[-1]), i, int(after[0])])
    if not triples:
        return None
    if post_sleep_flank:
        triples = [triple for triple in triples if triple[2] == triple[1] + 1]
    if pre_sleep_common:
        triples = [[triples[0][0], i, post] for _, i, post in triples]
    return triples


def _found(n: int, first: int, length: int) -> tuple[BoolArray, IntArray]:
    mask = np.zeros(n, dtype=bool)
    mask[first : first + length] = True
    return mask, np.arange(first, first + length, dtype=np.int64)


def _names(environments: Any, argument: str = "environments") -> list[Any]:
    if isinstance(environments, str) or not hasattr(environments, "__iter__"):
        raise InvalidTypeError(
            f"{argument} must be a sequence with the environment of each epoch, "
            f"got {environments!r}"
        )
    return list(environments)
