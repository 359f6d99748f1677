"""The comparison as one resumable job: what ``cofire assemblies`` calls."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cofire._threads import resolve_threads
from cofire.assemblies import DetectorComparison
from cofire.studies._folder import (
    LogFile,
    Provenance,
    check_folder,
    check_formats,
    is_finished,
    make_folder,
)
from cofire.studies._progress import Progress, within
from cofire.studies._store import read_steps, write_step
from cofire.studies.calcium_assemblies.config import CalciumConfig
from cofire.studies.calcium_assemblies.detect import DetectorRun, join_runs, run_detector
from cofire.studies.calcium_assemblies.output import write_output
from cofire.studies.calcium_assemblies.source import (
    CalciumMaterial,
    describe_calcium,
    read_calcium,
)

_log = logging.getLogger("cofire.studies.calcium_assemblies")
_LIBRARIES = ("numpy", "scipy", "numba", "pandas", "matplotlib", "scikit-learn")


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run left behind.

    Attributes
    ----------
    out : Path
        Folder with report.html, tables, figures, results, provenance.json, log.txt.
    comparison : DetectorComparison
        What every detector found.
    runs : dict of str to DetectorRun
        By detector.
    material : CalciumMaterial
        The recording.
    failures : tuple of (detector, message)
        Detectors that could not be run; the others are complete.
    resumed : tuple of str
        Detectors that were taken over from an earlier run.
    seconds : float
        Time taken.
    """

    out: Path
    comparison: DetectorComparison
    runs: dict[str, DetectorRun]
    material: CalciumMaterial
    failures: tuple[tuple[str, str], ...]
    resumed: tuple[str, ...]
    seconds: float

    def __repr__(self) -> str:
        return (
            f"RunResult({len(self.runs)} detectors, {len(self.failures)} failures, "
            f"{self.seconds:.1f} s, {self.out})"
        )


def run(
    recording: Any,
    out: str | Path,
    config: CalciumConfig | None = None,
    *,
    formats: Sequence[str] = ("png", "svg"),
    overwrite: bool = False,
    threads: int | None = None,
    command: str | None = None,
    progress: Progress | None = None,
    on_selection: Callable[[CalciumMaterial], None] | None = None,
) -> RunResult:
    """Run detectors of assemblies on a calcium recording and write an output folder.

    Parameters
    ----------
    recording : path, array_like (n_frames, n_units), Traces, Session or CalciumRecording
        See :func:`read_calcium`.
    out : path
        New or empty, or the folder of an earlier run with the same parameters and input: then the
        detectors that it completed are kept, and the chains of SGC go on.
    config : CalciumConfig, optional
    formats : sequence of str
        Of the figures.
    overwrite : bool
        Move an existing folder aside (``out.old-<time>``) and start afresh.
    threads : int, optional
        Results do not depend on it.
    command : str, optional
        Stored in provenance.json.
    progress : callable (step, number, of), optional
        Called before each detector, and within SGC.
    on_selection : callable (CalciumMaterial), optional
        Called once it is known what is analyzed.

    Returns
    -------
    RunResult
        A detector that refuses the recording (fewer frames than units, no frame rate) is a failure;
        one that finds nothing is not.

    Raises
    ------
    InvalidArgumentError
        `out` holds something else, or a run with other parameters (they are listed).
    CofireError
        The recording cannot be used.
    """
    chosen = config or CalciumConfig()
    folder = Path(out)
    check_formats(formats)
    n_threads = resolve_threads(threads)
    started = time.perf_counter()
    material = read_calcium(recording, chosen)
    source = describe_calcium(recording, chosen.trusted)
    before = check_folder(folder, chosen, source, overwrite)
    # Nothing is written or moved before the files have proved usable.
    make_folder(folder, overwrite)
    if on_selection is not None:
        on_selection(material)
    with LogFile(folder / "log.txt"):
        provenance = Provenance(
            chosen.section, folder, chosen, source, command, n_threads, tuple(formats), _LIBRARIES
        )
        for line in (*material.taken, *(f"Dropped: {d}." for d in material.dropped)):
            _log.info(line)
        stored = {k: v for k, v in read_steps(folder).items() if k in chosen.detectors}
        finished = is_finished(folder, before, formats)
        if not finished:
            provenance.write(None)
        runs = _run_all(material, chosen, folder, stored, n_threads, progress)
        comparison = join_runs(list(runs.values()))
        failures = tuple(
            (name, one.comparison.reasons[0]) for name, one in runs.items() if one.failed
        )
        if not finished or set(stored) != set(runs):
            _log.info("writing figures, tables and report")
            if progress is not None:
                progress("report", len(runs), len(runs) + 1)
            write_output(
                comparison, runs, material, chosen, folder,
                formats=tuple(formats), failures=failures,
            )  # fmt: skip
            provenance.write(time.perf_counter() - started)
        seconds = time.perf_counter() - started
        _log.info("done in %.1f s, %d failures", seconds, len(failures))
    return RunResult(folder, comparison, runs, material, failures, tuple(stored), seconds)


def _run_all(
    material: CalciumMaterial,
    config: CalciumConfig,
    folder: Path,
    stored: Mapping[str, DetectorRun],
    threads: int,
    progress: Progress | None,
) -> dict[str, DetectorRun]:
    runs: dict[str, DetectorRun] = {}
    of = len(config.detectors) + 1
    for number, name in enumerate(config.detectors):
        if name in stored:
            runs[name] = stored[name]
            continue
        if progress is not None:
            progress(name, number, of)
        checkpoint = folder / "chains" / name
        checkpoint.parent.mkdir(exist_ok=True)
        try:
            one = run_detector(
                name,
                material,
                config,
                threads=threads,
                checkpoint=checkpoint,
                progress=None if progress is None else within(name, number, of, progress),
            )
        except KeyboardInterrupt:
            _log.warning("interrupted in %s; what is done is kept", name)
            raise
        finally:
            if not any(checkpoint.parent.iterdir()):
                checkpoint.parent.rmdir()
        runs[name] = one
        if one.failed:
            _log.error("%s was not run: %s", name, one.comparison.reasons[0])
            continue
        write_step(folder, name, one)
        _log.info("%s: %s", name, one.comparison)
    return runs
