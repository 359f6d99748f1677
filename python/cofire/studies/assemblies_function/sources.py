"""What goes into the study: recording, assemblies, stimuli; read, checked and accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cofire._validate import AnyArray, BoolArray, FloatArray, IntArray
from cofire.assemblies.detectors import DetectorComparison
from cofire.assemblies.function._inputs import unit_sets
from cofire.assemblies.sgc.raster import activity_raster, frames_of
from cofire.errors import InvalidArgumentError
from cofire.io.assemblies_mat import MatAssemblies, read_assemblies_mat
from cofire.studies._folder import describe_sources
from cofire.studies._ragged import read_ragged
from cofire.studies.assemblies_function.config import FunctionConfig
from cofire.studies.assemblies_function.recordings import Recording, read_recording
from cofire.studies.assemblies_function.stimuli import GratingRows, MovieRows, Stimuli, read_stimuli
from cofire.studies.calcium_assemblies.source import describe_calcium


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Files (or objects in memory) that the study reads.

    Attributes
    ----------
    recording : path or object
        dF/F (n_frames, n_units); see :func:`read_recording`.
    assemblies : path or object, optional
        Units of each assembly: a sequence of index arrays, a mask (K, n_units), a fitted detector,
        a ragged npz (``indices``, ``offsets``), a detector that ``cofire.save`` wrote, the folder
        of ``cofire assemblies`` or a DetectorComparison (the first of the `detectors` counts), or a
        file of the MATLAB toolbox. Default: what the first of the `detectors` finds.
    stimuli : path, table, folder or mapping, optional
        When what was shown; see :func:`read_stimuli`. Default the stimulus table of the recording.
    movie : path or array (n_movie_frames, height, width), optional
        The movie as ``.npy`` or TIFF stack, for trigger frames.
    frame_times : path or array_like (n_frames,), s, optional
        Start of each imaging frame, on the clock of the stimuli.
    positions : path, table or array_like (n_units, d), optional
        Default those of the recording.
    """

    recording: Any
    assemblies: Any = None
    stimuli: Any = None
    movie: Any = None
    frame_times: Any = None
    positions: Any = None

    def __post_init__(self) -> None:
        if self.recording is None:
            raise InvalidArgumentError("recording: dF/F is needed (frames, units)")

    def describe(self) -> dict[str, Any]:
        """Path, size and checksum of every file; kind and checksum of what is in memory."""
        return describe_sources(self, several=("stimuli",), folders={"recording": describe_calcium})


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What the study works on, after every choice.

    Attributes
    ----------
    dff : ndarray (n_frames, n_units)
        Frames without NaN.
    raster : ndarray (n_frames, n_units) bool
        Active units.
    times : ndarray (n_frames,) float64, s, or None
        Of these frames.
    rate : float, Hz, or None
    gaps : ndarray (n_gaps,) int64
        Frames after which some were dropped.
    positions : ndarray (n_units, d), or None
    given : tuple of ndarray of int64, or None
        Assemblies that are given, in their order.
    movie : MovieRows, or None
    gratings : GratingRows, or None
    movie_stack : path or ndarray, or None
        The frames of the movie.
    name : str
    taken, dropped : tuple of str
        What was used; what was left out and why.
    """

    dff: AnyArray
    raster: BoolArray
    times: FloatArray | None
    rate: float | None
    gaps: IntArray
    positions: FloatArray | None
    given: tuple[IntArray, ...] | None
    movie: MovieRows | None
    gratings: GratingRows | None
    movie_stack: Any
    name: str
    taken: tuple[str, ...]
    dropped: tuple[str, ...]

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.raster.shape[1])


def read_material(sources: Sources, config: FunctionConfig) -> Material:
    """Read and check what goes in; nothing is left out without being counted.

    Parameters
    ----------
    sources : Sources
    config : FunctionConfig

    Returns
    -------
    Material

    Raises
    ------
    CofireError
        Files that cannot be used, units that do not exist, mismatched numbers.
    """
    recording = read_recording(
        sources.recording, config, frame_times=sources.frame_times, positions=sources.positions
    )
    values, frames = frames_of(recording.values)
    n_given, n_units = recording.values.shape
    taken = [*recording.taken, _recording_line(recording, values)]
    dropped = list(recording.dropped)
    if len(frames) < n_given:
        dropped.append(f"{n_given - len(frames):,} of {n_given:,} frames with NaN")
    raster = activity_raster(values, config.n_std)
    taken.append(
        f"Active: dF/F above mean + {config.n_std:g} SD of the unit, "
        f"{100 * raster.mean() if raster.size else 0:.2f} % of all"
    )
    silent = int((~raster.any(axis=0)).sum())
    if silent:
        taken.append(f"{silent:,} units are never active")
    positions = _usable(recording.positions, dropped)
    given = _given(sources.assemblies, n_units, config, taken, dropped)
    stimuli = _stimuli(sources, recording, config)
    taken += stimuli.taken
    dropped += stimuli.dropped
    return Material(
        dff=values,
        raster=raster,
        times=None if recording.times is None else recording.times[frames],
        rate=recording.rate,
        gaps=np.flatnonzero(np.diff(frames) > 1).astype(np.int64),
        positions=positions,
        given=given,
        movie=stimuli.movie,
        gratings=stimuli.gratings,
        movie_stack=recording.movie if sources.movie is None else sources.movie,
        name=recording.name,
        taken=tuple(taken),
        dropped=tuple(dropped),
    )


def _recording_line(recording: Recording, values: AnyArray) -> str:
    n_frames, n_units = values.shape
    text = f"Recording: {n_units:,} units, {n_frames:,} frames"
    if recording.rate is None:
        return text + ", no frame rate"
    return f"{text} at {recording.rate:.4g} Hz ({n_frames / recording.rate / 60:.1f} min)"


def _usable(positions: FloatArray | None, dropped: list[str]) -> FloatArray | None:
    if positions is None or np.isfinite(positions).all():
        return positions
    n = int((~np.isfinite(positions).all(axis=1)).sum())
    dropped.append(f"all positions: {n:,} units have none")
    return None


def _given(
    source: Any, n_units: int, config: FunctionConfig, taken: list[str], dropped: list[str]
) -> tuple[IntArray, ...] | None:
    if source is None:
        return None
    where = Path(source).name if isinstance(source, (str, Path)) else "given"
    if isinstance(source, (str, Path)):
        source = _read_assemblies(Path(source))
    if isinstance(source, DetectorComparison):
        source, name = _of_comparison(source, config)
        where += f", {name}"
    elif isinstance(source, MatAssemblies):
        source = source.assemblies
    source = getattr(source, "assemblies_", source)
    sets = unit_sets(source, n_units)
    kept = tuple(units for units in sets if len(units))
    if len(kept) < len(sets):
        dropped.append(f"assemblies without units: {len(sets) - len(kept)}")
    inside = len(np.unique(np.concatenate(kept))) if kept else 0
    taken.append(f"Assemblies: {len(kept)} ({where}), {inside:,} units in at least one")
    return kept


def _read_assemblies(path: Path) -> Any:
    if path.is_dir() and (path / "results.npz").exists():
        from cofire.types import load

        found = load(path / "results")
        if isinstance(found, dict) and isinstance(found.get("comparison"), DetectorComparison):
            return found["comparison"]
        raise InvalidArgumentError(f"assemblies {path} holds no results of cofire assemblies")
    if path.is_dir() or path.suffix.lower() == ".mat":
        return read_assemblies_mat(path)
    ragged = read_ragged(path)
    if ragged is None:
        raise InvalidArgumentError(
            f"assemblies {path}: give a npz (indices and offsets, or what cofire.save wrote of a "
            "detector), the folder of cofire assemblies, or a file of the MATLAB toolbox"
        )
    return ragged[0]


def _of_comparison(
    comparison: DetectorComparison, config: FunctionConfig
) -> tuple[tuple[IntArray, ...], str]:
    """What the first detector of the settings found that is in a comparison."""
    for name in config.detectors:
        if name in comparison.detectors:
            k = comparison.detectors.index(name)
            found = comparison.assemblies[k]
            if found is None:
                raise InvalidArgumentError(
                    f"assemblies: {name} was not run: {comparison.reasons[k]}"
                )
            return found, name
    raise InvalidArgumentError(
        f"assemblies: the comparison has no {', '.join(config.detectors)}, but "
        f"{', '.join(comparison.detectors)}; choose with detectors"
    )


def _stimuli(sources: Sources, recording: Recording, config: FunctionConfig) -> Stimuli:
    source = sources.stimuli if sources.stimuli is not None else recording.presentations
    if source is None:
        return Stimuli(None, None, (), ())
    return read_stimuli(source, config)
