"""Which network does a connectome make? Types of cells become populations, contacts pathways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import IntArray, one_of
from cofire.connectome import Connectome
from cofire.errors import InvalidArgumentError, InvalidTypeError, MissingDataError
from cofire.nn.elements import Pathway, Population

if TYPE_CHECKING:
    import scipy.sparse

Options = Mapping[str, Any]


def elements_of(
    connectome: Connectome,
    by: str,
    *,
    order: Sequence[str] | None,
    signs: Mapping[str, int] | str | None,
    weights: str,
    normalize: str,
    populations: Mapping[str, Options] | None,
    pathways: Mapping[tuple[str, str], Options | None] | None,
) -> tuple[list[Population], list[Pathway]]:
    """Populations and pathways; see :meth:`cofire.nn.NetworkPlan.from_connectome`."""
    one_of(weights, "weights", ("count", "psd"))
    one_of(normalize, "normalize", ("max", "input", "none"))
    cells = _cells_by_type(connectome, by, order)
    sign_of = _signs(connectome, cells, signs)
    changed_cells, changed = dict(populations or {}), dict(pathways or {})
    _check_names(list(changed_cells), "populations", cells)
    _check_names([t for pair in changed for t in _pair(pair)], "pathways", cells)
    made = [Population(t, len(at), **changed_cells.get(t, {})) for t, at in cells.items()]
    synapses = connectome.count if weights == "count" else connectome.psd
    found = []
    for i, pre in enumerate(made):
        for j, post in enumerate(made):
            options = changed.get((pre.name, post.name), {})
            block = synapses[cells[pre.name]][:, cells[post.name]]
            if options is None or not block.nnz:
                continue
            scaled = _normalized(block, normalize)
            base = _defaults(pre, post, sign_of[pre.name], earlier=i < j)
            found.append(_pathway(pre, post, scaled, base, options))
    return made, found


def _cells_by_type(
    connectome: Connectome, by: str, order: Sequence[str] | None
) -> dict[str, IntArray]:
    """Positions of the cells of each type, types in the order of update."""
    if not isinstance(connectome, Connectome):
        raise InvalidTypeError(f"connectome must be a Connectome, got {type(connectome).__name__}")
    if not connectome.is_square:
        raise InvalidArgumentError(
            "a network needs the same cells as rows and columns of the connectome; "
            "connectome.subset(ids) has them"
        )
    if by not in connectome.cells.columns:
        raise MissingDataError(
            f"the cells have no column {by!r}; columns: "
            f"{', '.join(map(str, connectome.cells.columns)) or 'none'}. from_synapses takes a "
            "table of them: cells=..."
        )
    column = connectome.cells[by]
    lacking = column.index[column.isna()]
    if order is None and len(lacking):
        raise MissingDataError(
            f"{len(lacking)} cells have no {by}, for example {lacking[:3].tolist()}; give them "
            "one, or list in order the types to take"
        )
    labels = [None if gone else str(x) for x, gone in zip(column, column.isna(), strict=True)]
    if isinstance(order, str):
        raise InvalidTypeError(f"order must be a list of types, got {order!r}")
    known = list(dict.fromkeys(label for label in labels if label is not None))
    types = known if order is None else [str(t) for t in order]
    texts = np.array(labels, dtype=object)
    cells: dict[str, IntArray] = {t: np.flatnonzero(texts == t) for t in types}
    empty = [t for t, at in cells.items() if not len(at)]
    if empty:
        raise InvalidArgumentError(
            f"order names {', '.join(empty)}, of which there are no cells; the types are "
            f"{', '.join(known) or 'none'}"
        )
    return cells


def _signs(
    connectome: Connectome, cells: Mapping[str, IntArray], signs: Mapping[str, int] | str | None
) -> dict[str, int]:
    """Sign of the synapses that each type makes."""
    if not isinstance(signs, str):
        given = dict(signs or {})
        _check_names(list(given), "signs", cells)
        return {t: given.get(t, 1) for t in cells}
    if signs not in connectome.cells.columns:
        raise MissingDataError(
            f"the cells have no column {signs!r}, from which the signs should be taken"
        )
    column = connectome.cells[signs].to_numpy()
    found = {}
    for cell_type, at in cells.items():
        values = set(column[at].tolist())
        if len(values) != 1 or not values <= {1, -1}:
            raise InvalidArgumentError(
                f"cells of one type need one sign, 1 or -1; {cell_type!r} has "
                f"{', '.join(sorted(map(str, values)))} in column {signs!r}. Split the type, or "
                "pass signs as a mapping"
            )
        found[cell_type] = int(values.pop())
    return found


def _normalized(block: scipy.sparse.csr_array, normalize: str) -> scipy.sparse.csr_array:
    values: scipy.sparse.csr_array = block.astype(np.float64)
    if normalize == "max":
        values = values / values.max()
    elif normalize == "input":
        total = np.asarray(values.sum(axis=0))
        values = values.multiply(1.0 / np.where(total > 0, total, 1.0)).tocsr()
    return values


def _defaults(pre: Population, post: Population, sign: int, *, earlier: bool) -> dict[str, Any]:
    """Options of a pathway that nobody described."""
    if not post.spikes:
        return {"kind": "rate"}
    if not pre.spikes:
        return {"kind": "divisive"}
    return {
        "kind": "synapse",
        "sign": sign,
        "timing": "current" if earlier else "previous",
        "depression": False,
    }


def _pathway(
    pre: Population, post: Population, weights: Any, base: dict[str, Any], options: Options
) -> Pathway:
    name = f"{pre.name}->{post.name}"
    if options.get("kind", base["kind"]) != base["kind"]:
        base = {}
    chosen = {**base, **options}
    if chosen.get("kind") == "synapse" and "strength" not in chosen:
        tau_syn = float(chosen.get("tau_syn", Pathway.tau_syn))
        chosen["strength"] = _volley_strength(post, weights, tau_syn)
    return Pathway(name, pre.name, post.name, weights, **chosen)


def _volley_strength(post: Population, weights: Any, tau_syn: float) -> float:
    """Strength (A) at which a volley of half its inputs brings the average neuron to threshold."""
    total = np.asarray(weights.sum(axis=0))
    half = 0.5 * float(total[total > 0].mean())
    rise = float(np.mean(post.v_th)) - post.v_rest
    return max(rise, 1e-3) / (post.resistance * half * _peak(float(np.mean(post.tau_m)), tau_syn))


def _peak(tau_m: float, tau_syn: float) -> float:
    """Largest response of a membrane to ``exp(-t / tau_syn)``, in units of the steady one."""
    if np.isclose(tau_m, tau_syn):
        return float(np.exp(-1.0))
    ratio = tau_m / tau_syn
    return float(ratio ** (ratio / (1.0 - ratio)))


def _pair(pair: Any) -> tuple[str, str]:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise InvalidTypeError(f"pathways must be named by (pre, post), got {pair!r}")
    return pair


def _check_names(names: list[str], argument: str, cells: Mapping[str, IntArray]) -> None:
    unknown = [name for name in names if name not in cells]
    if unknown:
        raise InvalidArgumentError(
            f"{argument} names {', '.join(map(str, unknown))}; the types in the network are "
            f"{', '.join(cells)}"
        )
