"""A log of commands to learn from: each command, its reply, and what it changed."""

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

from streamviz.client.arguments import whole_number
from streamviz.client.cluster import Client, connection_to
from streamviz.client.connection import Connection, listeners
from streamviz.client.hidden_values import (
    FieldsShown,
    hide_command,
    hide_literals,
    hide_reply,
    is_hidden,
)
from streamviz.client.replies import as_dict
from streamviz.client.resp import Command, as_text
from streamviz.client.stream_commands import facts, keys_of

_INTERNAL_MODULES = ("streamviz.", "simpy.", "threading", "contextlib")
_MAX_CHARACTERS = 160
_WATCHED_FIELDS = {
    "XINFO STREAM": ("length", "entries-added", "last-generated-id", "max-deleted-entry-id"),
    "XINFO GROUPS": ("last-delivered-id", "entries-read", "lag", "pending"),
    "XINFO CONSUMERS": ("pending",),
}
_INITIAL_VALUES = ("0", "0-0", "nil")  # a new field with such a value is not a change


@dataclass(frozen=True, slots=True)
class LoggedCommand:
    """One command of a `CommandLog`, as you would type it in redis-cli, and its reply or error.

    Attributes
    ----------
    call : str
        The Python expression that sent the command; empty if its source is not available.
    changes : tuple of str
        What the command changed in XINFO, for example ``"crew pending: 0 → 1"``. If other clients
        change the stream between the command and the XINFO before or after it, this counts, too.
    """

    call: str
    command: str
    reply: str
    changes: tuple[str, ...]

    def __str__(self) -> str:
        return "\n  ".join([f"> {self.command}", self.reply, *self.changes])


