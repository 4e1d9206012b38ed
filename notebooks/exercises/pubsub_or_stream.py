"""The exercises of notebook 03: a cap, a late reader, and a server that is killed."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field, replace
from random import randint, sample
from typing import Any

import redis

from exercises import meanwhile
from exercises.bounded import bounded
from exercises.boxes import boxes, with_lost
from exercises.hints import hinted
from exercises.picture import Picture
from exercises.plots import CursorsAndMissed
from exercises.verdict import Verdict, count_of, grade
from streamviz import series
from streamviz.client.arguments import whole_number
from streamviz.client.entry_id import EntryId
from streamviz.client.stream import Stream
from streamviz.errors import NoSuchGroup, NoSuchStream
from streamviz.observation.history import History
from streamviz.plots.svg import render_saved
from streamviz.server.embedded import EmbeddedServer
from streamviz.simulation.scenario import Scenario

_RATE_HZ, _LEAST_S, _MOST_S = 8, 33, 36
_SHOWN, _MOST_LATE, _LATE = 3, 2, "chat:late"
_LAST_OLD, _FIRST_NEW = 97, 100  # sequence numbers: as text, "97" comes after "100"
_WORDS = (
    "tea cup pot jug mug pan jar tin lid tap urn keg vat bin box bag net cap "
    "hat pin key fan map bell lamp rope nail book door coat shoe ring sock fork "
    "dock leaf moth nest oven pier"
)
_ENTRIES, _HELD, _PATIENCE_S = 5, 2, 5.0
_shifts: dict[str, History] = {}
_old_words: dict[str, int] = {}
_said: dict[str, list[str]] = {}
_shown_early: dict[str, int] = {}  # how many words were on the screen before the first `talk`


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
            _until_logged(server.client())
            before = _kept(server.client())  # leaving the block kills the server
        with EmbeddedServer(config=config) as server:
            left, pending = _kept(server.client())
    shown = boxes(
        {
            "added": before[0],
            "left": with_lost(before[0], left),
            "group": with_lost(["crew"], [] if pending is None else ["crew"]),
            "pending": with_lost(before[1] or [], pending or []),
        }
    )
    return Survivors(len(left), None if pending is None else len(pending), shown)


def _until_logged(client: redis.Redis) -> None:
    """Wait until the server has handed its log to the operating system, if it keeps one."""
    deadline = time.monotonic() + _PATIENCE_S
    while client.info("persistence").get("aof_buffer_length") and time.monotonic() < deadline:
        time.sleep(0.01)


def _kept(client: redis.Redis) -> tuple[list[str], list[str] | None]:
    """Return the IDs in the stream, and the group's pending ones; None if there is no group."""
    jobs = Stream(client, "jobs")
    left = [str(entry.id) for entry in jobs.range()]
    try:
        return left, [str(entry.id) for entry in jobs.group("crew").pending_entries()]
    except (NoSuchStream, NoSuchGroup):
        return left, None


def run_shift(client: redis.Redis, *, maxlen: int) -> None:
    """Run 90 seconds of entries at a steady rate, with a reader that is down for 30 of them."""
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
    shift.produce("shift", series.constant(rate_hz=_RATE_HZ), maxlen=maxlen)
    _shifts["shift"] = shift.run(seconds=90)


@hinted("there is no stream `shift`. Run the whole cell.")
def check_shift(client: redis.Redis) -> Verdict:
    """Grade exercise 1: the worker missed nothing, and the cap covers 33 to 36 seconds."""
    shift = Stream(client, "shift")
    if not shift.exists():
        return Verdict(False, "there is no stream `shift`. Run the whole cell.")
    reply: Any = client.lrange("shift:done", 0, -1)
    info, done, last = shift.info(), set(reply), reply[-1] if reply else None
    waiting = len(shift.range(f"({last.decode()}")) if last else info.length
    lost = (info.entries_added or 0) - len(done) - waiting
    history = _shifts.get("shift")
    most = max(
        [info.length, *(one.length for one in history.samples)] if history else [info.length]
    )
    covered = most / _RATE_HZ
    verdict = grade(
        f"no entry was lost, and {most} entries cover {covered:.1f} seconds.",
        [
            (
                lost > 0,
                f"{count_of(lost, 'entry was', 'entries were')} trimmed before the worker was "
                "revived. Your cap is too small for its absence.",
            ),
            (
                covered < _LEAST_S,
                f"no entry was lost, but your cap covers only {covered:.1f} seconds. A slightly "
                "longer absence would lose entries.",
            ),
            (
                covered > _MOST_S,
                f"{most} entries are kept, which cover {covered:.1f} seconds. That is more than "
                "you need.",
            ),
        ],
    )
    if history is None:
        return verdict
    figure = CursorsAndMissed().static_figure(history)
    return replace(verdict, picture=Picture(render_saved(figure), figure["summary"]))


