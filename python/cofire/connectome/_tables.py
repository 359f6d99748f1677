"""Tables of synapses and cells, from memory or files, in pieces."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cofire._optional import import_extra
from cofire.errors import (
    FileFormatError,
    InvalidArgumentError,
    InvalidTypeError,
    MissingDataError,
    RecordingNotFoundError,
)

if TYPE_CHECKING:
    import pandas as pd

_PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")
_TEXT = {".csv": ",", ".tsv": "\t", ".txt": ","}
_FEATHER = (".feather", ".arrow", ".ipc")
_PARQUET = (".parquet", ".pq")
_DAMAGE = (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is read when it is asked for.

    Attributes
    ----------
    where : str
        What errors call it: the path, or the name of the argument.
    columns : list of str
        Its column names.
    pieces : callable
        ``pieces(columns, rows)`` yields frames of at most `rows` rows with these columns.
    n_rows : int or None
        Number of its rows, where that is known before it is read.
    in_memory : bool
        Whether a piece costs nothing.
    """

    where: str
    columns: list[str]
    pieces: Callable[[list[str], int | None], Iterator[pd.DataFrame]]
    n_rows: int | None = None
    in_memory: bool = False

    def read_ahead(self, columns: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """The pieces; while one is looked at, a thread reads the next."""
        pieces = self.pieces(columns, rows)
        if self.in_memory:
            yield from pieces
            return
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(next, pieces, None)
            while (piece := waiting.result()) is not None:
                waiting = pool.submit(next, pieces, None)
                yield piece

    def column(self, given: str | None, usual: Sequence[str], argument: str) -> str | None:
        """Name of a column: the one given, else the first usual one that is there."""
        if given is None:
            return next((name for name in usual if name in self.columns), None)
        if given not in self.columns:
            raise MissingDataError(
                f"{self.where} has no column {given!r} ({argument}); {self._has}"
            )
        return given

    def required(self, given: str | None, usual: Sequence[str], argument: str) -> str:
        """Like :meth:`column`, an error if there is none."""
        name = self.column(given, usual, argument)
        if name is None:
            raise MissingDataError(
                f"{self.where} has no column {' or '.join(map(repr, usual))}; name it: "
                f'{argument}="..."; {self._has}'
            )
        return name

    @property
    def _has(self) -> str:
        return f"columns: {', '.join(map(str, self.columns)) or 'none'}"


def open_table(source: Any, name: str) -> Table:
    """Open a DataFrame, a mapping of columns, or a csv, tsv, feather or parquet file."""
    if isinstance(source, (str, Path)):
        return _open_file(Path(source))
    import pandas as pd

    if not isinstance(source, pd.DataFrame):
        try:
            source = pd.DataFrame(source)
        except (TypeError, ValueError) as error:
            raise InvalidTypeError(
                f"{name} must be a DataFrame, a mapping of columns or the path of a csv, feather "
                f"or parquet file: {error}"
            ) from error

    def pieces(columns: list[str], rows: int | None) -> Iterator[pd.DataFrame]:
        step = max(len(source), 1) if rows is None else rows
        for start in range(0, max(len(source), 1), step):
            yield source.iloc[start : start + step][columns]

    return Table(name, list(source.columns), pieces, len(source), True)


def _open_file(path: Path) -> Table:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if not path.exists():
        raise RecordingNotFoundError(f"{path}: no such file")
    if suffix in _TEXT:
        return _open_text(path, _TEXT[suffix])
    if suffix in _FEATHER or suffix in _PARQUET:
        return _open_arrow(path, parquet=suffix in _PARQUET)
    known = ", ".join([*_TEXT, *_FEATHER, *_PARQUET])
    raise InvalidArgumentError(
        f"{path}: the ending must say what it is, one of {known} (text also packed: "
        f"{', '.join(_PACKED)}); or pass a DataFrame"
    )


def _open_text(path: Path, separator: str) -> Table:
    import pandas as pd

    def pieces(columns: list[str], rows: int | None) -> Iterator[pd.DataFrame]:
        # Types are found, not told: told to make integers, pandas takes "1e18" through a float.
        # low_memory would find them for parts of a piece.
        options: dict[str, Any] = {"sep": separator, "usecols": columns, "low_memory": False}
        try:
            if rows is None:
                yield pd.read_csv(path, **options)[columns]
                return
            with pd.read_csv(path, chunksize=rows, **options) as reader:
                for piece in reader:
                    yield piece[columns]
        except _DAMAGE as error:
            raise _unreadable(path, error) from error

    try:
        head = pd.read_csv(path, sep=separator, nrows=0)
    except _DAMAGE as error:
        raise _unreadable(path, error) from error
    return Table(str(path), list(head.columns), pieces)


def _open_arrow(path: Path, *, parquet: bool) -> Table:
    reader = _open_parquet if parquet else _open_feather
    try:
        return reader(path)
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def _open_parquet(path: Path) -> Table:
    parquet = import_extra("pyarrow.parquet", "arrow", f"reading {path.suffix} files")

    def pieces(columns: list[str], rows: int | None) -> Iterator[pd.DataFrame]:
        try:
            with parquet.ParquetFile(path) as file:
                size = max(file.metadata.num_rows, 1) if rows is None else rows
                batches = file.iter_batches(batch_size=size, columns=columns)
                yield from (_frame(batch, columns) for batch in batches)
        except _DAMAGE as error:
            raise _unreadable(path, error) from error

    with parquet.ParquetFile(path) as file:
        names, n_rows = list(file.schema_arrow.names), int(file.metadata.num_rows)
    return Table(str(path), names, pieces, n_rows)


def _open_feather(path: Path) -> Table:
    feather = import_extra("pyarrow.feather", "arrow", f"reading {path.suffix} files")
    arrow = import_extra("pyarrow", "arrow", f"reading {path.suffix} files")

    def batches(fields: list[int] | None) -> Iterator[Any]:
        """Batches as the file holds them, some 65,000 rows each."""
        chosen = arrow.ipc.IpcReadOptions(included_fields=fields)
        with (
            arrow.memory_map(str(path)) as source,
            arrow.ipc.open_file(source, options=chosen) as file,
        ):
            yield from (file.get_batch(k) for k in range(file.num_record_batches))

    def pieces(columns: list[str], rows: int | None) -> Iterator[pd.DataFrame]:
        try:
            if whole is None:
                found = batches(sorted(names.index(name) for name in columns))
            else:
                found = iter(whole.select(columns).to_batches())
            for group in _grouped(found, rows):
                yield _frame(arrow.Table.from_batches(group), columns)
        except _DAMAGE as error:
            raise _unreadable(path, error) from error

    # The first version of the format is no stream of batches.
    whole = feather.read_table(path) if _is_feather_1(path) else None
    if whole is not None:
        return Table(str(path), list(whole.column_names), pieces, int(whole.num_rows))
    with arrow.memory_map(str(path)) as source, arrow.ipc.open_file(source) as file:
        names = list(file.schema.names)
    n_rows = sum(len(batch) for batch in batches([]))
    return Table(str(path), names, pieces, n_rows)


def _is_feather_1(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"FEA1"


def _grouped(batches: Iterator[Any], rows: int | None) -> Iterator[list[Any]]:
    """Batches joined, or cut, to `rows` rows together."""
    group: list[Any] = []
    room = rows
    for batch in batches:
        while room is not None and len(batch) >= room:
            yield [*group, batch.slice(0, room)]
            batch, group, room = batch.slice(room), [], rows
        if len(batch):
            group.append(batch)
            room = None if room is None else room - len(batch)
    if group:
        yield group


def _frame(batch: Any, columns: list[str]) -> pd.DataFrame:
    # Without the first option, integers beside a missing value become floating-point numbers;
    # without the second, columns are copied.
    frame: pd.DataFrame = batch.to_pandas(integer_object_nulls=True, split_blocks=True)[columns]
    return frame


def _unreadable(path: Path, error: Exception) -> FileFormatError:
    return FileFormatError(
        f"{path} is not a readable table ({type(error).__name__}: {error}); it may be damaged or "
        "incomplete, write or download it again"
    )
