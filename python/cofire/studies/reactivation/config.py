"""Settings of the reactivation study: documented defaults, readable from a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cofire._validate import integer, one_of, positive, real, window
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.studies._settings import Settings

_SPECS = ("task", "pre", "post", "states", "task_states", "events")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactivationConfig(Settings):
    """Everything that decides a result of the study. The same names work in a TOML file.

    Attributes
    ----------
    units : str, optional
        pandas query on the unit table, for example ``"region == 'CA1'"``; default all units.
    groups : str, optional
        Column of the unit table: adds the cross-structural detection between its groups.
    task, pre, post : str, optional
        Epochs as ``TABLE``, ``TABLE:column=value`` or a csv file; default: the first sleep, task,
        sleep triple of the epoch table, or the whole recording as task.
    states : str, optional
        State(s) to which events of pre and post are confined; default NREM if the recording has it;
        ``"none"`` for no confinement.
    task_states : str, optional
        State(s) to which detection is confined; default THETA if the recording has it; ``"none"``.
    events : str, optional
        Events as ``TABLE``, ``TABLE:column=value``, a csv or mat file, or ``"bursts"``; default
        ``ripples`` if the recording has them; ``"none"`` leaves the peri-event part out.
    detection_bin : float, s
        Bin of the counts in which assemblies are detected; also sets the smoothing of activations
        (``detection_bin / sqrt(int(1000 * detection_bin / 2))``).
    activation_bin : float, s
        Bin of the activation over time.
    method : {"ica", "pca"}
    null : {"mp", "bin", "circ"}
        Marchenko–Pastur law or shuffles.
    tracywidom : bool
        Whether to add the Tracy–Widom correction to "mp".
    n_shuffles : int
        Of shuffle nulls (cross-structural detection always uses one).
    percentile : float, (0, 100)
        Of shuffle nulls.
    window : (float, float), s
        Around events.
    response_window : (float, float), s
        In which the response is averaged to one number per event.
    pairwise_bin : float, s
        Bin of the pairwise correlations.
    ev_bin : float, s
        Bin of explained variance.
    ev_window : float, s
        Length of the windows of time-resolved explained variance.
    sweep_shuffles, sweep_percentiles : tuple
        Grid of the significance sweep; an empty one leaves it out.
    n_strongest : int
        Number of assemblies in the raster of strongest activations.
    seed : int
        Of every random number.
    """

    section: ClassVar[str] = "reactivation"

    units: str | None = None
    groups: str | None = None
    task: str | None = None
    pre: str | None = None
    post: str | None = None
    states: str | None = None
    task_states: str | None = None
    events: str | None = None
    detection_bin: float = 0.025
    activation_bin: float = 0.01
    method: str = "ica"
    null: str = "mp"
    tracywidom: bool = False
    n_shuffles: int = 200
    percentile: float = 99.0
    window: tuple[float, float] = (-0.5, 0.5)
    response_window: tuple[float, float] = (0.0, 0.1)
    pairwise_bin: float = 0.05
    ev_bin: float = 0.2
    ev_window: float = 200.0
    sweep_shuffles: tuple[int, ...] = (50, 100, 200)
    sweep_percentiles: tuple[float, ...] = (90.0, 95.0, 99.0)
    n_strongest: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("units", "groups", *_SPECS):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise InvalidTypeError(f"{name} must be a text that is not empty, got {value!r}")
        if not isinstance(self.tracywidom, bool):
            raise InvalidTypeError(f"tracywidom must be true or false, got {self.tracywidom!r}")
        for name in ("detection_bin", "activation_bin", "pairwise_bin", "ev_bin", "ev_window"):
            object.__setattr__(self, name, positive(getattr(self, name), name, "s"))
        if self.detection_bin < 0.002:
            raise InvalidArgumentError(
                f"detection_bin must be at least 0.002 s, got {self.detection_bin:g}"
            )
        one_of(self.method, "method", ("ica", "pca"))
        one_of(self.null, "null", ("mp", "bin", "circ"))
        for name in ("window", "response_window"):
            object.__setattr__(self, name, window(getattr(self, name), name))
        integer(self.n_shuffles, "n_shuffles", 1)
        integer(self.n_strongest, "n_strongest", 1)
        integer(self.seed, "seed", 0)
        for name in ("sweep_shuffles", "sweep_percentiles"):
            value = getattr(self, name)
            if not isinstance(value, (list, tuple)):
                raise InvalidTypeError(f"{name} must be a list of numbers, got {value!r}")
            object.__setattr__(self, name, tuple(value))
        for value in (self.percentile, *self.sweep_percentiles):
            if not 0 < real(value, "percentile") < 100:
                raise InvalidArgumentError(f"percentile must lie in (0, 100), got {value!r}")
        for value in self.sweep_shuffles:
            integer(value, "sweep_shuffles", 1)

    @property
    def sigma(self) -> float:
        """Standard deviation of the smoothing before activations (s)."""
        return float(self.detection_bin / int(1000 * self.detection_bin / 2) ** 0.5)
