"""Tables in memory: frames of pandas, polars and Arrow, and Parquet files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from streamviz.errors import InputError, install_command
from streamviz.simulation.series.files import Row, TextFile


def frame_table(frame: Any) -> tuple[list[str], list[Sequence[Any]]] | None:
    """Return a frame's columns and its rows as they are now; None if it is no frame.

    The index of a pandas frame comes first; one that only numbers the rows is left out.
    """
    if hasattr(frame, "itertuples") and hasattr(frame, "columns"):  # pandas
        columns = [str(name) for name in frame.columns]
        if not has_index(frame):
            return columns, list(frame.itertuples(index=False, name=None))
        if frame.index.nlevels > 1:
            raise InputError("the frame's index has several levels: call frame.reset_index()")
        columns.insert(0, str(frame.index.name or "index"))
        return columns, list(frame.itertuples(index=True, name=None))
    if hasattr(frame, "iter_rows") and hasattr(frame, "columns"):  # polars
        return list(frame.columns), list(frame.iter_rows())
    if hasattr(frame, "column_names") and hasattr(frame, "itercolumns"):  # Arrow
        columns = list(frame.column_names)
        values = [column.to_pylist() for column in frame.itercolumns()]
        return columns, list(zip(*values, strict=True))
    if hasattr(frame, "to_frame"):
        raise InputError(f"a {type(frame).__name__} has values and no times: give its to_frame()")
    if hasattr(frame, "collect") and hasattr(frame, "lazy"):
        raise InputError(f"a {type(frame).__name__} has no rows yet: give frame.collect()")
    return None


def has_index(frame: Any) -> bool:
    """Return whether a frame's index does more than number its rows."""
    index: Any = getattr(frame, "index", None)
    if not hasattr(index, "nlevels"):
        return False
    return bool(any(index.names) or getattr(index.dtype, "kind", "") not in "iu")


def parquet_frame(path: Path) -> Any:
    """Return the frame in a Parquet file."""
    try:
        import pandas

        return pandas.read_parquet(path)
    except ImportError as error:
        command = install_command("parquet")
        raise InputError(
            f"{str(path)!r} is Parquet, which needs pandas and pyarrow: {command}"
        ) from error
    except Exception as error:  # of pyarrow, many types
        raise InputError(f"{str(path)!r} can't be read ({error}): write it again") from error


def columns_of(rows: Iterable[Row]) -> list[str]:
    """Return the names in the first rows of a table whose rows have names of their own."""
    names: dict[str, None] = {}
    for _, row in islice(rows, 100):
        names |= dict.fromkeys(row if isinstance(row, Mapping) else ())
    return list(names)


def check_is_table(file: TextFile, time: Any) -> None:
    """Raise an InputError if JSON Lines are one object, which holds the rows in a list."""
    with file.text() as lines:
        text = next(lines, "")
        if text.strip()[-1:] != "}" or not next(lines, "").strip():
            lines.seek(0)
            text = lines.read()
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return  # the error names its line
    for name, rows in whole.items():
        if time in whole or not (isinstance(rows, list) and rows and isinstance(rows[0], dict)):
            continue
        code = f"json.load(open({str(file.path)!r}))[{name!r}]"
        for inner, value in rows[0].items():
            if time not in rows[0] and isinstance(value, dict) and time in value:
                code = f"[row[{inner!r}] for row in {code}]"
        raise InputError(f"{str(file.path)!r} is one object, not a table: give {code}")
