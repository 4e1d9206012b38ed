"""Tables in files: CSV with any separator, JSON Lines, and Parquet, plain or compressed."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from streamviz.errors import InputError, check_type
from streamviz.simulation.series.packed import DAMAGE, check_is_text, opener

Row = tuple[str, Mapping[str, Any]]  # its name in an error message, and its values by column

_SEPARATORS = ";\t|, "  # of equals the first: a comma may be a decimal point, or in a text
_SAMPLE = 50  # rows that the separator is guessed from
_MAX_VALUE = 2**24  # characters of a value: an open quote would have the whole file
_ENCODINGS = ("cp1252", "latin-1")  # the second has a letter for every byte


@dataclass(frozen=True)
class TextFile:
    """A file of rows, which are read again each time; its options are those of `series.read`."""

    path: Path
    delimiter: str | None
    header: bool
    names: Sequence[str] | None
    encoding: str
    skip: int | str

    @cached_property
    def kind(self) -> str:
        """``"parquet"``, ``"json"`` (one array), ``"lines"`` (JSON Lines) or ``"csv"``."""
        with self._open() as file:
            begin = file.read(4096)
        if begin.startswith(b"PAR1"):
            return "parquet"
        check_is_text(self.path, begin)
        with self.text() as lines:
            first = lines.read(4096).removeprefix("\ufeff").lstrip()[:1]
        return "csv" if self.skip else {"{": "lines", "[": "json"}.get(first, "csv")

    @cached_property
    def columns(self) -> list[str]:
        """The columns of a CSV."""
        first = list(itertools.islice(self._csv_lines(), _SAMPLE))
        head = first[0][1] if first else []
        if self.names is None:
            if advice := _short_head(first):
                raise InputError(f"the first row of {str(self.path)!r} is {head}: {advice}")
            names = head if self.header else [str(number) for number in range(len(head))]
            return [name.strip() or str(number) for number, name in enumerate(names)]
        if isinstance(self.names, str) or len(self.names) not in (len(head), _usual(first)):
            raise InputError(
                f"names={self.names!r}: the file has {len(head)} columns, of which the first row "
                f"is {', '.join(head)}: give a list of {len(head)} names"
            )
        return [str(name) for name in self.names]

    def rows(self) -> Iterator[Row]:
        """Yield the rows of a CSV, of JSON Lines or of a JSON array."""
        return self._csv_rows() if self.kind == "csv" else self._json_rows()

    def _csv_rows(self) -> Iterator[Row]:
        lines = self._csv_lines()
        if self.header:
            next(lines, None)
        for index, (line, values) in enumerate(lines):
            name = f"row {index} (line {line})"
            width = len(self.columns)
            if len(values) < width or any(values[width:]):  # empty ones at the end mean nothing
                raise InputError(
                    f"{name} has {len(values)} values for the {width} columns "
                    f"{', '.join(self.columns)}: {self._advice(values)}"
                )
            yield name, dict(zip(self.columns, values, strict=False))

    def _json_rows(self) -> Iterator[Row]:
        with self.text() as file:
            if self.kind == "json":
                for index, value in enumerate(self._json(file.read(), "the file")):
                    yield f"row {index}", value
                return
            lines = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
            for index, (number, line) in enumerate(lines):
                yield f"row {index} (line {number})", self._json(line, f"line {number}")

    def _json(self, text: str, where: str) -> Any:
        try:
            return json.loads(text, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{where} of {str(self.path)!r} is not JSON ({error}): correct it; JSON Lines "
                "have one object in each line"
            ) from error

    @cached_property
    def _separator(self) -> str:
        if self.delimiter is not None:
            return self.delimiter
        fits = {separator: self._fit(separator) for separator in _SEPARATORS}
        best = max(fits, key=lambda separator: fits[separator])
        return best if any(fits[best][:2]) else ","

    def _fit(self, separator: str) -> tuple[bool, bool, int]:
        """Return whether a separator surely fits, whether it may fit, and how many values it gives.

        Only the first rows are read; the very first may be prose.
        """
        with self.text() as file:
            lines = list(itertools.islice(self._kept(file), _SAMPLE))
        try:
            widths = [len(row) for row in _reader(lines, separator, strict=False) if row]
        except csv.Error:  # the error names its line
            widths = []
        width = _most_common(widths)
        if width < 2:
            return False, False, width
        share = widths.count(width) / len(widths)
        return share >= 0.8 and widths[0] == width, share >= 0.5, width

    def _advice(self, values: list[str]) -> str:
        """Return what to do about a row that is longer or shorter than the header."""
        texts = "".join(values), "".join(self.columns)
        others = [sign for sign in _SEPARATORS if all(sign in text for text in texts)]
        other = f"; if the delimiter is another, give delimiter={others[0]!r}" if others else ""
        return (
            f"correct the line, or quote a value that has {self._separator!r} in it{other}; or "
            "read the file yourself, and give a list of dicts"
        )

    def _csv_lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row that is not empty: the line on which it ends, and its values."""
        with self.text() as file:
            reader = _reader(self._kept(file), self._separator)
            try:
                for values in reader:
                    if values:
                        yield reader.line_num, values
            except csv.Error as error:
                raise InputError(
                    f"line {reader.line_num} of {str(self.path)!r} is not CSV ({error}): correct "
                    "the line, for example close its quotes"
                ) from error

    def _kept(self, file: IO[str]) -> Iterator[str]:
        """Yield the lines of a file, and for each line to skip an empty one."""
        if not self.skip:
            yield from file
        for number, line in enumerate(file):
            skip = line.startswith(self.skip) if isinstance(self.skip, str) else number < self.skip
            yield "\n" if skip else line

    @contextmanager
    def text(self) -> Iterator[IO[str]]:
        """Open the file as text."""
        plain = self.encoding.lower().replace("_", "-") in ("utf-8", "utf8")
        encoding = "utf-8-sig" if plain else self.encoding  # Excel begins with a byte order mark
        with self._open() as file:
            try:
                yield io.TextIOWrapper(file, encoding, newline="")
            except UnicodeError as error:
                raise InputError(self._undecodable(encoding)) from error

    def _undecodable(self, encoding: str) -> str:
        """Return the message for the first line that is not in the encoding."""
        number, reason = self._first_undecodable(encoding) or (0, "")
        with self._open() as file:
            wide = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        others = (one for one in _ENCODINGS if not self._first_undecodable(one))
        other = "utf-16" if wide else next(others)
        return (
            f"line {number} of {str(self.path)!r} is not {self.encoding.upper()} ({reason}): "
            f"save it as UTF-8, or give its encoding, perhaps encoding={other!r}"
        )

    def _first_undecodable(self, encoding: str) -> tuple[int, str] | None:
        """Return the number of the first line that is not in an encoding, and why it is not."""
        with self._open() as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode(encoding)
                except UnicodeError as error:
                    return number, str(getattr(error, "reason", error))
        return None

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            with opener(self.path)(self.path, "rb") as file:
                yield file
        except DAMAGE as error:
            raise InputError(
                f"{str(self.path)!r} can't be read ({getattr(error, 'strerror', None) or error}): "
                "restore the file or its permissions"
            ) from error


