"""What was on the screen when: tables of movie frames and gratings, from files or memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, IntArray
from cofire.connectome._tables import Table, open_table
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.studies.assemblies_function.config import FunctionConfig

if TYPE_CHECKING:
    import pandas as pd

STIMULUS = ("stimulus", "stimulus_name", "stim_name", "name")
START = ("start", "start_time", "starts")
END = ("end", "stop", "end_time", "stop_time", "ends")
FRAME = ("frame", "frame_number", "movie_frame")
ORIENTATION = ("orientation", "direction", "angle", "ori")
_SUFFIXES = (".csv", ".tsv", ".feather", ".parquet")
_UNNAMED = "stimulus"


@dataclass(frozen=True, slots=True, eq=False)
class MovieRows:
    """When each frame of a movie was on.

    Attributes
    ----------
    name : str
    starts, ends : ndarray (n_rows,) float64, s
        Ascending.
    frames : ndarray (n_rows,) int64
        Frame numbers.
    length : int
        Frames of the movie.
    """

    name: str
    starts: FloatArray
    ends: FloatArray
    frames: IntArray
    length: int

    @property
    def repeats(self) -> FloatArray:
        """Start of every repeat, (n_repeats,) s: rows with frame number 0."""
        begin: FloatArray = self.starts[self.frames % self.length == 0]
        return begin

    @property
    def seconds(self) -> FloatArray:
        """How long each repeat lasted, (n_repeats,) s: to the end of its last frame."""
        begins = np.flatnonzero(self.frames % self.length == 0)
        lasts = np.append(begins[1:], len(self.frames)) - 1
        lasting: FloatArray = self.ends[lasts] - self.starts[begins]
        return lasting


@dataclass(frozen=True, slots=True, eq=False)
class GratingRows:
    """When each drifting grating was on.

    Attributes
    ----------
    starts, ends : ndarray (n_trials,) float64, s
        Ascending starts.
    orientations : ndarray (n_trials,) float64, degrees
        NaN for a blank.
    fields : ndarray (n_trials,) str
        Kind of grating.
    """

    starts: FloatArray
    ends: FloatArray
    orientations: FloatArray
    fields: AnyArray


@dataclass(frozen=True, slots=True, eq=False)
class Stimuli:
    """What the stimulus table says; None for what it does not hold.

    Attributes
    ----------
    movie : MovieRows, or None
    gratings : GratingRows, or None
    taken, dropped : tuple of str
    """

    movie: MovieRows | None
    gratings: GratingRows | None
    taken: tuple[str, ...]
    dropped: tuple[str, ...]


def read_stimuli(source: Any, config: FunctionConfig) -> Stimuli:
    """Read a stimulus table.

    Parameters
    ----------
    source : path, DataFrame, folder, or mapping of name to path or DataFrame
        A row a presentation: start and end (s), frame number of a movie or orientation of a
        grating, name of the stimulus. Or a table for each stimulus: the files of a folder (or the
        keys of a mapping) are then the names.
    config : FunctionConfig
        Names columns and stimuli.

    Returns
    -------
    Stimuli

    Raises
    ------
    MissingDataError
        No column with the start, or a stimulus that the table does not have.
    InvalidArgumentError
        Several movies of which none is chosen, times that are missing or in the wrong order.
    """
    import pandas as pd

    tables = _tables(source)
    table = pd.concat([_one(item, name, config) for name, item in tables], ignore_index=True)
    names = sorted(table["stimulus"].unique().tolist())
    taken = [f"Stimuli: {len(table):,} rows, {', '.join(names) or 'none'}"]
    times = table[["start", "end"]].to_numpy()
    if not np.isfinite(times[:, 0]).all():
        i = int(np.flatnonzero(~np.isfinite(times[:, 0]))[0])
        raise InvalidArgumentError(f"stimuli: row {i} has no start; drop it")
    if (times[:, 1] < times[:, 0]).any():
        i = int(np.flatnonzero(times[:, 1] < times[:, 0])[0])
        raise InvalidArgumentError(
            f"stimuli: row {i} ends at {times[i, 1]:g} s, before it starts at {times[i, 0]:g} s"
        )
    movie = _movie(table, names, config, taken)
    gratings = _gratings(table, names, config, taken, None if movie is None else movie.name)
    used = {movie.name if movie is not None else None, *_grating_names(table, names, config)}
    unused = [name for name in names if name not in used]
    dropped = [
        f"{int((table['stimulus'] == name).sum()):,} rows of {name}: neither the movie nor gratings"
        for name in unused
    ]
    return Stimuli(movie, gratings, tuple(taken), tuple(dropped))


def _tables(source: Any) -> list[tuple[str | None, Table]]:
    if isinstance(source, (str, Path)) and Path(source).is_dir():
        files = sorted(p for p in Path(source).iterdir() if p.suffix.lower() in _SUFFIXES)
        if not files:
            raise MissingDataError(
                f"stimuli: the folder {source} has no table ({', '.join(_SUFFIXES)})"
            )
        return [(file.stem, open_table(file, "stimuli")) for file in files]
    if isinstance(source, Mapping) and any(
        isinstance(value, (str, Path)) or hasattr(value, "columns") for value in source.values()
    ):
        return [
            (str(name), open_table(item, f"stimuli[{name!r}]")) for name, item in source.items()
        ]
    return [(None, open_table(source, "stimuli"))]


def _one(table: Table, name: str | None, config: FunctionConfig) -> pd.DataFrame:
    """Columns under the names that this module uses."""
    import pandas as pd

    single = name is None
    columns = {
        "start": table.required(config.start_column, START, "start_column"),
        "end": table.column(config.end_column, END, "end_column"),
        "stimulus": table.column(config.stimulus_column if single else None, STIMULUS,
                                 "stimulus_column") if single else None,
        "frame": _given(table, config.frame_column, FRAME, "frame_column", single),
        "orientation": _given(table, config.orientation_column, ORIENTATION,
                              "orientation_column", single),
        "field": _given(table, config.field_column, (), "field_column", single),
    }  # fmt: skip
    wanted = list(dict.fromkeys(c for c in columns.values() if c is not None))
    found = pd.concat(list(table.pieces(wanted, None)))
    out = pd.DataFrame(index=found.index)
    for key, column in columns.items():
        if key in ("stimulus", "field"):
            out[key] = None if column is None else found[column].astype(str)
            continue
        out[key] = np.nan if column is None else pd.to_numeric(found[column], errors="coerce")
    if out["end"].isna().all():
        # Each presentation lasts until the next one starts, the last as long as usual.
        steps = np.diff(out["start"].to_numpy(dtype=float))
        usual = float(np.median(steps)) if len(steps) else 0.0
        out["end"] = out["start"] + np.append(steps, usual)
    if columns["stimulus"] is None:
        out["stimulus"] = name or _UNNAMED
    out["has_orientation"] = columns["orientation"] is not None
    return out


def _given(
    table: Table, given: str | None, usual: tuple[str, ...], argument: str, single: bool
) -> str | None:
    # Of several tables not each has every column.
    if not single and given is not None and given not in table.columns:
        return None
    return table.column(given, usual, argument)


def _movie(
    table: pd.DataFrame, names: list[str], config: FunctionConfig, taken: list[str]
) -> MovieRows | None:
    numbered = [n for n in names if table.loc[table["stimulus"] == n, "frame"].notna().any()]
    name = config.movie
    if name is not None and name not in numbered:
        raise MissingDataError(
            f"movie: the stimulus table has no {name!r} with frame numbers; with frame numbers: "
            f"{', '.join(numbered) or 'none'}"
        )
    if name is None and len(numbered) > 1:
        raise InvalidArgumentError(
            f"movie: several stimuli have frame numbers ({', '.join(numbered)}); name the movie"
        )
    if not numbered:
        return None
    name = name or numbered[0]
    rows = table[(table["stimulus"] == name) & (table["frame"] >= 0)]
    rows = rows.sort_values("start", kind="stable")
    frames = rows["frame"].to_numpy().astype(np.int64)
    length = config.movie_length or int(frames.max()) + 1
    found = MovieRows(
        name, rows["start"].to_numpy(dtype=float), rows["end"].to_numpy(dtype=float), frames, length
    )
    taken.append(
        f"Movie: {name}, {length:,} frames, {len(found.repeats)} repeats, {len(frames):,} rows"
    )
    return found


def _grating_names(table: pd.DataFrame, names: list[str], config: FunctionConfig) -> list[str]:
    oriented = [n for n in names if table.loc[table["stimulus"] == n, "orientation"].notna().any()]
    if config.gratings is None:
        return oriented
    missing = [name for name in config.gratings if name not in oriented]
    if missing:
        raise MissingDataError(
            f"gratings: the stimulus table has no orientations of {', '.join(missing)}; with "
            f"orientations: {', '.join(oriented) or 'none'}"
        )
    return list(config.gratings)


def _gratings(
    table: pd.DataFrame,
    names: list[str],
    config: FunctionConfig,
    taken: list[str],
    movie: str | None,
) -> GratingRows | None:
    chosen = [name for name in _grating_names(table, names, config) if name != movie]
    rows = table[table["stimulus"].isin(chosen)].sort_values("start", kind="stable")
    if movie is not None:
        rows = rows[~(rows["frame"] >= 0)]
    if not len(rows):
        return None
    kinds = rows["stimulus"] if config.field_column is None else rows["field"]
    angles = rows["orientation"].to_numpy(dtype=float)
    distinct = np.unique(angles[~np.isnan(angles)])
    taken.append(
        f"Gratings: {', '.join(dict.fromkeys(kinds))}; {len(rows):,} trials of {len(distinct)} "
        f"orientations, {int(np.isnan(angles).sum()):,} of them blank"
    )
    return GratingRows(
        rows["start"].to_numpy(dtype=float),
        rows["end"].to_numpy(dtype=float),
        angles,
        kinds.to_numpy().astype(str),
    )
