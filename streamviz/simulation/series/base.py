"""A series, and what may be in one."""

from __future__ import annotations

import heapq
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from numbers import Integral, Rational, Real
from typing import Any

from streamviz.errors import InputError

Fields = dict[str, str | bytes | int | float]
Point = tuple[float, Fields]


class Series:
    """An iterable of points; each time it is walked, the same ones come.

    Parameters
    ----------
    start : callable
        Returns a new iterator of ``(at_ms, fields)``.

    Examples
    --------
    >>> from streamviz.simulation.series import constant
    >>> constant(rate_hz=2).take(2)
    [(0.0, {'n': 0}), (500.0, {'n': 1})]
    >>> constant(rate_hz=1).merge(constant(rate_hz=1).shift(250)).limit(3).times()
    [0.0, 250.0, 1000.0]
    """

    def __init__(self, start: Callable[[], Iterator[Point]]) -> None:
        self._start = start

    @classmethod
    def of(cls, points: Iterable[Any]) -> Series:
        """Make a series of any iterable of ``(at_ms, fields)``.

        A generator can be walked once. Points are checked as they come.
        """
        if isinstance(points, Series):
            return points
        if not isinstance(points, Iterable):
            raise InputError(f"{points!r} is not iterable: give pairs of (at_ms, fields)")
        return cls(lambda: iter(points))

    def __iter__(self) -> Iterator[Point]:
        last = -math.inf
        for number, item in enumerate(self._start()):
            at_ms, fields = _checked(number, item)
            if at_ms < last:
                raise InputError(
                    f"point {number} is at {at_ms:g} ms, after one at {last:g} ms: "
                    "a series can't go back in time; sort it first"
                )
            last = at_ms
            yield at_ms, fields

    def merge(self, *others: Iterable[Point]) -> Series:
        """Return the points of all, in the order of time; of equal times the first one's first."""
        every = [self, *(Series.of(other) for other in others)]
        return Series(lambda: heapq.merge(*every, key=lambda point: point[0]))

    def shift(self, ms: float) -> Series:
        """Return the same points, all later by `ms`."""
        by = number("ms", ms, 0)
        return Series(lambda: ((at_ms + by, fields) for at_ms, fields in self))

    def limit(self, n: int) -> Series:
        """Return the first `n` points."""
        most = whole("n", n, 0)
        return Series(lambda: itertools.islice(iter(self), most))

    def speed(self, factor: float) -> Series:
        """Return the same points in ``1 / factor`` of the time."""
        by = rate_of("factor", factor)
        return Series(lambda: ((at_ms / by, fields) for at_ms, fields in self))

    def take(self, n: int) -> list[Point]:
        """Return the first `n` points as a list."""
        return list(self.limit(n))

    def times(self) -> list[float]:
        """Return all times in milliseconds; only of a series that ends."""
        return [at_ms for at_ms, _ in self]


def _checked(number: int, item: Any) -> Point:
    try:
        at_ms, fields = item
        at_ms = float(at_ms)
    except (TypeError, ValueError) as error:
        raise InputError(f"point {number} is {item!r}: give a pair of (at_ms, fields)") from error
    if not math.isfinite(at_ms):
        raise InputError(f"point {number} is at {at_ms!r} ms: give a finite time")
    if not isinstance(fields, Mapping) or not fields:
        raise InputError(f"point {number} has the fields {fields!r}: give a dict with at least one")
    stored: Fields = {}
    for name, value in fields.items():
        kept = plain(value)
        if kept is None:
            raise InputError(
                f"point {number}, field {name!r}: {value!r} is of type {type(value).__name__}: "
                "give str, bytes, int or float"
            )
        stored[name] = kept
    return at_ms, stored


def plain(value: Any) -> str | bytes | int | float | None:
    """Return a value as str, bytes, int or float, or None if it is neither text nor a number.

    A NumPy scalar is the number it holds, and a Decimal the text of its digits; a bool is no
    number.
    """
    if type(value) in (str, bytes, int, float):
        return value  # type: ignore[no-any-return]
    if isinstance(value, str | bytes):
        return str.__str__(value) if isinstance(value, str) else bytes(value)
    if isinstance(value, Integral) and hasattr(value, "__index__"):
        return None if isinstance(value, bool) else operator.index(value)
    if isinstance(value, Real) and not isinstance(value, Rational):
        return float(value)
    return str(value) if isinstance(value, Decimal) else None


def number(name: str, value: float, least: float = -math.inf) -> float:
    """Return a finite number if it is one, `least` or more."""
    found = plain(value)
    if not isinstance(found, int | float) or not least <= found < math.inf:
        more = f", {least:g} or more" if least > -math.inf else ""
        raise InputError(f"{name}={value!r}: give a number{more}")
    return found


def whole(name: str, value: int, least: float = -math.inf) -> int:
    """Return a whole number if it is one, `least` or more."""
    found = plain(value)
    if not isinstance(found, int) or found < least:
        more = f", {least:g} or more" if least > -math.inf else ""
        raise InputError(f"{name}={value!r}: give a whole number{more}")
    return found


def rate_of(name: str, value: float) -> float:
    """Return a finite number if it is one, above 0."""
    found = plain(value)
    if not isinstance(found, int | float) or not 0 < found < math.inf:
        raise InputError(f"{name}={value!r}: give a number above 0")
    return found


def word(name: str, value: str) -> str:
    """Return a text if it is one, and not empty."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name}={value!r}: give a text, with one character at least")
    return value
