"""How alike are two partitions of the same nodes, and on what do many of them agree?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray, fits_memory, integer, real
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.graph._adjacency import Graph, as_graph
from cofire.graph._blocks import run_blocks
from cofire.graph._louvain import Halves, louvain_levels
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse

_ROWS = 1024  # of the agreement matrix that are held before weak pairs are left out


@dataclass(frozen=True, slots=True)
class PartitionDistance:
    """How far apart two partitions are.

    Attributes
    ----------
    vi : float
        Variation of information over its largest value, log n: 0 (same) to 1.
    nmi : float
        Mutual information over the mean of the two entropies: 0 to 1 (same).
    """

    vi: float
    nmi: float

    def __iter__(self) -> Iterator[float]:
        """Unpack as ``vi, nmi``."""
        return iter((self.vi, self.nmi))


@dataclass(frozen=True, slots=True, eq=False)
class ConsensusPartition:
    """What many partitions agree on.

    Attributes
    ----------
    labels : ndarray (n,) int64
        Community of each node, the largest first.
    n_rounds : int
        Rounds of clustering the agreement.
    converged : bool
        Whether all runs of the last round found the same partition. If not, `labels` is the one
        that most of them found.
    tau : float
    """

    labels: IntArray
    n_rounds: int
    converged: bool
    tau: float

    @property
    def n_communities(self) -> int:
        """Number of communities."""
        return len(np.unique(self.labels))

    def to_frame(self) -> pd.DataFrame:
        """Row a node: its number and its community."""
        import pandas as pd

        return pd.DataFrame({"node": np.arange(len(self.labels)), "community": self.labels})

    def __repr__(self) -> str:
        end = "agreed" if self.converged else "not agreed"
        return (
            f"ConsensusPartition({len(self.labels)} nodes, {self.n_communities} communities, "
            f"{end} after {self.n_rounds} rounds)"
        )


def partition_distance(x: Any, y: Any) -> PartitionDistance:
    """Compare two partitions of the same nodes.

    With entropies H and the mutual information I of the two labels of a node,
    ``vi = (H_x + H_y - 2 I) / log n`` and ``nmi = 2 I / (H_x + H_y)``.

    Parameters
    ----------
    x, y : array_like (n,)
        Label of each node: numbers or names, which need not correspond.

    Returns
    -------
    PartitionDistance
        Unpacks as ``vi, nmi``.

    Raises
    ------
    InvalidArgumentError
        Different lengths, no nodes, or NaN among the labels.

    Notes
    -----
    Neither is corrected for chance: two random partitions into many small groups have a large
    `nmi`. One node, or one group in both: vi 0 and nmi 1.

    References
    ----------
    Meilă 2007, doi:10.1016/j.jmva.2006.11.013

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.partition_distance([0, 0, 1, 1], ["b", "b", "a", "a"])
    PartitionDistance(vi=0.0, nmi=1.0)
    >>> vi, nmi = cf.graph.partition_distance([0, 0, 1, 1], [0, 1, 0, 1])
    >>> round(vi, 12), round(nmi, 12)
    (1.0, 0.0)
    """
    first = as_labels(x, "x")
    n = len(first)
    second = as_labels(y, "y", n, "label of x")
    if n == 0:
        raise InvalidArgumentError("x must label at least one node, got none")
    width = int(second.max()) + 1
    pairs, counts = np.unique(first * width + second, return_counts=True)
    both, p_x, p_y = counts / n, np.bincount(first) / n, np.bincount(second) / n
    # What one label leaves open of the other: exactly 0 where it says it.
    rest = -float((both * np.log(both / p_x[pairs // width])).sum())
    rest -= float((both * np.log(both / p_y[pairs % width])).sum())
    if rest == 0.0:
        return PartitionDistance(0.0, 1.0)
    entropies = -float((p_x * np.log(p_x)).sum() + (p_y * np.log(p_y)).sum())
    return PartitionDistance(min(rest / math.log(n), 1.0), max(1.0 - rest / entropies, 0.0))


def agreement(partitions: Any) -> FloatArray:
    """Share of partitions in which two nodes are in the same community.

    Parameters
    ----------
    partitions : array_like (n_partitions, n)
        Labels of each partition in a row: numbers or names.

    Returns
    -------
    ndarray (n, n) float64
        Symmetric, in [0, 1], 1 on the diagonal.

    Raises
    ------
    InvalidArgumentError
        Not a table of labels, no partition, NaN.
    TooLargeError
        n x n numbers do not fit in memory.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.agreement([[0, 0, 1], [1, 0, 0]])
    array([[1. , 0.5, 0. ],
           [0.5, 1. , 0.5],
           [0. , 0.5, 1. ]])
    """
    labels = _table(partitions)
    n = labels.shape[1]
    fits_memory((n, n), np.float64, "the agreement matrix")
    shares = np.empty((n, n))
    for first in range(0, n, _ROWS):
        shares[first : first + _ROWS] = _shares(labels, first).toarray()
    return shares


def consensus(
    partitions: Any,
    *,
    tau: float = 0.5,
    n_runs: int = 100,
    gamma: float = 1.0,
    max_rounds: int = 50,
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
) -> ConsensusPartition:
    """One partition out of many.

    The share of partitions in which two nodes are together (:func:`agreement`) is taken as the
    weight between them, shares below `tau` as 0. Louvain's method finds `n_runs` partitions of this
    network. If they are not all the same, their agreement is clustered in turn.

    Parameters
    ----------
    partitions : array_like (n_partitions, n)
        Labels of each partition in a row: of several runs, resolutions, thresholds or animals.
    tau : float in [0, 1]
        Pairs that are together less often are not held together.
    n_runs : int, >= 1
        Partitions found in a round.
    gamma : float, >= 0
        Resolution of the clustering of agreement.
    max_rounds : int, >= 1
    rng : int or numpy.random.Generator
    threads : int, optional
        Threads among which runs are shared, default :func:`cofire.get_num_threads`; the result does
        not depend on it.

    Returns
    -------
    ConsensusPartition

    Raises
    ------
    InvalidArgumentError
        Not a table of labels, no partition, NaN; a parameter out of range.

    Notes
    -----
    As in the Brain Connectivity Toolbox, a node that is with no other often enough stays alone. The
    agreement matrix is held by blocks of rows, and after that without what is below `tau`.

    References
    ----------
    Lancichinetti & Fortunato 2012, doi:10.1038/srep00336

    Examples
    --------
    >>> import cofire as cf
    >>> import networkx as nx
    >>> club = nx.karate_club_graph()
    >>> runs = [cf.graph.louvain(club, directed=False, rng=seed).labels for seed in range(20)]
    >>> cf.graph.consensus(runs)
    ConsensusPartition(34 nodes, 4 communities, agreed after 1 rounds)
    """
    tau, gamma = real(tau, "tau"), real(gamma, "gamma")
    if not 0.0 <= tau <= 1.0:
        raise InvalidArgumentError(f"tau is a share of partitions, 0 to 1, got {tau:g}")
    if gamma < 0:
        raise InvalidArgumentError(f"gamma must not be negative, got {gamma:g}")
    n_runs, max_rounds = integer(n_runs, "n_runs", 1), integer(max_rounds, "max_rounds", 1)
    found = _table(partitions)
    rounds = np.random.SeedSequence(seed_of(rng)).spawn(max_rounds)
    for n_rounds, sequence in enumerate(rounds, 1):
        halves = Halves.of(_agreement_graph(found, tau))
        seeds = sequence.generate_state(n_runs, np.uint64)

        def one_run(run: int, _: int, halves: Halves = halves, seeds: Any = seeds) -> IntArray:
            return by_first(louvain_levels(halves, gamma, int(seeds[run]), False)[-1])

        found = np.stack(run_blocks(one_run, n_runs, 1, threads))
        if (found == found[0]).all():
            return ConsensusPartition(by_size(found[0]), n_rounds, True, tau)
    kinds, counts = np.unique(found, axis=0, return_counts=True)
    return ConsensusPartition(by_size(kinds[np.argmax(counts)]), max_rounds, False, tau)


def as_labels(ci: Any, name: str, n: int | None = None, what: str = "node") -> IntArray:
    """Any labels (n,) as numbers 0..k-1, in the order of the labels."""
    array = np.asarray(ci)
    if array.ndim != 1 or (n is not None and len(array) != n):
        wanted = f"({n},), one a {what}" if n is not None else "(n,)"
        raise InvalidArgumentError(f"{name} must have shape {wanted}, got {array.shape}")
    if array.dtype.kind == "f" and np.isnan(array).any():
        at = int(np.flatnonzero(np.isnan(array))[0])
        raise InvalidArgumentError(
            f"{name} must label every node: {name}[{at}] is NaN; give it a label of its own"
        )
    try:
        codes: IntArray = np.unique(array, return_inverse=True)[1].astype(np.int64)
    except TypeError as error:
        raise InvalidTypeError(f"{name} must hold labels of one type, numbers or text") from error
    return codes


def by_first(labels: IntArray) -> IntArray:
    """Number communities by their first node."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[codes]


