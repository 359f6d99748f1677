"""Read a recording whatever its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cofire.errors import FileFormatError, RecordingNotFoundError
from cofire.io.cellexplorer import read_cellexplorer
from cofire.io.nwb import read_nwb
from cofire.io.phy import read_phy
from cofire.types import Session


def read_session(path: str | Path, **options: Any) -> Session:
    """Read an NWB file, a CellExplorer folder or a phy folder.

    Parameters
    ----------
    path : path
        What it is is decided by what is there: a file is NWB; a folder with ``spike_times.npy``
        is phy; one with ``*.session.mat`` or ``*.cellinfo.mat`` is CellExplorer.
    **options
        Passed to :func:`read_nwb`, :func:`read_cellexplorer` or :func:`read_phy`.

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
    raise FileFormatError(
        f"{path} is neither a phy folder (spike_times.npy) nor a CellExplorer folder "
        "(*.session.mat); pass the folder that holds the files, or an NWB file"
    )
