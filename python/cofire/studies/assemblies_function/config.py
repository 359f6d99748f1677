"""Settings of the function study: documented defaults, readable from a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from cofire._validate import integer, one_of, positive, real
from cofire.assemblies import SGC
from cofire.assemblies.detectors.compare import DETECTORS, detector_names
from cofire.assemblies.function.clips import GAPS
from cofire.assemblies.function.decoder import _GRIDS, SPLITS
from cofire.assemblies.function.ensembles import RECIPES
from cofire.assemblies.function.pairs import PAIRS
from cofire.assemblies.function.structure import ORDERS
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.studies._settings import Settings, texts

_TEXTS = (
    "trace", "stimulus_column", "start_column", "end_column", "frame_column",
    "orientation_column", "field_column", "movie",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfig(Settings):
    """Everything that decides a result of the study. The same names work in a TOML file.

    Attributes
    ----------
    trace : str, optional
        Which traces of a session hold dF/F; default the only ones.
    rate : float, Hz, optional
        Frames a second of a recording that does not tell.
    unit : str
        Unit of the positions, for axes.
    detectors : tuple of str
        Detectors out of "sgc", "ica-mp", "ica-cs", "promax-mp", "promax-cs", "core", "svd", "fim".
        What the first one finds is analyzed, unless assemblies are given; with several they are
        compared.
    n_std : float
        A unit is active where its dF/F exceeds its mean by as many standard deviations.
    shuffles : int or "exact"
        Of SGC, as `p`, `rounds`, `steps`, `affinity` and `K0`: see :class:`cofire.assemblies.SGC`.
    p : float
    rounds, steps : int
    affinity : float
    K0 : str or int
    order : {"size", "given"}
        Assemblies from the largest to the smallest (A1 is the largest), as published, or in the
        order of the detector or file.
    random_seed : int
        Of the random ensembles.
    random_recipe : {"published", "numpy"}
        Their generator.
    cell_order : {"isomap", "peak", "given"}
        Of the correlation matrix.
    n_neighbors, n_dimensions : int
        Of Isomap; the dimensions are those of the distances between cells.
    spatial_bootstrap : int
        Resamplings of the test in the plane; 0: the approximation.
    pairs : {"unique", "ordered"}
        Every pair of traces once, or twice as published.
    ranks : {"normal", "uncorrected", "auto"}
        Variant of the rank-sum tests; the published one is "uncorrected".
    stimulus_column, start_column, end_column, frame_column, orientation_column : str, optional
        Columns of the stimulus table; default usual names.
    field_column : str, optional
        Column that tells kinds of gratings apart; default the name of the stimulus.
    movie : str, optional
        Name of the stimulus that is the movie; default the only one with frame numbers.
    gratings : tuple of str, optional
        Names of the drifting gratings; default every stimulus with an orientation.
    movie_length : int, optional
        Movie frames before it starts again; default the largest frame number plus one.
    n_clips : int, >= 2
        Parts of equal length that the movie is decoded in.
    clip_gaps : {"drop", "next"}
        Imaging frames while no movie frame is on: left out, or given to the next clip as published.
    oracle_frames : int, optional
        Imaging frames of each repeat that are compared; default as many as the shortest repeat has
        (published: 300, of 10 min of movie the first 50 s).
    grating_seconds : float, s
        Part of each grating that is averaged and compared.
    splits : tuple of {"random", "blocked"}
        How frames are kept for the test of the clip decoder; () for no decoder.
    grid : {"fast", "published"}
        Networks the decoder is chosen from: one, or 750.
    decoder_seed : int
    trigger_height : float
        Peaks of co-activity reach this share of the largest.
    seed : int
        Of the detectors and the bootstrap.
    """

    section: ClassVar[str] = "assemblies_function"

    trace: str | None = None
    rate: float | None = None
    unit: str = "px"
    detectors: tuple[str, ...] = ("sgc",)
    n_std: float = 2.0
    shuffles: int | str = 1000
    p: float = 0.05
    rounds: int = 5
    steps: int = 50_000
    affinity: float = 0.2
    K0: int | str = "uniform"
    order: str = "size"
    random_seed: int = 47
    random_recipe: str = "published"
    cell_order: str = "isomap"
    n_neighbors: int = 5
    n_dimensions: int = 50
    spatial_bootstrap: int = 0
    pairs: str = "unique"
    ranks: str = "normal"
    stimulus_column: str | None = None
    start_column: str | None = None
    end_column: str | None = None
    frame_column: str | None = None
    orientation_column: str | None = None
    field_column: str | None = None
    movie: str | None = None
    gratings: tuple[str, ...] | None = None
    movie_length: int | None = None
    n_clips: int = 12
    clip_gaps: str = "drop"
    oracle_frames: int | None = None
    grating_seconds: float = 2.0
    splits: tuple[str, ...] = ("random", "blocked")
    grid: str = "fast"
    decoder_seed: int = 747
    trigger_height: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _TEXTS:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise InvalidTypeError(f"{name} must be a text that is not empty, got {value!r}")
        if not isinstance(self.unit, str):
            raise InvalidTypeError(f"unit must be a text, got {self.unit!r}")
        if self.rate is not None:
            self._set("rate", positive(self.rate, "rate", "Hz"))
        self._set("detectors", detector_names(texts(self.detectors, "detectors")))
        for name in ("n_std", "trigger_height", "p", "affinity"):
            self._set(name, real(getattr(self, name), name))
        self._set("grating_seconds", positive(self.grating_seconds, "grating_seconds", "s"))
        if not 0 <= self.trigger_height <= 1:
            raise InvalidArgumentError(
                f"trigger_height must lie in [0, 1], got {self.trigger_height:g}"
            )
        self._check_choices()
        for name, low in (
            ("rounds", 1), ("steps", 1), ("n_neighbors", 1), ("n_dimensions", 1), ("n_clips", 2),
            ("spatial_bootstrap", 0), ("random_seed", 0), ("decoder_seed", 0), ("seed", 0),
        ):  # fmt: skip
            integer(getattr(self, name), name, low)
        for name in ("movie_length", "oracle_frames"):
            if getattr(self, name) is not None:
                integer(getattr(self, name), name, 2)
        if self.gratings is not None:
            self._set("gratings", texts(self.gratings, "gratings"))

    def _check_choices(self) -> None:
        one_of(self.order, "order", ("size", "given"))
        one_of(self.random_recipe, "random_recipe", RECIPES)
        one_of(self.cell_order, "cell_order", ORDERS)
        one_of(self.pairs, "pairs", PAIRS)
        one_of(self.ranks, "ranks", ("normal", "uncorrected", "auto"))
        one_of(self.clip_gaps, "clip_gaps", GAPS)
        one_of(self.grid, "grid", tuple(_GRIDS))
        splits = texts(self.splits, "splits")
        for split in splits:
            one_of(split, "splits", SPLITS)
        self._set("splits", splits)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def detector(self, name: str, **options: Any) -> Any:
        """A detector by its name, with these settings."""
        if name != "sgc":
            return DETECTORS[name](rng=self.seed, **options)
        return SGC(
            n_std=self.n_std,
            shuffles=self.shuffles,
            p=self.p,
            rounds=self.rounds,
            steps=self.steps,
            affinity=self.affinity,
            K0=self.K0,
            rng=self.seed,
            **options,
        )
