"""What would a cell's fluorescence be without spikes? Baselines of made calcium recordings."""

from __future__ import annotations

import math

import numpy as np

from cofire._validate import FloatArray

BASELINES = ("minimum", "robust")
REACH = 15.0
"""Half-width of the running minimum and time constant of the random walk, s."""
FLOOR = 0.01
"""Least baseline, as a share of the cell's mean fluorescence."""

_LOESS_SPAN, _LOWESS_SPAN = 0.012, 0.1
_ROBUST_ITERATIONS = 5
_MIN_HALF_WIDTH = 3


def baseline_of(fluorescence: FloatArray, dt: float, method: str) -> FloatArray:
    """Baseline F0 of each cell, (n_frames, n_units), > 0.

    "minimum": running minimum over 15 s to both sides, then a running mean over as much.

    "robust": robust local quadratic regression over 1.2 % of the recording; its running minimum;
    a random walk that follows the regression but never exceeds that minimum, from the front and
    from the back, of which the lower; local linear regression over 10 % of the recording. Gain and
    edges are ours: the walk follows with a time constant of 15 s, and windows are cut at the ends.

    Parameters
    ----------
    fluorescence : ndarray (n_frames, n_units)
    dt : float, s
    method : {"minimum", "robust"}
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    size = 2 * math.ceil(REACH / dt) + 1
    if method == "minimum":
        lowest = minimum_filter1d(fluorescence, size, axis=0, mode="nearest")
        baseline = uniform_filter1d(lowest, size, axis=0, mode="nearest")
    else:
        half = _half_width(len(fluorescence), _LOESS_SPAN)
        smooth = local_regression(fluorescence, half, 2, _ROBUST_ITERATIONS)
        bound = minimum_filter1d(smooth, size, axis=0, mode="nearest")
        gain = 1.0 - math.exp(-dt / REACH)
        walked = np.minimum(
            _bounded_walk(smooth, bound, gain), _bounded_walk(smooth[::-1], bound[::-1], gain)[::-1]
        )
        baseline = local_regression(walked, _half_width(len(walked), _LOWESS_SPAN), 1)
    mean = fluorescence.mean(axis=0)
    floor = np.where(mean > 0, FLOOR * mean, 1.0)
    result: FloatArray = np.maximum(baseline, floor)
    return result


def local_regression(y: FloatArray, half_width: int, degree: int, n_robust: int = 0) -> FloatArray:
    """Local polynomial of degree 1 or 2 at each sample, tricube weights, columns on their own.

    Parameters
    ----------
    y : ndarray (n_samples, n_columns)
    half_width : int
        Samples to both sides; fewer at the ends.
    degree : {1, 2}
    n_robust : int
        Repetitions with bisquare weights of the residuals (6 median absolute deviations).

    Returns
    -------
    ndarray (n_samples, n_columns)
    """
    from scipy.signal import oaconvolve

    x = np.arange(-half_width, half_width + 1) / (half_width + 1.0)
    kernel = (1.0 - np.abs(x) ** 3) ** 3

    def moment(values: FloatArray, power: int) -> FloatArray:
        # A convolution turns its kernel around: sample t sees x = (s - t) with this sign.
        taps = (kernel * x**power)[::-1, None]
        full: FloatArray = oaconvolve(values, taps, axes=0)
        return full[half_width : half_width + len(values)]

    weight = np.ones((len(y), 1))
    for repetition in range(n_robust + 1):
        s = [moment(weight, power) for power in range(2 * degree + 1)]
        t = [moment(weight * y, power) for power in range(degree + 1)]
        smooth = _constant_term(s, t)
        if repetition < n_robust:
            residual = np.abs(y - smooth)
            scale = 6.0 * np.median(residual, axis=0)
            ratio = np.divide(residual, scale, out=np.zeros_like(residual), where=scale > 0)
            weight = np.maximum(1.0 - ratio**2, 0.0) ** 2
    return smooth


def _constant_term(s: list[FloatArray], t: list[FloatArray]) -> FloatArray:
    """Value at x = 0 of the weighted least-squares polynomial, by Cramer's rule."""
    if len(t) == 2:
        top, bottom = t[0] * s[2] - t[1] * s[1], s[0] * s[2] - s[1] * s[1]
    else:
        a, b, c = s[2] * s[4] - s[3] ** 2, s[1] * s[4] - s[2] * s[3], s[1] * s[3] - s[2] ** 2
        top = t[0] * a - t[1] * b + t[2] * c
        bottom = s[0] * a - s[1] * b + s[2] * c
    # Where the weights leave nothing to fit a polynomial to, their mean has to do.
    thin = bottom <= 1e-10 * s[0] ** len(t)
    mean = np.divide(t[0], s[0], out=np.zeros_like(t[0]), where=s[0] > 0)
    return np.where(thin, mean, top / np.where(thin, 1.0, bottom))


def _bounded_walk(y: FloatArray, bound: FloatArray, gain: float) -> FloatArray:
    """Random walk filtered with a constant gain, kept at or below `bound`."""
    walked = np.empty_like(y)
    state = bound[0]
    for t in range(len(y)):
        state = np.minimum(state + gain * (y[t] - state), bound[t])
        walked[t] = state
    return walked


def _half_width(n_samples: int, span: float) -> int:
    return max(_MIN_HALF_WIDTH, math.ceil(span * n_samples) // 2)
