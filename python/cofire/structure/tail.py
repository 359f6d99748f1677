"""Are the largest synapses inside assemblies? A boundary between two sizes, and who is beyond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import FloatArray, integer, one_of, real, vector
from cofire.errors import InvalidArgumentError
from cofire.structure._results import ClassConnections
from cofire.structure.classes import CLASSES, UNIONS

if TYPE_CHECKING:
    import pandas as pd

    from cofire.stats import ContingencyTest

BOUNDARIES = ("equal_posterior", "published")


@dataclass(frozen=True, repr=False, eq=False, slots=True)
class TailMixture:
    """Two Gaussians of the logarithm of sizes, and the boundary between them.

    Attributes
    ----------
    weights, means, sds : ndarray (2,) float64
        Of log10 of the sizes; the component with the larger weight comes first.
    boundary : float
        log10 of the size that separates the components.
    kind : str
        ``"equal_posterior"`` or ``"published"``.
    n : int
        Number of sizes.
    n_tail : int
        Sizes at or above the boundary.
    log_likelihood : float
        Mean over the sizes.
    """

    weights: FloatArray
    means: FloatArray
    sds: FloatArray
    boundary: float
    kind: str
    n: int
    n_tail: int
    log_likelihood: float

    def density(self, log_size: Any) -> FloatArray:
        """Density of each component at log10 of sizes, (2, n); their sum is the mixture."""
        from scipy.stats import norm

        x = vector(log_size, "log_size")
        out: FloatArray = self.weights[:, None] * norm.pdf(
            x[None, :], self.means[:, None], self.sds[:, None]
        )
        return out

    def in_tail(self, sizes: Any) -> Any:
        """Whether sizes are at or above the boundary, (n,) bool."""
        return np.log10(_sizes(sizes)) >= self.boundary

    def to_frame(self) -> pd.DataFrame:
        """A row a component: weight, mean, sd (of log10) and the boundary."""
        import pandas as pd

        return pd.DataFrame(
            {
                "component": [0, 1],
                "weight": self.weights,
                "mean": self.means,
                "sd": self.sds,
                "boundary": self.boundary,
                "kind": self.kind,
                "n": self.n,
                "n_tail": self.n_tail,
            }
        )

    def __repr__(self) -> str:
        return (
            f"TailMixture(means {self.means[0]:.3f}, {self.means[1]:.3f}; boundary "
            f"{self.boundary:.3f} ({self.kind}); {self.n_tail} of {self.n} in the tail)"
        )


def tail_mixture(
    sizes: Any, *, boundary: str = "equal_posterior", rng: int = 747, n_init: int = 1
) -> TailMixture:
    """Fit two Gaussians to log10 of sizes and find the boundary between them.

    Expectation maximisation from k-means (scikit-learn, diagonal covariances).

    Parameters
    ----------
    sizes : array_like (n,), or ClassConnections with sizes
        Summed sizes > 0 of connected pairs; of a result those of all its classes.
    boundary : {"equal_posterior", "published"}
        See :func:`mixture_boundary`.
    rng : int
        Seed of k-means.
    n_init : int
        Fits from different starts, of which the best is kept.

    Returns
    -------
    TailMixture

    Raises
    ------
    InvalidArgumentError
        Fewer than four different sizes, sizes that are not positive, components that have no
        boundary.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.structure import tail_mixture
    >>> rng = np.random.default_rng(0)
    >>> logs = np.concatenate([rng.normal(-2, 0.2, 600), rng.normal(-3.5, 0.2, 300)])
    >>> mixture = tail_mixture(10**logs)
    >>> mixture.means.round(1).tolist(), -3 < mixture.boundary < -2.5
    ([-2.0, -3.5], True)
    """
    from sklearn.mixture import GaussianMixture

    one_of(boundary, "boundary", BOUNDARIES)
    seed = integer(rng, "rng", 0)
    logs = np.log10(_sizes(sizes))
    if len(np.unique(logs)) < 4:
        raise InvalidArgumentError(
            f"sizes must hold at least four different values for two components, got "
            f"{len(np.unique(logs))}"
        )
    model = GaussianMixture(
        n_components=2,
        covariance_type="diag",
        init_params="kmeans",
        random_state=seed,
        n_init=integer(n_init, "n_init", 1),
    ).fit(logs[:, None])
    order = np.argsort(-model.weights_, kind="stable")
    weights, means = model.weights_[order], model.means_[order, 0]
    sds = np.sqrt(model.covariances_[order, 0])
    at = mixture_boundary(weights, means, sds, kind=boundary)
    return TailMixture(
        weights=np.asarray(weights, dtype=np.float64),
        means=np.asarray(means, dtype=np.float64),
        sds=np.asarray(sds, dtype=np.float64),
        boundary=at,
        kind=boundary,
        n=len(logs),
        n_tail=int((logs >= at).sum()),
        log_likelihood=float(model.score(logs[:, None])),
    )


def mixture_boundary(weights: Any, means: Any, sds: Any, *, kind: str = "equal_posterior") -> float:
    """Find where two Gaussian components are equally likely.

    A root of ``a x^2 + b x + c`` with ``a = 1/2s0^2 - 1/2s1^2``, ``b = -m0/s0^2 + m1/s1^2`` and
    ``c = m0^2/2s0^2 - m1^2/2s1^2 - ln(s1/s0) + ln(w1/w0)``.

    Parameters
    ----------
    weights, means, sds : array_like (2,)
        Of the components; component 0 is the one with the larger weight.
    kind : {"equal_posterior", "published"}
        ``"published"`` has the sign of ``ln(w1/w0)`` reversed, as the published program does: it
        gives the boundary of exchanged weights, for the published fit -2.28 instead of -2.38.

    Returns
    -------
    float
        The smaller root where there are two and it lies between the means or neither does,
        otherwise the one between the means.

    Raises
    ------
    InvalidArgumentError
        One component is above the other everywhere.

    Examples
    --------
    >>> from cofire.structure import mixture_boundary
    >>> fit = ([0.6316, 0.3684], [-2.0014, -2.6911], [0.2359, 0.2789])
    >>> round(mixture_boundary(*fit), 4), round(mixture_boundary(*fit, kind="published"), 4)
    (-2.3838, -2.2817)
    """
    one_of(kind, "kind", BOUNDARIES)
    w, m, s = vector(weights, "weights"), vector(means, "means"), vector(sds, "sds")
    if not len(w) == len(m) == len(s) == 2 or (w <= 0).any() or (s <= 0).any():
        raise InvalidArgumentError("weights, means and sds must hold two values, > 0 but for means")
    sign = 1.0 if kind == "equal_posterior" else -1.0
    a = 1 / (2 * s[0] ** 2) - 1 / (2 * s[1] ** 2)
    b = -m[0] / s[0] ** 2 + m[1] / s[1] ** 2
    c = m[0] ** 2 / (2 * s[0] ** 2) - m[1] ** 2 / (2 * s[1] ** 2) - np.log(s[1] / s[0])
    c += sign * np.log(w[1] / w[0])
    if abs(a) < 1e-12 * abs(b):
        return float(-c / b)
    inside = b**2 - 4 * a * c
    if inside < 0 or (a == 0 and b == 0):
        raise InvalidArgumentError(
            "the components have no boundary: one is more likely than the other everywhere"
        )
    roots = np.sort((-b + np.array([-1.0, 1.0]) * np.sqrt(inside)) / (2 * a))
    between = (roots >= m.min()) & (roots <= m.max())
    return float(roots[between][0] if between.any() else roots[0])


def tail_test(
    result: Any,
    boundary: TailMixture | float,
    *,
    contrast: tuple[str, str] = ("shared", "disjoint"),
) -> ContingencyTest:
    """Test whether sizes beyond a boundary are shared out like all connections.

    Parameters
    ----------
    result : ClassConnections with sizes, or DataFrame with columns ``class`` and ``value``
        Connected pairs.
    boundary : TailMixture or float
        Sizes whose log10 is at least this are in the tail.
    contrast : (str, str)
        Two classes.

    Returns
    -------
    ContingencyTest
        Goodness of fit of the numbers in the tail to the proportions of all connected pairs.

    Raises
    ------
    InvalidArgumentError
        A class without a connected pair.

    Examples
    --------
    >>> import pandas as pd
    >>> from cofire.structure import tail_test
    >>> pairs = pd.DataFrame({"class": ["shared"] * 4 + ["disjoint"] * 4, "value": [1, 10] * 4})
    >>> tail_test(pairs, 0.5).observed.tolist()
    [2.0, 2.0]
    """
    import pandas as pd

    from cofire.stats import goodness_of_fit

    pairs = result.pairs if isinstance(result, ClassConnections) else pd.DataFrame(result)
    if "class" not in pairs or "value" not in pairs:
        raise InvalidArgumentError("result must have the columns class and value: synapse sizes")
    for name in contrast:
        one_of(name, "contrast", CLASSES)
    at = boundary.boundary if isinstance(boundary, TailMixture) else real(boundary, "boundary")
    all_pairs, tail = [], []
    for name in contrast:
        inside = pairs["class"].isin(UNIONS.get(name, (name,)))
        logs = np.log10(_sizes(pairs.loc[inside, "value"]))
        all_pairs.append(len(logs))
        tail.append(int((logs >= at).sum()))
    if 0 in all_pairs:
        empty = contrast[all_pairs.index(0)]
        raise InvalidArgumentError(f"class {empty!r} has no connected pair")
    return goodness_of_fit(tail, all_pairs)


def _sizes(sizes: Any) -> FloatArray:
    if isinstance(sizes, ClassConnections):
        if not sizes.has_sizes:
            raise InvalidArgumentError("sizes: the connectome of this result has no synapse sizes")
        sizes = sizes.pairs["value"]
    values = vector(np.asarray(sizes), "sizes")
    if (values <= 0).any():
        bad = int(np.flatnonzero(values <= 0)[0])
        raise InvalidArgumentError(
            f"sizes must be positive for a logarithm: sizes[{bad}] is {values[bad]:g}"
        )
    return values
