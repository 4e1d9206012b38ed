"""The exercises of notebook 08: read fields by name, not by index, and compare IDs as numbers."""

from __future__ import annotations

from random import choice, randint, sample

import redis

from exercises.boxes import boxes
from exercises.hints import hinted
from exercises.picture import Picture
from exercises.verdict import Verdict, grade
from streamviz.client.stream import Stream

_GATES = ("north", "east", "south", "west")


def new_till(client: redis.Redis) -> Stream:
    """Return ``till`` with three bills of random prices; their fields are in different orders."""
    client.delete("till", "takings")
    till = Stream(client, "till")
    # neither the position of a number nor its size tells what it is
    low, middle, high = sorted(sample(range(1, 100), 3))
    first, second = {"price": high, "table": low}, {"table": high, "price": middle}
    third = {"price": low, "table": middle}
    bills = (first, second, third)
    till.add_many((f"{n}-0", bill) for n, bill in enumerate(bills, 1))
    return till


def _bills(till: Stream) -> Picture:
    """Draw the names of each bill's fields, in their order."""
    return boxes({f"bill {entry.id.ms}": entry.fields for entry in till.range()})


@hinted("`till` must be a stream and `takings` a string: start again with new_till.", _bills)
def check_till(till: Stream) -> Verdict:
    """Grade exercise 1: the key ``takings`` holds the sum of the prices."""
    takings = _text(till, "takings")
    bills = [entry.fields for entry in till.range()]
    prices = sum(int(bill["price"]) for bill in bills)
    return grade(
        "you read the prices by name, in any order of the fields.",
        [
            (len(bills) != 3, "the bills are missing: start again with new_till."),
            (not takings, "there is no key `takings`: set it to the sum."),
            (
                takings == str(sum(int(next(iter(bill.values()))) for bill in bills))
                and bool(bills),
                "the sum includes a table's number: read fields by name, not by index.",
            ),
            (takings != str(prices), f"takings are {takings}, but should be {prices}."),
        ],
    )


def new_gates(client: redis.Redis) -> list[Stream]:
    """Return the streams of four gates, each with one entry.

    Compared as text, by their length, by one of their two numbers or by the gates' own order, they
    are in a wrong order.
    """
    client.delete(*_GATES, "newest")
    ms = 10 ** randint(4, 8)
    ids = [f"{ms}-9", f"{ms}-10", f"{ms}-8"]  # by milliseconds alone, the first or last is largest
    ids.insert(choice((0, 3)), f"{ms - 1}-12345")
    gates = [Stream(client, name) for name in _GATES]
    for gate, entry_id in zip(gates, ids, strict=True):
        gate.add({"gate": gate.key}, id=entry_id)
    return gates


@hinted("`newest` is not a string, or a gate is missing: start again with new_gates.")
def check_gates(client: redis.Redis) -> Verdict:
    """Grade exercise 2: the key ``newest`` holds the largest of the four last IDs."""
    newest = _text(Stream(client, "north"), "newest")
    last = [Stream(client, gate).info().last_generated_id for gate in _GATES]
    return grade(
        "IDs are two numbers, and you compared them as numbers.",
        [
            (not newest, "there is no key `newest`: set it to an ID, as text."),
            (newest not in map(str, last), f"{newest} is not one of the four last IDs."),
            (
                newest != str(max(last)),
                f"{newest} is not the newest: compare the milliseconds as a number, "
                "and then the sequence.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete("till", "takings", "newest", *_GATES)


def _text(stream: Stream, key: str) -> str:
    """Return a string (GET), whatever the client decodes; empty if the key does not exist."""
    value: bytes | None = stream.connection.call("GET", key)
    return "" if value is None else value.decode("utf-8", "replace")
