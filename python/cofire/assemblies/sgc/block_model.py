"""Step E: into how many groups do the patterns fall? Chains of the stochastic block model."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import FloatArray, IntArray, integer
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]
Int32Array = npt.NDArray[np.int32]

SMALL_START = 10
"""Largest number of groups that ``K0="small"`` starts from."""

_SLICE = 0.5  # s between two looks at progress and checkpoint
_SAVE_EVERY = 30.0  # s


@dataclass(frozen=True, slots=True)
class BlockModelChains:
    """Markov chains over partitions of a graph, with all that they need to go on.

    The degree-corrected stochastic block model of Newman & Reinert: a chain draws one node's group
    after the other from its posterior and adds or removes empty groups. Chain c draws sweep j from
    its own counter-based stream (seed, c, j): neither threads nor interruptions change it.

    Attributes
    ----------
    neighbors, offsets : ndarray int32, int64
        Node u is joined to ``neighbors[offsets[u]:offsets[u + 1]]``.
    seed : int
    start_range : (int, int)
        Least and largest number of groups that a chain may start with.
    max_groups : int
    labels : ndarray (n_chains, n_nodes) int32
        Present group of each node.
    n_groups : ndarray (n_chains,) int32
        Present number of groups, empty ones included.
    n_done : ndarray (n_chains,) int64
        Sweeps so far.
    k_trace : ndarray (n_chains, n_steps) int32
        Number of groups after each sweep; 0 where a sweep is still to come.
    energy_trace : ndarray (n_chains, n_steps) float64
        Log-posterior after each sweep, up to a constant.

    References
    ----------
    Newman & Reinert 2016, doi:10.1103/PhysRevLett.117.078301
    """

    neighbors: Int32Array
    offsets: IntArray
    seed: int
    start_range: tuple[int, int]
    max_groups: int
    labels: Int32Array
    n_groups: Int32Array
    n_done: IntArray
    k_trace: Int32Array
    energy_trace: FloatArray

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return len(self.n_done)

    @property
    def n_steps(self) -> int:
        """Sweeps that each chain has or will have."""
        return int(self.k_trace.shape[1])

    @property
    def finished(self) -> bool:
        """Whether every chain has all its sweeps."""
        return bool((self.n_done >= self.n_steps).all())

    def with_steps(self, steps: int) -> BlockModelChains:
        """The same chains with room for `steps` sweeps, or with only the first ones of them."""
        steps = integer(steps, "steps", 1)
        if steps < self.n_done.max(initial=0):
            if not self.finished:
                raise InvalidArgumentError(
                    f"steps is {steps}, but a chain has done {int(self.n_done.max())}; "
                    "ask for at least as many"
                )
            short = slice(None), slice(steps)
            return replace(self, k_trace=self.k_trace[short], energy_trace=self.energy_trace[short])
        room = ((0, 0), (0, max(0, steps - self.n_steps)))
        return replace(
            self,
            k_trace=np.ascontiguousarray(np.pad(self.k_trace, room)[:, :steps]),
            energy_trace=np.ascontiguousarray(np.pad(self.energy_trace, room)[:, :steps]),
        )

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each chain and sweep that is done."""
        import pandas as pd

        parts = [
            pd.DataFrame(
                {
                    "chain": c,
                    "sweep": np.arange(n),
                    "k": self.k_trace[c, :n],
                    "energy": self.energy_trace[c, :n],
                }
            )
            for c, n in enumerate(np.minimum(self.n_done, self.n_steps))
        ]
        return pd.concat(parts, ignore_index=True)

    def __repr__(self) -> str:
        done = int(np.minimum(self.n_done, self.n_steps).sum())
        return (
            f"BlockModelChains({self.n_chains} chains on {self.labels.shape[1]} nodes, "
            f"{done} of {self.n_chains * self.n_steps} sweeps)"
        )


