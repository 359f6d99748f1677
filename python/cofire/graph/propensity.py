"""Where does a weighted network lie between a lattice and random graphs?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, integer
from cofire.graph._adjacency import Graph, as_graph
from cofire.graph._blocks import run_blocks
from cofire.graph.paths import path_sums
from cofire.graph.rewiring import null_seeds
from cofire.graph.small_world import from_pairs
from cofire.graph.triangles import clustering

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class SmallWorldPropensity:
    """Where a graph lies between a lattice and random graphs of the same weights.

    Attributes
    ----------
    value : float
        ``1 - sqrt((clustering_deviation**2 + path_deviation**2) / 2)``, 0 to 1.
    clustering_deviation : float
        ``(C_lattice - C) / (C_lattice - C_random)``, clipped to [0, 1].
    path_deviation : float
        ``(L - L_random) / (L_lattice - L_random)``, clipped to [0, 1].
    clustering, path_length : float
        C and L of the graph.
    lattice_clustering, lattice_path_length : ndarray (n_null,) float64
    random_clustering, random_path_length : ndarray (n_null,) float64
    """

    value: float
    clustering_deviation: float
    path_deviation: float
    clustering: float
    path_length: float
    lattice_clustering: FloatArray
    lattice_path_length: FloatArray
    random_clustering: FloatArray
    random_path_length: FloatArray

    @property
    def n_null(self) -> int:
        """Number of lattices, and of random graphs."""
        return len(self.random_clustering)

    def to_frame(self) -> pd.DataFrame:
        """Table of C and L: observed, mean of the lattices, mean of the random graphs, share."""
        import pandas as pd

        columns = ["observed", "lattice_mean", "random_mean", "deviation"]
        rows = []
        for name, share in (
            ("clustering", self.clustering_deviation),
            ("path_length", self.path_deviation),
        ):
            nulls = (getattr(self, f"{kind}_{name}") for kind in ("lattice", "random"))
            rows.append([getattr(self, name), *(float(null.mean()) for null in nulls), share])
        index = pd.Index(["clustering", "path_length"], name="measure")
        return pd.DataFrame(rows, index=index, columns=columns)

    def __repr__(self) -> str:
        return (
            f"SmallWorldPropensity({self.value:.4g}, deviations {self.clustering_deviation:.3g} "
            f"of clustering and {self.path_deviation:.3g} of path length)"
        )


def small_world_propensity(
    adjacency: Any,
    *,
    weighted: bool = True,
    n_null: int = 10,
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
) -> SmallWorldPropensity:
    """How near a graph comes to the clustering of a lattice and the path length of random graphs.

    ``1 - sqrt((D_C**2 + D_L**2) / 2)`` with ``D_C = (C_lattice - C) / (C_lattice - C_random)`` and
    ``D_L = (L - L_random) / (L_lattice - L_random)``, each clipped to [0, 1]: 1 of a small world.
    It depends less on the density than :func:`small_worldness` and takes weights into account.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        Symmetric, weights >= 0; self-loops are left out.
    weighted : bool
        False sets all weights to 1.
    n_null : int, >= 1
        Number of lattices and of random graphs; C and L of either are averaged.
    rng : int in [0, 2**64) or numpy.random.Generator
        Seed of the null graphs; one is drawn from a Generator, which advances it.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    SmallWorldPropensity

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, not symmetric, or a negative weight.

    Notes
    -----
    C is the mean over nodes of Onnela's clustering, ``diag((W**(1/3))**3) / (k (k - 1))`` with
    weights divided by the largest and 0 for degrees k < 2. L is the mean distance over the pairs
    with a path, an edge being 1 / weight long.

    Lattice: all weights in descending order, the n largest in random order on the n pairs of
    neighbors on a ring, the next n on pairs two apart, and so on; the last ones on a random part of
    their ring. Random: the weights on pairs drawn at random.

    As in the authors' code, a graph that is not connected has D_L = 1. A deviation is NaN where
    lattice and random graphs have the same value (as of a complete graph without weights).

    References
    ----------
    Muldoon, Bridgeford & Bassett 2016, doi:10.1038/srep22057; Onnela et al. 2005,
    doi:10.1103/PhysRevE.71.065103

    Examples
    --------
    >>> import networkx as nx
    >>> from cofire import graph
    >>> rings = (nx.connected_watts_strogatz_graph(200, 10, p, seed=1) for p in (0.0, 0.1, 1.0))
    >>> [round(graph.small_world_propensity(ring).value, 1) for ring in rings]
    [0.3, 0.8, 0.3]
    """
    n_null = integer(n_null, "n_null", 1)
    graph = as_graph(adjacency, directed=False, weighted=weighted)
    seeds = null_seeds(rng, 0, n_null)
    c, path_length, n_pairs = _weighted_measures(graph, weighted)

    def make(start: int, stop: int) -> FloatArray:
        generator = np.random.default_rng(seeds[start])
        nulls = (_lattice_of(graph, generator), _random_of(graph, generator))
        return np.array([_weighted_measures(null, weighted)[:2] for null in nulls])

    made = np.array(run_blocks(make, n_null, 1, threads))
    (lattice_c, lattice_l), (random_c, random_l) = made.mean(axis=0)
    d_c = _clipped(lattice_c - c, lattice_c - random_c)
    connected = n_pairs == graph.n * (graph.n - 1)
    d_l = _clipped(path_length - random_l, lattice_l - random_l) if connected else 1.0
    value = 1.0 - float(np.sqrt((d_c**2 + d_l**2) / 2))
    nulls = (made[:, 0, 0], made[:, 0, 1], made[:, 1, 0], made[:, 1, 1])
    return SmallWorldPropensity(value, d_c, d_l, c, path_length, *nulls)


def _weighted_measures(graph: Graph, weighted: bool) -> tuple[float, float, int]:
    """Mean of Onnela's clustering, mean distance, number of pairs with a path."""
    if not graph.n_edges:
        return (0.0 if graph.n else np.nan), np.nan, 0
    shares = clustering(graph.matrix(), directed=False, weighted=weighted, threads=1)
    paths = path_sums(graph, weighted, 1)
    n_pairs = int(paths.reached.sum())
    return float(shares.mean()), float(paths.total.sum() / n_pairs), n_pairs


def _lattice_of(graph: Graph, generator: np.random.Generator) -> Graph:
    """The weights on a ring, the larger the nearer."""
    n, weights = graph.n, _pair_weights(graph)
    if not len(weights):
        return graph
    weights[::-1].sort()
    pairs = np.empty(len(weights), dtype=np.int64)
    for begin in range(0, len(weights), n):
        # Of an even number of nodes, half as many pairs are opposite to each other.
        size = min(n, n * (n - 1) // 2 - begin)
        end = min(begin + n, len(weights))
        pairs[begin:end] = begin + generator.permutation(size)[: end - begin]
    return from_pairs(n, pairs, weights)


def _random_of(graph: Graph, generator: np.random.Generator) -> Graph:
    """The weights on pairs drawn at random."""
    weights = _pair_weights(graph)
    pairs = generator.choice(graph.n * (graph.n - 1) // 2, len(weights), replace=False)
    return from_pairs(graph.n, pairs, weights)


def _pair_weights(graph: Graph) -> FloatArray:
    rows = np.repeat(np.arange(graph.n), np.diff(graph.indptr))
    return graph.weights[rows < graph.indices]


def _clipped(part: float, whole: float) -> float:
    return float(np.clip(part / whole, 0.0, 1.0)) if whole else np.nan
