"""The olfactory study evaluates published weights as published, and runs as one resumable job."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import cofire as cf
from cofire.errors import FileFormatError, InvalidArgumentError, MissingDataError, TrainingError
from cofire.studies._folder import LogFile
from cofire.studies.larval_olfaction import (
    CONDITIONS,
    EXPERIMENTS,
    VARIANTS,
    Experiment,
    Job,
    Material,
    OlfactionConfig,
    Setup,
    Task,
    ablate,
    evaluate,
    evaluate_model,
    mixture_coding,
    noisy_inputs,
    read_parameters,
    run,
    run_all,
    run_trials,
    tasks,
    train,
)
from cofire.studies.larval_olfaction.run import planned_tasks

TINY = OlfactionConfig(
    teacher_epochs=2,
    epochs=1,
    repeats=1,
    n_steps=3,
    seeds=(42, 43),
    retrained_seeds=(42,),
    concentrations=(0.1, 1.0),
    triplets=3,
    odors=("propanoic acid", "2-heptanone", "acetophenone", "1-butanol"),
)


@pytest.fixture(scope="module", autouse=True)
def no_figures():
    """Leave figures out of the runs; test_olfaction_page looks at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cofire.studies.larval_olfaction.page.make_figures", lambda result: [])
        yield


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "data" / "larval_olfaction"


@pytest.fixture(scope="module")
def weights(shared):
    return shared / "golden" / "olfactory_seed42.npz"


@pytest.fixture(scope="module")
def golden(folder, weights):
    """Network with the published weights, and its panel."""
    setup = Setup.make(Material.load(folder), CONDITIONS["canonical"], 42, OlfactionConfig())
    return setup.network(read_parameters(weights)), setup.panel


@pytest.fixture(scope="module")
def evaluated(golden):
    return evaluate_model(*golden)


# --- evaluation -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "scale", "tolerance"),
    [
        ("accuracy", "acc", 100, 3.0),
        ("sparsity", "sparsity", 100, 0.5),
        ("centroid", "centroid", 100, 2.0),
        ("al", "al", 1, 2.5),
        ("mb", "mb", 1, 1.5),
        ("total", "total", 1, 1.5),
        ("apl_ratio", "mancini", 1, 0.1),
        ("or_range", "or_range", 1, 0.05),
        ("pn_range", "pn_range", 1, 0.05),
        ("kc_range", "kc_range", 1, 0.05),
    ],
)
def test_published_weights_have_the_published_noisy_metrics(
    evaluated, shared, ours, theirs, scale, tolerance
):
    text = (shared / "golden" / "olfactory_seed42_noisy_metrics.json").read_text()
    mean = scale * json.loads(text)["metrics"][theirs][0]
    assert evaluated.scalars()[ours] == pytest.approx(mean, abs=tolerance)


def test_parts_of_an_evaluation_fit_together(evaluated):
    assert evaluated.confusion.sum() == 1400
    assert np.trace(evaluated.confusion) / 1400 == pytest.approx(evaluated.accuracy)
    assert evaluated.kc_patterns.shape == (28, 144)
    assert evaluated.consistency.shape == (28,)
    series = evaluated.concentration
    assert series.kc_similarity[series.concentration == 1.0] == pytest.approx(1.0)
    assert series.verdicts() == {
        "sublinear_pn": "PASS", "flat_kc": "PASS", "robust": "PASS", "identity": "PARTIAL",
    }  # fmt: skip
    assert evaluated.apl.verdict == "PASS"


def test_without_apl_more_cells_are_active(golden, evaluated):
    found = evaluate_model(*golden, ablate=("apl",), parts=())
    assert 100 * found.sparsity == pytest.approx(33.0, abs=4.0)
    assert found.sparsity > 2 * evaluated.sparsity
    assert found.decorrelation is found.apl is found.concentration is None


def test_additive_noise_puts_odors_out_of_range_as_in_the_predecessor(golden):
    found = evaluate_model(*golden, ablate=("gaps",), parts=(), additive=True)
    # 22.4 is the mean of five models, 140 samples each.
    assert 100 * found.accuracy == pytest.approx(22.4, abs=6.0)
    assert 100 * found.sparsity == pytest.approx(14.8, abs=1.0)


