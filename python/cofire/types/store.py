"""How is a container, result or estimator kept on disk? Two files: arrays and their meaning."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cofire._validate import AnyArray
from cofire.errors import CofireError, FileFormatError, UnsupportedVersionError
from cofire.types._codec import Decoder, Encoder

FORMAT = "cofire"
SCHEMA = 1
"""Version of the layout; files with a larger one are refused."""

_ID = "__id__"


def save(obj: Any, path: str | os.PathLike[str], *, compress: bool = False) -> None:
    """Save an object as ``<path>.npz`` (arrays) and ``<path>.json`` (everything else).

    Nothing is pickled. Both files are written beside the old ones and moved into place when they
    are complete, so an interrupted save leaves the old object.

    Parameters
    ----------
    obj : SpikeTrains, Intervals, Traces, Session, any result or fitted estimator of cofire
        Also lists, tuples and dicts of them, arrays, sparse matrices (csr, csc), tables, numbers
        and text. Of an estimator, parameters and learned attributes (names that end with ``_``)
        are kept. Signals that a session left in its file are read.
    path : path
        With or without the ending ``.npz`` or ``.json``; the folder must exist.
    compress : bool
        Smaller and several times slower.

    Raises
    ------
    InvalidTypeError
        Something in `obj` cannot be stored without a pickle; the message says where it is.
    FileNotFoundError
        The folder does not exist.

    Notes
    -----
    Tables keep their dtypes; a categorical column comes back as what its categories are.

    Examples
    --------
    >>> import tempfile, cofire as cf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cf.save(cf.Intervals([[0.0, 1.5]]), f"{folder}/nrem")
    ...     cf.load(f"{folder}/nrem")
    Intervals(1 in [0, 1.5] s, 1.5 s)
    """
    arrays_file, json_file = _files(path)
    if not json_file.parent.is_dir():
        raise FileNotFoundError(f"the folder {json_file.parent} does not exist; create it first")
    encoder = Encoder()
    tree = encoder.encode(obj, "")
    text = json.dumps(tree, allow_nan=False)
    identity = _identity(text, encoder.arrays)
    head = {"format": FORMAT, "schema": SCHEMA, "cofire": _version(), "id": identity}
    document = json.dumps({**head, "object": tree}, allow_nan=False, indent=1)
    members = {_ID: np.array(identity), **encoder.arrays}
    temporary = [_temporary(file) for file in (arrays_file, json_file)]
    try:
        _write(temporary[0], lambda file: _write_arrays(file, members, compress))
        _write(temporary[1], lambda file: file.write(document.encode("ascii")))
        for source, target in zip(temporary, (arrays_file, json_file), strict=True):
            os.replace(source, target)
    finally:
        for file in temporary:
            file.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Any:
    """Load what :func:`save` wrote.

    Parameters
    ----------
    path : path
        With or without the ending ``.npz`` or ``.json``.

    Returns
    -------
    object
        Of the class that was saved. Only classes of cofire are ever made, and nothing in the files
        is executed.

    Raises
    ------
    FileNotFoundError
        One of the two files is missing.
    FileFormatError
        The files are damaged, not cofire's, or do not belong together.
    UnsupportedVersionError
        A newer cofire wrote them.
    """
    arrays_file, json_file = _files(path)
    for file in (json_file, arrays_file):
        if not file.is_file():
            raise FileNotFoundError(
                f"{file} does not exist; cofire.save writes {json_file.name} and {arrays_file.name}"
            )
    document = _read_json(json_file)
    try:
        # Opened here: numpy leaves a file that is no archive open.
        with open(arrays_file, "rb") as raw, np.load(raw, allow_pickle=False) as arrays:
            if _ID not in arrays:
                raise FileFormatError(f"{arrays_file} was not written by cofire.save")
            if str(arrays[_ID]) != document["id"]:
                raise FileFormatError(
                    f"{arrays_file.name} and {json_file.name} come from different saves; "
                    "restore the pair or save again"
                )
            return Decoder(arrays).decode(document["object"])
    except CofireError:
        raise
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
    ) as error:
        raise FileFormatError(
            f"{arrays_file} and {json_file.name} are damaged ({type(error).__name__}: {error})"
        ) from error


def _read_json(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{file} is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FileFormatError(f"{file} was not written by cofire.save")
    schema = document.get("schema")
    if not isinstance(schema, int) or schema < 1:
        raise FileFormatError(f"{file} has no valid schema version: {schema!r}")
    if schema > SCHEMA:
        raise UnsupportedVersionError(
            f"{file} was written by cofire {document.get('cofire', '?')} with schema {schema}; "
            f"this cofire reads up to schema {SCHEMA}: pip install --upgrade cofire"
        )
    if "id" not in document or "object" not in document:
        raise FileFormatError(f"{file} is incomplete")
    return document


def _files(path: str | os.PathLike[str]) -> tuple[Path, Path]:
    base = Path(path)
    name = base.name
    for ending in (".npz", ".json"):
        name = name.removesuffix(ending)
    return base.with_name(name + ".npz"), base.with_name(name + ".json")


def _temporary(file: Path) -> Path:
    return file.with_name(f".{file.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")


def _write(path: Path, fill: Callable[[BinaryIO], Any]) -> None:
    with open(path, "xb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())


def _write_arrays(file: BinaryIO, members: dict[str, AnyArray], compress: bool) -> None:
    """What numpy.savez does, for members of any name (savez takes them as keyword arguments)."""
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, array in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _identity(text: str, arrays: dict[str, AnyArray]) -> str:
    """Ties the two files together: content of both, so equal objects give equal files."""
    digest = hashlib.blake2b(text.encode("ascii"), digest_size=16)
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cofire")
    except PackageNotFoundError:
        from cofire import _core

        return str(_core.__version__)
