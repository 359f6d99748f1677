"""From functional assemblies to cells: tables by cell, or units joined by co-registration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire.connectome._ids import id_column, stored
from cofire.connectome._tables import open_table
from cofire.errors import DuplicateIdError, InvalidArgumentError
from cofire.structure._membership import read_membership
from cofire.studies._ragged import read_ragged
from cofire.studies.assemblies_structure.config import StructureConfig

if TYPE_CHECKING:
    import pandas as pd

_CELL = ("cell_id", "pt_root_id", "root_id", "id")
_UNIT = ("unit", "functional_index", "unit_index", "roi", "roi_id")


def read_assemblies(
    assemblies: Any,
    coregistration: Any,
    config: StructureConfig,
    taken: list[str],
    dropped: list[str],
) -> Any:
    """Membership of cells in assemblies, in a form that :func:`pair_classes` takes.

    Parameters
    ----------
    assemblies : path, table, mapping, or fitted detector
        By cell id; or, with `coregistration`, by functional index: the ragged npz with ``indices``,
        ``offsets`` and ``n_neurons``, a detector with ``assemblies_``, a list of index arrays, or a
        table whose ids are units.
    coregistration : path or DataFrame, optional
        Columns with the cell id and its functional index.
    config : StructureConfig
    taken, dropped : list of str
        Lines are added.

    Returns
    -------
    Mapping or DataFrame

    Raises
    ------
    DuplicateIdError
        A cell or a unit that is co-registered twice.
    MissingDataError, InvalidArgumentError, FileFormatError
        Assemblies by functional index without a co-registration, missing columns, no npz that is
        known.
    """
    ragged = read_ragged(assemblies)
    if coregistration is None:
        if ragged is not None:
            raise InvalidArgumentError(
                "assemblies are lists of functional indices; give coregistration, a table of cell "
                "id and functional index"
            )
        return read_membership(assemblies, config.membership_id, "error")
    by_unit = _by_unit(ragged, assemblies, config)
    table = _coregistration(coregistration, config)
    membership = {}
    lost = 0
    for cell, unit in zip(*table, strict=True):
        if unit in by_unit:
            membership[cell] = by_unit[unit]
        else:
            lost += 1
    taken.append(
        f"Co-registration: {len(table[0]):,} cells, {len(membership):,} of them with a functional "
        "index that the assemblies know"
    )
    if lost:
        dropped.append(f"{lost:,} co-registered cells whose unit the assemblies do not know")
    if not membership:
        raise InvalidArgumentError(
            "coregistration: no functional index is among those of the assemblies, such as "
            f"{list(by_unit)[:3]} against {table[1][:3]}"
        )
    return membership


def _by_unit(ragged: Any, assemblies: Any, config: StructureConfig) -> dict[Any, set[str]]:
    if ragged is not None:
        members, n, names = ragged
        sets: dict[Any, set[str]] = {unit: set() for unit in range(n)}
        for indices, name in zip(members, names, strict=True):
            for unit in indices.tolist():
                sets[unit].add(name)
        return sets
    if isinstance(assemblies, (list, tuple)):
        sets = {}
        for k, indices in enumerate(assemblies):
            for unit in np.asarray(indices).tolist():
                sets.setdefault(unit, set()).add(str(k + 1))
        return sets
    name = config.membership_id or _first(assemblies, _UNIT)
    table = read_membership(assemblies, name, "error")
    labels = np.array(table.labels)
    return {
        unit: set(labels[row].tolist())
        for unit, row in zip(table.ids.tolist(), table.member, strict=True)
    }


def _first(table: Any, usual: tuple[str, ...]) -> str | None:
    columns = open_table(table, "assemblies").columns
    return next((name for name in usual if name in columns), None)


def _coregistration(source: Any, config: StructureConfig) -> tuple[list[Any], list[Any]]:
    import pandas as pd

    table = open_table(source, "coregistration")
    cell = table.required(config.cell_id, _CELL, "cell_id")
    unit = table.required(config.unit_column, _UNIT, "unit_column")
    frame = pd.concat(list(table.pieces([cell, unit], None)))
    return _unique(frame[cell], f"{table.where}, column {cell!r}"), _unique(
        frame[unit], f"{table.where}, column {unit!r}"
    )


def _unique(column: pd.Series[Any], where: str) -> list[Any]:
    ids = stored(id_column(column, where))
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        bad = values[counts > 1]
        rows = np.flatnonzero(ids == bad[0])[:5].tolist()
        raise DuplicateIdError(
            f"{where}: {len(bad)} occur more than once, for example {bad[0]!s} in rows {rows}: a "
            "duplicated co-registration; keep one row of each"
        )
    listed: list[Any] = ids.tolist()
    return listed
