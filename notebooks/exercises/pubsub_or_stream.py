"""The exercises of notebook 03: a cap, a late reader, and a server that is killed."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, field, replace
from typing import Any

import redis

from exercises import chat
from exercises.boxes import boxes, with_lost
from exercises.chat import check_chat, new_chat, talk
from exercises.hints import hinted
from exercises.picture import Picture
from exercises.plots import CursorsAndMissed
from exercises.verdict import Verdict, count_of, grade
from streamviz import series
from streamviz.client import Stream
from streamviz.errors import InputError, NoSuchGroup, NoSuchStream
from streamviz.observation import History
from streamviz.plots.parts import render_saved
from streamviz.server import EmbeddedServer
from streamviz.simulation import Scenario

__all__ = [
    "Survivors",
    "after_a_kill",
    "check_chat",
    "check_shift",
    "clean_up",
    "hear",
    "new_chat",
    "run_shift",
    "talk",
]

_RATE_HZ, _LEAST_S, _MOST_S = 8, 33, 36
_ENTRIES, _HELD, _PATIENCE_S = 5, 2, 5.0
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
    if type(maxlen) is not int or maxlen < 1:
        raise InputError(f"maxlen={maxlen!r}: give a whole number, 1 or more")
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
                f"the stream grew to {most} entries, which cover {covered:.1f} seconds. That is "
                "more than you need.",
            ),
        ],
    )
    if history is None:
        return verdict
    figure = CursorsAndMissed().static_figure(history)
    return replace(verdict, picture=Picture(render_saved(figure), figure["summary"]))


def clean_up(client: redis.Redis) -> None:
    """Delete the keys of the exercises."""
    chat.clean_up(client)
    client.delete("shift", "shift:readers", "shift:done")


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
