"""When is each cell active? Binary rasters from dF/F, as the detectors of the literature make them.

``"threshold"`` is the raster of similarity-graph clustering, ``"deconvolved"`` needs spikes that
explain the fluorescence, ``"romano"`` transitions that noise does not make.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, one_of, positive, real
from cofire.assemblies._blas import threaded_map
from cofire.assemblies.sgc.raster import activity_raster
from cofire.errors import InvalidArgumentError

RASTERS = ("deconvolved", "romano", "threshold")
_SPIKE_RATE = 10.0  # Hz, prior of the deconvolution
_SPIKE_STD = 3.0  # of all values, above which a spike probability counts
_MAD_TO_STD = 1.4826


def spike_probability(
    values: AnyArray, rate: float, half_life: float = 1.0, *, threads: int | None = None
) -> FloatArray:
    """Spikes that explain each trace best, relative to the largest of the unit.

    Fast non-negative deconvolution: calcium decays by ``2^(-1 / (rate * half_life))`` a frame,
    spikes are positive with an exponential prior of 10 Hz. Each trace loses its linear trend and is
    lifted to a minimum of 0; then noise is 1.4826 times the median absolute deviation, a spike's
    height the median, the baseline the 5 % quantile. These are not fitted further.

    Parameters
    ----------
    values : ndarray (n_frames, n_units), finite
        dF/F. Not changed.
    rate : float, Hz
        Frames a second.
    half_life : float, s, > 0
        Of calcium.
    threads : int, optional
        The result does not depend on it.

    Returns
    -------
    ndarray (n_frames, n_units) float64, in [0, 1]; 0 for a constant unit

    Notes
    -----
    "Shifted to start at 0" is read as a minimum of 0: the median must be a positive height. A unit
    that keeps one value for half of its frames has no median deviation (or median): its standard
    deviation takes that place.

    References
    ----------
    Vogelstein et al. 2010, doi:10.1152/jn.01073.2009
    """
    from cofire.assemblies.detectors._deconvolution import LOWEST_WEIGHT, deconvolve

    rate = positive(rate, "rate", "Hz")
    gamma = float(2.0 ** (-1.0 / (rate * positive(half_life, "half_life", "s"))))
    n_frames, n_units = values.shape
    spikes = np.zeros((n_units, n_frames))
    time = np.arange(n_frames) - (n_frames - 1) / 2

    def one(unit: int) -> None:
        trace = values[:, unit].astype(np.float64)
        if n_frames < 2:
            return
        trend = float(time @ trace) / max(float(time @ time), 1.0)
        f = trace - trace.mean() - trend * time
        # What rounding leaves of a constant or linear trace is no signal.
        scale = max(float(np.abs(trace).max(initial=0.0)), np.finfo(np.float64).tiny)
        if np.ptp(f) <= 1e-12 * scale:
            return
        f -= f.min()
        median = float(np.median(f))
        sigma = _MAD_TO_STD * float(np.median(np.abs(f - median)))
        std = float(f.std())
        found = deconvolve(
            f,
            gamma,
            median if median > 0 else std,
            float(np.quantile(f, 0.05)),
            sigma if sigma > 0 else std,
            _SPIKE_RATE / rate,
            LOWEST_WEIGHT,
        )
        spikes[unit] = found / found.max()

    if n_units:
        deconvolve.compile()  # on this thread, before others ask for it
    threaded_map(one, n_units, threads)
    return spikes.T


def spike_raster(
    values: AnyArray, rate: float, half_life: float = 1.0, *, threads: int | None = None
) -> BoolArray:
    """:func:`spike_probability` above 3 standard deviations of all its values.

    Parameters
    ----------
    values : ndarray (n_frames, n_units), finite
    rate : float, Hz
    half_life : float, s
    threads : int, optional

    Returns
    -------
    ndarray (n_frames, n_units) bool
    """
    spikes = spike_probability(values, rate, half_life, threads=threads)
    if spikes.size < 2:
        return np.zeros(spikes.shape, dtype=bool)
    raster: BoolArray = np.ascontiguousarray(spikes > _SPIKE_STD * spikes.std(ddof=1))
    return raster


def raster_of(
    values: AnyArray,
    kind: Any,
    *,
    n_std: float = 2.0,
    rate: float | None = None,
    half_life: float = 1.0,
    threads: int | None = None,
) -> BoolArray:
    """Make the raster called `kind`.

    Parameters
    ----------
    values : ndarray (n_frames, n_units), finite
    kind : {"deconvolved", "romano", "threshold"}
    n_std : float
        Of "threshold".
    rate : float, Hz
        Frames a second; "threshold" needs none.
    half_life : float, s
        Of calcium.
    threads : int, optional

    Returns
    -------
    ndarray (n_frames, n_units) bool
    """
    from cofire.assemblies.detectors.romano import romano_raster

    one_of(kind, "raster", RASTERS)
    if kind == "threshold":
        return activity_raster(values, real(n_std, "n_std"))
    if rate is None:
        raise InvalidArgumentError(
            f'raster "{kind}" depends on the frame rate: pass rate= (Hz) or Traces, or choose '
            'raster="threshold"'
        )
    if kind == "romano":
        return romano_raster(values, rate, half_life)
    return spike_raster(values, rate, half_life, threads=threads)
