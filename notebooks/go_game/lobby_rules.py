"""Who sits where: the lobby's decisions, pure.

A session has one seat at most: at a game that it opened and that waits for an opponent, or at a
game that is played. What a session asks for while it waits replaces what it waited for; a session
that plays has to disconnect first.

A request is its session and its req_id: sent again it gets no second answer, whatever the first one
was, and does nothing, also when the session has disconnected meanwhile.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from go_game.messages import (
    CreateGame,
    FindPublicGame,
    GameReady,
    GameState,
    JoinPrivateGame,
    Message,
    PrivateGameRejected,
    SessionDisconnected,
    Visibility,
    WaitForOpponent,
    event_id,
)
from go_game.rules import STANDARD, Game, Rules
from streamviz.client.entry_id import EntryId
from streamviz.errors import InputError

DEFAULT_SIZE = 19

NO_SUCH_GAME = "no game of that name waits for an opponent"
NOT_PRIVATE = "the game is public"
OWN_GAME = "you opened that game yourself"
PLAYS = "you play another game: disconnect first"

Wish = FindPublicGame | CreateGame | JoinPrivateGame | SessionDisconnected


def request_id(wish: FindPublicGame | CreateGame | JoinPrivateGame) -> str:
    """Return what a request is known by: the same request, the same ID, and always as long."""
    return event_id("request", wish.session_id, wish.req_id)


class Refused(InputError):
    """What a session asks for cannot be, and there is no stream to tell it so."""


@dataclass(frozen=True, slots=True)
class OpenGame:
    """A game that waits for its second player.

    Attributes
    ----------
    game_id, session_id, visibility, board_size
        What was opened, and by whom.
    since : EntryId
        The request that opened it: the oldest is filled first.
    """

    game_id: str
    session_id: str
    visibility: Visibility
    board_size: int
    since: EntryId


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a session sits, and the request that brought it there."""

    game_id: str
    req_id: str


@dataclass
class House:
    """The games that are open, and the seats of the sessions in question.

    Attributes
    ----------
    open : dict of str to OpenGame
        By the game's ID.
    seats : dict of str to Seat
        By the session's ID: of every session whose wishes are handled.
    games : set of str
        Which of the IDs in question belong to a game, open or not.
    decided : set of str
        Which of the requests in question were decided on before; see `request_id`.
    rules : Rules
        What new games are played by.
    """

    open: dict[str, OpenGame]
    seats: dict[str, Seat]
    games: set[str]
    decided: set[str]
    rules: Rules = STANDARD

    def copy(self, rules: Rules) -> House:
        """Return a house that is as this one, and changes by itself."""
        held = dict(self.open), dict(self.seats), set(self.games), set(self.decided)
        return House(*held, rules)

    def handle(self, wish: Wish, at: EntryId) -> list[Message]:
        """Do what a session asks for, and return what is to be said.

        Parameters
        ----------
        wish : Wish
            What it asks for.
        at : EntryId
            The ID of the entry that said so.

        Returns
        -------
        list of Message
            Empty if the same request was decided on before.

        Raises
        ------
        Refused
            If it cannot be; nothing has changed, but that the request is decided on.
        """
        if isinstance(wish, SessionDisconnected):
            self._leave(wish.session_id)
            self.seats.pop(wish.session_id, None)
            return []
        seat, request = self.seats.get(wish.session_id), request_id(wish)
        if request in self.decided or (seat and seat.req_id == wish.req_id):
            return []
        self.decided.add(request)
        return _WISHES[type(wish)](self, wish, at)

    def _find(self, wish: FindPublicGame, at: EntryId) -> list[Message]:
        own = self._waits_at(wish.session_id)
        self._must_not_play(wish.session_id)
        others = [
            one for one in self.open.values() if one.visibility == "PUBLIC" and one is not own
        ]
        if others:
            return self._seat(wish, min(others, key=lambda one: one.since))
        if own and own.visibility == "PUBLIC":
            return self._wait(wish, own)
        game_id = event_id("game", wish.session_id, wish.req_id, str(at))
        return self._open(wish, OpenGame(game_id, wish.session_id, "PUBLIC", DEFAULT_SIZE, at))

    def _create(self, wish: CreateGame, at: EntryId) -> list[Message]:
        self._must_not_play(wish.session_id)
        if wish.game_id in self.games:
            raise Refused(f"there was a game {wish.game_id!r} before: choose another ID, or none")
        game_id = wish.game_id or event_id("game", wish.session_id, wish.req_id, str(at))
        return self._open(
            wish, OpenGame(game_id, wish.session_id, wish.visibility, wish.board_size, at)
        )

    def _join(self, wish: JoinPrivateGame, at: EntryId) -> list[Message]:
        game = self.open.get(wish.game_id)
        reason = None
        if self._plays(wish.session_id):
            reason = PLAYS
        elif game is None:
            reason = NO_SUCH_GAME
        elif game.session_id == wish.session_id:
            reason = OWN_GAME
        elif game.visibility != "PRIVATE":
            reason = NOT_PRIVATE
        if game is None or reason is not None:
            event = event_id("rejected", wish.session_id, wish.req_id)
            about = wish.game_id, wish.session_id, wish.req_id, event
            return [PrivateGameRejected(*about, reason or NO_SUCH_GAME)]
        return self._seat(wish, game)

    def _open(self, wish: FindPublicGame | CreateGame, game: OpenGame) -> list[Message]:
        self._leave(wish.session_id)
        self.open[game.game_id] = game
        self.games.add(game.game_id)
        return self._wait(wish, game)

    def _wait(self, wish: FindPublicGame | CreateGame, game: OpenGame) -> list[Message]:
        self.seats[wish.session_id] = Seat(game.game_id, wish.req_id)
        event = event_id("wait", game.game_id, wish.req_id)
        about = game.game_id, wish.session_id, wish.req_id, event
        return [WaitForOpponent(*about, game.visibility, game.board_size)]

    def _seat(self, wish: FindPublicGame | JoinPrivateGame, game: OpenGame) -> list[Message]:
        self._leave(wish.session_id)
        del self.open[game.game_id]
        self.seats[wish.session_id] = Seat(game.game_id, wish.req_id)
        pair = [game.session_id, wish.session_id]
        black, white = pair if zlib.crc32(game.game_id.encode()) % 2 else reversed(pair)
        event = event_id("ready", game.game_id)
        ready = GameReady(game.game_id, wish.req_id, event, black, white, game.board_size)
        return [ready, GameState(game.game_id, Game.new(game.board_size, self.rules))]

    def _waits_at(self, session_id: str) -> OpenGame | None:
        seat = self.seats.get(session_id)
        return self.open.get(seat.game_id) if seat else None

    def _plays(self, session_id: str) -> bool:
        return session_id in self.seats and self._waits_at(session_id) is None

    def _must_not_play(self, session_id: str) -> None:
        if self._plays(session_id):
            raise Refused(f"{session_id}: {PLAYS}")

    def _leave(self, session_id: str) -> None:
        """Abandon the game that the session opened, if it still waits there."""
        own = self._waits_at(session_id)
        if own:
            del self.open[own.game_id]
            del self.seats[session_id]


_WISHES: dict[type, Callable[[House, Any, EntryId], list[Message]]] = {
    FindPublicGame: House._find,
    CreateGame: House._create,
    JoinPrivateGame: House._join,
}
