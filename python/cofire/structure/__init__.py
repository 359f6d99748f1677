"""Is what fires together wired together? Assemblies against the connectome beneath them."""

from __future__ import annotations

from cofire.structure._results import ClassConnections
from cofire.structure.agreement import CommunityAgreement, community_agreement
from cofire.structure.centrality import Centralities, centralities, compare_groups
from cofire.structure.chains import chains, two_paths
from cofire.structure.classes import PairClasses, pair_classes
from cofire.structure.comparison import compare_classes
from cofire.structure.coupling import CouplingModel, explain_coupling
from cofire.structure.distance import DistanceControl, distance_control
from cofire.structure.monosynaptic import monosynaptic
from cofire.structure.motif import MotifCounts, find_motif
from cofire.structure.nulls import PermutationNull, permutation_null
from cofire.structure.power import Power, power
from cofire.structure.tail import TailMixture, mixture_boundary, tail_mixture, tail_test

__all__ = [
    "Centralities",
    "ClassConnections",
    "CommunityAgreement",
    "CouplingModel",
    "DistanceControl",
    "MotifCounts",
    "PairClasses",
    "PermutationNull",
    "Power",
    "TailMixture",
    "centralities",
    "chains",
    "community_agreement",
    "compare_classes",
    "compare_groups",
    "distance_control",
    "explain_coupling",
    "find_motif",
    "mixture_boundary",
    "monosynaptic",
    "pair_classes",
    "permutation_null",
    "power",
    "tail_mixture",
    "tail_test",
    "two_paths",
]
