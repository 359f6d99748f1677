"""Compiled network kernels against loops over neurons, the plain simulation and themselves."""

from __future__ import annotations

import signal
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cofire import _core
from cofire.nn import NetworkPlan, Pathway, Population
from cofire.nn.noise import counter_noise
from cofire.nn.surrogates import DEFAULT_SCALES
from network_kernels import (
    OUTPUTS,
    Run,
    assert_close,
    assert_equals_twin,
    assert_same_bits,
    normals,
)
from network_plans import drive_for, everything, random_plan
from reference import network as oracle

FIRE = {"hard": oracle.hard, "soft": oracle.soft}
ISAS = [isa for isa in ("baseline", "avx2", "avx512") if _core.network_isa_runs(isa)]
seeds = st.integers(0, 10**6)
spikes_of = st.sampled_from(sorted(DEFAULT_SCALES))


# Oracle


@pytest.mark.parametrize("spike", FIRE)
@pytest.mark.parametrize("noisy", [False, True])
def test_a_network_with_everything_equals_loops_over_neurons(spike, noisy):
    plan = everything(noise=noisy)
    drive = drive_for(plan, 2, 25)
    noise = normals(plan, 2, 25) if noisy else None
    ran = Run(plan, drive, noise=noise, spike=spike).forward()
    for k in range(2):
        spikes, voltages = oracle.simulate(
            plan, plan.initial_theta(), drive[k], None if noise is None else noise[k], FIRE[spike]
        )
        np.testing.assert_allclose(ran.spikes[k], spikes, rtol=0, atol=1e-9)
        np.testing.assert_allclose(ran.voltages[k], voltages, rtol=0, atol=1e-10)
        np.testing.assert_allclose(ran.counts[k], spikes.sum(0), rtol=0, atol=1e-8)
    assert (ran.counts > 0).mean() > 0.5


# Properties


@given(seeds, spikes_of, st.sampled_from(["none", "given", "seeded"]))
def test_random_networks_and_gradients_equal_the_plain_simulation(seed, spike, noise):
    plan = random_plan(seed)
    given_noise = normals(plan, 2, 10, seed) if noise == "given" else None
    options = {"seed": seed if noise == "seeded" and plan.n_noise else None}
    run = Run(plan, drive_for(plan, 2, 10, seed), noise=given_noise, spike=spike, **options)
    assert_equals_twin(run, spike)


@given(seeds, spikes_of, st.sampled_from([np.float32, np.float64]), st.integers(17, 50))
def test_any_number_of_threads_gives_the_same_bits(seed, spike, dtype, batch):
    plan = random_plan(seed)
    runs = [
        Run(plan, drive_for(plan, batch, 5), dtype=dtype, spike=spike, seed=seed, threads=threads)
        for threads in (1, 2, 3)
    ]
    for other in runs[1:]:
        assert_same_bits(other.forward(keep_tape=True), runs[0].forward(keep_tape=True))
        assert_same_bits(other.backward(), runs[0].backward())


@given(seeds, spikes_of, st.sampled_from([np.float32, np.float64]), st.sampled_from([0, 3]))
def test_every_instruction_set_gives_the_same_bits(seed, spike, dtype, checkpoint):
    plan = random_plan(seed)
    runs = [
        Run(
            plan, drive_for(plan, 3, 8, seed), dtype=dtype, spike=spike, seed=seed, isa=isa,
            checkpoint=checkpoint,
        )
        for isa in ISAS
    ]  # fmt: skip
    for other in runs[1:]:
        assert_same_bits(other.forward(keep_tape=True), runs[0].forward(keep_tape=True))
        assert_same_bits(other.backward(), runs[0].backward())


@given(seeds, spikes_of, st.integers(1, 40), st.integers(1, 20))
def test_a_sample_does_not_depend_on_the_others_of_its_batch(seed, spike, batch, more):
    plan = random_plan(seed)
    drive = drive_for(plan, batch + more, 6, seed)
    whole, part = (Run(plan, d, spike=spike, seed=seed) for d in (drive, drive[:batch]))
    adjoints = whole.adjoints()
    a, b = whole.forward(), part.forward()
    for name in OUTPUTS:
        assert np.array_equal(getattr(a, name)[:batch], getattr(b, name)), name
    a = whole.backward(adjoints)
    b = part.backward({name: np.ascontiguousarray(w[:batch]) for name, w in adjoints.items()})
    assert np.array_equal(a.drive[:batch], b.drive)
    assert np.array_equal(a.state[:batch], b.state)


