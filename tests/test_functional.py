"""Measures of assemblies that need no stimulus."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, ranksums

import cofire as cf
from cofire import assemblies as asm
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.stats import benjamini_hochberg
from reference import functional as reference

GINI = (
    "0.5507 0.5691 0.6501 0.7035 0.6857 0.6500 0.7268 0.6788 0.6170 0.6833 0.6811 0.6989 0.7872 "
    "0.7600 0.8284"
)
GINI_RANDOM = (
    "0.4976 0.5064 0.5030 0.5116 0.5427 0.5294 0.5362 0.5293 0.5441 0.5811 0.5391 0.5980 0.6031 "
    "0.6332 0.7219"
)
ORACLE = ".248 .483 .374 .312 .262 .459 .357 .323 .151 .480 .365 .375 .236 .021 .343"


def printed(text):
    return np.array(text.split(), dtype=float)


def sets_of(ragged):
    return np.split(ragged["indices"].astype(np.int64), ragged["offsets"][1:-1])


@st.composite
def recordings(draw):
    n_frames, n_units = draw(st.integers(0, 12)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    sets = [np.flatnonzero(rng.random(n_units) < 0.5) for _ in range(draw(st.integers(0, 4)))]
    return rng.random((n_frames, n_units)) < 0.4, sets


@given(recordings())
def test_coactivity_is_the_mean_over_members(recording):
    raster, sets = recording
    expected = np.reshape(reference.coactivity(raster, sets), (len(raster), len(sets)))
    np.testing.assert_allclose(asm.coactivity(raster, sets), expected, rtol=1e-15)
    np.testing.assert_allclose(asm.coactivity(raster * 2.0, sets), 2 * expected, rtol=1e-15)


@given(recordings(), st.integers(0, 99))
def test_coactivity_does_not_depend_on_names_of_units(recording, seed):
    raster, sets = recording
    order = np.random.default_rng(seed).permutation(raster.shape[1])
    renamed = [np.argsort(order)[units] for units in sets]
    found = asm.coactivity(raster[:, order], renamed)
    np.testing.assert_array_equal(found, asm.coactivity(raster, sets))
    mask = np.array([np.isin(np.arange(raster.shape[1]), units) for units in sets], dtype=bool)
    if len(sets):
        np.testing.assert_array_equal(asm.coactivity(raster, mask), found)


def test_missing_values_stay_with_the_assemblies_that_have_the_unit():
    raster = np.array([[1.0, np.nan, 3.0], [1.0, 0.0, 0.0]])
    found = asm.coactivity(raster, [[0, 2], [1, 2], []])
    np.testing.assert_array_equal(found, [[2, np.nan, np.nan], [0.5, 0, np.nan]])


def test_coactivity_takes_arrays_of_any_layout():
    raster = np.random.default_rng(0).random((40, 9)) < 0.3
    raster.setflags(write=False)
    sets = [[0, 3], [1, 2, 8]]
    expected = asm.coactivity(raster, sets)
    np.testing.assert_array_equal(asm.coactivity(np.asfortranarray(raster), sets), expected)
    np.testing.assert_array_equal(asm.coactivity(np.repeat(raster, 2, 0)[::2], sets), expected)


amounts = st.lists(st.floats(0, 1e6).map(lambda v: round(v, 3)), min_size=0, max_size=20)


@given(amounts)
def test_gini_is_its_definition(x):
    np.testing.assert_allclose(asm.gini(x), reference.gini(x), rtol=1e-9, atol=1e-12)


@given(amounts, st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
def test_gini_is_a_share_and_depends_on_neither_scale_nor_order(x, factor, mixer):
    found = asm.gini(x)
    mixed = [factor * v for v in x]
    mixer.shuffle(mixed)
    np.testing.assert_allclose(asm.gini(mixed), found, rtol=1e-9, atol=1e-12)
    assert np.isnan(found) or 0 <= found <= 1 - 1 / len(x) + 1e-12


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2)])
def test_gini_leaves_its_input_as_it_was(shape):
    # Single traces are contiguous either way: they were once sorted where they lay.
    traces = np.random.default_rng(0).random(shape)
    before = traces.copy()
    asm.gini(traces)
    np.testing.assert_array_equal(traces, before)
    traces.flags.writeable = False
    asm.gini(traces)


def test_gini_of_silence_is_undefined():
    found = asm.gini(np.array([[0.0, 0, 5, np.nan], [0, 3, 5, 1]]))
    np.testing.assert_array_equal(found, [np.nan, 0.5, 0.0, np.nan])
    assert np.isnan(asm.gini([]))
    assert asm.gini(np.zeros((0, 3))).shape == (3,)


def test_published_assemblies_are_sparser_than_random_ensembles():
    found = asm.compare_samples(
        {"random": printed(GINI_RANDOM), "assemblies": printed(GINI)},
        alternative="less",
        method="uncorrected",
    )
    test = found.tests[0]
    assert round(test.z, 4) == -3.8367
    assert test.p == pytest.approx(6.234e-5, rel=1e-4)
    assert test.n == (15, 15)


def test_published_oracle_scores_have_the_published_mean_and_correction():
    assert round(printed(ORACLE).mean(), 4) == 0.3193  # printed: .3191, from unrounded scores
    p = [0.00913, 1.8e-23, 1.8e-23, 1.8e-23, 0.676, 0.278]
    adjusted = benjamini_hochberg(p)
    assert adjusted[0] == pytest.approx(0.0137, abs=5e-5)
    assert adjusted[5] == pytest.approx(0.333, abs=1e-3)


def test_published_random_ensembles_are_drawn_again(shared):
    folder = shared / "data" / "v1dd"
    with (
        np.load(folder / "assemblies_scan13.npz") as assemblies,
        np.load(folder / "random_ensembles_scan13.npz") as stored,
    ):
        by_size, published = sets_of(assemblies), sets_of(stored)
        rank = assemblies["detector_order"]
        n_units = int(assemblies["n_neurons"])
    in_detector_order = [by_size[k] for k in np.argsort(rank)]
    sizes = [len(units) for units in in_detector_order]
    assert sizes == [328, 48, 114, 35, 61, 121, 23, 1016, 542, 188, 112, 325, 187, 230, 181]
    for given_as in (in_detector_order, sizes):
        drawn = asm.random_ensembles(given_as, n_units)
        assert len(drawn) == len(published) == 15
        for ours, theirs in zip(drawn, published, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(rank[np.arange(15)] - 1, drawn.source)
    assert [len(units) for units in drawn.matched] == sizes


def test_published_intersections_are_complete(shared):
    with np.load(shared / "data" / "v1dd" / "assemblies_scan13.npz") as stored:
        found = asm.intersections(sets_of(stored), int(stored["n_neurons"]))
    assert found.membership.shape == (1960, 15)
    assert found.n_none == 748
    assert found.sizes[:3].tolist() == [1016, 542, 328]
    assert found.counts.sum() == 1960
    assert (found.to_frame(10)["n_units"] >= 10).all()
    drawn = asm.intersections(asm.random_ensembles(found.sizes.tolist(), 2708), 2708)
    assert drawn.degrees.max() < found.degrees.max()


@pytest.mark.parametrize(("scan", "n", "top"), [
    ("scan13", 2708, [1498.0, 247.2, 108.4]), ("scan14", 2217, [808.0, 238.8, 125.3]),
])  # fmt: skip
def test_published_eigenvalues_sum_to_the_number_of_cells(shared, scan, n, top):
    with np.load(shared / "data" / "v1dd" / "correlation_eigenvalues.npz") as stored:
        values = stored[scan]
    assert values.sum() == pytest.approx(n, abs=1e-6)
    assert values[:3].round(1).tolist() == top


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(9, 30), st.integers(0, 2**40))
def test_random_ensembles_have_the_sizes_and_no_unit_twice(sizes, n_units, seed):
    for recipe in ("published", "numpy"):
        drawn = asm.random_ensembles(sizes, n_units, rng=seed, recipe=recipe)
        assert [len(units) for units in drawn.matched] == sizes
        assert [len(u) for u in drawn] == sorted(sizes, reverse=True)
        for units in drawn:
            assert len(np.unique(units)) == len(units)
            assert (np.diff(units) > 0).all()
            assert ((units >= 0) & (units < n_units)).all()
        again = asm.random_ensembles(sizes, n_units, rng=seed, recipe=recipe)
        for first, second in zip(drawn, again, strict=True):
            np.testing.assert_array_equal(first, second)


def test_random_ensembles_leave_the_global_generator_alone():
    random.seed(1)
    expected = random.random()
    random.seed(1)
    asm.random_ensembles([3], 9)
    assert random.random() == expected


def test_shifted_ensembles_are_one_lower_and_the_first_unit_becomes_the_last():
    drawn = asm.random_ensembles([9, 3], 9)
    assert drawn.shifted()[0].tolist() == list(range(9))
    assert sorted((drawn.shifted()[1] + 1) % 9) == drawn[1].tolist()


def test_every_unit_is_drawn_equally_often():
    for recipe in ("published", "numpy"):
        counts = np.zeros(12)
        for seed in range(400):
            counts[asm.random_ensembles([4], 12, rng=seed, recipe=recipe)[0]] += 1
        assert ((counts - 400 / 3) ** 2 / (400 / 3)).sum() < 25  # chi-squared with 11 df


@given(recordings())
def test_intersections_count_every_unit_once(recording):
    raster, sets = recording
    n_units = raster.shape[1]
    found = asm.intersections(sets, n_units)
    expected = reference.combinations(sets, n_units)
    ours = {
        tuple(row.tolist()): int(n) for row, n in zip(found.combinations, found.counts, strict=True)
    }
    assert ours == expected
    assert found.counts.sum() + found.n_none == n_units
    assert (np.diff(found.counts) <= 0).all()
    np.testing.assert_array_equal(found.sizes, [len(units) for units in sets])
    np.testing.assert_array_equal(
        found.membership_frame().sum(axis=0).to_numpy(), found.membership.sum(axis=0)
    )


def test_equal_counts_are_in_the_order_of_assemblies():
    found = asm.intersections([[0, 1], [1, 2], [3]], 5)
    assert found.combinations.astype(int).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]]
    assert asm.intersections([], 4).n_none == 4


def test_samples_are_compared_by_rank_sums():
    rng = np.random.default_rng(0)
    samples = {"a": rng.normal(size=40), "b": rng.normal(1, 1, (5, 9)), "none": [np.nan]}
    found = asm.compare_samples(samples, method="uncorrected")
    assert found.pairs == (("a", "b"), ("a", "none"), ("b", "none"))
    expected = ranksums(samples["a"], samples["b"].ravel())
    assert found.tests[0].z == pytest.approx(expected.statistic)
    assert found.tests[0].p == pytest.approx(expected.pvalue)
    assert np.isnan(found.p_adjusted[1:]).all()
    assert found.n_missing.tolist() == [0, 0, 1]
    assert found.to_frame()["n_second"].tolist() == [45, 0, 0]


@given(st.integers(0, 99))
def test_pair_correlations_are_those_of_numpy(seed):
    rng = np.random.default_rng(seed)
    raster = rng.random((60, 9)) < 0.4
    raster[:, 8] = False
    sets, ensembles = [[0, 1, 2], [2, 3], [4]], asm.random_ensembles([3, 2, 1], 8, rng=seed)
    found = asm.pairwise_correlations(raster, sets, ensembles)
    traces = {
        "assemblies": asm.coactivity(raster, sets),
        "random": asm.coactivity(raster, ensembles),
    }
    traces |= {"all cells": raster, "assembly cells": raster[:, :5]}
    traces |= {"no-assembly cells": raster[:, 5:]}
    for name, values in traces.items():
        with np.errstate(invalid="ignore"):
            r = np.corrcoef(values.astype(float).T)[np.triu_indices(values.shape[1], 1)]
        np.testing.assert_allclose(found.values[name], r[~np.isnan(r)], atol=1e-12)
    assert found.n_pairs.tolist() == [3, 3, 36, 10, 6]
    assert found.n_undefined.tolist() == [0, 0, 8, 0, 3]
    assert len(found.comparison.pairs) == 6


def test_ordered_pairs_hold_each_pair_twice_and_inflate_z():
    raster = np.random.default_rng(0).random((80, 12)) < 0.3
    sets = [[0, 1, 2], [2, 3], [4, 5, 6]]
    unique = asm.pairwise_correlations(raster, sets, method="uncorrected")
    ordered = asm.pairwise_correlations(raster, sets, pairs="ordered", method="uncorrected")
    assert len(unique.comparison.pairs) == 5  # without that of random ensembles
    for name, r in unique.values.items():
        np.testing.assert_array_equal(np.sort(ordered.values[name]), np.sort(np.repeat(r, 2)))
    ratio = ordered.comparison.tests[0].z / unique.comparison.tests[0].z
    assert ratio == pytest.approx(np.sqrt(2), rel=0.02)


def test_the_published_numbers_of_pairs_are_those_of_ordered_ones(shared):
    with np.load(shared / "data" / "v1dd" / "assemblies_scan13.npz") as stored:
        inside = np.unique(stored["indices"])
    found = asm.intersections([inside], 2708)
    n_cells = np.array([15, 2708, len(inside), found.n_none])
    assert (n_cells * (n_cells - 1)).tolist() == [210, 7330556, 3839640, 558756]


points = st.builds(
    lambda n, m, grid, seed: [
        np.floor(np.random.default_rng(seed + i).random((k, 2)) * grid)
        for i, k in enumerate((n, m))
    ],
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([2, 5, 1000]),
    st.integers(0, 999),
)


@given(points)
def test_ks_in_the_plane_is_its_definition(samples):
    a, b = samples
    assert asm.ks_plane(a, b).statistic == pytest.approx(reference.ks_plane(a, b), abs=1e-12)


@given(points, st.floats(0.1, 10), st.floats(-100, 100))
def test_ks_in_the_plane_depends_on_order_alone(samples, factor, shift):
    a, b = samples
    found = asm.ks_plane(a, b)
    assert found.statistic == pytest.approx(asm.ks_plane(b, a).statistic)
    moved = asm.ks_plane(a**3 * [factor, 1] + shift, b**3 * [factor, 1] + shift)
    assert moved.statistic == pytest.approx(found.statistic)
    swapped = asm.ks_plane(a[:, ::-1], b[:, ::-1])
    assert swapped.statistic == pytest.approx(found.statistic)
    assert 0 <= found.statistic <= 1 + 1 / min(found.n)
    assert np.isnan(found.p) or 0 <= found.p <= 1


def test_many_distinct_positions_are_counted_in_strips(monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(70, 2)), rng.normal(size=(90, 2))
    expected = asm.ks_plane(a, b).statistic
    monkeypatch.setattr("cofire.assemblies.function.spatial._TABLE_VALUES", 500)
    assert asm.ks_plane(a, b).statistic == expected == pytest.approx(reference.ks_plane(a, b))


def test_p_in_the_plane_tells_chance_from_a_shift():
    rng = np.random.default_rng(0)
    chance = [asm.ks_plane(rng.random((40, 2)), rng.random((60, 2))).p for _ in range(200)]
    assert 0.0 <= np.mean(np.array(chance) < 0.05) < 0.09
    a, b = rng.random((40, 2)), rng.random((60, 2)) + np.array([0.5, 0.0])
    assert asm.ks_plane(a, b).p < 1e-4
    boot = asm.ks_plane(a, b, n_bootstrap=99)
    assert boot.p == 0.01
    same = asm.ks_plane(a, a + 1e-9, n_bootstrap=99, rng=1)
    assert same.p > 0.5
    assert same == asm.ks_plane(a, a + 1e-9, n_bootstrap=99, rng=1)


def test_spatial_tests_are_those_of_scipy_for_each_axis():
    rng = np.random.default_rng(1)
    positions = np.column_stack([rng.integers(0, 500, (200, 2)), rng.choice([242, 258, 274], 200)])
    sets = [np.arange(50), np.argsort(positions[:, 0])[:30], []]
    found = asm.spatial_tests(positions, sets, threads=1)
    for k in range(2):
        for i in range(3):
            test = ks_2samp(positions[sets[k], i], positions[:, i])
            assert found.statistic[k, i] == test.statistic
            assert found.p[k, i] == test.pvalue
        assert found.plane_p[k] == asm.ks_plane(positions[sets[k], :2], positions[:, :2]).p
    assert found.p[1, 0] < 1e-9 < found.p[0].min()
    assert np.isnan(found.p[2]).all()
    assert " ".join(found.to_frame()) == "n D_x p_x D_y p_y D_z p_z D_xy p_xy"
    two = asm.spatial_tests(positions, sets, threads=2, n_bootstrap=9)
    one = asm.spatial_tests(positions, sets, threads=1, n_bootstrap=9)
    np.testing.assert_array_equal(one.plane_p, two.plane_p)
    assert asm.spatial_tests(positions[:, :1], sets[:2], plane=None).plane == ()


def test_the_correlation_matrix_has_its_eigenvalues_and_an_order():
    rng = np.random.default_rng(0)
    phase = rng.permutation(30)
    traces = np.exp(-(((np.arange(400)[:, None] / 13 - phase) / 2) ** 2))
    traces = np.column_stack([traces + rng.normal(0, 0.01, traces.shape), np.ones(400)])
    traces[7, 3] = np.nan
    found = asm.correlation_structure(traces)
    assert (found.n_frames, found.n_constant) == (399, 1)
    kept = np.delete(traces, 7, axis=0)
    expected = np.corrcoef(kept[:, :-1].T)
    np.testing.assert_allclose(found.correlation[:-1, :-1], expected, atol=1e-12)
    assert found.eigenvalues.sum() == pytest.approx(31)
    np.testing.assert_allclose(
        found.eigenvalues, np.linalg.eigvalsh(found.correlation)[::-1], atol=1e-10
    )
    assert sorted(found.order.tolist()) == list(range(31))
    assert found.order[-1] == 30
    # Units in a row along time come in a row along the embedding.
    along = phase[found.order[:-1]]
    assert abs(np.corrcoef(along, np.arange(30))[0, 1]) > 0.95
    by_peak = asm.correlation_structure(traces[:, :-1], order="peak")
    assert (np.diff(np.nanargmax(kept[:, by_peak.order], axis=0)) >= 0).all()
    np.testing.assert_array_equal(found.ordered.diagonal(), 0)
    assert found.explained[-1] == pytest.approx(1)


def test_planted_assemblies_differ_from_random_ensembles():
    """Their units fire together at times: sparser, less alike, and found where they were put."""
    made = cf.datasets.make_calcium_recording(6, 5, 1500.0, rng=2)
    raster = made.dff > made.dff.mean(axis=0) + 2 * made.dff.std(axis=0, ddof=1)
    sets = list(made.assemblies)
    drawn = asm.random_ensembles(sets, made.n_units)
    planted, by_chance = (asm.gini(asm.coactivity(raster, s)) for s in (sets, drawn.matched))
    assert (planted > by_chance).mean() >= 0.8
    found = asm.pairwise_correlations(raster, sets, drawn)
    inside = np.mean([np.corrcoef(raster[:, u].T)[np.triu_indices(len(u), 1)].mean() for u in sets])
    assert inside > found.values["all cells"].mean() + 0.05
    # Assemblies are local in the generator, random ensembles are not.
    local = asm.spatial_tests(made.positions, sets)
    spread = asm.spatial_tests(made.positions, drawn)
    assert np.median(local.plane_p) < 0.01 < np.median(spread.plane_p)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: asm.coactivity([[1, 0]], [[2]]), InvalidArgumentError, "has unit 2, but there"),
        (lambda: asm.coactivity([[1, 0]], [[-1]]), InvalidArgumentError, "indices from 0"),
        (lambda: asm.coactivity(np.zeros((2, 2, 2)), []), InvalidArgumentError, "shape"),
        (lambda: asm.coactivity([["a"]], []), InvalidTypeError, "array of numbers"),
        (lambda: asm.coactivity([[1, 0]], np.zeros((1, 3), bool)), InvalidArgumentError, "mask"),
        (lambda: asm.gini([1, -1]), InvalidArgumentError, "frame 1 of trace 0"),
        (lambda: asm.gini([1, np.inf]), InvalidArgumentError, "finite"),
        (lambda: asm.random_ensembles([5], 4), InvalidArgumentError, "only 4 units"),
        (lambda: asm.random_ensembles([[5]], 4), InvalidArgumentError, "has unit 5"),
        (lambda: asm.random_ensembles([1, [2]], 4), InvalidTypeError, "mixture"),
        (lambda: asm.random_ensembles([1], 4, recipe="r"), InvalidArgumentError, "recipe"),
        (lambda: asm.intersections([[4]], 4), InvalidArgumentError, "has unit 4"),
        (lambda: asm.compare_samples([1]), InvalidTypeError, "mapping"),
        (
            lambda: asm.compare_samples({"a": [1]}, [("a", "b")]),
            InvalidArgumentError,
            "names 'b', but samples has only 'a'",
        ),
        (lambda: asm.compare_samples({"a": [np.inf], "b": [1]}), InvalidArgumentError, "finite"),
        (
            lambda: asm.pairwise_correlations(np.eye(3), [[0], []]),
            InvalidArgumentError,
            r"assemblies\[1\] has no units",
        ),
        (
            lambda: asm.pairwise_correlations(np.eye(3), [[0]], pairs="twice"),
            InvalidArgumentError,
            "pairs must be one of",
        ),
        (lambda: asm.spatial_tests([[0, np.nan]], []), InvalidArgumentError, "unit 0"),
        (lambda: asm.spatial_tests([[0]], []), InvalidArgumentError, "plane=None"),
        (lambda: asm.spatial_tests([[0, 1]], [], axes="x"), InvalidArgumentError, "name 2"),
        (lambda: asm.ks_plane(np.zeros((0, 2)), [[0, 0]]), InvalidArgumentError, "at least one"),
        (lambda: asm.correlation_structure(np.zeros((1, 3))), InvalidArgumentError, "two frames"),
        (lambda: asm.correlation_structure(np.eye(4)), InvalidArgumentError, "n_neighbors"),
    ],
)
def test_wrong_arguments_are_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_results_read_in_one_line_and_as_a_table():
    raster = np.random.default_rng(0).random((80, 12)) < 0.3
    sets = [[0, 1, 2], [2, 3]]
    assert repr(asm.intersections(sets, 12)) == (
        "Intersections(3 combinations of 2 assemblies, 4 of 12 units in at least one)"
    )
    assert repr(asm.random_ensembles(sets, 12)) == "RandomEnsembles(2 of 12 units, sizes 3, 2)"
    assert asm.random_ensembles(sets, 12).to_frame()["n_units"].tolist() == [3, 2]
    pairs = asm.pairwise_correlations(raster, sets)
    assert pairs.to_frame()["kind"].tolist() == list(pairs.values)
    assert repr(pairs).startswith("PairCorrelations(mean r: assemblies ")
    assert "3 samples" not in repr(pairs.comparison)
    assert repr(pairs.comparison).startswith("SampleComparison(4 samples, ")
    tests = asm.spatial_tests(np.arange(24.0).reshape(12, 2), sets)
    assert repr(tests).startswith("SpatialTests(2 assemblies of 12 units")
    structure = asm.correlation_structure(raster, order="given")
    assert structure.to_frame()["explained"].is_monotonic_increasing
    assert repr(structure).startswith("CorrelationStructure(12 units, 80 frames")
