"""Recordings in and out: NWB, CellExplorer, phy."""

from __future__ import annotations

from cofire.io.cellexplorer import read_cellexplorer, read_events
from cofire.io.cellexplorer_write import write_cellexplorer
from cofire.io.nwb import read_nwb
from cofire.io.nwb_write import write_nwb
from cofire.io.phy import read_phy
from cofire.io.session import read_session

__all__ = [
    "read_cellexplorer",
    "read_events",
    "read_nwb",
    "read_phy",
    "read_session",
    "write_cellexplorer",
    "write_nwb",
]
