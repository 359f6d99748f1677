"""How fast does a network with the wiring of the larval olfactory pathway learn and run?"""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from cofire import _core
from cofire.nn import kernels
from cofire.nn.olfactory import OlfactoryNetwork, olfactory_loss
from cofire.studies.larval_olfaction.optimizer import FlatAdam
from network_merged import Merged
from network_peers import CLIP, LR, SPARSITY_WEIGHT, Pathwise
from peers import compare, scale

SHARED = Path(os.environ.get("COFIRE_DATA", Path(__file__).resolve().parents[2] / "shared"))
WIRING = SHARED / "data" / "larval_olfaction"
TRAINED = SHARED / "golden" / "olfactory_seed42.npz"
pytestmark = pytest.mark.skipif(
    not (WIRING.is_dir() and TRAINED.is_file()),
    reason=f"no olfactory data at {SHARED}; set COFIRE_DATA to the folder with data and golden",
)


@lru_cache(maxsize=1)
def load():
    with np.load(TRAINED) as file:
        return dict(file)


def make_network(dtype=torch.float32):
    """The wiring and a trained set of parameters."""
    network = OlfactoryNetwork.from_data(WIRING, dtype)
    prefix = "param/"
    network.load_published(
        {k.removeprefix(prefix): v for k, v in load().items() if k.startswith(prefix)}
    )
    return network


def make_odors(n_samples, dtype=torch.float32):
    """Noisy responses to the 28 odors in turn, and which odor it was."""
    clean = np.resize(load()["or_input"], (n_samples, 21))
    noise = np.random.default_rng(0).standard_normal(clean.shape)
    odors = np.maximum(clean * (1 + 0.3 * noise), 0)
    return torch.from_numpy(odors).to(dtype), torch.arange(n_samples) % 28


class Fused:
    """cofire's training step, as the study of the olfactory network takes it."""

    def __init__(self, network, isa="best"):
        self.network, self.isa = network, isa
        parameters = network.published_parameters()
        groups = network.parameter_groups(LR)
        rates = {id(p): group["lr"] for group in groups for p in group["params"]}
        self.optimizer = FlatAdam(
            parameters,
            {name: rates[id(p)] for name, p in parameters.items()},
            clip_norm=CLIP,
            project=network.clamp_,
        )
        self.seeds = count()

    def train(self, odors, labels, noise=True, n_steps=30):
        """One training step; the loss."""
        before, kernels._ISA = kernels._ISA, self.isa
        self.optimizer.zero_grad()
        out = self.network(odors, "soft", noise, next(self.seeds), n_steps, threads=1)
        loss = olfactory_loss(out, labels, SPARSITY_WEIGHT)
        loss.backward()
        self.optimizer.step(self.optimizer.gradient_norm())
        kernels._ISA = before
        return loss.detach()

    def evaluate(self, odors, n_steps=30):
        """KC counts."""
        with torch.no_grad():
            seed = next(self.seeds)
            return self.network(odors, "eval", True, seed, n_steps, threads=1).kc_count


def assert_same_training(batch, n_steps):
    """A step in double precision with the same noise: loss, clipped gradients, new parameters."""
    network = make_network(torch.float64)
    odors, labels = make_odors(batch, torch.float64)
    n_noise = network.network.plan.n_noise
    noise = torch.from_numpy(np.random.default_rng(1).standard_normal((batch, n_steps, n_noise)))
    pathwise, merged = Pathwise(network), Merged(network)
    expected = Fused(network).train(odors, labels, noise, n_steps)
    for peer in (pathwise, merged):
        torch.testing.assert_close(peer.train(odors, labels, noise, n_steps), expected)
    for theirs in (pathwise.values(), merged.values()):
        for name, value in network.published_parameters().items():
            learned, gradient = (x.view_as(value) for x in theirs[name])
            limit = 1e-8 * float(value.grad.norm()) + 1e-14
            assert float((gradient - value.grad).norm()) < limit, name
            torch.testing.assert_close(learned, value, rtol=1e-7, atol=1e-9)


def assert_same_spikes(n_samples):
    """An evaluation with the same noise counts the same spikes."""
    network = make_network(torch.float64)
    odors, _ = make_odors(n_samples, torch.float64)
    shape = n_samples, 30, network.network.plan.n_noise
    noise = torch.from_numpy(np.random.default_rng(2).standard_normal(shape))
    with torch.no_grad():
        expected = network(odors, "eval", noise).kc_count
        for peer in (Pathwise(network), Merged(network)):
            assert torch.equal(peer(odors, False, noise).kc_count, expected)


def similar(tolerance):
    """Means agree: each implementation draws noise of its own."""

    def equal(ours, theirs):
        assert float(theirs.mean()) == pytest.approx(float(ours.mean()), rel=tolerance)

    return equal


def test_training_step(benchmark):
    """The published setting; forward, loss, backward, clip, Adam, clamps."""
    batch, n_steps = scale(16, 4), scale(30, 6)
    assert_same_training(batch, n_steps)
    network, (odors, labels) = make_network(), make_odors(batch)
    fused, pathwise, merged = Fused(make_network()), Pathwise(network), Merged(network)
    benchmark.group = f"olfactory training step, 368 neurons x {n_steps} steps, batch {batch}"
    implementations = {
        "cofire": lambda: fused.train(odors, labels, n_steps=n_steps),
        "torch, pathway by pathway as published": lambda: pathwise.train(
            odors, labels, n_steps=n_steps
        ),
        "torch, merged": lambda: merged.train(odors, labels, n_steps=n_steps),
    }
    compare(benchmark, implementations, similar(0.5), rounds=15)


def test_evaluation(benchmark):
    """Hard spikes with noise, 1400 samples at once or in batches of 16 as published."""
    n_samples = scale(1400, 28)
    assert_same_spikes(scale(56, 4))
    network, (odors, _) = make_network(), make_odors(n_samples)
    fused, pathwise, merged = Fused(network), Pathwise(network), Merged(network)

    def published(batch):
        with torch.no_grad():
            return torch.cat([pathwise(x, soft=False).kc_count for x in odors.split(batch)])

    benchmark.group = f"olfactory evaluation of {n_samples} samples, 30 steps, hard spikes"
    implementations = {
        "cofire": lambda: fused.evaluate(odors),
        "torch, pathway by pathway, batches of 16": lambda: published(16),
        "torch, pathway by pathway, one batch": lambda: published(n_samples),
        "torch, merged, batches of 100": lambda: merged.evaluate(odors, 100),
    }
    compare(benchmark, implementations, similar(0.1))


def test_instruction_sets(benchmark):
    """The same step compiled for narrower vectors: the same bits."""
    batch, n_steps = scale(16, 4), scale(30, 6)
    odors, labels = make_odors(batch)
    names = [isa for isa in ("avx2", "baseline") if _core.network_isa_runs(isa)]
    trainers = {f"cofire, {isa}": Fused(make_network(), isa) for isa in names}
    trainers = {"cofire": Fused(make_network()), **trainers}
    implementations = {
        name: lambda trainer=trainer: trainer.train(odors, labels, n_steps=n_steps)
        for name, trainer in trainers.items()
    }
    benchmark.group = (
        f"olfactory training step, 368 neurons x {n_steps} steps, batch {batch}, by instruction set"
    )

    def equal(ours, theirs):
        assert torch.equal(ours, theirs)

    compare(benchmark, implementations, equal, rounds=15)
