"""The PyTorch operators: conformance, derivatives, compilation, the classic function, errors."""

from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.nn import NetworkFunction, NetworkPlan, Pathway, Population, simulate
from cofire.nn import reference as twin
from cofire.nn.kernels import hand_over
from cofire.nn.surrogates import DEFAULT_SCALES
from network_plans import drive_for, everything, mask

BOTH = ("spikes", "voltages")
PLAN = everything()


def inputs(plan=PLAN, batch=3, n_steps=8, *, dtype=torch.float64, grad=True):
    """theta, drive, state."""
    arrays = plan.initial_theta(), drive_for(plan, batch, n_steps), plan.initial_state(batch)
    return [torch.from_numpy(x).to(dtype).requires_grad_(grad) for x in arrays]


def normals(plan=PLAN, batch=3, n_steps=8, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, n_steps, plan.n_noise, generator=generator, dtype=dtype)


def operator_arguments(
    plan=PLAN, spike="soft", noise=None, seed=None, *, step=0, checkpoint=0, record=(True, True),
    constant=False, dtype=torch.float64,
):  # fmt: skip
    """Arguments of cofire::network_forward."""
    theta, drive, state = inputs(plan, dtype=dtype)
    if constant:
        drive = drive[:, 0].detach().contiguous().requires_grad_()
    n = len(plan.populations)
    return (
        hand_over(plan), theta, drive, state, noise, [spike] * n, [DEFAULT_SCALES[spike]] * n, 8,
        step, seed, True, checkpoint, *record, 1,
    )  # fmt: skip


def loss_of(outputs):
    """One number that every output changes."""
    parts = [x for x in outputs if isinstance(x, torch.Tensor) and x.numel()]
    total = 0.0
    for k, x in enumerate(parts):
        weights = torch.linspace(-1, 1 + k, x.numel(), dtype=x.dtype).reshape(x.shape)
        total = total + (x * weights).sum()
    return total


# Conformance


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"spike": "superspike", "noise": normals(), "step": 4},
        {"spike": "slayer", "seed": 3, "checkpoint": 3},
        {"record": (False, False), "constant": True},
        {"dtype": torch.float32, "seed": 3, "record": (True, False)},
    ],
)
def test_opcheck_passes_for_the_forward_operator(options):
    torch.library.opcheck(torch.ops.cofire.network_forward.default, operator_arguments(**options))


@pytest.mark.parametrize("checkpoint", [0, 3])
def test_opcheck_passes_for_the_backward_operator(checkpoint):
    arguments = operator_arguments(checkpoint=checkpoint)
    with torch.no_grad():
        counts, state, spikes, voltages, tape = torch.ops.cofire.network_forward(*arguments)
    common = [x.detach() if isinstance(x, torch.Tensor) else x for x in arguments[:10]]
    for adjoints in ((counts, state, spikes, voltages), (counts, None, None, None)):
        torch.library.opcheck(
            torch.ops.cofire.network_backward.default, (*common, tape, checkpoint, *adjoints, 1)
        )


def test_the_operators_change_no_input_and_return_no_view_of_one():
    theta, drive, state = inputs()
    before = [x.detach().clone() for x in (theta, drive, state)]
    out = simulate(PLAN, theta, drive, n_steps=8, state=state, spike="soft", record=BOTH)
    loss_of(out).backward()
    for x, old in zip((theta, drive, state), before, strict=True):
        assert torch.equal(x.detach(), old)
        for y in (out.counts, out.state, out.spikes, out.voltages):
            assert x.untyped_storage().data_ptr() != y.untyped_storage().data_ptr()


@pytest.mark.parametrize("spike", DEFAULT_SCALES)
@pytest.mark.parametrize("checkpoint", [None, 3])
@pytest.mark.parametrize("noisy", [False, True])
def test_simulate_equals_the_plain_simulation(spike, checkpoint, noisy):
    noise = normals() if noisy else None
    results = []
    for function in (simulate, twin.simulate):
        theta, drive, state = inputs()
        out = function(
            PLAN, theta, drive, n_steps=8, spike=spike, noise=noise, state=state, step=2,
            record=BOTH, checkpoint=checkpoint,
        )  # fmt: skip
        assert out.step == 10
        grads = torch.autograd.grad(loss_of(out), (theta, drive, state), materialize_grads=True)
        results.append((out, grads))
    (out, grads), (expected, expected_grads) = results
    for name in ("counts", "state", *BOTH):
        a, b = getattr(out, name), getattr(expected, name)
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12 * max(1.0, float(b.detach().max())))
    for a, b in zip(grads, expected_grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10 * float(b.abs().max()))


