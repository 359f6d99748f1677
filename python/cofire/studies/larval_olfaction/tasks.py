"""Units of work of a run: one training, one evaluation; each writes its own files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from cofire._validate import AnyArray
from cofire.errors import FileFormatError, InvalidArgumentError
from cofire.studies._progress import Progress
from cofire.studies._store import has_step, write_step
from cofire.studies.larval_olfaction.checkpoint import read_parameters
from cofire.studies.larval_olfaction.conditions import CONDITIONS
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.data import Float32Array
from cofire.studies.larval_olfaction.evaluation import evaluate_model, noise_seed, run_trials
from cofire.studies.larval_olfaction.experiments import VARIANTS
from cofire.studies.larval_olfaction.mixtures import mixture_coding
from cofire.studies.larval_olfaction.setup import Material, Setup
from cofire.studies.larval_olfaction.training import (
    WEIGHTS,
    TrainedModel,
    load_model,
    train_model,
)

_QUIET_NOISE = {
    "voltage": 0.5e-3,
    "current": 5e-12,
    "synapse": 0.15,
    "threshold": 0.2e-3,
    "receptor": 0.05,
}
_OLDER_STEPS = 20


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of work.

    Attributes
    ----------
    kind : {"train", "evaluate", "mixtures"}
    name : str
        Condition of a training, variant of an evaluation.
    seed : int
    """

    kind: str
    name: str
    seed: int

    @property
    def step(self) -> str:
        """Name of the stored result."""
        return f"{self.kind}-{self.name}-seed{self.seed}"

    @property
    def label(self) -> str:
        """For messages."""
        return f"{self.kind} {self.name} seed {self.seed}"


@dataclass(frozen=True)
class Job:
    """What all tasks of a run share; a picklable description.

    Attributes
    ----------
    data, out : Path
        Folder of the prepared data set, and of the run.
    config : OlfactionConfig
    weights : tuple of (int, Path)
        Given models by seed; without any, those trained in the run.
    """

    data: Path
    out: Path
    config: OlfactionConfig
    weights: tuple[tuple[int, Path], ...] = ()

    @cached_property
    def material(self) -> Material:
        """Odors and counts, read once per process."""
        return Material.load(self.data, self.config)

    def setup(self, condition: str, seed: int) -> Setup:
        """What a training of this run starts from."""
        return Setup.make(self.material, CONDITIONS[condition], seed, self.config)

    def folder(self, condition: str, seed: int) -> Path:
        """Where a training keeps its files."""
        return self.out / "runs" / condition / f"seed{seed}"

    def is_done(self, task: Task) -> bool:
        """Whether an earlier run did a task."""
        if task.kind == "train":
            return (self.folder(task.name, task.seed) / WEIGHTS).is_file()
        return has_step(self.out, task.step)

    def model(self, condition: str, seed: int) -> TrainedModel:
        """A training that is done."""
        return load_model(self.folder(condition, seed), self.setup(condition, seed))

    def student(self, condition: str, seed: int) -> dict[str, AnyArray]:
        """Parameters of a trained or given model."""
        if not self.weights:
            return self.model(condition, seed).student
        if condition != "canonical":
            raise InvalidArgumentError(f"weights are of canonical models, not of {condition}")
        return self.given(seed)

    def given(self, seed: int) -> dict[str, AnyArray]:
        """Parameters of a given model; what else its file holds (buffers) is left out."""
        path = dict(self.weights)[seed]
        found = read_parameters(path)
        known = self.setup("canonical", seed).network().published_parameters()
        missing = [name for name in known if name not in found]
        if missing:
            raise FileFormatError(f"{path} lacks {', '.join(missing)}: no model of this study")
        return {name: found[name] for name in known}

    def perform(self, task: Task, progress: Progress | None = None) -> None:
        """Do a task and write its result, on one thread."""
        with one_thread():
            if task.kind == "train":
                setup = self.setup(task.name, task.seed)
                train_model(setup, self.folder(task.name, task.seed), progress=progress)
                return
            result = self._evaluate(task) if task.kind == "evaluate" else self._mixtures(task)
            write_step(self.out, task.step, result)
        if progress is not None:
            progress(task.label, 1, 1)

    def _evaluate(self, task: Task) -> Any:
        variant = VARIANTS[task.name]
        setup = self.setup(variant.condition, task.seed)
        return evaluate_model(
            setup.network(self.student(variant.condition, task.seed)),
            setup.panel,
            self.config,
            seed=task.seed,
            ablate=(*setup.condition.ablate, *variant.ablate),
            parts=variant.parts,
            additive=variant.posthoc and self.config.posthoc_noise == "additive",
        )

    def _mixtures(self, task: Task) -> Any:
        setup = self.setup("canonical", task.seed)
        parameters = self.student("canonical", task.seed)
        cells: Callable[[Float32Array], Float32Array] | None = None
        if self.config.protocol == "older":
            quiet = setup.network(parameters, noise=_QUIET_NOISE)
            seed = noise_seed(self.config, task.seed)

            def cells(inputs: Float32Array) -> Float32Array:
                return run_trials(
                    quiet, inputs, seed=seed, ablate=("nonad",), n_steps=_OLDER_STEPS
                ).kc

        return mixture_coding(
            setup.network(parameters), setup.panel, self.config, seed=task.seed, cells=cells
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread, so that sums do not depend on the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
