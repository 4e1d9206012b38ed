"""The exercises of notebook 08: read fields by name, not by index, and compare IDs as numbers."""

from __future__ import annotations

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, grade
from streamviz.client.stream import Stream

_BILLS = ({"price": 3, "table": 7}, {"table": 4, "price": 2}, {"price": 5, "table": 1})
_PRICES = 10
_BY_INDEX = 12
_LAST = {"north": "998-7", "south": "10000-0", "west": "9999-1"}


def new_till(client: redis.Redis) -> Stream:
    """Return ``till`` with three bills whose fields are in different orders."""
    client.delete("till", "takings")
    till = Stream(client, "till")
    till.add_many((f"{n}-0", bill) for n, bill in enumerate(_BILLS, 1))
    return till


@hinted("`till` must be a stream and `takings` a string: start again with new_till.")
def check_till(till: Stream) -> Verdict:
    """Grade exercise 1: the key ``takings`` holds the sum of the prices."""
    takings = _text(till, "takings")
    return grade(
        "you read the prices by name, in any order of the fields.",
        [
            (till.length() != len(_BILLS), "the bills are missing: start again with new_till."),
            (not takings, "there is no key `takings`: set it to the sum."),
            (
                takings == str(_BY_INDEX),
                "the sum includes a table's number: read fields by name, not by index.",
            ),
            (takings != str(_PRICES), f"takings are {takings}, but should be {_PRICES}."),
        ],
    )


def new_gates(client: redis.Redis) -> list[Stream]:
    """Return the streams ``north``, ``south`` and ``west``, each with one entry."""
    client.delete(*_LAST, "newest")
    gates = [Stream(client, name) for name in _LAST]
    for gate in gates:
        gate.add({"gate": gate.key}, id=_LAST[gate.key])
    return gates


@hinted("`newest` is not a string: set it to an ID, as text.")
def check_gates(client: redis.Redis) -> Verdict:
    """Grade exercise 2: the key ``newest`` holds the largest of the three last IDs."""
    newest = _text(Stream(client, "north"), "newest")
    return grade(
        "IDs are two numbers, and you compared them as numbers.",
        [
            (not newest, "there is no key `newest`: set it to an ID, as text."),
            (newest not in _LAST.values(), f"{newest} is not one of the three last IDs."),
            (newest != _LAST["south"], f"{newest} is not the newest: as text, 9 sorts after 10."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete("till", "takings", "newest", *_LAST)


def _text(stream: Stream, key: str) -> str:
    """Return a string (GET), whatever the client decodes; empty if the key does not exist."""
    value: bytes | None = stream.connection.call("GET", key)
    return "" if value is None else value.decode("utf-8", "replace")
