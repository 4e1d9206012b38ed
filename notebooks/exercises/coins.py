"""Exercise 2 of notebook 02: each coin in a till counts once, wherever the power fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import redis

from exercises import meanwhile
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted, shared
from exercises.verdict import Verdict, grade
from exercises.wages import PowerCut
from streamviz.client import replies
from streamviz.client.models import Entry
from streamviz.client.stream import Stream
from streamviz.errors import OffsetError

_CUSTOMERS = ("ann", "ben", "cy")
_COINS, _MORE, _MOST_COMMANDS = 6, 3, 200
_LATE_CENTS = ((1, 4, 16), (64, 256))  # none makes up for another one that was counted twice
_FIRST_CENTS = 1024
_MEANWHILE = " It was the second call, after some coins had left the stream and others had come."
_WHILE_COUNTING = " Other coins had come while `count` ran, and it was called once more."
_IN_REDIS = (
    "What your code remembers must be in Redis, under keys that begin with `till:`. The check "
    "deletes these keys before each run."
)
_LATE = (
    " Your code did save something under another key that begins with `till:`. Does it begin at "
    "the first coin? If it queues commands, queue them inside the loop over `follow`, on the "
    "position that `follow` saves. They are sent with its next save."
)

Count = Callable[[redis.Redis], object]


def check_till(client: redis.Redis, count: Count) -> Verdict:
    """Grade exercise 2: each coin counts once, wherever the power fails.

    Call `count` on a till of random coins, whose balances hold older coins, too. In the first run
    the power stays on; then some coins leave the stream, others come, and `count` is called again.
    Then come calls in which coins come after each question about the stream. In each further run,
    with a new till, the power fails before the next command, and `count` is called again. The
    second till is like the first one, so what is remembered outside of Redis does not fit it.
    """
    if hint := misfit(count, "client"):
        return Verdict(False, hint)
    first = Random().random()
    for commands in range(-1, _MOST_COMMANDS):
        luck = Random(first) if commands <= 0 else Random()
        sums = _new_till(client, luck)
        before, coins = sums.copy(), _add_coins(client, sums, (0, _COINS), luck)
        try:
            failed = _count(client, count, commands)
            verdict = _grade_till(client, coins, (before, sums), _cut(commands))
            if verdict.right and commands < 0:
                before = sums.copy()
                coins = coins[_MORE:] + _add_coins(client, sums, (_COINS, _MORE), luck)
                Stream(client, "till").trim(maxlen=_COINS)
                _count(client, count, commands)
                verdict = _grade_till(client, coins, (before, sums), _MEANWHILE)
                if verdict.right:
                    before = sums.copy()
                    coins = coins + _count_while_coins_come(client, count, sums, luck)
                    verdict = _grade_till(client, coins, (before, sums), _WHILE_COUNTING)
        except EndlessLoop as error:
            return Verdict(False, str(error))
        except OffsetError:
            if _keys(client) != {"till:balance"}:
                raise  # not what was remembered: what was saved
            return Verdict(False, f"your position is not from this till. {_IN_REDIS}")
        if commands == 0 and not verdict.right:
            return Verdict(
                False,
                "your code was right at first, but not in the next run, with the same coins in a "
                f"new till. {_IN_REDIS}",
            )
        if not verdict.right or (commands >= 0 and not failed):
            return verdict
    return Verdict(
        False, f"your loop sends {_MOST_COMMANDS} commands for {_COINS} coins. Does it end?"
    )


def _cut(commands: int) -> str:
    plural = "" if commands == 1 else "s"
    return f" The power failed after {commands} command{plural}." if commands >= 0 else ""


def _keys(client: redis.Redis) -> set[str]:
    """Return the keys that begin with ``till:``."""
    return {replies.text(key) for key in client.scan_iter("till:*", count=1000)}


def _new_till(client: redis.Redis, luck: Random) -> Counter[str]:
    """Empty the till; return the balances, which older coins have left there."""
    client.delete("till", *_keys(client))
    sums = Counter({name: luck.randint(2000, 9000) for name in _CUSTOMERS})
    for name, cents in sums.items():
        client.hset("till:balance", name, str(cents))
    return sums


def _add_coins(
    client: redis.Redis, sums: Counter[str], numbers: tuple[int, int], luck: Random
) -> list[Entry]:
    """Put coins into the till, add them to the right sums, and return their entries.

    The last one is like the first one, so that only their IDs tell them apart. Those that come
    later are worth little, so that they never make up for another one that was counted twice.
    """
    till, (after, number) = Stream(client, "till"), numbers
    worth = (1, 20) if after else (100, 200)
    drawn = [(luck.choice(_CUSTOMERS), luck.randint(*worth)) for _ in range(number - 1)]
    for n, (who, cents) in enumerate([*drawn, drawn[0]], after + 1):
        till.add({"who": who, "cents": str(cents)}, id=_coin_id(n))
        sums[who] += cents
    return till.range(f"({_coin_id(after)}")


def _coin_id(number: int) -> str:
    """Return a coin's ID: one that must be compared by both of its parts, and as numbers.

    The first coins share a millisecond, and have the sequence numbers 6 to 11. Those that come
    later are in millisecond 10.
    """
    return f"7-{number + 5}" if number <= _COINS else f"10-{number - _COINS}"


def _count_while_coins_come(
    client: redis.Redis, count: Count, sums: Counter[str], luck: Random
) -> list[Entry]:
    """Count twice, and again: coins come after the questions of every other call.

    One coin comes before the first call. There is nothing new before the third one.
    """
    till, late, worth = Stream(client, "till"), list[Entry](), list[int]()

    def add_one() -> None:
        if worth:
            who, cents = luck.choice(_CUSTOMERS), worth.pop(0)
            sums[who] += cents
            coin_id = _coin_id(_COINS + _MORE + len(late) + 1)
            till.add({"who": who, "cents": str(cents)}, id=coin_id)
            late.extend(till.range(coin_id, coin_id))

    worth.append(_FIRST_CENTS)
    add_one()
    for cents_of_a_call in _LATE_CENTS:
        worth[:] = cents_of_a_call
        with interrupted(client, _bound) as mortal, shared(client, mortal):
            meanwhile.start("coins", add_one, mortal, client)
            try:
                count(mortal)
            finally:
                meanwhile.stop("coins")
        _count(client, count, -1)
    return late


def _bound(number: int) -> None:
    if number > _MOST_COMMANDS:
        raise EndlessLoop(
            f"your loop has no end. It sent {_MOST_COMMANDS} commands for {_COINS} coins."
        )


def _count(client: redis.Redis, count: Count, commands: int) -> bool:
    """Count the coins, cut the power after some commands, count again; tell if any was left."""
    failed = False

    def before(number: int) -> None:
        _bound(number)
        if number == commands + 1:
            raise PowerCut(number)

    try:
        with interrupted(client, before) as mortal, shared(client, mortal):
            count(mortal)
    except PowerCut:
        failed = True
    if commands >= 0:
        with interrupted(client, _bound) as again, shared(client, again):
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
    missing = (
        "a coin was not counted. It was remembered too early, or the position had moved past it."
    )
    twice = "a coin was counted twice. Count it and remember it in one step."
    if cut in ("", _MEANWHILE):  # the power stayed on
        missing = _why_missing(client, coins, (balance, *sums))
        twice = (
            "a coin was counted twice. At the beginning of each call, look up in Redis what you "
            "have counted before. If you save a position, save the last coin's whole ID, and "
            "compare IDs as numbers, not as text."
        )
    if cut == _WHILE_COUNTING:
        position = (
            "Take your position from the whole ID of the last coin that you counted, not from the "
            "end of the stream."
        )
        missing, twice = (
            f"a coin was not counted. {position}",
            f"a coin was counted twice. {position}",
        )
    nothing = "no coin was added to the sums in `till:balance`."
    if cut not in ("", _MEANWHILE, _WHILE_COUNTING):
        nothing = (
            "no coin was counted, not even by the call after the power cut. Before the cut, your "
            "code had remembered the coins, moved past them, or left something behind that stops "
            "the next call, such as a lock."
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
            (
                balance == before and cut != _WHILE_COUNTING,
                f"{nothing}{cut}" + _LATE * (not cut and _keys(client) != {"till:balance"}),
            ),
            (
                bool(balance - wanted),
                f"{twice}{cut}",
            ),
            (bool(wanted - balance), f"{missing}{cut}"),
        ],
    )


def _why_missing(
    client: redis.Redis,
    coins: list[Entry],
    sums: tuple[Counter[str], Counter[str], Counter[str]],
) -> str:
    """Return a hint for a coin that is missing, though the power stayed on.

    The sums are what is in Redis, what was there before these coins, and what should be there.
    """
    balance, before, wanted = sums
    newest = Counter({coin.fields["who"]: int(coin.fields["cents"]) for coin in coins})
    last = Counter({coins[-1].fields["who"]: int(coins[-1].fields["cents"])})
    if wanted - balance == last:  # or the first coin, which is like the last one
        return (
            "a coin is missing from the sums. Read up to the end, and tell coins apart by their "
            "whole IDs. If you use `follow`, let its loop end by itself. It saves a coin's "
            "position, and sends what you queued, when the loop asks for the next coin."
        )
    if balance - before == newest:
        return (
            "a customer's sum got only the newest coin. Add each coin to the sum as it is by then, "
            "for example with HINCRBY."
        )
    return (
        "a coin is missing from the sums. Read up to the end, tell coins apart by their whole IDs, "
        "and compare IDs as numbers, not as text."
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the till, its sums, and what was remembered."""
    client.delete("till", *_keys(client))
