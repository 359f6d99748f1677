"""Random ensembles: sets of units as large as the assemblies, drawn without regard to activity."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import IntArray, integer, one_of
from cofire.assemblies.function._inputs import unit_sets
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import pandas as pd

RECIPES = ("published", "numpy")


@dataclass(frozen=True, slots=True, eq=False)
class RandomEnsembles:
    """Random sets of units, one for each assembly; may be passed wherever assemblies are.

    Attributes
    ----------
    ensembles : tuple of K ndarray of int64
        Units, ascending; the largest ensemble first.
    source : ndarray (K,) int64
        For which of the given assemblies each was drawn.
    n_units : int
        Units were drawn from 0 to n_units - 1.
    seed : int
    recipe : str
    """

    ensembles: tuple[IntArray, ...]
    source: IntArray
    n_units: int
    seed: int
    recipe: str

    def __len__(self) -> int:
        return len(self.ensembles)

    def __iter__(self) -> Iterator[IntArray]:
        return iter(self.ensembles)

    def __getitem__(self, k: int) -> IntArray:
        return self.ensembles[k]

    @property
    def matched(self) -> tuple[IntArray, ...]:
        """The ensembles in the order of the assemblies that they were drawn for."""
        order = np.argsort(self.source)
        return tuple(self.ensembles[int(k)] for k in order)

    def shifted(self) -> tuple[IntArray, ...]:
        """Every unit one lower, unit 0 becoming the last: what the published traces averaged."""
        return tuple(np.sort((units - 1) % self.n_units) for units in self.ensembles)

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each ensemble: its assembly, its size, its units."""
        import pandas as pd

        return pd.DataFrame(
            {
                "source": self.source,
                "n_units": [len(units) for units in self.ensembles],
                "units": [tuple(units.tolist()) for units in self.ensembles],
            }
        ).rename_axis("ensemble")

    def __repr__(self) -> str:
        sizes = ", ".join(str(len(units)) for units in self.ensembles[:4])
        more = ", ..." if len(self) > 4 else ""
        return f"RandomEnsembles({len(self)} of {self.n_units} units, sizes {sizes}{more})"


def random_ensembles(
    assemblies: Any,
    n_units: int,
    *,
    rng: int | np.random.Generator = 47,
    recipe: str = "published",
) -> RandomEnsembles:
    """Draw a random set of units for each assembly, as large as it, without replacement.

    Parameters
    ----------
    assemblies : sequence of array_like of int, ndarray (K, n_units) bool, or sequence of int
        Assemblies, or only their sizes. The published draw went through them in the order of the
        detector, before they were sorted by size.
    n_units : int
        Number of units to draw from.
    rng : int or Generator
        Seed. 47 is the published one.
    recipe : {"published", "numpy"}
        Generator of the draws: ``random.Random(seed).sample`` of the standard library, which gives
        the published ensembles; or ``numpy.random.default_rng(seed)``.

    Returns
    -------
    RandomEnsembles
        The largest first; of equal ones the last drawn first, as published.

    Raises
    ------
    InvalidArgumentError
        A size above `n_units`, or a unit that does not exist.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> from cofire.assemblies import random_ensembles
    >>> drawn = random_ensembles([2, 4], 10)
    >>> drawn
    RandomEnsembles(2 of 10 units, sizes 4, 2)
    >>> drawn.source.tolist()
    [1, 0]
    """
    n_units = integer(n_units, "n_units", 0)
    one_of(recipe, "recipe", RECIPES)
    sizes = _sizes(assemblies, n_units)
    seed = seed_of(rng)
    if recipe == "published":
        generator = random.Random(seed)
        drawn = [np.array(generator.sample(range(n_units), n), dtype=np.int64) for n in sizes]
    else:
        numpy_generator = np.random.default_rng(seed)
        drawn = [numpy_generator.choice(n_units, n, replace=False) for n in sizes]
    # Sorted by size, then reversed: of equal sizes the last comes first.
    order = sorted(range(len(sizes)), key=lambda k: sizes[k])[::-1]
    return RandomEnsembles(
        ensembles=tuple(np.sort(drawn[k]).astype(np.int64) for k in order),
        source=np.array(order, dtype=np.int64),
        n_units=n_units,
        seed=seed,
        recipe=recipe,
    )


def _sizes(assemblies: Any, n_units: int) -> list[int]:
    items = list(assemblies)
    if items and all(np.ndim(item) == 0 for item in items):
        sizes = [integer(n, f"assemblies[{k}]", 0) for k, n in enumerate(items)]
    elif any(np.ndim(item) == 0 for item in items):
        raise InvalidTypeError("assemblies must be sets of units or their sizes, not a mixture")
    else:
        sizes = [len(units) for units in unit_sets(assemblies, n_units)]
    for k, size in enumerate(sizes):
        if size > n_units:
            raise InvalidArgumentError(
                f"assemblies[{k}] has size {size}, but there are only {n_units} units to draw from"
            )
    return sizes
