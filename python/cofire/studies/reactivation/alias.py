"""``AssemblyReact``: the names of the published tutorial over cofire's functions.

Change the import and the tutorial's calls run. New code reads better with
:class:`cofire.studies.reactivation.Reactivation`.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, one_of, positive
from cofire.assemblies import PCAICA, activation, find_members, valid_assemblies
from cofire.errors import InvalidArgumentError, MissingDataError, NoAssemblyWarning
from cofire.spikes import bin_spikes, zscore_bins
from cofire.types import Intervals, SpikeTrains, Traces, as_intervals, as_spike_trains

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class AssemblySignals:
    """Activation of assemblies, assemblies in rows as the tutorial has it.

    Attributes
    ----------
    data : ndarray (K, n)
    abscissa_vals : ndarray (n,), s
        Bin centers.
    fs : float, Hz
    support : Intervals
        Runs of samples, each from its first to one sample after its last; a run ends where the next
        sample is two or more periods away, as in nelpy.
    """

    data: FloatArray
    abscissa_vals: FloatArray
    fs: float
    support: Intervals

    @property
    def timestamps(self) -> FloatArray:
        """Bin centers (n,), s."""
        return self.abscissa_vals

    @property
    def n_signals(self) -> int:
        """Number of assemblies."""
        return len(self.data)

    @property
    def isempty(self) -> bool:
        """Whether there is no assembly or no sample."""
        return self.data.size == 0

    def __getitem__(self, intervals: Any) -> AssemblySignals:
        support = (self.support & as_intervals(intervals, "intervals", merge=True)).merged()
        keep = support.contains(self.abscissa_vals, closed="left")
        return AssemblySignals(self.data[:, keep], self.abscissa_vals[keep], self.fs, support)

    def to_traces(self) -> Traces:
        """The same as :class:`cofire.Traces` (samples in rows)."""
        return Traces(self.data.T, times=self.abscissa_vals, support=self.support)

    def __repr__(self) -> str:
        n, samples = self.data.shape
        return f"AssemblySignals({n} assemblies, {samples} samples, {self.fs:g} Hz)"


class AssemblyReact:
    """Assembly detection and activation under the names of the published tutorial.

    Parameters
    ----------
    basepath : path, optional
        CellExplorer folder for :meth:`load_data`.
    brainRegion, putativeCellType : str
        Substrings or patterns (``"CA1|PFC"``) of the units to load.
    weight_dt, z_mat_dt : float, s
        Bins for detection and for activation.
    method : {"ica", "pca", "cross_svd"}
    nullhyp : {"mp", "bin", "circ"}
    nshu : int
        Shuffles.
    percentile : float
    tracywidom : bool
    whiten : {"unit-variance", "arbitrary-variance"}
        Both give the same patterns.
    n_jobs : int
        Threads; less than 1 means all processors.
    random_state : int, optional
        Seed; given, the shuffles are those of the published code.
    cross_group_threshold, cross_group_threshold_mode, cross_group_threshold_percentile,
    cross_svd_threshold_mode, cross_structural
        As in :class:`cofire.assemblies.PCAICA`.

    Attributes
    ----------
    st : SpikeTrains
    cell_metrics, epoch_df : DataFrame
    ripples, epochs, time_support : Intervals
    patterns : ndarray (K, n_units) or None
    assembly_members : ndarray (K, n_units) of bool
    valid_assembly : ndarray (K,) of bool

    Examples
    --------
    >>> import cofire as cf
    >>> from cofire.studies.reactivation import AssemblyReact
    >>> made = cf.datasets.make_assembly_recording(20, 240.0, n_assemblies=2, n_cross=0, rng=1)
    >>> react = AssemblyReact(z_mat_dt=0.01)
    >>> react.add_st(made.session.spikes)
    >>> react.get_weights(made.session.states["THETA"])
    >>> react
    <AssemblyReact: 20 units, 2 assemblies> of length 12:00:000 minutes
    """

    def __init__(
        self,
        basepath: str | Path | None = None,
        brainRegion: str = "CA1",
        putativeCellType: str = "Pyramidal Cell",
        weight_dt: float = 0.025,
        z_mat_dt: float = 0.002,
        method: str = "ica",
        nullhyp: str = "mp",
        nshu: int = 1000,
        percentile: float = 99,
        tracywidom: bool = False,
        whiten: str = "unit-variance",
        n_jobs: int = 1,
        random_state: int | None = None,
        cross_group_threshold: float = 1e-12,
        cross_group_threshold_mode: str = "absolute",
        cross_group_threshold_percentile: float = 95.0,
        cross_svd_threshold_mode: str = "per_rank",
        cross_structural: Any = None,
    ) -> None:
        one_of(whiten, "whiten", ("unit-variance", "arbitrary-variance"))
        if positive(weight_dt, "weight_dt", "s") < 0.002:
            raise InvalidArgumentError(
                f"weight_dt must be at least 0.002 s, got {weight_dt:g}: the smoothing is "
                "undefined below"
            )
        self.basepath = basepath
        self.brainRegion = brainRegion
        self.putativeCellType = putativeCellType
        self.weight_dt = float(weight_dt)
        self.z_mat_dt = positive(z_mat_dt, "z_mat_dt", "s")
        self.method = method
        self.nullhyp = nullhyp
        self.nshu = nshu
        self.percentile = percentile
        self.tracywidom = tracywidom
        self.whiten = whiten
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.cross_group_threshold = cross_group_threshold
        self.cross_group_threshold_mode = cross_group_threshold_mode
        self.cross_group_threshold_percentile = cross_group_threshold_percentile
        self.cross_svd_threshold_mode = cross_svd_threshold_mode
        self.cross_structural = cross_structural
        self.st: SpikeTrains | None = None
        self.cell_metrics: pd.DataFrame | None = None
        self.ripples: Intervals | None = None
        self.epochs: Intervals | None = None
        self.epoch_df: pd.DataFrame | None = None
        self.time_support: Intervals | None = None
        self.patterns: FloatArray | None = None
        self.assembly_members: BoolArray | None = None
        self.valid_assembly: BoolArray | None = None
        self._model: PCAICA | None = None

    # --- what goes in -----------------------------------------------------------------------------

    def load_data(self) -> None:
        """Load epochs, spikes and ripples of ``basepath``."""
        self.load_epoch()
        self.load_spikes()
        self.load_ripples()

    def load_epoch(self) -> None:
        """Load the epoch table; the support becomes [first start, last stop]."""
        self.add_epoch_df(self._read().epochs)

    def load_spikes(self) -> None:
        """Load the units of ``brainRegion`` and ``putativeCellType``."""
        session = self._read(region=self.brainRegion, cell_type=self.putativeCellType)
        spikes = session.spikes
        if self.time_support is not None:
            spikes = spikes.restrict(self.time_support)
        self.st, self.cell_metrics = spikes, spikes.metadata

    def load_ripples(self) -> None:
        """Load the ripples."""
        events = self._read().events
        if "ripples" not in events:
            raise MissingDataError(f"{self.basepath} holds no ripples; it has {sorted(events)}")
        self.ripples = events["ripples"]

    def add_st(self, st: Any) -> None:
        """Set the spike trains (nelpy, cofire, pynapple, lists)."""
        self.st = as_spike_trains(st, argument="st")

    def add_ripples(self, ripples: Any) -> None:
        """Set the ripples (nelpy EpochArray, Intervals, array)."""
        self.ripples = as_intervals(ripples, "ripples")

    def add_epoch_df(self, epoch_df: pd.DataFrame) -> None:
        """Set the epoch table (columns startTime and stopTime, or start and stop)."""
        self.epoch_df = epoch_df.copy()
        self.epochs = Intervals(as_intervals(epoch_df, "epoch_df").data, on_overlap="keep")
        if len(self.epochs):
            self.time_support = Intervals([[self.epochs.starts[0], self.epochs.stops.max()]])

    def restrict_to_epoch(self, epoch: Any) -> None:
        """Keep only what lies inside an epoch."""
        inside = as_intervals(epoch, "epoch", merge=True)
        if self.st is not None:
            self.st = self.st.restrict(inside)
        if self.ripples is not None:
            self.ripples = self.ripples & inside
        if self.epochs is not None:
            self.epochs = self.epochs & inside
        self.time_support = (
            inside if self.time_support is None else (self.time_support & inside).merged()
        )

    def restrict_epochs_to_pre_task_post(self) -> None:
        """Keep the first sleep, task, sleep triple of the epoch table (equal rows joined)."""
        from cofire.types import compress_repeated_epochs, find_pre_task_post

        if self.epoch_df is None:
            raise MissingDataError("there is no epoch table; call add_epoch_df or load_epoch first")
        table = compress_repeated_epochs(self.epoch_df)
        mask, _ = find_pre_task_post(table["environment"])
        if mask is None:
            raise MissingDataError(
                "the epoch table has no sleep, task, sleep triple; environments: "
                + ", ".join(map(str, table["environment"]))
            )
        self.add_epoch_df(table[np.asarray(mask)].reset_index(drop=True))
        assert self.epochs is not None
        if self.st is not None:
            self.st = self.st.restrict(self.epochs)
        if self.ripples is not None:
            self.ripples = self.ripples & self.epochs.merged()

    # --- what comes out ---------------------------------------------------------------------------

    def get_z_mat(self, st: Any) -> tuple[FloatArray, FloatArray]:
        """Smoothed z-scores (n_units, n) and bin centers (n,) of spike trains."""
        z = zscore_bins(
            as_spike_trains(st), self.z_mat_dt, sigma=self._sigma(), threads=self._threads()
        )
        return np.asarray(z.counts), z.centers

    def get_weights(self, epoch: Any = None) -> None:
        """Detect assemblies (in an epoch); sets ``patterns``, None if there is none."""
        st = self._spikes()
        support = st.support_or_span() if epoch is None else as_intervals(epoch, "epoch")
        counts = bin_spikes(st, self.weight_dt, support=support, threads=self._threads())
        self.patterns = self.assembly_members = self.valid_assembly = None
        self._model = None
        if counts.n_bins == 0 or not counts.counts.any():
            return
        self._model = PCAICA(
            null=self.nullhyp,
            tracywidom=self.tracywidom,
            n_shuffles=self.nshu,
            percentile=self.percentile,
            method=self.method,
            cross_structural=self.cross_structural,
            cross_group_threshold=self.cross_group_threshold,
            cross_group_threshold_mode=self.cross_group_threshold_mode,
            cross_group_threshold_percentile=self.cross_group_threshold_percentile,
            cross_svd_threshold_mode=self.cross_svd_threshold_mode,
            rng=0 if self.random_state is None else self.random_state,
            rng_recipe=None if self.random_state is None else "numpy",
            threads=self._threads(),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NoAssemblyWarning)
            self._model.fit(counts)
        if self._model.n_assemblies_:
            self.patterns = self._model.patterns_

    def get_assembly_act(self, epoch: Any = None) -> AssemblySignals:
        """Activation (z-scored over the epoch only); empty without assemblies."""
        st = self._spikes()
        support = (
            st.support_or_span() if epoch is None else as_intervals(epoch, "epoch", merge=True)
        )
        rate = 1.0 / self.z_mat_dt
        if self.patterns is None:
            return AssemblySignals(np.zeros((0, 0)), np.zeros(0), rate, Intervals([]))
        if self.method == "cross_svd" and self._model is not None:
            z = zscore_bins(
                st, self.z_mat_dt, support=support, sigma=self._sigma(), threads=self._threads()
            )
            return _signals(self._model.transform(z), z.centers, rate)
        traces: Traces = activation(
            self.patterns,
            st,
            bin_width=self.z_mat_dt,
            sigma=self._sigma(),
            support=support,
            threads=self._threads(),
        )
        return _signals(np.ascontiguousarray(np.asarray(traces.values).T), traces.times, rate)

    def find_members(self) -> tuple[BoolArray, BoolArray]:
        """Members (K, n_units) and whether an assembly's members share one sign (K,)."""
        n_units = 0 if self.st is None else self.st.n_units
        patterns = np.zeros((0, n_units)) if self.patterns is None else self.patterns
        self.assembly_members = find_members(patterns)
        self.valid_assembly = valid_assemblies(patterns, self.assembly_members)
        return self.assembly_members, self.valid_assembly

    def n_assemblies(self) -> int:
        """Number of assemblies; 0 before :meth:`get_weights`."""
        return 0 if self.patterns is None else len(self.patterns)

    @property
    def isempty(self) -> bool:
        """Whether there are no spike trains."""
        return self.st is None

    def copy(self) -> AssemblyReact:
        """Return a deep copy."""
        return copy.deepcopy(self)

    def plot(
        self,
        plot_members: bool = True,
        central_line_color: str = "grey",
        marker_color: str = "k",
        member_color: str | list[str] = "#6768ab",
        line_width: float = 1.25,
        markersize: float = 4,
        x_padding: float = 0.2,
        figsize: tuple[float, float] | None = None,
    ) -> tuple[Any, AnyArray | None]:
        """Stems of the weights, a panel an assembly; (None, None) without assemblies.

        Returns
        -------
        fig, axes : Figure, ndarray (K,) of Axes
        """
        if self.patterns is None:
            return None, None
        from cofire.plot import plot_assemblies

        n = len(self.patterns)
        return plot_assemblies(
            self.patterns,
            plot_members=plot_members,
            central_line_color=central_line_color,
            marker_color=marker_color,
            member_color=member_color,
            line_width=line_width,
            markersize=markersize,
            x_padding=x_padding,
            figsize=figsize or (n + 1, max(round(n / 2), 2)),
        )

    def __repr__(self) -> str:
        if self.st is None:
            return "<AssemblyReact: empty>"
        found = "" if self.patterns is None else f", {self.n_assemblies()} assemblies"
        length = self.st.support_or_span().total_duration
        return f"<AssemblyReact: {self.st.n_active} units{found}> of length {_duration(length)}"

    # --- inside -----------------------------------------------------------------------------------

    def _read(self, **options: Any) -> Any:
        from cofire.io import read_cellexplorer

        if self.basepath is None:
            raise MissingDataError("no basepath was given; pass AssemblyReact(basepath=...)")
        return read_cellexplorer(self.basepath, **options)

    def _spikes(self) -> SpikeTrains:
        if self.st is None:
            raise MissingDataError("there are no spikes; call add_st or load_spikes first")
        return self.st

    def _sigma(self) -> float:
        return float(self.weight_dt / np.sqrt(int(1000 * self.weight_dt / 2)))

    def _threads(self) -> int | None:
        return self.n_jobs if self.n_jobs >= 1 else None


def _signals(data: FloatArray, times: FloatArray, rate: float) -> AssemblySignals:
    ends = np.flatnonzero(np.diff(times) >= 2.0 / rate)
    first = times[np.concatenate([[0], ends + 1])] if len(times) else times
    last = times[np.concatenate([ends, [len(times) - 1]])] if len(times) else times
    support = Intervals(np.column_stack([first, last + 1.0 / rate]), on_overlap="keep")
    return AssemblySignals(data, times, rate, support)


def _duration(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    whole, thousandths = divmod(rest, 1000)
    if hours:
        return f"{hours}:{minutes:02d}:{whole:02d}:{thousandths:03d} hours"
    if minutes:
        return f"{minutes}:{whole:02d}:{thousandths:03d} minutes"
    return f"{whole}:{thousandths:03d} seconds"
