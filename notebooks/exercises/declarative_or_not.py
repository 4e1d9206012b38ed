"""Notebook 11: the styles' code side by side, and exercises on what a library leaves to you."""

from __future__ import annotations

import ast
import html
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from exercises.interrupted import interrupted
from exercises.verdict import Verdict, grade
from go_game.variants.benchmark import Measurement
from go_game.variants.runner import source
from streamviz.client import replies
from streamviz.client.groups import ConsumerGroup
from streamviz.client.models import Entry
from streamviz.client.stream import Stream

ASKED, SAID, NOTED = "style:asked", "style:said", "style:noted"
DEATH, CALLS = "style:death", "style:calls"
_NEVER = 20

Judge = Callable[[redis.Redis, Entry], object]


@dataclass(frozen=True, slots=True)
class Excerpts:
    """A function of several styles, side by side; in text, one below the other."""

    columns: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return "\n\n".join(f"# {style}\n{code}" for style, code in self.columns)

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<td style="vertical-align:top;text-align:left"><b>{style}</b>'
            f'<pre style="font-size:11px">{html.escape(code)}</pre></td>'
            for style, code in self.columns
        )
        return f"<table><tr>{cells}</tr></table>"


def beside(name: str, *styles: str) -> Excerpts:
    """Return the source of a function or method as each of some styles has it."""
    return Excerpts(tuple((style, excerpt(style, name)) for style in styles))


def excerpt(style: str, name: str) -> str:
    """Return the source of one function of a style, without its docstring."""
    text = source(style)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
            if ast.get_docstring(node):
                first, last = node.body[0].lineno, node.body[0].end_lineno or 0
                del lines[first - node.lineno : last - node.lineno + 1]
            return "\n".join(line[node.col_offset :] for line in lines)
    raise LookupError(f"{style} has no function {name!r}: see its source")


def ratio(found: list[Measurement], figure: str, of: str, to: str) -> float:
    """Return a figure of one style divided by that of another."""
    by_name = {one.style: getattr(one, figure) for one in found}
    return float(by_name[of] / by_name[to])


def calls_of(work: Callable[[], object]) -> int:
    """Return how many functions of Python are called when something is done, once it is warm."""
    work()
    found = 0

    def heard(frame: Any, event: str, argument: Any) -> None:
        nonlocal found
        found += event == "call"

    before = sys.getprofile()
    sys.setprofile(heard)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found


def new_desk(client: redis.Redis) -> ConsumerGroup:
    """Return ``judge`` on ``style:asked``: it holds 1 and 2 since its end, 3 and 4 are new."""
    clean_up(client)
    return _group(client, ["1", "2", "3", "4"], given=2)


def check_desk(client: redis.Redis) -> Verdict:
    """Grade exercise 1: all four are answered, in their order, and none is pending."""
    said, held = _said(client), _held(client)
    return grade(
        "what was held came first, and the order is kept.",
        [
            (len(said) < 4, f"{len(said)} of 4 are answered: who has the others?"),
            (len(set(said)) < len(said), "something was answered twice: start anew."),
            (said != sorted(said), f"the answers are in the order {', '.join(said)}."),
            (held > 0, f"{held} are still pending: acknowledge what is answered."),
        ],
    )


def serve(client: redis.Redis, judge: Judge) -> None:
    """Run a judge as a library does, and let it die: it acknowledges when the handler is back.

    The requests are 1 and 2, and 1 again. First it dies after the second call, before the
    acknowledgement; then, with everything new, before the second command of a call, before the
    third, and so on. Each time an heir begins with what was held. What went wrong is left in Redis.

    Parameters
    ----------
    client : redis.Redis
        The server.
    judge : callable
        Called with a client and with an entry.
    """
    clean_up(client)
    _echo(client, judge, calls=2, commands=_NEVER)
    for commands in range(1, _NEVER):
        if not check_echo(client).right:
            return
        client.set(DEATH, f" It died when it had sent {commands} of its commands.")
        if not _echo(client, judge, calls=_NEVER, commands=commands):
            return


def check_echo(client: redis.Redis) -> Verdict:
    """Grade exercise 2: each request has one answer, and a note that goes with it."""
    said, held = Counter(_said(client)), _held(client)
    noted = {replies.text(name) for name in Stream(client, NOTED).connection.call("HKEYS", NOTED)}
    twice = [name for name, times in said.items() if times > 1]
    death = replies.text(Stream(client, DEATH).connection.call("GET", DEATH) or b"")
    return grade(
        "asked again or handed out again, and wherever it dies, each request has its one answer.",
        [
            (
                bool(twice),
                f"request {min(twice, default='')} was answered {max([0, *said.values()])} times."
                f"{death}",
            ),
            (set(said) != {"1", "2"}, f"{len(said)} of 2 are answered.{death}"),
            (
                noted != {"1", "2"},
                f"note what is answered in the hash {NOTED!r}, under its number.{death}",
            ),
            (held > 0, f"{held} are still pending."),
        ],
    )


class _Died(BaseException):
    """The end of a process, which its own code can't catch."""


def _echo(client: redis.Redis, judge: Judge, *, calls: int, commands: int) -> bool:
    """Serve until it has died so, and then with an heir; return whether it has died."""
    me = _group(client, ["1", "2", "1"], given=0).consumer("judge")

    def before(number: int) -> None:
        if number > commands:
            raise _Died

    for number, entry in enumerate(me.read(), start=1):
        try:
            with interrupted(client, before) as mortal:
                judge(mortal, entry)
        except _Died:
            break
        if number == calls:
            break
        me.ack(entry.id)
    else:
        return False
    for entry in me.read(after="0"):
        judge(client, entry)
        me.ack(entry.id)
    return True


def clean_up(client: redis.Redis) -> None:
    """Delete what the exercises have made."""
    client.delete(ASKED, SAID, NOTED, DEATH, CALLS)


def _group(client: redis.Redis, requests: list[str], given: int) -> ConsumerGroup:
    client.delete(ASKED, SAID, NOTED)
    asked = Stream(client, ASKED)
    asked.add_many((f"{n}-0", {"request": one}) for n, one in enumerate(requests, start=1))
    group = asked.group("judge")
    group.create("0")
    if given:
        group.consumer("judge").read(given)
    return group


def _said(client: redis.Redis) -> list[str]:
    return [entry.fields.get("reply_to", "") for entry in Stream(client, SAID).range()]


def _held(client: redis.Redis) -> int:
    return Stream(client, ASKED).group("judge").pending().count
