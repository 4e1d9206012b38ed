"""What may stand in a recording's line, key by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamviz.errors import RecordingError
from streamviz.observation.events import KINDS, Event

TOP = 2**64 - 1  # what Redis can count to
VERDICTS = ("exact", "suspect", "unknown")


def whole(value: Any) -> bool:
    """Tell whether it is a whole number that Redis could have said."""
    return type(value) is int and -TOP <= value <= TOP


def count(value: Any) -> bool:
    """Tell whether it is such a number, 0 or more."""
    return type(value) is int and 0 <= value <= TOP


def _count_or_none(value: Any) -> bool:
    return value is None or count(value)


def _whole_or_none(value: Any) -> bool:
    return value is None or whole(value)


def text(value: Any) -> bool:
    """Tell whether it is text."""
    return type(value) is str


def _texts_by_name(value: Any) -> bool:
    return type(value) is dict and all(map(text, value.values()))


def _lists_by_name(value: Any) -> bool:
    return type(value) is dict and all(type(one) is list for one in value.values())


def _claims(value: Any) -> bool:
    return type(value) is dict and all(
        type(owners) is dict and all(map(count, owners.values())) for owners in value.values()
    )


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "n": (count, "a whole number, 0 to 2^64 - 1"),
    "time_ms": (whole, "milliseconds since 1970, a whole number"),
    "whole": (lambda value: value is True, "true, or nothing"),
    "stream": (text, "a stream's key as text"),
    "exists": (lambda value: type(value) is bool, "true or false"),
    "trouble": (text, "text"),
    "length": (count, "a whole number, 0 to 2^64 - 1"),
    "entries_added": (count, "a whole number, 0 to 2^64 - 1"),
    "first_id": (text, 'an entry ID as text, "<ms>-<seq>"'),
    "last_id": (text, 'an entry ID as text, "<ms>-<seq>"'),
    "max_deleted_id": (text, 'an entry ID as text, "<ms>-<seq>"'),
    "nodes": (count, "a whole number, 0 to 2^64 - 1"),
    "memory_bytes": (_count_or_none, "a whole number, 0 to 2^64 - 1, or null"),
    "readers": (_texts_by_name, "IDs as text, by the readers' names"),
    "got": (_lists_by_name, "lists of IDs, by the readers' names"),
    "entries": (lambda value: type(value) is list, "a list of IDs"),
    "missed": (count, "a whole number, 0 to 2^64 - 1"),
    "events": (lambda value: type(value) is list, "a list of events"),
    "aged": (whole, "milliseconds, a whole number"),
    "groups": (lambda value: type(value) is dict, "groups by name"),
}
GROUP_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "last_delivered_id": (text, 'an entry ID as text, "<ms>-<seq>"'),
    "entries_read": (_count_or_none, "a whole number, 0 to 2^64 - 1, or null"),
    "lag": (_whole_or_none, "a whole number or null"),
    "verdict": (lambda value: value in VERDICTS, f"one of {', '.join(VERDICTS)}"),
    "reason": (text, "text"),
    "behind_ms": (_whole_or_none, "milliseconds, a whole number, or null"),
    "pending": (count, "a whole number, 0 to 2^64 - 1"),
    "gone": (_whole_or_none, "a whole number or null"),
    "consumers": (lambda value: type(value) is dict, "consumers by name"),
    "left": (lambda v: type(v) is list and all(map(count, v)), "a list of places"),
    "oldest": (lambda value: type(value) is list, "a list of lists"),
    "claimed": (_claims, "numbers by the owners' names, by the consumers' names"),
}


_EVENT_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (lambda value: type(value) is str and value in KINDS, f"one of {', '.join(KINDS)}"),
    "who": (text, "text"),
    "group": (text, "text"),
    "count": (count, "a whole number, 0 to 2^64 - 1"),
    "owners": (lambda v: type(v) is list and all(map(text, v)), "a list of names"),
    "detail": (text, "text"),
}


def event(row: Any) -> Event:
    """Return the event that a line's object stands for.

    Raises
    ------
    RecordingError
        If it is not an event's object.
    """
    if type(row) is not dict or "kind" not in row:
        raise RecordingError(f"{shown(row)} is not an event: give an object with its kind")
    check_keys(row, _EVENT_CHECKS, "an event")
    return Event(**row | {"owners": tuple(row.get("owners", ()))})


def check(row: dict[str, Any]) -> None:
    """Check a line, all but what its groups hold.

    Raises
    ------
    RecordingError
        If a value is none for its key.
    """
    for key in ("n", "time_ms"):
        if key not in row:
            raise RecordingError(f"{key} is missing: restore the line")
    check_keys(row, _CHECKS, "a sample")


def is_consumer(state: Any) -> bool:
    """Tell whether it is what a line says of a consumer."""
    return (
        isinstance(state, list)
        and len(state) == 3
        and count(state[0])
        and whole(state[1])
        and _whole_or_none(state[2])
    )


def check_keys(
    row: dict[str, Any], checks: dict[str, tuple[Callable[[Any], bool], str]], whose: str
) -> None:
    """Check each value by its key.

    Raises
    ------
    RecordingError
        If a value is none for its key, or there is no such key.
    """
    for key, value in row.items():
        if key not in checks:
            raise RecordingError(f"{key!r} is no key of {whose}: remove it, or mend its name")
        good, expected = checks[key]
        if not good(value):
            raise RecordingError(f"{key} is {shown(value)}: give {expected}")


def shown(value: Any) -> str:
    """Return a value for an error, cut where it is long."""
    words = repr(value)
    return words if len(words) <= 80 else f"{words[:79]}…"
