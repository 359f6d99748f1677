"""What would the data look like without the structure in question? Surrogate spikes and bins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from cofire import _core
from cofire._threads import resolve_threads
from cofire._validate import AnyArray, IntArray, integer, one_of, positive
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.types import Intervals, SpikeTrains, as_intervals, as_spike_trains

METHODS = ("jitter", "isi_shuffle", "circular_shift", "uniform")

_WIDTHS: dict[int, npt.DTypeLike] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_SHUFFLE: dict[int, Callable[..., AnyArray]] = {
    1: _core.shuffle_rows_u8,
    2: _core.shuffle_rows_u16,
    4: _core.shuffle_rows_u32,
    8: _core.shuffle_rows_u64,
}
_ROTATE: dict[int, Callable[..., AnyArray]] = {
    1: _core.rotate_rows_u8,
    2: _core.rotate_rows_u16,
    4: _core.rotate_rows_u32,
    8: _core.rotate_rows_u64,
}


def surrogate(
    spikes: Any,
    method: str,
    *,
    rng: int | np.random.Generator = 0,
    width: float | None = None,
    within_epochs: bool = False,
    support: Any = None,
    draw: int = 0,
    threads: int | None = None,
) -> SpikeTrains:
    """Make surrogate spike trains with as many spikes per unit as the given ones.

    ``"jitter"`` moves each spike by a uniform amount in ``[-width, width)``, reflected at the edges
    of its epoch: keeps the rate on time scales longer than `width`.
    ``"isi_shuffle"`` permutes the inter-spike intervals inside each epoch; first and last spike of
    an epoch stay: keeps the distribution of intervals, destroys their order.
    ``"circular_shift"`` moves each train as a whole by a uniform amount around the support joined
    without its gaps (with ``within_epochs=True`` around each epoch by an amount of its own): keeps
    the structure of each train, destroys its relation to the others.
    ``"uniform"`` places the spikes uniformly on the support: keeps only their number.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
        Units with sorted times in seconds.
    method : {"jitter", "isi_shuffle", "circular_shift", "uniform"}
    rng : int in [0, 2**64) or numpy.random.Generator
        Seed; one is drawn from a Generator, which advances it. The default gives the same
        surrogate each time.
    width : float, s, > 0
        Of the jitter; required by it and refused by the other methods.
    within_epochs : bool
        Whether ``"circular_shift"`` keeps each spike in its epoch.
    support : Intervals or array_like (n, 2), s, optional
        Where surrogate spikes may lie; merged and intersected with the trains' own support.
        Default: that support, or ``[first spike, last spike + 1/30000)``.
    draw : int, >= 0
        Number of the surrogate: different draws of one seed are independent.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    SpikeTrains
        Sorted trains with the ids, the metadata and the number of spikes of the given ones, and
        the support used. Silent units stay silent.

    Raises
    ------
    InvalidArgumentError
        Unknown method, missing or needless `width`, unbounded support.

    Notes
    -----
    Unit i draws from a counter-based generator (Philox) keyed by (seed, i, draw).

    References
    ----------
    Grün 2009, doi:10.1152/jn.00093.2008; Salmon et al. 2011, doi:10.1145/2063384.2063405

    Examples
    --------
    >>> import cofire as cf
    >>> moved = cf.surrogate([[1.0, 2.0, 4.0]], "isi_shuffle", rng=1)
    >>> sorted((moved[0][1:] - moved[0][:-1]).tolist())
    [1.0, 2.0]
    """
    one_of(method, "method", METHODS)
    n_threads = resolve_threads(threads)
    if method == "jitter":
        if width is None:
            raise InvalidArgumentError('method "jitter" needs width: the largest shift in seconds')
        width = positive(width, "width", "s")
    elif width is not None:
        raise InvalidArgumentError(f'width belongs to method "jitter", not to "{method}"')
    if within_epochs and method != "circular_shift":
        raise InvalidArgumentError(
            f'within_epochs belongs to method "circular_shift", not to "{method}"'
        )
    trains, inside = _on_support(spikes, support)
    key = (seed_of(rng), integer(draw, "draw", 0), n_threads)
    parts = (trains.times, trains.offsets, inside.data)
    if method == "jitter":
        times = _core.jitter_spikes(*parts, float(width or 0.0), *key)
    elif method == "isi_shuffle":
        times = _core.shuffle_isis(*parts, *key)
    elif method == "circular_shift":
        times = _core.rotate_spikes(*parts, bool(within_epochs), *key)
    else:
        times = _core.scatter_spikes(*parts, *key)
    return trains.with_times(times, inside)


def surrogates(
    spikes: Any,
    method: str,
    n: int,
    *,
    rng: int | np.random.Generator = 0,
    width: float | None = None,
    within_epochs: bool = False,
    support: Any = None,
    threads: int | None = None,
) -> Iterator[SpikeTrains]:
    """Make `n` independent surrogates, one at a time.

    Parameters are those of :func:`surrogate`; item k is its ``draw=k``.

    Examples
    --------
    >>> import cofire as cf
    >>> from cofire.stats import surrogates
    >>> many = surrogates([[1.0, 2.0, 4.0]], "jitter", 3, width=0.1)
    >>> [trains.n_spikes for trains in many]
    [3, 3, 3]
    """
    n = integer(n, "n", 0)
    seed = seed_of(rng)
    trains, inside = _on_support(spikes, support)
    trains = trains.with_times(trains.times, inside)
    return (
        surrogate(
            trains,
            method,
            rng=seed,
            width=width,
            within_epochs=within_epochs,
            draw=k,
            threads=threads,
        )
        for k in range(n)
    )


def shuffle_bins(
    x: Any,
    *,
    rng: int | np.random.Generator = 0,
    draw: int = 0,
    recipe: str | None = None,
    threads: int | None = None,
) -> AnyArray:
    """Permute the bins of each row independently.

    Keeps the distribution of counts of each unit, destroys everything in time.

    Parameters
    ----------
    x : array_like (n_units, n_bins)
        Counts or z-scores, of any numeric dtype; not changed.
    rng : int in [0, 2**64) or numpy.random.Generator
        Seed, or a Generator to draw one from.
    draw : int, >= 0
        Number of the surrogate.
    recipe : {None, "numpy"}
        ``"numpy"``: the random numbers of neuro_py, from :func:`numpy_generators`; slower.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    ndarray (n_units, n_bins), dtype of `x`

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.stats import shuffle_bins
    >>> np.sort(shuffle_bins([[3, 1, 2]], rng=7)).tolist()
    [[1, 2, 3]]
    """
    values = _matrix(x)
    if _is_numpy(recipe):
        order = np.argsort(_generator(rng, draw).random(values.shape), axis=1)
        return np.take_along_axis(values, order, axis=1)
    return _run(_SHUFFLE, values, rng, draw, threads)


def circular_shift_bins(
    x: Any,
    *,
    rng: int | np.random.Generator = 0,
    draw: int = 0,
    recipe: str | None = None,
    threads: int | None = None,
) -> AnyArray:
    """Roll each row to the right by an independent uniform number of bins.

    Keeps the autocorrelation of each unit, destroys its relation to the others. Rows are rolled as
    they are: where the columns of several epochs stand side by side, bins move across the gaps.

    Parameters
    ----------
    x : array_like (n_units, n_bins)
        Counts or z-scores, of any numeric dtype; not changed.
    rng, draw, recipe, threads
        As for :func:`shuffle_bins`.

    Returns
    -------
    ndarray (n_units, n_bins), dtype of `x`

    Examples
    --------
    >>> from cofire.stats import circular_shift_bins
    >>> circular_shift_bins([[1, 2, 3], [1, 2, 3]], rng=3).sum(axis=1).tolist()
    [6, 6]
    """
    values = _matrix(x)
    if _is_numpy(recipe):
        n_rows, n_bins = values.shape
        generator = _generator(rng, draw)
        if not n_bins:
            return values.copy()
        shifts: IntArray = generator.integers(0, 2 * n_bins, size=n_rows)
        columns = (np.arange(n_bins) - shifts[:, None]) % n_bins
        return np.take_along_axis(values, columns, axis=1)
    return _run(_ROTATE, values, rng, draw, threads)


def numpy_generators(rng: int | np.random.Generator, n: int) -> list[np.random.Generator]:
    """Make the generators that neuro_py uses for its `n` shuffles.

    Shuffle k has ``default_rng(SeedSequence(rng).spawn(n)[k].generate_state(1)[0])``; it does not
    depend on `n`.

    Parameters
    ----------
    rng : int in [0, 2**64) or numpy.random.Generator
        Seed, or a Generator to draw one from.
    n : int, >= 0
        Number of shuffles.

    Examples
    --------
    >>> from cofire.stats.surrogates import numpy_generators
    >>> len(numpy_generators(3, 5))
    5
    """
    seed = seed_of(rng)
    return [_generator(seed, k) for k in range(integer(n, "n", 0))]


def seed_of(rng: int | np.random.Generator) -> int:
    """Turn the public ``rng`` keyword into a 64-bit seed.

    Examples
    --------
    >>> from cofire.stats.surrogates import seed_of
    >>> seed_of(42)
    42
    """
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(0, 2**64, dtype=np.uint64))
    if isinstance(rng, (bool, np.bool_)) or not hasattr(rng, "__index__"):
        raise InvalidTypeError(
            f"rng must be an integer seed or a numpy.random.Generator, got {rng!r}"
        )
    seed = int(rng)
    if not 0 <= seed < 2**64:
        raise InvalidArgumentError(f"rng must lie in [0, 2**64), got {seed}")
    return seed


def _generator(rng: int | np.random.Generator, draw: int) -> np.random.Generator:
    # SeedSequence(seed).spawn(n)[k] is the sequence with spawn key (k,).
    child = np.random.SeedSequence(seed_of(rng), spawn_key=(integer(draw, "draw", 0),))
    return np.random.default_rng(child.generate_state(1)[0])


def _is_numpy(recipe: str | None) -> bool:
    if recipe is not None and recipe != "numpy":
        raise InvalidArgumentError(f'recipe must be None or "numpy", got {recipe!r}')
    return recipe == "numpy"


def _run(
    kernels: dict[int, Callable[..., AnyArray]],
    values: AnyArray,
    rng: int | np.random.Generator,
    draw: int,
    threads: int | None,
) -> AnyArray:
    # Elements are moved, never computed with: one kernel for each size of element is enough.
    size = values.dtype.itemsize
    moved = kernels[size](
        values.view(_WIDTHS[size]), seed_of(rng), integer(draw, "draw", 0), resolve_threads(threads)
    )
    return moved.view(values.dtype)


def _matrix(x: Any) -> AnyArray:
    values = np.ascontiguousarray(x)
    if values.ndim != 2:
        raise InvalidArgumentError(f"x must have shape (n_units, n_bins), got {values.shape}")
    if values.dtype.kind not in "biuf" or values.dtype.itemsize not in _WIDTHS:
        raise InvalidTypeError(
            f"x must hold numbers of at most 64 bits, got {values.dtype}; convert with astype"
        )
    return values


def _on_support(spikes: Any, support: Any) -> tuple[SpikeTrains, Intervals]:
    trains = as_spike_trains(spikes)
    if support is not None:
        trains = trains.restrict(as_intervals(support, "support"))
    inside = trains.support_or_span()
    inside = inside[inside.durations > 0]
    if not np.isfinite(inside.data).all():
        raise InvalidArgumentError(
            f"support must be bounded, got {inside!r}; pass support=[[start, stop]] in seconds"
        )
    return trains, inside
