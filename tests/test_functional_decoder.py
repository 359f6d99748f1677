"""Clips are decoded where activity tells them, and confusion matrices compared as published."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, ranksums

import cofire as cf
from cofire import assemblies as asm
from cofire.assemblies import function
from cofire.assemblies.function import decoder as decoding


def clip_recording(separation, rng=0, n_runs=6, length=15, n_classes=4):
    generator = np.random.default_rng(rng)
    labels = np.repeat(np.tile(np.arange(n_classes), n_runs), length)
    labels[::11] = -1
    traces = generator.normal(0, 1, (len(labels), n_classes))
    traces += separation * np.eye(n_classes)[np.maximum(labels, 0)]
    return traces, labels


@pytest.mark.parametrize("split", ["random", "blocked"])
def test_separate_clips_are_decoded_and_noise_is_not(split):
    traces, labels = clip_recording(5.0)
    good = asm.ClipDecoder(split=split).fit(traces, labels)
    assert good.accuracy_ > 0.9
    assert good.chance_ == 0.25
    assert good.confusion_.sum() == len(good.test_frames_)
    assert not set(good.train_frames_) & set(good.test_frames_)
    assert (labels[good.test_frames_] >= 0).all()
    assert (good.predict(traces)[labels >= 0] == labels[labels >= 0]).mean() > 0.9
    poor = asm.ClipDecoder(split=split).fit(*clip_recording(0.0))
    assert poor.accuracy_ < 0.55
    np.testing.assert_allclose(good.percentages_.sum(axis=1), 100)


def test_a_slow_drift_is_decoded_across_a_random_split_only():
    # Every run has its own level: neighbors in time tell the clip, other presentations do not.
    rng = np.random.default_rng(0)
    labels = np.repeat(np.tile(np.arange(3), 8), 20)
    run = function.presentations(labels)
    traces = rng.normal(0, 5, (24, 6))[run] + rng.normal(0, 0.2, (480, 6))
    leaky = asm.ClipDecoder(seed=1).fit(traces, labels)
    honest = asm.ClipDecoder(split="blocked", seed=1).fit(traces, labels)
    assert leaky.accuracy_ > 0.9
    assert honest.accuracy_ < 0.7
    test_runs = set(run[honest.test_frames_])
    assert not test_runs & set(run[honest.train_frames_])
    assert {int(labels[run == r][0]) for r in test_runs} == {0, 1, 2}


def test_a_grid_is_searched_by_cross_validation_with_progress():
    traces, labels = clip_recording(4.0)
    seen = []
    grid = {"hidden_layer_sizes": [(20,), (2,)], "alpha": [1e-3]}
    for split in ("random", "blocked"):
        model = asm.ClipDecoder(
            grid, split, n_folds=2, threads=1, progress=lambda done, n: seen.append((done, n))
        ).fit(traces, labels)
        assert len(model.cv_scores_) == 2
        assert model.best_params_ == model.candidates_[int(model.cv_scores_.argmax())]
        assert model.to_frame()["cv_accuracy"].max() == model.cv_scores_.max()
    assert seen == [(1, 2), (2, 2)] * 2


def test_the_same_seed_gives_the_same_network_and_predict_is_scikit_learns():
    traces, labels = clip_recording(2.0)
    first, second = (asm.ClipDecoder(seed=5).fit(traces, labels) for _ in range(2))
    np.testing.assert_array_equal(first.confusion_, second.confusion_)
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        **{**first.best_params_, "batch_size": 64},
        max_iter=500,
        early_stopping=True,
        n_iter_no_change=10,
        random_state=5,
    )
    here = first.train_frames_
    mean, sd = traces[here].mean(axis=0), traces[here].std(axis=0)
    network.fit((traces[here] - mean) / sd, labels[here])
    np.testing.assert_array_equal(network.predict((traces - mean) / sd), first.predict(traces))


@pytest.mark.slow
def test_processes_do_not_change_the_search():
    traces, labels = clip_recording(1.0)
    grid = {"hidden_layer_sizes": [(8,)], "alpha": [1e-3, 0.1], "batch_size": [64]}
    one, two = (asm.ClipDecoder(grid, n_folds=2, threads=n).fit(traces, labels) for n in (1, 2))
    np.testing.assert_array_equal(one.cv_scores_, two.cv_scores_)
    np.testing.assert_array_equal(one.confusion_, two.confusion_)


def test_a_decoder_is_cloned_saved_and_loaded(tmp_path):
    from sklearn.base import clone

    traces, labels = clip_recording(3.0)
    model = asm.ClipDecoder(split="blocked", seed=3)
    assert clone(model).get_params() == model.get_params()
    assert repr(model) == "ClipDecoder(split='blocked', seed=3)"
    cf.save(model.fit(traces, labels), tmp_path / "decoder")
    loaded = cf.load(tmp_path / "decoder")
    np.testing.assert_array_equal(loaded.predict(traces), model.predict(traces))
    assert loaded.best_params_ == model.best_params_


def test_fits_that_reach_the_limit_are_counted():
    traces, labels = clip_recording(1.0)
    assert asm.ClipDecoder(max_iter=2).fit(traces, labels).n_unconverged_ == 1
    assert asm.ClipDecoder().fit(traces, labels).n_unconverged_ == 0


def test_two_clips_share_one_output():
    traces, labels = clip_recording(5.0, n_classes=2)
    model = asm.ClipDecoder().fit(traces, labels)
    assert model.confusion_.shape == (2, 2)
    assert model.accuracy_ > 0.9


def test_the_published_grid_has_750_networks():
    assert len(decoding.candidates("published")) == 750
    assert len(decoding.candidates("fast")) == 1
    assert decoding.candidates("fast")[0] in decoding.candidates("published")


def test_published_statistics_of_the_diagonals():
    # The percentages were not published: these have the same U and, with five ties, the same p.
    poor = np.array([20, 20, 22, 22, *range(24, 32)])
    good = np.array([19, 31, 40, 40, 42, 42, *range(44, 50)])
    matrices = [(100.0 - d)[:, None] / 11 * (1 - np.eye(12)) + np.diag(d) for d in (good, poor)]
    found = asm.compare_confusions(*matrices)
    assert found.diagonal.statistic == 131.5
    assert found.rank_biserial == pytest.approx(-0.826, abs=5e-4)
    assert found.diagonal_uncorrected.z == pytest.approx(3.435, abs=5e-4)
    assert found.diagonal_uncorrected.p == pytest.approx(2.96e-4, abs=5e-7)
    assert found.diagonal.p == pytest.approx(3.247e-4, abs=5e-8)


def test_confusions_are_compared_in_whole_percent():
    rng = np.random.default_rng(0)
    first, second = rng.integers(1, 50, (2, 6, 6))
    first[np.diag_indices(6)] += 60
    found = asm.compare_confusions(first, second)
    a, b = (np.round(100 * m / m.sum(axis=1, keepdims=True)) for m in (first, second))
    np.testing.assert_array_equal(found.difference, a - b)
    test = mannwhitneyu(a.diagonal(), b.diagonal(), alternative="greater")
    assert (found.diagonal.statistic, found.diagonal.p) == (test.statistic, test.pvalue)
    plain = ranksums(a.diagonal(), b.diagonal(), alternative="greater")
    assert found.diagonal_uncorrected.z == pytest.approx(plain.statistic)
    assert found.cells.p == mannwhitneyu(a.ravel(), b.ravel()).pvalue
    assert found.to_frame()["what"].tolist() == ["diagonal", "diagonal, uncorrected", "all cells"]
