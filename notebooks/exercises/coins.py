"""Exercise 2 of notebook 02: each coin in a till counts once, wherever the power fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import redis

from exercises import meanwhile
from exercises.coin_grades import (
    CUSTOMERS,
    MANY,
    MEANWHILE,
    WHILE_COUNTING,
    WITH_MANY,
    grade_till,
    keys,
)
from exercises.hints import misfit
from exercises.interrupted import EndlessLoop, interrupted, shared
from exercises.verdict import Verdict
from exercises.wages import PowerCut
from streamviz.client import Entry, Stream
from streamviz.errors import OffsetError

_COINS, _MORE, _MOST_COMMANDS = 6, 3, 200
_LATE_CENTS = ((1, 4, 16), (64, 256))  # none makes up for another one that was counted twice
_FIRST_CENTS = 1024
_LATER_IDS = (  # the whole IDs must be kept, and compared as two numbers, however large
    *("7-110", "71-1", "71-6"),
    *(f"71-{10**18}", "72-0", "711-0", "711-1", "1000-0", "1000-1"),
)
_FIRST_MS, _PER_MS = 506, 9  # of many coins: PFADD takes six of them for others
_IN_REDIS = (
    "What your code remembers must be in Redis, under keys that begin with `till:`. The check "
    "deletes these keys before each run."
)

Count = Callable[[redis.Redis], object]


def check_till(client: redis.Redis, count: Count) -> Verdict:
    """Grade exercise 2: each coin counts once, wherever the power fails.

    Call `count` on a till of random coins, whose balances hold older coins, too. In the first run
    the power stays on; then some coins leave the stream, others come, and `count` is called again.
    Then come calls in which coins come after each question about the stream. In each further run,
    with a new till, the power fails before the next command, and `count` is called again. The
    second till is like the first one, so what is remembered outside of Redis does not fit it. At
    last, the power stays on, and `count` is called twice on a till with many coins.
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
            verdict = grade_till(client, coins, (before, sums), _cut(commands))
            if verdict.right and commands < 0:
                before = sums.copy()
                coins = coins[_MORE:] + _add_coins(client, sums, (_COINS, _MORE), luck)
                Stream(client, "till").trim(maxlen=_COINS)
                Stream(client, "till").delete(_coin_id(_COINS))  # the newest that was counted
                coins = [coin for coin in coins if str(coin.id) != _coin_id(_COINS)]
                _count(client, count, commands)
                verdict = grade_till(client, coins, (before, sums), MEANWHILE)
                if verdict.right:
                    before = sums.copy()
                    coins = coins + _count_while_coins_come(client, count, sums, luck)
                    verdict = grade_till(client, coins, (before, sums), WHILE_COUNTING)
        except EndlessLoop as error:
            return Verdict(False, str(error))
        except OffsetError:
            if keys(client) != {"till:balance"}:
                raise  # not what was remembered: what was saved
            return Verdict(False, f"your position is not from this till. {_IN_REDIS}")
        if commands == 0 and not verdict.right:
            return Verdict(
                False,
                "your code was right at first, but not in the next run, with the same coins in a "
                f"new till. {_IN_REDIS}",
            )
        if not verdict.right:
            return verdict
        if commands >= 0 and not failed:
            return _count_many(client, count)
    return Verdict(
        False, f"your loop sends {_MOST_COMMANDS} commands for {_COINS} coins. Does it end?"
    )


def _cut(commands: int) -> str:
    plural = "" if commands == 1 else "s"
    return f" The power failed after {commands} command{plural}." if commands >= 0 else ""


def _new_till(client: redis.Redis, luck: Random) -> Counter[str]:
    """Empty the till; return the balances, which older coins have left there."""
    client.delete("till", *keys(client))
    sums = Counter({name: luck.randint(2000, 9000) for name in CUSTOMERS})
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
    drawn = [(luck.choice(CUSTOMERS), luck.randint(*worth)) for _ in range(number - 1)]
    for n, (who, cents) in enumerate([*drawn, drawn[0]], after + 1):
        till.add({"who": who, "cents": str(cents)}, id=_coin_id(n))
        sums[who] += cents
    return till.range(f"({_coin_id(after)}")


def _coin_id(number: int) -> str:
    """Return a coin's ID: one that must be compared by both of its parts, and as numbers.

    The first coins share a millisecond, and have the sequence numbers 6 to 11. Some of those that
    come later are alike, if only a part of the ID is kept or both parts are put together.
    """
    return f"7-{number + 5}" if number <= _COINS else _LATER_IDS[number - _COINS - 1]


def _count_many(client: redis.Redis, count: Count) -> Verdict:
    """Count many coins, and call it again without new ones."""
    luck, till = Random(), Stream(client, "till")
    sums = _new_till(client, luck)
    before = sums.copy()
    for n in range(MANY):
        who, cents = luck.choice(CUSTOMERS), luck.randint(1, 20)
        sums[who] += cents
        coin_id = f"{_FIRST_MS + n // _PER_MS}-{n % _PER_MS}"
        till.add({"who": who, "cents": str(cents)}, id=coin_id)
    coins = till.range()
    try:
        for _ in range(2):
            _count(client, count, -1, coins=MANY)
    except EndlessLoop as error:
        return Verdict(False, str(error))
    return grade_till(client, coins, (before, sums), WITH_MANY)


def _count_while_coins_come(
    client: redis.Redis, count: Count, sums: Counter[str], luck: Random
) -> list[Entry]:
    """Count twice, and again: coins come after the questions of every other call.

    One coin comes before the first call. There is nothing new before the third one.
    """
    till, late, worth = Stream(client, "till"), list[Entry](), list[int]()

    def add_one() -> None:
        if worth:
            who, cents = luck.choice(CUSTOMERS), worth.pop(0)
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


def _bound(number: int, coins: int = _COINS) -> None:
    most = _MOST_COMMANDS * coins // _COINS
    if number > most:
        raise EndlessLoop(f"your loop has no end. It sent {most} commands for {coins} coins.")


def _count(client: redis.Redis, count: Count, commands: int, coins: int = _COINS) -> bool:
    """Count the coins, cut the power after some commands, count again; tell if any was left."""
    failed = False

    def before(number: int) -> None:
        _bound(number, coins)
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


def clean_up(client: redis.Redis) -> None:
    """Delete the till, its sums, and what was remembered."""
    client.delete("till", *keys(client))
