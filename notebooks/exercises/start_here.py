"""The exercises of notebook 00: enough hands, and a crash that leaves nothing behind."""

from __future__ import annotations

from typing import Any

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, find_group, grade
from streamviz import series
from streamviz.client.stream import Stream
from streamviz.observation.events import DEATHS
from streamviz.observation.sample import Sample
from streamviz.simulation.scenario import Scenario

KEY = "exercise:orders"
_DIARY = f"{KEY}:diary"
_MINUTE, _LONG_MS = 200, 15_000


def new_shop(client: redis.Redis) -> Scenario:
    """Return a shop that sells, on a stream of its own, and has no departments yet.

    What befalls its people is noted in a list in Redis, with the time in milliseconds.
    """
    clean_up(client)
    shop = Scenario(client, seed=7)

    def note(sample: Sample) -> None:
        for event in sample.events:
            client.rpush(_DIARY, f"{sample.time_ms} {event.kind}")

    shop.on_sample.append(note)
    shop.produce(KEY, series.orders(rate_hz=5))
    return shop


@hinted("there is no shop any more: run the whole cell.")
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
            (stream.length() < _MINUTE, "that was less than a minute of orders: run(seconds=60)."),
            (group.lag is None, "Redis can't tell the lag: leave the stream's entries in place."),
            ((group.lag or 0) >= 5, waiting + "so it takes more people, or faster ones."),
        ],
    )


@hinted("there is no shop any more: run the whole cell.")
def check_nothing_left_behind(client: redis.Redis) -> Verdict:
    """Grade exercise 2 by XPENDING and XINFO CONSUMERS, and by what the shop's diary says."""
    stream = Stream(client, KEY)
    if find_group(stream, "billing") is None:
        return Verdict(False, "there is no group `billing`: run the whole cell.")
    group = stream.group("billing")
    newest = stream.info().last_generated_id.ms
    crashes = _crashes(client)
    left_ms = newest - min(crashes, default=newest)
    old = [one for one in group.pending_entries() if one.id.ms <= max(crashes, default=newest)]
    names = ", ".join(sorted({entry.consumer for entry in old}))
    return grade(
        "nothing from before the crash is pending: what was left behind was taken up.",
        [
            (len(group.consumers()) < 2, "keep both people: the crash is the exercise."),
            (stream.length() < _MINUTE, "that was less than a minute of orders: run(seconds=60)."),
            (not crashes, "nobody went home: leave crash_after=50 in, the crash is the exercise."),
            (left_ms < _LONG_MS, "the crash came too late to tell: leave it at crash_after=50."),
            (
                bool(old),
                f"{len(old)} old {'entry is' if len(old) == 1 else 'entries are'} still pending, "
                f"held by {names}, who is gone.",
            ),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete what the exercises have made."""
    client.delete(KEY, _DIARY)


def _crashes(client: redis.Redis) -> list[int]:
    """Return when somebody crashed or was killed, in milliseconds."""
    found: Any = client.lrange(_DIARY, 0, -1)
    lines = [line.decode() if isinstance(line, bytes) else line for line in found]
    return [int(time) for time, kind in map(str.split, lines) if kind in DEATHS]
