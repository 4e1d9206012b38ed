"""Find out which stream features a server supports.

The server itself says so where it can: COMMAND DOCS lists its commands, their options and their
history. The version alone is not enough, because Valkey has its own version numbers, and a server
may have commands disabled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from streamviz.client import badges
from streamviz.client.cluster import Client, connection_to
from streamviz.client.connection import Connection
from streamviz.client.replies import as_dict, text
from streamviz.client.server_version import ServerVersion
from streamviz.errors import CommandRefused, InputError, ServerAuthError


@dataclass(frozen=True, slots=True)
class Feature:
    """A stream command or option, the Redis version that brought it, and its purpose.

    COMMAND DOCS mentions it at `command`, and there as `token`, an option or a word from the
    command's history; an empty token is the command itself. If COMMAND DOCS does not mention it,
    `command` is empty, and only a trial can tell.
    """

    name: str
    since: tuple[int, int]
    purpose: str
    command: str
    token: str = ""


FEATURES = (
    Feature("XAUTOCLAIM", (6, 2), "find idle entries and take them over", "xautoclaim"),
    Feature("NOMKSTREAM", (6, 2), "add only to an existing stream", "xadd", "NOMKSTREAM"),
    Feature("MINID", (6, 2), "trim by age", "xtrim", "MINID"),
    Feature("(", (6, 2), "exclude the ends of a range", "xrange", "exclusive"),
    Feature("<ms>-*", (7, 0), "your time, the server's sequence number", "xadd", "`<ms>-*`"),
    Feature("lag", (7, 0), "how many entries are waiting for a group", "xinfo|groups", "`lag`"),
    Feature(
        "ENTRIESREAD",
        (7, 0),
        "how many entries a group counts as read",
        "xgroup|create",
        "ENTRIESREAD",
    ),
    Feature(
        "inactive",
        (7, 2),
        "when a consumer last received an entry",
        "xinfo|consumers",
        "`inactive`",
    ),
    Feature("XREAD +", (7, 4), "the newest entry", ""),
    Feature("XDELEX", (8, 2), "delete, and respect the groups", "xdelex"),
    Feature("XACKDEL", (8, 2), "acknowledge and delete in one step", "xackdel"),
    Feature("ACKED", (8, 2), "trim only what every group acknowledged", "xtrim", "ACKED"),
    Feature("CLAIM", (8, 4), "take over and read in one command", "xreadgroup", "CLAIM"),
    Feature("IDMP", (8, 6), "send twice, add once", "xadd", "IDMP"),
    Feature("IDMPAUTO", (8, 6), "the same, recognised by the fields", "xadd", "IDMPAUTO"),
    Feature("XCFGSET", (8, 6), "how long a duplicate is recognised", "xcfgset"),
    Feature("XNACK", (8, 8), "give back what you cannot handle", "xnack"),
    Feature("MAXCOUNT", (8, 10), "a limit of entries over all streams", "xread", "MAXCOUNT"),
    Feature("MAXSIZE", (8, 10), "a limit of bytes over all streams", "xread", "MAXSIZE"),
)
"""The stream features since Redis 5.0, by version."""

_DOCUMENTED_COMMANDS = sorted({one.command.split("|")[0] for one in FEATURES if one.command})
_CommandDoc = tuple[frozenset[str], str]  # a command's options, and its history
_NO_KEY = "streamviz:no:such:stream"


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether a server supports a feature.

    The `source` says where this comes from: ``"documented"`` is the server's COMMAND DOCS,
    ``"tried"`` a trial on a stream that does not exist, and, if the server allows neither,
    ``"by version"``.
    """

    feature: Feature
    supported: bool
    source: str


