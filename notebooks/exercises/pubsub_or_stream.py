"""The exercises of notebook 03: a cap, a newcomer, and a server that is killed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

import redis

from exercises.hints import hinted
from exercises.verdict import Verdict, grade
from streamviz import series
from streamviz.client.arguments import whole_number
from streamviz.client.stream import Stream
from streamviz.errors import NoSuchGroup, NoSuchStream
from streamviz.server.embedded import EmbeddedServer
from streamviz.simulation.scenario import Scenario

_MOST_KEPT = 400
_OLD_WORDS, _SHOWN = 7, 3
_ENTRIES, _HELD = 5, 2


def hear(listener: Any) -> list[str]:
    """Return what a subscriber was sent until now.

    It sends PING and reads up to the answer: what was published before comes before it.
    """
    listener.ping()
    heard: list[str] = []
    while (message := listener.get_message(timeout=5)) is not None and message["type"] != "pong":
        if message["type"] == "message":
            heard.append(message["data"].decode())
    return heard


@dataclass(frozen=True, slots=True)
class Survivors:
    """What a server still had after it was killed and started again.

    Attributes
    ----------
    entries : int
        Of five entries.
    pending : int or None
        Of two pending entries of a group; None if the group is gone.
    """

    entries: int
    pending: int | None


def after_a_kill(*options: str, save_after: int | None = None) -> Survivors:
    """Start a server, let it work, kill it with SIGKILL, start it again, and look what is left.

    Parameters
    ----------
    *options : str
        The server's options, such as ``"--appendonly", "yes"``.
    save_after : int, optional
        Take a snapshot (SAVE) after so many of the five entries.
    """
    with tempfile.TemporaryDirectory() as disk:
        config = ("--dir", disk, *options)
        with EmbeddedServer(config=config) as server:
            _work(server.client(), save_after)  # leaving ends it with SIGKILL
        with EmbeddedServer(config=config) as server:
            jobs = Stream(server.client(), "jobs")
            try:
                held = jobs.group("crew").pending().count
            except (NoSuchStream, NoSuchGroup):
                held = None
            return Survivors(len(jobs), held)


def run_shift(client: redis.Redis, *, maxlen: int) -> None:
    """Run ninety seconds of ten entries a second, with a reader who is away for thirty of them."""
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
    shift.run(seconds=90)


@hinted("there is no stream `shift`: run the whole cell.")
def check_shift(client: redis.Redis) -> Verdict:
    """Grade exercise 1: nothing passed the worker by, and no more than 400 entries are kept."""
    shift = Stream(client, "shift")
    if not shift.exists():
        return Verdict(False, "there is no stream `shift`: run the whole cell.")
    info, done = shift.info(), client.llen("shift:done")
    last: Any = client.lindex("shift:done", -1)
    waiting = len(shift.range(f"({last.decode()}")) if last else info.length
    lost = (info.entries_added or 0) - int(done) - waiting
    return grade(
        f"nothing was lost in thirty seconds, and {info.length} entries are kept at most.",
        [
            (lost > 0, f"{lost} entries were trimmed away before the worker was back."),
            (info.length > _MOST_KEPT, f"{info.length} are kept: there is room for {_MOST_KEPT}."),
        ],
    )


def new_chat(client: redis.Redis) -> Stream:
    """Return the stream ``chat``, in which seven words were said; nothing is on the ``screen``."""
    client.delete("chat", "screen")
    chat = Stream(client, "chat")
    chat.add_many((f"{n}-0", {"word": n}) for n in range(1, _OLD_WORDS + 1))
    return chat


def talk(chat: Stream) -> None:
    """Say two more words."""
    last = chat.info().last_generated_id.ms
    chat.add_many((f"{n}-0", {"word": n}) for n in (last + 1, last + 2))


@hinted("`chat` is a stream and `screen` a list: begin with new_chat again.")
def check_chat(chat: Stream) -> Verdict:
    """Grade exercise 2: on the screen are the last three of the old words, and both new ones."""
    found: Any = chat.client.lrange("screen", 0, -1)
    shown = [word.decode() for word in found]
    wanted = [str(n) for n in range(_OLD_WORDS - _SHOWN + 1, len(chat) + 1)]
    old, new = wanted[:_SHOWN], wanted[_SHOWN:]
    missed = [word for word in new if word not in shown]
    return grade(
        f"{', '.join(shown)}: the past and the present, without a seam.",
        [
            (not new, "nobody has talked: leave that line in."),
            (not set(old) <= set(shown), f"the last {_SHOWN} words were {', '.join(old)}."),
            (bool(missed), f"{', '.join(missed)} came between your two reads, and got lost."),
            (len(shown) > len(set(shown)), "some words are on the screen twice."),
            (sorted(shown) == wanted != shown, "the words are not in the order they were said."),
            (shown != wanted, f"the screen shows {', '.join(shown)}: that is too much."),
        ],
    )


def clean_up(client: redis.Redis) -> None:
    """Delete what the exercises have made."""
    client.delete("shift", "shift:readers", "shift:done", "chat", "screen")


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
