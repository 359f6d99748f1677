"""Containers: spike trains, intervals, sampled signals, sessions, and how they are stored."""

from __future__ import annotations

from cofire.types.convert import as_intervals, as_spike_trains
from cofire.types.intervals import Intervals
from cofire.types.session import Session
from cofire.types.spike_trains import SpikeTrains
from cofire.types.traces import Traces

__all__ = ["Intervals", "Session", "SpikeTrains", "Traces", "as_intervals", "as_spike_trains"]
