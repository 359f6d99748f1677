"""Is it the assembly, or that its cells lie close to each other?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, integer
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.structure import _battery
from cofire.structure._logistic import logistic
from cofire.structure._wiring import check_classes, check_connectome
from cofire.structure.centrality import IN_ASSEMBLY, IN_NONE
from cofire.structure.classes import PairClasses
from cofire.structure.monosynaptic import direct_links

if TYPE_CHECKING:
    import pandas as pd

    from cofire.connectome import Connectome

AXES = ("x", "y", "z")
_COLUMNS = ("pt_position_{}_trafo", "pt_position_{}", "{}")


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class DistanceControl:
    """Position as a rival explanation.

    Attributes
    ----------
    centroid : ndarray (3,) float64
    axes : DataFrame
        Published control, a row an axis: rank sum of |position - centroid| of cells in no assembly
        against cells of assemblies, with the columns of :attr:`ClassConnections.tests`.
    distances : DataFrame
        Extension of cofire. A row a class: ``class``, ``n``, ``mean``, ``median`` distance between
        the cell bodies of potential pairs.
    logistic : DataFrame
        Extension of cofire. Log odds of a connection on class and distance: ``term``,
        ``coefficient``, ``standard_error``, ``z``, ``p``, ``odds_ratio``, ``low``, ``high``. Terms
        are the classes against the second class of the contrast, and distance in standard
        deviations. p of classes from the model; pairs of one cell are not independent, for which
        :func:`permutation_null` allows.
    matched : DataFrame
        Extension of cofire. Chi-squared of connection among pairs of the two classes matched by
        distance, with the columns of :attr:`ClassConnections.tests`.
    n_matched, n_unmatched : int
        Pairs of the first class with a partner of about the same distance, and without one.
    """

    centroid: FloatArray
    axes: pd.DataFrame
    distances: pd.DataFrame
    logistic: pd.DataFrame
    matched: pd.DataFrame
    n_matched: int
    n_unmatched: int

    def to_frame(self) -> pd.DataFrame:
        """All tests: those of the axes, then that of matched pairs."""
        import pandas as pd

        pieces = [table for table in (self.axes, self.matched) if len(table)]
        return pd.concat(pieces, ignore_index=True)

    def __repr__(self) -> str:
        p = ", ".join(
            f"{q} p = {v:.3g}" for q, v in zip(self.axes.quantity, self.axes.p, strict=True)
        )
        return f"DistanceControl({p}; {self.n_matched} pairs matched)"


def distance_control(
    classes: PairClasses,
    positions: Any,
    *,
    connectome: Connectome | None = None,
    reference: Any = None,
    columns: tuple[str, str, str] | None = None,
    contrast: tuple[str, str] = ("shared", "disjoint"),
    n_bins: int = 20,
    alternative: str = "two-sided",
    ranks: str = "uncorrected",
    adjust: str = "none",
    confidence: float = 0.95,
    rng: int = 0,
) -> DistanceControl:
    """Compare where cells of assemblies and of none lie, and control connections for distance.

    Parameters
    ----------
    classes : PairClasses
    positions : DataFrame, mapping of id to (x, y, z), or Connectome
        Position of every cell of `classes`: a table of cells with three columns of coordinates, as
        :attr:`Connectome.cells`.
    connectome : Connectome, optional
        For the extension: connections on distance. Without it only the published control by axis.
    reference : array_like of ids or mask over the rows of `positions`, optional
        Cells whose mean is the centroid, for example all proofread ones. Default all cells of
        `positions`.
    columns : (str, str, str), optional
        Coordinates. Default the first there are of ``pt_position_x_trafo`` (...), ``pt_position_x``
        and ``x``.
    contrast : (str, str)
        Classes of the extension.
    n_bins : int
        Quantile bins of distance within which pairs are matched.
    alternative, ranks, adjust, confidence
        Of the tests by axis, as for :func:`monosynaptic`; the first sample are cells in no
        assembly.
    rng : int
        Seed of the matching.

    Returns
    -------
    DistanceControl

    Raises
    ------
    MissingDataError
        No such coordinates, or a cell without a position.
    InvalidArgumentError
        A position that is not finite.

    Notes
    -----
    Matching and regression are an extension of cofire: there is no published control by the
    distance between cell bodies. In every bin of distance as many pairs of the second class are
    drawn at random, without replacement, as there are pairs of the first, or the reverse where
    there are fewer.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900; Rubin 1973, doi:10.2307/2529684

    Examples
    --------
    >>> from cofire.structure import distance_control, pair_classes
    >>> classes = pair_classes({1: "1", 2: "1", 3: "", 4: ""}, [1, 2, 3, 4])
    >>> where = {1: (0, 0, 0), 2: (1, 0, 0), 3: (5, 0, 0), 4: (-4, 0, 0)}
    >>> control = distance_control(classes, where)
    >>> control.axes[["quantity", "n1", "n2"]].values.tolist()[0]
    ['|x - centroid|', 2, 2]
    """
    check_classes(classes)
    options = _battery.checked((contrast,), alternative, ranks, adjust, confidence)
    n_bins = integer(n_bins, "n_bins", 1)
    table = _positions(positions, columns)
    centroid = _reference(table, reference).mean(axis=0)
    xyz = _of_cells(table, classes.cell_ids)
    axes = _axis_tests(classes, np.abs(xyz - centroid), options)
    far = _between(xyz[classes.pre], xyz[classes.post])
    distances = _class_distances(classes, far)
    extension = (_no_logistic(), _battery.frame([], "none"), 0, 0)
    if connectome is not None:
        check_connectome(connectome)
        extension = _control(connectome, classes, far, options, n_bins, integer(rng, "rng", 0))
    return DistanceControl(centroid, axes, distances, *extension)


def _axis_tests(classes: PairClasses, away: FloatArray, options: _battery.Options) -> pd.DataFrame:
    some = classes.in_assembly
    records = [
        _battery.rank_sum_record(
            f"|{axis} - centroid|", (IN_NONE, IN_ASSEMBLY), away[~some, k], away[some, k], options
        )
        for k, axis in enumerate(AXES)
    ]
    return _battery.frame(records, options.adjust)


def _class_distances(classes: PairClasses, far: FloatArray) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name in classes.counts:
        values = far[classes.mask(name)]
        some = len(values) > 0
        rows.append(
            {
                "class": name,
                "n": len(values),
                "mean": float(values.mean()) if some else np.nan,
                "median": float(np.median(values)) if some else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _control(
    connectome: Any,
    classes: PairClasses,
    far: FloatArray,
    options: _battery.Options,
    n_bins: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, int, int]:
    links = direct_links(connectome, classes)
    connected = np.zeros(classes.codes.shape, dtype=bool)
    connected[links.rows, links.columns] = True
    (pair,) = options.contrasts
    first, second = (classes.mask(name) for name in pair)
    if (first & second).any():
        raise InvalidArgumentError(f"contrast {pair} must name classes without a common pair")
    table = _logistic_table(connected, far, first, second, pair, options.confidence)
    a, b, lost = match_by_distance(far[first], far[second], n_bins, seed)
    counts = [[int(y.sum()), int((~y).sum())] for y in (connected[first][a], connected[second][b])]
    record = _battery.chi_squared_record("B at matched distance", pair, counts, options.confidence)
    return table, _battery.frame([record], "none"), len(a), lost


def match_by_distance(
    a: FloatArray, b: FloatArray, n_bins: int, seed: int
) -> tuple[AnyArray, AnyArray, int]:
    """Positions in two samples of as many values each in every bin of the pooled values.

    Returns
    -------
    tuple
        Positions in `a`, positions in `b`, number of values of `a` left out.
    """
    generator = np.random.default_rng(seed)
    if not len(a) or not len(b):
        none = np.zeros(0, dtype=np.int64)
        return none, none, len(a)
    edges = np.quantile(np.concatenate([a, b]), np.linspace(0, 1, n_bins + 1)[1:-1])
    bin_a, bin_b = np.searchsorted(edges, a), np.searchsorted(edges, b)
    chosen: tuple[list[AnyArray], list[AnyArray]] = ([], [])
    for k in range(n_bins):
        here = [np.flatnonzero(bins == k) for bins in (bin_a, bin_b)]
        n = min(len(here[0]), len(here[1]))
        for side, at in zip(chosen, here, strict=True):
            side.append(np.sort(generator.permutation(at)[:n]))
    of_a, of_b = np.concatenate(chosen[0]), np.concatenate(chosen[1])
    return of_a, of_b, len(a) - len(of_a)


def _logistic_table(
    connected: BoolArray,
    far: FloatArray,
    first: BoolArray,
    second: BoolArray,
    pair: tuple[str, str],
    confidence: float,
) -> pd.DataFrame:
    both = first | second
    y = connected[both].astype(np.float64)
    if not len(y) or y.min() == y.max():
        return _no_logistic()
    distance = far[both]
    sd = distance.std()
    scaled = (distance - distance.mean()) / (sd if sd > 0 else 1.0)
    columns = {"intercept": np.ones(len(y)), f"{pair[0]} against {pair[1]}": first[both] * 1.0}
    if sd > 0:
        columns["distance (sd)"] = scaled
    return logistic(np.stack(list(columns.values()), axis=1), y, list(columns), confidence)


def _no_logistic() -> pd.DataFrame:
    return logistic(np.zeros((0, 0)), np.zeros(0), [], 0.95)


def _between(a: FloatArray, b: FloatArray) -> FloatArray:
    from scipy.spatial.distance import cdist

    out: FloatArray = cdist(a, b)
    return out


def _positions(positions: Any, columns: tuple[str, str, str] | None) -> pd.DataFrame:
    """Coordinates of cells, indexed by id."""
    import pandas as pd

    from cofire.connectome._cells import read_cells

    if hasattr(positions, "cells") and hasattr(positions, "row_ids"):
        frame = positions.cells
    elif isinstance(positions, dict) and not {"x", "pt_position_x"} & set(positions):
        index = list(positions)
        frame = pd.DataFrame([list(positions[i]) for i in index], index=index, columns=list(AXES))
    else:
        frame = read_cells(positions, None)
    if columns is None:
        usual = [[form.format(axis) for axis in AXES] for form in _COLUMNS]
        names = next((names for names in usual if set(names) <= set(frame.columns)), None)
        if names is None:
            raise MissingDataError(
                "positions has no columns x, y, z (nor pt_position_x, ...); name them: "
                f"columns=(...); columns: {', '.join(map(str, frame.columns)) or 'none'}"
            )
    else:
        names = list(columns)
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise MissingDataError(
            f"positions has no column {', '.join(map(repr, missing))} (columns); columns: "
            f"{', '.join(map(str, frame.columns)) or 'none'}"
        )
    out: pd.DataFrame = frame[names].astype(np.float64)
    return out


def _reference(table: pd.DataFrame, reference: Any) -> FloatArray:
    if reference is None:
        chosen = table
    else:
        values = np.asarray(reference)
        if values.dtype.kind == "b":
            if len(values) != len(table):
                raise InvalidArgumentError(
                    f"reference must have a truth value for each of {len(table)} rows of "
                    f"positions, got {len(values)}"
                )
            chosen = table[values]
        else:
            return _of_cells(table, values)
    if not len(chosen):
        raise InvalidArgumentError("reference names no cell")
    return np.asarray(chosen, dtype=np.float64)


def _of_cells(table: pd.DataFrame, ids: AnyArray) -> FloatArray:
    import pandas as pd

    at = table.index.get_indexer(pd.Index(ids))
    if (at < 0).any():
        lost = ids[at < 0]
        raise MissingDataError(
            f"positions has no row for {len(lost)} of {len(ids)} cells: {lost[:5].tolist()}"
        )
    xyz = table.to_numpy(dtype=np.float64)[at]
    bad = ~np.isfinite(xyz).all(axis=1)
    if bad.any():
        raise InvalidArgumentError(
            f"positions of {int(bad.sum())} cells are not finite: {ids[bad][:5].tolist()}"
        )
    return xyz
