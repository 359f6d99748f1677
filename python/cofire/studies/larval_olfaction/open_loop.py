"""How does each neuron answer the recorded spikes of the others? A network without its loops.

A simulation that has to repeat recorded spikes goes astray after a few of them: a spike that is
missing changes all that follow. With the recorded spikes as input, every neuron is on its own.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from cofire.nn import NetworkPlan, Population

_RECORDED = "recorded "
_RISE = 0.020
"""Voltage (V) by which a recorded spike raises its neuron, above a threshold at half of it."""


def open_loop(plan: NetworkPlan) -> NetworkPlan:
    """Plan whose synapses and mean rates come from recorded spikes.

    Before the populations of `plan` stand doubles of the spiking ones (``"recorded a"`` of "a")
    that repeat what their drive says, see :func:`open_loop_drive`; pathways of kind "synapse" and
    "rate" start from them. Gap junctions, graded release and graded populations still connect the
    populations themselves.

    Parameters
    ----------
    plan : NetworkPlan

    Returns
    -------
    NetworkPlan
        With the pathways, names and parameters of `plan`.
    """
    doubles = [
        Population(
            _RECORDED + p.name, p.n, refractory=0.0, tau_m=1e-3 * plan.dt,
            v_th=p.v_rest + _RISE / 2, v_rest=p.v_rest, v_reset=p.v_rest, v_min=p.v_rest,
        )
        for p in plan.populations
        if p.spikes
    ]  # fmt: skip
    pathways = [
        dataclasses.replace(w, pre=_RECORDED + w.pre) if w.kind in ("synapse", "rate") else w
        for w in plan.pathways
    ]
    return NetworkPlan([*doubles, *plan.populations], pathways, dt=plan.dt)


def open_loop_drive(plan: NetworkPlan, drive: Tensor, spikes: Tensor) -> Tensor:
    """Drive of :func:`open_loop`: pulses that repeat the recorded spikes, then `drive`.

    Parameters
    ----------
    plan : NetworkPlan
        The closed one.
    drive : tensor (batch, n_all) or (batch, n_steps, n_all)
    spikes : tensor (batch, n_steps, n_spiking)
        0 or 1.

    Returns
    -------
    tensor (batch, n_steps, n_spiking + n_all)
    """
    # The doubles have the default resistance.
    pulses = spikes * (_RISE / Population.resistance)
    over_time = drive if drive.ndim == 3 else drive[:, None].expand(-1, spikes.shape[1], -1)
    return torch.cat([pulses.to(drive.dtype), over_time], -1)


def open_loop_spike(plan: NetworkPlan, spike: str) -> dict[str, str]:
    """Spike functions of :func:`open_loop`: doubles fire without a gradient, the others by `spike`.

    Parameters
    ----------
    plan : NetworkPlan
        The closed one.
    spike : str
    """
    names = [p.name for p in plan.populations if p.spikes]
    return {_RECORDED + name: "hard" for name in names} | dict.fromkeys(names, spike)
