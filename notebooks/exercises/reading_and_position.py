"""The exercises of notebook 02: a bell that rings while you are busy, and power cuts at a till."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import choice, randint
from typing import Any

import redis

from exercises import meanwhile
from exercises.bounded import bounded
from exercises.boxes import Lost, boxes
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.picture import Picture
from exercises.verdict import Verdict, grade
from streamviz.client import replies
from streamviz.client.entry_id import EntryId
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import ServerUnreachable

_OLD, _RINGS = 3, (2, 3, 1)
_CUSTOMERS = ("ann", "ben", "cy")
_COINS, _MOST_COMMANDS = 6, 200
_DARK = "dark"
_PATIENCE_S = 5.0


class PowerCut(BaseException):
    """The power fails in the middle of a loop, and the program stops: no code may catch it."""


def soon(stream: Stream, entry_id: str) -> None:
    """Add an entry as soon as a client waits in a blocking read; return at once.

    If the connection closes in the meantime, nobody waits any more, and nothing is added.
    """

    def blocked() -> int:
        info: Any = own.info("clients")
        return int(info["blocked_clients"])

    def add() -> None:
        deadline = time.monotonic() + _PATIENCE_S
        with suppress(ServerUnreachable, redis.ConnectionError):
            while blocked() <= before and time.monotonic() < deadline:
                time.sleep(0.005)
            Stream(own, stream.key).add({"added": "while you waited"}, id=entry_id)
        own.close()

    client: Any = stream.client
    pool = client.connection_pool  # the thread needs connections of its own, which no one closes
    settings = {"connection_class": pool.connection_class, **pool.connection_kwargs}
    own = redis.Redis(connection_pool=redis.ConnectionPool(**settings))
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


def paid(client: redis.Redis) -> Picture:
    """Draw who is to be paid, and who was: once, twice, or not at all."""
    names = [entry.fields["name"] for entry in Stream(client, "wages").range()]
    words: Any = client.lrange("paid", 0, -1)
    got = [word.decode() for word in words]
    row: list[str | Lost] = []
    for name in names:
        row += [name] * got.count(name) or [Lost(name)]
    return boxes({"to be paid": names, "paid": row})


def new_bell(client: redis.Redis) -> Stream:
    """Return the stream ``bell`` with three old rings; the list ``heard`` does not exist.

    In each round but the last, it rings once more after a question.
    """
    client.delete("bell", "heard")
    meanwhile.stop("bell")
    bell = Stream(client, "bell")
    for _ in range(_OLD):
        _ring(bell, "old")

    def ring_late() -> None:
        names = {entry.fields["ring"] for entry in bell.range()}
        if 0 < (rounds := _rounds(names)) < len(_RINGS) and f"late {rounds}" not in names:
            _ring(bell, f"late {rounds}")

    own = bounded(client)
    meanwhile.start("bell", ring_late, client, own)
    return Stream(own, "bell")


def ring(bell: Stream) -> None:
    """Ring one to three times, at random times."""
    with meanwhile.pause("bell"):
        rounds = _rounds({entry.fields["ring"] for entry in bell.range()})
        for _ in range(_RINGS[rounds % len(_RINGS)]):
            _ring(bell, f"round {rounds}")


def _rounds(names: set[str]) -> int:
    return sum(name.startswith("round") for name in names)


def _ring(bell: Stream, name: str) -> None:
    after_ms = bell.info().last_generated_id.ms if bell.exists() else 10_000
    bell.add({"ring": name}, id=f"{after_ms + randint(1, 999)}-0")


def _rings(bell: Stream) -> Picture:
    """Draw the old rings, the new ones by their number, and which of them were heard."""
    words: Any = bell.client.lrange("heard", 0, -1)
    heard = {EntryId.parse(word) for word in words}
    rung, known, old = [], [], 0
    with meanwhile.pause("bell"):
        rings = bell.range()
    for number, entry in enumerate(rings, 1):
        is_old = entry.fields["ring"] == "old"
        old += is_old
        label = "old" if is_old else str(number - old)
        rung.append(label)
        known.append(label if entry.id in heard else None if is_old else Lost(label))
    return boxes({"rang": rung, "heard": known})


@hinted("`heard` must be a list of entry IDs: start again with new_bell.", _rings)
def check_bell(bell: Stream) -> Verdict:
    """Grade exercise 1: the list ``heard`` has each new ring once, in order."""
    with meanwhile.pause("bell"):
        rings = bell.range()
        gone = (bell.info().entries_added or 0) - len(rings) if rings else 0
    new = [entry for entry in rings if entry.fields["ring"] != "old"]
    rung = [entry.id for entry in new]
    in_rounds = sum(entry.fields["ring"].startswith("round") for entry in new)
    words: Any = bell.client.lrange("heard", 0, -1)
    heard = [EntryId.parse(word) for word in words]
    missed = [one for one in rung if one not in heard]
    early = [str(one) for one in heard if one not in rung]
    twice = [str(one) for one, times in Counter(heard).items() if times > 1]
    return grade(
        f"you heard all {len(rung)} new rings once, and none of the old ones.",
        [
            (gone > 0, "rings are gone from the stream: start again with new_bell."),
            (
                any("-" not in replies.text(word) for word in words),
                "`heard` should hold each entry's whole ID, with its sequence number.",
            ),
            (in_rounds != sum(_RINGS), f"the bell rang {in_rounds} times: keep the three rounds."),
            (
                bool(early),
                f"{', '.join(early)} rang before you came: start after the newest entry.",
            ),
            (
                bool(twice),
                f"{', '.join(twice)} were heard more than once: after each read, move your "
                "position on.",
            ),
            (
                bool(missed),
                f"you missed {len(missed)} of {len(rung)} rings: ask for all that came after the "
                "last one you have. (`$` always means *from now on*.)",
            ),
            (heard != rung, "the rings are not in the order in which they came."),
        ],
    )


Count = Callable[[redis.Redis], object]


def check_till(client: redis.Redis, count: Count) -> Verdict:
    """Grade exercise 2: each coin counts once, wherever the power fails.

    Call `count` on a till of random coins. In the first run the power stays on. In each further
    run, with a new till, it fails before the next command, and `count` is called again.
    """
    if hint := misfit(count, "client"):
        return Verdict(False, hint)
    for commands in range(-1, _MOST_COMMANDS):
        coins = _new_till(client)
        try:
            failed = _count(client, count, commands)
        except EndlessLoop as error:
            return Verdict(False, str(error))
        verdict = _grade_till(client, coins, commands)
        if not verdict.right or (commands >= 0 and not failed):
            return verdict
    return Verdict(False, f"{_MOST_COMMANDS} commands for {_COINS} coins: does your loop end?")


def _new_till(client: redis.Redis) -> list[Entry]:
    client.delete("till", "till:readers", "till:balance")
    till = Stream(client, "till")
    for n in range(1, _COINS + 1):
        till.add({"who": choice(_CUSTOMERS), "cents": str(randint(1, 200))}, id=f"{n}-0")
    return till.range()


def _count(client: redis.Redis, count: Count, commands: int) -> bool:
    """Count the coins, cut the power after so many commands, count again; tell if any was left."""
    failed = False

    def bound(number: int) -> None:
        if number > _MOST_COMMANDS:
            raise EndlessLoop(
                f"{_MOST_COMMANDS} commands for {_COINS} coins: your loop has no end."
            )

    def before(number: int) -> None:
        bound(number)
        if number == commands + 1:
            raise PowerCut(number)

    try:
        with interrupted(client, before) as mortal:
            count(mortal)
    except PowerCut:
        failed = True
    if commands >= 0:
        with interrupted(client, bound) as again:
            count(again)
    return failed


@hinted("`till:balance` must be a hash with each customer's sum, in cents, and nothing else.")
def _grade_till(client: redis.Redis, coins: list[Entry], commands: int) -> Verdict:
    reply: Any = client.hgetall("till:balance")
    balance = Counter({name.decode(): int(cents) for name, cents in reply.items()})
    wanted: Counter[str] = Counter()
    for entry in coins:
        wanted[entry.fields["who"]] += int(entry.fields["cents"])
    plural = "" if commands == 1 else "s"
    cut = f" The power failed after {commands} command{plural}." if commands >= 0 else ""
    return grade(
        "each coin counts once, whenever the power fails.",
        [
            (
                Stream(client, "till").range() != coins,
                "coins are gone from the stream `till`: others may read it, too, so only count.",
            ),
            (not balance, f"there is no balance in the hash `till:balance`.{cut}"),
            (
                not set(balance) <= set(_CUSTOMERS),
                f"`till:balance` holds {', '.join(balance)}: it should hold only customers.",
            ),
            (
                bool(balance - wanted),
                f"a coin was counted twice: its position was not saved with it.{cut}",
            ),
            (
                bool(wanted - balance),
                f"a coin was not counted: the position had already moved past it.{cut}",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    meanwhile.stop("bell")
    client.delete("wages", "wages:readers", "paid", "bell", "heard")
    client.delete("till", "till:readers", "till:balance", f"{_DARK}:2-0")
