"""What ``cofire structure`` does; loaded only when it runs."""

from __future__ import annotations

import sys
from typing import Any

from cofire.cli.console import FAILED, console, one_line_errors, progress_bar, show_material

_SOURCES = ("synapses", "connectome", "cells", "assemblies", "coregistration", "coupling")
_LISTS = ("contrasts", "position_columns", "edge_types")
_NO_SETTING = (
    *_SOURCES, "out", "config", "threads", "formats", "overwrite", "quiet", "network",
)  # fmt: skip


def run_structure(given: dict[str, Any]) -> None:
    """``cofire structure`` with the options of the command line."""
    quiet = given["quiet"]
    with one_line_errors("; the same command resumes the run"):
        from cofire.studies.assemblies_structure import Sources, run

        config = _config(given)
        sources = Sources(**{name: given[name] for name in _SOURCES})

        with progress_bar(quiet) as progress:
            result = run(
                sources,
                given["out"],
                config,
                formats=tuple(f.strip() for f in given["formats"].split(",") if f.strip()),
                overwrite=given["overwrite"],
                threads=given["threads"],
                command=" ".join(["cofire", *sys.argv[1:]]),
                progress=progress,
                on_selection=None if quiet else show_material,
            )
    _finish(result, quiet)


def _config(given: dict[str, Any]) -> Any:
    from cofire.studies.assemblies_structure import StructureConfig

    settings = {
        name: value
        for name, value in given.items()
        if name not in _NO_SETTING and value is not None
    }
    for name in _LISTS:
        if name in settings:
            settings[name] = tuple(p.strip() for p in settings[name].split(",") if p.strip())
    if given["network"] is not None:
        settings["network"] = "yes" if given["network"] else "no"
    if given["config"] is None:
        return StructureConfig.from_mapping(settings)
    return StructureConfig.from_toml(given["config"], **settings)


def _finish(result: Any, quiet: bool) -> None:
    from cofire.studies.assemblies_structure import finding

    if not quiet:
        text = console()
        if result.resumed:
            text.print(f"Resumed: {len(result.resumed)} steps were already there.")
        text.print()
        text.print(finding(result.study), style="bold", markup=False)
        text.print(f"{result.seconds:.1f} s. Report: {result.out / 'report.html'}", markup=False)
    if result.failures:
        for step, message in result.failures:
            console(stderr=True).print(f"failed: {step}: {message}", markup=False)
        sys.exit(FAILED)
