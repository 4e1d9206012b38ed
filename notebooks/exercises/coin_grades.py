"""What the check of the till says: how the balances differ from what should be there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, grade
from streamviz.client import Entry, Stream, replies

CUSTOMERS = ("ann", "ben", "cy")
MANY = 300  # coins, of the last run
MEANWHILE = " It was the second call, after some coins had left the stream and others had come."
WHILE_COUNTING = " Other coins had come while `count` ran, and it was called once more."
WITH_MANY = f" Then the till had {MANY} coins, and `count` was called twice."
_LATE = (
    " Your code did save something under another key that begins with `till:`. Does it begin at "
    "the first coin? If it queues commands, queue them inside the loop over `follow`, on the "
    "position that `follow` saves. They are sent with its next save."
)


def keys(client: redis.Redis) -> set[str]:
    """Return the keys that begin with ``till:``."""
    return {replies.text(key) for key in client.scan_iter("till:*", count=1000)}


@hinted("`till:balance` must be a hash with each customer's sum, in cents, and nothing else.")
def grade_till(
    client: redis.Redis, coins: list[Entry], sums: tuple[Counter[str], Counter[str]], cut: str
) -> Verdict:
    """Compare the balances with the sums before and after these coins."""
    reply: Any = client.hgetall("till:balance")
    balance = Counter({name.decode(): int(cents) for name, cents in reply.items()})
    before, wanted = sums
    missing, twice = _reasons(cut)
    if cut in ("", MEANWHILE):  # the power stayed on
        missing = _why_missing(client, coins, (balance, *sums))
    nothing = "no coin was added to the sums in `till:balance`."
    if cut not in ("", MEANWHILE, WHILE_COUNTING, WITH_MANY):
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
                not set(balance) <= set(CUSTOMERS),
                f"`till:balance` holds {', '.join(balance)}. It should hold only customers.",
            ),
            (
                bool(fallen),
                f"the sum of {fallen} has fallen. It holds coins that are no longer in the stream, "
                f"so add each new coin to it, and keep the rest.{cut}",
            ),
            (
                balance == before and cut != WHILE_COUNTING,
                f"{nothing}{cut}" + _LATE * (not cut and keys(client) != {"till:balance"}),
            ),
            (
                bool(balance - wanted),
                f"{twice}{cut}",
            ),
            (bool(wanted - balance), f"{missing}{cut}"),
        ],
    )


def _reasons(cut: str) -> tuple[str, str]:
    """Return why a coin may be missing, and why one may be counted twice, after a power cut."""
    if cut == WHILE_COUNTING:
        position = (
            "Take your position from the whole ID of the last coin that you counted, not from the "
            "end of the stream."
        )
        return f"a coin was not counted. {position}", f"a coin was counted twice. {position}"
    if cut == WITH_MANY:
        return (
            "a coin was not counted. Read up to the end, and be sure that what you remember never "
            "takes one coin for another.",
            "a coin was counted twice. Remember all coins that are in the stream, however many "
            "they are. One position is enough.",
        )
    twice = "Count it and remember it in one step."
    if cut in ("", MEANWHILE):  # the power stayed on
        twice = (
            "At the beginning of each call, look up in Redis what you have counted before. If you "
            "save a position, save the last coin's whole ID, and compare IDs as numbers, not as "
            "text."
        )
    return (
        "a coin was not counted. It was remembered too early, or the position had moved past it.",
        f"a coin was counted twice. {twice}",
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
