"""The exercises of notebook 10, which are in `sale` and `meeting`, and its evening."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from exercises import judge
from exercises.judge import wait_for
from exercises.lobby_pictures import games, seated, strip
from exercises.meeting import MEET, check_meeting
from exercises.sale import SALE, check_sale
from go_game.lobby_clients import LobbyClients


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
    clients.listen()
    clients.note("lobby back")
    draw()
    clients.leave("ida")
    answer()
    return clients


def clean_up(client: redis.Redis, *prefixes: str) -> None:
    """Delete all keys with one of these prefixes; by default, those of the exercises."""
    judge.clean_up(client, *(prefixes or (SALE, MEET)))


__all__ = [
    "check_meeting",
    "check_sale",
    "clean_up",
    "evening",
    "games",
    "seated",
    "strip",
    "wait_for",
]
