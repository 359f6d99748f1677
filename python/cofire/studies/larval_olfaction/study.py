"""Everything that a run has computed so far, gathered from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cofire._validate import AnyArray
from cofire.studies._store import read_steps
from cofire.studies.larval_olfaction import metrics
from cofire.studies.larval_olfaction.checkpoint import read_teacher
from cofire.studies.larval_olfaction.comparison import (
    GROUPS,
    compare_models,
    consistency,
    in_units,
)
from cofire.studies.larval_olfaction.conditions import CONDITIONS
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.data import OdorPanel
from cofire.studies.larval_olfaction.experiments import EXPERIMENTS, VARIANTS
from cofire.studies.larval_olfaction.paper import PaperComparison, compare_with_paper
from cofire.studies.larval_olfaction.results import (
    Consistency,
    Evaluation,
    MixtureCoding,
    ModelComparison,
    ThresholdScaling,
    TrainingHistory,
)
from cofire.studies.larval_olfaction.scores import ACROSS, ScoreTable
from cofire.studies.larval_olfaction.tasks import Job, Task

Parameters = dict[str, AnyArray]

_NANO = {
    "g_soma": "kc_layer.kc_neurons.log_g_soma",
    "gap_ln": "antennal_lobe.log_g_gap_ln",
    "gap_pn": "antennal_lobe.log_g_gap_pn",
    "gap_eln_pn": "antennal_lobe.log_g_gap_eln_pn",
}


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What a run left behind, whole or in part.

    Attributes
    ----------
    out : Path
    config : OlfactionConfig
    panel : OdorPanel
    students, teachers : dict of str to dict of int to dict of str to ndarray
        Trained (or given) parameters by condition, seed and published name.
    histories : dict of str to dict of int to TrainingHistory
        By condition and seed; empty for given weights.
    evaluations : dict of str to dict of int to Evaluation
        By variant and seed.
    mixtures : dict of int to MixtureCoding
        Of the canonical models, by seed.
    comparison : ModelComparison or None
        Of the canonical models, from two evaluated ones on.
    consistency : Consistency or None
        The same with their teachers.
    scaling : ThresholdScaling or None
        From two sizes of the task on.
    scores : ScoreTable
        Every number.
    paper : PaperComparison
        The published ones beside them.
    failures : tuple of (str, str)
        Tasks that failed, and why.
    seconds : float
        Time taken by the last call.
    """

    out: Path
    config: OlfactionConfig
    panel: OdorPanel
    students: dict[str, dict[int, Parameters]]
    teachers: dict[str, dict[int, Parameters]]
    histories: dict[str, dict[int, TrainingHistory]]
    evaluations: dict[str, dict[int, Evaluation]]
    mixtures: dict[int, MixtureCoding]
    comparison: ModelComparison | None
    consistency: Consistency | None
    scaling: ThresholdScaling | None
    scores: ScoreTable
    paper: PaperComparison
    failures: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    def stored(self) -> dict[str, Any]:
        """Results that :func:`cofire.load` brings back."""
        return {
            "panel": self.panel,
            "histories": self.histories,
            "evaluations": self.evaluations,
            "mixtures": self.mixtures,
            "comparison": self.comparison,
            "consistency": self.consistency,
            "scaling": self.scaling,
            "scores": self.scores,
            "paper": self.paper,
        }

    def __repr__(self) -> str:
        n = sum(len(by_seed) for by_seed in self.evaluations.values())
        return f"StudyResult({n} evaluations, {self.paper!r}, {self.out})"


def collect(
    job: Job, *, failures: tuple[tuple[str, str], ...] = (), seconds: float = 0.0
) -> StudyResult:
    """Read everything that the folder of a run holds."""
    students, teachers, histories = _given(job) if job.weights else _trained(job)
    steps = read_steps(job.out)
    evaluations: dict[str, dict[int, Evaluation]] = {}
    for variant in VARIANTS:
        by_seed = _by_seed(job, steps, "evaluate", variant)
        if by_seed:
            evaluations[variant] = by_seed
    mixtures = _by_seed(job, steps, "mixtures", "canonical")
    comparison = _comparison(job, students.get("canonical", {}), evaluations.get("canonical", {}))
    agreement = _consistency(students.get("canonical", {}), teachers.get("canonical", {}))
    scores = ScoreTable.of(_scores(students, evaluations, mixtures, comparison, agreement))
    return StudyResult(
        job.out,
        job.config,
        job.material.panel,
        students,
        teachers,
        histories,
        evaluations,
        mixtures,
        comparison,
        agreement,
        _scaling(job, students),
        scores,
        compare_with_paper(scores, protocol=job.config.protocol),
        failures,
        seconds,
    )


