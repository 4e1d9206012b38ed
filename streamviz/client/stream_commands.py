"""What this package knows of each stream command, in one row for each, and one for unknown ones.

With it, connections find a command's keys, the log of commands finds what changed, and a log
without values finds what to hide.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Literal, NamedTuple

from streamviz.client.resp import Command, as_text


class StreamCommand(NamedTuple):
    """What this package knows of a command.

    Its first key is the word at `key_at`. It `changes` the stream, only a group, or nothing. Fields
    have their values in the command that was `sent`, in its `reply`, in neither (`no`), or in an
    `unknown` place.
    """

    changes: Literal["stream", "group", "nothing"]
    values: Literal["sent", "reply", "no", "unknown"]
    key_at: int = 1


COMMANDS = {
    "XADD": StreamCommand("stream", "sent"),
    "XTRIM": StreamCommand("stream", "no"),
    "XDEL": StreamCommand("stream", "no"),
    "XDELEX": StreamCommand("stream", "no"),
    "XACKDEL": StreamCommand("stream", "no"),
    "XSETID": StreamCommand("stream", "no"),
    "XCFGSET": StreamCommand("stream", "no"),
    "XGROUP": StreamCommand("stream", "no", 2),  # it may create the stream
    "XACK": StreamCommand("group", "no"),
    "XNACK": StreamCommand("group", "no"),
    "XCLAIM": StreamCommand("group", "reply"),
    "XAUTOCLAIM": StreamCommand("group", "reply"),
    "XREADGROUP": StreamCommand("group", "reply"),
    "XREAD": StreamCommand("nothing", "reply"),
    "XRANGE": StreamCommand("nothing", "reply"),
    "XREVRANGE": StreamCommand("nothing", "reply"),
    "XINFO": StreamCommand("nothing", "reply", 2),
    "XLEN": StreamCommand("nothing", "no"),
    "XPENDING": StreamCommand("nothing", "no"),
    "EVAL": StreamCommand("stream", "unknown"),
    "MULTI": StreamCommand("nothing", "no"),
}
_NEW = StreamCommand("stream", "unknown")  # a command of streams that is not known here
_OTHER = StreamCommand("nothing", "unknown")


def facts(command: Command) -> StreamCommand:
    """Return what is known of a command."""
    name = as_text(command[0]).upper()
    return COMMANDS.get(name) or (_NEW if name.startswith("X") else _OTHER)


def key_of(command: Command) -> str:
    """Return the key that a command names, the first one of several, or an empty text."""
    return next(iter(keys_of(command)), "")


def keys_of(command: Command) -> list[str]:
    """Return the keys that a command names."""
    words = list(map(as_text, command))
    with suppress(ValueError):  # STREAMS or a number is missing
        if words[0] in {"XREAD", "XREADGROUP"}:  # ... STREAMS, the keys, and one ID for each key
            start = len(words) - words[::-1].index("STREAMS")
            return words[start : (start + len(words)) // 2]
        if words[0] == "EVAL":  # the script, the number of keys, the keys, and the arguments
            return words[3 : 3 + int("".join(words[2:3]))]
    index = facts(command).key_at
    return words[index : index + 1]