def test_each_population_may_have_its_own_spike_function():
    spike = {"a": "soft", "b": ("superspike", 50.0), "c": "hard"}
    theta, drive, _ = inputs()
    out, expected = (
        f(PLAN, theta, drive, n_steps=8, spike=spike) for f in (simulate, twin.simulate)
    )
    torch.testing.assert_close(out.counts, expected.counts, rtol=0, atol=1e-12)
    a, b = (torch.autograd.grad(x.counts.sum(), drive)[0] for x in (out, expected))
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10 * float(b.abs().max()))


# Derivatives


def two(*pathways, kinds=("lif", "lif")):
    return NetworkPlan([Population(f"p{i}", 3, kind) for i, kind in enumerate(kinds)], pathways)


DENSE = np.linspace(0.2, 1.0, 9).reshape(3, 3)
GAPS = mask(np.random.default_rng(0), 3)
SMOOTH = {
    "leak": two(),
    "two compartments": two(kinds=("two_compartment", "lif")),
    "synapse": two(Pathway("w", "p0", "p1", DENSE, strength=5e-10, depression=False)),
    "single edges": two(
        Pathway("w", "p0", "p1", DENSE, strength=5e-10, depression=False, per_edge=True)
    ),
    "depression": two(Pathway("w", "p0", "p1", DENSE, strength=5e-10)),
    "recurrence": two(Pathway("w", "p1", "p1", DENSE, strength=5e-10, timing="previous", sign=-1)),
    "gap junctions": two(
        Pathway("w", "p0", "p0", GAPS, "gap", conductance=2e-10),
        Pathway("x", "p0", "p1", DENSE, "gap", conductance=1e-10),
    ),
    "graded release": two(Pathway("w", "p0", "p1", DENSE, "release", conductance=1e-9)),
    "divisive inhibition": two(
        Pathway("in", "p0", "p1", DENSE, "depolarization", gain=50.0),
        Pathway("out", "p1", "p2", DENSE, "divisive", gain=1.0),
        kinds=("lif", "graded", "lif"),
    ),
    "rate": two(Pathway("w", "p0", "p1", DENSE, "rate", gain=2.0), kinds=("lif", "graded")),
    "everything": everything(noise=False),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_are_those_of_finite_differences_below_threshold(name):
    # Nothing reaches a spike of 0.5, so nothing is reset: the network is smooth.
    plan = SMOOTH[name]
    theta, drive, state = inputs(plan, 2, 6, grad=False)
    drive *= 0.05
    scale = theta.abs()

    def function(relative, current, shift):
        out = simulate(
            plan, scale * relative, 1e-11 * current, n_steps=6, spike=("soft", 4e-3),
            state=state + unit * shift, record=BOTH,
        )  # fmt: skip
        assert out.spikes.max() < 0.5
        return out.counts, 1e2 * out.voltages, out.spikes

    # Timers have no derivative. Voltages, activities and spikes start off the kinks at reset and 0.
    units = {"v": 1e-3, "v_dendrite": 1e-3, "v_axon": 1e-3, "current": 1e-11, "refractory": 0.0}
    unit, shift = torch.ones_like(state), torch.zeros_like(state)
    for slot in plan.state_layout:
        unit[:, slot.start : slot.stop] = units.get(slot.field, 1.0)
        if slot.field in ("v", "v_dendrite", "v_axon", "spikes", "activity"):
            shift[:, slot.start : slot.stop] = torch.linspace(0.2, 0.8, slot.stop - slot.start)
    arguments = [x.requires_grad_() for x in (theta / scale, drive / 1e-11, shift)]
    assert torch.autograd.gradcheck(function, arguments, eps=1e-6, atol=1e-6, rtol=1e-5)


def test_nothing_flows_back_through_hard_spikes_or_without_a_gradient():
    theta, drive, _ = inputs()
    out = simulate(PLAN, theta, drive, n_steps=8, spike="hard")
    (g,) = torch.autograd.grad(out.counts.sum(), drive)
    assert not g.any()
    assert out.counts.sum() > 0
    with torch.no_grad():
        assert not simulate(PLAN, theta, drive, n_steps=8, spike="soft").counts.requires_grad


def test_second_derivatives_are_refused():
    theta, drive, _ = inputs()
    out = simulate(PLAN, theta, drive, n_steps=8, spike="soft")
    (g,) = torch.autograd.grad(out.counts.sum(), theta, create_graph=True)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        g.sum().backward()


def test_a_run_without_a_tape_has_no_gradient():
    arguments = list(operator_arguments())
    arguments[10] = False
    counts, *_ = torch.ops.cofire.network_forward(*arguments)
    with pytest.raises(InvalidArgumentError, match="kept no tape; call it with keep_tape=True"):
        counts.sum().backward()


# Layout of the inputs


def test_inputs_need_not_be_contiguous():
    theta, drive, state = inputs(grad=False)
    twice = torch.stack([theta, theta], 1)[:, 0]
    turned = drive.transpose(0, 2).contiguous().transpose(0, 2)
    padded = torch.cat([state, state], 1)[:, : PLAN.n_state]
    noise = normals().transpose(0, 1).contiguous().transpose(0, 1)
    strange = [x.requires_grad_() for x in (twice, turned, padded)]
    assert not any(x.is_contiguous() for x in (*strange, noise))
    usual = [x.requires_grad_() for x in (theta, drive, state)]
    results = []
    for (a, b, c), xi in ((usual, normals()), (strange, noise)):
        out = simulate(PLAN, a, b, n_steps=8, spike="soft", noise=xi, state=c, record=BOTH)
        results.append((out, torch.autograd.grad(loss_of(out), (a, b, c))))
    (out, grads), (other, other_grads) = results
    assert torch.equal(out.voltages, other.voltages)
    assert all(torch.equal(a, b) for a, b in zip(grads, other_grads, strict=True))


def test_gradients_of_expanded_inputs_are_summed():
    theta, drive, _ = inputs()
    row = drive.detach()[:1, :1].clone().requires_grad_()
    simulate(PLAN, theta, row.expand(3, 8, -1), n_steps=8, spike="soft").counts.sum().backward()
    whole = row.detach().repeat(3, 8, 1).requires_grad_()
    simulate(PLAN, theta, whole, n_steps=8, spike="soft").counts.sum().backward()
    torch.testing.assert_close(row.grad, whole.grad.sum((0, 1), keepdim=True))


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_a_single_input_may_need_a_gradient(chosen):
    every = inputs()
    out = simulate(PLAN, every[0], every[1], n_steps=8, spike="soft", state=every[2])
    (expected,) = torch.autograd.grad(loss_of(out), every[chosen])
    alone = inputs(grad=False)
    alone[chosen].requires_grad_()
    out = simulate(PLAN, alone[0], alone[1], n_steps=8, spike="soft", state=alone[2])
    loss_of(out).backward()
    assert torch.equal(alone[chosen].grad, expected)
    assert all(x.grad is None for k, x in enumerate(alone) if k != chosen)


# Compilation and tensors without values


def function_of(theta, drive, plan=PLAN, seed=3):
    out = simulate(plan, theta, drive, n_steps=8, spike="superspike", seed=seed, record=BOTH)
    return loss_of(out)


def test_simulate_compiles_to_one_graph():
    compiled = torch.compile(function_of, fullgraph=True, backend="aot_eager")
    for plan in (PLAN, everything(1), everything(2, noise=False)):
        results = []
        for function in (function_of, compiled):
            theta, drive, _ = inputs(plan)
            value = function(theta, drive, plan)
            value.backward()
            results.append((value, theta.grad, drive.grad))
        for a, b in zip(*results, strict=True):
            assert torch.equal(a, b)


def test_compiled_code_takes_other_batches():
    compiled = torch.compile(function_of, fullgraph=True, backend="aot_eager", dynamic=True)
    for batch in (3, 5, 20):
        theta, drive, _ = inputs(batch=batch)
        torch.testing.assert_close(compiled(theta, drive), function_of(theta, drive))


def test_importing_networks_does_not_import_the_compiler():
    code = "import sys, cofire.nn; sys.exit('torch._dynamo' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("record", [(), ("spikes",), BOTH])
def test_tensors_without_values_have_the_shapes_of_the_results(record):
    theta, drive, state = (x.detach() for x in inputs())
    real = simulate(PLAN, theta, drive, n_steps=8, record=record)
    meta = simulate(
        PLAN, theta.to("meta"), drive.to("meta"), n_steps=8, state=state.to("meta"), record=record
    )
    arguments = [x.detach() if isinstance(x, torch.Tensor) else x for x in operator_arguments()]
    with FakeTensorMode() as mode:
        fake = torch.ops.cofire.network_forward(
            *(mode.from_tensor(x) if isinstance(x, torch.Tensor) else x for x in arguments)
        )
    for a, b in zip(fake, torch.ops.cofire.network_forward(*arguments), strict=True):
        assert (a.shape, a.stride(), a.dtype) == (b.shape, b.stride(), b.dtype)
    assert meta.counts.is_meta
    for name in ("counts", "state", *BOTH):
        a, b = getattr(real, name), getattr(meta, name)
        assert (a is None) == (b is None)
        assert a is None or (a.shape, a.stride(), a.dtype) == (b.shape, b.stride(), b.dtype)


# Other devices


@pytest.mark.parametrize("name", ["network_forward", "network_backward"])
def test_the_operators_are_registered_for_cuda_and_refuse_it(name):
    qualified = f"cofire::{name}"
    assert torch._C._dispatch_has_kernel_for_dispatch_key(qualified, "CUDA")
    handle = torch._C._dispatch_find_schema_or_throw(qualified, "")
    assert "CUDA" in torch._C._dispatch_dump(qualified)
    assert handle is not None


def test_gpu_tensors_passed_to_the_operator_are_refused_by_name():
    from cofire.nn.operators import no_cuda

    with pytest.raises(NotImplementedError, match=r"simulate.*\.cpu\(\)"):
        no_cuda("key", torch.zeros(1))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_simulate_on_a_gpu_equals_that_on_the_cpu():
    results = []
    for device in ("cpu", "cuda"):
        theta, drive, state = (x.detach().to(device).requires_grad_() for x in inputs())
        out = simulate(
            PLAN, theta, drive, n_steps=8, spike="superspike", seed=3, state=state, record=BOTH
        )
        assert out.counts.device.type == device
        grads = torch.autograd.grad(loss_of([x.cpu() for x in out[:4]]), (theta, drive, state))
        results.append([x.detach().cpu() for x in (*out[:4], *grads)])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10 * float(a.abs().max()))
    arguments = [x.cuda() if isinstance(x, torch.Tensor) else x for x in operator_arguments()]
    with pytest.raises(NotImplementedError, match=r"simulate.*\.cpu\(\)"):
        torch.ops.cofire.network_forward(*arguments)


