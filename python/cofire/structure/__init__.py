"""Is what fires together wired together? Assemblies against the connectome beneath them."""

from __future__ import annotations

from cofire.structure._results import ClassConnections
from cofire.structure.chains import chains, two_paths
from cofire.structure.classes import PairClasses, pair_classes
from cofire.structure.monosynaptic import monosynaptic

__all__ = [
    "ClassConnections",
    "PairClasses",
    "chains",
    "monosynaptic",
    "pair_classes",
    "two_paths",
]
