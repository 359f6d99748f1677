"""Which units, epochs, states and events does the study use? Nothing is guessed in silence.

The grammar, the same for epochs, states and events: ``TABLE`` (an interval table, state or event
of the recording), ``TABLE:column=value`` (rows of it), several joined by commas (a piece without
a table repeats the table, a bare value repeats the column), or a file: csv with columns start and
stop, or time; mat with CellExplorer events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, FloatArray
from cofire.errors import FileFormatError, InvalidArgumentError, InvalidTypeError, MissingDataError
from cofire.studies.reactivation.config import ReactivationConfig
from cofire.types import Intervals, Session, SpikeTrains, as_intervals

if TYPE_CHECKING:
    import pandas as pd

PHASES = ("pre", "task", "post")
_NREM = ("NREM", "NREMstate", "SWS")
_THETA = ("THETA", "THETAstate")
_RIPPLES = ("ripples", "ripple", "SWR", "SWRs", "sharp_wave_ripples")


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run takes from a recording.

    Attributes
    ----------
    spikes : SpikeTrains
        The chosen units over the whole session.
    groups : ndarray (n_units,) of str, or None
        Labels for the cross-structural detection.
    phases : dict of Intervals
        Those of "pre", "task", "post" that exist.
    detection : Intervals
        Task, confined to its states.
    events : dict of Intervals
        Events of each phase, confined to the states of the phase: an event that is clipped starts
        where the state starts.
    event_name : str
        How figures call an event.
    taken, dropped : tuple of str
        What was taken and what was left out and why, as sentences.
    """

    spikes: SpikeTrains
    groups: AnyArray | None
    phases: dict[str, Intervals]
    detection: Intervals
    events: dict[str, Intervals]
    event_name: str
    taken: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(slots=True)
class _Notes:
    taken: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def select(session: Session, config: ReactivationConfig) -> Selection:
    """Apply the selection of `config` to a session.

    Parameters
    ----------
    session : Session
    config : ReactivationConfig

    Returns
    -------
    Selection

    Raises
    ------
    MissingDataError
        A table, state, column or value that the recording lacks; the message lists what it has.
    InvalidArgumentError
        Overlapping epochs, a query that fails, no unit left.

    Examples
    --------
    >>> import cofire as cf
    >>> from cofire.studies.reactivation import ReactivationConfig, select
    >>> made = cf.datasets.make_assembly_recording(12, 60.0, n_assemblies=1, n_cross=0)
    >>> chosen = select(made.session, ReactivationConfig(units="region == 'CA1'"))
    >>> chosen.spikes.n_units, sorted(chosen.phases)
    (6, ['post', 'pre', 'task'])
    """
    notes = _Notes()
    spikes = _choose_units(session, config, notes)
    groups = _choose_groups(spikes, config, notes)
    phases = _choose_phases(session, spikes, config, notes)
    detection = _confine(
        phases["task"], session, config.task_states, _THETA, "detection", "task_states", notes
    )
    events, event_name = _choose_events(session, spikes, phases, config, notes)
    return Selection(
        spikes=spikes,
        groups=groups,
        phases=phases,
        detection=detection,
        events=events,
        event_name=event_name,
        taken=tuple(notes.taken),
        dropped=tuple(notes.dropped),
    )


def resolve_intervals(
    session: Session, text: str, argument: str, *, merge: bool = True, instants: bool = False
) -> Intervals:
    """Turn a selection like ``epochs:environment=sleep`` or ``file.csv`` into intervals.

    Parameters
    ----------
    session : Session
    text : str
        See the grammar at the top of this module.
    argument : str
        Name of the option for error messages.
    merge : bool
        Merge the pieces; False keeps overlapping ones (events).
    instants : bool
        Whether a csv with a single column ``time`` is legal.

    Returns
    -------
    Intervals
    """
    if Path(text).suffix.lower() in (".csv", ".mat", ".tsv"):
        return _from_file(Path(text), argument, instants, merge)
    table_name, column = "", ""
    pieces: list[Intervals] = []
    for piece in text.split(","):
        head, colon, tail = piece.strip().partition(":")
        if not colon and ("=" in head or column):
            head, tail = table_name, head
        elif not colon:
            tail = ""
        if tail and "=" not in tail:
            tail = f"{column}={tail}"
        key, _, value = tail.partition("=")
        if not head:
            raise InvalidArgumentError(
                f"{argument}: {piece.strip()!r} names no table; write TABLE or TABLE:column=value, "
                f"{_available(session)}"
            )
        table_name, column = head, key.strip()
        table = _table(session, head, argument)
        pieces.append(_rows(table, head, column, value.strip(), argument) if tail else table)
    data = np.concatenate([p.data for p in pieces])
    found = Intervals(data, on_overlap="keep")
    return found.merged() if merge else found


