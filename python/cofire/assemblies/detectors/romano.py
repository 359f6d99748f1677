"""Which transitions from one frame to the next are too unlikely for noise? The Romano raster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray, positive
from cofire.assemblies.detectors._density import (
    adaptive_density,
    binned_density,
    default_bandwidth,
    penalized_smooth,
)

N_BINS = 1000
NEIGHBORS = 100
SMOOTHING = 8.0
ODDS = 0.05
SLACK = 1.5
"""Standard deviations of noise that a possible decay is allowed."""


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Transitions that noise does not explain.

    Attributes
    ----------
    center, spread : ndarray (n_units,) float64
        Mean and standard deviation of each unit's noise, in units of dF/F; NaN for a constant unit.
    correlation : float
        Of the noise in consecutive frames.
    edges : ndarray (n_bins + 1,) float64
        Of the bins of dF/F in standard deviations of noise.
    significant : ndarray (n_bins, n_bins) bool
        ``[i, j]``: going from bin i to bin j is no noise, and calcium can do it.
    """

    center: FloatArray
    spread: FloatArray
    correlation: float
    edges: FloatArray
    significant: BoolArray


def noise_of(trace: FloatArray) -> tuple[float, float]:
    """Mean and standard deviation of a unit's noise, from the left flank of its density.

    A parabola is fitted to the logarithm of the density between the mode and where it has fallen to
    20 % of it, to the left. If it does not open downwards, values below the mode are mirrored.

    Returns
    -------
    (float, float); NaN for a constant trace
    """
    bandwidth = default_bandwidth(trace)
    if bandwidth <= 0:
        return float("nan"), float("nan")
    at, density = binned_density(trace, bandwidth)
    mode = int(density.argmax())
    low = density[: mode + 1] < 0.2 * density[mode]
    first = int(np.flatnonzero(low)[-1]) + 1 if low.any() else 0
    if mode - first >= 2:
        # Centered, so that the parabola's coefficients are well determined.
        x = (at[first : mode + 1] - at[mode]) / bandwidth
        c, b, _ = np.polyfit(x, np.log(density[first : mode + 1]), 2)
        if c < 0:
            return float(at[mode] - bandwidth * b / (2 * c)), float(bandwidth / np.sqrt(-2 * c))
    below = trace[trace <= at[mode]] - at[mode]
    spread = float(np.sqrt(np.mean(below**2))) if len(below) else 0.0
    return float(at[mode]), spread if spread > 0 else bandwidth


def quadrant_correlation(product: float, square: float) -> float:
    """Correlation of a centered bivariate Gaussian from its doubly negative points.

    Parameters
    ----------
    product, square : float
        Means of ``x y`` and of ``(x^2 + y^2) / 2`` over points with x < 0 and y < 0.

    Returns
    -------
    float in [-0.99, 0.99]; 0 without points
    """
    from scipy.optimize import brentq

    if not square > 0:
        return 0.0

    def excess(rho: float) -> float:
        share = 0.25 + np.arcsin(rho) / (2 * np.pi)
        side = np.sqrt(1 - rho * rho) / (2 * np.pi)
        return float((rho * share + side) / (share + rho * side) - product / square)

    if excess(-0.99) >= 0:
        return -0.99
    if excess(0.99) <= 0:
        return 0.99
    return float(brentq(excess, -0.99, 0.99))


