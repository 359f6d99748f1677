"""Do the tensors of a simulation fit the plan? Shared by the operator and its plain-torch twin."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch

from cofire._validate import integer
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.nn.layout import Slot
from cofire.nn.plan import NetworkPlan

RECORDS = ("spikes", "voltages")


class Simulated(NamedTuple):
    """What a simulation returns.

    Attributes
    ----------
    counts : tensor (batch, n_spiking)
        Sum of the spikes over the steps, populations as in ``plan.spike_layout``.
    spikes : tensor (batch, n_steps, n_spiking) or None
    voltages : tensor (batch, n_steps, n_voltage) or None
        V, after reset, as in ``plan.voltage_layout``; graded populations give their activity.
    state : tensor (batch, n_state)
        State after the last step, as in ``plan.state_layout``.
    step : int
        Number of the next step.
    """

    counts: torch.Tensor
    spikes: torch.Tensor | None
    voltages: torch.Tensor | None
    state: torch.Tensor
    step: int


def check_inputs(
    plan: NetworkPlan,
    theta: torch.Tensor,
    drive: torch.Tensor,
    *,
    n_steps: int,
    noise: torch.Tensor | None,
    seed: int | None,
    state: torch.Tensor | None,
    step: int,
    record: Collection[str],
) -> None:
    """Raise an error that names the argument if the tensors do not fit the plan.

    Values are looked at only where there are some: not while torch traces or compiles, and not on
    the device "meta".
    """
    integer(n_steps, "n_steps", 1)
    integer(step, "step", 0)
    _check_tensor(theta, "theta", (plan.n_theta,), None)
    if theta.dtype not in (torch.float32, torch.float64):
        raise InvalidTypeError(f"theta must be float32 or float64, got {theta.dtype}")
    _check_finite(theta, "theta", plan.theta_layout)
    batch = len(drive) if isinstance(drive, torch.Tensor) and drive.ndim else 0
    over_time = isinstance(drive, torch.Tensor) and drive.ndim == 3
    shape = (batch, n_steps, plan.n_all) if over_time else (batch, plan.n_all)
    _check_tensor(drive, "drive", shape, theta)
    if batch == 0:
        raise InvalidArgumentError("drive has no samples; its first axis is the batch")
    _check_finite(drive, "drive", plan.drive_layout)
    if noise is not None:
        if seed is not None:
            raise InvalidArgumentError("noise and seed exclude each other; pass one of them")
        _check_tensor(noise, "noise", (batch, n_steps, plan.n_noise), theta)
        _check_finite(noise, "noise", plan.noise_layout)
    if seed is not None and integer(seed, "seed", 0) >= 2**63:
        raise InvalidArgumentError(f"seed must be below 2**63, got {seed}")
    if state is not None:
        _check_tensor(state, "state", (batch, plan.n_state), theta)
        _check_finite(state, "state", plan.state_layout)
    unknown = set(record) - set(RECORDS)
    if isinstance(record, str) or unknown:
        raise InvalidArgumentError(
            f"record must be a tuple of {' and '.join(map(repr, RECORDS))}, got {record!r}"
        )


def _check_tensor(
    value: torch.Tensor, name: str, shape: tuple[int, ...], like: torch.Tensor | None
) -> None:
    if not isinstance(value, torch.Tensor):
        raise InvalidTypeError(f"{name} must be a tensor, got {type(value).__name__}")
    if tuple(value.shape) != shape:
        raise InvalidArgumentError(
            f"{name} must have shape {shape} for this plan, got {tuple(value.shape)}"
        )
    if like is None:
        return
    if value.dtype != like.dtype:
        raise InvalidTypeError(
            f"{name} is {value.dtype} and theta {like.dtype}; convert one with .to(dtype)"
        )
    if value.device != like.device:
        raise InvalidArgumentError(
            f"{name} is on {value.device} and theta on {like.device}; move one with .to(device)"
        )


def _check_finite(value: torch.Tensor, name: str, slots: Sequence[Slot]) -> None:
    if value.is_meta or torch.compiler.is_compiling():
        return
    # A sum is finite only if all terms are; an overflow of finite terms is settled below.
    if math.isfinite(value.detach().sum().item()):
        return
    bad = (~torch.isfinite(value.detach())).nonzero()
    if len(bad) == 0:
        return
    index = bad[0].tolist()
    slot = next(s for s in slots if s.start <= index[-1] < s.stop)
    raise InvalidArgumentError(
        f"{name} must be finite: {slot.field} of {slot.owner!r}, element "
        f"{index[-1] - slot.start}, is {value.detach()[tuple(index)].item()}"
    )