def new_chat(client: redis.Redis) -> Stream:
    """Return the stream ``chat`` with some random words; the list ``screen`` does not exist.

    After your first question and your second, if they come before `talk`, a word is said.
    """
    client.delete("chat", _LATE, "screen")
    meanwhile.stop("chat")
    old = _old_words["chat"] = randint(5, 20)
    _shown_early.pop("chat", None)
    _said["chat"] = []
    _say(Stream(client, "chat"), old, EntryId(int(time.time() * 1000), _LAST_OLD + 1 - old))

    def say_late() -> None:
        late = _late(client)
        if late < _MOST_LATE and len(Stream(client, "chat")) == old + late:
            client.incr(_LATE)
            _say(Stream(client, "chat"), 1, EntryId.MIN)

    own = bounded(client)
    meanwhile.start("chat", say_late, client, own)
    return Stream(own, "chat")


def talk(chat: Stream) -> None:
    """Add three to five random words, whose IDs must be compared as numbers, and by both parts."""
    with meanwhile.pause("chat"):
        _shown_early.setdefault("chat", chat.client.llen("screen"))
        ms = _next_id(chat).ms
        _say(chat, randint(2, 4), EntryId(ms, _FIRST_NEW))
        _say(chat, 1, EntryId(ms + randint(1, 9)))


def _late(client: Any) -> int:
    """Return how many words were said between your questions."""
    said: Any = client.get(_LATE)
    return int(said or 0)


def _next_id(chat: Stream) -> EntryId:
    return chat.info().last_generated_id.next() if chat.exists() else EntryId.MIN


def _say(chat: Stream, number: int, least: EntryId) -> None:
    """Say random words under the IDs that come next, or from `least` on if that is larger."""
    said = _said.setdefault("chat", [])
    for word in sample(sorted({*_WORDS.split()} - {*said}), number):
        chat.add({"word": word}, id=str(max(least, _next_id(chat))))
        said.append(word)


@hinted("`chat` must be a stream and `screen` a list. Start again with new_chat.")
def check_chat(chat: Stream) -> Verdict:
    """Grade exercise 2: the screen shows the last three of the old words, and all new ones."""
    reply: Any = chat.client.lrange("screen", 0, -1)
    shown = [word.decode() for word in reply]
    with meanwhile.pause("chat"):
        said = [entry.fields["word"] for entry in chat.range()]
    gone = {*_said.get("chat", ())} - {*said}
    number = _old_words.get("chat", len(said))
    wanted = said[number - _SHOWN :]
    late = _late(chat.client)
    for asked in range(1, late + 1):
        if shown[:_SHOWN] == wanted[asked : asked + _SHOWN]:
            wanted = wanted[asked:]  # the last three words as they were when you asked again
            break
    old, new = wanted[:_SHOWN], wanted[_SHOWN:]
    missed = [word for word in new if word not in shown]
    early = _shown_early.get("chat", 0)
    return grade(
        "the screen shows the last three old words and then each new one, without a gap.",
        [
            (bool(gone), "words are gone from the stream. Start again with new_chat."),
            (
                len(said) - late <= number,
                "no new words were added. Call exercise.talk(chat) in the middle.",
            ),
            (not set(old) <= set(shown), f"the last {_SHOWN} old words were {', '.join(old)}."),
            (
                bool(missed),
                f"you missed {', '.join(missed)}. Read on after the last word that you have. New "
                "words may arrive between two reads, and words may share a millisecond.",
            ),
            (
                len(shown) > len(set(shown)),
                "some words are on the screen twice. Continue after the last word that you have.",
            ),
            (
                len(shown) > len(wanted),
                f"the screen shows {', '.join(shown)}. Those are too many words.",
            ),
            (shown != wanted, "the words are not in order."),
            (
                early < _SHOWN,
                f"the screen showed {count_of(early, 'word')} when you called exercise.talk(chat). "
                f"Show the last {_SHOWN} old words before that.",
            ),
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
