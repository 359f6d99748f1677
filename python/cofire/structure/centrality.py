"""Are cells of assemblies more central in the connectome than cells of none?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, one_of
from cofire.connectome._ids import unique_ids
from cofire.errors import InvalidArgumentError, InvalidTypeError, MissingDataError
from cofire.structure import _battery
from cofire.structure._wiring import check_connectome, positions
from cofire.structure.classes import PairClasses

if TYPE_CHECKING:
    import pandas as pd

    from cofire.connectome import Connectome

MEASURES = ("out_degree", "in_degree", "betweenness", "closeness")
IN_ASSEMBLY, IN_NONE = "assembly", "no_assembly"


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class Centralities:
    """Centrality of the cells of groups, with tests between the groups.

    Attributes
    ----------
    table : DataFrame
        A row a cell of a group: ``cell``, ``group``, then a column a measure.
    tests : DataFrame
        A row a measure and pair of groups, with the columns of
        :attr:`ClassConnections.tests`; ``statistic`` is z of the rank sum.
    n_nodes : int
        Cells of the graph; all of them count in the measures, grouped or not.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    n_nodes: int

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures."""
        return tuple(str(name) for name in self.table.columns[2:])

    def to_frame(self) -> pd.DataFrame:
        """Long format: cell, group, quantity, value."""
        return self.table.melt(["cell", "group"], var_name="quantity", value_name="value")

    def __repr__(self) -> str:
        sizes = self.table["group"].value_counts(sort=False)
        groups = ", ".join(f"{n} {name}" for name, n in sizes.items())
        return f"Centralities({groups}; {', '.join(self.measures)}; {self.n_nodes} nodes)"


def centralities(
    connectome: Connectome,
    groups: Any,
    *,
    measures: Sequence[str] = MEASURES,
    contrasts: Any = None,
    alternative: str = "greater",
    ranks: str = "uncorrected",
    adjust: str = "none",
    confidence: float = 0.95,
    threads: int | None = None,
) -> Centralities:
    """Degrees, betweenness and closeness in the binary directed graph, compared between groups.

    * out- and in-degree / (n - 1);
    * betweenness: shortest paths through a cell, end points excluded, / ((n - 1)(n - 2));
    * closeness of incoming distances with r cells that reach v, v included:
      ``(r - 1) / sum of distances * (r - 1) / (n - 1)``, 0 if there are none.

    Parameters
    ----------
    connectome : Connectome
        Square; its cells are the n nodes. Connections of a cell onto itself are left out.
    groups : PairClasses, mapping, Series or DataFrame
        Pair classes give the groups ``"assembly"`` and ``"no_assembly"``. A mapping or Series of
        cell id to the name of its group; cells without a name (None, NaN) and cells left out are
        in no group.
    measures : sequence of {"out_degree", "in_degree", "betweenness", "closeness"}
    contrasts : sequence of (str, str), optional
        Pairs of groups to test, the first one expected larger. Default assembly against
        no_assembly, or every pair of groups in the order they come in.
    alternative, ranks, adjust, confidence
        As for :func:`monosynaptic`.
    threads : int, optional
        Default all; the result does not depend on it.

    Returns
    -------
    Centralities

    Raises
    ------
    InvalidArgumentError
        A rectangular connectome, an unknown group.
    JoinError
        Cells of groups that the connectome does not have.

    References
    ----------
    Freeman 1977, doi:10.2307/3033543; Wasserman & Faust 1994, doi:10.1017/CBO9780511815478

    Examples
    --------
    >>> import cofire as cf
    >>> wiring = cf.Connectome.from_matrix([[0, 1, 1], [0, 0, 1], [1, 0, 0]], ids=["a", "b", "c"])
    >>> groups = {"a": "hub", "b": "other", "c": "other"}
    >>> result = cf.structure.centralities(wiring, groups, measures=["out_degree"])
    >>> result.table["out_degree"].tolist()
    [1.0, 0.5, 0.5]
    """
    check_connectome(connectome)
    if isinstance(measures, str):
        measures = (measures,)
    for name in measures:
        one_of(name, "measures", MEASURES)
    if not connectome.is_square:
        raise InvalidArgumentError(
            f"connectome must have the same cells as rows and columns, got {connectome!r}; take "
            "subset(ids)"
        )
    ids, names = group_of_cells(groups)
    at = positions(connectome.row_ids, ids, "row")
    import pandas as pd

    table = pd.DataFrame({"cell": ids, "group": names})
    values = node_centralities(connectome, measures, threads)
    for name in measures:
        table[name] = values[name][at]
    tests = compare_groups(
        table,
        values=list(measures),
        contrasts=contrasts,
        alternative=alternative,
        ranks=ranks,
        adjust=adjust,
        confidence=confidence,
    )
    return Centralities(table, tests, len(connectome.row_ids))


def node_centralities(
    connectome: Any, measures: Sequence[str], threads: int | None = None
) -> dict[str, FloatArray]:
    """Normalised measures of every node of a binary directed graph."""
    from cofire import graph

    count = connectome.count if hasattr(connectome, "count") else connectome
    n = count.shape[0]
    found: dict[str, FloatArray] = {}
    for name in measures:
        if name in ("out_degree", "in_degree"):
            degree = graph.degree(count, kind=name.split("_")[0])
            found[name] = np.asarray(degree, dtype=np.float64) / max(n - 1, 1)
        elif name == "betweenness":
            through = graph.betweenness(count, directed=True, normalized=False, threads=threads)
            found[name] = np.asarray(through, dtype=np.float64) / max((n - 1) * (n - 2), 1)
        else:
            near = graph.closeness(count, direction="in", threads=threads)
            found[name] = np.asarray(near, dtype=np.float64)
    return found


def compare_groups(
    table: Any,
    *,
    group: str = "group",
    values: Sequence[str] | None = None,
    contrasts: Any = None,
    alternative: str = "greater",
    ranks: str = "uncorrected",
    adjust: str = "none",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Rank-sum tests of columns of a table between groups of its rows.

    Parameters
    ----------
    table : DataFrame or mapping of column to values
        A row a cell.
    group : str
        Column with the names of the groups; rows without one are left out.
    values : sequence of str, optional
        Columns to compare. Default all other columns of floating-point numbers. NaN is no value.
    contrasts, alternative, ranks, adjust, confidence
        As for :func:`centralities`.

    Returns
    -------
    DataFrame
        With the columns of :attr:`ClassConnections.tests`.

    Examples
    --------
    >>> from cofire.structure import compare_groups
    >>> table = {"group": ["a", "a", "b", "b"], "x": [3.0, 4.0, 1.0, 2.0]}
    >>> float(compare_groups(table)["effect"].iloc[0])
    1.0
    """
    import pandas as pd

    frame = pd.DataFrame(table)
    if group not in frame.columns:
        raise MissingDataError(
            f"table has no column {group!r} (group); columns: {', '.join(map(str, frame.columns))}"
        )
    if values is None:
        values = [name for name in frame.columns if frame[name].dtype.kind == "f"]
    missing = [name for name in values if name not in frame.columns]
    if missing:
        raise MissingDataError(
            f"table has no column {', '.join(map(repr, missing))} (values); columns: "
            f"{', '.join(map(str, frame.columns))}"
        )
    names = list(dict.fromkeys(str(name) for name in frame[group].dropna()))
    if contrasts is None:
        if set(names) <= {IN_ASSEMBLY, IN_NONE}:
            contrasts = ((IN_ASSEMBLY, IN_NONE),)
            names = [IN_ASSEMBLY, IN_NONE]
        else:
            contrasts = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    options = _battery.checked(contrasts, alternative, ranks, adjust, confidence, names)
    label = frame[group].astype(str)
    records = []
    for pair in options.contrasts:
        for name in values:
            a, b = (_known(frame.loc[label == which, name]) for which in pair)
            records.append(_battery.rank_sum_record(str(name), pair, a, b, options))
    return _battery.frame(records, options.adjust)


