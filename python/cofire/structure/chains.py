"""Are cells of one assembly connected through a third cell, excitatory or inhibitory?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire._validate import AnyArray, IntArray, fits_memory, positive
from cofire.errors import InvalidArgumentError
from cofire.graph._adjacency import as_graph
from cofire.structure import _battery
from cofire.structure._results import ClassConnections, connections
from cofire.structure._sums import Links
from cofire.structure._two_paths import _list_paths, two_path_sums
from cofire.structure._wiring import (
    check_classes,
    check_connectome,
    middle_cells,
    positions,
)
from cofire.structure.classes import PairClasses

if TYPE_CHECKING:
    from cofire.connectome import Connectome


def chains(
    connectome: Connectome,
    classes: PairClasses,
    middle: Any = "excitatory",
    *,
    sign_column: str | None = None,
    voxel: float | None = None,
    by: str | None = None,
    contrasts: Any = _battery.CONTRASTS,
    alternative: str = "greater",
    ranks: str = "uncorrected",
    adjust: str = "none",
    confidence: float = 0.95,
    threads: int | None = None,
) -> ClassConnections:
    """Chains j, k, i of two connections by class of the pair (j, i): how many, how strong, tests.

    j, k, i are different cells, k any middle cell of the connectome, in an assembly or not.

    * pairwise: B = there is a chain; W(j, i) = sum over k of w(j, k) w(k, i);
    * out: ``B_out(j)`` = chains to partners in the class / possible ones (the middle cells other
      than j and i, summed over the potential partners); ``W_out(j)`` = sum of W / number of chains;
      in: alike.

    Parameters
    ----------
    connectome : Connectome
        Has the cells of `classes` as rows (pre) and columns (post), and the middle cells as both.
        Connections of a cell onto itself are left out.
    classes : PairClasses
        From :func:`pair_classes`.
    middle : {"excitatory", "inhibitory", "any"}, mask over the rows, or array_like of ids
        Which cells chains go through.
    sign_column : str, optional
        Column of ``connectome.cells`` that says excitatory or inhibitory (also E, I, 1, -1).
        Default a usual name, for example ``classification_system``.
    voxel : float, > 0, optional
        Size of a voxel in the unit of the sizes: per-cell W is then in voxels squared, as it was
        published (with 3.645e-6 µm³); pairwise W stays in the unit of the sizes squared.
    by, contrasts, alternative, ranks, adjust, confidence
        As for :func:`monosynaptic`.
    threads : int, optional
        Default all; the result does not depend on it.

    Returns
    -------
    ClassConnections
        ``pairs["count"]`` is the number of chains of each pair.

    Raises
    ------
    JoinError
        Cells of `classes`, or middle cells, that the connectome does not have.
    MissingDataError
        The cells do not say which are excitatory.
    InvalidArgumentError
        No middle cell, a wrong option.

    Notes
    -----
    Every chain counts, through however few synapses; time and memory grow with the chains of the
    presynaptic cells and with the pairs that have one.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import cofire as cf
    >>> matrix = [[0, 1, 1, 0], [0, 0, 0, 3], [0, 0, 0, 1], [0, 0, 0, 0]]
    >>> wiring = cf.Connectome.from_matrix(matrix, ids=[1, 2, 3, 4], psd=matrix)
    >>> classes = cf.structure.pair_classes({1: "1", 4: "1"}, wiring)
    >>> cf.structure.chains(wiring, classes, middle="any").pairs
        class  pre  post  count  value
    0  shared    1     4      2    4.0
    """
    check_connectome(connectome)
    check_classes(classes)
    options = _battery.checked(contrasts, alternative, ranks, adjust, confidence)
    ids = middle_cells(connectome, middle, sign_column)
    if not len(ids):
        raise InvalidArgumentError(
            f"middle: the connectome has no {middle if isinstance(middle, str) else 'such'} cell "
            "that is both a row and a column"
        )
    links = chain_links(connectome, classes, ids, threads)
    name = middle if isinstance(middle, str) else "chosen"
    unit = 1.0 if voxel is None else positive(voxel, "voxel") ** 2
    return connections(f"chains through {name} cells", classes, links, options, unit, by=by)


def chain_links(
    connectome: Connectome, classes: PairClasses, middle: AnyArray, threads: int | None = None
) -> Links:
    """Pairs of the classes with a chain, its number and the summed products of sizes."""
    pre = positions(connectome.row_ids, classes.pre_ids, "row")
    post = positions(connectome.column_ids, classes.post_ids, "column")
    sized = connectome.has_psd
    weights = connectome.psd if sized else connectome.count
    sends = positions(connectome.row_ids, middle, "row")
    receives = positions(connectome.column_ids, middle, "column")
    first = _without_self(weights[pre][:, receives], classes.pre_ids, middle)
    second = _without_self(weights[sends][:, post], middle, classes.post_ids)
    same = _same(classes.pre, classes.post)
    fits_memory((len(pre), len(post)), np.int64, "the chains of all pairs")
    indptr, indices, count, weight = two_path_sums(first, second, same, threads)
    return Links(
        rows=np.repeat(np.arange(len(pre)), np.diff(indptr)).astype(np.int64),
        columns=indices.astype(np.int64),
        number=count,
        strength=weight if sized else None,
        possible=_possible(classes, middle),
    )


def _possible(classes: PairClasses, middle: AnyArray) -> AnyArray | int:
    """Middle cells other than the two of each pair; one number where it is the same for all."""
    is_pre = np.isin(classes.pre_ids, middle)
    is_post = np.isin(classes.post_ids, middle)
    if is_pre.all() == is_pre.any() and is_post.all() == is_post.any():
        return len(middle) - int(is_pre.any()) - int(is_post.any())
    table = len(middle) - is_pre[:, None].astype(np.int64) - is_post[None, :].astype(np.int64)
    return np.maximum(table, 0)


def _same(pre: IntArray, post: IntArray) -> IntArray:
    column = np.full(int(max(pre.max(initial=-1), post.max(initial=-1))) + 1, -1, dtype=np.int64)
    column[post] = np.arange(len(post))
    found: IntArray = column[pre]
    return found


def _without_self(matrix: Any, rows: AnyArray, columns: AnyArray) -> Any:
    """A CSR matrix with sorted columns, without connections of a cell onto itself."""
    from scipy import sparse

    coo = sparse.coo_array(matrix)
    keep = (rows[coo.row] != columns[coo.col]) & (coo.data > 0)
    kept = (coo.data[keep].astype(np.float64), (coo.row[keep], coo.col[keep]))
    out = sparse.csr_array(kept, shape=matrix.shape)
    out.sort_indices()
    return out


def two_paths(adjacency: Any, *, middle: Any = None) -> npt.NDArray[np.int32]:
    """List all paths j, k, i of two edges between three different nodes.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse, networkx graph or Connectome
        ``[pre, post]``.
    middle : mask (n,) bool, optional
        Nodes that k may be. Default all.

    Returns
    -------
    ndarray (n_paths, 3) int32
        Indices of nodes, sorted.

    Raises
    ------
    InvalidArgumentError
        Not square, a mask of another length.
    TooLargeError
        More paths than fit into memory; sums of paths need no list: :func:`chains`.

    Examples
    --------
    >>> from cofire.structure import two_paths
    >>> two_paths([[0, 1, 0], [1, 0, 1], [0, 0, 0]]).tolist()
    [[0, 1, 2]]
    """
    graph = as_graph(adjacency, weighted=False)
    mask = np.ones(graph.n, dtype=bool) if middle is None else np.asarray(middle)
    if mask.dtype.kind != "b" or mask.shape != (graph.n,):
        raise InvalidArgumentError(
            f"middle must be a truth value for each of {graph.n} nodes, got {mask.dtype} of shape "
            f"{mask.shape}"
        )
    parts = (graph.indptr, graph.indices, graph.indptr, graph.indices, np.ascontiguousarray(mask))
    n = _list_paths(*parts, np.empty((0, 3), dtype=np.int32))
    fits_memory((n, 3), np.int32, "the list of two-step paths")
    paths = np.empty((n, 3), dtype=np.int32)
    _list_paths(*parts, paths)
    return paths
