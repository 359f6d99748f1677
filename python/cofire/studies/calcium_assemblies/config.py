"""Settings of the comparison of detectors: documented defaults, readable from a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from cofire._validate import integer, one_of, positive, real
from cofire.assemblies.detectors.compare import DETECTORS, detector_names
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.studies._settings import Settings, texts


@dataclass(frozen=True, slots=True, kw_only=True)
class CalciumConfig(Settings):
    """Everything that decides a result. The same names work in a TOML file.

    Attributes
    ----------
    detectors : tuple of str, or str with commas
        Out of "sgc", "ica-mp" (or "ica"), "ica-cs", "promax-mp" (or "promax"), "promax-cs",
        "core", "svd", "fim". Default all.
    series : tuple of str, or str with commas
        NWB: names of the series of responses (several planes are joined); npz: the array. Default
        the one that is there, dF/F before fluorescence.
    transpose : bool
        npy and npz: units come first.
    rate : float, Hz, optional
        Frames a second, where the recording does not tell them.
    neuropil, percentile, baseline_window, cells, min_probability, planes
        suite2p: see :func:`cofire.io.read_suite2p`. A `baseline_window` of 0 takes one percentile
        of the whole recording.
    trusted : bool
        suite2p: whether ``ops.npy`` and ``stat.npy``, which are pickles, may be read.
    n_std, shuffles, p, rounds, steps, affinity, K0
        Of :class:`cofire.assemblies.SGC`; the other detectors run with published parameters.
    seed : int
        Of every detector.
    """

    section: ClassVar[str] = "calcium_assemblies"

    detectors: tuple[str, ...] = tuple(DETECTORS)
    series: tuple[str, ...] = ()
    transpose: bool = False
    rate: float | None = None
    neuropil: float = 0.7
    percentile: float = 8.0
    baseline_window: float = 60.0
    cells: bool = True
    min_probability: float | None = None
    planes: tuple[int, ...] | None = None
    trusted: bool = False
    n_std: float = 2
    shuffles: int | str = 1000
    p: float = 0.05
    rounds: int = 5
    steps: int = 50_000
    affinity: float = 0.2
    K0: str | int = "uniform"
    seed: int = 0

    def __post_init__(self) -> None:
        self._set("detectors", detector_names(texts(self.detectors, "detectors")))
        self._set("series", texts(self.series, "series"))
        for name in ("transpose", "cells", "trusted"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidTypeError(f"{name} must be true or false")
        if self.rate is not None:
            self._set("rate", positive(self.rate, "rate", "Hz"))
        if self.planes is not None:
            planes = self.planes
            if not isinstance(planes, (list, tuple)):
                raise InvalidTypeError(f"planes must be a list of numbers, got {planes!r}")
            self._set("planes", tuple(integer(k, "planes", 0) for k in planes))
        for name in ("neuropil", "percentile", "baseline_window", "n_std"):
            if real(getattr(self, name), name) < 0:
                raise InvalidArgumentError(f"{name} must not be negative")
        if not 0 < real(self.p, "p") < 1:
            raise InvalidArgumentError(f"p must lie between 0 and 1, got {self.p!r}")
        if not 0 <= real(self.affinity, "affinity") < 1:
            raise InvalidArgumentError(f"affinity must lie in [0, 1), got {self.affinity!r}")
        for name in ("rounds", "steps"):
            integer(getattr(self, name), name, 1)
        self._set("shuffles", _word_or_number(self.shuffles, "shuffles", ("exact",)))
        self._set("K0", _word_or_number(self.K0, "K0", ("uniform", "small")))
        integer(self.seed, "seed", 0)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


def _word_or_number(value: Any, name: str, words: tuple[str, ...]) -> int | str:
    """A number may arrive as text from the command line."""
    if isinstance(value, str):
        if value.isdecimal():
            return integer(int(value), name, 1)
        return one_of(value, name, words)
    return integer(value, name, 1)
