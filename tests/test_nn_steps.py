"""Modules that step one at a time give what their plan gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cofire.nn import (
    LIF,
    ConnectomeLinear,
    Depression,
    GapJunction,
    GradedInhibition,
    NetworkPlan,
    TwoCompartment,
)
from cofire.nn.reference import simulate
from cofire.nn.steps import depolarization
from network_plans import mask, weights

RNG = np.random.default_rng(4)
W = {
    "ab": weights(RNG, 4, 3),
    "ab_axon": weights(RNG, 4, 3),
    "bb": weights(RNG, 3, 3),
    "bg": weights(RNG, 3, 2),
    "gb": weights(RNG, 2, 3),
    "gap": mask(RNG, 4),
    "gap_ab": weights(RNG, 4, 3),
}
EXACT = {"dtype": torch.float64}


class HandMade(torch.nn.Module):
    """LIF neurons and two-compartment neurons with an inhibitory loop, stepped by hand."""

    def __init__(self, spike="soft", source="rate"):
        super().__init__()
        self.source = source
        self.a = LIF(4, spike=spike, v_th=-0.045, tau_m=[0.01, 0.02, 0.02, 0.03], **EXACT)
        self.b = TwoCompartment(3, spike=spike, v_th=-0.05, **EXACT)
        self.a_b = ConnectomeLinear(
            W["ab"], strength=3e-10, depression=Depression(0.4, 0.1, **EXACT), **EXACT
        )
        self.a_b_axon = ConnectomeLinear(
            W["ab_axon"], strength=5e-11, per_edge=True, tau_syn=0.01, **EXACT
        )
        self.b_b = ConnectomeLinear(W["bb"], strength=1e-10, sign=-1, **EXACT)
        self.gap = GapJunction(W["gap"], conductance=2e-10, **EXACT)
        self.gap_ab = GapJunction(W["gap_ab"], conductance=3e-10, **EXACT)
        gain = 2.0 if source == "rate" else 40.0
        self.g = GradedInhibition(
            W["bg"], W["gb"], source=source, gain_in=gain, gain_out=1.5, tau_m=0.015, **EXACT
        )

    def plan(self):
        return NetworkPlan(
            [self.a.population("a"), self.g.population("g"), self.b.population("b")],
            [
                self.a_b.pathway("a_b", "a", "b", divided=True),
                self.a_b_axon.pathway("a_b_axon", "a", "b", compartment="axon"),
                self.b_b.pathway("b_b", "b", "b", timing="previous"),
                self.gap.pathway("gap", "a", "a"),
                self.gap_ab.pathway("gap_ab", "a", "b"),
                *self.g.pathways("g", "b", "b"),
            ],
        )

    def forward(self, to_a, to_b, n_steps):
        rest = torch.full_like(to_a, -0.060), torch.full_like(to_b, -0.060)
        a = b = a_b = a_b_axon = b_b = activity = None
        b_spikes, count = torch.zeros_like(to_b), torch.zeros_like(to_b)
        everything = []
        for t in range(n_steps):
            v_a = rest[0] if a is None else a.v
            v_b = rest[1] if b is None else b.v_dendrite
            into_a = to_a + self.gap(v_a, v_a) + self.gap_ab.into_pre(v_a, v_b)
            a_spikes, a = self.a(into_a, a)
            seen = count / (t + 1) if self.source == "rate" else depolarization(v_b, -0.060)
            division, activity = self.g(seen, activity)
            from_a, a_b = self.a_b(a_spikes, a_b)
            axonal, a_b_axon = self.a_b_axon(a_spikes, a_b_axon)
            recurrent, b_b = self.b_b(b_spikes, b_b)
            dendritic = (to_b + from_a) / (1 + division) + recurrent + self.gap_ab(v_a, v_b)
            b_spikes, b = self.b(dendritic, axonal, b)
            count = count + b_spikes
            everything.append(torch.cat([a_spikes, b_spikes], 1))
        return torch.stack(everything, 1)


def drives():
    to_a = torch.linspace(1e-11, 8e-11, 8, dtype=torch.float64).reshape(2, 4)
    to_b = torch.linspace(0, 3e-11, 6, dtype=torch.float64).reshape(2, 3)
    return to_a, to_b


def planned(plan, to_a, to_b, n_steps, spike):
    zero = torch.zeros(len(to_a), 2, dtype=torch.float64)
    theta = torch.from_numpy(plan.initial_theta()).requires_grad_()
    drive = torch.cat([to_a, zero, to_b], 1)
    out = simulate(plan, theta, drive, n_steps=n_steps, spike=spike, record=("spikes",))
    return out.spikes, theta


@pytest.mark.parametrize("spike", ["hard", "soft", ("superspike", 50.0)])
@pytest.mark.parametrize("source", ["rate", "depolarization"])
def test_stepping_by_hand_is_what_the_plan_does(spike, source):
    network = HandMade(spike, source)
    stepped = network(*drives(), n_steps=25)
    whole, _ = planned(network.plan(), *drives(), 25, spike)
    assert stepped.sum() > 10
    torch.testing.assert_close(stepped, whole, rtol=0, atol=1e-9)


def test_gradients_of_stepping_are_those_of_the_plan():
    network = HandMade("soft")
    plan = network.plan()
    network(*drives(), n_steps=15).sum().backward()
    spikes, theta = planned(plan, *drives(), 15, "soft")
    (gradient,) = torch.autograd.grad(spikes.sum(), theta)
    slots = {(s.owner, s.field): slice(s.start, s.stop) for s in plan.theta_layout}
    strength = plan.pathway("a_b").strength
    np.testing.assert_allclose(
        network.a_b.log_strength.grad, gradient[slots["a_b", "strength"]][0] * strength, rtol=1e-8
    )
    np.testing.assert_allclose(
        network.a.v_th.grad, gradient[slots["a", "threshold"]], rtol=1e-8, atol=1e-8
    )
    use = plan.pathway("a_b").use
    np.testing.assert_allclose(
        network.a_b.depression.logit_use.grad,
        gradient[slots["a_b", "use"]][0] * use * (1 - use),
        rtol=1e-8,
    )
    assert all(p.grad is not None for p in network.parameters())


def test_depression_follows_its_formula():
    depression = Depression(0.5, 0.1, **EXACT)
    released, left = depression(torch.ones(1, 1, dtype=torch.float64))
    assert released.item() == pytest.approx(0.5)
    assert left.item() == pytest.approx(0.5)
    released, left = depression(torch.zeros(1, 1, dtype=torch.float64), left)
    assert released.item() == 0
    assert left.item() == pytest.approx(1 - 0.5 * np.exp(-0.01))


def test_gap_junctions_conserve_current():
    gap = GapJunction(W["gap_ab"], conductance=1e-9, **EXACT)
    v_a, v_b = torch.rand(1, 4, dtype=torch.float64), torch.rand(1, 3, dtype=torch.float64)
    total = gap(v_a, v_b).sum() + gap.into_pre(v_a, v_b).sum()
    assert abs(total.item()) < 1e-20


def test_values_are_physical_and_named():
    neurons = LIF(2, tau_m=0.03)
    assert neurons.value("tau_m").item() == pytest.approx(0.03)
    with pytest.raises(ValueError, match="LIF has no 'tau_rec'; it has v_th, tau_m"):
        neurons.value("tau_rec")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LIF(0), "population 'LIF': n must be at least 1"),
        (lambda: LIF(2, tau_m=-1.0), "population 'LIF': tau_m must be positive"),
        (lambda: LIF(2, spike="relu"), "spike must be one of"),
        (lambda: LIF(2, dt=0), r"dt must be positive \(s\)"),
        (lambda: Depression(use=0.0), "use is learned as logit_use and must be between 0 and 1"),
        (lambda: ConnectomeLinear(np.eye(2), strength=-1.0), "strength must not be negative"),
        (lambda: GapJunction(-np.eye(2), conductance=1e-9), "must not be negative"),
        (
            lambda: GradedInhibition(np.ones((3, 2)), np.ones((1, 3))),
            "weights_in must have 1 columns",
        ),
        (lambda: GradedInhibition(np.eye(2), np.eye(2), source="x"), "source must be one of"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
