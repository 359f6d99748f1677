"""How densely do values lie? Kernel density of one variable, histograms of two smoothed."""

from __future__ import annotations

import numpy as np

from cofire._validate import AnyArray, FloatArray

_MAD_TO_STD = 0.6745
_BINS_PER_BANDWIDTH = 8
_MAX_BINS = 2**18


def default_bandwidth(x: FloatArray) -> float:
    """Bandwidth that is optimal for normal data, with the spread from the median deviation.

    ``s (4 / (3 n))^(1/5)`` with ``s = median |x - median| / 0.6745``; the range in place of s if
    that is 0. 0 for constant data.
    """
    spread = float(np.median(np.abs(x - np.median(x)))) / _MAD_TO_STD
    if spread == 0:
        spread = float(np.ptp(x))
    return float(spread * (4.0 / (3.0 * len(x))) ** 0.2)


def kernel_density(x: FloatArray, at: FloatArray, bandwidth: float) -> FloatArray:
    """Gaussian kernel density of `x` (n,) at the points `at` (m,), summed kernel by kernel."""
    density = np.zeros(len(at))
    step = max(1, 2**22 // max(len(at), 1))
    for first in range(0, len(x), step):
        u = (at - x[first : first + step, None]) / bandwidth
        density += np.exp(-0.5 * u * u).sum(axis=0)
    return np.asarray(density / (len(x) * bandwidth * np.sqrt(2 * np.pi)))


def binned_density(x: FloatArray, bandwidth: float) -> tuple[FloatArray, FloatArray]:
    """Grid (m,) and density (m,) of many values: kernels on a histogram of narrow bins.

    Bins are an eighth of the bandwidth (or the range in 2**18, if that is wider), so that the error
    is below 1 % of the peak.
    """
    from scipy.ndimage import gaussian_filter1d

    low, high = float(x.min()) - 3 * bandwidth, float(x.max()) + 3 * bandwidth
    n = int(np.clip(np.ceil((high - low) / bandwidth * _BINS_PER_BANDWIDTH), 16, _MAX_BINS))
    counts, edges = np.histogram(x, bins=n, range=(low, high))
    width = edges[1] - edges[0]
    smooth = gaussian_filter1d(
        counts.astype(np.float64), bandwidth / width, mode="constant", truncate=6.0
    )
    return 0.5 * (edges[1:] + edges[:-1]), smooth / (len(x) * width)


def adaptive_density(histogram: FloatArray, n_neighbors: float) -> FloatArray:
    """Mean of a 2-D histogram over the smallest square that holds `n_neighbors`, bin by bin.

    Parameters
    ----------
    histogram : ndarray (m, m) float64
        Counts, or expected counts.
    n_neighbors : float
        Squares are cut at the edge of the grid; the whole grid is the largest one.

    Returns
    -------
    ndarray (m, m) float64, counts per bin
    """
    m, n = histogram.shape
    total = np.zeros((m + 1, n + 1))
    np.cumsum(np.cumsum(histogram, axis=0), axis=1, out=total[1:, 1:])
    rows, columns = np.arange(m)[:, None], np.arange(n)

    def inside(radius: AnyArray) -> tuple[FloatArray, FloatArray]:
        top, bottom = np.maximum(rows - radius, 0), np.minimum(rows + radius + 1, m)
        left, right = np.maximum(columns - radius, 0), np.minimum(columns + radius + 1, n)
        count = total[bottom, right] - total[top, right] - total[bottom, left] + total[top, left]
        return count, ((bottom - top) * (right - left)).astype(np.float64)

    # The count grows with the radius: halve the interval that holds the smallest sufficient one.
    low = np.zeros((m, n), dtype=np.int64)
    high = np.full((m, n), max(m, n), dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        enough = inside(middle)[0] >= n_neighbors - 1e-9
        high = np.where(enough, middle, high)
        low = np.where(enough, low, np.minimum(middle + 1, high))
    count, area = inside(high)
    return np.maximum(count, 0.0) / area


def penalized_smooth(grid: FloatArray, strength: float) -> FloatArray:
    """Smooth the columns, then the rows, by ``(I + s^2 D2' D2 + 2 s D1' D1) z = y``.

    Eilers & Goeman 2004, doi:10.1093/bioinformatics/btg454. Sums over the grid are kept.
    """
    return _smooth_columns(_smooth_columns(grid, strength).T, strength).T


def _smooth_columns(grid: FloatArray, strength: float) -> FloatArray:
    from scipy.linalg import solveh_banded

    m = len(grid)
    band = np.zeros((3, m))  # upper form: band[2] the diagonal
    band[2] = 1.0
    for weight, stencil in ((2 * strength, [1.0, -1.0]), (strength**2, [1.0, -2.0, 1.0])):
        width = len(stencil)
        for i in range(width):
            for j in range(i, width):
                # Every row of the difference matrix adds the outer product of its stencil.
                last = m - width + j + 1
                if last > j:
                    band[2 - (j - i), j:last] += weight * stencil[i] * stencil[j]
    smooth: FloatArray = solveh_banded(band, grid)
    return smooth
