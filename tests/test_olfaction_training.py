"""Training follows the published recipe and survives being killed at any moment."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    RecordingNotFoundError,
    TrainingError,
    UnsupportedVersionError,
)
from cofire.studies.larval_olfaction import (
    CONDITIONS,
    Condition,
    Material,
    OlfactionConfig,
    Setup,
    Teacher,
    load_model,
    read_checkpoint,
    read_parameters,
    teacher_loss,
    train_model,
    training,
    transfer,
)
from cofire.studies.larval_olfaction.checkpoint import (
    find_weights,
    read_teacher,
    write_checkpoint,
)
from cofire.studies.larval_olfaction.optimizer import FlatAdam

TINY = OlfactionConfig(
    teacher_epochs=3, epochs=4, repeats=2, n_steps=4, seeds=(42, 43), ramp_epochs=2
)


@pytest.fixture(scope="module")
def material(shared):
    return Material.load(shared / "data" / "larval_olfaction")


@pytest.fixture
def setup(material):
    return Setup.make(material, CONDITIONS["canonical"], 42, TINY)


@pytest.fixture(scope="module")
def trained(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train_model(Setup.make(material, CONDITIONS["canonical"], 42, TINY), folder)
    return folder


def assert_same_weights(a, b):
    first, meta = read_checkpoint(a / "weights.pt")
    second, other = read_checkpoint(b / "weights.pt")
    assert list(first) == list(second)
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    assert str(meta) == str(other)
    assert (a / "history.csv").read_bytes() == (b / "history.csv").read_bytes()


# --- teacher --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def golden_teacher(shared):
    with np.load(shared / "golden" / "olfactory_teacher_seed42.npz") as file:
        return dict(file)


def test_the_teacher_has_the_golden_loss_and_gradients(material, golden_teacher):
    teacher = Teacher(material.counts, 28, dtype=torch.float64)
    teacher.load_published(
        {k.removeprefix("param/"): v for k, v in golden_teacher.items() if k.startswith("param/")}
    )
    logits, kc = teacher(torch.from_numpy(golden_teacher["or_input"]))
    loss = teacher_loss(logits, kc, torch.from_numpy(golden_teacher["labels"]))
    loss.backward()
    np.testing.assert_allclose(logits.detach(), golden_teacher["logits"], atol=1e-10)
    np.testing.assert_allclose(kc.detach(), golden_teacher["kc"], atol=1e-10)
    expected = golden_teacher["ce"] + 2 * golden_teacher["sparsity_term"]
    assert loss.item() == pytest.approx(float(expected), abs=1e-12)
    for name, parameter in teacher.published_parameters().items():
        slope = golden_teacher[f"grad_total/{name}"]
        bound = 1e-8 * np.linalg.norm(slope) + 1e-14
        assert np.linalg.norm(parameter.grad.numpy() - slope) <= bound, name


def test_the_teacher_starts_from_torchs_linear_layer(material):
    torch.manual_seed(42)
    layer = torch.nn.Linear(144, 28)
    teacher = Teacher(material.counts, 28, generator=torch.Generator().manual_seed(42))
    assert torch.equal(teacher.decoder_weight, layer.weight)
    assert torch.equal(teacher.decoder_bias, layer.bias)


def test_a_teacher_takes_only_parameters_that_fit(material):
    teacher = Teacher(material.counts, 28)
    values = {n: p.detach().numpy() for n, p in teacher.published_parameters().items()}
    with pytest.raises(InvalidArgumentError, match=r"decoder\.bias must have shape \(28,\)"):
        teacher.load_published({**values, "decoder.bias": np.zeros(7)})
    del values["decoder.bias"]
    with pytest.raises(InvalidArgumentError, match=r"missing: decoder\.bias"):
        teacher.load_published(values)


def test_samples_are_those_of_torchs_loader(setup):
    class Noisy(Dataset):
        def __len__(self):
            return 28 * TINY.repeats

        def __getitem__(self, i):
            odor = torch.from_numpy(setup.panel.responses)[i // TINY.repeats]
            return (odor * (1 + 0.3 * torch.randn(21))).clamp(min=0), i // TINY.repeats

    torch.manual_seed(7)
    x, y = zip(*DataLoader(Noisy(), batch_size=16, shuffle=True), strict=True)
    generator = torch.Generator().manual_seed(7)
    run = training._Run(setup, None, generator, None)
    odors, labels, seeds = run._samples(SimpleNamespace(noisy=False))
    assert torch.equal(torch.cat(x), odors)
    assert torch.equal(torch.cat(y), labels)
    assert len(seeds) == len(x)


# --- optimizer ------------------------------------------------------------------------------------


def test_flat_adam_is_torchs_adam_with_clipping_and_clamping():
    def model():
        torch.manual_seed(0)
        return torch.nn.Linear(5, 3, dtype=torch.float64)

    ours, theirs = model(), model()
    rates = {"weight": 3e-2, "bias": 1e-1}

    def project(layer):
        with torch.no_grad():
            layer.bias.clamp_(-0.2, 0.1)

    flat = FlatAdam(
        dict(ours.named_parameters()), rates, clip_norm=0.5, project=lambda: project(ours)
    )
    adam = torch.optim.Adam([{"params": [p], "lr": rates[n]} for n, p in theirs.named_parameters()])
    for step in range(20):
        x = torch.randn(8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(step))
        flat.zero_grad()
        (ours(x) ** 2).mean().backward()
        flat.step(flat.gradient_norm())
        adam.zero_grad()
        (theirs(x) ** 2).mean().backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        adam.step()
        project(theirs)
    for name, parameter in ours.named_parameters():
        np.testing.assert_allclose(
            parameter.detach(), dict(theirs.named_parameters())[name].detach(), rtol=1e-12
        )
    assert float(ours.bias.detach().max()) <= 0.1


def test_states_of_another_model_are_refused():
    layer = torch.nn.Linear(2, 2)
    adam = FlatAdam(dict(layer.named_parameters()), {"weight": 1.0, "bias": 1.0})
    state = {name: tensor[:-1] for name, tensor in adam.state().items()}
    with pytest.raises(InvalidArgumentError, match="belongs to another model"):
        adam.load_state(state, 3)
    with pytest.raises(InvalidArgumentError, match="no learning rate for bias"):
        FlatAdam(dict(layer.named_parameters()), {"weight": 1.0})


def test_learning_rates_are_those_of_the_study(setup):
    network = setup.network()
    rates = training._rates(network, network.published_parameters(), setup.config)
    expected = {
        "or_to_orn.or_gains": 0.5,
        "antennal_lobe.log_or_gain": 0.2,
        "antennal_lobe.orn_pn.log_strength": 0.2,
        "antennal_lobe.ln_ln_nonad.log_strength": 0.05,
        "antennal_lobe.pn_neurons.v_th": 0.01,
        "kc_layer.pn_kc.log_strength": 4.0,
        "kc_layer.pn_kc_nonad.log_strength": 0.05,
        "kc_layer.kc_kc_aa.log_strength": 0.1,
        "kc_layer.pn_kc.log_tau_rec": 0.1,
        "kc_layer.pn_kc.logit_U": 0.1,
        "kc_layer.apl.apl_gain": 4.0,
        "kc_layer.apl.kc_dend_gain": 4.0,
        "kc_layer.apl.log_tau_apl": 0.05,
        "decoder.weight": 1.0,
    }
    for name, multiplier in expected.items():
        assert rates[name] == pytest.approx(1e-3 * multiplier), name
    slower = replace(setup.config, apl_rate=0.5)
    rates = training._rates(network, network.published_parameters(), slower)
    assert rates["kc_layer.apl.apl_gain"] == pytest.approx(5e-4)


# --- transfer and loss ----------------------------------------------------------------------------


def test_the_student_starts_from_its_teacher(setup):
    teacher, network = setup.teacher(torch.Generator().manual_seed(1)), setup.network()
    with torch.no_grad():
        teacher.apl_gain.fill_(0.9)
        teacher.or_gains.uniform_(0.5, 2.0)
    transfer(teacher, network)
    theirs, own = teacher.published_parameters(), network.published_parameters()
    for name in ("or_to_orn.or_gains", "decoder.weight", "decoder.bias"):
        assert torch.equal(theirs[name], own[name])
    assert own["kc_layer.apl.apl_gain"].item() == pytest.approx(3.6)
    assert sum(p.numel() for p in own.values()) == 4509


def test_energy_is_the_mean_rate():
    out = SimpleNamespace(
        orn_count=torch.full((2, 42), 3.0),
        ln_count=torch.full((2, 108), 6.0),
        pn_count=torch.full((2, 72), 0.0),
        kc_count=torch.full((2, 144), 15.0),
    )
    assert float(training.energy(out, "kc", 30)) == pytest.approx(0.5)
    assert float(training.energy(out, "all", 30)) == pytest.approx(0.2)


def test_terms_of_the_loss_rise_with_the_epoch(material):
    odors, labels = torch.from_numpy(material.panel.responses)[:4], torch.arange(4)

    def loss(condition, epoch):
        setup = Setup.make(material, condition, 42, TINY)
        network = setup.network()
        transfer(setup.teacher(torch.Generator().manual_seed(1)), network)
        stage = training._StudentStage(network, setup)
        return stage.loss(odors, labels, epoch, 5)[0].item()

    plain = Condition(name="plain", title="", sparsity=False)
    assert loss(plain, 0) == loss(plain, 9) == loss(CONDITIONS["canonical"], 0)
    rise = loss(CONDITIONS["canonical"], 1) - loss(plain, 0)
    assert rise > 0
    assert loss(CONDITIONS["canonical"], 2) - loss(plain, 0) == pytest.approx(2 * rise, rel=1e-3)
    assert loss(CONDITIONS["canonical"], 9) == loss(CONDITIONS["canonical"], 2)
    assert loss(CONDITIONS["energy_all_50"], 2) > loss(CONDITIONS["energy_all_1"], 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ablate": ("pn",)}, "ablate must be one of"),
        ({"energy": "ln"}, "energy must be one of"),
        ({"energy_weight": -1.0}, "energy_weight must not be negative"),
        ({"quantile": 1.0}, "quantile in"),
    ],
)
def test_wrong_conditions_are_explained(fields, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Condition(name="x", title="x", **fields)


# --- a whole training -----------------------------------------------------------------------------


def test_training_is_recorded_epoch_by_epoch(setup, trained):
    history = load_model(trained, setup).history
    assert history.stage == ("teacher",) * 3 + ("student",) * 4
    assert history.epoch.tolist() == [1, 2, 3, 1, 2, 3, 4]
    assert np.isfinite(history.loss).all()
    assert ((history.test_accuracy >= 0) & (history.test_accuracy <= 1)).all()
    assert np.isnan(history.apl_ratio[:3]).all()
    assert not (trained / "checkpoint.pt").exists()


def test_parameters_stay_in_their_bounds(setup, trained):
    student = load_model(trained, setup).student
    assert (student["kc_layer.kc_neurons.v_th"] >= np.float32(-0.055)).all()
    weak = student["antennal_lobe.ln_ln_nonad.log_strength"]
    assert float(weak) >= math.log(1e-12) - 1e-5


def test_the_same_seed_gives_the_same_bits(setup, trained, tmp_path):
    train_model(setup, tmp_path)
    assert_same_weights(trained, tmp_path)


def test_monitoring_changes_no_parameter(setup, trained, tmp_path):
    rare = Setup(setup.panel, setup.counts, setup.condition, 42, replace(TINY, monitor_every=100))
    found = train_model(rare, tmp_path)
    for name, value in load_model(trained, setup).student.items():
        np.testing.assert_array_equal(found.student[name], value)
    assert np.isfinite(found.history.test_accuracy).sum() == 2


KILLED = """
import os, signal, sys
from cofire.studies.larval_olfaction import CONDITIONS, Material, Setup, train_model, training
from test_olfaction_training import TINY

