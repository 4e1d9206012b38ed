"""The commands of an exercise, to see what a crash between any two of them would have lost."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from typing import Any

import redis

from streamviz.client import EntryId


class Command(list[str]):
    """The words of a command, and when the server ran it, in milliseconds."""

    def __init__(self, words: Iterable[str], time_ms: float = 0) -> None:
        super().__init__(words)
        self.time_ms = time_ms


Step = list[Command]

_monitors: dict[str, Any] = {}
_steps: dict[str, list[Step] | None] = {}
_claims: dict[str, int] = {}


def start(client: Any, name: str) -> None:
    """Write down the commands that the server runs from now on (MONITOR), under a name."""
    close(name)
    _steps.pop(name, None)
    with contextlib.suppress(redis.ResponseError):  # a server may forbid it
        _monitors[name] = client.monitor().__enter__()


def stop(client: Any, name: str) -> list[Step] | None:
    """Return the commands since `start`; None if the server forbids MONITOR, or none was started.

    What the server runs at once, such as a transaction or a script, is one step.
    """
    if name in _monitors:
        token = secrets.token_hex(8)
        client.echo(token)
        _steps[name] = _read(_monitors[name], token)
        _claims[name] = _count_claims(client)
        close(name)
    return _steps.get(name)


def close(name: str) -> None:
    """Stop writing down, if anything was started under the name."""
    if name in _monitors:
        _monitors.pop(name).__exit__()


def lost_by_a_crash(
    steps: Iterable[Step] | None, key: str, work_of: Callable[[Command], Iterable[str]]
) -> list[str]:
    """Return the entries of a stream that were acknowledged before their work was done.

    Parameters
    ----------
    steps : iterable of steps or None
        What `stop` returned.
    key : str
        The key of the stream.
    work_of : callable
        Takes a command, and returns the IDs of the entries whose work it does.
    """
    done: set[str] = set()
    early: list[str] = []
    for step in steps or ():
        done |= {entry_id for command in step for entry_id in work_of(command)}
        for command in step:
            if command[1:2] == [key]:
                early += [entry_id for entry_id in acked_ids(command) if entry_id not in done]
    return early


def acked_ids(command: Command) -> list[str]:
    """Return the IDs that a command acknowledges."""
    name, words = command[0].upper(), [word.upper() for word in command]
    if name == "XACKDEL":  # key group [KEEPREF | DELREF | ACKED] IDS number id ...
        return entry_ids(command[words.index("IDS") + 2 :])
    return entry_ids(command[3:]) if name == "XACK" else []


def entry_ids(words: Iterable[str]) -> list[str]:
    """Return the IDs up to the first other word, as Redis writes them: ``5-0`` for a 5."""
    ids = takewhile(re.compile(r"\d+(-\d+)?").fullmatch, words)
    return [str(EntryId.parse(one)) for one in ids]


def dropped(
    steps: Iterable[Step] | None,
    key: str,
    owners: Mapping[str, str],
    new: Iterable[str],
    work_of: Callable[[Command], Iterable[str]],
) -> list[str]:
    """Return the entries that a deleted consumer held, if their work was not done (DELCONSUMER).

    Parameters
    ----------
    steps, key, work_of
        As for `lost_by_a_crash`.
    owners : mapping of str to str
        The consumer that holds each pending entry at first, by the entry's ID. A claim is taken to
        get what it asks for, because `steps` has no replies.
    new : iterable of str
        The IDs of the entries that are delivered next.
    """
    held, coming = dict(owners), list(new)
    done: set[str] = set()
    lost: list[str] = []
    for step in steps or ():
        done |= {entry_id for command in step for entry_id in work_of(command)}
        for words in (command for command in step if key in command):
            name, upper = words[0].upper(), [word.upper() for word in words]
            count = int(words[upper.index("COUNT") + 1]) if "COUNT" in upper else None
            if name == "XREADGROUP" and words[-1] == ">":
                if "CLAIM" in upper:
                    held = dict.fromkeys(held, words[3])
                held |= dict.fromkeys(coming[:count], words[3])
                del coming[:count]
            elif name == "XAUTOCLAIM":
                held |= dict.fromkeys([*held][:count], words[3])
            elif name == "XCLAIM":
                held |= {one: words[3] for one in entry_ids(words[5:]) if one in held}
            elif acked := acked_ids(words):
                held = {one: who for one, who in held.items() if one not in acked}
            elif upper[:2] == ["XGROUP", "DELCONSUMER"]:
                lost += [one for one, who in held.items() if who == words[4] and one not in done]
                held = {one: who for one, who in held.items() if who != words[4]}
    return lost


def shortcut(steps: Iterable[Step] | None, key: str) -> str:
    """Return a hint if entries were read with NOACK, or the group moved; or else an empty text."""
    for words in (command for step in steps or () for command in step if key in command):
        name, option = words[0].upper(), words[1].upper()
        if name == "XREADGROUP" and "NOACK" in map(str.upper, words):
            return (
                "with NOACK, an entry counts as handled as soon as it is delivered: a crash after "
                "that would lose it."
            )
        if name == "XGROUP" and option in ("SETID", "DESTROY"):
            return (
                f"XGROUP {option} would make the group read again what it has read before: leave "
                "the group as it is. Start again."
            )
    return ""


def claimed(client: Any, key: str, consumer: str, ids: Iterable[str] = ()) -> bool:
    """Tell whether a consumer claimed entries (XAUTOCLAIM, CLAIM), or each of these (XCLAIM).

    The commands are those written down under the name `key`. It is true where they are not known:
    if the server forbids MONITOR, or has run claims since the first `stop`.
    """
    if (steps := stop(client, key)) is None or _count_claims(client) > _claims[key]:
        return True
    claims = [
        command
        for step in steps
        for command in step
        if key in command and command[3:4] == [consumer] and _is_claim(command)
    ]
    if any(command[0].upper() != "XCLAIM" for command in claims):
        return True
    named = {one for command in claims for one in entry_ids(command[5:])}
    return bool(claims) and set(ids) <= named


def pushed(
    key: str, ids_of: Mapping[str, str | Iterable[str]], steps: Iterable[Step] | None = None
) -> Callable[[Command], Iterable[str]]:
    """Create a `work_of` for work that ends on a list, which does not exist before the first step.

    Parameters
    ----------
    key : str
        The key of the list.
    ids_of : mapping of str to str or to iterable of str
        The ID of each value's entry, or the IDs of all its entries. The first push of the value
        does the first of these, the second push the second, and so on.
    steps : iterable of steps, optional
        With these, a value's entries are taken in the order in which they are acknowledged.
    """
    acked = [one for step in steps or () for words in step for one in acked_ids(words)]
    place = {one: n for n, one in reversed([*enumerate(acked)])}
    ids = {
        value: [some]
        if isinstance(some, str)
        else sorted(some, key=lambda one: place.get(one, len(place)))
        for value, some in ids_of.items()
    }
    known: dict[int, tuple[Command, list[str]]] = {}  # a command may be asked about again
    pushes = Counter[str]()

    def work_of(command: Command) -> Iterable[str]:
        if id(command) not in known:
            done = []
            for value in _pushed_values(command, key, pushes):
                pushes[value] += 1
                done += ids.get(value, [])[: pushes[value]][-1:]
            known[id(command)] = command, done
        return known[id(command)][1]

    return work_of


def _pushed_values(command: Command, key: str, there: Counter[str]) -> list[str]:
    """Return what a command pushes to a list that has these values; it may delete the list."""
    name, words = command[0].upper(), command[1:]
    if key in words and name in ("DEL", "UNLINK", "RENAME"):
        there.clear()
    if words[:1] != [key]:
        return []
    if name in ("RPUSH", "LPUSH") or (name in ("RPUSHX", "LPUSHX") and there):
        return words[1:]
    return words[3:4] if name == "LINSERT" and words[2] in there else []


def _is_claim(command: Command) -> bool:
    words = [word.upper() for word in command]
    reads = words[0] == "XREADGROUP" and "CLAIM" in words  # since Redis 8.4
    return reads or words[0] in ("XCLAIM", "XAUTOCLAIM")


def _count_claims(client: Any) -> int:
    """Return how many claims the server has ever run (INFO commandstats)."""
    calls = client.info("commandstats")
    return sum(
        calls.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("xclaim", "xautoclaim")
    )


def _read(monitor: Any, token: str) -> list[Step]:
    steps: list[Step] = []
    inside = False
    while token not in (told := monitor.next_command())["command"]:
        command = Command(told["command"].split(" "), told["time"] * 1000)
        name = command[0].upper()
        if inside or told["client_type"] == "lua":
            steps[-1].append(command)
        else:
            steps.append([command])
        inside = name != "EXEC" and (inside or name == "MULTI")
    return steps
