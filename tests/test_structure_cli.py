"""``cofire structure``: what it prints, its exit codes, what it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

import cofire as cf
from cofire.cli import app
from structure_files import write_files

runner = CliRunner()
QUICK = "n_power = 0\nn_nulls = 20\nnetwork_nulls = 2\nlayers = []\n"


def call(*arguments):
    return runner.invoke(app, ["structure", *(str(a) for a in arguments)])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    made = cf.datasets.make_connectome(120, n_assemblies=3, recorded=0.6, excess=3.0, rng=2)
    folder = tmp_path_factory.mktemp("files")
    paths = write_files(made, folder)
    (folder / "quick.toml").write_text(QUICK)
    return paths | {"config": folder / "quick.toml"}


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr("cofire.studies.assemblies_structure.output.make_figures", lambda s: [])


def given(files, out, *more):
    return [
        "--synapses", files["synapses"], "--cells", files["cells"], "--assemblies",
        files["assemblies"], "--config", files["config"], "--out", out, "--formats", "png", *more,
    ]  # fmt: skip


def test_it_says_what_it_took_and_found_and_resumes(files, tmp_path, no_figures):
    arguments = given(files, tmp_path / "out", "--size-scale", "3.645e-6", "--size-unit", "µm³")
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert "Connections: " in result.output
    assert "Assemblies: 3; presynaptic cells" in result.output
    assert "Left out: " in result.output
    assert "Cells of the same assembly are connected" in result.output
    assert f"Report: {tmp_path / 'out' / 'report.html'}" in result.output
    again = call(*arguments)
    assert again.exit_code == 0
    assert "Resumed" in again.output
    refused = call(*arguments, "-q", "--correction", "holm")
    assert refused.exit_code == 2
    assert "correction: 'none' -> 'holm'" in refused.output
    assert refused.output.count("\n") == 1
    assert call(*arguments, "-q", "--correction", "holm", "--overwrite").exit_code == 0
    assert len(list(tmp_path.glob("out.old-*"))) == 1


def test_a_connectome_is_measured_as_a_network(files, tmp_path, no_figures):
    made = cf.datasets.make_connectome(60, rng=1)
    cf.save(made.connectome, tmp_path / "wiring")
    arguments = ["--connectome", tmp_path / "wiring.npz", "--groups", "layer"]
    arguments += ["--config", files["config"], "--out", tmp_path / "out"]
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert "the classes of column 'layer' take their place" in result.output
    assert "network all" in result.output
    for name in ("network_overview", "motifs_of_three", "cell_measures", "class_wiring"):
        assert (tmp_path / "out" / "tables" / f"{name}.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--proofread", "layer == 'L9'"], "proofread: no cell of 120 fulfills"),
        (["--groups", "kind"], "has no column 'kind'"),
        (["--pre-column", "from"], "has no column 'from'"),
        (["--contrasts", "shared"], "contrasts must be pairs of classes"),
        (["--contrasts", "shared:other"], "contrasts must be one of 'shared'"),
        (["--correction", "fdr"], "correction must be one of"),
        (["--formats", "jpg"], "unknown format 'jpg'"),
        (["--network-nulls", "1"], "--network-nulls"),
        (["--connectome", "x.npz"], "not both"),
        (["--coreg", "absent.csv"], "absent.csv does not exist"),
        (["--edge-types", "aa"], "has no edge type aa"),
    ],
)
def test_mistakes_end_in_one_line_and_exit_code_2(
    files, tmp_path, monkeypatch, capsys, arguments, message
):
    from cofire.cli import main

    more = [*arguments, "--network"] if "--edge-types" in arguments else arguments
    line = [str(a) for a in given(files, tmp_path / "out", *more)]
    monkeypatch.setattr(sys, "argv", ["cofire", "structure", *line])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_missing_input_is_said(tmp_path):
    result = call("--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "give either synapses" in result.output


def test_a_failed_step_gives_exit_code_1(files, tmp_path, monkeypatch, no_figures):
    from cofire.errors import InvalidArgumentError
    from cofire.studies.assemblies_structure import AssembliesStructure

    def fail(self):
        raise InvalidArgumentError("no reason")

    monkeypatch.setattr(AssembliesStructure, "agreement", fail)
    result = call(*given(files, tmp_path / "out", "-q"))
    assert result.exit_code == 1
    assert "failed: agreement: no reason" in result.output


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(files, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from cofire.cli import main; main()", "structure"]
    command += [str(a) for a in given(files, out, "--nulls", "200000")]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=os.environ.copy()
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and not (out / "steps" / "by_assembly").is_dir():
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert b"the same command resumes the run" in error
    assert (out / "steps" / "monosynaptic").is_dir()
    assert not (out / "report.html").exists()