def _known(values: Any) -> FloatArray:
    sample: FloatArray = np.asarray(values, dtype=np.float64)
    return sample[~np.isnan(sample)]


def group_of_cells(groups: Any) -> tuple[Any, list[str]]:
    """Ids and names of groups of the cells that are in one."""
    import pandas as pd

    if isinstance(groups, PairClasses):
        names = np.where(groups.in_assembly, IN_ASSEMBLY, IN_NONE).tolist()
        return groups.cell_ids, names
    if isinstance(groups, pd.DataFrame):
        if "group" not in groups.columns:
            raise MissingDataError(
                "groups has no column 'group'; columns: "
                f"{', '.join(map(str, groups.columns)) or 'none'}"
            )
        ids = next((c for c in ("cell", "cell_id", "pt_root_id") if c in groups.columns), None)
        groups = pd.Series(
            groups["group"].array, index=groups.index if ids is None else groups[ids].array
        )
    if isinstance(groups, Mapping):
        groups = pd.Series(list(groups.values()), index=list(groups), dtype=object)
    if not isinstance(groups, pd.Series):
        raise InvalidTypeError(
            "groups must be PairClasses, or a mapping, Series or DataFrame of cell id to the name "
            f"of its group, got {type(groups).__name__}"
        )
    groups = groups.dropna()
    if not len(groups):
        raise InvalidArgumentError("groups must name a group of at least one cell")
    return unique_ids(groups.index, "groups"), [str(name) for name in groups]
