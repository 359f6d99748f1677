"""Which neurons form the larval olfactory pathway, and how are they wired?"""

from __future__ import annotations

import numpy as np

from cofire._validate import AnyArray, BoolArray, real
from cofire.connectome import Connectome
from cofire.errors import InvalidArgumentError, MissingDataError

POPULATIONS = {
    "orn": "ORN",
    "pn": "PN",
    "kc": "KC",
    "apl": "APL",
    "ln": "LN",
    "mbon": "MBON",
    "dan": "MBIN",
}
"""Name of each population in the matrices, and in the cells of the connectome."""

PAIRS = (
    ("orn", "pn"), ("orn", "ln"), ("ln", "pn"), ("ln", "ln"), ("pn", "ln"), ("ln", "orn"),
    ("pn", "pn"), ("pn", "kc"), ("kc", "apl"), ("apl", "kc"), ("kc", "kc"), ("kc", "mbon"),
    ("dan", "mbon"), ("mbon", "mbon"), ("mbon", "dan"),
)  # fmt: skip
"""Pathways, presynaptic population first."""

QUANTILES = {"q033": 0.33, "q020": 0.20, "q0417": 0.417, "q050": 0.50}
"""Quantiles of fan-out below which a local neuron counts as excitatory."""


def larval_olfactory_matrices(winding: Connectome) -> dict[str, AnyArray]:
    """Olfactory populations and their contact counts from the whole connectome.

    Parameters
    ----------
    winding : Connectome
        From :func:`read_winding2023`.

    Returns
    -------
    dict of str to ndarray
        The contents of the prepared ``larval_olfaction.npz``:

        - ``{population}_ids`` (n,) int64 for orn, pn, kc, apl, ln, mbon, dan, in the order of the
          annotation table, left neuron before right;
        - ``{pre}_to_{post}_{type}`` (n_pre, n_post), uint8 as far as that holds the counts, for
          each pathway in :data:`PAIRS` and type aa, ad, da, dd;
        - ``eln_mask_q033``, ``_q020``, ``_q0417``, ``_q050`` (n_ln,) bool: local neurons taken as
          excitatory, see :func:`excitatory_local_neurons`.

        ``ln_to_orn_nonad_asused`` is not among them: it is a published table with another order of
        neurons. Registered correctly it is ``ln_to_orn_aa + ln_to_orn_da + ln_to_orn_dd``.

    Raises
    ------
    MissingDataError
        The connectome has no populations or not the four edge types.

    References
    ----------
    Winding et al. 2023, Science 379, eadd9330, doi:10.1126/science.add9330
    """
    lacking = {"population", "annotation_row", "side"} - set(winding.cells.columns)
    if lacking or not {"aa", "ad", "da", "dd"} <= set(winding.types):
        raise MissingDataError(
            "the connectome must have edge types aa, ad, da, dd and cells with columns population, "
            "annotation_row and side: read it with read_winding2023"
        )
    cells = winding.cells.sort_values(["annotation_row", "side"], kind="stable")
    ids = {
        name: cells.index[cells["population"] == label].to_numpy(np.int64)
        for name, label in POPULATIONS.items()
    }
    result: dict[str, AnyArray] = {f"{name}_ids": found for name, found in ids.items()}
    for pre, post in PAIRS:
        pathway = winding.subset(ids[pre], columns=ids[post])
        for edge_type in ("aa", "ad", "da", "dd"):
            counts = pathway.of_type(edge_type).count.toarray()
            smallest = np.result_type(np.uint8, np.min_scalar_type(int(counts.max(initial=0))))
            result[f"{pre}_to_{post}_{edge_type}"] = counts.astype(smallest)
    for name, quantile in QUANTILES.items():
        mask = excitatory_local_neurons(result["ln_to_pn_ad"], quantile)
        result[f"eln_mask_{name}"] = mask
    return result


def excitatory_local_neurons(ln_to_pn: AnyArray, quantile: float = 0.33) -> BoolArray:
    """Local neurons that the olfactory model takes as excitatory: those of low fan-out.

    Parameters
    ----------
    ln_to_pn : array_like (n_ln, n_pn)
        Axo-dendritic contacts onto projection neurons.
    quantile : float in [0, 1]
        Of the fan-outs (number of projection neurons contacted) of the local neurons that contact
        any, interpolated linearly.

    Returns
    -------
    ndarray (n_ln,) bool
        Fan-out above 0 and at most that quantile; all False where no neuron contacts any.
    """
    if not 0 <= real(quantile, "quantile") <= 1:
        raise InvalidArgumentError(f"quantile must lie between 0 and 1, got {quantile!r}")
    fan_out = (np.asarray(ln_to_pn) > 0).sum(axis=1)
    projecting: BoolArray = fan_out > 0
    if not projecting.any():
        return projecting
    mask: BoolArray = projecting & (fan_out <= np.quantile(fan_out[projecting], quantile))
    return mask
