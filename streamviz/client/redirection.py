"""Tell where a node of a cluster redirects a command to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from redis.exceptions import AskError, MovedError, TryAgainError

from streamviz.client.resp import Command, unpack


class Redirection(NamedTuple):
    """The node that another node redirects to; an empty host is that of the node that replied.

    Use that node from now on (MOVED), or for this command only (ASK). With port 0, use the same
    node again after a short delay (TRYAGAIN).
    """

    kind: Literal["MOVED", "ASK", "TRYAGAIN"]
    host: str = ""
    port: int = 0


def redirection(reply: Any) -> Redirection | None:
    """Return where a reply redirects to; None for a result or another error."""
    if not isinstance(reply, Exception):
        return None
    message = str(reply)
    for kind, name in ((MovedError, "MOVED"), (AskError, "ASK"), (TryAgainError, "TRYAGAIN")):
        if isinstance(reply, kind) and not message.startswith(name):
            message = f"{name} {message}"  # redis-py's own reader removes the first word
            break
    if message.startswith("TRYAGAIN"):
        return Redirection("TRYAGAIN")
    match = re.match(r"(MOVED|ASK) \d+ (.*):(\d+)$", message)
    if match is None:
        return None
    return Redirection("MOVED" if match[1] == "MOVED" else "ASK", match[2], int(match[3]))


def follow_redirections(
    payload: bytes, replies: list[Any], send: Callable[[list[Command]], list[Any]]
) -> list[Any]:
    """Send the redirected ones of packed commands again, in order, and return all replies."""
    redirected = [index for index, reply in enumerate(replies) if redirection(reply)]
    if redirected:
        commands = unpack(payload)
        new_replies = send([commands[index] for index in redirected])
        for index, reply in zip(redirected, new_replies, strict=True):
            replies[index] = reply
    return replies