class Capabilities:
    """The stream features of one server; a notebook displays them as badges and as a table."""

    def __init__(self, server: ServerVersion, capabilities: tuple[Capability, ...]) -> None:
        self.server, self.capabilities = server, capabilities

    @property
    def name(self) -> str:
        """The server's name and version, without the patch number."""
        return f"{self.server.name} {_dotted(self.server.number[:2])}"

    def has(self, name: str) -> bool:
        """Tell whether the server supports a feature of `FEATURES`; InputError for another name."""
        return self._find(name).supported

    def missing(self, name: str) -> str:
        """Return a sentence that says which version a feature needs, and which this server has."""
        feature = self._find(name).feature
        return f"{feature.name} needs Redis {_dotted(feature.since)}; this server is {self.name}."

    def __repr__(self) -> str:
        lines = [f"{self.name} supports {self._count()} of these features:"]
        for one in self.capabilities:
            feature, answer = one.feature, "yes" if one.supported else "no"
            since = _dotted(feature.since)
            lines.append(f"{since:>5}  {answer:3}  {feature.name:<11}  {feature.purpose}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows: dict[str, list[tuple[str, bool, str]]] = {}
        for one in self.capabilities:
            row = rows.setdefault(_dotted(one.feature.since), [])
            row.append((one.feature.name, one.supported, one.feature.purpose))
        title = f"Stream features of {self.name}"
        image = badges.render(title, rows)
        missing = ", ".join(one.feature.name for one in self.capabilities if not one.supported)
        alt = f"{self.name} supports {self._count()} features"
        alt += f"; it lacks {missing}." if missing else "."
        return (
            f'<div class="streamviz" data-streamviz="badges"><img alt="{escape(alt)}" '
            f'style="display:block;width:100%;max-width:{badges.WIDTH}px" '
            f'src="data:image/svg+xml,{quote(image, safe=badges.SAFE)}">'
            f"<details><summary>The same as a table</summary>{self._table(title)}</details></div>"
        )

    def _table(self, title: str) -> str:
        names = ("feature", "since Redis", "purpose", "this server", "source")
        head = "".join(f'<th scope="col">{name}</th>' for name in names)
        body = "".join(
            f'<tr><th scope="row"><code>{escape(one.feature.name)}</code></th>'
            f"<td>{_dotted(one.feature.since)}</td><td>{escape(one.feature.purpose)}</td>"
            f"<td>{'yes' if one.supported else 'no'}</td><td>{escape(one.source)}</td></tr>"
            for one in self.capabilities
        )
        return (
            f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )

    def _count(self) -> str:
        return f"{sum(one.supported for one in self.capabilities)} of {len(self.capabilities)}"

    def _find(self, name: str) -> Capability:
        for one in self.capabilities:
            if one.feature.name == name:
                return one
        names = ", ".join(repr(one.feature.name) for one in self.capabilities)
        raise InputError(f"{name!r} is not a stream feature: give one of {names}")


def capabilities(client: Client) -> Capabilities:
    """Ask a server which stream features it supports (COMMAND DOCS, 7.0); nothing is written.

    In a cluster, one of its nodes is asked. If the client's user may not run COMMAND DOCS, the
    server's version decides. ServerError if the server does not answer.
    """
    connection = connection_to(client, "")
    docs = _command_docs(connection)
    answers = tuple(_capability(connection, feature, docs) for feature in FEATURES)
    return Capabilities(connection.version, answers)


def _capability(
    connection: Connection, feature: Feature, docs: dict[str, _CommandDoc] | None
) -> Capability:
    if not feature.command:
        supported = _try_newest(connection)
        if supported is not None:
            return Capability(feature, supported, "tried")
    elif docs is not None:
        options, history = docs.get(feature.command, ((), ""))
        is_documented = feature.command in docs and (
            feature.token in options or feature.token in history
        )
        return Capability(feature, is_documented, "documented")
    return Capability(feature, connection.version.has(feature.since), "by version")


def _try_newest(connection: Connection) -> bool | None:
    """Try XREAD with ``+`` on a stream that does not exist; None if the user may not."""
    try:
        connection.call("XREAD", "STREAMS", _NO_KEY, "+")
    except CommandRefused as error:
        return False if "Invalid stream ID" in str(error) else None
    except ServerAuthError:
        return None
    return True


def _command_docs(connection: Connection) -> dict[str, _CommandDoc] | None:
    try:
        reply = connection.call("COMMAND", "DOCS", *_DOCUMENTED_COMMANDS)
    except (CommandRefused, ServerAuthError):
        return None
    docs: dict[str, _CommandDoc] = {}
    for name, doc in as_dict(reply).items():
        docs[text(name)] = _command_doc(as_dict(doc))
        for subcommand, subdoc in as_dict(as_dict(doc).get(b"subcommands", [])).items():
            docs[text(subcommand)] = _command_doc(as_dict(subdoc))
    return docs or None


def _command_doc(doc: dict[bytes, Any]) -> _CommandDoc:
    history = " ".join(text(line) for _, line in doc.get(b"history", []))
    return frozenset(_tokens(doc.get(b"arguments", []))), history


def _tokens(arguments: Any) -> Iterator[str]:
    for argument in map(as_dict, arguments):
        if b"token" in argument:
            yield text(argument[b"token"])
        yield from _tokens(argument.get(b"arguments", []))


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
