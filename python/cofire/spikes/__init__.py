"""From spike trains to matrices: counts, smoothed z-scores, and a table of the units."""

from __future__ import annotations

from cofire.spikes.binning import BinnedSpikes, bin_spikes

__all__ = ["BinnedSpikes", "bin_spikes"]
