"""Cells that fire together wire together: recordings to assemblies to the connectome beneath.

``import cofire as cf`` loads NumPy and the compiled kernels only; everything else is loaded on
first use.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cofire import _core as _core
from cofire._threads import get_num_threads, set_num_threads
from cofire.errors import CofireError

try:
    __version__ = version("cofire")
except PackageNotFoundError:  # running from a build tree
    __version__ = _core.__version__

_SUBMODULES = (
    "assemblies",
    "connectome",
    "datasets",
    "errors",
    "events",
    "graph",
    "io",
    "nn",
    "pairwise",
    "plot",
    "report",
    "spikes",
    "stats",
    "structure",
    "studies",
    "types",
)

# Public name -> module that defines it.
_NAMES = {
    "cofire.types": ("Intervals", "Session", "SpikeTrains", "Traces", "load", "save"),
    "cofire.spikes": ("bin_spikes", "smooth", "unit_table", "zscore_bins"),
    "cofire.stats": ("surrogate",),
    "cofire.events": (
        "compute_psth",
        "correlogram",
        "count_in_intervals",
        "crossCorr",
        "cross_corr",
        "deconvolve_peth",
        "event_triggered_average",
        "event_triggered_cross_correlation",
        "filter_events_by_spiking",
        "joint_peth",
        "nearest_event",
        "participation",
        "peri_event_counts",
        "peth_matrix",
        "population_bursts",
        "rank_order",
        "relative_times",
        "skew_bias_matrix",
        "sync",
    ),
    "cofire.connectome": ("Connectome",),
    "cofire.pairwise": ("correlation", "precision", "sttc", "sttc_raster"),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "CofireError",
    "__version__",
    "get_num_threads",
    "set_num_threads",
    *_HOME,
    *_SUBMODULES,
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _SUBMODULES:
        value = importlib.import_module(f"cofire.{name}")
    else:
        raise AttributeError(f"module 'cofire' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
