"""``cofire olfaction``: what it does with small tasks, what it prints, its exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cofire.cli import app

COMMANDS = ("train", "evaluate", "ablate", "mixtures", "consistency", "complexity", "all")
TINY = """
[larval_olfaction]
repeats = 1
n_steps = 3
teacher_epochs = 2
epochs = 1
odors = ["propanoic acid", "2-heptanone", "2,3-butanedione"]
concentrations = [0.1, 1.0]
"""

runner = CliRunner()


def call(*arguments):
    return runner.invoke(app, ["olfaction", *(str(a) for a in arguments)])


@pytest.fixture(scope="module")
def data(shared):
    pytest.importorskip("torch")
    return shared / "data" / "larval_olfaction"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def no_olfaction_figures(monkeypatch):
    monkeypatch.setattr("cofire.studies.larval_olfaction.page.make_figures", lambda result: [])


@pytest.fixture(scope="module")
def trained(data, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "out"
    arguments = ["train", "--data", data, "--out", out, "--config", tiny, "--seeds", "42,43"]
    arguments += ["--processes", 1, "--formats", "png"]
    return arguments, call(*arguments), out


def test_training_says_what_it_found_and_where(trained):
    _, result, out = trained
    assert result.exit_code == 0, result.output
    assert "Spiking networks with the wiring of the larva name 4 odors" in result.output
    assert f"Report: {out / 'report.html'}" in result.output
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["parameters"]["seeds"] == [42, 43]
    assert provenance["parameters"]["retrained_seeds"] == [42, 43]
    for name in ("2_core", "training", "learned_parameters", "gap_conductances"):
        assert (out / "figures" / f"{name}.png").stat().st_size > 8_000
    assert not list((out / "figures").glob("*.svg"))


def test_the_same_command_goes_on_and_another_is_refused(trained, no_olfaction_figures):
    arguments, _, out = trained
    written = (out / "runs" / "canonical" / "seed42" / "weights.pt").stat().st_mtime_ns
    assert call(*arguments, "-q").exit_code == 0
    assert (out / "runs" / "canonical" / "seed42" / "weights.pt").stat().st_mtime_ns == written
    refused = call(*arguments, "-q", "--apl-boost", 2)
    assert refused.exit_code == 2
    assert "apl_boost: 4.0 -> 2.0" in refused.output
    assert refused.output.count("\n") == 1


def test_a_run_is_evaluated_by_its_folder(trained, data, tiny, tmp_path, no_olfaction_figures):
    _, _, run = trained
    out = tmp_path / "out"
    common = ("--data", data, "--config", tiny, "--weights", run, "--processes", 1, "-q")
    assert call("all", "--fast", "--out", out, "--triplets", 3, *common).exit_code == 0
    found = {path.stem for path in (out / "experiments").glob("*.json")}
    assert {"canonical", "ablations", "consistency", "mixtures"} <= found
    assert not (out / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--hill", 2, "--ec50", 0.5], "half_saturation", 0.5),
        (["--concentrations", "0.5,1,3"], "concentrations", [0.5, 1.0, 3.0]),
        (["--odors", "2,3-butanedione; 1-butanol"], "odors", ["2,3-butanedione", "1-butanol"]),
        (["--odor", "1-butanol", "--odor", "2-heptanone"], "odors", ["1-butanol", "2-heptanone"]),
        (["--apl-rate", 2], "apl_rate", 2.0),
        (["--seed", 7], "seeds", [7]),
        (["--protocol", "older"], "protocol", "older"),
        (["--registered"], "registered", True),
    ],
)
def test_options_reach_the_settings(data, tmp_path, monkeypatch, arguments, name, value):
    from cofire.studies import larval_olfaction

    taken = []

    def record(data, out, config, **options):
        taken.append((config, options))
        raise KeyboardInterrupt

    monkeypatch.setattr(larval_olfaction, "train", record)
    result = call("train", "--data", data, "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 130
    assert "the same command goes on" in result.output
    (config, options) = taken[0]
    assert config.to_dict()[name] == value
    assert options["conditions"] == ["canonical"]


def test_an_own_panel_replaces_the_published_one(data, tiny, tmp_path, no_olfaction_figures):
    pd = pytest.importorskip("pandas")
    table = pd.read_csv(data / "kreher2008_or_responses_normalized.csv", index_col=0)
    panel = tmp_path / "panel.csv"
    table.iloc[[0, 5, 9]].to_csv(panel)
    config = tmp_path / "tiny.toml"
    config.write_text("".join(line for line in TINY.splitlines(True) if "odors" not in line))
    out = tmp_path / "out"
    result = call(
        "train", "--data", data, "--out", out, "--config", config, "--panel", panel, "--seed", 1,
        "--processes", 1,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "names 3 odors" in result.output
    assert "own panel" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--seeds", "a,b"], "--seeds: give numbers with commas"),
        (["train", "--concentrations", "0.1"], "hold 1"),
        (["train", "--conditions", "no_brain"], "conditions must be one of"),
        (["train", "--odor", "coffee"], "'coffee' is not in the panel"),
        (["train", "--formats", "gif"], "unknown format 'gif'"),
        (["train", "--panel", "absent.csv"], "absent.csv"),
        (["train", "--config", "absent.toml"], "absent.toml does not exist"),
        (["train", "--data", "nowhere"], "nowhere is no folder"),
        (["evaluate", "--weights", "absent.pt"], "absent.pt"),
        (["all", "--fast"], "name them by --weights"),
        (["all", "--fast", "--heavy"], "choose one"),
        (["all", "--heavy", "--weights", "x.pt"], "leave out --weights"),
    ],
)
def test_mistakes_end_in_one_line_and_exit_code_2(data, tmp_path, arguments, message):
    where = [] if "--data" in arguments else ["--data", data]
    result = call(*arguments, *where, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_data_it_says_where_to_get_them(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.delenv("COFIRE_DATA", raising=False)
    result = call("train", "--out", tmp_path / "out")
    assert result.exit_code == 2
    for part in ("set COFIRE_DATA", "10.1126/science.add9330", "10.1016/j.neuron.2008.06.010"):
        assert part in result.output
    monkeypatch.setenv("COFIRE_DATA", str(tmp_path))
    assert f"{tmp_path / 'data' / 'larval_olfaction'} is no folder" in " ".join(
        call("train", "--out", tmp_path / "out").output.split()
    )


def test_without_torch_it_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None; "
        "from cofire.cli import main; "
        f"sys.argv = ['cofire', 'olfaction', 'train', '--out', {str(tmp_path / 'out')!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert 'needs torch; pip install "cofire[torch]"' in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_failed_training_is_listed_and_ends_with_1(data, tiny, tmp_path, monkeypatch):
    from cofire.errors import TrainingError
    from cofire.studies.larval_olfaction import tasks

    def explode(*arguments, **options):
        raise TrainingError("loss is nan in step 3")

    monkeypatch.setattr(tasks, "train_model", explode)
    result = call(
        "train", "--data", data, "--out", tmp_path / "out", "--config", tiny, "--seed", 4,
        "--processes", 1,
    )  # fmt: skip
    assert result.exit_code == 1
    assert "failed: train canonical seed 4: loss is nan in step 3" in result.output
    assert "No model was evaluated" in result.output


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(data, tiny, tmp_path):
    out = tmp_path / "out"
    arguments = ["olfaction", "train", "--data", data, "--out", out, "--config", tiny]
    arguments += ["--seed", 5, "--epochs", 100_000, "--processes", 1, "--formats", "png"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from cofire.cli import main; main()", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stderr is not None
        assert "teacher" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, error
    assert "what is done is kept; the same command goes on" in error
    assert "Traceback" not in error
    assert (out / "runs" / "canonical" / "seed5" / "checkpoint.pt").is_file()
    assert not (out / "report.html").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    result = call(command, "--help")
    assert result.exit_code == 0
    for word in ("Usage", "--out", "--seeds", "--data", "--quiet"):
        assert word in result.output


def test_help_needs_no_torch():
    code = "import sys; from cofire.cli import app; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