def _table(session: Session, name: str, argument: str) -> Intervals:
    for tables in (session.states, session.events):
        for key, intervals in tables.items():
            if key.lower() == name.lower():
                return intervals
    for key in ("epochs", "trials", "presentations"):
        if key == name.lower() and len(getattr(session, key)):
            return as_intervals(getattr(session, key), argument)
    named = _named_epochs(session.epochs, name)
    if named is not None:
        return named
    raise MissingDataError(f"{argument}: no table {name!r}; {_available(session)}")


def _named_epochs(epochs: pd.DataFrame, name: str) -> Intervals | None:
    for column in ("name", "environment", "tags"):
        if column in epochs.columns:
            rows = epochs[epochs[column].astype(str) == name]
            if len(rows):
                return as_intervals(rows, "epochs")
    return None


def _rows(table: Intervals, name: str, column: str, value: str, argument: str) -> Intervals:
    metadata = table.metadata
    if column not in metadata.columns:
        columns = ", ".join(map(str, metadata.columns)) or "none"
        raise MissingDataError(
            f"{argument}: table {name!r} has no column {column!r}; columns: {columns}"
        )
    text = metadata[column].astype(str).to_numpy()
    mask = text == value
    if not mask.any():
        listed = ", ".join(sorted(set(text))[:12])
        raise MissingDataError(
            f"{argument}: no row of {name!r} has {column} = {value!r}; it has {listed}"
        )
    return table.select(mask)


def _from_file(path: Path, argument: str, instants: bool, merge: bool) -> Intervals:
    if not path.is_file():
        raise MissingDataError(f"{argument}: file {path} does not exist")
    if path.suffix.lower() == ".mat":
        from cofire.io import read_events

        return read_events(path)
    import pandas as pd

    try:
        table = pd.read_csv(path, sep="\t" if path.suffix.lower() == ".tsv" else ",")
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise FileFormatError(f"{argument}: {path} is not a csv table: {error}") from error
    table.columns = [str(c).strip() for c in table.columns]
    if not len(table):
        raise FileFormatError(f"{argument}: {path} has a header and no rows")
    if "time" in table.columns and "start" not in table.columns:
        if not instants:
            raise InvalidArgumentError(
                f"{argument}: {path} has times but no start and stop; epochs need both"
            )
        times = np.sort(_finite(table["time"], path, argument))
        return Intervals(np.column_stack([times, times]), on_overlap="keep")
    try:
        intervals = as_intervals(table, argument)
    except InvalidTypeError as error:
        columns = ", ".join(table.columns) or "none"
        raise FileFormatError(
            f"{argument}: {path} needs columns start and stop (s), or time; it has {columns}"
        ) from error
    except InvalidArgumentError as error:
        raise FileFormatError(f"{argument}: {path}, counting rows from 0: {error}") from error
    if merge and not intervals.is_disjoint:
        starts, stops = intervals.starts, np.maximum.accumulate(intervals.stops)
        i = int(np.flatnonzero(starts[1:] < stops[:-1])[0])
        raise InvalidArgumentError(
            f"{argument}: {path} has overlapping intervals: one ends at {stops[i]:g} s, the next "
            f"starts at {starts[i + 1]:g} s; correct or merge them in the file"
        )
    return intervals


def _finite(values: Any, path: Path, argument: str) -> FloatArray:
    import pandas as pd

    times: FloatArray = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(times).all():
        row = int(np.flatnonzero(~np.isfinite(times))[0])
        raise FileFormatError(
            f"{argument}: {path} row {row + 2}: time is not a finite number of seconds"
        )
    return times


