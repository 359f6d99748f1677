"""Recordings in and out: NWB, CellExplorer, phy."""

from __future__ import annotations

from cofire.io.nwb import read_nwb
from cofire.io.nwb_write import write_nwb

__all__ = ["read_nwb", "write_nwb"]
