"""Files of a published archive, packed or unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from cofire.errors import FileFormatError, MissingDataError, TooLargeError
from cofire.io._hdf5 import open_limit


class Archive:
    """The files of a zip, or of a folder and the folders in it, by name.

    Parameters
    ----------
    path : path
        Of the zip or the folder.

    Raises
    ------
    FileFormatError
        No zip, or a truncated one; two files of one name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: dict[str, str] = {}
        if path.is_dir():
            found = [str(p.relative_to(path)) for p in sorted(path.glob("*")) if p.is_file()]
            found += [str(p.relative_to(path)) for p in sorted(path.glob("*/*")) if p.is_file()]
        else:
            found = self._members()
        for member in found:
            folder, _, name = member.replace("\\", "/").rpartition("/")
            # macOS packs a shadow of every file.
            if "__MACOSX" in folder.split("/") or name.startswith("._") or not name:
                continue
            if path.is_dir() and name in self._files:
                continue
            if name in self._files:
                raise FileFormatError(
                    f"{path} holds {name} twice: {self._files[name]} and {member}"
                )
            self._files[name] = member

    def _members(self) -> list[str]:
        try:
            with zipfile.ZipFile(self.path) as file:
                return file.namelist()
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise FileFormatError(
                f"{self.path} is no complete zip archive ({error}); download it again"
            ) from error

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return name in self._files

    def missing(self, what: str) -> MissingDataError:
        """Error that says what is not there and what is."""
        names = sorted(self._files)
        more = " ..." if len(names) > 20 else ""
        return MissingDataError(
            f"{self.path} has no {what}; it holds: {', '.join(names[:20]) or 'nothing'}{more}"
        )

    def read(self, name: str) -> bytes:
        """Content of a file.

        Raises
        ------
        MissingDataError, FileFormatError, TooLargeError
            It is not there, damaged, or larger than half of the free memory.
        """
        if name not in self._files:
            raise self.missing(name)
        member = self._files[name]
        try:
            if self.path.is_dir():
                return (self.path / member).read_bytes()
            with zipfile.ZipFile(self.path) as file:
                size = file.getinfo(member).file_size
                if size > open_limit(None):
                    raise TooLargeError(f"{self.path}: {member} declares {size / 1e9:.3g} GB")
                return file.read(member)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
            raise FileFormatError(
                f"{self.path}: {member} cannot be read ({error}); download the archive again"
            ) from error
