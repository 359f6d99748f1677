"""Similarity-Graph Clustering: assemblies as groups of alike moments of high activity."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cofire._optional import plotter
from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, integer, real
from cofire.assemblies._estimator import Estimator
from cofire.assemblies.nulls import seed_of
from cofire.assemblies.sgc.block_model import (
    BlockModelChains,
    Progress,
    k_posterior,
    run_chains,
    start_chains,
)
from cofire.assemblies.sgc.clustering import SpectralGroups, spectral_groups
from cofire.assemblies.sgc.core import core_assemblies
from cofire.assemblies.sgc.null import exact_null, null_threshold, shuffled_null
from cofire.assemblies.sgc.peaks import find_peaks
from cofire.assemblies.sgc.raster import activity_raster, frames_of
from cofire.assemblies.sgc.similarity_graph import SimilarityGraph, similarity_graph
from cofire.errors import ConvergenceWarning, InvalidArgumentError, NoAssemblyWarning

if TYPE_CHECKING:
    import pandas as pd

MIN_PATTERNS = 3
"""Fewer significant frames make no graph worth clustering."""


class SGC(Estimator):
    """Cell assemblies of a calcium recording by Similarity-Graph Clustering.

    Units are active where their dF/F exceeds its mean by `n_std` standard deviations. Peaks of the
    number of active units above chance are the *patterns*; patterns that share units are joined in
    a graph. How many groups the graph falls into is inferred with a stochastic block model,
    spectral clustering finds the groups, and the units that are active in more than `affinity` of
    a group's patterns form an assembly. Assemblies may overlap.

    Parameters
    ----------
    n_std : float
        Threshold of activity, standard deviations above the mean.
    shuffles : int >= 1, or "exact"
        Shuffles of every unit in time that show chance; "exact" computes their limit.
    p : float, (0, 1)
        Share of frames that chance may put above the co-activity threshold.
    rounds : int, >= 1
        Chains of the block model.
    steps : int, >= 1
        Sweeps of each chain.
    affinity : float, [0, 1)
        A unit belongs to an assembly if it is active in more than this share of its patterns.
    K0 : {"uniform", "small"} or int
        Number of groups that a chain starts with: uniform on 1 to ``ceil(n_patterns / 3)`` as
        published; uniform on 1 to 10, whose sweeps are cheap from the start; or this many. Chains
        lose groups quickly and gain them slowly: "small" needs the full number of `steps`.
    rng : int or numpy.random.Generator
    threads : int, optional
        Default :func:`cofire.get_num_threads`; results do not depend on it.
    selectivity : float, [0, 1)
        How far a peak of co-activity must stand out, as a share of the largest co-activity.
    restarts : int, >= 1
        Of k-means.
    order : {"group", "size"}
        Assemblies in the order of their groups, or the largest first.
    progress : callable, optional
        Called about twice a second with (sweeps done, sweeps of all chains).
    checkpoint : path, optional
        Where the chains are saved every half minute and when they are interrupted; a later fit of
        the same data and seed goes on from there.

    Attributes
    ----------
    assemblies_ : list of ndarray of int64
        Units of each assembly, ascending.
    labels_ : ndarray (n_patterns,) int64
        k where the pattern shows ``assemblies_[k - 1]``, 0 where it shows none.
    patterns_ : ndarray (n_patterns, n_units) bool
        Active units at the significant peaks.
    k_posterior_ : ndarray (k_max + 1,) float64
        ``k_posterior_[k]`` is the probability that the patterns fall into k groups.
    raster_ : ndarray (n_kept, n_units) bool
        Activity in the frames without NaN.
    coactivity_ : ndarray (n_kept,) int64
        Number of active units.
    threshold_ : float
        Of significant co-activity; NaN if there are no frames.
    n_assemblies_ : int
    n_groups_ : int
        Most probable number of groups k (of equally probable ones the smallest), 0 if nothing was
        clustered.
    frames_ : ndarray (n_kept,) int64
        Frames of the recording without NaN.
    n_dropped_ : int
        Frames with NaN.
    peaks_ : ndarray (n_patterns,) int64
        Frames of the recording that the patterns come from.
    null_ : ndarray (n_units + 1,)
        Co-activity by chance: counts, or probabilities with ``shuffles="exact"``.
    graph_ : SimilarityGraph or None
    chains_ : BlockModelChains or None
        Traces of k and energy.
    equilibrium_ : ndarray (rounds,) int64
        First sweep of each chain that counts.
    groups_ : ndarray (n_patterns,) int64
        Groups of the spectral clustering before pruning and merging, from 1 by size.
    residual_ : float
        Of the eigenvectors.

    Notes
    -----
    Constant units are never active. With fewer than three significant frames, or if no group
    survives, ``assemblies_`` is empty, ``labels_`` is 0 and a :class:`NoAssemblyWarning` says why;
    what was found up to there is kept. Groups of fewer than five patterns are never an assembly.

    Chains may settle at different log-posteriors and stay there; all of them count, as published.
    :func:`cofire.plot.plot_k_posterior` shows it; more `rounds` and `steps` help.

    References
    ----------
    Mölter, Avitan & Goodhill 2018, doi:10.1186/s12915-018-0606-4;
    Newman & Reinert 2016, doi:10.1103/PhysRevLett.117.078301

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import SGC
    >>> rng = np.random.default_rng(0)
    >>> dff = rng.normal(0, 0.1, (2000, 30))
    >>> dff[10::50, :8] += 1
    >>> dff[35::50, 8:16] += 1
    >>> model = SGC(steps=200, affinity=0.4).fit(dff)
    >>> sorted(units.tolist() for units in model.assemblies_)
    [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]]
    """

    def __init__(
        self,
        n_std: float = 2,
        shuffles: int | str = 1000,
        p: float = 0.05,
        rounds: int = 5,
        steps: int = 50_000,
        affinity: float = 0.2,
        K0: str | int = "uniform",
        rng: int | np.random.Generator = 0,
        threads: int | None = None,
        *,
        selectivity: float = 0.05,
        restarts: int = 100,
        order: str = "group",
        progress: Progress | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        self.n_std = n_std
        self.shuffles = shuffles
        self.p = p
        self.rounds = rounds
        self.steps = steps
        self.affinity = affinity
        self.K0 = K0
        self.rng = rng
        self.threads = threads
        self.selectivity = selectivity
        self.restarts = restarts
        self.order = order
        self.progress = progress
        self.checkpoint = checkpoint

    def fit(self, dff: Any, y: Any = None) -> Self:
        """Find assemblies.

        Parameters
        ----------
        dff : array_like (n_frames, n_units) or Traces
            dF/F. Frames with a NaN are dropped. Not changed.
        y : ignored

        Returns
        -------
        SGC
            Itself.

        Raises
        ------
        InvalidArgumentError
            Infinite values, not two dimensions, or a parameter out of range.
        """
        self._check()
        self.fit_groups(dff)
        self.fit_assemblies()
        return self

    def fit_groups(self, dff: Any) -> Self:
        """Only the steps before `affinity` plays a part: from dF/F to groups of patterns."""
        self._check()
        seeds = np.random.SeedSequence(seed_of(self.rng)).generate_state(3, np.uint64).tolist()
        values, self.frames_ = frames_of(dff)
        n_given = len(getattr(dff, "values", dff))
        self.n_dropped_ = n_given - len(self.frames_)
        self.raster_ = activity_raster(values, self.n_std)
        self.coactivity_: IntArray = self.raster_.sum(axis=1, dtype=np.int64)
        self.null_: AnyArray = self._null(seeds[0])
        self.threshold_ = null_threshold(self.null_, self.p)
        peaks = self._peaks()
        self.peaks_: IntArray = self.frames_[peaks]
        self.patterns_: BoolArray = self.raster_[peaks]
        self.graph_: SimilarityGraph | None = None
        self.chains_: BlockModelChains | None = None
        self.equilibrium_: IntArray = np.zeros(0, dtype=np.int64)
        self.k_posterior_: FloatArray = np.zeros(0)
        self.n_groups_ = 0
        self.groups_: IntArray = np.zeros(len(peaks), dtype=np.int64)
        self.residual_ = float("nan")
        if len(peaks) >= MIN_PATTERNS:
            self._cluster(seeds[1], seeds[2])
        return self

    def fit_assemblies(self, affinity: float | None = None) -> Self:
        """Only the last step: from groups of patterns to assemblies.

        Parameters
        ----------
        affinity : float, optional
            Taken on as the parameter of this name; what :meth:`fit_groups` found is used again.

        Returns
        -------
        SGC
            Itself.
        """
        groups: IntArray = self._learned("groups_")
        if affinity is not None:
            self.affinity = affinity
        self._check()
        found = core_assemblies(self.patterns_, groups, self.affinity)
        self.labels_: IntArray = found.labels
        self.assemblies_: list[IntArray] = found.assemblies
        if self.order == "size":
            self._sort_by_size()
        self.n_assemblies_ = len(self.assemblies_)
        if self.n_assemblies_ == 0:
            warnings.warn(self._why_nothing(), NoAssemblyWarning, stacklevel=3)
        return self

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each assembly: units, patterns, their numbers."""
        import pandas as pd

        assemblies = self._learned("assemblies_")
        labels = self._learned("labels_")
        table = pd.DataFrame(
            {
                "n_units": [len(units) for units in assemblies],
                "n_patterns": [int((labels == k + 1).sum()) for k in range(len(assemblies))],
                "units": [tuple(units.tolist()) for units in assemblies],
                "frames": [
                    tuple(self.peaks_[labels == k + 1].tolist()) for k in range(len(assemblies))
                ],
            }
        )
        table.index.name = "assembly"
        return table

    def plot(self, **kwargs: Any) -> Any:
        """Units of each assembly and their patterns; see :func:`cofire.plot.plot_sgc_patterns`."""
        self._learned("assemblies_")
        return plotter("plot_sgc_patterns")(self, **kwargs)

    def _check(self) -> None:
        real(self.n_std, "n_std")
        if isinstance(self.shuffles, str):
            if self.shuffles != "exact":
                raise InvalidArgumentError(
                    f'shuffles must be a number or "exact", got {self.shuffles!r}'
                )
        else:
            integer(self.shuffles, "shuffles", 1)
        if not 0 < real(self.p, "p") < 1:
            raise InvalidArgumentError(f"p must lie between 0 and 1, got {self.p!r}")
        for name in ("affinity", "selectivity"):
            if not 0 <= real(getattr(self, name), name) < 1:
                raise InvalidArgumentError(
                    f"{name} must lie in [0, 1), got {getattr(self, name)!r}"
                )
        for name in ("rounds", "steps", "restarts"):
            integer(getattr(self, name), name, 1)
        if self.order not in ("group", "size"):
            raise InvalidArgumentError(f'order must be "group" or "size", got {self.order!r}')

    def _null(self, seed: int) -> AnyArray:
        if self.shuffles == "exact":
            return exact_null(self.raster_)
        return shuffled_null(self.raster_, int(self.shuffles), seed, self.threads)

    def _peaks(self) -> IntArray:
        largest = int(self.coactivity_.max(initial=0))
        if largest == 0:
            return np.zeros(0, dtype=np.int64)
        return find_peaks(self.coactivity_ / largest, self.threshold_ / largest, self.selectivity)

    def _cluster(self, chain_seed: int, k_means_seed: int) -> None:
        self.graph_ = similarity_graph(self.patterns_)
        adjacency = self.graph_.adjacency
        chains = start_chains(
            adjacency, rounds=self.rounds, steps=self.steps, K0=self.K0, seed=chain_seed
        )
        self.chains_ = run_chains(
            chains, threads=self.threads, progress=self.progress, checkpoint=self.checkpoint
        )
        self.k_posterior_, self.equilibrium_ = k_posterior(self.chains_)
        self.n_groups_ = int(self.k_posterior_.argmax())
        found: SpectralGroups = spectral_groups(
            adjacency, self.n_groups_, k_means_seed, self.restarts
        )
        self.groups_, self.residual_ = found.labels, found.residual
        if not found.labels.any():
            warnings.warn(
                f"spectral clustering failed: residual {found.residual:.1e} of the eigenvectors",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _sort_by_size(self) -> None:
        sizes = np.array([len(units) for units in self.assemblies_], dtype=np.int64)
        order = np.argsort(-sizes, kind="stable")
        number = np.zeros(len(order) + 1, dtype=np.int64)
        number[order + 1] = np.arange(1, len(order) + 1)
        self.assemblies_ = [self.assemblies_[k] for k in order]
        self.labels_ = number[self.labels_]

    def _why_nothing(self) -> str:
        n = len(self.peaks_)
        if len(self.frames_) == 0:
            return "no assembly: no frame without NaN"
        if n < MIN_PATTERNS:
            return (
                f"no assembly: {n} of {len(self.frames_)} frames are significant peaks of "
                f"co-activity, at least {MIN_PATTERNS} are needed; lower n_std or raise p"
            )
        return (
            f"no assembly: no group of the {n} patterns ({self.n_groups_} groups) survived; lower "
            "affinity, or record for longer"
        )
