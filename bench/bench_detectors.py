"""How fast are the detectors of calcium assemblies, and the parts that take their time?

Peers: the C program behind PyFIM for closed item sets, scikit-learn's FastICA for the rotation,
plain NumPy for surrogates of a raster, SciPy's bounded solver for spikes of one trace.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
import pytest

import cofire as cf
from cofire.assemblies import closed_item_sets, compare_detectors, spike_raster
from cofire.assemblies.detectors._base import z_scored
from cofire.assemblies.detectors._deconvolution import deconvolve
from cofire.assemblies.detectors._mining import swap
from cofire.assemblies.detectors.compare import DETECTORS
from cofire.assemblies.detectors.ica import independent_patterns
from peers import compare, optional, scale, within


@lru_cache(maxsize=2)
def recording(degree, n_assemblies, duration):
    return cf.datasets.make_calcium_recording(degree, n_assemblies, duration, rng=0)


def default_recording():
    """The published default: 469 units, 10 assemblies, an hour at 2 Hz."""
    return recording(*scale((12, 10, 3600.0), (4, 2, 300.0)))


def as_sets(sets):
    if not hasattr(sets, "support"):
        return {(tuple(sorted(units)), support) for units, support in sets}
    return {(tuple(sets[k].tolist()), int(sets.support[k])) for k in range(len(sets))}


def closed_sets_of_intersections(raster, min_support):
    frames = [frozenset(np.flatnonzero(frame).tolist()) for frame in raster]
    closed = {frozenset(), *frames}
    for frame in frames:
        closed |= {frame & other for other in closed}
    found = []
    for units in closed:
        support = sum(units <= frame for frame in frames)
        if len(units) >= 2 and support >= min_support:
            found.append((tuple(sorted(units)), support))
    return found


def test_closed_item_sets(benchmark):
    """Closed sets of 2 and more units in 6 and more frames."""
    made = recording(*scale((5, 5, 1800.0), (3, 1, 60.0)))
    raster = cf.assemblies.sgc.activity_raster(made.dff, 2.0)
    transactions = [np.flatnonzero(frame).tolist() for frame in raster]
    benchmark.group = f"closed item sets of {raster.shape[1]} units x {raster.shape[0]} frames"
    implementations = {"cofire": lambda: closed_item_sets(raster)}
    pyfim = optional("fim")
    if pyfim is not None:
        implementations["PyFIM (C)"] = lambda: pyfim.fim(transactions, target="c", supp=-6, zmin=2)
    else:
        few = raster[: scale(600, 60)]
        benchmark.group = f"closed item sets of {few.shape[1]} units x {few.shape[0]} frames"
        implementations = {
            "cofire": lambda: closed_item_sets(few),
            "intersections of frames": lambda: closed_sets_of_intersections(few, 6),
        }

    def equal(ours, theirs):
        assert as_sets(ours) == as_sets(theirs)

    compare(benchmark, implementations, equal)


def test_swaps(benchmark):
    """Surrogates of a raster with the sums of rows and columns."""
    n_frames, n_units = scale(7200, 300), scale(469, 30)
    raster = (np.random.default_rng(0).random((n_frames, n_units)) < 0.04).astype(np.uint8)
    rows, columns = (a.astype(np.int32) for a in np.nonzero(raster))
    pairs = np.random.default_rng(1).integers(0, len(rows), (len(rows), 2))
    benchmark.group = f"{len(rows)} swaps in a raster of {n_units} units x {n_frames} frames"

    def ours():
        made = raster.copy()
        swap(made, rows, columns.copy(), pairs)
        return made

    def theirs():
        made, units = raster.copy(), columns.copy()
        for i, j in pairs:
            t, u, s, v = rows[i], units[i], rows[j], units[j]
            if not made[t, v] and not made[s, u]:
                made[t, u] = made[s, v] = 0
                made[t, v] = made[s, u] = 1
                units[i], units[j] = v, u
        return made

    compare(benchmark, {"cofire": ours, "NumPy, one by one": theirs}, within(0.0))


def test_deconvolution(benchmark):
    """Spikes of one trace, to 2 % of the largest."""
    from scipy.optimize import minimize

    n = scale(400, 60)
    trace = default_recording().dff[:n, 0]
    f = trace - trace.min()
    gamma, a, b, sigma, penalty = 0.7, float(np.median(f)), float(np.quantile(f, 0.05)), 0.1, 5.0
    decay = np.tril(gamma ** np.maximum(np.subtract.outer(np.arange(n), np.arange(n)), 0))
    design = a * decay
    benchmark.group = f"non-negative deconvolution of a trace of {n} frames"

    options = {"maxiter": 5000, "ftol": 1e-14}

    def theirs():
        def cost(x):
            miss = f - design @ x - b
            return 0.5 * miss @ miss / sigma**2 + penalty * x.sum(), (
                penalty - design.T @ miss / sigma**2
            )

        found = minimize(cost, np.full(n, 0.01), jac=True, method="L-BFGS-B",
                         bounds=[(0, None)] * n, options=options)  # fmt: skip
        return found.x / found.x.max()

    def ours():
        found = deconvolve(f, gamma, a, b, sigma, penalty, 1e-13)
        return found / found.max()

    compare(benchmark, {"cofire": ours, "scipy L-BFGS-B": theirs}, within(0.02))


def test_rotation(benchmark):
    """FastICA on the principal subspace, to its fixed point."""
    from sklearn.decomposition import FastICA

    z = z_scored(default_recording().dff)
    k = scale(10, 2)
    correlation = z @ z.T / (z.shape[1] - 1)
    benchmark.group = f"{k} independent components of {len(z)} units x {z.shape[1]} frames"

    def theirs():
        model = FastICA(k, fun="logcosh", max_iter=500, tol=1e-12, random_state=0,
                        whiten="unit-variance")  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(z.T)
        return model.mixing_.T

    def same_components(ours, theirs):
        a = ours / np.linalg.norm(ours, axis=1, keepdims=True)
        b = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
        assert np.abs(a @ b.T).max(axis=1).min() > 0.99

    implementations = {
        "cofire": lambda: independent_patterns(z, correlation, k, 500, 0),
        "scikit-learn FastICA": theirs,
    }
    compare(benchmark, implementations, same_components)


@pytest.mark.parametrize("name", [name for name in DETECTORS if name != "sgc"])
def test_whole_detector(benchmark, name):
    """All parameters as published; the rasters included."""
    made = recording(*scale((5, 5, 1800.0), (4, 2, 300.0)))
    benchmark.group = f"{name} of {made.n_units} units x {len(made.dff)} frames, no feasible peer"

    def labels(threads):
        found = compare_detectors(made, detectors=[name], threads=threads)
        assert found.ran.all()
        units = [u for assembly in found.assemblies[0] for u in (*assembly.tolist(), -1)]
        return np.array(units or [-1])

    implementations = {"cofire": lambda: labels(1), "cofire, two threads": lambda: labels(2)}
    compare(benchmark, implementations, within(0.0))


def test_spike_raster(benchmark):
    made = default_recording()
    benchmark.group = (
        f"spike raster of {made.n_units} units x {len(made.dff)} frames, no feasible peer"
    )
    implementations = {
        "cofire": lambda: spike_raster(made.dff, 2.0, threads=1),
        "cofire, two threads": lambda: spike_raster(made.dff, 2.0, threads=2),
    }
    compare(benchmark, implementations, within(0.0))