@given(seeds, spikes_of, st.integers(1, 39))
def test_gradients_of_the_parts_of_a_batch_add_up(seed, spike, cut):
    plan = random_plan(seed)
    drive, noise = drive_for(plan, 40, 6, seed), normals(plan, 40, 6, seed)
    whole = Run(plan, drive, spike=spike, noise=noise)
    adjoints = whole.adjoints()
    total = np.zeros(plan.n_theta)
    for part in (slice(0, cut), slice(cut, None)):
        run = Run(plan, drive[part], spike=spike, noise=noise[part])
        total += run.backward({k: np.ascontiguousarray(w[part]) for k, w in adjoints.items()}).theta
    together = whole.backward(adjoints).theta
    for _, _, start, stop in plan.theta_layout:
        assert_close(total[start:stop], together[start:stop], 1e-10)


@given(seeds, spikes_of, st.sampled_from([np.float32, np.float64]), st.integers(1, 45))
def test_checkpoints_change_no_bit(seed, spike, dtype, every):
    plan = random_plan(seed)
    drive = drive_for(plan, 3, 40, seed)
    kept, again = (
        Run(plan, drive, dtype=dtype, spike=spike, seed=seed, checkpoint=k) for k in (0, every)
    )
    adjoints = kept.adjoints()
    assert_same_bits(again.forward(keep_tape=True), kept.forward(), OUTPUTS)
    assert_same_bits(again.backward(adjoints), kept.backward(adjoints))
    rows = -(-40 // every) * plan.n_state
    assert again.forward(keep_tape=True).tape.shape == (16 * rows,)


@given(seeds, spikes_of, st.integers(1, 19))
def test_a_run_in_two_parts_is_the_whole_run(seed, spike, cut):
    plan = random_plan(seed)
    drive = drive_for(plan, 2, 20, seed)
    options: dict[str, Any] = {"spike": spike, "seed": seed}
    whole = Run(plan, drive, **options)
    once = whole.forward()
    start = Run(plan, drive[:, :cut], **options)
    first = start.forward()
    end = Run(plan, drive[:, cut:], state=first.state, step=cut, **options)
    second = end.forward()
    assert np.array_equal(second.state, once.state)
    for name in ("spikes", "voltages"):
        both = np.concatenate([getattr(first, name), getattr(second, name)], 1)
        assert np.array_equal(both, getattr(once, name)), name
    adjoints = {"state": whole.adjoints()["state"]}
    late = end.backward(adjoints)
    early = start.backward({"state": late.state})
    expected = whole.backward(adjoints)
    for _, _, begin, stop in plan.theta_layout:
        assert_close((late.theta + early.theta)[begin:stop], expected.theta[begin:stop], 1e-10)
    assert_close(early.state, expected.state, 1e-10)
    assert_close(np.concatenate([early.drive, late.drive], 1), expected.drive, 1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_visiting_the_edges_of_neurons_that_fired_alone_changes_no_bit(dtype):
    # Alone, few neurons fire in a step; beside samples in which all fire, all edges are visited.
    plan = everything()
    drive = drive_for(plan, 16, 40, level=2e-11)
    drive[1:] *= 50
    few = Run(plan, drive[:1], dtype=dtype, seed=2).forward()
    many = Run(plan, drive, dtype=dtype, seed=2).forward()
    assert 0 < few.spikes.mean() < 0.2 < many.spikes.mean()
    assert np.array_equal(few.spikes[0], many.spikes[0])
    assert np.array_equal(few.voltages[0], many.voltages[0])


@given(seeds, spikes_of, st.sampled_from([np.float32, np.float64]))
def test_a_seed_stands_for_the_numbers_that_network_noise_returns(seed, spike, dtype):
    plan = random_plan(seed)
    drive = drive_for(plan, 18, 6, seed)
    drawn = _core.network_noise(Run(plan, drive).inputs["plan"], seed, 18, 3, 6, 1)
    a = Run(plan, drive, dtype=dtype, spike=spike, seed=seed, step=3)
    b = Run(plan, drive, dtype=dtype, spike=spike, noise=drawn, step=3)
    assert_same_bits(a.forward(), b.forward())
    assert_same_bits(a.backward(), b.backward())


def test_float32_follows_float64():
    plan = everything(noise=False)
    drive = drive_for(plan, 3, 20)
    exact, single = (
        Run(plan, drive, dtype=dtype, spike="soft") for dtype in (np.float64, np.float32)
    )
    assert_close(single.forward().voltages, exact.forward().voltages, 1e-4)
    adjoints = exact.adjoints()
    expected = exact.backward(adjoints).theta
    found = single.backward({k: w.astype(np.float32) for k, w in adjoints.items()}).theta
    for _, _, start, stop in plan.theta_layout:
        assert_close(found[start:stop], expected[start:stop], 2e-2)


# Noise


def sampled(seed=0, batch=20, n_steps=50, n=200, step=0):
    plan = NetworkPlan([Population("a", n, noise_voltage=1e-3)], [])
    core = Run(plan, np.zeros((1, 1, n))).inputs["plan"]
    return plan, _core.network_noise(core, seed, batch, step, n_steps, 1)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**63 - 1])
