"""What goes into the study: files or objects, read, joined, and every cell accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray
from cofire.connectome import Connectome
from cofire.connectome._cells import match_cells, read_cells
from cofire.connectome._synapses import POST, PRE, SIZE
from cofire.connectome._tables import open_table
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.structure import PairClasses, pair_classes
from cofire.structure._wiring import sign_of_cells
from cofire.studies._folder import describe_sources
from cofire.studies.assemblies_structure.config import StructureConfig
from cofire.studies.assemblies_structure.membership import read_assemblies
from cofire.studies.assemblies_structure.wiring import read_connectome
from cofire.types._metadata import query_mask

if TYPE_CHECKING:
    import pandas as pd

_POSITIONS = (
    ("pt_position_x_trafo", "pt_position_y_trafo", "pt_position_z_trafo"),
    ("pt_position_x", "pt_position_y", "pt_position_z"),
    ("x", "y", "z"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Files (or objects in memory) that the study reads.

    Attributes
    ----------
    synapses : path or DataFrame, optional
        A row a synapse: ids of pre and post, size. Either this or `connectome`.
    connectome : path or Connectome, optional
        Winding et al. 2023 (zip, npz or folder), GraphML, a table of edges, an npz with ``pre`` and
        ``post`` (indices into one array of ids), or what ``cofire.save`` wrote.
    cells : path or DataFrame, optional
        A row a cell: id, class, position, proofreading. Default the cells of `connectome`.
    assemblies : path or object, optional
        Which cells are in which assemblies: a table by cell id (``1;9``), a ragged npz or a fitted
        detector by functional index (needs `coregistration`).
    coregistration : path or DataFrame, optional
        Cell id and functional index (unit) of each co-registered cell.
    coupling : path or array, optional
        Functional coupling (STTC, correlation) of every pair of cells in assemblies' order: a
        square csv with ids as header and first column.
    """

    synapses: Any = None
    connectome: Any = None
    cells: Any = None
    assemblies: Any = None
    coregistration: Any = None
    coupling: Any = None

    def __post_init__(self) -> None:
        if (self.synapses is None) == (self.connectome is None):
            raise InvalidArgumentError(
                "give either synapses (a table, a row a synapse) or connectome (a network), "
                + ("not both" if self.synapses is not None else "one of them is needed")
            )
        if self.coregistration is not None and self.assemblies is None:
            raise InvalidArgumentError(
                "coregistration says which cells are which functional units; give assemblies too"
            )

    def describe(self) -> dict[str, Any]:
        """Path, size and checksum of every file; kind of what is in memory."""
        return describe_sources(self)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What the study works on, after every choice.

    Attributes
    ----------
    direct : Connectome
        Presynaptic (proofread) cells onto all postsynaptic ones, for direct connections.
    network : Connectome
        Square: connections among the proofread cells, for chains, centralities and measures of the
        whole network.
    classes : PairClasses, or None
        Pairs of `direct` by assembly.
    chain_classes : PairClasses, or None
        Pairs of `network` by assembly.
    positions : DataFrame, or None
        ``x``, ``y``, ``z``, ``depth`` (µm) of every cell of `direct` and `network`, by id.
    groups : Series, or None
        Class of each cell of `network`, by id; missing where there is none.
    assembly_word : str
        "assembly", or the name of the column of classes that take their place.
    taken, dropped : tuple of str
        What was used; what was left out and why.
    """

    direct: Connectome
    network: Connectome
    classes: PairClasses | None
    chain_classes: PairClasses | None
    positions: pd.DataFrame | None
    groups: pd.Series[Any] | None
    assembly_word: str
    taken: tuple[str, ...]
    dropped: tuple[str, ...]


def read_material(
    sources: Sources, config: StructureConfig, *, threads: int | None = None
) -> Material:
    """Read and join the files; nothing is left out without being counted.

    Parameters
    ----------
    sources : Sources
    config : StructureConfig
    threads : int, optional
        For large tables of synapses.

    Returns
    -------
    Material

    Raises
    ------
    RecordingError, InvalidArgumentError
        A file, column or query that does not fit; no cell that has both wiring and assemblies.
    """
    notes = _Notes()
    cells = None if sources.cells is None else read_cells(sources.cells, config.cell_id)
    wiring = _read_wiring(sources, config, cells, notes, threads)
    cells = wiring.cells
    proofread = _chosen(cells, wiring.row_ids, config.proofread, "proofread")
    both = proofread[np.isin(proofread, wiring.column_ids)]
    network = wiring if _is_whole(wiring, both) else wiring.subset(both)
    pre = _chosen(cells, proofread, config.pre, "pre")
    post = _chosen(cells, wiring.column_ids, config.post, "post")
    notes.cells(cells, config, proofread, pre, post, network)
    groups = _groups(cells, config, network.row_ids, notes)
    classes = chain_classes = None
    word = "assembly"
    direct = wiring.subset(pre, post) if config.pre or config.post or config.proofread else wiring
    if sources.assemblies is not None:
        _note_signs(network, config, notes)
        membership = read_assemblies(
            sources.assemblies, sources.coregistration, config, notes.taken, notes.dropped
        )
        classes = pair_classes(membership, direct)
        chain_classes = pair_classes(membership, network)
        _note_classes(classes, notes)
        direct = direct.subset(classes.pre_ids, classes.post_ids)
    elif groups is not None:
        word = str(config.groups)
        membership = {cell: str(name) for cell, name in groups.dropna().items()}
        classes = chain_classes = pair_classes(membership, network)
        notes.taken.append(
            f"Assemblies: none given; the classes of column {word!r} take their place "
            f"({len(classes.assemblies)} classes, {len(classes.cell_ids):,} cells)"
        )
    positions = _positions(cells, config, notes)
    return Material(
        direct=direct,
        network=network,
        classes=classes,
        chain_classes=chain_classes,
        positions=positions,
        groups=groups,
        assembly_word=word,
        taken=tuple(notes.taken),
        dropped=tuple(notes.dropped),
    )


class _Notes:
    """Lines about what was taken and dropped."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.dropped: list[str] = []

    def synapses(self, wiring: Connectome) -> None:
        rows, columns = wiring.shape
        shape = f"{rows:,} cells" if wiring.is_square else f"{rows:,} onto {columns:,} cells"
        kinds = f"; edge types {', '.join(wiring.types)}" if wiring.types else ""
        sizes = "with sizes" if wiring.has_psd else "without sizes"
        self.taken.append(
            f"Connections: {wiring.n_synapses:,} synapses in {wiring.count.nnz:,} pairs, {shape}, "
            f"{sizes}{kinds}"
        )
        words = {
            "autapses": "synapses of a cell on itself",
            "other_cells": "synapses of cells that are not in the table of cells or not proofread",
            "annotated_cells": "annotated cells without connections",
        }
        for reason, n in wiring.dropped.items():
            if n:
                self.dropped.append(f"{n:,} {words.get(reason, reason.replace('_', ' '))}")

    def cells(
        self,
        cells: pd.DataFrame,
        config: StructureConfig,
        proofread: AnyArray,
        pre: AnyArray,
        post: AnyArray,
        network: Connectome,
    ) -> None:
        why = f" ({config.proofread})" if config.proofread else " (no query: all)"
        self.taken.append(
            f"Proofread cells: {len(proofread):,} of {len(cells):,}{why}; the network among them "
            f"has {network.count.nnz:,} connected pairs"
        )
        for name, ids, query in (
            ("Presynaptic", pre, config.pre),
            ("Postsynaptic", post, config.post),
        ):
            if query:
                self.taken.append(f"{name} cells: {len(ids):,} ({query})")


