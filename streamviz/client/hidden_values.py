"""Hide the values of entries' fields in what is logged: names stay, and each value's size."""

from __future__ import annotations

import ast
import re
from typing import Any, Literal, get_args

from streamviz.client.entry import hidden
from streamviz.client.resp import Command, as_text, to_bytes
from streamviz.client.stream_commands import facts
from streamviz.errors import InputError

FieldsShown = Literal["show", "hide"]
_ENTRY_ID = re.compile(rb"\d+-\d+")
_NEW_ID = re.compile(r"\*|\d+(-(\d+|\*))?")
_XADD_WORDS = {"NOMKSTREAM": 1, "KEEPREF": 1, "DELREF": 1, "ACKED": 1, "LIMIT": 2}
_XADD_WORDS |= {"MAXLEN": 2, "MINID": 2, "IDMPAUTO": 2, "IDMP": 3}


def is_hidden(fields: FieldsShown) -> bool:
    """Tell whether the option `fields` hides values; InputError if it is wrong."""
    if fields not in get_args(FieldsShown):
        raise InputError(f"fields={fields!r}: give 'show' or 'hide'")
    return fields == "hide"


def hide_command(command: Command) -> Command:
    """Return a command without values; of an unknown command, only its name and key stay."""
    values = facts(command).values
    if values in ("no", "reply"):
        return command
    at = _id_index(command) if values == "sent" else 0
    if at:
        pairs = zip(command[at + 1 :: 2], command[at + 2 :: 2], strict=True)
        return [
            *command[: at + 1],
            *(one for key, value in pairs for one in (key, hidden(to_bytes(value)))),
        ]
    is_script = as_text(command[0]).upper() == "EVAL"
    start = 3 + int(as_text(command[2])) if is_script else 2
    return [*command[:start], *map(hidden, map(to_bytes, command[start:]))]


def _id_index(command: Command) -> int:
    """Return where the ID of an XADD is; 0 if it has options that are not known here."""
    words = [as_text(word) for word in command]
    at = 2
    while at < len(words) and (length := _XADD_WORDS.get(words[at].upper())):
        at += length + (length == 2 and words[at + 1] in ("=", "~"))
    is_id = at < len(words) and _NEW_ID.fullmatch(words[at])
    return at if is_id and (len(words) - at) % 2 else 0


def hide_reply(command: Command, reply: Any) -> Any:
    """Return the reply to a command without values; of an error that may hold one, the code."""
    values = facts(command).values
    if values == "no" or reply is None:
        return reply
    if values == "reply":
        return reply if "JUSTID" in map(as_text, command) else _hide_entries(reply)
    if isinstance(reply, Exception):
        return type(reply)(str(reply).partition(" ")[0])
    return reply if values == "sent" else _hide_all(reply)


def _hide_entries(reply: Any) -> Any:
    if isinstance(reply, dict):
        return {name: _hide_entries(value) for name, value in reply.items()}
    if not isinstance(reply, list):
        return reply
    if len(reply) > 1 and isinstance(reply[0], bytes) and _ENTRY_ID.fullmatch(reply[0]):
        words = reply[1]
        if isinstance(words, list) and not any(isinstance(one, list) for one in words):
            names = [hidden(one) if n % 2 else one for n, one in enumerate(words)]
            return [reply[0], names, *reply[2:]]
    return [_hide_entries(one) for one in reply]


def _hide_all(reply: Any) -> Any:
    if isinstance(reply, dict):
        return {_hide_all(name): _hide_all(value) for name, value in reply.items()}
    if isinstance(reply, list):
        return [_hide_all(one) for one in reply]
    return reply if isinstance(reply, int) or reply == b"OK" else hidden(reply)


class _Literals(ast.NodeTransformer):
    """Replaces literals; keys of a dict stay, because they are names of fields."""

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """Visit the values."""
        node.values = [self.visit(value) for value in node.values]
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Replace a text or a number."""
        is_keyword = node.value is None or isinstance(node.value, bool)
        return node if is_keyword else ast.Name("…")

    def visit_JoinedStr(self, _: ast.JoinedStr) -> ast.AST:
        """Replace an f-string."""
        return ast.Name("…")


def hide_literals(source: str) -> str:
    """Return Python source without its texts and numbers; empty if it is not Python."""
    try:
        return ast.unparse(_Literals().visit(ast.parse(source)))
    except (SyntaxError, ValueError):
        return ""
