"""What ``cofire assemblies`` does; loaded only when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from cofire.cli.console import (
    FAILED,
    console,
    one_line_errors,
    print_table,
    progress_bar,
    show_material,
)
from cofire.errors import InvalidArgumentError


def run_assemblies(
    recording: Path,
    out: Path,
    settings: dict[str, Any],
    *,
    config: Path | None,
    formats: tuple[str, ...],
    overwrite: bool,
    threads: int | None,
    quiet: bool,
) -> None:
    """``cofire assemblies`` with the options of the command line."""
    with one_line_errors("; the same command resumes the run"):
        from cofire.studies.calcium_assemblies import CalciumConfig, run

        if "planes" in settings:
            settings["planes"] = _planes(settings["planes"])
        if config is None:
            chosen = CalciumConfig.from_mapping(settings)
        else:
            chosen = CalciumConfig.from_toml(config, **settings)

        with progress_bar(quiet) as progress:
            result = run(
                recording,
                out,
                chosen,
                formats=formats,
                overwrite=overwrite,
                threads=threads,
                command=" ".join(["cofire", *sys.argv[1:]]),
                progress=progress,
                on_selection=None if quiet else show_material,
            )
    _finish(result, quiet)


def _planes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise InvalidArgumentError(
            f"planes must be numbers with commas, as 0,1,2; got {text!r}"
        ) from error


def _finish(result: Any, quiet: bool) -> None:
    from cofire.studies.calcium_assemblies import finding

    if not quiet:
        text = console()
        if result.resumed:
            text.print(f"Resumed: {', '.join(result.resumed)} had been run before.", markup=False)
        _print_detectors(result.comparison)
        text.print(finding(result.comparison), style="bold", markup=False)
        text.print(f"{result.seconds:.1f} s. Report: {result.out / 'report.html'}", markup=False)
    if result.failures:
        for name, message in result.failures:
            console(stderr=True).print(f"failed: {name}: {message}", markup=False)
        sys.exit(FAILED)


def _print_detectors(comparison: Any) -> None:
    known = bool(comparison.truth)
    rows = []
    for name, row in comparison.to_frame().iterrows():
        if not row["ran"]:
            rows.append([name, "not run", *[""] * (4 if known else 3)])
            continue
        size = f"{row['median_size']:g}" if row["n_assemblies"] else "-"
        cells = [name, row["n_assemblies"], size, row["units_in_any"]]
        cells += [f"{row['best_match']:.2f}"] if known else []
        rows.append([*cells, f"{row['seconds']:.3g}"])
    columns = ["detector", "assemblies", "median size", "units in any"]
    columns += ["BestMatch"] if known else []
    print_table("", [*columns, "seconds"], rows, tuple(range(1, len(columns) + 1)))
