"""How do simulation and gradient of a recurrent spiking network scale, in time and in memory?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from peers import compare, scale
from recurrent_peers import Recurrent


def same_gradients(network, tolerance):
    """Counts and all gradients, each to a tolerance of its norm; dense weights at the edges."""
    pre, post = network.mask.nonzero()

    def equal(ours, theirs):
        names = "counts", "weights", "decay", "threshold", "drive"
        for name, a, b in zip(names, ours, theirs, strict=True):
            if b.ndim == 2 and a.ndim == 1:
                b = b.T[pre, post]
            error = float((a.reshape(-1) - b.reshape(-1)).norm() / a.norm())
            assert error < tolerance, (name, error)

    return equal


def assert_same_in_double(n, density, batch, n_steps):
    """The formulations are one network: double precision to rounding."""
    network = Recurrent(n, density, batch, n_steps, torch.float64)
    equal = same_gradients(network, 1e-9)
    expected = network.cofire()
    equal(expected, network.torch_dense())
    equal(expected, network.torch_sparse())
    equal(expected, network.cofire(checkpoint=4))


def compare_gradients(benchmark, network, peers, title, rounds=5):
    benchmark.group = (
        f"{title}: {network.n} neurons, {network.mask.nnz} edges, batch {len(network.drive)}, "
        f"{network.n_steps} steps, forward and backward"
    )
    every = {
        "torch, dense": network.torch_dense,
        "torch, sparse": network.torch_sparse,
    }
    implementations = {"cofire": network.cofire, **{name: every[name] for name in peers}}
    compare(benchmark, implementations, same_gradients(network, 5e-3), rounds=rounds)


pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
BOTH = ("torch, dense", "torch, sparse")


@pytest.mark.parametrize("density", [0.05, 1.0])
def test_gradients(benchmark, density):
    """W8: gradients by each weight, decay, threshold and input."""
    assert_same_in_double(60, density, 3, 12)
    network = Recurrent(scale(368, 40), density, 16, 30)
    compare_gradients(benchmark, network, ("torch, dense",), "a weight per edge", rounds=15)


def test_forward(benchmark):
    """W7b: all-or-none spikes without gradients."""
    network = Recurrent(scale(368, 40), 0.1, scale(64, 8), scale(1000, 30))
    benchmark.group = (
        f"forward only: {network.n} neurons, {network.mask.nnz} edges, "
        f"batch {len(network.drive)}, {network.n_steps} steps, hard spikes"
    )

    def equal(ours, theirs):
        assert float(ours.mean()) > 0
        np.testing.assert_allclose(theirs.mean(), ours.mean(), rtol=2e-3)
        assert float((ours != theirs).float().mean()) < 0.2  # float32 spikes part at ties

    exact = Recurrent(30, 0.3, 4, 100, torch.float64)
    assert torch.equal(exact.cofire_forward(), exact.torch_forward())
    compare(
        benchmark,
        {"cofire": network.cofire_forward, "torch, dense": network.torch_forward},
        equal,
    )


@pytest.mark.parametrize("density", [0.0025, 0.025, 0.25])
def test_edges(benchmark, density):
    network = Recurrent(scale(2000, 40), density, 16, scale(30, 5))
    compare_gradients(benchmark, network, BOTH, "edges")


@pytest.mark.parametrize("batch", [1, 16, 64, 256])
def test_batch(benchmark, batch):
    network = Recurrent(scale(368, 40), 0.05, scale(batch, min(batch, 20)), scale(30, 5))
    compare_gradients(benchmark, network, ("torch, dense",), "batch")


@pytest.mark.parametrize("n_steps", [30, 100, 300])
def test_steps(benchmark, n_steps):
    network = Recurrent(scale(368, 40), 0.05, scale(16, 4), scale(n_steps, n_steps // 6))
    compare_gradients(benchmark, network, ("torch, dense",), "steps")


@pytest.mark.parametrize("n", [368, 2000, 20_000])
def test_neurons(benchmark, n):
    """50 edges a neuron; of 20,000 neurons a dense matrix would have 1.6 GB, its gradient too."""
    network = Recurrent(scale(n, 60), 50 / scale(n, 60), 16, scale(30, 5))
    peers = BOTH if n < 20_000 else ("torch, sparse",)
    compare_gradients(benchmark, network, peers, "neurons")


def test_tape(benchmark):
    """Memory of everything that the gradient needs, or of the state at every sixth step."""
    network = Recurrent(scale(2000, 40), 0.025, scale(64, 8), scale(36, 12))
    benchmark.group = (
        f"memory: {network.n} neurons, {network.mask.nnz} edges, batch {len(network.drive)}, "
        f"{network.n_steps} steps"
    )
    implementations = {
        "cofire, everything kept": network.cofire,
        "cofire, state kept every 6 steps": lambda: network.cofire(checkpoint=6),
        "torch, dense": network.torch_dense,
    }
    compare(benchmark, implementations, same_gradients(network, 5e-3))
