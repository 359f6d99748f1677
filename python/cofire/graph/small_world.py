"""Is a network a small world: more clustered than random graphs, and with ways as short?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray, fits_memory, integer, one_of
from cofire.graph._adjacency import Graph, as_graph
from cofire.graph._bitsets import (
    binary_digits,
    bit_rows,
    clustering_of,
    density_nulls,
    path_sums,
    study_nulls,
    wired_nulls,
)
from cofire.graph._blocks import run_blocks
from cofire.graph.paths import path_sums as sums_of_paths
from cofire.graph.rewiring import Seeds, null_seeds, rewired_targets
from cofire.graph.triangles import clustering
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import pandas as pd

_NULLS = ("study", "density", "degree")
_STUDY_EDGE, _STUDY_LOOP = 0.18, 0.3

# Null measures of the study: (n_nodes, n_null, seed) -> (n_null, 3).
_CACHE: dict[tuple[int, int, int], FloatArray] = {}
_CACHE_SIZE = 64


@dataclass(frozen=True, slots=True, eq=False)
class SmallWorldness:
    """Small-worldness of a graph with the null graphs it is compared with.

    Attributes
    ----------
    value : float
        ``(clustering / mean null clustering) * (efficiency / mean null efficiency)``.
    clustering : float
        Mean share of the pairs of neighbors of a node that are neighbors of each other.
    efficiency : float
        Mean of 1 / distance over all pairs of nodes.
    path_length : float
        Mean distance over the pairs with a path.
    null_clustering, null_efficiency, null_path_length : ndarray (n_null,) float64
        The same of each null graph.
    null : {"study", "density", "degree"}
    """

    value: float
    clustering: float
    efficiency: float
    path_length: float
    null_clustering: FloatArray
    null_efficiency: FloatArray
    null_path_length: FloatArray
    null: str

    @property
    def n_null(self) -> int:
        """Number of null graphs."""
        return len(self.null_clustering)

    @property
    def sigma(self) -> float:
        """Humphries and Gurney's small-worldness, (C / null C) / (L / null L).

        C: clustering, L: path length. They meant null graphs with as many edges:
        ``null="density"``.
        """
        clustering = _ratio(self.clustering, _mean(self.null_clustering))
        return _ratio(clustering, _ratio(self.path_length, _mean(self.null_path_length)))

    def to_frame(self) -> pd.DataFrame:
        """Table of the measures: observed, mean and sample SD of the nulls, ratio, z, n_null."""
        import pandas as pd

        rows = {}
        for name in ("clustering", "efficiency", "path_length"):
            observed, null = getattr(self, name), getattr(self, f"null_{name}")
            mean, sd = _mean(null), _sd(null)
            rows[name] = {
                "observed": observed,
                "null_mean": mean,
                "null_sd": sd,
                "ratio": _ratio(observed, mean),
                "z": _ratio(observed - mean, sd),
                "n_null": self.n_null,
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")

    def __repr__(self) -> str:
        return f"SmallWorldness({self.value:.4g}, {self.n_null} nulls of kind {self.null!r})"


def small_worldness(
    adjacency: Any,
    *,
    n_null: int = 1000,
    null: str = "study",
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
) -> SmallWorldness:
    """Clustering and efficiency of a binary undirected graph, each against that of null graphs.

    ``(C / C_null) * (E / E_null)``, where C is the mean clustering of the nodes and E the global
    efficiency; the means over the null graphs are taken before dividing.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        Symmetric; entries that are not zero are edges, self-loops are left out. Of a weighted or
        directed matrix make such a graph first, as the study does of its weights:
        ``B = abs(W) > np.quantile(abs(W), 0.9); B | B.T``.
    n_null : int, >= 1
        Number of null graphs.
    null : {"study", "density", "degree"}
        ``"study"``: the graphs ``(U + U.T) / 2 > 0.7`` of Shakiba et al., with U uniform in [0, 1]:
        every pair of nodes is an edge with probability 0.18 and every node its own neighbor with
        probability 0.3, **whatever the density of the graph**. The value is a number to compare
        between graphs of one size, not evidence for a small world. ``"density"``: graphs with as
        many edges, all such graphs being equally likely. ``"degree"``: the graph with its edges
        exchanged, so that every node keeps its degree, as by :func:`rewire`.
    rng : int in [0, 2**64) or numpy.random.Generator
        Seed of the null graphs; one is drawn from a Generator, which advances it.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    SmallWorldness
        ``.value``; ``.sigma`` is Humphries and Gurney's form; ``.to_frame()`` has means and SDs.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite or not symmetric; no null graphs.

    Notes
    -----
    Self-loops of the study's null graphs count in the clustering as the Brain Connectivity Toolbox
    counts them (a node is among its own neighbors, and linked with all of them); paths ignore them.
    They raise the expected clustering from 0.18 to 0.1943 at n = 312 (0.0022 SD between graphs).

    The study's nulls depend on the number of nodes only: for an integer `rng` they are made once in
    a process for each (n, n_null, rng), and later calls cost as much as the graph itself. Edges are
    drawn from their distribution, not by comparing uniform numbers.

    NaN: a graph or null graphs of fewer than two nodes or without triangles (0 / 0). Two nodes
    without a path add 0 to the efficiency and nothing to the path length.

    References
    ----------
    Humphries & Gurney 2008, doi:10.1371/journal.pone.0002051; Shakiba et al. 2026,
    arXiv:2606.14975; Erdős & Rényi 1959 (null "density"); Maslov & Sneppen 2002,
    doi:10.1126/science.1065103 (null "degree")

    Examples
    --------
    >>> import networkx as nx
    >>> from cofire import graph
    >>> ring = nx.connected_watts_strogatz_graph(100, 8, 0.1, seed=1)
    >>> result = graph.small_worldness(ring, n_null=100, null="density")
    >>> result
    SmallWorldness(5.019, 100 nulls of kind 'density')
    >>> round(result.sigma, 2)
    4.72
    """
    n_null = integer(n_null, "n_null", 1)
    one_of(null, "null", _NULLS)
    graph = as_graph(adjacency, directed=False, weighted=False)
    c, e, path_length = _measures(graph, threads)
    if null == "study":
        nulls = _study_nulls(graph.n, n_null, rng, threads)
    else:
        nulls = _own_nulls(graph, null, null_seeds(rng, 0, n_null), threads)
    value = _ratio(c, _mean(nulls[:, 0])) * _ratio(e, _mean(nulls[:, 1]))
    columns = (nulls[:, 0], nulls[:, 1], nulls[:, 2])
    return SmallWorldness(value, c, e, path_length, *columns, null)


def _measures(graph: Graph, threads: int | None) -> tuple[float, float, float]:
    """Mean clustering, global efficiency and mean distance of a binary undirected graph."""
    n = graph.n
    if n < 2:
        return (0.0 if n else np.nan), np.nan, np.nan
    if _is_dense(graph):
        fits_memory((n, (n + 63) // 64), np.uint64, "the adjacency as bits")
        bits = bit_rows(graph)
        shares = clustering_of(bits)
        parts = run_blocks(lambda start, stop: path_sums(bits, start, stop), n, 512, threads)
        inverse, total, n_pairs = np.sum(parts, axis=0)
    else:
        shares = clustering(graph.matrix(), directed=False, threads=threads)
        paths = sums_of_paths(graph, False, threads)
        inverse, total, n_pairs = (x.sum() for x in (paths.inverse, paths.total, paths.reached))
    distance = float(total / n_pairs) if n_pairs else np.nan
    return float(shares.mean()), float(inverse / (n * (n - 1.0))), distance


def _is_dense(graph: Graph) -> bool:
    """Whether rows of bits are shorter than lists of neighbors.

    Measured with 312 to 20,000 nodes, that is also where they are faster.
    """
    return 64 * graph.n_edges >= graph.n * graph.n


def _study_nulls(
    n: int, n_null: int, rng: int | np.random.Generator, threads: int | None
) -> FloatArray:
    if isinstance(rng, np.random.Generator):
        return _new_study_nulls(n, null_seeds(rng, 0, n_null), threads)
    key = (n, n_null, seed_of(rng))
    if key not in _CACHE:
        made = _new_study_nulls(n, null_seeds(rng, 0, n_null), threads)
        made.flags.writeable = False
        while len(_CACHE) >= _CACHE_SIZE:
            _CACHE.pop(next(iter(_CACHE)), None)
        _CACHE[key] = made
    return _CACHE[key]


def _new_study_nulls(n: int, seeds: Seeds, threads: int | None) -> FloatArray:
    if n < 2:
        return np.full((len(seeds), 3), np.nan)
    fits_memory((n, (n + 63) // 64), np.uint64, "a null graph as bits")
    edge, loop = binary_digits(_STUDY_EDGE), binary_digits(_STUDY_LOOP)
    made = run_blocks(
        lambda start, stop: study_nulls(n, seeds[start:stop], edge, loop),
        len(seeds),
        _nulls_in_block(n),
        threads,
    )
    return np.concatenate(made)


def _own_nulls(graph: Graph, null: str, seeds: Seeds, threads: int | None) -> FloatArray:
    """Measures of nulls with the number of edges, or the degrees, of a graph."""
    n, n_edges = graph.n, graph.n_edges // 2
    if n < 2:
        return np.full((len(seeds), 3), np.nan)
    if n_edges == 0:
        null = "density"

    def make(start: int, stop: int) -> FloatArray:
        if null == "density":
            return density_nulls(n, seeds[start:stop], n_edges)
        return wired_nulls(graph.indptr, rewired_targets(graph, seeds[start:stop]))

    def make_sparse(start: int, stop: int) -> FloatArray:
        # One null at a time: threads share the nulls, not the sources of one.
        if null == "density":
            made = random_graph(n, n_edges, np.random.default_rng(seeds[start]))
        else:
            targets = rewired_targets(graph, seeds[start:stop])[0]
            wired = Graph(graph.indptr, targets, graph.weights, False, 0)
            made = as_graph(wired.matrix(), directed=False)  # with columns in order
        return np.array([_measures(made, 1)])

    if _is_dense(graph):
        parts = run_blocks(make, len(seeds), _nulls_in_block(n), threads)
    else:
        parts = run_blocks(make_sparse, len(seeds), 1, threads)
    return np.concatenate(parts)


def random_graph(n: int, n_edges: int, generator: np.random.Generator) -> Graph:
    """`n_edges` different pairs of nodes, all sets of pairs alike."""
    chosen = generator.choice(n * (n - 1) // 2, n_edges, replace=False, shuffle=False)
    return from_pairs(n, chosen, np.ones(n_edges))


def from_pairs(n: int, pairs: IntArray, weights: FloatArray) -> Graph:
    """Graph of numbered pairs: ``n (d - 1) + i`` is node i with the d-th after it on a ring."""
    from scipy import sparse

    first = pairs % n
    second = (first + pairs // n + 1) % n
    ends = (np.concatenate([first, second]), np.concatenate([second, first]))
    matrix = sparse.csr_array((np.tile(weights, 2), ends), shape=(n, n))
    return as_graph(matrix, directed=False)


def _nulls_in_block(n: int) -> int:
    """Some 0.05 s of work: a null takes about as long as n**2 / 600 ns."""
    return int(max(1, min(64, 30_000_000 // (n * n))))


def _mean(values: FloatArray) -> float:
    """Mean of those that are there."""
    found = values[~np.isnan(values)]
    return float(found.mean()) if len(found) else np.nan


def _sd(values: FloatArray) -> float:
    found = values[~np.isnan(values)]
    return float(found.std(ddof=1)) if len(found) > 1 else np.nan


def _ratio(a: float, b: float) -> float:
    return a / b if b else np.nan
