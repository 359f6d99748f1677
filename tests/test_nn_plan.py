"""Plans: what they check, where they lay things, how they change and how they are kept."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import expm

import cofire as cf
from cofire.errors import FileFormatError, UnsupportedVersionError
from cofire.nn import NetworkPlan, Pathway, Population
from cofire.nn.layout import compartment_step
from network_plans import everything, random_plan

ONES = np.ones((2, 2))


def population(**options):
    return Population("a", 2, **options)


def synapse(weights=ONES, **options):
    return Pathway("w", "a", "b", weights, **{"strength": 1e-9, **options})


def plan_of(*pathways, kinds=("lif", "lif"), dt=1e-3):
    populations = [Population(n, 2, k) for n, k in zip("abcd", kinds, strict=False)]
    return NetworkPlan(populations, pathways, dt=dt)


@given(st.integers(0, 10**6))
def test_slots_lie_side_by_side_and_fill_their_vectors(seed):
    plan = random_plan(seed)
    for slots, n in (
        (plan.theta_layout, plan.n_theta),
        (plan.state_layout, plan.n_state),
        (plan.noise_layout, plan.n_noise),
        (plan.drive_layout, plan.n_all),
        (plan.spike_layout, plan.n_spiking),
        (plan.voltage_layout, plan.n_voltage),
    ):
        ends = [0, *(s.stop for s in slots)]
        assert [s.start for s in slots] == ends[:-1]
        assert ends[-1] == n
        assert all(s.start < s.stop for s in slots)
        assert len({(s.owner, s.field) for s in slots}) == len(slots)
    assert plan.initial_theta().shape == (plan.n_theta,)
    assert plan.initial_state(3).shape == (3, plan.n_state)
    listed = sorted(i for g in plan.groups for i in g.pathways)
    assert listed == [i for i, w in enumerate(plan.pathways) if w.kind == "synapse"]


def test_the_layout_has_the_order_of_the_design():
    populations = [
        Population("a", 2, noise_current=1e-11, noise_threshold=1e-3, noise_input=0.1),
        Population("g", 1, "graded", tau_m=0.01),
        Population("b", 2, "two_compartment", noise_voltage=1e-3),
    ]
    pathways = [
        Pathway("x", "a", "b", [[1, 0], [0, 0]], strength=2e-9, noise=0.1),
        Pathway("y", "a", "b", ONES, strength=3e-9, per_edge=True, depression=False),
        Pathway("gap", "a", "b", ONES, "gap", conductance=4e-9),
        Pathway("r", "a", "g", [[1], [1]], "rate", gain=5.0),
        Pathway("d", "g", "b", [[1, 1]], "divisive", gain=6.0),
    ]
    plan = NetworkPlan(populations, pathways)
    names = [f"{s.owner}.{s.field}" for s in plan.theta_layout]
    assert names == [
        "a.decay", "a.threshold", "g.decay", "b.step", "b.threshold", "x.strength", "x.use",
        "x.recovery", "y.strength", "gap.conductance", "r.gain", "d.gain",
    ]  # fmt: skip
    assert [(s.owner, s.field, s.stop - s.start) for s in plan.state_layout] == [
        ("a", "v", 2), ("a", "refractory", 2), ("a", "spikes", 2), ("a", "count", 2),
        ("g", "activity", 1),
        ("b", "v_dendrite", 2), ("b", "v_axon", 2), ("b", "refractory", 2), ("b", "spikes", 2),
        ("x", "current", 2), ("x", "resources", 1),
    ]  # fmt: skip
    assert [(s.owner, s.field, s.stop - s.start) for s in plan.noise_layout] == [
        ("a", "input", 2), ("a", "current", 2), ("a", "threshold", 2),
        ("x", "synapse", 2), ("b", "voltage", 4),
    ]  # fmt: skip
    assert [s.field for s in plan.voltage_layout] == ["v", "activity", "v_dendrite", "v_axon"]
    assert plan.groups == [("b", "dendrite", False, 0.005, [0, 1])]
    assert plan.refractory_steps == (2, 2, 2)
    theta = plan.initial_theta()
    np.testing.assert_allclose(theta[0], np.exp(-1e-3 / 0.020))
    np.testing.assert_allclose(theta[3], np.exp(-1e-3 / 0.010))
    np.testing.assert_allclose(theta[10:13], [2e-9, 0.3, np.exp(-1e-3 / 0.2)])
    np.testing.assert_allclose(theta[13:], [3e-9] * 4 + [4e-9, 5.0, 6.0])
    state = plan.initial_state()[0]
    np.testing.assert_array_equal(state[:2], -0.060)
    assert state[-1] == 1.0
    assert np.count_nonzero(state) == 2 + 4 + 1


def test_the_coupled_step_is_the_matrix_exponential():
    g, tau, c, dt = 14e-9, 0.020, 2e-11, 1e-3
    k = g / c
    a = np.array([[-(1 / tau + k), k], [k, -(1 / tau + k)]])
    m = expm(a * dt)
    driven = np.linalg.solve(a, m - np.eye(2))
    found = compartment_step(g, tau, c, dt)
    np.testing.assert_allclose(found, [*m[0], *driven[0]], rtol=1e-9)


def test_weights_are_kept_sorted_without_zeros_and_read_only():
    coo = sparse.coo_array(([1.0, 2.0, 3.0, -3.0], ([1, 0, 0, 0], [0, 1, 0, 0])), shape=(2, 2))
    w = synapse(coo)
    assert w.n_edges == 2
    np.testing.assert_array_equal(w.indptr, [0, 1, 2])
    np.testing.assert_array_equal(w.indices, [1, 0])
    np.testing.assert_array_equal(w.values, [2.0, 1.0])
    assert (w.indptr.dtype, w.indices.dtype, w.values.dtype) == (np.int64, np.int32, np.float64)
    with pytest.raises(ValueError, match="read-only"):
        w.weights.data[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        w.strength = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan_of(w).dt = 2.0
    with pytest.raises(ValueError, match="read-only"):
        population(v_th=[-0.04, -0.05]).v_th[0] = 0


def test_what_is_passed_in_is_not_changed_and_not_shared():
    weights, v_th = sparse.csr_array(np.array([[0.0, 1.0], [2.0, 0.0]])), np.array([-0.04, -0.05])
    w, p = synapse(weights), population(v_th=v_th)
    weights.data[:], v_th[:] = 9, 9
    np.testing.assert_array_equal(w.values, [1, 2])
    np.testing.assert_array_equal(p.v_th, [-0.04, -0.05])


def test_active_neurons_are_those_with_edges():
    w = synapse([[0, 0], [1, 0]])
    np.testing.assert_array_equal(w.active_pre, [1])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Population("", 2), TypeError, "the name of a population must be text"),
        (lambda: Population("a.b", 2), ValueError, "must not contain a point"),
        (lambda: Population("a", 0), ValueError, "population 'a': n must be at least 1"),
        (lambda: Population("a", 2.5), TypeError, "population 'a': n must be an integer"),
        (lambda: population(kind="hh"), ValueError, "population 'a': kind must be one of"),
        (lambda: population(tau_m=0), ValueError, "population 'a': tau_m must be positive"),
        (lambda: population(tau_m=[0.1]), ValueError, "tau_m must be one number or have 2"),
        (lambda: population(tau_m=[0.1, -1]), ValueError, "element 1 is -1.0"),
        (lambda: population(v_th=[0.1, np.nan]), ValueError, "v_th must be finite: element 1"),
        (lambda: population(v_th="high"), TypeError, "v_th must be a number"),
        (lambda: population(noise_voltage=-1), ValueError, "noise_voltage must not be negative"),
        (lambda: population(v_min=0.0), ValueError, "v_min .* must not be above v_reset"),
        (
            lambda: population(kind="two_compartment", tau_m=[0.1, 0.2]),
            ValueError,
            'one tau_m per neuron needs kind="lif"',
        ),
        (
            lambda: population(kind="two_compartment", noise_current=1e-12),
            ValueError,
            "a two_compartment population has no noise_current",
        ),
        (
            lambda: population(kind="graded", noise_input=0.1),
            ValueError,
            "a graded population has no noise_input",
        ),
        (lambda: synapse(kind="magic"), ValueError, "pathway 'w': kind must be one of"),
        (lambda: synapse(timing="next"), ValueError, "pathway 'w': timing must be one of"),
        (lambda: synapse(compartment="spine"), ValueError, "compartment must be one of"),
        (lambda: synapse(sign=0), ValueError, "sign must be 1 or -1"),
        (lambda: synapse(strength=None), ValueError, r"a synapse needs strength \(A\)"),
        (lambda: synapse(strength=-1e-9), ValueError, "sign=-1 makes the pathway inhibitory"),
        (lambda: synapse(strength=[1e-9] * 4), ValueError, "strength must be one number"),
        (
            lambda: synapse(strength=[1e-9] * 3, per_edge=True),
            ValueError,
            "strength must be one number or have 4",
        ),
        (lambda: synapse(use=1.5), ValueError, "use must lie between 0 and 1"),
        (lambda: synapse(tau_syn=0), ValueError, "tau_syn must be positive"),
        (lambda: synapse([1.0, 2.0]), ValueError, "weights must be 2-D"),
        (lambda: synapse("many"), TypeError, "weights must be a 2-D array"),
        (lambda: synapse([[1, np.inf], [0, 1]]), ValueError, r"\[0, 1\] is inf"),
        (
            lambda: Pathway("w", "a", "b", ONES, "gap"),
            ValueError,
            r"a gap pathway needs conductance \(S\)",
        ),
        (
            lambda: Pathway("w", "a", "b", -ONES, "gap", conductance=1e-9),
            ValueError,
            "the mask of a gap junction must not be negative",
        ),
        (
            lambda: Pathway("w", "a", "b", ONES, "rate", sign=-1),
            ValueError,
            "sign belongs to synapses, not to a rate pathway",
        ),
        (
            lambda: Pathway("w", "a", "b", ONES, "release", conductance=1e-9, strength=1.0),
            ValueError,
            "strength belongs to synapses",
        ),
        (lambda: NetworkPlan([], []), ValueError, "at least one population"),
        (lambda: NetworkPlan(3, []), TypeError, "populations must be a list of Population"),
        (lambda: NetworkPlan([synapse()], []), TypeError, r"populations\[0\] must be a Population"),
        (lambda: plan_of(dt=0), ValueError, r"dt must be positive \(s\)"),
        (lambda: plan_of(synapse(), synapse()), ValueError, "the name 'w' occurs twice"),
        (
            lambda: plan_of(Pathway("a", "a", "b", ONES, strength=1e-9)),
            ValueError,
            "the name 'a' occurs twice",
        ),
        (
            lambda: plan_of(Pathway("w", "a", "z", ONES, strength=1e-9)),
            ValueError,
            "post is 'z', but the populations are a, b",
        ),
        (
            lambda: plan_of(synapse(np.ones((2, 3)))),
            ValueError,
            r"weights must be \(n_pre, n_post\) = \(2, 2\), got \(2, 3\)",
        ),
        (
            lambda: NetworkPlan(
                [Population("a", 2), Population("b", 3)], [synapse(np.ones((3, 2)))]
            ),
            ValueError,
            "transposed",
        ),
        (
            lambda: plan_of(synapse(), kinds=("graded", "lif")),
            ValueError,
            "pre of a synapse pathway must be a spiking population, 'a' is graded",
        ),
        (
            lambda: plan_of(Pathway("w", "a", "b", ONES, "rate")),
            ValueError,
            "post of a rate pathway must be a graded population, 'b' is lif",
        ),
        (
            lambda: plan_of(Pathway("w", "b", "a", ONES, strength=1e-9)),
            ValueError,
            "'b' must come before 'a' in the plan.*timing=\"previous\"",
        ),
        (
            lambda: plan_of(Pathway("w", "a", "a", ONES, strength=1e-9)),
            ValueError,
            "'a' must come before 'a'",
        ),
        (
            lambda: plan_of(Pathway("w", "b", "a", ONES, "divisive"), kinds=("lif", "graded")),
            ValueError,
            "change the order$",
        ),
        (
            lambda: plan_of(Pathway("w", "a", "a", [[0, 1], [0, 0]], "gap", conductance=1e-9)),
            ValueError,
            "symmetric weights",
        ),
        (
            lambda: plan_of(synapse(compartment="dendrite")),
            ValueError,
            "compartment must be 'soma' for a synapse pathway to a lif population",
        ),
        (
            lambda: plan_of(
                Pathway("w", "a", "b", ONES, "gap", conductance=1e-9, compartment="axon"),
                kinds=("lif", "two_compartment"),
            ),
            ValueError,
            "compartment must be 'dendrite' for a gap pathway",
        ),
        (
            lambda: plan_of(
                synapse(compartment="axon", divided=True), kinds=("lif", "two_compartment")
            ),
            ValueError,
            "currents into the axon are not divided",
        ),
        (
            lambda: plan_of(
                Pathway("w", "a", "b", ONES, "rate", compartment="soma"), kinds=("lif", "graded")
            ),
            ValueError,
            "a graded population has no compartments",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_compartments_are_filled_in():
    plan = plan_of(synapse(), kinds=("lif", "two_compartment"))
    assert plan.pathway("w").compartment == "dendrite"
    assert plan_of(synapse()).pathway("w").compartment == "soma"


def test_an_ablated_plan_is_another_plan():
    plan = everything()
    fewer = plan.without("gap_a", "divide_b")
    assert {w.name for w in plan.pathways} - {w.name for w in fewer.pathways} == {
        "gap_a",
        "divide_b",
    }
    assert len(plan.pathways) == 20
    assert fewer.populations == plan.populations
    assert plan.without() == plan
    flat = plan.without_depression()
    assert not any(w.depression for w in flat.pathways if w.kind == "synapse")
    one = plan.without_depression("a_b")
    assert not one.pathway("a_b").depression
    assert one.pathway("b_b").depression
    with pytest.raises(ValueError, match="there is no pathway 'x'; the plan has c_a, a_b"):
        plan.without("x")
    with pytest.raises(ValueError, match="there is no population 'c_a'; the plan has a, g, b, c"):
        plan.population("c_a")


def test_other_weights_are_checked_as_the_first_ones():
    plan = everything()
    other = plan.with_weights("a_b", np.eye(4, 3))
    assert other.pathway("a_b").n_edges == 3
    assert other.pathway("a_b").strength == plan.pathway("a_b").strength
    with pytest.raises(ValueError, match="pathway 'a_b': weights must be"):
        plan.with_weights("a_b", np.eye(2))


def test_the_key_is_the_content():
    plan = everything()
    assert plan == everything()
    assert hash(plan) == hash(everything())
    assert len({plan.key, everything(1).key, plan.without("rate").key, plan_of().key}) == 4
    assert plan != "a plan"
    assert plan_of(dt=1e-3) != plan_of(dt=2e-3)


@given(st.integers(0, 10**6))
def test_plans_go_to_arrays_and_come_back(seed):
    plan = random_plan(seed)
    again = NetworkPlan.from_arrays(plan.to_arrays())
    assert again == plan
    np.testing.assert_array_equal(again.initial_theta(), plan.initial_theta())


def test_plans_are_saved_and_loaded(tmp_path):
    plan = everything()
    cf.save(plan, tmp_path / "plan")
    again = cf.load(tmp_path / "plan")
    assert isinstance(again, NetworkPlan)
    assert again == plan


def test_damaged_arrays_are_refused():
    arrays = everything().to_arrays()
    with pytest.raises(FileFormatError, match="hold no network plan"):
        NetworkPlan.from_arrays({})
    with pytest.raises(FileFormatError, match="damaged"):
        NetworkPlan.from_arrays({"plan": arrays["plan"]})
    head = json.loads(str(arrays["plan"]))
    head["version"] = 2
    with pytest.raises(UnsupportedVersionError, match="version 2, this cofire reads version 1"):
        NetworkPlan.from_arrays({"plan": np.array(json.dumps(head))})
    far = dict(arrays)
    far["pathway0.weights.indices"] = far["pathway0.weights.indices"] + 100
    with pytest.raises(FileFormatError, match="damaged"):
        NetworkPlan.from_arrays(far)


def test_results_in_one_line():
    assert repr(everything()) == (
        "NetworkPlan(4 populations, 12 neurons, 20 pathways, "
        f"{sum(w.n_edges for w in everything().pathways)} edges, dt 1 ms)"
    )
    assert repr(population()) == "Population('a', 2, 'lif')"
    assert repr(synapse()) == "Pathway('w', 'a' -> 'b', 'synapse', 4 edges)"


def test_without_torch_the_package_says_how_to_get_it():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import cofire\n"
        "try: cofire.nn\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == ('MissingExtraError cofire.nn needs torch; pip install "cofire[torch]"\n')
