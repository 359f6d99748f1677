"""Where data sets come from: the registry, and downloads that are checked."""

from __future__ import annotations

import hashlib
import os
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    MissingDataError,
    RecordingError,
    RecordingNotFoundError,
)

_BLOCK = 2**20
_SCHEMES = ("https", "file")

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a data set.

    Attributes
    ----------
    name : str
        File name.
    sha256 : str
        Checksum.
    url : str
        Where it can be downloaded, "" if it cannot.
    bytes : int or None
        Size, if known.
    """

    name: str
    sha256: str
    url: str = ""
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class DataSet:
    """An entry of the registry.

    Attributes
    ----------
    name, title, contents : str
        What it is.
    source, doi, licence, note : str
        Where it was published and under which terms; "" where nothing is stated.
    loader : str
        Function that reads it, "" if there is none yet.
    folder : str
        Where it lies below ``$COFIRE_DATA/data``.
    files : tuple of DataFile
        What it consists of.
    """

    name: str
    title: str
    contents: str
    source: str
    doi: str = ""
    licence: str = ""
    loader: str = ""
    folder: str = ""
    note: str = ""
    files: tuple[DataFile, ...] = ()

    @property
    def downloadable(self) -> bool:
        """Whether every file has a public address."""
        return bool(self.files) and all(file.url for file in self.files)

    @property
    def status(self) -> str:
        """``"downloadable"`` or ``"prepared, not downloadable"``."""
        return "downloadable" if self.downloadable else "prepared, not downloadable"

    def __repr__(self) -> str:
        return f"DataSet({self.name}: {self.title}; {self.status})"


def list_sets(registry: str | Path | None = None) -> tuple[DataSet, ...]:
    """Return the data sets that the registry knows.

    Parameters
    ----------
    registry : path, optional
        Another registry file; default the one that cofire brings.

    Examples
    --------
    >>> import cofire as cf
    >>> [s.name for s in cf.datasets.list_sets() if s.downloadable]
    ['sample_assemblies']
    """
    path = registry_path() if registry is None else Path(registry)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["sets"]
        return tuple(_entry(name, fields, path) for name, fields in entries.items())
    except FileNotFoundError as error:
        raise RecordingNotFoundError(f"{path}: no such registry") from error
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path} is not a registry of data sets ({error})") from error


def fetch(
    name: str,
    folder: str | Path = ".",
    *,
    registry: str | Path | None = None,
    overwrite: bool = False,
    timeout: float = 60.0,
    progress: Progress | None = None,
) -> list[Path]:
    """Download a data set and check it.

    Parameters
    ----------
    name : str
        A name of :func:`list_sets`.
    folder : path
        Where to; created. A file that is there with the right checksum is kept.
    registry : path, optional
        Another registry file; default the one that cofire brings.
    overwrite : bool
        Whether a different file of the same name may be replaced.
    timeout : float, s
        How long a silent server is waited for.
    progress : callable (file name, bytes done, total bytes or None), optional
        Called as blocks arrive.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InvalidArgumentError
        Unknown name, or another file in the way.
    MissingDataError
        The set has no public form; the message says where it was published.
    RecordingError
        The download failed or its checksum is wrong; nothing is left behind.

    Examples
    --------
    >>> import tempfile, cofire as cf
    >>> [path.name for path in cf.datasets.fetch("sample_assemblies", tempfile.mkdtemp())]
    ['sample_assemblies.nwb']
    """
    entry = _find(name, registry)
    if not entry.downloadable:
        raise MissingDataError(
            f"{name} is prepared, not downloadable: the form that cofire uses is not published. "
            f"{_origin(entry)}"
        )
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    return [_fetch_file(file, target, overwrite, timeout, progress) for file in entry.files]


def locate(
    name: str, folder: str | Path | None = None, *, registry: str | Path | None = None
) -> Path:
    """Folder of a data set on this machine.

    Parameters
    ----------
    name : str
        A name of :func:`list_sets`.
    folder : path, optional
        Taken if given; default its place below ``$COFIRE_DATA/data``.
    registry : path, optional
        Another registry file; default the one that cofire brings.

    Raises
    ------
    InvalidArgumentError
        Unknown name.
    MissingDataError
        There is no such folder; the message says where the set comes from.
    """
    entry = _find(name, registry)
    root = os.environ.get("COFIRE_DATA")
    place = Path("data", entry.folder or name)
    if folder is None and root is None:
        problem = f"set COFIRE_DATA to the folder that holds {place}, or name the folder itself"
    else:
        path = Path(root or "", place) if folder is None else Path(folder)
        if path.is_dir():
            return path
        problem = f"{path} is no folder"
    raise MissingDataError(f"no data set {name}: {problem}. {_origin(entry)}")


def registry_path() -> Path:
    """Registry of this installation: beside the package, or in ``data/`` of a checkout."""
    here = Path(__file__).resolve()
    checkout = here.parents[3] / "data" / "registry.toml"
    installed = here.parent / "registry.toml"
    return checkout if checkout.exists() and not installed.exists() else installed


def _find(name: str, registry: str | Path | None) -> DataSet:
    sets = {entry.name: entry for entry in list_sets(registry)}
    if name not in sets:
        raise InvalidArgumentError(f"no data set {name!r}; there are: {', '.join(sets)}")
    return sets[name]


def _origin(entry: DataSet) -> str:
    return (
        f"Source: {entry.source}"
        + (f", doi {entry.doi}" if entry.doi else "")
        + (f". {entry.note}" if entry.note else "")
    )


def _entry(name: str, fields: dict[str, Any], registry: Path) -> DataSet:
    files = []
    for file in fields.get("files", ()):
        if Path(file["name"]).name != file["name"]:
            raise FileFormatError(f"{registry}: {name} has a file outside its folder: {file!r}")
        url = file.get("url", "")
        if url and not urllib.parse.urlsplit(url).scheme:
            url = urllib.parse.urljoin(registry.resolve().as_uri(), url)
        files.append(DataFile(file["name"], file["sha256"], url, file.get("bytes")))
    texts = {key: value for key, value in fields.items() if key != "files"}
    return DataSet(name=name, files=tuple(files), **texts)


def _fetch_file(
    file: DataFile, folder: Path, overwrite: bool, timeout: float, progress: Progress | None
) -> Path:
    path = folder / file.name
    if path.exists():
        if _checksum(path) == file.sha256:
            return path
        if not overwrite:
            raise InvalidArgumentError(
                f"{path} exists and is another file; move it away or pass overwrite=True"
            )
    if urllib.parse.urlsplit(file.url).scheme not in _SCHEMES:
        raise InvalidArgumentError(f"{file.url}: only {' and '.join(_SCHEMES)} are fetched")
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        digest = _download(file, partial, timeout, progress)
        if digest != file.sha256:
            raise RecordingError(
                f"{file.url}: checksum {digest} instead of {file.sha256}; the file changed or the "
                "download was disturbed: try again, then ask its publisher"
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _download(file: DataFile, to: Path, timeout: float, progress: Progress | None) -> str:
    digest = hashlib.sha256()
    done = 0
    try:
        with urllib.request.urlopen(file.url, timeout=timeout) as answer, to.open("wb") as out:
            while block := answer.read(_BLOCK):
                done += len(block)
                if file.bytes is not None and done > file.bytes:
                    raise RecordingError(f"{file.url} is longer than {file.bytes} bytes")
                digest.update(block)
                out.write(block)
                if progress is not None:
                    progress(file.name, done, file.bytes)
            out.flush()
            os.fsync(out.fileno())
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise RecordingError(f"{file.url} could not be fetched: {error}; try again") from error
    return digest.hexdigest()


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
