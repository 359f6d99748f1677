"""What people already have, as cofire's containers: lists, dicts, pynapple, nelpy, neo, pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cofire._validate import FloatArray
from cofire.errors import InvalidTypeError
from cofire.types._edges import edge_pairs
from cofire.types.intervals import Intervals
from cofire.types.spike_trains import SpikeTrains
from cofire.types.traces import Traces

_EDGE_COLUMNS = (
    ("start", "stop"),
    ("start_time", "stop_time"),
    ("startTime", "stopTime"),
    ("start", "end"),
)


def as_spike_trains(
    spikes: Any, *, on_unsorted: str = "error", argument: str = "spikes"
) -> SpikeTrains:
    """Convert anything that holds spike trains.

    Parameters
    ----------
    spikes : SpikeTrains, list of array, dict id -> array, tuple (times, labels), pynapple TsGroup
        or Ts, nelpy SpikeTrainArray or list of neo SpikeTrain. A single 1-D array is one unit. A
        tuple of two arrays of one length, the second of integers or strings, is (times, labels):
        times in any order and the unit of each spike. Any other tuple is a list of trains.
    on_unsorted : {"error", "sort"}
        What to do with a train that is not sorted.
    argument : str
        Name of the argument for error messages.

    Returns
    -------
    SpikeTrains
        Unit ids, support and unit table are kept where the source has them; the id of a neo train
        is its annotation ``unit_id``, if all trains have one. pynapple and neo count
        a spike at the very end of their support; the stop of the support is then the next larger
        number, so that the spike stays inside ``[start, stop)``.

    Examples
    --------
    >>> from cofire.types import as_spike_trains
    >>> as_spike_trains(([0.3, 0.1, 0.2], [7, 7, 9])).to_dict()
    {7: array([0.1, 0.3]), 9: array([0.2])}
    """
    if isinstance(spikes, SpikeTrains):
        return spikes
    if hasattr(spikes, "time_support") and hasattr(spikes, "keys"):
        return _from_pynapple({unit: spikes[unit] for unit in spikes.keys()}, spikes)  # noqa: SIM118
    if hasattr(spikes, "time_support") and hasattr(spikes, "times"):
        return _from_pynapple({0: spikes}, spikes)
    if hasattr(spikes, "series_ids") and hasattr(spikes, "support"):
        return _from_nelpy(spikes, on_unsorted)
    if isinstance(spikes, Mapping):
        return SpikeTrains.from_dict(spikes, on_unsorted=on_unsorted)
    if _is_pairs(spikes):
        return SpikeTrains.from_pairs(*spikes)
    if isinstance(spikes, np.ndarray) and spikes.ndim == 1 and spikes.dtype.kind in "fiu":
        return SpikeTrains.from_list([spikes], on_unsorted=on_unsorted)
    is_matrix = isinstance(spikes, np.ndarray) and spikes.ndim != 1
    if isinstance(spikes, Iterable) and not isinstance(spikes, (str, bytes)) and not is_matrix:
        trains = list(spikes)
        if trains and all(hasattr(t, "t_start") and hasattr(t, "rescale") for t in trains):
            return _from_neo(trains, on_unsorted)
        if all(np.ndim(t) == 1 for t in trains):
            return SpikeTrains.from_list(trains, on_unsorted=on_unsorted)
    what = type(spikes).__name__
    if is_matrix:
        what = f"an array of shape {spikes.shape} (counts are not spike times)"
    raise InvalidTypeError(
        f"{argument} must be SpikeTrains, a list of 1-D arrays (one per unit), a dict of unit id "
        "to array, a tuple (times, labels), a pynapple TsGroup, a nelpy SpikeTrainArray or a list "
        f"of neo SpikeTrain; got {what}"
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


def as_traces(signal: Any, argument: str = "signal") -> Traces:
    """Convert anything that holds sampled signals together with their times.

    Parameters
    ----------
    signal : Traces, pynapple Tsd or TsdFrame, nelpy AnalogSignalArray, neo AnalogSignal or
        IrregularlySampledSignal, or a DataFrame or Series indexed by time (s).
    argument : str
        Name of the argument for error messages.

    Returns
    -------
    Traces
        Of a neo AnalogSignal with its rate, of the others with their times.
    """
    if isinstance(signal, Traces):
        return signal
    if hasattr(signal, "time_support") and hasattr(signal, "values"):  # pynapple
        return Traces(
            np.asarray(signal.values),
            times=np.asarray(signal.times()),
            columns=getattr(signal, "columns", None),
            support=as_intervals(signal.time_support),
        )
    if hasattr(signal, "abscissa_vals"):  # nelpy
        return Traces(
            np.asarray(signal.data).T,
            times=np.asarray(signal.abscissa_vals),
            support=as_intervals(signal.support),
        )
    if hasattr(signal, "magnitude") and hasattr(signal, "t_start"):  # neo
        names = signal.array_annotations.get("channel_names")
        values = np.asarray(signal.magnitude)
        if hasattr(signal, "sampling_rate") and hasattr(signal, "sampling_period"):
            rate = float(signal.sampling_rate.rescale("Hz"))
            start = float(signal.t_start.rescale("s"))
            return Traces(values, rate=rate, t_start=start, columns=names)
        times = np.asarray(signal.times.rescale("s").magnitude)
        return Traces(values, times=times, columns=names)
    if hasattr(signal, "to_numpy") and hasattr(signal, "index"):  # pandas
        return Traces(
            signal.to_numpy(),
            times=np.asarray(signal.index, dtype=np.float64),
            columns=np.asarray(signal.columns) if hasattr(signal, "columns") else None,
        )
    raise InvalidTypeError(
        f"{argument} must be Traces, a pynapple Tsd or TsdFrame, a nelpy AnalogSignalArray, a neo "
        f"AnalogSignal or a DataFrame indexed by time; got {type(signal).__name__}; "
        "for an array write Traces(values, rate=...)"
    )


def _as_intervals(intervals: Any, argument: str) -> Intervals:
    if isinstance(intervals, Intervals):
        return intervals
    if hasattr(intervals, "columns") and hasattr(intervals, "iloc"):
        return _from_table(intervals, argument)
    if hasattr(intervals, "start") and hasattr(intervals, "end"):  # pynapple
        metadata = getattr(intervals, "metadata", None)
        has_metadata = metadata is not None and len(getattr(metadata, "columns", ())) > 0
        data = np.column_stack([np.asarray(intervals.start), np.asarray(intervals.end)])
        return Intervals(data, metadata=metadata if has_metadata else None, on_overlap="keep")
    if hasattr(intervals, "n_epochs") and hasattr(intervals, "data"):  # nelpy
        domain = getattr(intervals, "domain", None)
        edges = None if domain is None else np.asarray(domain.data, dtype=np.float64)
        # nelpy's default domain reaches from about -2**63 to infinity.
        bounded = edges is not None and len(edges) and np.abs(edges).max() < 2.0**62
        return Intervals(
            np.asarray(intervals.data), on_overlap="keep", domain=edges if bounded else None
        )
    if hasattr(intervals, "durations") and hasattr(intervals, "rescale"):  # neo
        first = np.asarray(intervals.rescale("s").magnitude, dtype=np.float64)
        length = np.asarray(intervals.durations.rescale("s").magnitude, dtype=np.float64)
        labels = np.asarray(intervals.labels)
        metadata = {"label": labels} if len(labels) == len(first) and len(first) else None
        return Intervals(
            np.column_stack([first, first + length]), metadata=metadata, on_overlap="keep"
        )
    try:
        return Intervals(edge_pairs(intervals, argument), on_overlap="keep")
    except InvalidTypeError as error:
        raise InvalidTypeError(
            f"{argument} must be Intervals, an (n, 2) array in seconds, a pynapple IntervalSet, a "
            f"nelpy EpochArray or a table with start and stop; got {type(intervals).__name__}"
        ) from error


def _from_table(table: Any, argument: str) -> Intervals:
    for start, stop in _EDGE_COLUMNS:
        if start in table.columns and stop in table.columns:
            others = table.drop(columns=[start, stop, "duration"], errors="ignore")
            return Intervals(
                table[[start, stop]].to_numpy(dtype=np.float64),
                metadata=others if len(others.columns) else None,
                on_overlap="keep",
            )
    raise InvalidTypeError(
        f"{argument}: a DataFrame needs columns start and stop, got {list(table.columns)}"
    )


def _is_pairs(spikes: Any) -> bool:
    if not isinstance(spikes, tuple) or len(spikes) != 2:
        return False
    if any(hasattr(part, "rescale") for part in spikes):
        return False
    times, labels = (np.asarray(part) if np.ndim(part) == 1 else None for part in spikes)
    if times is None or labels is None or times.shape != labels.shape or not len(times):
        return False
    return labels.dtype.kind in "iuU" or isinstance(labels[0], str)


def _closed(support: FloatArray, trains: list[FloatArray]) -> Intervals:
    """Intervals that include their stop, as half-open ones that hold the same spikes."""
    edges = np.array(support, dtype=np.float64)
    spikes = np.concatenate([np.zeros(0), *trains])
    occupied = np.isin(edges[:, 1], spikes)
    edges[occupied, 1] = np.nextafter(edges[occupied, 1], np.inf)
    return Intervals(edges, on_overlap="merge")


def _from_pynapple(members: dict[Any, Any], source: Any) -> SpikeTrains:
    trains = [np.asarray(member.times()) for member in members.values()]
    support = _closed(as_intervals(source.time_support).data, trains)
    table = getattr(source, "metadata", None) if hasattr(source, "keys") else None
    if table is not None:
        table = table.drop(columns=["rate"], errors="ignore")
        table = table if len(table.columns) else None
    return SpikeTrains.from_list(trains, list(members), support, table)


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
    stop = max(float(t.t_stop.rescale("s")) for t in trains)
    annotations = [dict(t.annotations) for t in trains]
    ids = list(range(len(trains)))
    # Ids that some trains lack cannot be told from positions: they stay a column.
    if all("unit_id" in a for a in annotations):
        ids = [a.pop("unit_id") for a in annotations]
    metadata = annotations if any(annotations) else None
    support = _closed(np.array([[start, stop]]), times)
    return SpikeTrains.from_list(times, ids, support, metadata, on_unsorted=on_unsorted)
