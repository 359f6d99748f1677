"""What kind of firing has each unit? Rate and regularity in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._threads import resolve_threads
from cofire._validate import AnyArray, FloatArray, IntArray, positive
from cofire.spikes.binning import bin_spikes
from cofire.types import Intervals, SpikeTrains, as_intervals, as_spike_trains

if TYPE_CHECKING:
    import pandas as pd


def unit_table(
    spikes: Any,
    *,
    support: Any = None,
    fano_window: float = 1.0,
    burst_interval: float = 0.006,
    threads: int | None = None,
) -> pd.DataFrame:
    """Rate and firing statistics of each unit.

    Interspike intervals (ISI) that cross a gap of the support are left out, and so are pairs of
    intervals around one.

    Parameters
    ----------
    spikes : SpikeTrains or convertible
    support : Intervals or array_like (n, 2), s, optional
        Where to look; default the trains' own support, or first to last spike.
    fano_window : float, s
        Bin width of the Fano factor.
    burst_interval : float, s
        Longest interval within a burst.
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    DataFrame, a row per unit, indexed by unit id (``unit_id``)
        - ``rate`` (Hz): spikes per second of support; NaN without time
        - ``n_spikes``
        - ``cv``: sd / mean of the intervals (population sd); needs 2 intervals
        - ``cv2``: mean of ``2 |I_n+1 - I_n| / (I_n+1 + I_n)``; needs a pair of adjacent intervals
        - ``lv``: mean of ``3 (I_n - I_n+1)^2 / (I_n + I_n+1)^2``; the same
        - ``fano``: variance / mean of the counts (population variance); needs a bin with a spike
        - ``burst_index``: share of the spikes with a neighbor not farther than `burst_interval`;
          needs 2 spikes

        and the columns of the trains' metadata. What a unit has too few spikes for is NaN.
        Coinciding spikes make ISI of 0; a pair of two such intervals says nothing about
        regularity and is left out of ``cv2`` and ``lv``.

    References
    ----------
    CV2: Holt et al. 1996, doi:10.1152/jn.1996.75.5.1806. LV: Shinomoto et al. 2003,
    doi:10.1162/089976603322518759. Bursts of ISI up to 6 ms: Harris et al. 2001,
    doi:10.1016/S0896-6273(01)00447-0. Fano factor: Fano 1947, doi:10.1103/PhysRev.72.26.

    Examples
    --------
    >>> import cofire as cf
    >>> table = cf.unit_table([[0.0, 1.0, 2.0, 3.0], []], support=[[0.0, 4.0]])
    >>> table["rate"].tolist(), table["cv"].tolist()
    ([1.0, 0.0], [0.0, nan])
    """
    import pandas as pd

    fano_window = positive(fano_window, "fano_window", "s")
    burst_interval = positive(burst_interval, "burst_interval", "s")
    n_threads = resolve_threads(threads)
    trains = as_spike_trains(spikes)
    if support is not None:
        trains = trains.restrict(as_intervals(support, "support"))
    where = trains.support_or_span()
    table = pd.DataFrame(
        {
            "rate": trains.rates(),
            "n_spikes": trains.counts,
            **_interval_columns(trains, where, burst_interval),
            "fano": _fano(trains, fano_window, n_threads),
        },
        index=pd.Index(trains.unit_ids, name="unit_id"),
    )[["rate", "n_spikes", "cv", "cv2", "lv", "fano", "burst_index"]]
    extra = trains.metadata
    for column in extra.columns.difference(table.columns, sort=False):
        table[column] = extra[column].to_numpy()
    return table


def _interval_columns(
    trains: SpikeTrains, where: Intervals, burst_interval: float
) -> dict[str, FloatArray]:
    """Statistics of the intervals, all units at once."""
    n = trains.n_units
    times = trains.times
    unit = np.repeat(np.arange(n), trains.counts)
    epoch = where.index_of(times)
    same = (unit[1:] == unit[:-1]) & (epoch[1:] == epoch[:-1])
    interval = np.diff(times)

    mean = _mean(interval[same], unit[1:][same], n)
    deviation = _mean((interval[same] - mean[unit[1:][same]]) ** 2, unit[1:][same], n)
    n_intervals = np.bincount(unit[1:][same], minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        cv = np.where((n_intervals >= 2) & (mean > 0), np.sqrt(deviation) / mean, np.nan)

    total = interval[1:] + interval[:-1]
    pair = same[1:] & same[:-1] & (total > 0)
    owner = unit[2:][pair]
    relative = np.abs(interval[1:] - interval[:-1])[pair] / total[pair]

    close = same & (interval <= burst_interval)
    in_burst = np.zeros(len(times), dtype=bool)
    in_burst[1:] |= close
    in_burst[:-1] |= close
    burst_index = _mean(in_burst.astype(np.float64), unit, n)
    return {
        "cv": cv,
        "cv2": _mean(2.0 * relative, owner, n),
        "lv": _mean(3.0 * relative**2, owner, n),
        "burst_index": np.where(trains.counts >= 2, burst_index, np.nan),
    }


def _fano(trains: SpikeTrains, window: float, n_threads: int) -> FloatArray:
    counts = bin_spikes(trains, window, threads=n_threads).counts
    mean = counts.mean(axis=1) if counts.shape[1] else np.zeros(trains.n_units)
    variance = counts.var(axis=1) if counts.shape[1] else mean
    fano: FloatArray = np.full(trains.n_units, np.nan)
    np.divide(variance, mean, out=fano, where=mean > 0)
    return fano


def _mean(values: AnyArray, owner: IntArray, n: int) -> FloatArray:
    """Mean of the values of each owner, NaN for an owner without any."""
    counts = np.bincount(owner, minlength=n)
    sums = np.bincount(owner, weights=values, minlength=n)
    mean: FloatArray = np.full(n, np.nan)
    np.divide(sums, counts, out=mean, where=counts > 0)
    return mean
