"""Which nodes make a core that is dense within, around which the others have few edges?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import BoolArray, FloatArray, real
from cofire.errors import InvalidArgumentError
from cofire.graph._adjacency import as_graph

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class CorePeriphery:
    """The best division of a network into a core and a periphery.

    Attributes
    ----------
    core : ndarray (n,) bool
        Whether a node is in the core.
    q : float
        Score of the division; NaN without edges.
    contribution : ndarray (n,) float64
        What a node adds to the score in the core: its share of all edge ends, less `gamma` times
        what every node would have. The core is where it is positive.
    gamma : float
    """

    core: BoolArray
    q: float
    contribution: FloatArray
    gamma: float

    def to_frame(self) -> pd.DataFrame:
        """Row a node: its number, whether it is in the core, its contribution."""
        import pandas as pd

        columns = {"core": self.core, "contribution": self.contribution}
        return pd.DataFrame({"node": np.arange(len(self.core)), **columns})

    def __repr__(self) -> str:
        return f"CorePeriphery({len(self.core)} nodes, {self.core.sum()} core, q = {self.q:.4f})"


def core_periphery(
    adjacency: Any,
    *,
    gamma: float = 1.0,
    directed: bool = True,
    weighted: bool = False,
) -> CorePeriphery:
    """Divide a network into a core and a periphery.

    Maximizes ``q = sum_{i, j in core} B_ij - sum_{i, j in periphery} B_ij`` with
    ``B = (b + b^T) / (2 s)``, ``b = W - gamma mean(W)``, ``s = sum W``; the mean is over all n x n
    entries.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``, weights >= 0. Self-loops are left out.
    gamma : float, >= 0
        Above 1: a small core; below: a large one.
    directed : bool
        False wants a symmetric matrix; the result is the same.
    weighted : bool
        False: every entry that is not zero counts 1.

    Returns
    -------
    CorePeriphery

    Raises
    ------
    InvalidArgumentError
        A weight or `gamma` is negative, the adjacency is not a graph.

    Notes
    -----
    With x_i = 1 in the core, ``x_i x_j - (1 - x_i)(1 - x_j) = x_i + x_j - 1``: the score is a sum
    over nodes, ``q = sum_{i in core} c_i + gamma - 1`` with
    ``c_i = (s_i^in + s_i^out) / s - 2 gamma / n``. So the best core is the nodes of more than
    `gamma` times the mean total strength, exactly. Flips of single nodes, as the Brain Connectivity
    Toolbox searches (Kernighan and Lin), end there too; a node with exactly the mean may be on
    either side, here in the periphery. Without edges: no core, q is NaN.

    References
    ----------
    Rubinov, Ypma, Watson & Bullmore 2015, doi:10.1073/pnas.1420315112
    Borgatti & Everett 2000, doi:10.1016/S0378-8733(99)00019-2

    Examples
    --------
    >>> import cofire as cf
    >>> star = [[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    >>> cf.graph.core_periphery(star).core
    array([ True, False, False, False])
    """
    gamma = real(gamma, "gamma")
    if gamma < 0:
        raise InvalidArgumentError(f"gamma must not be negative, got {gamma:g}")
    why = "their sum is what weights are compared with"
    graph = as_graph(adjacency, directed=directed, weighted=weighted, why=why)
    if graph.n_edges == 0:
        nothing = np.zeros(graph.n)
        return CorePeriphery(nothing > 0, float("nan"), nothing, gamma)
    rows = np.repeat(np.arange(graph.n), np.diff(graph.indptr))
    strength = np.bincount(rows, graph.weights, graph.n)
    strength += np.bincount(graph.indices, graph.weights, graph.n)
    contribution = strength / graph.weights.sum() - 2.0 * gamma / graph.n
    # A node of exactly the mean must not be in the core by rounding.
    core = contribution > 1e-12 * 2.0 / graph.n
    q = float(contribution[core].sum() + gamma - 1.0)
    return CorePeriphery(core, q, contribution, gamma)