def _trained(job: Job) -> tuple[Any, Any, Any]:
    students: dict[str, dict[int, Parameters]] = {}
    teachers: dict[str, dict[int, Parameters]] = {}
    histories: dict[str, dict[int, TrainingHistory]] = {}
    for condition in CONDITIONS:
        for seed in dict.fromkeys((*job.config.seeds, *job.config.retrained_seeds)):
            if job.is_done(Task("train", condition, seed)):
                model = job.model(condition, seed)
                students.setdefault(condition, {})[seed] = model.student
                teachers.setdefault(condition, {})[seed] = model.teacher
                histories.setdefault(condition, {})[seed] = model.history
    return students, teachers, histories


def _given(job: Job) -> tuple[Any, Any, Any]:
    students = {seed: job.given(seed) for seed, _ in job.weights}
    teachers = {seed: read_teacher(path) for seed, path in job.weights}
    known = {seed: t for seed, t in teachers.items() if t is not None}
    return {"canonical": students}, ({"canonical": known} if known else {}), {}


def _by_seed(job: Job, steps: Mapping[str, Any], kind: str, name: str) -> dict[int, Any]:
    seeds = dict.fromkeys(
        (*(s for s, _ in job.weights), *job.config.seeds, *job.config.retrained_seeds)
    )
    tasks = {seed: Task(kind, name, seed).step for seed in seeds}
    return {seed: steps[step] for seed, step in tasks.items() if step in steps}


def _comparison(
    job: Job, students: Mapping[int, Parameters], evaluations: Mapping[int, Evaluation]
) -> ModelComparison | None:
    patterns = {s: e.kc_patterns for s, e in evaluations.items() if e.kc_patterns is not None}
    seeds = [seed for seed in students if seed in patterns]
    if len(seeds) < 2:
        return None
    return compare_models(
        {seed: students[seed] for seed in seeds},
        np.array([patterns[seed] for seed in seeds]),
        job.config,
    )


def _consistency(
    students: Mapping[int, Parameters], teachers: Mapping[int, Parameters]
) -> Consistency | None:
    seeds = [seed for seed in students if seed in teachers]
    if len(seeds) < 2:
        return None
    return consistency({s: teachers[s] for s in seeds}, {s: students[s] for s in seeds})


def _scaling(job: Job, students: Mapping[str, Mapping[int, Parameters]]) -> ThresholdScaling | None:
    sizes = {}
    for name in EXPERIMENTS["complexity"].conditions:
        n = CONDITIONS[name].n_odors or job.material.panel.n_odors
        if name in students:
            sizes[n] = {s: _thresholds(p)["kc_upper"] / 100 for s, p in students[name].items()}
    if len(sizes) < 2:
        return None
    seeds = sorted(set().union(*sizes.values()))
    return ThresholdScaling(
        np.array(sorted(sizes), dtype=np.int64),
        np.array(seeds, dtype=np.int64),
        np.array([[sizes[n].get(seed, np.nan) for seed in seeds] for n in sorted(sizes)]),
    )


def _thresholds(parameters: Parameters) -> dict[str, float]:
    """Shares (%) of thresholds at the bounds that the study reports."""
    shares = {
        name: metrics.threshold_shares(parameters[GROUPS[name]]) for name in ("kc", "ln", "pn")
    }
    return {
        "kc_upper": 100 * shares["kc"][2],
        "ln_lower": 100 * shares["ln"][0],
        "pn_interior": 100 * shares["pn"][1],
    }


def _scores(
    students: Mapping[str, Mapping[int, Parameters]],
    evaluations: Mapping[str, Mapping[int, Evaluation]],
    mixtures: Mapping[int, MixtureCoding],
    comparison: ModelComparison | None,
    agreement: Consistency | None,
) -> dict[tuple[str, int], dict[str, float]]:
    found: dict[tuple[str, int], dict[str, float]] = {}
    for variant, by_seed in evaluations.items():
        for seed, evaluation in by_seed.items():
            found[variant, seed] = evaluation.scalars()
    for condition, models in students.items():
        for seed, parameters in models.items():
            numbers = found.setdefault((condition, seed), {})
            numbers |= _thresholds(parameters)
            numbers |= {
                name: 1e9 * in_units(source, float(np.ravel(parameters[source])[0]))
                for name, source in _NANO.items()
            }
    for seed, coding in mixtures.items():
        found.setdefault(("canonical", seed), {}).update(coding.scalars())
    across: dict[str, float] = {}
    if comparison is not None:
        across |= {
            "kc_similarity": float(np.mean(comparison.kc_similarity)),
            "parameter_r": comparison.headline,
            "concatenated_r": comparison.concatenated,
            "largest_scalar_cv": 100 * float(np.max(comparison.variation)),
        }
    if agreement is not None:
        across |= _agreement_scores(agreement)
    if across:
        found["canonical", ACROSS] = across
    return found


def _agreement_scores(agreement: Consistency) -> dict[str, float]:
    columns = {
        "teacher": agreement.teacher,
        "student": agreement.student,
        "drift": agreement.drift.mean(axis=0),
    }
    return {
        f"{stage}_{group}": float(value)
        for stage, values in columns.items()
        for group, value in zip(agreement.groups, values, strict=True)
        if np.isfinite(value)
    }
