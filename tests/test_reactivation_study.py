"""The reactivation study finds what was planted, step by step and as one job."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.studies.reactivation import (
    AssemblyReact,
    Reactivation,
    ReactivationConfig,
    pairwise_correlations,
    reactivation_effect,
    resolve_intervals,
    run,
    select,
)

FAST = {"sweep_shuffles": (20,), "sweep_percentiles": (95.0,), "n_shuffles": 20, "ev_window": 60.0}


@pytest.fixture(scope="module")
def made():
    return cf.datasets.make_assembly_recording(
        40, (300.0, 200.0, 300.0), n_assemblies=3, n_cross=1, gain=(1.0, 5.0, 5.0), rng=3
    )


@pytest.fixture(scope="module")
def study(made):
    done = Reactivation(made.session, **FAST, groups="region")
    done.run()
    return done


def jaccard(found, planted):
    a, b = planted.astype(float), found.astype(float)
    common = a @ b.T
    return common / (a.sum(1)[:, None] + b.sum(1)[None, :] - common)


def test_planted_assemblies_are_found(study, made):
    assert study.n_assemblies == 3
    assert (jaccard(study.members, made.members).max(axis=1) > 0.8).all()


def test_reactivated_assemblies_rise_and_the_control_does_not(study, made):
    match = jaccard(study.members, made.members).argmax(axis=1)
    effect = study.effect()
    assert (effect.low[match[1:]] > 0).all()
    assert effect.low[match[0]] < 0 < effect.high[match[0]]
    assert effect.mean == pytest.approx(effect.difference.mean())


def test_response_peaks_at_the_events(study):
    response = study.response()
    curve = response.curve("post").mean(axis=1)
    assert 0.0 <= response.lags[np.argmax(curve)] < 0.15
    assert np.isnan(response.curve("task")).all() == (response.n_events[1] == 0)


def test_explained_variance_exceeds_its_reverse(study):
    result = study.explained_variance()
    assert result.ev[0] > 2 * result.rev[0]


def test_cross_structural_detection_finds_the_assembly_of_two_regions(study, made):
    members = cf.assemblies.find_members(study.detect_cross().patterns_)
    assert jaccard(members, made.members)[2].max() > 0.5


def test_strongest_activations_are_maxima_in_post(study):
    strongest, traces = study.strongest(), study.activation()
    post = study.selection.phases["post"]
    inside = post.contains(traces.times)
    for k, time, value in zip(strongest.assembly, strongest.time, strongest.strength, strict=True):
        assert post.contains([time]).all()
        assert value == traces.values[inside, k].max()


def test_pairwise_correlations_equal_numpy(made):
    spikes = made.session.spikes
    result = pairwise_correlations(spikes, {"all": cf.Intervals([[0.0, 100.0]])}, 0.1)
    counts = cf.bin_spikes(spikes, 0.1, support=[[0.0, 100.0]]).counts
    active = counts.any(axis=1)
    np.testing.assert_allclose(
        result.r[0][np.ix_(active, active)], np.corrcoef(counts[active]), atol=1e-12
    )
    assert np.isnan(result.r[0][~active]).all()


def test_effect_is_welch():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(0)
    pre, post = rng.normal(0, 1, (30, 2)), rng.normal(0.5, 2, (50, 2))
    post[3] = np.nan
    effect = reactivation_effect(pre, post)
    for k in range(2):
        expected = ttest_ind(post[:, k], pre[:, k], equal_var=False, nan_policy="omit")
        interval = expected.confidence_interval()
        assert effect.p[k] == pytest.approx(expected.pvalue)
        assert (effect.low[k], effect.high[k]) == pytest.approx(tuple(interval))


def test_effect_without_events_is_nan():
    effect = reactivation_effect(np.zeros((0, 2)), np.ones((1, 2)))
    assert np.isnan(effect.low).all()
    assert np.isnan(effect.mean)


def test_results_do_not_depend_on_threads(study, made):
    other = Reactivation(made.session, **FAST, groups="region", threads=2)
    np.testing.assert_array_equal(study.response().mean, other.response().mean)
    np.testing.assert_array_equal(study.patterns, other.patterns)


def test_parts_may_be_added_one_by_one(study, made):
    session = made.session
    rows = session.epochs[["start", "stop"]].to_numpy()
    other = (
        Reactivation(**FAST)
        .add_spikes(session.spikes)
        .add_epochs(pre=rows[0], task=rows[1], post=rows[2])
        .add_states(THETA=session.states["THETA"], NREM=session.states["NREM"])
        .add_events(session.events["ripples"])
    )
    np.testing.assert_array_equal(other.response().mean, study.response().mean)


def test_adding_to_a_study_leaves_the_session_alone(made):
    before = dict(made.session.events)
    Reactivation(made.session).add_events([1.0, 2.0], "other")
    assert made.session.events == before


def test_saved_steps_are_loaded_again(study, made, tmp_path):
    study.save(tmp_path)
    other = Reactivation(made.session, **FAST, groups="region").load(tmp_path)
    np.testing.assert_array_equal(other.effect().difference, study.effect().difference)
    np.testing.assert_array_equal(other.patterns, study.patterns)


# --- selection ------------------------------------------------------------------------------------


def test_selection_says_what_it_took(made):
    chosen = select(made.session, ReactivationConfig(units="region == 'CA1'"))
    assert chosen.spikes.n_units == 20
    assert any("20 of 40 units" in line for line in chosen.dropped)
    assert any("THETA" in line for line in chosen.taken)
    nrem = made.session.states["NREM"]
    assert all(nrem.contains(chosen.events[p].starts).all() for p in ("pre", "post"))


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("epochs", 1),
        ("epochs:environment=sleep", 2),
        ("epochs:name=pre,name=post", 2),
        ("epochs:name=pre,post", 2),
        ("linear", 1),
    ],
)
def test_selection_grammar(made, text, n):
    found = resolve_intervals(made.session, text, "task")
    assert found.is_disjoint
    assert n is None or len(found) == n


def test_csv_files_are_read(made, tmp_path):
    (tmp_path / "a.csv").write_text("start,stop\n1,2\n5,7.5\n")
    (tmp_path / "t.csv").write_text("time\n3\n1\n")
    found = resolve_intervals(made.session, str(tmp_path / "a.csv"), "task")
    assert found.data.tolist() == [[1.0, 2.0], [5.0, 7.5]]
    times = resolve_intervals(
        made.session, str(tmp_path / "t.csv"), "events", merge=False, instants=True
    )
    assert times.starts.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", r"no table 'nothing'; the recording has states: NREM"),
        ("epochs:colour=red", r"no column 'colour'; columns: name"),
        ("epochs:name=red", r"no row of 'epochs' has name = 'red'; it has post, pre, task"),
        ("name=pre", r"names no table"),
        ("absent.csv", r"absent.csv does not exist"),
    ],
)
def test_wrong_selections_are_explained(made, text, message):
    with pytest.raises((MissingDataError, InvalidArgumentError), match=message):
        resolve_intervals(made.session, text, "task")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("start,stop\n1,5\n4,6\n", r"overlapping intervals: one ends at 5 s, the next starts at 4"),
        ("a,b\n1,2\n", r"needs columns start and stop \(s\), or time; it has a, b"),
        ("time\n1\n", r"has times but no start and stop"),
        ("start,stop\n1,nan\n", r"x.csv.*interval 0 is NaN"),
        ("start,stop\n", r"has a header and no rows"),
    ],
)
def test_wrong_csv_files_are_explained(made, tmp_path, content, message):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(cf.CofireError, match=message):
        resolve_intervals(made.session, str(tmp_path / "x.csv"), "task")


def test_overlapping_phases_are_refused(made):
    with pytest.raises(InvalidArgumentError, match="pre and task overlap"):
        select(made.session, ReactivationConfig(pre="epochs", task="epochs:name=task"))


def test_missing_parts_are_named_not_invented():
    spikes = [np.sort(np.random.default_rng(i).uniform(0, 100, 300)) for i in range(4)]
    study = Reactivation(spikes)
    assert set(study.selection.phases) == {"task"}
    assert study.missing("response") == "no events"
    assert any("peri-event" in line for line in study.selection.dropped)
    with pytest.raises(MissingDataError, match="no events"):
        study.response()
    assert study.pairwise().r.shape == (1, 4, 4)


def test_an_empty_recording_is_refused():
    with pytest.raises(MissingDataError, match="holds no unit"):
        Reactivation().detect()


# --- config ---------------------------------------------------------------------------------------


def test_config_is_read_from_toml(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("[reactivation]\ndetection_bin = 0.05\nwindow = [-0.2, 0.4]\n")
    config = ReactivationConfig.from_toml(file, seed=4)
    assert (config.detection_bin, config.window, config.seed) == (0.05, (-0.2, 0.4), 4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"detecton_bin": 1}, "did you mean 'detection_bin'"),
        ({"detection_bin": -1}, "detection_bin must be positive"),
        ({"detection_bin": 0.001}, "at least 0.002"),
        ({"null": "none"}, "null must be one of"),
        ({"percentile": 100}, "percentile must lie in"),
        ({"window": (1, 0)}, "window must satisfy"),
    ],
)
def test_wrong_settings_are_explained(values, message):
    with pytest.raises(InvalidArgumentError, match=message):
        ReactivationConfig.from_mapping(values)


# --- run ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    return run(made.session, out, ReactivationConfig(**FAST, groups="region"), formats=("png",))


def test_run_writes_the_whole_folder(finished):
    out = finished.out
    assert not finished.failures
    for name in ("report.html", "results.npz", "results.json", "provenance.json", "log.txt"):
        assert (out / name).stat().st_size > 0
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["complete"]
    assert provenance["parameters"]["groups"] == "region"
    results = cf.load(out / "results")
    np.testing.assert_array_equal(results["patterns"], finished.study.patterns)
    for name in ("assemblies", "reactivation", "pairwise_correlations"):
        table = pd.read_csv(out / "tables" / f"{name}.csv")
        pd.testing.assert_frame_equal(
            table, pd.read_parquet(out / "tables" / f"{name}.parquet"), check_dtype=False
        )


def test_a_run_is_resumed_and_ends_the_same(finished, made, no_figures):
    before = cf.load(finished.out / "results")
    shutil.rmtree(finished.out / "steps" / "effect")
    again = run(
        made.session, finished.out, ReactivationConfig(**FAST, groups="region"), formats=("png",)
    )
    assert "detection" in again.resumed
    assert "effect" not in again.resumed
    after = cf.load(finished.out / "results")
    np.testing.assert_array_equal(before["effect"].difference, after["effect"].difference)
    np.testing.assert_array_equal(before["response"].mean, after["response"].mean)


def test_other_parameters_are_refused_with_the_difference(finished, made):
    with pytest.raises(InvalidArgumentError, match=r"seed: 0 -> 7.*--overwrite"):
        run(made.session, finished.out, ReactivationConfig(**FAST, groups="region", seed=7))


def test_a_foreign_folder_is_refused(made, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidArgumentError, match="holds no cofire run"):
        run(made.session, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_failed_step_is_recorded_and_the_rest_goes_on(made, tmp_path, monkeypatch, no_figures):
    def broken(self):
        raise InvalidArgumentError("no luck")

    monkeypatch.setattr(Reactivation, "joint", broken)
    config = ReactivationConfig(sweep_shuffles=(), ev_window=1000.0)
    result = run(made.session, tmp_path / "out", config, formats=("png",))
    assert result.failures == (("joint", "no luck"),)
    assert "joint failed: no luck" in (tmp_path / "out" / "report.html").read_text()


def test_finding_no_assembly_is_an_answer(tmp_path):
    rng = np.random.default_rng(0)
    spikes = [np.sort(rng.uniform(0, 200, 400)) for _ in range(6)]
    study = Reactivation(spikes, null="circ", n_shuffles=50, sweep_shuffles=())
    study.add_events(rng.uniform(1, 199, 100))
    page = study.report(tmp_path / "out", formats=("png",)).read_text()
    assert study.n_assemblies == 0
    assert "No cell assembly was found in 6 units" in page
    assert (tmp_path / "out" / "tables" / "pairwise_correlations.csv").is_file()
    assert (tmp_path / "out" / "tables" / "peri_event_rates.csv").is_file()
    assert study.plot() == (None, None)


# --- AssemblyReact --------------------------------------------------------------------------------


def test_tutorial_calls_run_with_objects_shaped_like_nelpy(made):
    def epoch_array(intervals):
        return SimpleNamespace(data=intervals.data, n_epochs=len(intervals))

    session = made.session
    trains = SimpleNamespace(
        data=session.spikes.to_list(),
        series_ids=session.spikes.unit_ids,
        support=epoch_array(session.spikes.support),
    )
    react = AssemblyReact(z_mat_dt=0.01)
    assert repr(react) == "<AssemblyReact: empty>"
    assert react.isempty
    react.add_st(trains)
    react.add_ripples(epoch_array(session.events["ripples"]))
    react.add_epoch_df(session.epochs)
    theta = epoch_array(session.states["THETA"])
    react.get_weights(react.epochs[1] & theta)
    assert repr(react) == "<AssemblyReact: 40 units, 3 assemblies> of length 13:20:000 minutes"
    activity = react.get_assembly_act()
    assert activity.data.shape == (3, 80_000)
    assert activity.abscissa_vals[0] == pytest.approx(0.005)
    members, valid = react.find_members()
    assert members.shape == (3, 40)
    assert valid.all()
    _figure, axes = react.plot()
    assert axes.shape == (3,)
    pre = (react.ripples & epoch_array(session.states["NREM"]))[react.epochs[0]]
    assert len(pre.starts) > 20
    copied = react.copy()
    copied.patterns[:] = 0
    assert react.patterns.any()


def test_reference_defects_of_the_class_are_gone(made):
    react = AssemblyReact()
    assert react.n_assemblies() == 0
    with pytest.raises(MissingDataError, match="add_st"):
        react.get_weights()
    react.add_st(made.session.spikes)
    assert react.get_assembly_act().isempty
    assert react.find_members()[0].shape == (0, 40)
    assert react.plot() == (None, None)
    with pytest.raises(InvalidArgumentError, match="weight_dt must be at least"):
        AssemblyReact(weight_dt=0.0015)


def test_alias_reproduces_the_golden_patterns(golden_session, golden):
    inputs = golden("assembly")
    bins = 0.025 if golden_session.case == "pub1" else 0.05
    react = AssemblyReact(weight_dt=bins, z_mat_dt=0.01)
    react.add_st(golden_session.spikes)
    react.get_weights(golden_session.detection)
    expected = inputs["patterns_ica_mp"]
    assert react.patterns.shape == expected.shape
    cosines = np.abs(np.einsum("ij,ij->i", react.patterns, expected))
    assert (cosines > 1 - 1e-6).all()
    zmat = golden("zmat")
    z, centers = react.get_z_mat(golden_session.spikes.restrict(golden_session.detection))
    np.testing.assert_allclose(centers[:400], zmat["gap_t"][:400], atol=1e-9)
    np.testing.assert_allclose(z[:, :400], zmat["gap_z_first400"], rtol=1e-9, atol=1e-9)
    activity = react.get_assembly_act(golden_session.detection)
    gold = golden("activity")
    np.testing.assert_allclose(activity.abscissa_vals[:2000], gold["gap_t_first"], atol=1e-9)
    np.testing.assert_allclose(activity.support.data, gold["gap_support"], rtol=1e-12)
    assert activity.fs == gold["fs"]


def test_restricting_keeps_units_and_takes_the_epoch(made):
    react = AssemblyReact()
    react.add_st(made.session.spikes)
    react.add_ripples(made.session.events["ripples"])
    react.add_epoch_df(made.session.epochs)
    react.restrict_epochs_to_pre_task_post()
    assert len(react.epochs) == 3
    task = react.epochs[1]
    react.restrict_to_epoch(task)
    assert len(react.st) == made.session.spikes.n_units
    assert react.st.times.min() >= task.starts[0]
    assert react.st.times.max() < task.stops[0]
