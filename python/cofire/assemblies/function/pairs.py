"""How correlated are assemblies with each other, against random ensembles and single cells?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import FloatArray, IntArray, fits_memory, one_of
from cofire.assemblies.function._inputs import membership, traces_of, unit_sets
from cofire.assemblies.function.coactivity import coactivity
from cofire.assemblies.function.comparison import SampleComparison, compare_samples
from cofire.errors import InvalidArgumentError
from cofire.pairwise import correlation

if TYPE_CHECKING:
    import pandas as pd

PAIRS = ("unique", "ordered")
_COMPARISONS = (
    ("assemblies", "random"),
    ("assemblies", "all cells"),
    ("assemblies", "assembly cells"),
    ("assemblies", "no-assembly cells"),
    ("assembly cells", "no-assembly cells"),
    ("all cells", "assembly cells"),
)


@dataclass(frozen=True, slots=True, eq=False)
class PairCorrelations:
    """Correlations of pairs of traces, by kind of trace.

    Attributes
    ----------
    values : dict of str to ndarray float64
        Pearson r of every pair: of co-activity traces of ``"assemblies"`` and ``"random"``
        ensembles, of rasters of ``"all cells"``, ``"assembly cells"`` and ``"no-assembly cells"``.
    n_pairs, n_undefined : ndarray (n_kinds,) int64
        Pairs of each kind, and how many of them have no r (a constant trace); those are not in
        `values`.
    comparison : SampleComparison
        Rank-sum tests between kinds.
    pairs : str
    """

    values: dict[str, FloatArray]
    n_pairs: IntArray
    n_undefined: IntArray
    comparison: SampleComparison
    pairs: str

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each kind of pair."""
        import pandas as pd

        kinds = self.values
        with np.errstate(invalid="ignore"):
            return pd.DataFrame(
                {
                    "kind": list(kinds),
                    "n_pairs": self.n_pairs,
                    "n_undefined": self.n_undefined,
                    "mean": [v.mean() if len(v) else np.nan for v in kinds.values()],
                    "sd": [v.std(ddof=1) if len(v) > 1 else np.nan for v in kinds.values()],
                    "median": [np.median(v) if len(v) else np.nan for v in kinds.values()],
                }
            )

    def plot(self, **kwargs: Any) -> Any:
        """Distributions; see :func:`cofire.plot.plot_samples`."""
        return plotter("plot_samples")(self.values, label="pairwise correlation r", **kwargs)

    def __repr__(self) -> str:
        parts = ", ".join(
            f"{name} {v.mean():.3f} (n = {len(v)})" for name, v in self.values.items() if len(v)
        )
        return f"PairCorrelations(mean r: {parts})"


def pairwise_correlations(
    raster: Any,
    assemblies: Any,
    random: Any = None,
    *,
    pairs: str = "unique",
    method: str = "normal",
    threads: int | None = None,
) -> PairCorrelations:
    """Correlate the co-activity of assemblies, of random ensembles, and the rasters of cells.

    Parameters
    ----------
    raster : array_like (n_frames, n_units)
        Active units.
    assemblies : sequence of array_like of int, or ndarray (K, n_units) bool
    random : the same, or RandomEnsembles, optional
        Random ensembles to compare with.
    pairs : {"unique", "ordered"}
        Every pair once; or twice, (i, j) and (j, i), as published: the tests then believe in
        twice as many observations as there are, and their z is 1.4 times too large.
    method : {"normal", "uncorrected", "auto"}
        Of the rank-sum tests (published: ``"uncorrected"``).
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    PairCorrelations
        Six rank-sum tests (five without random ensembles: those that name it are left out).

    Raises
    ------
    InvalidArgumentError
        Units that the raster does not have, NaN.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import pairwise_correlations
    >>> raster = np.random.default_rng(0).random((200, 12)) < 0.1
    >>> found = pairwise_correlations(raster, [[0, 1, 2], [2, 3], [4, 5]])
    >>> dict(zip(found.values, found.n_pairs.tolist()))
    {'assemblies': 3, 'all cells': 66, 'assembly cells': 15, 'no-assembly cells': 15}
    """
    one_of(pairs, "pairs", PAIRS)
    active = traces_of(raster, "raster")
    n_units = active.shape[1]
    sets = unit_sets(assemblies, n_units)
    if any(len(units) == 0 for units in sets):
        k = next(k for k, units in enumerate(sets) if len(units) == 0)
        raise InvalidArgumentError(f"assemblies[{k}] has no units; leave it out")
    inside = membership(sets, n_units).any(axis=0)
    matrices = {"assemblies": _of_traces(coactivity(active, sets), threads)}
    if random is not None:
        ensembles = unit_sets(random, n_units, "random")
        matrices["random"] = _of_traces(coactivity(active, ensembles), threads)
    fits_memory((n_units, n_units), np.float64, "the correlations of all cells")
    cells = _of_traces(active, threads)
    kinds: dict[str, FloatArray] = {name: _pairs(r) for name, r in matrices.items()}
    kinds["all cells"] = _pairs(cells)
    for name, mask in (("assembly cells", inside), ("no-assembly cells", ~inside)):
        chosen = np.flatnonzero(mask)
        kinds[name] = _pairs(cells[np.ix_(chosen, chosen)])
    del cells
    times = 2 if pairs == "ordered" else 1
    n_pairs = np.array([times * len(r) for r in kinds.values()], dtype=np.int64)
    kept = {name: np.repeat(r[~np.isnan(r)], times) for name, r in kinds.items()}
    chosen_tests = [pair for pair in _COMPARISONS if pair[0] in kept and pair[1] in kept]
    return PairCorrelations(
        values=kept,
        n_pairs=n_pairs,
        n_undefined=n_pairs - np.array([len(r) for r in kept.values()], dtype=np.int64),
        comparison=compare_samples(kept, chosen_tests, method=method),
        pairs=pairs,
    )


def _of_traces(traces: Any, threads: int | None) -> FloatArray:
    return correlation(np.ascontiguousarray(traces.T), zero_variance="nan", threads=threads)


def _pairs(r: FloatArray) -> FloatArray:
    """Values above the diagonal, row by row."""
    n = len(r)
    if n < 2:
        return np.zeros(0)
    return np.concatenate([r[i, i + 1 :] for i in range(n - 1)])
