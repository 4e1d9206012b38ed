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

from exercises import bell
from exercises.bell import check_bell, new_bell, ring
from exercises.boxes import Lost, boxes
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.picture import Picture
from exercises.verdict import Verdict, grade
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import ServerUnreachable

__all__ = [
    "EndlessLoop",
    "PowerCut",
    "Stream",
    "again",
    "check_bell",
    "check_till",
    "clean_up",
    "new_bell",
    "new_wages",
    "paid",
    "power_cut",
    "ring",
    "soon",
]

_CUSTOMERS = ("ann", "ben", "cy")
_COINS, _MORE, _MOST_COMMANDS = 6, 3, 200
_DARK = "dark"
_MEANWHILE = " It was the second call, after some coins had left the stream and others had come."
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


Count = Callable[[redis.Redis], object]


def check_till(client: redis.Redis, count: Count) -> Verdict:
    """Grade exercise 2: each coin counts once, wherever the power fails.

    Call `count` on a till of random coins, whose balances hold older coins, too. In the first run
    the power stays on; then some coins leave the stream, others come, and `count` is called again.
    In each further run, with a new till, the power fails before the next command, and `count` is
    called again.
    """
    if hint := misfit(count, "client"):
        return Verdict(False, hint)
    for commands in range(-1, _MOST_COMMANDS):
        sums = _new_till(client)
        before, coins = sums.copy(), _add_coins(client, sums, 0, _COINS)
        try:
            failed = _count(client, count, commands)
            verdict = _grade_till(client, coins, (before, sums), _cut(commands))
            if verdict.right and commands < 0:
                before = sums.copy()
                coins = coins[_MORE:] + _add_coins(client, sums, _COINS, _MORE)
                Stream(client, "till").trim(maxlen=_COINS)
                _count(client, count, commands)
                verdict = _grade_till(client, coins, (before, sums), _MEANWHILE)
        except EndlessLoop as error:
            return Verdict(False, str(error))
        if not verdict.right or (commands >= 0 and not failed):
            return verdict
    return Verdict(
        False, f"your loop sends {_MOST_COMMANDS} commands for {_COINS} coins. Does it end?"
    )


def _cut(commands: int) -> str:
    plural = "" if commands == 1 else "s"
    return f" The power failed after {commands} command{plural}." if commands >= 0 else ""


def _new_till(client: redis.Redis) -> Counter[str]:
    """Empty the till; return the balances, which older coins have left there."""
    client.delete("till", "till:readers", "till:balance")
    sums = Counter({name: randint(2000, 9000) for name in _CUSTOMERS})
    for name, cents in sums.items():
        client.hset("till:balance", name, str(cents))
    return sums


def _add_coins(client: redis.Redis, sums: Counter[str], after: int, number: int) -> list[Entry]:
    """Put coins into the till, add them to the right sums, and return their entries."""
    till = Stream(client, "till")
    for n in range(after + 1, after + number + 1):
        who, cents = choice(_CUSTOMERS), randint(1, 200)
        till.add({"who": who, "cents": str(cents)}, id=_coin_id(n))
        sums[who] += cents
    return till.range(f"({_coin_id(after)}")


def _coin_id(number: int) -> str:
    """Return a coin's ID: one that must be compared by both of its parts, and as numbers.

    The first coins share a millisecond, and have the sequence numbers 6 to 11. Those that come
    later are in millisecond 10.
    """
    return f"7-{number + 5}" if number <= _COINS else f"10-{number - _COINS}"


def _count(client: redis.Redis, count: Count, commands: int) -> bool:
    """Count the coins, cut the power after so many commands, count again; tell if any was left."""
    failed = False

    def bound(number: int) -> None:
        if number > _MOST_COMMANDS:
            raise EndlessLoop(
                f"your loop has no end. It sent {_MOST_COMMANDS} commands for {_COINS} coins."
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
def _grade_till(
    client: redis.Redis, coins: list[Entry], sums: tuple[Counter[str], Counter[str]], cut: str
) -> Verdict:
    """Compare the balances with the sums before and after these coins."""
    reply: Any = client.hgetall("till:balance")
    balance = Counter({name.decode(): int(cents) for name, cents in reply.items()})
    before, wanted = sums
    missing = "a coin was not counted. The position had already moved past it."
    twice = "a coin was counted twice. Its position was not saved with it."
    if cut in ("", _MEANWHILE):  # the power stayed on
        missing = (
            "a coin is missing from the sums. Read up to the end, and compare IDs as numbers, not "
            "as text."
        )
        twice = (
            "a coin was counted twice. Save the last coin's whole ID, and compare IDs as numbers, "
            "not as text."
        )
    fallen = ", ".join(name for name in before if balance[name] < before[name])
    return grade(
        "each coin counts once, whenever the power fails.",
        [
            (
                Stream(client, "till").range() != coins,
                "coins are gone from the stream `till`. Others may read it, too, so only count.",
            ),
            (
                not set(balance) <= set(_CUSTOMERS),
                f"`till:balance` holds {', '.join(balance)}. It should hold only customers.",
            ),
            (
                bool(fallen),
                f"the sum of {fallen} has fallen. It holds coins that are no longer in the stream, "
                f"so add each new coin to it, and keep the rest.{cut}",
            ),
            (balance == before, f"no coin was added to the sums in `till:balance`.{cut}"),
            (
                bool(balance - wanted),
                f"{twice}{cut}",
            ),
            (bool(wanted - balance), f"{missing}{cut}"),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    bell.clean_up(client)
    client.delete("wages", "wages:readers", "paid")
    client.delete("till", "till:readers", "till:balance", f"{_DARK}:2-0")
