"""From wiring and odors to a trained model: teacher, transfer, student, resumable at any epoch."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from cofire._validate import AnyArray
from cofire.errors import InvalidArgumentError, TrainingError
from cofire.nn import olfactory_loss
from cofire.studies._progress import Progress
from cofire.studies.larval_olfaction.checkpoint import read_checkpoint, write_checkpoint
from cofire.studies.larval_olfaction.conditions import Condition
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.evaluation import apl_suppression, decoder_test
from cofire.studies.larval_olfaction.optimizer import FlatAdam
from cofire.studies.larval_olfaction.results import TrainingHistory
from cofire.studies.larval_olfaction.setup import Setup
from cofire.studies.larval_olfaction.teacher import Teacher, teacher_loss

_log = logging.getLogger("cofire.studies.larval_olfaction")

WEIGHTS, CHECKPOINT, HISTORY, STOPPED = "weights.pt", "checkpoint.pt", "history.csv", "stopped.pt"
_TEST_SAMPLES, _APL_TRIALS = 5, 20
_COPIED = {
    "or_to_orn.or_gains": "or_to_orn.or_gains",
    "decoder.weight": "decoder.weight",
    "decoder.bias": "decoder.bias",
}
_APL_GAIN = "kc_layer.apl.apl_gain"
_APL = (_APL_GAIN, "kc_layer.apl.kc_apl_log_strength", "kc_layer.apl.kc_dend_gain")
_COLUMNS = ("epoch", "stage", "loss", "accuracy", "test_accuracy", "sparsity", "apl_ratio")

Row = list[Any]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A student, the teacher it came from, and the course of both trainings.

    Attributes
    ----------
    condition : Condition
    seed : int
    student, teacher : dict of str to ndarray
        Parameters by published names.
    history : TrainingHistory
    """

    condition: Condition
    seed: int
    student: dict[str, AnyArray]
    teacher: dict[str, AnyArray]
    history: TrainingHistory

    def __repr__(self) -> str:
        return f"TrainedModel({self.condition.name}, seed {self.seed}, {self.history!r})"


def train_model(
    setup: Setup, folder: str | Path, *, progress: Progress | None = None
) -> TrainedModel:
    """Train teacher and student, or go on where an earlier call was stopped.

    After every epoch the state (parameters, moments of Adam, random stream) is stored in one
    move, so that a training killed at any time ends with the same bits when it is called again.

    Parameters
    ----------
    setup : Setup
    folder : path
        Gets ``checkpoint.pt`` during training, ``weights.pt`` and ``history.csv`` at its end.
    progress : callable (text, done, of), optional
        Called after every epoch.

    Returns
    -------
    TrainedModel

    Raises
    ------
    TrainingError
        Loss or gradient is not finite: the step and the parameters are named, the state at that
        moment is kept in ``stopped.pt``.
    InvalidArgumentError
        The folder holds a training with other settings.
    """
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    if (where / WEIGHTS).is_file():
        return load_model(where, setup)
    generator = torch.Generator().manual_seed(setup.seed)
    run = _Run(setup, where, generator, progress)
    teacher = setup.teacher(generator)
    stored = run.stored()
    first = _TeacherStage(teacher, setup)
    if stored is None or stored.stage == first.name:
        run.fit(first, stored)
        stored = None
    else:
        teacher.load_published(stored.model("teacher"))
    network = setup.network()
    transfer(teacher, network, setup.config.apl_boost)
    run.teacher = _arrays(teacher)
    run.fit(_StudentStage(network, setup), stored)
    return run.finish(network)


def transfer(teacher: Teacher, network: Any, apl_boost: float = 4.0) -> None:
    """Copy receptor gains and decoder from a teacher, and its APL gain times `apl_boost`."""
    theirs, own = teacher.published_parameters(), network.published_parameters()
    with torch.no_grad():
        for source, target in _COPIED.items():
            own[target].copy_(theirs[source])
        own[_APL_GAIN].copy_(apl_boost * theirs[_APL_GAIN])


