"""Classes of cells against wiring and communities: who synapses onto whom, who is together?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import graph
from cofire._validate import FloatArray
from cofire.errors import InvalidArgumentError
from cofire.studies.assemblies_structure.network import as_matrix

if TYPE_CHECKING:
    import pandas as pd


def class_wiring(adjacency: Any, groups: Any) -> pd.DataFrame:
    """Share of connected pairs from each class of cells to each class.

    Parameters
    ----------
    adjacency : array_like (n, n), scipy.sparse or Connectome
        ``[pre, post]``; self-loops are left out.
    groups : array_like (n,)
        Class of each cell; missing for none.

    Returns
    -------
    DataFrame
        ``pre_class``, ``post_class``, ``n_pairs``, ``n_connected``, ``share``, ``n_synapses`` (sum
        of the weights), a row a pair of classes, also of those without a pair (share NaN).
    """
    import pandas as pd
    from scipy import sparse

    matrix = as_matrix(adjacency)
    labels = pd.Series(np.asarray(groups, dtype=object))
    if len(labels) != matrix.shape[0]:
        raise InvalidArgumentError(
            f"groups must name the class of each of {matrix.shape[0]} cells, got {len(labels)}"
        )
    known = labels.notna()
    names = sorted(labels[known].astype(str).unique())
    code = pd.Index(names).get_indexer(labels[known].astype(str))
    member = sparse.csr_array(
        (np.ones(len(code)), (np.flatnonzero(known), code)), shape=(len(labels), len(names))
    )
    binary = matrix.copy()
    binary.data = np.ones(len(binary.data))
    connected = (member.T @ binary @ member).toarray()
    weight = (member.T @ matrix @ member).toarray()
    sizes = np.bincount(code, minlength=len(names))
    pairs = np.outer(sizes, sizes) - np.diag(sizes)
    share = np.divide(connected, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    pre, post = np.indices(pairs.shape)
    return pd.DataFrame(
        {
            "pre_class": np.array(names, dtype=object)[pre.ravel()],
            "post_class": np.array(names, dtype=object)[post.ravel()],
            "n_pairs": pairs.ravel(),
            "n_connected": connected.ravel().astype(np.int64),
            "share": share.ravel(),
            "n_synapses": weight.ravel(),
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class ClassAgreement:
    """Communities of a network against the classes of its cells.

    Attributes
    ----------
    table : DataFrame
        Number of cells, a row a community ("C1", ...), a column a class.
    nmi, vi : float
        Normalised mutual information and variation of information (normalised by log n).
    null_nmi, null_vi : ndarray (n_nulls,) float64
        With the classes shuffled over the cells.
    p : float
        One-sided: shuffles with at least this NMI, (1 + #) / (1 + n).
    n_cells : int
        Cells with a class.
    """

    table: pd.DataFrame
    nmi: float
    vi: float
    null_nmi: FloatArray
    null_vi: FloatArray
    p: float
    n_cells: int

    def __repr__(self) -> str:
        rows, columns = self.table.shape
        return (
            f"ClassAgreement({rows} communities, {columns} classes, NMI {self.nmi:.3f}, "
            f"p = {self.p:.2g})"
        )


def class_agreement(
    communities: Any, groups: Any, *, n_nulls: int = 1000, rng: int = 0
) -> ClassAgreement:
    """Compare a partition of cells with their classes, and with shuffled classes.

    Parameters
    ----------
    communities : array_like (n,) int
    groups : array_like (n,)
        Class of each cell; cells without one are left out.
    n_nulls : int
    rng : int

    Returns
    -------
    ClassAgreement
    """
    import pandas as pd

    labels = pd.Series(np.asarray(groups, dtype=object))
    known = labels.notna().to_numpy()
    ci = np.asarray(communities)[known]
    kinds, names = pd.factorize(labels[known].astype(str), sort=True)
    if not len(ci):
        raise InvalidArgumentError("groups names the class of no cell")
    vi, nmi = graph.partition_distance(ci, kinds)
    generator = np.random.default_rng(rng)
    shuffled = [graph.partition_distance(ci, generator.permutation(kinds)) for _ in range(n_nulls)]
    null_vi, null_nmi = np.array([tuple(d) for d in shuffled]).reshape(-1, 2).T
    values, at = np.unique(ci, return_inverse=True)
    counts = np.zeros((len(values), len(names)), dtype=np.int64)
    np.add.at(counts, (at, kinds), 1)
    table = pd.DataFrame(counts, index=[f"C{v}" for v in values], columns=list(map(str, names)))
    p = (1 + int((null_nmi >= nmi).sum())) / (1 + n_nulls)
    return ClassAgreement(table, nmi, vi, null_nmi, null_vi, p, len(ci))
