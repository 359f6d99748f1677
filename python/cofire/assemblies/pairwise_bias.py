"""Do units fire in the same order in an event as during the task? Pairwise replay scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray, integer, vector
from cofire.assemblies._blas import threaded_map
from cofire.assemblies._estimator import Estimator
from cofire.assemblies.nulls import seed_of
from cofire.errors import InvalidArgumentError
from cofire.types import Intervals, as_intervals, as_spike_trains

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_VALUES = 2**21  # of relabelled matrices held at once


@dataclass(frozen=True, slots=True)
class ReplayScores:
    """How well the order of firing in each event agrees with the task.

    Attributes
    ----------
    scores : ndarray (n_events,) float64
        Cosine similarity, -1 to 1; positive: forward, negative: reverse. NaN where fewer than two
        units are active or no order is defined.
    zscores : ndarray (n_events,) float64
        Against relabelled units; NaN where relabelling changes nothing.
    p_forward, p_reverse : ndarray (n_events,) float64
        ``(#{shuffled >= score} + 1) / (n_shuffles + 1)``, and with <=. 1 for NaN scores.
    pvalues : ndarray (n_events,) float64
        The same for absolute values.
    n_active : ndarray (n_events,) int64
        Units with a spike in the event.
    events : Intervals
    n_shuffles : int
    """

    scores: FloatArray
    zscores: FloatArray
    p_forward: FloatArray
    p_reverse: FloatArray
    pvalues: FloatArray
    n_active: IntArray
    events: Intervals
    n_shuffles: int

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each event."""
        import pandas as pd

        direction = np.array(["none", "forward", "reverse"], dtype=object)
        which = np.where(self.scores > 0, 1, np.where(self.scores < 0, 2, 0))
        return pd.DataFrame(
            {
                "start": self.events.starts,
                "stop": self.events.stops,
                "n_active": self.n_active,
                "score": self.scores,
                "z": self.zscores,
                "direction": direction[which],
                "p_forward": self.p_forward,
                "p_reverse": self.p_reverse,
                "p": self.pvalues,
            }
        )

    def __repr__(self) -> str:
        n_forward = int((self.p_forward < 0.05).sum())
        n_reverse = int((self.p_reverse < 0.05).sum())
        return (
            f"ReplayScores({len(self.scores)} events, p < 0.05: {n_forward} forward, "
            f"{n_reverse} reverse, {self.n_shuffles} shuffles)"
        )


class PairwiseBias(Estimator):
    """Replay scores from the order in which pairs of units fire.

    The skew bias of units i and j is ``2 P(a spike of i precedes one of j) - 1``. The score of an
    event is the cosine similarity of its matrix of biases with that of the task, over pairs of
    units that are active in the event.

    Parameters
    ----------
    n_shuffles : int, >= 1
        Random relabellings of an event's active units.
    rng : int or numpy.random.Generator
    threads : int, optional
        Default :func:`cofire.get_num_threads`; results do not depend on it.

    Attributes
    ----------
    bias_ : ndarray (n_units, n_units) float64
        Skew bias of the task, antisymmetric.
    unit_ids_ : ndarray (n_units,)

    References
    ----------
    Roth 2016, doi:10.48550/arXiv.1603.02916

    Examples
    --------
    >>> from cofire.assemblies import PairwiseBias
    >>> task = [[0.0, 1.0], [0.1, 1.1], [0.2, 1.2], [0.3, 1.3]]
    >>> model = PairwiseBias(n_shuffles=200).fit([[0.0], [0.1], [0.2], [0.3]])
    >>> model.transform(task, [[0.9, 1.5]]).scores.round(6)
    array([1.])
    """

    def __init__(
        self,
        n_shuffles: int = 1000,
        rng: int | np.random.Generator = 0,
        threads: int | None = None,
    ) -> None:
        self.n_shuffles = n_shuffles
        self.rng = rng
        self.threads = threads

    def fit(self, task: Any, y: Any = None) -> Self:
        """Learn the order of firing during the task.

        Parameters
        ----------
        task : SpikeTrains or convertible, or a tuple (times, ids)
            Units of a tuple are the distinct ids.
        y : ignored

        Returns
        -------
        PairwiseBias
            Itself.

        Raises
        ------
        InvalidArgumentError
            Times and ids of different lengths.
        """
        integer(self.n_shuffles, "n_shuffles", 1)
        times, ids, units = _pairs_of(task, "task")
        codes = np.searchsorted(units, ids)
        self.unit_ids_ = units
        self.bias_ = _bias(times, codes, len(units))
        return self

    def transform(self, post: Any, events: Any = None) -> ReplayScores:
        """Score events.

        Parameters
        ----------
        post : SpikeTrains or convertible, or a tuple (times, ids)
            Units are matched with those of the task by id.
        events : Intervals or array_like (n, 2), s, optional
            Spikes with start <= t < stop count; events may overlap. Default: the epochs of the
            support of `post`.

        Returns
        -------
        ReplayScores

        Raises
        ------
        InvalidArgumentError
            A unit that the task does not have, or no events.
        """
        bias: FloatArray = self._learned("bias_")
        times, ids, units = _pairs_of(post, "post")
        known = np.isin(units, self.unit_ids_)
        if not known.all():
            raise InvalidArgumentError(
                f"post has unit {units[~known][0]}, which task does not have; "
                "select the units of the task first"
            )
        intervals = _events_of(post, events)
        codes = np.searchsorted(self.unit_ids_, ids)
        seed = seed_of(self.rng)
        first = np.searchsorted(times, intervals.starts, side="left")
        last = np.searchsorted(times, intervals.stops, side="left")

        def one(k: int) -> tuple[float, float, float, float, float, int]:
            inside = slice(first[k], last[k])
            generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(k,)))
            return self._score(bias, times[inside], codes[inside], generator)

        rows = threaded_map(one, len(intervals), self.threads)
        table = np.array(rows, dtype=np.float64).reshape(len(intervals), 6)
        return ReplayScores(
            scores=table[:, 0].copy(),
            zscores=table[:, 1].copy(),
            p_forward=table[:, 2].copy(),
            p_reverse=table[:, 3].copy(),
            pvalues=table[:, 4].copy(),
            n_active=table[:, 5].astype(np.int64),
            events=intervals,
            n_shuffles=self.n_shuffles,
        )

    def _score(
        self, bias: FloatArray, times: FloatArray, codes: IntArray, generator: np.random.Generator
    ) -> tuple[float, float, float, float, float, int]:
        """Score, z, p forward, p reverse, p of both, number of active units."""
        active, codes = np.unique(codes, return_inverse=True)
        n_active = len(active)
        template = bias[np.ix_(active, active)]
        event = _bias(times, codes, n_active)
        norm = float(np.linalg.norm(template) * np.linalg.norm(event))
        if n_active < 2 or norm == 0:
            return np.nan, np.nan, 1.0, 1.0, 1.0, n_active
        score = float(np.sum(template * event)) / norm
        null = _relabelled(template, event, self.n_shuffles, generator) / norm
        # Relabellings that change nothing must count as equal in spite of rounding.
        close = 1e-12
        spread = float(null.std())
        z = (score - float(null.mean())) / spread if spread > close else np.nan
        n = self.n_shuffles + 1
        p_forward = (int((null >= score - close).sum()) + 1) / n
        p_reverse = (int((null <= score + close).sum()) + 1) / n
        p_both = (int((np.abs(null) >= abs(score) - close).sum()) + 1) / n
        return score, z, p_forward, p_reverse, p_both, n_active


