"""The function study: what it reads, finds and writes, and that it can be interrupted."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import cofire as cf
from cofire import assemblies as asm
from cofire.datasets.visual_session import FULL_FIELD, MOVIE, WINDOWED
from cofire.errors import FileFormatError, InvalidArgumentError, MissingDataError
from cofire.studies import assemblies_function as study_of
from cofire.studies.assemblies_function import (
    AssembliesFunction,
    FunctionConfig,
    Sources,
    find_trials,
    finding,
    isomap_coordinates,
    matched_ensembles,
    read_stimuli,
    run,
)
from cofire.studies.assemblies_function.figures import make_figures
from cofire.studies.assemblies_function.steps import ordered
from cofire.studies.assemblies_function.stimuli import MovieRows
from cofire.studies.assemblies_function.tables import make_tables

QUICK = {"shuffles": "exact", "steps": 200, "n_clips": 6}
FIGURES = [
    "example_traces", "population_activity", "group_number", "similarity_graph", "scree",
    "correlations", "correlation_distance", "intersections", "intersections_random",
    "assemblies_in_space", "assembly_maps", "spatial", "pairwise_correlations", "gini",
    "oracle_scores", "tuning", "tuning_drifting_gratings_windowed", "oracle_scores_gratings",
    "clip_confusion_random", "clip_confusion_blocked", "trigger_frames",
]  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return cf.datasets.make_visual_session(4, 3, n_repeats=5, n_clips=6, n_trials=3, rng=0)


@pytest.fixture(scope="module")
def study(made):
    found = AssembliesFunction(Sources(recording=made), **QUICK)
    for name in found.step_names:
        found.run_step(name)
    return found


@pytest.fixture
def few_figures(monkeypatch):
    """Leave the rendering of all figures but one out."""

    def first(study):
        yield next(make_figures(study))

    monkeypatch.setattr("cofire.studies.assemblies_function.output.make_figures", first)


# --- what is found --------------------------------------------------------------------------------


def test_the_planted_assemblies_are_found_largest_first(made, study):
    found = study.assemblies
    assert asm.best_match(found, made.recording.assemblies) > 0.9
    assert [len(units) for units in found] == sorted((len(u) for u in found), reverse=True)
    assert study.detection().name == "sgc"


def test_each_assembly_says_what_drives_it(made, study):
    truth = list(made.recording.assemblies)
    tuning = study.gratings().assemblies
    full = tuning.fields.index(FULL_FIELD)
    for k, units in enumerate(study.assemblies):
        planted = int(np.argmax([len(np.intersect1d(units, t)) / len(t) for t in truth]))
        assert tuning.preferred[full, k] == made.orientations[planted]
        # The bar of its clip is the brightest column of its mean frame.
        frame = study.triggers().assemblies.mean[k].mean(axis=0)
        assert int(frame.argmax()) * 6 // len(frame) == made.clips[planted]


def test_assemblies_are_sparser_more_reliable_and_tell_clips_apart_better(study):
    sparsity, repeats = study.sparsity(), study.repeats()
    assert (sparsity.assemblies > sparsity.random).all()
    scores = {name: np.nanmean(s.score) for name, s in repeats.scores.items()}
    assert scores["assemblies"] > scores["random"] > scores["no-assembly cells"]
    assert abs(scores["no-assembly cells"]) < 0.1
    for found in study.decoding().values():
        assert found.assemblies.accuracy_ > max(found.random.accuracy_, 1.5 / 6)


def test_steps_are_the_functions_they_name(made, study):
    raster, sets = study.material.raster, study.assemblies
    traces = asm.coactivity(raster, sets)
    np.testing.assert_array_equal(study.coactivity[0], traces)
    np.testing.assert_array_equal(study.sparsity().assemblies, asm.gini(traces))
    starts = asm.first_frames(
        made.stimuli.loc[made.stimuli["frame"] == 0, "start"], study.material.times
    )
    expected = asm.oracle_score(traces, starts, 24 * 4)
    np.testing.assert_array_equal(study.repeats().scores["assemblies"].score, expected.score)
    drawn = asm.random_ensembles(study.detection().in_source_order, raster.shape[1])
    assert [len(u) for u in study.random] == [len(u) for u in sets]
    assert {tuple(u) for u in study.random} == {tuple(u) for u in drawn}


def test_the_summary_of_gratings_says_which_trials_count(study):
    found = study.gratings()
    table = found.summary().set_index(["field", "assembly"])
    r = found.assemblies.oracle.r
    for field in (FULL_FIELD, WINDOWED):
        rows = r[found.assemblies.field == field]
        for k in range(len(study.assemblies)):
            row = table.loc[(field, f"A{k + 1}")]
            assert row["n_undefined"] == np.isnan(rows[:, k]).sum()
            assert row["mean_r"] == pytest.approx(np.nanmean(rows[:, k]))
            assert np.isnan(row["oracle"]) == (row["n_undefined"] > 0)


def test_the_sentence_has_the_numbers(study):
    text = finding(study)
    assert "Similarity-Graph Clustering found 3 assemblies of 12 to 13 cells" in text
    assert "sparser than that of random ensembles" in text
    assert "Over 5 repeats of the movie they respond more reliably" in text
    assert "chance 17 %" in text


def test_every_panel_and_table_is_there(study):
    figures = list(make_figures(study))
    assert [item.name for item in figures] == FIGURES
    for item in figures:
        assert hasattr(cf.plot, item.function.removeprefix("cofire.plot."))
        assert item.title
        assert item.caption
    tables = {entry.name: entry.table for entry in make_tables(study)}
    assert len(tables["assemblies"]) == 3
    assert len(tables["tuning_trials"]) == 3 * len(study.gratings().trials.starts)
    assert set(tables["tuning_trials"]) == {
        "assembly", "field", "orientation", "trial", "mean", "oracle",
    }  # fmt: skip
    assert len(tables["coactivity"]) == len(study.material.raster)
    assert set(tables["tests"]["question"]) == {
        "pairwise correlation", "Gini", "oracle r, movie", "oracle r, gratings",
    }  # fmt: skip


# --- what goes in ---------------------------------------------------------------------------------


def test_files_give_what_the_objects_give(made, study, tmp_path):
    recording = made.recording
    np.savez(
        tmp_path / "dff.npz", dff=recording.dff, rate=1 / recording.dt,
        positions=recording.positions,
    )  # fmt: skip
    made.stimuli.to_csv(tmp_path / "stimuli.csv", index=False)
    np.save(tmp_path / "movie.npy", made.movie)
    sets = study.assemblies
    np.savez(
        tmp_path / "sets.npz", indices=np.concatenate(sets),
        offsets=np.cumsum([0, *map(len, sets)]), n_neurons=recording.n_units,
    )  # fmt: skip
    sources = Sources(
        recording=tmp_path / "dff.npz",
        stimuli=tmp_path / "stimuli.csv",
        movie=tmp_path / "movie.npy",
        assemblies=tmp_path / "sets.npz",
    )
    other = AssembliesFunction(sources, n_clips=6)
    assert all(other.missing(name) is None for name in other.step_names)
    np.testing.assert_array_equal(other.coactivity[0], study.coactivity[0])
    np.testing.assert_array_equal(
        other.repeats().scores["all cells"].r, study.repeats().scores["all cells"].r
    )
    np.testing.assert_array_equal(
        other.triggers().assemblies.mean, study.triggers().assemblies.mean
    )
    described = sources.describe()
    assert [p["role"] for p in (described, *described["others"])] == [
        "recording", "assemblies", "stimuli", "movie",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["npy", "traces", "session", "saved"])
def test_recordings_in_other_forms_are_the_same(made, study, tmp_path, kind):
    dff, options = made.recording.dff, {}
    if kind == "npy":
        np.save(tmp_path / "dff.npy", dff)
        source, options = tmp_path / "dff.npy", {"rate": 4.0}
    elif kind == "traces":
        source = made.recording.traces
    elif kind == "session":
        source = cf.Session(
            traces={"dff": made.recording.traces, "running": cf.Traces(np.zeros(9), rate=1.0)},
            presentations=made.stimuli,
        )
        options = {"trace": "dff"}
    else:
        cf.save(made.recording.traces, tmp_path / "dff")
        source = tmp_path / "dff.npz"
    other = AssembliesFunction(
        Sources(recording=source, assemblies=made.recording.members), **options
    )
    np.testing.assert_array_equal(other.material.raster, study.material.raster)
    np.testing.assert_array_equal(other.material.times, study.material.times)
    assert other.missing("spatial") == "the units have no positions"
    assert (other.missing("repeats") is None) == (kind == "session")


def test_a_fitted_detector_and_its_stored_form_bring_their_assemblies(made, study, tmp_path):
    model = study.detection().detector
    cf.save(model, tmp_path / "sgc")
    for given in (model, tmp_path / "sgc.npz"):
        other = AssembliesFunction(Sources(recording=made, assemblies=given))
        assert [u.tolist() for u in other.assemblies] == [u.tolist() for u in study.assemblies]


def write_suite2p(folder, dff):
    """Fluorescence whose dF/F, against a low percentile, is about `dff`."""
    folder.mkdir(parents=True)
    np.save(folder / "F.npy", (100 * (1 + dff.T)).astype(np.float32))
    np.save(folder / "Fneu.npy", np.zeros(dff.T.shape, np.float32))
    is_cell = np.ones((dff.shape[1], 2), np.float32)
    is_cell[-1, 0] = 0
    np.save(folder / "iscell.npy", is_cell)


def test_a_suite2p_folder_is_a_recording(made, tmp_path):
    write_suite2p(tmp_path / "s2p" / "plane0", made.recording.dff)
    sources = Sources(recording=tmp_path / "s2p", assemblies=made.recording.assemblies[:1])
    material = AssembliesFunction(sources, rate=4.0).material
    assert material.n_units == made.recording.n_units - 1
    assert material.rate == 4.0
    assert material.taken[0].startswith("dF/F: s2p, F - 0.7 neuropil")
    assert any("ROIs that are no cells" in line for line in material.dropped)
    before = sources.describe()["sha256_names_and_contents"]
    np.save(tmp_path / "s2p" / "plane0" / "Fneu.npy", np.ones((made.recording.n_units, 3)))
    assert sources.describe()["sha256_names_and_contents"] != before


def test_what_cofire_assemblies_found_can_be_analyzed(made, tmp_path):
    truth = made.recording.assemblies
    models = {"sgc": None, "ica-cs": asm.ICA("cs")}
    comparison = asm.compare_detectors(made.recording, detectors=models)
    (tmp_path / "found").mkdir()
    cf.save({"comparison": comparison, "models": {}}, tmp_path / "found" / "results")
    for given in (comparison, tmp_path / "found"):
        study = AssembliesFunction(Sources(recording=made, assemblies=given), detectors="ica-cs")
        expected = sorted(map(len, comparison.assemblies[1]), reverse=True)
        assert [len(units) for units in study.assemblies] == expected
        with pytest.raises(InvalidArgumentError, match="sgc was not run: left out"):
            _ = AssembliesFunction(Sources(recording=made, assemblies=given)).material
        with pytest.raises(InvalidArgumentError, match="has no svd, but sgc, ica-cs"):
            _ = AssembliesFunction(
                Sources(recording=made, assemblies=given), detectors="svd"
            ).material
    cf.save({"other": list(truth)}, tmp_path / "found" / "results")
    with pytest.raises(InvalidArgumentError, match="no results of cofire assemblies"):
        _ = AssembliesFunction(Sources(recording=made, assemblies=tmp_path / "found")).material


def test_files_of_the_matlab_toolbox_bring_recording_and_assemblies(made, tmp_path):
    scipy_io = pytest.importorskip("scipy.io")
    recording = made.recording
    cells = np.empty((len(recording.assemblies), 1), dtype=object)
    for k, units in enumerate(recording.assemblies):
        cells[k, 0] = units[None].astype(float) + 1
    scipy_io.savemat(
        tmp_path / "fish_CALCIUM-FLUORESCENCE.mat",
        {"calcium_fluorescence": {"dF_F": recording.dff}, "parameter": {"dT_step": 0.25}},
    )
    scipy_io.savemat(tmp_path / "fish_SGC-ASSEMBLIES.mat", {"assemblies": cells})
    file = tmp_path / "fish_CALCIUM-FLUORESCENCE.mat"
    study = AssembliesFunction(Sources(recording=file, assemblies=file, stimuli=made.stimuli))
    assert study.material.rate == pytest.approx(4.0)
    assert {tuple(u) for u in study.assemblies} == {tuple(u) for u in recording.assemblies}
    assert study.missing("repeats") is None


def test_a_table_for_each_stimulus_is_the_same_as_one_of_all(made, tmp_path):
    whole = read_stimuli(made.stimuli, FunctionConfig())
    tables = dict(tuple(made.stimuli.groupby("stimulus")))
    columns = {MOVIE: ["start", "end", "frame"]}
    plain = {n: t[columns.get(n, ["start", "end", "orientation"])] for n, t in tables.items()}
    for name, table in plain.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    for source in (plain, tmp_path):
        found = read_stimuli(source, FunctionConfig())
        np.testing.assert_array_equal(found.movie.frames, whole.movie.frames)
        np.testing.assert_array_equal(found.gratings.orientations, whole.gratings.orientations)
        assert set(found.gratings.fields) == {FULL_FIELD, WINDOWED}


def test_without_ends_a_row_lasts_until_the_next():
    table = {"start": [0.0, 0.5, 1.0], "frame": [0, 1, 2]}
    found = read_stimuli(table, FunctionConfig()).movie
    assert found.ends.tolist() == [0.5, 1.0, 1.5]
    assert (found.length, found.repeats.tolist()) == (3, [0.0])


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"begin": [0]}, {}, "no column 'start'"),
        ({"start": [0.0, np.nan], "end": [1, 2]}, {}, "row 1 has no start"),
        ({"start": [5.0], "end": [1.0]}, {}, "row 0 ends at 1 s, before it starts"),
        ({"start": [0, 1], "frame": [0, 0], "stimulus": ["a", "b"]}, {}, r"several .*\(a, b\)"),
        ({"start": [0], "frame": [0]}, {"movie": "b"}, "no 'b' with frame numbers"),
        ({"start": [0], "frame": [0]}, {"gratings": ["g"]}, "no orientations of g"),
    ],
)
def test_stimulus_tables_that_do_not_fit_say_why(table, options, message):
    with pytest.raises((InvalidArgumentError, MissingDataError), match=message):
        read_stimuli(table, FunctionConfig(**options))


def test_what_the_data_do_not_allow_is_said(made):
    recording = made.recording
    study = AssembliesFunction(Sources(recording=recording.dff, assemblies=recording.assemblies))
    for step in ("repeats", "decoding", "triggers"):
        assert study.missing(step) == "the stimuli hold no movie (a table with frame numbers)"
    assert "no gratings" in study.missing("gratings")
    with pytest.raises(MissingDataError, match="repeats: the stimuli hold no movie"):
        study.repeats()
    timeless = AssembliesFunction(
        Sources(recording=recording.dff, assemblies=recording.assemblies, stimuli=made.stimuli)
    )
    assert timeless.missing("repeats") == "the recording has no clock (rate or frame_times)"
    nothing = AssembliesFunction(Sources(recording=made, assemblies=[]))
    assert nothing.missing("pairs") == "there are no assemblies"
    assert nothing.missing("structure") is None
    off = AssembliesFunction(Sources(recording=made, assemblies=recording.assemblies), splits=())
    assert off.missing("decoding") == "turned off (splits is empty)"


def test_recordings_that_cannot_be_used_say_why(made, tmp_path):
    dff = made.recording.dff
    (tmp_path / "bad.npy").write_bytes(b"no array")
    np.savez(tmp_path / "two.npz", a=dff, b=dff)
    cases = [
        (Sources(recording=tmp_path / "none.npy"), MissingDataError, "does not exist"),
        (Sources(recording=tmp_path / "bad.npy"), FileFormatError, "no readable NumPy file"),
        (Sources(recording=tmp_path / "two.npz"), MissingDataError, "no array dff; arrays: a, b"),
        (Sources(recording=dff[0]), InvalidArgumentError, "shape"),
        (Sources(recording=dff, positions=np.zeros((3, 2))), InvalidArgumentError, "for each of"),
        (Sources(recording=dff, frame_times=[0.0, 1.0]), InvalidArgumentError, "a time for each"),
        (Sources(recording=dff, assemblies=[[99]]), InvalidArgumentError, "has unit 99"),
        (Sources(recording=cf.Session()), MissingDataError, "name the traces"),
    ]
    for sources, kind, message in cases:
        with pytest.raises(kind, match=message):
            _ = AssembliesFunction(sources).material
    with pytest.raises(InvalidArgumentError, match="recording: dF/F is needed"):
        Sources(recording=None)


def test_settings_that_do_not_exist_or_fit_say_why(tmp_path):
    with pytest.raises(InvalidArgumentError, match="did you mean 'affinity'"):
        FunctionConfig.from_mapping({"afinity": 0.2})
    for options, message in (
        ({"detectors": "sgc,magic"}, "detectors must be out of"),
        ({"splits": ["half"]}, "splits must be one of"),
        ({"trigger_height": 2}, r"trigger_height must lie in \[0, 1\]"),
        ({"n_clips": 1}, "n_clips must be at least 2"),
        ({"rate": 0}, "rate must be positive"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            FunctionConfig(**options)
    file = tmp_path / "settings.toml"
    file.write_text('[assemblies_function]\ndetectors = "sgc,ica"\nK0 = "small"\n')
    config = FunctionConfig.from_toml(file, affinity=0.3)
    assert config.detectors == ("sgc", "ica-mp")
    assert (config.K0, config.affinity) == ("small", 0.3)


def test_missing_frames_and_trials_across_them_are_counted(made):
    recording = made.recording
    dff = recording.dff.copy()
    dff[40, 3] = np.nan
    sources = Sources(
        recording=cf.Traces(dff, rate=4.0), assemblies=[*recording.assemblies, []],
        stimuli=made.stimuli,
    )  # fmt: skip
    study = AssembliesFunction(sources)
    assert "1 of 1,200 frames with NaN" in study.material.dropped
    assert "assemblies without units: 1" in study.material.dropped
    assert len(study.repeats().trials.starts) == 4
    assert "repeats of the movie across frames with NaN: 1" in study.trials_dropped()


def test_several_detectors_are_compared_and_the_first_is_analyzed(made):
    study = AssembliesFunction(
        Sources(recording=made), detectors="ica-cs,sgc", shuffles="exact", steps=50
    )
    found = study.detection()
    assert found.name == "ica-cs"
    assert found.comparison.detectors == ("ica-cs", "sgc")
    assert "threads" not in " ".join(found.comparison.parameters)
    names = [item.name for item in make_figures(study)]
    assert names[:2] == ["example_traces", "detectors"]
    assert "detectors" in {entry.name for entry in make_tables(study)}


# --- steps ----------------------------------------------------------------------------------------


def test_trials_that_leave_the_recording_or_cross_a_gap_or_stand_alone_are_counted():
    times = np.arange(100) / 10
    found = find_trials([-5.0, 0.0, 2.0, 4.0, 9.5], times, 10, gaps=[25], conditions=list("aabac"))
    assert found.starts.tolist() == [0, 40]
    assert found.kept.tolist() == [1, 3]
    assert (found.n_outside, found.n_gaps, found.n_single, found.n_dropped) == (2, 1, 0, 3)
    alone = find_trials([0.0, 2.0], times, 10, conditions=["a", "b"])
    assert alone.n_single == 2


def test_repeats_are_as_long_as_the_shortest():
    frames = np.tile(np.arange(10), 3)
    starts = np.concatenate([np.arange(10) * 0.2 + begin for begin in (0, 3, 6)])
    movie = MovieRows("m", starts, starts + 0.2, frames, 10)
    np.testing.assert_allclose(movie.seconds, 2.0)
    found = study_of.movie_trials(movie, np.arange(90) / 10)
    assert found.n_frames == 20
    assert found.starts.tolist() == [0, 30, 60]


def test_an_embedding_keeps_the_distances_of_points_on_a_line():
    rng = np.random.default_rng(0)
    place = np.sort(rng.random(40))
    r = np.exp(-((place[:, None] - place) ** 2) / 0.02)
    points = isomap_coordinates(r, n_dimensions=3, n_neighbors=4)
    order = np.argsort(points[:, 0])
    assert abs(np.corrcoef(np.argsort(order), np.arange(40))[0, 1]) > 0.99
    assert isomap_coordinates(np.eye(3), n_dimensions=50, n_neighbors=5).shape[0] == 3
    with pytest.raises(InvalidArgumentError, match="two units"):
        isomap_coordinates(np.eye(1))


def test_an_embedding_is_scikit_learns_where_that_accepts_it():
    from sklearn.manifold import Isomap

    r = np.corrcoef(np.random.default_rng(1).normal(size=(30, 60)))
    expected = Isomap(n_neighbors=5, n_components=2, eigen_solver="dense").fit_transform(r)
    found = isomap_coordinates(r, n_dimensions=2)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-8)


def test_published_random_ensembles_come_out_of_the_assemblies_in_their_order(shared):
    def sets_of(name):
        with np.load(shared / "data" / "v1dd" / name) as file:
            order = file["detector_order"] if "detector_order" in file.files else None
            return np.split(file["indices"], file["offsets"][1:-1]), order

    (sets, order), (published, _) = (
        sets_of("assemblies_scan13.npz"),
        sets_of("random_ensembles_scan13.npz"),
    )
    detection = ordered([sets[k] for k in np.argsort(order)])
    assert [len(units) for units in detection.assemblies[:3]] == [1016, 542, 328]
    for found, expected in zip(matched_ensembles(detection, 2708), published, strict=True):
        np.testing.assert_array_equal(found, np.sort(expected))


# --- the made session -----------------------------------------------------------------------------


def test_the_made_session_is_what_it_says(made):
    assert len(made.movie) == 6 * made.clip_length
    assert made.recording.events.shape == (len(made.recording.dff), 3)
    again = cf.datasets.make_visual_session(4, 3, n_repeats=5, n_clips=6, n_trials=3, rng=0)
    np.testing.assert_array_equal(again.recording.dff, made.recording.dff)
    pd.testing.assert_frame_equal(again.stimuli, made.stimuli)
    with pytest.raises(InvalidArgumentError, match="reliability is a probability"):
        cf.datasets.make_visual_session(3, 1, reliability=2)


def test_given_events_are_when_assemblies_are_on():
    events = np.zeros((40, 2), dtype=bool)
    events[10] = True
    made = cf.datasets.make_calcium_recording(4, 2, 20.0, events=events, rng=0)
    np.testing.assert_array_equal(made.events, events)
    with pytest.raises(InvalidArgumentError, match=r"bool of shape \(40, 2\)"):
        cf.datasets.make_calcium_recording(4, 2, 20.0, events=events[1:], rng=0)


# --- the folder -----------------------------------------------------------------------------------


def job(made):
    return Sources(recording=made), FunctionConfig(**QUICK, splits=("blocked",))


@pytest.fixture(scope="module")
def finished(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("function") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "cofire.studies.assemblies_function.output.make_figures",
            lambda study: [next(make_figures(study))],
        )
        result = run(job(made)[0], out, job(made)[1], formats=("png",))
    return result, out


def test_a_run_leaves_the_folder_of_the_specification(finished):
    result, out = finished
    assert not result.failures
    assert set(result.study._done) == set(result.study.step_names)
    names = {path.name for path in out.iterdir()}
    assert names >= {
        "report.html", "tables", "figures", "results.npz", "results.json", "provenance.json",
        "log.txt",
    }  # fmt: skip
    assert not list((out / "steps").glob("chains*"))
    page = (out / "report.html").read_text()
    assert finding(result.study)[:60] in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["complete"]
    assert provenance["study"] == "assemblies_function"


def test_results_are_loaded_as_they_were(finished):
    result, out = finished
    loaded = cf.load(out / "results")
    assert set(loaded) == set(result.study._done)
    np.testing.assert_array_equal(
        loaded["repeats"].scores["assemblies"].r, result.study.repeats().scores["assemblies"].r
    )
    np.testing.assert_array_equal(
        loaded["detection"].assemblies[0], result.study.detection().assemblies[0]
    )
    decoder = loaded["decoding"]["blocked"].assemblies
    assert decoder.accuracy_ == result.study.decoding()["blocked"].assemblies.accuracy_


def test_the_same_run_again_does_nothing_and_another_is_refused(made, finished):
    sources, config = job(made)
    _, out = finished
    written = (out / "report.html").stat().st_mtime_ns
    again = run(sources, out, config, formats=("png",))
    assert len(again.resumed) == len(again.study._done)
    assert (out / "report.html").stat().st_mtime_ns == written
    with pytest.raises(InvalidArgumentError, match=r"affinity: 0\.2 -> 0\.3"):
        run(sources, out, FunctionConfig(**QUICK, splits=("blocked",), affinity=0.3))


def test_an_interrupted_run_ends_with_the_same_bytes(
    made, finished, tmp_path, monkeypatch, few_figures
):
    def interrupt(self):
        raise KeyboardInterrupt

    sources, config = job(made)
    _, whole = finished
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(AssembliesFunction, "pairs", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(sources, out, config, formats=("png",))
    assert (out / "steps" / "detection").is_dir()
    assert not (out / "results.npz").exists()
    run(sources, out, config, formats=("png",), threads=2)
    for name in ("results.npz", "results.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_a_recording_without_assemblies_gives_a_report_that_says_so(tmp_path, few_figures):
    noise = np.random.default_rng(0).normal(0, 1, (400, 20))
    result = run(
        Sources(recording=noise),
        tmp_path / "out",
        FunctionConfig(shuffles="exact", steps=20, rate=4.0, p=1e-9),
        formats=("png",),
    )
    assert result.study.assemblies == ()
    assert not result.failures
    assert "no assembly in 20 cells" in (tmp_path / "out" / "report.html").read_text()


def test_a_failed_detection_is_named_and_what_needs_none_is_done(
    made, tmp_path, monkeypatch, few_figures
):
    def fail(self):
        raise InvalidArgumentError("sgc: too few frames")

    monkeypatch.setattr(AssembliesFunction, "detection", fail)
    monkeypatch.setattr("cofire.studies.assemblies_function.output.make_figures", lambda study: [])
    result = run(job(made)[0], tmp_path / "out", job(made)[1], formats=("png",))
    assert result.failures == (("detection", "sgc: too few frames"),)
    assert set(result.study._done) == {"structure", "distances"}
    assert "No assemblies could be looked for" in (tmp_path / "out" / "report.html").read_text()
