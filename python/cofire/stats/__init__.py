"""Surrogates, rank tests with effect sizes, corrections, bootstrap, statistics across sessions."""

from __future__ import annotations

from cofire.stats.multiple import benjamini_hochberg, holm
from cofire.stats.ranks import RankTest, paired_test, rank_sum, signed_rank
from cofire.stats.resampling import (
    Bootstrap,
    HierarchicalBootstrap,
    bootstrap,
    hierarchical_bootstrap,
)
from cofire.stats.sessions import PairedSessions, paired_sessions
from cofire.stats.surrogates import (
    circular_shift_bins,
    numpy_generators,
    shuffle_bins,
    surrogate,
    surrogates,
)

__all__ = [
    "Bootstrap",
    "HierarchicalBootstrap",
    "PairedSessions",
    "RankTest",
    "benjamini_hochberg",
    "bootstrap",
    "circular_shift_bins",
    "hierarchical_bootstrap",
    "holm",
    "numpy_generators",
    "paired_sessions",
    "paired_test",
    "rank_sum",
    "shuffle_bins",
    "signed_rank",
    "surrogate",
    "surrogates",
]
