"""Write a session as a CellExplorer folder (MATLAB v5)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray
from cofire.errors import InvalidArgumentError
from cofire.types import Session

if TYPE_CHECKING:
    import pandas as pd

_FIELDS = {"region": "brainRegion", "cell_type": "putativeCellType"}
_STATES = {"WAKE": "WAKEstate", "NREM": "NREMstate", "REM": "REMstate"}
_DEFAULT_FS = 30_000.0


def write_cellexplorer(session: Session, folder: str | Path, *, overwrite: bool = False) -> None:
    """Write a session as a CellExplorer folder that neuro_py and MATLAB read.

    Parameters
    ----------
    session : Session
        Unit ids must be positive integers; the unit table's ``region`` and ``cell_type`` become
        ``brainRegion`` and ``putativeCellType``.
    folder : path
        ``.../<animal>/<basename>``; created.
    overwrite : bool
        Whether files of the same session that are there may be replaced.

    Raises
    ------
    InvalidArgumentError
        The session is there already, or unit ids are text.

    Notes
    -----
    Written: ``session``, ``cell_metrics.cellinfo``, ``spikes.cellinfo``, ``SleepState.states`` and
    an events file for each entry of ``session.events``.
    """
    from scipy.io import savemat

    folder = Path(folder)
    base = folder.name
    if session.spikes.unit_ids.dtype.kind != "i":
        raise InvalidArgumentError("CellExplorer needs integer unit ids; these are text")
    if (folder / f"{base}.session.mat").exists() and not overwrite:
        raise InvalidArgumentError(f"{folder} holds a session; pass overwrite=True to replace it")
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, dict[str, Any]] = {
        "session": {"session": _session(session, base, folder)},
        "cell_metrics.cellinfo": {"cell_metrics": _cell_metrics(session, base, folder)},
        "spikes.cellinfo": {"spikes": _spikes(session)},
    }
    if session.states:
        ints = {_STATES.get(name, name): value.data for name, value in session.states.items()}
        contents["SleepState.states"] = {"SleepState": {"ints": ints}}
    for name, intervals in session.events.items():
        table = intervals.metadata
        event: dict[str, Any] = {
            "timestamps": intervals.data,
            "duration": intervals.durations[:, None],
            "detectorinfo": {"detectorname": "cofire"},
        }
        for column, field in (("peak", "peaks"), ("peaks", "peaks"), ("amplitude", "amplitude")):
            if column in table.columns:
                event[field] = table[column].to_numpy(np.float64)[:, None]
        event.setdefault("peaks", intervals.centers[:, None])
        contents[f"{name}.events"] = {name: event}
    for kind, variables in contents.items():
        savemat(folder / f"{base}.{kind}.mat", variables, long_field_names=True, oned_as="row")


def _fs(session: Session) -> float:
    return float(session.meta.get("fs", _DEFAULT_FS))


def _session(session: Session, base: str, folder: Path) -> dict[str, Any]:
    return {
        "general": {"name": base, "basePath": str(folder)},
        "animal": {"name": folder.parent.name},
        "epochs": _epochs(session.epochs),
        "extracellular": {
            "sr": _fs(session),
            "srLfp": float(session.meta.get("fs_lfp", 1250.0)),
            "nChannels": float(session.meta.get("n_channels", 1.0)),
            "electrodeGroups": {"channels": _cells([np.array([1.0])])},
        },
        "brainRegions": {
            str(name): {"channels": np.array([1.0])}
            for name in (session.units["region"].unique() if "region" in session.units else ())
        },
    }


def _epochs(epochs: pd.DataFrame) -> AnyArray:
    rows: list[Any] = []
    names = {"start": "startTime", "stop": "stopTime"}
    for record in epochs.to_dict("records"):
        row = {names.get(str(k), str(k)): v for k, v in record.items() if v is not None}
        rows.append({k: v for k, v in row.items() if not (isinstance(v, float) and np.isnan(v))})
    return _cells(rows)


def _cell_metrics(session: Session, base: str, folder: Path) -> dict[str, Any]:
    spikes = session.spikes
    table = spikes.metadata
    fields: dict[str, Any] = {}
    for column in table.columns:
        name = _FIELDS.get(str(column), str(column))
        if table[column].dtype.kind in "iufb":
            fields[name] = table[column].to_numpy(np.float64)[None, :]
        elif name != "putative_cell_type":
            fields[name] = _cells(table[column].astype(str).tolist())
    fields.setdefault("brainRegion", _cells(["unknown"] * spikes.n_units))
    fields.setdefault("putativeCellType", _cells(["unknown"] * spikes.n_units))
    return {
        **fields,
        "UID": spikes.unit_ids[None, :].astype(np.float64),
        "firingRate": spikes.rates()[None, :],
        "spikes": {"times": _cells([t[:, None] for t in spikes])},
        "tags": {"Bad": np.zeros(0)},
        "general": {
            "basename": base,
            "cellCount": float(spikes.n_units),
            "animal": {
                "sex": str(session.meta.get("subject_sex", "Unknown")),
                "species": str(session.meta.get("subject_species", "Unknown")),
                "strain": str(session.meta.get("subject_strain", "Unknown")),
                "geneticLine": "",
            },
            "epochs": _epochs(session.epochs),
        },
        "acg": {
            "wide": np.zeros((1001, spikes.n_units)),
            "narrow": np.zeros((201, spikes.n_units)),
            "log10": np.zeros((100, spikes.n_units)),
        },
        "waveforms": {"filt": _cells([np.zeros((1, 48))] * spikes.n_units)},
        "sessionName": _cells([folder.name] * spikes.n_units),
    }


def _spikes(session: Session) -> dict[str, Any]:
    spikes = session.spikes
    ones = np.ones((1, spikes.n_units))
    return {
        "times": _cells([t[:, None] for t in spikes]),
        "UID": spikes.unit_ids[None, :].astype(np.float64),
        "shankID": ones,
        "maxWaveformCh": ones,
        "sr": _fs(session),
    }


def _cells(rows: list[Any]) -> AnyArray:
    cells = np.empty((1, len(rows)), dtype=object)
    for i, row in enumerate(rows):
        cells[0, i] = row
    return cells
