"""Similarity-Graph Clustering, a module for each of its steps.

raster, null, peaks, similarity_graph, block_model, clustering, core: steps A to G of the method;
detector puts them together, affinity chooses its last parameter.
"""

from __future__ import annotations

from cofire.assemblies.sgc.affinity import AffinitySearch, joint_aic, select_affinity
from cofire.assemblies.sgc.block_model import (
    BlockModelChains,
    block_model_energy,
    equilibrium,
    k_posterior,
    run_chains,
    start_chains,
)
from cofire.assemblies.sgc.clustering import SpectralGroups, spectral_groups
from cofire.assemblies.sgc.core import CoreAssemblies, core_assemblies
from cofire.assemblies.sgc.detector import SGC
from cofire.assemblies.sgc.null import exact_null, null_threshold, shuffled_null
from cofire.assemblies.sgc.peaks import find_peaks
from cofire.assemblies.sgc.raster import activity_raster, frames_of
from cofire.assemblies.sgc.similarity_graph import (
    SimilarityGraph,
    cosine_distances,
    similarity_graph,
)

__all__ = [
    "SGC",
    "AffinitySearch",
    "BlockModelChains",
    "CoreAssemblies",
    "SimilarityGraph",
    "SpectralGroups",
    "activity_raster",
    "block_model_energy",
    "core_assemblies",
    "cosine_distances",
    "equilibrium",
    "exact_null",
    "find_peaks",
    "frames_of",
    "joint_aic",
    "k_posterior",
    "null_threshold",
    "run_chains",
    "select_affinity",
    "shuffled_null",
    "similarity_graph",
    "spectral_groups",
    "start_chains",
]
