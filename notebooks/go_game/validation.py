"""Validation of messages, field by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from go_game.rules import SIZES, Coord, Player, brief
from streamviz.errors import InputError

NAME_LIMIT = 200

Check = Callable[[str, Any], Any]


class BadMessage(InputError):
    """An entry is not a valid message of its topic; the text says why."""


def name(field: str, value: Any) -> str:
    """Return a value if it is an ID: a string of 1 to 200 characters."""
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LIMIT:
        raise BadMessage(f"{field}={brief(value)}: send a string of 1 to {NAME_LIMIT} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadMessage(f"{field}={brief(value)} is not valid Unicode: {error}") from error
    return value


def coord(field: str, value: Any) -> Coord:
    """Return a point, on the board or not."""
    if not (isinstance(value, dict) and all(type(value.get(axis)) is int for axis in "xy")):
        raise BadMessage(f'{field}={brief(value)}: send {{"x": 3, "y": 3}}, or null to pass')
    return Coord(value["x"], value["y"])


def coords(field: str, value: Any) -> tuple[Coord, ...]:
    """Return a list of points."""
    if not isinstance(value, list):
        raise BadMessage(f"{field}={brief(value)}: send a list of points")
    return tuple(coord(field, one) for one in value)


def one_of(*choices: Any) -> Check:
    """Return a check that accepts only these values."""

    def check(field: str, value: Any) -> Any:
        for choice in choices:
            if type(value) in (str, int) and value == choice:
                return choice
        raise BadMessage(f"{field}={brief(value)}: send one of {', '.join(map(str, choices))}")

    return check


OF: dict[str, Check] = {  # every other field is an ID
    "player": one_of(*Player),
    "coord": lambda field, value: None if value is None else coord(field, value),
    "captured": coords,
    "visibility": one_of("PUBLIC", "PRIVATE"),
    "board_size": one_of(*SIZES),
}
