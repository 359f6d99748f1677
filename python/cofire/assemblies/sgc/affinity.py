"""Which affinity? The one whose assemblies explain best how cells correlate with distance."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._optional import plotter
from cofire._validate import FloatArray, IntArray, integer, real
from cofire.assemblies._blas import one_blas_thread, threaded_map
from cofire.assemblies.sgc.block_model import Progress
from cofire.assemblies.sgc.core import core_assemblies
from cofire.assemblies.sgc.detector import SGC
from cofire.assemblies.sgc.raster import frames_of
from cofire.errors import DataWarning, InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_PAIRS = 2**21


@dataclass(frozen=True, slots=True)
class JointAIC:
    """Goodness of lines fitted to groups of pairs.

    Attributes
    ----------
    aic : float
        Sum over the groups of pairs; lower is better.
    n_fits : int
        Groups of pairs whose fit counts.
    n_infinite : int
        Groups of pairs that a line goes through exactly (two pairs or fewer); left out of the sum.
    """

    aic: float
    n_fits: int
    n_infinite: int


@dataclass(frozen=True, slots=True)
class AffinitySearch:
    """Scores of affinities, and the detector with the best of them.

    Attributes
    ----------
    affinities : ndarray (n,) float64
    aic : ndarray (n,) float64
        Joint AIC of the assemblies of each affinity; lower is better.
    n_assemblies, n_fits, n_infinite : ndarray (n,) int64
    whole_aic : float
        Of one line for all pairs.
    best : float
        Affinity with the lowest AIC (of equal ones the first).
    detector : SGC
        Fitted with `best`.
    """

    affinities: FloatArray
    aic: FloatArray
    n_assemblies: IntArray
    n_fits: IntArray
    n_infinite: IntArray
    whole_aic: float
    best: float
    detector: SGC

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each affinity."""
        import pandas as pd

        return pd.DataFrame(
            {
                "affinity": self.affinities,
                "aic": self.aic,
                "n_assemblies": self.n_assemblies,
                "n_fits": self.n_fits,
                "n_infinite": self.n_infinite,
            }
        )

    def plot(self, **kwargs: Any) -> Any:
        """Scores against affinity; see :func:`cofire.plot.plot_affinity`."""
        return plotter("plot_affinity")(self, **kwargs)

    def __repr__(self) -> str:
        return (
            f"AffinitySearch(best {self.best:g} of {len(self.affinities)}, AIC "
            f"{self.aic.min():.6g} against {self.whole_aic:.6g} of all pairs together)"
        )


@dataclass(frozen=True, slots=True)
class Embedding:
    """Coordinates (n_units, n_components), correlations (n_units, n_units), and of what."""

    coordinates: FloatArray
    correlation: FloatArray
    fingerprint: str


