"""How active is each assembly over time, and is that in few moments or always?"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.assemblies.function._inputs import membership, traces_of, unit_sets
from cofire.errors import InvalidArgumentError

_BLOCK_VALUES = 2**22  # of the raster converted at once


def coactivity(raster: Any, assemblies: Any) -> FloatArray:
    """Share of each assembly's units that are active in each frame.

    Parameters
    ----------
    raster : array_like (n_frames, n_units) or Traces
        Active units, for example ``SGC().fit(dff).raster_``; any other numbers are averaged alike.
    assemblies : sequence of array_like of int, ndarray (K, n_units) bool, or RandomEnsembles
        Units of each assembly.

    Returns
    -------
    ndarray (n_frames, K) float64
        Mean over the units of each assembly; NaN for an assembly without units.

    Raises
    ------
    InvalidArgumentError
        Units that the raster does not have.

    Examples
    --------
    >>> from cofire.assemblies import coactivity
    >>> coactivity([[1, 1, 0], [0, 1, 0]], [[0, 1], [2]]).tolist()
    [[1.0, 0.0], [0.5, 0.0]]
    """
    values = traces_of(raster, "raster")
    n_frames, n_units = values.shape
    sets = unit_sets(assemblies, n_units)
    # Sums of bool are exact in float32, so that the faster product may be used.
    kind: Any = np.float32 if values.dtype == bool and n_units < 2**24 else np.float64
    weights: AnyArray = membership(sets, n_units).T.astype(kind)
    # A missing value must not reach assemblies that the unit is not in.
    complete = values.dtype.kind in "biu" or bool(np.isfinite(values).all())
    out = np.empty((n_frames, len(sets)))
    if complete:
        height = max(1, _BLOCK_VALUES // max(n_units, 1))
        for first in range(0, n_frames, height):
            out[first : first + height] = values[first : first + height].astype(kind) @ weights
    else:
        for k, units in enumerate(sets):
            out[:, k] = values[:, units].sum(axis=1, dtype=np.float64)
    sizes = np.array([len(units) for units in sets], dtype=np.float64)
    out /= np.where(sizes > 0, sizes, np.nan)
    return out


def gini(traces: Any) -> Any:
    """Gini coefficient of each trace: 0 where all frames are equal, near 1 where one has it all.

    ``sum over i < j of |x_i - x_j| / (n^2 mean)``, from the sorted values in O(n log n).

    Parameters
    ----------
    traces : array_like (n_frames,) or (n_frames, K), or Traces
        Not negative.

    Returns
    -------
    float64, or ndarray (K,) float64
        In [0, 1 - 1/n]; NaN for a trace of zeros, without frames, or with NaN.

    Raises
    ------
    InvalidArgumentError
        Negative or infinite values.

    References
    ----------
    Gini 1912; Hurley & Rickard 2009, doi:10.1109/TIT.2009.2027527

    Examples
    --------
    >>> from cofire.assemblies import gini
    >>> float(gini([0, 0, 0, 2])), float(gini([3, 3, 3]))
    (0.75, 0.0)
    """
    single = np.ndim(getattr(traces, "values", traces)) == 1
    # One row a trace: sorting runs along contiguous memory. Always a copy, which is then sorted.
    rows = np.array(traces_of(traces).T, dtype=np.float64, order="C")
    if (rows < 0).any() or np.isinf(rows).any():
        k, t = np.argwhere((rows < 0) | np.isinf(rows))[0]
        raise InvalidArgumentError(
            f"traces must be finite and not negative, as frame {t} of trace {k} ({rows[k, t]:g}) "
            "is not: Gini's coefficient compares shares of a total"
        )
    rows.sort(axis=1)
    n = rows.shape[1]
    rank = 2.0 * np.arange(n) - n + 1.0
    total = rows.sum(axis=1)
    found = np.full(len(rows), np.nan)
    ok = total > 0  # NaN is not
    found[ok] = np.maximum((rows[ok] @ rank) / (n * total[ok]), 0.0)
    return found[0] if single else found
