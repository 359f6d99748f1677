"""Into which groups does a network fall, and how much more do they connect within than by chance?

Modularity of a partition is ``Q = (1 / m) sum_ij (W_ij - gamma s_i^out s_j^in / m) [c_i = c_j]``
with ``m = sum W``; an undirected network is its symmetric W. Three searches for a partition of
large Q: :func:`louvain` is fast and good, :func:`greedy_modularity` joins pairs and has no random
numbers, :func:`spectral_modularity` cuts in two by eigenvectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import IntArray, integer, real
from cofire.errors import InvalidArgumentError
from cofire.graph._adjacency import Graph, as_graph
from cofire.graph._bisection import bisect_repeatedly
from cofire.graph._blocks import run_blocks
from cofire.graph._greedy import agglomerate
from cofire.graph._louvain import Halves, louvain_levels, modularity
from cofire.graph.partitions import as_labels, by_size
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Communities:
    """A partition of a network's nodes.

    Attributes
    ----------
    labels : ndarray (n,) int64
        Community of each node, 0 to n_communities - 1, the largest first.
    q : float
        Modularity of `labels`; NaN without edges.
    levels : tuple of ndarray (n,) int64
        The partitions on the way, from many communities to few; the last is `labels`. Louvain: one
        a level, each made of whole communities of the one before, except that `refine` may have
        moved nodes for the last. Other searches: `labels` alone.
    gamma : float
        Resolution.
    """

    labels: IntArray
    q: float
    levels: tuple[IntArray, ...]
    gamma: float

    @property
    def sizes(self) -> IntArray:
        """Nodes of each community, (n_communities,)."""
        return np.bincount(self.labels)

    @property
    def n_communities(self) -> int:
        """Number of communities."""
        return len(self.sizes)

    def to_frame(self) -> pd.DataFrame:
        """Row a node: its number, its community and how large that is."""
        import pandas as pd

        nodes = np.arange(len(self.labels))
        sizes = self.sizes[self.labels] if len(nodes) else nodes
        return pd.DataFrame({"node": nodes, "community": self.labels, "size": sizes})

    def __repr__(self) -> str:
        return (
            f"Communities({len(self.labels)} nodes, {self.n_communities} communities, "
            f"Q = {self.q:.4f})"
        )


def modularity_q(
    adjacency: Any,
    ci: Any,
    *,
    gamma: float = 1.0,
    directed: bool = True,
    weighted: bool = False,
) -> float:
    """Modularity of a given partition.

    ``Q = (1 / m) sum_ij (W_ij - gamma s_i^out s_j^in / m) [ci_i = ci_j]``, ``m = sum W``.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``, weights >= 0. Self-loops are left out.
    ci : array_like (n,)
        Community of each node: numbers or names.
    gamma : float, >= 0
        Resolution: above 1, smaller communities have the larger Q.
    directed : bool
        False wants a symmetric matrix; Q is the same.
    weighted : bool
        False: every entry that is not zero counts 1.

    Returns
    -------
    float
        At most 1; 0 for one community of all nodes at gamma = 1; NaN without edges.

    Raises
    ------
    InvalidArgumentError
        `ci` does not have a label for each node or holds NaN, a weight or `gamma` is negative, the
        adjacency is not a graph.

    References
    ----------
    Newman 2006, doi:10.1073/pnas.0601602103; Leicht & Newman 2008,
    doi:10.1103/PhysRevLett.100.118703 (directed); Reichardt & Bornholdt 2006,
    doi:10.1103/PhysRevE.74.016110 (gamma)

    Examples
    --------
    >>> import cofire as cf
    >>> two_pairs = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    >>> cf.graph.modularity_q(two_pairs, ["a", "a", "b", "b"])
    0.5
    """
    graph, gamma = _graph(adjacency, directed, weighted, gamma)
    labels = as_labels(ci, "ci", graph.n, "node")
    return _modularity(graph, labels, gamma)


def louvain(
    adjacency: Any,
    *,
    gamma: float = 1.0,
    directed: bool = True,
    weighted: bool = False,
    refine: bool = True,
    n_runs: int = 1,
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
) -> Communities:
    """Communities by Louvain's method.

    Every node moves to the neighboring community in which Q gains most, in random order, until none
    gains; then communities become nodes, and so on.

    Parameters
    ----------
    adjacency, gamma, directed, weighted
        As for :func:`modularity_q`.
    refine : bool
        After the last level go on from the nodes again, and merge again, until nothing gains:
        nodes that joined a community before it became what it is can leave. Q only rises, for
        about twice the time.
    n_runs : int, >= 1
        Independent runs, of which the one of largest Q is returned. Many local maxima have nearly
        the same Q; see :func:`consensus` for what they agree on.
    rng : int or numpy.random.Generator
        Run k has the k-th seed that this one spawns.
    threads : int, optional
        Threads among which runs are shared, default :func:`cofire.get_num_threads`; the result does
        not depend on it.

    Returns
    -------
    Communities

    Raises
    ------
    InvalidArgumentError
        As for :func:`modularity_q`; no runs.

    Notes
    -----
    Directed: gains are those of the directed Q, not of the network made symmetric. A node without
    edges is a community of its own; without any edges Q is NaN. A node waits in a queue until a
    neighbor has moved, so a level costs a few visits of each edge.

    References
    ----------
    Blondel et al. 2008, doi:10.1088/1742-5468/2008/10/P10008
    Dugué & Perez 2022, doi:10.1016/j.physa.2022.127798 (directed)
    Traag, Waltman & van Eck 2019, doi:10.1038/s41598-019-41695-z (queue of nodes)

    Examples
    --------
    >>> import cofire as cf
    >>> two_loops = [[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0],
    ...              [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 0, 0]]
    >>> found = cf.graph.louvain(two_loops)
    >>> found.labels
    array([0, 0, 0, 1, 1, 1])
    >>> found
    Communities(6 nodes, 2 communities, Q = 0.3673)
    """
    n_runs = integer(n_runs, "n_runs", 1)
    graph, gamma = _graph(adjacency, directed, weighted, gamma)
    halves = Halves.of(graph)
    seeds = run_seeds(rng, n_runs)

    def one_run(run: int, _: int) -> tuple[float, list[IntArray]]:
        levels = louvain_levels(halves, gamma, seeds[run], refine)
        return _modularity(graph, levels[-1], gamma), levels

    runs = run_blocks(one_run, n_runs, 1, threads)
    _, levels = max(runs, key=lambda run: run[0])
    return _result(graph, levels, gamma)


def greedy_modularity(
    adjacency: Any,
    *,
    gamma: float = 1.0,
    directed: bool = True,
    weighted: bool = False,
) -> Communities:
    """Communities by greedy agglomeration: join the two that gain most until none gains.

    Parameters
    ----------
    adjacency, gamma, directed, weighted
        As for :func:`modularity_q`.

    Returns
    -------
    Communities

    Raises
    ------
    InvalidArgumentError
        As for :func:`modularity_q`.

    Notes
    -----
    In networks without weights many joins gain the same; here the lowest community goes first. The
    labels of other programs, which choose otherwise, differ, their Q by less than 0.01 or so. No
    random numbers. A node without edges is a community of its own.

    References
    ----------
    Clauset, Newman & Moore 2004, doi:10.1103/PhysRevE.70.066111

    Examples
    --------
    >>> import cofire as cf
    >>> import networkx as nx
    >>> club = nx.karate_club_graph()
    >>> cf.graph.greedy_modularity(club, directed=False)
    Communities(34 nodes, 3 communities, Q = 0.3807)
    """

    def search(halves: Halves, gamma: float) -> IntArray:
        scale = gamma / (2.0 * halves.total) if halves.total > 0 else 0.0
        found: IntArray = agglomerate(
            halves.indptr, halves.indices, halves.weights, halves.out, halves.into, scale
        )
        return found

    return _search(search, adjacency, gamma, directed, weighted)


def spectral_modularity(
    adjacency: Any,
    *,
    gamma: float = 1.0,
    directed: bool = True,
    weighted: bool = False,
    fine_tune: bool = True,
) -> Communities:
    """Communities by the leading eigenvector: cut groups in two while Q rises.

    A group is cut by the signs of the leading eigenvector of its modularity matrix
    ``B_g = B - diag(sum_{j in g} B_ij)``, ``B = (b + b^T) / 2``, ``b = W - gamma s^out s^in / m``.

    Parameters
    ----------
    adjacency, gamma, directed, weighted
        As for :func:`modularity_q`.
    fine_tune : bool
        Improve each cut by moving single nodes across (Kernighan and Lin's passes, each of
        O(n_group^2) time, until one gains nothing).

    Returns
    -------
    Communities

    Raises
    ------
    InvalidArgumentError
        As for :func:`modularity_q`.

    Notes
    -----
    No n x n matrix is made: groups of more than 256 nodes go to ``scipy.sparse.linalg.eigsh`` by
    matrix-vector products. bctpy 0.6.1 means to fine-tune but returns the cut by signs alone (all
    its nodes end up flipped), which is ``fine_tune=False`` here; its directed form cuts groups by B
    in place of B_g and stops at smaller Q.

    References
    ----------
    Newman 2006, doi:10.1073/pnas.0601602103
    Leicht & Newman 2008, doi:10.1103/PhysRevLett.100.118703 (directed)

    Examples
    --------
    >>> import cofire as cf
    >>> import networkx as nx
    >>> club = nx.karate_club_graph()
    >>> cf.graph.spectral_modularity(club, directed=False)
    Communities(34 nodes, 4 communities, Q = 0.4188)
    """

    def search(halves: Halves, gamma: float) -> IntArray:
        return bisect_repeatedly(halves, gamma, bool(fine_tune))

    return _search(search, adjacency, gamma, directed, weighted)


def run_seeds(rng: int | np.random.Generator, n_runs: int) -> list[int]:
    """A seed for each run, the same for any number of runs after it."""
    children = np.random.SeedSequence(seed_of(rng)).spawn(n_runs)
    return [int(child.generate_state(1, np.uint64)[0]) for child in children]


def _graph(adjacency: Any, directed: bool, weighted: bool, gamma: float) -> tuple[Graph, float]:
    gamma = real(gamma, "gamma")
    if gamma < 0:
        raise InvalidArgumentError(f"gamma must not be negative, got {gamma:g}")
    why = "the weights that chance would give are products of strengths"
    return as_graph(adjacency, directed=directed, weighted=weighted, why=why), gamma


def _search(
    search: Callable[[Halves, float], IntArray],
    adjacency: Any,
    gamma: float,
    directed: bool,
    weighted: bool,
) -> Communities:
    graph, gamma = _graph(adjacency, directed, weighted, gamma)
    return _result(graph, [search(Halves.of(graph), gamma)], gamma)


def _result(graph: Graph, levels: list[IntArray], gamma: float) -> Communities:
    ordered = tuple(by_size(labels) for labels in levels)
    return Communities(ordered[-1], _modularity(graph, ordered[-1], gamma), ordered, gamma)


def _modularity(graph: Graph, labels: IntArray, gamma: float) -> float:
    n_labels = int(labels.max(initial=-1)) + 1
    return float(modularity(graph.indptr, graph.indices, graph.weights, labels, n_labels, gamma))
