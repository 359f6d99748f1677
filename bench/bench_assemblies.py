"""How long does assembly detection take? Weights, shuffles, members, explained variance.

Workload: 75 units (log-normal rates, mean 5.1 Hz), 15 planted assemblies of 6 units, 18.6 min of
theta in 120 epochs, 25 ms bins.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from sklearn.decomposition import FastICA

import cofire as cf
from cofire.assemblies import PCAICA, explained_variance, find_members
from cofire.assemblies.nulls import Surrogates, gram_statistics
from cofire.assemblies.pcaica import standardize
from peers import compare, make_events, make_spikes, scale, within

N_UNITS = scale(75, 20)
THETA = float(scale(1116, 60))  # s
BIN_WIDTH = 0.025
N_ASSEMBLIES = scale(15, 3)


@lru_cache(maxsize=1)
def spikes() -> cf.SpikeTrains:
    """Background spikes and planted co-activations in epochs that cover THETA seconds."""
    rng = np.random.default_rng(0)
    times, ids = make_spikes(N_UNITS, 0, 2 * THETA, 5.1).to_pairs()
    added_times, added_ids = [times], [ids]
    for k in range(N_ASSEMBLIES):
        members = rng.choice(N_UNITS, 6, replace=False)
        events = make_events(int(THETA), 2 * THETA, seed=100 + k)
        for unit in members:
            added_times.append(events + rng.normal(0, 0.004, len(events)))
            added_ids.append(np.full(len(events), unit))
    times, ids = np.concatenate(added_times), np.concatenate(added_ids)
    order = np.argsort(times)
    return cf.SpikeTrains.from_pairs(times[order], ids[order], support=[[0, 2 * THETA]])


def theta() -> cf.Intervals:
    """120 epochs with gaps of their own length."""
    starts = np.linspace(0, 2 * THETA, 121)[:-1]
    return cf.Intervals(np.column_stack([starts, starts + THETA / 120]))


@lru_cache(maxsize=1)
def counts() -> np.ndarray:
    return cf.bin_spikes(spikes(), BIN_WIDTH, support=theta()).counts


def weights_with_numpy(trains, epochs):
    """Patterns from spikes: binning, threshold, independent components."""
    n = np.floor((epochs[:, 1] - epochs[:, 0]) / BIN_WIDTH).astype(int)
    edges = [np.linspace(a, a + k * BIN_WIDTH, k + 1) for a, k in zip(epochs[:, 0], n, strict=True)]
    x = np.vstack([np.concatenate([np.histogram(t, e)[0] for e in edges]) for t in trains])
    z = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    values = np.linalg.eigvalsh(np.cov(z))
    k = int((values > (1 + np.sqrt(z.shape[0] / z.shape[1])) ** 2).sum())
    w = FastICA(k, random_state=0, whiten="unit-variance").fit(z.T).components_
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    return w * np.sign(w[np.arange(k), np.abs(w).argmax(1)])[:, None]


def parallel(ours, theirs):
    """Cosines of 1 - 1e-6: a spike on a bin edge may fall either way in numpy.histogram."""
    assert ours.shape == theirs.shape
    assert (np.abs(np.sum(ours * theirs, axis=1)) > 1 - 1e-6).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights(benchmark):
    """All of `get_weights`."""
    trains, epochs = spikes().to_list(), theta()
    benchmark.group = (
        f"get_weights: patterns from spikes, {N_UNITS} units, {THETA:g} s of theta, 25 ms"
    )

    def of_cofire():
        counts = cf.bin_spikes(spikes(), BIN_WIDTH, support=epochs, threads=1)
        return PCAICA(threads=1).fit(counts).patterns_

    implementations = {
        "cofire": of_cofire,
        "numpy and scikit-learn": lambda: weights_with_numpy(trains, epochs.data),
    }
    compare(benchmark, implementations, parallel)


def shuffles_with_numpy(z, kind, n):
    rng = np.random.default_rng(0)
    values = []
    for _ in range(n):
        if kind == "bin":
            y = np.take_along_axis(z, np.argsort(rng.random(z.shape), axis=1), axis=1)
        else:
            y = np.array([np.roll(row, rng.integers(z.shape[1])) for row in z])
        values.append(np.linalg.eigvalsh(np.cov(y))[-1])
    return np.array(values)


def same_null(ours, theirs):
    """Draws differ: means of the largest eigenvalues within four standard deviations."""
    assert abs(np.mean(ours) - np.mean(theirs)) < 4 * max(np.std(ours), np.std(theirs))


@pytest.mark.parametrize("kind", ["bin", "circ"])
def test_shuffles(benchmark, kind):
    """Largest eigenvalues of shuffled z-scores."""
    z, _ = standardize(counts().astype(float))
    n = scale(20, 5)
    benchmark.group = f"{n} shuffles ({kind}): largest eigenvalues of {z.shape[0]} x {z.shape[1]}"

    def largest(products):
        return float(np.linalg.eigvalsh(products / (z.shape[1] - 1))[-1])

    implementations = {
        "cofire": lambda: gram_statistics(z, largest, Surrogates(kind, n, threads=1)),
        "numpy": lambda: shuffles_with_numpy(z, kind, n),
    }
    compare(benchmark, implementations, same_null)


def ev_with_numpy(task, post, pre):
    t, p, b = (np.corrcoef(x)[np.tril_indices(len(x), -1)] for x in (task, post, pre))
    tp, tb, bp = (np.corrcoef(x, y)[0, 1] for x, y in ((t, p), (t, b), (p, b)))
    ev = ((tp - tb * bp) / (np.sqrt((1 - tb**2) * (1 - bp**2)) + 1e-10)) ** 2
    return ev, ((tb - tp * bp) / (np.sqrt((1 - tp**2) * (1 - bp**2)) + 1e-10)) ** 2


@pytest.mark.parametrize("dtype", ["int32", "float64"])
def test_explained_variance(benchmark, dtype):
    parts = np.array_split(counts().astype(dtype), 3, axis=1)
    benchmark.group = f"explained variance of 3 x {parts[0].shape} counts, {dtype}"
    implementations = {
        "cofire": lambda: explained_variance(*parts),
        "numpy.corrcoef": lambda: ev_with_numpy(*parts),
    }
    compare(benchmark, implementations, within(1e-9))


def members_with_numpy(patterns):
    members = []
    for w in np.abs(patterns):
        s = np.sort(w)
        n = len(s)
        costs = [
            (i + 1) / n * s[: i + 1].var() + (1 - (i + 1) / n) * s[i + 1 :].var()
            for i in range(n - 1)
        ]
        members.append(w > s[int(np.argmin(costs))])
    return np.array(members)


def test_members(benchmark):
    patterns = np.random.default_rng(0).normal(size=(15, scale(300, 75))) ** 3
    benchmark.group = f"members of 15 assemblies of {patterns.shape[1]} units"
    implementations = {
        "cofire": lambda: find_members(patterns),
        "numpy": lambda: members_with_numpy(patterns),
    }
    compare(benchmark, implementations, np.testing.assert_array_equal)