def test_the_older_protocol_takes_fewer_samples_and_the_seed_of_the_model(golden):
    config = OlfactionConfig(protocol="older")
    a, b, c = (evaluate_model(*golden, config, seed=seed, parts=("apl",)) for seed in (42, 42, 43))
    assert a.confusion.sum() == 140
    assert len(a.apl.base) == 20
    assert (a.confusion == b.confusion).all()
    assert (a.confusion != c.confusion).any()


def test_trials_repeat_with_their_seed(golden):
    network, panel = golden
    inputs = noisy_inputs(panel.responses[:3], 4, 0.3, np.random.default_rng(0))
    a, b, c = (run_trials(network, inputs, seed=seed, n_steps=5) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.pn, b.pn)
    assert (a.pn != c.pn).any()
    assert a.logits.shape == (3, 4, 28)


def test_patterns_of_models_come_from_trials_of_their_own(golden):
    config = OlfactionConfig(n_steps=5)
    a, b, c = (
        evaluate_model(*golden, config, seed=seed, parts=("patterns",)) for seed in (42, 42, 43)
    )
    np.testing.assert_array_equal(a.kc_patterns, b.kc_patterns)
    assert (a.kc_patterns != c.kc_patterns).any()
    assert a.accuracy == c.accuracy


def test_an_unknown_part_is_an_error(golden):
    with pytest.raises(InvalidArgumentError, match=r"parts must be of .*'scent'"):
        evaluate_model(*golden, parts=("scent",))


@pytest.mark.slow
def test_published_weights_code_mixtures_as_published(golden):
    found = mixture_coding(*golden)
    assert (len(found.pairs), len(found.triplets)) == (351, 50)
    numbers = found.scalars()
    expected = {
        "mixture_component_cosine": (0.806, 0.01),
        "mixture_linear_cosine": (0.943, 0.01),
        "pair_ratio": (1.22, 0.05),
        "triplet_ratio": (1.37, 0.05),
        "sub_additive_pairs": (69.3, 3.4),
        "sub_additive_triplets": (72.6, 3.0),
        "svm_mixture": (73.9, 6.0),
    }
    for name, (value, tolerance) in expected.items():
        assert numbers[name] == pytest.approx(value, abs=tolerance), name


def test_cells_may_be_measured_in_another_network(golden):
    network, panel = golden
    config = OlfactionConfig(n_steps=4, triplets=2)
    small = panel.select([0, 1, 2, 3, 4])
    found = mixture_coding(
        network, small, config, cells=lambda inputs: np.ones((*inputs.shape[:2], 144), np.float32)
    )
    assert found.sub_additive_pairs == found.sub_additive_triplets == 1.0
    assert len(found.pairs) == 6


# --- plans of work --------------------------------------------------------------------------------


def test_experiments_name_what_exists():
    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name
        assert set(experiment.variants) <= set(VARIANTS)
    assert {v.condition for v in VARIANTS.values()} <= set(CONDITIONS)
    assert [e.label for e in EXPERIMENTS.values()] == ["", "R1", "R2", "R3", "R4", "R5", "R6"]


def test_every_training_is_planned_once(folder, tmp_path):
    trainings, evaluations = planned_tasks(
        Job(folder, tmp_path, OlfactionConfig()), EXPERIMENTS.values()
    )
    assert len(trainings) == len(set(trainings)) == 5 + 3 * (len(CONDITIONS) - 1)
    assert evaluations.count(Task("evaluate", "no_apl_posthoc", 46)) == 1
    assert evaluations.count(Task("mixtures", "canonical", 42)) == 1


def test_given_weights_need_no_training(folder, weights, tmp_path):
    job = Job(folder, tmp_path, OlfactionConfig(), ((42, weights),))
    trainings, evaluations = planned_tasks(job, [EXPERIMENTS["canonical"]])
    assert trainings == []
    assert evaluations == [Task("evaluate", "canonical", 42)]


# --- a whole run ----------------------------------------------------------------------------------

SMALL = [
    Experiment(
        name="small",
        title="some of everything",
        variants=("canonical", "no_std", "shuffled", "quantile_0.5", "odors_7", "no_apl_posthoc"),
        mixtures=True,
    )
]


