"""Which odors, at which concentration and with which noise, enter the network?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cofire._validate import AnyArray, FloatArray, IntArray, integer, positive
from cofire.errors import FileFormatError, InvalidArgumentError, MissingDataError
from cofire.io import read_kreher2008

if TYPE_CHECKING:
    import pandas as pd

Float32Array = npt.NDArray[np.float32]

_OFFSET, _RANGE = 50.0, 350.0
_SHUFFLE, _SYNTHETIC = 2000, 5000


@dataclass(frozen=True, slots=True)
class OdorPanel:
    """Responses of receptors to odors; the first odor is the baseline without any.

    Attributes
    ----------
    responses : ndarray (n_odors, n_receptors) float32
        Normalized: (rate + 50 Hz) / 350 Hz.
    odors : tuple of str
    receptors : tuple of str

    References
    ----------
    Kreher, Mathew, Kim & Carlson 2008, doi:10.1016/j.neuron.2008.06.010
    """

    responses: Float32Array
    odors: tuple[str, ...]
    receptors: tuple[str, ...]

    @property
    def n_odors(self) -> int:
        """Number of odors, the baseline included."""
        return len(self.odors)

    def select(self, indices: AnyArray | list[int]) -> OdorPanel:
        """Return a panel of some odors, in the given order."""
        chosen = [int(i) for i in indices]
        return OdorPanel(
            self.responses[chosen], tuple(self.odors[i] for i in chosen), self.receptors
        )

    def __repr__(self) -> str:
        return f"OdorPanel({self.n_odors} odors, {len(self.receptors)} receptors)"


def load_panel(folder: str | Path) -> OdorPanel:
    """Read the published panel from the data folder of the study.

    Raises
    ------
    RecordingError
        The folder or its table is missing or damaged.
    """
    return _panel(read_kreher2008(folder))


def read_panel(path: str | Path, receptors: tuple[str, ...], *, units: str) -> OdorPanel:
    """Read an own panel: a csv table with a row an odor, a column a receptor.

    The first column names the odors. The first row is the baseline without odor, from which the
    concentration series starts.

    Parameters
    ----------
    path : path
    receptors : tuple of str
        Names of the columns that the network takes; their order in the file is free.
    units : {"normalized", "hz"}
        Responses between 0 and 1, or firing rates, which become (rate + 50) / 350.

    Raises
    ------
    MissingDataError
        There is no such file.
    FileFormatError
        A receptor is missing or unknown, a value is no finite number or out of range, an odor has
        no name or one that another has.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingDataError(f"panel {file} does not exist")
    panel = _read(file)
    if set(panel.receptors) != set(receptors):
        missing = [r for r in receptors if r not in panel.receptors]
        unknown = [r for r in panel.receptors if r not in receptors]
        raise FileFormatError(
            f"{file}: the columns must be the {len(receptors)} receptors of the network; "
            f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
        )
    values = panel.responses[:, [panel.receptors.index(r) for r in receptors]]
    if units == "hz":
        values = ((values.astype(np.float64) + _OFFSET) / _RANGE).astype(np.float32)
    if panel.n_odors < 2:
        raise FileFormatError(f"{file}: a panel needs the baseline and at least one odor")
    if len(set(panel.odors)) != panel.n_odors or not all(panel.odors):
        raise FileFormatError(f"{file}: every odor needs a name of its own")
    outside = (values < 0) | (values > 2)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise FileFormatError(
            f"{file}: {panel.odors[row]!r}, {receptors[column]}: {values[row, column]:g} is out of "
            'range for normalized responses (0 to 2); firing rates need units "hz"'
        )
    return OdorPanel(values, panel.odors, tuple(receptors))


