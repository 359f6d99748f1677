"""How fast are the measures of what assemblies do, at the size of the V1DD recording?

Peers are the definitions as scripts write them, with NumPy and SciPy; they must agree.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.stats import pearsonr

from cofire import assemblies as asm
from cofire.pairwise import correlation
from peers import compare, scale, within

SIZES = (1016, 542, 328, 325, 230, 188, 187, 181, 121, 114, 112, 61, 48, 35, 23)


@lru_cache(maxsize=1)
def recording():
    """Raster (T, N) with common ups and downs, and sets of the published sizes."""
    n_frames, n_units = scale(21_616, 1000), scale(2708, 120)
    rng = np.random.default_rng(0)
    drive = 0.02 + 0.08 * rng.random((n_frames, 1)) ** 4
    raster = rng.random((n_frames, n_units), dtype=np.float32) < drive.astype(np.float32)
    raster[:10] = True  # no silent cell
    sizes = [scale(n, n // 20 + 1) for n in SIZES]
    return raster, list(asm.random_ensembles(sizes, n_units))


def starts():
    return np.arange(9) * scale(2000, 100)


def test_coactivity(benchmark):
    raster, sets = recording()
    benchmark.group = f"co-activity of 15 assemblies, {raster.shape[1]} cells"
    implementations = {
        "cofire": lambda: asm.coactivity(raster, sets),
        "numpy, mean of columns": lambda: np.stack(
            [raster[:, units].mean(axis=1) for units in sets], axis=1
        ),
    }
    compare(benchmark, implementations, within(1e-12))


def test_gini(benchmark):
    """Goal: together with the correlations of traces under 0.1 s."""
    raster, sets = recording()
    traces = asm.coactivity(raster, sets)
    part = traces[: scale(4000, 400)]
    benchmark.group = f"Gini of 15 traces of {len(part)} frames"

    def all_pairs():
        return np.array(
            [np.abs(x[:, None] - x).sum() / 2 / (len(x) ** 2 * x.mean()) for x in part.T]
        )

    implementations = {"cofire": lambda: asm.gini(part), "numpy, all pairs": all_pairs}
    compare(benchmark, implementations, within(1e-9), rounds=3)


def test_correlations_of_traces(benchmark):
    raster, sets = recording()
    traces = np.ascontiguousarray(asm.coactivity(raster, sets).T)
    benchmark.group = f"correlations of 15 traces of {traces.shape[1]} frames"
    implementations = {
        "cofire": lambda: correlation(traces),
        "numpy.corrcoef": lambda: np.corrcoef(traces),
        "scipy.stats.pearsonr, pair by pair": lambda: np.array(
            [[pearsonr(a, b).statistic for a in traces] for b in traces]
        ),
    }
    compare(benchmark, implementations, within(1e-9))


def test_correlations_of_all_cells(benchmark):
    raster, _ = recording()
    rows = np.ascontiguousarray(raster.T)
    n = len(rows)
    benchmark.group = f"correlations of {n * (n - 1)} ordered pairs of cells"
    implementations = {
        "cofire": lambda: correlation(rows),
        "numpy.corrcoef (one BLAS call), float32": lambda: np.corrcoef(rows, dtype=np.float32),
    }
    compare(benchmark, implementations, within(1e-3))


def test_oracle_scores(benchmark):
    """Goal: 2,708 cells x 9 repeats under 1 s."""
    raster, _ = recording()
    first = starts()
    length = scale(300, 60)
    benchmark.group = f"oracle scores of {raster.shape[1]} cells, 9 repeats of {length} frames"

    def by_pearsonr():
        trials = raster[first[:, None] + np.arange(length)].astype(np.float64)
        out = np.empty((9, raster.shape[1]))
        for i in range(9):
            others = np.delete(trials, i, axis=0).mean(axis=0)
            for unit in range(raster.shape[1]):
                x, y = trials[i, :, unit], others[:, unit]
                flat = np.ptp(x) == 0 or np.ptp(y) == 0
                out[i, unit] = np.nan if flat else pearsonr(x, y).statistic
        return out

    implementations = {
        "cofire": lambda: asm.oracle_score(raster, first, length).r,
        "scipy.stats.pearsonr, cell by cell": by_pearsonr,
    }
    compare(benchmark, implementations, within(1e-9), rounds=3)


def test_spatial_tests(benchmark):
    n = scale(2708, 150)
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.integers(0, 512, (n, 2))]).astype(float)
    members = points[: scale(542, 30)]
    benchmark.group = f"KS test in the plane, {len(members)} of {n} cells"

    def largest(own, other):
        difference = []
        for x, y in own:
            shares = []
            for s in (own, other):
                left, low = s[:, 0] <= x, s[:, 1] <= y
                a, b, c = (left & low).mean(), (left & ~low).mean(), (~left & low).mean()
                shares.append([a, b, c, 1 - a - b - c])
            difference.append(np.subtract(*shares))
        difference = np.array(difference)
        difference[:, 0] -= 1 / len(own)
        return max(-difference.min(), difference.max() + 1 / len(own))

    implementations = {
        "cofire": lambda: asm.ks_plane(members, points).statistic,
        "numpy, point by point": lambda: (largest(members, points) + largest(points, members)) / 2,
    }
    compare(benchmark, implementations, within(1e-12))


def test_trigger_frames(benchmark):
    n, height, width = scale(900, 30), scale(304, 20), scale(608, 30)
    rng = np.random.default_rng(0)
    movie = rng.integers(0, 256, (n, height, width), dtype=np.uint8)
    traces = rng.random((scale(3000, 300), 15))
    shown = rng.integers(-1, n, len(traces))
    benchmark.group = f"trigger frames of 15 traces, movie of {n} frames {height} x {width}"

    def one_by_one():
        from scipy.signal import find_peaks

        out = []
        for trace in traces.T:
            peaks = find_peaks(trace, height=0.3 * trace.max())[0]
            frames = shown[peaks[shown[peaks] >= 0]]
            out.append(np.mean([movie[i].astype(np.float64) for i in frames], axis=0))
        return np.array(out)

    implementations = {
        "cofire": lambda: asm.trigger_frames(traces, movie, shown).mean,
        "numpy, assembly by assembly": one_by_one,
    }
    compare(benchmark, implementations, within(1e-9), rounds=3)
