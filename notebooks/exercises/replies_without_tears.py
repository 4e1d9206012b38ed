"""The exercises of notebook 08: read fields by name, not by index, and compare IDs as numbers."""

from __future__ import annotations

import re
from html import escape
from itertools import product
from random import choice, randint, sample

import redis

from exercises.hints import hinted
from exercises.picture import Picture
from exercises.verdict import Verdict, grade
from streamviz.client import Stream
from streamviz.plots.parts import GREY, TEXT_COLOURS, colour, on_background

_COLOURS = {"price": colour(0), "table": GREY}
_BILLS = 6
_GATES = ("north", "east", "south", "west")
_old_sums: dict[str, int] = {}  # what `takings` held when each till was new


def new_till(client: redis.Redis) -> Stream:
    """Return ``till`` with six bills of random prices; three of them begin with the table.

    Which three is random, but they are neither those with the smaller number first nor those with
    the larger one. Two of the three also have a tip, one before the price and one after it. Neither
    the position of a number nor its size tells what it is, and no other sum of six numbers, one of
    each bill, is that of the prices. Two prices are equal, and two tables,
    so a set of the prices or a dict by table lacks one. The key ``takings`` holds an old sum, which
    is larger than any sum of the new bills.
    """
    client.delete("till")
    till = Stream(client, "till")
    while True:
        numbers = sample(range(1, 1000), 2 * _BILLS + 2)
        prices, tables = numbers[:_BILLS], numbers[_BILLS : 2 * _BILLS]
        prices[5], tables[3] = prices[4], tables[2]
        begin = sample(range(_BILLS), _BILLS // 2)
        bills = [{"price": one, "table": two} for one, two in zip(prices, tables, strict=True)]
        for n in begin:
            bills[n] = {"table": tables[n], "price": prices[n]}
        first, second = begin[:2]
        bills[first] = {"table": tables[first], "tip": numbers[-2], "price": prices[first]}
        bills[second]["tip"] = numbers[-1]
        sums = [sum(taken) for taken in product(*(bill.values() for bill in bills))]
        smaller = {n for n in range(_BILLS) if tables[n] < prices[n]}
        by_size = {*begin} in (smaller, {*range(_BILLS)} - smaller)
        unlike = prices[0] > tables[0] and prices[1] < tables[1] and not by_size
        if unlike and len(set(sums)) == len(sums):
            break
    till.add_many((f"{n}-0", bill) for n, bill in enumerate(bills, 1))
    _old_sums[till.key] = randint(20_000, 90_000)
    client.set("takings", _old_sums[till.key])
    return till


def _summed(till: Stream) -> Picture:
    """Draw the fields of each bill in their order; those whose sum is ``takings`` are filled.

    Those that begin with the price come first, so that the picture is the same for each `new_till`.
    """
    bills, takings = [entry.fields for entry in till.range()], _whole(till)
    bills.sort(key=lambda bill: [*bill])
    choices = product(*(bill.items() for bill in bills))
    taken = next((one for one in choices if str(sum(int(n) for _, n in one)) == takings), ())
    names = [name for name, _ in taken] or [""] * len(bills)
    parts, words = [], []
    for row, (bill, name) in enumerate(zip(bills, names, strict=True)):
        y = 4 + 32 * row
        parts.append(f"<text x='16' y='{y + 16}' font-weight='600'>a bill</text>")
        for place, field in enumerate(bill):
            paint, alpha = _COLOURS.get(field, GREY), 0.55 if field == name else 0
            x = 74 + 64 * place
            parts.append(
                f"<rect x='{x}' y='{y}' width='60' height='24' rx='3' fill='{paint}' "
                f"fill-opacity='{alpha}' stroke='{paint}' stroke-width='1.5'/>"
                f"<text x='{x + 30}' y='{y + 16}' text-anchor='middle'>{escape(field)}</text>"
            )
        fields = (f"{field} (in your sum)" if field == name else field for field in bill)
        words.append(f"a bill: {', '.join(fields)}")
    key = "filled: in your sum" if taken else "your sum isn't that of one field of each bill"
    parts.append(f"<text x='220' y='20'>{key}</text>")
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 720 {32 * len(bills) + 4}' "
        f"role='img' font-family='system-ui,sans-serif' font-size='12' "
        f"fill='{TEXT_COLOURS['light']}'><title>Bills</title>"
        f"<desc>{escape('; '.join(words))}</desc>{''.join(parts)}</svg>"
    )
    return Picture(on_background(svg, "light"), "; ".join(words))


