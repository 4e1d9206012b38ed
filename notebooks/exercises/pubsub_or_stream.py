"""The exercises of notebook 03: a cap, a late reader, and a server that is killed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from random import randint, sample
from typing import Any

import redis

from exercises import meanwhile
from exercises.bounded import bounded
from exercises.boxes import boxes, with_lost
from exercises.hints import hinted
from exercises.picture import Picture
from exercises.verdict import Verdict, grade
from streamviz import series
from streamviz.client.arguments import whole_number
from streamviz.client.stream import Stream
from streamviz.errors import NoSuchGroup, NoSuchStream
from streamviz.observation.history import History
from streamviz.plots.cursors import Cursors
from streamviz.plots.svg import render
from streamviz.server.embedded import EmbeddedServer
from streamviz.simulation.scenario import Scenario

_MOST_KEPT = 400
_OLD_WORDS, _SHOWN, _MOST_LATE, _LATE = 7, 3, 2, "chat:late"
_WORDS = [
    "tea",
    "cup",
    "pot",
    "jug",
    "mug",
    "pan",
    "jar",
    "tin",
    "lid",
    "tap",
    "urn",
    "keg",
    "vat",
    "bin",
    "box",
    "bag",
    "net",
    "cap",
]
_ENTRIES, _HELD = 5, 2
_shifts: dict[str, History] = {}


def hear(listener: Any) -> list[str]:
    """Return the messages sent to a subscriber so far.

    It sends PING and reads up to the reply, which comes after all earlier messages.
    """
    listener.ping()
    heard: list[str] = []
    while (message := listener.get_message(timeout=5)) is not None and message["type"] != "pong":
        if message["type"] == "message":
            heard.append(message["data"].decode())
    return heard


@dataclass(frozen=True, slots=True)
class Survivors:
    """The entries that a server still has after it was killed and started again.

    Attributes
    ----------
    entries : int
        The number of entries, out of five.
    pending : int or None
        The number of a group's pending entries, out of two; None if the group is lost.
    picture : Picture, optional
        What was added, and what of it is left and pending after the restart.
    """

    entries: int
    pending: int | None
    picture: Picture | None = field(default=None, compare=False, repr=False)

    def _repr_html_(self) -> str | None:
        return self.picture.below(repr(self)) if self.picture else None


def after_a_kill(*options: str, save_after: int | None = None) -> Survivors:
    """Start a server, add entries, kill it with SIGKILL, start it again, and count what is left.

    Parameters
    ----------
    *options : str
        The server's options, such as ``"--appendonly", "yes"``.
    save_after : int, optional
        Take a snapshot (SAVE) after this many of the five entries.
    """
    with tempfile.TemporaryDirectory() as disk:
        config = ("--dir", disk, *options)
        with EmbeddedServer(config=config) as server:
            _work(server.client(), save_after)
            before = _kept(server.client())  # leaving the block kills the server
        with EmbeddedServer(config=config) as server:
            left, pending = _kept(server.client())
    shown = boxes(
        {
            "added": before[0],
            "left": with_lost(before[0], left),
            "pending": with_lost(before[1] or [], pending or []),
        }
    )
    return Survivors(len(left), None if pending is None else len(pending), shown)


def _kept(client: redis.Redis) -> tuple[list[str], list[str] | None]:
    """Return the IDs in the stream, and the group's pending ones; None if there is no group."""
    jobs = Stream(client, "jobs")
    left = [str(entry.id) for entry in jobs.range()]
    try:
        return left, [str(entry.id) for entry in jobs.group("crew").pending_entries()]
    except (NoSuchStream, NoSuchGroup):
        return left, None


def run_shift(client: redis.Redis, *, maxlen: int) -> None:
    """Run 90 seconds of 10 entries per second, with a reader that is down for 30 of them."""
    whole_number("maxlen", maxlen, 1)
    client.delete("shift", "shift:readers", "shift:done")
    shift = Scenario(client, seed=3)
    shift.reader(
        "shift",
        "worker",
        service_ms=20,
        crash_at_s=30,
        revive_after_s=30,
        handler=lambda entry: client.rpush("shift:done", str(entry.id)),
    )
    shift.produce("shift", series.constant(rate_hz=10), maxlen=maxlen)
    _shifts["shift"] = shift.run(seconds=90)


