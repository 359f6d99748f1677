"""Who contacts whom: connectomes from synapse tables and matrices."""

from __future__ import annotations

from cofire.connectome.connectome import Connectome
from cofire.connectome.edges import Edges

__all__ = ["Connectome", "Edges"]