def _read(file: Path) -> OdorPanel:
    import pandas as pd

    try:
        panel = _panel(pd.read_csv(file, index_col=0))
    except (ValueError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{file}: not a table of odors by receptors: {error}") from error
    if not panel.responses.size or not np.isfinite(panel.responses).all():
        raise FileFormatError(f"{file}: every response must be a finite number")
    return panel


def _panel(table: pd.DataFrame) -> OdorPanel:
    return OdorPanel(
        table.to_numpy(dtype=np.float32),
        tuple(str(name) for name in table.index),
        tuple(str(name) for name in table.columns),
    )


def draw_odors(panel: OdorPanel, n_odors: int, seed: int) -> OdorPanel:
    """Draw the odors of a task of given complexity.

    Up to the size of the panel a random subset, in the order of the panel; beyond it the whole
    panel and synthetic odors, whose responses are drawn per receptor from a normal law with the
    panel's mean and sd (at least 0.05); three to eight random receptors keep theirs, the others
    are multiplied by 0.2, all are clipped to [0, 1].

    Parameters
    ----------
    panel : OdorPanel
    n_odors : int
        At least 2.
    seed : int
    """
    n = integer(n_odors, "n_odors", 2)
    if n <= panel.n_odors:
        chosen = np.random.RandomState(seed + _SHUFFLE).choice(panel.n_odors, n, replace=False)
        return panel.select(np.sort(chosen))
    rng = np.random.RandomState(seed + _SYNTHETIC)
    mean = panel.responses.mean(axis=0, dtype=np.float64)
    sd = np.maximum(panel.responses.std(axis=0, dtype=np.float64), 0.05)
    made = np.empty((n - panel.n_odors, len(panel.receptors)))
    for row in made:
        row[:] = 0.2 * (full := rng.normal(mean, sd))
        kept = rng.choice(len(row), rng.randint(3, 9), replace=False)
        row[kept] = full[kept]
    responses = np.concatenate([panel.responses, made.clip(0.0, 1.0).astype(np.float32)])
    names = tuple(f"synthetic {k + 1}" for k in range(len(made)))
    return OdorPanel(responses, panel.odors + names, panel.receptors)


def noisy_inputs(
    odors: AnyArray,
    n_trials: int,
    noise: float,
    rng: np.random.Generator,
    *,
    additive: bool = False,
) -> Float32Array:
    """Draw noisy trials of each odor.

    Parameters
    ----------
    odors : ndarray (n_odors, n_receptors)
    n_trials : int
    noise : float
        Sd of the noise, relative to the response (or absolute, if additive).
    rng : numpy Generator
    additive : bool
        ``max(x + noise * xi, 0)`` instead of ``max(x * (1 + noise * xi), 0)``.

    Returns
    -------
    ndarray (n_odors, n_trials, n_receptors) float32
    """
    clean = np.asarray(odors, dtype=np.float64)[:, None]
    xi = rng.standard_normal((len(clean), n_trials, clean.shape[2]))
    values = clean + noise * xi if additive else clean * (1.0 + noise * xi)
    return np.maximum(values, 0.0).astype(np.float32)


def at_concentration(
    panel: OdorPanel, concentration: float, *, hill: float = 1.0, half_saturation: float = 1.0
) -> Float32Array:
    """Responses to every odor but the baseline at another concentration.

    ``max(x0 + (x - x0) h(c) / h(1), 0)`` with the baseline x0 and ``h(c) = c^n / (c^n + EC50^n)``.

    Returns
    -------
    ndarray (n_odors - 1, n_receptors) float32
    """
    c = positive(concentration, "concentration")

    def response(value: float) -> float:
        return float(value**hill / (value**hill + half_saturation**hill))

    values: FloatArray = panel.responses.astype(np.float64)
    scaled = values[0] + (values[1:] - values[0]) * (response(c) / response(1.0))
    return np.asarray(np.maximum(scaled, 0.0), dtype=np.float32)


def mix(panel: OdorPanel, members: IntArray) -> Float32Array:
    """Responses to mixtures: the clipped sum of their components.

    Parameters
    ----------
    panel : OdorPanel
    members : ndarray (n_mixtures, n_components)
        Indices of odors.

    Returns
    -------
    ndarray (n_mixtures, n_receptors) float32, in [0, 1]
    """
    members = np.asarray(members)
    if members.ndim != 2 or (members.size and not _within(members, panel.n_odors)):
        raise InvalidArgumentError(
            f"members must be (n_mixtures, n_components) indices below {panel.n_odors}"
        )
    total: FloatArray = panel.responses[members].sum(axis=1, dtype=np.float64)
    return total.clip(0.0, 1.0).astype(np.float32)


def _within(indices: Any, n: int) -> bool:
    return bool((indices >= 0).all() and (indices < n).all())


def all_pairs(indices: AnyArray | range) -> IntArray:
    """Every unordered pair of the given odors, (n_pairs, 2)."""
    return np.asarray(list(combinations(indices, 2)), dtype=np.int64).reshape(-1, 2)


def random_triplets(indices: AnyArray | range, n: int, rng: np.random.Generator) -> IntArray:
    """Different random triplets of the given odors, (n, 3); all of them if there are fewer."""
    every = np.asarray(list(combinations(indices, 3)), dtype=np.int64).reshape(-1, 3)
    return every[np.sort(rng.permutation(len(every))[:n])]
