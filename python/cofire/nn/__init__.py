"""Spiking networks whose wiring is a connectome, trained with PyTorch."""

from __future__ import annotations

from cofire._optional import import_extra

import_extra("torch", "torch", "cofire.nn")

from cofire.nn import surrogates  # noqa: E402
from cofire.nn.connections import (  # noqa: E402
    ConnectomeLinear,
    Depression,
    GapJunction,
    GradedInhibition,
)
from cofire.nn.elements import Pathway, Population  # noqa: E402
from cofire.nn.function import NetworkFunction  # noqa: E402
from cofire.nn.inputs import Simulated  # noqa: E402
from cofire.nn.network import SpikingNetwork  # noqa: E402
from cofire.nn.neurons import LIF, TwoCompartment  # noqa: E402
from cofire.nn.olfactory import (  # noqa: E402
    OlfactoryNetwork,
    OlfactoryOutput,
    olfactory_loss,
)
from cofire.nn.operators import simulate  # noqa: E402
from cofire.nn.plan import NetworkPlan  # noqa: E402

__all__ = [
    "LIF",
    "ConnectomeLinear",
    "Depression",
    "GapJunction",
    "GradedInhibition",
    "NetworkFunction",
    "NetworkPlan",
    "OlfactoryNetwork",
    "OlfactoryOutput",
    "Pathway",
    "Population",
    "Simulated",
    "SpikingNetwork",
    "TwoCompartment",
    "olfactory_loss",
    "simulate",
    "surrogates",
]
