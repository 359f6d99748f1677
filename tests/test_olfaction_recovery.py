"""Known strengths are found again from spikes; what spikes do not tell is said to be unknown."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cofire import plot
from cofire.errors import InvalidArgumentError
from cofire.nn import NetworkPlan, OlfactoryNetwork, Pathway, Population, SpikingNetwork
from cofire.studies import larval_olfaction as study
from cofire.studies.larval_olfaction.open_loop import (
    open_loop,
    open_loop_drive,
    open_loop_spike,
)
from network_plans import everything


def recurrent_plan(**noise):
    """Input, excitatory and inhibitory neurons; one pathway is too weak to matter."""
    rng = np.random.default_rng(1)

    def link(pre, post, density, strength, **options):
        weights = rng.random((sizes[pre], sizes[post])) * (
            rng.random((sizes[pre], sizes[post])) < density
        )
        return Pathway(
            f"{pre}_{post}", pre, post, weights, strength=strength, depression=False, **options
        )

    sizes = {"in": 12, "E": 16, "I": 6}
    back = {"timing": "previous"}
    pathways = [
        link("in", "E", 0.4, 1.5e-10),
        link("in", "I", 0.4, 8e-11),
        link("E", "E", 0.2, 5e-11, **back),
        link("E", "I", 0.4, 8e-11),
        link("I", "E", 0.6, 1.5e-10, sign=-1, **back),
        link("I", "I", 0.5, 1e-15, sign=-1, **back),
    ]
    return NetworkPlan([Population(name, n, **noise) for name, n in sizes.items()], pathways)


def input_currents(n=20, level=6e-11):
    drive = np.zeros((n, 34))
    drive[:, :12] = np.random.default_rng(0).uniform(0, level, (n, 12))
    return torch.from_numpy(drive)


@pytest.fixture(scope="module")
def recovery():
    network = SpikingNetwork(recurrent_plan(), dtype=torch.float64)
    return study.recover_parameters(
        network, input_currents(), n_steps=60, n_starts=2, n_updates=120, rng=0
    )


def test_strengths_of_a_recurrent_network_are_recovered_from_every_start(recovery):
    chosen = recovery.identifiable
    assert recovery.pathways[-1] == "I_I"
    assert chosen.tolist() == [True] * 5 + [False]
    assert np.abs(recovery.start / recovery.true - 1).max() > 0.5
    assert np.abs(recovery.relative_error[:, chosen]).max() < 0.1
    assert np.abs(recovery.relative_error[recovery.best, chosen]).max() < 0.03
    assert recovery.share > 0.99
    assert (recovery.held_out < 0.05 * recovery.held_out_start).all()
    assert recovery.held_out_true == 0


def test_a_pathway_that_leaves_no_trace_is_not_identifiable(recovery):
    assert recovery.sensitivity[-1] == 0
    assert recovery.quantities == ("strength",) * 6
    table = recovery.to_frame()
    assert table["pathway"].tolist() == list(recovery.pathways)
    assert table["spread"].iloc[:5].max() < 0.1 < table["spread"].iloc[5]
    assert "5 of 6 values identifiable" in repr(recovery)


def test_the_figure_shows_every_pathway(recovery):
    figure, axes = recovery.plot()
    figure.canvas.draw()
    labels = [text.get_text() for text in axes[0].get_yticklabels()]
    assert sorted(labels) == sorted(recovery.pathways)
    assert axes[0].get_title(loc="left") == "recovery (1 in gray: not identifiable)"
    assert len(axes[2].get_lines()) == 4
    assert plot.plot_parameter_recovery is not None


def test_with_noise_the_error_of_the_true_values_is_the_floor():
    network = SpikingNetwork(recurrent_plan(noise_voltage=1e-3), dtype=torch.float64)
    found = study.recover_parameters(
        network, input_currents(), n_steps=60, n_starts=1, n_updates=60, noise=True
    )
    assert found.held_out_true > 0.01
    assert found.held_out[0] < 1.5 * found.held_out_true < found.held_out_start[0]
    assert np.abs(found.relative_error[0, [0, 4]]).max() < 0.2


@pytest.mark.parametrize("name", ["recurrent", "everything"])
def test_an_open_loop_of_the_true_values_repeats_the_record(name):
    plan = recurrent_plan() if name == "recurrent" else everything(noise=False)
    rng = np.random.default_rng(2)
    drive = torch.from_numpy(rng.uniform(0, 6e-11, (4, plan.n_all)))
    out = SpikingNetwork(plan, dtype=torch.float64)(drive, n_steps=60, record=("spikes",))
    assert out.spikes.sum() > 20
    again = SpikingNetwork(open_loop(plan), dtype=torch.float64)(
        open_loop_drive(plan, drive, out.spikes),
        n_steps=60,
        spike=open_loop_spike(plan, "superspike"),
        record=("spikes",),
    )
    assert torch.equal(again.spikes, torch.cat([out.spikes, out.spikes], -1))


def test_what_cannot_be_recovered_is_refused():
    network = SpikingNetwork(recurrent_plan(), dtype=torch.float64)
    with pytest.raises(InvalidArgumentError, match="held_out leaves 1 samples to train on and 0"):
        study.recover_parameters(network, input_currents(1), n_steps=10)
    with pytest.raises(InvalidArgumentError, match="fires under this drive"):
        study.recover_parameters(network, 0 * input_currents(), n_steps=10)
    with pytest.raises(InvalidArgumentError, match="spread must be above 1"):
        study.recover_parameters(network, input_currents(), n_steps=10, spread=0.5)
    edges = SpikingNetwork(everything(noise=False), dtype=torch.float64)
    with pytest.raises(InvalidArgumentError, match="a_b_axon, a_c_slow have a strength for each"):
        study.recover_parameters(edges, torch.zeros(4, 12, dtype=torch.float64), n_steps=10)


def test_strong_pathways_of_the_olfactory_network_are_recovered(shared):
    folder = shared / "data" / "larval_olfaction"
    network = OlfactoryNetwork.from_data(folder, dtype=torch.float32)
    weights = shared / "golden" / "olfactory_seed42.npz"
    network.load_published(study.read_parameters(weights))
    found = study.recover_olfactory_parameters(
        network, study.load_panel(folder).select(range(0, 28, 4)), n_starts=1, n_updates=120
    )
    error = dict(zip(found.pathways, found.relative_error[0], strict=True))
    known = dict(zip(found.pathways, found.identifiable, strict=True))
    # Excitation and inhibition of projection neurons compensate for each other in part.
    for name, bound in {"orn_pn": 0.3, "ln_pn": 0.3, "pn_kc": 0.1}.items():
        assert known[name]
        assert abs(error[name]) < bound
    assert not any(known[name] for name in ("pn_kc_nonad", "kc_kc_ad", "pn_ln"))
    assert found.share > 0.8
    assert found.held_out[0] < 0.1 * found.held_out_start[0]
    assert (found.n_train, found.n_held_out) == (21, 7)
