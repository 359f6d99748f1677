"""The command ``cofire assemblies`` and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

_INPUT, _DETECTORS, _OUTPUT = "Recording", "Detectors", "Output"

HELP = (
    "Detectors of cell assemblies side by side on a calcium recording: what each finds, whether "
    "they agree, how long they take.\n\n"
    "[bold]RECORDING[/bold] is an NWB file with responses of imaged cells, a suite2p folder, a npy "
    "or npz file of dF/F (frames, units), a file NAME_CALCIUM-FLUORESCENCE.mat of the MATLAB "
    "toolbox, or what cofire.save wrote.\n\n"
    "[dim]cofire assemblies suite2p/ --rate 10 --detectors sgc,ica,promax --out results[/dim]\n\n"
    "Detectors: sgc, ica-mp (ica), ica-cs, promax-mp (promax), promax-cs, core, svd, fim."
)


def _option(panel: str, text: str, default: Any = None, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=default, **more)


def add_assemblies(app: typer.Typer) -> None:
    """Add the command to the application."""

    @app.command("assemblies", help=HELP)
    def assemblies(
        recording: Annotated[
            Path,
            typer.Argument(
                help="NWB file, suite2p folder, npy, npz or mat file.", show_default=False
            ),
        ],
        out: Annotated[
            Path,
            _option(
                _OUTPUT,
                "Folder for the results; an earlier run with the same parameters is resumed.",
                False,
            ),
        ],
        detectors: Annotated[
            str | None, _option(_DETECTORS, "Which, with commas.", "all", metavar="D,...")
        ] = None,
        series: Annotated[
            str | None,
            _option(
                _INPUT,
                "NWB: series of responses (planes with commas); npz: name of the array.",
                "dF/F if there is one",
                metavar="NAME,...",
            ),
        ] = None,
        rate: Annotated[
            float | None, _option(_INPUT, "Frames a second.", "of the recording", metavar="HZ")
        ] = None,
        transpose: Annotated[
            bool | None, _option(_INPUT, "npy and npz: units come first.", False, "--transpose")
        ] = None,
        neuropil: Annotated[
            float | None, _option(_INPUT, "suite2p: share of the neuropil taken off.", "0.7")
        ] = None,
        percentile: Annotated[
            float | None, _option(_INPUT, "suite2p: percentile of the baseline.", "8")
        ] = None,
        baseline_window: Annotated[
            float | None,
            _option(
                _INPUT,
                "suite2p: width of the running baseline, 0 for the whole recording.",
                "60",
                metavar="SECONDS",
            ),
        ] = None,
        cells: Annotated[
            bool | None,
            _option(_INPUT, "suite2p: only ROIs that are cells.", "cells", "--cells/--all-rois"),
        ] = None,
        min_probability: Annotated[
            float | None,
            _option(_INPUT, "suite2p: ROIs with a larger score, in place of the label.", "none"),
        ] = None,
        planes: Annotated[
            str | None, _option(_INPUT, "suite2p: which planes.", "all", metavar="K,...")
        ] = None,
        trusted: Annotated[
            bool | None,
            _option(
                _INPUT,
                "suite2p: take frame rate and positions from ops.npy and stat.npy, which are "
                "pickles and run code of whoever wrote them.",
                False,
                "--trusted",
            ),
        ] = None,
        n_std: Annotated[
            float | None, _option(_DETECTORS, "SGC: threshold of activity, SD above mean.", "2")
        ] = None,
        shuffles: Annotated[
            str | None, _option(_DETECTORS, "SGC: shuffles of the null, or exact.", "1000")
        ] = None,
        steps: Annotated[
            int | None, _option(_DETECTORS, "SGC: sweeps of each chain.", "50000", min=1)
        ] = None,
        rounds: Annotated[int | None, _option(_DETECTORS, "SGC: chains.", "5", min=1)] = None,
        affinity: Annotated[
            float | None,
            _option(_DETECTORS, "SGC: share of patterns in which a member is active.", "0.2"),
        ] = None,
        k0: Annotated[
            str | None,
            _option(
                _DETECTORS,
                "SGC: groups a chain starts with: uniform, small or a number.",
                "uniform",
                "--k0",
            ),
        ] = None,
        seed: Annotated[
            int | None, _option(_DETECTORS, "Of every random number.", "0", min=0)
        ] = None,
        config: Annotated[
            Path | None,
            _option(
                _DETECTORS,
                "Settings by the names of CalciumConfig; options win over them.",
                False,
                metavar="FILE.toml",
            ),
        ] = None,
        threads: Annotated[
            int | None,
            _option(_OUTPUT, "Processors to use; results do not depend on it.", "all", min=1),
        ] = None,
        formats: Annotated[
            str, _option(_OUTPUT, "Figure formats: png, svg, pdf.", True)
        ] = "png,svg",
        overwrite: Annotated[
            bool, _option(_OUTPUT, "Move an existing folder aside.", False, "--overwrite")
        ] = False,
        quiet: Annotated[
            bool, _option(_OUTPUT, "Print errors only.", False, "--quiet", "-q")
        ] = False,
    ) -> None:

        from cofire.cli.assemblies_jobs import run_assemblies

        settings = {
            "detectors": detectors,
            "series": series,
            "rate": rate,
            "transpose": transpose,
            "neuropil": neuropil,
            "percentile": percentile,
            "baseline_window": baseline_window,
            "cells": cells,
            "min_probability": min_probability,
            "planes": planes,
            "trusted": trusted,
            "n_std": n_std,
            "shuffles": shuffles,
            "steps": steps,
            "rounds": rounds,
            "affinity": affinity,
            "K0": k0,
            "seed": seed,
        }
        run_assemblies(
            recording,
            out,
            {name: value for name, value in settings.items() if value is not None},
            config=config,
            formats=tuple(f.strip() for f in formats.split(",") if f.strip()),
            overwrite=overwrite,
            threads=threads,
            quiet=quiet,
        )
