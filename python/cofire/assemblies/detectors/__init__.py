"""Detectors of cell assemblies in calcium imaging, as the literature has them, on one interface.

ica, promax, core, svd and fim hold a detector each; rasters and romano say when a cell is active,
item_sets mines frequent groups, random_sets and activation judge a set of units, compare runs
detectors side by side.
"""

from __future__ import annotations

from cofire.assemblies.detectors.activation import AssemblyActivation, assembly_activation
from cofire.assemblies.detectors.compare import DetectorComparison, compare_detectors
from cofire.assemblies.detectors.core import CORE
from cofire.assemblies.detectors.fim import FIM
from cofire.assemblies.detectors.ica import ICA
from cofire.assemblies.detectors.item_sets import ItemSets, closed_item_sets
from cofire.assemblies.detectors.promax import PromaxCS, PromaxMP
from cofire.assemblies.detectors.rasters import spike_probability, spike_raster
from cofire.assemblies.detectors.romano import romano_raster
from cofire.assemblies.detectors.svd import SVD

__all__ = [
    "CORE",
    "FIM",
    "ICA",
    "SVD",
    "AssemblyActivation",
    "DetectorComparison",
    "ItemSets",
    "PromaxCS",
    "PromaxMP",
    "assembly_activation",
    "closed_item_sets",
    "compare_detectors",
    "romano_raster",
    "spike_probability",
    "spike_raster",
]
