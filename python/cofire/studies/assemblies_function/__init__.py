"""What assemblies of a calcium recording do: the study, step by step or as one job."""

from __future__ import annotations

from cofire.studies.assemblies_function.config import FunctionConfig
from cofire.studies.assemblies_function.finding import finding
from cofire.studies.assemblies_function.output import write_output
from cofire.studies.assemblies_function.recordings import Recording, read_recording
from cofire.studies.assemblies_function.responses import (
    ClipDecoding,
    GratingResponses,
    TriggerPair,
    decode_clips,
    grating_responses,
    movie_clips,
    movie_triggers,
)
from cofire.studies.assemblies_function.run import RunResult, run
from cofire.studies.assemblies_function.sources import Material, Sources, read_material
from cofire.studies.assemblies_function.steps import (
    Detection,
    Reliability,
    Sparsity,
    Trials,
    detect,
    find_trials,
    grating_trials,
    isomap_coordinates,
    matched_ensembles,
    movie_trials,
    reliability,
    sparsity,
)
from cofire.studies.assemblies_function.stimuli import (
    GratingRows,
    MovieRows,
    Stimuli,
    read_stimuli,
)
from cofire.studies.assemblies_function.workflow import AssembliesFunction

__all__ = [
    "AssembliesFunction",
    "ClipDecoding",
    "Detection",
    "FunctionConfig",
    "GratingResponses",
    "GratingRows",
    "Material",
    "MovieRows",
    "Recording",
    "Reliability",
    "RunResult",
    "Sources",
    "Sparsity",
    "Stimuli",
    "TriggerPair",
    "Trials",
    "decode_clips",
    "detect",
    "find_trials",
    "finding",
    "grating_responses",
    "grating_trials",
    "isomap_coordinates",
    "matched_ensembles",
    "movie_clips",
    "movie_trials",
    "movie_triggers",
    "read_material",
    "read_recording",
    "read_stimuli",
    "reliability",
    "run",
    "sparsity",
    "write_output",
]
