"""Read a recording whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cofire.errors import FileFormatError, RecordingNotFoundError
from cofire.io.cellexplorer import read_cellexplorer
from cofire.io.nwb import read_nwb
from cofire.io.phy import read_phy
from cofire.io.suite2p import is_suite2p, read_suite2p
from cofire.types import Session


def read_session(path: str | Path, **options: Any) -> Session:
    """Read an NWB file, a CellExplorer folder, a phy folder or a suite2p folder.

    Parameters
    ----------
    path : path
        What it is is decided by what is there: a file is NWB; a folder with ``spike_times.npy``
        is phy; one with ``*.session.mat`` or ``*.cellinfo.mat`` is CellExplorer; one with
        ``F.npy`` or ``plane0/F.npy`` is suite2p.
    **options
        Passed to :func:`read_nwb`, :func:`read_cellexplorer`, :func:`read_phy` or
        :func:`read_suite2p` (which needs ``rate=``).

    Raises
    ------
    RecordingNotFoundError, FileFormatError
        Nothing there, or a folder of no known kind.
    """
    path = Path(path)
    if path.is_file():
        return read_nwb(path, **options)
    if not path.is_dir():
        raise RecordingNotFoundError(f"{path}: no such file or folder")
    if (path / "spike_times.npy").exists():
        return read_phy(path, **options)
    if any(path.glob("*.session.mat")) or any(path.glob("*.cellinfo.mat")):
        return read_cellexplorer(path, **options)
    if is_suite2p(path):
        return read_suite2p(path, **options)
    raise FileFormatError(
        f"{path} is neither a phy folder (spike_times.npy) nor a CellExplorer folder "
        "(*.session.mat) nor a suite2p folder (F.npy); pass the folder that "
        "holds the files, or an NWB file"
    )
