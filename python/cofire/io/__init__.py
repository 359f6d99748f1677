"""Recordings in and out (NWB, CellExplorer, phy), and published data sets."""

from __future__ import annotations

from cofire.io.assemblies_mat import MatAssemblies, read_assemblies_mat
from cofire.io.cellexplorer import read_cellexplorer, read_events
from cofire.io.cellexplorer_write import write_cellexplorer
from cofire.io.kreher2008 import read_kreher2008
from cofire.io.larval_olfaction import larval_olfactory_matrices
from cofire.io.nwb import read_nwb
from cofire.io.nwb_write import write_nwb
from cofire.io.phy import read_phy
from cofire.io.session import read_session
from cofire.io.suite2p import read_suite2p
from cofire.io.synapses import read_synapses
from cofire.io.v1dd import V1DD, V1DDScan, read_v1dd
from cofire.io.winding2023 import read_winding2023

__all__ = [
    "V1DD",
    "MatAssemblies",
    "V1DDScan",
    "larval_olfactory_matrices",
    "read_assemblies_mat",
    "read_cellexplorer",
    "read_events",
    "read_kreher2008",
    "read_nwb",
    "read_phy",
    "read_session",
    "read_suite2p",
    "read_synapses",
    "read_v1dd",
    "read_winding2023",
    "write_cellexplorer",
    "write_nwb",
]
