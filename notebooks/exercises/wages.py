"""Wages that are paid once, twice or never, because the power fails in the middle of a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from exercises.boxes import Lost, boxes
from exercises.picture import Picture
from streamviz.client import Entry, Stream

_DARK = "dark"


class PowerCut(BaseException):
    """The power fails in the middle of a loop, and the program stops: no code may catch it."""


def power_cut(entry: Entry, at: str, client: redis.Redis) -> None:
    """Cut the power at one entry, the first time that it is handled.

    Raises
    ------
    PowerCut
        At that entry.
    """
    if str(entry.id) == at and client.set(f"{_DARK}:{at}", 1, nx=True):
        raise PowerCut(at)


def again(read: Callable[[], None]) -> None:
    """Run a reader, and run it again after a power cut."""
    try:
        read()
    except PowerCut:
        read()


def new_wages(client: redis.Redis) -> Stream:
    """Return the stream ``wages`` with three people, none of them paid; the power is on."""
    client.delete("wages", "wages:readers", "paid", f"{_DARK}:2-0")
    wages = Stream(client, "wages")
    wages.add_many((f"{n}-0", {"name": name}) for n, name in enumerate(("ann", "ben", "cy"), 1))
    return wages


def paid(client: redis.Redis) -> Picture:
    """Draw who is to be paid, and who was: once, twice, or not at all."""
    names = [entry.fields["name"] for entry in Stream(client, "wages").range()]
    words: Any = client.lrange("paid", 0, -1)
    got = [word.decode() for word in words]
    row: list[str | Lost] = []
    for name in names:
        row += [name] * got.count(name) or [Lost(name)]
    return boxes({"to be paid": names, "paid": row})


def clean_up(client: redis.Redis) -> None:
    """Delete the wages, and what was paid of them."""
    client.delete("wages", "wages:readers", "paid", f"{_DARK}:2-0")
