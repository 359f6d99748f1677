"""The study as an object: put a recording in, ask for results step by step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cofire import assemblies as asm
from cofire._validate import FloatArray, IntArray
from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.studies.assemblies_function import responses, steps
from cofire.studies.assemblies_function.config import FunctionConfig
from cofire.studies.assemblies_function.sources import Material, Sources, read_material
from cofire.types import Traces

_log = logging.getLogger("cofire.studies.assemblies_function")

STEPS = (
    "detection", "structure", "distances", "overlap", "spatial", "pairs", "sparsity", "repeats",
    "gratings", "decoding", "triggers",
)  # fmt: skip
WITHOUT_ASSEMBLIES = ("detection", "structure", "distances")
_NEED_TIMES = ("repeats", "gratings", "decoding", "triggers")
_NEED_MOVIE = ("repeats", "decoding", "triggers")
Progress = Callable[[int, int], None]


class AssembliesFunction:
    """What assemblies of a calcium recording do.

    Every step is a method that computes on first call and remembers its result: ``detection``,
    ``structure``, ``distances``, ``overlap``, ``spatial``, ``pairs``, ``sparsity``, ``repeats``,
    ``gratings``, ``decoding``, ``triggers``. Steps that the data do not allow raise
    :class:`cofire.errors.MissingDataError`; :meth:`missing` says so beforehand.

    Parameters
    ----------
    sources : Sources
    config : FunctionConfig, optional
    threads : int, optional
        Results do not depend on it.
    **settings
        Fields of :class:`FunctionConfig`, instead of `config`.

    Examples
    --------
    >>> import cofire as cf
    >>> from cofire.studies.assemblies_function import AssembliesFunction, Sources
    >>> made = cf.datasets.make_visual_session(4, 2, n_repeats=4, n_clips=3, n_trials=2, rng=1)
    >>> study = AssembliesFunction(
    ...     Sources(recording=made, assemblies=made.recording.assemblies), n_clips=3
    ... )
    >>> study.missing("triggers") is None
    True
    >>> bool((study.repeats().scores["assemblies"].score > 0.2).all())
    True
    """

    def __init__(
        self,
        sources: Sources,
        config: FunctionConfig | None = None,
        *,
        threads: int | None = None,
        **settings: Any,
    ) -> None:
        if config is not None and settings:
            raise InvalidArgumentError(
                f"pass config or single settings, not both (got {', '.join(settings)} too)"
            )
        self.config = config or FunctionConfig.from_mapping(settings, "AssembliesFunction")
        self.sources = sources
        self.threads = threads
        self._done: dict[str, Any] = {}
        self._material: Material | None = None
        self._traces: tuple[FloatArray, FloatArray] | None = None
        self._listener: Callable[[str, Any], None] | None = None
        self._progress: Progress | None = None
        self._folder: Path | None = None

    # --- what goes in -----------------------------------------------------------------------------

    @property
    def material(self) -> Material:
        """Recording, raster, stimuli, and what was taken and dropped."""
        if self._material is None:
            self._material = read_material(self.sources, self.config)
        return self._material

    @property
    def step_names(self) -> tuple[str, ...]:
        """All steps in the order of a run, possible or not."""
        return STEPS

    @property
    def assemblies(self) -> tuple[IntArray, ...]:
        """Units of each assembly, in the order of the study."""
        return self.detection().assemblies

    @property
    def random(self) -> tuple[IntArray, ...]:
        """A random ensemble for each assembly."""
        return steps.matched_ensembles(
            self.detection(),
            self.material.n_units,
            seed=self.config.random_seed,
            recipe=self.config.random_recipe,
        )

    @property
    def coactivity(self) -> tuple[FloatArray, FloatArray]:
        """Co-activity of assemblies and of random ensembles, each (n_frames, K)."""
        if self._traces is None:
            raster = self.material.raster
            self._traces = (
                asm.coactivity(raster, self.assemblies),
                asm.coactivity(raster, self.random),
            )
        return self._traces

    # --- what assemblies are ----------------------------------------------------------------------

    def detection(self) -> steps.Detection:
        """Assemblies: those given, or those that the first detector finds."""

        def compute() -> steps.Detection:
            material, chosen = self.material, self.config
            if material.given is not None:
                return steps.ordered(material.given, chosen.order)
            models = {}
            for name in chosen.detectors:
                options: dict[str, Any] = {"threads": self.threads}
                if name == "sgc":
                    options["progress"] = self._progress
                    if self._folder is not None:
                        options["checkpoint"] = self._folder / "chains"
                models[name] = chosen.detector(name, **options)
            dff: Any = material.dff
            if material.rate is not None:
                dff = Traces(dff, rate=material.rate)
            return steps.detect(dff, models, order=chosen.order)

        found: steps.Detection = self._step("detection", compute)
        return found

    def structure(self) -> asm.CorrelationStructure:
        """Correlations of all units, their spectrum, an order."""

        def compute() -> asm.CorrelationStructure:
            moving = int((np.ptp(self.material.dff, axis=0) > 0).sum())
            return asm.correlation_structure(
                self.material.dff,
                order=self.config.cell_order,
                n_neighbors=min(self.config.n_neighbors, max(moving - 1, 1)),
                threads=self.threads,
            )

        found: asm.CorrelationStructure = self._step("structure", compute)
        return found

    def distances(self) -> FloatArray:
        """Coordinates of the units in the Isomap embedding of their correlations."""
        found: FloatArray = self._step(
            "distances",
            lambda: steps.isomap_coordinates(
                self.structure(),
                n_dimensions=self.config.n_dimensions,
                n_neighbors=self.config.n_neighbors,
            ),
        )
        return found

    def overlap(self) -> dict[str, asm.Intersections]:
        """Combinations of assemblies that units are in; of random ensembles."""
        n_units = self.material.n_units
        found: dict[str, asm.Intersections] = self._step(
            "overlap",
            lambda: {
                "assemblies": asm.intersections(self.assemblies, n_units),
                "random": asm.intersections(self.random, n_units),
            },
        )
        return found

    def spatial(self) -> dict[str, asm.SpatialTests]:
        """Positions of each assembly against all units; of random ensembles."""

        def compute() -> dict[str, asm.SpatialTests]:
            return {
                name: asm.spatial_tests(
                    self.material.positions,
                    sets,
                    n_bootstrap=self.config.spatial_bootstrap,
                    rng=self.config.seed,
                    threads=self.threads,
                )
                for name, sets in (("assemblies", self.assemblies), ("random", self.random))
            }

        found: dict[str, asm.SpatialTests] = self._step("spatial", compute)
        return found

    def pairs(self) -> asm.PairCorrelations:
        """Pairwise correlations of assemblies, random ensembles and units."""
        found: asm.PairCorrelations = self._step(
            "pairs",
            lambda: asm.pairwise_correlations(
                self.material.raster,
                self.assemblies,
                self.random,
                pairs=self.config.pairs,
                method=self.config.ranks,
                threads=self.threads,
            ),
        )
        return found

    def sparsity(self) -> steps.Sparsity:
        """Gini coefficients of co-activity."""
        found: steps.Sparsity = self._step(
            "sparsity", lambda: steps.sparsity(*self.coactivity, method=self.config.ranks)
        )
        return found

    # --- what they say about the stimulus ---------------------------------------------------------

    def repeats(self) -> steps.Reliability:
        """Oracle scores of the repeats of the movie."""
        found: steps.Reliability = self._step(
            "repeats",
            lambda: steps.reliability(
                self.material.raster,
                self.assemblies,
                self.random,
                self._movie_trials(),
                method=self.config.ranks,
            ),
        )
        return found

    def gratings(self) -> responses.GratingResponses:
        """Tuning to drifting gratings."""

        def compute() -> responses.GratingResponses:
            gratings = self.material.gratings
            assert gratings is not None
            return responses.grating_responses(
                *self.coactivity, gratings, self._grating_trials(), method=self.config.ranks
            )

        found: responses.GratingResponses = self._step("gratings", compute)
        return found

    def decoding(self) -> dict[str, responses.ClipDecoding]:
        """Clips decoded from co-activity, by how frames are split."""

        def compute() -> dict[str, responses.ClipDecoding]:
            labels = self._clips()
            return {
                split: responses.decode_clips(
                    *self.coactivity,
                    labels,
                    split=split,
                    grid=self.config.grid,
                    seed=self.config.decoder_seed,
                    threads=self.threads,
                    progress=self._progress,
                )
                for split in self._possible_splits()
            }

        found: dict[str, responses.ClipDecoding] = self._step("decoding", compute)
        return found

    def triggers(self) -> responses.TriggerPair:
        """Movie frames at the peaks of co-activity."""

        def compute() -> responses.TriggerPair:
            material = self.material
            assert material.movie is not None
            return responses.movie_triggers(
                *self.coactivity,
                material.movie_stack,
                material.movie,
                material.times,
                height=self.config.trigger_height,
            )

        found: responses.TriggerPair = self._step("triggers", compute)
        return found

    # --- order ------------------------------------------------------------------------------------

    def run_step(self, name: str) -> Any:
        """Do a step by its name in :attr:`step_names`."""
        return getattr(self, name)()

    def missing(self, step: str) -> str | None:
        """Why a step cannot be done with these data and settings; None if it can.

        Steps that need assemblies look for them first.
        """
        material = self.material
        reason = self._lacks_data(step)
        if reason is not None or step in WITHOUT_ASSEMBLIES:
            return reason
        known = "detection" in self._done or material.given is not None
        return "there are no assemblies" if known and not self.assemblies else None

    def _lacks_data(self, step: str) -> str | None:
        material = self.material
        if step in ("structure", "distances"):
            few = len(material.dff) < 2 or material.n_units < 3
            return "fewer than three units or two frames" if few else None
        if step == "spatial":
            return None if material.positions is not None else "the units have no positions"
        if step not in _NEED_TIMES:
            return None
        if step in _NEED_MOVIE and material.movie is None:
            return "the stimuli hold no movie (a table with frame numbers)"
        if step == "gratings" and material.gratings is None:
            return "the stimuli hold no gratings (a table with orientations)"
        if material.times is None or len(material.times) < 2:
            return "the recording has no clock (rate or frame_times)"
        if step == "repeats":
            n = len(self._movie_trials().starts)
            return None if n > 1 else f"{n} whole repeats of the movie are imaged; two are needed"
        if step == "gratings":
            n = len(self._grating_trials().starts)
            return None if n else "no grating is imaged twice as a whole"
        if step == "triggers":
            return None if material.movie_stack is not None else "no movie is given (movie)"
        if not self.config.splits:
            return "turned off (splits is empty)"
        n = len(np.unique(self._clips()[self._clips() >= 0]))
        if n < 2:
            return f"{n} clips of the movie are imaged; two are needed"
        return None if self._possible_splits() else "every clip is shown once (splits: blocked)"

    def trials_dropped(self) -> list[str]:
        """Trials left out, in words."""
        lines = []
        parts: list[tuple[str, steps.Trials]] = []
        if self._lacks_data("repeats") is None:
            parts.append(("repeats of the movie", self._movie_trials()))
        if self._lacks_data("gratings") is None:
            parts.append(("gratings", self._grating_trials()))
        for name, trials in parts:
            for n, why in (
                (trials.n_outside, "not imaged to their end"),
                (trials.n_gaps, "across frames with NaN"),
                (trials.n_single, "shown once only"),
            ):
                if n:
                    lines.append(f"{name} {why}: {n:,}")
        return lines

    def _movie_trials(self) -> steps.Trials:
        material = self.material
        assert material.movie is not None
        return steps.movie_trials(
            material.movie, material.times, n_frames=self.config.oracle_frames, gaps=material.gaps
        )

    def _grating_trials(self) -> steps.Trials:
        material = self.material
        assert material.gratings is not None
        assert material.rate is not None
        n_frames = max(2, round(self.config.grating_seconds * material.rate))
        return steps.grating_trials(material.gratings, material.times, n_frames, gaps=material.gaps)

    def _clips(self) -> IntArray:
        material = self.material
        assert material.movie is not None
        return responses.movie_clips(
            material.movie,
            material.times,
            n_clips=self.config.n_clips,
            gaps=self.config.clip_gaps,
        )

    def _possible_splits(self) -> tuple[str, ...]:
        """Splits of frames that the recording allows: whole presentations need two of each clip."""
        from cofire.assemblies.function import presentations

        labels = self._clips()
        runs = presentations(labels)
        fewest = min(
            (len(np.unique(runs[labels == c])) for c in np.unique(labels[labels >= 0])), default=0
        )
        return tuple(s for s in self.config.splits if s != "blocked" or fewest > 1)

    def _step(self, name: str, compute: Callable[[], Any]) -> Any:
        if name not in self._done:
            reason = self.missing(name)
            if reason is None and name not in WITHOUT_ASSEMBLIES and not self.assemblies:
                reason = "there are no assemblies"
            if reason is not None:
                raise MissingDataError(f"{name.replace('_', ' ')}: {reason}")
            self._done[name] = compute()
            if self._listener is not None:
                self._listener(name, self._done[name])
        return self._done[name]
