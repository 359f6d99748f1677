"""How fast is similarity-graph clustering, and above all its chain over block models?

The peer of the chain is the published formulation, compiled by Numba: the energy of every candidate
from scratch, O(k^2) logarithms each. It draws the same random numbers, so that it must visit the
same partitions.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import lru_cache
from math import lgamma, log

import numpy as np
import pytest
from numba import njit, uint64

import cofire as cf
from cofire.assemblies import SGC
from cofire.assemblies.sgc import run_chains, shuffled_null, start_chains
from cofire.errors import NoAssemblyWarning
from peers import compare, scale, within

LOW = uint64(0xFFFFFFFF)


@njit(nogil=True)
def next_word(stream):
    """Philox4x32-10; stream holds seed, row, draw, block, position and two words."""
    if stream[4] == 2:
        x0, x1 = stream[3] & LOW, stream[1] & LOW
        x2, x3 = stream[2] & LOW, uint64(0)
        k0, k1 = stream[0] & LOW, stream[0] >> uint64(32)
        for _ in range(10):
            p0, p1 = uint64(0xD2511F53) * x0, uint64(0xCD9E8D57) * x2
            x0, x1, x2, x3 = (
                (p1 >> uint64(32)) ^ x1 ^ k0,
                p1 & LOW,
                (p0 >> uint64(32)) ^ x3 ^ k1,
                p0 & LOW,
            )
            k0, k1 = (k0 + uint64(0x9E3779B9)) & LOW, (k1 + uint64(0xBB67AE85)) & LOW
        stream[5], stream[6] = (x1 << uint64(32)) | x0, (x3 << uint64(32)) | x2
        stream[3] += uint64(1)
        stream[4] = uint64(0)
    word = stream[5] if stream[4] == 0 else stream[6]
    stream[4] += uint64(1)
    return word


@njit(nogil=True)
def uniform(stream):
    return (next_word(stream) >> uint64(11)) * 2.0**-53


@njit(nogil=True)
def below(stream, bound):
    """For bounds below 2^32, where the product with a word needs two pieces."""
    b = uint64(bound)
    threshold = (uint64(0) - b) % b
    while True:
        word = next_word(stream)
        low = (word & LOW) * b
        high = (word >> uint64(32)) * b + (low >> uint64(32))
        if ((high << uint64(32)) | (low & LOW)) >= threshold:
            return np.int64(high >> uint64(32))


@njit(nogil=True)
def energy(n, m, kappa, k, p):
    total = 0.0
    for r in range(k):
        if n[r] == 0:
            continue
        total += lgamma(n[r] + 1.0) + kappa[r] * log(n[r]) + lgamma(n[r]) - lgamma(n[r] + kappa[r])
        inner = m[r, r] / 2.0
        total += lgamma(inner + 1) - (inner + 1) * log(p * n[r] * n[r] / 2.0 + 1)
        for s in range(r):
            if n[s]:
                total += lgamma(m[r, s] + 1.0) - (m[r, s] + 1) * log(p * n[r] * n[s] + 1)
    return total


@njit(nogil=True)
def place(u, r, sign, neighbors, offsets, labels, n, m, kappa):
    """Put node u into group r, or take it out."""
    n[r] += sign
    for i in range(offsets[u], offsets[u + 1]):
        t = labels[neighbors[i]]
        m[r, t] += sign
        m[t, r] += sign
    kappa[r] += sign * (offsets[u + 1] - offsets[u])


@njit(nogil=True)
def naive_chain(neighbors, offsets, labels, k, limit, seed, row, k_trace, energy_trace):
    n_nodes = len(labels)
    p = len(neighbors) / n_nodes**2
    n, kappa = np.zeros(limit, np.int64), np.zeros(limit, np.int64)
    m, score = np.zeros((limit, limit), np.int64), np.empty(limit)
    for u in range(n_nodes):
        n[labels[u]] += 1
        for i in range(offsets[u], offsets[u + 1]):
            m[labels[u], labels[neighbors[i]]] += 1
            kappa[labels[u]] += 1
    for sweep in range(len(k_trace)):
        stream = np.array([seed, row, sweep + 1, 0, 2, 0, 0], np.uint64)
        for _ in range(n_nodes):
            if uniform(stream) < 1.0 / (n_nodes + 1.0):
                k = change_number(stream, labels, n, m, kappa, k, limit)
            u = below(stream, n_nodes)
            place(u, labels[u], -1, neighbors, offsets, labels, n, m, kappa)
            for s in range(k):
                place(u, s, 1, neighbors, offsets, labels, n, m, kappa)
                score[s] = energy(n, m, kappa, k, p)
                place(u, s, -1, neighbors, offsets, labels, n, m, kappa)
            weights = np.cumsum(np.exp(score[:k] - score[:k].max()))
            chosen = np.searchsorted(weights, uniform(stream) * weights[-1], side="right")
            labels[u] = min(chosen, k - 1)
            place(u, labels[u], 1, neighbors, offsets, labels, n, m, kappa)
        k_trace[sweep] = k
        energy_trace[sweep] = energy(n, m, kappa, k, p)


@njit(nogil=True)
def change_number(stream, labels, n, m, kappa, k, limit):
    if uniform(stream) < 0.5:
        n_empty = (n[:k] == 0).sum()
        if n_empty:
            chosen = np.flatnonzero(n[:k] == 0)[below(stream, n_empty)]
            k -= 1
            labels[labels == k] = chosen
            n[chosen], kappa[chosen] = n[k], kappa[k]
            m[chosen, :] = m[k, :]
            m[:, chosen] = m[:, k]
            m[chosen, chosen] = m[k, k]
            n[k] = kappa[k] = 0
            m[k, :] = 0
            m[:, k] = 0
    elif uniform(stream) < k / (len(labels) + k) and k < limit:
        k += 1
    return k


@lru_cache(maxsize=4)
def chains_near(n_nodes, n_groups, n_chains, n_sweeps):
    """Chains that start at planted groups of a graph of mean degree 10, and stay near them."""
    group = np.arange(n_nodes) % n_groups
    same = group[:, None] == group
    share = np.where(same, 9.0 * n_groups, 1.0 * n_groups / max(n_groups - 1, 1)) / n_nodes
    upper = np.triu(np.random.default_rng(0).random(same.shape) < share, 1)
    started = start_chains(upper | upper.T, rounds=n_chains, steps=n_sweeps)
    return replace(
        started,
        labels=np.tile(group.astype(np.int32), (n_chains, 1)),
        n_groups=np.full(n_chains, n_groups, np.int32),
    )


def traces(chains):
    return chains.k_trace, chains.energy_trace


def run_naive(chains):
    k_trace, energies = np.zeros_like(chains.k_trace), np.zeros_like(chains.energy_trace)
    for c in range(chains.n_chains):
        naive_chain(
            chains.neighbors, chains.offsets, chains.labels[c].copy(), chains.n_groups[c],
            chains.max_groups, chains.seed, c, k_trace[c], energies[c],
        )  # fmt: skip
    return k_trace, energies


def same_chain(ours, theirs):
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-11)


@pytest.mark.parametrize(
    ("n_nodes", "n_groups", "n_sweeps"),
    [(scale(150, 30), scale(12, 6), scale(100, 4)), (scale(600, 60), scale(40, 12), scale(10, 2))],
)
def test_chain(benchmark, n_nodes, n_groups, n_sweeps):
    """Goals: 0.10 ms a sweep for P = 150, k = 12; 7 ms for P = 600, k = 40."""
    chains = chains_near(n_nodes, n_groups, 1, n_sweeps)
    benchmark.group = f"block-model chain, P = {n_nodes}, k = {n_groups}, {n_sweeps} sweeps"
    implementations = {
        "cofire": lambda: traces(run_chains(chains, threads=1)),
        "numba, every energy from scratch": lambda: run_naive(chains),
    }
    compare(benchmark, implementations, same_chain)


@pytest.mark.parametrize("n_chains", [4, 5])
def test_chains_on_two_threads(benchmark, n_chains):
    """Goals: 1.8 times as fast with 4 chains, 1.5 times with 5."""
    n_nodes, n_sweeps = scale(370, 40), scale(5000, 20)
    chains = chains_near(n_nodes, 12, n_chains, n_sweeps)
    benchmark.group = (
        f"{n_chains} block-model chains, P = {n_nodes}, k = 12, {n_sweeps} sweeps, no feasible peer"
    )
    implementations = {
        "cofire": lambda: traces(run_chains(chains, threads=1)),
        "cofire, two threads": lambda: traces(run_chains(chains, threads=2)),
    }
    compare(benchmark, implementations, within(0.0))


@lru_cache(maxsize=1)
def default_recording():
    return cf.datasets.make_calcium_recording(*scale((12, 10, 3600.0), (4, 2, 300.0)), rng=0)


def test_whole_detector(benchmark):
    """Goal: 5 chains of 50,000 sweeps for P of about 370 in less than 80 s on 2 cores."""
    dff, steps = default_recording().dff, scale(50_000, 20)
    benchmark.group = (
        f"SGC of {dff.shape[1]} units x {dff.shape[0]} frames, 5 chains of {steps} sweeps, "
        "no feasible peer"
    )

    def labels(threads):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoAssemblyWarning)  # at the small size
            model = SGC(steps=steps, threads=threads).fit(dff)
        return np.concatenate([model.labels_, model.groups_])

    implementations = {
        "cofire": lambda: labels(1),
        "cofire, two threads": lambda: labels(2),
    }
    compare(benchmark, implementations, within(0.0))


def null_in_numpy(raster, n_shuffles):
    rng = np.random.default_rng(0)
    histogram = np.zeros(raster.shape[1] + 1, np.int64)
    by_unit = np.ascontiguousarray(raster.T)
    for _ in range(n_shuffles):
        coactivity = rng.permuted(by_unit, axis=1).sum(axis=0)
        histogram += np.bincount(coactivity, minlength=len(histogram))
    return histogram


def test_shuffled_null(benchmark):
    """Histograms of different random numbers: they agree to a percent of the frames."""
    n_frames, n_units, n_shuffles = scale(21_616, 400), scale(2708, 30), scale(10, 50)
    rng = np.random.default_rng(0)
    raster = rng.random((n_frames, n_units)) < rng.uniform(0.01, 0.05, n_units)
    benchmark.group = f"co-activity of {n_shuffles} shuffles, {n_units} units x {n_frames} frames"

    def equal(ours, theirs):
        assert ours.sum() == theirs.sum()
        np.testing.assert_allclose(ours / ours.sum(), theirs / ours.sum(), atol=0.01)

    implementations = {
        "cofire": lambda: shuffled_null(raster, n_shuffles, 0, threads=1),
        "numpy.random.Generator.permuted": lambda: null_in_numpy(raster, n_shuffles),
    }
    compare(benchmark, implementations, equal)
