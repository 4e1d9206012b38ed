"""The stream commands and options that the course meets, and which of them one command shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

TRIMMING = "MAXLEN@5.0, MINID@6.2, =@5.0, ~@5.0, LIMIT@6.2"
DELETING = "KEEPREF@8.2, DELREF@8.2, ACKED@8.2"
RANGE = "@5.0, -@5.0, +@5.0, (@6.2, COUNT@5.0"


class Row(NamedTuple):
    """One row of the table: a command, or one option of it."""

    command: str
    option: str
    since: str


def _of(command: str, options: str) -> Iterator[Row]:
    """Return rows of options, each written as ``option@version``, ``@version`` for the command."""
    for word in options.split(", "):
        option, _, since = word.rpartition("@")
        yield Row(command, option, since)


ROWS = (
    *_of("XADD", "@5.0, *@5.0, explicit ID@5.0, <ms>-*@7.0, NOMKSTREAM@6.2"),
    *_of("XADD", "IDMP@8.6, IDMPAUTO@8.6"),
    *_of("XADD", TRIMMING),
    *_of("XADD", DELETING),
    *_of("XTRIM", "@5.0"),
    *_of("XTRIM", TRIMMING),
    *_of("XTRIM", DELETING),
    *_of("XRANGE", RANGE),
    *_of("XREVRANGE", RANGE),
    *_of("XLEN", "@5.0"),
    *_of("XREAD", "@5.0, COUNT@5.0, BLOCK@5.0, $@5.0, +@7.4, MAXCOUNT@8.10, MAXSIZE@8.10"),
    *_of("XGROUP CREATE", "@5.0, MKSTREAM@5.0, ENTRIESREAD@7.0"),
    *_of("XGROUP SETID", "@5.0"),
    *_of("XGROUP DESTROY", "@5.0"),
    *_of("XGROUP CREATECONSUMER", "@6.2"),
    *_of("XGROUP DELCONSUMER", "@5.0"),
    *_of("XGROUP HELP", "@5.0"),
    *_of("XREADGROUP", "@5.0, COUNT@5.0, BLOCK@5.0, >@5.0, ID@5.0, NOACK@5.0, CLAIM@8.4"),
    *_of("XACK", "@5.0"),
    *_of("XACKDEL", "@8.2"),
    *_of("XACKDEL", DELETING),
    *_of("XNACK", "@8.8"),
    *_of("XPENDING", "summary@5.0, range@5.0, consumer@5.0, IDLE@6.2"),
    *_of("XCLAIM", "@5.0, IDLE@5.0, TIME@5.0, RETRYCOUNT@5.0, FORCE@5.0, JUSTID@5.0, LASTID@5.0"),
    *_of("XAUTOCLAIM", "@6.2, COUNT@6.2, JUSTID@6.2"),
    *_of("XDEL", "@5.0"),
    *_of("XDELEX", "@8.2"),
    *_of("XDELEX", DELETING),
    *_of("XSETID", "@5.0, ENTRIESADDED@7.0, MAXDELETEDID@7.0"),
    *_of("XINFO STREAM", "@5.0, FULL@6.0"),
    *_of("XINFO GROUPS", "@5.0"),
    *_of("XINFO CONSUMERS", "@5.0"),
    *_of("XINFO HELP", "@5.0"),
    *_of("XCFGSET", "@8.6"),
)
"""Every stream command and option of the course's plan, up to Redis 8.10."""


def key(row: Row) -> str:
    """Return a row's name, as it is kept."""
    return f"{row.command} {row.option}".strip()


def met(words: list[str]) -> set[str]:
    """Return the names of the rows that one command shows, as it was sent."""
    name = words[0].upper()
    if name in ("XGROUP", "XINFO") and len(words) > 1:
        name, words = f"{name} {words[1].upper()}", words[1:]
    try:
        shown = {"", *_options(name, words[1:])}
    except (ValueError, StopIteration):  # what the server refuses, too
        shown = {""}
    return {key(row) for row in ROWS if name == row.command and row.option in shown}


def _options(name: str, words: list[str]) -> set[str]:
    """Return the options in a command, which are not to be mixed up with names and values."""
    match name:
        case "XADD":
            return _adding(words[1:])
        case "XTRIM":
            return _upper(words[1:])
        case "XRANGE" | "XREVRANGE":
            ends = {"(" if end.startswith("(") else end for end in words[1:3]}
            return ends | _upper(words[3:])
        case "XREAD":
            options, ids = _around_streams(words)
            return options | (ids & {"$", "+"})
        case "XREADGROUP":
            options, ids = _around_streams(words[3:])
            return options | {">" if one == ">" else "ID" for one in ids}
        case "XPENDING":
            return _pending(words[2:])
        case "XCLAIM":
            return _upper([word for word in words[4:] if not word[:1].isdigit()])
        case "XAUTOCLAIM":
            return _upper(words[5:])
        case "XDELEX":
            return _upper(words[1:2])
        case "XACKDEL" | "XGROUP CREATE":
            return _upper(words[2:] if name == "XACKDEL" else words[3:])
        case _:
            return _upper(words[1:])


def _upper(words: list[str]) -> set[str]:
    return {word.upper() for word in words}


def _adding(words: list[str]) -> set[str]:
    """Return XADD's options up to its ID; what follows are fields, whatever they are called."""
    shown: set[str] = set()
    left = iter(words)
    for word in left:
        option = word.upper()
        if option in ("MAXLEN", "MINID"):
            shown.add(option)
            sign = next(left)
            if sign in ("=", "~"):
                shown.add(sign)
                next(left)
        elif option in ("LIMIT", "IDMPAUTO", "IDMP"):
            shown.add(option)
            next(left)
            if option == "IDMP":
                next(left)
        elif option in ("NOMKSTREAM", "KEEPREF", "DELREF", "ACKED"):
            shown.add(option)
        else:
            kind = "*" if word == "*" else "<ms>-*" if word.endswith("-*") else "explicit ID"
            return shown | {kind}
    return shown


def _around_streams(words: list[str]) -> tuple[set[str], set[str]]:
    """Return the options before STREAMS, and the IDs after its keys."""
    place = [word.upper() for word in words].index("STREAMS")
    after = words[place + 1 :]
    return _upper(words[:place]), set(after[len(after) // 2 :])


def _pending(words: list[str]) -> set[str]:
    if not words:
        return {"summary"}
    idle = words[0].upper() == "IDLE"
    rest = words[2:] if idle else words
    return {"range"} | ({"IDLE"} if idle else set()) | ({"consumer"} if len(rest) > 3 else set())