# The classic function


@pytest.mark.parametrize("options", [{}, {"seed": 3, "checkpoint": 3, "step": 2}])
@pytest.mark.parametrize("record", [(), BOTH])
def test_the_classic_function_equals_simulate(options, record):
    results = []
    for classic in (False, True):
        theta, drive, state = inputs()
        if classic:
            counts, end, spikes, voltages = NetworkFunction.apply(
                PLAN, theta, drive, state, None, 8, "soft", options.get("seed"),
                options.get("step", 0), record, options.get("checkpoint"),
            )  # fmt: skip
            assert spikes.shape == (3, 8 if record else 0, PLAN.n_spiking)
            out = (counts, spikes, voltages, end) if record else (counts, end)
        else:
            ran = simulate(
                PLAN, theta, drive, n_steps=8, spike="soft", state=state, record=record, **options
            )
            out = [x for x in ran[:4] if x is not None]
        results.append([*out, *torch.autograd.grad(loss_of(out), (theta, drive, state))])
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)


def test_the_classic_function_takes_noise_and_starts_at_rest():
    theta, drive, _ = inputs()
    drive.requires_grad_(False)
    counts, *_ = NetworkFunction.apply(PLAN, theta, drive, None, normals(), 8, "soft")
    expected = simulate(PLAN, theta, drive, n_steps=8, spike="soft", noise=normals()).counts
    assert torch.equal(counts, expected)
    (a,), (b,) = (torch.autograd.grad(x.sum(), theta) for x in (counts, expected))
    assert torch.equal(a, b)
    with pytest.raises(InvalidArgumentError, match="n_steps must be at least 1"):
        NetworkFunction.apply(PLAN, theta, drive, None, None, 0)
    meta = theta.to("meta"), drive.to("meta")
    with pytest.raises(NotImplementedError, match="run on CPU tensors"):
        NetworkFunction.apply(PLAN, *meta, None, None, 8)


