"""Tables in files: CSV with any separator, JSON Lines, and Parquet, plain or compressed."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import itertools
import json
import lzma
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from streamviz.errors import InputError

Row = tuple[str, Mapping[str, Any]]  # its name in an error message, and its values by column

_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
_DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error)
_SEPARATORS = ";\t|, "  # of equals the first: a comma may be a decimal point, or in a text
_SAMPLE = 20  # rows that the separator is guessed from
_ADVICE = "name it, such as delimiter=';'"


@dataclass(frozen=True)
class TextFile:
    """A file of rows, which are read anew each time.

    Parameters
    ----------
    path : Path
        The file.
    delimiter : str or None
        What separates the values of a CSV; None guesses.
    header : bool
        Whether the first row of a CSV has the names of the columns.
    names : sequence of str or None
        The names of the columns, in place of those of the header.
    encoding : str
        The file's encoding.
    """

    path: Path
    delimiter: str | None
    header: bool
    names: Sequence[str] | None
    encoding: str

    @cached_property
    def kind(self) -> str:
        """``"parquet"``, ``"json"`` (one array), ``"lines"`` (JSON Lines) or ``"csv"``."""
        with self._open() as file:
            begin = file.read(4096)
        if begin.startswith(b"PAR1"):
            return "parquet"
        if begin.startswith(b"PK\x03\x04"):
            raise InputError(
                f"{str(self.path)!r} is a ZIP archive or a spreadsheet: unpack it, or give "
                "pandas.read_excel(path)"
            )
        first = begin.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        return {b"{": "lines", b"[": "json"}.get(first, "csv")

    @cached_property
    def columns(self) -> list[str]:
        """The columns of a CSV."""
        head = next(self._csv_lines(), (0, []))[1]
        names = head if self.header else [str(number) for number in range(len(head))]
        if self.names is None:
            return [name.strip() for name in names]
        if isinstance(self.names, str) or len(self.names) != len(head):
            raise InputError(
                f"names={self.names!r}: the file has {len(head)} columns, of which the first row "
                f"is {', '.join(head)}: give a list of {len(head)} names"
            )
        return [str(name) for name in self.names]

    def rows(self) -> Iterator[Row]:
        """Yield the rows of a CSV, of JSON Lines or of a JSON array."""
        if self.kind == "csv":
            return self._csv_rows()
        return self._json_rows()

    def _csv_rows(self) -> Iterator[Row]:
        lines = self._csv_lines()
        if self.header:
            next(lines, None)
        for index, (line, values) in enumerate(lines):
            name = f"row {index} (line {line})"
            if len(values) != len(self.columns):
                raise InputError(
                    f"{name} has {len(values)} values for the {len(self.columns)} columns "
                    f"{', '.join(self.columns)}: correct the line, or quote a value that has "
                    f"{self._separator!r} in it; if this is not the delimiter, {_ADVICE}"
                )
            yield name, dict(zip(self.columns, values, strict=True))

    def _json_rows(self) -> Iterator[Row]:
        with self._text() as file:
            if self.kind == "json":
                for index, value in enumerate(self._json(file.read(), "the file")):
                    yield f"row {index}", value
                return
            index = 0
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"row {index} (line {number})", self._json(line, f"line {number}")
                    index += 1

    def _json(self, text: str, where: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise InputError(
                f"{where} of {str(self.path)!r} is not JSON ({error}): correct it; JSON Lines "
                "have one object in each line"
            ) from error

    @cached_property
    def _separator(self) -> str:
        if self.delimiter is not None:
            return self.delimiter
        with self._text() as file:
            lines = [line for line in itertools.islice(file, _SAMPLE) if line.strip()]
        best, most = ",", 1
        for separator in _SEPARATORS:
            rows = list(_reader(lines, separator, strict=False))
            width = len(rows[0]) if rows else 0
            same = Counter(map(len, rows))[width]
            if width > most and same >= 0.8 * len(rows):
                best, most = separator, width
        return best

    def _csv_lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that is not empty: the line on which it ends, and its values."""
        with self._text() as file:
            reader = _reader(file, self._separator)
            try:
                for values in reader:
                    if values:
                        yield reader.line_num, values
            except csv.Error as error:
                raise InputError(
                    f"line {reader.line_num} of {str(self.path)!r} is not CSV ({error}): correct "
                    "the line, for example close its quotes"
                ) from error

    @contextmanager
    def _text(self) -> Iterator[IO[str]]:
        plain = self.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        encoding = "utf-8-sig" if plain else self.encoding  # Excel begins with a byte order mark
        with self._open() as file:
            try:
                yield io.TextIOWrapper(file, encoding, newline="")
            except UnicodeError as error:
                raise InputError(self._undecodable(encoding)) from error

    def _undecodable(self, encoding: str) -> str:
        """Return the message for the first line that is not in the encoding."""
        reason, number = "", 0
        with self._open() as file:
            begin = file.read(2)
            file.seek(0)
            for number, line in enumerate(file, start=1):  # noqa: B007 -- used after the loop
                try:
                    line.decode(encoding)
                except UnicodeError as error:
                    reason = str(getattr(error, "reason", error))
                    break
        wide = begin in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        other = "utf-16" if wide else "cp1252"
        return (
            f"line {number} of {str(self.path)!r} is not {self.encoding.upper()} ({reason}): "
            f"save it as UTF-8, or give its encoding, perhaps encoding={other!r}"
        )

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            with self.path.open("rb") as raw:
                begin = raw.read(6)
            opener = next((one for magic, one in _OPENERS.items() if begin.startswith(magic)), open)
            with opener(self.path, "rb") as file:  # type: ignore[call-arg]
                yield file
        except _DAMAGE as error:
            raise InputError(
                f"{str(self.path)!r} can't be read ({getattr(error, 'strerror', None) or error}): "
                "restore the file or its permissions"
            ) from error


def check_options(file: TextFile) -> None:
    """Raise an InputError if an option of a file is wrong."""
    delimiter = file.delimiter
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise InputError(f"delimiter={delimiter!r}: give one character, such as ';'")
    if not isinstance(file.header, bool):
        raise InputError(
            f"header={file.header!r}: give False if the first row has values and no names"
        )
    try:
        codecs.lookup(file.encoding)
    except (LookupError, TypeError) as error:
        raise InputError(
            f"encoding={file.encoding!r} is not known: give 'utf-8', 'cp1252' or 'utf-16'"
        ) from error


def _reader(lines: Any, separator: str, *, strict: bool = True) -> Any:
    collapse = separator == " "  # several spaces separate as one
    return csv.reader(lines, delimiter=separator, strict=strict, skipinitialspace=collapse)
