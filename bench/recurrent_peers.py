"""A recurrent population of spiking neurons with a weight for each edge: cofire, eager PyTorch.

Exponential currents, short-term depression, two steps refractory, a logistic spike 1 mV wide or
all-or-none spikes; dt 1 ms, membrane 20 ms, current 5 ms, recovery 200 ms, use 0.5, threshold 15 mV
above reset. Potentials and currents are in volts (resistance 1).
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import torch
from scipy import sparse

from cofire.nn import NetworkPlan, Pathway, Population, simulate

THRESHOLD = 0.015
USE = 0.5
RECOVERY = math.exp(-1e-3 / 0.2)
ALPHA = math.exp(-1e-3 / 5e-3)
DECAY = math.exp(-1e-3 / 20e-3)


class Recurrent:
    """Wiring, weights and input; the same for all implementations.

    Drive is uniform between 14 and 24 mV for each neuron, sample and step; weights are normal and
    scale with the number of inputs.
    """

    def __init__(self, n, density, batch, n_steps, dtype=torch.float32):
        rng = np.random.default_rng(5)
        mask = sparse.random_array((n, n), density=density, rng=rng, format="csr")
        mask.data[:] = 1
        self.n, self.n_steps, self.dtype = n, n_steps, dtype
        soma = Population(
            "cells", n, v_rest=0, v_reset=0, v_min=-1, resistance=1, tau_m=0.02, v_th=THRESHOLD
        )
        path = Pathway(
            "edges", "cells", "cells", mask, timing="previous", strength=1, use=USE, per_edge=True
        )
        self.plan = NetworkPlan([soma], [path])
        self.mask = self.plan.pathway("edges").weights
        weights = rng.normal(0, 0.01 / math.sqrt(max(n * density, 1)), self.mask.nnz)
        self.weights = torch.from_numpy(weights).to(dtype)
        drive = rng.uniform(0.014, 0.024, (batch, n_steps, n))
        self.drive = torch.from_numpy(drive).to(dtype)
        self.readout = torch.from_numpy(rng.normal(size=n)).to(dtype)
        self.slots = {s.field: slice(s.start, s.stop) for s in self.plan.theta_layout}
        self.theta = torch.from_numpy(self.plan.initial_theta()).to(dtype)
        self.theta[self.slots["strength"]] = self.weights

    def cofire(self, checkpoint=None):
        """Counts, and gradients by weight, decay, threshold and drive."""
        theta = self.theta.clone().requires_grad_()
        drive = self.drive.clone().requires_grad_()
        run = simulate(
            self.plan,
            theta,
            drive,
            n_steps=self.n_steps,
            spike="soft",
            checkpoint=checkpoint,
            threads=1,
        )
        (run.counts @ self.readout).sum().backward()
        by = {field: theta.grad[place] for field, place in self.slots.items()}
        return run.counts.detach(), by["strength"], by["decay"], by["threshold"], drive.grad

    def cofire_forward(self):
        """Spike counts of all-or-none spikes."""
        with torch.no_grad():
            steps = {"n_steps": self.n_steps, "threads": 1}
            return simulate(self.plan, self.theta, self.drive, **steps).counts

    def torch_leaves(self):
        """Decay, threshold (n, 1) and drive (T, n, batch) for the peers."""
        decay = torch.tensor(DECAY, dtype=self.dtype, requires_grad=True)
        threshold = torch.full((self.n, 1), THRESHOLD, dtype=self.dtype, requires_grad=True)
        return decay, threshold, self.drive_by_step.clone().requires_grad_()

    @cached_property
    def drive_by_step(self):
        """(T, n, batch), as the peers have it."""
        return self.drive.permute(1, 2, 0).contiguous()

    @cached_property
    def dense(self):
        """Weights (post, pre)."""
        dense = torch.from_numpy(self.mask.toarray()).to(self.dtype)
        dense[dense != 0] = self.weights
        return dense.T.contiguous()

    @cached_property
    def pattern(self):
        """Where the edges are."""
        return Pattern(self.mask)

    def torch_dense(self):
        """The same with one dense matrix (post, pre)."""
        weights = self.dense.clone().requires_grad_()

        def product(current, released):
            return torch.addmm(current, weights, released, beta=ALPHA)

        counts, *gradients = self._torch(product)
        return counts, weights.grad, *gradients

    def torch_sparse(self):
        """The same with a compressed sparse matrix."""
        weights = self.weights.clone().requires_grad_()
        pattern = self.pattern

        def product(current, released):
            return ALPHA * current + SparseProduct.apply(weights, released, pattern)

        counts, *gradients = self._torch(product)
        return counts, weights.grad, *gradients

    def torch_forward(self):
        """Spike counts of all-or-none spikes, dense."""
        with torch.no_grad():
            leaves = self.torch_leaves()
            return run_eager(
                lambda current, released: torch.addmm(current, self.dense, released, beta=ALPHA),
                *leaves,
                soft=False,
            ).T

    def _torch(self, product):
        decay, threshold, drive = self.torch_leaves()
        counts = run_eager(product, decay, threshold, drive)
        (self.readout @ counts).sum().backward()
        return counts.detach().T, decay.grad, threshold.grad[:, 0], drive.grad.permute(2, 0, 1)


def run_eager(product, decay, threshold, drive, soft=True):
    """Counts (n, batch), in as few operations a step as we can: potentials in mV."""
    v = torch.zeros_like(drive[0])
    current, counts = torch.zeros_like(v), torch.zeros_like(v)
    spikes, ready, resources = torch.zeros_like(v), torch.ones_like(v), torch.ones_like(v)
    one = torch.ones_like(v)
    minus_threshold = -1e3 * threshold
    for given in (1e3 * drive).unbind():
        released = spikes * resources
        resources = torch.lerp(one, torch.add(resources, released, alpha=-USE), RECOVERY)
        current = product(current, 1e3 * USE * released)
        v = torch.lerp(current + given, v, decay)
        u = v + minus_threshold
        spikes = (torch.sigmoid(u) if soft else (u > 0).to(u.dtype)) * ready
        fired = spikes.detach().round()
        v = v * (ready - fired)
        ready = 1 - fired
        counts = counts + spikes
    return counts


class Pattern:
    """Where the edges are, by post and by pre: cofire keeps edges by pre."""

    def __init__(self, mask):
        order = sparse.csr_array(
            (np.arange(mask.nnz, dtype=np.float64), mask.indices, mask.indptr), mask.shape
        )
        by_post = order.T.tocsr()
        by_post.sort_indices()
        self.by_pre = [torch.from_numpy(x.astype(np.int64)) for x in (mask.indptr, mask.indices)]
        indices = by_post.indptr, by_post.indices
        self.by_post = [torch.from_numpy(x.astype(np.int64)) for x in indices]
        self.order = torch.from_numpy(by_post.data.astype(np.int64))
        self.shape = mask.shape

    def matrix(self, values, by):
        """Sparse matrix, (post, pre) for by_post and (pre, post) for by_pre."""
        shape = self.shape if by is self.by_pre else self.shape[::-1]
        return torch.sparse_csr_tensor(*by, values, shape, check_invariants=False)


class SparseProduct(torch.autograd.Function):
    """Weights (by pre) times released (pre, batch); PyTorch has no gradient by CSR values."""

    @staticmethod
    def forward(ctx, weights, released, pattern):
        """Received (post, batch)."""
        ctx.save_for_backward(weights, released)
        ctx.pattern = pattern
        return pattern.matrix(weights[pattern.order], pattern.by_post) @ released

    @staticmethod
    def backward(ctx, gradient):
        """By weights, sampled at the edges, and by released."""
        weights, released = ctx.saved_tensors
        pattern = ctx.pattern
        empty = pattern.matrix(torch.zeros_like(weights), pattern.by_pre)
        at_edges = torch.sparse.sampled_addmm(empty, released, gradient.T.contiguous())
        return at_edges.values(), pattern.matrix(weights, pattern.by_pre) @ gradient, None
