"""How long does assembly detection take? Weights, shuffles, members, explained variance.

Workload: 75 units (log-normal rates, mean 5.1 Hz), 15 planted assemblies of 6 units, 18.6 min of
theta in 120 epochs, 25 ms bins.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
import pytest

import cofire as cf
from cofire.assemblies import PCAICA, explained_variance, find_members
from cofire.assemblies.nulls import Surrogates, gram_statistics
from cofire.assemblies.pcaica import standardize
from peers import make_events, make_spikes, scale

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


def weights_of(implementation):
    """Patterns from spikes: binning, threshold, independent components."""
    if implementation == "cofire":
        return lambda: PCAICA().fit(cf.bin_spikes(spikes(), BIN_WIDTH, support=theta())).patterns_
    decomposition = pytest.importorskip("sklearn.decomposition")
    trains, epochs = spikes().to_list(), theta().data

    def with_numpy():
        n = np.floor((epochs[:, 1] - epochs[:, 0]) / BIN_WIDTH).astype(int)
        edges = [
            np.linspace(a, a + k * BIN_WIDTH, k + 1) for a, k in zip(epochs[:, 0], n, strict=True)
        ]
        x = np.vstack([np.concatenate([np.histogram(t, e)[0] for e in edges]) for t in trains])
        z = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
        values = np.linalg.eigvalsh(np.cov(z))
        k = int((values > (1 + np.sqrt(z.shape[0] / z.shape[1])) ** 2).sum())
        ica = decomposition.FastICA(k, random_state=0, whiten="unit-variance").fit(z.T)
        w = ica.components_ / np.linalg.norm(ica.components_, axis=1, keepdims=True)
        return w * np.sign(w[np.arange(k), np.abs(w).argmax(1)])[:, None]

    return with_numpy


@pytest.mark.benchmark(group="assembly weights from spikes")
@pytest.mark.parametrize("implementation", ["cofire", "numpy + scikit-learn"])
def test_weights(benchmark, implementation):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function = weights_of(implementation)
        expected = weights_of("cofire")()
        found = function()
        assert found.shape == expected.shape
        # A spike on a bin edge may fall either way in numpy.histogram.
        assert (np.abs(np.sum(found * expected, axis=1)) > 1 - 1e-6).all()
        benchmark(function)


def shuffles_of(implementation, kind, n):
    """Largest eigenvalues of `n` shuffles, one thread."""
    z, _ = standardize(counts().astype(float))
    if implementation == "cofire":

        def top(g):
            return float(np.linalg.eigvalsh(g / (z.shape[1] - 1))[-1])

        return lambda: gram_statistics(z, top, Surrogates(kind, n, threads=1))

    def with_numpy():
        rng = np.random.default_rng(0)
        values = []
        for _ in range(n):
            if kind == "bin":
                y = np.take_along_axis(z, np.argsort(rng.random(z.shape), axis=1), axis=1)
            else:
                y = np.array([np.roll(row, rng.integers(z.shape[1])) for row in z])
            values.append(np.linalg.eigvalsh(np.cov(y))[-1])
        return np.array(values)

    return with_numpy


@pytest.mark.parametrize("kind", ["bin", "circ"])
@pytest.mark.parametrize(
    ("implementation", "n"),
    [("cofire", scale(20, 5)), ("numpy", scale(20, 5)), ("cofire", scale(1000, 50))],
)
def test_shuffles(benchmark, implementation, n, kind):
    benchmark.group = f"{n} shuffles, {kind}"
    few = [shuffles_of(i, kind, 5)() for i in ("cofire", "numpy")]
    spread = max(x.std() for x in few)
    assert abs(few[0].mean() - few[1].mean()) < 4 * spread
    benchmark.pedantic(shuffles_of(implementation, kind, n), rounds=scale(2, 1))


def ev_with_numpy(task, post, pre):
    t, p, b = (np.corrcoef(x)[np.tril_indices(len(x), -1)] for x in (task, post, pre))
    tp, tb, bp = (np.corrcoef(x, y)[0, 1] for x, y in ((t, p), (t, b), (p, b)))
    ev = ((tp - tb * bp) / (np.sqrt((1 - tb**2) * (1 - bp**2)) + 1e-10)) ** 2
    return ev, ((tb - tp * bp) / (np.sqrt((1 - tp**2) * (1 - bp**2)) + 1e-10)) ** 2


@pytest.mark.benchmark(group="explained variance")
@pytest.mark.parametrize("implementation", ["cofire", "numpy"])
def test_explained_variance(benchmark, implementation):
    parts = np.array_split(counts().astype(float), 3, axis=1)
    function = {"cofire": explained_variance, "numpy": ev_with_numpy}[implementation]
    assert function(*parts) == pytest.approx(ev_with_numpy(*parts), rel=1e-9)
    benchmark(function, *parts)


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


@pytest.mark.benchmark(group="members of 15 assemblies")
@pytest.mark.parametrize("implementation", ["cofire", "numpy"])
def test_members(benchmark, implementation):
    patterns = np.random.default_rng(0).normal(size=(15, scale(300, 75))) ** 3
    function = {"cofire": find_members, "numpy": members_with_numpy}[implementation]
    np.testing.assert_array_equal(function(patterns), members_with_numpy(patterns))
    benchmark(function, patterns)
