"""The study as resumable jobs: what ``cofire olfaction`` calls."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cofire._validate import integer, one_of
from cofire.errors import InvalidArgumentError
from cofire.studies._folder import (
    LogFile,
    Provenance,
    check_folder,
    check_formats,
    describe_files,
    make_folder,
)
from cofire.studies._progress import Progress
from cofire.studies.larval_olfaction.checkpoint import find_weights
from cofire.studies.larval_olfaction.conditions import CONDITIONS
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.experiments import EXPERIMENTS, POSTHOC, VARIANTS, Experiment
from cofire.studies.larval_olfaction.output import write_numbers
from cofire.studies.larval_olfaction.page import write_page
from cofire.studies.larval_olfaction.pool import perform_all
from cofire.studies.larval_olfaction.study import StudyResult, collect
from cofire.studies.larval_olfaction.tasks import Job, Task

_log = logging.getLogger("cofire.studies.larval_olfaction")
_LIBRARIES = ("torch", "numpy", "scipy", "pandas", "scikit-learn")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a job is run; nothing here changes a number.

    Attributes
    ----------
    weights : path, optional
        Models to evaluate instead of trained ones (see :func:`find_weights`).
    processes : int
        At a time, one thread each.
    overwrite : bool
        Move an existing folder aside (``out.old-<time>``) and start afresh.
    command : str, optional
        Stored in provenance.json.
    progress : callable (text, done, of), optional
    formats : tuple of str
        Of figures.
    """

    weights: str | Path | None = None
    processes: int = 1
    overwrite: bool = False
    command: str | None = None
    progress: Progress | None = field(default=None, compare=False)
    formats: tuple[str, ...] = ("png", "svg")

    def __post_init__(self) -> None:
        integer(self.processes, "processes", 1)
        check_formats(self.formats)


def train(
    data: str | Path,
    out: str | Path,
    config: OlfactionConfig | None = None,
    *,
    conditions: Sequence[str] = ("canonical",),
    **options: Any,
) -> StudyResult:
    """Train models and evaluate them; repeat the call to go on.

    Parameters
    ----------
    data : path
        Folder of the prepared data set (npz and odor table).
    out : path
        New or empty, or the folder of an earlier run with the same settings: then what it did is
        kept.
    config : OlfactionConfig, optional
    conditions : sequence of str
        Keys of :data:`CONDITIONS`.
    **options
        Fields of :class:`RunOptions`, except `weights`.

    Returns
    -------
    StudyResult

    Raises
    ------
    InvalidArgumentError
        `out` holds something else, or a run with other settings (they are listed).
    RecordingError
        The data set is missing or damaged.
    """
    if options.get("weights") is not None:
        raise InvalidArgumentError("weights: training starts from none; leave it out")
    for name in conditions:
        one_of(name, "conditions", tuple(CONDITIONS))
    wanted = [
        Experiment(name=name, title=CONDITIONS[name].title, variants=(name,)) for name in conditions
    ]
    return run(data, out, config, experiments=wanted, **options)


def evaluate(
    data: str | Path, out: str | Path, config: OlfactionConfig | None = None, **options: Any
) -> StudyResult:
    """Compute every metric of the canonical models; parameters as of :func:`train`."""
    return run(data, out, config, experiments=[EXPERIMENTS["canonical"]], **options)


def ablate(
    data: str | Path,
    out: str | Path,
    config: OlfactionConfig | None = None,
    *,
    retrain: bool = False,
    **options: Any,
) -> StudyResult:
    """Ablate canonical models after training and, with `retrain`, models during training (R3)."""
    source = EXPERIMENTS if retrain else POSTHOC
    return run(data, out, config, experiments=[source["ablations"]], **options)


def mixtures(
    data: str | Path, out: str | Path, config: OlfactionConfig | None = None, **options: Any
) -> StudyResult:
    """Present mixtures of odors to the canonical models (R5)."""
    return run(data, out, config, experiments=[EXPERIMENTS["mixtures"]], **options)


def consistency(
    data: str | Path, out: str | Path, config: OlfactionConfig | None = None, **options: Any
) -> StudyResult:
    """Compare canonical models, and their teachers, across seeds (R2)."""
    return run(data, out, config, experiments=[EXPERIMENTS["consistency"]], **options)


def complexity(
    data: str | Path, out: str | Path, config: OlfactionConfig | None = None, **options: Any
) -> StudyResult:
    """Train models on tasks of 7 to 56 odors (R6)."""
    return run(data, out, config, experiments=[EXPERIMENTS["complexity"]], **options)


