"""Check the numbers and texts that a caller gives. NumPy's numbers count as numbers."""

from __future__ import annotations

import math
import sys
from numbers import Integral, Real
from typing import Any

from streamviz.client.resp import to_bytes
from streamviz.errors import InputError


def plain(value: Any) -> str | bytes | int | float | None:
    """Return a value as a plain str, bytes, int or float, or None if Redis cannot store it.

    A NumPy scalar becomes the number it holds, a Decimal the text of its digits. `to_bytes` decides
    what Redis can store.
    """
    if type(value) in (str, bytes, int, float):
        return value  # type: ignore[no-any-return]
    if isinstance(value, bytes):
        return bytes(value)
    try:
        written = to_bytes(value).decode("utf-8", "surrogateescape")
    except InputError:
        return None
    if isinstance(value, Integral):
        return int(written)
    return float(written) if isinstance(value, Real) else written


def number(name: str, value: float, least: float = -math.inf) -> float:
    """Return `value` if it is a finite number of at least `least`."""
    checked = plain(value)
    if not isinstance(checked, int | float) or not least <= checked < math.inf:
        limit = f", {least:g} or more" if least > -math.inf else ""
        raise InputError(f"{name}={value!r}: give a number{limit}")
    return checked


def positive(name: str, value: float, most: float = sys.float_info.max) -> float:
    """Return `value` if it is a number above 0 and at most `most`."""
    checked = plain(value)
    if not isinstance(checked, int | float) or not 0 < checked <= most:
        limit = f", at most {most:.0f}" if most < sys.float_info.max else ""
        raise InputError(f"{name}={value!r}: give a number above 0{limit}")
    return checked


def probability(name: str, value: float) -> float:
    """Return `value` if it is a number from 0 to 1."""
    checked = plain(value)
    if not isinstance(checked, int | float) or not 0 <= checked <= 1:
        raise InputError(f"{name}={value!r}: give a probability, 0 to 1")
    return checked


def text(name: str, value: str) -> str:
    """Return `value` if it is a text of at least one character."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name}={value!r}: give a text of at least one character")
    return value
