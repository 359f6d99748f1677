"""Cell assemblies: detection, expression over time, members, similarity, reactivation."""

from __future__ import annotations

from cofire.assemblies._estimator import NotFittedError
from cofire.assemblies.explained_variance import (
    ExplainedVariance,
    FullExplainedVariance,
    explained_variance,
)
from cofire.assemblies.expression import activation
from cofire.assemblies.function import (
    ClipDecoder,
    ConfusionComparison,
    CorrelationStructure,
    Intersections,
    OracleScores,
    PairCorrelations,
    PlaneTest,
    RandomEnsembles,
    SampleComparison,
    SpatialTests,
    TriggerFrames,
    Tuning,
    clip_labels,
    coactivity,
    compare_confusions,
    compare_samples,
    correlation_structure,
    first_frames,
    gini,
    intersections,
    ks_plane,
    oracle_score,
    pairwise_correlations,
    random_ensembles,
    shown_frames,
    spatial_tests,
    trigger_frames,
    tuning,
)
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
    "ClipDecoder",
    "ConfusionComparison",
    "CorrelationStructure",
    "ExplainedVariance",
    "FullExplainedVariance",
    "Intersections",
    "NotFittedError",
    "OracleScores",
    "PairwiseBias",
    "PairwiseCorrelation",
    "PairCorrelations",
    "PlaneTest",
    "RandomEnsembles",
    "ReplayScores",
    "SampleComparison",
    "SignificanceSweep",
    "SignificantEvents",
    "SimilarityGraph",
    "SimilarityIndex",
    "SimilarityMatrix",
    "SpatialTests",
    "TriggerFrames",
    "Tuning",
    "activation",
    "best_match",
    "clip_labels",
    "coactivity",
    "compare_confusions",
    "compare_samples",
    "correlation_structure",
    "explained_variance",
    "find_members",
    "first_frames",
    "gini",
    "intersections",
    "ks_plane",
    "members_by_group",
    "oracle_score",
    "pairwise_corr",
    "pairwise_correlations",
    "random_ensembles",
    "select_affinity",
    "shown_frames",
    "significant_events",
    "similarity_index",
    "similarity_matrix",
    "spatial_tests",
    "sweep_significance",
    "trigger_frames",
    "tuning",
    "valid_assemblies",
]
