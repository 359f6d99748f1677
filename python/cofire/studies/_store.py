"""Results of steps on disk, written so that an interrupted run never leaves half a step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from cofire.types import load, save

_FOLDER = "steps"


def write_step(out: Path, name: str, value: Any) -> Path:
    """Store one result as ``out/steps/name``; it appears complete or not at all."""
    final = out / _FOLDER / name
    partial = out / _FOLDER / f".{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save(value, partial / "result")
    shutil.rmtree(final, ignore_errors=True)
    os.replace(partial, final)
    return final


def has_step(out: Path, name: str) -> bool:
    """Whether a result is stored."""
    return (out / _FOLDER / name).is_dir()


def read_steps(out: Path) -> dict[str, Any]:
    """Every stored result by name; an empty dict if there is none."""
    folder = out / _FOLDER
    if not folder.is_dir():
        return {}
    return {
        path.name: load(path / "result")
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }
