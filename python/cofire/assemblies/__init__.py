"""Cell assemblies: detection, expression over time, members, similarity, reactivation."""

from __future__ import annotations

from cofire.assemblies._estimator import NotFittedError
from cofire.assemblies.detectors import (
    CORE,
    FIM,
    ICA,
    SVD,
    AssemblyActivation,
    DetectorComparison,
    ItemSets,
    PromaxCS,
    PromaxMP,
    assembly_activation,
    closed_item_sets,
    compare_detectors,
    romano_raster,
    spike_probability,
    spike_raster,
)
from cofire.assemblies.explained_variance import (
    ExplainedVariance,
    FullExplainedVariance,
    explained_variance,
)
from cofire.assemblies.expression import activation
from cofire.assemblies.matching import best_match
from cofire.assemblies.members import find_members, members_by_group, valid_assemblies
from cofire.assemblies.pairwise_bias import PairwiseBias, ReplayScores
from cofire.assemblies.pcaica import PCAICA
from cofire.assemblies.sgc import (
    SGC,
    AffinitySearch,
    BlockModelChains,
    SimilarityGraph,
    select_affinity,
)
from cofire.assemblies.significance import (
    PairwiseCorrelation,
    SignificantEvents,
    pairwise_corr,
    significant_events,
)
from cofire.assemblies.similarity import (
    SimilarityIndex,
    SimilarityMatrix,
    similarity_index,
    similarity_matrix,
)
from cofire.assemblies.sweep import SignificanceSweep, sweep_significance

__all__ = [
    "CORE",
    "FIM",
    "ICA",
    "PCAICA",
    "SGC",
    "SVD",
    "AffinitySearch",
    "AssemblyActivation",
    "BlockModelChains",
    "DetectorComparison",
    "ExplainedVariance",
    "FullExplainedVariance",
    "ItemSets",
    "NotFittedError",
    "PairwiseBias",
    "PairwiseCorrelation",
    "PromaxCS",
    "PromaxMP",
    "ReplayScores",
    "SignificanceSweep",
    "SignificantEvents",
    "SimilarityGraph",
    "SimilarityIndex",
    "SimilarityMatrix",
    "activation",
    "assembly_activation",
    "best_match",
    "closed_item_sets",
    "compare_detectors",
    "explained_variance",
    "find_members",
    "members_by_group",
    "pairwise_corr",
    "romano_raster",
    "select_affinity",
    "significant_events",
    "similarity_index",
    "similarity_matrix",
    "spike_probability",
    "spike_raster",
    "sweep_significance",
    "valid_assemblies",
]
