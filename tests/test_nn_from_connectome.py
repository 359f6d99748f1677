"""A connectome becomes populations and pathways, with defaults that can be overridden."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import cofire as cf
from cofire.errors import InvalidArgumentError, InvalidTypeError, MissingDataError
from cofire.nn import NetworkPlan, SpikingNetwork

CELLS = pd.DataFrame(
    {
        "cell_type": ["B", "A", "A", "I", "B", "glia"],
        "sign": [1, 1, 1, -1, 1, 1],
        "region": ["x", None, "y", "y", "x", "x"],
    },
    index=pd.Index([11, 12, 13, 14, 15, 16], name="cell_id"),
)
SYNAPSES = pd.DataFrame(
    [
        (12, 11, 1.0), (12, 11, 2.0), (13, 15, 4.0), (13, 11, 1.0), (11, 15, 1.0), (11, 14, 2.0),
        (14, 12, 3.0), (14, 12, 1.0), (14, 13, 1.0), (16, 12, 9.0),
    ],
    columns=["pre", "post", "size"],
)  # fmt: skip
ORDER = ["A", "B", "I"]


@pytest.fixture(scope="module")
def wiring():
    return cf.Connectome.from_synapses(SYNAPSES, cells=CELLS)


def plan_of(wiring, **options):
    return NetworkPlan.from_connectome(wiring, **{"order": ORDER, "signs": {"I": -1}, **options})


def test_types_become_populations_in_the_order_of_update(wiring):
    plan = plan_of(wiring)
    assert [(p.name, p.n, p.kind) for p in plan.populations] == [
        ("A", 2, "lif"),
        ("B", 2, "lif"),
        ("I", 1, "lif"),
    ]
    found = {w.name: (w.sign, w.timing, w.depression) for w in plan.pathways}
    assert found == {
        "A->B": (1, "current", False),
        "B->B": (1, "previous", False),
        "B->I": (1, "current", False),
        "I->A": (-1, "previous", False),
    }


def test_without_an_order_types_come_as_they_first_occur(wiring):
    plan = NetworkPlan.from_connectome(wiring)
    assert [p.name for p in plan.populations] == ["B", "A", "I", "glia"]
    assert plan.pathway("B->B").sign == plan.pathway("I->A").sign == 1


def test_weights_are_counts_of_the_cells_in_the_order_of_the_connectome(wiring):
    raw = plan_of(wiring, normalize="none")
    np.testing.assert_array_equal(raw.pathway("A->B").weights.toarray(), [[2, 0], [1, 1]])
    by_max = plan_of(wiring).pathway("A->B").weights.toarray()
    np.testing.assert_allclose(by_max, [[1, 0], [0.5, 0.5]])
    by_input = plan_of(wiring, normalize="input").pathway("A->B").weights.toarray()
    np.testing.assert_allclose(by_input, [[2 / 3, 0], [1 / 3, 1]])
    sizes = plan_of(wiring, normalize="none", weights="psd").pathway("A->B").weights.toarray()
    np.testing.assert_array_equal(sizes, [[3, 0], [1, 4]])


def test_signs_may_come_from_a_column(wiring):
    assert plan_of(wiring, signs="sign") == plan_of(wiring)


def test_options_override_the_defaults(wiring):
    plan = plan_of(
        wiring,
        populations={"B": {"kind": "two_compartment"}, "A": {"tau_m": 0.01}},
        pathways={
            ("A", "B"): {"compartment": "axon", "depression": True, "strength": 3e-10},
            ("B", "B"): None,
            ("B", "I"): {"kind": "release", "conductance": 1e-9},
        },
        dt=5e-4,
    )
    assert plan.dt == 5e-4
    assert plan.population("A").tau_m == 0.01
    chosen = plan.pathway("A->B")
    assert (chosen.compartment, chosen.depression, chosen.strength) == ("axon", True, 3e-10)
    assert plan.pathway("B->I").kind == "release"
    assert "B->B" not in [w.name for w in plan.pathways]


def test_graded_cells_divide_what_they_contact():
    table = {"pre": [1, 2, 3], "post": [2, 3, 3]}
    cells = {"cell_id": [1, 2, 3], "cell_type": ["in", "apl", "out"]}
    wiring = cf.Connectome.from_synapses(table, cells=cells)
    plan = NetworkPlan.from_connectome(wiring, populations={"apl": {"kind": "graded"}})
    assert {w.name: w.kind for w in plan.pathways} == {"in->apl": "rate", "apl->out": "divisive"}


@pytest.mark.parametrize("tau_syn", [0.005, 0.020])
@pytest.mark.parametrize("factor", [1.02, 0.98])
def test_a_volley_of_half_the_inputs_reaches_threshold(tau_syn, factor):
    table = {"pre": [0, 1, 2, 3], "post": [4, 4, 4, 4]}
    cells = {"cell_id": [0, 1, 2, 3, 4], "cell_type": ["a"] * 4 + ["b"]}
    plan = NetworkPlan.from_connectome(
        cf.Connectome.from_synapses(table, cells=cells),
        pathways={("a", "b"): {"tau_syn": tau_syn}},
        dt=1e-5,
    )
    strength = plan.pathway("a->b").strength
    # Exponential current into a leaky membrane from rest, analytically.
    t = np.linspace(0, 0.2, 20_001)
    tau_m, tau = 0.020, tau_syn * 1.000001
    shape = tau / (tau_m - tau) * (np.exp(-t / tau_m) - np.exp(-t / tau))
    assert 1e9 * 2 * strength * shape.max() == pytest.approx(0.0175, rel=1e-4)

    network = SpikingNetwork(plan, dtype=torch.float64)
    drive = torch.zeros(1, 5000, 5, dtype=torch.float64)
    drive[0, 0, :2] = 4e-7
    with torch.no_grad():
        network.parameter("a->b", "strength").add_(np.log(factor))
        counts = network(drive, n_steps=5000).counts[0]
    assert counts[:4].tolist() == [1, 1, 0, 0]
    assert counts[4] == (1 if factor > 1 else 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"by": "kind"}, MissingDataError, "no column 'kind'; columns: cell_type, sign, region"),
        ({"by": "region", "order": None}, MissingDataError, r"1 cells have no region.*\[12\]"),
        ({"order": ["A", "C"]}, InvalidArgumentError, "names C, of which there are no cells"),
        ({"order": "AB"}, InvalidTypeError, "order must be a list of types"),
        ({"signs": {"glia": -1}}, InvalidArgumentError, "signs names glia; the types in the net"),
        ({"signs": "region"}, InvalidArgumentError, "'A' has (None|nan), y in column"),
        ({"signs": "transmitter"}, MissingDataError, "no column 'transmitter'"),
        ({"signs": {"I": 2}}, InvalidArgumentError, "sign must be 1 or -1"),
        ({"weights": "size"}, InvalidArgumentError, "weights must be one of 'count', 'psd'"),
        ({"normalize": "sum"}, InvalidArgumentError, "normalize must be one of"),
        ({"populations": {"C": {}}}, InvalidArgumentError, "populations names C"),
        ({"pathways": {("A", "C"): {}}}, InvalidArgumentError, "pathways names C"),
        ({"pathways": {"A->B": {}}}, InvalidTypeError, r"by \(pre, post\), got 'A->B'"),
    ],
)
def test_what_does_not_fit_is_named(wiring, options, error, message):
    with pytest.raises(error, match=message):
        plan_of(wiring, **options)


def test_rectangles_and_strangers_are_refused(wiring):
    with pytest.raises(InvalidArgumentError, match="same cells as rows and columns"):
        NetworkPlan.from_connectome(wiring.subset([11, 12], columns=[13]))
    with pytest.raises(InvalidTypeError, match="must be a Connectome"):
        NetworkPlan.from_connectome(np.eye(3))


def test_a_connectome_without_synapses_is_a_network_without_pathways():
    table = {"pre": np.zeros(0, int), "post": np.zeros(0, int)}
    cells = {"cell_id": [1, 2], "cell_type": ["a", "b"]}
    plan = NetworkPlan.from_connectome(cf.Connectome.from_synapses(table, cells=cells))
    assert plan.pathways == ()


def test_pathways_are_ablated_by_name(wiring):
    network = SpikingNetwork(plan_of(wiring))
    out = network.ablate("I->A")({"A": torch.full((2, 2), 4e-11)}, n_steps=50)
    assert out.counts.shape == (2, 5)
    assert out.counts[:, :2].sum() > 0
