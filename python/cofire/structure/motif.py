"""How often does a pattern of three or four cells of given types occur, and where?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, IntArray, fits_memory, integer, one_of
from cofire.errors import InvalidArgumentError, InvalidTypeError, MissingDataError
from cofire.graph._adjacency import Graph, as_graph
from cofire.graph._blocks import iterate_blocks
from cofire.stats.ranks import ALTERNATIVES
from cofire.structure._match import automorphisms, match
from cofire.structure._wiring import check_connectome, sign_of_cells
from cofire.structure.nulls import null_p

if TYPE_CHECKING:
    import pandas as pd

_SIZES = (2, 3, 4)
_ROOTS = 64
SHUFFLES = ("degree", "wiring", "block", "types")


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class MotifCounts:
    """Occurrences of a pattern of cells.

    Attributes
    ----------
    edges : tuple of (int, int)
        The pattern.
    types : tuple of str
        Type of each of its cells, "any" where it does not matter.
    induced : bool
        Whether other connections among the cells are forbidden.
    count : int
        Occurrences; orders of the same cells that are the same pattern count once.
    n_symmetries : int
        Orders of the pattern that are the same: embeddings are ``count * n_symmetries``.
    instances : DataFrame
        A row an occurrence, a column a cell of the pattern (``cell_0``, ...), ids.
    null : ndarray (n_null,) int64
        Counts in shuffled connectomes.
    shuffle : str
    alternative : str
    p : float
        ``(1 + #{null at least as extreme}) / (1 + n_null)``; NaN without shuffles.
    """

    edges: tuple[tuple[int, int], ...]
    types: tuple[str, ...]
    induced: bool
    count: int
    n_symmetries: int
    instances: pd.DataFrame
    null: IntArray
    shuffle: str
    alternative: str
    p: float

    @property
    def z(self) -> float:
        """Count in standard deviations from the mean of the null; NaN if it does not vary."""
        if len(self.null) < 2 or self.null.std(ddof=1) == 0:
            return np.nan
        return float((self.count - self.null.mean()) / self.null.std(ddof=1))

    def to_frame(self) -> pd.DataFrame:
        """One row: the pattern, its count and the null."""
        import pandas as pd

        some = len(self.null) > 0
        low, high = np.quantile(self.null, [0.025, 0.975]) if some else (np.nan, np.nan)
        row = {
            "edges": " ".join(f"{a}>{b}" for a, b in self.edges),
            "types": " ".join(self.types),
            "induced": self.induced,
            "count": self.count,
            "null_mean": float(self.null.mean()) if some else np.nan,
            "null_low": float(low),
            "null_high": float(high),
            "z": self.z,
            "p": self.p,
            "n_null": len(self.null),
            "shuffle": self.shuffle,
        }
        return pd.DataFrame([row])

    def __repr__(self) -> str:
        edges = ", ".join(f"{a}>{b}" for a, b in self.edges)
        null = f"; {len(self.null)} shuffles, p = {self.p:.3g}" if len(self.null) else ""
        kind = "induced" if self.induced else "not induced"
        return f"MotifCounts({edges} of {' '.join(self.types)}, {kind}: {self.count}{null})"


def find_motif(
    connectome: Any,
    edges: Sequence[tuple[int, int]],
    types: Sequence[Any] | None = None,
    induced: bool = False,
    *,
    labels: Any = None,
    max_instances: int = 100_000,
    n_null: int = 0,
    shuffle: str = "degree",
    alternative: str = "two-sided",
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MotifCounts:
    """Find a pattern of two to four different cells in a connectome.

    Parameters
    ----------
    connectome : Connectome, or array_like (n, n), scipy.sparse or networkx graph
        Square. Only whether cells are connected counts; connections of a cell onto itself do not.
    edges : sequence of (int, int)
        Connections of the pattern among its cells 0, 1, 2, ...; it must hang together. For example
        ``[(0, 1), (1, 2)]`` is a chain.
    types : sequence, optional
        Type of each cell of the pattern: a label, several labels, or None for any. ``"excitatory"``
        and ``"inhibitory"`` are understood by themselves. Default any.
    induced : bool
        Whether the cells may have no other connection among them than those of the pattern.
    labels : str, array_like, Series or mapping, optional
        Type of each cell of the connectome: a column of its cells, values in the order of its rows,
        or values by id. Not needed for excitatory and inhibitory alone.
    max_instances : int
        Occurrences that are listed; all are counted.
    n_null : int
        Shuffles to compare with.
    shuffle : {"degree" (or "wiring"), "block", "types"}
        Methods of :meth:`Connectome.shuffle`; ``"types"``: cells exchange their types.
    alternative : {"two-sided", "greater", "less"}
    rng : int or Generator
    threads : int, optional
        Default all; the result does not depend on it.
    progress : callable (done, total), optional
        Of the shuffles.

    Returns
    -------
    MotifCounts

    Raises
    ------
    InvalidArgumentError
        A pattern of another size, in pieces, with a connection twice or onto itself; a rectangular
        connectome; a type no cell has.
    MissingDataError
        Types without labels.

    Notes
    -----
    The search extends partial matches along connections, from the shorter list of neighbors, so it
    takes time in proportion to partial matches, not to all sets of cells.

    References
    ----------
    Milo et al. 2002, doi:10.1126/science.298.5594.824; Ullmann 1976, doi:10.1145/321921.321925

    Examples
    --------
    >>> from cofire.structure import find_motif
    >>> loop = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    >>> find_motif(loop, [(0, 1), (1, 2), (2, 0)]).count
    1
    >>> find_motif(loop, [(0, 1), (1, 2)], ["E", "I", "E"], labels=["E", "I", "E"]).count
    1
    """
    one_of(shuffle, "shuffle", SHUFFLES)
    one_of(alternative, "alternative", ALTERNATIVES)
    n_null = integer(n_null, "n_null", 0)
    room = integer(max_instances, "max_instances", 0)
    query = _pattern(edges)
    if n_null and shuffle != "types":
        check_connectome(connectome)
    graph = as_graph(connectome, weighted=False, name="connectome")
    names, allowed = _allowed(connectome, graph.n, types, len(query), labels)
    count, found = _search(graph, query, allowed, bool(induced), room, threads)
    null = np.zeros(n_null, dtype=np.int64)
    if n_null:
        cases = _shuffled(connectome, graph, allowed, shuffle, n_null, rng, threads)
        for k, (other, others_allowed) in enumerate(cases):
            null[k] = _search(other, query, others_allowed, bool(induced), 0, threads)[0]
            if progress is not None:
                progress(k + 1, n_null)
    return MotifCounts(
        edges=tuple((int(a), int(b)) for a, b in edges),
        types=names,
        induced=bool(induced),
        count=count,
        n_symmetries=len(automorphisms(query, allowed)),
        instances=_instances(connectome, found),
        null=null,
        shuffle=shuffle if n_null else "",
        alternative=alternative,
        p=null_p(float(count), null.astype(np.float64), alternative),
    )


def _search(
    graph: Graph,
    query: BoolArray,
    allowed: BoolArray,
    induced: bool,
    room: int,
    threads: int | None,
) -> tuple[int, IntArray]:
    reverse = graph.reverse()
    total, pieces, left = 0, [], room
    size = len(query)

    def of_roots(start: int, stop: int) -> tuple[int, Any]:
        # Count first: how many there are to list is not known, and lists are short or not wanted.
        count, _ = match(graph, reverse, query, allowed, induced, (start, stop), 0)
        if not room or not count:
            return count, np.empty((0, size), dtype=np.int32)
        wanted = min(count, room)
        fits_memory((wanted, size), np.int32, "the list of occurrences")
        return match(graph, reverse, query, allowed, induced, (start, stop), wanted)

    for count, listed in iterate_blocks(of_roots, graph.n, _ROOTS, threads):
        total += count
        pieces.append(listed[:left])
        left -= len(pieces[-1])
    found = np.concatenate(pieces) if pieces else np.empty((0, size), dtype=np.int32)
    return total, found.astype(np.int64)


def _pattern(edges: Sequence[tuple[int, int]]) -> BoolArray:
    try:
        pairs = np.asarray([(int(a), int(b)) for a, b in edges], dtype=np.int64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"edges must be pairs of whole numbers such as [(0, 1), (1, 2)], got {edges!r}"
        ) from error
    if not len(pairs) or pairs.min() < 0:
        raise InvalidArgumentError(f"edges must be pairs of numbers from 0 on, got {edges!r}")
    size = int(pairs.max()) + 1
    if size not in _SIZES:
        raise InvalidArgumentError(f"edges must join 2, 3 or 4 cells, numbered from 0; got {size}")
    query = np.zeros((size, size), dtype=bool)
    for a, b in pairs.tolist():
        if a == b or query[a, b]:
            problem = "leads onto itself" if a == b else "occurs twice"
            raise InvalidArgumentError(f"edges: ({a}, {b}) {problem}")
        query[a, b] = True
    reached = {0}
    for _ in range(size):
        reached |= {b for a in reached for b in range(size) if query[a, b] or query[b, a]}
    if len(reached) < size:
        lost = sorted(set(range(size)) - reached)
        raise InvalidArgumentError(
            f"edges must hang together: cell {lost[0]} is not joined to cell 0"
        )
    return query


def _allowed(
    connectome: Any, n: int, types: Sequence[Any] | None, size: int, labels: Any
) -> tuple[tuple[str, ...], BoolArray]:
    """Names of the types of the pattern, and which nodes may be each of its cells, (size, n)."""
    allowed = np.ones((size, n), dtype=bool)
    if types is None:
        return ("any",) * size, allowed
    if isinstance(types, str) or len(types) != size:
        raise InvalidArgumentError(
            f"types must hold one entry for each of the {size} cells of the pattern, got {types!r}"
        )
    values = None if labels is None else _node_labels(connectome, n, labels)
    names = []
    for k, wanted in enumerate(types):
        if wanted is None or wanted == "any":
            names.append("any")
            continue
        several = [wanted] if isinstance(wanted, str) or not np.iterable(wanted) else list(wanted)
        names.append("/".join(map(str, several)))
        allowed[k] = _of_types(connectome, values, [str(each) for each in several])
    return tuple(names), allowed


def _of_types(connectome: Any, values: AnyArray | None, wanted: list[str]) -> BoolArray:
    if values is not None:
        unknown = [name for name in wanted if name not in values]
        if unknown:
            raise InvalidArgumentError(
                f"types: no cell is {unknown[0]!r}; labels: {', '.join(sorted(set(values))[:10])}"
            )
        chosen: BoolArray = np.isin(values, wanted)
        return chosen
    known = set(wanted) <= {"excitatory", "inhibitory"} and hasattr(connectome, "cells")
    if not known:
        raise MissingDataError(
            f"types {', '.join(wanted)} need labels: a column of connectome.cells, or a label for "
            "each cell"
        )
    chosen = np.zeros(len(connectome.row_ids), dtype=bool)
    for name in wanted:
        chosen |= sign_of_cells(connectome, name)[: len(chosen)]
    return chosen


def _node_labels(connectome: Any, n: int, labels: Any) -> AnyArray:
    import pandas as pd

    if isinstance(labels, str):
        cells = getattr(connectome, "cells", None)
        if cells is None or labels not in cells.columns:
            has = "none" if cells is None else ", ".join(map(str, cells.columns)) or "none"
            raise MissingDataError(f"connectome.cells has no column {labels!r}; columns: {has}")
        labels = cells[labels].iloc[:n]
    elif isinstance(labels, (Mapping, pd.Series)):
        by_id = pd.Series(labels)
        ids = connectome.row_ids if hasattr(connectome, "row_ids") else np.arange(n)
        labels = by_id.reindex(ids)
    values = np.asarray(labels, dtype=object)
    if values.shape != (n,):
        raise InvalidArgumentError(
            f"labels must hold one for each of {n} cells, got {values.shape}"
        )
    return np.array(["" if v is None or v != v else str(v) for v in values], dtype=str)


def _shuffled(
    connectome: Any,
    graph: Graph,
    allowed: BoolArray,
    shuffle: str,
    n_null: int,
    rng: int | np.random.Generator,
    threads: int | None,
) -> Any:
    """Graphs and permissions of the shuffles, one after the other."""
    if shuffle == "types":
        from cofire.stats.surrogates import seed_of

        seed = seed_of(rng)
        for k in range(n_null):
            generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, k]))
            yield graph, np.ascontiguousarray(allowed[:, generator.permutation(graph.n)])
        return
    method = "degree" if shuffle == "wiring" else shuffle
    for other in connectome.shuffles(n_null, method, rng, threads=threads):
        yield as_graph(other, weighted=False), allowed


def _instances(connectome: Any, found: IntArray) -> pd.DataFrame:
    import pandas as pd

    ids = connectome.row_ids if hasattr(connectome, "row_ids") else None
    values = found if ids is None else ids[found]
    return pd.DataFrame({f"cell_{k}": values[:, k] for k in range(found.shape[1])})
