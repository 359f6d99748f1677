"""The study as one resumable job: what ``cofire react`` calls."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cofire._threads import resolve_threads
from cofire.errors import CofireError
from cofire.studies._folder import (
    LogFile,
    Provenance,
    check_folder,
    check_formats,
    describe_files,
    is_finished,
    make_folder,
)
from cofire.studies._progress import Progress
from cofire.studies._store import read_steps, write_step
from cofire.studies.reactivation.config import ReactivationConfig
from cofire.studies.reactivation.output import write_output
from cofire.studies.reactivation.workflow import Reactivation
from cofire.types import Session

_log = logging.getLogger("cofire.studies.reactivation")

STEPS: Mapping[str, str] = MappingProxyType(
    {
        "pairwise": "pairwise",
        "unit_responses": "unit_responses",
        "explained_variance": "explained_variance",
        "explained_variance_over_time": "explained_variance_over_time",
        "detection": "detect",
        "response": "response",
        "effect": "effect",
        "strongest": "strongest",
        "joint": "joint",
        "cross_detection": "detect_cross",
        "cross_response": "cross_response",
        "sweep": "sweep",
    }
)
"""Steps in the order of a run, and the method of :class:`Reactivation` that does each."""

_LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib", "scikit-learn", "h5py")


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run left behind.

    Attributes
    ----------
    out : Path
        Folder with report.html, tables, figures, results, provenance.json, log.txt.
    study : Reactivation
        The study with its results.
    failures : tuple of (step, message)
        Steps that failed; the others are complete.
    resumed : tuple of str
        Steps that were taken over from an earlier run.
    seconds : float
        Time taken.
    """

    out: Path
    study: Reactivation
    failures: tuple[tuple[str, str], ...]
    resumed: tuple[str, ...]
    seconds: float

    def __repr__(self) -> str:
        return (
            f"RunResult({self.study.n_assemblies} assemblies, {len(self.failures)} failures, "
            f"{self.seconds:.1f} s, {self.out})"
        )


def run(
    recording: Any,
    out: str | Path,
    config: ReactivationConfig | None = None,
    *,
    formats: Sequence[str] = ("png", "svg"),
    overwrite: bool = False,
    threads: int | None = None,
    command: str | None = None,
    progress: Progress | None = None,
    on_selection: Callable[[Any], None] | None = None,
) -> RunResult:
    """Run the whole study and write its output folder; repeat the call to resume it.

    Parameters
    ----------
    recording : path, Session or spikes
    out : path
        New or empty, or the folder of an earlier run with the same parameters and input: then what
        it did is kept.
    config : ReactivationConfig, optional
    formats : sequence of str
        Of the figures.
    overwrite : bool
        Move an existing folder aside (``out.old-<time>``) and start afresh.
    threads : int, optional
        Results do not depend on it.
    command : str, optional
        Stored in provenance.json.
    progress : callable (step, number, of), optional
        Called before each step.
    on_selection : callable (Selection), optional
        Called once the selection is known.

    Returns
    -------
    RunResult

    Raises
    ------
    InvalidArgumentError
        `out` holds something else, or a run with other parameters (they are listed).
    CofireError
        The recording or the selection cannot be used. Failures of single later steps are recorded
        instead.
    """
    chosen = config or ReactivationConfig()
    folder = Path(out)
    check_formats(formats)
    n_threads = resolve_threads(threads)
    started = time.perf_counter()
    source = describe_input(recording)
    before = check_folder(folder, chosen, source, overwrite)
    study = Reactivation(recording, chosen, threads=n_threads)
    selection = study.selection
    # Nothing is written or moved before recording and selection have proved usable.
    make_folder(folder, overwrite)
    if on_selection is not None:
        on_selection(selection)
    with LogFile(folder / "log.txt"):
        provenance = Provenance(
            "reactivation", folder, chosen, source, command, n_threads, tuple(formats), _LIBRARIES
        )
        for line in (*selection.taken, *(f"Dropped: {d}." for d in selection.dropped)):
            _log.info(line)
        stored = {k: v for k, v in read_steps(folder).items() if k in STEPS}
        study._done.update(stored)
        study._listener = lambda name, value: _store(folder, name, value)
        finished = is_finished(folder, before, formats)
        if not finished:
            provenance.write(None)
        failures = _do_steps(study, progress)
        if finished and not failures and set(study._done) - {"activation"} == set(stored):
            _log.info("nothing left to do")
            return RunResult(folder, study, (), tuple(stored), time.perf_counter() - started)
        _log.info("writing figures, tables and report")
        if progress is not None:
            progress("report", len(STEPS), len(STEPS) + 1)
        write_output(study, folder, formats=tuple(formats), failures=failures)
        seconds = time.perf_counter() - started
        provenance.write(seconds)
        _log.info("done in %.1f s, %d failures", seconds, len(failures))
    return RunResult(folder, study, tuple(failures), tuple(stored), seconds)


def _do_steps(study: Reactivation, progress: Progress | None) -> list[tuple[str, str]]:
    failures: list[tuple[str, str]] = []
    for number, (name, method) in enumerate(STEPS.items()):
        if progress is not None:
            progress(name, number, len(STEPS) + 1)
        try:
            reason = study.missing(name)
            if reason is not None:
                _log.info("%s: left out, %s", name, reason)
                continue
            begun = time.perf_counter()
            getattr(study, method)()
            _log.info("%s: %.2f s", name, time.perf_counter() - begun)
        except KeyboardInterrupt:
            _log.warning("interrupted in %s; what is done is kept", name)
            raise
        except CofireError as error:
            # Without assemblies nothing later makes sense; other parts stand for themselves.
            if name == "detection":
                raise
            _log.error("%s failed: %s", name, error)
            failures.append((name, str(error)))
    return failures


def _store(folder: Path, name: str, value: Any) -> None:
    if name in STEPS:
        write_step(folder, name, value)


def describe_input(recording: Any) -> dict[str, Any]:
    """Path, size and SHA-256 of a recording (of every file, for a folder)."""
    if isinstance(recording, Session) and recording.path is not None:
        recording = recording.path
    if not isinstance(recording, (str, Path)):
        return {"path": None, "kind": type(recording).__name__}
    return describe_files(
        Path(recording), "recording", "give an NWB file, or a CellExplorer or phy folder"
    )
