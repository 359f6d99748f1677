"""The report of the olfactory study says what was found, beside what was published."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

import cofire as cf
from cofire import plot
from cofire.studies.larval_olfaction import (
    Experiment,
    OlfactionConfig,
    ablate,
    evaluate,
    finding,
    run,
    train,
    write_page,
)
from cofire.studies.larval_olfaction.figures import make_figures
from cofire.studies.larval_olfaction.labels import METRIC_TITLES
from cofire.studies.larval_olfaction.paper import published_values

README = Path(__file__).resolve().parents[1] / "README.md"
TINY = OlfactionConfig(
    teacher_epochs=2,
    epochs=2,
    repeats=1,
    n_steps=3,
    seeds=(42, 43),
    retrained_seeds=(42,),
    concentrations=(0.1, 1.0),
    triplets=3,
    odors=("propanoic acid", "2-heptanone", "acetophenone", "1-butanol"),
)
EVERYTHING = Experiment(
    name="everything",
    title="all figures",
    variants=(
        "canonical", "no_apl", "no_apl_posthoc", "cross_entropy", "quantile_0.2", "odors_7",
    ),
    mixtures=True,
)  # fmt: skip
FIGURES = (
    "2_core", "3_concentration", "4_abl", "energy", "quantiles", "S1_kc_heat",
    "S2_confusion_matrix", "S3_within_odor_consistency", "S4_threshold_scaling", "consistency",
    "mixtures", "training", "learned_parameters", "thresholds", "gap_conductances",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "data" / "larval_olfaction"


@pytest.fixture(scope="module")
def done(folder, tmp_path_factory):
    """A small run with something for every figure."""
    out = tmp_path_factory.mktemp("page") / "out"
    return run(folder, out, TINY, experiments=[EVERYTHING], formats=("png",))


def test_every_figure_is_there_and_none_is_empty(done):
    files = {path.stem: path for path in (done.out / "figures").iterdir()}
    assert set(files) == set(FIGURES)
    for path in files.values():
        assert path.suffix == ".png"
        assert path.stat().st_size > 8_000, path


def test_figures_have_sizes_that_fit_a_page(done):
    for item in make_figures(done):
        width, height = item.figure.get_size_inches()
        assert 3 <= width <= 11, item.name
        assert 2 <= height <= 7, item.name
        assert hasattr(plot, item.function.removeprefix("cofire.plot.")), item.name


def test_the_readme_maps_every_figure_to_its_function(done):
    section = README.read_text().split("## The olfactory network of a larva")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| `(plot_\w+)` \|$", section, flags=re.M))
    made = {f.name: f.function.removeprefix("cofire.plot.") for f in make_figures(done)}
    assert rows == made


def test_the_page_holds_finding_numbers_and_comparison(done):
    text = (done.out / "report.html").read_text()
    for part in (
        "Spiking networks with the wiring of the larva name 5 odors with an accuracy of",
        "mean ± SD over 2 networks", "published 70.3", "Published values, canonical models",
        "Published values, experiments", "All models", "Agreement of models",
        "Learned parameters", "What was analyzed", "Left out", "Other than published: ",
        "epochs: 300 -&gt; 2", "10.1126/science.add9330", "10.1016/j.neuron.2008.06.010",
        "10.1523/JNEUROSCI.1099-11.2011", "Watts &amp; Webb 2026",
    ):  # fmt: skip
        assert part in text, part
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert text.count("<figure ") == len(FIGURES)


def test_tables_of_the_page_are_files(done):
    table = pd.read_csv(done.out / "tables" / "paper_canonical.csv")
    values = list(done.scores.get("canonical", "accuracy").values())
    row = table[table["metric"] == "accuracy of the decoder (%)"].iloc[0]
    assert row["ours"] == pytest.approx(np.mean(values))
    assert row["n"] == 2
    assert row["published"] == 70.3
    assert set(table["flag"]) <= {"within", "outside", "none stated"}
    outside = pd.read_csv(done.out / "tables" / "paper_outside.csv")
    assert (outside["flag"] == "outside").all()
    assert len(outside) == done.paper.count("outside")
    learned = pd.read_csv(done.out / "tables" / "learned_parameters.csv")
    assert len(learned) == len(done.learned.names)


def test_every_published_metric_has_a_title():
    assert {entry.metric for entry in published_values()} <= set(METRIC_TITLES)


def test_learned_parameters_start_and_end_within_their_bounds(done):
    learned = done.learned
    assert (learned.low <= learned.values * (1 + 1e-6)).all()
    assert (learned.values <= learned.high * (1 + 1e-6)).all()
    at = learned.names.index("antennal_lobe.orn_pn.log_strength")
    assert learned.initial[at] == pytest.approx(3.5e-9)
    assert (learned.low[at], learned.high[at]) == pytest.approx((1e-12, 1e-7))
    assert learned.high[learned.names.index("antennal_lobe.log_g_gap_ln")] == np.inf
    np.testing.assert_allclose(learned.threshold_bounds, [-0.055, -0.030])
    assert learned.thresholds["kc"].shape == (2, 144)
    table = learned.to_frame()
    assert list(table["parameter"]) == list(learned.names)
    back = cf.load(done.out / "results")["learned"]
    np.testing.assert_array_equal(back.values, learned.values)


def test_results_draw_their_figures(done):
    results = (
        done.evaluations["canonical"][42], done.evaluations["canonical"][42].decorrelation,
        done.evaluations["canonical"][42].concentration, done.histories["canonical"][42],
        done.mixtures[42], done.consistency, done.scaling, done.learned,
    )  # fmt: skip
    for result in results:
        figure, _ = result.plot()
        figure.canvas.draw()


def test_one_model_has_an_interval_over_samples(done, folder, tmp_path):
    weights = done.out / "runs" / "canonical" / "seed42" / "weights.pt"
    result = evaluate(folder, tmp_path / "out", TINY, weights=weights, formats=("png",))
    text = finding(result)
    assert text.startswith("A spiking network with the wiring of the larva names 5 odors")
    low, high = map(float, re.search(r"\[([\d.]+), ([\d.]+)\]", text).groups())
    accuracy = 100 * result.evaluations["canonical"][42].accuracy
    assert low < accuracy < high
    page = (tmp_path / "out" / "report.html").read_text()
    assert "given weights, seed 42" in page
    assert "training curves: the weights were given" in page
    assert "other inputs" in page
    made = {path.stem for path in (tmp_path / "out" / "figures").iterdir()}
    assert {"2_core", "S2_confusion_matrix", "learned_parameters"} <= made
    assert not {"training", "4_abl", "consistency"} & made


def test_the_finding_names_the_ablation_that_costs_most(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("cofire.studies.larval_olfaction.page.make_figures", lambda result: [])
    result = ablate(folder, tmp_path / "out", TINY)
    scores = {
        name: np.mean(list(result.scores.get(name, "accuracy").values()))
        for name in ("no_gaps_posthoc", "no_apl_posthoc", "no_std_posthoc")
    }
    worst = min(scores, key=scores.get)
    title = {"no_gaps": "gap junctions", "no_apl": "APL", "no_std": "short-term depression"}
    assert f"{title[worst.removesuffix('_posthoc')]} matters most" in finding(result)
    assert write_page(result) == tmp_path / "out" / "report.html"


def test_a_training_of_another_condition_has_its_own_page(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("cofire.studies.larval_olfaction.page.make_figures", lambda result: [])
    result = train(folder, tmp_path / "out", TINY, conditions=("no_apl",))
    assert result.main == "no_apl"
    assert finding(result).startswith("A spiking network (no APL) with the wiring of the larva")
