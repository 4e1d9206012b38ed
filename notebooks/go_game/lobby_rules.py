"""The lobby's decisions as pure functions: they seat sessions at games.

A session has at most one seat: at an open game of its own that waits for an opponent, or at a game
in play. A new request replaces the open game of a waiting session. A session in play must
disconnect first.

A session_id and a req_id identify a request. A repeated request gets no second answer and changes
nothing, even if the session has disconnected in the meantime.
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
from streamviz.client import EntryId
from streamviz.errors import InputError

DEFAULT_SIZE = 19

NO_SUCH_GAME = "no game of that name waits for an opponent"
NOT_PRIVATE = "the game is public"
OWN_GAME = "you opened that game yourself"
PLAYING = "you play another game: disconnect first"

Request = FindPublicGame | CreateGame | JoinPrivateGame | SessionDisconnected


def request_id(request: FindPublicGame | CreateGame | JoinPrivateGame) -> str:
    """Return the key of a request: the same request always gives the same key, of fixed length."""
    return event_id("request", request.session_id, request.req_id)


class Refused(InputError):
    """The lobby can't grant a request, and no topic exists for that answer."""


@dataclass(frozen=True, slots=True)
class OpenGame:
    """A game that waits for its second player.

    Attributes
    ----------
    game_id : str
        The game.
    session_id : str
        The session that opened it.
    visibility : {"PUBLIC", "PRIVATE"}
        Whether any session may join, or only those that know the game's ID.
    board_size : int
        Points along a side.
    since : EntryId
        The ID of the request that opened the game: the oldest game is filled first.
    """

    game_id: str
    session_id: str
    visibility: Visibility
    board_size: int
    since: EntryId


@dataclass(frozen=True, slots=True)
class Seat:
    """A session's game, and the request that seated the session there."""

    game_id: str
    req_id: str


@dataclass
class LobbyState:
    """The open games, and the seats of the sessions that have sent the current requests.

    Attributes
    ----------
    open : dict of str to OpenGame
        By game ID.
    seats : dict of str to Seat
        By session ID: the seats of all sessions whose requests are handled.
    games : set of str
        Those of the requested game IDs that have been used, for open games or others.
    decided : set of str
        Those of the current requests that were decided before; see `request_id`.
    rules : Rules
        The rules of new games.
    """

    open: dict[str, OpenGame]
    seats: dict[str, Seat]
    games: set[str]
    decided: set[str]
    rules: Rules = STANDARD

    def copy(self, rules: Rules) -> LobbyState:
        """Return an independent copy, with other rules for new games."""
        return LobbyState(
            dict(self.open), dict(self.seats), set(self.games), set(self.decided), rules
        )

    def handle(self, request: Request, entry_id: EntryId) -> list[Message]:
        """Decide a request, and return the answers.

        Parameters
        ----------
        request : Request
            The request.
        entry_id : EntryId
            The ID of its entry.

        Returns
        -------
        list of Message
            Empty if the same request was decided before.

        Raises
        ------
        Refused
            If the request can't be granted; it then counts as decided, and nothing else changes.
        """
        if isinstance(request, SessionDisconnected):
            self._abandon_open_game(request.session_id)
            self.seats.pop(request.session_id, None)
            return []
        seat, key = self.seats.get(request.session_id), request_id(request)
        if key in self.decided or (seat and seat.req_id == request.req_id):
            return []
        self.decided.add(key)
        return _HANDLERS[type(request)](self, request, entry_id)

    def _find(self, request: FindPublicGame, entry_id: EntryId) -> list[Message]:
        own = self._open_game_of(request.session_id)
        self._refuse_if_playing(request.session_id)
        others = [
            one for one in self.open.values() if one.visibility == "PUBLIC" and one is not own
        ]
        if others:
            return self._seat(request, min(others, key=lambda one: one.since))
        if own and own.visibility == "PUBLIC":
            return self._wait(request, own)
        game_id = event_id("game", request.session_id, request.req_id, str(entry_id))
        return self._open(
            request, OpenGame(game_id, request.session_id, "PUBLIC", DEFAULT_SIZE, entry_id)
        )

    def _create(self, request: CreateGame, entry_id: EntryId) -> list[Message]:
        self._refuse_if_playing(request.session_id)
        if request.game_id in self.games:
            raise Refused(
                f"the game ID {request.game_id!r} was used before: choose another ID, or none"
            )
        game_id = request.game_id or event_id(
            "game", request.session_id, request.req_id, str(entry_id)
        )
        return self._open(
            request,
            OpenGame(game_id, request.session_id, request.visibility, request.board_size, entry_id),
        )

    def _join(self, request: JoinPrivateGame, entry_id: EntryId) -> list[Message]:
        game = self.open.get(request.game_id)
        reason = None
        if self._is_playing(request.session_id):
            reason = PLAYING
        elif game is None:
            reason = NO_SUCH_GAME
        elif game.session_id == request.session_id:
            reason = OWN_GAME
        elif game.visibility != "PRIVATE":
            reason = NOT_PRIVATE
        if game is None or reason is not None:
            event = event_id("rejected", request.session_id, request.req_id)
            about = request.game_id, request.session_id, request.req_id, event
            return [PrivateGameRejected(*about, reason or NO_SUCH_GAME)]
        return self._seat(request, game)

    def _open(self, request: FindPublicGame | CreateGame, game: OpenGame) -> list[Message]:
        self._abandon_open_game(request.session_id)
        self.open[game.game_id] = game
        self.games.add(game.game_id)
        return self._wait(request, game)

    def _wait(self, request: FindPublicGame | CreateGame, game: OpenGame) -> list[Message]:
        self.seats[request.session_id] = Seat(game.game_id, request.req_id)
        event = event_id("wait", game.game_id, request.req_id)
        about = game.game_id, request.session_id, request.req_id, event
        return [WaitForOpponent(*about, game.visibility, game.board_size)]

    def _seat(self, request: FindPublicGame | JoinPrivateGame, game: OpenGame) -> list[Message]:
        self._abandon_open_game(request.session_id)
        del self.open[game.game_id]
        self.seats[request.session_id] = Seat(game.game_id, request.req_id)
        pair = [game.session_id, request.session_id]
        black, white = pair if zlib.crc32(game.game_id.encode()) % 2 else reversed(pair)
        event = event_id("ready", game.game_id)
        ready = GameReady(game.game_id, request.req_id, event, black, white, game.board_size)
        return [ready, GameState(game.game_id, Game.new(game.board_size, self.rules))]

    def _open_game_of(self, session_id: str) -> OpenGame | None:
        seat = self.seats.get(session_id)
        return self.open.get(seat.game_id) if seat else None

    def _is_playing(self, session_id: str) -> bool:
        return session_id in self.seats and self._open_game_of(session_id) is None

    def _refuse_if_playing(self, session_id: str) -> None:
        if self._is_playing(session_id):
            raise Refused(f"{session_id}: {PLAYING}")

    def _abandon_open_game(self, session_id: str) -> None:
        """Delete the open game of a session that still waits for an opponent."""
        own = self._open_game_of(session_id)
        if own:
            del self.open[own.game_id]
            del self.seats[session_id]


_HANDLERS: dict[type, Callable[[LobbyState, Any, EntryId], list[Message]]] = {
    FindPublicGame: LobbyState._find,
    CreateGame: LobbyState._create,
    JoinPrivateGame: LobbyState._join,
}
