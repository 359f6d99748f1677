"""The container: synapse counts and sizes from each cell to each cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._threads import resolve_threads
from cofire._validate import AnyArray, IntArray, integer, one_of, positive
from cofire.connectome._cells import all_ids, match_cells, read_cells
from cofire.connectome._changes import (
    ei,
    mean_psd,
    symmetrized,
    threshold,
    with_cells,
    with_ei,
)
from cofire.connectome._edge_tables import from_edges, to_frame
from cofire.connectome._ids import unique_ids
from cofire.connectome._matrices import edges_of, labelled_matrix, same_order
from cofire.connectome._networks import from_graphml, from_networkx, to_graphml, to_networkx
from cofire.connectome._shuffles import shuffle, shuffles
from cofire.connectome._synapses import (
    POST,
    PRE,
    SIZE,
    Columns,
    PairSums,
    Progress,
    chosen_cells,
    sum_synapses,
)
from cofire.connectome._tables import open_table
from cofire.connectome.edges import Edges, checked_edges, csr, take
from cofire.errors import ConnectomeError, InvalidArgumentError, MissingDataError
from cofire.types._checks import read_only
from cofire.types._metadata import id_positions

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class Connectome:
    """Synapses from presynaptic cells (rows) to postsynaptic cells (columns).

    Made by :meth:`from_synapses` or :meth:`from_matrix`. Square connectomes have the same cells as
    rows and columns; rectangular ones, for example proofread cells onto all cells, do not.

    Attributes
    ----------
    row_ids, column_ids : ndarray (n_rows,), (n_columns,) int64 or str
        Ids of the presynaptic and the postsynaptic cells, each once.
    cells : DataFrame
        A row a cell, indexed by id (``cell_id``): the rows, then columns that are no rows.
    edges : tuple of Edges
        One for each edge type; a single one, of type "", where types are not told apart.
    dropped : dict of str to int
        What was left out on the way, by reason; every synapse of the source is in the connectome
        or counted here.

    Examples
    --------
    >>> import cofire as cf
    >>> synapses = {"pre": [7, 7, 9, 9], "post": [8, 8, 7, 9], "size": [2.0, 3.0, 1.0, 4.0]}
    >>> wiring = cf.Connectome.from_synapses(synapses)
    >>> wiring
    Connectome(3 cells, 3 synapses in 2 pairs; PSD)
    >>> wiring.count.toarray().tolist()
    [[0, 2, 0], [0, 0, 0], [1, 0, 0]]
    >>> wiring.dropped
    {'autapses': 1, 'other_cells': 0}
    >>> wiring.subset([7, 8]).psd.toarray().tolist()
    [[0.0, 5.0], [0.0, 0.0]]
    """

    row_ids: AnyArray
    column_ids: AnyArray
    cells: pd.DataFrame
    edges: tuple[Edges, ...]
    dropped: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = unique_ids(self.row_ids, "row_ids")
        columns = unique_ids(self.column_ids, "column_ids")
        names = [each.edge_type for each in self.edges]
        if not names or len(set(names)) < len(names) or ("" in names and len(names) > 1):
            raise ConnectomeError(f"edges must have an edge type each, all different; got {names}")
        shape = (len(rows), len(columns))
        put = partial(object.__setattr__, self)
        put("row_ids", read_only(rows))
        put("column_ids", read_only(columns))
        put("cells", match_cells(self.cells, all_ids(rows, columns)))
        put("edges", tuple(checked_edges(each, shape) for each in self.edges))

    # --- constructors -----------------------------------------------------------------------------

    @classmethod
    def from_synapses(
        cls,
        table: Any,
        rows: Any = None,
        columns: Any = None,
        size_scale: float = 1.0,
        *,
        cells: Any = None,
        pre: str | None = None,
        post: str | None = None,
        size: str | None = None,
        cell_id: str | None = None,
        autapses: str = "drop",
        chunk_rows: int = 1_000_000,
        progress: Progress | None = None,
        threads: int | None = None,
    ) -> Connectome:
        """Count the synapses of a table, a row a synapse, and sum their sizes.

        Parameters
        ----------
        table : DataFrame, mapping of column to values, or path
            Synapses; a path is a csv, tsv (also gz, bz2, xz, zip), feather or parquet file, the
            last two with the extra ``arrow``. Files are read in pieces.
        rows : array_like of ids or str, optional
            Presynaptic cells, in the order wanted; or a pandas query on `cells`, for example
            ``"status_axon == 'extended'"`` for proofread axons. Default: the cells of `cells`, else
            all that occur, ascending.
        columns : array_like of ids or str, optional
            Postsynaptic cells, likewise. Default: the same as the rows. Synapses of other cells are
            left out and counted in :attr:`dropped`.
        size_scale : float, > 0
            Size of one unit of the size column, for example 3.645e-6 for voxels of
            9 x 9 x 45 nm in µm³.
        cells : DataFrame, mapping or path, optional
            What is known of each cell. Cells beyond rows and columns are left out.
        pre, post : str, optional
            Columns of the ids. Default the first there is of ``pre``, ``pre_id``,
            ``pre_pt_root_id``, ``pre_root_id`` and likewise for post.
        size : str, optional
            Column of the sizes. Default ``size`` or ``psd``; without one there are no sizes.
        cell_id : str, optional
            Column of the ids in `cells`. Default the index of a labelled DataFrame, else
            ``cell_id``, ``pt_root_id``, ``root_id`` or ``id``.
        autapses : {"drop", "keep"}
            Synapses of a cell on itself.
        chunk_rows : int
            Rows of a file in memory at once.
        progress : callable, optional
            Called after each piece: ``progress(rows, n_rows, rows_per_second)``; `n_rows` is None
            for a text file, whose length nobody knows.
        threads : int, optional
            Threads of the sums. The result does not depend on it, nor on `chunk_rows`.

        Returns
        -------
        Connectome

        Raises
        ------
        ConnectomeError
            An id is missing, a size is missing, negative or not finite; the row is named.
        IdPrecisionError
            Ids beyond 2**53 in a column of floating-point numbers.
        DuplicateIdError
            A cell named twice in rows, columns or cells.
        JoinError
            A row or column that `cells` does not have.
        MissingDataError, RecordingNotFoundError, FileFormatError
            No such column, no such file, a damaged file.

        Notes
        -----
        Ids are integers (int64) or text. An empty table is a connectome without synapses.

        Memory is that of the result, twice, and of some 8 million synapses, whatever the length of
        the table. Sizes are summed in the order of the table.

        Examples
        --------
        >>> import cofire as cf
        >>> table = {"pre": ["a", "a", "b"], "post": ["b", "b", "c"]}
        >>> cf.Connectome.from_synapses(table, rows=["a"], columns=["b", "c"]).count.toarray()
        array([[2, 0]])
        """
        one_of(autapses, "autapses", ("drop", "keep"))
        scale = positive(size_scale, "size_scale")
        synapses = open_table(table, "table")
        names = Columns(
            synapses.required(pre, PRE, "pre"),
            synapses.required(post, POST, "post"),
            synapses.column(size, SIZE, "size"),
        )
        known = None if cells is None else read_cells(cells, cell_id)
        sums = PairSums(
            *chosen_cells(rows, columns, known),
            keep_autapses=autapses == "keep",
            sized=names.size is not None,
            threads=resolve_threads(threads),
        )
        sum_synapses(synapses, names, sums, integer(chunk_rows, "chunk_rows", 1), progress)
        row_ids, column_ids, edges = sums.result(scale)
        table = match_cells(known, all_ids(row_ids, column_ids))
        return cls(row_ids, column_ids, table, edges, sums.dropped)

    @classmethod
    def from_matrix(
        cls,
        matrix: Any,
        ids: Any = None,
        columns: Any = None,
        *,
        psd: Any = None,
        cells: Any = None,
        cell_id: str | None = None,
    ) -> Connectome:
        """Take over a matrix of synapse counts, or one for each edge type.

        Parameters
        ----------
        matrix : array_like, scipy.sparse or DataFrame (n_rows, n_columns); or mapping of them
            Counts [pre, post], whole and >= 0; the diagonal is kept. A mapping has an entry an
            edge type. Of a DataFrame, index and columns are ids, and it is brought into the order
            of `ids`.
        ids : array_like (n_rows,), optional
            Ids of the rows. Default the labels of the (first) DataFrame, else 0..n_rows-1.
        columns : array_like (n_columns,), optional
            Ids of the columns. Default the same as the rows.
        psd : like `matrix`, optional
            Summed sizes >= 0 of the pairs that `matrix` connects.
        cells, cell_id
            As in :meth:`from_synapses`.

        Returns
        -------
        Connectome

        Raises
        ------
        ConnectomeError
            NaN, negative or fractional counts, or a size without a synapse; ids are named.
        InvalidArgumentError
            Shapes that do not fit each other or the ids.
        DuplicateIdError, IdPrecisionError, JoinError
            Ids named twice, ids that lost digits, cells without a row.

        Examples
        --------
        >>> import cofire as cf
        >>> axon = {"axo-axonic": [[0, 2], [0, 0]], "axo-dendritic": [[0, 1], [3, 0]]}
        >>> wiring = cf.Connectome.from_matrix(axon, ids=["u", "v"])
        >>> wiring
        Connectome(2 cells, 6 synapses in 2 pairs; types axo-axonic, axo-dendritic)
        >>> wiring.of_type("axo-axonic").count.toarray().tolist()
        [[0, 2], [0, 0]]
        """
        typed = isinstance(matrix, Mapping)
        counts: dict[str, Any] = dict(matrix) if typed else {"": matrix}
        sizes: dict[str, Any] = {} if psd is None else dict(psd) if typed else {"": psd}
        if not counts or (typed and not all(isinstance(k, str) and k for k in counts)):
            raise InvalidArgumentError(
                f"edge types must be names, at least one; got {list(counts)!r}"
            )
        if sizes and set(sizes) != set(counts):
            raise InvalidArgumentError(
                f"psd must have the edge types of the counts ({', '.join(counts)}), "
                f"got {', '.join(sizes)}"
            )
        row_ids, column_ids = labelled_matrix(next(iter(counts.values())), ids, columns)
        edges = []
        for name, values in counts.items():
            where = f"matrix {name!r}" if typed else "matrix"
            count = same_order(values, row_ids, column_ids, where)
            size = sizes.get(name)
            if size is not None:
                size = same_order(size, row_ids, column_ids, where.replace("matrix", "psd"))
            edges.append(edges_of(name, count, size, row_ids, column_ids, where))
        known = None if cells is None else read_cells(cells, cell_id)
        table = match_cells(known, all_ids(row_ids, column_ids))
        return cls(row_ids, column_ids, table, tuple(edges))

    from_edges = classmethod(from_edges)
    from_networkx = classmethod(from_networkx)
    from_graphml = classmethod(from_graphml)

    # --- what it holds ----------------------------------------------------------------------------

    @property
    def ids(self) -> AnyArray:
        """Ids of all cells: the rows, then columns that are no rows."""
        ids: AnyArray = read_only(all_ids(self.row_ids, self.column_ids))
        return ids

    @property
    def shape(self) -> tuple[int, int]:
        """Number of presynaptic and postsynaptic cells."""
        return len(self.row_ids), len(self.column_ids)

    @property
    def is_square(self) -> bool:
        """Whether rows and columns are the same cells in the same order."""
        return np.array_equal(self.row_ids, self.column_ids)

    @property
    def types(self) -> tuple[str, ...]:
        """Names of the edge types, none where they are not told apart."""
        return tuple(each.edge_type for each in self.edges if each.edge_type)

    @property
    def has_psd(self) -> bool:
        """Whether synapse sizes are known."""
        return all(each.psd is not None for each in self.edges)

    @property
    def count(self) -> scipy.sparse.csr_array:
        """Number of synapses of each pair over all edge types, CSR [pre, post] int64."""
        return self._total([each.count for each in self.edges])

    @property
    def psd(self) -> scipy.sparse.csr_array:
        """Summed size of the synapses of each pair, CSR [pre, post] float64.

        Raises
        ------
        MissingDataError
            The sizes are not known.
        """
        sizes = [each.psd for each in self.edges if each.psd is not None]
        if len(sizes) < len(self.edges):
            raise MissingDataError(
                "this connectome has no synapse sizes; from_synapses reads them from a column "
                "(size=...), from_matrix takes psd="
            )
        return self._total(sizes)

    mean_psd = property(mean_psd)
    ei = property(ei)

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return sum(int(each.count.sum()) for each in self.edges)

    # --- parts ------------------------------------------------------------------------------------

    def of_type(self, *names: str) -> Connectome:
        """Keep some edge types; :attr:`count` is then their sum.

        Parameters
        ----------
        *names : str
            Some of :attr:`types`.

        Raises
        ------
        InvalidArgumentError
            No name, or an unknown one.
        """
        edges = {each.edge_type: each for each in self.edges if each.edge_type}
        unknown = [name for name in names if name not in edges]
        if unknown or not names:
            has = ", ".join(edges) or "none: from_matrix takes a matrix for each type"
            raise InvalidArgumentError(
                f"no edge type {', '.join(unknown) or '()'}; there are {has}"
            )
        kept = tuple(edges[name] for name in dict.fromkeys(names))
        return Connectome(self.row_ids, self.column_ids, self.cells, kept, dict(self.dropped))

    def subset(self, ids: Any = None, columns: Any = None) -> Connectome:
        """Synapses among some of the cells, in the given order.

        Parameters
        ----------
        ids : mask over the rows, array_like of ids, or str, optional
            Presynaptic cells. A string is a pandas query on :attr:`cells`, in which the ids are
            named ``cell_id``, for example ``"cell_type == 'KC'"``. Default all rows.
        columns : mask over the columns, array_like of ids, or str, optional
            Postsynaptic cells. Default the same cells as `ids`; without `ids` all columns.

        Returns
        -------
        Connectome
            With every edge type; :attr:`dropped` stays that of the source.

        Raises
        ------
        InvalidArgumentError
            Unknown ids, a mask of another length, a query that fails.
        DuplicateIdError
            An id named twice.
        """
        rows = self._positions(ids, self.row_ids, "ids")
        if columns is None and ids is not None:
            columns = self.row_ids[rows]
        at = self._positions(columns, self.column_ids, "columns")
        row_ids, column_ids = self.row_ids[rows], self.column_ids[at]
        edges = tuple(take(each, self.shape, rows, at) for each in self.edges)
        return Connectome(row_ids, column_ids, self.cells, edges, dict(self.dropped))

    # --- others made from it, and other forms of it -----------------------------------------------

    symmetrized = symmetrized
    threshold = threshold
    shuffle = shuffle
    shuffles = shuffles
    with_cells = with_cells
    with_ei = with_ei
    to_frame = to_frame
    to_networkx = to_networkx
    to_graphml = to_graphml

    def _positions(self, selector: Any, ids: AnyArray, name: str) -> IntArray:
        if selector is None:
            return np.arange(len(ids), dtype=np.int64)
        side = "column_ids" if name == "columns" else "row_ids"
        return id_positions(
            selector,
            ids,
            lambda: match_cells(self.cells, ids),
            name=name,
            row="cell",
            owner=side,
            by_position=f"for positions pass {side}[a:b]",
        )

    def _total(self, values: list[Any]) -> scipy.sparse.csr_array:
        matrices = [
            csr(each, data, self.shape) for each, data in zip(self.edges, values, strict=True)
        ]
        total = matrices[0]
        for matrix in matrices[1:]:
            total = total + matrix
        return total

    def __repr__(self) -> str:
        rows, columns = self.shape
        cells = f"{rows}" if self.is_square else f"{rows} x {columns}"
        notes = [f"types {', '.join(self.types)}"] if self.types else []
        notes += ["PSD"] if self.has_psd else []
        return (
            f"Connectome({cells} cells, {self.n_synapses} synapses in {self.count.nnz} pairs"
            f"{'; ' if notes else ''}{'; '.join(notes)})"
        )
