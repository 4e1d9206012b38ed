"""The exercises of notebook 02: a bell that rings while you are busy, and a power cut at a till."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, grade
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream

_OLD_STROKES, _ROUNDS = 3, 3
_COINS = {"ann": (10, 50, 20), "ben": (5, 100, 1)}
_DARK = "till:dark"
_PATIENCE_S = 5.0


class PowerCut(Exception):
    """The power fails in the middle of a loop, and the program stops."""


def soon(stream: Stream, entry_id: str) -> None:
    """Add an entry as soon as a client waits in a blocking read; return at once."""

    def blocked() -> int:
        info: Any = stream.client.info("clients")
        return int(info["blocked_clients"])

    def add() -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while blocked() <= before and time.monotonic() < deadline:
            time.sleep(0.005)
        stream.add({"added": "while you waited"}, id=entry_id)

    before = blocked()
    threading.Thread(target=add, daemon=True).start()


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


def new_bell(client: redis.Redis) -> Stream:
    """Return the stream ``bell`` with three old strokes; the list ``heard`` does not exist."""
    client.delete("bell", "heard")
    bell = Stream(client, "bell")
    bell.add_many((f"{n}-0", {"stroke": n}) for n in range(1, _OLD_STROKES + 1))
    return bell


def ring(bell: Stream) -> None:
    """Ring twice."""
    last = bell.info().last_generated_id.ms
    bell.add_many((f"{n}-0", {"stroke": n}) for n in (last + 1, last + 2))


@hinted("`heard` must be a list of entry IDs: start again with new_bell.")
def check_bell(bell: Stream) -> Verdict:
    """Grade exercise 1: the list ``heard`` has each new stroke once, in order."""
    rung = [entry.id for entry in bell.range() if entry.id.ms > _OLD_STROKES]
    words: Any = bell.client.lrange("heard", 0, -1)
    heard = [EntryId.parse(word) for word in words]
    missed = [str(one) for one in rung if one not in heard]
    early = [str(one) for one in heard if one not in rung]
    twice = [str(one) for one, times in Counter(heard).items() if times > 1]
    return grade(
        f"you heard all {len(rung)} new strokes once, and none of the old ones.",
        [
            (len(rung) != 2 * _ROUNDS, f"the bell rang {len(rung)} times: keep the three rounds."),
            (bool(early), f"{', '.join(early)} rang before you came: start at the newest entry."),
            (
                bool(twice),
                f"{', '.join(twice)} were heard more than once: after each read, move your "
                "position on.",
            ),
            (
                bool(missed),
                f"{len(missed)} of {len(rung)} strokes were missed: `$` always means *from now "
                "on*.",
            ),
            (heard != rung, "the strokes are not in the order in which they rang."),
        ],
    )


def new_till(client: redis.Redis) -> Stream:
    """Return the stream ``till`` with six coins of two customers; no balance; the power is on."""
    client.delete("till", "till:readers", "till:balance", f"{_DARK}:4-0")
    till = Stream(client, "till")
    coins = [(who, cents) for who, purse in _COINS.items() for cents in purse]
    for n, (who, cents) in enumerate(coins, 1):
        till.add({"who": who, "cents": str(cents)}, id=f"{n}-0")
    return till


@hinted("`till:balance` and `till:readers` must be hashes: start again with new_till.")
def check_till(till: Stream) -> Verdict:
    """Grade exercise 2: each coin counts once despite the power cut, and the position is saved."""
    reply: Any = till.client.hgetall("till:balance")
    positions: Any = till.client.hgetall("till:readers")
    balance = {name.decode(): int(cents) for name, cents in reply.items()}
    ann, ben = sum(_COINS["ann"]), sum(_COINS["ben"])
    off = balance.get("ben", 0) - ben
    return grade(
        f"ann has {ann} and ben has {ben}: each coin counts once, whenever the power fails.",
        [
            (
                not till.client.exists(f"{_DARK}:4-0"),
                "the power did not fail: keep power_cut in the loop.",
            ),
            (off > 0, f"ben has {ben + off} of {ben}: a coin was counted again after the cut."),
            (
                off < 0,
                f"ben has {ben + off} of {ben}: the position moved past a coin that was not "
                "counted.",
            ),
            (balance.get("ann") != ann, f"ann has {balance.get('ann', 0)}, but should have {ann}."),
            (
                b"6-0" not in positions.values(),
                "no position in `till:readers` is at the last coin.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    client.delete("wages", "wages:readers", "paid", "bell", "heard")
    client.delete("till", "till:readers", "till:balance", f"{_DARK}:2-0", f"{_DARK}:4-0")