def select_affinity(
    dff: Any,
    fluorescence: Any = None,
    *,
    affinities: Sequence[float] = (0.2, 0.3, 0.4, 0.5, 0.6),
    detector: SGC | None = None,
    n_components: int = 50,
    n_neighbors: int = 5,
    threads: int | None = None,
    progress: Progress | None = None,
    path: str | os.PathLike[str] | None = None,
) -> AffinitySearch:
    """Choose SGC's affinity by how its assemblies explain correlations (joint AIC).

    Units are embedded by Isomap of their rows of the correlation matrix of fluorescence; each unit
    belongs to one group, which assemblies it is in; for each pair of groups a line is fitted to
    the correlation of two units against their distance in the embedding. The affinity with the
    lowest sum of the fits' AIC wins. Affinity plays a part only in SGC's last step, so that
    everything before is computed once.

    Parameters
    ----------
    dff : array_like (n_frames, n_units) or Traces
    fluorescence : array_like (n_frames, n_units) or Traces, optional
        Raw fluorescence for the correlations; default `dff`. Frames with NaN are left out; a
        constant unit correlates with none.
    affinities : sequence of float, [0, 1)
    detector : SGC, optional
        Its parameters except the affinity; default ``SGC(steps=150_000)``, as published. Not
        changed.
    n_components : int, >= 1, below n_units
        Dimensions of the embedding.
    n_neighbors : int, >= 1, below n_units
        Of Isomap.
    threads : int, optional
        Default: the detector's. Results do not depend on it.
    progress : callable, optional
        Called with (sweeps done, sweeps of all chains); default the detector's.
    path : path, optional
        A folder for what takes long (chains, embedding); a later call with the same data and
        parameters goes on from there.

    Returns
    -------
    AffinitySearch

    Raises
    ------
    InvalidArgumentError
        Parameters out of range, recordings of different units, or a folder of another search.

    Notes
    -----
    The number of neighbors of the published search is not stated; 5 is scikit-learn's default.

    References
    ----------
    Wagner-Carena et al. 2025, doi:10.1101/2025.04.24.649900
    """
    given = (SGC(steps=150_000) if detector is None else detector).get_params()
    model = SGC(**given)
    thetas = np.array([real(value, "affinities") for value in affinities], dtype=np.float64)
    if len(thetas) == 0 or ((thetas < 0) | (thetas >= 1)).any():
        raise InvalidArgumentError(f"affinities must be numbers in [0, 1), got {affinities!r}")
    model.set_params(affinity=float(thetas[0]))
    if threads is not None:
        model.set_params(threads=threads)
    if progress is not None:
        model.set_params(progress=progress)
    folder = None if path is None else Path(path)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        model.set_params(checkpoint=folder / "chains")
    embedding = _embed(
        dff if fluorescence is None else fluorescence, n_components, n_neighbors, folder
    )
    model.fit_groups(dff)
    n_units = model.raster_.shape[1]
    if len(embedding.coordinates) != n_units:
        raise InvalidArgumentError(
            f"dff has {n_units} units, fluorescence has {len(embedding.coordinates)}"
        )

    def score(k: int) -> tuple[JointAIC, int]:
        found = core_assemblies(model.patterns_, model.groups_, float(thetas[k])).assemblies
        groups = membership_groups(found, n_units)
        return joint_aic(embedding.coordinates, embedding.correlation, groups), len(found)

    scores = threaded_map(score, len(thetas), model.threads)
    whole = joint_aic(
        embedding.coordinates, embedding.correlation, np.zeros(n_units, dtype=np.int64)
    )
    aic = np.array([s.aic for s, _ in scores])
    best = float(thetas[int(aic.argmin())])
    # The detector is handed out as it would be without a search.
    model.set_params(progress=given["progress"], checkpoint=given["checkpoint"])
    model.fit_assemblies(best)
    return AffinitySearch(
        affinities=thetas,
        aic=aic,
        n_assemblies=np.array([n for _, n in scores], dtype=np.int64),
        n_fits=np.array([s.n_fits for s, _ in scores], dtype=np.int64),
        n_infinite=np.array([s.n_infinite for s, _ in scores], dtype=np.int64),
        whole_aic=whole.aic,
        best=best,
        detector=model,
    )


def membership_groups(assemblies: Sequence[IntArray], n_units: int) -> IntArray:
    """One group for each unit from the assemblies that it is in.

    With assemblies A1, A2, ... by decreasing size: units of one assembly only, units of two (of
    more, the first two count), units of A1, A2 and A3, and units of none.

    Parameters
    ----------
    assemblies : sequence of ndarray of int
    n_units : int

    Returns
    -------
    ndarray (n_units,) int64
        Equal for units of one group.
    """
    ranked = sorted(assemblies, key=len, reverse=True)
    mask = np.zeros((len(ranked) + 1, n_units), dtype=bool)
    for row, units in zip(mask, ranked, strict=False):
        row[units] = True
    count = mask.sum(axis=0)
    first = mask.argmax(axis=0)
    rest = mask.copy()
    rest[first, np.arange(n_units)] = False
    second = np.where(count > 1, rest.argmax(axis=0), len(ranked))
    groups: IntArray = (first * (len(ranked) + 1) + second).astype(np.int64)
    groups[count == 0] = -1
    if len(ranked) >= 3:
        groups[mask[:3].all(axis=0)] = -2
    return groups


