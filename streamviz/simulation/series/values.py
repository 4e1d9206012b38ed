"""Turn a value in a table into the value of a field."""

from __future__ import annotations

import json
from decimal import Decimal
from numbers import Number, Real
from typing import Any

from streamviz.errors import InputError
from streamviz.simulation.checks import plain
from streamviz.simulation.series.base import check_storable

_COLLECTIONS = (list, tuple, dict, set, frozenset)


def is_missing(value: Any) -> bool:
    """Return whether this is None, NaN, NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    compares = isinstance(value, Real) or type(value).__name__ == "datetime64"
    return compares and bool(value != value)


def stored(value: Any, where: str) -> str | bytes | int | float:
    """Return a value as a field stores it; see `streamviz.series.read`."""
    if is_missing(value):
        return ""
    if type(value).__name__ in ("bool", "bool_"):  # Python's and NumPy's
        return "true" if value else "false"
    try:
        if type(value).__name__ == "ndarray" or isinstance(value, _COLLECTIONS):
            return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_listed)
    except RecursionError as error:
        raise InputError(f"{where}: a value can't be JSON: it is nested too deeply") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {value!r} can't be JSON ({error}): convert it first") from error
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    result = plain(value)
    if result is None:
        if _has_no_text(type(value)):
            raise InputError(
                f"{where}: a {type(value).__name__} has no text of its own: convert it first, for "
                "example with str() or bytes()"
            )
        result = str(value)
    check_storable(where, result)
    return result


def _has_no_text(kind: type[object]) -> bool:
    """Return whether the text of a value is its repr, which may be of an address in memory."""
    return kind.__str__ is object.__str__ and not issubclass(kind, Number)


def _listed(value: Any) -> Any:
    """Return NumPy's arrays and numbers as Python's."""
    if not hasattr(value, "tolist"):
        raise TypeError(f"a {type(value).__name__} has no JSON")
    return value.tolist()
