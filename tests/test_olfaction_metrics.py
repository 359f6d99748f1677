"""Metrics equal their definition in plain loops; edges have the stated value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cofire.errors import InvalidArgumentError
from cofire.studies.larval_olfaction import (
    AplSuppression,
    ConcentrationSeries,
    Published,
    ScoreTable,
    compare_models,
    compare_with_paper,
    metrics,
    published_values,
)
from cofire.studies.larval_olfaction.comparison import GROUPS, consistency, in_units
from cofire.studies.larval_olfaction.scores import ACROSS
from reference import olfaction as reference

RNG = np.random.default_rng(3)
counts = arrays(np.int64, (4, 6, 9), elements=st.integers(0, 6))


@given(counts)
def test_centroid_accuracy_equals_the_loop(trials):
    half = trials[:, 3:].reshape(-1, 9)
    if not (half.any(axis=1)).any():
        assert math.isnan(metrics.centroid_accuracy(trials))
        return
    # Ties of cosines depend on rounding: break them.
    jittered = trials + 1e-3 * RNG.random(trials.shape) * (trials > 0)
    assert metrics.centroid_accuracy(jittered) == pytest.approx(
        reference.centroid_accuracy(jittered)
    )


@given(counts)
def test_consistency_and_similarity_equal_the_loops(trials):
    x = trials.astype(float)
    np.testing.assert_allclose(metrics.trial_consistency(x), reference.consistency(x), atol=1e-12)
    np.testing.assert_allclose(metrics.pattern_similarity(x), reference.similarity(x), atol=1e-12)


@given(counts)
def test_decorrelation_equals_the_loop(trials):
    before, after = RNG.random((4, 5)) + 0.1, trials.mean(axis=1)
    found = metrics.percent_decorrelated(
        metrics.cosines(before, before), metrics.cosines(after, after)
    )
    assert found == pytest.approx(reference.decorrelation(before, after), abs=1e-9)


@given(counts)
def test_the_sub_additive_share_equals_the_loop(trials):
    mixtures, sums = trials[0], trials[1]
    found = metrics.sub_additive_share(mixtures, sums)
    if not ((mixtures > 0) | (sums > 0)).any():
        assert math.isnan(found)
        return
    assert found == pytest.approx(reference.sub_additive(mixtures, sums))


def test_silent_patterns_have_cosine_zero():
    found = metrics.cosines(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[4.0, 3.0]]))
    np.testing.assert_allclose(found, [[0.0], [24 / 25]])


def test_pairs_without_similarity_before_are_left_out():
    before = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.5, 0.5, 1.0]])
    assert metrics.percent_decorrelated(before, before / 2) == pytest.approx(50.0)
    assert math.isnan(metrics.percent_decorrelated(np.eye(3), np.eye(3)))


def test_confusion_counts_samples():
    found = metrics.confusion_matrix([0, 0, 1, 2], [0, 1, 1, 0], 3)
    assert found.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_one_trial_cannot_be_split():
    with pytest.raises(InvalidArgumentError, match="two trials"):
        metrics.centroid_accuracy(np.ones((3, 1, 4)))


@pytest.mark.parametrize(
    ("volts", "shares"),
    [((-0.055, -0.0545, -0.04, -0.0305), (0.5, 0.25, 0.25)), ((-0.030,), (0.0, 0.0, 1.0))],
)
def test_thresholds_at_bounds(volts, shares):
    assert metrics.threshold_shares(np.array(volts)) == pytest.approx(shares)


def test_correlation_of_a_constant_is_undefined():
    assert math.isnan(metrics.pearson(np.ones(4), np.arange(4)))
    assert math.isnan(metrics.mean_pairwise_correlation([np.arange(4)]))


# --- results --------------------------------------------------------------------------------------


def test_suppression_is_bounded_below_by_a_tenth_of_a_spike():
    result = AplSuppression(np.array([10.0, 12.0]), np.zeros(2))
    assert result.ratio == pytest.approx(110.0)
    assert result.verdict == "FAIL"
    assert AplSuppression(np.full(3, 20.0), np.full(3, 10.0)).suppression == pytest.approx(50.0)
    assert math.isnan(AplSuppression(np.zeros(2), np.zeros(2)).suppression)


def series(pn, kc, decoder, centroid):
    levels = np.array([0.1, 1.0, 5.0])
    receptors = np.array([1.0, 1.5, 2.0])
    return ConcentrationSeries(
        levels, receptors, np.array(pn), np.array(kc), np.array(decoder), np.array(centroid), levels
    )


def test_verdicts_of_invariance():
    good = series([10.0, 11.0, 12.0], [5.0, 5.2, 5.5], [0.1, 0.7, 0.7], [0.5, 0.9, 0.8])
    assert set(good.verdicts().values()) == {"PASS"}
    bad = series([10.0, 20.0, 30.0], [5.0, 6.0, 7.0], [0.9, 0.1, 0.1], [0.1, 0.9, 0.1])
    assert set(bad.verdicts().values()) == {"FAIL"}
    partial = series([10.0, 11.0, 12.0], [5.0, 5.0, 5.0], [0.1, 0.7, 0.7], [0.4, 0.9, 0.4])
    assert partial.verdicts()["identity"] == "PARTIAL"
    assert (good.or_range, good.pn_range) == (2.0, 1.2)


# --- comparison of models -------------------------------------------------------------------------


def parameters(seed):
    rng = np.random.default_rng(seed)
    sizes = {"or_gains": 21, "decoder_weight": 4032, "decoder_bias": 28, "kc": 144}
    sizes |= {"ln": 108, "orn": 42, "pn": 72}
    found = {GROUPS[name]: -0.04 + 0.01 * rng.random(n) for name, n in sizes.items()}
    return found | {
        "antennal_lobe.log_g_gap_ln": np.log(1e-10 * (1 + rng.random())),
        "kc_layer.pn_kc.logit_U": np.array(0.0),
        "kc_layer.kc_kc_dd_gain": np.array([-5.0]),
    }


def test_the_headline_correlation_is_weighted_by_sizes():
    models = {seed: parameters(seed) for seed in (1, 2, 3)}
    result = compare_models(models, RNG.random((3, 4, 9)))
    by_group = {
        name: np.mean(
            [
                np.corrcoef(models[a][GROUPS[name]], models[b][GROUPS[name]])[0, 1]
                for a, b in ((1, 2), (1, 3), (2, 3))
            ]
        )
        for name in GROUPS
    }
    weights = {"or_gains": 21, "decoder_weight": 4032, "decoder_bias": 28, "kc": 144}
    weights |= {"ln": 108, "orn": 21, "pn": 72}
    expected = sum(weights[k] * by_group[k] for k in GROUPS) / sum(weights.values())
    assert result.headline == pytest.approx(expected)
    assert result.thresholds.shape == (3, 4, 3)


def test_scalars_are_compared_in_physical_units():
    assert in_units("a.log_tau_m", math.log(0.02)) == pytest.approx(0.02)
    assert in_units("kc_layer.apl.kc_apl_log_strength", 0.0) == 1.0
    assert in_units("a.logit_U", 0.0) == 0.5
    assert in_units("kc_layer.apl.apl_gain", 0.0) == pytest.approx(math.log(2))
    result = compare_models({s: parameters(s) for s in (1, 2)}, RNG.random((2, 4, 9)))
    place = result.scalars.index("antennal_lobe.log_g_gap_ln")
    assert ((result.values[:, place] > 1e-10) & (result.values[:, place] < 2e-10)).all()
    assert result.variation[result.scalars.index("kc_layer.pn_kc.logit_U")] == 0


def test_consistency_needs_the_same_seeds():
    with pytest.raises(InvalidArgumentError, match="seeds differ"):
        consistency({1: {}}, {2: {}})


def test_a_teacher_that_is_copied_does_not_drift():
    students = {seed: parameters(seed) for seed in (1, 2)}
    teachers = {s: {**p, "kc_layer.kc_threshold": p[GROUPS["kc"]]} for s, p in students.items()}
    result = consistency(teachers, students)
    shared = [result.groups.index(name) for name in ("or_gains", "decoder_weight", "kc")]
    np.testing.assert_allclose(result.drift[:, shared], 1.0)
    np.testing.assert_allclose(result.teacher[shared], result.student[shared])
    assert np.isnan(result.teacher[result.groups.index("pn")])


# --- published values -----------------------------------------------------------------------------


def test_published_values_are_compared_within_their_tolerance():
    scores = ScoreTable.of(
        {
            ("canonical", 42): {"accuracy": 70.0, "sparsity": 12.0},
            ("canonical", 43): {"accuracy": 72.0, "sparsity": 15.0},
            ("canonical", ACROSS): {"largest_scalar_cv": 2.0},
        }
    )
    rows = (
        Published("canonical", "accuracy", 70.0, 60.0, 1.5),
        Published("canonical", "accuracy", 70.0, None, 0.5, seed=43),
        Published("canonical", "sparsity", None, 12.5),
        Published("canonical", "largest_scalar_cv", 3.8, at_most=True, tolerance=0.0),
        Published("shuffled", "accuracy", 64.7),
    )
    found = compare_with_paper(scores, published=rows).rows
    assert [r.flag for r in found] == ["within", "outside", "no tolerance", "within", "missing"]
    assert (found[0].ours, found[0].sd, found[0].n) == (71.0, 1.0, 2)
    assert [r.source for r in found] == ["newer", "newer", "older", "newer", "newer"]
    assert (found[3].sd, found[4].ours) == (None, None)
    older = compare_with_paper(scores, published=rows[:1], protocol="older").rows[0]
    assert (older.published, older.flag) == (60.0, "outside")


def test_every_published_number_names_a_variant_and_has_a_value():
    from cofire.studies.larval_olfaction import VARIANTS

    rows = published_values()
    assert {row.variant for row in rows} <= set(VARIANTS)
    assert all(row.newer is not None or row.older is not None for row in rows)
    assert len({(r.variant, r.metric, r.seed) for r in rows}) == len(rows)
