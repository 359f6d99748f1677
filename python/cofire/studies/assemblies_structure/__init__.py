"""Functional assemblies and the connectome beneath them: the study, step by step or as one job."""

from __future__ import annotations

from cofire.studies.assemblies_structure.cell_classes import (
    ClassAgreement,
    class_agreement,
    class_wiring,
)
from cofire.studies.assemblies_structure.config import StructureConfig
from cofire.studies.assemblies_structure.finding import finding
from cofire.studies.assemblies_structure.membership import read_assemblies
from cofire.studies.assemblies_structure.network import (
    NetworkMeasures,
    cell_measures,
    network_measures,
)
from cofire.studies.assemblies_structure.output import write_output
from cofire.studies.assemblies_structure.run import RunResult, run
from cofire.studies.assemblies_structure.sources import Material, Sources, read_material
from cofire.studies.assemblies_structure.steps import (
    ConnectivityMap,
    TailAnalysis,
    assembly_breakdown,
    connectivity_map,
    distance_curve,
    tail_analysis,
)
from cofire.studies.assemblies_structure.wiring import read_connectome
from cofire.studies.assemblies_structure.workflow import AssembliesStructure

__all__ = [
    "AssembliesStructure",
    "ClassAgreement",
    "ConnectivityMap",
    "Material",
    "NetworkMeasures",
    "RunResult",
    "Sources",
    "StructureConfig",
    "TailAnalysis",
    "assembly_breakdown",
    "cell_measures",
    "class_agreement",
    "class_wiring",
    "connectivity_map",
    "distance_curve",
    "finding",
    "network_measures",
    "read_assemblies",
    "read_connectome",
    "read_material",
    "run",
    "tail_analysis",
    "write_output",
]