def _read_wiring(
    sources: Sources,
    config: StructureConfig,
    cells: pd.DataFrame | None,
    notes: _Notes,
    threads: int | None,
) -> Connectome:
    if sources.connectome is not None:
        wiring = read_connectome(sources.connectome, config)
        if cells is not None:
            known = match_cells(cells, wiring.ids)
            wiring = Connectome(
                wiring.row_ids, wiring.column_ids, known, wiring.edges, dict(wiring.dropped)
            )
        notes.synapses(wiring)
        return wiring
    rows = columns = None
    if cells is not None:
        columns = cells.index.to_numpy()
        rows = columns
        if config.proofread is not None:
            rows = columns[query_mask(_with_id(cells), config.proofread, "cell")]
            if not len(rows):
                raise InvalidArgumentError(
                    f"proofread: no cell of {len(cells):,} fulfills {config.proofread!r}"
                )
    table = open_table(sources.synapses, "synapses")
    names = [
        table.required(config.pre_column, PRE, "pre_column"),
        table.required(config.post_column, POST, "post_column"),
        table.column(config.size_column, SIZE, "size_column") or "no size",
    ]
    unit = f" ({config.size_unit})" if config.size_unit else ""
    notes.taken.append(
        f"Synapses: columns {', '.join(names)}; size times {config.size_scale:g}{unit}"
    )
    wiring = Connectome.from_synapses(
        sources.synapses,
        rows,
        columns,
        config.size_scale,
        cells=cells,
        pre=config.pre_column,
        post=config.post_column,
        size=config.size_column,
        autapses=config.autapses,
        threads=threads,
    )
    notes.synapses(wiring)
    return wiring