def start_chains(
    adjacency: Any,
    *,
    rounds: int = 5,
    steps: int = 50_000,
    K0: str | int = "uniform",
    seed: int = 0,
) -> BlockModelChains:
    """Chains before their first sweep.

    Parameters
    ----------
    adjacency : sparse array (n_nodes, n_nodes)
        Undirected graph; weights and loops are ignored.
    rounds : int, >= 1
        Number of chains.
    steps : int, >= 1
        Sweeps of each.
    K0 : {"uniform", "small"} or int
        Number of groups a chain starts with: uniform on 1 to ``ceil(n_nodes / 3)``, which is also
        the most it may have; uniform on 1 to 10 at most; or this many.
    seed : int, >= 0

    Returns
    -------
    BlockModelChains

    Raises
    ------
    InvalidArgumentError
        A graph that is not square or not symmetric, or a parameter out of range.
    """
    neighbors, offsets = _neighbors_of(adjacency)
    n_nodes = len(offsets) - 1
    rounds, steps = integer(rounds, "rounds", 1), integer(steps, "steps", 1)
    max_groups = max(1, math.ceil(n_nodes / 3))
    start_range = _start_range(K0, max_groups)
    labels, n_groups = _core.block_model_start(rounds, n_nodes, *start_range, seed)
    return BlockModelChains(
        neighbors=neighbors,
        offsets=offsets,
        seed=seed,
        start_range=start_range,
        max_groups=max_groups,
        labels=labels,
        n_groups=n_groups,
        n_done=np.zeros(rounds, dtype=np.int64),
        k_trace=np.zeros((rounds, steps), dtype=np.int32),
        energy_trace=np.zeros((rounds, steps)),
    )


