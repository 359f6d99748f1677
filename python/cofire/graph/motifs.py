"""Which patterns of connections do three nodes make, how often and with what weights?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, IntArray, fits_memory, one_of
from cofire.graph._adjacency import as_graph
from cofire.graph._blocks import sum_blocks
from cofire.graph._triads import CLOSED, MAN, MOTIF, OPEN, census, contained, dyads, intensities
from cofire.graph._triads import parts as _parts

if TYPE_CHECKING:
    import pandas as pd

_KINDS = ("structural", "functional")
_BLOCKS = 24  # of first nodes; each has its own sums


@dataclass(frozen=True, slots=True, eq=False)
class MotifIntensity:
    """Weights of three-node motifs.

    Attributes
    ----------
    count : ndarray (13,) or (13, n) int64
        Motifs, as of :func:`motif_census`.
    intensity : ndarray, same shape, float64
        Sum over the motifs of the geometric mean of their weights.
    coherence : ndarray, same shape, float64
        Sum over the motifs of geometric / arithmetic mean, which is 1 where all weights are equal.
    kind : {"structural", "functional"}
    """

    count: IntArray
    intensity: FloatArray
    coherence: FloatArray
    kind: str

    def mean_intensity(self) -> FloatArray:
        """Intensity of one motif; NaN where there is none."""
        return _ratio(self.intensity, self.count)

    def mean_coherence(self) -> FloatArray:
        """Coherence of one motif, in (0, 1]; NaN where there is none."""
        return _ratio(self.coherence, self.count)

    def to_frame(self) -> pd.DataFrame:
        """Row a motif, or a motif and node: number, MAN name, count, intensity, coherence."""
        import pandas as pd

        columns: dict[str, Any] = {"motif": np.arange(1, 14), "man": np.array(MAN)}
        if self.count.ndim == 2:
            n = self.count.shape[1]
            columns = {name: np.repeat(values, n) for name, values in columns.items()}
            columns["node"] = np.tile(np.arange(n), 13)
        for name in ("count", "intensity", "coherence"):
            columns[name] = getattr(self, name).ravel()
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        nodes = f", {self.count.shape[1]} nodes" if self.count.ndim == 2 else ""
        each = 3 if self.count.ndim == 2 else 1
        return f"MotifIntensity({self.count.sum() // each} {self.kind} motifs{nodes})"


def motif_census(adjacency: Any, *, per_node: bool = False, kind: str = "structural") -> IntArray:
    """Count the 13 ways in which three nodes can be connected.

    ===== ==== ===================== ===== ==== =====================
    motif MAN  edges                 motif MAN  edges
    ===== ==== ===================== ===== ==== =====================
    1     021U a→b, c→b              8     120D b→a, b→c, a↔c
    2     021C a→b→c                 9     201  a↔b↔c
    3     021D b→a, b→c              10    120C a→b→c, a↔c
    4     111D a↔b, c→b              11    120U a→b, c→b, a↔c
    5     030T a→b, c→b, a→c         12    210  a→b, b↔c, a↔c
    6     111U a↔b, b→c              13    300  a↔b, b↔c, a↔c
    7     030C a→b→c→a
    ===== ==== ===================== ===== ==== =====================

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; entries that are not zero are edges, whatever their sign.
    per_node : bool
        Count for each node the motifs that it is part of, in any position.
    kind : {"structural", "functional"}
        "structural": every three nodes that hang together are one motif, with all edges among them.
        "functional": every subset of these edges that connects the three nodes is one, too.

    Returns
    -------
    ndarray (13,) or, per node, (13, n) int64
        Row k is motif k + 1. Summed over nodes the second is three times the first.

    Raises
    ------
    InvalidArgumentError
        The adjacency is not a graph (not square, NaN), or an unknown kind.

    Notes
    -----
    Self-loops are left out; fewer than three nodes, or no edges, give zeros. Only triples in which
    all three dyads are connected are visited, each at its node of lowest degree: O(m^1.5) time. The
    open ones follow from the degrees of their middle node. The three disconnected triads of the
    16-triad census (003, 012, 102) are not counted.

    References
    ----------
    Sporns & Kötter 2004, doi:10.1371/journal.pbio.0020369
    Batagelj & Mrvar 2001, doi:10.1016/S0378-8733(01)00035-1 (census by sparse dyads)

    Examples
    --------
    >>> import cofire as cf
    >>> feedforward_loop = [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    >>> cf.graph.motif_census(feedforward_loop)
    array([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    >>> cf.graph.motif_census(feedforward_loop, kind="functional")
    array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    """
    one_of(kind, "kind", _KINDS)
    graph = as_graph(adjacency, weighted=False)
    start, neighbors, codes, _ = dyads(graph.indptr, graph.indices, graph.weights)
    order = np.argsort(np.diff(start), kind="stable")
    by_node: IntArray = census(start, neighbors, codes, order, OPEN, CLOSED)
    counts = np.ascontiguousarray(by_node.T) if per_node else by_node.sum(axis=0) // 3
    return contained() @ counts if kind == "functional" else counts


def motif_intensity(
    adjacency: Any,
    *,
    per_node: bool = False,
    kind: str = "structural",
    threads: int | None = None,
) -> MotifIntensity:
    """Weigh the 13 ways in which three nodes can be connected.

    Intensity of a motif: geometric mean of the weights of its edges. Coherence: geometric over
    arithmetic mean.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``, weights >= 0, taken as they are: divide by the largest for intensities
        in [0, 1].
    per_node : bool
        Sum for each node over the motifs that it is part of.
    kind : {"structural", "functional"}
        As for :func:`motif_census`; a functional motif has the weights of its own edges only.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    MotifIntensity

    Raises
    ------
    InvalidArgumentError
        A negative weight (a geometric mean has no value), not a graph, an unknown kind.

    Notes
    -----
    All connected triples are visited, O(sum of squared degrees): slower than the census.

    References
    ----------
    Onnela, Saramäki, Kertész & Kaski 2005, doi:10.1103/PhysRevE.71.065103

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.motif_intensity([[0, 4, 0], [0, 0, 1], [0, 0, 0]]).intensity[1]
    np.float64(2.0)
    """
    one_of(kind, "kind", _KINDS)
    graph = as_graph(adjacency, why="the geometric mean of weights needs them positive")
    n = graph.n
    fits_memory((n, 13, 3), np.float64, "the sums over the motifs of each node")
    found = dyads(graph.indptr, graph.indices, graph.weights)
    weights = found[3]
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    part_start, masks = _parts(kind)

    def one_block(first: int, stop: int) -> FloatArray:
        sums = np.zeros((n, 13, 3))
        intensities(*found, logs, first, stop, MOTIF, part_start, masks, sums)
        return sums

    block = max(1, -(-n // _BLOCKS))
    by_node = sum_blocks(one_block, n, block, threads, np.zeros((n, 13, 3)))
    sums = by_node.transpose(2, 1, 0).copy() if per_node else by_node.sum(axis=0).T / 3.0
    return MotifIntensity(np.rint(sums[0]).astype(np.int64), sums[1].copy(), sums[2].copy(), kind)


def _ratio(total: FloatArray, count: IntArray) -> FloatArray:
    out = np.full(total.shape, np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out
