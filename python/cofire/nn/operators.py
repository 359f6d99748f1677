"""How does a whole simulation become one differentiable PyTorch operator?

``cofire::network_forward`` and ``cofire::network_backward`` run the compiled kernels on CPU
tensors; :func:`simulate` is the public way to call them. Tensors on another device go through the
plain-torch twin in :mod:`cofire.nn.reference`, never by a copy to the CPU.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, integer
from cofire.errors import InvalidArgumentError
from cofire.nn import reference
from cofire.nn.inputs import Simulated, check_inputs
from cofire.nn.plan import NetworkPlan
from cofire.nn.surrogates import SpikeOption, spike_functions

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

_COMMON = (
    "str plan, Tensor theta, Tensor drive, Tensor state, Tensor? noise, str[] spike, "
    "float[] scale, int n_steps, int step, int? seed"
)
_LIBRARY = torch.library.Library("cofire", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define(  # type: ignore[no-untyped-call]
    f"network_forward({_COMMON}, bool keep_tape, int checkpoint, bool record_spikes, "
    "bool record_voltages, int threads) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_LIBRARY.define(  # type: ignore[no-untyped-call]
    f"network_backward({_COMMON}, Tensor tape, int checkpoint, Tensor? counts, Tensor? end, "
    "Tensor? spikes, Tensor? voltages, int threads) -> (Tensor, Tensor, Tensor)"
)


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


_OF_PLAN: weakref.WeakKeyDictionary[NetworkPlan, _Compiled] = weakref.WeakKeyDictionary()
_OF_KEY: weakref.WeakValueDictionary[str, _Compiled] = weakref.WeakValueDictionary()


def compiled(plan: NetworkPlan) -> _Compiled:
    """Hand the plan to the kernels, once."""
    found = _OF_PLAN.get(plan)
    if found is None:
        found = _OF_PLAN[plan] = _OF_KEY.get(plan.key) or _Compiled(plan)
        _OF_KEY[plan.key] = found
    return found


def _of_key(key: str) -> _Compiled:
    found = _OF_KEY.get(key)
    if found is None:
        raise InvalidArgumentError(
            f"no living NetworkPlan has the key {key!r}; keep the plan for as long as the operator "
            "is called with its key"
        )
    return found


def _array(tensor: Tensor | None) -> AnyArray | None:
    return None if tensor is None else tensor.detach().contiguous().numpy()


def _forward_cpu(
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
    threads: int,
) -> tuple[Tensor, ...]:
    arrays = _FORWARD[theta.dtype](
        _of_key(plan).core,
        _array(theta),
        _array(drive),
        _array(state),
        _array(noise),
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
        threads,
    )
    return tuple(torch.from_numpy(a) for a in arrays)


def _backward_cpu(
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
    threads: int,
) -> tuple[Tensor, ...]:
    arrays = _BACKWARD[theta.dtype](
        _of_key(plan).core,
        _array(theta),
        _array(drive),
        _array(state),
        _array(noise),
        spike,
        scale,
        n_steps,
        step,
        seed,
        _array(tape),
        checkpoint,
        _array(counts),
        _array(end),
        _array(spikes),
        _array(voltages),
        _ISA,
        threads,
    )
    return tuple(torch.from_numpy(a) for a in arrays)


def _forward_fake(
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
    threads: int,
) -> tuple[Tensor, ...]:
    own = _of_key(plan)
    batch = state.shape[0]
    return (
        theta.new_empty((batch, own.core.n_spiking)),
        theta.new_empty((batch, own.core.n_state)),
        theta.new_empty((batch, n_steps if record_spikes else 0, own.core.n_spiking)),
        theta.new_empty((batch, n_steps if record_voltages else 0, own.core.n_voltage)),
        theta.new_empty((own.tape_size(batch, n_steps, checkpoint) if keep_tape else 0,)),
    )


def _backward_fake(
    plan: str, theta: Tensor, drive: Tensor, state: Tensor, *_: Any
) -> tuple[Tensor, ...]:
    return tuple(theta.new_empty(x.shape) for x in (theta, drive, state))


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    (key, theta, drive, state, noise, *options, keep_tape, checkpoint, _, _, threads) = inputs
    ctx.compiled = _of_key(key)
    ctx.key, ctx.options = key, options
    ctx.keep_tape, ctx.checkpoint, ctx.threads = keep_tape, checkpoint, threads
    ctx.save_for_backward(theta, drive, state, noise, output[4])
    ctx.set_materialize_grads(False)


def _derive(
    ctx: Any,
    counts: Tensor | None,
    end: Tensor | None,
    spikes: Tensor | None,
    voltages: Tensor | None,
    _: Tensor | None,
) -> tuple[Any, ...]:
    if not ctx.keep_tape:
        raise InvalidArgumentError("the simulation kept no tape; call it with keep_tape=True")
    theta, drive, state, noise, tape = ctx.saved_tensors
    adjoints = [None if g is None or not g.numel() else g for g in (counts, end, spikes, voltages)]
    derived = torch.ops.cofire.network_backward(
        ctx.key,
        theta,
        drive,
        state,
        noise,
        *ctx.options,
        tape,
        ctx.checkpoint,
        *adjoints,
        ctx.threads,
    )
    return (None, *derived, *(None,) * 11)


_LIBRARY.impl("network_forward", _forward_cpu, "CPU")  # type: ignore[no-untyped-call]
_LIBRARY.impl("network_backward", _backward_cpu, "CPU")  # type: ignore[no-untyped-call]
torch.library.register_fake("cofire::network_forward", _forward_fake, lib=_LIBRARY)
torch.library.register_fake("cofire::network_backward", _backward_fake, lib=_LIBRARY)
torch.library.register_autograd(
    "cofire::network_forward", _derive, setup_context=_remember, lib=_LIBRARY
)


def simulate(
    plan: NetworkPlan,
    theta: Tensor,
    drive: Tensor,
    *,
    n_steps: int,
    spike: SpikeOption = "hard",
    noise: Tensor | None = None,
    seed: int | None = None,
    state: Tensor | None = None,
    step: int = 0,
    record: Collection[str] = (),
    checkpoint: int | None = None,
    threads: int | None = None,
) -> Simulated:
    """Simulate a network with the compiled kernels.

    The order of a step is that of :mod:`cofire.nn.reference`, which this equals.

    Parameters
    ----------
    plan : NetworkPlan
    theta : tensor (n_theta,), float32 or float64
        Effective parameters as in ``plan.theta_layout``.
    drive : tensor (batch, n_all) or (batch, n_steps, n_all)
        Current into the soma or dendrite (A), or what is added to a graded activity each step.
    n_steps : int
    spike : str, (str, float) or mapping of population to one of them
        Spike function, see :mod:`cofire.nn.surrogates`. Where a population fires all or none,
        only the edges of neurons that fired are visited.
    noise : tensor (batch, n_steps, n_noise), optional
        Standard normal numbers as in ``plan.noise_layout``.
    seed : int, >= 0 and < 2**63, optional
        Draws the noise from a counter: the same numbers for every batch split, number of threads
        and processor. Without `noise` and `seed` there is none.
    state : tensor (batch, n_state), optional
        State to go on from; default: at rest.
    step : int
        Number of the first step, counted from 0.
    record : collection of {"spikes", "voltages"}
    checkpoint : int, optional
        Keep the state every so many steps and compute the rest again for the gradient; by default
        everything that the gradient needs is kept.
    threads : int, optional
        Threads over blocks of 16 samples; default ``cofire.get_num_threads()``. Results do not
        depend on it.

    Returns
    -------
    Simulated
        Differentiable with respect to `theta`, `drive` and `state`.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        An argument does not fit the plan; the message names it.
    """
    if isinstance(theta, Tensor) and theta.device.type != "cpu":
        return reference.simulate(
            plan,
            theta,
            drive,
            n_steps=n_steps,
            spike=spike,
            noise=noise,
            seed=seed,
            state=state,
            step=step,
            record=record,
        )
    check_inputs(
        plan,
        theta,
        drive,
        n_steps=n_steps,
        noise=noise,
        seed=seed,
        state=state,
        step=step,
        record=record,
    )
    every = 0 if checkpoint is None else integer(checkpoint, "checkpoint", 1)
    if state is None:
        state = _at_rest(plan, len(drive), theta)
    functions = spike_functions(plan, spike)
    chosen = [functions.get(p.name, ("hard", 1.0)) for p in plan.populations]
    wants_tape = torch.is_grad_enabled() and any(x.requires_grad for x in (theta, drive, state))
    compiled(plan)
    counts, end, spikes, voltages, _ = torch.ops.cofire.network_forward(
        plan.key,
        theta,
        drive,
        state,
        noise,
        [name for name, _ in chosen],
        [scale for _, scale in chosen],
        n_steps,
        step,
        seed if plan.n_noise else None,
        wants_tape,
        every,
        "spikes" in record,
        "voltages" in record,
        resolve_threads(threads),
    )
    return Simulated(
        counts=counts,
        spikes=spikes if "spikes" in record else None,
        voltages=voltages if "voltages" in record else None,
        state=end,
        step=step + n_steps,
    )


def _at_rest(plan: NetworkPlan, batch: int, like: Tensor) -> Tensor:
    row = torch.from_numpy(plan.initial_state(1)).to(like)
    return row.expand(batch, -1).contiguous()
