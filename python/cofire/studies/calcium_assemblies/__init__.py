"""Detectors of assemblies side by side on a calcium recording: ``cofire assemblies``."""

from __future__ import annotations

from cofire.studies.calcium_assemblies.config import CalciumConfig
from cofire.studies.calcium_assemblies.detect import DetectorRun, join_runs, run_detector
from cofire.studies.calcium_assemblies.output import finding, write_output
from cofire.studies.calcium_assemblies.run import RunResult, run
from cofire.studies.calcium_assemblies.source import CalciumMaterial, read_calcium

__all__ = [
    "CalciumConfig",
    "CalciumMaterial",
    "DetectorRun",
    "RunResult",
    "finding",
    "join_runs",
    "read_calcium",
    "run",
    "run_detector",
    "write_output",
]