def check_options(file: TextFile) -> None:
    """Raise an InputError if an option of a file is wrong."""
    delimiter = file.delimiter
    if not (
        delimiter is None
        or (isinstance(delimiter, str) and len(delimiter) == 1 and delimiter not in '\r\n"\0')
    ):
        raise InputError(f"delimiter={delimiter!r}: give one character, such as ';'")
    check_type("header", file.header, bool, "False if the first row has values, not names")
    skip = file.skip
    if not (skip if isinstance(skip, str) else type(skip) is int and skip >= 0):
        raise InputError(
            f"skip={file.skip!r}: give a number of lines before the header, or how the lines to "
            "leave out begin, such as '#'"
        )
    try:
        "".encode(file.encoding)
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(
            f"encoding={file.encoding!r} is not known: give 'utf-8', 'cp1252' or 'utf-16'"
        ) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; ValueError if it has a name twice: a dict would lose a value."""
    if len(result := dict(pairs)) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"an object has {twice!r} twice")
    return result


def _reader(lines: Any, separator: str, *, strict: bool = True) -> Any:
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_VALUE))
    collapse = separator == " "  # several spaces separate as one
    return csv.reader(lines, delimiter=separator, strict=strict, skipinitialspace=collapse)


def _most_common(widths: list[int]) -> int:
    counts = Counter(widths)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def _usual(rows: list[tuple[int, list[str]]]) -> int:
    """Return how many values most rows have, without empty ones at the end."""
    return _most_common([_filled(row) for _, row in rows])


def _filled(row: list[str]) -> int:
    return max((place for place, value in enumerate(row, 1) if value), default=0)


def _short_head(rows: list[tuple[int, list[str]]]) -> str:
    """Return advice if the first row is shorter than most: it is prose, or lacks a name."""
    usual = _usual(rows)
    before = next((place for place, (_, row) in enumerate(rows) if _filled(row) >= usual), 0)
    if not before:
        return ""
    line, first = rows[before - 1][0], rows[0][1][0].strip()
    sign = next((one for one in ("#", "%", "//", "--") if first.startswith(one)), None)
    lacking = before == 1 and len(rows[0][1]) > 1
    names = f"give names=, a list of {usual}, or " if lacking else ""
    return f"{names}give skip={sign or line!r} if the table begins after line {line}"
