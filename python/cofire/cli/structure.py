"""The command ``cofire structure`` and its options."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

_INPUT, _CELLS, _TESTS, _NETWORK, _OUTPUT = (
    "Input", "Which cells", "Tests and controls", "Whole network", "Output",
)  # fmt: skip

HELP = (
    "Assemblies and the connectome beneath them: are cells of one assembly wired more strongly, "
    "directly or through middle cells, and who is central? And measures of a whole network.\n\n"
    "A synapse table with cells and assemblies, or a connectome as a file:\n\n"
    "[dim]cofire structure --synapses synapses.parquet --cells cells.csv --assemblies members.csv "
    "--proofread \"status_axon == 'extended'\" --size-scale 3.645e-6 --size-unit µm³ --out "
    "results[/dim]\n\n"
    "[dim]cofire structure --connectome Supplementary-Data-S1.zip --groups celltype --out "
    "brain[/dim]"
)


def _option(kind: Any, panel: str, text: str, default: Any = None, *names: str, **more: Any) -> Any:
    info = typer.Option(*names, help=text, rich_help_panel=panel, show_default=default, **more)
    return Annotated[kind, info]


def _file(text: str) -> Any:
    return _option(Path | None, _INPUT, text, False, metavar="FILE")


_QUERY = {"metavar": "QUERY"}
_COLUMN = {"metavar": "COLUMN"}

OPTIONS: dict[str, tuple[Any, Any]] = {
    "out": (
        _option(
            Path,
            _OUTPUT,
            "Folder for the results; an earlier run with the same parameters is resumed.",
            False,
            metavar="DIR",
        ),
        ...,
    ),
    "synapses": (_file("Synapses, a row each: csv, feather or parquet."), None),
    "connectome": (
        _option(
            Path | None,
            _INPUT,
            "In place of synapses: Winding et al. 2023 (zip, npz or folder), GraphML, a table of "
            "edges, an npz, or what cofire.save wrote.",
            False,
            metavar="FILE|DIR",
        ),
        None,
    ),
    "cells": (_file("Cells, a row each: id, class, position, proofreading."), None),
    "assemblies": (
        _file("Assemblies: a table by cell id, or by functional index (csv, npz) with --coreg."),
        None,
    ),
    "coregistration": (
        _option(
            Path | None,
            _INPUT,
            "Cell id and functional index of co-registered cells.",
            False,
            "--coregistration",
            "--coreg",
            metavar="FILE",
        ),
        None,
    ),
    "coupling": (_file("Functional coupling of pairs of cells: a square csv with ids."), None),
    "pre_column": (_option(str | None, _INPUT, "Presynaptic id.", "usual names", **_COLUMN), None),
    "post_column": (
        _option(str | None, _INPUT, "Postsynaptic id.", "usual names", **_COLUMN),
        None,
    ),
    "size_column": (
        _option(str | None, _INPUT, "Size of a synapse.", "size or psd", **_COLUMN),
        None,
    ),
    "cell_id": (
        _option(str | None, _INPUT, "Id in the tables of cells.", "usual names", **_COLUMN),
        None,
    ),
    "membership_id": (
        _option(str | None, _INPUT, "Id in the table of assemblies.", "usual names", **_COLUMN),
        None,
    ),
    "unit_column": (
        _option(
            str | None, _INPUT, "Functional index in the co-registration.", "usual names", **_COLUMN
        ),
        None,
    ),
    "size_scale": (
        _option(float | None, _INPUT, "Size of one unit of the size column, as 3.645e-6.", "1"),
        None,
    ),
    "size_unit": (_option(str | None, _INPUT, "Of sizes after scaling, as µm³.", "none"), None),
    "proofread": (
        _option(
            str | None,
            _CELLS,
            "Cells with complete axons: they are presynaptic, and the network is that among them.",
            "all cells",
            **_QUERY,
        ),
        None,
    ),
    "pre": (
        _option(str | None, _CELLS, "Further condition on presynaptic cells.", "none", **_QUERY),
        None,
    ),
    "post": (
        _option(str | None, _CELLS, "Further condition on postsynaptic cells.", "none", **_QUERY),
        None,
    ),
    "sign_column": (
        _option(str | None, _CELLS, "Says excitatory or inhibitory.", "usual names", **_COLUMN),
        None,
    ),
    "groups": (
        _option(
            str | None,
            _CELLS,
            "Classes of cells; they take the place of assemblies where none are given.",
            "none",
            **_COLUMN,
        ),
        None,
    ),
    "position_columns": (
        _option(str | None, _CELLS, "Columns of x, y, z.", "usual names", metavar="X,Y,Z"),
        None,
    ),
    "position_scale": (
        _option(float | None, _CELLS, "µm in one unit of the positions.", "1"),
        None,
    ),
    "depth_column": (_option(str | None, _CELLS, "Depth below the pia.", "y", **_COLUMN), None),
    "map_threshold": (
        _option(float | None, _CELLS, "The map shows connections of a larger size.", "0"),
        None,
    ),
    "contrasts": (
        _option(
            str | None,
            _TESTS,
            "Classes of pairs to compare, as shared:disjoint,...",
            "shared:disjoint,shared:shared_no_a",
            metavar="A:B,...",
        ),
        None,
    ),
    "alternative": (
        _option(str | None, _TESTS, "Of rank tests: greater, less or two-sided.", "greater"),
        None,
    ),
    "correction": (
        _option(str | None, _TESTS, "Of p: none, holm, bonferroni or benjamini_hochberg.", "none"),
        None,
    ),
    "boundary": (
        _option(
            str | None, _TESTS, "Of the tail: equal_posterior or published.", "equal_posterior"
        ),
        None,
    ),
    "n_nulls": (
        _option(
            int | None,
            _TESTS,
            "Shuffles of permutation tests, 0 for none.",
            "1000",
            "--nulls",
            "--n-nulls",
            min=0,
        ),
        None,
    ),
    "nulls": (
        _option(
            str | None, _TESTS, "What is shuffled: labels, wiring or both.", "labels", "--shuffle"
        ),
        None,
    ),
    "n_power": (
        _option(
            int | None,
            _TESTS,
            "Draws of the power analysis, 0 for none.",
            "200",
            "--power-draws",
            min=0,
        ),
        None,
    ),
    "network": (
        _option(
            bool | None,
            _NETWORK,
            "Measure the whole network.",
            "without assemblies",
            "--network/--no-network",
        ),
        None,
    ),
    "edge_types": (
        _option(str | None, _NETWORK, "Edge types measured one by one.", "all", metavar="T,..."),
        None,
    ),
    "network_nulls": (
        _option(int | None, _NETWORK, "Shuffles at equal degrees.", "100", min=2),
        None,
    ),
    "resolution": (_option(float | None, _NETWORK, "Of communities.", "1"), None),
    "seed": (_option(int | None, _TESTS, "Of every random number.", "0", min=0), None),
    "config": (
        _option(
            Path | None,
            _TESTS,
            "Settings by the names of StructureConfig; options win over them.",
            False,
            metavar="FILE.toml",
        ),
        None,
    ),
    "threads": (
        _option(
            int | None, _OUTPUT, "Processors to use; results do not depend on it.", "all", min=1
        ),
        None,
    ),
    "formats": (_option(str, _OUTPUT, "Figure formats: png, svg, pdf.", "png,svg"), "png,svg"),
    "overwrite": (
        _option(bool, _OUTPUT, "Move an existing folder aside.", False, "--overwrite"),
        False,
    ),
    "quiet": (_option(bool, _OUTPUT, "Print errors only.", False, "--quiet", "-q"), False),
}


def add_structure(app: typer.Typer) -> None:
    """Add the command to the application."""

    def command(**given: Any) -> None:
        from cofire.cli.structure_jobs import run_structure

        run_structure(given)

    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if default is ... else default,
                annotation=kind,
            )
            for name, (kind, default) in OPTIONS.items()
        ]
    )
    command.__annotations__ = {name: kind for name, (kind, _) in OPTIONS.items()}
    app.command("structure", help=HELP)(command)
