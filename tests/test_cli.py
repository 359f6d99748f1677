"""The command: what it prints, its exit codes, and what Ctrl-C leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

import cofire as cf
from cofire.cli import app

runner = CliRunner()
FAST = "sweep_shuffles = []\nn_shuffles = 10\n"


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    made = cf.datasets.make_assembly_recording(
        16, (120.0, 120.0, 120.0), n_assemblies=2, n_cross=0, rng=1
    )
    path = tmp_path_factory.mktemp("nwb") / "made.nwb"
    cf.io.write_nwb(made.session, path)
    return path


def call(*arguments):
    return runner.invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def finished(recording, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    config = folder / "fast.toml"
    config.write_text(FAST)
    arguments = ["react", recording, "--out", folder / "out", "--config", config]
    arguments += ["--formats", "png"]
    return arguments, call(*arguments), folder / "out"


def test_react_says_what_it_took_and_found(finished):
    arguments, result, out = finished
    assert result.exit_code == 0, result.output
    assert "Units: 16 (all)" in result.output
    assert "2 cell assemblies were found in 16 units" in result.output
    written = (out / "report.html").stat().st_mtime_ns
    again = call(*arguments)
    assert again.exit_code == 0
    assert "Resumed" in again.output
    assert (out / "report.html").stat().st_mtime_ns == written


def test_react_refuses_other_parameters_in_one_line(finished):
    arguments, _, _ = finished
    result = call(*arguments, "-q", "--seed", 3)
    assert result.exit_code == 2
    assert "seed: 0 -> 3" in result.output
    assert result.output.count("\n") == 1


def test_overwrite_moves_the_old_folder_aside(recording, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old.txt").write_text("old")
    config = tmp_path / "small.toml"
    config.write_text(FAST + "tracywidom = true\nevents = 'none'\n")
    units = "region == 'CA1'"
    arguments = ["react", recording, "--out", out, "--config", config, "--formats", "png", "-q"]
    assert call(*arguments, "--units", units).exit_code == 2
    assert call(*arguments, "--units", units, "--overwrite").exit_code == 0
    (moved,) = tmp_path.glob("out.old-*")
    assert (moved / "old.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "nowhere"], "no table 'nowhere'"),
        (["--units", "region == 'CA9'"], "no unit of 16 fulfills"),
        (["--units", "regio == 'CA1'"], "columns:"),
        (["--groups", "shape"], "no column 'shape'"),
        (["--null", "zero"], "null must be one of"),
        (["--formats", "jpg"], "unknown format 'jpg'"),
        (["--config", "absent.toml"], "absent.toml does not exist"),
        (["--events", "absent.csv"], "absent.csv does not exist"),
        (["--pre", "epochs", "--task", "epochs"], "pre and task overlap"),
    ],
)
def test_mistakes_end_in_one_line_and_exit_code_2(recording, tmp_path, arguments, message):
    result = call("react", recording, "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert result.output.count("\n") == 1


def test_a_missing_recording_is_named(tmp_path):
    result = call("react", tmp_path / "none.nwb", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "none.nwb does not exist" in result.output


def test_a_truncated_nwb_is_named(recording, tmp_path):
    broken = tmp_path / "broken.nwb"
    broken.write_bytes(recording.read_bytes()[:3000])
    for arguments in (["info", broken], ["react", broken, "--out", tmp_path / "out"]):
        result = call(*arguments)
        assert result.exit_code == 2
        assert "broken.nwb" in result.output
        assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("times", "message"), [([3.0, 1.0, 2.0], "sorted"), ([1.0, np.nan], "NaN|finite|nan")]
)
def test_bad_spike_times_are_named(recording, tmp_path, times, message):
    import re
    import shutil

    import h5py

    bad = tmp_path / "bad.nwb"
    shutil.copy(recording, bad)
    with h5py.File(bad, "a") as file:
        file["units/spike_times"][: len(times)] = times
    result = call("react", bad, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert re.search(message, result.output)


def test_info_lists_tables(recording):
    result = call("info", recording)
    assert result.exit_code == 0
    for word in ("16 units", "region", "ripples", "THETA", "environment"):
        assert word in result.output


def test_data_list_and_unknown_set(tmp_path):
    assert "sample_assemblies" in call("data", "list").output
    result = call("data", "fetch", "nothing_of_the_kind", "--out", tmp_path)
    assert result.exit_code == 2


def test_demo_prints_the_truth_beside_the_findings(tmp_path):
    result = call("demo", "--minutes", 3, "--out", tmp_path / "demo")
    assert result.exit_code == 0, result.output
    assert "Planted and found" in result.output
    assert "planted assemblies found" in result.output


@pytest.mark.parametrize("command", [[], ["react"], ["info"], ["demo"], ["data", "fetch"]])
def test_every_command_explains_itself(command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_starts_fast_without_heavy_imports():
    code = (
        "import sys; from cofire.cli import app; "
        "heavy = {'pandas', 'scipy', 'matplotlib', 'h5py', 'sklearn'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_ctrl_c_keeps_what_is_done(recording, tmp_path):
    out = tmp_path / "out"
    slow = tmp_path / "slow.toml"
    slow.write_text("sweep_shuffles = [200000]\n")
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from cofire.cli import main; main()",
            "react",
            str(recording),
            "--out",
            str(out),
            "--config",
            str(slow),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "sweep" in line:
                break
        # The first moments of the sweep ask the libraries for their threads inside a callback, in
        # which Python drops an interrupt.
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, error
    assert "what is done is kept" in error
    assert "Traceback" not in error
    assert cf.load(out / "steps" / "detection" / "result").n_assemblies_ == 2
    assert not (out / "report.html").exists()


def test_three_real_units_with_events(shared, tmp_path):
    nwb = shared / "data" / "nwb" / "peyrache_phy_3units.nwb"
    times = np.sort(np.random.default_rng(0).uniform(0, 1087.5, 200))
    events = tmp_path / "events.csv"
    events.write_text("time\n" + "\n".join(f"{t:.6f}" for t in times) + "\n")
    config = tmp_path / "c.toml"
    config.write_text(FAST + "null = 'mp'\ntracywidom = true\n")
    out = tmp_path / "out"
    result = call(
        "react", nwb, "--out", out, "--events", events, "--config", config, "--formats", "png"
    )
    assert result.exit_code == 0, result.output
    assert "No cell assembly was found in 3 units" in result.output
    assert (out / "tables" / "pairwise_correlations.csv").read_text().count("\n") == 4
    rates = (out / "tables" / "peri_event_rates.csv").read_text()
    assert rates.count("\n") == 1 + 3 * 100
