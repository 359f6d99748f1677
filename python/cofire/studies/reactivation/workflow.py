"""The study as an object: put a recording in, ask for results step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray
from cofire.assemblies import (
    PCAICA,
    ExplainedVariance,
    SignificanceSweep,
    find_members,
    members_by_group,
    sweep_significance,
)
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.spikes import bin_spikes
from cofire.studies.reactivation import steps
from cofire.studies.reactivation.config import ReactivationConfig
from cofire.studies.reactivation.results import (
    JointResponse,
    PairwiseCorrelations,
    PeriEventResponse,
    ReactivationEffect,
    StrongestActivations,
    UnitResponses,
)
from cofire.studies.reactivation.selection import PHASES, Selection, select
from cofire.types import Session, SpikeTrains, Traces, as_intervals, as_spike_trains

if TYPE_CHECKING:
    import pandas as pd


class Reactivation:
    """Assemblies of a task and their reactivation around events before and after it.

    Every step is a method that computes on first call and remembers its result: ``detect``,
    ``activation``, ``response``, ``effect``, ``explained_variance``, ``pairwise``, ... Steps that
    the recording does not allow raise :class:`cofire.errors.MissingDataError`; :meth:`missing`
    says so beforehand.

    Parameters
    ----------
    recording : Session, path, or spikes in any form, optional
        A path is read by :func:`cofire.io.read_session`. Without it, add parts by
        :meth:`add_spikes`, :meth:`add_epochs`, :meth:`add_events`, :meth:`add_states`.
    config : ReactivationConfig, optional
    threads : int, optional
    **settings
        Fields of :class:`ReactivationConfig`, instead of `config`.

    Examples
    --------
    >>> import cofire as cf
    >>> from cofire.studies.reactivation import Reactivation
    >>> made = cf.datasets.make_assembly_recording(20, 240.0, n_assemblies=2, n_cross=0, rng=1)
    >>> study = Reactivation(made.session)
    >>> study.n_assemblies
    2
    >>> study.response().phases
    ('pre', 'task', 'post')
    """

    def __init__(
        self,
        recording: Any = None,
        config: ReactivationConfig | None = None,
        *,
        threads: int | None = None,
        **settings: Any,
    ) -> None:
        if config is not None and settings:
            raise InvalidArgumentError(
                f"pass config or single settings, not both (got {', '.join(settings)} too)"
            )
        self.config = config or ReactivationConfig.from_mapping(settings, "Reactivation")
        self.threads = threads
        self.session = _as_session(recording)
        self._done: dict[str, Any] = {}
        self._selection: Selection | None = None
        self._listener: Callable[[str, Any], None] | None = None

    # --- what goes in -----------------------------------------------------------------------------

    def add_spikes(self, spikes: Any) -> Reactivation:
        """Set the spikes (any form that cofire reads); returns the study itself."""
        self.session.spikes = as_spike_trains(spikes)
        return self._changed()

    def add_epochs(self, *, pre: Any = None, task: Any = None, post: Any = None) -> Reactivation:
        """Set the epochs, each Intervals or (n, 2) array in s; returns the study itself."""
        import pandas as pd

        given = {"pre": pre, "task": task, "post": post}
        rows = [
            {"name": name, "start": start, "stop": stop}
            for name, value in given.items()
            if value is not None
            for start, stop in as_intervals(np.atleast_2d(value) if _is_pair(value) else value)
        ]
        self.session.epochs = pd.DataFrame(rows, columns=["name", "start", "stop"])
        return self._changed()

    def add_events(self, events: Any, name: str = "ripples") -> Reactivation:
        """Add events: Intervals, (n, 2) array, or times (n,) in s; returns the study itself."""
        array = np.asarray(events) if isinstance(events, (list, tuple, np.ndarray)) else None
        if array is not None and array.ndim == 1:
            times = np.sort(array.astype(np.float64))
            events = np.column_stack([times, times])
        self.session.events[name] = as_intervals(events, name)
        return self._changed()

    def add_states(self, **states: Any) -> Reactivation:
        """Add brain states by name, ``THETA=...``, ``NREM=...``; returns the study itself."""
        for name, value in states.items():
            self.session.states[name] = as_intervals(value, name)
        return self._changed()

    # --- steps ------------------------------------------------------------------------------------

    @property
    def selection(self) -> Selection:
        """Which units, epochs and events are used, and what was dropped."""
        if self._selection is None:
            self._selection = select(self.session, self.config)
        return self._selection

    @property
    def spikes(self) -> SpikeTrains:
        """The chosen units."""
        return self.selection.spikes

    def detect(self) -> PCAICA:
        """Detect assemblies in the task (and theta); the fitted detector."""
        chosen = self.selection
        found: PCAICA = self._step(
            "detection",
            lambda: steps.detect_assemblies(
                chosen.spikes, chosen.detection, self.config, threads=self.threads
            ),
        )
        return found

    @property
    def patterns(self) -> FloatArray:
        """Weights of the assemblies (K, n_units)."""
        return np.asarray(self.detect().patterns_)

    @property
    def n_assemblies(self) -> int:
        """Number of assemblies K."""
        return len(self.patterns)

    @property
    def members(self) -> BoolArray:
        """Members of each assembly (K, n_units)."""
        return find_members(self.patterns)

    def member_table(self) -> pd.DataFrame:
        """A row an assembly: members' ids, their number, and (with groups) number per group."""
        return _member_table(self.patterns, self.spikes, self.selection.groups)

    def activation(self) -> Traces:
        """Activation over the whole session (n_bins, K); not stored by :meth:`save`."""
        if "activation" not in self._done:
            self._done["activation"] = steps.activation_traces(
                self.patterns, self.spikes, self.config, threads=self.threads
            )
        traces: Traces = self._done["activation"]
        return traces

    def response(self) -> PeriEventResponse:
        """Activation around the events of pre, task and post."""
        self._require("response")
        found: PeriEventResponse = self._step(
            "response",
            lambda: steps.peri_event_response(
                self.activation(),
                self.selection.events,
                self.config.window,
                threads=self.threads,
            ),
        )
        return found

    def effect(self) -> ReactivationEffect:
        """Post − pre response per assembly and its mean, with 95 % intervals."""
        self._require("effect")
        events, within = self.selection.events, self.config.response_window

        def compute() -> ReactivationEffect:
            pre, post = (
                steps.event_responses(
                    self.activation(), events[p].starts, within, threads=self.threads
                )
                for p in ("pre", "post")
            )
            return steps.reactivation_effect(pre, post, within)

        found: ReactivationEffect = self._step("effect", compute)
        return found

    def pairwise(self) -> PairwiseCorrelations:
        """Pairwise correlations in each phase; needs no assembly."""
        chosen = self.selection
        found: PairwiseCorrelations = self._step(
            "pairwise",
            lambda: steps.pairwise_correlations(
                chosen.spikes, chosen.phases, self.config.pairwise_bin, threads=self.threads
            ),
        )
        return found

    def unit_responses(self) -> UnitResponses:
        """Firing rates around the events; needs no assembly."""
        self._require("unit_responses")
        chosen = self.selection
        found: UnitResponses = self._step(
            "unit_responses",
            lambda: steps.unit_responses(
                chosen.spikes, chosen.events, self.config.window, threads=self.threads
            ),
        )
        return found

    def explained_variance(self) -> ExplainedVariance:
        """EV and REV of the task's correlations in the whole of post, controlled for pre."""
        self._require("explained_variance")
        found: ExplainedVariance = self._step(
            "explained_variance", lambda: self._explained_variance(None)
        )
        return found

    def explained_variance_over_time(self) -> ExplainedVariance:
        """EV and REV in consecutive windows of post."""
        self._require("explained_variance_over_time")
        found: ExplainedVariance = self._step(
            "explained_variance_over_time",
            lambda: self._explained_variance(self.config.ev_window),
        )
        return found

    def strongest(self) -> StrongestActivations:
        """The strongest activations (in post if there is one) with the spikes around them."""
        self._require("strongest")
        chosen = self.selection
        found: StrongestActivations = self._step(
            "strongest",
            lambda: steps.strongest_activations(
                self.activation(),
                chosen.spikes,
                self.patterns,
                within=chosen.phases.get("post"),
                n=self.config.n_strongest,
            ),
        )
        return found

    def joint(self, first: int | None = None, second: int | None = None) -> JointResponse:
        """Joint peri-event histogram of two assemblies; default the two that respond most."""
        self._require("joint")
        phase = self._last_phase()
        chosen = (first, second)
        if first is None or second is None:
            curve = np.nan_to_num(self.response().curve(phase))
            lags = self.response().lags
            start, stop = self.config.response_window
            inside = (lags >= start) & (lags < stop)
            top = np.argsort(-curve[inside].mean(axis=0), kind="stable")[:2]
            chosen = (int(top[0]), int(top[1]))

        def compute() -> JointResponse:
            return steps.joint_response(
                self.activation(),
                self.selection.events[phase].starts,
                chosen,  # type: ignore[arg-type]
                self.config.window,
                threads=self.threads,
            )

        found: JointResponse = compute() if first is not None else self._step("joint", compute)
        return found

    def detect_cross(self) -> PCAICA:
        """Detect assemblies across the groups only (cross-structural)."""
        self._require("cross_detection")
        chosen = self.selection
        found: PCAICA = self._step(
            "cross_detection",
            lambda: steps.detect_assemblies(
                chosen.spikes,
                chosen.detection,
                self.config,
                groups=chosen.groups,
                threads=self.threads,
            ),
        )
        return found

    def cross_response(self) -> PeriEventResponse:
        """Activation of the cross-structural assemblies around the events."""
        self._require("cross_response")
        found: PeriEventResponse = self._step(
            "cross_response",
            lambda: steps.peri_event_response(
                steps.activation_traces(
                    self.detect_cross().patterns_, self.spikes, self.config, threads=self.threads
                ),
                self.selection.events,
                self.config.window,
                threads=self.threads,
            ),
        )
        return found

    def sweep(self) -> SignificanceSweep:
        """Number of assemblies for each number of shuffles and percentile of the null."""
        self._require("sweep")

        def compute() -> SignificanceSweep:
            counts = bin_spikes(
                self.spikes,
                self.config.detection_bin,
                support=self.selection.detection,
                threads=self.threads,
            )
            null = "bin" if self.config.null == "mp" else self.config.null
            return sweep_significance(
                counts,
                self.config.sweep_shuffles,
                self.config.sweep_percentiles,
                detector=PCAICA(null=null, rng=self.config.seed, threads=self.threads),
            )

        found: SignificanceSweep = self._step("sweep", compute)
        return found

    # --- what comes out ---------------------------------------------------------------------------

    def missing(self, step: str) -> str | None:
        """Why a step cannot be done with this recording, or None if it can."""
        chosen, config = self.selection, self.config
        has_events = any(len(v) for v in chosen.events.values())
        both = all(p in chosen.phases for p in ("pre", "post"))
        of_events = ("response", "unit_responses", "effect", "joint", "cross_response")
        if step in of_events and not has_events:
            return "no events"
        if step in ("response", "effect", "joint", "strongest") and not self.n_assemblies:
            return "no assembly was found"
        if step == "joint" and self.n_assemblies < 2:
            return "it takes two assemblies"
        if step == "joint" and not len(chosen.events[self._last_phase()]):
            return f"no events in {self._last_phase()}"
        if step == "effect" and not all(len(chosen.events.get(p, ())) for p in ("pre", "post")):
            return "it takes events in pre and in post"
        if step.startswith("explained_variance"):
            if not both:
                return "it takes a pre and a post epoch"
            if chosen.spikes.n_active < 3:
                return "it takes at least three active units"
        if step == "explained_variance_over_time":
            shortest = min(_span(chosen.phases[p]) for p in ("pre", "post"))
            if shortest < 2 * config.ev_window:
                return f"pre and post hold fewer than two windows of {config.ev_window:g} s"
        if step.startswith("cross") and chosen.groups is None:
            return "no groups were named"
        if step == "cross_response" and not self.detect_cross().n_assemblies_:
            return "no cross-structural assembly was found"
        if step == "sweep" and not (config.sweep_shuffles and config.sweep_percentiles):
            return "no grid was asked for"
        if step == "sweep" and self.spikes.n_active < 2:
            return "it takes at least two active units"
        return None

    def plot(self, **kwargs: Any) -> tuple[Any, Any]:
        """Stems of the patterns (:func:`cofire.plot.plot_assemblies`), or (None, None)."""
        if not self.n_assemblies:
            return None, None
        from cofire.plot import plot_assemblies

        kwargs = {"groups": self.selection.groups, "unit_ids": self.spikes.unit_ids} | kwargs
        return plot_assemblies(self.patterns, self.members, **kwargs)

    def run(self) -> Mapping[str, Any]:
        """Do every step that the recording allows; results by name."""
        from cofire.studies.reactivation.run import STEPS

        for name, method in STEPS.items():
            if self.missing(name) is None:
                getattr(self, method)()
        return {name: self._done[name] for name in STEPS if name in self._done}

    def save(self, folder: str | Path) -> Path:
        """Store the results of the steps done so far under a folder; see :meth:`load`."""
        from cofire.studies._store import write_step

        target = Path(folder)
        for name, value in self._done.items():
            if name != "activation":
                write_step(target, name, value)
        return target

    def load(self, folder: str | Path) -> Reactivation:
        """Take over the results stored under a folder; returns the study itself."""
        from cofire.studies._store import read_steps

        self._done.update(read_steps(Path(folder)))
        return self

    def report(self, out: str | Path, *, formats: tuple[str, ...] = ("png", "svg")) -> Path:
        """Do every step and write figures, tables and report.html under `out`."""
        from cofire.studies.reactivation.output import write_output

        self.run()
        return write_output(self, Path(out), formats=formats)

    def __repr__(self) -> str:
        detected = self._done.get("detection")
        found = "not detected yet" if detected is None else f"{detected.n_assemblies_} assemblies"
        return f"Reactivation({self.session.spikes.n_units} units, {found})"

    # --- inside -----------------------------------------------------------------------------------

    def _changed(self) -> Reactivation:
        self._done.clear()
        self._selection = None
        return self

    def _step(self, name: str, compute: Callable[[], Any]) -> Any:
        if name not in self._done:
            self._done[name] = compute()
            if self._listener is not None:
                self._listener(name, self._done[name])
        return self._done[name]

    def _require(self, step: str) -> None:
        reason = self.missing(step)
        if reason is not None:
            raise MissingDataError(f"{step.replace('_', ' ')} cannot be computed: {reason}")

    def _last_phase(self) -> str:
        return next(p for p in ("post", "task", "pre") if len(self.selection.events.get(p, ())))

    def _explained_variance(self, width: float | None) -> ExplainedVariance:
        phases = self.selection.phases
        return ExplainedVariance(
            self.spikes,
            template=phases["task"],
            matching=phases["post"],
            control=phases["pre"],
            bin_size=self.config.ev_bin,
            window=width,
            threads=self.threads,
        )


