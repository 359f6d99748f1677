"""Recordings and connectomes whose truth is known, and where published data are found."""

from __future__ import annotations

from cofire.datasets.assembly_recording import AssemblyRecording, make_assembly_recording
from cofire.datasets.calcium_recording import CalciumRecording, make_calcium_recording
from cofire.datasets.made_connectome import MadeConnectome, make_connectome
from cofire.datasets.nwb_damage import DAMAGES, damage_nwb
from cofire.datasets.nwb_session import make_nwb_session, make_nwb_units
from cofire.datasets.registry import DataFile, DataSet, fetch, list_sets, locate
from cofire.datasets.visual_session import VisualSession, make_visual_session

__all__ = [
    "DAMAGES",
    "AssemblyRecording",
    "CalciumRecording",
    "DataFile",
    "DataSet",
    "MadeConnectome",
    "VisualSession",
    "damage_nwb",
    "fetch",
    "list_sets",
    "locate",
    "make_assembly_recording",
    "make_connectome",
    "make_calcium_recording",
    "make_nwb_session",
    "make_nwb_units",
    "make_visual_session",
]
