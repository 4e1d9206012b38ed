"""The exercises of notebook 10: a seat that is sold once, and a ghost that is not seated."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import redis

from exercises.interrupted import interrupted
from exercises.judge import clean_up as _clean_up
from exercises.judge import wait_for
from exercises.verdict import Verdict, grade
from go_game.lobby_clients import LobbyClients
from go_game.messages import FindPublicGame, GameReady, SessionDisconnected, Topic, decode
from streamviz.client.stream import Stream

SALE, GHOST = "sale:", "ghost:"
_SEATS, _BUYERS = 12, 4
_PATIENCE_S = 10

Take = Callable[[redis.Redis, str, str], Any]


class _Turns:
    """Four who want one seat: each is stopped before one of its commands, then goes on alone.

    Parameters
    ----------
    before : int
        The number of that command, from 1; with 0, nobody is stopped.
    """

    def __init__(self, before: int) -> None:
        self._before = before
        self._changed = threading.Condition()
        self._stopped: set[int] = set()
        self._done: set[int] = set()

    def stop(self, place: int, command: int) -> None:
        """Wait, before the command in question, until all were stopped and the first are done."""
        if command == self._before:
            with self._changed:
                self._stopped.add(place)
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._is_up(place), _PATIENCE_S)

    def finish(self, place: int) -> None:
        """Let the next one go on."""
        with self._changed:
            self._done.add(place)
            self._changed.notify_all()

    def _is_up(self, place: int) -> bool:
        here = len(self._stopped | self._done)
        return here == _BUYERS and self._done >= set(range(place))


def evening(
    clients: LobbyClients, show: Callable[[], object] | None = None, pause_s: float = 2.0
) -> LobbyClients:
    """Let nine people come to a hall, and return it; dee's game, ``attic``, is private.

    Parameters
    ----------
    hall : Hall
        A new one.
    show : callable, optional
        For a live show: called whenever something has happened, and then there is a pause.
    pause_s : float
        How long, in seconds.
    """

    def see() -> None:
        if show is not None:
            show()
            time.sleep(pause_s)

    def now() -> None:
        clients.listen()
        see()

    for who in ("ann", "ben", "cy"):
        clients.find(who)
        now()
    clients.create("dee", "PRIVATE", 9, "attic")
    now()
    clients.find("eve")
    now()
    for door in ("cellar", "attic"):
        clients.join("fay", door)
        now()
    clients.leave("ann")
    now()
    for who in ("gus", "hal", "ida"):
        clients.find(who)  # the lobby has a break
        see()
    now()
    clients.leave("ida")
    now()
    return clients


def seated(client: redis.Redis, prefix: str) -> Counter[str]:
    """Return for each session how many games it was seated at."""
    found: Counter[str] = Counter()
    for entry in Stream(client, f"{prefix}{Topic.GAME_READY}").range():
        ready = decode(Topic.GAME_READY, entry.fields)
        if isinstance(ready, GameReady):
            found.update((ready.black, ready.white))
    return found


def sell(client: redis.Redis, take: Take) -> None:
    """Let four buyers at once want each of a dozen seats, from one handler.

    A network may deliver their commands in any order. For a quarter of the seats they come as it
    happens; for the others, one buyer after another goes on alone from its first, second or third
    command.

    Parameters
    ----------
    client : redis.Redis
        The server.
    take : callable
        Called with a client, a seat and a buyer, in several threads at a time. It returns true
        if the buyer shall be told that the seat is theirs.
    """
    clean_up(client)
    told = Stream(client, f"{SALE}told")
    start = threading.Barrier(_BUYERS)
    turns = [_Turns(number % 4) for number in range(_SEATS)]

    def want(place: int) -> None:
        for number, turn in enumerate(turns):
            start.wait(_PATIENCE_S)
            try:
                with interrupted(client, partial(turn.stop, place)) as slow:
                    if take(slow, f"seat-{number}", f"buyer-{place}"):
                        told.add({"seat": f"seat-{number}", "buyer": f"buyer-{place}"})
            except BaseException:
                start.abort()
                raise
            finally:
                turn.finish(place)

    with ThreadPoolExecutor(_BUYERS) as buyers:
        wanting = [buyers.submit(want, place) for place in range(_BUYERS)]
    errors = [error for one in wanting if (error := one.exception())]
    for error in sorted(errors, key=lambda one: isinstance(one, threading.BrokenBarrierError)):
        raise error


def check_sale(client: redis.Redis) -> Verdict:
    """Grade exercise 1: each seat was promised to one buyer, and it is that buyer's in Redis."""
    entries = Stream(client, f"{SALE}told").range()
    sold = Counter(entry.fields["seat"] for entry in entries)
    owners = {seat.decode(): who.decode() for seat, who in client.hgetall(f"{SALE}seats").items()}  # type: ignore[union-attr]
    wrong = [one for one in entries if owners.get(one.fields["seat"]) != one.fields["buyer"]]
    return grade(
        "a dozen seats were sold, each to one buyer, though four wanted it at the same time.",
        [
            (not sold, "no seat was sold: does take() return true when it was?"),
            (
                any(many > 1 for many in sold.values()),
                "a seat was sold more than once: somebody else came between two of your commands. "
                "Which one command looks and takes?",
            ),
            (len(sold) < _SEATS, "not every seat was sold: somebody must get it."),
            (bool(wrong), "the hash sale:seats names another owner than the buyer was told."),
        ],
    )


def new_ghost(client: redis.Redis) -> LobbyClients:
    """Return a hall in which zoe waits for an opponent; her browser is gone, and nobody said so."""
    _clean_up(client, GHOST)
    clients = LobbyClients(client, GHOST, every_ms=1000)
    clients.find("zoe")
    clients.listen()
    return clients


def check_ghost(clients: LobbyClients) -> Verdict:
    """Grade exercise 2: yan plays wim, and zoe nobody."""
    pairs = [
        {one.black, one.white}
        for one in clients.read(Topic.GAME_READY)
        if isinstance(one, GameReady)
    ]
    asked = {one.session_id for one in _wishes(clients, Topic.FIND_PUBLIC_GAME)}
    gone = {one.session_id for one in _wishes(clients, Topic.SESSION_DISCONNECTED)}
    haunted = next((pair - {"zoe"} for pair in pairs if "zoe" in pair), set())
    return grade(
        "yan and wim play, and nobody was seated with a ghost.",
        [
            (
                bool(haunted),
                f"{min(haunted, default='')} was seated with zoe, who is gone: wishes are taken "
                "in the order of their IDs, over all four streams. What must come first?",
            ),
            (not {"yan", "wim"} <= asked, "yan and wim must both ask for a game."),
            ("zoe" not in gone, "nobody has told the lobby that zoe is gone."),
            (pairs != [{"yan", "wim"}], "yan and wim have not met: let the hall listen."),
        ],
    )


def clean_up(client: redis.Redis, *prefixes: str) -> None:
    """Delete every key with one of these prefixes; without any, those of the exercises."""
    _clean_up(client, *(prefixes or (SALE, GHOST)))


def _wishes(clients: LobbyClients, stream: Topic) -> list[FindPublicGame | SessionDisconnected]:
    found = clients.read(stream)
    return [one for one in found if isinstance(one, FindPublicGame | SessionDisconnected)]


__all__ = ["check_ghost", "check_sale", "clean_up", "new_ghost", "seated", "sell", "wait_for"]
