"""How fast are two dense layers of spiking neurons, beside the libraries made for them?

The nearest network that all have: input spikes, 256 and 10 leaky neurons whose potential decays by
0.875 a step, takes the weighted spikes at once, fires above 1 and is set to 0 in the same step; the
gradient of the spike is ``1 / (1 + |u|)^2`` and none passes through the reset. Each library runs
layer after layer, with one product of the weights for all steps.

- cofire: ``tau_m = -dt / ln 0.875``, ``resistance = 8``, a current that ends within the step,
  refractory for one step, "fast_sigmoid" with scale 1; the input layer is the drive.
- snnTorch: ``Leaky(0.875, reset_mechanism="zero")``; it resets at the start of the next step, which
  is the same; ``fast_sigmoid(slope=1)``.
- Norse: ``LIFBoxCell`` weighs its input by ``dt / tau_mem`` = 1/8, so it gets 8 times the weights;
  its SuperSpike has no slope; the reset is detached by the option ``reset_method``.
- SpikingJelly: ``LIFNode(8, decay_input=False, detach_reset=True)`` in multi-step mode,
  ``SuperSpike(1)``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cofire.nn import NetworkPlan, Pathway, Population, simulate
from peers import compare, optional, scale

BETA = 0.875
pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.jit:DeprecationWarning", "ignore:.*asyncio:DeprecationWarning"
)


class Layers:
    """Weights and input spikes of one comparison."""

    def __init__(self, sizes, batch, n_steps, dtype):
        rng = np.random.default_rng(3)
        n_in, n_hidden, n_out = sizes

        def tensor(values):
            return torch.from_numpy(values).to(dtype)

        self.sizes, self.n_steps = sizes, n_steps
        self.x = tensor((rng.random((n_steps, batch, n_in)) < 0.1).astype(float))
        self.w_hidden = tensor(rng.normal(0, 3.5 / math.sqrt(n_in), (n_hidden, n_in)))
        self.w_out = tensor(rng.normal(0, 3.5 / math.sqrt(n_hidden), (n_out, n_hidden)))
        self.readout = tensor(rng.normal(size=n_out))
        self._plan()

    def _plan(self):
        _, n_hidden, n_out = self.sizes
        cell = {
            "v_rest": 0, "v_reset": 0, "v_min": -1e6, "v_th": 1, "resistance": 1 / (1 - BETA),
            "tau_m": -1e-3 / math.log(BETA), "refractory": 1e-3,
        }  # fmt: skip
        dense = Pathway(
            "dense", "hidden", "out", np.ones((n_hidden, n_out)), strength=1, depression=False,
            tau_syn=1e-6, per_edge=True,
        )  # fmt: skip
        self.plan = NetworkPlan(
            [Population("hidden", n_hidden, **cell), Population("out", n_out, **cell)], [dense]
        )
        theta = torch.from_numpy(self.plan.initial_theta()).to(self.x)
        place = next(s for s in self.plan.theta_layout if s.field == "strength")
        self.before, self.after = theta[: place.start], theta[place.stop :]

    def derive(self, forward):
        """Counts of the outputs and gradients by both weights."""
        w_hidden = self.w_hidden.clone().requires_grad_()
        w_out = self.w_out.clone().requires_grad_()
        counts = forward(w_hidden, w_out)
        (counts.to(self.readout.dtype) @ self.readout).sum().backward()
        return counts.detach(), w_hidden.grad, w_out.grad

    def cofire(self, w_hidden, w_out):
        """Both layers in one simulation."""
        n_hidden, n_out = self.sizes[1:]
        drive = F.pad(F.linear(self.x.transpose(0, 1), w_hidden), (0, n_out))
        theta = torch.cat([self.before, w_out.T.reshape(-1), self.after])
        run = simulate(
            self.plan, theta, drive, n_steps=self.n_steps, spike=("fast_sigmoid", 1), threads=1
        )
        return run.counts[:, n_hidden:]

    def eager(self, w_hidden, w_out):
        """Plain PyTorch, as few operations as we can."""
        spikes = self.x
        for weight in (w_hidden, w_out):
            v, fired = 0, []
            for given in F.linear(spikes, weight).unbind():
                v = given + BETA * v
                s = Step.apply(v - 1)
                v = v * (1 - s.detach())
                fired.append(s)
            spikes = torch.stack(fired)
        return spikes.sum(0)

    def snntorch(self, library, w_hidden, w_out):
        """The neurons of snnTorch, whose spikes are float32."""
        gradient = optional("snntorch.surrogate").fast_sigmoid(slope=1)
        spikes = self.x
        for weight in (w_hidden, w_out):
            cells = library.Leaky(BETA, reset_mechanism="zero", spike_grad=gradient)
            current = F.linear(spikes.to(weight.dtype), weight)
            v, fired = torch.zeros_like(current[0]), []
            for given in current.unbind():
                s, v = cells(given, v)
                fired.append(s)
            spikes = torch.stack(fired)
        return spikes.sum(0)

    def norse(self, library, w_hidden, w_out):
        """The neurons of Norse."""

        def reset(spikes, v, to, _):
            return (1 - spikes.detach()) * v + spikes.detach() * to

        numbers = {
            "tau_mem_inv": 1e3 * (1 - BETA),
            "v_leak": 0,
            "v_th": 1,
            "v_reset": 0,
            "alpha": 100,
        }
        tensors = {name: torch.tensor(value).to(self.x) for name, value in numbers.items()}
        p = library.LIFBoxParameters(method="super", reset_method=reset, **tensors)
        spikes = self.x
        for weight in (w_hidden, w_out):
            cells, state, fired = library.LIFBoxCell(p), None, []
            for given in F.linear(spikes, weight / (1 - BETA)).unbind():
                s, state = cells(given, state)
                fired.append(s)
            spikes = torch.stack(fired)
        return spikes.sum(0)

    def spikingjelly(self, library, w_hidden, w_out):
        """The neurons of SpikingJelly."""
        gradient = optional("spikingjelly.activation_based.surrogate").SuperSpike(alpha=1.0)
        spikes = self.x
        for weight in (w_hidden, w_out):
            cells = library.LIFNode(
                1 / (1 - BETA),
                decay_input=False,
                surrogate_function=gradient,
                detach_reset=True,
                step_mode="m",
            )
            spikes = cells(F.linear(spikes, weight))
        return spikes.sum(0)

    def implementations(self):
        """cofire, plain PyTorch, and the libraries that are installed."""
        calls = {"cofire": self.cofire, "torch": self.eager}
        modules = {
            "snntorch": ("snntorch", self.snntorch),
            "norse": ("norse.torch", self.norse),
            "spikingjelly": ("spikingjelly.activation_based.neuron", self.spikingjelly),
        }
        for name, (module, method) in modules.items():
            if library := optional(module):
                calls[name] = lambda a, b, m=method, lib=library: m(lib, a, b)
        return {name: lambda call=call: self.derive(call) for name, call in calls.items()}


class Step(torch.autograd.Function):
    """Step with the derivative of the fast sigmoid."""

    @staticmethod
    def forward(ctx, u):
        """1 where u > 0."""
        ctx.save_for_backward(u)
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx, gradient):
        """By u."""
        (u,) = ctx.saved_tensors
        return gradient / (1 + u.abs()) ** 2


def same(tolerance):
    """Counts are equal, gradients to a tolerance of their norm."""

    def equal(ours, theirs):
        assert torch.equal(ours[0], theirs[0].to(ours[0]))
        for a, b in zip(ours[1:], theirs[1:], strict=True):
            assert float((a - b).norm()) < tolerance * float(a.norm())

    return equal


@pytest.mark.parametrize(
    "sizes", [(scale(128, 20), scale(256, 30), 10), (scale(784, 40), scale(1000, 50), 10)]
)
def test_dense_layers(benchmark, sizes):
    batch, n_steps = scale(16, 4), scale(30, 10)
    exact = Layers(sizes, 4, n_steps, torch.float64).implementations()
    expected = exact["cofire"]()
    assert float(expected[0].sum()) > 0
    for name, call in exact.items():
        same(1e-6 if name == "snntorch" else 1e-10)(expected, call())
    layers = Layers(sizes, batch, n_steps, torch.float32)
    benchmark.group = (
        f"dense layers {'-'.join(map(str, sizes))}, {n_steps} steps, batch {batch}, "
        "forward and backward"
    )
    compare(benchmark, layers.implementations(), same(1e-4), rounds=15)
