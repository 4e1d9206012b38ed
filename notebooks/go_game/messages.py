"""The messages of the game, each a frozen record, and JSON on the streams.

The streams and the fields are listed in `go_game`. What comes in is checked before anything
is done with it: a message that is not one of these is never guessed at.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, get_args
from uuid import UUID, uuid5

from go_game import validation
from go_game.rules import Coord, Game, Player
from go_game.validation import BadMessage
from streamviz.errors import InputError

FIELD = "data"
LIMIT_BYTES = 10_000_000
STATE_LIMIT_BYTES = 1_000_000  # a game of `go_game.rules.MOVES_LIMIT` moves needs less

Visibility = Literal["PUBLIC", "PRIVATE"]
_SPACE = UUID("6f1d3a52-0c1e-5b0e-9a3b-6f0000000190")


class Stream(StrEnum):
    """The streams, without their prefix."""

    MAKE_MOVE = "make-move"
    MOVE_MADE = "move-made"
    MOVE_REJECTED = "move-rejected"
    GAME_STATES = "game-states"
    FIND_PUBLIC_GAME = "find-public-game"
    CREATE_GAME = "create-game"
    JOIN_PRIVATE_GAME = "join-private-game"
    SESSION_DISCONNECTED = "session-disconnected"
    WAIT_FOR_OPPONENT = "wait-for-opponent"
    GAME_READY = "game-ready"
    PRIVATE_GAME_REJECTED = "private-game-rejected"


@dataclass(frozen=True, slots=True)
class MakeMove:
    """Somebody wants to move (``make-move``); `coord` None is a pass."""

    game_id: str
    req_id: str
    player: Player
    coord: Coord | None


@dataclass(frozen=True, slots=True)
class MoveMade:
    """A move was legal, and what it took off the board (``move-made``)."""

    game_id: str
    reply_to: str
    event_id: str
    player: Player
    coord: Coord | None
    captured: tuple[Coord, ...]


@dataclass(frozen=True, slots=True)
class MoveRejected:
    """A move was not legal, and why (``move-rejected``)."""

    game_id: str
    reply_to: str
    player: Player
    coord: Coord | None
    reason: str


@dataclass(frozen=True, slots=True)
class GameState:
    """A game as it is after a move (``game-states``)."""

    game_id: str
    game: Game


@dataclass(frozen=True, slots=True)
class FindPublicGame:
    """A session wants to play, whoever it is against (``find-public-game``)."""

    session_id: str
    req_id: str


@dataclass(frozen=True, slots=True)
class CreateGame:
    """A session opens a game of its own (``create-game``); without `game_id` one is chosen."""

    session_id: str
    req_id: str
    visibility: Visibility
    board_size: int
    game_id: str | None = None


@dataclass(frozen=True, slots=True)
class JoinPrivateGame:
    """A session wants a seat at a private game (``join-private-game``)."""

    session_id: str
    req_id: str
    game_id: str


@dataclass(frozen=True, slots=True)
class SessionDisconnected:
    """A session is gone (``session-disconnected``)."""

    session_id: str


@dataclass(frozen=True, slots=True)
class WaitForOpponent:
    """A game is open, and its first seat taken (``wait-for-opponent``)."""

    game_id: str
    session_id: str
    reply_to: str
    event_id: str
    visibility: Visibility
    board_size: int


@dataclass(frozen=True, slots=True)
class GameReady:
    """Both seats are taken, and who plays which colour (``game-ready``)."""

    game_id: str
    reply_to: str
    event_id: str
    black: str
    white: str
    board_size: int


@dataclass(frozen=True, slots=True)
class PrivateGameRejected:
    """There is no seat for that session at that game (``private-game-rejected``)."""

    game_id: str
    session_id: str
    reply_to: str
    event_id: str
    reason: str


Message = (
    MakeMove
    | MoveMade
    | MoveRejected
    | GameState
    | FindPublicGame
    | CreateGame
    | JoinPrivateGame
    | SessionDisconnected
    | WaitForOpponent
    | GameReady
    | PrivateGameRejected
)

_KINDS: dict[Stream, type[Any]] = dict(zip(Stream, get_args(Message), strict=True))
_STREAMS = {kind: stream for stream, kind in _KINDS.items()}


def stream_of(message: Message) -> Stream:
    """Return the stream that a message belongs on."""
    return _STREAMS[type(message)]


def event_id(*of: str) -> str:
    """Return the ID of what follows from a request: the same request, the same ID."""
    return str(uuid5(_SPACE, json.dumps(of)))


def encode(message: Message) -> str:
    """Return a message as the JSON text that goes into the field ``data``."""
    if isinstance(message, GameState):
        return _text({"game_id": message.game_id, **message.game.to_dict()})
    return _text(
        {field.name: _plain(getattr(message, field.name)) for field in dataclasses.fields(message)}
    )


def decode(stream: str, fields: Mapping[str, str]) -> Message:
    """Return the message of an entry.

    Parameters
    ----------
    stream : str
        Which stream it came from, without the prefix.
    fields : mapping of str to str
        The entry's fields.

    Raises
    ------
    BadMessage
        If it has no field ``data``, is larger than 10 MB (a state: 1 MB), is not JSON, or is not a
        message of that stream.
    """
    return _read(_KINDS[Stream(stream)], parsed(stream, fields))


def parsed(stream: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON object of an entry, as it came.

    Raises
    ------
    BadMessage
        If there is none, or it is too large.
    """
    data = fields.get(FIELD)
    if data is None:
        named = ", ".join(sorted(fields))[:100]
        raise BadMessage(f"the entry has no field {FIELD!r} but {named}: put the JSON there")
    limit = STATE_LIMIT_BYTES if stream == Stream.GAME_STATES else LIMIT_BYTES
    size = len(data.encode("utf-8", "surrogateescape")) if len(data) * 4 > limit else 0
    if size > limit:
        raise BadMessage(f"{size} bytes: send {limit} at most")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"{data[:60]!r} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadMessage(f"{data[:60]!r} is not a JSON object: send one with the fields' names")
    return found


def _read(kind: type[Any], found: dict[str, Any]) -> Message:
    if kind is GameState:
        return _state(found)
    values = {}
    for field in dataclasses.fields(kind):
        if found.get(field.name) is None and field.default is None:
            continue  # the one field that may be left out: the ID of a game to open
        if field.name not in found:
            raise BadMessage(f"the field {field.name!r} is missing: send it, too")
        check: validation.Check = validation.OF.get(field.name, validation.name)
        values[field.name] = check(field.name, found[field.name])
    made: Message = kind(**values)
    return made


def _state(found: dict[str, Any]) -> GameState:
    if "game_id" not in found:
        raise BadMessage("the field 'game_id' is missing: send it, too")
    game_id = validation.name("game_id", found["game_id"])
    try:
        return GameState(game_id, Game.from_dict(found))
    except InputError as error:
        raise BadMessage(str(error)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Coord):
        return value._asdict()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
