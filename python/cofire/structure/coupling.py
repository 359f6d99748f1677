"""Does the wiring say which cells fire together?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer, one_of
from cofire.connectome._ids import unique_ids
from cofire.errors import InvalidArgumentError, JoinError, MissingDataError
from cofire.graph._blocks import iterate_blocks
from cofire.stats import adjust as adjust_p
from cofire.stats.surrogates import seed_of
from cofire.structure._predictors import PREDICTORS, predictor_matrices
from cofire.structure._wiring import check_connectome, positions
from cofire.structure.agreement import CommunityAgreement, community_agreement
from cofire.structure.classes import PairClasses
from cofire.structure.nulls import null_p

if TYPE_CHECKING:
    import pandas as pd

    from cofire.connectome import Connectome

_BLOCK = 16


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class CouplingModel:
    """Coupling of pairs of cells, regressed on the wiring.

    Attributes
    ----------
    coefficients : DataFrame
        A row a predictor: ``predictor``, ``coefficient`` (standard deviations of coupling per
        standard deviation of the predictor, the others kept), ``t``, ``p`` (node permutations,
        two-sided), ``p_adjusted``, ``alone`` (correlation with coupling by itself),
        ``r2_without`` (of the model without it).
    r2 : float
        Share of the variance of coupling that the model explains in the pairs it was fitted to.
    r2_null : ndarray (n_null,) float64
        The same with the cells of the coupling exchanged.
    p : float
        Of r2 against its null.
    r2_held_out : float
        Of pairs among cells that the model has not seen; below 0 where it predicts worse than the
        mean. NaN where folds are too small.
    n_cells, n_pairs : int
    dropped : DataFrame
        Cells left out: ``cell_id``, ``reason``.
    agreement : CommunityAgreement or None
        Of communities of the connectome with assemblies, where classes were given.
    """

    coefficients: pd.DataFrame
    r2: float
    r2_null: FloatArray
    p: float
    r2_held_out: float
    n_cells: int
    n_pairs: int
    dropped: pd.DataFrame
    agreement: CommunityAgreement | None

    def to_frame(self) -> pd.DataFrame:
        """The coefficients with the fit of the model beside them."""
        return self.coefficients.assign(
            r2=self.r2, model_p=self.p, r2_held_out=self.r2_held_out, n_pairs=self.n_pairs
        )

    def __repr__(self) -> str:
        return (
            f"CouplingModel({self.n_cells} cells, {self.n_pairs} pairs, "
            f"{len(self.coefficients)} predictors: R2 {self.r2:.3f} (p = {self.p:.3g}), held out "
            f"{self.r2_held_out:.3f})"
        )


def explain_coupling(
    connectome: Connectome,
    coupling: Any,
    *,
    ids: Any = None,
    predictors: Sequence[str] | None = None,
    positions: Any = None,
    sign_column: str | None = None,
    classes: PairClasses | None = None,
    n_null: int = 1000,
    n_folds: int = 5,
    adjust: str = "none",
    rng: int | np.random.Generator = 0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CouplingModel:
    """Regress the coupling of each pair of cells on what the connectome says about the pair.

    Predictors of the pair {i, j}, all of both directions together:

    ==================  =====================================================================
    direct              size of the synapses between them (their number where sizes are unknown)
    excitatory_chains   sum over excitatory k of w(i, k) w(k, j), and back
    inhibitory_chains   the same over inhibitory k
    communicability     weighted and normalized, :func:`cofire.graph.communicability`
    common_input        sum over k of w(k, i) w(k, j)
    distance            between the cell bodies
    ==================  =====================================================================

    Every predictor but distance is ``log(1 + x / mean of x that are not 0)``; then all of them and
    the coupling are standardized.

    Parameters
    ----------
    connectome : Connectome
        Square.
    coupling : array_like (n, n) or DataFrame
        Symmetric: spike time tiling coefficient, correlation, ... of every pair. The diagonal does
        not count. A DataFrame is labelled by ids. Cells whose coupling is NaN are left out.
    ids : array_like (n,), optional
        Ids of the rows of `coupling`. Default those of the DataFrame, else the rows of the
        connectome in their order.
    predictors : sequence of str, optional
        Default all that the connectome can tell (signs of cells, positions).
    positions : DataFrame, mapping of id to (x, y, z), optional
        As for :func:`distance_control`. Default the cells of the connectome.
    sign_column : str, optional
        As for :func:`chains`.
    classes : PairClasses, optional
        For :attr:`CouplingModel.agreement`.
    n_null : int
        Node permutations.
    n_folds : int, >= 2
        Groups of cells of the cross validation: the model is fitted to pairs of cells outside a
        group, and predicts pairs within it.
    adjust : {"none", "holm", "bonferroni", "benjamini_hochberg"}
        Of p over predictors.
    rng : int or Generator
    threads : int, optional
        The result does not depend on it.
    progress : callable (done, total), optional
        Of the permutations.

    Returns
    -------
    CouplingModel

    Raises
    ------
    InvalidArgumentError
        A coupling that is not symmetric, fewer than four cells, predictors that are linear
        combinations of each other.
    JoinError
        Cells of `coupling` that the connectome does not have.
    MissingDataError
        Predictors that were asked for and cannot be told.

    Notes
    -----
    Pairs of one cell are not independent, so p does not come from t: the coupling's cells are
    exchanged for R2, and for each coefficient the part of its predictor that the others do not
    explain is (double semi-partialing), with t as statistic.

    References
    ----------
    Krackhardt 1988, doi:10.1016/0378-8733(88)90004-4; Dekker, Krackhardt & Snijders 2007,
    doi:10.1007/s11336-007-9016-1

    Examples
    --------
    >>> import cofire as cf
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> matrix = (rng.random((30, 30)) < 0.2) * (1 - np.eye(30, dtype=int))
    >>> wiring = cf.Connectome.from_matrix(matrix)
    >>> coupling = 0.3 * (matrix + matrix.T) + rng.normal(0, 0.02, (30, 30))
    >>> model = cf.structure.explain_coupling(
    ...     wiring, (coupling + coupling.T) / 2, predictors=["direct"], n_null=100
    ... )
    >>> model.r2 > 0.9, model.r2_held_out > 0.9, bool(model.p < 0.05)
    (True, True, True)
    """
    check_connectome(connectome)
    if not connectome.is_square:
        raise InvalidArgumentError(
            f"connectome must have the same cells as rows and columns, got {connectome!r}; take "
            "subset(ids)"
        )
    n_null, n_folds = integer(n_null, "n_null", 0), integer(n_folds, "n_folds", 2)
    values, cells, dropped = _coupling(connectome, coupling, ids)
    names, xyz = _chosen(connectome, predictors, positions, cells, sign_column)
    matrices = predictor_matrices(connectome, cells, names, xyz, sign_column)
    model = _Model(values, matrices)
    seed = seed_of(rng)
    observed, r2 = model.fit()
    null_t, null_r2 = _permuted(model, n_null, seed, threads, progress)
    p = np.array(
        [null_p(abs(t), np.abs(n), "greater") for t, n in zip(observed["t"], null_t.T, strict=True)]
    )
    import pandas as pd

    table = pd.DataFrame({"predictor": names, **observed})
    table.insert(3, "p", p)
    table.insert(4, "p_adjusted", adjust_p(p, adjust))
    found = None
    if classes is not None:
        found = community_agreement(connectome, classes, n_null=n_null, rng=seed, threads=threads)
    return CouplingModel(
        coefficients=table,
        r2=r2,
        r2_null=null_r2,
        p=null_p(r2, null_r2, "greater"),
        r2_held_out=held_out_r2(values, matrices, n_folds, seed),
        n_cells=len(cells),
        n_pairs=len(model.y),
        dropped=dropped,
        agreement=found,
    )


class _Model:
    """Least squares of the upper triangle of a matrix on those of others, all standardized."""

    def __init__(self, values: FloatArray, matrices: dict[str, FloatArray]) -> None:
        self.n = len(values)
        self.upper = np.triu_indices(self.n, 1)
        self.values = values
        self.y = _standard(values[self.upper], "coupling")
        columns = [_standard(m[self.upper], f"predictor {k!r}") for k, m in matrices.items()]
        self.x = np.stack(columns, axis=1)
        if np.linalg.matrix_rank(self.x) < self.x.shape[1]:
            raise InvalidArgumentError(
                f"predictors {', '.join(matrices)} are linear combinations of each other; leave "
                "one out"
            )
        self.inverse = np.linalg.pinv(self.x).astype(np.float64)
        # The part of each predictor that the others do not explain, as a matrix whose rows and
        # columns can be exchanged together.
        self.parts = []
        for k in range(self.x.shape[1]):
            part = np.zeros_like(values)
            part[self.upper] = _residual(self.x[:, k], np.delete(self.x, k, axis=1))
            self.parts.append(part + part.T)
        self.others = [
            np.linalg.qr(np.delete(self.x, k, axis=1))[0] for k in range(self.x.shape[1])
        ]

    def fit(self) -> tuple[dict[str, FloatArray], float]:
        """Coefficients and their statistics, and R2."""
        beta = self.inverse @ self.y
        r2 = self.r2(self.y)
        alone = self.x.T @ self.y / len(self.y)
        t = np.empty(len(beta))
        without = np.empty(len(beta))
        for k in range(len(beta)):
            t[k] = self.t(k, self.parts[k][self.upper])
            without[k] = float(((self.others[k].T @ self.y) ** 2).sum() / (self.y @ self.y))
        found = {"coefficient": beta, "t": t, "alone": alone, "r2_without": without}
        return found, r2

    def r2(self, y: FloatArray) -> float:
        """R2 of standardized values in the order of the pairs."""
        rest = y - self.x @ (self.inverse @ y)
        return float(1 - rest @ rest / (y @ y))

    def t(self, k: int, part: FloatArray) -> float:
        """Give t of predictor k when its own part is replaced by another one."""
        q = self.others[k]
        z = part - q @ (q.T @ part)
        z = z - z.mean()
        rest = self.y - q @ (q.T @ self.y)
        square = z @ z
        if square <= 0:
            return 0.0
        beta = z @ rest / square
        left = rest - beta * z
        freedom = max(len(self.y) - self.x.shape[1] - 1, 1)
        error = np.sqrt(max(left @ left, 1e-300) / freedom / square)
        return float(beta / error)


def _permuted(
    model: _Model,
    n_null: int,
    seed: int,
    threads: int | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[FloatArray, FloatArray]:
    k = model.x.shape[1]

    def of_block(start: int, stop: int) -> FloatArray:
        out = np.empty((stop - start, k + 1))
        for row, number in enumerate(range(start, stop)):
            generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, number]))
            order = generator.permutation(model.n)
            moved = order[model.upper[0]], order[model.upper[1]]
            for column in range(k):
                out[row, column] = model.t(column, model.parts[column][moved])
            y = model.values[moved]
            out[row, k] = model.r2((y - y.mean()) / y.std())
        return out

    parts = []
    for part in iterate_blocks(of_block, n_null, _BLOCK, threads):
        parts.append(part)
        if progress is not None:
            progress(min(len(parts) * _BLOCK, n_null), n_null)
    null = np.concatenate(parts) if parts else np.empty((0, k + 1))
    return null[:, :k], np.ascontiguousarray(null[:, k])


def held_out_r2(
    values: FloatArray, matrices: dict[str, FloatArray], n_folds: int, seed: int
) -> float:
    """R2 of pairs within groups of cells, predicted from pairs outside of them.

    1 - squared errors / squared deviations from the mean of the pairs fitted to, over all groups.
    """
    n = len(values)
    fold = np.empty(n, dtype=np.int64)
    fold[np.random.default_rng(seed).permutation(n)] = np.arange(n) % n_folds
    i, j = np.triu_indices(n, 1)
    x = np.stack([m[i, j] for m in matrices.values()], axis=1)
    y = values[i, j]
    errors = deviations = 0.0
    for k in range(n_folds):
        test = (fold[i] == k) & (fold[j] == k)
        train = (fold[i] != k) & (fold[j] != k)
        if not test.any() or train.sum() <= x.shape[1] + 1:
            continue
        mean, sd = x[train].mean(axis=0), x[train].std(axis=0)
        sd[sd == 0] = 1.0
        design = np.column_stack([np.ones(len(x)), (x - mean) / sd])
        beta = np.linalg.lstsq(design[train], y[train], rcond=None)[0]
        errors += float(((y[test] - design[test] @ beta) ** 2).sum())
        deviations += float(((y[test] - y[train].mean()) ** 2).sum())
    return 1 - errors / deviations if deviations > 0 else np.nan


def _coupling(
    connectome: Any, coupling: Any, ids: Any
) -> tuple[FloatArray, AnyArray, pd.DataFrame]:
    """Coupling without NaN, ids of its cells, and the cells left out."""
    import pandas as pd

    if isinstance(coupling, pd.DataFrame):
        if ids is None:
            ids = unique_ids(coupling.index, "index of coupling")
            columns = unique_ids(coupling.columns, "columns of coupling")
            if not np.array_equal(ids, columns):
                raise InvalidArgumentError("coupling must have the same ids as rows and columns")
        coupling = coupling.to_numpy()
    values = np.array(coupling, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise InvalidArgumentError(f"coupling must be square, got shape {values.shape}")
    cells = connectome.row_ids if ids is None else unique_ids(ids, "ids")
    if len(cells) != len(values):
        raise InvalidArgumentError(
            f"coupling has {len(values)} cells but there are {len(cells)} ids; pass ids=..."
        )
    positions(connectome.row_ids, cells, "row")
    np.fill_diagonal(values, 0.0)
    unequal = ~np.isclose(values, values.T, rtol=1e-9, atol=1e-12, equal_nan=True)
    if unequal.any():
        a, b = np.argwhere(unequal)[0]
        raise InvalidArgumentError(
            f"coupling must be symmetric: cells {cells[a]}, {cells[b]} have {values[a, b]:g} and "
            f"{values[b, a]:g}; pass (C + C.T) / 2"
        )
    keep = _without_nan(values)
    dropped = pd.DataFrame({"cell_id": cells[~keep], "reason": "coupling is not finite"})
    values, cells = values[np.ix_(keep, keep)], cells[keep]
    if len(cells) < 4:
        raise InvalidArgumentError(
            f"coupling must have at least four cells with values, got {len(cells)}"
        )
    return values, cells, dropped


def _without_nan(values: FloatArray) -> BoolArray:
    """Cells that remain when those with most missing values are left out one after the other."""
    bad = ~np.isfinite(values)
    keep = np.ones(len(values), dtype=bool)
    missing: IntArray = bad.sum(axis=1)
    while missing.max(initial=0) > 0:
        worst = int(np.argmax(missing))
        keep[worst] = False
        missing = missing - bad[:, worst]
        missing[~keep] = 0
    return keep


def _chosen(
    connectome: Any,
    predictors: Sequence[str] | None,
    where: Any,
    cells: AnyArray,
    sign_column: str | None,
) -> tuple[list[str], FloatArray | None]:
    from cofire.structure._wiring import sign_of_cells
    from cofire.structure.distance import _of_cells, _positions

    wanted = PREDICTORS if predictors is None else tuple(predictors)
    if isinstance(predictors, str):
        wanted = (predictors,)
    for name in wanted:
        one_of(name, "predictors", PREDICTORS)
    names, xyz = [], None
    for name in dict.fromkeys(wanted):
        try:
            if name.endswith("_chains"):
                if not sign_of_cells(connectome, name.split("_")[0], sign_column).any():
                    continue
            elif name == "distance":
                table = _positions(connectome if where is None else where, None)
                xyz = _of_cells(table, cells)
        except (MissingDataError, JoinError):
            if predictors is not None or (name == "distance" and where is not None):
                raise
            continue
        names.append(name)
    if not names:
        raise InvalidArgumentError("predictors must name at least one")
    return names, xyz


def _standard(values: FloatArray, what: str) -> FloatArray:
    sd = values.std()
    if not sd > 0:
        raise InvalidArgumentError(f"{what} is the same for all pairs; leave it out")
    out: FloatArray = (values - values.mean()) / sd
    return out


def _residual(y: FloatArray, x: FloatArray) -> FloatArray:
    if not x.shape[1]:
        return y
    q = np.linalg.qr(x)[0]
    out: FloatArray = y - q @ (q.T @ y)
    return out
