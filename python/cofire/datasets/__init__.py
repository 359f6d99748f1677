"""Recordings whose truth is known, and where published data are found."""

from __future__ import annotations

from cofire.datasets.assembly_recording import AssemblyRecording, make_assembly_recording

__all__ = ["AssemblyRecording", "make_assembly_recording"]
