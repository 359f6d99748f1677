"""The output folder of a run: checked before, locked to its parameters, described afterwards."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cofire.errors import InvalidArgumentError, MissingDataError
from cofire.studies._settings import Settings


def describe_files(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """Path, size and SHA-256 of a file or of every file in a folder."""
    if not path.exists():
        raise MissingDataError(f"{what} {path} does not exist; {remedy}")
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    digest = hashlib.sha256()
    size = 0
    for file in files:
        digest.update(file.name.encode())
        size += file.stat().st_size
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return {
        "path": str(path.resolve()),
        "files": len(files),
        "bytes": size,
        "sha256_names_and_contents": digest.hexdigest(),
    }


def describe_sources(
    sources: Any,
    several: Sequence[str] = (),
    folders: Mapping[str, Callable[[Path], dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    """Path, size and checksum of every file that a dataclass of sources names.

    Of what is in memory: its kind, and a checksum of arrays and tables. Fields in `several` may be
    mappings of names to files or objects; `folders` says how the folder of a field is described
    where not all of its files count.
    """
    parts, kinds = [], []
    for item in fields(sources):
        value = getattr(sources, item.name)
        split = item.name in several and isinstance(value, Mapping)
        named = value if split else {None: value}
        for key, one in named.items():
            role = item.name if key is None else f"{item.name} {key}"
            if isinstance(one, (str, Path)):
                special = (folders or {}).get(item.name) if Path(one).is_dir() else None
                parts.append(
                    (
                        describe_files(Path(one), role, "check its name")
                        if special is None
                        else special(Path(one))
                    )
                    | {"role": role}
                )
            elif one is not None:
                kinds.append(f"{role}: {_kind(one)}")
    if not parts:
        return {"path": None, "kind": ", ".join(kinds)}
    source = dict(parts[0])
    digests = [p["role"] + p["sha256_names_and_contents"] for p in parts] + kinds
    if len(digests) > 1:
        joined = hashlib.sha256(" ".join(digests).encode()).hexdigest()
        source["sha256_names_and_contents"] = joined
    if len(parts) > 1:
        source["others"] = parts[1:]
    return source


def _kind(value: Any) -> str:
    name = type(value).__name__
    content: Any = value.values if name == "Traces" else value
    if name == "DataFrame":
        from pandas.util import hash_pandas_object

        content = hash_pandas_object(value).to_numpy()
    if type(content).__module__ != "numpy" or content.dtype.hasobject:
        return name
    return f"{name} {hashlib.sha256(content.tobytes()).hexdigest()[:16]}"


def check_folder(
    folder: Path, config: Settings, source: dict[str, Any], overwrite: bool
) -> dict[str, Any]:
    """The provenance of the run that a folder holds, {} if it is new; changes nothing."""
    if folder.exists() and not folder.is_dir():
        raise InvalidArgumentError(f"out: {folder} is a file; name a folder")
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise InvalidArgumentError(
            f"out: cannot write to {folder}: {there} is no folder you may write to; choose another"
        )
    if _in_use(folder) and not overwrite:
        return _check_same(folder, config, source)
    return {}


def is_finished(folder: Path, before: Mapping[str, Any], formats: Sequence[str]) -> bool:
    """Whether the run described by :func:`check_folder` is complete, figures and page included."""
    return (
        bool(before.get("complete"))
        and before.get("formats") == list(formats)
        and (folder / "report.html").is_file()
    )


def make_folder(folder: Path, overwrite: bool) -> None:
    """Make the folder of a run; with `overwrite` an old one is moved aside."""
    try:
        if overwrite and _in_use(folder):
            stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
            os.replace(folder, folder.with_name(f"{folder.name}.old-{stamp}"))
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgumentError(
            f"out: cannot make folder {folder}: {error.strerror}; choose another"
        ) from error


def _in_use(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _check_same(folder: Path, config: Settings, source: dict[str, Any]) -> dict[str, Any]:
    remedy = "choose another --out, or --overwrite to move it aside"
    try:
        before: dict[str, Any] = json.loads(
            (folder / "provenance.json").read_text(encoding="utf-8")
        )
        parameters, stored = before["parameters"], before["input"]
    except (OSError, ValueError, KeyError) as error:
        raise InvalidArgumentError(
            f"out: {folder} is not empty and holds no cofire run; {remedy}"
        ) from error
    changed = config.differences(parameters)
    if _identity(stored) != _identity(source):
        changed.insert(0, f"input: {stored.get('path')} -> {source.get('path')} (other contents)")
    if changed:
        raise InvalidArgumentError(
            f"out: {folder} holds a run with other parameters: {'; '.join(changed)}; {remedy}"
        )
    return before


def _identity(source: Mapping[str, Any]) -> Any:
    return source.get("sha256_names_and_contents", source.get("kind"))


def check_formats(formats: Sequence[str]) -> None:
    """Refuse formats that figures are not written in."""
    if not formats:
        raise InvalidArgumentError("formats: name at least one of png, svg, pdf")
    for name in formats:
        if name not in ("png", "svg", "pdf"):
            raise InvalidArgumentError(f"formats: unknown format {name!r}; use png, svg, pdf")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where results come from, written before and after a run."""

    study: str
    folder: Path
    config: Settings
    source: dict[str, Any]
    command: str | None
    threads: int
    formats: tuple[str, ...]
    libraries: tuple[str, ...]

    def write(self, seconds: float | None) -> None:
        """Write provenance.json; `seconds` is None while the run is not complete."""
        content = {
            "study": self.study,
            "cofire": _version("cofire"),
            "command": self.command or " ".join(sys.argv),
            "parameters": self.config.to_dict(),
            "input": self.source,
            "threads": self.threads,
            "formats": list(self.formats),
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": seconds,
            "complete": seconds is not None,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "libraries": {name: _version(name) for name in self.libraries},
        }
        partial = self.folder / ".provenance.json.partial"
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, self.folder / "provenance.json")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


class LogFile:
    """Send the log of cofire to a file for a while.

    The file is locked as long, so that two runs never write into one folder at a time.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._handler = logging.StreamHandler(self._file)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise InvalidArgumentError(
                f"out: another run is writing into {path.parent}; wait until it is done, or choose "
                "another"
            ) from error
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._logger = logging.getLogger("cofire")

    def __enter__(self) -> None:
        self._level = self._logger.level
        self._logger.addHandler(self._handler)
        self._logger.setLevel(logging.INFO)

    def __exit__(self, *error: object) -> None:
        self._logger.removeHandler(self._handler)
        self._logger.setLevel(self._level)
        self._handler.close()
        self._file.close()
