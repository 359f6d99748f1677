"""One detector at a time, so that each is kept when the next is interrupted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cofire.assemblies import DetectorComparison, compare_detectors
from cofire.assemblies.detectors.compare import DETECTORS
from cofire.assemblies.sgc import SGC
from cofire.studies.calcium_assemblies.config import CalciumConfig
from cofire.studies.calcium_assemblies.source import CalciumMaterial


@dataclasses.dataclass(frozen=True, slots=True)
class DetectorRun:
    """What one detector found.

    Attributes
    ----------
    comparison : DetectorComparison
        Of this detector alone.
    model : SGC or None
        The fitted detector, where its inner state is worth a figure.
    """

    comparison: DetectorComparison
    model: Any

    @property
    def failed(self) -> bool:
        """Whether the detector could not be run."""
        return self.comparison.assemblies[0] is None

    def __repr__(self) -> str:
        return f"DetectorRun({self.comparison!r})"


def run_detector(
    name: str,
    material: CalciumMaterial,
    config: CalciumConfig,
    *,
    threads: int | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DetectorRun:
    """Run one detector on a recording.

    Parameters
    ----------
    name : str
        Out of the names of :func:`cofire.assemblies.compare_detectors`.
    material : CalciumMaterial
    config : CalciumConfig
    threads : int, optional
    checkpoint : Path, optional
        Without suffix. Where SGC keeps its chains, so that it goes on after an interruption.
    progress : callable (done, of), optional
        Sweeps of SGC.

    Returns
    -------
    DetectorRun
    """
    model: Any
    if name == "sgc":
        model = SGC(
            n_std=config.n_std, shuffles=config.shuffles, p=config.p, rounds=config.rounds,
            steps=config.steps, affinity=config.affinity, K0=config.K0, rng=config.seed,
            threads=threads, progress=progress, checkpoint=checkpoint,
        )  # fmt: skip
    else:
        model = DETECTORS[name](rng=config.seed, threads=threads)
    found = compare_detectors(material.data, detectors={name: model}, truth=material.truth)
    # How a run was watched and where it kept its state is no parameter of the result.
    plain = {"threads": None, "progress": None, "checkpoint": None}
    model.set_params(**{k: v for k, v in plain.items() if k in model.get_params()})
    found = dataclasses.replace(found, parameters=(repr(model),))
    keep = name == "sgc" and found.assemblies[0] is not None
    if keep and checkpoint is not None:
        for suffix in (".npz", ".json"):
            checkpoint.with_suffix(suffix).unlink(missing_ok=True)
    return DetectorRun(found, model if keep else None)


def join_runs(runs: Sequence[DetectorRun]) -> DetectorComparison:
    """One comparison of several runs on the same recording, in their order."""
    parts = [run.comparison for run in runs]
    first = parts[0]
    return DetectorComparison(
        detectors=tuple(name for part in parts for name in part.detectors),
        assemblies=tuple(found for part in parts for found in part.assemblies),
        reasons=tuple(reason for part in parts for reason in part.reasons),
        seconds=np.concatenate([part.seconds for part in parts]),
        n_units=first.n_units,
        n_frames=first.n_frames,
        n_dropped=first.n_dropped,
        truth=first.truth,
        parameters=tuple(text for part in parts for text in part.parameters),
    )
