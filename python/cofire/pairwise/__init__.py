"""Which units fire together? Matrices of coupling between all pairs."""

from __future__ import annotations

from cofire.pairwise.correlation import correlation
from cofire.pairwise.precision import precision
from cofire.pairwise.sttc import sttc, sttc_raster

__all__ = ["correlation", "precision", "sttc", "sttc_raster"]
