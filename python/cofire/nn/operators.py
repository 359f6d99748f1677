"""How does a whole simulation become one differentiable PyTorch operator?

``cofire::network_forward`` and ``cofire::network_backward`` run the compiled kernels on CPU
tensors; :func:`simulate` is the public way to call them. Tensors on another device go through the
plain-torch twin in :mod:`cofire.nn.reference`, never by a copy to the CPU.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NoReturn

import torch
from torch import Tensor

from cofire._threads import resolve_threads
from cofire._validate import integer
from cofire.errors import InvalidArgumentError
from cofire.nn import kernels, reference
from cofire.nn.inputs import Simulated, check_inputs
from cofire.nn.plan import NetworkPlan
from cofire.nn.surrogates import SpikeOption, spike_functions

_COMMON = (
    "str plan, Tensor theta, Tensor drive, Tensor state, Tensor? noise, str[] spike, "
    "float[] scale, int n_steps, int step, int? seed"
)
_LIBRARY = torch.library.Library("cofire", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define(  # type: ignore[no-untyped-call]
    f"network_forward({_COMMON}, bool keep_tape, int checkpoint, bool record_spikes, "
    "bool record_voltages, int? threads) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_LIBRARY.define(  # type: ignore[no-untyped-call]
    f"network_backward({_COMMON}, Tensor tape, int checkpoint, Tensor? counts, Tensor? end, "
    "Tensor? spikes, Tensor? voltages, int? threads) -> (Tensor, Tensor, Tensor)"
)


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
    threads: int | None,
) -> tuple[Tensor, ...]:
    own = kernels.of_key(plan)
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


def no_cuda(*_: Any, **__: Any) -> NoReturn:
    """Refuse tensors on a GPU, for which there is no kernel."""
    raise NotImplementedError(
        "the compiled network kernels run on CPU tensors: call cofire.nn.simulate, which takes "
        "CUDA tensors through plain torch, or move them with .cpu()"
    )


def remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    """Keep what :func:`derive` needs."""
    (key, theta, drive, state, noise, *options, keep_tape, checkpoint, _, _, threads) = inputs
    ctx.compiled = kernels.of_key(key)
    ctx.key, ctx.options = key, options
    ctx.keep_tape, ctx.checkpoint, ctx.threads = keep_tape, checkpoint, threads
    ctx.save_for_backward(theta, drive, state, noise, output[4])
    ctx.set_materialize_grads(False)


def derive(
    ctx: Any,
    counts: Tensor | None,
    end: Tensor | None,
    spikes: Tensor | None,
    voltages: Tensor | None,
    _: Tensor | None = None,
) -> tuple[Any, ...]:
    """Derivatives with respect to the arguments of ``cofire::network_forward``."""
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


def _remember_nothing(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    pass


def _no_second_derivative(*_: Any) -> NoReturn:
    raise NotImplementedError(
        "the compiled network kernels have no second derivative; cofire.nn.reference.simulate has"
    )


for _name, _run, _shapes in (
    ("network_forward", kernels.run_forward, _forward_fake),
    ("network_backward", kernels.run_backward, _backward_fake),
):
    _LIBRARY.impl(_name, _run, "CPU")  # type: ignore[no-untyped-call]
    _LIBRARY.impl(_name, no_cuda, "CUDA")  # type: ignore[no-untyped-call]
    torch.library.register_fake(f"cofire::{_name}", _shapes, lib=_LIBRARY)
torch.library.register_autograd(
    "cofire::network_forward", derive, setup_context=remember, lib=_LIBRARY
)
torch.library.register_autograd(
    "cofire::network_backward",
    _no_second_derivative,
    setup_context=_remember_nothing,
    lib=_LIBRARY,
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
    if isinstance(theta, Tensor) and theta.device.type not in ("cpu", "meta"):
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
    inputs = common_arguments(plan, theta, drive, state, noise, n_steps, spike, seed, step, record)
    wants_tape = torch.is_grad_enabled() and any(
        isinstance(x, Tensor) and x.requires_grad for x in inputs
    )
    counts, end, spikes, voltages, _ = torch.ops.cofire.network_forward(
        *inputs, wants_tape, *run_options(record, checkpoint, threads)
    )
    return Simulated(
        counts=counts,
        spikes=spikes if "spikes" in record else None,
        voltages=voltages if "voltages" in record else None,
        state=end,
        step=step + n_steps,
    )


def common_arguments(
    plan: NetworkPlan,
    theta: Tensor,
    drive: Tensor,
    state: Tensor | None,
    noise: Tensor | None,
    n_steps: int,
    spike: SpikeOption,
    seed: int | None,
    step: int,
    record: Collection[str],
) -> tuple[Any, ...]:
    """Check what :func:`simulate` was given; the arguments that both operators take."""
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
    functions = spike_functions(plan, spike)
    chosen = [functions.get(p.name, ("hard", 1.0)) for p in plan.populations]
    return (
        kernels.hand_over(plan),
        theta,
        drive,
        _at_rest(plan, len(drive), theta) if state is None else state,
        noise,
        [name for name, _ in chosen],
        [scale for _, scale in chosen],
        n_steps,
        step,
        seed if plan.n_noise else None,
    )


def run_options(
    record: Collection[str], checkpoint: int | None, threads: int | None
) -> tuple[int, bool, bool, int | None]:
    """Last arguments of ``cofire::network_forward``."""
    return (
        0 if checkpoint is None else integer(checkpoint, "checkpoint", 1),
        "spikes" in record,
        "voltages" in record,
        None if threads is None else resolve_threads(threads),
    )


def _at_rest(plan: NetworkPlan, batch: int, like: Tensor) -> Tensor:
    row = torch.from_numpy(plan.initial_state(1)).to(like)
    return row.expand(batch, -1).contiguous()
