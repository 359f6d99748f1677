"""How spread out are the weights of a network over the values they could take?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cofire._validate import FloatArray, integer
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.graph._adjacency import _matrix
from cofire.graph._blocks import sum_blocks
from cofire.graph._jit import WEIGHTS, kernel

_REACH = 8.6  # standard deviations; beyond, a Gaussian is below the resolution of a float64
_BLOCK = 4_000_000  # values


def weight_entropy(weights: Any, *, n_points: int = 100, threads: int | None = None) -> float:
    """Shannon entropy of a smooth distribution of all entries of a weight matrix, in bits.

    The density of the entries, by Gaussian kernels, is evaluated at `n_points` equally spaced
    points from the smallest to the largest; its values are divided by their sum, and
    ``-sum(p * log2(p))`` is taken.

    Parameters
    ----------
    weights : array_like (any shape), scipy.sparse, networkx graph or Connectome
        All entries count: zeros (those that a sparse matrix does not store as well), the diagonal,
        negative ones.
    n_points : int, >= 2
    threads : int, optional
        Default :func:`cofire.get_num_threads`; the result does not depend on it.

    Returns
    -------
    float
        0 to ``log2(n_points)``. NaN if there are fewer than two different values. It does not
        change if all weights are multiplied by a number or increased by one.

    Raises
    ------
    InvalidArgumentError
        NaN or infinite weights.

    Notes
    -----
    Scott's rule: the kernels have the sample SD (N - 1) of the N entries times ``N**(-1/5)``.

    The Gaussian of an entry is evaluated at the nearest point and multiplied on from point to point
    ``exp(-(u - k s)**2 / 2) = exp(-u**2 / 2) exp(u s)**k exp(-k**2 s**2 / 2)``: two exponentials
    for each entry instead of `n_points`, and no error but rounding. Points more than 8.6 SDs of the
    kernel away from an entry are left out.

    References
    ----------
    Scott 1992, doi:10.1002/9780470316849; Shakiba et al. 2026, arXiv:2606.14975

    Examples
    --------
    >>> import numpy as np
    >>> from cofire import graph
    >>> rng = np.random.default_rng(0)
    >>> round(graph.weight_entropy(rng.normal(size=(50, 50))), 2)
    5.9
    >>> graph.weight_entropy(rng.uniform(size=(50, 50))) > 6.6  # of log2(100) = 6.64
    True
    """
    n_points = integer(n_points, "n_points", 2)
    values, n_zeros = _entries(weights)
    n = len(values) + n_zeros
    if n < 2:
        return math.nan
    smallest = float(values.min(initial=0.0 if n_zeros else np.inf))
    largest = float(values.max(initial=0.0 if n_zeros else -np.inf))
    if not largest > smallest:
        return math.nan
    # In units of the range, from the smallest: nothing overflows.
    scale = max(abs(smallest), abs(largest))
    spread = largest / scale - smallest / scale
    scaled = (values / scale - smallest / scale) / spread
    zero = -(smallest / scale) / spread
    mean = (scaled.sum() + n_zeros * zero) / n
    squares = ((scaled - mean) ** 2).sum() + n_zeros * (zero - mean) ** 2
    width = math.sqrt(squares / (n - 1)) * n ** (-0.2)
    step = 1.0 / ((n_points - 1) * width)
    scaled /= width
    density = sum_blocks(
        lambda start, stop: gaussian_sum(scaled[start:stop], n_points, step),
        len(scaled),
        _BLOCK,
        threads,
        np.zeros(n_points),
    )
    if n_zeros:
        density += n_zeros * gaussian_sum(np.array([zero / width]), n_points, step)
    share = density / density.sum()
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def _entries(weights: Any) -> tuple[FloatArray, int]:
    """Entries as one array, and the number of zeros besides."""
    graph_like = any(hasattr(weights, name) for name in ("tocsr", "is_multigraph", "row_ids"))
    if graph_like:
        matrix = _matrix(weights, "weights")
        values, n_zeros = matrix.data, math.prod(matrix.shape) - len(matrix.data)
    else:
        try:
            array = np.asarray(weights, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(
                f"weights must be an array of real numbers, got {type(weights).__name__}"
            ) from error
        values, n_zeros = array.ravel(), 0
    if not np.isfinite(values).all():
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        where = "" if graph_like else f"[{', '.join(map(str, np.unravel_index(at, array.shape)))}]"
        raise InvalidArgumentError(
            f"weights must be finite: weights{where} is {values[at]}; leave such entries out"
        )
    return values, n_zeros


@kernel(f"{WEIGHTS}({WEIGHTS}, int64, float64)")
def gaussian_sum(values: Any, n_points: int, step: float) -> FloatArray:
    """Sum over values of ``exp(-(value - k * step)**2 / 2)`` at k = 0..n_points-1.

    Values lie between the first and the last point.
    """
    reach = min(int(_REACH / step + 0.5), n_points)
    factors = np.empty(reach + 1, np.float64)
    for k in range(reach + 1):
        factors[k] = math.exp(-0.5 * (k * step) ** 2)
    total = np.zeros(n_points, np.float64)
    for value in values:
        nearest = min(max(int(value / step + 0.5), 0), n_points - 1)
        offset = value - nearest * step
        at_nearest = math.exp(-0.5 * offset * offset)
        total[nearest] += at_nearest
        ratio = math.exp(offset * step)
        inverse = 1.0 / ratio
        up, down = at_nearest, at_nearest
        for k in range(1, min(reach, n_points - 1 - nearest) + 1):
            up *= ratio
            total[nearest + k] += up * factors[k]
        for k in range(1, min(reach, nearest) + 1):
            down *= inverse
            total[nearest - k] += down * factors[k]
    return total
