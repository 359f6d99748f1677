"""What the connectome says about each pair of cells: the regressors of coupling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.errors import MissingDataError
from cofire.structure._two_paths import two_path_sums
from cofire.structure._wiring import middle_cells, positions

PREDICTORS = (
    "direct",
    "excitatory_chains",
    "inhibitory_chains",
    "communicability",
    "common_input",
    "distance",
)


def predictor_matrices(
    connectome: Any,
    ids: AnyArray,
    names: Sequence[str],
    xyz: FloatArray | None,
    sign_column: str | None,
) -> dict[str, FloatArray]:
    """Symmetric matrices (n, n) among the cells `ids`, one a predictor.

    Everything but distance is ``log(1 + x / mean of x that are not 0)`` of the sum of both
    directions: synapse sizes and products of them have heavy tails.
    """
    at = positions(connectome.row_ids, ids, "row")
    weights = connectome.psd if connectome.has_psd else connectome.count
    out: dict[str, FloatArray] = {}
    for name in names:
        if name == "distance":
            if xyz is None:
                raise MissingDataError(
                    "the predictor distance needs positions: columns x, y, z of connectome.cells "
                    "or positions=..."
                )
            out[name] = np.sqrt(((xyz[:, None] - xyz[None]) ** 2).sum(axis=2))
            continue
        if name == "direct":
            raw = weights[at][:, at].toarray().astype(np.float64)
            raw = raw + raw.T
        elif name in ("excitatory_chains", "inhibitory_chains"):
            raw = _chains(connectome, weights, ids, at, name.split("_")[0], sign_column)
        elif name == "communicability":
            from cofire import graph

            whole = graph.communicability(weights, directed=True, weighted=True, normalized=True)
            raw = np.asarray(whole, dtype=np.float64)[np.ix_(at, at)]
            raw = raw + raw.T
        else:  # common input: sum over senders k of w(k, i) w(k, j)
            onto = weights[:, at].tocsc()
            raw = np.asarray((onto.T @ onto).toarray(), dtype=np.float64)
        np.fill_diagonal(raw, 0.0)
        out[name] = compressed(raw)
    return out


def compressed(raw: FloatArray) -> FloatArray:
    """log(1 + x / mean of x that are not 0)."""
    some = raw[raw > 0]
    if not len(some):
        return np.zeros_like(raw)
    scaled: FloatArray = np.log1p(raw / some.mean())
    return scaled


def _chains(
    connectome: Any, weights: Any, ids: AnyArray, at: Any, sign: str, sign_column: str | None
) -> FloatArray:
    middle = middle_cells(connectome, sign, sign_column)
    through = positions(connectome.row_ids, middle, "row")
    first, second = weights[at][:, through].tocsr(), weights[through][:, at].tocsr()
    first, second = _without(first, ids, middle), _without(second, middle, ids)
    same = np.arange(len(at), dtype=np.int64)
    indptr, indices, _, weight = two_path_sums(first, second, same)
    raw = np.zeros((len(at), len(at)))
    raw[np.repeat(np.arange(len(at)), np.diff(indptr)), indices] = weight
    return raw + raw.T


def _without(matrix: Any, rows: AnyArray, columns: AnyArray) -> Any:
    from cofire.structure.chains import _without_self

    return _without_self(matrix, rows, columns)
