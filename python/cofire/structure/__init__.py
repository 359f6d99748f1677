"""Is what fires together wired together? Assemblies against the connectome beneath them."""

from __future__ import annotations

from cofire.structure._results import ClassConnections
from cofire.structure.centrality import Centralities, centralities, compare_groups
from cofire.structure.chains import chains, two_paths
from cofire.structure.classes import PairClasses, pair_classes
from cofire.structure.distance import DistanceControl, distance_control
from cofire.structure.monosynaptic import monosynaptic
from cofire.structure.tail import TailMixture, mixture_boundary, tail_mixture, tail_test

__all__ = [
    "Centralities",
    "ClassConnections",
    "DistanceControl",
    "PairClasses",
    "TailMixture",
    "centralities",
    "chains",
    "compare_groups",
    "distance_control",
    "mixture_boundary",
    "monosynaptic",
    "pair_classes",
    "tail_mixture",
    "tail_test",
    "two_paths",
]
