"""From spike trains to matrices: counts, smoothed z-scores, and a table of the units."""

from __future__ import annotations

from cofire.spikes.binning import BinnedSpikes, SparseBins, bin_spikes, bin_spikes_sparse
from cofire.spikes.grid import BinGrid
from cofire.spikes.smoothing import smooth
from cofire.spikes.units import unit_table
from cofire.spikes.zscore import zscore_bins

__all__ = [
    "BinGrid",
    "BinnedSpikes",
    "SparseBins",
    "bin_spikes",
    "bin_spikes_sparse",
    "smooth",
    "unit_table",
    "zscore_bins",
]
