"""The compiled simulation as a classic autograd function, to compose by hand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor

from cofire.nn import kernels
from cofire.nn.operators import common_arguments, derive, no_cuda, remember, run_options
from cofire.nn.plan import NetworkPlan
from cofire.nn.surrogates import SpikeOption


class NetworkFunction(torch.autograd.Function):
    """Simulation of a network on the CPU as one node of the graph.

    ``NetworkFunction.apply(plan, theta, drive, state, noise, n_steps, spike="hard", seed=None,
    step=0, record=(), checkpoint=None, threads=None)`` returns ``(counts, state, spikes,
    voltages)``. Arguments are positional; they and the results are those of
    :func:`cofire.nn.simulate`, and so are the errors. `state` and `noise` may be None. What is not
    in `record` comes back with no steps.

    :func:`cofire.nn.simulate` gives the same numbers and also works under ``torch.compile`` and on
    other devices. This is for subclasses that change a derivative, and for code that calls
    ``forward`` and ``backward`` itself.

    Examples
    --------
    >>> import torch
    >>> from cofire.nn import NetworkFunction, NetworkPlan, Population
    >>> plan = NetworkPlan([Population("E", 2)], [])
    >>> theta = torch.from_numpy(plan.initial_theta()).requires_grad_()
    >>> drive = torch.full((1, 2), 3e-11, dtype=torch.float64)
    >>> counts, state, spikes, voltages = NetworkFunction.apply(
    ...     plan, theta, drive, None, None, 100, "superspike"
    ... )
    >>> counts.sum().backward()
    >>> theta.grad.shape
    torch.Size([3])
    """

    @staticmethod
    def forward(
        ctx: Any,
        plan: NetworkPlan,
        theta: Tensor,
        drive: Tensor,
        state: Tensor | None,
        noise: Tensor | None,
        n_steps: int,
        spike: SpikeOption = "hard",
        seed: int | None = None,
        step: int = 0,
        record: Collection[str] = (),
        checkpoint: int | None = None,
        threads: int | None = None,
    ) -> tuple[Tensor, ...]:
        """Simulate."""
        common = common_arguments(
            plan, theta, drive, state, noise, n_steps, spike, seed, step, record
        )
        if theta.device.type != "cpu":
            no_cuda()
        inputs = *common, any(ctx.needs_input_grad), *run_options(record, checkpoint, threads)
        output = kernels.run_forward(*inputs)
        remember(ctx, inputs, output)
        return output[:4]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        """Derivatives with respect to `theta`, `drive` and `state`."""
        derived = derive(ctx, *grads)
        return tuple(
            g if needed else None for g, needed in zip(derived, ctx.needs_input_grad, strict=False)
        )
