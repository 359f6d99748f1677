"""Recordings whose truth is known, and where published data are found."""

from __future__ import annotations

from cofire.datasets.assembly_recording import AssemblyRecording, make_assembly_recording
from cofire.datasets.registry import DataFile, DataSet, fetch, list_sets

__all__ = [
    "AssemblyRecording",
    "DataFile",
    "DataSet",
    "fetch",
    "list_sets",
    "make_assembly_recording",
]
