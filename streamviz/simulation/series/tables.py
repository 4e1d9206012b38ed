"""Series from tables: replay a CSV or a DataFrame by its time column."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streamviz.errors import InputError
from streamviz.simulation.checks import plain
from streamviz.simulation.series.base import Point, Series

Row = tuple[str, Mapping[str, Any]]  # its name in an error message, and its values by column


def from_csv(path: str | Path, time_column: str, *, unit: str = "iso") -> Series:
    """Replay a CSV by its time column; the first row is at 0 ms.

    Parameters
    ----------
    path : str or Path
        A UTF-8 file with a header. It is read once to check it, and again row by row as it is
        replayed.
    time_column : str
        The column with the time. The other columns are the fields.
    unit : {"iso", "s", "ms"}
        ISO 8601 (UTC if it has no offset), or a number of seconds or milliseconds.

    Raises
    ------
    InputError
        At the call, if the file, the column or the unit does not exist, or if a row has no time,
        goes back in time, has more or fewer values than the header, or is not UTF-8. The message
        names the row, counted from 0 after the header, and the line in the file.
    """
    if not isinstance(path, str | Path) or not Path(path).is_file():
        raise InputError(f"{str(path)!r} is not a file: correct the path")
    file = Path(path)
    header = next(_lines(file), (0, []))[1]
    return _replay(lambda: _csv_rows(file, header), header, time_column, unit)


def from_frame(frame: Any, time_column: str, *, unit: str = "iso") -> Series:
    """Replay a pandas DataFrame by its time column; see `from_csv`.

    Raises
    ------
    InputError
        As `from_csv`, and if `frame` is not a DataFrame, or a value is missing (None, NA or NaT;
        NaN is a number).
    """
    if not (hasattr(frame, "columns") and hasattr(frame, "itertuples")):
        raise InputError(
            f"a {type(frame).__name__} is not a DataFrame: give a pandas.DataFrame, "
            "or give Series.of pairs of (at_ms, fields)"
        )
    header = [str(name) for name in frame.columns]

    def rows() -> Iterator[Row]:
        for index, values in enumerate(frame.itertuples(index=False, name=None)):
            row = f"row {index}"
            for name, value in zip(header, values, strict=True):
                if value is None or type(value).__name__ in ("NAType", "NaTType"):
                    raise InputError(
                        f"{row}, column {name!r} is empty ({value}): "
                        "fill it with frame.fillna(), or drop the row with frame.dropna()"
                    )
            yield row, dict(zip(header, values, strict=True))

    return _replay(rows, header, time_column, unit)


def _replay(
    rows: Callable[[], Iterator[Row]], header: Sequence[str], column: str, unit: str
) -> Series:
    if column not in header:
        raise InputError(f"there is no column {column!r}: choose one of {', '.join(header)}")
    if duplicates := sorted({name for name in header if header.count(name) > 1}):
        raise InputError(f"there are two columns {duplicates[0]!r}: rename one of them")
    if unit not in ("iso", "s", "ms"):
        raise InputError(f"unit={unit!r}: give 'iso', 's' or 'ms'")

    def points() -> Iterator[Point]:
        first = last = None
        for label, row in rows():
            at_ms = _time_ms(row[column], unit, label)
            if last is not None and at_ms < last:
                raise InputError(
                    f"{label}: {row[column]!r} is earlier than the row above, and a series can't "
                    f"go back in time: sort by {column!r} first"
                )
            first, last = at_ms if first is None else first, at_ms
            yield at_ms - first, {name: _stored(row[name]) for name in row if name != column}

    replay = Series(points)
    for _ in replay:  # report a bad row now, not half-way through a show
        pass
    return replay


def _csv_rows(path: Path, header: Sequence[str]) -> Iterator[Row]:
    lines = _lines(path)
    next(lines, None)
    index = -1
    for line, values in lines:
        if not values:
            continue  # an empty line
        index += 1
        name = f"row {index} (line {line})"
        if len(values) != len(header):
            raise InputError(
                f"{name} has {len(values)} values for the {len(header)} columns "
                f"{', '.join(header)}: correct the line, or quote a value with a comma in it"
            )
        yield name, dict(zip(header, values, strict=True))


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of a CSV: the line on which it ends, and its values."""
    try:
        with path.open("rb") as file:
            reader = csv.reader(_decoded(file, path), strict=True)
            for values in reader:
                yield reader.line_num, values
    except OSError as error:
        raise InputError(
            f"{str(path)!r} can't be read ({error.strerror}): restore the file or its permissions"
        ) from error
    except csv.Error as error:
        raise InputError(
            f"line {reader.line_num} of {str(path)!r} is not CSV ({error}): correct the line, "
            "for example close its quotes"
        ) from error


def _decoded(lines: Iterator[bytes] | Any, path: Path) -> Iterator[str]:
    for line_number, line in enumerate(lines, start=1):
        try:
            # Excel begins a UTF-8 file with a byte order mark
            yield line.decode("utf-8-sig" if line_number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"line {line_number} of {str(path)!r} is not UTF-8 ({error.reason}): save it as "
                "UTF-8, or read it with pandas.read_csv(path, encoding=...) and call from_frame"
            ) from error


def _time_ms(value: Any, unit: str, row: str) -> float:
    try:
        if unit != "iso":
            at_ms = float(value) * (1000 if unit == "s" else 1)
        else:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            at_ms = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{row}: {value!r} is not a time in the unit {unit!r}: correct it, or give another unit"
        ) from error
    if not math.isfinite(at_ms):
        raise InputError(f"{row}: {value!r} is not a time: correct it, or delete the row")
    return at_ms


def _stored(value: Any) -> str | bytes | int | float:
    """Return a value as a point holds it: what is neither text nor a number becomes text."""
    plain_value = plain(value)
    return str(value) if plain_value is None else plain_value
