"""How is the larval olfactory pathway wired? From tables of synapse counts to a network plan.

Populations: 42 olfactory receptor neurons (ORN), 108 local neurons (LN), 72 projection neurons
(PN), 144 Kenyon cells (KC) and the two APL neurons of the first-instar *Drosophila* larva
(Winding et al. 2023, doi:10.1126/science.add9330). "Canonical" contacts go from axon to dendrite
(``ad``); the others (``aa``, ``da``, ``dd``) have pathways of their own (``nonad``).
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from cofire._validate import AnyArray, FloatArray, one_of
from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingNotFoundError,
)
from cofire.io.kreher2008 import RECEPTORS
from cofire.io.larval_olfaction import excitatory_local_neurons
from cofire.nn.elements import Pathway, Population
from cofire.nn.plan import NetworkPlan

WIRING_FILE = "larval_olfaction.npz"
LN_ORN_AS_USED = "ln_to_orn_nonad_asused"

PAPER_NOISE: Mapping[str, float] = MappingProxyType(
    {"voltage": 1e-3, "current": 15e-12, "synapse": 0.25, "threshold": 1e-3, "receptor": 0.10}
)
"""Noise levels of the published study: V, A, relative, V, relative."""

PAIR_RECEPTORS = (
    "Or42a", "Or67b", "Or45a", "Or35a", "Or13a", "Or74a", None, "Or42b", None, "Or85c", "Or1a",
    "Or45b", None, "Or49a", "Or30a", "Or59a", "Or22c", "Or47a", "Or24a", "Or83a", None,
)  # fmt: skip
"""Receptor of each ORN pair by its uniglomerular projection neuron, None where the odor table has
no such receptor (94a&94b, a pair without one, 63a, 33a)."""


class _Synapse(NamedTuple):
    """One chemical pathway: name, matrix, sign, timing, initial strength (A), place."""

    name: str
    matrix: str
    sign: int
    timing: str
    strength: float
    compartment: str | None = None
    divided: bool = False


_WEAK = 1e-13
_SYNAPSES = (
    _Synapse("ln_orn_nonad", "ln_orn_nonad", -1, "previous", _WEAK),
    _Synapse("orn_ln", "orn_to_ln_ad", 1, "current", 5e-9),
    _Synapse("ln_ln", "ln_to_ln_ad", -1, "previous", _WEAK),
    _Synapse("pn_ln", "pn_to_ln_ad", 1, "previous", _WEAK),
    _Synapse("orn_ln_nonad", "orn_to_ln_aa", 1, "current", _WEAK),
    _Synapse("ln_ln_nonad", "ln_to_ln_nonad", -1, "previous", _WEAK),
    _Synapse("pn_ln_nonad", "pn_to_ln_nonad", 1, "previous", _WEAK),
    _Synapse("orn_pn", "orn_to_pn_ad", 1, "current", 0.7 * 5e-9),
    _Synapse("ln_pn", "iln_to_pn_ad", -1, "current", 1.2 * 5e-9),
    _Synapse("ln_pn_excit", "eln_to_pn_ad", 1, "current", 0.1 * 6e-9),
    _Synapse("ln_pn_nonad", "iln_to_pn_nonad", -1, "current", _WEAK),
    _Synapse("ln_pn_excit_nonad", "eln_to_pn_nonad", 1, "current", _WEAK),
    _Synapse("pn_kc", "pn_to_kc_ad", 1, "current", 5e-9, "dendrite", True),
    _Synapse("pn_kc_nonad", "pn_to_kc_aa", 1, "current", _WEAK, "dendrite", True),
    _Synapse("kc_kc_ad", "kc_to_kc_ad", 1, "previous", _WEAK, "dendrite"),
    _Synapse("kc_kc_aa", "kc_to_kc_aa", 1, "previous", 1e-11, "axon"),
)
SYNAPSES = tuple(s.name for s in _SYNAPSES)
"""Names of the 16 chemical pathways."""

KC_SYNAPSES = tuple(s.name for s in _SYNAPSES if s.compartment is not None)
"""Those onto Kenyon cells."""

GAPS = ("gap_ln", "gap_pn", "gap_eln_pn")
DIVISION = "apl_kc"
RELEASE_SCALE = 1e-9
"""Conductance (S) that the learned gain of graded release multiplies."""

_READ = (
    "orn_to_pn_ad", "orn_to_ln_ad", "orn_to_ln_aa", "ln_to_pn_aa", "ln_to_pn_ad", "ln_to_pn_da",
    "ln_to_pn_dd", "ln_to_ln_aa", "ln_to_ln_ad", "ln_to_ln_da", "ln_to_ln_dd", "pn_to_ln_aa",
    "pn_to_ln_ad", "pn_to_ln_da", "pn_to_ln_dd", "pn_to_kc_ad", "pn_to_kc_aa", "kc_to_kc_aa",
    "kc_to_kc_ad", "kc_to_kc_da", "kc_to_kc_dd", "kc_to_apl_ad", "kc_to_apl_da", "apl_to_kc_ad",
)  # fmt: skip
_REGISTERED = ("ln_to_orn_aa", "ln_to_orn_da", "ln_to_orn_dd")


def read_counts(folder: str | os.PathLike[str]) -> dict[str, AnyArray]:
    """Matrices of contact counts ``{pre}_to_{post}_{type}`` of the prepared data set.

    Parameters
    ----------
    folder : path
        Folder with ``larval_olfaction.npz``.

    Returns
    -------
    dict of str to (n_pre, n_post) array
        Types aa, ad, da, dd: compartment of the presynaptic, then of the postsynaptic neuron.

    Raises
    ------
    RecordingNotFoundError, FileFormatError
    """
    file = Path(folder) / WIRING_FILE
    if not file.is_file():
        raise RecordingNotFoundError(
            f"{file} does not exist; pass the folder of the prepared larval olfactory data, or "
            "counts=cofire.io.larval_olfactory_matrices(cofire.io.read_winding2023(path)) made "
            "from Supplementary Data S1 of Winding et al. 2023 (doi:10.1126/science.add9330)"
        )
    try:
        with open(file, "rb") as raw, np.load(raw, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files if "_to_" in name}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise FileFormatError(f"{file} is damaged or no npz file: {error}") from error


def receptor_of_orn(or_map: str = "positional") -> AnyArray:
    """Column of the odor table that drives each receptor neuron.

    Parameters
    ----------
    or_map : {"positional", "identity"}
        "positional": neurons 2i and 2i + 1 have column i, as published. "identity": pairs have the
        column of their receptor; the four pairs without one take the four columns left, in order.

    Returns
    -------
    ndarray (42,) int64
    """
    one_of(or_map, "or_map", ("positional", "identity"))
    columns = list(range(len(RECEPTORS)))
    if or_map == "identity":
        left = iter(i for i in columns if RECEPTORS[i] not in PAIR_RECEPTORS)
        columns = [next(left) if name is None else RECEPTORS.index(name) for name in PAIR_RECEPTORS]
    return np.repeat(np.array(columns), 2)


def olfactory_plan(
    counts: Mapping[str, AnyArray],
    *,
    quantile: float = 0.33,
    ln_orn: str = "asused",
    noise: Mapping[str, float] = PAPER_NOISE,
) -> NetworkPlan:
    """Plan of the olfactory network from contact counts.

    Parameters
    ----------
    counts : mapping of str to (n_pre, n_post) array
        As :func:`read_counts` returns them.
    quantile : float
        Of fan-out, see :func:`cofire.io.larval_olfaction.excitatory_local_neurons`.
    ln_orn : {"asused", "registered"}
        Contacts of local on receptor neurons: the table of the published study, whose rows and
        columns do not follow the other tables, or the correctly ordered one.
    noise : mapping of str to float
        Levels of the noise sources, see :data:`PAPER_NOISE`.

    Returns
    -------
    NetworkPlan

    Raises
    ------
    MissingDataError
        A matrix is missing; the message lists which.
    """
    one_of(ln_orn, "ln_orn", ("asused", "registered"))
    levels = _levels(noise)
    wanted = (*_READ, *((LN_ORN_AS_USED,) if ln_orn == "asused" else _REGISTERED))
    missing = [name for name in wanted if name not in counts]
    if missing:
        remedy = ' or set ln_orn="registered"' if LN_ORN_AS_USED in missing else ""
        raise MissingDataError(f"counts lack the matrices {', '.join(missing)}; add them{remedy}")
    matrix = _matrices({name: np.asarray(counts[name], np.float64) for name in wanted}, quantile)
    populations = _populations(matrix, levels)
    return NetworkPlan(
        populations,
        [
            *_synapses(matrix, levels["synapse"]),
            *_gap_junctions(matrix),
            *_graded(matrix),
        ],
        dt=1e-3,
    )


def _levels(noise: Mapping[str, float]) -> dict[str, float]:
    unknown = set(noise) - set(PAPER_NOISE)
    if unknown:
        raise InvalidArgumentError(
            f"noise names {', '.join(sorted(unknown))}; the sources are {', '.join(PAPER_NOISE)}"
        )
    return {**PAPER_NOISE, **noise}


def _matrices(counts: Mapping[str, FloatArray], quantile: float) -> dict[str, FloatArray]:
    """Counts, sums over non-canonical types, and the two halves of LN to PN."""
    found = dict(counts)
    for pair in ("ln_to_pn", "ln_to_ln", "pn_to_ln"):
        found[f"{pair}_nonad"] = sum(
            (counts[f"{pair}_{kind}"] for kind in ("da", "dd")), counts[f"{pair}_aa"]
        )
    excitatory = excitatory_local_neurons(counts["ln_to_pn_ad"], quantile)[:, None]
    for kind in ("ad", "nonad"):
        found[f"eln_to_pn_{kind}"] = found[f"ln_to_pn_{kind}"] * excitatory
        found[f"iln_to_pn_{kind}"] = found[f"ln_to_pn_{kind}"] * ~excitatory
    if LN_ORN_AS_USED in counts:
        found["ln_orn_nonad"] = counts[LN_ORN_AS_USED]
    else:
        found["ln_orn_nonad"] = sum(
            (counts[name] for name in _REGISTERED[1:]), counts[_REGISTERED[0]]
        )
    return found


def _populations(matrix: Mapping[str, FloatArray], noise: Mapping[str, float]) -> list[Population]:
    n_orn, n_pn = matrix["orn_to_pn_ad"].shape
    n_ln = len(matrix["ln_to_ln_ad"])
    n_kc, n_apl = matrix["kc_to_apl_ad"].shape
    voltage, threshold, current = noise["voltage"], noise["threshold"], noise["current"]
    membrane: dict[str, Any] = {"noise_voltage": voltage, "noise_threshold": threshold}
    soma: dict[str, Any] = {"noise_current": current, **membrane}
    return [
        Population("orn", n_orn, v_th=-0.0425, noise_input=noise["receptor"], **soma),
        Population("ln", n_ln, v_th=-0.0475, **soma),
        Population("pn", n_pn, v_th=-0.0425, **soma),
        Population("apl", n_apl, "graded", tau_m=0.015),
        Population("kc", n_kc, "two_compartment", v_th=-0.0375, g_soma=10e-9, **membrane),
    ]


def _normalized(counts: FloatArray) -> FloatArray:
    """Divided by the largest count."""
    return counts / max(float(counts.max(initial=0)), 1.0)


def _synapses(matrix: Mapping[str, FloatArray], noise: float) -> list[Pathway]:
    pathways = []
    for s in _SYNAPSES:
        pre, post = s.name.split("_")[:2]
        pathways.append(
            Pathway(
                s.name,
                pre,
                post,
                _normalized(matrix[s.matrix]),
                sign=s.sign,
                timing=s.timing,
                compartment=s.compartment,
                divided=s.divided,
                noise=noise,
                strength=s.strength,
            )
        )
    return pathways


def _gap_junctions(matrix: Mapping[str, FloatArray]) -> list[Pathway]:
    among_ln = matrix["ln_to_ln_ad"] + matrix["ln_to_ln_ad"].T
    shared_input = matrix["orn_to_pn_ad"].T @ matrix["orn_to_pn_ad"]
    for mask in (among_ln, shared_input):
        np.fill_diagonal(mask, 0)
    ends = (
        ("ln", "ln", among_ln),
        ("pn", "pn", shared_input),
        ("ln", "pn", matrix["eln_to_pn_ad"]),
    )
    return [
        Pathway(name, pre, post, mask > 0, "gap", conductance=1e-10)
        for name, (pre, post, mask) in zip(GAPS, ends, strict=True)
    ]


def _graded(matrix: Mapping[str, FloatArray]) -> list[Pathway]:
    """Graded release among Kenyon cells, and the loop through APL."""
    release = RELEASE_SCALE * math.log1p(math.exp(-5.0))
    parts: list[tuple[str, str, str, str, dict[str, Any]]] = [
        ("kc_kc_dd", "kc", "kc", "release", {"conductance": release, "compartment": "dendrite"}),
        ("kc_kc_da", "kc", "kc", "release", {"conductance": release, "compartment": "axon"}),
        ("kc_apl", "kc", "apl", "rate", {"gain": 1.0}),
        ("kc_apl_da", "kc", "apl", "depolarization", {"gain": math.log1p(math.exp(0.1))}),
        (DIVISION, "apl", "kc", "divisive", {"gain": math.log1p(math.exp(4.0))}),
    ]
    tables = ("kc_to_kc_dd", "kc_to_kc_da", "kc_to_apl_ad", "kc_to_apl_da", "apl_to_kc_ad")
    return [
        Pathway(name, pre, post, _normalized(matrix[table]), kind, **options)
        for (name, pre, post, kind, options), table in zip(parts, tables, strict=True)
    ]
