"""What the services share when they write: all of a script is done, or nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from itertools import islice
from typing import Any

from streamviz.client.models import Entry
from streamviz.client.resp import Command
from streamviz.errors import StreamVizError
from streamviz.patterns import dead_letters

_SHOWN = 2000
_FIELDS = 100


def load(name: str) -> str:
    """Return the text of a script, which stands beside this module."""
    return resources.files(__package__).joinpath("lua_scripts", f"{name}.lua").read_text("utf-8")


_BURY = load("bury")
_LEAVE = load("leave")


def raised(replies: Sequence[Any]) -> list[Any]:
    """Return the replies of a pipeline, or raise the first refusal among them."""
    for reply in replies:
        if isinstance(reply, StreamVizError):
            raise reply
    return list(replies)


def letter(stream: str, group: str, consumer: str, entry: Entry, error: Exception) -> list[str]:
    """Return the names and values of a dead letter, as `DeadLetters` reads it.

    A value that is too long to look at is cut off; the stream still has the whole.
    """
    about = dead_letters.fields(stream, group, consumer, entry.id, 1, str(error)[:_SHOWN])
    fields = islice(entry.fields.items(), _FIELDS)
    shown = {name[:_SHOWN]: value[:_SHOWN] for name, value in fields}
    return [word for pair in (shown | about).items() for word in pair]


def bury(
    stream: str, dead: str, group: str, consumer: str, entry: Entry, why: Exception
) -> Command:
    """Return the script that moves a pending entry to the dead letters, once (XADD, XACK)."""
    words = letter(stream, group, consumer, entry, why)
    return ["EVAL", _BURY, 2, stream, dead, group, str(entry.id), *words]


def leave(stream: str, group: str, consumer: str) -> Command:
    """Return the script that removes a consumer if it holds nothing (XGROUP DELCONSUMER)."""
    return ["EVAL", _LEAVE, 1, stream, group, consumer]
