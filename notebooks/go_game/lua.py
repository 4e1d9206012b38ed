"""Lua scripts that the services share, and the dead letters that they write."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from itertools import islice
from typing import Any

from streamviz.client import Command, Entry
from streamviz.errors import StreamVizError
from streamviz.patterns import dead_letter_fields

_MAX_CHARACTERS = 2000
_MAX_FIELDS = 100


def load(name: str) -> str:
    """Return the text of a script in the folder ``lua_scripts``."""
    return resources.files(__package__).joinpath("lua_scripts", f"{name}.lua").read_text("utf-8")


_DEAD_LETTER = load("dead_letter")
_REMOVE_CONSUMER = load("remove_consumer")


def check_replies(replies: Sequence[Any]) -> list[Any]:
    """Return the replies of a pipeline, or raise the first error among them."""
    for reply in replies:
        if isinstance(reply, StreamVizError):
            raise reply
    return list(replies)


def letter_fields(
    stream: str, group: str, consumer: str, entry: Entry, error: Exception
) -> list[str]:
    """Return the names and values of a dead letter, in the form that `DeadLetters` reads.

    Long values are cut off: the stream still holds the whole entry.
    """
    reason = str(error)[:_MAX_CHARACTERS]
    history = dead_letter_fields(stream, group, consumer, entry.id, 1, reason)
    pairs = islice(entry.fields.items(), _MAX_FIELDS)
    own = [(name[:_MAX_CHARACTERS], value[:_MAX_CHARACTERS]) for name, value in pairs]
    return [word for pair in (*own, *history.items()) for word in pair]


def dead_letter(
    stream: str, dead: str, group: str, consumer: str, entry: Entry, why: Exception
) -> Command:
    """Return the call that moves a pending entry to the dead letters, once (XADD, XACK)."""
    words = letter_fields(stream, group, consumer, entry, why)
    return ["EVAL", _DEAD_LETTER, 2, stream, dead, group, str(entry.id), *words]


def remove_consumer(stream: str, group: str, consumer: str) -> Command:
    """Return the call that deletes a consumer without pending entries (XGROUP DELCONSUMER)."""
    return ["EVAL", _REMOVE_CONSUMER, 1, stream, group, consumer]