def _available(session: Session) -> str:
    parts = []
    for kind in ("states", "events"):
        if getattr(session, kind):
            parts.append(f"{kind}: {', '.join(getattr(session, kind))}")
    tables = [k for k in ("epochs", "trials", "presentations") if len(getattr(session, k))]
    if tables:
        parts.append(f"tables: {', '.join(tables)}")
    if "name" in session.epochs.columns:
        parts.append(f"epochs named {', '.join(map(str, session.epochs['name']))}")
    return "the recording has " + ("; ".join(parts) if parts else "no interval table")


def _choose_units(session: Session, config: ReactivationConfig, notes: _Notes) -> SpikeTrains:
    spikes = session.spikes
    total = spikes.n_units
    if not total:
        raise MissingDataError("the recording holds no unit: there is nothing to analyze")
    if config.units is not None:
        spikes = spikes.select(config.units)
        if not spikes.n_units:
            raise InvalidArgumentError(
                f"units: no unit of {total} fulfills {config.units!r}; look at the unit table with "
                "`cofire info`"
            )
        notes.dropped.append(f"{total - spikes.n_units} of {total} units by the query on units")
    how = f" where {config.units}" if config.units is not None else " (all)"
    silent = spikes.n_units - spikes.n_active
    extra = f", {silent} of them silent" if silent else ""
    notes.taken.append(f"Units: {spikes.n_units}{how}, {spikes.n_spikes:,} spikes{extra}.")
    return spikes


def _choose_groups(
    spikes: SpikeTrains, config: ReactivationConfig, notes: _Notes
) -> AnyArray | None:
    if config.groups is None:
        return None
    units = spikes.metadata
    if config.groups not in units.columns:
        columns = ", ".join(map(str, units.columns)) or "none"
        raise MissingDataError(
            f"groups: the unit table has no column {config.groups!r}; columns: {columns}"
        )
    labels = units[config.groups].astype(str).to_numpy(dtype=str)
    names, counts = np.unique(labels, return_counts=True)
    listed = ", ".join(f"{n} ({c})" for n, c in zip(names, counts, strict=True))
    if len(names) < 2:
        notes.dropped.append(
            f"the cross-structural part: column {config.groups!r} has one group, {listed}"
        )
        return None
    notes.taken.append(f"Groups by {config.groups}: {listed}.")
    return labels


def _choose_phases(
    session: Session, spikes: SpikeTrains, config: ReactivationConfig, notes: _Notes
) -> dict[str, Intervals]:
    given = {p: getattr(config, p) for p in PHASES if getattr(config, p) is not None}
    phases = {p: resolve_intervals(session, text, p) for p, text in given.items()}
    how = {p: f"as given, {text}" for p, text in given.items()}
    if not given:
        phases, how = _default_phases(session)
    if "task" not in phases:
        phases["task"] = spikes.support_or_span()
        how["task"] = "the whole recording, since no task was given or found"
    _check_apart(phases)
    for phase in PHASES:
        if phase in phases:
            if not phases[phase].total_duration:
                raise InvalidArgumentError(
                    f"{phase} is empty ({how[phase]}); choose an epoch that lasts"
                )
            seconds = phases[phase].total_duration
            plural = "" if len(phases[phase]) == 1 else "s"
            notes.taken.append(
                f"{phase.capitalize()}: {seconds:,.1f} s in {len(phases[phase])} "
                f"interval{plural} ({how[phase]})."
            )
        else:
            notes.dropped.append(
                f"the comparison with {phase}: the recording shows no {phase} epoch; name one with "
                f"--{phase}"
            )
    return {p: phases[p] for p in PHASES if p in phases}


def _default_phases(session: Session) -> tuple[dict[str, Intervals], dict[str, str]]:
    epochs = session.epochs
    if "name" in epochs.columns:
        names = [str(n).lower() for n in epochs["name"]]
        if "task" in names:
            found = [p for p in PHASES if p in names]
            rows = {p: as_intervals(epochs[[n == p for n in names]], p) for p in found}
            return _bare(rows), dict.fromkeys(found, "epochs of that name")
    if "environment" in epochs.columns:
        labels = [str(e).lower() for e in epochs["environment"]]
        for i in range(len(labels) - 2):
            if labels[i] == labels[i + 2] == "sleep" and labels[i + 1] != "sleep":
                rows = {p: as_intervals(epochs.iloc[[i + j]], p) for j, p in enumerate(PHASES)}
                how = {p: f"epoch {i + j + 1}, {labels[i + j]}" for j, p in enumerate(PHASES)}
                return _bare(rows), how
    return {}, {}