@hinted("there is no stream `shift`: run the whole cell.")
def check_shift(client: redis.Redis) -> Verdict:
    """Grade exercise 1: the worker missed no entry, and at most 400 entries are kept."""
    shift = Stream(client, "shift")
    if not shift.exists():
        return Verdict(False, "there is no stream `shift`: run the whole cell.")
    reply: Any = client.lrange("shift:done", 0, -1)
    info, done, last = shift.info(), set(reply), reply[-1] if reply else None
    waiting = len(shift.range(f"({last.decode()}")) if last else info.length
    lost = (info.entries_added or 0) - len(done) - waiting
    history = _shifts.get("shift")
    most = max(
        [info.length, *(one.length for one in history.samples)] if history else [info.length]
    )
    verdict = grade(
        f"no entry was lost in thirty seconds, and at most {most} entries are kept.",
        [
            (lost > 0, f"{lost} entries were trimmed before the worker was revived."),
            (
                most > _MOST_KEPT,
                f"{most} entries are kept, but there is room for only {_MOST_KEPT}.",
            ),
        ],
    )
    if history is None:
        return verdict
    figure = Cursors().static_figure(history)
    return replace(verdict, picture=Picture(render(figure, 720), figure["summary"]))


def new_chat(client: redis.Redis) -> Stream:
    """Return the stream ``chat`` with seven random words; the list ``screen`` does not exist.

    After your first question and your second, if they come before `talk`, a word is said.
    """
    client.delete("chat", _LATE, "screen")
    meanwhile.stop("chat")
    _say(Stream(client, "chat"), _OLD_WORDS)

    def say_late() -> None:
        late = _late(client)
        if late < _MOST_LATE and len(Stream(client, "chat")) == _OLD_WORDS + late:
            client.incr(_LATE)
            _say(Stream(client, "chat"), 1)

    own = bounded(client)
    meanwhile.start("chat", say_late, client, own)
    return Stream(own, "chat")


def talk(chat: Stream) -> None:
    """Add two to four random words."""
    with meanwhile.pause("chat"):
        _say(chat, randint(2, 4))


def _late(client: Any) -> int:
    """Return how many words were said between your questions."""
    said: Any = client.get(_LATE)
    return int(said or 0)


def _say(chat: Stream, number: int) -> None:
    said = [entry.fields["word"] for entry in chat.range()]
    for word in sample(sorted({*_WORDS} - {*said}), number):
        chat.add({"word": word})


@hinted("`chat` must be a stream and `screen` a list: start again with new_chat.")
def check_chat(chat: Stream) -> Verdict:
    """Grade exercise 2: the screen shows the last three of the old words, and all new ones."""
    reply: Any = chat.client.lrange("screen", 0, -1)
    shown = [word.decode() for word in reply]
    with meanwhile.pause("chat"):
        said = [entry.fields["word"] for entry in chat.range()]
    wanted = said[_OLD_WORDS - _SHOWN :]
    late = _late(chat.client)
    for asked in range(1, late + 1):
        if shown[:_SHOWN] == wanted[asked : asked + _SHOWN]:
            wanted = wanted[asked:]  # the last three words as they were when you asked again
            break
    old, new = wanted[:_SHOWN], wanted[_SHOWN:]
    missed = [word for word in new if word not in shown]
    return grade(
        "the screen shows the last three old words and then each new one, without a gap.",
        [
            (
                len(said) - late <= _OLD_WORDS,
                "no new words were added: call exercise.talk(chat) in the middle.",
            ),
            (not set(old) <= set(shown), f"the last {_SHOWN} old words were {', '.join(old)}."),
            (
                bool(missed),
                f"you missed {', '.join(missed)}: read on after the last word that you have; new "
                "words may arrive between two reads.",
            ),
            (
                len(shown) > len(set(shown)),
                "some words are on the screen twice: continue after the last word that you have.",
            ),
            (len(shown) > len(wanted), f"the screen shows {', '.join(shown)}: too many words."),
            (shown != wanted, "the words are not in order."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    meanwhile.stop("chat")
    client.delete("shift", "shift:readers", "shift:done", "chat", _LATE, "screen")


def _work(client: redis.Redis, save_after: int | None) -> None:
    jobs = Stream(client, "jobs")
    crew = jobs.group("crew")
    crew.create("0", mkstream=True)
    for n in range(1, _ENTRIES + 1):
        jobs.add({"job": n}, id=f"{n}-0")
        if n == _HELD:
            crew.consumer("ann").read(_HELD)
        if n == save_after:
            client.save()
