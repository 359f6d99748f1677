"""The elements of one time step as functions of tensors.

The twin in :mod:`cofire.nn.reference` and the modules in :mod:`cofire.nn.modules` are made of
them. States and inputs are ``(batch, n)``; nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Spike = Callable[[Tensor], Tensor]


class Fired(NamedTuple):
    """After threshold and reset: spikes, refractory timer (steps), and where v was reset."""

    spikes: Tensor
    refractory: Tensor
    reset: Tensor


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


def leak(v: Tensor, current: Tensor, decay: Tensor, v_rest: float, resistance: float) -> Tensor:
    """Exact step of a leaky membrane towards ``v_rest + resistance * current``."""
    target = v_rest + resistance * current
    return target + (v - target) * decay


def couple(
    v: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor], step: Tensor
) -> tuple[Tensor, Tensor]:
    """Exact step of two coupled compartments.

    Parameters
    ----------
    v : pair of tensor, V
        Dendrite and axon.
    b : pair of tensor, V/s
        ``(v_rest + resistance * current) / tau_m``.
    step : tensor (4,)
        m_same, m_cross, k_same, k_cross.
    """
    same, cross, k_same, k_cross = step
    dendrite = same * v[0] + cross * v[1] + k_same * b[0] + k_cross * b[1]
    axon = cross * v[0] + same * v[1] + k_cross * b[0] + k_same * b[1]
    return dendrite, axon


def tick(refractory: Tensor) -> tuple[Tensor, Tensor]:
    """Timer one step later, and where a neuron may fire."""
    timer = (refractory - 1).clamp(min=0)
    return timer, timer <= 0


def fire(u: Tensor, ready: Tensor, timer: Tensor, refractory_steps: int, spike: Spike) -> Fired:
    """Spike where ready; start the timer and reset where the spike exceeds 0.5."""
    spikes = spike(u) * ready
    reset = spikes > 0.5
    started = torch.full_like(timer, refractory_steps)
    return Fired(spikes, torch.where(reset, started, timer), reset)


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
