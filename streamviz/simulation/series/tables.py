"""Series from tables: replay a CSV or a DataFrame by its time column."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streamviz.errors import InputError
from streamviz.simulation.checks import plain
from streamviz.simulation.series.base import Point, Series, check_text

_COLLECTIONS = (list, tuple, dict, set, frozenset)
_GZIP = b"\x1f\x8b"
_LOCAL_TIMES = "; if these are local times of an hour that comes twice, give each its time zone"
Row = tuple[str, Mapping[str, Any]]  # its name in an error message, and its values by column


def from_csv(path: str | Path, time_column: str, *, unit: str = "iso") -> Series:
    """Replay a CSV by its time column; the first row is at 0 ms.

    The values are texts, as they stand in the file: a CSV does not tell a missing value from an
    empty text.

    Parameters
    ----------
    path : str or Path
        A UTF-8 file with a header, separated by commas. It is read once to check it, and again row
        by row as it is replayed.
    time_column : str
        The column with the time. The other columns are the fields.
    unit : {"iso", "s", "ms"}
        ISO 8601 (UTC if it has no offset), or a number of seconds or milliseconds. Local times
        need an offset: when clocks are set back, an hour comes twice.

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
    if len(header) == 1 and (found := next((sep for sep in ";\t|" if sep in header[0]), "")):
        raise InputError(
            f"{str(path)!r} is separated by {found!r}, not by commas: "
            f"read it with pandas.read_csv(path, sep={found!r}) and call from_frame"
        )
    return _replay(lambda: _csv_rows(file, header), header, time_column, unit)


def from_frame(frame: Any, time_column: str, *, unit: str = "iso") -> Series:
    """Replay a pandas DataFrame, as it is now, by its time column; see `from_csv`.

    Texts and numbers are stored as they are, lists and dicts as JSON, times and the rest as text.

    Raises
    ------
    InputError
        As `from_csv`, and if `frame` is not a DataFrame, or a value is missing: None, NA or NaT,
        or NaN, except among floats, where it is a number. As `Stream.add` does, it refuses a bool.
    """
    if not (hasattr(frame, "columns") and hasattr(frame, "itertuples")):
        raise InputError(
            f"a {type(frame).__name__} is not a DataFrame: give a pandas.DataFrame, "
            "or give Series.of pairs of (at_ms, fields)"
        )
    header = [str(name) for name in frame.columns]
    floats = [getattr(kind, "kind", "") == "f" for kind in frame.dtypes]
    table = frame.copy()  # the caller may go on and change the frame

    def rows() -> Iterator[Row]:
        for index, values in enumerate(table.itertuples(index=False, name=None)):
            row = f"row {index}"
            for name, value, is_float in zip(header, values, floats, strict=True):
                missing = value is None or type(value).__name__ in ("NAType", "NaTType")
                if missing or (not is_float and isinstance(value, float) and value != value):
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
                local = "" if unit != "iso" or _has_offset(row[column]) else _LOCAL_TIMES
                raise InputError(
                    f"{label}: {row[column]!r} is earlier than the row above, and a series can't "
                    f"go back in time: sort by {column!r} first{local}"
                )
            first, last = at_ms if first is None else first, at_ms
            yield (
                at_ms - first,
                {
                    name: _stored(row[name], f"{label}, column {name!r}")
                    for name in row
                    if name != column
                },
            )

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
        if line_number == 1 and line.startswith(_GZIP):
            raise InputError(
                f"{str(path)!r} is compressed: unpack it, or read it with "
                "pandas.read_csv(path) and call from_frame"
            )
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
            time = _time(value)
            at_ms = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{row}: {value!r} is not a time in the unit {unit!r}: correct it, or give another unit"
        ) from error
    if not math.isfinite(at_ms):
        raise InputError(f"{row}: {value!r} is not a time: correct it, or delete the row")
    return at_ms


def _time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


def _listed(value: Any) -> Any:
    """Return NumPy's arrays and numbers as Python's."""
    if not hasattr(value, "tolist"):
        raise TypeError(f"a {type(value).__name__} has no JSON")
    return value.tolist()


def _has_offset(value: Any) -> bool:
    return _time(value).tzinfo is not None


def _stored(value: Any, where: str) -> str | bytes | int | float:
    """Return a value as a point holds it: a list or a dict as JSON, a time as text."""
    if type(value).__name__ in ("bool", "bool_"):  # Python's and NumPy's
        raise InputError(f"{where}: {value} is a bool, and Redis has none: use column.astype(int)")
    try:
        if type(value).__name__ == "ndarray" or isinstance(value, _COLLECTIONS):
            return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_listed)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {value!r} can't be JSON ({error}): convert it first") from error
    plain_value = plain(value)
    stored = str(value) if plain_value is None else plain_value
    if isinstance(stored, str):
        check_text(where, stored)
    return stored
