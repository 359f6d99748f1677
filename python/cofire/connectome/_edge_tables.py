"""Connectomes from lists of edges, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._threads import resolve_threads
from cofire._validate import integer, one_of, positive
from cofire.connectome._cells import all_ids, match_cells, read_cells
from cofire.connectome._synapses import (
    POST,
    PRE,
    Columns,
    PairSums,
    Progress,
    chosen_cells,
    sum_synapses,
)
from cofire.connectome._tables import Table, open_table
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from cofire.connectome.connectome import Connectome

COUNT = ("count", "n_synapses", "n_syn", "syn_count", "weight")
PSD = ("psd", "summed_psd", "size")


def from_edges(
    cls: type[Connectome],
    edges: Any,
    rows: Any = None,
    columns: Any = None,
    psd_scale: float = 1.0,
    *,
    cells: Any = None,
    pre: str | None = None,
    post: str | None = None,
    count: str | None = None,
    psd: str | None = None,
    edge_type: str | None = None,
    cell_id: str | None = None,
    autapses: str = "keep",
    chunk_rows: int = 1_000_000,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Connectome:
    """Take over a list of edges, a row a connected pair.

    Parameters
    ----------
    edges : DataFrame, mapping of columns, path, or sequence of (pre, post) or (pre, post, count)
        A path is a file as in :meth:`from_synapses`.
    rows, columns : array_like of ids or str, optional
        As in :meth:`from_synapses`.
    psd_scale : float, > 0
        Size of one unit of the column of sizes.
    cells, cell_id
        As in :meth:`from_synapses`.
    pre, post : str, optional
        Columns of the ids, with the same usual names as in :meth:`from_synapses`.
    count : str, optional
        Column of synapse counts, whole and >= 0. Default the first there is of ``count``,
        ``n_synapses``, ``n_syn``, ``syn_count``, ``weight`` that is not `psd`; without one each
        edge is one synapse.
    psd : str, optional
        Column of summed sizes. Default the first there is of ``psd``, ``summed_psd``, ``size``.
    edge_type : str, optional
        Column of edge types (text); each becomes one of :attr:`types`.
    autapses : {"keep", "drop"}
        Edges of a cell to itself.
    chunk_rows, progress, threads
        As in :meth:`from_synapses`.

    Returns
    -------
    Connectome
        Edges that occur twice are added up; edges with a count of 0 are no edges.

    Raises
    ------
    ConnectomeError
        Missing ids, counts that are not whole, sizes that are negative or missing; the row is
        named.
    IdPrecisionError, DuplicateIdError, JoinError, MissingDataError, RecordingNotFoundError
        As in :meth:`from_synapses`.

    Examples
    --------
    >>> import cofire as cf
    >>> wiring = cf.Connectome.from_edges([("a", "b", 3), ("b", "c", 1)])
    >>> wiring.count.toarray().tolist()
    [[0, 3, 0], [0, 0, 1], [0, 0, 0]]
    >>> wiring.to_frame()["count"].tolist()
    [3, 1]
    """
    one_of(autapses, "autapses", ("drop", "keep"))
    scale = positive(psd_scale, "psd_scale")
    table = _open(edges)
    size = table.column(psd, PSD, "psd")
    counted = table.column(count, [name for name in COUNT if name != size], "count")
    names = Columns(
        table.required(pre, PRE, "pre"),
        table.required(post, POST, "post"),
        size,
        counted,
        None if edge_type is None else table.required(edge_type, (), "edge_type"),
    )
    known = None if cells is None else read_cells(cells, cell_id)
    sums = PairSums(
        *chosen_cells(rows, columns, known),
        keep_autapses=autapses == "keep",
        sized=size is not None,
        counted=counted is not None,
        threads=resolve_threads(threads),
    )
    sum_synapses(table, names, sums, integer(chunk_rows, "chunk_rows", 1), progress)
    row_ids, column_ids, found = sums.result(scale)
    cell_table = match_cells(known, all_ids(row_ids, column_ids))
    return cls(row_ids, column_ids, cell_table, found, sums.dropped)


def _open(edges: Any) -> Table:
    """A table, also of a list of pairs or triples."""
    if not isinstance(edges, (str, dict)) and not hasattr(edges, "columns"):
        import pandas as pd

        is_list = isinstance(edges, (list, tuple, np.ndarray))
        if is_list:
            listed = pd.DataFrame(edges if len(edges) else np.zeros((0, 2), dtype=np.int64))
            if listed.shape[1] not in (2, 3):
                raise InvalidArgumentError(
                    "edges must be (pre, post) or (pre, post, count) each, got "
                    f"{listed.shape[1]} values; pass a DataFrame with named columns for more"
                )
            listed.columns = ["pre", "post", "count"][: listed.shape[1]]
            return open_table(listed, "edges")
    return open_table(edges, "edges")


def to_frame(self: Connectome) -> pd.DataFrame:
    """Edges as a table, which :meth:`from_edges` reads.

    Returns
    -------
    DataFrame, a row a connected pair and edge type
        ``pre``, ``post`` (ids), ``count``, ``psd`` if sizes are known, ``edge_type`` if types are
        told apart; row by row, columns ascending.
    """
    import pandas as pd

    parts = []
    for each in self.edges:
        rows = np.repeat(np.arange(self.shape[0]), np.diff(each.indptr))
        part = pd.DataFrame(
            {"pre": self.row_ids[rows], "post": self.column_ids[each.indices], "count": each.count}
        )
        if self.has_psd:
            part["psd"] = each.psd
        if self.types:
            part["edge_type"] = each.edge_type
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