def run_all(
    data: str | Path,
    out: str | Path,
    config: OlfactionConfig | None = None,
    *,
    scale: str = "canonical",
    **options: Any,
) -> StudyResult:
    """Do the whole study.

    Parameters
    ----------
    data, out, config, **options
        As of :func:`train`.
    scale : {"canonical", "fast", "heavy"}
        Train the canonical models and do all that needs no other training; the same with given
        `weights` and no training at all; or everything, every training included.
    """
    one_of(scale, "scale", ("canonical", "fast", "heavy"))
    given = options.get("weights") is not None
    if given != (scale == "fast"):
        raise InvalidArgumentError(
            "weights: name the models to evaluate"
            if not given
            else f'weights: given models are evaluated with scale="fast", not {scale!r}'
        )
    if scale == "heavy":
        return run(data, out, config, experiments=list(EXPERIMENTS.values()), **options)
    names = ("canonical", "consistency", "mixtures")
    chosen = [*(EXPERIMENTS[name] for name in names), *POSTHOC.values()]
    return run(data, out, config, experiments=chosen, **options)


def run(
    data: str | Path,
    out: str | Path,
    config: OlfactionConfig | None = None,
    *,
    experiments: Sequence[Experiment],
    **options: Any,
) -> StudyResult:
    """Train what experiments need, evaluate it, and write numbers, figures and the report page.

    Parameters
    ----------
    data, out, config, **options
        As of :func:`train`.
    experiments : sequence of Experiment
    """
    chosen, how = config or OlfactionConfig(), RunOptions(**options)
    begun = time.perf_counter()
    given = () if how.weights is None else find_weights(how.weights)
    job = Job(Path(data), Path(out), chosen, given)
    _check_experiments(job, experiments)
    source = _describe(job)
    # Read before anything is written or moved.
    _log.debug("%r", job.material)
    for seed, _ in given:
        job.given(seed)
    check_folder(job.out, chosen, source, how.overwrite)
    make_folder(job.out, how.overwrite)
    with LogFile(job.out / "log.txt"):
        provenance = Provenance(
            chosen.section,
            job.out,
            chosen,
            source,
            how.command,
            how.processes,
            how.formats,
            _LIBRARIES,
        )
        provenance.write(None)
        failures = _perform(job, experiments, how)
        seconds = time.perf_counter() - begun
        result = collect(job, failures=tuple(failures), seconds=seconds)
        write_numbers(result)
        provenance.write(seconds)
        write_page(result, how.formats)
        _log.info("done in %.1f s, %d failures", seconds, len(failures))
    return result


def planned_tasks(job: Job, experiments: Iterable[Experiment]) -> tuple[list[Task], list[Task]]:
    """Trainings and evaluations that experiments need, done or not.

    Returns
    -------
    (list of Task, list of Task)
        Trainings (none with given weights), and evaluations.
    """
    trainings: dict[Task, None] = {}
    evaluations: dict[Task, None] = {}
    for experiment in experiments:
        for name in experiment.variants:
            condition = VARIANTS[name].condition
            for seed in _seeds(job, condition):
                if not job.weights:
                    trainings[Task("train", condition, seed)] = None
                evaluations[Task("evaluate", name, seed)] = None
        if experiment.mixtures:
            for seed in _seeds(job, "canonical"):
                evaluations[Task("mixtures", "canonical", seed)] = None
    return list(trainings), list(evaluations)


def _seeds(job: Job, condition: str) -> tuple[int, ...]:
    if job.weights:
        return tuple(seed for seed, _ in job.weights)
    return job.config.seeds if condition == "canonical" else job.config.retrained_seeds


def _perform(job: Job, experiments: Sequence[Experiment], how: RunOptions) -> list[tuple[str, str]]:
    trainings, evaluations = planned_tasks(job, experiments)
    failures: list[tuple[str, str]] = []
    for tasks in (trainings, evaluations):
        left = [t for t in tasks if not job.is_done(t) and _possible(job, t)]
        if len(left) < len(tasks):
            _log.info("%d of %d tasks are left", len(left), len(tasks))
        try:
            failures += perform_all(job, left, processes=how.processes, progress=how.progress)
        except KeyboardInterrupt:
            _log.warning("interrupted; what is done is kept")
            raise
    return failures


def _possible(job: Job, task: Task) -> bool:
    """Whether the model of an evaluation exists (its training may have failed)."""
    if task.kind == "train" or job.weights:
        return True
    condition = VARIANTS[task.name].condition
    return job.is_done(Task("train", condition, task.seed))


def _check_experiments(job: Job, experiments: Sequence[Experiment]) -> None:
    if not job.weights:
        return
    for experiment in experiments:
        for condition in experiment.conditions:
            if condition != "canonical":
                raise InvalidArgumentError(
                    f"weights: {experiment.name} trains {condition}; given weights serve "
                    "evaluation, ablation after training, mixtures and consistency"
                )


def _describe(job: Job) -> dict[str, Any]:
    """Path, size and checksum of the data, with those of an own panel and of given weights."""
    source = describe_files(
        job.data, "data", "give the folder of the prepared set larval_olfaction (cofire data list)"
    )
    others = [path for _, path in job.weights]
    others += [Path(p) for p in (job.config.panel, job.config.connectome) if p is not None]
    if others:
        parts = [describe_files(path, "file", "check its name") for path in others]
        source["others"] = parts
        digests = [p["sha256_names_and_contents"] for p in (source, *parts)]
        joined = hashlib.sha256(" ".join(digests).encode()).hexdigest()
        source["sha256_names_and_contents"] = joined
    return source
