"""Settings of a study: from names and values or a TOML file, back again, and compared."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from cofire.errors import InvalidArgumentError, InvalidTypeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Base of the settings of a study, a frozen dataclass whose fields have defaults."""

    section: ClassVar[str]
    """Name of its table in a TOML file."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str = "config") -> Self:
        """Build from names and values; an unknown name is an error that offers the nearest one."""
        known = [f.name for f in fields(cls)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
                raise InvalidArgumentError(f"{source}: unknown setting {name!r}{hint}")
        return cls(**values)

    @classmethod
    def from_toml(cls, path: str | Path, **overrides: Any) -> Self:
        """Read a TOML file (top level, or the table of the study); keywords win over it."""
        file = Path(path)
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InvalidArgumentError(f"config file {file} does not exist") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(f"config file {file} is not valid TOML: {error}") from error
        table = table.get(cls.section, table)
        if not isinstance(table, dict):
            raise InvalidTypeError(f"{file}: {cls.section} must be a table, [{cls.section}]")
        return cls.from_mapping({**table, **overrides}, str(file))

    def to_dict(self) -> dict[str, Any]:
        """Names and values as plain Python objects (tuples become lists)."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def differences(self, other: Mapping[str, Any]) -> list[str]:
        """Settings in which a stored mapping differs, as ``name: stored -> mine``."""
        mine = self.to_dict()
        return [
            f"{name}: {other.get(name, 'absent')!r} -> {mine.get(name, 'absent')!r}"
            for name in sorted({*mine, *other})
            if mine.get(name, "absent") != other.get(name, "absent")
        ]


def texts(value: Any, name: str) -> tuple[str, ...]:
    """A list of texts, or one text with commas between them, as from the command line."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) and v for v in value):
        raise InvalidTypeError(f"{name} must be a list of texts, got {value!r}")
    return tuple(value)
