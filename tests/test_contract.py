"""The public contract, called as other people's scripts call it: by position, unpacked."""

from __future__ import annotations

import numpy as np
import pytest

import cofire as cf
from cofire.assemblies import (
    PCAICA,
    ExplainedVariance,
    pairwise_corr,
    significant_events,
)

RNG = np.random.default_rng(0)
TRAINS = [np.sort(RNG.uniform(0, 90, 300)) for _ in range(5)]
COUNTS = RNG.poisson(0.3, (6, 400))


def test_the_detector_takes_its_parameters_in_the_order_of_the_contract():
    model = PCAICA("bin", False, 7, 95, "pca", 2, ["a"] * 3 + ["b"] * 3, 3, "numpy", 1)
    assert (
        model.get_params()
        == PCAICA(
            null="bin",
            n_shuffles=7,
            percentile=95,
            method="pca",
            n_assemblies=2,
            cross_structural=["a"] * 3 + ["b"] * 3,
            rng=3,
            rng_recipe="numpy",
            threads=1,
        ).get_params()
    )
    assert model.fit(COUNTS).null_.shape == (7,)


def test_windowed_explained_variance_takes_its_options_by_position_and_its_trains_as_st():
    epochs = ([[30, 60]], [[60, 90]], [[0, 30]])
    placed = ExplainedVariance(TRAINS, *epochs, 0.5, 10, 5)
    named = ExplainedVariance(
        st=TRAINS,
        template=epochs[0],
        matching=epochs[1],
        control=epochs[2],
        bin_size=0.5,
        window=10,
        slideby=5,
    )
    assert len(placed.ev) == 5
    np.testing.assert_array_equal(placed.ev, named.ev)


def test_results_unpack_in_the_order_of_the_specification():
    first, second = RNG.random((2, 8, 5))
    result = cf.joint_peth(first, second, 1.0)
    joint, expected, difference = result
    np.testing.assert_array_equal(joint, result.joint)
    np.testing.assert_array_equal(expected, result.expected)
    np.testing.assert_array_equal(difference, result.joint - result.expected)

    order = cf.rank_order(TRAINS, [[0.0, 5.0], [10.0, 15.0]])
    median, ranks = order
    assert median.shape == (5,)
    assert ranks is order.ranks

    index, pvalues, zscores = significant_events([0.1, 9.0], RNG.normal(size=(50, 2)))
    assert index.tolist() == [1]
    assert pvalues.shape == zscores.shape == (2,)

    rho, p, pairs = pairwise_corr(COUNTS)
    assert rho.shape == p.shape == (15,)
    assert pairs.shape == (15, 2)


def test_columns_beside_the_times_stay_with_their_samples():
    samples = np.array([[0.0, 7.0, 1.0], [0.95, 8.0, 2.0], [1.05, 9.0, 3.0]])
    lag, event, sample = cf.sync(samples, [1.0, 1.04], (-0.1, 0.1))
    np.testing.assert_allclose(lag[:, 0], [-0.05, 0.05, -0.09, 0.01])
    np.testing.assert_array_equal(lag[:, 1:], samples[[1, 2, 1, 2], 1:])
    np.testing.assert_array_equal(event, [0, 0, 1, 1])
    np.testing.assert_array_equal(sample, [1, 2, 1, 2])
    assert cf.sync(samples, [], (-0.1, 0.1)).lag.shape == (0, 3)
    with pytest.raises(ValueError, match="samples must be"):
        cf.sync(np.zeros((3, 0)), [1.0], (-0.1, 0.1))


@pytest.mark.parametrize("per_event", [False, True])
def test_no_units_have_no_counts_around_events(per_event):
    found = cf.peri_event_counts([], [1.0, 2.0], (-0.5, 0.5), 0.1, per_event=per_event)
    assert found.counts.shape == ((2, 0, 10) if per_event else (0, 10))
    assert found.rate.shape == found.counts.shape
    assert cf.compute_psth([], [1.0], 0.1, 4).shape == (5, 0)


def test_a_connectome_takes_rows_columns_and_scale_by_position():
    table = {"pre": [1, 1, 2], "post": [2, 3, 2], "size": [4.0, 2.0, 1.0]}
    made = cf.Connectome.from_synapses(table, [1, 2], [2, 3], 0.5)
    assert made.count.toarray().tolist() == [[1, 1], [0, 0]]
    assert made.psd.toarray().tolist() == [[2.0, 1.0], [0.0, 0.0]]
    assert made.cells.index.tolist() == [1, 2, 3]
    assert made.subset([1], [3]).count.toarray().tolist() == [[1]]


def test_the_olfactory_network_takes_its_options_by_position(shared):
    torch = pytest.importorskip("torch")
    folder = shared / "data" / "larval_olfaction"
    network = cf.nn.OlfactoryNetwork.from_data(folder, torch.float32)
    x = torch.rand(2, 21)
    placed = network(x, "soft", True, 3, 10, ("apl", "std"), 1e-11, 0.1)
    named = network(
        or_input=x,
        mode="soft",
        noise=True,
        seed=3,
        n_steps=10,
        ablate=("std", "apl"),
        kc_inject=1e-11,
        apl_inject=0.1,
    )
    for name in ("logits", "kc_count", "pn_count", "orn_count", "ln_count", "sparsity"):
        assert torch.equal(getattr(placed, name), getattr(named, name))
    loss = cf.nn.olfactory_loss(placed, torch.tensor([0, 27]), 15.0)
    assert loss > cf.nn.olfactory_loss(placed, torch.tensor([0, 27]))
    network.load_published(
        {name: value.detach().numpy() for name, value in network.published_parameters().items()}
    )
