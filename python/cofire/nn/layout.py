"""Where does each value of a network lie in its flat vectors? Parameters, state, noise, outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cofire._validate import FloatArray
from cofire.nn.elements import Pathway, Population

Sizes = Iterator[tuple[str, str, int]]


class Slot(NamedTuple):
    """A stretch ``[start, stop)`` of a flat vector: a field of a population or pathway."""

    owner: str
    field: str
    start: int
    stop: int


class CurrentGroup(NamedTuple):
    """Synapses that share one postsynaptic current.

    ``pathways`` are indices into ``plan.pathways``; ``post`` is the name of the population.
    """

    post: str
    compartment: str
    divided: bool
    tau_syn: float
    pathways: list[int]


def lay_out(sizes: Sizes) -> list[Slot]:
    """Put fields of given sizes one after the other."""
    slots, start = [], 0
    for owner, field, size in sizes:
        slots.append(Slot(owner, field, start, start + size))
        start += size
    return slots


def total(slots: Sequence[Slot]) -> int:
    """Length of the vector."""
    return slots[-1].stop if slots else 0


def theta_sizes(populations: Sequence[Population], pathways: Sequence[Pathway]) -> Sizes:
    """Effective parameters."""
    for p in populations:
        if p.kind == "two_compartment":
            yield p.name, "step", 4
        else:
            yield p.name, "decay", int(np.size(p.tau_m))
        if p.spikes:
            yield p.name, "threshold", p.n
    for w in pathways:
        if w.kind == "synapse":
            yield w.name, "strength", w.n_edges if w.per_edge else 1
            if w.depression:
                yield w.name, "use", 1
                yield w.name, "recovery", 1
        else:
            yield w.name, "conductance" if w.kind in ("gap", "release") else "gain", 1


def state_sizes(
    populations: Sequence[Population],
    pathways: Sequence[Pathway],
    groups: Sequence[CurrentGroup],
) -> Sizes:
    """State between steps."""
    counted = {w.pre for w in pathways if w.kind == "rate"}
    n = {p.name: p.n for p in populations}
    for p in populations:
        if not p.spikes:
            yield p.name, "activity", p.n
            continue
        for field in ("v",) if p.kind == "lif" else ("v_dendrite", "v_axon"):
            yield p.name, field, p.n
        yield p.name, "refractory", p.n
        yield p.name, "spikes", p.n
        if p.name in counted:
            yield p.name, "count", p.n
    for group in groups:
        yield pathways[group.pathways[0]].name, "current", n[group.post]
    for w in pathways:
        if w.kind == "synapse" and w.depression:
            yield w.name, "resources", len(w.active_pre)


def noise_sizes(populations: Sequence[Population], pathways: Sequence[Pathway]) -> Sizes:
    """Normal numbers that one step of one sample takes."""
    for p in populations:
        if p.noise_input > 0:
            yield p.name, "input", p.n
        for w in pathways:
            if w.post == p.name and w.noise > 0:
                yield w.name, "synapse", p.n
        if p.noise_current > 0:
            yield p.name, "current", p.n
        if p.noise_voltage > 0:
            yield p.name, "voltage", p.n if p.kind == "lif" else 2 * p.n
        if p.noise_threshold > 0:
            yield p.name, "threshold", p.n


def drive_sizes(populations: Sequence[Population]) -> Sizes:
    """Input to every population."""
    for p in populations:
        yield p.name, "drive", p.n


def spike_sizes(populations: Sequence[Population]) -> Sizes:
    """Spikes of the spiking populations."""
    for p in populations:
        if p.spikes:
            yield p.name, "spikes", p.n


def voltage_sizes(populations: Sequence[Population]) -> Sizes:
    """What ``record=("voltages",)`` keeps."""
    for p in populations:
        if p.kind == "two_compartment":
            yield p.name, "v_dendrite", p.n
            yield p.name, "v_axon", p.n
        else:
            yield p.name, "v" if p.kind == "lif" else "activity", p.n


def current_groups(pathways: Sequence[Pathway]) -> list[CurrentGroup]:
    """Synapses grouped by target, compartment, division and time constant."""
    groups: dict[tuple[str, str, bool, float], list[int]] = {}
    for i, w in enumerate(pathways):
        if w.kind == "synapse":
            groups.setdefault((w.post, str(w.compartment), w.divided, w.tau_syn), []).append(i)
    return [CurrentGroup(*key, indices) for key, indices in groups.items()]


def compartment_step(
    g_soma: Any, tau_m: float, capacitance: float, dt: float, exp: Callable[[Any], Any] = math.exp
) -> tuple[Any, Any, Any, Any]:
    """Exact exponential step of two coupled compartments.

    With ``k = g_soma / capacitance``, ``A = [[-(1/tau+k), k], [k, -(1/tau+k)]]``:
    ``M = expm(A dt)`` and ``K = A^-1 (M - 1)``, both symmetric with equal diagonal. ``A^-1`` is
    written with the denominator ``det A + 1e-8``.

    Parameters
    ----------
    g_soma : float or tensor, S
        Conductance between the compartments.
    tau_m, capacitance, dt : float; s, F, s
    exp : callable
        ``torch.exp`` for a tensor.

    Returns
    -------
    tuple
        m_same, m_cross (1), k_same, k_cross (s).
    """
    k = g_soma / capacitance
    common = math.exp(-dt / tau_m)
    opposed = exp(-dt * (1 / tau_m + 2 * k))
    same, cross = 0.5 * (common + opposed), 0.5 * (common - opposed)
    a = -(1 / tau_m + k)
    determinant = a * a - k * k + 1e-8
    k_same = (a * (same - 1) - k * cross) / determinant
    k_cross = (a * cross - k * (same - 1)) / determinant
    return same, cross, k_same, k_cross


def initial_theta(
    slots: Sequence[Slot], owners: dict[str, Population | Pathway], dt: float
) -> FloatArray:
    """Effective parameters at the initial values of the plan, float64."""
    theta = np.empty(total(slots))
    for slot in slots:
        theta[slot.start : slot.stop] = _initial(owners[slot.owner], slot.field, dt)
    return theta


def _initial(owner: Any, field: str, dt: float) -> Any:
    if field == "decay":
        return np.exp(-dt / np.asarray(owner.tau_m))
    if field == "step":
        return compartment_step(owner.g_soma, owner.tau_m, owner.capacitance, dt)
    if field == "recovery":
        return math.exp(-dt / owner.tau_rec)
    return owner.v_th if field == "threshold" else getattr(owner, field)