def by_size(labels: IntArray) -> IntArray:
    """Number communities by size, the largest first; equal sizes by their first node."""
    codes = by_first(labels)
    sizes = np.bincount(codes)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[codes]


def _table(partitions: Any) -> IntArray:
    try:
        array = np.asarray(partitions)
    except ValueError as error:
        raise InvalidArgumentError(
            "partitions must label the same nodes in each row, got rows of different lengths"
        ) from error
    if array.ndim != 2 or len(array) == 0:
        raise InvalidArgumentError(
            f"partitions must have shape (n_partitions, n) with a partition, got {array.shape}"
        )
    rows = [as_labels(row, f"partitions[{i}]") for i, row in enumerate(array)]
    return np.stack(rows)


def _shares(labels: IntArray, first: int) -> scipy.sparse.csr_array:
    """Rows first..first+_ROWS-1 of the agreement matrix."""
    from scipy import sparse

    n_partitions, n = labels.shape
    offsets = np.concatenate([[0], np.cumsum(labels.max(axis=1, initial=-1) + 1)])
    columns = (labels + offsets[:-1, None]).T.ravel()
    indptr = np.arange(0, n * n_partitions + 1, n_partitions)
    ones = np.ones(len(columns), dtype=np.int32)
    member = sparse.csr_array((ones, columns, indptr), shape=(n, int(offsets[-1])))
    counts = member[first : first + _ROWS] @ member.T
    return sparse.csr_array(counts / n_partitions)


def _agreement_graph(labels: IntArray, tau: float) -> Graph:
    from scipy import sparse

    n = labels.shape[1]
    blocks = []
    for first in range(0, n, _ROWS):
        block = _shares(labels, first)
        # Shares are quotients of small numbers: tau = 0.7 means 7 of 10.
        block.data[block.data < tau * (1.0 - 1e-12)] = 0.0
        block.eliminate_zeros()
        blocks.append(block)
    matrix = sparse.vstack(blocks) if blocks else sparse.csr_array((n, n))
    return as_graph(matrix, directed=False)