def fit_noise(values: AnyArray, rate: float, half_life: float = 1.0) -> NoiseModel:
    """Fit the noise of every unit and find the transitions that it does not explain.

    Parameters
    ----------
    values : ndarray (n_frames, n_units), finite
    rate : float, Hz
    half_life : float, s

    Returns
    -------
    NoiseModel
    """
    decay = 2.0 ** (-1.0 / (positive(rate, "rate", "Hz") * positive(half_life, "half_life", "s")))
    n_frames, n_units = values.shape
    noise = [noise_of(values[:, u].astype(np.float64)) for u in range(n_units)] if n_frames else []
    center, spread = np.array(noise, dtype=np.float64).reshape(-1, 2).T
    low, high, product, square, n_negative = np.inf, -np.inf, 0.0, 0.0, 0
    for u in np.flatnonzero(spread > 0):
        x = (values[:, u] - center[u]) / spread[u]
        low, high = min(low, float(x.min())), max(high, float(x.max()))
        before, after = x[:-1], x[1:]
        negative = (before < 0) & (after < 0)
        product += float(before[negative] @ after[negative])
        square += 0.5 * float((before[negative] ** 2 + after[negative] ** 2).sum())
        n_negative += int(negative.sum())
    if n_frames < 2 or not high > low:
        return NoiseModel(center, spread, 0.0, np.zeros(1), np.zeros((0, 0), dtype=bool))
    rho = quadrant_correlation(product / max(n_negative, 1), square / max(n_negative, 1))
    edges = np.linspace(low, high, N_BINS + 1)
    histogram = np.zeros(N_BINS * N_BINS)
    for u in np.flatnonzero(spread > 0):
        bins = _bins((values[:, u] - center[u]) / spread[u], edges)
        histogram += np.bincount(bins[:-1] * N_BINS + bins[1:], minlength=N_BINS * N_BINS)
    at = 0.5 * (edges[1:] + edges[:-1])
    data = histogram.reshape(N_BINS, N_BINS)
    significant = _odds(data, _noise_density(at, rho)) <= ODDS
    significant &= at >= decay * (at[:, None] - SLACK) - SLACK
    return NoiseModel(center, spread, rho, edges, significant)


def romano_raster(values: AnyArray, rate: float, half_life: float = 1.0) -> BoolArray:
    """Frames of each unit that belong to two significant transitions in a row.

    dF/F is expressed in standard deviations of each unit's noise (a Gaussian fitted to the left
    flank of its density). Transitions ``(x[t], x[t+1])`` of all units make a histogram of 1000 x
    1000 bins; a bivariate Gaussian of unit variance, correlated as the doubly negative transitions
    are, says what noise alone makes. Both are averaged over the 100 nearest points and smoothed. A
    transition is significant where noise is at most 5 % as dense as the data and calcium can decay
    that fast: ``x[t+1] >= d (x[t] - 1.5) - 1.5`` with the decay d of a frame.

    Parameters
    ----------
    values : ndarray (n_frames, n_units), finite
        dF/F. Not changed.
    rate : float, Hz
        Frames a second.
    half_life : float, s
        Of calcium.

    Returns
    -------
    ndarray (n_frames, n_units) bool; a constant unit is never active

    References
    ----------
    Romano et al. 2015, doi:10.1016/j.neuron.2015.01.027;
    Romano et al. 2017, doi:10.1371/journal.pcbi.1005526
    """
    model = fit_noise(values, rate, half_life)
    raster = np.zeros(values.shape, dtype=bool)
    if len(values) < 3:
        return raster
    for u in np.flatnonzero(model.spread > 0):
        bins = _bins((values[:, u] - model.center[u]) / model.spread[u], model.edges)
        transition = model.significant[bins[:-1], bins[1:]]
        twice = transition[:-1] & transition[1:]
        for lag in range(3):
            raster[lag : len(raster) - 2 + lag, u] |= twice
    return raster


def _bins(x: FloatArray, edges: FloatArray) -> IntArray:
    n = len(edges) - 1
    found: IntArray = np.clip(
        ((x - edges[0]) * (n / (edges[-1] - edges[0]))).astype(np.int64), 0, n - 1
    )
    return found


def _noise_density(at: FloatArray, rho: float) -> FloatArray:
    """Probability of each bin under the noise, (n_bins, n_bins)."""
    x = at[:, None]
    exponent = (x * x - 2 * rho * x * at + at * at) / (2 * (1 - rho * rho))
    area = (at[1] - at[0]) ** 2
    density: FloatArray = np.exp(-exponent) * (area / (2 * np.pi * np.sqrt(1 - rho * rho)))
    return density


def _odds(data: FloatArray, noise: FloatArray) -> FloatArray:
    """Density of noise divided by that of data, both smoothed alike; infinite where no data."""
    n_points = data.sum()
    smooth = []
    for grid in (data, noise * n_points):
        near = adaptive_density(grid, min(NEIGHBORS, 0.5 * float(grid.sum())))
        smooth.append(np.maximum(penalized_smooth(near, SMOOTHING), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = smooth[1] / smooth[0]
    return np.where(smooth[0] > 0, odds, np.inf)
