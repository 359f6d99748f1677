"""Measures of a whole network beside those of shuffled networks with the same degrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import graph
from cofire._validate import AnyArray, FloatArray, IntArray, integer
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse

TRIADS = (
    "021U", "021C", "021D", "111D", "030T", "111U", "030C", "120D", "201", "120C", "120U", "210",
    "300",
)  # fmt: skip
_COMPARED = (
    "reciprocity", "clustering", "transitivity", "path length", "global efficiency",
    "assortativity (out, in)", "modularity",
)  # fmt: skip

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkMeasures:
    """Measures of one network and of its shuffles.

    Attributes
    ----------
    edge_type : str
        "all" for all edge types together.
    summary : DataFrame
        A row a measure: ``measure``, ``observed``, ``null_mean``, ``null_low``, ``null_high``
        (2.5 and 97.5 %), ``z``, ``p`` (two-sided, from the shuffles), ``n_nulls``; NaN where
        shuffles say nothing (number of cells, density, ...).
    cells : DataFrame
        A row a cell, indexed by id: degrees, strengths, clustering, local efficiency, betweenness,
        closeness, core, PageRank, community, participation, module z.
    rich_club : DataFrame
        A row a degree: ``degree``, ``coefficient``, ``null_mean``, ``null_low``, ``null_high``,
        ``normalized``, ``p``, ``n_cells``.
    motifs : DataFrame
        A row a motif: ``motif`` (1 to 13), ``triad``, ``count``, ``null_mean``, ``null_sd``, ``z``,
        ``p``.
    small_worldness, propensity : float
        Of the network without directions, against shuffles at equal degrees; NaN if it has no edge.
    core_size : int
        Cells of the core (core and periphery).
    n_nulls : int
    """

    edge_type: str
    summary: pd.DataFrame
    cells: pd.DataFrame
    rich_club: pd.DataFrame
    motifs: pd.DataFrame
    small_worldness: float
    propensity: float
    core_size: int
    n_nulls: int

    def value(self, measure: str) -> float:
        """Observed value of a measure."""
        rows = self.summary.loc[self.summary["measure"] == measure, "observed"]
        if not len(rows):
            raise InvalidArgumentError(
                f"no measure {measure!r}; there are {', '.join(self.summary['measure'])}"
            )
        return float(rows.iloc[0])

    def __repr__(self) -> str:
        return (
            f"NetworkMeasures({self.edge_type}: {len(self.cells)} cells, "
            f"{self.value('edges'):,.0f} edges, {self.n_nulls} shuffles)"
        )


def network_measures(
    adjacency: Any,
    *,
    edge_type: str = "all",
    ids: Any = None,
    n_nulls: int = 20,
    resolution: float = 1.0,
    rng: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> NetworkMeasures:
    """Measure a directed network, and shuffled networks in which every cell keeps its degrees.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse or Connectome
        ``[pre, post]``, weights >= 0 (synapse counts). Self-loops are left out.
    edge_type : str
        What the result calls it.
    ids : array_like (n,), optional
        Ids of the cells; default those of a Connectome, else 0..n-1.
    n_nulls : int, >= 2
        Shuffles (:func:`cofire.graph.rewire`).
    resolution : float, > 0
        Of the communities (Louvain, directed, weights as given).
    rng : int
    threads : int, optional
        Results do not depend on it.
    progress : callable (done, of), optional
        Called between measures and shuffles.

    Returns
    -------
    NetworkMeasures

    Notes
    -----
    Measures are binary except strengths and communities. Paths of length infinity are left out of
    the mean path length; the efficiency counts them as 0. With n shuffles p is at least
    2 / (n + 1).

    References
    ----------
    Rubinov & Sporns 2010, doi:10.1016/j.neuroimage.2009.10.003

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.studies.assemblies_structure import network_measures
    >>> ring = np.roll(np.eye(12), 1, axis=1) + np.roll(np.eye(12), 2, axis=1)
    >>> found = network_measures(ring, n_nulls=5)
    >>> found.value("edges"), round(found.value("clustering"), 2)
    (24.0, 0.25)
    """
    n_nulls = integer(n_nulls, "n_nulls", 2)
    matrix = as_matrix(adjacency)
    names = _ids(adjacency, ids, matrix.shape[0])
    steps = n_nulls + 3
    tell = progress or (lambda done, of: None)
    binary = matrix.copy()
    binary.data = np.ones(len(binary.data))
    tell(0, steps)
    communities = graph.louvain(
        matrix, weighted=True, gamma=resolution, n_runs=3, rng=rng, threads=threads
    )
    cells = cell_measures(matrix, names, communities.labels, threads=threads)
    tell(1, steps)
    observed = _compared(binary, threads)
    club = _club(binary)
    motifs = graph.motif_census(binary)
    tell(2, steps)
    whole = _whole_measures(binary, matrix, cells)
    small, propensity, core = _undirected_measures(binary, rng, threads)
    nulls: list[dict[str, float]] = []
    clubs, censuses = [], []
    for k in range(n_nulls):
        tell(3 + k, steps)
        # One at a time, each from its own seed: memory of one, and the same for any number.
        shuffled = graph.rewire(binary, 1, rng=rng, draw=k, threads=threads)[0]
        nulls.append(_compared(shuffled, threads))
        clubs.append(_club(shuffled))
        censuses.append(graph.motif_census(shuffled))
    tell(steps, steps)
    whole |= {"communities": float(communities.labels.max(initial=-1) + 1), "core cells": core}
    return NetworkMeasures(
        edge_type=edge_type,
        summary=_summary(whole, observed, nulls),
        cells=cells,
        rich_club=_club_table(club, clubs),
        motifs=_motif_table(motifs, np.stack(censuses)),
        small_worldness=small,
        propensity=propensity,
        core_size=int(core),
        n_nulls=n_nulls,
    )


def cell_measures(
    matrix: Any, ids: Any, communities: Any, *, threads: int | None = None
) -> pd.DataFrame:
    """Measures of every cell of a network.

    Parameters
    ----------
    matrix : scipy.sparse (n, n)
        ``[pre, post]``, weights >= 0.
    ids : array_like (n,)
    communities : array_like (n,) int
        From 0.
    threads : int, optional

    Returns
    -------
    DataFrame
        Indexed by id. Degrees and strengths; ``clustering`` and ``local_efficiency`` (directed);
        ``betweenness`` / ((n-1)(n-2)); ``closeness_in``, ``closeness_out``; ``core`` (k-core,
        in + out); ``pagerank``; ``community`` (from 1); ``participation_in``,
        ``participation_out``; ``module_z``.
    """
    import pandas as pd

    ci = np.asarray(communities)
    table = {
        "in_degree": graph.degree(matrix, kind="in"),
        "out_degree": graph.degree(matrix, kind="out"),
        "in_strength": graph.strength(matrix, kind="in"),
        "out_strength": graph.strength(matrix, kind="out"),
        "clustering": graph.clustering(matrix, threads=threads),
        "local_efficiency": graph.local_efficiency(matrix, threads=threads),
        "betweenness": graph.betweenness(matrix, normalized=True, threads=threads),
        "closeness_in": graph.closeness(matrix, direction="in", threads=threads),
        "closeness_out": graph.closeness(matrix, direction="out", threads=threads),
        "core": graph.core_number(matrix),
        "pagerank": graph.pagerank(matrix),
        "community": ci.astype(np.int64) + 1,
        "participation_in": graph.participation(matrix, ci, kind="in"),
        "participation_out": graph.participation(matrix, ci, kind="out"),
        "module_z": graph.module_zscore(matrix, ci, flag=3),
    }
    return pd.DataFrame(table, index=pd.Index(ids, name="cell"))


# --- parts ----------------------------------------------------------------------------------------


def as_matrix(adjacency: Any) -> scipy.sparse.csr_array:
    """Square CSR matrix of weights, a copy without self-loops."""
    from scipy import sparse

    source = (
        adjacency.count
        if hasattr(adjacency, "count") and hasattr(adjacency, "row_ids")
        else adjacency
    )
    matrix = sparse.csr_array(source, dtype=np.float64, copy=True)
    if matrix.shape[0] != matrix.shape[1]:
        raise InvalidArgumentError(
            f"adjacency must be square, got {matrix.shape}; subset a connectome to the cells that "
            "are rows and columns"
        )
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return matrix


def _ids(adjacency: Any, ids: Any, n: int) -> AnyArray:
    names = ids if ids is not None else getattr(adjacency, "row_ids", None)
    names = np.arange(n) if names is None else np.asarray(names)
    if names.shape != (n,):
        raise InvalidArgumentError(f"ids must be one for each of {n} cells, got {names.shape}")
    return names


def _whole_measures(binary: Any, matrix: Any, cells: pd.DataFrame) -> dict[str, float]:
    n = binary.shape[0]
    isolated = (cells["in_degree"] + cells["out_degree"] == 0).sum()
    weak, strong = (graph.components(binary, strong=s).sizes for s in (False, True))
    return {
        "cells": float(n),
        "cells without a partner": float(isolated),
        "edges": float(binary.nnz),
        "synapses": float(matrix.sum()),
        "density": float(graph.density(binary)),
        "mean degree (in or out)": binary.nnz / max(n, 1),
        "largest weak component": float(weak.max(initial=0)),
        "largest strong component": float(strong.max(initial=0)),
        "largest k-core": float(cells["core"].max()) if n else 0.0,
    }


def _compared(binary: Any, threads: int | None) -> dict[str, float]:
    """What is also measured in every shuffle, in the order of `_COMPARED`."""
    paths = graph.characteristic_path(binary, threads=threads)
    n = binary.shape[0]
    pairs = n * (n - 1)
    values = (
        graph.reciprocity(binary),
        float(np.mean(graph.clustering(binary, threads=threads))) if n else np.nan,
        graph.transitivity(binary, threads=threads),
        paths.length,
        # Of reachable pairs; the others count 0.
        paths.efficiency * paths.n_pairs / pairs if pairs and paths.n_pairs else 0.0,
        graph.assortativity(binary, kind="out_in", form="pearson"),
        graph.louvain(binary, rng=0, threads=threads).q,
    )
    return dict(zip(_COMPARED, map(float, values), strict=True))


def _undirected_measures(binary: Any, rng: int, threads: int | None) -> tuple[float, float, float]:
    both = (binary + binary.T).tocsr()
    both.data = np.ones(len(both.data))
    if not both.nnz:
        return np.nan, np.nan, 0.0
    small = graph.small_worldness(both, n_null=10, null="degree", rng=rng, threads=threads)
    propensity = graph.small_world_propensity(
        both, weighted=False, n_null=5, rng=rng, threads=threads
    )
    core = graph.core_periphery(binary)
    return float(small.value), float(propensity.value), float(np.sum(core.core))


def _club(binary: Any) -> tuple[IntArray, FloatArray, IntArray]:
    club = graph.rich_club(binary)
    return club.k, club.R, club.n_k


def _club_table(club: Any, nulls: list[Any]) -> pd.DataFrame:
    import pandas as pd

    degree, observed, n_cells = club
    stack = np.stack([null[1] for null in nulls])
    mean, low, high = _null_range(stack)
    above = (stack >= observed[None, :]).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(mean > 0, observed / mean, np.nan)
    return pd.DataFrame(
        {
            "degree": degree,
            "coefficient": observed,
            "null_mean": mean,
            "null_low": low,
            "null_high": high,
            "normalized": ratio,
            "p": (1 + above) / (1 + len(nulls)),
            "n_cells": n_cells,
        }
    )


def _null_range(stack: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    finite = np.isfinite(stack).all(axis=0)
    mean, low, high = (np.full(stack.shape[1], np.nan) for _ in range(3))
    mean[finite] = stack[:, finite].mean(axis=0)
    if finite.any():
        low[finite], high[finite] = np.percentile(stack[:, finite], [2.5, 97.5], axis=0)
    return mean, low, high


def _motif_table(count: IntArray, nulls: IntArray) -> pd.DataFrame:
    import pandas as pd

    mean, sd = nulls.mean(axis=0), nulls.std(axis=0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(sd > 0, (count - mean) / sd, np.nan)
    return pd.DataFrame(
        {
            "motif": np.arange(1, 14),
            "triad": TRIADS,
            "count": count,
            "null_mean": mean,
            "null_sd": sd,
            "z": z,
            "p": _two_sided(count.astype(np.float64), nulls.astype(np.float64)),
        }
    )


def _two_sided(observed: FloatArray, nulls: FloatArray) -> FloatArray:
    n = len(nulls)
    above = (1 + (nulls >= observed).sum(axis=0)) / (n + 1)
    below = (1 + (nulls <= observed).sum(axis=0)) / (n + 1)
    p: FloatArray = np.minimum(2 * np.minimum(above, below), 1.0)
    return p


def _summary(
    whole: dict[str, float], observed: dict[str, float], nulls: list[dict[str, float]]
) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {"measure": name, "observed": value} for name, value in whole.items()
    ]
    for name, value in observed.items():
        sample = np.array([null[name] for null in nulls])
        sd = sample.std(ddof=1)
        low, high = np.percentile(sample, [2.5, 97.5])
        rows.append(
            {
                "measure": name,
                "observed": value,
                "null_mean": sample.mean(),
                "null_low": low,
                "null_high": high,
                "z": (value - sample.mean()) / sd if sd > 0 else np.nan,
                "p": float(_two_sided(np.array([value]), sample[:, None])[0]),
                "n_nulls": len(nulls),
            }
        )
    columns = ["measure", "observed", "null_mean", "null_low", "null_high", "z", "p", "n_nulls"]
    return pd.DataFrame(rows, columns=columns)
