"""Shuffle nulls: exact recipe, short cuts, determinism, statistics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofire import _core
from cofire.assemblies import PCAICA, sweep_significance
from cofire.assemblies._blas import gram, threaded_map
from cofire.assemblies.nulls import Surrogates, gram_statistics, seed_of
from cofire.errors import InvalidArgumentError
from reference import assemblies as reference
from reference.surrogates import shuffled_gram

COUNTS = reference.planted_counts(n_units=8, n_bins=700, members=((0, 1, 2),))
Z = reference.zscore(COUNTS)


def top(products):
    return float(np.linalg.eigvalsh(products)[-1])


def null_of(z, kind, **kwargs):
    return gram_statistics(z, top, Surrogates(kind=kind, **kwargs))


# oracle


@pytest.mark.parametrize("kind", ["bin", "circ"])
def test_recipe_is_the_written_one(kind):
    model = PCAICA(null=kind, rng=3, rng_recipe="numpy", n_shuffles=12, percentile=90).fit(COUNTS)
    expected = reference.shuffled_eigenvalues(COUNTS, kind, 3, 12)
    np.testing.assert_allclose(model.null_, expected, rtol=1e-12)
    assert model.threshold_ == pytest.approx(np.percentile(expected, 90), rel=1e-12)


def test_lagged_cross_correlations_equal_rolled_products():
    few = null_of(Z, "circ", n_shuffles=2, rng=5)
    shifts = np.random.Generator(
        np.random.Philox(np.random.SeedSequence(5, spawn_key=(0,)))
    ).integers(0, Z.shape[1], size=(400, len(Z)))
    many = null_of(Z, "circ", n_shuffles=400, rng=5)
    direct = [
        top(gram(np.array([np.roll(row, s) for row, s in zip(Z, shift, strict=True)])))
        for shift in shifts
    ]
    np.testing.assert_allclose(many, direct, rtol=1e-12)
    np.testing.assert_allclose(few, direct[:2], rtol=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
def test_rolled_sparse_rows_have_the_products_of_rolled_rows(threads):
    rng = np.random.default_rng(0)
    x = rng.poisson(0.2, (6, 50)).astype(float)
    x[2] = 0
    shifts = rng.integers(0, 50, size=(7, 6))
    rows, bins = np.nonzero(x)
    offsets = np.searchsorted(rows, np.arange(7)).astype(np.int64)
    grams = _core.rolled_grams(x[rows, bins], offsets, bins.copy(), 50, shifts, threads)
    for found, shift in zip(grams, shifts, strict=True):
        rolled = np.array([np.roll(row, s) for row, s in zip(x, shift, strict=True)])
        np.testing.assert_array_equal(found, rolled @ rolled.T)


def test_circular_null_of_counts_is_that_of_rolled_rows():
    counts = np.random.default_rng(1).poisson(0.02, (8, 5000)).astype(float)
    z = (counts - counts.mean(axis=1, keepdims=True)) / counts.std(axis=1, keepdims=True)
    found = null_of(z, "circ", n_shuffles=5, rng=5)
    shifts = np.random.Generator(
        np.random.Philox(np.random.SeedSequence(5, spawn_key=(0,)))
    ).integers(0, z.shape[1], size=(5, len(z)))
    direct = [
        top(gram(np.array([np.roll(row, s) for row, s in zip(z, shift, strict=True)])))
        for shift in shifts
    ]
    np.testing.assert_allclose(found, direct, rtol=1e-12)


def shuffled_grams(rows, n_bins, seed=0, first=0, n=1, threads=1):
    values = np.concatenate([np.asarray(r, dtype=float) for r in rows] or [np.zeros(0)])
    offsets = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
    return _core.shuffled_grams(values, offsets, n_bins, seed, first, n, threads)


# Rows of at most as many entries as bins; eighths multiply and add without rounding.
entries = st.lists(st.integers(-16, 16).map(lambda k: k / 8), max_size=8)
sparse_rows = st.lists(entries, max_size=6)


@given(sparse_rows, st.integers(8, 30), st.integers(0, 2**64 - 1), st.integers(0, 2**40))
def test_kernel_multiplies_the_rows_that_its_stream_shuffles(rows, n_bins, seed, draw):
    grams = shuffled_grams(rows, n_bins, seed=seed, first=draw, n=2, threads=2)
    for k in range(2):
        expected = shuffled_gram(rows, n_bins, seed, draw + k)
        np.testing.assert_array_equal(grams[k], expected)


@given(sparse_rows, st.integers(8, 30), st.integers(0, 2**64 - 1))
def test_kernel_keeps_norms_bounds_and_sums_of_full_rows(rows, n_bins, seed):
    # A row that fills every bin with one value meets each other row's sum wherever it lies.
    full = [*rows, [0.5] * n_bins]
    gram = shuffled_grams(full, n_bins, seed=seed)[0]
    squares = np.array([np.dot(row, row) for row in full])
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_array_equal(np.diag(gram), squares)
    np.testing.assert_array_equal(gram[-1], [0.5 * np.sum(row) for row in full])
    assert (gram**2 <= np.outer(squares, squares)).all()
    assert np.linalg.eigvalsh(gram).min() > -1e-10


def test_kernel_keeps_what_a_shuffle_keeps():
    rows = [[1.0, 2.0, 3.0], [2.0] * 5, [], [1.5]]
    grams = shuffled_grams(rows, 6, n=50)
    assert grams.shape == (50, 4, 4)
    np.testing.assert_array_equal(grams, grams.transpose(0, 2, 1))
    for g in grams:
        np.testing.assert_allclose(np.diag(g), [14.0, 20.0, 0.0, 2.25])
        assert (g[2] == 0).all()
        # Row 1 leaves one bin of six free: it meets all of row 0 but at most one entry.
        assert g[0, 1] in {12.0, 10.0, 8.0, 6.0}


def test_kernel_draws_every_placement_equally_often():
    # One entry in each of two rows on 5 bins: they meet with probability 1/5; three entries
    # against a marked one: the value met is uniform over the five bins.
    n = 20_000
    grams = shuffled_grams([[1.0], [1.0, 2.0, 3.0]], 5, seed=1, n=n)
    met = grams[:, 0, 1]
    for value in (1.0, 2.0, 3.0):
        assert abs(np.mean(met == value) - 0.2) < 4 * np.sqrt(0.16 / n)


def test_kernel_permutations_of_a_full_row_are_uniform():
    n = 24_000
    grams = shuffled_grams([[1.0, 10.0, 100.0, 1000.0], [1.0], [1.0]], 4, seed=2, n=n)
    pairs = dict.fromkeys(itertools.product((1.0, 10.0, 100.0, 1000.0), repeat=2), 0)
    for g in grams:
        pairs[g[0, 1], g[0, 2]] += 1
    counts = np.array(list(pairs.values()))
    expected = n / 16
    chi_square = np.sum((counts - expected) ** 2 / expected)
    assert chi_square < 37.7  # 0.999 quantile, 15 degrees of freedom


# properties


@given(st.integers(0, 2**63), st.integers(1, 9))
def test_kernel_does_not_depend_on_threads_or_batches(seed, threads):
    rows = [[1.0, 2.0], [3.0], [1.0, 1.0, 1.0]]
    together = shuffled_grams(rows, 7, seed=seed, n=9, threads=threads)
    alone = [shuffled_grams(rows, 7, seed=seed, first=k)[0] for k in range(9)]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("recipe", [None, "numpy"])
@pytest.mark.parametrize("kind", ["bin", "circ"])
def test_null_does_not_depend_on_threads(kind, recipe):
    one, four = (
        PCAICA(null=kind, n_shuffles=30, rng=11, rng_recipe=recipe, threads=t).fit(COUNTS)
        for t in (1, 4)
    )
    np.testing.assert_array_equal(one.null_, four.null_)
    np.testing.assert_array_equal(one.patterns_, four.patterns_)


def test_dense_rows_do_not_depend_on_threads_either():
    dense = reference.zscore(np.random.default_rng(0).normal(size=(6, 300)))
    one, four = (null_of(dense, "bin", n_shuffles=9, threads=t) for t in (1, 4))
    np.testing.assert_array_equal(one, four)


def test_shuffling_keeps_the_trace():
    trace = []
    for z in (Z, reference.zscore(np.random.default_rng(0).normal(size=(6, 300)))):
        for kind in ("bin", "circ"):
            gram_statistics(
                z,
                lambda g: trace.append(np.trace(g) / (len(g) * z.shape[1])) or 0.0,  # noqa: B023
                Surrogates(kind, 10),
            )
    np.testing.assert_allclose(trace, 1.0, rtol=1e-10)


# golden


@pytest.mark.parametrize("kind", ["bin", "circ"])
def test_golden_thresholds_by_recipe(golden, kind):
    expected = golden("assembly")
    model = PCAICA(
        null=kind,
        rng=3,
        rng_recipe="numpy",
        n_shuffles=int(expected["nshu"]),
        percentile=float(expected["percentile"]),
    ).fit(golden("binning")["det_counts"])
    assert model.threshold_ == pytest.approx(float(expected[f"lambda_{kind}_seed3"]), rel=1e-9)
    assert model.n_assemblies_ == expected[f"n_{kind}"]
    raw = model.patterns_ * model.signs_[:, None]
    np.testing.assert_allclose(raw, expected[f"patterns_ica_{kind}"], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", ["bin", "circ"])
def test_own_generator_agrees_with_golden_thresholds(golden, kind):
    expected = golden("assembly")
    reference_runs = expected[f"lambda_{kind}_300shuf_mean_of_3seeds"]
    counts = golden("binning")["det_counts"]
    percentile = float(expected["percentile"])
    own = [
        PCAICA(null=kind, rng=s, n_shuffles=300, percentile=percentile, n_assemblies=1)
        .fit(counts)
        .threshold_
        for s in range(3)
    ]
    spread = max(np.ptp(reference_runs), np.std(own))
    assert abs(np.mean(own) - np.mean(reference_runs)) < 3 * spread


# statistical


@pytest.mark.parametrize("kind", ["bin", "circ"])
def test_independent_units_exceed_the_threshold_as_often_as_promised(kind):
    n_above = 0
    rng = np.random.default_rng(0)
    for repeat in range(100):
        counts = rng.poisson(0.3, (6, 300))
        model = PCAICA(null=kind, n_shuffles=60, percentile=90, rng=repeat, n_assemblies=1)
        n_above += int((model.fit(counts).eigenvalues_[0]) > model.threshold_)
    assert 2 <= n_above <= 21  # binomial(100, 0.1), about four standard deviations


def test_fast_and_compatible_nulls_have_the_same_distribution():
    from scipy.stats import ks_2samp

    for kind in ("bin", "circ"):
        own = null_of(Z, kind, n_shuffles=400, rng=1)
        other = null_of(Z, kind, n_shuffles=400, rng=2, recipe="numpy")
        assert ks_2samp(own, other).pvalue > 1e-3


# edges and errors


def test_generator_is_a_seed():
    assert seed_of(np.random.default_rng(4)) == seed_of(np.random.default_rng(4))
    assert seed_of(7) == 7


def test_kernel_edges():
    assert shuffled_grams([], 5, n=2).shape == (2, 0, 0)
    np.testing.assert_array_equal(shuffled_grams([[], []], 0), np.zeros((1, 2, 2)))
    assert shuffled_grams([[1.0]], 3, n=0).shape == (0, 1, 1)


def test_rolling_kernel_refuses_lies():
    one, bins, offsets = np.ones(1), np.array([3]), np.array([0, 1])
    with pytest.raises(ValueError, match="in \\[0, n_bins\\)"):
        _core.rolled_grams(one, offsets, bins, 3, np.array([[0]]), 1)
    with pytest.raises(ValueError, match="in \\[0, n_bins\\)"):
        _core.rolled_grams(one, offsets, bins, 4, np.array([[4]]), 1)
    with pytest.raises(ValueError, match="disagree in length"):
        _core.rolled_grams(one, offsets, np.array([3, 4]), 5, np.array([[0]]), 1)
    with pytest.raises(ValueError, match="a column for each row"):
        _core.rolled_grams(one, offsets, bins, 4, np.array([[0, 1]]), 1)


def test_kernel_refuses_lies():
    with pytest.raises(ValueError, match="more entries than bins"):
        shuffled_grams([[1.0, 2.0]], 1)
    with pytest.raises(ValueError, match="offsets end at 1, values have 2"):
        _core.shuffled_grams(np.ones(2), np.array([0, 1]), 4, 0, 0, 1, 1)
    with pytest.raises(ValueError, match="below 2"):
        shuffled_grams([[1.0]], 2**33)
    with pytest.raises(TypeError):
        _core.shuffled_grams(np.ones(2, np.float32), np.array([0, 2]), 4, 0, 0, 1, 1)


def test_progress_counts_up_to_the_number_of_shuffles():
    for kind, threads in itertools.product(("bin", "circ"), (1, 2)):
        seen = []
        model = PCAICA(
            null=kind,
            n_shuffles=300,
            threads=threads,
            n_assemblies=1,
            progress=lambda done, total: seen.append((done, total)),  # noqa: B023
        )
        model.fit(COUNTS)
        assert seen[-1] == (300, 300)
        assert seen == sorted(seen)


def test_an_error_in_a_shuffle_reaches_the_caller():
    def fail(k):
        if k == 3:
            raise KeyboardInterrupt
        return k

    for threads in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            threaded_map(fail, 50, threads)


# sweep


def test_sweep_equals_single_fits():
    sweep = sweep_significance(
        COUNTS, [10, 25], [50, 99], detector=PCAICA(null="circ", rng=2, rng_recipe="numpy")
    )
    for a, n in enumerate(sweep.n_shuffles):
        for b, p in enumerate(sweep.percentiles):
            model = PCAICA(
                null="circ", rng=2, rng_recipe="numpy", n_shuffles=int(n), percentile=p
            ).fit(COUNTS)
            assert sweep.thresholds[a, b] == pytest.approx(model.threshold_, rel=1e-12)
            assert sweep.n_assemblies[a, b] == model.n_assemblies_
    assert sweep.to_frame().shape == (4, 4)
    assert repr(sweep).startswith("SignificanceSweep(4 settings, 1 to ")


def test_sweep_leaves_the_detector_alone():
    detector = PCAICA(n_shuffles=3)
    sweep_significance(COUNTS, [5], [95], detector=detector)
    assert detector.n_shuffles == 3
    assert detector.null == "mp"
    assert not hasattr(detector, "patterns_")


def test_sweep_names_what_is_missing():
    with pytest.raises(InvalidArgumentError, match="at least one value each"):
        sweep_significance(COUNTS, [], [95])
    with pytest.raises(InvalidArgumentError, match="needs active units"):
        sweep_significance(np.zeros((2, 10)), [5], [95])
    with pytest.raises(InvalidArgumentError, match="percentile must lie between"):
        sweep_significance(COUNTS, [5], [-1])
