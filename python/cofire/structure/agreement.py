"""Are the communities of the connectome the assemblies?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer, one_of
from cofire.errors import InvalidArgumentError
from cofire.stats import adjust as adjust_p
from cofire.stats.surrogates import seed_of
from cofire.structure._wiring import check_classes, check_connectome, positions
from cofire.structure.classes import PairClasses
from cofire.structure.nulls import null_p

if TYPE_CHECKING:
    import pandas as pd

    from cofire.connectome import Connectome

ASSIGNMENTS = ("largest", "combination")


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class CommunityAgreement:
    """Agreement of two partitions of the same cells.

    Attributes
    ----------
    cells : DataFrame
        A row a cell that is compared: ``cell``, ``community``, ``group`` (of its assemblies).
    nmi : float
        Mutual information over the mean of both entropies: 1 for equal partitions, 0 for
        independent ones; 1 if both have one group.
    vi : float
        Variation of information over log of the number of cells, as
        :func:`cofire.graph.partition_distance`: 0 for equal partitions, at most 1.
    null : ndarray (n_null, 2) float64
        NMI and VI with the groups dealt out to the cells anew.
    p_nmi, p_vi : float
        Share of the null with an NMI at least, a VI at most as observed.
    by_assembly : DataFrame
        A row an assembly, its members against all other cells with a functional index:
        ``assembly``, ``n``, ``nmi``, ``vi``, ``null_nmi`` (mean), ``p``, ``p_adjusted``.
    n_communities, n_groups : int
    modularity : float
        Of the communities in the whole connectome; NaN where they were given.
    """

    cells: pd.DataFrame
    nmi: float
    vi: float
    null: FloatArray
    p_nmi: float
    p_vi: float
    by_assembly: pd.DataFrame
    n_communities: int
    n_groups: int
    modularity: float

    def to_frame(self) -> pd.DataFrame:
        """A row a measure: observed, mean and 95 % range of the null, p."""
        import pandas as pd

        rows = []
        for k, (name, value, p) in enumerate(
            (("NMI", self.nmi, self.p_nmi), ("VI", self.vi, self.p_vi))
        ):
            known = self.null[~np.isnan(self.null[:, k]), k]
            some = len(known) > 0
            low, high = np.quantile(known, [0.025, 0.975]) if some else (np.nan, np.nan)
            mean = float(known.mean()) if some else np.nan
            rows.append((name, value, mean, float(low), float(high), p, len(self.cells)))
        columns = ["measure", "observed", "null_mean", "null_low", "null_high", "p", "n_cells"]
        return pd.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        return (
            f"CommunityAgreement({len(self.cells)} cells, {self.n_communities} communities, "
            f"{self.n_groups} groups: NMI {self.nmi:.3f} (p = {self.p_nmi:.3g}), VI {self.vi:.3f} "
            f"(p = {self.p_vi:.3g}))"
        )


def community_agreement(
    connectome: Connectome,
    classes: PairClasses,
    *,
    communities: Any = None,
    gamma: float = 1.0,
    weighted: bool = False,
    assign: str = "largest",
    with_none: bool = False,
    n_null: int = 1000,
    adjust: str = "none",
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
) -> CommunityAgreement:
    """Compare communities of the connectome with assemblies.

    Parameters
    ----------
    connectome : Connectome
        Square; communities are found in all of it.
    classes : PairClasses
        Its cells are compared, presynaptic and postsynaptic alike.
    communities : array_like (n_cells,), Series or mapping, optional
        Community of each cell of the connectome, in the order of its rows or by id. Default
        :func:`cofire.graph.louvain`, the best of ten runs.
    gamma : float
        Resolution of Louvain.
    weighted : bool
        Whether Louvain weighs pairs by their synapses.
    assign : {"largest", "combination"}
        How assemblies, which overlap, become a partition: a cell counts for the largest of its
        assemblies (ties: the first), or cells with the same set of assemblies are a group.
    with_none : bool
        Whether cells in no assembly are compared too, as one more group.
    n_null : int
        Shuffles of the groups among the cells.
    adjust : {"none", "holm", "bonferroni", "benjamini_hochberg"}
        Of p over assemblies.
    rng : int or Generator
    threads : int, optional
        Of Louvain.

    Returns
    -------
    CommunityAgreement

    Raises
    ------
    InvalidArgumentError
        Communities of another number of cells, no cell in an assembly.
    JoinError
        Cells of `classes` that the connectome does not have.

    References
    ----------
    Meila 2007, doi:10.1016/j.jmva.2006.11.013; Danon et al. 2005,
    doi:10.1088/1742-5468/2005/09/P09008

    Examples
    --------
    >>> import cofire as cf
    >>> import numpy as np
    >>> wiring = cf.Connectome.from_matrix(np.kron(np.eye(2), np.ones((5, 5))) - np.eye(10))
    >>> classes = cf.structure.pair_classes({i: str(i // 5) for i in range(10)}, wiring)
    >>> found = cf.structure.community_agreement(
    ...     wiring, classes, communities=np.arange(10) // 5, n_null=100
    ... )
    >>> round(found.nmi, 6), found.vi
    (1.0, 0.0)
    """
    check_connectome(connectome)
    check_classes(classes)
    one_of(assign, "assign", ASSIGNMENTS)
    n_null = integer(n_null, "n_null", 0)
    labels, modularity = _communities(connectome, communities, gamma, weighted, rng, threads)
    here = labels[positions(connectome.row_ids, classes.cell_ids, "row")]
    group = _groups(classes, assign)
    chosen = np.ones(len(group), dtype=bool) if with_none else group >= 0
    if not chosen.any():
        raise InvalidArgumentError(
            "classes: no cell is in an assembly, there is nothing to compare"
        )
    a, b = _numbered(here[chosen]), _numbered(group[chosen])
    nmi, vi = partition_agreement(a, b)
    seed = seed_of(rng)
    null = np.array([partition_agreement(a, b[_shuffle(len(b), seed, k)]) for k in range(n_null)])
    null = null.reshape(n_null, 2)
    import pandas as pd

    cells = pd.DataFrame(
        {
            "cell": classes.cell_ids[chosen],
            "community": here[chosen],
            "group": _group_names(classes, assign, group)[chosen],
        }
    )
    return CommunityAgreement(
        cells=cells,
        nmi=nmi,
        vi=vi,
        null=null,
        p_nmi=null_p(nmi, null[:, 0], "greater"),
        p_vi=null_p(vi, null[:, 1], "less"),
        by_assembly=_by_assembly(_numbered(here), classes, n_null, seed, adjust),
        n_communities=int(a.max()) + 1,
        n_groups=int(b.max()) + 1,
        modularity=modularity,
    )


def partition_agreement(a: IntArray, b: IntArray) -> tuple[float, float]:
    """NMI and normalized VI of two labelings 0..k-1 of the same things.

    :func:`cofire.graph.partition_distance` without its checks, for thousands of shuffles.
    """
    n = len(a)
    if not n:
        return np.nan, np.nan
    n_b = int(b.max()) + 1
    joint = np.bincount(a * n_b + b, minlength=(int(a.max()) + 1) * n_b).reshape(-1, n_b) / n
    h_a, h_b, h_ab = (_entropy(p) for p in (joint.sum(axis=1), joint.sum(axis=0), joint.ravel()))
    mutual = h_a + h_b - h_ab
    vi = max(2 * h_ab - h_a - h_b, 0.0)
    vi = vi / np.log(n) if n > 1 and vi > 1e-12 else 0.0
    return (2 * mutual / (h_a + h_b) if h_a + h_b > 0 else 1.0), vi


def _entropy(p: FloatArray) -> float:
    positive = p[p > 0]
    return float(-(positive * np.log(positive)).sum())


def _by_assembly(
    communities: IntArray, classes: PairClasses, n_null: int, seed: int, adjust: str
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for k, name in enumerate(classes.assemblies):
        inside = classes.member[:, k].astype(np.int64)
        nmi, vi = partition_agreement(communities, inside)
        null = np.array(
            [
                partition_agreement(communities, inside[_shuffle(len(inside), seed, j)])[0]
                for j in range(n_null)
            ]
        )
        rows.append(
            {
                "assembly": name,
                "n": int(inside.sum()),
                "nmi": nmi,
                "vi": vi,
                "null_nmi": float(np.mean(null)) if len(null) else np.nan,
                "p": null_p(nmi, null, "greater"),
            }
        )
    names = ["assembly", "n", "nmi", "vi", "null_nmi", "p"]
    table = pd.DataFrame(rows, columns=names)
    table["p_adjusted"] = adjust_p(table["p"].to_numpy(dtype=np.float64), adjust)
    return table


def _communities(
    connectome: Any,
    given: Any,
    gamma: float,
    weighted: bool,
    rng: int | np.random.Generator,
    threads: int | None,
) -> tuple[IntArray, float]:
    import pandas as pd

    n = len(connectome.row_ids)
    if given is None:
        from cofire import graph

        found = graph.louvain(
            connectome, gamma=gamma, weighted=weighted, n_runs=10, rng=seed_of(rng), threads=threads
        )
        return np.asarray(found.labels, dtype=np.int64), float(found.q)
    if isinstance(given, (Mapping, pd.Series)):
        given = pd.Series(given).reindex(connectome.row_ids)
        if given.isna().any():
            lost = given.index[given.isna()].tolist()
            raise InvalidArgumentError(f"communities has none for cells {lost[:5]}")
    values = np.asarray(given)
    if values.shape != (n,):
        raise InvalidArgumentError(
            f"communities must hold one for each of {n} rows of the connectome, got {values.shape}"
        )
    return _numbered(values), np.nan


def _groups(classes: PairClasses, assign: str) -> IntArray:
    """Group of every cell; -1 for a cell in no assembly."""
    member: BoolArray = classes.member
    some = classes.in_assembly
    if assign == "combination":
        groups = np.unique(member, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    elif member.shape[1]:
        sizes = member.sum(axis=0)
        groups = np.argmax(np.where(member, sizes[None, :], -1), axis=1).astype(np.int64)
    else:
        groups = np.zeros(len(member), dtype=np.int64)
    groups[~some] = -1
    return groups


def _group_names(classes: PairClasses, assign: str, group: IntArray) -> AnyArray:
    labels = classes.assemblies
    if assign == "largest":
        return np.array([labels[g] if g >= 0 else "none" for g in group], dtype=object)
    names = [";".join(labels[k] for k in np.flatnonzero(row)) or "none" for row in classes.member]
    return np.array(names, dtype=object)


def _numbered(labels: AnyArray) -> IntArray:
    numbers: IntArray = np.unique(labels, return_inverse=True)[1].ravel().astype(np.int64)
    return numbers


def _shuffle(n: int, seed: int, k: int) -> IntArray:
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, k]))
    return generator.permutation(n)
