"""Rows as a pandas frame with typed columns, missing values, and times in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from streamviz.errors import InputError, StreamVizError, install_command

if TYPE_CHECKING:
    import pandas

Kind = Literal["time", "Int64", "Float64", "string"]


def make_frame(kinds: Mapping[str, Kind], rows: Sequence[Sequence[Any]]) -> pandas.DataFrame:
    """Return rows as a frame, whose columns have the same types with and without rows.

    A type is pandas' name of it, or ``"time"``, whose values are in milliseconds since 1970-01-01
    UTC. None is missing. StreamVizError if pandas is not installed; InputError if a number does not
    fit into 64 bits with a sign.
    """
    try:
        import pandas
    except ImportError as error:
        raise StreamVizError(f"to_frame() needs pandas: {install_command('pandas')}") from error
    columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
    series = {}
    for (name, kind), values in zip(kinds.items(), columns, strict=True):
        try:
            series[name] = _series(kind, values)
        except (OverflowError, TypeError) as error:  # pandas raises either
            raise InputError(
                f"{name} has a number that a frame can't hold: give numbers below 2**63"
            ) from error
    return pandas.DataFrame(series)


def _series(kind: Kind, values: Sequence[Any]) -> pandas.Series[Any]:
    import numpy
    import pandas

    if kind == "time":
        return pandas.Series(numpy.array(values, "datetime64[ms]")).dt.tz_localize("UTC")
    if kind == "string":
        values = [value if value is None else _text(value) for value in values]
    return pandas.Series(values, dtype=kind)


def _text(value: Any) -> str:
    """Return a text that Arrow can hold: surrogates, which stand for bytes, are written out."""
    return str(value).encode("utf-8", "backslashreplace").decode()
