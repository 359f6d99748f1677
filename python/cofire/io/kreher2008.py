"""Read the responses of larval Drosophila odorant receptors (Kreher et al. 2008)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cofire.errors import (
    DuplicateIdError,
    FileFormatError,
    MissingDataError,
    RecordingNotFoundError,
)

if TYPE_CHECKING:
    import pandas as pd

RECEPTORS = (
    "Or1a", "Or2a", "Or7a", "Or13a", "Or22c", "Or24a", "Or30a", "Or33b", "Or35a", "Or42a", "Or42b",
    "Or45a", "Or45b", "Or47a", "Or49a", "Or59a", "Or67b", "Or74a", "Or82a", "Or83a", "Or85c",
)  # fmt: skip
"""Receptors in the order of the published table."""

_N_ODORS = 28
_SPONTANEOUS = "sfr"
_OFFSET, _SPAN = 50.0, 350.0  # spikes/s, maps -50..300 to 0..1
_FILES = ("kreher2008_or_responses_normalized.csv", "kreher2008_or_responses.csv")


def read_kreher2008(path: str | Path, *, normalized: bool = True) -> pd.DataFrame:
    """Read the responses of 21 receptors to 28 odors.

    Parameters
    ----------
    path : path
        A csv with a row an odor (first ``sfr``, the spontaneous rate) and a column a receptor, in
        spikes/s or normalized; or the folder that holds one. Values within 0..1 throughout are
        taken as normalized.
    normalized : bool
        Return ``(rate + 50) / 350``, which lies in 0..1; else rates in spikes/s.

    Returns
    -------
    DataFrame (28, 21) float64
        Rows ``odor``, columns ``receptor``, in the order of the published table.

    Raises
    ------
    RecordingNotFoundError, FileFormatError
        No such file; not a table of numbers; another number of odors; a value that is missing or
        outside -50..300 spikes/s.
    MissingDataError, DuplicateIdError
        A receptor or ``sfr`` is missing, a receptor is unknown, an odor occurs twice.

    References
    ----------
    Kreher et al. 2008, Neuron 59, 110-124, doi:10.1016/j.neuron.2008.06.010; values as distributed
    in the DoOR database, Or83a (constant) from Kreher et al. 2011.
    """
    path = _find(Path(path))
    table = _table(path)
    values = table.to_numpy()
    is_normalized = bool(((values >= 0) & (values <= 1)).all())
    low, high = (0.0, 1.0) if is_normalized else (-_OFFSET, _SPAN - _OFFSET)
    bad = np.argwhere(~((values >= low) & (values <= high)))
    if len(bad):
        odor, receptor = bad[0]
        raise FileFormatError(
            f"{path}: odor {table.index[odor]!r}, receptor {table.columns[receptor]} holds "
            f"{values[odor, receptor]}; a response lies in -50..300 spikes/s"
        )
    if is_normalized == normalized:
        return table
    return (table + _OFFSET) / _SPAN if normalized else table * _SPAN - _OFFSET


def _find(path: Path) -> Path:
    if path.is_dir():
        found = [path / name for name in _FILES if (path / name).is_file()]
        if not found:
            raise MissingDataError(f"{path} has no {' or '.join(_FILES)}")
        return found[0]
    if not path.is_file():
        raise RecordingNotFoundError(f"{path}: no such file or folder")
    return path


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        table = pd.read_csv(path, index_col=0)
    except (ValueError, OSError) as error:
        raise FileFormatError(f"{path} is no readable table ({error})") from error
    columns = list(table.columns)
    lacking = [name for name in RECEPTORS if name not in columns]
    unknown = [name for name in columns if name not in RECEPTORS]
    if lacking or unknown:
        raise MissingDataError(
            f"{path}: the columns must be the receptors {', '.join(RECEPTORS)}; missing: "
            f"{', '.join(lacking) or 'none'}; unknown: {', '.join(unknown) or 'none'}"
        )
    if table.index.has_duplicates:
        repeated = table.index[table.index.duplicated()].tolist()
        raise DuplicateIdError(f"{path} names odors {repeated[:5]} twice")
    if len(table) != _N_ODORS or table.index[0] != _SPONTANEOUS:
        first = table.index[0] if len(table) else "nothing"
        raise FileFormatError(
            f"{path} must have {_N_ODORS} rows, first {_SPONTANEOUS!r}, the spontaneous rate; it "
            f"has {len(table)}, first {first!r}"
        )
    try:
        table = table[list(RECEPTORS)].astype(np.float64)
    except ValueError as error:
        raise FileFormatError(f"{path} must hold numbers ({error})") from error
    return table.rename_axis(index="odor", columns="receptor")
