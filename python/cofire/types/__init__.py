"""Containers: spike trains, intervals, sampled signals, sessions, and how they are stored."""

from __future__ import annotations

from cofire.types.convert import as_intervals, as_spike_trains, as_traces
from cofire.types.epochs import (
    compress_repeated_epochs,
    find_epoch_pattern,
    find_multitask_pre_post,
    find_pre_task_post,
)
from cofire.types.intervals import Intervals
from cofire.types.session import Session
from cofire.types.spike_trains import SpikeTrains
from cofire.types.store import load, save
from cofire.types.traces import Traces

__all__ = [
    "Intervals",
    "Session",
    "SpikeTrains",
    "Traces",
    "as_intervals",
    "as_spike_trains",
    "as_traces",
    "compress_repeated_epochs",
    "find_epoch_pattern",
    "find_multitask_pre_post",
    "find_pre_task_post",
    "load",
    "save",
]
