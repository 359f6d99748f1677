"""Figures of the olfactory study show the numbers they are given, with one model or several."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cofire import plot

ODORS = tuple(f"odor {k}" for k in range(6))
N = len(ODORS)


def drawn(figure):
    figure.canvas.draw()
    return figure


def decorrelation(seed):
    rng = np.random.default_rng(seed)
    matrices = {}
    for stage, level in (("or", 0.8), ("pn", 0.7), ("kc", 0.4)):
        matrix = level + 0.05 * rng.random((N, N))
        matrix = (matrix + matrix.T) / 2
        np.fill_diagonal(matrix, 1.0)
        matrices[f"cos_{stage}"] = matrix
    return SimpleNamespace(**matrices, al=5.0 + seed, mb=40.0 + seed, total=43.0 + seed)


def series(seed):
    rise = np.array([1.0, 2.0, 3.0])
    return SimpleNamespace(
        concentration=np.array([0.1, 1.0, 5.0]),
        or_activity=rise * 2,
        pn_activity=rise**0.5,
        kc_activity=rise**0.1 + 0.01 * seed,
        decoder_accuracy=np.array([0.1, 0.7, 0.8]),
        centroid_accuracy=np.array([0.1, 0.6, 0.7]),
        kc_similarity=np.array([0.6, 1.0, 0.9]),
    )


def evaluation():
    rng = np.random.default_rng(0)
    confusion = np.eye(N, dtype=int) * 30 + rng.integers(0, 5, (N, N))
    return SimpleNamespace(
        odors=ODORS,
        confusion=confusion,
        kc_patterns=rng.poisson(0.4, (N, 20)).astype(float),
        consistency=np.array([0.5, 0.9, 0.7, 0.6, 0.8, 0.4]),
    )


def history(seed, epochs=4):
    stage = ("teacher",) * 2 + ("student",) * epochs
    n = len(stage)
    test = np.linspace(0.1, 0.7, n) + 0.01 * seed
    test[-2] = np.nan
    return SimpleNamespace(
        epoch=np.r_[1:3, 1 : epochs + 1],
        stage=stage,
        loss=np.linspace(4, 1, n),
        test_accuracy=test,
        sparsity=np.full(n, 0.2),
        apl_ratio=np.r_[np.nan, np.nan, np.linspace(3, 2, epochs)],
    )


SCORES = {
    ("canonical", "accuracy"): {1: 70.0, 2: 72.0},
    ("no_apl", "accuracy"): {1: 60.0},
    ("no_apl_posthoc", "accuracy"): {1: 50.0, 2: 52.0},
    ("canonical", "sparsity"): {1: 12.0, 2: 13.0},
}


class Scores:
    def get(self, variant, metric):
        return SCORES.get((variant, metric), {})


def learned(n_models=3):
    names, values = [], []
    for pathway in ("orn_pn", "ln_pn_excit_nonad", "kc_kc_aa"):
        for kind, value in (("log_strength", 1e-9), ("logit_U", 0.3), ("log_tau_rec", 0.2)):
            names.append(f"antennal_lobe.{pathway}.{kind}")
            values.append(value)
    for name, value in (
        ("antennal_lobe.orn_neurons.log_tau_m", 0.02),
        ("antennal_lobe.ln_neurons.log_tau_m", 0.02),
        ("antennal_lobe.pn_neurons.log_tau_m", 0.02),
        ("kc_layer.apl.log_tau_apl", 0.015),
        ("kc_layer.kc_neurons.log_g_soma", 1e-8),
        ("antennal_lobe.log_g_gap_ln", 1e-10),
        ("antennal_lobe.log_g_gap_pn", 1e-10),
        ("antennal_lobe.log_g_gap_eln_pn", 1e-10),
    ):
        names.append(name)
        values.append(value)
    start = np.array(values)
    rng = np.random.default_rng(0)
    return SimpleNamespace(
        seeds=np.arange(n_models),
        names=tuple(names),
        values=start * rng.uniform(0.8, 1.2, (n_models, len(start))),
        initial=start,
        low=start / 10,
        high=start * 2,
        thresholds={
            k: rng.uniform(-0.055, -0.03, (n_models, 9)) for k in ("orn", "ln", "pn", "kc")
        },
        threshold_bounds=np.array([-0.055, -0.030]),
    )


@pytest.mark.parametrize("n", [1, 3])
def test_similarity_has_one_range_of_colors(n):
    models = {seed: decorrelation(seed) for seed in range(n)}
    figure, axes = plot.plot_odor_similarity(models, odors=ODORS)
    drawn(figure)
    images = [ax.get_images()[0] for ax in axes[:3]]
    assert {image.get_clim() for image in images} == {(0.0, 1.0)}
    mean = np.mean([m.cos_kc for m in models.values()], axis=0)
    np.testing.assert_allclose(images[2].get_array(), mean)
    heights = [bar.get_height() for bar in axes[3].patches]
    assert heights == pytest.approx(np.array([5, 40, 43]) + (n - 1) / 2)
    assert [t.get_text() for t in axes[0].get_yticklabels()] == list(ODORS)


@pytest.mark.parametrize("n", [1, 3])
def test_concentration_is_relative_to_the_lowest(n):
    figure, axes = plot.plot_concentration([series(seed) for seed in range(n)])
    drawn(figure)
    np.testing.assert_allclose(axes[0].get_lines()[0].get_ydata(), [1, 2, 3])
    assert axes[0].get_xscale() == "log"
    assert axes[0].get_legend().get_texts()[0].get_text() == "OR (range 3.00)"
    assert len(axes[1].collections) == (2 if n > 1 else 0)


def test_kc_heat_is_sorted_by_mean_count():
    one = evaluation()
    figure, axes = plot.plot_kc_heat(one)
    drawn(figure)
    shown = np.asarray(axes[1, 0].get_images()[0].get_array())
    assert (np.diff(shown.mean(axis=0)) <= 0).all()
    assert (np.diff(shown.mean(axis=1)) <= 0).all()
    assert shown.sum() == one.kc_patterns.sum()
    first = axes[1, 0].get_yticklabels()[0].get_text()
    assert first == ODORS[int(one.kc_patterns.mean(axis=1).argmax())]


def test_confusion_rows_sum_to_100_percent():
    one = evaluation()
    figure, ax = plot.plot_confusion(one)
    drawn(figure)
    shown = np.asarray(ax.get_images()[0].get_array())
    np.testing.assert_allclose(shown.sum(axis=1), 100)
    right = 100 * np.trace(one.confusion) / one.confusion.sum()
    assert ax.get_title(loc="left").startswith(f"{right:.1f} % of {one.confusion.sum()} samples")
    empty = plot.plot_confusion(np.zeros((3, 3)))[1].get_images()[0].get_array()
    assert (np.asarray(empty) == 0).all()


def test_trial_consistency_is_sorted():
    figure, ax = plot.plot_trial_consistency(evaluation())
    drawn(figure)
    (points,) = (line for line in ax.get_lines() if line.get_marker() == "o")
    assert list(points.get_xdata()) == [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert ax.get_yticklabels()[0].get_text() == "odor 1"


def test_ablations_show_every_model_and_the_published_mean():
    titles = {"canonical": "canonical", "no_apl": "no APL", "no_apl_posthoc": "after", "no": "none"}
    published = SimpleNamespace(
        rows=[
            SimpleNamespace(variant="no_apl", metric="accuracy", published=61.0, seed=None),
            SimpleNamespace(variant="no_apl", metric="accuracy", published=99.0, seed=42),
        ]
    )
    figure, axes = plot.plot_ablations(
        Scores(),
        titles,
        afterwards=("no_apl_posthoc",),
        metrics={"accuracy": "accuracy (%)", "sparsity": "active KCs (%)"},
        published=published,
    )
    drawn(figure)
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["canonical", "no APL", "after"]
    points = [list(x.get_xdata()) for x in axes[0].get_lines() if x.get_marker() == "o"]
    assert points == [[70, 72], [60], [50, 52]]
    (diamond,) = (x for x in axes[0].get_lines() if x.get_marker() == "D")
    assert diamond.get_xdata()[0] == 61
    texts = [t.get_text() for t in figure.legends[0].get_texts()]
    assert texts == [
        "trained this way (points: models)",
        "changed after training",
        "published mean",
    ]
    assert plot.plot_ablations(Scores(), {"x": "x"})[1][0].texts[0].get_text() == "no scores"


@pytest.mark.parametrize("n", [1, 3])
def test_training_leaves_epochs_without_a_test_out(n):
    figure, axes = plot.plot_training({seed: history(seed) for seed in range(n)})
    drawn(figure)
    curve = axes[1].get_lines()[-1]
    assert list(curve.get_xdata()) == [1, 2, 4]
    assert len(axes[3].get_lines()) == n + 1
    assert [t.get_text() for t in axes[0].get_legend().get_texts()] == ["teacher", "student"]


def test_trainings_of_other_lengths_have_no_mean():
    figure, axes = plot.plot_training([history(0, 4), history(1, 6)])
    drawn(figure)
    assert len(axes[0].get_lines()) == 5


def test_threshold_scaling_leaves_missing_models_out():
    scaling = SimpleNamespace(
        n_odors=np.array([7, 28]), upper=np.array([[0.1, 0.2, np.nan], [0.4, 0.5, 0.6]])
    )
    figure, ax = plot.plot_threshold_scaling(scaling)
    drawn(figure)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["7\n(2)", "28\n(3)"]
    np.testing.assert_allclose(ax.get_lines()[-1].get_ydata(), [15, 50])


@pytest.mark.parametrize("n", [1, 3])
def test_learned_parameters_lie_between_their_bounds(n):
    found = learned(n)
    figure, axes = plot.plot_learned_parameters(found)
    drawn(figure)
    titles = [t.get_text() for t in axes[0].get_yticklabels()]
    assert titles == ["ORN→PN", "LN→PN exc. non-AD", "KC→KC AA"]
    bar, start, points = axes[0].get_lines()[:3]
    np.testing.assert_allclose(bar.get_xdata(), [1e-10, 2e-9])
    assert start.get_xdata()[0] == 1e-9
    np.testing.assert_allclose(points.get_xdata(), found.values[:, 0])
    assert axes[0].get_xscale() == "log"


@pytest.mark.parametrize("n", [1, 3])
def test_thresholds_and_gap_conductances_draw(n):
    found = learned(n)
    figure, axes = plot.plot_thresholds(found)
    drawn(figure)
    for ax in axes:
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(100)
    figure, ax = plot.plot_gap_conductances(found)
    drawn(figure)
    heights = [bar.get_height() for bar in ax.patches[:3]]
    np.testing.assert_allclose(heights, 1e9 * found.values[:, -3:].mean(axis=0))


def test_agreement_leaves_out_what_teachers_lack():
    consistency = SimpleNamespace(
        seeds=np.arange(3),
        groups=("or_gains", "kc", "ln"),
        teacher=np.array([0.9, 0.5, np.nan]),
        student=np.array([0.95, 0.9, 0.98]),
    )
    figure, ax = plot.plot_model_agreement(consistency)
    drawn(figure)
    titles = [t.get_text() for t in ax.get_yticklabels()]
    assert titles == ["receptor gains", "KC thresholds", "LN thresholds"]
    assert len(ax.get_lines()) == 2 + 2


def test_mixtures_pool_the_models():
    rng = np.random.default_rng(0)
    models = [
        SimpleNamespace(
            component_cosine=rng.uniform(0.7, 0.9, 10),
            linear_cosine=rng.uniform(0.9, 1, 10),
            pair_ratio=np.r_[np.nan, rng.uniform(1, 1.3, 9)],
            triplet_ratio=np.empty(0),
            sub_additive_pairs=0.7,
            sub_additive_triplets=0.75,
            svm_odors=0.6,
            svm_mixture=0.7,
            svm_mixtures=0.5 + 0.1 * k,
        )
        for k in range(2)
    ]
    figure, axes = plot.plot_mixtures(models)
    drawn(figure)
    mean = np.mean([m.component_cosine.mean() for m in models])
    assert axes[0].get_legend().get_texts()[0].get_text() == f"one component: {mean:.2f}"
    assert len(axes[1].get_legend().get_texts()) == 1
    heights = [bar.get_height() for bar in axes[2].patches]
    np.testing.assert_allclose(heights, [70, 75, 60, 70, 55])


def test_long_names_of_odors_stay_inside_the_figure(tmp_path):
    names = ["4-allyl-1,2-dimethoxybenzene"] * 28
    figure, ax = plot.plot_trial_consistency(np.linspace(0.4, 0.9, 28), odors=names)
    plot.save_figure(figure, tmp_path, "a", ("png",))
    figure.set_dpi(200)
    assert min(t.get_window_extent().x0 for t in ax.get_yticklabels()) >= 0
