"""The exercises of notebook 14: what your entries take, and where a verdict ends."""

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
    """Return the empty stream ``fact:mine``; nothing is in ``fact:per-gib``."""
    client.delete(_PER_GIB)
    return fresh(client, "mine")


def check_fit(mine: Stream) -> Verdict:
    """Grade exercise 1: ``fact:per-gib`` says how many entries like those in ``mine`` fit a GiB.

    It is right within a quarter of what a stream of 5000 such entries tells.
    """
    told: Any = mine.client.get(_PER_GIB)
    rows = [entry.fields for entry in mine.range(count=_SAMPLE)]
    if told is None or not rows:
        return Verdict(False, "add entries to `mine`, and set the key `fact:per-gib`.")
    scratch = fresh(mine.client, "scratch")
    scratch.add_many(islice(cycle(rows), _SAMPLE))
    fits = GIB * _SAMPLE / bytes_of(scratch)
    mine.client.unlink(scratch.key)
    ratio = float(told) / fits
    return grade(
        "that many fit, within a quarter.",
        [
            (
                ratio < 1 - _CLOSE,
                "far more fit: one entry alone pays for all that a stream needs.",
            ),
            (ratio > 1 + _CLOSE, "fewer fit: the ID and the entry's own notes take bytes, too."),
        ],
    )


def new_case(client: redis.Redis) -> ConsumerGroup:
    """Return the group ``pair`` on ``fact:case``: twelve jobs, and nobody has asked yet."""
    case = fresh(client, "case")
    case.add_many((f"{n}-0", {"job": n}) for n in range(1, _JOBS + 1))
    pair = case.group("pair")
    pair.create("0")
    return pair


def take_turns(pair: ConsumerGroup, counts: Mapping[str, int]) -> None:
    """Let ``quick`` ask three times for each time that ``slow`` asks, until nothing is left.

    Parameters
    ----------
    pair : ConsumerGroup
        The group.
    counts : mapping of str to int
        How many entries each of the two asks for at a time (COUNT).
    """
    for name in cycle(["quick"] * _QUICK_ASKS + ["slow"]):
        if not pair.consumer(name).read(counts[name]):
            return


def check_case(pair: ConsumerGroup) -> Verdict:
    """Grade exercise 2: all jobs were given, and ``slow`` holds more of them than ``quick``."""
    if find_group(stream_of(pair), pair.name) is None:
        return Verdict(False, "the group is gone: begin with new_case again.")
    held = pair.pending().consumers
    quick, slow = held.get("quick", 0), held.get("slow", 0)
    return grade(
        f"quick got {quick} and slow {slow}: who asks for much gets much, however slow it is.",
        [
            (quick + slow < _JOBS, f"{_JOBS - quick - slow} jobs were not given: take turns."),
            (quick == 0, "quick never got anything: it must ask, too."),
            (slow == quick, f"quick got {quick} and slow {slow}: as many each, not yet more."),
            (slow < quick, f"quick got {quick} and slow {slow}, as the claim has it."),
        ],
    )
