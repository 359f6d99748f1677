"""What the subcommands do; loaded only when one runs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from cofire.cli.console import (
    FAILED,
    console,
    one_line_errors,
    print_table,
    progress_bar,
)
from cofire.studies.reactivation import ReactivationConfig, RunResult, run
from cofire.studies.reactivation.output import finding


def run_react(
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
    """``cofire react``."""
    with one_line_errors("; the same command resumes the run"):
        if config is None:
            chosen = ReactivationConfig.from_mapping(settings)
        else:
            chosen = ReactivationConfig.from_toml(config, **settings)
        result = _study(recording, out, chosen, formats, overwrite, threads, quiet)
    _finish(result, quiet)


def run_info(recording: Path) -> None:
    """``cofire info``."""
    with one_line_errors():
        from cofire.io import read_session

        session = read_session(recording)
        support = session.spikes.support_or_span()
        text = console()
        text.print(f"[bold]{recording}[/bold]")
        text.print(
            f"{session.spikes.n_units} units ({session.spikes.n_active} with spikes), "
            f"{session.spikes.n_spikes:,} spikes, {support.total_duration:,.1f} s"
        )
        _info_units(session)
        if len(session.epochs):
            columns = [str(c) for c in session.epochs.columns][:7]
            rows = [[_short(v) for v in row] for row in session.epochs[columns].itertuples(False)]
            print_table("epochs", columns, rows)
        rows = [
            [kind, name, f"{len(v):,}", f"{v.total_duration:,.1f}"]
            for kind in ("states", "events")
            for name, v in getattr(session, kind).items()
        ]
        if rows:
            print_table("interval tables", ["kind", "name", "intervals", "total (s)"], rows, (2, 3))
        for name in ("trials", "presentations"):
            if len(getattr(session, name)):
                text.print(f"{name}: {len(getattr(session, name)):,} rows")
        if len(session.traces):
            text.print("signals: " + ", ".join(session.traces), markup=False)


def run_demo(
    out: Path, *, seed: int, minutes: float, overwrite: bool, threads: int | None, quiet: bool
) -> None:
    """``cofire demo``."""
    with one_line_errors("; the same command resumes the run"):
        from cofire.datasets import make_assembly_recording

        begun = time.perf_counter()
        share = minutes * 60 / 6
        made = make_assembly_recording(
            75, (2 * share, 1.5 * share, 2.5 * share), n_assemblies=10, rng=seed
        )
        made.session.meta["identifier"] = f"generated recording, seed {seed}"
        if not quiet:
            console().print(
                f"Generated {minutes:g} min with {made.n_assemblies} planted assemblies in "
                f"{time.perf_counter() - begun:.1f} s."
            )
        config = ReactivationConfig(groups="region", seed=seed)
        result = _study(made.session, out, config, ("png", "svg"), overwrite, threads, quiet)
        if not quiet:
            _print_truth(result, made)
    _finish(result, quiet)


def run_data_list() -> None:
    """``cofire data list``."""
    with one_line_errors():
        from cofire.datasets import list_sets

        rows = [[s.name, s.title, s.licence or "-", s.status] for s in list_sets()]
        print_table("data sets", ["name", "what", "licence", "status"], rows)


def run_data_fetch(name: str, out: Path, *, overwrite: bool, quiet: bool) -> None:
    """``cofire data fetch``."""
    with one_line_errors():
        from cofire.datasets import fetch

        for path in fetch(name, out, overwrite=overwrite):
            if not quiet:
                console().print(str(path), markup=False)


def _study(
    recording: Any,
    out: Path,
    config: ReactivationConfig,
    formats: tuple[str, ...],
    overwrite: bool,
    threads: int | None,
    quiet: bool,
) -> RunResult:
    def show(selection: Any) -> None:
        if not quiet:
            text = console()
            for line in selection.taken:
                text.print(line, markup=False)
            for line in selection.dropped:
                text.print(f"Left out: {line}.", markup=False)

    with progress_bar(quiet) as progress:
        return run(
            recording,
            out,
            config,
            formats=formats,
            overwrite=overwrite,
            threads=threads,
            command=" ".join(["cofire", *sys.argv[1:]]),
            progress=progress,
            on_selection=show,
        )


def _finish(result: RunResult, quiet: bool) -> None:
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


def _print_truth(result: RunResult, made: Any) -> None:
    """The found assemblies beside the planted ones."""
    study = result.study
    match, overlap = match_members(study.members, made.members)
    effect = study.effect() if study.missing("effect") is None else None
    truth = made.to_frame()
    rows = []
    for k in range(len(made.members)):
        found = match[k]
        row = [
            str(k + 1),
            truth["regions"].iloc[k],
            str(int(made.members[k].sum())),
            f"{truth['pre'].iloc[k]:.2f} -> {truth['post'].iloc[k]:.2f}",
        ]
        if found < 0:
            rows.append([*row, "missed", "", ""])
            continue
        value = (
            ""
            if effect is None
            else f"{effect.difference[found]:+.2f} [{effect.low[found]:.2f}, "
            f"{effect.high[found]:.2f}]"
        )
        rows.append([*row, f"A{found + 1}", f"{overlap[k]:.2f}", value])
    columns = ["planted", "regions", "units", "share of ripples", "found", "overlap", "post - pre"]
    print_table("Planted and found", columns, rows, (2, 5, 6))
    extra = study.n_assemblies - int((match >= 0).sum())
    console().print(
        f"{int((match >= 0).sum())} of {len(made.members)} planted assemblies found, "
        f"{extra} found that were not planted. Overlap: Jaccard index of the members; post - pre: "
        "z² with 95 % interval."
    )


def match_members(found: Any, planted: Any) -> tuple[Any, Any]:
    """Found assembly of each planted one (-1 if none shares half) and the Jaccard indices."""
    from scipy.optimize import linear_sum_assignment

    a, b = (np.asarray(m, dtype=np.float64) for m in (planted, found))
    match, overlap = np.full(len(a), -1), np.zeros(len(a))
    if not len(b):
        return match, overlap
    common = a @ b.T
    union = a.sum(axis=1)[:, None] + b.sum(axis=1)[None, :] - common
    jaccard = common / np.maximum(union, 1.0)
    for i, j in zip(*linear_sum_assignment(-jaccard), strict=True):
        if jaccard[i, j] >= 0.5:
            match[i], overlap[i] = j, jaccard[i, j]
    return match, overlap


def _info_units(session: Any) -> None:
    table = session.units
    if not len(table.columns):
        console().print("unit table: no columns")
        return
    rows = []
    for name in table.columns:
        column = table[name]
        values = column.astype(str)
        if values.nunique() <= 8:
            counts = values.value_counts(sort=False)
            shown = ", ".join(f"{k} ({n})" for k, n in counts.items())
        elif column.dtype.kind in "fiu":
            shown = f"{column.min():g} to {column.max():g}"
        else:
            shown = f"{values.nunique()} values, as {values.iloc[0]}"
        rows.append([name, _short(shown, 90)])
    print_table("unit table (for --units and --groups)", ["column", "values"], rows)


def _short(value: Any, limit: int = 28) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
