"""What a server can do with streams: a table of what came with which version, and who has it.

The server itself is asked, as far as it tells: COMMAND DOCS names its commands, their options and
their history. A version alone would not do; Valkey counts its versions differently, and a server
may have commands turned off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

import redis

from streamviz.client import badges
from streamviz.client.connection import Connection, ServerVersion
from streamviz.client.replies import record, text
from streamviz.errors import CommandRefused, InputError, ServerAuthError, UnsupportedCommand


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a version of Redis brought to streams.

    Attributes
    ----------
    name : str
        The command or option.
    since : tuple of int
        The version that brought it.
    brings : str
        What for, in a few words.
    command, word : str
        Where COMMAND DOCS tells of it: the command, and the option, or what its history quotes;
        an empty word for the command itself. An empty command: only trying it tells.
    """

    name: str
    since: tuple[int, int]
    brings: str
    command: str
    word: str = ""


FEATURES = (
    Feature("XAUTOCLAIM", (6, 2), "find what is idle, and take it over", "xautoclaim"),
    Feature("NOMKSTREAM", (6, 2), "add only to a stream that is there", "xadd", "NOMKSTREAM"),
    Feature("MINID", (6, 2), "trim by age", "xtrim", "MINID"),
    Feature("(", (6, 2), "leave the ends of a range out", "xrange", "exclusive"),
    Feature("<ms>-*", (7, 0), "your time, and the server counts", "xadd", "`<ms>-*`"),
    Feature("lag", (7, 0), "how many entries wait for a group", "xinfo|groups", "`lag`"),
    Feature("ENTRIESREAD", (7, 0), "where a group begins", "xgroup|create", "ENTRIESREAD"),
    Feature("inactive", (7, 2), "who asks but gets nothing", "xinfo|consumers", "`inactive`"),
    Feature("XREAD +", (7, 4), "the newest entry", ""),
    Feature("XDELEX", (8, 2), "delete, and mind the groups", "xdelex"),
    Feature("XACKDEL", (8, 2), "acknowledge and delete in one step", "xackdel"),
    Feature("ACKED", (8, 2), "trim only what every group has done", "xtrim", "ACKED"),
    Feature("CLAIM", (8, 4), "take over and read in one command", "xreadgroup", "CLAIM"),
    Feature("IDMP", (8, 6), "send twice, add once", "xadd", "IDMP"),
    Feature("IDMPAUTO", (8, 6), "the same, told by the fields", "xadd", "IDMPAUTO"),
    Feature("XCFGSET", (8, 6), "how long that is remembered", "xcfgset"),
    Feature("XNACK", (8, 8), "give back what you cannot do", "xnack"),
    Feature("MAXCOUNT", (8, 10), "so many entries from all streams", "xread", "MAXCOUNT"),
    Feature("MAXSIZE", (8, 10), "about so many bytes from all streams", "xread", "MAXSIZE"),
)
"""What came to streams since they began (5.0), by version."""

_ASKED = sorted({feature.command.split("|")[0] for feature in FEATURES if feature.command})
_Told = tuple[frozenset[str] | None, str]  # a command's options, and its history
_NO_KEY = "streamviz:no:such:stream"


@dataclass(frozen=True, slots=True)
class Capability:
    """What one server has of one feature.

    Attributes
    ----------
    feature : Feature
        What.
    has : bool
        Whether the server has it.
    known : {"documented", "tried", "by version"}
        How that is known: from the server's own COMMAND DOCS, by trying it on a stream that does
        not exist, or, where the server tells neither, from its version.
    """

    feature: Feature
    has: bool
    known: str


