"""What was sent, what came back, and what it changed: a log of commands to learn from."""

from __future__ import annotations

import html
import linecache
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from types import FrameType
from typing import Any

import redis

from streamviz.client.connection import Connection, key_of, listeners
from streamviz.client.exchange import Arg, Command
from streamviz.errors import InputError

_OURS = ("streamviz.client.", "streamviz.patterns.", "contextlib")  # frames that send for others
_MOST = 160
_TELLING = {
    "XINFO STREAM": ("length", "entries-added", "last-generated-id", "max-deleted-entry-id"),
    "XINFO GROUPS": ("last-delivered-id", "entries-read", "lag", "pending"),
    "XINFO CONSUMERS": ("pending",),
}
_NOTHING = ("0", "0-0", "nil")  # where something begins, these are no news
_READS = {"XRANGE", "XREVRANGE", "XLEN", "XREAD", "XINFO", "XPENDING", "INFO", "EXISTS", "TYPE"}


@dataclass(frozen=True, slots=True)
class LoggedCommand:
    """One command.

    Attributes
    ----------
    call : str
        The Python expression that sent it; empty if its source is not to be had.
    command : str
        As sent, in the words of redis-cli.
    reply : str
        As it came, or the error.
    changes : tuple of str
        What it changed in XINFO: ``"crew pending: 0 → 1"``.
    """

    call: str
    command: str
    reply: str
    changes: tuple[str, ...]

    def __str__(self) -> str:
        return "\n  ".join([f"> {self.command}", self.reply, *self.changes])


class CommandLog:
    """Keeps the commands that this package sends over a client, while it listens.

    As a cell's last line it shows itself as a table.

    Parameters
    ----------
    client : redis.Redis
        Whose commands. Those of its own methods (``client.xadd``) do not pass through here, and
        looks of an observer are left out.
    limit : int
        The newest so many are kept.

    Raises
    ------
    InputError
        If the limit is not a whole number above 0.

    Examples
    --------
    >>> from streamviz import Stream, connect
    >>> redis = connect()
    >>> _ = redis.delete("doctest:log")
    >>> with CommandLog(redis) as log:
    ...     _ = Stream(redis, "doctest:log").add({"dish": "soup"}, id="1-0")
    >>> log[0].command, log[0].changes[0]
    ('XADD doctest:log 1-0 dish soup', 'length: 0 → 1')
    """

    def __init__(self, client: redis.Redis, *, limit: int = 1000) -> None:
        if type(limit) is not int or limit < 1:
            raise InputError(f"limit={limit!r}: give a whole number, 1 or more")
        self.count = 0
        self._kept: deque[LoggedCommand] = deque(maxlen=limit)
        self._listeners = listeners(client)
        self._connection = Connection(client, quiet=True)
        self._known: dict[str, dict[str, str]] = {}

    def start(self) -> CommandLog:
        """Listen, from now on."""
        if self not in self._listeners:
            self._known.clear()
            self._listeners.append(self)
        return self

    def stop(self) -> None:
        """Listen no more; what was heard stays."""
        if self in self._listeners:
            self._listeners.remove(self)

    def sending(self, command: Command) -> None:
        """Look how a stream stands before the first command that may change it."""
        for key in _changed_keys(command):
            if key not in self._known:
                self._known[key] = _state(self._connection, key)

    def sent(self, command: Command, reply: Any) -> None:
        """Note a command, its reply, and what it changed."""
        changes: list[str] = []
        keys = _changed_keys(command)
        for key in keys:
            before = self._known.get(key, {})
            self._known[key] = _state(self._connection, key)
            whose = "" if len(keys) == 1 else f"{key}: "
            changes += (f"{whose}{one}" for one in _changes(before, self._known[key]))
        self._kept.append(
            LoggedCommand(_call(), _sent(command), _cut(_shown(reply)), tuple(changes))
        )
        self.count += 1

    def since(self, count: int) -> list[LoggedCommand]:
        """Return what came after the first `count` commands ever heard, as far as it is kept."""
        new = min(self.count - count, len(self._kept))
        return list(islice(self._kept, len(self._kept) - new, None))

    def __enter__(self) -> CommandLog:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, place: int) -> LoggedCommand:
        return self._kept[place]

    def __iter__(self) -> Iterator[LoggedCommand]:
        return iter(tuple(self._kept))

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "no command yet"

    def _repr_html_(self) -> str:
        return table(list(self))