@pytest.fixture(scope="module")
def done(folder, tmp_path_factory):
    seen = []
    result = run(
        folder,
        tmp_path_factory.mktemp("study") / "out",
        TINY,
        experiments=SMALL,
        processes=2,
        progress=lambda *arguments: seen.append(arguments),
    )
    return result, seen


def test_a_run_computes_what_was_asked_for(done):
    result, _ = done
    assert result.failures == ()
    assert set(result.evaluations) == set(SMALL[0].variants)
    assert set(result.evaluations["canonical"]) == set(result.mixtures) == {42, 43}
    assert set(result.histories["no_std"]) == {42}
    assert result.students["odors_7"][42]["decoder.weight"].shape == (7, 144)
    assert result.scaling.n_odors.tolist() == [5, 7]
    assert np.isnan(result.scaling.upper[1, 1])
    assert np.isfinite(result.comparison.headline)
    assert len(result.consistency.seeds) == 2


def test_a_run_leaves_its_numbers_as_files(done):
    result, _ = done
    numbers = json.loads((result.out / "experiments" / "ablations.json").read_text())
    ours = numbers["variants"]["no_apl_posthoc"]["models"]["accuracy"]
    assert ours["seeds"] == [42, 43]
    assert ours["mean"] == pytest.approx(
        np.mean([100 * e.accuracy for e in result.evaluations["no_apl_posthoc"].values()])
    )
    across = numbers["variants"]["canonical"]["across_models"]
    assert across["parameter_r"] == pytest.approx(result.comparison.headline)
    paper = json.loads((result.out / "paper_values.json").read_text())
    assert {"ours", "published", "tolerance", "flag"} <= set(paper[0])
    assert len(paper) == len(result.paper.rows)
    table = (result.out / "tables" / "paper_values.md").read_text().splitlines()
    assert len(table) == 2 + len(paper)
    assert {line.count("|") for line in table} == {7}
    stored = cf.load(result.out / "results")
    np.testing.assert_array_equal(
        stored["evaluations"]["canonical"][43].confusion,
        result.evaluations["canonical"][43].confusion,
    )
    provenance = json.loads((result.out / "provenance.json").read_text())
    assert provenance["complete"]
    assert provenance["parameters"]["epochs"] == 1
    assert (result.out / "runs" / "shuffled" / "seed42" / "history.csv").is_file()


def test_progress_grows_to_its_end(done):
    _, seen = done
    assert any(text.startswith("canonical seed 42: student") for text, _, _ in seen)
    training = [done for text, done, _ in seen if text.startswith(tuple(CONDITIONS))]
    assert training == sorted(training)
    assert training[-1] == 3 * 6
    assert seen[-1][1] == seen[-1][2] == 10


def test_a_run_in_one_process_gives_the_same_numbers(done, folder, tmp_path):
    result, _ = done
    other = run(folder, tmp_path / "out", TINY, experiments=SMALL)
    np.testing.assert_array_equal(other.scores.value, result.scores.value)


def test_a_finished_run_is_only_read(done, folder, monkeypatch):
    result, _ = done
    monkeypatch.setattr(Job, "perform", lambda *a: pytest.fail("something was computed again"))
    again = run(folder, result.out, TINY, experiments=SMALL)
    np.testing.assert_array_equal(again.scores.value, result.scores.value)


def test_a_folder_of_other_settings_is_refused_or_moved_aside(done, folder, tmp_path):
    result, _ = done
    other = replace(TINY, epochs=2)
    with pytest.raises(InvalidArgumentError, match=r"other parameters: epochs: 1 -> 2"):
        run(folder, result.out, other, experiments=SMALL)
    for _ in range(2):
        train(folder, tmp_path / "out", replace(TINY, seeds=(42,)), overwrite=True)
    assert len(list(tmp_path.glob("out.old-*"))) == 1


def test_a_second_run_in_the_same_folder_is_refused(done, folder):
    result, _ = done
    with (
        LogFile(result.out / "log.txt"),
        pytest.raises(InvalidArgumentError, match="another run is writing into"),
    ):
        run(folder, result.out, TINY, experiments=SMALL)


def test_trained_models_are_evaluated_elsewhere(done, folder, tmp_path):
    result, _ = done
    found = evaluate(folder, tmp_path, TINY, weights=result.out)
    assert found.evaluations["canonical"][43].accuracy == (
        result.evaluations["canonical"][43].accuracy
    )
    assert found.consistency.teacher[0] == result.consistency.teacher[0]
    assert not (tmp_path / "runs").exists()


