"""Surrogates, rank tests with effect sizes, corrections, bootstrap, statistics across sessions."""

from __future__ import annotations

from cofire.stats.contingency import ContingencyTest, chi_squared, goodness_of_fit
from cofire.stats.multiple import adjust, benjamini_hochberg, bonferroni, holm
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
    "ContingencyTest",
    "HierarchicalBootstrap",
    "PairedSessions",
    "RankTest",
    "adjust",
    "benjamini_hochberg",
    "bonferroni",
    "bootstrap",
    "chi_squared",
    "circular_shift_bins",
    "goodness_of_fit",
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