def run_chains(
    chains: BlockModelChains,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> BlockModelChains:
    """Sweep until every chain has all its steps.

    Parameters
    ----------
    chains : BlockModelChains
        Not changed.
    threads : int, optional
        Chains run side by side; the result does not depend on it.
    progress : callable, optional
        Called about twice a second with (sweeps done, sweeps wanted).
    checkpoint : path, optional
        Where the chains are saved every half minute, when they are interrupted (Ctrl-C) and at
        the end. If it exists, the chains saved there go on.

    Returns
    -------
    BlockModelChains

    Raises
    ------
    InvalidArgumentError
        The checkpoint holds other chains (another graph, seed or start).
    """
    running = _resumed(chains, checkpoint)
    if running.finished:
        return running
    n_threads = min(resolve_threads(threads), running.n_chains)
    total = running.n_chains * running.n_steps
    saved = time.monotonic()
    try:
        while running.n_done.sum() < total:
            _core.block_model_advance(
                running.neighbors,
                running.offsets,
                running.seed,
                running.max_groups,
                running.labels,
                running.n_groups,
                running.n_done,
                running.k_trace,
                running.energy_trace,
                _SLICE,
                n_threads,
            )
            if progress is not None:
                progress(int(running.n_done.sum()), total)
            if checkpoint is not None and time.monotonic() - saved > _SAVE_EVERY:
                _save(running, checkpoint)
                saved = time.monotonic()
    finally:
        if checkpoint is not None:
            _save(running, checkpoint)
    return running


def equilibrium(energy: Any) -> int:
    """First sweep of a chain that counts.

    With mean energy mu of the second half and its largest deviation delta there, all sweeps up to
    the last one with ``E <= mu - 2 delta`` are left out. A second half without deviation leaves
    out what lies below it.

    Parameters
    ----------
    energy : array_like (n_steps,)

    Returns
    -------
    int
    """
    values = np.asarray(energy, dtype=np.float64)
    half = values[len(values) // 2 :]
    mean = float(half.mean()) if half.max() > half.min() else float(half[0])
    deviation = float(np.abs(half - mean).max())
    low = values <= mean - 2 * deviation if deviation > 0 else values < mean
    return int(np.flatnonzero(low)[-1]) + 1 if low.any() else 0


def k_posterior(chains: BlockModelChains) -> tuple[FloatArray, IntArray]:
    """Share of sweeps with each number of groups, all chains together after their equilibrium.

    Parameters
    ----------
    chains : BlockModelChains
        Finished.

    Returns
    -------
    posterior : ndarray (max_groups + 1,) float64
        ``posterior[k]`` is the probability of k groups; sums to 1.
    first : ndarray (n_chains,) int64
        First sweep of each chain that counts.
    """
    if not chains.finished:
        raise InvalidArgumentError("these chains have sweeps to do; run_chains(chains) does them")
    first = np.array([equilibrium(row) for row in chains.energy_trace], dtype=np.int64)
    counts = np.zeros(chains.max_groups + 1, dtype=np.int64)
    for row, begin in zip(chains.k_trace, first, strict=True):
        counts += np.bincount(row[begin:], minlength=len(counts))
    return counts / counts.sum(), first


def block_model_energy(adjacency: Any, labels: Any) -> float:
    """Log-posterior of a partition of a graph, up to a constant.

    Parameters
    ----------
    adjacency : sparse array (n_nodes, n_nodes)
    labels : array_like (n_nodes,) int
        Groups from 0.

    Returns
    -------
    float
    """
    neighbors, offsets = _neighbors_of(adjacency)
    groups = np.ascontiguousarray(labels, dtype=np.int32)
    n_groups = int(groups.max(initial=-1)) + 1
    return float(_core.block_model_energy(neighbors, offsets, groups, n_groups))


def _neighbors_of(adjacency: Any) -> tuple[Int32Array, IntArray]:
    from scipy.sparse import csr_array

    graph: Any = csr_array(adjacency)
    if graph.shape[0] != graph.shape[1]:
        raise InvalidArgumentError(f"adjacency must be square, got shape {graph.shape}")
    pattern: Any = graph != 0
    if (pattern != pattern.T).nnz:
        raise InvalidArgumentError("adjacency must be symmetric: the block model is undirected")
    joined: Any = csr_array(pattern)
    joined.setdiag(False)
    joined.eliminate_zeros()
    joined.sort_indices()
    return joined.indices.astype(np.int32), joined.indptr.astype(np.int64)


def _start_range(K0: str | int, max_groups: int) -> tuple[int, int]:
    if K0 == "uniform":
        return 1, max_groups
    if K0 == "small":
        return 1, min(SMALL_START, max_groups)
    if isinstance(K0, str):
        raise InvalidArgumentError(f'K0 must be "uniform", "small" or a number, got {K0!r}')
    number = min(integer(K0, "K0", 1), max_groups)
    return number, number


def _resumed(
    chains: BlockModelChains, checkpoint: str | os.PathLike[str] | None
) -> BlockModelChains:
    """The chains of the checkpoint, if there is one, else a copy of the given ones."""
    if checkpoint is None or not _saved_at(checkpoint):
        return replace(
            chains,
            **{
                name: getattr(chains, name).copy()
                for name in ("labels", "n_groups", "n_done", "k_trace", "energy_trace")
            },
        )
    from cofire.types.store import load

    saved = load(checkpoint)
    parts = ("neighbors", "offsets", "seed", "start_range", "max_groups")
    if (
        not isinstance(saved, BlockModelChains)
        or saved.n_chains != chains.n_chains
        or not all(np.array_equal(getattr(saved, x), getattr(chains, x)) for x in parts)
    ):
        raise InvalidArgumentError(
            f"the checkpoint {checkpoint} holds chains of another graph, seed, K0 or number of "
            "rounds; give another path or remove it"
        )
    return saved.with_steps(chains.n_steps)


def _saved_at(checkpoint: str | os.PathLike[str]) -> bool:
    file = Path(checkpoint)
    return file.with_name(file.name.removesuffix(".npz").removesuffix(".json") + ".json").exists()


def _save(chains: BlockModelChains, checkpoint: str | os.PathLike[str]) -> None:
    from cofire.types.store import save

    save(chains, checkpoint)
