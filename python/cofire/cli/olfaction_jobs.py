"""What the subcommands of ``cofire olfaction`` do; loaded only when one runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cofire.cli.console import FAILED, console, epoch_progress, one_line_errors
from cofire.errors import InvalidArgumentError

if TYPE_CHECKING:
    from cofire.studies.larval_olfaction import StudyResult

_SETTINGS = (
    "epochs", "teacher_epochs", "apl_boost", "apl_rate", "panel_units", "hill", "half_saturation",
    "triplets", "protocol",
)  # fmt: skip


def run_olfaction(name: str, given: dict[str, Any]) -> None:
    """``cofire olfaction NAME`` with the options of the command line."""
    quiet = given["quiet"]
    with one_line_errors("; the same command goes on"):
        from cofire.datasets import locate
        from cofire.studies import larval_olfaction as study

        config = _config(given)
        extra = _extra(name, given)
        job: Callable[..., StudyResult] = getattr(study, "run_all" if name == "all" else name)
        data = locate("larval_olfaction", given["data"])
        with epoch_progress(quiet) as progress:
            result = job(
                data,
                given["out"],
                config,
                weights=given.get("weights"),
                processes=given["processes"] or _processors(),
                overwrite=given["overwrite"],
                command=" ".join(["cofire", *sys.argv[1:]]),
                progress=progress,
                formats=tuple(f.strip() for f in given["formats"].split(",") if f.strip()),
                **extra,
            )
    _finish(result, quiet)


def _config(given: dict[str, Any]) -> Any:
    from cofire.studies.larval_olfaction import OlfactionConfig

    settings = {name: given[name] for name in _SETTINGS if given.get(name) is not None}
    if given["seeds"] is not None:
        seeds = _numbers(given["seeds"], "--seeds", int)
        settings |= {"seeds": seeds, "retrained_seeds": seeds}
    if given.get("concentrations") is not None:
        settings["concentrations"] = _numbers(given["concentrations"], "--concentrations", float)
    for name in ("panel", "connectome"):
        if given[name] is not None:
            settings[name] = str(given[name])
    if given["registered"] or given["connectome"] is not None:
        settings["registered"] = True
    if given["odors"]:
        names = (name.strip() for part in given["odors"] for name in part.split(";"))
        settings["odors"] = tuple(name for name in names if name)
    if given["config"] is None:
        return OlfactionConfig.from_mapping(settings)
    return OlfactionConfig.from_toml(given["config"], **settings)


def _extra(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Arguments that only one of the jobs takes."""
    if name == "train":
        names = (part.strip() for part in given["conditions"].split(","))
        return {"conditions": [part for part in names if part]}
    if name == "ablate":
        return {"retrain": given["retrain"]}
    return {"scale": _scale(given)} if name == "all" else {}


def _scale(given: dict[str, Any]) -> str:
    fast, heavy, weights = given["fast"], given["heavy"], given["weights"]
    if fast and heavy:
        raise InvalidArgumentError("--fast trains nothing, --heavy everything; choose one")
    if heavy and weights is not None:
        raise InvalidArgumentError("--heavy trains every model itself; leave out --weights")
    if fast and weights is None:
        raise InvalidArgumentError(
            "--fast evaluates trained models; name them by --weights (a file, or the folder of a "
            "run)"
        )
    return "heavy" if heavy else "canonical" if weights is None else "fast"


def _numbers(text: str, option: str, kind: Callable[[str], Any]) -> tuple[Any, ...]:
    try:
        return tuple(kind(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InvalidArgumentError(
            f"{option}: give numbers with commas between them, got {text!r}"
        ) from error


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _finish(result: StudyResult, quiet: bool) -> None:
    from cofire.studies.larval_olfaction import finding

    if not quiet:
        text = console()
        text.print(finding(result), style="bold", markup=False)
        page = Path(result.out) / "report.html"
        text.print(f"{result.seconds:.1f} s. Report: {page}", markup=False)
    if result.failures:
        for task, message in result.failures:
            console(stderr=True).print(f"failed: {task}: {message}", markup=False)
        sys.exit(FAILED)