class CommandLog:
    """Log the commands that this package sends over a client.

    The log records while its ``with`` block runs, or from `start` to `stop`. As the last line of
    a cell it is displayed as a table. Commands of the client's own methods (``client.xadd``) and of
    an observer are not logged.

    Parameters
    ----------
    limit : int
        How many commands to store, 1 or more; the oldest are dropped.
    fields : {"show", "hide"}
        Whether to log the values of entries' fields, or only their names and sizes.

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

    def __init__(self, client: Client, *, limit: int = 1000, fields: FieldsShown = "show") -> None:
        self.count = 0
        self.hides = is_hidden(fields)
        self._commands: deque[LoggedCommand] = deque(maxlen=whole_number("limit", limit, 1))
        connection_to(client, "", quiet=True)  # or it says what the client is
        self._client = client
        self._connections: dict[str, Connection] = {}  # by key
        self._listeners = listeners(client)
        self._states: dict[str, dict[str, str]] = {}  # by key, when it was last read
        self._read: set[str] = set()  # the keys whose states were read since the last reply

    def start(self) -> CommandLog:
        """Start to log commands."""
        if self not in self._listeners:
            self._listeners.append(self)
        return self

    def stop(self) -> None:
        """Stop; the logged commands stay."""
        if self in self._listeners:
            self._listeners.remove(self)

    def on_send(self, command: Command) -> None:
        """Read the state of the streams that a command may change: others may have changed it."""
        for key in _changed_keys(command):
            if key not in self._read:  # a pipeline's commands share one reading
                self._read.add(key)
                self._states[key] = self._state(key)

    def on_reply(self, command: Command, reply: Any) -> None:
        """Log a command, its reply, and what it changed."""
        changes: list[str] = []
        self._read.clear()
        keys = _changed_keys(command)
        for key in keys:
            before = self._states.get(key, {})
            after = self._states[key] = self._state(key)
            prefix = "" if len(keys) == 1 else f"{_printable(key)}: "
            if facts(command).changes == "group":  # it may have waited for an XADD
                for name in _WATCHED_FIELDS["XINFO STREAM"]:
                    before[name] = after.get(name, "gone")
            changes += (f"{prefix}{change}" for change in _changes(before, after))
        call = _calling_expression()
        if self.hides:
            call, reply = hide_literals(call), hide_reply(command, reply)
            command = hide_command(command)
        call, sent, reply_text = (
            text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"
            for text in (call, _format_command(command), _format_reply(reply))
        )
        self._commands.append(LoggedCommand(call, sent, reply_text, tuple(changes)))
        self.count += 1

    def _state(self, key: str) -> dict[str, str]:
        """Return the watched fields of XINFO for a stream, its groups and its consumers."""
        connection = self._connections.setdefault(key, connection_to(self._client, key, quiet=True))
        stream, groups = connection.pipeline([("XINFO", "STREAM", key), ("XINFO", "GROUPS", key)])
        if isinstance(stream, Exception):
            return {}
        state = _watched("", stream, "XINFO STREAM")
        names = [as_dict(group)[b"name"] for group in groups]
        consumers = connection.pipeline([("XINFO", "CONSUMERS", key, name) for name in names])
        for group, raw_name, members in zip(groups, names, consumers, strict=True):
            name = _printable(as_text(raw_name))
            state |= _watched(f"{name} ", group, "XINFO GROUPS")
            for member in members if isinstance(members, list) else ():
                consumer = _printable(as_text(as_dict(member)[b"name"]))
                state |= _watched(f"{name}/{consumer} ", member, "XINFO CONSUMERS")
        return state

    def since(self, count: int) -> list[LoggedCommand]:
        """Return the commands logged after the first `count`, as far as they are still stored."""
        new = min(self.count - whole_number("count", count, 0), len(self._commands))
        return list(islice(self._commands, len(self._commands) - new, None))

    def __enter__(self) -> CommandLog:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __len__(self) -> int:
        return len(self._commands)

    def __getitem__(self, index: int) -> LoggedCommand:
        return self._commands[index]

    def __iter__(self) -> Iterator[LoggedCommand]:
        return iter(tuple(self._commands))

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "no command yet"

    def _repr_html_(self) -> str:
        return table(list(self))


def table(commands: Sequence[LoggedCommand]) -> str:
    """Return commands as an HTML table; all texts are escaped."""
    head = "".join(f"<th>{title}</th>" for title in ("call", "command", "reply", "what changed"))
    start, end = '<td style="text-align:left;vertical-align:top"><code>', "</code></td>"
    rows = ""
    for one in commands:
        cells = (one.call, one.command, one.reply, "\n".join(one.changes))
        rows += f"<tr>{''.join(f'{start}{html.escape(cell)}{end}' for cell in cells)}</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _changed_keys(command: Command) -> Sequence[str]:
    return [] if facts(command).changes == "nothing" else keys_of(command)


def _watched(prefix: str, reply: Any, command: str) -> dict[str, str]:
    values = {name.decode(): value for name, value in as_dict(reply).items()}
    return {
        f"{prefix}{name}": "nil" if values[name] is None else as_text(values[name])
        for name in _WATCHED_FIELDS[command]
        if name in values
    }


def _changes(before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    for name in before | after:
        old, new = before.get(name, "0"), after.get(name, "gone")
        if old != new and (name in before or new not in _INITIAL_VALUES):
            yield f"{name}: {old} → {new}"


def _calling_expression() -> str:
    """Return the expression that sent this command, from the first frame outside the package.

    It is the caller's own line: a scenario's commands come from ``shop.run(seconds=60)``. A thread
    of the package's own, such as a live scenario's, has none.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_INTERNAL_MODULES):
        frame = frame.f_back
    if frame is None:
        return ""
    positions = islice(frame.f_code.co_positions(), frame.f_lasti // 2, None)
    first, last, start, end = next(positions)
    if first is None or last is None or start is None:
        return ""
    name = frame.f_code.co_filename
    lines = [linecache.getline(name, n).encode() for n in range(first, last + 1)]
    if not all(lines):
        return ""
    lines[-1] = lines[-1][:end]  # positions count bytes
    lines[0] = lines[0][start:]
    return " ".join(b"".join(lines).decode("utf-8", "replace").split())


def _format_command(command: Command) -> str:
    words = [_quote(as_text(word)) for word in command]
    if words[0].upper() == "EVAL" and (script := as_text(command[1])).startswith("--"):
        # a comment in the script's first line says more than the script's first lines do
        first_line = script.partition("\n")[0]
        words[:2] = ["EVAL", f"«{first_line.strip('- ')}»"]
    return " ".join(words)


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _quote(word: str) -> str:
    plain = word and word.isprintable() and not set(word) & set(" \"'")
    return word if plain else repr(word)


def _format_reply(reply: Any) -> str:
    if reply is None:
        return "nil"
    if isinstance(reply, Exception):
        return f"error: {_printable(str(reply))}"
    if isinstance(reply, dict):
        return _format_reply([part for pair in reply.items() for part in pair])
    if isinstance(reply, list | tuple):
        return f"[{', '.join(map(_format_reply, reply))}]"
    return str(reply) if isinstance(reply, int) else _quote(as_text(reply))