@pytest.mark.parametrize("step", [0, 2**32 - 2])
def test_noise_is_that_of_the_formula_in_numpy(seed, step):
    plan, noise = sampled(seed, 19, 4, 7, step)
    expected = counter_noise(plan, seed, np.arange(19), np.arange(step, step + 4))
    assert np.array_equal(noise, expected)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_noise_is_standard_normal(seed):
    # All bounds are those of a chance of 1e-4.
    _, noise = sampled(seed, batch=40, n_steps=50, n=200)
    x = noise.ravel().astype(np.float64)
    n = len(x)
    assert abs(x.mean()) < 4 / np.sqrt(n)
    assert abs(x.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs(stats.skew(x)) < 4 * np.sqrt(6 / n)
    assert abs(stats.kurtosis(x)) < 4 * np.sqrt(24 / n)
    assert stats.kstest(x, "norm").pvalue > 1e-4
    assert 4.0 < np.abs(x).max() < 6.0


def test_noise_of_sites_steps_samples_and_seeds_is_independent():
    _, noise = sampled()
    _, of_next_seed = sampled(1)
    pairs = {"seed": (noise, of_next_seed)}
    for lag in (1, 2, 3, 4, 5):
        pairs[f"sample {lag}"] = noise[lag:], noise[:-lag]
        pairs[f"step {lag}"] = noise[:, lag:], noise[:, :-lag]
        pairs[f"site {lag}"] = noise[..., lag:], noise[..., :-lag]
    for name, (a, b) in pairs.items():
        for power in (1, 2):
            r = np.corrcoef(a.ravel().astype(float) ** power, b.ravel().astype(float) ** power)
            assert abs(r[0, 1]) < 4.5 / np.sqrt(a.size), name


def test_noise_depends_on_all_of_seed_and_step():
    _, noise = sampled(5, 1, 1)
    for seed, step in ((5 + 2**32, 0), (5, 2**32), (6, 0), (5, 1)):
        assert not (sampled(seed, 1, 1, step=step)[1] == noise).any()


# Edges


@pytest.mark.parametrize("batch", [1, 15, 16, 17])
def test_batches_that_fill_no_block_equal_the_plain_simulation(batch):
    plan = everything()
    run = Run(plan, drive_for(plan, batch, 6), spike="superspike", noise=normals(plan, batch, 6))
    assert_equals_twin(run, "superspike")


def test_lanes_without_a_sample_leave_no_trace():
    # Neurons at zero volts would fire and their postsynaptic potentials overflow.
    plan = NetworkPlan(
        [Population("a", 50), Population("b", 1)],
        [Pathway("a_b", "a", "b", np.ones((50, 1)), strength=1e29, depression=False)],
    )
    run = Run(plan, np.zeros((1, 5, 51)), dtype=np.float32)
    assert np.isfinite(run.backward().theta).all()


def test_an_empty_pathway_and_a_population_without_input_are_no_trouble():
    plan = NetworkPlan(
        [Population("a", 3), Population("g", 2, "graded"), Population("b", 2, "two_compartment")],
        [
            Pathway("a_b", "a", "b", np.zeros((3, 2)), strength=1e-9),
            Pathway("a_b_each", "a", "b", np.zeros((3, 2)), strength=1e-9, per_edge=True),
            Pathway("gap", "a", "a", np.zeros((3, 3)), "gap", conductance=1e-9),
            Pathway("release", "a", "b", np.zeros((3, 2)), "release", conductance=1e-9),
            Pathway("rate", "a", "g", np.zeros((3, 2)), "rate"),
            Pathway("divide", "g", "b", np.zeros((2, 2)), "divisive"),
        ],
    )
    run = Run(plan, drive_for(plan, 2, 30), spike="superspike")
    assert run.forward().counts[:, :3].sum() > 0
    assert_equals_twin(run, "superspike")


def test_one_step_and_a_constant_drive():
    plan = everything()
    drive = drive_for(plan, 3, 1)
    # From voltages that differ: at rest no current flows through a gap junction.
    state = Run(plan, drive_for(plan, 3, 5)).forward().state
    assert_equals_twin(Run(plan, drive, spike="soft", state=state, step=5, seed=1), "soft")
    constant = Run(plan, drive[:, 0], n_steps=15, spike="soft", seed=1)
    repeated = Run(plan, np.repeat(drive, 15, 1), spike="soft", seed=1)
    assert_same_bits(constant.forward(), repeated.forward())
    adjoints = constant.adjoints()
    a, b = constant.backward(adjoints), repeated.backward(adjoints)
    assert np.array_equal(a.theta, b.theta)
    assert_close(a.drive, b.drive.sum(1), 1e-12)


def test_a_seed_without_noise_sites_and_graded_populations_alone():
    plan = NetworkPlan([Population("g", 2, "graded", tau_m=0.01)], [])
    run = Run(plan, np.ones((3, 4, 2)), seed=3)
    assert run.forward().counts.shape == (3, 0)
    assert_equals_twin(run, "hard")


def test_no_sample_and_no_step():
    plan = everything()
    empty = Run(plan, np.zeros((0, 3, plan.n_all)))
    assert empty.forward(keep_tape=True).spikes.shape == (0, 3, plan.n_spiking)
    assert (empty.backward().theta == 0).all()
    still = Run(plan, np.zeros((2, 0, plan.n_all)))
    assert np.array_equal(still.forward().state, still.state)
    adjoints = still.adjoints()
    derived = still.backward(adjoints)
    timers = np.concatenate(
        [np.arange(s.start, s.stop) for s in plan.state_layout if s.field == "refractory"]
    )
    adjoints["state"][:, timers] = 0
    assert np.array_equal(derived.state, adjoints["state"])


def test_what_is_not_recorded_is_empty_and_changes_nothing():
    plan = everything()
    run = Run(plan, drive_for(plan, 2, 10), seed=1)
    with_all, without = run.forward(), run.forward(record=False)
    assert without.spikes.shape == (2, 0, plan.n_spiking)
    assert without.voltages.shape == (2, 0, plan.n_voltage)
    assert without.tape.shape == (0,)
    assert_same_bits(without, with_all, ("counts", "state"))


def test_missing_adjoints_are_zeros():
    plan = everything()
    run = Run(plan, drive_for(plan, 2, 10), spike="soft")
    adjoints = run.adjoints()
    for name in OUTPUTS:
        zeros = {k: np.zeros_like(w) for k, w in adjoints.items()} | {name: adjoints[name]}
        assert_same_bits(run.backward({name: adjoints[name]}), run.backward(zeros))


def test_a_tape_that_starts_between_cache_lines_is_read():
    plan = everything()
    run = Run(plan, drive_for(plan, 2, 10), spike="soft")
    tape = run.forward(keep_tape=True).tape
    shifted = np.empty(len(tape) + 9)[1 : len(tape) + 1]
    shifted[:] = tape
    assert_same_bits(run.backward(tape=shifted), run.backward(tape=tape))


# Interruption


@pytest.fixture
def alarm():
    """Raises KeyboardInterrupt after a while."""

    def ring(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(("batch", "n_steps"), [(20_000, 2_000), (1, 5_000_000)])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_run_stops_at_ctrl_c(alarm, batch, n_steps, threads):
    plan = everything()
    run = Run(plan, np.zeros((batch, plan.n_all)), n_steps=n_steps, seed=1, threads=threads)
    begin = time.monotonic()
    alarm(0.2)
    with pytest.raises(KeyboardInterrupt):
        run.forward(record=False)
    assert time.monotonic() - begin < 5


def test_a_long_gradient_stops_at_ctrl_c(alarm):
    plan = everything()
    run = Run(plan, np.zeros((1, plan.n_all)), n_steps=4_000_000, seed=1, checkpoint=10_000)
    tape = np.zeros(16 * 400 * plan.n_state)
    begin = time.monotonic()
    alarm(0.2)
    with pytest.raises(KeyboardInterrupt):
        run.backward({}, tape=tape)
    assert time.monotonic() - begin < 5


# Errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.zeros(3)}, "theta must have 64 values, got 3"),
        ({"drive": np.zeros((2, 5))}, r"drive must be \(batch, n_all\)"),
        ({"drive": np.zeros((3, 4, 12))}, r"drive must be \(batch, n_all\)"),
        ({"state": np.zeros((2, 5))}, r"state must be \(batch, n_state\)"),
        ({"noise": np.zeros((2, 4, 3))}, r"noise must be \(batch, steps, n_noise\)"),
        ({"spike": ["bang"] * 4}, "unknown kind bang"),
        ({"spike": ["hard"]}, "spike and scale must have one entry a population"),
        ({"scale": [1.0]}, "spike and scale must have one entry a population"),
        ({"isa": "neon"}, "unknown kind neon"),
        ({"n_threads": 0}, "n_threads must be at least 1"),
        ({"checkpoint": -1}, "must not be negative"),
        ({"first_step": -1}, "must not be negative"),
    ],
)
def test_kernels_refuse_what_does_not_fit(change, message):
    plan = everything()
    run = Run(plan, np.zeros((2, 4, plan.n_all)), noise=np.zeros((2, 4, plan.n_noise)))
    for part in (run.inputs, run.options):
        part.update({k: v for k, v in change.items() if k in part})
    with pytest.raises(ValueError, match=message):
        run.forward()


