"""What people already have, as cofire's containers: lists, dicts, pynapple, nelpy, neo, pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cofire.errors import InvalidTypeError
from cofire.types.intervals import Intervals
from cofire.types.spike_trains import SpikeTrains


def as_spike_trains(
    spikes: Any, *, on_unsorted: str = "error", argument: str = "spikes"
) -> SpikeTrains:
    """Convert anything that holds spike trains.

    Parameters
    ----------
    spikes : SpikeTrains, list of array, dict id -> array, pynapple TsGroup, nelpy SpikeTrainArray
        or list of neo SpikeTrain. A single 1-D array is one unit.
    on_unsorted : {"error", "sort"}
        What to do with a train that is not sorted.
    argument : str
        Name of the argument for error messages.
    """
    if isinstance(spikes, SpikeTrains):
        return spikes
    if hasattr(spikes, "time_support") and hasattr(spikes, "keys"):
        return _from_pynapple(spikes)
    if hasattr(spikes, "series_ids") and hasattr(spikes, "support"):
        return _from_nelpy(spikes, on_unsorted)
    if isinstance(spikes, Mapping):
        return SpikeTrains.from_dict(spikes, on_unsorted=on_unsorted)
    if isinstance(spikes, np.ndarray) and spikes.ndim == 1 and spikes.dtype.kind in "fiu":
        return SpikeTrains.from_list([spikes], on_unsorted=on_unsorted)
    if isinstance(spikes, Iterable) and not isinstance(spikes, (str, bytes)):
        trains = list(spikes)
        if trains and all(hasattr(t, "t_start") and hasattr(t, "rescale") for t in trains):
            return _from_neo(trains, on_unsorted)
        if all(np.ndim(t) == 1 for t in trains):
            return SpikeTrains.from_list(trains, on_unsorted=on_unsorted)
    raise InvalidTypeError(
        f"{argument} must be SpikeTrains, a list of 1-D arrays (one per unit), a dict of unit id "
        "to array, a pynapple TsGroup, a nelpy SpikeTrainArray or a list of neo SpikeTrain; "
        f"got {type(spikes).__name__}"
    )


def as_intervals(intervals: Any, argument: str = "intervals", *, merge: bool = False) -> Intervals:
    """Convert anything that holds intervals.

    Parameters
    ----------
    intervals : Intervals, (n, 2) array, pynapple IntervalSet, nelpy EpochArray, neo Epoch, or a
        DataFrame with columns start and stop (or startTime and stopTime, start_time and
        stop_time); other columns of a DataFrame become metadata.
    argument : str
        Name of the argument for error messages.
    merge : bool
        Whether to join overlapping and touching intervals.
    """
    found = _as_intervals(intervals, argument)
    return found.merged() if merge else found


def _as_intervals(intervals: Any, argument: str) -> Intervals:
    if isinstance(intervals, Intervals):
        return intervals
    if hasattr(intervals, "columns") and hasattr(intervals, "iloc"):
        for start, stop in (
            ("start", "stop"),
            ("start_time", "stop_time"),
            ("startTime", "stopTime"),
            ("start", "end"),
        ):
            if start in intervals.columns and stop in intervals.columns:
                table = intervals.drop(columns=[start, stop, "duration"], errors="ignore")
                return Intervals(
                    intervals[[start, stop]].to_numpy(dtype=np.float64),
                    metadata=table if len(table.columns) else None,
                    on_overlap="keep",
                )
        raise InvalidTypeError(
            f"{argument}: a DataFrame needs columns start and stop, got {list(intervals.columns)}"
        )
    if hasattr(intervals, "start") and hasattr(intervals, "end"):  # pynapple
        metadata = getattr(intervals, "metadata", None)
        has_metadata = metadata is not None and len(getattr(metadata, "columns", ())) > 0
        data = np.column_stack([np.asarray(intervals.start), np.asarray(intervals.end)])
        return Intervals(data, metadata=metadata if has_metadata else None, on_overlap="keep")
    if hasattr(intervals, "n_epochs") and hasattr(intervals, "data"):  # nelpy
        return Intervals(np.asarray(intervals.data), on_overlap="keep")
    if hasattr(intervals, "durations") and hasattr(intervals, "rescale"):  # neo
        first = np.asarray(intervals.rescale("s").magnitude, dtype=np.float64)
        length = np.asarray(intervals.durations.rescale("s").magnitude, dtype=np.float64)
        labels = np.asarray(intervals.labels)
        metadata = {"label": labels} if len(labels) == len(first) and len(first) else None
        return Intervals(
            np.column_stack([first, first + length]), metadata=metadata, on_overlap="keep"
        )
    try:
        return Intervals(intervals, on_overlap="keep")
    except InvalidTypeError as error:
        raise InvalidTypeError(
            f"{argument} must be Intervals, an (n, 2) array in seconds, a pynapple IntervalSet, a "
            f"nelpy EpochArray or a table with start and stop; got {type(intervals).__name__}"
        ) from error


def _from_pynapple(group: Any) -> SpikeTrains:
    support = as_intervals(group.time_support)
    # pynapple intervals are closed at both ends: a spike at the very end stays.
    ids = list(group.keys())
    trains = [np.asarray(group[unit].times()) for unit in ids]
    last = max((t[-1] for t in trains if len(t)), default=-np.inf)
    edges = support.data.copy()
    if len(edges):
        edges[:, 1] = np.where(
            np.isin(edges[:, 1], [t[-1] for t in trains if len(t)]) | (edges[:, 1] == last),
            np.nextafter(edges[:, 1], np.inf),
            edges[:, 1],
        )
    metadata = getattr(group, "metadata", None)
    if metadata is not None:
        metadata = metadata.drop(columns=["rate"], errors="ignore")
    return SpikeTrains.from_list(trains, ids, Intervals(edges, on_overlap="merge"), metadata)


def _from_nelpy(array: Any, on_unsorted: str) -> SpikeTrains:
    return SpikeTrains.from_list(
        [np.asarray(t, dtype=np.float64) for t in array.data],
        list(array.series_ids),
        as_intervals(array.support),
        on_unsorted=on_unsorted,
    )


def _from_neo(trains: list[Any], on_unsorted: str) -> SpikeTrains:
    times = [np.asarray(t.rescale("s").magnitude, dtype=np.float64) for t in trains]
    start = min(float(t.t_start.rescale("s")) for t in trains)
    # neo includes t_stop in a train.
    stop = np.nextafter(max(float(t.t_stop.rescale("s")) for t in trains), np.inf)
    annotations = [dict(t.annotations) for t in trains]
    ids = [a.pop("unit_id", i) for i, a in enumerate(annotations)]
    if len({*map(str, ids)}) != len(ids):
        ids = list(range(len(trains)))
    metadata = annotations if any(annotations) else None
    return SpikeTrains.from_list(
        times, ids, Intervals([[start, stop]]), metadata, on_unsorted=on_unsorted
    )