def load_model(folder: str | Path, setup: Setup) -> TrainedModel:
    """Read a finished training.

    Raises
    ------
    RecordingNotFoundError
        It is not finished, or there is none.
    InvalidArgumentError
        It was trained with other settings.
    """
    tensors, meta = read_checkpoint(Path(folder) / WEIGHTS)
    _check_key(meta["key"], setup.key(), Path(folder))
    return TrainedModel(
        setup.condition,
        setup.seed,
        _part(tensors, "student"),
        _part(tensors, "teacher"),
        _history(meta["history"]),
    )


class _Stage(Protocol):
    """One of the two trainings."""

    name: str
    noisy: bool
    epochs: int
    optimizer: FlatAdam

    def loss(self, odors: Tensor, labels: Tensor, epoch: int, seed: int) -> tuple[Tensor, Tensor]:
        """Loss and logits of a batch."""

    def test(self, epoch: int) -> tuple[float, float, float]:
        """Accuracy, sparsity and APL ratio of a noisy test."""


class _TeacherStage:
    name, noisy = "teacher", False

    def __init__(self, teacher: Teacher, setup: Setup) -> None:
        self._teacher, self._setup = teacher, setup
        self.epochs = setup.config.teacher_epochs
        parameters = teacher.published_parameters()
        self.optimizer = FlatAdam(
            parameters, dict.fromkeys(parameters, setup.config.teacher_learning_rate)
        )

    def loss(self, odors: Tensor, labels: Tensor, epoch: int, seed: int) -> tuple[Tensor, Tensor]:
        logits, kc = self._teacher(odors)
        return teacher_loss(logits, kc, labels), logits

    def test(self, epoch: int) -> tuple[float, float, float]:
        setup = self._setup
        rng = np.random.default_rng([setup.seed, epoch])
        inputs = setup.noisy(_TEST_SAMPLES, rng)
        with torch.no_grad():
            logits, kc = self._teacher(torch.from_numpy(inputs.reshape(-1, inputs.shape[2])))
        labels = torch.arange(setup.panel.n_odors).repeat_interleave(_TEST_SAMPLES)
        hits = (logits.argmax(dim=1) == labels).float().mean()
        return float(hits), float((kc > 0).float().mean()), math.nan


class _StudentStage:
    name, noisy = "student", True

    def __init__(self, network: Any, setup: Setup) -> None:
        self._network, self._setup = network, setup
        config = setup.config
        self.epochs = config.epochs
        parameters = network.published_parameters()
        rates = _rates(network, parameters, config)
        self.optimizer = FlatAdam(
            parameters, rates, clip_norm=config.clip_norm, project=network.clamp_
        )

    def loss(self, odors: Tensor, labels: Tensor, epoch: int, seed: int) -> tuple[Tensor, Tensor]:
        condition, config = self._setup.condition, self._setup.config
        out = self._network(
            odors,
            mode="soft",
            noise=True,
            seed=seed,
            n_steps=config.n_steps,
            ablate=condition.ablate,
        )
        ramp = min(1.0, epoch / config.ramp_epochs)
        weight = config.sparsity_weight * ramp if condition.sparsity else 0.0
        total = olfactory_loss(out, labels, sparsity_weight=weight)
        if condition.energy != "none":
            total = total + condition.energy_weight * ramp * energy(
                out, condition.energy, config.n_steps
            )
        return total, out.logits

    def test(self, epoch: int) -> tuple[float, float, float]:
        setup, config = self._setup, self._setup.config
        common: dict[str, Any] = {
            "seed": setup.seed + epoch,
            "ablate": setup.condition.ablate,
            "n_steps": config.n_steps,
        }
        accuracy, sparsity, _ = decoder_test(
            self._network, setup.panel, _TEST_SAMPLES, noise=config.input_noise, **common
        )
        apl = apl_suppression(
            self._network,
            len(setup.panel.receptors),
            _APL_TRIALS,
            injection=config.injection,
            **common,
        )
        return accuracy, sparsity, apl.ratio


def energy(out: Any, kind: str, n_steps: int) -> Tensor:
    """Mean rate (spikes a step) of KCs, or averaged over the four spiking populations.

    Parameters
    ----------
    out : result of OlfactoryNetwork
    kind : {"kc", "all"}
    n_steps : int
    """
    names = ("kc_count",) if kind == "kc" else ("orn_count", "ln_count", "pn_count", "kc_count")
    return torch.stack([getattr(out, name).mean() for name in names]).mean() / n_steps


