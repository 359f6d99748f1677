"""Which cells fire together, and when? Detection and expression of cell assemblies."""

from __future__ import annotations

from cofire.assemblies.activation import activation

__all__ = ["activation"]
