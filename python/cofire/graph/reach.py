"""Into which pieces does a network fall?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import IntArray
from cofire.graph._adjacency import as_graph

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Pieces of a network.

    Attributes
    ----------
    labels : ndarray (n,) int64
        Component of each node, from 0; ordered by size, the smallest first, and those of one size
        by their first node.
    sizes : ndarray (n_components,) int64
        Nodes of each, ascending: the largest component is the last.
    strong : bool
    """

    labels: IntArray
    sizes: IntArray
    strong: bool

    @property
    def n_components(self) -> int:
        """Number of components."""
        return len(self.sizes)

    def __iter__(self) -> Iterator[IntArray]:
        """Unpack as ``labels, sizes``."""
        return iter((self.labels, self.sizes))

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each component."""
        import pandas as pd

        return pd.DataFrame({"component": np.arange(self.n_components), "size": self.sizes})

    def __repr__(self) -> str:
        kind = "strong" if self.strong else "weak"
        largest = int(self.sizes.max(initial=0))
        return (
            f"Components({len(self.labels)} nodes, {self.n_components} {kind} components, "
            f"the largest of {largest})"
        )


def components(adjacency: Any, *, strong: bool = False) -> Components:
    """Connected components of a network.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge.
    strong : bool
        False: nodes are together if a path joins them whose edges are taken in either direction.
        True: if paths along the edges lead from each to the other. The same for a symmetric matrix.

    Returns
    -------
    Components
        ``labels, sizes``; an isolated node is a component of its own.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite.

    Notes
    -----
    scipy.sparse.csgraph finds them; here they are brought into an order that does not depend on it.

    References
    ----------
    Tarjan 1972, doi:10.1137/0201010

    Examples
    --------
    >>> from cofire.graph import components
    >>> pieces = components([[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    >>> pieces.labels, pieces.sizes
    (array([1, 0, 1]), array([1, 2]))
    """
    from scipy.sparse.csgraph import connected_components

    graph = as_graph(adjacency, weighted=False)
    if graph.n == 0:
        empty = np.empty(0, dtype=np.int64)
        return Components(labels=empty, sizes=empty.copy(), strong=strong)
    n, found = connected_components(
        graph.matrix(), directed=True, connection="strong" if strong else "weak"
    )
    sizes = np.bincount(found, minlength=n)
    first = np.full(n, graph.n)
    np.minimum.at(first, found, np.arange(graph.n))
    order = np.lexsort((first, sizes))
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    return Components(labels=place[found], sizes=sizes[order], strong=strong)
