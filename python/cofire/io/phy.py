"""Read phy / Kilosort folders: what a sorter wrote and a curator judged."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, positive
from cofire.errors import (
    DuplicateIdError,
    FileFormatError,
    MissingDataError,
    RecordingNotFoundError,
    SpikeTimeError,
    TooLargeError,
)
from cofire.io._hdf5 import open_limit
from cofire.io._tables import whole_numbers
from cofire.types import Session, SpikeTrains

if TYPE_CHECKING:
    import pandas as pd

_GROUP_COLUMNS = ("group", "KSLabel")


def read_phy(
    folder: str | Path,
    *,
    groups: str | Sequence[str] | None = ("good",),
    sample_rate: float | None = None,
    support: Any = None,
    max_bytes: int | None = None,
) -> Session:
    """Read a phy or Kilosort output folder.

    Parameters
    ----------
    folder : path
        Holds ``spike_times.npy`` (samples), ``spike_clusters.npy`` (else
        ``spike_templates.npy``), ``params.py`` and tables with a column ``cluster_id``.
    groups : str, sequence of str or None
        Keep clusters the curator put into these groups (column ``group``; where he said nothing,
        the sorter's ``KSLabel``). None keeps all.
    sample_rate : float, Hz, optional
        Default the one of ``params.py``, which is parsed as literals and never run.
    support : Intervals or array_like (n, 2), s, optional
        Default none: the folder does not say how long the recording was.
    max_bytes : int, optional
        Refuse larger arrays; default half of the memory that is free.

    Returns
    -------
    Session
        ``.spikes`` with cluster ids as unit ids and the joined tables as unit table,
        ``.meta["fs"]``.

    Raises
    ------
    RecordingNotFoundError, MissingDataError, FileFormatError, TooLargeError
        No folder, missing files, damaged ones or pickles, too large ones.
    SpikeTimeError
        Negative samples.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RecordingNotFoundError(f"{folder}: no such folder")
    limit = open_limit(max_bytes)
    times = _column(folder / "spike_times.npy", limit)
    name = "spike_clusters.npy"
    if not (folder / name).exists():
        name = "spike_templates.npy"
    labels = whole_numbers(_column(folder / name, limit), str(folder / name))
    if len(times) != len(labels):
        raise FileFormatError(
            f"{folder}: spike_times.npy has {len(times)} spikes, {name} {len(labels)}"
        )
    if (times < 0).any():
        raise SpikeTimeError(f"{folder / 'spike_times.npy'} holds negative samples")
    fs = _sample_rate(folder) if sample_rate is None else positive(sample_rate, "sample_rate", "Hz")
    table = _cluster_table(folder, np.unique(labels))
    if groups is not None:
        chosen = [g for g in _GROUP_COLUMNS if g in table.columns]
        if not chosen:
            raise MissingDataError(
                f"{folder} has no table with {' or '.join(_GROUP_COLUMNS)}, so groups={groups!r} "
                "cannot be applied; pass groups=None"
            )
        label = table[chosen[0]]
        label = label.fillna(table[chosen[-1]]) if len(chosen) > 1 else label
        table = table[label.isin([groups] if isinstance(groups, str) else list(groups))]
    spikes = SpikeTrains.from_pairs(
        times / fs, labels, unit_ids=table.index.to_numpy(np.int64), support=support, metadata=table
    )
    return Session(spikes, path=folder, meta={"format": "phy", "fs": fs, "identifier": folder.name})


def _column(path: Path, limit: int) -> AnyArray:
    """One number per spike: (n,) or (n, 1)."""
    if not path.exists():
        has = ", ".join(sorted(p.name for p in path.parent.iterdir())[:20]) or "nothing"
        raise MissingDataError(f"{path.parent} has no {path.name}; it holds: {has}")
    try:
        # The map costs nothing: the header says how much there is before it is read.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FileFormatError(f"{path} is not a plain NumPy array ({error})") from error
    if mapped.nbytes > limit:
        raise TooLargeError(f"{path} declares {mapped.nbytes} bytes, beyond max_bytes={limit}")
    if mapped.dtype.kind not in "iuf" or mapped.size != max(mapped.shape, default=0):
        raise FileFormatError(
            f"{path} must hold one number per spike, got {mapped.dtype} {mapped.shape}"
        )
    return np.asarray(mapped).reshape(-1)


def _sample_rate(folder: Path) -> float:
    path = folder / "params.py"
    if not path.exists():
        raise MissingDataError(f"{folder} has no params.py; pass sample_rate (Hz)")
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip() == "sample_rate":
            try:
                return positive(ast.literal_eval(value.split("#")[0].strip()), "sample_rate", "Hz")
            except (ValueError, TypeError, SyntaxError) as error:
                raise FileFormatError(f"{path}: sample_rate is no number: {value!r}") from error
    raise MissingDataError(f"{path} has no sample_rate; pass sample_rate (Hz)")


def _cluster_table(folder: Path, clusters: AnyArray) -> pd.DataFrame:
    """Rows of all tables with a cluster_id, indexed by it; clusters without a row are kept."""
    import pandas as pd

    info = folder / "cluster_info.tsv"
    paths = [info] if info.exists() else sorted([*folder.glob("*.tsv"), *folder.glob("*.csv")])
    table = pd.DataFrame(index=pd.Index(clusters, name="cluster_id"))
    for path in paths:
        try:
            part = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
        except (ValueError, OSError) as error:
            raise FileFormatError(f"{path} is not a readable table ({error})") from error
        if "cluster_id" not in part.columns:
            continue
        part = part.set_index("cluster_id")
        if part.index.has_duplicates:
            repeated = part.index[part.index.duplicated()].tolist()[:5]
            raise DuplicateIdError(f"{path} repeats cluster ids {repeated}")
        new = [c for c in part.columns if c not in table.columns]
        table = table.join(part[new], how="left")
    return table
