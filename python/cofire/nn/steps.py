"""The elements of one time step as functions of tensors.

The twin in :mod:`cofire.nn.reference` and the modules in :mod:`cofire.nn.neurons` and
:mod:`cofire.nn.connections` are made of them. States and inputs are ``(batch, n)``; nothing is
changed in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from cofire.nn.elements import Pathway, Population


class LIFState(NamedTuple):
    """State of leaky integrate-and-fire neurons, each (batch, n).

    Attributes
    ----------
    v : tensor, V
    refractory : tensor, steps
    spikes : tensor
        Of the last step.
    """

    v: Tensor
    refractory: Tensor
    spikes: Tensor


class TwoCompartmentState(NamedTuple):
    """State of two-compartment neurons, each (batch, n).

    Attributes
    ----------
    v_dendrite, v_axon : tensor, V
    refractory : tensor, steps
    spikes : tensor
        Of the last step.
    """

    v_dendrite: Tensor
    v_axon: Tensor
    refractory: Tensor
    spikes: Tensor


class Dynamics(NamedTuple):
    """What one step of a spiking population needs besides state and current.

    Attributes
    ----------
    population : Population
        Its constants.
    membrane : tensor
        Decay, (1,) or (n,); or the four numbers of the two-compartment step.
    threshold : tensor (n,), V
    refractory_steps : int
    spike : callable
        From the potential above threshold to the spike.
    noise_voltage, noise_threshold : tensor or None
        Standard normal numbers, (batch, n) or, for two compartments, (batch, 2 n).
    """

    population: Population
    membrane: Tensor
    threshold: Tensor
    refractory_steps: int
    spike: Callable[[Tensor], Tensor]
    noise_voltage: Tensor | None = None
    noise_threshold: Tensor | None = None


def lif_step(x: LIFState, current: Tensor, d: Dynamics) -> LIFState:
    """Integrate, floor, hold while refractory, fire, reset."""
    p = d.population
    timer, ready = _tick(x.refractory)
    target = p.v_rest + p.resistance * current
    v = target + (x.v - target) * d.membrane
    if d.noise_voltage is not None:
        v = v + p.noise_voltage * d.noise_voltage
    v = pin(v.clamp(min=p.v_min), ~ready, p.v_reset)
    spikes, reset, timer = _fire(v, ready, timer, d)
    return LIFState(pin(v, reset, p.v_reset), timer, spikes)


def two_compartment_step(
    x: TwoCompartmentState, to_dendrite: Tensor, to_axon: Tensor, d: Dynamics
) -> TwoCompartmentState:
    """Integrate, floor, hold the axon while refractory, fire, reset both compartments."""
    p = d.population
    timer, ready = _tick(x.refractory)
    same, cross, k_same, k_cross = d.membrane
    b_d, b_a = ((p.v_rest + p.resistance * i) / float(p.tau_m) for i in (to_dendrite, to_axon))
    v_d = same * x.v_dendrite + cross * x.v_axon + k_same * b_d + k_cross * b_a
    v_a = cross * x.v_dendrite + same * x.v_axon + k_cross * b_d + k_same * b_a
    if d.noise_voltage is not None:
        noise = p.noise_voltage * d.noise_voltage
        v_d, v_a = v_d + noise[:, : p.n], v_a + noise[:, p.n :]
    v_d, v_a = v_d.clamp(min=p.v_min), v_a.clamp(min=p.v_min)
    v_a = pin(v_a, ~ready, p.v_reset)
    spikes, reset, timer = _fire(v_a, ready, timer, d)
    return TwoCompartmentState(
        pin(v_d, reset, p.v_reset), pin(v_a, reset, p.v_reset), timer, spikes
    )


def deplete(
    resources: Tensor, spikes: Tensor, use: Tensor, recovery: Tensor
) -> tuple[Tensor, Tensor]:
    """Short-term depression: recover, release, lose what was released.

    Returns
    -------
    tuple
        Released amount and the resources afterwards.
    """
    recovered = 1 - (1 - resources) * recovery
    released = spikes * use * recovered
    return released, recovered * (1 - use * spikes.clamp(0, 1))


def dense(w: Pathway, like: Tensor) -> Tensor:
    """Weights (n_pre, n_post) as a tensor with the dtype and device of another."""
    return torch.from_numpy(w.weights.toarray()).to(like)


def scale_edges(weights: Tensor, w: Pathway, factor: Tensor) -> Tensor:
    """Weights with one factor per edge, in CSR order."""
    pre, post = (torch.from_numpy(part).to(weights.device) for part in w.weights.nonzero())
    return torch.zeros_like(weights).index_put((pre, post), weights[pre, post] * factor)


def pin(v: Tensor, where: Tensor, v_reset: float) -> Tensor:
    """Replace the potential by a constant; no gradient passes there."""
    return torch.where(where, torch.full_like(v, v_reset), v)


def gap_current(v: Tensor, other: Tensor, mask: Tensor) -> Tensor:
    """Sum over neighbors of ``mask * (v_other - v)``; mask is (n_other, n)."""
    return other @ mask - v * mask.sum(0)


def depolarization(v: Tensor, v_reset: float) -> Tensor:
    """How far the potential is above reset."""
    return torch.relu(v - v_reset)


def accumulate(activity: Tensor, received: Tensor, decay: Tensor, drive: Tensor) -> Tensor:
    """Step of a graded population: leaky average of its input, then the drive on top."""
    return activity * decay + received * (1 - decay) + drive


def _tick(refractory: Tensor) -> tuple[Tensor, Tensor]:
    """Timer one step later, and where a neuron may fire."""
    timer = (refractory - 1).clamp(min=0)
    return timer, timer <= 0


def _fire(v: Tensor, ready: Tensor, timer: Tensor, d: Dynamics) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes, where to reset, and the timer, which starts there."""
    threshold = d.threshold
    if d.noise_threshold is not None:
        threshold = threshold + d.population.noise_threshold * d.noise_threshold
    spikes = d.spike(v - threshold) * ready
    reset = spikes > 0.5
    return spikes, reset, torch.where(reset, torch.full_like(timer, d.refractory_steps), timer)
