"""``cofire olfaction``: subcommands made from a table, as they share most of their options."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

olfaction_app = typer.Typer(
    help="Spiking network with the wiring of the fly larva's olfactory pathway (needs PyTorch).",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_MODELS, _TASK, _OUTPUT = "Models and training", "Odors and tests", "Output"


def _option(kind: Any, panel: str, help: str, default: Any, *names: str, **more: Any) -> Any:
    """Annotation of an option; `default` is what the help shows."""
    info = typer.Option(*names, help=help, rich_help_panel=panel, show_default=default, **more)
    return Annotated[kind, info]


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "out": (
        _option(
            Path,
            _OUTPUT,
            "Folder for the results; an earlier run with the same settings goes on.",
            False,
        ),
        ...,
    ),
    "data": (
        _option(
            Path | None,
            _TASK,
            "Folder of the data set larval_olfaction.",
            "$COFIRE_DATA/data/larval_olfaction",
            metavar="DIR",
        ),
        None,
    ),
    "connectome": (
        _option(
            Path | None,
            _TASK,
            "Supplement S1 of the connectome (zip or folder) in place of the prepared matrices; "
            "takes all matrices in the same order (--registered).",
            False,
            metavar="FILE|DIR",
        ),
        None,
    ),
    "registered": (
        _option(
            bool,
            _TASK,
            "Use the LN to ORN matrix in the order of all others, not the misordered published "
            "one.",
            False,
            "--registered",
        ),
        False,
    ),
    "weights": (
        _option(
            Path | None,
            _MODELS,
            "Evaluate these models (.pt, .npz) in place of training: a file, a folder of files, or "
            "the folder of a run.",
            False,
            metavar="FILE|DIR",
        ),
        None,
    ),
    "seeds": (
        _option(
            str | None,
            _MODELS,
            "A model for each seed, as 42,43,44.",
            "42 to 46",
            "--seeds",
            "--seed",
            metavar="N,N,...",
        ),
        None,
    ),
    "conditions": (
        _option(
            str,
            _MODELS,
            "What to train, as canonical,no_apl,no_gaps,no_std,shuffled; a wrong name lists all.",
            "canonical",
            "--conditions",
            "--condition",
            metavar="NAME,...",
        ),
        "canonical",
    ),
    "epochs": (
        _option(int | None, _MODELS, "Of the spiking network.", "300", min=1),
        None,
    ),
    "teacher_epochs": (
        _option(int | None, _MODELS, "Of the rate model that it starts from.", "300", min=1),
        None,
    ),
    "apl_boost": (
        _option(
            float | None, _MODELS, "Factor on the APL gain when the rate model is copied.", "4"
        ),
        None,
    ),
    "apl_rate": (
        _option(
            float | None, _MODELS, "Multiplier of the learning rate of the APL parameters.", "4"
        ),
        None,
    ),
    "retrain": (
        _option(
            bool,
            _MODELS,
            "Also train networks without each mechanism and with shuffled wiring.",
            False,
            "--retrain",
        ),
        False,
    ),
    "fast": (
        _option(bool, _MODELS, "Evaluation only, of the models of --weights.", False, "--fast"),
        False,
    ),
    "heavy": (
        _option(
            bool,
            _MODELS,
            "Every training of the study (59 models at the default seeds).",
            False,
            "--heavy",
        ),
        False,
    ),
    "odors": (
        _option(
            list[str] | None,
            _TASK,
            "Odors to keep, separated by semicolons; the baseline always stays.",
            "all of the panel",
            "--odors",
            "--odor",
            metavar="NAME;...",
        ),
        None,
    ),
    "panel": (
        _option(
            Path | None,
            _TASK,
            "Own odor panel: a row an odor (first the baseline), a column a receptor.",
            "Kreher et al. 2008",
            metavar="FILE.csv",
        ),
        None,
    ),
    "panel_units": (
        _option(str | None, _TASK, "Of the own panel: normalized (0 to 1) or hz.", "normalized"),
        None,
    ),
    "concentrations": (
        _option(
            str | None,
            _TASK,
            "Of the concentration series, 1 among them.",
            "0.03,0.1,0.3,0.5,1,2,5",
            metavar="C,C,...",
        ),
        None,
    ),
    "hill": (_option(float | None, _TASK, "Exponent of the receptors' Hill curve.", "1"), None),
    "half_saturation": (
        _option(
            float | None,
            _TASK,
            "EC50 of that curve, in units of concentration.",
            "1",
            "--ec50",
            "--half-saturation",
        ),
        None,
    ),
    "triplets": (_option(int | None, _TASK, "Random triplets of odors.", "50", min=1), None),
    "protocol": (
        _option(
            str | None,
            _TASK,
            "Evaluation as in the study (newer: 1400 samples, 50 trials) or its predecessor "
            "(older).",
            "newer",
        ),
        None,
    ),
    "config": (
        _option(
            Path | None,
            _MODELS,
            "Settings by the names of OlfactionConfig; options win over them.",
            False,
            metavar="FILE.toml",
        ),
        None,
    ),
    "processes": (
        _option(
            int | None,
            _OUTPUT,
            "Models at a time, one processor each; results do not depend on it.",
            "all processors",
            "--processes",
            "--threads",
            min=1,
        ),
        None,
    ),
    "formats": (
        _option(str, _OUTPUT, "Figure formats: png, svg, pdf.", "png,svg"),
        "png,svg",
    ),
    "overwrite": (
        _option(bool, _OUTPUT, "Move an existing folder aside.", False, "--overwrite"),
        False,
    ),
    "quiet": (
        _option(bool, _OUTPUT, "Print errors only.", False, "--quiet", "-q"),
        False,
    ),
}
_COMMON = (
    "out", "data", "connectome", "registered", "seeds", "epochs", "teacher_epochs", "apl_boost",
    "apl_rate", "config", "odors", "panel", "panel_units", "protocol", "processes", "formats",
    "overwrite", "quiet",
)  # fmt: skip
_SERIES = ("concentrations", "hill", "half_saturation")
_COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "train": (
        "Train networks, one a seed, and evaluate them.\n\nA rate model is trained first; the "
        "spiking network starts from it. The state is kept after every epoch: the same command "
        "goes on where it was stopped.\n\n"
        "[dim]cofire olfaction train --seed 42 --out trained[/dim]",
        ("conditions", *_SERIES),
    ),
    "evaluate": (
        "Compute every metric of trained networks, your own or published ones.\n\n"
        "[dim]cofire olfaction evaluate --weights trained --out evaluated[/dim]",
        ("weights", *_SERIES),
    ),
    "ablate": (
        "Take APL, gap junctions or short-term depression away after training, or before it "
        "(--retrain).",
        ("weights", "retrain", *_SERIES),
    ),
    "mixtures": ("Present pairs and triplets of odors.", ("weights", "triplets", *_SERIES)),
    "consistency": (
        "Compare networks of different seeds, and the rate models they start from.",
        ("weights", *_SERIES),
    ),
    "complexity": (
        "Train networks on tasks of 7, 14, 28 and 56 odors.",
        _SERIES,
    ),
    "all": (
        "Do the whole study: canonical networks, ablations after training, mixtures, consistency; "
        "with --heavy every training, with --fast none.",
        ("weights", "fast", "heavy", "triplets", *_SERIES),
    ),
}


def _add(name: str, text: str, own: tuple[str, ...]) -> None:
    chosen = [option for option in _OPTIONS if option in _COMMON or option in own]

    def command(**given: Any) -> None:
        from cofire.cli.olfaction_jobs import run_olfaction

        run_olfaction(name, given)

    parameters = [
        inspect.Parameter(
            option,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if _OPTIONS[option][1] is ... else _OPTIONS[option][1],
            annotation=_OPTIONS[option][0],
        )
        for option in chosen
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {option: _OPTIONS[option][0] for option in chosen}
    olfaction_app.command(name, help=text)(command)


for _name, (_text, _own) in _COMMANDS.items():
    _add(_name, _text, _own)
