"""Subcommands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cofire.cli.assemblies import add_assemblies
from cofire.cli.olfaction import olfaction_app
from cofire.cli.structure import add_structure

app = typer.Typer(
    name="cofire",
    help="Cells that fire together wire together: recordings to assemblies and reactivation, "
    "assemblies to the connectome beneath, a connectome to a trained network.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="Public data sets that cofire knows.", no_args_is_help=True)
app.add_typer(olfaction_app, name="olfaction")
app.add_typer(data_app, name="data")

_SELECTION = "Selection"
_ANALYSIS = "Analysis"
_OUTPUT = "Output"

Recording = Annotated[
    Path, typer.Argument(help="NWB file, CellExplorer folder or phy folder.", show_default=False)
]
Threads = Annotated[
    int | None,
    typer.Option(help="Processors to use; results do not depend on it.", show_default="all", min=1),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version as installed

        typer.echo(f"cofire {installed('cofire')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Cells that fire together wire together: recordings to assemblies and reactivation."""


_REACT = (
    "Find assemblies, their activation and their reactivation around events.\n\n"
    "[bold]SPEC[/bold] is TABLE (interval table, state or event of the recording), "
    "TABLE:column=value (rows, several joined by commas), or a file: x.csv with columns start and "
    "stop, or time; x.mat with CellExplorer events. [bold]cofire info RECORDING[/bold] shows what "
    "a recording has.\n\n"
    "[dim]cofire react rat1.nwb --out results --task epochs:environment=linear --groups "
    "region[/dim]"
)


def _interval_option(what: str, default: str) -> Any:
    return typer.Option(metavar="SPEC", help=what, show_default=default, rich_help_panel=_SELECTION)


@app.command(help=_REACT)
def react(
    recording: Recording,
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for the results; an earlier run with the same parameters is resumed.",
            rich_help_panel=_OUTPUT,
            show_default=False,
        ),
    ],
    task: Annotated[
        str | None, _interval_option("Epoch of the task.", "found in the epoch table")
    ] = None,
    pre: Annotated[str | None, _interval_option("Epoch before it.", "as task")] = None,
    post: Annotated[str | None, _interval_option("Epoch after it.", "as task")] = None,
    states: Annotated[
        str | None,
        _interval_option(
            "State(s) to which events of pre and post are confined, or none.", "NREM, if there"
        ),
    ] = None,
    task_states: Annotated[
        str | None,
        _interval_option("State(s) to which detection is confined, or none.", "THETA, if there"),
    ] = None,
    events: Annotated[
        str | None,
        _interval_option(
            "Events: SPEC, bursts (population bursts of the spikes), or none.", "ripples, if there"
        ),
    ] = None,
    units: Annotated[
        str | None,
        typer.Option(
            metavar="QUERY",
            help="pandas query on the unit table, as \"region == 'CA1'\".",
            show_default="all units",
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of the unit table: adds cross-structural assemblies between its groups.",
            show_default=False,
            rich_help_panel=_SELECTION,
        ),
    ] = None,
    null: Annotated[
        str | None,
        typer.Option(
            help="Null of detection: mp (Marchenko-Pastur), bin or circ (shuffles).",
            show_default="mp",
            rich_help_panel=_ANALYSIS,
        ),
    ] = None,
    detection_bin: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Bin of the counts for detection.",
            show_default="0.025",
            rich_help_panel=_ANALYSIS,
        ),
    ] = None,
    activation_bin: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Bin of the activation over time.",
            show_default="0.01",
            rich_help_panel=_ANALYSIS,
        ),
    ] = None,
    n_shuffles: Annotated[
        int | None,
        typer.Option(help="Shuffles of a null.", show_default="200", rich_help_panel=_ANALYSIS),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Of every random number.", show_default="0", min=0, rich_help_panel=_ANALYSIS
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="Settings by the names of ReactivationConfig; options win over them.",
            show_default=False,
            rich_help_panel=_ANALYSIS,
        ),
    ] = None,
    formats: Annotated[
        str, typer.Option(help="Figure formats: png, svg, pdf.", rich_help_panel=_OUTPUT)
    ] = "png,svg",
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Move an existing folder aside.", rich_help_panel=_OUTPUT),
    ] = False,
    threads: Threads = None,
    quiet: Quiet = False,
) -> None:
    """``cofire react``."""
    from cofire.cli.jobs import run_react

    settings = {
        "task": task,
        "pre": pre,
        "post": post,
        "states": states,
        "task_states": task_states,
        "events": events,
        "units": units,
        "groups": groups,
        "null": null,
        "detection_bin": detection_bin,
        "activation_bin": activation_bin,
        "n_shuffles": n_shuffles,
        "seed": seed,
    }
    run_react(
        recording,
        out,
        {name: value for name, value in settings.items() if value is not None},
        config=config,
        formats=tuple(f.strip() for f in formats.split(",") if f.strip()),
        overwrite=overwrite,
        threads=threads,
        quiet=quiet,
    )


add_structure(app)
add_assemblies(app)


@app.command()
def info(recording: Recording) -> None:
    """Show what a recording holds: units, epochs, states, events, signals."""
    from cofire.cli.jobs import run_info

    run_info(recording)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("cofire-demo"),
    seed: Annotated[int, typer.Option(help="Of the generated recording.", min=0)] = 0,
    minutes: Annotated[
        float, typer.Option(help="Length of the recording.", min=3.0, max=600.0)
    ] = 60.0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Move an existing folder aside.")
    ] = False,
    threads: Threads = None,
    quiet: Quiet = False,
) -> None:
    """Generate an hour of sleep, task, sleep with planted assemblies, and find them again."""
    from cofire.cli.jobs import run_demo

    run_demo(
        out,
        seed=seed,
        minutes=minutes,
        overwrite=overwrite,
        threads=threads,
        quiet=quiet,
    )


@app.command()
def warmup(quiet: Quiet = False) -> None:
    """Compile the kernels of graph measures now, which else their first calls do."""
    from cofire.cli.warmup import run_warmup

    run_warmup(quiet=quiet)


@data_app.command("list")
def data_list() -> None:
    """List the data sets: what they are, where they come from, whether they can be fetched."""
    from cofire.cli.jobs import run_data_list

    run_data_list()


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="Name as in `cofire data list`.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("."),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that differs.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Download a data set and check it."""
    from cofire.cli.jobs import run_data_fetch

    run_data_fetch(name, out, overwrite=overwrite, quiet=quiet)
