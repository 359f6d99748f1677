"""What monosynaptic connections and chains have in common as results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import one_of
from cofire.structure._battery import Options, class_records, frame
from cofire.structure._records import array_records
from cofire.structure._sums import (
    Links,
    cell_table,
    class_counts,
    contingency_table,
    pair_table,
)
from cofire.structure.classes import BASIC, CLASSES, PairClasses

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class ClassConnections:
    """Connections of pairs of cells by class, with the tests of the contrasts.

    Attributes
    ----------
    kind : str
        ``"monosynaptic"``, or ``"chains through ... cells"``.
    classes : PairClasses
        The pairs; :attr:`PairClasses.dropped` says which cells are left out.
    pairs : DataFrame
        Connected pairs, a row a pair: ``class``, ``pre``, ``post``, ``count`` (1, or the chains
        of the pair) and, where synapse sizes are known, ``value``: the summed size (W, in units of
        the connectome, for chains squared). A pair without a connection has no row.
    cells : DataFrame
        A row a quantity, class and cell: ``quantity`` ("B_out", "W_out", "B_in", "W_in"),
        ``class`` (all seven), ``cell``, ``value``, ``n_partners`` (potential), ``n_connected``. A
        cell without a potential partner (B) or without a connection (W) has no row.
    shares : DataFrame
        A row a class: ``class``, ``n_pairs`` (potential), ``n_connected``, ``share``.
    contingency : DataFrame
        Four rows a contrast: ``first``, ``second``, ``class``, ``outcome``, ``observed``,
        ``expected``, ``contribution`` ((O - E)^2 / E), ``share``.
    tests : DataFrame
        A row a test: ``quantity``, ``first``, ``second`` (the contrast), ``test``,
        ``alternative``, ``statistic`` (chi squared; z of the rank sum; W+ of the signed rank),
        ``p``, ``n1``, ``n2``, ``p_adjusted``, ``effect``, ``effect_name`` (odds ratio or
        rank-biserial r), ``low``, ``high``. NaN where a sample is empty.
    breakdown : DataFrame or None
        With ``by="assembly"`` the same tests for each assembly, in the column ``assembly``; see
        :meth:`PairClasses.of_assembly`.
    """

    kind: str
    classes: PairClasses
    pairs: pd.DataFrame
    cells: pd.DataFrame
    shares: pd.DataFrame
    contingency: pd.DataFrame
    tests: pd.DataFrame
    breakdown: pd.DataFrame | None = None

    @property
    def has_sizes(self) -> bool:
        """Whether W is known."""
        return "value" in self.pairs.columns

    def binary(self) -> pd.DataFrame:
        """Whether each potential pair is connected: class, pre, post, value (0 or 1)."""
        import pandas as pd

        codes = self.classes.codes
        connected = np.zeros(codes.shape, dtype=np.int64)
        rows = pd.Index(self.classes.pre_ids).get_indexer(pd.Index(self.pairs["pre"]))
        columns = pd.Index(self.classes.post_ids).get_indexer(pd.Index(self.pairs["post"]))
        connected[rows, columns] = 1
        return self.classes.to_frame().assign(value=connected[codes >= 0])

    def to_frame(self) -> pd.DataFrame:
        """All values in long format: quantity, class, pre, post, cell, value.

        Pairwise rows (``B`` of all potential pairs, ``W`` of connected ones) have no cell,
        per-cell rows no pre and post.
        """
        import pandas as pd

        pieces = [self.binary().assign(quantity="B")]
        if self.has_sizes:
            pieces.append(self.pairs[["class", "pre", "post", "value"]].assign(quantity="W"))
        for piece in pieces:
            piece["cell"] = pd.NA
        cells = self.cells[["quantity", "class", "cell", "value"]].copy()
        cells["pre"] = cells["post"] = pd.NA
        columns = ["quantity", "class", "pre", "post", "cell", "value"]
        # Ids stay integers beside missing ones: never through float.
        integer = self.classes.cell_ids.dtype.kind in "iu"
        kind = "Int64" if integer else "string"
        typed = [
            piece[columns].astype({"pre": kind, "post": kind, "cell": kind, "value": np.float64})
            for piece in (*pieces, cells)
        ]
        return pd.concat(typed, ignore_index=True)

    def test(self, quantity: str, test: str, contrast: tuple[str, str] | None = None) -> Any:
        """One row of :attr:`tests` as a Series, of the first contrast by default."""
        from cofire.errors import InvalidArgumentError

        table = self.tests
        chosen = (table["quantity"] == quantity) & (table["test"] == test)
        if contrast is not None:
            chosen &= (table["first"] == contrast[0]) & (table["second"] == contrast[1])
        if not chosen.any():
            raise InvalidArgumentError(
                f"no test {test!r} of {quantity!r}{f' for {contrast}' if contrast else ''}; "
                f"quantities: {', '.join(dict.fromkeys(table['quantity']))}; tests: "
                f"{', '.join(dict.fromkeys(table['test']))}"
            )
        return table[chosen].iloc[0]

    def __repr__(self) -> str:
        shares = self.shares.set_index("class")
        parts = [f"{shares.n_connected[n]}/{shares.n_pairs[n]} {n}" for n in BASIC[:2]]
        sizes = "sizes" if self.has_sizes else "no sizes"
        return (
            f"ClassConnections({self.kind}: {', '.join(parts)}; {sizes}; {len(self.tests)} tests)"
        )


def connections(
    kind: str,
    classes: PairClasses,
    links: Links,
    options: Options,
    unit: float = 1.0,
    by: str | None = None,
) -> ClassConnections:
    """Tables and tests of the links of a set of classes."""
    import pandas as pd

    if by is not None:
        one_of(by, "by", ("assembly",))

    codes = classes.codes
    pairs = pair_table(links, codes, classes.pre_ids, classes.post_ids)
    cells = cell_table(links, codes, classes.pre_ids, classes.post_ids, unit)
    potential, connected = class_counts(links, codes)
    share = np.full(len(CLASSES), np.nan)
    np.divide(connected, potential, out=share, where=potential > 0)
    shares = pd.DataFrame(
        {"class": CLASSES, "n_pairs": potential, "n_connected": connected, "share": share}
    )
    records = class_records(
        pairs if "value" in pairs else None, cells, (potential, connected), options
    )
    return ClassConnections(
        kind=kind,
        classes=classes,
        pairs=pairs,
        cells=cells,
        shares=shares,
        contingency=contingency_table(potential, connected, options.contrasts),
        tests=frame(records, options.adjust),
        breakdown=None if by is None else _breakdown(classes, links, options),
    )


def _breakdown(classes: PairClasses, links: Links, options: Options) -> pd.DataFrame:
    """All tests of each assembly; p adjusted over all of them."""
    records, names = [], []
    for assembly in classes.assemblies:
        codes = classes.of_assembly(assembly).codes
        own = array_records(links, codes, options)
        records += own
        names += [assembly] * len(own)
    table = frame(records, options.adjust)
    table.insert(0, "assembly", names)
    return table