def test_kernels_refuse_another_dtype():
    plan = everything()
    run = Run(plan, np.zeros((2, 4, plan.n_all)))
    run.inputs["theta"] = run.inputs["theta"].astype(np.float32)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        run.forward()


def test_gradients_refuse_the_tape_and_the_adjoints_of_another_run():
    plan = everything()
    run = Run(plan, np.zeros((2, 4, plan.n_all)))
    longer = Run(plan, np.zeros((2, 5, plan.n_all)))
    with pytest.raises(ValueError, match="tape does not belong to this run"):
        run.backward(tape=longer.forward(keep_tape=True).tape)
    for name in OUTPUTS:
        wrong = {**run.adjoints(), name: np.zeros(3)}
        with pytest.raises(ValueError, match=f"{name} has a wrong size"):
            run.backward(wrong)


def test_a_missing_instruction_set_is_refused():
    missing = {"avx2", "avx512"} - set(ISAS)
    plan = everything()
    for isa in missing:
        with pytest.raises(ValueError, match="lacks the instruction set"):
            Run(plan, np.zeros((1, 1, plan.n_all)), isa=isa).forward()
    with pytest.raises(ValueError, match="unknown kind neon"):
        _core.network_isa_runs("neon")


def test_noise_refuses_negative_sizes():
    core = Run(everything(), np.zeros((1, 1, 12))).inputs["plan"]
    for sizes in ((-1, 0, 1), (1, -1, 1), (1, 0, -1)):
        with pytest.raises(ValueError, match="must not be negative"):
            _core.network_noise(core, 0, *sizes, 1)


