"""Co-activation across groups of units: covariance, filter, SVD, legacy variant."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.assemblies import PCAICA
from cofire.assemblies.schemes import CrossScheme, GroupFilter
from cofire.errors import InvalidArgumentError, NoAssemblyWarning
from reference import assemblies as reference

# Planted: one assembly across groups (0, 1, 6, 7), one inside the first group (2, 3, 4).
COUNTS = reference.planted_counts(members=((0, 1, 6, 7), (2, 3, 4)))
GROUPS = np.array(["a"] * 6 + ["b"] * 6)
TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def svd(**kwargs):
    return PCAICA(method="cross_svd", null="bin", n_shuffles=40, cross_structural=GROUPS, **kwargs)


# oracle


@pytest.mark.parametrize("groups", [GROUPS, np.array(list("aabbbcccddab"))])
def test_covariance_is_scaled_and_zero_within_groups(groups):
    scheme = CrossScheme(reference.zscore(COUNTS), groups, "scaled")
    expected = reference.cross_matrix(COUNTS, groups)
    z = reference.zscore(COUNTS)
    np.testing.assert_allclose(scheme.matrix_of(z @ z.T), expected, atol=1e-12)
    values = np.sort(np.linalg.eigvalsh(expected))[::-1]
    np.testing.assert_allclose(scheme.eigenvalues(), values, atol=1e-12)


def test_only_the_assembly_across_groups_is_found():
    model = PCAICA(null="bin", n_shuffles=100, cross_structural=GROUPS).fit(COUNTS)
    assert model.n_assemblies_ == 1
    assert set(np.flatnonzero(model.patterns_[0] > 0.3)) == {0, 1, 6, 7}


def test_singular_values_are_those_of_the_block():
    model = svd().fit(COUNTS)
    z = reference.zscore(COUNTS)
    u, values, vt = np.linalg.svd(z[:6] @ z[6:].T / z.shape[1])
    np.testing.assert_allclose(model.eigenvalues_, values, atol=1e-13)
    pattern = np.concatenate([u[:, 0], vt[0]]) / np.sqrt(2)
    np.testing.assert_allclose(np.abs(model.patterns_[0]), np.abs(pattern), atol=1e-10)


def test_svd_expression_is_the_product_of_z_scored_projections():
    model = svd()
    strength = model.fit_transform(COUNTS)
    z = reference.zscore(COUNTS)
    w = model.patterns_[0]
    sides = np.array([w[:6] @ z[:6], w[6:] @ z[6:]])
    np.testing.assert_allclose(strength[0], np.prod(reference.zscore(sides), axis=0), atol=1e-10)


def test_legacy_variant_is_a_masked_correlation_with_an_analytic_bound():
    model = PCAICA(cross_structural=GROUPS, cross_variant="corr_mp").fit(COUNTS)
    matrix = np.corrcoef(COUNTS)
    matrix[GROUPS[:, None] == GROUPS] = 0
    np.fill_diagonal(matrix, 1)
    expected = np.sort(np.linalg.eigvalsh(matrix))[::-1]
    np.testing.assert_allclose(model.eigenvalues_, expected, atol=1e-12)
    assert model.threshold_ == pytest.approx((1 + np.sqrt(12 / 3000)) ** 2, rel=1e-14)
    assert model.null_ is None
    assert model.n_assemblies_ == int((expected > model.threshold_).sum())


# properties


@given(st.permutations(range(12)))
def test_unit_order_does_not_matter(order):
    order = list(order)
    model, permuted = (
        PCAICA(method="pca", n_assemblies=2, n_shuffles=1, cross_structural=g).fit(x)
        for g, x in ((GROUPS, COUNTS), (GROUPS[order], COUNTS[order]))
    )
    np.testing.assert_allclose(permuted.eigenvalues_, model.eigenvalues_, atol=1e-12)
    np.testing.assert_allclose(
        np.abs(permuted.patterns_), np.abs(model.patterns_[:, order]), atol=1e-9
    )


def test_eigenvalues_of_two_groups_come_in_pairs():
    values = PCAICA(cross_structural=GROUPS, n_shuffles=1).fit(COUNTS).eigenvalues_
    np.testing.assert_allclose(values, -values[::-1], atol=1e-12)


@pytest.mark.parametrize("kind", ["bin", "circ"])
def test_nulls_do_not_depend_on_threads(kind):
    for method in ("ica", "cross_svd"):
        one, four = (
            PCAICA(null=kind, n_shuffles=20, method=method, cross_structural=GROUPS, threads=t).fit(
                COUNTS
            )
            for t in (1, 4)
        )
        np.testing.assert_array_equal(one.null_, four.null_)


def test_names_of_groups_do_not_matter():
    by_name = PCAICA(null="bin", n_shuffles=20, cross_structural=GROUPS).fit(COUNTS)
    by_number = PCAICA(
        null="bin", n_shuffles=20, cross_structural=(GROUPS == "b").astype(int).tolist()
    ).fit(COUNTS)
    np.testing.assert_array_equal(by_name.patterns_, by_number.patterns_)


# golden


def golden_model(golden, **kwargs):
    expected = golden("cross")
    params = {
        "null": "bin",
        "rng": 5,
        "rng_recipe": "numpy",
        "n_shuffles": int(expected["nshu"]),
        "percentile": float(expected["percentile"]),
        "cross_structural": golden("inputs")["groups"],
    } | kwargs
    return PCAICA(**params)


def test_golden_covariance_and_patterns(golden):
    expected = golden("cross")
    counts = golden("binning")["det_counts"]
    model = golden_model(golden).fit(counts)
    np.testing.assert_array_equal(~model.active_, expected["silent"].astype(bool))
    np.testing.assert_allclose(model.eigenvalues_, expected["cross_eigenvalues"], **TIGHT)
    assert model.threshold_ == pytest.approx(float(expected["cross_lambda_bin_seed5"]), rel=1e-9)
    assert model.n_assemblies_ == expected["cross_n"]
    raw = model.patterns_ * model.signs_[:, None]
    np.testing.assert_allclose(raw, expected["cross_ica_patterns"], **TIGHT)
    z = reference.zscore(counts[model.active_])
    groups = golden("inputs")["groups"][model.active_]
    matrix = CrossScheme(z, groups, "scaled").matrix_of(z @ z.T)
    np.testing.assert_allclose(matrix, expected["cross_cov"], **TIGHT)


def test_golden_circular_null_and_pca(golden):
    expected = golden("cross")
    counts = golden("binning")["det_counts"]
    circ = golden_model(golden, null="circ", n_assemblies=1).fit(counts)
    assert circ.threshold_ == pytest.approx(float(expected["cross_lambda_circ_seed5"]), rel=1e-9)
    pca = golden_model(golden, method="pca").fit(counts).patterns_
    np.testing.assert_allclose(np.abs(pca), np.abs(expected["cross_pca_patterns"]), **TIGHT)


def test_analytic_null_becomes_the_shuffle_null(golden):
    counts = golden("binning")["det_counts"]
    np.testing.assert_array_equal(
        golden_model(golden, null="mp").fit(counts).null_, golden_model(golden).fit(counts).null_
    )


def test_golden_filter(golden):
    expected = golden("cross")
    active = ~expected["silent"].astype(bool)
    groups = golden("inputs")["groups"][active]
    patterns = expected["cross_ica_patterns"][:, active]
    for mode, threshold, percentile in (
        ("absolute", 0.1, 95),
        ("relative", 0.5, 95),
        ("percentile", 0.0, 90),
    ):
        kept = GroupFilter(mode, threshold, percentile).spanning(patterns, groups)
        np.testing.assert_array_equal(kept, expected[f"keep_{mode}"].astype(bool))


@pytest.mark.parametrize("mode", ["per_rank", "max_stat"])
def test_golden_svd(golden, mode):
    expected = golden("cross")
    model = golden_model(golden, method="cross_svd", cross_svd_threshold_mode=mode)
    strength = model.fit_transform(golden("binning")["det_counts"])
    np.testing.assert_allclose(model.eigenvalues_, expected["svd_singular_values"], **TIGHT)
    np.testing.assert_allclose(model.threshold_, expected[f"svd_null_{mode}"], **TIGHT)
    assert model.n_assemblies_ == expected[f"svd_n_{mode}"]
    patterns = expected[f"svd_patterns_{mode}"]
    np.testing.assert_allclose(np.abs(model.patterns_), np.abs(patterns), **TIGHT)
    np.testing.assert_allclose(strength[:, ::7], expected[f"svd_activity_{mode}"], **TIGHT)


# edges


def test_filter_modes():
    groups = np.array(["a", "a", "b", "b"])
    patterns = np.array([[0.9, 0.1, 0.2, 0.0], [0.7, 0.0, 0.7, 0.0], [1.0, 0.0, 0.0, 0.0]])
    for mode, threshold, percentile, kept in (
        ("absolute", 1e-12, 0, [True, True, False]),
        ("absolute", 0.5, 0, [False, True, False]),
        ("relative", 0.5, 0, [False, True, False]),
        ("relative", 0.2, 0, [True, True, False]),
        ("percentile", 0, 50, [True, True, False]),
        ("percentile", 0, 75, [False, False, False]),
    ):
        found = GroupFilter(mode, threshold, percentile).spanning(patterns, groups)
        assert found.tolist() == kept, (mode, threshold, percentile)
    assert GroupFilter("relative", 0.5, 0).spanning(np.zeros((0, 4)), groups).shape == (0,)


def test_filter_that_keeps_nothing_warns():
    model = PCAICA(
        n_shuffles=20, cross_structural=GROUPS, cross_group_threshold=1.0, n_assemblies=2
    )
    with pytest.warns(NoAssemblyWarning, match="threshold and filter"):
        model.fit(COUNTS)
    assert model.patterns_.shape == (0, 12)


def test_svd_tests_only_the_first_components_asked_for():
    full = svd(cross_svd_threshold_mode="max_stat", percentile=0).fit(COUNTS)
    assert full.n_assemblies_ > 1
    one = svd(cross_svd_threshold_mode="max_stat", percentile=0, n_assemblies=1).fit(COUNTS)
    np.testing.assert_array_equal(one.patterns_, full.patterns_[:1])
    many = svd(cross_svd_threshold_mode="max_stat", percentile=0, n_assemblies=99).fit(COUNTS)
    assert many.n_assemblies_ == full.n_assemblies_


def test_max_stat_is_the_stricter_threshold():
    per_rank, max_stat = (
        svd(cross_svd_threshold_mode=m).fit(COUNTS) for m in ("per_rank", "max_stat")
    )
    assert (max_stat.threshold_ == per_rank.threshold_[0]).all()
    assert (max_stat.threshold_ >= per_rank.threshold_).all()


@pytest.mark.parametrize("method", ["ica", "cross_svd"])
def test_a_group_without_active_units_finds_nothing(method):
    counts = COUNTS.copy()
    counts[6:] = 0
    with pytest.warns(NoAssemblyWarning):
        model = PCAICA(n_shuffles=5, method=method, cross_structural=GROUPS).fit(counts)
    assert model.n_assemblies_ == 0
    assert model.transform(counts).shape == (0, 3000)


def test_silent_units_keep_their_place_in_svd():
    counts = COUNTS.copy()
    counts[[0, 11]] = 0
    model = svd().fit(counts)
    assert model.patterns_.shape[1] == 12
    assert (model.patterns_[:, [0, 11]] == 0).all()
    # Dividing the threshold by groups counts active units only.
    assert model.eigenvalues_.shape == (5,)


def test_fitted_detector_survives_saving(tmp_path):
    model = svd().fit(COUNTS)
    cf.save(model, tmp_path / "svd")
    z = reference.zscore(COUNTS)
    np.testing.assert_array_equal(cf.load(tmp_path / "svd").transform(z), model.transform(z))


def test_too_many_components_are_an_error():
    with pytest.raises(InvalidArgumentError, match="span only 6 dimensions"):
        PCAICA(n_shuffles=1, cross_structural=GROUPS, n_assemblies=7).fit(COUNTS)


# statistical


def test_independent_groups_exceed_the_threshold_as_often_as_promised():
    rng = np.random.default_rng(3)
    above = 0
    for repeat in range(80):
        model = PCAICA(
            method="cross_svd",
            null="bin",
            n_shuffles=40,
            percentile=90,
            rng=repeat,
            cross_svd_threshold_mode="max_stat",
            cross_structural=["a"] * 3 + ["b"] * 3,
            n_assemblies=1,
        )
        counts = rng.poisson(0.4, (6, 200))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoAssemblyWarning)
            above += model.fit(counts).n_assemblies_
    assert 1 <= above <= 19  # binomial(80, 0.1), four standard deviations
