"""Do two cells share an assembly? Every ordered pair of cells put into a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire._validate import AnyArray, BoolArray, IntArray, fits_memory, one_of
from cofire.connectome._cells import read_cells
from cofire.connectome._ids import kind, unique_ids
from cofire.errors import InvalidArgumentError
from cofire.structure._membership import read_membership

if TYPE_CHECKING:
    import pandas as pd

BASIC = ("shared", "disjoint", "shared_no_a", "no_a_a", "a_no_a")
UNIONS = {"no_a_to_any": ("shared_no_a", "no_a_a"), "a_to_any": ("shared", "disjoint", "a_no_a")}
CLASSES = (*BASIC, *UNIONS)

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class PairClasses:
    """Class of every ordered pair of a presynaptic and a postsynaptic cell.

    Attributes
    ----------
    cell_ids : ndarray (n_cells,) int64 or str
        Cells with a functional index that are presynaptic, postsynaptic or both.
    assemblies : tuple of str
        Labels of the assemblies.
    member : ndarray (n_cells, n_assemblies) bool
        Which cell is in which assembly; all False for a cell in none.
    pre, post : ndarray (n_pre,), (n_post,) int64
        Rows of `cell_ids` that are presynaptic (rows of the classes) and postsynaptic (columns).
    codes : ndarray (n_pre, n_post) int8
        Position of the class in :data:`BASIC`; -1 for a cell and itself.
    dropped : DataFrame
        Cells left out, a row a cell: ``cell_id``, ``side`` ("pre", "post" or "both" of the cells
        asked for, "membership"), ``reason``.
    """

    cell_ids: AnyArray
    assemblies: tuple[str, ...]
    member: BoolArray
    pre: IntArray
    post: IntArray
    codes: Codes
    dropped: pd.DataFrame

    @property
    def pre_ids(self) -> AnyArray:
        """Ids of the presynaptic cells, the rows of :attr:`codes`."""
        return self.cell_ids[self.pre]

    @property
    def post_ids(self) -> AnyArray:
        """Ids of the postsynaptic cells, the columns of :attr:`codes`."""
        return self.cell_ids[self.post]

    @property
    def in_assembly(self) -> BoolArray:
        """Whether each of :attr:`cell_ids` is in some assembly, (n_cells,)."""
        some: BoolArray = np.any(self.member, axis=1)
        return some

    @property
    def counts(self) -> dict[str, int]:
        """Number of ordered pairs of each of the seven classes."""
        basic = np.bincount(self.codes.ravel() + 1, minlength=len(BASIC) + 1)[1:]
        counts = dict(zip(BASIC, basic.tolist(), strict=True))
        for union, parts in UNIONS.items():
            counts[union] = sum(counts[part] for part in parts)
        return counts

    @property
    def n_dropped(self) -> dict[str, int]:
        """Number of cells left out, by reason."""
        counted = self.dropped["reason"].value_counts()
        return {str(reason): int(n) for reason, n in counted.items()}

    def mask(self, name: str) -> BoolArray:
        """Which pairs belong to one of the seven classes, (n_pre, n_post)."""
        one_of(name, "name", CLASSES)
        parts = [BASIC.index(part) for part in UNIONS.get(name, (name,))]
        mask: BoolArray = np.isin(self.codes, parts)
        return mask

    def with_member(self, member: BoolArray) -> PairClasses:
        """The same cells with other assemblies, for example shuffled ones.

        Parameters
        ----------
        member : ndarray (n_cells, n_assemblies) bool
        """
        member = np.ascontiguousarray(member, dtype=bool)
        if member.shape != self.member.shape:
            raise InvalidArgumentError(
                f"member must have shape {self.member.shape} (cells, assemblies), got "
                f"{member.shape}"
            )
        codes = pair_codes(member, self.pre, self.post)
        return PairClasses(
            self.cell_ids, self.assemblies, member, self.pre, self.post, codes, self.dropped
        )

    def of_assembly(self, assembly: str) -> PairClasses:
        """Only pairs whose presynaptic cell is in one assembly, or in none.

        ``shared`` are then the pairs within this assembly. Pairs that share another one alone, and
        those of presynaptic cells that are in others alone, are in no class (code -1).
        """
        one_of(str(assembly), "assembly", self.assemblies)
        inside = self.member[:, self.assemblies.index(str(assembly))]
        kept = inside | ~self.in_assembly
        codes = np.where(kept[self.pre][:, None], self.codes, np.int8(-1))
        elsewhere = (codes == BASIC.index("shared")) & ~inside[self.post][None, :]
        codes[elsewhere] = -1
        return PairClasses(
            self.cell_ids, self.assemblies, self.member, self.pre, self.post, codes, self.dropped
        )

    def to_frame(self) -> pd.DataFrame:
        """Every pair that has a class: class, pre, post."""
        import pandas as pd

        rows, columns = np.nonzero(self.codes >= 0)
        return pd.DataFrame(
            {
                "class": np.array(BASIC)[self.codes[rows, columns]],
                "pre": self.pre_ids[rows],
                "post": self.post_ids[columns],
            }
        )

    def __repr__(self) -> str:
        counts = self.counts
        pairs = ", ".join(f"{counts[name]} {name}" for name in BASIC)
        return (
            f"PairClasses({len(self.pre)} x {len(self.post)} cells, {len(self.assemblies)} "
            f"assemblies: {pairs}; {len(self.dropped)} cells dropped)"
        )


def pair_classes(
    membership: Any,
    cells: Any,
    *,
    post: Any = None,
    cell_id: str | None = None,
    duplicates: str = "error",
) -> PairClasses:
    """Put every ordered pair of cells (j to i, j not i) into a class by the assemblies they share.

    With A(j) the set of assemblies of cell j:

    ==============  ================================================
    shared          A(j) and A(i) have an assembly in common
    disjoint        both are in assemblies, in none together
    shared_no_a     both are in no assembly
    no_a_a          pre in none, post in some
    a_no_a          pre in some, post in none
    no_a_to_any     pre in none (shared_no_a or no_a_a)
    a_to_any        pre in some (shared, disjoint or a_no_a)
    ==============  ================================================

    The first five partition the pairs. A cell without a functional index (not in `membership`) is
    in no class; one in `membership` without an assembly is.

    Parameters
    ----------
    membership : mapping, Series, DataFrame or path
        Cells with a functional index and their assemblies: a mapping or Series of id to a set of
        labels, a label, or text such as ``"1;9"``; a table with a column ``assemblies`` of such
        entries; a long table with a column ``assembly``, a row a cell and assembly; or a table of
        truth values, a column an assembly. Nothing (empty set, empty text, NaN) is no assembly.
    cells : Connectome, DataFrame, path, or array_like of ids
        Cells whose pairs are wanted. Rows and columns of a connectome; for others rows and, without
        `post`, columns.
    post : DataFrame, path, or array_like of ids, optional
        Postsynaptic cells, where they are others than the presynaptic ones.
    cell_id : str, optional
        Column of the ids in tables. Default a usual name (``pt_root_id``, ``cell_id``, ...), else
        the index.
    duplicates : {"error", "merge"}
        A cell that occurs twice in `membership` (not in a long table, where cells come back): an
        error, or the union of its assemblies.

    Returns
    -------
    PairClasses
        Cells in the order of `cells`; with every cell left out and why.

    Raises
    ------
    InvalidArgumentError
        No cell has a functional index, or ids of different kinds.
    DuplicateIdError
        A cell named twice.
    IdPrecisionError
        Ids beyond 2**53 in a column of floating-point numbers.
    MissingDataError
        No column of ids or of assemblies.

    Notes
    -----
    Labels of assemblies are text; numbers become text. A class without a pair has count 0.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> from cofire.structure import pair_classes
    >>> classes = pair_classes({1: "1;9", 2: {9}, 3: "2", 4: "", 5: None}, [1, 2, 3, 4, 5, 6])
    >>> classes.counts["shared"], classes.counts["disjoint"], classes.counts["shared_no_a"]
    (2, 4, 2)
    >>> classes.dropped["cell_id"].tolist(), classes.n_dropped
    ([6], {'no functional index': 1})
    """
    known = read_membership(membership, cell_id, duplicates)
    pre_ids, post_ids = _sides(cells, post, cell_id)
    _check_kinds(known.ids, pre_ids, post_ids)
    asked = np.concatenate([pre_ids, post_ids[~np.isin(post_ids, pre_ids)]])
    kept = asked[np.isin(asked, known.ids)]
    if not len(kept):
        raise InvalidArgumentError(
            f"none of the {len(asked)} cells has a functional index: cells are such as "
            f"{asked[:3].tolist()}, membership has {known.ids[:3].tolist()}; are these ids of one "
            "segmentation?"
        )
    order = np.argsort(known.ids, kind="stable")
    member = known.member[order[np.searchsorted(known.ids, kept, sorter=order)]]
    pre, post_at = _at(kept, pre_ids), _at(kept, post_ids)
    return PairClasses(
        cell_ids=kept,
        assemblies=known.labels,
        member=member,
        pre=pre,
        post=post_at,
        codes=pair_codes(member, pre, post_at),
        dropped=_dropped(known.ids, pre_ids, post_ids),
    )


def pair_codes(member: BoolArray, pre: IntArray, post: IntArray) -> Codes:
    """Class of every pair: position in :data:`BASIC`, -1 for a cell and itself."""
    fits_memory((len(pre), len(post)), np.float32, "the classes of all pairs")
    some: BoolArray = np.any(member, axis=1)
    # Numbers of common assemblies, exact in float32.
    common = member[pre].astype(np.float32) @ member[post].astype(np.float32).T
    codes = np.where(common > 0, np.int8(0), np.int8(1))
    has_pre, has_post = some[pre][:, None], some[post][None, :]
    codes = np.where(~has_pre & ~has_post, np.int8(2), codes)
    codes = np.where(~has_pre & has_post, np.int8(3), codes)
    codes = np.where(has_pre & ~has_post, np.int8(4), codes)
    codes[pre[:, None] == post[None, :]] = -1
    return codes


def _sides(cells: Any, post: Any, cell_id: str | None) -> tuple[AnyArray, AnyArray]:
    if hasattr(cells, "row_ids") and hasattr(cells, "column_ids"):
        rows, columns = cells.row_ids, cells.column_ids
    else:
        rows = columns = cell_ids(cells, "cells", cell_id)
    if post is not None:
        columns = cell_ids(post, "post", cell_id)
    return rows, columns


def cell_ids(cells: Any, name: str, cell_id: str | None = None) -> AnyArray:
    """Ids of cells given as a table, a file or an array, each once."""
    if isinstance(cells, str) or hasattr(cells, "columns") or hasattr(cells, "__fspath__"):
        return unique_ids(read_cells(cells, cell_id).index, name)
    if isinstance(cells, (set, frozenset)):
        cells = sorted(cells)
    elif not hasattr(cells, "__array__"):
        cells = list(cells)
    return unique_ids(cells, name)


def _check_kinds(known: AnyArray, *others: AnyArray) -> None:
    for ids in others:
        if len(ids) and len(known) and kind(ids) != kind(known):
            raise InvalidArgumentError(
                f"ids of cells are {kind(ids)} but those of membership are {kind(known)}; make "
                "them the same (int64, never through float)"
            )


def _at(ids: AnyArray, wanted: AnyArray) -> IntArray:
    """Positions in `ids` of those of `wanted` that are there, in the order of `wanted`."""
    order = np.argsort(ids, kind="stable")
    wanted = wanted[np.isin(wanted, ids)]
    return order[np.searchsorted(ids, wanted, sorter=order)].astype(np.int64)


def _dropped(known: AnyArray, pre: AnyArray, post: AnyArray) -> pd.DataFrame:
    import pandas as pd

    asked = np.concatenate([pre, post[~np.isin(post, pre)]])
    lost = asked[~np.isin(asked, known)]
    in_pre, in_post = np.isin(lost, pre), np.isin(lost, post)
    side = np.where(in_pre & in_post, "both", np.where(in_pre, "pre", "post"))
    absent = known[~np.isin(known, asked)]
    return pd.DataFrame(
        {
            "cell_id": np.concatenate([lost, absent]),
            "side": np.concatenate([side, np.full(len(absent), "membership")]).astype(str),
            "reason": ["no functional index"] * len(lost) + ["not among the cells"] * len(absent),
        }
    )
