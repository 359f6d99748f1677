"""Networks with learned parameters: packing, bounds, sharing, copies, training."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cofire.nn import NetworkPlan, Pathway, Population, SpikingNetwork
from cofire.nn.packing import raw_of
from network_plans import drive_for, everything, random_plan

TRANSFORMS = {"gap_ab": ("softplus", 1e-9), "rate": "exp", "a_b": "softplus"}


def network_of(plan, **options):
    return SpikingNetwork(plan, dtype=torch.float64, **options)


@given(st.integers(0, 10**6))
def test_an_untrained_network_has_the_parameters_of_its_plan(seed):
    plan = random_plan(seed)
    theta = network_of(plan).theta().detach().numpy()
    np.testing.assert_allclose(theta, plan.initial_theta(), rtol=1e-12)


def test_transforms_do_not_change_the_initial_values():
    plan = everything()
    network = network_of(plan, transforms=TRANSFORMS)
    np.testing.assert_allclose(network.theta().detach(), plan.initial_theta(), rtol=1e-12)
    assert set(dict(network.pathways["gap_ab"].named_parameters())) == {"raw_conductance"}
    assert set(dict(network.pathways["rate"].named_parameters())) == {"log_gain"}
    assert set(dict(network.pathways["a_b"].named_parameters())) == {
        "raw_strength",
        "logit_use",
        "log_tau_rec",
    }


def test_the_gradient_of_packing_is_its_derivative():
    plan = everything()
    network = network_of(plan, transforms=TRANSFORMS)
    names = [name for name, _ in network.named_parameters()]
    size = torch.from_numpy(np.abs(plan.initial_theta()))

    def relative_theta(*values):
        with torch.no_grad():
            for p, value in zip(network.parameters(), values, strict=True):
                p.copy_(value)
        theta = network.theta()
        theta.backward(torch.ones_like(theta) / size)
        return theta.detach() / size

    values = [p.detach().clone() for p in network.parameters()]
    relative_theta(*values)
    gradients = [p.grad.clone() for p in network.parameters()]
    for k, name in enumerate(names):
        for i in range(values[k].numel()):
            ends = []
            for sign in (1, -1):
                moved = [v.clone() for v in values]
                moved[k].view(-1)[i] += sign * 1e-5
                ends.append(relative_theta(*moved).sum())
            expected = (ends[0] - ends[1]) / 2e-5
            np.testing.assert_allclose(
                gradients[k].view(-1)[i], expected, rtol=1e-6, atol=1e-6, err_msg=name
            )


def test_each_theta_value_depends_on_its_own_parameter_only():
    plan = everything()
    network = network_of(plan)
    for slot in plan.theta_layout:
        network.zero_grad()
        network.theta()[slot.start].backward()
        touched = {n for n, p in network.named_parameters() if p.grad is not None and p.grad.any()}
        home = "populations" if slot.owner in network.populations else "pathways"
        name = raw_of(slot.field).name
        assert touched == {f"{home}.{slot.owner}.{name}"}


def test_a_drive_by_population_is_put_in_its_place():
    plan = everything()
    network = network_of(plan)
    a, c = torch.rand(2, 4, dtype=torch.float64), torch.rand(2, 3, dtype=torch.float64)
    joined = network.join_drive({"c": c, "a": a})
    torch.testing.assert_close(joined[:, :4], a)
    torch.testing.assert_close(joined[:, 9:], c)
    assert not joined[:, 4:9].any()
    over_time = network.join_drive({"a": torch.ones(2, 7, 4)})
    assert over_time.shape == (2, 7, 12)
    with pytest.raises(ValueError, match="there is no population 'z'"):
        network.join_drive({"z": a})
    with pytest.raises(ValueError, match="drive is empty"):
        network.join_drive({})
    with pytest.raises(ValueError, match=r"drive of 'c' must have shape \(2, 3\), got \(3, 2\)"):
        network.join_drive({"a": a, "c": c.T})
    out = network({"a": 1e-10 * a}, n_steps=5)
    assert out.counts.shape == (2, plan.n_spiking)


def test_an_ablated_network_shares_its_parameters():
    network = network_of(everything())
    fewer = network.ablate("gap_a", "rate")
    assert len(fewer.theta()) == len(network.theta()) - 2
    assert len(network.plan.pathways) == 20
    with torch.no_grad():
        network.parameter("a", "v_th").fill_(-0.05)
    assert (fewer.theta() == -0.05).sum() == 4
    fewer.theta().sum().backward()
    assert network.parameter("a", "v_th").grad is not None
    assert network.parameter("gap_a", "conductance").grad is None


def test_a_network_of_another_plan_runs_it():
    plan = everything(noise=False)
    network = network_of(plan)
    other = network.with_plan(plan.with_weights("a_b", np.zeros((4, 3))))
    drive = torch.from_numpy(drive_for(plan, 2, 20))
    expected = network_of(other.plan)(drive, n_steps=20)
    found = other(drive, n_steps=20)
    torch.testing.assert_close(found.state, expected.state, rtol=0, atol=0)
    changed = network(drive, n_steps=20)
    assert not torch.equal(changed.counts, found.counts)


def test_a_plan_with_other_parameters_is_refused():
    plan = everything()
    with pytest.raises(ValueError, match="the plan has use of 'a_c', for which this network has"):
        network_of(plan).with_plan(
            NetworkPlan(plan.populations, [Pathway("a_c", "a", "c", np.eye(4, 3), strength=1e-9)])
        )
    with pytest.raises(ValueError, match="the plan has 3 values of strength of 'a_b_axon'"):
        network_of(plan).with_plan(plan.with_weights("a_b_axon", np.eye(4, 3)))


def test_clamping_brings_physical_values_into_bounds():
    bounds = {"tau_m": (0.005, 0.050), "b.v_th": (-0.049, -0.046), "use": (0.35, 0.8)}
    network = network_of(everything(), bounds=bounds)
    with torch.no_grad():
        network.parameter("a", "tau_m").add_(5.0)
        network.parameter("b", "v_th").copy_(torch.tensor([-0.1, -0.0475, 0.0]))
    network.clamp_()
    now = network.physical()
    np.testing.assert_allclose(now["a.tau_m"], 0.050)
    np.testing.assert_allclose(now["b.v_th"], [-0.049, -0.0475, -0.046])
    np.testing.assert_allclose(now["a.v_th"], -0.045)
    assert now["a_b.use"].item() == pytest.approx(0.35)
    assert now["b_b.use"].item() == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bounds": {"speed": (0, 1)}}, "bounds names 'speed', but the network learns a.tau_m"),
        ({"bounds": {"tau_m": (0.0, 0.1)}}, "tau_m is learned as log_tau_m and must be above 0"),
        ({"bounds": {"tau_m": (0.2, 0.1)}}, "bounds of tau_m of 'a' must be low < high"),
        ({"transforms": {"nothing": "exp"}}, "there is no pathway 'nothing'"),
        ({"transforms": {"rate": "square"}}, r"transforms\['rate'\] must be one of"),
        ({"transforms": {"rate": ("exp", -1.0)}}, "scale of 'rate' must be positive"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        network_of(everything(), **options)


def test_values_that_cannot_be_learned_are_refused():
    plan = NetworkPlan(
        [Population("a", 2), Population("b", 2)],
        [Pathway("w", "a", "b", np.eye(2), strength=1e-9, use=1.0)],
    )
    with pytest.raises(ValueError, match="'w': use is learned as logit_use and must be between"):
        SpikingNetwork(plan)
    nothing = NetworkPlan(plan.populations, [Pathway("w", "a", "b", np.eye(2), strength=0.0)])
    with pytest.raises(ValueError, match="strength is learned as log_strength and must be above 0"):
        SpikingNetwork(nothing)


def test_names_that_torch_needs_are_refused():
    plan = NetworkPlan([Population("keys", 2)], [])
    with pytest.raises(ValueError, match="'keys' cannot be the name of a module"):
        SpikingNetwork(plan)


def test_parameters_are_found_by_quantity():
    network = network_of(everything())
    assert network.parameter("a_b", "tau_rec") is network.pathways["a_b"].log_tau_rec
    with pytest.raises(ValueError, match="'a_b' has no parameter for 'gain'"):
        network.parameter("a_b", "gain")


def test_a_trained_plan_starts_where_the_network_is():
    network = network_of(everything(), transforms=TRANSFORMS)
    with torch.no_grad():
        for p in network.parameters():
            p.mul_(1.01)
    plan = network.trained_plan()
    np.testing.assert_allclose(plan.initial_theta(), network.theta().detach(), rtol=1e-12)
    assert plan != network.plan


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_copies_have_parameters_of_their_own(copied):
    network = network_of(everything(), bounds={"v_th": (-0.055, -0.040)})
    other = copied(network)
    before = network.theta().detach().clone()
    with torch.no_grad():
        other.parameter("a", "v_th").add_(1.0)
    torch.testing.assert_close(network.theta().detach(), before, rtol=0, atol=0)
    assert (other.theta() != before).sum() == 4
    other.clamp_()
    assert other.physical()["a.v_th"].max().item() == pytest.approx(-0.040)


def test_parameters_go_through_a_state_dict(tmp_path):
    network, other = network_of(everything()), network_of(everything())
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.01)
    torch.save(network.state_dict(), tmp_path / "network.pt")
    other.load_state_dict(torch.load(tmp_path / "network.pt", weights_only=True))
    torch.testing.assert_close(other.theta(), network.theta(), rtol=0, atol=0)


def test_float32_is_the_default():
    network = SpikingNetwork(everything())
    assert network.theta().dtype == torch.get_default_dtype() == torch.float32
    assert network.double().theta().dtype == torch.float64


def test_training_finds_the_strength_of_a_pathway():
    populations = [Population("E", 6), Population("I", 4, v_th=-0.052)]
    weights = np.random.default_rng(0).random((6, 4))
    plan = NetworkPlan(populations, [Pathway("E_I", "E", "I", weights, strength=4e-10)])
    drive = {"E": torch.linspace(2e-11, 8e-11, 6, dtype=torch.float64).expand(2, 6)}
    target = network_of(plan)(drive, n_steps=40, spike="soft").counts.detach()
    weaker = NetworkPlan(populations, [Pathway("E_I", "E", "I", weights, strength=1e-10)])
    network = network_of(weaker)
    optimizer = torch.optim.Adam([network.parameter("E_I", "strength")], lr=0.1)
    for _ in range(40):
        optimizer.zero_grad()
        counts = network(drive, n_steps=40, spike="soft").counts
        loss = ((counts - target)[:, 6:] ** 2).mean()
        loss.backward()
        optimizer.step()
    assert network.physical()["E_I.strength"].item() == pytest.approx(4e-10, rel=0.05)
