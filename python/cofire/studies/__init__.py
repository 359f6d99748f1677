"""Published workflows as configured, resumable runs; each is loaded on first use."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "assemblies_function",
    "assemblies_structure",
    "calcium_assemblies",
    "larval_olfaction",
    "reactivation",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"cofire.studies.{name}")
    raise AttributeError(f"module 'cofire.studies' has no attribute {name!r}")
