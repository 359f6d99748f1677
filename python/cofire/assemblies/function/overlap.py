"""Which units are in which assemblies together?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import BoolArray, IntArray, integer
from cofire.assemblies.function._inputs import membership, unit_sets

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Intersections:
    """Combinations of assemblies that units are in, each unit counted once.

    Attributes
    ----------
    combinations : ndarray (C, K) bool
        Assemblies of each combination; the most frequent combination first.
    counts : ndarray (C,) int64
        Units that are in exactly these assemblies.
    units : ndarray (n,) int64
        Units in at least one assembly.
    membership : ndarray (n, K) bool
        Assemblies of each of `units`.
    sizes : ndarray (K,) int64
        Units of each assembly.
    n_units : int
        Number of all units.
    """

    combinations: BoolArray
    counts: IntArray
    units: IntArray
    membership: BoolArray
    sizes: IntArray
    n_units: int

    @property
    def n_none(self) -> int:
        """Number of units in no assembly."""
        return self.n_units - len(self.units)

    @property
    def degrees(self) -> IntArray:
        """Number of assemblies of each combination, (C,)."""
        degrees: IntArray = self.combinations.sum(axis=1, dtype=np.int64)
        return degrees

    def to_frame(self, min_count: int = 1) -> pd.DataFrame:
        """Table with a row for each combination of at least `min_count` units."""
        table = self._columns(self.combinations)
        table.insert(0, "n_assemblies", self.degrees)
        table.insert(0, "n_units", self.counts)
        shown: pd.DataFrame = table[self.counts >= min_count]
        return shown

    def membership_frame(self) -> pd.DataFrame:
        """Table with a row for each unit in an assembly, and a column for each assembly."""
        import pandas as pd

        return self._columns(self.membership).set_index(pd.Index(self.units, name="unit"))

    def _columns(self, mask: BoolArray) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(mask, columns=[f"A{k + 1}" for k in range(mask.shape[1])])

    def plot(self, **kwargs: Any) -> Any:
        """UpSet figure; see :func:`cofire.plot.plot_intersections`."""
        return plotter("plot_intersections")(self, **kwargs)

    def __repr__(self) -> str:
        return (
            f"Intersections({len(self.counts)} combinations of {len(self.sizes)} assemblies, "
            f"{len(self.units)} of {self.n_units} units in at least one)"
        )


def intersections(assemblies: Any, n_units: int) -> Intersections:
    """Count the units of every combination of assemblies (the table behind an UpSet figure).

    Parameters
    ----------
    assemblies : sequence of array_like of int, ndarray (K, n_units) bool, or RandomEnsembles
    n_units : int

    Returns
    -------
    Intersections
        Combinations that occur, by falling count; of equal counts those of fewer assemblies
        first, then those of the first assemblies.

    Raises
    ------
    InvalidArgumentError
        A unit that does not exist.

    References
    ----------
    Lex et al. 2014, doi:10.1109/TVCG.2014.2346248

    Examples
    --------
    >>> from cofire.assemblies import intersections
    >>> found = intersections([[0, 1, 2], [2, 3]], 6)
    >>> found.counts.tolist(), found.combinations.astype(int).tolist(), found.n_none
    ([2, 1, 1], [[1, 0], [0, 1], [1, 1]], 2)
    """
    n_units = integer(n_units, "n_units", 0)
    mask = membership(unit_sets(assemblies, n_units), n_units)
    units = np.flatnonzero(mask.any(axis=0))
    table = np.ascontiguousarray(mask[:, units].T)
    combinations, counts = np.unique(table, axis=0, return_counts=True)
    # unique sorts by rising rows; reversed, combinations of the first assemblies come first.
    combinations, counts = combinations[::-1], counts[::-1]
    order = np.lexsort((combinations.sum(axis=1), -counts))
    return Intersections(
        combinations=combinations[order],
        counts=counts[order].astype(np.int64),
        units=units.astype(np.int64),
        membership=table,
        sizes=mask.sum(axis=1, dtype=np.int64),
        n_units=n_units,
    )
