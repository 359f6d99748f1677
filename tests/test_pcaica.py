"""PCAICA: thresholds, patterns, expression."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofire as cf
from cofire.assemblies import PCAICA, NotFittedError
from cofire.assemblies.ica import fast_ica
from cofire.errors import (
    ConvergenceWarning,
    InvalidArgumentError,
    InvalidTypeError,
    NoAssemblyWarning,
)
from reference import assemblies as reference

COUNTS = reference.planted_counts()
TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def quiet_fit(model, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoAssemblyWarning)
        return model.fit(x)


# oracle


def test_eigenvalues_and_bound_follow_their_formulas():
    model = PCAICA().fit(COUNTS)
    n_units, n_bins = COUNTS.shape
    np.testing.assert_allclose(model.eigenvalues_, reference.eigenvalues(COUNTS), **TIGHT)
    assert model.threshold_ == pytest.approx((1 + np.sqrt(n_units / n_bins)) ** 2, rel=1e-14)
    assert model.null_ is None
    wider = PCAICA(tracywidom=True).fit(COUNTS)
    assert wider.threshold_ - model.threshold_ == pytest.approx(n_units ** (-2 / 3), rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_ica_patterns_are_those_of_scikit_learn(k):
    model = PCAICA(n_assemblies=k).fit(COUNTS)
    expected = reference.sklearn_ica(COUNTS.astype(float), k)
    np.testing.assert_allclose(model.patterns_ * model.signs_[:, None], expected, atol=1e-9)


def test_pca_patterns_are_eigenvectors():
    model = PCAICA(method="pca", n_assemblies=3).fit(COUNTS)
    covariance = np.cov(reference.zscore(COUNTS))
    for pattern, value in zip(model.patterns_, model.eigenvalues_, strict=False):
        np.testing.assert_allclose(covariance @ pattern, value * pattern, atol=1e-12)


def test_planted_groups_are_found():
    model = PCAICA().fit(COUNTS)
    found = {tuple(np.flatnonzero(p > 0.3)) for p in model.patterns_}
    assert found == {(0, 1, 2), (5, 6, 7, 8)}


def test_expression_is_the_quadratic_form_without_diagonal():
    model = PCAICA().fit(COUNTS)
    z = reference.zscore(COUNTS)
    strength = model.transform(z)
    for k, w in enumerate(model.patterns_):
        projector = np.outer(w, w) - np.diag(w**2)
        np.testing.assert_allclose(strength[k], np.sum(z * (projector @ z), axis=0), atol=1e-10)
    np.testing.assert_allclose(PCAICA().fit_transform(COUNTS), strength, rtol=1e-9, atol=1e-11)


# properties


@given(st.permutations(range(12)))
def test_unit_order_permutes_weights_only(order):
    model = PCAICA(method="pca").fit(COUNTS)
    permuted = PCAICA(method="pca").fit(COUNTS[list(order)])
    np.testing.assert_allclose(permuted.eigenvalues_, model.eigenvalues_, atol=1e-12)
    np.testing.assert_allclose(permuted.patterns_, model.patterns_[:, list(order)], atol=1e-9)


@given(st.floats(0.1, 100), st.floats(-50, 50))
def test_scale_and_offset_of_rows_do_not_matter(scale, offset):
    model = PCAICA().fit(COUNTS)
    changed = PCAICA().fit(COUNTS * scale + offset)
    np.testing.assert_allclose(changed.patterns_, model.patterns_, atol=1e-8)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_patterns_have_unit_norm_and_positive_peak(seed, k):
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = PCAICA(n_assemblies=k).fit(rng.poisson(0.5, (6, 300)))
    assert model.patterns_.shape == (k, 6)
    np.testing.assert_allclose(np.linalg.norm(model.patterns_, axis=1), 1, rtol=1e-12)
    peak = np.abs(model.patterns_).argmax(axis=1)
    assert (model.patterns_[np.arange(k), peak] > 0).all()


# golden


def detection_counts(golden):
    return golden("binning")["det_counts"]


def test_golden_spectrum_and_patterns(golden):
    expected = golden("assembly")
    model = PCAICA().fit(detection_counts(golden))
    np.testing.assert_allclose(model.eigenvalues_, expected["eigenvalues"], **TIGHT)
    assert model.threshold_ == pytest.approx(float(expected["lambda_mp"]), rel=1e-12)
    assert model.n_assemblies_ == expected["n_mp"]
    np.testing.assert_allclose(model.patterns_, expected["patterns_ica_mp"], **TIGHT)
    raw = model.patterns_ * model.signs_[:, None]
    np.testing.assert_allclose(raw, expected["patterns_ica_mp_raw_sign"], **TIGHT)
    wider = PCAICA(tracywidom=True).fit(detection_counts(golden))
    assert wider.threshold_ == pytest.approx(float(expected["lambda_mp_tw"]), rel=1e-12)


def test_golden_pca_and_fixed_number(golden):
    expected = golden("assembly")
    counts = detection_counts(golden)
    pca = PCAICA(method="pca").fit(counts).patterns_
    np.testing.assert_allclose(np.abs(pca), np.abs(expected["patterns_pca_mp"]), **TIGHT)
    fixed = PCAICA(n_assemblies=3).fit(counts)
    # The golden patterns carry the sign in which FastICA leaves them.
    raw = fixed.patterns_ * fixed.signs_[:, None]
    cosine = np.abs(np.sum(raw * expected["patterns_ica_fixed3"], axis=1))
    assert (cosine > 1 - 1e-9).all()


def test_golden_expression(golden):
    expected = golden("assembly")
    model = PCAICA()
    strength = model.fit_transform(detection_counts(golden))
    np.testing.assert_allclose(strength[:, ::3], expected["activity_on_detection_bins"], **TIGHT)
    z = np.zeros(detection_counts(golden).shape)
    z[model.active_] = reference.zscore(detection_counts(golden)[model.active_])
    with_diagonal = cf.assemblies.activation(model.patterns_, z, remove_diagonal=False)
    np.testing.assert_allclose(with_diagonal[:, ::3], expected["activity_with_diag"], **TIGHT)


# edges


def test_silent_units_get_zero_weight():
    counts = np.insert(COUNTS, [0, 4], 0, axis=0)
    counts[5] = 7
    model = PCAICA().fit(counts)
    assert model.patterns_.shape == (2, 14)
    np.testing.assert_array_equal(np.flatnonzero(~model.active_), [0, 5])
    assert (model.patterns_[:, [0, 5]] == 0).all()
    # Silent units widen the bound, which counts all units.
    assert model.threshold_ == pytest.approx((1 + np.sqrt(14 / 3000)) ** 2, rel=1e-14)


@pytest.mark.parametrize("counts", [np.zeros((3, 50)), np.full((3, 50), 0.1), np.zeros((0, 50))])
def test_no_active_unit_is_an_empty_result(counts):
    with pytest.warns(NoAssemblyWarning, match="no unit is active"):
        model = PCAICA().fit(counts)
    assert model.n_assemblies_ == 0
    assert model.patterns_.shape == (0, len(counts))
    assert model.transform(counts).shape == (0, 50)


def test_nothing_found_is_an_empty_result():
    counts = np.random.default_rng(1).poisson(0.5, (5, 500))
    with pytest.warns(NoAssemblyWarning, match="no assembly detected"):
        model = PCAICA(null="bin", n_shuffles=50, percentile=100).fit(counts)
    assert model.patterns_.shape == (0, 5)
    assert model.signs_.shape == (0,)
    assert model.transform(counts).shape == (0, 500)
    assert model.to_frame().shape == (0, 5)


def test_integers_float32_views_and_read_only_input_give_the_same():
    expected = PCAICA().fit(COUNTS.astype(float)).patterns_
    frozen = COUNTS.astype(np.float32)
    frozen.setflags(write=False)
    before = COUNTS.copy()
    for x in (COUNTS.astype(np.uint8), frozen, np.asfortranarray(COUNTS), COUNTS.tolist()):
        np.testing.assert_array_equal(PCAICA().fit(x).patterns_, expected)
    np.testing.assert_array_equal(COUNTS, before)


def test_integer_counts_keep_fractional_z_scores():
    # The reference cast z-scores into the integer copy of the counts.
    strength = PCAICA().fit_transform(COUNTS)
    np.testing.assert_array_equal(strength, PCAICA().fit_transform(COUNTS.astype(float)))


def test_binned_spikes_are_accepted():
    rng = np.random.default_rng(2)
    trains = [np.sort(rng.uniform(0, 60, 300)) for _ in range(4)]
    binned = cf.bin_spikes(trains, 0.05, support=[[0, 60]])
    model = quiet_fit(PCAICA(n_assemblies=2), binned)
    np.testing.assert_array_equal(
        model.patterns_, PCAICA(n_assemblies=2).fit(binned.counts).patterns_
    )
    assert model.transform(binned).shape == (2, binned.n_bins)


def test_single_unit_and_single_bin():
    assert quiet_fit(PCAICA(), [[1, 0, 2, 0]]).n_assemblies_ == 0
    assert quiet_fit(PCAICA(), [[1], [2]]).n_assemblies_ == 0


# estimator


def test_scikit_learn_can_clone():
    from sklearn.base import clone

    model = PCAICA(null="circ", n_shuffles=7, cross_structural=["a", "b"])
    twin = clone(model)
    assert twin is not model
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "patterns_")


def test_repr_shows_changed_parameters():
    assert repr(PCAICA()) == "PCAICA()"
    assert repr(PCAICA(null="circ", n_shuffles=5)) == "PCAICA(null='circ', n_shuffles=5)"
    assert PCAICA().set_params(percentile=95).percentile == 95


def test_table_has_a_row_an_assembly():
    table = PCAICA().fit(COUNTS).to_frame()
    assert table.shape == (2, 12)
    assert (table.index.name, table.columns.name) == ("assembly", "unit")


# errors


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"null": "boot"}, "null must be one of 'mp', 'bin', 'circ'"),
        ({"method": "nmf"}, "method must be one of"),
        ({"percentile": 101}, "percentile must lie between 0 and 100"),
        ({"n_shuffles": 0}, "n_shuffles must be at least 1"),
        ({"n_assemblies": 0}, "n_assemblies must be at least 1"),
        ({"n_assemblies": 13}, "n_assemblies is 13, but 12 active units span only 12"),
        ({"rng_recipe": "torch", "null": "bin"}, "rng_recipe must be one of 'numpy'"),
        ({"null": "bin", "rng": -1}, "rng must be at least 0"),
        ({"null": "bin", "rng": 2**64}, "rng must be below"),
        ({"method": "cross_svd"}, "needs cross_structural"),
        ({"cross_structural": ["a", "b"]}, "one label for each of 12 units"),
        ({"cross_structural": ["a"] * 12}, "at least two groups, got 'a'"),
        ({"cross_structural": list("abc" * 4), "method": "cross_svd"}, "exactly two groups"),
    ],
)
def test_bad_parameters_are_named(params, message):
    with pytest.raises(InvalidArgumentError, match=message):
        PCAICA(**params).fit(COUNTS)


def test_bad_data_are_named():
    with pytest.raises(InvalidArgumentError, match="X must be finite"):
        PCAICA().fit([[1.0, np.nan], [0.0, 1.0]])
    with pytest.raises(InvalidArgumentError, match="X must be 2-D"):
        PCAICA().fit([1.0, 2.0])
    with pytest.raises(InvalidTypeError, match="X must be a 2-D array"):
        PCAICA().fit([["a", "b"]])
    with pytest.raises(InvalidArgumentError, match="X has no bins"):
        PCAICA().fit(np.zeros((3, 0)))
    with pytest.raises(InvalidArgumentError, match=r"z must have shape \(12 units, n_bins\)"):
        PCAICA().fit(COUNTS).transform(COUNTS[:3])


def test_use_before_fit_is_named():
    with pytest.raises(NotFittedError, match=r"has no patterns_ yet; call fit"):
        PCAICA().transform(COUNTS)
    with pytest.raises(InvalidArgumentError, match="has no parameter 'nul'"):
        PCAICA().set_params(nul="mp")


def test_more_assemblies_than_independent_rows_is_an_error():
    counts = np.vstack([COUNTS[:3], COUNTS[0]])
    with pytest.raises(InvalidArgumentError, match="span only 3 dimensions"):
        PCAICA(n_assemblies=4).fit(counts)


def test_unconverged_ica_warns():
    # Gaussian noise has no independent directions to converge to.
    signals = np.random.default_rng(7).normal(size=(8, 100))
    signals -= signals.mean(axis=1, keepdims=True)
    with pytest.warns(ConvergenceWarning, match="200 iterations"):
        fast_ica(signals, 8)
