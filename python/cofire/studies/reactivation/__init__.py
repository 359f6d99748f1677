"""Assemblies of a task and their reactivation afterwards: the study, step by step or as one job."""

from __future__ import annotations

from cofire.studies.reactivation.alias import AssemblyReact
from cofire.studies.reactivation.config import ReactivationConfig
from cofire.studies.reactivation.results import (
    JointResponse,
    PairwiseCorrelations,
    PeriEventResponse,
    ReactivationEffect,
    StrongestActivations,
    UnitResponses,
)
from cofire.studies.reactivation.run import RunResult, run
from cofire.studies.reactivation.selection import Selection, resolve_intervals, select
from cofire.studies.reactivation.steps import (
    activation_traces,
    detect_assemblies,
    event_responses,
    joint_response,
    pairwise_correlations,
    peri_event_response,
    reactivation_effect,
    strongest_activations,
    unit_responses,
)
from cofire.studies.reactivation.workflow import Reactivation

__all__ = [
    "AssemblyReact",
    "JointResponse",
    "PairwiseCorrelations",
    "PeriEventResponse",
    "Reactivation",
    "ReactivationConfig",
    "ReactivationEffect",
    "RunResult",
    "Selection",
    "StrongestActivations",
    "UnitResponses",
    "activation_traces",
    "detect_assemblies",
    "event_responses",
    "joint_response",
    "pairwise_correlations",
    "peri_event_response",
    "reactivation_effect",
    "resolve_intervals",
    "run",
    "select",
    "strongest_activations",
    "unit_responses",
]
