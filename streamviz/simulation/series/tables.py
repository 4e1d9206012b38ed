"""Series from tables: replay a file, a frame or dicts by the time of each row."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from streamviz.errors import InputError, check_type, meant
from streamviz.simulation.series.base import Fields, Point, Series
from streamviz.simulation.series.files import Row, TextFile, check_options
from streamviz.simulation.series.frames import (
    check_is_table,
    columns_of,
    frame_table,
    has_index,
    parquet_frame,
)
from streamviz.simulation.series.order import TimedRow, in_order, in_sorted_order
from streamviz.simulation.series.times import TimeReader, Unit
from streamviz.simulation.series.values import is_missing, stored

_MS = 1_000_000  # nanoseconds
_NO_TIME = ("", "na", "n/a", "nan", "nat", "null", "none", "-", "?")


def read(
    source: Any,
    time: str | int | Sequence[str] | None = None,
    *,
    unit: Unit | None = None,
    format: str | None = None,  # noqa: A002 -- as pandas calls it
    dayfirst: bool | None = None,
    tz: str | tzinfo | None = None,
    sort: bool = False,
    keep_time: bool = False,
    delimiter: str | None = None,
    header: bool = True,
    names: Sequence[str] | None = None,
    encoding: str = "utf-8",
    skip: int | str = 0,
) -> Series:
    """Replay a table by the time of each row; the first row is at 0 ms.

    All columns but the time become fields. Texts and numbers are stored as they are; all values of
    a CSV are texts. A missing value (None, NaN, NA, NaT or an empty cell) becomes an empty text.
    True and False become ``true`` and ``false``; lists, dicts and arrays become JSON.

    Parameters
    ----------
    source : path, frame or iterable of dict
        A file: CSV with any separator, JSON Lines or Parquet (the extra ``parquet``). It may
        be compressed with gzip, bzip2 or xz. Or a frame of pandas, polars or Arrow. All rows are
        checked at the call; those of a CSV or of JSON Lines are read again for the replay.
    time : str or sequence of str, optional
        The column with the time, or those with its date and its time of day. Default: the index
        of a pandas frame.
    unit : {"s", "ms", "us", "ns"}, optional
        The unit of times that are numbers. Other times are dates.
    format : str, optional
        How dates are written, as `datetime.strptime` takes it. Default: ISO 8601 and the like.
    dayfirst : bool, optional
        Whether 1/2/2026 is the first of February.
    tz : str or tzinfo, optional
        The zone of times that name none, such as ``"Europe/Zurich"``. Default: UTC. With a zone, an
        hour that comes twice is read in the order of the rows. With `sort`, the rows may begin with
        the oldest or the newest; in another order, such an hour is refused.
    sort : bool
        Whether to sort the rows by time. Otherwise a row that goes back in time is refused.
    keep_time : bool
        Whether to keep the data's own times: series merge by them, a virtual run begins at the
        first of them, and entry IDs have them.
    delimiter : str, optional
        What separates the values of a CSV. Default: guess it from the first rows.
    header : bool
        Whether the first row of a CSV has the names. If not, the columns are ``"0"``, ``"1"`` ...
    names : sequence of str, optional
        The names of a CSV's columns, in place of the header's.
    encoding : str
        The encoding of a text file.
    skip : int or str
        How many lines stand before the header of a CSV; or the sign, such as ``"#"``, with which
        the lines to leave out begin.

    Raises
    ------
    InputError
        At the call, if an option, the file or a row is wrong. The message names the row, counted
        from 0 after the header, its line in a file, and the next step.

    Examples
    --------
    >>> from streamviz import series
    >>> trips = [{"at": "2026-01-31 08:00", "km": 3}, {"at": "2026-01-31 08:01", "km": None}]
    >>> series.read(trips, "at").take(2)
    [(0.0, {'km': 3}), (60000.0, {'km': ''})]
    """
    times = TimeReader(unit, format, dayfirst, tz)
    for name, value in (("sort", sort), ("keep_time", keep_time)):
        check_type(name, value, bool, "True or False")
    columns, rows = _table(source, time, (delimiter, header, names, encoding, skip))
    parts: Sequence[Any] = time if isinstance(time, list | tuple) and time else [time]
    keys = [_time_column(part, columns, has_index(source), header=header) for part in parts]

    def timed() -> Iterator[tuple[int, Fields]]:
        table = _timed(rows(), keys, times)
        return in_sorted_order(list(table)) if sort else in_order(table, keys[0], times)

    first, _ = next(timed(), (0, {}))
    if keep_time:
        if first < 0:
            raise InputError("an ID has no time before 1970: leave keep_time out")
        first -= first % _MS

    def points() -> Iterator[Point]:
        return (((ns - first) / _MS, fields) for ns, fields in timed())

    replay = Series(points, began_ms=first // _MS if keep_time else None, ends=True)
    for _ in replay:  # report a bad row now, not half-way through a show
        pass
    return replay


def _table(
    source: Any, time: Any, options: tuple[str | None, bool, Sequence[str] | None, str, int | str]
) -> tuple[list[str], Callable[[], Iterator[Row]]]:
    """Return the columns of a table, and a function that yields its rows from the start."""
    delimiter, header, names, _, skip = options
    if isinstance(source, str | Path):
        path = Path(os.path.expanduser(source))
        if not os.path.isfile(path):
            advice = ", or download it" if "://" in str(source) else ""
            raise InputError(f"{str(source)!r} is not a file: correct the path{advice}")
        file = TextFile(path, *options)
        check_options(file)
        if file.kind == "csv":
            return file.columns, file.rows
    if delimiter is not None or names is not None or not header or skip:
        raise InputError("delimiter=, names=, header= and skip= are for CSV files: leave them out")
    if isinstance(source, str | Path):
        if file.kind != "parquet":
            if file.kind == "lines":
                check_is_table(file, time)
            return columns_of(file.rows()), file.rows
        source = parquet_frame(file.path)
    if (table := frame_table(source)) is not None:
        columns, values = table
        return columns, lambda: (
            (f"row {index}", dict(zip(columns, row, strict=True)))
            for index, row in enumerate(values)
        )
    if isinstance(source, bytes | Mapping) or not isinstance(source, Iterable):
        raise InputError(
            f"{source!r:.80} is not a table: give a file's path, a frame of pandas, polars or "
            "Arrow, or a list of dicts; for pairs of (at_ms, fields), call Series.of"
        )
    labelled = []
    for index, row in enumerate(source):
        if not isinstance(row, Mapping):
            raise InputError(
                f"row {index} is {row!r:.80}: give dicts of columns and values; for pairs of "
                "(at_ms, fields), call Series.of"
            )
        named = {str(name): value for name, value in row.items()}
        if len(named) < len(row):
            raise InputError(f"row {index} has two columns of one name: {row!r:.80}; rename one")
        labelled.append((f"row {index}", named))
    return columns_of(labelled), lambda: iter(labelled)


def _time_column(
    time: str | int | None, columns: list[str], has_index: bool, *, header: bool
) -> str:
    if duplicates := sorted({name for name in columns if columns.count(name) > 1}):
        raise InputError(
            f"there are two columns {duplicates[0]!r}: rename one of them; of a CSV, give names="
        )
    if time is None and has_index:
        return columns[0]
    if time is not None and str(time) in columns:
        return str(time)
    if not columns:
        raise InputError("the table is empty: give one with a row at least")
    names = ", ".join(columns)
    if time is None:
        raise InputError(f"time= is missing: name the column with the time, of {names}")
    step = meant(str(time), columns, f"choose one of {names}")
    numbers = header and any(name.replace(".", "").isdigit() for name in columns)
    values = "; if these are values, not names, give header=False" * numbers
    raise InputError(f"there is no column {str(time)!r}: {step}{values}")


def _timed(rows: Iterable[Row], keys: list[str], times: TimeReader) -> Iterator[TimedRow]:
    """Yield the rows, each with its time."""
    for label, row in rows:
        if not isinstance(row, Mapping):
            raise InputError(f"{label} is {row!r:.80}: give a dict of columns and values")
        if lost := [key for key in keys if key not in row]:
            raise InputError(
                f"{label} has no {lost[0]!r}, but {', '.join(map(str, row))}: leave the row out"
            )
        if empty := [key for key in keys if _has_no_time(row[key])]:
            raise InputError(
                f"{label} has no time: fill in {empty[0]!r}, or leave such rows out, in pandas "
                f"with frame.dropna(subset=[{empty[0]!r}])"
            )
        value = row[keys[0]] if len(keys) == 1 else " ".join(str(row[key]) for key in keys)
        try:
            ns, again_ns = times.ns(value)
        except (ValueError, OverflowError) as error:
            raise InputError(f"{label}: {value!r} is not a time: {error}") from error
        fields = {
            str(name): stored(row[name], f"{label}, column {name!r}")
            for name in row
            if name not in keys
        }
        if not fields:
            raise InputError(f"{label} has nothing but its time: add a column for a field")
        yield TimedRow(label, value, ns, again_ns, fields)


def _has_no_time(value: Any) -> bool:
    return is_missing(value) or (isinstance(value, str) and value.strip().lower() in _NO_TIME)
