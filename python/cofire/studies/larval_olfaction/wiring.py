"""Which wirings are networks compared with? Count matrices whose rows and columns are permuted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cofire._validate import AnyArray
from cofire.nn import NetworkPlan
from cofire.nn.olfactory_wiring import LN_ORN_AS_USED

SINGLE = (
    "orn_to_pn_ad",
    "orn_to_ln_ad",
    "ln_to_pn_ad",
    "ln_to_ln_ad",
    "pn_to_ln_ad",
    "orn_to_ln_aa",
    "pn_to_kc_ad",
    "pn_to_kc_aa",
    "kc_to_kc_aa",
    "kc_to_kc_ad",
    "kc_to_kc_dd",
    "kc_to_kc_da",
    "kc_to_apl_ad",
    "kc_to_apl_da",
    "apl_to_kc_ad",
)
"""Matrices that networks take as they are."""

SUMMED = ("ln_to_pn", "ln_to_ln", "pn_to_ln", "ln_to_orn")
"""Pairs of populations whose types aa, da and dd networks take as one matrix."""

_GRADED = ("kc_to_kc_dd", "kc_to_kc_da", "kc_to_apl_ad", "kc_to_apl_da", "apl_to_kc_ad")
_TYPES = ("aa", "da", "dd")
_SEED = 1000


def shuffled_counts(
    counts: Mapping[str, AnyArray], seed: int, *, kind: str = "newer"
) -> dict[str, AnyArray]:
    """Permute rows and columns of contact matrices, independently of each other.

    The list of in- and out-degrees of each matrix stays; who has which, and which matrices fit
    together, does not.

    Parameters
    ----------
    counts : mapping of str to ndarray (n_pre, n_post)
        As :func:`cofire.nn.read_counts` returns them.
    seed : int
        Of the model.
    kind : {"newer", "older"}
        Permute every matrix (what is summed to one in the network is permuted as one), or only
        those of graded transmission and of the APL, as the predecessor did.

    Returns
    -------
    dict of str to ndarray
    """
    rng = np.random.RandomState(seed + _SEED)
    found = dict(counts)
    for name in _GRADED if kind == "older" else SINGLE:
        found[name] = _permuted(counts[name], rng)
    if kind == "newer":
        for pair in SUMMED:
            total = sum(np.asarray(counts[f"{pair}_{t}"], dtype=np.int64) for t in _TYPES)
            found[f"{pair}_aa"] = _permuted(np.asarray(total), rng)
            for empty in _TYPES[1:]:
                found[f"{pair}_{empty}"] = np.zeros_like(found[f"{pair}_aa"])
        if LN_ORN_AS_USED in counts:
            found[LN_ORN_AS_USED] = _permuted(counts[LN_ORN_AS_USED], rng)
    return found


def shuffled_gaps(plan: NetworkPlan, seed: int) -> NetworkPlan:
    """Plan whose gap junctions join other neurons, as in the predecessor's shuffled wiring.

    Neurons of one population are relabeled, so that the junctions stay mutual; junctions between
    two populations are permuted on either side.
    """
    rng = np.random.RandomState(seed + _SEED)
    for pathway in plan.pathways:
        if pathway.kind != "gap":
            continue
        mask = pathway.weights.toarray()
        rows = rng.permutation(len(mask))
        columns = rows if pathway.pre == pathway.post else rng.permutation(mask.shape[1])
        plan = plan.with_weights(pathway.name, mask[rows][:, columns])
    return plan


def _permuted(matrix: AnyArray, rng: np.random.RandomState) -> AnyArray:
    rows, columns = (rng.permutation(n) for n in matrix.shape)
    return matrix[rows][:, columns]
