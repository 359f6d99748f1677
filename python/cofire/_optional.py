"""Libraries that are loaded on first use, and the one upward look-up (plotters)."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from cofire.errors import MissingExtraError


def import_extra(module: str, extra: str | None, purpose: str) -> ModuleType:
    """Import an optional module, or say which extra brings it (None: its own package does)."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        wanted = package if extra is None else f'"cofire[{extra}]"'
        raise MissingExtraError(f"{purpose} needs {package}; pip install {wanted}") from error


def plotter(name: str) -> Callable[..., Any]:
    """Look up a function of :mod:`cofire.plot` by name.

    Results live on low floors and plotting on a high one; this look-up is the only upward edge.
    """
    function: Callable[..., Any] = getattr(importlib.import_module("cofire.plot"), name)
    return function