@hinted("`till` must be a stream and `takings` a string. Start again with new_till.", _summed)
def check_till(till: Stream) -> Verdict:
    """Grade exercise 1: the key ``takings`` holds the sum of the prices."""
    written, takings = _text(till, "takings"), _whole(till)
    bills = [entry.fields for entry in till.range()]
    old = _old_sums.get(till.key)
    prices, tables, firsts = (
        str(sum(int(number) for number in numbers))
        for numbers in (
            [bill["price"] for bill in bills],
            [bill["table"] for bill in bills],
            [next(iter(bill.values())) for bill in bills],
        )
    )
    return grade(
        "this is the sum of the prices, though some bills begin with the table.",
        [
            (len(bills) != _BILLS, "the bills are missing. Start again with new_till."),
            (not written, "there is no key `takings`. Set it to the sum."),
            (
                takings == str(old),
                "`takings` still holds the old sum. Set it to the new one.",
            ),
            (
                old is not None and takings == str(old + int(prices)),
                "the old sum is still in `takings`: you added to it. Set it to the new sum.",
            ),
            (takings == tables, "this is the sum of the tables' numbers, not of the prices."),
            (
                takings == firsts,
                "the sum includes table numbers. Read fields by name, not by index.",
            ),
            (
                takings == "0",
                "the sum is 0. The names and values of a raw reply are bytes, so compare a name "
                "with b'price'.",
            ),
            (
                takings != prices,
                f"takings are {written}, but should be {prices}. Add up the field `price` of each "
                "bill, and no other field.",
            ),
            (
                written != prices,
                f"the sum is right, but write it as a whole number, {prices}, not {written}.",
            ),
        ],
    )


def new_gates(client: redis.Redis) -> list[Stream]:
    """Return the streams of four gates, each with one entry.

    The last ID of one of them is larger than its entry's, and the newest of all. XINFO tells of no
    deleted entry, as after a move of the stream.

    Compared as text, by their length, by one of their two numbers or by the gates' own order, they
    are in a wrong order. The same holds for the two packed into one number or padded with zeros,
    unless there is room for the largest sequence number. As text, the newest is neither the largest
    nor the smallest.
    """
    client.delete(*_GATES, "newest")
    ms, large = 10 ** randint(4, 8), 10**17
    newest, left = f"{ms}-{large}", f"{ms}-{large - 1}"
    # by milliseconds alone, the first or last is largest
    ids = [f"{ms}-{large - 2}", newest, f"{ms}-1"]
    ids.insert(choice((0, 3)), f"{ms - 1}-{2**64 - 1}")
    gates = [Stream(client, name) for name in _GATES]
    for gate, entry_id in zip(gates, ids, strict=True):
        gate.add({"gate": gate.key}, id=left if entry_id == newest else entry_id)
        gate.set_id(entry_id)
    return gates


@hinted("`newest` is not a string, or a gate is missing. Start again with new_gates.")
def check_gates(client: redis.Redis) -> Verdict:
    """Grade exercise 2: the key ``newest`` holds the largest of the four last IDs."""
    newest = _text(Stream(client, "north"), "newest")
    last = [Stream(client, gate).info().last_generated_id for gate in _GATES]
    return grade(
        "IDs are two numbers, and you compared them as numbers.",
        [
            (not newest, "there is no key `newest`. Set it to an ID, as text."),
            (
                newest not in map(str, last),
                f"{newest} is not one of the four last IDs. A stream keeps its last ID, even if "
                "that entry is gone.",
            ),
            (
                newest != str(max(last)),
                f"{newest} is not the newest. Compare the milliseconds as a number, "
                "and then the sequence number, as a number too.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete("till", "takings", "newest", *_GATES)


def _whole(till: Stream) -> str:
    """Return the takings as text, without zeros after a decimal point: a sum of floats is one."""
    return re.sub(r"\.0*$", "", _text(till, "takings").strip())


def _text(stream: Stream, key: str) -> str:
    """Return a string (GET), whatever the client decodes; empty if the key does not exist."""
    value: bytes | None = stream.connection.call("GET", key)
    return "" if value is None else value.decode("utf-8", "replace")