class Capabilities:
    """What one server can do; in a notebook it shows itself as badges and as a table.

    Parameters
    ----------
    server : ServerVersion
        Which server.
    found : tuple of Capability
        One for each of `FEATURES`.
    """

    def __init__(self, server: ServerVersion, found: tuple[Capability, ...]) -> None:
        self.server = server
        self.found = found

    @property
    def name(self) -> str:
        """The server's name and version, without the last number, which changes nothing here."""
        return f"{self.server.name} {_dotted(self.server.number[:2])}"

    def has(self, name: str) -> bool:
        """Tell whether the server has a feature, by its name in `FEATURES`.

        Raises
        ------
        InputError
            If there is no feature of that name.
        """
        return self._one(name).has

    def missing(self, name: str) -> str:
        """Return which version a feature needs, and which server this is, in one sentence."""
        feature = self._one(name).feature
        return f"{feature.name} needs Redis {_dotted(feature.since)}; this server is {self.name}."

    @contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Run a block that needs a feature, and print what is missing where the server refuses.

        Examples
        --------
        >>> import streamviz
        >>> can = capabilities(streamviz.connect())
        >>> with can.trying("XAUTOCLAIM"):
        ...     print("it has it")
        it has it
        """
        said = self.missing(name)
        try:
            yield
        except UnsupportedCommand:
            print(said)

    def __repr__(self) -> str:
        lines = [f"{self.name} has {self._count()} of these:"]
        for one in self.found:
            has = "yes" if one.has else "no"
            feature = one.feature
            lines.append(
                f"{_dotted(feature.since):>5}  {has:3}  {feature.name:<11}  {feature.brings}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows: dict[str, list[tuple[str, bool]]] = {}
        for one in self.found:
            rows.setdefault(_dotted(one.feature.since), []).append((one.feature.name, one.has))
        title = f"What {self.name} can do with streams"
        image = badges.render(title, rows)
        lacks = ", ".join(one.feature.name for one in self.found if not one.has)
        alt = f"{self.name} has {self._count()}" + (f"; it lacks {lacks}." if lacks else ".")
        return (
            f'<div class="streamviz" data-streamviz="badges"><img alt="{escape(alt)}" '
            f'style="display:block;width:100%;max-width:{badges.WIDTH}px" '
            f'src="data:image/svg+xml,{quote(image, safe=badges.SAFE)}">'
            f"<details><summary>The same as a table</summary>{self._table(title)}</details></div>"
        )

    def _table(self, title: str) -> str:
        head = "".join(
            f'<th scope="col">{name}</th>'
            for name in ("feature", "since Redis", "what for", "this server", "how that is known")
        )
        body = "".join(
            f'<tr><th scope="row"><code>{escape(one.feature.name)}</code></th>'
            f"<td>{_dotted(one.feature.since)}</td><td>{escape(one.feature.brings)}</td>"
            f"<td>{'yes' if one.has else 'no'}</td><td>{escape(one.known)}</td></tr>"
            for one in self.found
        )
        return (
            f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )

    def _count(self) -> str:
        return f"{sum(one.has for one in self.found)} of {len(self.found)}"

    def _one(self, name: str) -> Capability:
        for one in self.found:
            if one.feature.name == name:
                return one
        known = ", ".join(repr(one.feature.name) for one in self.found)
        raise InputError(f"{name!r} is no feature of streams: give one of {known}")


def capabilities(client: redis.Redis) -> Capabilities:
    """Ask a server what it can do with streams (COMMAND DOCS, 7.0); nothing is written.

    Parameters
    ----------
    client : redis.Redis
        The server. A user who may not ask for COMMAND DOCS gets what the version promises.

    Raises
    ------
    ServerError
        If the server does not answer.
    """
    connection = Connection(client)
    documented = _documented(connection)
    return Capabilities(
        connection.version,
        tuple(_find(connection, feature, documented) for feature in FEATURES),
    )


def _find(
    connection: Connection, feature: Feature, documented: dict[str, _Told] | None
) -> Capability:
    if not feature.command:
        newest = _reads_the_newest(connection)
        if newest is not None:
            return Capability(feature, newest, "tried")
    elif documented is not None:
        options, history = documented.get(feature.command, (None, ""))
        has = options is not None and (
            not feature.word or feature.word in options or feature.word in history
        )
        return Capability(feature, has, "documented")
    return Capability(feature, connection.version.has(feature.since), "by version")


def _reads_the_newest(connection: Connection) -> bool | None:
    """Try XREAD with ``+`` on a stream that is not there; None if it may not be tried."""
    try:
        connection.call("XREAD", "STREAMS", _NO_KEY, "+")
    except CommandRefused as error:
        return False if "Invalid stream ID" in str(error) else None
    except ServerAuthError:
        return None
    return True


def _documented(connection: Connection) -> dict[str, _Told] | None:
    """Return what COMMAND DOCS tells of each command; None if it says nothing."""
    try:
        reply = connection.call("COMMAND", "DOCS", *_ASKED)
    except (CommandRefused, ServerAuthError):
        return None
    found: dict[str, _Told] = {}
    for name, doc in record(reply).items():
        found[text(name)] = _told(record(doc))
        for inner, inner_doc in record(record(doc).get(b"subcommands", [])).items():
            found[text(inner)] = _told(record(inner_doc))
    return found or None


def _told(doc: dict[bytes, Any]) -> _Told:
    history = " ".join(text(line) for _, line in doc.get(b"history", []))
    return frozenset(_tokens(doc.get(b"arguments", []))), history


def _tokens(arguments: Any) -> Iterator[str]:
    for argument in map(record, arguments):
        if b"token" in argument:
            yield text(argument[b"token"])
        yield from _tokens(argument.get(b"arguments", []))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
