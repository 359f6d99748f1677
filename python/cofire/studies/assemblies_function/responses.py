"""Steps of the study about single stimuli: gratings, clips, frames of the movie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire import assemblies as asm
from cofire._validate import IntArray
from cofire.studies.assemblies_function.steps import Trials
from cofire.studies.assemblies_function.stimuli import GratingRows, MovieRows

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class GratingResponses:
    """Responses of assemblies and of random ensembles to drifting gratings.

    Attributes
    ----------
    assemblies, random : Tuning
    comparison : SampleComparison
        Rank sum of the oracle r of all trials, assemblies against random ensembles.
    trials : Trials
    """

    assemblies: asm.Tuning
    random: asm.Tuning
    comparison: asm.SampleComparison
    trials: Trials

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each trial of each assembly; mean over the trial, oracle r."""
        table = self.assemblies.to_frame()
        table["assembly"] = [f"A{k + 1}" for k in table["assembly"]]
        return table

    def summary(self) -> pd.DataFrame:
        """Table with a row for each assembly and field, and the same of its random ensemble.

        ``oracle`` is missing where a trial has no r (no activity in it); ``mean_r`` is the mean
        over the others, ``n_undefined`` how many trials those are.
        """
        table, other = self.assemblies.summary(), self.random.summary()
        for summary, tuning in ((table, self.assemblies), (other, self.random)):
            rows = [tuning.oracle.r[tuning.field == field] for field in tuning.fields]
            known = [np.isfinite(r) for r in rows]
            n = np.concatenate([k.sum(axis=0) for k in known])
            total = np.concatenate([np.nansum(r, axis=0) for r in rows])
            summary["mean_r"] = np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
            summary["n_undefined"] = np.concatenate([(~k).sum(axis=0) for k in known])
        table["assembly"] = [f"A{k + 1}" for k in table["assembly"]]
        for name in ("orientation_selectivity", "direction_selectivity", "oracle", "mean_r"):
            table[f"{name}_random"] = other[name]
        return table


def grating_responses(
    traces: Any, random: Any, gratings: GratingRows, trials: Trials, *, method: str = "normal"
) -> GratingResponses:
    """Tuning of co-activity traces, assemblies against random ensembles.

    Parameters
    ----------
    traces, random : array_like (n_frames, K)
    gratings : GratingRows
    trials : Trials
        Of these gratings (:func:`grating_trials`).
    method : {"normal", "uncorrected", "auto"}

    Returns
    -------
    GratingResponses
    """
    first, second = (
        asm.tuning(
            values,
            trials.starts,
            gratings.orientations[trials.kept],
            n_frames=trials.n_frames,
            fields=gratings.fields[trials.kept],
        )
        for values in (traces, random)
    )
    samples = {"assemblies": first.oracle.r, "random": second.oracle.r}
    return GratingResponses(first, second, asm.compare_samples(samples, method=method), trials)


@dataclass(frozen=True, slots=True, eq=False)
class ClipDecoding:
    """Clips decoded from assemblies and from random ensembles.

    Attributes
    ----------
    assemblies, random : ClipDecoder
        Fitted.
    comparison : ConfusionComparison or None
        None if a clip has no test frames.
    split : str
    """

    assemblies: asm.ClipDecoder
    random: asm.ClipDecoder
    comparison: asm.ConfusionComparison | None
    split: str

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each decoder."""
        import pandas as pd

        rows = [
            {
                "split": self.split,
                "traces": name,
                "accuracy": decoder.accuracy_,
                "chance": decoder.chance_,
                "n_classes": len(decoder.classes_),
                "n_test": int(decoder.confusion_.sum()),
                "n_train": len(decoder.train_frames_),
            }
            for name, decoder in (("assemblies", self.assemblies), ("random", self.random))
        ]
        return pd.DataFrame(rows)


def movie_clips(movie: MovieRows, times: Any, *, n_clips: int = 12, gaps: str = "drop") -> IntArray:
    """Clip that each imaging frame shows, the movie cut in equal parts; -1 for none."""
    length = -(-movie.length // n_clips)
    return asm.clip_labels(
        times,
        movie.starts,
        movie.ends,
        movie.frames,
        clip_length=length,
        movie_length=movie.length,
        gaps=gaps,
    )


def decode_clips(
    traces: Any,
    random: Any,
    labels: Any,
    *,
    split: str = "random",
    grid: str = "fast",
    seed: int = 747,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ClipDecoding:
    """Decode clips from assemblies and from random ensembles, and compare the confusions.

    Parameters
    ----------
    traces, random : array_like (n_frames, K)
    labels : array_like (n_frames,) of int
    split, grid, seed, threads, progress
        As of :class:`cofire.assemblies.ClipDecoder`.

    Returns
    -------
    ClipDecoding
    """
    decoders = []
    for values in (traces, random):
        decoder = asm.ClipDecoder(grid, split, seed=seed, threads=threads, progress=progress)
        decoders.append(decoder.fit(values, labels))
        decoder.set_params(progress=None, threads=None)
    first, second = decoders
    shown = all((d.confusion_.sum(axis=1) > 0).all() for d in decoders)
    comparison = asm.compare_confusions(first.confusion_, second.confusion_) if shown else None
    return ClipDecoding(first, second, comparison, split)


@dataclass(frozen=True, slots=True, eq=False)
class TriggerPair:
    """Movie frames at the peaks of assemblies and of random ensembles.

    Attributes
    ----------
    assemblies, random : TriggerFrames
    """

    assemblies: asm.TriggerFrames
    random: asm.TriggerFrames

    def to_frame(self) -> pd.DataFrame:
        """Table with a row for each assembly."""
        table = self.assemblies.to_frame().reset_index(drop=True)
        table.insert(0, "assembly", [f"A{k + 1}" for k in range(len(table))])
        difference = self.assemblies.minus(self.random)
        table["n_peaks_random"] = self.random.n_peaks
        table["rms_difference"] = np.sqrt((difference**2).mean(axis=(1, 2)))
        return table


def movie_triggers(
    traces: Any, random: Any, stack: Any, movie: MovieRows, times: Any, *, height: float = 0.3
) -> TriggerPair:
    """Mean movie frame at the peaks of each co-activity trace.

    Parameters
    ----------
    traces, random : array_like (n_frames, K)
    stack : path or array_like (n_movie_frames, height, width)
    movie : MovieRows
    times : array_like (n_frames,), s
    height : float
        Of the peaks, relative to the largest.

    Returns
    -------
    TriggerPair
    """
    shown = asm.shown_frames(times, movie.starts, movie.ends, movie.frames)
    shown = np.where(shown >= 0, shown % movie.length, -1)
    first, second = (
        asm.trigger_frames(values, stack, shown, height=height) for values in (traces, random)
    )
    return TriggerPair(first, second)
