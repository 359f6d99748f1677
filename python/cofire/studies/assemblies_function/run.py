"""The study as one resumable job."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cofire._threads import resolve_threads
from cofire.errors import CofireError
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
from cofire.studies.assemblies_function.config import FunctionConfig
from cofire.studies.assemblies_function.output import write_output
from cofire.studies.assemblies_function.sources import Material, Sources
from cofire.studies.assemblies_function.workflow import WITHOUT_ASSEMBLIES, AssembliesFunction

_log = logging.getLogger("cofire.studies.assemblies_function")
_LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib", "scikit-learn")


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run left behind.

    Attributes
    ----------
    out : Path
        Folder with report.html, tables, figures, results, provenance.json, log.txt.
    study : AssembliesFunction
        The study with its results.
    failures : tuple of (step, message)
        Steps that failed; the others are complete.
    resumed : tuple of str
        Steps that were taken over from an earlier run.
    seconds : float
        Time taken.
    """

    out: Path
    study: AssembliesFunction
    failures: tuple[tuple[str, str], ...]
    resumed: tuple[str, ...]
    seconds: float

    def __repr__(self) -> str:
        return (
            f"RunResult({len(self.study._done)} steps, {len(self.failures)} failures, "
            f"{self.seconds:.1f} s, {self.out})"
        )


def run(
    sources: Sources,
    out: str | Path,
    config: FunctionConfig | None = None,
    *,
    formats: Sequence[str] = ("png", "svg"),
    overwrite: bool = False,
    threads: int | None = None,
    command: str | None = None,
    progress: Progress | None = None,
    on_selection: Callable[[Material], None] | None = None,
) -> RunResult:
    """Run the whole study and write its output folder; repeat the call to resume it.

    Parameters
    ----------
    sources : Sources
    out : path
        New or empty, or the folder of an earlier run with the same parameters and input: then what
        it did is kept.
    config : FunctionConfig, optional
    formats : sequence of str
        Of the figures.
    overwrite : bool
        Move an existing folder aside (``out.old-<time>``) and start afresh.
    threads : int, optional
        Results do not depend on it.
    command : str, optional
        Stored in provenance.json.
    progress : callable (step, number, of), optional
        Called before each step, and within long ones.
    on_selection : callable (Material), optional
        Called once it is known what is analyzed.

    Returns
    -------
    RunResult

    Raises
    ------
    InvalidArgumentError
        `out` holds something else, or a run with other parameters (they are listed).
    CofireError
        The files cannot be used. Failures of single later steps are recorded instead.
    """
    chosen = config or FunctionConfig()
    folder = Path(out)
    check_formats(formats)
    n_threads = resolve_threads(threads)
    started = time.perf_counter()
    source = sources.describe()
    before = check_folder(folder, chosen, source, overwrite)
    study = AssembliesFunction(sources, chosen, threads=n_threads)
    material = study.material
    reasons = {name: study.missing(name) for name in study.step_names}
    names = [name for name, reason in reasons.items() if reason is None]
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
        for name, reason in reasons.items():
            if reason is not None:
                _log.info("%s: left out, %s", name, reason)
        stored = {k: v for k, v in read_steps(folder).items() if k in names}
        study._done.update(stored)
        study._listener = lambda name, value: _store(folder, name, value)
        if "detection" not in stored:
            study._folder = folder / "steps"
            study._folder.mkdir(exist_ok=True)
        finished = is_finished(folder, before, formats)
        if not finished:
            provenance.write(None)
        failures = _do_steps(study, names, progress)
        if finished and not failures and set(study._done) == set(stored):
            _log.info("nothing left to do")
            return RunResult(folder, study, (), tuple(stored), time.perf_counter() - started)
        _log.info("writing figures, tables and report")
        if progress is not None:
            progress("report", len(names), len(names) + 1)
        write_output(study, folder, formats=tuple(formats), failures=failures)
        seconds = time.perf_counter() - started
        provenance.write(seconds)
        _log.info("done in %.1f s, %d failures", seconds, len(failures))
    return RunResult(folder, study, tuple(failures), tuple(stored), seconds)


def _do_steps(
    study: AssembliesFunction, names: Sequence[str], progress: Progress | None
) -> list[tuple[str, str]]:
    failures: list[tuple[str, str]] = []
    for number, name in enumerate(names):
        # Only the detection shows whether there is anything to analyze.
        reason = study.missing(name)
        if "detection" not in study._done and name not in WITHOUT_ASSEMBLIES:
            reason = "the detection failed"
        if reason is not None:
            _log.info("%s: left out, %s", name, reason)
            continue
        if progress is not None:
            progress(name, number, len(names) + 1)
            study._progress = within(name, number, len(names) + 1, progress)
        try:
            begun = time.perf_counter()
            study.run_step(name)
            _log.info("%s: %.2f s", name, time.perf_counter() - begun)
        except KeyboardInterrupt:
            _log.warning("interrupted in %s; what is done is kept", name)
            raise
        except CofireError as error:
            _log.error("%s failed: %s", name, error)
            failures.append((name, str(error)))
    study._progress = None
    return failures


def _store(folder: Path, name: str, value: Any) -> None:
    write_step(folder, name, value)
    if name == "detection":  # the chains that an interrupted search would go on from
        for file in (folder / "steps").glob("chains.*"):
            file.unlink()
