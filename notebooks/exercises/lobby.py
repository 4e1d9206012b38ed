"""The exercises of notebook 10: sell each seat once, and do not seat a player who has left."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import redis

from exercises import judge
from exercises.boxes import Lost, boxes
from exercises.hints import hinted, misfit
from exercises.interrupted import EndlessLoop, interrupted
from exercises.judge import wait_for
from exercises.picture import Picture
from exercises.verdict import Verdict, grade
from go_game.lobby_clients import LobbyClients
from go_game.messages import FindPublicGame, GameReady, SessionDisconnected, Topic, decode
from streamviz.client.stream import Stream

SALE, GHOST = "sale:", "ghost:"
_SEATS, _BUYERS = 12, 4
_TIMEOUT_S, _ARRIVAL_S, _TURN_S = 60, 3, 0.2
_HINT = f"{SALE}hint"
_STUCK = (
    "one buyer waited for another inside your Python code. A lock there works in one process "
    "only, and buyers are in many: let Redis decide."
)

Take = Callable[[redis.Redis, str, str], Any]


class _Turns:
    """Stop each of four buyers of a seat before one of its commands; then let them go on in turn.

    Parameters
    ----------
    before : int
        The number of that command, from 1; with 0, no buyer is stopped.
    """

    def __init__(self, before: int) -> None:
        self._before = before
        self._changed = threading.Condition()
        self._stopped: set[int] = set()
        self._done: set[int] = set()
        self.stuck = False

    def stop(self, buyer: int, command: int) -> None:
        """Before the given command, wait until all have stopped and all earlier buyers are done."""
        if command == self._before:
            with self._changed:
                self._stopped.add(buyer)
                self._changed.notify_all()
                if self._changed.wait_for(self._have_all_arrived, _ARRIVAL_S):
                    self._changed.wait_for(lambda: self._is_next(buyer), _TURN_S)
                else:
                    self.stuck = True

    def finish(self, buyer: int) -> None:
        """Let the next buyer go on."""
        with self._changed:
            self._done.add(buyer)
            self._changed.notify_all()

    def _is_next(self, buyer: int) -> bool:
        return self._done >= set(range(buyer))

    def _have_all_arrived(self) -> bool:
        return self.stuck or len(self._stopped | self._done) == _BUYERS


def evening(
    clients: LobbyClients, show: Callable[[], object] | None = None, pause_s: float = 2.0
) -> LobbyClients:
    """Let nine players use a lobby, and return its clients; dee's game, ``attic``, is private.

    Parameters
    ----------
    clients : LobbyClients
        New clients of a lobby.
    show : callable, optional
        For a live show: called after each event, followed by a pause.
    pause_s : float
        The pause, in seconds.
    """

    def draw() -> None:
        if show is not None:
            show()
            time.sleep(pause_s)

    def answer() -> None:
        clients.listen()
        draw()

    for session in ("ann", "ben", "cy"):
        clients.find(session)
        answer()
    clients.create("dee", "PRIVATE", 9, "attic")
    answer()
    clients.find("eve")
    answer()
    for game in ("cellar", "attic"):
        clients.join("fay", game)
        answer()
    clients.leave("ann")
    answer()
    clients.note("lobby away")
    for session in ("gus", "hal", "ida"):
        clients.find(session)
        draw()
    clients.note("lobby back")
    answer()
    clients.leave("ida")
    answer()
    return clients


def seated(client: redis.Redis, prefix: str) -> Counter[str]:
    """Return the number of games that each session was seated at."""
    games: Counter[str] = Counter()
    for entry in Stream(client, f"{prefix}{Topic.GAME_READY}").range():
        ready = decode(Topic.GAME_READY, entry.fields)
        if isinstance(ready, GameReady):
            games.update((ready.black, ready.white))
    return games


def games(client: redis.Redis, prefix: str, waiting: str = "") -> Picture:
    """Draw who asked for a game, in this order, who of them has left, and who plays whom.

    `waiting` is who waits for an opponent, of a lobby that remembers only one.
    """

    def messages(topic: Topic) -> list[Any]:
        entries = Stream(client, f"{prefix}{topic}").range()
        return [decode(topic, entry.fields) for entry in entries]

    left = {one.session_id for one in messages(Topic.SESSION_DISCONNECTED)}
    asked = [one.session_id for one in messages(Topic.FIND_PUBLIC_GAME)]
    rows = {"asked": [Lost(who) if who in left else who for who in asked]}
    if waiting:
        rows["waiting"] = [waiting]
    for number, one in enumerate(messages(Topic.GAME_READY), 1):
        rows[f"game {number}"] = [one.black, one.white]
    return boxes(rows)


def sell(client: redis.Redis, take: Take) -> None:
    """Let four buyers at once try to take each of twelve seats, with one handler.

    A network may deliver their commands in any order. For a quarter of the seats, the order is left
    to chance. For the others, all four stop before their first, second or third command, and then
    go on one after the other.

    Parameters
    ----------
    client : redis.Redis
        The server.
    take : callable
        Called with a client, a seat and a buyer, in several threads at a time. It returns true to
        promise the seat to the buyer.
    """
    clean_up(client)
    if hint := misfit(take, "client", "seat", "buyer"):
        client.set(_HINT, hint)
        return
    promises = Stream(client, f"{SALE}promises")
    start = threading.Barrier(_BUYERS)
    turns = [_Turns(number % 4) for number in range(_SEATS)]

    def buy(buyer: int) -> None:
        for number, turn in enumerate(turns):
            start.wait(_TIMEOUT_S)
            try:
                with interrupted(client, partial(turn.stop, buyer)) as slow:
                    if not any(one.stuck for one in turns) and take(
                        slow, f"seat-{number}", f"buyer-{buyer}"
                    ):
                        promises.add({"seat": f"seat-{number}", "buyer": f"buyer-{buyer}"})
            except BaseException:
                start.abort()
                raise
            finally:
                turn.finish(buyer)

    with ThreadPoolExecutor(_BUYERS) as pool:
        futures = [pool.submit(buy, buyer) for buyer in range(_BUYERS)]
    errors = [error for future in futures if (error := future.exception())]
    if any(turn.stuck for turn in turns):
        client.set(_HINT, _STUCK)
    for error in sorted(errors, key=lambda one: isinstance(one, threading.BrokenBarrierError)):
        if not isinstance(error, EndlessLoop):
            raise error
        client.set(_HINT, f"{error}.")
        return


@hinted("`sale:seats` must be a hash: run the whole cell again.")
def check_sale(client: redis.Redis) -> Verdict:
    """Grade exercise 1: each seat was promised to one buyer, who is its owner in Redis."""
    hint: Any = client.get(_HINT)
    if hint:
        return Verdict(False, hint.decode())
    entries = Stream(client, f"{SALE}promises").range()
    sold = Counter(entry.fields["seat"] for entry in entries)
    owners = {seat.decode(): who.decode() for seat, who in client.hgetall(f"{SALE}seats").items()}  # type: ignore[union-attr]
    wrong = [one for one in entries if owners.get(one.fields["seat"]) != one.fields["buyer"]]
    return grade(
        "twelve seats were sold, each to one buyer, although four wanted it at the same time.",
        [
            (not sold, "no seat was sold: does take() return true if the buyer gets the seat?"),
            (
                any(count > 1 for count in sold.values()),
                "a seat was sold more than once: another buyer came between two of your commands. "
                "Which single command checks and takes?",
            ),
            (len(sold) < _SEATS, "not all seats were sold: one of the four must get each."),
            (bool(wrong), "the owner in the hash sale:seats is not the buyer who got the promise."),
        ],
    )


def new_ghost(client: redis.Redis) -> LobbyClients:
    """Return clients of which zoe waits for an opponent; her browser was closed without notice."""
    judge.clean_up(client, GHOST)
    clients = LobbyClients(client, GHOST, every_ms=1000)
    clients.find("zoe")
    clients.listen()
    return clients


def _ghost_games(clients: LobbyClients) -> Picture:
    return games(clients.client, GHOST)


@hinted("a stream of the lobby is missing: start again with new_ghost.", _ghost_games)
def check_ghost(clients: LobbyClients) -> Verdict:
    """Grade exercise 2: yan plays wim, and zoe plays no one."""
    pairs = [
        {one.black, one.white}
        for one in clients.read(Topic.GAME_READY)
        if isinstance(one, GameReady)
    ]
    searching = {one.session_id for one in _requests(clients, Topic.FIND_PUBLIC_GAME)}
    disconnected = {one.session_id for one in _requests(clients, Topic.SESSION_DISCONNECTED)}
    haunted = next((pair - {"zoe"} for pair in pairs if "zoe" in pair), set())
    return grade(
        "yan and wim play each other, and neither was seated with zoe, who has left.",
        [
            (
                bool(haunted),
                f"{min(haunted, default='')} was seated with zoe, who has left: the lobby handles "
                "requests in the order of their IDs, across all four streams. What must come "
                "first?",
            ),
            (
                not {"yan", "wim"} <= searching,
                "yan and wim must both ask for a public game (find).",
            ),
            ("zoe" not in disconnected, "the lobby was not told that zoe has left."),
            (pairs != [{"yan", "wim"}], "yan and wim have not met: let the lobby listen."),
        ],
    )


def clean_up(client: redis.Redis, *prefixes: str) -> None:
    """Delete all keys with one of these prefixes; by default, those of the exercises."""
    judge.clean_up(client, *(prefixes or (SALE, GHOST)))


def _requests(clients: LobbyClients, topic: Topic) -> list[FindPublicGame | SessionDisconnected]:
    messages = clients.read(topic)
    return [one for one in messages if isinstance(one, FindPublicGame | SessionDisconnected)]


__all__ = [
    "check_ghost",
    "check_sale",
    "clean_up",
    "games",
    "new_ghost",
    "seated",
    "sell",
    "wait_for",
]
