"""Spiking networks whose wiring is a connectome, trained with PyTorch."""

from __future__ import annotations

from cofire._optional import import_extra

import_extra("torch", "torch", "cofire.nn")

from cofire.nn.elements import Pathway, Population  # noqa: E402
from cofire.nn.plan import NetworkPlan  # noqa: E402

__all__ = [
    "NetworkPlan",
    "Pathway",
    "Population",
]
