"""Tensors and JSON in one file that appears complete or not at all."""

from __future__ import annotations

import json
import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cofire._validate import AnyArray
from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    RecordingNotFoundError,
    UnsupportedVersionError,
)

FORMAT = "cofire-larval-olfaction"
VERSION = 1
_GOLDEN_PREFIX = "param/"
_NESTED = ("model_state_dict", "state_dict", "model")


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Write tensors and a JSON document; an old file is replaced in one move.

    Parameters
    ----------
    path : Path
    tensors : mapping of str to Tensor
    meta : mapping
        Anything that JSON holds.
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        "meta": json.dumps(meta),
        "tensors": {name: tensor.detach() for name, tensor in tensors.items()},
    }
    partial = path.with_name(f".{path.name}.partial")
    torch.save(content, partial)
    os.replace(partial, path)


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_checkpoint` wrote; nothing in the file is executed.

    Raises
    ------
    RecordingNotFoundError
        There is no such file.
    FileFormatError
        Not a checkpoint of this study, or a damaged one.
    UnsupportedVersionError
        A newer cofire wrote it.
    """
    content = _load(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileFormatError(f"{path} is no checkpoint of this study")
    if content["version"] > VERSION:
        raise UnsupportedVersionError(
            f"{path} has version {content['version']}, this cofire reads up to {VERSION}; update it"
        )
    return content["tensors"], json.loads(content["meta"])


def read_parameters(path: str | Path) -> dict[str, AnyArray]:
    """Read the parameters of a model by their published names.

    Parameters
    ----------
    path : path
        A checkpoint of this study (``weights.pt``), a published one (a state dict, alone or as
        ``model_state_dict``) or an npz file with the names, alone or after ``param/``.

    Returns
    -------
    dict of str to ndarray
        Of a checkpoint of this study, those of the student.
    """
    file = Path(path)
    if not file.is_file():
        raise RecordingNotFoundError(f"weights {file} does not exist")
    if file.suffix == ".npz":
        return _from_npz(file)
    content = _load(file)
    if not isinstance(content, dict):
        raise FileFormatError(f"{file} holds no named parameters")
    if content.get("format") == FORMAT:
        tensors, _ = read_checkpoint(file)
        content = {
            name.removeprefix("student/"): t
            for name, t in tensors.items()
            if name.startswith("student/")
        }
    for key in _NESTED:
        if isinstance(content.get(key), dict):
            content = content[key]
            break
    found = {name: t.numpy() for name, t in content.items() if isinstance(t, Tensor)}
    if not found:
        raise FileFormatError(f"{file} holds no named parameters")
    return found


def read_teacher(path: str | Path) -> dict[str, AnyArray] | None:
    """Parameters of the teacher in a checkpoint of this study; None in other files."""
    file = Path(path)
    content = _load(file) if file.suffix != ".npz" else None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return None
    start = "teacher/"
    return {
        name.removeprefix(start): t.numpy()
        for name, t in content["tensors"].items()
        if name.startswith(start)
    }


def find_weights(path: str | Path) -> tuple[tuple[int, Path], ...]:
    """Models of a file or folder, by seed.

    Parameters
    ----------
    path : path
        A file that :func:`read_parameters` reads; the folder of a run (its canonical models); or a
        folder of such files. The seed is the number after "seed" in the path; files without get
        0, 1, ... in the order of their names.

    Returns
    -------
    tuple of (int, Path)

    Raises
    ------
    RecordingNotFoundError
        There are none.
    InvalidArgumentError
        Two have the same seed.
    """
    root = Path(path)
    if root.is_file():
        files = [root]
    else:
        trained = sorted(root.glob("runs/canonical/seed*/weights.pt"))
        files = trained or sorted(f for f in root.glob("*") if f.suffix in (".pt", ".pth", ".npz"))
    if not files:
        raise RecordingNotFoundError(
            f"weights {root} does not exist or holds no .pt, .pth or .npz file"
        )
    found: dict[int, Path] = {}
    for file in files:
        match = re.search(r"seed[_-]?(\d+)", f"{file.parent.name}/{file.name}")
        seed = int(match[1]) if match else len(found)
        if seed in found:
            raise InvalidArgumentError(
                f"weights: {found[seed]} and {file} both have seed {seed}; name them seedN"
            )
        found[seed] = file
    return tuple(sorted(found.items()))


def _from_npz(file: Path) -> dict[str, AnyArray]:
    try:
        # Opened here: numpy leaves a file that is no archive open.
        with file.open("rb") as raw, np.load(raw, allow_pickle=False) as arrays:
            prefixed = [name for name in arrays.files if name.startswith(_GOLDEN_PREFIX)]
            names = prefixed or arrays.files
            return {name.removeprefix(_GOLDEN_PREFIX): arrays[name] for name in names}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise FileFormatError(f"{file} is not a readable npz file: {error}") from error


def _load(path: Path) -> Any:
    if not path.is_file():
        raise RecordingNotFoundError(f"checkpoint {path} does not exist")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(
            f"{path} is damaged, or holds more than tensors and plain values: {reason}"
        ) from error
