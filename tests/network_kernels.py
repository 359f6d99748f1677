"""Runs the compiled network kernels on arrays, beside the plain simulation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from cofire import _core
from cofire.nn import kernels
from cofire.nn import reference as twin
from cofire.nn.surrogates import DEFAULT_SCALES

OUTPUTS = ("counts", "state", "spikes", "voltages")


class Ran(NamedTuple):
    counts: Any
    state: Any
    spikes: Any
    voltages: Any
    tape: Any


class Derived(NamedTuple):
    theta: Any
    drive: Any
    state: Any


class Run:
    """One simulation with the compiled kernels, on arrays."""

    def __init__(self, plan, drive, *, dtype=np.float64, spike="hard", **options):
        self.plan = plan
        self.drive = np.ascontiguousarray(drive, dtype)
        self.theta = options.pop("theta", plan.initial_theta()).astype(dtype)
        rest = np.tile(plan.initial_state(), (len(drive), 1))
        self.state = options.pop("state", rest).astype(dtype)
        noise = options.pop("noise", None)
        self.noise = None if noise is None else np.ascontiguousarray(noise, dtype)
        self.suffix = {np.float32: "f32", np.float64: "f64"}[dtype]
        n = len(plan.populations)
        self.options = {
            "spike": [spike] * n,
            "scale": [DEFAULT_SCALES[spike]] * n,
            "n_steps": options.pop("n_steps", self.drive.shape[1]),
            "first_step": options.pop("step", 0),
            "seed": options.pop("seed", None),
            "checkpoint": options.pop("checkpoint", 0),
            "isa": options.pop("isa", "best"),
            "n_threads": options.pop("threads", 1),
        }
        assert not options
        kernels.hand_over(plan)
        self.inputs = {
            "plan": kernels.of_key(plan.key).core,
            "theta": self.theta,
            "drive": self.drive,
            "state": self.state,
            "noise": self.noise,
        }

    def forward(self, *, keep_tape=False, record=True) -> Ran:
        return Ran(
            *getattr(_core, f"network_forward_{self.suffix}")(
                **self.inputs,
                **self.options,
                keep_tape=keep_tape,
                record_spikes=record,
                record_voltages=record,
            )
        )

    def backward(self, adjoints=None, *, tape=None) -> Derived:
        if tape is None:
            tape = self.forward(keep_tape=True).tape
        adjoints = self.adjoints() if adjoints is None else adjoints
        return Derived(
            *getattr(_core, f"network_backward_{self.suffix}")(
                **self.inputs,
                **self.options,
                tape=tape,
                **{f"{name}_adjoint": adjoints.get(name) for name in OUTPUTS},
            )
        )

    def adjoints(self, seed=7):
        rng = np.random.default_rng(seed)
        shapes = {name: getattr(self.forward(), name).shape for name in OUTPUTS}
        return {
            name: rng.normal(size=shape).astype(self.theta.dtype) for name, shape in shapes.items()
        }


def normals(plan, batch, n_steps, seed=1):
    return np.random.default_rng(seed).normal(size=(batch, n_steps, plan.n_noise))


def assert_same_bits(a, b, names=None):
    for name in names or a._fields:
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


def assert_close(actual, expected, tolerance, floor=1e-300):
    """Relative to the largest value; `floor` is what terms that cancel may leave."""
    if expected.size:
        atol = max(tolerance * np.abs(expected).max(), floor)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


def twin_results(run: Run, spike, adjoints):
    """Outputs of the plain simulation and their derivatives by autograd."""
    theta, drive, state = (
        torch.from_numpy(x).requires_grad_() for x in (run.theta, run.drive, run.state)
    )
    out = twin.simulate(
        run.plan,
        theta,
        drive,
        n_steps=run.options["n_steps"],
        spike=spike,
        noise=None if run.noise is None else torch.from_numpy(run.noise),
        seed=run.options["seed"],
        state=state,
        step=run.options["first_step"],
        record=("spikes", "voltages"),
    )
    loss = sum((getattr(out, k) * torch.from_numpy(w)).sum() for k, w in adjoints.items())
    grads = torch.autograd.grad(loss, (theta, drive, state), materialize_grads=True)
    outputs = {k: getattr(out, k).detach().numpy() for k in OUTPUTS}
    return outputs, Derived(*(g.numpy() for g in grads))


def assert_equals_twin(run: Run, spike):
    adjoints = run.adjoints()
    ran = run.forward(keep_tape=True)
    outputs, expected = twin_results(run, spike, adjoints)
    for name, value in outputs.items():
        assert_close(getattr(ran, name), value, 1e-12)
    derived = run.backward(adjoints, tape=ran.tape)
    for _, _, start, stop in run.plan.theta_layout:
        assert_close(derived.theta[start:stop], expected.theta[start:stop], 1e-10, 1e-14)
    assert_close(derived.drive, expected.drive, 1e-10, 1e-14)
    for _, _, start, stop in run.plan.state_layout:
        assert_close(derived.state[:, start:stop], expected.state[:, start:stop], 1e-10, 1e-14)
