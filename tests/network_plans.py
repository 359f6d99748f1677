"""Small networks that together use everything a plan can say."""

from __future__ import annotations

import itertools

import numpy as np

from cofire.nn import NetworkPlan, Pathway, Population


def weights(rng, n_pre, n_post):
    """Some edges, never none."""
    w = rng.uniform(0.2, 1.0, (n_pre, n_post)) * (rng.random((n_pre, n_post)) < 0.6)
    w[0, 0] = 0.5
    return w


def mask(rng, n):
    """Symmetric, without self-connections."""
    w = np.triu(rng.random((n, n)) < 0.7, 1).astype(float)
    return w + w.T


def noise_levels(kind, share=1.0, rng=None):
    """Levels of all noise sources that a kind of population has."""
    levels = {"noise_voltage": 1e-3, "noise_threshold": 1e-3, "noise_input": 0.1}
    if kind == "lif":
        levels["noise_current"] = 1e-11
    return {k: v for k, v in levels.items() if share == 1 or rng.random() < share}


def everything(seed=0, *, noise=True) -> NetworkPlan:
    """Every kind of population and pathway, with every option."""
    rng = np.random.default_rng(seed)
    lif, two = (noise_levels(kind) if noise else {} for kind in ("lif", "two_compartment"))
    synaptic = 0.25 if noise else 0.0
    n = {"a": 4, "g": 2, "b": 3, "c": 3}
    populations = [
        Population("a", 4, tau_m=rng.uniform(0.01, 0.03, 4), v_th=-0.045, **lif),
        Population("g", 2, "graded", tau_m=0.015),
        Population("b", 3, "two_compartment", v_th=rng.uniform(-0.05, -0.045, 3), **two),
        Population("c", 3, refractory=0.004, v_rest=-0.058, v_min=-0.065, **lif),
    ]

    def link(name, pre, post, *args, **options):
        return Pathway(name, pre, post, weights(rng, n[pre], n[post]), *args, **options)

    pathways = [
        link("c_a", "c", "a", sign=-1, timing="previous", strength=2e-10),
        link("a_b", "a", "b", divided=True, strength=2e-10, noise=synaptic),
        link(
            "a_b_axon", "a", "b", compartment="axon", depression=False, per_edge=True,
            strength=5e-11, tau_syn=0.010,
        ),
        link("b_b", "b", "b", timing="previous", strength=5e-11, use=0.6, tau_rec=0.05),
        link("b_c", "b", "c", divided=True, strength=2e-10, noise=synaptic),
        link("a_c", "a", "c", divided=True, strength=2e-10, depression=False),
        link("a_c_slow", "a", "c", tau_syn=0.020, per_edge=True, strength=5e-11),
        link("c_c", "c", "c", sign=-1, timing="previous", strength=1e-10),
        Pathway("gap_a", "a", "a", mask(rng, 4), "gap", conductance=2e-10),
        link("gap_ab", "a", "b", "gap", conductance=3e-10),
        link("gap_cb", "c", "b", "gap", conductance=2e-10),
        link("release_b", "b", "b", "release", conductance=1e-9, cap=0.010),
        link("release_axon", "a", "b", "release", conductance=5e-10, compartment="axon"),
        link("release_c", "b", "c", "release", conductance=5e-10),
        link("rate", "b", "g", "rate", gain=2.0),
        link("rate_a", "a", "g", "rate", gain=1.0),
        link("depolarization", "a", "g", "depolarization", gain=20.0),
        link("depolarization_b", "b", "g", "depolarization", gain=10.0),
        link("divide_b", "g", "b", "divisive", gain=1.5),
        link("divide_c", "g", "c", "divisive", gain=0.7),
    ]  # fmt: skip
    return NetworkPlan(populations, pathways, dt=1e-3)


def random_plan(seed) -> NetworkPlan:
    """A network of one to four populations with pathways chosen by chance."""
    rng = np.random.default_rng(seed)
    kinds = ["lif", *rng.choice(["lif", "two_compartment", "graded"], rng.integers(0, 4))]
    rng.shuffle(kinds)
    populations = [random_population(rng, f"p{i}", str(kind)) for i, kind in enumerate(kinds)]
    pathways: list[Pathway] = []
    for i, j in itertools.product(range(len(kinds)), repeat=2):
        for _ in range(rng.integers(0, 3)):
            found = random_pathway(rng, f"w{len(pathways)}", populations, i, j)
            if found is not None:
                pathways.append(found)
    return NetworkPlan(populations, pathways, dt=float(rng.choice([5e-4, 1e-3])))


def random_population(rng, name, kind):
    n = int(rng.integers(1, 5))
    if kind == "graded":
        return Population(name, n, kind, tau_m=float(rng.uniform(0.005, 0.03)))
    each = kind == "lif" and rng.random() < 0.5
    return Population(
        name,
        n,
        kind,
        tau_m=rng.uniform(0.01, 0.03, n) if each else 0.02,
        v_th=rng.uniform(-0.052, -0.045, n),
        refractory=float(rng.choice([0.0, 0.001, 0.002, 0.005])),
        **noise_levels(kind, 0.5, rng),
    )


def random_pathway(rng, name, populations, i, j):
    """Pathway from population i to j, or None where the kind drawn does not fit."""
    pre, post = populations[i], populations[j]
    ends = name, pre.name, post.name
    w = weights(rng, pre.n, post.n)
    axon = post.kind == "two_compartment" and rng.random() < 0.4
    if not pre.spikes:
        return Pathway(*ends, w, "divisive") if post.spikes and i < j else None
    if not post.spikes:
        kind = str(rng.choice(["rate", "depolarization"]))
        return Pathway(*ends, w, kind, gain=2.0 if kind == "rate" else 20.0)
    kind = str(rng.choice(["synapse", "synapse", "gap", "release"]))
    if kind == "gap":
        return Pathway(*ends, mask(rng, pre.n) if i == j else w, "gap", conductance=3e-10)
    compartment = "axon" if axon else None
    if kind == "release":
        return Pathway(*ends, w, "release", conductance=1e-9, cap=0.01, compartment=compartment)
    return Pathway(
        *ends,
        w,
        sign=int(rng.choice([1, 1, -1])),
        timing="current" if i < j and rng.random() < 0.7 else "previous",
        compartment=compartment,
        divided=not axon and rng.random() < 0.5,
        tau_syn=float(rng.choice([0.005, 0.010])),
        depression=rng.random() < 0.6,
        noise=float(rng.choice([0.0, 0.2])),
        per_edge=rng.random() < 0.4,
        strength=2e-10,
    )


def drive_for(plan, batch, n_steps, seed=0, *, level=2.5e-11):
    """Currents that make some neurons fire; graded populations get a little."""
    rng = np.random.default_rng(seed)
    drive = rng.uniform(0, 2 * level, (batch, n_steps, plan.n_all))
    for owner, _, start, stop in plan.drive_layout:
        if plan.population(owner).kind == "graded":
            drive[..., start:stop] *= 1e9
    return drive