def _relabelled(
    template: FloatArray, event: FloatArray, n_shuffles: int, generator: np.random.Generator
) -> FloatArray:
    """``sum(template * event[order][:, order])`` for random orders, (n_shuffles,)."""
    n = len(template)
    orders = generator.permuted(np.tile(np.arange(n), (n_shuffles, 1)), axis=1)
    block = max(1, _BLOCK_VALUES // (n * n))
    flat, target = event.ravel(), template.ravel()
    sums = [
        flat[(part[:, :, None] * n + part[:, None, :]).reshape(len(part), -1)] @ target
        for part in (orders[a : a + block] for a in range(0, n_shuffles, block))
    ]
    return np.concatenate(sums)


def _bias(times: FloatArray, codes: IntArray, n_units: int) -> FloatArray:
    from cofire.events import skew_bias_matrix

    matrix: FloatArray = skew_bias_matrix(times, codes, n_units)
    return matrix


def _pairs_of(spikes: Any, name: str) -> tuple[FloatArray, AnyArray, AnyArray]:
    """Times in order, the unit of each, and the sorted units."""
    if isinstance(spikes, tuple):
        if len(spikes) != 2:
            raise InvalidArgumentError(
                f"{name} must be SpikeTrains or a tuple (times, ids), got {len(spikes)} items"
            )
        times, ids = vector(spikes[0], f"{name} times"), np.asarray(spikes[1])
        if ids.shape != times.shape:
            raise InvalidArgumentError(
                f"{name} needs one id for each of {len(times)} times, got shape {ids.shape}"
            )
        units = np.unique(ids)
    else:
        trains = as_spike_trains(spikes, argument=name)
        times, ids = trains.to_pairs()
        units = np.sort(trains.unit_ids)
    order = np.argsort(times, kind="stable")
    return times[order], ids[order], units


def _events_of(post: Any, events: Any) -> Intervals:
    if events is not None:
        return as_intervals(events, "events")
    if isinstance(post, tuple):
        raise InvalidArgumentError("events are needed when post is a tuple (times, ids)")
    return as_spike_trains(post, argument="post").support_or_span()
