"""One recording session: spikes, units, epochs, states, events, behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cofire.errors import InvalidTypeError
from cofire.types.convert import as_intervals, as_spike_trains
from cofire.types.intervals import Intervals
from cofire.types.spike_trains import SpikeTrains
from cofire.types.traces import Traces

if TYPE_CHECKING:
    import pandas as pd


class Session:
    """A recording as its reader found it; missing parts are empty, never invented.

    Parameters
    ----------
    spikes : SpikeTrains, optional
        Spike trains with ids, support and unit table.
    epochs : DataFrame, optional
        A row an epoch: name, start, stop (s), environment and whatever the file has.
    states : mapping of name to Intervals, optional
        Brain states (NREM, REM, WAKE, THETA, ...).
    events : mapping of name to Intervals, optional
        Events (ripples, ...); instantaneous ones have zero length.
    trials, presentations : DataFrame, optional
        Behavioural trials and stimulus presentations, a row each.
    traces : mapping of name to Traces, optional
        Sampled signals (position, running speed, ...).
    path : path, optional
        Where it was read from.
    meta : mapping, optional
        Subject, session description and other facts.
    """

    __slots__ = (
        "epochs",
        "events",
        "meta",
        "path",
        "presentations",
        "spikes",
        "states",
        "traces",
        "trials",
    )

    def __init__(
        self,
        spikes: Any = None,
        *,
        epochs: pd.DataFrame | None = None,
        states: Mapping[str, Any] | None = None,
        events: Mapping[str, Any] | None = None,
        trials: pd.DataFrame | None = None,
        presentations: pd.DataFrame | None = None,
        traces: Mapping[str, Traces] | None = None,
        path: str | Path | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        import pandas as pd

        self.spikes: SpikeTrains = as_spike_trains([] if spikes is None else spikes)
        self.epochs = pd.DataFrame() if epochs is None else epochs
        self.states: dict[str, Intervals] = {
            name: as_intervals(value, name) for name, value in (states or {}).items()
        }
        self.events: dict[str, Intervals] = {
            name: as_intervals(value, name) for name, value in (events or {}).items()
        }
        self.trials = pd.DataFrame() if trials is None else trials
        self.presentations = pd.DataFrame() if presentations is None else presentations
        # A reader may hand over a mapping that reads on access: it is kept as it is, unread.
        self.traces: Mapping[str, Traces] = {} if traces is None else traces
        if isinstance(self.traces, dict):
            for name, value in self.traces.items():
                if not isinstance(value, Traces):
                    raise InvalidTypeError(
                        f"traces[{name!r}] must be Traces, got {type(value).__name__}; "
                        "as_traces or Traces(values, rate=...) makes one"
                    )
        self.path = None if path is None else Path(path)
        self.meta: dict[str, Any] = dict(meta or {})

    @property
    def units(self) -> pd.DataFrame:
        """Unit table, a row a unit, indexed by unit id."""
        return self.spikes.metadata

    def __repr__(self) -> str:
        parts = [f"{self.spikes.n_units} units", f"{self.spikes.n_spikes} spikes"]
        parts += [f"{len(self.epochs)} epochs"] if len(self.epochs) else []
        for kind, names in (("states", self.states), ("events", self.events)):
            if names:
                parts.append(f"{kind}: {', '.join(names)}")
        return f"Session({'; '.join(parts)})"
