"""What happens around events: averages of signals and counts of spikes."""

from __future__ import annotations

from cofire.events.average import EventTriggered, event_triggered_average
from cofire.events.peri import PeriEvent, peri_event_counts
from cofire.events.psth import compute_psth, peth, peth_matrix

__all__ = [
    "EventTriggered",
    "PeriEvent",
    "compute_psth",
    "event_triggered_average",
    "peri_event_counts",
    "peth",
    "peth_matrix",
]
