"""When did something hold? Sorted time intervals with an algebra and a row of labels each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import import_extra
from cofire._validate import BoolArray, FloatArray, IntArray, one_of, positive, real, vector
from cofire.errors import DataWarning, InvalidArgumentError
from cofire.types._edges import edge_pairs, merge_edges, touching_pairs
from cofire.types._metadata import make_table, positions, query_mask

if TYPE_CHECKING:
    import pandas as pd


class Intervals:
    """Time intervals ``[start, stop)`` in seconds, sorted by start.

    Parameters
    ----------
    starts_stops : array_like (n, 2), s
        Row i is ``(start, stop)``; ``stop >= start``, zero length is legal. An empty list is no
        interval. Infinite edges are legal, NaN is not.
    metadata : DataFrame or mapping of column to values, optional
        One row per interval, by position; follows it through sorting, selection, ``&``, expansion.
    on_overlap : {"error", "merge", "keep"}
        What to do when intervals overlap (touching is not overlapping). Merging drops `metadata`
        if anything merges.
    domain : (start, stop) or array_like (k, 2), optional
        Where the complement ``~`` lives; default unbounded.

    Raises
    ------
    InvalidArgumentError
        Wrong shape, NaN, ``stop < start``, or overlap with ``on_overlap="error"``.

    Notes
    -----
    ``A & B`` holds all pairwise pieces (touching intervals give none), in order of A, not merged
    across intervals of A: a clipped interval has a new start. ``A | B`` is the merged union,
    ``~A`` the complement within the domain, ``A - B`` is ``A & ~B``, ``A + B`` the concatenation
    without merging. ``A + x`` and ``A - x`` with a number expand and shrink both edges by x s.
    ``t in A`` is closed at both ends. ``A[i]`` takes integers, slices, masks and lists; ``A[B]``
    with intervals is ``A & B``.

    Examples
    --------
    >>> import cofire as cf
    >>> nrem = cf.Intervals([[0.0, 10.0], [20.0, 30.0]])
    >>> ripples = cf.Intervals([[9.5, 10.5], [12.0, 12.1], [25.0, 25.2]])
    >>> (ripples & nrem).data.tolist()
    [[9.5, 10.0], [25.0, 25.2]]
    >>> (~nrem).data.tolist()
    [[-inf, 0.0], [10.0, 20.0], [30.0, inf]]
    """

    __slots__ = ("_data", "_domain", "_metadata")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        starts_stops: Any,
        *,
        metadata: Any = None,
        on_overlap: str = "error",
        domain: Any = None,
    ) -> None:
        one_of(on_overlap, "on_overlap", ("error", "merge", "keep"))
        data = edge_pairs(starts_stops, "starts_stops")
        table = make_table(metadata, np.arange(len(data)), "metadata", "interval")
        order = np.lexsort((data[:, 1], data[:, 0]))
        if not np.array_equal(order, np.arange(len(data))):
            data = data[order]
            table = None if table is None else table.iloc[order].reset_index(drop=True)
        if on_overlap != "keep" and len(data) > 1:
            overlap = data[1:, 0] < np.maximum.accumulate(data[:-1, 1])
            if overlap.any():
                if on_overlap == "error":
                    i = int(np.flatnonzero(overlap)[0])
                    j = int(np.argmax(data[: i + 1, 1]))
                    raise InvalidArgumentError(
                        f"intervals overlap: [{data[j, 0]:g}, {data[j, 1]:g}) and "
                        f"[{data[i + 1, 0]:g}, {data[i + 1, 1]:g}) s; pass "
                        'on_overlap="merge" or on_overlap="keep"'
                    )
                data, table = merge_edges(data, 0.0), None
        data = np.ascontiguousarray(data)
        data.flags.writeable = False
        self._data: FloatArray = data
        self._metadata = table
        self._domain: FloatArray | None = None
        if domain is not None:
            edges = domain.data if isinstance(domain, Intervals) else edge_pairs(domain, "domain")
            self._domain = merge_edges(edges[np.argsort(edges[:, 0], kind="stable")], 0.0)

    # --- what is in it ----------------------------------------------------------------------------

    @property
    def data(self) -> FloatArray:
        """Starts and stops, (n, 2) float64, s, read-only."""
        return self._data

    @property
    def starts(self) -> FloatArray:
        """Starts, (n,) float64, s."""
        return self._data[:, 0]

    @property
    def stops(self) -> FloatArray:
        """Stops, (n,) float64, s."""
        return self._data[:, 1]

    @property
    def durations(self) -> FloatArray:
        """Length of each interval, (n,) float64, s."""
        return self._data[:, 1] - self._data[:, 0]

    @property
    def centers(self) -> FloatArray:
        """Middle of each interval, (n,) float64, s."""
        return 0.5 * (self._data[:, 0] + self._data[:, 1])

    @property
    def total_duration(self) -> float:
        """Time covered by the merged intervals, s."""
        merged = merge_edges(self._data, 0.0)
        return float((merged[:, 1] - merged[:, 0]).sum())

    @property
    def metadata(self) -> pd.DataFrame:
        """Table with a row per interval (no columns if none were given)."""
        import pandas as pd

        if self._metadata is None:
            return pd.DataFrame(index=pd.RangeIndex(len(self)))
        return self._metadata

    @property
    def domain(self) -> FloatArray | None:
        """Where the complement lives, (k, 2) float64, s; None is unbounded."""
        return self._domain

    @property
    def is_disjoint(self) -> bool:
        """Whether no two intervals overlap (touching is allowed)."""
        stops = np.maximum.accumulate(self._data[:-1, 1]) if len(self) else self._data[:0, 1]
        return bool((self._data[1:, 0] >= stops).all())

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter([(float(a), float(b)) for a, b in self._data])

    def __repr__(self) -> str:
        if not len(self):
            return "Intervals(empty)"
        first, last = self._data[0, 0], self._data[:, 1].max()
        return f"Intervals({len(self)} in [{first:g}, {last:g}] s, {self.total_duration:g} s)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Intervals):
            return NotImplemented
        return np.array_equal(self._data, other._data)

    # --- selecting --------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Intervals:
        if isinstance(key, Intervals):
            return self & key
        return self._take(positions(key, len(self), "interval"))

    def select(self, selector: Any) -> Intervals:
        """Keep some intervals.

        Parameters
        ----------
        selector : str, mask, slice, int or list of int
            A string is a pandas query on :attr:`metadata` together with the columns ``start``,
            ``stop`` and ``duration``, for example ``"environment == 'linear'"``.
        """
        if isinstance(selector, str):
            return self._take(np.flatnonzero(query_mask(self.to_frame(), selector, "interval")))
        return self[selector]

    def contains(self, times: Any, closed: str = "both") -> BoolArray:
        """Whether each time lies in an interval.

        Parameters
        ----------
        times : array_like (m,), s
            In any order; NaN lies nowhere.
        closed : {"both", "left"}
            Whether a stop belongs to its interval.
        """
        return self.index_of(times, closed) >= 0

    def index_of(self, times: Any, closed: str = "both") -> IntArray:
        """Position of the interval that holds each time, -1 outside, (m,) int64.

        Where intervals touch or overlap, the last one owns the time.
        """
        one_of(closed, "closed", ("both", "left"))
        t = vector(times, "times", finite=False)
        if not len(self):
            return np.full(len(t), -1, dtype=np.int64)
        if self.is_disjoint:
            index = np.searchsorted(self.starts, t, side="right") - 1
            stops = self.stops[np.maximum(index, 0)]
            inside = (t <= stops) if closed == "both" else (t < stops)
            return np.where((index >= 0) & inside, index, -1)
        order = np.argsort(t, kind="stable")
        sorted_t = t[order]
        first = np.searchsorted(sorted_t, self.starts, side="left")
        last = np.searchsorted(sorted_t, self.stops, side="right" if closed == "both" else "left")
        index = np.full(len(t), -1, dtype=np.int64)
        for i, (a, b) in enumerate(zip(first, last, strict=True)):
            index[a:b] = i
        out = np.empty_like(index)
        out[order] = index
        return out

    def __contains__(self, time: object) -> bool:
        return bool(self.contains(np.array([time], dtype=np.float64))[0])

    # --- algebra ----------------------------------------------------------------------------------

    def __and__(self, other: Any) -> Intervals:
        b = _operand(other)._data
        a = self._data
        i, j = touching_pairs(a, b)
        pieces = np.column_stack([np.maximum(a[i, 0], b[j, 0]), np.minimum(a[i, 1], b[j, 1])])
        return self._like(pieces, self._rows(i))

    def __or__(self, other: Any) -> Intervals:
        data = np.concatenate([self._data, _operand(other)._data])
        return Intervals(data, on_overlap="keep", domain=self._domain).merged()

    def __invert__(self) -> Intervals:
        domain = np.array([[-np.inf, np.inf]]) if self._domain is None else self._domain
        merged = merge_edges(self._data, 0.0)
        edges = np.concatenate([[-np.inf], merged.ravel(), [np.inf]]).reshape(-1, 2)
        gaps = Intervals(edges[edges[:, 1] > edges[:, 0]], on_overlap="keep")
        pieces = (Intervals(domain, on_overlap="keep") & gaps)._data
        return Intervals(pieces[pieces[:, 1] > pieces[:, 0]], domain=self._domain)

    def __add__(self, other: Any) -> Intervals:
        if _is_number(other):
            return self.expand(other)
        operand = _operand(other)
        table = None
        if self._metadata is not None or operand._metadata is not None:
            import pandas as pd

            table = pd.concat([self.metadata, operand.metadata], ignore_index=True)
        return self._like(np.concatenate([self._data, operand._data]), table)

    def __sub__(self, other: Any) -> Intervals:
        if _is_number(other):
            return self.shrink(other)
        return self & ~Intervals(_operand(other)._data, on_overlap="keep")

    def merged(self) -> Intervals:
        """Join overlapping and touching intervals; metadata are dropped."""
        return self.merge_gaps(0.0)

    def merge_gaps(self, gap: float) -> Intervals:
        """Join intervals that are at most `gap` seconds apart; metadata are dropped."""
        gap = real(gap, "gap")
        if gap < 0:
            raise InvalidArgumentError(f"gap must not be negative, got {gap:g} s")
        return Intervals(merge_edges(self._data, gap), on_overlap="keep", domain=self._domain)

    def expand(self, amount: float, direction: str = "both") -> Intervals:
        """Move edges outward by `amount` seconds, without clipping or merging.

        Parameters
        ----------
        amount : float, s
            Negative amounts shrink.
        direction : {"both", "start", "stop"}
            Which edges move.

        Raises
        ------
        InvalidArgumentError
            If an interval would invert.
        """
        amount = real(amount, "amount")
        one_of(direction, "direction", ("both", "start", "stop"))
        data = self._data.copy()
        if direction != "stop":
            data[:, 0] -= amount
        if direction != "start":
            data[:, 1] += amount
        inverted = np.flatnonzero(data[:, 1] < data[:, 0])
        if len(inverted):
            i = int(inverted[0])
            raise InvalidArgumentError(
                f"shrinking by {-amount:g} s inverts interval {i} "
                f"[{self._data[i, 0]:g}, {self._data[i, 1]:g}); "
                "select longer intervals first"
            )
        return self._like(data, self._metadata)

    def shrink(self, amount: float, direction: str = "both") -> Intervals:
        """Move edges inward by `amount` seconds; see :meth:`expand`."""
        return self.expand(-real(amount, "amount"), direction)

    # --- relations between two sets ---------------------------------------------------------------

    def overlap_with(self, other: Any, *, total: bool = False) -> FloatArray:
        """Seconds that each interval shares with `other`, (n,) float64.

        Parameters
        ----------
        other : Intervals or array_like (m, 2)
            The intervals to compare with.
        total : bool
            False: with the first interval of `other` that touches or overlaps it (the convention
            of neuro_py's ``find_intersecting_intervals``). True: with all of them.
        """
        b = _operand(other)._data
        if total:
            merged = merge_edges(b, 0.0)
            i, j = touching_pairs(self._data, merged)
            shared = np.minimum(self.stops[i], merged[j, 1]) - np.maximum(
                self.starts[i], merged[j, 0]
            )
            return np.bincount(i, weights=shared, minlength=len(self)).astype(np.float64)
        if not len(b):
            return np.zeros(len(self))
        # First j with b1_j >= a0; it touches if also b0_j <= a1.
        first = np.searchsorted(np.maximum.accumulate(b[:, 1]), self.starts, side="left")
        j = np.minimum(first, len(b) - 1)
        touches = (first < len(b)) & (b[j, 0] <= self.stops)
        shared = np.minimum(self.stops, b[j, 1]) - np.maximum(self.starts, b[j, 0])
        return np.where(touches, np.maximum(shared, 0.0), 0.0)

    def overlapping(self, other: Any) -> Intervals:
        """Intervals that have a piece in common with `other`, unclipped.

        As in ``A & B``: touching does not count, an event of no length inside an interval does.
        """
        i, _ = touching_pairs(self._data, _operand(other)._data)
        return self._take(np.unique(i))

    def within(self, other: Any) -> Intervals:
        """Intervals that lie wholly inside the first interval of `other` they touch."""
        operand = _operand(other)
        inside = self.overlap_with(operand) == self.durations
        # An event of no length shares 0 s with everything: it must lie in an interval.
        instants = self.durations == 0
        inside[instants] = operand.contains(self.starts[instants])
        return self[inside]

    # --- cutting ----------------------------------------------------------------------------------

    def truncate(self, duration: float) -> Intervals:
        """Keep the first `duration` seconds: whole intervals, then the head of the next one."""
        duration = real(duration, "duration")
        cumulative = np.cumsum(self.durations)
        n_whole = int(np.searchsorted(cumulative, duration, side="right"))
        kept = self._take(np.arange(min(n_whole + 1, len(self))))
        if n_whole >= len(self):
            return kept
        left = duration - (cumulative[n_whole - 1] if n_whole else 0.0)
        if left <= 0:
            return kept[:-1]
        data = kept._data.copy()
        data[-1, 1] = data[-1, 0] + left
        return self._like(data, kept._metadata)

    def split(self, width: float) -> Intervals:
        """Cut every interval into pieces of `width` seconds; the last one may be shorter."""
        width = positive(width, "width", "s")
        if not np.isfinite(self._data).all():
            raise InvalidArgumentError(
                "only bounded intervals can be split; clip them first: intervals & [[start, stop]]"
            )
        pieces: list[FloatArray] = [np.zeros((0, 2))]
        rows: list[int] = []
        for i, (start, stop) in enumerate(self._data):
            # Rounding may let arange reach the stop.
            cuts = np.arange(start, stop, width)
            edges = np.append(cuts[cuts < stop], stop)
            pieces.append(np.column_stack([edges[:-1], edges[1:]]))
            rows.extend([i] * (len(edges) - 1))
        return self._like(np.concatenate(pieces), self._rows(np.array(rows, dtype=np.int64)))

    def remove_gaps(self, times: Any) -> FloatArray:
        """Times measured along the intervals alone: the first start is 0, gaps have no length.

        Times outside are NaN.
        """
        t = vector(times, "times", finite=False)
        index = self.index_of(t)
        gaps = np.concatenate([[0.0], np.cumsum(self.starts[1:] - self.stops[:-1])])
        out = np.full(len(t), np.nan)
        inside = index >= 0
        if inside.any():
            out[inside] = t[inside] - gaps[index[inside]] - self._data[0, 0]
        return out

    # --- to other libraries -----------------------------------------------------------------------

    def to_frame(self) -> pd.DataFrame:
        """Columns ``start``, ``stop``, ``duration`` (s), then the metadata."""
        import pandas as pd

        frame = pd.DataFrame({"start": self.starts, "stop": self.stops, "duration": self.durations})
        if self._metadata is not None:
            for column in self._metadata.columns.difference(frame.columns, sort=False):
                frame[column] = self._metadata[column].to_numpy()
        return frame

    def to_pynapple(self) -> Any:
        """Convert to a pynapple ``IntervalSet``.

        pynapple knows no intervals of zero length: they are left out with a
        :class:`~cofire.errors.DataWarning`. It merges overlapping intervals, without metadata, and
        shortens an interval that touches the next one by 1 us.
        """
        nap = import_extra("pynapple", "interop", "Intervals.to_pynapple")
        long = self[self.durations > 0]
        if len(long) < len(self):
            warnings.warn(
                f"{len(self) - len(long)} intervals of zero length have no place in a pynapple "
                "IntervalSet and are left out; their starts make a Ts",
                DataWarning,
                stacklevel=2,
            )
        if not long.is_disjoint:
            long = long.merged()
        table = None if long._metadata is None else long._metadata.rename(columns=str)
        return nap.IntervalSet(long.starts, long.stops, metadata=table)

    def to_neo(self) -> Any:
        """Convert to a neo ``Epoch``; the column ``label`` becomes its labels."""
        neo = import_extra("neo", "interop", "Intervals.to_neo")
        labels = None
        if self._metadata is not None and "label" in self._metadata.columns:
            labels = self._metadata["label"].to_numpy().astype(str)
        return neo.Epoch(
            times=self.starts.copy(), durations=self.durations, labels=labels, units="s"
        )

    def to_nelpy(self) -> Any:
        """Convert to a nelpy ``EpochArray``."""
        nelpy = import_extra("nelpy", None, "Intervals.to_nelpy")
        domain = None if self._domain is None else nelpy.EpochArray(self._domain.copy())
        return nelpy.EpochArray(self._data.copy(), domain=domain)

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        # Arrays come out of a pickle or a deep copy writable.
        for name, value in state[1].items():
            setattr(self, name, value)
        self._data.flags.writeable = False

    # --- internal ---------------------------------------------------------------------------------

    def _rows(self, index: IntArray) -> pd.DataFrame | None:
        if self._metadata is None:
            return None
        return self._metadata.iloc[index].reset_index(drop=True)

    def _take(self, index: IntArray) -> Intervals:
        return self._like(self._data[index], self._rows(index))

    def _like(self, data: FloatArray, metadata: pd.DataFrame | None) -> Intervals:
        return Intervals(data, metadata=metadata, on_overlap="keep", domain=self._domain)


def _operand(other: Any) -> Intervals:
    if isinstance(other, Intervals):
        return other
    from cofire.types.convert import as_intervals

    return as_intervals(other, "the other operand")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
