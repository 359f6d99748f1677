"""Settings of the larval olfaction study: documented defaults, readable from a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from cofire._validate import integer, one_of, positive, real
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.studies._settings import Settings

_COUNTS = (
    "teacher_epochs",
    "epochs",
    "repeats",
    "batch_size",
    "ramp_epochs",
    "n_steps",
    "triplets",
    "monitor_every",
)
_POSITIVE = (
    "teacher_learning_rate",
    "learning_rate",
    "clip_norm",
    "apl_boost",
    "apl_rate",
    "hill",
    "half_saturation",
)
_TRAINING = (
    "teacher_epochs",
    "epochs",
    "repeats",
    "batch_size",
    "teacher_learning_rate",
    "learning_rate",
    "clip_norm",
    "input_noise",
    "sparsity_weight",
    "ramp_epochs",
    "apl_boost",
    "apl_rate",
    "n_steps",
    "registered",
    "receptor_map",
)
_CHOICES = {
    "panel_units": ("normalized", "hz"),
    "protocol": ("newer", "older"),
    "posthoc_noise": ("multiplicative", "additive"),
    "receptor_map": ("positional", "identity"),
    "shuffle": ("newer", "older"),
    "threshold_weight": ("published", "size"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OlfactionConfig(Settings):
    """Everything that decides a result of the study. The same names work in a TOML file.

    Attributes
    ----------
    connectome : str, optional
        Supplementary Data S1 of the larval connectome (zip, folder or npz, see
        :func:`cofire.io.read_winding2023`), from which the matrices are made instead of read from
        the prepared set. It lacks the published LN to ORN matrix: set `registered` too.
    panel : str, optional
        Csv file of an own odor panel (see :func:`read_panel`); default the panel of the data
        folder.
    panel_units : {"normalized", "hz"}
        Of the own panel.
    odors : tuple of str, optional
        Names of the odors to keep; the baseline, first of the panel, always is. Default all.
    seeds : tuple of int
        One model a seed, of the canonical training.
    retrained_seeds : tuple of int
        The same of every other training.
    teacher_epochs, epochs : int
        Of teacher and student.
    repeats : int
        Noisy samples of each odor in an epoch.
    batch_size : int
    teacher_learning_rate, learning_rate : float
        Of Adam; the student's is multiplied per parameter group.
    clip_norm : float
        Bound of the norm of the student's gradient.
    input_noise : float
        Coefficient of variation of the odor input.
    sparsity_weight : float
        Final weight of the sparsity term of the student's loss.
    ramp_epochs : int
        Epochs over which that weight rises linearly from 0.
    apl_boost : float
        Factor on the teacher's APL gain at the transfer.
    apl_rate : float
        Multiplier of the learning rate of the APL parameters.
    n_steps : int
        Steps of 1 ms a simulation.
    protocol : {"newer", "older"}
        Evaluation as in the published study or its predecessor (numbers of samples and trials,
        seeds, definitions; see :mod:`cofire.studies.larval_olfaction.evaluation`).
    posthoc_noise : {"multiplicative", "additive"}
        Input noise of models that are ablated after training; the predecessor's additive noise put
        the odors outside the range of training.
    registered : bool
        New option: use the LN to ORN matrix in the registration of all others. Off, the published
        matrix with its misordered rows and columns is used.
    receptor_map : {"positional", "identity"}
        Which receptor drives which pair of ORNs: column by column, as published, or (new option) by
        the annotated identity of the pair.
    shuffle : {"newer", "older"}
        What the shuffled wiring permutes: every count matrix, or only gap masks and graded
        matrices.
    threshold_weight : {"published", "size"}
        Weight of the ORN thresholds in the headline parameter correlation: 21, as published, or
        their number, 42.
    concentrations : tuple of float
        Of the concentration series, in units of the panel's concentration; holds 1, lowest first.
    hill, half_saturation : float
        Exponent n and EC50 of the receptors' Hill curve.
    injection : float
        Constant input to the APL in its suppression test.
    triplets : int
        Number of random odor triplets.
    monitor_every : int
        Epochs between tests during training (accuracy, sparsity, APL ratio); they change no
        result.
    """

    section: ClassVar[str] = "larval_olfaction"

    connectome: str | None = None
    panel: str | None = None
    panel_units: str = "normalized"
    odors: tuple[str, ...] | None = None
    seeds: tuple[int, ...] = (42, 43, 44, 45, 46)
    retrained_seeds: tuple[int, ...] = (42, 43, 44)
    teacher_epochs: int = 300
    epochs: int = 300
    repeats: int = 10
    batch_size: int = 16
    teacher_learning_rate: float = 1e-2
    learning_rate: float = 1e-3
    clip_norm: float = 5.0
    input_noise: float = 0.3
    sparsity_weight: float = 15.0
    ramp_epochs: int = 60
    apl_boost: float = 4.0
    apl_rate: float = 4.0
    n_steps: int = 30
    protocol: str = "newer"
    posthoc_noise: str = "multiplicative"
    registered: bool = False
    receptor_map: str = "positional"
    shuffle: str = "newer"
    threshold_weight: str = "published"
    concentrations: tuple[float, ...] = (0.03, 0.1, 0.3, 0.5, 1.0, 2.0, 5.0)
    hill: float = 1.0
    half_saturation: float = 1.0
    injection: float = 0.7
    triplets: int = 50
    monitor_every: int = 1

    def __post_init__(self) -> None:
        for name in ("connectome", "panel"):
            path = getattr(self, name)
            if path is not None and not (isinstance(path, str) and path.strip()):
                raise InvalidTypeError(f"{name} must be the path of a file, got {path!r}")
        if not isinstance(self.registered, bool):
            raise InvalidTypeError(f"registered must be true or false, got {self.registered!r}")
        if self.connectome is not None and not self.registered:
            raise InvalidArgumentError(
                "connectome: it holds no LN to ORN matrix in the published order; set "
                "registered = true, or leave it out to use the prepared set"
            )
        if self.odors is not None:
            odors: Any = self.odors
            if not isinstance(odors, (list, tuple)) or not all(isinstance(o, str) for o in odors):
                raise InvalidTypeError(f"odors must be a list of names, got {odors!r}")
            object.__setattr__(self, "odors", tuple(odors))
        for name in _COUNTS:
            integer(getattr(self, name), name, 1)
        for name in _POSITIVE:
            object.__setattr__(self, name, positive(getattr(self, name), name))
        for name in ("input_noise", "sparsity_weight", "injection"):
            value = real(getattr(self, name), name)
            if value < 0:
                raise InvalidArgumentError(f"{name} must not be negative, got {value:g}")
            object.__setattr__(self, name, value)
        for name, choices in _CHOICES.items():
            one_of(getattr(self, name), name, choices)
        for name in ("seeds", "retrained_seeds", "concentrations"):
            value = getattr(self, name)
            if not isinstance(value, (list, tuple)) or not value:
                raise InvalidTypeError(f"{name} must be a list of numbers, got {value!r}")
            object.__setattr__(self, name, tuple(value))
        for name in ("seeds", "retrained_seeds"):
            seeds = getattr(self, name)
            for seed in seeds:
                integer(seed, name, 0)
            if len(set(seeds)) != len(seeds):
                raise InvalidArgumentError(f"{name} must differ, got {seeds}")
        self._check_concentrations()

    def training(self) -> dict[str, Any]:
        """Settings that decide trained parameters, beside odors, wiring, condition and seed."""
        return {name: getattr(self, name) for name in _TRAINING}

    def _check_concentrations(self) -> None:
        values = tuple(positive(c, "concentrations") for c in self.concentrations)
        if 1.0 not in values or list(values) != sorted(set(values)):
            raise InvalidArgumentError(
                f"concentrations must increase and hold 1, got {self.concentrations}"
            )
        object.__setattr__(self, "concentrations", values)
