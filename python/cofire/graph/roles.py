"""What part has a node in the modules of a network: local hub, or link between modules?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import FloatArray, IntArray, integer, one_of
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.graph._adjacency import Indices, as_graph
from cofire.graph._jit import INDICES, INDPTR, WEIGHTS, kernel
from cofire.graph.degrees import UND, tails

_ROUNDING = 1e-12  # relative to the mean within-module degree


def participation(
    adjacency: Any, ci: Any, *, kind: str = "und", weighted: bool = False
) -> FloatArray:
    """How evenly the edges of a node spread over the modules.

    ``1 - sum_c (k_ic / k_i)**2``, with k_ic the edges (weight) between node i and module c: 0 if
    all of them are with one module, ``1 - 1 / C`` if they spread evenly over C modules.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``.
    ci : array_like (n,)
        Module of each node: integers or names.
    kind : {"und", "in", "out"}
        "und" wants a symmetric matrix; "in" looks at the edges that arrive (columns), "out" at
        those that leave (rows).
    weighted : bool
        Weights instead of numbers of edges; they must not be negative.

    Returns
    -------
    ndarray (n,) float64
        In [0, 1); 0 for a node without such edges.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, not symmetric for "und", negative weights that count, or not one
        module for each node.

    Notes
    -----
    Self-loops are left out. For negative weights pass ``np.maximum(A, 0)`` and
    ``np.maximum(-A, 0)`` one after the other.

    References
    ----------
    Guimerà & Amaral 2005, doi:10.1038/nature03288

    Examples
    --------
    >>> from cofire.graph import participation
    >>> participation([[0, 1, 1], [1, 0, 0], [1, 0, 0]], [0, 0, 1])
    array([0.5, 0. , 0. ])
    """
    one_of(kind, "kind", ("und", "in", "out"))
    why = "weights are shares of a sum; pass np.maximum(A, 0) and np.maximum(-A, 0) in turn"
    graph = as_graph(adjacency, directed=kind != "und", weighted=weighted, why=why, undirected=UND)
    modules, n_modules = as_modules(ci, graph.n)
    if kind == "in":
        graph = graph.reverse()
    return _participation(graph.indptr, graph.indices, graph.weights, modules, n_modules)


def module_zscore(
    adjacency: Any, ci: Any, *, flag: int = 0, weighted: bool = False, ddof: int = 0
) -> FloatArray:
    """Within-module degree of every node, as a z-score over its module.

    ``(kappa_i - mean) / SD`` with kappa_i the edges (weight) between node i and its own module,
    mean and SD over the nodes of the module.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``.
    ci : array_like (n,)
        Module of each node: integers or names.
    flag : {0, 1, 2, 3}
        Which edges: 0 undirected (wants a symmetric matrix), 1 those that leave (row sums), 2 those
        that arrive (column sums), 3 both together.
    weighted : bool
        Weights instead of numbers of edges; negative ones are added with their sign.
    ddof : int, >= 0
        Of the SD: 0 population (bctpy), 1 sample (the Brain Connectivity Toolbox of MATLAB).

    Returns
    -------
    ndarray (n,) float64
        0 in a module whose nodes are all alike, or that has at most `ddof` nodes.

    Raises
    ------
    InvalidArgumentError
        Not square, not finite, not symmetric for flag 0, a flag that does not exist, or not one
        module for each node.

    Notes
    -----
    Self-loops are left out. Nodes count as alike if their within-module degrees differ by rounding
    errors only (1e-12 of the mean).

    References
    ----------
    Guimerà & Amaral 2005, doi:10.1038/nature03288

    Examples
    --------
    >>> from cofire.graph import module_zscore
    >>> chain = [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]
    >>> module_zscore(chain, [1, 1, 1, 1])
    array([-1.,  1.,  1., -1.])
    """
    flag = integer(flag, "flag", 0)
    if flag > 3:
        raise InvalidArgumentError(
            f"flag must be 0 (undirected), 1 (out), 2 (in) or 3 (both), got {flag}"
        )
    ddof = integer(ddof, "ddof", 0)
    graph = as_graph(
        adjacency, directed=flag != 0, weighted=weighted, negative="keep", undirected="flag=0"
    )
    modules, n_modules = as_modules(ci, graph.n)
    rows = tails(graph)
    within = modules[rows] == modules[graph.indices]
    weights = graph.weights[within]
    kappa = np.zeros(graph.n)
    if flag != 2:
        kappa += np.bincount(rows[within], weights, graph.n)
    if flag in (2, 3):
        kappa += np.bincount(graph.indices[within], weights, graph.n)
    sizes = np.bincount(modules, minlength=n_modules)
    off = kappa - (np.bincount(modules, kappa, n_modules) / sizes)[modules]
    scale = np.bincount(modules, np.abs(kappa), n_modules) / sizes
    variance = np.bincount(modules, off**2, n_modules) / np.maximum(sizes - ddof, 1)
    sd = np.sqrt(variance)
    spread = (sd > _ROUNDING * scale) & (sizes > ddof)
    return np.divide(off, sd[modules], out=np.zeros(graph.n), where=spread[modules])


def as_modules(ci: Any, n: int, name: str = "ci") -> tuple[IntArray, int]:
    """Modules as numbers from 0, and how many there are."""
    labels = np.asarray(ci)
    if labels.shape != (n,):
        raise InvalidArgumentError(
            f"{name} must hold one module for each of {n} nodes, got shape {labels.shape}"
        )
    if labels.dtype.kind not in "biufUSO":
        raise InvalidTypeError(f"{name} must be integers or names, got {labels.dtype}")
    # The only values that differ from themselves are missing ones.
    missing = np.array([v is None or v != v for v in labels.tolist()], dtype=bool)
    if missing.any():
        bad = int(np.flatnonzero(missing)[0])
        raise InvalidArgumentError(
            f"{name} must name a module for every node: {name}[{bad}] is {labels[bad]}; give nodes "
            "without one a module of their own, or leave them out of both arguments"
        )
    if labels.dtype == object:
        labels = labels.astype(np.str_)
    found, modules = np.unique(labels, return_inverse=True)
    return modules.astype(np.int64), len(found)


@kernel(f"{WEIGHTS}({INDPTR}, {INDICES}, {WEIGHTS}, int64[::1], int64)")
def _participation(
    indptr: IntArray, indices: Indices, weights: FloatArray, modules: IntArray, n_modules: int
) -> FloatArray:
    n = len(indptr) - 1
    result, with_module = np.zeros(n), np.zeros(n_modules)
    for i in range(n):
        total = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            with_module[modules[indices[e]]] += weights[e]
            total += weights[e]
        squares = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            module = modules[indices[e]]
            # Zero from the second edge with one module on: each counts once.
            squares += (with_module[module] / total) ** 2
            with_module[module] = 0.0
        if total > 0:
            result[i] = 1.0 - squares
    return result
