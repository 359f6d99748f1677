"""Who is central when all walks count, not only the shortest paths?

scipy is called where it does the work: ``scipy.linalg.expm`` (scaling and squaring with a Pade
approximant) for the communicability, ``scipy.linalg.eigh`` for subgraph centrality,
``scipy.sparse.linalg.eigsh`` and ``eigs`` (ARPACK) for leading eigenvectors and spectral radii of
large components, ``scipy.sparse.csgraph`` for the components. Ours is the exponential of the
normalized matrix, which needs neither scaling nor a solve.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cofire._validate import FloatArray, fits_memory, positive, real
from cofire.errors import ConvergenceWarning, InvalidArgumentError
from cofire.graph._adjacency import Graph, as_graph

if TYPE_CHECKING:
    import scipy.sparse

_DEGREE = 20  # of the truncated exponential: the rest is less than e / 21! = 5e-20
_DENSE = 200  # nodes up to which LAPACK is faster than ARPACK, and always accurate
_RESOLVED = 1e-10  # relative: leading eigenvalues of two components that count as equal
_ITERATIONS = 100_000
_REMEDY = "take a part of the graph"


def communicability(
    adjacency: Any, *, directed: bool = True, weighted: bool = False, normalized: bool = False
) -> FloatArray:
    """Communicability of every pair of nodes: walks of all lengths k, with weight 1 / k!.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out.
    directed : bool
        False wants a symmetric matrix. The result is the same.
    weighted : bool
        Use the weights; otherwise 1 for every edge.
    normalized : bool
        expm(S) with ``S_ij = a_ij / sqrt(s_i s_j)``, s_i the sum of row i on both sides, instead of
        expm(A). A node without outputs has row and column 0 in S.

    Returns
    -------
    ndarray (n, n) float64
        ``[pre, post]``, with its diagonal: 1 or more.

    Raises
    ------
    InvalidArgumentError
        A matrix that is not square or finite, a negative weight, an asymmetric matrix for
        ``directed=False``; an exponential beyond the range of float64.
    TooLargeError
        n x n numbers do not fit the memory.

    Notes
    -----
    The plain form is ``scipy.linalg.expm``. The normalized one uses that S is similar to the
    row-stochastic matrix P = diag(1 / s) a: ``expm(S)_ij = sqrt(s_i / s_j) expm(P)_ij``, where the
    norm of P is 1 and nothing cancels, so that the first 20 powers (7 matrix products) are exact to
    float64. Nodes more than 20 steps apart get 0, less than 1e-19 too little.

    The regularizers of constrained networks use the same matrix with its diagonal set to 0.

    References
    ----------
    Estrada & Hatano 2008, doi:10.1103/PhysRevE.77.036111
    Crofts & Higham 2009 (normalized), doi:10.1098/rsif.2008.0484

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.communicability([[0, 1], [0, 0]])
    array([[1., 1.],
           [0., 1.]])
    """
    graph = as_graph(adjacency, directed=directed, weighted=weighted, why="walks have no sign here")
    fits_memory((6, graph.n, graph.n), np.float64, "the powers of the matrix", _REMEDY)
    if graph.n == 0:
        return np.zeros((0, 0))
    if normalized:
        return _normalized_exponential(graph.dense())
    return _exponential(graph)


def subgraph_centrality(
    adjacency: Any, *, directed: bool = True, weighted: bool = False
) -> FloatArray:
    """Closed walks of all lengths k from each node, with weight 1 / k!: the diagonal of expm(A).

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out.
    directed : bool
        False wants a symmetric matrix.
    weighted : bool
        Use the weights; otherwise 1 for every edge.

    Returns
    -------
    ndarray (n,) float64
        1 for a node on no cycle.

    Raises
    ------
    InvalidArgumentError, TooLargeError
        As :func:`communicability`.

    Notes
    -----
    Undirected: from all eigenvectors (``scipy.linalg.eigh``), with an absolute error of about 1e-14
    of the largest value. Directed: ``scipy.linalg.expm``. Both take n^3 steps and n x n numbers.

    References
    ----------
    Estrada & Rodriguez-Velazquez 2005, doi:10.1103/PhysRevE.71.056103

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.subgraph_centrality([[0, 1], [1, 0]], directed=False).round(4)
    array([1.5431, 1.5431])
    """
    graph = as_graph(adjacency, directed=directed, weighted=weighted, why="walks have no sign here")
    fits_memory((6, graph.n, graph.n), np.float64, "the powers of the matrix", _REMEDY)
    if graph.n == 0:
        return np.zeros(0)
    if directed:
        return np.ascontiguousarray(np.diag(_exponential(graph)))
    from scipy import linalg

    values, vectors = linalg.eigh(graph.dense())
    if values[-1] > math.log(np.finfo(np.float64).max):
        raise InvalidArgumentError(_too_strong(float(values[-1])))
    return vectors**2 @ np.exp(values)


def eigenvector(adjacency: Any, *, weighted: bool = False) -> FloatArray:
    """Eigenvector centrality of an undirected graph: the leading eigenvector of the matrix.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        Symmetric; an entry that is not zero is an edge. Self-loops are left out. Of a directed
        graph pass ``(A + A.T) / 2``.
    weighted : bool
        Use the weights; otherwise 1 for every edge.

    Returns
    -------
    ndarray (n,) float64
        Not negative, of L2 norm 1; all 0 in a graph without edges.

    Raises
    ------
    InvalidArgumentError
        A matrix that is not symmetric or finite, a negative weight.

    Notes
    -----
    A graph in pieces has its leading eigenvector in the component with the largest eigenvalue, and
    0 elsewhere. If several components have it (to 1e-10), the vector is not unique: it is then the
    projection of (1, ..., 1) on all that lead, which does not depend on the order of nodes.

    References
    ----------
    Bonacich 1987, doi:10.1086/228631
    Newman 2010, Networks, doi:10.1093/acprof:oso/9780199206650.001.0001

    Examples
    --------
    >>> import cofire as cf
    >>> star = [[0, 1, 1], [1, 0, 0], [1, 0, 0]]
    >>> cf.graph.eigenvector(star).round(4)
    array([0.7071, 0.5   , 0.5   ])
    """
    graph = as_graph(
        adjacency, directed=False, weighted=weighted, why="the vector would have both signs"
    )
    out = np.zeros(graph.n)
    pairs = [(*_leading(part), members) for members, part in _parts(graph, "weak")]
    if not pairs:
        return out
    largest = max(value for value, _, _ in pairs)
    for value, vector, members in pairs:
        if value >= largest * (1 - _RESOLVED):
            out[members] = vector * vector.sum()
    out /= np.linalg.norm(out)
    return out


def pagerank(
    adjacency: Any,
    *,
    weighted: bool = True,
    damping: float = 0.85,
    tolerance: float = 1e-12,
) -> FloatArray:
    """PageRank: where a walker is found who follows edges, and now and then starts anew anywhere.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; edges are followed from pre to post. Self-loops are left out.
    weighted : bool
        Choose an edge in proportion to its weight; otherwise all alike. Unlike in other measures
        weights are used by default.
    damping : float, in [0, 1)
        Probability to follow an edge. From a node without outputs the walker goes anywhere.
    tolerance : float, > 0
        Largest sum of changes in the last step.

    Returns
    -------
    ndarray (n,) float64
        Positive, sum 1.

    Raises
    ------
    InvalidArgumentError
        A matrix that is not square or finite, a negative weight, a `damping` that does not lie in
        [0, 1).

    Notes
    -----
    bctpy follows edges backwards.

    References
    ----------
    Brin & Page 1998, doi:10.1016/S0169-7552(98)00110-X

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.pagerank([[0, 1, 1], [0, 0, 1], [1, 0, 0]]).round(4)
    array([0.3878, 0.2148, 0.3974])
    """
    damping, tolerance = real(damping, "damping"), positive(tolerance, "tolerance")
    if not 0 <= damping < 1:
        raise InvalidArgumentError(f"damping must lie in [0, 1), got {damping:g}")
    graph = as_graph(adjacency, weighted=weighted, why="weights are chances of a step")
    n = graph.n
    if n == 0:
        return np.zeros(0)
    strengths = _row_sums(graph)
    dangling = strengths == 0
    shares = graph.weights / np.repeat(strengths, np.diff(graph.indptr))
    follow = graph.with_weights(shares).matrix().T.tocsr()
    rank: FloatArray = np.full(n, 1.0 / n)
    for _ in range(_ITERATIONS):
        before = rank
        rank = damping * (follow @ before + before[dangling].sum() / n) + (1 - damping) / n
        rank /= rank.sum()
        if np.abs(rank - before).sum() <= max(tolerance, 4e-16 * n):
            return rank
    _warn("pagerank", f"damping={damping:g}")
    return rank


def katz(adjacency: Any, *, weighted: bool = False, alpha: float | None = None) -> FloatArray:
    """Katz centrality: walks of all lengths k that end in a node, with weight alpha^k.

    ``(I - alpha A^T)^-1 1``, scaled to L2 norm 1.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``; an entry that is not zero is an edge. Self-loops are left out. For walks
        that begin in a node pass the transpose.
    weighted : bool
        Use the weights; otherwise 1 for every edge.
    alpha : float, optional
        In [0, 1 / spectral radius). Default: 0.9 / spectral radius.

    Returns
    -------
    ndarray (n,) float64
        Positive, of L2 norm 1.

    Raises
    ------
    InvalidArgumentError
        A matrix that is not square or finite, a negative weight, an `alpha` out of range, or none
        for a graph with edges but without cycles (whose spectral radius is 0).

    Notes
    -----
    The spectral radius is the largest of the strongly connected components.

    References
    ----------
    Katz 1953, doi:10.1007/BF02289026

    Examples
    --------
    >>> import cofire as cf
    >>> cf.graph.katz([[0, 1, 1], [0, 0, 1], [1, 0, 0]]).round(4)
    array([0.5463, 0.4285, 0.7197])
    """
    graph = as_graph(adjacency, weighted=weighted, why="the sum over walks may not converge")
    radius = max((_radius(part) for _, part in _parts(graph, "strong")), default=0.0)
    if alpha is None:
        if radius == 0 and graph.n_edges:
            raise InvalidArgumentError(
                "alpha has no default for a graph without cycles: 0.9 / spectral radius is "
                "infinite; pass alpha, any number >= 0"
            )
        factor = 0.9 / radius if radius else 0.0
    else:
        factor = real(alpha, "alpha")
        if factor < 0 or factor * radius >= 1:
            raise InvalidArgumentError(
                f"alpha must lie in [0, {1 / radius if radius else math.inf:g}), 1 / spectral "
                f"radius of the graph, got {factor:g}"
            )
    backward = graph.matrix().T.tocsr() * factor
    term: FloatArray = np.ones(graph.n)
    out = term
    # In the end the terms shrink by factor * radius a step: what is left of the series then is the
    # last term over 1 - factor * radius. A term that is 0 has no walks left to go on.
    for _ in range(_ITERATIONS):
        term = backward @ term
        out = out + term
        if not (term > 1e-17 * (1 - factor * radius) * out).any():
            break
    else:
        _warn("katz", f"alpha={factor:.17g}")
    return out / np.linalg.norm(out) if graph.n else out


def _warn(name: str, argument: str) -> None:
    warnings.warn(
        f"{name} stopped after {_ITERATIONS} steps before it had converged; {argument} is close to "
        "its limit: take a smaller one",
        ConvergenceWarning,
        stacklevel=3,
    )


def _exponential(graph: Graph) -> FloatArray:
    from scipy import linalg

    with np.errstate(over="ignore", invalid="ignore"):
        out: FloatArray = linalg.expm(graph.dense())
    if not np.isfinite(out).all():
        raise InvalidArgumentError(
            _too_strong(max((_radius(part) for _, part in _parts(graph, "strong")), default=0.0))
        )
    return out


def _too_strong(radius: float) -> str:
    return (
        f"adjacency is too strong: the exponential of its spectral radius, {radius:.4g}, is beyond "
        "float64; scale the weights down, or take communicability(normalized=True)"
    )


def _normalized_exponential(a: FloatArray) -> FloatArray:
    """Exponential of diag(s)^-1/2 a diag(s)^-1/2 through that of P, by Paterson and Stockmeyer."""
    sums = a.sum(axis=1)
    dead = sums == 0
    sums[dead] = 1.0
    p = a / sums[:, None]
    p[:, dead] = 0.0
    p2 = p @ p
    p3, p4 = p2 @ p, p2 @ p2
    c = [1.0 / math.factorial(k) for k in range(_DEGREE + 1)]
    out = c[_DEGREE] * p4
    for k in range(_DEGREE - 4, -1, -4):
        if k < _DEGREE - 4:
            out = p4 @ out
        out += c[k + 3] * p3
        out += c[k + 2] * p2
        out += c[k + 1] * p
        np.einsum("ii->i", out)[:] += c[k]
    root = np.sqrt(sums)
    out *= root[:, None]
    out /= root
    return np.asarray(out, dtype=np.float64)


def _row_sums(graph: Graph) -> FloatArray:
    return np.asarray(graph.matrix().sum(axis=1), dtype=np.float64)


def _parts(
    graph: Graph, connection: Literal["weak", "strong"]
) -> list[tuple[Any, scipy.sparse.csr_array]]:
    """Nodes and matrix of each component of two nodes or more."""
    from scipy.sparse.csgraph import connected_components

    matrix = graph.matrix()
    n_parts, label = connected_components(matrix, directed=True, connection=connection)
    if n_parts == 1 and graph.n > 1:
        return [(np.arange(graph.n), matrix)]
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(label, minlength=n_parts))[:-1])
    return [(members, matrix[members][:, members]) for members in groups if len(members) > 1]


def _leading(part: scipy.sparse.csr_array) -> tuple[float, FloatArray]:
    """Largest eigenvalue of a connected undirected graph, and its positive eigenvector."""
    n = part.shape[0]
    if n <= _DENSE:
        values, vectors = np.linalg.eigh(part.toarray())
        value, vector = float(values[-1]), vectors[:, -1]
    else:
        from scipy.sparse.linalg import eigsh

        start = np.sqrt(part.sum(axis=1))
        values, vectors = eigsh(part, k=1, which="LA", v0=start)
        value, vector = float(values[0]), vectors[:, 0]
    return value, np.abs(vector)


def _radius(part: scipy.sparse.csr_array) -> float:
    """Spectral radius of a strongly connected graph: a simple, positive eigenvalue."""
    if part.shape[0] <= _DENSE:
        return float(np.abs(np.linalg.eigvals(part.toarray())).max())
    from scipy.sparse.linalg import eigs

    start = np.sqrt(part.sum(axis=1))
    return float(eigs(part, k=1, which="LR", v0=start, return_eigenvectors=False)[0].real)