def test_published_weights_are_evaluated_without_training(folder, weights, tmp_path):
    config = OlfactionConfig(n_steps=30, concentrations=(1.0, 2.0), triplets=2)
    found = ablate(folder, tmp_path, config, weights=weights)
    rows = {(r.variant, r.metric): r for r in found.paper.rows if r.seed is None}
    assert rows["canonical", "accuracy"].flag == "within"
    assert rows["no_apl_posthoc", "accuracy"].flag == "within"
    assert rows["no_gaps", "accuracy"].flag == "missing"
    assert found.comparison is None
    assert math.isclose(found.scores.get("canonical", "gap_ln")[42], 0.136, abs_tol=1e-3)


@pytest.mark.parametrize(
    "error", [TrainingError("loss nan in step 7"), OSError(28, "No space left on device")]
)
def test_a_training_that_fails_does_not_stop_the_others(folder, tmp_path, monkeypatch, error):
    original = tasks.train_model

    def sometimes(setup, where, **options):
        if setup.seed == 42:
            raise error
        return original(setup, where, **options)

    monkeypatch.setattr(tasks, "train_model", sometimes)
    result = train(folder, tmp_path, TINY)
    assert result.failures == (("train canonical seed 42", str(error)),)
    assert set(result.evaluations["canonical"]) == {43}


def test_what_is_done_is_kept_when_a_run_is_interrupted(folder, tmp_path):
    def progress(text, done, total):
        if text.startswith("canonical seed 43"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(folder, tmp_path, TINY, progress=progress)
    assert (tmp_path / "runs" / "canonical" / "seed42" / "weights.pt").is_file()
    assert not json.loads((tmp_path / "provenance.json").read_text())["complete"]
    assert train(folder, tmp_path, TINY).failures == ()


def test_options_of_the_study_reach_wiring_and_receptors(folder):
    config = replace(TINY, registered=True, receptor_map="identity")
    networks = [
        Setup.make(Material.load(folder), CONDITIONS["canonical"], 42, c).network()
        for c in (OlfactionConfig(), config)
    ]
    before, after = (n.network.plan.pathway("ln_orn_nonad").weights.toarray() for n in networks)
    assert (before != after).any()
    assert (networks[0].get_buffer("_receptor") != networks[1].get_buffer("_receptor")).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d, o: run_all(d, o, scale="fast"), "name the models"),
        (lambda d, o: run_all(d, o, weights="x.npz"), 'scale="fast"'),
        (lambda d, o: run_all(d, o, scale="huge"), "scale must be one of"),
        (lambda d, o: train(d, o, conditions=("odd",)), "conditions must be one of"),
        (lambda d, o: train(d, o, weights="x.npz"), "leave it out"),
        (lambda d, o: train(d, o, processes=0), "processes must be at least 1"),
    ],
)
def test_wrong_calls_are_explained(folder, tmp_path, call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_buffers_of_published_checkpoints_are_left_out(folder, weights, tmp_path):
    state = {name: torch.from_numpy(value) for name, value in read_parameters(weights).items()}
    torch.save({**state, "antennal_lobe.mask": torch.ones(3)}, tmp_path / "seed5.pt")
    job = Job(folder, tmp_path, OlfactionConfig(), ((5, tmp_path / "seed5.pt"),))
    assert set(job.given(5)) == set(state)


def test_weights_of_something_else_are_refused_before_a_folder_is_made(folder, tmp_path):
    torch.save({"layer.weight": torch.ones(3)}, tmp_path / "other.pt")
    with pytest.raises(FileFormatError, match=r"other\.pt lacks .*no model of this study"):
        evaluate(folder, tmp_path / "out", weights=tmp_path / "other.pt")
    assert not (tmp_path / "out").exists()


def test_given_weights_do_not_stand_for_other_trainings(folder, weights, tmp_path):
    with pytest.raises(InvalidArgumentError, match="ablations trains no_gaps"):
        ablate(folder, tmp_path / "out", weights=weights, retrain=True)


def test_a_missing_data_folder_says_where_to_get_it(tmp_path):
    with pytest.raises(MissingDataError, match="cofire data list"):
        evaluate(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()
