"""What happens around events: averages, histograms, correlograms, participation, bursts."""

from __future__ import annotations

from cofire.events.align import (
    JointPETH,
    NearestEvent,
    RelativeTime,
    Sync,
    count_events,
    event_triggered_cross_correlation,
    joint_peth,
    nearest_event,
    raster_points,
    relative_times,
    sync,
)
from cofire.events.average import (
    EventTriggered,
    event_triggered_average,
)
from cofire.events.bias import (
    skew_bias_matrices,
    skew_bias_matrix,
)
from cofire.events.bursts import (
    filter_events_by_spiking,
    population_bursts,
)
from cofire.events.correlogram import (
    Correlogram,
    correlogram,
)
from cofire.events.cross_corr import (
    compute_autocorrelograms,
    cross_corr,
    crossCorr,
    deconvolve_peth,
    pairwise_cross_corr,
)
from cofire.events.participation import (
    count_in_intervals,
    participation,
)
from cofire.events.peri import (
    PeriEvent,
    peri_event_counts,
)
from cofire.events.psth import (
    compute_psth,
    peth,
    peth_matrix,
)
from cofire.events.rank_order import (
    RankOrder,
    rank_order,
)

__all__ = [
    "Correlogram",
    "EventTriggered",
    "JointPETH",
    "NearestEvent",
    "PeriEvent",
    "RankOrder",
    "RelativeTime",
    "Sync",
    "compute_autocorrelograms",
    "compute_psth",
    "correlogram",
    "count_events",
    "count_in_intervals",
    "crossCorr",
    "cross_corr",
    "deconvolve_peth",
    "event_triggered_average",
    "event_triggered_cross_correlation",
    "filter_events_by_spiking",
    "joint_peth",
    "nearest_event",
    "pairwise_cross_corr",
    "participation",
    "peri_event_counts",
    "peth",
    "peth_matrix",
    "population_bursts",
    "rank_order",
    "raster_points",
    "relative_times",
    "skew_bias_matrices",
    "skew_bias_matrix",
    "sync",
]
