"""What was noted about an entry before its work was done: a crash in between would lose it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from exercises.journal import Command, Step

NOTED = (
    "{} noted in another key before the work was in `{}`. A crash between the two would leave the "
    "note without the work. Write both in one transaction."
)
_TELLS = {"SADD", "SETNX", "MSETNX", "HSETNX", "ZADD", "PFADD", "GETSET", "SETBIT"}
"""Their reply tells whether the note was there before, as does XADD with an ID of one's own.

A count of attempts is no such note.
"""
_WRITES = {"SET", "HSET", "HMSET", "MSET", "RPUSH", "LPUSH", "XADD"}
_TAKES_BACK = {"SREM", "HDEL", "ZREM", "LREM", "DEL", "UNLINK", "GETDEL"}
_SHORT = {"SADD", "SREM", "HSET", "HSETNX", "HDEL", "SETBIT"}
"""These may name an entry by its milliseconds alone."""
_EXPIRES = {"EX", "PX", "EXAT", "PXAT"}
_READS = {"EXISTS", "GET", "MGET", "GETBIT", "LPOS", "LRANGE", "ZSCORE", "ZMSCORE", "ZRANGE"}
_READS |= {"XRANGE", "XREVRANGE", "XREAD", "HSTRLEN", "STRLEN"}
_READS |= {"SISMEMBER", "SMISMEMBER", "SMEMBERS", "HEXISTS", "HGET", "HMGET", "HGETALL", "HKEYS"}


def noted_first(
    steps: Iterable[Step] | None,
    words_of: Mapping[str, Collection[str]],
    work_of: Callable[[Command], Iterable[str]],
    keys: Collection[str],
) -> set[str]:
    """Return the entries that were noted under another key before their work was done.

    A note counts if code can ask for it: its command tells whether it is new, or its key is read
    at some time. A note that expires or is taken back marks an entry as being worked on.

    Parameters
    ----------
    steps, work_of
        As for `claims.replayed`.
    words_of : mapping of str to collection of str
        The words that a note of each entry may hold, by the entry's ID: its ID, and its content.
    keys : collection of str
        The keys of the stream and of the results, which hold no notes.
    """
    done, early, taken_back = set[str](), dict[str, set[str]](), set[tuple[str, str]]()
    commands = [[command for command in step if command[1:]] for step in steps or ()]
    read = {key for step in commands for one in step if _name(one) in _READS for key in one[1:]}
    for step in commands:
        done |= {one for command in step for one in work_of(command)}
        for command in step:
            key, ids = command[1], _named(command, words_of)
            if _name(command) in _TAKES_BACK:
                taken_back |= {(key, one) for one in ids}
            elif key not in keys and _is_note(command, read):
                early.setdefault(key, set()).update(ids - done)
    return {one for key, ids in early.items() for one in ids if (key, one) not in taken_back}


def _is_note(command: Command, read: Collection[str]) -> bool:
    name, words = _name(command), {word.upper() for word in command[3:]}
    if name == "SET" and words & _EXPIRES:
        return False
    tells = name in _TELLS or (name == "SET" and bool(words & {"NX", "GET"}))
    tells |= name == "XADD" and not any(word.endswith("*") for word in command[2:])
    return tells or (name in _WRITES and command[1] in read)


def _named(command: Command, words_of: Mapping[str, Collection[str]]) -> set[str]:
    """Return the entries that a command names, alone or as a part of a word such as a key."""
    last = 3 if _name(command) in ("HSET", "HSETNX", "SETBIT") else None
    parts = {part.strip("-") for part in re.split(r"[^\d-]+", " ".join(command[1:last]))}
    short = set(command[2:last]) if _name(command) in _SHORT else set()
    return {
        one
        for one, words in words_of.items()
        if parts & {*words} or one.removesuffix("-0") in short
    }


def _name(command: Command) -> str:
    return command[0].upper()
