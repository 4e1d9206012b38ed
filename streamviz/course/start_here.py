"""The exercises of notebook 00: enough hands, and a crash that leaves nothing behind."""

from __future__ import annotations

import redis

from streamviz import series
from streamviz.course.verdict import Verdict, find_group, grade
from streamviz.scenario import Scenario
from streamviz.streams import Stream

KEY = "exercise:orders"


def new_shop(client: redis.Redis) -> Scenario:
    """Return a shop that sells, on a stream of its own, and has no departments yet."""
    client.delete(KEY)
    shop = Scenario(client, seed=7)
    shop.produce(KEY, series.orders(rate_hz=5))
    return shop


def check_enough_hands(client: redis.Redis) -> Verdict:
    """Grade exercise 1 by what XLEN, XINFO GROUPS and XINFO CONSUMERS say now."""
    stream = Stream(client, KEY)
    group = find_group(stream, "email")
    if group is None or not stream.length():
        return Verdict(False, "there are no orders, or no group `email`: run the whole cell.")
    waiting = f"{group.lag} of {stream.length()} orders wait for email, "
    return grade(
        f"of {stream.length()} orders only {group.lag} {'waits' if group.lag == 1 else 'wait'} for "
        "email; the faster its people ask, the more they get.",
        [
            (stream.length() < 200, "that was less than a minute of orders: run(seconds=60)."),
            (group.lag is None, "Redis can't tell the lag: leave the stream's entries in place."),
            ((group.lag or 0) >= 5, waiting + "so it takes more people, or faster ones."),
        ],
    )


def check_nothing_left_behind(client: redis.Redis) -> Verdict:
    """Grade exercise 2 by the ages and the owners in XPENDING and XINFO CONSUMERS."""
    stream = Stream(client, KEY)
    if find_group(stream, "billing") is None:
        return Verdict(False, "there is no group `billing`: run the whole cell.")
    group = stream.group("billing")
    newest = stream.info().last_generated_id.ms
    old = [entry for entry in group.pending_entries() if newest - entry.id.ms > 15_000]
    names = ", ".join(sorted({entry.consumer for entry in old}))
    return grade(
        "nothing that is older than a few seconds is pending: what was left was claimed.",
        [
            (len(group.consumers()) < 2, "keep both people: the crash is the exercise."),
            (
                bool(old),
                f"{len(old)} old {'entry is' if len(old) == 1 else 'entries are'} still pending, "
                f"held by {names}, who is gone.",
            ),
        ],
    )