def _bare(rows: dict[str, Intervals]) -> dict[str, Intervals]:
    return {p: Intervals(v.data) for p, v in rows.items()}


def _check_apart(phases: dict[str, Intervals]) -> None:
    names = list(phases)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            common = phases[a] & phases[b]
            if len(common):
                start, stop = common.data[0]
                raise InvalidArgumentError(
                    f"{a} and {b} overlap from {start:g} to {stop:g} s; choose disjoint epochs"
                )


def _confine(
    phase: Intervals,
    session: Session,
    text: str | None,
    defaults: tuple[str, ...],
    what: str,
    option: str,
    notes: _Notes,
) -> Intervals:
    states, name = _states(session, text, defaults, option)
    if states is None:
        notes.taken.append(f"{what.capitalize()}: not confined to a state.")
        return phase
    confined = (phase & states).merged()
    share = confined.total_duration / max(phase.total_duration, 1e-12)
    notes.taken.append(
        f"{what.capitalize()}: in {name} only, {confined.total_duration:,.1f} s "
        f"({100 * share:.0f} % of the task)."
    )
    return confined


def _states(
    session: Session, text: str | None, defaults: tuple[str, ...], option: str
) -> tuple[Intervals | None, str]:
    if text is not None:
        if text.lower() == "none":
            return None, ""
        return resolve_intervals(session, text, option), text
    for key, intervals in session.states.items():
        if key.lower() in (d.lower() for d in defaults):
            return intervals.merged(), key
    return None, ""


def _choose_events(
    session: Session,
    spikes: SpikeTrains,
    phases: dict[str, Intervals],
    config: ReactivationConfig,
    notes: _Notes,
) -> tuple[dict[str, Intervals], str]:
    events, name = _all_events(session, spikes, config, notes)
    if events is None:
        return {}, "event"
    states, state_name = _states(session, config.states, _NREM, "states")
    chosen: dict[str, Intervals] = {}
    for phase, intervals in phases.items():
        source = events if states is None or phase == "task" else events & states
        chosen[phase] = Intervals((source & intervals).data, on_overlap="keep")
    where = "" if states is None else f"; in {state_name} only in pre and post"
    listed = ", ".join(f"{len(v)} in {p}" for p, v in chosen.items())
    notes.taken.append(f"Events ({name}): {listed}{where}.")
    outside = len(events) - sum(len(v) for v in chosen.values())
    if outside > 0:
        notes.dropped.append(f"{outside} of {len(events)} events outside these epochs and states")
    return chosen, name


def _all_events(
    session: Session, spikes: SpikeTrains, config: ReactivationConfig, notes: _Notes
) -> tuple[Intervals | None, str]:
    text = config.events
    if text is None:
        for key, intervals in session.events.items():
            if key.lower() in (r.lower() for r in _RIPPLES):
                return intervals, "ripple"
        notes.dropped.append(
            "the peri-event part: the recording has no ripples; name events with --events TABLE, a "
            "csv file, or --events bursts"
        )
        return None, "event"
    if text.lower() == "none":
        notes.dropped.append("the peri-event part, as asked (events none)")
        return None, "event"
    if text.lower() == "bursts":
        from cofire.events import population_bursts

        bursts = population_bursts(spikes)
        notes.taken.append(
            f"Events: population bursts found in the spikes, {len(bursts)}; {burst_rule()}."
        )
        return bursts, "burst"
    name = "ripple" if text.lower() in _RIPPLES else "event"
    return resolve_intervals(session, text, "events", merge=False, instants=True), name


def burst_rule() -> str:
    """The threshold rule of population bursts, as a sentence for the report."""
    import inspect

    from cofire.events import population_bursts

    defaults = [
        f"{p.name} = {p.default}"
        for p in inspect.signature(population_bursts).parameters.values()
        if p.kind is p.KEYWORD_ONLY
        and isinstance(p.default, (int, float))
        and p.default is not None
    ]
    return "thresholds " + ", ".join(defaults)
