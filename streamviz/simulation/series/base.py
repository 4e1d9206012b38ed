"""The Series class: points in time, each with its fields."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import GEN_CLOSED, getgeneratorstate, isgenerator
from operator import itemgetter
from typing import Any

from streamviz.client.arguments import whole_number
from streamviz.client.entry_id import EntryId
from streamviz.client.resp import to_bytes
from streamviz.errors import InputError
from streamviz.simulation.checks import is_ours, number, plain, positive

_LONG_BITS = 2000  # Python may be set to write 640 digits at most
Fields = dict[str, str | bytes | int | float]
Point = tuple[float, Fields]


class Series:
    """An iterable of points; every iteration gives the same ones.

    Parameters
    ----------
    start : callable
        Returns a new iterator of ``(at_ms, fields)``.
    began_ms : int, optional
        The time of 0 ms, in milliseconds since 1970 UTC, if the data have times of their own.
    ends : bool
        Whether it is known to end.

    Attributes
    ----------
    runs_callers_code : bool
        Whether a function of the caller makes the points, and so may look at the streams.

    Examples
    --------
    >>> from streamviz.simulation.series import constant
    >>> constant(rate_hz=2).take(2)
    [(0.0, {'n': 0}), (500.0, {'n': 1})]
    >>> constant(rate_hz=1).merge(constant(rate_hz=1).shift(250)).limit(3).times()
    [0.0, 250.0, 1000.0]
    """

    def __init__(
        self,
        start: Callable[[], Iterator[Point]],
        *,
        began_ms: int | None = None,
        ends: bool = False,
    ) -> None:
        if not callable(start):
            raise InputError(f"{start!r} is not callable: call Series.of(points) for points")
        self._start = start
        self.runs_callers_code = not is_ours(start)
        self.began_ms = began_ms
        self.ends = ends

    @classmethod
    def of(cls, points: Iterable[Any]) -> Series:
        """Make a series from any iterable of ``(at_ms, fields)``.

        A generator can be iterated only once. Each point is checked when it is reached.
        """
        if isinstance(points, Series):
            return points
        if not isinstance(points, Iterable):
            call = ": call it" if callable(points) else ""
            raise InputError(f"{points!r} is not iterable{call}: give pairs of (at_ms, fields)")
        if isinstance(points, str | bytes | Mapping):
            raise InputError(
                f"{points!r} is not a series: give pairs of (at_ms, fields), for example "
                "series.orders(rate_hz=5)"
            )
        if isinstance(points, Sequence) and points:
            _checked(0, points[0])
        if isgenerator(points) and getgeneratorstate(points) == GEN_CLOSED:
            raise InputError(f"{points!r} has ended: call its function again for a new one")
        made = cls(lambda: iter(points), ends=isinstance(points, Sequence))
        made.runs_callers_code = not isinstance(points, Sequence)
        return made

    def __iter__(self) -> Iterator[Point]:
        last = -math.inf
        for index, item in enumerate(self._start()):
            at_ms, fields = _checked(index, item)
            if at_ms < last:
                raise InputError(
                    f"point {index} is at {at_ms:g} ms, after one at {last:g} ms: "
                    "a series can't go back in time; sort it first"
                )
            last = at_ms
            yield at_ms, fields

    def merge(self, *others: Iterable[Point]) -> Series:
        """Return the points of all series in time order; points of equal time keep series order.

        Series that keep their own times (`read` with ``keep_time=True``) are merged by these.
        """
        parts = [self, *(Series.of(other) for other in others)]
        ends = all(part.ends for part in parts)
        begun = [part.began_ms for part in parts if part.began_ms is not None]
        if begun and len(begun) < len(parts):
            raise InputError(
                "one series has times of its own and another one has not: read all of them with "
                "keep_time=True, or none"
            )
        first = min(begun, default=None)
        if first is not None:
            parts = [part.shift(at - first) for part, at in zip(parts, begun, strict=True)]
        merged = Series(lambda: heapq.merge(*parts, key=itemgetter(0)), began_ms=first, ends=ends)
        merged.runs_callers_code = any(part.runs_callers_code for part in parts)
        return merged

    def shift(self, ms: float) -> Series:
        """Return the same points, `ms` milliseconds later."""
        delay_ms = number("ms", ms, 0)
        return self._like(lambda: ((at_ms + delay_ms, fields) for at_ms, fields in self))

    def limit(self, n: int) -> Series:
        """Return the first `n` points."""
        count = whole_number("n", n, 0)
        limited = self._like(lambda: itertools.islice(self, count))
        limited.ends = True
        return limited

    def speed(self, factor: float) -> Series:
        """Return the same points, `factor` times as fast."""
        divisor = positive("factor", factor)
        return self._like(lambda: ((at_ms / divisor, fields) for at_ms, fields in self))

    def take(self, n: int) -> list[Point]:
        """Return the first `n` points as a list."""
        return list(self.limit(n))

    def times(self) -> list[float]:
        """Return all times in milliseconds. The series must end."""
        return [at_ms for at_ms, _ in self]

    def entries(self) -> Iterator[tuple[EntryId, Fields]]:
        """Yield each point as an ID with the data's own time, and its fields, for `add_many`.

        Examples
        --------
        >>> from streamviz import series
        >>> rows = [{"at": "2026-01-31", "km": 3}, {"at": "2026-01-31", "km": 5}]
        >>> for entry_id, fields in series.read(rows, "at", keep_time=True).entries():
        ...     print(entry_id, fields)
        1769817600000-0 {'km': 3}
        1769817600000-1 {'km': 5}
        """
        if self.began_ms is None:
            raise InputError(
                "this series has no times of its own: make it with series.read(..., keep_time=True)"
            )
        return self._entries(self.began_ms)

    def _entries(self, began_ms: int) -> Iterator[tuple[EntryId, Fields]]:
        last = EntryId.ZERO
        for at_ms, fields in self:
            ms = began_ms + math.floor(at_ms + 0.5)
            last = last.next() if ms == last.ms else EntryId(ms)
            yield last, fields

    def _like(self, start: Callable[[], Iterator[Point]]) -> Series:
        made = Series(start, began_ms=self.began_ms, ends=self.ends)
        made.runs_callers_code = self.runs_callers_code
        return made


def check_storable(where: str, value: str | bytes | int | float) -> None:
    """Refuse half of a surrogate pair, and an integer with more digits than Python writes."""
    if isinstance(value, str):
        safe = value.isascii()
    else:
        safe = not isinstance(value, int) or value.bit_length() < _LONG_BITS
    if safe:
        return
    try:
        to_bytes(value)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _checked(index: int, item: Any) -> Point:
    try:
        at_ms, fields = item
        at_ms = float(at_ms)
    except (TypeError, ValueError) as error:
        raise InputError(f"point {index} is {item!r}: give a pair of (at_ms, fields)") from error
    if not math.isfinite(at_ms):
        raise InputError(f"point {index} is at {at_ms!r} ms: give a finite time")
    if not isinstance(fields, Mapping) or not fields:
        raise InputError(f"point {index} has the fields {fields!r}: give a dict with at least one")
    plain_fields: Fields = {}
    for name, value in fields.items():
        plain_value = plain(value)
        if plain_value is None:
            raise InputError(
                f"point {index}, field {name!r}: {value!r} is of type {type(value).__name__}: "
                "give str, bytes, int or float"
            )
        if not isinstance(name, str | bytes):
            raise InputError(f"point {index}, field {name!r}: its name is not text: give str(...)")
        plain_fields[name] = plain_value  # type: ignore[index]
        for each in (name, plain_value):
            check_storable(f"point {index}, field {name!r}", each)
    return at_ms, plain_fields
