"""Cell assemblies: detection, expression over time, members, similarity, reactivation."""

from __future__ import annotations

from cofire.assemblies._estimator import NotFittedError
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
    "PCAICA",
    "SGC",
    "AffinitySearch",
    "BlockModelChains",
    "ExplainedVariance",
    "FullExplainedVariance",
    "NotFittedError",
    "PairwiseBias",
    "PairwiseCorrelation",
    "ReplayScores",
    "SignificanceSweep",
    "SignificantEvents",
    "SimilarityGraph",
    "SimilarityIndex",
    "SimilarityMatrix",
    "activation",
    "best_match",
    "explained_variance",
    "find_members",
    "members_by_group",
    "pairwise_corr",
    "select_affinity",
    "significant_events",
    "similarity_index",
    "similarity_matrix",
    "sweep_significance",
    "valid_assemblies",
]
