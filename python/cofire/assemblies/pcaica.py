"""Which groups of units fire together? Principal and independent components of binned spikes."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from cofire._optional import plotter
from cofire._validate import AnyArray, BoolArray, FloatArray, integer, one_of, real
from cofire.assemblies._blas import one_blas_thread
from cofire.assemblies._estimator import Estimator, as_bins
from cofire.assemblies.nulls import Progress, Surrogates
from cofire.assemblies.schemes import (
    CrossScheme,
    CrossSvdScheme,
    GroupFilter,
    Scheme,
    WithinScheme,
    check_groups,
)
from cofire.errors import InvalidArgumentError, NoAssemblyWarning

if TYPE_CHECKING:
    import pandas as pd


class PCAICA(Estimator):
    """Cell assemblies as independent components above a null of independent firing.

    Rows are z-scored; eigenvalues of their covariance above a threshold count the assemblies;
    FastICA in the space of the leading components (or these components themselves) gives each
    assembly's weights.

    Parameters
    ----------
    null : {"mp", "bin", "circ"}
        Threshold: the Marchenko-Pastur bound ``(1 + sqrt(n_units / n_bins))^2``; or a percentile
        of the largest eigenvalue when the bins of every row are permuted ("bin") or every row is
        rolled by a random lag ("circ"). With `cross_structural`, "mp" means "bin".
    tracywidom : bool
        Add ``n_units^(-2/3)`` to the Marchenko-Pastur bound.
    n_shuffles : int, >= 1
    percentile : float, 0 to 100
    method : {"ica", "pca", "cross_svd"}
        "cross_svd" needs exactly two groups and finds pairs of one-group patterns that covary.
    n_assemblies : int, optional
        Extract this many, whatever the threshold; with "cross_svd", test only this many.
    cross_structural : sequence (n_units,), optional
        Group (region) of each unit: search for co-activation across groups only.
    rng : int or numpy.random.Generator
    rng_recipe : None or "numpy"
        None: fast counter-based surrogates. "numpy": the reference's generators, draw by draw.
    threads : int, optional
        Default :func:`cofire.get_num_threads`; results do not depend on it.
    cross_variant : {"scaled", "corr_mp"}
        "scaled": rows divided by the square root of the size of their group, zero covariance
        within groups, shuffle threshold, and a filter for patterns that span groups. "corr_mp":
        the older form, a correlation matrix without its within-group entries, Marchenko-Pastur
        threshold, no filter.
    cross_group_threshold : float
        Weights above it make a group active in a pattern; patterns need two active groups.
    cross_group_threshold_mode : {"absolute", "relative", "percentile"}
        Of the weight itself, of the pattern's largest weight, or the percentile
        `cross_group_threshold_percentile` of its absolute weights.
    cross_group_threshold_percentile : float, 0 to 100
    cross_svd_threshold_mode : {"per_rank", "max_stat"}
        Compare each singular value with the null of its own rank, or with that of the first.
    progress : callable, optional
        Called with (shuffles done, n_shuffles).

    Attributes
    ----------
    patterns_ : ndarray (n_assemblies_, n_units) float64
        Unit norm, the weight of largest magnitude is positive, 0 for silent units.
    n_assemblies_ : int
    eigenvalues_ : ndarray (n_active,) float64
        Descending; singular values with "cross_svd".
    threshold_ : float, or ndarray (rank,) with "cross_svd"
    null_ : ndarray (n_shuffles,), (n_shuffles, rank) or None
        Null distribution of the largest eigenvalue (of every singular value).
    signs_ : ndarray (n_assemblies_,) float64
        +-1 by which each pattern was multiplied to make its largest weight positive.
    active_ : ndarray (n_units,) bool
        Units whose row is not constant.
    groups_ : ndarray (n_units,) or None
        Labels of `cross_structural`.

    Notes
    -----
    Nothing found gives ``patterns_`` of shape (0, n_units) and a :class:`NoAssemblyWarning`.
    While shuffling, BLAS is held to one thread in the whole process.

    References
    ----------
    Lopes-dos-Santos, Ribeiro & Tort 2013, doi:10.1016/j.jneumeth.2013.04.010

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.assemblies import PCAICA
    >>> rng = np.random.default_rng(0)
    >>> counts = rng.poisson(0.2, (10, 4000))
    >>> counts[:3, ::40] += 2
    >>> model = PCAICA().fit(counts)
    >>> model.n_assemblies_
    1
    >>> np.flatnonzero(model.patterns_[0] > 0.3)
    array([0, 1, 2])
    """

    def __init__(
        self,
        null: str = "mp",
        tracywidom: bool = False,
        n_shuffles: int = 1000,
        percentile: float = 99,
        method: str = "ica",
        n_assemblies: int | None = None,
        cross_structural: Any = None,
        rng: int | np.random.Generator = 0,
        rng_recipe: str | None = None,
        threads: int | None = None,
        *,
        cross_variant: str = "scaled",
        cross_group_threshold: float = 1e-12,
        cross_group_threshold_mode: str = "absolute",
        cross_group_threshold_percentile: float = 95.0,
        cross_svd_threshold_mode: str = "per_rank",
        progress: Progress | None = None,
    ) -> None:
        self.null = null
        self.tracywidom = tracywidom
        self.n_shuffles = n_shuffles
        self.percentile = percentile
        self.method = method
        self.n_assemblies = n_assemblies
        self.cross_structural = cross_structural
        self.cross_variant = cross_variant
        self.cross_group_threshold = cross_group_threshold
        self.cross_group_threshold_mode = cross_group_threshold_mode
        self.cross_group_threshold_percentile = cross_group_threshold_percentile
        self.cross_svd_threshold_mode = cross_svd_threshold_mode
        self.rng = rng
        self.rng_recipe = rng_recipe
        self.threads = threads
        self.progress = progress

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find assemblies.

        Parameters
        ----------
        X : array_like (n_units, n_bins) or BinnedSpikes
            Counts or z-scores; rows are z-scored inside. Not changed.
        y : ignored

        Returns
        -------
        PCAICA
            Itself.

        Raises
        ------
        InvalidArgumentError
            NaN in `X`, a parameter out of range, labels that do not fit, or more assemblies asked
            for than the data have dimensions.
        """
        rows = as_bins(X)
        self._check(rows)
        groups = self._groups(rows)
        with one_blas_thread():
            z, active = standardize(rows)
            self.active_ = active
            self.groups_ = groups
            scheme = self._scheme(z, active, groups)
            if scheme is None:
                self._store_nothing(rows.shape[0], "no unit is active in the given bins")
                return self
            self.eigenvalues_ = scheme.eigenvalues()
            self.null_ = self._null_distribution(scheme)
            self.threshold_ = self.threshold_for(rows.shape, self.null_, self.percentile)
            components = self._significant()
            found = scheme.patterns(components, self.method) if len(components) else None
        if found is not None and groups is not None and self._filters():
            found = found[self._group_filter().spanning(found, groups[active])]
        self._store(found, rows.shape[0])
        return self

    def transform(self, z: Any) -> FloatArray:
        """Expression strength of each assembly in each bin.

        ``(w . z)^2 - sum_i w_i^2 z_i^2``: pairs of units only. With "cross_svd" the product of
        the two groups' z-scored projections.

        Parameters
        ----------
        z : array_like (n_units, n_bins) or BinnedSpikes
            z-scores, for example of :func:`cofire.zscore_bins`.

        Returns
        -------
        ndarray (n_assemblies_, n_bins) float64
        """
        patterns: FloatArray = self._learned("patterns_")
        rows = np.asarray(getattr(z, "counts", z))
        if rows.ndim != 2 or rows.shape[0] != patterns.shape[1]:
            raise InvalidArgumentError(
                f"z must have shape ({patterns.shape[1]} units, n_bins), got {rows.shape}"
            )
        if self.method == "cross_svd":
            return self._paired_projection(patterns, as_bins(rows, "z"))
        from cofire.assemblies.expression import activation

        strength: FloatArray = activation(patterns, rows, threads=self.threads)
        return strength

    def fit_transform(self, X: Any, y: Any = None) -> FloatArray:
        """Fit to `X` and return the expression strength on its own z-scored bins."""
        rows = as_bins(X)
        self.fit(rows)
        z, active = standardize(rows)
        full = np.zeros(rows.shape)
        full[active] = z
        return self.transform(full)

    def spectrum(self, X: Any) -> tuple[FloatArray, FloatArray]:
        """Eigenvalues of `X` and their null distribution, without extracting patterns.

        Raises
        ------
        InvalidArgumentError
            No active unit, or a null that needs no shuffles.
        """
        rows = as_bins(X)
        self._check(rows)
        groups = self._groups(rows)
        with one_blas_thread():
            z, active = standardize(rows)
            scheme = self._scheme(z, active, groups)
            null = None if scheme is None else self._null_distribution(scheme)
            if scheme is None or null is None:
                raise InvalidArgumentError(
                    'a null distribution needs active units and null="bin" or "circ"'
                )
            return scheme.eigenvalues(), null

    def to_frame(self) -> pd.DataFrame:
        """Weights as a table: a row an assembly, a column a unit."""
        import pandas as pd

        table = pd.DataFrame(self._learned("patterns_"))
        table.index.name, table.columns.name = "assembly", "unit"
        return table

    def plot(self, **kwargs: Any) -> Any:
        """Stem plot of the weights; see :func:`cofire.plot.plot_assemblies`."""
        return plotter("plot_assemblies")(self._learned("patterns_"), **kwargs)

    def _null_distribution(self, scheme: Scheme) -> FloatArray | None:
        """Surrogate eigenvalues of a scheme, or None where the threshold is analytic."""
        if self._effective_null() == "mp":
            return None
        return scheme.null(
            Surrogates(
                kind=self._effective_null(),
                n_shuffles=self.n_shuffles,
                rng=self.rng,
                recipe=self.rng_recipe,
                threads=self.threads,
                progress=self.progress,
            )
        )

    def threshold_for(
        self, shape: tuple[int, ...], null: FloatArray | None, percentile: float
    ) -> Any:
        """Threshold (float; (rank,) with cross_svd) for data of shape (n_units, n_bins)."""
        if null is None:
            n_units, n_bins = shape
            bound = (1.0 + np.sqrt(n_units / n_bins)) ** 2
            return float(bound + (n_units ** (-2.0 / 3.0) if self.tracywidom else 0.0))
        threshold = np.percentile(null, percentile, axis=0)
        if null.ndim == 1:
            return float(threshold)
        if self.cross_svd_threshold_mode == "max_stat":
            threshold[:] = threshold[0]
        return threshold

    def _check(self, rows: FloatArray) -> None:
        one_of(self.null, "null", ("mp", "bin", "circ"))
        one_of(self.method, "method", ("ica", "pca", "cross_svd"))
        one_of(self.cross_variant, "cross_variant", ("scaled", "corr_mp"))
        one_of(
            self.cross_group_threshold_mode,
            "cross_group_threshold_mode",
            ("absolute", "relative", "percentile"),
        )
        one_of(self.cross_svd_threshold_mode, "cross_svd_threshold_mode", ("per_rank", "max_stat"))
        if self.rng_recipe is not None:
            one_of(self.rng_recipe, "rng_recipe", ("numpy",))
        integer(self.n_shuffles, "n_shuffles", 1)
        if self.n_assemblies is not None:
            integer(self.n_assemblies, "n_assemblies", 1)
        check_percentile(self.percentile, "percentile")
        check_percentile(self.cross_group_threshold_percentile, "cross_group_threshold_percentile")
        real(self.cross_group_threshold, "cross_group_threshold")
        if rows.shape[1] == 0:
            raise InvalidArgumentError("X has no bins; bin a longer support or use narrower bins")

    def _groups(self, rows: FloatArray) -> AnyArray | None:
        if self.cross_structural is None:
            if self.method == "cross_svd":
                raise InvalidArgumentError(
                    'method="cross_svd" needs cross_structural, the group of each unit'
                )
            return None
        groups = check_groups(self.cross_structural, rows.shape[0])
        if self.method == "cross_svd" and len(np.unique(groups)) != 2:
            raise InvalidArgumentError(
                'method="cross_svd" needs exactly two groups, cross_structural names '
                f'{len(np.unique(groups))}; use method="ica" for more'
            )
        return groups

    def _scheme(self, z: FloatArray, active: BoolArray, groups: AnyArray | None) -> Scheme | None:
        if len(z) == 0:
            return None
        if groups is None:
            return WithinScheme(z)
        if self.method == "cross_svd":
            in_first = groups[active] == np.unique(groups)[0]
            return CrossSvdScheme(z, in_first) if 0 < in_first.sum() < len(in_first) else None
        return CrossScheme(z, groups[active], self.cross_variant)

    def _effective_null(self) -> str:
        """The published cross-structural search has no analytic bound: "mp" becomes "bin"."""
        if self.cross_structural is None or self.null != "mp":
            return self.null
        if self.method != "cross_svd" and self.cross_variant == "corr_mp":
            return "mp"
        return "bin"

    def _significant(self) -> AnyArray:
        """Ranks of the components to extract."""
        above = self.eigenvalues_ > self.threshold_
        if self.method == "cross_svd":
            limit = len(above) if self.n_assemblies is None else self.n_assemblies
            return np.flatnonzero(above[:limit])
        if self.n_assemblies is None:
            return np.arange(int(above.sum()))
        rank = int((self.eigenvalues_ > 1e-10 * self.eigenvalues_[0]).sum())
        if self.n_assemblies > rank:
            raise InvalidArgumentError(
                f"n_assemblies is {self.n_assemblies}, but {int(self.active_.sum())} active units "
                f"span only {rank} dimensions to extract from; ask for at most {rank}"
            )
        return np.arange(self.n_assemblies)

    def _filters(self) -> bool:
        return self.method != "cross_svd" and self.cross_variant == "scaled"

    def _group_filter(self) -> GroupFilter:
        return GroupFilter(
            self.cross_group_threshold_mode,
            self.cross_group_threshold,
            self.cross_group_threshold_percentile,
        )

    def _store(self, found: FloatArray | None, n_units: int) -> None:
        if found is None or len(found) == 0:
            self._store_patterns(np.zeros((0, n_units)))
            self._warn_nothing("no assembly detected: no eigenvalue passes threshold and filter")
            return
        largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)[:, 0]
        self.signs_ = np.where(largest < 0, -1.0, 1.0)
        patterns = np.zeros((len(found), n_units))
        patterns[:, self.active_] = found * self.signs_[:, None]
        self._store_patterns(patterns)

    def _store_patterns(self, patterns: FloatArray) -> None:
        self.patterns_ = patterns
        self.n_assemblies_ = len(patterns)
        if len(patterns) == 0:
            self.signs_ = np.ones(0)

    def _store_nothing(self, n_units: int, reason: str) -> None:
        self.eigenvalues_ = np.zeros(0)
        self.threshold_ = float("nan")
        self.null_ = None
        self._store_patterns(np.zeros((0, n_units)))
        self._warn_nothing(reason)

    def _warn_nothing(self, reason: str) -> None:
        warnings.warn(reason, NoAssemblyWarning, stacklevel=4)

    def _paired_projection(self, patterns: FloatArray, z: FloatArray) -> FloatArray:
        groups = np.asarray(self.groups_)
        in_first = groups == np.unique(groups)[0]
        product = np.ones((len(patterns), z.shape[1]))
        for side in (in_first, ~in_first):
            projected = patterns[:, side] @ z[side]
            centered = projected - projected.mean(axis=1, keepdims=True)
            deviation = centered.std(axis=1, keepdims=True)
            product *= np.divide(
                centered, deviation, out=np.zeros_like(centered), where=deviation > 0
            )
        return product


def standardize(rows: FloatArray) -> tuple[FloatArray, BoolArray]:
    """z-scores (ddof 0) of the rows that are not constant, and which ones these are."""
    n_units, n_bins = rows.shape
    active = np.array([n_bins > 0 and row.max() > row.min() for row in rows], dtype=bool)
    z = np.empty((int(active.sum()), n_bins))
    # Row by row, so that a row is still in cache when it is read again.
    for row, out in zip(rows[active] if n_units > len(z) else rows, z, strict=True):
        np.subtract(row, row.mean(), out=out)
        out /= np.sqrt(np.einsum("i,i->", out, out) / n_bins)
    return z, active


def check_percentile(value: float, name: str) -> float:
    """Return a percentile between 0 and 100."""
    number = real(value, name)
    if not 0 <= number <= 100:
        raise InvalidArgumentError(f"{name} must lie between 0 and 100, got {value!r}")
    return number
