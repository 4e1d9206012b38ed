"""The exercises of notebook 14: the memory of your entries, and the limits of a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice
from typing import Any

import redis

from exercises.fact_check.processes import PREFIX, fresh
from exercises.fact_check.scale import GIB, bytes_of
from exercises.verdict import Verdict, find_group, grade, stream_of
from streamviz.client.groups import ConsumerGroup
from streamviz.client.stream import Stream

MY_ORDER: dict[str, str | int] = {
    "order_id": "A-1001",
    "customer": "ada",
    "item": "kettle",
    "price": 29,
}
_PER_GIB = f"{PREFIX}per-gib"
_SAMPLE, _CLOSE = 5000, 0.25
_JOBS, _QUICK_ASKS = 12, 3


def new_fit(client: redis.Redis) -> Stream:
    """Return the empty stream ``fact:mine``, and delete the key ``fact:per-gib``."""
    client.delete(_PER_GIB)
    return fresh(client, "mine")


def check_fit(mine: Stream) -> Verdict:
    """Grade exercise 1: ``fact:per-gib`` is the number of entries like ``mine`` that fit in a GiB.

    The check measures a stream of 5000 such entries, and accepts a difference of a quarter.
    """
    answer: Any = mine.client.get(_PER_GIB)
    rows = [entry.fields for entry in mine.range(count=_SAMPLE)]
    if answer is None or not rows:
        return Verdict(False, "add entries to `mine`, and set the key `fact:per-gib`.")
    scratch = fresh(mine.client, "scratch")
    scratch.add_many(islice(cycle(rows), _SAMPLE))
    fits = GIB * _SAMPLE / bytes_of(scratch)
    mine.client.unlink(scratch.key)
    ratio = float(answer) / fits
    return grade(
        "that is correct to within a quarter.",
        [
            (
                ratio < 1 - _CLOSE,
                "far more fit: your figure for one entry includes the stream's fixed overhead.",
            ),
            (ratio > 1 + _CLOSE, "fewer fit: the ID and each entry's overhead take bytes, too."),
        ],
    )


def new_case(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``pair`` on ``fact:case``, with twelve jobs waiting."""
    case = fresh(client, "case")
    case.add_many((f"{n}-0", {"job": n}) for n in range(1, _JOBS + 1))
    pair = case.group("pair")
    pair.create("0")
    return pair


def take_turns(pair: ConsumerGroup, counts: Mapping[str, int]) -> None:
    """Let ``quick`` read three times for each read of ``slow``, until nothing is left.

    Parameters
    ----------
    pair : ConsumerGroup
        The group.
    counts : mapping of str to int
        The number of entries that each of the two asks for at a time (COUNT).
    """
    for name in cycle(["quick"] * _QUICK_ASKS + ["slow"]):
        if not pair.consumer(name).read(counts[name]):
            return


def check_case(pair: ConsumerGroup) -> Verdict:
    """Grade exercise 2: all jobs are delivered, and ``slow`` holds more of them than ``quick``."""
    if find_group(stream_of(pair), pair.name) is None:
        return Verdict(False, "the group is missing: start again with new_case.")
    pending = pair.pending().consumers
    quick, slow = pending.get("quick", 0), pending.get("slow", 0)
    return grade(
        f"quick got {quick} and slow {slow}: a consumer that asks for many gets many, even if it "
        "is slow.",
        [
            (quick + slow < _JOBS, f"{_JOBS - quick - slow} jobs were not delivered: take turns."),
            (quick == 0, "quick got nothing: it must ask, too."),
            (slow == quick, f"quick got {quick} and slow {slow}: the same, but not yet more."),
            (slow < quick, f"quick got {quick} and slow {slow}, as the claim says."),
        ],
    )
