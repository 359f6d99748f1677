"""Connectomes in which chance has dealt the wiring again: nulls for tests of structure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._threads import resolve_threads
from cofire._validate import BoolArray, IntArray, integer, one_of
from cofire.connectome._changes import column_of_cells, with_entries
from cofire.connectome.edges import Edges, csr, take
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.stats.surrogates import seed_of

if TYPE_CHECKING:
    from cofire.connectome.connectome import Connectome

METHODS = ("degree", "block", "weight", "label")


def shuffle(
    self: Connectome,
    method: str,
    rng: int | np.random.Generator = 0,
    *,
    draw: int = 0,
    blocks: Any = None,
    directed: bool = True,
    attempts: int | None = None,
    threads: int | None = None,
) -> Connectome:
    """Deal the wiring again at random, keeping some of it.

    Parameters
    ----------
    method : {"degree", "block", "weight", "label"}
        What is kept:

        - "degree": of each cell the number of partners it sends to and receives from
          (:func:`cofire.graph.rewire`); synapses go with their presynaptic cell;
        - "block": of each pair of groups of cells the number of connected pairs from one to the
          other, with their synapses; which pairs they are is drawn anew. Without `blocks` all cells
          are one group, and only the density is kept;
        - "weight": which pairs are connected; their synapses are dealt out again (with `blocks`
          among pairs of the same groups);
        - "label": the wiring as a whole; which cell stands where in it is drawn anew (with
          `blocks` among the cells of a group).
    rng : int or Generator
        Seed; a Generator is asked for one.
    draw : int, >= 0
        Number of the shuffle, of which a seed has as many as you like.
    blocks : str, array_like, Series or mapping, optional
        Group of each cell: a column of :attr:`cells`, or values as in :meth:`with_cells`. Cells
        without one form a group.
    directed : bool
        False wants symmetric connections and keeps them so.
    attempts : int, optional
        Of "degree": exchanges that are tried, see :func:`cofire.graph.rewire`.
    threads : int, optional
        Of "degree". The result does not depend on it.

    Returns
    -------
    Connectome
        With the same cells. Each edge type is shuffled by itself ("label": all alike). Autapses
        stay where they are, and no new ones arise ("label" takes them along).

    Raises
    ------
    InvalidArgumentError
        Connections that are not symmetric with ``directed=False``; groups with a method that has
        none.
    MissingDataError
        No such column.

    Notes
    -----
    Numbers come from a counter-based generator (Philox) keyed by the seed and the number of the
    draw, so any draw can be made again without the others. Count and size of a pair stay together.

    Examples
    --------
    >>> import cofire as cf
    >>> wiring = cf.Connectome.from_matrix([[0, 2, 1], [0, 0, 4], [1, 0, 0]])
    >>> null = wiring.shuffle("block", rng=1)
    >>> sorted(null.count.data.tolist()), null.count.diagonal().tolist()
    ([1, 1, 2, 4], [0, 0, 0])
    """
    return next(
        shuffles(
            self, 1, method, rng, draw=draw, blocks=blocks, directed=directed, attempts=attempts,
            threads=threads,
        )
    )  # fmt: skip


def shuffles(
    self: Connectome,
    n: int,
    method: str,
    rng: int | np.random.Generator = 0,
    *,
    draw: int = 0,
    blocks: Any = None,
    directed: bool = True,
    attempts: int | None = None,
    threads: int | None = None,
) -> Iterator[Connectome]:
    """Shuffle many times, as :meth:`shuffle` with ``draw``, ``draw + 1``, ...

    Parameters
    ----------
    n : int, >= 0
        Number of shuffles.
    method, rng, draw, blocks, directed, attempts, threads
        As in :meth:`shuffle`; `draw` is the number of the first.

    Returns
    -------
    iterator of Connectome
        They are made when they are asked for.

    Examples
    --------
    >>> import cofire as cf
    >>> wiring = cf.Connectome.from_matrix([[0, 2, 1], [0, 0, 4], [1, 0, 0]])
    >>> [null.n_synapses for null in wiring.shuffles(3, "weight")]
    [8, 8, 8]
    """
    one_of(method, "method", METHODS)
    n, draw = integer(n, "n", 0), integer(draw, "draw", 0)
    if blocks is not None and method == "degree":
        raise InvalidArgumentError(
            'blocks go with the methods "block", "weight" and "label"; "degree" keeps the degrees '
            "of all cells together"
        )
    if not directed:
        _check_symmetric(self)
    key = int(seed_of(rng))
    if method == "degree":
        workers = resolve_threads(threads)
        return _by_degree(self, n, key, draw, directed, attempts, workers)
    groups = _groups(self, blocks)
    make = _by_label if method == "label" else _by_pairs
    return (
        make(self, _stream(key, draw + k), groups, method == "block", directed) for k in range(n)
    )


@dataclass(frozen=True, slots=True)
class _Stream:
    """Random numbers of one draw: a generator for each edge type."""

    key: int
    draw: int

    def __call__(self, part: int = 0) -> np.random.Generator:
        philox = np.random.Philox(key=self.key | self.draw << 64, counter=part << 192)
        return np.random.Generator(philox)


def _stream(key: int, draw: int) -> _Stream:
    return _Stream(key, draw)


def _groups(self: Connectome, blocks: Any) -> IntArray:
    """Number of the group of each cell, in the order of the ids."""
    import pandas as pd

    ids = self.ids
    if blocks is None:
        return np.zeros(len(ids), dtype=np.int64)
    if isinstance(blocks, str):
        if blocks not in self.cells.columns:
            raise MissingDataError(
                f"cells has no column {blocks!r} (blocks); it has: "
                f"{', '.join(map(str, self.cells.columns)) or 'none'}"
            )
        blocks = self.cells[blocks]
    labels = column_of_cells(blocks, ids, "blocks")
    codes = pd.factorize(labels, use_na_sentinel=False)[0]
    return np.asarray(codes, dtype=np.int64)


def _check_symmetric(self: Connectome) -> None:
    if not self.is_square:
        raise InvalidArgumentError(
            f"directed=False wants the same cells as rows and columns, got {self!r}"
        )
    for each in self.edges:
        for values in (each.count, each.psd):
            if values is None:
                continue
            matrix = csr(each, values, self.shape)
            difference = (matrix - matrix.T).tocoo()
            wrong = np.flatnonzero(difference.data)
            if len(wrong):
                pre, post = difference.row[wrong[0]], difference.col[wrong[0]]
                raise InvalidArgumentError(
                    f"directed=False wants symmetric connections, but pre {self.row_ids[pre]}, "
                    f"post {self.row_ids[post]} has {matrix[pre, post]:g} and the way back "
                    f"{matrix[post, pre]:g}; take symmetrized() first"
                )


def _columns_of_rows(self: Connectome) -> IntArray:
    """Column of the cell of each row, -1 where it is no column."""
    import pandas as pd

    at = pd.Index(self.column_ids).get_indexer(pd.Index(self.row_ids))
    return np.asarray(at, dtype=np.int64)


def _made(self: Connectome, edges: tuple[Edges, ...]) -> Connectome:
    return type(self)(self.row_ids, self.column_ids, self.cells, edges, dict(self.dropped))


# --- degrees --------------------------------------------------------------------------------------


def _by_degree(
    self: Connectome,
    n: int,
    key: int,
    draw: int,
    directed: bool,
    attempts: int | None,
    threads: int,
) -> Iterator[Connectome]:
    """Rewire the numbers of the entries, and look counts and sizes up."""
    from scipy import sparse

    from cofire.graph import rewire

    ids = self.ids
    place = _columns_of_rows(self)
    outside = np.setdiff1d(np.arange(len(self.column_ids)), place)
    # Rows are the first of the ids, columns that are no rows the last.
    to_id = np.zeros(len(self.column_ids), dtype=np.int64)
    to_id[place[place >= 0]] = np.flatnonzero(place >= 0)
    to_id[outside] = len(self.row_ids) + np.arange(len(outside))
    to_column = np.full(len(ids), -1, dtype=np.int64)
    to_column[to_id] = np.arange(len(to_id))
    numbered = []
    for each in self.edges:
        rows = np.repeat(np.arange(self.shape[0]), np.diff(each.indptr))
        columns = to_id[each.indices]
        number = np.arange(1.0, len(rows) + 1)
        if not directed:
            # One number for both directions of a pair.
            back = sparse.csr_array((number, (columns, rows)), shape=(len(ids), len(ids)))
            back.sort_indices()
            number = np.minimum(number, back.data)
        matrix = sparse.csr_array((number, (rows, columns)), shape=(len(ids), len(ids)))
        numbered.append((each, rows, rows == columns, matrix))
    for first in range(0, n, threads):
        batch = min(threads, n - first)
        nulls = [
            rewire(
                matrix, batch, rng=_part(key, t), directed=directed, attempts=attempts,
                draw=draw + first, threads=threads,
            )
            for t, (_, _, _, matrix) in enumerate(numbered)
        ]  # fmt: skip
        for k in range(batch):
            edges = []
            for (each, rows, own, _), made in zip(numbered, nulls, strict=True):
                null = made[k].tocoo()
                entries = np.concatenate([null.data.astype(np.int64) - 1, np.flatnonzero(own)])
                pre = np.concatenate([null.row, rows[own]])
                post = np.concatenate([to_column[null.col], each.indices[own]])
                edges.append(with_entries(each, self.shape, pre, post, entries))
            yield _made(self, tuple(edges))


def _part(key: int, part: int) -> int:
    """Another seed for each edge type; the first has the seed itself."""
    if not part:
        return key
    return int(np.random.SeedSequence([key, part]).generate_state(1, np.uint64)[0])


# --- labels ---------------------------------------------------------------------------------------


def _by_label(self: Connectome, stream: _Stream, groups: IntArray, _: bool, __: bool) -> Connectome:
    place = _columns_of_rows(self)
    is_row = np.arange(len(groups)) < len(self.row_ids)
    is_column = ~is_row
    is_column[: len(place)] = place >= 0
    # Only cells that play the same part can change places.
    part = groups * 4 + is_row * 2 + is_column
    mixed = stream().permutation(len(part))
    moved = np.empty(len(part), dtype=np.int64)
    moved[np.argsort(part, kind="stable")] = mixed[np.argsort(part[mixed], kind="stable")]
    rows = moved[: len(self.row_ids)]
    to_id = np.concatenate([np.flatnonzero(place >= 0), np.flatnonzero(~is_row)])
    at = np.concatenate([place[place >= 0], np.setdiff1d(np.arange(len(self.column_ids)), place)])
    to_column = np.full(len(part), -1, dtype=np.int64)
    to_column[to_id] = at
    columns = np.empty(len(self.column_ids), dtype=np.int64)
    columns[at] = to_column[moved[to_id]]
    return _made(self, tuple(take(each, self.shape, rows, columns) for each in self.edges))


# --- blocks and weights ---------------------------------------------------------------------------


def _by_pairs(
    self: Connectome, stream: _Stream, groups: IntArray, move: bool, directed: bool
) -> Connectome:
    """Draw the connected pairs of each block, or deal out their synapses."""
    place = _columns_of_rows(self)
    of_column = np.empty(len(self.column_ids), dtype=np.int64)
    of_column[place[place >= 0]] = groups[: len(place)][place >= 0]
    of_column[np.setdiff1d(np.arange(len(of_column)), place)] = groups[len(place) :]
    of_row = groups[: len(place)]
    edges = []
    for t, each in enumerate(self.edges):
        rng = stream(t)
        rows = np.repeat(np.arange(self.shape[0], dtype=np.int64), np.diff(each.indptr))
        columns = each.indices.astype(np.int64)
        own = place[rows] == columns
        moving = ~own if directed else rows < columns
        pre, post, entries = rows[moving], columns[moving], np.flatnonzero(moving)
        block = _Block.of(of_row, of_column, pre, post, place, directed)
        if move:
            pre, post = block.draw(rng)
        else:
            order = np.lexsort((rng.random(len(entries)), block.number))
            dealt = np.empty_like(entries)
            dealt[np.argsort(block.number, kind="stable")] = entries[order]
            entries = dealt
        if not directed:
            pre, post = np.concatenate([pre, post]), np.concatenate([post, pre])
            entries = np.concatenate([entries, entries])
        pre, post = np.concatenate([pre, rows[own]]), np.concatenate([post, columns[own]])
        entries = np.concatenate([entries, np.flatnonzero(own)])
        edges.append(with_entries(each, self.shape, pre, post, entries))
    return _made(self, tuple(edges))


@dataclass(frozen=True, slots=True)
class _Block:
    """Groups that each edge leads from and to, and the cells of each group.

    Attributes
    ----------
    number : ndarray (n_edges,) int64
    sources, targets : ndarray (n_edges,) int64
        Group of the presynaptic and postsynaptic cell; the smaller first if not directed.
    rows, columns : ndarray int64
        Cells, group after group; those of group g start at ``row_start[g]``, ``column_start[g]``.
    place : ndarray (n_rows,) int64
        Column of the cell of each row, which is no target.
    """

    number: IntArray
    sources: IntArray
    targets: IntArray
    rows: IntArray
    columns: IntArray
    row_start: IntArray
    column_start: IntArray
    place: IntArray
    directed: bool

    @classmethod
    def of(
        cls,
        of_row: IntArray,
        of_column: IntArray,
        pre: IntArray,
        post: IntArray,
        place: IntArray,
        directed: bool,
    ) -> _Block:
        n = 1 + max(int(of_row.max(initial=-1)), int(of_column.max(initial=-1)))
        sources, targets = of_row[pre], of_column[post]
        if not directed:
            sources, targets = np.minimum(sources, targets), np.maximum(sources, targets)
        rows, row_start = _members_of(of_row, n)
        columns, column_start = _members_of(of_column, n)
        number = sources * n + targets
        return cls(
            number, sources, targets, rows, columns, row_start, column_start, place, directed
        )

    def draw(self, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Other pairs for the edges, all different, uniform within their block."""
        pre, post = np.empty_like(self.number), np.empty_like(self.number)
        sparse_block = np.ones(len(self.number), dtype=bool)
        numbers, first, size = np.unique(self.number, return_index=True, return_counts=True)
        for number, edge, m in zip(numbers, first, size, strict=True):
            # Where half of the pairs are connected, drawing until all differ takes long.
            if 2 * m > self._n_pairs(edge):
                here = self.number == number
                pairs = self._all_pairs(edge)
                pre[here], post[here] = pairs[:, rng.permutation(pairs.shape[1])[:m]]
                sparse_block[here] = False
        wanted = np.flatnonzero(sparse_block)
        while len(wanted):
            pre[wanted] = self._members(rng, self.rows, self.row_start, self.sources[wanted])
            post[wanted] = self._members(rng, self.columns, self.column_start, self.targets[wanted])
            wanted = self._refused(pre, post, sparse_block, wanted)
        if not self.directed:
            pre, post = np.minimum(pre, post), np.maximum(pre, post)
        return pre, post

    def _refused(
        self, pre: IntArray, post: IntArray, sparse_block: BoolArray, fresh: IntArray
    ) -> IntArray:
        """Edges to draw again: onto the cell itself, or a pair that an earlier edge has."""
        a, b = (pre, post) if self.directed else (np.minimum(pre, post), np.maximum(pre, post))
        is_new = np.zeros(len(pre), dtype=bool)
        is_new[fresh] = True
        edges = np.flatnonzero(sparse_block)
        order = edges[np.lexsort((is_new[edges], b[edges], a[edges]))]
        again = np.zeros(len(pre), dtype=bool)
        again[order[1:]] = (a[order[1:]] == a[order[:-1]]) & (b[order[1:]] == b[order[:-1]])
        again |= is_new & (self.place[pre] == post)
        return np.flatnonzero(again & sparse_block)

    @staticmethod
    def _members(
        rng: np.random.Generator, cells: IntArray, start: IntArray, groups: IntArray
    ) -> IntArray:
        chosen: IntArray = cells[rng.integers(start[groups], start[groups + 1])]
        return chosen

    def _n_pairs(self, edge: int) -> int:
        a, b = self.sources[edge], self.targets[edge]
        n_rows = self.row_start[a + 1] - self.row_start[a]
        n_columns = self.column_start[b + 1] - self.column_start[b]
        half = 2 if not self.directed and a == b else 1
        return int(n_rows * n_columns) // half

    def _all_pairs(self, edge: int) -> IntArray:
        a, b = self.sources[edge], self.targets[edge]
        rows = self.rows[self.row_start[a] : self.row_start[a + 1]]
        columns = self.columns[self.column_start[b] : self.column_start[b + 1]]
        pre, post = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
        keep = self.place[pre] != post
        if not self.directed and a == b:
            keep &= pre < post
        return np.stack([pre[keep], post[keep]])


def _members_of(groups: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Cells group after group, and where each of the n groups starts."""
    start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(groups, minlength=n), out=start[1:])
    return np.argsort(groups, kind="stable").astype(np.int64), start
