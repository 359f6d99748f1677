"""``cofire assemblies``: what it reads, prints and writes, its exit codes, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
from typer.testing import CliRunner

import cofire as cf
from cofire.cli import app
from cofire.errors import InvalidArgumentError, InvalidTypeError, MissingDataError
from cofire.studies.calcium_assemblies import CalciumConfig, read_calcium, run

runner = CliRunner()


def call(*arguments):
    return runner.invoke(app, ["assemblies", *(str(a) for a in arguments)])


@pytest.fixture(scope="module")
def made():
    return cf.datasets.make_calcium_recording(4, 2, 600.0, rng=1)


@pytest.fixture
def no_figures(monkeypatch):
    name = "cofire.studies.calcium_assemblies.output.make_figures"
    monkeypatch.setattr(name, lambda *a: [])


def write_suite2p(folder, made):
    """Fluorescence whose dF/F is about that of the recording; one ROI is no cell."""
    folder.mkdir(parents=True)
    f = np.concatenate([100 * (1 + made.dff.T), np.ones((1, len(made.dff)))]).astype(np.float32)
    np.save(folder / "F.npy", f)
    np.save(folder / "Fneu.npy", np.zeros_like(f))
    is_cell = np.ones((len(f), 2))
    is_cell[-1] = 0
    np.save(folder / "iscell.npy", is_cell)
    np.save(folder / "ops.npy", {"fs": 2.0}, allow_pickle=True)
    stat = [{"med": tuple(p), "npix": 30} for p in [*made.positions, (0, 0)]]
    np.save(folder / "stat.npy", np.array(stat, dtype=object), allow_pickle=True)
    return folder


def write_nwb(path, series):
    """series: {place below /processing/ophys: dF/F}."""
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.7.0"
        for place, values in series.items():
            group = file.create_group(f"processing/ophys/{place}")
            group.create_dataset("data", data=values)
            group.create_dataset("rois", data=np.arange(values.shape[1]))
            group.create_dataset("starting_time", data=0.0).attrs["rate"] = 2.0
    return path


def test_it_says_what_it_took_and_found_and_resumes(made, tmp_path, no_figures):
    cf.save(made, tmp_path / "made")
    arguments = [tmp_path / "made.npz", "--detectors", "ica-cs,promax-cs", "--out",
                 tmp_path / "out", "--formats", "png"]  # fmt: skip
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert "Recording: 61 units, 1,200 frames (10.0 min at 2 Hz)." in result.output
    assert "Planted assemblies: 2." in result.output
    assert "BestMatch" in result.output
    assert f"Report: {tmp_path / 'out' / 'report.html'}" in result.output
    for name in ("detectors", "agreement", "assemblies", "members"):
        assert (tmp_path / "out" / "tables" / f"{name}.csv").is_file()
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert provenance["complete"]
    assert provenance["parameters"]["detectors"] == ["ica-cs", "promax-cs"]
    again = call(*arguments)
    assert again.exit_code == 0
    assert "Resumed: ica-cs, promax-cs had been run before." in again.output
    refused = call(*arguments, "-q", "--seed", "1")
    assert refused.exit_code == 2
    assert "seed: 0 -> 1" in refused.output
    assert refused.output.count("\n") == 1
    assert call(*arguments, "-q", "--seed", "1", "--overwrite").exit_code == 0
    assert len(list(tmp_path.glob("out.old-*"))) == 1


def test_results_are_those_of_compare_detectors(made, tmp_path, no_figures):
    result = run(made, tmp_path / "out", CalciumConfig(detectors="ica-cs,promax-cs"), threads=1)
    direct = cf.assemblies.compare_detectors(made, detectors="ica-cs,promax-cs")
    stored = cf.load(tmp_path / "out" / "results")["comparison"]
    for found in (result.comparison, stored):
        assert found.detectors == direct.detectors
        assert found.parameters == direct.parameters
        assert (found.n_units, found.n_frames) == (direct.n_units, direct.n_frames)
        for mine, theirs in zip(found.assemblies, direct.assemblies, strict=True):
            assert [u.tolist() for u in mine] == [u.tolist() for u in theirs]
        np.testing.assert_array_equal(found.score, direct.score)
    members = pd.read_csv(tmp_path / "out" / "tables" / "members.csv")
    assert len(members) == len(direct.members_frame())


def test_sgc_leaves_figures_and_its_state(made, tmp_path):
    result = run(made, tmp_path / "out", CalciumConfig(detectors="sgc", steps=30, rounds=2),
                 formats=["png"], threads=1)  # fmt: skip
    figures = {path.stem for path in (tmp_path / "out" / "figures").iterdir()}
    assert {"detectors", "sgc_coactivity", "sgc_k_posterior"} <= figures
    page = (tmp_path / "out" / "report.html").read_text()
    assert "10.1103/PhysRevLett.117.078301" in page
    assert "plot.plot_k_posterior" in page
    model = cf.load(tmp_path / "out" / "results")["models"]["sgc"]
    direct = cf.assemblies.SGC(steps=30, rounds=2).fit(made.dff)
    np.testing.assert_array_equal(model.k_posterior_, direct.k_posterior_)
    assert (model.threads, model.checkpoint, model.progress) == (None, None, None)
    assert result.comparison.parameters == ("SGC(rounds=2, steps=30)",)
    assert not (tmp_path / "out" / "chains").exists()


def test_a_detector_that_cannot_be_run_is_a_failure_and_tried_again(tmp_path, no_figures):
    dff = np.random.default_rng(0).normal(0, 1, (20, 30))
    np.save(tmp_path / "short.npy", dff)
    arguments = [tmp_path / "short.npy", "--detectors", "ica,svd", "--out", tmp_path / "out"]
    result = call(*arguments)
    assert result.exit_code == 1
    assert "failed: ica-mp: " in result.output
    assert "No frame rate is known" in result.output
    assert "use --transpose" in result.output
    assert (tmp_path / "out" / "report.html").is_file()
    assert not (tmp_path / "out" / "steps" / "ica-mp").exists()
    assert call(*arguments).exit_code == 1


def test_every_kind_of_recording_gives_the_same_signals(made, tmp_path):
    dff = made.dff
    np.save(tmp_path / "a.npy", dff.T)
    np.savez(tmp_path / "b.npz", dff=dff, other=dff[:, :3], fs=2.0)
    write_nwb(tmp_path / "c.nwb", {"DfOverF/RoiResponseSeries": dff,
                                   "Fluorescence/RoiResponseSeries": dff + 9})  # fmt: skip
    cf.save(made, tmp_path / "d")
    cf.save(made.traces, tmp_path / "e")
    cf.save(cf.Session(traces={"dff": made.traces}), tmp_path / "f")
    config = CalciumConfig(rate=2.0)
    taken = [
        read_calcium(tmp_path / "a.npy", CalciumConfig(rate=2.0, transpose=True)),
        read_calcium(tmp_path / "b.npz"),
        read_calcium(tmp_path / "c.nwb"),
        *(read_calcium(tmp_path / f"{name}.npz") for name in "def"),
        read_calcium(tmp_path / "d"),
        read_calcium(made),
        read_calcium(dff, config),
    ]
    for material in taken:
        np.testing.assert_array_equal(material.dff, dff)
        assert material.rate == 2.0
        assert len(material.unit_ids) == 61
    assert [m.truth is not None for m in taken] == [0, 0, 0, 1, 0, 0, 1, 1, 0]


def test_suite2p_folders_are_read_with_their_options(made, tmp_path, no_figures):
    folder = write_suite2p(tmp_path / "suite2p" / "plane0", made).parent
    arguments = [folder, "--out", tmp_path / "out", "--detectors", "promax-cs"]
    refused = call(*arguments)
    assert refused.exit_code == 2
    assert "pass rate" in refused.output
    assert not (tmp_path / "out").exists()
    result = call(*arguments, "--rate", "2")
    assert result.exit_code == 0, result.output
    assert "Left out: 1 of 62 ROIs that are no cells." in result.output
    assert "F - 0.7 neuropil against its percentile 8 in 60 s." in result.output
    members = pd.read_csv(tmp_path / "out" / "tables" / "members.csv")
    assert set(members["unit_id"]) <= {f"plane0_roi_{i:04d}" for i in range(61)}
    trusted = read_calcium(folder, CalciumConfig(trusted=True))
    assert trusted.rate == 2.0
    np.testing.assert_allclose(trusted.positions[:, ::-1], made.positions)
    everything = read_calcium(folder, CalciumConfig(rate=2.0, cells=False, planes=(0,)))
    assert everything.dff.shape == (1200, 62)


def test_files_of_the_matlab_toolbox_are_read(made, tmp_path):
    content = {"calcium_fluorescence": {"dF_F": made.dff}, "topology": made.positions,
               "parameter": {"units": 61, "dT_step": 0.5}}  # fmt: skip
    path = tmp_path / "fish_CALCIUM-FLUORESCENCE.mat"
    scipy.io.savemat(path, content)
    material = read_calcium(path)
    np.testing.assert_array_equal(material.dff, made.dff)
    np.testing.assert_array_equal(material.positions, made.positions)
    assert material.rate == 2.0
    scipy.io.savemat(tmp_path / "frog_SGC-ASSEMBLIES.mat", {"assemblies": np.array([[1, 2]])})
    with pytest.raises(MissingDataError, match=r"no frog_CALCIUM-FLUORESCENCE\.mat"):
        read_calcium(tmp_path / "frog_SGC-ASSEMBLIES.mat")


def test_planes_of_nwb_files_are_named_and_joined(made, tmp_path):
    path = write_nwb(tmp_path / "a.nwb", {"DfOverF/plane0": made.dff[:, :40],
                                          "DfOverF/plane1": made.dff[:-1, 40:],
                                          "Neuropil/plane2": made.dff})  # fmt: skip
    with pytest.raises(MissingDataError, match="several: plane0, plane1; name the series"):
        read_calcium(path)
    joined = read_calcium(path, CalciumConfig(series="plane0,plane1"))
    np.testing.assert_array_equal(joined.dff, made.dff[:-1])
    assert joined.unit_ids[[0, 40]].tolist() == ["plane0/0", "plane1/0"]
    with pytest.raises(MissingDataError, match="no series plane7; it has: plane0, plane1, plane2"):
        read_calcium(path, CalciumConfig(series="plane7"))


def test_frames_with_nan_are_counted(made, tmp_path, no_figures):
    dff = made.dff.copy()
    dff[5:9, 3] = np.nan
    result = run(dff, tmp_path / "out", CalciumConfig(detectors="ica-cs", rate=2.0), threads=1)
    assert result.material.dropped == ("4 of 1,200 frames with a NaN",)
    assert result.comparison.n_dropped == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.nwb"], "no such file or folder; give an NWB file"),
        (["."], "is no suite2p folder"),
        (["text.npy"], "not a plain NumPy file"),
        (["flat.npy"], "must be numbers (frames, units), got float64 (3,)"),
        (["two.npz"], "holds a, b; name the dF/F with --series"),
        (["table.npz"], "is no recording of calcium signals"),
        (["good.npy", "--detectors", "sgc,pca"], "detectors must be out of sgc"),
        (["good.npy", "--affinity", "1"], "affinity must lie in [0, 1)"),
        (["good.npy", "--shuffles", "many"], "shuffles must be one of 'exact'"),
        (["good.npy", "--k0", "big"], "K0 must be one of 'uniform', 'small'"),
        (["good.npy", "--planes", "x"], "planes must be numbers with commas"),
        (["good.npy", "--rate", "0"], "rate must be positive"),
        (["good.npy", "--formats", "gif"], "unknown format 'gif'"),
        (["good.npy", "--config", "none.toml"], "config file none.toml does not exist"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.npy").write_text("no array")
    np.save("flat.npy", np.zeros(3))
    np.save("good.npy", np.zeros((5, 3)))
    np.savez("two.npz", a=np.zeros((5, 3)), b=np.zeros((5, 3)))
    cf.save(cf.Intervals([[0, 1]]), "table")
    result = call(*arguments, "--out", "out")
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_settings_of_a_file_yield_to_options(made, tmp_path, no_figures):
    np.save(tmp_path / "dff.npy", made.dff)
    (tmp_path / "c.toml").write_text(
        '[calcium_assemblies]\ndetectors = ["ica-cs"]\nrate = 2.0\nseed = 3\n'
    )
    arguments = ["--config", tmp_path / "c.toml", "--out", tmp_path / "out", "--seed", "4", "-q"]
    result = call(tmp_path / "dff.npy", *arguments)
    assert result.exit_code == 0, result.output
    assert result.output == ""
    stored = json.loads((tmp_path / "out" / "provenance.json").read_text())["parameters"]
    assert (stored["seed"], stored["rate"], stored["detectors"]) == (4, 2.0, ["ica-cs"])


@pytest.mark.parametrize(
    ("settings", "error"),
    [({"detectors": ""}, InvalidArgumentError), ({"trusted": "yes"}, InvalidTypeError),
     ({"planes": 3}, InvalidTypeError), ({"p": 1}, InvalidArgumentError),
     ({"neuropil": -1}, InvalidArgumentError), ({"steps": 0}, InvalidArgumentError)],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings, error):
    with pytest.raises(error, match=next(iter(settings))):
        CalciumConfig(**settings)
    assert CalciumConfig(detectors="ica,ICA-MP,promax").detectors == ("ica-mp", "promax-mp")


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_is_done_and_goes_on(made, tmp_path):
    np.save(tmp_path / "dff.npy", made.dff)
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from cofire.cli import main; main()", "assemblies",
               str(tmp_path / "dff.npy"), "--rate", "2", "--detectors", "ica-cs,sgc",
               "--steps", "5000000", "--rounds", "1", "--out", str(out)]  # fmt: skip
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=dict(os.environ)
    )
    deadline = time.monotonic() + 60
    while not (out / "steps" / "ica-cs").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2.0)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; what is done is kept; the same command resumes the run" in error
    assert (out / "steps" / "ica-cs").is_dir()
    assert not (out / "steps" / "sgc").exists()
    assert not json.loads((out / "provenance.json").read_text())["complete"]


def test_a_resumed_run_does_only_what_is_left(made, tmp_path, no_figures, monkeypatch):
    module = sys.modules["cofire.studies.calcium_assemblies.run"]
    config = CalciumConfig(detectors="ica-cs,promax-cs,svd")
    done = []
    whole = module.run_detector

    def interrupted(name, *arguments, **options):
        done.append(name)
        if len(done) == 2:
            raise KeyboardInterrupt
        return whole(name, *arguments, **options)

    monkeypatch.setattr(module, "run_detector", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(made, tmp_path / "out", config, threads=1)
    result = run(made, tmp_path / "out", config, threads=1)
    assert done == ["ica-cs", "promax-cs", "promax-cs", "svd"]
    assert result.resumed == ("ica-cs",)
    assert result.comparison.detectors == config.detectors
    assert json.loads((tmp_path / "out" / "provenance.json").read_text())["complete"]


def test_the_chains_of_sgc_go_on_where_they_were_interrupted(made, tmp_path, monkeypatch):
    from cofire.studies.calcium_assemblies import run_detector

    monkeypatch.setattr("cofire.assemblies.sgc.block_model._SLICE", 0.005)
    config = CalciumConfig(detectors="sgc", steps=20_000, rounds=1, K0="small")
    material = read_calcium(made)

    def interrupt(done, of):
        if 0 < done < of:
            raise KeyboardInterrupt

    chains = tmp_path / "sgc"
    with pytest.raises(KeyboardInterrupt):
        run_detector("sgc", material, config, threads=1, checkpoint=chains, progress=interrupt)
    assert chains.with_suffix(".npz").is_file()
    resumed = run_detector("sgc", material, config, threads=1, checkpoint=chains)
    assert not list(tmp_path.iterdir())
    whole = run_detector("sgc", material, config, threads=1)
    np.testing.assert_array_equal(resumed.model.k_posterior_, whole.model.k_posterior_)
    assert resumed.comparison.parameters == whole.comparison.parameters
