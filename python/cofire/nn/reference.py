"""The network in plain PyTorch, written to be read: what the compiled operator must equal.

It runs on any device and in float32 and float64, and its gradients come from autograd.

Order of one step, for each population in the order of the plan: graded populations average their
input and add the drive; spiking populations sum their currents, integrate, are held while
refractory, fire, reset. Gap junctions, graded release and depolarization use the voltages of the
start of the step. Spikes become "previous" at the end of the step, for all populations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor

from cofire.nn import steps, surrogates
from cofire.nn.elements import Pathway, Population
from cofire.nn.inputs import Simulated, check_inputs
from cofire.nn.layout import Slot
from cofire.nn.noise import counter_noise
from cofire.nn.plan import NetworkPlan
from cofire.nn.surrogates import SpikeOption, spike_functions

Fields = dict[tuple[str, str], Tensor]


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
    """Simulate a network step by step.

    Parameters
    ----------
    plan : NetworkPlan
    theta : tensor (n_theta,), float32 or float64
        Effective parameters as in ``plan.theta_layout``.
    drive : tensor (batch, n_all) or (batch, n_steps, n_all)
        Current into the soma or dendrite (A), or what is added to a graded activity each step.
    n_steps : int
    spike : str, (str, float) or mapping of population to one of them
        Spike function, see :mod:`cofire.nn.surrogates`.
    noise : tensor (batch, n_steps, n_noise), optional
        Standard normal numbers as in ``plan.noise_layout``.
    seed : int, optional
        Draws the noise by counter. Without `noise` and `seed` there is none.
    state : tensor (batch, n_state), optional
        State to go on from; default: at rest.
    step : int
        Number of the first step, counted from 0.
    record : collection of {"spikes", "voltages"}
    checkpoint, threads : int, optional
        Of the compiled operator; without effect here.

    Returns
    -------
    Simulated
        Differentiable with respect to `theta`, `drive` and `state`.
    """
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
    if seed is not None and plan.n_noise:
        drawn = counter_noise(plan, seed, np.arange(len(drive)), np.arange(step, step + n_steps))
        noise = torch.from_numpy(drawn).to(theta)
    if state is None:
        state = torch.from_numpy(plan.initial_state(len(drive))).to(theta)
    network = _Network(plan, theta, spike)
    x = _split(state, plan.state_layout)
    spikes, voltages = [], []
    for t in range(n_steps):
        at_t = _split(drive[:, t] if drive.ndim == 3 else drive, plan.drive_layout)
        xi = {} if noise is None else _split(noise[:, t], plan.noise_layout)
        x = network.step(x, at_t, xi, step + t)
        spikes.append(_join(x, plan.spike_layout))
        if "voltages" in record:
            voltages.append(_join(x, plan.voltage_layout))
    every = torch.stack(spikes, 1)
    return Simulated(
        counts=every.sum(1),
        spikes=every if "spikes" in record else None,
        voltages=torch.stack(voltages, 1) if voltages else None,
        state=_join(x, plan.state_layout),
        step=step + n_steps,
    )


class _Network:
    """A plan with parameters; the state goes in and out of :meth:`step`."""

    def __init__(self, plan: NetworkPlan, theta: Tensor, option: SpikeOption) -> None:
        self.plan = plan
        self.value = _split(theta, plan.theta_layout)
        self.spike: dict[str, Callable[[Tensor], Tensor]] = {
            name: partial(surrogates.spike, name=kind, scale=scale)
            for name, (kind, scale) in spike_functions(plan, option).items()
        }
        self.refractory = dict(
            zip((p.name for p in plan.populations), plan.refractory_steps, strict=True)
        )
        self.weights = dict(_dense(plan, theta.dtype, theta.device))
        self.active = _active(plan, theta.device)
        for w in plan.pathways:
            if w.per_edge:
                factor = self.value[w.name, "strength"]
                self.weights[w.name] = steps.scale_edges(self.weights[w.name], w, factor)

    def step(self, x: Fields, drive: Fields, xi: Fields, t: int) -> Fields:
        """State after step t."""
        new = dict(x)
        for p in self.plan.populations:
            given = drive[p.name, "drive"]
            if p.kind == "graded":
                new[p.name, "activity"] = steps.accumulate(
                    x[p.name, "activity"],
                    self._graded_input(p, x, t),
                    self.value[p.name, "decay"],
                    given,
                )
                continue
            self._synapses(p, x, new, xi)
            if p.kind == "lif":
                self._lif(p, x, new, given, xi)
            else:
                self._two_compartment(p, x, new, given, xi)
        for name, field in new:
            if field == "count":
                new[name, field] = x[name, field] + new[name, "spikes"]
        return new

    def _into(self, p: Population, *kinds: str) -> list[Pathway]:
        return [w for w in self.plan.pathways if w.post == p.name and w.kind in kinds]

    def _start(self, x: Fields, name: str) -> Tensor:
        """Voltage that others see: of the soma or dendrite, at the start of the step."""
        return x[name, "v"] if (name, "v") in x else x[name, "v_dendrite"]

    def _depolarization(self, x: Fields, name: str) -> Tensor:
        return steps.depolarization(self._start(x, name), self.plan.population(name).v_reset)

    def _graded_input(self, p: Population, x: Fields, t: int) -> Tensor:
        received = torch.zeros_like(x[p.name, "activity"])
        for w in self._into(p, "rate", "depolarization"):
            if w.kind == "rate":
                source = x[w.pre, "count"] / (t + 1)
            else:
                source = self._depolarization(x, w.pre)
            received = received + self.value[w.name, "gain"] * (source @ self.weights[w.name])
        return received

    def _synapses(self, p: Population, x: Fields, new: Fields, xi: Fields) -> None:
        """Release onto a population: new currents and resources."""
        for group in self.plan.groups:
            if group.post != p.name:
                continue
            pathways = [self.plan.pathways[i] for i in group.pathways]
            key = pathways[0].name, "current"
            current = x[key] * math.exp(-self.plan.dt / group.tau_syn)
            for w in pathways:
                source = (new if w.timing == "current" else x)[w.pre, "spikes"]
                current = current + self._received(w, source, x, new, xi)
            new[key] = current

    def _received(self, w: Pathway, source: Tensor, x: Fields, new: Fields, xi: Fields) -> Tensor:
        """Current that a synapse adds in this step."""
        rows = self.active[w.name]
        released = source[:, rows]
        if w.depression:
            released, new[w.name, "resources"] = steps.deplete(
                x[w.name, "resources"],
                released,
                self.value[w.name, "use"],
                self.value[w.name, "recovery"],
            )
        received = w.sign * (released @ self.weights[w.name][rows])
        if not w.per_edge:
            received = received * self.value[w.name, "strength"]
        if (w.name, "synapse") in xi:
            received = received * (1 + w.noise * xi[w.name, "synapse"])
        return received

    def _gaps(self, p: Population, x: Fields) -> list[Tensor]:
        currents = []
        v = self._start(x, p.name)
        for w in self.plan.pathways:
            if w.kind != "gap" or p.name not in (w.pre, w.post):
                continue
            mask = self.weights[w.name]
            other = w.pre if w.post == p.name else w.post
            toward = mask if w.post == p.name else mask.T
            currents.append(
                self.value[w.name, "conductance"]
                * steps.gap_current(v, self._start(x, other), toward)
            )
        return currents

    def _released(self, p: Population, compartment: str, x: Fields) -> list[Tensor]:
        """Graded release into a compartment."""
        return [
            self.value[w.name, "conductance"]
            * (self._depolarization(x, w.pre).clamp(max=w.cap) @ self.weights[w.name])
            for w in self._into(p, "release")
            if w.compartment == compartment
        ]

    def _currents(
        self, p: Population, compartment: str, divided: bool, new: Fields
    ) -> list[Tensor]:
        return [
            new[self.plan.pathways[g.pathways[0]].name, "current"]
            for g in self.plan.groups
            if g.post == p.name and g.compartment == compartment and g.divided == divided
        ]

    def _main_current(
        self, p: Population, compartment: str, x: Fields, new: Fields, drive: Tensor, xi: Fields
    ) -> Tensor:
        """Current into the soma or dendrite."""
        if (p.name, "input") in xi:
            drive = drive * (1 + p.noise_input * xi[p.name, "input"])
        divisible = sum(self._currents(p, compartment, True, new), drive)
        divisions = [
            self.value[w.name, "gain"] * (torch.relu(new[w.pre, "activity"]) @ self.weights[w.name])
            for w in self._into(p, "divisive")
        ]
        if divisions:
            divisible = divisible / (1 + sum(divisions[1:], divisions[0]))
        rest = [
            *self._currents(p, compartment, False, new),
            *self._gaps(p, x),
            *self._released(p, compartment, x),
        ]
        return sum(rest, divisible)

    def _lif(self, p: Population, x: Fields, new: Fields, drive: Tensor, xi: Fields) -> None:
        current = self._main_current(p, "soma", x, new, drive, xi)
        if (p.name, "current") in xi:
            current = current + p.noise_current * xi[p.name, "current"]
        before = steps.LIFState(*(x[p.name, field] for field in steps.LIFState._fields))
        after = steps.lif_step(before, current, self._dynamics(p, "decay", xi))
        new |= {(p.name, field): value for field, value in after._asdict().items()}

    def _two_compartment(
        self, p: Population, x: Fields, new: Fields, drive: Tensor, xi: Fields
    ) -> None:
        to_dendrite = self._main_current(p, "dendrite", x, new, drive, xi)
        into_axon = [*self._currents(p, "axon", False, new), *self._released(p, "axon", x)]
        to_axon = sum(into_axon, torch.zeros_like(drive))
        fields = steps.TwoCompartmentState._fields
        before = steps.TwoCompartmentState(*(x[p.name, field] for field in fields))
        after = steps.two_compartment_step(
            before, to_dendrite, to_axon, self._dynamics(p, "step", xi)
        )
        new |= {(p.name, field): value for field, value in after._asdict().items()}

    def _dynamics(self, p: Population, membrane: str, xi: Fields) -> steps.Dynamics:
        return steps.Dynamics(
            population=p,
            membrane=self.value[p.name, membrane],
            threshold=self.value[p.name, "threshold"],
            refractory_steps=self.refractory[p.name],
            spike=self.spike[p.name],
            noise_voltage=xi.get((p.name, "voltage")),
            noise_threshold=xi.get((p.name, "threshold")),
        )


def _split(values: Tensor, slots: list[Slot]) -> Fields:
    return {(s.owner, s.field): values[..., s.start : s.stop] for s in slots}


def _join(fields: Fields, slots: list[Slot]) -> Tensor:
    if not slots:
        return next(iter(fields.values()))[:, :0]
    return torch.cat([fields[s.owner, s.field] for s in slots], -1)


@lru_cache(maxsize=16)
def _dense(plan: NetworkPlan, dtype: torch.dtype, device: torch.device) -> dict[str, Tensor]:
    like = torch.empty(0, dtype=dtype, device=device)
    return {w.name: steps.dense(w, like) for w in plan.pathways}


@lru_cache(maxsize=16)
def _active(plan: NetworkPlan, device: torch.device) -> dict[str, Tensor]:
    return {w.name: torch.from_numpy(w.active_pre).to(device) for w in plan.pathways}
