"""Steps of the study that join several functions of :mod:`cofire.structure` into one result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, integer
from cofire.errors import MissingDataError
from cofire.stats import chi_squared
from cofire.stats.contingency import ContingencyTest
from cofire.structure import (
    ClassConnections,
    PairClasses,
    TailMixture,
    monosynaptic,
    tail_mixture,
    tail_test,
)

if TYPE_CHECKING:
    import pandas as pd

    from cofire.connectome import Connectome

GROUPS = ("assembly", "no_assembly")


@dataclass(frozen=True, slots=True, eq=False)
class TailAnalysis:
    """Which classes hold the largest connections.

    Attributes
    ----------
    mixture : TailMixture
        Of log10 of the sizes of all five classes.
    counts : DataFrame
        ``class``, ``n_tail``, ``n`` (connected pairs) of the two classes that are compared.
    test : ContingencyTest
        Goodness of fit of the counts in the tail to the proportions of all connected pairs.
    """

    mixture: TailMixture
    counts: pd.DataFrame
    test: ContingencyTest


def tail_analysis(
    result: ClassConnections,
    *,
    boundary: str = "equal_posterior",
    contrast: tuple[str, str] = ("shared", "disjoint"),
    rng: int = 747,
) -> TailAnalysis:
    """Split the sizes of connections in two and count the large ones by class.

    Parameters
    ----------
    result : ClassConnections
        With sizes.
    boundary : {"equal_posterior", "published"}
    contrast : (str, str)
    rng : int
        Seed of the mixture.

    Returns
    -------
    TailAnalysis
    """
    import pandas as pd

    if not result.has_sizes:
        raise MissingDataError("the tail needs sizes of synapses; the connectome has none")
    mixture = tail_mixture(result, boundary=boundary, rng=rng)
    rows = []
    for name in contrast:
        sizes = result.pairs.loc[result.pairs["class"] == name, "value"].to_numpy()
        n_tail = int((np.log10(sizes) >= mixture.boundary).sum())
        rows.append({"class": name, "n_tail": n_tail, "n": len(sizes)})
    test = tail_test(result, mixture, contrast=contrast)
    return TailAnalysis(mixture, pd.DataFrame(rows), test)


def distance_curve(
    result: ClassConnections,
    positions: pd.DataFrame,
    *,
    classes: tuple[str, ...] = ("shared", "disjoint"),
    n_bins: int = 8,
) -> pd.DataFrame:
    """Share of connected pairs against the distance between the cell bodies.

    Parameters
    ----------
    result : ClassConnections
    positions : DataFrame
        ``x``, ``y``, ``z`` (µm) by id of the cell.
    classes : tuple of str
        Of the five basic ones.
    n_bins : int
        Bins with equal numbers of pairs of all `classes` together.

    Returns
    -------
    DataFrame
        ``class``, ``distance`` (µm, mean of the bin), ``low``, ``high``, ``n_pairs``,
        ``n_connected``.
    """
    import pandas as pd

    n_bins = integer(n_bins, "n_bins", 1)
    pairs = result.binary()
    pairs = pairs[pairs["class"].astype(str).isin(classes)]
    xyz = positions[["x", "y", "z"]]
    ends = [xyz.reindex(pairs[side]).to_numpy() for side in ("pre", "post")]
    far: FloatArray = np.sqrt(((ends[0] - ends[1]) ** 2).sum(axis=1))
    known = np.isfinite(far)
    far, pairs = far[known], pairs[known]
    columns = ["class", "distance", "low", "high", "n_pairs", "n_connected"]
    if not len(far):
        return pd.DataFrame(columns=columns)
    edges = np.unique(np.quantile(far, np.linspace(0, 1, n_bins + 1)))
    bins = np.clip(np.searchsorted(edges, far, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows = []
    for name in classes:
        own = (pairs["class"].astype(str) == name).to_numpy()
        for k in range(max(len(edges) - 1, 1)):
            inside = bins == k
            hits = own & inside
            rows.append(
                {
                    "class": name,
                    "distance": float(far[inside].mean()) if inside.any() else np.nan,
                    "low": float(edges[k]),
                    "high": float(edges[min(k + 1, len(edges) - 1)]),
                    "n_pairs": int(hits.sum()),
                    "n_connected": int(pairs["value"].to_numpy()[hits].sum()),
                }
            )
    return pd.DataFrame(rows, columns=columns)


def assembly_breakdown(
    connectome: Connectome, classes: PairClasses, *, confidence: float = 0.95, **options: Any
) -> pd.DataFrame:
    """Connections within each assembly against those to cells of other assemblies.

    Parameters
    ----------
    connectome : Connectome
    classes : PairClasses
    confidence : float
    **options
        Of :func:`cofire.structure.monosynaptic`.

    Returns
    -------
    DataFrame
        A row an assembly: ``assembly``, ``n_cells``, for the classes shared and disjoint
        ``n_...`` (pairs) and ``connected_...``, ``odds_ratio``, ``low``, ``high``, ``chi_squared``,
        ``p``; and where sizes are known ``size_z``, ``size_p`` (rank sum of the sizes).

    Notes
    -----
    Presynaptic cells are those of the assembly; pairs that share another assembly alone count in
    neither class. A cell in several assemblies counts in each: rows are not independent.
    """
    import pandas as pd

    rows = []
    for k, label in enumerate(classes.assemblies):
        own = classes.of_assembly(label)
        row: dict[str, Any] = {"assembly": label, "n_cells": int(classes.member[:, k].sum())}
        result = monosynaptic(
            connectome, own, contrasts=(("shared", "disjoint"),), confidence=confidence, **options
        )
        shares: dict[str, Any] = {str(r["class"]): r for r in result.shares.to_dict("records")}
        counts = []
        for name in ("shared", "disjoint"):
            total, hits = (int(shares[name][c]) for c in ("n_pairs", "n_connected"))
            row[f"n_{name}"], row[f"connected_{name}"] = total, hits
            counts.append([hits, total - hits])
        test = chi_squared(counts, confidence=confidence)
        row |= {"odds_ratio": test.odds_ratio, "low": test.interval[0], "high": test.interval[1]}
        row |= {"chi_squared": test.statistic, "p": test.p}
        if result.has_sizes:
            sizes = result.test("W", "rank_sum")
            row |= {"size_z": sizes["statistic"], "size_p": sizes["p"]}
        rows.append(row)
    return pd.DataFrame(rows)


@dataclass(frozen=True, slots=True, eq=False)
class ConnectivityMap:
    """Cells at their places and the strongest connections among them.

    Attributes
    ----------
    cells : DataFrame
        Indexed by id: ``x``, ``depth`` (µm), ``group`` ("assembly", "no_assembly", or missing).
    edges : DataFrame
        ``pre``, ``post``, ``size``: connections above the threshold.
    threshold : float
    n_edges : int
        All connections, above the threshold or not.
    among : str
        "all": edges are those of all cells; "grouped": only those among cells of a group, because
        they are too many to draw.
    """

    cells: pd.DataFrame
    edges: pd.DataFrame
    threshold: float
    n_edges: int
    among: str


def connectivity_map(
    connectome: Connectome,
    positions: pd.DataFrame,
    classes: PairClasses | None = None,
    *,
    threshold: float = 0.0,
    limit: int = 600,
) -> ConnectivityMap:
    """Cells and connections for the map.

    Parameters
    ----------
    connectome : Connectome
        Square.
    positions : DataFrame
        ``x``, ``depth`` (µm) by id.
    classes : PairClasses, optional
        Says which cells are in an assembly.
    threshold : float
        Connections of a larger size (or, without sizes, number of synapses) are drawn.
    limit : int
        Of more connections than that, only those among cells of a group are kept, and of those the
        largest.

    Returns
    -------
    ConnectivityMap
    """
    import pandas as pd

    ids = connectome.row_ids
    cells = positions[["x", "depth"]].reindex(ids)
    group = pd.Series([None] * len(ids), index=cells.index, dtype=object)
    if classes is not None:
        known = np.isin(classes.cell_ids, ids)
        names = np.where(classes.in_assembly[known], *GROUPS)
        group[classes.cell_ids[known]] = names
    cells = cells.assign(group=group).loc[np.isfinite(cells.to_numpy()).all(axis=1)]
    matrix = (connectome.psd if connectome.has_psd else connectome.count).tocoo()
    keep = (matrix.data > threshold) & (ids[matrix.row] != connectome.column_ids[matrix.col])
    edges = pd.DataFrame(
        {
            "pre": ids[matrix.row[keep]],
            "post": connectome.column_ids[matrix.col[keep]],
            "size": matrix.data[keep],
        }
    )
    among = "all"
    if len(edges) > limit and classes is not None:
        grouped = cells.index[cells["group"].notna()]
        edges = edges[edges["pre"].isin(grouped) & edges["post"].isin(grouped)]
        among = "grouped"
    edges = edges.nlargest(limit, "size").reset_index(drop=True)
    return ConnectivityMap(cells, edges, float(threshold), int(matrix.nnz), among)


CHAIN_MOTIFS: dict[str, tuple[tuple[tuple[int, int], ...], str]] = {
    "mutual": (((0, 1), (1, 0)), "two cells that synapse on each other"),
    "chain": (((0, 1), (1, 2)), "a, b, c in a row"),
    "loop of 3": (((0, 1), (1, 2), (2, 0)), "a, b, c in a circle"),
    "feed-forward": (((0, 1), (0, 2), (1, 2)), "a on b and c, b on c"),
    "chain of 4": (((0, 1), (1, 2), (2, 3)), "a, b, c, d in a row"),
    "bi-fan": (((0, 2), (0, 3), (1, 2), (1, 3)), "a and b both on c and d"),
}
"""Patterns whose cells are all in an assembly, counted against shuffled wiring."""
