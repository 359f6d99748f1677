"""What Supplementary Data S1 of Winding et al. 2023 says of each neuron."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import IntArray
from cofire.errors import DuplicateIdError, FileFormatError, MissingDataError
from cofire.io._archive import Archive

if TYPE_CHECKING:
    import pandas as pd

_ANNOTATIONS = "annotations.csv"
_COLUMNS = ("left_id", "right_id", "celltype", "additional_annotations", "level_7_cluster")
_TOTALS = {
    "inputs.csv": ("axon_input", "dendrite_input"),
    "outputs.csv": ("axon_output", "dendrite_output"),
}
_NO_PAIR = "no pair"


def cell_table(archive: Archive, ids: IntArray) -> tuple[pd.DataFrame, int]:
    """Table with a row for each id, and the number of annotated neurons that `ids` lacks."""
    import pandas as pd

    annotated = _annotations(archive)
    index = pd.Index(ids, name="cell_id")
    table = annotated.reindex(index)
    for name, columns in _TOTALS.items():
        if archive.has(name):
            table = table.join(_totals(archive, name, columns))
    return table, len(annotated.index.difference(index))


def _annotations(archive: Archive) -> pd.DataFrame:
    """A row a neuron, in the order of the file, left before right."""
    import pandas as pd

    where = f"{archive.path}: {_ANNOTATIONS}"
    rows = _read(archive, _ANNOTATIONS, dtype=str, keep_default_na=False)
    lacking = [name for name in _COLUMNS if name not in rows.columns]
    if lacking:
        raise MissingDataError(
            f"{where} has no column {', '.join(lacking)}; columns: {', '.join(rows.columns)}"
        )
    sides = []
    for side, own, other in (("left", "left_id", "right_id"), ("right", "right_id", "left_id")):
        here = rows[rows[own] != _NO_PAIR]
        part = pd.DataFrame(
            {
                "celltype": here["celltype"],
                "annotations": here["additional_annotations"],
                "level_7_cluster": here["level_7_cluster"],
                "side": side,
                "pair_id": _ids(here[other], where),
                "annotation_row": pd.array(here.index.to_numpy(np.int64), dtype="Int64"),
            }
        )
        sides.append(part.set_axis(pd.Index(_ids(here[own], where).to_numpy(np.int64)), axis=0))
    table = pd.concat(sides)
    table = table.sort_values("annotation_row", kind="stable")
    if table.index.has_duplicates:
        repeated = table.index[table.index.duplicated()][:5].tolist()
        where_rows = table.loc[repeated[0], "annotation_row"].tolist()
        raise DuplicateIdError(f"{where} names neurons {repeated} twice (rows {where_rows})")
    table["population"] = _populations(table)
    return table


def _populations(table: pd.DataFrame) -> Any:
    """Olfactory population of each neuron, None for the others."""
    import pandas as pd

    kind, note = table["celltype"], table["annotations"]
    rules = {
        "ORN": (kind == "sensory") & (note == "olfactory"),
        "PN": (kind == "PN") & note.str.contains("olfactory", regex=False),
        **{name: kind == name for name in ("LN", "KC", "MBON", "MBIN")},
        "APL": note == "APL",
    }
    population = pd.Series([None] * len(table), index=table.index, dtype=object)
    for name, rule in rules.items():
        population[rule] = name
    return population


def _totals(archive: Archive, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Synapses of each neuron by compartment."""
    where = f"{archive.path}: {name}"
    rows = _read(archive, name)
    lacking = [column for column in columns if column not in rows.columns]
    if lacking:
        raise MissingDataError(
            f"{where} has no column {', '.join(lacking)}; columns: {', '.join(rows.columns)}"
        )
    ids = _ids(rows.iloc[:, 0].astype(str), where).to_numpy(np.int64)
    table = rows[list(columns)].set_axis(ids, axis=0)
    if table.index.has_duplicates:
        repeated = table.index[table.index.duplicated()][:5].tolist()
        raise DuplicateIdError(f"{where} names neurons {repeated} twice")
    values = table.to_numpy()
    if values.dtype.kind not in "iuf" or not (values == np.floor(values)).all():
        raise FileFormatError(f"{where} must hold whole numbers of synapses")
    return table.astype("Int64")


def _ids(text: pd.Series[Any], where: str) -> pd.Series[Any]:
    """Ids written as text, without going through floating point; "no pair" is missing."""
    import pandas as pd

    alone = text == _NO_PAIR
    odd = ~(alone | text.str.fullmatch(r"\d{1,18}")).to_numpy(dtype=bool)
    if odd.any():
        row = int(np.flatnonzero(odd)[0])
        raise FileFormatError(
            f"{where}: row {text.index[row]} holds {text.iloc[row]!r}, which is no id "
            f"(a whole number, or {_NO_PAIR!r} in the annotations)"
        )
    values = [pd.NA if value == _NO_PAIR else int(value) for value in text]
    return pd.Series(pd.array(values, dtype="Int64"), index=text.index)


def _read(archive: Archive, name: str, **options: Any) -> pd.DataFrame:
    import pandas as pd

    data = archive.read(name)
    try:
        table: pd.DataFrame = pd.read_csv(io.BytesIO(data), **options)
    except ValueError as error:
        raise FileFormatError(f"{archive.path}: {name} is no readable table ({error})") from error
    return table
