"""What assemblies of a calcium recording do: a module for each question.

coactivity, ensembles, overlap, spatial, pairs, repeats, clips, decoder, confusion, movie, gratings,
structure; comparison holds the tests between groups that several of them need.
"""

from __future__ import annotations

from cofire.assemblies.function.clips import balanced_frames, clip_labels, presentations
from cofire.assemblies.function.coactivity import coactivity, gini
from cofire.assemblies.function.comparison import SampleComparison, compare_samples
from cofire.assemblies.function.confusion import ConfusionComparison, compare_confusions
from cofire.assemblies.function.decoder import (
    FAST_GRID,
    PUBLISHED_GRID,
    ClipDecoder,
    confusion_percentages,
)
from cofire.assemblies.function.ensembles import RandomEnsembles, random_ensembles
from cofire.assemblies.function.gratings import Tuning, tuning
from cofire.assemblies.function.movie import TriggerFrames, shown_frames, trigger_frames
from cofire.assemblies.function.overlap import Intersections, intersections
from cofire.assemblies.function.pairs import PairCorrelations, pairwise_correlations
from cofire.assemblies.function.repeats import OracleScores, first_frames, oracle_score
from cofire.assemblies.function.spatial import PlaneTest, SpatialTests, ks_plane, spatial_tests
from cofire.assemblies.function.structure import CorrelationStructure, correlation_structure

__all__ = [
    "FAST_GRID",
    "PUBLISHED_GRID",
    "ClipDecoder",
    "ConfusionComparison",
    "CorrelationStructure",
    "Intersections",
    "OracleScores",
    "PairCorrelations",
    "PlaneTest",
    "RandomEnsembles",
    "SampleComparison",
    "SpatialTests",
    "TriggerFrames",
    "Tuning",
    "balanced_frames",
    "clip_labels",
    "coactivity",
    "compare_confusions",
    "compare_samples",
    "confusion_percentages",
    "correlation_structure",
    "first_frames",
    "gini",
    "intersections",
    "ks_plane",
    "oracle_score",
    "pairwise_correlations",
    "presentations",
    "random_ensembles",
    "shown_frames",
    "spatial_tests",
    "trigger_frames",
    "tuning",
]