def table(exchanges: Sequence[LoggedCommand]) -> str:
    """Return the exchanges as a table in HTML; everything in it is escaped."""
    heads = "".join(f"<th>{head}</th>" for head in ("call", "command", "reply", "what changed"))
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:left;vertical-align:top"><code>{html.escape(cell)}</code></td>'
            for cell in (one.call, one.command, one.reply, "\n".join(one.changes))
        )
        + "</tr>"
        for one in exchanges
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _changed_keys(command: Command) -> Sequence[str]:
    """Return the keys that a command may change: a stream's, or all that a script is given."""
    name = _word(command[0]).upper()
    if name == "EVAL":
        return _script_keys(command)
    return [key_of(command)] if name.startswith("X") and name not in _READS else []


def _state(connection: Connection, key: str) -> dict[str, str]:
    """Return what XINFO says of a stream, as far as it tells a learner something."""
    asked = [("XINFO", "STREAM", key), ("XINFO", "GROUPS", key)]
    stream, groups = connection.pipeline(asked)
    if isinstance(stream, Exception):
        return {}
    found = _facts("", stream, _TELLING["XINFO STREAM"])
    names = [_pairs(group)["name"] for group in groups]
    consumers = connection.pipeline([("XINFO", "CONSUMERS", key, name) for name in names])
    for group, name, members in zip(groups, map(_word, names), consumers, strict=True):
        found |= _facts(f"{name} ", group, _TELLING["XINFO GROUPS"])
        for member in members if isinstance(members, list) else ():
            who = _word(_pairs(member)["name"])
            found |= _facts(f"{name}/{who} ", member, _TELLING["XINFO CONSUMERS"])
    return found


def _facts(prefix: str, reply: Any, names: tuple[str, ...]) -> dict[str, str]:
    pairs = _pairs(reply)
    return {
        f"{prefix}{name}": "nil" if pairs[name] is None else _word(pairs[name])
        for name in names
        if name in pairs
    }


def _pairs(reply: Any) -> dict[str, Any]:
    flat = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {_word(name): value for name, value in flat}


def _changes(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    for name in before | after:
        old, new = before.get(name, "0"), after.get(name, "gone")
        if old != new and (name in before or new not in _NOTHING):
            yield f"{name}: {old} → {new}"


def _call() -> str:
    """Return the expression outside of the rooms for streams that led to this command."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    if frame is None:
        return ""
    places = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    first, last, start, end = places
    if first is None or last is None or start is None or end is None:
        return ""
    lines = [
        linecache.getline(frame.f_code.co_filename, n).encode() for n in range(first, last + 1)
    ]
    if not all(lines):
        return ""
    lines[-1] = lines[-1][:end]  # positions count bytes
    lines[0] = lines[0][start:]
    return _cut(" ".join(b"".join(lines).decode("utf-8", "replace").split()))


def _script_keys(command: Command) -> list[str]:
    """Return the keys that a script was given: EVAL, the script, how many, and then they."""
    return [_word(key) for key in command[3 : 3 + int(_word(command[2]))]]


def _sent(command: Command) -> str:
    if _word(command[0]).upper() == "EVAL":
        # what a script does, if its first line says so, is more to read than how it begins
        first = _word(command[1]).partition("\n")[0]
        if first.startswith("--"):
            about = f"«{first.strip('- ')}»"
            return _cut(" ".join(["EVAL", about, *(_quoted(_word(one)) for one in command[2:])]))
    return _cut(" ".join(_quoted(_word(word)) for word in command))


def _quoted(word: str) -> str:
    plain = word and word.isprintable() and not set(word) & set(" \"'")
    return word if plain else repr(word)


def _word(value: Arg) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _shown(reply: Any) -> str:
    if reply is None:
        return "nil"
    if isinstance(reply, Exception):
        return f"error: {reply}"
    if isinstance(reply, dict):
        return _shown([part for pair in reply.items() for part in pair])
    if isinstance(reply, list | tuple):
        return f"[{', '.join(map(_shown, reply))}]"
    return str(reply) if isinstance(reply, int) else _quoted(_word(reply))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