# Plans that come and go


def test_a_plan_that_died_is_named():
    arguments = operator_arguments(everything(11))
    gc.collect()
    with pytest.raises(InvalidArgumentError, match="no living NetworkPlan has the key"):
        torch.ops.cofire.network_forward(*arguments)


def test_a_plan_keeps_its_kernels_when_an_equal_one_dies():
    first, second = everything(12), everything(12)
    assert first == second
    arguments = operator_arguments(first)
    assert hand_over(second) == arguments[0]
    del first
    gc.collect()
    torch.ops.cofire.network_forward(*arguments)


def test_a_gradient_outlives_the_plan():
    plan = everything(13)
    theta, drive, _ = inputs(plan)
    out = simulate(plan, theta, drive, n_steps=8, spike="soft")
    del plan
    gc.collect()
    out.counts.sum().backward()
    assert theta.grad.any()


# Errors

WRONG = {
    "theta is a list": ({"theta": [1.0]}, InvalidTypeError, "theta must be a tensor, got list"),
    "theta is short": (
        {"theta": torch.zeros(3)}, InvalidArgumentError,
        r"theta must have shape \(64,\) for this plan, got \(3,\)",
    ),
    "half precision": (
        {"theta": torch.zeros(64).half()}, InvalidTypeError,
        "theta must be float32 or float64, got torch.float16",
    ),
    "drive is an array": (
        {"drive": np.zeros((3, 12))}, InvalidTypeError, "drive must be a tensor, got ndarray",
    ),
    "drive of another plan": (
        {"drive": torch.zeros(3, 13).double()}, InvalidArgumentError,
        r"drive must have shape \(3, 12\) for this plan, got \(3, 13\)",
    ),
    "drive of other steps": (
        {"drive": torch.zeros(3, 9, 12).double()}, InvalidArgumentError,
        r"drive must have shape \(3, 8, 12\) for this plan, got \(3, 9, 12\)",
    ),
    "drive without samples": (
        {"drive": torch.zeros(0, 12).double()}, InvalidArgumentError, "drive has no samples",
    ),
    "drive is a number": (
        {"drive": torch.tensor(1.0).double()}, InvalidArgumentError,
        r"drive must have shape \(0, 12\)",
    ),
    "drive of another dtype": (
        {"drive": torch.zeros(3, 12)}, InvalidTypeError,
        r"drive is torch.float32 and theta torch.float64; convert one with .to\(dtype\)",
    ),
    "drive elsewhere": (
        {"drive": torch.zeros(3, 12, device="meta").double()}, InvalidArgumentError,
        r"drive is on meta and theta on cpu; move one with .to\(device\)",
    ),
    "state of another plan": (
        {"state": torch.zeros(3, 5).double()}, InvalidArgumentError,
        r"state must have shape \(3, \d+\) for this plan, got \(3, 5\)",
    ),
    "noise of another plan": (
        {"noise": torch.zeros(3, 8, 2).double()}, InvalidArgumentError,
        r"noise must have shape \(3, 8, \d+\) for this plan, got \(3, 8, 2\)",
    ),
    "noise and seed": (
        {"noise": normals(), "seed": 1}, InvalidArgumentError, "noise and seed exclude each other",
    ),
    "seed below zero": ({"seed": -1}, InvalidArgumentError, "seed must be at least 0, got -1"),
    "seed too large": ({"seed": 2**63}, InvalidArgumentError, r"seed must be below 2\*\*63"),
    "seed is a fraction": ({"seed": 0.5}, InvalidTypeError, "seed must be an integer"),
    "no steps": ({"n_steps": 0}, InvalidArgumentError, "n_steps must be at least 1, got 0"),
    "negative step": ({"step": -1}, InvalidArgumentError, "step must be at least 0, got -1"),
    "no checkpoint": (
        {"checkpoint": 0}, InvalidArgumentError, "checkpoint must be at least 1, got 0",
    ),
    "no thread": ({"threads": 0}, InvalidArgumentError, "threads must be a positive integer"),
    "record is a word": (
        {"record": "spikes"}, InvalidArgumentError, "record must be a tuple of 'spikes' and",
    ),
    "record is unknown": (
        {"record": ("currents",)}, InvalidArgumentError, "record must be a tuple of 'spikes' and",
    ),
    "unknown spike": ({"spike": "bang"}, InvalidArgumentError, "spike must be one of 'hard', "),
    "spike of none": (
        {"spike": {"z": "hard"}}, InvalidArgumentError, "the spiking populations are a, b, c",
    ),
    "spike of some": (
        {"spike": {"a": "hard"}}, InvalidArgumentError, "spike has no entry for b, c; add it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_simulate_names_what_does_not_fit(name):
    change, error, message = WRONG[name]
    theta, drive, _ = inputs(grad=False)
    arguments = {"theta": theta, "drive": drive, "n_steps": 8} | change
    with pytest.raises(error, match=message):
        simulate(PLAN, **arguments)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("name", "place", "message"),
    [
        ("theta", (4,), "theta must be finite: threshold of 'a', element 0, is"),
        ("drive", (1, 3, 7), "drive must be finite: drive of 'b', element 1, is"),
        ("state", (2, 3), "state must be finite: v of 'a', element 3, is"),
        ("noise", (0, 0, 0), "noise must be finite: input of 'a', element 0, is"),
    ],
)
def test_simulate_names_the_value_that_is_not_finite(value, name, place, message):
    theta, drive, state = inputs(grad=False)
    arguments = {"theta": theta, "drive": drive, "state": state, "noise": normals()}
    arguments[name][place] = value
    with pytest.raises(InvalidArgumentError, match=f"{message} {value}"):
        simulate(PLAN, n_steps=8, **arguments)


def test_values_whose_sum_overflows_are_finite():
    theta, drive, _ = inputs(dtype=torch.float32, grad=False)
    noise = torch.full((3, 8, PLAN.n_noise), 3e38)
    simulate(PLAN, theta, 0 * drive, n_steps=8, noise=noise)


def test_the_operators_refuse_other_dtypes_and_shapes():
    arguments = list(operator_arguments())
    for place, value, error, message in (
        (1, arguments[1].detach().half(), InvalidTypeError, "theta must be float32 or float64"),
        (2, arguments[2].detach().float(), InvalidTypeError, "a tensor is torch.float32 and theta"),
        (3, arguments[3].detach()[:2], ValueError, "drive must be"),
    ):
        changed = [*arguments[:place], value, *arguments[place + 1 :]]
        with pytest.raises(error, match=message):
            torch.ops.cofire.network_forward(*changed)


def test_the_backward_operator_refuses_the_tape_of_another_run():
    arguments = operator_arguments(checkpoint=3)
    with torch.no_grad():
        counts, *_, tape = torch.ops.cofire.network_forward(*arguments)
    with pytest.raises(ValueError, match="tape does not belong to this run"):
        torch.ops.cofire.network_backward(*arguments[:10], tape, 2, counts, None, None, None, 1)


def test_the_number_of_threads_is_read_at_each_call(monkeypatch):
    theta, drive, _ = inputs(grad=False)
    expected = simulate(PLAN, theta, drive, n_steps=8, threads=1).state
    monkeypatch.setenv("COFIRE_NUM_THREADS", "none")
    with pytest.raises(InvalidArgumentError, match="COFIRE_NUM_THREADS must be"):
        simulate(PLAN, theta, drive, n_steps=8)
    monkeypatch.setenv("COFIRE_NUM_THREADS", "2")
    assert torch.equal(simulate(PLAN, theta, drive, n_steps=8).state, expected)
