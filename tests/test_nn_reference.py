"""The plain-torch simulation against loops over neurons, and its properties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cofire.nn import NetworkPlan, Population
from cofire.nn.noise import _philox, counter_noise
from cofire.nn.reference import simulate
from network_plans import drive_for, everything, random_plan
from reference import network as oracle

FIRE = {"hard": oracle.hard, "soft": oracle.soft}
BOTH = ("spikes", "voltages")


def normals(plan, batch, n_steps, seed=1):
    return np.random.default_rng(seed).normal(size=(batch, n_steps, plan.n_noise))


def run(plan, drive, **options):
    theta = torch.from_numpy(plan.initial_theta())
    drive = torch.as_tensor(drive)
    options.setdefault("n_steps", drive.shape[1] if drive.ndim == 3 else 20)
    return simulate(plan, theta, drive, **options)


def assert_equals_loops(plan, drive, noise, spike):
    out = run(
        plan, drive, spike=spike, record=BOTH, noise=None if noise is None else torch.tensor(noise)
    )
    for k in range(len(drive)):
        spikes, voltages = oracle.simulate(
            plan,
            plan.initial_theta(),
            drive[k],
            None if noise is None else noise[k],
            FIRE[spike],
        )
        np.testing.assert_allclose(out.spikes[k], spikes, rtol=0, atol=1e-9)
        np.testing.assert_allclose(out.voltages[k], voltages, rtol=0, atol=1e-10)
        np.testing.assert_allclose(out.counts[k], spikes.sum(0), rtol=0, atol=1e-8)
    return out


@pytest.mark.parametrize("spike", FIRE)
@pytest.mark.parametrize("noisy", [False, True])
def test_a_network_with_everything_equals_loops_over_neurons(spike, noisy):
    plan = everything(noise=noisy)
    noise = normals(plan, 2, 25) if noisy else None
    out = assert_equals_loops(plan, drive_for(plan, 2, 25), noise, spike)
    assert out.counts.sum() > 15


@given(st.integers(0, 10**6), st.sampled_from(sorted(FIRE)), st.booleans())
def test_random_networks_equal_loops_over_neurons(seed, spike, noisy):
    plan = random_plan(seed)
    noise = normals(plan, 1, 12, seed) if noisy else None
    assert_equals_loops(plan, drive_for(plan, 1, 12, seed), noise, spike)


def test_a_constant_drive_is_the_same_as_one_that_is_repeated():
    plan = everything(noise=False)
    constant = drive_for(plan, 3, 1)[:, 0]
    a = run(plan, constant, n_steps=15)
    b = run(plan, np.repeat(constant[:, None], 15, 1))
    torch.testing.assert_close(a.state, b.state, rtol=0, atol=0)


@given(st.integers(1, 19))
def test_a_run_in_two_parts_is_the_whole_run(cut):
    plan, whole = everything(), drive_for(everything(), 2, 20)
    for options in ({}, {"seed": 3}):
        once = run(plan, whole, **options)
        first = run(plan, whole[:, :cut], **options)
        assert first.step == cut
        second = run(plan, whole[:, cut:], state=first.state, step=first.step, **options)
        torch.testing.assert_close(second.state, once.state, rtol=0, atol=1e-12)
        torch.testing.assert_close(first.counts + second.counts, once.counts, rtol=0, atol=1e-12)
        assert second.step == 20


def test_samples_do_not_see_each_other():
    plan, drive = everything(), drive_for(everything(), 4, 20)
    together = run(plan, drive, seed=5)
    few = run(plan, drive[:2], seed=5)
    torch.testing.assert_close(together.state[:2], few.state, rtol=0, atol=1e-12)


def test_a_neuron_fires_again_after_its_refractory_time():
    for refractory, gap in ((0.0, 1), (0.001, 1), (0.002, 2), (0.005, 5)):
        plan = NetworkPlan([Population("a", 1, refractory=refractory)], [])
        out = run(plan, np.full((1, 1), 1e-9), n_steps=20, record=("spikes",))
        times = out.spikes[0, :, 0].nonzero().ravel().numpy()
        np.testing.assert_array_equal(np.diff(times), gap)


def test_float32_follows_float64_without_spikes_at_the_edge():
    plan = everything(noise=False)
    drive = torch.tensor(drive_for(plan, 2, 20))
    theta = torch.from_numpy(plan.initial_theta())
    exact = simulate(plan, theta, drive, n_steps=20, spike="soft")
    single = simulate(plan, theta.float(), drive.float(), n_steps=20, spike="soft")
    assert single.counts.dtype == torch.float32
    torch.testing.assert_close(single.counts.double(), exact.counts, rtol=1e-2, atol=1e-2)


def test_only_graded_populations_make_a_network_without_spikes():
    plan = NetworkPlan([Population("g", 2, "graded", tau_m=0.01)], [])
    out = run(plan, np.ones((3, 2)), n_steps=200, record=BOTH)
    assert out.counts.shape == (3, 0)
    assert out.spikes.shape == (3, 200, 0)
    expected = 1 / (1 - np.exp(-0.1))
    np.testing.assert_allclose(out.voltages[:, -1], expected, rtol=1e-6)


def test_records_are_left_out_unless_asked_for():
    plan = everything()
    out = run(plan, drive_for(plan, 1, 3))
    assert out.spikes is None
    assert out.voltages is None


def test_gradients_are_the_derivatives_below_threshold():
    # Nothing reaches a spike of 0.5, so nothing is reset: the network is smooth.
    plan = everything(noise=False)
    theta = torch.from_numpy(plan.initial_theta())
    drive = torch.from_numpy(drive_for(plan, 1, 6, level=4e-12))
    scale = theta.abs()
    state = torch.from_numpy(plan.initial_state(1))
    size = {"v": 1e-3, "v_dendrite": 1e-3, "v_axon": 1e-3, "refractory": 0.0, "current": 1e-12}
    size["resources"] = -0.1
    step = torch.cat(
        [torch.full((s.stop - s.start,), size.get(s.field, 0.1)) for s in plan.state_layout]
    ).double()

    def function(relative, drive, shift):
        out = simulate(
            plan, scale * relative, 1e-11 * drive, n_steps=6, spike=("soft", 4e-3),
            state=state + step * shift, record=BOTH,
        )  # fmt: skip
        assert out.spikes.max() < 0.5
        return out.counts, 1e2 * out.voltages

    inputs = [theta.sign(), drive / 1e-11, torch.ones_like(state)]
    assert torch.autograd.gradcheck(
        function, [x.clone().requires_grad_() for x in inputs], eps=1e-6, atol=1e-6, rtol=1e-5
    )


def test_no_gradient_passes_through_a_reset():
    plan = NetworkPlan([Population("a", 1)], [])
    state = torch.from_numpy(plan.initial_state(1)).requires_grad_()
    drive = torch.zeros(1, 4, 1, dtype=torch.float64)
    for first, passes in ((0.0, True), (1e-9, False)):
        drive[0, 0] = first
        out = run(plan, drive, state=state, spike="superspike", record=("voltages",))
        (gradient,) = torch.autograd.grad(out.voltages[0, -1, 0], state)
        assert bool(gradient[0, 0] != 0) == passes


def test_a_spike_passes_its_surrogate_to_what_came_before():
    plan = NetworkPlan([Population("a", 1)], [])
    theta = torch.from_numpy(plan.initial_theta()).requires_grad_()
    for current in (1.0e-10, 1e-9):
        drive = torch.full((1, 1), current, dtype=torch.float64)
        out = simulate(plan, theta, drive, n_steps=1, spike="superspike")
        (gradient,) = torch.autograd.grad(out.counts.sum(), theta)
        decay = plan.initial_theta()[0]
        u = current * 1e9 * (1 - decay) - 0.060 + 0.0425
        slope = 100 / (1 + 100 * abs(u)) ** 2
        np.testing.assert_allclose(gradient[1], -slope, rtol=1e-12)
        np.testing.assert_allclose(gradient[0], -slope * current * 1e9, rtol=1e-12)


def test_clamps_pass_the_gradient_only_inside():
    plan = NetworkPlan([Population("a", 1)], [])
    state = torch.from_numpy(plan.initial_state(1)).requires_grad_()
    for current, passes in ((-1e-11, True), (-1e-9, False)):
        drive = torch.full((1, 1), current, dtype=torch.float64)
        out = run(plan, drive, n_steps=1, state=state, record=("voltages",))
        (gradient,) = torch.autograd.grad(out.voltages.sum(), state)
        assert bool(gradient[0, 0] != 0) == passes


def test_philox_gives_the_published_words():
    def words(counter, seed):
        return [int(w) for w in _philox(seed, *(np.uint64(c) for c in counter))]

    assert words((0, 0, 0, 0), 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    full = 0xFFFFFFFF
    assert words((full,) * 4, 2**64 - 1) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
    key = 0xA4093822 | 0x299F31D0 << 32
    assert words(pi, key) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def test_noise_is_standard_normal_and_independent_between_sites_and_steps():
    plan = everything()
    drawn = counter_noise(plan, 11, np.arange(400), np.arange(50)).astype(float)
    assert drawn.shape == (400, 50, plan.n_noise)
    n = drawn.size
    assert abs(drawn.mean()) < 4 / np.sqrt(n)
    assert abs(drawn.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((drawn**4).mean() - 3) < 4 * np.sqrt(96 / n)
    flat = drawn.reshape(-1, plan.n_noise)
    between = np.corrcoef(flat.T) - np.eye(plan.n_noise)
    assert np.abs(between).max() < 5 / np.sqrt(len(flat))
    later = (drawn[:, 1:] * drawn[:, :-1]).mean()
    assert abs(later) < 4 / np.sqrt(n)


def test_noise_depends_on_seed_sample_step_and_site_only():
    plan = everything()
    drawn = counter_noise(plan, 11, np.arange(6), np.arange(8))
    np.testing.assert_array_equal(drawn[[4, 2], 3:5], counter_noise(plan, 11, [4, 2], [3, 4]))
    assert not np.array_equal(drawn, counter_noise(plan, 12, np.arange(6), np.arange(8)))
    far = counter_noise(plan, 11, [0], [2**32])
    assert not np.array_equal(drawn[:1, :1], far)


def test_a_seed_is_the_tensor_of_its_noise():
    plan, drive = everything(), drive_for(everything(), 3, 10)
    tensor = torch.from_numpy(counter_noise(plan, 9, np.arange(3), np.arange(10))).double()
    seeded, given_ = run(plan, drive, seed=9), run(plan, drive, noise=tensor)
    torch.testing.assert_close(seeded.state, given_.state, rtol=0, atol=0)


def theta_of(plan):
    return torch.from_numpy(plan.initial_theta())


PLAN = everything()
GOOD = torch.from_numpy(drive_for(PLAN, 2, 3))


def changed(tensor, index, value):
    tensor = tensor.clone()
    tensor[index] = value
    return tensor


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"theta": theta_of(PLAN)[1:]}, ValueError, r"theta must have shape \(\d+,\)"),
        ({"theta": theta_of(PLAN).int()}, TypeError, "theta must be float32 or float64"),
        (
            {"theta": changed(theta_of(PLAN), 5, np.nan)},
            ValueError,
            "theta must be finite: threshold of 'a', element 1, is nan",
        ),
        ({"drive": GOOD[:, :2]}, ValueError, r"drive must have shape \(2, 3, 12\)"),
        ({"drive": GOOD[:0]}, ValueError, "drive has no samples"),
        ({"drive": GOOD.numpy()}, TypeError, "drive must be a tensor, got ndarray"),
        ({"drive": GOOD.float()}, TypeError, "drive is torch.float32 and theta torch.float64"),
        (
            {"drive": changed(GOOD, (1, 2, 5), np.inf)},
            ValueError,
            "drive must be finite: drive of 'g', element 1, is inf",
        ),
        ({"n_steps": 0}, ValueError, "n_steps must be at least 1"),
        ({"step": -1}, ValueError, "step must be at least 0"),
        ({"state": torch.zeros(2, 3)}, ValueError, "state must have shape"),
        ({"noise": torch.zeros(2, 3, 1)}, ValueError, "noise must have shape"),
        (
            {"noise": torch.zeros(2, 3, PLAN.n_noise).double(), "seed": 1},
            ValueError,
            "noise and seed exclude each other",
        ),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"record": "spikes"}, ValueError, "record must be a tuple"),
        ({"record": ("rates",)}, ValueError, "record must be a tuple"),
        ({"spike": "relu"}, ValueError, "spike must be one of"),
        ({"spike": {"a": "soft"}}, ValueError, "spike has no entry for b, c"),
        (
            {"spike": {"a": "soft", "b": "soft", "c": "soft", "g": "soft"}},
            ValueError,
            "spike names 'g'; the spiking populations are a, b, c",
        ),
        ({"spike": ("soft", 0.0)}, ValueError, "scale of soft must be positive"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(options, error, message):
    given_ = {"theta": theta_of(PLAN), "drive": GOOD, "n_steps": 3, **options}
    with pytest.raises(error, match=message):
        simulate(PLAN, given_.pop("theta"), given_.pop("drive"), **given_)


def test_large_finite_inputs_are_not_called_infinite():
    plan = NetworkPlan([Population("g", 2, "graded")], [])
    drive = torch.full((1, 2), 3e38)
    out = simulate(plan, torch.from_numpy(plan.initial_theta()).float(), drive, n_steps=1)
    assert out.step == 1