@dataclass(frozen=True, slots=True)
class _Stored:
    """A checkpoint in the middle of a training."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]

    @property
    def stage(self) -> str:
        return str(self.meta["stage"])

    def model(self, which: str) -> dict[str, AnyArray]:
        return _part(self.tensors, which)


class _Run:
    """One training on its way."""

    def __init__(
        self, setup: Setup, folder: Path, generator: torch.Generator, progress: Progress | None
    ) -> None:
        self._setup, self._folder, self._generator = setup, folder, generator
        self._progress = progress
        self._rows: list[Row] = []
        self.teacher: dict[str, AnyArray] = {}
        self._odors = torch.from_numpy(setup.panel.responses)

    def stored(self) -> _Stored | None:
        path = self._folder / CHECKPOINT
        if not path.is_file():
            return None
        tensors, meta = read_checkpoint(path)
        _check_key(meta["key"], self._setup.key(), self._folder)
        self._rows = meta["history"]
        self._generator.set_state(tensors["generator"])
        return _Stored(tensors, meta)

    def fit(self, stage: _Stage, stored: _Stored | None) -> None:
        """Train one stage from its beginning or from a checkpoint."""
        begin = 0
        if stored is not None:
            begin = stored.meta["epoch"]
            state = {k.removeprefix("state/"): v for k, v in stored.tensors.items()}
            stage.optimizer.load_state(state, stored.meta["steps"])
        for epoch in range(begin, stage.epochs):
            loss, accuracy = self._epoch(stage, epoch)
            due = (epoch + 1) % self._setup.config.monitor_every == 0 or epoch + 1 == stage.epochs
            test = stage.test(epoch) if due else (math.nan,) * 3
            self._rows.append([epoch + 1, stage.name, loss, accuracy, *test])
            self._save(stage, epoch + 1)
            self._report(stage, epoch + 1, loss, accuracy)

    def _epoch(self, stage: _Stage, epoch: int) -> tuple[float, float]:
        """One pass over fresh noisy samples: mean loss and accuracy."""
        config, optimizer = self._setup.config, stage.optimizer
        odors, labels, seeds = self._samples(stage)
        losses: list[float] = []
        hits = torch.zeros((), dtype=torch.int64)
        split = (torch.split(t, config.batch_size) for t in (odors, labels))
        batches = zip(*split, seeds, strict=True)
        for x, y, seed in batches:
            optimizer.zero_grad()
            try:
                loss, logits = stage.loss(x, y, epoch, seed)
            except InvalidArgumentError as error:
                # The network refuses parameters that are not finite.
                raise self._stopped(stage, epoch, len(losses), str(error)) from error
            value = loss.item()
            if not math.isfinite(value):
                raise self._stopped(stage, epoch, len(losses), f"loss {value:g}")
            torch.autograd.backward(loss)
            norm = optimizer.gradient_norm()
            if not math.isfinite(norm):
                raise self._stopped(stage, epoch, len(losses), f"norm of the gradient {norm:g}")
            optimizer.step(norm)
            losses.append(value)
            hits += (logits.detach().argmax(dim=1) == y).sum()
        return float(np.mean(losses)), float(hits) / len(labels)

    def _samples(self, stage: _Stage) -> tuple[Tensor, Tensor, list[int]]:
        """Odors, labels, and a seed per batch, from the stream as torch's loader draws them."""
        config, stream = self._setup.config, self._generator
        n_samples = len(self._odors) * config.repeats
        _, seed = torch.empty(2, dtype=torch.int64).random_(generator=stream).tolist()
        order = torch.randperm(n_samples, generator=torch.Generator().manual_seed(seed))
        labels = order // config.repeats
        clean = self._odors[labels]
        xi = torch.stack([torch.randn(clean.shape[1], generator=stream) for _ in range(n_samples)])
        odors = (clean * (1.0 + config.input_noise * xi)).clamp_(min=0.0)
        if not stage.noisy:
            return odors, labels, [0] * -(-n_samples // config.batch_size)
        seeds = torch.randint(2**62, (-(-n_samples // config.batch_size),), generator=stream)
        return odors, labels, seeds.tolist()

    def _save(self, stage: _Stage, epoch: int, name: str = CHECKPOINT) -> None:
        tensors = {
            "generator": self._generator.get_state(),
            **{f"state/{k}": v for k, v in stage.optimizer.state().items()},
            **_prefixed("teacher", self.teacher),
        }
        meta = {
            "key": self._setup.key(),
            "stage": stage.name,
            "epoch": epoch,
            "steps": stage.optimizer.steps,
            "history": self._rows,
        }
        write_checkpoint(self._folder / name, tensors, meta)

    def _stopped(self, stage: _Stage, epoch: int, batch: int, problem: str) -> TrainingError:
        """Keep the state and say where it is."""
        self._save(stage, epoch, STOPPED)
        names = stage.optimizer.not_finite()
        culprits = f"not finite: {', '.join(names)}" if names else "all parameters are finite"
        return TrainingError(
            f"{self._setup.label}: {stage.name} stopped in epoch {epoch + 1}, batch {batch + 1} "
            f"(step {stage.optimizer.steps + 1}): {problem}; {culprits}. State kept in "
            f"{self._folder / STOPPED}; a smaller learning rate may help"
        )

    def _report(self, stage: _Stage, epoch: int, loss: float, accuracy: float) -> None:
        if self._progress is None:
            return
        config = self._setup.config
        done = epoch + (config.teacher_epochs if stage.name == "student" else 0)
        text = f"{self._setup.label}: {stage.name}, loss {loss:.3f}, accuracy {accuracy:.0%}"
        self._progress(text, done, config.teacher_epochs + config.epochs)

    def finish(self, network: Any) -> TrainedModel:
        student = _arrays(network)
        tensors = _prefixed("student", student) | _prefixed("teacher", self.teacher)
        meta = {"key": self._setup.key(), "history": self._rows}
        history = _history(self._rows)
        history.to_frame().to_csv(self._folder / HISTORY, index=False)
        write_checkpoint(self._folder / WEIGHTS, tensors, meta)
        (self._folder / CHECKPOINT).unlink(missing_ok=True)
        _log.info("%s: trained", self._setup.label)
        return TrainedModel(self._setup.condition, self._setup.seed, student, self.teacher, history)


def _rates(
    network: Any, parameters: Mapping[str, Any], config: OlfactionConfig
) -> dict[str, float]:
    by_id = {
        id(parameter): float(group["lr"])
        for group in network.parameter_groups(config.learning_rate)
        for parameter in group["params"]
    }
    rates = {name: by_id[id(parameter)] for name, parameter in parameters.items()}
    return rates | dict.fromkeys(_APL, config.learning_rate * config.apl_rate)


def _arrays(model: Any) -> dict[str, AnyArray]:
    return {
        name: parameter.detach().numpy().copy()
        for name, parameter in model.published_parameters().items()
    }


def _prefixed(prefix: str, arrays: Mapping[str, AnyArray]) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": torch.from_numpy(np.array(a)) for name, a in arrays.items()}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, AnyArray]:
    start = f"{prefix}/"
    return {
        name.removeprefix(start): tensor.numpy()
        for name, tensor in tensors.items()
        if name.startswith(start)
    }


def _history(rows: list[Row]) -> TrainingHistory:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(_COLUMNS)
    epoch, stage, *rest = columns
    return TrainingHistory(
        np.array(epoch, dtype=np.int64), tuple(stage), *(np.array(c, dtype=float) for c in rest)
    )


def _check_key(stored: Mapping[str, Any], mine: Mapping[str, Any], folder: Path) -> None:
    changed = [
        f"{name}: {stored.get(name, 'absent')!r} -> {mine.get(name, 'absent')!r}"
        for name in sorted({*stored, *mine})
        if stored.get(name, "absent") != mine.get(name, "absent")
    ]
    if changed:
        raise InvalidArgumentError(
            f"{folder} holds a training with other settings: {'; '.join(changed)}; choose another "
            "folder or move it aside"
        )
