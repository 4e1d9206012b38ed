"""The exercises of notebook 09, which are in `asking` and `relay`, and its pictures."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from exercises import asking, relay
from exercises.answers import answers
from exercises.asking import check_asking
from exercises.judge_pictures import Race, dialogue, requests
from exercises.relay import check_relay

_TIMEOUT_S = 15


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds.

    Raises
    ------
    TimeoutError
        If it does not hold within 15 seconds.
    """
    until = time.monotonic() + _TIMEOUT_S
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"still waiting after {_TIMEOUT_S} s: run the cells from the top")
        time.sleep(0.001)


def clean_up(client: redis.Redis, *prefixes: str) -> None:
    """Delete all keys with one of these prefixes; by default, those of the exercises."""
    if not prefixes:
        relay.clean_up(client)
    for prefix in prefixes or (asking.PREFIX,):
        for key in client.scan_iter(f"{prefix}*", count=1000):
            client.delete(key)


__all__ = [
    "Race",
    "answers",
    "check_asking",
    "check_relay",
    "clean_up",
    "dialogue",
    "requests",
    "wait_for",
]
