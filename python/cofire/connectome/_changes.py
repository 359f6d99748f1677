"""Connectomes made from others: symmetric, without weak pairs, with more known of the cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, integer, one_of, real
from cofire.connectome._cells import cell_index, match_cells, read_cells
from cofire.connectome.edges import Edges, csr, make_edges
from cofire.errors import InvalidArgumentError, JoinError, MissingDataError

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse

    from cofire.connectome.connectome import Connectome

EI_COLUMNS = ("ei", "classification_system")
"""Columns of cells that say who excites and who inhibits, in the order they are looked for."""

_WORDS = {
    "excitatory": ("excitatory", "exc", "e", "excite"),
    "inhibitory": ("inhibitory", "inh", "i", "inhibit"),
}


def symmetrized(self: Connectome, how: str = "sum") -> Connectome:
    """Take a connection to be the same in both directions.

    Parameters
    ----------
    how : {"sum", "max", "min"}
        Of the two directions of a pair. "min" keeps only pairs that are connected both ways.

    Returns
    -------
    Connectome
        Counts and sizes are symmetric, in each edge type by itself; autapses stay as they are. With
        "sum" each synapse stands in both directions.

    Raises
    ------
    InvalidArgumentError
        Rows and columns are not the same cells.

    Examples
    --------
    >>> import cofire as cf
    >>> cf.Connectome.from_matrix([[0, 2], [1, 0]]).symmetrized().count.toarray().tolist()
    [[0, 3], [3, 0]]
    """
    one_of(how, "how", ("sum", "max", "min"))
    if not self.is_square:
        raise InvalidArgumentError(
            f"only a connectome with the same cells as rows and columns can be symmetrized, got "
            f"{self!r}; take subset(ids)"
        )
    edges = tuple(_symmetric(each, self.shape, how) for each in self.edges)
    return type(self)(self.row_ids, self.column_ids, self.cells, edges, dict(self.dropped))


def _symmetric(edges: Edges, shape: tuple[int, int], how: str) -> Edges:
    forward = csr(edges, np.ones(len(edges.count), dtype=np.int64), shape)
    # Every place of either direction, in order; a number each, 1 and 2 and 3.
    both = (forward + 2 * forward.T).tocsr()
    both.sort_indices()
    if how == "min":
        both.data[both.data < 3] = 0
        both.eliminate_zeros()
    rows = np.repeat(np.arange(shape[0]), np.diff(both.indptr))
    own = rows == both.indices

    def combined(values: AnyArray) -> AnyArray:
        there = _at(edges, values, shape, rows, both.indices)
        back = _at(edges, values, shape, both.indices, rows)
        total = {"sum": np.add, "max": np.maximum, "min": np.minimum}[how](there, back)
        result: AnyArray = np.where(own, there, total)
        return result

    both.data = combined(edges.count)
    return make_edges(edges.edge_type, both, None if edges.psd is None else combined(edges.psd))


def _at(
    edges: Edges, values: AnyArray, shape: tuple[int, int], rows: AnyArray, columns: AnyArray
) -> AnyArray:
    """Values at some places, 0 where there is no pair."""
    keys = np.repeat(np.arange(shape[0], dtype=np.int64), np.diff(edges.indptr)) << 32
    keys |= edges.indices
    wanted = rows.astype(np.int64) << 32 | columns
    at = np.searchsorted(keys, wanted).clip(max=max(len(keys) - 1, 0))
    if not len(keys):
        return np.zeros(len(wanted), dtype=values.dtype)
    found: AnyArray = np.where(keys[at] == wanted, values[at], values.dtype.type(0))
    return found


def threshold(
    self: Connectome,
    min_count: int = 1,
    *,
    min_psd: float | None = None,
    min_mean_psd: float | None = None,
    proportion: float | None = None,
    by: str = "count",
) -> Connectome:
    """Leave out weak pairs.

    Parameters
    ----------
    min_count : int
        Least number of synapses of a pair, over all edge types.
    min_psd, min_mean_psd : float, optional
        Least summed size, least mean size.
    proportion : float in [0, 1], optional
        Of the pairs that are left, keep this share, the strongest first (rounded to a whole
        number of pairs; among equals the first in row-major order).
    by : {"count", "psd", "mean_psd"}
        What strength is, for `proportion`.

    Returns
    -------
    Connectome
        The synapses that went are counted in ``dropped["below_threshold"]``.

    Raises
    ------
    InvalidArgumentError
        A limit that is no number, a proportion outside [0, 1].
    MissingDataError
        A limit of sizes that are not known.

    Examples
    --------
    >>> import cofire as cf
    >>> weak = cf.Connectome.from_matrix([[0, 2], [1, 0]]).threshold(2)
    >>> weak.count.toarray().tolist(), weak.dropped
    ([[0, 2], [0, 0]], {'below_threshold': 1})
    """
    one_of(by, "by", ("count", "psd", "mean_psd"))
    count = self.count
    keep = count.data >= integer(min_count, "min_count", 0)
    if min_psd is not None:
        keep &= self.psd.data >= real(min_psd, "min_psd")
    if min_mean_psd is not None:
        keep &= self.mean_psd.data >= real(min_mean_psd, "min_mean_psd")
    if proportion is not None:
        share = real(proportion, "proportion")
        if not 0 <= share <= 1:
            raise InvalidArgumentError(f"proportion must lie in [0, 1], got {proportion!r}")
        left = np.flatnonzero(keep)
        strongest = np.argsort(-getattr(self, by).data[left], kind="stable")
        keep[:] = False
        keep[left[strongest[: round(share * len(left))]]] = True
    edges = tuple(_kept(each, self.shape, count, keep) for each in self.edges)
    n = self.n_synapses - sum(int(each.count.sum()) for each in edges)
    dropped = dict(self.dropped)
    dropped["below_threshold"] = dropped.get("below_threshold", 0) + n
    return type(self)(self.row_ids, self.column_ids, self.cells, edges, dropped)


def _kept(
    edges: Edges, shape: tuple[int, int], total: scipy.sparse.csr_array, keep: BoolArray
) -> Edges:
    """The entries of one edge type at the pairs of the whole that are kept."""
    whole = Edges("", total.indptr, total.indices, np.asarray(total.data), None)
    rows = np.repeat(np.arange(shape[0]), np.diff(edges.indptr))
    mine = _at(whole, keep, shape, rows, edges.indices).astype(bool)
    return with_entries(edges, shape, rows[mine], edges.indices[mine], np.flatnonzero(mine))


def with_entries(
    edges: Edges, shape: tuple[int, int], rows: AnyArray, columns: AnyArray, entries: AnyArray
) -> Edges:
    """Edges at other places: entry ``entries[k]`` stands at ``rows[k], columns[k]``, each once."""
    order = np.argsort(rows.astype(np.int64) << 32 | columns)
    entries = entries[order]
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    indices = columns[order].astype(np.int32)
    psd = None if edges.psd is None else edges.psd[entries]
    return Edges(edges.edge_type, indptr, indices, edges.count[entries], psd)


# --- cells ----------------------------------------------------------------------------------------


def with_cells(
    self: Connectome, table: Any = None, *, cell_id: str | None = None, **columns: Any
) -> Connectome:
    """Say more of the cells.

    Parameters
    ----------
    table : DataFrame, mapping of columns or path, optional
        Has a row for each cell, in any order; its columns are added to :attr:`cells`, or replace
        those of the same name. Rows of other cells are left out.
    cell_id : str, optional
        Column of the ids in `table`, as in :meth:`from_synapses`.
    **columns
        Further columns by name: a value for all, an array in the order of :attr:`ids`, or a Series
        or mapping by id, missing for cells that it does not have.

    Returns
    -------
    Connectome

    Raises
    ------
    JoinError
        `table` has no row for a cell; a Series or mapping has no cell of this connectome.
    InvalidArgumentError
        An array of another length.

    Examples
    --------
    >>> import cofire as cf
    >>> wiring = cf.Connectome.from_matrix([[0, 1], [1, 0]], ids=["u", "v"])
    >>> wiring.with_cells(layer={"u": "L4"}, area="V1").cells.loc["u"].tolist()
    ['L4', 'V1']
    """
    cells = self.cells.copy()
    if table is not None:
        added = match_cells(read_cells(table, cell_id), self.ids)
        for name in added.columns:
            cells[name] = added[name]
    for name, values in columns.items():
        cells[name] = column_of_cells(values, self.ids, name)
    return type(self)(self.row_ids, self.column_ids, cells, self.edges, dict(self.dropped))


def column_of_cells(values: Any, ids: AnyArray, name: str) -> pd.Series[Any]:
    """A value for each cell: from one for all, an array in their order, or by id."""
    import pandas as pd

    index = cell_index(ids)
    if isinstance(values, (Mapping, pd.Series)):
        by_id = pd.Series(values) if isinstance(values, Mapping) else values
        if by_id.index.has_duplicates:
            raise JoinError(
                f"{name} names cells twice: "
                f"{by_id.index[by_id.index.duplicated()].unique()[:5].tolist()}; keep one of each"
            )
        if len(index) and not index.isin(by_id.index).any():
            raise JoinError(
                f"{name} has none of the {len(index)} cells: its ids are "
                f"{by_id.index[:5].tolist()}, those of the cells {ids[:5].tolist()}"
            )
        return by_id.reindex(index)
    array = np.asarray(values) if not hasattr(values, "dtype") else values
    if np.ndim(array) == 0:
        return pd.Series([values] * len(index), index=index)
    if np.shape(array) != (len(index),):
        raise InvalidArgumentError(
            f"{name} must have a value for each of the {len(index)} cells, in the order of ids, "
            f"got shape {np.shape(array)}; pass a mapping from id to value for some of them"
        )
    return pd.Series(array, index=index)


def with_ei(
    self: Connectome, labels: Any, *, excitatory: Any = None, inhibitory: Any = None
) -> Connectome:
    """Say which cells excite and which inhibit.

    Parameters
    ----------
    labels : str, array_like, Series or mapping
        Name of a column of :attr:`cells`, or values as in :meth:`with_cells`.
    excitatory, inhibitory : str or list, optional
        Labels that mean this, for example ``excitatory="acetylcholine", inhibitory=["gaba",
        "glutamate"]``; cells with other labels are neither. Without them labels must be words such
        as "excitatory", "inh", "E", in any case, or missing.

    Returns
    -------
    Connectome
        With the column ``ei`` in :attr:`cells`.

    Raises
    ------
    InvalidArgumentError
        A label that is no such word.
    MissingDataError
        No such column.

    Examples
    --------
    >>> import cofire as cf
    >>> wiring = cf.Connectome.from_matrix([[0, 1], [1, 0]], ids=[7, 8])
    >>> wiring.with_ei(["E", "I"]).ei.tolist()
    ['excitatory', 'inhibitory']
    """
    if isinstance(labels, str):
        if labels not in self.cells.columns:
            raise MissingDataError(
                f"cells has no column {labels!r}; it has: "
                f"{', '.join(map(str, self.cells.columns)) or 'none'}"
            )
        labels = self.cells[labels]
    values = column_of_cells(labels, self.ids, "labels")
    if excitatory is None and inhibitory is None:
        return with_cells(self, ei=_by_word(values, "labels"))
    import pandas as pd

    ei = pd.Series(None, index=values.index, dtype=object)
    for name, wanted in (("excitatory", excitatory), ("inhibitory", inhibitory)):
        listed = [wanted] if isinstance(wanted, str) else list(wanted or ())
        found = values.isin(listed)
        if (found & ei.notna()).any():
            raise InvalidArgumentError(f"label {values[found & ei.notna()].iloc[0]!r} is in both")
        ei[found] = name
    return with_cells(self, ei=ei)


def _by_word(values: pd.Series[Any], name: str) -> pd.Series[Any]:
    meaning = {word: label for label, words in _WORDS.items() for word in words}
    ei = values.map(lambda value: meaning.get(str(value).strip().lower()), na_action="ignore")
    unknown = ei.isna() & values.notna()
    if unknown.any():
        raise InvalidArgumentError(
            f"{name}: cell {values.index[unknown][0]} is {values[unknown].iloc[0]!r}, neither "
            "excitatory nor inhibitory; say what the labels mean: "
            "with_ei(column, excitatory=[...], inhibitory=[...])"
        )
    return ei.astype(object)


def ei(self: Connectome) -> pd.Series[Any]:
    """Whether each cell is "excitatory" or "inhibitory", by id; missing where that is not known.

    From the column ``ei`` (:meth:`with_ei`) or ``classification_system`` of :attr:`cells`.

    Raises
    ------
    MissingDataError
        There is no such column.
    """
    for name in EI_COLUMNS:
        if name in self.cells.columns:
            return _by_word(self.cells[name], f"column {name!r} of cells").rename("ei")
    raise MissingDataError(
        f"cells has no column {' or '.join(map(repr, EI_COLUMNS))}, so nobody knows which cells "
        "are excitatory; say it: with_ei(...)"
    )


def mean_psd(self: Connectome) -> scipy.sparse.csr_array:
    """Mean size of the synapses of each pair, CSR [pre, post] float64.

    Raises
    ------
    MissingDataError
        The sizes are not known.
    """
    mean = self.psd.copy()
    mean.data = mean.data / self.count.data
    return mean
