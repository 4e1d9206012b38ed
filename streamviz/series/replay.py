"""Series that were: a CSV or a DataFrame, replayed by its time column."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streamviz.errors import InputError
from streamviz.series.base import Point, Series


def from_csv(path: str | Path, time_column: str, *, unit: str = "iso") -> Series:
    """Replay a CSV by its time column; the first row comes at 0.

    Parameters
    ----------
    path : str or Path
        A file with a header, read as it is replayed.
    time_column : str
        The column with the time; the others are the fields.
    unit : {"iso", "s", "ms"}
        ISO 8601 (without an offset it is UTC), or a number of seconds or milliseconds.

    Raises
    ------
    InputError
        If there is no such file, column or unit, or a row has no time; it names the row.
    """
    if not Path(path).is_file():
        raise InputError(f"{str(path)!r} is not a file: correct the path")

    def rows() -> Iterator[Mapping[str, Any]]:
        with Path(path).open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)

    with Path(path).open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file), [])
    return _replay(rows, header, time_column, unit)


def from_frame(frame: Any, time_column: str, *, unit: str = "iso") -> Series:
    """Replay a pandas DataFrame by its time column; see `from_csv`."""

    def rows() -> Iterator[Mapping[str, Any]]:
        columns = [str(name) for name in frame.columns]
        for values in frame.itertuples(index=False, name=None):
            yield dict(zip(columns, values, strict=True))

    return _replay(rows, [str(name) for name in frame.columns], time_column, unit)


def _replay(
    rows: Callable[[], Iterator[Mapping[str, Any]]], header: list[str], column: str, unit: str
) -> Series:
    if column not in header:
        raise InputError(f"there is no column {column!r}: choose one of {', '.join(header)}")
    if unit not in ("iso", "s", "ms"):
        raise InputError(f"unit={unit!r}: give 'iso', 's' or 'ms'")

    def points() -> Iterator[Point]:
        first: float | None = None
        for number, row in enumerate(rows()):
            at_ms = _time_ms(row[column], unit, number)
            first = at_ms if first is None else first
            yield at_ms - first, {name: _plain(row[name]) for name in row if name != column}

    return Series(points)


def _time_ms(value: Any, unit: str, number: int) -> float:
    try:
        if unit != "iso":
            return float(value) * (1000 if unit == "s" else 1)
        when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000
    except (TypeError, ValueError) as error:
        raise InputError(
            f"row {number}: {value!r} is no time in the unit {unit!r}: correct it"
        ) from error


def _plain(value: Any) -> str | bytes | int | float:
    if isinstance(value, str | bytes | int | float) and not isinstance(value, bool):
        return value
    item = getattr(value, "item", None)  # a numpy scalar
    plain = item() if callable(item) else value
    return plain if isinstance(plain, int | float) and not isinstance(plain, bool) else str(plain)
