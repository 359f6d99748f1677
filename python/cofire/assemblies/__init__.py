"""Cell assemblies: detection, expression over time, members, similarity, reactivation."""

from __future__ import annotations

from cofire.assemblies.members import find_members, members_by_group, valid_assemblies
from cofire.assemblies.pcaica import PCAICA

__all__ = [
    "PCAICA",
    "find_members",
    "members_by_group",
    "valid_assemblies",
]