data, out, what, when = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
calls = 0


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def counted(function):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == when:
            die()
        return function(*arguments, **options)

    return call


def progress(text, done, total):
    if what == "epoch" and done == when:
        die()


if what != "epoch":
    setattr(training, what, counted(getattr(training, what)))
setup = Setup.make(Material.load(data), CONDITIONS["canonical"], 42, TINY)
train_model(setup, out, progress=progress)
"""


@pytest.mark.parametrize(
    ("what", "when"),
    [
        ("epoch", 2),
        ("olfactory_loss", 7),
        ("write_checkpoint", 6),
        pytest.param("teacher_loss", 6, marks=pytest.mark.slow),
        pytest.param("epoch", 3, marks=pytest.mark.slow),
    ],
)
def test_a_killed_training_ends_with_the_same_bits(setup, trained, tmp_path, shared, what, when):
    arguments = [str(shared / "data" / "larval_olfaction"), str(tmp_path), what, str(when)]
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], env=environment, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "weights.pt").exists()
    train_model(setup, tmp_path)
    assert_same_weights(trained, tmp_path)


def test_an_interrupted_training_goes_on(setup, trained, tmp_path):
    def progress(text, done, total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(setup, tmp_path, progress=progress)
    assert (tmp_path / "checkpoint.pt").exists()
    train_model(setup, tmp_path)
    assert_same_weights(trained, tmp_path)


def test_another_setting_does_not_go_on_from_a_checkpoint(setup, trained, tmp_path):
    def progress(text, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(setup, tmp_path, progress=progress)
    other = Setup(setup.panel, setup.counts, CONDITIONS["no_apl"], 42, TINY)
    for folder in (tmp_path, trained):
        with pytest.raises(InvalidArgumentError, match=r"other settings: condition.*no_apl"):
            train_model(other, folder)


def broken_network(monkeypatch, name, value):
    make = Setup.network

    def broken(self, *arguments, **options):
        network = make(self, *arguments, **options)
        with torch.no_grad():
            network.published_parameters()[name].view(-1)[-1] = value
        return network

    monkeypatch.setattr(Setup, "network", broken)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("kc_layer.kc_neurons.v_th", math.nan, "theta must be finite"),
        ("decoder.bias", math.nan, "loss nan"),
    ],
)
def test_a_parameter_that_is_not_finite_stops_the_training(
    setup, tmp_path, monkeypatch, name, value, problem
):
    monkeypatch.setattr(training, "_COPIED", {})
    broken_network(monkeypatch, name, value)
    message = rf"student stopped in epoch 1, batch 1 \(step 1\): {problem}.*not finite: {name}"
    with pytest.raises(TrainingError, match=message):
        train_model(setup, tmp_path)
    tensors, meta = read_checkpoint(tmp_path / "stopped.pt")
    assert meta["stage"] == "student"
    assert tensors["state/values"].isnan().sum() == 1


def test_a_gradient_that_is_not_finite_stops_before_the_step(setup, tmp_path, monkeypatch):
    loss = training.olfactory_loss

    def steep(out, labels, sparsity_weight=0.0):
        return loss(out, labels, sparsity_weight) + torch.sqrt(out.logits.sum() * 0.0)

    monkeypatch.setattr(training, "olfactory_loss", steep)
    message = r"norm of the gradient nan; not finite: .*decoder\.weight"
    with pytest.raises(TrainingError, match=message):
        train_model(setup, tmp_path)
    tensors, _ = read_checkpoint(tmp_path / "stopped.pt")
    assert tensors["state/values"].isfinite().all()


# --- files ----------------------------------------------------------------------------------------


def test_weights_are_read_by_published_names(setup, trained, shared):
    model = load_model(trained, setup)
    found = read_parameters(trained / "weights.pt")
    assert list(found) == list(model.student)
    np.testing.assert_array_equal(found["decoder.weight"], model.student["decoder.weight"])
    assert list(read_teacher(trained / "weights.pt")) == list(model.teacher)
    golden = shared / "golden" / "olfactory_seed42.npz"
    assert set(read_parameters(golden)) == set(found)
    assert read_teacher(golden) is None


def test_state_dicts_of_other_programs_are_read(tmp_path):
    state = {"decoder.bias": torch.zeros(28)}
    for number, content in enumerate([state, {"epoch": 3, "model_state_dict": state}]):
        torch.save(content, tmp_path / f"{number}.pt")
        assert list(read_parameters(tmp_path / f"{number}.pt")) == ["decoder.bias"]


def test_checkpoints_that_would_run_code_are_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.system, ("true",))

    torch.save({"x": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(FileFormatError, match="more than tensors"):
        read_parameters(tmp_path / "evil.pt")


@pytest.mark.parametrize("name", ["short.pt", "short.npz"])
def test_damaged_files_are_named(trained, tmp_path, name):
    whole = (trained / "weights.pt").read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileFormatError, match=name):
        read_parameters(tmp_path / name)


def test_missing_foreign_and_newer_checkpoints_are_told_apart(tmp_path):
    with pytest.raises(RecordingNotFoundError, match="does not exist"):
        read_checkpoint(tmp_path / "absent.pt")
    torch.save({"a": torch.zeros(1)}, tmp_path / "foreign.pt")
    with pytest.raises(FileFormatError, match="no checkpoint of this study"):
        read_checkpoint(tmp_path / "foreign.pt")
    torch.save({"a": 1}, tmp_path / "empty.pt")
    with pytest.raises(FileFormatError, match="no named parameters"):
        read_parameters(tmp_path / "empty.pt")
    write_checkpoint(tmp_path / "new.pt", {}, {})
    content = torch.load(tmp_path / "new.pt", weights_only=True)
    torch.save({**content, "version": 99}, tmp_path / "new.pt")
    with pytest.raises(UnsupportedVersionError, match="version 99"):
        read_checkpoint(tmp_path / "new.pt")


def test_models_of_a_folder_are_found_by_seed(tmp_path):
    with pytest.raises(RecordingNotFoundError, match="holds no"):
        find_weights(tmp_path)
    for name in ("a_seed7.npz", "b_seed3.pt"):
        (tmp_path / name).touch()
    assert [seed for seed, _ in find_weights(tmp_path)] == [3, 7]
    assert find_weights(tmp_path / "a_seed7.npz")[0][0] == 7
    (tmp_path / "c_seed7.npz").touch()
    with pytest.raises(InvalidArgumentError, match="both have seed 7"):
        find_weights(tmp_path)
    for seed in (1, 2):
        run = tmp_path / "runs" / "canonical" / f"seed{seed}"
        run.mkdir(parents=True)
        (run / "weights.pt").touch()
    assert [seed for seed, _ in find_weights(tmp_path)] == [1, 2]
