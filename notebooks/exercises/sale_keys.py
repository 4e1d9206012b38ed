"""The keys of exercise 1 of notebook 10: which of them expire, and which have another prefix.

Notebook 11 asks whether its notes expire.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import redis

from streamviz.client.replies import text

_LASTS, _GONE = -1, -2


def expire(client: redis.Redis, prefix: str) -> bool:
    """Delete what would expire, as if much time had passed; return whether there was anything.

    That is each key with this prefix, and each field of a hash, that has a time to live.
    """
    found = False
    for key in client.scan_iter(f"{prefix}*", count=1000):
        if client.pttl(key) != _LASTS:
            client.delete(key)
            found = True
        elif fields := lives_of(client, key):
            client.hdel(key, *fields)
            found = True
    return found


def expires(client: Any, key: str) -> bool:
    """Tell whether a key, or a field of it, has a time to live."""
    return client.pttl(key) not in (_LASTS, _GONE) or bool(lives_of(client, key))


def lives_of(client: Any, key: bytes | str) -> dict[Any, int]:
    """Return how long each field of a hash that expires still lives, in ms (HPTTL, Redis 7.4)."""
    with suppress(redis.ResponseError):  # no hash, or an older server
        if fields := client.hkeys(key):
            lives = client.execute_command("HPTTL", key, "FIELDS", len(fields), *fields)
            pairs = zip(fields, lives, strict=True)
            return {field: ms for field, ms in pairs if ms not in (_LASTS, _GONE)}
    return {}


def misplaced(client: redis.Redis, prefix: str, commands: Iterable[list[str]]) -> str:
    """Return a hint if commands use keys without the prefix, or none with it; or an empty text."""
    keys: set[str] = set()
    for command in {tuple(words) for words in commands}:
        with suppress(redis.ResponseError):  # a command without keys
            keys |= {text(key) for key in client.command_getkeys(*command)}
    others = sorted(key for key in keys if not key.startswith(prefix))
    if others:
        return (
            f"your function uses the key `{others[0]}`. Begin the names of all your keys with "
            f"`{prefix}`, or else the check can't let them expire."
        )
    if not keys:
        return (
            "the client that `take` gets sent no command about a key. Use no other client, or else "
            "the check can't let a buyer pause or die between your commands."
        )
    return ""