POPULATION = {
    "kind": "lif", "n": 2, "v_rest": -0.06, "v_reset": -0.06, "v_min": -0.08, "resistance": 1e9,
    "tau_m": 0.0, "refractory_steps": 2, "decay_per_neuron": False, "noise_input": 0.0,
    "noise_current": 0.0, "noise_voltage": 0.0, "noise_threshold": 0.0,
}  # fmt: skip
PATHWAY = {
    "kind": "synapse", "pre": 0, "post": 0, "compartment": "soma", "divided": False,
    "previous": True, "depression": False, "per_edge": False, "sign": 1.0, "tau_syn": 0.005,
    "noise": 0.0, "cap": 0.0, "indptr": np.array([0, 1, 2]),
    "indices": np.array([0, 1], np.int32), "weights": np.ones(2),
}  # fmt: skip


@pytest.mark.parametrize(
    ("population", "pathway", "error", "message"),
    [
        ({"kind": "glia"}, {}, ValueError, "unknown kind glia"),
        ({"n": -1}, {}, ValueError, "a population has a negative size"),
        ({}, {"kind": "wire"}, ValueError, "unknown kind wire"),
        ({}, {"compartment": "spine"}, ValueError, "unknown kind spine"),
        ({}, {"pre": 1}, IndexError, "pathway 0: no such population"),
        ({}, {"post": -1}, IndexError, "pathway 0: no such population"),
        ({}, {"indptr": np.array([0, 2])}, ValueError, "indptr does not fit"),
        ({}, {"indptr": np.array([0, 3, 2])}, ValueError, "indptr falls"),
        ({}, {"weights": np.ones(3)}, ValueError, "indptr does not fit"),
        ({}, {"indices": np.array([0, 2], np.int32)}, IndexError, "postsynaptic index 2 is not"),
        ({}, {"indices": np.array([-1, 1], np.int32)}, IndexError, "postsynaptic index -1 is not"),
    ],
)
def test_a_plan_with_wiring_that_does_not_fit_is_refused(population, pathway, error, message):
    with pytest.raises(error, match=message):
        _core.NetworkPlan(1e-3, [POPULATION | population], [PATHWAY | pathway])


def test_a_plan_needs_a_time_step():
    with pytest.raises(ValueError, match="dt must be positive"):
        _core.NetworkPlan(0.0, [POPULATION], [PATHWAY])
