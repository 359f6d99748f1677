"""Who fired when? Spike trains of many units in one flat array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from cofire import _core
from cofire._optional import import_extra
from cofire._validate import AnyArray, FloatArray, IntArray, one_of, positive
from cofire.errors import (
    InvalidArgumentError,
    InvalidTypeError,
)
from cofire.types._checks import (
    all_inside,
    checked,
    ids_array,
    merged_support,
    n_threads,
    offsets_array,
    read_only,
    times_array,
)
from cofire.types._metadata import id_positions, make_table, positions
from cofire.types.intervals import Intervals

if TYPE_CHECKING:
    import pandas as pd

SAMPLING_RATE = 30_000.0
"""Clock (Hz) that closes a support which nobody gave: one tick after the last spike."""


class SpikeTrains:
    """Spike times of many units, one sorted train a unit, silent units included.

    Parameters
    ----------
    times : array_like (n_spikes,), s
        All trains, unit after unit, each sorted. Duplicates are legal and all count.
    offsets : array_like (n_units + 1,) int
        Train i is ``times[offsets[i]:offsets[i + 1]]``.
    unit_ids : array_like (n_units,) of int or str, optional
        Unique labels; default 0..n_units-1. They survive every selection.
    support : Intervals or array_like (n, 2), s, optional
        Where data exist; merged. Spikes outside every ``[start, stop)`` are dropped. Not given:
        :attr:`support` is None and functions that need one say so or use
        :meth:`support_or_span`.
    metadata : DataFrame or mapping of column to values, optional
        A row a unit (region, cell type, ...). A DataFrame indexed by the given `unit_ids` is
        brought into their order; anything else goes by position.
    on_unsorted : {"error", "sort"}
        What to do with a train that is not sorted.

    Raises
    ------
    SpikeTimeError
        NaN or infinite times, or unsorted ones with ``on_unsorted="error"``.
    DuplicateIdError
        Two units with one id.

    Examples
    --------
    >>> import cofire as cf
    >>> spikes = cf.SpikeTrains.from_list([[0.1, 0.4], [], [0.2]], unit_ids=[7, 8, 9])
    >>> spikes
    SpikeTrains(3 units, 3 spikes)
    >>> spikes.select([9, 7])[0]
    array([0.2])
    >>> spikes.restrict([[0.0, 0.3]]).counts.tolist()
    [1, 0, 1]
    """

    __slots__ = ("_metadata", "_offsets", "_support", "_times", "_unit_ids")

    def __init__(
        self,
        times: Any,
        offsets: Any,
        unit_ids: Any = None,
        support: Any = None,
        metadata: Any = None,
        *,
        on_unsorted: str = "error",
    ) -> None:
        one_of(on_unsorted, "on_unsorted", ("error", "sort"))
        flat = times_array(times)
        ends = offsets_array(offsets, len(flat))
        ids = ids_array(unit_ids, len(ends) - 1)
        flat = checked(flat, ends, ids, on_unsorted)
        intervals = None if support is None else merged_support(support)
        if intervals is not None and not all_inside(flat, ends, intervals):
            flat, ends = _core.restrict(flat, ends, intervals.data, n_threads(flat))
        # Without ids there are no labels that a table could be aligned with.
        by_label = unit_ids is not None
        table = make_table(metadata, ids, "metadata", "unit", by_label=by_label)
        self._set(flat, ends, ids, intervals, table)

    def _set(
        self,
        times: FloatArray,
        offsets: IntArray,
        unit_ids: AnyArray,
        support: Intervals | None,
        metadata: pd.DataFrame | None,
    ) -> None:
        self._times: FloatArray = read_only(times)
        self._offsets: IntArray = read_only(offsets)
        self._unit_ids: AnyArray = read_only(unit_ids)
        self._support = support
        self._metadata = metadata

    @classmethod
    def _trusted(
        cls,
        times: FloatArray,
        offsets: IntArray,
        unit_ids: AnyArray,
        support: Intervals | None,
        metadata: pd.DataFrame | None,
    ) -> SpikeTrains:
        """Build from parts that are known to be valid."""
        trains = cls.__new__(cls)
        trains._set(times, offsets, unit_ids, support, metadata)
        return trains

    # --- constructors -----------------------------------------------------------------------------

    @classmethod
    def from_list(
        cls,
        arrays: Iterable[Any],
        unit_ids: Any = None,
        support: Any = None,
        metadata: Any = None,
        *,
        on_unsorted: str = "error",
    ) -> SpikeTrains:
        """Build from one array of spike times (s) per unit."""
        trains = [times_array(a, f"spikes[{i}]") for i, a in enumerate(arrays)]
        offsets = np.concatenate([[0], np.cumsum([len(t) for t in trains], dtype=np.int64)])
        times = np.concatenate([np.zeros(0), *trains])
        return cls(times, offsets, unit_ids, support, metadata, on_unsorted=on_unsorted)

    @classmethod
    def from_dict(
        cls,
        trains: Mapping[Any, Any],
        support: Any = None,
        metadata: Any = None,
        *,
        on_unsorted: str = "error",
    ) -> SpikeTrains:
        """Build from a mapping of unit id to spike times (s), in the mapping's order."""
        return cls.from_list(
            trains.values(), list(trains.keys()), support, metadata, on_unsorted=on_unsorted
        )

    @classmethod
    def from_pairs(
        cls,
        times: Any,
        labels: Any,
        unit_ids: Any = None,
        support: Any = None,
        metadata: Any = None,
    ) -> SpikeTrains:
        """Build from spike times in any order and the unit of each spike.

        Parameters
        ----------
        times : array_like (n_spikes,), s
            In any order; each unit is sorted.
        labels : array_like (n_spikes,)
            Unit id of each spike.
        unit_ids : array_like, optional
            The units to keep, in this order, silent ones included; default the sorted labels.
        """
        flat = times_array(times)
        label = np.asarray(labels)
        if label.shape != flat.shape:
            raise InvalidArgumentError(
                f"times and labels must have the same length, got {len(flat)} and {label.shape}"
            )
        if unit_ids is None:
            ids, position = np.unique(label, return_inverse=True)
            if label.dtype.kind == "O" and not all(isinstance(unit, str) for unit in ids):
                raise InvalidTypeError("labels must be integers or strings")
        else:
            ids = ids_array(unit_ids, None)
            known, inverse = np.unique(label, return_inverse=True)
            where = {unit: k for k, unit in enumerate(ids.tolist())}
            lookup = np.array([where.get(unit, -1) for unit in known.tolist()], dtype=np.int64)
            position = lookup[inverse] if len(known) else np.zeros(0, dtype=np.int64)
            keep = position >= 0
            flat, position = flat[keep], position[keep]
        order = np.lexsort((flat, position))
        counts = np.bincount(position, minlength=len(ids))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(flat[order], offsets, ids, support, metadata)

    # --- what is in it ----------------------------------------------------------------------------

    @property
    def times(self) -> FloatArray:
        """All spike times, unit after unit, (n_spikes,) float64, s, read-only."""
        return self._times

    @property
    def offsets(self) -> IntArray:
        """Train i is ``times[offsets[i]:offsets[i + 1]]``; (n_units + 1,) int64."""
        return self._offsets

    @property
    def unit_ids(self) -> AnyArray:
        """Labels of the units, (n_units,) int64 or str."""
        return self._unit_ids

    @property
    def support(self) -> Intervals | None:
        """Where data exist (merged), or None if nobody said."""
        return self._support

    @property
    def metadata(self) -> pd.DataFrame:
        """Table with a row per unit, indexed by unit id."""
        import pandas as pd

        if self._metadata is None:
            return pd.DataFrame(index=pd.Index(self._unit_ids))
        return self._metadata

    @property
    def n_units(self) -> int:
        """Number of units, silent ones included."""
        return len(self._unit_ids)

    @property
    def n_active(self) -> int:
        """Number of units with at least one spike."""
        return int((self.counts > 0).sum())

    @property
    def n_spikes(self) -> int:
        """Number of spikes of all units."""
        return len(self._times)

    @property
    def counts(self) -> IntArray:
        """Number of spikes of each unit, (n_units,) int64."""
        counts: IntArray = np.diff(self._offsets)
        return counts

    def support_or_span(self, fs: float = SAMPLING_RATE) -> Intervals:
        """Return the support; if none was given, ``[first spike, last spike + 1/fs)``."""
        if self._support is not None:
            return self._support
        if not self.n_spikes:
            return Intervals([])
        fs = positive(fs, "fs", "Hz")
        active = self.counts > 0
        first = self._times[self._offsets[:-1][active]].min()
        last = self._times[self._offsets[1:][active] - 1].max()
        return Intervals([[first, last + 1.0 / fs]])

    def rates(self) -> FloatArray:
        """Spikes per second of support of each unit, (n_units,) float64; NaN without time."""
        duration = self.support_or_span().total_duration
        if duration == 0:
            return np.full(self.n_units, np.nan)
        return self.counts / duration

    def __len__(self) -> int:
        return self.n_units

    def __iter__(self) -> Iterator[FloatArray]:
        return (self[i] for i in range(self.n_units))

    def __repr__(self) -> str:
        text = f"SpikeTrains({self.n_units} units, {self.n_spikes} spikes"
        if self._support is not None:
            text += f", {self._support.total_duration:g} s in {len(self._support)} epochs"
        return text + ")"

    # --- selecting --------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int) -> FloatArray: ...
    @overload
    def __getitem__(self, key: slice | Intervals) -> SpikeTrains: ...
    def __getitem__(self, key: int | slice | Intervals) -> FloatArray | SpikeTrains:
        """``[i]``: times of the i-th unit (view); a slice: those units; Intervals: restricted."""
        if isinstance(key, slice):
            return self._take(positions(key, self.n_units, "unit"))
        if isinstance(key, Intervals):
            return self.restrict(key)
        # Arrays have __index__, and refuse to be one with a message about dimensions.
        if isinstance(key, (bool, np.ndarray)) or not hasattr(key, "__index__"):
            raise InvalidTypeError(
                f"spikes[...] takes a position, a slice or Intervals, got {key!r}; "
                "use .select(mask, ids or query) to choose units"
            )
        i = int(key)
        if not -self.n_units <= i < self.n_units:
            raise IndexError(f"unit {i} is out of range: there are {self.n_units}")
        i %= self.n_units
        train: FloatArray = self._times[self._offsets[i] : self._offsets[i + 1]]
        return train

    def select(self, units: Any) -> SpikeTrains:
        """Keep some units, in the given order; ids and metadata go with them.

        Parameters
        ----------
        units : mask (n_units,) bool, list of unit ids, or str
            A string is a pandas query on :attr:`metadata`; the ids are named ``unit_id`` there,
            for example ``"region == 'CA1' and unit_id != 12"``.

        Raises
        ------
        InvalidArgumentError
            Unknown ids, a mask of the wrong length or with missing values, or a query that fails.
        DuplicateIdError
            An id named twice.
        """
        return self._take(id_positions(units, self._unit_ids, lambda: self.metadata))

    def restrict(self, intervals: Any) -> SpikeTrains:
        """Keep the spikes inside ``[start, stop)`` of the intervals; every unit is kept.

        The new support is the intersection of the old one and the merged intervals.
        """
        support = merged_support(intervals)
        if self._support is not None:
            support = (self._support & support).merged()
        times, offsets = _core.restrict(
            self._times, self._offsets, support.data, n_threads(self._times)
        )
        return SpikeTrains._trusted(times, offsets, self._unit_ids, support, self._metadata)

    def with_support(self, support: Any) -> SpikeTrains:
        """Return the same trains with another support; spikes outside it are dropped."""
        return SpikeTrains(self._times, self._offsets, self._unit_ids, support, self._metadata)

    def with_metadata(self, metadata: Any) -> SpikeTrains:
        """Return the same trains with another unit table."""
        table = make_table(metadata, self._unit_ids, "metadata", "unit", by_label=True)
        return SpikeTrains._trusted(
            self._times, self._offsets, self._unit_ids, self._support, table
        )

    def with_times(self, times: FloatArray, support: Intervals | None) -> SpikeTrains:
        """Return trains with as many spikes a unit at other times, for code that made them.

        Nothing is checked: `times` (n_spikes,) float64 must be sorted within each unit and lie
        inside the disjoint `support`.
        """
        return SpikeTrains._trusted(times, self._offsets, self._unit_ids, support, self._metadata)

    def merge(self, other: SpikeTrains) -> SpikeTrains:
        """Put the units of two recordings side by side; the supports are united.

        The support is None if one of the two has none.

        Raises
        ------
        DuplicateIdError
            If the two share a unit id.
        InvalidTypeError
            If one has integer ids and the other strings.
        """
        if self.n_units and other.n_units:
            kinds = self._unit_ids.dtype.kind, other._unit_ids.dtype.kind
            if kinds[0] != kinds[1]:
                raise InvalidTypeError(
                    "unit ids of the two recordings must be of one kind: "
                    f"{self._unit_ids.dtype} and {other._unit_ids.dtype}"
                )
            ids = np.concatenate([self._unit_ids, other._unit_ids])
        else:
            ids = self._unit_ids if self.n_units else other._unit_ids
        times = np.concatenate([self._times, other._times])
        offsets = np.concatenate([self._offsets, other._offsets[1:] + self._offsets[-1]])
        if self._support is None or other._support is None:
            support = None
        else:
            support = self._support | other._support
        table = None
        if self._metadata is not None or other._metadata is not None:
            import pandas as pd

            parts = [t for t in (self.metadata, other.metadata) if len(t)]
            table = pd.concat(parts).reset_index(drop=True) if parts else None
        return SpikeTrains(times, offsets, ids, support, table)

    # --- to other forms ---------------------------------------------------------------------------

    def to_list(self) -> list[FloatArray]:
        """One array of times (s) per unit."""
        return list(self)

    def to_dict(self) -> dict[Any, FloatArray]:
        """Unit id to times (s)."""
        return dict(zip(self._unit_ids.tolist(), self, strict=True))

    def to_pairs(self) -> tuple[FloatArray, AnyArray]:
        """Times in order (s) and the unit id of each spike."""
        position = np.repeat(np.arange(self.n_units), self.counts)
        order = np.lexsort((position, self._times))
        return self._times[order], self._unit_ids[position[order]]

    def to_pynapple(self) -> Any:
        """Convert to a pynapple ``TsGroup``, which orders the units by id.

        pynapple rounds times to 1 ns. Unit ids must be integers; the unit table goes along.
        """
        nap = import_extra("pynapple", "interop", "SpikeTrains.to_pynapple")
        if self._unit_ids.dtype.kind != "i":
            raise InvalidArgumentError(
                "pynapple needs integer unit ids and these are strings; make a new SpikeTrains "
                "without unit_ids and keep the strings as a metadata column"
            )
        support = self.support_or_span().to_pynapple()
        group = nap.TsGroup(
            {unit: nap.Ts(t, time_support=support) for unit, t in self.to_dict().items()},
            time_support=support,
        )
        if self._metadata is not None and self.n_units:
            # In the order of the group; its own column "rate" stays.
            table = self._metadata.drop(columns="rate", errors="ignore").sort_index()
            group.set_info(table.rename(columns=str))
        return group

    def to_neo(self) -> Any:
        """Convert to a list of neo ``SpikeTrain``; id and metadata become annotations.

        All of them run from the start to the end of the support: neo knows no gaps.
        """
        import pandas as pd

        neo = import_extra("neo", "interop", "SpikeTrains.to_neo")
        span = self.support_or_span()
        start, stop = (span.starts[0], span.stops[-1]) if len(span) else (0.0, 0.0)
        rows = self.metadata.to_dict("records")
        return [
            neo.SpikeTrain(
                t,
                units="s",
                t_start=start,
                t_stop=stop,
                **{str(k): None if v is pd.NA else v for k, v in row.items()},
                unit_id=unit,
            )
            for (unit, t), row in zip(self.to_dict().items(), rows, strict=True)
        ]

    def to_nelpy(self, fs: float = SAMPLING_RATE) -> Any:
        """Convert to a nelpy ``SpikeTrainArray``."""
        nelpy = import_extra("nelpy", None, "SpikeTrains.to_nelpy")
        return nelpy.SpikeTrainArray(
            [t.copy() for t in self],
            fs=fs,
            unit_ids=self._unit_ids.tolist(),
            support=self.support_or_span(fs).to_nelpy(),
        )

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        # Arrays come out of a pickle or a deep copy writable.
        parts = state[1]
        self._set(*(parts[name] for name in _PARTS))

    def _take(self, index: IntArray) -> SpikeTrains:
        offsets = np.concatenate([[0], np.cumsum(self.counts[index])]).astype(np.int64)
        times = np.concatenate([np.zeros(0), *(self[int(i)] for i in index)])
        table = None if self._metadata is None else self._metadata.iloc[index]
        ids = self._unit_ids[index]
        return SpikeTrains._trusted(times, offsets, ids, self._support, table)


_PARTS = ("_times", "_offsets", "_unit_ids", "_support", "_metadata")
