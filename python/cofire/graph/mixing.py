"""Do nodes with many partners have partners with many partners?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cofire._validate import one_of
from cofire.graph._adjacency import as_graph
from cofire.graph.degrees import UND, edge_counts, edge_sums

# What is looked at of the node an edge leaves and of the node it leads to.
_ENDS = {
    "und": ("out", "out"),
    "out_in": ("out", "in"),
    "in_out": ("in", "out"),
    "out_out": ("out", "out"),
    "in_in": ("in", "in"),
}
_ROUNDING = 1e-12


def assortativity(
    adjacency: Any, *, kind: str = "und", form: str = "bct", weighted: bool = False
) -> float:
    """Correlation of the degrees at the two ends of an edge.

    With x the degree of the node that an edge leaves, y that of the node it leads to, and means
    <.> over edges:

    - "pearson": ``<(x - <x>) (y - <y>)> / sqrt(<(x - <x>)**2> <(y - <y>)**2>)``;
    - "bct": ``(<x y> - c) / (<(x**2 + y**2) / 2> - c)``, ``c = <(x + y) / 2>**2``, which has one
      mean and one variance for both ends.

    They are the same for an undirected network, whose edges are taken in both directions.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``.
    kind : {"und", "out_in", "in_out", "out_out", "in_in"}
        "und" wants a symmetric matrix. "out_in": out-degree of the first node, in-degree of the
        second one, and so on; flags 1, 2, 3, 4 of the Brain Connectivity Toolbox.
    form : {"bct", "pearson"}
    weighted : bool
        Strengths instead of degrees; each edge counts once all the same. Negative weights are added
        with their sign.

    Returns
    -------
    float
        In [-1, 1]; NaN without edges, or where all ends are alike ("pearson": all first or all
        second ends).

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, not symmetric for "und", or another kind or form.

    Notes
    -----
    Self-loops are left out. bctpy's weighted flag 4 takes out-strengths at the second end; here
    "in_in" takes in-strengths.

    References
    ----------
    Newman 2002, doi:10.1103/PhysRevLett.89.208701; Foster et al. 2010,
    doi:10.1073/pnas.0912671107

    Examples
    --------
    >>> from cofire.graph import assortativity
    >>> star = [[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    >>> assortativity(star)
    -1.0
    """
    one_of(kind, "kind", tuple(_ENDS))
    one_of(form, "form", ("bct", "pearson"))
    graph = as_graph(
        adjacency, directed=kind != "und", weighted=weighted, negative="keep", undirected=UND
    )
    m = graph.n_edges
    if m == 0:
        return float("nan")
    counts = {end: edge_counts(graph, end) for end in ("out", "in")}
    per_node = {end: edge_sums(graph, end) for end in set(_ENDS[kind])} if weighted else counts
    first, second = (per_node[end].astype(np.float64) for end in _ENDS[kind])
    # Means over edges are means over nodes that count as often as they are an end.
    leaves, arrives = counts["out"] / m, counts["in"] / m
    mean_first, mean_second = leaves @ first, arrives @ second
    if form == "bct":
        mean_first = mean_second = (mean_first + mean_second) / 2
    scales = np.abs(first[leaves > 0]).max(), np.abs(second[arrives > 0]).max()
    first, second = first - mean_first, second - mean_second
    edges = graph.with_weights(np.ones(m)).matrix()
    covariance = float(first @ (edges @ second)) / m
    variances = float(leaves @ first**2), float(arrives @ second**2)
    if form == "bct":
        variances = (sum(variances) / 2,) * 2
    if any(v <= (_ROUNDING * scale) ** 2 for v, scale in zip(variances, scales, strict=True)):
        return float("nan")
    return min(1.0, max(-1.0, covariance / math.sqrt(variances[0] * variances[1])))