def _as_session(recording: Any) -> Session:
    if recording is None:
        return Session()
    if isinstance(recording, Session):
        # Parts that are added later must not show up in the caller's session.
        return Session(
            recording.spikes,
            epochs=recording.epochs,
            states=recording.states,
            events=recording.events,
            trials=recording.trials,
            presentations=recording.presentations,
            traces=recording.traces,
            path=recording.path,
            meta=recording.meta,
        )
    if isinstance(recording, (str, Path)):
        from cofire.io import read_session

        session: Session = read_session(recording)
        return session
    return Session(as_spike_trains(recording, argument="recording"))


def _member_table(
    patterns: FloatArray, spikes: SpikeTrains, groups: AnyArray | None
) -> pd.DataFrame:
    import pandas as pd

    members = find_members(patterns)
    table = pd.DataFrame(
        {
            "assembly": [f"A{k + 1}" for k in range(len(members))],
            "n_members": members.sum(axis=1),
            "members": [" ".join(map(str, spikes.unit_ids[m])) for m in members],
        }
    )
    if groups is not None:
        counts = members_by_group(members, groups).drop(columns=["n_members", "n_groups"])
        table = pd.concat([table, counts.reset_index(drop=True)], axis=1)
    return table


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value) == 1


def _span(intervals: Any) -> float:
    return float(intervals.stops.max() - intervals.starts.min()) if len(intervals) else 0.0


__all__ = ["PHASES", "Reactivation"]
