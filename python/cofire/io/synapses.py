"""Read a table of synapses into a connectome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cofire.connectome import Connectome


def read_synapses(
    path: str | Path,
    rows: Any = None,
    columns: Any = None,
    size_scale: float = 1.0,
    *,
    cells: Any = None,
    **options: Any,
) -> Connectome:
    r"""Read a table of synapses, a row a synapse: csv, tsv (also packed), feather or parquet.

    Parameters
    ----------
    path : path
        Read in pieces, so that a table that is larger than the memory will do.
    rows, columns : array_like of ids or str, optional
        Presynaptic and postsynaptic cells, or pandas queries on `cells`, for example
        ``rows="status_axon == 'extended'"`` for proofread axons.
    size_scale : float, > 0
        Size of one unit of the size column, for example 3.645e-6 for voxels of
        9 x 9 x 45 nm in µm³.
    cells : DataFrame, mapping or path, optional
        What is known of each cell.
    **options
        ``pre``, ``post``, ``size``, ``cell_id``, ``autapses``, ``chunk_rows``, ``progress``,
        ``threads``: see :meth:`cofire.Connectome.from_synapses`, which this calls.

    Returns
    -------
    Connectome

    Raises
    ------
    RecordingNotFoundError, FileFormatError, MissingDataError
        No such file, a damaged file, no such column.
    ConnectomeError, IdPrecisionError, DuplicateIdError, JoinError
        Values that cannot be right; row and id are named.

    Examples
    --------
    >>> import tempfile, pathlib, cofire as cf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "synapses.csv")
    ...     _ = path.write_text("pre,post,size\n1,2,120\n1,2,80\n2,1,40\n")
    ...     cf.io.read_synapses(path)
    Connectome(2 cells, 3 synapses in 2 pairs; PSD)
    """
    return Connectome.from_synapses(Path(path), rows, columns, size_scale, cells=cells, **options)