def _with_id(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.assign(cell_id=cells.index)


def _chosen(cells: pd.DataFrame, ids: AnyArray, query: str | None, name: str) -> AnyArray:
    if query is None:
        return ids
    known = cells.loc[ids]
    chosen = ids[query_mask(_with_id(known), query, "cell")]
    if not len(chosen):
        raise InvalidArgumentError(f"{name}: no cell of {len(ids):,} fulfills {query!r}")
    return chosen


def _is_whole(wiring: Connectome, ids: AnyArray) -> bool:
    return wiring.is_square and len(ids) == len(wiring.row_ids)


def _groups(
    cells: pd.DataFrame, config: StructureConfig, ids: AnyArray, notes: _Notes
) -> pd.Series[Any] | None:
    if config.groups is None:
        return None
    if config.groups not in cells.columns:
        raise MissingDataError(
            f"groups: the table of cells has no column {config.groups!r}; columns: "
            f"{', '.join(map(str, cells.columns)) or 'none'}"
        )
    groups = cells[config.groups].loc[ids]
    known = int(groups.notna().sum())
    if not known:
        raise InvalidArgumentError(f"groups: column {config.groups!r} names the class of no cell")
    notes.taken.append(
        f"Classes of cells: column {config.groups!r}, {groups.nunique()} classes of {known:,} cells"
    )
    if known < len(groups):
        notes.dropped.append(
            f"{len(groups) - known:,} cells without a value of {config.groups!r} (only in what "
            "compares classes)"
        )
    return groups


def _note_signs(network: Connectome, config: StructureConfig, notes: _Notes) -> None:
    """Say which cells are excitatory; a column that was named and does not say so is an error."""
    try:
        numbers = [
            int(sign_of_cells(network, kind, config.sign_column).sum())
            for kind in ("excitatory", "inhibitory")
        ]
    except (MissingDataError, InvalidArgumentError):
        if config.sign_column is not None:
            raise
        return
    column = config.sign_column or "found by its values"
    notes.taken.append(
        f"Middle cells of chains: {numbers[0]:,} excitatory, {numbers[1]:,} inhibitory (column of "
        f"the cells: {column})"
    )


def _note_classes(classes: PairClasses, notes: _Notes) -> None:
    inside = classes.in_assembly
    pre, post = inside[classes.pre], inside[classes.post]
    notes.taken.append(
        f"Assemblies: {len(classes.assemblies)}; presynaptic cells {len(pre):,} "
        f"({int(pre.sum()):,} in an assembly, {int((~pre).sum()):,} in none), "
        f"postsynaptic cells {len(post):,} ({int(post.sum()):,} in an assembly, "
        f"{int((~post).sum()):,} in none)"
    )
    lost = classes.dropped[["side", "reason"]].astype(str).value_counts(sort=False).reset_index()
    for side, reason, n in lost.itertuples(index=False, name=None):
        who = {
            "pre": "presynaptic cells",
            "post": "postsynaptic cells",
            "both": "cells, pre- and postsynaptic,",
            "membership": "cells of the table of assemblies",
        }[side]
        why = {"not among the cells": "that are not among the cells of the connectome"}
        notes.dropped.append(f"{n:,} {who} {why.get(reason, f'with {reason}')}")


def _positions(cells: pd.DataFrame, config: StructureConfig, notes: _Notes) -> pd.DataFrame | None:
    import pandas as pd

    names = config.position_columns
    if names is None:
        names = next((c for c in _POSITIONS if set(c) <= set(cells.columns)), None)
    if names is None:
        return None
    depth = config.depth_column or names[1]
    lost = [name for name in (*names, depth) if name not in cells.columns]
    if lost:
        raise MissingDataError(
            f"position_columns: the table of cells has no column {', '.join(lost)}; columns: "
            f"{', '.join(map(str, cells.columns)) or 'none'}"
        )
    values = cells[[*names, depth]].to_numpy(dtype=np.float64) * config.position_scale
    table = pd.DataFrame(values, index=cells.index, columns=["x", "y", "z", "depth"])
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        notes.dropped.append(f"{int(bad.sum()):,} cells without a position (only in maps)")
    notes.taken.append(
        f"Positions: {', '.join(names)}, depth {depth}, times {config.position_scale:g} to µm"
    )
    return table


def coupling_table(coupling: Any, ids: AnyArray) -> AnyArray:
    """Coupling of cells in the order of `ids`, from a square table with ids as its labels."""
    import pandas as pd

    if isinstance(coupling, (str, Path)):
        coupling = pd.read_csv(coupling, index_col=0)
    if isinstance(coupling, Mapping):
        coupling = pd.DataFrame(coupling)
    if not isinstance(coupling, pd.DataFrame):
        raise InvalidArgumentError(
            "coupling must be a square table with cell ids as its first column and header"
        )
    # Headers of a csv are text even where the ids are numbers.
    labels = {str(name): k for k, name in enumerate(coupling.columns)}
    rows = {str(name): k for k, name in enumerate(coupling.index)}
    lost = [str(i) for i in ids if str(i) not in labels or str(i) not in rows]
    if lost:
        raise InvalidArgumentError(
            f"coupling has no row and column for {len(lost)} of {len(ids)} cells: {lost[:5]}"
        )
    at_rows = [rows[str(i)] for i in ids]
    at_columns = [labels[str(i)] for i in ids]
    values: AnyArray = coupling.to_numpy(dtype=np.float64)[np.ix_(at_rows, at_columns)]
    return values
