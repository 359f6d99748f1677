"""Plans and tensors, handed to the compiled kernels.

Tensors lie on the CPU; arrays that the kernels read are views of them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.nn.plan import NetworkPlan

_Kernel = Callable[..., tuple[AnyArray, ...]]
_FORWARD: dict[torch.dtype, _Kernel] = {
    torch.float32: _core.network_forward_f32,
    torch.float64: _core.network_forward_f64,
}
_BACKWARD: dict[torch.dtype, _Kernel] = {
    torch.float32: _core.network_backward_f32,
    torch.float64: _core.network_backward_f64,
}
_LANES = 16
_ISA = "best"


class _Compiled:
    """A plan as the kernels know it."""

    def __init__(self, plan: NetworkPlan) -> None:
        order = {p.name: i for i, p in enumerate(plan.populations)}
        populations = [
            {
                "kind": p.kind,
                "n": p.n,
                "v_rest": p.v_rest,
                "v_reset": p.v_reset,
                "v_min": p.v_min,
                "resistance": p.resistance,
                "tau_m": 0.0 if np.ndim(p.tau_m) else float(p.tau_m),
                "refractory_steps": steps,
                "decay_per_neuron": bool(np.ndim(p.tau_m)),
                "noise_input": p.noise_input,
                "noise_current": p.noise_current,
                "noise_voltage": p.noise_voltage,
                "noise_threshold": p.noise_threshold,
            }
            for p, steps in zip(plan.populations, plan.refractory_steps, strict=True)
        ]
        pathways = [
            {
                "kind": w.kind,
                "pre": order[w.pre],
                "post": order[w.post],
                "compartment": w.compartment or "soma",
                "divided": w.divided,
                "previous": w.timing == "previous",
                "depression": w.depression,
                "per_edge": w.per_edge,
                "sign": float(w.sign),
                "tau_syn": w.tau_syn,
                "noise": w.noise,
                "cap": w.cap,
                "indptr": w.weights.indptr.astype(np.int64),
                "indices": w.weights.indices.astype(np.int32),
                "weights": w.weights.data.astype(np.float64),
            }
            for w in plan.pathways
        ]
        self.core = _core.NetworkPlan(plan.dt, populations, pathways)

    def tape_size(self, batch: Any, n_steps: int, checkpoint: int) -> Any:
        """Values on the tape; the batch may be symbolic."""
        if checkpoint > 0:
            rows = -(-n_steps // checkpoint) * self.core.n_state
        else:
            rows = n_steps * self.core.n_tape
        return (batch + _LANES - 1) // _LANES * _LANES * rows


_OF_KEY: weakref.WeakValueDictionary[str, _Compiled] = weakref.WeakValueDictionary()
# By the identity of living plans: equal plans share one entry of the first dictionary and must not
# lose it when one of them dies.
_HELD: dict[int, _Compiled] = {}


def hand_over(plan: NetworkPlan) -> str:
    """Hand the plan to the kernels, once, for as long as it lives; return its key."""
    if id(plan) not in _HELD:
        found = _OF_KEY.get(plan.key) or _Compiled(plan)
        _OF_KEY[plan.key] = _HELD[id(plan)] = found
        weakref.finalize(plan, _HELD.pop, id(plan))
    return plan.key


# What torch.compiler.assume_constant_result does, without its import of the whole compiler: the
# compiler calls the function and guards the identity of the plan.
hand_over._dynamo_marked_constant = True  # type: ignore[attr-defined]


def of_key(key: str) -> _Compiled:
    """Find the plan with a key among those that live."""
    found = _OF_KEY.get(key)
    if found is None:
        raise InvalidArgumentError(
            f"no living NetworkPlan has the key {key!r}; keep the plan for as long as the operator "
            "is called with its key"
        )
    return found


def _kernel(kernels: dict[torch.dtype, _Kernel], theta: Tensor) -> _Kernel:
    found = kernels.get(theta.dtype)
    if found is None:
        raise InvalidTypeError(f"theta must be float32 or float64, got {theta.dtype}")
    return found


def _array(tensor: Tensor | None, like: Tensor) -> AnyArray | None:
    if tensor is None:
        return None
    if tensor.dtype != like.dtype:
        raise InvalidTypeError(
            f"a tensor is {tensor.dtype} and theta {like.dtype}; convert one with .to(dtype)"
        )
    return tensor.detach().contiguous().numpy()


def run_forward(
    plan: str,
    theta: Tensor,
    drive: Tensor,
    state: Tensor,
    noise: Tensor | None,
    spike: list[str],
    scale: list[float],
    n_steps: int,
    step: int,
    seed: int | None,
    keep_tape: bool,
    checkpoint: int,
    record_spikes: bool,
    record_voltages: bool,
    threads: int | None,
) -> tuple[Tensor, ...]:
    """(counts, state, spikes, voltages, tape) of ``cofire::network_forward`` on the CPU."""
    arrays = _kernel(_FORWARD, theta)(
        of_key(plan).core,
        _array(theta, theta),
        _array(drive, theta),
        _array(state, theta),
        _array(noise, theta),
        spike,
        scale,
        n_steps,
        step,
        seed,
        keep_tape,
        checkpoint,
        record_spikes,
        record_voltages,
        _ISA,
        resolve_threads(threads),
    )
    return tuple(torch.from_numpy(a) for a in arrays)


def run_backward(
    plan: str,
    theta: Tensor,
    drive: Tensor,
    state: Tensor,
    noise: Tensor | None,
    spike: list[str],
    scale: list[float],
    n_steps: int,
    step: int,
    seed: int | None,
    tape: Tensor,
    checkpoint: int,
    counts: Tensor | None,
    end: Tensor | None,
    spikes: Tensor | None,
    voltages: Tensor | None,
    threads: int | None,
) -> tuple[Tensor, ...]:
    """Derivatives of ``cofire::network_backward`` on the CPU."""
    arrays = _kernel(_BACKWARD, theta)(
        of_key(plan).core,
        _array(theta, theta),
        _array(drive, theta),
        _array(state, theta),
        _array(noise, theta),
        spike,
        scale,
        n_steps,
        step,
        seed,
        _array(tape, theta),
        checkpoint,
        _array(counts, theta),
        _array(end, theta),
        _array(spikes, theta),
        _array(voltages, theta),
        _ISA,
        resolve_threads(threads),
    )
    return tuple(torch.from_numpy(a) for a in arrays)
