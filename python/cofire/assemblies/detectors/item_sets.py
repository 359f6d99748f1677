"""Groups of units that are active together in many frames, and how many chance makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import BoolArray, IntArray, integer
from cofire.assemblies._blas import threaded_map
from cofire.errors import InvalidArgumentError, TooLargeError

if TYPE_CHECKING:
    import pandas as pd

MAX_SETS = 1_000_000
_SWAPS_PER_ENTRY = 10
_BLOCK = 25  # surrogates that learn from each other what is not worth searching


@dataclass(frozen=True, slots=True)
class ItemSets:
    """Closed frequent item sets.

    Attributes
    ----------
    units : ndarray (sum of sizes,) int32
        Of all sets, one after the other, ascending within a set.
    offsets : ndarray (n_sets + 1,) int64
        Set k is ``units[offsets[k]:offsets[k + 1]]``.
    support : ndarray (n_sets,) int64
        Number of frames that hold all units of the set.
    n_units : int
        Of the raster.
    """

    units: Any
    offsets: IntArray
    support: IntArray
    n_units: int

    @property
    def size(self) -> IntArray:
        """Number of units of each set, (n_sets,)."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.support)

    def __getitem__(self, k: int) -> IntArray:
        k = range(len(self))[k]
        found: IntArray = self.units[self.offsets[k] : self.offsets[k + 1]].astype(np.int64)
        return found

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each set."""
        import pandas as pd

        return pd.DataFrame(
            {
                "size": self.size,
                "support": self.support,
                "units": [tuple(self[k].tolist()) for k in range(len(self))],
            }
        )

    def __repr__(self) -> str:
        return f"ItemSets({len(self)} closed sets of {self.n_units} units)"


def closed_item_sets(
    raster: Any, *, min_size: int = 2, min_support: int = 6, max_sets: int = MAX_SETS
) -> ItemSets:
    """All closed sets of units that are active together in enough frames.

    A set is closed if every larger one is active together in fewer frames.

    Parameters
    ----------
    raster : array_like (n_frames, n_units) bool
    min_size : int, >= 1
        Units of a set.
    min_support : int, >= 1
        Frames in which all of them are active.
    max_sets : int, >= 1
        More than these are an error: their number can grow exponentially with the units that are
        often active together.

    Returns
    -------
    ItemSets
        In the order of the search.

    Raises
    ------
    TooLargeError
        More than `max_sets`.

    References
    ----------
    Pasquier et al. 1999, doi:10.1007/3-540-49257-7_25 (closed sets); Uno, Kiyomi & Arimura 2004,
    LCM ver. 2 (the search)

    Examples
    --------
    >>> from cofire.assemblies import closed_item_sets
    >>> raster = [[1, 1, 1, 0]] * 3 + [[1, 1, 0, 0]] * 2 + [[0, 0, 0, 1]]
    >>> closed_item_sets(raster, min_support=2).to_frame().values.tolist()
    [[3, 3, (0, 1, 2)], [2, 5, (0, 1)]]
    """
    from cofire.assemblies.detectors._mining import mine

    frames = _bits(raster)
    min_size = integer(min_size, "min_size", 1)
    min_support = integer(min_support, "min_support", 1)
    max_sets = integer(max_sets, "max_sets", 1)
    n_units = frames.shape[1]
    order, ordered = _rare_first(frames)
    indptr, items = _rows(ordered)
    border = np.zeros(n_units + 1, dtype=np.int64)
    room = 2**16  # starting again with more costs more than the memory
    while True:
        n_room = min(room, max_sets)
        supports, ends = np.empty((2, n_room), dtype=np.int64)
        units = np.empty(max(16 * room, n_units), dtype=np.int32)
        state = np.zeros(1, dtype=np.int64)
        found = mine(
            ordered, indptr, items, min_size, min_support, n_room, border, supports, ends, units,
            state,
        )  # fmt: skip
        if found >= 0:
            break
        if room >= 64 * max_sets or -found == max_sets:
            raise TooLargeError(
                f"more than {-found} closed sets of {min_size} or more units are active together "
                f"in {min_support} or more frames: raise min_support or min_size, use a sparser "
                "raster (n_std), or raise max_sets"
            )
        room *= 8
    offsets = np.concatenate([[0], ends[:found]]).astype(np.int64)
    named = order[units[: offsets[-1]]]
    which = np.repeat(np.arange(found), np.diff(offsets))
    named = named[np.lexsort((named, which))].astype(np.int32)
    return ItemSets(named, offsets, supports[:found].copy(), n_units)


def chance_border(
    raster: Any,
    *,
    n_surrogates: int = 1000,
    min_support: int = 6,
    seed: int = 0,
    threads: int | None = None,
) -> IntArray:
    """Largest support of a set of at least each size in any surrogate of a raster.

    Surrogates have the sums of rows and columns of the raster: 10 swaps for each active entry are
    tried.

    Parameters
    ----------
    raster : array_like (n_frames, n_units) bool
    n_surrogates : int, >= 0
    min_support : int, >= 1
        Sets in fewer frames are not looked for.
    seed : int
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    ndarray (n_units + 1,) int64, not increasing; 0 for sizes that no surrogate has
    """
    from cofire.assemblies.detectors._mining import mine, swap

    frames = _rare_first(_bits(raster))[1]
    n_units = frames.shape[1]
    rows, columns = (a.astype(np.int32) for a in np.nonzero(frames))
    n_entries = len(rows)
    nothing, no_units = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
    mine.compile()  # on this thread, before others ask for them
    swap.compile()

    def block(index: int) -> IntArray:
        border = np.zeros(n_units + 1, dtype=np.int64)
        for k in range(index * _BLOCK, min((index + 1) * _BLOCK, n_surrogates)):
            rng = np.random.default_rng([seed, k])
            made, entries = frames.copy(), columns.copy()
            for _ in range(_SWAPS_PER_ENTRY):
                swap(made, rows, entries, rng.integers(0, n_entries, (n_entries, 2)))
            mine(
                made, *_rows(made), 1, min_support, 0, border, nothing, nothing, no_units,
                np.zeros(1, dtype=np.int64),
            )  # fmt: skip
        border[0] = 0
        return border

    if n_entries < 2:
        return np.zeros(n_units + 1, dtype=np.int64)
    found = threaded_map(block, -(-n_surrogates // _BLOCK), threads)
    border: IntArray = np.max([np.zeros(n_units + 1, dtype=np.int64), *found], axis=0)
    return border


def reduced(sets: ItemSets, chosen: IntArray) -> IntArray:
    """Of any two nested sets keep the one with the larger ``(size - 1) * support``.

    A set is dropped if some set that contains it, or that it contains, scores higher; of equal
    scores the larger set stays.

    Parameters
    ----------
    sets : ItemSets
    chosen : ndarray of int64
        Which of them to look at.

    Returns
    -------
    ndarray of int64, the part of `chosen` that stays
    """
    from scipy.sparse import csr_array

    if len(chosen) == 0:
        return chosen
    size = sets.size[chosen]
    score = (size - 1) * sets.support[chosen]
    members = [sets[int(k)] for k in chosen]
    indptr = np.concatenate([[0], np.cumsum(size)])
    incidence: Any = csr_array(
        (np.ones(int(size.sum()), dtype=np.int32), np.concatenate(members), indptr),
        shape=(len(chosen), sets.n_units),
    )
    stays = np.ones(len(chosen), dtype=bool)
    step = max(1, 2**24 // max(len(chosen), 1))
    for first in range(0, len(chosen), step):
        here = slice(first, first + step)
        common: Any = (incidence[here] @ incidence.T).tocoo()
        a, b = common.row + first, common.col
        nested = (a != b) & (common.data == np.minimum(size[a], size[b]))
        a, b = a[nested], b[nested]
        loses = (score[a] < score[b]) | ((score[a] == score[b]) & (size[a] < size[b]))
        stays[a[loses]] = False
    return chosen[stays]


def _bits(raster: Any) -> Any:
    given = np.asarray(raster)
    if given.ndim != 2:
        raise InvalidArgumentError(f"raster must have shape (frames, units), got {given.shape}")
    return np.ascontiguousarray(given != 0, dtype=np.uint8)


def _rare_first(frames: Any) -> tuple[IntArray, Any]:
    """Units by how often they are active (rare ones first keep the search narrow)."""
    order = np.argsort(frames.sum(axis=0, dtype=np.int64), kind="stable")
    return order, np.ascontiguousarray(frames[:, order])


def _rows(frames: Any) -> tuple[IntArray, Any]:
    """Active units of each frame, one frame after the other."""
    rows, columns = np.nonzero(frames)
    indptr = np.searchsorted(rows, np.arange(len(frames) + 1)).astype(np.int64)
    return indptr, columns.astype(np.int32)


def detectable(sets: ItemSets, border: IntArray) -> BoolArray:
    """Sets with more support than any surrogate's set of at least their size, (n_sets,)."""
    return np.asarray(sets.support > border[sets.size])