def joint_aic(coordinates: Any, correlation: Any, groups: Any) -> JointAIC:
    """AIC of lines ``correlation = a + b * distance``, one for each unordered pair of groups.

    ``n (ln 2 pi + ln(SSR / n) + 1) + 4`` for n pairs of units, summed over pairs of groups; pairs
    of units within a group are a pair of groups too.

    Parameters
    ----------
    coordinates : array_like (n_units, n_dimensions)
        Distances are Euclidean.
    correlation : array_like (n_units, n_units)
        Only entries above the diagonal are read.
    groups : array_like (n_units,)

    Returns
    -------
    JointAIC
    """
    from scipy.spatial.distance import cdist

    points = np.asarray(coordinates, dtype=np.float64)
    r = np.asarray(correlation, dtype=np.float64)
    names, label = np.unique(np.asarray(groups), return_inverse=True)
    n_units, n_groups = len(points), len(names)
    sums = np.zeros((6, n_groups * n_groups))
    # Centered at typical values, so that the sums of squares lose no digits.
    middle = (float(cdist(points[:1], points).mean()), float(r.mean())) if n_units else (0.0, 0.0)
    height = max(1, _BLOCK_PAIRS // max(n_units, 1))
    for begin in range(0, n_units, height):
        rows = np.arange(begin, min(begin + height, n_units))
        above = np.arange(n_units) > rows[:, None]
        x = cdist(points[rows], points)[above] - middle[0]
        y = r[rows][above] - middle[1]
        low = np.minimum(label[rows][:, None], label)[above]
        high = np.maximum(label[rows][:, None], label)[above]
        key = low * n_groups + high
        for total, weights in zip(sums, (None, x, y, x * x, x * y, y * y), strict=True):
            total += np.bincount(key, weights, minlength=len(total))
    return _aic_of_lines(*sums[:, sums[0] > 0])


def _aic_of_lines(
    n: FloatArray, x: FloatArray, y: FloatArray, xx: FloatArray, xy: FloatArray, yy: FloatArray
) -> JointAIC:
    """From sums of each fit."""
    s_xx, s_xy, s_yy = xx - x * x / n, xy - x * y / n, yy - y * y / n
    flat = s_xx <= 1e-12 * np.maximum(xx, 1e-300)
    slope = np.divide(s_xy, s_xx, out=np.zeros_like(s_xy), where=~flat)
    residual = s_yy - slope * s_xy
    finite = (n > 2) & (residual > 1e-13 * np.maximum(yy, 1e-300))
    n, residual = n[finite], residual[finite]
    aic = n * (np.log(2 * np.pi) + np.log(residual / n) + 1) + 4
    return JointAIC(float(aic.sum()), int(finite.sum()), int((~finite).sum()))


def _embed(
    fluorescence: Any, n_components: int, n_neighbors: int, folder: Path | None
) -> Embedding:
    values, _ = frames_of(fluorescence)
    n_units = values.shape[1]
    for number, name in ((n_components, "n_components"), (n_neighbors, "n_neighbors")):
        if integer(number, name, 1) >= n_units:
            raise InvalidArgumentError(f"{name} must be below the number of units ({n_units})")
    if len(values) < 2:
        raise InvalidArgumentError(
            f"fluorescence must have two frames without NaN to correlate, got {len(values)}"
        )
    digest = hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16)
    digest.update(f"{values.dtype} {values.shape} {n_components} {n_neighbors}".encode())
    fingerprint = digest.hexdigest()
    file = None if folder is None else folder / "embedding"
    if file is not None and file.with_suffix(".json").exists():
        from cofire.types.store import load

        saved = load(file)
        if not isinstance(saved, Embedding) or saved.fingerprint != fingerprint:
            raise InvalidArgumentError(
                f"{folder} holds the search of other data or parameters; give another path"
            )
        return saved
    made = Embedding(*_isomap(values, n_components, n_neighbors), fingerprint)
    if file is not None:
        from cofire.types.store import save

        save(made, file)
    return made


def _isomap(
    values: FloatArray, n_components: int, n_neighbors: int
) -> tuple[FloatArray, FloatArray]:
    from sklearn.manifold import Isomap

    with one_blas_thread(), np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.nan_to_num(np.corrcoef(values.T.astype(np.float64)), nan=0.0)
        constant = np.ptp(values, axis=0) == 0
        correlation[constant] = correlation[:, constant] = 0.0
        np.fill_diagonal(correlation, 1.0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            # The dense solver starts from no random vector.
            embedding = Isomap(
                n_neighbors=n_neighbors, n_components=n_components, eigen_solver="dense"
            ).fit_transform(correlation)
    if any("connected components" in str(w.message) for w in caught):
        warnings.warn(
            f"the graph of {n_neighbors} neighbors is not connected; scikit-learn joined its "
            "parts by their nearest units. More n_neighbors avoid that",
            DataWarning,
            stacklevel=4,
        )
    return np.asarray(embedding, dtype=np.float64), correlation
